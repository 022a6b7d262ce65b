# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The ledger as one SQLite file."""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.associations import (
    put,
    read_associations,
    read_object_associations,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import (
    ForeignLedgerError,
    LedgerError,
    LedgerFileError,
    decoding,
    translated,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.files import (
    copy_to_memory,
    make_file,
    make_folder,
    resolve,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.journal import (
    close_row,
    close_run,
    open_row,
    open_run,
    read_open_rows,
    read_runs,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.lock import exclusive_lock
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.records import (
    AnyAssociation,
    AssociationKey,
    association_key,
    mapping_from_json,
    refuse_secrets,
    storable,
    time_from_text,
    time_to_text,
    to_json,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.schema import (
    check_schema,
    migrate,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import (
    Integration,
    Ledger,
    RunRecord,
    SavedRule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Domain
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Intent, JournalState, Resolution
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    RetiredNumber,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxIdentity
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import AnyChange

_ENDED = frozenset({"succeeded", "failed"})


class SqliteLedger(Ledger):
    """A ledger behind an open connection; ``open_ledger`` makes one.

    The connection is in autocommit mode, so that a transaction begins and ends where it says so here. Every method
    raises a ``LedgerError`` naming the ledger's path when the file cannot be read or written.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection

    @property
    def location(self) -> str:
        """The path of the ledger, in check mode too."""
        return str(self._path)

    # --- the integration and its rules ---

    def integration(self) -> Integration | None:
        """Return the saved integration; None before the first connection."""
        with self._reading():
            row = self._connection.execute(
                "SELECT domain_guid, domain_dn, domain_dns_name, serial_number, model, firmware, settings, status"
                " FROM integration"
            ).fetchone()
            if row is None:
                return None
            guid, dn, dns_name, serial_number, model, firmware, settings, status = row
            return Integration(
                domain=Domain(guid, dn, dns_name),
                pbx=PbxIdentity(serial_number, model, firmware),
                settings=mapping_from_json(settings),
                status=status,
            )

    def save_integration(self, integration: Integration, at: datetime) -> None:
        """Save the integration; a new firmware or a renamed domain is still the same one.

        :raises ForeignLedgerError: if the ledger belongs to another PBX (serial number) or domain (objectGUID).
        :raises LedgerError: if a setting is named like a secret.
        """
        refuse_secrets(integration.settings)
        domain, pbx = integration.domain, integration.pbx
        with self._transaction():
            self._refuse_foreign(self.integration(), integration)
            self._connection.execute(
                "INSERT OR REPLACE INTO integration (id, domain_guid, domain_dn, domain_dns_name, serial_number,"
                " model, firmware, settings, status, saved_at) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    domain.guid,
                    domain.dn,
                    domain.dns_name,
                    pbx.serial_number,
                    pbx.model,
                    pbx.firmware,
                    to_json(integration.settings),
                    integration.status,
                    time_to_text(at),
                ),
            )

    def _refuse_foreign(self, saved: Integration | None, new: Integration) -> None:
        if saved is None:
            return
        if (saved.pbx.serial_number, saved.domain.guid) == (new.pbx.serial_number, new.domain.guid):
            return

        def name(integration: Integration) -> str:
            pbx, domain = integration.pbx, integration.domain
            return f"the PBX {pbx.serial_number} and the domain {domain.dns_name} ({domain.guid})"

        raise ForeignLedgerError(
            f"The ledger {self._path} (ledger_path) belongs to {name(saved)}, not to {name(new)}.",
            "Disconnect that integration first, or name another ledger_path.",
        )

    def forget_integration(self) -> None:
        """Forget the integration and all that is saved or remembered of it: rules, names, schedule, associations.

        Numbers that rest, runs and their journal are kept.
        """
        with self._transaction():
            for table in ("integration", "rules", "names", "schedule", "associations", "object_associations"):
                self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 (a name from the line above)

    def rule(self, kind: str) -> SavedRule | None:
        """Return the saved rule of a kind (a ``RuleKind``), None if never saved."""
        with self._reading():
            row = self._connection.execute(
                "SELECT settings, enabled, synchronized FROM rules WHERE kind = ?", (kind,)
            ).fetchone()
            return SavedRule(mapping_from_json(row[0]), bool(row[1]), bool(row[2])) if row else None

    def save_rule(self, kind: str, rule: SavedRule, at: datetime) -> None:
        """Save a rule; ``LedgerError`` if a setting is named like a secret."""
        refuse_secrets(rule.settings)
        with self._transaction():
            self._connection.execute(
                "INSERT OR REPLACE INTO rules (kind, settings, enabled, synchronized, saved_at) VALUES (?, ?, ?, ?, ?)",
                (kind, to_json(rule.settings), int(rule.enabled), int(rule.synchronized), time_to_text(at)),
            )

    def schedule(self) -> Mapping[str, Any] | None:
        """Return the saved settings of the schedule, None if there are none."""
        with self._reading():
            row = self._connection.execute("SELECT settings FROM schedule").fetchone()
            return mapping_from_json(row[0]) if row else None

    def save_schedule(self, settings: Mapping[str, Any] | None, at: datetime) -> None:
        """Save the settings of the schedule, or (None) forget them; ``LedgerError`` if one is named like a secret."""
        refuse_secrets(settings)
        with self._transaction():
            self._connection.execute("DELETE FROM schedule")
            if settings is not None:
                self._connection.execute(
                    "INSERT INTO schedule (id, settings, saved_at) VALUES (1, ?, ?)",
                    (to_json(settings), time_to_text(at)),
                )

    def names(self, kind: str) -> Mapping[str, str]:
        """Return what the names in a rule were found to be: objectGUIDs by the names as they are given."""
        with self._reading():
            return dict(self._connection.execute("SELECT name, guid FROM names WHERE rule = ?", (kind,)).fetchall())

    def save_names(self, kind: str, names: Mapping[str, str]) -> None:
        """Remember what the names in a rule were found to be, and forget those that are no longer in it."""
        with self._transaction():
            self._connection.execute("DELETE FROM names WHERE rule = ?", (kind,))
            self._connection.executemany(
                "INSERT INTO names (rule, name, guid) VALUES (?, ?, ?)",
                [(kind, storable(name), guid) for name, guid in names.items()],
            )

    # --- associations and numbers ---

    def associations(self) -> list[Association]:
        """Return all associations of extensions, in the order of their objectGUIDs."""
        with self._reading():
            return read_associations(self._connection)

    def object_associations(self) -> list[ObjectAssociation]:
        """Return all associations of organizations and extension groups, in the order of kinds and objectGUIDs."""
        with self._reading():
            return read_object_associations(self._connection)

    def save_associations(self, associations: Sequence[AnyAssociation]) -> None:
        """Insert or replace associations by kind and objectGUID, all or none of them.

        :raises LedgerError: if two associations would share a PBX object, or one has none yet (id 0).
        """
        with self._transaction():
            put(self._connection, {association_key(association): association for association in associations})

    def retired_numbers(self) -> list[RetiredNumber]:
        """Return the numbers that were freed by a deletion or refused by the PBX, newest entry for each number."""
        with self._reading():
            rows = self._connection.execute("SELECT number, guid, since FROM retired_numbers ORDER BY number")
            return [RetiredNumber(number, guid, time_from_text(since)) for number, guid, since in rows]

    def retire_number(self, number: RetiredNumber) -> None:
        """Remember a number that is not to be given for a while."""
        with self._transaction():
            self._retire(number)

    def _retire(self, number: RetiredNumber) -> None:
        self._connection.execute(
            "INSERT INTO retired_numbers (number, guid, since) VALUES (?, ?, ?)"
            " ON CONFLICT (number) DO UPDATE SET guid = excluded.guid, since = excluded.since"
            " WHERE excluded.since >= retired_numbers.since",
            (number.number, number.guid, time_to_text(number.since)),
        )

    # --- runs ---

    def begin_run(self, command: str, kinds: Sequence[str], plan_id: str, at: datetime) -> str:
        """Open a run and return its id (a UUID)."""
        run_id = str(uuid.uuid4())
        with self._transaction():
            open_run(self._connection, run_id, command=command, kinds=kinds, plan_id=plan_id, at=at)
        return run_id

    def finish_run(self, run_id: str, state: str, summary: Mapping[str, int], error: str, at: datetime) -> None:
        """Close a run as ``succeeded`` or ``failed``."""
        if state not in _ENDED:
            raise ValueError(f"a run does not end as {state}")
        with self._transaction():
            if not close_run(self._connection, run_id, state=state, summary=summary, error=error, at=at):
                raise self._lacks(f"open run {run_id}")

    def runs(self, limit: int) -> list[RunRecord]:
        """Return the latest runs, newest first.

        A run that was killed is shown as it left itself: ``running``, without an end. Nothing closes it later,
        because nobody saw it end. Since the lock lets one run write at a time, a ``running`` run other than the
        reader's own was killed; what it left unfinished is in ``unfinished`` until the next run resolves it.
        """
        with self._reading():
            return read_runs(self._connection, limit)

    # --- the journal ---

    def unfinished(self) -> list[Intent]:
        """Return the journal's rows in state intended or unknown, oldest first."""
        with self._reading():
            return read_open_rows(self._connection)

    def intend(self, run_id: str, change: AnyChange, registration_name: str, at: datetime) -> int:
        """Write down what is about to be done, before it is done; return the journal row.

        :raises LedgerError: if a field of the change is named like a secret.
        """
        with self._transaction():
            return open_row(self._connection, run_id, change, registration_name, at)

    def done(self, row: int, association: AnyAssociation | None, retired: RetiredNumber | None, at: datetime) -> None:
        """Close a journal row as done and, in the same transaction, save or (None) drop the association.

        :param association: as the finished change leaves it, with the PBX object's true id.
        :param retired: the number that the change freed, if any.
        :raises LedgerError: if the row is not open.
        """
        with self._transaction():
            key = self._close(row, JournalState.DONE, "", at)
            put(self._connection, {association_key(association) if association else key: association})
            if retired is not None:
                self._retire(retired)

    def not_done(self, row: int, state: JournalState, detail: str, at: datetime) -> None:
        """Close a journal row as failed, or mark its outcome unknown; ``LedgerError`` if the row is not open."""
        if state not in {JournalState.FAILED, JournalState.UNKNOWN}:
            raise ValueError(f"a change that is not done is not {state.value}")
        with self._transaction():
            self._close(row, state, detail, at)

    def resolve(self, resolutions: Sequence[Resolution], at: datetime) -> None:
        """Apply what became of unfinished rows, all or none of it; ``LedgerError`` if one of them is not open."""
        final: dict[AssociationKey, AnyAssociation | None] = {}
        with self._transaction():
            for resolution in resolutions:
                key = self._close(resolution.intent.id, resolution.state, resolution.detail, at)
                if resolution.drop:
                    final[key] = None
                if resolution.save is not None:
                    final[association_key(resolution.save)] = resolution.save
                if resolution.retired is not None:
                    self._retire(resolution.retired)
            put(self._connection, final)

    def _close(self, row: int, state: JournalState, detail: str, at: datetime) -> AssociationKey:
        """Within a transaction: say what became of an open row, and return whose association it was about."""
        key = close_row(self._connection, row, state, detail, at)
        if key is None:
            raise self._lacks(f"open journal row {row}")
        return key

    # --- SQLite ---

    def _lacks(self, name: str) -> LedgerError:
        return LedgerError(f"The ledger {self._path} (ledger_path) has no {name}.")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Around what is read and understood: a record that cannot be is damage."""
        with translated(self._path), decoding(self._path):
            yield

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing of what is executed within; on the disk when it ends."""
        with translated(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


@contextmanager
def open_ledger(path: str | os.PathLike[str], *, read_write: bool, command: str) -> Iterator[SqliteLedger]:
    """Open the ledger of a path for the length of a ``with`` block.

    :param path: the file; ``~`` is the home directory.
    :param read_write: whether to work on the file itself: it is made (0600, its folders 0700) where there is none,
        locked until the block ends, and brought to the newest schema. Otherwise the block works on a copy in memory,
        free to write to it, and nothing at all is written at the ledger's place; an absent ledger is an empty one.
    :param command: what the process is doing, e.g. the module's name, to be told to whoever finds the lock taken.
    :raises LedgerLockedError: if another run is writing, whatever ``read_write`` is.
    :raises LedgerSchemaError: if a newer version of the collection wrote it.
    :raises LedgerFileError: if it cannot be opened, read or written, or is no ledger.
    """
    resolved = resolve(path)
    if not read_write:
        with closing(copy_to_memory(resolved)) as connection:
            with translated(resolved):
                _prepare(connection, check_schema(connection, resolved))
            yield SqliteLedger(resolved, connection)
        return
    make_folder(resolved)
    with exclusive_lock(resolved, command), closing(_connect(resolved)) as connection:
        yield SqliteLedger(resolved, connection)


def _connect(path: Path) -> sqlite3.Connection:
    make_file(path)
    with translated(path):
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            # Looked at before anything is written, lest another program's database be changed.
            version = check_schema(connection, path)
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise LedgerFileError(
                    f"The ledger {path} (ledger_path) is on a file system without write-ahead logging.",
                    "Name a file on a local disk with ledger_path.",
                )
            # In WAL mode only FULL makes a transaction survive a power loss (https://www.sqlite.org/pragma.html).
            connection.execute("PRAGMA synchronous = FULL")
            _prepare(connection, version)
        except BaseException:
            connection.close()
            raise
    return connection


def _prepare(connection: sqlite3.Connection, version: int) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    migrate(connection, version)
