# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of a schedule mean the same to systemd, to a cron and to what AWX reckons with.

Each is asked for its own next occurrences: systemd by systemd-analyze, the fields of cron by croniter, the rule by
dateutil, which is AWX's library for it.
"""

from __future__ import annotations

import os
import re
import subprocess
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.schedule import (
    ClockChange,
    load_zone,
    next_clock_change,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.schedule import (
    Day,
    Schedule,
    cron_fields,
    make_schedule,
    on_calendar,
    recurrence_rule,
)
from croniter import croniter
from dateutil.rrule import rrulestr
from dateutil.tz import datetime_exists
from hypothesis import given, settings
from hypothesis import strategies as st

# A whole year, and so both changes of the clocks wherever they change.
NEW_YEAR = datetime(2026, 1, 5, tzinfo=UTC)
A_YEAR_OF_DAYS = 370
A_YEAR_OF_PAIRS = 106

ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",  # half an hour beside the full one
    "Australia/Lord_Howe",  # changes by half an hour
    "Australia/Sydney",  # the southern summer
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Africa/Casablanca",  # back for Ramadan
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
)

_ELAPSE = re.compile(r"(?:Next elapse|Iter\. #\d+): \w{3} (\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}) UTC$", re.MULTILINE)


def _of_systemd(schedule: Schedule, after: datetime, count: int) -> list[datetime]:
    finished = subprocess.run(
        [
            "systemd-analyze",
            "calendar",
            f"--iterations={count}",
            f"--base-time={after:%Y-%m-%d %H:%M:%S} UTC",
            on_calendar(schedule),
        ],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in _ELAPSE.findall(finished.stdout)]
    assert len(found) == count
    return found


def _of_cron(schedule: Schedule, after: datetime, count: int) -> list[datetime]:
    occurrences = croniter(cron_fields(schedule), after.astimezone(ZoneInfo(schedule.timezone)))
    return [moment.astimezone(UTC) for moment in islice(occurrences.all_next(datetime), count)]


def _of_awx(schedule: Schedule, after: datetime, count: int) -> list[datetime]:
    """What dateutil says, without the times that do not exist: AWX leaves them out of its schedule."""
    occurrences = rrulestr(recurrence_rule(schedule)).xafter(after)
    existing = (moment for moment in occurrences if datetime_exists(moment))
    return [moment.astimezone(UTC) for moment in islice(existing, count)]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("time", "days", "count"),
    [
        ("04:15", [], A_YEAR_OF_DAYS),
        ("12:00", [], A_YEAR_OF_DAYS),
        ("23:59", ["monday", "saturday"], A_YEAR_OF_PAIRS),
        ("04:15", ["sunday", "wednesday"], A_YEAR_OF_PAIRS),
    ],
)
def test_a_year_of_occurrences_is_the_same_to_all(zone: str, time: str, days: list[str], count: int) -> None:
    schedule = make_schedule("weekly" if days else "daily", time, days, zone)
    assert next_clock_change(schedule, load_zone(zone), NEW_YEAR.date()) is None

    expected = _of_systemd(schedule, NEW_YEAR, count)

    assert _of_cron(schedule, NEW_YEAR, count) == expected
    assert _of_awx(schedule, NEW_YEAR, count) == expected
    clocks = [moment.astimezone(ZoneInfo(zone)) for moment in expected]
    assert {f"{moment:%H:%M:%S}" for moment in clocks} == {f"{time}:00"}
    assert all(schedule.falls_on(moment.date()) for moment in clocks)
    assert clocks[-1] - clocks[0] > timedelta(days=360)


_TIMES = st.times(min_value=datetime.min.time()).map(lambda time: f"{time:%H:%M}")
_DAYS = st.lists(st.sampled_from([day.value for day in Day]), unique=True)
_MOMENTS = st.datetimes(datetime(2026, 1, 10), datetime(2035, 12, 31)).map(
    lambda moment: moment.replace(tzinfo=UTC, microsecond=0)
)


@settings(derandomize=True, database=None, max_examples=80)
@given(_TIMES, _DAYS, st.sampled_from(ZONES), _MOMENTS)
def test_any_schedule_is_the_same_to_all_from_any_moment_on(
    time: str, days: list[str], zone: str, after: datetime
) -> None:
    schedule = make_schedule("weekly" if days else "daily", time, days, zone)
    expected = _of_systemd(schedule, after, 60)

    assert _of_awx(schedule, after, 60) == expected
    if next_clock_change(schedule, load_zone(zone), after.date() - timedelta(days=1)) is None:
        # croniter runs a repeated time twice and moves a skipped one, which cron itself does otherwise.
        assert _of_cron(schedule, after, 60) == expected


@pytest.mark.parametrize(
    ("zone", "time", "skipped", "repeated"),
    [
        ("Europe/Berlin", "02:30", "2026-03-29", "2026-10-25T00:30:00+00:00"),
        ("America/New_York", "02:00", "2026-03-08", None),
        ("America/New_York", "01:59", None, "2026-11-01T05:59:00+00:00"),
        ("Australia/Lord_Howe", "02:15", "2026-10-04", None),
        ("Australia/Lord_Howe", "01:45", None, "2026-04-04T14:45:00+00:00"),
    ],
)
def test_a_skipped_time_does_not_run_on_that_day_and_a_repeated_one_runs_once_at_the_first_of_the_two(
    zone: str, time: str, skipped: str | None, repeated: str | None
) -> None:
    schedule = make_schedule("daily", time, [], zone)

    for occurrences in (_of_systemd, _of_awx):
        moments = occurrences(schedule, NEW_YEAR, A_YEAR_OF_DAYS)
        days = [f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d}" for moment in moments]
        assert len(days) == len(set(days))
        assert skipped not in days
        if repeated is not None:
            assert datetime.fromisoformat(repeated) in moments
        gaps = {later - earlier for earlier, later in pairwise(moments)}
        assert max(gaps) > timedelta(days=1)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-10-25T00:29:59+00:00", "2026-10-25T00:30:00+00:00"),
        ("2026-10-25T00:45:00+00:00", "2026-10-26T01:30:00+00:00"),
    ],
)
def test_systemd_that_starts_between_the_two_of_a_repeated_time_waits_for_the_next_day(
    moment: str, expected: str
) -> None:
    schedule = make_schedule("daily", "02:30", [], "Europe/Berlin")

    assert _of_systemd(schedule, datetime.fromisoformat(moment), 1) == [datetime.fromisoformat(expected)]


@pytest.mark.parametrize("time", ["01:59", "02:00", "02:01", "02:30", "02:59", "03:00", "03:01"])
def test_a_day_that_is_said_to_be_skipped_is_one_that_systemd_skips(time: str) -> None:
    schedule = make_schedule("daily", time, [], "Europe/Berlin")
    change = next_clock_change(schedule, load_zone("Europe/Berlin"), NEW_YEAR.date())

    (first,) = _of_systemd(schedule, datetime(2026, 3, 28, 23, tzinfo=UTC), 1)

    assert (f"{first:%Y-%m-%d}" != "2026-03-29") == (change is not None and change[1] is ClockChange.SKIPPED)
