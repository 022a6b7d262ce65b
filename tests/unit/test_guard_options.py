# SPDX-License-Identifier: GPL-3.0-or-later
"""The option guard becomes limits, or an error that names the limit; and what is saved of it is read again."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.guard_options import (
    guard_limits,
    guard_options,
    guard_settings,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.kinds import KINDS
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import OptionError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.saving import given_rule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.dangers import Danger
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import (
    DEFAULT_LIMITS,
    GuardLimits,
    Limit,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

ALL = (*(danger.value for danger in Danger), "member_removals_per_group")


def options(*dangers: Danger, **given: Any) -> dict[str, Any]:
    """The options as Ansible hands them over."""
    validated = ArgumentSpecValidator(guard_options(*dangers)).validate(given)
    assert validated.error_messages == []
    values: dict[str, Any] = validated.validated_parameters
    return values


def test_the_defaults_are_those_of_the_guard() -> None:
    for _time in range(2):
        values = options(*Danger)
        assert guard_limits(values, values["allow_guarded"]) == GuardLimits(dict(DEFAULT_LIMITS))
    assert guard_limits({}, "") == guard_limits({"guard": None}, "") == GuardLimits(dict(DEFAULT_LIMITS))


def test_what_is_given_is_in_the_limits_and_the_rest_is_the_default() -> None:
    given = {
        "deletions": {"floor": 1, "percent": 2.5, "count": 9},
        "moves": {"floor": "3"},
        "email_changes": None,
        "member_removals_per_group": {"count": 11},
    }
    assert guard_limits(options(*Danger, guard=given), "0123456789abcdef") == GuardLimits(
        {
            **DEFAULT_LIMITS,
            Danger.DELETIONS: Limit(1, 2.5, 9),
            Danger.MOVES: Limit(3, DEFAULT_LIMITS[Danger.MOVES].percent, DEFAULT_LIMITS[Danger.MOVES].count),
        },
        Limit(10, 50.0, 11),
        "0123456789abcdef",
    )


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"floor": -1}, "floor -1 is less than 0"),
        ({"count": -1}, "count -1 is less than 0"),
        ({"percent": -0.1}, "percent -0.1 is no share"),
        ({"percent": 100.5}, "percent 100.5 is no share"),
        ({"percent": float("nan")}, "percent nan is no share"),
        ({"percent": float("inf")}, "percent inf is no share"),
    ],
)
def test_a_limit_that_is_none_is_told_by_its_name(name: str, given: dict[str, Any], what: str) -> None:
    with pytest.raises(OptionError, match=rf"^guard\.{name}\.{what}"):
        guard_limits({"guard": {name: given}}, "")


@pytest.mark.parametrize("given", [{"floor": 8, "count": 7}, {"floor": 101}, {"count": 4}])
def test_a_count_below_the_floor_would_never_count(given: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=r"guard\.deletions\.count \d+ is less than guard\.deletions\.floor \d+"):
        guard_limits({"guard": {"deletions": given}}, "")


@pytest.mark.parametrize(
    ("guard", "words"),
    [
        ({"deletions": {"floor": "few"}}, ["floor", "guard -> deletions"]),
        ({"deletions": {"floor": 1.5}}, ["floor", "guard -> deletions"]),
        ({"deletions": {"percent": ""}}, ["percent", "guard -> deletions"]),
        ({"deletions": "few"}, ["deletions", "guard"]),
        ({"removals": {}}, ["guard.removals", "deletions"]),
        ({"deletions": {"most": 1}}, ["guard.deletions.most", "floor"]),
        ([], ["guard"]),
    ],
)
def test_what_is_no_limit_at_all_is_refused_by_its_name(guard: Any, words: list[str]) -> None:
    validated = ArgumentSpecValidator(guard_options(*Danger)).validate({"guard": guard})
    for word in words:
        assert word in "; ".join(validated.error_messages)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (RuleKind.USERS, {"deletions", "releases", "renumberings", "email_changes", "moves"}),
        (
            RuleKind.ORGANIZATIONAL_UNITS,
            {"deletions", "releases", "member_removals", "member_removals_per_group", "moves"},
        ),
        (RuleKind.GROUPS, {"deletions", "releases", "member_removals", "member_removals_per_group"}),
    ],
)
def test_a_kind_has_limits_for_what_it_can_do_and_saves_all_of_them(kind: RuleKind, names: set[str]) -> None:
    assert KINDS[kind].saved_options["guard"]["options"].keys() == names
    assert KINDS[kind].defaults["guard"].keys() == names
    given = given_rule(kind, {"guard": {"deletions": {"floor": 1}}})
    assert given.settings["guard"] == {
        **KINDS[kind].defaults["guard"],
        "deletions": {"floor": 1, "percent": 5.0, "count": 100},
    }
    assert not given.is_default
    assert given_rule(kind, {"guard": {"deletions": {"floor": 5}}}).is_default


@pytest.mark.parametrize("kind", RuleKind)
def test_a_rule_given_with_a_limit_that_is_none_is_refused_by_its_name(kind: RuleKind) -> None:
    with pytest.raises(OptionError, match=rf"^{kind.value}: guard\.releases\.percent 101"):
        given_rule(kind, {"guard": {"releases": {"percent": 101}}})


@pytest.mark.parametrize(("guard", "name"), [(5, "guard"), ({"deletions": 5}, "guard.deletions"), (True, "guard")])
def test_a_number_in_place_of_limits_is_refused_by_the_name_of_the_option(guard: Any, name: str) -> None:
    with pytest.raises(OptionError, match=rf"^users: {name} is (5|True), which is no dictionary"):
        given_rule(RuleKind.USERS, {"guard": guard})


@pytest.mark.parametrize("kind", RuleKind)
def test_a_rule_saved_with_former_limits_is_read_without_them(kind: RuleKind) -> None:
    defaults = KINDS[kind].defaults
    former = {name: value for name, value in defaults.items() if name != "guard"}
    saved = {**former, "max_removals": 3, "max_removals_percent": 1.0, "out_of_scope": "delete"}
    assert KINDS[kind].completed(saved) == {**defaults, "out_of_scope": "delete"}


def test_saved_limits_are_completed_danger_by_danger() -> None:
    saved = {"guard": {"deletions": {"floor": 1}, "unheard_of": {"floor": 9}}}
    completed = KINDS[RuleKind.GROUPS].completed(saved)
    assert completed["guard"] == {
        **KINDS[RuleKind.GROUPS].defaults["guard"],
        "deletions": {"floor": 1, "percent": 5.0, "count": 100},
    }
    assert KINDS[RuleKind.GROUPS].completed(completed) == completed


def test_limits_are_saved_in_one_spelling() -> None:
    given = {"deletions": {"floor": True, "percent": 7, "count": 10**30}}
    assert guard_settings(given, Danger.DELETIONS) == {"deletions": {"floor": 1, "percent": 7.0, "count": 10**30}}
    assert [type(one) for one in guard_settings(given, Danger.DELETIONS)["deletions"].values()] == [int, float, int]
