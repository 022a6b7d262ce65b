# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever bytes a directory server answers with: a DirectoryError, or what the directory holds, and no part of it.

Three things no reader of this protocol can see, and so they are not tried alone: a value that is another one of the
same form, an attribute that is not there although it exists, and one that comes twice under one name (the library keeps
the last). TLS is what keeps others from making them.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad import objects
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.connection import LIBRARY_FAULTS
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.decoder import EntryDecoder, frame
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import DirectoryError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.reader import DirectoryReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.search import Entry, Search, read_all
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import GroupQuery, UnitQuery, UserQuery
from hypothesis import assume, given
from hypothesis import strategies as st
from ldap3.operation.search import search_result_entry_response_to_dict_fast
from ldap3.utils.asn1 import decode_message_fast

from tests.property.fuzzing import fuzzed
from tests.property.ldap_server import (
    INTEGER,
    OCTETS,
    SEARCH_DONE,
    SEARCH_ENTRY,
    SEARCH_REFERENCE,
    SEQUENCE,
    SET,
    Element,
    Server,
)
from tests.property.ldap_server import entry as entry_message

DOMAIN = "DC=example,DC=com"
WANTED = ("givenName", "mail")
_SID = struct.pack("<BB6sIIIII", 1, 5, b"\0\0\0\0\0\5", 21, 1, 2, 3, 513)


def _guid(number: int) -> bytes:
    return uuid.UUID(int=number).bytes_le


def _user(number: int) -> tuple[bytes, dict[str, list[bytes]]]:
    return f"CN=Person {number},OU=Staff,{DOMAIN}".encode(), {
        "objectGUID": [_guid(number)],
        "sAMAccountName": [b"person%d" % number],
        "userAccountControl": [b"512"],
        "accountExpires": [b"9223372036854775807"],
        "primaryGroupID": [b"513"],
        "givenName": [f"Zoë {number}".encode()],
        "mail": [b"person%d@example.com" % number],
        "objectCategory": [b"CN=Person,CN=Schema,CN=Configuration,DC=example,DC=com"],
        "objectClass": [b"top", b"user"],
        "objectSid": [_SID],
        "name": [b"Person %d" % number],
        "member": [b"CN=Person %d,OU=Staff,DC=example,DC=com" % other for other in range(7)],
    }


PEOPLE = dict(_user(number) for number in range(1, 9))
ROOT: dict[bytes, dict[str, list[bytes]]] = {
    b"": {
        "defaultNamingContext": [DOMAIN.encode()],
        "dnsHostName": [b"dc1.example.com"],
        "currentTime": [b"20261231235959.0Z"],
    },
    DOMAIN.encode(): {"objectGUID": [_guid(99)]},
}
NAMES = sorted(dn.decode() for dn in PEOPLE)


def _plain(messages: list[Element], _number: int) -> bytes:
    return b"".join(message.encode() for message in messages)


def _reader(server: Server) -> DirectoryReader:
    return DirectoryReader(server.connection(), f"OU=Staff,{DOMAIN}", WANTED)


def _server(alter: Callable[[list[Element], int], bytes] = _plain, *, everything: bool = False) -> Server:
    held: Mapping[bytes, Any] = {**ROOT, **PEOPLE, f"OU=Staff,{DOMAIN}".encode(): {"objectGUID": [_guid(98)]}}
    return Server(held if everything else PEOPLE, alter, page_limit=3, range_limit=3)


READS: dict[str, Callable[[DirectoryReader], object]] = {
    "identify": lambda reader: reader.identify(),
    "users": lambda reader: reader.read_users(UserQuery(bases=(f"OU=Staff,{DOMAIN}",))),
    "groups": lambda reader: reader.read_groups(),
    "units": lambda reader: reader.read_units(UnitQuery(bases=(f"OU=Staff,{DOMAIN}",))),
    "found groups": lambda reader: reader.find_groups(GroupQuery(base=DOMAIN, types=frozenset())),
    "a user": lambda reader: reader.find_user(f"CN=Person 1,OU=Staff,{DOMAIN}"),
    "a unit": lambda reader: reader.find_organizational_unit(f"OU=Staff,{DOMAIN}"),
    "looked up": lambda reader: reader.look_up_users([str(uuid.UUID(int=number)) for number in range(1, 9)]),
}


