# SPDX-License-Identifier: GPL-3.0-or-later
"""Who can sign on, and what the settings of the sign-on may be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryUser, UserLookup
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Origin, Parked
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on import (
    Barrier,
    SignOn,
    barrier_text,
    candidates,
    sign_on_names,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on_settings import (
    SignOnError,
    SignOnMethod,
    SignOnSettings,
    make_settings,
    origin_of,
    settings_data,
    settings_of,
)

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
OPTIONS: dict[str, Any] = {
    "enabled": True,
    "login_addresses": ["https://pbx.example.com:8088/login"],
    "method": "password",
    "allow_http": False,
    "confirmation": False,
    "signature_seconds": 60,
    "session_minutes": 15,
    "failures_per_user": 3,
    "failure_minutes": 30,
    "attempts_per_address": 20,
    "attempt_minutes": 5,
}
ON = make_settings(OPTIONS)


def held(guid: str, **fields: Any) -> Association:
    given = {"account_name": guid, "user_principal_name": f"{guid}@example.com", **fields}
    return Association(guid, 1, "1001", f"CN={guid}", origin=Origin.CREATED, written={}, **given)


def barrier_of(association: Association, user: DirectoryUser | None, **more: Any) -> Barrier | None:
    lookup = UserLookup({user.guid: user} if user else {}, more.pop("deleted", frozenset()))
    settings = more.pop("settings", ON)
    given = {"domain": "example.com", "time": NOW, "is_connected": True, **more}
    (found,) = candidates(settings, [association], lookup, **given)
    return found.barrier


ANNA = DirectoryUser("anna", "CN=anna", "anna", {})


def test_a_user_in_good_standing_can_sign_on() -> None:
    assert barrier_of(held("anna"), ANNA) is None


def test_an_account_that_expires_later_can_sign_on_and_one_that_expires_now_cannot() -> None:
    late = DirectoryUser("anna", "CN=anna", "anna", {}, expires=NOW + timedelta(seconds=1))
    now = DirectoryUser("anna", "CN=anna", "anna", {}, expires=NOW)

    assert barrier_of(held("anna"), late) is None
    assert barrier_of(held("anna"), now) is Barrier.EXPIRED


@pytest.mark.parametrize(
    ("user", "more", "barrier"),
    [
        (ANNA, {"settings": None}, Barrier.SWITCHED_OFF),
        (ANNA, {"settings": make_settings({**OPTIONS, "enabled": False})}, Barrier.SWITCHED_OFF),
        (ANNA, {"is_connected": False}, Barrier.INTEGRATION_DISABLED),
        (None, {"deleted": frozenset({"anna"})}, Barrier.DELETED),
        (None, {}, Barrier.NOT_FOUND),
        (DirectoryUser("anna", "CN=anna", "anna", {}, disabled=True), {}, Barrier.DISABLED),
    ],
)
def test_each_barrier_is_told(user: DirectoryUser | None, more: dict[str, Any], barrier: Barrier) -> None:
    assert barrier_of(held("anna"), user, **more) is barrier


def test_a_parked_extension_and_a_user_without_a_name_are_barriers() -> None:
    assert barrier_of(held("anna", parked=Parked(NOW, "reg", "available")), ANNA) is Barrier.PARKED
    assert barrier_of(held("anna", account_name="", user_principal_name=""), ANNA) is Barrier.NO_NAME


def test_every_barrier_has_a_sentence() -> None:
    assert all(barrier_text(barrier) for barrier in Barrier)


def test_a_user_has_two_names_and_one_where_they_are_the_same() -> None:
    assert sign_on_names(held("anna"), "EXAMPLE.com") == ("anna@example.com",)
    other = held("anna", user_principal_name="Anna.Adler@example.org")
    assert sign_on_names(other, "example.com") == ("Anna.Adler@example.org", "anna@example.com")


def test_only_a_sign_on_that_sets_passwords_leaves_credentials_in_force() -> None:
    assert SignOn(ON).is_on
    assert not SignOn().is_on
    assert not SignOn(make_settings({**OPTIONS, "enabled": False})).is_on
    assert not SignOn(make_settings({**OPTIONS, "method": "signature"})).is_on


# --- settings


def test_settings_survive_being_saved() -> None:
    assert settings_of(settings_data(ON)) == ON


def test_settings_that_were_saved_before_an_option_was_known_have_its_default() -> None:
    data = {"enabled": True, "login_addresses": ["https://a.example"], "method": "signature", "unknown": 1}

    assert settings_of(data) == SignOnSettings(
        enabled=True, login_addresses=("https://a.example",), method=SignOnMethod.SIGNATURE
    )


@pytest.mark.parametrize(
    "address",
    [
        "https://pbx.example.com",
        "https://192.168.5.150:8088/login",
        "https://[2001:db8::5]:8088/login",
        "https://pbx_1.example.com/login?lang=en&x=%20",
    ],
)
def test_an_address_that_a_browser_can_be_sent_to_is_taken_as_it_is(address: str) -> None:
    assert make_settings({**OPTIONS, "login_addresses": [address]}).login_addresses == (address,)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "pbx.example.com/login",
        "//pbx.example.com/login",
        "http://pbx.example.com/login",
        "ftp://pbx.example.com/",
        "javascript:alert(1)",
        "https:///login",
        "https://user:Geheim@pbx.example.com/",
        "https://pbx.example.com@evil.example/",
        "https://pbx.example.com:99999/",
        "https://pbx.example.com:0/",
        "https://pbx.example.com/#/login",
        "https://pbx.example.com/a b",
        "https://pbx.example.com/\r\nSet-Cookie: a=b",
        "https://pbx.example.com/\nlogin",
        "https://pbx.example.com\\@evil.example/",
        "https://pbх.example.com/",
        'https://pbx.example.com/"onload=',
        "https://-.example.com-/",
        "https://pbx.example.com/" + "a" * 500,
    ],
)
def test_an_address_that_may_lead_elsewhere_is_refused(address: str) -> None:
    with pytest.raises(SignOnError, match="login_addresses") as caught:
        make_settings({**OPTIONS, "login_addresses": [address]})

    assert "Geheim" not in str(caught.value)


def test_an_address_without_tls_must_be_allowed_and_never_takes_a_signature() -> None:
    http = {**OPTIONS, "login_addresses": ["http://pbx.example.com/login"], "allow_http": True}

    assert make_settings(http).login_addresses == ("http://pbx.example.com/login",)
    with pytest.raises(SignOnError, match="allow_http"):
        make_settings({**http, "method": "signature"})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("login_addresses", []),
        ("login_addresses", ["https://a.example"] * 2),
        ("login_addresses", [f"https://a{number}.example" for number in range(21)]),
        ("signature_seconds", 9),
        ("signature_seconds", 3601),
        ("session_minutes", 0),
        ("failures_per_user", 0),
        ("failures_per_user", 101),
        ("failure_minutes", 0),
        ("attempts_per_address", 0),
        ("attempt_minutes", 10**30),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(option: str, value: object) -> None:
    with pytest.raises(SignOnError, match=option):
        make_settings({**OPTIONS, option: value})


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://PBX.example.com/login", "https://pbx.example.com"),
        ("https://pbx.example.com:443/", "https://pbx.example.com"),
        ("https://pbx.example.com:8088/login", "https://pbx.example.com:8088"),
        ("https://[2001:DB8::5]:8088/", "https://[2001:db8::5]:8088"),
    ],
)
def test_an_origin_is_written_as_browsers_do(address: str, origin: str) -> None:
    assert origin_of(address) == origin
    assert make_settings({**OPTIONS, "login_addresses": [address, f"{address}x"]}).signature_origins == (origin,)
