# SPDX-License-Identifier: GPL-3.0-or-later
"""Which organizations an extension is in: its user's unit's, or an attribute's value's, and those given by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab.directory_admin import DirectoryAdmin
from tests.integration.modules.site_under_test import Site, actions, codes

DELETE: dict[str, Any] = {"out_of_scope": "delete"}
DEPARTMENT: dict[str, Any] = {"hierarchy_from": "department"}


@pytest.fixture(name="placed")
def _placed(site: Site) -> Site:
    """Anna in Staff/Sales, Bernd in Staff, Carl in no unit; both sides in step and no calls logged."""
    staff = site.add_unit("Staff")
    site.add_user("Anna", parent=site.add_unit("Sales", staff))
    site.add_user("Bernd", parent=staff)
    site.add_user("Carl")
    site.units()
    site.sync()
    site.pbx.calls.clear()
    return site


def test_users_are_created_straight_into_their_organization(site: Site) -> None:
    staff = site.add_unit("Staff")
    site.add_user("Anna", parent=site.add_unit("Sales", staff))
    site.add_user("Bernd", parent=staff)
    site.add_user("Carl")
    site.units()
    site.pbx.calls.clear()

    result = site.sync()

    assert site.organizations == {"": {"Carl"}, "Staff": {"Bernd"}, "Staff/Sales": {"Anna"}}
    assert site.writes() == ["extension/create"] * 3
    told = {change["name"].split("-")[0]: change["after"].get("organizations") for change in result["changes"]}
    assert told == {"Anna": "Example Ltd/Staff/Sales", "Bernd": "Example Ltd/Staff", "Carl": None}


def test_a_second_run_of_both_writes_nothing_and_reads_the_organizations_in_one_call(placed: Site) -> None:
    for run in (placed.units, placed.sync):
        placed.pbx.calls.clear()

        assert not run()["changed"]

        assert placed.writes() == []
        asked = [call.endpoint for call in placed.pbx.calls.all() if call.endpoint.startswith("organization/")]
        assert asked == ["organization/list"]


def test_the_run_of_users_moves_an_extension_and_changes_its_fields_in_one_update(placed: Site) -> None:
    anna = DirectoryAdmin.dn("Anna", _unit(placed, "Sales", "Staff"))
    placed.admin.modify(anna, sn="Neu")
    placed.admin.move(anna, _unit(placed, "Staff"))

    (change,) = placed.sync()["changes"]

    assert placed.organizations["Staff"] == {"Anna", "Bernd"}
    assert placed.extension_of("Anna")["last_name"] == "Neu"
    assert placed.writes() == ["extension/update"]
    assert change["before"] == {"last_name": "", "organizations": "Example Ltd/Staff/Sales"}
    assert change["after"] == {"last_name": "Neu", "organizations": "Example Ltd/Staff"}
    assert (change["reason"], change["drift"]) == ("directory_changed", [])
    assert not placed.units()["changed"]


def test_the_run_of_units_moves_each_extension_in_one_update_of_its_organizations_alone(placed: Site) -> None:
    for name, path in (("Anna", ("Sales", "Staff")), ("Bernd", ("Staff",))):
        dn = DirectoryAdmin.dn(name, _unit(placed, *path))
        placed.admin.modify(dn, sn="Neu")
        placed.admin.move(dn, placed.base_dn)

    result = placed.units()

    assert placed.organizations == {"": {"Anna", "Bernd", "Carl"}, "Staff": set(), "Staff/Sales": set()}
    assert actions(result) == [("update", "Anna", "unit_changed"), ("update", "Bernd", "unit_changed")]
    assert placed.writes() == ["extension/update"] * 2
    for call in placed.pbx.calls.all("extension/update"):
        assert set(json.loads(call.raw_body)) == {"id", "organization_list"}
    # The rest of what changed is the users' run's.
    assert [set(change["after"]) for change in placed.sync()["changes"]] == [{"last_name"}] * 2


@pytest.mark.parametrize("run", ["units", "sync"])
def test_organizations_given_by_hand_are_kept_through_every_move(placed: Site, run: str) -> None:
    by_hand = placed.pbx.pbx.seed_organization("By hand")
    for name in ("Anna", "Carl"):
        extension = placed.extension_of(name)
        placed.pbx.pbx.change_by_hand(extension["number"], organization_ids=(*extension["organization_ids"], by_hand))
    assert not placed.units()["changed"]
    assert not placed.sync()["changed"]
    anna = placed.admin.move(DirectoryAdmin.dn("Anna", _unit(placed, "Sales", "Staff")), _unit(placed, "Staff"))
    placed.admin.move(DirectoryAdmin.dn("Carl", placed.base_dn), _unit(placed, "Sales", "Staff"))

    getattr(placed, run)()

    # The root was given to Carl by hand beside another one: it is not alone, and stays.
    assert placed.organizations == {
        "": {"Carl"},
        "Staff": {"Anna", "Bernd"},
        "Staff/Sales": {"Carl"},
        "By hand": {"Anna", "Carl"},
    }
    placed.admin.move(anna, placed.base_dn)
    getattr(placed, run)()
    assert placed.organizations["By hand"] == {"Anna", "Carl"}
    assert "Anna" not in placed.organizations[""]
    assert not placed.units()["changed"]
    assert not placed.sync()["changed"]


@pytest.mark.parametrize("run", ["units", "sync"])
def test_an_extension_taken_out_of_its_organization_by_hand_is_put_back_and_that_is_told(
    placed: Site, run: str
) -> None:
    by_hand = placed.pbx.pbx.seed_organization("By hand")
    placed.pbx.pbx.change_by_hand(placed.extension_of("Anna")["number"], organization_ids=(by_hand,))
    placed.pbx.pbx.change_by_hand(placed.extension_of("Bernd")["number"], organization_ids=(1,))

    result = getattr(placed, run)()

    assert [(change["reason"], change["drift"]) for change in result["changes"]] == [("drift", ["organizations"])] * 2
    assert [(change["before"], change["after"]) for change in result["changes"]] == [
        ({"organizations": "Example Ltd/By hand"}, {"organizations": "Example Ltd/By hand, Example Ltd/Staff/Sales"}),
        ({"organizations": "Example Ltd"}, {"organizations": "Example Ltd/Staff"}),
    ]
    assert placed.organizations == {"": {"Carl"}, "Staff": {"Bernd"}, "Staff/Sales": {"Anna"}, "By hand": {"Anna"}}
    assert not placed.units()["changed"]
    assert not placed.sync()["changed"]


@pytest.mark.parametrize("run", ["units", "sync"])
def test_an_extension_leaves_the_root_for_its_first_organization_and_goes_back_with_none(
    placed: Site, run: str
) -> None:
    outside = DirectoryAdmin.dn("Carl", placed.base_dn)
    inside = placed.admin.move(outside, _unit(placed, "Sales", "Staff"))

    (change,) = getattr(placed, run)()["changes"]

    assert (change["before"], change["after"]) == (
        {"organizations": "Example Ltd"},
        {"organizations": "Example Ltd/Staff/Sales"},
    )
    assert placed.organizations == {"": set(), "Staff": {"Bernd"}, "Staff/Sales": {"Anna", "Carl"}}
    placed.admin.move(inside, placed.base_dn)
    (change,) = getattr(placed, run)()["changes"]
    assert change["after"] == {"organizations": "Example Ltd"}
    assert placed.organizations == {"": {"Carl"}, "Staff": {"Bernd"}, "Staff/Sales": {"Anna"}}
    assert len(placed.writes()) == 2


@pytest.mark.parametrize("units_first", [True, False])
def test_an_extension_taken_over_by_its_address_gets_the_organization_besides_its_own(
    site: Site, units_first: bool
) -> None:
    by_hand = site.pbx.pbx.seed_organization("By hand")
    site.pbx.pbx.seed_extension("5000", first_name="Anna", email_addr="anna@lab.test", organization_ids=(by_hand,))
    site.pbx.pbx.seed_extension("5001", first_name="Bernd", email_addr="bernd@lab.test")
    sales = site.add_unit("Sales")
    for name in ("Anna", "Bernd"):
        site.add_user(name, parent=sales, mail=f"{name}@lab.test".lower())

    if units_first:
        site.units()
        site.pbx.calls.clear()
        result = site.sync(associate_by_email=True)
        assert actions(result) == [("associate", "Anna", "same_email"), ("associate", "Bernd", "same_email")]
    else:
        site.sync(associate_by_email=True)
        site.units()
        site.pbx.calls.clear()
        assert not site.units()["changed"]

    assert site.organizations == {"": set(), "By hand": {"Anna"}, "Sales": {"Anna", "Bernd"}}
    assert site.writes() == (["extension/update"] * 2 if units_first else [])
    assert not site.units()["changed"]
    assert not site.sync(associate_by_email=True)["changed"]


def test_extensions_that_no_association_names_stay_where_they_are(placed: Site) -> None:
    inside = (placed.organization_id("Sales"),)
    placed.pbx.pbx.seed_extension("5000", first_name="hand", organization_ids=inside)
    placed.admin.move(_unit(placed, "Sales", "Staff"), placed.base_dn)
    before = placed.pbx.state.extensions["5000"]

    placed.units()
    placed.sync()

    assert placed.pbx.state.extensions["5000"] == before
    assert placed.organizations["Sales"] == {"Anna", "hand"}


def test_the_run_of_users_follows_units_that_were_moved_since_and_new_ones_wait_for_theirs(placed: Site) -> None:
    """Where a unit is, is asked of the directory in every run; what its organization is, is the last run's."""
    sales = placed.admin.move(_unit(placed, "Sales", "Staff"), placed.base_dn)
    placed.add_user("Dora", parent=placed.add_unit("New", sales))

    result = placed.sync()

    assert actions(result) == [("create", "Dora", "new_user")]
    assert placed.organizations["Staff/Sales"] == {"Anna", "Dora"}
    assert actions(placed.units()) == [
        ("update", "Sales", "directory_changed"),
        ("create", "Sales/New", "new_unit"),
        ("update", "Dora", "unit_changed"),
    ]
    assert placed.organizations == {"": {"Carl"}, "Staff": {"Bernd"}, "Sales": {"Anna"}, "Sales/New": {"Dora"}}


