# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the control port of an emulator that runs as a process of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import requests

_SECONDS = 30


class ControlError(Exception):
    """The emulator refused what it was told to do."""


class ControlClient:
    """What `Emulator` and `Pbx` offer inside a process, over the control port.

    Methods raise ControlError for a refusal, requests.RequestException where nobody answers.
    """

    def __init__(self, url: str) -> None:
        """`url` is the control port's, such as http://127.0.0.1:8089."""
        self._url = url.rstrip("/")
        self._session = requests.Session()
        # A proxy of the environment has no business between here and loopback.
        self._session.trust_env = False

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def calls(self, endpoint: str | None = None, *, raw: bool = False) -> list[dict[str, Any]]:
        """The log of calls; with `raw` also queries and bodies as they came, secrets and all."""
        wanted = {"endpoint": endpoint, "raw": "1" if raw else None}
        calls: list[dict[str, Any]] = self._get("/calls", wanted)
        return calls

    def clear_calls(self) -> None:
        """Forget the calls."""
        self._post("/calls/clear")

    def log_ins(self) -> list[dict[str, Any]]:
        """The log-ins to Linkus that were tried so far: the fields of LogIn."""
        log_ins: list[dict[str, Any]] = self._get("/log-ins", {})
        return log_ins

    def state(self) -> dict[str, Any]:
        """What the PBX holds: the fields of State."""
        state: dict[str, Any] = self._get("/state", {})
        return state

    def fail(self, endpoint: str, kind: str, nth: int | None = None, **fields: Any) -> None:
        """Add a fault: see Fault for the fields."""
        self._post("/faults", endpoint=endpoint, kind=kind, nth=nth, **fields)

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._post("/faults/clear")

    def change_variants(self, **changes: Any) -> dict[str, Any]:
        """Change some variants; all of them as they are then."""
        variants: dict[str, Any] = self._post("/variants", **changes)
        return variants

    def advance_clock(self, seconds: float) -> float:
        """Put the PBX's clock forward; its time then, in seconds since 1970."""
        now: float = self._post("/clock", advance=seconds)["now"]
        return now

    def seed_extension(self, number: str, **fields: Any) -> int:
        """Add an extension, unchecked but for uniqueness; its id."""
        extension_id: int = self._post("/seed-extension", number=number, **fields)
        return extension_id

    def seed_extensions(self, count: int, first_number: int = 1000) -> None:
        """Add `count` extensions with consecutive numbers."""
        self._post("/seed-extensions", count=count, first_number=first_number)

    def seed_each_extension(self, extensions: Sequence[Mapping[str, Any]]) -> list[int]:
        """Add extensions, each with its number and fields, as `seed_extension` does; their ids in the same order."""
        ids: list[int] = self._post("/seed-each-extension", extensions=extensions)
        return ids

    def seed_number(self, number: str, kind: str, name: str = "") -> None:
        """Let another object (an IVR, a queue …) have a number."""
        self._post("/seed-number", number=number, kind=kind, name=name)

    def seed_organization(self, name: str, parent_id: int = 1) -> int:
        """Add a department; its id."""
        organization_id: int = self._post("/seed-organization", name=name, parent_id=parent_id)
        return organization_id

    def seed_group(self, name: str, members: dict[int, str] | None = None, flags: dict[str, int] | None = None) -> int:
        """Add a group of specific members (extension id: user type) and permissions; its id."""
        group_id: int = self._post("/seed-group", name=name, members=members or {}, flags=flags or {})
        return group_id

    def change_by_hand(self, number: str, **fields: Any) -> None:
        """Change an extension as an administrator at the web portal does."""
        self._post("/change-by-hand", number=number, **fields)

    def delete_by_hand(self, number: str) -> None:
        """Delete an extension as an administrator at the web portal does."""
        self._post("/delete-by-hand", number=number)

    def mark_referenced(self, number: str) -> None:
        """Let another object refer to the extension, so that deleting it gives 70091."""
        self._post("/mark-referenced", number=number)

    def start_call(self, number: str, call_type: str = "inbound", other: str = "", status: str = "ANSWER") -> str:
        """Let an extension be in a call, in an internal one with `other`; the call's id."""
        call_id: str = self._post("/start-call", number=number, call_type=call_type, other=other, status=status)
        return call_id

    def end_call(self, call_id: str) -> None:
        """End a call."""
        self._post("/end-call", call_id=call_id)

    def add_queue(self, number: str, agents: list[str], dynamic_agents: list[str] | None = None, name: str = "") -> int:
        """Add a queue with the extensions of these numbers as static and dynamic agents; its id."""
        queue_id: int = self._post(
            "/add-queue", number=number, agents=agents, dynamic_agents=dynamic_agents or [], name=name
        )
        return queue_id

    def unblock(self, address: str | None = None) -> None:
        """Lift the lock-out of one address, or of all."""
        self._post("/unblock", address=address)

    def expire_tokens(self) -> None:
        """Let all access tokens expire now."""
        self._post("/expire-tokens")

    def reset(self) -> None:
        """A new, empty PBX with the same settings and variants."""
        self._post("/reset")

    def _get(self, path: str, arguments: dict[str, str | None]) -> Any:
        return _result(self._session.get(self._url + path, params=arguments, timeout=_SECONDS))

    def _post(self, path: str, **arguments: Any) -> Any:
        return _result(self._session.post(self._url + path, json=arguments, timeout=_SECONDS))


def _result(response: requests.Response) -> Any:
    content = response.json()
    if "error" in content:
        raise ControlError(content["error"])
    return content["result"]
