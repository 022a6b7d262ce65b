# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree of organizational units as organizations of the PBX: which units, where, and what becomes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lab.directory_admin import DirectoryAdmin
from tests.integration.modules.site_under_test import Site, actions, codes

DELETE: dict[str, Any] = {"out_of_scope": "delete"}


# --- which units ---


def test_all_takes_in_the_units_below_the_base_dn_and_neither_the_base_nor_containers(site: Site) -> None:
    staff = site.add_unit("Staff")
    site.add_unit('Sales / "Süd", + 営業 🚀', parent=staff)
    site.admin.add(DirectoryAdmin.dn("Box", site.base_dn), "container")

    result = site.units()

    assert set(site.organization_ids) == {"", "Staff", 'Staff/Sales / "Süd", + 営業 🚀'}
    assert actions(result) == [
        ("create", "Staff", "new_unit"),
        ("create", 'Staff/Sales / "Süd", + 営業 🚀', "new_unit"),
    ]
    assert not site.units()["changed"]


def test_units_that_the_directory_made_for_itself_are_taken_in_only_by_name(site: Site) -> None:
    whole = replace(site, base_dn=site.admin.base_dn)

    everything = whole.units(check=True)
    named = whole.units(check=True, scope="organizational_units", organizational_units=["Domain Controllers"])

    created = {change["name"] for change in everything["changes"]}
    assert site.base_dn.split(",")[0].removeprefix("OU=") in created
    assert "Domain Controllers" not in created
    assert actions(named) == [("create", "Domain Controllers", "new_unit")]


@pytest.mark.parametrize("spelling", ["path", "dn", "dn in capitals"])
def test_named_units_come_with_all_below_them_and_hang_below_the_parent_organization(site: Site, spelling: str) -> None:
    staff = site.add_unit("Staff")
    sales = site.add_unit("Sales / Süd (*)", parent=staff)
    site.add_unit("Export", parent=sales)
    site.add_unit("Other")
    name = {"path": "staff/Sales \\/ Süd (*)", "dn": sales, "dn in capitals": sales.upper()}[spelling]

    site.units(scope="organizational_units", organizational_units=[name])

    assert set(site.organization_ids) == {"", "Sales / Süd (*)", "Sales / Süd (*)/Export"}


def test_the_base_dn_itself_is_taken_in_only_by_name(site: Site) -> None:
    site.add_unit("Staff")
    site.add_user("Anna")

    site.units(scope="organizational_units", organizational_units=[site.base_dn])
    site.sync()

    own = site.base_dn.split(",")[0].removeprefix("OU=")
    assert site.organizations == {"": set(), own: {"Anna"}, f"{own}/Staff": set()}


def test_a_unit_named_twice_and_one_below_another_named_one_are_taken_in_once(site: Site) -> None:
    staff = site.add_unit("Staff")
    site.add_unit("Sales", parent=staff)

    result = site.units(scope="organizational_units", organizational_units=["Staff/Sales", "Staff", staff])

    assert set(site.organization_ids) == {"", "Staff", "Staff/Sales"}
    assert not result["conflicts"]


def test_a_filtered_unit_hangs_below_the_nearest_one_above_that_is_taken_in(site: Site) -> None:
    sales = site.add_unit("sales")
    between = site.add_unit("Between", parent=sales)
    site.add_unit("sales north", parent=between)
    elsewhere = site.add_unit("Elsewhere")
    site.add_unit("sales abroad", parent=elsewhere)

    site.units(scope="filter", filter="(& (objectClass=organizationalUnit) (ou=sales*))")

    assert set(site.organization_ids) == {"", "sales", "sales/sales north", "sales abroad"}


