# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""How each change of an organization is undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.conflicts import ConflictCode
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.images import OrganizationImage
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Done
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.limits import organization_limits
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectAssociation, ObjectKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Organization
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    OrganizationChange,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_merge import Step, merged, step
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_view import View, about

_ORGANIZATION = ObjectKind.ORGANIZATION
_NAME, _PARENT = "name", "parent"


@dataclass(frozen=True, slots=True)
class OrganizationUndoing:
    """Undoes changes of organizations, the latest first.

    :param waiting: creations of organizations that hold something yet, which may leave them.
    """

    view: View
    waiting: list[tuple[Done, OrganizationChange]] = field(default_factory=list)

    def undo(self, row: Done, change: OrganizationChange) -> None:
        """Plan what undoes a change."""
        root = self.view.root
        if root is None:
            self.view.lose(change, "what became of the organization, for organization management is off")
            return
        former, latter = self._known(row.former), self._known(row.latter)
        if change.association is None and change.action is Action.UPDATE:
            self._name_company(row, change, self.view.organizations[root.id])
            return
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
        self, row: Done, change: OrganizationChange, former: ObjectAssociation | None, latter: ObjectAssociation | None
    ) -> None:
        """Put back what the run remembered anew without any write."""
        view, present = self.view, self.view.objects[_ORGANIZATION, change.guid]
        wanted = merged(former, latter, present) if former is not None and latter is not None else present
        if wanted == present:
            view.unchanged += 1
            return
        update = OrganizationChange(
            action=Action.UPDATE,
            object_id=present.object_id,
            association=replace(wanted, parent_id=0),
            remembered=wanted,
            **{**about(row, change), "reason": Reason.REMEMBERED},
        )
        view.emit(update, view.making(_ORGANIZATION, [wanted.parent_id]))
        view.hold(wanted)

    def _known(self, association: object) -> ObjectAssociation | None:
        if not isinstance(association, ObjectAssociation):
            return None
        return replace(
            association,
            object_id=self.view.id(_ORGANIZATION, association.object_id),
            parent_id=self.view.id(_ORGANIZATION, association.parent_id),
        )

    def _name_company(self, row: Done, change: OrganizationChange, present: Organization) -> None:
        view = self.view
        was, left = change.before.get(_NAME, ""), change.after[_NAME]
        match step(was, left, present.name):
            case Step.CHANGED_SINCE:
                view.changed_since(change, "The name", (was, left, present.name))
            case Step.NOTHING:
                view.unchanged += 1
            case Step.PUT_BACK:
                view.emit(
                    OrganizationChange(
                        action=Action.UPDATE,
                        object_id=present.id,
                        before={_NAME: present.name},
                        after={_NAME: was},
                        **about(row, change),
                    )
                )
                view.organizations[present.id] = replace(present, name=was)

    def finish(self) -> None:
        """Plan to delete what had to wait: it may be empty by now."""
        for row, change in self.waiting:
            self._delete(row, change, self._known(row.former), is_last_try=True)

    def _delete(
        self,
        row: Done,
        change: OrganizationChange,
        former: ObjectAssociation | None,
        *,
        is_last_try: bool = False,
    ) -> None:
        view, present = self.view, self.view.objects[_ORGANIZATION, change.guid]
        organization = view.organizations.get(present.object_id)
        if organization is None:
            gone = OrganizationChange(action=Action.RELEASE, object_id=present.object_id, **about(row, change))
            view.emit(gone)
            view.end(_ORGANIZATION, change.guid, gone.key)
            return
        holding = self._holding(organization.id)
        if holding and not is_last_try:
            self.waiting.append((row, change))
            return
        if holding:
            view.conflict(
                change,
                ConflictCode.OBJECT_IN_USE,
                f"The organization {organization.name}, which the run created, holds what came since: "
                f"{', '.join(holding)}. It is kept; move them elsewhere on the PBX, and roll back once more.",
            )
            return
        deletion = OrganizationChange(
            action=Action.DELETE,
            object_id=organization.id,
            before=self._fields(organization),
            remembered=former,
            **about(row, change),
        )
        view.emit(deletion, view.left[organization.id])
        view.end(_ORGANIZATION, change.guid, deletion.key)
        del view.organizations[organization.id]
        view.left[organization.parent_id].append(deletion.key)
        if former is not None:
            view.hold(former)

    def _holding(self, organization_id: int) -> list[str]:
        view = self.view
        names = sorted(one.name for one in view.organizations.values() if one.parent_id == organization_id)
        inside = (one for one in view.extensions.values() if organization_id in {p.id for p in one.organizations})
        return [*names, *(f"extension {number}" for number in sorted(one.number for one in inside))]

    def _create_again(self, row: Done, change: OrganizationChange, former: ObjectAssociation | None) -> None:
        view, image = self.view, row.image
        if not isinstance(image, OrganizationImage) or former is None:
            view.lose(change, "the organization: what it was is not written down")
            return
        if view.is_left_alone(change, _NAME):
            # It would be made again with the name that it bore in passing alone.
            return
        parent_id = view.id(_ORGANIZATION, image.parent_id)
        again = Organization(-(change.object_id or 0), image.name, parent_id)
        if not self._fits(change, again):
            return
        room = organization_limits(view.standing.pbx.identity, view.standing.pbx.capacity).organizations
        if len(view.organizations) > room:
            view.conflict(
                change,
                ConflictCode.NO_ROOM,
                f"The PBX takes {room} organizations and has no room for {image.name}, which the run deleted. Delete "
                "another one.",
            )
            return
        remembered = replace(former, object_id=again.id)
        creation = OrganizationChange(
            action=Action.CREATE,
            object_id=None,
            after=self._fields(again),
            association=replace(former, object_id=0, name=image.name, parent_id=0),
            parent_id=parent_id,
            remembered=remembered,
            **about(row, change),
        )
        view.emit(creation, view.making(_ORGANIZATION, [parent_id, remembered.parent_id]))
        view.made[_ORGANIZATION, again.id] = creation.key
        view.ids[_ORGANIZATION, change.object_id or 0] = again.id
        view.organizations[again.id] = again
        view.hold(remembered)

    def _write_back(
        self,
        row: Done,
        change: OrganizationChange,
        former: ObjectAssociation | None,
        latter: ObjectAssociation | None,
    ) -> None:
        view, present = self.view, self.view.objects[_ORGANIZATION, change.guid]
        # One that the run associated ends here; what its directory object had before was gone.
        is_last = change.action is Action.UPDATE
        organization = view.organizations.get(present.object_id)
        if organization is None:
            view.gone_since(change)
            return
        kept: set[str] = set()
        wanted = self._as_it_was(row, change, organization, kept)
        remembered = present
        if is_last and former is not None and latter is not None:
            remembered = merged(former, latter, present, kept)
        if wanted != organization or remembered != present:
            self._emit_write(row, change, organization, wanted, remembered, is_last=is_last)
        elif is_last:
            view.unchanged += 1
        if not is_last:
            release = OrganizationChange(action=Action.RELEASE, object_id=organization.id, **about(row, change))
            view.emit(release)
            view.end(_ORGANIZATION, change.guid, release.key)

    def _emit_write(
        self,
        row: Done,
        change: OrganizationChange,
        present: Organization,
        wanted: Organization,
        remembered: ObjectAssociation,
        *,
        is_last: bool,
    ) -> None:
        view = self.view
        before, after = self._fields(present), self._fields(wanted)
        differing = [_NAME] if present.name != wanted.name else []
        differing += [_PARENT] if present.parent_id != wanted.parent_id else []
        update = OrganizationChange(
            action=Action.UPDATE,
            object_id=present.id,
            before={name: before[name] for name in differing},
            after={name: after[name] for name in differing},
            association=replace(remembered, name=wanted.name, parent_id=0),
            parent_id=wanted.parent_id,
            remembered=remembered,
            **about(row, change, "" if is_last else "fields"),
        )
        if not differing:
            update = replace(update, reason=Reason.REMEMBERED)
        view.emit(update, view.making(_ORGANIZATION, [wanted.parent_id, remembered.parent_id]))
        view.organizations[present.id] = wanted
        if present.parent_id != wanted.parent_id:
            view.left[present.parent_id].append(update.key)
        view.hold(remembered)

    def _as_it_was(
        self, row: Done, change: OrganizationChange, organization: Organization, kept: set[str]
    ) -> Organization:
        """The organization with what the run wrote put back, as far as it can be.

        :param kept: is given the names of the association's attributes that were changed since.
        """
        view, image = self.view, row.image
        if not isinstance(image, OrganizationImage):
            return organization
        was_below = view.id(_ORGANIZATION, image.parent_id)
        left_below = view.id(_ORGANIZATION, change.parent_id) if _PARENT in change.after else was_below
        wanted = organization
        value = view.written(row, _NAME, image.name)
        match value.step(organization.name):
            case _ if view.is_left_alone(change, _NAME):
                kept.add(_NAME)
            case Step.CHANGED_SINCE:
                view.changed_since(change, "The name", (value.before, value.last, organization.name))
                kept.add(_NAME)
            case Step.PUT_BACK:
                wanted = replace(wanted, name=value.found)
        match step(was_below, left_below, organization.parent_id):
            case Step.CHANGED_SINCE:
                paths = (view.path(was_below), view.path(left_below), view.path(organization.parent_id))
                view.changed_since(change, "The parent", paths)
                kept.add("parent_id")
            case Step.PUT_BACK:
                wanted = replace(wanted, parent_id=was_below)
        if wanted != organization and not self._fits(change, wanted):
            kept.update((_NAME, "parent_id"))
            wanted = organization
        view.leave_alone(change, kept & change.after.keys())
        return wanted

    def _fits(self, change: OrganizationChange, wanted: Organization) -> bool:
        """Tell whether an organization can be where it was, and be called what it was called."""
        view = self.view
        above, below_itself = wanted.parent_id, False
        for _step in range(len(view.organizations)):
            below_itself = below_itself or above == wanted.id
            above = view.organizations[above].parent_id if above in view.organizations else 0
        if wanted.parent_id not in view.organizations or below_itself:
            where = "below which it was is gone" if not below_itself else "below which it was is below it now"
            view.conflict(
                change,
                ConflictCode.CHANGED_SINCE,
                f"The organization {wanted.name} cannot be put back: the one {where}. Put it right by hand.",
            )
            return False
        siblings = (one for one in view.organizations.values() if one.parent_id == wanted.parent_id)
        if any(one.name == wanted.name and one.id != wanted.id for one in siblings):
            view.conflict(
                change,
                ConflictCode.NAME_TAKEN,
                f"The organization cannot be called {wanted.name} again: there is another one of this name at its "
                "place. Rename one of the two, and roll back once more.",
            )
            return False
        return True

    def _associate_again(self, row: Done, change: OrganizationChange, former: ObjectAssociation | None) -> None:
        view = self.view
        organization = view.organizations.get(former.object_id) if former is not None else None
        if former is None or organization is None:
            view.lose(change, "its association: the organization is gone from the PBX")
            return
        if view.owner(_ORGANIZATION, organization.id) is not None:
            view.conflict(
                change,
                ConflictCode.CHANGED_SINCE,
                f"The organization {organization.name}, which the run released, is another unit's since.",
            )
            return
        again = OrganizationChange(
            action=Action.ASSOCIATE,
            object_id=organization.id,
            association=replace(former, name=organization.name, parent_id=0),
            parent_id=organization.parent_id,
            remembered=former,
            **{**about(row, change), "reason": Reason.REMEMBERED},
        )
        freed = view.hand_over(_ORGANIZATION, organization.id)
        view.emit(again, [*view.making(_ORGANIZATION, [former.parent_id]), *freed])
        view.hold(former)

    def _fields(self, organization: Organization) -> Mapping[str, str]:
        return {_NAME: organization.name, _PARENT: self.view.path(organization.parent_id)}
