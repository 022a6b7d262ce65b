# SPDX-License-Identifier: GPL-3.0-or-later
"""An older ledger is brought to the newest schema, whole or not at all, and only where writing is asked for."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import schema
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite import open_ledger

NEXT = "ALTER TABLE rules ADD COLUMN enabled INTEGER NOT NULL DEFAULT 1;"


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def columns(connection: sqlite3.Connection) -> list[str]:
    return [row[1] for row in connection.execute("PRAGMA table_info(rules)")]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "ledger"
    with open_ledger(path, read_write=True, command="test"):
        pass
    assert version(path) == len(schema.MIGRATIONS)
    return path


def test_an_older_ledger_is_migrated(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = version(old)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, NEXT))
    for _unused in range(2):
        with open_ledger(old, read_write=True, command="test") as ledger:
            assert "enabled" in columns(ledger._connection)
    assert version(old) == before + 1


def test_check_mode_migrates_its_copy_alone(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = old.read_bytes()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, NEXT))
    with open_ledger(old, read_write=False, command="test") as ledger:
        assert "enabled" in columns(ledger._connection)
    assert old.read_bytes() == before


def test_a_migration_that_fails_leaves_the_older_schema(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = schema.MIGRATIONS
    monkeypatch.setattr(schema, "MIGRATIONS", (*released, NEXT + "DROP TABLE nowhere;"))
    with pytest.raises(LedgerError, match="nowhere"), open_ledger(old, read_write=True, command="test"):
        pass
    assert version(old) == len(released)
    monkeypatch.setattr(schema, "MIGRATIONS", released)
    with open_ledger(old, read_write=True, command="test") as ledger:
        assert "enabled" not in columns(ledger._connection)
