# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The runs of an integration as rows of bars: one row a figure, one bar a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.status import PastRun
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.words import duration

HEIGHT = 36
BAR = 10
_STEP = 14
# A bar that is not 0 is seen, however high the others are.
_LEAST = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """A run's bar, in units of the drawing."""

    x: int
    height: int


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of all runs.

    :param action: what the figure counts, for its colour.
    :param most: the highest value, in words.
    """

    name: str
    action: str
    bars: tuple[Bar, ...]
    most: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Rows of bars, each with a scale of its own; the oldest run is on the left."""

    rows: tuple[Row, ...]
    width: int
    height: int = HEIGHT
    bar_width: int = BAR


def _plain(most: float) -> str:
    return f"{most:,.0f}"


def draw(runs: Sequence[PastRun]) -> Chart:
    """Return the chart of runs that are given newest first."""
    oldest_first = runs[::-1]

    def row(name: str, action: str, value: Callable[[PastRun], float], told: Callable[[float], str] = _plain) -> Row:
        values = [value(run) for run in oldest_first]
        most = max(values, default=0)
        return Row(name, action, tuple(_bars(values, most)), told(most))

    return Chart(
        rows=(
            row("created", "create", lambda run: run.created),
            row("updated", "update", lambda run: run.updated),
            row("removed", "delete", lambda run: run.removed),
            row("failed", "failed", lambda run: run.state == "failed", lambda most: "yes" if most else "none"),
            row("duration", "duration", lambda run: run.duration or 0, duration),
        ),
        width=_STEP * len(oldest_first),
    )


def _bars(values: Sequence[float], most: float) -> list[Bar]:
    return [
        Bar(position * _STEP, max(round(HEIGHT * value / most), _LEAST))
        for position, value in enumerate(values)
        if value > 0
    ]
