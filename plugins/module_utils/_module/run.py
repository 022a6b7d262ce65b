# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The run: read, settle, plan, guard, apply, report. Check mode shares every step up to apply."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import datetime

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.names import is_dn, same_dn
from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.apply import (
    Applied,
    Hands,
    apply,
    send_welcome_emails,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.memory import Memory, kind_of, rule_settings
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Directory, Ledger, Pbx, SavedRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.read import read_pbx
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.task import Sides, Task
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.firmware import check_firmware
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryIdentity
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import (
    Breach,
    Danger,
    GuardLimits,
    Verdict,
    is_move,
    is_removal,
    judge,
    members_taken_out,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Resolution
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxIdentity, PbxSnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import AnyChange, Plan
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.recovery import recover
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import Outcome, State, summary, title
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import AnyRule, RuleKind, UserRule

NAMED_FAILURES = 5
NAMED_REMOVALS = 10

_OBJECTS = {
    RuleKind.USERS: "associated extensions",
    RuleKind.ORGANIZATIONAL_UNITS: "associated organizational units",
    RuleKind.GROUPS: "associated groups",
}


class IntegrationError(YeastarError):
    """The ledger's integration is not the one that the options describe, or there is none."""


@dataclass(frozen=True, slots=True)
class World:
    """Where a run reaches the world: how to open each side, the time and the source of names.

    :param open_ledger: opens the ledger itself for a run, a copy of it in check mode.
    :param open_directory: takes the attributes of users to read, by their LDAP names.
    """

    open_ledger: Callable[[], AbstractContextManager[Ledger]]
    open_directory: Callable[[Collection[str]], AbstractContextManager[Directory]]
    open_pbx: Callable[[], AbstractContextManager[Pbx]]
    clock: Callable[[], datetime]
    draw_name: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Request:
    """What a run is asked to do.

    :param base_dn: the distinguished name below which the rule takes objects in.
    """

    base_dn: str
    task: Task
    limits: GuardLimits
    check_mode: bool

    @property
    def rule(self) -> AnyRule:
        """The rule of the run."""
        return self.task.rule

    @property
    def kind(self) -> RuleKind:
        """What the rule synchronizes."""
        return kind_of(self.task.rule)


@dataclass(frozen=True, slots=True)
class Report:
    """What a run planned and what became of it.

    :param run_id: "" in check mode, which leaves no run behind.
    :param recovered: what became of changes that an earlier run had begun and not finished.
    :param failure: why the run ends failed, in sentences; "" if it does not.
    """

    plan: Plan
    outcomes: tuple[Outcome, ...]
    summary: Mapping[str, int]
    changed: bool
    run_id: str
    ledger: str
    recovered: tuple[Resolution, ...] = ()
    warnings: tuple[str, ...] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """All that is settled before the first write: what was read, what is to be done, what the guard stops."""

    pbx: PbxSnapshot
    recovered: tuple[Resolution, ...]
    plan: Plan
    verdict: Verdict
    request: Request
    names: Mapping[str, str]
    rule_changed: bool
    warnings: tuple[str, ...]


def synchronize(world: World, request: Request) -> Report:
    """Run one synchronization, or show it.

    :raises YeastarError: if a side could not be read completely; then nothing was changed.
    """
    with world.open_ledger() as ledger, ExitStack() as stack:
        try:
            warnings = _require_connected(ledger, request)
            pbx = stack.enter_context(world.open_pbx())
            prepared = _prepare(world, ledger, pbx, request, warnings)
        except YeastarError as error:
            _record_failure(ledger, request, error, world.clock())
            raise
        if request.check_mode:
            return _report(ledger, prepared, Applied(_planned(prepared)), run_id="")
        return _carry_out(world, ledger, pbx, prepared)


def _prepare(world: World, ledger: Ledger, pbx: Pbx, request: Request, warnings: tuple[str, ...]) -> _Prepared:
    task = request.task
    memory = Memory.of(ledger, request.kind)
    with world.open_directory(task.attributes(memory)) as directory:
        identity = directory.identify()
        started = task.start(Sides(directory, identity, pbx, memory))
        pbx_identity = pbx.identity()
        check_firmware(pbx_identity)
        _require_own(ledger, identity, pbx_identity)
        unfinished = ledger.unfinished()
        with_groups = task.needs_groups(memory) or any(
            intent.change.kind is ObjectKind.EXTENSION_GROUP for intent in unfinished
        )
        snapshot = read_pbx(pbx, pbx_identity, memory, with_groups=with_groups)
        recovered = recover(unfinished, [*memory.associations, *memory.objects], snapshot, world.clock())
        ledger.resolve(recovered, world.clock())
        memory = Memory.of(ledger, request.kind)
        plan = started.plan(memory, snapshot)
    return _Prepared(
        pbx=snapshot,
        recovered=tuple(recovered),
        plan=plan,
        verdict=judge(plan, request.limits, memory.totals(request.kind)),
        request=request,
        names=started.names,
        rule_changed=ledger.rule(request.kind) != SavedRule(rule_settings(request.rule), synchronized=True),
        warnings=warnings,
    )


def _carry_out(world: World, ledger: Ledger, pbx: Pbx, prepared: _Prepared) -> Report:
    request = prepared.request
    run_id = ledger.begin_run("", [request.kind], prepared.plan.id, world.clock())
    hands = Hands(pbx, ledger, run_id, world.clock, world.draw_name)
    try:
        ledger.save_rule(request.kind, SavedRule(rule_settings(request.rule), synchronized=True), world.clock())
        if prepared.names != ledger.names(request.kind):
            ledger.save_names(request.kind, prepared.names)
        ledger.save_associations(prepared.plan.refreshed)
        applied = apply(prepared.verdict.changes, prepared.verdict.stopped, prepared.pbx, hands)
        problems = _welcome(request.rule, applied, hands)
    except YeastarError as error:
        ledger.finish_run(run_id, "failed", {}, str(error), world.clock())
        raise
    report = _report(ledger, prepared, applied, run_id=run_id, problems=problems)
    ledger.finish_run(
        run_id, "failed" if report.failure else "succeeded", report.summary, report.failure, world.clock()
    )
    return report


def _report(
    ledger: Ledger, prepared: _Prepared, applied: Applied, *, run_id: str, problems: Sequence[str] = ()
) -> Report:
    done = any(outcome.state in (State.DONE, State.PLANNED) for outcome in applied.outcomes)
    return Report(
        plan=prepared.plan,
        outcomes=applied.outcomes,
        summary=summary(prepared.plan, applied.outcomes),
        changed=prepared.rule_changed or done,
        run_id=run_id,
        ledger=ledger.location,
        recovered=prepared.recovered,
        warnings=prepared.warnings,
        failure=" ".join([*_failures(prepared, applied), *problems]),
    )


def _require_connected(ledger: Ledger, request: Request) -> tuple[str, ...]:
    integration = ledger.integration()
    if integration is None:
        if not request.check_mode:
            raise IntegrationError(
                f"The ledger {ledger.location} holds no integration.",
                "Run pbxops.yeastar.pbx_ad_connection with state connected first.",
            )
        return (
            "There is no integration in the ledger yet; outside check mode pbxops.yeastar.pbx_ad_connection must make "
            "it first.",
        )
    saved = str(integration.settings["directory_base_dn"])
    if not (is_dn(request.base_dn) and same_dn(saved, request.base_dn)):
        raise IntegrationError(
            f"directory_base_dn is {request.base_dn} and the integration was connected with {saved}; another base DN "
            "could put every user out of scope.",
            "Use the same, or run pbxops.yeastar.pbx_ad_connection with the new one first.",
        )
    return ()


def _require_own(ledger: Ledger, directory: DirectoryIdentity, pbx: PbxIdentity) -> None:
    """Refuse a ledger whose associations speak of another domain or another PBX."""
    integration = ledger.integration()
    if integration is None:
        return
    if integration.domain.guid != directory.domain.guid:
        raise IntegrationError(
            f"The ledger {ledger.location} belongs to the domain {integration.domain.dns_name} and directory_host "
            f"answers for {directory.domain.dns_name}.",
            "Disconnect the integration first, or use another ledger_path.",
        )
    if integration.pbx.serial_number != pbx.serial_number:
        raise IntegrationError(
            f"The ledger {ledger.location} belongs to the PBX with serial number {integration.pbx.serial_number} and "
            f"pbx_url answers with {pbx.serial_number}.",
            "Use that PBX's address, or another ledger_path.",
        )


def _planned(prepared: _Prepared) -> tuple[Outcome, ...]:
    return tuple(
        Outcome(change, State.STOPPED if change.key in prepared.verdict.stopped else State.PLANNED)
        for change in prepared.verdict.changes
    )


def _welcome(rule: AnyRule, applied: Applied, hands: Hands) -> list[str]:
    if not isinstance(rule, UserRule) or not rule.send_welcome_email or applied.ended_by is not None:
        return []
    return send_welcome_emails(hands.ledger.associations(), hands)


def _failures(prepared: _Prepared, applied: Applied) -> list[str]:
    sentences = [_guard_sentence(prepared, breach) for breach in prepared.verdict.breaches]
    if sentences:
        sentences.append(f"If that is meant, run once with allow_removals: {prepared.plan.removals_id}.")
    if applied.ended_by is not None:
        sentences.append(f"The run ended early. {applied.ended_by}")
    failed = [outcome for outcome in applied.outcomes if outcome.state in (State.FAILED, State.UNKNOWN)]
    if failed:
        shown = " ".join(f"{title(outcome.change)}: {outcome.detail}" for outcome in failed[:NAMED_FAILURES])
        sentences.append(f"{len(failed)} change(s) failed. {shown}")
    return sentences


def _guard_sentence(prepared: _Prepared, breach: Breach) -> str:
    count, percent = prepared.request.limits.of(breach.danger)
    names = _endangered(breach.danger, prepared.plan.changes)
    more = f" and {len(names) - NAMED_REMOVALS} more" if len(names) > NAMED_REMOVALS else ""
    what, of = _GUARDED[breach.danger]
    return (
        f"The guard stopped {breach.found} {what}, which is more than max_{breach.danger} {count} and more than "
        f"max_{breach.danger}_percent {percent:g} of {breach.total} {of or _OBJECTS[prepared.request.kind]}: "
        f"{', '.join(names[:NAMED_REMOVALS])}{more}."
    )


_GUARDED = {
    Danger.REMOVALS: ("removals", ""),
    Danger.MOVES: ("moves of extensions out of their organization", "associated extensions"),
    Danger.MEMBER_REMOVALS: ("members to be taken out of groups", "members"),
}


def _endangered(danger: Danger, changes: Sequence[AnyChange]) -> list[str]:
    """What the guard counted, by name."""
    if danger is Danger.MEMBER_REMOVALS:
        return [f"{change.name} ({len(ids)})" for change in changes if (ids := members_taken_out(change))]
    counted = is_removal if danger is Danger.REMOVALS else is_move
    return [
        f"{change.number} ({change.name})" if change.number else change.name for change in changes if counted(change)
    ]


def _record_failure(ledger: Ledger, request: Request, error: YeastarError, at: datetime) -> None:
    run_id = ledger.begin_run("", [request.kind], "", at)
    ledger.finish_run(run_id, "failed", {}, str(error), at)
