#!/usr/bin/python
# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbx_ad_info
short_description: Tell where the integration of a Yeastar P-Series PBX with its Active Directory stands
version_added: 0.1.0
author:
  - The pbxops.yeastar maintainers (@pbxops)
description:
  - Tells the status of an integration, what is saved, the last runs, what is associated with what, how much of the PBX's room is taken, what differs on the PBX
    from what was last written there, and what the next run would do.
  - Changes nothing. The ledger is read as in check mode, and no run is added to it.
  - V(status), V(rules), V(schedule), V(sign_on), V(runs) and V(associations) come from the ledger alone, so that they are told while neither the directory nor
    the PBX can be reached. V(capacity), V(organizations) and V(drift) ask the PBX. V(conflicts) and V(plan) read both sides.
options:
  gather:
    description: What to tell.
    type: list
    elements: str
    choices: [status, rules, schedule, sign_on, runs, associations, capacity, organizations, drift, conflicts, plan]
    default: [status, rules, schedule, sign_on, runs]
  runs_limit:
    description: How many runs to tell of at most.
    type: int
    default: 20
extends_documentation_fragment:
  - pbxops.yeastar.connection
  - pbxops.yeastar.connection.offline
  - pbxops.yeastar.attributes.info
seealso:
  - module: pbxops.yeastar.pbx_ad_user_info
  - module: pbxops.yeastar.pbx_ad_sync
"""

EXAMPLES = r"""
# The connection options come from their environment variables here; they can also stand in module_defaults.
- name: See what is saved and what was done last
  pbxops.yeastar.pbx_ad_info:
    runs_limit: 5

- name: Look for what was changed on the PBX by hand
  pbxops.yeastar.pbx_ad_info:
    gather: [drift]
  register: found

- name: Tell it
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.field }} was written as {{ item.written }} and is {{ item.actual }}"
  loop: "{{ found.drift }}"
  loop_control:
    label: "{{ item.name }}"

- name: See all there is
  pbxops.yeastar.pbx_ad_info:
    gather: [status, rules, schedule, sign_on, runs, associations, capacity, organizations, drift, conflicts, plan]
"""

RETURN = r"""
status:
  description: Status of the integration, V(connected), V(disabled) or V(not_connected).
  returned: when O(gather) has V(status)
  type: str
  sample: connected
domain:
  description: The domain of the integration.
  returned: when O(gather) has V(status), unless RV(status) is V(not_connected)
  type: dict
  contains:
    guid:
      description: objectGUID of the domain's root object.
      type: str
    dn:
      description: Distinguished name of the domain.
      type: str
    dns_name:
      description: DNS name of the domain.
      type: str
  sample:
    guid: 0c1a6a4f-2c1c-4a2f-8f57-8a5a3c1f7f55
    dn: DC=example,DC=com
    dns_name: example.com
pbx:
  description: The PBX of the integration, as it was when it was connected.
  returned: when O(gather) has V(status), unless RV(status) is V(not_connected)
  type: dict
  contains:
    serial_number:
      description: Its serial number, by which it is known.
      type: str
    model:
      description: Its model.
      type: str
    firmware:
      description: Its firmware.
      type: str
  sample:
    serial_number: 3631A1234567
    model: P560
    firmware: 37.20.0.19
settings:
  description: The connection options as saved, without any secret.
  returned: when O(gather) has V(status), unless RV(status) is V(not_connected)
  type: dict
  sample:
    directory_host: dc1.example.com
    directory_base_dn: DC=example,DC=com
    pbx_url: https://pbx.example.com:8088
rules:
  description: The saved rules by their kinds, V(users), V(organizational_units) and V(groups). A kind that was never saved is absent.
  returned: when O(gather) has V(rules)
  type: dict
  sample:
    users:
      enabled: true
      synchronized: true
      settings:
        scope: organizational_units
        organizational_units: [Staff]
schedule:
  description: The saved schedule; empty if there is none.
  returned: when O(gather) has V(schedule)
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
    on_calendar:
      description: The value of C(OnCalendar=) of a systemd timer.
      type: str
    cron:
      description: The five fields of a crontab. They are in the time zone of RV(schedule.cron_timezone).
      type: str
    cron_timezone:
      description: The line that goes above it, for a cron that knows it.
      type: str
    rrule:
      description: The rule of an AWX schedule.
      type: str
  sample:
    frequency: weekly
    time: "23:59"
    days: [monday, saturday]
    timezone: Europe/Berlin
    on_calendar: Mon,Sat *-*-* 23:59:00 Europe/Berlin
    cron: 59 23 * * 1,6
    cron_timezone: CRON_TZ=Europe/Berlin
    rrule: DTSTART;TZID=Europe/Berlin:20260103T235900 RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,SA