def test_a_user_that_vanished_unproven_keeps_the_organization(placed: Site) -> None:
    plain = _plain_account(placed)
    placed.admin.delete(DirectoryAdmin.dn("Anna", _unit(placed, "Sales", "Staff")))

    for run in (placed.units, placed.sync):
        assert not run(**plain)["changed"]

    assert placed.organizations["Staff/Sales"] == {"Anna"}
    # It leaves only an organization that goes.
    placed.admin.delete(_unit(placed, "Sales", "Staff"))
    gone = placed.units(**plain, **DELETE, deletion_proof="absence")
    assert actions(gone) == [("update", "Anna", "unit_changed"), ("delete", "Sales", "object_deleted")]
    assert placed.organizations == {"": {"Anna", "Carl"}, "Staff": {"Bernd"}}
    assert not placed.sync(**plain)["changed"]


# --- an attribute's values in place of units ---


def test_values_become_organizations_and_users_are_created_straight_into_them(site: Site) -> None:
    site.add_user("Anna", department="Sales")
    site.add_user("Bernd", department="  Human   Resources ")
    site.add_user("Carl")
    site.sync()

    result = site.units(**DEPARTMENT)

    assert site.organizations == {"": {"Carl"}, "Sales": {"Anna"}, "Human Resources": {"Bernd"}}
    assert [change["guid"] for change in result["changes"] if change["kind"] == "organization"] == [
        "department:human resources",
        "department:sales",
    ]
    site.add_user("Dora", department="sales")
    site.add_user("Emil", department="New")
    site.pbx.calls.clear()
    site.sync()
    assert site.writes() == ["extension/create"] * 2
    assert site.organizations["Sales"] == {"Anna", "Dora"}
    # A value that no organization was made of yet puts nobody anywhere before the next run of units.
    assert site.organizations[""] == {"Carl", "Emil"}
    assert actions(site.units(**DEPARTMENT)) == [("create", "New", "new_unit"), ("update", "Emil", "unit_changed")]
    site.pbx.calls.clear()
    assert not site.units(**DEPARTMENT)["changed"]
    assert not site.sync()["changed"]
    assert site.writes() == []


