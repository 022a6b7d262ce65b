# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What modules are asked besides their own options, and what all of them warn of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import pbx_settings
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.report import Expected
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.result import Result

EXPECT_OPTIONS: dict[str, dict[str, Any]] = {
    "expect_plan_id": {"type": "str", "default": ""},
    "expect_changes": {"type": "list", "elements": "str", "default": []},
}


def expected(options: Mapping[str, Any]) -> Expected:
    """Return the plan that was approved, if one was."""
    return Expected(options["expect_plan_id"].strip(), tuple(options["expect_changes"]))


def warned(result: Result, options: Mapping[str, Any], pbx_warnings: Sequence[str]) -> Result:
    """Return a result with the warnings that every module gives."""
    return replace(result, warnings=(*_plain_warnings(options), *result.warnings, *pbx_warnings))


def _plain_warnings(options: Mapping[str, Any]) -> tuple[str, ...]:
    found = []
    if options["directory_protocol"] == "ldap":
        found.append(
            "directory_protocol is ldap: directory_password and all that is read cross the network in clear. "
            "Use ldaps or start_tls."
        )
    if pbx_settings(options).is_plain:
        found.append(
            "pbx_url is plain http: pbx_client_secret and the passwords of new extensions cross the network in clear. "
            "Use https."
        )
    return tuple(found)
