# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Newcomers: users that the rule takes in and that have no extension yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync import conflicts
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectorySnapshot, DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import EMAIL, WantedFields
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Conflict
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import Scope, UserRule


@dataclass(slots=True)
class Matches:
    """What each newcomer is to get.

    :param bound: the extension that the rule names for a user, by objectGUID.
    :param adopted: the extension with the user's e-mail address, by objectGUID.
    :param to_create: users for whom an extension is to be created.
    """

    bound: dict[str, Extension] = field(default_factory=dict)
    adopted: dict[str, Extension] = field(default_factory=dict)
    to_create: list[DirectoryUser] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


def match_newcomers(
    rule: UserRule,
    directory: DirectorySnapshot,
    newcomers: Sequence[DirectoryUser],
    wanted: Mapping[str, WantedFields],
    *,
    free: Sequence[Extension],
    taken: Collection[str],
) -> Matches:
    """Decide which newcomers take over an extension and which need a new one.

    :param newcomers: in a stable order.
    :param wanted: the newcomers' managed fields by objectGUID.
    :param free: extensions that are or become nobody's and stay.
    :param taken: numbers of the extensions that are associated or to be deleted.
    """
    if rule.scope is Scope.USERS:
        return _bind(directory, newcomers, free, taken)
    return _by_email(rule, newcomers, wanted, free)


def _bind(
    directory: DirectorySnapshot,
    newcomers: Sequence[DirectoryUser],
    free: Sequence[Extension],
    taken: Collection[str],
) -> Matches:
    by_number = {extension.number: extension for extension in free}
    given: set[str] = set()
    matches = Matches()
    for user in newcomers:
        number = directory.bindings[user.guid]
        if number in taken or number in given:
            matches.conflicts.append(conflicts.extension_taken(user, number))
        elif number in by_number:
            given.add(number)
            matches.bound[user.guid] = by_number[number]
        else:
            matches.conflicts.append(conflicts.extension_not_found(user, number))
    return matches


def _by_email(
    rule: UserRule, newcomers: Sequence[DirectoryUser], wanted: Mapping[str, WantedFields], free: Sequence[Extension]
) -> Matches:
    by_address = {extension.fields[EMAIL].casefold(): extension for extension in free if extension.fields[EMAIL]}
    claimants: dict[str, list[DirectoryUser]] = defaultdict(list)
    matches = Matches()
    for user in newcomers:
        address = wanted[user.guid].values.get(EMAIL, "").casefold()
        if address in by_address:
            claimants[address].append(user)
        else:
            matches.to_create.append(user)
    for address, users in claimants.items():
        if len(users) > 1:
            matches.conflicts.extend(_shared(users, address))
        elif rule.associate_by_email:
            matches.adopted[users[0].guid] = by_address[address]
        else:
            matches.conflicts.append(conflicts.email_in_use(users[0], address, by_address[address]))
    return matches


def _shared(users: Sequence[DirectoryUser], address: str) -> list[Conflict]:
    return [
        conflicts.email_shared(
            user, address, tuple(sorted(other.account_name for other in users if other.guid != user.guid))
        )
        for user in users
    ]
