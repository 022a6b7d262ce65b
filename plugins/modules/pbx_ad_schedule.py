#!/usr/bin/python
# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbx_ad_schedule
short_description: Say when a PBX is synchronized with its Active Directory by itself
version_added: 0.1.0
author:
  - The pbxops.yeastar maintainers (@pbxops)
description:
  - Saves the schedule of the automatic synchronization in the ledger, and returns it in the words of systemd, cron and AWX.
  - It starts nothing by itself. Hand what it returns to the scheduler of your choice, or let the role P(pbxops.yeastar.pbx_ad_schedule#role) do so.
  - Neither the directory nor the PBX is contacted.
  - A time that a change of the clocks will skip or repeat is warned of, with what happens then.
options:
  frequency:
    description:
      - V(daily) is every day, V(weekly) is on O(days).
    type: str
    choices: [daily, weekly]
    default: daily
  time:
    description:
      - The time of day on the clocks of O(timezone), as V(HH:MM) with 24 hours. Hours in which nobody works are best.
      - Put it in quotes. Without them YAML reads V(23:59) as the number V(1439), which is refused, for somebody may as well have meant V(14:39).
    type: str
    default: "00:30"
  days:
    description:
      - The days of O(frequency=weekly), which needs at least one.
    type: list
    elements: str
    choices: [monday, tuesday, wednesday, thursday, friday, saturday, sunday]
    default: []
  timezone:
    description:
      - The time zone that O(time) is meant in, by its name in the IANA database, for example V(Europe/Berlin).
      - Required with O(state=present). There is no default, for the PBX, its users and the machine that synchronizes may be in different ones.
      - The machine that runs the module must have time zone data (the package C(tzdata)) for every other than V(UTC).
    type: str
  state:
    description:
      - V(present) saves the schedule, V(absent) forgets it.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - pbxops.yeastar.connection
  - pbxops.yeastar.connection.required
  - pbxops.yeastar.attributes
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details:
      - Nothing is written anywhere, the ledger included.
seealso:
  - module: pbxops.yeastar.pbx_ad_connection
"""

EXAMPLES = r"""
# The connection options stand in module_defaults here; each can also come from its environment variable.
- name: When the PBX is synchronized by itself
  hosts: localhost
  gather_facts: false
  module_defaults:
    group/pbxops.yeastar.ad:
      directory_host: dc1.example.com
      directory_base_dn: DC=example,DC=com
      directory_username: svc-yeastar@example.com
      directory_password: "{{ vault_directory_password }}"
      pbx_url: https://pbx.example.com:8088
      pbx_client_id: "{{ vault_pbx_client_id }}"
      pbx_client_secret: "{{ vault_pbx_client_secret }}"
  tasks:
    - name: Every night
      pbxops.yeastar.pbx_ad_schedule:
        frequency: daily
        time: "00:30"
        timezone: Europe/Berlin

    - name: At the end of the week
      pbxops.yeastar.pbx_ad_schedule:
        frequency: weekly
        time: "23:59"
        days: [saturday]
        timezone: Europe/Berlin

    - name: Only when somebody asks for it
      pbxops.yeastar.pbx_ad_schedule:
        state: absent
"""

RETURN = r"""
schedule:
  description: The schedule as it is saved, V(null) with O(state=absent).
  returned: success
  type: dict
  contains:
    frequency:
      description: V(daily) or V(weekly).
      type: str
    time:
      description: The time of day.
      type: str
    days:
      description: The days of the week in their order; empty for V(daily).
      type: list
      elements: str
    timezone:
      description: The time zone of the time.
      type: str
  sample:
    frequency: weekly
    time: "23:59"
    days: [monday, saturday]
    timezone: Europe/Berlin
on_calendar:
  description: The value of C(OnCalendar=) of a systemd timer.
  returned: with O(state=present)
  type: str
  sample: Mon,Sat *-*-* 23:59:00 Europe/Berlin
cron:
  description: The five fields of a crontab. They are in the time zone of RV(cron_timezone).
  returned: with O(state=present)
  type: str
  sample: 59 23 * * 1,6
cron_timezone:
  description:
    - The line that goes above it, for a cron that knows it (cronie does).
    - Debian's cron does not; there the fields are right only if the machine itself is in that time zone.
  returned: with O(state=present)
  type: str
  sample: CRON_TZ=Europe/Berlin
rrule:
  description: The rule of an AWX schedule.
  returned: with O(state=present)
  type: str
  sample: DTSTART;TZID=Europe/Berlin:20260103T235900 RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,SA
ledger_path:
  description: Where the ledger is.
  returned: success
  type: str
  sample: /home/pbx/.local/state/pbxops.yeastar/pbx.example.com_8088.sqlite3
"""

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.main import YeastarModule, run_module
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.schedule_command import (
    SCHEDULE_MODULE_OPTIONS,
    schedule_module,
)


def main() -> None:
    module = YeastarModule(
        argument_spec=SCHEDULE_MODULE_OPTIONS,
        required_if=[("state", "present", ["timezone"])],
        supports_check_mode=True,
    )
    run_module(module, "pbx_ad_schedule", schedule_module)


if __name__ == "__main__":
    main()
