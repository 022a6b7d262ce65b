# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory server as small as it gets, behind a socket that is none: ldap3 talks to it, and its answers are bytes
that a test may alter before they are read.

What is altered is the BER itself (X.690, the definite form that Active Directory sends), as a tree of elements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ldap3
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.receiving import decode_as_they_come

SEQUENCE, SET, INTEGER, OCTETS, ENUMERATED = 0x30, 0x31, 0x02, 0x04, 0x0A
SEARCH_ENTRY, SEARCH_DONE, SEARCH_REFERENCE, CONTROLS = 0x64, 0x65, 0x73, 0xA0
PAGED_RESULTS = b"1.2.840.113556.1.4.319"

SIZE_LIMIT_EXCEEDED = 4

Attributes = Mapping[str, Sequence[bytes]]


@dataclass(slots=True)
class Element:
    """One BER element: its tag, and its content or the elements in it."""

    tag: int
    content: bytes = b""
    inner: list[Element] | None = None

    def encode(self, *, short: bool = False) -> bytes:
        """The element in bytes, its length in the four bytes that Active Directory takes for those of a constructed
        one, or as short as it can be."""
        content = self.content
        if self.inner is not None:
            content = b"".join(element.encode(short=short) for element in self.inner)
        if (short or self.inner is None) and len(content) < 0x80:
            return bytes([self.tag, len(content)]) + content
        return bytes([self.tag, 0x84]) + len(content).to_bytes(4, "big") + content

    def walk(self) -> list[Element]:
        """The element and all that are in it."""
        return [self, *(found for element in self.inner or () for found in element.walk())]


def parse(data: bytes) -> list[Element]:
    """The elements that bytes are."""
    found = []
    while data:
        size, start = data[1], 2
        if size >= 0x80:
            start += size - 0x80
            size = int.from_bytes(data[2:start], "big")
        content, tag = data[start : start + size], data[0]
        found.append(Element(tag, inner=parse(content)) if tag & 0x20 else Element(tag, content))
        data = data[start + size :]
    return found


def octets(content: bytes) -> Element:
    """An OCTET STRING."""
    return Element(OCTETS, content)


def integer(value: int, tag: int = INTEGER) -> Element:
    """An INTEGER or ENUMERATED."""
    return Element(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def entry(message_id: int, dn: bytes, attributes: Attributes) -> Element:
    """A SearchResultEntry (RFC 4511 4.5.2)."""
    pairs = [
        Element(SEQUENCE, inner=[octets(name.encode()), Element(SET, inner=[octets(value) for value in values])])
        for name, values in attributes.items()
    ]
    body = Element(SEARCH_ENTRY, inner=[octets(dn), Element(SEQUENCE, inner=pairs)])
    return Element(SEQUENCE, inner=[integer(message_id), body])


def done(message_id: int, code: int = 0, cookie: bytes | None = None) -> Element:
    """A SearchResultDone, with the paging control (RFC 2696) unless the cookie is None."""
    body = Element(SEARCH_DONE, inner=[integer(code, ENUMERATED), octets(b""), octets(b"")])
    message = [integer(message_id), body]
    if cookie is not None:
        value = Element(SEQUENCE, inner=[integer(0), octets(cookie)]).encode()
        control = Element(SEQUENCE, inner=[octets(PAGED_RESULTS), octets(value)])
        message.append(Element(CONTROLS, inner=[control]))
    return Element(SEQUENCE, inner=message)


@dataclass
class Server:
    """Answers searches out of objects by their DNs, in pages and in ranges as Active Directory does.

    :param alter: gets the messages of each answer and its number from 0, and returns the bytes to send.
    :param part: how many bytes are received at once at most.
    :param asked: gets the attributes that each search asks for.
    """

    objects: Mapping[bytes, Attributes]
    alter: Callable[[list[Element], int], bytes]
    page_limit: int = 1000
    range_limit: int = 1500
    answers: int = 0
    part: int = 2**20
    asked: list[list[str]] = field(default_factory=list)
    pending: bytes = b""

    def connection(self, *, own_decoder: bool = True) -> Any:
        """A connection of ldap3 to this server, set up as the collection does, if not with ldap3's decoder alone."""
        connection = ldap3.Connection(
            ldap3.Server("dc1.example.com", get_info=ldap3.NONE),
            client_strategy=ldap3.SYNC,
            auto_referrals=False,
            auto_range=False,
            check_names=False,
            return_empty_attributes=False,
            read_only=True,
            raise_exceptions=False,
        )
        connection.socket, connection.closed, connection.listening, connection.bound = self, False, True, True
        connection.strategy._outstanding = {}
        if own_decoder:
            decode_as_they_come(connection)
        return connection

    # What ldap3 asks of a socket

    def sendall(self, request: bytes) -> None:
        """Take a request, and have its answer ready."""
        message_id, operation, *controls = parse(request)[0].inner or []
        number = int.from_bytes(message_id.content, "big")
        answer = self._search(number, operation.inner or [], controls[0].inner or [] if controls else [])
        self.pending = self.alter(answer, self.answers)
        self.answers += 1

    def recv(self, size: int) -> bytes:
        """Give a part of the answer; nothing more is the connection's end."""
        size = min(size, self.part)
        part, self.pending = self.pending[:size], self.pending[size:]
        return part

    def shutdown(self, _how: int) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def _search(self, message_id: int, request: Sequence[Element], controls: Sequence[Element]) -> list[Element]:
        base = request[0].content
        asked = [name.content.decode() for name in request[-1].inner or ()]
        self.asked.append(asked)
        if request[1].content == b"\0":
            found = {dn: values for dn, values in self.objects.items() if dn.lower() == base.lower()}
            shown = [entry(message_id, dn, self._shown(values, asked)) for dn, values in found.items()]
            return [*shown, done(message_id, 0 if shown else 32)]
        found = {dn: values for dn, values in self.objects.items() if dn.lower().endswith(base.lower())}
        size, cookie = _paging(controls)
        if size == 0:
            shown = [entry(message_id, dn, self._shown(values, asked)) for dn, values in found.items()]
            code = 0 if len(shown) <= self.page_limit else SIZE_LIMIT_EXCEEDED
            return [*shown[: self.page_limit], done(message_id, code)]
        start = int(cookie or b"0")
        end = start + min(size, self.page_limit)
        page = list(found.items())[start:end]
        following = str(end).encode() if end < len(found) else b""
        return [
            *(entry(message_id, dn, self._shown(values, asked)) for dn, values in page),
            done(message_id, 0, following),
        ]

    def _shown(self, values: Attributes, asked: Sequence[str]) -> dict[str, Sequence[bytes]]:
        shown: dict[str, Sequence[bytes]] = {}
        for wanted in asked:
            name, _option, span = wanted.partition(";range=")
            held = next((held for known, held in values.items() if known.lower() == name.lower()), None)
            if held is None:
                continue
            start = int(span.partition("-")[0]) if span else 0
            if not span and len(held) <= self.range_limit:
                shown[name] = held
                continue
            part = held[start : start + self.range_limit]
            last = "*" if start + len(part) >= len(held) else str(start + len(part) - 1)
            shown[f"{name};range={start}-{last}"] = part
        return shown


def _paging(controls: Sequence[Element]) -> tuple[int, bytes]:
    """The size of a page and the cookie; 0 for no pages."""
    for control in controls:
        name, *rest = control.inner or []
        if name.content == PAGED_RESULTS:
            size, cookie = parse(rest[-1].content)[0].inner or []
            return int.from_bytes(size.content, "big"), cookie.content
    return 0, b""
