# SPDX-License-Identifier: GPL-3.0-or-later
"""Organizations and where extensions are, with tests that try to break them: proofs, the guard, faults, kills, PBXs."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx import session

from lab.directory_admin import DirectoryAdmin
from lab.ldap_proxy.faults import Fault, referral, result
from lab.ldap_proxy.process import LdapProxy
from lab.pbx import organization_endpoints
from tests.integration.modules.site_under_test import Site, actions, codes, guard

DELETE: dict[str, Any] = {"out_of_scope": "delete"}
GROUPS: dict[str, Any] = {"sync_to": "extension_group"}
UNITS = ("East", "North", "South", "West")
PEOPLE = ("Anna", "Bernd", "Carl", "Dora")


@pytest.fixture(name="without_pauses")
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let calls whose answer was lost be repeated at once."""
    monkeypatch.setattr(session, "_FIRST_PAUSE", 0)


@pytest.fixture(name="filled")
def _filled(site: Site) -> Site:
    """Four units with a user each, synchronized; no calls logged."""
    for unit, user in zip(UNITS, PEOPLE, strict=True):
        site.add_user(user, parent=site.add_unit(unit))
    site.units(**DELETE)
    site.sync()
    site.pbx.calls.clear()
    return site


def through(site: Site, proxy: LdapProxy, **options: Any) -> dict[str, Any]:
    """Options by which a run reads the directory through the proxy."""
    return {"directory_host": proxy.address, "directory_port": proxy.ldaps_port, **options}


def unit(site: Site, name: str) -> str:
    """The DN of a unit right below the base DN."""
    return DirectoryAdmin.dn(name, site.base_dn, kind="OU")


# --- check mode ---


def test_check_mode_writes_nothing_anywhere_and_plans_what_a_run_does(filled: Site) -> None:
    filled.admin.rename(unit(filled, "East"), "Ost")
    filled.admin.move(DirectoryAdmin.dn("Bernd", unit(filled, "North")), unit(filled, "South"))
    filled.admin.delete(unit(filled, "North"))
    filled.add_unit("New", unit(filled, "West"))
    rule: dict[str, Any] = {**DELETE, "company_name": "Another Ltd"}
    files = {path: path.read_bytes() for path in filled.ledger_path.parent.iterdir()}
    state = filled.pbx.state

    shown = filled.units(check=True, **rule)

    assert {path: path.read_bytes() for path in filled.ledger_path.parent.iterdir()} == files
    assert filled.writes() == []
    assert filled.pbx.state.organizations == state.organizations
    assert {change["action"] for change in shown["changes"]} == {"create", "update", "delete"}
    assert {change["state"] for change in shown["changes"]} == {"planned"}
    done = filled.units(**rule)
    assert shown["run_id"] == ""
    assert (shown["plan_id"], shown["guard_id"], shown["diff"]) == (
        done["plan_id"],
        done["guard_id"],
        done["diff"],
    )
    assert [_without_outcome(change) for change in shown["changes"]] == [
        _without_outcome(change) for change in done["changes"]
    ]
    assert filled.organizations == {
        "": set(),
        "Ost": {"Anna"},
        "South": {"Bernd", "Carl"},
        "West": {"Dora"},
        "West/New": set(),
    }


@pytest.mark.parametrize("rule", [{}, GROUPS, {"hierarchy_from": "department"}], ids=["units", "groups", "values"])
def test_check_mode_before_anything_was_saved_makes_no_ledger(site: Site, rule: dict[str, Any]) -> None:
    site.add_user("Anna", parent=site.add_unit("North"), department="Sales")

    shown = site.run("pbx_ad_ou_sync", {**site.connection_options, **rule}, True)

    assert not shown.get("failed"), shown["msg"]
    assert not site.ledger_path.parent.exists()
    assert site.writes() == []
    assert shown["plan_id"] == site.units(**rule)["plan_id"]


def _without_outcome(change: dict[str, Any]) -> dict[str, Any]:
    return {**change, "state": "", "object_id": change["object_id"] if change["action"] != "create" else None}


