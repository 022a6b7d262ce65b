# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that people write are taken apart before the directory sees them."""

from __future__ import annotations

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import FilterError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.filters import normalize_filter


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "(& (objectCategory=person) (objectClass=user) (cn=sales*))",
            "(&(objectCategory=person)(objectClass=user)(cn=sales*))",
        ),
        (" ( | ( a = b ) ( ! ( c >= d ) ) ) ", "(|(a=b)(!(c>=d)))"),
        ("(cn=*)", "(cn=*)"),
        ("(cn=a b\\28c\\29)", "(cn=a b\\28c\\29)"),
        ("(userAccountControl:1.2.840.113556.1.4.803:=2)", "(userAccountControl:1.2.840.113556.1.4.803:=2)"),
        ("(cn:dn:2.5.13.2:=x)", "(cn:dn:2.5.13.2:=x)"),
        ("(department=Kundenbetreuung & Co/Süd)", "(department=Kundenbetreuung & Co/Süd)"),
    ],
)
def test_a_filter(text: str, expected: str) -> None:
    assert normalize_filter(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cn=x",
        "(cn=x",
        "(cn=x))",
        "(cn=x)(sn=y)",
        "(&)",
        "(!(a=b)(c=d))",
        "(=x)",
        "(cn)",
        "(cn=)",
        "(cn=a\\zz)",
        "(cn=a(b)",
        "(cn=x)(objectClass=*",
        "(" * 200,
        "(!" * 200 + "(a=b)" + ")" * 200,
    ],
)
def test_what_is_no_filter(text: str) -> None:
    with pytest.raises(FilterError, match=r"^filter is not an LDAP filter: .*\(at character \d+\)"):
        normalize_filter(text)
