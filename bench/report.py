# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .explaining import Explaining
from .reading import ROUNDS, Reading
from .runs import Run, Runs
from .sign_on import SignOnFigures

_LABEL_WIDTH = 44
_COLUMN_WIDTH = 12


@dataclass(frozen=True)
class Figures:
    """All that was measured with one size.

    :param bare_creation_seconds: what one bare call of extension/create takes.
    """

    size: int
    reading: Reading
    runs: Runs
    explaining: Explaining
    sign_on: SignOnFigures
    bare_creation_seconds: float

    @property
    def bare_seconds(self) -> float:
        """What the first run's creations take as bare calls."""
        return self.bare_creation_seconds * self.runs.first.summary["created"]


_Row = tuple[str, Callable[[Figures], str]]

_READING_ROWS: tuple[_Row, ...] = (
    ("entries", lambda figures: f"{figures.reading.entries:,}"),
    ("reader, entries a second", lambda figures: f"{figures.reading.reader_rate:,.0f}"),
    ("ldapsearch, entries a second", lambda figures: f"{figures.reading.ldapsearch_rate:,.0f}"),
    ("reader, seconds", lambda figures: f"{figures.reading.reader_seconds:.2f}"),
    ("ldapsearch, seconds", lambda figures: f"{figures.reading.ldapsearch_seconds:.2f}"),
    ("reader's time by ldapsearch's, side by side", lambda figures: f"{figures.reading.ratio:.2f}"),
)

_BARE_ROWS: tuple[_Row, ...] = (
    ("the same creations as bare calls, seconds", lambda figures: f"{figures.bare_seconds:.1f}"),
)


_EXPLAINING_ROWS: tuple[_Row, ...] = (
    (
        "run of all rules that keeps no snapshot, seconds",
        lambda figures: f"{figures.explaining.not_keeping.seconds:.1f}",
    ),
    ("run that keeps one, seconds", lambda figures: f"{figures.explaining.keeping.seconds:.1f}"),
    ("the snapshot, MiB", lambda figures: f"{figures.explaining.snapshot_bytes / 2**20:.2f}"),
    ("users explained", lambda figures: f"{figures.explaining.users:,}"),
    ("seconds", lambda figures: f"{figures.explaining.seconds:.1f}"),
    ("  of them the module's own processor time", lambda figures: f"{figures.explaining.processor_seconds:.1f}"),
    ("peak memory of the module, MiB", lambda figures: f"{figures.explaining.peak_bytes / 2**20:.0f}"),
)

_SIGN_ON_ROWS: tuple[_Row, ...] = (
    ("sign-ons one after the other", lambda figures: f"{figures.sign_on.alone.count:,}"),
    ("  a second", lambda figures: f"{figures.sign_on.alone.rate:.1f}"),
    ("  median answer, seconds", lambda figures: f"{figures.sign_on.alone.median:.3f}"),
    ("  95th percentile, seconds", lambda figures: f"{figures.sign_on.alone.late:.3f}"),
    ("sign-ons all at once", lambda figures: f"{figures.sign_on.at_once.count:,}"),
    ("  a second", lambda figures: f"{figures.sign_on.at_once.rate:.1f}"),
    ("  median answer, seconds", lambda figures: f"{figures.sign_on.at_once.median:.3f}"),
    ("  95th percentile, seconds", lambda figures: f"{figures.sign_on.at_once.late:.3f}"),
)


def as_table(figures: Sequence[Figures]) -> str:
    """A column for each size, a row for each figure."""
    lines = [_line("users", [f"{one.size:,}" for one in figures])]
    lines += _block(f"reading the directory (medians of {ROUNDS})", _READING_ROWS, figures)
    lines += _block("first run", (*_run_rows(lambda runs: runs.first), *_BARE_ROWS), figures)
    lines += _block("run after 10 changes in the directory", _run_rows(lambda runs: runs.ten_changes), figures)
    lines += _block("run after no change", _run_rows(lambda runs: runs.no_change), figures)
    lines += _block("organizational units: first run", _run_rows(lambda runs: runs.units_first), figures)
    lines += _block("organizational units: run after users moved", _run_rows(lambda runs: runs.units_moved), figures)
    lines += _block("organizational units: run after no change", _run_rows(lambda runs: runs.units_no_change), figures)
    lines += _block("groups: first run", _run_rows(lambda runs: runs.groups_first), figures)
    lines += _block("groups: run after one group changed", _run_rows(lambda runs: runs.groups_changed), figures)
    lines += _block("groups: run after no change", _run_rows(lambda runs: runs.groups_no_change), figures)
    lines += _block("explaining everybody offline", _EXPLAINING_ROWS, figures)
    lines += _block("signing on at the gateway", _SIGN_ON_ROWS, figures)
    return "\n".join(lines)


def as_header(machine: Mapping[str, str]) -> str:
    """The machine, a line for each label."""
    return "\n".join(f"{label + ':':<13}{value}" for label, value in machine.items())


def as_json(machine: Mapping[str, str], figures: Sequence[Figures]) -> dict[str, Any]:
    """All figures by their names."""
    return {"machine": dict(machine), "sizes": [asdict(one) for one in figures]}


def _run_rows(run: Callable[[Runs], Run]) -> tuple[_Row, ...]:
    def of(show: Callable[[Run], str]) -> Callable[[Figures], str]:
        return lambda figures: show(run(figures.runs))

    return (
        ("changes done", of(_changes)),
        ("conflicts", of(lambda one: f"{one.summary['conflicts']:,}")),
        ("Open API calls", of(lambda one: f"{one.calls.total:,}")),
        ("  reads", of(lambda one: f"{one.calls.reads:,}")),
        ("  writes", of(lambda one: f"{one.calls.writes:,}")),
        ("  tokens", of(lambda one: f"{one.calls.tokens:,}")),
        ("seconds", of(lambda one: f"{one.seconds:.1f}")),
        ("  of them the module's own processor time", of(lambda one: f"{one.processor_seconds:.1f}")),
        ("peak memory of the module, MiB", of(lambda one: f"{one.peak_bytes / 2**20:.0f}")),
    )


def _changes(run: Run) -> str:
    return f"{sum(run.summary[action] for action in ('created', 'associated', 'updated', 'released', 'deleted')):,}"


def _block(title: str, rows: Sequence[_Row], figures: Sequence[Figures]) -> list[str]:
    return ["", title, *(_line(f"  {label}", [show(one) for one in figures]) for label, show in rows)]


def _line(label: str, cells: Sequence[str]) -> str:
    return f"{label:<{_LABEL_WIDTH}}" + "".join(f"{cell:>{_COLUMN_WIDTH}}" for cell in cells)
