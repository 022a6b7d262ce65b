#!/usr/bin/python
# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbx_ad_user_info
short_description: Search for Active Directory users and explain what becomes of each on a Yeastar P-Series PBX
version_added: 0.1.0
author:
  - The pbxops.yeastar maintainers (@pbxops)
description:
  - Searches the directory for users by organizational unit, group, filter or name. This is the I(Search AD Users) of the PBX's own integration.
  - Explains for each user found why the rule for users takes them in or does not, which extension they have or would be given and why it has its number,
    where each field comes from, and what the next run of all rules that are enabled would do to the extension.
  - Changes nothing. Both sides are read once and the run is planned as by M(pbxops.yeastar.pbx_ad_sync) in check mode; nothing is written anywhere.
  - Several conditions limit each other, and of several names in one any is enough. Without any condition all users below O(directory_base_dn) are found.
  - Users outside of O(directory_base_dn), and accounts that the directory made for itself, are found too, unless O(organizational_units) or nothing is given;
    the explanation says why they are not taken in.
options:
  organizational_units:
    description: Organizational units to search in, by distinguished name or by path below O(directory_base_dn). Units below them are included.
    type: list
    elements: str
    default: []
  groups:
    description:
      - Groups whose members to search, by distinguished name, sAMAccountName, common name or objectGUID. Members of groups nested in them, and users whose
        primary group it is, are included.
    type: list
    elements: str
    default: []
  filter:
    description: An LDAP filter that users must match.
    type: str
    default: ""
  names:
    description:
      - Users by distinguished name, user principal name, sAMAccountName, objectGUID or display name, exactly.
      - A display name that several users have finds all of them.
    type: list
    elements: str
    default: []
  search:
    description:
      - A part of a user's account name, user principal name, common name, display name or e-mail address.
      - Beginnings of first and last names are found too, as the directory's ambiguous name resolution does.
    type: str
    default: ""
  limit:
    description: How many users to explain at most, in the order of their account names.
    type: int
    default: 100
extends_documentation_fragment:
  - pbxops.yeastar.connection
  - pbxops.yeastar.connection.offline
  - pbxops.yeastar.attributes.info
seealso:
  - module: pbxops.yeastar.pbx_ad_info
  - module: pbxops.yeastar.pbx_ad_user_sync
"""

EXAMPLES = r"""
# The connection options come from their environment variables here; they can also stand in module_defaults.
- name: Look for somebody of whom a part of the name is known
  pbxops.yeastar.pbx_ad_user_info:
    search: ann
  register: found

- name: Tell in a sentence each what there is to know
  ansible.builtin.debug:
    msg: "{{ item.summary_explanation }}"
  loop: "{{ found.users }}"
  loop_control:
    label: "{{ item.name }}"

- name: Explain the members of a group in a unit
  pbxops.yeastar.pbx_ad_user_info:
    organizational_units: [Staff]
    groups: [PBX Users]

- name: Explain two users
  pbxops.yeastar.pbx_ad_user_info:
    names:
      - anna@example.com
      - Bernd Brandt

- name: Explain everybody as the last run left them, without the directory and the PBX
  pbxops.yeastar.pbx_ad_user_info:
    ledger_path: /srv/pbx/hq.sqlite3
    offline: true
    limit: 100000
