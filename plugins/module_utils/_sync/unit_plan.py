# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The planner of the synchronization of organizational units: data in, plan out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync import changes
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Absent, UnitSnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.endings import Endings, sort_endings
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.groups import (
    GroupsPart,
    Membership,
    WantedGroup,
    plan_groups,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.layouts import planned_layout
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.limits import organization_limits
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.naming import told_apart
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.organizations import (
    Ground,
    OrganizationsPart,
    plan_organizations,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxSnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.placement import Layout, place
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    ExtensionChange,
    OrganizationChange,
    Plan,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan_id import sealed
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind, SyncTo, UnitRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.tree import Tree
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.units import (
    Forest,
    forest_of_units,
    forest_of_values,
    leaves,
)

COMPANY_NAME = "company_name"
_NOBODY = Forest((), {})


@dataclass(frozen=True, slots=True)
class _Situation:
    """What both parts of the plan look at."""

    rule: UnitRule
    directory: UnitSnapshot
    pbx: PbxSnapshot
    associations: Sequence[Association]
    objects: Sequence[ObjectAssociation]

    def own(self, kind: ObjectKind) -> list[ObjectAssociation]:
        """This rule's associations of a kind."""
        return [one for one in self.objects if one.kind is kind and one.rule is RuleKind.ORGANIZATIONAL_UNITS]


def forest_of(rule: UnitRule, directory: UnitSnapshot, associations: Iterable[ObjectAssociation]) -> Forest:
    """Return the tree that a rule makes organizations or extension groups of."""
    if not rule.hierarchy_from:
        return forest_of_units(directory.units, directory.homes)
    return forest_of_values(
        directory.people.users.values(), rule.hierarchy_from, rule.hierarchy_separator, associations
    )


def plan_units(
    rule: UnitRule,
    directory: UnitSnapshot,
    pbx: PbxSnapshot,
    associations: Sequence[Association],
    objects: Sequence[ObjectAssociation],
    *,
    anchor: int,
) -> Plan:
    """Plan one synchronization of organizational units.

    :param associations: of users.
    :param objects: of organizations and extension groups, those of other rules too.
    :param anchor: id of the organization below which the tree begins.
    """
    own = [one for one in objects if one.rule is RuleKind.ORGANIZATIONAL_UNITS]
    forest = forest_of(rule, directory, own)
    to_organizations = rule.sync_to is SyncTo.ORGANIZATION
    situation = _Situation(rule, directory, pbx, associations, objects)
    structure, moves, refreshed = _organizations(situation, forest if to_organizations else _NOBODY, anchor)
    groups = _groups(situation, _NOBODY if to_organizations else forest)
    company = _company_name(rule, pbx) if to_organizations else []
    made: tuple[AnyChange, ...] = (
        *company,
        *structure.changes,
        *moves,
        *_after_moves(structure.deletions, moves, pbx),
        *groups.changes,
    )
    return sealed(
        rule,
        directory.domain,
        pbx.identity,
        Plan(
            id="",
            changes=made,
            conflicts=(*structure.conflicts, *groups.conflicts),
            refreshed=(*structure.refreshed, *refreshed, *groups.refreshed),
            unchanged=structure.unchanged + groups.unchanged,
        ),
    )


def _organizations(
    situation: _Situation, forest: Forest, anchor: int
) -> tuple[OrganizationsPart, list[ExtensionChange], list[Association]]:
    pbx, directory = situation.pbx, situation.directory
    if not pbx.organizations:
        return OrganizationsPart(Tree()), [], []
    part = plan_organizations(
        forest,
        situation.own(ObjectKind.ORGANIZATION),
        _endings(situation, forest),
        _ground(pbx, situation.associations, anchor),
        associate_by_name=situation.rule.associate_by_name,
    )
    unknown = directory.people.missing | directory.people.deleted
    moves, refreshed = _moves(planned_layout(forest, part, pbx.organizations, unknown), pbx, situation.associations)
    return part, moves, refreshed


def _endings(situation: _Situation, forest: Forest) -> Endings:
    rule, directory = situation.rule, situation.directory
    taken_in = {unit.guid for unit in forest.units}
    ending = [one for one in situation.own(ObjectKind.ORGANIZATION) if one.guid not in taken_in]
    absent = directory.absent
    if rule.hierarchy_from:
        # A value is in use as long as one user may have it of whom nothing is known.
        hidden = {one.organization_id for one in situation.associations if one.guid in directory.people.missing}
        absent = Absent(missing=frozenset(one.guid for one in ending if one.object_id in hidden))
    return sort_endings(
        ending,
        absent,
        out_of_scope=rule.out_of_scope,
        deletion_proof=rule.deletion_proof,
        existing={one.id for one in situation.pbx.organizations or ()},
    )


def _ground(pbx: PbxSnapshot, associations: Sequence[Association], anchor: int) -> Ground:
    associated = {one.extension_id for one in associations}
    strangers: dict[int, list[str]] = defaultdict(list)
    occupied: set[int] = set()
    for extension in pbx.extensions:
        for organization in extension.organizations:
            occupied.add(organization.id)
            if extension.id not in associated:
                strangers[organization.id].append(extension.number)
    return Ground(
        organizations=pbx.organizations or (),
        anchor=anchor,
        limits=organization_limits(pbx.identity, pbx.capacity),
        strangers=strangers,
        occupied=occupied,
    )


def _moves(
    layout: Layout, pbx: PbxSnapshot, associations: Sequence[Association]
) -> tuple[list[ExtensionChange], list[Association]]:
    """The extensions that are to be in other organizations, and associations to be saved anew without any call."""
    extensions = {extension.id: extension for extension in pbx.extensions}
    moves: list[ExtensionChange] = []
    refreshed: list[Association] = []
    for association in sorted(associations, key=lambda one: (len(one.number), one.number, one.guid)):
        extension = extensions.get(association.extension_id)
        if extension is None:
            continue
        placed = place(layout, association.guid, extension, association.organization_id)
        if placed.placement is not None:
            moves.append(changes.move(association, extension, placed))
        elif placed.organization_id != association.organization_id:
            refreshed.append(replace(association, organization_id=placed.organization_id))
    return moves, refreshed


def _after_moves(
    deletions: Iterable[OrganizationChange], moves: Iterable[ExtensionChange], pbx: PbxSnapshot
) -> list[OrganizationChange]:
    """Let each deletion wait for the extensions that leave the organization."""
    places = {extension.id: extension.organizations for extension in pbx.extensions}
    leaving: dict[int, list[str]] = defaultdict(list)
    for change in moves:
        for organization in places.get(change.object_id or 0, ()):
            leaving[organization.id].append(change.key)
    return [
        replace(change, depends_on=(*change.depends_on, *leaving.get(change.object_id or 0, ())))
        for change in deletions
    ]


def _groups(situation: _Situation, forest: Forest) -> GroupsPart:
    rule, pbx = situation.rule, situation.pbx
    if pbx.groups is None:
        return GroupsPart()
    wanted = _wanted_groups(forest)
    taken_in = {one.guid for one in wanted}
    endings = sort_endings(
        [one for one in situation.own(ObjectKind.EXTENSION_GROUP) if one.guid not in taken_in],
        situation.directory.absent,
        out_of_scope=rule.out_of_scope,
        deletion_proof=rule.deletion_proof,
        existing={group.id for group in pbx.groups},
    )
    by_guid = {one.guid: one for one in situation.associations}
    return plan_groups(
        wanted,
        RuleKind.ORGANIZATIONAL_UNITS,
        [one for one in situation.objects if one.kind is ObjectKind.EXTENSION_GROUP],
        endings,
        groups=pbx.groups,
        membership=Membership(
            extensions={extension.id: extension for extension in pbx.extensions},
            associations=by_guid,
            unknown=situation.directory.people.missing & by_guid.keys(),
        ),
        associate_by_name=rule.associate_by_name,
    )


def _wanted_groups(forest: Forest) -> list[WantedGroup]:
    """The smallest units, each with the users that are in it or below it."""
    found = leaves(forest)
    titles = told_apart({unit.guid: unit.path for unit in found})
    members: dict[str, set[str]] = defaultdict(set)
    for user, unit in forest.homes.items():
        members[unit].add(user)
    return [
        WantedGroup(
            guid=unit.guid,
            dn=unit.dn,
            shown=unit.shown,
            title=titles[unit.guid],
            members=frozenset(members[unit.guid]),
            new=Reason.NEW_UNIT,
        )
        for unit in found
    ]


def _company_name(rule: UnitRule, pbx: PbxSnapshot) -> list[OrganizationChange]:
    root = pbx.root_organization
    if root is None or not rule.company_name or rule.company_name == root.name:
        return []
    return [
        OrganizationChange(
            action=Action.UPDATE,
            guid=COMPANY_NAME,
            name=rule.company_name,
            dn="",
            object_id=root.id,
            reason=Reason.COMPANY_NAME,
            before={"name": root.name},
            after={"name": rule.company_name},
        )
    ]
