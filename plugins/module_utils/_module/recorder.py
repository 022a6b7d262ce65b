# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What a run leaves to be looked at later, without the directory and the PBX."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Ledger, PbxCommands, SavedSnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.read_once import ReadOnce
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.recording import Recording, packed
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.rehearsal import ImaginedPbx
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Access,
    GroupPattern,
    NewExtension,
    OrganizationReference,
    PbxSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind


def remembers_groups(ledger: Ledger) -> bool:
    """Tell whether earlier runs have made extension groups, so that a snapshot is to show who is in them."""
    return any(one.kind is ObjectKind.EXTENSION_GROUP for one in ledger.object_associations())


def keep_snapshot(ledger: Ledger, directory: ReadOnce, pbx: PbxSnapshot, run_id: str, taken_at: datetime) -> None:
    """Keep in the ledger what a run has read, and what it has left behind.

    :param directory: as the run has asked it.
    :param pbx: as the run has left it.
    :param taken_at: when the run began.
    """
    integration = ledger.integration()
    if integration is None:
        return
    recording = Recording(
        directory=directory.record(),
        pbx=pbx,
        integration=integration,
        rules={kind.value: rule for kind in RuleKind if (rule := ledger.rule(kind)) is not None},
        names={kind.value: ledger.names(kind) for kind in RuleKind},
        associations=tuple(ledger.associations()),
        objects=tuple(ledger.object_associations()),
    )
    ledger.save_snapshot(SavedSnapshot(run_id, taken_at, packed(recording)))


class MirroredPbx(PbxCommands):
    """A PBX together with its image in memory, which takes every write that the PBX has done.

    So what a run leaves behind is known without reading the PBX once more.

    :param snapshot: the PBX as it was before the first write.
    """

    def __init__(self, pbx: PbxCommands, snapshot: PbxSnapshot) -> None:
        self._pbx = pbx
        self._image = _Image(snapshot)
        # Extensions are created, changed and deleted by several threads at once, all else by one alone.
        self._imagining = threading.Lock()

    def snapshot(self) -> PbxSnapshot:
        """Return the PBX as the writes so far have left it; its extensions are in the order of ids, as in a list."""
        snapshot = self._image.snapshot()
        return replace(snapshot, extensions=tuple(sorted(snapshot.extensions, key=attrgetter("id"))))

    def send_welcome_emails(self, extension_ids: Sequence[int]) -> None:
        """See ``PbxCommands``."""
        self._pbx.send_welcome_emails(extension_ids)

    # --- extensions

    def create_extension(self, new: NewExtension) -> int:
        """See ``PbxWrites``."""
        given_id = self._pbx.create_extension(new)
        with self._imagining:
            self._image.given_id = given_id
            return self._image.create_extension(new)

    def update_extension(
        self,
        extension_id: int,
        fields: Mapping[str, str],
        organizations: Sequence[OrganizationReference],
        access: Access | None = None,
    ) -> None:
        """See ``PbxWrites``."""
        self._pbx.update_extension(extension_id, fields, organizations, access)
        with self._imagining:
            self._image.update_extension(extension_id, fields, organizations, access)

    def delete_extension(self, extension_id: int) -> None:
        """See ``PbxWrites``."""
        self._pbx.delete_extension(extension_id)
        with self._imagining:
            self._image.delete_extension(extension_id)

    # --- organizations

    def set_company_name(self, name: str) -> None:
        """See ``PbxWrites``."""
        self._pbx.set_company_name(name)
        self._image.set_company_name(name)

    def create_organization(self, name: str, parent_id: int) -> int:
        """See ``PbxWrites``."""
        self._image.given_id = self._pbx.create_organization(name, parent_id)
        return self._image.create_organization(name, parent_id)

    def update_organization(self, organization_id: int, name: str, parent_id: int) -> None:
        """See ``PbxWrites``."""
        self._pbx.update_organization(organization_id, name, parent_id)
        self._image.update_organization(organization_id, name, parent_id)

    def delete_organization(self, organization_id: int) -> None:
        """See ``PbxWrites``."""
        self._pbx.delete_organization(organization_id)
        self._image.delete_organization(organization_id)

    # --- extension groups

    def create_group(self, name: str, members: Sequence[int], like: int | GroupPattern | None = None) -> int:
        """See ``PbxWrites``."""
        self._image.given_id = self._pbx.create_group(name, members, like)
        return self._image.create_group(name, members, like)

    def update_group(self, group_id: int, members: Sequence[int], user_types: Mapping[int, str] | None = None) -> None:
        """See ``PbxWrites``."""
        self._pbx.update_group(group_id, members, user_types)
        self._image.update_group(group_id, members)

    def rename_group(self, group_id: int, name: str, members: Sequence[int]) -> bool:
        """See ``PbxWrites``."""
        is_renamed = self._pbx.rename_group(group_id, name, members)
        if is_renamed:
            self._image.rename_group(group_id, name, members)
        return is_renamed

    def delete_group(self, group_id: int) -> None:
        """See ``PbxWrites``."""
        self._pbx.delete_group(group_id)
        self._image.delete_group(group_id)


class _Image(ImaginedPbx):
    """A PBX in memory that gives the ids that the real one has given."""

    given_id = 0

    def _new_id(self) -> int:
        return self.given_id
