# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of pbx_ad_user_sync become a rule, or an error that names the option."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import OptionError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.user_options import USER_RULE_OPTIONS, user_rule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    AccountStatus,
    DriftPolicy,
    NamedUser,
    Scope,
    UserRule,
    leaves_drift,
)


def options(**given: Any) -> dict[str, Any]:
    """The options as Ansible hands them over: the given ones and the defaults of the others."""
    return {name: spec["default"] for name, spec in USER_RULE_OPTIONS.items()} | given


def test_the_defaults_are_those_of_the_rule() -> None:
    assert user_rule(options()) == UserRule()


def test_what_is_given_is_in_the_rule() -> None:
    rule = user_rule(
        options(
            scope="users",
            users=[{"user": " anna ", "extension": " 2001 "}],
            delete_when=["disabled", "expired"],
            associate_by_email=True,
            drift="report",
            drift_fields={"title": "correct", "organizations": "report"},
        )
    )

    assert rule.drift is DriftPolicy.REPORT
    assert not leaves_drift(rule, "title")
    assert leaves_drift(rule, "organizations")
    assert leaves_drift(rule, "email_addr")
    assert rule.scope is Scope.USERS
    assert rule.users == (NamedUser("anna", "2001"),)
    assert rule.delete_when == {AccountStatus.DISABLED, AccountStatus.EXPIRED}
    assert rule.associate_by_email


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"scope": "organizational_units"}, ["organizational_units"]),
        ({"scope": "groups"}, ["groups"]),
        ({"scope": "filter"}, ["filter"]),
        ({"scope": "users"}, ["users"]),
        ({"groups": ["Staff"]}, ["groups", "scope", "all"]),
        ({"scope": "groups", "groups": ["Staff"], "filter": "(cn=*)"}, ["filter", "scope"]),
        ({"scope": "groups", "groups": ["Staff", " "]}, ["groups", "empty"]),
        ({"scope": "organizational_units", "organizational_units": [""]}, ["organizational_units", "empty"]),
        ({"number_start": 0}, ["number_start"]),
        ({"number_end": -1}, ["number_end"]),
        ({"number_start": 2000, "number_end": 1999}, ["number_start", "number_end"]),
        ({"number_end": 100_000_000}, ["number_end", "8 digits"]),
        ({"number_attribute": " "}, ["number_attribute"]),
        ({"number_attribute": "*)(cn=*"}, ["number_attribute", "attribute"]),
        ({"number_start": 10**40}, ["number_start", "41 characters"]),
        ({"number_rest_days": -1}, ["number_rest_days"]),
        ({"number_rest_days": 10**18}, ["number_rest_days"]),
        ({"scope": "users", "users": [{"user": "", "extension": "1"}]}, ["users", "empty"]),
        (
            {"drift_fields": {"job_title": "report"}},
            ["drift_fields", "job_title", "first_name, last_name, email_addr, mobile_number, title, organizations"],
        ),
        ({"drift_fields": {"members": "report"}}, ["drift_fields", "'members'"]),
        ({"drift_fields": {1: "report"}}, ["drift_fields", "1"]),
        ({"drift_fields": {"title": "keep"}}, ["drift_fields.title", "'keep'", "correct or report"]),
        ({"drift_fields": {"title": True}}, ["drift_fields.title", "True"]),
        ({"drift_fields": {"title": None}}, ["drift_fields.title", "None"]),
        ({"drift_fields": {"title": {}}}, ["drift_fields.title"]),
        ({"scope": "users", "users": [{"user": "anna", "extension": "12a"}]}, ["anna", "12a"]),
        (
            {"scope": "users", "users": [{"user": "anna", "extension": "1"}, {"user": "bernd", "extension": "1"}]},
            ["extension 1", "2 users"],
        ),
        (
            {"scope": "users", "users": [{"user": "anna", "extension": "1"}, {"user": "ANNA", "extension": "2"}]},
            ["anna", "2 times"],
        ),
    ],
)
def test_options_that_cannot_be_are_told_by_their_names(given: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(OptionError) as raised:
        user_rule(options(**given))

    for word in words:
        assert word in str(raised.value)
