# SPDX-License-Identifier: GPL-3.0-or-later
"""Errcodes become errors that say what to do, end the run or not, and hold no secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx import errors
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    DuplicateField,
    PbxError,
    PbxRefusedError,
    error_from_answer,
    login_error_from_answer,
)


def _error(errcode: int, errmsg: str = "SOME MESSAGE", **more: Any) -> PbxError:
    return error_from_answer({"errcode": errcode, "errmsg": errmsg, **more}, errcode, "create extension 1201")


@pytest.mark.parametrize(
    ("errcode", "kind", "remedy"),
    [
        (10001, errors.PbxInterfaceError, "37.7.0.16"),
        (10002, errors.PbxInterfaceError, "newer version"),
        (10003, errors.PbxInterfaceError, "update"),
        (10004, errors.PbxAuthenticationError, "restart"),
        (10005, errors.PbxPermissionError, "Linkus SDK"),
        (70004, errors.PbxBlockedError, "Security > Security Rules > Blocked IPs"),
        (70087, errors.PbxBlockedError, "Integrations > API"),
        (70123, errors.PbxInterfaceError, "Integrations > API"),
    ],
)
def test_errcode_that_ends_the_run(errcode: int, kind: type[PbxError], remedy: str) -> None:
    error = _error(errcode)
    assert error.__class__ is kind
    assert error.ends_run
    assert not error.outcome_unknown
    assert (error.errcode, error.errmsg) == (errcode, "SOME MESSAGE")
    assert f"errcode {errcode} SOME MESSAGE" in str(error)
    assert "create extension 1201" in str(error)
    assert remedy in str(error)


@pytest.mark.parametrize(
    ("errcode", "remedy"),
    [
        (-1, ""),
        (1, ""),
        (40002, ""),
        (40003, ""),
        (60001, "deleted"),
        (60101, "role"),
        (70082, "busy"),
        (70091, "refers"),
        (70120, "Organization Management"),
        (70516, ""),
        (99999, ""),
    ],
)
def test_errcode_that_concerns_one_object(errcode: int, remedy: str) -> None:
    error = _error(errcode)
    assert error.__class__ is PbxRefusedError
    assert not error.ends_run
    assert f"errcode {errcode} SOME MESSAGE" in str(error)
    assert remedy in str(error)


def test_capacity_of_a_create_concerns_one_object_and_names_the_licence() -> None:
    error = _error(60002)
    assert error.__class__ is errors.PbxCapacityError
    assert not error.ends_run
    assert "licence" in str(error)


@pytest.mark.parametrize("errcode", [-2, 2])
def test_neither_done_nor_refused_leaves_the_outcome_unknown(errcode: int) -> None:
    error = _error(errcode)
    assert error.__class__ is errors.PbxAnswerError
    assert error.outcome_unknown
    assert error.errcode == errcode


def test_parameter_error_names_the_fields() -> None:
    error = _error(
        40002,
        "PARAMETER ERROR",
        invalid_param_list=[
            {"field": "number", "validation_type": "required"},
            {"field": "mobile_number", "validation_type": "format", "value": "abc d"},
        ],
    )
    assert isinstance(error, PbxRefusedError)
    assert error.invalid_fields == ("number", "mobile_number")
    assert "number (required), mobile_number = 'abc d' (format)" in str(error)


@pytest.mark.parametrize("field", ["user_password", "reg_password", "vm_pin", "client_secret", "access_token"])
def test_value_of_a_secret_field_is_never_shown(field: str) -> None:
    answer = {
        "errmsg": "PARAMETER ERROR",
        "invalid_param_list": [{"field": field, "value": "Hidden123"}],
        "duplicate_field_list": [{"field": field, "value": "Hidden123", "external_source": "extension"}],
    }
    for errcode in (40002, 40003):
        error = error_from_answer(answer, errcode, "create extension 1201")
        assert field in str(error)
        assert "Hidden123" not in f"{error} {error!r} {vars(error)}"


def test_duplicate_names_field_value_and_owner() -> None:
    error = _error(
        40003,
        "DUPLICATE KEY VALUE",
        submsg="Extension create fail for duplicate fields",
        duplicate_field_list=[
            {
                "field": "email_addr",
                "value": "anna@example.test",
                "external_source": "extension",
                "external_source_name": "1011",
            },
            {"field": "number", "value": "1201", "external_source": "ivr", "external_source_name": 6200},
        ],
    )
    assert isinstance(error, PbxRefusedError)
    assert error.duplicate_fields == (
        DuplicateField("email_addr", "anna@example.test", "extension", "1011"),
        DuplicateField("number", "1201", "ivr", "6200"),
    )
    assert "email_addr anna@example.test belongs to extension 1011, number 1201 belongs to ivr 6200" in str(error)


def test_duplicate_without_a_list_shows_the_submsg() -> None:
    assert "duplicate fields" in str(_error(40003, submsg="create fail for duplicate fields"))


@pytest.mark.parametrize("value", [None, "x", [1, "y"], {"field": "number"}])
def test_malformed_lists_of_fields_are_passed_over(value: object) -> None:
    for errcode in (40002, 40003):
        error = _error(errcode, invalid_param_list=value, duplicate_field_list=value)
        assert isinstance(error, PbxRefusedError)
        assert (error.invalid_fields, error.duplicate_fields) == ((), ())


def test_secrets_that_the_pbx_echoes_are_masked_and_texts_are_bounded() -> None:
    answer = {"errmsg": "bad Secret1 " + "x" * 1000, "submsg": "Secret1\nagain"}
    error = error_from_answer(answer, 40003, "create extension 1201", ["", "Secret1"])
    assert "Secret1" not in f"{error} {error.errmsg} {error!r}"
    assert "bad *** x" in str(error)
    assert "*** again" in str(error)
    assert len(str(error)) < 600


@pytest.mark.parametrize(
    "secret",
    [
        "Correct  Horse 9x",
        " Blank1 ",
        "Tab\t1\n",
        "Ab1\"Cd2'Ef3\\g",
        "it's",
        'say "it"',
        "back\\slash",
        "nbsp\xa01",
        "Ümläut1",
    ],
)
@pytest.mark.parametrize(
    "echo",
    [
        lambda secret: secret,
        lambda secret: f"bad value {secret}, again {secret}.",
        lambda secret: {"user_password": secret},
        lambda secret: [{secret: f"{secret}\" and '{secret}"}],
        lambda secret: json.dumps({"user_password": secret}),
        lambda secret: json.dumps({"user_password": secret}, ensure_ascii=False),
    ],
)
def test_secrets_are_masked_whatever_characters_they_have(secret: str, echo: Callable[[str], Any]) -> None:
    told = errors.clean_text(echo(secret), [secret])
    assert "***" in told
    for part in (secret, secret.strip(), " ".join(secret.split()), repr(secret)[1:-1], json.dumps(secret)[1:-1]):
        assert part not in told


def test_a_secret_that_is_a_part_of_another_leaves_none_of_it() -> None:
    assert errors.clean_text("bad abcdef", ["abc", "abcdef"]) == "bad ***"


def test_a_secret_of_digits_is_masked_in_a_number() -> None:
    assert errors.clean_text({"pin": 471100}, ["4711"]) == "{'pin': ***00}"


@pytest.mark.parametrize(
    ("errcode", "kind", "remedy"),
    [
        (-1, errors.PbxAuthenticationError, "pbx_client_id and pbx_client_secret"),
        (40002, errors.PbxAuthenticationError, "pbx_client_id"),
        (60002, errors.PbxTokenLimitError, "30 minutes"),
        (70004, errors.PbxBlockedError, "Blocked IPs"),
        (70087, errors.PbxBlockedError, "allow-list"),
        (10001, errors.PbxInterfaceError, "pbx_url"),
        (10005, errors.PbxPermissionError, "permission"),
        (-2, errors.PbxAnswerError, ""),
        (70082, errors.PbxAnswerError, "busy with a big task"),
    ],
)
def test_refused_log_in_always_ends_the_run(errcode: int, kind: type[PbxError], remedy: str) -> None:
    answer = {"errmsg": "FAILURE Secret1", "invalid_param_list": [{"field": "password", "value": "Secret1"}]}
    error = login_error_from_answer(answer, errcode, ["Secret1"])
    assert error.__class__ is kind
    assert error.ends_run
    assert remedy in str(error)
    assert "Secret1" not in f"{error} {error!r} {vars(error)}"


def test_wrong_credentials_warn_of_the_block() -> None:
    assert "Five failed log-ins" in str(login_error_from_answer({"errmsg": "FAILURE"}, -1, []))


def test_a_lost_answer_concerns_one_object_and_leaves_its_outcome_unknown() -> None:
    error = errors.AnswerLostError("lost")
    assert not error.ends_run
    assert error.outcome_unknown
