# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What the ledger asks of the database that keeps it.

The SQL is the same for all of them, with ``?`` for values. It keeps to what SQLite 3.34 knows, the oldest that current
enterprise distributions ship, and what PostgreSQL understands alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import Place


class Database(Protocol):
    """An open database. Every method raises a ``LedgerError`` that names the ledger's place."""

    @property
    def place(self) -> Place:
        """Where the ledger is, as errors name it."""

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""

    def change(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Execute a statement that changes rows and return how many it changed."""

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing of what is executed within, durable when it ends."""

    def version(self) -> int:
        """Return the version of the ledger's schema, 0 where there is nothing yet; changes nothing.

        :raises LedgerDamagedError: if the place holds something else.
        """

    def define(self, statement: str) -> None:
        """Within a transaction: execute a statement of the schema, which is written in SQLite's words."""

    def set_version(self, version: int) -> None:
        """Within a transaction: mark the database as a ledger whose schema has this version."""
