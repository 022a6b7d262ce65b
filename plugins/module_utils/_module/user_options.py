# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Makes a rule of the options of pbx_ad_user_sync."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.drift_options import DRIFT_OPTIONS, drift_fields
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import (
    OptionError,
    check_scope,
    require_attribute,
    require_positive,
    require_text,
    shown,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import FIELD_NAMES
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.numbers import is_number
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.placement import ORGANIZATIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    AccountStatus,
    DeletionProof,
    DriftPolicy,
    NamedUser,
    NumberFrom,
    OutOfScope,
    Scope,
    UserRule,
)

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
    "park_days": {"type": "int", "default": 0},
    "delete_when": {
        "type": "list",
        "elements": "str",
        "choices": [status.value for status in AccountStatus],
        "default": ["deleted"],
    },
    "delete_in_use": {"type": "bool", "default": False},
    "deletion_proof": {"type": "str", "choices": [proof.value for proof in DeletionProof], "default": "tombstone"},
    "out_of_scope": {"type": "str", "choices": [fate.value for fate in OutOfScope], "default": "release"},
    "associate_by_email": {"type": "bool", "default": False},
    "send_welcome_email": {"type": "bool", "default": False},
    "label_group": {"type": "str", "default": ""},
    **DRIFT_OPTIONS,
}
_DRIFT_FIELDS = (*FIELD_NAMES, ORGANIZATIONS)

# What each scope needs to be told; an option of another scope would be ignored, so it is refused.
_SCOPE_OPTIONS = {
    Scope.ORGANIZATIONAL_UNITS: "organizational_units",
    Scope.GROUPS: "groups",
    Scope.FILTER: "filter",
    Scope.USERS: "users",
}
_HIGHEST_NUMBER = 99_999_999
_MOST_DAYS = 36_500


def user_rule(options: Mapping[str, Any]) -> UserRule:
    """Return the rule that the options describe.

    :raises OptionError: where they contradict each other or cannot be used, by their names.
    """
    scope = Scope(options["scope"])
    check_scope(scope, _SCOPE_OPTIONS, options)
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
        park_days=options["park_days"],
        delete_in_use=options["delete_in_use"],
        delete_when=frozenset(AccountStatus(status) for status in options["delete_when"]),
        deletion_proof=DeletionProof(options["deletion_proof"]),
        out_of_scope=OutOfScope(options["out_of_scope"]),
        associate_by_email=options["associate_by_email"],
        send_welcome_email=options["send_welcome_email"],
        label_group=options["label_group"].strip(),
        drift=DriftPolicy(options["drift"]),
        drift_fields=drift_fields(options, _DRIFT_FIELDS),
    )


def _check_numbers(options: Mapping[str, Any]) -> None:
    require_positive(options, ("number_start", "number_end"))
    require_text(options, ("number_attribute",))
    require_attribute(options, "number_attribute")
    for name in ("number_rest_days", "park_days"):
        if not 0 <= options[name] <= _MOST_DAYS:
            raise OptionError(f"{name} {shown(options[name])} is not from 0 to {_MOST_DAYS}.", "Give a number of days.")
    if options["number_end"] > _HIGHEST_NUMBER:
        raise OptionError(
            f"number_end {shown(options['number_end'])} has more than 8 digits.", "The PBX takes 8 at most."
        )
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