# --- nothing is removed or moved on an unproven answer ---

PAGE_FAULTS = [
    *(result(code, entries=0) for code in (4, 11, 50, 51)),
    result(4, entries=2),
    referral("ldap://127.0.0.1:1/"),
    Fault("lose_control"),
    Fault("cut", when="middle"),
]


@pytest.mark.parametrize("page", [1, 2])
def test_an_answer_about_units_that_is_not_complete_changes_nothing(
    filled: Site, ldap_proxy: LdapProxy, page: int
) -> None:
    ldap_proxy.control.set_limits(max_page_size=2)
    for fault in PAGE_FAULTS:
        ldap_proxy.control.set_faults([replace(fault, page=page, base=filled.base_dn, filter="organizationalUnit")])

        outcome = filled.units(fails=True, **through(filled, ldap_proxy, **DELETE, deletion_proof="absence"))

        assert "Traceback" not in outcome["msg"]
        assert filled.writes() == []
    assert not filled.units(**DELETE)["changed"]


def test_units_left_out_of_the_searchs_answer_are_found_in_scope_when_asked_for(
    filled: Site, ldap_proxy: LdapProxy
) -> None:
    """Of the base and its four units three are shown, and three are counted: the answer looks complete both times."""
    search = _search(filled, ldap_proxy, filled.units, "organizationalUnit")
    shown, counted = result(0, entries=3, nth=search), result(0, entries=3, nth=search + 1)
    for check in (True, False):
        ldap_proxy.control.set_faults([shown, counted])
        outcome = filled.units(check=check, fails=True, **through(filled, ldap_proxy, **DELETE))
        assert "The search of the scope left out" in outcome["msg"]
    assert filled.writes() == []


@pytest.mark.parametrize("run", ["units", "sync_failing"])
def test_users_left_out_of_the_searchs_answer_are_moved_nowhere(filled: Site, ldap_proxy: LdapProxy, run: str) -> None:
    """The run of units looks for their places elsewhere; that of users must know its scope, and fails."""
    search = _search(filled, ldap_proxy, filled.units if run == "units" else filled.sync, "objectCategory=person")
    ldap_proxy.control.set_faults([result(0, entries=2, nth=search), result(0, entries=2, nth=search + 1)])

    outcome = getattr(filled, run)(**through(filled, ldap_proxy))

    assert filled.writes() == []
    assert run == "units" or "left out 2 user(s)" in outcome["msg"]
    # The fault has struck: of four users two came.
    assert [row["entries"] for row in ldap_proxy.control.searches() if row["search"] == search] == [2]


@pytest.mark.parametrize("proof", ["tombstone", "absence"])
def test_a_deleted_unit_that_the_account_cannot_see_is_a_conflict_unless_absence_is_proof(
    filled: Site, proof: str
) -> None:
    account = filled.directory.plain_account
    plain: dict[str, Any] = {
        "directory_username": account.user_principal_name,
        "directory_password": account.password,
    }
    filled.admin.move(DirectoryAdmin.dn("Anna", unit(filled, "East")), unit(filled, "West"))
    filled.admin.delete(unit(filled, "East"))
    filled.admin.delete(unit(filled, "North"), with_children=True)
    before = filled.organizations

    outcome = filled.units(**DELETE, **plain, deletion_proof=proof)

    if proof == "tombstone":
        assert codes(outcome) == [("East", "object_not_found"), ("North", "object_not_found")]
        assert "Deleted Objects" in outcome["conflicts"][0]["message"]
        # Whoever is known to be elsewhere moves, and nobody else.
        assert actions(outcome) == [("update", "Anna", "unit_changed")]
        assert filled.organizations == {**before, "East": set(), "West": {"Anna", "Dora"}}
        assert not filled.sync(**plain)["changed"]
        outcome = filled.units(**DELETE)
    deleted = [change["name"] for change in outcome["changes"] if change["reason"] == "object_deleted"]
    assert sorted(deleted) == ["East", "North"]
    assert set(filled.organizations) == {"", "South", "West"}


