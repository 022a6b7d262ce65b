# SPDX-License-Identifier: GPL-3.0-or-later
"""The places that a ledger can be kept in, as tests see them: to open it, and to look at it from beside."""

from __future__ import annotations

import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import schema
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import Database
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import Place
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.location import LedgerLocation
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.opening import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.postgresql import PostgresqlDatabase
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.postgresql_address import (
    PostgresqlAddress,
    postgresql_address,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite import SqliteDatabase
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.store import StoredLedger
from psycopg import sql

from lab.postgresql import PostgresqlServer, Role

DATABASE = "ledgers"


class Store(ABC):
    """Somewhere that one ledger is kept."""

    chooser: str
    """The option by which another ledger is chosen."""

    @property
    @abstractmethod
    def location(self) -> LedgerLocation:
        """What opens the ledger."""

    @property
    @abstractmethod
    def text(self) -> str:
        """How the ledger names its place."""

    @abstractmethod
    def beside(self) -> AbstractContextManager[Database]:
        """The database as another process sees it, without the ledger's lock; each statement is a transaction."""

    @abstractmethod
    def columns(self, table: str) -> list[str]:
        """The names of a table's columns."""

    @abstractmethod
    def traces(self) -> Any:
        """All that a writer would change."""

    def open(self, *, read_write: bool = True, command: str = "test") -> AbstractContextManager[StoredLedger]:
        """Open the ledger."""
        return open_ledger(self.location, read_write=read_write, command=command)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Read what is kept."""
        with self.beside() as database:
            return database.rows(query)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Change what is kept, as somebody would who knows the database."""
        with self.beside() as database:
            database.change(statement, values)

    def version(self) -> int:
        """The version of the schema."""
        with self.beside() as database:
            return database.version()


class SqliteStore(Store):
    """A ledger in a file."""

    chooser = "ledger_path"

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def location(self) -> Path:
        return self.path

    @property
    def text(self) -> str:
        return str(self.path)

    @contextmanager
    def beside(self) -> Iterator[Database]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            yield SqliteDatabase(Place.of_path(self.path), connection)

    def columns(self, table: str) -> list[str]:
        with self.beside() as database:
            return [name for (name,) in database.rows("SELECT name FROM pragma_table_info(?)", (table,))]

    def traces(self) -> Any:
        folder = self.path.parent
        if not folder.exists():
            return None
        return {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.iterdir()}


class PostgresqlStore(Store):
    """A ledger in a database of a running server."""

    chooser = "ledger_name"

    def __init__(self, server: PostgresqlServer, role: Role, name: str) -> None:
        self.server = server
        self.role = role
        self.name = name

    @property
    def location(self) -> PostgresqlAddress:
        return postgresql_address(self.server.url(self.role, DATABASE), self.name, self.role.password)

    @property
    def text(self) -> str:
        return f"postgresql://{self.role.name}@{self.server.address}:{self.server.port}/{DATABASE} schema {self.name}"

    @contextmanager
    def beside(self) -> Iterator[PostgresqlDatabase]:
        with self.server.administer(DATABASE) as connection:
            role, schema_name = sql.Identifier(self.role.name), sql.Identifier(self.name)
            connection.execute(sql.SQL("SET ROLE {}").format(role))
            connection.execute(sql.SQL("SET search_path TO {}").format(schema_name))
            yield PostgresqlDatabase(self.location, connection)

    def columns(self, table: str) -> list[str]:
        query = "SELECT column_name FROM information_schema.columns WHERE table_schema = ? AND table_name = ?"
        with self.beside() as database:
            return [name for (name,) in database.rows(query, (self.name, table))]

    def wait_until_alone(self) -> None:
        """Return once the server has taken notice that all who worked with the ledger are gone."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE usename = ?"
        deadline = time.monotonic() + 10
        with self.beside() as database:
            while database.rows(query, (self.role.name,)) != [(0,)]:
                assert time.monotonic() < deadline
                time.sleep(0.005)

    def traces(self) -> Any:
        """Every row of the ledger with the transaction that wrote it, and all that there is in the database."""
        with self.beside() as database:
            objects = database.rows(
                "SELECT nspname, relname, class.xmin::text FROM pg_namespace AS namespace"
                " LEFT JOIN pg_class AS class ON relnamespace = namespace.oid"
                " WHERE nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema') ORDER BY 1, 2"
            )
            tables = database.rows("SELECT tablename FROM pg_tables WHERE schemaname = ?", (self.name,))
            rows = [database.rows(f"SELECT xmin::text, * FROM {table} ORDER BY 1, 2") for (table,) in tables]  # noqa: S608
        return objects, tables, rows


def define(store: Store, version: int) -> None:
    """Make an empty ledger as a version of the schema had it."""
    if isinstance(store, PostgresqlStore):
        with store.server.administer(DATABASE) as connection:
            names = sql.Identifier(store.name), sql.Identifier(store.role.name)
            connection.execute(sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(*names))
    if isinstance(store, SqliteStore):
        store.path.parent.mkdir()
    with store.beside() as database:
        schema.migrate(database, 0, to=version)
