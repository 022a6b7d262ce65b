# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory's population, made from a size and a seed: the same ones give the same population.

`size` counts the people that `(&(objectCategory=person)(objectClass=user))` finds, without what
every domain has (Administrator, Guest, krbtgt) and the lab's own service accounts. Organizational
units, groups, computers, service accounts and contacts come on top.

The special members are found by name in `Population.specials`; lab/README.md lists them.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ldap3.utils.dn import escape_rdn

from . import dirt, ldif

SMALLEST_SIZE = 200
GROUP_SIZES = (1_499, 1_500, 1_501, 5_001)

# userAccountControl (MS-ADTS 2.2.16)
NORMAL = 0x200
DISABLED = NORMAL | 0x2
WORKSTATION = 0x1000

# accountExpires: 100-nanosecond ticks since 1601-01-01 UTC; both of these mean never.
NEVER_ZERO = 0
NEVER_MAXIMUM = 0x7FFFFFFFFFFFFFFF
EXPIRED = 132_223_104_000_000_000  # 2020-01-01
FAR_FUTURE = 157_469_184_000_000_000  # 2100-01-01

# groupType (MS-ADTS 2.2.12), signed 32-bit as LDAP takes it
_SECURITY = -0x80000000
GLOBAL_SECURITY = _SECURITY + 0x2
DOMAIN_LOCAL_SECURITY = _SECURITY + 0x4
UNIVERSAL_SECURITY = _SECURITY + 0x8
GLOBAL_DISTRIBUTION = 0x2

USER = "user"
INET_ORG_PERSON = "inetOrgPerson"
COMPUTER = "computer"
CONTACT = "contact"
GROUP = "group"
ORGANIZATIONAL_UNIT = "organizationalUnit"
MANAGED_SERVICE_ACCOUNT = "msDS-ManagedServiceAccount"
GROUP_MANAGED_SERVICE_ACCOUNT = "msDS-GroupManagedServiceAccount"


@dataclass(frozen=True)
class Entry:
    """One directory entry: its DN, its most specific object class, its other attributes."""

    dn: str
    object_class: str
    attributes: Mapping[str, str]

    @property
    def is_person(self) -> bool:
        """Whether a search for people (objectCategory=person, objectClass=user) finds it."""
        return self.object_class in (USER, INET_ORG_PERSON)


@dataclass(frozen=True)
class Population:
    """All entries in an order in which they can be added, and who belongs to which group.

    `memberships`: group DN to member DNs (`member`). `primary_groups`: user DN to the DN of the
    group that is its primary one. `specials`: name to DNs.
    """

    size: int
    seed: int
    base_dn: str
    entries: tuple[Entry, ...]
    memberships: Mapping[str, tuple[str, ...]]
    primary_groups: Mapping[str, str]
    specials: Mapping[str, tuple[str, ...]]

    def of_class(self, *object_classes: str) -> tuple[Entry, ...]:
        """The entries whose most specific object class is one of these."""
        return tuple(entry for entry in self.entries if entry.object_class in object_classes)

    @property
    def people(self) -> tuple[Entry, ...]:
        """The users and inetOrgPersons: `size` of them."""
        return tuple(entry for entry in self.entries if entry.is_person)

    def special(self, name: str) -> str:
        """The DN (the first one) of the special members of that name. Raises KeyError."""
        return self.specials[name][0]

    def entry(self, dn: str) -> Entry:
        """The entry with exactly that DN. Raises KeyError."""
        for entry in self.entries:
            if entry.dn == dn:
                return entry
        raise KeyError(dn)

    def additions_ldif(self) -> str:
        """LDIF that adds every entry, still without memberships."""
        return "".join(
            ldif.addition(
                entry.dn,
                {
                    "objectClass": [entry.object_class],
                    **{name: [value] for name, value in entry.attributes.items()},
                },
            )
            for entry in self.entries
        )

    def memberships_ldif(self) -> str:
        """LDIF that puts the members into the groups, which must exist by then."""
        return "".join(
            ldif.value_addition(group, "member", members) for group, members in self.memberships.items() if members
        )


