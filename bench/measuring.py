# SPDX-License-Identifier: GPL-3.0-or-later
"""Which measurements there are, and one after the other of those that are wanted."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.population import SMALLEST_SIZE
from lab.processes import LabError

from . import beside_bare, growth, limits, plain
from .beside_bare import BesideBare, measure_first, measure_no_change
from .errors import BenchError
from .explaining import measure_explaining
from .figures import Results, SizeFigures
from .growth import measure_growth
from .incremental import measure_incremental
from .ledger import measure_ledger
from .plain import make_environment, measure_plain
from .planning import measure_planning
from .reading import SLAPD_SIZE, measure_reading, measure_slapd_reading
from .runs import measure_runs
from .sign_on import measure_sign_ons
from .site import Site, fresh_site
from .starting import measure_starting
from .targets import NotMeasured

DETAILS = "details"
#: What ``--only`` takes, in the order of the table.
NAMES = (
    limits.DIRECTORY,
    beside_bare.FIRST,
    beside_bare.NO_CHANGE,
    limits.CALLS,
    limits.INCREMENTAL,
    plain.NAME,
    limits.PLANNER,
    limits.MEMORY,
    limits.LEDGER,
    limits.STARTING,
    DETAILS,
)
SITE_SIZES = (1_000, 10_000)

_SYNCHRONIZED_NAMES = frozenset({beside_bare.NO_CHANGE, limits.CALLS, limits.INCREMENTAL, DETAILS})
_SITE_NAMES = _SYNCHRONIZED_NAMES | {limits.DIRECTORY, beside_bare.FIRST}
# A PBX that takes its time is waited for.
_MOST_SLOW = 1_000


@dataclass(frozen=True)
class Bench:
    """Measures what is wanted.

    :param names: of NAMES.
    :param sizes: numbers of users; None for those that belong to each measurement.
    :param folder: for all files.
    :param results: what is measured is put here.
    """

    names: Collection[str]
    sizes: Sequence[int] | None
    folder: Path
    results: Results

    def measure(self) -> None:
        """Measure one after the other; what fails is noted, and the next one begins."""
        begun = time.monotonic()
        if _SITE_NAMES.intersection(self.names):
            for size in self.sizes or SITE_SIZES:
                with self._noting(f"a site of {size:,} users"):
                    self._measure_site(size)
        alone: dict[str, Callable[[], None]] = {
            limits.DIRECTORY: self._measure_slapd,
            plain.NAME: self._measure_plain,
            limits.PLANNER: self._measure_planner,
            limits.MEMORY: self._measure_growth,
            limits.LEDGER: self._measure_ledger,
            limits.STARTING: self._measure_starting,
        }
        for name, measure in alone.items():
            if name in self.names:
                _tell(name)
                with self._noting(name):
                    measure()
        self.results.targets.sort(key=lambda target: NAMES.index(target.name))
        self.results.seconds = time.monotonic() - begun

    @contextmanager
    def _noting(self, name: str) -> Iterator[None]:
        """Note what fails in a ``with`` block."""
        try:
            yield
        # Whatever it is, a quarter of an hour of other figures is not lost by it.
        except Exception as error:
            known = isinstance(error, BenchError | LabError)
            why = str(error) if known else "".join(traceback.format_exception(error))
            self.results.not_measured.append(NotMeasured(name, why.strip()))

    def _measure_site(self, size: int) -> None:
        if size < SMALLEST_SIZE:
            raise BenchError(f"{SMALLEST_SIZE} are the least that the lab's population has")
        _tell(f"{size:,} users: starting the lab")
        figures = SizeFigures(size)
        self.results.sizes.append(figures)
        with fresh_site(self.folder / f"site-{size}", size) as site:
            if limits.DIRECTORY in self.names:
                _tell(f"{size:,} users: reading the directory")
                figures.reading = measure_reading(site)
                self.results.targets += limits.of_reading(size, figures.reading)
            if beside_bare.FIRST in self.names:
                _tell(f"{size:,} users: first synchronizations")
                self._add_beside_bare(measure_first(site))
                if size <= _MOST_SLOW:
                    self._add_beside_bare(measure_first(site, pbx_seconds=beside_bare.PBX_SECONDS))
            if _SYNCHRONIZED_NAMES.intersection(self.names):
                self._measure_synchronized(site, figures)

    def _measure_synchronized(self, site: Site, figures: SizeFigures) -> None:
        _tell(f"{site.size:,} users: synchronizing, changing and synchronizing again")
        figures.runs = measure_runs(site)
        self.results.targets += limits.of_runs(site.size, figures.runs)
        if beside_bare.NO_CHANGE in self.names:
            self._add_beside_bare(measure_no_change(site))
        if limits.INCREMENTAL in self.names:
            _tell(f"{site.size:,} users: reading what changed")
            figures.incremental = measure_incremental(site)
            self.results.targets += limits.of_incremental(figures.incremental)
        if DETAILS in self.names:
            _tell(f"{site.size:,} users: explaining them")
            figures.explaining = measure_explaining(site)
            _tell(f"{site.size:,} users: signing on")
            figures.sign_on = measure_sign_ons(site)

    def _add_beside_bare(self, measured: BesideBare) -> None:
        self.results.beside_bare.append(measured)
        self.results.targets.append(measured.target)

    def _measure_slapd(self) -> None:
        for size in self.sizes or (SLAPD_SIZE,):
            reading = measure_slapd_reading(self.folder / f"slapd-{size}", size)
            self.results.slapd.append(reading)
            self.results.targets += limits.of_slapd_reading(size, reading)

    def _measure_plain(self) -> None:
        programs = make_environment()
        with fresh_site(self.folder / "site-plain", SMALLEST_SIZE) as site:
            for users in self.sizes or plain.SIZES:
                _tell(f"playbooks for {users:,} users")
                measured = measure_plain(site, programs, users)
                self.results.plain.append(measured)
                self.results.targets += measured.targets

    def _measure_planner(self) -> None:
        self.results.planning += measure_planning(self.sizes or limits.PLANNER_SIZES)
        self.results.targets += limits.of_planning(self.results.planning)

    def _measure_growth(self) -> None:
        for size in self.sizes or growth.SIZES:
            _tell(f"runs of {size:,} users")
            measured = measure_growth(self.folder / f"growth-{size}", size)
            self.results.growth.append(measured)
            self.results.targets += limits.of_growth(measured)

    def _measure_starting(self) -> None:
        self.results.starting += measure_starting()
        self.results.targets += limits.of_starting(self.results.starting)

    def _measure_ledger(self) -> None:
        for size in self.sizes or limits.LEDGER_SIZES:
            measured = measure_ledger(size)
            self.results.ledger.append(measured)
            self.results.targets += limits.of_ledger(measured)


def _tell(what: str) -> None:
    print(f"bench: {what} ...", file=sys.stderr, flush=True)
