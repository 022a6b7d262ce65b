# SPDX-License-Identifier: GPL-3.0-or-later
"""A user of whom the account may not read all: what is hidden is never taken for what is not so."""

from __future__ import annotations

import struct
from typing import Any
from uuid import UUID

import pytest
from ldap3 import BASE, MODIFY_REPLACE
from ldap3.protocol.microsoft import security_descriptor_control

from tests.integration.modules.site_under_test import Site

# schemaIDGUID of each attribute (MS-ADA1, MS-ADA3).
SCHEMA_IDS = {
    "userAccountControl": UUID("bf967a68-0de6-11d0-a285-00aa003049e2"),
    "primaryGroupID": UUID("bf967a00-0de6-11d0-a285-00aa003049e2"),
    "sAMAccountName": UUID("3e0abfd0-126a-11d0-a060-00aa006c33ed"),
}


@pytest.mark.parametrize("attribute", SCHEMA_IDS)
@pytest.mark.parametrize("moved", [False, True], ids=["in scope", "out of scope"])
def test_a_user_with_a_hidden_attribute_fails_the_run_and_removes_nothing(
    site: Site, attribute: str, moved: bool
) -> None:
    inside, outside = site.add_unit("Inside"), site.add_unit("Outside")
    rule: dict[str, Any] = {"scope": "organizational_units", "organizational_units": ["Inside"]}
    anna = site.add_user("Anna", parent=inside)
    site.add_user("Bernd", parent=inside)
    site.sync(**rule)
    site.pbx.calls.clear()
    _hide(site, anna, attribute)
    if moved:
        site.admin.move(anna, outside)

    outcome = site.sync_failing(**rule, deletion_proof="absence", out_of_scope="delete")

    assert f"without its {attribute}" in outcome["msg"]
    assert site.writes() == []


def _hide(site: Site, dn: str, attribute: str) -> None:
    """Deny the account of the site to read an attribute of an object (MS-DTYP 2.4.4.4, 2.4.5, 2.4.6)."""
    connection = site.admin._connection
    access_list_alone = security_descriptor_control(sdflags=4)
    connection.search(dn, "(objectClass=*)", BASE, attributes=["nTSecurityDescriptor"], controls=access_list_alone)
    (present,) = connection.response[0]["raw_attributes"]["nTSecurityDescriptor"]
    revision, control, start = struct.unpack_from("<BxH12xI", present)
    size, count = struct.unpack_from("<HH", present, start + 2)
    (account,) = site.admin.read(site.directory.sync_account.distinguished_name, "objectSid")["objectSid"]
    read_property, object_type_present = 0x10, 1
    denial = struct.pack("<II", read_property, object_type_present) + SCHEMA_IDS[attribute].bytes_le + account
    entry = struct.pack("<BxH", 6, 4 + len(denial)) + denial
    entries = entry + present[start + 8 : start + size]
    access_list = struct.pack("<BxHHxx", 4, 8 + len(entries), count + 1) + entries
    changed = struct.pack("<BxH12xI", revision, control, 20) + access_list
    replacement = {"nTSecurityDescriptor": [(MODIFY_REPLACE, [changed])]}
    assert connection.modify(dn, replacement, controls=access_list_alone), connection.result
