# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The planner of the organization tree: units become organizations, renamed and moved in place."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync import object_conflicts
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.endings import Ending, Endings
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.limits import OrganizationLimits
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectAssociation, ObjectKind, Origin
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.naming import name_problem, passing_name
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.object_conflicts import Subject
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Organization
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    Conflict,
    OrganizationChange,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.tree import Node, Tree
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.units import Forest, Unit

_NAME, _PARENT = "name", "parent"
# Whose place is taken is put elsewhere first; a longer row of such moves is broken with a passing name.
_LONGEST_ROW = 50


@dataclass(frozen=True, slots=True)
class Ground:
    """What the organization tree is planned on.

    :param organizations: the PBX's, the root first.
    :param anchor: id of the organization below which the tree begins.
    :param strangers: numbers of the extensions that no association names, by the id of each organization they are in.
    :param occupied: ids of the organizations that any extension is in.
    """

    organizations: Sequence[Organization]
    anchor: int
    limits: OrganizationLimits
    strangers: Mapping[int, Sequence[str]]
    occupied: Collection[int]


@dataclass(slots=True)
class OrganizationsPart:
    """The part of a plan that is about organizations.

    :param changes: releases, renames, moves and creations, in the order in which they can be done.
    :param deletions: likewise; they come after the extensions have left.
    :param nodes: the organization of each unit that has or gets one.
    :param creations: keys of the creations, by the unit's guid.
    """

    tree: Tree
    changes: list[OrganizationChange] = field(default_factory=list)
    deletions: list[OrganizationChange] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    refreshed: list[ObjectAssociation] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)
    creations: dict[str, str] = field(default_factory=dict)
    released: set[int] = field(default_factory=set)
    unchanged: int = 0


def plan_organizations(
    forest: Forest,
    associations: Sequence[ObjectAssociation],
    endings: Endings,
    ground: Ground,
    *,
    associate_by_name: bool,
) -> OrganizationsPart:
    """Plan the organizations that units are to be.

    :param associations: those of kind organization.
    :param endings: what becomes of those whose unit is not in the forest.
    """
    arrangement = _Arrangement(forest, associations, endings, ground, associate_by_name=associate_by_name)
    arrangement.delete_empty()
    for unit in forest.units:
        arrangement.place(unit)
    arrangement.end()
    return arrangement.part


def subject_of(unit: Unit) -> Subject:
    """Return whom a conflict of a unit is about."""
    return Subject(unit.guid, unit.shown, ObjectKind.ORGANIZATION)