def test_a_unit_hidden_from_the_account_keeps_its_place_and_its_users(site: Site) -> None:
    """Its users are still shown, and so is the unit below it."""
    staff = site.add_unit("Staff")
    sales = site.add_unit("Sales", staff)
    site.add_user("Anna", parent=sales)
    export = site.add_unit("Export", sales)
    site.add_user("Bernd", parent=export)
    site.units(**DELETE)
    site.sync()
    for attribute in ("objectCategory", "objectGUID"):
        site.admin.deny_reading(sales, attribute, site.directory.sync_account.distinguished_name)
    site.add_user("Carl", parent=sales)

    outcome = site.units(**DELETE)
    site.sync()

    assert codes(outcome) == [("Sales", "object_not_found")]
    assert not outcome["changed"]
    expected = {"": set(), "Staff": set(), "Staff/Sales": {"Anna", "Carl"}, "Staff/Sales/Export": {"Bernd"}}
    assert site.organizations == expected
    site.admin.move(export, staff)
    assert actions(site.units(**DELETE)) == [("update", "Staff/Export", "directory_changed")]
    assert not site.sync()["changed"]


@pytest.mark.parametrize("attribute", ["objectGUID", "objectCategory"])
def test_a_unit_with_a_hidden_attribute_fails_the_run_and_removes_nothing(filled: Site, attribute: str) -> None:
    filled.admin.deny_reading(unit(filled, "East"), attribute, filled.directory.sync_account.distinguished_name)

    outcome = filled.units(fails=True, check=True, **DELETE, deletion_proof="absence")

    assert attribute in outcome["msg"]


@pytest.mark.usefixtures("without_pauses")
@pytest.mark.parametrize(
    ("endpoint", "kind", "fields"),
    [
        ("organization/list", "garbage", {}),
        ("organization/list", "cut_mid_answer", {"times": None, "nth": 1}),
        ("organization/list", "errcode", {"errcode": -2}),
        ("organization/list", "errcode", {"errcode": 10005}),
        ("organization/list", "errcode", {"errcode": 40002}),
        ("extension/list", "short_page", {"rows": 2}),
        ("extension/query", "garbage", {}),
    ],
)
def test_an_answer_of_the_pbx_that_is_not_complete_changes_nothing(
    filled: Site, endpoint: str, kind: Any, fields: dict[str, Any]
) -> None:
    filled.admin.delete(unit(filled, "East"), with_children=True)
    filled.pbx.fail(endpoint, kind, **fields)

    for outcome in (filled.units(fails=True, **DELETE), filled.sync_failing()):
        assert "Traceback" not in outcome["msg"]

    assert filled.writes() == []


@pytest.mark.parametrize("run", ["units", "sync"])
def test_an_organization_that_the_list_leaves_out_is_asked_for(
    filled: Site, monkeypatch: pytest.MonkeyPatch, run: str
) -> None:
    left_out = filled.organization_id("East")
    shown = organization_endpoints._node

    def without(*arguments: Any, **options: Any) -> dict[str, Any]:
        node = shown(*arguments, **options)
        return {**node, "children": [child for child in node["children"] if child["id"] != left_out]}

    monkeypatch.setattr(organization_endpoints, "_node", without)

    outcome = filled.units(fails=True, **DELETE) if run == "units" else filled.sync_failing()

    assert "lacks organization East" in outcome["msg"]
    assert filled.writes() == []


def _search(site: Site, proxy: LdapProxy, run: Callable[..., dict[str, Any]], words: str) -> int:
    """Which search of a run, counted from 1, is the first of the base DN with these words in its filter."""
    proxy.control.clear()
    run(**through(site, proxy))
    number: int = next(
        row["search"]
        for row in proxy.control.searches()
        if words in row["filter"] and row["base"].lower() == site.base_dn.lower()
    )
    proxy.control.clear()
    return number


# --- the guard ---


