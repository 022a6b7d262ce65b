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
from typing import Any, Protocol

from lab.directory_admin import DirectoryAdmin, administer, split_dn
from lab.pbx.control import ControlClient
from lab.samba import BASE_DN, SERVICE_ACCOUNTS_DN

from .errors import BenchError
from .site import Site

MODULES = "ansible_collections.pbxops.yeastar.plugins.modules"
TOKEN_ENDPOINTS = frozenset({"get_token", "refresh_token", "del_token"})
USERS, UNITS, GROUPS = "pbx_ad_user_sync", "pbx_ad_ou_sync", "pbx_ad_group_sync"
RENAMED, MOVED_NUMBERS, DELETED, NEW = 4, 2, 2, 2
MOVED, JOINED, LEFT = 10, 5, 5

_REPOSITORY = Path(__file__).resolve().parents[1]


class Place(Protocol):
    """Where a module runs: its folder, and the PBX that it talks to."""

    @property
    def folder(self) -> Path:
        """For the files of the run."""

    @property
    def pbx(self) -> ControlClient:
        """Steers the emulator and reads its log of calls."""


@dataclass(frozen=True)
class Calls:
    """How many calls the emulator's log shows, by kind.

    :param for_changes: all from the first write to the last one, but those for the token: what the changes took.
    """

    reads: int
    writes: int
    tokens: int
    for_changes: int

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
    changes: int
    conflicts: int


@dataclass(frozen=True)
class Runs:
    """The runs of each kind, in their order.

    :param units_first: makes the organizations and puts every extension into its own.
    :param units_moved: after a few users have moved to another unit.
    :param groups_first: makes the extension groups with their members.
    :param groups_changed: after a few users have come into a group and a few have left it.
    """

    first: Run
    ten_changes: Run
    no_change: Run
    units_first: Run
    units_moved: Run
    units_no_change: Run
    groups_first: Run
    groups_changed: Run
    groups_no_change: Run


def measure_runs(site: Site) -> Runs:
    """Connect, then synchronize users, units and groups three times each; in between the directory changes.

    :raises BenchError: if a run fails, or does other changes than were made.
    """
    run_module(site, "pbx_ad_connection", site.connection_options)
    first, result = _measured(site, USERS)
    people = _people(result)
    made = _change_directory(site, people)
    ten_changes, result = _measured(site, USERS)
    _require_changes(result, made)
    no_change = _measured_without_change(site, USERS)
    units_first, _result = _measured(site, UNITS)
    moved = _move_people(site, people)
    units_moved, result = _measured(site, UNITS)
    _require_changes(result, moved)
    units_no_change = _measured_without_change(site, UNITS)
    groups_first, result = _measured(site, GROUPS)
    changed = _change_members(site, result)
    groups_changed, result = _measured(site, GROUPS)
    _require_changes(result, changed)
    groups_no_change = _measured_without_change(site, GROUPS)
    return Runs(
        first=first,
        ten_changes=ten_changes,
        no_change=no_change,
        units_first=units_first,
        units_moved=units_moved,
        units_no_change=units_no_change,
        groups_first=groups_first,
        groups_changed=groups_changed,
        groups_no_change=groups_no_change,
    )


def _require_changes(result: Mapping[str, Any], made: int) -> None:
    if len(result["changes"]) != made:
        raise BenchError(f"{made} changes were made in the directory, the run did {len(result['changes'])}")


def _measured_without_change(site: Site, module: str) -> Run:
    run, result = _measured(site, module)
    if result["changed"] or run.calls.writes:
        raise BenchError("a run without any change in between wrote something")
    return run


def _measured(site: Site, module: str) -> tuple[Run, dict[str, Any]]:
    options = {USERS: site.user_options, UNITS: site.unit_options, GROUPS: site.group_options}[module]
    return measured_run(site, module, options)


def measured_run(place: Place, module: str, options: Mapping[str, Any]) -> tuple[Run, dict[str, Any]]:
    """Run a module with these options: what it took, and its result.

    :raises BenchError: if it fails.
    """
    place.pbx.clear_calls()
    result, taken = run_module(place, module, options)
    run = Run(
        seconds=taken["seconds"],
        processor_seconds=taken["processor_seconds"],
        peak_bytes=taken["peak_bytes"],
        calls=_count(place.pbx.calls()),
        changes=len(result["changes"]),
        conflicts=len(result["conflicts"]),
    )
    return run, result


def median_run(runs: Sequence[Run]) -> Run:
    """Return the run of median length."""
    return sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]


def run_module(place: Place, name: str, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run a module through `bench.launch`: its result, and what it took.

    :raises BenchError: if it fails.
    """
    finished = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "bench.launch", sys.executable, "-m", f"{MODULES}.{name}"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {**options, "_ansible_remote_tmp": str(place.folder)}}),
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
    writes = [place for place, call in enumerate(calls) if call["write"]]
    changing = calls[writes[0] : writes[-1] + 1] if writes else ()
    return Calls(
        reads=len(calls) - tokens - len(writes),
        writes=len(writes),
        tokens=tokens,
        for_changes=sum(1 for call in changing if call["endpoint"] not in TOKEN_ENDPOINTS),
    )


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


def _move_people(site: Site, people: Sequence[str]) -> int:
    """Move people of one unit, and of those below it, into another one that has nobody of their names: how many."""
    home, target = f"OU=Support,OU=Berlin,{BASE_DN}", f"OU=Vertrieb,OU=Berlin,{BASE_DN}"
    moved = 0
    with administer(site.directory) as admin:
        for dn in people:
            if moved == MOVED:
                break
            is_there = dn.endswith(f",{home}") and admin.exists(dn)
            if is_there and not admin.exists(f"{split_dn(dn)[0]},{target}"):
                admin.move(dn, target)
                moved += 1
    return moved


def _change_members(site: Site, result: Mapping[str, Any]) -> int:
    """Take people out of one group and put others in: the number of groups that change, which is one."""
    group = next(change["dn"] for change in result["changes"] if change["name"] == "Abteilung IT")
    other = next(change["dn"] for change in result["changes"] if change["name"] == "Abteilung Recht")
    with administer(site.directory) as admin:
        present = [dn.decode() for dn in admin.read(group, "member")["member"]]
        outside = [dn.decode() for dn in admin.read(other, "member")["member"] if dn.decode() not in present]
        admin.remove_members(group, present[:LEFT])
        admin.add_members(group, outside[:JOINED])
    return 1


def _add_new(admin: DirectoryAdmin, index: int) -> None:
    admin.add_user(f"Bench New {index}", givenName="New", sn=f"Person {index}", mail=f"bench.new.{index}@lab.test")