class _Arrangement:
    """Places one unit after the other in the tree as it becomes: each change is possible when its turn comes."""

    def __init__(
        self,
        forest: Forest,
        associations: Sequence[ObjectAssociation],
        endings: Endings,
        ground: Ground,
        *,
        associate_by_name: bool,
    ) -> None:
        tree = Tree.of(ground.organizations)
        self.part = OrganizationsPart(tree)
        self._tree = tree
        self._ground = ground
        self._associate_by_name = associate_by_name
        self._units = {unit.guid: unit for unit in forest.units}
        self._held = {one.guid: one for one in associations if one.object_id in tree.names}
        self._known = {one.guid: one for one in associations}
        self._owners: dict[Node, str] = {one.object_id: one.guid for one in self._held.values()}
        self._endings: dict[str, Ending] = {one.association.guid: one for one in endings.endings}
        self._settled: set[str] = set()
        self._visiting: list[str] = []
        self._keys: dict[str, str] = {}
        self._vacated: dict[str, str] = {}
        self._room = ground.limits.organizations - (len(ground.organizations) - 1)
        self._freed: list[str] = []
        self._left: dict[Node, list[str]] = {}
        for kept in endings.kept:
            if kept.guid in self._held:
                self.part.nodes[kept.guid] = kept.object_id
        self.part.conflicts.extend(endings.conflicts)

    # --- the beginning and the end

    def delete_empty(self) -> None:
        """Delete what is empty before anything else, so that its name and its place are free."""
        for ending in self._to_delete():
            node = ending.association.object_id
            if node not in self._ground.occupied and not self._tree.children(node):
                change = self._deletion(ending, ())
                self.part.changes.append(change)
                self._freed.append(change.key)
                self._forget(ending)

    def end(self) -> None:
        """Release or delete what is left of the associations that end."""
        releases = []
        for ending in self._endings.values():
            if ending.action is Action.RELEASE:
                releases.append(_release(ending))
                if ending.reason is not Reason.OBJECT_GONE:
                    self.part.released.add(ending.association.object_id)
        self.part.changes[:0] = releases
        for ending in self._to_delete():
            self._delete_or_keep(ending)

    def _to_delete(self) -> list[Ending]:
        """The deletions, the deepest first."""
        found = [ending for ending in self._endings.values() if ending.action is Action.DELETE]
        return sorted(found, key=lambda one: -self._tree.layer(one.association.object_id))

    def _delete_or_keep(self, ending: Ending) -> None:
        association = ending.association
        node = association.object_id
        holding = [self._tree.names[child] for child in self._tree.children(node)]
        holding += [f"extension {number}" for number in self._ground.strangers.get(node, ())]
        if holding:
            subject = Subject(association.guid, association.name, ObjectKind.ORGANIZATION)
            self.part.conflicts.append(object_conflicts.object_in_use(subject, self._tree.names[node], holding))
            return
        change = self._deletion(ending, tuple(self._left.get(node, ())))
        self._leave(self._tree.parents[node], change.key)
        self.part.deletions.append(change)
        self._forget(ending)

    def _deletion(self, ending: Ending, depends_on: tuple[str, ...]) -> OrganizationChange:
        association = ending.association
        node = association.object_id
        return OrganizationChange(
            action=Action.DELETE,
            guid=association.guid,
            name=association.name,
            dn=association.dn,
            object_id=node,
            reason=ending.reason,
            before={_NAME: self._tree.names[node], _PARENT: self._tree.path(self._tree.parents[node])},
            depends_on=depends_on,
        )

    def _forget(self, ending: Ending) -> None:
        self._tree.remove(ending.association.object_id)
        del self._endings[ending.association.guid]

    # --- one unit

    def place(self, unit: Unit) -> None:
        """Decide what becomes of a unit, after all above it."""
        if unit.guid in self._settled:
            return
        self._visiting.append(unit.guid)
        if unit.parent in self._units:
            self.place(self._units[unit.parent])
        self._settle(unit, self._parent_node(unit))
        self._visiting.pop()
        self._settled.add(unit.guid)

    def _parent_node(self, unit: Unit) -> Node:
        """The organization of the nearest unit above that has one, else the anchor."""
        above = unit.parent
        while above:
            if above in self.part.nodes:
                return self.part.nodes[above]
            above = self._units[above].parent if above in self._units else ""
        return self._ground.anchor

    def _settle(self, unit: Unit, parent: Node) -> None:
        held = self._held.get(unit.guid)
        if held is not None:
            self.part.nodes[unit.guid] = held.object_id
        name, why = unit.name.strip(), name_problem(unit.name)
        if why:
            self._conflict(object_conflicts.name_invalid(subject_of(unit), unit.name, why))
            if held is None:
                return
            name = self._tree.names[held.object_id]
        if self._tree.layer(parent) >= self._ground.limits.layers:
            self._conflict(object_conflicts.too_deep(subject_of(unit), self._ground.limits.layers))
            return
        if held is not None:
            self._keep(unit, held, name, parent)
        else:
            self._begin(unit, name, parent)

    def _keep(self, unit: Unit, held: ObjectAssociation, name: str, parent: Node) -> None:
        depends_on = self._make_way(unit, name, parent, held.object_id)
        if depends_on is None:
            return
        node = held.object_id
        before = {_NAME: self._tree.names[node], _PARENT: self._tree.path(self._tree.parents[node])}
        differing = [_NAME] if self._tree.names[node] != name else []
        differing += [_PARENT] if self._tree.parents[node] != parent else []
        association = replace(held, name=name, dn=unit.dn, parent_id=parent if isinstance(parent, int) else 0)
        if not differing:
            self.part.unchanged += 1
            if association != held:
                self.part.refreshed.append(association)
            return
        drift = () if unit.guid in self._vacated else self._drift(held, differing)
        left = self._tree.parents[node]
        self._tree.put(node, name, parent)
        change = OrganizationChange(
            action=Action.UPDATE,
            guid=unit.guid,
            name=unit.shown,
            dn=unit.dn,
            object_id=node,
            reason=self._reason(held, drift, name, parent),
            before={key: before[key] for key in differing},
            after={key: value for key, value in self._fields(node).items() if key in differing},
            drift=drift,
            depends_on=self._after_parent(parent, depends_on),
            association=association,
            parent=parent if isinstance(parent, str) else "",
            parent_id=parent if isinstance(parent, int) else 0,
        )
        if left != parent:
            self._leave(left, change.key)
        self._change(unit, change)

    def _drift(self, held: ObjectAssociation, differing: Sequence[str]) -> tuple[str, ...]:
        """What somebody changed on the PBX since it was last written."""
        node = held.object_id
        changed = {_NAME: self._tree.names[node] != held.name, _PARENT: self._tree.parents[node] != held.parent_id}
        return tuple(key for key in differing if changed[key])

    def _reason(self, held: ObjectAssociation, drift: tuple[str, ...], name: str, parent: Node) -> Reason:
        return Reason.DRIFT if drift and (name, parent) == (held.name, held.parent_id) else Reason.DIRECTORY_CHANGED

    def _begin(self, unit: Unit, name: str, parent: Node) -> None:
        """Give a unit an organization: a new one, or one of its name that is or becomes nobody's."""
        holder = self._tree.holder(name, parent)
        if isinstance(holder, int) and self._can_take_over(holder):
            self._take_over(unit, name, holder)
            return
        depends_on = self._make_way(unit, name, parent, None)
        if depends_on is None:
            return
        if self._room + len(self._freed) <= 0:
            self._conflict(object_conflicts.no_room(subject_of(unit), self._ground.limits.organizations))
            return
        if self._room > 0:
            self._room -= 1
        else:
            depends_on = (*depends_on, self._freed.pop(0))
        former = self._known.get(unit.guid)
        self._tree.put(unit.guid, name, parent)
        self.part.nodes[unit.guid] = unit.guid
        change = OrganizationChange(
            action=Action.CREATE,
            guid=unit.guid,
            name=unit.shown,
            dn=unit.dn,
            object_id=None,
            reason=Reason.OBJECT_MISSING if former else Reason.NEW_UNIT,
            after=self._fields(unit.guid),
            depends_on=self._after_parent(parent, depends_on),
            association=self._association(unit, 0, name, parent, former.origin if former else Origin.CREATED),
            parent=parent if isinstance(parent, str) else "",
            parent_id=parent if isinstance(parent, int) else 0,
        )
        self.part.creations[unit.guid] = change.key
        self._change(unit, change)

    # --- one name at one place

    def _make_way(self, unit: Unit, name: str, parent: Node, own: Node | None) -> tuple[str, ...] | None:
        """Free a name below a parent for a unit, and return the keys of the changes that do; None if it stays taken."""
        keys: list[str] = []
        while (holder := self._tree.holder(name, parent, other_than=own)) is not None:
            owner = self._owners.get(holder) if isinstance(holder, int) else str(holder)
            ending = self._endings.get(owner or "")
            if owner in self._settled or (owner is not None and owner not in self._units and ending is None):
                self._conflict(object_conflicts.name_shared(subject_of(unit), name, self._place_of(unit)))
                return None
            if owner is None or (ending is not None and ending.action is Action.RELEASE):
                adoptable = own is None and not self._associate_by_name
                self._conflict(object_conflicts.name_taken(subject_of(unit), name, adoptable=adoptable))
                return None
            if ending is None and self._can_go_first(owner):
                self.place(self._units[owner])
                keys.extend(key for key in (self._keys.get(owner),) if key is not None)
            else:
                keys.append(self._vacate(owner))
        return tuple(keys)

    def _can_go_first(self, owner: str) -> bool:
        """Whether a unit can be placed now: neither it nor any above it is waiting for its turn to end."""
        if len(self._visiting) > _LONGEST_ROW:
            return False
        above = owner
        while above in self._units:
            if above in self._visiting:
                return False
            above = self._units[above].parent
        return True

    def _vacate(self, owner: str) -> str:
        """Let an organization bear another name for a moment."""
        held = self._held[owner]
        node = held.object_id
        parent = self._tree.parents[node]
        before, name = self._tree.names[node], passing_name(self._tree.names[node], owner)
        self._tree.put(node, name, parent)
        parent_id = parent if isinstance(parent, int) else 0
        change = OrganizationChange(
            action=Action.UPDATE,
            guid=owner,
            name=self._units[owner].shown if owner in self._units else held.name,
            dn=held.dn,
            object_id=node,
            reason=Reason.NAME_EXCHANGE,
            before={_NAME: before},
            after={_NAME: name},
            association=replace(held, name=name, parent_id=parent_id),
            parent_id=parent_id,
            part="vacate",
        )
        self._vacated[owner] = change.key
        self.part.changes.append(change)
        return change.key

    def _can_take_over(self, holder: int) -> bool:
        owner = self._owners.get(holder)
        return self._associate_by_name if owner is None else owner in self._endings

    def _take_over(self, unit: Unit, name: str, node: int) -> None:
        """Make an organization of the same name at the same place the unit's."""
        depends_on: tuple[str, ...] = ()
        ending = self._endings.pop(self._owners.get(node, ""), None)
        if ending is not None:
            release = _release(replace(ending, action=Action.RELEASE, reason=Reason.HANDED_OVER))
            self.part.changes.append(release)
            depends_on = (release.key,)
        parent = self._tree.parents[node]
        before = self._tree.names[node]
        self._tree.put(node, name, parent)
        self._owners[node] = unit.guid
        self.part.nodes[unit.guid] = node
        self._change(
            unit,
            OrganizationChange(
                action=Action.ASSOCIATE,
                guid=unit.guid,
                name=unit.shown,
                dn=unit.dn,
                object_id=node,
                reason=Reason.SAME_NAME,
                before={_NAME: before} if before != name else {},
                after={_NAME: name} if before != name else {},
                depends_on=depends_on,
                association=self._association(unit, node, name, parent, Origin.ADOPTED),
                parent_id=parent if isinstance(parent, int) else 0,
            ),
        )

    # --- what the methods above share

    def _change(self, unit: Unit, change: OrganizationChange) -> None:
        self._keys[unit.guid] = change.key
        self.part.changes.append(change)

    def _conflict(self, conflict: Conflict) -> None:
        self.part.conflicts.append(conflict)

    def _leave(self, parent: Node, key: str) -> None:
        """Note that a change takes a child out of an organization, which cannot be deleted before."""
        self._left.setdefault(parent, []).append(key)

    def _after_parent(self, parent: Node, keys: tuple[str, ...]) -> tuple[str, ...]:
        creation = self.part.creations.get(parent) if isinstance(parent, str) else None
        return (creation, *keys) if creation else keys

    def _fields(self, node: Node) -> dict[str, str]:
        return {_NAME: self._tree.names[node], _PARENT: self._tree.path(self._tree.parents[node])}

    def _place_of(self, unit: Unit) -> str:
        return unit.path[-2] if len(unit.path) > 1 else ""

    def _association(self, unit: Unit, object_id: int, name: str, parent: Node, origin: Origin) -> ObjectAssociation:
        return ObjectAssociation(
            guid=unit.guid,
            kind=ObjectKind.ORGANIZATION,
            rule=RuleKind.ORGANIZATIONAL_UNITS,
            object_id=object_id,
            dn=unit.dn,
            name=name,
            origin=origin,
            parent_id=parent if isinstance(parent, int) else 0,
        )


def _release(ending: Ending) -> OrganizationChange:
    association = ending.association
    return OrganizationChange(
        action=Action.RELEASE,
        guid=association.guid,
        name=association.name,
        dn=association.dn,
        object_id=association.object_id,
        reason=ending.reason,
    )