def test_many_removals_stop_and_only_they(site: Site) -> None:
    """Six are more than the default floor of five, and more than five percent."""
    names = [f"Unit{number:02}" for number in range(6)]
    for name in names:
        site.add_unit(name)
    site.add_unit("North")
    site.units(**DELETE)
    for name in names:
        site.admin.delete(unit(site, name))
    site.add_unit("South")

    shown = site.units(check=True, fails=True, **DELETE)
    assert shown["summary"]["stopped"] == 6
    assert {change["state"] for change in shown["changes"]} == {"planned", "stopped"}
    stopped = site.units(fails=True, **DELETE)
    assert stopped["summary"]["stopped"] == 6
    for words in (
        "6 deletions",
        "guard.deletions.floor 5",
        "guard.deletions.percent 5 of 7",
        "Unit00",
        "allow_guarded",
    ):
        assert words in stopped["msg"]
    assert set(site.organizations) == {"", "North", "South", *names}

    site.units(fails=True, allow_guarded="0123456789abcdef", **DELETE)
    assert shown["guard_id"] == stopped["guard_id"]
    allowed = site.units(allow_guarded=stopped["guard_id"], **DELETE)
    assert allowed["summary"]["deleted"] == 6
    assert set(site.organizations) == {"", "North", "South"}


def test_what_the_guard_let_through_does_not_change_the_name_of_what_it_stopped(filled: Site) -> None:
    filled.admin.move(DirectoryAdmin.dn("Anna", unit(filled, "East")), unit(filled, "West"))
    filled.admin.delete(unit(filled, "East"))
    rule: dict[str, Any] = {**DELETE, **guard("deletions")}

    stopped = filled.units(fails=True, **rule)
    filled.units(**rule, allow_guarded=stopped["guard_id"])

    assert "East" not in filled.organizations


def test_releases_stop_above_the_floor_by_share_or_by_count(filled: Site) -> None:
    rule: dict[str, Any] = {"scope": "filter", "filter": "(ou=East)"}

    def stopped(*, fails: bool = False, **limits: Any) -> int:
        limited = guard("releases", **limits) if limits else {}
        outcome = filled.units(check=True, fails=fails, **rule, **limited)
        assert outcome["summary"]["released"] == 3
        return int(outcome["summary"]["stopped"])

    assert stopped(floor=2, percent=70, count=9, fails=True) == 3
    assert stopped(floor=2, percent=75, count=2, fails=True) == 3
    assert stopped(floor=3, percent=70, count=9) == 0
    assert stopped(floor=2, percent=75, count=9) == 0
    assert stopped() == 0


@pytest.mark.parametrize("run", ["units", "sync"])
def test_many_moves_stop_and_only_they(filled: Site, run: str) -> None:
    """Putting an extension into its first organization is no move; the other fields of a moved one are written."""
    emil = filled.add_user("Emil")
    filled.sync()
    filled.admin.modify(DirectoryAdmin.dn("Anna", unit(filled, "East")), sn="Neu")
    for dn in (
        DirectoryAdmin.dn("Anna", unit(filled, "East")),
        DirectoryAdmin.dn("Bernd", unit(filled, "North")),
        emil,
    ):
        filled.admin.move(dn, unit(filled, "West"))
    module = {"units": "pbx_ad_ou_sync", "sync": "pbx_ad_user_sync"}[run]
    options = {**filled.connection_options, **guard("moves", floor=1, percent=20, count=9)}
    options |= DELETE if run == "units" else {}

    shown, stopped = (filled.run(module, options, check) for check in (True, False))

    for outcome in (shown, stopped):
        assert outcome["failed"]
        assert outcome["summary"]["stopped"] == 2
        for words in ("2 moves", "guard.moves.floor 1", "guard.moves.percent 20 of 5", "1000 (Anna", "1001 (Bernd"):
            assert words in outcome["msg"]
    assert filled.organizations == {
        "": set(),
        "East": {"Anna"},
        "North": {"Bernd"},
        "South": {"Carl"},
        "West": {"Dora", "Emil"},
    }
    assert filled.extension_of("Anna")["last_name"] == ("Neu" if run == "sync" else "")
    assert stopped["guard_id"] == shown["guard_id"]
    assert not filled.run(module, {**options, "allow_guarded": stopped["guard_id"]}, False).get("failed")
    assert filled.organizations["West"] == {"Anna", "Bernd", "Dora", "Emil"}
    assert not filled.run(module, options, False)["changed"]


