# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The planner of extension groups: which there are and what each is called, in an order that can be done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync import object_conflicts
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.endings import Ending, Endings
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.limits import EXTENSION_GROUPS
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.members import (
    Members,
    Membership,
    WantedGroup,
    members_of,
    sorted_ids,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectAssociation, ObjectKind, Origin
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.naming import name_problem, passing_name
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.object_conflicts import Subject
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import ExtensionGroup
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    MEMBERS,
    NAME,
    Action,
    Conflict,
    Drifted,
    GroupChange,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.three_way import (
    NO_DRIFT_LEFT,
    LeftDrift,
    both_changed_conflicts,
    drifted_object,
)


@dataclass(slots=True)
class GroupsPart:
    """The part of a plan that is about extension groups, in the order in which it can be done."""

    changes: list[GroupChange] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    refreshed: list[ObjectAssociation] = field(default_factory=list)
    drift: list[Drifted] = field(default_factory=list)
    unchanged: int = 0


def plan_groups(
    wanted: Sequence[WantedGroup],
    rule: RuleKind,
    associations: Sequence[ObjectAssociation],
    endings: Endings,
    *,
    groups: Sequence[ExtensionGroup],
    membership: Membership,
    associate_by_name: bool,
    leaves: LeftDrift = NO_DRIFT_LEFT,
) -> GroupsPart:
    """Plan the extension groups of one rule.

    :param associations: of all extension groups, those of other rules too, whose groups are left alone.
    :param endings: what becomes of this rule's associations whose object is not wanted.
    :param groups: the PBX's.
    :param leaves: which fields a person's change is left in.
    """
    work = _Groups(
        wanted,
        rule,
        associations,
        endings,
        groups=groups,
        membership=membership,
        associate_by_name=associate_by_name,
        leaves=leaves,
    )
    work.end()
    for one in sorted(wanted, key=lambda group: (group.title.casefold(), group.guid)):
        work.place(one)
    work.end_the_rest()
    return work.part


class _Groups:
    """Places one group after the other, so that each name is free when its turn comes."""

    def __init__(
        self,
        wanted: Sequence[WantedGroup],
        rule: RuleKind,
        associations: Sequence[ObjectAssociation],
        endings: Endings,
        *,
        groups: Sequence[ExtensionGroup],
        membership: Membership,
        associate_by_name: bool,
        leaves: LeftDrift,
    ) -> None:
        self.part = GroupsPart(conflicts=list(endings.conflicts))
        self._rule = rule
        self._groups = {group.id: group for group in groups}
        # Of groups by their ids, and of those still to be created by their objects' guids.
        self._names: dict[int | str, str] = {group.id: group.name for group in groups}
        self._membership = membership
        self._associate_by_name = associate_by_name
        self._leaves = leaves
        self._wanted = {one.guid: one for one in wanted}
        self._known = {one.guid: one for one in associations if one.rule is rule}
        self._owners: dict[int | str, ObjectAssociation] = {one.object_id: one for one in associations}
        self._leftovers = {one.leftover_id for one in associations}
        self._endings = {one.association.guid: one for one in endings.endings}
        self._settled: set[str] = set()
        self._visiting: set[str] = set()
        self._room = EXTENSION_GROUPS - len(groups)
        self._freed: list[str] = []
        self._freed_names: dict[str, list[str]] = defaultdict(list)
        self._cleaned: dict[str, tuple[str, ...]] = {}

    def end(self) -> None:
        """Release or delete what ends, unless a new group of the same name takes it over."""
        for association in list(self._known.values()):
            self._clean_up(association)
        for ending in list(self._endings.values()):
            if self._heir(self._names.get(ending.association.object_id, "").casefold()) is None:
                self._end(ending)

    def end_the_rest(self) -> None:
        """Release or delete what nobody has taken over."""
        for ending in list(self._endings.values()):
            self._end(ending)

    def _end(self, ending: Ending) -> None:
        association = ending.association
        change = self._ended(ending, self._names.get(association.object_id, association.name))
        self.part.changes.append(change)
        del self._owners[association.object_id], self._endings[association.guid]
        if ending.action is Action.DELETE:
            self._free(association.object_id, change.key)

    def _heir(self, name: str) -> WantedGroup | None:
        """A group that wants this name and has no extension group yet."""
        return next(
            (one for one in self._wanted.values() if one.title.casefold() == name and self._held(one) is None), None
        )

    def _clean_up(self, association: ObjectAssociation) -> None:
        """Delete the group of the old name that was left when one was made anew under its new name."""
        if not association.leftover_id:
            return
        if association.leftover_id in self._owners or association.leftover_id not in self._groups:
            self._known[association.guid] = replace(association, leftover_id=0)
            self.part.refreshed.append(self._known[association.guid])
            return
        change = GroupChange(
            action=Action.DELETE,
            guid=association.guid,
            name=association.name,
            dn=association.dn,
            object_id=association.leftover_id,
            reason=Reason.LEFTOVER,
            before={NAME: self._names[association.leftover_id]},
            association=replace(association, leftover_id=0),
            part="leftover",
        )
        self.part.changes.append(change)
        self._cleaned[association.guid] = (change.key,)
        self._free(association.leftover_id, change.key)

    def _free(self, group_id: int, key: str) -> None:
        self._freed.append(key)
        self._freed_names[self._names.pop(group_id).casefold()].append(key)

    # --- one group

    def place(self, one: WantedGroup) -> None:
        """Decide what becomes of a group."""
        if one.guid in self._settled:
            return
        self._visiting.add(one.guid)
        held = self._held(one)
        title, why = one.title.strip(), name_problem(one.title)
        if why:
            self._conflict(object_conflicts.name_invalid(_subject(one), one.title, why))
            title = self._names[held.object_id] if held else ""
        if held is not None:
            self._keep(one, held, title)
        elif title:
            self._begin(one, title)
        self._settled.add(one.guid)

    def _held(self, one: WantedGroup) -> ObjectAssociation | None:
        association = self._known.get(one.guid)
        return association if association is not None and association.object_id in self._groups else None

    def _keep(self, one: WantedGroup, held: ObjectAssociation, title: str) -> None:
        group = self._groups[held.object_id]
        members = self._members(one, group, held)
        by_hand = self._renamed_by_hand(one, held, title) + members.by_hand(one, held)
        self._tell(by_hand)
        is_name_left = self._is_name_left(one, held, title)
        title = group.name if is_name_left else title
        depends_on = self._make_way(one, title, held.object_id)
        if depends_on is None:
            title, depends_on = self._names[held.object_id], ()
        renamed = title != self._names[group.id]
        association = replace(
            held, name=held.name if is_name_left else title, dn=one.dn, members=sorted_ids(members.remembered)
        )
        if not renamed and not members.differ:
            self.part.unchanged += 1
            if association != held:
                self.part.refreshed.append(association)
            return
        drift: tuple[str, ...] = (NAME,) if renamed and group.name != held.name else ()
        drift += (MEMBERS,) if members.is_drift(held) else ()
        is_same_name = not renamed or association.name == held.name
        only_drift = is_same_name and (not members.differ or members.is_only_drift(held))
        before = self._names[group.id]
        self._names[group.id] = title
        change = GroupChange(
            action=Action.UPDATE,
            guid=one.guid,
            name=one.shown,
            dn=one.dn,
            object_id=group.id,
            reason=Reason.DRIFT if drift and only_drift else Reason.DIRECTORY_CHANGED,
            before={NAME: before} if renamed else {},
            after={NAME: title} if renamed else {},
            drift=drift,
            depends_on=depends_on,
            association=association,
            **members.fields(one),
        )
        if renamed:
            self._freed_names[before.casefold()].append(change.key)
        self.part.changes.append(change)

    def _renamed_by_hand(self, one: WantedGroup, held: ObjectAssociation, title: str) -> list[Drifted]:
        """What a person changed of a name that is to be another."""
        name = self._groups[held.object_id].name
        if name in (held.name, title):
            return []
        texts, both_changed = (held.name, title, name), title != held.name
        return [drifted_object(held, one.shown, NAME, texts, is_left=self._leaves.name, both_changed=both_changed)]

    def _tell(self, by_hand: Sequence[Drifted]) -> None:
        """Tell what a person changed."""
        self.part.drift.extend(by_hand)
        for conflict in both_changed_conflicts(by_hand):
            self._conflict(conflict)

    def _keeps_name(self, held: ObjectAssociation) -> bool:
        """Whether a group keeps the name that it bears, because of what a person changed of it."""
        group = self._groups[held.object_id]
        # With a name the members are written, so that not all extensions would be members any more.
        return (self._leaves.name and group.name != held.name) or (self._leaves.members and group.includes_all)

    def _is_name_left(self, one: WantedGroup, held: ObjectAssociation, title: str) -> bool:
        """Whether that is another name than the directory's, so that it is not remembered as written.

        :param title: the name to give it, which is the one that it bears where the directory's cannot be given.
        """
        present = self._groups[held.object_id].name
        return self._keeps_name(held) and (title != present or title != one.title.strip())

    def _begin(self, one: WantedGroup, title: str) -> None:
        self._let_go(title, None)
        holder = next(iter(self._holders(title)), None)
        if isinstance(holder, int) and self._can_take_over(holder):
            self._take_over(one, title, holder)
            return
        depends_on = self._make_way(one, title, None)
        if depends_on is None:
            return
        if self._room + len(self._freed) <= 0:
            self._conflict(object_conflicts.no_room(_subject(one), EXTENSION_GROUPS))
            return
        if self._room > 0:
            self._room -= 1
        else:
            depends_on = tuple(dict.fromkeys([*depends_on, self._freed.pop(0)]))
        former = self._known.get(one.guid)
        members = self._members(one, None, None)
        self._names[one.guid] = title
        self.part.changes.append(
            GroupChange(
                action=Action.CREATE,
                guid=one.guid,
                name=one.shown,
                dn=one.dn,
                object_id=None,
                reason=Reason.OBJECT_MISSING if former else one.new,
                after={NAME: title},
                depends_on=depends_on,
                association=self._association(one, 0, title, members, former.origin if former else Origin.CREATED),
                **members.fields(one),
            ),
        )

    def _can_take_over(self, holder: int) -> bool:
        owner = self._owners.get(holder)
        if owner is not None:
            return owner.guid in self._endings and owner.rule is self._rule
        return self._associate_by_name and self._is_adoptable(holder)

    def _is_adoptable(self, holder: int | str) -> bool:
        """Whether a group is nobody's, and one of chosen members."""
        group = self._groups.get(holder) if isinstance(holder, int) else None
        is_nobodys = holder not in self._owners and holder not in self._leftovers
        return group is not None and is_nobodys and not group.includes_all

    def _take_over(self, one: WantedGroup, title: str, group_id: int) -> None:
        depends_on: tuple[str, ...] = ()
        owner = self._owners.get(group_id)
        if owner is not None:
            ending = replace(self._endings.pop(owner.guid), action=Action.RELEASE, reason=Reason.HANDED_OVER)
            release = self._ended(ending, owner.name)
            self.part.changes.append(release)
            depends_on = (release.key,)
        group = self._groups[group_id]
        members = self._members(one, group, None)
        renamed = group.name != title
        if renamed:
            depends_on = (*depends_on, *self._freed_names[title.casefold()])
        association = self._association(one, group_id, title, members, Origin.ADOPTED)
        self._owners[group_id] = association
        self._names[group_id] = title
        self.part.changes.append(
            GroupChange(
                action=Action.ASSOCIATE,
                guid=one.guid,
                name=one.shown,
                dn=one.dn,
                object_id=group_id,
                reason=Reason.SAME_NAME,
                before={NAME: group.name} if renamed else {},
                after={NAME: title} if renamed else {},
                depends_on=depends_on,
                association=association,
                **members.fields(one),
            ),
        )

    # --- names

    def _make_way(self, one: WantedGroup, title: str, own: int | None) -> tuple[str, ...] | None:
        """Free a name, and return the keys of the changes that do; None if it stays taken."""
        if own is not None and self._names[own] == title:
            return ()
        self._let_go(title, own)
        holders = self._holders(title, own)
        fixed = next((holder for holder in holders if not self._can_give_way(holder)), None)
        if fixed is not None:
            adoptable = own is None and self._is_adoptable(fixed) and not (self._associate_by_name or one.label)
            self._conflict(object_conflicts.name_taken(_subject(one), title, adoptable=adoptable))
            return None
        for holder in holders:
            self._vacate(self._owners[holder].guid)
        return tuple(self._freed_names[title.casefold()])

    def _let_go(self, title: str, own: int | None) -> None:
        """Let the groups that have a name, and are to have another, be placed first."""
        for holder in self._holders(title, own):
            if self._can_give_way(holder) and self._owners[holder].guid not in self._visiting:
                self.place(self._wanted[self._owners[holder].guid])

    def _holders(self, title: str, own: int | None = None) -> list[int | str]:
        """The groups of a name, whatever their capital letters; one that spells it so first."""
        found = [id_ for id_, name in self._names.items() if name.casefold() == title.casefold() and id_ != own]
        return sorted(found, key=lambda id_: (self._names[id_] != title, str(id_)))

    def _can_give_way(self, holder: int | str) -> bool:
        """Whether a group gets another name yet."""
        owner = self._owners.get(holder)
        is_own = owner is not None and owner.rule is self._rule and owner.guid in self._wanted
        return owner is not None and is_own and owner.guid not in self._settled

    def _vacate(self, guid: str) -> None:
        """Let a group bear another name for a moment."""
        one, held = self._wanted[guid], self._known[guid]
        group_id = held.object_id
        before, name = self._names[group_id], passing_name(self._names[group_id], guid)
        self._names[group_id] = name
        present, written = frozenset(self._groups[group_id].members), frozenset(held.members)
        change = GroupChange(
            action=Action.UPDATE,
            guid=guid,
            name=one.shown,
            dn=one.dn,
            object_id=group_id,
            reason=Reason.NAME_EXCHANGE,
            before={NAME: before},
            after={NAME: name},
            association=replace(held, name=name),
            kept=held.members,
            left_in=sorted_ids(present - written),
            left_out=sorted_ids(written - present),
            part="vacate",
        )
        self.part.changes.append(change)
        self._freed_names[before.casefold()].append(change.key)

    # --- what the methods above share

    def _members(self, one: WantedGroup, group: ExtensionGroup | None, held: ObjectAssociation | None) -> Members:
        return members_of(one, group, held, self._membership, leaves_members=self._leaves.members)

    def _ended(self, ending: Ending, name: str) -> GroupChange:
        association = ending.association
        return GroupChange(
            action=ending.action,
            guid=association.guid,
            name=association.name,
            dn=association.dn,
            object_id=association.object_id,
            reason=ending.reason,
            before={NAME: name} if ending.action is Action.DELETE else {},
            # With the association goes the memory of what its last rename left behind, so that has to go first.
            depends_on=self._cleaned.get(association.guid, ()),
        )

    def _conflict(self, conflict: Conflict) -> None:
        self.part.conflicts.append(conflict)

    def _association(
        self, one: WantedGroup, object_id: int, title: str, members: Members, origin: Origin
    ) -> ObjectAssociation:
        return ObjectAssociation(
            guid=one.guid,
            kind=ObjectKind.EXTENSION_GROUP,
            rule=self._rule,
            object_id=object_id,
            dn=one.dn,
            name=title,
            origin=origin,
            members=sorted_ids(members.remembered),
        )


def _subject(one: WantedGroup) -> Subject:
    return Subject(one.guid, one.shown, ObjectKind.EXTENSION_GROUP)
