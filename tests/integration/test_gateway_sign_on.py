# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-ons at a running gateway, over TLS, against a domain controller and a PBX: who can, who cannot, what is left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from lab.gateway import GatewayProcess
from tests.integration.gateway_site import (
    LOGIN_ADDRESS,
    OTHER_ADDRESS,
    PASSWORD,
    Browser,
    Person,
    Site,
    problem_in,
)
from tests.integration.pbx_helpers import count

REFUSED = "You are not signed on"
HALF_AN_HOUR = -18_000_000_000


@pytest.fixture(scope="module")
def site(gateway_site: Site) -> Site:
    return gateway_site


@pytest.fixture(scope="module")
def gateway(site: Site) -> Iterator[GatewayProcess]:
    with site.gateway() as gateway:
        yield gateway


@pytest.fixture
def browser(site: Site, gateway: GatewayProcess) -> Iterator[Browser]:
    site.save(status="connected", enabled=True, confirmation=False)
    with Browser(gateway) as browser:
        yield browser


def cause(gateway: GatewayProcess) -> str:
    """The cause of the last refusal, as the log has it."""
    refusals = [line for line in gateway.log.splitlines() if "event=refused" in line]
    return refusals[-1].partition("cause=")[2].partition(" ")[0]


# --- who can ------------------------------------------------------------------------------------------------------


def test_a_proved_password_becomes_that_of_linkus(site: Site, browser: Browser) -> None:
    person = site.person()
    response = browser.sign_on(person.upn)
    assert (response.status_code, response.headers["location"]) == (303, LOGIN_ADDRESS)
    assert site.log_in_to_linkus(person.email, PASSWORD)
    assert site.log_in_to_linkus(person.number, PASSWORD)
    (credential,) = [one for one in site.credentials() if one.guid == person.guid]
    assert credential.extension_id == person.extension_id
    assert datetime.now(UTC) - credential.set_at < timedelta(minutes=5)


def test_both_names_of_a_user_are_taken_in_any_case(site: Site, browser: Browser) -> None:
    person = site.person()
    for name in (person.upn, person.upn.upper(), person.other_name, person.other_name.upper(), f" {person.upn} "):
        assert browser.sign_on(name).status_code == 303


def test_the_login_address_is_chosen_by_its_index(site: Site, browser: Browser) -> None:
    person = site.person()
    assert browser.sign_on(person.upn, address="1").headers["location"] == OTHER_ADDRESS


def test_with_confirmation_a_page_tells_the_names(site: Site, browser: Browser) -> None:
    person = site.person()
    site.save(confirmation=True)
    response = browser.sign_on(person.upn)
    assert response.status_code == 200
    assert person.email in response.text
    assert person.number in response.text
    assert LOGIN_ADDRESS in response.text
    assert PASSWORD not in response.text


def test_a_changed_password_takes_the_place_of_the_old_one(site: Site, browser: Browser) -> None:
    person = site.person()
    browser.sign_on(person.upn)
    site.admin.set_password(person.dn, "Another-Horse-88")
    assert problem_in(browser.sign_on(person.upn, PASSWORD)) == REFUSED
    assert browser.sign_on(person.upn, "Another-Horse-88").status_code == 303
    assert site.log_in_to_linkus(person.email, "Another-Horse-88")
    assert not site.log_in_to_linkus(person.email, PASSWORD)


@pytest.mark.parametrize("password", ["Grüße-an-Alle-1", "密码Pass-1234567"])
def test_a_password_that_linkus_does_not_take_is_explained(site: Site, browser: Browser, password: str) -> None:
    person = site.person(password=password)
    response = browser.sign_on(person.upn, password)
    assert (response.status_code, problem_in(response)) == (422, "Your password does not fit Linkus")
    assert "letters without accents" in response.text
    assert site.credentials() == [one for one in site.credentials() if one.guid != person.guid]


def test_rules_that_are_not_met_are_named_each(site: Site, browser: Browser) -> None:
    person = site.person(password="short-A")
    response = browser.sign_on(person.upn, "short-A")
    assert "at least 10 characters" in response.text
    assert "a digit" in response.text
    assert "capital letter" not in response.text


# --- who cannot ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", ["Wrong-Horse-77", PASSWORD.lower(), f"{PASSWORD} ", f" {PASSWORD}"])
def test_a_wrong_password_is_refused(site: Site, gateway: GatewayProcess, browser: Browser, password: str) -> None:
    person = site.person()
    before = site.linkus_password(person)
    response = browser.sign_on(person.upn, password)
    assert (response.status_code, problem_in(response)) == (403, REFUSED)
    assert cause(gateway) == "log_in_refused_52e"
    assert site.linkus_password(person) == before


def disable(site: Site, person: Person) -> None:
    site.admin.set_enabled(person.dn, False)


def expire(site: Site, person: Person) -> None:
    site.admin.set_expiry(person.dn, datetime.now(UTC) - timedelta(days=1))


def demand_change(site: Site, person: Person) -> None:
    site.admin.modify(person.dn, pwdLastSet=0)


def delete(site: Site, person: Person) -> None:
    site.admin.delete(person.dn)


def forget(site: Site, person: Person) -> None:
    site.forget(person)


def park(site: Site, person: Person) -> None:
    site.associate(person, parked=True)


