# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""One change in its steps: written down, called, written down again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple, TypeGuard

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Ledger, PbxCommands
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.progress import Tell, tell_nobody
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.side_by_side import OneAfterTheOther, Workers
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.writes import Write, Writes, Written
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    PbxError,
    PbxRefusedError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Intent, JournalState, Resolution
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectAssociation, RetiredNumber
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    ExtensionChange,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import Outcome, State


@dataclass(frozen=True, slots=True)
class Hands:
    """What carrying out a plan needs besides the plan.

    :param clock: returns the time, aware, UTC.
    :param draw_name: returns a registration name that no extension has.
    :param progress: is told how far it has come.
    :param workers: make the calls.
    :param monotonic: a clock in seconds that never goes back.
    """

    pbx: PbxCommands
    ledger: Ledger
    run_id: str
    clock: Callable[[], datetime]
    draw_name: Callable[[], str]
    progress: Tell = tell_nobody
    workers: Workers = field(default_factory=OneAfterTheOther)
    monotonic: Callable[[], float] = lambda: 0.0


@dataclass(frozen=True, slots=True)
class Begun:
    """A change that is written down as intended, and its call.

    :param intents: the journal's rows: its own, after that of the release of what it takes over.
    """

    write: Write
    intents: tuple[Intent, ...]

    @property
    def change(self) -> AnyChange:
        """What is to be done, with true ids."""
        return self.write.change


class Made(NamedTuple):
    """A call that was made: what it has left behind, or why it has not, and how many seconds it took."""

    result: Written | PbxError
    seconds: float


def begin(change: AnyChange, former: AnyChange | None, writes: Writes, hands: Hands) -> Begun:
    """Write a resolved change down as intended, and the release of what it takes over with it.

    Nobody is to find the object without either.

    :param former: that release; None where nothing is taken over.
    """
    draws = _is_new_extension(change) or change.action is Action.PARK
    name = hands.draw_name() if draws else ""
    both = [change] if former is None else [former, change]
    intents = tuple(
        Intent(
            hands.ledger.intend(hands.run_id, one, name, hands.clock(), image=writes.image(one)),
            hands.run_id,
            one,
            name,
        )
        for one in both
    )
    return Begun(writes.prepared(change, name), intents)


def make(begun: Begun, hands: Hands) -> Made:
    """Make the call; it may run in any thread."""
    began = hands.monotonic()
    try:
        result: Written | PbxError = begun.write.make()
    except PbxError as error:
        result = error
    return Made(result, hands.monotonic() - began)


@dataclass(frozen=True, slots=True)
class Ended:
    """What a change came to.

    :param fatal: the error that no further call would survive.
    :param leftover: the association of a group that was made in place of another one, which is still to be deleted.
    """

    outcome: Outcome
    fatal: PbxError | None = None
    leftover: ObjectAssociation | None = None


def end(begun: Begun, result: Written | PbxError, writes: Writes, hands: Hands) -> Ended:
    """Write down what became of a call."""
    change = begun.change
    if isinstance(result, PbxRefusedError):
        _not_done(begun.intents, JournalState.FAILED, result, hands)
        if _is_new_extension(change) and any(taken.field == "number" for taken in result.duplicate_fields):
            hands.ledger.retire_number(RetiredNumber(change.number, "", hands.clock()))
        return Ended(Outcome(change, State.FAILED, str(result)))
    if isinstance(result, PbxError):
        _not_done(begun.intents, JournalState.UNKNOWN, result, hands)
        return Ended(Outcome(change, State.UNKNOWN, str(result)), result if result.ends_run else None)
    written = writes.done(begun.write, result)
    _done(begun.intents, written, writes, hands)
    return Ended(Outcome(change, State.DONE, written.detail, written.object_id), leftover=_leftover(change, written))


def clean_up_after(ended: Ended, writes: Writes, hands: Hands) -> Ended:
    """Delete the group that another one was made in place of; the ledger knows of it until that is done."""
    association = ended.leftover
    if association is None:
        return ended
    try:
        hands.pbx.delete_group(association.leftover_id)
    except PbxError as error:
        detail = f"{ended.outcome.detail}; the former group is left, and the next run deletes it: {error}"
        return Ended(replace(ended.outcome, detail=detail), error if error.ends_run else None)
    clean = replace(association, leftover_id=0)
    hands.ledger.save_associations([clean])
    writes.remember(clean)
    return Ended(ended.outcome)


def _is_new_extension(change: AnyChange) -> TypeGuard[ExtensionChange]:
    return change.action is Action.CREATE and isinstance(change, ExtensionChange)


def _leftover(change: AnyChange, written: Written) -> ObjectAssociation | None:
    association = written.association
    if not isinstance(association, ObjectAssociation) or change.reason is Reason.LEFTOVER:
        return None
    return association if association.leftover_id else None


def _not_done(intents: Iterable[Intent], state: JournalState, error: PbxError, hands: Hands) -> None:
    for intent in intents:
        hands.ledger.not_done(intent.id, state, str(error), hands.clock())


def _done(intents: Sequence[Intent], written: Written, writes: Writes, hands: Hands) -> None:
    """Write down that a change is done, and all that ends with it."""
    *releases, intent = intents
    change = intent.change
    if releases:
        ended = [Resolution(one, JournalState.DONE, "", drop=True) for one in releases]
        made = Resolution(intent, JournalState.DONE, written.detail, save=written.association)
        hands.ledger.resolve([*ended, made], hands.clock())
    else:
        hands.ledger.done(intent.id, written.association, _retired(change, hands.clock()), hands.clock())
    for one in releases:
        writes.forget(one.change)
    if isinstance(change, ExtensionChange) and change.credential is not None:
        hands.ledger.forget_credential(change.credential)
    altered = writes.settle(change, written.association)
    if altered:
        hands.ledger.remember(hands.run_id, altered, hands.clock())


def _retired(change: AnyChange, at: datetime) -> RetiredNumber | None:
    """A number whose extension is gone rests; one that was released lives on with its extension."""
    if isinstance(change, ExtensionChange) and (
        change.action is Action.DELETE or change.reason is Reason.EXTENSION_GONE
    ):
        return RetiredNumber(change.number, change.guid, at)
    return None