"""

RETURN = r"""
users:
  description: The users found, in the order of their account names.
  returned: success
  type: list
  elements: dict
  contains:
    guid:
      description: objectGUID.
      type: str
    dn:
      description: Distinguished name.
      type: str
    name:
      description: sAMAccountName.
      type: str
    user_principal_name:
      description: User principal name; empty where there is none.
      type: str
    display_name:
      description: Display name; empty where there is none.
      type: str
    disabled:
      description: Whether the account is disabled.
      type: bool
    expired:
      description: Whether the account has expired.
      type: bool
    in_scope:
      description: Whether the rule for users gives the user an extension.
      type: bool
    scope_explanation:
      description: Why, in a sentence. The unit, the group and by which nested groups, the filter or the name; or what is not so.
      type: str
    extension:
      description: The extension that the user has, or would be given by the next run; empty if none.
      type: dict
      contains:
        number:
          description: Its number.
          type: str
        id:
          description: The PBX's id; null while it is to be created.
          type: int
        origin:
          description: How it came about or would, V(created), V(adopted) or V(bound).
          type: str
        number_explanation:
          description: Why it has this number.
          type: str
        parked_since:
          description: When it was made unusable until it is deleted; empty if it can be used.
          type: str
    fields:
      description: The managed fields.
      type: list
      elements: dict
      contains:
        field:
          description: Name of the field in the PBX's Open API.
          type: str
        attribute:
          description:
            - The directory attribute that the value comes from. The first name of a user with neither first nor last name comes from C(displayName), C(cn) or
              C(sAMAccountName).
          type: str
        directory:
          description: What the attribute says, as it is.
          type: str
        wanted:
          description: What the extension is to have. Null where RV(users[].fields[].problem) is in the way.
          type: str
        pbx:
          description: What the extension has; null without an extension.
          type: str
        written:
          description: What was last written; null if nothing was.
          type: str
        drift:
          description: Whether it was changed on the PBX since.
          type: bool
        problem:
          description: Why the directory's value is not written; empty if it is.
          type: str
    organization:
      description: The organizations that the extension is in, by their paths from the root.
      type: dict
      contains:
        wanted:
          description: After the next run. Empty if there would be no extension.
          type: str
        actual:
          description: As it is. Empty if there is no extension.
          type: str
    groups:
      description: The extension groups of rules that the extension is in, or would be after the next run.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the extension group.
          type: str
        rule:
          description: The kind of the rule that made it.
          type: str
        wanted:
          description: Whether the extension would be in it after the next run.
          type: bool
        actual:
          description: Whether the extension is in it.
          type: bool
    next:
      description: What the next run of all rules that are enabled would do to the extension. Empty while the integration is disabled.
      type: list
      elements: dict
      contains:
        kind:
          description: V(extension).
          type: str
        action:
          description: V(create), V(associate), V(update), V(unpark), V(park), V(release), V(delete) or V(revoke).
          type: str
        state:
          description: V(planned), V(stopped) where the guard would stop it, or V(deferred) where the extension is in use.
          type: str
        number:
          description: Number of the extension.
          type: str
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
      description:
        - What was changed on the PBX by hand since it was last written, a field each, and what the next run would do about it.
      type: list
      elements: dict
      contains:
        kind:
          description: V(extension).
          type: str
        number:
          description: Number of the extension.
          type: str
        name:
          description: sAMAccountName.
          type: str
        guid:
          description: objectGUID.
          type: str
        field:
          description: A managed field, or V(organizations).
          type: str
        written:
          description: As it was last written.
          type: str
        wanted:
          description: As the directory has it.
          type: str
        actual:
          description: As it is.
          type: str
        action:
          description:
            - V(corrected) if it is put back, V(reported) if it is left, because the rule says so or because its change is
              not done.
          type: str
    conflicts:
      description: What cannot be synchronized of the user as asked.
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
    summary_explanation:
      description: All of it in a sentence or two.
      type: str
  sample:
    - guid: 7d3b8a52-1c7e-4b0f-8f4d-2e9a6c5b1d30
      dn: CN=Anna,OU=Sales,OU=Staff,DC=example,DC=com
      name: anna
      user_principal_name: anna@example.com
      display_name: Anna Adler
      disabled: false
      expired: false
      in_scope: true
      scope_explanation: The user is a member of Sales, which is a member of PBX Users.
      extension:
        number: "2000"
        id: null
        origin: created
        number_explanation: first free number from 2000
        parked_since: ""
      fields:
        - field: mobile_number
          attribute: telephoneNumber
          directory: +49 30 1234-56
          wanted: +49301234-56
          pbx: null
          written: null
          drift: false
          problem: ""
      organization:
        wanted: Example Ltd/Staff/Sales
        actual: ""
      groups:
        - name: PBX Sales
          rule: groups
          wanted: true
          actual: false
      next:
        - kind: extension
          action: create
          state: planned
          number: "2000"
          reason: new_user
          explanation: the user is in scope and has no extension yet
          before: {}
          after:
            mobile_number: +49301234-56
            organizations: Example Ltd/Staff/Sales
      drift: []
      conflicts: []
      summary_explanation: anna has no extension; the next run would create extension 2000 (first free number from 2000).
count:
  description: How many users were found.
  returned: success
  type: int
  sample: 1
truncated:
  description: Whether there are more than O(limit), so that RV(users) does not have all of them.
  returned: success
  type: bool
  sample: false
not_found:
  description: Those of O(names) that no user has who meets the other conditions.
  returned: success
  type: list
  elements: str
  sample: []
status:
  description: Status of the integration, V(connected), V(disabled) or V(not_connected).
  returned: success
  type: str
  sample: connected
rule:
  description: State of the rule for users, V(enabled), V(paused) or V(not_saved). Without a rule no user is in scope.
  returned: success
  type: str
  sample: enabled
plan_id:
  description:
    - Name of the plan that RV(users[].next) is taken from, the same that M(pbxops.yeastar.pbx_ad_sync) gives it in check mode. Empty where nothing would be
      carried out.
  returned: success
  type: str
  sample: 325f79650555ce51
snapshot:
  description: Which snapshot was asked.
  returned: success, with O(offline)
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
    USER_INFO_OPTIONS,
    user_info_module,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.main import YeastarModule, run_module
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import LIVE_OPTIONS


def main() -> None:
    module = YeastarModule(
        argument_spec=USER_INFO_OPTIONS, supports_check_mode=True, required_if=[("offline", False, LIVE_OPTIONS)]
    )
    run_module(module, "pbx_ad_user_info", user_info_module)


if __name__ == "__main__":
    main()
