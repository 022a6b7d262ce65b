# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Objects that are made again: what their old ids stood for, their new ones stand for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    ExtensionChange,
    GroupChange,
    OrganizationChange,
)


class Renewed:
    """Puts true ids in the place of those that a plan gave, for the time being, to what it makes again.

    Such ids are negative; a change that makes an object again has it in ``remembered``.
    """

    def __init__(self) -> None:
        self._ids: dict[tuple[ObjectKind, int], int] = {}

    def note(self, change: AnyChange, object_id: int | None) -> None:
        """Take note of what a change has made, an extension group in place of one that cannot be renamed too."""
        former = change.object_id
        if change.action is Action.CREATE and change.remembered is not None:
            former = own_id(change.remembered)
        if former is not None and object_id is not None and former != object_id:
            self._ids[change.kind, former] = object_id

    def resolve(self, change: AnyChange) -> AnyChange:
        """Return a change with true ids, as far as they are known; members that could not be made are left out."""
        if not self._ids:
            return _without_unmade(change) if isinstance(change, GroupChange) else change
        if isinstance(change, ExtensionChange):
            return self._extension(change)
        if isinstance(change, OrganizationChange):
            return self._organization(change)
        return _without_unmade(self._group(change))

    def _extension(self, change: ExtensionChange) -> ExtensionChange:
        placement = change.placement
        if placement is not None:
            others = tuple(replace(one, id=self._id(ObjectKind.ORGANIZATION, one.id)) for one in placement.others)
            placement = replace(placement, others=others)
        return replace(
            change,
            object_id=self._own(change),
            association=self._about(change.association),
            placement=placement,
            remembered=self._association(change.remembered),
        )

    def _about(self, association: Association | None) -> Association | None:
        if association is None:
            return None
        return replace(association, extension_id=self._id(ObjectKind.EXTENSION, association.extension_id))

    def _about_object(self, association: ObjectAssociation | None) -> ObjectAssociation | None:
        if association is None:
            return None
        return replace(association, object_id=self._id(association.kind, association.object_id))

    def _association(self, association: Association | None) -> Association | None:
        if association is None:
            return None
        organization_id = self._id(ObjectKind.ORGANIZATION, association.organization_id)
        return replace(association, organization_id=organization_id)

    def _organization(self, change: OrganizationChange) -> OrganizationChange:
        return replace(
            change,
            object_id=self._own(change),
            association=self._about_object(change.association),
            parent_id=self._id(ObjectKind.ORGANIZATION, change.parent_id),
            remembered=self._object(change.remembered),
        )

    def _group(self, change: GroupChange) -> GroupChange:
        return replace(
            change,
            object_id=self._own(change),
            association=self._about_object(change.association),
            kept=self._extensions(change.kept),
            removed_ids=self._extensions(change.removed_ids),
            user_types={self._id(ObjectKind.EXTENSION, id_): kind for id_, kind in change.user_types.items()},
            remembered=self._object(change.remembered),
        )

    def _object(self, association: ObjectAssociation | None) -> ObjectAssociation | None:
        if association is None:
            return None
        parent_id = self._id(ObjectKind.ORGANIZATION, association.parent_id)
        return replace(association, parent_id=parent_id, members=self._extensions(association.members))

    def _own(self, change: AnyChange) -> int | None:
        return self._id(change.kind, change.object_id) if change.object_id is not None else None

    def _extensions(self, ids: Iterable[int]) -> tuple[int, ...]:
        return tuple(sorted(self._id(ObjectKind.EXTENSION, id_) for id_ in ids))

    def _id(self, kind: ObjectKind, object_id: int) -> int:
        return self._ids.get((kind, object_id), object_id)


def own_id(association: Association | ObjectAssociation) -> int:
    """Return the id of the object that an association is about."""
    return association.extension_id if isinstance(association, Association) else association.object_id


def as_remembered(
    change: AnyChange, association: Association | ObjectAssociation | None
) -> Association | ObjectAssociation | None:
    """Return what is saved of a change that is done.

    :param association: what it has left behind, with true ids; None where it has ended.
    """
    remembered = change.remembered
    if remembered is None or association is None:
        return remembered or association
    if isinstance(association, ObjectAssociation) and isinstance(remembered, ObjectAssociation):
        return replace(remembered, object_id=association.object_id, leftover_id=association.leftover_id)
    if isinstance(remembered, Association) and isinstance(association, Association):
        return replace(remembered, extension_id=association.extension_id)
    return association


def _without_unmade(change: GroupChange) -> GroupChange:
    """A group keeps those of its members that exist."""
    remembered = change.remembered
    if remembered is None and all(id_ > 0 for id_ in change.kept):
        return change
    if remembered is not None:
        remembered = replace(remembered, members=tuple(id_ for id_ in remembered.members if id_ > 0))
    return replace(change, kept=tuple(id_ for id_ in change.kept if id_ > 0), remembered=remembered)
