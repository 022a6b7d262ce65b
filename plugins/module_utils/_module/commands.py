# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The work of the modules that save rules and carry them out: their options in, their results out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.asked import EXPECT_OPTIONS, expected, warned
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.guard_options import guard_options
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.kinds import CLEAN_UP_OPTIONS, KINDS
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.main import make_world
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import CONNECTION_OPTIONS, OptionError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.result import Result
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.results import rule_result, update_result
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.saving import GivenRule, Synchronize, given_rule
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.update import Update, update
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

RULE_MODULE_OPTIONS: dict[str, dict[str, Any]] = {
    "settings": {"type": "str", "choices": ["given", "saved"], "default": "given"},
    "enabled": {"type": "bool", "default": True},
    "sync": {"type": "str", "choices": [when.value for when in Synchronize], "default": "always"},
}


SNAPSHOT_OPTIONS: dict[str, dict[str, Any]] = {"keep_snapshot": {"type": "bool", "default": True}}


UPDATE_MODULE_OPTIONS: dict[str, dict[str, Any]] = {
    **CONNECTION_OPTIONS,
    "kinds": {
        "type": "list",
        "elements": "str",
        "choices": [kind.value for kind in KINDS],
        "default": [kind.value for kind in KINDS],
    },
    **{kind.value: {"type": "dict"} for kind in KINDS},
    "allow_guarded": {"type": "str", "default": ""},
    "full_read_every": {"type": "int", "default": 1},
    **SNAPSHOT_OPTIONS,
    **EXPECT_OPTIONS,
}


def rule_module_options(kind: RuleKind) -> dict[str, dict[str, Any]]:
    """Return the argument specification of the module that saves the rule of a kind and carries it out."""
    return {
        **CONNECTION_OPTIONS,
        **KINDS[kind].rule_options,
        **guard_options(*KINDS[kind].dangers),
        **RULE_MODULE_OPTIONS,
        **SNAPSHOT_OPTIONS,
        **EXPECT_OPTIONS,
        KINDS[kind].clean_up: CLEAN_UP_OPTIONS[KINDS[kind].clean_up],
    }


def rule_module(kind: RuleKind) -> Callable[[Mapping[str, Any], bool, str], Result]:
    """Return the work of the module that saves the rule of a kind and carries it out."""

    def work(options: Mapping[str, Any], check_mode: bool, command: str) -> Result:
        given = GivenRule(kind, KINDS[kind].settings(options), options["enabled"], options["settings"] == "saved")
        if options[KINDS[kind].clean_up] and options["enabled"]:
            raise OptionError(
                f"{KINDS[kind].clean_up} is given and enabled is true, which would make anew what is deleted.",
                f"Set enabled to false, or leave {KINDS[kind].clean_up} out.",
            )
        request = Update(
            command=command,
            base_dn=options["directory_base_dn"],
            given=[given],
            kinds=[kind],
            check_mode=check_mode,
            when=Synchronize(options["sync"]),
            allowed=options["allow_guarded"],
            expected=expected(options),
            clean_up=options[KINDS[kind].clean_up],
            keep_snapshot=options["keep_snapshot"],
        )
        pbx_warnings: list[str] = []
        updated = update(make_world(options, check_mode, command, pbx_warnings), request)
        return warned(rule_result(updated, kind), options, pbx_warnings)

    return work


def update_module(options: Mapping[str, Any], check_mode: bool, command: str) -> Result:
    """Do the work of pbx_ad_sync."""
    if options["full_read_every"] < 1:
        raise OptionError(
            f"full_read_every is {options['full_read_every']}, and one of no runs cannot be a whole one.",
            "Set it to 1, by which every run reads the directory whole, or to more.",
        )
    request = Update(
        command=command,
        base_dn=options["directory_base_dn"],
        given=[given_rule(kind, options[kind.value]) for kind in RuleKind if options[kind.value] is not None],
        kinds=[RuleKind(name) for name in options["kinds"]],
        check_mode=check_mode,
        allowed=options["allow_guarded"],
        expected=expected(options),
        keep_snapshot=options["keep_snapshot"],
        full_read_every=options["full_read_every"],
    )
    pbx_warnings: list[str] = []
    updated = update(make_world(options, check_mode, command, pbx_warnings), request)
    return warned(update_result(updated), options, pbx_warnings)
