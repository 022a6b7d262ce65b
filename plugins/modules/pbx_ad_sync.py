#!/usr/bin/python
# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbx_ad_sync
short_description: Synchronize a Yeastar P-Series PBX with its Active Directory as saved
version_added: 0.1.0
author:
  - The pbxops.yeastar maintainers (@pbxops)
description:
  - Carries out all rules that are saved and enabled, in one run. This is the I(Update Now) of the PBX's own integration, and what a schedule runs.
  - Each side is read once, and all is planned before anything is written. Each kind is planned from what the kinds before it leave behind, so that check mode
    shows the extensions that would be created in the organizations that would be created.
  - Kinds are done in the order in which they need each other, namely organizational units before the users whose extensions go into their
    organizations, and groups last. Units that become extension groups, or organizations made of an attribute, come after the users.
  - While the integration is disabled nothing is done, and the task does not fail. Rules that are paused are left out.
  - Rules can be given too. They are saved first, and what is not given is as it was saved.
options:
  kinds:
    description: What is synchronized, of what is saved or given.
    type: list
    elements: str
    choices: [organizational_units, users, groups]
    default: [organizational_units, users, groups]
  users:
    description:
      - A rule for users to be saved, with the options of M(pbxops.yeastar.pbx_ad_user_sync) by their names, its C(guard), C(enabled) and
        C(settings) among them.
      - If not set, the rule is as it was saved.
    type: dict
  organizational_units:
    description: Likewise a rule for organizational units, with the options of M(pbxops.yeastar.pbx_ad_ou_sync).
    type: dict
  groups:
    description: Likewise a rule for groups, with the options of M(pbxops.yeastar.pbx_ad_group_sync).
    type: dict
  allow_guarded:
    description:
      - The RV(guard_id) of what the guard is to let through, of each kind. It is worth nothing for anything else.
    type: str
    default: ""
  full_read_every:
    description:
      - Of so many runs, one reads the directory whole. The others read only what changed in it since, which spares both ends most of the work where much is
        the same from night to night.
      - With V(1), every run reads the directory whole, and what was remembered of it is forgotten.
      - Whatever makes it doubtful that the changes are enough makes the run read the directory whole. RV(directory_read) tells whether it did, and why.
      - Deletions, moves and removals are proved by the directory itself in any case.
      - What runs of changes cannot see, such as rights that were taken from the account, is seen by the next run that reads the directory whole.
      - The ledger remembers names, e-mail addresses, telephone numbers and memberships for it, as a snapshot does, see O(keep_snapshot).
    type: int
    default: 1
extends_documentation_fragment:
  - pbxops.yeastar.connection
  - pbxops.yeastar.connection.required
  - pbxops.yeastar.expect
  - pbxops.yeastar.snapshot
  - pbxops.yeastar.attributes
seealso:
  - module: pbxops.yeastar.pbx_ad_connection
  - module: pbxops.yeastar.pbx_ad_user_sync
  - module: pbxops.yeastar.pbx_ad_ou_sync
  - module: pbxops.yeastar.pbx_ad_group_sync
"""

EXAMPLES = r"""
# The connection options come from their environment variables here; they can also stand in module_defaults.
- name: Save two rules and carry them out
  pbxops.yeastar.pbx_ad_sync:
    organizational_units:
      scope: organizational_units
      organizational_units: [Staff]
    users:
      scope: organizational_units
      organizational_units: [Staff]
      number_start: 2000

- name: Update now, with all rules as they are saved
  pbxops.yeastar.pbx_ad_sync:

- name: Update the users alone
  pbxops.yeastar.pbx_ad_sync:
    kinds: [users]

- name: Update now, and read the directory whole once a week alone
  pbxops.yeastar.pbx_ad_sync:
    full_read_every: 7

- name: See what would be done
  pbxops.yeastar.pbx_ad_sync:
  check_mode: true
  register: plan

- name: Do exactly that, or nothing
  pbxops.yeastar.pbx_ad_sync:
    expect_plan_id: "{{ plan.plan_id }}"
    expect_changes: "{{ plan.plan_changes }}"
"""

RETURN = r"""
summary:
  description:
    - How many changes there are of each action, and what became of them. In check mode, what would be done.
  returned: success or failure after planning
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
      description: Entries of RV(drift).
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
summaries:
  description: RV(summary) for each kind that was synchronized, by its name.
  returned: success or failure after planning
  type: dict
  sample:
    users:
      created: 1
      associated: 0
      updated: 0
      released: 0
      deleted: 0
      parked: 0
      unparked: 0
      revoked: 0
      unchanged: 199
      waiting: 0
      excluded: 2
      conflicts: 0
      drift: 0
      failed: 0
      stopped: 0
      deferred: 0
      skipped: 0
