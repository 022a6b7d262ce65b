# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling where an integration stands, against the real directory and the emulator."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.fields import Fields
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.status import read_status

from tests.integration.modules.reading_only import ask
from tests.integration.modules.site_under_test import Site, actions, codes, guard

_OF_LEDGER = ["status", "rules", "schedule", "sign_on", "runs", "associations"]
_OF_PBX = ["capacity", "organizations", "drift"]
_ALL = [*_OF_LEDGER, *_OF_PBX, "conflicts", "plan"]
_NOWHERE: dict[str, Any] = {"directory_port": 9, "pbx_url": "https://127.0.0.1:9"}


def _info(site: Site, *parts: str, **options: Any) -> dict[str, Any]:
    return ask(site, "pbx_ad_info", gather=list(parts), **options)


def _people(site: Site) -> str:
    """A unit with a user, and a group of it, all synchronized; return the user's DN."""
    staff = site.add_unit("Staff")
    anna = site.add_user("Anna", parent=staff, title="Clerk")
    site.add_group(_team(site), anna)
    site.units(scope="organizational_units", organizational_units=["Staff"])
    site.sync()
    site.groups(scope="groups", groups=[_team(site)])
    return anna


def _team(site: Site) -> str:
    return f"Team {site.base_dn[8:20]}"


def test_nothing_is_there_before_the_first_connection(site: Site) -> None:
    result = _info(site, *_OF_LEDGER, "plan", "conflicts")

    assert result["status"] == "not_connected"
    assert not {"domain", "pbx", "settings"} & result.keys()
    assert (result["rules"], result["schedule"], result["runs"], result["associations"]) == ({}, {}, [], [])
    assert (result["changes"], result["conflicts"], result["plan_id"]) == ([], [], "")
    assert not site.ledger_path.exists()


def test_by_default_the_ledger_alone_is_asked(site: Site) -> None:
    _people(site)
    calls = len(site.pbx.calls.all())

    result = ask(site, "pbx_ad_info", **_NOWHERE)

    assert len(site.pbx.calls.all()) == calls
    assert {"status", "domain", "pbx", "settings", "rules", "schedule", "runs"} < result.keys()
    assert not {"associations", "capacity", "organizations", "drift", "conflicts", "changes"} & result.keys()


def test_the_integration_and_its_rules_are_told_as_saved(site: Site) -> None:
    site.sync(number_start=2000)
    site.connect(state="disabled")

    result = _info(site, "status", "rules", "schedule")

    assert result["status"] == "disabled"
    assert result["domain"]["dns_name"] == "lab.test"
    assert result["pbx"]["serial_number"] == site.pbx.settings.serial_number
    assert result["settings"]["directory_base_dn"] == site.base_dn
    assert result["rules"].keys() == {"users"}
    rule = result["rules"]["users"]
    assert (rule["enabled"], rule["synchronized"], rule["settings"]["number_start"]) == (True, True, 2000)
    assert not any(secret in str(result) for secret in _secrets(site))


def _secrets(site: Site) -> tuple[str, str]:
    options = site.connection_options
    return options["directory_password"], options["pbx_client_secret"]


def test_the_schedule_is_told_in_all_its_forms(site: Site) -> None:
    site.connect()
    saved = site.run("pbx_ad_schedule", {**site.connection_options, "timezone": "Europe/Berlin"}, False)
    forms = ("on_calendar", "cron", "cron_timezone", "rrule")

    told = _info(site, "schedule", **_NOWHERE)["schedule"]

    assert told == {**saved["schedule"], **{name: saved[name] for name in forms}}


def test_runs_are_told_the_newest_first(site: Site) -> None:
    site.add_user("Anna")
    site.sync()
    site.sync_failing(scope="groups", groups=["No such group"])

    failed, succeeded = _info(site, "runs")["runs"]

    assert (failed["state"], succeeded["state"]) == ("failed", "succeeded")
    assert "No such group" in failed["error"]
    assert (succeeded["command"], succeeded["kinds"], succeeded["summary"]["created"]) == (
        "pbx_ad_user_sync",
        ["users"],
        1,
    )
    began, ended = (datetime.fromisoformat(succeeded[name]) for name in ("started_at", "ended_at"))
    assert began.tzinfo is not None
    assert began <= ended
    assert 0 < succeeded["duration"] < 60
    assert [run["id"] for run in _info(site, "runs", runs_limit=1)["runs"]] == [failed["id"]]


def test_associations_of_all_kinds_are_told(site: Site) -> None:
    anna = _people(site)

    told = {one["kind"]: one for one in _info(site, "associations", **_NOWHERE)["associations"]}

    home = site.organization_id("Staff")
    assert told["extension"] == {
        "kind": "extension",
        "guid": site.admin.guid_of(anna),
        "rule": "users",
        "object_id": site.extension_of("Anna")["id"],
        "number": "1000",
        "name": site.admin.read(anna, "sAMAccountName")["sAMAccountName"][0].decode(),
        "dn": anna,
        "origin": "created",
        "parent_id": 0,
        "organization_id": home,
        "members": 0,
    }
    assert (told["organization"]["object_id"], told["organization"]["parent_id"]) == (home, 1)
    assert (told["extension_group"]["name"], told["extension_group"]["members"]) == (_team(site), 1)


