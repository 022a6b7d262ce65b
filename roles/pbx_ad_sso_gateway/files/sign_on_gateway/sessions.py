# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has signed on and may ask for signatures: kept in memory for minutes, each under the hash of a random secret."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass

_SECRET_BYTES = 32
_MOST = 50_000


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-on.

    :param guid: objectGUID of the user.
    :param ends_at: when it ends, by the clock of its ``Sessions``.
    """

    guid: str
    ends_at: float


class Sessions:
    """All sessions. What a browser holds is not kept here, so that nothing read of this memory lets anybody in.

    :param clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float], most: int = _MOST) -> None:
        self._clock = clock
        self._most = most
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def begin(self, guid: str, seconds: float) -> str:
        """Begin a session, and return the secret by which it is found again."""
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        now = self._clock()
        with self._lock:
            if len(self._sessions) >= self._most:
                self._forget_ended(now)
            if len(self._sessions) >= self._most:
                # The oldest: its user signs on once more.
                del self._sessions[next(iter(self._sessions))]
            self._sessions[_key(secret)] = Session(guid, now + seconds)
        return secret

    def find(self, secret: str) -> Session | None:
        """Return the session of a secret; None if there is none, or none any more."""
        key = _key(secret)
        with self._lock:
            session = self._sessions.get(key)
            if session is None or session.ends_at > self._clock():
                return session
            del self._sessions[key]
            return None

    def end(self, secret: str) -> None:
        """End the session of a secret, if there is one."""
        with self._lock:
            self._sessions.pop(_key(secret), None)

    def _forget_ended(self, now: float) -> None:
        self._sessions = {key: session for key, session in self._sessions.items() if session.ends_at > now}


def _key(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
