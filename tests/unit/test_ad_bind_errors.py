# SPDX-License-Identifier: GPL-3.0-or-later
"""A refused log-in is told in words that name the option and the remedy."""

from __future__ import annotations

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.bind_errors import bind_error
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.connection import DirectorySettings

from lab.ldap_proxy.faults import bind_failure


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("525", "directory_username or directory_password"),
        ("52e", "directory_username or directory_password"),
        ("52E", "directory_username or directory_password"),
        ("530", "time of day"),
        ("531", "from this computer"),
        ("532", "password of directory_username has expired"),
        ("533", "disabled"),
        ("701", "account of directory_username has expired"),
        ("773", "must be changed"),
        ("775", "locked out"),
        ("80090346", "channel binding"),
    ],
)
def test_a_sub_code(code: str, words: str) -> None:
    error = bind_error(49, "invalidCredentials", bind_failure(code).message)
    assert error.code == code.lower()
    assert words in error.message
    assert error.remedy


def test_an_unknown_name_and_a_wrong_password_are_told_alike() -> None:
    unknown, wrong = (bind_error(49, "invalidCredentials", bind_failure(code).message) for code in ("525", "52e"))
    assert str(unknown) == str(wrong)


def test_invalid_credentials_without_a_sub_code() -> None:
    error = bind_error(49, "invalidCredentials", "")
    assert (error.code, "directory_password" in error.message) == ("49", True)


def test_other_results() -> None:
    assert "ldaps or start_tls" in bind_error(8, "strongerAuthRequired", "x").remedy
    assert "directory_username" in bind_error(34, "invalidDNSyntax", "").message
    other = bind_error(51, "busy", "come back")
    assert (other.code, "51 (busy): come back" in other.message) == ("51", True)


def test_the_password_is_not_in_the_settings_repr() -> None:
    settings = DirectorySettings("dc1.lab.test", "ldaps", 636, "DC=lab,DC=test", "sync@lab.test", "geheim")
    assert "geheim" not in repr(settings)
