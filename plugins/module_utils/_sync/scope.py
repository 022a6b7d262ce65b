# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Which users belong to which groups, and what an account's status is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryGroup, DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import AccountStatus

_IN_GOOD_STANDING: frozenset[AccountStatus] = frozenset()


def with_nested(groups: Sequence[DirectoryGroup], wanted: Collection[str]) -> list[DirectoryGroup]:
    """Return the wanted groups (objectGUIDs) and every group nested in them, cycles included, each once.

    :param groups: all groups of the domain.
    """
    by_dn = {group.dn.casefold(): group for group in groups}
    reached: set[str] = set()
    waiting = [group for group in groups if group.guid in wanted]
    while waiting:
        group = waiting.pop()
        if group.guid in reached:
            continue
        reached.add(group.guid)
        members = (by_dn.get(member.casefold()) for member in group.members)
        waiting.extend(member for member in members if member is not None)
    return [group for group in groups if group.guid in reached]


def members_among(users: Iterable[DirectoryUser], groups: Sequence[DirectoryGroup]) -> list[DirectoryUser]:
    """Return the users that are direct members of one of the groups or have one as their primary group.

    The primary group (MS-ADA3 2.120) is a membership that neither member nor memberOf shows.
    """
    members = {member.casefold() for group in groups for member in group.members}
    primary = {group.rid for group in groups}
    return [user for user in users if user.dn.casefold() in members or user.primary_group_id in primary]


class Memberships:
    """Who is in which group, nested groups (cycles included) and primary group counted.

    :param groups: all groups of the domain.
    :param users: the users to tell of.
    """

    def __init__(self, groups: Sequence[DirectoryGroup], users: Iterable[DirectoryUser]) -> None:
        self._groups = {group.dn.casefold(): group for group in groups}
        self._users: dict[str, str] = {}
        self._by_primary_group: dict[int, set[str]] = defaultdict(set)
        for user in users:
            self._users[user.dn.casefold()] = user.guid
            self._by_primary_group[user.primary_group_id].add(user.guid)

    def of(self, group: DirectoryGroup) -> frozenset[str]:
        """Return the objectGUIDs of the users that are in a group."""
        found: set[str] = set()
        seen: set[str] = set()
        waiting = [group]
        while waiting:
            one = waiting.pop()
            if one.guid in seen:
                continue
            seen.add(one.guid)
            found |= self._by_primary_group.get(one.rid, set())
            for member in one.members:
                dn = member.casefold()
                if dn in self._users:
                    found.add(self._users[dn])
                elif dn in self._groups:
                    waiting.append(self._groups[dn])
        return frozenset(found)


def account_status(user: DirectoryUser, now: datetime) -> frozenset[AccountStatus]:
    """Return which of disabled and expired hold for an account; none of them for one in good standing.

    Expiry does not set the disabled bit (MS-ADTS, accountExpires), so both are looked at.
    """
    if not user.disabled and user.expires is None:
        return _IN_GOOD_STANDING
    statuses = set()
    if user.disabled:
        statuses.add(AccountStatus.DISABLED)
    if user.expires is not None and user.expires <= now:
        statuses.add(AccountStatus.EXPIRED)
    return frozenset(statuses)