def test_a_value_is_split_into_levels(site: Site) -> None:
    anna = site.add_user("Anna", department="Sales/EMEA/DACH")
    site.add_user("Bernd", department=" sales / emea ")
    site.add_user("Carl", department="/Sales//")
    site.add_user("Dora", department="/ /")
    site.sync()
    rule = {**DEPARTMENT, "hierarchy_separator": "/"}

    site.units(**rule)

    spelled = site.organizations
    upper = "Sales" if "Sales" in spelled else "sales"
    middle = f"{upper}/EMEA" if f"{upper}/EMEA" in spelled else f"{upper}/emea"
    assert spelled == {"": {"Dora"}, upper: {"Carl"}, middle: {"Bernd"}, f"{middle}/DACH": {"Anna"}}
    before = site.organization_ids

    # The value of another user: the organization that he leaves has no value any more.
    site.admin.modify(anna, department="SALES/EMEA")
    site.units(**rule, **DELETE)
    assert site.organizations == {"": {"Dora"}, upper: {"Carl"}, middle: {"Anna", "Bernd"}}
    assert site.organization_ids == {path: before[path] for path in ("", upper, middle)}
    # Without the separator each value is one organization.
    site.units(**DEPARTMENT, **DELETE)
    assert {path for path in site.organizations if path} >= {"/Sales//", "/ /"}
    assert not site.units(**DEPARTMENT, **DELETE)["changed"]


