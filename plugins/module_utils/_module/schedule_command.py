# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The work of pbx_ad_schedule: its options in, its result out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.main import make_world
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import CONNECTION_OPTIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.result import Result
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.schedule import (
    SCHEDULE_OPTIONS,
    ScheduleReport,
    save_schedule,
    wanted_schedule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.schedule import (
    Schedule,
    schedule_data,
    schedule_forms,
)

SCHEDULE_MODULE_OPTIONS: dict[str, dict[str, Any]] = {**CONNECTION_OPTIONS, **SCHEDULE_OPTIONS}


def schedule_module(options: Mapping[str, Any], check_mode: bool, command: str) -> Result:
    """Do the work of pbx_ad_schedule."""
    return schedule_result(
        save_schedule(make_world(options, check_mode, command, []), wanted_schedule(options), check_mode)
    )


def schedule_result(report: ScheduleReport) -> Result:
    """Return what pbx_ad_schedule returns."""
    return Result(
        values={
            "changed": report.changed,
            **_schedule_values(report.after),
            "ledger_path": report.ledger,
            "diff": {"before": _shown_schedule(report.before), "after": _shown_schedule(report.after)},
        },
        warnings=report.warnings,
    )


def _schedule_values(schedule: Schedule | None) -> dict[str, Any]:
    if schedule is None:
        return {"schedule": None}
    return {"schedule": schedule_data(schedule), **schedule_forms(schedule)}


def _shown_schedule(schedule: Schedule | None) -> dict[str, Any]:
    return schedule_data(schedule) if schedule else {}
