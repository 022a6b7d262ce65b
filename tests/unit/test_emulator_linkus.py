# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's Linkus: who gets in with what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Response

from lab.pbx.linkus_pages import LinkusPages
from tests.unit.emulator_calls import Asker, errcode, invalid_fields, logged_in

PASSWORD = "Hk7rTq29Lm"
OTHER_PASSWORD = "Zw4pXn81Qc"
JSON = {"Accept": "application/json"}
SDK = {"linkus_sdk_id": "SDKACCESSID", "linkus_sdk_secret": "SDKACCESSKEY"}
PAIR = {"username": SDK["linkus_sdk_id"], "password": SDK["linkus_sdk_secret"]}


class Browser:
    """A user's browser at one PBX."""

    def __init__(self, asker: Asker) -> None:
        def otherwise(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            return Response("the Open API")(environ, start_response)

        self._client = Client(LinkusPages(lambda: asker.pbx, otherwise))

    def get(self, path: str, **arguments: Any) -> TestResponse:
        """Open a page."""
        return self._client.get(path, **arguments)

    def log_in(self, username: str, password: str, headers: dict[str, str] | None = None) -> TestResponse:
        """Send the form of the log-in page."""
        return self._client.post("/login", data={"username": username, "password": password}, headers=headers)

    def change(self, ticket: str, new_password: str, consent: str = "1") -> TestResponse:
        """Send the form that changes the initial password; the answer is JSON."""
        form = {"ticket": ticket, "new_password": new_password, "consent": consent}
        return self._client.post("/login/password", data=form, headers=JSON)

    def post_json(self, path: str, content: Any) -> TestResponse:
        """Send JSON, and take it."""
        return self._client.post(path, json=content, headers=JSON)

    def sdk(self, username: str, signature: str) -> TestResponse:
        """What an application built with the Linkus SDK does."""
        query = {"username": username, "signature": signature}
        return self._client.get("/linkus/sdk", query_string=query, headers=JSON)


def with_anna(**settings: Any) -> tuple[Asker, Browser, int]:
    """A PBX with one extension, a browser at it, and the extension's id."""
    asker = logged_in(**settings)
    extension_id = asker.pbx.seed_extension(
        "1201",
        first_name="Anna",
        last_name="<Adler>",
        email_addr="anna@example.test",
        user_password=PASSWORD,
    )
    return asker, Browser(asker), extension_id


def outcomes(asker: Asker) -> list[tuple[str, str, str, str]]:
    """The log-ins tried: means, name as given, number and outcome."""
    return [(one.means, one.username, one.number, one.outcome) for one in asker.pbx.linkus.log_ins]


# Log-in with the user password


def test_the_form_asks_for_user_name_and_password() -> None:
    _asker, browser, _id = with_anna()
    response = browser.get("/login")
    assert (response.status_code, response.content_type) == (200, "text/html; charset=utf-8")
    assert response.headers["Cache-Control"] == "no-store"
    for part in ('<label for="username">', '<label for="password">', 'type="password"', 'lang="en"'):
        assert part in response.text
    assert "alert" not in response.text


@pytest.mark.parametrize("username", ["1201", "anna@example.test", "Anna@Example.Test"])
def test_number_or_address_and_user_password_let_in(username: str) -> None:
    asker, browser, _id = with_anna()
    response = browser.log_in(username, PASSWORD)
    assert response.status_code == 200
    assert '<p id="extension" data-number="1201" data-name="Anna &lt;Adler&gt;">' in response.text
    assert browser.log_in(username, PASSWORD, JSON).json == {"number": "1201", "name": "Anna <Adler>"}
    assert outcomes(asker) == [("password", username, "1201", "accepted")] * 2


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("1201", PASSWORD.lower()),
        ("1201", f"{PASSWORD} "),
        ("1201", ""),
        ("1201", "pässwörd"),
        ("", PASSWORD),
        ("1202", PASSWORD),
        ("anna", PASSWORD),
        ("pbx.admin@example.test", PASSWORD),
    ],
)
def test_nothing_else_lets_in(username: str, password: str) -> None:
    asker, browser, _id = with_anna()
    response = browser.log_in(username, password)
    assert response.status_code == 401
    assert 'id="error" role="alert"' in response.text
    assert 'id="extension"' not in response.text
    refused = browser.log_in(username, password, JSON)
    assert (refused.status_code, list(refused.json or {})) == (401, ["error"])
    assert outcomes(asker) == [("password", username, "", "refused")] * 2


