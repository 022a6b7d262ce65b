# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory in memory: what is there, what the reading account sees of it, and the truth about it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from random import Random

DOMAIN_DN = "DC=sim,DC=test"
DELETED_OBJECTS = "CN=Deleted Objects"
DOMAIN_USERS = 513
_FIRST_RID = 1100
_FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_DISABLED, _NORMAL_ACCOUNT = 0x2, 0x200
_DOMAIN_SID = bytes.fromhex("010500000000000515000000") + bytes(range(12))
_ESCAPED = set(',+"\\<>;=')


class Kind(StrEnum):
    """What an object is; the values are the names of its class."""

    DOMAIN = "domainDNS"
    UNIT = "organizationalUnit"
    CONTAINER = "container"
    USER = "user"
    GROUP = "group"
    COMPUTER = "computer"


_CLASSES: dict[Kind, tuple[str, ...]] = {
    Kind.DOMAIN: ("top", "domain", "domainDNS"),
    Kind.UNIT: ("top", "organizationalUnit"),
    Kind.CONTAINER: ("top", "container"),
    Kind.USER: ("top", "person", "organizationalPerson", "user"),
    Kind.GROUP: ("top", "group"),
    Kind.COMPUTER: ("top", "person", "organizationalPerson", "user", "computer"),
}
_CATEGORIES: dict[Kind, str] = {
    Kind.DOMAIN: "domainDNS",
    Kind.UNIT: "organizationalUnit",
    Kind.CONTAINER: "container",
    Kind.USER: "person",
    Kind.GROUP: "group",
    Kind.COMPUTER: "computer",
}


@dataclass(slots=True)
class Thing:
    """One object.

    :param name: its relative name's value.
    :param parent: objectGUID of what it is in; "" for the domain itself.
    :param texts: attributes with one text for a value, by their LDAP names.
    :param members: objectGUIDs of a group's direct members.
    :param hidden: whether the account of the synchronization sees nothing of it.
    :param deleted: whether it lies among the deleted objects.
    :param critical: whether the directory made it for itself.
    """

    guid: str
    kind: Kind
    name: str
    parent: str
    rid: int = 0
    texts: dict[str, str] = field(default_factory=dict)
    members: list[str] = field(default_factory=list)
    primary: int = DOMAIN_USERS
    disabled: bool = False
    expires: datetime | None = None
    security: bool = True
    hidden: bool = False
    deleted: bool = False
    critical: bool = False


@dataclass(frozen=True)
class Shown:
    """An object as the server has it ready for searches.

    :param above: objectGUIDs of all that it is below, the nearest first.
    """

    guid: str
    kind: Kind
    dn: str
    above: tuple[str, ...]
    hidden: bool
    deleted: bool
    texts: dict[str, list[bytes]]
    members: tuple[bytes, ...]

    @cached_property
    def by_name(self) -> dict[str, list[bytes]]:
        """All values by lower-case name, but for members."""
        return {name.lower(): values for name, values in self.texts.items()}


