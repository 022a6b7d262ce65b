# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Makes a rule of the options of pbx_ad_user_sync."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import (
    OptionError,
    require_positive,
    require_text,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import GuardLimits
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.model import (
    AccountStatus,
    DeletionProof,
    NamedUser,
    NumberFrom,
    OutOfScope,
    Scope,
    UserRule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.numbers import is_number

USER_RULE_OPTIONS: dict[str, dict[str, Any]] = {
    "scope": {"type": "str", "choices": [scope.value for scope in Scope], "default": "all"},
    "organizational_units": {"type": "list", "elements": "str", "default": []},
    "groups": {"type": "list", "elements": "str", "default": []},
    "filter": {"type": "str", "default": ""},
    "users": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "user": {"type": "str", "required": True},
            "extension": {"type": "str", "required": True},
        },
    },
    "number_from": {"type": "str", "choices": [source.value for source in NumberFrom], "default": "start"},
    "number_start": {"type": "int", "default": 1000},
    "number_end": {"type": "int", "default": 99999999},
    "number_attribute": {"type": "str", "default": "ipPhone"},
    "number_rest_days": {"type": "int", "default": 30},
    "delete_when": {
        "type": "list",
        "elements": "str",
        "choices": [status.value for status in AccountStatus],
        "default": ["deleted"],
    },
    "deletion_proof": {"type": "str", "choices": [proof.value for proof in DeletionProof], "default": "tombstone"},
    "out_of_scope": {"type": "str", "choices": [fate.value for fate in OutOfScope], "default": "release"},
    "associate_by_email": {"type": "bool", "default": False},
    "send_welcome_email": {"type": "bool", "default": False},
}

GUARD_OPTIONS: dict[str, dict[str, Any]] = {
    "max_removals": {"type": "int", "default": 10},
    "max_removals_percent": {"type": "float", "default": 5.0},
    "allow_removals": {"type": "str", "default": ""},
}

# What each scope needs to be told; an option of another scope would be ignored, so it is refused.
_SCOPE_OPTIONS = {
    Scope.ORGANIZATIONAL_UNITS: "organizational_units",
    Scope.GROUPS: "groups",
    Scope.FILTER: "filter",
    Scope.USERS: "users",
}
_HIGHEST_NUMBER = 99_999_999
_WHOLE = 100


def user_rule(options: Mapping[str, Any]) -> UserRule:
    """Return the rule that the options describe.

    :raises OptionError: where they contradict each other or cannot be used, by their names.
    """
    scope = Scope(options["scope"])
    _check_scope(scope, options)
    _check_numbers(options)
    return UserRule(
        scope=scope,
        organizational_units=tuple(options["organizational_units"]),
        groups=tuple(options["groups"]),
        filter=options["filter"],
        users=_named_users(options["users"]),
        number_from=NumberFrom(options["number_from"]),
        number_start=options["number_start"],
        number_end=options["number_end"],
        number_attribute=options["number_attribute"],
        number_rest_days=options["number_rest_days"],
        delete_when=frozenset(AccountStatus(status) for status in options["delete_when"]),
        deletion_proof=DeletionProof(options["deletion_proof"]),
        out_of_scope=OutOfScope(options["out_of_scope"]),
        associate_by_email=options["associate_by_email"],
        send_welcome_email=options["send_welcome_email"],
    )


def guard_limits(options: Mapping[str, Any]) -> GuardLimits:
    """Return the guard's limits.

    :raises OptionError: for a negative number or more than 100 percent.
    """
    if options["max_removals"] < 0:
        raise OptionError(f"max_removals {options['max_removals']} is less than 0.", "Give 0 or more.")
    if not 0 <= options["max_removals_percent"] <= _WHOLE:
        raise OptionError(
            f"max_removals_percent {options['max_removals_percent']} is no share.", "Give a number from 0 to 100."
        )
    return GuardLimits(options["max_removals"], options["max_removals_percent"], options["allow_removals"])


def _check_scope(scope: Scope, options: Mapping[str, Any]) -> None:
    needed = _SCOPE_OPTIONS.get(scope)
    if needed is not None and not options[needed]:
        raise OptionError(f"scope {scope.value} needs {needed}, which is empty.", f"Give {needed} a value.")
    for other, name in _SCOPE_OPTIONS.items():
        if options[name] and other is not scope:
            raise OptionError(
                f"{name} is given and scope is {scope.value}, which does not look at it.",
                f"Set scope to {other.value}, or leave {name} out.",
            )
    for name in ("organizational_units", "groups"):
        if any(not value.strip() for value in options[name]):
            raise OptionError(f"{name} holds an empty name.", "Take it out.")


def _check_numbers(options: Mapping[str, Any]) -> None:
    require_positive(options, ("number_start", "number_end"))
    require_text(options, ("number_attribute",))
    if options["number_rest_days"] < 0:
        raise OptionError(f"number_rest_days {options['number_rest_days']} is less than 0.", "Give 0 or more.")
    if options["number_end"] > _HIGHEST_NUMBER:
        raise OptionError(f"number_end {options['number_end']} has more than 8 digits.", "The PBX takes 8 at most.")
    if options["number_start"] > options["number_end"]:
        raise OptionError(
            f"number_start {options['number_start']} is above number_end {options['number_end']}.",
            "Leave at least one number between them.",
        )


def _named_users(values: list[Mapping[str, str]]) -> tuple[NamedUser, ...]:
    named = tuple(NamedUser(value["user"].strip(), value["extension"].strip()) for value in values)
    for entry in named:
        if not entry.user:
            raise OptionError("users holds an entry whose user is empty.", "Name the user, or take the entry out.")
        if not is_number(entry.extension):
            raise OptionError(
                f"users binds {entry.user} to {entry.extension!r}, which is not an extension number.",
                "Give 1 to 8 digits.",
            )
    for number, count in Counter(entry.extension for entry in named).items():
        if count > 1:
            raise OptionError(
                f"users binds extension {number} to {count} users.", "An extension can be one user's alone."
            )
    for user, count in Counter(entry.user.casefold() for entry in named).items():
        if count > 1:
            raise OptionError(f"users names {user} {count} times.", "Name each user once.")
    return named
