# SPDX-License-Identifier: GPL-3.0-or-later
"""The PBX's address is checked before anything is sent there, and settings show no secret."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx import transport
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.client import PbxClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import PbxCertificateError, PbxParameterError
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.settings import PbxSettings


def _settings(url: str = "https://pbx.example.com:8088", **options: Any) -> PbxSettings:
    return PbxSettings(url, "CLIENT", "Secret1", **options)


@pytest.mark.parametrize(
    ("url", "base_url", "is_plain"),
    [
        ("https://pbx.example.com:8088", "https://pbx.example.com:8088", False),
        ("https://pbx.example.com:8088/", "https://pbx.example.com:8088", False),
        (" https://192.0.2.1 ", "https://192.0.2.1", False),
        ("https://[2001:db8::1]:8088", "https://[2001:db8::1]:8088", False),
        ("http://pbx.example.com", "http://pbx.example.com", True),
        ("HTTPS://pbx.example.com", "https://pbx.example.com", False),
    ],
)
def test_url_of_a_portal_is_taken(url: str, base_url: str, is_plain: bool) -> None:
    settings = _settings(url)
    assert (settings.base_url, settings.is_plain) == (base_url, is_plain)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "pbx.example.com",
        "pbx.example.com:8088",
        "ldap://pbx.example.com",
        "https://",
        "https://:8088",
        "https://pbx.example.com:0",
        "https://pbx.example.com:99999",
        "https://pbx.example.com:x",
        "https://pbx.example.com/openapi/v1.0",
        "https://pbx.example.com?access_token=Hidden1",
        "https://pbx.example.com/#top",
        "https://user:Hidden1@pbx.example.com",
        "https://[2001:db8::1",
        "https://pbx..example.com",
        f"https://{'x' * 64}.example.com",
    ],
)
def test_other_urls_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(PbxParameterError, match="pbx_url") as caught:
        _settings(url)
    assert "Hidden1" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_timeout_that_is_none_is_refused(timeout: float) -> None:
    with pytest.raises(PbxParameterError, match="time-out"):
        _settings(timeout=timeout)


def test_settings_show_no_secret() -> None:
    assert "Secret1" not in f"{_settings()} {_settings()!r}"


def test_ca_path_must_be_readable_certificates(tmp_path: Any) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    for path in (empty, tmp_path / "missing.pem", tmp_path):
        with pytest.raises(PbxCertificateError, match="pbx_ca_path"):
            PbxClient(_settings(ca_path=str(path)))


def test_page_of_nothing_is_refused() -> None:
    with pytest.raises(PbxParameterError, match="page"):
        PbxClient(_settings(), page_size=0)


def test_missing_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "REQUESTS_IMPORT_ERROR", "ImportError: no requests")
    with pytest.raises(PbxParameterError, match="requests"):
        PbxClient(_settings())


def test_client_that_was_never_asked_anything_sends_nothing() -> None:
    with PbxClient(_settings("https://pbx.invalid")) as client:
        assert client.calls == 0
    assert client.warnings == []
