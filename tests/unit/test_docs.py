# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation lists is what the code has."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.conflicts import ConflictCode
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import MANAGED_FIELDS, NAME_FALLBACKS
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.model import AccountStatus, Scope

USERS = (Path(__file__).parents[2] / "docs" / "users.md").read_text(encoding="utf-8")


def test_every_conflict_is_described_once_and_none_that_does_not_exist() -> None:
    section = USERS.partition("## Conflicts")[2]

    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == sorted(code.value for code in ConflictCode)


def test_every_managed_field_is_described() -> None:
    section = USERS.partition("## What is written")[2].partition("\n## ")[0]

    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [field.attribute for field in MANAGED_FIELDS]
    for name in NAME_FALLBACKS:
        assert f"`{name}`" in section


def test_every_scope_and_status_is_described() -> None:
    for word in (*Scope, *AccountStatus):
        assert word.value in USERS
