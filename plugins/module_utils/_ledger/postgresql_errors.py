# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What PostgreSQL and its client library say of a ledger, in words for the administrator.

Errors of statements are told apart by SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html). To
connect, the library gives a text alone; what it says decides about the remedy and about nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import (
    LedgerConnectionLostError,
    LedgerDatabaseError,
    LedgerError,
    Place,
    disk_full,
    refused,
)

try:
    import psycopg
except ImportError:
    # The modules tell the administrator what to install before anything here is called.
    psycopg = None  # type: ignore[assignment]

_DISK_FULL = "53100"
_CLASS_DATA = "22"
_CLASS_CONSTRAINT = "23"

_RIGHTS = (
    "Let the role of ledger_url own a schema: GRANT CREATE ON DATABASE … TO …, or CREATE SCHEMA … AUTHORIZATION …; "
    "docs/ledger.md has both in full."
)
# By SQLSTATE: what helps.
_STATEMENT_REMEDIES = {
    "25006": "Connect to the primary server: it is a standby, or the database is set to read only.",
    "40001": "Start the run again, and let no other program work in the ledger's schema.",
    "40P01": "Start the run again, and let no other program work in the ledger's schema.",
    "42501": _RIGHTS,
    "53300": "Wait until there are fewer connections, or raise max_connections or the role's CONNECTION LIMIT.",
    "55P03": "Another session holds a lock on the ledger's tables: end it, then start the run again.",
    "57014": "Raise statement_timeout for the role of ledger_url.",
}
_ANY_STATEMENT_REMEDY = "Look at the server's log, then start the run again."

# By a part of what the client library says when it cannot connect: what helps.
_CONNECTION_REMEDIES = (
    ("no password supplied", "Give the password with ledger_password, PGPASSWORD or a password file."),
    ("password authentication failed", "Check the user in ledger_url and the password in ledger_password."),
    ("not permitted to log in", "Let the role of ledger_url log in: ALTER ROLE … LOGIN."),
    ("permission denied for database", "Let the role of ledger_url connect: GRANT CONNECT ON DATABASE … TO …."),
    ("pg_hba.conf", "Let the role of ledger_url connect from this host, in the server's pg_hba.conf."),
    ("too many connections", _STATEMENT_REMEDIES["53300"]),
    ("too many clients", _STATEMENT_REMEDIES["53300"]),
    ("connection slots", _STATEMENT_REMEDIES["53300"]),
    ("root certificate", "Name the authority that signed the server's certificate with sslrootcert in ledger_url."),
    ("certificate", "Name the authority that signed the server's certificate with sslrootcert, and the server as its "
     "certificate does, in ledger_url."),
    ("does not support SSL", "Set ssl = on at the server, or say in ledger_url with sslmode that TLS is not needed."),
    ("does not exist", "Make the database and the role, or correct ledger_url."),
)  # fmt: skip
_ANY_CONNECTION_REMEDY = (
    "Check host, port, database and user in ledger_url, and that the server runs and lets this host connect."
)


@contextmanager
def connecting(place: Place) -> Iterator[None]:
    """Turn what goes wrong with connecting into a ``LedgerDatabaseError``."""
    try:
        yield
    except psycopg.Error as error:
        detail = _one_line(error)
        remedy = next((remedy for part, remedy in _CONNECTION_REMEDIES if part in detail), _ANY_CONNECTION_REMEDY)
        raise LedgerDatabaseError(f"{place} cannot be reached: {detail}.", remedy) from error


def connection_lost(place: Place, detail: str) -> LedgerConnectionLostError:
    """Return the error for a connection that is no more."""
    return LedgerConnectionLostError(
        f"The connection to the ledger {place.text} ({', '.join(place.options)}) was lost: {detail}.",
        "Run again when the server can be reached; what was begun is then looked at and completed.",
    )


def statement_error(place: Place, error: psycopg.Error) -> LedgerError:
    """Return what the error of a statement means, the connection being well."""
    state, detail = error.sqlstate or "", _one_line(error)
    if state == _DISK_FULL:
        return disk_full(place)
    if state[:2] in {_CLASS_DATA, _CLASS_CONSTRAINT} or isinstance(error, psycopg.DataError):
        return refused(place, detail)
    return LedgerDatabaseError(
        f"{place} cannot be read or written: {detail}.", _STATEMENT_REMEDIES.get(state, _ANY_STATEMENT_REMEDY)
    )


def lost_detail(error: psycopg.Error) -> str:
    """Return the words of an error for a sentence."""
    return _one_line(error)


def _one_line(error: psycopg.Error) -> str:
    """Return the first thing that was said: the details that follow it may show a record's values."""
    return " ".join((error.diag.message_primary or str(error)).split()).rstrip(".")
