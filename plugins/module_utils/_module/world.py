# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Where a command reaches the world, and the proof that it reaches the right one."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.names import is_dn, same_dn
from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import (
    Directory,
    Integration,
    Ledger,
    Pbx,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.progress import Tell, tell_nobody
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.side_by_side import OneAfterTheOther, Workers
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryIdentity
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxIdentity

CONNECTED = "connected"
DISABLED = "disabled"
NOT_CONNECTED = "not_connected"


class IntegrationError(YeastarError):
    """The ledger's integration is not the one that the options describe, or there is none."""


def _nobody_else() -> AbstractContextManager[Workers]:
    return nullcontext(OneAfterTheOther())


@dataclass(frozen=True, slots=True)
class World:
    """Where a command reaches the world: how to open each side, the time and the source of names.

    :param open_ledger: opens the ledger itself for a run, a copy of it in check mode.
    :param open_directory: takes the attributes of users to read, by their LDAP names.
    :param progress: is told how far what is carried out has come.
    :param open_workers: brings those who make calls side by side. They are brought before the PBX is opened: once that
        is closed they make no further call, and what they have begun ends before the ledger is given back.
    :param monotonic: a clock in seconds that never goes back.
    """

    open_ledger: Callable[[], AbstractContextManager[Ledger]]
    open_directory: Callable[[Collection[str]], AbstractContextManager[Directory]]
    open_pbx: Callable[[], AbstractContextManager[Pbx]]
    clock: Callable[[], datetime]
    draw_name: Callable[[], str]
    progress: Tell = tell_nobody
    open_workers: Callable[[], AbstractContextManager[Workers]] = _nobody_else
    monotonic: Callable[[], float] = time.monotonic


def require_integration(ledger: Ledger, *, check_mode: bool) -> tuple[Integration | None, tuple[str, ...]]:
    """Return the integration, and what is to be warned of where check mode goes on without one.

    :raises IntegrationError: if there is none, outside of check mode.
    """
    integration = ledger.integration()
    if integration is not None:
        return integration, ()
    if not check_mode:
        raise IntegrationError(
            f"The ledger {ledger.location} holds no integration.",
            "Run pbxops.yeastar.pbx_ad_connection with state connected first.",
        )
    return None, (
        "There is no integration in the ledger yet; outside check mode pbxops.yeastar.pbx_ad_connection must make it "
        "first.",
    )


def require_base_dn(integration: Integration | None, base_dn: str) -> None:
    """Refuse another base DN than the integration was connected with."""
    if integration is None:
        return
    saved = str(integration.settings["directory_base_dn"])
    if not (is_dn(base_dn) and same_dn(saved, base_dn)):
        raise IntegrationError(
            f"directory_base_dn is {base_dn} and the integration was connected with {saved}; another base DN "
            "could put every user out of scope.",
            "Use the same, or run pbxops.yeastar.pbx_ad_connection with the new one first.",
        )


def require_domain(ledger: Ledger, directory: DirectoryIdentity) -> None:
    """Refuse a ledger whose associations speak of another domain."""
    integration = ledger.integration()
    if integration is not None and integration.domain.guid != directory.domain.guid:
        raise IntegrationError(
            f"The ledger {ledger.location} belongs to the domain {integration.domain.dns_name} and directory_host "
            f"answers for {directory.domain.dns_name}.",
            "Disconnect the integration first, or use another ledger.",
        )


def require_pbx(integration: Integration | None, location: str, pbx: PbxIdentity) -> None:
    """Refuse a ledger whose associations speak of another PBX.

    :param integration: that of the ledger.
    :param location: where the ledger is.
    """
    if integration is not None and integration.pbx.serial_number != pbx.serial_number:
        raise IntegrationError(
            f"The ledger {location} belongs to the PBX with serial number {integration.pbx.serial_number} and "
            f"pbx_url answers with {pbx.serial_number}.",
            "Use that PBX's address, or another ledger.",
        )
