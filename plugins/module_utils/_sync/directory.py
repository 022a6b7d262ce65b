# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What is read of a directory, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

#: The attribute with the name that a user signs on by (MS-ADTS 5.1.1.1.1), read where the sign-on is in use.
PRINCIPAL_NAME = "userPrincipalName"


@dataclass(frozen=True, slots=True)
class Domain:
    """The Active Directory domain that a directory server speaks for.

    :param guid: objectGUID of the domain's root object, lower case with hyphens.
    :param dn: its distinguished name (the rootDSE's defaultNamingContext).
    :param dns_name: its DNS name, e.g. ``example.com``.
    """

    guid: str
    dn: str
    dns_name: str


@dataclass(frozen=True, slots=True)
class DirectoryIdentity:
    """What a directory server says of itself, and of what the account may read.

    :param time: the server's own clock (rootDSE currentTime), aware, UTC.
    :param deleted_objects_readable: whether the account can read the Deleted Objects container; without that
        right a deleted user cannot be told from one that the account may no longer see.
    """

    domain: Domain
    server: str
    time: datetime
    deleted_objects_readable: bool


@dataclass(frozen=True, slots=True)
class DirectoryNode:
    """An organizational unit (or another container) by its identity and place."""

    guid: str
    dn: str


@dataclass(frozen=True, slots=True)
class DirectoryUser:
    """One user object.

    :param guid: objectGUID, lower case with hyphens: the only key that survives renames and moves.
    :param account_name: sAMAccountName.
    :param attributes: the requested attributes by their LDAP names as the field table spells them; one text value
        each, an absent attribute is absent here.
    :param disabled: ACCOUNTDISABLE of userAccountControl.
    :param expires: accountExpires as an aware UTC time; None where the account never expires.
    :param primary_group_id: primaryGroupID, the RID of a group that neither member nor memberOf shows.
    """

    guid: str
    dn: str
    account_name: str
    attributes: Mapping[str, str]
    disabled: bool = False
    expires: datetime | None = None
    primary_group_id: int = 0


@dataclass(frozen=True, slots=True)
class DirectoryGroup:
    """One group with its direct members, read to the end of the last range.

    :param name: its name in the directory (the value of its RDN).
    :param rid: the last component of its objectSid, which a member's primaryGroupID repeats.
    :param members: distinguished names of the direct members, of whatever class.
    """

    guid: str
    dn: str
    name: str
    rid: int
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DirectoryUnit:
    """One organizational unit.

    :param path: names of the units from the base DN down, its own last.
    :param parent: objectGUID of the nearest unit above it that is taken in too; "" for none.
    """

    guid: str
    dn: str
    path: tuple[str, ...]
    parent: str = ""

    @property
    def name(self) -> str:
        """Its own name."""
        return self.path[-1]


@dataclass(frozen=True, slots=True)
class ObjectLookup:
    """What the whole domain says of some objectGUIDs, of objects of any class.

    :param live: those that exist.
    :param deleted: those whose deleted object was seen (isDeleted TRUE).
    """

    live: Mapping[str, DirectoryNode]
    deleted: frozenset[str]


@dataclass(frozen=True, slots=True)
class Absent:
    """What became of associated objects that a scope did not return, by objectGUID.

    :param outside: they exist and were asked for one by one and found outside the scope.
    :param deleted: their deleted object was seen.
    :param missing: the directory did not show them at all.
    """

    outside: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class UserLookup:
    """What the whole domain says of some objectGUIDs.

    :param live: those that exist, by objectGUID.
    :param deleted: those whose deleted object was seen (isDeleted TRUE).

    A GUID in neither was not shown at all: deleted, or hidden from the account.
    """

    live: Mapping[str, DirectoryUser]
    deleted: frozenset[str]


@dataclass(frozen=True, slots=True)
class DirectorySnapshot:
    """The directory as one run saw it. It exists only if every read behind it was complete.

    :param users: the users that the rule's scope takes in.
    :param outside: associated users that exist and were asked for one by one and found outside the scope.
    :param deleted: objectGUIDs of associated users whose deleted object was seen.
    :param missing: objectGUIDs of associated users that the directory did not show at all.
    :param bindings: for scope ``users``, the extension number that each named user is bound to, by objectGUID.
    """

    domain: Domain
    time: datetime
    users: tuple[DirectoryUser, ...]
    outside: tuple[DirectoryUser, ...] = ()
    deleted: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    bindings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class People:
    """The users that have an extension, and where they are.

    :param users: those that exist, by objectGUID.
    :param deleted: objectGUIDs of those whose deleted object was seen.
    :param missing: objectGUIDs of those that the directory did not show at all: nothing is known of them.
    """

    users: Mapping[str, DirectoryUser]
    deleted: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class UnitSnapshot:
    """The organizational units that a rule takes in. It exists only if every read behind it was complete.

    :param units: none where organizations are made of an attribute's values.
    :param homes: objectGUID of the nearest of the units above each user, by the user's objectGUID.
    :param absent: what became of associated units that are not among them.
    :param hidden: of associated units that the directory did not show, but that units and homes may name all the same:
        objectGUID of the nearest unit above each, "" for none, by its own.
    """

    domain: Domain
    units: tuple[DirectoryUnit, ...]
    people: People
    homes: Mapping[str, str] = field(default_factory=dict)
    absent: Absent = Absent()
    hidden: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupSnapshot:
    """The groups that a rule takes in. It exists only if every read behind it was complete.

    :param paths: the names from the domain down to each group, its own last, by its objectGUID.
    :param members: objectGUIDs of the associated users in each, nested and by primary group, by the group's
        objectGUID.
    :param absent: what became of associated groups that are not among them.
    """

    domain: Domain
    groups: tuple[DirectoryGroup, ...]
    people: People
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    absent: Absent = Absent()
