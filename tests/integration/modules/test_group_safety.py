# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups, with tests that try to break them: unproven reads, endings, the guard, faults of the PBX, lost runs."""

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

from lab.directory_admin import DirectoryAdmin
from lab.ldap_proxy.faults import Fault, referral, result
from lab.ldap_proxy.process import LdapProxy
from tests.integration.ad_helpers import open_reader, settings_for
from tests.integration.modules.site_under_test import Site, actions, codes, guard

PEOPLE = ("Anna", "Bernd", "Carl", "Dora", "Emil", "Frida")
MEMBERS = {"Large": set(PEOPLE), "Small": {"Anna", "Bernd"}}
DELETE: dict[str, Any] = {"out_of_scope": "delete"}
# How the searches for all groups with their members, and for those of a scope, begin.
ALL_GROUPS, SCOPE = "(objectCategory=group)", "(&(objectCategory=group)(!(isCriticalSystemObject=TRUE))"


@pytest.fixture(name="filled")
def _filled(site: Site) -> Site:
    """Six users with extensions in a group of six and a group of two, synchronized; no calls logged."""
    people = [site.add_user(name) for name in PEOPLE]
    site.add_group("Large", *people)
    site.add_group("Small", *people[:2])
    site.pbx.pbx.seed_group("hand")
    site.sync()
    site.groups()
    site.pbx.calls.clear()
    return site


def through(site: Site, proxy: LdapProxy, **options: Any) -> dict[str, Any]:
    """Options by which a run reads the directory through the proxy."""
    return {"directory_host": proxy.address, "directory_port": proxy.ldaps_port, **options}


def plain(site: Site) -> dict[str, Any]:
    """Options by which a run reads the directory as an account that may not read deleted objects."""
    account = site.directory.plain_account
    return {"directory_username": account.user_principal_name, "directory_password": account.password}


def dn(site: Site, name: str) -> str:
    """The DN of a user or group right below the base DN."""
    return DirectoryAdmin.dn(name, site.base_dn)


def number_of_search(site: Site, proxy: LdapProxy, beginning: str, **rule: Any) -> int:
    """Which search of a run, counted from 1, is the first with a filter that begins so; found out in check mode."""
    proxy.control.set_faults([])
    before = len(proxy.control.log())
    site.groups(check=True, **through(site, proxy, **rule))
    searches = [row for row in proxy.control.log()[before:] if row["operation"] == "search" and row["page"] == 1]
    number: int = next(row["search"] for row in searches if row["filter"].startswith(beginning))
    return number


# --- nobody leaves and no group ends on an unproven answer of the directory ---

PAGE_FAULTS = [
    *(result(code, entries=0) for code in (1, 4, 11, 50, 51)),
    result(4, entries=1),
    referral("ldap://127.0.0.1:1/"),
    Fault("lose_control", page=1),
    Fault("lose_cookie", page=1),
    Fault("cut", when="before"),
    Fault("cut", when="middle"),
]


@pytest.mark.parametrize("question", [SCOPE, ALL_GROUPS, "(&(objectCategory=person)"], ids=["scope", "groups", "users"])
def test_an_answer_that_is_not_complete_changes_nothing(filled: Site, ldap_proxy: LdapProxy, question: str) -> None:
    ldap_proxy.control.set_limits(max_page_size=1 if question == SCOPE else 4)
    search = number_of_search(filled, ldap_proxy, question)
    before = filled.pbx.state.groups
    for fault in PAGE_FAULTS:
        ldap_proxy.control.set_faults([replace(fault, nth=search)])

        outcome = filled.groups(fails=True, **through(filled, ldap_proxy, **DELETE, deletion_proof="absence"))

        assert "Traceback" not in outcome["msg"], fault
        assert filled.pbx.state.groups == before, fault
    assert filled.writes() == []


