# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of an integration: pause, resume, disable, enable, disconnect, connect again; with every clean-up choice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.modules.site_under_test import Site

UNITS: dict[str, Any] = {"scope": "organizational_units", "organizational_units": ["Staff"]}
USERS: dict[str, Any] = {"number_start": 2000, "label_group": "From AD"}
GROUPS: dict[str, Any] = {"scope": "filter", "filter": "(cn=Team*)"}
DELETE = {"delete_extensions": True, "delete_organizations": True, "delete_groups": True}

# The module that pauses each kind, and the option that deletes what it has made.
PAUSING = {
    "users": ("pbx_ad_user_sync", "delete_extensions"),
    "organizational_units": ("pbx_ad_ou_sync", "delete_organizations"),
    "groups": ("pbx_ad_group_sync", "delete_groups"),
}


@pytest.fixture(name="filled")
def _filled(site: Site) -> Site:
    """A site in step: Anna in Sales, Bernd in Support, both in Team; one extension of each kind made by hand."""
    staff = site.add_unit("Staff")
    anna = site.add_user("Anna", mail="anna@lab.test", parent=site.add_unit("Sales", staff))
    bernd = site.add_user("Bernd", mail="bernd@lab.test", parent=site.add_unit("Support", staff))
    site.add_group("Team", anna, bernd)
    site.pbx.pbx.seed_extension("9000", first_name="hand")
    site.pbx.pbx.seed_organization("Hand")
    site.pbx.pbx.seed_group("hand")
    site.connect()
    site.update(users=USERS, organizational_units=UNITS, groups=GROUPS)
    site.pbx.calls.clear()
    return site


def _objects(site: Site) -> dict[str, Any]:
    """All there is on the PBX, by what an administrator sees."""
    return {"numbers": dict(site.names), "organizations": site.organizations, "members": site.members}


def _pause(site: Site, kind: str, *, check: bool = False, fails: bool = False, **options: Any) -> dict[str, Any]:
    result = site.run(PAUSING[kind][0], {**site.connection_options, "enabled": False, **options}, check)
    assert bool(result.get("failed")) is fails, result
    return result


def _changed_on_both_sides(site: Site) -> None:
    """Something for each kind to do, and something on the PBX that a synchronization would put back."""
    site.admin.rename(f"OU=Support,OU=Staff,{site.base_dn}", "Help")
    site.admin.modify(f"CN=Anna,OU=Sales,OU=Staff,{site.base_dn}", title="Clerk")
    site.admin.rename(f"CN=Team,{site.base_dn}", "Team One")


def _seen(site: Site) -> set[str]:
    """What of those three has reached the PBX."""
    titles = {extension["title"] for extension in site.pbx.state.extensions.values()}
    return {name for name, there in _REACHED.items() if there(site, titles)}


_REACHED: dict[str, Callable[[Site, set[str]], bool]] = {
    "users": lambda _site, titles: "Clerk" in titles,
    "organizational_units": lambda site, _titles: "Staff/Help" in site.organizations,
    "groups": lambda site, _titles: "Team One" in site.members,
}


# --- pause and resume ---


@pytest.mark.parametrize("kind", PAUSING)
def test_a_paused_rule_is_skipped_and_everything_stays_as_it_was(filled: Site, kind: str) -> None:
    before = _objects(filled)
    assert _pause(filled, kind, check=True)["changed"]
    paused = _pause(filled, kind)
    assert (paused["changed"], paused["enabled"], paused["outcome"]["state"]) == (True, False, "skipped")
    assert not _pause(filled, kind)["changed"]
    assert _objects(filled) == before
    assert filled.pbx.calls.all() == []
    _changed_on_both_sides(filled)

    result = filled.update()

    assert result["paused"] == [kind]
    assert _seen(filled) == set(PAUSING) - {kind}


@pytest.mark.parametrize("kind", PAUSING)
def test_resuming_goes_on_with_the_old_associations(filled: Site, kind: str) -> None:
    ids = {number: extension["id"] for number, extension in filled.pbx.state.extensions.items()}
    organization = filled.organization_id("Support")
    _pause(filled, kind)
    _changed_on_both_sides(filled)
    filled.update()

    resumed = filled.run(PAUSING[kind][0], {**filled.connection_options, "settings": "saved"}, False)

    assert not resumed.get("failed"), resumed
    assert resumed["enabled"]
    filled.update()
    assert _seen(filled) == set(PAUSING)
    assert filled.organization_id("Help") == organization
    assert filled.members.keys() == {"Team One", "From AD", "hand"}
    assert {number: extension["id"] for number, extension in filled.pbx.state.extensions.items()} == ids
    assert not filled.update()["changed"]


