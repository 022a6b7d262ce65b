# SPDX-License-Identifier: GPL-3.0-or-later
"""A sign-on's steps: every way that it can end, what the user is told of it, and what is left behind."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import (
    DirectoryBindError,
    DirectoryUnreachableError,
    IncompleteReadError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.sign_on import (
    LogInUnansweredError,
    NotAUserError,
    ProvedAccount,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LedgerFileError
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    DATA_NOT_FOUND,
    PbxAnswerError,
    PbxRefusedError,
    PbxUnreachableError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Credential, Parked
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on_settings import SignOnMethod
from sign_on_gateway.pages import problem_codes
from sign_on_gateway.sign_on import RefusedError, Signature, SignedOn
from sign_on_gateway.threads import TooSlowError

from tests.unit.gateway_parts import ANNA, GUID, INTEGRATION, NOW, OTHER_GUID, PASSWORD, SETTINGS, Parts

WRONG = DirectoryBindError("no", "", "52e")


def sign_on(
    parts: Parts, name: str = "anna@example.com", password: str = PASSWORD, address: str = "192.0.2.1"
) -> SignedOn:
    return asyncio.run(parts.sign_ons.sign_on(name, password, address))


def refusal(parts: Parts, name: str = "anna@example.com", password: str = PASSWORD) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        sign_on(parts, name, password)
    assert caught.value.problem in problem_codes()
    return caught.value


def test_a_proved_password_is_set_and_written_down() -> None:
    parts = Parts()
    signed_on = sign_on(parts)
    assert (signed_on.number, signed_on.names) == ("1000", ("anna@example.test", "1000"))
    assert parts.pbx.passwords == {41: PASSWORD}
    assert parts.ledger.credentials == {41: Credential(41, GUID, NOW)}


def test_the_credential_is_written_down_before_the_pbx_is_asked() -> None:
    parts = Parts()
    seen: list[dict[int, str]] = []
    parts.ledger.after_note = lambda: seen.append(dict(parts.pbx.passwords))
    sign_on(parts)
    assert seen == [{}]


# --- who it is ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["525", "52e", "775", "", "49", "530", "531", "532", "533", "701", "773", "80090346"])
def test_every_refused_log_in_looks_the_same_and_is_logged_by_its_code(code: str) -> None:
    parts = Parts()
    parts.directory.fault = DirectoryBindError("no", "", code)
    error = refusal(parts)
    assert (error.problem, error.details) == ("refused", ())
    assert error.cause == f"log_in_refused_{code}"
    assert parts.pbx.passwords == {}


def test_an_unknown_name_is_never_tried_and_looks_the_same() -> None:
    parts = Parts()
    error = refusal(parts, "nobody@example.com")
    assert (error.problem, error.cause) == ("refused", "unknown_name")
    assert (parts.directory.log_ins, parts.directory.knocks) == (0, 1)


@pytest.mark.parametrize(
    ("account", "cause"),
    [
        (ProvedAccount(OTHER_GUID, False, None), "name_of_another_account"),
        (ProvedAccount(GUID, True, None), "account_disabled"),
        (ProvedAccount(GUID, False, NOW), "account_expired"),
    ],
)
def test_an_account_that_is_not_to_sign_on_is_refused(account: ProvedAccount, cause: str) -> None:
    parts = Parts()
    parts.directory.account = account
    error = refusal(parts)
    assert (error.problem, error.cause) == ("refused", cause)
    assert parts.ledger.credentials == {}


def test_an_account_that_expires_later_signs_on() -> None:
    parts = Parts()
    parts.directory.account = ProvedAccount(GUID, False, NOW + timedelta(seconds=1))
    assert sign_on(parts).guid == GUID


def test_an_account_outside_of_the_base_is_refused() -> None:
    parts = Parts()
    parts.directory.fault = NotAUserError("elsewhere")
    assert (refusal(parts).problem, parts.pbx.passwords) == ("refused", {})


def test_an_association_that_has_ended_or_is_parked_is_refused() -> None:
    parts = Parts()
    parts.ledger.associations = {GUID: replace(ANNA, parked=Parked(NOW, "", ""))}
    assert (refusal(parts).problem, refusal(parts).cause) == ("refused", "parked")
    parts.ledger.associations = {}
    assert (refusal(parts).problem, parts.pbx.passwords) == ("refused", {})


@pytest.mark.parametrize("name", ["anna@example.com", "nobody@example.com"])
@pytest.mark.parametrize(
    "fault", [DirectoryUnreachableError("away"), IncompleteReadError("half"), TooSlowError(True), TooSlowError(False)]
)
def test_a_directory_that_fails_is_told_of_whoever_it_is(name: str, fault: Exception) -> None:
    parts = Parts()
    parts.directory.fault = fault
    assert refusal(parts, name).problem == "directory_unavailable"


# --- limits -------------------------------------------------------------------------------------------------------


def test_wrong_passwords_stop_before_the_directory_locks_the_account() -> None:
    parts = Parts()
    parts.directory.fault = WRONG
    problems = [refusal(parts).problem for _try in range(6)]
    assert problems == ["refused"] * 3 + ["too_many_attempts"] * 3
    assert parts.directory.log_ins == 3


def test_an_unknown_name_meets_the_same_limit() -> None:
    parts = Parts()
    problems = [refusal(parts, "nobody@example.com").problem for _try in range(5)]
    assert problems == ["refused"] * 3 + ["too_many_attempts"] * 2


def test_both_names_of_a_user_count_together_and_nobody_can_tell() -> None:
    parts = Parts()
    parts.directory.fault = WRONG
    tried = ["anna@example.com", "anna@ad", "ANNA@AD", "anna@example.com", "anna@ad"]
    assert [refusal(parts, name).problem for name in tried] == ["refused"] * 5
    assert parts.directory.log_ins == 3
    assert refusal(parts, "anna@ad").cause == "limit_of_name"


def test_the_limit_ends_with_its_time() -> None:
    parts = Parts()
    parts.directory.fault = WRONG
    for _try in range(4):
        refusal(parts)
    parts.directory.fault = None
    parts.seconds += SETTINGS.failure_minutes * 60
    assert sign_on(parts).guid == GUID


def test_success_does_not_count_and_does_not_forgive() -> None:
    parts = Parts()
    parts.directory.fault = WRONG
    refusal(parts)
    refusal(parts)
    parts.directory.fault = None
    for _try in range(5):
        sign_on(parts)
    parts.directory.fault = WRONG
    assert [refusal(parts).problem for _try in range(2)] == ["refused", "too_many_attempts"]
    assert parts.directory.log_ins == 8


@pytest.mark.parametrize("code", ["530", "531", "532", "533", "701", "773"])
def test_a_right_password_of_a_barred_account_is_no_failure_of_the_user(code: str) -> None:
    parts = Parts()
    parts.directory.fault = DirectoryBindError("no", "", code)
    for name in ("anna@example.com", "anna@ad"):
        for _try in range(3):
            refusal(parts, name)
    assert parts.directory.log_ins == 6


@pytest.mark.parametrize("fault", [LogInUnansweredError("silence"), TooSlowError(True)])
def test_a_log_in_that_may_have_been_counted_is_counted(fault: Exception) -> None:
    parts = Parts()
    parts.directory.fault = fault
    problems = [refusal(parts).problem for _try in range(4)]
    assert problems == ["directory_unavailable"] * 4
    assert (parts.directory.log_ins, parts.directory.knocks) == (3, 1)


@pytest.mark.parametrize("fault", [DirectoryUnreachableError("away"), TooSlowError(False), IncompleteReadError("half")])
def test_a_log_in_that_never_was_is_not_counted(fault: Exception) -> None:
    parts = Parts()
    parts.directory.fault = fault
    for _try in range(7):
        refusal(parts)
    assert parts.directory.log_ins == 7


@pytest.mark.parametrize("call", ["find", "association", "note_credential", "forget_credential"])
@pytest.mark.parametrize("fault", [LedgerFileError("locked"), TooSlowError(True), TooSlowError(False)])
def test_a_ledger_that_fails_locks_nobody_out(call: str, fault: Exception) -> None:
    parts = Parts()
    parts.ledger.settings = replace(SETTINGS, attempts_per_address=3)
    parts.ledger.faults = {call: fault}
    for _try in range(4):
        parts.ledger.credentials = {}
        parts.pbx.faults = [PbxRefusedError("no")]
        assert refusal(parts).problem in ("internal_error", "busy")
    parts.ledger.faults, parts.pbx.faults = {}, []
    assert sign_on(parts).guid == GUID


def test_a_wrong_password_counts_whatever_becomes_of_the_ledger() -> None:
    parts = Parts()
    parts.directory.fault = WRONG
    parts.ledger.faults = {"association": TooSlowError(True)}
    assert [refusal(parts).problem for _try in range(4)] == ["refused"] * 3 + ["too_many_attempts"]
    assert parts.directory.log_ins == 3


def test_attempts_at_once_are_no_more_than_those_one_by_one() -> None:
    parts = Parts()
    parts.directory.fault = WRONG

    async def guess() -> list[str]:
        guesses = (parts.sign_ons.sign_on("anna@example.com", f"Guess-{one}-xx", "192.0.2.1") for one in range(50))
        return [str(error) for error in await asyncio.gather(*guesses, return_exceptions=True)]

    parts.ledger.settings = replace(SETTINGS, attempts_per_address=100)
    assert sorted(set(asyncio.run(guess()))) == ["refused", "too_many_attempts"]
    assert parts.directory.log_ins == SETTINGS.failures_per_user


def test_an_address_has_a_limit_over_all_names() -> None:
    parts = Parts()
    problems = [refusal(parts, f"user{number}@example.com").problem for number in range(22)]
    assert problems == ["refused"] * 20 + ["too_many_attempts"] * 2
    assert sign_on(parts, address="192.0.2.2").guid == GUID


# --- switches -----------------------------------------------------------------------------------------------------


def test_no_sign_on_while_it_is_switched_off() -> None:
    parts = Parts()
    states = [
        (None, SETTINGS),
        (replace(INTEGRATION, status="disabled"), SETTINGS),
        (INTEGRATION, None),
        (INTEGRATION, replace(SETTINGS, enabled=False)),
    ]
    for parts.ledger.integration, parts.ledger.settings in states:
        assert refusal(parts).problem == "switched_off"
    assert parts.directory.log_ins == parts.directory.knocks == 0


@pytest.mark.parametrize("fault", [LedgerFileError("away"), TooSlowError(True)])
def test_without_the_ledger_nothing_is_asked(fault: Exception) -> None:
    parts = Parts()
    parts.ledger.fault = fault
    assert refusal(parts).problem in ("internal_error", "busy")
    assert parts.directory.log_ins == 0


# --- the password -------------------------------------------------------------------------------------------------


def test_a_password_that_does_not_fit_is_explained_and_not_sent() -> None:
    parts = Parts()
    error = refusal(parts, password="kürz")
    assert error.problem == "password_unfit"
    assert error.details == ("too_short", "no_digit", "no_upper_case", "not_ascii")
    assert (parts.pbx.passwords, parts.ledger.credentials) == ({}, {})


def test_only_the_cloud_edition_has_the_stricter_rules() -> None:
    parts = Parts()
    password = "Anna-1234-Adler-1000"
    assert sign_on(parts, password=password).guid == GUID
    cloud = replace(INTEGRATION.pbx, firmware="84.20.0.50")
    parts.ledger.integration = replace(INTEGRATION, pbx=cloud)
    assert refusal(parts, password=password).details == ("digit_run", "number_inside", "name_inside")


def test_a_password_that_the_pbx_refuses_leaves_nothing_behind() -> None:
    parts = Parts()
    parts.pbx.faults = [PbxRefusedError("history")]
    assert refusal(parts).problem == "password_refused"
    assert parts.ledger.credentials == {}


def test_a_refused_password_does_not_hide_what_an_earlier_sign_on_has_set() -> None:
    parts = Parts()
    sign_on(parts)
    parts.pbx.faults = [PbxRefusedError("history")]
    refusal(parts)
    assert set(parts.ledger.credentials) == {41}


def test_an_extension_that_is_gone_is_refused() -> None:
    parts = Parts()
    parts.pbx.faults = [PbxRefusedError("gone", errcode=DATA_NOT_FOUND)]
    assert (refusal(parts).problem, parts.ledger.credentials) == ("refused", {})


@pytest.mark.parametrize("fault", [PbxUnreachableError("away", nothing_sent=True), TooSlowError(False)])
def test_a_pbx_that_was_not_asked_leaves_nothing_behind(fault: Exception) -> None:
    parts = Parts()
    parts.pbx.faults = [fault]
    assert (refusal(parts).problem, parts.ledger.credentials) == ("pbx_unavailable", {})


@pytest.mark.parametrize(
    "fault",
    [
        PbxUnreachableError("cut", outcome_unknown=True),
        PbxAnswerError("html", outcome_unknown=True),
        TooSlowError(True),
    ],
)
def test_a_lost_answer_leaves_the_credential_written_down(fault: Exception) -> None:
    parts = Parts()
    parts.pbx.faults = [fault]
    assert refusal(parts).problem == "outcome_unknown"
    assert set(parts.ledger.credentials) == {41}


def test_a_password_set_while_the_sign_on_was_switched_off_is_taken_back() -> None:
    parts = Parts()
    parts.ledger.after_note = parts.ledger.switch_off
    assert refusal(parts).problem == "switched_off"
    assert (parts.pbx.passwords, parts.ledger.credentials) == ({41: "(random)"}, {})


@pytest.mark.parametrize("latter", [None, replace(ANNA, parked=Parked(NOW, "", "")), replace(ANNA, extension_id=42)])
def test_a_password_set_while_the_association_ended_is_taken_back(latter: object) -> None:
    parts = Parts()
    parts.ledger.after_note = lambda: parts.ledger.associations.update({GUID: latter})  # type: ignore[dict-item]
    assert refusal(parts).problem == "refused"
    assert (parts.pbx.passwords, parts.ledger.credentials) == ({41: "(random)"}, {})


def test_a_password_that_cannot_be_taken_back_stays_written_down_for_the_next_run() -> None:
    parts = Parts()
    parts.ledger.after_note = parts.ledger.switch_off
    parts.pbx.faults = [None, PbxUnreachableError("away", nothing_sent=True)]
    refusal(parts)
    assert (parts.pbx.passwords, set(parts.ledger.credentials)) == ({41: PASSWORD}, {41})


# --- signatures ---------------------------------------------------------------------------------------------------


def with_signatures() -> Parts:
    parts = Parts()
    parts.ledger.settings = replace(SETTINGS, method=SignOnMethod.SIGNATURE)
    return parts


def test_with_signatures_no_password_is_set() -> None:
    parts = with_signatures()
    assert sign_on(parts, password="short").guid == GUID
    assert (parts.pbx.passwords, parts.ledger.credentials) == ({}, {})


def test_who_has_signed_on_gets_a_signature() -> None:
    parts = with_signatures()
    signature = asyncio.run(parts.sign_ons.signature(GUID))
    assert signature == Signature("1000", "signature of 1000 for 60", "https://pbx.example.test:8088", 60)
    assert "signature of" not in repr(signature)


def test_a_signature_needs_what_a_sign_on_needs() -> None:
    parts = with_signatures()
    parts.ledger.associations = {}
    with pytest.raises(RefusedError, match="refused"):
        asyncio.run(parts.sign_ons.signature(GUID))
    parts.ledger.settings = SETTINGS
    with pytest.raises(RefusedError, match="switched_off"):
        asyncio.run(parts.sign_ons.signature(GUID))
    parts.ledger.switch_off()
    with pytest.raises(RefusedError, match="switched_off"):
        asyncio.run(parts.sign_ons.signature(GUID))
    assert parts.pbx.signatures == 0


def test_signatures_have_a_limit() -> None:
    parts = with_signatures()
    for _one in range(30):
        asyncio.run(parts.sign_ons.signature(GUID))
    with pytest.raises(RefusedError, match="too_many_attempts"):
        asyncio.run(parts.sign_ons.signature(GUID))
    assert parts.pbx.signatures == 30


@pytest.mark.parametrize("fault", [PbxRefusedError("no"), PbxUnreachableError("away", nothing_sent=True)])
def test_a_pbx_that_gives_no_signature_is_unavailable(fault: Exception) -> None:
    parts = with_signatures()
    parts.pbx.faults = [fault]
    with pytest.raises(RefusedError, match="pbx_unavailable"):
        asyncio.run(parts.sign_ons.signature(GUID))
