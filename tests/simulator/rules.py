# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of all three kinds, drawn: the one place that knows which options there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.saving import GivenRule, given_rule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

from tests.simulator.directory import Kind, SimulatedDirectory, Thing

Options = Mapping[str, Any]
Rules = Mapping[RuleKind, Options]

FIRST_NUMBER = 1000
_USER_FILTERS = ("(department=Sales)", "(!(title=Temp))", "(&(objectClass=user)(|(department=*)(mail=*)))", "(sn=*e*)")
_UNIT_FILTERS = ("(ou=S*)", "(!(ou=Support))", "(name=*a*)")
_GROUP_FILTERS = ("(cn=*a*)", "(!(cn=Sales))")
_ALL_KINDS = (
    (RuleKind.USERS,),
    (RuleKind.USERS, RuleKind.GROUPS),
    (RuleKind.USERS, RuleKind.ORGANIZATIONAL_UNITS),
    tuple(RuleKind),
    tuple(RuleKind),
)


def draw_rules(random: Random, directory: SimulatedDirectory, parents: tuple[str, ...]) -> Rules:
    """Draw what is synchronized, and by which rules.

    :param parents: names of organizations that an administrator has made below the root.
    """
    draws: Mapping[RuleKind, Callable[[], Options]] = {
        RuleKind.USERS: lambda: _user_options(random, directory),
        RuleKind.ORGANIZATIONAL_UNITS: lambda: _unit_options(random, directory, parents),
        RuleKind.GROUPS: lambda: _group_options(random, directory),
    }
    return {kind: draws[kind]() for kind in random.choice(_ALL_KINDS)}


def given(rules: Rules) -> list[GivenRule]:
    """The rules as a play gives them."""
    return [given_rule(kind, options) for kind, options in rules.items()]


def _user_options(random: Random, directory: SimulatedDirectory) -> dict[str, Any]:
    options = {
        **_user_scope(random, directory),
        "delete_when": [one for one in ("expired", "disabled", "deleted") if random.random() < 0.6],
        "deletion_proof": random.choice(("tombstone", "tombstone", "absence")),
        "out_of_scope": random.choice(("release", "delete")),
        "associate_by_email": random.random() < 0.5,
        "send_welcome_email": random.random() < 0.3,
        "label_group": random.choice(("", "", "AD users")),
        "number_rest_days": random.choice((0, 1, 30)),
        "park_days": random.choice((0, 0, 1, 20)),
        "delete_in_use": random.random() < 0.3,
        **_guard(random, "renumberings", "email_changes", "moves"),
        **_drift(random, "first_name", "email_addr", "title", "organizations"),
    }
    if random.random() < 0.25:
        return {**options, "number_from": "attribute"}
    end = random.choice((99_999_999, 99_999_999, FIRST_NUMBER + 6))
    return {**options, "number_start": FIRST_NUMBER, "number_end": end}


def _user_scope(random: Random, directory: SimulatedDirectory) -> dict[str, Any]:
    scope = random.choice(("all", "all", "organizational_units", "groups", "filter", "users"))
    units, groups = _visible(directory, Kind.UNIT), _visible(directory, Kind.GROUP)
    users = _visible(directory, Kind.USER)
    if scope == "organizational_units" and units:
        return {"scope": scope, "organizational_units": _names(random, directory, units)}
    if scope == "groups" and groups:
        return {"scope": scope, "groups": _names(random, directory, groups)}
    if scope == "filter":
        return {"scope": scope, "filter": random.choice(_USER_FILTERS)}
    if scope == "users" and users:
        numbers = [str(FIRST_NUMBER + 500 + place) for place in range(8)]
        chosen = random.sample(users, min(len(users), 3))
        named = [
            {"user": user.texts["sAMAccountName"], "extension": number}
            for user, number in zip(chosen, random.sample(numbers, len(chosen)), strict=True)
        ]
        return {"scope": scope, "users": named}
    return {"scope": "all"}


