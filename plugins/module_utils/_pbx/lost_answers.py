# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""A write whose answer was lost: the PBX is asked what became of it before it is sent again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    DATA_NOT_FOUND,
    PARAMETER_ERROR,
    AnswerLostError,
    PbxError,
    PbxRefusedError,
    PbxUnreachableError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.session import ATTEMPTS, Session
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.shapes import parse_optional_integer
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.transport import Call

#: The JSON object that answers a call.
Answer = dict[str, Any]


def write_until_known(session: Session, call: Call, ask: Callable[[bool], Answer | None]) -> Answer:
    """Send a write; after a lost answer ask whether it was done, and only if not, send it again.

    Once an answer was lost, an earlier copy of the call may still be at work. So a refusal of a later copy (the
    number exists by now, say) is looked into before it is believed, and whatever else ends the attempts leaves
    the outcome unknown.

    :param ask: takes whether the object is believed to exist, returns the answer as it would have been, or None
        if the PBX shows that it was not done.
    :raises PbxRefusedError: if the PBX refuses it, or ``ask`` finds that it cannot be done.
    :raises AnswerLostError: if it is not known whether it was done.
    """
    lost = False
    for attempt in range(ATTEMPTS):
        session.pause(attempt)
        failure: PbxError
        try:
            return session.write(call)
        except PbxError as error:
            failure = error
        if not lost and not failure.outcome_unknown:
            raise failure
        lost = True
        refused = isinstance(failure, PbxRefusedError)
        outcome = _ask(call, ask, must_exist=refused)
        if outcome is not None:
            return outcome
        if refused:
            raise failure
        if not failure.outcome_unknown:
            break
    raise _answer_lost(call)


def delete_until_known(session: Session, call: Call, is_gone: Callable[[], bool]) -> None:
    """Send a deletion, as ``write_until_known`` does; what is already gone is a success.

    :param is_gone: asks the PBX whether it has no such object.
    :raises PbxRefusedError: if the PBX refuses it.
    :raises AnswerLostError: if it is not known whether it was done.
    """
    try:
        write_until_known(session, call, lambda _must_exist: {} if is_gone() else None)
    except PbxRefusedError as error:
        # An unknown id may be refused as a wrong parameter too, and what exists as not found: only its absence counts.
        if error.errcode not in (DATA_NOT_FOUND, PARAMETER_ERROR) or not is_gone():
            raise


def created_id(answer: Mapping[str, Any], find: Callable[[], int | None], what: str) -> int:
    """Read the id of what was created; where the answer to create has none, look for the object.

    :param find: looks on the PBX for the object, and returns its id or None.
    :param what: names the object.
    :raises AnswerLostError: if it is not found.
    """
    created = parse_optional_integer(answer.get("id"))
    if created is not None:
        return created
    try:
        found = find()
    except PbxError:
        found = None
    if found is None:
        raise AnswerLostError(
            f"The PBX says that it created {what}, but does not show it.",
            "Look for it on the PBX; the next run looks again.",
        )
    return found


def _ask(call: Call, ask: Callable[[bool], Answer | None], *, must_exist: bool) -> Answer | None:
    """Ask what became of a write. If that fails too, the outcome of the write is unknown."""
    try:
        return ask(must_exist)
    except PbxError as error:
        # Our own finding, not the PBX's refusal to be asked: the number is somebody else's.
        if isinstance(error, PbxRefusedError) and error.errcode is None:
            raise
        is_away = isinstance(error, PbxUnreachableError)
    raise _answer_lost(call, is_away=is_away)


def _answer_lost(call: Call, *, is_away: bool = False) -> AnswerLostError:
    """Return the error for a lost answer.

    :param is_away: whether no answer came to the question either, so that no further call makes sense.
    """
    return AnswerLostError(
        f"It is not known whether the PBX managed to {call.purpose}: the answer was lost, and asking settled nothing.",
        "The next run looks at what became of it before it does anything.",
        ends_run=is_away,
    )
