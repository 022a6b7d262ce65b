# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The planner of the synchronization of groups: data in, plan out."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import GroupSnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.endings import sort_endings
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.groups import plan_groups
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.members import Membership, WantedGroup
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.naming import told_apart
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxSnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Plan
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan_id import sealed
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import GroupRule, RuleKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.three_way import LeftDrift


def plan_directory_groups(
    rule: GroupRule,
    directory: GroupSnapshot,
    pbx: PbxSnapshot,
    associations: Sequence[Association],
    objects: Sequence[ObjectAssociation],
) -> Plan:
    """Plan one synchronization of groups.

    :param associations: of users.
    :param objects: of organizations and extension groups, those of other rules too.
    """
    existing = pbx.groups or ()
    groups = [one for one in objects if one.kind is ObjectKind.EXTENSION_GROUP]
    taken_in = {group.guid for group in directory.groups}
    endings = sort_endings(
        [one for one in groups if one.rule is RuleKind.GROUPS and one.guid not in taken_in],
        directory.absent,
        out_of_scope=rule.out_of_scope,
        deletion_proof=rule.deletion_proof,
        existing={group.id for group in existing},
    )
    by_guid = {one.guid: one for one in associations}
    part = plan_groups(
        _wanted_groups(directory),
        RuleKind.GROUPS,
        groups,
        endings,
        groups=existing,
        membership=Membership(
            extensions={extension.id: extension for extension in pbx.extensions},
            associations=by_guid,
            unknown=directory.people.missing & by_guid.keys(),
        ),
        associate_by_name=rule.associate_by_name,
        leaves=LeftDrift.of(rule),
    )
    return sealed(
        rule,
        directory.domain,
        pbx.identity,
        Plan(
            id="",
            changes=tuple(part.changes),
            conflicts=tuple(part.conflicts),
            refreshed=tuple(part.refreshed),
            unchanged=part.unchanged,
            drift=tuple(part.drift),
        ),
    )


def _wanted_groups(directory: GroupSnapshot) -> list[WantedGroup]:
    titles = told_apart(directory.paths)
    return [
        WantedGroup(
            guid=group.guid,
            dn=group.dn,
            shown=group.name,
            title=titles[group.guid],
            members=directory.members.get(group.guid, frozenset()),
        )
        for group in directory.groups
    ]
