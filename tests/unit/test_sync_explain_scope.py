# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentences that tell why a user is in scope or not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.chains import Chain, Chains
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.explain_scope import (
    ScopeExplainer,
    ScopeFacts,
    ScopeVerdict,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import AccountStatus, Scope, UserRule

from tests.unit.explain_builders import BASE_DN, scope_facts
from tests.unit.sync_builders import DAY, NOW, group, guid, rule, user, users_rule

_UNITS = UserRule(scope=Scope.ORGANIZATIONAL_UNITS, organizational_units=("Staff", "Support"))
_GROUPS = UserRule(scope=Scope.GROUPS, groups=("Outer", "Other"))
_FILTER = UserRule(scope=Scope.FILTER, filter="(cn=a*)")


def _explain(facts: ScopeFacts | None, **options: Any) -> ScopeVerdict:
    return ScopeExplainer(facts, NOW).explain(user("anna", **options))


def test_without_a_rule_nobody_is_in_scope() -> None:
    assert _explain(None) == ScopeVerdict(False, "No rule for users is saved, so that no user is in scope.")


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (
            scope_facts(user("anna")),
            f"The user is below {BASE_DN}, and the rule takes in all users.",
        ),
        (
            scope_facts(user("anna"), rule=_UNITS, units={guid("anna"): "Staff"}),
            "The user is in the organizational unit Staff.",
        ),
        (
            scope_facts(
                user("anna"), rule=_GROUPS, groups=[group("Outer", 1100, "anna")], chosen=frozenset({guid("Outer")})
            ),
            "The user is a member of Outer.",
        ),
        (
            scope_facts(
                user("anna"),
                rule=_GROUPS,
                groups=[group("Inner", 1102, "anna"), group("Middle", 1101, "Inner"), group("Outer", 1100, "Middle")],
                chosen=frozenset({guid("Outer")}),
            ),
            "The user is a member of Inner, which is a member of Middle, which is a member of Outer.",
        ),
        (
            scope_facts(
                user("anna"),
                rule=_GROUPS,
                groups=[group("Domain Users", 513), group("Outer", 1100, "Domain Users")],
                chosen=frozenset({guid("Outer")}),
            ),
            "The user's primary group is Domain Users, which is a member of Outer.",
        ),
        # Where it is not known by which of them, all that the rule names are named.
        (scope_facts(user("anna"), rule=_UNITS), "The user is in the organizational unit Staff or Support."),
        (scope_facts(user("anna"), rule=_GROUPS), "The user is a member of Outer or Other."),
        (scope_facts(user("anna"), rule=_FILTER), "The user matches the filter (cn=a*)."),
        (
            scope_facts(user("anna"), rule=users_rule({"anna@x": "2000"}), names={guid("anna"): "anna@x"}),
            "The rule names the user as anna@x.",
        ),
        (scope_facts(user("anna"), rule=users_rule({"anna@x": "2000"})), "The rule names the user as anna."),
    ],
)
def test_who_is_in_scope_is_told_why(facts: ScopeFacts, sentence: str) -> None:
    assert _explain(facts) == ScopeVerdict(True, sentence)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (scope_facts(), "The search for all users did not return the user."),
        (
            scope_facts(system=frozenset({guid("anna")}), elsewhere=frozenset({guid("anna")})),
            "It is an account that the directory made for itself, and such accounts are never taken in.",
        ),
        (scope_facts(elsewhere=frozenset({guid("anna")})), f"The user is not below the base DN {BASE_DN}."),
        (scope_facts(rule=_UNITS), "The user is in none of the organizational units named: Staff, Support."),
        (
            scope_facts(rule=_GROUPS),
            "The user is a member of none of the groups named (Outer, Other), nor of a group nested in them.",
        ),
        (scope_facts(rule=_FILTER), "The user does not match the filter (cn=a*)."),
        (
            scope_facts(rule=users_rule({"bernd": "2000"})),
            "The rule names users one by one, and this one is not among them.",
        ),
    ],
)
def test_who_is_not_in_scope_is_told_why(facts: ScopeFacts, sentence: str) -> None:
    assert _explain(facts) == ScopeVerdict(False, sentence)


@pytest.mark.parametrize(
    ("options", "statuses", "words"),
    [
        ({"disabled": True}, {AccountStatus.DISABLED}, "is disabled"),
        ({"expires": NOW - DAY}, {AccountStatus.EXPIRED}, "has expired"),
        (
            {"disabled": True, "expires": NOW - DAY},
            {AccountStatus.DISABLED, AccountStatus.EXPIRED},
            "is disabled and has expired",
        ),
    ],
)
def test_a_status_that_forbids_an_extension_is_told(
    options: dict[str, Any], statuses: set[AccountStatus], words: str
) -> None:
    facts = scope_facts(user("anna"), rule=rule(delete_when=statuses))

    assert _explain(facts, **options) == ScopeVerdict(
        False,
        f"The user is below {BASE_DN}, and the rule takes in all users, but the account {words}, and by delete_when "
        "such an account has no extension.",
    )


def test_a_status_that_the_rule_does_not_name_forbids_nothing() -> None:
    assert _explain(scope_facts(user("anna")), disabled=True, expires=NOW - DAY).in_scope


# --- chains


@pytest.mark.parametrize("members", [("Long", "Short"), ("Short", "Long")])
def test_the_shortest_way_into_a_group_is_told(members: tuple[str, str]) -> None:
    groups = [
        group("Outer", 1100, *members),
        group("Long", 1101, "Longer"),
        group("Longer", 1102, "anna"),
        group("Short", 1103, "anna"),
    ]

    assert Chains(groups, {guid("Outer")}).of(user("anna")) == Chain(("Short", "Outer"))


def test_groups_that_are_members_of_each_other_end_nowhere() -> None:
    groups = [group("One", 1100, "Two"), group("Two", 1101, "One", "anna")]

    chains = Chains(groups, {guid("One")})

    assert chains.of(user("anna")) == Chain(("Two", "One"))
    assert chains.of(user("bernd")) is None


def test_a_listed_membership_goes_before_the_primary_group() -> None:
    groups = [group("Primary", 513), group("Listed", 1101, "anna")]

    chains = Chains(groups, {guid("Primary"), guid("Listed")})

    assert chains.of(user("anna")) == Chain(("Listed",))
    assert chains.of(user("bernd")) == Chain(("Primary",), is_primary=True)
