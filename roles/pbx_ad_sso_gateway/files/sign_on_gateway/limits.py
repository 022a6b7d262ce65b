# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often something may be tried within a time: by each user, and from each address."""

from __future__ import annotations

import ipaddress
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

_MOST_KEYS = 100_000
# Whoever is given IPv6 addresses is given at least so many of them at once (RFC 6177).
_NETWORK_BITS = 64


@dataclass(eq=False)
class Attempt:
    """One attempt, which counts until its time is over or it is given back.

    :param made_at: when, by the clock of the ``Attempts`` that counts it.
    """

    made_at: float
    _counted: deque[Attempt] = field(repr=False)
    _lock: threading.Lock = field(repr=False)

    def give_back(self) -> None:
        """Let it count no longer; once more does nothing."""
        with self._lock:
            if self in self._counted:
                self._counted.remove(self)


class Attempts:
    """Attempts by key. An attempt counts from before it is made, so that no number of them at once is too many.

    :param clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float], most_keys: int = _MOST_KEYS) -> None:
        self._clock = clock
        self._most_keys = most_keys
        self._counted: dict[str, deque[Attempt]] = {}
        self._lock = threading.Lock()

    def make(self, key: str, most: int, seconds: float) -> Attempt | None:
        """Count an attempt; None if there were ``most`` within that time already, and this one is not to be made.

        :param key: whose it is.
        """
        now = self._clock()
        with self._lock:
            counted = self._counted.setdefault(key, deque())
            while counted and counted[0].made_at <= now - seconds:
                counted.popleft()
            if len(counted) >= most or not self._has_room(key, now - seconds):
                return None
            attempt = Attempt(now, counted, self._lock)
            counted.append(attempt)
            return attempt

    def _has_room(self, key: str, since: float) -> bool:
        """Whether this key may be one of those that are kept; what counts no longer makes room."""
        if len(self._counted) <= self._most_keys:
            return True
        self._counted = {
            other: counted
            for other, counted in self._counted.items()
            if other == key or (counted and counted[-1].made_at > since)
        }
        if len(self._counted) <= self._most_keys:
            return True
        del self._counted[key]
        return False


def address_key(address: str) -> str:
    """Return what the attempts from an address are counted by: an IPv4 address, or an IPv6 network.

    :param address: as the connection shows it.
    """
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((known, _NETWORK_BITS), strict=False))
