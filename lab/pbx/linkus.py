# SPDX-License-Identifier: GPL-3.0-or-later
"""What the PBX remembers for its Linkus clients: log-ins tried, password changes asked for, signatures given out."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from typing import Any, Literal

from lab.pbx.clock import AdjustableClock

# Nothing is documented of how long a client may take for its first password.
_CHANGE_SECONDS = 600

Means = Literal["password", "new_password", "signature"]
Outcome = Literal["accepted", "refused", "change_asked", "change_refused", "changed"]


@dataclass(frozen=True, slots=True)
class LogIn:
    """One try to get into Linkus. `time` is the PBX's clock, `username` what was given, never with a password.

    `means` says with what: the password, a new one in the place of the initial one, or a signature. `number` is the
    extension's that let in, or that has to change its password; empty where the log-in was refused.
    """

    time: float
    means: Means
    username: str
    number: str
    outcome: Outcome

    def as_json(self) -> dict[str, Any]:
        """The log-in as the control port shows it."""
        return {name: getattr(self, name) for name in ("time", "means", "username", "number", "outcome")}


@dataclass(frozen=True, slots=True)
class _Promise:
    """What a secret that was given out is good for, and until when (None: for ever)."""

    extension_id: int
    expires: float | None


class Linkus:
    """The Linkus server's own memory. Not thread-safe: the PBX's lock is held by who calls."""

    def __init__(self, clock: AdjustableClock) -> None:
        self._clock = clock
        #: Every log-in tried, in order.
        self.log_ins: list[LogIn] = []
        self._changes: dict[str, _Promise] = {}
        self._signatures: dict[str, _Promise] = {}

    def record(self, means: Means, username: str, number: str, outcome: Outcome) -> None:
        """Remember a log-in; see `LogIn`."""
        self.log_ins.append(LogIn(self._clock.now(), means, username, number, outcome))

    def ask_for_change(self, extension_id: int) -> str:
        """A ticket with which the extension's initial password can be changed once."""
        ticket = secrets.token_urlsafe(24)
        self._changes[ticket] = _Promise(extension_id, self._clock.now() + _CHANGE_SECONDS)
        return ticket

    def changing(self, ticket: str) -> int | None:
        """The id of the extension whose password the ticket changes; None for no valid ticket."""
        return self._kept(self._changes, ticket)

    def end_change(self, ticket: str) -> None:
        """The ticket has served."""
        self._changes.pop(ticket, None)

    def sign(self, extension_id: int, expires: float | None) -> str:
        """A new signature of an extension, good until `expires` (the PBX's clock; None: for ever)."""
        signature = base64.b64encode(secrets.token_bytes(32)).decode()
        self._signatures[signature] = _Promise(extension_id, expires)
        return signature

    def signed(self, signature: str) -> int | None:
        """The id of the extension that a signature was given for; None for an unknown or expired one."""
        return self._kept(self._signatures, signature)

    def _kept(self, promises: dict[str, _Promise], secret: str) -> int | None:
        promise = promises.get(secret)
        if promise is None or (promise.expires is not None and self._clock.now() >= promise.expires):
            return None
        return promise.extension_id
