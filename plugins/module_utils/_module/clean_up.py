# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Deleting what the synchronization has made, or giving it back to the PBX's administrator; no directory is needed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.apply import Applied, apply
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.in_use import InUse, left_in_use
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.memory import Memory
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Integration, Ledger, Pbx
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.rehearsal import Standing, rehearse
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.report import (
    Began,
    Expected,
    Report,
    StageReport,
    failures,
    planned,
    require_expected,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.run import Settled, hands_of, settle
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.side_by_side import Workers
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.world import World
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.clean_up import (
    Remains,
    has_remains,
    in_clean_up_order,
    plan_clean_up,
    plan_release,
    plan_sign_on_end,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Domain
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import GuardLimits, Verdict
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Resolution
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Plan
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind


@dataclass(frozen=True, slots=True)
class CleanUp:
    """What is to become of what the synchronization has made.

    :param delete: the kinds whose objects are deleted.
    :param release_others: whether the associations of the other kinds end, and their objects stay.
    :param delete_in_use: whether extensions are deleted although they are in use.
    :param ends_sign_on: whether the passwords that sign-ons have set are replaced, whatever is deleted.
    :param save: saves what else is asked for, once the plan is the expected one and before anything is deleted, so that
        no run makes anew what is being deleted.
    """

    command: str
    delete: Collection[RuleKind]
    release_others: bool
    check_mode: bool
    save: Callable[[], None]
    expected: Expected = field(default_factory=Expected)
    delete_in_use: bool = False
    ends_sign_on: bool = False


@dataclass(frozen=True, slots=True)
class _Cleaning:
    """A clean-up that has begun."""

    world: World
    ledger: Ledger
    request: CleanUp
    began: Began


def clean_up(world: World, ledger: Ledger, integration: Integration, request: CleanUp) -> Report:
    """Delete and release, or show what that would do. Nothing is counted against the guard: it was asked for.

    :raises YeastarError: if the PBX could not be read completely, is another one, or the plan is not the expected one;
        then nothing was changed.
    """
    cleaning = _Cleaning(world, ledger, request, Began(request.command, request.check_mode, world.clock()))
    memory = Memory.of(ledger, None)
    order = in_clean_up_order(request.delete)
    concerned = [kind for kind in order if request.release_others or kind in request.delete]
    due = [kind for kind in concerned if has_remains(kind, memory.associations, memory.objects)]
    if request.ends_sign_on and memory.sign_on.credentials and RuleKind.USERS not in due:
        due.append(RuleKind.USERS)
    if not due and not ledger.unfinished():
        require_expected(request.expected, ())
        request.save()
        return _report(cleaning, (), Applied(()))
    if _only_ends_sign_on(request):
        # With nothing to be planned for, nobody is to sign on any more though the PBX be out of reach.
        request.save()
    with world.open_workers() as workers, world.open_pbx() as pbx:
        settled = settle(world, ledger, pbx, memory, needs_groups=True)
        in_use = InUse(pbx)
        stages = _plan(cleaning, integration.domain, due, settled, in_use)
        require_expected(request.expected, stages)
        request.save()
        if request.check_mode:
            imagined = Applied(tuple(planned(stage.verdict) for stage in stages))
            report = _report(cleaning, stages, imagined, settled.recovered)
        else:
            report = _carry_out(cleaning, pbx, workers, settled, stages)
        return replace(report, warnings=(*report.warnings, *in_use.warnings))


def _only_ends_sign_on(request: CleanUp) -> bool:
    return not request.delete and not request.release_others and request.expected == Expected()


def _plan(
    cleaning: _Cleaning, domain: Domain, due: Sequence[RuleKind], settled: Settled, in_use: InUse
) -> tuple[StageReport, ...]:
    memory = Memory.of(cleaning.ledger, None)
    standing = Standing(settled.pbx, memory.associations, memory.objects)
    now = cleaning.world.clock()
    stages: list[StageReport] = []
    for kind in due:
        remains = Remains(
            domain, standing.pbx, standing.associations, standing.objects, now, memory.sign_on.credentials
        )
        plan = _plan_of(kind, remains, cleaning.request)
        verdict = Verdict(plan.changes)
        if not cleaning.request.delete_in_use:
            verdict = in_use.spare(verdict)
        stages.append(StageReport(kind, plan, verdict, GuardLimits()))
        standing = rehearse(stages[-1].stage, standing)
    return tuple(stages)


def _plan_of(kind: RuleKind, remains: Remains, request: CleanUp) -> Plan:
    if kind in request.delete:
        return plan_clean_up(kind, remains)
    return plan_release(kind, remains) if request.release_others else plan_sign_on_end(remains)


def _carry_out(
    cleaning: _Cleaning, pbx: Pbx, workers: Workers, settled: Settled, stages: tuple[StageReport, ...]
) -> Report:
    world, ledger, began = cleaning.world, cleaning.ledger, cleaning.began
    run_id = ledger.begin_run(began.command, [stage.kind for stage in stages], began.plan_id(stages), began.at)
    hands = hands_of(world, ledger, run_id, pbx, workers)
    try:
        applied = apply([stage.stage for stage in stages], settled.pbx, hands)
    except YeastarError as error:
        ledger.finish_run(run_id, "failed", {}, str(error), world.clock())
        raise
    report = replace(_report(cleaning, stages, applied, settled.recovered), run_id=run_id)
    state = "failed" if report.failure else "succeeded"
    ledger.finish_run(run_id, state, report.summary, report.failure, world.clock())
    return report


def _report(
    cleaning: _Cleaning,
    stages: Sequence[StageReport],
    applied: Applied,
    recovered: tuple[Resolution, ...] = (),
) -> Report:
    left = [] if cleaning.request.check_mode else left_in_use(applied.outcomes)
    told = tuple(replace(stage, outcomes=outcomes) for stage, outcomes in zip(stages, applied.outcomes, strict=True))
    return Report(
        began=cleaning.began,
        ended_at=cleaning.world.clock(),
        stages=told,
        changed=any(stage.changes_anything for stage in told),
        run_id="",
        ledger=cleaning.ledger.location,
        recovered=recovered,
        failure=" ".join([*failures(told, applied.ended_by), *left]),
    )
