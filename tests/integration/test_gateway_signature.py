# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures of the Linkus SDK: given to pages of allowed origins, for users who have signed on, and kept nowhere."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator

import httpx
import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on_settings import SignOnMethod

from lab.gateway import GatewayProcess
from tests.integration.gateway_site import ORIGIN, OTHER_ADDRESS, PASSWORD, SDK_KEY, Browser, Site
from tests.integration.pbx_helpers import count
from tests.playbook.secret_search import SecretSearch, rows_of_sqlite


@pytest.fixture(scope="module")
def site(gateway_site: Site) -> Site:
    gateway_site.save(method=SignOnMethod.SIGNATURE)
    return gateway_site


@pytest.fixture(scope="module")
def gateway(site: Site) -> Iterator[GatewayProcess]:
    with site.gateway() as gateway:
        yield gateway


@pytest.fixture
def browser(site: Site, gateway: GatewayProcess) -> Iterator[Browser]:
    site.save(status="connected", enabled=True, method=SignOnMethod.SIGNATURE)
    with Browser(gateway) as browser:
        yield browser


def ask(browser: Browser, origin: str | None = ORIGIN) -> httpx.Response:
    """Ask for a signature, as a script of that origin does."""
    return browser.client.post("/signature", headers={"Origin": origin} if origin else {})


def logs_in(site: Site, username: str, signature: str) -> bool:
    """Whether an application of the Linkus SDK gets in with a signature."""
    answer = httpx.get(
        f"{site.emulator.url}/linkus/sdk",
        params={"username": username, "signature": signature},
        verify=ssl.create_default_context(cafile=str(site.emulator.ca_path)),
        trust_env=False,
    )
    return answer.status_code == httpx.codes.OK


def test_who_has_signed_on_is_logged_in_by_a_signature(site: Site, browser: Browser) -> None:
    person = site.person()
    before = site.linkus_password(person)
    response = browser.sign_on(person.upn, address="1")
    assert (response.status_code, response.headers["location"]) == (303, OTHER_ADDRESS)
    (cookie,) = [one for one in response.headers.get_list("set-cookie") if "session" in one]
    assert cookie.startswith("__Host-session=")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {
        "httponly",
        "max-age=900",
        "path=/",
        "samesite=strict",
        "secure",
    }
    answer = ask(browser)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["vary"] == "Origin"
    assert answer.headers["cache-control"] == "no-store"
    content = answer.json()
    assert set(content) == {"username", "signature", "pbx_url", "expires_in"}
    assert (content["username"], content["pbx_url"], content["expires_in"]) == (person.number, site.emulator.url, 60)
    assert logs_in(site, content["username"], content["signature"])
    site.emulator.clock.advance(61)
    assert not logs_in(site, content["username"], content["signature"])
    assert site.linkus_password(person) == before
    assert site.credentials() == []


def test_passwords_are_of_no_concern_to_linkus_then(site: Site, browser: Browser) -> None:
    person = site.person(password="kürzer-1A")
    assert browser.sign_on(person.upn, "kürzer-1A").status_code == 303


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", f"{ORIGIN}.evil.example", f"{ORIGIN}:8443", None]
)
def test_no_other_page_gets_one(site: Site, browser: Browser, origin: str | None) -> None:
    browser.sign_on(site.person().upn)
    asked = count(site.emulator, "sign/create")
    answer = ask(browser, origin)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    headers = {"Origin": origin or "", "Access-Control-Request-Method": "POST"}
    assert browser.client.options("/signature", headers=headers).status_code == 403
    assert count(site.emulator, "sign/create") == asked


def test_a_browser_that_asks_first_is_told_that_the_page_may(browser: Browser) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    answer = browser.client.options("/signature", headers=headers)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == "POST"


def test_nobody_gets_one_without_a_sign_on(browser: Browser) -> None:
    answer = ask(browser)
    assert (answer.status_code, answer.json()) == (401, {"error": "not_signed_on"})
    browser.client.cookies.set("__Host-session", "guess", domain="localhost.local", path="/")
    assert ask(browser).status_code == 401


def test_a_new_sign_on_is_a_new_session(site: Site, browser: Browser) -> None:
    person = site.person()
    sessions = []
    for _sign_on in range(2):
        browser.sign_on(person.upn)
        sessions.append(browser.client.cookies["__Host-session"])
    assert sessions[0] != sessions[1]
    assert min(len(session) for session in sessions) >= 43


def test_what_ends_the_right_ends_the_signatures(site: Site, browser: Browser) -> None:
    person = site.person()
    browser.sign_on(person.upn)
    assert ask(browser).status_code == 200
    site.associate(person, parked=True)
    assert ask(browser).status_code == 403
    site.associate(person)
    assert ask(browser).status_code == 200
    for off in ({"enabled": False}, {"method": SignOnMethod.PASSWORD}):
        site.save(**off)
        assert ask(browser).status_code == 403
        site.save(enabled=True, method=SignOnMethod.SIGNATURE)
    site.save(status="disabled")
    assert ask(browser).status_code == 403
    site.save(status="connected")
    site.forget(person)
    assert ask(browser).status_code == 403


def test_who_signs_out_has_to_sign_on_again(site: Site, browser: Browser) -> None:
    browser.sign_on(site.person().upn)
    stolen = browser.client.cookies["__Host-session"]
    assert browser.client.post("/sign-out", headers={"Origin": "https://evil.example"}).status_code == 403
    assert ask(browser).status_code == 200
    answer = browser.client.post("/sign-out", headers={"Origin": browser.gateway.url})
    assert answer.status_code == 200
    assert "You are signed out" in answer.text
    assert "__Host-session" not in browser.client.cookies
    with Browser(browser.gateway, Cookie=f"__Host-session={stolen}") as thief:
        assert ask(thief).status_code == 401


def test_a_pbx_that_gives_none_is_told_of(site: Site, browser: Browser) -> None:
    browser.sign_on(site.person().upn)
    site.emulator.fail("sign/create", "errcode", nth=1, errcode=60001)
    answer = ask(browser)
    assert (answer.status_code, answer.json()) == (403, {"error": "refused"})
    assert ask(browser).status_code == 200


def test_one_token_is_alive_and_none_afterwards(site: Site, browser: Browser) -> None:
    browser.sign_on(site.person().upn)
    ask(browser)
    assert site.emulator.state.live_tokens <= 1
    deadline = time.monotonic() + 20
    while site.emulator.state.live_tokens and time.monotonic() < deadline:
        time.sleep(0.1)
    assert site.emulator.state.live_tokens == 0


def test_no_signature_and_no_session_is_kept(site: Site, browser: Browser) -> None:
    browser.sign_on(site.person().upn)
    signature = ask(browser).json()["signature"]
    session = browser.client.cookies["__Host-session"]
    search = SecretSearch({signature, session, PASSWORD, SDK_KEY})
    assert search.in_text("log", browser.gateway.log) == []
    for row in rows_of_sqlite(site.ledger_path):
        assert search.in_text("ledger", row) == []
    assert search.in_folder(site.folder, besides=set(site.folder.rglob("credentials/*"))) == []
