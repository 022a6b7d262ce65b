# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Users of the directory, searched for and explained."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.names import Places
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.kinds import KINDS
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.memory import Memory
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Pbx, UserSearch
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.recording import SnapshotError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.report import planned
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.run import Outlook, look_ahead
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.task import Sides
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.update import NextRun, next_run
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.user_task import (
    InScope,
    StartedUsers,
    UserTask,
    choose_groups,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.world import DISABLED, World
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.explain import Explainer, Facts, explanation_data
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.explain_scope import ScopeFacts
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import CRITICAL, EXPLAINED_ATTRIBUTES
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan_id import joined_id
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import settled_drift
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind, Scope, UserRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.standing import Standing


@dataclass(frozen=True, slots=True)
class UserInfoRequest:
    """Which users to search for; all conditions together, of each any one.

    :param text: a part of a name; "" for any.
    :param limit: how many users to explain at most.
    :param offline: whether a snapshot is asked instead of the directory and the PBX.
    """

    command: str
    base_dn: str
    organizational_units: Sequence[str] = ()
    groups: Sequence[str] = ()
    filter: str = ""
    names: Sequence[str] = ()
    text: str = ""
    limit: int = 100
    offline: bool = False

    @property
    def is_everybody(self) -> bool:
        """Whether no condition is given."""
        return not (self.organizational_units or self.groups or self.filter or self.names or self.text)


def explain_users(world: World, request: UserInfoRequest) -> dict[str, Any]:
    """Search for users and explain each: the return values of pbx_ad_user_info.

    :raises YeastarError: if a side could not be read completely, or a name is none.
    """
    with world.open_ledger() as ledger, world.open_workers() as workers, world.open_pbx() as pbx:
        run = next_run(ledger, request.command, request.base_dn)
        task = _task(run, request.base_dn)
        needed = task.attributes(Memory.of(ledger, run.request.unit_rule)) if task is not None else ()
        attributes = dict.fromkeys([*EXPLAINED_ATTRIBUTES, *needed])
        with look_ahead(world, ledger, run.request, pbx, workers, attributes=attributes, with_groups=True) as outlook:
            found = _search(outlook, request)
            shown = found.users[: request.limit]
            facts = _facts(run, outlook, _scope_facts(task, outlook, pbx, shown, offline=request.offline))
    explainer = Explainer(facts)
    return {
        "users": [explanation_data(explainer.explain(user), facts.time) for user in shown],
        "count": len(found.users),
        "truncated": len(found.users) > len(shown),
        "not_found": list(found.not_found),
        "status": run.status,
        "rule": _rule_state(run),
        "plan_id": joined_id([stage.plan for stage in outlook.stages]) if outlook.stages else "",
        "ledger_path": ledger.location,
    }


# --- the search


@dataclass(frozen=True, slots=True)
class _Found:
    """What a search has found.

    :param users: in the order of their account names.
    :param not_found: the names asked for that are none of theirs.
    """

    users: Sequence[DirectoryUser]
    not_found: Sequence[str]


def _search(outlook: Outlook, request: UserInfoRequest) -> _Found:
    search = _conditions(outlook, request)
    users: dict[str, DirectoryUser] = {}
    not_found = []
    for name in request.names or [""]:
        found = outlook.directory.search_users(replace(search, name=name))
        users.update({user.guid: user for user in found})
        if name and not found:
            not_found.append(name)
    return _Found(sorted(users.values(), key=lambda user: (user.account_name.casefold(), user.guid)), not_found)


def _conditions(outlook: Outlook, request: UserInfoRequest) -> UserSearch:
    directory = outlook.directory
    if request.filter:
        directory.check_filter(request.filter)
    return UserSearch(
        bases=_bases(outlook, request),
        filter=request.filter,
        member_of=choose_groups(directory, request.groups).to_ask if request.groups else (),
        text=request.text,
    )


def _bases(outlook: Outlook, request: UserInfoRequest) -> tuple[str, ...]:
    """Whoever is asked for by name is found in the whole domain, so that it can be told that they are elsewhere."""
    if request.organizational_units:
        nodes = [outlook.directory.find_organizational_unit(name) for name in request.organizational_units]
        return tuple(node.dn for node in nodes)
    return (request.base_dn,) if request.is_everybody else (outlook.identity.domain.dn,)


# --- the facts


def _task(run: NextRun, base_dn: str) -> UserTask | None:
    """The synchronization of users as saved, paused or not."""
    saved = run.rules.get(RuleKind.USERS)
    if saved is None:
        return None
    due = [part.task for part in run.request.parts if isinstance(part.task, UserTask)]
    made = KINDS[RuleKind.USERS].rule(saved.settings)
    return due[0] if due else UserTask(base_dn, made) if isinstance(made, UserRule) else None


def _facts(run: NextRun, outlook: Outlook, scope: ScopeFacts | None) -> Facts:
    outcomes = [outcome for stage in outlook.stages for outcome in planned(stage.verdict)]
    return Facts(
        time=outlook.identity.time,
        idle=_why_idle(run),
        scope=scope,
        now=Standing(outlook.pbx, outlook.memory.associations, outlook.memory.objects),
        end=outlook.end,
        outcomes=outcomes,
        conflicts=list(dict.fromkeys(conflict for stage in outlook.stages for conflict in stage.plan.conflicts)),
        drift=settled_drift((one for stage in outlook.stages for one in stage.plan.drift), outcomes),
        retired=outlook.memory.retired,
    )


def _why_idle(run: NextRun) -> str:
    if run.integration is None:
        return "the directory and the PBX are not connected yet"
    if run.status == DISABLED:
        return "the integration is disabled"
    return _IDLE[_rule_state(run)]


_ENABLED, _PAUSED, _NOT_SAVED = "enabled", "paused", "not_saved"
_IDLE = {
    _ENABLED: "",
    _PAUSED: "the rule for users is paused",
    _NOT_SAVED: "no rule for users is saved",
}


def _rule_state(run: NextRun) -> str:
    saved = run.rules.get(RuleKind.USERS)
    if saved is None:
        return _NOT_SAVED
    return _ENABLED if saved.enabled else _PAUSED


def _scope_facts(
    task: UserTask | None, outlook: Outlook, pbx: Pbx, users: Collection[DirectoryUser], *, offline: bool
) -> ScopeFacts | None:
    if task is None:
        return None
    scope = _scope(task, outlook, pbx, offline=offline)
    by_units = task.rule.scope is Scope.ORGANIZATIONAL_UNITS
    base = Places({task.base_dn: task.base_dn})
    return ScopeFacts(
        rule=task.rule,
        base_dn=task.base_dn,
        inside=frozenset(user.guid for user in scope.users) | scope.remembered,
        elsewhere=frozenset(user.guid for user in users if not base.nearest_above(user.dn)),
        system=frozenset(user.guid for user in users if user.attributes.get(CRITICAL) == "TRUE"),
        units=_units(task.rule, scope, users) if by_units else {},
        names={guid: name for name, guid in scope.names.items()},
        groups=outlook.directory.read_groups() if task.rule.scope is Scope.GROUPS else (),
        chosen=scope.groups,
    )


def _scope(task: UserTask, outlook: Outlook, pbx: Pbx, *, offline: bool) -> InScope:
    """The scope that the run has read, or that of a rule that it leaves out."""
    started = outlook.started.get(RuleKind.USERS)
    if isinstance(started, StartedUsers):
        return started.scope
    if offline:
        raise SnapshotError(
            "The rule for users was paused when the snapshot was taken, which does not show whom the rule takes in.",
            "Resume the rule and run it, or ask with offline false.",
        )
    return task.start(Sides(outlook.directory, outlook.identity, pbx, outlook.memory)).scope


def _units(rule: UserRule, scope: InScope, users: Collection[DirectoryUser]) -> dict[str, str]:
    """The named unit that each user is in, the nearest one where units are named within each other."""
    bases = scope.question.bases if scope.question is not None else ()
    places = Places(dict(zip(rule.organizational_units, bases, strict=True)))
    return {user.guid: places.nearest_above(user.dn) for user in users}
