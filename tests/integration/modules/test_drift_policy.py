# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person set on the PBX and a rule leaves, in each module; the directory's changes arrive all the same."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import pytest

from lab.directory_admin import DirectoryAdmin
from tests.integration.modules.site_under_test import Site, codes

REPORT: dict[str, Any] = {"drift": "report"}


def told(result: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The drift of a result, each as field, the three values and what was done about it."""
    return [tuple(one[key] for key in ("field", "written", "wanted", "actual", "action")) for one in result["drift"]]


def _three(site: Site, parent: str | None = None) -> list[str]:
    return [site.add_user(name, parent=parent) for name in ("Anna", "Bernd", "Carl")]


# --- users


def test_a_field_set_by_hand_is_left_told_and_remembered_until_one_side_gives_in(site: Site) -> None:
    anna = site.add_user("Anna", sn="Adler", title="Clerk")
    site.sync(**REPORT)
    site.pbx.pbx.change_by_hand("1000", title="Boss")
    site.admin.modify(anna, sn="Neu")

    result = site.sync(**REPORT)

    (change,) = result["changes"]
    assert (change["after"], change["drift"]) == ({"last_name": "Neu"}, [])
    assert told(result) == [("title", "Clerk", "Clerk", "Boss", "reported")]
    assert {**result["drift"][0], "guid": "", "name": ""} == {
        "kind": "extension",
        "number": "1000",
        "name": "",
        "guid": "",
        "field": "title",
        "written": "Clerk",
        "wanted": "Clerk",
        "actual": "Boss",
        "action": "reported",
    }
    assert result["summary"]["drift"] == 1
    assert 'title: "Boss" (drift; written "Clerk", wanted "Clerk")' in result["diff"]["prepared"]
    assert any("1 value(s) were changed on the PBX by hand and are left: 1 title." in one for one in result["warnings"])
    assert site.extension_of("Anna")["title"] == "Boss"
    # Both change: the PBX's is left, and all three are named.
    site.admin.modify(anna, title="Lead")
    both = site.sync(**REPORT)
    assert (both["changed"], codes(both)) == (False, [("Anna", "drift_both_changed")])
    assert told(both) == [("title", "Clerk", "Lead", "Boss", "reported")]
    # The PBX gives in, and then nobody differs.
    site.pbx.pbx.change_by_hand("1000", title="Lead")
    assert told(site.sync(**REPORT)) == []
    site.pbx.pbx.change_by_hand("1000", title="Hand")
    # The policy gives in.
    result = site.sync(drift="correct")
    assert told(result) == [("title", "Lead", "Lead", "Hand", "corrected")]
    assert site.extension_of("Anna")["title"] == "Lead"


def test_a_run_with_nothing_but_drift_that_is_left_changes_nothing_and_is_the_same_in_check_mode(site: Site) -> None:
    site.add_user("Anna", title="Clerk")
    site.sync(**REPORT)
    undisturbed = site.sync(**REPORT)
    site.pbx.pbx.change_by_hand("1000", title="Boss")
    site.pbx.calls.clear()

    planned, done = site.sync(check=True, **REPORT), site.sync(**REPORT)

    assert site.writes() == []
    assert (planned["changed"], done["changed"]) == (False, False)
    assert planned["drift"] == done["drift"] != []
    assert planned["plan_id"] == done["plan_id"] == undisturbed["plan_id"]
    assert planned["diff"] == done["diff"]
    # With the rule as saved all modules that look ahead tell the same.
    info = site.run("pbx_ad_info", {**site.connection_options, "gather": ["plan", "drift"]}, False)
    assert (info["plan_drift"], info["summary"]["drift"]) == (done["drift"], 1)
    assert [one["field"] for one in info["drift"]] == ["title"]
    (user,) = site.run("pbx_ad_user_info", site.connection_options, False)["users"]
    assert user["drift"] == done["drift"]
    assert site.update(check=True)["drift"] == done["drift"]


def test_single_fields_can_be_left_and_the_rest_is_put_back(site: Site) -> None:
    site.add_user("Anna", title="Clerk", telephoneNumber="+49 30 1")
    rule: dict[str, Any] = {"drift_fields": {"mobile_number": "report"}}
    site.sync(**rule)
    site.pbx.pbx.change_by_hand("1000", title="Boss", mobile_number="+49309")

    result = site.sync(**rule)

    assert sorted(told(result)) == [
        ("mobile_number", "+49301", "+49301", "+49309", "reported"),
        ("title", "Clerk", "Clerk", "Boss", "corrected"),
    ]
    assert (site.extension_of("Anna")["title"], site.extension_of("Anna")["mobile_number"]) == ("Clerk", "+49309")
    refused = site.sync_failing(drift_fields={"job_title": "report"})
    assert "'job_title'" in refused["msg"]
    assert "first_name, last_name, email_addr, mobile_number, title, organizations" in refused["msg"]
    refused = site.update(users={"drift_fields": {"title": "keep"}}, fails=True)
    assert "drift_fields.title is 'keep'. Give correct or report." in refused["msg"]


def test_an_address_that_is_left_is_occupied_and_addresses_around_it_are_exchanged(site: Site) -> None:
    anna, bernd = (site.add_user(name, mail=f"{name}@lab.test") for name in ("Anna", "Bernd"))
    site.sync(**REPORT)
    site.pbx.pbx.change_by_hand("1000", email_addr="hand@lab.test")
    site.add_user("Dora", mail="hand@lab.test")
    site.admin.modify(bernd, mail="Anna@lab.test")

    result = site.sync(**REPORT)

    assert codes(result) == [("Dora", "email_in_use")]
    assert site.names == {"1000": "Anna", "1001": "Bernd"}
    assert site.extension_of("Bernd")["email_addr"] == "Anna@lab.test"
    assert not site.sync(**REPORT)["changed"]
    site.admin.modify(anna, mail="hand@lab.test")
    assert told(site.sync(**REPORT)) == []


def test_an_extension_deleted_by_hand_is_created_again(site: Site) -> None:
    _three(site)
    site.sync(**REPORT)
    site.pbx.pbx.delete_by_hand("1000")

    assert [change["reason"] for change in site.sync(**REPORT)["changes"]] == ["extension_missing"]


def _kill_at_the_update(site: Site, module: str, endpoint: str, *, work_done: bool, **options: Any) -> None:
    """Kill a run while it waits for the answer to an update."""
    site.pbx.fail(endpoint, "latency", nth=1, seconds=20, work_done=work_done)
    before = _written(site)
    process = subprocess.Popen(
        [sys.executable, "-m", f"ansible_collections.pbxops.yeastar.plugins.modules.{module}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": {**site.connection_options, **options}}))
    process.stdin.close()
    process.stdin = None
    end = time.monotonic() + 60
    while not (_is_begun(site) and (not work_done or _written(site) != before)):
        assert time.monotonic() < end
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    process.kill()
    process.communicate()
    site.pbx.faults.clear()
    site.pbx.expire_tokens()


def _written(site: Site) -> str:
    return json.dumps([dict(site.pbx.state.extensions), dict(site.pbx.state.groups)], default=str)


def _is_begun(site: Site) -> bool:
    """Whether the journal has a change that was begun and not finished."""
    with sqlite3.connect(f"file:{site.ledger_path}?mode=ro", uri=True) as connection:
        return bool(connection.execute("SELECT 1 FROM journal WHERE state = 'intended'").fetchall())


@pytest.mark.parametrize("work_done", [False, True], ids=["before the work", "after the work"])
def test_a_run_killed_at_a_write_leaves_what_was_set_by_hand_and_is_completed(site: Site, work_done: bool) -> None:
    anna = site.add_user("Anna", sn="Adler", title="Clerk")
    site.sync(**REPORT)
    site.pbx.pbx.change_by_hand("1000", title="Boss")
    site.admin.modify(anna, sn="Neu")
    _kill_at_the_update(site, "pbx_ad_user_sync", "extension/update", work_done=work_done, **REPORT)

    result = site.sync(**REPORT)

    assert [one["state"] for one in result["recovered"]] == ["done" if work_done else "failed"]
    assert (site.extension_of("Anna")["last_name"], site.extension_of("Anna")["title"]) == ("Neu", "Boss")
    assert told(result) == [("title", "Clerk", "Clerk", "Boss", "reported")]
    assert not site.sync(**REPORT)["changed"]


# --- the organizations of extensions


@pytest.mark.parametrize("run", ["units", "sync"])
def test_an_extension_taken_out_of_its_organization_stays_where_it_was_put(site: Site, run: str) -> None:
    sales, support = site.add_unit("Sales"), site.add_unit("Support")
    anna = site.add_user("Anna", parent=sales)
    site.units()
    site.sync(**REPORT)
    by_hand = site.pbx.pbx.seed_organization("By hand")
    site.pbx.pbx.change_by_hand("1000", organization_ids=(by_hand,))
    options = REPORT if run == "sync" else {}
    site.pbx.calls.clear()

    result = getattr(site, run)(**options)

    assert (result["changed"], site.writes()) == (False, [])
    assert told(result) == [
        ("organizations", "Example Ltd/Sales", "Example Ltd/Sales", "Example Ltd/By hand", "reported")
    ]
    site.admin.move(anna, support)
    both = getattr(site, run)(**options)
    assert (both["changed"], codes(both)) == (False, [("Anna", "drift_both_changed")])
    together = site.update()
    assert (together["changed"], len(together["drift"]), together["summary"]["conflicts"]) == (False, 1, 1)
    assert site.organizations["By hand"] == {"Anna"}
    site.sync(drift_fields={"organizations": "correct"})
    assert site.organizations["Support"] == {"Anna"}


# --- organizations


def test_organizations_renamed_and_moved_by_hand_stay_so_and_the_rest_of_them_follows_the_directory(site: Site) -> None:
    renamed, moved = site.add_unit("Renamed"), site.add_unit("Moved")
    above = site.add_unit("Above")
    site.units(**REPORT)
    ids, tree = site.organization_ids, site.pbx.pbx.organizations
    tree.rename(ids["Renamed"], "By hand")
    tree.move(ids["Moved"], ids["Renamed"])
    site.pbx.calls.clear()

    result = site.units(**REPORT)

    assert (result["changed"], site.writes()) == (False, [])
    assert sorted(told(result)) == [
        ("name", "Renamed", "Renamed", "By hand", "reported"),
        ("parent", "Example Ltd", "Example Ltd", "Example Ltd/By hand", "reported"),
    ]
    assert "leave organization Moved\n" in result["diff"]["prepared"]
    # The directory moves the one and renames the other: what is left of each is written as it is.
    site.admin.move(renamed, above)
    site.admin.rename(moved, "Gone")
    assert site.units(**REPORT)["changed"]
    assert set(site.organization_ids) == {"", "Above", "Above/By hand", "Above/By hand/Gone"}
    assert not site.units(**REPORT)["changed"]
    site.admin.rename(DirectoryAdmin.dn("Renamed", above, kind="OU"), "Anew")
    both = site.units(**REPORT)
    assert (both["changed"], codes(both)) == (False, [("Above/Anew", "drift_both_changed")])
    assert {one[-1] for one in told(site.units())} == {"corrected"}
    assert set(site.organization_ids) == {"", "Above", "Above/Anew", "Gone"}


# --- extension groups


def test_members_put_in_and_taken_out_by_hand_stay_so_and_the_directorys_come_and_go(site: Site) -> None:
    anna, bernd, carl = _three(site)
    sales = site.add_group("Sales", anna, bernd)
    site.pbx.pbx.seed_extension("5000", first_name="hand")
    site.sync()
    site.groups(**REPORT)
    site.set_group("Sales", {"Bernd": "user", "hand": "manager"})
    site.pbx.calls.clear()

    result = site.groups(**REPORT)

    assert (result["changed"], site.writes()) == (False, [])
    assert told(result) == [
        ("members", "", "", "5000 hand", "reported"),
        ("members", "1000 Anna", "1000 Anna", "", "reported"),
    ]
    assert "    + 5000 hand (drift)\n    - 1000 Anna (drift)\n" in result["diff"]["prepared"]
    site.admin.remove_members(sales, [bernd])
    site.admin.add_members(sales, [carl])
    (change,) = site.groups(**REPORT)["changes"]
    assert (change["members_added"], change["members_removed"], change["drift"]) == (["1002 Carl"], ["1001 Bernd"], [])
    assert site.roles("Sales") == {"Carl": "user", "hand": "manager"}
    assert not site.groups(**REPORT)["changed"]
    assert {one[-1] for one in told(site.groups())} == {"corrected"}
    assert site.members == {"Sales": {"Anna", "Carl"}}


@pytest.mark.parametrize("rename", ["accepted", "refused"])
def test_a_group_renamed_by_the_directory_keeps_the_members_set_by_hand(
    site: Site, rename: Literal["accepted", "refused"]
) -> None:
    anna, bernd, _carl = _three(site)
    sales = site.add_group("Sales", anna, bernd)
    site.sync()
    site.groups(**REPORT)
    site.set_group("Sales", {"Carl": "manager", "Bernd": "user"})
    site.pbx.pbx.variants = replace(site.pbx.pbx.variants, group_rename=rename)
    site.admin.rename(sales, "Selling")

    site.groups(**REPORT)

    assert site.roles("Selling") == {"Carl": "manager", "Bernd": "user"}
    again = site.groups(**REPORT)
    assert (again["changed"], len(again["drift"])) == (False, 2)


@pytest.mark.parametrize("work_done", [False, True], ids=["before the work", "after the work"])
def test_a_run_killed_at_a_group_never_takes_a_persons_members_for_its_own(site: Site, work_done: bool) -> None:
    anna, bernd, carl = _three(site)
    sales = site.add_group("Sales", anna, bernd)
    site.pbx.pbx.seed_extension("5000", first_name="hand")
    site.sync()
    site.groups(**REPORT)
    site.set_group("Sales", {"Bernd": "user", "hand": "user"})
    site.admin.add_members(sales, [carl])
    _kill_at_the_update(site, "pbx_ad_group_sync", "extensiongroup/update", work_done=work_done, **REPORT)

    result = site.groups(**REPORT)

    assert [one["state"] for one in result["recovered"]] == ["done" if work_done else "failed"]
    assert site.members == {"Sales": {"Bernd", "Carl", "hand"}}
    assert sorted(one[1:4] for one in told(result)) == [("", "", "5000 hand"), ("1000 Anna", "1000 Anna", "")]
    assert not site.groups(**REPORT)["changed"]


def test_what_the_guard_keeps_is_the_synchronizations_and_what_a_person_put_in_is_not(site: Site) -> None:
    anna, bernd, _carl = _three(site)
    sales = site.add_group("Sales", anna, bernd)
    site.sync()
    site.groups(**REPORT)
    site.set_group("Sales", {"Anna": "user", "Bernd": "user", "Carl": "user"})
    site.admin.remove_members(sales, [bernd])
    limits: dict[str, Any] = {"guard": {"member_removals": {"floor": 0, "percent": 0, "count": 0}}}

    stopped = site.groups(fails=True, **REPORT, **limits)

    assert told(stopped) == [("members", "", "", "1002 Carl", "reported")]
    assert site.members == {"Sales": {"Anna", "Bernd", "Carl"}}
    (change,) = site.groups(**REPORT)["changes"]
    assert change["members_removed"] == ["1001 Bernd"]
    assert site.members == {"Sales": {"Anna", "Carl"}}


def test_a_correction_that_the_guard_stops_is_told_as_left(site: Site) -> None:
    anna, _bernd, _carl = _three(site)
    site.add_group("Sales", anna)
    site.sync()
    site.groups()
    site.set_group("Sales", {"Anna": "user", "Carl": "user"})
    limits: dict[str, Any] = {"guard": {"member_removals": {"floor": 0, "percent": 0, "count": 0}}}

    for check in (True, False):
        stopped = site.groups(check=check, fails=True, **limits)
        assert told(stopped) == [("members", "", "", "1002 Carl", "reported")]


def test_groups_of_units_have_the_same_policy(site: Site) -> None:
    site.add_user("Anna", parent=site.add_unit("Sales"))
    site.add_user("Bernd")
    rule: dict[str, Any] = {"sync_to": "extension_group", **REPORT}
    site.sync()
    site.units(**rule)
    site.set_group("Sales", {"Bernd": "user"})

    result = site.units(**rule)

    assert (result["changed"], len(result["drift"])) == (False, 2)
    assert "It takes name, members." in site.units(**rule, drift_fields={"parent": "report"}, fails=True)["msg"]
