# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks besides site: plan, sync_now, pause and resume, disable and enable, disconnect."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.playbook.playbook_site import NOT_CONNECTED_YET, SITE, PlaybookSite, Played, write_yaml

PLAN = "pbxops.yeastar.plan"
SYNC_NOW = "pbxops.yeastar.sync_now"
PAUSE = "pbxops.yeastar.pause"
RESUME = "pbxops.yeastar.resume"
DISABLE = "pbxops.yeastar.disable"
ENABLE = "pbxops.yeastar.enable"
DISCONNECT = "pbxops.yeastar.disconnect"

_SHOW_STATS = {"ANSIBLE_SHOW_CUSTOM_STATS": "1"}
_ALL_KINDS = ["organizational_units", "users", "groups"]
_SETTINGS = {
    "pbx_ad_kinds": _ALL_KINDS,
    "pbx_ad_user_number_start": 3000,
    "pbx_ad_user_delete_when": ["deleted", "disabled"],
    "pbx_ad_ou_scope": "organizational_units",
    "pbx_ad_ou_organizational_units": ["Staff"],
}


@pytest.fixture(name="inventory")
def _inventory(site: PlaybookSite) -> Path:
    """A site that is in step: Anna, who is in the unit Staff and in the group Team."""
    anna = site.add_user("Anna", parent=site.add_unit("Staff"))
    site.admin.add_group("Team", parent=site.base_dn, members=[anna])
    inventory = site.inventory({**site.variables, **_SETTINGS})
    site.play(SITE, "-i", inventory)
    site.writes()
    return inventory


def _connection_alone(site: PlaybookSite) -> Path:
    """An inventory that has no variable of a rule."""
    return site.inventory(site.variables)


def _changed(played: Played) -> int:
    return played.recap["headquarters"]["changed"]


def _published(played: Played) -> dict[str, Any]:
    """What set_stats has published, as ansible-playbook prints it."""
    text = played.output.partition("CUSTOM STATS:")[2].partition("RUN:")[2]
    published: dict[str, Any] = json.loads(text)
    return published


# --- sync_now ---


def test_what_is_saved_is_carried_out_without_a_rule_in_the_variables(site: PlaybookSite, inventory: Path) -> None:
    assert inventory
    site.add_user("Bernd")
    alone = _connection_alone(site)

    shown = site.play(SYNC_NOW, "-i", alone, "--check", "--diff")
    assert site.writes() == []
    assert "create 3001 Bernd-" in shown.output

    assert _changed(site.play(SYNC_NOW, "-i", alone)) == 1
    assert site.names == {"3000": "Anna", "3001": "Bernd"}
    assert _changed(site.play(SYNC_NOW, "-i", alone)) == 0


def test_without_an_inventory_the_pbx_is_that_of_the_environment(site: PlaybookSite, inventory: Path) -> None:
    assert inventory
    site.add_user("Bernd")

    played = site.play(SYNC_NOW, environment=site.environment)

    assert played.recap["localhost"]["changed"] == 1
    assert site.names == {"3000": "Anna", "3001": "Bernd"}


def test_only_the_kinds_that_are_named_are_carried_out(site: PlaybookSite, inventory: Path) -> None:
    site.add_user("Bernd")
    site.add_unit("Sales", f"OU=Staff,{site.base_dn}")

    site.play(SYNC_NOW, "-i", inventory, "-e", "pbx_ad_kinds=organizational_units")

    assert site.writes() == ["organization/create"]
    assert site.names == {"3000": "Anna"}


def test_a_pbx_that_was_never_set_up_is_told_what_to_do(site: PlaybookSite) -> None:
    played = site.play(SYNC_NOW, "-i", _connection_alone(site), fails=True)

    assert "pbx_ad_connection" in played.everything
    assert not site.names


# --- plan ---


@pytest.mark.parametrize("command_line", [[], ["--check"]], ids=["run", "check"])
def test_a_plan_changes_nothing_whatever_the_command_line_says(site: PlaybookSite, command_line: list[str]) -> None:
    site.add_user("Anna")
    inventory = site.inventory(site.variables)

    played = site.play(PLAN, "-i", inventory, *command_line, warnings=[NOT_CONNECTED_YET])

    assert "create 1000 Anna-" in played.output
    assert site.writes() == []
    assert not site.ledger_path.parent.exists()


def test_what_was_planned_is_done_and_nothing_else(site: PlaybookSite, inventory: Path) -> None:
    bernd = site.add_user("Bernd")
    approved = _approve(site, inventory)
    assert approved["pbx_ad_expect_plan_id"].keys() == {"headquarters"}

    site.admin.modify(bernd, sn="Neuhaus")
    refused = site.play(SYNC_NOW, "-i", inventory, "-e", f"@{_file(site, approved)}", fails=True)
    assert "expect_plan_id" in refused.everything
    assert "Newly planned: create 3001 Bernd-" in refused.everything
    assert site.writes() == []

    # What was approved before does not stand in the way of a new plan.
    approved = _approve(site, inventory, "-e", f"@{_file(site, approved)}")
    site.play(SYNC_NOW, "-i", inventory, "-e", f"@{_file(site, approved)}")
    assert site.names == {"3000": "Anna", "3001": "Bernd"}


