# SPDX-License-Identifier: GPL-3.0-or-later
"""The invariants, each with tests that try to break it: proved reads, bystanders, kills, the guard, tokens, secrets."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.directory_admin import DirectoryAdmin
from lab.ldap_proxy.faults import Fault, referral, result
from lab.ldap_proxy.process import LdapProxy
from lab.samba import DomainController
from tests.integration.modules.site_under_test import Site, actions, codes, guard

PEOPLE = ("Anna", "Bernd", "Carl", "Dora", "Emil", "Frida")


@pytest.fixture(name="filled")
def _filled(site: Site) -> Site:
    """A site with six synchronized users and one extension made by hand."""
    site.pbx.pbx.seed_extension("5000", first_name="hand", email_addr="hand@lab.test")
    for name in PEOPLE:
        site.add_user(name, mail=f"{name}@lab.test".lower())
    site.sync()
    site.pbx.calls.clear()
    return site


def through(site: Site, proxy: LdapProxy, **options: Any) -> dict[str, Any]:
    """Options by which a run reads the directory through the proxy."""
    return {"directory_host": proxy.address, "directory_port": proxy.ldaps_port, **options}


# --- 1: no removal on an unproven read ---

PAGE_FAULTS = [
    *(pytest.param(result(code, entries=0), id=f"result {code}") for code in (1, 3, 4, 11, 12, 32, 50, 51, 52, 53, 80)),
    pytest.param(result(4, entries=2), id="result 4 after some entries"),
    pytest.param(referral("ldap://127.0.0.1:1/"), id="referral"),
    pytest.param(Fault("lose_control"), id="lost control"),
    pytest.param(Fault("cut", when="before"), id="cut before"),
    pytest.param(Fault("cut", when="middle"), id="cut in the middle"),
]


@pytest.mark.parametrize("fault", PAGE_FAULTS)
@pytest.mark.parametrize("page", [1, 2])
def test_a_directory_answer_that_is_not_complete_removes_nothing(
    filled: Site, ldap_proxy: LdapProxy, fault: Fault, page: int
) -> None:
    ldap_proxy.control.set_limits(max_page_size=4)
    ldap_proxy.control.set_faults([replace(fault, page=page, base=filled.base_dn, filter="objectCategory=person")])
    before = filled.pbx.state.extensions

    outcome = filled.sync_failing(**through(filled, ldap_proxy, out_of_scope="delete", deletion_proof="absence"))

    assert "Traceback" not in outcome["msg"]
    assert filled.pbx.state.extensions == before
    assert filled.writes() == []
    assert not filled.sync()["changed"]


def test_a_cookie_lost_in_silence_removes_nothing(filled: Site, ldap_proxy: LdapProxy) -> None:
    """An answer that looks complete and is not: the users it lacks are asked for one by one, and found in scope."""
    ldap_proxy.control.set_limits(max_page_size=4)
    ldap_proxy.control.set_faults([Fault("lose_cookie", page=1, nth=_scope_search(filled, ldap_proxy))])

    outcome = filled.sync_failing(**through(filled, ldap_proxy, out_of_scope="delete"))

    assert "cut short" in outcome["msg"]
    assert filled.writes() == []


def test_an_answer_that_is_short_in_whatever_pages_it_is_counted_removes_nothing(
    filled: Site, ldap_proxy: LdapProxy
) -> None:
    """Of six users four are shown, and four are counted; the two others are found in scope when asked for."""
    search = _scope_search(filled, ldap_proxy)
    shown, counted = result(0, entries=4, nth=search), result(0, entries=4, nth=search + 1)
    ldap_proxy.control.set_faults([shown, counted])

    outcome = filled.sync_failing(**through(filled, ldap_proxy, out_of_scope="delete"))

    assert "left out 2 user(s)" in outcome["msg"]
    assert filled.writes() == []


def test_a_scope_that_answers_nobody_however_it_is_asked_removes_nobody_whose_place_is_in_it(
    filled: Site, ldap_proxy: LdapProxy
) -> None:
    """The directory contradicts itself: where the users live, asked for by objectGUID alone, is below the base DN."""
    ldap_proxy.control.set_faults([replace(result(0, entries=0), base=filled.base_dn, filter="objectCategory=person")])

    outcome = filled.sync_failing(**through(filled, ldap_proxy, out_of_scope="delete", deletion_proof="absence"))

    assert "left out 6 user(s)" in outcome["msg"]
    assert filled.writes() == []


def _scope_search(site: Site, proxy: LdapProxy) -> int:
    """Which search of a run, counted from 1, reads the scope."""
    proxy.control.set_faults([])
    site.sync(**through(site, proxy))
    searches = [row for row in proxy.control.searches() if row["page"] == 1]
    number: int = next(
        row["search"]
        for row in searches
        if "objectCategory=person" in row["filter"] and row["base"].lower() == site.base_dn.lower()
    )
    return number - searches[0]["search"] + 1


def test_a_range_that_is_not_followed_to_its_end_removes_nobody_from_a_group(site: Site, ldap_proxy: LdapProxy) -> None:
    members = [site.add_user(name) for name in PEOPLE]
    group = DirectoryAdmin.dn(f"Group {site.base_dn[3:17]}", site.base_dn)
    site.admin.add_group(group.split(",", 1)[0][3:], parent=site.base_dn, members=members)
    rule: dict[str, Any] = {"scope": "groups", "groups": [group], "out_of_scope": "delete"}
    ldap_proxy.control.set_limits(max_value_range=4)
    site.sync(**through(site, ldap_proxy, **rule))
    assert len(site.names) == len(PEOPLE)
    for mode in ("stops", "repeats", "gap", "moved", "endless"):
        ldap_proxy.control.set_faults([Fault("range", mode=mode, page=None)])

        site.sync_failing(**through(site, ldap_proxy, **rule))

        assert len(site.names) == len(PEOPLE)


def test_an_unreachable_directory_removes_nothing(filled: Site) -> None:
    outcome = filled.sync_failing(directory_port=1, directory_timeout=3)

    assert "directory_host" in outcome["msg"]
    assert filled.writes() == []


@pytest.mark.parametrize(
    ("endpoint", "kind", "fields"),
    [
        ("extension/list", "short_page", {"rows": 2}),
        ("extension/list", "larger_total", {"rows": 2}),
        ("extension/list", "missing_ids", {"ids": (2,)}),
        ("extension/list", "garbage", {}),
        ("extension/list", "errcode", {"errcode": -2}),
        ("extension/query", "garbage", {}),
        ("extension/list", "cut_mid_answer", {}),
        ("system/capacity", "errcode", {"errcode": 10005}),
    ],
)
def test_a_list_of_the_pbx_that_is_not_complete_changes_nothing(
    filled: Site, endpoint: str, kind: Any, fields: dict[str, Any]
) -> None:
    filled.admin.delete(DirectoryAdmin.dn("Anna", filled.base_dn))
    filled.pbx.fail(endpoint, kind, **fields)

    filled.sync_failing()

    assert filled.writes() == []


def test_ids_that_a_query_leaves_out_are_not_taken_for_gone(filled: Site) -> None:
    ids = tuple(extension["id"] for extension in filled.pbx.state.extensions.values())
    filled.pbx.fail("extension/query", "missing_ids", ids=ids[:2])

    assert not filled.sync()["changed"]


def test_an_extension_that_a_list_and_its_total_leave_out_is_asked_for(filled: Site) -> None:
    filled.admin.delete(DirectoryAdmin.dn("Anna", filled.base_dn))
    filled.pbx.fail("extension/list", "missing_ids", ids=(filled.extension_of("Anna")["id"],))
    filled.pbx.fail("extension/list", "larger_total", rows=-1)

    outcome = filled.sync_failing()

    assert "lacks extension 1000" in outcome["msg"]
    assert filled.writes() == []
    filled.pbx.faults.clear()
    assert actions(filled.sync()) == [("delete", "Anna", "account_deleted")]


# --- 2: bystanders ---


def test_an_extension_that_no_association_names_is_never_changed(filled: Site) -> None:
    before = filled.pbx.state.extensions["5000"]
    site = filled
    for name in PEOPLE:
        site.admin.delete(DirectoryAdmin.dn(name, site.base_dn))

    site.sync(**guard("deletions", floor=len(PEOPLE)))

    assert site.pbx.state.extensions == {"5000": before}


# --- 3: numbers ---


def test_a_freed_number_rests(filled: Site) -> None:
    filled.admin.delete(DirectoryAdmin.dn("Anna", filled.base_dn))
    filled.sync()
    filled.add_user("Gustav")

    filled.sync()

    assert filled.extension_of("Gustav")["number"] == "1006"
    assert "1000" not in filled.names


def test_the_number_of_an_extension_found_gone_rests_too(filled: Site) -> None:
    filled.admin.delete(DirectoryAdmin.dn("Anna", filled.base_dn))
    filled.pbx.pbx.delete_by_hand("1000")
    assert actions(filled.sync()) == [("release", "Anna", "extension_gone")]
    filled.add_user("Gustav")

    filled.sync()

    assert filled.extension_of("Gustav")["number"] == "1006"


# --- 6: killed at any moment ---


@pytest.mark.parametrize("endpoint", ["extension/create", "extension/update", "extension/delete"])
@pytest.mark.parametrize("kind", ["cut_before_work", "cut_after_work", "cut_mid_answer"])
def test_a_lost_answer_ends_as_if_it_had_not_been_lost(filled: Site, endpoint: str, kind: Any) -> None:
    _change_three(filled)
    filled.pbx.fail(endpoint, kind, nth=1)

    filled.sync()

    _expect_three_changes(filled)


@pytest.mark.parametrize("endpoint", ["extension/create", "extension/update", "extension/delete"])
@pytest.mark.parametrize("work_done", [False, True], ids=["before the work", "after the work"])
def test_a_run_killed_at_a_write_is_completed_by_the_next(filled: Site, endpoint: str, work_done: bool) -> None:
    _change_three(filled)
    _kill_at(filled, endpoint, work_done=work_done)

    recovered = filled.sync()["recovered"]

    assert len(recovered) == 1
    _expect_three_changes(filled)
    assert _journal_rows(filled, "intended") == 0


@pytest.mark.parametrize("work_done", [False, True], ids=["before the work", "after the work"])
def test_check_mode_after_a_kill_shows_what_the_next_run_does_and_settles_nothing(
    filled: Site, work_done: bool
) -> None:
    _change_three(filled)
    _kill_at(filled, "extension/create", work_done=work_done)
    files = {path: path.read_bytes() for path in filled.ledger_path.parent.iterdir()}
    filled.pbx.calls.clear()

    shown = filled.sync(check=True)

    assert {path: path.read_bytes() for path in filled.ledger_path.parent.iterdir()} == files
    assert filled.writes() == []
    done = filled.sync()
    assert (shown["plan_id"], shown["recovered"]) == (done["plan_id"], done["recovered"])
    assert len(done["recovered"]) == 1


def _kill_at(site: Site, endpoint: str, *, work_done: bool) -> None:
    """Start a run and kill it while it waits for the answer to its first call of an endpoint."""
    # The answer is held back, after the work or before it, for longer than the process lives.
    site.pbx.fail(endpoint, "latency", nth=1, seconds=20, work_done=work_done)
    process = _start(site)
    action = endpoint.removeprefix("extension/")
    _wait_for(
        lambda: _journal_rows(site, "intended", action) == 1 and (not work_done or _is_done(site, endpoint)),
    )
    process.kill()
    process.communicate()
    site.pbx.faults.clear()
    site.pbx.expire_tokens()


def _change_three(site: Site) -> None:
    site.admin.delete(DirectoryAdmin.dn("Anna", site.base_dn))
    site.admin.modify(DirectoryAdmin.dn("Bernd", site.base_dn), sn="Neu")
    site.add_user("Gustav", mail="gustav@lab.test")


def _expect_three_changes(site: Site) -> None:
    assert sorted(site.names.values()) == sorted([*PEOPLE[1:], "Gustav", "hand"])
    assert site.extension_of("Bernd")["last_name"] == "Neu"
    site.pbx.calls.clear()
    again = site.sync()
    assert not again["changed"]
    assert site.writes() == []
    # Nobody's extension is left without its association.
    assert again["conflicts"] == []
    assert again["summary"]["unchanged"] == len(PEOPLE)


def _is_done(site: Site, endpoint: str) -> bool:
    names = site.names
    if endpoint == "extension/create":
        return "Gustav" in names.values()
    if endpoint == "extension/delete":
        return "Anna" not in names.values()
    return bool(site.extension_of("Bernd")["last_name"] == "Neu")


def _journal_rows(site: Site, state: str, action: str = "") -> int:
    """How many changes the journal has in a state; of one action, if one is given."""
    with sqlite3.connect(f"file:{site.ledger_path}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT change FROM journal WHERE state = ?", (state,)).fetchall()
    return sum(1 for (change,) in rows if action in ("", json.loads(change)["action"]))


def _start(site: Site, **options: Any) -> subprocess.Popen[str]:
    """Start pbx_ad_user_sync in a process of its own."""
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**site.connection_options, **options}})
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    module = "ansible_collections.pbxops.yeastar.plugins.modules.pbx_ad_user_sync"
    process = subprocess.Popen(
        [sys.executable, "-m", module],
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


def _wait_for(condition: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


# --- 7: one object's failure ---


def test_one_refused_change_does_not_stop_the_others(filled: Site) -> None:
    for name in ("Gustav", "Hanna", "Ida"):
        filled.add_user(name)
    filled.pbx.fail("extension/create", "errcode", nth=2, errcode=40002)

    outcome = filled.sync_failing(pbx_concurrency=1)

    assert [(change["name"].split("-")[0], change["state"]) for change in outcome["changes"]] == [("Hanna", "failed")]
    assert "Hanna" in outcome["msg"]
    assert {"Gustav", "Ida"} <= set(filled.names.values())
    filled.sync()
    assert "Hanna" in filled.names.values()


def test_a_failed_run_is_remembered_as_failed(filled: Site) -> None:
    filled.add_user("Gustav")
    filled.pbx.fail("extension/create", "errcode", nth=1, errcode=40002)

    failed, done = filled.sync_failing(), filled.sync()

    with sqlite3.connect(f"file:{filled.ledger_path}?mode=ro", uri=True) as connection:
        states = dict(connection.execute("SELECT id, state FROM runs").fetchall())
    assert states[failed["run_id"]] == "failed"
    assert states[done["run_id"]] == "succeeded"


def test_a_creation_whose_outcome_stays_unknown_fails_alone_and_is_settled_by_the_next_run(filled: Site) -> None:
    """Without a mail address nothing but the journal tells whose the new extension is."""
    for name in ("Gustav", "Hanna"):
        filled.add_user(name)
    filled.pbx.fail("extension/create", "cut_after_work", nth=1)
    filled.pbx.fail("extension/search", "garbage")

    outcome = filled.sync_failing()

    assert [(change["name"].split("-")[0], change["state"]) for change in outcome["changes"]] == [("Gustav", "unknown")]
    assert "Gustav" in outcome["msg"]
    assert "Hanna" in filled.names.values()
    filled.pbx.faults.clear()
    filled.pbx.calls.clear()
    settled = filled.sync()
    assert [(one["action"], one["state"]) for one in settled["recovered"]] == [("create", "done")]
    assert filled.writes() == []
    assert list(filled.names.values()).count("Gustav") == 1


def test_what_needs_a_change_that_failed_is_not_tried(filled: Site) -> None:
    filled.admin.delete(DirectoryAdmin.dn("Anna", filled.base_dn))
    filled.add_user("Successor", mail="anna@lab.test")
    filled.pbx.fail("extension/delete", "errcode", nth=1, errcode=40002)

    outcome = filled.sync_failing()

    assert [(change["action"], change["state"]) for change in outcome["changes"]] == [
        ("delete", "failed"),
        ("create", "skipped"),
    ]
    assert filled.writes() == ["extension/delete"]
    filled.sync()
    assert filled.extension_of("Successor")["email_addr"] == "anna@lab.test"


def test_an_address_that_a_pbx_administrator_has_fails_that_user_alone(filled: Site) -> None:
    filled.add_user("Gustav", mail="pbx.admin@example.test")
    filled.add_user("Hanna", mail="hanna@lab.test")

    outcome = filled.sync_failing()

    assert "pbx.admin@example.test" in outcome["msg"]
    assert "Hanna" in filled.names.values()


def test_what_does_not_fit_the_licence_is_named_and_the_rest_is_done(site: Site) -> None:
    for name in ("Anna", "Bernd", "Carl"):
        site.add_user(name)
    site.pbx.pbx.seed_extensions(site.pbx.settings.extensions_max - 2, 3000)

    outcome = site.sync()

    assert codes(outcome) == [("Carl", "no_capacity")]
    assert {"Anna", "Bernd"} <= set(site.names.values())


def test_an_error_that_no_call_would_survive_ends_the_run_and_the_next_one_does_the_rest(filled: Site) -> None:
    for name in ("Gustav", "Hanna", "Ida"):
        filled.add_user(name)
    filled.pbx.fail("extension/create", "errcode", nth=2, times=None, errcode=10005)

    outcome = filled.sync_failing(pbx_concurrency=1)

    assert [change["state"] for change in outcome["changes"]] == ["unknown", "skipped"]
    assert "ended early" in outcome["msg"]
    filled.pbx.faults.clear()
    recovered = filled.sync()["recovered"]
    assert [one["state"] for one in recovered] == ["failed"]
    assert sorted(filled.names.values()) == sorted([*PEOPLE, "Gustav", "Hanna", "Ida", "hand"])


def test_a_change_whose_outcome_stays_unknown_is_told_and_settled_by_the_next_run(filled: Site) -> None:
    filled.add_user("Gustav")
    filled.add_user("Hanna")
    filled.pbx.fail("extension/create", "cut_before_work", nth=1, times=20)

    outcome = filled.sync_failing()

    assert {change["state"] for change in outcome["changes"]} == {"unknown"}
    filled.pbx.faults.clear()
    filled.sync()
    assert {"Gustav", "Hanna"} <= set(filled.names.values())
    assert not filled.sync()["changed"]


def test_a_welcome_mail_that_was_refused_is_told_and_not_sent_again(filled: Site) -> None:
    filled.add_user("Gustav", mail="gustav@lab.test")
    filled.pbx.fail("extension/send_welcome_email", "errcode", nth=1, errcode=40002)

    outcome = filled.sync_failing(send_welcome_email=True)

    assert "1006" in outcome["msg"]
    assert "welcome" in outcome["msg"]
    assert not filled.sync(send_welcome_email=True)["changed"]
    assert len(filled.pbx.calls.all("extension/send_welcome_email")) == 1


# --- 8: the guard ---


def test_many_removals_stop_and_only_they(site: Site) -> None:
    names = [f"Leaver{number:02}" for number in range(12)]
    for name in names:
        site.add_user(name)
    site.sync()
    for name in names:
        site.admin.delete(DirectoryAdmin.dn(name, site.base_dn))
    site.add_user("Anna")

    shown = site.sync_failing(check=True)
    assert shown["summary"]["stopped"] == 12
    stopped = site.sync_failing()
    assert stopped["summary"]["stopped"] == 12
    assert "allow_guarded" in stopped["msg"]
    assert "Leaver00" in stopped["msg"]
    assert set(site.names.values()) == {*names, "Anna"}

    site.sync_failing(allow_guarded="0123456789abcdef")
    assert set(site.names.values()) == {*names, "Anna"}

    allowed = site.sync(allow_guarded=stopped["guard_id"])
    assert allowed["summary"]["deleted"] == 12
    assert set(site.names.values()) == {"Anna"}


def test_releases_are_counted_by_themselves(site: Site) -> None:
    inside, outside = site.add_unit("Inside"), site.add_unit("Outside")
    rule: dict[str, Any] = {"scope": "organizational_units", "organizational_units": ["Inside"]}
    people = [site.add_user(f"Mover{number}", parent=inside) for number in range(3)]
    site.sync(**rule)
    for dn in people:
        site.admin.move(dn, outside)

    assert site.sync_failing(**rule, **guard("releases", floor=2))["summary"]["stopped"] == 3
    assert site.sync(**rule, **guard("releases", floor=2, percent=100, count=3))["summary"]["released"] == 3


# --- 9: secrets ---


def test_no_secret_is_in_any_result_or_in_the_ledger(filled: Site) -> None:
    secrets = [
        filled.directory.sync_account.password,
        filled.pbx.settings.client_secret,
        *_passwords_sent(filled),
    ]
    filled.add_user("Gustav")
    filled.pbx.fail("extension/create", "errcode", nth=1, errcode=40001)
    failing = filled.sync_failing()
    done = filled.sync()
    wrong = filled.run("pbx_ad_connection", {**filled.connection_options, "pbx_client_secret": "Wr0ngSecret"}, False)
    secrets.extend(_passwords_sent(filled))

    shown = json.dumps([{**one, "invocation": None} for one in (failing, done, wrong)])
    stored = b"".join(path.read_bytes() for path in filled.ledger_path.parent.iterdir())

    assert len(secrets) > 2
    for secret in secrets:
        assert secret not in shown
        assert secret.encode() not in stored
    assert "Wr0ngSecret" not in json.dumps(wrong["msg"])


def test_no_two_passwords_are_the_same_in_one_run_or_in_the_next(filled: Site) -> None:
    for name in ("Gustav", "Hanna"):
        filled.add_user(name)
    filled.sync()
    filled.add_user("Ida")
    filled.sync()

    passwords = _passwords_sent(filled)

    assert len(passwords) == 6
    assert len(set(passwords)) == len(passwords)


def _passwords_sent(site: Site) -> list[str]:
    bodies = [json.loads(call.raw_body) for call in site.pbx.calls.all("extension/create")]
    return [body[name] for body in bodies for name in ("user_password", "reg_password")]


# --- 10: one ledger, one pair; one run at a time ---


def test_a_ledger_refuses_another_pbx(filled: Site) -> None:
    filled.pbx.pbx.settings = replace(filled.pbx.pbx.settings, serial_number="9999X9999999")

    assert "serial number" in filled.sync_failing()["msg"]
    assert "9999X9999999" in filled.connect()["msg"]
    assert filled.writes() == []


def test_another_base_dn_is_refused_until_it_is_connected(filled: Site) -> None:
    unit = filled.add_unit("Narrow")

    assert "directory_base_dn" in filled.sync_failing(directory_base_dn=unit)["msg"]
    assert filled.connect(directory_base_dn=unit)["changed"]
    assert actions(filled.sync(directory_base_dn=unit, check=True, **guard("releases", floor=100))) == [
        ("release", name, "out_of_scope") for name in PEOPLE
    ]


def test_a_run_without_a_connection_is_refused(site: Site) -> None:
    outcome = site.try_sync()

    assert outcome["failed"]
    assert "pbx_ad_connection" in outcome["msg"]


def test_a_second_run_at_once_fails_and_says_who_holds_the_ledger(filled: Site) -> None:
    filled.pbx.fail("extension/list", "latency", nth=1, seconds=5)
    process = _start(filled)
    _wait_for(lambda: filled.pbx.calls.all("get_token"))

    outcome = filled.sync_failing()

    assert f"pbx_ad_user_sync, process {process.pid}" in outcome["msg"]
    printed = process.communicate()[0]
    assert not json.loads(printed.splitlines()[-1]).get("failed"), printed


# --- 11: tokens ---


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_run_and_its_token(filled: Site, number: signal.Signals) -> None:
    filled.add_user("Gustav")
    filled.pbx.fail("extension/create", "latency", nth=1, seconds=8)
    process = _start(filled)
    _wait_for(lambda: _journal_rows(filled, "intended") == 1)

    process.send_signal(number)
    printed = process.communicate()[0]

    assert "interrupted" in json.loads(printed.splitlines()[-1])["msg"]
    assert filled.pbx.state.live_tokens == 0
    filled.sync()
    assert list(filled.names.values()).count("Gustav") == 1


def test_at_most_one_token_lives_during_a_run(filled: Site) -> None:
    filled.add_user("Gustav")
    filled.pbx.fail("extension/create", "expired_token", nth=1)

    filled.sync()

    taken = filled.pbx.calls.all("get_token")
    assert len(taken) + len(filled.pbx.calls.all("refresh_token")) == 2
    assert len(filled.pbx.calls.all("del_token")) == 1


# --- messages ---


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"directory_password": "wrong"}, ["directory_username", "directory_password"]),
        ({"directory_password": ""}, ["directory_password"]),
        ({"directory_base_dn": "DC=nowhere,DC=test"}, ["directory_base_dn"]),
        ({"directory_base_dn": "no dn at all"}, ["directory_base_dn"]),
        ({"directory_host": "nowhere.invalid"}, ["directory_host"]),
        ({"directory_ca_path": "/nonexistent.pem"}, ["directory_ca_path"]),
        ({"directory_ca_path": ""}, ["directory_host", "directory_ca_path"]),
        ({"directory_protocol": "ldap", "directory_port": 389}, ["directory_protocol"]),
        ({"pbx_client_secret": "wrong"}, ["pbx_client_secret"]),
        ({"pbx_url": "https://127.0.0.1:1"}, ["pbx_url"]),
        ({"pbx_url": "pbx.example.com"}, ["pbx_url"]),
        ({"pbx_ca_path": ""}, ["pbx_ca_path", "pbx_validate_certs"]),
    ],
)
def test_a_wrong_connection_option_is_told_by_its_name(site: Site, options: dict[str, Any], words: list[str]) -> None:
    outcome = site.connect(**options)

    assert outcome["failed"]
    for word in words:
        assert word in outcome["msg"]
    assert not Path(site.ledger_path).exists() or not site.connect(check=True).get("failed")


@pytest.mark.parametrize("protocol", ["start_tls", "ldaps"])
def test_both_ways_of_tls_connect(site: Site, protocol: str) -> None:
    port = {"start_tls": 389, "ldaps": 636}[protocol]

    outcome = site.connect(directory_protocol=protocol, directory_port=port)

    assert not outcome.get("failed"), outcome
    assert outcome["status"] == "connected"
    assert outcome["deleted_objects_readable"]
    assert not site.connect(directory_protocol=protocol, directory_port=port)["changed"]


def test_check_mode_connects_nothing(site: Site) -> None:
    shown = site.connect(check=True)

    assert shown["changed"]
    assert not site.ledger_path.parent.exists()
    site.connect()
    files = {path: path.read_bytes() for path in site.ledger_path.parent.iterdir()}
    assert site.connect(check=True, directory_timeout=7)["changed"]
    assert {path: path.read_bytes() for path in site.ledger_path.parent.iterdir()} == files


def test_plain_ldap_works_where_the_directory_allows_it_and_is_warned_of(
    site: Site, lax_lab_directory: DomainController
) -> None:
    other = replace(site, directory=lax_lab_directory, base_dn=lax_lab_directory.base_dn)

    outcome = other.connect(directory_protocol="ldap", directory_port=389)

    assert not outcome.get("failed"), outcome
    assert any("directory_protocol is ldap" in warning for warning in outcome["warnings"])


def test_a_second_directory_on_a_connected_integration_is_refused(
    site: Site, lax_lab_directory: DomainController
) -> None:
    site.connect()
    other = replace(site, directory=lax_lab_directory, base_dn=lax_lab_directory.base_dn)

    connected = other.connect()
    synchronized = other.try_sync(directory_base_dn=site.base_dn)

    assert "disconnect" in connected["msg"].lower()
    assert synchronized["failed"]
    assert site.sync()["ledger_path"] == str(site.ledger_path)


def test_a_run_is_refused_by_another_directory_with_the_same_names(
    filled: Site, lax_lab_directory: DomainController
) -> None:
    """A domain is known by its objectGUID: one rebuilt under the same names has none of the users."""
    filled.connect(directory_base_dn=filled.admin.base_dn)
    other = replace(filled, directory=lax_lab_directory, base_dn=lax_lab_directory.base_dn)
    assert other.base_dn == filled.admin.base_dn

    outcome = other.sync_failing(deletion_proof="absence", **guard("deletions", floor=100))

    assert "belongs to the domain" in outcome["msg"]
    assert filled.writes() == []


def test_a_ledger_has_a_place_of_its_own_for_each_pbx(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    state = site.ledger_path.parent
    monkeypatch.setenv("XDG_STATE_HOME", str(state))

    outcome = site.connect(ledger_path=None)

    expected = state / "pbxops.yeastar" / f"127.0.0.1_{site.pbx.port}.sqlite3"
    assert outcome["ledger_path"] == str(expected)
    assert expected.stat().st_mode & 0o777 == 0o600


def test_firmware_without_an_open_api_is_refused(site: Site) -> None:
    site.pbx.pbx.settings = replace(site.pbx.pbx.settings, firmware_version="37.7.0.15")

    assert "37.7.0.16" in site.connect()["msg"]
