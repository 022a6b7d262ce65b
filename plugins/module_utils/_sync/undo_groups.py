# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""How each change of an extension group is undone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.conflicts import ConflictCode
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.images import GroupImage
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Done
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.limits import EXTENSION_GROUPS
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectAssociation, ObjectKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import ExtensionGroup
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, GroupChange, Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_history import MEMBERS
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_merge import Step, merged
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_view import Returning, View, about

_GROUP, _EXTENSION = ObjectKind.EXTENSION_GROUP, ObjectKind.EXTENSION
_NAME = "name"


@dataclass(frozen=True, slots=True)
class GroupUndoing:
    """Undoes changes of extension groups, the latest first."""

    view: View

    def undo(self, row: Done, change: GroupChange) -> None:
        """Plan what undoes a change."""
        if change.reason is Reason.LEFTOVER:
            # What was left of a group that bears another name now was nothing but the synchronization's own.
            return
        former, latter = self._known(row.former), self._known(row.latter)
        match change.action:
            case Action.CREATE:
                self._delete(row, change, former)
            case Action.DELETE:
                self._create_again(row, change, former)
            case Action.UPDATE if change.reason is Reason.REMEMBERED:
                self._remember(row, change, former, latter)
            case Action.UPDATE | Action.ASSOCIATE:
                self._write_back(row, change, former, latter)
            case Action.RELEASE:
                self._associate_again(row, change, former)
            case Action.PARK | Action.UNPARK | Action.REVOKE:  # pragma: no cover (what is done to extensions alone)
                return
            case other:  # pragma: no cover (an action that is added has its inverse here)
                assert_never(other)

    def _remember(
        self, row: Done, change: GroupChange, former: ObjectAssociation | None, latter: ObjectAssociation | None
    ) -> None:
        """Put back what the run remembered anew without any write."""
        view, present = self.view, self.view.objects[_GROUP, change.guid]
        wanted = merged(former, latter, present) if former is not None and latter is not None else present
        if wanted == present:
            view.unchanged += 1
            return
        update = GroupChange(
            action=Action.UPDATE,
            object_id=present.object_id,
            association=replace(wanted, members=()),
            remembered=wanted,
            **{**about(row, change), "reason": Reason.REMEMBERED},
        )
        view.emit(update, view.making(_EXTENSION, wanted.members))
        view.hold(wanted)

    def _known(self, association: object) -> ObjectAssociation | None:
        if not isinstance(association, ObjectAssociation):
            return None
        return replace(
            association,
            object_id=self.view.id(_GROUP, association.object_id),
            members=tuple(sorted(self.view.extension_ids(association.members))),
        )

    def _delete(self, row: Done, change: GroupChange, former: ObjectAssociation | None) -> None:
        view, present = self.view, self.view.objects[_GROUP, change.guid]
        group = view.groups.pop(present.object_id, None)
        ended = GroupChange(
            action=Action.DELETE if group is not None else Action.RELEASE,
            object_id=present.object_id,
            before={_NAME: group.name} if group is not None else {},
            remembered=former if group is not None else None,
            **about(row, change),
        )
        view.emit(ended)
        view.end(_GROUP, change.guid, ended.key)
        if former is not None and group is not None:
            view.hold(former)

    def _create_again(self, row: Done, change: GroupChange, former: ObjectAssociation | None) -> None:
        view, image = self.view, row.image
        if not isinstance(image, GroupImage) or former is None:
            view.lose(change, "the extension group: what it was is not written down")
            return
        if self._is_name_taken(change, image.name):
            return
        if len(view.groups) >= EXTENSION_GROUPS:
            view.conflict(
                change,
                ConflictCode.NO_ROOM,
                f"The PBX takes {EXTENSION_GROUPS} extension groups and has no room for {image.name}, which the run "
                "deleted. Delete another one.",
            )
            return
        known = view.extension_ids(image.members)
        members = known & view.extensions.keys()
        if known - members:
            view.lose(change, f"{len(known - members)} member(s) whose extensions are gone")
        if image.includes_all:
            view.lose(change, "that it took in every extension")
        remembered = replace(former, object_id=-(change.object_id or 0))
        types = {view.id(_EXTENSION, id_): kind for id_, kind in image.user_types.items()}
        types = {id_: kind for id_, kind in types.items() if id_ in members}
        creation = GroupChange(
            action=Action.CREATE,
            object_id=None,
            after={_NAME: image.name},
            association=replace(former, object_id=0, name=image.name, members=(), leftover_id=0),
            kept=tuple(sorted(members)),
            added=view.shown(members),
            remembered=remembered,
            user_types=types,
            settings=image.settings,
            **about(row, change),
        )
        view.emit(creation, view.making(_EXTENSION, members))
        view.ids[_GROUP, change.object_id or 0] = remembered.object_id
        view.groups[remembered.object_id] = ExtensionGroup(
            remembered.object_id, image.name, tuple(sorted(members)), user_types=types, settings=image.settings
        )
        view.hold(remembered)

    def _write_back(
        self, row: Done, change: GroupChange, former: ObjectAssociation | None, latter: ObjectAssociation | None
    ) -> None:
        view = self.view
        # One that the run associated ends here; what its directory object had before was gone.
        is_last = change.action is Action.UPDATE
        present = view.objects.get((_GROUP, change.guid))
        group_id = present.object_id if present is not None else view.id(_GROUP, change.object_id or 0)
        group = view.groups.get(group_id)
        if group is None or not isinstance(row.image, GroupImage):
            view.gone_since(change)
            return
        view.ids[_GROUP, change.object_id or 0] = group_id
        kept: set[str] = set()
        wanted = self._as_it_was(row, row.image, change, group, kept)
        remembered = present
        if is_last and former is not None and latter is not None and present is not None:
            remembered = merged(former, latter, present, kept)
        if wanted != group or remembered != present:
            self._emit_write(row, change, group, wanted, remembered, is_last=is_last)
        elif is_last:
            view.unchanged += 1
        if not is_last:
            release = GroupChange(action=Action.RELEASE, object_id=group.id, **about(row, change))
            view.emit(release)
            view.end(_GROUP, change.guid, release.key)

    def _as_it_was(
        self, row: Done, image: GroupImage, change: GroupChange, group: ExtensionGroup, kept: set[str]
    ) -> ExtensionGroup:
        """The group with what the run wrote put back, as far as it can be.

        :param kept: is given the names of the association's attributes that were changed since.
        """
        view = self.view
        wanted = replace(group, name=self._name(row, image, change, group, kept))
        if image.includes_all:
            view.lose(change, "that it took in every extension: the members that the run gave it stay")
            return wanted
        if group.includes_all:
            view.changed_since(change, "The member list", ("chosen", "chosen", "every extension"))
            return wanted
        held = change.association
        written = change.written_members(held.members) if held is not None else change.kept
        before, left = view.extension_ids(image.members), view.extension_ids(written)
        back = (before - left) & view.extensions.keys()
        members = tuple(sorted((set(group.members) - (left - before)) | back))
        types = {view.id(_EXTENSION, id_): kind for id_, kind in image.user_types.items()}
        coming = {id_: types[id_] for id_ in back - set(group.members) if id_ in types}
        if members == group.members:
            return wanted
        return replace(wanted, members=members, user_types={**group.user_types, **coming})

    def _name(self, row: Done, image: GroupImage, change: GroupChange, group: ExtensionGroup, kept: set[str]) -> str:
        """The name that the group is to have; ``kept`` as above."""
        view, value = self.view, self.view.written(row, _NAME, image.name)
        if view.is_left_alone(change, _NAME):
            kept.add(_NAME)
            return group.name
        match value.step(group.name):
            case Step.NOTHING:
                return group.name
            case Step.PUT_BACK if not self._is_name_taken(change, value.found):
                return value.found
            case Step.CHANGED_SINCE:
                view.changed_since(change, "The name", (value.before, value.last, group.name))
        kept.add(_NAME)
        view.leave_alone(change, [_NAME])
        return group.name

    def _emit_write(
        self,
        row: Done,
        change: GroupChange,
        group: ExtensionGroup,
        wanted: ExtensionGroup,
        remembered: ObjectAssociation | None,
        *,
        is_last: bool,
    ) -> None:
        update = self._update(group, wanted, remembered)
        update = replace(update, **about(row, change, "" if is_last else "fields"))
        if wanted == group:
            update = replace(update, reason=Reason.REMEMBERED)
        # Of a group that has got its members back no later attempt would see that one of them is lacking.
        coming = set(wanted.members) - set(group.members)
        self._emit(update, wanted, remembered, needs=self.view.making(_EXTENSION, coming))

    def _update(
        self, group: ExtensionGroup, wanted: ExtensionGroup, remembered: ObjectAssociation | None
    ) -> GroupChange:
        """Make a change of a group; whose it is, and why, is for the caller to say."""
        added, removed = set(wanted.members) - set(group.members), set(group.members) - set(wanted.members)
        is_renamed = wanted.name != group.name
        return GroupChange(
            action=Action.UPDATE,
            guid="",
            name=group.name,
            dn="",
            object_id=group.id,
            reason=Reason.ROLLED_BACK,
            before={_NAME: group.name} if is_renamed else {},
            after={_NAME: wanted.name} if is_renamed else {},
            association=replace(remembered, name=wanted.name, members=()) if remembered is not None else None,
            kept=wanted.members,
            added=self.view.shown(added),
            removed=self.view.shown(removed),
            removed_ids=tuple(sorted(removed)),
            remembered=remembered,
            user_types={id_: wanted.user_types[id_] for id_ in sorted(added) if id_ in wanted.user_types},
        )

    def _emit(
        self,
        update: GroupChange,
        wanted: ExtensionGroup,
        remembered: ObjectAssociation | None,
        *,
        needs: Sequence[str] = (),
    ) -> None:
        view = self.view
        view.emit(update, needs)
        view.groups[wanted.id] = wanted
        if remembered is not None:
            view.hold(remembered)

    def _is_name_taken(self, change: GroupChange, name: str) -> bool:
        """Tell whether a group has a name that another one, which has not got it now, is to have again."""
        if all(one.name != name for one in self.view.groups.values()):
            return False
        self.view.conflict(
            change,
            ConflictCode.NAME_TAKEN,
            f"The extension group cannot be called {name} again: there is another one of this name. Rename one of the "
            "two, and roll back once more.",
        )
        return True

    def _associate_again(self, row: Done, change: GroupChange, former: ObjectAssociation | None) -> None:
        view = self.view
        group = view.groups.get(former.object_id) if former is not None else None
        if former is None or group is None:
            view.lose(change, "its association: the extension group is gone from the PBX")
            return
        if view.owner(_GROUP, group.id) is not None:
            view.conflict(
                change,
                ConflictCode.CHANGED_SINCE,
                f"The extension group {group.name}, which the run released, is another one's since.",
            )
            return
        again = GroupChange(
            action=Action.ASSOCIATE,
            object_id=group.id,
            association=replace(former, name=group.name, members=()),
            kept=group.members,
            remembered=former,
            **{**about(row, change), "reason": Reason.REMEMBERED},
        )
        view.emit(again, view.hand_over(_GROUP, group.id))
        view.hold(former)

    def clean_up(self, guids: Collection[str]) -> None:
        """Plan to delete what is left of groups that were made anew under another name, if they are among these."""
        view = self.view
        for held in list(view.objects.values()):
            if held.guid not in guids or not held.leftover_id or view.owner(_GROUP, held.leftover_id) is not None:
                continue
            # One that is gone already is deleted once more, which is nothing to the PBX, and then forgotten.
            group = view.groups.pop(held.leftover_id, None)
            clean = replace(held, leftover_id=0)
            view.emit(
                GroupChange(
                    action=Action.DELETE,
                    guid=held.guid,
                    name=held.name,
                    dn=held.dn,
                    object_id=held.leftover_id,
                    reason=Reason.LEFTOVER,
                    before={_NAME: group.name} if group is not None else {},
                    association=clean,
                    part="leftover",
                )
            )
            view.hold(clean)

    # --- extensions that are made again

    def put_members_back(self, already: Collection[tuple[int, int]]) -> None:
        """Plan to make extensions that are made again members of the groups that they were in.

        :param already: the memberships that were put back by an earlier attempt, and are no longer there.
        """
        view = self.view
        by_group: dict[int, list[Returning]] = defaultdict(list)
        for one in view.returning:
            group_id = view.id(_GROUP, one.group_id)
            group = view.groups.get(group_id)
            if group is None:
                view.lose(one.change, f"its membership of the extension group {one.group_name}, which is gone")
            elif not group.includes_all and (group_id, one.extension_id) not in already:
                by_group[group_id].append(one)
        for group_id, coming in by_group.items():
            self._put_back(view.groups[group_id], coming)

    def _put_back(self, group: ExtensionGroup, coming: list[Returning]) -> None:
        view = self.view
        types = {one.extension_id: one.user_type for one in coming if one.user_type}
        members = {*group.members, *(one.extension_id for one in coming)}
        wanted = replace(group, members=tuple(sorted(members)), user_types={**types, **group.user_types})
        held = view.objects.get((_GROUP, view.owner(_GROUP, group.id) or ""))
        remembered = _remembering(held, coming) if held is not None else None
        if wanted.members == group.members and remembered == held:
            return
        update = replace(
            self._update(group, wanted, remembered),
            guid=held.guid if held is not None else f"group:{group.id}",
            dn=held.dn if held is not None else "",
            part=MEMBERS,
        )
        if wanted.members == group.members:
            update = replace(update, reason=Reason.REMEMBERED)
        self._emit(update, wanted, remembered)


def _remembering(held: ObjectAssociation, coming: list[Returning]) -> ObjectAssociation:
    """A group's association with the new ids of its members."""
    ids: Mapping[int, int] = {one.former_id: one.extension_id for one in coming}
    members = {ids.get(id_, id_) for id_ in held.members}
    members |= {one.extension_id for one in coming if one.remembered}
    return replace(held, members=tuple(sorted(members)))
