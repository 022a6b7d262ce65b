# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench measures what it says; no figure is judged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.measuring import NAMES
from tests.playbook.playbook_site import REPOSITORY, environment_of

# Each starts a lab or two; where much else runs, that takes its time.
pytestmark = pytest.mark.timeout(900)

_PLAIN = "plain"


def test_the_bench_measures_the_smallest_size_and_leaves_nothing_behind(tmp_path: Path) -> None:
    names = [name for name in NAMES if name != _PLAIN]

    printed, measured = _bench(tmp_path, "--sizes", "200", "--only", ",".join(names))

    (figures,) = measured["sizes"]
    runs = figures["runs"]
    created = runs["first"]["changes"]
    assert figures["size"] == 200
    # Some of the dirty population cannot have an extension; the service accounts can.
    assert 150 < created <= figures["reading"]["entries"]
    assert runs["first"]["calls"]["writes"] == created
    assert runs["ten_changes"]["calls"]["writes"] == 10
    assert runs["units_first"]["calls"]["writes"] > 10
    assert runs["units_moved"]["calls"]["writes"] == runs["units_moved"]["changes"] > 0
    assert runs["groups_first"]["calls"]["writes"] == runs["groups_first"]["changes"] > 10
    assert runs["groups_changed"]["calls"]["writes"] == 1
    for name in ("no_change", "units_no_change", "groups_no_change"):
        assert runs[name]["calls"]["writes"] == 0
    for run in runs.values():
        # The token is fetched and revoked.
        assert run["calls"]["tokens"] == 2
        assert run["calls"]["reads"] > 0
        # More than a bare interpreter takes, so it is the module that was measured.
        assert run["peak_bytes"] > 25 * 2**20
    explaining = figures["explaining"]
    assert explaining["keeping"]["calls"]["writes"] == explaining["not_keeping"]["calls"]["writes"] == 0
    assert explaining["users"] >= created
    assert explaining["snapshot_bytes"] > 1000
    for sign_ons in figures["sign_on"].values():
        assert sign_ons["count"] > 100
        assert 0 < sign_ons["median"] <= sign_ons["late"]
    assert "entries a second" in printed
    _check_beside_bare(measured["beside_bare"], created)
    _check_growth(measured["growth"])
    # Every measurement but that of details, which have no limit, has its rows in the table.
    assert list(dict.fromkeys(target["name"] for target in measured["targets"])) == [
        name for name in names if name != "details"
    ]
    assert all(target["figure"] in printed for target in measured["targets"])


def _check_beside_bare(measured: list[dict[str, Any]], created: int) -> None:
    first, slow, no_change = measured
    assert (first["name"], slow["name"], no_change["name"]) == ("first", "first", "no-change")
    assert first["calls"] == slow["calls"] > created > no_change["calls"] > 3
    # Each of the creations takes so long, several of them at once.
    shortest = slow["pbx_seconds"] * created / slow["concurrency"]
    assert min(slow["run_seconds"], slow["calls_seconds"]) > shortest > 0
    for one in measured:
        assert 0 < one["directory_seconds"] < one["run_seconds"]
        assert one["ratio"] > 0


def _check_growth(measured: list[dict[str, Any]]) -> None:
    (growth,) = measured
    assert (growth["size"], growth["first"]["changes"], growth["no_change"]["changes"]) == (200, 200, 0)
    assert growth["first"]["calls"]["writes"] == growth["no_change"]["calls"]["writes"] == 0
    # It reads the extensions that the first run has none of.
    assert growth["no_change"]["calls"]["reads"] > growth["first"]["calls"]["reads"] > 2
    assert min(growth["first"]["peak_bytes"], growth["no_change"]["peak_bytes"]) > 25 * 2**20


def test_the_bench_measures_what_one_would_write_without_the_collection(tmp_path: Path) -> None:
    _printed, measured = _bench(tmp_path, "--sizes", "3", "--only", _PLAIN)

    (plain,) = measured["plain"]
    assert plain["users"] == 3
    for playbook in ("plain", "collection"):
        assert plain[f"{playbook}_first"] > 0
        assert plain[f"{playbook}_again"] > 0
    # Both are told, and neither is judged.
    assert [target["limit"] for target in measured["targets"]] == [None, None]


def test_what_the_bench_cannot_measure_is_told_and_ends_it_with_a_failure(tmp_path: Path) -> None:
    finished = _run(tmp_path, "--sizes", "5", "--only", "directory,ledger")

    measured = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))
    assert finished.returncode == 1
    assert "a site of 5 users was not measured: 200 are the least that the lab's population has" in finished.stdout
    # What comes after it is measured all the same.
    assert [(target["name"], target["users"]) for target in measured["targets"]] == [("directory", 5), ("ledger", 5)]


def test_a_measurement_that_there_is_none_of_is_refused_with_the_names_of_all(tmp_path: Path) -> None:
    finished = _run(tmp_path, "--only", "speed")

    assert finished.returncode == 2
    assert f"nothing is called speed; there is: {', '.join(NAMES)}" in finished.stderr


def _bench(folder: Path, *arguments: str) -> tuple[str, dict[str, Any]]:
    """What it printed and what it wrote; nothing else may be left."""
    finished = _run(folder, *arguments)
    assert finished.returncode == 0, finished.stderr + finished.stdout
    assert list((folder / "tmp").iterdir()) == []
    measured: dict[str, Any] = json.loads((folder / "bench.json").read_text(encoding="utf-8"))
    assert measured["not_measured"] == []
    return finished.stdout, measured


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", "--output", str(folder / "bench.json"), *arguments],
        cwd=REPOSITORY,
        env={**environment_of(folder), "PATH": "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
