# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Extensions as the PBX shows them: every id of the list is answered, or nothing is returned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    DATA_NOT_FOUND,
    PARAMETER_ERROR,
    IncompleteListError,
    PbxRefusedError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.listing import Listing, Row, rows_by_id
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.session import Session
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.shapes import (
    OrganizationShape,
    parse_extension,
    parse_integer,
    parse_object,
    parse_optional_integer,
    parse_rows,
    parse_text,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.transport import Call
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.model import Extension

# The vendor documents no maximum of ids for extension/query; both bounds keep the URL under 2,000 characters.
_QUERY_IDS = 100
_QUERY_CHARACTERS = 1500


class ExtensionReader:
    """Reads extensions.

    :param listing: reads the lists.
    :param organization_shape: learns from what is read how this PBX writes organizations.
    """

    def __init__(self, session: Session, listing: Listing, organization_shape: OrganizationShape) -> None:
        self._session = session
        self._listing = listing
        self._organization_shape = organization_shape

    def read_all(self) -> list[Extension]:
        """Read all extensions with their managed fields.

        If the list changed while it was read, all of it is read once more.

        :raises IncompleteListError: if what came is not proved complete.
        """
        try:
            return self._read_list()
        except IncompleteListError:
            return self._read_list()

    def read_one(self, extension_id: int) -> Extension | None:
        """Read one extension; None if there is none with this id.

        PBXs may answer an unknown id with 40002 as well as 60001; as 40002 may mean something else too, the whole
        list decides then.

        :raises IncompleteListError: if the PBX shows another extension, or that list is not proved complete.
        """
        try:
            return self._get(extension_id)
        except PbxRefusedError as error:
            if error.errcode == DATA_NOT_FOUND:
                return None
            if error.errcode != PARAMETER_ERROR or extension_id in rows_by_id(self._list_rows()):
                raise
            return None

    def find_by_number(self, number: str, must_exist: bool) -> Extension | None:
        """Find an extension by its exact number.

        :param must_exist: look through the whole list if the search, whose columns are not documented, finds none.
        :raises IncompleteListError: if a list that was looked through is not proved complete.
        """
        search = self._listing.rows("extension/search", f"look for extension {number}", {"search_value": number})
        found = self._with_number(search, number)
        if found is None and must_exist:
            found = self._with_number(self._list_rows(), number)
        return found

    def _read_list(self) -> list[Extension]:
        rows = rows_by_id(self._list_rows())
        details = self._details(list(rows))
        return [self._parse(details[extension_id], row) for extension_id, row in rows.items()]

    def _get(self, extension_id: int) -> Extension:
        detail = self._get_detail(extension_id)
        # Where the number is not part of the detail, it is in the list.
        row = {} if detail.get("number") else rows_by_id(self._list_rows()).get(extension_id, {})
        return self._parse(detail, row)

    def _get_detail(self, extension_id: int) -> Row:
        endpoint = "extension/get"
        call = Call(endpoint, f"show the extension with id {extension_id}", query={"id": str(extension_id)})
        detail = parse_object(self._session.read(call), "data", endpoint)
        answered = parse_optional_integer(detail.get("id"))
        if answered not in (None, extension_id):
            raise IncompleteListError(f"Asked for the extension with id {extension_id}, the PBX showed {answered}.")
        return {**detail, "id": extension_id}

    def _parse(self, detail: Row, row: Row) -> Extension:
        extension = parse_extension(detail, row)
        self._organization_shape.learn(detail.get("organization_list"))
        return extension

    def _list_rows(self) -> list[Row]:
        return self._listing.rows("extension/list", "list its extensions", {})

    def _details(self, extension_ids: Sequence[int]) -> dict[int, Row]:
        """Read the details of these extensions, every one of them.

        A batch that is refused is halved: the PBX may limit the ids in one call, or refuse an unknown id. Ids that
        are missing from an answer are asked for one by one, and if they exist, batches are no longer than what
        was answered.

        :raises IncompleteListError: if one of them is gone meanwhile.
        """
        details: dict[int, Row] = {}
        pending = list(extension_ids)
        size = _QUERY_IDS
        while pending:
            batch = _fitting(pending[:size])
            try:
                answered = self._query(batch) if size > 1 else {}
            except PbxRefusedError:
                size = max(1, len(batch) // 2)
                continue
            missing = [extension_id for extension_id in batch if extension_id not in answered]
            details.update(answered)
            details.update((extension_id, self._existing_detail(extension_id)) for extension_id in missing)
            if missing:
                size = max(1, len(answered))
            pending = pending[len(batch) :]
        return details

    def _query(self, extension_ids: Sequence[int]) -> dict[int, Row]:
        endpoint = "extension/query"
        ids = ",".join(str(extension_id) for extension_id in extension_ids)
        answer = self._session.read(Call(endpoint, "show its extensions", query={"ids": ids}))
        answered = {parse_optional_integer(row.get("id")): row for row in parse_rows(answer, "data", endpoint)}
        return {extension_id: answered[extension_id] for extension_id in extension_ids if extension_id in answered}

    def _existing_detail(self, extension_id: int) -> Row:
        try:
            return self._get_detail(extension_id)
        except PbxRefusedError as error:
            if error.errcode not in (DATA_NOT_FOUND, PARAMETER_ERROR):
                raise
        raise IncompleteListError(
            f"The extension with id {extension_id} was in the PBX's list and is gone: the list changed while it was "
            "read.",
            "Run again when nobody is changing extensions.",
        )

    def _with_number(self, rows: Iterable[Row], number: str) -> Extension | None:
        """Find the row with exactly this number; a row without any is looked up in detail."""
        for row in rows:
            if parse_text(row.get("number")) in (number, ""):
                detail = self._get_detail(parse_integer(row.get("id"), "id of an extension"))
                extension = self._parse(detail, row)
                if extension.number == number:
                    return extension
        return None


def _fitting(extension_ids: Sequence[int]) -> list[int]:
    """The leading ids, at least one, that fit into the length of a URL."""
    length = 0
    for count, extension_id in enumerate(extension_ids):
        length += len(str(extension_id)) + 1
        if length > _QUERY_CHARACTERS and count:
            return list(extension_ids[:count])
    return list(extension_ids)
