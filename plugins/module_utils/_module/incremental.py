# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The directory as what an earlier run has read of it, and what changed since.

Only the large answers come from there: which users, groups and units a rule takes in, and who is in which group. What
proves that something is gone, moved or outside, and every name that a rule gives, is asked of the directory itself.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import DirectoryError, IncompleteReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.own_values import foreign_values, goes_by_own_values
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.plain import from_plain, to_plain
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import (
    CountingDirectory,
    Directory,
    GroupQuery,
    Ledger,
    SavedDirectory,
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
    COUNT,
    ChangedKind,
    ChangedObject,
    DirectoryMark,
    DirectoryRead,
    ReadHow,
    concerning,
    why_doubtful,
    why_gone,
    why_not_remembered,
    why_unusable,
)

# Whoever changes what is remembered, or what it means, counts this up.
_FORMAT = 1
# The gain of a higher one is small, and every run of changes waits for it.
_COMPRESSION = 1

_ALWAYS_WHOLE = "full_read_every is 1, by which every run reads the directory whole."


@dataclass(frozen=True, slots=True)
class DirectoryReading:
    """How a run reads the directory.

    :param directory: answers as the directory itself would.
    :param told: how, and why so.
    :param mark: of what the run is going to remember; None for nothing.
    :param countable: objectGUIDs of the groups and units that can be found by the count of changes; None if nothing
        speaks against it for what is remembered already.
    """

    directory: Directory
    told: DirectoryRead
    mark: DirectoryMark | None = None
    countable: frozenset[str] | None = None

    def remember(self, ledger: Ledger, seen: ReadOnce) -> str:
        """Remember in the ledger what was read, so that a later run needs to read only what changed.

        :param seen: the directory as the run has asked it.
        :returns: why it is not remembered, a sentence for a warning; "" if it is, or is not asked for.
        """
        if self.mark is None:
            return ""
        mark = _packed_mark(self.mark)
        if isinstance(self.directory, ChangedDirectory) and self.directory.is_all_as_remembered(seen):
            ledger.mark_directory(mark)
            return ""
        record = seen.record()
        shown = _guids(record)
        countable = shown if self.countable is None else self.countable | _counted(record)
        why_not = why_not_remembered(shown, countable)
        ledger.save_directory(None if why_not else SavedDirectory(mark, _packed(record)))
        return why_not


def attributes_to_remember(full_read_every: int) -> tuple[str, ...]:
    """Return which attributes of users are to be read so that what is read can be remembered."""
    return (COUNT,) if full_read_every > 1 else ()


@contextmanager
def read_by_changes(
    directory: Directory,
    identity: DirectoryIdentity,
    ledger: Ledger,
    attributes: Collection[str],
    *,
    full_read_every: int,
    check_mode: bool,
) -> Iterator[DirectoryReading]:
    """Decide how a run reads the directory, for the length of a ``with`` block in which it does.

    If the answers do not agree with each other while only changes are read, what was remembered is forgotten, so that
    the next run reads the directory whole.

    :param identity: what the directory has just said of itself.
    :param attributes: which are read of users, by their LDAP names; those of ``attributes_to_remember`` among them.
    :param full_read_every: of so many runs, one reads the directory whole.
    :raises DirectoryError: if the directory cannot be read.
    """
    if full_read_every <= 1 or not isinstance(directory, CountingDirectory):
        yield DirectoryReading(directory, DirectoryRead(ReadHow.WHOLE, _ALWAYS_WHOLE))
        return
    decided = _decide(directory, identity, ledger, attributes, full_read_every)
    if decided.told.how is ReadHow.WHOLE:
        yield replace(decided, mark=None) if check_mode else _with_countable(decided, directory)
        return
    try:
        yield decided
    except DirectoryError:
        ledger.save_directory(None)
        raise


def _with_countable(decided: DirectoryReading, directory: CountingDirectory) -> DirectoryReading:
    return replace(decided, countable=directory.find_countable(users=False)) if decided.mark is not None else decided


def _decide(
    directory: CountingDirectory,
    identity: DirectoryIdentity,
    ledger: Ledger,
    attributes: Collection[str],
    full_read_every: int,
) -> DirectoryReading:
    foreign = foreign_values(attributes)
    if foreign:
        why = f"{', '.join(sorted(foreign))} may change without being counted as a change of the user."
        return DirectoryReading(directory, DirectoryRead(ReadHow.WHOLE, why))
    try:
        now = _mark_now(directory, identity, ledger, attributes)
    except IncompleteReadError as error:
        return DirectoryReading(directory, DirectoryRead(ReadHow.WHOLE, str(error)))
    mark, record = _remembered(ledger.directory())
    why = why_unusable(mark, now, full_read_every)
    whole = DirectoryReading(directory, DirectoryRead(ReadHow.WHOLE, why), mark=_kept_mark(now))
    if why or mark is None or record is None:
        return whole
    try:
        changed = _catch_up(directory, identity, mark, record)
    except _Doubt as doubt:
        return replace(whole, told=DirectoryRead(ReadHow.WHOLE, str(doubt)))
    except IncompleteReadError as error:
        return replace(whole, told=DirectoryRead(ReadHow.WHOLE, f"What changed cannot be read. {error}"))
    since = f"{mark.at.isoformat(timespec='seconds')}"
    told = DirectoryRead(ReadHow.CHANGES, f"All that changed since {since} is known.", len(changed.changes))
    return DirectoryReading(changed, told, mark=replace(now, runs=mark.runs + 1))