def test_an_extension_without_a_password_lets_nobody_in() -> None:
    asker, browser, _id = with_anna()
    asker.pbx.change_by_hand("1201", user_password="")
    assert browser.log_in("1201", "").status_code == 401


def test_what_is_typed_is_shown_as_text() -> None:
    _asker, browser, _id = with_anna()
    page = browser.log_in('"><script>', "x").text
    assert "<script>" not in page
    assert "&#34;&gt;&lt;script&gt;" in page


def test_a_password_stands_in_no_page_and_no_record() -> None:
    asker, browser, _id = with_anna()
    pages = [browser.log_in("1201", PASSWORD), browser.log_in("1201", OTHER_PASSWORD)]
    for page in pages:
        assert PASSWORD not in page.text
        assert OTHER_PASSWORD not in page.text
    assert PASSWORD not in repr(asker.pbx.linkus.log_ins)
    assert OTHER_PASSWORD not in repr(asker.pbx.linkus.log_ins)


def test_json_may_come_as_well_as_a_form() -> None:
    _asker, browser, _id = with_anna()
    assert browser.post_json("/login", {"username": "1201", "password": PASSWORD}).status_code == 200
    assert browser.post_json("/login", {"username": "1201", "password": 7}).status_code == 401
    assert browser.post_json("/login", ["1201", PASSWORD]).status_code == 401


def test_the_password_that_update_sets_is_the_one_that_counts() -> None:
    asker, browser, extension_id = with_anna()
    assert errcode(asker.post("extension/update", {"id": extension_id, "user_password": OTHER_PASSWORD})) == 0
    assert browser.log_in("1201", PASSWORD).status_code == 401
    asker.vary(password_history=1)
    for refused in ("short1A", OTHER_PASSWORD):
        body = {"id": extension_id, "user_password": refused}
        assert invalid_fields(asker.post("extension/update", body)).keys() == {"user_password"}
    assert browser.log_in("1201", OTHER_PASSWORD).status_code == 200
    assert errcode(asker.get("extension/delete", id=extension_id)) == 0
    assert browser.log_in("1201", OTHER_PASSWORD).status_code == 401


def test_a_password_in_base64_is_typed_in_clear() -> None:
    asker, browser, extension_id = with_anna()
    asker.vary(passwords_in_base64=True)
    assert errcode(asker.post("extension/update", {"id": extension_id, "user_password": "Wnc0cFhuODFRYw=="})) == 0
    assert browser.log_in("1201", OTHER_PASSWORD).status_code == 200


def test_other_paths_are_the_open_api_s() -> None:
    _asker, browser, _id = with_anna()
    for path in ("/", "/openapi/v1.0/get_token", "/login/other", "//login", "/linkus"):
        assert browser.get(path).text == "the Open API"
    assert browser.get("/login/password").status_code == 405


# The first log-in


def first_log_in(browser: Browser, password: str = PASSWORD) -> str:
    """The ticket of a first log-in."""
    response = browser.log_in("1201", password, JSON)
    assert response.status_code == 403
    assert response.json is not None
    ticket: str = response.json["ticket"]
    return ticket


def test_the_first_log_in_asks_for_another_password_and_takes_it() -> None:
    asker, browser, _id = with_anna()
    asker.vary(first_log_in_changes_password=True)
    page = browser.log_in("1201", PASSWORD)
    assert page.status_code == 403
    assert 'id="new_password"' in page.text
    assert 'id="extension"' not in page.text
    assert browser.change(first_log_in(browser), OTHER_PASSWORD).json == {"number": "1201", "name": "Anna <Adler>"}
    assert browser.log_in("1201", PASSWORD).status_code == 401
    assert browser.log_in("1201", OTHER_PASSWORD, JSON).status_code == 200
    assert [outcome for *_others, outcome in outcomes(asker)] == [
        "change_asked",
        "change_asked",
        "changed",
        "refused",
        "accepted",
    ]


def test_a_wrong_password_gives_no_ticket() -> None:
    asker, browser, _id = with_anna()
    asker.vary(first_log_in_changes_password=True)
    response = browser.log_in("1201", OTHER_PASSWORD, JSON)
    assert (response.status_code, list(response.json or {})) == (401, ["error"])


