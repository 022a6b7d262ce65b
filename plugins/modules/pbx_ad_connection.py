#!/usr/bin/python
# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pbx_ad_connection
short_description: Connect a Yeastar P-Series PBX to an Active Directory
version_added: 0.1.0
author:
  - The pbxops.yeastar maintainers (@pbxops)
description:
  - Joins one directory to one PBX. Both are asked who they are, and that is saved in the ledger together with the connection options.
  - On the directory side it binds, proves that O(directory_base_dn) exists and is readable, and reads the domain's identity.
  - On the PBX side it asks for serial number, model, firmware and capacity, and refuses a firmware that has no Open API.
  - Passwords and the client secret are never saved; every module of the collection takes them anew.
  - A ledger that belongs to another domain or another PBX is refused.
options:
  state:
    description:
      - V(connected) connects, or changes what was saved about the connection.
    type: str
    choices: [connected]
    default: connected
extends_documentation_fragment:
  - pbxops.yeastar.connection
  - pbxops.yeastar.attributes
seealso:
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
"""

RETURN = r"""
status:
  description: Status of the integration.
  returned: success
  type: str
  sample: connected
domain:
  description: The domain that the directory server speaks for.
  returned: success
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
  returned: success
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
  returned: success
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
  returned: success
  type: bool
  sample: true
settings:
  description: The connection options as they are saved, without any secret.
  returned: success
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
ledger_path:
  description: Where the ledger is.
  returned: success
  type: str
  sample: /home/pbx/.local/state/pbxops.yeastar/pbx.example.com_8088.sqlite3
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.main import connect_module, run_module
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import CONNECTION_OPTIONS


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **CONNECTION_OPTIONS,
            "state": {"type": "str", "choices": ["connected"], "default": "connected"},
        },
        supports_check_mode=True,
    )
    run_module(module, "pbx_ad_connection", connect_module)


if __name__ == "__main__":
    main()
