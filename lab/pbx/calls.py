# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of calls, for tests to read."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["answered", "http_error", "cut_before_work", "cut_after_work", "cut_mid_answer"]
MASK = "********"
_SECRETS = frozenset({"password", "user_password", "reg_password", "vm_pin", "refresh_token", "access_token"})


@dataclass(frozen=True)
class Call:
    """One call. `write` says that the endpoint changes the PBX, `done` that its work was done.

    `arguments` have no token and no passwords; `raw_headers`, `raw_query` and `raw_body` have all, as it
    came.
    `errcode` is None where no API answer was made. `time` is the PBX's clock.
    """

    index: int
    time: float
    method: str
    path: str
    endpoint: str
    arguments: Mapping[str, Any]
    errcode: int | None
    write: bool
    done: bool
    outcome: Outcome
    address: str
    user_agent: str
    raw_headers: Mapping[str, str] = field(repr=False)
    raw_query: str = field(repr=False)
    raw_body: bytes = field(repr=False)

    def as_json(self, *, raw: bool = False) -> dict[str, Any]:
        """The call for the control port; with `raw` headers, query and body (text) as they came."""
        shown = {
            name: getattr(self, name)
            for name in (
                "index",
                "time",
                "method",
                "path",
                "endpoint",
                "arguments",
                "errcode",
                "write",
                "done",
                "outcome",
                "address",
                "user_agent",
            )
        }
        if raw:
            shown["raw_headers"] = dict(self.raw_headers)
            shown["raw_query"] = self.raw_query
            shown["raw_body"] = self.raw_body.decode(errors="replace")
        return shown


class CallLog:
    """All calls since the start, or since it was cleared."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._next_index = 0

    def append(self, **fields: Any) -> None:
        """Add a call; it gets the next index."""
        with self._lock:
            self._calls.append(Call(index=self._next_index, **fields))
            self._next_index += 1

    def all(self, endpoint: str | None = None) -> list[Call]:
        """The calls in the order of their answers, of one endpoint or of all."""
        with self._lock:
            return [call for call in self._calls if endpoint in (None, call.endpoint)]

    def writes(self) -> list[Call]:
        """The calls of endpoints that change the PBX, whether they succeeded or not."""
        return [call for call in self.all() if call.write]

    def clear(self) -> None:
        """Forget the calls; indices go on."""
        with self._lock:
            self._calls.clear()

    def __len__(self) -> int:
        with self._lock:
            return len(self._calls)


def masked(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments without the access token, and with secrets replaced by asterisks."""
    return {name: MASK if name in _SECRETS else value for name, value in arguments.items() if name != "access_token"}
