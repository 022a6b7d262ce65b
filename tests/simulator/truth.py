# SPDX-License-Identifier: GPL-3.0-or-later
"""What a directory truly says of an object under a rule, found out without any of the code that is tried."""

from __future__ import annotations

from datetime import datetime

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Origin

from tests.simulator.directory import Kind, SimulatedDirectory, Thing
from tests.simulator.filters import compiled
from tests.simulator.rules import Options

DELETE, RELEASE = "delete", "release"


def fates_of_user(directory: SimulatedDirectory, options: Options, held: Association, now: datetime) -> set[str]:
    """What may become of the extension of a user; empty where it is to stay theirs.

    :param held: the association, as it was before.
    """
    guid = held.guid
    thing = directory.alive(guid)
    statuses = options.get("delete_when", ["deleted"])
    if thing is None or thing.hidden:
        return {DELETE} if "deleted" in statuses and _is_proved_gone(directory, options, guid) else set()
    if is_kept_out(options, thing, now):
        return {DELETE}
    if not takes_user_in(directory, options, thing):
        is_unlisted = options["scope"] == "users" and held.origin is Origin.BOUND
        return {RELEASE} if is_unlisted else {str(options["out_of_scope"])}
    if options["scope"] == "users" and held.number not in _numbers_of(options, thing):
        return {RELEASE}
    return set()


def is_kept_out(options: Options, user: Thing, now: datetime) -> bool:
    """Whether the status of an account is one that has no extension under a rule."""
    statuses = options.get("delete_when", ["deleted"])
    is_expired = user.expires is not None and user.expires <= now
    return ("disabled" in statuses and user.disabled) or ("expired" in statuses and is_expired)


def takes_user_in(directory: SimulatedDirectory, options: Options, user: Thing) -> bool:
    """Whether a rule takes a living user in."""
    if user.critical or user.kind is not Kind.USER:
        return False
    match options["scope"]:
        case "organizational_units":
            return any(directory.is_below(user.guid, one) for one in _named(directory, options["organizational_units"]))
        case "groups":
            return any(directory.is_member(user.guid, one) for one in _named(directory, options["groups"]))
        case "filter":
            return _matches(directory, options["filter"], user)
        case "users":
            return bool(_numbers_of(options, user))
        case _:
            return True


def fates_of_unit(directory: SimulatedDirectory, options: Options, guid: str) -> set[str]:
    """What may become of the organization or the extension group of a unit."""
    thing = directory.alive(guid)
    if thing is None or thing.hidden:
        return {DELETE, RELEASE} if _is_proved_gone(directory, options, guid) else set()
    return set() if takes_unit_in(directory, options, thing) else {DELETE, RELEASE}


def takes_unit_in(directory: SimulatedDirectory, options: Options, unit: Thing) -> bool:
    """Whether a rule takes a living unit in."""
    if options.get("hierarchy_from"):
        return False
    match options.get("scope", "all"):
        case "organizational_units":
            named = _named(directory, options["organizational_units"])
            return unit.guid in named or any(directory.is_below(unit.guid, one) for one in named)
        case "filter":
            return not unit.critical and _matches(directory, options["filter"], unit)
        case _:
            return not unit.critical


def fates_of_group(directory: SimulatedDirectory, options: Options, guid: str) -> set[str]:
    """What may become of the extension group of a group."""
    thing = directory.alive(guid)
    if thing is None or thing.hidden:
        return {DELETE, RELEASE} if _is_proved_gone(directory, options, guid) else set()
    return set() if _takes_group_in(directory, options, thing) else {DELETE, RELEASE}


def _takes_group_in(directory: SimulatedDirectory, options: Options, group: Thing) -> bool:
    match options.get("scope", "all"):
        case "types":
            return ("security" in options["types"]) == group.security
        case "filter":
            return _matches(directory, options["filter"], group)
        case "groups":
            return group.guid in _named(directory, options["groups"])
        case _:
            return not group.critical


def _is_proved_gone(directory: SimulatedDirectory, options: Options, guid: str) -> bool:
    """Whether a rule takes what is not shown for deleted: its deleted object is seen, or absence is to be enough."""
    if options.get("deletion_proof") == "absence":
        return True
    thing = directory.things.get(guid)
    return thing is not None and thing.deleted and not thing.hidden and directory.tombstones_readable


def _numbers_of(options: Options, user: Thing) -> list[str]:
    account = user.texts.get("sAMAccountName", user.name).casefold()
    return [one["extension"] for one in options["users"] if one["user"].casefold() == account]


def _named(directory: SimulatedDirectory, dns: list[str]) -> list[str]:
    """The objectGUIDs of what lives under some distinguished names."""
    wanted = {dn.casefold() for dn in dns}
    return [one.guid for one in directory.shown() if one.dn.casefold() in wanted and not one.deleted]


def _matches(directory: SimulatedDirectory, text: str, thing: Thing) -> bool:
    shown = next(one for one in directory.shown() if one.guid == thing.guid)
    return compiled(text)(directory, shown)
