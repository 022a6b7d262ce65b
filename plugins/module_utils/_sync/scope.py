# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Which users belong to which groups, and what an account's status is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.model import (
    AccountStatus,
    DirectoryGroup,
    DirectoryUser,
)


def with_nested(groups: Sequence[DirectoryGroup], wanted: Collection[str]) -> list[DirectoryGroup]:
    """Return the wanted groups (objectGUIDs) and every group nested in them, cycles included, each once.

    :param groups: all groups of the domain.
    """
    by_dn = {group.dn.casefold(): group for group in groups}
    reached: dict[str, DirectoryGroup] = {}
    waiting = [group for group in groups if group.guid in wanted]
    while waiting:
        group = waiting.pop()
        if group.guid in reached:
            continue
        reached[group.guid] = group
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


def account_status(user: DirectoryUser, now: datetime) -> frozenset[AccountStatus]:
    """Return which of disabled and expired hold for an account; none of them for one in good standing.

    Expiry does not set the disabled bit (MS-ADTS, accountExpires), so both are looked at.
    """
    statuses = set()
    if user.disabled:
        statuses.add(AccountStatus.DISABLED)
    if user.expires is not None and user.expires <= now:
        statuses.add(AccountStatus.EXPIRED)
    return frozenset(statuses)
