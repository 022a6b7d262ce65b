# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Undoing what a run has done, by what the ledger says that it found; no directory is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.apply import (
    Applied,
    apply,
    send_welcome_emails,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.in_use import InUse, left_in_use
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.memory import Memory
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.one_change import Hands
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import (
    Integration,
    Ledger,
    Pbx,
    RunRecord,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.report import (
    Began,
    Expected,
    Report,
    StageReport,
    failures,
    idle,
    planned,
    require_expected,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.run import Settled, hands_of, settle
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.side_by_side import Workers
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.world import World, require_integration
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import GuardLimits, Verdict
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, AnyChange
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rollback import plan_rollback
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.standing import Standing
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_history import History, RollbackRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_view import NotRestored

_NOTHING = "There is nothing to roll back: no run has changed anything."


class RollbackError(YeastarError):
    """A run cannot be undone."""


@dataclass(frozen=True, slots=True)
class RollbackRequest:
    """What is to be undone.

    :param run_id: the run; "" for the latest that changed anything and is no rollback itself.
    :param pause: whether the rules of the kinds concerned are paused first, so that no run does it all again.
    :param delete_in_use: whether extensions that the run created are deleted although they are in use.
    """

    command: str
    run_id: str
    pause: bool
    send_welcome_email: bool
    check_mode: bool
    expected: Expected = field(default_factory=Expected)
    delete_in_use: bool = False


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What became of it.

    :param undone: the run that is undone; None where there is none.
    :param paused: the kinds whose rules were paused, or would be.
    """

    report: Report
    undone: RunRecord | None = None
    not_restored: tuple[NotRestored, ...] = ()
    paused: tuple[RuleKind, ...] = ()


@dataclass(frozen=True, slots=True)
class _Undoing:
    """A rollback that has begun."""

    world: World
    ledger: Ledger
    request: RollbackRequest
    began: Began
    undone: RunRecord
    warnings: tuple[str, ...]
    workers: Workers


def roll_back(world: World, request: RollbackRequest) -> RolledBack:
    """Undo a run, or show what that would do. Nothing is counted against the guard: it was asked for.

    :raises RollbackError: if there is no such run, or it was written down without what it found.
    :raises YeastarError: if the PBX could not be read completely, is another one, or the plan is not the expected one;
        then nothing was changed.
    """
    with world.open_ledger() as ledger:
        began = Began(request.command, request.check_mode, world.clock())
        integration, warnings = require_integration(ledger, check_mode=request.check_mode)
        _require_run(ledger, request.run_id)
        if integration is None or not (request.run_id or ledger.last_change() or ledger.unfinished()):
            require_expected(request.expected, ())
            return RolledBack(idle(began, ledger, warnings=warnings, skipped=_NOTHING))
        with world.open_workers() as workers, world.open_pbx() as pbx:
            settled = settle(world, ledger, pbx, Memory.of(ledger, None), needs_groups=True)
            undone = ledger.run(request.run_id) if request.run_id else ledger.last_change()
            if undone is None:
                report = idle(began, ledger, skipped=_NOTHING)
                return RolledBack(replace(report, recovered=settled.recovered))
            undoing = _Undoing(world, ledger, request, began, undone, warnings, workers)
            return _undo(undoing, integration, pbx, settled)


def _require_run(ledger: Ledger, run_id: str) -> None:
    if run_id and ledger.run(run_id) is None:
        known = ", ".join(run.id for run in ledger.runs(3)) or "none"
        raise RollbackError(
            f"run_id is {run_id}, and the ledger {ledger.location} knows no such run; the latest ones are {known}.",
            "Look at the runs with pbxops.yeastar.pbx_ad_info, or leave run_id out for the latest one.",
        )


def read_history(ledger: Ledger, run_id: str) -> History:
    """Return what a run has done and what was undone of it.

    :raises RollbackError: if a change of it was written down without what it found.
    """
    rows = tuple(ledger.done_changes(run_id))
    if not all(row.is_complete for row in rows):
        raise RollbackError(
            f"The run {run_id} was made by a version of the collection that did not write down what it found.",
            "It cannot be rolled back; put things right by hand, or by a run.",
        )
    return History(rows, tuple(read_history(ledger, run.id) for run in ledger.undoings(run_id)))


def _undo(undoing: _Undoing, integration: Integration, pbx: Pbx, settled: Settled) -> RolledBack:
    ledger, request, undone = undoing.ledger, undoing.request, undoing.undone
    rule = RollbackRule(undone.id, request.send_welcome_email)
    memory = Memory.of(ledger, None)
    standing = Standing(settled.pbx, memory.associations, memory.objects)
    made = plan_rollback(rule, read_history(ledger, undone.id), standing, integration.domain)
    kinds = [RuleKind(kind) for kind in undone.kinds]
    verdict, in_use = Verdict(made.plan.changes), InUse(pbx)
    if not request.delete_in_use:
        verdict = in_use.spare(verdict)
    stages = (StageReport(next(iter(kinds), RuleKind.USERS), made.plan, verdict, GuardLimits()),)
    require_expected(request.expected, stages)
    paused = _to_pause(ledger, kinds) if request.pause and made.plan.changes else ()
    if request.check_mode or not made.plan.changes:
        report = _report(undoing, stages, Applied((planned(stages[0].verdict),)), settled)
    else:
        report = _carry_out(undoing, pbx, settled, stages, paused)
    report = replace(report, warnings=(*report.warnings, *in_use.warnings))
    return RolledBack(report, undone, made.not_restored, paused)


def _to_pause(ledger: Ledger, kinds: Sequence[RuleKind]) -> tuple[RuleKind, ...]:
    rules = {kind: ledger.rule(kind) for kind in kinds}
    return tuple(kind for kind, rule in rules.items() if rule is not None and rule.enabled)


def _pause(undoing: _Undoing, kinds: Sequence[RuleKind]) -> None:
    for kind in kinds:
        rule = undoing.ledger.rule(kind)
        if rule is not None:
            undoing.ledger.save_rule(kind, replace(rule, enabled=False), undoing.world.clock())


def _carry_out(
    undoing: _Undoing, pbx: Pbx, settled: Settled, stages: tuple[StageReport, ...], paused: Sequence[RuleKind]
) -> Report:
    world, ledger, began, undone = undoing.world, undoing.ledger, undoing.began, undoing.undone
    _pause(undoing, paused)
    run_id = ledger.begin_run(began.command, undone.kinds, began.plan_id(stages), began.at, undone.id)
    hands = hands_of(world, ledger, run_id, pbx, undoing.workers)
    try:
        applied = apply([stage.stage for stage in stages], settled.pbx, hands)
        problems = _welcome(undoing, stages[0].plan.changes, applied, hands)
    except YeastarError as error:
        ledger.finish_run(run_id, "failed", {}, str(error), world.clock())
        raise
    report = replace(_report(undoing, stages, applied, settled, problems), run_id=run_id)
    state = "failed" if report.failure else "succeeded"
    ledger.finish_run(run_id, state, report.summary, report.failure, world.clock())
    return report


def _welcome(undoing: _Undoing, changes: Sequence[AnyChange], applied: Applied, hands: Hands) -> list[str]:
    """Send the welcome e-mail of the extensions that were made again, if that was asked for."""
    if not undoing.request.send_welcome_email or applied.ended_by is not None:
        return []
    made = {change.guid for change in changes if change.action is Action.CREATE}
    return send_welcome_emails([one for one in hands.ledger.associations() if one.guid in made], hands)


def _report(
    undoing: _Undoing,
    stages: tuple[StageReport, ...],
    applied: Applied,
    settled: Settled,
    problems: Sequence[str] = (),
) -> Report:
    left = [] if undoing.request.check_mode else left_in_use(applied.outcomes)
    told = tuple(replace(stage, outcomes=outcomes) for stage, outcomes in zip(stages, applied.outcomes, strict=True))
    return Report(
        began=undoing.began,
        ended_at=undoing.world.clock(),
        stages=told,
        changed=any(stage.changes_anything for stage in told),
        run_id="",
        ledger=undoing.ledger.location,
        recovered=settled.recovered,
        warnings=undoing.warnings,
        failure=" ".join([*failures(told, applied.ended_by), *left, *problems]),
    )
