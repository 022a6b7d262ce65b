# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter rrule: a schedule in the words of the module pbx_ad_schedule, and its rule without a ledger."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
import yaml
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.schedule import TIME_OPTIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.schedule import make_schedule, schedule_data

# In a process of its own, for it loads Ansible's controller.
_PROGRAM = """
import json, sys
import ansible_collections.pbxops.yeastar.plugins.filter.rrule as plugin
rrule = plugin.FilterModule().filters()["rrule"]
def told(schedule):
    try:
        return {"rule": rrule(schedule)}
    except plugin.AnsibleFilterError as error:
        return {"refused": str(error)}
schedules = json.loads(sys.argv[1])
print(json.dumps({"documentation": plugin.DOCUMENTATION, "told": [told(one) for one in schedules]}))
"""

_WEEKLY = schedule_data(make_schedule("weekly", "23:59", ["monday", "saturday"], "Europe/Berlin"))
_RULES: list[tuple[Any, str]] = [
    # What the module returns as schedule, and what leaves out what has a default.
    (_WEEKLY, "DTSTART;TZID=Europe/Berlin:20260103T235900 RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,SA"),
    ({"timezone": "UTC"}, "DTSTART;TZID=UTC:20260101T003000 RRULE:FREQ=DAILY;INTERVAL=1"),
]
_REFUSED: list[tuple[Any, str]] = [
    ("daily", "the schedule is no dictionary"),
    ({}, "missing required arguments: timezone"),
    ({"timezone": "UTC", "frequency": "hourly"}, "value of frequency must be one of: daily, weekly"),
    ({"timezone": "UTC", "frequency": "weekly", "days": ["Monday"]}, "days must be one or more of: monday"),
    ({"timezone": "UTC", "hour": 1}, "hour"),
    ({"timezone": "UTC", "frequency": "weekly"}, "frequency weekly needs days"),
    ({"timezone": "UTC", "time": 1439}, "Without quotes YAML reads 23:59 as the number 1439."),
    ({"timezone": "Europe/Berln"}, "Did you mean Europe/Berlin?"),
]


@pytest.fixture(name="plugin", scope="module")
def _plugin() -> dict[str, Any]:
    """What the filter says of each schedule, and its documentation."""
    schedules = json.dumps([schedule for schedule, _told in (*_RULES, *_REFUSED)])
    finished = subprocess.run(
        [sys.executable, "-c", _PROGRAM, schedules],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert finished.returncode == 0, finished.stderr
    plugin: dict[str, Any] = json.loads(finished.stdout)
    return plugin


@pytest.mark.parametrize("number", range(len(_RULES)))
def test_a_schedule_has_its_rule(plugin: dict[str, Any], number: int) -> None:
    assert plugin["told"][number] == {"rule": _RULES[number][1]}


@pytest.mark.parametrize("number", range(len(_REFUSED)))
def test_what_is_no_schedule_is_refused_by_name(plugin: dict[str, Any], number: int) -> None:
    refused = plugin["told"][len(_RULES) + number]["refused"]

    assert refused.startswith("pbxops.yeastar.rrule: ")
    assert _REFUSED[number][1] in refused


def test_the_documented_fields_are_those_of_the_module(plugin: dict[str, Any]) -> None:
    fields = yaml.safe_load(plugin["documentation"])["options"]["_input"]["suboptions"]

    told = {
        name: {key: value for key, value in field.items() if key not in ("description", "required")}
        for name, field in fields.items()
    }
    assert told == TIME_OPTIONS
