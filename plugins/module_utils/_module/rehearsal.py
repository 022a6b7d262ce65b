# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What a stage of a run leaves behind, found out before anything is written: it is carried out on a PBX in memory.

The next stage is planned from that. The calls are made by the code that makes them in earnest, so that what is planned
from is what will be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.apply import Stage, formers
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import PbxWrites
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.writes import Writes
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import FIELD_NAMES
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Access,
    Extension,
    ExtensionGroup,
    GroupPattern,
    NewExtension,
    Organization,
    OrganizationReference,
    PbxSnapshot,
    with_access,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.standing import Standing


def rehearse(stage: Stage, standing: Standing) -> Standing:
    """Return where a run stands once all of a stage is done that is not stopped."""
    pbx = ImaginedPbx(standing.pbx)
    writes = Writes(pbx, standing.pbx, [*standing.associations, *standing.objects])
    for association in stage.refreshed:
        writes.remember(association)
    taken_over = formers(stage.changes)
    handed_over = {former.key for former in taken_over.values()}
    for change in stage.changes:
        if change.key in stage.stopped or change.key in stage.put_off or change.key in handed_over:
            continue
        resolved = writes.resolved(change)
        written = writes.write(resolved, "")
        if change.key in taken_over:
            writes.forget(taken_over[change.key])
        writes.settle(resolved, written.association)
    return Standing(pbx.snapshot(), writes.associations, writes.objects)


class ImaginedPbx(PbxWrites):
    """A PBX in memory that takes every write."""

    def __init__(self, snapshot: PbxSnapshot) -> None:
        self._snapshot = snapshot
        self._extensions = {one.id: one for one in snapshot.extensions}
        self._organizations = {one.id: one for one in snapshot.organizations or ()}
        self._groups = {one.id: one for one in snapshot.groups or ()}
        known = (*self._extensions, *self._organizations, *self._groups)
        self._last_id = min(0, *known) if known else 0

    def snapshot(self) -> PbxSnapshot:
        """Return the PBX as the writes have left it."""
        grown = len(self._extensions) - len(self._snapshot.extensions)
        capacity = self._snapshot.capacity
        return replace(
            self._snapshot,
            capacity=replace(capacity, extensions_used=capacity.extensions_used + grown),
            extensions=tuple(self._extensions.values()),
            organizations=tuple(self._organizations.values()) if self._snapshot.organizations is not None else None,
            groups=tuple(self._groups.values()) if self._snapshot.groups is not None else None,
        )

    def _new_id(self) -> int:
        self._last_id -= 1
        return self._last_id

    # --- extensions

    def create_extension(self, new: NewExtension) -> int:
        """Create an extension and return its provisional id."""
        fields = {name: new.fields.get(name, "") for name in FIELD_NAMES}
        extension = Extension(self._new_id(), new.number, fields, None, new.organizations)
        self._extensions[extension.id] = extension
        return extension.id

    def update_extension(
        self,
        extension_id: int,
        fields: Mapping[str, str],
        organizations: Sequence[OrganizationReference],
        access: Access | None = None,
    ) -> None:
        """Set fields and access, and put the extension into exactly these organizations."""
        extension = self._extensions[extension_id]
        if access is not None:
            extension = with_access(extension, access)
        places = tuple(organizations) if self._organizations else extension.organizations
        self._extensions[extension_id] = replace(extension, fields={**extension.fields, **fields}, organizations=places)

    def delete_extension(self, extension_id: int) -> None:
        """Delete an extension, and take it out of its groups."""
        self._extensions.pop(extension_id, None)
        for group in list(self._groups.values()):
            if extension_id in group.members:
                members = tuple(one for one in group.members if one != extension_id)
                self._groups[group.id] = replace(group, members=members)

    # --- organizations

    def set_company_name(self, name: str) -> None:
        """Rename the root."""
        root = next(iter(self._organizations))
        self.update_organization(root, name, 0)

    def create_organization(self, name: str, parent_id: int) -> int:
        """Create an organization and return its provisional id."""
        organization = Organization(self._new_id(), name, parent_id)
        self._organizations[organization.id] = organization
        return organization.id

    def update_organization(self, organization_id: int, name: str, parent_id: int) -> None:
        """Rename an organization, for extensions that are in it too, and put it below a parent."""
        self._organizations[organization_id] = Organization(organization_id, name, parent_id)
        self._rewrite_places({organization_id: OrganizationReference(organization_id, name)})

    def delete_organization(self, organization_id: int) -> None:
        """Delete an organization; what is in it and nowhere else falls to the root."""
        self._organizations.pop(organization_id, None)
        self._rewrite_places({organization_id: None})

    def _rewrite_places(self, changed: Mapping[int, OrganizationReference | None]) -> None:
        root = next(iter(self._organizations.values()))
        for extension in list(self._extensions.values()):
            if not any(one.id in changed for one in extension.organizations):
                continue
            places = [changed.get(one.id, one) for one in extension.organizations]
            left = tuple(one for one in places if one is not None)
            self._extensions[extension.id] = replace(
                extension, organizations=left or (OrganizationReference(root.id, root.name),)
            )

    # --- extension groups

    def create_group(self, name: str, members: Sequence[int], like: int | GroupPattern | None = None) -> int:  # noqa: ARG002
        """Create a group and return its provisional id."""
        group = ExtensionGroup(self._new_id(), name, tuple(sorted(members)))
        self._groups[group.id] = group
        return group.id

    def update_group(
        self,
        group_id: int,
        members: Sequence[int],
        user_types: Mapping[int, str] | None = None,  # noqa: ARG002
    ) -> None:
        """Give a group these members."""
        self._groups[group_id] = replace(self._groups[group_id], members=tuple(sorted(members)))

    def rename_group(self, group_id: int, name: str, members: Sequence[int]) -> bool:
        """Rename a group; a PBX that does not makes it anew, which is the same group to the directory."""
        self._groups[group_id] = replace(self._groups[group_id], name=name, members=tuple(sorted(members)))
        return True

    def delete_group(self, group_id: int) -> None:
        """Delete a group."""
        self._groups.pop(group_id, None)
