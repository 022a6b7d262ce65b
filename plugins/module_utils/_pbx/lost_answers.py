# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""A write whose answer was lost: the PBX is asked what became of it before it is sent again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    AnswerLostError,
    PbxError,
    PbxRefusedError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.session import ATTEMPTS, Session
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


def _ask(call: Call, ask: Callable[[bool], Answer | None], *, must_exist: bool) -> Answer | None:
    """Ask what became of a write. If that fails too, the outcome of the write is unknown."""
    try:
        return ask(must_exist)
    except PbxError as error:
        # Our own finding, not the PBX's refusal to be asked: the number is somebody else's.
        if isinstance(error, PbxRefusedError) and error.errcode is None:
            raise
    raise _answer_lost(call)


def _answer_lost(call: Call) -> AnswerLostError:
    return AnswerLostError(
        f"It is not known whether the PBX managed to {call.purpose}: the answer was lost, and asking settled nothing.",
        "The next run looks at what became of it before it does anything.",
    )
