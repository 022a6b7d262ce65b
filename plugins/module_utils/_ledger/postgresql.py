# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The ledger in a PostgreSQL database, in a schema of its own."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache
from typing import Any, NoReturn

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import Database
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import (
    LedgerDatabaseError,
    Place,
    damaged,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.lock import (
    take_exclusive,
    take_shared,
    this_process,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.postgresql_address import (
    PostgresqlAddress,
    connection_parameters,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.postgresql_errors import (
    connecting,
    connection_lost,
    lost_detail,
    statement_error,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.postgresql_lock import (
    PostgresqlLock,
    session_name,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.schema import (
    APPLICATION_ID,
    check_schema,
    migrate,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite import SqliteDatabase
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.store import StoredLedger

try:
    import psycopg
    from psycopg import conninfo, sql
except ImportError:
    # The modules tell the administrator what to install before anything here is called.
    psycopg = None  # type: ignore[assignment]

_APPLICATION = "pbxops.yeastar"
_VERSION_TABLE = "ledger_schema"

# A session that the server has lost sight of must free its lock soon, one that only reads both sides for long must
# live, and a statement must not wait for ever for somebody's lock. Where the server does not know one, it goes without.
_SESSION_SETTINGS = {
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "60000",
    "client_connection_check_interval": "1000",
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": "30000",
}
_SET = "SELECT set_config(name, %s, false) FROM pg_settings WHERE name = %s"
# Only off would let a transaction that was answered for be lost.
_SET_DURABLE = (
    "SELECT set_config(name, 'on', false) FROM pg_settings WHERE name = 'synchronous_commit' AND setting = 'off'"
)


class PostgresqlDatabase(Database):
    """A schema behind an open session of PostgreSQL's.

    The connection is in autocommit mode, so that a transaction begins and ends where it says so here. It is never made
    anew: with it the lock would be lost, and with the lock the right to write.
    """

    def __init__(self, address: PostgresqlAddress, connection: psycopg.Connection) -> None:
        self._place = address.place
        self._name = address.name
        self._connection = connection
        self._lost = ""
        # Asked of the server: a pooler may say otherwise when it is connected to.
        self._process = self.rows("SELECT pg_backend_pid()")[0]

    @property
    def place(self) -> Place:
        """Where the ledger is, as errors name it."""
        return self._place

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        return self._execute(_in_own_words(statement), values).fetchall()

    def change(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Execute a statement that changes rows and return how many it changed."""
        return self._execute(_in_own_words(statement), values).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is executed within; committed when it ends.

        :raises LedgerDatabaseError: if another session of the server answers than the one that holds the lock.
        """
        try:
            self._begin()
            yield
            self._execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Within this block all is read as it was at one moment, and nothing can be written."""
        self._execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        try:
            yield
        finally:
            self._roll_back()

    def version(self) -> int:
        """Return the version of the ledger's schema, 0 where there is nothing yet; changes nothing.

        :raises LedgerDamagedError: if it is the schema of another program.
        """
        tables = {
            name
            for (name,) in self.rows(
                "SELECT relname FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = ?)",
                (self._name,),
            )
        }
        if not tables:
            return 0
        marks = self.rows(f"SELECT application, version FROM {_VERSION_TABLE}") if _VERSION_TABLE in tables else []  # noqa: S608
        if len(marks) != 1 or marks[0][0] != _APPLICATION:
            raise damaged(self._place, "it is a schema of another program")
        return int(marks[0][1])

    def define(self, statement: str) -> None:
        """Within a transaction: execute a statement of the schema, which is written in SQLite's words."""
        self.change(_defined(statement))

    def set_version(self, version: int) -> None:
        """Within a transaction: mark the schema as a ledger's, of this version."""
        if version == 1:
            self.define(f"CREATE TABLE {_VERSION_TABLE} (application TEXT NOT NULL, version INTEGER NOT NULL)")
        self.change(f"DELETE FROM {_VERSION_TABLE}")  # noqa: S608 (a constant)
        self.change(f"INSERT INTO {_VERSION_TABLE} VALUES (?, ?)", (_APPLICATION, version))  # noqa: S608 (a constant)

    def find_schema(self) -> int | None:
        """Return the OID of the ledger's schema; None where there is none."""
        found = self.rows("SELECT oid::bigint FROM pg_namespace WHERE nspname = ?", (self._name,))
        return found[0][0] if found else None

    def make_schema(self) -> int:
        """Return the OID of the ledger's schema, which is made where there is none."""
        present = self.find_schema()
        if present is not None:
            return present
        with self.transaction():
            # Of two that make it at once, one waits and then finds it made. No schema has the OID 0.
            self.rows("SELECT pg_advisory_xact_lock(?)", (APPLICATION_ID << 32,))
            self._execute(
                sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(self._name)).as_string(self._connection)
            )
        made = self.find_schema()
        if made is None:
            raise LedgerDatabaseError(f"{self._place} was dropped while it was made.", "Start the run again.")
        return made

    def lock(self, schema_oid: int) -> PostgresqlLock:
        """Return the lock of the ledger's schema."""
        return PostgresqlLock(self._connection, schema_oid)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn what the client library raises into a ``LedgerError``."""
        try:
            yield
        except psycopg.Error as error:
            self._raise(error)

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> psycopg.Cursor:
        with self.translated():
            # All statements are the collection's own; as bytes because the library wants texts to be literals.
            return self._connection.execute(statement.encode(), values or None)

    def _begin(self) -> None:
        """Begin a transaction, and in the same breath ask which of the server's processes has begun it."""
        with self.translated():
            # Two statements at once cannot be prepared.
            cursor = self._connection.execute("BEGIN; SELECT pg_backend_pid()", prepare=False)
            cursor.nextset()
            answered = cursor.fetchone()
        if answered != self._process:
            raise LedgerDatabaseError(
                f"{self._place} is reached through a pooler that changes the session between two transactions, so that "
                "no lock can be kept.",
                "Connect to the server itself, or let the pooler work by session.",
            )

    def _roll_back(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except psycopg.Error as error:
            # Interrupted amid a statement, or lost: the server rolls back what is left, and frees the lock.
            self._lost = self._lost or lost_detail(error)
            self._connection.close()

    def _raise(self, error: psycopg.Error) -> NoReturn:
        if not self._connection.closed:
            raise statement_error(self._place, error) from error
        self._lost = self._lost or lost_detail(error)
        raise connection_lost(self._place, self._lost) from error


@cache
def _in_own_words(statement: str) -> str:
    return statement.replace("?", "%s")


def _defined(statement: str) -> str:
    """Say a statement of the schema in PostgreSQL's words.

    Numbers are as long as SQLite's, texts are compared byte by byte as there, and rows are numbered by whoever inserts
    them.
    """
    without = statement.replace(" AUTOINCREMENT", "")
    for word, own in (("TEXT", 'TEXT COLLATE "C"'), ("INTEGER", "BIGINT"), ("BLOB", "BYTEA")):
        without = re.sub(rf"\b{word}\b", own, without)
    return without


@contextmanager
def open_ledger(address: PostgresqlAddress, *, read_write: bool, command: str) -> Iterator[StoredLedger]:
    """Open a ledger for the length of a ``with`` block.

    :param read_write: whether to work in the database itself: the schema is made where there is none, locked until the
        block ends, and brought to the newest version. Otherwise the block works on a copy in memory, free to write to
        it, and nothing at all is written to the database; an absent schema is an empty ledger.
    :param command: what the process is doing, e.g. the module's name, to be told to whoever finds the lock taken.
    :raises LedgerLockedError: if another run is writing, whatever ``read_write`` is.
    :raises LedgerSchemaError: if a newer version of the collection wrote it.
    :raises LedgerDamagedError: if the schema is another program's.
    :raises LedgerDatabaseError: if the database cannot be reached, read or written.
    """
    if not read_write:
        with closing(_copy_to_memory(address, command)) as connection:
            copy = SqliteDatabase(address.place, connection)
            copy.prepare(check_schema(copy))
            yield StoredLedger(copy)
        return
    with _connected(address, command) as database:
        lock = database.lock(database.make_schema())
        with database.translated():
            take_exclusive(lock, address.place)
        try:
            migrate(database, check_schema(database))
            yield StoredLedger(database)
        finally:
            # The server takes its time to notice that a connection was closed, and the next run may begin at once.
            with suppress(psycopg.Error):
                lock.release_exclusive()


@contextmanager
def visit(address: PostgresqlAddress, command: str) -> Iterator[PostgresqlDatabase]:
    """Open the database of a ledger for a moment, beside any run and without its lock.

    :param command: what the process is doing, to be told to whoever looks at the server's sessions.
    :raises LedgerDatabaseError: if the database cannot be reached, or has no such ledger.
    """
    with _connected(address, command) as database:
        if database.find_schema() is None:
            raise LedgerDatabaseError(
                f"{database.place} is not there.",
                "Run pbxops.yeastar.pbx_ad_connection first, or name the ledger that it made.",
            )
        yield database


@contextmanager
def _connected(address: PostgresqlAddress, command: str) -> Iterator[PostgresqlDatabase]:
    with connecting(address.place):
        given = {name: str(value) for name, value in conninfo.conninfo_to_dict(address.url).items()}
        parameters = {
            **connection_parameters(given, os.environ),
            **({"password": address.password} if address.password else {}),
            "application_name": session_name(this_process(command)),
            "client_encoding": "utf8",
        }
        connection = psycopg.connect(autocommit=True, **parameters)  # type: ignore[arg-type]
    with closing(connection):
        database = PostgresqlDatabase(address, connection)
        _prepare_session(database, address.name)
        yield database


def _prepare_session(database: PostgresqlDatabase, schema: str) -> None:
    ((encoding,),) = database.rows("SELECT current_setting('server_encoding')")
    if encoding != "UTF8":
        raise LedgerDatabaseError(
            f"{database.place} is in a database whose encoding is {encoding}, which cannot hold every name.",
            "Make a database with the encoding UTF8.",
        )
    for name, value in _SESSION_SETTINGS.items():
        database.rows(_SET, (value, name))
    database.rows(_SET_DURABLE)
    database.rows("SELECT set_config('search_path', quote_ident(?), false)", (schema,))


def _copy_to_memory(address: PostgresqlAddress, command: str) -> sqlite3.Connection:
    """Return a copy in memory, with all that was committed; empty where there is no ledger.

    :raises LedgerLockedError: if a run is writing.
    """
    memory = sqlite3.connect(":memory:", isolation_level=None)
    try:
        with _connected(address, command) as database:
            schema_oid = database.find_schema()
            if schema_oid is not None:
                with database.translated():
                    take_shared(database.lock(schema_oid), address.place)
                with database.snapshot():
                    _copy(database, SqliteDatabase(address.place, memory))
    except BaseException:
        memory.close()
        raise
    return memory


def _copy(source: PostgresqlDatabase, copy: SqliteDatabase) -> None:
    """Copy every row of a ledger into an empty one, whose schema gets the same version."""
    migrate(copy, 0, to=check_schema(source))
    # In the order in which they were made: a table comes after those that it refers to.
    tables = copy.rows(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
    )
    with copy.transaction():
        for (table,) in tables:
            columns = [column for (column,) in copy.rows(f"SELECT name FROM pragma_table_info('{table}')")]  # noqa: S608
            listed, marks = ", ".join(columns), ", ".join("?" for _unused in columns)
            for row in source.rows(f"SELECT {listed} FROM {table}"):  # noqa: S608 (names of the schema's own)
                copy.change(f"INSERT INTO {table} ({listed}) VALUES ({marks})", row)  # noqa: S608 (names of the schema's own)
