# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Active Directory's own encodings, from the raw bytes of an attribute to plain values and back."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta

# userAccountControl (MS-ADTS 2.2.16)
ACCOUNT_DISABLED = 0x2
INTERDOMAIN_TRUST_ACCOUNT = 0x800

# groupType (MS-ADTS 2.2.12)
CREATED_BY_SYSTEM = 0x1
SECURITY_ENABLED = 0x80000000

_FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
# Both mean that the account never expires (MS-ADA1, accountExpires).
_NEVER = (0, 0x7FFFFFFFFFFFFFFF)
_GUID_SIZE = 16
_GUID = re.compile(r"\{?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\}?", re.IGNORECASE)
_GENERALIZED_TIME = re.compile(rb"(\d{14})(?:\.\d+)?Z")
_MOST_DIGITS = 19
_BOOLEANS = {b"TRUE": True, b"FALSE": False}
_SHORTEST_SID = 12


def guid_text(raw: bytes) -> str:
    """Return an objectGUID (16 bytes, the first three fields little-endian) as lower-case text with hyphens.

    :raises ValueError: for another length.
    """
    if len(raw) != _GUID_SIZE:
        raise ValueError(f"not an objectGUID: {raw.hex()}")
    digits = (raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]).hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def guid_from_name(name: str) -> str | None:
    """Return a GUID written by a person, braces allowed, as ``guid_text`` writes it; None for anything else."""
    found = _GUID.fullmatch(name.strip())
    return found[1].lower() if found else None


def guid_filter(guid: str) -> str:
    """Return the filter that finds an objectGUID, each byte escaped (RFC 4515)."""
    return f"(objectGUID={escape_bytes(uuid.UUID(guid).bytes_le)})"


def escape_bytes(raw: bytes) -> str:
    """Escape every byte for use in a filter."""
    return "".join(f"\\{byte:02x}" for byte in raw)


def escape_filter_value(value: str) -> str:
    """Escape what has a meaning of its own in a filter (RFC 4515 3)."""
    return "".join(f"\\{ord(character):02x}" if character in "\\*()\0" else character for character in value)


def text(raw: bytes) -> str:
    """Return a directory string (UTF-8); bytes that are none are replaced, never lost."""
    return raw.decode("utf-8", "replace")


def integer(raw: bytes) -> int:
    """Return an integer attribute, which LDAP sends as signed decimal text of at most 64 bits (RFC 4517 3.3.16).

    :raises ValueError: for anything else.
    """
    digits = raw.removeprefix(b"-")
    if not digits.isdigit() or len(digits) > _MOST_DIGITS:
        raise ValueError(f"not an integer: {raw[:20]!r}")
    return int(raw)


def boolean(raw: bytes) -> bool:
    """Return a boolean attribute, ``TRUE`` or ``FALSE`` (RFC 4517 3.3.3).

    :raises ValueError: for anything else.
    """
    if raw.upper() not in _BOOLEANS:
        raise ValueError(f"neither TRUE nor FALSE: {raw[:20]!r}")
    return _BOOLEANS[raw.upper()]


def expiry(raw: bytes | None) -> datetime | None:
    """Return accountExpires as an aware UTC time, None where the account never expires.

    :param raw: the raw value, 100-nanosecond ticks since 1601-01-01; None where the attribute is absent. A library's
        own conversion would turn 0, which means never, into the year 1601.
    :raises ValueError: if it is no count of ticks.
    """
    ticks = 0 if raw is None else integer(raw)
    if ticks in _NEVER:
        return None
    if ticks < 0:
        raise ValueError(f"before 1601: {ticks}")
    try:
        return _FILETIME_EPOCH + timedelta(microseconds=ticks // 10)
    except OverflowError:
        # Beyond the year 9999.
        return None


def generalized_time(raw: bytes) -> datetime:
    """Return a time such as ``20261231235959.0Z`` (RFC 4517 3.3.13, always UTC in Active Directory).

    :raises ValueError: for anything else.
    """
    found = _GENERALIZED_TIME.fullmatch(raw)
    if not found:
        raise ValueError(f"not a time in UTC: {raw!r}")
    return datetime.strptime(found[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def relative_id(sid: bytes) -> int:
    """Return the last component of an objectSid (MS-DTYP 2.4.2.2), which primaryGroupID repeats.

    :raises ValueError: if it is too short to be one of a domain's.
    """
    if len(sid) < _SHORTEST_SID:
        raise ValueError(f"not a SID with a relative id: {sid.hex()}")
    return int.from_bytes(sid[-4:], "little")