def generate(size: int, seed: int, *, base_dn: str = "DC=lab,DC=test") -> Population:
    """Make a population of `size` people (at least 200). Raises ValueError for fewer."""
    if size < SMALLEST_SIZE:
        raise ValueError(f"size: {size} people cannot hold every special one; take 200 or more")
    draft = _Draft(size=size, random=random.Random(seed), base_dn=base_dn)
    _add_organizational_units(draft)
    _add_people_with_special_names(draft)
    _add_people_with_special_mail(draft)
    _add_people_with_special_accounts(draft)
    _add_people_with_special_numbers(draft)
    _add_people_in_special_places(draft)
    _add_machines_and_contacts(draft)
    while draft.people_count < size:
        _add_ordinary_person(draft)
    _add_department_groups(draft)
    _add_nested_groups(draft)
    _add_special_groups(draft)
    _add_sized_groups(draft)
    return Population(
        size=size,
        seed=seed,
        base_dn=base_dn,
        entries=tuple(draft.entries),
        memberships={group: tuple(members) for group, members in draft.memberships.items()},
        primary_groups=dict(draft.primary_groups),
        specials={name: tuple(dns) for name, dns in draft.specials.items()},
    )


@dataclass
class _Draft:
    """A population in the making."""

    size: int
    random: random.Random
    base_dn: str
    entries: list[Entry] = field(default_factory=list)
    memberships: dict[str, list[str]] = field(default_factory=dict)
    primary_groups: dict[str, str] = field(default_factory=dict)
    specials: dict[str, list[str]] = field(default_factory=dict)
    organizational_units: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    used_numbers: list[str] = field(default_factory=list)
    used_names: set[str] = field(default_factory=set)

    @property
    def people_count(self) -> int:
        return len(self.people)

    @property
    def users_dn(self) -> str:
        return f"CN=Users,{self.base_dn}"

    def add(self, dn: str, object_class: str, attributes: Mapping[str, str | None]) -> str:
        given = {name: value for name, value in attributes.items() if value is not None}
        self.entries.append(Entry(dn, object_class, given))
        self.used_names.add(dn.casefold())
        return dn

    def mark(self, special: str, *dns: str) -> None:
        self.specials.setdefault(special, []).extend(dns)

    def next_number(self) -> str:
        first = 2_000 if self.size <= 3_500 else 20_000
        self.used_numbers.append(str(first + len(self.used_numbers)))
        return self.used_numbers[-1]

    def next_account_name(self, name: str) -> str:
        """A unique sAMAccountName of at most 20 characters."""
        folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
        letters = "".join(letter for letter in folded if letter.isalnum()) or "user"
        return f"{letters[:12]}.{self.people_count + 1}"


