# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory, a PBX or a ledger that is dead, slow or refuses: a clear page soon, and nothing left that is unknown."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.directory_admin import DirectoryAdmin
from lab.gateway import GatewayProcess
from lab.ldap_proxy.faults import Fault
from lab.ldap_proxy.process import LdapProxy
from lab.samba import LDAPS_PORT, DomainController
from lab.tls import CertificateAuthority
from tests.integration.gateway_site import LATER, PASSWORD, Browser, Site, problem_in, running_site
from tests.integration.ledger_stores import PostgresqlStore
from tests.integration.pbx_helpers import count, vary

NO_DIRECTORY = "Your password cannot be checked now"
NO_PBX = "The phone system does not answer"
UNKNOWN = "Sign on once more"
REFUSED = "Linkus does not take your password"
# Of the configuration below: a connection or an answer, and what a user waits for at most.
TIMEOUT, WAIT = 2, 4
# The gateway's own pause after a PBX that could not be reached, and a little more.
PAUSE = 5.5


@pytest.fixture(scope="module")
def site(gateway_site: Site) -> Site:
    return gateway_site


@pytest.fixture
def gateway(site: Site, ldap_proxy: LdapProxy) -> Iterator[GatewayProcess]:
    """A gateway of its own for each test, which begins with a PBX that is well."""
    site.host, site.port = ldap_proxy.address, ldap_proxy.ldaps_port
    site.save()
    tables = {"directory": {"timeout": TIMEOUT}, "pbx": {"timeout": TIMEOUT, "wait": WAIT}}
    with site.gateway(**tables) as gateway:
        yield gateway
    site.emulator.faults.clear()


@pytest.fixture
def browser(gateway: GatewayProcess) -> Iterator[Browser]:
    with Browser(gateway) as browser:
        yield browser


def assert_problem(browser: Browser, name: str, problem: str, status: int = 503) -> None:
    """Whatever is silent is so for ever: that there is an answer at all shows that nobody waits for it."""
    response = browser.sign_on(name)
    assert (response.status_code, problem_in(response)) == (status, problem), browser.gateway.log


def noted(site: Site, extension_id: int) -> bool:
    """Whether the ledger has a credential of an extension."""
    return extension_id in [one.extension_id for one in site.credentials()]


# --- the directory ------------------------------------------------------------------------------------------------


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        port: int = listener.getsockname()[1]
        yield port


@pytest.mark.parametrize("name", ["known", "nobody@lab.test"])
def test_a_directory_that_is_not_there(site: Site, browser: Browser, name: str) -> None:
    person = site.person()
    with socket.socket() as taken:
        taken.bind((site.host, 0))
        site.port = taken.getsockname()[1]
        site.save()
        assert_problem(browser, person.upn if name == "known" else name, NO_DIRECTORY)


@pytest.mark.parametrize("name", ["known", "nobody@lab.test"])
def test_a_directory_that_is_silent(site: Site, browser: Browser, silent_port: int, name: str) -> None:
    person = site.person()
    site.host, site.port = "127.0.0.1", silent_port
    site.save()
    for _try in range(4):
        assert_problem(browser, person.upn if name == "known" else name, NO_DIRECTORY)
    # It has seen no password, so none of these was a failure of the user.
    site.host, site.port = site.directory.address, LDAPS_PORT
    site.save()
    assert browser.sign_on(person.upn).status_code == 303


def test_a_directory_that_does_not_answer_the_log_in(site: Site, browser: Browser, ldap_proxy: LdapProxy) -> None:
    person = site.person()
    ldap_proxy.control.set_faults([Fault("delay", on="bind", seconds=TIMEOUT + 2)])
    for _try in range(site.settings.failures_per_user + 1):
        assert_problem(browser, person.upn, NO_DIRECTORY)
    assert_problem(browser, "nobody@lab.test", NO_DIRECTORY)
    # Each of them may have been counted there.
    named = [row for row in ldap_proxy.control.log() if row["operation"] == "bind" and row["name"]]
    assert len(named) <= site.settings.failures_per_user


@pytest.mark.parametrize(
    "fault",
    [
        Fault("cut", on="bind"),
        Fault("cut", on="search"),
        Fault("result", on="bind", code=51, message="busy"),
        Fault("result", on="search", code=52, message="unavailable"),
        Fault("result", on="search", code=10, uris=("ldaps://evil.example",)),
    ],
)
def test_a_directory_that_fails_amid_a_sign_on(
    site: Site, browser: Browser, ldap_proxy: LdapProxy, fault: Fault
) -> None:
    person = site.person()
    ldap_proxy.control.set_faults([fault])
    response = browser.sign_on(person.upn)
    assert response.status_code in (403, 503)
    assert site.linkus_password(person) != PASSWORD
    assert not noted(site, person.extension_id)
    ldap_proxy.control.set_faults([])
    assert browser.sign_on(person.upn).status_code == 303


