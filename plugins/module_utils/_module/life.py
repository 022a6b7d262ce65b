# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The life of an integration: connect, disable, enable, disconnect; and pausing one of its rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.clean_up import CleanUp, clean_up
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.kinds import differing
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Integration, Ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.report import Began, Expected, Report, idle
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.saving import SettingsError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.world import (
    CONNECTED,
    DISABLED,
    World,
    require_integration,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.firmware import check_firmware
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryIdentity
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxCapacity
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

_NOT_READABLE = (
    "The account cannot read the Deleted Objects container, so a deleted user cannot be told from a hidden one and "
    "their extension is kept: grant it the right, or set deletion_proof to absence."
)


class Wanted(StrEnum):
    """What an integration is to be; PRESENT is connected, or disabled if it is that already."""

    CONNECTED = "connected"
    PRESENT = "present"
    DISABLED = "disabled"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class LifeRequest:
    """What is to become of an integration.

    :param settings: the connection options without any secret.
    :param delete: the kinds whose objects are deleted when it is disabled or disconnected.
    :param delete_in_use: whether extensions are deleted although they are in use.
    """

    command: str
    wanted: Wanted
    settings: Mapping[str, Any]
    delete: Collection[RuleKind]
    check_mode: bool
    expected: Expected = field(default_factory=Expected)
    delete_in_use: bool = False


@dataclass(frozen=True, slots=True)
class LifeReport:
    """What became of an integration.

    :param before: as it was saved before, None if there was none.
    :param after: as it is saved now.
    :param directory: what the directory said of itself; None where it was not asked.
    :param capacity: what the PBX said of itself, likewise.
    :param report: what was deleted and released.
    """

    before: Integration | None
    after: Integration | None
    report: Report
    directory: DirectoryIdentity | None = None
    capacity: PbxCapacity | None = None

    @property
    def changed(self) -> bool:
        """Whether what is saved differs from what was, or anything was done."""
        return self.after != self.before or self.report.changed

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is worth a warning."""
        readable = self.directory is None or self.directory.deleted_objects_readable
        return self.report.warnings if readable else (*self.report.warnings, _NOT_READABLE)


def change_life(world: World, request: LifeRequest) -> LifeReport:
    """Bring an integration to what is wanted.

    :raises YeastarError: if a side that is needed could not be read, or the ledger belongs to others.
    """
    with world.open_ledger() as ledger:
        match request.wanted:
            case Wanted.DISABLED:
                return _disable(world, ledger, request)
            case Wanted.DISCONNECTED:
                return _disconnect(world, ledger, request)
            case _:
                return _connect(world, ledger, request)


def _connect(world: World, ledger: Ledger, request: LifeRequest) -> LifeReport:
    began = Began(request.command, request.check_mode, world.clock())
    before = ledger.integration()
    if request.wanted is Wanted.PRESENT and before is not None and before.status == DISABLED:
        _refuse_other_settings(before, request)
        return LifeReport(before, before, idle(began, ledger, skipped="The integration is disabled and stays so."))
    with world.open_directory(()) as directory:
        identity = directory.identify()
    with world.open_pbx() as pbx:
        pbx_identity = pbx.identity()
        check_firmware(pbx_identity)
        capacity = pbx.capacity()
    after = Integration(identity.domain, pbx_identity, dict(request.settings), CONNECTED)
    ledger.save_integration(after, world.clock())
    return LifeReport(before, after, idle(began, ledger), identity, capacity)


def _refuse_other_settings(saved: Integration, request: LifeRequest) -> None:
    names = differing(request.settings, saved.settings)
    if names:
        raise SettingsError(
            f"A disabled integration keeps its settings, and {', '.join(names)} differ(s).",
            "Enable it first, by state connected.",
        )


def _disable(world: World, ledger: Ledger, request: LifeRequest) -> LifeReport:
    before, warnings = require_integration(ledger, check_mode=request.check_mode)
    if before is None:
        began = Began(request.command, request.check_mode, world.clock())
        return LifeReport(None, None, idle(began, ledger, warnings=warnings))
    after = replace(before, status=DISABLED)

    def save() -> None:
        if after != before:
            ledger.save_integration(after, world.clock())

    asked = CleanUp(
        command=request.command,
        delete=request.delete,
        release_others=False,
        check_mode=request.check_mode,
        save=save,
        expected=request.expected,
        delete_in_use=request.delete_in_use,
        ends_sign_on=True,
    )
    return LifeReport(before, after, clean_up(world, ledger, before, asked))


def _disconnect(world: World, ledger: Ledger, request: LifeRequest) -> LifeReport:
    """The integration is forgotten once all that was to be deleted is, so that what failed can be tried again."""
    before = ledger.integration()
    if before is None:
        return LifeReport(None, None, idle(Began(request.command, request.check_mode, world.clock()), ledger))
    asked = CleanUp(
        command=request.command,
        delete=request.delete,
        release_others=True,
        check_mode=request.check_mode,
        save=lambda: None,
        expected=request.expected,
        delete_in_use=request.delete_in_use,
        ends_sign_on=True,
    )
    report = clean_up(world, ledger, before, asked)
    if report.failure:
        return LifeReport(before, before, report)
    ledger.forget_integration()
    return LifeReport(before, None, report)


def integration_data(integration: Integration | None) -> dict[str, Any]:
    """Return an integration as plain data, for a result and a diff; empty for none."""
    if integration is None:
        return {}
    return {
        "status": integration.status,
        "domain": asdict(integration.domain),
        "pbx": asdict(integration.pbx),
        "settings": dict(integration.settings),
    }