def test_a_range_of_members_that_is_not_followed_to_its_end_takes_nobody_out(
    filled: Site, ldap_proxy: LdapProxy
) -> None:
    ldap_proxy.control.set_limits(max_value_range=4)
    assert not filled.groups(**through(filled, ldap_proxy))["changed"]
    for mode in ("stops", "repeats", "gap", "moved", "endless"):
        ldap_proxy.control.set_faults([Fault("range", mode=mode, page=None, base="CN=Large,")])

        outcome = filled.groups(fails=True, **through(filled, ldap_proxy))

        assert "Reading CN=Large" in outcome["msg"], mode
    assert filled.members == {**MEMBERS, "hand": set()}
    assert filled.writes() == []


def test_a_group_that_the_scopes_search_leaves_out_in_silence_is_asked_for_and_fails_the_run(
    filled: Site, ldap_proxy: LdapProxy
) -> None:
    search = number_of_search(filled, ldap_proxy, SCOPE)
    ldap_proxy.control.set_faults([result(0, entries=0, nth=search), result(0, entries=0, nth=search + 1)])

    outcome = filled.groups(fails=True, **through(filled, ldap_proxy, **DELETE, deletion_proof="absence"))

    assert "left out 2 object(s)" in outcome["msg"]
    assert "CN=Large" in outcome["msg"]
    assert filled.writes() == []


@pytest.mark.parametrize("scope", ["all", "groups"])
def test_groups_that_the_list_of_all_groups_leaves_out_in_silence_fail_the_run(
    filled: Site, ldap_proxy: LdapProxy, scope: str
) -> None:
    named = {"groups": [dn(filled, "Large"), dn(filled, "Small")]} if scope == "groups" else {}
    rule: dict[str, Any] = {"scope": scope, **named, **DELETE, "deletion_proof": "absence"}
    filled.groups(**rule)
    search = number_of_search(filled, ldap_proxy, ALL_GROUPS, **rule)
    ldap_proxy.control.set_faults([result(0, entries=0, nth=search), result(0, entries=0, nth=search + 1)])

    outcome = filled.groups(fails=True, **through(filled, ldap_proxy, **rule))

    assert "left out 2 object(s)" in outcome["msg"]
    assert filled.members == {**MEMBERS, "hand": set()}


@pytest.mark.parametrize("taken_over", [False, True], ids=["associated", "to be taken over"])
def test_a_nested_group_that_is_left_out_in_silence_is_missed(
    site: Site, ldap_proxy: LdapProxy, taken_over: bool
) -> None:
    """The list of all groups is cut, and counted as it was cut, behind the outer one and before the inner one."""
    anna, bernd = site.add_user("Anna"), site.add_user("Bernd")
    for name in ("One", "Two"):
        site.add_group(name)
    with open_reader(settings_for(ldap_proxy, site.directory)) as reader:
        listed = [group.dn for group in reader.read_groups()]
    outer, inner = (one for one in listed if one.endswith(f",{site.base_dn}"))
    site.admin.add_members(outer, [anna, inner])
    site.admin.add_members(inner, [bernd])
    rule: dict[str, Any] = {"scope": "groups", "groups": [outer], "associate_by_name": True}
    site.sync()
    name = outer.split(",")[0].removeprefix("CN=")
    if taken_over:
        site.pbx.pbx.seed_group(name)
        site.set_group(name, {"Anna": "user", "Bernd": "user"})
    else:
        site.groups(**rule)
    search = number_of_search(site, ldap_proxy, ALL_GROUPS, **rule)
    shown = listed.index(inner)
    site.pbx.calls.clear()
    ldap_proxy.control.set_faults([result(0, entries=shown, nth=nth) for nth in (search, search + 1)])

    outcome = site.groups(fails=True, **through(site, ldap_proxy, **rule))

    assert "list of all groups lacks 1" in outcome["msg"]
    assert site.members == {name: {"Anna", "Bernd"}}
    assert site.writes() == []


