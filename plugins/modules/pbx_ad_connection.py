#!/usr/bin/python
# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbx_ad_connection
short_description: Connect a Yeastar P-Series PBX to an Active Directory, disable or disconnect the two
version_added: 0.1.0
author:
  - The pbxops.yeastar maintainers (@pbxops)
description:
  - Joins one directory to one PBX. Both are asked who they are, and that is saved in the ledger together with the connection options.
  - On the directory side it binds, proves that O(directory_base_dn) exists and is readable, and reads the domain's identity.
  - On the PBX side it asks for serial number, model, firmware and capacity, and refuses a firmware that has no Open API.
  - Passwords and the client secret are never saved; every module of the collection takes them anew.
  - A ledger that belongs to another domain or another PBX is refused.
  - While the integration is disabled, no run synchronizes anything, and none fails for that. Rules and associations stay, and nothing of them can be
    changed.
  - Disconnecting forgets the integration, its rules and its schedule. What is not deleted is the PBX administrator's again.
options:
  state:
    description:
      - V(connected) connects, changes what was saved about the connection, and enables an integration that is disabled.
      - V(present) does the same, but leaves an integration that is disabled as it is, and then asks neither side. It is meant for a play that runs every night.
      - V(disabled) suspends the whole integration.
      - V(disconnected) ends it. Connecting again later finds the extensions by e-mail address, if
        O(pbxops.yeastar.pbx_ad_user_sync#module:associate_by_email) says so.
      - Neither V(disabled) nor V(disconnected) needs the directory, and the PBX is asked only if something there is to be deleted or looked at.
    type: str
    choices: [connected, present, disabled, disconnected]
    default: connected
  delete_extensions:
    description:
      - Whether the extensions that are associated with users are deleted. Only with O(state=disabled) and O(state=disconnected).
      - The guard does not count what the three options delete, for it is asked for in so many words. Look at the plan in check mode first, and give
        its RV(plan_id) as O(expect_plan_id).
    type: bool
    default: false
  delete_organizations:
    description: Likewise for the organizations and extension groups that are associated with organizational units.
    type: bool
    default: false
  delete_groups:
    description: Likewise for the extension groups that are associated with groups.
    type: bool
    default: false
  delete_in_use:
    description:
      - Whether O(delete_extensions) deletes extensions that are in a call, or agents of a queue. Otherwise those are left, the task fails and names them,
        and an integration that was to be disconnected stays until they are gone too.
    type: bool
    default: false
extends_documentation_fragment:
  - pbxops.yeastar.connection
  - pbxops.yeastar.connection.required
  - pbxops.yeastar.expect
  - pbxops.yeastar.attributes
seealso:
  - module: pbxops.yeastar.pbx_ad_sync
  - module: pbxops.yeastar.pbx_ad_user_sync
"""

EXAMPLES = r"""
- name: Connect the PBX to the directory
  pbxops.yeastar.pbx_ad_connection:
    directory_host: dc1.example.com
    directory_base_dn: DC=example,DC=com
    directory_username: svc-yeastar@example.com
    directory_password: "{{ vault_directory_password }}"
    directory_ca_path: /etc/ssl/certs/example-ca.pem
    pbx_url: https://pbx.example.com:8088
    pbx_client_id: "{{ vault_pbx_client_id }}"
    pbx_client_secret: "{{ vault_pbx_client_secret }}"
    pbx_ca_path: /etc/ssl/certs/pbx.pem
  delegate_to: localhost

# The connection options come from their environment variables in what follows; they can also stand in module_defaults.
- name: Suspend the integration and keep everything
  pbxops.yeastar.pbx_ad_connection:
    state: disabled

- name: Enable it again
  pbxops.yeastar.pbx_ad_connection:
    state: connected

- name: End it, delete the extension groups of groups, and leave the rest to the PBX's administrator
  pbxops.yeastar.pbx_ad_connection:
    state: disconnected
    delete_groups: true
"""

RETURN = r"""
status:
  description: Status of the integration, V(connected), V(disabled) or V(not_connected).
  returned: success
  type: str
  sample: connected
domain:
  description: The domain that the directory server speaks for.
  returned: success, unless there is no integration
  type: dict
  contains:
    guid:
      description: objectGUID of the domain's root object.
      type: str
    dn:
      description: Its distinguished name.
      type: str
    dns_name:
      description: Its DNS name.
      type: str
  sample:
    guid: 5b1e6d0c-2f0a-4c86-9b8e-0c2a0e0f3d11
    dn: DC=example,DC=com
    dns_name: example.com
pbx:
  description: What the PBX says of itself.
  returned: success, unless there is no integration
  type: dict
  contains:
    serial_number:
      description: Serial number, to which the ledger is bound.
      type: str
    model:
      description: Model name.
      type: str
    firmware:
      description: Firmware version.
      type: str
  sample:
    serial_number: 3631A2124000
    model: Yeastar P560
    firmware: 37.20.0.50
capacity:
  description: How many extensions the licence allows, and how many exist.
  returned: success, when both sides were asked
  type: dict
  contains:
    extensions:
      description: Extensions that the licence allows.
      type: int
    extensions_used:
      description: Extensions that exist.
      type: int
  sample:
    extensions: 200
    extensions_used: 17
deleted_objects_readable:
  description: Whether the account may read the Deleted Objects container, without which a deletion is never proved.
  returned: success, when both sides were asked
  type: bool
  sample: true
settings:
  description: The connection options as they are saved, without any secret.
  returned: success, unless there is no integration
  type: dict
  sample:
    directory_base_dn: DC=example,DC=com
    directory_ca_path: /etc/ssl/certs/example-ca.pem
    directory_host: dc1.example.com
    directory_port: null
    directory_protocol: ldaps
    directory_timeout: 30
    directory_username: svc-yeastar@example.com
    directory_validate_certs: true
    pbx_ca_path: /etc/ssl/certs/pbx.pem
    pbx_client_id: CLIENTID0000000000000000000000AB
    pbx_timeout: 30
    pbx_url: https://pbx.example.com:8088
    pbx_validate_certs: true
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
      description: Values that were changed on the PBX by hand and that the clean-up comes across.
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
outcome:
  description: What became of it, in a form to mail or to post.
  returned: success or failure after planning
  type: dict
  contains:
    state:
      description: V(succeeded), V(failed), V(planned) in check mode, or V(skipped) where nothing was to be done.
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

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.life_command import (
    LIFE_MODULE_OPTIONS,
    life_module,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.main import YeastarModule, run_module


def main() -> None:
    module = YeastarModule(argument_spec=LIFE_MODULE_OPTIONS, supports_check_mode=True)
    run_module(module, "pbx_ad_connection", life_module)


if __name__ == "__main__":
    main()