def test_the_spelling_last_written_is_kept_while_a_user_has_it(site: Site) -> None:
    anna = site.add_user("Anna", department="Sales")
    bernd = site.add_user("Bernd", department="Sales")
    site.sync()
    site.units(**DEPARTMENT)
    before = site.organization_ids
    site.admin.modify(anna, department="SALES")

    assert not site.units(**DEPARTMENT)["changed"]

    site.admin.modify(bernd, department="SALES")
    assert actions(site.units(**DEPARTMENT)) == [("update", "SALES", "directory_changed")]
    assert site.organization_ids == {"": 1, "SALES": before["Sales"]}
    assert site.organizations["SALES"] == {"Anna", "Bernd"}


@pytest.mark.parametrize("fate", ["release", "delete"])
def test_a_value_that_nobody_has_any_more_is_out_of_scope(site: Site, fate: str) -> None:
    """A renamed value is a new organization, for a value has no identity."""
    anna = site.add_user("Anna", department="Sales")
    site.add_user("Bernd", department="Staff")
    site.sync()
    site.units(**DEPARTMENT)
    site.admin.modify(anna, department="Vertrieb")

    result = site.units(**DEPARTMENT, out_of_scope=fate)

    assert (fate, "Sales", "out_of_scope") in actions(result)
    assert site.organizations["Vertrieb"] == {"Anna"}
    assert ("Sales" in site.organizations) is (fate == "release")
    site.admin.modify(anna, department=None)
    site.units(**DEPARTMENT, **DELETE)
    assert "Vertrieb" not in site.organizations
    assert not site.sync()["changed"]


def test_an_attribute_that_no_user_shows_is_an_error_and_nothing_is_taken_for_gone(site: Site) -> None:
    site.add_user("Anna", department="Sales")
    site.sync()
    site.units(**DEPARTMENT)
    site.pbx.calls.clear()

    outcome = site.units(hierarchy_from="departmnet", **DELETE, fails=True)

    assert "hierarchy_from is departmnet" in outcome["msg"]
    assert site.organizations["Sales"] == {"Anna"}
    assert site.writes() == []


@pytest.mark.parametrize("proof", ["tombstone", "absence"])
def test_the_organization_of_a_user_that_vanished_unproven_stays(site: Site, proof: str) -> None:
    anna = site.add_user("Anna", department="Sales")
    site.add_user("Bernd", department="Staff")
    rule = {**DEPARTMENT, **DELETE}
    site.sync()
    site.units(**rule)
    site.admin.delete(anna)
    before = site.organizations

    kept = site.units(**rule, **_plain_account(site))

    assert site.organizations == before
    assert (kept["changed"], codes(kept)) == (False, [("Sales", "object_not_found")])
    if proof == "tombstone":
        assert actions(site.sync()) == [("delete", "Anna", "account_deleted")]
        site.units(**rule)
    else:
        site.units(**rule, **_plain_account(site), deletion_proof="absence")
    assert set(site.organizations) == {"", "Staff"}


