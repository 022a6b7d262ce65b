# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts to explain users from: each builder takes what matters to a test and fills in the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.rehearsal import rehearse
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.report import StageReport, planned
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.explain import Explainer, Explanation, Facts
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.explain_scope import ScopeFacts
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import GuardLimits, Totals, judge
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    RetiredNumber,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxSnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind, UserRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.standing import Standing

from tests.unit.sync_builders import NOW, directory, pbx, plan

BASE_DN = "DC=example,DC=test"


def scope_facts(*inside: DirectoryUser, rule: UserRule | None = None, **facts: Any) -> ScopeFacts:
    """A rule whose scope takes these users in."""
    return ScopeFacts(rule or UserRule(), BASE_DN, frozenset(user.guid for user in inside), **facts)


def facts_of_a_run(
    users: Sequence[DirectoryUser],
    pbx_: PbxSnapshot | None = None,
    associations: Sequence[Association] = (),
    *,
    rule: UserRule | None = None,
    outside: Iterable[DirectoryUser] = (),
    retired: Sequence[RetiredNumber] = (),
    objects: Sequence[ObjectAssociation] = (),
    bindings: dict[str, str] | None = None,
    limits: GuardLimits | None = None,
) -> Facts:
    """What a planned run of the rule for users knows and would do."""
    seen = directory(*users, outside=tuple(outside), bindings=bindings)
    now = Standing(pbx_ or pbx(), associations, objects)
    made = plan(seen, now.pbx, associations, retired, rule)
    limits = limits or GuardLimits()
    verdict = judge(made, limits, Totals(associated=len(associations), extensions=len(associations)))
    stage = StageReport(RuleKind.USERS, made, verdict, limits)
    return Facts(
        time=NOW,
        idle="",
        scope=scope_facts(*users, rule=rule),
        now=now,
        end=rehearse(stage.stage, now),
        outcomes=planned(verdict),
        conflicts=made.conflicts,
        retired=retired,
    )


def facts_without_a_run(idle: str, scope: ScopeFacts | None, standing: Standing) -> Facts:
    """What is known where no run would do anything."""
    return Facts(time=NOW, idle=idle, scope=scope, now=standing, end=standing)


def explain(user: DirectoryUser, facts: Facts) -> Explanation:
    """Explain one user."""
    return Explainer(facts).explain(user)
