# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""By which way users come to be members of groups."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import attrgetter

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryGroup, DirectoryUser


@dataclass(frozen=True, slots=True)
class Chain:
    """The way from a user up to one of the chosen groups.

    :param groups: names of the groups on it; the first has the user as a member, the last is the chosen one.
    :param is_primary: whether the first is the user's primary group, which its list of members does not show.
    """

    groups: tuple[str, ...]
    is_primary: bool = False


class Chains:
    """Tells for each user the shortest way into some groups; of several, always the same one.

    In what order a directory gives groups and their members is its own affair.

    :param groups: all groups of the domain.
    :param chosen: objectGUIDs of the groups in question.
    """

    def __init__(self, groups: Sequence[DirectoryGroup], chosen: Collection[str]) -> None:
        by_dn = {group.dn.casefold(): group for group in groups}
        # Groups by their objectGUIDs, each with the one above it. Those nearest to a chosen one come first, so that the
        # first way that is found is a shortest one.
        self._above: dict[str, DirectoryGroup | None] = {}
        self._by_member: dict[str, DirectoryGroup] = {}
        self._by_primary_group: dict[int, DirectoryGroup] = {}
        waiting: deque[tuple[DirectoryGroup, DirectoryGroup | None]] = deque(
            (group, None) for group in sorted(groups, key=attrgetter("dn")) if group.guid in chosen
        )
        while waiting:
            group, above = waiting.popleft()
            if group.guid in self._above:
                continue
            self._above[group.guid] = above
            self._by_primary_group.setdefault(group.rid, group)
            for member in sorted(group.members):
                dn = member.casefold()
                if dn in by_dn:
                    waiting.append((by_dn[dn], group))
                else:
                    self._by_member.setdefault(dn, group)

    def of(self, user: DirectoryUser) -> Chain | None:
        """Return the way that a user comes in; None for one who is a member of none of the groups."""
        listed = self._by_member.get(user.dn.casefold())
        group = listed or self._by_primary_group.get(user.primary_group_id)
        if group is None:
            return None
        names: list[str] = []
        above: DirectoryGroup | None = group
        while above is not None:
            names.append(above.name)
            above = self._above[above.guid]
        return Chain(tuple(names), is_primary=listed is None)
