# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The planner of the organization tree: units become organizations, renamed and moved in place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
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
    DriftAction,
    Drifted,
    OrganizationChange,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.three_way import (
    NO_DRIFT_LEFT,
    LeftDrift,
    both_changed_conflicts,
    drifted_object,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.tree import Node, Tree
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.units import Forest, Unit, nearest_above

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
    :param released: keys of the releases, by the id of the organization.
    """

    tree: Tree
    changes: list[OrganizationChange] = field(default_factory=list)
    deletions: list[OrganizationChange] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    refreshed: list[ObjectAssociation] = field(default_factory=list)
    drift: list[Drifted] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)
    creations: dict[str, str] = field(default_factory=dict)
    released: dict[int, str] = field(default_factory=dict)
    unchanged: int = 0


def plan_organizations(
    forest: Forest,
    associations: Sequence[ObjectAssociation],
    endings: Endings,
    ground: Ground,
    *,
    associate_by_name: bool,
    leaves: LeftDrift = NO_DRIFT_LEFT,
) -> OrganizationsPart:
    """Plan the organizations that units are to be.

    :param associations: those of kind organization.
    :param endings: what becomes of those whose unit is not in the forest.
    :param leaves: which fields a person's change is left in.
    """
    arrangement = _Arrangement(
        forest, associations, endings, ground, associate_by_name=associate_by_name, leaves=leaves
    )
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
        leaves: LeftDrift,
    ) -> None:
        tree = Tree.of(ground.organizations)
        self.part = OrganizationsPart(tree)
        self._tree = tree
        self._present = Tree.of(ground.organizations)
        self._parent_ids = {one.id: one.parent_id for one in ground.organizations}
        self._ground = ground
        self._associate_by_name = associate_by_name
        self._units = {unit.guid: unit for unit in forest.units}
        self._parents = forest.parents
        self._held = {one.guid: one for one in associations if one.object_id in tree.names}
        self._known = {one.guid: one for one in associations}
        self._owners: dict[Node, str] = {one.object_id: one.guid for one in self._held.values()}
        self._endings: dict[str, Ending] = {one.association.guid: one for one in endings.endings}
        held = [one for one in self._held.values() if one.guid in self._units]
        self._keep_name = {one.guid for one in held if leaves.name and self._is_renamed(one)}
        self._keep_place = {one.guid for one in held if leaves.parent and self._keeps_its_place(one)}
        self._settled: set[str] = set()
        self._stuck: set[str] = set()
        self._visiting: list[str] = []
        self._keys: dict[str, str] = {}
        self._room = ground.limits.organizations - (len(ground.organizations) - 1)
        self._freed: list[str] = []
        self._freed_names: dict[tuple[Node, str], list[str]] = defaultdict(list)
        self._left: dict[Node, list[str]] = defaultdict(list)
        self.part.conflicts.extend(endings.conflicts)
        for kept in endings.kept:
            self._keep_unseen(kept)

    # --- the beginning and the end

    def _keep_unseen(self, association: ObjectAssociation) -> None:
        """Keep the organization of a unit of which nothing is known, though it was to be deleted before."""
        if association.guid in self._held:
            self.part.nodes[association.guid] = association.object_id
            if not association.parent_id:
                parent_id = self._parent_ids[association.object_id]
                self.part.refreshed.append(replace(association, parent_id=parent_id))

    def delete_empty(self) -> None:
        """Delete what is empty before anything else, so that its name and its place are free.

        What bears the name of a unit that has no organization yet waits: that unit may take it over.
        """
        newcomers = {unit.name.strip().casefold() for unit in self._units.values() if unit.guid not in self._held}
        for ending in self._to_delete():
            node = ending.association.object_id
            name = self._tree.names[node].casefold()
            if node not in self._ground.occupied and not self._tree.children(node) and name not in newcomers:
                place = self._tree.parents[node], name
                change = self._deletion(ending)
                self.part.changes.append(change)
                self._freed.append(change.key)
                self._freed_names[place].append(change.key)

    def end(self) -> None:
        """Release or delete what is left of the associations that end."""
        releases = []
        for ending in self._endings.values():
            if ending.action is Action.RELEASE:
                release = _release(ending)
                releases.append(release)
                if ending.reason is not Reason.OBJECT_GONE:
                    self.part.released[ending.association.object_id] = release.key
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
        holding = sorted(self._tree.names[child] for child in self._tree.children(node))
        holding += [f"extension {number}" for number in self._ground.strangers.get(node, ())]
        if holding:
            subject = Subject(association.guid, association.name, ObjectKind.ORGANIZATION)
            self.part.conflicts.append(object_conflicts.object_in_use(subject, self._tree.names[node], holding))
            self._mark(association)
        else:
            self.part.deletions.append(self._deletion(ending))

    def _mark(self, association: ObjectAssociation) -> None:
        """Remember that nobody is to be put into an organization any more, whether or not it can be deleted now."""
        if association.parent_id:
            self.part.refreshed.append(replace(association, parent_id=0))

    def _deletion(self, ending: Ending) -> OrganizationChange:
        """Delete an organization that has nothing below it any more."""
        association = ending.association
        self._mark(association)
        node = association.object_id
        parent = self._tree.parents[node]
        change = OrganizationChange(
            action=Action.DELETE,
            guid=association.guid,
            name=association.name,
            dn=association.dn,
            object_id=node,
            reason=ending.reason,
            before={_NAME: self._tree.names[node], _PARENT: self._tree.path(parent)},
            depends_on=tuple(self._left[node]),
        )
        self._left[parent].append(change.key)
        self._tree.remove(node)
        del self._endings[association.guid]
        return change

    # --- one unit

    def place(self, unit: Unit) -> None:
        """Decide what becomes of a unit, after all above it."""
        if unit.guid in self._settled:
            return
        self._visiting.append(unit.guid)
        above = nearest_above(unit.parent, self._parents, self._units)
        if above:
            self.place(self._units[above])
        self._settle(unit, self._parent_node(unit))
        self._visiting.pop()
        self._settled.add(unit.guid)

    def _parent_node(self, unit: Unit) -> Node:
        """The organization of the nearest unit above that has one, else the anchor.

        One that hangs below this unit's own organization, and cannot leave, is passed over.
        """
        held = self._held.get(unit.guid)
        own = held.object_id if held is not None else None
        above = nearest_above(unit.parent, self._parents, self.part.nodes)
        while above:
            node = self.part.nodes[above]
            if own not in self._tree.above(node):
                return node
            above = nearest_above(self._parents.get(above, ""), self._parents, self.part.nodes)
        return self._ground.anchor

    def _settle(self, unit: Unit, parent: Node) -> None:
        held = self._held.get(unit.guid)
        if held is not None:
            self.part.nodes[unit.guid] = held.object_id
        name, why = unit.name.strip(), name_problem(unit.name)
        if why:
            self._conflict(object_conflicts.name_invalid(subject_of(unit), unit.name, why))
        if held is not None:
            self._keep(unit, held, name if not why else self._tree.names[held.object_id], parent)
        elif not why:
            self._begin(unit, name, parent)

    def _keep(self, unit: Unit, held: ObjectAssociation, name: str, parent: Node) -> None:
        node = held.object_id
        by_hand = self._set_by_hand(unit, held, name, parent)
        untouched = self._tell(unit, by_hand)
        name = self._present.names[node] if _NAME in untouched else name
        parent = self._parent_ids[node] if _PARENT in untouched else parent
        association = replace(
            held,
            name=held.name if _NAME in untouched else name,
            dn=unit.dn,
            parent_id=held.parent_id if _PARENT in untouched else parent if isinstance(parent, int) else 0,
        )
        if (self._tree.names[node], self._tree.parents[node]) == (name, parent):
            self.part.unchanged += 1
            if association != held:
                self.part.refreshed.append(association)
            return
        freed = self._make_way(unit, name, parent, node) if self._fits(unit, node, parent) else None
        if freed is None:
            self._stuck.add(unit.guid)
            return
        before, left = self._fields(node), self._tree.parents[node]
        depends_on = self._after(parent, (*freed, *self._after_others(node, parent)))
        self._tree.put(node, name, parent)
        after = self._fields(node)
        differing = [_NAME] if before[_NAME] != name else []
        differing += [_PARENT] if left != parent else []
        drift = tuple(one.field for one in by_hand if one.field in differing)
        only_drift = association.name == held.name and (_PARENT in untouched or parent == held.parent_id)
        change = OrganizationChange(
            action=Action.UPDATE,
            guid=unit.guid,
            name=unit.shown,
            dn=unit.dn,
            object_id=node,
            reason=Reason.DRIFT if drift and only_drift else Reason.DIRECTORY_CHANGED,
            before={key: before[key] for key in differing},
            after={key: after[key] for key in differing},
            drift=drift,
            depends_on=depends_on,
            association=association,
            parent=parent if isinstance(parent, str) else "",
            parent_id=parent if isinstance(parent, int) else 0,
            title=name if _NAME in untouched else "",
        )
        if left != parent:
            self._left[left].append(change.key)
        self._freed_names[left, before[_NAME].casefold()].append(change.key)
        self._change(unit, change)

    # --- what a person changed on the PBX since it was last written

    def _is_renamed(self, held: ObjectAssociation) -> bool:
        return self._present.names[held.object_id] != held.name

    def _is_moved(self, held: ObjectAssociation) -> bool:
        return held.parent_id not in (0, self._parent_ids[held.object_id])

    def _keeps_its_place(self, held: ObjectAssociation) -> bool:
        """Whether an organization stays where a person put it.

        Where the one that it was taken out of is gone, or goes, nothing is left that it could be put back into.
        """
        former = held.parent_id
        ending = self._endings.get(self._owners.get(former, ""))
        is_there = former in self._present.names and (ending is None or ending.action is not Action.DELETE)
        return is_there and self._is_moved(held)

    def _set_by_hand(self, unit: Unit, held: ObjectAssociation, name: str, parent: Node) -> list[Drifted]:
        """What differs both from what was last written and from what is wanted."""
        present, above = self._present.names[held.object_id], self._parent_ids[held.object_id]
        found = []
        if self._is_renamed(held) and name != present:
            is_left, both_changed = held.guid in self._keep_name, name != held.name
            texts = held.name, name, present
            found.append(drifted_object(held, unit.shown, _NAME, texts, is_left=is_left, both_changed=both_changed))
        if self._is_moved(held) and parent != above:
            is_left, both_changed = held.guid in self._keep_place, parent != held.parent_id
            former = self._present.path(held.parent_id) if held.parent_id in self._present.names else ""
            texts = former, self._tree.path(parent), self._present.path(above)
            found.append(drifted_object(held, unit.shown, _PARENT, texts, is_left=is_left, both_changed=both_changed))
        return found

    def _tell(self, unit: Unit, found: Sequence[Drifted]) -> frozenset[str]:
        """Tell what a person changed, and return the names of the fields that are left so."""
        left = frozenset(one.field for one in found if one.action is DriftAction.REPORTED)
        if unit.guid in self._keep_name and self._present.names[self._held[unit.guid].object_id] != unit.name.strip():
            # It is left even where the directory's name could not be given.
            left |= {_NAME}
        self.part.drift.extend(found)
        self.part.conflicts.extend(both_changed_conflicts(found))
        if left:
            self._stuck.add(unit.guid)
        return left

    def _begin(self, unit: Unit, name: str, parent: Node) -> None:
        """Give a unit an organization: a new one, or one of its name that is or becomes nobody's."""
        if not self._fits(unit, None, parent):
            return
        self._let_go(name, parent, None)
        holder = self._tree.holder(name, parent)
        if isinstance(holder, int) and self._can_take_over(holder):
            self._take_over(unit, name, holder)
            return
        freed = self._make_way(unit, name, parent, None) if self._has_room(unit) else None
        if freed is None or not self._has_room(unit):
            return
        if self._room > 0:
            self._room -= 1
        else:
            freed = (*freed, self._freed.pop(0))
        depends_on = self._after(parent, (*freed, *self._after_others(None, parent)))
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
            depends_on=depends_on,
            association=self._association(unit, 0, name, parent, former.origin if former else Origin.CREATED),
            parent=parent if isinstance(parent, str) else "",
            parent_id=parent if isinstance(parent, int) else 0,
        )
        self.part.creations[unit.guid] = change.key
        self._change(unit, change)

    def _has_room(self, unit: Unit) -> bool:
        if self._room + len(self._freed) > 0:
            return True
        self._conflict(object_conflicts.no_room(subject_of(unit), self._ground.limits.organizations))
        return False

    # --- one layer below another

    def _fits(self, unit: Unit, node: Node | None, parent: Node) -> bool:
        """Whether neither an organization nor what is below it would be too deep below a parent."""
        if node is not None and self._tree.parents[node] == parent:
            return True
        if node is not None and self._is_too_deep(self._tree, node, parent):
            self._place_those_below(node)
        if self._is_too_deep(self._tree, node, parent):
            layers = self._ground.limits.layers
            self._conflict(object_conflicts.too_deep(subject_of(unit), layers, exists=node is not None))
            return False
        return True

    def _is_too_deep(self, tree: Tree, node: Node | None, parent: Node) -> bool:
        height = tree.height(node) if node is not None else 0
        return tree.layer(parent) + 1 + height > self._ground.limits.layers

    def _place_those_below(self, node: Node) -> None:
        """Let what is below an organization, and is to be elsewhere, go there first."""
        for below in self._tree.below(node):
            owner = self._owner(below)
            if owner in self._units and owner not in self._settled and self._can_go_first(owner):
                self.place(self._units[owner])

    def _after_others(self, node: Node | None, parent: Node) -> list[str]:
        """The keys of the changes without which an organization would be below itself, or too deep."""
        present = self._present
        above = [one for one in (parent, *self._tree.above(parent)) if one in present.parents]
        waits_for = [one for one in above if node in present.above(one)]
        left: list[str] = []
        if self._is_too_deep(present, node, above[0]):
            waits_for = above
            inside = [node, *present.below(node)] if node is not None else []
            left = [key for one in inside for key in self._left[one]]
        owners = [self._owners.get(one, "") for one in waits_for]
        return [self._keys[owner] for owner in owners if owner in self._keys] + left

    # --- one name at one place

    def _make_way(self, unit: Unit, name: str, parent: Node, own: Node | None) -> tuple[str, ...] | None:
        """Free a name below a parent for a unit, and return the keys of the changes that do; None if it stays taken."""
        self._let_go(name, parent, own)
        owners = [self._owner(holder) for holder in self._tree.holders(name, parent, other_than=own)]
        fixed = next((place for place, owner in enumerate(owners) if not self._can_give_way(owner)), None)
        if fixed is not None:
            self._conflict(self._name_conflict(unit, name, owners[fixed], own))
            return None
        for owner in owners:
            self._vacate(owner or "")
        return tuple(self._freed_names[parent, name.casefold()])

    def _let_go(self, name: str, parent: Node, own: Node | None) -> None:
        """Let the units that have a name, and are to have another or another place, be placed first."""
        for holder in self._tree.holders(name, parent, other_than=own):
            owner = self._owner(holder)
            if owner in self._units and owner not in self._settled and self._can_go_first(owner):
                self.place(self._units[owner])

    def _owner(self, node: Node) -> str | None:
        """The guid of the unit, or of the association that ends, whose organization it is; None if it is nobody's."""
        return node if isinstance(node, str) else self._owners.get(node)

    def _can_give_way(self, owner: str | None) -> bool:
        """Whether an organization goes elsewhere yet, or goes altogether."""
        if owner is None or owner in self._settled or owner in self._keep_name or owner in self._keep_place:
            return False
        ending = self._endings.get(owner)
        if ending is None:
            return owner in self._units
        return ending.action is Action.DELETE and not self._is_held_fast(ending.association.object_id)

    def _is_held_fast(self, node: int) -> bool:
        """Whether an organization holds what will not leave it, so that it cannot be deleted."""
        owners = [self._owner(child) for child in self._tree.children(node)]
        return bool(self._ground.strangers.get(node)) or any(
            owner in self._keep_place or (owner not in self._units and owner not in self._endings) for owner in owners
        )

    def _name_conflict(self, unit: Unit, name: str, owner: str | None, own: Node | None) -> Conflict:
        if owner in self._settled and owner not in self._stuck:
            return object_conflicts.name_shared(subject_of(unit), name, self._place_of(unit))
        adoptable = own is None and owner is None and not self._associate_by_name
        return object_conflicts.name_taken(subject_of(unit), name, adoptable=adoptable)

    def _can_go_first(self, owner: str) -> bool:
        """Whether a unit can be placed now: neither it nor any above it is waiting for its turn to end."""
        if len(self._visiting) > _LONGEST_ROW:
            return False
        above = owner
        while above:
            if above in self._visiting:
                return False
            above = self._parents.get(above, "")
        return True

    def _vacate(self, owner: str) -> None:
        """Let an organization bear another name for a moment."""
        held = self._held[owner]
        node = held.object_id
        parent_id = self._parent_ids[node]
        before, name = self._tree.names[node], passing_name(self._tree.names[node], owner)
        self._tree.put(node, name, parent_id)
        change = OrganizationChange(
            action=Action.UPDATE,
            guid=owner,
            name=self._units[owner].shown if owner in self._units else held.name,
            dn=held.dn,
            object_id=node,
            reason=Reason.NAME_EXCHANGE,
            before={_NAME: before},
            after={_NAME: name},
            association=replace(held, name=name, parent_id=parent_id if owner in self._units else 0),
            parent_id=parent_id,
            part="vacate",
        )
        self.part.changes.append(change)
        self._freed_names[parent_id, before.casefold()].append(change.key)

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
        if before != name:
            depends_on = (*depends_on, *self._freed_names[parent, name.casefold()])
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

    def _after(self, parent: Node, keys: Iterable[str]) -> tuple[str, ...]:
        """What a change depends on: the creation of the parent, if it is to be created, and these; each once."""
        creation = self.part.creations.get(parent) if isinstance(parent, str) else None
        return tuple(dict.fromkeys([*([creation] if creation else []), *keys]))

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
