# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The lock of a ledger in PostgreSQL: an advisory lock, which the server frees with the session that holds it."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LockHolder
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.lock import Lock
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.schema import APPLICATION_ID

if TYPE_CHECKING:
    import psycopg

_HOLDER = """
    SELECT activity.application_name, activity.backend_start
    FROM pg_locks AS lock JOIN pg_stat_activity AS activity USING (pid)
    WHERE lock.locktype = 'advisory' AND lock.mode = 'ExclusiveLock' AND lock.granted
        AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND lock.classid::bigint = %s AND lock.objid::bigint = %s AND lock.objsubid = 1
"""
_NAME_PARTS = 4


class PostgresqlLock(Lock):
    """The lock on a schema, in a session whose application_name says whose it is.

    Advisory locks belong to a database. The upper half of the number tells those of ledgers from other programs', the
    lower half is the schema's OID, by which no two ledgers are ever taken for one.
    """

    def __init__(self, connection: psycopg.Connection, schema_oid: int) -> None:
        self._connection = connection
        self._oid = schema_oid

    def try_exclusive(self) -> bool:
        """Take the lock alone, unless somebody has it; tell whether that was done."""
        return self._ask("SELECT pg_try_advisory_lock(%s)")

    def try_shared(self) -> bool:
        """Share the lock, unless somebody has it alone; tell whether that was done."""
        return self._ask("SELECT pg_try_advisory_lock_shared(%s)")

    def release_shared(self) -> None:
        """Share it no longer."""
        self._ask("SELECT pg_advisory_unlock_shared(%s)")

    def release_exclusive(self) -> None:
        """Have it alone no longer; the end of the session does the same, a little later."""
        self._ask("SELECT pg_advisory_unlock(%s)")

    def holder(self) -> LockHolder | None:
        """Return who has it alone; None if nobody has any more, or it does not say."""
        found = self._connection.execute(_HOLDER, (APPLICATION_ID, self._oid)).fetchone()
        if found is None:
            return None
        name, started = found
        parts = name.split(" ", _NAME_PARTS - 1)
        if len(parts) != _NAME_PARTS or not parts[1].isdecimal():
            return None
        since = started.astimezone(UTC).isoformat(timespec="seconds") if started else "an unknown time"
        return LockHolder(int(parts[1]), parts[2], parts[3], since, parts[0])

    def _ask(self, query: str) -> bool:
        row = self._connection.execute(query, (APPLICATION_ID << 32 | self._oid,)).fetchone()
        return row is not None and row[0]


def session_name(process: LockHolder) -> str:
    """Return the application_name by which a session says whose it is; the server cuts it off after 63 bytes."""
    return f"{process.command} {process.pid} {process.host} {process.user}"
