# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The schedule of an integration: checked against the time zone's clocks, and saved in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from difflib import get_close_matches
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.world import World, require_integration
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.schedule import (
    Day,
    Frequency,
    Schedule,
    ScheduleError,
    make_schedule,
    schedule_data,
    schedule_of,
)

#: The options that say when.
TIME_OPTIONS: dict[str, dict[str, Any]] = {
    "frequency": {"type": "str", "choices": [frequency.value for frequency in Frequency], "default": "daily"},
    "time": {"type": "str", "default": "00:30"},
    "days": {
        "type": "list",
        "elements": "str",
        "choices": [day.value for day in Day],
        "default": [],
    },
    "timezone": {"type": "str"},
}
SCHEDULE_OPTIONS: dict[str, dict[str, Any]] = {
    **TIME_OPTIONS,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}

# The one time zone that every machine knows, with zone data or without.
_UTC = "UTC"
# Clocks change within a year, wherever they do.
_LOOKED_AHEAD = timedelta(days=366)


class ClockChange(Enum):
    """What a change of the clocks does to a time of day: it does not exist on that day, or exists twice."""

    SKIPPED = "skipped"
    REPEATED = "repeated"


# systemd 252 by trial; AWX reckons with dateutil and leaves out times that do not exist; cron(8) says so of itself.
_WHAT_THEN = {
    ClockChange.SKIPPED: "systemd and AWX do not run on that day; cron runs right after the change where the machine "
    "itself is in that time zone.",
    ClockChange.REPEATED: "systemd, AWX and cron run once, at the first of the two.",
}


@dataclass(frozen=True, slots=True)
class ScheduleReport:
    """What was saved.

    :param before: what was saved before; None for no schedule.
    :param after: what is saved now, or would be in check mode; None for no schedule.
    """

    before: Schedule | None
    after: Schedule | None
    ledger: str
    warnings: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether what is saved differs from what was."""
        return self.before != self.after


def wanted_schedule(options: Mapping[str, Any]) -> Schedule | None:
    """Return the schedule that the options describe; None for ``state: absent``.

    :raises ScheduleError: for options that are no schedule, or a time zone that this machine does not know.
    """
    return None if options["state"] == "absent" else known_schedule(options)


def known_schedule(options: Mapping[str, Any]) -> Schedule:
    """Return the schedule that the options describe.

    :raises ScheduleError: for options that are no schedule, or a time zone that this machine does not know.
    """
    schedule = make_schedule(options["frequency"], options["time"], options["days"], options["timezone"])
    load_zone(schedule.timezone)
    return schedule


def save_schedule(world: World, wanted: Schedule | None, check_mode: bool) -> ScheduleReport:
    """Save a schedule in the ledger, or (None) forget it. Neither side is contacted.

    :raises IntegrationError: if the ledger holds no integration that the schedule could be of.
    """
    warnings = clock_warnings(wanted, world.clock()) if wanted else ()
    with world.open_ledger() as ledger:
        if wanted is not None:
            warnings = (*warnings, *require_integration(ledger, check_mode=check_mode)[1])
        saved = ledger.schedule()
        report = ScheduleReport(schedule_of(saved) if saved else None, wanted, ledger.location, warnings)
        if report.changed:
            ledger.save_schedule(schedule_data(wanted) if wanted else None, world.clock())
        return report


def clock_warnings(schedule: Schedule, now: datetime) -> tuple[str, ...]:
    """Return what is to be warned of: that the clocks will skip or repeat the schedule's time within a year."""
    zone = load_zone(schedule.timezone)
    found = next_clock_change(schedule, zone, now.astimezone(zone).date())
    if found is None:
        return ()
    day, change = found
    return (
        f"time {schedule.time} is {change.value} by the change of the clocks in {schedule.timezone} on {day}: "
        f"{_WHAT_THEN[change]} Choose a time that exists once on every day if that matters.",
    )


def load_zone(name: str) -> tzinfo:
    """Return a time zone by its name in the IANA database.

    :raises ScheduleError: if there is none of that name, or the machine has no time zone data at all.
    """
    if name == _UTC:
        return UTC
    known = available_timezones()
    if not known - {_UTC}:
        raise ScheduleError(
            f"timezone {name} cannot be checked: this machine has no time zone data.",
            "Install the operating system's package tzdata, or the Python package tzdata, or use UTC.",
        )
    if name not in known:
        raise ScheduleError(f"timezone {name} does not exist.", _named_alike(name, known))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ScheduleError(
            f"The data of timezone {name} cannot be read: {error}.", "Install the package tzdata anew."
        ) from None


def next_clock_change(schedule: Schedule, zone: tzinfo, day: date) -> tuple[date, ClockChange] | None:
    """Return the first day of the schedule, in the year from a day on, at which its time does not exist just once."""
    for number in range(_LOOKED_AHEAD.days + 1):
        looked_at = day + timedelta(days=number)
        if not schedule.falls_on(looked_at):
            continue
        change = _clock_change(schedule.on(looked_at).replace(tzinfo=zone))
        if change is not None:
            return looked_at, change
    return None


def _clock_change(moment: datetime) -> ClockChange | None:
    """Tell whether a moment's clock time is skipped or repeated: the two readings of it (PEP 495) then differ."""
    if moment.replace(fold=0).utcoffset() == moment.replace(fold=1).utcoffset():
        return None
    there_and_back = moment.astimezone(UTC).astimezone(moment.tzinfo)
    is_shown_by_a_clock = there_and_back.replace(tzinfo=None) == moment.replace(tzinfo=None)
    return ClockChange.REPEATED if is_shown_by_a_clock else ClockChange.SKIPPED


def _named_alike(name: str, known: set[str]) -> str:
    spelled = {one.lower(): one for one in known}
    alike = get_close_matches(name.lower(), spelled, n=1)
    like = f"Did you mean {spelled[alike[0]]}? " if alike else ""
    return f"{like}Give a name of the IANA time zone database, e.g. Europe/Berlin."
