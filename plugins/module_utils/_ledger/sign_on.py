# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The ledger as the sign-on gateway uses it: beside a run, without its lock, a moment at a time.

The gateway reads settings and associations and writes credentials, nothing else. Each call opens the ledger and closes
it again, so that a service that runs for months holds nothing that a run, an upgrade or a restored backup trips over.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.associations import read_association
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.credentials import (
    drop_credential,
    find_credential,
    find_user,
    put_credential,
    read_settings,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import Database
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import (
    LedgerFileError,
    LedgerSchemaError,
    Place,
    decoding,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.file_lock import visitor_lock
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.files import resolve
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.location import LedgerLocation
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.schema import MIGRATIONS, check_schema
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite import SqliteDatabase
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite_errors import translated
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.store import StoredLedger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Integration
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Credential, ObjectKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on_settings import SignOnSettings

_PATIENCE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class SignOnState:
    """What the administrator has decided, read at one moment.

    :param integration: None where directory and PBX are not connected.
    :param settings: None where none were ever saved.
    """

    integration: Integration | None
    settings: SignOnSettings | None


class SignOnLedger:
    """A ledger for the sign-on gateway; several threads may use it.

    Every method raises a ``LedgerError`` naming the ledger's place when it cannot be read or written.
    """

    def __init__(self, location: LedgerLocation) -> None:
        self._location = location
        # A process may have a lock of a file but once, so that its threads wait for each other here.
        self._turn = threading.Lock()

    def state(self) -> SignOnState:
        """Return the integration and the settings."""
        with self._opened() as database:
            return SignOnState(StoredLedger(database).integration(), read_settings(database))

    def find(self, name: str) -> str | None:
        """Return the objectGUID of the associated user who signs on by a name, see ``credentials.find_user``."""
        with self._opened() as database:
            return find_user(database, name)

    def association(self, guid: str) -> Association | None:
        """Return the association of a user; None if the user has none."""
        with self._opened() as database:
            found = read_association(database, ObjectKind.EXTENSION.value, guid)
            return found if isinstance(found, Association) else None

    def note_credential(self, credential: Credential) -> Credential | None:
        """Write down that a sign-on is about to set an extension's password. Durable before it is done.

        :return: what was written down of that extension before; None if nothing was.
        """
        with self._opened() as database, database.transaction():
            earlier = find_credential(database, credential.extension_id)
            put_credential(database, credential)
            return earlier

    def forget_credential(self, credential: Credential) -> None:
        """Forget it, unless another sign-on has set the password since."""
        with self._opened() as database, database.transaction():
            drop_credential(database, credential)

    @contextmanager
    def _opened(self) -> Iterator[Database]:
        with self._database() as database:
            _require_schema(database)
            with decoding(database.place):
                yield database

    def _database(self) -> AbstractContextManager[Database]:
        if isinstance(self._location, Path):
            return self._file(self._location)
        # Here and not above: psycopg is needed, and loaded, for such a ledger alone.
        from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import postgresql  # noqa: PLC0415

        return postgresql.visit(self._location, "sign-on gateway")

    @contextmanager
    def _file(self, path: Path) -> Iterator[Database]:
        resolved = resolve(path)
        place = Place.of_path(resolved)
        if not resolved.is_file():
            raise LedgerFileError(
                f"{place} is not there.", "Run pbxops.yeastar.pbx_ad_connection first, or name the ledger that it made."
            )
        with self._turn, visitor_lock(resolved, _PATIENCE_SECONDS):
            with translated(place):
                connection = sqlite3.connect(resolved, isolation_level=None, timeout=_PATIENCE_SECONDS)
            with closing(connection):
                database = SqliteDatabase(place, connection)
                # In WAL mode only FULL makes a transaction survive a power loss (https://www.sqlite.org/pragma.html).
                database.change("PRAGMA synchronous = FULL")
                yield database


def _require_schema(database: Database) -> None:
    """Refuse a ledger of another version: the modules bring it to the newest one, never the gateway."""
    version = check_schema(database)
    if version < len(MIGRATIONS):
        raise LedgerSchemaError(
            f"{database.place} was written by an older version of the collection pbxops.yeastar "
            f"(schema {version}; this one needs {len(MIGRATIONS)}).",
            "Run pbxops.yeastar.pbx_ad_sso once with the version that the gateway has.",
        )
