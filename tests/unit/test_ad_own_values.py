# SPDX-License-Identifier: GPL-3.0-or-later
"""Which attributes and filters hang on an object's own values alone."""

from __future__ import annotations

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad import terms
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import FilterError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.objects import user_attributes
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.own_values import foreign_values, goes_by_own_values
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import EXPLAINED_ATTRIBUTES


def test_all_that_is_read_of_users_is_their_own() -> None:
    assert foreign_values(user_attributes(EXPLAINED_ATTRIBUTES)) == []


def test_what_hangs_on_others_is_named() -> None:
    asked = ("mail", "memberOf", "MANAGER", "extensionAttribute15", "lastLogon", "msDS-cloudExtensionAttribute3")
    assert foreign_values(asked) == ["memberOf", "MANAGER", "lastLogon"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "(title=Head)",
        "(& (objectClass=user) (| (department=Sales*) (!(mail=*@lab.test))) )",
        "(userAccountControl:1.2.840.113556.1.4.803:=2)",
        "(&(employeeID=x)(cn=a=b))",
        r"(cn=\28memberOf=x\29)",
        f"(&{terms.USERS})",
        f"(&{terms.GROUPS_MADE_BY_PEOPLE})",
        f"(&{terms.UNITS}{terms.NOT_CRITICAL})",
    ],
)
def test_filters_by_own_values(text: str) -> None:
    assert goes_by_own_values(text)


@pytest.mark.parametrize(
    "text",
    [
        "(memberOf=CN=Team,DC=lab,DC=test)",
        "(&(title=Head)(!(|(mail=*)(manager=*))))",
        "(memberOf:1.2.840.113556.1.4.1941:=CN=Team,DC=lab,DC=test)",
        "(cn:dn:=Anna)",
        "(ou:dn:caseExactMatch:=Sales)",
        "(:1.2.3:=x)",
        "(title:1.2.840.113556.1.4.1941:=x)",
        "(2.5.4.3=Anna)",
        "(cn;lang-en=Anna)",
        "(lastLogon>=1)",
        "(whenChanged>=20260101000000.0Z)",
        "(distinguishedName=*)",
        "(anr=Anna)",
        "(customAttribute=x)",
    ],
)
def test_filters_that_hang_on_more(text: str) -> None:
    assert not goes_by_own_values(text)


def test_what_is_no_filter_is_refused() -> None:
    with pytest.raises(FilterError):
        goes_by_own_values("(title=Head")
