# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory, asked beside the event loop: one connection a sign-on, a bounded number of them at once."""

from __future__ import annotations

from functools import partial

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.connection import DirectorySettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.sign_on import ProvedAccount, knock, prove
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Integration

from sign_on_gateway.settings import DirectoryLimits
from sign_on_gateway.threads import Threads

_DEFAULT_PORTS = {"ldaps": 636, "start_tls": 389, "ldap": 389}


class Directory:
    """The domain controller of the integration.

    Every method raises a ``DirectoryError`` as its function in ``_ad.sign_on`` does, and ``TooSlowError`` if it takes
    too long.
    """

    def __init__(self, limits: DirectoryLimits, threads: Threads) -> None:
        self._limits = limits
        self._threads = threads

    async def prove(self, integration: Integration, name: str, password: str) -> ProvedAccount:
        """Log in with a name and a password, and tell whose they are."""
        return await self._threads.run(partial(prove, self._settings(integration, name, password)))

    async def knock(self, integration: Integration) -> None:
        """Do as much of it as can be done as nobody."""
        await self._threads.run(partial(knock, self._settings(integration, "", "")))

    def _settings(self, integration: Integration, name: str, password: str) -> DirectorySettings:
        saved = integration.settings
        protocol = saved["directory_protocol"]
        return DirectorySettings(
            host=saved["directory_host"],
            protocol=protocol,
            port=saved.get("directory_port") or _DEFAULT_PORTS[protocol],
            base_dn=saved["directory_base_dn"],
            username=name,
            password=password,
            validate_certs=saved.get("directory_validate_certs", True),
            ca_path=self._limits.ca_path or saved.get("directory_ca_path"),
            timeout=self._limits.timeout,
        )
