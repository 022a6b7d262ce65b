# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter pbxops.yeastar.rrule."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rrule
short_description: Tell a schedule as AWX takes it
version_added: 0.1.0
author:
  - The pbxops.yeastar maintainers (@pbxops)
description:
  - Makes a recurrence rule, as a schedule of AWX has it, of a schedule in the words of P(pbxops.yeastar.pbx_ad_schedule#module).
  - Nothing is saved and nobody is asked, the ledger included. The module returns the same rule, and saves the schedule besides.
  - A time that a change of the clocks will skip or repeat is warned of, with what happens then.
options:
  _input:
    description:
      - A schedule. The return value C(schedule) of P(pbxops.yeastar.pbx_ad_schedule#module) is one.
    type: dict
    required: true
    suboptions:
      frequency:
        description: V(daily) is every day, V(weekly) is on the C(days).
        type: str
        choices: [daily, weekly]
        default: daily
      time:
        description: The time of day on the clocks of the C(timezone), as V(HH:MM) in quotes.
        type: str
        default: "00:30"
      days:
        description: The days of V(weekly), which needs at least one.
        type: list
        elements: str
        choices: [monday, tuesday, wednesday, thursday, friday, saturday, sunday]
        default: []
      timezone:
        description: The time zone that the time is meant in, by its name in the IANA database.
        type: str
        required: true
seealso:
  - module: pbxops.yeastar.pbx_ad_schedule
"""

EXAMPLES = r"""
- name: Start a job template of AWX at the end of the week
  awx.awx.schedule:
    name: Synchronize the PBX
    unified_job_template: Synchronize the PBX
    rrule: "{{ schedule | pbxops.yeastar.rrule }}"
  vars:
    schedule:
      frequency: weekly
      time: "23:59"
      days: [saturday]
      timezone: Europe/Berlin
"""

RETURN = r"""
_value:
  description: The rule of an AWX schedule, for example C(DTSTART;TZID=Europe/Berlin:20260103T235900 RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=SA).
  type: str
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.utils.display import Display
from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.schedule import (
    TIME_OPTIONS,
    clock_warnings,
    known_schedule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.schedule import recurrence_rule

_NAME = "pbxops.yeastar.rrule"


def rrule(schedule: Any) -> str:
    """Return a schedule's recurrence rule.

    :param schedule: its fields, as the module pbx_ad_schedule has options of their names.
    :raises AnsibleFilterError: if it is no schedule, or the controller does not know its time zone.
    """
    fields = _checked(schedule)
    try:
        known = known_schedule(fields)
    except YeastarError as error:
        raise AnsibleFilterError(f"{_NAME}: {error}") from error
    for warning in clock_warnings(known, datetime.now(UTC)):
        Display().warning(warning)
    return recurrence_rule(known)


def _checked(schedule: Any) -> Mapping[str, Any]:
    """Return a schedule's fields with the defaults of those that are left out."""
    if not isinstance(schedule, Mapping):
        raise AnsibleFilterError(f"{_NAME}: the schedule is no dictionary. Give it frequency, time, days and timezone.")
    specification = {**TIME_OPTIONS, "timezone": {**TIME_OPTIONS["timezone"], "required": True}}
    result = ArgumentSpecValidator(specification).validate(dict(schedule))
    if result.error_messages:
        raise AnsibleFilterError(f"{_NAME}: {'; '.join(result.error_messages)}")
    fields: Mapping[str, Any] = result.validated_parameters
    return fields


class FilterModule:
    """The filter by its name, as Ansible looks it up."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filter."""
        return {"rrule": rrule}