@pytest.mark.parametrize(
    "name",
    [
        *("No such unit", "*", "Staff)(ou=*", "Sta\0ff", "Staff//Sales", "Staff\\", "OU=Sta\0ff,DC=lab,DC=test"),
        pytest.param("DC=lab,DC=test", id="above the base DN"),
        pytest.param("Box", id="a container"),
    ],
)
def test_a_name_that_is_no_unit_is_an_error_that_names_the_option(site: Site, name: str) -> None:
    site.add_unit("Staff")
    site.admin.add(DirectoryAdmin.dn("Box", site.base_dn), "container")

    result = site.units(fails=True, scope="organizational_units", organizational_units=["Staff", name])

    assert "organizational_units" in result["msg"]
    assert ("control character U+0000" if "\0" in name else name) in result["msg"]
    assert site.writes() == []


@pytest.mark.parametrize("text", ["(ou=*", "ou=Staff", "(ou=Staff)(ou=Sales)", "(ou=\0)", "(ou=Staff\n", "()", " "])
def test_a_filter_that_is_none_is_an_error_that_names_the_option(site: Site, text: str) -> None:
    site.add_unit("Staff")

    result = site.units(fails=True, scope="filter", filter=text)

    assert ("filter holds the control character" if "\0" in text else "filter is not an LDAP filter") in result["msg"]
    assert site.writes() == []


# --- where the tree begins ---


def test_the_tree_begins_below_the_parent_organization_and_moves_with_it(site: Site) -> None:
    """By id, by path, with the root's name in front; a slash that is part of a name is escaped."""
    departments = site.pbx.pbx.seed_organization("Departments / all")
    sites = site.pbx.pbx.seed_organization("Sites", departments)
    site.add_unit("Sales", parent=site.add_unit("Staff"))
    site.units(parent_organization="departments \\/ all/SITES")
    below = {f"Departments / all/Sites{path}" for path in ("", "/Staff", "/Staff/Sales")}
    assert set(site.organization_ids) == {"", "Departments / all", *below}
    own = _ids_by_name(site, "Staff", "Sales")

    for same in (str(sites), "Example Ltd/Departments \\/ all/Sites"):
        # The rule is spelled otherwise, which is all that changes.
        assert actions(site.units(parent_organization=same)) == []
    result = site.units(parent_organization="Example Ltd")

    assert actions(result) == [("update", "Staff", "directory_changed")]
    assert set(site.organization_ids) == {"", "Departments / all", "Departments / all/Sites", "Staff", "Staff/Sales"}
    assert _ids_by_name(site, "Staff", "Sales") == own
    assert actions(site.units(parent_organization="1")) == actions(site.units()) == []


def test_a_parent_organization_is_the_one_that_is_spelled_so_where_two_differ_in_capital_letters(site: Site) -> None:
    for name in ("sites", "Sites"):
        site.pbx.pbx.seed_organization(name)
    site.add_unit("Staff")

    site.units(parent_organization="Sites")

    assert "Sites/Staff" in site.organization_ids


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    "name", ["Nowhere", "99", "Departments/Nowhere", "Other Ltd/Departments", "Departments//", "\\", "De\0", "*"]
)
def test_a_parent_organization_that_does_not_exist_is_an_error(site: Site, name: str, check: bool) -> None:
    site.pbx.pbx.seed_organization("Departments")
    site.add_unit("Staff")

    result = site.units(check=check, fails=True, parent_organization=name)

    assert "parent_organization" in result["msg"]
    assert site.writes() == []


def test_a_parent_organization_inside_of_the_synchronized_tree_is_an_error(site: Site) -> None:
    site.add_unit("Sales", parent=site.add_unit("Staff"))
    site.units()
    by_hand = site.pbx.pbx.seed_organization("By hand", site.organization_id("Sales"))
    site.pbx.calls.clear()

    for name in ("Staff", "Staff/Sales", "Staff/Sales/By hand", str(by_hand)):
        for check in (True, False):
            assert "parent_organization" in site.units(check=check, fails=True, parent_organization=name)["msg"]

    assert site.writes() == []
    assert not site.units()["changed"]


