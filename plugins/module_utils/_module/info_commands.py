# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The work of the modules that only tell, from the options to the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.asked import warned
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.info import (
    Gather,
    InfoRequest,
    gather,
    needs_sides,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.main import make_world
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.offline import (
    ledger_world,
    open_snapshot,
    snapshot_data,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import (
    OFFLINE_OPTIONS,
    OptionError,
    offline_ledger_location,
    require_positive,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.result import Result
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.user_info import UserInfoRequest, explain_users

INFO_OPTIONS: dict[str, dict[str, Any]] = {
    **OFFLINE_OPTIONS,
    "gather": {
        "type": "list",
        "elements": "str",
        "choices": [part.value for part in Gather],
        "default": [
            Gather.STATUS.value,
            Gather.RULES.value,
            Gather.SCHEDULE.value,
            Gather.SIGN_ON.value,
            Gather.RUNS.value,
        ],
    },
    "runs_limit": {"type": "int", "default": 20},
}
_LISTS = ("organizational_units", "groups", "names")
USER_INFO_OPTIONS: dict[str, dict[str, Any]] = {
    **OFFLINE_OPTIONS,
    **{name: {"type": "list", "elements": "str", "default": []} for name in _LISTS},
    "filter": {"type": "str", "default": ""},
    "search": {"type": "str", "default": ""},
    "limit": {"type": "int", "default": 100},
}


def info_module(options: Mapping[str, Any], check_mode: bool, command: str) -> Result:  # noqa: ARG001 (never writes)
    """Do the work of pbx_ad_info."""
    require_positive(options, ("runs_limit",))
    request = InfoRequest(
        command=command,
        base_dn=options["directory_base_dn"] or "",
        gather=frozenset(Gather(part) for part in options["gather"]),
        runs_limit=options["runs_limit"],
    )
    if options["offline"]:
        return _told_offline(options, request)
    pbx_warnings: list[str] = []
    values = gather(make_world(options, True, command, pbx_warnings), request)
    return warned(Result({"changed": False, **values}), options, pbx_warnings)


def _told_offline(options: Mapping[str, Any], request: InfoRequest) -> Result:
    """What the ledger tells is told as it is now, and what takes a side as the snapshot has it."""
    location = offline_ledger_location(options)
    of_sides = frozenset(part for part in request.gather if needs_sides(part))
    of_ledger = frozenset(request.gather) - of_sides
    values = gather(ledger_world(location, request.command), replace(request, gather=of_ledger))
    if not of_sides:
        return Result({"changed": False, **values})
    with open_snapshot(location, request.command) as kept:
        asked = replace(
            request, gather=of_sides, base_dn=request.base_dn or kept.base_dn, shows_groups=kept.shows_groups
        )
        values |= gather(kept.world, asked)
        return Result({"changed": False, **values, "snapshot": snapshot_data(kept)}, warnings=kept.warnings)


def user_info_module(options: Mapping[str, Any], check_mode: bool, command: str) -> Result:  # noqa: ARG001
    """Do the work of pbx_ad_user_info."""
    require_positive(options, ("limit",))
    _refuse_empty_names(options)
    request = UserInfoRequest(
        command=command,
        base_dn=options["directory_base_dn"] or "",
        organizational_units=options["organizational_units"],
        groups=options["groups"],
        filter=options["filter"],
        names=options["names"],
        text=options["search"].strip(),
        limit=options["limit"],
        offline=options["offline"],
    )
    if options["offline"]:
        with open_snapshot(offline_ledger_location(options), command) as kept:
            values = explain_users(kept.world, replace(request, base_dn=request.base_dn or kept.base_dn))
            return Result({"changed": False, **values, "snapshot": snapshot_data(kept)}, warnings=kept.warnings)
    pbx_warnings: list[str] = []
    values = explain_users(make_world(options, True, command, pbx_warnings), request)
    return warned(Result({"changed": False, **values}), options, pbx_warnings)


def _refuse_empty_names(options: Mapping[str, Any]) -> None:
    for name in _LISTS:
        if any(not one.strip() for one in options[name]):
            raise OptionError(f"{name} holds an empty name.", "Take it out.")
