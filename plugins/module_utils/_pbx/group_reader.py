# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Extension groups as the PBX shows them: every id and every member of a list is answered, or nothing is returned."""

from __future__ import annotations

from collections.abc import Collection

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.details import DetailReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import IncompleteListError
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.group_shapes import (
    GroupDetails,
    MemberShape,
    is_whole,
    parse_group,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.listing import Listing, Row, rows_by_id
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.session import Session
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.shapes import parse_text
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import ExtensionGroup

_NOUN = "extension group"


class GroupReader:
    """Reads extension groups, and remembers of each what must survive being written.

    :param listing: reads the lists.
    :param member_shape: learns from what is read how this PBX writes members.
    """

    def __init__(self, session: Session, listing: Listing, member_shape: MemberShape) -> None:
        self._listing = listing
        self._details = DetailReader(session, "extensiongroup", _NOUN)
        self._member_shape = member_shape
        self._remembered: dict[int, GroupDetails] = {}
        self._shown: set[int] = set()

    @property
    def shown_ids(self) -> frozenset[int]:
        """Ids of the groups that were read for the run, or noted."""
        return frozenset(self._shown)

    def note(self, group_id: int, details: GroupDetails) -> None:
        """Take down what a group holds after a write."""
        self._shown.add(group_id)
        self._remembered[group_id] = details

    def forget(self, group_id: int) -> None:
        """Take down that a group is gone; the PBX may give its id to another one."""
        self._shown.discard(group_id)
        self._remembered.pop(group_id, None)

    def read_all(self) -> list[ExtensionGroup]:
        """Read all extension groups with their members.

        If the list changed while it was read, all of it is read once more.

        :raises IncompleteListError: if what came is not proved complete.
        """
        try:
            groups = self._read_list()
        except IncompleteListError:
            groups = self._read_list()
        self._shown.update(group.id for group in groups)
        return groups

    def read_one(self, group_id: int) -> ExtensionGroup | None:
        """Read one extension group; None if there is none with this id.

        :raises IncompleteListError: if the PBX shows another group, or a list that was needed besides is not proved
            complete.
        """
        group = self._read(group_id)
        if group is not None:
            self._shown.add(group_id)
        return group

    def find(self, name: str, members: Collection[int], other_than: Collection[int]) -> ExtensionGroup | None:
        """Find the extension group with exactly this name and exactly these members.

        :param other_than: ids of those that do not count.
        :raises IncompleteListError: if the list is not proved complete.
        """
        for group_id, row in self._rows().items():
            if group_id in other_than or parse_text(row.get("name")) not in (name, ""):
                continue
            group = self._read(group_id)
            if group is not None and group.name == name and _has_exactly(group, members):
                return group
        return None

    def is_as_wanted(self, group_id: int, members: Collection[int], name: str | None) -> bool:
        """Ask whether an extension group has exactly these members, and this name unless that is None."""
        group = self._read(group_id)
        return group is not None and name in (None, group.name) and _has_exactly(group, members)

    def details(self, group_id: int) -> GroupDetails:
        """What was remembered of an extension group, else what the PBX shows now; of none that exists, nothing."""
        if group_id not in self._remembered:
            self._read(group_id)
        return self._remembered.get(group_id, GroupDetails())

    def _read_list(self) -> list[ExtensionGroup]:
        rows = self._rows()
        details = self._details.read_all(list(rows))
        return [self._parse(details[group_id], row) for group_id, row in rows.items()]

    def _read(self, group_id: int) -> ExtensionGroup | None:
        detail = self._details.find(group_id, lambda: group_id in self._rows())
        if detail is None:
            return None
        return self._parse(detail, {} if is_whole(detail) else self._rows().get(group_id, {}))

    def _rows(self) -> dict[int, Row]:
        return rows_by_id(self._listing.rows("extensiongroup/list", _NOUN, "list its extension groups"), _NOUN)

    def _parse(self, detail: Row, row: Row) -> ExtensionGroup:
        group, details = parse_group(detail, row)
        self._member_shape.learn(details.members.values())
        self._remembered[group.id] = details
        return group


def _has_exactly(group: ExtensionGroup, members: Collection[int]) -> bool:
    return not group.includes_all and set(group.members) == set(members)
