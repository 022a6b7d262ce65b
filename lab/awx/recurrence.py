# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX takes as the recurrence rule of a schedule.

The rules, their order and their words are those of `SchedulePreviewSerializer.validate_rrule` (awx/api/serializers.py)
and `Schedule.rrulestr` (awx/main/models/schedules.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

from dateutil import rrule as dateutil_rrule
from dateutil import tz

_DTSTART = re.compile(r".*?(DTSTART(;[^:]+)?\:[0-9]+T[0-9]+Z?)")
_NAIVE_DTSTART = re.compile(r".*?(DTSTART:[0-9]+T[0-9]+) ")
_RULE = re.compile(r".*?(RULE\:[^\s]*)")
_NUMERIC_DAY = re.compile(r".*?BYDAY[\:\=][0-9]+[a-zA-Z]{2}")
_COUNT = re.compile(r"COUNT\=([0-9]+)")
_MOST_OCCURRENCES = 999


def problems(rule: str) -> list[str]:
    """What AWX says against a recurrence rule: nothing if it takes it.

    AWX reads the rule in any case; here it is read if nothing else is wrong with it.
    """
    return list(_problems_of_text(rule)) or list(_problems_of_parser(rule))


def occurrences(rule: str, after: datetime, count: int) -> list[datetime]:
    """The next times at which AWX starts what a schedule names, in UTC.

    A time that a change of the clock skips is left out (`Schedule.update_computed_fields_no_save`).

    :raises ValueError: for a rule that is none.
    """
    existing = (moment for moment in _parsed(rule).xafter(after) if tz.datetime_exists(moment))
    return [moment.astimezone(UTC) for moment in islice(existing, count)]


def time_zone(rule: str) -> str:
    """The name of the time zone in which a rule starts."""
    named = re.search(r"DTSTART;TZID=([^:]+):", rule)
    return named.group(1) if named else "UTC"


def _problems_of_text(rule: str) -> Iterator[str]:
    starts = _DTSTART.findall(rule)
    if not starts:
        yield "Valid DTSTART required in rrule. Value should start with: DTSTART:YYYYMMDDTHHMMSSZ"
    if _NAIVE_DTSTART.findall(rule):
        yield "DTSTART cannot be a naive datetime.  Specify ;TZINFO= or YYYYMMDDTHHMMSSZZ."
    if len(starts) > 1:
        yield "Multiple DTSTART is not supported."
    if "rrule:" not in rule.lower():
        yield "One or more rule required in rrule."
    for word in ("EXDATE", "RDATE"):
        if f"{word.lower()}:" in rule.lower():
            yield f"{word} not allowed in rrule."
    for part in _RULE.findall(rule):
        yield from (f"{problem}: {part}" for problem in _problems_of_part(part))


def _problems_of_part(part: str) -> Iterator[str]:
    if "interval" not in part.lower():
        yield "INTERVAL required in rrule"
    elif "secondly" in part.lower():
        yield "SECONDLY is not supported"
    if _NUMERIC_DAY.match(part):
        yield "BYDAY with numeric prefix not supported"
    if "COUNT" in part and "UNTIL" in part:
        yield "RRULE may not contain both COUNT and UNTIL"
    count = _COUNT.search(part)
    if count and int(count.group(1)) > _MOST_OCCURRENCES:
        yield "COUNT > 999 is unsupported"


def _problems_of_parser(rule: str) -> Iterator[str]:
    try:
        _parsed(rule)
    except (ValueError, TypeError, AttributeError) as error:
        yield f"rrule parsing failed validation: {error}"


def _parsed(rule: str) -> dateutil_rrule.rruleset:
    parsed = dateutil_rrule.rrulestr(rule, forceset=True, tzinfos={"UTC": tz.UTC})
    first = next(iter(parsed), None)
    if first and first.tzinfo is None:
        raise ValueError("A valid TZID must be provided (e.g., America/New_York)")
    return parsed
