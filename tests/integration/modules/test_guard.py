# SPDX-License-Identifier: GPL-3.0-or-later
"""Each danger that the guard counts: stopped in check mode and in a run, while the rest goes on; and let through."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from lab.directory_admin import DirectoryAdmin
from tests.integration.modules.site_under_test import Site, guard

Run = Callable[..., dict[str, Any]]

GROUPS: dict[str, Any] = {"sync_to": "extension_group"}


def _user(site: Site, name: str) -> str:
    return DirectoryAdmin.dn(name, site.base_dn)


def _run(site: Site, module: str) -> Run:
    def run(*, check: bool = False, fails: bool = False, **options: Any) -> dict[str, Any]:
        result = site.run(module, {**site.connection_options, **options}, check)
        assert bool(result.get("failed")) is fails, result.get("msg", result)
        return result

    return run


def _stopped(site: Site, run: Run, options: dict[str, Any], *words: str) -> dict[str, Any]:
    """Look at a breach in check mode, and then at the same in a run; return the result of that."""
    site.pbx.calls.clear()
    shown = run(check=True, fails=True, **options)
    assert site.writes() == []
    stopped = run(fails=True, **options)
    assert (shown["msg"], shown["guard_id"], shown["plan_id"]) == (
        stopped["msg"],
        stopped["guard_id"],
        stopped["plan_id"],
    )
    assert shown["summary"] == stopped["summary"]
    assert _of_state(shown, "stopped") == _of_state(stopped, "stopped") == stopped["changes"]
    for word in (*words, f"run once with allow_guarded: {stopped['guard_id']}."):
        assert word in stopped["msg"]
    return stopped


def _of_state(result: dict[str, Any], state: str) -> list[dict[str, Any]]:
    return [change for change in result["changes"] if change["state"] == state]


def _allowed(run: Run, options: dict[str, Any], stopped: dict[str, Any]) -> None:
    """Another id lets nothing through, and the right one everything that was stopped."""
    assert run(fails=True, **options, allow_guarded="0-0-0123456789abcdef")["summary"]["stopped"]
    assert run(**options, allow_guarded=stopped["guard_id"])["summary"]["stopped"] == 0
    assert not run(**options)["changed"]


def _numbers(site: Site) -> dict[str, str]:
    return {one["first_name"]: number for number, one in site.pbx.state.extensions.items()}


def _addresses(site: Site) -> dict[str, str]:
    return {one["first_name"]: one["email_addr"] for one in site.pbx.state.extensions.values()}


def test_deletions(site: Site) -> None:
    for name in ("Anna", "Bernd"):
        site.add_user(name)
    site.sync()
    for name in ("Anna", "Bernd"):
        site.admin.delete(_user(site, name))
    site.add_user("Carl")
    run = _run(site, "pbx_ad_user_sync")
    options = guard("deletions", floor=1, percent=50, count=9)

    words = "2 deletions, which is more than guard.deletions.floor 1 and more than guard.deletions.percent 50 of 2 "
    stopped = _stopped(site, run, options, words, "1000 (Anna", "1001 (Bernd")

    assert set(_numbers(site)) == {"Anna", "Bernd", "Carl"}
    _allowed(run, options, stopped)
    assert set(_numbers(site)) == {"Carl"}


def test_more_than_the_count_stops_however_small_the_share(site: Site) -> None:
    for number in range(5):
        site.add_user(f"User{number}")
    site.sync()
    for number in range(2):
        site.admin.delete(_user(site, f"User{number}"))

    words = "2 deletions, which is more than guard.deletions.floor 0 and more than guard.deletions.count 1:"
    options = guard("deletions", percent=100, count=1)
    _stopped(site, _run(site, "pbx_ad_user_sync"), options, words)


def test_releases(site: Site) -> None:
    for name in ("Anna", "Bernd"):
        site.add_user(name)
    site.sync()
    run = _run(site, "pbx_ad_user_sync")
    options = {"scope": "filter", "filter": "(givenName=Bernd)", **guard("releases")}

    stopped = _stopped(site, run, options, "1 releases", "guard.releases.floor 0", "1000 (Anna")

    assert stopped["summary"]["deleted"] == 0
    _allowed(run, options, stopped)
    assert set(_numbers(site)) == {"Anna", "Bernd"}


def test_renumberings(site: Site) -> None:
    """Anna and Bernd exchange their extensions; Carl is bound for the first time and goes on."""
    for name in ("Anna", "Bernd", "Carl"):
        site.add_user(name)
    for number in ("2001", "2002", "2003"):
        site.pbx.pbx.seed_extension(number, first_name=number)

    def bound(**numbers: str) -> dict[str, Any]:
        users = [{"user": _user(site, name), "extension": number} for name, number in numbers.items()]
        return {"scope": "users", "users": users, **guard("renumberings")}

    site.sync(**bound(Anna="2001", Bernd="2002"))
    run, options = _run(site, "pbx_ad_user_sync"), bound(Anna="2002", Bernd="2001", Carl="2003")

    stopped = _stopped(site, run, options, "2 renumberings", "2001 to 2002 (Anna", "2002 to 2001 (Bernd")

    assert [change["action"] for change in stopped["changes"]] == ["release", "release", "associate", "associate"]
    assert _numbers(site) == {"Anna": "2001", "Bernd": "2002", "Carl": "2003"}
    _allowed(run, options, stopped)
    assert _numbers(site) == {"Anna": "2002", "Bernd": "2001", "Carl": "2003"}


def test_email_changes(site: Site) -> None:
    """Titles go on; who is to have an address that is not given up waits, or keeps what they have."""
    anna = site.add_user("Anna", mail="anna@lab.test")
    bernd = site.add_user("Bernd")
    site.sync()
    site.admin.modify(anna, mail="adler@lab.test", title="Boss")
    site.admin.modify(bernd, mail="anna@lab.test", title="Clerk")
    site.add_user("Carl", mail="carl@lab.test")
    run = _run(site, "pbx_ad_user_sync")
    options = guard("email_changes")

    stopped = _stopped(site, run, options, "1 changes of e-mail addresses", "1000 (Anna")

    assert [(change["number"], change["after"]) for change in stopped["changes"]] == [
        ("1000", {"email_addr": "adler@lab.test"}),
        ("1001", {"email_addr": "anna@lab.test"}),
    ]
    assert _addresses(site) == {"Anna": "anna@lab.test", "Bernd": "", "Carl": "carl@lab.test"}
    assert [site.extension_of(name)["title"] for name in ("Anna", "Bernd")] == ["Boss", "Clerk"]
    _allowed(run, options, stopped)
    assert _addresses(site) == {"Anna": "adler@lab.test", "Bernd": "anna@lab.test", "Carl": "carl@lab.test"}


def test_an_extension_is_not_created_while_its_address_is_not_given_up(site: Site) -> None:
    anna = site.add_user("Anna", mail="anna@lab.test")
    site.sync()
    site.admin.modify(anna, mail="adler@lab.test", title="Boss")
    site.add_user("Carl", mail="anna@lab.test")
    run = _run(site, "pbx_ad_user_sync")

    stopped = _stopped(site, run, guard("email_changes"), "1 changes of e-mail addresses")

    assert [change["action"] for change in stopped["changes"]] == ["update", "create"]
    assert _addresses(site) == {"Anna": "anna@lab.test"}
    _allowed(run, guard("email_changes"), stopped)
    assert _addresses(site) == {"Anna": "adler@lab.test", "Carl": "anna@lab.test"}


def test_an_exchange_of_addresses(site: Site) -> None:
    """It is two changes, stops as a whole, and leaves nobody without an address; the titles go on."""
    people = {name: site.add_user(name, mail=f"{name.lower()}@lab.test") for name in ("Anna", "Bernd")}
    site.sync()
    site.admin.modify(people["Anna"], mail="bernd@lab.test", title="Boss")
    site.admin.modify(people["Bernd"], mail="anna@lab.test", title="Clerk")
    run = _run(site, "pbx_ad_user_sync")
    options = guard("email_changes", floor=1)

    stopped = _stopped(site, run, options, "2 changes of e-mail addresses", "guard.email_changes.floor 1")

    assert len(stopped["changes"]) == 3
    assert _addresses(site) == {"Anna": "anna@lab.test", "Bernd": "bernd@lab.test"}
    assert [site.extension_of(name)["title"] for name in ("Anna", "Bernd")] == ["Boss", "Clerk"]
    _allowed(run, options, stopped)
    assert _addresses(site) == {"Anna": "bernd@lab.test", "Bernd": "anna@lab.test"}


def test_an_address_changed_by_hand_that_is_not_put_back_stays_drift(site: Site) -> None:
    site.add_user("Anna", mail="anna@lab.test")
    site.sync()
    site.pbx.pbx.change_by_hand("1000", email_addr="hand@lab.test", title="Hand")
    options = guard("email_changes")

    stopped = _stopped(site, _run(site, "pbx_ad_user_sync"), options, "1 changes of e-mail addresses")

    assert site.extension_of("Anna")["title"] == ""
    again = site.sync_failing(check=True, **options)
    assert [(change["drift"], change["reason"]) for change in (*stopped["changes"], *again["changes"])] == [
        (["email_addr"], "drift"),
        (["email_addr"], "drift"),
    ]


def test_moves(site: Site) -> None:
    east, west = site.add_unit("East"), site.add_unit("West")
    anna = site.add_user("Anna", parent=east)
    site.units()
    site.sync()
    site.admin.move(anna, west)
    site.admin.modify(DirectoryAdmin.dn("Anna", west), title="Boss")
    run = _run(site, "pbx_ad_user_sync")

    stopped = _stopped(site, run, guard("moves"), "1 moves of extensions", "guard.moves.floor 0", "1000 (Anna")

    assert (site.organizations["East"], site.extension_of("Anna")["title"]) == ({"Anna"}, "Boss")
    _allowed(run, guard("moves"), stopped)
    assert (site.organizations["East"], site.organizations["West"]) == (set(), {"Anna"})


@pytest.mark.parametrize("kind", ["groups", "units"])
def test_member_removals_of_all_groups_together(site: Site, kind: str) -> None:
    run, options, leave = _two_groups(site, kind)
    leave("Anna", "East")
    leave("Carl", "West")
    options |= guard("member_removals", floor=1, percent=25, count=9)

    stopped = _stopped(site, run, options, "2 members to be taken out of groups", "East (1), West (1)", "of 5 members")

    assert site.members["East"] >= {"Anna", "Bernd", "Emil"}
    assert site.members["West"] >= {"Carl", "Dora"}
    _allowed(run, options, stopped)
    assert site.members["East"] == {"Bernd", "Emil"} | ({"Carl"} if kind == "units" else set())


@pytest.mark.parametrize("kind", ["groups", "units"])
def test_member_removals_of_one_group(site: Site, kind: str) -> None:
    run, options, leave = _two_groups(site, kind)
    leave("Anna", "East")
    leave("Bernd", "East")
    leave("Carl", "West")
    options |= guard("member_removals_per_group", floor=1, percent=40, count=9)

    stopped = _stopped(site, run, options, "out of 1 group(s)", "East (2 of 3)", "floor 1, percent 40, count 9")

    assert [change["name"] for change in stopped["changes"]] == ["East"]
    assert "Carl" not in site.members["West"]
    assert site.members["East"] >= {"Anna", "Bernd", "Emil"}
    _allowed(run, options, stopped)
    assert site.members["East"] == {"Emil"} | ({"Carl"} if kind == "units" else set())


def _two_groups(site: Site, kind: str) -> tuple[Run, dict[str, Any], Callable[[str, str], None]]:
    """East with three members and West with two, and what takes one of them out; by units they go to the other one."""
    everybody = {"Anna": "East", "Bernd": "East", "Emil": "East", "Carl": "West", "Dora": "West"}
    if kind == "units":
        units = {name: site.add_unit(name) for name in ("East", "West")}
        for name, place in everybody.items():
            site.add_user(name, parent=units[place])

        def move(name: str, place: str) -> None:
            site.admin.move(DirectoryAdmin.dn(name, units[place]), units["West" if place == "East" else "East"])

        site.sync()
        site.units(**GROUPS)
        return _run(site, "pbx_ad_ou_sync"), dict(GROUPS), move
    people = {name: site.add_user(name) for name in everybody}
    groups = {
        place: site.add_group(place, *(people[name] for name in everybody if everybody[name] == place))
        for place in ("East", "West")
    }

    def take_out(name: str, place: str) -> None:
        site.admin.remove_members(groups[place], [people[name]])

    site.sync()
    site.groups()
    return _run(site, "pbx_ad_group_sync"), {}, take_out


def test_one_danger_is_let_through_and_another_stays_stopped(site: Site) -> None:
    anna = site.add_user("Anna", mail="anna@lab.test")
    bernd = site.add_user("Bernd")
    site.sync()
    site.admin.modify(anna, mail="adler@lab.test")
    site.admin.delete(bernd)
    run, options = _run(site, "pbx_ad_user_sync"), guard("deletions", "email_changes")

    stopped = _stopped(site, run, options, "1 deletions", "1 changes of e-mail addresses")
    deletions = stopped["guard_id"].split("-")[0]
    half = run(fails=True, **options, allow_guarded=deletions)

    assert "deletions" not in half["msg"]
    assert _addresses(site) == {"Anna": "anna@lab.test"}
    # The name of the one that was not let through still holds.
    run(**options, allow_guarded=stopped["guard_id"])
    assert _addresses(site) == {"Anna": "adler@lab.test"}


def test_a_rule_saved_with_the_former_limits_is_carried_out_and_saved_anew(site: Site) -> None:
    site.add_user("Anna")
    site.sync()
    with sqlite3.connect(site.ledger_path) as ledger:
        (text,) = ledger.execute("SELECT settings FROM rules WHERE kind = 'users'").fetchone()
        former = {name: value for name, value in json.loads(text).items() if name != "guard"}
        former |= {"max_removals": 0, "max_removals_percent": 0.0, "max_moves": 1, "max_moves_percent": 10.0}
        ledger.execute("UPDATE rules SET settings = ? WHERE kind = 'users'", [json.dumps(former)])
    ledger.close()

    assert not site.update()["changed"]

    shown = site.run("pbx_ad_info", {**site.connection_options, "gather": ["rules"]}, False)
    settings = shown["rules"]["users"]["settings"]
    assert settings["guard"]["deletions"] == {"floor": 5, "percent": 5.0, "count": 100}
    assert not {name for name in settings if name.startswith("max_")}
