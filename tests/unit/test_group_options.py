# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of pbx_ad_group_sync become a rule, or an error that names the option."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.group_options import (
    GROUP_RULE_OPTIONS,
    group_rule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import OptionError
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    DeletionProof,
    DriftPolicy,
    GroupRule,
    GroupScope,
    GroupType,
    OutOfScope,
)


def options(**given: Any) -> dict[str, Any]:
    """The options as Ansible hands them over: the given ones and the defaults of the others."""
    return {name: spec["default"] for name, spec in GROUP_RULE_OPTIONS.items()} | given


def test_the_defaults_are_those_of_the_rule() -> None:
    assert group_rule(options()) == GroupRule()


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        (
            {"scope": "types", "types": ["security", "distribution", "security"]},
            GroupRule(scope=GroupScope.TYPES, types=frozenset(GroupType)),
        ),
        ({"scope": "filter", "filter": "(cn=sales*)"}, GroupRule(scope=GroupScope.FILTER, filter="(cn=sales*)")),
        (
            {"scope": "groups", "groups": ["Sales", "CN=Support,DC=example,DC=com"]},
            GroupRule(scope=GroupScope.GROUPS, groups=("Sales", "CN=Support,DC=example,DC=com")),
        ),
        (
            {"out_of_scope": "delete", "deletion_proof": "absence", "associate_by_name": True},
            GroupRule(out_of_scope=OutOfScope.DELETE, deletion_proof=DeletionProof.ABSENCE, associate_by_name=True),
        ),
    ],
)
def test_what_is_given_is_in_the_rule(given: dict[str, Any], rule: GroupRule) -> None:
    assert group_rule(options(**given)) == rule


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"scope": "types"}, ["scope types", "types"]),
        ({"scope": "filter"}, ["scope filter", "filter"]),
        ({"scope": "groups"}, ["scope groups", "groups"]),
        ({"types": ["security"]}, ["types", "scope", "all"]),
        ({"filter": "(cn=*)"}, ["filter", "scope", "all"]),
        ({"groups": ["Sales"]}, ["groups", "scope", "all"]),
        ({"scope": "types", "types": ["security"], "filter": "(cn=*)"}, ["filter", "scope"]),
        ({"scope": "filter", "filter": "(cn=*)", "groups": ["Sales"]}, ["groups", "scope"]),
        ({"scope": "groups", "groups": ["Sales"], "types": ["security"]}, ["types", "scope"]),
        ({"scope": "groups", "groups": [""]}, ["groups", "empty"]),
        ({"scope": "groups", "groups": ["Sales", " "]}, ["groups", "empty"]),
    ],
)
def test_options_that_cannot_be_are_told_by_their_names(given: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(OptionError) as raised:
        group_rule(options(**given))

    for word in words:
        assert word in str(raised.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"drift_fields": {"parent": "report"}}, "It takes name, members."),
        ({"drift_fields": {"members": "no"}}, "Give correct or report."),
    ],
)
def test_a_policy_for_a_field_that_is_none_is_told_with_those_there_are(given: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        group_rule(options(**given))


def test_a_policy_for_drift_is_in_the_rule() -> None:
    rule = group_rule(options(drift="report", drift_fields={"name": "correct"}))

    assert (rule.drift, rule.drift_fields) == (DriftPolicy.REPORT, {"name": DriftPolicy.CORRECT})
