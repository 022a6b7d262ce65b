# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""How far runs have come, read from what they tell and put into a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TextIO

_WHOLE = 100
_BAR = 30
_LEAST_BAR = 10
_MINUTE = 60
_HOUR = 60 * _MINUTE
# The first is set by ansible-runner, and so in AWX.
_NOBODY_LOOKS = ("AWX_ISOLATED_DATA_DIR", "CI")


@dataclass(frozen=True, slots=True)
class Seen:
    """How far a run has come.

    :param planned: how many changes are to be carried out; more than none.
    :param skipped: how many were not begun, since something that they need was not done.
    :param seconds: for how long changes have been carried out.
    """

    planned: int
    done: int
    failed: int
    skipped: int
    seconds: float

    @property
    def handled(self) -> int:
        """How many changes are behind it, whatever became of them."""
        return min(self.done + self.failed + self.skipped, self.planned)

    @property
    def percent(self) -> int:
        """How much of it is behind it; the whole only when nothing is left."""
        return _WHOLE * self.handled // self.planned

    @property
    def rate(self) -> float:
        """Changes in a second; 0 where that cannot be told yet."""
        return self.handled / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at that rate; None where that cannot be told."""
        return (self.planned - self.handled) / self.rate if self.rate > 0 else None


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a line is written where lines stay.

    :param seconds: after so many, whether anything has moved or not.
    :param percent: and after each such part of the whole; 0 for no such parts.
    """

    seconds: int = 30
    percent: int = 10

    def is_due(self, seen: Seen, told: Seen | None, waited: float) -> bool:
        """Tell whether it is time for a line.

        :param told: what the last line has told; None if there was none.
        :param waited: seconds since that line.
        """
        if told is None or waited >= self.seconds:
            return True
        return self.percent > 0 and seen.percent // self.percent > told.percent // self.percent


def last_seen(text: str) -> Seen | None:
    """Return what the last whole line tells that a run has written; None if there is none that can be read."""
    whole, _newline, _begun = text.rpartition("\n")
    try:
        seen = Seen(**json.loads(whole.rpartition("\n")[2]))
        return seen if seen.planned > 0 else None
    except (ValueError, TypeError):
        return None


def together(several: Iterable[Seen]) -> Seen | None:
    """Return how far several runs have come that go on side by side; None for none."""
    all_of_them = list(several)
    if not all_of_them:
        return None
    return Seen(
        planned=sum(one.planned for one in all_of_them),
        done=sum(one.done for one in all_of_them),
        failed=sum(one.failed for one in all_of_them),
        skipped=sum(one.skipped for one in all_of_them),
        seconds=max(one.seconds for one in all_of_them),
    )


def bar_line(name: str, seen: Seen, width: int) -> str:
    """Return a line with a bar for a terminal.

    :param width: characters that fit; the bar is left out where there is no room for it, and the end where even then
        there is too little.
    """
    parts = [f"{seen.handled:,} of {seen.planned:,}", f"{seen.percent} %", *_troubles(seen)]
    if seen.rate > 0:
        parts.append(f"{seen.rate:.1f}/s")
    if seen.seconds_left is not None:
        parts.append(f"{duration(seen.seconds_left)} left")
    counts = "  ".join(parts)
    room = min(width - len(name) - len(counts) - len("  []  "), _BAR)
    if room < _LEAST_BAR:
        return f"{name}  {counts}"[:width]
    full = room * seen.handled // seen.planned
    return f"{name}  [{'#' * full}{'-' * (room - full)}]  {counts}"


def plain_line(name: str, seen: Seen) -> str:
    """Return a line that stays, for a log."""
    counts = ", ".join([f"{seen.handled:,} of {seen.planned:,} changes ({seen.percent} %)", *_troubles(seen)])
    if seen.handled == seen.planned:
        return f"{name}: {counts} in {duration(seen.seconds)}"
    if seen.seconds_left is None:
        return f"{name}: {counts}"
    return f"{name}: {counts}, {seen.rate:.1f} a second, about {duration(seen.seconds_left)} left"


def _troubles(seen: Seen) -> list[str]:
    counted = ((seen.failed, "failed"), (seen.skipped, "skipped"))
    return [f"{count:,} {word}" for count, word in counted if count]


def duration(seconds: float) -> str:
    """Return a duration as a clock shows it: minutes and seconds, and hours where there are any."""
    whole = round(seconds)
    hours, minutes, rest = whole // _HOUR, whole % _HOUR // _MINUTE, whole % _MINUTE
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def is_rewritable(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Tell whether somebody looks at a stream while it is written: AWX and CI have terminals too, to write files."""
    if any(name in environment for name in _NOBODY_LOOKS):
        return False
    return stream.isatty() and environment.get("TERM", "dumb") != "dumb"