def test_the_company_name_is_set_where_it_differs(site: Site) -> None:
    site.add_unit("Staff")
    assert actions(site.units(company_name=" Example Ltd ")) == [("create", "Staff", "new_unit")]
    site.pbx.calls.clear()

    shown = site.units(check=True, company_name="Example & Söhne")
    done = site.units(company_name="Example & Söhne")

    assert site.pbx.state.company_name == "Example & Söhne"
    assert site.writes() == ["preference/update"]
    assert shown["plan_id"] == done["plan_id"]
    assert [(change["before"], change["after"]) for change in done["changes"]] == [
        ({"name": "Example Ltd"}, {"name": "Example & Söhne"})
    ]
    assert not site.units(company_name="Example & Söhne")["changed"]
    # An option that is left out changes nothing of the PBX.
    assert actions(site.units()) == []


def test_a_path_may_begin_with_the_name_that_the_company_is_only_to_have(site: Site) -> None:
    site.pbx.pbx.seed_organization("Departments")
    site.add_unit("Staff")
    rule: dict[str, Any] = {"company_name": "Another Ltd", "parent_organization": "Another Ltd/Departments"}

    site.units(**rule)

    assert set(site.organization_ids) == {"", "Departments", "Departments/Staff"}
    assert not site.units(**rule)["changed"]
    assert "parent_organization" in site.units(fails=True, parent_organization="Example Ltd/Departments")["msg"]


def test_a_lost_answer_about_the_company_name_is_settled_at_once_or_by_the_next_run(site: Site) -> None:
    site.pbx.fail("preference/update", "cut_after_work", nth=1)
    site.units(company_name="Another Ltd")
    assert site.pbx.state.company_name == "Another Ltd"
    assert site.writes() == ["preference/update"]

    site.pbx.fail("preference/update", "cut_after_work", nth=1)
    site.pbx.fail("preference/get", "errcode", nth=2, times=None, errcode=10005)
    unknown = site.units(fails=True, company_name="A third Ltd")
    assert [(change["reason"], change["state"]) for change in unknown["changes"]] == [("company_name", "unknown")]
    site.pbx.faults.clear()
    settled = site.units(company_name="A third Ltd")
    assert [(one["action"], one["state"]) for one in settled["recovered"]] == [("update", "done")]
    assert site.pbx.state.company_name == "A third Ltd"
    assert site.writes() == ["preference/update"] * 2


@pytest.mark.parametrize("missing", ["interface", "permission"])
def test_a_company_name_that_differs_is_an_error_before_anything_is_changed_where_it_cannot_be_set(
    site: Site, missing: str
) -> None:
    if missing == "interface":
        site.pbx.variants = site.pbx.variants.changed(preference_api=False)
    else:
        denied = frozenset({"preference/get", "preference/update"})
        site.pbx.pbx.settings = replace(site.pbx.pbx.settings, denied_endpoints=denied)
    site.add_unit("Staff")

    for check in (True, False):
        result = site.units(check=check, fails=True, company_name="Another Ltd")
        for word in ("company_name", "Another Ltd", "Example Ltd"):
            assert word in result["msg"]

    assert site.writes() == []
    assert site.units(company_name="Example Ltd")["summary"]["created"] == 1


def test_a_company_name_whose_setting_alone_is_denied_fails_alone(site: Site) -> None:
    site.pbx.pbx.settings = replace(site.pbx.pbx.settings, denied_endpoints=frozenset({"preference/update"}))
    site.add_unit("Staff")

    result = site.units(fails=True, company_name="Another Ltd")

    assert [(change["reason"], change["state"]) for change in result["changes"]] == [("company_name", "failed")]
    assert "Preferences" in result["msg"]
    assert set(site.organization_ids) == {"", "Staff"}


