# SPDX-License-Identifier: GPL-3.0-or-later
"""Which groups pbx_ad_group_sync takes in: the four scopes, what is left out, and what no scope can be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lab.directory_admin import DirectoryAdmin
from tests.integration.modules.site_under_test import Site, actions

KINDS = {
    "Global": "global security",
    "Local": "domain local security",
    "Universal": "universal security",
    "List": "global distribution",
    "Wide list": "universal distribution",
}
SECURITY = {"Global", "Local", "Universal"}
DISTRIBUTION = {"List", "Wide list"}


def suffixed(site: Site, name: str) -> str:
    """A name that no other group of the domain has."""
    return f"{name} {site.base_dn[8:20]}"


def test_all_takes_in_the_groups_below_the_base_dn_and_nothing_else(site: Site) -> None:
    inside, outside = site.add_unit("Inside"), site.add_unit("Outside")
    deep = site.add_unit("Deep, down + under", inside)
    anna = site.add_user("Anna", parent=inside)
    site.add_group("Near", anna, parent=inside)
    site.add_group("Far", anna, parent=deep)
    site.add_group("Elsewhere", anna, parent=outside)
    site.admin.add(DirectoryAdmin.dn("Contact", inside), "contact")
    site = replace(site, base_dn=inside)
    site.sync()

    result = site.groups()

    assert site.members == {"Near": {"Anna"}, "Far": {"Anna"}}
    assert actions(result) == [("create", "Far", "new_group"), ("create", "Near", "new_group")]


def test_groups_that_the_directory_made_for_itself_are_left_out_unless_named(site: Site) -> None:
    site = replace(site, base_dn=site.admin.base_dn)

    shown = site.groups(check=True)

    names = {one["name"] for one in (*shown["changes"], *shown["conflicts"])}
    assert {"Kreis 1", "Leere Gruppe", "Gruppe im Container"} <= names
    assert not names & {"Domain Users", "Domain Admins", "Administrators", "Users", "Guests", "Protected Users"}

    result = site.groups(scope="groups", groups=["Administrators", "Domain Admins"])
    assert {change["name"] for change in result["changes"]} == {"Administrators", "Domain Admins"}


def test_domain_users_has_the_members_that_have_it_as_their_primary_group(site: Site) -> None:
    for name in ("Anna", "Bernd"):
        site.add_user(name)
    site.sync()

    site.groups(scope="groups", groups=["Domain Users"])

    assert site.members == {"Domain Users": {"Anna", "Bernd"}}
    site.add_user("Carl")
    site.sync()
    result = site.groups(scope="groups", groups=["Domain Users"])
    assert [change["members_added"] for change in result["changes"]] == [["1002 Carl"]]


@pytest.mark.parametrize(
    ("types", "taken_in"),
    [
        (["security"], SECURITY),
        (["distribution"], DISTRIBUTION),
        (["security", "distribution"], SECURITY | DISTRIBUTION),
    ],
    ids=["security", "distribution", "both"],
)
def test_types_take_in_security_groups_distribution_groups_or_both(
    site: Site, types: list[str], taken_in: set[str]
) -> None:
    for name, kind in KINDS.items():
        site.add_group(name, kind=kind)

    site.groups(scope="types", types=types)

    assert set(site.members) == taken_in


def test_a_group_that_becomes_a_distribution_list_is_out_of_the_scope_of_security_groups(site: Site) -> None:
    site.add_group("Global")
    changing = site.add_group("Changing", kind="universal security")
    site.groups(scope="types", types=["security"])
    site.admin.modify(changing, groupType=8)

    result = site.groups(scope="types", types=["security"], out_of_scope="delete")

    assert actions(result) == [("delete", "Changing", "out_of_scope")]
    assert set(site.members) == {"Global"}


@pytest.mark.parametrize(
    ("text", "taken_in"),
    [
        ("(& (objectCategory=group) (objectClass=group) (cn=sales*))", {"Sales (EU)", "Sales"}),
        ("(cn=sales \\28eu\\29)", {"Sales (EU)"}),
        ("(!(cn=sales*))", {"Support"}),
        # Whatever a filter asks for, it is asked of groups alone.
        ("(|(objectClass=*)(objectClass=user))", {"Sales (EU)", "Sales", "Support"}),
        ("(cn=nothing)", set()),
    ],
)
def test_a_filter_takes_in_the_groups_that_match(site: Site, text: str, taken_in: set[str]) -> None:
    anna = site.add_user("Anna")
    for name in ("Sales (EU)", "Sales", "Support"):
        site.add_group(name, anna)

    site.groups(scope="filter", filter=text)

    assert set(site.members) == taken_in


BAD_FILTERS = ["(cn=*", "cn=sales", "(cn=x)(objectClass=*)", "(cn=x))(|(objectClass=*)", "(&)", " ", "(cn=\\2)", "(=x)"]


def test_what_is_no_filter_is_an_error_that_names_the_option(site: Site) -> None:
    site.add_group("Sales")

    for text in BAD_FILTERS:
        result = site.groups(fails=True, scope="filter", filter=text)

        assert result["msg"].startswith("filter is not"), text
    assert site.writes() == []


@pytest.mark.parametrize("spelling", ["dn", "dn in capitals", "account", "common name", "guid"])
def test_a_group_is_named_by_dn_account_common_name_or_guid_anywhere_in_the_domain(site: Site, spelling: str) -> None:
    inside = site.add_unit("Inside")
    anna = site.add_user("Anna", parent=inside)
    name = suffixed(site, "Sales, EU")
    group = site.add_group(name, anna, sAMAccountName=f"s{site.base_dn[8:20]}")
    site.add_group("Not named", anna, parent=inside)
    names = {
        "dn": group,
        "dn in capitals": group.upper(),
        "account": f"S{site.base_dn[8:20]}",
        "common name": name.upper(),
        "guid": site.admin.guid_of(group),
    }
    site = replace(site, base_dn=inside)
    site.sync()

    site.groups(scope="groups", groups=[names[spelling]])

    assert site.members == {name: {"Anna"}}
    assert not site.groups(scope="groups", groups=[names[spelling]])["changed"]
    # Not taken in by any other scope, for it is not below the base DN.
    assert set(site.groups(check=True)["diff"]["prepared"].split("\n")) >= {f"release extension group {name}"}


def test_a_group_that_two_names_name_is_taken_in_once(site: Site) -> None:
    name = suffixed(site, "Sales")
    group = site.add_group(name)

    result = site.groups(scope="groups", groups=[name, group, name])

    assert result["summary"]["created"] == 1
    assert set(site.members) == {name}


def test_a_name_that_is_no_groups_or_not_one_groups_is_an_error_that_names_it(site: Site) -> None:
    anna = site.add_user("Anna")
    twins = suffixed(site, "Twins")
    for unit in ("Berlin", "Leipzig"):
        site.add_group(twins, anna, parent=site.add_unit(unit))
    bad = [
        "No such group",
        "CN=No such group,DC=lab,DC=test",
        "CN=Group,DC=elsewhere,DC=test",
        "*",
        "x)(objectClass=*",
        "Twins*",
        anna,
        site.admin.guid_of(anna),
        "00000000-1111-2222-3333-444444444444",
        twins,
    ]

    for name in bad:
        result = site.groups(fails=True, scope="groups", groups=["Domain Users", name])

        assert result["msg"].startswith("groups "), name
        assert name in result["msg"]
        assert ("2 objects" in result["msg"]) is (name == twins), name
    assert site.writes() == []


def test_a_named_group_that_was_deleted_is_still_known(site: Site) -> None:
    name = suffixed(site, "Sales")
    group = site.add_group(name)
    site.groups(scope="groups", groups=[name])
    site.admin.delete(group)

    result = site.groups(scope="groups", groups=[name], out_of_scope="delete")

    assert actions(result) == [("delete", name, "object_deleted")]
    assert site.members == {}
    # Nothing is remembered of it any more, and the name is as wrong as any other.
    assert name in site.groups(fails=True, scope="groups", groups=[name])["msg"]


@pytest.mark.parametrize("by_dn", [True, False], ids=["by dn", "by common name"])
def test_a_named_group_that_was_renamed_is_still_known(site: Site, by_dn: bool) -> None:
    old, new = suffixed(site, "Sales"), suffixed(site, "Vertrieb")
    group = site.add_group(old, site.add_user("Anna"))
    rule: dict[str, Any] = {"scope": "groups", "groups": [group if by_dn else old]}
    site.sync()
    site.groups(**rule)
    site.admin.rename(group, new)

    site.groups(**rule)

    assert site.members == {new: {"Anna"}}


def test_a_named_group_that_was_renamed_is_still_known_the_run_after(site: Site) -> None:
    old, new = suffixed(site, "Sales"), suffixed(site, "Vertrieb")
    group = site.add_group(old)
    site.groups(scope="groups", groups=[old])
    site.admin.rename(group, new)
    site.groups(scope="groups", groups=[old])

    assert not site.groups(scope="groups", groups=[old])["changed"]


def test_a_group_that_is_no_longer_named_is_out_of_scope(site: Site) -> None:
    sales, support = suffixed(site, "Sales"), suffixed(site, "Support")
    for name in (sales, support):
        site.add_group(name)
    site.groups(scope="groups", groups=[sales, support])

    result = site.groups(scope="groups", groups=[sales], out_of_scope="delete")

    assert actions(result) == [("delete", support, "out_of_scope")]
    assert set(site.members) == {sales}


def test_a_changed_rule_is_a_change_even_where_it_takes_in_the_same_groups(site: Site) -> None:
    site.add_group("Sales")
    site.groups()
    site.pbx.calls.clear()

    assert site.groups(scope="filter", filter="(cn=*)")["changed"]
    assert not site.groups(scope="filter", filter="(cn=*)")["changed"]
    assert site.writes() == []


BAD_OPTIONS: list[tuple[dict[str, Any], list[str]]] = [
    ({"scope": ""}, ["scope"]),
    ({"scope": "users"}, ["scope"]),
    ({"scope": "types"}, ["types"]),
    ({"scope": "types", "types": ""}, ["types"]),
    ({"scope": "types", "types": ["mailbox"]}, ["types"]),
    ({"scope": "filter"}, ["filter"]),
    ({"scope": "groups"}, ["groups"]),
    ({"scope": "groups", "groups": ""}, ["groups"]),
    ({"scope": "groups", "groups": ["Sales", " "]}, ["groups", "empty"]),
    ({"types": ["security"]}, ["types", "scope"]),
    ({"filter": "(cn=*)"}, ["filter", "scope"]),
    ({"groups": ["Sales"]}, ["groups", "scope"]),
    ({"scope": "filter", "filter": "(cn=*)", "groups": ["Sales"]}, ["groups", "scope"]),
    ({"out_of_scope": ""}, ["out_of_scope"]),
    ({"deletion_proof": ""}, ["deletion_proof"]),
    ({"associate_by_name": ""}, ["associate_by_name"]),
    ({"guard": {"deletions": {"floor": ""}}}, ["floor", "deletions"]),
    ({"guard": {"deletions": {"floor": -1}}}, ["guard.deletions.floor"]),
    ({"guard": {"deletions": {"count": 4}}}, ["guard.deletions.count", "guard.deletions.floor"]),
    ({"guard": {"releases": {"percent": ""}}}, ["percent", "releases"]),
    ({"guard": {"releases": {"percent": 101}}}, ["guard.releases.percent"]),
    ({"guard": {"member_removals": {"percent": "nan"}}}, ["guard.member_removals.percent"]),
    ({"guard": {"member_removals_per_group": {"count": -1}}}, ["guard.member_removals_per_group.count"]),
    ({"guard": {"moves": {"count": 1}}}, ["guard.moves"]),
    ({"max_removals": 1}, ["max_removals"]),
    ({"label_group": "AD"}, ["label_group"]),
]


def test_an_option_that_cannot_be_is_told_by_its_name(site: Site) -> None:
    for options, words in BAD_OPTIONS:
        result = site.run("pbx_ad_group_sync", {**site.connection_options, **options}, False)

        assert result["failed"], options
        for word in words:
            assert word in result["msg"], options
        assert "exception" not in result, options
    assert site.pbx.calls.all() == []
