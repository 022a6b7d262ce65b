# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the directory reader share: how to reach a domain controller through the proxy."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.connection import DirectorySettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.reader import DirectoryReader, open_directory
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import USER_ATTRIBUTES

from lab.ldap_proxy.process import LdapProxy
from lab.samba import DomainController


def settings_for(proxy: LdapProxy, controller: DomainController, **changes: Any) -> DirectorySettings:
    """The sync account's settings, through the proxy and over LDAPS where `changes` say nothing else."""
    settings = DirectorySettings(
        host=proxy.address,
        protocol="ldaps",
        port=proxy.ldaps_port,
        base_dn=controller.base_dn,
        username=controller.sync_account.user_principal_name,
        password=controller.sync_account.password,
        ca_path=str(controller.ca_path),
        timeout=20,
    )
    return replace(settings, **changes)


def open_reader(settings: DirectorySettings) -> AbstractContextManager[DirectoryReader]:
    """A reader that reads all attributes that the collection knows."""
    return open_directory(settings, USER_ATTRIBUTES)
