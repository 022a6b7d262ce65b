# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Before-images: what a change found on the PBX, so that it can be put back. No secret is ever part of one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Union

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Extension,
    ExtensionGroup,
    Organization,
    OrganizationReference,
    PbxSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    REMOVALS,
    Action,
    AnyChange,
    ExtensionChange,
    GroupChange,
    OrganizationChange,
    Reason,
)


@dataclass(frozen=True, slots=True)
class GroupMembership:
    """That an extension was a member of an extension group.

    :param user_type: "" where the PBX did not show it.
    :param remembered: whether the group's association said so too.
    """

    group_id: int
    name: str
    user_type: str = ""
    remembered: bool = False


@dataclass(frozen=True, slots=True)
class ExtensionImage:
    """An extension as it was; see ``pbx.Extension``.

    :param groups: the groups of chosen members that it was in; None where they were not read.
    """

    number: str
    fields: Mapping[str, str]
    organizations: tuple[OrganizationReference, ...] = ()
    registration_name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    groups: tuple[GroupMembership, ...] | None = None


@dataclass(frozen=True, slots=True)
class OrganizationImage:
    """An organization as it was.

    :param members: ids of the extensions in it.
    """

    name: str
    parent_id: int
    members: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupImage:
    """An extension group as it was; see ``pbx.ExtensionGroup``."""

    name: str
    members: tuple[int, ...] = ()
    includes_all: bool = False
    user_types: Mapping[int, str] = field(default_factory=dict)
    settings: Mapping[str, int] = field(default_factory=dict)


AnyImage = Union[ExtensionImage, OrganizationImage, GroupImage]  # noqa: UP007 (pylint knows no | here)


class Images:
    """Makes before-images amid a run, of what the PBX showed before it and of what the run has written since.

    :param snapshot: the PBX before the first change.
    :param extensions: its extensions by id, kept up to date by whoever writes them; None for one that was not read.
    :param associations: as they were before the run. What it saves anew of a group, before its first change, no longer
        has who is about to be deleted.
    """

    def __init__(
        self,
        snapshot: PbxSnapshot,
        extensions: Mapping[int, Extension | None],
        associations: Iterable[Association | ObjectAssociation] = (),
    ) -> None:
        self._extensions = extensions
        self._members = _remembered_members(associations)
        self._organizations = {one.id: one for one in snapshot.organizations or ()}
        self._groups: dict[int, ExtensionGroup] | None = None if snapshot.groups is None else {}
        self._groups_of: dict[int, set[int]] = defaultdict(set)
        for group in snapshot.groups or ():
            self._put_group(group)

    def of(self, change: AnyChange) -> AnyImage | None:
        """Return the object of a change as it is; None for one that is still to be created, or is gone."""
        object_id = change.object_id or 0
        if isinstance(change, ExtensionChange):
            extension = self._extensions.get(object_id)
            return self._extension(extension) if extension is not None else None
        if isinstance(change, OrganizationChange):
            organization = self._organizations.get(object_id)
            return self._organization(organization) if organization is not None else None
        group = (self._groups or {}).get(object_id)
        return group_image(group) if group is not None else None

    def members(self, group_id: int) -> frozenset[int]:
        """Return the ids of a group's members; none where groups were not read."""
        group = (self._groups or {}).get(group_id)
        return frozenset(group.members) if group is not None else frozenset()

    def _extension(self, extension: Extension) -> ExtensionImage:
        groups = None
        if self._groups is not None:
            found = (self._groups[group_id] for group_id in sorted(self._groups_of[extension.id]))
            groups = tuple(
                GroupMembership(
                    group_id=group.id,
                    name=group.name,
                    user_type=group.user_types.get(extension.id, ""),
                    remembered=(group.id, extension.id) in self._members,
                )
                for group in found
            )
        return ExtensionImage(
            number=extension.number,
            fields=dict(extension.fields),
            organizations=extension.organizations,
            registration_name=extension.registration_name or "",
            settings=dict(extension.settings),
            groups=groups,
        )

    def _organization(self, organization: Organization) -> OrganizationImage:
        members = (
            one.id
            for one in self._extensions.values()
            if one is not None and organization.id in {place.id for place in one.organizations}
        )
        return OrganizationImage(
            name=organization.name,
            parent_id=organization.parent_id,
            members=tuple(sorted(members)),
        )

    def note(self, change: AnyChange, object_id: int | None) -> None:
        """Take note of what a change has done to an organization or a group, or to the members of groups.

        :param change: as it was written, all ids the PBX's own.
        :param object_id: of the object as it is now.
        """
        if object_id is None or change.action is Action.RELEASE or change.reason is Reason.REMEMBERED:
            return
        if isinstance(change, ExtensionChange):
            if change.action is Action.DELETE:
                self._take_out(object_id)
        elif isinstance(change, OrganizationChange):
            self._note_organization(change, object_id)
        else:
            self._note_group(change, object_id)

    def _take_out(self, extension_id: int) -> None:
        for group_id in self._groups_of.pop(extension_id, set()):
            group = (self._groups or {})[group_id]
            self._put_group(replace(group, members=tuple(one for one in group.members if one != extension_id)))

    def _note_organization(self, change: OrganizationChange, object_id: int) -> None:
        if change.action in REMOVALS:
            self._organizations.pop(object_id, None)
            return
        present = self._organizations.get(object_id)
        if change.association is not None:
            self._organizations[object_id] = Organization(
                object_id, change.title or change.association.name, change.parent_id
            )
        elif present is not None:
            self._organizations[object_id] = replace(present, name=change.after.get("name", present.name))

    def _note_group(self, change: GroupChange, object_id: int) -> None:
        former = (self._groups or {}).pop(change.object_id or 0, None)
        if former is not None:
            for member in former.members:
                self._groups_of[member].discard(former.id)
        if change.action in REMOVALS:
            return
        wanted = change.association
        name = wanted.name if wanted is not None else former.name if former is not None else ""
        members = change.written_members(wanted.members) if wanted is not None else change.kept
        known = former.user_types if former is not None else {}
        self._put_group(
            ExtensionGroup(
                id=object_id,
                name=name,
                members=members,
                user_types=_of({**change.user_types, **known}, members),
                settings=former.settings if former is not None else change.settings,
            )
        )

    def _put_group(self, group: ExtensionGroup) -> None:
        if self._groups is None:
            return
        self._groups[group.id] = group
        for member in group.members:
            self._groups_of[member].add(group.id)


def _remembered_members(associations: Iterable[Association | ObjectAssociation]) -> set[tuple[int, int]]:
    """The ids of extension groups, each with those of its members as last written."""
    return {
        (one.object_id, member)
        for one in associations
        if isinstance(one, ObjectAssociation) and one.kind is ObjectKind.EXTENSION_GROUP
        for member in one.members
    }


def _of(user_types: Mapping[int, str], members: Iterable[int]) -> dict[int, str]:
    """The user types of members."""
    present = frozenset(members)
    return {id_: kind for id_, kind in user_types.items() if id_ in present}


def group_image(group: ExtensionGroup) -> GroupImage:
    """Return the image of a group."""
    return GroupImage(
        name=group.name,
        members=group.members,
        includes_all=group.includes_all,
        user_types=_of(group.user_types, group.members),
        settings=dict(group.settings),
    )
