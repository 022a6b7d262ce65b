# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The objects that a list names, in detail: every id is answered, or nothing is returned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    DATA_NOT_FOUND,
    PARAMETER_ERROR,
    IncompleteListError,
    PbxRefusedError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.listing import Row
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.session import Session
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.shapes import (
    parse_integer,
    parse_object,
    parse_optional_integer,
    parse_rows,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.transport import Call

# The vendor documents no maximum of ids for a query; both bounds keep the URL under 2,000 characters.
_QUERY_IDS = 100
_QUERY_CHARACTERS = 1500


class DetailReader:
    """Reads objects of one kind by their ids.

    :param family: where the calls for this kind are, e.g. ``extension`` for extension/get and extension/query.
    :param noun: what such an object is called in a message.
    :param key: under which get answers the object.
    """

    def __init__(self, session: Session, family: str, noun: str, key: str = "data") -> None:
        self._session = session
        self._family = family
        self._noun = noun
        self._key = key

    def read(self, object_id: int) -> Row:
        """Read the object with this id.

        :raises PbxRefusedError: if the PBX refuses it, for example because there is none.
        :raises IncompleteListError: if the PBX shows another object.
        """
        endpoint = f"{self._family}/get"
        call = Call(endpoint, f"show the {self._noun} with id {object_id}", query={"id": str(object_id)})
        detail = parse_object(self._session.read(call), self._key, endpoint)
        shown = detail.get("id")
        if shown is not None and parse_integer(shown, f"id of an {self._noun}") != object_id:
            raise IncompleteListError(f"Asked for the {self._noun} with id {object_id}, the PBX showed {shown}.")
        return {**detail, "id": object_id}

    def find(self, object_id: int, is_listed: Callable[[], bool]) -> Row | None:
        """Read the object with this id; None if there is none.

        PBXs may answer an unknown id with 40002 as well as 60001; as 40002 may mean something else too, the whole
        list decides then.

        :param is_listed: reads the whole list and tells whether it has this id.
        :raises IncompleteListError: if the PBX shows another object, or that list is not proved complete.
        """
        try:
            return self.read(object_id)
        except PbxRefusedError as error:
            if error.errcode == DATA_NOT_FOUND:
                return None
            if error.errcode != PARAMETER_ERROR or is_listed():
                raise
            return None

    def read_all(self, object_ids: Sequence[int]) -> dict[int, Row]:
        """Read these objects, every one of them; see ``each``."""
        return dict(self.each(object_ids))

    def each(self, object_ids: Sequence[int]) -> Iterator[tuple[int, Row]]:
        """Read these objects batch by batch, every one of them, each with its id.

        A batch that is refused is halved: the PBX may limit the ids in one call, or refuse an unknown id. Ids that
        are missing from an answer are asked for one by one, and if they exist, batches are no longer than what
        was answered.

        :raises IncompleteListError: if one of them is gone meanwhile.
        """
        size, begin = _QUERY_IDS, 0
        while begin < len(object_ids):
            batch = _fitting(object_ids[begin : begin + size])
            try:
                answered = self._query(batch) if size > 1 else {}
            except PbxRefusedError:
                size = max(1, len(batch) // 2)
                continue
            for object_id in batch:
                yield object_id, answered[object_id] if object_id in answered else self._read_listed(object_id)
            if len(answered) < len(batch):
                size = max(1, len(answered))
            begin += len(batch)

    def _query(self, object_ids: Sequence[int]) -> dict[int, Row]:
        endpoint = f"{self._family}/query"
        ids = ",".join(str(object_id) for object_id in object_ids)
        answer = self._session.read(Call(endpoint, f"show its {self._noun}s", query={"ids": ids}))
        rows = parse_rows(answer, "data", endpoint)
        answered: dict[int | None, Row] = {}
        for row in rows:
            object_id = parse_optional_integer(row.get("id"))
            if object_id is not None and object_id in answered:
                raise IncompleteListError(f"The PBX's {endpoint} gave the {self._noun} with id {object_id} twice.")
            answered[object_id] = row
        return {object_id: answered[object_id] for object_id in object_ids if object_id in answered}

    def _read_listed(self, object_id: int) -> Row:
        try:
            return self.read(object_id)
        except PbxRefusedError as error:
            if error.errcode not in (DATA_NOT_FOUND, PARAMETER_ERROR):
                raise
        raise IncompleteListError(
            f"The {self._noun} with id {object_id} was in the PBX's list and is gone: the list changed while it was "
            "read.",
            f"Run again when nobody is changing {self._noun}s.",
        )


def _fitting(object_ids: Sequence[int]) -> list[int]:
    """The leading ids, at least one, that fit into the length of a URL."""
    length = 0
    for count, object_id in enumerate(object_ids):
        length += len(str(object_id)) + 1
        if length > _QUERY_CHARACTERS and count:
            return list(object_ids[:count])
    return list(object_ids)