@pytest.mark.parametrize("kind", PAUSING)
def test_a_paused_rule_deletes_what_it_has_made_only_when_asked(filled: Site, kind: str) -> None:
    option = PAUSING[kind][1]
    planned = _pause(filled, kind, check=True, **{option: True})
    assert filled.writes() == []
    assert planned["summary"]["deleted"] > 0

    done = _pause(filled, kind, **{option: True}, expect_plan_id=planned["plan_id"])

    assert {change["reason"] for change in done["changes"] if change["action"] == "delete"} <= {
        "clean_up",
        "label_ended",
    }
    kept = _objects(filled)
    assert kept["numbers"] == ({"9000": "hand"} if kind == "users" else {**kept["numbers"], "9000": "hand"})
    assert ("Staff/Sales" in kept["organizations"]) is (kind != "organizational_units")
    assert ("Team" in kept["members"]) is (kind != "groups")
    assert ("From AD" in kept["members"]) is (kind != "users")
    assert "Hand" in kept["organizations"]
    assert "hand" in kept["members"]
    filled.pbx.calls.clear()
    again = _pause(filled, kind, **{option: True})
    assert (again["changed"], filled.writes()) == (False, [])


def test_a_paused_rule_keeps_its_settings(filled: Site) -> None:
    _pause(filled, "users", number_start=2000, label_group="From AD")

    refused = _pause(filled, "users", fails=True, number_start=3000, label_group="From AD")

    assert "A paused rule keeps its settings, and number_start differ(s)." in refused["msg"]
    assert "resume it first" in refused["msg"]
    assert not _pause(filled, "users")["changed"]


def test_a_rule_can_be_saved_paused_and_runs_first_when_it_is_resumed(site: Site) -> None:
    site.add_user("Anna")
    site.connect()
    assert _pause(site, "users", number_start=2000)["changed"]
    assert site.names == {}
    assert site.update()["outcome"]["headline"] == "Paused, so that nothing was synchronized: users."

    site.sync(settings="saved", sync="on_first_save")

    assert site.names == {"2000": "Anna"}


def test_extensions_are_put_nowhere_while_the_rule_of_units_is_paused(filled: Site) -> None:
    _pause(filled, "organizational_units")
    filled.admin.move(f"CN=Anna,OU=Sales,OU=Staff,{filled.base_dn}", f"OU=Support,OU=Staff,{filled.base_dn}")
    filled.add_user("Carl", parent=f"OU=Sales,OU=Staff,{filled.base_dn}")

    filled.update()

    assert filled.organizations["Staff/Sales"] == {"Anna"}
    assert "Carl" in filled.organizations[""]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"delete_extensions": True}, "delete_extensions is given and enabled is true"),
        ({"settings": "saved", "number_start": 7}, "settings is saved, and number_start would change it"),
    ],
)
def test_what_contradicts_itself_is_refused(filled: Site, options: dict[str, Any], words: str) -> None:
    assert words in filled.try_sync(**options)["msg"]


def test_settings_that_were_never_saved_cannot_be_used(site: Site) -> None:
    site.connect()
    assert "no rule of users is saved" in site.try_sync(settings="saved")["msg"]


# --- save only ---


def test_the_first_save_synchronizes_and_later_ones_only_save(site: Site) -> None:
    site.add_user("Anna")
    assert site.sync(number_start=2000, sync="on_first_save")["summary"]["created"] == 1
    site.add_user("Bernd")

    saved = site.sync(number_start=2000, number_rest_days=7, sync="on_first_save")

    assert (saved["changed"], saved["outcome"]["state"]) == (True, "skipped")
    assert site.names == {"2000": "Anna"}
    assert not site.sync(number_start=2000, number_rest_days=7, sync="on_first_save")["changed"]
    site.update()
    assert site.names == {"2000": "Anna", "2001": "Bernd"}


def test_a_first_synchronization_that_failed_is_tried_at_the_next_save(site: Site) -> None:
    site.add_user("Anna")
    site.connect()
    site.pbx.fail("extension/create", "errcode", nth=1, errcode=40002)
    assert site.try_sync(number_start=2000, sync="on_first_save")["failed"]

    assert site.sync(number_start=2000, sync="on_first_save")["summary"]["created"] == 1


# --- disable and enable ---