def test_a_directory_whose_certificate_is_not_trusted_gets_no_password(
    site: Site, gateway: GatewayProcess, browser: Browser, ldap_proxy: LdapProxy
) -> None:
    person = site.person()
    ldap_proxy.control.clear()
    # By a name that the certificate does not hold.
    site.host = "localhost" if ldap_proxy.address == "127.0.0.1" else f"{ldap_proxy.address}.nip.example"
    site.save()
    assert_problem(browser, person.upn, NO_DIRECTORY)
    assert [row for row in ldap_proxy.control.log() if row["operation"] == "bind"] == []


# --- the PBX ------------------------------------------------------------------------------------------------------


def test_a_pbx_that_is_not_there_and_comes_back(site: Site, browser: Browser) -> None:
    person = site.person()
    site.emulator.stop()
    try:
        for _try in range(3):
            assert_problem(browser, person.upn, NO_PBX)
    finally:
        site.emulator.start()
    assert not noted(site, person.extension_id)
    time.sleep(PAUSE)
    assert browser.sign_on(person.upn).status_code == 303


def test_a_pbx_that_is_slow(site: Site, browser: Browser) -> None:
    person = site.person()
    site.emulator.fail("extension/update", "latency", nth=1, seconds=TIMEOUT + 1)
    assert_problem(browser, person.upn, UNKNOWN)
    assert noted(site, person.extension_id)


def test_a_pbx_that_is_slow_to_let_in(site: Site, browser: Browser) -> None:
    person = site.person()
    site.emulator.fail("get_token", "latency", nth=1, seconds=TIMEOUT + 1)
    assert_problem(browser, person.upn, NO_PBX)
    assert not noted(site, person.extension_id)
    # That token is given late, and nobody knows it.
    time.sleep(2)
    assert site.emulator.state.live_tokens == 1
    site.emulator.expire_tokens()


@pytest.mark.parametrize("kind", ["cut_before_work", "cut_after_work", "cut_mid_answer", "garbage", "http_500"])
def test_a_pbx_whose_answer_is_lost(site: Site, browser: Browser, kind: str) -> None:
    person = site.person()
    site.emulator.fail("extension/update", kind, nth=1)  # type: ignore[arg-type]
    assert_problem(browser, person.upn, UNKNOWN)
    assert noted(site, person.extension_id)
    assert count(site.emulator, "extension/update") >= 1


@pytest.mark.parametrize("errcode", [-2, 2])
def test_a_pbx_that_leaves_one_password_open_is_asked_for_others(site: Site, browser: Browser, errcode: int) -> None:
    person, other = site.person(), site.person()
    site.emulator.calls.clear()
    site.emulator.fail("extension/update", "errcode", nth=1, errcode=errcode)
    assert_problem(browser, person.upn, UNKNOWN)
    assert noted(site, person.extension_id)
    assert browser.sign_on(other.upn).status_code == 303
    assert (count(site.emulator, "get_token"), count(site.emulator, "del_token")) == (1, 0)


@pytest.mark.parametrize(("errcode", "seconds"), [(-2, 5), (2, 5), (70082, 60)])
def test_a_log_in_that_the_pbx_does_not_decide_is_not_tried_at_once_again(
    site: Site, browser: Browser, errcode: int, seconds: int
) -> None:
    person = site.person()
    site.emulator.calls.clear()
    site.emulator.fail("get_token", "errcode", nth=1, errcode=errcode)
    for _try in range(2):
        assert_problem(browser, person.upn, NO_PBX)
    assert count(site.emulator, "get_token") == 1
    assert f" not_asked_for_seconds={seconds}\n" in browser.gateway.log
    assert not noted(site, person.extension_id)


def test_a_pbx_that_refuses_a_password_that_was_used_before(site: Site, browser: Browser) -> None:
    person = site.person()
    vary(site.emulator, password_history=3)
    try:
        assert browser.sign_on(person.upn).status_code == 303
        site.admin.set_password(person.dn, "Another-Horse-88")
        assert browser.sign_on(person.upn, "Another-Horse-88").status_code == 303
        site.admin.set_password(person.dn, PASSWORD)
        assert_problem(browser, person.upn, REFUSED, 422)
    finally:
        vary(site.emulator, password_history=0)
    # What the sign-on before has set is still there, and to be ended one day.
    assert noted(site, person.extension_id)
    assert site.linkus_password(person) == "Another-Horse-88"


