# SPDX-License-Identifier: GPL-3.0-or-later
"""What the AWX emulator takes as a recurrence rule, and when it starts what is scheduled."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lab.awx import recurrence

START = "DTSTART;TZID=Europe/Berlin:20260101T003000"


@pytest.mark.parametrize(
    "rule",
    [
        f"{START} RRULE:FREQ=DAILY;INTERVAL=1",
        f"{START} RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,SA",
        "DTSTART:20260101T003000Z RRULE:FREQ=DAILY;INTERVAL=1;COUNT=999",
    ],
)
def test_a_rule_that_is_taken(rule: str) -> None:
    assert recurrence.problems(rule) == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("RRULE:FREQ=DAILY;INTERVAL=1", "Valid DTSTART required"),
        ("DTSTART:20260101T003000 RRULE:FREQ=DAILY;INTERVAL=1", "naive"),
        ("DTSTART;TZID=Nowhere/Never:20260101T003000 RRULE:FREQ=DAILY;INTERVAL=1", "parsing failed"),
        (f"{START} {START} RRULE:FREQ=DAILY;INTERVAL=1", "Multiple DTSTART"),
        (START, "One or more rule required"),
        (f"{START} FREQ=DAILY;INTERVAL=1", "One or more rule required"),
        (f"{START} RRULE:FREQ=DAILY", "INTERVAL required"),
        (f"{START} RRULE:FREQ=SECONDLY;INTERVAL=1", "SECONDLY is not supported"),
        (f"{START} RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=2MO", "numeric prefix"),
        (f"{START} RRULE:FREQ=DAILY;INTERVAL=1;COUNT=1000", "COUNT > 999"),
        (f"{START} RRULE:FREQ=DAILY;INTERVAL=1;COUNT=2;UNTIL=20270101T000000Z", "both COUNT and UNTIL"),
        (f"{START} RRULE:FREQ=DAILY;INTERVAL=1 EXDATE:20260102T003000", "EXDATE not allowed"),
        (f"{START} RRULE:FREQ=DAILY;INTERVAL=1 RDATE:20260102T003000", "RDATE not allowed"),
        (f"{START} RRULE:FREQ=SOMETIMES;INTERVAL=1", "parsing failed"),
    ],
)
def test_a_rule_that_is_refused(rule: str, words: str) -> None:
    assert any(words in problem for problem in recurrence.problems(rule))


def test_the_time_of_day_stays_when_the_clock_changes() -> None:
    found = recurrence.occurrences(f"{START} RRULE:FREQ=DAILY;INTERVAL=1", datetime(2026, 3, 28, tzinfo=UTC), 2)

    assert [moment.isoformat() for moment in found] == ["2026-03-28T23:30:00+00:00", "2026-03-29T22:30:00+00:00"]


def test_a_time_that_the_clock_skips_is_left_out() -> None:
    rule = "DTSTART;TZID=Europe/Berlin:20260101T023000 RRULE:FREQ=DAILY;INTERVAL=1"

    found = recurrence.occurrences(rule, datetime(2026, 3, 28, 12, tzinfo=UTC), 1)

    assert [moment.isoformat() for moment in found] == ["2026-03-30T00:30:00+00:00"]


def test_the_time_zone_is_told_by_its_name() -> None:
    assert recurrence.time_zone(f"{START} RRULE:FREQ=DAILY;INTERVAL=1") == "Europe/Berlin"
    assert recurrence.time_zone("DTSTART:20260101T003000Z RRULE:FREQ=DAILY;INTERVAL=1") == "UTC"
