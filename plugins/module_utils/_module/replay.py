# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The sides of a recording, behind the interfaces of the real ones: what they answered then is answered again.

Questions of the run itself have their answers in the recording. Questions of a person, which the run has not asked, are
answered from the objects that it has seen, and from those alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import cached_property

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import DirectoryNameError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.names import (
    Places,
    is_dn,
    is_within,
    names_below,
    parent_dn,
    parse_dn,
    same_dn,
    split_path,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.values import guid_from_name
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
    SnapshotError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.rehearsal import ImaginedPbx
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import (
    PRINCIPAL_NAME,
    DirectoryGroup,
    DirectoryIdentity,
    DirectoryNode,
    DirectoryUnit,
    DirectoryUser,
    ObjectLookup,
    UserLookup,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import DISPLAY_NAME
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Extension,
    ExtensionGroup,
    LiveUse,
    Organization,
    PbxCapacity,
    PbxIdentity,
    PbxSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.scope import members_among, with_nested

_Test = Callable[[str], bool]

_ASK_LIVE = "Ask with offline false."
# The attributes in which the directory's ambiguous name resolution (MS-ADTS 3.1.1.3.1.3.2) finds a beginning, of those
# that a run reads.
_BEGINNINGS = ("displayName", "givenName", "sn", "cn")


class RecordedDirectory(Directory):
    """A directory as a run has read it.

    :param base_dn: distinguished name below which users and organizational units are looked for.
    """

    def __init__(self, record: DirectoryRecord, base_dn: str) -> None:
        self._record = record
        self._base_dn = base_dn
        self._users = {user.guid: user for user in record.users}
        self._answers = {answer.query: [record.users[place] for place in answer.users] for answer in record.answers}
        self._found_groups = {answer.query: answer.guids for answer in record.found_groups}
        self._units = {answer.query: answer.units for answer in record.units}
        self._places: dict[str, Places] = {}

    def identify(self) -> DirectoryIdentity:
        """See ``Directory``."""
        return self._record.identity

    def check_filter(self, text: str) -> None:
        """Let a filter pass: that of a rule was checked by the run, and another is refused where it is asked with."""

    # --- names

    def find_organizational_unit(self, name: str) -> DirectoryNode:
        """Find a unit that the run has found, or one above a user or a unit that it has read; see ``Directory``."""
        known = self._record.named_units.get(name)
        if known is not None:
            return known
        is_meant = self._meant_by_dn(name) if is_dn(name) else self._meant_by_path(name)
        found = next((dn for dn in self._unit_dns if is_meant(dn)), None)
        if found is None:
            raise DirectoryNameError(
                f"organizational_units {name} cannot be used: the snapshot shows nothing below "
                f"{self._base_dn} that is in an organizational unit of this name.",
                f"Correct the name. {_ASK_LIVE}",
            )
        return DirectoryNode("", found)

    def find_group(self, name: str) -> DirectoryNode:
        """Find a group that the run has found by this name, or one by DN, objectGUID or common name."""
        known = self._record.named_groups.get(name)
        if known is not None:
            return known
        folded, guid = name.casefold(), guid_from_name(name)
        found = [
            group
            for group in self.read_groups()
            if group.guid == guid or group.name.casefold() == folded or (is_dn(name) and same_dn(group.dn, name))
        ]
        if len(found) != 1:
            raise DirectoryNameError(
                f"groups {name} cannot be used: {len(found)} groups of the snapshot have this distinguished name, "
                "common name or objectGUID.",
                f"Correct the name. {_ASK_LIVE}",
            )
        return DirectoryNode(found[0].guid, found[0].dn)

    def find_user(self, name: str) -> DirectoryUser:
        """Find a user whom the run has found by this name; see ``Directory``."""
        guid = self._record.named_users.get(name)
        if guid is None:
            raise DirectoryNameError(f"users {name} cannot be used: the snapshot has no user of this name.", _ASK_LIVE)
        return self._users[guid]

    # --- users

    def read_users(
        self, query: UserQuery, held: Callable[[DirectoryUser], DirectoryUser] | None = None
    ) -> list[DirectoryUser]:
        """Answer as the run was answered, limited to the objectGUIDs; see ``Directory``.

        A question that the run has not asked but limited to objectGUIDs, to prove what it had concluded, is answered
        from all that it has read.
        """
        users = self._answers.get(replace(query, only=None))
        if users is None:
            self._refuse_filter(query.filter)
            users = self._inside(self._record.users, query.bases, query.member_of)
        users = users if query.only is None else [user for user in users if user.guid in query.only]
        return [held(user) for user in users] if held else users

    def search_users(self, search: UserSearch) -> list[DirectoryUser]:
        """Search among the users that the run has read; see ``Directory``."""
        self._refuse_filter(search.filter)
        users: Sequence[DirectoryUser] = self._named(search.name) if search.name else self._record.users
        if search.text:
            users = [user for user in users if _is_like(user, search.text)]
        return self._inside(users, search.bases, search.member_of)

    def lockout_threshold(self) -> int:
        """See ``Directory``; no run asks for it."""
        raise _not_asked("the account lockout threshold")

    def look_up_users(self, guids: Collection[str]) -> UserLookup:
        """See ``Directory``."""
        return UserLookup(
            {guid: self._users[guid] for guid in guids if guid in self._users},
            frozenset(guids) & self._record.deleted_users,
        )

    def look_up_objects(self, guids: Collection[str]) -> ObjectLookup:
        """See ``Directory``; what the run has read otherwise need not have been asked for by objectGUID."""
        known = self._nodes
        return ObjectLookup(
            {guid: known[guid] for guid in guids if guid in known}, frozenset(guids) & self._record.deleted_objects
        )

    # --- groups and units

    def read_groups(self) -> list[DirectoryGroup]:
        """See ``Directory``.

        :raises SnapshotError: if the run has not read them.
        """
        if self._groups is None:
            raise SnapshotError(
                "groups is given, and the snapshot has no groups: no rule asked the run for them.",
                f"Leave groups out. {_ASK_LIVE}",
            )
        return self._groups

    def find_groups(self, query: GroupQuery) -> frozenset[str]:
        """See ``Directory``."""
        found = self._found_groups.get(replace(query, only=None))
        if found is None:
            raise _not_asked("groups")
        return found if query.only is None else found & query.only

    def find_groups_within(self, group: DirectoryGroup) -> frozenset[str]:
        """See ``Directory``."""
        known = self._record.nested_groups.get(group.guid)
        if known is not None:
            return known
        return frozenset(one.guid for one in with_nested(self.read_groups(), {group.guid})) - {group.guid}

    def read_units(self, query: UnitQuery) -> list[DirectoryUnit]:
        """See ``Directory``."""
        units = self._units.get(replace(query, only=None))
        if units is None:
            raise _not_asked("organizational units")
        return [unit for unit in units if query.only is None or unit.guid in query.only]

    # --- what the methods above share

    @cached_property
    def _groups(self) -> list[DirectoryGroup] | None:
        if self._record.groups is None:
            return None
        return [self._group(group) for group in self._record.groups]

    def _group(self, group: GroupRecord) -> DirectoryGroup:
        users = self._record.users
        members = tuple(member if isinstance(member, str) else users[member].dn for member in group.members)
        return DirectoryGroup(group.guid, group.dn, group.name, group.rid, members)

    @cached_property
    def _nodes(self) -> dict[str, DirectoryNode]:
        """All that is known of objects, those asked for by objectGUID last."""
        nodes = {user.guid: DirectoryNode(user.guid, user.dn) for user in self._record.users}
        nodes |= {group.guid: DirectoryNode(group.guid, group.dn) for group in self._record.groups or ()}
        nodes |= {unit.guid: DirectoryNode(unit.guid, unit.dn) for units in self._units.values() for unit in units}
        return {**nodes, **self._record.objects}

    @cached_property
    def _unit_dns(self) -> list[str]:
        """Distinguished names below the base DN of all that anything recorded is in, and of units."""
        waiting = {parent_dn(user.dn) for user in self._record.users}
        waiting |= {unit.dn for units in self._units.values() for unit in units}
        found: set[str] = set()
        while waiting:
            dn = waiting.pop()
            if dn and dn not in found and is_within(dn, self._base_dn):
                found.add(dn)
                waiting.add(parent_dn(dn))
        return sorted(found)

    def _meant_by_dn(self, name: str) -> _Test:
        return lambda dn: same_dn(dn, name)

    def _meant_by_path(self, path: str) -> _Test:
        try:
            wanted = [name.casefold() for name in split_path(path)]
        except ValueError as error:
            raise DirectoryNameError(
                f"organizational_units {path} cannot be used: {error}.", "Correct the name."
            ) from None
        return lambda dn: [name.casefold() for name in names_below(dn, self._base_dn)] == wanted

    def _inside(
        self, users: Iterable[DirectoryUser], bases: Collection[str], member_of: Sequence[DirectoryGroup]
    ) -> list[DirectoryUser]:
        """Return the users that are below one of the bases and, if groups are named, a member of one of these."""
        found = [user for user in users if any(self._is_below(user, base) for base in bases)]
        return members_among(found, member_of) if member_of else found

    def _is_below(self, user: DirectoryUser, base: str) -> bool:
        if base not in self._places:
            self._places[base] = Places({base: base})
        return bool(self._places[base].nearest_above(user.dn))

    def _named(self, name: str) -> list[DirectoryUser]:
        guid = guid_from_name(name)
        if guid is not None:
            return [self._users[guid]] if guid in self._users else []
        if is_dn(name):
            return self._by_dn.get(parse_dn(name), [])
        return self._by_name.get(name.casefold(), [])

    @cached_property
    def _by_dn(self) -> dict[object, list[DirectoryUser]]:
        return {parse_dn(user.dn): [user] for user in self._record.users}

    @cached_property
    def _by_name(self) -> dict[str, list[DirectoryUser]]:
        found: dict[str, list[DirectoryUser]] = {}
        for user in self._record.users:
            names = (user.account_name, user.attributes.get(PRINCIPAL_NAME), user.attributes.get(DISPLAY_NAME))
            for name in {name.casefold() for name in names if name}:
                found.setdefault(name, []).append(user)
        return found

    def _refuse_filter(self, text: str) -> None:
        if text:
            raise SnapshotError(
                f"filter is {text}, and a snapshot cannot tell who matches an LDAP filter.",
                f"Search by name, organizational unit or group. {_ASK_LIVE}",
            )


def _is_like(user: DirectoryUser, text: str) -> bool:
    """Tell whether a search for a part of a name finds a user; see ``_ad/terms.py`` for how a directory is asked."""
    wanted = text.casefold()
    values = user.attributes
    whole = (user.account_name, *(values.get(name, "") for name in (PRINCIPAL_NAME, DISPLAY_NAME, "cn", "mail")))
    if any(wanted in value.casefold() for value in whole):
        return True
    if any(values.get(name, "").casefold().startswith(wanted) for name in _BEGINNINGS):
        return True
    first, _blank, last = wanted.partition(" ")
    given, family = values.get("givenName", "").casefold(), values.get("sn", "").casefold()
    return bool(last) and (
        (given.startswith(first) and family.startswith(last)) or (given.startswith(last) and family.startswith(first))
    )


def _not_asked(what: str) -> SnapshotError:
    return SnapshotError(
        f"The snapshot does not know which {what} the rule takes in: the run that took it did not ask.", _ASK_LIVE
    )


class RecordedPbx(ImaginedPbx):
    """A PBX as a run has left it. Nothing is written to it; as one in memory it would take it."""

    def __init__(self, snapshot: PbxSnapshot) -> None:
        super().__init__(snapshot)
        self._seen = snapshot

    def send_welcome_emails(self, extension_ids: Sequence[int]) -> None:
        """See ``PbxCommands``."""

    def identity(self) -> PbxIdentity:
        """See ``Pbx``."""
        return self._seen.identity

    def capacity(self) -> PbxCapacity:
        """See ``Pbx``."""
        return self._seen.capacity

    def live_use(self) -> LiveUse:
        """Tell of nobody: who is in a call is true for a moment."""
        return LiveUse()

    def organizations(self) -> list[Organization] | None:
        """See ``Pbx``."""
        return list(self._seen.organizations) if self._seen.organizations is not None else None

    def organization(self, organization_id: int) -> Organization | None:
        """See ``Pbx``."""
        return next((one for one in self._seen.organizations or () if one.id == organization_id), None)

    def groups(self) -> list[ExtensionGroup]:
        """See ``Pbx``; none where no rule has or had any."""
        return list(self._seen.groups or ())

    def group(self, group_id: int) -> ExtensionGroup | None:
        """See ``Pbx``."""
        return next((one for one in self._seen.groups or () if one.id == group_id), None)

    def can_set_company_name(self) -> bool:
        """Tell that it can: the run has asked that, and went on."""
        return True

    def extensions(self, held: Callable[[Extension], Extension] | None = None) -> list[Extension]:
        """See ``Pbx``."""
        return [held(one) if held else one for one in self._seen.extensions]

    def extension(self, extension_id: int) -> Extension | None:
        """See ``Pbx``."""
        return next((one for one in self._seen.extensions if one.id == extension_id), None)
