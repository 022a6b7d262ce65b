# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Search entries on their way from the socket: decoded as they come, everything else left to the library.

The library (ldap3 2.9.1, its last release) knows no strategy but its own, and offers no decoder to choose. What a
connection lets one replace, by public names and for itself alone, are two functions:

* ``connection.post_send_search``, which waits for the answer to a search and leaves ``response`` and ``result``;
* ``connection.strategy.receiving``, which reads from the socket and returns whole messages.

In between, the library decodes what ``receiving`` returned, one message at a time. Entries are taken out there. A
library that calls the two no more, or calls them otherwise, decodes everything itself, as without this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.decoder import EntryDecoder, RawEntry, frame

try:
    import ldap3
    import ldap3.core.exceptions
except ImportError:
    ldap3 = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from ldap3 import Connection

# A TLS record holds 16 KiB at most (RFC 8446 5.1), and no more than one is given at once.
_RECEIVE_SIZE = 0x4000


def decode_as_they_come(connection: Connection) -> None:
    """Let the entries that answer a connection's searches be decoded here.

    ``connection.response`` then holds them without ``attributes``, before all else that came.

    :param connection: synchronous, and set up to follow neither referrals nor ranges and to add no empty attributes.
    """
    strategy = connection.strategy
    if not all(hasattr(strategy, name) for name in ("receiving", "compute_ldap_message_size")):
        return
    receiver = _Receiver(connection)
    strategy.receiving = receiver.receive
    connection.post_send_search = receiver.finish_search


@contextmanager
def handed_over(connection: Connection, take: Callable[[RawEntry], None]) -> Iterator[None]:
    """Within this block, give away each entry that is decoded here as it comes; ``connection.response`` has the rest.

    What is given away need not be kept until the answer is whole. Where ``decode_as_they_come`` was not called, all is
    in the response.

    :param take: must not raise anything, for what the server still sends would be taken for the next answer.
    """
    receiver = getattr(getattr(connection, "post_send_search", None), "__self__", None)
    if not isinstance(receiver, _Receiver):
        yield
        return
    receiver.take = take
    try:
        yield
    finally:
        receiver.take = None


class _Receiver:
    """Stands in for both of the library's functions; outside of a search it is not there."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._strategy: Any = connection.strategy
        self._library_receives = self._strategy.receiving
        self._library_finishes = connection.post_send_search
        self._decoder = EntryDecoder()
        self._message_id: int | None = None
        self._entries: list[RawEntry] = []
        self.take: Callable[[RawEntry], None] | None = None

    def finish_search(self, message_id: int) -> list[Any]:
        """As ``SyncStrategy.post_send_search``: wait for the answer, leave it in the connection and return it."""
        self._message_id = message_id
        try:
            others = self._library_finishes(message_id)
            self._connection.response = [*self._entries, *others]
            return self._connection.response
        finally:
            self._message_id = None
            self._entries = []

    def receive(self) -> list[bytes]:
        """As ``SyncStrategy.receiving``: return whole messages; none if the connection has ended.

        In a search, those that were decoded here are left out, up to the first that is not: what the server sends
        after an answer's end must not seem to belong to it.
        """
        if self._message_id is None:
            return self._library_receives()
        messages: list[bytes] = []
        data = b""
        start = 0
        while start < len(data) or not messages:
            end = frame(data, start)
            if end < 0:
                end = self._library_frame(data, start)
            if not start < end <= len(data):
                more = self._read(end - len(data))
                if not more:
                    return messages
                data, start = (data[start:] + more if start < len(data) else more), 0
                continue
            if messages or not self._is_taken(data, start, end):
                messages.append(data[start:end])
            start = end
        return messages

    def _is_taken(self, data: bytes, start: int, end: int) -> bool:
        decoded = self._decoder.decode(data, start, end)
        if decoded is None or decoded[0] != self._message_id:
            return False
        if self.take is None:
            self._entries.append(decoded[1])
        else:
            self.take(decoded[1])
        return True

    def _library_frame(self, data: bytes, start: int) -> int:
        size: int = self._strategy.compute_ldap_message_size(data[start:])
        return start + size if size > 0 else 0

    def _read(self, missing: int) -> bytes:
        """Read what has come, and on until nothing is missing of the message that it belongs to."""
        try:
            part = self._connection.socket.recv(_RECEIVE_SIZE)
            if not part or len(part) >= missing:
                return part
            parts = [part]
            while part and (missing := missing - len(part)) > 0:
                part = self._connection.socket.recv(_RECEIVE_SIZE)
                parts.append(part)
            return b"".join(parts)
        except (OSError, AttributeError) as error:
            # What the library does where it reads itself.
            with suppress(OSError, ldap3.core.exceptions.LDAPException):
                self._strategy.close()
            raise ldap3.core.exceptions.LDAPSocketReceiveError(f"error receiving data: {error}") from None
