# SPDX-License-Identifier: GPL-3.0-or-later
"""How time and memory grow, as a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from .growth import Growth
from .limits import MEGABYTES
from .runs import Run

NAME = "growth"
_FIRST, _NO_CHANGE = "first run, planned", "run without a change"
# Told apart by their marks too, for who does not see colours.
_MARKS = {_FIRST: ("o", "#1f5fa8"), _NO_CHANGE: ("s", "#b8501e")}


def draw_growth(growths: Sequence[Growth], folder: Path) -> None:
    """Write growth.svg and growth.png into a folder; the same figures give the same SVG."""
    ordered = sorted(growths, key=lambda one: one.size)
    with mpl.rc_context({"svg.hashsalt": NAME, "svg.fonttype": "path", "font.size": 10}):
        figure = Figure(figsize=(10, 4), layout="constrained")
        seconds, memory = figure.subplots(1, 2)
        _panel(seconds, ordered, "seconds of the whole process", lambda run: run.seconds)
        _panel(memory, ordered, "peak memory of the process, MB", lambda run: run.peak_bytes / 1e6)
        memory.scatter(list(MEGABYTES), list(MEGABYTES.values()), marker="_", s=400, color="#333333", label="limit")
        for panel in (seconds, memory):
            panel.legend()
        figure.savefig(folder / f"{NAME}.svg", metadata={"Date": None})
        figure.savefig(folder / f"{NAME}.png", dpi=150)


def _panel(axes: Axes, growths: Sequence[Growth], title: str, value: Callable[[Run], float]) -> None:
    sizes = [one.size for one in growths]
    series = {_FIRST: [value(one.first) for one in growths], _NO_CHANGE: [value(one.no_change) for one in growths]}
    for label, values in series.items():
        mark, colour = _MARKS[label]
        axes.plot(sizes, values, marker=mark, color=colour, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda number, _place: f"{number:,g}"))
    axes.set_xlabel("users")
    axes.set_title(title)
    axes.grid(visible=True, which="major", alpha=0.3)
