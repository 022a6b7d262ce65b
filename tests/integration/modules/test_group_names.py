# SPDX-License-Identifier: GPL-3.0-or-later
"""What extension groups are called: renames, names that two want or the PBX has, and the 63 that fit."""

from __future__ import annotations

from typing import Any

import pytest

from lab.directory_admin import DirectoryAdmin
from lab.pbx.groups import ALL_EXTENSIONS, ExtensionGroup
from tests.integration.modules.site_under_test import Site, actions, codes, guard

RENAMES = ["ignored", "refused", "accepted"]
LIMIT = 63


def vary(site: Site, **variants: Any) -> None:
    """Let the PBX answer open questions otherwise."""
    site.pbx.variants = site.pbx.variants.changed(**variants)


# --- renames


@pytest.mark.parametrize("rename", RENAMES)
def test_a_renamed_group_is_renamed_or_made_anew_and_the_old_one_is_gone(site: Site, rename: str) -> None:
    vary(site, group_rename=rename)
    anna, bernd = site.add_user("Anna"), site.add_user("Bernd")
    sales = site.add_group("Sales", anna, bernd)
    site.sync()
    site.groups()
    site.set_group("Sales", {"Anna": "manager", "Bernd": "user"}, mgr_enb_monitor=0)
    before = site.pbx.state.groups["Sales"]
    site.admin.rename(sales, "Vertrieb, + Süd 🚀")

    result = site.groups()

    (change,) = result["changes"]
    assert (change["action"], change["reason"], change["before"], change["after"], change["drift"]) == (
        "update",
        "directory_changed",
        {"name": "Sales"},
        {"name": "Vertrieb, + Süd 🚀"},
        [],
    )
    after = site.pbx.state.groups["Vertrieb, + Süd 🚀"]
    assert set(site.members) == {"Vertrieb, + Süd 🚀"}
    assert (after["members"], after["flags"]) == (before["members"], before["flags"])
    assert (after["id"] == before["id"]) is (rename == "accepted")
    assert ("made anew" in change["detail"]) is (rename != "accepted")
    assert change["object_id"] == after["id"]
    assert not site.groups()["changed"]


@pytest.mark.parametrize("rename", RENAMES)
def test_a_name_changed_by_hand_is_put_back_and_told_as_drift(site: Site, rename: str) -> None:
    vary(site, group_rename=rename)
    site.add_group("Sales", site.add_user("Anna"))
    site.sync()
    site.groups()
    with site.pbx.pbx.lock:
        held = site.pbx.pbx.groups.named("Sales")
        assert held is not None
        site.pbx.pbx.groups.put(ExtensionGroup(held.id, "by hand", held.member_select, held.members))

    (change,) = site.groups()["changes"]

    assert (change["reason"], change["drift"]) == ("drift", ["name"])
    assert site.members == {"Sales": {"Anna"}}


@pytest.mark.parametrize("rename", RENAMES)
def test_a_name_that_differs_in_capital_letters_alone_is_changed_too(site: Site, rename: str) -> None:
    vary(site, group_rename=rename)
    sales = site.add_group("sales")
    site.groups()
    site.admin.rename(sales, "Sales")

    site.groups()

    assert site.members == {"Sales": set()}
    assert not site.groups()["changed"]


@pytest.mark.parametrize("rename", RENAMES)
def test_two_groups_exchange_their_names(site: Site, rename: str) -> None:
    vary(site, group_rename=rename)
    anna, bernd = site.add_user("Anna"), site.add_user("Bernd")
    one, two = site.add_group("One", anna), site.add_group("Two", bernd)
    site.sync()
    site.groups()
    site.set_group("One", {"Anna": "manager"})
    passing = site.admin.rename(one, "Passing")
    site.admin.rename(two, "One")
    site.admin.rename(passing, "Two")

    result = site.groups()

    assert site.members == {"One": {"Bernd"}, "Two": {"Anna"}}
    assert site.roles("Two") == {"Anna": "manager"}
    assert [change["reason"] for change in result["changes"]].count("name_exchange") == 1
    assert not site.groups()["changed"]


def test_a_rename_waits_for_the_deletion_that_frees_the_name(site: Site) -> None:
    sales, support = site.add_group("Sales", site.add_user("Anna")), site.add_group("Support")
    site.sync()
    site.groups()
    site.admin.delete(sales)
    site.admin.rename(support, "Sales")

    stopped = site.groups(fails=True, out_of_scope="delete", **guard("deletions"))

    assert {change["state"] for change in stopped["changes"]} == {"stopped"}


@pytest.mark.parametrize("rename", RENAMES)
def test_a_name_moves_on_from_group_to_group_in_one_run(site: Site, rename: str) -> None:
    vary(site, group_rename=rename)
    anna, bernd, carl = (site.add_user(name) for name in ("Anna", "Bernd", "Carl"))
    a, b, c = site.add_group("A", anna), site.add_group("B", bernd), site.add_group("C", carl)
    site.sync()
    site.groups()
    for dn, name in ((c, "D"), (b, "C"), (a, "B")):
        site.admin.rename(dn, name)
    site.add_group("A", bernd)

    site.groups()

    assert site.members == {"A": {"Bernd"}, "B": {"Anna"}, "C": {"Bernd"}, "D": {"Carl"}}
    assert not site.groups()["changed"]


