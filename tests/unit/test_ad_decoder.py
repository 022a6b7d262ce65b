# SPDX-License-Identifier: GPL-3.0-or-later
"""The decoder of search entries on bytes written by hand: what is an entry, and what is left to the library."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.decoder import EntryDecoder, frame
from ldap3.utils.asn1 import decode_message_fast

INTEGER, OCTETS, SEQUENCE, SET, ENTRY, CONTROLS = 0x02, 0x04, 0x30, 0x31, 0x64, 0xA0

# Message 7: cn=a with the value B of sn and two of ou, 1 and an empty one, as a server of short lengths sends it.
SHORT = bytes.fromhex(
    "3025020107"  # LDAPMessage, messageID
    "64200404636e3d61"  # SearchResultEntry, objectName
    "3018"  # attributes
    "30090402736e3103040142"  # sn
    "300b04026f7531050401310400"  # ou
)
# The same with sn alone, as Active Directory sends it.
FIVE_BYTES = bytes.fromhex("30840000002702010764840000001e0404636e3d6130840000001230840000000c0402736e3184000000020400")


def element(tag: int, *parts: bytes, form: int = 0) -> bytes:
    """An element, its length in the short form or in the long one with so many bytes."""
    content = b"".join(parts)
    length = bytes([0x80 | form]) + len(content).to_bytes(form, "big") if form else bytes([len(content)])
    return bytes([tag]) + length + content


def attribute(name: bytes, *values: bytes, form: int = 0) -> bytes:
    vals = element(SET, *(element(OCTETS, value) for value in values), form=form)
    return element(SEQUENCE, element(OCTETS, name), vals, form=form)


def message(
    *attributes: bytes, dn: bytes = b"cn=a", number: bytes = b"\x07", form: int = 0, after: bytes = b""
) -> bytes:
    entry = element(ENTRY, element(OCTETS, dn), element(SEQUENCE, *attributes, form=form), form=form)
    return element(SEQUENCE, element(INTEGER, number), entry, after, form=form)


def decode(data: bytes, decoder: EntryDecoder | None = None) -> tuple[int, dict[str, Any]] | None:
    assert frame(data, 0) == len(data)
    return (decoder or EntryDecoder()).decode(data, 0, len(data))


def attributes_of(data: bytes, decoder: EntryDecoder | None = None) -> dict[str, list[bytes] | None]:
    decoded = decode(data, decoder)
    assert decoded is not None
    found: dict[str, list[bytes] | None] = decoded[1]["raw_attributes"]
    return found


# What is an entry


def test_lengths_in_the_short_form() -> None:
    assert decode(SHORT) == (
        7,
        {
            "type": "searchResEntry",
            "dn": "cn=a",
            "raw_dn": b"cn=a",
            "raw_attributes": {"sn": [b"B"], "ou": [b"1", b""]},
        },
    )


def test_lengths_in_the_form_of_active_directory() -> None:
    assert attributes_of(FIVE_BYTES) == {"sn": [b""]}


@pytest.mark.parametrize("form", [1, 2, 3, 4])
def test_lengths_in_the_long_form_of_any_size(form: int) -> None:
    data = message(attribute(b"cn", b"a", form=form), attribute(b"ou", b"b", b"c", form=form), form=form)
    assert attributes_of(data) == {"cn": [b"a"], "ou": [b"b", b"c"]}


@pytest.mark.parametrize("size", [127, 128, 255, 256, 65535, 65536])
def test_values_around_the_borders_of_lengths(size: int) -> None:
    value = bytes(size)
    held = element(OCTETS, value, form=0 if size < 0x80 else 4)
    data = message(element(SEQUENCE, element(OCTETS, b"photo"), element(SET, held, form=4), form=4), form=4)
    assert attributes_of(data) == {"photo": [value]}


def test_an_entry_without_attributes() -> None:
    assert attributes_of(message()) == {}


def test_an_attribute_without_values() -> None:
    assert attributes_of(message(attribute(b"mail"), attribute(b"sn", b"b"))) == {"mail": None, "sn": [b"b"]}


def test_options_and_ranges_are_a_part_of_the_description() -> None:
    data = message(attribute(b"member;range=0-1499", b"x", b"y"), attribute(b"cn;lang-de", b"z"))
    assert attributes_of(data) == {"member;range=0-1499": [b"x", b"y"], "cn;lang-de": [b"z"]}


def test_descriptions_are_in_lower_case() -> None:
    assert list(attributes_of(message(attribute(b"objectGUID", bytes(16)), attribute(b"Member;Range=0-*", b"x")))) == [
        "objectguid",
        "member;range=0-*",
    ]


def test_a_dn_in_utf_8_and_none_at_all() -> None:
    for name in ("CN=Zoë,DC=lab", ""):
        decoded = decode(message(dn=name.encode()))
        assert decoded is not None
        assert (decoded[1]["dn"], decoded[1]["raw_dn"]) == (name, name.encode())


def test_a_message_in_the_middle_of_the_data() -> None:
    data = b"\0\0" + SHORT + b"\xff"
    end = frame(data, 2)
    assert end == len(data) - 1
    assert EntryDecoder().decode(data, 2, end) == decode(SHORT)


@pytest.mark.parametrize("number", [b"\x01", b"\x7f\xff", b"\0\x80", b"\0\0\0\x05", b"\x7f\xff\xff\xff"])
def test_message_ids(number: bytes) -> None:
    decoded = decode(message(number=number))
    assert decoded is not None
    assert decoded[0] == decode_message_fast(message(number=number))["messageID"]


# A header that was seen before


def taught() -> EntryDecoder:
    """A decoder that has seen headers before."""
    decoder = EntryDecoder()
    for data in (SHORT, FIVE_BYTES, *(message(attribute(b"cn", b"a" * size)) for size in range(6))):
        assert decode(data, decoder)
    return decoder


def test_a_header_says_again_what_it_said_before() -> None:
    decoder = EntryDecoder()
    first, second = (message(attribute(b"cn", value), attribute(b"sn", value)) for value in (b"aa", b"bb"))
    assert attributes_of(first, decoder) == {"cn": [b"aa"], "sn": [b"aa"]}
    assert attributes_of(second, decoder) == {"cn": [b"bb"], "sn": [b"bb"]}
    assert attributes_of(message(attribute(b"sn", b"c", b"d")), decoder) == {"sn": [b"c", b"d"]}


def test_a_header_does_not_reach_beyond_its_message_known_or_not() -> None:
    whole = attribute(b"cn", b"abcd")
    cut = message(whole[:-2])
    for decoder in (EntryDecoder(), taught()):
        assert decoder.decode(cut, 0, len(cut)) is None
        assert decoder.decode(cut + b"xyz", 0, len(cut)) is None
        # What a cut message taught is true of others.
        assert attributes_of(message(whole), decoder) == {"cn": [b"abcd"]}
        assert decoder.decode(cut + b"xyz", 0, len(cut)) is None
        assert decoder.decode(cut, 0, len(cut)) is None


def test_headers_are_kept_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EntryDecoder.__module__ + "._MOST_HEADERS", 3)
    decoder = EntryDecoder()
    for number in range(9):
        assert attributes_of(message(attribute(b"a%d" % number, b"x")), decoder) == {f"a{number}": [b"x"]}
    assert len(decoder._headers) == 3


# What is left to the library


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(message(after=element(CONTROLS)), id="controls"),
        pytest.param(message(number=b"\x80"), id="negative message id"),
        pytest.param(message(dn=b"CN=\xff"), id="a DN that is no UTF-8"),
        pytest.param(message(attribute(b"\xff", b"x")), id="a description that is no UTF-8"),
        pytest.param(message(attribute(b"cn", b"x"), attribute(b"cn", b"y")), id="an attribute twice"),
        pytest.param(message(attribute(b"cn", b"x"), attribute(b"CN", b"y")), id="twice, spelled otherwise"),
        pytest.param(message(attribute(b"cn ", b"x")), id="a blank in a description"),
        pytest.param(SHORT.replace(b"\x64", b"\x65", 1), id="another kind of message"),
        pytest.param(SHORT.replace(b"\x30\x09\x04", b"\x31\x09\x04"), id="a set for an attribute"),
        pytest.param(SHORT.replace(b"\x31\x03", b"\x30\x03"), id="a sequence for values"),
        pytest.param(SHORT.replace(b"\x04\x01\x42", b"\x0c\x01\x42"), id="a value that is no octet string"),
        pytest.param(SHORT.replace(b"\x04\x01\x42", b"\x04\x02\x42"), id="a value beyond its set"),
        pytest.param(SHORT.replace(b"\x04\x01\x42", b"\x04\x00\x42"), id="a byte behind a value"),
        pytest.param(SHORT.replace(b"\x31\x03", b"\x31\x02"), id="a set shorter than its values"),
        pytest.param(SHORT.replace(b"\x31\x03", b"\x31\x04"), id="a set longer than its values"),
        pytest.param(SHORT.replace(b"\x30\x09\x04", b"\x30\x08\x04"), id="values beyond their attribute"),
        pytest.param(SHORT.replace(b"\x30\x09\x04", b"\x30\x0a\x04"), id="an attribute longer than its values"),
        pytest.param(SHORT.replace(b"\x30\x18", b"\x30\x17"), id="attributes shorter than they are"),
        pytest.param(SHORT.replace(b"\x30\x18", b"\x30\x19"), id="attributes beyond their entry"),
        pytest.param(SHORT.replace(b"\x64\x20", b"\x64\x1f"), id="an entry shorter than its attributes"),
        pytest.param(SHORT.replace(b"\x30\x18", b"\x30\x80"), id="an indefinite length"),
        pytest.param(message(attribute(b"cn", b"x", form=5)), id="a length in five bytes"),
        pytest.param(b"\x30\x03\x02\x01\x07", id="an id alone"),
    ],
)
def test_whatever_has_another_form_is_left_to_the_library(data: bytes) -> None:
    assert decode(data) is None
    assert decode(data, taught()) is None


# Where a message ends


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b"", 0),
        (b"\x30", 0),
        (b"\x30\x00", 0),
        (b"\x30\x05", 0),
        (b"\x30\x05x", 7),
        (b"\x30\x82\x01", 0),
        (b"\x30\x82\x01\x00", 260),
        (b"\x30\x84\x00\x00\x00\x01", 7),
        (b"\x30\x80\x00\x00", -1),
        (b"\x30\x85\x00\x00\x00\x00\x01", -1),
        (b"\x04\x01x", -1),
    ],
)
def test_the_end_of_a_message(data: bytes, end: int) -> None:
    assert frame(data, 0) == end