def test_organization_management_that_is_off_is_an_error_and_users_are_synchronized_all_the_same(site: Site) -> None:
    staff = site.add_unit("Staff")
    site.add_user("Anna", parent=staff)
    site.units()
    site.pbx.pbx.organization_management = False
    site.pbx.calls.clear()

    for check in (True, False):
        assert "Organization Management" in site.units(check=check, fails=True)["msg"]
    assert site.writes() == []
    assert actions(site.sync()) == [("create", "Anna", "new_user")]
    assert not site.sync()["changed"]

    site.pbx.pbx.organization_management = True
    assert actions(site.units()) == [("update", "Anna", "unit_changed")]
    assert site.organizations == {"": set(), "Staff": {"Anna"}}
    site.pbx.pbx.organization_management = False
    assert not site.sync()["changed"]
    site.pbx.pbx.organization_management = True
    assert not site.units()["changed"]


# --- what becomes of units ---


def test_renamed_and_moved_units_keep_their_organization(site: Site) -> None:
    staff = site.add_unit("Staff")
    sales = site.add_unit("Sales", staff)
    site.add_user("Anna", parent=sales)
    site.units()
    site.sync()
    before = site.organization_id("Sales")

    site.admin.move(site.admin.rename(sales, "Vertrieb"), site.base_dn)
    result = site.units()

    assert site.organizations == {"": set(), "Staff": set(), "Vertrieb": {"Anna"}}
    assert site.organization_id("Vertrieb") == before
    assert [(change["action"], change["name"]) for change in result["changes"]] == [("update", "Vertrieb")]
    assert result["changes"][0]["before"] == {"name": "Sales", "parent": "Example Ltd/Staff"}
    assert result["changes"][0]["after"] == {"name": "Vertrieb", "parent": "Example Ltd"}
    assert not site.sync()["changed"]


def test_units_that_exchange_their_names_keep_their_organizations(site: Site) -> None:
    dns = [site.add_unit(name) for name in ("A", "B", "C")]
    for name, dn in zip(("Anna", "Bernd", "Carl"), dns, strict=True):
        site.add_user(name, parent=dn)
    site.units()
    site.sync()
    before = site.organization_ids
    passing = site.admin.rename(dns[0], "passing")
    site.admin.rename(dns[2], "A")
    site.admin.rename(dns[1], "C")
    site.admin.rename(passing, "B")

    site.units()

    assert site.organizations == {"": set(), "B": {"Anna"}, "C": {"Bernd"}, "A": {"Carl"}}
    assert site.organization_ids == {"": 1, "B": before["A"], "C": before["B"], "A": before["C"]}
    site.pbx.calls.clear()
    assert not site.units()["changed"]
    assert not site.sync()["changed"]
    assert site.writes() == []


def test_a_unit_that_changes_places_with_the_one_above_it_keeps_its_organization(site: Site) -> None:
    upper = site.add_unit("Upper")
    lower = site.add_unit("Lower", upper)
    site.add_unit("Leaf", lower)
    site.units()
    before = site.organization_ids
    lower = site.admin.move(lower, site.base_dn)
    site.admin.move(upper, lower)

    result = site.units()

    assert site.organization_ids == {
        "": 1,
        "Lower": before["Upper/Lower"],
        "Lower/Upper": before["Upper"],
        "Lower/Leaf": before["Upper/Lower/Leaf"],
    }
    assert [change["action"] for change in result["changes"]] == ["update", "update"]
    assert not site.units()["changed"]


def test_units_that_change_places_and_names_keep_their_organizations(site: Site) -> None:
    """North/Sales and South/Buying become South/Sales and North/Buying, and North and South exchange their names."""
    north, south = site.add_unit("North"), site.add_unit("South")
    sales, buying = site.add_unit("Sales", north), site.add_unit("Buying", south)
    site.units()
    before = site.organization_ids
    site.admin.move(sales, south)
    site.admin.move(buying, north)
    passing = site.admin.rename(north, "passing")
    site.admin.rename(south, "North")
    site.admin.rename(passing, "South")

    site.units()

    assert site.organization_ids == {
        "": 1,
        "North": before["South"],
        "South": before["North"],
        "North/Sales": before["North/Sales"],
        "South/Buying": before["South/Buying"],
    }
    assert not site.units()["changed"]


