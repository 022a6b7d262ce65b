#!/usr/bin/python
# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbx_ad_sso
short_description: Let synchronized users sign on to Linkus with their Active Directory credentials
version_added: 0.1.0
author:
  - The pbxops.yeastar maintainers (@pbxops)
description:
  - Saves in the ledger whether and how synchronized users sign on to the Linkus clients with the credentials of their Active Directory
    accounts, and tells how many of them can and why the others cannot.
  - The users sign on at the sign-on gateway, which the role P(pbxops.yeastar.pbx_ad_sso_gateway#role) installs. It reads these settings
    anew for every sign-on, so that a change takes effect at once.
  - The PBX's own switch for this has no API and works only for users that the PBX itself has synchronized.
  - Switched off, or with another O(method), the passwords of the Linkus clients that sign-ons have set are replaced by random ones at once.
    Disabling or disconnecting the integration by M(pbxops.yeastar.pbx_ad_connection) does the same. Those of single users who may no
    longer sign on, being disabled, expired, deleted or out of scope, are replaced by the next synchronization of users.
  - The PBX is asked only if there is a password to replace.
options:
  enabled:
    description:
      - Whether users can sign on.
      - With V(false) and without O(login_addresses) the settings that are saved stay, and are only switched off.
    type: bool
    default: true
  login_addresses:
    description:
      - The addresses that users may be sent to once they have signed on, and no others. With several the user chooses.
      - For O(method=password) they are those of the Linkus web client, for example C(https://pbx.example.com:8088/login).
      - For O(method=signature) they are those of the company's own pages made with the Linkus SDK. Only pages of their origins are given
        a signature.
      - Required with O(enabled=true).
    type: list
    elements: str
    default: []
  method:
    description:
      - V(password) sets the password that Active Directory has just accepted as the extension's user password. Every Linkus client, web,
        desktop and mobile, then takes the user's e-mail address or extension number and that password, until it changes in Active Directory
        and the user signs on again.
      - It means that the PBX holds the user's Active Directory password, as it holds every user password. Whoever rules the PBX may be able
        to get at it. Read C(docs/sign-on.md) before you choose it.
      - V(signature) gives a short-lived login signature to a page of the company's own that is made with the Linkus SDK. No password
        reaches the PBX, and the Linkus clients of the vendor cannot use it.
    type: str
    choices: [password, signature]
    default: password
  allow_http:
    description:
      - Whether O(login_addresses) may begin with C(http://), where anybody on the way can read what the user types at the PBX.
      - Not with O(method=signature).
    type: bool
    default: false
  confirmation:
    description:
      - With O(method=password), whether the user is shown a page with the names to log in to Linkus with before going on. Otherwise the user
        is sent to the address of their choice at once.
    type: bool
    default: false
  signature_seconds:
    description: With O(method=signature), for how many seconds a signature can be used, from 10 to 3600.
    type: int
    default: 60
  session_minutes:
    description: With O(method=signature), for how many minutes after a sign-on signatures are given, from 1 to 720.
    type: int
    default: 15
  failures_per_user:
    description:
      - After how many wrong passwords within O(failure_minutes) a user has to wait, from 1 to 100.
      - It must be less than the domain's account lockout threshold, so that nobody can lock accounts at the gateway. The threshold of the
        domain is asked for, those of fine-grained policies are not.
    type: int
    default: 3
  failure_minutes:
    description:
      - For how many minutes a wrong password counts, from 1 to 1440.
      - Not shorter than the time after which the domain resets its own counter.
    type: int
    default: 30
  attempts_per_address:
    description:
      - How many sign-ons are tried from one network address within O(attempt_minutes), from 1 to 10000.
      - Many users may come from one address, that of a branch office for example.
    type: int
    default: 20
  attempt_minutes:
    description: For how many minutes a sign-on counts against the network address that it came from, from 1 to 1440.
    type: int
    default: 5
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
  - module: pbxops.yeastar.pbx_ad_user_sync
"""

EXAMPLES = r"""
# The connection options stand in module_defaults here; each can also come from its environment variable.
- name: Sign-on with the credentials of Active Directory
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
    - name: Let users sign on, from inside and from outside
      pbxops.yeastar.pbx_ad_sso:
        login_addresses:
          - https://pbx.example.com:8088/login
          - https://example.ras.yeastar.com/login
      register: sign_on

    - name: Tell who cannot, and why
      ansible.builtin.debug:
        msg: "{{ sign_on.cannot_sign_on | map(attribute='explanation') | list }}"

    - name: Switch it off, and replace the passwords that it has left behind
      pbxops.yeastar.pbx_ad_sso:
        enabled: false
"""

RETURN = r"""
settings:
  description: The settings as they are saved, empty where none ever were.
  returned: success
  type: dict
  sample:
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
users:
  description: How many of the synchronized users can sign on.
  returned: success
  type: dict
  contains:
    can_sign_on:
      description: Those who can.
      type: int
    cannot:
      description: Those who cannot.
      type: int
  sample:
    can_sign_on: 198
    cannot: 2
cannot_sign_on:
  description: The synchronized users who cannot sign on, and why.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The user's sAMAccountName.
      type: str
    guid:
      description: The user's objectGUID.
      type: str
    number:
      description: Their extension's number.
      type: str
    reason:
      description: V(switched_off), V(integration_disabled), V(deleted), V(not_found), V(disabled), V(expired), V(parked) or V(no_name).
      type: str
    explanation:
      description: The same as a sentence.
      type: str
  sample:
    - name: b.bauer
      guid: 5f5a8dce-4e3c-4f8f-9c1e-6f1f3a0f7a10
      number: "1002"
      reason: disabled
      explanation: the account is disabled
signed_on:
  description: How many extensions have a password of the Linkus clients that a sign-on has set.
  returned: success
  type: int
  sample: 57
summary:
  description:
    - How many changes there are of each action, and what became of them. In check mode, what would be done.
    - Of these there are none but V(revoke) here.
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
    created: 0
    associated: 0
    updated: 0
    released: 0
    deleted: 0
    parked: 0
    unparked: 0
    revoked: 1
    unchanged: 0
    waiting: 0
    excluded: 0
    conflicts: 0
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
    - kind: extension
      action: revoke
      state: done
      detail: ""
      name: a.adler
      guid: 0c5e7f0e-6e7b-4a3e-9a59-0f0d4c0f8c11
      dn: CN=Anna Adler,OU=Staff,DC=example,DC=com
      number: "1001"
      object_id: 54
      reason: sign_on_off
      explanation: sign-on with the directory's credentials is switched off
      before: {}
      after: {}
      drift: []
      members_added: []
      members_removed: []
conflicts:
  description: Always empty, for sign-on knows no conflicts.
  returned: success or failure after planning
  type: list
  elements: dict
  sample: []
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
  description: All that the plan does, a line each. The digits name it exactly.
  returned: success or failure after planning
  type: list
  elements: str
  sample:
    - 0b83d6f1 revoke 1001 a.adler
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
    headline: Sign-on is switched on; 198 user(s) can sign on.
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
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.sign_on_command import (
    SIGN_ON_MODULE_OPTIONS,
    sign_on_module,
)


def main() -> None:
    module = YeastarModule(
        argument_spec=SIGN_ON_MODULE_OPTIONS,
        required_if=[("enabled", True, ["login_addresses"])],
        supports_check_mode=True,
    )
    run_module(module, "pbx_ad_sso", sign_on_module)


if __name__ == "__main__":
    main()
