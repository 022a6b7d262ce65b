# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms are this service's own and this browser's, hosts and origins are compared to the letter, headers hold."""

from __future__ import annotations

import pytest
from itsdangerous import URLSafeTimedSerializer
from sign_on_gateway.security import (
    FormTokens,
    allowed_origin,
    content_policy,
    is_own_origin,
    is_public_host,
    own_cookie,
)
from starlette.datastructures import Headers

HOST = "signon.example.com"


def test_a_form_fits_the_browser_that_it_was_made_for() -> None:
    tokens = FormTokens()
    cookie = tokens.cookie(None)
    assert tokens.fits(cookie, tokens.field(cookie))
    assert tokens.cookie(cookie) == cookie


def test_forms_of_others_do_not_fit() -> None:
    tokens, others = FormTokens(), FormTokens()
    cookie, other = tokens.cookie(None), tokens.cookie(None)
    field = tokens.field(cookie)
    unsigned = URLSafeTimedSerializer("guess", salt="form").dumps(cookie)
    for wrong_cookie, wrong_field in [
        (other, field),
        (None, field),
        ("", tokens.field("")),
        (cookie, ""),
        (cookie, cookie),
        (cookie, field[:-1]),
        (cookie, f"{field}x"),
        (cookie, others.field(cookie)),
        (cookie, unsigned),
        (cookie, "\udcff\x00"),
    ]:
        assert not tokens.fits(wrong_cookie, wrong_field), (wrong_cookie, wrong_field)


def test_a_form_is_good_for_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = FormTokens()
    cookie = tokens.cookie(None)
    made_at = 1_800_000_000
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: made_at)
    field = tokens.field(cookie)
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: made_at + 3600)
    assert tokens.fits(cookie, field)
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: made_at + 3601)
    assert not tokens.fits(cookie, field)


@pytest.mark.parametrize("planted", ["", "short", "a" * 44, "a" * 42 + "=", "ä" * 43, "a" * 42 + "\n"])
def test_a_cookie_that_is_none_of_ours_is_replaced(planted: str) -> None:
    assert FormTokens.cookie(planted) != planted


@pytest.mark.parametrize("host", [HOST, f"{HOST}:443", f"{HOST}:8443", HOST.upper()])
def test_the_public_host_is_taken_with_any_port(host: str) -> None:
    assert is_public_host(Headers({"host": host}), HOST)


@pytest.mark.parametrize(
    "host",
    ["", "localhost", f"x.{HOST}", f"{HOST}.evil.example", f"{HOST}:8443:1", f"{HOST}@evil.example", f"{HOST}:x"],
)
def test_another_host_is_not(host: str) -> None:
    assert not is_public_host(Headers({"host": host}), HOST)


def test_no_host_and_two_hosts_are_not() -> None:
    assert not is_public_host(Headers({}), HOST)
    assert not is_public_host(Headers(raw=[(b"host", HOST.encode())] * 2), HOST)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": f"https://{HOST}:8443"},
        {"origin": f"https://{HOST}:8443", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "same-origin"},
    ],
)
def test_the_service_itself_may_send_its_form(headers: dict[str, str]) -> None:
    assert is_own_origin(Headers({"host": f"{HOST}:8443", **headers}))


def test_the_default_port_is_not_in_an_origin() -> None:
    assert is_own_origin(Headers({"host": HOST, "origin": f"https://{HOST}"}))
    assert is_own_origin(Headers({"host": f"{HOST}:443", "origin": f"https://{HOST}"}))


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "null"},
        {"origin": ""},
        {"origin": "https://evil.example"},
        {"origin": f"http://{HOST}:8443"},
        {"origin": f"https://{HOST}"},
        {"origin": f"https://{HOST}:8443.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": f"https://{HOST}:8443", "sec-fetch-site": "cross-site"},
    ],
)
def test_nobody_else_may(headers: dict[str, str]) -> None:
    assert not is_own_origin(Headers({"host": f"{HOST}:8443", **headers}))


def test_an_origin_is_allowed_to_the_letter() -> None:
    origins = ("https://linkus.example.com", "https://sdk.example.com:8443")
    assert allowed_origin(Headers({"origin": origins[1]}), origins) == origins[1]
    for other in ("null", "", "https://sdk.example.com", "https://linkus.example.com.evil.example", "*"):
        assert allowed_origin(Headers({"origin": other}), origins) is None
    assert allowed_origin(Headers({}), origins) is None


COOKIE = "__Host-session"


@pytest.mark.parametrize(
    "sent", ["__Host-session=own", "a=b; __Host-session=own; c", "a;__Host-session=own ;", "\t__Host-session=own"]
)
def test_a_cookie_is_found_among_others(sent: str) -> None:
    assert own_cookie(Headers({"cookie": sent}), COOKIE) == "own"


@pytest.mark.parametrize("blank", ["\xa0", "\x85", "\x0b", "\x0c", "\x1c", "\x1f"])
def test_a_cookie_whose_name_begins_or_ends_with_another_blank_is_none_of_ours(blank: str) -> None:
    """A neighbouring host can set it, for its name does not begin with __Host-."""
    planted = f"{blank}__Host-session=planted; __Host-session{blank}=planted"
    for sent, found in [
        (planted, ""),
        (f"__Host-session=own; {planted}", "own"),
        (f"{planted}; __Host-session=own", "own"),
    ]:
        assert own_cookie(Headers(raw=[(b"cookie", sent.encode("latin-1"))]), COOKIE) == found


@pytest.mark.parametrize(
    "lines", [[], ["a=b"], ["__host-session=x"], ["__Host-session"], ["__Host-session=x; __Host-session=y"]]
)
def test_no_cookie_and_two_cookies_are_none(lines: list[str]) -> None:
    assert own_cookie(Headers(raw=[(b"cookie", line.encode()) for line in lines]), COOKIE) == ""


def test_two_cookies_in_two_headers_are_none() -> None:
    assert own_cookie(Headers(raw=[(b"cookie", b"__Host-session=x")] * 2), COOKIE) == ""


def test_the_content_policy_names_where_the_form_leads() -> None:
    policy = content_policy(["https://pbx.example.com:8088"])
    assert "form-action 'self' https://pbx.example.com:8088;" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