def test_a_name_spelled_in_other_capital_letters_is_a_rename(site: Site) -> None:
    sales = site.add_unit("sales")
    site.units()
    before = site.organization_ids["sales"]
    site.admin.rename(sales, "Sales")

    assert actions(site.units()) == [("update", "Sales", "directory_changed")]
    assert site.organization_ids == {"": 1, "Sales": before}


def test_units_merged_and_split_keep_what_goes_on(site: Site) -> None:
    north, south = site.add_unit("North"), site.add_unit("South")
    anna = site.add_user("Anna", parent=north)
    bernd = site.add_user("Bernd", parent=south)
    site.units()
    site.sync()
    before = site.organization_ids

    site.admin.move(bernd, north)
    site.admin.delete(south)
    merged = site.units(**DELETE)
    assert site.organizations == {"": set(), "North": {"Anna", "Bernd"}}
    assert actions(merged) == [("update", "Bernd", "unit_changed"), ("delete", "South", "object_deleted")]

    site.admin.move(anna, site.add_unit("East"))
    site.units(**DELETE)
    assert site.organizations == {"": set(), "North": {"Bernd"}, "East": {"Anna"}}
    assert site.organization_ids["North"] == before["North"]
    assert not site.sync()["changed"]


def test_a_unit_made_again_at_the_same_place_takes_the_organization_over(site: Site) -> None:
    sales = site.add_unit("Sales")
    anna = site.add_user("Anna", parent=sales)
    site.units()
    site.sync()
    before = site.organization_ids
    anna = site.admin.move(anna, site.base_dn)
    site.admin.delete(sales)
    site.admin.move(anna, site.add_unit("SALES"))
    site.pbx.calls.clear()

    result = site.units(**DELETE)

    assert actions(result) == [("release", "Sales", "handed_over"), ("associate", "SALES", "same_name")]
    assert site.organization_ids == {"": 1, "SALES": before["Sales"]}
    assert site.writes() == ["organization/update"]
    assert site.organizations["SALES"] == {"Anna"}
    assert not site.units(**DELETE)["changed"]


def test_what_an_administrator_changed_of_an_organization_is_put_right_and_told(site: Site) -> None:
    for name in ("Renamed", "Moved", "Deleted"):
        site.add_user(name, parent=site.add_unit(name))
    site.units()
    site.sync()
    before = site.organization_ids
    tree = site.pbx.pbx.organizations
    tree.rename(before["Renamed"], "By hand")
    tree.move(before["Moved"], before["Renamed"])
    site.pbx.pbx.extensions.move_organizations(frozenset(tree.remove(before["Deleted"])), 1)

    result = site.units()

    assert [(change["name"].split("-")[0], change["reason"], change["drift"]) for change in result["changes"]] == [
        ("Deleted", "object_missing", []),
        ("Moved", "drift", ["parent"]),
        ("Renamed", "drift", ["name"]),
        ("Deleted", "unit_changed", []),
    ]
    assert site.organizations == {"": set(), "Renamed": {"Renamed"}, "Moved": {"Moved"}, "Deleted": {"Deleted"}}
    assert {**site.organization_ids, "Deleted": 0} == {**before, "Deleted": 0}
    assert not site.sync()["changed"]