def test_unaltered_answers_are_read_whole() -> None:
    search = Search(f"OU=Staff,{DOMAIN}", "(objectClass=*)", ("objectGUID", "member"))
    found = read_all(_server().connection(), search)

    assert sorted(entry.dn for entry in found) == NAMES
    assert all(len(entry.values["member"]) == 7 for entry in found)


# --- bytes on the wire ---


@dataclass(frozen=True)
class Damage:
    """One change of one element of one answer.

    :param answer: which answer, from 0.
    :param place: which of its elements, as a share of them.
    """

    kind: str
    answer: int
    place: float
    number: int


_KINDS = ("flip", "cut", "insert", "drop", "double", "swap", "retag", "empty", "grow", "length")
damages = st.builds(
    Damage,
    kind=st.sampled_from(_KINDS),
    answer=st.integers(0, 12),
    place=st.floats(0, 0.999),
    number=st.integers(0, 255),
)


def _altered(damage: Damage) -> Callable[[list[Element], int], bytes]:
    def alter(messages: list[Element], number: int) -> bytes:
        if number != damage.answer:
            return _plain(messages, number)
        if damage.kind in ("flip", "cut", "insert", "length"):
            return _damaged_bytes(damage, _plain(messages, number))
        whole = Element(0, inner=messages)
        _damage_element(damage, whole)
        return b"".join(message.encode() for message in whole.inner or ())

    return alter


def _damaged_bytes(damage: Damage, data: bytes) -> bytes:
    at = int(damage.place * len(data))
    match damage.kind:
        case "flip":
            return data[:at] + bytes([data[at] ^ (damage.number or 1)]) + data[at + 1 :]
        case "cut":
            return data[:at]
        case "length":
            return data[:1] + bytes([0x84, 0xFF, 0xFF, 0xFF, damage.number]) + data[6:]
    return data[:at] + bytes([damage.number]) * (damage.number or 1) + data[at:]


def _damage_element(damage: Damage, whole: Element) -> None:
    parents = [element for element in whole.walk() if element.inner]
    parent = parents[int(damage.place * len(parents))]
    inner = parent.inner or []
    at = damage.number % len(inner)
    match damage.kind:
        case "drop":
            del inner[at]
        case "double":
            inner.insert(at, inner[at])
        case "swap":
            other = (at + 1) % len(inner)
            inner[at], inner[other] = inner[other], inner[at]
        case "retag":
            tags = (SEQUENCE, SET, INTEGER, OCTETS, SEARCH_ENTRY, SEARCH_DONE, SEARCH_REFERENCE, damage.number)
            inner[at].tag = tags[damage.number % len(tags)]
        case "empty":
            inner[at].inner, inner[at].content = None, b""
        case "grow":
            inner[at].inner, inner[at].content = None, bytes([damage.number]) * 300


@fuzzed
@given(damage=damages, what=st.sampled_from(sorted(READS)))
def test_damaged_bytes_raise_nothing_but_our_own_errors(damage: Damage, what: str) -> None:
    try:
        READS[what](_reader(_server(_altered(damage), everything=True)))
    except DirectoryError:
        return


@fuzzed
@given(noise=st.binary(max_size=80), what=st.sampled_from(sorted(READS)), answer=st.integers(0, 3))
def test_noise_raises_nothing_but_our_own_errors(noise: bytes, what: str, answer: int) -> None:
    def alter(messages: list[Element], number: int) -> bytes:
        return noise if number == answer else _plain(messages, number)

    try:
        READS[what](_reader(_server(alter, everything=True)))
    except DirectoryError:
        return


# --- the own decoder and ldap3's ---


