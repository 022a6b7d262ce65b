#!/usr/bin/python
# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbx_ad_user_sync
short_description: Synchronize users of an Active Directory to extensions of a Yeastar P-Series PBX
version_added: 0.1.0
author:
  - The pbxops.yeastar maintainers (@pbxops)
description:
  - Saves the rule that the options describe and synchronizes the users that it takes in, one way, from the directory to the PBX.
  - A user is known by objectGUID, so a renamed or moved user keeps the extension and its number.
  - The directory owns five fields of an associated extension, namely first name (C(givenName)), last name (C(sn)),
    e-mail address (C(mail)), mobile number (C(telephoneNumber)) and job title (C(title)).
    What was changed in them on the PBX by hand is told as drift and put back, unless O(drift) says otherwise. Nothing else of an extension is touched.
  - A user without first and last name is named by C(displayName), else by C(cn).
  - Extensions that no association names are never changed or deleted, except to take one over as
    O(associate_by_email) or O(users) asks for.
  - Nothing is removed on an incomplete answer. A user that the scope did not return is looked up by objectGUID in the whole domain first.
  - While a rule of M(pbxops.yeastar.pbx_ad_ou_sync) asks for organizations, new extensions are created straight into that of their user's unit, and an
    extension whose user moved is put into the other one by the same call that changes its fields.
  - What cannot be done as asked is returned in RV(conflicts) and warned of. A change that the PBX refuses stops itself alone;
    the task then ends failed and names it.
