# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's tokens: life, limit, refresh, lock-out, allow-list, permissions."""

from __future__ import annotations

import pytest

from tests.unit.emulator_calls import Asker, errcode, invalid_fields, logged_in


def test_get_token_answers_two_tokens_and_their_lives() -> None:
    payload = Asker().log_in()
    assert errcode(payload) == 0
    assert payload["access_token_expire_time"] == 1800
    assert payload["refresh_token_expire_time"] == 86400
    for name in ("access_token", "refresh_token"):
        assert len(payload[name]) == 32
        assert payload[name].isalnum()


@pytest.mark.parametrize("wrong", [{"username": "x"}, {"password": "x"}, {"password": "ümlaut"}])
def test_wrong_credentials_are_a_failure_in_the_body(wrong: dict[str, str]) -> None:
    assert Asker().log_in(**wrong) == {
        "errcode": -1,
        "errmsg": "FAILURE",
        "invalid_param_list": [{"field": "username or password", "value": "error"}],
    }


@pytest.mark.parametrize("missing", ["username", "password"])
def test_missing_credentials_are_named(missing: str) -> None:
    assert invalid_fields(Asker().log_in(**{missing: ""})) == {missing: "required"}


def test_an_access_token_lives_1800_seconds() -> None:
    asker = logged_in()
    asker.clock.advance(1799)
    assert errcode(asker.get("system/capacity")) == 0
    asker.clock.advance(2)
    assert asker.get("system/capacity") == {"errcode": 10004, "errmsg": "TOKEN EXPIRED"}


def test_the_lives_can_be_set() -> None:
    asker = Asker(access_token_seconds=10, refresh_token_seconds=20)
    tokens = asker.log_in()
    assert (tokens["access_token_expire_time"], tokens["refresh_token_expire_time"]) == (10, 20)
    asker.clock.advance(11)
    assert errcode(asker.get("system/capacity")) == 10004
    asker.clock.advance(11)
    assert errcode(asker.post("refresh_token", {"refresh_token": tokens["refresh_token"]})) == 10004


@pytest.mark.parametrize("token", ["", "unknown"])
def test_a_missing_or_unknown_token_is_an_expired_one(token: str) -> None:
    assert errcode(logged_in().get("system/capacity", token=token)) == 10004


def test_a_missing_token_can_have_another_errcode() -> None:
    asker = logged_in()
    asker.vary(missing_token_errcode=10005)
    assert errcode(asker.get("system/capacity", token="")) == 10005
    assert errcode(asker.get("system/capacity", token="unknown")) == 10004


def test_the_ninth_live_token_is_refused_until_one_is_revoked_or_expires() -> None:
    asker = Asker()
    for _unused in range(8):
        assert errcode(asker.log_in()) == 0
    assert asker.log_in() == {"errcode": 60002, "errmsg": "MAX LIMITATION EXCEEDED"}
    assert asker.pbx.tokens.live_count() == 8
    assert errcode(asker.get("del_token")) == 0
    assert errcode(asker.log_in()) == 0
    asker.clock.advance(1800)
    assert asker.pbx.tokens.live_count() == 0
    assert errcode(asker.log_in()) == 0


def test_refreshing_replaces_both_tokens_in_their_slot() -> None:
    asker = Asker()
    tokens = [asker.log_in() for _unused in range(8)][-1]
    renewed = asker.post("refresh_token", {"refresh_token": tokens["refresh_token"]}, token="")
    assert errcode(renewed) == 0
    assert renewed["access_token"] != tokens["access_token"]
    assert renewed["refresh_token"] != tokens["refresh_token"]
    assert asker.pbx.tokens.live_count() == 8
    assert errcode(asker.get("system/capacity", token=tokens["access_token"])) == 10004
    assert errcode(asker.get("system/capacity", token=renewed["access_token"])) == 0
    assert errcode(asker.post("refresh_token", {"refresh_token": tokens["refresh_token"]})) == 10004


