# SPDX-License-Identifier: GPL-3.0-or-later
"""pbx_ad_schedule on a ledger of its own; there is no directory and no PBX that it could ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Integration
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Domain
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxIdentity

from tests.integration.modules.site_under_test import make_runner

Run = Callable[..., dict[str, Any]]

NIGHTLY = {"time": "00:30", "timezone": "Europe/Berlin"}
NIGHTLY_DATA = {"frequency": "daily", "time": "00:30", "days": [], "timezone": "Europe/Berlin"}


@pytest.fixture(name="ledger_path")
def _ledger_path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.sqlite3"


@pytest.fixture(name="connected")
def _connected(ledger_path: Path) -> None:
    """A ledger that belongs to a domain and a PBX."""
    domain = Domain("5b1e6d0c-2f0a-4c86-9b8e-0c2a0e0f3d11", "DC=example,DC=com", "example.com")
    identity = PbxIdentity("3631A2124000", "Yeastar P560", "37.20.0.50")
    integration = Integration(domain, identity, {"directory_base_dn": "DC=example,DC=com"}, "connected")
    with open_ledger(ledger_path, read_write=True, command="test") as ledger:
        ledger.save_integration(integration, datetime.now(UTC))


@pytest.fixture(name="run")
def _run(ledger_path: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs the module with options, the connection's at addresses where nobody listens."""
    runner = make_runner(capfd)
    connection = {
        "directory_host": "dc1.invalid",
        "directory_base_dn": "DC=example,DC=com",
        "directory_username": "svc@example.com",
        "directory_password": "unused",
        "pbx_url": "https://pbx.invalid:8088",
        "pbx_client_id": "unused",
        "pbx_client_secret": "unused",
        "ledger_path": str(ledger_path),
    }

    def run(*, check: bool = False, **options: Any) -> dict[str, Any]:
        return runner("pbx_ad_schedule", {**connection, **options}, check)

    return run


def _saved(path: Path) -> Mapping[str, Any] | None:
    with open_ledger(path, read_write=False, command="test") as ledger:
        return ledger.schedule()


@pytest.mark.usefixtures("connected")
def test_a_schedule_is_saved_changed_and_forgotten(run: Run, ledger_path: Path) -> None:
    made = run(**NIGHTLY)
    assert (made["changed"], made["schedule"]) == (True, NIGHTLY_DATA)
    assert made["on_calendar"] == "*-*-* 00:30:00 Europe/Berlin"
    assert made["cron"] == "30 0 * * *"
    assert made["cron_timezone"] == "CRON_TZ=Europe/Berlin"
    assert made["rrule"] == "DTSTART;TZID=Europe/Berlin:20260101T003000 RRULE:FREQ=DAILY;INTERVAL=1"
    assert made["diff"] == {"before": {}, "after": NIGHTLY_DATA}
    assert _saved(ledger_path) == NIGHTLY_DATA

    before = ledger_path.read_bytes()
    assert not run(**NIGHTLY)["changed"]
    assert ledger_path.read_bytes() == before

    changed = run(frequency="weekly", days=["saturday", "monday"], time="23:59", timezone="Europe/Berlin")
    assert changed["changed"]
    assert changed["diff"]["before"] == NIGHTLY_DATA
    assert _saved(ledger_path) == changed["schedule"]
    assert changed["schedule"]["days"] == ["monday", "saturday"]
    assert not run(frequency="weekly", days=["monday", "saturday"], time="23:59", timezone="Europe/Berlin")["changed"]

    forgotten = run(state="absent")
    assert (forgotten["changed"], forgotten["schedule"]) == (True, None)
    assert "rrule" not in forgotten
    assert _saved(ledger_path) is None
    assert not run(state="absent")["changed"]


@pytest.mark.usefixtures("connected")
def test_check_mode_shows_and_saves_nothing(run: Run, ledger_path: Path) -> None:
    before = ledger_path.read_bytes()

    shown = run(check=True, **NIGHTLY)

    assert (shown["changed"], shown["diff"]["after"]) == (True, NIGHTLY_DATA)
    assert ledger_path.read_bytes() == before
    run(**NIGHTLY)
    assert run(check=True, state="absent")["changed"]
    assert _saved(ledger_path) == NIGHTLY_DATA


def test_without_an_integration_there_is_nothing_to_schedule(run: Run, ledger_path: Path) -> None:
    warnings = run(check=True, **NIGHTLY)["warnings"]
    assert any("no integration in the ledger yet" in warning for warning in warnings)
    assert not ledger_path.parent.exists()

    failed = run(**NIGHTLY)

    assert failed["failed"]
    assert "holds no integration. Run pbxops.yeastar.pbx_ad_connection" in failed["msg"]


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "timezone"),
        ({"timezone": ""}, "timezone is empty"),
        ({"timezone": "Europe/Berln"}, "Did you mean Europe/Berlin?"),
        ({**NIGHTLY, "time": 1439}, "Without quotes YAML reads 23:59 as the number 1439."),
        ({**NIGHTLY, "time": "24:00"}, "time 24:00 is no time of day"),
        ({**NIGHTLY, "days": ["monday"]}, "days is given and frequency is daily"),
        ({**NIGHTLY, "frequency": "weekly"}, "frequency weekly needs days"),
        ({**NIGHTLY, "frequency": "weekly", "days": ["friday", "friday"]}, "days names friday more than once"),
    ],
)
def test_what_is_no_schedule_is_refused_and_nothing_is_saved(
    run: Run, ledger_path: Path, options: dict[str, Any], message: str
) -> None:
    failed = run(**options)

    assert failed["failed"]
    assert message in failed["msg"]
    assert _saved(ledger_path) is None


@pytest.mark.usefixtures("connected")
def test_a_time_that_the_clocks_will_skip_or_repeat_is_warned_of(run: Run) -> None:
    zone = ZoneInfo("Europe/Berlin")
    today = datetime.now(zone).date()
    days = [datetime.combine(today, time(), zone) + timedelta(days=number) for number in range(367)]
    # Wall-clock arithmetic: half a day later is noon.
    change = next(day for day in days if day.utcoffset() != (day + timedelta(hours=12)).utcoffset())

    (warning,) = _of_clocks(run(time="02:30", timezone="Europe/Berlin"))

    word = "skipped" if change.month == 3 else "repeated"
    assert f"time 02:30 is {word} by the change of the clocks in Europe/Berlin on {change:%Y-%m-%d}: systemd" in warning
    assert _of_clocks(run(time="00:30", timezone="Europe/Berlin")) == []
    assert not any("Kolkata" in warning for warning in run(time="02:30", timezone="Asia/Kolkata")["warnings"])


def _of_clocks(result: Mapping[str, Any]) -> list[str]:
    """The warnings of one time; Ansible adds those of earlier runs in this process."""
    return [warning for warning in result["warnings"] if warning.startswith(f"time {result['schedule']['time']} is ")]
