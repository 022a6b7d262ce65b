# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of pbx_ad_group_sync become a rule, or an error that names the option."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.group_options import (
    GROUP_RULE_OPTIONS,
    group_rule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.guard_options import guard_limits, guard_options
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import OptionError
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import Danger, GuardLimits
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    DeletionProof,
    GroupRule,
    GroupScope,
    GroupType,
    OutOfScope,
)

GUARD_OPTIONS = guard_options(Danger.REMOVALS, Danger.MEMBER_REMOVALS)


def options(**given: Any) -> dict[str, Any]:
    """The options as Ansible hands them over: the given ones and the defaults of the others."""
    return {name: spec["default"] for name, spec in {**GROUP_RULE_OPTIONS, **GUARD_OPTIONS}.items()} | given


def test_the_defaults_are_those_of_the_rule_and_of_the_guard() -> None:
    assert group_rule(options()) == GroupRule()
    assert guard_limits(options(), "") == GuardLimits()


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


def test_what_is_given_is_in_the_limits() -> None:
    given = {
        "max_removals": 1,
        "max_removals_percent": 2.5,
        "max_member_removals": 3,
        "max_member_removals_percent": 0.0,
        "allow_guarded": "0123456789abcdef",
    }

    assert guard_limits(options(**given), options(**given)["allow_guarded"]) == GuardLimits(
        removals=1, percent=2.5, member_removals=3, member_removals_percent=0.0, allowed="0123456789abcdef"
    )


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
    ("given", "word"),
    [
        ({"max_removals": -1}, "max_removals"),
        ({"max_removals_percent": 100.5}, "max_removals_percent"),
        ({"max_member_removals": -1}, "max_member_removals"),
        ({"max_member_removals_percent": -0.1}, "max_member_removals_percent"),
        ({"max_member_removals_percent": float("nan")}, "max_member_removals_percent"),
        ({"max_member_removals_percent": float("inf")}, "max_member_removals_percent"),
    ],
)
def test_limits_that_are_none_are_told_by_their_names(given: dict[str, Any], word: str) -> None:
    with pytest.raises(OptionError, match=f"^{word} "):
        guard_limits(options(**given), options(**given)["allow_guarded"])


def test_the_guard_of_groups_has_no_option_for_moves() -> None:
    assert set(GUARD_OPTIONS) == {
        "max_removals",
        "max_removals_percent",
        "max_member_removals",
        "max_member_removals_percent",
        "allow_guarded",
    }
