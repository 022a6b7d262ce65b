# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory server that has its answers ready: `python -m bench.directory_server --size 100000 --cert … --key …`.

It is no Active Directory: it knows the server's own entry, the domain and its people, and takes no filter apart. What
it is for is reading as many people as a real domain controller would take an hour to be filled with, from a process
whose memory and time are not those of the module that is measured. What it sends is what a domain controller sends: the
attributes that are asked for, in pages of 1,000 at most, over TLS.

Once it serves it prints one line of JSON: port. It ends at SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import signal
import socketserver
import ssl
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .people import DOMAIN_DN, Person

HOST_NAME = "directory.bench.test"
MOST_ENTRIES = 1000
_DOMAIN_GUID = uuid.UUID(int=1 << 96)
_PAGED_RESULTS = b"1.2.840.113556.1.4.319"
# Only the search for people leaves out what the directory made for itself.
_OF_PEOPLE = b"isCriticalSystemObject"
_SUCCESS, _NO_SUCH_OBJECT = 0, 32
_BASE_OBJECT = b"\0"
_LONG_FORM = 0x80
# X.690 and RFC 4511
_INTEGER, _OCTETS, _ENUMERATED, _SEQUENCE, _SET = 0x02, 0x04, 0x0A, 0x30, 0x31
_BIND, _SEARCH = 0x60, 0x63
_BIND_RESPONSE, _SEARCH_ENTRY, _SEARCH_DONE, _CONTROLS = 0x61, 0x64, 0x65, 0xA0

_Values = Mapping[str, bytes]


@dataclass
class Directory:
    """The entries, and the answers that were given so far, by the attributes that were asked for."""

    size: int
    _answers: dict[tuple[str, ...], list[bytes]] = field(default_factory=dict)

    def people(self, attributes: Sequence[str]) -> list[bytes]:
        """The entries of all people, encoded, with these attributes, whose names are in lower case."""
        asked = tuple(attributes)
        if asked not in self._answers:
            people = map(Person, range(self.size))
            self._answers[asked] = [_entry(person.dn, _of_person(person), asked) for person in people]
        return self._answers[asked]

    def named(self, dn: str, attributes: Sequence[str]) -> bytes | None:
        """The entry of a DN, encoded; None if there is none."""
        values: _Values | None = None
        if not dn:
            now = f"{datetime.now(UTC):%Y%m%d%H%M%S}.0Z"
            values = _texts({"defaultNamingContext": DOMAIN_DN, "dnsHostName": HOST_NAME, "currentTime": now})
        elif dn.lower() == DOMAIN_DN.lower():
            values = {"objectGUID": _DOMAIN_GUID.bytes_le, **_texts({"distinguishedName": DOMAIN_DN, "name": "bench"})}
        if values is None:
            return None
        return _entry(dn, values, attributes)


class _Handler(socketserver.StreamRequestHandler):
    """One connection."""

    server: _Server

    def handle(self) -> None:
        for message in iter(lambda: _read_message(self.rfile), b""):
            for part in _answer(self.server.directory, message):
                self.wfile.write(part)
            self.wfile.flush()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], directory: Directory, context: ssl.SSLContext) -> None:
        super().__init__(address, _Handler)
        self.directory = directory
        # The handshake belongs to the connection's own thread.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)


def _answer(directory: Directory, data: bytes) -> Iterator[bytes]:
    """The messages that answer one; none to what ends a connection."""
    ((_tag, message),) = _elements(data)
    (_tag, message_id), (kind, operation), *controls = _elements(message)
    number = int.from_bytes(message_id, "big")
    if kind == _BIND:
        yield _message(number, _result(_BIND_RESPONSE, _SUCCESS))
    if kind == _SEARCH:
        yield from _found(directory, number, operation, _paging(controls[0][1] if controls else b""))


