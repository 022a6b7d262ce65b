# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the figures of a run of the bench into docs/performance.md, and its plot into docs/pictures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import BenchError
from .plot import NAME
from .report import HEADINGS, target_cells
from .targets import NotMeasured, Target

_DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = _DOCS / "performance.md"
PICTURE = _DOCS / "pictures" / f"{NAME}.svg"
#: Between these two lines the page is written by this module.
BEGIN = "<!-- Written by python -m bench --write-docs, from here -->"
END = "<!-- to here. -->"


def write_documentation(path: Path) -> None:
    """Write the figures of a JSON file of the bench into the documentation.

    :raises BenchError: if there is no such file, or it has not all figures.
    """
    if not path.is_file():
        raise BenchError(f"there is no {path}: run the bench first")
    measured = json.loads(path.read_text(encoding="utf-8"))
    if not measured["targets"] or not measured["growth"]:
        raise BenchError(f"{path} has a part of the figures only: run the whole bench")
    text = PAGE.read_text(encoding="utf-8")
    before, _begin, rest = text.partition(BEGIN)
    _between, _end, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{figures_as_markdown(measured)}\n{END}{after}", encoding="utf-8")
    shutil.copyfile(path.with_name(f"{NAME}.svg"), PICTURE)


def figures_as_markdown(measured: Mapping[str, Any]) -> str:
    """The machine, the table of limits and that of growth, of what a JSON file of the bench holds."""
    targets = [Target(**one) for one in measured["targets"]]
    missing = [NotMeasured(**one) for one in measured["not_measured"]]
    judged = [target for target in targets if target.limit is not None]
    parts = [
        "\n".join(_table(("", ""), measured["machine"].items())),
        "\n".join(_table(HEADINGS, map(target_cells, targets))),
        f"{sum(target.is_met for target in judged)} of {len(judged)} limits are kept.",
        *(f"Not measured: {one.name} ({one.why.splitlines()[-1]})." for one in missing),
        "\n".join(_growth_table(measured["growth"])),
    ]
    return "\n" + "\n\n".join(parts) + "\n"


def _growth_table(growths: Sequence[Mapping[str, Any]]) -> list[str]:
    headings = ("users", "first run, planned: seconds", "MB", "run without a change: seconds", "MB")
    rows = [
        (
            f"{one['size']:,}",
            *(cell for which in ("first", "no_change") for cell in _taken(one[which])),
        )
        for one in growths
    ]
    return _table(headings, rows)


def _taken(run: Mapping[str, Any]) -> tuple[str, str]:
    return f"{run['seconds']:.1f}", f"{run['peak_bytes'] / 1e6:.0f}"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (headings, ["---"] * len(headings), *rows)]
