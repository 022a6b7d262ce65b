# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation lists is what the code has."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.conflicts import ConflictCode
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.dangers import Danger
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import MANAGED_FIELDS, NAME_FALLBACKS
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import (
    DEFAULT_LIMIT_PER_GROUP,
    DEFAULT_LIMITS,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    AccountStatus,
    GroupScope,
    GroupType,
    Scope,
    SyncTo,
    UnitScope,
)

_DOCS = Path(__file__).parents[2] / "docs"
USERS = (_DOCS / "users.md").read_text(encoding="utf-8")
TRUST = (_DOCS / "trust.md").read_text(encoding="utf-8")
GUARD = (_DOCS / "guard.md").read_text(encoding="utf-8")
OBJECTS = (_DOCS / "organizations-and-groups.md").read_text(encoding="utf-8")
ROLLBACK = (_DOCS / "rollback.md").read_text(encoding="utf-8")


def test_every_conflict_is_described_once_and_none_that_does_not_exist() -> None:
    found = [_codes(page.partition("## Conflicts")[2]) for page in (USERS, OBJECTS)]

    assert found == [sorted(codes) for codes in found]
    # What is of a rollback alone is on its own page.
    told = [*(code for codes in found for code in codes), ConflictCode.CHANGED_SINCE.value]
    assert sorted(told) == sorted(code.value for code in ConflictCode)
    assert set(_codes(ROLLBACK)) <= set(told)


def test_every_promise_has_a_command_that_tries_it_with_tests_that_are_there() -> None:
    rows = [line for line in TRUST.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    assert len(rows) >= 15
    for row in rows:
        found = re.findall(r"tests/[\w/]+(?:\.py)?", row.rpartition("|")[0].rpartition("|")[2])
        assert found, row
        assert all((_DOCS.parent / path).exists() for path in found), found


def _codes(section: str) -> list[str]:
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


def test_every_managed_field_is_described() -> None:
    section = USERS.partition("## What is written")[2].partition("\n## ")[0]

    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [field.attribute for field in MANAGED_FIELDS]
    for name in NAME_FALLBACKS:
        assert f"`{name}`" in section


def test_every_scope_and_status_is_described() -> None:
    for word in (*Scope, *AccountStatus):
        assert word.value in USERS
    for word in (*UnitScope, *GroupScope, *GroupType):
        assert f"`{word.value}`" in OBJECTS
    for target in SyncTo:
        assert f"`sync_to: {target.value}`" in OBJECTS


def test_every_limit_of_the_guard_is_told_with_its_default() -> None:
    limits = {danger.value: DEFAULT_LIMITS[danger] for danger in Danger}
    for name, limit in {**limits, "member_removals_per_group": DEFAULT_LIMIT_PER_GROUP}.items():
        assert f"| `{name}` | {limit.floor} | {limit.percent:g} | {limit.count} |" in GUARD