def test_an_organization_whose_extensions_may_not_move_is_not_deleted_either(filled: Site) -> None:
    filled.admin.move(DirectoryAdmin.dn("Anna", unit(filled, "East")), unit(filled, "West"))
    filled.admin.delete(unit(filled, "East"))
    filled.add_unit("New")

    stopped = filled.units(fails=True, **DELETE, **guard("moves"))

    assert [(change["name"].split("-")[0], change["state"]) for change in stopped["changes"]] == [
        ("Anna", "stopped"),
        ("East", "stopped"),
    ]
    assert filled.organizations["East"] == {"Anna"}
    assert "New" in filled.organizations
    # Where the deletions are too many, the moves go on: what is kept is empty then.
    filled.units(fails=True, **DELETE, **guard("deletions"))
    assert filled.organizations["East"] == set()
    assert filled.organizations["West"] == {"Anna", "Dora"}
    assert actions(filled.units(**DELETE)) == [("delete", "East", "object_deleted")]


def test_many_members_taken_out_stop_and_only_they(filled: Site) -> None:
    rule: dict[str, Any] = {**GROUPS, **guard("member_removals", floor=1, percent=25, count=9)}
    filled.units(**rule)
    for name, place in (("Anna", "East"), ("Bernd", "North")):
        filled.admin.move(DirectoryAdmin.dn(name, unit(filled, place)), unit(filled, "West"))

    shown = filled.units(check=True, fails=True, **rule)
    stopped = filled.units(fails=True, **rule)

    for outcome in (shown, stopped):
        assert outcome["summary"]["stopped"] == 2
        assert "2 members to be taken out of groups" in outcome["msg"]
        assert "East (1), North (1)" in outcome["msg"]
    everyone = {"South": {"Carl"}, "West": {"Anna", "Bernd", "Dora"}}
    assert filled.members == {"East": {"Anna"}, "North": {"Bernd"}, **everyone}
    filled.units(**rule, allow_guarded=stopped["guard_id"])
    assert filled.members == {"East": set(), "North": set(), **everyone}


def test_the_documented_defaults_of_moves_and_members_hold(site: Site) -> None:
    """Twenty-one are too many of each, twenty are not."""
    crowd, other = site.add_unit("Crowd"), site.add_unit("Other")
    twenty, one = site.add_unit("Twenty", crowd), site.add_unit("One", crowd)
    for number in range(21):
        site.add_user(f"User{number:02}", parent=twenty if number else one)
    rule: dict[str, Any] = {"scope": "filter", "filter": "(|(ou=Crowd)(ou=Other))"}

    def expect(words: str, **target: Any) -> None:
        assert site.units(**rule, **target)["summary"]["stopped"] == 0
        moved = [site.admin.move(twenty, other)]
        assert site.units(check=True, **rule, **target)["summary"]["stopped"] == 0
        moved.append(site.admin.move(one, other))
        stopped = site.units(check=True, fails=True, **rule, **target)
        assert words in stopped["msg"]
        for dn in moved:
            site.admin.move(dn, crowd)

    site.units(**rule)
    site.sync()
    expect("more than guard.moves.floor 20 and more than guard.moves.percent 10 of 21")
    expect(
        "more than guard.member_removals.floor 20 and more than guard.member_removals.percent 10 of 21",
        **GROUPS,
        guard={"member_removals_per_group": {"percent": 100}},
    )


# --- options ---


