# SPDX-License-Identifier: GPL-3.0-or-later
"""Time zones as this machine knows them, and the days on which their clocks change."""

from __future__ import annotations

import sys
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.schedule import (
    ClockChange,
    load_zone,
    next_clock_change,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.schedule import (
    Day,
    ScheduleError,
    make_schedule,
)

WHOLE_WEEK = [day.value for day in Day]


@pytest.mark.parametrize(
    ("time", "zone", "day", "expected"),
    [
        ("02:30", "Europe/Berlin", date(2026, 1, 1), (date(2026, 3, 29), ClockChange.SKIPPED)),
        ("02:30", "Europe/Berlin", date(2026, 3, 30), (date(2026, 10, 25), ClockChange.REPEATED)),
        ("02:00", "Europe/Berlin", date(2026, 1, 1), (date(2026, 3, 29), ClockChange.SKIPPED)),
        ("02:59", "Europe/Berlin", date(2026, 10, 25), (date(2026, 10, 25), ClockChange.REPEATED)),
        ("03:00", "Europe/Berlin", date(2026, 1, 1), None),
        ("01:59", "Europe/Berlin", date(2026, 1, 1), None),
        ("00:30", "Europe/Berlin", date(2026, 1, 1), None),
        ("02:15", "Australia/Lord_Howe", date(2026, 9, 1), (date(2026, 10, 4), ClockChange.SKIPPED)),
        ("01:45", "Australia/Lord_Howe", date(2026, 4, 1), (date(2026, 4, 5), ClockChange.REPEATED)),
        ("02:45", "Australia/Lord_Howe", date(2026, 1, 1), None),
        ("01:30", "Europe/London", date(2026, 1, 1), (date(2026, 3, 29), ClockChange.SKIPPED)),
        ("02:30", "Asia/Kolkata", date(2026, 1, 1), None),
        ("02:30", "UTC", date(2026, 1, 1), None),
    ],
)
def test_the_next_day_on_which_a_time_does_not_exist_just_once(
    time: str, zone: str, day: date, expected: tuple[date, ClockChange] | None
) -> None:
    for frequency, days in (("daily", []), ("weekly", WHOLE_WEEK)):
        assert next_clock_change(make_schedule(frequency, time, days, zone), load_zone(zone), day) == expected


def test_a_change_on_a_day_that_is_none_of_the_schedule_is_no_matter() -> None:
    schedule = make_schedule("weekly", "02:30", ["saturday"], "Europe/Berlin")

    assert next_clock_change(schedule, load_zone("Europe/Berlin"), date(2026, 1, 1)) is None


def test_no_time_zone_changes_its_clocks_in_the_week_in_which_rules_begin() -> None:
    for name in zoneinfo.available_timezones():
        zone = ZoneInfo(name)
        noons = [datetime(2025, 12, 31, 12, tzinfo=UTC) + timedelta(days=number) for number in range(10)]
        assert len({moment.astimezone(zone).utcoffset() for moment in noons}) == 1, name


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("Europe/Berln", "Did you mean Europe/Berlin?"),
        ("europe/berlin", "Did you mean Europe/Berlin?"),
        ("/etc/passwd", "Give a name of the IANA"),
        ("../../etc/passwd", "Give a name of the IANA"),
        ("posix/Europe/Berlin", "Give a name of the IANA"),
        ("Europe", "Give a name of the IANA"),
        ("CEST", "Give a name of the IANA"),
        ("Europe/Berlin ", "Did you mean Europe/Berlin?"),
    ],
)
def test_a_time_zone_that_does_not_exist_is_refused(name: str, remedy: str) -> None:
    with pytest.raises(ScheduleError, match="does not exist") as refused:
        load_zone(name)
    assert remedy in str(refused.value)


@pytest.fixture(name="no_zone_data")
def _no_zone_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that has neither the operating system's zone data nor the Python package."""
    monkeypatch.setitem(sys.modules, "tzdata", None)
    paths = zoneinfo.TZPATH
    zoneinfo.reset_tzpath([tmp_path])
    yield
    zoneinfo.reset_tzpath(paths)


@pytest.mark.usefixtures("no_zone_data")
def test_a_machine_without_zone_data_says_so_and_knows_utc() -> None:
    with pytest.raises(ScheduleError, match=r"this machine has no time zone data.*Install .*tzdata"):
        load_zone("Europe/Berlin")
    assert load_zone("UTC") is UTC