sign_on:
  description: How users sign on with their Active Directory credentials; empty if that was never saved.
  returned: when O(gather) has V(sign_on)
  type: dict
  contains:
    settings:
      description: The options of M(pbxops.yeastar.pbx_ad_sso) as they are saved.
      type: dict
    signed_on:
      description: How many extensions have a password of the Linkus clients that a sign-on has set.
      type: int
  sample:
    settings:
      enabled: true
      login_addresses: ["https://pbx.example.com:8088/login"]
      method: password
      allow_http: false
      confirmation: false
      signature_seconds: 60
      session_minutes: 15
      failures_per_user: 3
      failure_minutes: 30
      attempts_per_address: 20
      attempt_minutes: 5
    signed_on: 57
runs:
  description: The last runs, the newest first.
  returned: when O(gather) has V(runs)
  type: list
  elements: dict
  contains:
    id:
      description: Name of the run.
      type: str
    command:
      description: The module that was run.
      type: str
    kinds:
      description: What it synchronized or cleaned up, in the order in which it did.
      type: list
      elements: str
    plan_id:
      description: Name of its plan; empty where none was made.
      type: str
    state:
      description: V(running), V(succeeded) or V(failed). A run that was killed stays V(running).
      type: str
    started_at:
      description: When it began, ISO 8601.
      type: str
    ended_at:
      description: When it ended, likewise; empty while it has not.
      type: str
    duration:
      description: Seconds between the two; null while it has not ended.
      type: float
    summary:
      description: How many changes there were of each action, and what became of them; empty where none was planned.
      type: dict
    error:
      description: Why it failed; empty if it did not.
      type: str
  sample:
    - id: 9a4d2b9e-51f6-4a43-8a0a-6f1a2c1f0b7d
      command: pbx_ad_sync
      kinds: [organizational_units, users, groups]
      plan_id: 325f79650555ce51
      state: succeeded
      started_at: "2026-11-25T23:30:00+00:00"
      ended_at: "2026-11-25T23:30:04+00:00"
      duration: 4.132
      summary:
        created: 1
        unchanged: 199
      error: ""
associations:
  description: Which directory object is which object of the PBX.
  returned: when O(gather) has V(associations)
  type: list
  elements: dict
  contains:
    kind:
      description: V(extension), V(organization) or V(extension_group).
      type: str
    guid:
      description: objectGUID; of an organization that is made of an attribute, attribute and value; of the label group V(label).
      type: str
    rule:
      description: The kind of the rule that made it.
      type: str
    object_id:
      description: The PBX's id of the object.
      type: int
    number:
      description: Number of an extension; empty for other objects.
      type: str
    name:
      description: A user's sAMAccountName when last seen, or the object's name as last written.
      type: str
    dn:
      description: Distinguished name when last seen; empty where there is none.
      type: str
    origin:
      description: V(created), V(adopted) by a shared address or name, or V(bound) by being named.
      type: str
    parent_id:
      description: The organization below which an organization was last put; 0 for other objects.
      type: int
    organization_id:
      description: The organization that an extension was put in; 0 for none.
      type: int
    members:
      description: How many members an extension group was last given.
      type: int
  sample:
    - kind: extension
      guid: 7d3b8a52-1c7e-4b0f-8f4d-2e9a6c5b1d30
      rule: users
      object_id: 12
      number: "2000"
      name: anna
      dn: CN=Anna,OU=Staff,DC=example,DC=com
      origin: created
      parent_id: 0
      organization_id: 33
      members: 0
capacity:
  description: How much the PBX takes, and how much of it is taken.
  returned: when O(gather) has V(capacity)
  type: dict
  contains:
    extensions:
      description: Extensions that the licence allows.
      type: int
    extensions_used:
      description: Extensions that exist.
      type: int
    extensions_left:
      description: Extensions that can still be made.
      type: int
    extension_groups:
      description: Extension groups that the PBX takes.
      type: int
    extension_groups_used:
      description:
        - Extension groups that exist, the built-in one included. Null with O(offline) where no rule needed the run to read them.
      type: int
    organizations:
      description: Organizations below the root that the PBX's model takes.
      type: int
    organizations_used:
      description: Organizations that exist below the root.
      type: int
  sample:
    extensions: 500
    extensions_used: 213
    extensions_left: 287
    extension_groups: 63
    extension_groups_used: 8
    organizations: 200
    organizations_used: 14
