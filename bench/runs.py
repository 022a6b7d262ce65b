# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of the module takes: seconds, memory and calls. The first run, one with changes, one with none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.directory_admin import DirectoryAdmin, administer
from lab.samba import BASE_DN, SERVICE_ACCOUNTS_DN

from .errors import BenchError
from .site import Site

MODULES = "ansible_collections.pbxops.yeastar.plugins.modules"
TOKEN_ENDPOINTS = frozenset({"get_token", "refresh_token", "del_token"})
RENAMED, MOVED_NUMBERS, DELETED, NEW = 4, 2, 2, 2

_REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Calls:
    """How many calls the emulator's log shows, by kind."""

    reads: int
    writes: int
    tokens: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.reads + self.writes + self.tokens


@dataclass(frozen=True)
class Run:
    """One run of a module as a process of its own.

    :param processor_seconds: of the module's own process; the rest of `seconds` it waited for the servers and disks.
    :param peak_bytes: the largest resident set of the module's process.
    """

    seconds: float
    processor_seconds: float
    peak_bytes: int
    calls: Calls
    summary: Mapping[str, int]


@dataclass(frozen=True)
class Runs:
    """The three runs, in their order."""

    first: Run
    ten_changes: Run
    no_change: Run


def measure_runs(site: Site) -> Runs:
    """Connect, then synchronize three times; between the first and the second the directory changes.

    :raises BenchError: if a run fails, or does other changes than were made.
    """
    _run_module(site, "pbx_ad_connection", site.connection_options)
    first, result = _measured(site)
    made = _change_directory(site, _people(result))
    ten_changes, result = _measured(site)
    if len(result["changes"]) != made:
        raise BenchError(f"{made} changes were made in the directory, the run did {len(result['changes'])}")
    no_change, result = _measured(site)
    if result["changed"] or no_change.calls.writes:
        raise BenchError("a run without any change in between wrote something")
    return Runs(first, ten_changes, no_change)


def _measured(site: Site) -> tuple[Run, dict[str, Any]]:
    site.pbx.clear_calls()
    result, taken = _run_module(site, "pbx_ad_user_sync", site.user_options)
    run = Run(
        seconds=taken["seconds"],
        processor_seconds=taken["processor_seconds"],
        peak_bytes=taken["peak_bytes"],
        calls=_count(site.pbx.calls()),
        summary=result["summary"],
    )
    return run, result


def _run_module(site: Site, name: str, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run a module through `bench.launch`: its result, and what it took."""
    finished = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "bench.launch", sys.executable, "-m", f"{MODULES}.{name}"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {**options, "_ansible_remote_tmp": str(site.folder)}}),
        capture_output=True,
        text=True,
        cwd=_REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(_REPOSITORY / ".venv" / "collections")},
        check=False,
    )
    printed = finished.stdout.splitlines()
    if finished.returncode != 0 or not printed:
        raise BenchError(f"{name} did not run: {finished.stderr.strip()}")
    result: dict[str, Any] = json.loads(printed[-1])
    if result.get("failed"):
        raise BenchError(f"{name} failed: {result['msg']}")
    taken: dict[str, Any] = json.loads(finished.stderr.splitlines()[-1])
    return result, taken


def _count(calls: Sequence[Mapping[str, Any]]) -> Calls:
    tokens = sum(1 for call in calls if call["endpoint"] in TOKEN_ENDPOINTS)
    writes = sum(1 for call in calls if call["write"])
    return Calls(reads=len(calls) - tokens - writes, writes=writes, tokens=tokens)


def _people(result: Mapping[str, Any]) -> list[str]:
    """The DNs of those who got an extension, without the accounts that the lab itself needs."""
    created = [change["dn"] for change in result["changes"] if change["action"] == "create"]
    own = (SERVICE_ACCOUNTS_DN.lower(), f"CN=Users,{BASE_DN}".lower())
    return [dn for dn in created if not dn.lower().endswith(own)]


def _change_directory(site: Site, people: Sequence[str]) -> int:
    """Change people who have an extension, chosen evenly among them, and add new ones: the number of changes."""
    chosen = iter(people[:: len(people) // (RENAMED + MOVED_NUMBERS + DELETED)])
    with administer(site.directory) as admin:
        for index in range(RENAMED):
            admin.modify(next(chosen), sn=f"Neuhaus {index}")
        for index in range(MOVED_NUMBERS):
            admin.modify(next(chosen), telephoneNumber=f"+49 30 90{index}")
        for _index in range(DELETED):
            admin.delete(next(chosen))
        for index in range(NEW):
            _add_new(admin, index)
    return RENAMED + MOVED_NUMBERS + DELETED + NEW


def _add_new(admin: DirectoryAdmin, index: int) -> None:
    admin.add_user(f"Bench New {index}", givenName="New", sn=f"Person {index}", mail=f"bench.new.{index}@lab.test")
