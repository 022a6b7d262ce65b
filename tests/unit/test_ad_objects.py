# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer of the directory says of an object, where a real directory cannot be made to give it."""

from __future__ import annotations

import uuid

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad import objects
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import IncompleteReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.search import Entry

GUID = "1f0e3c1a-8b8e-4f8e-9d9b-3a3b5a0f3d11"


@pytest.mark.parametrize("dn", ["OU=Sales,OU=Elsewhere,DC=lab,DC=test", "DC=lab,DC=test", "no name at all"])
def test_a_unit_that_was_moved_while_it_was_read_is_an_incomplete_read(dn: str) -> None:
    entry = Entry(dn, {"objectguid": [uuid.UUID(GUID).bytes_le]})
    with pytest.raises(IncompleteReadError, match=dn):
        objects.unit(entry, "OU=Staff,DC=lab,DC=test")


def test_a_unit_below_its_base() -> None:
    entry = Entry("OU=Sales,OU=STAFF,DC=lab,DC=test", {"objectguid": [uuid.UUID(GUID).bytes_le]})
    unit = objects.unit(entry, "OU=Staff,DC=lab,DC=test")
    assert (unit.guid, unit.dn, unit.path, unit.parent) == (GUID, entry.dn, ("Sales",), "")
