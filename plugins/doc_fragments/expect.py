# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The options by which a run does exactly what was approved."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  expect_plan_id:
    description:
      - The RV(plan_id) that check mode returned. The run refuses to change anything if what it would do is no longer that plan.
    type: str
    default: ""
  expect_changes:
    description:
      - The RV(plan_changes) that check mode returned with it. They are only used to tell what moved when O(expect_plan_id) no longer holds.
    type: list
    elements: str
    default: []
"""
