# SPDX-License-Identifier: GPL-3.0-or-later
"""What the administrators of the directory and of the PBX do by hand, drawn."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import ClassVar

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectKind

from lab.pbx.groups import BUILT_IN_ID, SPECIFIC, ExtensionGroup
from lab.pbx.organizations import ROOT_ID
from lab.pbx.pbx import Pbx
from tests.simulator.clock import SimulatedClock
from tests.simulator.directory import DOMAIN_USERS, Kind, SimulatedDirectory, Thing
from tests.simulator.rules import FIRST_NUMBER

UNIT_NAMES = ("Sales", "Support", "sales", "Staff", "R&D", "Smith, Son", "Paris", "a" * 130)
GROUP_NAMES = ("Sales", "Managers", "All staff", "managers", "Team A", "Team B", "AD users", "Support")
FIRST_NAMES = ("Anna", "Ben", "Chloë", "Dee", "Eva", "Finn", "")
LAST_NAMES = ("Ames", "Beck", "Cole", "O'Neil", "Ng, Jr", "")
DEPARTMENTS = ("Sales", "Support", "sales", "Sales/East", "Support/Desk", "", "R&D")
TITLES = ("", "Head", "Temp", "Agent")
ADDRESSES = tuple(f"mail{number}@sim.test" for number in range(12))
_PHONES = ("", "+49 30 1234", "tel:0123", "call me maybe")

Key = tuple[ObjectKind, int]


@dataclass(slots=True)
class DirectoryAdministrator:
    """Works on a directory.

    :param leaves_traces: whether all that is deleted leaves a deleted object behind.
    """

    directory: SimulatedDirectory
    clock: SimulatedClock
    random: Random
    leaves_traces: bool = False

    def act(self) -> str:
        """Do something, if there is anything to do it to; tell what."""
        action = self.random.choice(self._ACTIONS)
        told = action(self)
        self.directory.touch()
        return told

    def _one(self, *kinds: Kind) -> Thing | None:
        found = self.directory.of(*kinds)
        return self.random.choice(found) if found else None

    def _place(self) -> str:
        """Some unit, or the domain itself."""
        return self.random.choice([self.directory.domain, *(one.guid for one in self.directory.of(Kind.UNIT))])

    # --- users

    def hire(self) -> str:
        """Add a user."""
        number = sum(1 for one in self.directory.things.values() if one.kind is Kind.USER)
        while not self.directory.is_free(f"user{number}", place := self._place()):
            number += 1
        user = self.directory.add(Kind.USER, f"user{number}", place)
        user.texts["sAMAccountName"] = f"user{user.rid}"
        user.texts["userPrincipalName"] = f"user{user.rid}@sim.test"
        user.texts["ipPhone"] = str(FIRST_NUMBER + user.rid % 100)
        for _time in range(4):
            self._write(user)
        return f"hires {user.name} ({user.guid})"

    def _write(self, user: Thing) -> str:
        choices = {
            "givenName": FIRST_NAMES,
            "sn": LAST_NAMES,
            "mail": (*ADDRESSES, "", "no address", ADDRESSES[0].upper()),
            "telephoneNumber": _PHONES,
            "title": TITLES,
            "department": DEPARTMENTS,
            "ipPhone": (*(str(FIRST_NUMBER + place) for place in range(12)), "", "12 34", "123456789"),
        }
        name = self.random.choice(sorted(choices))
        user.texts[name] = self.random.choice(choices[name])
        return f"{name} of {user.name} is {user.texts[name]!r}"

    def write_user(self) -> str:
        """Change an attribute."""
        user = self._one(Kind.USER)
        return self._write(user) if user else ""

    def exchange_addresses(self) -> str:
        """Let two users exchange their e-mail addresses."""
        users = self.directory.of(Kind.USER)
        if len(users) < 2:
            return ""
        one, other = self.random.sample(users, 2)
        one.texts["mail"], other.texts["mail"] = other.texts.get("mail", ""), one.texts.get("mail", "")
        return f"{one.name} and {other.name} exchange addresses"

    def set_status(self) -> str:
        """Disable or enable an account, or let it expire."""
        user = self._one(Kind.USER)
        if user is None:
            return ""
        if self.random.random() < 0.5:
            user.disabled = not user.disabled
            return f"{user.name} is {'disabled' if user.disabled else 'enabled'}"
        days = self.random.choice((None, -1.5, 1.5, 40.5))
        user.expires = None if days is None else self.clock.time() + timedelta(days=days)
        return f"{user.name} expires {user.expires}"

    def set_primary_group(self) -> str:
        """Change a user's primary group."""
        user, group = self._one(Kind.USER), self._one(Kind.GROUP)
        if user is None:
            return ""
        user.primary = group.rid if group is not None and self.random.random() < 0.6 else DOMAIN_USERS
        return f"the primary group of {user.name} is {user.primary}"

    # --- objects of any kind

    def move(self) -> str:
        """Move an object."""
        thing, place = self._one(Kind.USER, Kind.USER, Kind.GROUP, Kind.UNIT), self._place()
        if thing is None or place in self.directory.subtree(thing.guid):
            return ""
        if not self.directory.is_free(thing.name, place):
            return ""
        thing.parent = place
        return f"{thing.name} moves below {self.directory.things[place].name}"

    def rename(self) -> str:
        """Rename an object."""
        thing = self._one(Kind.USER, Kind.GROUP, Kind.UNIT)
        if thing is None:
            return ""
        names = {Kind.UNIT: UNIT_NAMES, Kind.GROUP: GROUP_NAMES}.get(thing.kind, (f"renamed{thing.rid}", thing.name))
        name = self.random.choice(names)
        if not self.directory.is_free(name, thing.parent):
            return ""
        former, thing.name = thing.name, name
        return f"{thing.kind} {former} is renamed {name}"

    def delete(self) -> str:
        """Delete an object with all that is in it."""
        thing = self._one(Kind.USER, Kind.GROUP, Kind.UNIT)
        if thing is None:
            return ""
        leaves_tombstone = self.random.random() < 0.8 or self.leaves_traces
        self.directory.delete(thing.guid, leaves_tombstone=leaves_tombstone)
        return f"{thing.kind} {thing.name} is deleted{'' if leaves_tombstone else ' without a trace'}"

    def restore(self) -> str:
        """Take an object out of the deleted ones."""
        found = [one for one in self.directory.things.values() if one.deleted]
        if not found:
            return ""
        thing = self.random.choice(found)
        place = thing.parent if self.directory.alive(thing.parent) else self.directory.domain
        if not self.directory.is_free(thing.name, place):
            return ""
        thing.deleted, thing.parent = False, place
        return f"{thing.kind} {thing.name} is restored"

    def hide(self) -> str:
        """Hide an object from the account of the synchronization, or show it again."""
        thing = self._one(Kind.USER, Kind.GROUP, Kind.UNIT)
        if thing is None:
            return ""
        thing.hidden = not thing.hidden
        return f"{thing.kind} {thing.name} is {'hidden' if thing.hidden else 'shown'}"

    def reveal_all(self) -> None:
        """Show everything that is hidden."""
        for thing in self.directory.things.values():
            thing.hidden = False
        self.directory.touch()

    # --- units and groups

    def add_unit(self) -> str:
        """Add a unit."""
        name, place = self.random.choice(UNIT_NAMES), self._place()
        if not self.directory.is_free(name, place):
            return ""
        unit = self.directory.add(Kind.UNIT, name, place)
        return f"adds unit {name} ({unit.guid})"

    def add_group(self) -> str:
        """Add a group."""
        name, place = self.random.choice(GROUP_NAMES), self._place()
        if not self.directory.is_free(name, place):
            return ""
        group = self.directory.add(Kind.GROUP, name, place)
        group.security = self.random.random() < 0.6
        group.texts["sAMAccountName"] = f"group{group.rid}"
        self._put_in(group)
        return f"adds group {name} ({group.guid})"

    def _put_in(self, group: Thing) -> None:
        found = [one.guid for one in self.directory.of(Kind.USER, Kind.GROUP) if one.guid != group.guid]
        chosen = self.random.sample(found, min(len(found), self.random.randint(0, 5)))
        group.members = sorted({*group.members, *chosen})

    def change_members(self) -> str:
        """Put members into a group, or take one out."""
        group = self._one(Kind.GROUP)
        if group is None:
            return ""
        if group.members and self.random.random() < 0.5:
            group.members.remove(self.random.choice(group.members))
        else:
            self._put_in(group)
        return f"group {group.name} has {len(group.members)} members"

    _ACTIONS: ClassVar[tuple[Callable[[DirectoryAdministrator], str], ...]] = (
        hire,
        hire,
        write_user,
        write_user,
        exchange_addresses,
        set_status,
        set_primary_group,
        move,
        move,
        move,
        rename,
        delete,
        delete,
        restore,
        hide,
        add_unit,
        add_unit,
        add_group,
        change_members,
        change_members,
    )


