# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way of a user: a real browser, the gateway over TLS, a domain controller and a PBX."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from lab.directory_admin import DirectoryAdmin
from lab.gateway import GatewayProcess
from lab.pbx.testing import running_emulator
from lab.pbx.variants import Variants
from lab.samba import DomainController
from lab.tls import CertificateAuthority
from tests.integration.gateway_site import PASSWORD, Person, Site

Opened = Callable[..., Page]


@pytest.fixture(name="site", scope="module")
def _site(
    tmp_path_factory: pytest.TempPathFactory,
    lab_authority: CertificateAuthority,
    lab_directory: DomainController,
    directory_admin: DirectoryAdmin,
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    variants = Variants(first_log_in_changes_password=True)
    pbx = running_emulator(authority=lab_authority, variants=variants, token_limit=1)
    with pbx as emulator, directory_admin.unit_of_its_own() as unit:
        yield Site(folder, lab_authority, lab_directory, directory_admin, emulator, lab_directory.address, unit)


@pytest.fixture(name="gateway", scope="module")
def _gateway(site: Site) -> Iterator[GatewayProcess]:
    site.save()
    with site.gateway(page={"organization": "Example Ltd", "languages": ["en", "de"]}) as gateway:
        yield gateway


@pytest.fixture(name="linkus")
def _linkus(site: Site) -> str:
    """The login address: a page of the PBX, which is there. Users are sent to it at once."""
    address = f"{site.emulator.url}/login"
    site.save(login_addresses=(address,), confirmation=False)
    return address


@pytest.fixture(name="opened")
def _opened(browser: Browser, gateway: GatewayProcess) -> Iterator[Opened]:
    """Opens the form in a context of its own. The browser must have nothing to say about the gateway until the end."""
    contexts: list[BrowserContext] = []
    said: list[tuple[str, str]] = []

    def opened(**context_options: Any) -> Page:
        context = browser.new_context(ignore_https_errors=True, **context_options)
        contexts.append(context)
        context.on("console", lambda message: said.append((message.location["url"], message.text)))
        page = context.new_page()
        page.goto(gateway.url)
        return page

    yield opened
    for context in contexts:
        context.close()
    of_gateway = [text for url, text in said if url.startswith(gateway.url)]
    # That an answer is no success, Chromium says by itself.
    assert [text for text in of_gateway if "the server responded with a status of" not in text] == []


def _sign_on(page: Page, person: Person, password: str = PASSWORD) -> None:
    """Fill the form in and send it, with keys alone, from where the page put the focus."""
    # A key that comes before the page has put the focus goes nowhere.
    expect(page.locator("[autofocus]")).to_be_focused()
    if not page.get_by_label("User name").input_value():
        page.keyboard.type(person.upn)
        page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


@pytest.mark.parametrize("java_script_enabled", [True, False])
def test_a_user_signs_on_and_is_taken_to_linkus(
    java_script_enabled: bool, site: Site, linkus: str, opened: Opened
) -> None:
    person = site.person()
    page = opened(java_script_enabled=java_script_enabled)

    with page.expect_request(linkus):
        _sign_on(page, person)

    expect(page).to_have_url(linkus)
    assert site.linkus_password(person) == PASSWORD


def test_a_wrong_password_is_told_and_the_right_one_is_all_that_is_left_to_enter(
    site: Site, linkus: str, opened: Opened
) -> None:
    person = site.person()
    page = opened()

    _sign_on(page, person, "Wrong-Horse-78")

    expect(page.get_by_role("alert")).to_contain_text("You are not signed on")
    expect(page.get_by_label("User name")).to_have_value(person.upn)
    expect(page.get_by_label("Windows password")).to_have_value("")
    assert Axe().run(page).response["violations"] == []

    _sign_on(page, person)

    expect(page).to_have_url(linkus)


def test_rules_of_the_pbx_are_told_to_whom_has_proved_who_he_is(site: Site, linkus: str, opened: Opened) -> None:
    short = "Horse-77"
    person = site.person(password=short)
    page = opened(locale="de-AT")
    expect(page.locator("[autofocus]")).to_be_focused()

    page.keyboard.type(person.upn)
    page.keyboard.press("Tab")
    page.keyboard.type(short)
    page.keyboard.press("Enter")

    expect(page.get_by_role("alert").get_by_role("listitem")).to_have_text(["Es hat mindestens 10 Zeichen."])
    assert site.linkus_password(person) != short


def _log_in_to_linkus(page: Page, name: str, password: str) -> None:
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_linkus_takes_the_windows_password_again_after_the_change_that_it_asks_for_first(
    site: Site, linkus: str, opened: Opened, gateway: GatewayProcess
) -> None:
    person = site.person()
    page = opened()
    _sign_on(page, person)
    expect(page).to_have_url(linkus)

    _log_in_to_linkus(page, person.email, PASSWORD)
    page.get_by_label("I agree").check()
    page.get_by_label("New password").fill("Other-Horse-91")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text(f"extension {person.number}")).to_be_visible()
    assert site.linkus_password(person) == "Other-Horse-91"

    page.goto(gateway.url)
    _sign_on(page, person)
    expect(page).to_have_url(linkus)
    _log_in_to_linkus(page, person.number, PASSWORD)

    expect(page.get_by_text(f"extension {person.number}")).to_be_visible()


def test_with_confirmation_the_names_are_told_first(site: Site, linkus: str, opened: Opened) -> None:
    site.save(confirmation=True)
    person = site.person()
    page = opened()

    _sign_on(page, person)

    expect(page.get_by_role("heading", level=1)).to_have_text("Your password now works in Linkus")
    expect(page.get_by_role("listitem")).to_have_text([person.email, person.number])
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("link", name="Go on to").click()
    expect(page).to_have_url(linkus)


def test_of_several_addresses_the_chosen_one_is_opened(site: Site, linkus: str, opened: Opened) -> None:
    site.save(login_addresses=("https://elsewhere.example.test/", linkus))
    person = site.person()
    page = opened()

    page.get_by_role("radio", name=linkus.split("/")[2]).check()
    page.get_by_label("User name").focus()
    _sign_on(page, person)

    expect(page).to_have_url(linkus)


def test_who_goes_back_finds_no_password(site: Site, linkus: str, opened: Opened) -> None:
    person = site.person()
    page = opened()
    _sign_on(page, person)
    expect(page).to_have_url(linkus)

    page.go_back()

    expect(page.get_by_role("heading", level=1)).to_have_text("Sign on to Linkus")
    expect(page.get_by_label("Windows password")).to_have_value("")


def test_a_page_that_is_not_there_leads_to_the_form(gateway: GatewayProcess, opened: Opened) -> None:
    page = opened()
    page.goto(f"{gateway.url}/elsewhere")

    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    page.get_by_role("link", name="To the sign-on page").click()

    expect(page.get_by_label("User name")).to_be_focused()