def _by_ldap3(message: bytes) -> tuple[int, dict[str, Any]] | None:
    """The message id and what the entry holds as ldap3 has it; None if it is none, or cannot be decoded."""
    try:
        decoded = decode_message_fast(message)
        if decoded["protocolOp"] != SEARCH_ENTRY & 0x1F or decoded["controls"]:
            return None
        found = search_result_entry_response_to_dict_fast(decoded["payload"], None, None, False)
    except LIBRARY_FAULTS:
        return None
    attributes = {name.lower(): values for name, values in found["raw_attributes"].items()}
    return decoded["messageID"], {"dn": found["dn"], "raw_dn": found["raw_dn"], "raw_attributes": attributes}


def _agree(message: bytes, decoder: EntryDecoder) -> bool:
    """Whether the own decoder has nothing to say of a message, or just what ldap3 says; and whether it said it."""
    own = decoder.decode(message, 0, len(message)) if frame(message, 0) == len(message) else None
    if own is None:
        return False
    number, found = own
    assert found.pop("type") == "searchResEntry"
    assert (number, found) == _by_ldap3(message)
    return True


descriptions = st.sampled_from(
    ["cn", "CN", "objectGUID", "member", "member;range=0-1499", "Member;Range=0-*", "cn;lang-de", "", " cn", "x" * 200]
) | st.text(max_size=8)


@fuzzed
@given(
    number=st.integers(0, 2**31 - 1),
    dn=st.text(max_size=40) | st.just("ä" * 90),
    attributes=st.dictionaries(descriptions, st.lists(st.binary(max_size=300), max_size=4), max_size=6),
    short=st.booleans(),
)
def test_every_well_formed_entry_is_decoded_as_ldap3_does(
    number: int, dn: str, attributes: dict[str, list[bytes]], short: bool
) -> None:
    message = entry_message(number, dn.encode(), attributes).encode(short=short)
    names = [name.strip().lower() for name in attributes]
    plain = len(set(names)) == len(names) and all(name == name.strip() for name in attributes)
    decoder = EntryDecoder()
    # A second time with what was learned from the first.
    assert [_agree(message, decoder), _agree(message, decoder)] == [plain, plain]


@fuzzed
@given(damage=damages, start=st.integers(1, 8), short=st.booleans())
def test_a_damaged_entry_is_decoded_as_ldap3_does_or_left_to_it(damage: Damage, start: int, short: bool) -> None:
    decoder = EntryDecoder()
    for number in range(1, 9):
        dn, held = _user(number)
        message = entry_message(number, dn, held)
        _agree(message.encode(short=short), decoder)
        if number < start:
            continue
        if damage.kind in ("flip", "cut", "insert", "length"):
            data = _damaged_bytes(damage, message.encode(short=short))
        else:
            _damage_element(damage, message)
            data = message.encode(short=short)
        _agree(data, decoder)


@fuzzed
@given(damage=damages, what=st.sampled_from(sorted(READS)))
def test_damaged_answers_are_read_as_with_ldap3s_decoder_alone(damage: Damage, what: str) -> None:
    """Whole reads, with all that is between the socket and the objects."""
    outcomes = []
    for own_decoder in (True, False):
        server = _server(_altered(damage), everything=True)
        reader = DirectoryReader(server.connection(own_decoder=own_decoder), f"OU=Staff,{DOMAIN}", WANTED)
        try:
            found = READS[what](reader)
        except DirectoryError as error:
            outcomes.append(type(error).__name__)
        else:
            # Entries that only ldap3 takes come after the others.
            outcomes.append(repr(sorted(found, key=repr) if isinstance(found, list) else found))
    assert outcomes[0] == outcomes[1]


# --- what is taken for complete is complete ---

_LAST_PAGE = 2


def _messages_of_entries(messages: list[Element]) -> list[Element]:
    return [message for message in messages if message.inner and message.inner[1].tag == SEARCH_ENTRY]


