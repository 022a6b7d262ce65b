#!/usr/bin/python
# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbx_ad_rollback
short_description: Undo what a run has changed on a Yeastar P-Series PBX
version_added: 0.1.0
author:
  - The pbxops.yeastar maintainers (@pbxops)
description:
  - Puts back what a run changed, by what the ledger has kept of each change. Fields, organizations, members of extension groups, names and places of
    organizations and groups, associations and the company name become what they were, what the run created is deleted, and what it deleted is created again.
  - In check mode it shows all of that and changes nothing.
  - Only what is still as the run left it is put back. What was changed since, by hand or by a later run, is left as it is and told in RV(conflicts).
  - What the PBX cannot be given back is told for each object in RV(not_restored). An extension that is created again has its number and its settings, and new
    passwords.
  - A rollback is a run of its own. One that was cut off is completed by doing it again, and it can itself be rolled back, by its O(run_id).
  - The directory is not asked, so that it may be down. The guard counts nothing of it.
options:
  run_id:
    description:
      - The run to undo, as its RV(run_id) or M(pbxops.yeastar.pbx_ad_info) tells it.
      - If not set, the latest run that changed anything and is no rollback itself. Where that one is rolled back already, nothing is done; to go back further,
        name the run before it.
    type: str
    default: ""
  pause:
    description:
      - Whether the rules of what the run synchronized are paused first, so that the next night does not do the same again.
      - They are resumed with O(pbxops.yeastar.pbx_ad_user_sync#module:settings=saved) and so on, once the reason is mended.
    type: bool
    default: true
  send_welcome_email:
    description:
      - Whether the users of extensions that are created again get the PBX's welcome e-mail for the Linkus clients. Their passwords are new ones.
    type: bool
    default: false
  delete_in_use:
    description:
      - Whether an extension that the run created is deleted although it is in a call or an agent of a queue. Otherwise it is left, the task fails and names it,
        and another rollback of the same run takes it up.
    type: bool
    default: false
extends_documentation_fragment:
  - pbxops.yeastar.connection
  - pbxops.yeastar.connection.required
  - pbxops.yeastar.expect
  - pbxops.yeastar.attributes
seealso:
  - module: pbxops.yeastar.pbx_ad_sync
  - module: pbxops.yeastar.pbx_ad_info
"""

EXAMPLES = r"""
# The connection options come from their environment variables here; they can also stand in module_defaults.
- name: See what undoing the latest run would do
  pbxops.yeastar.pbx_ad_rollback:
  check_mode: true
  register: plan

- name: Do exactly that, or nothing
  pbxops.yeastar.pbx_ad_rollback:
    run_id: "{{ plan.rolled_back_run_id }}"
    expect_plan_id: "{{ plan.plan_id }}"
    expect_changes: "{{ plan.plan_changes }}"

- name: Undo the latest run, and let the rules go on
  pbxops.yeastar.pbx_ad_rollback:
    pause: false
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
      description: Objects whose association is put back.
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
    unchanged:
      description: Changes of the run of which nothing is left to undo.
      type: int
    excluded:
      description: Always 0.
      type: int
    conflicts:
      description: Entries of RV(conflicts).
      type: int
    failed:
      description: Changes that failed or whose outcome is unknown.
      type: int
    stopped:
      description: Always 0; the guard does not count what was asked for.
      type: int
    skipped:
      description: Changes that were not tried because what they need was not done.
      type: int
    parked:
      description: Extensions to park again.
      type: int
    unparked:
      description: Parked extensions to make usable again.
      type: int
    revoked:
      description: Linkus passwords that a sign-on had set, to replace by random ones.
      type: int
    waiting:
      description: Always 0.
      type: int
    drift:
      description: Always 0.
      type: int
    deferred:
      description: Always 0.
      type: int
  sample:
    created: 1
    associated: 0
    updated: 1
    released: 0
    deleted: 0
    unchanged: 0
    excluded: 0
    conflicts: 1
    failed: 0
    stopped: 0
    skipped: 0
    parked: 0
    unparked: 0
    revoked: 0
    waiting: 0
    drift: 0
    deferred: 0
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
      description: V(create), V(associate), V(update), V(park), V(unpark), V(release), V(delete) or V(revoke).
      type: str
    state:
      description: V(planned) in check mode, else V(done), V(failed), V(unknown), V(stopped) or V(skipped).
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
      description: Always empty.
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
    - kind: extension
      action: create
      state: done
      detail: ""
      name: anna
      guid: 5d0f9c1e-9a4b-4c3e-8f5d-7b2f3c4d5e60
      dn: CN=Anna Adler,OU=Sales,OU=Staff,DC=example,DC=com
      number: "2000"
      object_id: 87
      reason: rolled_back
      explanation: the run that is rolled back had changed it
      before: {}
      after:
        first_name: Anna
        last_name: Adler
        organizations: Example Ltd/Staff/Sales
      drift: []
      members_added: []
      members_removed: []
conflicts:
  description: What was changed since the run, or stands in the way, and is left as it is.
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
    - code: changed_since
      name: bernd
      guid: 3f0f7a51-7b6f-4b39-8d0e-6a1d5f0c9e21
      message: >-
        title of extension 2001 was "Clerk" before the run, which left it "Manager"; now it is "Director". It was changed
        since, and is left as it is. Set it by hand if it is to be as before.
not_restored:
  description: What does not come back, for each object that does.
  returned: success or failure after planning
  type: list
  elements: dict
  contains:
    kind:
      description: As in RV(changes).
      type: str
    number:
      description: As in RV(changes).
      type: str
    name:
      description: As in RV(changes).
      type: str
    guid:
      description: As in RV(changes).
      type: str
    what:
      description: What stays lost, a few words each.
      type: list
      elements: str
  sample:
    - kind: extension
      number: "2000"
      name: anna
      guid: 5d0f9c1e-9a4b-4c3e-8f5d-7b2f3c4d5e60
      what:
        - "the passwords: the user and SIP passwords are new random ones, and the voicemail PIN is the PBX's default"
        - "the SIP registration name, which is a new one: phones are to be provisioned again"
        - voicemail messages, recordings and the call history
        - forwarding rules of presence, Linkus clients, security and other settings that the Open API does not show
rolled_back_run_id:
  description: Name of the run that is rolled back; empty where no run has changed anything.
  returned: success or failure after planning
  type: str
  sample: 0c9e5b7a-2f41-4f0e-9a53-1f6f0d1f2a3b
paused:
  description: The rules that were paused with it, or would be.
  returned: success or failure after planning
  type: list
  elements: str
  sample: [users]
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
  description: Name of this run in the ledger; empty in check mode, and where nothing was to be done.
  returned: success or failure after planning
  type: str
  sample: 9a4d2b9e-51f6-4a43-8a0a-6f1a2c1f0b7d
plan_id:
  description: Name of the plan. The same plan has the same one, in check mode and in a run.
  returned: success or failure after planning
  type: str
  sample: 325f79650555ce51
plan_changes:
  description: All that the plan does and cannot do, a line each, for O(expect_changes). The digits name it exactly.
  returned: success or failure after planning
  type: list
  elements: str
  sample:
    - 0b83d6f1 create 2000 anna
outcome:
  description: What became of it, in a form to mail or to post.
  returned: success or failure after planning
  type: dict
  contains:
    state:
      description: V(succeeded), V(failed), V(planned) in check mode, or V(skipped) where no run has changed anything.
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

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.main import YeastarModule, run_module
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.rollback_command import (
    ROLLBACK_MODULE_OPTIONS,
    rollback_module,
)


def main() -> None:
    module = YeastarModule(argument_spec=ROLLBACK_MODULE_OPTIONS, supports_check_mode=True)
    run_module(module, "pbx_ad_rollback", rollback_module)


if __name__ == "__main__":
    main()
