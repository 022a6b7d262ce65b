# SPDX-License-Identifier: GPL-3.0-or-later
"""The default place of a ledger follows the XDG Base Directory Specification and the PBX's address."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.location import default_path


@pytest.mark.parametrize(
    ("pbx_url", "name"),
    [
        ("https://pbx.example.com:8088", "pbx.example.com_8088.sqlite3"),
        ("https://PBX.example.com:8088/", "pbx.example.com_8088.sqlite3"),
        ("https://pbx.example.com", "pbx.example.com_443.sqlite3"),
        ("http://192.0.2.7", "192.0.2.7_80.sqlite3"),
        ("https://[2001:db8::7]:8088/openapi", "2001:db8::7_8088.sqlite3"),
    ],
)
def test_the_name_is_host_and_port(monkeypatch: pytest.MonkeyPatch, pbx_url: str, name: str) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/var/lib/state")
    assert default_path(pbx_url) == Path("/var/lib/state/pbxops.yeastar") / name


@pytest.mark.parametrize("configured", ["", "relative/state", None])
def test_without_an_absolute_state_home_it_is_below_the_home(
    monkeypatch: pytest.MonkeyPatch, configured: str | None
) -> None:
    monkeypatch.setenv("HOME", "/home/operator")
    if configured is None:
        monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    else:
        monkeypatch.setenv("XDG_STATE_HOME", configured)
    expected = "/home/operator/.local/state/pbxops.yeastar/pbx.example.com_8088.sqlite3"
    assert default_path("https://pbx.example.com:8088") == Path(expected)


@pytest.mark.parametrize(
    "pbx_url", ["", "pbx.example.com", "https://", "https://user:hidden@:8088", "https://hidden:99999", "ldap://hidden"]
)
def test_a_url_without_host_or_port_is_refused_and_not_shown(pbx_url: str) -> None:
    with pytest.raises(LedgerError, match="pbx_url") as caught:
        default_path(pbx_url)
    assert "hidden" not in str(caught.value)
