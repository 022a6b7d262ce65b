# SPDX-License-Identifier: GPL-3.0-or-later
"""pbx_ad_sync: all rules as they are saved, in one run that reads each side once and plans before it writes."""

from __future__ import annotations

from typing import Any

import pytest

from lab.ldap_proxy.process import LdapProxy
from tests.integration.modules.site_under_test import Site, guard

UNITS: dict[str, Any] = {"scope": "organizational_units", "organizational_units": ["Staff"]}
USERS: dict[str, Any] = {"scope": "organizational_units", "organizational_units": ["Staff"], "number_start": 2000}
GROUPS: dict[str, Any] = {"scope": "filter", "filter": "(cn=Team*)"}
RULES: dict[str, Any] = {"organizational_units": UNITS, "users": USERS, "groups": GROUPS}
KINDS = ["organizational_units", "users", "groups"]


@pytest.fixture(name="staffed")
def _staffed(site: Site) -> Site:
    """Two units with a user each, and a group of both."""
    staff = site.add_unit("Staff")
    people = [site.add_user(name, parent=site.add_unit(where, staff)) for name, where in _PEOPLE.items()]
    site.add_group("Team", *people)
    return site


_PEOPLE = {"Anna": "Sales", "Bernd": "Support"}


def test_check_mode_shows_what_the_run_does_though_nothing_of_it_exists_yet(staffed: Site) -> None:
    assert staffed.connect()["changed"]
    planned = staffed.update(check=True, **RULES)
    assert staffed.writes() == []

    done = staffed.update(**RULES)

    assert done["plan_id"] == planned["plan_id"]
    assert done["plan_changes"] == planned["plan_changes"]
    assert [_told(change) for change in done["changes"]] == [_told(change) for change in planned["changes"]]
    assert done["kinds"] == planned["kinds"] == KINDS
    assert staffed.organizations["Staff/Sales"] == {"Anna"}
    assert staffed.organizations["Staff/Support"] == {"Bernd"}
    assert staffed.members == {"Team": {"Anna", "Bernd"}}
    assert staffed.names.keys() == {"2000", "2001"}


def _told(change: dict[str, Any]) -> dict[str, Any]:
    """A change but for what is only known once it is done."""
    return {name: value for name, value in change.items() if name not in ("state", "object_id", "detail")}


def test_a_run_reads_each_list_once_and_a_second_one_writes_nothing(staffed: Site) -> None:
    staffed.connect()
    staffed.pbx.calls.clear()
    staffed.update(**RULES)
    calls = [call.endpoint for call in staffed.pbx.calls.all()]
    for endpoint in ("get_token", "system/information", "extension/list", "organization/list", "extensiongroup/list"):
        assert calls.count(endpoint) == 1, endpoint
    staffed.pbx.calls.clear()

    again = staffed.update()

    assert (again["changed"], staffed.writes(), again["kinds"]) == (False, [], KINDS)
    assert again["outcome"]["headline"] == "Nothing was to be done."


def test_a_run_puts_no_question_to_the_directory_twice(staffed: Site, ldap_proxy: LdapProxy) -> None:
    staffed.update(**RULES)
    through: dict[str, Any] = {"directory_host": ldap_proxy.address, "directory_port": ldap_proxy.ldaps_port}
    apart: list[str] = []
    for run, rule in ((staffed.units, UNITS), (staffed.sync, USERS), (staffed.groups, GROUPS)):
        ldap_proxy.control.clear()
        run(check=True, **{**rule, **through})
        apart += _questions(ldap_proxy)
    ldap_proxy.control.clear()

    staffed.update(check=True, **through)

    together = _questions(ldap_proxy)
    assert len(together) == len(set(together)) < len(apart)
    # Everybody in the units is read once, and nobody is read for the groups' sake.
    assert sum("objectCategory=person" in question for question in together) == 1


def _questions(proxy: LdapProxy) -> list[str]:
    """The searches below something, each by its base and filter; the counting that proves each of them is left out."""
    searches = (row for row in proxy.control.log() if row["operation"] == "search" and row["scope"] != 0)
    rows = {row["search"]: row for row in searches if row["attributes"] != ["1.1"]}
    return [f"{row['base']} {row['filter']}" for row in rows.values()]


def test_rules_run_as_they_were_saved_by_their_modules(staffed: Site) -> None:
    staffed.units(**UNITS)
    staffed.sync(**USERS)
    staffed.groups(**GROUPS)
    carl = staffed.add_user("Carl", parent=f"OU=Sales,OU=Staff,{staffed.base_dn}")
    staffed.admin.add_members(f"CN=Team,{staffed.base_dn}", [carl])

    result = staffed.update()

    assert staffed.names["2002"] == "Carl"
    assert staffed.organizations["Staff/Sales"] == {"Anna", "Carl"}
    assert staffed.members["Team"] == {"Anna", "Bernd", "Carl"}
    assert result["summaries"]["users"]["created"] == result["summary"]["created"] == 1
    assert [change["kind"] for change in result["changes"]] == ["extension", "extension_group"]


