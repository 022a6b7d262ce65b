# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter pbxops.yeastar.metrics."""

from __future__ import annotations

DOCUMENTATION = r"""
name: metrics
short_description: Make metrics for Prometheus of a synchronization's result
version_added: 0.1.0
author:
  - The pbxops.yeastar maintainers (@pbxops)
description:
  - Makes gauges in Prometheus' text format of what a module of this collection returned. Written to a file that ends in
    C(.prom) they are what the textfile collector of Prometheus' node exporter reads.
  - Every gauge has the label C(pbx), and most have C(kind). Kinds of synchronization are C(users), C(organizational_units) and
    C(groups); kinds of objects are C(extension), C(organization) and C(extension_group). What a run counts of several kinds
    together has the kind C(all).
  - A plan is no run. Of a result of check mode only what O(info) tells becomes metrics.
positional: info, pbx
options:
  _input:
    description:
      - The registered result of P(pbxops.yeastar.pbx_ad_user_sync#module), P(pbxops.yeastar.pbx_ad_ou_sync#module),
        P(pbxops.yeastar.pbx_ad_group_sync#module) or P(pbxops.yeastar.pbx_ad_sync#module), failed or not.
      - Or that of C(pbx_ad_info), which knows the last runs too.
    type: dict
    required: true
  info:
    description: The registered result of C(pbx_ad_info). The gauges of capacity, status and rules come from it.
    type: dict
  pbx:
    description:
      - Value of the label C(pbx). By default the serial number that the results tell; one of them must, if this is not given.
    type: str
    default: ''
seealso:
  - plugin: pbxops.yeastar.report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Users to extensions
  pbxops.yeastar.pbx_ad_user_sync:
  register: users

- name: Write the metrics
  ansible.builtin.copy:
    content: "{{ users | pbxops.yeastar.metrics(pbx='headquarters') }}"
    dest: /var/lib/prometheus/node-exporter/pbx_headquarters.prom
    mode: "0644"
"""

RETURN = r"""
_value:
  description: The metrics, in the text format of Prometheus.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.metrics import metrics_text


def metrics(result: Any, info: Any = None, pbx: str = "") -> str:
    """Return the metrics of a result.

    :raises AnsibleFilterError: if it is no result of this collection, or does not tell which PBX it is of.
    """
    try:
        return metrics_text(result, info=info, pbx=pbx)
    except YeastarError as error:
        raise AnsibleFilterError(f"pbxops.yeastar.metrics: {error}") from error


class FilterModule:
    """The filter by its name, as Ansible looks it up."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filter."""
        return {"metrics": metrics}
