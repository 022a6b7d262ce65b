# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench measures what it says; no figure is judged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.playbook.playbook_site import REPOSITORY, environment_of

ACTIONS = ("created", "associated", "updated", "released", "deleted")


def test_the_bench_measures_the_smallest_size_and_leaves_nothing_behind(tmp_path: Path) -> None:
    output = tmp_path / "bench.json"

    finished = subprocess.run(
        [sys.executable, "-m", "bench", "--sizes", "200", "--output", str(output)],
        cwd=REPOSITORY,
        env={**environment_of(tmp_path), "PATH": "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 0, finished.stderr
    (figures,) = json.loads(output.read_text(encoding="utf-8"))["sizes"]
    runs = figures["runs"]
    created = runs["first"]["summary"]["created"]
    assert figures["size"] == 200
    # Some of the dirty population cannot have an extension; the service accounts can.
    assert 150 < created <= figures["reading"]["entries"]
    assert runs["first"]["calls"]["writes"] == created
    assert runs["ten_changes"]["calls"]["writes"] == 10
    assert runs["units_first"]["calls"]["writes"] > 10
    assert runs["units_moved"]["calls"]["writes"] == sum(runs["units_moved"]["summary"][name] for name in ACTIONS) > 0
    assert runs["groups_first"]["calls"]["writes"] == runs["groups_first"]["summary"]["created"] > 10
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
    assert "entries a second" in finished.stdout
    assert list((tmp_path / "tmp").iterdir()) == []