def test_kinds_narrow_a_run(staffed: Site) -> None:
    result = staffed.update(**RULES, kinds=["users"])

    assert result["kinds"] == ["users"]
    assert staffed.organizations == {"": {"Anna", "Bernd"}}
    # What was given is saved all the same, and the next run carries it out.
    assert staffed.update()["kinds"] == KINDS
    assert staffed.members == {"Team": {"Anna", "Bernd"}}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "No rule of any kind is saved"),
        ({"kinds": ["groups"]}, "No rule of groups is saved"),
        ({"users": {"scope": "nobody"}}, "users: value of scope must be one of"),
        ({"users": {"scop": "all"}}, "users has no option scop: it takes associate_by_email, "),
        ({"users": {"scope": "groups"}}, "users: scope groups needs groups"),
        ({"groups": guard("releases", percent=101)}, "groups: guard.releases.percent 101.0 is no share"),
    ],
)
def test_what_cannot_be_run_is_told_before_anything_is_read(site: Site, options: dict[str, Any], words: str) -> None:
    site.connect()
    site.pbx.calls.clear()

    result = site.update(fails=True, **options)

    assert words in result["msg"]
    assert site.pbx.calls.all() == []


def test_units_that_become_extension_groups_come_after_the_users(staffed: Site) -> None:
    result = staffed.update(users=USERS, organizational_units={**UNITS, "sync_to": "extension_group"})

    assert result["kinds"] == ["users", "organizational_units"]
    assert staffed.members == {"Sales": {"Anna"}, "Support": {"Bernd"}}


def test_organizations_of_an_attribute_take_in_extensions_that_the_same_run_creates(site: Site) -> None:
    site.add_user("Anna", department="Field")
    rules: dict[str, Any] = {"users": {"number_start": 2000}, "organizational_units": {"hierarchy_from": "department"}}
    site.connect()
    planned = site.update(check=True, **rules)
    assert [change["action"] for change in planned["changes"]] == ["create", "create", "update"]
    assert {change["object_id"] for change in planned["changes"]} == {None}

    site.update(**rules)

    assert site.organizations["Field"] == {"Anna"}
    assert not site.update()["changed"]


def test_what_the_pbx_refuses_in_one_kind_stops_what_builds_on_it_and_nothing_else(staffed: Site) -> None:
    staffed.connect()
    staffed.pbx.fail("organization/create", "errcode", nth=2, errcode=40002)

    result = staffed.update(fails=True, **RULES)

    states = {(change["kind"], change["name"].split("-")[0]): change["state"] for change in result["changes"]}
    assert states == {("organization", "Staff/Sales"): "failed"}
    assert staffed.organizations["Staff/Support"] == {"Bernd"}
    assert staffed.organizations[""] == {"Anna"}
    assert staffed.members["Team"] == {"Anna", "Bernd"}
    staffed.update()
    assert staffed.organizations["Staff/Sales"] == {"Anna"}


def test_the_guard_judges_each_kind_by_its_own_limits_and_one_name_allows_them_all(staffed: Site) -> None:
    limits, members = guard("deletions"), guard("member_removals")
    rules: dict[str, Any] = {
        "users": {**USERS, **limits, "delete_when": ["deleted", "disabled"]},
        "groups": {**GROUPS, **members},
    }
    staffed.update(**rules)
    carl = staffed.add_user("Carl", parent=f"OU=Sales,OU=Staff,{staffed.base_dn}")
    staffed.admin.set_enabled(f"CN=Anna,OU=Sales,OU=Staff,{staffed.base_dn}", False)
    staffed.admin.remove_members(f"CN=Team,{staffed.base_dn}", [f"CN=Bernd,OU=Support,OU=Staff,{staffed.base_dn}"])
    staffed.admin.add_members(f"CN=Team,{staffed.base_dn}", [carl])

    stopped = staffed.update(fails=True)

    assert staffed.names == {"2000": "Anna", "2001": "Bernd", "2002": "Carl"}
    assert staffed.members["Team"] == {"Anna", "Bernd", "Carl"}
    assert "guard.deletions.floor 0" in stopped["msg"]
    assert "guard.member_removals.floor 0" in stopped["msg"]
    assert stopped["guard_id"].startswith("users=")
    assert "+groups=0-0-0-" in stopped["guard_id"]
    allowed = staffed.update(allow_guarded=stopped["guard_id"])
    assert allowed["summary"]["stopped"] == 0
    assert staffed.members["Team"] == {"Carl"}
    assert staffed.names == {"2001": "Bernd", "2002": "Carl"}