@pytest.mark.parametrize("rename", ["ignored", "refused"])
def test_a_rename_for_which_no_second_group_fits_fails_by_name_and_the_members_are_written(
    site: Site, rename: str
) -> None:
    vary(site, group_rename=rename)
    anna, bernd = site.add_user("Anna"), site.add_user("Bernd")
    sales = site.add_group("Sales", anna)
    site.sync()
    site.groups()
    for number in range(LIMIT - 2):
        site.pbx.pbx.seed_group(f"hand {number}")
    vertrieb = site.admin.rename(sales, "Vertrieb")
    site.admin.add_members(vertrieb, [bernd])

    result = site.groups(fails=True)

    assert "Vertrieb" in result["msg"]
    assert "no room" in result["msg"]
    assert site.members["Sales"] == {"Anna", "Bernd"}
    site.pbx.pbx.groups.remove(site.group_id("hand 0"))
    site.groups()
    assert site.members["Vertrieb"] == {"Anna", "Bernd"}
    assert "Sales" not in site.members


def test_a_deleted_group_that_was_made_again_under_its_name_takes_the_extension_group_over(site: Site) -> None:
    anna, bernd = site.add_user("Anna"), site.add_user("Bernd")
    sales = site.add_group("Sales", anna)
    site.sync()
    site.groups()
    site.set_group("Sales", {"Anna": "manager"})
    before = site.group_id("Sales")
    site.admin.delete(sales)
    site.add_group("Sales", anna, bernd)

    result = site.groups(out_of_scope="delete")

    assert actions(result) == [("release", "Sales", "handed_over"), ("associate", "Sales", "same_name")]
    assert (site.group_id("Sales"), site.roles("Sales")) == (before, {"Anna": "manager", "Bernd": "user"})
    assert not site.groups(out_of_scope="delete")["changed"]


# --- names that two want


def test_groups_of_one_name_are_told_apart_by_what_they_are_in_the_same_way_every_time(site: Site) -> None:
    anna, bernd = site.add_user("Anna"), site.add_user("Bernd")
    berlin, leipzig = site.add_unit("Berlin"), site.add_unit("Leipzig")
    site.add_group("Sales", anna, parent=berlin)
    site.add_group("Other", parent=berlin)
    site.sync()
    site.groups()
    assert set(site.members) == {"Sales", "Other"}
    second = site.add_group("sales", bernd, parent=leipzig)

    site.groups()

    expected = {"Sales (Berlin)": {"Anna"}, "sales (Leipzig)": {"Bernd"}, "Other": set()}
    assert site.members == expected
    assert not site.groups()["changed"]
    # Another PBX and an empty ledger: the same names.
    site.pbx.pbx.groups.remove(site.group_id("Sales (Berlin)"))
    site.pbx.pbx.groups.remove(site.group_id("sales (Leipzig)"))
    site.groups()
    assert site.members == expected
    site.admin.delete(second)
    site.groups(out_of_scope="delete")
    assert site.members == {"Sales": {"Anna"}, "Other": set()}


def test_a_group_is_told_apart_by_as_many_places_as_it_takes(site: Site) -> None:
    for site_name in ("Berlin", "Leipzig"):
        floor = site.add_unit("Floor 1", site.add_unit(site_name))
        site.add_group("Sales", parent=floor)

    site.groups()

    assert set(site.members) == {"Sales (Berlin/Floor 1)", "Sales (Leipzig/Floor 1)"}


def test_a_name_that_the_pbx_would_not_take_is_a_conflict_with_a_proposal(site: Site) -> None:
    anna, bernd = site.add_user("Anna"), site.add_user("Bernd")
    sales = site.add_group("Sales", anna)
    odd = site.admin.add(
        DirectoryAdmin.dn("line\nbreak", site.base_dn), "group", {"sAMAccountName": f"o{site.base_dn[8:20]}"}
    )
    site.sync()

    result = site.groups()

    assert codes(result) == [("line\nbreak", "name_invalid")]
    assert "'line break'" in result["conflicts"][0]["message"]
    assert site.members == {"Sales": {"Anna"}}
    # One that has an extension group keeps its name there, and its members follow all the same.
    renamed = site.admin.rename(sales, "Sales\nEU")
    site.admin.add_members(renamed, [bernd])
    result = site.groups()
    assert sorted(codes(result)) == [("Sales\nEU", "name_invalid"), ("line\nbreak", "name_invalid")]
    assert site.members == {"Sales": {"Anna", "Bernd"}}
    assert site.admin.dn_of(odd)


# --- names that the PBX has


