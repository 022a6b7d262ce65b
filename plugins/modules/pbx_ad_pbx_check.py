#!/usr/bin/python
# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbx_ad_pbx_check
short_description: Find out whether this collection can work with a PBX
version_added: 0.1.0
author:
  - The pbxops.yeastar maintainers (@pbxops)
description:
  - Asks a PBX everything that this collection relies on, and how it answers what the documentation of its Open API leaves open, and says
    plainly whether the two can work together. For the first day with a PBX, and after its firmware was updated.
  - Reads only, unless O(writes) is true. Then it also creates, reads, changes and deletes one scratch organization, one scratch extension and
    one scratch extension group. Their names begin with C(PbxopsCheck). They are deleted whatever happens, and what a killed check has left is
    deleted by the next one with O(writes).
  - The results hold nothing that is somebody's, so they are fit to be attached to a public bug report. Of answers the shapes are shown, never
    the texts and numbers in them. Address, serial number, client ID, secret and tokens of the PBX and names and numbers in messages are masked.
  - The access token is renewed once, to see whether the PBX does that.
  - What a wrong secret is answered is not tried, for a PBX blocks the address from which a few of them came.
options:
  writes:
    description: Whether scratch objects are created, changed and deleted, which alone proves that this collection can write.
    type: bool
    default: false
  scratch_number:
    description:
      - The number of the scratch extension, at most 8 digits. It must be free.
      - If it is empty, it is the highest number from 1000 to 5999 that no extension has and that the PBX takes.
    type: str
    default: ""
extends_documentation_fragment:
  - pbxops.yeastar.connection
  - pbxops.yeastar.connection.pbx
  - pbxops.yeastar.attributes
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details:
      - Only reads then, whatever O(writes) is.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: N/A
    details:
      - The PBX is in the end as it was, but for what an earlier check has left.
notes:
  - Neither the directory nor the ledger is looked at. Their options are there to be set for all modules at once.
  - The task fails where RV(verdict) is V(fails), and returns all of its values then too.
seealso:
  - module: pbxops.yeastar.pbx_ad_connection
"""

EXAMPLES = r"""
- name: See whether this collection can read the PBX
  pbxops.yeastar.pbx_ad_pbx_check:
    pbx_url: https://pbx.example.com:8088
    pbx_client_id: "{{ vault_pbx_client_id }}"
    pbx_client_secret: "{{ vault_pbx_client_secret }}"
  register: check

- name: Show what was found
  ansible.builtin.debug:
    msg: "{{ check.summary }}"

- name: See whether it can write too, with an extension that is deleted again
  pbxops.yeastar.pbx_ad_pbx_check:
    pbx_url: https://pbx.example.com:8088
    pbx_client_id: "{{ vault_pbx_client_id }}"
    pbx_client_secret: "{{ vault_pbx_client_secret }}"
    writes: true
    scratch_number: "5999"
"""

RETURN = r"""
verdict:
  description:
    - V(works) if this collection can work with the PBX.
    - V(works_partly) if it can, but for something that it can do without, see RV(steps).
    - V(reads) if all can be read that is needed, and nothing was written, so that this is not known.
    - V(fails) if it cannot.
  returned: always, but for options that cannot be used
  type: str
  sample: works
headline:
  description: The same in a sentence.
  returned: always, but for options that cannot be used
  type: str
  sample: This collection can work with this PBX.
pbx:
  description: The PBX, without anything that tells which one it is.
  returned: always, but for options that cannot be used
  type: dict
  contains:
    model:
      description: Its model.
      type: str
    firmware:
      description: Its firmware.
      type: str
    extensions_max:
      description: How many extensions its licence allows; null where it does not tell.
      type: int
    extensions:
      description: How many extensions it has.
      type: int
    groups:
      description: How many extension groups it has.
      type: int
    organizations:
      description: How many organizations it has, the root included.
      type: int
  sample:
    model: Yeastar P570
    firmware: 37.20.0.50
    extensions_max: 500
    extensions: 198
    groups: 12
    organizations: 31
steps:
  description: What was tried, in this order.
  returned: always, but for options that cannot be used
  type: list
  elements: dict
  contains:
    name:
      description: The step in a word.
      type: str
    what:
      description: The step in a sentence.
      type: str
    needed:
      description: Whether the collection cannot do without it.
      type: bool
    state:
      description: V(passed), V(failed) or V(not_tried).
      type: str
    message:
      description: Why it failed or was not tried, and what to do about it.
      type: str
  sample:
    - name: set_company_name
      what: set the company name
      needed: false
      state: failed
      message: The PBX does not let the company name be set. Set it by hand.
answers:
  description: How the PBX answers what the documentation leaves open.
  returned: always, but for options that cannot be used
  type: list
  elements: dict
  contains:
    name:
      description: The question in a word.
      type: str
    question:
      description: The question.
      type: str
    answer:
      description: The answer; V(not asked) where the PBX has nothing to ask it of, or O(writes) is false.
      type: str
  sample:
    - name: organization_list_shape
      question: What is an element of an extension's organization_list?
      answer: '{"text": text, "value": digits}'
    - name: group_rename
      question: Can extensiongroup/update change the name?
      answer: ignored
exchanges:
  description: Every call and its answer but those of tokens, by their shapes. Those that are alike are told once.
  returned: always, but for options that cannot be used
  type: list
  elements: dict
  contains:
    endpoint:
      description: The call.
      type: str
    sent:
      description: The shape of its query or body.
      type: str
    errcode:
      description: The answer's errcode.
      type: int
    errmsg:
      description: The answer's errmsg; its length where it may name somebody.
      type: str
    fields:
      description: Which fields the answer complains of, and what it says is wrong with them.
      type: list
      elements: str
    answered:
      description: The shape of the answer. Of a list it is that of its first element.
      type: str
    times:
      description: How often that was.
      type: int
  sample:
    - endpoint: extension/create
      sent: '{"type": text, "first_name": text, "last_name": text}'
      errcode: 40002
      errmsg: PARAMETER ERROR
      fields: [number (required), user_password (required)]
      answered: '{"errcode": integer, "errmsg": text, "invalid_param_list": [{"field": text, "validation_type": text}]}'
      times: 1
left_behind:
  description: Scratch objects that are on the PBX in the end. They are of a killed check, or could not be deleted.
  returned: always, but for options that cannot be used
  type: list
  elements: dict
  contains:
    kind:
      description: V(extension_group), V(extension) or V(organization).
      type: str
    id:
      description: The PBX's id of it.
      type: int
  sample: []
summary:
  description: All of this in lines to read, but for the exchanges.
  returned: always, but for options that cannot be used
  type: list
  elements: str
  sample:
    - This collection can work with this PBX.
    - ""
    - Yeastar P570, firmware 37.20.0.50
"""

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.main import YeastarModule, run_module
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.pbx_check import CHECK_OPTIONS, check_pbx


def main() -> None:
    module = YeastarModule(argument_spec=CHECK_OPTIONS, supports_check_mode=True)
    run_module(module, "pbx_ad_pbx_check", check_pbx)


if __name__ == "__main__":
    main()
