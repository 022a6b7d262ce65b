# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a run of all rules that nobody watches: outages of either side, a full disk, a second run at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from lab.ldap_proxy.faults import Fault
from lab.ldap_proxy.process import LdapProxy
from tests.integration.modules.site_under_test import Site

RULES: dict[str, Any] = {
    "organizational_units": {"scope": "organizational_units", "organizational_units": ["Staff"]},
    "users": {"number_start": 2000},
    "groups": {"scope": "filter", "filter": "(cn=Team*)"},
}
UNITS = {"Sales": ("Anna", "Bernd"), "Support": ("Carl", "Dora")}
IN_STEP = {
    "numbers": {"2000": "Anna", "2001": "Bernd", "2002": "Carl", "2003": "Dora"},
    "organizations": {"": set(), "Staff": set(), "Staff/Sales": {"Anna", "Bernd"}, "Staff/Support": {"Carl", "Dora"}},
    "members": {"Team": {"Anna", "Carl"}},
}


@pytest.fixture(name="due")
def _due(site: Site) -> Site:
    """A connected site whose run has all to do."""
    staff = site.add_unit("Staff")
    people = {
        name: site.add_user(name, mail=f"{name.lower()}@lab.test", parent=unit)
        for unit, names in ((site.add_unit(unit, staff), names) for unit, names in UNITS.items())
        for name in names
    }
    site.add_group("Team", people["Anna"], people["Carl"])
    site.connect()
    site.pbx.calls.clear()
    return site


def _shown(site: Site) -> dict[str, Any]:
    return {"numbers": site.names, "organizations": site.organizations, "members": site.members}


def _through(site: Site, proxy: LdapProxy) -> dict[str, Any]:
    return {"directory_host": proxy.address, "directory_port": proxy.ldaps_port}


def _run(site: Site, *, fails: bool = False, **options: Any) -> dict[str, Any]:
    return site.update(fails=fails, **RULES, **options)


# --- the directory ---


def test_an_outage_of_the_directory_at_any_question_changes_nothing(due: Site, ldap_proxy: LdapProxy) -> None:
    through = _through(due, ldap_proxy)
    due.update(check=True, **RULES, **through)
    asked = len({row["search"] for row in ldap_proxy.control.log() if row["operation"] == "search"})
    before = _shown(due)
    assert asked > 5
    for number in range(1, asked + 1):
        ldap_proxy.control.set_faults([Fault("cut", nth=number)])
        assert _run(due, fails=True, **through)["msg"]
        assert due.pbx.state.live_tokens == 0
    assert (due.writes(), _shown(due)) == ([], before)

    ldap_proxy.control.set_faults([])
    _run(due, **through)

    assert _shown(due) == IN_STEP


def test_an_unreachable_directory_is_told_and_the_next_run_does_all(due: Site) -> None:
    failed = _run(due, fails=True, directory_port=1)

    assert due.directory.address in failed["msg"]
    assert due.writes() == []
    _run(due)
    assert _shown(due) == IN_STEP


# --- the PBX ---


@pytest.mark.parametrize("fault", ["cut_before_work", "cut_after_work"])
@pytest.mark.parametrize("share", [0, 0.3, 0.6, 0.9])
def test_a_pbx_that_goes_away_in_the_middle_is_brought_in_step_by_the_next_run(
    due: Site, fault: Any, share: float
) -> None:
    writes = due.update(check=True, **RULES)["plan_changes"]
    calls = len(due.pbx.calls.all())
    due.pbx.calls.clear()
    # From one of the writes on every call is cut, as by a PBX that restarts; its tokens are gone when it is back.
    due.pbx.fail("*", fault, nth=calls + int(share * len(writes)), times=None)

    failed = _run(due, fails=True)

    assert "The run ended early." in failed["msg"]
    due.pbx.faults.clear()
    due.pbx.expire_tokens()
    _run(due)
    assert _shown(due) == IN_STEP
    again = _run(due)
    assert (again["changed"], again["recovered"]) == (False, [])


# --- the disk ---

_SMALL_DISK = 'mount -t tmpfs -o size="$0" tmpfs "$1"'
_ON_A_SMALL_DISK = """
import json, os, subprocess, sys
options, ballast = json.loads(os.environ["OPTIONS"]), sys.argv[1]

def run(name, given):
    done = subprocess.run(
        [sys.executable, "-m", f"ansible_collections.pbxops.yeastar.plugins.modules.{name}"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {**options, **given}}), stdout=subprocess.PIPE, text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])

rules = json.loads(sys.argv[2])
assert not run("pbx_ad_connection", {}).get("failed")
folder = os.statvfs(os.path.dirname(ballast))
with open(ballast, "wb") as file:
    # Room for some of the changes and not for all of them.
    file.write(b"x" * (folder.f_bavail * folder.f_frsize - int(sys.argv[3])))
print(json.dumps(run("pbx_ad_sync", rules)))
os.remove(ballast)
print(json.dumps(run("pbx_ad_sync", rules)))
print(json.dumps(run("pbx_ad_sync", rules)))
"""


def _small_disks_can_be_made() -> bool:
    attempt = ["unshare", "--mount", "sh", "-c", _SMALL_DISK, "64k", tempfile.gettempdir()]
    return subprocess.run(attempt, check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(not _small_disks_can_be_made(), reason="a small disk is a mount, which needs root")
@pytest.mark.parametrize("room", [8_192, 40_960, 65_536])
def test_a_full_disk_below_the_ledger_ends_the_run_and_the_next_one_completes_it(
    due: Site, tmp_path: Path, room: int
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    options = {**due.connection_options, "ledger_path": str(disk / "ledger")}
    arguments = [str(disk / "ballast"), json.dumps(RULES), str(room)]
    script = [sys.executable, "-c", _ON_A_SMALL_DISK, *arguments]
    finished = subprocess.run(
        ["unshare", "--mount", "sh", "-c", _SMALL_DISK + ' && shift && exec "$@"', "2m", str(disk), *script],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=120,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "OPTIONS": json.dumps(options),
        },
    )

    full, freed, again = (json.loads(line) for line in finished.stdout.splitlines())

    assert "is full" in full["msg"]
    assert "Free some space" in full["msg"]
    assert not freed.get("failed"), freed["msg"]
    assert _shown(due) == IN_STEP
    assert (again["changed"], again["recovered"]) == (False, [])


# --- two at once ---


def test_of_two_runs_at_once_only_one_writes(due: Site) -> None:
    due.pbx.fail("extension/create", "latency", nth=1, seconds=3)
    results: list[dict[str, Any]] = []

    def run_in_a_process() -> None:
        arguments = {"ANSIBLE_MODULE_ARGS": {**due.connection_options, **RULES}}
        done = subprocess.run(
            [sys.executable, "-m", "ansible_collections.pbxops.yeastar.plugins.modules.pbx_ad_sync"],
            input=json.dumps(arguments),
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        results.append(json.loads(done.stdout.splitlines()[-1]))

    both = [threading.Thread(target=run_in_a_process) for _one in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    (refused,) = [result for result in results if result.get("failed")]
    assert "is in use by pbx_ad_sync" in refused["msg"]
    assert _shown(due) == IN_STEP
    assert due.writes().count("extension/create") == 4
