# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole runs beside what they cannot do without: the bare reading of the directory, and the bare calls of the PBX.

A run is the module as a process of its own, from its start to its end. Beside it stand ldapsearch, which reads the same
people, and a bare loop that sends the same calls, one after the other.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .bare_calls import seconds_of_bare_calls
from .errors import BenchError
from .ldapsearch import Ldapsearch
from .reading import ldapsearch_of
from .runs import USERS, measured_run, run_module
from .site import Site
from .targets import Target

FIRST_LIMIT, NO_CHANGE_LIMIT = 1.2, 1.3
FIRST, NO_CHANGE = "first", "no-change"
#: What a PBX takes for a call, in seconds; the emulator takes next to nothing.
PBX_SECONDS = 0.05

_FRAGMENT = Path(__file__).resolve().parents[1] / "plugins" / "doc_fragments" / "connection.py"
_MANY = 2_000


@dataclass(frozen=True)
class BesideBare:
    """Rounds of a run and of what it cannot do without, by turns; seconds are medians.

    :param name: FIRST or NO_CHANGE.
    :param pbx_seconds: what the PBX was told to take for a call that writes, at least.
    :param calls: that the run sent, and the bare loop after it.
    :param concurrency: how many calls the bare loop has under way at once, which is what the run may have.
    :param ratio: the median of the rounds' own ratios.
    """

    name: str
    size: int
    pbx_seconds: float
    rounds: int
    calls: int
    concurrency: int
    run_seconds: float
    directory_seconds: float
    calls_seconds: float
    ratio: float

    @property
    def bare_seconds(self) -> float:
        """Both readings, or the reading and the writes."""
        return self.directory_seconds + self.calls_seconds

    @property
    def target(self) -> Target:
        """The row of the table."""
        slow = f", {1000 * self.pbx_seconds:.0f} ms a call" if self.pbx_seconds else ""
        is_first = self.name == FIRST
        return Target(
            name=self.name,
            figure=f"first synchronization{slow}" if is_first else f"run without a change{slow}",
            users=self.size,
            measured=self.run_seconds,
            unit="s",
            limit=FIRST_LIMIT if is_first else NO_CHANGE_LIMIT,
            beside=self.bare_seconds,
            beside_what="ldapsearch and a bare loop of the calls",
            ratio=self.ratio,
        )


@dataclass(frozen=True)
class _Round:
    run: float
    directory: float
    calls: float
    count: int

    @property
    def ratio(self) -> float:
        return self.run / (self.directory + self.calls)


def measure_first(site: Site, *, pbx_seconds: float = 0.0) -> BesideBare:
    """Synchronize an empty PBX, and send the same calls to an empty one; with a ledger of its own each time.

    :param pbx_seconds: what the PBX takes for each creation besides its own time.
    :raises BenchError: if a run or a bare call fails.
    """
    ldapsearch = ldapsearch_of(site)
    rounds = [_first(site, ldapsearch, pbx_seconds, number) for number in range(_rounds(site.size, pbx_seconds))]
    site.pbx.reset()
    return _summed(FIRST, site, rounds, pbx_seconds)


def measure_no_change(site: Site) -> BesideBare:
    """Let a synchronized site find nothing to do, and send the same calls.

    :raises BenchError: if a run or a bare call fails, or the run changes something.
    """
    return _summed(NO_CHANGE, site, list(_no_changes(site)), 0.0)


def default_concurrency() -> int:
    """How many calls a module has under way at once, if nobody says otherwise."""
    documentation: dict[str, Any] = {}
    exec(compile(_FRAGMENT.read_text(encoding="utf-8"), str(_FRAGMENT), "exec"), documentation)  # noqa: S102 (ours)
    options = yaml.safe_load(documentation["ModuleDocFragment"].DOCUMENTATION)["options"]
    return int(options.get("pbx_concurrency", {}).get("default", 1))


def _rounds(size: int, pbx_seconds: float) -> int:
    """What takes minutes, or waits more than it works, differs little from one time to the next."""
    return 1 if size > _MANY or pbx_seconds else 3


def _first(site: Site, ldapsearch: Ldapsearch, pbx_seconds: float, number: int) -> _Round:
    ledger = site.folder / f"first-{1000 * pbx_seconds:.0f}-{number}.sqlite3"
    options = {**site.connection_options, "ledger_path": str(ledger)}
    _empty(site, pbx_seconds)
    run_module(site, "pbx_ad_connection", options)
    run, _result = measured_run(site, USERS, {**site.user_options, **options})
    if not run.calls.writes:
        raise BenchError("a first synchronization created nothing")
    calls = site.pbx.calls(raw=True)
    _empty(site, pbx_seconds)
    return _beside(ldapsearch, run.seconds, options, calls)


def _empty(site: Site, pbx_seconds: float) -> None:
    site.pbx.reset()
    if pbx_seconds:
        site.pbx.fail("extension/create", "latency", seconds=pbx_seconds, times=None)


def _no_changes(site: Site) -> Iterator[_Round]:
    ldapsearch = ldapsearch_of(site)
    for _round in range(3):
        run, result = measured_run(site, USERS, site.user_options)
        if result["changed"]:
            raise BenchError("a run without a change in between changed something")
        yield _beside(ldapsearch, run.seconds, site.connection_options, site.pbx.calls(raw=True))


def _beside(
    ldapsearch: Ldapsearch, run_seconds: float, options: Mapping[str, Any], calls: list[dict[str, Any]]
) -> _Round:
    bare = seconds_of_bare_calls(options, calls, default_concurrency())
    return _Round(run_seconds, ldapsearch.timed()[0], bare, len(calls))


def _summed(name: str, site: Site, rounds: list[_Round], pbx_seconds: float) -> BesideBare:
    return BesideBare(
        name=name,
        size=site.size,
        pbx_seconds=pbx_seconds,
        rounds=len(rounds),
        calls=rounds[-1].count,
        concurrency=default_concurrency(),
        run_seconds=statistics.median(one.run for one in rounds),
        directory_seconds=statistics.median(one.directory for one in rounds),
        calls_seconds=statistics.median(one.calls for one in rounds),
        ratio=statistics.median(one.ratio for one in rounds),
    )
