# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Between AnsibleModule and the work: options in, results out, and the one place where errors become failures."""

from __future__ import annotations

import secrets
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.reader import open_directory
from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.connect import connect, integration_data
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.group_options import group_rule
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.group_task import GroupTask
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.guard_options import guard_limits
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import (
    CONNECTION_OPTIONS,
    directory_settings,
    ledger_location,
    pbx_settings,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Pbx
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.run import Report, Request, World, synchronize
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.task import Task
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.unit_options import unit_rule
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.unit_task import UnitTask
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.user_options import user_rule
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.user_task import UserTask
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.client import PbxClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.signals import signals_raise
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import (
    Outcome,
    State,
    change_data,
    conflict_data,
    diff_text,
)


@dataclass(frozen=True, slots=True)
class Result:
    """What a module returns.

    :param values: the documented return values.
    :param failure: why the module fails although it has a result; "" if it does not.
    """

    values: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    failure: str = ""


def run_module(module: AnsibleModule, name: str, work: Callable[[Mapping[str, Any], bool, str], Result]) -> None:
    """Do a module's work and end the process with its result, or with the failure that an error makes.

    :param name: the module's name, by which a ledger's lock tells who holds it.
    :param work: takes the options, whether check mode is on, and the name.
    """
    _require_libraries(module)
    try:
        with signals_raise():
            result = work(module.params, module.check_mode, name)
    except YeastarError as error:
        module.fail_json(msg=str(error))
    for warning in result.warnings:
        module.warn(warning)
    if result.failure:
        module.fail_json(msg=result.failure, **result.values)
    module.exit_json(**result.values)


def connect_module(options: Mapping[str, Any], check_mode: bool, command: str) -> Result:
    """Do the work of pbx_ad_connection."""
    pbx_warnings: list[str] = []
    world = _world(options, check_mode, command, pbx_warnings)
    report = connect(world, _savable(options))
    before, after = integration_data(report.before), integration_data(report.integration)
    return Result(
        values={
            "changed": report.changed,
            **after,
            "capacity": {
                "extensions": report.capacity.extensions,
                "extensions_used": report.capacity.extensions_used,
            },
            "deleted_objects_readable": report.directory.deleted_objects_readable,
            "ledger_path": report.ledger,
            "diff": {"before": before, "after": after},
        },
        warnings=(*_plain_warnings(options), *report.warnings, *pbx_warnings),
    )


def synchronize_users_module(options: Mapping[str, Any], check_mode: bool, command: str) -> Result:
    """Do the work of pbx_ad_user_sync."""
    task = UserTask(options["directory_base_dn"], user_rule(options))
    return _synchronize(options, task, check_mode, command)


def synchronize_units_module(options: Mapping[str, Any], check_mode: bool, command: str) -> Result:
    """Do the work of pbx_ad_ou_sync."""
    task = UnitTask(options["directory_base_dn"], unit_rule(options))
    return _synchronize(options, task, check_mode, command)


def synchronize_groups_module(options: Mapping[str, Any], check_mode: bool, command: str) -> Result:
    """Do the work of pbx_ad_group_sync."""
    task = GroupTask(options["directory_base_dn"], group_rule(options))
    return _synchronize(options, task, check_mode, command)


def _synchronize(options: Mapping[str, Any], task: Task, check_mode: bool, command: str) -> Result:
    request = Request(options["directory_base_dn"], task, guard_limits(options), check_mode)
    pbx_warnings: list[str] = []
    report = synchronize(_world(options, check_mode, command, pbx_warnings), request)
    return Result(
        values=_report_values(report),
        warnings=(*_plain_warnings(options), *report.warnings, *_conflict_warnings(report), *pbx_warnings),
        failure=report.failure,
    )


def _require_libraries(module: AnsibleModule) -> None:
    for library in ("ldap3", "requests"):
        try:
            import_module(library)
        except ImportError:
            module.fail_json(msg=missing_required_lib(library), exception=traceback.format_exc())


def _world(options: Mapping[str, Any], check_mode: bool, command: str, warnings: list[str]) -> World:
    """Make the world of the options; what the PBX client has to say at its end is added to the warnings."""
    directory = directory_settings(options)
    pbx = pbx_settings(options)

    @contextmanager
    def open_pbx() -> Iterator[Pbx]:
        client = PbxClient(pbx)
        with client:
            yield client
        warnings.extend(client.warnings)

    return World(
        open_ledger=partial(open_ledger, ledger_location(options), read_write=not check_mode, command=command),
        open_directory=lambda attributes: open_directory(directory, tuple(attributes)),
        open_pbx=open_pbx,
        clock=partial(datetime.now, UTC),
        draw_name=_draw_registration_name,
    )


def _draw_registration_name() -> str:
    """Draw a SIP registration name that no extension has; it is no secret, the password beside it is."""
    return f"ad{secrets.token_hex(8)}"


def _savable(options: Mapping[str, Any]) -> dict[str, Any]:
    """The connection options that are saved: all but the secrets, and but the place of the ledger itself."""
    return {
        name: options[name]
        for name, spec in CONNECTION_OPTIONS.items()
        if not spec.get("no_log") and name != "ledger_path"
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


def _conflict_warnings(report: Report) -> tuple[str, ...]:
    found = report.plan.conflicts
    if not found:
        return ()
    counts = Counter(conflict.code for conflict in found)
    kinds = ", ".join(f"{count} {code}" for code, count in sorted(counts.items()))
    return (
        f"{len(found)} conflict(s): {kinds}. The first is {found[0].name}: {found[0].message} "
        "All are in the result's conflicts.",
    )


def _told(report: Report) -> list[Outcome]:
    """All changes; of a failed run those not done, for a failed task is printed whole."""
    return [outcome for outcome in report.outcomes if not report.failure or outcome.state is not State.DONE]


def _report_values(report: Report) -> dict[str, Any]:
    return {
        "changed": report.changed,
        "summary": dict(report.summary),
        "changes": [change_data(outcome) for outcome in _told(report)],
        "conflicts": [conflict_data(conflict) for conflict in report.plan.conflicts],
        "recovered": [
            {
                "kind": resolution.intent.change.kind.value,
                "action": resolution.intent.change.action.value,
                "name": resolution.intent.change.name,
                "number": resolution.intent.change.number,
                "state": resolution.state.value,
                "detail": resolution.detail,
            }
            for resolution in report.recovered
        ],
        "run_id": report.run_id,
        "plan_id": report.plan.id,
        "removals_id": report.plan.removals_id,
        "ledger_path": report.ledger,
        "diff": {"prepared": diff_text(report.outcomes)},
    }
