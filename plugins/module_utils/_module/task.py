# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What a run asks of one kind of synchronization."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.memory import Memory
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Pbx
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.read_once import ReadOnce
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryIdentity
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxSnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Plan
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import AnyRule


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides, open, and what is remembered.

    :param memory: as it was when the run began.
    """

    directory: ReadOnce
    identity: DirectoryIdentity
    pbx: Pbx
    memory: Memory


class Started(Protocol):
    """A synchronization whose scope has been read."""

    @property
    def names(self) -> Mapping[str, str]:
        """What objects named one by one were found to be: objectGUIDs by the names as they are given."""

    def plan(self, memory: Memory, pbx: PbxSnapshot) -> Plan:
        """Read the rest of the directory and plan.

        :param memory: with what unfinished changes have become already settled.
        :raises YeastarError: if an answer was not complete, or the rule cannot be carried out on this PBX.
        """


class Task(Protocol):
    """One kind of synchronization under one rule."""

    @property
    def rule(self) -> AnyRule:
        """The rule."""

    def attributes(self, memory: Memory) -> Collection[str]:
        """Return the attributes of users to read, by their LDAP names."""

    def needs_groups(self, memory: Memory) -> bool:
        """Tell whether the PBX's extension groups are to be read."""

    def start(self, sides: Sides) -> Started:
        """Read what the rule takes in, so that a rule that names what does not exist fails before all else.

        :raises DirectoryError: if it does, or an answer was not complete.
        """
