# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The work of pbx_ad_connection: its options in, its result out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.asked import EXPECT_OPTIONS, expected, warned
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.kinds import CLEAN_UP_OPTIONS, KINDS
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.life import (
    LifeReport,
    LifeRequest,
    Wanted,
    change_life,
    integration_data,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.main import make_world
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import CONNECTION_OPTIONS, OptionError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.result import Result
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.results import report_values, told_warnings
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.world import NOT_CONNECTED
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import diff_text
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

LIFE_MODULE_OPTIONS: dict[str, dict[str, Any]] = {
    **CONNECTION_OPTIONS,
    "state": {"type": "str", "choices": [wanted.value for wanted in Wanted], "default": "connected"},
    **CLEAN_UP_OPTIONS,
    "delete_in_use": {"type": "bool", "default": False},
    **EXPECT_OPTIONS,
}


def life_module(options: Mapping[str, Any], check_mode: bool, command: str) -> Result:
    """Do the work of pbx_ad_connection."""
    request = LifeRequest(
        command=command,
        wanted=Wanted(options["state"]),
        settings=_savable(options),
        delete=[kind for kind in RuleKind if options[KINDS[kind].clean_up]],
        check_mode=check_mode,
        expected=expected(options),
        delete_in_use=options["delete_in_use"],
    )
    _refuse_clean_up(request)
    pbx_warnings: list[str] = []
    report = change_life(make_world(options, check_mode, command, pbx_warnings), request)
    return warned(life_result(report), options, pbx_warnings)


def _refuse_clean_up(request: LifeRequest) -> None:
    """Refuse to delete anything while connecting."""
    if request.delete and request.wanted not in (Wanted.DISABLED, Wanted.DISCONNECTED):
        names = ", ".join(KINDS[kind].clean_up for kind in request.delete)
        raise OptionError(
            f"{names} is given and state is {request.wanted.value}, which deletes nothing.",
            f"Set state to disabled or disconnected, or leave {names} out.",
        )


def _savable(options: Mapping[str, Any]) -> dict[str, Any]:
    """The connection options that are saved: all but the secrets, and but the place of the ledger itself."""
    return {
        name: options[name]
        for name, spec in CONNECTION_OPTIONS.items()
        if not spec.get("no_log") and not name.startswith("ledger_")
    }


def life_result(life: LifeReport) -> Result:
    """Return the result of the module that connects, disables and disconnects."""
    before, after = integration_data(life.before), integration_data(life.after)
    values: dict[str, Any] = {
        **report_values(life.report),
        "changed": life.changed,
        "status": NOT_CONNECTED,
        **after,
        "diff": [{"before": before, "after": after}, {"prepared": diff_text(life.report.outcomes)}],
    }
    if not life.report.stages and not life.report.skipped:
        values["outcome"] = {**values["outcome"], "headline": _life_headline(life)}
    if life.capacity is not None:
        values["capacity"] = {
            "extensions": life.capacity.extensions,
            "extensions_used": life.capacity.extensions_used,
        }
    if life.directory is not None:
        values["deleted_objects_readable"] = life.directory.deleted_objects_readable
    return Result(values, (*life.warnings, *told_warnings(life.report)), life.report.failure)


def _life_headline(life: LifeReport) -> str:
    """What became of an integration of which nothing was deleted or released."""
    verb = "would be" if life.report.began.check_mode and life.changed else "is"
    return f"There {verb} no integration." if life.after is None else f"The integration {verb} {life.after.status}."