@fuzzed
@given(
    kind=st.sampled_from(["drop", "double", "other kind", "no control", "no cookie", "code", "other end"]),
    answer=st.integers(0, 30),
    at=st.integers(0, 2),
    code=st.integers(1, 90) | st.sampled_from([118, 4096, 2**31]),
)
def test_an_altered_answer_is_never_taken_for_a_complete_one(kind: str, answer: int, at: int, code: int) -> None:  # noqa: C901
    """Of one answer: entries left out, given twice or as something else; paging and result as a server may break
    them. Pages, and the second count in pages of another size, are what tells. They do not tell of an entry left out
    of a last page that is shorter than the others, as it may be: here that is the third of pages of three."""
    assume((kind, answer) != ("drop", _LAST_PAGE))

    def alter(messages: list[Element], number: int) -> bytes:
        if number != answer:
            return _plain(messages, number)
        entries = _messages_of_entries(messages)
        end = (messages[-1].inner or [])[1]
        victim = entries[at % len(entries)] if entries else None
        match kind:
            case "drop" if victim:
                messages.remove(victim)
            case "double" if victim:
                messages.insert(0, victim)
            case "other kind" if victim:
                (victim.inner or [])[1] = Element(SEARCH_REFERENCE, inner=[Element(OCTETS, b"ldap://other/")])
            case "no control":
                del (messages[-1].inner or [])[2:]
            case "no cookie":
                messages[-1].inner = [*(messages[-1].inner or [])[:2], *_without_cookie(messages[-1])]
            case "code":
                (end.inner or [])[0].content = code.to_bytes(5, "big")
            case "other end":
                end.tag = 0x69
        return _plain(messages, number)

    server = _server(alter)
    search = Search(f"OU=Staff,{DOMAIN}", "(objectClass=*)", ("objectGUID", "member"))
    try:
        found = read_all(server.connection(), search)
    except DirectoryError:
        return
    assert sorted(entry.dn for entry in found) == NAMES
    assert all(len(entry.values["member"]) == 7 for entry in found)


def _without_cookie(end: Element) -> list[Element]:
    controls = (end.inner or [])[2:]
    if controls:
        value = Element(SEQUENCE, inner=[Element(INTEGER, b"\0"), Element(OCTETS, b"")]).encode()
        (controls[0].inner or [])[0].inner = [*((controls[0].inner or [])[0].inner or [])[:1], Element(OCTETS, value)]
    return controls


range_names = st.builds(
    "member;{}={}-{}".format,
    st.sampled_from(["range", "RANGE", "Range", "rang", "binary"]),
    st.integers(-1, 9) | st.sampled_from(["", "x", "9" * 5000, "٣"]),
    st.integers(-1, 9) | st.sampled_from(["*", "", "x", "**", "9" * 5000]),
)


@fuzzed
@given(name=range_names, answer=st.integers(0, 20), beside=st.booleans(), count=st.integers(0, 8))
def test_ranges_of_all_kinds_are_followed_to_the_end_or_refused(
    name: str, answer: int, beside: bool, count: int
) -> None:
    """Of one answer, another range than the one asked for, with other values, alone or beside the right one."""
    values = [b"CN=Person %d,OU=Staff,DC=example,DC=com" % number for number in range(count)]

    def alter(messages: list[Element], number: int) -> bytes:
        for message in _messages_of_entries(messages) if number == answer else ():
            pairs = ((message.inner or [])[1].inner or [])[1].inner or []
            ranged = Element(
                SEQUENCE,
                inner=[
                    Element(OCTETS, name.encode()),
                    Element(SET, inner=[Element(OCTETS, value) for value in values]),
                ],
            )
            kept = [pair for pair in pairs if beside or not (pair.inner or [])[0].content.startswith(b"member")]
            pairs[:] = [*kept, ranged]
        return _plain(messages, number)

    search = Search(f"OU=Staff,{DOMAIN}", "(objectClass=*)", ("objectGUID", "member"))
    try:
        found = read_all(_server(alter).connection(), search)
    except DirectoryError:
        return
    # A range that says it is the whole, and is one in itself, is all that a reader can know of.
    whole = name.lower() == "member;range=0-*" and values
    assert all(len(entry.values["member"]) == 7 or whole for entry in found)


# --- decoded values ---

