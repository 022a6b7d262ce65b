# SPDX-License-Identifier: GPL-3.0-or-later
"""The control channel: how a running proxy is told what to play and asked what it saw.

One JSON object a line each way, over a TCP connection on the proxy's own loopback address. A request holds `do` and its
arguments; the answer holds `value` or `error`.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from dataclasses import asdict, replace
from types import TracebackType
from typing import Any, Self

from twisted.protocols.basic import LineReceiver

from lab.ldap_proxy import faults as fault_rules
from lab.ldap_proxy.faults import Fault
from lab.ldap_proxy.limits import Limits
from lab.ldap_proxy.state import ProxyState


class ControlProtocol(LineReceiver):
    """The proxy's end."""

    delimiter = b"\n"
    MAX_LENGTH = 1 << 20

    def __init__(self, state: ProxyState) -> None:
        self._state = state

    def lineReceived(self, line: bytes) -> None:  # noqa: N802 (twisted's name)
        """Do what one line asks for and answer it."""
        try:
            answer = {"value": self._do(json.loads(line))}
        except (KeyError, TypeError, ValueError) as error:
            answer = {"error": repr(error)}
        self.sendLine(json.dumps(answer).encode())

    def _do(self, request: dict[str, Any]) -> Any:
        state = self._state
        match request["do"]:
            case "set_faults":
                state.set_faults(fault_rules.from_json(request["faults"]))
            case "set_limits":
                state.limits = replace(state.limits, **request["limits"])
                return asdict(state.limits)
            case "clear":
                state.clear()
                state.limits = Limits()
            case "log":
                return state.log
            case other:
                raise ValueError(f"cannot do {other!r}")
        return None


class ProxyControl:
    """The client's end. Use it as a context manager, or close it.

    Raises ValueError for what the proxy does not understand.
    """

    def __init__(self, address: str, port: int) -> None:
        self._socket = socket.create_connection((address, port), timeout=10)
        self._lines = self._socket.makefile("rwb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the channel; what was set stays set."""
        self._lines.close()
        self._socket.close()

    def set_faults(self, faults: Iterable[Fault]) -> None:
        """Play these faults and no others, and count searches and binds from 1 again."""
        self._ask({"do": "set_faults", "faults": fault_rules.to_json(faults)})

    def set_limits(self, **limits: Any) -> Limits:
        """Change limits by the names of `Limits`, and return all that are in force now."""
        return Limits(**self._ask({"do": "set_limits", "limits": limits}))

    def clear(self) -> None:
        """No faults, Windows' own limits, an empty log."""
        self._ask({"do": "clear"})

    def log(self) -> list[dict[str, Any]]:
        """What was asked since the last clear, oldest first: one row a bind and one a page of a search.

        A row of a search holds `connection`, `search` (its number), `page`, `page_size` (None where it was not paged),
        `base`, `scope`, `filter`, `attributes`, `controls` (their OIDs), `result` (code; None where the connection was
        cut first) and `entries`. A row of a bind holds `connection`, `name`, `tls` and `result`.
        """
        rows: list[dict[str, Any]] = self._ask({"do": "log"})
        return rows

    def searches(self) -> list[dict[str, Any]]:
        """The log's searches alone."""
        return [row for row in self.log() if row["operation"] == "search"]

    def _ask(self, request: dict[str, Any]) -> Any:
        self._lines.write(json.dumps(request).encode() + b"\n")
        self._lines.flush()
        line = self._lines.readline()
        if not line:
            raise ConnectionError("the LDAP proxy has closed its control channel")
        answer = json.loads(line)
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["value"]
