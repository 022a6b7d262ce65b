# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Which extensions are in use (vendor's pages "Query Calls" and "Query Queue List")."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    ACCESS_DENIED,
    DATA_NOT_FOUND,
    INTERFACE_NOT_EXISTED,
    PARAMETER_ERROR,
    IncompleteListError,
    PbxAnswerError,
    PbxError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.listing import Listing, Row
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.session import Session
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.shapes import parse_rows, parse_text
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.transport import Call
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import LiveUse

_CALLS = "call/query"
#: Every call is of one of these types; the PBX wants one of them named.
_CALL_TYPES = ("inbound", "outbound", "internal")
#: What a member of a call is that has hung up, while others may talk on.
_HUNG_UP = "BYE"
_QUEUES = "queue/list"
_QUEUE_LIST = "queue_list"
#: Static agents are always in the queue; dynamic ones log in and out, and may do so at any moment.
_AGENT_LISTS = ("static_agent_list", "dynamic_agent_list")
#: The firmware lacks the call, the application may not make it, or the firmware lacks a type of calls. Other
#: calls may be answered all the same.
_NOT_ANSWERED = (INTERFACE_NOT_EXISTED, ACCESS_DENIED, PARAMETER_ERROR)


class LiveUseReader:
    """Reads which extensions are in use.

    :param listing: reads the list of queues; it is not to be shared, since a refused page makes its pages smaller.
    """

    def __init__(self, session: Session, listing: Listing) -> None:
        self._session = session
        self._listing = listing

    def read(self) -> LiveUse:
        """Ask for the calls of every type and for the queues.

        :raises PbxAnswerError: if a call or an agent comes without the number of its extension.
        :raises IncompleteListError: if the list of queues is not proved complete.
        """
        calls = [_answered(partial(self._calls, call_type)) for call_type in _CALL_TYPES]
        queues = _answered(self._queues)
        return LiveUse(
            in_call=frozenset(number for rows in calls for row in rows or () for number in _numbers_in_call(row)),
            agents=frozenset(number for row in queues or () for number in _numbers_of_agents(row)),
            unknown=tuple(
                endpoint for endpoint, is_unknown in ((_CALLS, None in calls), (_QUEUES, queues is None)) if is_unknown
            ),
        )

    def _calls(self, call_type: str) -> list[Row]:
        answer = self._session.read(Call(_CALLS, f"tell its {call_type} calls", query={"type": call_type}))
        return _rows(answer, "data", _CALLS)

    def _queues(self) -> list[Row]:
        try:
            return self._list_queues()
        except IncompleteListError:
            # A queue may have been added or deleted between two pages.
            return self._list_queues()

    def _list_queues(self) -> list[Row]:
        # That this list can be sorted by number is known from other clients; of id it is not.
        order = {"sort_by": "number"}
        return self._listing.rows(_QUEUES, "queue", "list its queues", order, _QUEUE_LIST)


def _answered(ask: Callable[[], list[Row]]) -> list[Row] | None:
    """Return what a call answers; None where this PBX does not answer it."""
    try:
        return ask()
    except PbxError as error:
        if error.errcode == DATA_NOT_FOUND:
            # Some firmware says so where there is nothing to list.
            return []
        if error.errcode in _NOT_ANSWERED:
            return None
        raise


def _rows(answer: Row, key: str, endpoint: str) -> list[Row]:
    """Read an array of objects; null is an empty one."""
    return [] if key in answer and answer[key] is None else parse_rows(answer, key, endpoint)


def _numbers_in_call(call: Row) -> Iterator[str]:
    """The numbers of the extensions in a call; its other members are trunks."""
    for member in _rows(call, "members", _CALLS):
        extension = member.get("extension")
        if extension is None:
            continue
        if not isinstance(extension, Mapping):
            raise PbxAnswerError(f"The PBX's answer to {_CALLS} has an extension that is no object.")
        if parse_text(extension.get("member_status")).upper() != _HUNG_UP:
            yield _number(extension, "number", _CALLS)


def _numbers_of_agents(queue: Row) -> Iterator[str]:
    for key in _AGENT_LISTS:
        for agent in _rows(queue, key, _QUEUES):
            yield _number(agent, "text2", _QUEUES)


def _number(row: Row, key: str, endpoint: str) -> str:
    number = parse_text(row.get(key)).strip()
    if not number:
        raise PbxAnswerError(f"The PBX's answer to {endpoint} has an extension without {key}.")
    return number
