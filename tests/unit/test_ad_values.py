# SPDX-License-Identifier: GPL-3.0-or-later
"""Active Directory's own encodings."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad import values

GUID = "01020304-0506-0708-090a-0b0c0d0e0f10"
RAW_GUID = bytes([4, 3, 2, 1, 6, 5, 8, 7, 9, 10, 11, 12, 13, 14, 15, 16])


def test_an_object_guid_is_little_endian_in_its_first_three_fields() -> None:
    assert values.guid_text(RAW_GUID) == GUID
    assert values.guid_filter(GUID) == ("(objectGUID=\\04\\03\\02\\01\\06\\05\\08\\07\\09\\0a\\0b\\0c\\0d\\0e\\0f\\10)")


@pytest.mark.parametrize("name", [GUID, GUID.upper(), f"{{{GUID}}}", f" {GUID} "])
def test_a_guid_that_a_person_wrote(name: str) -> None:
    assert values.guid_from_name(name) == GUID


@pytest.mark.parametrize("name", ["Sales", GUID[:-1], f"{GUID}0", ""])
def test_a_name_that_is_no_guid(name: str) -> None:
    assert values.guid_from_name(name) is None


@pytest.mark.parametrize("raw", [None, b"0", b"9223372036854775807", b"9000000000000000000"])
def test_an_account_that_never_expires(raw: bytes | None) -> None:
    assert values.expiry(raw) is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"132223104000000000", datetime(2020, 1, 1, tzinfo=UTC)),
        (b"132223104000000019", datetime(2020, 1, 1, 0, 0, 0, 1, tzinfo=UTC)),
        (b"1", datetime(1601, 1, 1, tzinfo=UTC)),
    ],
)
def test_an_account_that_expires(raw: bytes, expected: datetime) -> None:
    assert values.expiry(raw) == expected


def test_a_boolean() -> None:
    assert [values.boolean(raw) for raw in (b"TRUE", b"true", b"FALSE")] == [True, True, False]


def test_a_time() -> None:
    assert values.generalized_time(b"20261231235958.0Z") == datetime(2026, 12, 31, 23, 59, 58, tzinfo=UTC)


@pytest.mark.parametrize("raw", [b"", b"20261231235958", b"20261231235958+0100", b"20261331235958.0Z"])
def test_what_is_no_time(raw: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (the calendar's own message for the last one)
        values.generalized_time(raw)


def test_the_last_component_of_a_sid() -> None:
    domain = bytes.fromhex("010500000000000515000000") + bytes(12)
    assert values.relative_id(domain + (513).to_bytes(4, "little")) == 513
    with pytest.raises(ValueError, match="not a SID"):
        values.relative_id(b"\x01\x00\x00\x00\x00\x00\x00\x05")


def test_what_has_a_meaning_in_a_filter_is_escaped() -> None:
    assert values.escape_filter_value("Star* (Paren) \\ \0 Jürgen") == "Star\\2a \\28Paren\\29 \\5c \\00 Jürgen"


def test_text_that_is_not_utf8_is_not_lost() -> None:
    assert values.text(b"M\xfcller") == "M\ufffdller"
