# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The ledger's tables, in versions.

A version, once released, never changes: what comes later is one more script at the end of ``MIGRATIONS``. No statement
holds a semicolon within. The words are SQLite's; ``Database.define`` says them to others.
"""

from __future__ import annotations

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import Database
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LedgerSchemaError

# "YADL" in ASCII. Marks an SQLite file (PRAGMA application_id) and a PostgreSQL advisory lock as a ledger's.
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
    # Extensions that are parked before they are deleted; what the last run saw of both sides; what each change
    # found and left, to undo it by: JSON, "null" for nothing, "" where it was not written down; what a run has undone.
    """
    ALTER TABLE associations ADD COLUMN parked TEXT NOT NULL DEFAULT '';
    CREATE TABLE snapshot (
        id       INTEGER PRIMARY KEY CHECK (id = 1),
        run_id   TEXT NOT NULL,
        taken_at TEXT NOT NULL,
        content  BLOB NOT NULL
    );
    ALTER TABLE journal ADD COLUMN former TEXT NOT NULL DEFAULT '';
    ALTER TABLE journal ADD COLUMN latter TEXT NOT NULL DEFAULT '';
    ALTER TABLE journal ADD COLUMN image TEXT NOT NULL DEFAULT '';
    ALTER TABLE runs ADD COLUMN undoes TEXT NOT NULL DEFAULT '';
    CREATE INDEX runs_undoing ON runs (undoes) WHERE undoes <> '';
    """,
    # Sign-on with the directory's credentials: its settings, by which names users are known, and which extensions have
    # a user password that a sign-on has set.
    """
    CREATE TABLE sign_on (
        id       INTEGER PRIMARY KEY CHECK (id = 1),
        settings TEXT NOT NULL,
        saved_at TEXT NOT NULL
    );
    CREATE TABLE credentials (
        extension_id INTEGER PRIMARY KEY,
        guid         TEXT NOT NULL,
        set_at       TEXT NOT NULL
    );
    ALTER TABLE associations ADD COLUMN user_principal_name TEXT NOT NULL DEFAULT '';
    CREATE INDEX associations_principal ON associations (lower(user_principal_name));
    CREATE INDEX associations_account ON associations (lower(account_name));
    """,
    # What the latest run has read of the directory, so that a later one needs to read only what changed.
    """
    CREATE TABLE directory (
        id      INTEGER PRIMARY KEY CHECK (id = 1),
        mark    TEXT NOT NULL,
        content BLOB NOT NULL
    );
    """,
)


def check_schema(database: Database) -> int:
    """Return the version of the ledger's schema, 0 for an empty database; changes nothing.

    :raises LedgerDamagedError: if the database is something else's.
    :raises LedgerSchemaError: if a newer version of the collection wrote it.
    """
    version = database.version()
    if version > len(MIGRATIONS):
        raise LedgerSchemaError(
            f"{database.place} was written by a newer version of the collection pbxops.yeastar "
            f"(schema {version}; this one knows {len(MIGRATIONS)}).",
            f"Upgrade the collection, or name another {database.place.chooser}.",
        )
    return version


def migrate(database: Database, version: int, to: int | None = None) -> None:
    """Bring the schema from a version to another, the newest one if none is named; each step is one transaction."""
    for number, script in enumerate(MIGRATIONS[version:to], start=version + 1):
        with database.transaction():
            for statement in filter(str.strip, script.split(";")):
                database.define(statement)
            database.set_version(number)
