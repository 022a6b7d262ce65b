# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures as tables for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from .explaining import Explaining
from .figures import SizeFigures
from .reading import ROUNDS, Reading
from .runs import Run, Runs
from .sign_on import SignOnFigures
from .targets import NotMeasured, Target

HEADINGS = ("figure", "users", "measured", "beside it", "ratio", "limit", "met")

_LABEL_WIDTH = 44
_COLUMN_WIDTH = 12
_HUNDRED, _TEN = 100, 10

_Measured = TypeVar("_Measured")
_Row = tuple[str, Callable[[_Measured], str]]

_READING_ROWS: tuple[_Row[Reading], ...] = (
    ("entries", lambda reading: f"{reading.entries:,}"),
    ("reader, entries a second", lambda reading: f"{reading.reader_rate:,.0f}"),
    ("ldapsearch, entries a second", lambda reading: f"{reading.ldapsearch_rate:,.0f}"),
    ("reader, seconds", lambda reading: f"{reading.reader_seconds:.2f}"),
    ("ldapsearch, seconds", lambda reading: f"{reading.ldapsearch_seconds:.2f}"),
)

_RUN_ROWS: tuple[_Row[Run], ...] = (
    ("changes done", lambda run: f"{run.changes:,}"),
    ("conflicts", lambda run: f"{run.conflicts:,}"),
    ("Open API calls", lambda run: f"{run.calls.total:,}"),
    ("  reads", lambda run: f"{run.calls.reads:,}"),
    ("  writes", lambda run: f"{run.calls.writes:,}"),
    ("  tokens", lambda run: f"{run.calls.tokens:,}"),
    ("seconds", lambda run: f"{run.seconds:.1f}"),
    ("  of them the module's own processor time", lambda run: f"{run.processor_seconds:.1f}"),
    ("peak memory of the module, MB", lambda run: f"{run.peak_bytes / 1e6:.0f}"),
)

_RUNS: tuple[tuple[str, Callable[[Runs], Run]], ...] = (
    ("first run", lambda runs: runs.first),
    ("run after 10 changes in the directory", lambda runs: runs.ten_changes),
    ("run after no change", lambda runs: runs.no_change),
    ("organizational units: first run", lambda runs: runs.units_first),
    ("organizational units: run after users moved", lambda runs: runs.units_moved),
    ("organizational units: run after no change", lambda runs: runs.units_no_change),
    ("groups: first run", lambda runs: runs.groups_first),
    ("groups: run after one group changed", lambda runs: runs.groups_changed),
    ("groups: run after no change", lambda runs: runs.groups_no_change),
)

_EXPLAINING_ROWS: tuple[_Row[Explaining], ...] = (
    ("run of all rules that keeps no snapshot, seconds", lambda explaining: f"{explaining.not_keeping.seconds:.1f}"),
    ("run that keeps one, seconds", lambda explaining: f"{explaining.keeping.seconds:.1f}"),
    ("the snapshot, MB", lambda explaining: f"{explaining.snapshot_bytes / 1e6:.2f}"),
    ("users explained", lambda explaining: f"{explaining.users:,}"),
    ("seconds", lambda explaining: f"{explaining.seconds:.1f}"),
    ("  of them the module's own processor time", lambda explaining: f"{explaining.processor_seconds:.1f}"),
    ("peak memory of the module, MB", lambda explaining: f"{explaining.peak_bytes / 1e6:.0f}"),
)

_SIGN_ON_ROWS: tuple[_Row[SignOnFigures], ...] = (
    ("sign-ons one after the other", lambda sign_on: f"{sign_on.alone.count:,}"),
    ("  a second", lambda sign_on: f"{sign_on.alone.rate:.1f}"),
    ("  median answer, seconds", lambda sign_on: f"{sign_on.alone.median:.3f}"),
    ("  95th percentile, seconds", lambda sign_on: f"{sign_on.alone.late:.3f}"),
    ("sign-ons all at once", lambda sign_on: f"{sign_on.at_once.count:,}"),
    ("  a second", lambda sign_on: f"{sign_on.at_once.rate:.1f}"),
    ("  median answer, seconds", lambda sign_on: f"{sign_on.at_once.median:.3f}"),
    ("  95th percentile, seconds", lambda sign_on: f"{sign_on.at_once.late:.3f}"),
)


def as_header(machine: Mapping[str, str]) -> str:
    """The machine, a line for each label."""
    return "\n".join(f"{label + ':':<13}{value}" for label, value in machine.items())


def target_cells(target: Target) -> tuple[str, ...]:
    """The cells of a row of the table, one for each of the headings."""
    return (
        target.figure,
        "" if target.users is None else f"{target.users:,}",
        _quantity(target.measured, target.unit),
        "" if target.beside is None else f"{_quantity(target.beside, target.unit)} {target.beside_what}",
        "" if target.ratio is None else f"{target.ratio:.2f}",
        _limit(target),
        "" if target.limit is None else "yes" if target.is_met else "NO",
    )


def as_targets_table(targets: Sequence[Target], not_measured: Sequence[NotMeasured]) -> str:
    """Each figure beside its limit, and how many of them are kept."""
    rows = [HEADINGS, *map(target_cells, targets)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ["  ".join(_aligned(column, cell, widths[column]) for column, cell in enumerate(row)) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    lines += [f"{one.name} was not measured: {one.why}" for one in not_measured]
    judged = [target for target in targets if target.limit is not None]
    lines += ["", f"{sum(target.is_met for target in judged)} of {len(judged)} limits are kept"]
    return "\n".join(line.rstrip() for line in lines)


def as_table(figures: Sequence[SizeFigures]) -> str:
    """A column for each size, a row for each figure."""
    lines = [_line("users", [f"{one.size:,}" for one in figures])]
    readings = [one.reading for one in figures if one.reading]
    lines += _block(f"reading the directory (medians of {ROUNDS})", _READING_ROWS, readings)
    runs = [one.runs for one in figures if one.runs]
    for title, run_of in _RUNS:
        lines += _block(title, _RUN_ROWS, [run_of(one) for one in runs])
    lines += _block(
        "explaining everybody offline", _EXPLAINING_ROWS, [one.explaining for one in figures if one.explaining]
    )
    lines += _block("signing on at the gateway", _SIGN_ON_ROWS, [one.sign_on for one in figures if one.sign_on])
    return "\n".join(lines)


def _quantity(value: float, unit: str) -> str:
    """A figure with as many digits as say something."""
    if value == int(value) or value >= _HUNDRED:
        return f"{value:,.0f} {unit}".strip()
    return f"{value:.1f} {unit}" if value >= _TEN else f"{value:.2f} {unit}"


def _limit(target: Target) -> str:
    if target.limit is None:
        return ""
    return f"{target.limit:.2f}" if target.ratio is not None else _quantity(target.limit, target.unit)


def _aligned(column: int, cell: str, width: int) -> str:
    """Words are to the left, numbers to the right."""
    is_text = HEADINGS[column] in ("figure", "beside it", "met")
    return cell.ljust(width) if is_text else cell.rjust(width)


def _block(title: str, rows: Sequence[_Row[_Measured]], measured: Sequence[_Measured]) -> list[str]:
    if not measured:
        return []
    return ["", title, *(_line(f"  {label}", [show(one) for one in measured]) for label, show in rows)]


def _line(label: str, cells: Sequence[str]) -> str:
    return f"{label:<{_LABEL_WIDTH}}" + "".join(f"{cell:>{_COLUMN_WIDTH}}" for cell in cells)
