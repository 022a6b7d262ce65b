# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""When synchronizations run by themselves, and how systemd, cron and AWX are told so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError


class Frequency(StrEnum):
    """How often."""

    DAILY = "daily"
    WEEKLY = "weekly"


class Day(StrEnum):
    """A day of the week; in the order of ``date.weekday()``."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class ScheduleError(YeastarError):
    """The options of a schedule cannot be what they are."""


_WEEK = tuple(Day)
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_MINUTES_OF_DAY = 24 * 60
_MINUTES_OF_HOUR = 60

# A rule of AWX begins at a fixed day, so that the same schedule is always the same text. No time zone changes its
# clocks in the week from here.
_FIRST_DAY = date(2026, 1, 1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A time of day, every day or on some days of the week.

    :param time: ``HH:MM`` on the clocks of the time zone.
    :param days: in the order of the week; empty for daily.
    :param timezone: its name in the IANA time zone database.
    """

    frequency: Frequency
    time: str
    days: tuple[Day, ...]
    timezone: str

    def falls_on(self, day: date) -> bool:
        """Tell whether a day is one of the schedule's."""
        return not self.days or _WEEK[day.weekday()] in self.days

    def on(self, day: date) -> datetime:
        """Return the moment of a day, as its clocks show it (naive)."""
        return datetime.combine(day, time.fromisoformat(self.time))


def make_schedule(frequency: str, time_of_day: str, days: Sequence[str], timezone: str) -> Schedule:
    """Make a schedule of what an administrator gives.

    Whether the time zone exists is not looked at here.

    :raises ScheduleError: for what is no schedule, by the option's name.
    """
    _check_time(time_of_day)
    _check_days(Frequency(frequency), days)
    if not timezone.strip():
        raise ScheduleError("timezone is empty.", "Name the time zone that time is meant in, e.g. Europe/Berlin.")
    return Schedule(
        frequency=Frequency(frequency),
        time=time_of_day,
        days=tuple(sorted(map(Day, days), key=_WEEK.index)),
        timezone=timezone,
    )


def schedule_data(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule as plain data, as it is saved and shown."""
    return {
        "frequency": schedule.frequency.value,
        "time": schedule.time,
        "days": [day.value for day in schedule.days],
        "timezone": schedule.timezone,
    }


def schedule_of(data: Mapping[str, Any]) -> Schedule:
    """Return the schedule of what ``schedule_data`` made of it."""
    return make_schedule(data["frequency"], data["time"], data["days"], data["timezone"])


def on_calendar(schedule: Schedule) -> str:
    """Return the value of a systemd timer's ``OnCalendar=``; systemd.time(7)."""
    days = ",".join(day.value[:3].title() for day in schedule.days)
    return f"{days} *-*-* {schedule.time}:00 {schedule.timezone}".lstrip()


def cron_fields(schedule: Schedule) -> str:
    """Return the five fields of a crontab's line; crontab(5). They say nothing of the time zone."""
    hour, minute = (int(part) for part in schedule.time.split(":"))
    days = ",".join(str(_cron_day(day)) for day in schedule.days)
    return f"{minute} {hour} * * {days or '*'}"


def cron_timezone(schedule: Schedule) -> str:
    """Return the line that names the time zone to cronie; it stands above the crontab's line."""
    return f"CRON_TZ={schedule.timezone}"


def recurrence_rule(schedule: Schedule) -> str:
    """Return the rule (RFC 5545) in the spelling that AWX takes; its DTSTART is an occurrence itself."""
    start = next(day for day in _days_from(_FIRST_DAY) if schedule.falls_on(day))
    days = ",".join(day.value[:2].upper() for day in schedule.days)
    return (
        f"DTSTART;TZID={schedule.timezone}:{schedule.on(start):%Y%m%dT%H%M%S} "
        f"RRULE:FREQ={schedule.frequency.value.upper()};INTERVAL=1" + (f";BYDAY={days}" if days else "")
    )


def schedule_forms(schedule: Schedule) -> dict[str, str]:
    """Return a schedule in the words of those that keep one: systemd, cron and AWX."""
    return {
        "on_calendar": on_calendar(schedule),
        "cron": cron_fields(schedule),
        "cron_timezone": cron_timezone(schedule),
        "rrule": recurrence_rule(schedule),
    }


def _check_time(text: str) -> None:
    if _TIME.fullmatch(text):
        return
    raise ScheduleError(
        f"time {text} is no time of day.", f'Write it in quotes as "HH:MM", from "00:00" to "23:59".{_unquoted(text)}'
    )


def _unquoted(text: str) -> str:
    """Say what YAML makes of a time without quotes: 23:59 is a number to the base of 60."""
    if not re.fullmatch("[0-9]{1,4}", text, re.ASCII) or not _MINUTES_OF_HOUR <= int(text) < _MINUTES_OF_DAY:
        return ""
    hour, minute = divmod(int(text), _MINUTES_OF_HOUR)
    return f" Without quotes YAML reads {hour}:{minute:02} as the number {text}."


def _check_days(frequency: Frequency, days: Sequence[str]) -> None:
    if frequency is Frequency.DAILY and days:
        raise ScheduleError(
            "days is given and frequency is daily, which does not look at it.",
            "Set frequency to weekly, or leave days out.",
        )
    if frequency is Frequency.WEEKLY and not days:
        raise ScheduleError("frequency weekly needs days, which is empty.", "Name at least one day.")
    doubled = sorted({day for day in days if days.count(day) > 1}, key=_WEEK.index)
    if doubled:
        raise ScheduleError(f"days names {', '.join(doubled)} more than once.", "Name each day once.")


def _cron_day(day: Day) -> int:
    """Return a day's number; 0 and 7 are both Sunday in most crons, 0 in all of them."""
    return (_WEEK.index(day) + 1) % len(_WEEK)


def _days_from(first: date) -> list[date]:
    return [first + timedelta(days=number) for number in range(len(_WEEK))]
