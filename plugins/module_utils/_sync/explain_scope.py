# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Why a user is taken in by the rule for users, or is not, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.chains import Chain, Chains
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryGroup, DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import AccountStatus, Scope, UserRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.scope import account_status

_NO_RULE = "No rule for users is saved, so that no user is in scope."
_STATUS_WORDS = {AccountStatus.DISABLED: "is disabled", AccountStatus.EXPIRED: "has expired"}


@dataclass(frozen=True, slots=True)
class ScopeFacts:
    """What is known of a rule's scope, and of some users that may be in it.

    :param inside: objectGUIDs of the users that the scope takes in, whatever their account's status.
    :param elsewhere: objectGUIDs of users that are not below the base DN.
    :param system: objectGUIDs of users that the directory made for itself.
    :param units: the named organizational unit that each user is in, as the rule names it, by the user's objectGUID.
    :param names: by which the rule names users one by one, by their objectGUIDs.
    :param groups: all groups of the domain, where the scope is one of groups.
    :param chosen: objectGUIDs of the groups that the rule names.
    """

    rule: UserRule
    base_dn: str
    inside: frozenset[str]
    elsewhere: frozenset[str] = frozenset()
    system: frozenset[str] = frozenset()
    units: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    groups: Sequence[DirectoryGroup] = ()
    chosen: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ScopeVerdict:
    """Whether a user is to have an extension by the rule, and why."""

    in_scope: bool
    explanation: str


class ScopeExplainer:
    """Tells for each user whether the rule takes them in, and why.

    :param facts: None where no rule is saved.
    :param time: by which accounts expire.
    """

    def __init__(self, facts: ScopeFacts | None, time: datetime) -> None:
        self._facts = facts
        self._time = time
        self._chains = Chains(facts.groups, facts.chosen) if facts is not None else None

    def explain(self, user: DirectoryUser) -> ScopeVerdict:
        """Return whether a user is in scope, and the sentence that says why."""
        facts = self._facts
        if facts is None:
            return ScopeVerdict(False, _NO_RULE)
        if user.guid in facts.inside:
            return self._inside(facts, user)
        return ScopeVerdict(False, _outside(facts, user))

    def _inside(self, facts: ScopeFacts, user: DirectoryUser) -> ScopeVerdict:
        why = self._why_inside(facts, user)
        statuses = account_status(user, self._time) & facts.rule.delete_when
        words = [word for status, word in _STATUS_WORDS.items() if status in statuses]
        if not words:
            return ScopeVerdict(True, f"{why}.")
        return ScopeVerdict(
            False, f"{why}, but the account {' and '.join(words)}, and by delete_when such an account has no extension."
        )

    def _why_inside(self, facts: ScopeFacts, user: DirectoryUser) -> str:
        rule = facts.rule
        match rule.scope:
            case Scope.ALL:
                return f"The user is below {facts.base_dn}, and the rule takes in all users"
            case Scope.ORGANIZATIONAL_UNITS:
                unit = facts.units.get(user.guid) or " or ".join(rule.organizational_units)
                return f"The user is in the organizational unit {unit}"
            case Scope.GROUPS:
                chain = self._chains.of(user) if self._chains is not None else None
                return _membership(chain or Chain((" or ".join(rule.groups),)))
            case Scope.FILTER:
                return f"The user matches the filter {rule.filter}"
            case Scope.USERS:
                return f"The rule names the user as {facts.names.get(user.guid, user.account_name)}"


def _membership(chain: Chain) -> str:
    first, *above = chain.groups
    beginning = f"The user's primary group is {first}" if chain.is_primary else f"The user is a member of {first}"
    return "".join([beginning, *(f", which is a member of {name}" for name in above)])


def _outside(facts: ScopeFacts, user: DirectoryUser) -> str:
    if user.guid in facts.system:
        return "It is an account that the directory made for itself, and such accounts are never taken in."
    if user.guid in facts.elsewhere:
        return f"The user is not below the base DN {facts.base_dn}."
    return _not_taken_in(facts.rule)


def _not_taken_in(rule: UserRule) -> str:
    match rule.scope:
        case Scope.ALL:
            return "The search for all users did not return the user."
        case Scope.ORGANIZATIONAL_UNITS:
            return f"The user is in none of the organizational units named: {', '.join(rule.organizational_units)}."
        case Scope.GROUPS:
            return (
                f"The user is a member of none of the groups named ({', '.join(rule.groups)}), nor of a group nested "
                "in them."
            )
        case Scope.FILTER:
            return f"The user does not match the filter {rule.filter}."
        case Scope.USERS:
            return "The rule names users one by one, and this one is not among them."
