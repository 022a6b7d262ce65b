# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand: what may go wrong between a client and the PBX, at a chosen call."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

FaultKind = Literal[
    "latency",  # the answer comes `seconds` late
    "act",  # `action` is called, and the answer waits for its end
    "http_500",  # HTTP 500 with an HTML page
    "errcode",  # `errcode` in a JSON body
    "expired_token",  # the call's token expires there and then: 10004
    "cut_before_work",  # the connection ends, nothing was done
    "cut_after_work",  # the connection ends, the work was done
    "cut_mid_answer",  # the connection ends in the middle of the answer, the work was done
    "garbage",  # an answer that is no JSON, the work was done
    "short_page",  # a list page with its last `rows` rows missing
    "larger_total",  # a list whose total_number is `rows` more than there are
    "missing_ids",  # a list or query answer without the objects of `ids`
    "missing_members",  # groups of a get or query answer with their last `rows` members missing
]
ANY_ENDPOINT = "*"


@dataclass(frozen=True)
class Fault:
    """What goes wrong at which call.

    `endpoint` is a path below openapi/v1.0 ("extension/create") or "*". `nth` counts that
    endpoint's calls from 1, from when the fault was added; None means every call. `times` is how
    many calls from the nth on are hit (None: all). `work_done` makes latency, act, http_500 and
    errcode happen after the work. `action` is a function of who set the fault, within this process
    alone.
    """

    endpoint: str
    kind: FaultKind
    nth: int | None = None
    times: int | None = 1
    errcode: int = -2
    seconds: float = 0.0
    rows: int = 1
    ids: tuple[int, ...] = ()
    work_done: bool = False
    action: Callable[[], object] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"kind: {self.kind} is none of {', '.join(get_args(FaultKind))}")
        if (self.kind == "act") != callable(self.action):
            raise ValueError("action: a function, which act needs and no other kind has")

    def hits(self, count: int) -> bool:
        """Whether the endpoint's call number `count` is hit."""
        if self.nth is None:
            return True
        return count >= self.nth and (self.times is None or count < self.nth + self.times)

    def as_json(self) -> dict[str, Any]:
        """The fault as the control port shows it, without the action."""
        return {name: value for name, value in vars(self).items() if name != "action"}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Fault:
        """A fault as the control port gets it. Raises TypeError or ValueError for a bad one."""
        return cls(**{**fields, "ids": tuple(fields.get("ids", ()))})


class FaultPlan:
    """The faults that are set, each with its own count of calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: list[tuple[Fault, int]] = []

    def add(self, fault: Fault) -> None:
        """Set a fault; its count of calls starts now."""
        with self._lock:
            self._counts.append((fault, 0))

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._counts.clear()

    def take(self, endpoint: str) -> list[Fault]:
        """The faults that hit this call of `endpoint`, which is counted."""
        hit = []
        with self._lock:
            for index, (fault, count) in enumerate(self._counts):
                if fault.endpoint not in (ANY_ENDPOINT, endpoint):
                    continue
                self._counts[index] = (fault, count + 1)
                if fault.hits(count + 1):
                    hit.append(fault)
        return hit

    def all(self) -> list[dict[str, Any]]:
        """The faults that are set, as JSON has them; `counted` is how many calls each has seen."""
        with self._lock:
            return [{**fault.as_json(), "counted": count} for fault, count in self._counts]


def bend(payload: dict[str, Any], faults: list[Fault]) -> dict[str, Any]:
    """The answer with rows and totals as the faults make them."""
    bent = dict(payload)
    for fault in faults:
        rows = bent.get("data")
        if fault.kind == "short_page" and isinstance(rows, list):
            bent["data"] = rows[: max(0, len(rows) - fault.rows)]
        elif fault.kind == "larger_total" and "total_number" in bent:
            bent["total_number"] = int(bent["total_number"]) + fault.rows
        elif fault.kind == "missing_ids" and isinstance(rows, list):
            bent["data"] = [row for row in rows if int(row["id"]) not in fault.ids]
        elif fault.kind == "missing_members" and rows is not None:
            bent["data"] = _with_fewer_members(rows, fault.rows)
    return bent


def _with_fewer_members(data: Any, missing: int) -> Any:
    if isinstance(data, list):
        return [_with_fewer_members(one, missing) for one in data]
    members = data.get("members")
    if not isinstance(members, list):
        return data
    return {**data, "members": members[: max(0, len(members) - missing)]}
