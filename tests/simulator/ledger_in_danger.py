# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger's own file, each of whose statements is a step at which the process may end or the disk be full."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import sqlite
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import Place
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite import SqliteDatabase
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.store import StoredLedger

from tests.simulator.troubles import KILLED_AFTER, Side, Troubles

DISK_FULL = "disk_full"
FAULT_KINDS = (DISK_FULL,)
_UNDOING = "ROLLBACK"


class EndangeredConnection:
    """A connection of SQLite's whose statements are steps.

    What a dead process cannot undo, the database undoes when it is opened again: so it may here.
    """

    def __init__(self, connection: sqlite3.Connection, troubles: Troubles) -> None:
        self._connection = connection
        self._troubles = troubles

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._connection.in_transaction

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Execute a statement.

        :raises KilledError: if the process ends before or after it.
        :raises sqlite3.OperationalError: if the disk is full.
        """
        if statement == _UNDOING:
            return self._connection.execute(statement)
        fault = self._troubles.step(Side.LEDGER, statement[:60])
        if fault is not None and fault.kind == DISK_FULL and not statement.startswith(("SELECT", "PRAGMA")):
            raise _disk_full()
        cursor = self._connection.execute(statement, values)
        if fault is not None and fault.kind == KILLED_AFTER:
            # A statement that is still open would keep the connection open beyond its end.
            cursor.close()
            self._troubles.die()
        return cursor


@contextmanager
def in_danger(troubles: Troubles) -> Iterator[None]:
    """Within this block, ledgers are opened so that their statements are steps."""

    def endangered(place: Place, connection: sqlite3.Connection) -> SqliteDatabase:
        return SqliteDatabase(place, EndangeredConnection(connection, troubles))  # type: ignore[arg-type]

    with mock.patch.object(sqlite, "SqliteDatabase", endangered):
        yield


@contextmanager
def looked_at(path: Path) -> Iterator[StoredLedger]:
    """Look into the file of a ledger that nobody has open, past its lock and without leaving anything beside it."""
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True, isolation_level=None)) as connection:
        yield StoredLedger(SqliteDatabase(Place.of_path(path), connection))


def _disk_full() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error
