# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of all rules that find nothing to do: by what changed in the directory, and by reading all of it."""

from __future__ import annotations

import shutil
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import BenchError
from .runs import Run, measured_run, median_run
from .site import Site

CHANGES, WHOLE = "changes", "whole"
ROUNDS = 5

_MODULE = "pbx_ad_sync"
_SELDOM = 1_000


@dataclass(frozen=True)
class Incremental:
    """Rounds of both ways of reading, by turns.

    :param changes: the run of median length that read what changed since the run before, which was nothing.
    :param whole: the one that read the directory whole.
    :param ratio: the median of the rounds' own ratios.
    """

    size: int
    changes: Run
    whole: Run
    ratio: float


def measure_incremental(site: Site) -> Incremental:
    """Run on a synchronized site, with a copy of its ledger for each way of reading.

    :raises BenchError: if a run fails, changes something, or reads the directory in the other way.
    """
    ledger = Path(site.connection_options["ledger_path"])
    often, seldom = (Path(shutil.copy(ledger, site.folder / f"{name}.sqlite3")) for name in (WHOLE, CHANGES))
    # What is read by changes later is read whole and remembered first.
    _run(site, seldom, _SELDOM, WHOLE)
    pairs = [(_run(site, seldom, _SELDOM, CHANGES), _run(site, often, 1, WHOLE)) for _round in range(ROUNDS)]
    return Incremental(
        size=site.size,
        changes=median_run([changes for changes, _whole in pairs]),
        whole=median_run([whole for _changes, whole in pairs]),
        ratio=statistics.median(changes.seconds / whole.seconds for changes, whole in pairs),
    )


def _run(site: Site, ledger: Path, full_read_every: int, how: str) -> Run:
    options: dict[str, Any] = {**site.connection_options, "ledger_path": str(ledger)}
    run, result = measured_run(site, _MODULE, {**options, "full_read_every": full_read_every})
    if result["changed"] or run.calls.writes:
        raise BenchError("a run of all rules without any change in between wrote something")
    read = result["directory_read"]
    if read["how"] != how:
        raise BenchError(f"the directory was to be read by {how}, and was read by {read['how']}: {read['why']}")
    return run