@pytest.mark.parametrize(
    ("new_password", "rule"),
    [(PASSWORD, "history"), ("short1A", "length"), ("nouppercase1", "format"), ("", "required")],
)
def test_the_new_password_has_to_fit_the_rules(new_password: str, rule: str) -> None:
    asker, browser, _id = with_anna()
    asker.vary(first_log_in_changes_password=True)
    ticket = first_log_in(browser)
    response = browser.change(ticket, new_password)
    assert response.status_code == 400
    assert rule in (response.json or {})["error"]
    assert browser.log_in("1201", PASSWORD).status_code == 403
    assert browser.change(ticket, OTHER_PASSWORD).status_code == 200


def test_the_new_password_may_be_none_of_the_last_ones_either() -> None:
    asker, browser, extension_id = with_anna()
    asker.post("extension/update", {"id": extension_id, "user_password": OTHER_PASSWORD})
    asker.vary(first_log_in_changes_password=True, password_history=2)
    response = browser.change(first_log_in(browser, OTHER_PASSWORD), PASSWORD)
    assert (response.status_code, "history" in (response.json or {})["error"]) == (400, True)


def test_no_consent_no_change() -> None:
    asker, browser, _id = with_anna()
    asker.vary(first_log_in_changes_password=True)
    assert browser.change(first_log_in(browser), OTHER_PASSWORD, consent="").status_code == 400
    assert browser.log_in("1201", OTHER_PASSWORD).status_code == 401


def test_a_ticket_serves_once_and_for_ten_minutes() -> None:
    asker, browser, _id = with_anna()
    asker.vary(first_log_in_changes_password=True)
    late, used = first_log_in(browser), first_log_in(browser)
    assert browser.change(used, OTHER_PASSWORD).status_code == 200
    assert browser.change(used, PASSWORD).status_code == 401
    asker.clock.advance(601)
    assert browser.change(late, PASSWORD).status_code == 401
    assert browser.change("", PASSWORD).status_code == 401
    assert browser.log_in("1201", OTHER_PASSWORD).status_code == 200


@pytest.mark.parametrize("initial_again", [False, True])
def test_whether_update_makes_a_password_initial_again_is_open(initial_again: bool) -> None:
    asker, browser, extension_id = with_anna()
    asker.vary(first_log_in_changes_password=True, updated_password_is_initial=initial_again)
    browser.change(first_log_in(browser), OTHER_PASSWORD)
    asker.post("extension/update", {"id": extension_id, "title": "Boss"})
    assert browser.log_in("1201", OTHER_PASSWORD, JSON).status_code == 200
    asker.post("extension/update", {"id": extension_id, "user_password": PASSWORD})
    assert browser.log_in("1201", PASSWORD, JSON).status_code == (403 if initial_again else 200)


def test_a_password_that_nobody_has_changed_stays_initial() -> None:
    asker, browser, extension_id = with_anna()
    asker.vary(first_log_in_changes_password=True)
    asker.post("extension/update", {"id": extension_id, "user_password": OTHER_PASSWORD})
    assert browser.log_in("1201", OTHER_PASSWORD, JSON).status_code == 403


# Signatures


def signature_of(asker: Asker, username: str = "1201", expire_time: int = 0) -> str:
    """A new signature, got with SDK credentials."""
    asker.log_in(**PAIR)
    body = {"username": username, "sign_type": "sdk", "expire_time": expire_time}
    sign: str = asker.post("sign/create", body)["data"]["sign"]
    return sign


@pytest.mark.parametrize("username", ["1201", "Anna@example.test"])
def test_a_signature_logs_its_user_in(username: str) -> None:
    asker, browser, _id = with_anna(**SDK)
    signature = signature_of(asker, username)
    assert signature != signature_of(asker, username)
    for name in ("1201", "anna@example.test"):
        assert browser.sdk(name, signature).json == {"number": "1201", "name": "Anna <Adler>"}
    assert outcomes(asker)[0] == ("signature", "1201", "1201", "accepted")
    assert signature not in repr(asker.pbx.linkus.log_ins)


def test_a_signature_logs_nobody_else_in() -> None:
    asker, browser, extension_id = with_anna(**SDK)
    asker.pbx.seed_extension("1202")
    signature = signature_of(asker)
    for username, given in (("1202", signature), ("", signature), ("1201", signature[:-1]), ("1201", ""), ("9", "x")):
        assert browser.sdk(username, given).status_code == 401
    assert browser.log_in("1201", signature).status_code == 401
    asker.log_in()
    asker.get("extension/delete", id=extension_id)
    asker.pbx.seed_extension("1201")
    assert browser.sdk("1201", signature).status_code == 401
    assert {outcome for *_others, outcome in outcomes(asker)} == {"refused"}