UNUSABLE: tuple[tuple[dict[str, Any], list[str]], ...] = (
    ({"scope": "everything"}, ["scope", "organizational_units", "filter"]),
    ({"scope": ""}, ["scope"]),
    ({"scope": "filter"}, ["filter", "empty"]),
    ({"filter": "(ou=*)"}, ["filter", "scope"]),
    ({"scope": "organizational_units", "organizational_units": [""]}, ["organizational_units", "empty"]),
    ({"scope": "organizational_units", "organizational_units": [" ", "East"]}, ["organizational_units", "empty"]),
    ({"scope": "organizational_units", "organizational_units": {"a": 1}}, ["organizational_units"]),
    ({"sync_to": "ring_group"}, ["sync_to"]),
    ({"sync_to": ""}, ["sync_to"]),
    ({"company_name": " "}, ["company_name", "empty"]),
    ({"company_name": "x" * 128}, ["company_name", "128"]),
    ({"company_name": "Exa\0mple"}, ["company_name", "control"]),
    ({"hierarchy_from": " "}, ["hierarchy_from"]),
    ({"hierarchy_from": "department)(cn=*"}, ["hierarchy_from"]),
    ({"hierarchy_from": "depart\0ment"}, ["hierarchy_from"]),
    ({"hierarchy_from": "department\n"}, ["hierarchy_from"]),
    ({"hierarchy_from": "department", "scope": "filter", "filter": "(ou=*)"}, ["hierarchy_from", "scope"]),
    ({"hierarchy_separator": "/"}, ["hierarchy_separator", "hierarchy_from"]),
    ({**GROUPS, "company_name": "Example Ltd"}, ["company_name", "sync_to"]),
    ({**GROUPS, "parent_organization": "East"}, ["parent_organization", "sync_to"]),
    ({**GROUPS, "hierarchy_from": "department"}, ["hierarchy_from", "sync_to"]),
    ({"out_of_scope": "forget"}, ["out_of_scope"]),
    ({"deletion_proof": ""}, ["deletion_proof"]),
    ({"associate_by_name": "perhaps"}, ["associate_by_name"]),
    ({"guard": {"deletions": {"floor": -1}}}, ["guard.deletions.floor"]),
    ({"guard": {"releases": {"percent": -0.5}}}, ["guard.releases.percent"]),
    ({"guard": {"moves": {"floor": "many"}}}, ["floor", "moves"]),
    ({"guard": {"moves": {"percent": 100.5}}}, ["guard.moves.percent"]),
    ({"guard": {"member_removals": {"count": -1}}}, ["guard.member_removals.count"]),
    ({"guard": {"member_removals_per_group": {"percent": float("nan")}}}, ["guard.member_removals_per_group.percent"]),
    ({"guard": {"renumberings": {}}}, ["guard.renumberings"]),
    ({"allow_guarded": ["a", "b"], "guard": ""}, ["dictionary"]),
)


def test_an_option_that_cannot_be_is_told_by_its_name(site: Site) -> None:
    for options, words in UNUSABLE:
        outcome = site.run("pbx_ad_ou_sync", {**site.connection_options, **options}, False)

        assert outcome.get("failed"), options
        assert all(word in outcome["msg"] for word in words), (options, outcome["msg"])
        assert "Traceback" not in outcome["msg"]
    assert len(site.pbx.calls) == 0
    assert not site.ledger_path.parent.exists()


def test_what_is_empty_or_null_is_as_if_it_were_left_out(filled: Site) -> None:
    for nothing in ("", None):
        names = ("parent_organization", "company_name", "hierarchy_from", "hierarchy_separator", "filter")
        outcome = filled.units(**dict.fromkeys(names, nothing), organizational_units=[], **DELETE)
        assert not outcome["changed"]


# --- lost answers and kills ---

ENDPOINTS = ("organization/create", "organization/update", "organization/delete", "extension/update")


@pytest.mark.usefixtures("without_pauses")
@pytest.mark.parametrize("kind", ["cut_before_work", "cut_after_work", "cut_mid_answer", "garbage", "http_500"])
def test_lost_answers_end_as_if_they_had_not_been_lost(filled: Site, kind: Any) -> None:
    before = _change_each(filled)
    for endpoint in ENDPOINTS:
        filled.pbx.fail(endpoint, kind, nth=1, work_done=True)

    filled.units(**DELETE)

    _expect_changed(filled, before)


