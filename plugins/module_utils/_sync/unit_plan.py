# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The planner of the synchronization of organizational units: data in, plan out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync import changes
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Absent, UnitSnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.endings import Endings, sort_endings
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.groups import GroupsPart, plan_groups
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.layouts import planned_layout
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.limits import organization_limits
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.members import Membership, WantedGroup
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
    Drifted,
    ExtensionChange,
    OrganizationChange,
    Plan,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan_id import sealed
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind, SyncTo, UnitRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.three_way import (
    LeftDrift,
    both_changed_conflicts,
    drifted_place,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.tree import Tree
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.units import (
    Forest,
    forest_of_units,
    forest_of_values,
    leaves,
    nearest_above,
)

COMPANY_NAME = "company_name"


@dataclass(frozen=True, slots=True)
class _Situation:
    """What both parts of the plan look at."""

    rule: UnitRule
    directory: UnitSnapshot
    pbx: PbxSnapshot
    associations: Sequence[Association]
    objects: Sequence[ObjectAssociation]
    leaves_places: bool

    def own(self, kind: ObjectKind) -> list[ObjectAssociation]:
        """This rule's associations of a kind."""
        return [one for one in self.objects if one.kind is kind and one.rule is RuleKind.ORGANIZATIONAL_UNITS]


@dataclass(slots=True)
class _Moves:
    """The extensions that are to be in other organizations.

    :param refreshed: associations to be saved anew without any call.
    :param drift: what an administrator took out of what it was given.
    """

    changes: list[ExtensionChange] = field(default_factory=list)
    refreshed: list[Association] = field(default_factory=list)
    drift: list[Drifted] = field(default_factory=list)


def forest_of(rule: UnitRule, directory: UnitSnapshot, associations: Sequence[ObjectAssociation]) -> Forest:
    """Return the tree that a rule makes organizations or extension groups of.

    :param associations: of this rule, which know how values were spelled.
    """
    if not rule.hierarchy_from:
        return forest_of_units(directory.units, directory.homes, directory.hidden)

    def forest(known: Iterable[ObjectAssociation]) -> Forest:
        return forest_of_values(directory.people.users.values(), rule.hierarchy_from, rule.hierarchy_separator, known)

    if rule.sync_to is SyncTo.ORGANIZATION:
        return forest(one for one in associations if one.kind is ObjectKind.ORGANIZATION)
    # Only the smallest units are remembered: how one above them was spelled while it was one of them does not count.
    smallest = {unit.guid for unit in leaves(forest(()))}
    return forest(one for one in associations if one.kind is ObjectKind.EXTENSION_GROUP and one.guid in smallest)


def plan_units(
    rule: UnitRule,
    directory: UnitSnapshot,
    pbx: PbxSnapshot,
    associations: Sequence[Association],
    objects: Sequence[ObjectAssociation],
    *,
    anchor: int,
    leaves_places: bool = False,
) -> Plan:
    """Plan one synchronization of organizational units.

    :param associations: of users.
    :param objects: of organizations and extension groups, those of other rules too.
    :param anchor: id of the organization below which the tree begins.
    :param leaves_places: whether extensions that an administrator took out of what they were given stay where they are:
        the rule of users says so.
    """
    own = [one for one in objects if one.rule is RuleKind.ORGANIZATIONAL_UNITS]
    forest = forest_of(rule, directory, own)
    to_organizations = rule.sync_to is SyncTo.ORGANIZATION
    situation = _Situation(rule, directory, pbx, associations, objects, leaves_places)
    structure, moves = _organizations(situation, forest if to_organizations else forest.cleared(), anchor)
    groups = _groups(situation, forest.cleared() if to_organizations else forest)
    company = _company_name(rule, pbx) if to_organizations else []
    made: tuple[AnyChange, ...] = (
        *company,
        *structure.changes,
        *moves.changes,
        *_after_moves(structure.deletions, moves.changes, pbx),
        *groups.changes,
    )
    return sealed(
        rule,
        directory.domain,
        pbx.identity,
        Plan(
            id="",
            changes=made,
            conflicts=(*structure.conflicts, *groups.conflicts, *both_changed_conflicts(moves.drift)),
            refreshed=(*structure.refreshed, *moves.refreshed, *groups.refreshed),
            unchanged=structure.unchanged + groups.unchanged,
            drift=(*structure.drift, *moves.drift, *groups.drift),
        ),
    )


def _organizations(situation: _Situation, forest: Forest, anchor: int) -> tuple[OrganizationsPart, _Moves]:
    pbx, directory = situation.pbx, situation.directory
    if not pbx.organizations:
        return OrganizationsPart(Tree()), _Moves()
    own = situation.own(ObjectKind.ORGANIZATION)
    part = plan_organizations(
        forest,
        own,
        _endings(situation, {unit.guid for unit in forest.units}, ObjectKind.ORGANIZATION),
        _ground(pbx, situation.associations, anchor),
        associate_by_name=situation.rule.associate_by_name,
        leaves=LeftDrift.of(situation.rule),
    )
    unknown = directory.people.missing | directory.people.deleted
    layout = planned_layout(forest, part, own, pbx.organizations, unknown)
    return part, _moves(layout, situation)


def _endings(situation: _Situation, taken_in: Collection[str], kind: ObjectKind) -> Endings:
    rule, pbx = situation.rule, situation.pbx
    ending = [one for one in situation.own(kind) if one.guid not in taken_in]
    return sort_endings(
        ending,
        _absent_values(situation, ending) if rule.hierarchy_from else situation.directory.absent,
        out_of_scope=rule.out_of_scope,
        deletion_proof=rule.deletion_proof,
        existing={one.id for one in (pbx.groups if kind is ObjectKind.EXTENSION_GROUP else pbx.organizations) or ()},
    )


def _absent_values(situation: _Situation, ending: Iterable[ObjectAssociation]) -> Absent:
    """A value, with all levels above it, is in use as long as one user may have it of whom nothing is known."""
    hidden = [one for one in situation.associations if one.guid in situation.directory.people.missing]
    extensions = {one.extension_id for one in hidden}
    existing = {one.id for one in situation.pbx.organizations or ()}
    own = [one for one in situation.own(ObjectKind.ORGANIZATION) if one.object_id in existing]
    parents = {one.object_id: one.parent_id for one in own}
    organizations: set[int] = set()
    for organization_id in (one.organization_id for one in hidden):
        above = organization_id
        while above in parents and above not in organizations:
            organizations.add(above)
            above = parents[above]
    return Absent(
        missing=frozenset(
            one.guid
            for one in ending
            if not extensions.isdisjoint(one.members)
            or (one.kind is ObjectKind.ORGANIZATION and one.object_id in organizations)
        )
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
        strangers={id_: sorted(numbers, key=lambda one: (len(one), one)) for id_, numbers in strangers.items()},
        occupied=occupied,
    )


def _moves(layout: Layout, situation: _Situation) -> _Moves:
    extensions = {extension.id: extension for extension in situation.pbx.extensions}
    found = _Moves()
    for association in sorted(situation.associations, key=lambda one: (len(one.number), one.number, one.guid)):
        extension = extensions.get(association.extension_id)
        if extension is None:
            continue
        placed = place(
            layout,
            association.guid,
            extension,
            association.organization_id,
            leaves_drift=situation.leaves_places,
        )
        drifted = drifted_place(association, extension, placed)
        if drifted is not None:
            found.drift.append(drifted)
        if placed.placement is not None:
            found.changes.append(changes.move(association, extension, placed))
        elif placed.organization_id != association.organization_id:
            found.refreshed.append(replace(association, organization_id=placed.organization_id))
    return found


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
    wanted = _wanted_groups(forest, situation.own(ObjectKind.EXTENSION_GROUP))
    by_guid = {one.guid: one for one in situation.associations}
    return plan_groups(
        wanted,
        RuleKind.ORGANIZATIONAL_UNITS,
        [one for one in situation.objects if one.kind is ObjectKind.EXTENSION_GROUP],
        _endings(situation, {one.guid for one in wanted}, ObjectKind.EXTENSION_GROUP),
        groups=pbx.groups,
        membership=Membership(
            extensions={extension.id: extension for extension in pbx.extensions},
            associations=by_guid,
            unknown=situation.directory.people.missing & by_guid.keys(),
        ),
        associate_by_name=rule.associate_by_name,
        leaves=LeftDrift.of(rule),
    )


def _wanted_groups(forest: Forest, own: Iterable[ObjectAssociation]) -> list[WantedGroup]:
    """The smallest units, each with the users that are in it or below it, but for those in one that is not shown."""
    found = leaves(forest)
    titles = told_apart({unit.guid: unit.path for unit in found})
    marks = {*(one.guid for one in own), *(unit.guid for unit in forest.units)}
    members: dict[str, set[str]] = defaultdict(set)
    parents = forest.parents
    for user, unit in forest.homes.items():
        members[nearest_above(unit, parents, marks)].add(user)
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