organizations:
  description: The PBX's organizations, the root first and each parent before its children. Empty while organization management is off.
  returned: when O(gather) has V(organizations)
  type: list
  elements: dict
  contains:
    id:
      description: The PBX's id.
      type: int
    name:
      description: Its name.
      type: str
    parent_id:
      description: The PBX's id of the one above it; 0 for the root.
      type: int
    extensions:
      description: How many extensions are in it, those below it not counted.
      type: int
    synchronized:
      description: Whether it is associated with an organizational unit or an attribute's value.
      type: bool
  sample:
    - id: 1
      name: Example Ltd
      parent_id: 0
      extensions: 3
      synchronized: false
    - id: 33
      name: Staff
      parent_id: 1
      extensions: 210
      synchronized: true
drift:
  description: What differs on the PBX from what was last written there, an entry a field.
  returned: when O(gather) has V(drift)
  type: list
  elements: dict
  contains:
    kind:
      description: V(extension), V(organization) or V(extension_group).
      type: str
    number:
      description: Number of an extension as it was last known; empty for other objects.
      type: str
    name:
      description: A user's sAMAccountName, or the object's name as last written.
      type: str
    field:
      description:
        - A managed field of an extension, its V(number) or its V(organizations); V(name) or V(parent) of an organization; V(name) or V(members) of an
          extension group.
      type: str
    written:
      description: As it was last written. Empty for a member that was put into a group since.
      type: str
    actual:
      description: As it is. Empty for an object that was deleted, and for a member that was taken out of a group.
      type: str
  sample:
    - kind: extension
      number: "2000"
      name: anna
      field: title
      written: Clerk
      actual: Boss
conflicts:
  description: What the next run of all rules that are enabled could not synchronize as asked.
  returned: when O(gather) has V(conflicts)
  type: list
  elements: dict
  contains:
    code:
      description: The kind of conflict, in a word.
      type: str
    name:
      description: The directory object, a user by sAMAccountName, a unit by its path.
      type: str
    guid:
      description: objectGUID; of an organization that is made of an attribute, attribute and value.
      type: str
    message:
      description: What is in the way, and the remedy.
      type: str
  sample:
    - code: name_taken
      name: Staff/Support
      guid: 7d3b8a52-1c7e-4b0f-8f4d-2e9a6c5b1d30
      message: >-
        The PBX has an organization Support already, which is not this one's. Set associate_by_name to take it over, or rename one of the two, for example
        to 'Support (AD)'.
changes:
  description:
    - What the next run of all rules that are enabled would do, in the order in which it would. Empty while the integration is disabled.
  returned: when O(gather) has V(plan)
  type: list
  elements: dict
  contains:
    kind:
      description: What the change is about, V(organization), V(extension_group) or V(extension).
      type: str
    action:
      description: V(create), V(associate), V(update), V(unpark), V(park), V(release), V(delete) or V(revoke).
      type: str
    state:
      description: V(planned), V(stopped) where the guard would stop it, or V(deferred) where the extension is in use.
      type: str
    detail:
      description: Empty.
      type: str
    name:
      description: The directory object, a user by sAMAccountName, a unit by its path.
      type: str
    guid:
      description: objectGUID; of an organization that is made of an attribute, attribute and value.
      type: str
    dn:
      description: Distinguished name when last seen.
      type: str
    number:
      description: Number of an extension; empty for other objects.
      type: str
    object_id:
      description: The PBX's id of the object; null while it is to be created.
      type: int
    reason:
      description: Why, in a word.
      type: str
    explanation:
      description: Why, in a sentence.
      type: str
    before:
      description: The fields that change, as they are.
      type: dict
    after:
      description: The fields that change, as they will be.
      type: dict
    drift:
      description: Those of them that had been changed on the PBX by hand.
      type: list
      elements: str
    members_added:
      description: Extensions that come into the group, each with number and name.
      type: list
      elements: str
    members_removed:
      description: Extensions that are taken out of the group, likewise.
      type: list
      elements: str
  sample:
    - kind: organization
      action: update
      state: planned
      detail: ""
      name: Staff/Sales
      guid: 3f0f7a51-7b6f-4b39-8d0e-6a1d5f0c9e21
      dn: OU=Sales,OU=Staff,DC=example,DC=com
      number: ""
      object_id: 33
      reason: directory_changed
      explanation: it changed in the directory
      before:
        name: Selling
      after:
        name: Sales
      drift: []
      members_added: []
      members_removed: []
