# SPDX-License-Identifier: GPL-3.0-or-later
"""One site as a test sees it: a directory to change, modules to run, a PBX to look at."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common import warnings as warnings_of_process

from lab.directory_admin import AttributeValue, DirectoryAdmin
from lab.pbx.emulator import Emulator
from lab.samba import LDAPS_PORT, DomainController

_MODULES = "ansible_collections.pbxops.yeastar.plugins.modules"

Runner = Callable[[str, Mapping[str, Any], bool], dict[str, Any]]


def make_runner(capfd: pytest.CaptureFixture[str]) -> Runner:
    """Make a function that runs a module's own main() in this process and returns what Ansible would get."""
    # ansible-core 2.18 has none, and the tests of playbooks, which use other parts of this file, run on that too.
    from ansible.module_utils.testing import patch_module_args  # noqa: PLC0415

    def run(name: str, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
        module = importlib.import_module(f"{_MODULES}.{name}")
        capfd.readouterr()
        # Ansible keeps them for the length of a process, which is otherwise that of one module.
        warnings_of_process._global_warnings.clear()
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


def guard(*dangers: str, floor: int = 0, percent: float = 0, count: int = 0) -> dict[str, Any]:
    """The option guard with these limits of some dangers; they let nothing through unless others are given."""
    return {"guard": {danger: {"floor": floor, "percent": percent, "count": max(floor, count)} for danger in dangers}}


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

    def units(self, *, check: bool = False, fails: bool = False, **options: Any) -> dict[str, Any]:
        """Run pbx_ad_ou_sync on a connected site, with success unless told otherwise."""
        return self._run_on_connected("pbx_ad_ou_sync", options, check=check, fails=fails)

    def groups(self, *, check: bool = False, fails: bool = False, **options: Any) -> dict[str, Any]:
        """Run pbx_ad_group_sync on a connected site, with success unless told otherwise."""
        return self._run_on_connected("pbx_ad_group_sync", options, check=check, fails=fails)

    def update(self, *, check: bool = False, fails: bool = False, **options: Any) -> dict[str, Any]:
        """Run pbx_ad_sync on a connected site, with success unless told otherwise."""
        return self._run_on_connected("pbx_ad_sync", options, check=check, fails=fails)

    def live(self, state: str, *, check: bool = False, fails: bool = False, **options: Any) -> dict[str, Any]:
        """Run pbx_ad_connection with a state, with success unless told otherwise."""
        result = self.run("pbx_ad_connection", {**self.connection_options, "state": state, **options}, check)
        assert bool(result.get("failed")) is fails, result.get("msg", result)
        return result

    def _run_on_connected(self, module: str, options: Mapping[str, Any], *, check: bool, fails: bool) -> dict[str, Any]:
        if not self.ledger_path.exists():
            assert not self.connect().get("failed")
        result = self.run(module, {**self.connection_options, **options}, check)
        assert bool(result.get("failed")) is fails, result.get("msg", result)
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

    def add_group(self, name: str, *members: str, parent: str | None = None, **options: Any) -> str:
        """Add a group with members given by DN; return the DN."""
        self.admin.add_group(name, parent=parent or self.base_dn, members=members, **options)
        return DirectoryAdmin.dn(name, parent or self.base_dn)

    @property
    def organizations(self) -> dict[str, set[str]]:
        """First names of the extensions in each organization, by its path below the root; "" is the root."""
        paths = self._organization_paths()
        found: dict[str, set[str]] = {path: set() for path in paths.values()}
        for extension in self.pbx.state.extensions.values():
            for organization_id in extension["organization_ids"]:
                found[paths[organization_id]].add(extension["first_name"])
        return found

    def organization_id(self, name: str) -> int:
        """The id of the one organization of that name."""
        (found,) = [one["id"] for one in self.pbx.state.organizations.values() if one["name"] == name]
        return int(found)

    @property
    def members(self) -> dict[str, set[str]]:
        """First names of the members of each extension group by its name, without the built-in group of all."""
        names = {one["id"]: one["first_name"] for one in self.pbx.state.extensions.values()}
        return {
            one["name"]: {names[int(id_)] for id_ in one["members"]}
            for one in self.pbx.state.groups.values()
            if one["member_select"] == "sel_specific"
        }

    def group_id(self, name: str) -> int:
        """The id of the one extension group of that name."""
        return int(self.pbx.state.groups[name]["id"])

    def roles(self, name: str) -> dict[str, str]:
        """User types of the members of an extension group, by their first names."""
        names = {one["id"]: one["first_name"] for one in self.pbx.state.extensions.values()}
        return {names[int(id_)]: role for id_, role in self.pbx.state.groups[name]["members"].items()}

    def set_group(self, name: str, roles: Mapping[str, str], **flags: int) -> None:
        """Give an extension group these members (first name: user type) and permissions, as an administrator does."""
        members = {self.extension_of(first_name)["id"]: role for first_name, role in roles.items()}
        with self.pbx.pbx.lock:
            present = self.pbx.pbx.groups.named(name)
            assert present is not None
            self.pbx.pbx.groups.put(replace(present, members=members, flags={**present.flags, **flags}))

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

    @property
    def organization_ids(self) -> dict[str, int]:
        """The id of each organization by its path below the root; "" is the root."""
        return {path: id_ for id_, path in self._organization_paths().items()}

    def _organization_paths(self) -> dict[int, str]:
        """The path of each organization below the root, by its id."""
        by_id = self.pbx.state.organizations
        paths: dict[int, str] = {}
        for one in by_id.values():
            names, node = [], one
            while node["parent_id"]:
                names.append(node["name"])
                node = by_id[node["parent_id"]]
            paths[one["id"]] = "/".join(reversed(names))
        return paths


def actions(result: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Action, first part of the account name and reason of each change of a result."""
    return [(change["action"], change["name"].split("-")[0], change["reason"]) for change in result["changes"]]


def codes(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """First part of the account name and code of each conflict of a result."""
    return [(conflict["name"].split("-")[0], conflict["code"]) for conflict in result["conflicts"]]