@pytest.mark.parametrize("fate", ["release", "delete"])
def test_every_level_of_a_value_stays_with_a_user_that_vanished_unproven(site: Site, fate: str) -> None:
    rule = {**DEPARTMENT, "hierarchy_separator": "/", "out_of_scope": fate}
    anna = site.add_user("Anna", department="Sales/EMEA")
    site.sync()
    site.units(**rule)
    site.admin.delete(anna)

    kept = site.units(**rule, **_plain_account(site))

    assert (kept["changed"], {code for _name, code in codes(kept)}) == (False, {"object_not_found"})


def test_values_take_the_place_of_units_and_units_that_of_values(site: Site) -> None:
    """What both call by one name at one place is handed over; nothing of it is deleted and made again."""
    site.add_user("Anna", parent=site.add_unit("Sales"), department="Sales")
    site.add_user("Bernd", parent=site.add_unit("North"), department="South")
    site.units()
    site.sync()
    before = site.organization_id("Sales")

    site.units(**DEPARTMENT, **DELETE)
    assert site.organizations == {"": set(), "Sales": {"Anna"}, "South": {"Bernd"}}
    assert site.organization_id("Sales") == before
    assert not site.sync()["changed"]

    site.units(**DELETE)
    assert site.organizations == {"": set(), "Sales": {"Anna"}, "North": {"Bernd"}}
    assert site.organization_id("Sales") == before
    assert not site.sync()["changed"]


def test_what_is_left_of_values_is_in_nobodys_way_when_units_are_back(site: Site) -> None:
    anna = site.add_user("Anna", parent=site.add_unit("North"), department="Sales")
    site.sync()
    site.units(**DEPARTMENT)
    site.pbx.pbx.seed_extension("5000", first_name="hand", organization_ids=(site.organization_id("Sales"),))

    assert codes(site.units(**DELETE)) == [("Sales", "object_in_use")]

    assert site.organizations == {"": set(), "Sales": {"hand"}, "North": {"Anna"}}
    assert not site.sync()["changed"]
    site.admin.move(anna, site.base_dn)
    assert actions(site.sync()) == [("update", "Anna", "unit_changed")]
    site.units(**DEPARTMENT, **DELETE)
    assert site.organizations == {"": set(), "Sales": {"Anna", "hand"}}


def test_a_value_that_is_no_name_is_a_conflict_and_its_users_are_in_the_level_above(site: Site) -> None:
    long = "x" * 127
    rule: dict[str, Any] = {"hierarchy_from": "physicalDeliveryOfficeName", "hierarchy_separator": ">"}
    site.add_user("Anna", physicalDeliveryOfficeName=long)
    site.add_user("Bernd", physicalDeliveryOfficeName=f"{long}y")
    site.add_user("Carl", description=f"Sales>{long}y>EMEA")
    site.sync()

    result = site.units(**rule)
    assert [code for _name, code in codes(result)] == ["name_invalid"]
    assert "128 characters" in result["conflicts"][0]["message"]
    assert long in result["conflicts"][0]["message"]
    assert site.organizations == {"": {"Bernd", "Carl"}, long: {"Anna"}}

    result = site.units(**{**rule, "hierarchy_from": "description"}, **DELETE)
    assert [code for _name, code in codes(result)] == ["name_invalid"]
    assert site.organizations == {"": {"Anna", "Bernd"}, "Sales": set(), "Sales/EMEA": {"Carl"}}


def _unit(site: Site, *names: str) -> str:
    """The DN of a unit by its own name and those above it."""
    return ",".join([*(f"OU={name}" for name in names), site.base_dn])


def _plain_account(site: Site) -> dict[str, Any]:
    """Options of an account that may not read deleted objects."""
    account = site.directory.plain_account
    return {"directory_username": account.user_principal_name, "directory_password": account.password}
