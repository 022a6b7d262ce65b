# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls that go on in a PBX, and its queues."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

CallType = Literal["inbound", "outbound", "internal"]
CALL_TYPES: tuple[CallType, ...] = get_args(CallType)
# What a member of a call does: hears it ring at the other end, rings, talks (caller, callee), waits, has hung up.
MEMBER_STATUS = ("ALERT", "RING", "ANSWERED", "ANSWER", "HOLD", "BYE")


@dataclass(frozen=True)
class LiveCall:
    """One call. `extensions` are those in it with their status; another party is outside, over a trunk."""

    call_id: str
    type: CallType
    extensions: dict[str, str]


@dataclass(frozen=True)
class Queue:
    """One queue. Agents are ids of extensions."""

    id: int
    number: str
    name: str
    static_agents: tuple[int, ...] = ()
    dynamic_agents: tuple[int, ...] = ()


class Telephony:
    """What goes on by telephone; ids grow and are never given again."""

    def __init__(self) -> None:
        self._calls: dict[str, LiveCall] = {}
        self._queues: dict[int, Queue] = {}
        self._begun = 0

    def begin(self, call_type: CallType, extensions: dict[str, str]) -> str:
        """Let a call begin; its id. Raises ValueError for an unknown type or status."""
        unknown = {call_type} - set(CALL_TYPES) | set(extensions.values()) - set(MEMBER_STATUS)
        if unknown:
            raise ValueError(f"a call knows no {', '.join(sorted(unknown))}")
        self._begun += 1
        call_id = f"1700000000.{self._begun}"
        self._calls[call_id] = LiveCall(call_id, call_type, dict(extensions))
        return call_id

    def end(self, call_id: str) -> None:
        """End a call. Raises KeyError for an unknown id."""
        del self._calls[call_id]

    def calls(self) -> list[LiveCall]:
        """Every call, in the order in which they began."""
        return list(self._calls.values())

    def add_queue(self, number: str, name: str, static_agents: Iterable[int], dynamic_agents: Iterable[int]) -> int:
        """Add a queue; its id."""
        queue = Queue(len(self._queues) + 1, number, name, tuple(static_agents), tuple(dynamic_agents))
        self._queues[queue.id] = queue
        return queue.id

    def queues(self) -> list[Queue]:
        """Every queue, in the order of ids."""
        return list(self._queues.values())

    def queue(self, queue_id: int) -> Queue | None:
        """The queue with that id."""
        return self._queues.get(queue_id)

    def drop_extension(self, extension_id: int) -> None:
        """Take a deleted extension out of every queue; its calls go on."""
        for queue in self.queues():
            self._queues[queue.id] = Queue(
                queue.id,
                queue.number,
                queue.name,
                tuple(one for one in queue.static_agents if one != extension_id),
                tuple(one for one in queue.dynamic_agents if one != extension_id),
            )
