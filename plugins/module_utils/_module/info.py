# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Where an integration stands: what is saved, what was done, what differs and what the next run would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.life import integration_data
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.memory import Memory
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Ledger, RunRecord
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.report import Began, Report, idle
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.run import foretell, look_ahead, settle
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.update import NextRun, next_run, saved_rules
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.world import NOT_CONNECTED, World
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.drift import Drift, find_drift
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.limits import EXTENSION_GROUPS, organization_limits
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxSnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import (
    change_data,
    conflict_data,
    drift_data,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.schedule import schedule_forms, schedule_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on_settings import settings_data
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.standing import Standing


class Gather(StrEnum):
    """What can be told of an integration."""

    STATUS = "status"
    RULES = "rules"
    SCHEDULE = "schedule"
    SIGN_ON = "sign_on"
    RUNS = "runs"
    ASSOCIATIONS = "associations"
    CAPACITY = "capacity"
    ORGANIZATIONS = "organizations"
    DRIFT = "drift"
    CONFLICTS = "conflicts"
    PLAN = "plan"


_OF_PBX = frozenset({Gather.CAPACITY, Gather.ORGANIZATIONS, Gather.DRIFT})
_OF_PLAN = frozenset({Gather.CONFLICTS, Gather.PLAN})


def needs_sides(part: Gather) -> bool:
    """Tell whether it takes the PBX, or both sides, to tell this."""
    return part in _OF_PBX | _OF_PLAN


@dataclass(frozen=True, slots=True)
class InfoRequest:
    """What is to be told.

    :param runs_limit: how many runs at most.
    :param shows_groups: whether the PBX can be asked for its extension groups; a snapshot may not have them.
    """

    command: str
    base_dn: str
    gather: Collection[Gather]
    runs_limit: int
    shows_groups: bool = True


def gather(world: World, request: InfoRequest) -> dict[str, Any]:
    """Return what is asked for: the return values of pbx_ad_info. Only the sides that it takes are asked.

    :raises YeastarError: if a side that is needed could not be read completely.
    """
    with world.open_ledger() as ledger:
        values = {"ledger_path": ledger.location}
        for part, tell in _OF_LEDGER.items():
            if part in request.gather:
                values.update(tell(ledger, request))
        return {**values, **_both_sides(world, ledger, request)}


# --- what the ledger tells


def _status(ledger: Ledger, request: InfoRequest) -> dict[str, Any]:  # noqa: ARG001 (all parts have the same form)
    return {"status": NOT_CONNECTED, **integration_data(ledger.integration())}


def _rules(ledger: Ledger, request: InfoRequest) -> dict[str, Any]:  # noqa: ARG001
    return {
        "rules": {
            kind.value: {"enabled": rule.enabled, "synchronized": rule.synchronized, "settings": dict(rule.settings)}
            for kind, rule in saved_rules(ledger).items()
        }
    }


def _schedule(ledger: Ledger, request: InfoRequest) -> dict[str, Any]:  # noqa: ARG001
    settings = ledger.schedule()
    if settings is None:
        return {"schedule": {}}
    return {"schedule": {**settings, **schedule_forms(schedule_of(settings))}}


def _sign_on(ledger: Ledger, request: InfoRequest) -> dict[str, Any]:  # noqa: ARG001
    remembered = ledger.sign_on()
    if remembered.settings is None:
        return {"sign_on": {}}
    return {"sign_on": {"settings": settings_data(remembered.settings), "signed_on": len(remembered.credentials)}}


def _runs(ledger: Ledger, request: InfoRequest) -> dict[str, Any]:
    return {"runs": [_run_data(run) for run in ledger.runs(request.runs_limit)]}


def _associations(ledger: Ledger, request: InfoRequest) -> dict[str, Any]:  # noqa: ARG001
    return {
        "associations": [
            *(_extension_data(one) for one in ledger.associations()),
            *(_object_data(one) for one in ledger.object_associations()),
        ]
    }


_OF_LEDGER = {
    Gather.STATUS: _status,
    Gather.RULES: _rules,
    Gather.SCHEDULE: _schedule,
    Gather.SIGN_ON: _sign_on,
    Gather.RUNS: _runs,
    Gather.ASSOCIATIONS: _associations,
}


def _run_data(run: RunRecord) -> dict[str, Any]:
    ended = run.ended_at
    return {
        "id": run.id,
        "command": run.command,
        "kinds": list(run.kinds),
        "plan_id": run.plan_id,
        "state": run.state,
        "started_at": run.started_at.isoformat(timespec="seconds"),
        "ended_at": ended.isoformat(timespec="seconds") if ended is not None else "",
        "duration": round((ended - run.started_at).total_seconds(), 3) if ended is not None else None,
        "summary": dict(run.summary),
        "error": run.error,
    }


def _extension_data(held: Association) -> dict[str, Any]:
    return {
        "kind": ObjectKind.EXTENSION.value,
        "guid": held.guid,
        "rule": RuleKind.USERS.value,
        "object_id": held.extension_id,
        "number": held.number,
        "name": held.account_name,
        "dn": held.dn,
        "origin": held.origin.value,
        "parent_id": 0,
        "organization_id": held.organization_id,
        "members": 0,
    }


def _object_data(held: ObjectAssociation) -> dict[str, Any]:
    return {
        "kind": held.kind.value,
        "guid": held.guid,
        "rule": held.rule.value,
        "object_id": held.object_id,
        "number": "",
        "name": held.name,
        "dn": held.dn,
        "origin": held.origin.value,
        "parent_id": held.parent_id,
        "organization_id": 0,
        "members": len(held.members),
    }


# --- what the PBX tells, and a plan


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was read of both sides; each None where nothing asked for it."""

    standing: Standing | None = None
    report: Report | None = None


def _both_sides(world: World, ledger: Ledger, request: InfoRequest) -> dict[str, Any]:
    seen = _look(world, ledger, request)
    values: dict[str, Any] = {}
    if seen.standing is not None:
        tell = {Gather.CAPACITY: _capacity, Gather.ORGANIZATIONS: _organizations, Gather.DRIFT: _drift}
        values |= {part.value: tell[part](seen.standing) for part in tell if part in request.gather}
    if seen.report is not None:
        values |= _plan(seen.report, request)
    return values


def _look(world: World, ledger: Ledger, request: InfoRequest) -> _Seen:
    """Read what is needed, each side once."""
    needs_pbx, needs_plan = bool(_OF_PBX & set(request.gather)), bool(_OF_PLAN & set(request.gather))
    run = next_run(ledger, request.command, request.base_dn) if needs_plan else None
    nothing = idle(Began(request.command, True, world.clock()), ledger) if needs_plan else None
    if run is not None and run.request.parts:
        return _look_at_both(world, ledger, run, with_groups=needs_pbx and request.shows_groups)
    if not needs_pbx:
        return _Seen(report=nothing)
    memory = Memory.of(ledger, None)
    with world.open_pbx() as pbx:
        snapshot = settle(world, ledger, pbx, memory, needs_groups=request.shows_groups).pbx
    return _Seen(_standing(snapshot, Memory.of(ledger, None)), nothing)


def _look_at_both(world: World, ledger: Ledger, run: NextRun, *, with_groups: bool) -> _Seen:
    with ExitStack() as stack:
        workers = stack.enter_context(world.open_workers())
        pbx = stack.enter_context(world.open_pbx())
        outlook = stack.enter_context(look_ahead(world, ledger, run.request, pbx, workers, with_groups=with_groups))
    return _Seen(_standing(outlook.pbx, outlook.memory), foretell(world, ledger, run.request, outlook))


def _standing(pbx: PbxSnapshot, memory: Memory) -> Standing:
    return Standing(pbx, memory.associations, memory.objects)


def _capacity(standing: Standing) -> dict[str, int | None]:
    pbx = standing.pbx
    return {
        "extensions": pbx.capacity.extensions,
        "extensions_used": pbx.capacity.extensions_used,
        "extensions_left": max(0, pbx.capacity.extensions - pbx.capacity.extensions_used),
        "extension_groups": EXTENSION_GROUPS,
        "extension_groups_used": len(pbx.groups) if pbx.groups is not None else None,
        "organizations": organization_limits(pbx.identity, pbx.capacity).organizations,
        # The root is the company itself and counts for none.
        "organizations_used": max(0, len(pbx.organizations or ()) - 1),
    }


def _organizations(standing: Standing) -> list[dict[str, Any]]:
    held = {one.object_id for one in standing.objects if one.kind is ObjectKind.ORGANIZATION}
    counts = Counter(one.id for extension in standing.pbx.extensions for one in extension.organizations)
    return [
        {
            "id": one.id,
            "name": one.name,
            "parent_id": one.parent_id,
            "extensions": counts[one.id],
            "synchronized": one.id in held,
        }
        for one in standing.pbx.organizations or ()
    ]


def _drift(standing: Standing) -> list[dict[str, str]]:
    return [_drift_data(drift) for drift in find_drift(standing)]


def _drift_data(drift: Drift) -> dict[str, str]:
    return {**asdict(drift), "kind": drift.kind.value}


def _plan(report: Report, request: InfoRequest) -> dict[str, Any]:
    conflicts = [conflict_data(conflict) for conflict in report.conflicts]
    values: dict[str, Any] = {"conflicts": conflicts} if Gather.CONFLICTS in request.gather else {}
    if Gather.PLAN in request.gather:
        values |= {
            "changes": [change_data(outcome) for outcome in report.outcomes],
            "summary": report.summary,
            "plan_id": report.plan_id if report.stages else "",
            "plan_drift": [drift_data(drifted) for drifted in report.drift],
        }
    return values