def test_members_that_the_account_may_not_read_are_proved_from_the_other_end(filled: Site) -> None:
    account = filled.directory.sync_account.distinguished_name
    filled.admin.deny_reading(dn(filled, "Large"), "member", account)

    outcome = filled.groups(fails=True)

    assert "left out 6 user(s)" in outcome["msg"]
    assert filled.members == {**MEMBERS, "hand": set()}
    assert filled.writes() == []


def test_a_user_outside_of_the_base_dn_is_proved_from_the_other_end_too(filled: Site) -> None:
    outside = f"other-{filled.base_dn[8:20]}"
    filled.admin.add_ou(outside)
    parent = DirectoryAdmin.dn(outside, filled.admin.base_dn, kind="OU")
    moved = filled.admin.move(dn(filled, "Anna"), parent)
    try:
        assert not filled.groups()["changed"]
        filled.admin.deny_reading(dn(filled, "Small"), "member", filled.directory.sync_account.distinguished_name)
        filled.admin.remove_members(dn(filled, "Small"), [dn(filled, "Bernd")])

        assert "left out 1 user(s)" in filled.groups(fails=True)["msg"]
    finally:
        filled.admin.delete(moved)
        filled.admin.delete(parent)
    assert filled.members == {**MEMBERS, "hand": set()}


def test_a_member_by_primary_group_of_a_nested_group_is_proved_from_the_other_end(site: Site) -> None:
    anna = site.add_user("Anna")
    inner = site.add_group("Inner", anna)
    site.admin.set_primary_group(anna, inner)
    outer = site.add_group("Outer", inner)
    site.sync()
    site.groups()
    site.admin.deny_reading(outer, "member", site.directory.sync_account.distinguished_name)

    outcome = site.run("pbx_ad_group_sync", site.connection_options, False)

    # A group that is somebody's primary one cannot be deleted with the test's unit.
    site.admin.set_primary_group(anna, f"CN=Domain Users,{site.admin.users_dn}")
    assert outcome["failed"]
    assert "left out 1 user(s)" in outcome["msg"]
    assert site.members == {"Inner": {"Anna"}, "Outer": {"Anna"}}


def test_a_user_that_vanished_unproven_stays_a_member(filled: Site) -> None:
    filled.admin.delete(dn(filled, "Bernd"))

    assert not filled.groups(**plain(filled))["changed"]
    assert filled.members == {**MEMBERS, "hand": set()}
    # Where others leave and come, he still stays.
    filled.admin.remove_members(dn(filled, "Large"), [dn(filled, "Carl")])
    filled.groups(**plain(filled))
    assert filled.members["Large"] == set(PEOPLE) - {"Carl"}
    # The account that may read deleted objects sees what became of him.
    (large, small) = filled.groups()["changes"]
    assert (large["members_removed"], small["members_removed"]) == (["1001 Bernd"], ["1001 Bernd"])
    assert filled.members == {"Large": set(PEOPLE) - {"Bernd", "Carl"}, "Small": {"Anna"}, "hand": set()}


def test_the_extension_of_a_deleted_user_that_was_kept_is_no_member(filled: Site) -> None:
    filled.admin.delete(dn(filled, "Anna"))
    filled.sync(delete_when=[])
    assert "Anna" in filled.names.values()

    result = filled.groups()

    assert filled.members == {"Large": set(PEOPLE) - {"Anna"}, "Small": {"Bernd"}, "hand": set()}
    assert [change["drift"] for change in result["changes"]] == [[], []]
    assert not filled.groups()["changed"]


# --- groups that end ---