def test_capacity_and_organizations_are_the_pbxs(site: Site) -> None:
    _people(site)
    by_hand = site.pbx.pbx.seed_organization("By hand")
    site.pbx.pbx.seed_extension("5000")

    result = _info(site, "capacity", "organizations")

    capacity = result["capacity"]
    assert capacity["extensions_used"] == 2
    assert capacity["extensions_left"] == capacity["extensions"] - 2
    assert (capacity["extension_groups"], capacity["extension_groups_used"]) == (63, len(site.pbx.state.groups))
    assert (capacity["organizations"], capacity["organizations_used"]) == (500, 2)
    assert result["organizations"] == [
        {"id": 1, "name": "Example Ltd", "parent_id": 0, "extensions": 1, "synchronized": False},
        {"id": site.organization_id("Staff"), "name": "Staff", "parent_id": 1, "extensions": 1, "synchronized": True},
        {"id": by_hand, "name": "By hand", "parent_id": 1, "extensions": 0, "synchronized": False},
    ]


def test_drift_is_told_by_field_while_the_directory_is_down(site: Site) -> None:
    anna = _people(site)
    extension = site.extension_of("Anna")
    site.pbx.pbx.seed_extension("5000", first_name="By hand")
    site.pbx.pbx.change_by_hand("1000", title="Boss")
    site.set_group(_team(site), {})

    result = _info(site, "drift", directory_port=9)

    name = site.admin.read(anna, "sAMAccountName")["sAMAccountName"][0].decode()
    assert result["drift"] == [
        {
            "kind": "extension",
            "number": "1000",
            "name": name,
            "field": "title",
            "written": "Clerk",
            "actual": "Boss",
        },
        {
            "kind": "extension_group",
            "number": "",
            "name": _team(site),
            "field": "members",
            "written": f"1000 {extension['first_name']}",
            "actual": "",
        },
    ]
    # What it tells is what the next run puts back.
    assert [change["drift"] for change in site.sync()["changes"]] == [["title"]]
    assert [one["kind"] for one in _info(site, "drift")["drift"]] == ["extension_group"]


def test_no_drift_after_a_run(site: Site) -> None:
    _people(site)

    assert _info(site, "drift")["drift"] == []


def test_the_plan_is_that_of_all_rules_in_check_mode(site: Site) -> None:
    anna = _people(site)
    site.admin.modify(anna, sn="Adler")
    for name in ("Bernd", "Carl"):
        site.add_user(name, mail="shared@lab.test")

    result = _info(site, "plan", "conflicts", "drift")
    check = site.run("pbx_ad_sync", site.connection_options, True)

    for key in ("changes", "summary", "plan_id", "conflicts"):
        assert result[key] == check[key], key
    assert codes(result) == [("Bernd", "email_shared"), ("Carl", "email_shared")]
    assert result["summary"]["updated"] == 1
    assert result["drift"] == []


def test_what_the_guard_would_stop_is_told_and_does_not_fail(site: Site) -> None:
    anna = site.add_user("Anna")
    site.sync(delete_when=["disabled"], **guard("deletions"))
    site.admin.set_enabled(anna, False)

    result = _info(site, "plan")

    assert actions(result) == [("delete", "Anna", "account_disabled")]
    assert result["changes"][0]["state"] == "stopped"


def test_paused_rules_and_a_disabled_integration_plan_nothing(site: Site) -> None:
    anna = site.add_user("Anna")
    site.sync()
    site.admin.modify(anna, sn="Adler")
    site.sync(settings="saved", enabled=False)

    paused = _info(site, "rules", "plan", **_NOWHERE)
    site.sync(settings="saved", enabled=True, sync="on_first_save")
    site.connect(state="disabled")
    disabled = _info(site, "status", "plan", **_NOWHERE)

    assert paused["rules"]["users"]["enabled"] is False
    assert disabled["status"] == "disabled"
    for result in (paused, disabled):
        assert (result["changes"], result["plan_id"], set(result["summary"].values())) == ([], "", {0})


def test_all_of_it_reads_each_side_once(site: Site) -> None:
    _people(site)
    before = len(site.pbx.calls.all())

    _info(site, *_ALL)

    lists = [call.endpoint for call in site.pbx.calls.all()[before:] if call.endpoint.endswith("/list")]
    assert len(lists) == len(set(lists))


def test_the_page_of_the_status_reads_all_that_is_told(site: Site) -> None:
    _people(site)
    site.pbx.pbx.change_by_hand("1000", title="Boss")

    page = read_status(Fields.of(_info(site, *_ALL), "status"))

    assert (page.status, page.rules[1].kind, page.rules[1].enabled) == ("connected", "users", True)
    assert {one.kind: one.used for one in page.capacity} == {
        "extension": 1,
        "organization": 1,
        "extension_group": len(site.pbx.state.groups),
    }
    assert page.associations == {"extension": 1, "organization": 1, "extension_group": 1}
    (root,) = page.organizations
    assert [(one.name, one.extensions, one.synchronized) for one in root.children] == [("Staff", 1, True)]
    assert [(one.field, one.written, one.actual) for one in page.drift or ()] == [("title", "Clerk", "Boss")]
    assert len(page.runs) == 3


def test_check_mode_tells_the_same(site: Site) -> None:
    _people(site)

    told = [ask(site, "pbx_ad_info", check=check, gather=_ALL) for check in (True, False)]

    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("part", "option"),
    [("capacity", "pbx_url"), ("drift", "pbx_url"), ("plan", "pbx_url"), ("plan", "directory_port")],
)
def test_a_side_that_is_needed_and_down_is_an_error(site: Site, part: str, option: str) -> None:
    site.sync()

    assert ask(site, "pbx_ad_info", fails=True, gather=[part], **{option: _NOWHERE[option]})["msg"]


def test_another_base_dn_than_the_integrations_is_no_plan(site: Site) -> None:
    site.sync()
    other = site.add_unit("Other")

    assert "directory_base_dn" in ask(site, "pbx_ad_info", fails=True, gather=["plan"], directory_base_dn=other)["msg"]


def test_a_limit_that_is_none_is_refused(site: Site) -> None:
    assert "runs_limit" in ask(site, "pbx_ad_info", fails=True, runs_limit=0)["msg"]
