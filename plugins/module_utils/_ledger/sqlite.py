# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The ledger as one SQLite file, or as a copy in memory."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import Database
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import (
    LedgerFileError,
    Place,
    damaged,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.file_lock import exclusive_lock
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.files import (
    copy_to_memory,
    make_file,
    make_folder,
    resolve,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.schema import (
    APPLICATION_ID,
    check_schema,
    migrate,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite_errors import translated
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.store import StoredLedger


class SqliteDatabase(Database):
    """A database behind an open connection of SQLite's.

    The connection is in autocommit mode, so that a transaction begins and ends where it says so here.
    """

    def __init__(self, place: Place, connection: sqlite3.Connection) -> None:
        self._place = place
        self._connection = connection

    @property
    def place(self) -> Place:
        """Where the ledger is, as errors name it."""
        return self._place

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        with translated(self._place):
            return self._connection.execute(statement, values).fetchall()

    def change(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Execute a statement that changes rows and return how many it changed."""
        with translated(self._place):
            return self._connection.execute(statement, values).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is executed within; on the disk when it ends."""
        with translated(self._place):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def version(self) -> int:
        """Return the version of the ledger's schema, 0 where there is nothing yet; changes nothing.

        :raises LedgerDamagedError: if it is the database of another program, or damaged.
        """
        application = self._number("PRAGMA application_id")
        version = self._number("PRAGMA user_version")
        if application == 0 and version == 0 and self._number("SELECT count(*) FROM sqlite_master") == 0:
            return 0
        if application != APPLICATION_ID:
            raise damaged(self._place, "it is an SQLite database of another program")
        return version

    def define(self, statement: str) -> None:
        """Within a transaction: execute a statement of the schema."""
        self.change(statement)

    def set_version(self, version: int) -> None:
        """Within a transaction: mark the database as a ledger whose schema has this version."""
        self.change(f"PRAGMA application_id = {APPLICATION_ID}")
        self.change(f"PRAGMA user_version = {version}")

    def require_whole(self) -> None:
        """Raise ``LedgerDamagedError`` for a database that SQLite finds damaged."""
        ((problem,),) = self.rows("PRAGMA quick_check(1)")
        if problem != "ok":
            raise damaged(self._place, problem)

    def prepare(self, version: int) -> None:
        """Bring the schema from a version to the newest one, and keep references from now on."""
        self.change("PRAGMA foreign_keys = ON")
        migrate(self, version)

    def write_ahead(self) -> None:
        """Make what is committed survive a power loss, and reading and writing go on side by side."""
        ((mode,),) = self.rows("PRAGMA journal_mode = WAL")
        if mode != "wal":
            raise LedgerFileError(
                f"{self._place} is on a file system without write-ahead logging.",
                "Name a file on a local disk with ledger_path.",
            )
        # In WAL mode only FULL makes a transaction survive a power loss (https://www.sqlite.org/pragma.html).
        self.change("PRAGMA synchronous = FULL")

    def _number(self, query: str) -> int:
        ((number,),) = self.rows(query)
        return int(number)


@contextmanager
def open_ledger(path: str | os.PathLike[str], *, read_write: bool, command: str) -> Iterator[StoredLedger]:
    """Open the ledger of a path for the length of a ``with`` block.

    :param path: the file; ``~`` is the home directory.
    :param read_write: whether to work on the file itself: it is made (0600, its folders 0700) where there is none,
        locked until the block ends, and brought to the newest schema. Otherwise the block works on a copy in memory,
        free to write to it, and nothing at all is written at the ledger's place; an absent ledger is an empty one.
    :param command: what the process is doing, e.g. the module's name, to be told to whoever finds the lock taken.
    :raises LedgerLockedError: if another run is writing, whatever ``read_write`` is.
    :raises LedgerSchemaError: if a newer version of the collection wrote it.
    :raises LedgerDamagedError: if it is no ledger, or damaged.
    :raises LedgerFileError: if it cannot be opened, read or written.
    """
    resolved = resolve(path)
    place = Place.of_path(resolved)
    if not read_write:
        with closing(copy_to_memory(resolved)) as connection:
            database = SqliteDatabase(place, connection)
            version = check_schema(database)
            database.require_whole()
            database.prepare(version)
            yield StoredLedger(database)
        return
    make_folder(resolved)
    with exclusive_lock(resolved, command), _connected(resolved, place) as database:
        # Looked at before anything is written, lest another program's database be changed.
        version = check_schema(database)
        database.require_whole()
        database.write_ahead()
        database.prepare(version)
        yield StoredLedger(database)


@contextmanager
def _connected(path: Path, place: Place) -> Iterator[SqliteDatabase]:
    make_file(path)
    with translated(place):
        connection = sqlite3.connect(path, isolation_level=None)
    with closing(connection):
        yield SqliteDatabase(place, connection)