kinds:
  description: What was synchronized, in the order in which it was.
  returned: success or failure after planning
  type: list
  elements: str
  sample: [organizational_units, users, groups]
paused:
  description: What is saved and paused, so that it was not.
  returned: success or failure after planning
  type: list
  elements: str
  sample: []
changes:
  description:
    - The changes, in the order in which they are done. When the task fails, those that were not done.
  returned: success or failure after planning
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
      description: V(planned) in check mode, else V(done), V(failed), V(unknown), V(stopped), V(deferred) or V(skipped).
      type: str
    detail:
      description: Why it was not done, or what is worth telling besides; else empty.
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
      state: done
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
conflicts:
  description: What cannot be synchronized as asked.
  returned: success or failure after planning
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
drift:
  description:
    - What was changed on the PBX by hand since it was last written, a field each, and each member that was put in or taken out.
  returned: success or failure after planning
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
      description: A field of the object, for example V(title), V(organizations), V(name), V(parent) or V(members).
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
recovered:
  description: What became of changes that an earlier run had begun and not finished.
  returned: success or failure after planning
  type: list
  elements: dict
  contains:
    kind:
      description: As in RV(changes).
      type: str
    action:
      description: As in RV(changes).
      type: str
    name:
      description: As in RV(changes).
      type: str
    number:
      description: As in RV(changes).
      type: str
    state:
      description: V(done) if the PBX shows it done, else V(failed); then it is planned anew.
      type: str
    detail:
      description: The same in a sentence.
      type: str
  sample: []
run_id:
  description: Name of this run in the ledger; empty in check mode.
  returned: success or failure after planning
  type: str
  sample: 9a4d2b9e-51f6-4a43-8a0a-6f1a2c1f0b7d
plan_id:
  description: Name of the plan. The same rule over the same two states has the same one, in check mode and in a run.
  returned: success or failure after planning
  type: str
  sample: 325f79650555ce51
plan_changes:
  description: All that the plan does and cannot do, a line each, for O(expect_changes). The digits name it exactly.
  returned: success or failure after planning
  type: list
  elements: str
  sample:
    - 0b83d6f1 update 2000 anna
guard_id:
  description: Name of what the guard counts in the plan, and of nothing else, for O(allow_guarded). It has a part for each kind that has any.
  returned: success or failure after planning
  type: str
  sample: users=4f53cda18c2baa0c+groups=0-0-91b3a1f7c05d2e48
status:
  description: Status of the integration, V(connected) or V(disabled). While it is disabled nothing is synchronized, and the task does not fail for that.
  returned: success or failure after planning
  type: str
  sample: connected
directory_read:
  description: How the directory was read.
  returned: success or failure after planning, if anything was to be synchronized
  type: dict
  contains:
    how:
      description: V(whole), or V(changes) if only what changed was read, see O(full_read_every).
      type: str
    why:
      description: Why so, in a sentence.
      type: str
    changed:
      description: How many users and groups of the whole domain had changed; 0 where it was read whole.
      type: int
  sample:
    how: changes
    why: All that changed since 2026-11-24T23:30:00+00:00 is known.
    changed: 4
outcome:
  description: What became of it, in a form to mail or to post.
  returned: success or failure after planning
  type: dict
  contains:
    state:
      description: V(succeeded), V(failed), V(planned) in check mode, or V(skipped) where nothing was to be synchronized.
      type: str
    headline:
      description: The summary in a line.
      type: str
    check_mode:
      description: Whether it is a plan.
      type: bool
    started_at:
      description: When it began, ISO 8601.
      type: str
    ended_at:
      description: When it ended, likewise.
      type: str
    duration:
      description: Seconds between the two.
      type: float
  sample:
    state: succeeded
    headline: 1 created, 1 updated, 1 conflict.
    check_mode: false
    started_at: "2026-11-25T23:30:00+00:00"
    ended_at: "2026-11-25T23:30:04+00:00"
    duration: 4.132
ledger_path:
  description: Where the ledger is.
  returned: success or failure after planning
  type: str
  sample: /home/pbx/.local/state/pbxops.yeastar/pbx.example.com_8088.sqlite3
"""

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.commands import (
    UPDATE_MODULE_OPTIONS,
    update_module,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.main import YeastarModule, run_module


def main() -> None:
    module = YeastarModule(argument_spec=UPDATE_MODULE_OPTIONS, supports_check_mode=True)
    run_module(module, "pbx_ad_sync", update_module)


if __name__ == "__main__":
    main()