class SimulatedDirectory:
    """Everything by objectGUID. Whoever changes something says so by ``touch``.

    :param tombstones_readable: whether the account sees deleted objects.
    :ivar usn: how many changes were counted, each at the object that it was made to, and at no other.
    :ivar invocation_id: of the database that counts them.
    :ivar account_groups: stands for the groups that the account of the synchronization is in.
    """

    def __init__(self, random: Random, *, tombstones_readable: bool = True) -> None:
        self._random = random
        self._last_rid = _FIRST_RID
        self.tombstones_readable = tombstones_readable
        self.things: dict[str, Thing] = {}
        self._shown: list[Shown] | None = None
        self.usn = 0
        self.invocation_id = uuid.UUID(int=1)
        self.account_groups = b"account"
        # What each object was when it was counted last, and the count that it bears.
        self._counted: dict[str, tuple[_State, int]] = {}
        self.domain = self.add(Kind.DOMAIN, "sim", "").guid
        users = self.add(Kind.CONTAINER, "Users", self.domain, critical=True).guid
        self.domain_users = self.add(Kind.GROUP, "Domain Users", users, critical=True)
        self.domain_users.rid = DOMAIN_USERS
        self.add(Kind.USER, "Administrator", users, critical=True)
        self.add(Kind.UNIT, "Domain Controllers", self.domain, critical=True)

    # --- changes

    def touch(self) -> None:
        """Say that something was changed."""
        self._shown = None

    def let_another_answer(self) -> None:
        """Let another domain controller answer, which has counted the same changes in its own way."""
        self._count_changes()
        self.invocation_id = uuid.UUID(int=self._random.getrandbits(128), version=4)
        self.usn += self._random.randint(-self.usn, self.usn)
        counts = {guid: self._random.randint(1, self.usn + 1) for guid in self._counted}
        self._counted = {guid: (state, counts[guid]) for guid, (state, _count) in self._counted.items()}
        self.usn += 1
        self.touch()

    def add(self, kind: Kind, name: str, parent: str, *, critical: bool = False) -> Thing:
        """Add an object."""
        self._last_rid += 1
        guid = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        thing = Thing(guid, kind, name, parent, self._last_rid, critical=critical)
        self.things[guid] = thing
        self.touch()
        return thing

    def delete(self, guid: str, *, leaves_tombstone: bool) -> None:
        """Delete an object with all that is in it."""
        for one in self.subtree(guid):
            thing = self.things[one]
            for group in self.of(Kind.GROUP):
                if one in group.members:
                    group.members.remove(one)
            thing.deleted, thing.members = True, []
            if not leaves_tombstone:
                del self.things[one]
        self.touch()

    # --- the truth

    def of(self, *kinds: Kind) -> list[Thing]:
        """What lives, of some kinds; what the directory made for itself left out."""
        return [one for one in self.things.values() if one.kind in kinds and not one.deleted and not one.critical]

    def alive(self, guid: str) -> Thing | None:
        """The object, unless it is deleted."""
        thing = self.things.get(guid)
        return thing if thing is not None and not thing.deleted else None

    def subtree(self, guid: str) -> list[str]:
        """An object and all that lives in it, by objectGUID."""
        found = [guid]
        for one in found:
            found.extend(other.guid for other in self.things.values() if other.parent == one and not other.deleted)
        return found

    def above(self, guid: str) -> list[str]:
        """What an object is in, the nearest first."""
        found = []
        while guid := self.things[guid].parent:
            found.append(guid)
        return found

    def is_below(self, guid: str, ancestor: str) -> bool:
        """Whether an object is anywhere in another."""
        return ancestor in self.above(guid)

    def is_free(self, name: str, parent: str) -> bool:
        """Whether a place has no object of a name, whatever its kind."""
        folded = name.casefold()
        return not any(
            one.parent == parent and one.name.casefold() == folded and not one.deleted for one in self.things.values()
        )

    def nested(self, group: str) -> set[str]:
        """A group and all groups in it, as the server itself follows them."""
        found, waiting = set(), [group]
        while waiting:
            one = waiting.pop()
            if one in found or self.things[one].kind is not Kind.GROUP:
                continue
            found.add(one)
            waiting.extend(self.things[one].members)
        return found

    def is_member(self, guid: str, group: str) -> bool:
        """Whether a user is in a group, nested groups and the primary group counted."""
        return any(
            guid in self.things[one].members or self.things[one].rid == self.things[guid].primary
            for one in self.nested(group)
        )

    # --- what searches see

    def dn(self, guid: str) -> str:
        """The distinguished name."""
        thing = self.things[guid]
        if thing.kind is Kind.DOMAIN:
            return DOMAIN_DN
        if thing.deleted:
            return f"CN={escaped(thing.name)}\\0ADEL:{guid},{DELETED_OBJECTS},{DOMAIN_DN}"
        label = "OU" if thing.kind is Kind.UNIT else "CN"
        return f"{label}={escaped(thing.name)},{self.dn(thing.parent)}"

    def shown(self) -> list[Shown]:
        """All objects, ready for searches."""
        if self._shown is None:
            self._count_changes()
            dns = {guid: self.dn(guid) for guid in self.things}
            self._shown = [self._show(thing, dns) for thing in self.things.values()]
        return self._shown

    def _count_changes(self) -> None:
        """Count what was changed since: a change of a parent's name or of a member's is none of the object's own."""
        for guid, thing in self.things.items():
            state = _state_of(thing)
            if guid not in self._counted or self._is_changed(self._counted[guid][0], state):
                self.usn += 1
                self._counted[guid] = state, self.usn

    def _is_changed(self, before: _State, now: _State) -> bool:
        """A member that is deleted is no longer in the group, and that is no change of the group either."""
        alive = frozenset(one for one in before[0] if self.alive(one))
        return (alive, before[1]) != now

    def _show(self, thing: Thing, dns: dict[str, str]) -> Shown:
        texts = {name: [value.encode()] for name, value in self._texts(thing, dns)}
        texts["objectClass"] = [one.encode() for one in _CLASSES[thing.kind]]
        texts["objectGUID"] = [uuid.UUID(thing.guid).bytes_le]
        texts["uSNChanged"] = [str(self._counted[thing.guid][1]).encode()]
        texts["distinguishedName"] = [dns[thing.guid].encode()]
        if thing.kind in (Kind.USER, Kind.GROUP, Kind.COMPUTER):
            texts["objectSid"] = [_DOMAIN_SID + thing.rid.to_bytes(4, "little")]
        members = tuple(dns[one].encode() for one in thing.members if one in dns)
        above = () if thing.deleted else tuple(self.above(thing.guid))
        return Shown(thing.guid, thing.kind, dns[thing.guid], above, thing.hidden, thing.deleted, texts, members)

    def _texts(self, thing: Thing, dns: dict[str, str]) -> Iterator[tuple[str, str]]:
        yield "name", thing.name
        yield ("ou" if thing.kind is Kind.UNIT else "cn"), thing.name
        if thing.deleted:
            yield "isDeleted", "TRUE"
        else:
            yield "objectCategory", f"CN={_CATEGORIES[thing.kind]},CN=Schema,CN=Configuration,{DOMAIN_DN}"
        if thing.critical:
            yield "isCriticalSystemObject", "TRUE"
        if thing.kind is Kind.GROUP:
            yield "groupType", str(-2147483646 if thing.security else 2)
            yield "sAMAccountName", thing.texts.get("sAMAccountName", thing.name)
        if thing.kind is Kind.USER:
            yield "userAccountControl", str(_NORMAL_ACCOUNT | (_DISABLED if thing.disabled else 0))
            yield "primaryGroupID", str(thing.primary)
            yield "accountExpires", str(_ticks(thing.expires))
            yield "sAMAccountName", thing.texts.get("sAMAccountName", thing.name)
        yield from ((name, value) for name, value in thing.texts.items() if value and name != "sAMAccountName")


# Members, and all else that is an object's own.
_State = tuple[frozenset[str], tuple[object, ...]]


def _state_of(thing: Thing) -> _State:
    texts = tuple(sorted(thing.texts.items()))
    own = (thing.name, thing.parent, texts, thing.primary, thing.disabled, thing.expires, thing.security, thing.rid)
    return frozenset(thing.members), (*own, thing.hidden, thing.deleted, thing.critical)


def escaped(name: str) -> str:
    """A name as it stands in a distinguished name (RFC 4514 2.4)."""
    text = "".join(f"\\{character}" if character in _ESCAPED else character for character in name)
    return f"\\{text}" if text.startswith(("#", " ")) else text


def guids(things: Iterable[Thing]) -> list[str]:
    """The objectGUIDs of objects."""
    return [thing.guid for thing in things]


def _ticks(expires: datetime | None) -> int:
    return 0 if expires is None else int((expires - _FILETIME_EPOCH).total_seconds()) * 10_000_000
