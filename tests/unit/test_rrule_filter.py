# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter rrule: a schedule in the words of the module pbx_ad_schedule, and its rule without a ledger."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.pbxops.yeastar.plugins.filter import rrule as plugin
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.schedule import TIME_OPTIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.schedule import make_schedule, schedule_data

rrule = plugin.FilterModule().filters()["rrule"]


def test_what_the_module_returns_as_schedule_has_a_rule() -> None:
    schedule = make_schedule("weekly", "23:59", ["monday", "saturday"], "Europe/Berlin")

    rule = rrule(schedule_data(schedule))

    assert rule == "DTSTART;TZID=Europe/Berlin:20260103T235900 RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,SA"


def test_what_is_left_out_is_as_with_the_module() -> None:
    assert rrule({"timezone": "UTC"}) == "DTSTART;TZID=UTC:20260101T003000 RRULE:FREQ=DAILY;INTERVAL=1"


def test_the_documented_fields_are_those_of_the_module() -> None:
    fields = yaml.safe_load(plugin.DOCUMENTATION)["options"]["_input"]["suboptions"]

    told = {name: {key: field[key] for key in field if key not in ("description", "required")}
            for name, field in fields.items()}  # fmt: skip
    assert told == TIME_OPTIONS


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("daily", "the schedule is no dictionary"),
        ({}, "missing required arguments: timezone"),
        ({"timezone": "UTC", "frequency": "hourly"}, "value of frequency must be one of: daily, weekly"),
        ({"timezone": "UTC", "frequency": "weekly", "days": ["Monday"]}, "days must be one or more of: monday"),
        ({"timezone": "UTC", "hour": 1}, "hour"),
        ({"timezone": "UTC", "frequency": "weekly"}, "frequency weekly needs days"),
        ({"timezone": "UTC", "time": 1439}, "Without quotes YAML reads 23:59 as the number 1439."),
        ({"timezone": "Europe/Berln"}, "Did you mean Europe/Berlin?"),
    ],
)
def test_what_is_no_schedule_is_refused_by_name(schedule: Any, words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=r"^pbxops[.]yeastar[.]rrule: ") as refused:
        rrule(schedule)

    assert words in str(refused.value)