def test_expire_time_counts_seconds_and_0_is_for_ever() -> None:
    asker, browser, _id = with_anna(**SDK)
    short, lasting = signature_of(asker, expire_time=60), signature_of(asker)
    asker.clock.advance(59)
    assert browser.sdk("1201", short).status_code == 200
    asker.clock.advance(2)
    assert browser.sdk("1201", short).status_code == 401
    asker.clock.advance(10**9)
    assert browser.sdk("1201", lasting).status_code == 200


def test_expire_time_can_be_a_point_in_time() -> None:
    asker, browser, _id = with_anna(**SDK)
    asker.vary(sign_expire_time="point_in_time")
    assert browser.sdk("1201", signature_of(asker, expire_time=60)).status_code == 401
    signature = signature_of(asker, expire_time=int(asker.clock.now()) + 60)
    assert browser.sdk("1201", signature).status_code == 200
    asker.clock.advance(61)
    assert browser.sdk("1201", signature).status_code == 401
    assert browser.sdk("1201", signature_of(asker)).status_code == 200


@pytest.mark.parametrize(
    ("body", "failing"),
    [
        ({}, {"username", "sign_type", "expire_time"}),
        ({"username": "1201", "sign_type": "web", "expire_time": 0}, {"sign_type"}),
        ({"username": 1201, "sign_type": "sdk", "expire_time": 0}, {"username"}),
        *(
            ({"username": "1201", "sign_type": "sdk", "expire_time": wrong}, {"expire_time"})
            for wrong in ("60", 60.5, True, -1)
        ),
    ],
)
def test_wrong_fields_of_sign_create_are_named(body: dict[str, Any], failing: set[str]) -> None:
    asker, _browser, _id = with_anna(**SDK)
    asker.log_in(**PAIR)
    assert invalid_fields(asker.post("sign/create", body)).keys() == failing


@pytest.mark.parametrize("code", [60001, 40002])
def test_the_errcode_of_an_unknown_user_is_open(code: int) -> None:
    asker, _browser, _id = with_anna(**SDK)
    asker.vary(sign_unknown_user_errcode=code)
    asker.log_in(**PAIR)
    assert errcode(asker.post("sign/create", {"username": "9", "sign_type": "sdk", "expire_time": 0})) == code


def test_only_sdk_tokens_sign_and_they_do_nothing_else() -> None:
    asker, _browser, extension_id = with_anna(**SDK)
    body = {"username": "1201", "sign_type": "sdk", "expire_time": 0}
    denied = {"errcode": 10005, "errmsg": "ACCESS DENIED"}
    assert asker.post("sign/create", body) == denied
    tokens = asker.log_in(**PAIR)
    assert asker.post("sign/create", body)["data"].keys() == {"sign"}
    for endpoint in ("extension/list", "system/information", "extension/delete"):
        assert asker.get(endpoint, id=extension_id) == denied
    assert asker.post("extension/update", {"id": extension_id, "user_password": OTHER_PASSWORD}) == denied
    asker.token = asker.post("refresh_token", {"refresh_token": tokens["refresh_token"]})["access_token"]
    assert asker.get("extension/list") == denied
    assert errcode(asker.post("sign/create", body)) == 0
    assert errcode(asker.get("del_token")) == 0
    assert errcode(asker.post("sign/create", body)) == 10004


@pytest.mark.parametrize(
    ("firmware", "expected"),
    [("37.12.0.22", 10001), ("37.7.0.16", 10001), ("37.12.0.23", 0), ("37.20.0.5", 0), ("83.9.0.1", 10001)],
)
def test_sign_create_came_with_a_firmware(firmware: str, expected: int) -> None:
    asker, _browser, _id = with_anna(**SDK, firmware_version=firmware)
    asker.log_in(**PAIR)
    body = {"username": "1201", "sign_type": "sdk", "expire_time": 0}
    assert errcode(asker.post("sign/create", body)) == expected
    assert errcode(asker.post("sign/create", body, token="unknown")) == (expected or 10004)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"linkus_sdk_id": "SDKACCESSID"}, "linkus_sdk_secret"),
        ({"linkus_sdk_secret": "SDKACCESSKEY"}, "linkus_sdk_id"),
        ({"firmware_version": "37.x"}, "firmware_version"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Asker(**settings)
