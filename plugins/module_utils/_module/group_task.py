# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The synchronization of groups: what it reads of the directory, and what it proves before anybody is taken out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import DirectoryNameError, IncompleteReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.names import names_below
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.memory import Memory
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Directory, GroupQuery, UserQuery
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.read import (
    groups_among,
    read_absent,
    read_people,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.task import Sides
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.dangers import members_taken_out
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import (
    DirectoryGroup,
    GroupSnapshot,
    People,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.group_plan import plan_directory_groups
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
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
        associated = {one.guid for one in sides.memory.own(RuleKind.GROUPS, ObjectKind.EXTENSION_GROUP)}
        names = self._named(directory, sides.memory.known(RuleKind.GROUPS, associated)) if question is None else {}
        guids = directory.find_groups(question) if question is not None else frozenset(names.values())
        return StartedGroups(self, sides, question, guids, directory.read_groups(), names)

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

    def _named(self, directory: Directory, known: Mapping[str, str]) -> dict[str, str]:
        """The named groups' objectGUIDs; an associated one that was renamed or deleted is known by name."""
        found = {}
        for name in self.rule.groups:
            try:
                found[name] = directory.find_group(name).guid
            except DirectoryNameError:
                if name not in known:
                    raise
                found[name] = known[name]
        return found


@dataclass(frozen=True, slots=True)
class StartedGroups:
    """The synchronization of groups whose scope has been read.

    :param question: the query that tells whether the scope takes a group in; None where groups are named.
    :param guids: objectGUIDs of those that it takes in.
    :param everything: all groups of the domain.
    :param names: objectGUIDs of the groups that are named, by the names as they are given.
    """

    task: GroupTask
    sides: Sides
    question: GroupQuery | None
    guids: frozenset[str]
    everything: Sequence[DirectoryGroup]
    names: Mapping[str, str]

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
        nested = self.sides.directory.find_groups_within(group)
        # memberOf shows no membership by primary group, so each nested group is asked for by its own.
        groups = (group, *groups_among(self.everything, nested - {group.guid}))
        question = UserQuery(bases=(self.sides.identity.domain.dn,), member_of=groups, only=guids)
        inside = self.sides.directory.read_users(question)
        if inside:
            names = ", ".join(sorted(user.account_name for user in inside)[:_NAMES_SHOWN])
            raise IncompleteReadError(
                f"The list of members of {group.dn} left out {len(inside)} user(s) that the directory server counts "
                f"among them ({names}): its answer was incomplete, or they came in this very moment.",
                "Nothing was changed; run again.",
            )
