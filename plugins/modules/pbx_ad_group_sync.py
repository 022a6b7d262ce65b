#!/usr/bin/python
# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbx_ad_group_sync
short_description: Synchronize groups of an Active Directory to extension groups of a Yeastar P-Series PBX
version_added: 0.1.0
author:
  - The pbxops.yeastar maintainers (@pbxops)
description:
  - Saves the rule that the options describe and synchronizes the groups that it takes in, one way, from the directory to the PBX.
  - A group is known by objectGUID. The members of its extension group are the associated extensions of its users, nested groups (cycles included) and primary
    group counted. A group without such users is an extension group without members.
  - The directory owns the name and the members of an associated extension group. Members that an administrator put in or took out are told as drift
    and put right, unless O(drift) says otherwise. Permissions of the group and roles of its members (manager, user, custom) stay as they were set.
  - Two groups of one name are told apart by what they are in, like V(Sales (Berlin\)).
  - Extension groups that no association names are never changed or deleted, except to take one over as O(associate_by_name) asks for.
  - The Open API documents no rename of an extension group. A group that the PBX does not rename is made anew under the new name, with the same members, roles
    and permissions, and the old one is deleted; the change says so.
  - Nobody is taken out on an incomplete answer. Who is to leave a group is asked for once more, from the other end of the link.
  - The PBX takes 63 extension groups in all. Those that do not fit are conflicts; those that do are synchronized.
options:
  scope:
    description:
      - Which groups the rule takes in. Those that the directory made for itself (built-in and critical ones, such as Domain Users) never are, unless named.
      - V(all) takes in every group below O(directory_base_dn).
      - V(types) takes in those of O(types).
      - V(filter) takes in those that match O(filter).
      - V(groups) takes in those named in O(groups).
    type: str
    choices: [all, types, filter, groups]
    default: all
  types:
    description: The types of groups to take in.
    type: list
    elements: str
    choices: [security, distribution]
    default: []
  filter:
    description:
      - LDAP filter that groups must match, for example V((cn=sales*\)).
    type: str
    default: ""
  groups:
    description:
      - Groups of the domain by distinguished name, sAMAccountName, common name or objectGUID.
    type: list
    elements: str
    default: []
  out_of_scope:
    description:
      - What becomes of an extension group whose counterpart in the directory was deleted or that the rule no longer takes in.
      - V(release) ends the association and keeps it as it is; it is the PBX administrator's again. V(delete) deletes it.
    type: str
    choices: [release, delete]
    default: release
  deletion_proof:
    description:
      - What proves that a group was deleted in the directory.
      - With V(tombstone) the deleted object itself must be seen, for which the account needs the right to read the Deleted Objects container.
        One that is simply not shown is a conflict, and its counterpart on the PBX is kept.
      - With V(absence) it is enough that no object of the domain has its objectGUID. That is also so for one that the account may no longer read.
    type: str
    choices: [tombstone, absence]
    default: tombstone
  associate_by_name:
    description:
      - Whether an extension group of the PBX that has the same name at the same place, and that no association names, is taken over.
        Otherwise it is a conflict.
    type: bool
    default: false
  drift_fields:
    description:
      - V(correct) or V(report) for single fields, in place of O(drift), by their names C(name) and C(members).
    type: dict
    default: {}
  delete_groups:
    description:
      - Whether the extension groups that the rule is associated with are deleted when it is paused. Only with O(enabled=false).
      - The guard does not count them, for this is asked for in so many words. Look at the plan in check mode first, and give its
        RV(plan_id) as O(expect_plan_id).
    type: bool
    default: false
extends_documentation_fragment:
  - pbxops.yeastar.connection
  - pbxops.yeastar.connection.required
  - pbxops.yeastar.rule
  - pbxops.yeastar.guard.groups
  - pbxops.yeastar.expect
  - pbxops.yeastar.snapshot
  - pbxops.yeastar.attributes
seealso:
  - module: pbxops.yeastar.pbx_ad_sync
  - module: pbxops.yeastar.pbx_ad_connection
  - module: pbxops.yeastar.pbx_ad_user_sync
  - module: pbxops.yeastar.pbx_ad_ou_sync