@pytest.mark.parametrize("fate", ["release", "delete"])
def test_a_deleted_group_is_released_or_deleted_and_never_touched_again(filled: Site, fate: str) -> None:
    filled.admin.delete(dn(filled, "Small"))

    result = filled.groups(out_of_scope=fate)

    assert actions(result) == [(fate, "Small", "object_deleted")]
    assert filled.members == {**(MEMBERS if fate == "release" else {"Large": set(PEOPLE)}), "hand": set()}
    assert filled.writes() == ([] if fate == "release" else ["extensiongroup/delete"])
    filled.pbx.calls.clear()
    assert not filled.groups(out_of_scope=fate)["changed"]
    assert actions(filled.groups(**DELETE)) == []
    assert filled.writes() == []


@pytest.mark.parametrize("fate", ["release", "delete"])
def test_a_group_that_was_moved_out_of_the_base_dn_is_out_of_scope(site: Site, fate: str) -> None:
    inside, outside = site.add_unit("Inside"), site.add_unit("Outside")
    anna = site.add_user("Anna", parent=inside)
    group = site.add_group("Sales", anna, parent=inside)
    site = replace(site, base_dn=inside)
    site.sync()
    site.groups()
    moved = site.admin.move(group, outside)

    result = site.groups(out_of_scope=fate)

    assert actions(result) == [(fate, "Sales", "out_of_scope")]
    assert site.members == ({"Sales": {"Anna"}} if fate == "release" else {})
    # Back in scope, one that was released is a stranger of the same name.
    site.admin.move(moved, inside)
    if fate == "release":
        assert codes(site.groups()) == [("Sales", "name_taken")]
    site.groups(associate_by_name=True)
    assert site.members == {"Sales": {"Anna"}}


def test_a_group_whose_end_is_not_proved_is_a_conflict_and_kept(filled: Site) -> None:
    filled.admin.delete(dn(filled, "Small"))

    kept = filled.groups(**plain(filled), **DELETE)

    assert codes(kept) == [("Small", "object_not_found")]
    assert "deletion_proof" in kept["conflicts"][0]["message"]
    assert filled.members == {**MEMBERS, "hand": set()}
    assert filled.writes() == []
    gone = filled.groups(**plain(filled), **DELETE, deletion_proof="absence")
    assert actions(gone) == [("delete", "Small", "object_deleted")]


def test_a_group_that_is_gone_on_both_sides_is_forgotten(filled: Site) -> None:
    filled.admin.delete(dn(filled, "Small"))
    filled.pbx.pbx.groups.remove(filled.group_id("Small"))

    result = filled.groups(**DELETE, **guard("deletions", "releases"))

    assert actions(result) == [("release", "Small", "object_gone")]
    assert filled.writes() == []
    assert not filled.groups(**DELETE, **guard("deletions", "releases"))["changed"]


def test_groups_that_no_association_of_this_rule_names_are_never_touched(filled: Site) -> None:
    filled.set_group("hand", {"Anna": "manager"})
    filled.sync(label_group="Label")
    filled.add_unit("Leaf")
    filled.units(sync_to="extension_group")
    others = {name: filled.pbx.state.groups[name] for name in ("hand", "Label", "Leaf", "Default_All_Extensions")}
    for name in ("Large", "Small"):
        filled.admin.delete(dn(filled, name))

    filled.groups(**DELETE, associate_by_name=True)

    assert filled.pbx.state.groups == others


# --- check mode ---


def test_check_mode_writes_nothing_anywhere_and_plans_what_a_run_does(filled: Site) -> None:
    filled.admin.delete(dn(filled, "Small"))
    filled.admin.remove_members(dn(filled, "Large"), [dn(filled, "Anna")])
    filled.admin.rename(dn(filled, "Large"), "Larger")
    filled.add_group("New", dn(filled, "Dora"))
    files = {path: path.read_bytes() for path in filled.ledger_path.parent.iterdir()}
    before = filled.pbx.state.groups

    shown = filled.groups(check=True, **DELETE)

    assert {path: path.read_bytes() for path in filled.ledger_path.parent.iterdir()} == files
    assert (filled.pbx.state.groups, filled.writes()) == (before, [])
    assert {change["state"] for change in shown["changes"]} == {"planned"}
    assert shown["run_id"] == ""
    done = filled.groups(**DELETE)
    assert (shown["plan_id"], shown["guard_id"]) == (done["plan_id"], done["guard_id"])
    assert [_without_outcome(change) for change in shown["changes"]] == [
        _without_outcome(change) for change in done["changes"]
    ]
    assert filled.members == {"Larger": set(PEOPLE) - {"Anna"}, "New": {"Dora"}, "hand": set()}


