# SPDX-License-Identifier: GPL-3.0-or-later
"""One site as a test sees it: a directory to change, modules to run, a PBX to look at."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from lab.directory_admin import AttributeValue, DirectoryAdmin
from lab.pbx.emulator import Emulator
from lab.samba import LDAPS_PORT, DomainController

_MODULES = "ansible_collections.pbxops.yeastar.plugins.modules"

Runner = Callable[[str, Mapping[str, Any], bool], dict[str, Any]]


def make_runner(capfd: pytest.CaptureFixture[str]) -> Runner:
    """Make a function that runs a module's own main() in this process and returns what Ansible would get."""

    def run(name: str, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
        module = importlib.import_module(f"{_MODULES}.{name}")
        capfd.readouterr()
        with (
            patch_module_args({**options, "_ansible_check_mode": check_mode, "_ansible_diff": True}),
            pytest.raises(SystemExit),
        ):
            module.main()
        printed = capfd.readouterr().out
        result: dict[str, Any] = json.loads(printed.splitlines()[-1])
        # Newer cores wrap a warning in an object of their own.
        warnings = [one["event"]["msg"] if isinstance(one, dict) else one for one in result.get("warnings", [])]
        return {**result, "warnings": warnings}

    return run


def connection_options(directory: DomainController, pbx: Emulator, base_dn: str, ledger_path: Path) -> dict[str, Any]:
    """The connection options of the modules, secrets too."""
    return {
        "directory_host": directory.address,
        "directory_port": LDAPS_PORT,
        "directory_base_dn": base_dn,
        "directory_username": directory.sync_account.user_principal_name,
        "directory_password": directory.sync_account.password,
        "directory_ca_path": str(directory.ca_path),
        "pbx_url": pbx.url,
        "pbx_client_id": pbx.settings.client_id,
        "pbx_client_secret": pbx.settings.client_secret,
        "pbx_ca_path": str(pbx.ca_path),
        "ledger_path": str(ledger_path),
    }


@dataclass(frozen=True)
class Site:
    """A directory whose base DN is the test's own unit, an empty PBX and a ledger.

    `sync` fails the test when the module fails; `sync_failing` when it does not.
    """

    directory: DomainController
    admin: DirectoryAdmin
    pbx: Emulator
    base_dn: str
    ledger_path: Path
    run: Runner

    @property
    def connection_options(self) -> dict[str, Any]:
        """What both modules need to reach both sides."""
        return connection_options(self.directory, self.pbx, self.base_dn, self.ledger_path)

    def connect(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run pbx_ad_connection; options replace those of the site."""
        return self.run("pbx_ad_connection", {**self.connection_options, **options}, check)

    def try_sync(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run pbx_ad_user_sync, whatever becomes of it."""
        return self.run("pbx_ad_user_sync", {**self.connection_options, **options}, check)

    def sync(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run pbx_ad_user_sync on a connected site, with success."""
        if not check and not self.ledger_path.exists():
            assert not self.connect().get("failed")
        result = self.try_sync(check=check, **options)
        assert not result.get("failed"), result["msg"]
        return result

    def sync_failing(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run pbx_ad_user_sync on a connected site, with failure."""
        if not check and not self.ledger_path.exists():
            assert not self.connect().get("failed")
        result = self.try_sync(check=check, **options)
        assert result.get("failed"), result
        return result

    def add_user(self, name: str, *, parent: str | None = None, **attributes: AttributeValue) -> str:
        """Add a user whose account, CN and given name are this name; return the DN."""
        given = {"sam_account_name": f"{name}-{self.base_dn[8:20]}"[:20], "givenName": name, **attributes}
        self.admin.add_user(name, parent=parent or self.base_dn, **given)  # type: ignore[arg-type]
        return DirectoryAdmin.dn(name, parent or self.base_dn)

    def add_unit(self, name: str, parent: str | None = None) -> str:
        """Add an organizational unit; return the DN."""
        self.admin.add_ou(name, parent=parent or self.base_dn)
        return DirectoryAdmin.dn(name, parent or self.base_dn, kind="OU")

    @property
    def names(self) -> dict[str, str]:
        """First name by number of every extension on the PBX."""
        return {number: extension["first_name"] for number, extension in self.pbx.state.extensions.items()}

    def extension_of(self, first_name: str) -> dict[str, Any]:
        """The extension with this first name."""
        return next(one for one in self.pbx.state.extensions.values() if one["first_name"] == first_name)

    def writes(self) -> list[str]:
        """The endpoints of the writes that the PBX has seen."""
        return [call.endpoint for call in self.pbx.calls.all() if call.write]


def actions(result: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Action, first part of the account name and reason of each change of a result."""
    return [(change["action"], change["user"].split("-")[0], change["reason"]) for change in result["changes"]]


def codes(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """First part of the account name and code of each conflict of a result."""
    return [(conflict["user"].split("-")[0], conflict["code"]) for conflict in result["conflicts"]]
