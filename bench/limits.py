# SPDX-License-Identifier: GPL-3.0-or-later
"""What figures are judged by."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.listing import PAGE_SIZE

from .growth import Growth
from .incremental import Incremental
from .ledger import LedgerFigures
from .planning import Kind, Occasion, Planning
from .reading import Reading
from .runs import Run, Runs
from .starting import Starting
from .targets import Target

DIRECTORY, CALLS, INCREMENTAL, PLANNER = "directory", "calls", "incremental", "planner"
MEMORY, LEDGER, STARTING = "memory", "ledger", "starting"
PLANNER_SIZES = (10_000, 100_000)
LEDGER_SIZES = (100_000,)

SAMBA_RATIO, SLAPD_RATIO = 1.15, 1.5
CALLS_PER_CHANGE = 1.05
PLANNER_SECONDS = 3.0
LEDGER_SECONDS = 1.0
# A limit is for so many users, and for fewer.
MEGABYTES = {10_000: 150.0, 100_000: 400.0}
_QUERY_IDS, _OTHER_CALLS = 100, 10


def of_reading(size: int, reading: Reading) -> Iterator[Target]:
    """The reader beside ldapsearch, on Samba."""
    yield _of_reading("reading the directory, Samba", size, reading, SAMBA_RATIO)


def of_slapd_reading(size: int, reading: Reading) -> Iterator[Target]:
    """The same on OpenLDAP's server."""
    yield _of_reading("reading the directory, slapd", size, reading, SLAPD_RATIO)


def _of_reading(figure: str, size: int, reading: Reading, limit: float) -> Target:
    return Target(
        name=DIRECTORY,
        figure=figure,
        users=size,
        measured=reading.reader_seconds,
        unit="s",
        limit=limit,
        beside=reading.ldapsearch_seconds,
        beside_what="ldapsearch",
        ratio=reading.ratio,
    )


def of_runs(size: int, runs: Runs) -> Iterator[Target]:
    """The calls of a run without a change, those of a change, and the memory of the first run."""
    users = runs.first.changes
    limit = math.ceil(users / PAGE_SIZE) + math.ceil(users / _QUERY_IDS) + _OTHER_CALLS
    yield Target(CALLS, "calls of a run without a change", size, runs.no_change.calls.total, "calls", limit)
    changed = (
        *(runs.first, runs.ten_changes),
        *(runs.units_first, runs.units_moved, runs.groups_first, runs.groups_changed),
    )
    calls = sum(run.calls.for_changes for run in changed)
    changes = sum(run.changes for run in changed)
    yield Target(
        name=CALLS,
        figure="calls of all changes",
        users=size,
        measured=calls,
        unit="",
        limit=CALLS_PER_CHANGE,
        beside=changes,
        beside_what="changes",
        ratio=calls / changes,
    )
    yield from _of_memory("memory of a first run", size, runs.first)


def of_incremental(measured: Incremental) -> Iterator[Target]:
    """A run that reads what changed, beside one that reads the directory whole."""
    yield Target(
        name=INCREMENTAL,
        figure="run of all rules without a change, reading what changed",
        users=measured.size,
        measured=measured.changes.seconds,
        unit="s",
        limit=None,
        beside=measured.whole.seconds,
        beside_what="reading the directory whole",
        ratio=measured.ratio,
    )


def of_growth(growth: Growth) -> Iterator[Target]:
    """The memory of both runs."""
    yield from _of_memory("memory of a first run, planned", growth.size, growth.first)
    yield from _of_memory("memory of a run without a change", growth.size, growth.no_change)


def of_planning(figures: Sequence[Planning]) -> Iterator[Target]:
    """How long the users are planned."""
    titles = {
        Occasion.FIRST: "planning a first run",
        Occasion.NO_CHANGE: "planning a run without a change",
        Occasion.SOME_CHANGED: "planning after 1 % changed",
    }
    for one in figures:
        if one.kind is Kind.USERS:
            yield Target(PLANNER, titles[one.occasion], one.users, one.seconds, "s", PLANNER_SECONDS)


def of_ledger(figures: LedgerFigures) -> Iterator[Target]:
    """How long the associations are loaded."""
    yield Target(
        LEDGER, "loading the ledger's associations", figures.associations, figures.reading_seconds, "s", LEDGER_SECONDS
    )


def of_starting(figures: Sequence[Starting]) -> Iterator[Target]:
    """What modules take until they connect, beside what the libraries that they need take."""
    for one in figures:
        yield Target(
            name=STARTING,
            figure=f"{one.module} until it connects",
            users=None,
            measured=one.seconds,
            unit="s",
            limit=None,
            beside=one.libraries_seconds,
            beside_what="Python with ldap3 and requests",
            ratio=one.ratio,
        )


def _of_memory(figure: str, size: int, run: Run) -> Iterator[Target]:
    limit = next((limit for most, limit in MEGABYTES.items() if size <= most), None)
    yield Target(MEMORY, figure, size, run.peak_bytes / 1e6, "MB", limit)
