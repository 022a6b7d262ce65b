# SPDX-License-Identifier: GPL-3.0-or-later
"""The smallest organizational units as extension groups of the PBX."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lab.directory_admin import DirectoryAdmin
from tests.integration.modules.site_under_test import Site, actions, codes

GROUPS: dict[str, Any] = {"sync_to": "extension_group"}
DELETE: dict[str, Any] = {"out_of_scope": "delete"}


def test_the_smallest_units_become_groups_of_their_users(site: Site) -> None:
    staff = site.add_unit("Staff")
    site.add_user("Anna", parent=site.add_unit("Sales", staff))
    site.add_user("Bernd", parent=staff)
    site.add_unit("Empty")
    site.add_user("Carl")
    site.sync()
    before = site.organizations
    site.pbx.calls.clear()

    result = site.units(**GROUPS)

    assert site.members == {"Sales": {"Anna"}, "Empty": set()}
    assert [(change["kind"], change["members_added"]) for change in result["changes"]] == [
        ("extension_group", []),
        ("extension_group", ["1000 Anna"]),
    ]
    assert site.writes() == ["extensiongroup/create"] * 2
    assert site.organizations == before
    site.pbx.calls.clear()
    assert not site.units(**GROUPS)["changed"]
    assert not site.sync()["changed"]
    assert site.writes() == []


def test_groups_need_no_organizations(site: Site) -> None:
    site.pbx.pbx.organization_management = False
    site.add_user("Anna", parent=site.add_unit("Sales"))
    site.sync()

    site.units(**GROUPS)

    assert site.members == {"Sales": {"Anna"}}
    assert not site.units(**GROUPS)["changed"]


def test_smallest_are_those_with_none_below_them_in_scope_and_users_further_down_belong_to_them(site: Site) -> None:
    staff = site.add_unit("Staff")
    sales = site.add_unit("Sales", staff)
    site.add_user("Anna", parent=site.add_unit("Export", sales))
    site.add_user("Bernd", parent=sales)
    site.add_user("Carl", parent=staff)
    site.sync()

    site.units(**GROUPS, scope="filter", filter="(|(ou=Staff)(ou=Sales))")
    assert site.members == {"Sales": {"Anna", "Bernd"}}
    sales_id = site.group_id("Sales")

    site.units(**GROUPS, **DELETE, scope="filter", filter="(ou=Staff)")
    assert site.members == {"Staff": {"Anna", "Bernd", "Carl"}}

    site.units(**GROUPS, **DELETE, scope="organizational_units", organizational_units=["Staff/Sales"])
    assert site.members == {"Export": {"Anna"}}
    assert site.group_id("Export") > sales_id


def test_members_follow_their_users_and_the_extensions_that_come_and_go(site: Site) -> None:
    north, south = site.add_unit("North"), site.add_unit("South")
    anna = site.add_user("Anna", parent=north)
    bernd = site.add_user("Bernd", parent=north)
    site.sync()
    site.units(**GROUPS)
    site.admin.move(anna, south)
    site.admin.delete(bernd)
    site.add_user("Carl", parent=south)

    site.sync()
    result = site.units(**GROUPS)

    assert site.members == {"North": set(), "South": {"Anna", "Carl"}}
    told = {change["name"]: (change["members_added"], change["members_removed"]) for change in result["changes"]}
    assert told == {"North": ([], ["1000 Anna"]), "South": (["1000 Anna", "1002 Carl"], [])}
    assert not site.units(**GROUPS)["changed"]


def test_units_of_one_name_are_told_apart_by_what_they_are_in(site: Site) -> None:
    """And always in the same way: what a group is called depends on the directory alone."""
    places = {name: site.add_unit(name) for name in ("Berlin", "Leipzig")}
    for name, place in places.items():
        site.add_user(name, parent=site.add_unit("Sales", place))
    rule: dict[str, Any] = {**GROUPS, **DELETE, "scope": "filter", "filter": "(ou=sales)"}
    site.sync()
    site.units(**rule)
    apart = {"Sales (Berlin)": {"Berlin"}, "Sales (Leipzig)": {"Leipzig"}}
    assert site.members == apart
    ids = {name: site.group_id(name) for name in apart}

    site.add_unit("Sales", site.add_unit("Aachen"))
    site.units(**rule)
    assert site.members == {**apart, "Sales (Aachen)": set()}
    assert {name: site.group_id(name) for name in apart} == ids

    # The last of its name needs nothing to be told apart; the PBX does not rename it, so it is made anew.
    for name in ("Aachen", "Leipzig"):
        site.admin.delete(DirectoryAdmin.dn(name, site.base_dn, kind="OU"), with_children=True)
    result = site.units(**rule)
    assert site.members == {"Sales": {"Berlin"}}
    (renamed,) = [change for change in result["changes"] if change["action"] == "update"]
    assert "made anew" in renamed["detail"]
    assert not site.units(**rule)["changed"]


def test_units_of_one_name_in_places_of_one_name_are_told_apart_further_up(site: Site) -> None:
    for top in ("A", "B"):
        site.add_unit("Sales", site.add_unit("North", site.add_unit(top)))
    site.add_unit("sales", site.add_unit("South"))
    site.sync()

    site.units(**GROUPS, scope="filter", filter="(ou=sales)")

    assert set(site.members) == {"Sales (A/North)", "Sales (B/North)", "sales (South)"}
    assert not site.units(**GROUPS, scope="filter", filter="(ou=sales)")["changed"]


@pytest.mark.parametrize("fate", ["release", "delete"])
def test_from_organizations_to_groups_and_back(site: Site, fate: str) -> None:
    north = site.add_unit("North")
    site.add_user("Anna", parent=north)
    site.add_user("Bernd", parent=site.add_unit("Sales", north))
    site.units()
    site.sync()
    organizations, ids = site.organizations, site.organization_ids
    gone = {"": {"Anna", "Bernd"}}

    to_groups = site.units(**GROUPS, out_of_scope=fate)

    assert site.members == {"Sales": {"Bernd"}}
    assert site.organizations == (organizations if fate == "release" else gone)
    ended = [change for change in to_groups["changes"] if change["action"] == fate]
    assert [(change["kind"], change["reason"]) for change in ended] == [("organization", "out_of_scope")] * 2
    _expect_nothing_to_do(site, **GROUPS, out_of_scope=fate)

    back = site.units(out_of_scope=fate, associate_by_name=True)

    assert (site.organizations, set(site.members)) == (organizations, {"Sales"} if fate == "release" else set())
    assert (fate, "Sales", "out_of_scope") in actions(back)
    if fate == "release":
        assert site.organization_ids == ids
    _expect_nothing_to_do(site, out_of_scope=fate, associate_by_name=True)


def test_released_organizations_are_in_the_way_of_the_way_back_unless_they_may_be_taken_over(site: Site) -> None:
    site.add_user("Anna", parent=site.add_unit("North"))
    site.units()
    site.sync()
    site.units(**GROUPS)

    assert codes(site.units()) == [("North", "name_taken")]
    assert site.organizations == {"": set(), "North": {"Anna"}}


@pytest.mark.parametrize("proof", ["tombstone", "absence"])
def test_the_group_of_a_unit_that_vanished_unproven_is_kept_with_its_members(site: Site, proof: str) -> None:
    account = site.directory.plain_account
    rule: dict[str, Any] = {
        **GROUPS,
        **DELETE,
        "directory_username": account.user_principal_name,
        "directory_password": account.password,
        "deletion_proof": proof,
    }
    north = site.add_unit("North")
    site.add_user("Anna", parent=north)
    site.sync()
    site.units(**rule)
    site.admin.delete(north, with_children=True)
    site.pbx.calls.clear()

    result = site.units(**rule)

    if proof == "tombstone":
        assert codes(result) == [("North", "object_not_found")]
        assert (result["changed"], site.members) == (False, {"North": {"Anna"}})
        # The deleted objects seen, it goes.
        assert actions(site.units(**GROUPS, **DELETE)) == [("delete", "North", "object_deleted")]
    else:
        assert actions(result) == [("delete", "North", "object_deleted")]
    assert site.members == {}


def test_a_unit_above_one_that_is_hidden_does_not_become_one_of_the_smallest(site: Site) -> None:
    staff = site.add_unit("Staff")
    sales = site.add_unit("Sales", staff)
    site.add_user("Anna", parent=sales)
    site.add_user("Bernd", parent=staff)
    site.sync()
    site.units(**GROUPS)
    for attribute in ("objectCategory", "objectGUID"):
        site.admin.deny_reading(sales, attribute, site.directory.sync_account.distinguished_name)

    result = site.units(**GROUPS)

    assert codes(result) == [("Sales", "object_not_found")]
    assert site.members == {"Sales": {"Anna"}}


def test_a_group_made_by_hand_of_the_same_name_is_a_conflict_or_taken_over(site: Site) -> None:
    site.pbx.pbx.seed_extension("5000", first_name="hand")
    by_hand = site.pbx.pbx.seed_group("Sales", {site.extension_of("hand")["id"]: "manager"})
    site.add_user("Anna", parent=site.add_unit("Sales"))
    site.sync()

    assert codes(site.units(**GROUPS)) == [("Sales", "name_taken")]
    assert site.members == {"Sales": {"hand"}}

    result = site.units(**GROUPS, associate_by_name=True)
    assert actions(result) == [("associate", "Sales", "same_name")]
    assert result["changes"][0]["members_removed"] == ["5000 hand"]
    assert site.members == {"Sales": {"Anna"}}
    assert site.group_id("Sales") == by_hand
    assert not site.units(**GROUPS, associate_by_name=True)["changed"]


def test_a_name_too_long_to_tell_apart_is_still_unlike_the_others(site: Site) -> None:
    """A unit's name has 64 characters at most, the places that tell it apart have as many each."""
    name, place = "x" * 64, "y" * 64
    for top in ("A", "B"):
        site.add_unit(name, site.add_unit(place, site.add_unit(top)))
    rule: dict[str, Any] = {**GROUPS, "scope": "filter", "filter": f"(ou={name})"}

    result = site.units(**rule)

    assert not result["conflicts"]
    assert len(site.members) == 2
    assert all(len(found) <= 127 and found.startswith("x" * 40) for found in site.members)
    assert not site.units(**rule)["changed"]