@pytest.mark.parametrize("fate", ["release", "delete"])
def test_a_deleted_subtree_is_released_or_deleted_from_the_leaves_on(site: Site, fate: str) -> None:
    staff = site.add_unit("Staff")
    north = site.add_unit("North", site.add_unit("Sales", staff))
    site.add_user("Anna", parent=north)
    bernd = site.add_user("Bernd", parent=staff)
    site.units()
    site.sync()
    site.admin.move(bernd, site.base_dn)
    site.admin.delete(staff, with_children=True)
    site.pbx.calls.clear()

    result = site.units(out_of_scope=fate)

    if fate == "release":
        assert sorted(actions(result)) == [("release", name, "object_deleted") for name in ("North", "Sales", "Staff")]
        assert site.organizations["Staff/Sales/North"] == {"Anna"}
        assert site.organizations["Staff"] == {"Bernd"}
        assert site.writes() == []
    else:
        assert actions(result) == [
            ("update", "Anna", "unit_changed"),
            ("update", "Bernd", "unit_changed"),
            ("delete", "North", "object_deleted"),
            ("delete", "Sales", "object_deleted"),
            ("delete", "Staff", "object_deleted"),
        ]
        assert site.organizations == {"": {"Anna", "Bernd"}}
    site.pbx.calls.clear()
    assert not site.units(out_of_scope=fate)["changed"]
    assert site.writes() == []
    assert actions(site.sync()) == [("delete", "Anna", "account_deleted")]


@pytest.mark.parametrize("fate", ["release", "delete"])
def test_units_that_the_scope_no_longer_takes_in_are_released_or_deleted(site: Site, fate: str) -> None:
    """Whoever was in one of them belongs to the nearest unit above that is still taken in, or to none."""
    staff = site.add_unit("Staff")
    sales, other = site.add_unit("Sales", staff), site.add_unit("Other")
    for name, parent in (("Anna", sales), ("Bernd", other), ("Carl", staff)):
        site.add_user(name, parent=parent)
    site.units()
    site.sync()
    rule: dict[str, Any] = {"scope": "filter", "filter": "(ou=Staff)", "out_of_scope": fate}

    result = site.units(**rule)

    assert {change["reason"] for change in result["changes"] if change["action"] == fate} == {"out_of_scope"}
    if fate == "release":
        # The released organizations keep their extensions, which are the administrator's there from now on.
        expected = {"": set(), "Staff": {"Anna", "Carl"}, "Staff/Sales": {"Anna"}, "Other": {"Bernd"}}
    else:
        expected = {"": {"Bernd"}, "Staff": {"Anna", "Carl"}}
    assert site.organizations == expected
    site.pbx.calls.clear()
    assert not site.units(**rule)["changed"]
    assert not site.sync()["changed"]
    assert site.writes() == []


def test_a_released_organization_is_never_touched_again(site: Site) -> None:
    staff = site.add_unit("Staff")
    site.add_user("Anna", parent=staff)
    site.units()
    site.sync()
    site.units(scope="filter", filter="(ou=Nothing)")
    site.admin.rename(staff, "Personal")

    again = site.units(**DELETE)

    # The unit is in scope once more: it gets an organization of its own, in which its users are too.
    assert actions(again) == [("create", "Personal", "new_unit"), ("update", "Anna", "unit_changed")]
    assert site.organizations == {"": set(), "Staff": {"Anna"}, "Personal": {"Anna"}}
    site.admin.delete(DirectoryAdmin.dn("Personal", site.base_dn, kind="OU"), with_children=True)
    site.units(**DELETE)
    assert site.organizations == {"": set(), "Staff": {"Anna"}}


