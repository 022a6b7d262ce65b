# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The run: read, settle, plan, guard, apply, report. Check mode shares every step up to apply."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.names import is_dn, same_dn
from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.apply import (
    Applied,
    Hands,
    apply,
    send_welcome_emails,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Directory, Ledger, Pbx
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.read import read_directory, read_pbx, read_scope
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.firmware import check_firmware
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import GuardLimits, Verdict, judge
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.model import (
    DirectoryIdentity,
    PbxIdentity,
    PbxSnapshot,
    Plan,
    Resolution,
    UserRule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.recovery import recover
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import Outcome, State, summary
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.users import plan_users

USERS = "users"
NAMED_FAILURES = 5
NAMED_REMOVALS = 10


class IntegrationError(YeastarError):
    """The ledger's integration is not the one that the options describe, or there is none."""


@dataclass(frozen=True, slots=True)
class World:
    """Where a run reaches the world: how to open each side, the time and the source of names.

    :param open_ledger: opens the ledger itself for a run, a copy of it in check mode.
    """

    open_ledger: Callable[[], AbstractContextManager[Ledger]]
    open_directory: Callable[[], AbstractContextManager[Directory]]
    open_pbx: Callable[[], AbstractContextManager[Pbx]]
    clock: Callable[[], datetime]
    draw_name: Callable[[], str]


@dataclass(frozen=True, slots=True)
class UserRequest:
    """What a run of the synchronization of users is asked to do.

    :param base_dn: the distinguished name below which the rule takes users in.
    """

    base_dn: str
    rule: UserRule
    limits: GuardLimits
    check_mode: bool


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
    associated: int
    recovered: tuple[Resolution, ...]
    plan: Plan
    verdict: Verdict
    limits: GuardLimits
    rule_changed: bool
    warnings: tuple[str, ...]


def synchronize_users(world: World, request: UserRequest) -> Report:
    """Run one synchronization of users, or show it.

    :raises YeastarError: if a side could not be read completely; then nothing was changed.
    """
    with world.open_ledger() as ledger, ExitStack() as stack:
        try:
            warnings = _require_connected(ledger, request)
            pbx = stack.enter_context(world.open_pbx())
            prepared = _prepare(world, ledger, pbx, request, warnings)
        except YeastarError as error:
            _record_failure(ledger, error, world.clock())
            raise
        if request.check_mode:
            return _report(ledger, prepared, Applied(_planned(prepared)), run_id="")
        return _carry_out(world, ledger, pbx, request.rule, prepared)


def _prepare(world: World, ledger: Ledger, pbx: Pbx, request: UserRequest, warnings: tuple[str, ...]) -> _Prepared:
    rule = request.rule
    with world.open_directory() as directory:
        identity = directory.identify()
        scope = read_scope(directory, request.base_dn, rule, ledger.associations())
        pbx_identity = pbx.identity()
        check_firmware(pbx_identity)
        _require_own(ledger, identity, pbx_identity)
        snapshot = read_pbx(pbx, pbx_identity, ledger.associations())
        recovered = recover(ledger.unfinished(), ledger.associations(), snapshot, world.clock())
        ledger.resolve(recovered, world.clock())
        associations = ledger.associations()
        seen = read_directory(directory, identity, scope, associations)
    plan = plan_users(rule, seen, snapshot, associations, ledger.retired_numbers())
    return _Prepared(
        pbx=snapshot,
        associated=len(associations),
        recovered=tuple(recovered),
        plan=plan,
        verdict=judge(plan, request.limits, len(associations)),
        limits=request.limits,
        rule_changed=ledger.rule(USERS) != rule_settings(rule),
        warnings=warnings,
    )


def _carry_out(world: World, ledger: Ledger, pbx: Pbx, rule: UserRule, prepared: _Prepared) -> Report:
    run_id = ledger.begin_run(USERS, prepared.plan.id, world.clock())
    hands = Hands(pbx, ledger, run_id, world.clock, world.draw_name)
    try:
        ledger.save_rule(USERS, rule_settings(rule), world.clock())
        ledger.save_associations(prepared.plan.refreshed)
        applied = apply(prepared.plan.changes, prepared.verdict.stopped, prepared.pbx, hands)
        problems = _welcome(rule, applied, hands)
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


def rule_settings(rule: UserRule) -> dict[str, Any]:
    """Return a rule as the ledger keeps it: plain data in one spelling."""
    settings = asdict(rule)
    for name, value in settings.items():
        if isinstance(value, frozenset):
            settings[name] = sorted(value)
        elif isinstance(value, tuple):
            settings[name] = list(value)
    return settings


def _require_connected(ledger: Ledger, request: UserRequest) -> tuple[str, ...]:
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
        for change in prepared.plan.changes
    )


def _welcome(rule: UserRule, applied: Applied, hands: Hands) -> list[str]:
    if not rule.send_welcome_email or applied.ended_by is not None:
        return []
    return send_welcome_emails(hands.ledger.associations(), hands)


def _failures(prepared: _Prepared, applied: Applied) -> list[str]:
    sentences = []
    if prepared.verdict.stopped:
        sentences.append(_guard_sentence(prepared, applied))
    if applied.ended_by is not None:
        sentences.append(f"The run ended early. {applied.ended_by}")
    failed = [outcome for outcome in applied.outcomes if outcome.state in (State.FAILED, State.UNKNOWN)]
    if failed:
        shown = " ".join(
            f"{outcome.change.action.value} {outcome.change.number} ({outcome.change.user}): {outcome.detail}"
            for outcome in failed[:NAMED_FAILURES]
        )
        sentences.append(f"{len(failed)} change(s) failed. {shown}")
    return sentences


def _guard_sentence(prepared: _Prepared, applied: Applied) -> str:
    limits = prepared.limits
    stopped = [outcome.change for outcome in applied.outcomes if outcome.state is State.STOPPED]
    names = ", ".join(f"{change.number} ({change.user})" for change in stopped[:NAMED_REMOVALS])
    more = f" and {len(stopped) - NAMED_REMOVALS} more" if len(stopped) > NAMED_REMOVALS else ""
    return (
        f"The guard stopped {prepared.verdict.removals} removals, which is more than max_removals {limits.removals} "
        f"and more than max_removals_percent {limits.percent:g} of {prepared.associated} associated extensions: "
        f"{names}{more}. If they are meant, run once with allow_removals: {prepared.plan.removals_id}."
    )


def _record_failure(ledger: Ledger, error: YeastarError, at: datetime) -> None:
    run_id = ledger.begin_run(USERS, "", at)
    ledger.finish_run(run_id, "failed", {}, str(error), at)
