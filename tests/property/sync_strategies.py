# SPDX-License-Identifier: GPL-3.0-or-later
"""Random directories, PBXs, ledgers and rules, small enough to collide in every way."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import EMAIL, FIELD_NAMES
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    Origin,
    Parked,
    RetiredNumber,
    Welcome,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    AccountStatus,
    DeletionProof,
    DriftPolicy,
    NumberFrom,
    OutOfScope,
    Scope,
    UserRule,
)
from hypothesis import strategies as st

from tests.property.sync_world import Setting
from tests.unit.sync_builders import DAY, NOW, directory, extension, guid, pbx, user

NAMES = ("ada", "ben", "cid", "dot", "eve", "fay", "gus", "hal")
ADDRESSES = ("a@x.test", "b@x.test", "c@x.test", "d@x.test", "e@x.test")
NUMBERS = tuple(str(number) for number in range(1000, 1009))
WANTED_ADDRESSES = (*ADDRESSES, *ADDRESSES, "A@X.test", "", "not an address")
IP_PHONES = (*NUMBERS, "", "ext 7", "123456789")

_expiry: st.SearchStrategy[datetime | None] = st.sampled_from([None, None, None, NOW - DAY, NOW, NOW + DAY])
_parkings: st.SearchStrategy[Parked | None] = st.sampled_from(
    [None, None, None, *(Parked(NOW - days * DAY, f"phone-{days}", "away") for days in (0, 2, 3, 9))]
)


@st.composite
def rules(draw: st.DrawFn) -> UserRule:
    """Any rule whose scope the planner tells apart: users, or another."""
    start = draw(st.integers(1000, 1004))
    return UserRule(
        scope=draw(st.sampled_from([Scope.ALL, Scope.ALL, Scope.USERS])),
        number_from=draw(st.sampled_from(NumberFrom)),
        number_start=start,
        number_end=draw(st.integers(start, 1012)),
        number_rest_days=draw(st.integers(1, 30)),
        park_days=draw(st.sampled_from([0, 0, 3])),
        delete_when=draw(st.frozensets(st.sampled_from(AccountStatus))),
        deletion_proof=draw(st.sampled_from(DeletionProof)),
        out_of_scope=draw(st.sampled_from(OutOfScope)),
        associate_by_email=draw(st.booleans()),
        send_welcome_email=draw(st.booleans()),
        drift=draw(st.sampled_from(DriftPolicy)),
        drift_fields=draw(st.dictionaries(st.sampled_from(FIELD_NAMES), st.sampled_from(DriftPolicy), max_size=2)),
    )


@st.composite
def people(draw: st.DrawFn, name: str) -> DirectoryUser:
    """Any user of that name."""
    return user(
        name,
        draw(st.sampled_from(WANTED_ADDRESSES)),
        first=draw(st.sampled_from([name, name, "", "x" * 64])),
        last=draw(st.sampled_from(["", "Lee"])),
        mobile=draw(st.sampled_from(["", "+49 151 1", "call me: 7"])),
        disabled=draw(st.sampled_from([False, False, False, True])),
        expires=draw(_expiry),
        ipPhone=draw(st.sampled_from(IP_PHONES)),
    )


@st.composite
def extension_lists(draw: st.DrawFn) -> list[Extension]:
    """Up to eight extensions, each number and each address once."""
    numbers = draw(st.lists(st.sampled_from(NUMBERS), unique=True, max_size=8))
    addresses = draw(st.permutations([*ADDRESSES, "", "", ""]))
    return [
        extension(
            place,
            number,
            first_name=draw(st.sampled_from(["", "Old"])),
            email_addr=draw(st.sampled_from([address, address, address.upper()])),
        )
        for place, (number, address) in enumerate(zip(numbers, addresses, strict=False), start=1)
    ]


@st.composite
def association_lists(draw: st.DrawFn, extensions: list[Extension]) -> list[Association]:
    """Associations of some users, each with an extension of its own that may be parked, or gone from the PBX."""
    owners = draw(st.lists(st.sampled_from(NAMES), unique=True))
    free = draw(st.permutations(extensions))
    found: list[Association] = []
    numbers: set[str] = set()
    for place, name in enumerate(owners):
        if place < len(free) and draw(st.integers(0, 6)) > 0:
            held = free[place]
        else:
            held = extension(500 + place, draw(st.sampled_from(NUMBERS)))
        remembered = draw(st.sampled_from([held.number] * 9 + [f"99{place}"]))
        if held.number in numbers:
            continue
        numbers.update([held.number, remembered])
        as_written = dict(held.fields)
        for field_name in draw(st.lists(st.sampled_from(["first_name", EMAIL, "mobile_number"]), max_size=1)):
            as_written[field_name] = draw(st.sampled_from(["", "else", "z@x.test"]))
        found.append(
            Association(
                guid=guid(name),
                extension_id=held.id,
                number=remembered,
                dn=f"CN={name},OU=Former,DC=example,DC=test",
                account_name=name,
                origin=draw(st.sampled_from(Origin)),
                written=as_written,
                welcome=draw(st.sampled_from(Welcome)),
                parked=draw(_parkings),
            )
        )
    return found


@st.composite
def settings_of_a_run(draw: st.DrawFn) -> Setting:
    """Anything that a run may start from."""
    rule = draw(rules())
    extensions = draw(extension_lists())
    associations = draw(association_lists(extensions))
    associated = {held.account_name for held in associations}
    inside: list[DirectoryUser] = []
    outside: list[DirectoryUser] = []
    deleted: list[DirectoryUser] = []
    missing: list[DirectoryUser] = []
    for name in NAMES:
        person = draw(people(name))
        place = draw(st.sampled_from(["inside", "inside", "inside", "outside", "deleted", "missing"]))
        if place == "inside":
            inside.append(person)
        elif name in associated:
            {"outside": outside, "deleted": deleted, "missing": missing}[place].append(person)
    bindings = {}
    if rule.scope is Scope.USERS:
        bindings = {person.account_name: draw(st.sampled_from(NUMBERS)) for person in inside}
        for held in associations:
            if held.account_name in bindings and draw(st.booleans()):
                bindings[held.account_name] = held.number
    return Setting(
        rule=rule,
        directory=directory(
            *inside,
            outside=outside,
            deleted=[person.account_name for person in deleted],
            missing=[person.account_name for person in missing],
            bindings=bindings,
        ),
        pbx=pbx(*extensions, room=draw(st.integers(-1, 6))),
        associations=tuple(associations),
        retired=tuple(draw(st.lists(_retired_numbers(), unique_by=lambda one: one.number, max_size=4))),
    )


@st.composite
def exchanges(draw: st.DrawFn) -> Setting:
    """Users in good standing whose extensions exist and who hand each other's addresses round."""
    names = NAMES[: draw(st.integers(2, 5))]
    held = [f"{name}@x.test" for name in names]
    wanted = draw(st.permutations(held))
    bound = draw(st.booleans())
    extensions = [
        extension(place, NUMBERS[place], first_name=name, email_addr=f"{name}@x.test")
        for place, name in enumerate(names, start=1)
    ]
    inside = [
        replace(user(name, address), disabled=draw(st.integers(0, 5)) == 0)
        for name, address in zip(names, wanted, strict=True)
    ]
    new_places = draw(st.permutations(extensions)) if bound else extensions
    owners = [
        Association(guid(name), held_.id, held_.number, "", name, Origin.BOUND, dict(held_.fields))
        for name, held_ in zip(names, extensions, strict=True)
        if not bound or draw(st.booleans())
    ]
    rule = UserRule(
        scope=Scope.USERS if bound else Scope.ALL,
        delete_when=draw(st.sampled_from([frozenset(), frozenset({AccountStatus.DISABLED})])),
    )
    bindings = {name: held_.number for name, held_ in zip(names, new_places, strict=True)} if bound else {}
    return Setting(rule, directory(*inside, bindings=bindings), pbx(*extensions), tuple(owners), ())


@st.composite
def _retired_numbers(draw: st.DrawFn) -> RetiredNumber:
    owner = draw(st.sampled_from(["", *(guid(name) for name in NAMES)]))
    return RetiredNumber(draw(st.sampled_from(NUMBERS)), owner, NOW - draw(st.integers(0, 31)) * DAY)


def anything() -> st.SearchStrategy[Setting]:
    """Settings of both kinds."""
    return st.one_of(settings_of_a_run(), settings_of_a_run(), exchanges())