@pytest.mark.parametrize("held", ["extension", "organization"])
def test_an_organization_that_holds_what_was_made_by_hand_is_not_deleted(site: Site, held: str) -> None:
    staff = site.add_unit("Staff")
    sales = site.add_unit("Sales", staff)
    site.add_unit("Empty", staff)
    anna = site.add_user("Anna", parent=sales)
    site.units()
    site.sync()
    if held == "extension":
        site.pbx.pbx.seed_extension("5000", first_name="hand", organization_ids=(site.organization_id("Sales"),))
    else:
        site.pbx.pbx.seed_organization("By hand", site.organization_id("Sales"))
    site.admin.move(anna, site.base_dn)
    site.admin.delete(staff, with_children=True)

    result = site.units(**DELETE)

    assert codes(result) == [("Sales", "object_in_use"), ("Staff", "object_in_use")]
    assert {"extension": "extension 5000", "organization": "By hand"}[held] in result["conflicts"][0]["message"]
    assert "Staff/Empty" not in site.organizations
    assert site.organizations["Staff/Sales"] == ({"hand"} if held == "extension" else set())
    site.pbx.calls.clear()
    again = site.units(**DELETE)
    assert (again["changed"], codes(again)) == (False, codes(result))
    assert site.writes() == []

    # Once the administrator has cleared it, or when it is to be released, it goes.
    if held == "extension":
        site.pbx.pbx.delete_by_hand("5000")
        assert [change["action"] for change in site.units(**DELETE)["changes"]] == ["delete", "delete"]
        assert site.organizations == {"": {"Anna"}}
    else:
        assert [change["action"] for change in site.units()["changes"]] == ["release", "release"]
        assert set(site.organization_ids) == {"", "Staff", "Staff/Sales", "Staff/Sales/By hand"}


# --- names ---


def test_units_of_one_name_below_one_organization_are_a_conflict(site: Site) -> None:
    """The first one has the name; users of the other are in the organization above."""
    for place, user in (("Berlin", "Anna"), ("Leipzig", "Bernd")):
        site.add_user(user, parent=site.add_unit("Sales", site.add_unit(place)))
    rule: dict[str, Any] = {"scope": "filter", "filter": "(ou=sales)"}

    result = site.units(**rule)
    site.sync()

    assert [code for _name, code in codes(result)] == ["name_shared"]
    (conflict,) = result["conflicts"]
    above = {"Berlin/Sales": "Anna", "Leipzig/Sales": "Bernd"}[conflict["name"]]
    (inside,) = {"Anna", "Bernd"} - {above}
    assert site.organizations == {"": {above}, "Sales": {inside}}
    assert f"Sales ({conflict['name'].split('/')[0]})" in conflict["message"]
    # Whoever has the name keeps it, and the conflict goes when the unit between is taken in.
    assert not site.units(**rule)["changed"]
    place = conflict["name"].split("/")[0]
    assert site.units(scope="filter", filter=f"(|(ou=sales)(ou={place}))")["conflicts"] == []
    assert site.organizations == {"": set(), "Sales": {inside}, place: set(), f"{place}/Sales": {above}}


def test_a_name_that_an_organization_made_by_hand_has_is_a_conflict_or_taken_over(site: Site) -> None:
    by_hand = site.pbx.pbx.seed_organization("SALES")
    site.pbx.pbx.seed_extension("5000", first_name="hand", organization_ids=(by_hand,))
    sales = site.add_unit("Sales")
    site.add_user("Anna", parent=site.add_unit("Export", sales))
    other = site.add_unit("Other")

    refused = site.units()
    site.sync()

    assert codes(refused) == [("Sales", "name_taken")]
    for word in ("associate_by_name", "'Sales (AD)'"):
        assert word in refused["conflicts"][0]["message"]
    assert site.organizations == {"": set(), "SALES": {"hand"}, "Export": {"Anna"}, "Other": set()}

    taken_over = site.units(associate_by_name=True)
    assert actions(taken_over) == [("associate", "Sales", "same_name"), ("update", "Sales/Export", "directory_changed")]
    assert site.organizations == {"": set(), "Sales": {"hand"}, "Sales/Export": {"Anna"}, "Other": set()}
    assert site.organization_ids["Sales"] == by_hand
    assert not site.units(associate_by_name=True)["changed"]

    # A unit that has an organization does not swallow another one by a rename.
    site.pbx.pbx.seed_organization("Taken")
    site.admin.rename(other, "Taken")
    renamed = site.units(associate_by_name=True)
    assert codes(renamed) == [("Taken", "name_taken")]
    assert "associate_by_name" not in renamed["conflicts"][0]["message"]
    assert {"Taken", "Other"} <= set(site.organization_ids)