def test_check_mode_before_anything_was_saved_makes_no_ledger(site: Site) -> None:
    site.add_group("Sales", site.add_user("Anna"))

    shown = site.run("pbx_ad_group_sync", site.connection_options, True)

    assert not shown.get("failed"), shown["msg"]
    assert any("pbx_ad_connection" in warning for warning in shown["warnings"])
    assert not site.ledger_path.parent.exists()
    assert site.writes() == []
    assert shown["plan_id"] == site.groups()["plan_id"]


def _without_outcome(change: dict[str, Any]) -> dict[str, Any]:
    return {**change, "state": "", "detail": "", "object_id": None}


# --- the guard ---


def test_many_members_taken_out_are_stopped_and_nothing_else_is(site: Site) -> None:
    """21 of 45 members leave: more than 20 and more than 10 percent, as the defaults have it."""
    people = [site.add_user(f"User{number:02}") for number in range(22)]
    for name in ("One", "Two"):
        site.add_group(name, *people)
    site.add_group("Three", people[0])
    site.sync()
    site.groups()
    names = {f"User{number:02}" for number in range(22)}
    site.admin.remove_members(dn(site, "One"), people[:11])
    site.admin.remove_members(dn(site, "Two"), people[1:11])
    newcomer = site.add_user("Newcomer")
    for name in ("One", "Three"):
        site.admin.add_members(dn(site, name), [newcomer])
    site.admin.rename(dn(site, "Two"), "Second")
    site.sync()

    shown = site.groups(check=True, fails=True)
    assert shown["summary"]["stopped"] == 2
    assert "guard.member_removals.floor 20" in shown["msg"]
    assert site.members["One"] == names

    stopped = site.groups(fails=True)
    assert stopped["guard_id"] == shown["guard_id"]
    assert {change["name"]: len(change["members_removed"]) for change in stopped["changes"]} == {
        "One": 11,
        "Second": 10,
    }
    assert {change["state"] for change in stopped["changes"]} == {"stopped"}
    for words in ("21 members to be taken out", "of 45 members", "One (11)", "Second (10)", "allow_guarded"):
        assert words in stopped["msg"]
    assert site.members == {
        "One": names | {"Newcomer"},
        "Second": names,
        "Three": {"User00", "Newcomer"},
    }
    site.groups(fails=True, allow_guarded="0123456789abcdef")
    assert site.members["Second"] == names

    site.groups(allow_guarded=stopped["guard_id"])
    assert site.members == {
        "One": {f"User{number:02}" for number in range(11, 22)} | {"Newcomer"},
        "Second": {f"User{number:02}" for number in range(11, 22)} | {"User00"},
        "Three": {"User00", "Newcomer"},
    }
    assert not site.groups()["changed"]


@pytest.mark.parametrize(
    ("limits", "stops"),
    [
        ({"floor": 1, "percent": 20, "count": 9}, True),
        ({"floor": 2, "percent": 20, "count": 9}, False),
        ({"floor": 1, "percent": 25, "count": 9}, False),
        ({"floor": 1, "percent": 25, "count": 1}, True),
        ({"floor": 0, "percent": 0, "count": 0}, True),
    ],
    ids=str,
)
def test_members_stop_above_the_floor_by_share_or_by_count(filled: Site, limits: dict[str, Any], stops: bool) -> None:
    """Two of eight members leave."""
    filled.admin.remove_members(dn(filled, "Large"), [dn(filled, "Anna")])
    filled.admin.remove_members(dn(filled, "Small"), [dn(filled, "Anna")])

    filled.groups(fails=stops, **guard("member_removals", **limits))

    assert filled.members["Large"] == (set(PEOPLE) if stops else set(PEOPLE) - {"Anna"})