def test_rules_that_are_not_saved_yet_are_planned_and_saved_by_site_alone(site: PlaybookSite, inventory: Path) -> None:
    site.add_user("Bernd")
    newer = site.inventory({**site.variables, **_SETTINGS, "pbx_ad_user_number_start": 7000})
    approved = _file(site, _approve(site, newer))

    site.play(SYNC_NOW, "-i", newer, "-e", f"@{approved}", fails=True)
    assert site.writes() == []

    site.play(SITE, "-i", newer, "-e", f"@{approved}")
    assert site.names == {"3000": "Anna", "7000": "Bernd"}


def test_a_plan_of_what_is_saved_needs_no_variable_of_a_rule(site: PlaybookSite, inventory: Path) -> None:
    assert inventory
    site.add_user("Bernd")
    alone = _connection_alone(site)

    approved = _approve(site, alone, "-e", "pbx_ad_settings=saved")
    site.play(SYNC_NOW, "-i", alone, "-e", f"@{_file(site, approved)}")

    assert site.names == {"3000": "Anna", "3001": "Bernd"}


def test_each_of_several_pbxs_gets_the_plan_of_its_own(site: PlaybookSite) -> None:
    site.add_user("Anna")
    second = {"pbx_ad_ledger_path": str(site.folder / "second.sqlite3"), "pbx_ad_user_number_start": 5000}
    inventory = site.inventory({**site.variables, "pbx_ad_user_associate_by_email": True}, first={}, second=second)
    site.play(SITE, "-i", inventory, "--limit", "first")
    site.play(SITE, "-i", inventory, "--limit", "second")
    approved = _approve(site, inventory)
    plans = approved["pbx_ad_expect_plan_id"]
    assert plans.keys() == approved["pbx_ad_expect_changes"].keys() == {"first", "second"}

    del plans["second"]
    played = site.play(SYNC_NOW, "-i", inventory, "-e", f"@{_file(site, approved)}", fails=True)

    assert played.recap["first"]["failed"] == 0
    assert played.recap["second"]["failed"] == 1
    assert "expect_plan_id is none" in played.everything


def test_a_plan_of_nothing_approves_nothing(site: PlaybookSite, inventory: Path) -> None:
    site.add_user("Bernd")
    site.play(DISABLE, "-i", inventory)
    approved = _file(site, _approve(site, inventory))
    site.play(SYNC_NOW, "-i", inventory, "-e", f"@{approved}")
    site.play(ENABLE, "-i", inventory)

    site.play(SYNC_NOW, "-i", inventory, "-e", f"@{approved}", fails=True)

    assert site.names == {"3000": "Anna"}


def _approve(site: PlaybookSite, inventory: Path, *arguments: str) -> dict[str, Any]:
    site.writes()
    played = site.play(PLAN, "-i", inventory, *arguments, environment=_SHOW_STATS)
    assert site.writes() == []
    return _published(played)


def _file(site: PlaybookSite, variables: Mapping[str, Any]) -> Path:
    return write_yaml(site.folder / "approved.yml", variables)


# --- pause and resume ---


def test_a_paused_rule_is_left_out_until_it_is_resumed_as_it_was_saved(site: PlaybookSite, inventory: Path) -> None:
    assert inventory
    bernd = site.add_user("Bernd")
    alone = _connection_alone(site)

    shown = site.play(PAUSE, "-i", alone, "-e", "pbx_ad_kinds=users", "--check")
    assert _changed(shown) == 1
    assert _changed(site.play(PAUSE, "-i", alone, "-e", "pbx_ad_kinds=users")) == 1
    assert _changed(site.play(PAUSE, "-i", alone, "-e", "pbx_ad_kinds=users")) == 0

    skipped = site.play(SYNC_NOW, "-i", alone)
    assert (_changed(skipped), site.writes()) == (0, [])
    assert '"paused": [ "users" ]' in skipped.everything

    shown = site.play(RESUME, "-i", alone, "-e", "pbx_ad_kinds=users", "--check", "--diff")
    assert "create 3001 Bernd-" in shown.output
    assert site.writes() == []
    site.play(RESUME, "-i", alone, "-e", "pbx_ad_kinds=users")
    assert site.names == {"3000": "Anna", "3001": "Bernd"}
    assert _changed(site.play(RESUME, "-i", alone, "-e", "pbx_ad_kinds=users")) == 0

    # A setting that is no default has come through the pause.
    site.admin.set_enabled(bernd, False)
    site.play(SYNC_NOW, "-i", alone)
    assert site.names == {"3000": "Anna"}


