# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension groups of a PBX."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

BUILT_IN_ID = 1
BUILT_IN_NAME = "Default_All_Extensions"
ALL_EXTENSIONS = "sel_all_ext"
SPECIFIC = "sel_specific"
USER_TYPES = ("manager", "user", "custom")
# A new group's permissions: managers may do the usual, users nothing.
DEFAULT_FLAGS = {
    "mgr_enb_chg_presence": 1,
    "mgr_enb_call_distribution": 1,
    "mgr_enb_call_conn": 1,
    "mgr_enb_monitor": 1,
    "mgr_enb_call_park": 1,
    "mgr_enb_ctrl_ivr": 1,
    "mgr_enb_office_time_switch": 0,
    "mgr_enb_mgr_recording": 0,
    "user_enb_chg_presence": 0,
    "user_enb_call_distribution": 0,
    "user_enb_call_conn": 0,
    "user_enb_monitor": 0,
    "user_enb_call_park": 0,
    "user_enb_ctrl_ivr": 0,
}


@dataclass(frozen=True)
class ExtensionGroup:
    """One group. `members` maps extension ids to user types; empty for a group of all."""

    id: int
    name: str
    member_select: str
    members: Mapping[int, str] = field(default_factory=dict)
    flags: Mapping[str, int] = field(default_factory=lambda: dict(DEFAULT_FLAGS))


class GroupStore:
    """Groups by id and name; ids grow and are never given again."""

    def __init__(self) -> None:
        built_in = ExtensionGroup(BUILT_IN_ID, BUILT_IN_NAME, ALL_EXTENSIONS)
        self._by_id = {BUILT_IN_ID: built_in}
        self._next_id = BUILT_IN_ID + 1

    def __len__(self) -> int:
        return len(self._by_id)

    def all(self) -> list[ExtensionGroup]:
        """Every group, in the order of ids."""
        return list(self._by_id.values())

    def get(self, group_id: int) -> ExtensionGroup | None:
        """The group with that id."""
        return self._by_id.get(group_id)

    def named(self, name: str) -> ExtensionGroup | None:
        """The group with that name."""
        return next((group for group in self._by_id.values() if group.name == name), None)

    def next_id(self) -> int:
        """The id that the next group gets."""
        return self._next_id

    def put(self, group: ExtensionGroup) -> None:
        """Add a group, or replace the one with its id."""
        self._by_id[group.id] = group
        self._next_id = max(self._next_id, group.id + 1)

    def remove(self, group_id: int) -> None:
        """Delete a group."""
        del self._by_id[group_id]

    def drop_extension(self, extension_id: int) -> None:
        """Take a deleted extension out of every group."""
        for group in self.all():
            if extension_id in group.members:
                members = {one: kind for one, kind in group.members.items() if one != extension_id}
                self._by_id[group.id] = dataclasses.replace(group, members=members)