options:
  scope:
    description:
      - Which users the rule takes in. System and trust accounts never are, nor are computers and contacts.
      - V(all) takes in every user below O(directory_base_dn), service accounts included, that of O(directory_username) too.
      - V(organizational_units) takes in the users in O(organizational_units) and in the units below them.
      - V(groups) takes in the members of O(groups), nested ones and those by primary group included.
      - V(filter) takes in the users that match O(filter).
      - V(users) binds the users named in O(users) to existing extensions, one by one.
    type: str
    choices: [all, organizational_units, groups, filter, users]
    default: all
  organizational_units:
    description:
      - Organizational units (or containers) by distinguished name, or by path from O(directory_base_dn) downwards, like V(Staff/Sales).
        A slash that is part of a name is written C(\/).
    type: list
    elements: str
    default: []
  groups:
    description:
      - Groups by distinguished name, sAMAccountName, common name or objectGUID.
    type: list
    elements: str
    default: []
  filter:
    description:
      - LDAP filter that users must match, for example V((department=Sales\)).
    type: str
    default: ""
  users:
    description:
      - The users to take in, each with the extension that is to be theirs.
      - Leaving one out ends the association and keeps the extension.
    type: list
    elements: dict
    default: []
    suboptions:
      user:
        description: The user by distinguished name, user principal name, sAMAccountName or objectGUID.
        type: str
        required: true
      extension:
        description: Number of an existing extension.
        type: str
        required: true
  number_from:
    description:
      - Where the number of a new extension comes from. A number once given stays.
      - V(start) gives the first free number from O(number_start) on, in the order of the account names.
      - V(attribute) reads it from O(number_attribute). It must be 1 to 8 digits; anything else is a conflict, never cut to fit.
    type: str
    choices: [start, attribute]
    default: start
  number_start:
    description: First number to give.
    type: int
    default: 1000
  number_end:
    description: Last number to give.
    type: int
    default: 99999999
  number_attribute:
    description: LDAP name of the attribute that holds extension numbers.
    type: str
    default: ipPhone
  number_rest_days:
    description:
      - Days that the number of a deleted extension is not given to another user by O(number_from=start). The same user may have it back at once.
    type: int
    default: 30
  delete_when:
    description:
      - The account statuses at which a user is not synchronized and their extension is deleted.
      - A status that is not listed makes no difference, so an extension is kept and goes on being synchronized.
    type: list
    elements: str
    choices: [expired, disabled, deleted]
    default: [deleted]
  park_days:
    description:
      - For how many days an extension that is due for deletion is parked first. With V(0) it is deleted at once.
      - A parked extension cannot be used and loses nothing. Its phones no longer register, for it gets a registration name that nobody knows; nobody signs in
        to the Linkus clients, for their password becomes a random one; colleagues see it as off work. Its number, voicemail, call history and all settings
        stay.
      - When the user is back (enabled, restored, in scope again) it gets its registration name and presence status back, and the phones register again.
        The Linkus password of before is not known to anybody; O(send_welcome_email) sends the user the e-mail with which to set a new one.
      - If the account was deleted and made anew, O(associate_by_email) lets the new account take the parked extension over.
      - A PBX that does not show registration names cannot be given them back; the phones must be provisioned once more then.
    type: int
    default: 0
  delete_in_use:
    description:
      - Whether an extension is deleted although it is in a call, or an agent of a queue. Otherwise that is put off to a later run, and told as V(deferred).
      - An extension in a call is not parked either; that of an agent is. An agent's is deleted once it was taken out of its queues.
      - It needs the calls C(call/query) and C(queue/list) of the Open API. If the PBX does not answer them, nothing is put off and a warning says so.
    type: bool
    default: false
  deletion_proof:
    description:
      - What proves that a user was deleted.
      - With V(tombstone) the deleted object itself must be seen, for which the account needs the right to read the Deleted Objects container.
        A user that is simply not shown is a conflict, and the extension is kept.
      - With V(absence) it is enough that no object of the domain has the user's objectGUID. That is also so for a user whom the account may no longer read.
    type: str
    choices: [tombstone, absence]
    default: tombstone
  out_of_scope:
    description:
      - What becomes of the extension of a user that exists and that the rule no longer takes in.
      - V(release) ends the association and keeps the extension, which is the PBX administrator's again. V(delete) deletes it.
    type: str
    choices: [release, delete]
    default: release
  associate_by_email:
    description:
      - Whether a user whose e-mail address an existing extension has takes that extension over, and overwrites its fields.
        Otherwise such a user is a conflict, for the PBX takes each address once.
    type: bool
    default: false
  send_welcome_email:
    description:
      - Whether the PBX sends the Linkus welcome e-mail for each extension created, once.
    type: bool
    default: false
  label_group:
    description:
      - Name of an extension group whose members are exactly the associated extensions, so that the PBX's administrators see which they are.
        The PBX's own integration has a label for that and the Open API has none. If empty, there is no such group, and one that was made is deleted.
      - It counts against the limit of 63 extension groups.
    type: str
    default: ""
  drift_fields:
    description:
      - V(correct) or V(report) for single fields, in place of O(drift), by their names C(first_name), C(last_name), C(email_addr), C(mobile_number),
        C(title) and C(organizations).
      - The last is about extensions that were taken out of the organization that M(pbxops.yeastar.pbx_ad_ou_sync) gave them, and holds for that module too.
    type: dict
    default: {}
  delete_extensions:
    description:
      - Whether the extensions that the rule is associated with are deleted when it is paused. Only with O(enabled=false).
      - The guard does not count them, for this is asked for in so many words. Look at the plan in check mode first, and give its
        RV(plan_id) as O(expect_plan_id).
    type: bool
    default: false
extends_documentation_fragment:
  - pbxops.yeastar.connection
  - pbxops.yeastar.connection.required
  - pbxops.yeastar.rule
  - pbxops.yeastar.guard.users
  - pbxops.yeastar.expect
  - pbxops.yeastar.snapshot
  - pbxops.yeastar.attributes
seealso:
  - module: pbxops.yeastar.pbx_ad_sync
  - module: pbxops.yeastar.pbx_ad_connection
  - module: pbxops.yeastar.pbx_ad_ou_sync
  - module: pbxops.yeastar.pbx_ad_group_sync
