# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The directory, asked each question once however many kinds of synchronization have it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import (
    Directory,
    GroupQuery,
    UnitQuery,
    UserQuery,
    UserSearch,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.recording import (
    DirectoryRecord,
    GroupRecord,
    GroupsAnswer,
    UnitsAnswer,
    UsersAnswer,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import (
    DirectoryGroup,
    DirectoryIdentity,
    DirectoryNode,
    DirectoryUnit,
    DirectoryUser,
    ObjectLookup,
    UserLookup,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association


class ReadOnce(Directory):
    """A directory that remembers what it has answered.

    A question that is put once more to prove an answer differs from the first (it is limited to some objectGUIDs), so
    that it reaches the directory.

    :param identity: what the directory has said of itself already; None if it was not asked.
    :param associations: of users, with which what is read of them is shared.
    """

    def __init__(
        self,
        directory: Directory,
        identity: DirectoryIdentity | None = None,
        associations: Iterable[Association] = (),
    ) -> None:
        self._directory = directory
        self._identity = identity
        self._associations = {one.guid: one for one in associations}
        self._users: dict[UserQuery, list[DirectoryUser]] = {}
        self._units: dict[UnitQuery, list[DirectoryUnit]] = {}
        self._named_units: dict[str, DirectoryNode] = {}
        self._named_groups: dict[str, DirectoryNode] = {}
        self._found_groups: dict[GroupQuery, frozenset[str]] = {}
        self._groups: list[DirectoryGroup] | None = None
        self._nested: dict[str, frozenset[str]] = {}
        self._seen: dict[str, DirectoryUser] = {}
        self._deleted: set[str] = set()
        self._asked: set[str] = set()
        self._named_users: dict[str, str] = {}
        self._objects: dict[str, DirectoryNode] = {}
        self._deleted_objects: set[str] = set()

    def identify(self) -> DirectoryIdentity:
        """See ``Directory``."""
        if self._identity is None:
            self._identity = self._directory.identify()
        return self._identity

    def check_filter(self, text: str) -> None:
        """See ``Directory``."""
        self._directory.check_filter(text)

    def find_organizational_unit(self, name: str) -> DirectoryNode:
        """See ``Directory``."""
        if name not in self._named_units:
            self._named_units[name] = self._directory.find_organizational_unit(name)
        return self._named_units[name]

    def find_group(self, name: str) -> DirectoryNode:
        """See ``Directory``."""
        if name not in self._named_groups:
            self._named_groups[name] = self._directory.find_group(name)
        return self._named_groups[name]

    def find_user(self, name: str) -> DirectoryUser:
        """See ``Directory``."""
        user = self._see(self._directory.find_user(name))
        self._named_users[name] = user.guid
        return user

    def read_users(
        self, query: UserQuery, held: Callable[[DirectoryUser], DirectoryUser] | None = None
    ) -> list[DirectoryUser]:
        """See ``Directory``."""
        if query not in self._users:
            self._users[query] = self._directory.read_users(query, self._shared)
            self._seen.update((user.guid, user) for user in self._users[query])
        users = self._users[query]
        return [held(user) for user in users] if held else users

    def search_users(self, search: UserSearch) -> list[DirectoryUser]:
        """See ``Directory``."""
        return [self._see(user) for user in self._directory.search_users(search)]

    def read_groups(self) -> list[DirectoryGroup]:
        """See ``Directory``."""
        if self._groups is None:
            self._groups = self._directory.read_groups()
        return self._groups

    def find_groups(self, query: GroupQuery) -> frozenset[str]:
        """See ``Directory``."""
        if query not in self._found_groups:
            self._found_groups[query] = self._directory.find_groups(query)
        return self._found_groups[query]

    def find_groups_within(self, group: DirectoryGroup) -> frozenset[str]:
        """See ``Directory``."""
        if group.guid not in self._nested:
            self._nested[group.guid] = self._directory.find_groups_within(group)
        return self._nested[group.guid]

    def read_units(self, query: UnitQuery) -> list[DirectoryUnit]:
        """See ``Directory``."""
        if query not in self._units:
            self._units[query] = self._directory.read_units(query)
        return self._units[query]

    def lockout_threshold(self) -> int:
        """See ``Directory``."""
        return self._directory.lockout_threshold()

    def look_up_users(self, guids: Collection[str]) -> UserLookup:
        """See ``Directory``; only users that no answer has shown yet are asked for."""
        unknown = [guid for guid in guids if guid not in self._seen and guid not in self._asked]
        if unknown:
            lookup = self._directory.look_up_users(unknown)
            self._seen.update(lookup.live)
            self._deleted.update(lookup.deleted)
            self._asked.update(unknown)
        return UserLookup(
            live={guid: self._seen[guid] for guid in guids if guid in self._seen},
            deleted=frozenset(guid for guid in guids if guid in self._deleted and guid not in self._seen),
        )

    def look_up_objects(self, guids: Collection[str]) -> ObjectLookup:
        """See ``Directory``."""
        lookup = self._directory.look_up_objects(guids)
        self._objects.update(lookup.live)
        self._deleted_objects.update(lookup.deleted)
        return lookup

    def unseen(self, guids: Collection[str]) -> frozenset[str]:
        """Return those of some users' objectGUIDs that no answer has told anything about."""
        return frozenset(guids) - self._seen.keys() - self._asked

    def record(self) -> DirectoryRecord:
        """Return all that was answered so far; what was asked to prove an answer was answered by it already."""
        places = {guid: place for place, guid in enumerate(self._seen)}
        return DirectoryRecord(
            identity=self.identify(),
            users=tuple(self._seen.values()),
            deleted_users=frozenset(self._deleted),
            named_users=dict(self._named_users),
            answers=tuple(
                UsersAnswer(query, tuple(places[user.guid] for user in users))
                for query, users in self._users.items()
                if query.only is None
            ),
            groups=_group_records(self._groups, self._seen) if self._groups is not None else None,
            named_groups=dict(self._named_groups),
            found_groups=tuple(
                GroupsAnswer(query, guids) for query, guids in self._found_groups.items() if query.only is None
            ),
            nested_groups=dict(self._nested),
            units=tuple(UnitsAnswer(query, tuple(units)) for query, units in self._units.items() if query.only is None),
            named_units=dict(self._named_units),
            objects=dict(self._objects),
            deleted_objects=frozenset(self._deleted_objects),
        )

    def _see(self, user: DirectoryUser) -> DirectoryUser:
        self._seen[user.guid] = shared = self._shared(user)
        return shared

    def _shared(self, user: DirectoryUser) -> DirectoryUser:
        return sharing(user, self._associations.get(user.guid))


def sharing(user: DirectoryUser, association: Association | None) -> DirectoryUser:
    """Return a user who shares with an association the texts that are the same of both, which is nearly all of them."""
    if association is None:
        return user
    texts = {one: one for one in association.written.values()}
    return replace(
        user,
        guid=association.guid,
        dn=association.dn if association.dn == user.dn else user.dn,
        account_name=association.account_name if association.account_name == user.account_name else user.account_name,
        attributes={name: texts.get(value, value) for name, value in user.attributes.items()},
    )


def _group_records(groups: Collection[DirectoryGroup], users: Mapping[str, DirectoryUser]) -> tuple[GroupRecord, ...]:
    places = {user.dn: place for place, user in enumerate(users.values())}
    return tuple(
        GroupRecord(
            group.guid, group.dn, group.name, group.rid, tuple(places.get(member, member) for member in group.members)
        )
        for group in groups
    )