@pytest.mark.parametrize(
    ("barring", "logged"),
    [
        (disable, "log_in_refused_533"),
        (expire, "log_in_refused_701"),
        (demand_change, "log_in_refused_773"),
        (delete, "log_in_refused_"),
        (forget, "unknown_name"),
        (park, "parked"),
    ],
)
def test_who_is_barred_is_told_nothing_more(
    site: Site, gateway: GatewayProcess, browser: Browser, barring: object, logged: str
) -> None:
    person = site.person()
    assert callable(barring)
    barring(site, person)
    before = site.linkus_password(person)
    response = browser.sign_on(person.upn)
    assert (response.status_code, problem_in(response)) == (403, REFUSED)
    assert cause(gateway).startswith(logged)
    assert site.linkus_password(person) == before


def test_nobody_else_is_ever_tried_at_the_directory(site: Site, gateway: GatewayProcess, browser: Browser) -> None:
    outsider = site.person(synchronized=False)
    for _try in range(3):
        assert problem_in(browser.sign_on(outsider.upn)) == REFUSED
    assert cause(gateway) == "unknown_name"
    logon = site.admin.read(outsider.dn, "badPwdCount", "lastLogon", "logonCount")
    assert int(logon.get("badPwdCount", [b"0"])[0]) == 0
    assert int(logon.get("lastLogon", [b"0"])[0]) == 0


def test_a_name_that_has_changed_hands_signs_nobody_on(site: Site, gateway: GatewayProcess, browser: Browser) -> None:
    former, latter = site.person(), site.person()
    site.admin.modify(former.dn, userPrincipalName="moved.on@example.org")
    site.admin.modify(latter.dn, userPrincipalName=former.upn)
    assert problem_in(browser.sign_on(former.upn)) == REFUSED
    assert cause(gateway) == "name_of_another_account"
    assert site.linkus_password(former) != PASSWORD
    assert site.linkus_password(latter) != PASSWORD


def test_the_gateway_stops_before_the_domain_locks_an_account(
    site: Site, gateway: GatewayProcess, browser: Browser
) -> None:
    person = site.person()
    root = site.directory.base_dn
    policy = ("lockoutThreshold", "lockOutObservationWindow", "lockoutDuration")
    before = {name: values[0] for name, values in site.admin.read(root, *policy).items()}
    site.admin.modify(root, lockoutThreshold=5, lockOutObservationWindow=HALF_AN_HOUR, lockoutDuration=HALF_AN_HOUR)
    try:
        problems = [problem_in(browser.sign_on(name, "Wrong-Horse-77")) for name in [person.upn, person.other_name] * 5]
        assert problems[:3] == [REFUSED] * 3
        assert "Too many attempts" in problems
        assert int(site.admin.read(person.dn, "badPwdCount")["badPwdCount"][0]) == site.settings.failures_per_user
        assert not site.admin.read(person.dn, "lockoutTime").get("lockoutTime")
        # The right password does not get through either, until the time is over.
        assert browser.sign_on(person.upn).status_code in (403, 429)
    finally:
        site.admin.modify(root, **before)


def test_a_locked_account_is_told_nothing_more(site: Site, gateway: GatewayProcess, browser: Browser) -> None:
    person = site.person()
    root = site.directory.base_dn
    policy = ("lockoutThreshold", "lockOutObservationWindow", "lockoutDuration")
    before = {name: values[0] for name, values in site.admin.read(root, *policy).items()}
    site.admin.modify(root, lockoutThreshold=2, lockOutObservationWindow=HALF_AN_HOUR, lockoutDuration=HALF_AN_HOUR)
    try:
        for password in ("Wrong-Horse-77", "Wrong-Horse-78", PASSWORD):
            assert problem_in(browser.sign_on(person.upn, password)) == REFUSED
        assert cause(gateway) == "log_in_refused_775"
    finally:
        site.admin.modify(root, **before)


# --- switches -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("off", [{"enabled": False}, {"status": "disabled"}])
def test_what_an_administrator_switches_off_is_off_at_once(
    site: Site, browser: Browser, off: dict[str, object]
) -> None:
    person = site.person()
    token = browser.token()
    site.save(**off)  # type: ignore[arg-type]
    fields = {"csrf": token, "username": person.upn, "password": PASSWORD}
    for response in (browser.client.get("/"), browser.send(fields)):
        assert response.status_code == 503
        assert "Sign-on is switched off" in response.text
    assert site.linkus_password(person) != PASSWORD
    site.save(enabled=True, status="connected")
    assert browser.send(fields).status_code == 303


# --- the PBX's token ----------------------------------------------------------------------------------------------


def test_one_token_serves_all_and_none_is_left_when_nothing_is_to_do(site: Site, browser: Browser) -> None:
    people = [site.person() for _person in range(3)]
    deadline = time.monotonic() + 20
    while site.emulator.state.live_tokens and time.monotonic() < deadline:
        time.sleep(0.1)
    site.emulator.calls.clear()
    for person in people:
        browser.sign_on(person.upn)
    assert count(site.emulator, "get_token") == 1
    assert site.emulator.state.live_tokens == 1
    deadline = time.monotonic() + 20
    while site.emulator.state.live_tokens and time.monotonic() < deadline:
        time.sleep(0.1)
    assert site.emulator.state.live_tokens == 0
    assert count(site.emulator, "del_token") == 1
