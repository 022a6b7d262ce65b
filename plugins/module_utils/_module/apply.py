# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Carries a plan out, one change after the other: written down, done, written down again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Ledger, PbxCommands
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.progress import Tally, Tell, tell_nobody
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.writes import Writes, Written
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    PbxError,
    PbxRefusedError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import WHY_STOPPED
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Intent, JournalState, Resolution
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
    RetiredNumber,
    Welcome,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxSnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    ExtensionChange,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import Outcome, State

WELCOME_BATCH = 50


@dataclass(frozen=True, slots=True)
class Hands:
    """What carrying out a plan needs besides the plan.

    :param clock: returns the time, aware, UTC.
    :param draw_name: returns a registration name that no extension has.
    :param progress: is told how far it has come.
    """

    pbx: PbxCommands
    ledger: Ledger
    run_id: str
    clock: Callable[[], datetime]
    draw_name: Callable[[], str]
    progress: Tell = tell_nobody


@dataclass(frozen=True, slots=True)
class Stage:
    """One kind's part of what is to be carried out.

    :param stopped: keys of the changes that the guard stops.
    :param refreshed: associations to be saved anew although the PBX needs no write.
    :param put_off: keys of the changes that wait for a later run, and why.
    """

    changes: Sequence[AnyChange]
    stopped: Collection[str] = ()
    refreshed: Sequence[Association | ObjectAssociation] = ()
    put_off: Mapping[str, str] = field(default_factory=dict)

    @property
    def going_on(self) -> list[AnyChange]:
        """The changes that are to be done now."""
        return [one for one in self.changes if one.key not in self.stopped and one.key not in self.put_off]


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of what was to be carried out.

    :param outcomes: of each stage.
    :param ended_by: the error that made every further call pointless, None if there was none.
    """

    outcomes: tuple[tuple[Outcome, ...], ...]
    ended_by: PbxError | None = None


def apply(stages: Sequence[Stage], snapshot: PbxSnapshot, hands: Hands) -> Applied:
    """Carry out stages in their order, and the changes of each in theirs.

    A change that fails stops itself and what depends on it, and what later stages would do to the same object, nothing
    else. An error that no further call would survive (the PBX is gone, the token is refused) ends the run; what is left
    is told as skipped.

    :param snapshot: the PBX as it was before the first change.
    """
    tally = Tally(sum(len(stage.going_on) for stage in stages), hands.progress)
    writes = Writes(hands.pbx, snapshot, [*hands.ledger.associations(), *hands.ledger.object_associations()])
    outcomes: list[tuple[Outcome, ...]] = []
    ended_by: PbxError | None = None
    spoiled: set[tuple[ObjectKind, str]] = set()
    for stage in stages:
        if ended_by is None:
            _refresh(stage.refreshed, spoiled, writes, hands)
        found, ended_by = _apply_stage(stage, spoiled, writes, hands, ended_by, tally=tally)
        spoiled.update(
            (one.change.kind, one.change.guid)
            for one in found
            if one.state in (State.FAILED, State.UNKNOWN, State.SKIPPED)
        )
        outcomes.append(tuple(found))
    return Applied(tuple(outcomes), ended_by)


def _refresh(
    refreshed: Iterable[Association | ObjectAssociation],
    spoiled: Collection[tuple[ObjectKind, str]],
    writes: Writes,
    hands: Hands,
) -> None:
    true = [writes.true(one) if isinstance(one, Association) else writes.true_group(one) for one in refreshed]
    kept = [one for one in true if _kind_and_guid(one) not in spoiled]
    if not kept:
        return
    hands.ledger.remember(hands.run_id, kept, hands.clock())
    for one in kept:
        writes.remember(one)


def _kind_and_guid(association: Association | ObjectAssociation) -> tuple[ObjectKind, str]:
    kind = association.kind if isinstance(association, ObjectAssociation) else ObjectKind.EXTENSION
    return kind, association.guid


def _apply_stage(
    stage: Stage,
    spoiled: Collection[tuple[ObjectKind, str]],
    writes: Writes,
    hands: Hands,
    ended_by: PbxError | None,
    *,
    tally: Tally,
) -> tuple[list[Outcome], PbxError | None]:
    taken_over = formers(stage.changes)
    handed_over = {former.key for former in taken_over.values()}
    outcomes: list[Outcome] = []
    done: set[str] = set()
    for change in stage.changes:
        former = taken_over.get(change.key)
        # What the former's release waits for, its taking over waits for too: both are one step.
        needed = (*former.depends_on, *change.depends_on) if former is not None else change.depends_on
        lacking = [key for key in needed if key not in done and key not in handed_over]
        if change.key in handed_over:
            continue
        if change.key in stage.stopped:
            outcome = Outcome(change, State.STOPPED, WHY_STOPPED)
        elif change.key in stage.put_off:
            outcome = Outcome(change, State.DEFERRED, stage.put_off[change.key])
        elif ended_by is not None:
            outcome = Outcome(change, State.SKIPPED, "the run ended before it")
        elif lacking:
            outcome = Outcome(change, State.SKIPPED, f"it needs {', '.join(lacking)}, which was not done")
        elif (change.kind, change.guid) in spoiled:
            outcome = Outcome(change, State.SKIPPED, "an earlier change of it was not done")
        else:
            outcome, ended_by = _carry_out(writes.resolved(change), former, writes, hands)
        found = [replace(outcome, change=former, object_id=former.object_id)] if former is not None else []
        found.append(outcome)
        outcomes.extend(found)
        tally.add(found)
        if outcome.state is State.DONE:
            done.add(change.key)
    return outcomes, ended_by


def formers(changes: Iterable[AnyChange]) -> dict[str, AnyChange]:
    """Return the releases of what another object takes over, by the key of the change that takes it."""
    found = list(changes)
    releases = {change.key: change for change in found if change.reason is Reason.HANDED_OVER}
    return {change.key: releases[key] for change in found for key in change.depends_on if key in releases}


def _carry_out(
    change: AnyChange, former: AnyChange | None, writes: Writes, hands: Hands
) -> tuple[Outcome, PbxError | None]:
    """Carry out a change, and the release of what it takes over with it: nobody is to find the object without either.

    :param former: that release; None where nothing is taken over.
    """
    is_new_extension = change.action is Action.CREATE and isinstance(change, ExtensionChange)
    name = hands.draw_name() if is_new_extension or change.action is Action.PARK else ""
    both = [change] if former is None else [former, change]
    intents = [
        Intent(
            hands.ledger.intend(hands.run_id, one, name, hands.clock(), image=writes.image(one)),
            hands.run_id,
            one,
            name,
        )
        for one in both
    ]
    try:
        written = writes.write(change, name)
    except PbxRefusedError as error:
        _not_done(intents, JournalState.FAILED, error, hands)
        if is_new_extension and any(taken.field == "number" for taken in error.duplicate_fields):
            hands.ledger.retire_number(RetiredNumber(change.number, "", hands.clock()))
        return Outcome(change, State.FAILED, str(error)), None
    except PbxError as error:
        _not_done(intents, JournalState.UNKNOWN, error, hands)
        return Outcome(change, State.UNKNOWN, str(error)), error if error.ends_run else None
    _done(intents, written, writes, hands)
    if written.association is None:
        return Outcome(change, State.DONE, written.detail, written.object_id), None
    return _cleaned_up(change, written, writes, hands)


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


def _cleaned_up(change: AnyChange, written: Written, writes: Writes, hands: Hands) -> tuple[Outcome, PbxError | None]:
    """Delete the group that another one was made in place of; the ledger knows of it until that is done."""
    association = written.association
    is_made_anew = isinstance(association, ObjectAssociation) and bool(association.leftover_id)
    if not is_made_anew or not isinstance(association, ObjectAssociation) or change.reason is Reason.LEFTOVER:
        return Outcome(change, State.DONE, written.detail, written.object_id), None
    try:
        hands.pbx.delete_group(association.leftover_id)
    except PbxError as error:
        detail = f"{written.detail}; the former group is left, and the next run deletes it: {error}"
        return Outcome(change, State.DONE, detail, written.object_id), error if error.ends_run else None
    clean = replace(association, leftover_id=0)
    hands.ledger.save_associations([clean])
    writes.remember(clean)
    return Outcome(change, State.DONE, written.detail, written.object_id), None


def _retired(change: AnyChange, at: datetime) -> RetiredNumber | None:
    """A number whose extension is gone rests; one that was released lives on with its extension."""
    if isinstance(change, ExtensionChange) and (
        change.action is Action.DELETE or change.reason is Reason.EXTENSION_GONE
    ):
        return RetiredNumber(change.number, change.guid, at)
    return None


def send_welcome_emails(associations: Iterable[Association], hands: Hands) -> list[str]:
    """Send the welcome e-mails that are due and return what went wrong, in sentences.

    Each is marked as sent before the PBX is asked, so that a crash may lose a mail and never repeats one.
    """
    due = [association for association in associations if association.welcome is Welcome.DUE]
    problems = []
    for start in range(0, len(due), WELCOME_BATCH):
        batch = due[start : start + WELCOME_BATCH]
        hands.ledger.save_associations([replace(association, welcome=Welcome.SENT) for association in batch])
        try:
            hands.pbx.send_welcome_emails([association.extension_id for association in batch])
        except PbxError as error:
            numbers = ", ".join(association.number for association in batch)
            problems.append(f"The welcome e-mail of {numbers} may not have been sent, and is not sent again. {error}")
    return problems
