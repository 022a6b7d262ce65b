# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The work of pbx_ad_rollback: its options in, its result out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.asked import EXPECT_OPTIONS, expected, warned
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.main import make_world
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import CONNECTION_OPTIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.result import Result
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.results import conflict_warnings, report_values
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.rollback import (
    RollbackRequest,
    RolledBack,
    roll_back,
)

ROLLBACK_MODULE_OPTIONS: dict[str, dict[str, Any]] = {
    **CONNECTION_OPTIONS,
    "run_id": {"type": "str", "default": ""},
    "pause": {"type": "bool", "default": True},
    "send_welcome_email": {"type": "bool", "default": False},
    "delete_in_use": {"type": "bool", "default": False},
    **EXPECT_OPTIONS,
}


def rollback_module(options: Mapping[str, Any], check_mode: bool, command: str) -> Result:
    """Do the work of pbx_ad_rollback."""
    request = RollbackRequest(
        command=command,
        run_id=options["run_id"].strip(),
        pause=options["pause"],
        send_welcome_email=options["send_welcome_email"],
        check_mode=check_mode,
        expected=expected(options),
        delete_in_use=options["delete_in_use"],
    )
    pbx_warnings: list[str] = []
    rolled_back = roll_back(make_world(options, check_mode, command, pbx_warnings), request)
    return warned(rollback_result(rolled_back), options, pbx_warnings)


def rollback_result(rolled_back: RolledBack) -> Result:
    """Return the result of the module that undoes a run."""
    report = rolled_back.report
    values = {
        **report_values(report),
        "not_restored": [
            {"kind": one.kind.value, "number": one.number, "name": one.name, "guid": one.guid, "what": list(one.what)}
            for one in rolled_back.not_restored
        ],
        "rolled_back_run_id": rolled_back.undone.id if rolled_back.undone is not None else "",
        "paused": [kind.value for kind in rolled_back.paused],
    }
    return Result(values, (*report.warnings, *conflict_warnings(report)), report.failure)
