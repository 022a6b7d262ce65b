# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""A directory of which only what changed since an earlier run has been read: what that one has read, caught up.

Only the large answers are made so: which users, groups and units a rule takes in, and who is in which group. What
proves that something is gone, moved or outside, and every name that a rule gives, is asked of the directory itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.own_values import goes_by_own_values
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import (
    CountingDirectory,
    Directory,
    GroupQuery,
    UnitQuery,
    UserQuery,
    UserSearch,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.read_once import ReadOnce
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.recording import DirectoryRecord, GroupRecord
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import (
    DirectoryGroup,
    DirectoryIdentity,
    DirectoryNode,
    DirectoryUnit,
    DirectoryUser,
    ObjectLookup,
    UserLookup,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.increment import (
    ChangedKind,
    ChangedObject,
    DirectoryMark,
    concerning,
    why_doubtful,
    why_gone,
)


class DoubtError(Exception):
    """Why the directory is to be read whole."""


@dataclass(frozen=True, slots=True)
class _Answers:
    """What the directory would answer now, by the questions that are remembered."""

    users: Mapping[UserQuery, list[DirectoryUser]]
    found_groups: Mapping[GroupQuery, frozenset[str]]
    units: Mapping[UnitQuery, list[DirectoryUnit]]
    groups: list[DirectoryGroup] | None


def catch_up(
    directory: CountingDirectory, identity: DirectoryIdentity, mark: DirectoryMark, record: DirectoryRecord
) -> ChangedDirectory:
    """Read what changed, and add it to what is remembered.

    :raises DoubtError: if that does not make what the directory is now.
    :raises IncompleteReadError: if an answer is not proved complete.
    """
    found = directory.changed_since(mark.stand.usn)
    remembered = guids_of(record)
    _doubt_if(why_doubtful(found, len(remembered)))
    if not identity.deleted_objects_readable:
        _doubt_if(why_gone(remembered, directory.find_countable(users=True)))
    changes = {change.guid: change for change in concerning(found)}
    return ChangedDirectory(directory, identity, record, changes, _answers(directory, record, changes))


def _doubt_if(why: str) -> None:
    if why:
        raise DoubtError(why)


def _answers(directory: CountingDirectory, record: DirectoryRecord, changes: Mapping[str, ChangedObject]) -> _Answers:
    """Put what changed into the answers that are remembered: each of these is asked for the changed objects alone."""
    users, groups = _live(changes, ChangedKind.USER), _live(changes, ChangedKind.GROUP)
    return _Answers(
        users={
            answer.query: [
                *(user for place in answer.users if (user := record.users[place]).guid not in changes),
                *(directory.read_users(replace(answer.query, only=users)) if users else ()),
            ]
            for answer in record.answers
            if not answer.query.member_of and goes_by_own_values(answer.query.filter)
        },
        found_groups={
            answer.query: (answer.guids - changes.keys())
            | (directory.find_groups(replace(answer.query, only=groups)) if groups else frozenset())
            for answer in record.found_groups
            if goes_by_own_values(answer.query.filter)
        },
        units={answer.query: list(answer.units) for answer in record.units if goes_by_own_values(answer.query.filter)},
        groups=_groups(directory, record, record.groups, changes) if record.groups is not None else None,
    )


def _live(changes: Mapping[str, ChangedObject], kind: ChangedKind) -> frozenset[str]:
    return frozenset(guid for guid, change in changes.items() if change.kind is kind and not change.deleted)


# --- groups and their members


def _groups(
    directory: CountingDirectory,
    record: DirectoryRecord,
    known: Sequence[GroupRecord],
    changes: Mapping[str, ChangedObject],
) -> list[DirectoryGroup]:
    """Return all groups of the domain: those that changed are read, the others are as remembered.

    A member's new name is no change of the group. Of what is remembered with its objectGUID the new name takes the
    place of the old one. The groups of what is not are read too, and those in which a name is that another had before.
    """
    unknown = changes.keys() - {user.guid for user in record.users} - {group.guid for group in known}
    newly_named = [changes[guid].dn for guid in sorted(unknown) if not changes[guid].deleted]
    wanted = _live(changes, ChangedKind.GROUP) | _with_name_of(known, changes)
    wanted |= directory.find_groups_of(newly_named) if newly_named else frozenset()
    fresh = directory.look_up_groups(wanted) if wanted else []
    if len(fresh) != len(wanted):
        raise DoubtError(f"{len(wanted) - len(fresh)} changed group(s) are not shown.")
    names = _Names(record, known, changes)
    kept = [names.group(group) for group in known if group.guid not in wanted and group.guid not in changes]
    return [*kept, *fresh]


def _with_name_of(known: Sequence[GroupRecord], changes: Mapping[str, ChangedObject]) -> frozenset[str]:
    """Return which groups have a member without objectGUID by a name that a changed object has now."""
    names = {change.dn.casefold() for change in changes.values() if not change.deleted}
    return frozenset(
        group.guid
        for group in known
        if names and any(isinstance(member, str) and member.casefold() in names for member in group.members)
        if not (group.guid in changes and changes[group.guid].deleted)
    )


class _Names:
    """The distinguished names of remembered members, as they are now."""

    def __init__(
        self, record: DirectoryRecord, known: Sequence[GroupRecord], changes: Mapping[str, ChangedObject]
    ) -> None:
        # By place and by the name as it was; None for what is deleted.
        self._of_users: list[str | None] = [_name_now(user, changes) for user in record.users]
        everybody: tuple[DirectoryUser | GroupRecord, ...] = (*record.users, *known)
        changed = [one for one in everybody if one.guid in changes]
        self._renamed = {one.dn.casefold(): _name_now(one, changes) for one in changed}

    def group(self, group: GroupRecord) -> DirectoryGroup:
        """Return a group that itself has not changed."""
        members = (self._member(member) for member in group.members)
        return DirectoryGroup(
            group.guid, group.dn, group.name, group.rid, tuple(member for member in members if member is not None)
        )

    def _member(self, member: int | str) -> str | None:
        if isinstance(member, int):
            return self._of_users[member]
        return self._renamed.get(member.casefold(), member) if self._renamed else member


def _name_now(one: DirectoryUser | GroupRecord, changes: Mapping[str, ChangedObject]) -> str | None:
    change = changes.get(one.guid)
    if change is None:
        return one.dn
    return None if change.deleted else change.dn


# --- the directory that is made of both


class ChangedDirectory(Directory):
    """A directory of which only what changed has been read."""

    def __init__(
        self,
        directory: Directory,
        identity: DirectoryIdentity,
        record: DirectoryRecord,
        changes: Mapping[str, ChangedObject],
        answers: _Answers,
    ) -> None:
        self._directory = directory
        self._identity = identity
        self._record = record
        self._answers = answers
        self.changes = changes

    def is_all_as_remembered(self, seen: ReadOnce) -> bool:
        """Tell whether what a run has read is what is remembered already.

        :param seen: this directory, as the run has asked it.
        """
        return not self.changes and _questions(seen.record()) == _questions(self._record)

    # --- from what is remembered

    def identify(self) -> DirectoryIdentity:
        """See ``Directory``; it was asked just now."""
        return self._identity

    def read_users(
        self, query: UserQuery, held: Callable[[DirectoryUser], DirectoryUser] | None = None
    ) -> list[DirectoryUser]:
        """See ``Directory``."""
        known = self._answers.users.get(query)
        if known is None:
            return self._directory.read_users(query, held)
        return [held(user) for user in known] if held else known

    def read_groups(self) -> list[DirectoryGroup]:
        """See ``Directory``."""
        known = self._answers.groups
        return known if known is not None else self._directory.read_groups()

    def find_groups(self, query: GroupQuery) -> frozenset[str]:
        """See ``Directory``."""
        known = self._answers.found_groups.get(query)
        return known if known is not None else self._directory.find_groups(query)

    def read_units(self, query: UnitQuery) -> list[DirectoryUnit]:
        """See ``Directory``."""
        known = self._answers.units.get(query)
        return known if known is not None else self._directory.read_units(query)

    # --- from the directory itself

    def check_filter(self, text: str) -> None:
        """See ``Directory``."""
        self._directory.check_filter(text)

    def find_organizational_unit(self, name: str) -> DirectoryNode:
        """See ``Directory``."""
        return self._directory.find_organizational_unit(name)

    def find_group(self, name: str) -> DirectoryNode:
        """See ``Directory``."""
        return self._directory.find_group(name)

    def find_user(self, name: str) -> DirectoryUser:
        """See ``Directory``."""
        return self._directory.find_user(name)

    def search_users(self, search: UserSearch) -> list[DirectoryUser]:
        """See ``Directory``."""
        return self._directory.search_users(search)

    def find_groups_within(self, group: DirectoryGroup) -> frozenset[str]:
        """See ``Directory``."""
        return self._directory.find_groups_within(group)

    def lockout_threshold(self) -> int:
        """See ``Directory``."""
        return self._directory.lockout_threshold()

    def look_up_users(self, guids: Collection[str]) -> UserLookup:
        """See ``Directory``."""
        return self._directory.look_up_users(guids)

    def look_up_objects(self, guids: Collection[str]) -> ObjectLookup:
        """See ``Directory``."""
        return self._directory.look_up_objects(guids)


def _questions(record: DirectoryRecord) -> tuple[frozenset[object], bool]:
    """The questions that a record answers."""
    users = (answer.query for answer in record.answers)
    groups = (answer.query for answer in record.found_groups)
    units = (answer.query for answer in record.units)
    return frozenset({*users, *groups, *units}), record.groups is not None


def guids_of(record: DirectoryRecord) -> frozenset[str]:
    """Return the objectGUIDs of all users, groups and units that a record shows."""
    users, groups = (user.guid for user in record.users), (group.guid for group in record.groups or ())
    return frozenset({*users, *groups, *(unit.guid for answer in record.units for unit in answer.units)})
