# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The synchronization of groups: what it reads of the directory, and what it proves before anybody is taken out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import DirectoryNameError, IncompleteReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.names import names_below
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.memory import Memory
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Directory, GroupQuery, UserQuery
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.read import read_absent, read_people
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.task import Sides
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import (
    DirectoryGroup,
    GroupSnapshot,
    People,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.group_plan import plan_directory_groups
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import members_taken_out
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxSnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Plan
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import GroupRule, GroupScope, RuleKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.scope import Memberships

_NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class GroupTask:
    """The synchronization of groups under a rule.

    :param base_dn: distinguished name below which the rule takes groups in; named ones may be anywhere in the domain.
    """

    base_dn: str
    rule: GroupRule

    def attributes(self, memory: Memory) -> Collection[str]:  # noqa: ARG002 (of the interface)
        """Return nothing: who the users are is enough."""
        return ()

    def needs_groups(self, memory: Memory) -> bool:  # noqa: ARG002 (of the interface)
        """Tell that extension groups are what this is about."""
        return True

    def start(self, sides: Sides) -> StartedGroups:
        """Read which groups the rule takes in, and all groups of the domain with their members."""
        directory = sides.directory
        question = self._question(directory)
        guids = directory.find_groups(question) if question else self._named(directory, sides.memory)
        return StartedGroups(self, sides, question, guids, directory.read_groups())

    def _question(self, directory: Directory) -> GroupQuery | None:
        match self.rule.scope:
            case GroupScope.ALL:
                return GroupQuery(self.base_dn)
            case GroupScope.TYPES:
                return GroupQuery(self.base_dn, types=self.rule.types)
            case GroupScope.FILTER:
                directory.check_filter(self.rule.filter)
                return GroupQuery(self.base_dn, filter=self.rule.filter)
            case GroupScope.GROUPS:
                return None

    def _named(self, directory: Directory, memory: Memory) -> frozenset[str]:
        """The named groups; one that was renamed or deleted since is known by the name last seen."""
        own = memory.own(RuleKind.GROUPS, ObjectKind.EXTENSION_GROUP)
        found = set()
        for name in self.rule.groups:
            try:
                found.add(directory.find_group(name).guid)
            except DirectoryNameError:
                guid = _remembered(name, own)
                if guid is None:
                    raise
                found.add(guid)
        return frozenset(found)


def _remembered(name: str, own: Iterable[ObjectAssociation]) -> str | None:
    for one in own:
        if name.casefold() in (one.name.casefold(), one.dn.casefold(), one.guid):
            return one.guid
    return None


@dataclass(frozen=True, slots=True)
class StartedGroups:
    """The synchronization of groups whose scope has been read.

    :param question: the query that tells whether the scope takes a group in; None where groups are named.
    :param guids: objectGUIDs of those that it takes in.
    :param everything: all groups of the domain.
    """

    task: GroupTask
    sides: Sides
    question: GroupQuery | None
    guids: frozenset[str]
    everything: Sequence[DirectoryGroup]

    def plan(self, memory: Memory, pbx: PbxSnapshot) -> Plan:
        """Read who the users are and what became of associated groups, prove who is outside, and plan."""
        people = read_people(self.sides.directory, self.task.base_dn, memory.associations)
        groups = [group for group in self.everything if group.guid in self.guids]
        own = memory.own(RuleKind.GROUPS, ObjectKind.EXTENSION_GROUP)
        absent = read_absent(
            self.sides.directory, {one.guid for one in own} - {group.guid for group in groups}, self._ask_again
        )
        memberships = Memberships(self.everything, people.users.values())
        snapshot = GroupSnapshot(
            domain=self.sides.identity.domain,
            groups=tuple(groups),
            people=people,
            paths={group.guid: names_below(group.dn, self.sides.identity.domain.dn) for group in groups},
            members={group.guid: memberships.of(group) for group in groups},
            absent=absent,
        )
        plan = plan_directory_groups(self.task.rule, snapshot, pbx, memory.associations, memory.objects)
        self._prove_outside(plan, memory.associations, people)
        return plan

    def _ask_again(self, guids: frozenset[str]) -> Collection[str]:
        """Which groups that exist and were not read the scope takes in; one that is named is in it by being named."""
        if self.question is None:
            return guids & self.guids
        return self.sides.directory.find_groups(replace(self.question, only=guids))

    def _prove_outside(self, plan: Plan, associations: Iterable[Association], people: People) -> None:
        """Ask from the other end of the link for those who are to be taken out: by memberOf, as the server follows it.

        The members come from the groups' own lists, so that a group or a value missing from these is noticed.
        """
        users = {one.extension_id: one.guid for one in associations if one.guid in people.users}
        groups = {group.guid: group for group in self.everything}
        for change in plan.changes:
            leaving = frozenset(users[id_] for id_ in members_taken_out(change) if id_ in users)
            if leaving:
                self._require_outside(groups[change.guid], leaving)

    def _require_outside(self, group: DirectoryGroup, guids: frozenset[str]) -> None:
        question = UserQuery(bases=(self.sides.identity.domain.dn,), member_of=(group,), only=guids)
        inside = self.sides.directory.read_users(question)
        if inside:
            names = ", ".join(sorted(user.account_name for user in inside)[:_NAMES_SHOWN])
            raise IncompleteReadError(
                f"The list of members of {group.dn} left out {len(inside)} user(s) that the directory server counts "
                f"among them ({names}): its answer was incomplete, or they came in this very moment.",
                "Nothing was changed; run again.",
            )
