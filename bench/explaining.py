# SPDX-License-Identifier: GPL-3.0-or-later
"""What it takes to explain everybody from what a run has seen, as a process of its own."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass

from .errors import BenchError
from .runs import Run, measured_run, run_module
from .site import Site


@dataclass(frozen=True)
class Explaining:
    """A run of all rules that keeps a snapshot, and the explanation of all users from it.

    :param keeping: a run that keeps one and changes nothing.
    :param not_keeping: the same run without.
    :param snapshot_bytes: what the snapshot takes in the ledger.
    :param processor_seconds: of the explaining module's own process.
    """

    keeping: Run
    not_keeping: Run
    snapshot_bytes: int
    users: int
    seconds: float
    processor_seconds: float
    peak_bytes: int


def measure_explaining(site: Site) -> Explaining:
    """Run all rules as they are saved, with a snapshot and without one, and explain everybody.

    :raises BenchError: if a run fails, or somebody is left out.
    """
    not_keeping, _result = measured_run(site, "pbx_ad_sync", {**site.connection_options, "keep_snapshot": False})
    keeping, _result = measured_run(site, "pbx_ad_sync", site.connection_options)
    offline = {"ledger_path": site.connection_options["ledger_path"], "offline": True, "limit": 10 * site.size}
    result, taken = run_module(site, "pbx_ad_user_info", offline)
    if result["truncated"] or len(result["users"]) < site.size // 2:
        raise BenchError(f"{len(result['users'])} of {site.size} users were explained")
    return Explaining(
        keeping=keeping,
        not_keeping=not_keeping,
        snapshot_bytes=_snapshot_bytes(site),
        users=len(result["users"]),
        seconds=taken["seconds"],
        processor_seconds=taken["processor_seconds"],
        peak_bytes=taken["peak_bytes"],
    )


def _snapshot_bytes(site: Site) -> int:
    with closing(sqlite3.connect(site.connection_options["ledger_path"])) as ledger:
        ((size,),) = ledger.execute("SELECT length(content) FROM snapshot").fetchall()
    return int(size)
