# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Joining one directory to one PBX: both are asked who they are, and what they are is saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Integration
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.run import World
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.firmware import check_firmware
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryIdentity
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxCapacity

CONNECTED = "connected"

_NOT_READABLE = (
    "The account cannot read the Deleted Objects container, so a deleted user cannot be told from a hidden one and "
    "their extension is kept: grant it the right, or set deletion_proof to absence."
)


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """What connecting found and saved.

    :param before: what was saved before, None if nothing was.
    """

    integration: Integration
    before: Integration | None
    directory: DirectoryIdentity
    capacity: PbxCapacity
    ledger: str
    warnings: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether what is saved differs from what was."""
        return self.integration != self.before


def connect(world: World, settings: Mapping[str, Any]) -> ConnectionReport:
    """Ask both sides, and save the integration in the ledger.

    :param settings: the connection options without any secret.
    :raises FirmwareError: if the PBX's firmware has no Open API.
    :raises ForeignLedgerError: if the ledger belongs to another domain or another PBX.
    """
    with world.open_ledger() as ledger:
        with world.open_directory(()) as directory:
            identity = directory.identify()
        with world.open_pbx() as pbx:
            pbx_identity = pbx.identity()
            check_firmware(pbx_identity)
            capacity = pbx.capacity()
        before = ledger.integration()
        integration = Integration(identity.domain, pbx_identity, dict(settings), CONNECTED)
        ledger.save_integration(integration, world.clock())
        return ConnectionReport(
            integration=integration,
            before=before,
            directory=identity,
            capacity=capacity,
            ledger=ledger.location,
            warnings=() if identity.deleted_objects_readable else (_NOT_READABLE,),
        )


def integration_data(integration: Integration | None) -> dict[str, Any]:
    """Return an integration as plain data, for a result and a diff; empty for none."""
    if integration is None:
        return {}
    return {
        "status": integration.status,
        "domain": asdict(integration.domain),
        "pbx": asdict(integration.pbx),
        "settings": dict(integration.settings),
    }