def test_a_disabled_integration_synchronizes_nothing_and_fails_nothing(filled: Site) -> None:
    before = _objects(filled)
    assert filled.live("disabled", check=True)["changed"]
    disabled = filled.live("disabled")
    assert (disabled["changed"], disabled["status"]) == (True, "disabled")
    assert not filled.live("disabled")["changed"]
    assert filled.pbx.calls.all() == []
    _changed_on_both_sides(filled)

    for result in (filled.update(), filled.sync(**USERS), filled.units(**UNITS), filled.groups(**GROUPS)):
        assert (result["changed"], result["status"], result["outcome"]["state"]) == (False, "disabled", "skipped")
    assert _objects(filled) == before
    assert filled.pbx.calls.all() == []

    enabled = filled.live("connected")
    assert (enabled["changed"], enabled["status"]) == (True, "connected")
    filled.update()
    assert _seen(filled) == set(PAUSING)


def test_a_disabled_integration_keeps_its_settings(filled: Site) -> None:
    filled.live("disabled")

    for result in (
        filled.try_sync(number_start=3000),
        filled.update(fails=True, users={**USERS, "number_start": 3000}),
        filled.try_sync(**USERS, enabled=False),
        filled.live("present", fails=True, directory_timeout=7),
    ):
        assert "disabled integration keeps its settings" in result["msg"]
        assert "state connected" in result["msg"]
    present = filled.live("present")
    assert (present["changed"], present["status"]) == (False, "disabled")
    assert filled.pbx.calls.all() == []


def test_neither_side_is_needed_to_suspend_an_integration(filled: Site) -> None:
    away: dict[str, Any] = {"directory_host": "127.0.0.1", "directory_port": 1, "pbx_url": "https://127.0.0.1:1"}

    assert filled.live("disabled", **away)["status"] == "disabled"


def test_disabling_can_delete_and_enabling_makes_it_anew(filled: Site) -> None:
    planned = filled.live("disabled", check=True, **DELETE)
    assert filled.writes() == []

    done = filled.live("disabled", **DELETE, expect_plan_id=planned["plan_id"], expect_changes=planned["plan_changes"])

    assert done["summary"]["deleted"] == 7
    assert _objects(filled) == {
        "numbers": {"9000": "hand"},
        "organizations": {"": {"hand"}, "Hand": set()},
        "members": {"hand": set()},
    }
    filled.pbx.calls.clear()
    assert not filled.live("disabled", **DELETE)["changed"]
    assert filled.writes() == []
    filled.live("connected")
    filled.update()
    assert filled.members["Team"] == {"Anna", "Bernd"}
    assert filled.names == {"2000": "Anna", "2001": "Bernd", "9000": "hand"}


def test_an_organization_that_others_use_is_told_and_kept(filled: Site) -> None:
    filled.pbx.pbx.change_by_hand("9000", organization_ids=[filled.organization_id("Sales")])

    result = filled.live("disabled", delete_organizations=True)

    assert [conflict["code"] for conflict in result["conflicts"]] == ["object_in_use", "object_in_use"]
    assert set(filled.organizations) == {"", "Hand", "Staff", "Staff/Sales"}


# --- disconnect and connect again ---


def test_disconnecting_leaves_everything_to_the_pbx_s_administrator(filled: Site) -> None:
    before = _objects(filled)
    planned = filled.live("disconnected", check=True)
    assert filled.writes() == []
    assert planned["summary"]["released"] == 6

    done = filled.live("disconnected", expect_plan_id=planned["plan_id"])

    assert (done["changed"], done["status"]) == (True, "not_connected")
    before["members"].pop("From AD")
    assert _objects(filled) == before
    filled.pbx.calls.clear()
    again = filled.live("disconnected")
    assert (again["changed"], again["status"], filled.pbx.calls.all()) == (False, "not_connected", [])
    assert "holds no integration" in filled.update(fails=True)["msg"]
    # What is released is nobody's: a new integration does not touch it unless it is told to.
    filled.connect()
    twice = filled.update(users={"number_start": 2000})
    assert twice["summary"]["created"] == 0
    assert [conflict["code"] for conflict in twice["conflicts"]] == ["email_in_use", "email_in_use"]
    found = filled.update(users={"number_start": 2000, "associate_by_email": True})
    assert found["summary"]["associated"] == 2
    assert filled.names == {"2000": "Anna", "2001": "Bernd", "9000": "hand"}