def test_the_old_token_can_survive_a_refresh_until_its_time() -> None:
    asker = Asker()
    asker.vary(old_token_survives_refresh=True)
    tokens = asker.log_in()
    asker.post("refresh_token", {"refresh_token": tokens["refresh_token"]})
    assert asker.pbx.tokens.live_count() == 1
    assert errcode(asker.get("system/capacity")) == 0
    asker.clock.advance(1800)
    assert errcode(asker.get("system/capacity")) == 10004


def test_an_expired_access_token_can_be_refreshed_if_a_slot_is_free() -> None:
    asker = Asker()
    tokens = asker.log_in()
    asker.clock.advance(3600)
    for _unused in range(8):
        asker.log_in()
    body = {"refresh_token": tokens["refresh_token"]}
    assert errcode(asker.post("refresh_token", body)) == 60002
    asker.get("del_token")
    assert errcode(asker.post("refresh_token", body)) == 0


def test_a_wrong_key_does_not_refresh() -> None:
    asker = Asker()
    tokens = asker.log_in()
    payload = asker.post("refresh_token", {"refreshToken": tokens["refresh_token"]})
    assert invalid_fields(payload) == {"refresh_token": "required"}


def test_an_unknown_refresh_token_can_have_another_errcode() -> None:
    asker = Asker()
    assert errcode(asker.post("refresh_token", {"refresh_token": "x"})) == 10004
    asker.vary(unknown_refresh_token_errcode=40002)
    assert errcode(asker.post("refresh_token", {"refresh_token": "x"})) == 40002


def test_a_revoked_token_and_its_refresh_token_are_dead() -> None:
    asker = Asker()
    tokens = asker.log_in()
    assert asker.get("del_token") == {"errcode": 0, "errmsg": "SUCCESS"}
    assert asker.pbx.tokens.live_count() == 0
    assert errcode(asker.get("del_token")) == 10004
    assert errcode(asker.post("refresh_token", {"refresh_token": tokens["refresh_token"]})) == 10004


def test_five_failed_log_ins_in_a_row_block_the_address() -> None:
    asker = logged_in()
    for _unused in range(5):
        assert errcode(asker.log_in(password="wrong")) == -1
    assert asker.log_in() == {"errcode": 70004, "errmsg": "ACCOUNT IP BLOCKED"}
    assert errcode(asker.get("system/capacity")) == 70004
    assert errcode(asker.log_in(address="127.0.0.2")) == 0
    asker.clock.advance(1_000_000)
    assert errcode(asker.log_in()) == 70004
    asker.pbx.lock_out.lift("127.0.0.1")
    assert errcode(asker.log_in()) == 0


def test_a_success_ends_the_row_of_failures() -> None:
    asker = Asker()
    for _unused in range(4):
        asker.log_in(password="wrong")
    asker.log_in()
    for _unused in range(4):
        asker.log_in(password="wrong")
    assert errcode(asker.log_in()) == 0


def test_the_threshold_and_the_end_of_a_block_are_variants() -> None:
    asker = Asker()
    asker.vary(failed_logins_allowed=6, blocked_seconds=300)
    for _unused in range(5):
        asker.log_in(password="wrong")
    assert errcode(asker.log_in(password="wrong")) == -1
    assert errcode(asker.log_in()) == 70004
    asker.clock.advance(301)
    assert errcode(asker.log_in()) == 0


def test_an_address_off_the_allow_list_is_refused_everywhere() -> None:
    asker = Asker(allowed_addresses=("127.0.0.1", "192.0.2.0/24"))
    asker.log_in()
    assert errcode(asker.log_in(address="192.0.2.77")) == 0
    assert asker.log_in(address="192.0.3.1") == {"errcode": 70087, "errmsg": "IP FORBIDDEN"}
    assert errcode(asker.get("system/capacity", address="192.0.3.1")) == 70087


def test_an_endpoint_without_permission_is_denied() -> None:
    asker = logged_in(denied_endpoints=frozenset({"extension/create"}))
    assert errcode(asker.post("extension/create", {})) == 10005
    assert errcode(asker.get("extension/list")) == 0


def test_linkus_sdk_credentials_are_wrong_while_it_is_off() -> None:
    assert errcode(Asker().log_in(username="", password="")) == 40002
    assert errcode(Asker().log_in(username="SDKID", password="x")) == -1
