# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The ledger's tables, in versions.

A version, once released, never changes: what comes later is one more script at the end of ``MIGRATIONS``. The SQL
keeps to what SQLite 3.34 knows, the oldest that current enterprise distributions ship.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import (
    LedgerSchemaError,
    damaged,
)

# Marks the file as a ledger (PRAGMA application_id): "YADL" in ASCII.
APPLICATION_ID = 0x5941444C

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE integration (
        id              INTEGER PRIMARY KEY CHECK (id = 1),
        domain_guid     TEXT NOT NULL,
        domain_dn       TEXT NOT NULL,
        domain_dns_name TEXT NOT NULL,
        serial_number   TEXT NOT NULL,
        model           TEXT NOT NULL,
        firmware        TEXT NOT NULL,
        settings        TEXT NOT NULL,
        status          TEXT NOT NULL,
        saved_at        TEXT NOT NULL
    );
    CREATE TABLE rules (
        kind     TEXT PRIMARY KEY,
        settings TEXT NOT NULL,
        saved_at TEXT NOT NULL
    );
    CREATE TABLE associations (
        guid         TEXT PRIMARY KEY,
        extension_id INTEGER NOT NULL UNIQUE CHECK (extension_id > 0),
        number       TEXT NOT NULL,
        dn           TEXT NOT NULL,
        account_name TEXT NOT NULL,
        origin       TEXT NOT NULL,
        written      TEXT NOT NULL,
        welcome      TEXT NOT NULL
    );
    CREATE TABLE retired_numbers (
        number TEXT PRIMARY KEY,
        guid   TEXT NOT NULL,
        since  TEXT NOT NULL
    );
    CREATE TABLE runs (
        sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
        id         TEXT NOT NULL UNIQUE,
        kind       TEXT NOT NULL,
        plan_id    TEXT NOT NULL,
        state      TEXT NOT NULL CHECK (state IN ('running', 'succeeded', 'failed')),
        started_at TEXT NOT NULL,
        ended_at   TEXT,
        summary    TEXT NOT NULL,
        error      TEXT NOT NULL
    );
    CREATE TABLE journal (
        id                INTEGER PRIMARY KEY AUTOINCREMENT,
        run_id            TEXT NOT NULL REFERENCES runs (id),
        guid              TEXT NOT NULL,
        change            TEXT NOT NULL,
        registration_name TEXT NOT NULL,
        state             TEXT NOT NULL CHECK (state IN ('intended', 'done', 'failed', 'unknown')),
        detail            TEXT NOT NULL,
        intended_at       TEXT NOT NULL,
        outcome_at        TEXT
    );
    CREATE INDEX journal_of_run ON journal (run_id);
    CREATE INDEX journal_unfinished ON journal (id) WHERE state IN ('intended', 'unknown');
    """,
    # Organizations, extension groups, and what the names in a rule were found to be. What was written to the journal
    # before stays as it is: reading understands it.
    """
    CREATE TABLE object_associations (
        kind        TEXT NOT NULL CHECK (kind <> 'extension'),
        guid        TEXT NOT NULL,
        rule        TEXT NOT NULL,
        object_id   INTEGER NOT NULL CHECK (object_id > 0),
        dn          TEXT NOT NULL,
        name        TEXT NOT NULL,
        origin      TEXT NOT NULL,
        parent_id   INTEGER NOT NULL,
        members     TEXT NOT NULL,
        leftover_id INTEGER NOT NULL,
        PRIMARY KEY (kind, guid),
        UNIQUE (kind, object_id)
    );
    CREATE TABLE names (
        rule TEXT NOT NULL,
        name TEXT NOT NULL,
        guid TEXT NOT NULL,
        PRIMARY KEY (rule, name)
    );
    ALTER TABLE associations ADD COLUMN organization_id INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE journal ADD COLUMN kind TEXT NOT NULL DEFAULT 'extension';
    """,
    # Rules that can be paused, runs of several kinds at once (runs.kind holds them with blanks between), a schedule.
    """
    ALTER TABLE rules ADD COLUMN enabled INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE rules ADD COLUMN synchronized INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE runs ADD COLUMN command TEXT NOT NULL DEFAULT '';
    CREATE TABLE schedule (
        id       INTEGER PRIMARY KEY CHECK (id = 1),
        settings TEXT NOT NULL,
        saved_at TEXT NOT NULL
    );
    """,
)


def _pragma(connection: sqlite3.Connection, statement: str) -> int:
    return int(connection.execute(statement).fetchone()[0])


def check_schema(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of the ledger's schema, 0 for an empty database; changes nothing.

    :raises LedgerFileError: if the database is something else's, or damaged.
    :raises LedgerSchemaError: if a newer version of the collection wrote it.
    """
    application = _pragma(connection, "PRAGMA application_id")
    version = _pragma(connection, "PRAGMA user_version")
    tables = _pragma(connection, "SELECT count(*) FROM sqlite_master")
    if application == 0 and version == 0 and tables == 0:
        return 0
    if application != APPLICATION_ID:
        raise damaged(path, "it is an SQLite database of another program")
    if version > len(MIGRATIONS):
        raise LedgerSchemaError(
            f"The ledger {path} (ledger_path) was written by a newer version of the collection "
            f"pbxops.yeastar (schema {version}; this one knows {len(MIGRATIONS)}).",
            "Upgrade the collection, or name another ledger_path.",
        )
    problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if problem != "ok":
        raise damaged(path, problem)
    return version


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring the schema from a version to the newest one; each step is one transaction."""
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE; {script}"
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {number}; COMMIT;"
        )
