# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Carries a plan out: each change written down, done, written down again; side by side where they do not meet.

The thread of the run decides, remembers and writes the ledger; the workers make calls. What ended and what begins next
are written down in one transaction, so that a change costs one, and a kill at any moment finds every call that was
begun in the journal.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.one_change import (
    Begun,
    Ended,
    Hands,
    Made,
    begin,
    clean_up_after,
    end,
    make,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.pace import Pace
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.progress import Tally
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.writes import Writes
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import PbxError, PbxRefusedError
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.signals import RunInterruptedError
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import WHY_STOPPED
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
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
# How long a run that a signal ends waits for the answers to calls that are under way.
_PATIENCE = 10.0


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

    Changes of extensions by the same action are under way side by side, as many as the workers are and the PBX takes;
    all others, and what depends on another one, wait until those before them are over.

    :param snapshot: the PBX as it was before the first change.
    """
    tally = Tally(sum(len(stage.going_on) for stage in stages), hands.progress)
    writes = Writes(hands.pbx, snapshot, [*hands.ledger.associations(), *hands.ledger.object_associations()])
    work = _Work(writes, hands, tally, Pace(hands.workers.most))
    outcomes: list[tuple[Outcome, ...]] = []
    for stage in stages:
        if work.ended_by is None:
            _refresh(stage.refreshed, work.spoiled, writes, hands)
        found = _StageWork(stage, work).carry_out()
        work.spoiled.update(
            (one.change.kind, one.change.guid)
            for one in found
            if one.state in (State.FAILED, State.UNKNOWN, State.SKIPPED)
        )
        outcomes.append(tuple(found))
    return Applied(tuple(outcomes), work.ended_by)


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


@dataclass(slots=True)
class _Work:
    """What the stages of a run share while they are carried out.

    :ivar spoiled: objects of which a change of an earlier stage was not done.
    :ivar ended_by: see ``Applied``.
    """

    writes: Writes
    hands: Hands
    tally: Tally
    pace: Pace
    spoiled: set[tuple[ObjectKind, str]] = field(default_factory=set)
    ended_by: PbxError | None = None


class _StageWork:
    """One stage while it is carried out."""

    def __init__(self, stage: Stage, work: _Work) -> None:
        self._stage = stage
        self._work = work
        self._taken_over = formers(stage.changes)
        self._handed_over = {former.key for former in self._taken_over.values()}
        self._queue = deque(change for change in stage.changes if change.key not in self._handed_over)
        self._under_way: dict[Future[Made], Begun] = {}
        # By the keys of all changes: in the order of the plan they are told in the end.
        self._outcomes: dict[str, list[Outcome]] = {change.key: [] for change in self._queue}
        self._done: set[str] = set()
        self._action: Action | None = None

    def carry_out(self) -> list[Outcome]:
        """Carry the stage out and return what became of its changes, in their order."""
        try:
            while self._queue or self._under_way:
                self._go_on()
        except RunInterruptedError:
            self._end_what_is_under_way()
            raise
        return [outcome for outcomes in self._outcomes.values() for outcome in outcomes]

    def _go_on(self) -> None:
        """Wait for a call to be over; then write down what ended and what begins, and begin it."""
        workers, ledger = self._work.hands.workers, self._work.hands.ledger
        over = workers.first_over(self._under_way) if self._under_way else ()
        begun: list[Begun] = []
        with ledger.together():
            leftovers = [ended for future in over if (ended := self._end(future)).leftover is not None]
            while not leftovers and self._queue and self._may_go_on(begun):
                begun += self._judge(self._queue.popleft())
        for one in begun:
            self._under_way[workers.begin(partial(make, one, self._work.hands))] = one
        for ended in leftovers:
            self._note(clean_up_after(ended, self._work.writes, self._work.hands))

    def _may_go_on(self, begun: Sequence[Begun]) -> bool:
        """Tell whether the next change can be judged, and begun beside all that is under way or about to be."""
        change, others = self._queue[0], [one.change for one in (*self._under_way.values(), *begun)]
        if not others or self._is_not_for_now(change):
            return True
        meets = not isinstance(change, ExtensionChange) or not all(
            isinstance(other, ExtensionChange) and other.action is change.action and other.guid != change.guid
            for other in others
        )
        waits = not {other.key for other in others}.isdisjoint(self._needed(change))
        return not meets and not waits and len(others) < self._work.pace.bound

    def _is_not_for_now(self, change: AnyChange) -> bool:
        return change.key in self._stage.stopped or change.key in self._stage.put_off

    def _needed(self, change: AnyChange) -> tuple[str, ...]:
        """The keys of what a change waits for: what its former's release waits for, too, since both are one step."""
        former = self._taken_over.get(change.key)
        return change.depends_on if former is None else (*former.depends_on, *change.depends_on)

    def _judge(self, change: AnyChange) -> list[Begun]:
        """Write a change down as intended and return it, or nothing where it is not carried out."""
        lacking = [key for key in self._needed(change) if key not in self._done and key not in self._handed_over]
        if change.key in self._stage.stopped:
            outcome = Outcome(change, State.STOPPED, WHY_STOPPED)
        elif change.key in self._stage.put_off:
            outcome = Outcome(change, State.DEFERRED, self._stage.put_off[change.key])
        elif self._work.ended_by is not None:
            outcome = Outcome(change, State.SKIPPED, "the run ended before it")
        elif lacking:
            outcome = Outcome(change, State.SKIPPED, f"it needs {', '.join(lacking)}, which was not done")
        elif (change.kind, change.guid) in self._work.spoiled:
            outcome = Outcome(change, State.SKIPPED, "an earlier change of it was not done")
        else:
            work = self._work
            if change.action is not self._action:
                self._action, work.pace = change.action, work.pace.anew()
            return [begin(work.writes.resolved(change), self._taken_over.get(change.key), work.writes, work.hands)]
        self._note(Ended(outcome))
        return []

    def _end(self, future: Future[Made]) -> Ended:
        begun, work = self._under_way.pop(future), self._work
        made = future.result()
        is_answered = not isinstance(made.result, PbxError) or isinstance(made.result, PbxRefusedError)
        work.pace = work.pace.answered(made.seconds) if is_answered else work.pace.failed()
        ended = end(begun, made.result, work.writes, work.hands)
        work.ended_by = work.ended_by or ended.fatal
        if ended.outcome.state is State.DONE:
            self._done.add(begun.change.key)
        if ended.leftover is None:
            self._note(ended)
        return ended

    def _note(self, ended: Ended) -> None:
        """Take note of what became of a change, and with it of the release of what it takes over."""
        outcome = ended.outcome
        former = self._taken_over.get(outcome.change.key)
        found = [replace(outcome, change=former, object_id=former.object_id)] if former is not None else []
        found.append(outcome)
        self._outcomes[outcome.change.key] = found
        self._work.ended_by = self._work.ended_by or ended.fatal
        self._work.tally.add(found)

    def _end_what_is_under_way(self) -> None:
        """Write down, before a run that a signal ends is over, what calls have come to that were under way."""
        workers = self._work.hands.workers
        while self._under_way and (over := workers.first_over(self._under_way, _PATIENCE)):
            with self._work.hands.ledger.together():
                for future in over:
                    self._end(future)


def formers(changes: Iterable[AnyChange]) -> dict[str, AnyChange]:
    """Return the releases of what another object takes over, by the key of the change that takes it."""
    found = list(changes)
    releases = {change.key: change for change in found if change.reason is Reason.HANDED_OVER}
    return {change.key: releases[key] for change in found for key in change.depends_on if key in releases}


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