def _unit_options(random: Random, directory: SimulatedDirectory, parents: tuple[str, ...]) -> dict[str, Any]:
    options: dict[str, Any] = {
        "sync_to": random.choice(("organization", "organization", "extension_group")),
        "out_of_scope": random.choice(("release", "delete")),
        "deletion_proof": random.choice(("tombstone", "tombstone", "absence")),
        "associate_by_name": random.random() < 0.5,
        **_guard(random, "moves", "member_removals", "member_removals_per_group"),
        **_drift(random, "name"),
    }
    if options["sync_to"] == "organization":
        options["parent_organization"] = random.choice(("", "", *parents))
        options["company_name"] = random.choice(("", "", "Example Group"))
        if random.random() < 0.25:
            return {**options, "hierarchy_from": "department", "hierarchy_separator": random.choice(("", "/"))}
    scope = random.choice(("all", "all", "organizational_units", "filter"))
    units = _visible(directory, Kind.UNIT)
    if scope == "organizational_units" and units:
        return {**options, "scope": scope, "organizational_units": _names(random, directory, units)}
    if scope == "filter":
        return {**options, "scope": scope, "filter": random.choice(_UNIT_FILTERS)}
    return options


def _group_options(random: Random, directory: SimulatedDirectory) -> dict[str, Any]:
    options: dict[str, Any] = {
        "out_of_scope": random.choice(("release", "delete")),
        "deletion_proof": random.choice(("tombstone", "tombstone", "absence")),
        "associate_by_name": random.random() < 0.5,
        **_guard(random, "member_removals", "member_removals_per_group"),
        **_drift(random, "name", "members"),
    }
    scope = random.choice(("all", "all", "types", "filter", "groups"))
    groups = _visible(directory, Kind.GROUP)
    if scope == "types":
        return {**options, "scope": scope, "types": random.choice((["security"], ["distribution"]))}
    if scope == "filter":
        return {**options, "scope": scope, "filter": random.choice(_GROUP_FILTERS)}
    if scope == "groups" and groups:
        return {**options, "scope": scope, "groups": _names(random, directory, groups)}
    return options


def _visible(directory: SimulatedDirectory, kind: Kind) -> list[Thing]:
    return [one for one in directory.of(kind) if not one.hidden]


def _names(random: Random, directory: SimulatedDirectory, things: list[Thing]) -> list[str]:
    """Some objects by their distinguished names."""
    return [directory.dn(one.guid) for one in random.sample(things, min(len(things), random.randint(1, 2)))]


# --- drift


def _drift(random: Random, *fields: str) -> dict[str, Any]:
    """What becomes of what somebody changed on the PBX: put back, or only told, of all fields or of some."""
    chosen = random.choice(("correct", "correct", "report"))
    others = {name: random.choice(("correct", "report")) for name in fields if random.random() < 0.1}
    return {"drift": chosen, "drift_fields": others}


# --- the guard

_DELETIONS, _RELEASES = "deletions", "releases"


def _guard(random: Random, *dangers: str) -> dict[str, Any]:
    """Limits of the guard: those of every rule that nobody gave any, none to speak of, or tight ones."""
    kind = random.choice(("default", "off", "off", "tight"))
    if kind == "default":
        return {}
    limit = {"floor": 1000, "percent": 100.0, "count": 1000}
    if kind == "tight":
        limit = {"floor": random.choice((0, 1)), "percent": random.choice((0.0, 20.0)), "count": random.choice((1, 3))}
    return {"guard": dict.fromkeys((_DELETIONS, _RELEASES, *dangers), limit)}


def guarded(options: Options, total: int) -> Mapping[str, int]:
    """How many deletions and how many releases of one kind a run may do unasked.

    :param total: how many objects of it are associated.
    """
    defaults = {_DELETIONS: (5, 5.0, 100), _RELEASES: (10, 5.0, 200)}
    found = {}
    for danger, values in defaults.items():
        floor, percent, count = options.get("guard", {}).get(danger, {}).values() or values
        found[danger] = max(floor, min(count, int(percent * total // 100)))
    return found