def test_members_put_in_by_hand_count_where_they_are_taken_out_and_taken_out_ones_are_put_back(filled: Site) -> None:
    filled.set_group("Small", {"Bernd": "user", "Carl": "user", "Dora": "user"})

    stopped = filled.groups(fails=True, **guard("member_removals", floor=1, percent=10, count=9))

    assert stopped["changes"][0]["members_removed"] == ["1002 Carl", "1003 Dora"]
    assert filled.members["Small"] == {"Anna", "Bernd", "Carl", "Dora"}
    filled.groups(**guard("member_removals", floor=1, percent=10, count=9), allow_guarded=stopped["guard_id"])
    assert filled.members["Small"] == {"Anna", "Bernd"}


@pytest.mark.parametrize("fate", ["release", "delete"])
def test_many_groups_that_end_are_stopped_and_nothing_else_is(filled: Site, fate: str) -> None:
    danger = {"release": "releases", "delete": "deletions"}[fate]
    limits: dict[str, Any] = {"out_of_scope": fate, **guard(danger, floor=1, percent=50, count=9)}
    for name in ("Large", "Small"):
        filled.admin.delete(dn(filled, name))
    filled.add_group("New", dn(filled, "Carl"))

    stopped = filled.groups(fails=True, **limits)

    assert stopped["summary"]["stopped"] == 2
    assert f"2 {danger}" in stopped["msg"]
    assert "of 2 associated groups: Large, Small" in stopped["msg"]
    assert filled.members == {**MEMBERS, "New": {"Carl"}, "hand": set()}
    allowed = filled.groups(**limits, allow_guarded=stopped["guard_id"])
    assert allowed["summary"][f"{fate}d"] == 2
    assert set(filled.members) == ({"New", "hand"} if fate == "delete" else {*MEMBERS, "New", "hand"})


# --- faults of the PBX ---


@pytest.mark.parametrize(
    ("endpoint", "kind", "fields"),
    [
        ("extensiongroup/list", "short_page", {}),
        ("extensiongroup/list", "larger_total", {}),
        ("extensiongroup/list", "errcode", {"errcode": 10005}),
        ("extensiongroup/query", "missing_members", {}),
        ("extension/list", "short_page", {}),
    ],
)
def test_a_list_of_the_pbx_that_is_not_complete_changes_nothing(
    filled: Site, endpoint: str, kind: Any, fields: dict[str, Any]
) -> None:
    filled.admin.remove_members(dn(filled, "Large"), [dn(filled, "Anna")])
    filled.pbx.fail(endpoint, kind, **fields)

    filled.groups(fails=True)

    assert filled.writes() == []


def test_a_group_that_the_list_and_its_total_leave_out_is_asked_for(filled: Site) -> None:
    filled.pbx.fail("extensiongroup/list", "missing_ids", ids=(filled.group_id("Small"),))
    filled.pbx.fail("extensiongroup/list", "larger_total", rows=-1)

    outcome = filled.groups(fails=True)

    assert "lacks extension group Small" in outcome["msg"]
    assert filled.writes() == []


def test_one_refused_change_does_not_stop_the_others(filled: Site) -> None:
    for name in ("New 1", "New 2", "New 3"):
        filled.add_group(name, dn(filled, "Carl"))
    filled.pbx.fail("extensiongroup/create", "errcode", nth=2, errcode=40002)

    outcome = filled.groups(fails=True)

    assert [(change["name"], change["state"]) for change in outcome["changes"]] == [("New 2", "failed")]
    assert set(filled.members) == {*MEMBERS, "hand", "New 1", "New 3"}
    filled.groups()
    assert filled.members["New 2"] == {"Carl"}


