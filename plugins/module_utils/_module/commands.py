# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The work of each module that changes something: its options in, its result out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.guard_options import guard_options
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.kinds import KINDS
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.life import LifeRequest, Wanted, change_life
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.main import make_world
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import (
    CONNECTION_OPTIONS,
    OptionError,
    pbx_settings,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.report import Expected
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.results import (
    Result,
    life_result,
    rollback_result,
    rule_result,
    schedule_result,
    sign_on_result,
    update_result,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.rollback import RollbackRequest, roll_back
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.saving import GivenRule, Synchronize, given_rule
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.schedule import (
    SCHEDULE_OPTIONS,
    save_schedule,
    wanted_schedule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.sign_on import (
    SIGN_ON_OPTIONS,
    SignOnRequest,
    change_sign_on,
    wanted_settings,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.update import Update, update
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

RULE_MODULE_OPTIONS: dict[str, dict[str, Any]] = {
    "settings": {"type": "str", "choices": ["given", "saved"], "default": "given"},
    "enabled": {"type": "bool", "default": True},
    "sync": {"type": "str", "choices": [when.value for when in Synchronize], "default": "always"},
}
EXPECT_OPTIONS: dict[str, dict[str, Any]] = {
    "expect_plan_id": {"type": "str", "default": ""},
    "expect_changes": {"type": "list", "elements": "str", "default": []},
}
SNAPSHOT_OPTIONS: dict[str, dict[str, Any]] = {"keep_snapshot": {"type": "bool", "default": True}}
CLEAN_UP_OPTIONS: dict[str, dict[str, Any]] = {
    kind.clean_up: {"type": "bool", "default": False} for kind in KINDS.values()
}


LIFE_MODULE_OPTIONS: dict[str, dict[str, Any]] = {
    **CONNECTION_OPTIONS,
    "state": {"type": "str", "choices": [wanted.value for wanted in Wanted], "default": "connected"},
    **CLEAN_UP_OPTIONS,
    "delete_in_use": {"type": "bool", "default": False},
    **EXPECT_OPTIONS,
}
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
ROLLBACK_MODULE_OPTIONS: dict[str, dict[str, Any]] = {
    **CONNECTION_OPTIONS,
    "run_id": {"type": "str", "default": ""},
    "pause": {"type": "bool", "default": True},
    "send_welcome_email": {"type": "bool", "default": False},
    "delete_in_use": {"type": "bool", "default": False},
    **EXPECT_OPTIONS,
}
SIGN_ON_MODULE_OPTIONS: dict[str, dict[str, Any]] = {**CONNECTION_OPTIONS, **SIGN_ON_OPTIONS}
SCHEDULE_MODULE_OPTIONS: dict[str, dict[str, Any]] = {**CONNECTION_OPTIONS, **SCHEDULE_OPTIONS}


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


def life_module(options: Mapping[str, Any], check_mode: bool, command: str) -> Result:
    """Do the work of pbx_ad_connection."""
    request = LifeRequest(
        command=command,
        wanted=Wanted(options["state"]),
        settings=_savable(options),
        delete=[kind for kind in RuleKind if options[KINDS[kind].clean_up]],
        check_mode=check_mode,
        expected=_expected(options),
        delete_in_use=options["delete_in_use"],
    )
    _refuse_clean_up(request)
    pbx_warnings: list[str] = []
    report = change_life(make_world(options, check_mode, command, pbx_warnings), request)
    return warned(life_result(report), options, pbx_warnings)


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
            expected=_expected(options),
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
        expected=_expected(options),
        keep_snapshot=options["keep_snapshot"],
        full_read_every=options["full_read_every"],
    )
    pbx_warnings: list[str] = []
    updated = update(make_world(options, check_mode, command, pbx_warnings), request)
    return warned(update_result(updated), options, pbx_warnings)


def rollback_module(options: Mapping[str, Any], check_mode: bool, command: str) -> Result:
    """Do the work of pbx_ad_rollback."""
    request = RollbackRequest(
        command=command,
        run_id=options["run_id"].strip(),
        pause=options["pause"],
        send_welcome_email=options["send_welcome_email"],
        check_mode=check_mode,
        expected=_expected(options),
        delete_in_use=options["delete_in_use"],
    )
    pbx_warnings: list[str] = []
    rolled_back = roll_back(make_world(options, check_mode, command, pbx_warnings), request)
    return warned(rollback_result(rolled_back), options, pbx_warnings)


def sign_on_module(options: Mapping[str, Any], check_mode: bool, command: str) -> Result:
    """Do the work of pbx_ad_sso."""
    request = SignOnRequest(command, options["directory_base_dn"], wanted_settings(options), check_mode)
    pbx_warnings: list[str] = []
    report = change_sign_on(make_world(options, check_mode, command, pbx_warnings), request)
    return warned(sign_on_result(report), options, pbx_warnings)


def schedule_module(options: Mapping[str, Any], check_mode: bool, command: str) -> Result:
    """Do the work of pbx_ad_schedule."""
    return schedule_result(
        save_schedule(make_world(options, check_mode, command, []), wanted_schedule(options), check_mode)
    )


def _expected(options: Mapping[str, Any]) -> Expected:
    return Expected(options["expect_plan_id"].strip(), tuple(options["expect_changes"]))


def _refuse_clean_up(request: LifeRequest) -> None:
    """Refuse to delete anything while connecting."""
    if request.delete and request.wanted not in (Wanted.DISABLED, Wanted.DISCONNECTED):
        names = ", ".join(KINDS[kind].clean_up for kind in request.delete)
        raise OptionError(
            f"{names} is given and state is {request.wanted.value}, which deletes nothing.",
            f"Set state to disabled or disconnected, or leave {names} out.",
        )


def warned(result: Result, options: Mapping[str, Any], pbx_warnings: Sequence[str]) -> Result:
    """Return a result with the warnings that every module gives."""
    return replace(result, warnings=(*_plain_warnings(options), *result.warnings, *pbx_warnings))


def _savable(options: Mapping[str, Any]) -> dict[str, Any]:
    """The connection options that are saved: all but the secrets, and but the place of the ledger itself."""
    return {
        name: options[name]
        for name, spec in CONNECTION_OPTIONS.items()
        if not spec.get("no_log") and not name.startswith("ledger_")
    }


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