summary:
  description:
    - How many changes of each action the next run would do.
  returned: when O(gather) has V(plan)
  type: dict
  contains:
    created:
      description: Objects to create.
      type: int
    associated:
      description: Existing objects to take over.
      type: int
    updated:
      description: Objects to change; extensions that are put into another organization too.
      type: int
    released:
      description: Associations to end while the object stays.
      type: int
    deleted:
      description: Objects to delete.
      type: int
    parked:
      description: Extensions to make unusable until they are deleted.
      type: int
    unparked:
      description: Parked extensions to make usable again.
      type: int
    revoked:
      description: Linkus passwords that a sign-on had set, to replace by random ones.
      type: int
    unchanged:
      description: Associated objects that are as they should be.
      type: int
    waiting:
      description: Extensions that were parked before and wait for their deletion.
      type: int
    excluded:
      description: Users in scope without extension whose account status keeps them so.
      type: int
    conflicts:
      description: Entries of RV(conflicts).
      type: int
    drift:
      description: Entries of RV(plan_drift).
      type: int
    failed:
      description: Changes that failed or whose outcome is unknown.
      type: int
    stopped:
      description: Changes that the guard stopped.
      type: int
    deferred:
      description: Changes that were put off because the extension is in use.
      type: int
    skipped:
      description: Changes that were not tried because what they need was not done.
      type: int
  sample:
    created: 1
    associated: 0
    updated: 1
    released: 0
    deleted: 0
    parked: 0
    unparked: 0
    revoked: 0
    unchanged: 11
    waiting: 0
    excluded: 0
    conflicts: 1
    drift: 0
    failed: 0
    stopped: 0
    deferred: 0
    skipped: 0
plan_drift:
  description:
    - What the next run would do about drift, of the fields that it looks at. RV(drift) compares without a plan, and has all of it.
  returned: when O(gather) has V(plan)
  type: list
  elements: dict
  contains:
    kind:
      description: As in RV(changes).
      type: str
    number:
      description: Number of an extension; empty for other objects.
      type: str
    name:
      description: As in RV(changes).
      type: str
    guid:
      description: As in RV(changes).
      type: str
    field:
      description: As in RV(drift), but never V(number).
      type: str
    written:
      description: As it was last written; empty for a member that was put in.
      type: str
    wanted:
      description: As the directory has it; empty for a member that was put in.
      type: str
    actual:
      description: As it is; empty for a member that was taken out.
      type: str
    action:
      description:
        - V(corrected) if it is put back, V(reported) if it is left, because the rule says so or because its change is
          not done, see RV(changes).
      type: str
  sample:
    - kind: extension
      number: "2000"
      name: anna
      guid: 0f5c1f6e-6b3e-4a5f-9d8e-7f0a3c1b2d4e
      field: title
      written: Clerk
      wanted: Clerk
      actual: Boss
      action: reported
plan_id:
  description: Name of the plan, the same that M(pbxops.yeastar.pbx_ad_sync) gives it in check mode. Empty where nothing would be carried out.
  returned: when O(gather) has V(plan)
  type: str
  sample: 325f79650555ce51
snapshot:
  description: Which snapshot was asked.
  returned: success, with O(offline) where O(gather) asks for a part that takes the directory or the PBX
  type: dict
  contains:
    run_id:
      description: The run that kept it.
      type: str
    taken_at:
      description: When that run began.
      type: str
  sample:
    run_id: 0f6e9c1a-53f1-4d55-9a3c-1f1c8f6f2f0e
    taken_at: "2026-03-01T02:30:00+00:00"
ledger_path:
  description: Where the ledger is.
  returned: success
  type: str
  sample: /home/pbx/.local/state/pbxops.yeastar/pbx.example.com_8088.sqlite3
"""

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.info_commands import (
    INFO_OPTIONS,
    info_module,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.main import YeastarModule, run_module
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import LIVE_OPTIONS


def main() -> None:
    module = YeastarModule(
        argument_spec=INFO_OPTIONS, supports_check_mode=True, required_if=[("offline", False, LIVE_OPTIONS)]
    )
    run_module(module, "pbx_ad_info", info_module)


if __name__ == "__main__":
    main()