notes:
  - Put the task behind that of M(pbxops.yeastar.pbx_ad_user_sync), which makes the extensions that are members.
"""

EXAMPLES = r"""
# The connection options stand in module_defaults here; each can also come from its environment variable.
- name: Groups to extension groups
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
    - name: Three groups by name, and delete the extension groups of those that are no longer named
      pbxops.yeastar.pbx_ad_group_sync:
        scope: groups
        groups: [PBX Support, PBX Sales, "CN=Managers,OU=Groups,DC=example,DC=com"]
        out_of_scope: delete

    - name: All distribution groups instead
      pbxops.yeastar.pbx_ad_group_sync:
        scope: types
        types: [distribution]
        out_of_scope: delete

    - name: What an LDAP filter finds, and take over extension groups of the same names
      pbxops.yeastar.pbx_ad_group_sync:
        scope: filter
        filter: (cn=PBX*)
        associate_by_name: true
        out_of_scope: delete
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
      description: Always 0; there for the sake of M(pbxops.yeastar.pbx_ad_user_sync).
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
changes:
  description:
    - The changes, in the order in which they are done. When the task fails, those that were not done.
  returned: success or failure after planning
  type: list
  elements: dict
  contains:
    kind:
      description: What the change is about, always V(extension_group).
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
      description: Name of the group in the directory.
      type: str
    guid:
      description: objectGUID.
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
    - kind: extension_group
      action: update
      state: done
      detail: ""
      name: PBX Sales
      guid: 3f0f7a51-7b6f-4b39-8d0e-6a1d5f0c9e21
      dn: CN=PBX Sales,OU=Groups,DC=example,DC=com
      number: ""
      object_id: 4
      reason: directory_changed
      explanation: it changed in the directory
      before: {}
      after: {}
      drift: []
      members_added: [1004 Carl Cohn]
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
      description: Name of the group in the directory.
      type: str
    guid:
      description: objectGUID.
      type: str
    message:
      description: What is in the way, and the remedy.
      type: str
  sample:
    - code: name_taken
      name: PBX Support
      guid: 7d3b8a52-1c7e-4b0f-8f4d-2e9a6c5b1d30
      message: >-
        The PBX has an extension group PBX Support already, which is not this one's. Set associate_by_name to take it over, or rename one of the two, for
        example to 'PBX Support (AD)'.
drift:
  description:
    - What was changed on the PBX by hand since it was last written, a field each, and each member that was put in or taken out.
  returned: success or failure after planning
  type: list
  elements: dict
  contains:
    kind:
      description: V(extension_group).
      type: str
    number:
      description: Empty, for a group has none.
      type: str
    name:
      description: The group.
      type: str
    guid:
      description: As in RV(changes).
      type: str
    field:
      description: V(name) or V(members).
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
        - V(corrected) if it is put back, V(reported) if it is left, because O(drift) or O(drift_fields) says so or because its change is
          not done, see RV(changes).
      type: str
  sample:
    - kind: extension_group
      number: ""
      name: PBX Sales
      guid: 3f0f7a51-7b6f-4b39-8d0e-6a1d5f0c9e21
      field: members
      written: ""
      wanted: ""
      actual: 2003 Carl Cohn
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
  description:
    - Name of what the guard counts in the plan, and of nothing else, for O(allow_guarded).
    - It has a part for deletions, releases, renumberings, members taken out, e-mail changes and moves, in this order, V(0) for nothing. What is nothing
      at the end is left out.
  returned: success or failure after planning
  type: str
  sample: 4f53cda18c2baa0c
status:
  description: Status of the integration, V(connected) or V(disabled). While it is disabled nothing is synchronized, and the task does not fail for that.
  returned: success or failure after planning
  type: str
  sample: connected
enabled:
  description: Whether the rule is enabled; while it is paused it is not carried out.
  returned: success or failure after planning
  type: bool
  sample: true
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

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.commands import rule_module, rule_module_options
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.main import YeastarModule, run_module
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind


def main() -> None:
    module = YeastarModule(argument_spec=rule_module_options(RuleKind.GROUPS), supports_check_mode=True)
    run_module(module, "pbx_ad_group_sync", rule_module(RuleKind.GROUPS))


if __name__ == "__main__":
    main()