def test_an_error_that_no_call_would_survive_ends_the_run_and_the_next_one_does_the_rest(filled: Site) -> None:
    for name in ("New 1", "New 2", "New 3"):
        filled.add_group(name)
    filled.pbx.fail("extensiongroup/create", "errcode", nth=2, times=None, errcode=10005)

    outcome = filled.groups(fails=True)

    assert [change["state"] for change in outcome["changes"]] == ["unknown", "skipped"]
    assert "ended early" in outcome["msg"]
    filled.pbx.faults.clear()
    assert [one["state"] for one in filled.groups()["recovered"]] == ["failed"]
    assert set(filled.members) == {*MEMBERS, "hand", "New 1", "New 2", "New 3"}


# --- lost answers and lost runs ---

ENDPOINTS = ["extensiongroup/create", "extensiongroup/update", "extensiongroup/delete"]


def _change_three(site: Site) -> None:
    """A group to create, one to update, one to delete."""
    site.add_group("New", dn(site, "Carl"), dn(site, "Dora"))
    site.admin.remove_members(dn(site, "Large"), [dn(site, "Anna")])
    site.admin.delete(dn(site, "Small"))


def _expect(site: Site, members: dict[str, set[str]], **rule: Any) -> None:
    """These groups are on the PBX, each with its association, and there is nothing left to do."""
    assert site.members == {**members, "hand": set()}
    assert len(site.pbx.state.groups) == len(site.pbx.pbx.groups)
    site.pbx.calls.clear()
    again = site.groups(**rule)
    assert (again["changed"], again["conflicts"], again["recovered"]) == (False, [], [])
    assert again["summary"]["unchanged"] == len(members)
    assert site.writes() == []


@pytest.mark.parametrize("kind", ["cut_before_work", "cut_after_work", "cut_mid_answer"])
def test_lost_answers_end_as_if_they_had_not_been_lost(filled: Site, kind: Any) -> None:
    _change_three(filled)
    for endpoint in ENDPOINTS:
        filled.pbx.fail(endpoint, kind, nth=1)

    filled.groups(**DELETE)

    _expect(filled, {"Large": set(PEOPLE) - {"Anna"}, "New": {"Carl", "Dora"}}, **DELETE)


@pytest.mark.parametrize("kind", ["cut_before_work", "cut_after_work", "http_500"])
def test_lost_answers_while_a_group_is_made_anew_leave_no_second_one(filled: Site, kind: Any) -> None:
    filled.admin.rename(dn(filled, "Small"), "Klein")
    filled.set_group("Small", {"Anna": "manager", "Bernd": "user"})
    for endpoint in ENDPOINTS:
        filled.pbx.fail(endpoint, kind, nth=1, work_done=True)

    filled.groups()

    assert filled.roles("Klein") == {"Anna": "manager", "Bernd": "user"}
    _expect(filled, {"Large": set(PEOPLE), "Klein": {"Anna", "Bernd"}})


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("work_done", [False, True], ids=["before the work", "after the work"])
def test_a_run_killed_at_a_write_is_completed_by_the_next(filled: Site, endpoint: str, work_done: bool) -> None:
    _change_three(filled)
    action = endpoint.removeprefix("extensiongroup/")
    done: dict[str, Callable[[], bool]] = {
        "create": lambda: "New" in filled.members,
        "update": lambda: "Anna" not in filled.members["Large"],
        "delete": lambda: "Small" not in filled.members,
    }
    _kill_at(
        filled,
        endpoint,
        lambda: _intended(filled, action) == 1 and (not work_done or done[action]()),
        work_done=work_done,
        **DELETE,
    )

    recovered = filled.groups(**DELETE)["recovered"]

    assert [(one["kind"], one["action"], one["state"]) for one in recovered] == [
        ("extension_group", action, "done" if work_done else "failed")
    ]
    _expect(filled, {"Large": set(PEOPLE) - {"Anna"}, "New": {"Carl", "Dora"}}, **DELETE)


