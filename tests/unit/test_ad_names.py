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


DIRTY = 'OU=\\#6 \\3D Größe\\\\Klein,OU=R&D \\+ Labs,OU=Region \\"Süd\\",OU=Konzern\\, Holding'


@pytest.mark.parametrize(
    ("dn", "base", "expected"),
    [
        (f"OU=Sales,OU=Staff,{BASE}", BASE, ("Staff", "Sales")),
        (f"{DIRTY},{BASE}", BASE, ("Konzern, Holding", 'Region "Süd"', "R&D + Labs", "#6 = Größe\\Klein")),
        (f"OU=Zürich / Genève,{BASE}", BASE, ("Zürich / Genève",)),
        (f"OU=\\ two  blanks\\ ,{BASE}", BASE, (" two  blanks ",)),
        (f"OU= not escaped ,{BASE}", BASE, ("not escaped",)),
        (f"OU=G\\C3\\BCnter\\2C x\\0Ay,{BASE}", BASE, ("Günter, x\ny",)),
        (f"OU=SALES,CN=Things,OU=Staff,{BASE}", "ou=staff , dc=LAB,dc=test", ("Things", "SALES")),
        (f"OU=a+CN=b,{BASE}", BASE, ("a+b",)),
        (BASE, BASE, ()),
        (f"OU=Staff,{BASE}", f"ou=STAFF,{BASE}", ()),
    ],
)
def test_the_names_below_a_base(dn: str, base: str, expected: tuple[str, ...]) -> None:
    assert names.names_below(dn, base) == expected
    if expected:
        assert names.own_name(dn) == expected[-1]


@pytest.mark.parametrize("dn", ["DC=test", f"OU=x,OU=Big Staff,{BASE}", f"OU=x\\,OU=Staff,{BASE}", "", "Staff"])
def test_there_are_no_names_of_what_is_elsewhere(dn: str) -> None:
    with pytest.raises(ValueError, match=r"not below|not a distinguished name"):
        names.names_below(dn, f"OU=Staff,{BASE}")


PLACES = {
    "staff": f"OU=Staff,{BASE}",
    "sales": f"OU=Sales,OU=Staff,{BASE}",
    "comma": f"OU=Konzern\\, Holding,{BASE}",
    "holding": f"OU=Holding,{BASE}",
}


@pytest.mark.parametrize(
    ("dn", "key"),
    [
        (f"CN=x,OU=Sales,OU=Staff,{BASE}", "sales"),
        ("cn=x , ou=SALES,OU=\\53taff,dc=LAB,dc=test", "sales"),
        (f"CN=x,CN=y,OU=Other,OU=Sales,OU=Staff,{BASE}", "sales"),
        (f"CN=x,OU=Purchase,OU=Staff,{BASE}", "staff"),
        (f"OU=Sales,OU=Staff,{BASE}", "staff"),
        (f"OU=Staff,{BASE}", ""),
        (f"CN=x,CN=Users,{BASE}", ""),
        (f"CN=x,OU=Big Sales,{BASE}", ""),
        (f"CN=x\\,OU=Sales,OU=Staff,{BASE}", "staff"),
        (f"CN=Doe\\2C Jane,OU=Konzern\\, Holding,{BASE}", "comma"),
        (f"CN=x,OU=Konzern\\2C  Holding,{BASE}", "comma"),
        (f"CN=\\\\,OU=Holding,{BASE}", "holding"),
        (f"CN=a+SN=b,OU=Holding,{BASE}", "holding"),
        (f"CN=x\\\n,OU=Holding,{BASE}", "holding"),
        (f"CN=Sales+OU=Sales,OU=Staff,{BASE}", "staff"),
        (BASE, ""),
        ("DC=test", ""),
    ],
)
def test_the_nearest_place_above(dn: str, key: str) -> None:
    places = names.Places(PLACES)
    assert places.nearest_above(dn) == key
    assert places.nearest_above(dn) == key


def test_the_nearest_place_is_told_apart_from_one_that_only_folds_alike() -> None:
    for order in (("Straße", "Strasse"), ("Strasse", "Straße")):
        places = names.Places({name: f"OU={name},{BASE}" for name in order})
        for name in order:
            assert places.nearest_above(f"CN=x,OU={name},{BASE}") == name
            assert places.nearest_above(f"CN=x,OU=below,OU={name},{BASE}") == name


@pytest.mark.parametrize("dn", ["CN=x,Staff", "CN=x,OU=a;b", "CN=x,OU=Staff\\"])
def test_no_place_above_what_is_no_name(dn: str) -> None:
    with pytest.raises(ValueError, match="distinguished name"):
        names.Places(PLACES).nearest_above(dn)
    with pytest.raises(ValueError, match="distinguished name"):
        names.Places({"x": dn})
