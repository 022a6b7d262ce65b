# SPDX-License-Identifier: GPL-3.0-or-later
"""Distinguished names and paths of organizational units."""

from __future__ import annotations

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad import names

BASE = "DC=lab,DC=test"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("OU=Sales,DC=lab,DC=test", "ou=SALES, dc=Lab , DC=test"),
        ("CN=M\\C3\\BCller,DC=lab", "cn=müller,dc=lab"),
        ("CN=Doe\\, Jane,DC=lab", "CN=Doe\\2C Jane,DC=lab"),
        ("CN=A\\+B,DC=lab", "cn=a\\2bb,dc=lab"),
        ("CN=a+OU=b,DC=lab", "OU=B + CN=A,DC=lab"),
        ("CN=two  blanks,DC=lab", "CN=two blanks,DC=lab"),
    ],
)
def test_names_of_the_same_object(one: str, other: str) -> None:
    assert names.same_dn(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("OU=Sales,DC=lab", "CN=Sales,DC=lab"),
        ("CN=A\\,OU=B,DC=lab", "CN=A,OU=B,DC=lab"),
        ("CN=A,DC=lab", "CN=A"),
    ],
)
def test_names_of_different_objects(one: str, other: str) -> None:
    assert not names.same_dn(one, other)


@pytest.mark.parametrize(
    ("dn", "ancestor", "expected"),
    [
        (f"OU=Sales,{BASE}", BASE, True),
        (BASE, BASE, True),
        ("ou=x,dc=LAB,dc=TEST", BASE, True),
        ("DC=test", BASE, False),
        ("DC=otherlab,DC=test", BASE, False),
        # A string's suffix would say yes to both of these.
        (f"OU=Big Sales,{BASE}", f"OU=Sales,{BASE}", False),
        ("CN=x\\,DC=lab,DC=test", BASE, False),
    ],
)
def test_ancestry(dn: str, ancestor: str, expected: bool) -> None:
    assert names.is_within(dn, ancestor) is expected


@pytest.mark.parametrize("text", ["OU=Sales,DC=lab", " cn=x", "dc=test"])
def test_what_is_meant_as_a_dn(text: str) -> None:
    assert names.is_dn(text)


@pytest.mark.parametrize("text", ["Staff/Sales", "Sales", "", "OU=Sales,nothing", "CN=a;b", "CN=a\\", "room=5"])
def test_what_is_not_a_dn(text: str) -> None:
    assert not names.is_dn(text)


@pytest.mark.parametrize(
    ("escaped", "value"),
    [
        ("Doe\\, Jane", "doe, jane"),
        ("\\ padded\\ ", "padded"),
        ("\\#1 Hotline", "#1 hotline"),
        ("a\\+b", "a+b"),
        ('say \\"x\\"', 'say "x"'),
        ("a\\\\b", "a\\b"),
        ("\\<a\\>\\;b\\=c", "<a>;b=c"),
        ("J\\C3\\BCrgen", "jürgen"),
        ("x\\0Ay", "x y"),
    ],
)
def test_an_escaped_value_is_read(escaped: str, value: str) -> None:
    dn = f"CN={escaped},{BASE}"
    assert names.parse_dn(dn)[0] == frozenset({("cn", value)})
    assert names.is_within(dn, BASE)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Staff", ["Staff"]),
        ("Staff/Sales", ["Staff", "Sales"]),
        (" Staff / Sales ", ["Staff", "Sales"]),
        ("R\\/D/A\\\\B", ["R/D", "A\\B"]),
        ("Sales, North", ["Sales, North"]),
    ],
)
def test_a_path(path: str, expected: list[str]) -> None:
    assert names.split_path(path) == expected


@pytest.mark.parametrize("path", ["", "/Staff", "Staff/", "Staff//Sales", "Staff\\"])
def test_a_path_with_a_gap(path: str) -> None:
    with pytest.raises(ValueError, match=r"empty name|nothing after"):
        names.split_path(path)


def test_the_dns_name_of_a_domain() -> None:
    assert names.domain_dns_name("DC=Corp,DC=Example,DC=com") == "corp.example.com"
