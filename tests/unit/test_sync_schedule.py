# SPDX-License-Identifier: GPL-3.0-or-later
"""A schedule, what is none, and its three forms."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.schedule import (
    Day,
    Frequency,
    Schedule,
    ScheduleError,
    cron_fields,
    cron_timezone,
    make_schedule,
    on_calendar,
    recurrence_rule,
    schedule_data,
    schedule_of,
)

NIGHTLY = make_schedule("daily", "00:30", [], "Europe/Berlin")
TWICE_A_WEEK = make_schedule("weekly", "23:59", ["saturday", "monday"], "Europe/Berlin")


def test_a_schedule_knows_its_days_in_the_order_of_the_week() -> None:
    assert Schedule(Frequency.WEEKLY, "23:59", (Day.MONDAY, Day.SATURDAY), "Europe/Berlin") == TWICE_A_WEEK
    assert [day for day in range(1, 15) if TWICE_A_WEEK.falls_on(date(2026, 6, day))] == [1, 6, 8, 13]
    assert all(NIGHTLY.falls_on(date(2026, 6, day)) for day in range(1, 31))
    assert TWICE_A_WEEK.on(date(2026, 6, 1)) == datetime(2026, 6, 1, 23, 59)


@pytest.mark.parametrize(
    ("schedule", "calendar", "fields", "rule"),
    [
        (
            NIGHTLY,
            "*-*-* 00:30:00 Europe/Berlin",
            "30 0 * * *",
            "DTSTART;TZID=Europe/Berlin:20260101T003000 RRULE:FREQ=DAILY;INTERVAL=1",
        ),
        (
            TWICE_A_WEEK,
            "Mon,Sat *-*-* 23:59:00 Europe/Berlin",
            "59 23 * * 1,6",
            "DTSTART;TZID=Europe/Berlin:20260103T235900 RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,SA",
        ),
        (
            make_schedule("weekly", "08:00", ["sunday"], "UTC"),
            "Sun *-*-* 08:00:00 UTC",
            "0 8 * * 0",
            "DTSTART;TZID=UTC:20260104T080000 RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=SU",
        ),
        (
            make_schedule("weekly", "12:05", [day.value for day in Day], "Asia/Kolkata"),
            "Mon,Tue,Wed,Thu,Fri,Sat,Sun *-*-* 12:05:00 Asia/Kolkata",
            "5 12 * * 1,2,3,4,5,6,0",
            "DTSTART;TZID=Asia/Kolkata:20260101T120500 RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR,SA,SU",
        ),
    ],
)
def test_the_forms_of_a_schedule(schedule: Schedule, calendar: str, fields: str, rule: str) -> None:
    assert on_calendar(schedule) == calendar
    assert cron_fields(schedule) == fields
    assert cron_timezone(schedule) == f"CRON_TZ={schedule.timezone}"
    assert recurrence_rule(schedule) == rule


def test_a_schedule_comes_back_as_it_was_saved() -> None:
    assert schedule_data(TWICE_A_WEEK) == {
        "frequency": "weekly",
        "time": "23:59",
        "days": ["monday", "saturday"],
        "timezone": "Europe/Berlin",
    }
    assert [schedule_of(schedule_data(one)) for one in (NIGHTLY, TWICE_A_WEEK)] == [NIGHTLY, TWICE_A_WEEK]


@pytest.mark.parametrize(
    "text", ["24:00", "23:60", "7:30", "00:30:00", "", "noon", "12.30", " 00:30", "00:30\n", "٠٠:٣٠"]
)
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ScheduleError, match=r'time .*"HH:MM", from "00:00" to "23:59"\.$'):
        make_schedule("daily", text, [], "Europe/Berlin")


@pytest.mark.parametrize(("number", "time"), [("1439", "23:59"), ("600", "10:00"), ("605", "10:05"), ("60", "1:00")])
def test_a_time_that_lacks_its_quotes_is_told_as_what_it_was(number: str, time: str) -> None:
    with pytest.raises(ScheduleError, match=f"Without quotes YAML reads {time} as the number {number}\\."):
        make_schedule("daily", number, [], "Europe/Berlin")


@pytest.mark.parametrize(
    ("frequency", "days", "message"),
    [
        ("daily", ["monday"], "days is given and frequency is daily"),
        ("weekly", [], "frequency weekly needs days"),
        ("weekly", ["sunday", "monday", "sunday", "monday"], "days names monday, sunday more than once"),
    ],
)
def test_days_that_do_not_go_with_the_frequency_are_refused(frequency: str, days: list[str], message: str) -> None:
    with pytest.raises(ScheduleError, match=message):
        make_schedule(frequency, "00:30", days, "Europe/Berlin")


@pytest.mark.parametrize("timezone", ["", "  "])
def test_no_time_zone_is_refused(timezone: str) -> None:
    with pytest.raises(ScheduleError, match="timezone is empty"):
        make_schedule("daily", "00:30", [], timezone)