raw_values = st.binary(max_size=40) | st.sampled_from(
    [
        *(
            b"",
            b" ",
            b"-",
            b"0",
            b"-1",
            b"+5",
            b"1_0",
            b" 12",
            b"512\n",
            "٣".encode(),
            b"9" * 19,
            b"9" * 5000,
            b"-" + b"9" * 19,
        ),
        *(
            b"9223372036854775807",
            b"9223372036854775808",
            b"true",
            b"TRUE",
            b"FALSE",
            b"maybe",
            b"\xff\xfe",
            b"\xed\xa0\x80",
        ),
        *(b"20261331000000.0Z", b"20260101000060.0Z", b"20260101250000Z", b"00000101000000.0Z", b"99999999999999.0Z"),
        *(bytes(15), bytes(16), bytes(17), _SID, _SID[:11], b"\x01" + bytes(300)),
    ]
)
distinguished_names = st.sampled_from(
    [f"CN=Person 1,OU=Staff,{DOMAIN}", f"CN=x,{DOMAIN}", "CN=x,DC=evil", "", "x", ",", "CN", "CN=x\\", 'CN="x"', "=x"]
) | st.text(max_size=20)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """A user's entry in which some values are others, missing, or more."""
    held = {name.lower(): list(values) for name, values in PEOPLE[f"CN=Person 1,OU=Staff,{DOMAIN}".encode()].items()}
    held["isdeleted"] = [b"FALSE"]
    for name in draw(st.sets(st.sampled_from(sorted(held)), min_size=1, max_size=4)):
        values = draw(st.lists(raw_values, max_size=3))
        if values:
            held[name] = values
        else:
            del held[name]
    dn = draw(st.just(f"CN=Person 1,OU=Staff,{DOMAIN}") | distinguished_names)
    return Entry(dn, held)


DECODERS: dict[str, Callable[[Entry], object]] = {
    "user": lambda entry: objects.user(entry, WANTED),
    "node": objects.node,
    "deleted": objects.is_deleted,
    "findable": objects.require_findable,
    "time": lambda entry: objects.time_of(entry, "name"),
}
PLACED: dict[str, Callable[[Entry], object]] = {
    "group": lambda entry: objects.group(entry, DOMAIN),
    "unit": lambda entry: objects.unit(entry, DOMAIN),
}


@fuzzed
@given(entry=entries(), what=st.sampled_from(sorted([*DECODERS, *PLACED])))
def test_values_of_all_kinds_are_decoded_or_refused(entry: Entry, what: str) -> None:
    try:
        {**DECODERS, **PLACED}[what](entry)
    except DirectoryError:
        return


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("objectGUID", bytes(15)),
        ("userAccountControl", b"many"),
        ("accountExpires", b"-5"),
        ("accountExpires", b"soon"),
        ("primaryGroupID", b"9" * 5000),
    ],
)
def test_a_value_that_cannot_be_read_is_told_by_object_and_attribute(attribute: str, value: bytes) -> None:
    dn, held = _user(1)
    entry = Entry(dn.decode(), {**{name.lower(): values for name, values in held.items()}, attribute.lower(): [value]})

    with pytest.raises(DirectoryError, match=f"Person 1.*{attribute}"):
        objects.user(entry, WANTED)


@fuzzed
@given(dn=distinguished_names, what=st.sampled_from(sorted(READS)))
def test_names_of_all_kinds_are_read_or_refused(dn: str, what: str) -> None:
    """Every object of the answers has this name, and the domain too."""

    def alter(messages: list[Element], number: int) -> bytes:
        for message in _messages_of_entries(messages):
            ((message.inner or [])[1].inner or [])[0].content = dn.encode()
        return _plain(messages, number)

    held = {
        **ROOT,
        b"": {**ROOT[b""], "defaultNamingContext": [dn.encode()]},
        **PEOPLE,
        dn.encode(): PEOPLE[next(iter(PEOPLE))],
    }
    server = Server(held, alter, page_limit=3, range_limit=3)
    try:
        READS[what](_reader(server))
    except DirectoryError:
        return