def test_several_rules_are_resumed_in_one_run(site: PlaybookSite, inventory: Path) -> None:
    assert inventory
    alone = _connection_alone(site)
    site.play(PAUSE, "-i", alone, "-e", "pbx_ad_kinds=users,groups,organizational_units")
    bernd = site.add_user("Bernd", parent=site.add_unit("Sales", f"OU=Staff,{site.base_dn}"))
    site.admin.add_group("Sellers", parent=site.base_dn, members=[bernd])

    shown = site.play(RESUME, "-i", alone, "-e", f"pbx_ad_kinds={','.join(_ALL_KINDS)}", "--check", "--diff")
    done = site.play(RESUME, "-i", alone, "-e", f"pbx_ad_kinds={','.join(_ALL_KINDS)}", "--diff")

    for played in (shown, done):
        for line in ("create organization Sales", "create 3001 Bernd-", "create group Sellers"):
            assert line.split()[-1] in played.output
    assert set(site.writes()) == {"organization/create", "extension/create", "extensiongroup/create"}


def test_a_pause_deletes_what_it_is_told_to_and_no_more(site: PlaybookSite, inventory: Path) -> None:
    site.play(PAUSE, "-i", inventory, "-e", "pbx_ad_kinds=groups", "-e", "pbx_ad_delete_extensions=true")
    assert site.writes() == []

    site.play(PAUSE, "-i", inventory, "-e", "pbx_ad_kinds=groups", "-e", "pbx_ad_delete_groups=true")
    assert site.writes() == ["extensiongroup/delete"]
    assert site.names == {"3000": "Anna"}


@pytest.mark.parametrize("playbook", [PAUSE, RESUME])
def test_the_kinds_must_be_named_and_must_be_saved(site: PlaybookSite, playbook: str) -> None:
    site.add_user("Anna")
    alone = _connection_alone(site)
    site.play(SITE, "-i", alone)

    assert "pbx_ad_kinds" in site.play(playbook, "-i", alone, fails=True).everything
    played = site.play(playbook, "-i", alone, "-e", "pbx_ad_kinds=groups", fails=True)
    assert "no rule of groups is saved" in played.everything


# --- disable, enable, disconnect ---


def test_a_disabled_integration_is_skipped_until_it_is_enabled(site: PlaybookSite, inventory: Path) -> None:
    site.add_user("Bernd")
    site.writes()
    assert _changed(site.play(DISABLE, "-i", inventory, "--check")) == 1
    assert _changed(site.play(DISABLE, "-i", inventory)) == 1
    assert _changed(site.play(DISABLE, "-i", inventory)) == 0

    for playbook in (SYNC_NOW, SITE):
        assert _changed(site.play(playbook, "-i", inventory)) == 0
    assert site.writes() == []

    assert _changed(site.play(ENABLE, "-i", inventory)) == 1
    assert site.writes() == []
    assert _changed(site.play(SYNC_NOW, "-i", inventory)) == 1
    assert site.names == {"3000": "Anna", "3001": "Bernd"}


@pytest.mark.parametrize("state", ["disabled", "disconnected"])
def test_site_keeps_a_state_that_the_variables_ask_for(site: PlaybookSite, inventory: Path, state: str) -> None:
    site.add_user("Bernd")
    assert _changed(site.play(SITE, "-i", inventory, "-e", f"pbx_ad_state={state}")) == 1
    assert _changed(site.play(SITE, "-i", inventory, "-e", f"pbx_ad_state={state}")) == 0

    assert site.writes() == []
    assert site.names == {"3000": "Anna"}


def test_disconnecting_keeps_what_is_not_to_be_deleted(site: PlaybookSite, inventory: Path) -> None:
    shown = site.play(DISCONNECT, "-i", inventory, "--check")
    assert "release 3000 Anna-" in shown.output
    assert site.writes() == []

    done = site.play(DISCONNECT, "-i", inventory)
    assert "release 3000 Anna-" in done.output
    assert site.writes() == []
    assert site.names == {"3000": "Anna"}
    assert _changed(site.play(DISCONNECT, "-i", inventory)) == 0
    assert "pbx_ad_connection" in site.play(SYNC_NOW, "-i", inventory, fails=True).everything


def test_disconnecting_deletes_what_it_is_told_to(site: PlaybookSite, inventory: Path) -> None:
    site.pbx.pbx.seed_extension("2000", first_name="by hand")
    clean_up = ["-e", "{pbx_ad_delete_extensions: true, pbx_ad_delete_organizations: true, pbx_ad_delete_groups: true}"]

    shown = site.play(DISCONNECT, "-i", inventory, *clean_up, "--check")
    assert "delete 3000 Anna-" in shown.output
    assert site.writes() == []

    site.play(DISCONNECT, "-i", inventory, *clean_up)
    assert site.names == {"2000": "by hand"}
    assert "Team" not in site.pbx.state.groups
    assert [one["name"] for one in site.pbx.state.organizations.values()] == ["Example Ltd"]


def test_a_clean_up_that_was_not_approved_like_this_is_refused(site: PlaybookSite, inventory: Path) -> None:
    asked = "{pbx_ad_delete_extensions: true, pbx_ad_expect_plan_id: 0123456789abcdef}"

    for playbook in (DISABLE, DISCONNECT):
        assert "expect_plan_id" in site.play(playbook, "-i", inventory, "-e", asked, fails=True).everything
    assert site.writes() == []
    assert site.names == {"3000": "Anna"}