def test_a_pbx_that_refuses_the_first_password_leaves_nothing_behind(site: Site, browser: Browser) -> None:
    person = site.person()
    vary(site.emulator, user_password_length_min=20)
    try:
        assert_problem(browser, person.upn, REFUSED, 422)
    finally:
        vary(site.emulator, user_password_length_min=10)
    assert not noted(site, person.extension_id)


def test_an_extension_that_was_deleted_by_hand(site: Site, browser: Browser) -> None:
    person = site.person()
    site.emulator.pbx.delete_by_hand(person.number)
    response = browser.sign_on(person.upn)
    assert response.status_code in (403, 422)
    assert not noted(site, person.extension_id)


def test_a_pbx_that_wants_passwords_in_base64(site: Site, ldap_proxy: LdapProxy) -> None:
    site.host, site.port = ldap_proxy.address, ldap_proxy.ldaps_port
    site.save()
    person = site.person()
    vary(site.emulator, passwords_in_base64=True)
    try:
        with site.gateway(pbx={"passwords_in_base64": True}) as gateway, Browser(gateway) as browser:
            assert browser.sign_on(person.upn).status_code == 303
    finally:
        vary(site.emulator, passwords_in_base64=False)
    assert site.linkus_password(person) == PASSWORD


def test_a_token_that_ends_early_is_renewed(site: Site, browser: Browser) -> None:
    person, other = site.person(), site.person()
    assert browser.sign_on(person.upn).status_code == 303
    site.emulator.expire_tokens()
    assert browser.sign_on(other.upn).status_code == 303
    assert site.emulator.state.live_tokens == 1


def test_a_log_in_that_the_pbx_refuses_is_not_tried_again_and_again(site: Site, browser: Browser) -> None:
    person = site.person()
    site.emulator.calls.clear()
    site.emulator.fail("get_token", "errcode", errcode=-1)
    for _try in range(6):
        assert_problem(browser, person.upn, NO_PBX)
    # Five of them would make the PBX block this machine, the synchronization too.
    assert count(site.emulator, "get_token") == 1


# --- the ledger ---------------------------------------------------------------------------------------------------


def test_a_ledger_that_is_not_there(site: Site, browser: Browser) -> None:
    person = site.person()
    token = browser.token()
    away = site.ledger_path.with_suffix(".away")
    site.ledger_path.rename(away)
    try:
        assert browser.send({"csrf": token, "username": person.upn, "password": PASSWORD}).status_code == 500
        health = browser.client.get("/health")
        assert (health.status_code, health.text) == (503, "the ledger cannot be read")
        assert "event=turned_away status=500 problem=internal_error method=POST path=/ " in browser.gateway.log
        assert " cause=ledger text=" in browser.gateway.log
    finally:
        away.rename(site.ledger_path)
    assert browser.client.get("/health").text == "ok"
    assert browser.send({"csrf": token, "username": person.upn, "password": PASSWORD}).status_code == 303


def test_a_ledger_in_postgresql_that_a_run_writes_at_the_same_time(
    tmp_path: Path,
    lab_authority: CertificateAuthority,
    lab_directory: DomainController,
    directory_admin: DirectoryAdmin,
    postgresql_store: Callable[[], PostgresqlStore],
) -> None:
    with running_site(tmp_path, lab_authority, lab_directory, directory_admin) as site:
        site.address = postgresql_store().location
        site.save()
        people = [site.person() for _one in range(3)]
        with site.gateway() as gateway, Browser(gateway) as browser:
            with site.ledger() as ledger:
                run = ledger.begin_run("test", (), "", LATER)
                for person in people:
                    assert browser.sign_on(person.upn).status_code == 303
                ledger.finish_run(run, "succeeded", {}, "", LATER)
            assert browser.client.get("/health").text == "ok"
        assert all(noted(site, person.extension_id) for person in people)


def test_a_ledger_that_a_run_writes_at_the_same_time(site: Site, browser: Browser) -> None:
    people = [site.person() for _one in range(3)]
    with site.ledger() as ledger:
        run = ledger.begin_run("test", (), "", LATER)
        for person in people:
            assert browser.sign_on(person.upn).status_code == 303
        ledger.finish_run(run, "succeeded", {}, "", LATER)
    assert all(noted(site, person.extension_id) for person in people)
