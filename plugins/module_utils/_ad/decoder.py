# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""A decoder of search entries, many times as fast as the library's.

An LDAPMessage with a SearchResultEntry (RFC 4511 4.1.1, 4.5.2; BER with the limits of 5.1):

    30 length                       LDAPMessage, a SEQUENCE
       02 length                       messageID
       64 length                       SearchResultEntry, [APPLICATION 4]
          04 length                       objectName
          30 length                       attributes
             30 length                       one attribute of them
                04 length                       type: the attribute description
                31 length                       vals, a SET
                   04 length                       one value of them

Only a message of exactly this form is decoded here, with lengths in the definite form and each element ending where the
one around it does. Everything else (another kind of message, controls, an attribute that comes twice, a name that is no
UTF-8) is left to the library's own decoder, which then gives the entry or the error as if this one was not there.

Entry after entry has the same attributes with values of a few lengths. All bytes of an attribute before its one value
are a header that says always the same; what it says is kept, and looked up when it comes again.
"""

from __future__ import annotations

from typing import Any

#: An entry as the library gives it, but for two things: descriptions are in lower case, and there is no ``attributes``,
#: which are ``raw_attributes`` once more as text. An attribute that came without values has None for them.
RawEntry = dict[str, Any]

_SEQUENCE, _SET, _INTEGER, _OCTETS, _SEARCH_ENTRY = 0x30, 0x31, 0x02, 0x04, 0x64
# A length below this is in one byte; in the long form, the first byte is this and the count of those that follow.
_LONG_LENGTHS = 0x80
# Lengths in more bytes than four are not those of a message that anybody sends.
_LONGEST_LENGTH = 4
_NEGATIVE = 0x80
# A tag and a length, in the short form and in the one that Active Directory takes for all but strings.
_SHORT, _FIVE_BYTES = 2, 6
# What is before an attribute's one value: four of these, two of them of strings; and the description.
_SHORT_HEADERS, _LONG_HEADERS = 4 * _SHORT, 2 * _FIVE_BYTES + 2 * _SHORT
# A dozen attributes with values of a hundred lengths are far below this; what a server may make of it stays bounded.
_MOST_HEADERS = 10_000


class _UnexpectedFormError(Exception):
    """Not the one form that is decoded here."""


def frame(data: bytes, start: int) -> int:
    """Return where the message that starts in the data ends, which may be after the data's own end.

    :returns: 0 if its length is not in the data yet, -1 if this is no message with a definite length.
    """
    # The library waits too where there is no more than a tag and a length: no message is as short.
    if len(data) - start <= _SHORT:
        return 0
    if data[start] != _SEQUENCE:
        return -1
    size = data[start + 1]
    if size < _LONG_LENGTHS:
        return start + _SHORT + size
    count = size - _LONG_LENGTHS
    if not 0 < count <= _LONGEST_LENGTH:
        return -1
    body = start + _SHORT + count
    return body + int.from_bytes(data[start + _SHORT : body], "big") if body <= len(data) else 0


class EntryDecoder:
    """Decodes the entries of one connection, one after the other."""

    def __init__(self) -> None:
        # By a header's bytes: the attribute's description, and the length of its one value, which follows.
        self._headers: dict[bytes, tuple[str, int]] = {}

    def decode(self, data: bytes, start: int, end: int) -> tuple[int, RawEntry] | None:
        """Return the message id and the entry of a message, None for everything that is not a plain entry.

        :param start: where the message begins in the data.
        :param end: where it ends, as ``frame`` told.
        """
        try:
            position, _end = _content(data, start, _SEQUENCE)
            id_start, id_end = _content(data, position, _INTEGER)
            position, entry_end = _content(data, id_end, _SEARCH_ENTRY)
            name_start, name_end = _content(data, position, _OCTETS)
            position, attributes_end = _content(data, name_end, _SEQUENCE)
            # Of an id below zero, or in more bytes than it takes, the library says what it is.
            if not entry_end == attributes_end == end or data[id_start] >= _NEGATIVE:
                return None
            raw_dn = data[name_start:name_end]
            return int.from_bytes(data[id_start:id_end], "big"), {
                "type": "searchResEntry",
                "dn": raw_dn.decode(),
                "raw_dn": raw_dn,
                "raw_attributes": self._attributes(data, position, end),
            }
        except (_UnexpectedFormError, IndexError, UnicodeDecodeError):
            return None

    def _attributes(self, data: bytes, position: int, end: int) -> dict[str, list[bytes] | None]:
        """Decode the attributes up to the end. This loop is where all time goes: there is no call in it that can be
        done without."""
        attributes: dict[str, list[bytes] | None] = {}
        headers = self._headers
        count = 0
        while position < end:
            count += 1
            # Where the value begins, if all lengths before it have the form of the first one.
            if data[position + 1] < _LONG_LENGTHS:
                start = position + _SHORT_HEADERS + data[position + _SHORT + 1]
            else:
                start = position + _LONG_HEADERS + data[position + _FIVE_BYTES + 1]
            known = headers.get(data[position:start])
            if known is None:
                description, values, position = self._attribute(data, position)
                attributes[description] = values
            else:
                description, size = known
                position = start + size
                attributes[description] = [data[start:position]]
        if position != end or count != len(attributes):
            raise _UnexpectedFormError
        return attributes

    def _attribute(self, data: bytes, position: int) -> tuple[str, list[bytes] | None, int]:
        """Decode one attribute: its description, its values (None for none, as the library has it) and its end."""
        start = position
        position, end = _content(data, start, _SEQUENCE)
        name_start, name_end = _content(data, position, _OCTETS)
        description = data[name_start:name_end].decode()
        position, values_end = _content(data, name_end, _SET)
        values: list[bytes] = []
        while position < end:
            value_start, position = _content(data, position, _OCTETS)
            values.append(data[value_start:position])
        # Blanks around a description are none to the library.
        if not position == values_end == end or description != description.strip():
            raise _UnexpectedFormError
        description = description.lower()
        if len(values) == 1 and len(self._headers) < _MOST_HEADERS:
            self._headers[data[start:value_start]] = description, end - value_start
        return description, values or None, end


def _content(data: bytes, position: int, tag: int) -> tuple[int, int]:
    """Return where the content of an element begins and ends, be it after the data's own end."""
    if data[position] != tag:
        raise _UnexpectedFormError
    size = data[position + 1]
    start = position + _SHORT
    if size < _LONG_LENGTHS:
        return start, start + size
    count = size - _LONG_LENGTHS
    if not 0 < count <= _LONGEST_LENGTH:
        raise _UnexpectedFormError
    position, start = start, start + count
    return start, start + int.from_bytes(data[position:start], "big")