def test_a_name_that_the_pbx_would_not_take_is_a_conflict(site: Site) -> None:
    staff = site.add_unit("Staff")
    broken = site.add_unit("line\nbreak", staff)
    site.add_user("Anna", parent=broken)

    result = site.units()
    site.sync()

    assert codes(result) == [("Staff/line\nbreak", "name_invalid")]
    assert "'line break'" in result["conflicts"][0]["message"]
    assert site.organizations == {"": set(), "Staff": {"Anna"}}
    site.admin.rename(broken, "line break")
    assert site.units()["conflicts"] == []
    assert site.organizations["Staff/line break"] == {"Anna"}
    site.admin.rename(DirectoryAdmin.dn("line break", staff, kind="OU"), "line\tbreak")
    assert codes(site.units()) == [("Staff/line\tbreak", "name_invalid")]
    assert site.organizations["Staff/line break"] == {"Anna"}


# --- limits ---


def test_what_does_not_fit_the_model_is_a_conflict_and_the_rest_is_done(site: Site) -> None:
    site.pbx.pbx.settings = replace(site.pbx.pbx.settings, model="P550")
    for number in range(47):
        site.pbx.pbx.seed_organization(f"By hand {number}")
    empty = [site.add_unit(name) for name in ("A", "B", "C")][1]
    site.units()
    d = site.add_unit("D")
    below = site.add_unit("Below", d)
    site.add_user("Dora", parent=below)

    full = site.units()

    assert codes(full) == [("D", "no_room"), ("D/Below", "no_room")]
    assert full["conflicts"][0]["message"].startswith("The PBX takes 50 organizations")
    assert not full["changed"]
    site.sync()
    assert site.organizations[""] == {"Dora"}
    # What a run deletes makes room for what it creates.
    site.admin.delete(empty)
    part = site.units(**DELETE)
    assert codes(part) == [("D/Below", "no_room")]
    assert site.organizations["D"] == {"Dora"}
    assert "B" not in site.organizations
    assert len(site.organization_ids) == 51
    assert not site.units(**DELETE)["changed"]


def test_what_would_be_too_deep_is_a_conflict_and_its_users_are_in_the_last_layer(site: Site) -> None:
    parent = 1
    for layer in range(1, 14):
        parent = site.pbx.pbx.seed_organization(str(layer), parent)
    first = site.add_unit("First")
    second = site.add_unit("Second", first)
    third = site.add_unit("Third", second)
    site.add_user("Anna", parent=third)
    site.units(parent_organization=str(parent))
    site.sync()

    result = site.units(parent_organization=str(parent))

    assert codes(result) == [("First/Second/Third", "too_deep")]
    deepest = max(site.organizations, key=lambda path: path.count("/"))
    assert deepest.endswith("13/First/Second")
    assert site.organizations[deepest] == {"Anna"}
    assert not result["changed"]


def test_a_tree_whose_leaves_would_become_too_deep_stays(site: Site) -> None:
    parent = 1
    for layer in range(1, 14):
        parent = site.pbx.pbx.seed_organization(f"{layer}", parent)
    site.add_user("Anna", parent=site.add_unit("Third", site.add_unit("Second", site.add_unit("First"))))
    site.units()
    site.sync()
    rule: dict[str, Any] = {"parent_organization": str(parent)}

    result = site.units(**rule)

    assert {code for _name, code in codes(result)} == {"too_deep"}
    assert site.organizations["First/Second/Third"] == {"Anna"}
    assert not site.units(**rule)["changed"]
    assert not site.sync()["changed"]


def _ids_by_name(site: Site, *names: str) -> dict[str, int]:
    return {name: site.organization_id(name) for name in names}
