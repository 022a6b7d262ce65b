# SPDX-License-Identifier: GPL-3.0-or-later
"""What befalls a command, and at which of its steps: each search, each call and each statement of the ledger is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random


class Side(StrEnum):
    """Where a step is taken."""

    DIRECTORY = "directory"
    PBX = "pbx"
    LEDGER = "ledger"


#: The process ends there; nothing of it is done after that, not even what it would tidy up.
KILLED_BEFORE, KILLED_AFTER = "killed_before", "killed_after"
#: An administrator does something at that moment.
EDITED = "edited"


class KilledError(BaseException):
    """The process was killed."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that happens at a step.

    :param at: the step of that side, from 1.
    :param only: what a step must hold to be counted; "" counts every one.
    :param kind: what happens; each side has its own kinds, and those above.
    :param draw: where chance within it comes from.
    :param times: how many steps on end it hits.
    """

    side: Side
    at: int
    kind: str
    draw: int
    times: int = 1
    only: str = ""

    def __str__(self) -> str:
        more = f" and the {self.times - 1} after it" if self.times > 1 else ""
        return f"{self.kind} at step {self.at}{more} of the {self.side} {self.only}"

    def random(self) -> Random:
        """The source of chance within it."""
        return Random(self.draw)


@dataclass(slots=True)
class Troubles:
    """The faults of one command, and what came of them.

    :param edit: what an administrator does when a fault says so.
    :param hit: the faults that took place.
    """

    faults: Sequence[Fault] = ()
    edit: Callable[[Fault], None] | None = None
    steps: Counter[Side] = field(default_factory=Counter)
    counted: Counter[Fault] = field(default_factory=Counter)
    hit: list[Fault] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    is_dead: bool = False

    def step(self, side: Side, what: str) -> Fault | None:
        """Take a step: return the fault that hits it, once an edit or a kill before it is done.

        :raises KilledError: if the process ends before the step, or is dead already.
        """
        if self.is_dead:
            raise KilledError
        self.steps[side] += 1
        number = self.steps[side]
        fault = self._fault(side, what)
        self.log.append(f"{side} {number}: {what}" if fault is None else f"{side} {number}: {what}  <-- {fault.kind}")
        if fault is None:
            return None
        self.hit.append(fault)
        if fault.kind == EDITED and self.edit is not None:
            self.edit(fault)
            return None
        if fault.kind == KILLED_BEFORE:
            self.die()
        return fault

    def _fault(self, side: Side, what: str) -> Fault | None:
        found = None
        for fault in self.faults:
            if fault.side is side and fault.only in what:
                self.counted[fault] += 1
                if found is None and 0 <= self.counted[fault] - fault.at < fault.times:
                    found = fault
        return found

    def die(self) -> None:
        """End the process.

        :raises KilledError: always.
        """
        self.is_dead = True
        raise KilledError

    def note(self, text: str) -> None:
        """Write into the log what a step came to."""
        self.log.append(text)