@pytest.mark.usefixtures("without_pauses")
@pytest.mark.parametrize("kind", ["cut_before_work", "cut_after_work"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_what_stays_unknown_fails_alone_and_is_settled_by_the_next_run(filled: Site, endpoint: str, kind: Any) -> None:
    before = _change_each(filled)
    filled.pbx.fail(endpoint, kind, nth=1, times=20)
    # Whatever it is asked about the change, the PBX says nothing that could be understood.
    for asked in ("organization/list", "organization/get", "extension/get"):
        filled.pbx.fail(asked, "garbage", nth=2 if asked == "organization/list" else 1, times=None)

    outcome = filled.units(fails=True, **DELETE)

    states = {(change["action"], change["kind"]): change["state"] for change in outcome["changes"]}
    unknown = [what for what, state in states.items() if state == "unknown"]
    assert unknown == [_what(endpoint)]
    filled.pbx.faults.clear()
    settled = filled.units(**DELETE)
    assert [one["action"] for one in settled["recovered"]] == [_what(endpoint)[0]]
    _expect_changed(filled, before)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("work_done", [False, True], ids=["before the work", "after the work"])
def test_a_run_killed_at_a_write_is_completed_by_the_next(filled: Site, endpoint: str, work_done: bool) -> None:
    before = _change_each(filled)
    _kill_at(filled, endpoint, work_done=work_done)
    files = {path: path.read_bytes() for path in filled.ledger_path.parent.iterdir()}

    shown = filled.units(check=True, **DELETE)
    assert {path: path.read_bytes() for path in filled.ledger_path.parent.iterdir()} == files
    done = filled.units(**DELETE)

    assert (shown["plan_id"], shown["recovered"]) == (done["plan_id"], done["recovered"])
    action, kind = _what(endpoint)
    assert [(one["kind"], one["action"], one["state"]) for one in done["recovered"]] == [
        (kind, action, "done" if work_done else "failed")
    ]
    _expect_changed(filled, before)


def test_what_a_killed_run_of_units_has_done_is_settled_by_a_run_of_users_too(filled: Site) -> None:
    before = _change_each(filled)
    _kill_at(filled, "organization/create", work_done=True)

    settled = filled.sync()

    assert [(one["action"], one["state"]) for one in settled["recovered"]] == [("create", "done")]
    # The extensions of the new unit's users are put into it at once.
    assert filled.organizations["New"] == {"Carl"}
    filled.units(**DELETE)
    _expect_changed(filled, before)


@pytest.mark.parametrize("work_done", [False, True], ids=["before the work", "after the work"])
def test_a_run_killed_while_names_are_exchanged_is_completed_by_the_next(filled: Site, work_done: bool) -> None:
    before = filled.organization_ids
    passing = filled.admin.rename(unit(filled, "East"), "passing")
    filled.admin.rename(unit(filled, "West"), "East")
    filled.admin.rename(passing, "West")
    _kill_at(filled, "organization/update", work_done=work_done)

    filled.units(**DELETE)

    assert filled.organization_ids == {**before, "East": before["West"], "West": before["East"]}
    assert filled.organizations["West"] == {"Anna"}
    assert not filled.units(**DELETE)["changed"]


def test_what_needs_a_change_that_failed_is_not_tried_and_the_rest_is_done(filled: Site) -> None:
    new = filled.add_unit("New")
    below = filled.add_unit("Below", new)
    filled.admin.move(DirectoryAdmin.dn("Anna", unit(filled, "East")), below)
    filled.admin.delete(unit(filled, "East"))
    filled.admin.rename(unit(filled, "West"), "Wild West")
    filled.pbx.fail("organization/create", "errcode", nth=1, errcode=40002)

    outcome = filled.units(fails=True, **DELETE)

    assert [(change["name"].split("-")[0], change["state"]) for change in outcome["changes"]] == [
        ("New", "failed"),
        ("New/Below", "skipped"),
        ("Anna", "skipped"),
        ("East", "skipped"),
    ]
    assert filled.organizations == {
        "": set(),
        "East": {"Anna"},
        "North": {"Bernd"},
        "South": {"Carl"},
        "Wild West": {"Dora"},
    }
    filled.units(**DELETE)
    assert filled.organizations["New/Below"] == {"Anna"}
    assert "East" not in filled.organizations


def test_an_error_that_no_call_would_survive_ends_the_run_and_the_next_one_does_the_rest(filled: Site) -> None:
    for name in ("A", "B", "C"):
        filled.add_unit(name)
    filled.pbx.fail("organization/create", "errcode", nth=2, times=None, errcode=10005)

    outcome = filled.units(fails=True, **DELETE)

    assert [change["state"] for change in outcome["changes"]] == ["unknown", "skipped"]
    assert "ended early" in outcome["msg"]
    filled.pbx.faults.clear()
    assert [one["state"] for one in filled.units(**DELETE)["recovered"]] == ["failed"]
    assert {"A", "B", "C"} <= set(filled.organizations)


def _what(endpoint: str) -> tuple[str, str]:
    """Action and kind of the change that a call makes."""
    kind, action = endpoint.split("/")
    return action, kind


def _change_each(site: Site) -> dict[str, int]:
    """A unit to create, one to rename, one to delete, and an extension to move; return the ids before."""
    before = site.organization_ids
    new = site.add_unit("New")
    site.admin.rename(unit(site, "East"), "Ost")
    site.admin.move(DirectoryAdmin.dn("Carl", unit(site, "South")), new)
    site.admin.delete(unit(site, "South"))
    return before


def _expect_changed(site: Site, before: dict[str, int]) -> None:
    """Expect those four changes, each done once."""
    assert site.organizations == {
        "": set(),
        "Ost": {"Anna"},
        "North": {"Bernd"},
        "New": {"Carl"},
        "West": {"Dora"},
    }
    assert site.organization_ids == {
        **{name: before[name] for name in ("", "North", "West")},
        "Ost": before["East"],
        "New": site.organization_ids["New"],
    }
    site.pbx.calls.clear()
    again = site.units(**DELETE)
    assert (again["changed"], again["conflicts"], again["recovered"]) == (False, [], [])
    assert again["summary"]["unchanged"] == len(UNITS)
    assert not site.sync()["changed"]
    assert site.writes() == []
    assert _journal_rows(site, "intended") == _journal_rows(site, "unknown") == 0


def _kill_at(site: Site, endpoint: str, *, work_done: bool) -> None:
    """Start a run of units and kill it while it waits for the answer to its first call of an endpoint."""
    # The answer is held back, after the work or before it, for longer than the process lives.
    site.pbx.fail(endpoint, "latency", nth=1, seconds=20, work_done=work_done)
    before = site.pbx.worked(endpoint)
    process = _start(site, **DELETE)
    action, kind = _what(endpoint)
    _wait_for(
        lambda: (
            _journal_rows(site, "intended", action, kind) == 1 and (not work_done or site.pbx.worked(endpoint) > before)
        )
    )
    process.kill()
    process.communicate()
    site.pbx.faults.clear()
    site.pbx.expire_tokens()


def _journal_rows(site: Site, state: str, action: str = "", kind: str = "") -> int:
    """How many changes the journal has in a state; of one action and kind, if they are given."""
    with sqlite3.connect(f"file:{site.ledger_path}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT change FROM journal WHERE state = ?", (state,)).fetchall()
    changes = [json.loads(change) for (change,) in rows]
    return sum(1 for one in changes if action in ("", one["action"]) and kind in ("", one["kind"]))


def _start(site: Site, **options: Any) -> subprocess.Popen[str]:
    """Start pbx_ad_ou_sync in a process of its own."""
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**site.connection_options, **options}})
    process = subprocess.Popen(
        [sys.executable, "-m", "ansible_collections.pbxops.yeastar.plugins.modules.pbx_ad_ou_sync"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert process.stdin is not None
    process.stdin.write(arguments)
    process.stdin.close()
    process.stdin = None
    return process


def _wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
