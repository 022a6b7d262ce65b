# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of every module with values that it does not expect: a sentence that names it, and nothing changed.

The options are those of the modules' own specifications, so that a new one is tried by itself. The directory is a
closed port: a value that an option can take ends there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.opening import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.kinds import KINDS
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Integration, SavedRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Domain
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxIdentity
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

from lab.pbx.emulator import Emulator
from tests.integration.modules.bad_values import bad_values, is_out_of_reach, modules, require_clear, spec_of
from tests.integration.modules.site_under_test import make_runner

BASE_DN = "DC=example,DC=com"
SECRETS = ("secret-of-the-directory", "secret-of-the-ledger")
CASES = [(module, option) for module in modules() for option in spec_of(module)]


@pytest.fixture(name="right")
def _right(pbx: Emulator, tmp_path: Path) -> dict[str, Any]:
    """Connection options of an integration in a ledger, whose directory is out of reach."""
    ledger_path = tmp_path / "state" / "ledger.sqlite3"
    options = {
        "directory_host": "127.0.0.1",
        "directory_port": 1,
        "directory_base_dn": BASE_DN,
        "directory_username": "sync@example.com",
        "directory_password": SECRETS[0],
        "directory_timeout": 2,
        "pbx_url": pbx.url,
        "pbx_client_id": pbx.settings.client_id,
        "pbx_client_secret": pbx.settings.client_secret,
        "pbx_ca_path": str(pbx.ca_path),
        "pbx_timeout": 5,
        "ledger_path": str(ledger_path),
    }
    settings = pbx.pbx.settings
    identity = PbxIdentity(settings.serial_number, settings.model, settings.firmware)
    domain = Domain("0f5c1f6e-6b3e-4a5f-9d8e-7f0a3c1b2d4e", BASE_DN, "example.com")
    saved = {name: value for name, value in options.items() if "password" not in name and "secret" not in name}
    integration = Integration(domain, identity, saved, "connected")
    with open_ledger(ledger_path, read_write=True, command="test") as ledger:
        ledger.save_integration(integration, datetime.now(UTC))
        users = KINDS[RuleKind.USERS]
        ledger.save_rule(RuleKind.USERS, SavedRule(users.defaults, enabled=True), datetime.now(UTC))
    return options


@pytest.fixture(name="run")
def _run(capfd: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    return make_runner(capfd)


@pytest.mark.parametrize(("module", "option"), CASES)
def test_a_value_that_an_option_does_not_expect_is_refused_by_name(  # noqa: PLR0917 (fixtures)
    run: Callable[..., dict[str, Any]],
    right: dict[str, Any],
    pbx: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    option: str,
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    spec = spec_of(module)[option]
    needed = _NEEDED.get(module) or _needed(spec_of(module), option)
    for value in bad_values(option, spec, tmp_path):
        before = _kept(Path(right["ledger_path"]))
        result = run(module, {**right, **needed, option: value}, False)

        require_clear(result, "" if spec.get("no_log") else option, (*SECRETS, "hunter2", pbx.settings.client_secret))
        if result.get("failed") and not is_out_of_reach(result):
            assert _kept(Path(right["ledger_path"])) == before, (value, result["msg"])
    assert [call for call in pbx.calls.all() if call.write] == []


_NEEDED: dict[str, dict[str, Any]] = {
    "pbx_ad_schedule": {"timezone": "UTC"},
    "pbx_ad_sso": {"login_addresses": ["https://pbx.example.com:8088/login"]},
}


def _needed(spec: dict[str, Any], option: str) -> dict[str, Any]:
    """What must be given for an option to be looked at."""
    return {"scope": option} if option in spec.get("scope", {}).get("choices", ()) else {}


def _kept(ledger: Path) -> list[str]:
    """All that a ledger holds but the list of its runs, in which one that could not begin stands too."""
    with closing(sqlite3.connect(ledger)) as database:
        return [line for line in database.iterdump() if not line.startswith('INSERT INTO "run"')]
