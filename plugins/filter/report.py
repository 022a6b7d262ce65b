# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter pbxops.yeastar.report."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report
short_description: Make a page to look at of a synchronization's result
version_added: 0.1.0
author:
  - The pbxops.yeastar maintainers (@pbxops)
description:
  - Makes one page of HTML of what a module of this collection returned. It shows what a run changed, or what a plan of check
    mode would change, object by object with the reason and each field before and after; the conflicts with their remedies;
    and, if it is given what pbx_ad_info returned, the status of the integration.
  - The page holds all that it shows and loads nothing, so it can be opened from a disk, sent by mail or put on any web server.
    It can be searched and filtered if the browser runs its script, and read if not.
  - All values from the directory and the PBX are escaped.
positional: info, title
options:
  _input:
    description:
      - The registered result of P(pbxops.yeastar.pbx_ad_user_sync#module), P(pbxops.yeastar.pbx_ad_ou_sync#module),
        P(pbxops.yeastar.pbx_ad_group_sync#module) or P(pbxops.yeastar.pbx_ad_sync#module), in check mode or not, failed or not.
      - Or that of C(pbx_ad_info); then the page is of the status alone.
    type: dict
    required: true
  info:
    description: The registered result of C(pbx_ad_info), to be shown below the run.
    type: dict
  title:
    description: The heading of the page. By default it says what the page shows and of which domain.
    type: str
    default: ''
  at:
    description: The time that a page of the status names, ISO 8601. A run has a time of its own.
    type: str
    default: ''
seealso:
  - plugin: pbxops.yeastar.metrics
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Users to extensions
  pbxops.yeastar.pbx_ad_user_sync:
  register: users

- name: Write the page, of a plan too
  ansible.builtin.copy:
    content: "{{ users | pbxops.yeastar.report(title='Users of the headquarters') }}"
    dest: /var/www/html/pbx.html
    mode: "0644"
  check_mode: false
  diff: false
"""

RETURN = r"""
_value:
  description: The page, HTML in UTF-8.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.page import report_page


def report(result: Any, info: Any = None, title: str = "", at: str = "") -> str:
    """Return the page of a result.

    :raises AnsibleFilterError: if it is no result of this collection.
    """
    try:
        return report_page(result, info=info, title=title, at=at)
    except YeastarError as error:
        raise AnsibleFilterError(f"pbxops.yeastar.report: {error}") from error


class FilterModule:
    """The filter by its name, as Ansible looks it up."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filter."""
        return {"report": report}