@dataclass(slots=True)
class PbxAdministrator:
    """Works at the web portal of a PBX.

    :param touched: what was added, changed or deleted by hand.
    :param spared: what is to be left alone.
    :param call: the id of the call that somebody is in.
    """

    pbx: Pbx
    random: Random
    touched: set[Key] = field(default_factory=set)
    spared: Collection[Key] = ()
    call: str = ""

    def act(self) -> str:
        """Do something, if there is anything to do it to; tell what."""
        return self.random.choice(self._ACTIONS)(self)

    def _extension(self) -> int:
        found = [one.id for one in self.pbx.extensions.all() if (ObjectKind.EXTENSION, one.id) not in self.spared]
        return self.random.choice(found) if found else 0

    def _organization(self) -> int:
        found = [
            one.id
            for one in self.pbx.organizations.all()
            if one.id != ROOT_ID and (ObjectKind.ORGANIZATION, one.id) not in self.spared
        ]
        return self.random.choice(found) if found else 0

    def _group(self) -> ExtensionGroup | None:
        found = [
            one
            for one in self.pbx.groups.all()
            if one.id != BUILT_IN_ID and (ObjectKind.EXTENSION_GROUP, one.id) not in self.spared
        ]
        return self.random.choice(found) if found else None

    # --- extensions

    def add_extension(self) -> str:
        """Add an extension: its number may be the next that would be given, its address a user's."""
        number = str(FIRST_NUMBER + self.random.choice((*range(8), *range(500, 508))))
        address = self.random.choice(("", *ADDRESSES))
        if self.pbx.extensions.numbers.owner(number) or (address and self.pbx.extensions.emails.owner(address)):
            return ""
        if len(self.pbx.extensions) >= self.pbx.settings.extensions_max:
            return ""
        id_ = self.pbx.seed_extension(
            number,
            first_name=self.random.choice(("Hand", "Made")),
            email_addr=address,
            title=self.random.choice(TITLES),
            organization_ids=(self.random.choice([ROOT_ID, *(one.id for one in self.pbx.organizations.all())]),),
        )
        self.touched.add((ObjectKind.EXTENSION, id_))
        return f"adds extension {number} ({id_}, {address})"

    def delete_extension(self) -> str:
        """Delete an extension."""
        id_ = self._extension()
        extension = self.pbx.extensions.get(id_)
        if extension is None:
            return ""
        self.pbx.delete_by_hand(extension.number)
        self.touched.add((ObjectKind.EXTENSION, id_))
        return f"deletes extension {extension.number}"

    def change_extension(self) -> str:
        """Change a field of an extension, one that the synchronization keeps or one that it does not."""
        id_ = self._extension()
        extension = self.pbx.extensions.get(id_)
        if extension is None:
            return ""
        name, value = self.random.choice(
            (
                ("first_name", "Changed"),
                ("last_name", "Byhand"),
                ("email_addr", self.random.choice(("", *ADDRESSES))),
                ("mobile_number", "0999"),
                ("title", "Boss"),
                ("caller_id", "5555"),
                ("presence_status", "away"),
                ("concurrent_registrations", 3),
            )
        )
        if name == "email_addr" and self.pbx.extensions.emails.owner(str(value)):
            return ""
        self.pbx.change_by_hand(extension.number, **{name: value})
        self.touched.add((ObjectKind.EXTENSION, id_))
        return f"{name} of extension {extension.number} is {value!r}"

    def place_extension(self) -> str:
        """Put an extension into other organizations."""
        id_ = self._extension()
        extension = self.pbx.extensions.get(id_)
        if extension is None:
            return ""
        all_ids = [one.id for one in self.pbx.organizations.all()]
        chosen = tuple(self.random.sample(all_ids, min(len(all_ids), self.random.randint(1, 2))))
        self.pbx.change_by_hand(extension.number, organization_ids=chosen)
        self.touched.add((ObjectKind.EXTENSION, id_))
        return f"extension {extension.number} is in {chosen}"

    def add_to_organization(self) -> str:
        """Put an extension into one more organization, besides those that it is in."""
        id_, more = self._extension(), self._organization()
        extension = self.pbx.extensions.get(id_)
        if extension is None or not more or more in extension.organization_ids:
            return ""
        chosen = (*extension.organization_ids, more)
        self.pbx.change_by_hand(extension.number, organization_ids=chosen)
        self.touched.add((ObjectKind.EXTENSION, id_))
        return f"extension {extension.number} is in {chosen}"

    def take_number(self) -> str:
        """Let a queue have a number."""
        number = str(FIRST_NUMBER + self.random.randrange(8))
        if self.pbx.extensions.numbers.owner(number):
            return ""
        self.pbx.seed_number(number, "queue")
        return f"a queue has {number}"

    def refer(self) -> str:
        """Let another object refer to an extension, which then cannot be deleted; or nothing refer to any."""
        id_ = self._extension()
        extension = self.pbx.extensions.get(id_)
        if extension is None or self.pbx.referenced_extension_ids:
            self.pbx.referenced_extension_ids.clear()
            return "nothing refers to an extension"
        self.pbx.mark_referenced(extension.number)
        return f"something refers to extension {extension.number}"

    def talk(self) -> str:
        """Let an extension be in a call, or end the call that it is in."""
        id_ = self._extension()
        extension = self.pbx.extensions.get(id_)
        if self.call and (extension is None or self.random.random() < 0.7):
            call, self.call = self.call, ""
            with suppress(KeyError):
                self.pbx.end_call(call)
            return "a call ends"
        if extension is None or self.call:
            return ""
        self.call = self.pbx.start_call(extension.number)
        return f"extension {extension.number} is in a call"

    # --- organizations and extension groups

    def add_organization(self) -> str:
        """Add an organization."""
        name = self.random.choice(UNIT_NAMES[:-1])
        parent = self.random.choice([one.id for one in self.pbx.organizations.all()])
        if self.pbx.organizations.sibling_named(name, parent):
            return ""
        id_ = self.pbx.seed_organization(name, parent)
        self.touched.add((ObjectKind.ORGANIZATION, id_))
        return f"adds organization {name} ({id_})"

    def change_organization(self) -> str:
        """Rename or move an organization."""
        id_ = self._organization()
        if not id_:
            return ""
        tree = self.pbx.organizations
        present = tree.get(id_)
        assert present is not None
        name = self.random.choice((present.name, *UNIT_NAMES[:-1]))
        parents = [one.id for one in tree.all() if one.id not in tree.subtree(id_)]
        parent = self.random.choice((present.parent_id, *parents))
        if tree.sibling_named(name, parent, other_than=id_):
            return ""
        tree.rename(id_, name)
        tree.move(id_, parent)
        self.touched.add((ObjectKind.ORGANIZATION, id_))
        return f"organization {id_} is {name} below {parent}"

    def delete_organization(self) -> str:
        """Delete an organization that has none below it."""
        id_ = self._organization()
        if not id_ or self.pbx.organizations.children(id_):
            return ""
        self.pbx.organizations.remove(id_)
        for extension in self.pbx.extensions.all():
            if id_ in extension.organization_ids:
                self.touched.add((ObjectKind.EXTENSION, extension.id))
        self.pbx.extensions.move_organizations({id_}, ROOT_ID)
        self.touched.add((ObjectKind.ORGANIZATION, id_))
        return f"deletes organization {id_}"

    def add_group(self) -> str:
        """Add an extension group."""
        name = self.random.choice(GROUP_NAMES)
        if self.pbx.groups.named(name):
            return ""
        id_ = self.pbx.seed_group(name, self._members(), {"mgr_enb_monitor": self.random.randint(0, 1)})
        self.touched.add((ObjectKind.EXTENSION_GROUP, id_))
        return f"adds group {name} ({id_})"

    def _members(self) -> dict[int, str]:
        found = [one.id for one in self.pbx.extensions.all()]
        chosen = self.random.sample(found, min(len(found), self.random.randint(0, 4)))
        return {id_: self.random.choice(("user", "manager")) for id_ in chosen}

    def change_group(self) -> str:
        """Rename a group, or give it other members or rights."""
        group = self._group()
        if group is None:
            return ""
        name = self.random.choice((group.name, *GROUP_NAMES))
        other = self.pbx.groups.named(name)
        if other is not None and other.id != group.id:
            return ""
        members = self._members() if self.random.random() < 0.6 else group.members
        flags = {**group.flags, "user_enb_monitor": self.random.randint(0, 1)}
        self.pbx.groups.put(replace(group, name=name, members=members, flags=flags, member_select=SPECIFIC))
        self.touched.add((ObjectKind.EXTENSION_GROUP, group.id))
        return f"group {group.id} is {name} with {sorted(members)}"

    def delete_group(self) -> str:
        """Delete a group."""
        group = self._group()
        if group is None:
            return ""
        self.pbx.groups.remove(group.id)
        self.touched.add((ObjectKind.EXTENSION_GROUP, group.id))
        return f"deletes group {group.name} ({group.id})"

    _ACTIONS: ClassVar[tuple[Callable[[PbxAdministrator], str], ...]] = (
        add_extension,
        add_extension,
        delete_extension,
        change_extension,
        change_extension,
        change_extension,
        place_extension,
        place_extension,
        add_to_organization,
        add_to_organization,
        take_number,
        refer,
        talk,
        add_organization,
        add_organization,
        change_organization,
        delete_organization,
        add_group,
        change_group,
        change_group,
        delete_group,
    )