def test_a_hand_made_group_of_the_same_name_is_left_or_taken_over(site: Site) -> None:
    anna, _bernd = site.add_user("Anna"), site.add_user("Bernd")
    site.add_group("Sales", anna)
    site.sync()
    made = site.pbx.pbx.seed_group("sales", {}, {"user_enb_monitor": 1})
    site.set_group("sales", {"Anna": "manager", "Bernd": "user"})

    left = site.groups()

    assert codes(left) == [("Sales", "name_taken")]
    assert "associate_by_name" in left["conflicts"][0]["message"]
    assert site.members == {"sales": {"Anna", "Bernd"}}
    taken = site.groups(associate_by_name=True)
    assert actions(taken) == [("associate", "Sales", "same_name")]
    assert taken["changes"][0]["members_removed"] == ["1001 Bernd"]
    assert site.roles("Sales") == {"Anna": "manager"}
    assert site.pbx.state.groups["Sales"]["flags"]["user_enb_monitor"] == 1
    assert made not in {group["id"] for group in site.pbx.state.groups.values()}
    assert not site.groups(associate_by_name=True)["changed"]


def test_a_group_taken_over_under_its_own_name_keeps_its_id(site: Site) -> None:
    site.add_group("Sales", site.add_user("Anna"))
    site.sync()
    made = site.pbx.pbx.seed_group("Sales")

    site.groups(associate_by_name=True)

    assert (site.group_id("Sales"), site.members) == (made, {"Sales": {"Anna"}})


@pytest.mark.parametrize("lists_members", [False, True])
def test_a_group_of_all_extensions_is_never_taken_over(site: Site, lists_members: bool) -> None:
    vary(site, group_of_all_lists_members=lists_members)
    anna = site.add_user("Anna")
    for name in ("Default_All_Extensions", "Everybody"):
        site.add_group(name, anna)
    with site.pbx.pbx.lock:
        site.pbx.pbx.groups.put(ExtensionGroup(7, "Everybody", ALL_EXTENSIONS))
    site.sync()

    result = site.groups(associate_by_name=True)

    assert codes(result) == [("Default_All_Extensions", "name_taken"), ("Everybody", "name_taken")]
    assert all("associate_by_name" not in conflict["message"] for conflict in result["conflicts"])
    assert site.writes() == ["extension/create"]


def test_the_remedy_for_the_name_of_a_group_of_all_extensions_is_another_name(site: Site) -> None:
    site.add_group("Default_All_Extensions")

    (conflict,) = site.groups()["conflicts"]

    assert "associate_by_name" not in conflict["message"]


def test_a_group_whose_new_name_is_taken_keeps_its_old_one_and_its_members_follow(site: Site) -> None:
    anna, bernd = site.add_user("Anna"), site.add_user("Bernd")
    sales = site.add_group("Sales", anna)
    site.sync()
    site.groups()
    site.pbx.pbx.seed_group("Vertrieb")
    renamed = site.admin.rename(sales, "Vertrieb")
    site.admin.add_members(renamed, [bernd])

    result = site.groups(associate_by_name=True)

    assert codes(result) == [("Vertrieb", "name_taken")]
    assert site.members == {"Sales": {"Anna", "Bernd"}, "Vertrieb": set()}
    assert not site.groups(associate_by_name=True)["changed"]


# --- the 63


def test_what_fits_into_the_63_is_done_in_a_stable_order_and_the_rest_are_conflicts(site: Site) -> None:
    anna = site.add_user("Anna")
    for number in range(50):
        site.pbx.pbx.seed_group(f"hand {number}")
    for name in ("Leaf 1", "Leaf 2"):
        site.add_unit(name)
    site.sync(label_group="Label")
    site.units(sync_to="extension_group")
    # The built-in one, 50 by hand, the label group and two leaf units leave room for nine.
    names = [f"Group {number:02}" for number in range(12)]
    for name in reversed(names):
        site.add_group(name, anna)

    result = site.groups()

    assert codes(result) == [(name, "no_room") for name in names[9:]]
    assert "63" in result["conflicts"][0]["message"]
    assert set(site.members) >= {*names[:9], "Label", "Leaf 1", "Leaf 2", "hand 0", "hand 49"}
    assert len(site.pbx.state.groups) == LIMIT
    site.pbx.calls.clear()
    again = site.groups()
    assert (again["changed"], codes(again)) == (False, codes(result))
    assert site.writes() == []

    # One deleted by hand and one that leaves the directory make room, in the same run, for the next two.
    site.pbx.pbx.groups.remove(site.group_id("hand 0"))
    site.admin.delete(DirectoryAdmin.dn("Group 03", site.base_dn))
    result = site.groups(out_of_scope="delete")
    assert actions(result) == [
        ("delete", "Group 03", "object_deleted"),
        ("create", "Group 09", "new_group"),
        ("create", "Group 10", "new_group"),
    ]
    assert codes(result) == [("Group 11", "no_room")]
    assert len(site.pbx.state.groups) == LIMIT


def test_a_pbx_that_takes_fewer_groups_than_documented_refuses_by_name_and_the_rest_is_done(site: Site) -> None:
    vary(site, group_count_max=3)
    anna = site.add_user("Anna")
    site.add_group("A", anna)
    for name in ("B", "C"):
        site.add_group(name)
    site.sync()

    result = site.groups(fails=True)

    assert [(change["name"], change["state"]) for change in result["changes"]] == [("C", "failed")]
    assert "narrow the scope" in result["msg"]
    assert site.members == {"A": {"Anna"}, "B": set()}