def test_groups_beyond_the_limit_are_conflicts_and_those_that_fit_are_made(site: Site) -> None:
    for number in range(60):
        site.pbx.pbx.seed_group(f"By hand {number}")
    units = {name: site.add_unit(name) for name in ("A", "B", "C", "D")}
    site.sync()

    result = site.units(**GROUPS)

    assert codes(result) == [("C", "no_room"), ("D", "no_room")]
    assert {"A", "B"} == {name for name in site.members if not name.startswith("By hand")}
    assert len(site.pbx.state.groups) == 63
    site.admin.delete(units["A"])
    assert codes(site.units(**GROUPS, **DELETE)) == [("D", "no_room")]
    assert {"B", "C"} == {name for name in site.members if not name.startswith("By hand")}


def test_roles_that_an_administrator_gave_stay_and_members_that_he_changed_are_put_right(site: Site) -> None:
    north = site.add_unit("North")
    for name in ("Anna", "Bernd"):
        site.add_user(name, parent=north)
    site.pbx.pbx.seed_extension("5000", first_name="hand")
    site.sync()
    site.units(**GROUPS)
    ids = {name: site.extension_of(name)["id"] for name in ("Anna", "Bernd", "hand")}
    groups = site.pbx.pbx.groups
    group = groups.named("North")
    assert group is not None
    groups.put(replace(group, members={ids["Anna"]: "manager", ids["hand"]: "user"}))

    result = site.units(**GROUPS)

    (change,) = result["changes"]
    assert (change["reason"], change["drift"]) == ("drift", ["members"])
    assert (change["members_added"], change["members_removed"]) == (["1001 Bernd"], ["5000 hand"])
    assert site.pbx.state.groups["North"]["members"] == {ids["Anna"]: "manager", ids["Bernd"]: "user"}


def _expect_nothing_to_do(site: Site, **rule: Any) -> None:
    site.pbx.calls.clear()
    assert not site.units(**rule)["changed"]
    assert not site.sync()["changed"]
    assert site.writes() == []