def _add_organizational_units(draft: _Draft) -> None:
    for parent_index, name in dirt.ORGANIZATIONAL_UNITS:
        parent = draft.base_dn
        if parent_index is not None:
            parent = draft.organizational_units[parent_index]
        draft.organizational_units.append(_add_unit(draft, name, parent))
    draft.mark("ou_six_deep", draft.organizational_units[5])
    draft.mark("ou_chain", *draft.organizational_units[:6])
    draft.mark("ou_same_name", draft.organizational_units[8], draft.organizational_units[10])
    draft.mark("ou_longest_name", draft.organizational_units[14])
    for branch in range(draft.size // 200):
        parent = draft.organizational_units[6 + branch % 8]
        draft.organizational_units.append(_add_unit(draft, f"Filiale {branch + 1}", parent))
    draft.mark("ou_empty", _add_unit(draft, "Leer", draft.base_dn))
    draft.mark("ou_computers_only", _add_unit(draft, "Workstations", draft.base_dn))
    draft.mark("ou_groups", _add_unit(draft, "Gruppen & Verteiler", draft.base_dn))


def _add_unit(draft: _Draft, name: str, parent: str) -> str:
    return draft.add(f"OU={escape_rdn(name)},{parent}", ORGANIZATIONAL_UNIT, {})


def _add_person(
    draft: _Draft,
    name: str,
    *,
    parent: str | None = None,
    object_class: str | None = None,
    **attributes: str | None,
) -> str:
    """Add a person (a user by default) with everything usual.

    `attributes` replace what is usual, None leaves one out. An `ipPhone` or `telephoneNumber` that
    is not given gets the person's own next number.
    """
    account = draft.next_account_name(name)
    number = None
    if "ipPhone" not in attributes or "telephoneNumber" not in attributes:
        number = draft.next_number()
    usual = {
        "sAMAccountName": account,
        "userPrincipalName": f"{account}@lab.test",
        "userAccountControl": str(NORMAL),
        "givenName": name.partition(" ")[0],
        "sn": name.rpartition(" ")[2],
        "displayName": name,
        "mail": f"{account}@lab.test",
        "telephoneNumber": f"+49 30 901820 {number}",
        "ipPhone": number,
        "mobile": f"+49 170 {draft.random.randrange(10**6, 10**7)}",
        "department": draft.random.choice(dirt.DEPARTMENTS),
        "title": draft.random.choice(dirt.TITLES),
        "company": "Lab GmbH & Co. KG",
    }
    parent = parent or draft.random.choice(draft.organizational_units)
    dn = draft.add(_free_dn(draft, name, parent), object_class or USER, {**usual, **attributes})
    draft.people.append(dn)
    return dn


def _free_dn(draft: _Draft, name: str, parent: str) -> str:
    """The DN for that name, a count appended where the name is taken already."""
    dn, count = f"CN={escape_rdn(name)},{parent}", 1
    while dn.casefold() in draft.used_names:
        count += 1
        dn = f"CN={escape_rdn(f'{name} {count}')},{parent}"
    return dn


def _add_people_with_special_names(draft: _Draft) -> None:
    for special, name, given_name, surname, display_name in dirt.SPECIAL_NAMES:
        dn = _add_person(draft, name, givenName=given_name, sn=surname, displayName=display_name)
        draft.mark(f"name_{special}", dn)
    twins = [_add_person(draft, "Thomas Müller", parent=ou) for ou in draft.organizational_units[:2]]
    draft.mark("name_same", *twins)


def _add_people_with_special_mail(draft: _Draft) -> None:
    for index in range(3):
        draft.mark("mail_missing", _add_person(draft, f"Ohne Mail{index}", mail=None))
    for mail in ("shared@lab.test", "shared@lab.test"):
        draft.mark("mail_duplicate", _add_person(draft, "Geteilte Adresse", mail=mail))
    for mail in ("case@lab.test", "CASE@lab.test"):
        draft.mark("mail_duplicate_by_case", _add_person(draft, "Groß Klein", mail=mail))
    upper = _add_person(draft, "Laut Schreier", mail="LAUT.SCHREIER@LAB.TEST")
    draft.mark("mail_upper_case", upper)
    for mail in dirt.MALFORMED_MAILS:
        draft.mark("mail_malformed", _add_person(draft, "Kaputte Adresse", mail=mail))
    long_mail = f"{'lang.' * 12}adresse@very-long-subdomain.lab.test"
    draft.mark("mail_over_63_characters", _add_person(draft, "Lange Adresse", mail=long_mail))


def _add_people_with_special_accounts(draft: _Draft) -> None:
    accounts: dict[str, dict[str, str | None]] = {
        "disabled": {"userAccountControl": str(DISABLED)},
        "expired": {"accountExpires": str(EXPIRED)},
        "disabled_and_expired": {
            "userAccountControl": str(DISABLED),
            "accountExpires": str(EXPIRED),
        },
        "expires_zero": {"accountExpires": str(NEVER_ZERO)},
        "expires_never": {"accountExpires": str(NEVER_MAXIMUM)},
        "expires_in_future": {"accountExpires": str(FAR_FUTURE)},
        "no_principal_name": {"userPrincipalName": None},
        "foreign_principal_name": {"userPrincipalName": "person@other.test"},
    }
    for special, attributes in accounts.items():
        draft.mark(special, _add_person(draft, f"Konto {special}", **attributes))
    for name in ("HealthMailbox0659e34", "SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}"):
        mailbox = _add_person(
            draft,
            name,
            parent=draft.users_dn,
            userAccountControl=str(DISABLED),
            ipPhone=None,
            telephoneNumber=None,
        )
        draft.mark("mail_system_account", mailbox)


def _add_people_with_special_numbers(draft: _Draft) -> None:
    draft.mark("ip_phone_valid", _add_person(draft, "Gute Nummer"))
    draft.mark("ip_phone_missing", _add_person(draft, "Ohne Nummer", ipPhone=None))
    shared = draft.next_number()
    for index in range(3):
        # The third of them is disabled: whether it still holds the number is the reader's choice.
        dn = _add_person(
            draft,
            f"Doppelte Nummer{index}",
            ipPhone=shared,
            userAccountControl=str(DISABLED if index == 2 else NORMAL),
        )
        draft.mark("ip_phone_duplicate", dn)
    for value in dirt.MALFORMED_IP_PHONES:
        draft.mark("ip_phone_malformed", _add_person(draft, "Schlechte Nummer", ipPhone=value))
    for value in dirt.DOUBTFUL_IP_PHONES:
        draft.mark("ip_phone_doubtful", _add_person(draft, "Fragliche Nummer", ipPhone=value))
    for special, spelling in dirt.TELEPHONE_SPELLINGS:
        number = draft.next_number()
        dn = _add_person(
            draft,
            f"Telefon {special}",
            telephoneNumber=spelling.format(n=number),
            ipPhone=number,
        )
        draft.mark(f"telephone_{special}", dn)
    missing = _add_person(draft, "Ohne Telefon", telephoneNumber=None, ipPhone=None)
    draft.mark("telephone_missing", missing)


def _add_people_in_special_places(draft: _Draft) -> None:
    for index in range(3):
        dn = _add_person(draft, f"Im Container{index}", parent=draft.users_dn)
        draft.mark("in_users_container", dn)
    six_deep = draft.specials["ou_six_deep"][0]
    for index in range(2):
        dn = _add_person(draft, f"Ganz, Unten + {index}", parent=six_deep)
        draft.mark("in_ou_six_deep", dn)
        draft.mark(
            "inet_org_person",
            _add_person(draft, f"Inet Person{index}", object_class=INET_ORG_PERSON),
        )


def _add_machines_and_contacts(draft: _Draft) -> None:
    computer_parents = (f"CN=Computers,{draft.base_dn}", draft.specials["ou_computers_only"][0])
    for index in range(max(6, draft.size // 10)):
        name = f"PC{index + 1:05d}"
        dn = draft.add(
            f"CN={name},{computer_parents[index % 2]}",
            COMPUTER,
            {
                "sAMAccountName": f"{name}$",
                "userAccountControl": str(WORKSTATION),
                "displayName": name,
                "telephoneNumber": "+49 30 901820 0",
            },
        )
        draft.mark("computer", dn)
    for object_class, name in (
        (GROUP_MANAGED_SERVICE_ACCOUNT, "gmsa-sql"),
        (MANAGED_SERVICE_ACCOUNT, "msa-backup"),
    ):
        interval = "30" if object_class == GROUP_MANAGED_SERVICE_ACCOUNT else None
        dn = draft.add(
            f"CN={name},CN=Managed Service Accounts,{draft.base_dn}",
            object_class,
            {
                "sAMAccountName": f"{name}$",
                "userAccountControl": str(WORKSTATION),
                "msDS-ManagedPasswordInterval": interval,
            },
        )
        draft.mark("managed_service_account", dn)
    for index in range(max(4, draft.size // 25)):
        name = f"Kontakt, Extern {index}"
        dn = draft.add(
            _free_dn(draft, name, draft.random.choice(draft.organizational_units)),
            CONTACT,
            {
                "givenName": "Extern",
                "sn": f"Kontakt {index}",
                "displayName": name,
                "mail": f"contact{index}@partner.test",
                "telephoneNumber": f"+44 20 7946 {index:04d}",
                "ipPhone": str(9_000_000 + index),
            },
        )
        draft.mark("contact", dn)


def _add_ordinary_person(draft: _Draft) -> None:
    """A person as most are: now and then something is missing, doubled or misspelled."""
    given_name = draft.random.choice(dirt.GIVEN_NAMES)
    surname = draft.random.choice(dirt.SURNAMES)
    _special, spelling = draft.random.choice(dirt.TELEPHONE_SPELLINGS)
    number = draft.next_number()
    attributes: dict[str, str | None] = {
        "givenName": given_name,
        "sn": surname,
        "telephoneNumber": spelling.format(n=number),
        "ipPhone": number,
        "accountExpires": str(draft.random.choice((NEVER_ZERO, NEVER_MAXIMUM, NEVER_MAXIMUM))),
    }
    mishap = draft.random.randrange(100)
    if mishap < 8:
        attributes["ipPhone"] = None
    elif mishap < 10:
        attributes["ipPhone"] = draft.random.choice(dirt.MALFORMED_IP_PHONES)
    elif mishap < 11:
        attributes["ipPhone"] = draft.random.choice(draft.used_numbers)
    elif mishap < 15:
        attributes["mail"] = None
    elif mishap < 19:
        attributes["userAccountControl"] = str(DISABLED)
    elif mishap < 21:
        attributes["accountExpires"] = str(EXPIRED)
    elif mishap < 23:
        attributes["accountExpires"] = str(FAR_FUTURE)
    _add_person(draft, f"{given_name} {surname}", **attributes)


def _add_group(
    draft: _Draft,
    name: str,
    members: Sequence[str] = (),
    *,
    parent: str | None = None,
    group_type: int = GLOBAL_SECURITY,
) -> str:
    account = f"group-{len(draft.memberships) + 1}"
    parent = parent or draft.specials["ou_groups"][0]
    attributes = {"sAMAccountName": account, "groupType": str(group_type)}
    dn = draft.add(_free_dn(draft, name, parent), GROUP, attributes)
    draft.memberships[dn] = list(members)
    return dn


def _add_department_groups(draft: _Draft) -> None:
    by_department: dict[str, list[str]] = {name: [] for name in dirt.DEPARTMENTS}
    for entry in draft.entries:
        if entry.is_person and draft.random.random() < 0.7:
            by_department[entry.attributes["department"]].append(entry.dn)
    for department, members in by_department.items():
        draft.mark("department_group", _add_group(draft, f"Abteilung {department}", members))


def _add_nested_groups(draft: _Draft) -> None:
    people = draft.random.sample(draft.people, 10)
    cycle = [_add_group(draft, f"Kreis {index + 1}", people[index * 2 : index * 2 + 2]) for index in range(3)]
    for index, group in enumerate(cycle):
        draft.memberships[group].append(cycle[(index + 1) % len(cycle)])
    draft.mark("nested_cycle_group", *cycle)
    draft.mark("nested_cycle_member", *people[:6])
    inner: list[str] = []
    for index in range(4):
        inner = [_add_group(draft, f"Kette {index + 1}", [people[6 + index], *inner])]
        draft.mark("nested_chain_group", *inner)
    draft.specials["nested_chain_group"].reverse()
    draft.mark("nested_chain_member", *people[6:])
    diamond_sides = [_add_group(draft, f"Raute {side}", [people[0], people[9]]) for side in ("links", "rechts")]
    draft.mark("nested_diamond_group", _add_group(draft, "Raute", diamond_sides))
    draft.mark("nested_diamond_member", people[0], people[9])


def _add_special_groups(draft: _Draft) -> None:
    few = draft.random.sample(draft.people, 4)
    dirty = _add_group(draft, 'Vertrieb, "EMEA" + 東京 🚀 \\ #1 (*)', few)
    draft.mark("group_dirty_name", dirty)
    draft.mark("group_dirty_name_member", *few)
    draft.mark("group_empty", _add_group(draft, "Leere Gruppe"))
    in_container = _add_group(draft, "Gruppe im Container", few, parent=draft.users_dn)
    draft.mark("group_in_users_container", in_container)
    for special, group_type in (
        ("distribution", GLOBAL_DISTRIBUTION),
        ("universal", UNIVERSAL_SECURITY),
        ("domain_local", DOMAIN_LOCAL_SECURITY),
    ):
        group = _add_group(draft, f"Gruppe {special}", few, group_type=group_type)
        draft.mark(f"group_{special}", group)
    mixed = [
        *(draft.specials["computer"][:2] + draft.specials["managed_service_account"][:1]),
        *(draft.specials["contact"][:2] + draft.specials["disabled"]),
        *(draft.specials["in_users_container"][:1] + draft.specials["inet_org_person"][:1]),
    ]
    draft.mark("group_mixed", _add_group(draft, "Alles gemischt", mixed))
    # A primary group must have its people as members before it can become their primary one;
    # the directory then takes them out of `member`.
    primary_only = draft.random.sample(draft.people, 3)
    primary = _add_group(draft, "Empfang (primär)", primary_only)
    draft.primary_groups.update(dict.fromkeys(primary_only, primary))
    draft.mark("group_primary_only", primary)
    draft.mark("group_primary_only_member", *primary_only)


def _add_sized_groups(draft: _Draft) -> None:
    for size in GROUP_SIZES:
        if size <= len(draft.people):
            group = _add_group(draft, f"Genau {size}", draft.people[:size])
            draft.mark(f"group_of_{size}", group)
