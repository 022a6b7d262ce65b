# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a name and a password are, as a real domain controller proves it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad import sign_on
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.connection import DirectorySettings

from lab.directory_admin import DirectoryAdmin
from lab.samba import LDAPS_PORT, DomainController

PASSWORD = "Correct-Horse-77"


@pytest.fixture(name="anna")
def _anna(directory_admin: DirectoryAdmin, own_unit: str) -> str:
    """The objectGUID of a user in a group that is in another one."""
    guid = directory_admin.add_user(
        "Anna", parent=own_unit, password=PASSWORD, userPrincipalName="anna.order@example.org"
    )
    directory_admin.add_group("Inner", parent=own_unit, members=[f"CN=Anna,{own_unit}"])
    directory_admin.add_group("Outer", parent=own_unit, members=[f"CN=Inner,{own_unit}"])
    return guid


@pytest.mark.parametrize("own_one_first", [True, False])
def test_the_account_is_found_wherever_its_own_identifier_is_among_those_of_its_groups(
    lab_directory: DomainController, anna: str, monkeypatch: pytest.MonkeyPatch, own_one_first: bool
) -> None:
    settings = DirectorySettings(
        host=lab_directory.address,
        protocol="ldaps",
        port=LDAPS_PORT,
        base_dn=lab_directory.base_dn,
        username="anna.order@example.org",
        password=PASSWORD,
        ca_path=str(lab_directory.ca_path),
        timeout=20,
    )
    read = sign_on._read_root
    told: list[int] = []

    def reordered(connection: Any, attribute: str) -> list[bytes]:
        values = read(connection, attribute)
        told.append(len(values))
        return values if own_one_first else values[::-1]

    monkeypatch.setattr(sign_on, "_read_root", reordered)

    assert sign_on.prove(settings).guid == anna
    assert min(told) >= 3