def _found(directory: Directory, number: int, search: bytes, paging: tuple[int, bytes] | None) -> Iterator[bytes]:
    (_tag, base), (_tag, scope), *_limits, (_tag, names) = _elements(search)
    attributes = [name.decode().lower() for _tag, name in _elements(names)]
    if scope == _BASE_OBJECT:
        entry = directory.named(base.decode(), attributes)
        if entry:
            yield _message(number, entry)
        yield _message(number, _result(_SEARCH_DONE, _SUCCESS if entry else _NO_SUCH_OBJECT))
        return
    entries = directory.people(attributes) if _OF_PEOPLE in search else []
    size, cookie = paging or (len(entries), b"")
    start = int(cookie or b"0")
    end = start + min(size, MOST_ENTRIES)
    for entry in entries[start:end]:
        yield _message(number, entry)
    following = str(end).encode() if end < len(entries) else b""
    yield _message(number, _result(_SEARCH_DONE, _SUCCESS), b"" if paging is None else _paging_control(following))


def _paging(controls: bytes) -> tuple[int, bytes] | None:
    """The size and the cookie of the paging control (RFC 2696); None if there is none."""
    for _tag, control in _elements(controls):
        (_tag, name), *rest = _elements(control)
        if name == _PAGED_RESULTS:
            ((_tag, value),) = _elements(rest[-1][1])
            (_tag, size), (_tag, cookie) = _elements(value)
            return int.from_bytes(size, "big"), cookie
    return None


def _elements(content: bytes) -> list[tuple[int, bytes]]:
    """The BER elements that bytes are: tags and contents."""
    found = []
    while content:
        length, start = content[1], 2
        if length >= _LONG_FORM:
            start += length - _LONG_FORM
            length = int.from_bytes(content[2:start], "big")
        found.append((content[0], content[start : start + length]))
        content = content[start + length :]
    return found


def _read_message(stream: Any) -> bytes:
    """One message as it came; b"" at the connection's end."""
    head = stream.read(2)
    if not head:
        return b""
    length = head[1]
    if length >= _LONG_FORM:
        long_form = stream.read(length - _LONG_FORM)
        head, length = head + long_form, int.from_bytes(long_form, "big")
    return bytes(head + stream.read(length))


def _element(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < _LONG_FORM:
        return bytes((tag, length)) + content
    # The four bytes that Active Directory takes for a length.
    return bytes((tag, 0x84)) + length.to_bytes(4, "big") + content


def _message(number: int, operation: bytes, controls: bytes = b"") -> bytes:
    return _element(_SEQUENCE, _integer(number) + operation + controls)


def _integer(value: int) -> bytes:
    return _element(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _result(tag: int, code: int) -> bytes:
    return _element(tag, _element(_ENUMERATED, bytes((code,))) + _element(_OCTETS, b"") + _element(_OCTETS, b""))


def _paging_control(cookie: bytes) -> bytes:
    value = _element(_SEQUENCE, _integer(0) + _element(_OCTETS, cookie))
    control = _element(_OCTETS, _PAGED_RESULTS) + _element(_OCTETS, value)
    return _element(_CONTROLS, _element(_SEQUENCE, control))


def _entry(dn: str, values: _Values, asked: Sequence[str]) -> bytes:
    shown = b"".join(
        _element(_SEQUENCE, _element(_OCTETS, name.encode()) + _element(_SET, _element(_OCTETS, value)))
        for name, value in values.items()
        if name.lower() in asked
    )
    return _element(_SEARCH_ENTRY, _element(_OCTETS, dn.encode()) + _element(_SEQUENCE, shown))


def _of_person(person: Person) -> _Values:
    return {"objectGUID": person.guid.bytes_le, **_texts(person.attributes)}


def _texts(values: Mapping[str, str]) -> _Values:
    return {name: value.encode() for name, value in values.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m bench.directory_server")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--size", type=int, required=True, help="how many people")
    parser.add_argument("--cert", type=Path, required=True)
    parser.add_argument("--key", type=Path, required=True)
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.cert, options.key)
    with _Server((options.address, 0), Directory(options.size), context) as server:
        print(json.dumps({"port": server.server_address[1]}), flush=True)
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