def _mark_now(
    directory: CountingDirectory, identity: DirectoryIdentity, ledger: Ledger, attributes: Collection[str]
) -> DirectoryMark:
    integration = ledger.integration()
    base_dn = integration.settings.get("directory_base_dn", "") if integration is not None else ""
    shape = json.dumps([_FORMAT, base_dn, sorted(attributes), identity.deleted_objects_readable])
    return DirectoryMark(
        domain=identity.domain.guid,
        stand=directory.server_stand(),
        shape=sha256(shape.encode()).hexdigest(),
        at=identity.time,
    )


def _kept_mark(now: DirectoryMark) -> DirectoryMark | None:
    """The mark of a directory that is read whole; None if it could never be used."""
    return now if now.stand.invocation_id and now.stand.rights else None


class _Doubt(Exception):  # noqa: N818 (it is no error: the directory is read whole)
    """Why the directory is to be read whole."""


@dataclass(frozen=True, slots=True)
class _Answers:
    """What the directory would answer now, by the questions that are remembered."""

    users: Mapping[UserQuery, list[DirectoryUser]]
    found_groups: Mapping[GroupQuery, frozenset[str]]
    units: Mapping[UnitQuery, list[DirectoryUnit]]
    groups: list[DirectoryGroup] | None


def _catch_up(
    directory: CountingDirectory, identity: DirectoryIdentity, mark: DirectoryMark, record: DirectoryRecord
) -> ChangedDirectory:
    """Read what changed, and add it to what is remembered.

    :raises _Doubt: if that does not make what the directory is now.
    :raises IncompleteReadError: if an answer is not proved complete.
    """
    found = directory.changed_since(mark.stand.usn)
    remembered = _guids(record)
    _doubt_if(why_doubtful(found, len(remembered)))
    if not identity.deleted_objects_readable:
        _doubt_if(why_gone(remembered, directory.find_countable(users=True)))
    changes = {change.guid: change for change in concerning(found)}
    return ChangedDirectory(directory, identity, record, changes, _answers(directory, record, changes))


def _doubt_if(why: str) -> None:
    if why:
        raise _Doubt(why)


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
        raise _Doubt(f"{len(wanted) - len(fresh)} changed group(s) are not shown.")
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

    def read_users(self, query: UserQuery) -> list[DirectoryUser]:
        """See ``Directory``."""
        known = self._answers.users.get(query)
        return known if known is not None else self._directory.read_users(query)

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


def _counted(record: DirectoryRecord) -> frozenset[str]:
    """Return the objectGUIDs of the users who were shown with their counts of changes."""
    return frozenset(user.guid for user in record.users if COUNT in user.attributes)


def _questions(record: DirectoryRecord) -> tuple[frozenset[object], bool]:
    """The questions that a record answers."""
    users = (answer.query for answer in record.answers)
    groups = (answer.query for answer in record.found_groups)
    units = (answer.query for answer in record.units)
    return frozenset({*users, *groups, *units}), record.groups is not None


def _guids(record: DirectoryRecord) -> frozenset[str]:
    """Return the objectGUIDs of all users, groups and units that a record shows."""
    users, groups = (user.guid for user in record.users), (group.guid for group in record.groups or ())
    return frozenset({*users, *groups, *(unit.guid for answer in record.units for unit in answer.units)})


# --- as a ledger keeps it


def _packed_mark(mark: DirectoryMark) -> str:
    return json.dumps(to_plain(mark), separators=(",", ":"))


def _packed(record: DirectoryRecord) -> bytes:
    content = json.dumps({"format": _FORMAT, **to_plain(record)}, separators=(",", ":"))
    return zlib.compress(content.encode(), _COMPRESSION)


def _remembered(saved: SavedDirectory | None) -> tuple[DirectoryMark | None, DirectoryRecord | None]:
    """Return what is remembered; nothing where it is damaged, or another version has written it."""
    if saved is None:
        return None, None
    try:
        mark = from_plain(DirectoryMark, json.loads(saved.mark))
        content = json.loads(zlib.decompress(saved.content))
        if content["format"] != _FORMAT:
            return None, None
        return mark, from_plain(DirectoryRecord, content)
    except (zlib.error, ValueError, TypeError, KeyError):
        return None, None