"""

EXAMPLES = r"""
# The connection options stand in module_defaults here; each can also come from its environment variable.
- name: Users to extensions
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
    - name: Give everybody in two organizational units an extension from 2000 on
      pbxops.yeastar.pbx_ad_user_sync:
        scope: organizational_units
        organizational_units:
          - Staff/Sales
          - OU=Support,OU=Staff,DC=example,DC=com
        number_start: 2000
        number_end: 2999
        delete_when: [deleted, disabled]

    - name: Give the members of a group the number in their ipPhone, and take over extensions with their e-mail address
      pbxops.yeastar.pbx_ad_user_sync:
        scope: groups
        groups: [PBX Users]
        number_from: attribute
        number_attribute: ipPhone
        associate_by_email: true

    - name: Take in what an LDAP filter finds
      pbxops.yeastar.pbx_ad_user_sync:
        scope: filter
        filter: (&(department=Sales)(!(title=Trainee)))

    - name: Bind users to extensions one by one
      pbxops.yeastar.pbx_ad_user_sync:
        scope: users
        users:
          - user: anna@example.com
            extension: "2002"
          - user: bernd
            extension: "2003"
"""

RETURN = r"""
summary:
  description:
    - How many changes there are of each action, and what became of them. In check mode, what would be done.
  returned: success or failure after planning
  type: dict
  contains:
    created:
      description: Extensions to create.
      type: int
    associated:
      description: Existing extensions to associate with a user.
      type: int
    updated:
      description: Associated extensions to change.
      type: int
    released:
      description: Associations to end while the extension stays.
      type: int
    deleted:
      description: Extensions to delete.
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
      description: Associated extensions that are as they should be.
      type: int
    waiting:
      description: Extensions that were parked before and wait for their deletion.
      type: int
    excluded:
      description: Users in scope without extension whose account status is in O(delete_when).
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
    unchanged: 196
    waiting: 0
    excluded: 2
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
      description: What the change is about, V(extension), or V(extension_group) for O(label_group).
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
      description: sAMAccountName.
      type: str
    guid:
      description: objectGUID.
      type: str
    dn:
      description: Distinguished name when last seen.
      type: str
    number:
      description: Number of the extension.
      type: str
    object_id:
      description: The PBX's id of the extension; null while it is to be created.
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
      description: Extensions that come into the label group, each with number and name.
      type: list
      elements: str
    members_removed:
      description: Extensions that are taken out of it, likewise.
      type: list
      elements: str
  sample:
    - kind: extension
      action: update
      state: done
      detail: ""
      name: anna
      guid: 0f5c1f6e-6b3e-4a5f-9d8e-7f0a3c1b2d4e
      dn: CN=Anna Adler,OU=Sales,OU=Staff,DC=example,DC=com
      number: "2000"
      object_id: 54
      reason: directory_changed
      explanation: it changed in the directory
      before:
        last_name: Adler
      after:
        last_name: Adler-Berg
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
      description: sAMAccountName.
      type: str
    guid:
      description: objectGUID.
      type: str
    message:
      description: What is in the way, and the remedy.
      type: str
  sample:
    - code: number_missing
      name: bernd
      guid: 7d3b8a52-1c7e-4b0f-8f4d-2e9a6c5b1d30
      message: ipPhone is empty, so there is no number to create an extension with. Fill it in the directory.
drift:
  description:
    - What was changed on the PBX by hand since it was last written, a field each, and each member that was put in or taken out.
  returned: success or failure after planning
  type: list
  elements: dict
  contains:
    kind:
      description: V(extension), or V(extension_group) for O(label_group), which is always put right.
      type: str
    number:
      description: Number of the extension.
      type: str
    name:
      description: sAMAccountName.
      type: str
    guid:
      description: As in RV(changes).
      type: str
    field:
      description: One of the names in O(drift_fields), and V(name) and V(members) of O(label_group).
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
      description: sAMAccountName.
      type: str
    number:
      description: Number of the extension.
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
    module = YeastarModule(argument_spec=rule_module_options(RuleKind.USERS), supports_check_mode=True)
    run_module(module, "pbx_ad_user_sync", rule_module(RuleKind.USERS))


if __name__ == "__main__":
    main()