@pytest.mark.parametrize(
    ("endpoint", "work_done"),
    [
        ("extensiongroup/update", False),
        ("extensiongroup/create", False),
        ("extensiongroup/create", True),
        ("extensiongroup/delete", False),
        ("extensiongroup/delete", True),
    ],
)
def test_a_run_killed_while_a_group_is_made_anew_is_completed_and_leaves_no_second_one(
    filled: Site, endpoint: str, work_done: bool
) -> None:
    filled.admin.rename(dn(filled, "Small"), "Klein")
    filled.admin.add_members(dn(filled, "Klein"), [dn(filled, "Carl")])
    filled.set_group("Small", {"Anna": "manager", "Bernd": "user"})
    reached: dict[tuple[str, bool], Callable[[], bool]] = {
        ("extensiongroup/update", False): lambda: _intended(filled) == 1,
        ("extensiongroup/create", False): lambda: bool(filled.pbx.calls.all("extensiongroup/update")),
        ("extensiongroup/create", True): lambda: "Klein" in filled.members,
        ("extensiongroup/delete", False): lambda: "Klein" in filled.members and _intended(filled) == 0,
        ("extensiongroup/delete", True): lambda: "Small" not in filled.members,
    }
    _kill_at(filled, endpoint, reached[endpoint, work_done], work_done=work_done)

    filled.groups()

    assert filled.roles("Klein") == {"Anna": "manager", "Bernd": "user", "Carl": "user"}
    _expect(filled, {"Large": set(PEOPLE), "Klein": {"Anna", "Bernd", "Carl"}})


def test_a_former_group_that_could_not_be_deleted_is_deleted_by_the_next_run(filled: Site) -> None:
    filled.admin.rename(dn(filled, "Small"), "Klein")
    filled.pbx.fail("extensiongroup/delete", "errcode", nth=1, errcode=40002)

    (change,) = filled.groups()["changes"]

    assert "the former group is left" in change["detail"]
    assert set(filled.members) == {"Large", "Small", "Klein", "hand"}
    limits: dict[str, Any] = guard("deletions", "releases")
    result = filled.groups(**limits)
    assert actions(result) == [("delete", "Klein", "leftover")]
    _expect(filled, {"Large": set(PEOPLE), "Klein": {"Anna", "Bernd"}}, **limits)


def _kill_at(site: Site, endpoint: str, is_reached: Callable[[], bool], *, work_done: bool, **rule: Any) -> None:
    """Start a run and kill it while it waits for the answer to its first call of an endpoint."""
    # The answer is held back, after the work or before it, for longer than the process lives.
    site.pbx.fail(endpoint, "latency", nth=1, seconds=20, work_done=work_done)
    process = _start(site, **rule)
    end = time.monotonic() + 60
    while not is_reached():
        assert time.monotonic() < end
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    process.kill()
    process.communicate()
    site.pbx.faults.clear()
    site.pbx.expire_tokens()


def _start(site: Site, **options: Any) -> subprocess.Popen[str]:
    """Start pbx_ad_group_sync in a process of its own."""
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**site.connection_options, **options}})
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "ansible_collections.pbxops.yeastar.plugins.modules.pbx_ad_group_sync"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )
    assert process.stdin is not None
    process.stdin.write(arguments)
    process.stdin.close()
    process.stdin = None
    return process


def _intended(site: Site, action: str = "") -> int:
    """How many changes the journal has that were begun and not finished; of one action, if one is given."""
    with sqlite3.connect(f"file:{site.ledger_path}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT change FROM journal WHERE state = 'intended'").fetchall()
    return sum(1 for (change,) in rows if action in ("", json.loads(change)["action"]))