@pytest.mark.parametrize("option", DELETE)
def test_disconnecting_deletes_what_it_is_asked_to_kind_by_kind(filled: Site, option: str) -> None:
    filled.live("disconnected", **{option: True})

    left = _objects(filled)
    assert ("2000" in left["numbers"]) is (option != "delete_extensions")
    assert ("Staff/Sales" in left["organizations"]) is (option != "delete_organizations")
    assert ("Team" in left["members"]) is (option != "delete_groups")
    assert "9000" in left["numbers"]
    assert "Hand" in left["organizations"]
    assert "hand" in left["members"]


def test_a_disconnect_that_failed_in_part_is_completed_by_the_next(filled: Site) -> None:
    filled.pbx.fail("extension/delete", "errcode", nth=2, errcode=40002)

    failed = filled.live("disconnected", fails=True, **DELETE)

    assert "1 change(s) failed" in failed["msg"]
    assert failed["status"] == "connected"
    assert filled.live("disconnected", **DELETE)["status"] == "not_connected"
    assert filled.names == {"9000": "hand"}


def test_a_ledger_is_free_for_another_domain_once_it_is_disconnected(filled: Site) -> None:
    filled.live("disconnected")

    assert filled.connect()["status"] == "connected"


@pytest.mark.parametrize("state", ["connected", "present"])
def test_connecting_deletes_nothing(site: Site, state: str) -> None:
    refused = site.live(state, fails=True, delete_groups=True)
    assert f"delete_groups is given and state is {state}, which deletes nothing" in refused["msg"]


def test_an_integration_that_is_not_there_cannot_be_disabled(site: Site) -> None:
    assert "holds no integration" in site.live("disabled", fails=True)["msg"]
    assert not site.live("disconnected")["changed"]


def test_the_outcome_says_what_the_integration_is_where_nothing_was_deleted(site: Site) -> None:
    told = [
        site.live(state, check=check)["outcome"]["headline"]
        for state, check in (
            ("connected", True),
            ("connected", False),
            ("disabled", True),
            ("disabled", False),
            ("present", False),
            ("disconnected", True),
            ("disconnected", False),
        )
    ]

    assert told == [
        "The integration would be connected.",
        "The integration is connected.",
        "The integration would be disabled.",
        "The integration is disabled.",
        "The integration is disabled and stays so.",
        "There would be no integration.",
        "There is no integration.",
    ]


# --- the plan that was approved ---


@pytest.mark.parametrize("how", ["pause", "disable", "disconnect"])
def test_a_clean_up_that_is_not_the_approved_one_changes_nothing_at_all(filled: Site, how: str) -> None:
    options: dict[str, Any] = {"delete_extensions": True, "expect_plan_id": "0" * 16}

    if how == "pause":
        refused = _pause(filled, "users", fails=True, **options)
    else:
        refused = filled.live(f"{how}d" if how == "disable" else f"{how}ed", fails=True, **options)

    assert "Nothing was changed." in refused["msg"]
    assert filled.writes() == []
    result = filled.update()
    assert (result["status"], result["paused"]) == ("connected", [])


def test_a_run_refuses_to_do_anything_but_what_was_approved(filled: Site) -> None:
    filled.add_user("Carl", parent=f"OU=Sales,OU=Staff,{filled.base_dn}")
    approved = filled.update(check=True)
    filled.admin.modify(f"CN=Anna,OU=Sales,OU=Staff,{filled.base_dn}", title="Clerk")
    expected = {"expect_plan_id": approved["plan_id"], "expect_changes": approved["plan_changes"]}

    refused = filled.update(fails=True, **expected)

    assert f"expect_plan_id is {approved['plan_id']}, and what would be done now is the plan" in refused["msg"]
    assert "Newly planned: update 2000 Anna-" in refused["msg"]
    assert "Nothing was changed." in refused["msg"]
    assert filled.writes() == []
    anew = filled.update(check=True)
    done = filled.update(expect_plan_id=anew["plan_id"])
    assert done["plan_id"] == anew["plan_id"]
    assert done["summary"]["created"] == 1


def test_a_plan_that_lost_a_change_is_told_by_it(filled: Site) -> None:
    carl = filled.add_user("Carl", parent=f"OU=Sales,OU=Staff,{filled.base_dn}")
    approved = filled.sync(check=True, **USERS)
    filled.admin.delete(carl)

    refused = filled.try_sync(**USERS, expect_plan_id=approved["plan_id"], expect_changes=approved["plan_changes"])

    assert "No longer planned: create 2002 Carl-" in refused["msg"]
    assert "expect_changes" not in filled.try_sync(**USERS, expect_plan_id="0" * 16)["msg"]
    assert filled.names.keys() == {"2000", "2001", "9000"}
