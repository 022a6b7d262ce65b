# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The ledger, written down in a database."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.associations import (
    put,
    read_association,
    read_associations,
    read_object_associations,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.credentials import (
    drop_credential,
    drop_ownerless_credentials,
    read_sign_on,
    write_settings,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import Database
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import (
    ForeignLedgerError,
    LedgerError,
    decoding,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.journal import (
    close_row,
    close_run,
    note_latter,
    note_remembered,
    open_row,
    open_run,
    read_done_rows,
    read_last_change,
    read_open_rows,
    read_run,
    read_runs,
    read_undoings,
)
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
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import (
    Integration,
    Ledger,
    RunRecord,
    SavedDirectory,
    SavedRule,
    SavedSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Domain
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.images import AnyImage
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import (
    Done,
    Intent,
    JournalState,
    Resolution,
    differs_in_substance,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    Credential,
    ObjectAssociation,
    RetiredNumber,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxIdentity
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import AnyChange
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on import SignOn
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on_settings import SignOnSettings

_ENDED = frozenset({"succeeded", "failed"})


class StoredLedger(Ledger):
    """A ledger behind an open database; ``open_ledger`` makes one.

    Every method raises a ``LedgerError`` naming the ledger's place when the database cannot be read or written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_together = False
        # As last read, until one changes: the lock keeps all others from writing. A run asks for them at each step.
        self._associations: list[Association] | None = None
        self._object_associations: list[ObjectAssociation] | None = None

    @property
    def location(self) -> str:
        """The place of the ledger, in check mode too."""
        return self._database.place.text

    @contextmanager
    def together(self) -> Iterator[None]:
        """All or nothing of what is written within, durable when it ends."""
        if self._is_together:
            yield
            return
        with self._database.transaction():
            self._is_together = True
            try:
                yield
            except BaseException:
                # What was read within may be undone.
                self._forget_read()
                raise
            finally:
                self._is_together = False

    def _forget_read(self) -> None:
        self._associations = self._object_associations = None

    # --- the integration and its rules ---

    def integration(self) -> Integration | None:
        """Return the saved integration; None before the first connection."""
        with self._decoding():
            rows = self._database.rows(
                "SELECT domain_guid, domain_dn, domain_dns_name, serial_number, model, firmware, settings, status"
                " FROM integration"
            )
            if not rows:
                return None
            guid, dn, dns_name, serial_number, model, firmware, settings, status = rows[0]
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
        with self.together():
            self._refuse_foreign(self.integration(), integration)
            self._database.change("DELETE FROM integration")
            self._database.change(
                "INSERT INTO integration (id, domain_guid, domain_dn, domain_dns_name, serial_number,"
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
            f"{self._database.place} belongs to {name(saved)}, not to {name(new)}.",
            f"Disconnect that integration first, or name another {self._database.place.chooser}.",
        )

    def forget_integration(self) -> None:
        """Forget the integration and all that is saved or remembered of it.

        These are rules, names, schedule, sign-on, associations, the snapshot and the directory. Numbers that rest, runs
        and their journal are kept.
        """
        self._forget_read()
        associated = ("associations", "object_associations")
        remembered = ("rules", "names", "schedule", "sign_on", *associated, "snapshot", "directory")
        with self.together():
            for table in ("integration", "credentials", *remembered):
                self._database.change(f"DELETE FROM {table}")  # noqa: S608 (a name from the lines above)

    def rule(self, kind: str) -> SavedRule | None:
        """Return the saved rule of a kind (a ``RuleKind``), None if never saved."""
        with self._decoding():
            rows = self._database.rows("SELECT settings, enabled, synchronized FROM rules WHERE kind = ?", (kind,))
            return SavedRule(mapping_from_json(rows[0][0]), bool(rows[0][1]), bool(rows[0][2])) if rows else None

    def save_rule(self, kind: str, rule: SavedRule, at: datetime) -> None:
        """Save a rule; ``LedgerError`` if a setting is named like a secret."""
        refuse_secrets(rule.settings)
        with self.together():
            self._database.change("DELETE FROM rules WHERE kind = ?", (kind,))
            self._database.change(
                "INSERT INTO rules (kind, settings, enabled, synchronized, saved_at) VALUES (?, ?, ?, ?, ?)",
                (kind, to_json(rule.settings), int(rule.enabled), int(rule.synchronized), time_to_text(at)),
            )

    def schedule(self) -> Mapping[str, Any] | None:
        """Return the saved settings of the schedule, None if there are none."""
        with self._decoding():
            rows = self._database.rows("SELECT settings FROM schedule")
            return mapping_from_json(rows[0][0]) if rows else None

    def save_schedule(self, settings: Mapping[str, Any] | None, at: datetime) -> None:
        """Save the settings of the schedule, or (None) forget them; ``LedgerError`` if one is named like a secret."""
        refuse_secrets(settings)
        with self.together():
            self._database.change("DELETE FROM schedule")
            if settings is not None:
                self._database.change(
                    "INSERT INTO schedule (id, settings, saved_at) VALUES (1, ?, ?)",
                    (to_json(settings), time_to_text(at)),
                )

    def sign_on(self) -> SignOn:
        """Return what is remembered of the sign-on."""
        with self._decoding():
            return read_sign_on(self._database)

    def save_sign_on(self, settings: SignOnSettings, at: datetime) -> None:
        """Save the settings of the sign-on."""
        with self.together():
            write_settings(self._database, settings, at)

    def forget_credential(self, credential: Credential) -> None:
        """Forget that a sign-on has set an extension's password, unless another sign-on has set it since."""
        with self.together():
            drop_credential(self._database, credential)

    def names(self, kind: str) -> Mapping[str, str]:
        """Return what the names in a rule were found to be: objectGUIDs by the names as they are given."""
        rows = self._database.rows("SELECT name, guid FROM names WHERE rule = ?", (kind,))
        return dict(rows)

    def save_names(self, kind: str, names: Mapping[str, str]) -> None:
        """Remember what the names in a rule were found to be, and forget those that are no longer in it."""
        with self.together():
            self._database.change("DELETE FROM names WHERE rule = ?", (kind,))
            for name, guid in names.items():
                self._database.change(
                    "INSERT INTO names (rule, name, guid) VALUES (?, ?, ?)", (kind, storable(name), guid)
                )

    # --- associations and numbers ---

    def associations(self) -> list[Association]:
        """Return all associations of extensions, in the order of their objectGUIDs."""
        if self._associations is None:
            with self._decoding():
                self._associations = read_associations(self._database)
        return list(self._associations)

    def object_associations(self) -> list[ObjectAssociation]:
        """Return all associations of organizations and extension groups, in the order of kinds and objectGUIDs."""
        if self._object_associations is None:
            with self._decoding():
                self._object_associations = read_object_associations(self._database)
        return list(self._object_associations)

    def save_associations(self, associations: Sequence[AnyAssociation]) -> None:
        """Insert or replace associations by kind and objectGUID, all or none of them.

        :raises LedgerError: if two associations would share a PBX object, or one has none yet (id 0).
        """
        with self.together():
            self._put({association_key(association): association for association in associations})

    def _put(self, associations: Mapping[AssociationKey, AnyAssociation | None]) -> None:
        """Within a transaction: make these the associations of their keys, None for no association."""
        if associations:
            self._forget_read()
        put(self._database, associations)

    def remember(self, run_id: str, associations: Sequence[AnyAssociation], at: datetime) -> None:
        """Save associations amid a run which the PBX needed no write for, all or none of them.

        One that differs in more than what the directory calls its object has a journal row too, which is done.

        :raises LedgerError: if two associations would share a PBX object.
        """
        with self._decoding(), self.together():
            for association in associations:
                former = read_association(self._database, *association_key(association))
                if differs_in_substance(former, association):
                    note_remembered(self._database, run_id, former, association, at)
            self._put({association_key(association): association for association in associations})

    def retired_numbers(self) -> list[RetiredNumber]:
        """Return the numbers that were freed by a deletion or refused by the PBX, newest entry for each number."""
        with self._decoding():
            rows = self._database.rows("SELECT number, guid, since FROM retired_numbers ORDER BY number")
            return [RetiredNumber(number, guid, time_from_text(since)) for number, guid, since in rows]

    def retire_number(self, number: RetiredNumber) -> None:
        """Remember a number that is not to be given for a while."""
        with self.together():
            self._retire(number)

    def _retire(self, number: RetiredNumber) -> None:
        self._database.change(
            "INSERT INTO retired_numbers (number, guid, since) VALUES (?, ?, ?)"
            " ON CONFLICT (number) DO UPDATE SET guid = excluded.guid, since = excluded.since"
            " WHERE excluded.since >= retired_numbers.since",
            (number.number, number.guid, time_to_text(number.since)),
        )

    # --- the snapshot ---

    def snapshot(self) -> SavedSnapshot | None:
        """Return the snapshot that is kept, None if there is none."""
        with self._decoding():
            rows = self._database.rows("SELECT run_id, taken_at, content FROM snapshot")
            return SavedSnapshot(rows[0][0], time_from_text(rows[0][1]), bytes(rows[0][2])) if rows else None

    def save_snapshot(self, snapshot: SavedSnapshot | None) -> None:
        """Keep a snapshot instead of the one before it, or (None) none."""
        with self.together():
            self._database.change("DELETE FROM snapshot")
            if snapshot is not None:
                self._database.change(
                    "INSERT INTO snapshot (id, run_id, taken_at, content) VALUES (1, ?, ?, ?)",
                    (snapshot.run_id, time_to_text(snapshot.taken_at), snapshot.content),
                )

    # --- the directory ---

    def directory(self) -> SavedDirectory | None:
        """Return what is remembered of the directory, None for nothing."""
        with self._decoding():
            rows = self._database.rows("SELECT mark, content FROM directory")
            return SavedDirectory(rows[0][0], bytes(rows[0][1])) if rows else None

    def save_directory(self, saved: SavedDirectory | None) -> None:
        """Remember this of the directory instead of what was remembered before, or (None) nothing."""
        with self.together():
            self._database.change("DELETE FROM directory")
            if saved is not None:
                self._database.change(
                    "INSERT INTO directory (id, mark, content) VALUES (1, ?, ?)", (saved.mark, saved.content)
                )

    def mark_directory(self, mark: str) -> None:
        """Give what is remembered of the directory a later mark: it is as it was."""
        with self.together():
            self._database.change("UPDATE directory SET mark = ?", (mark,))

    # --- runs ---

    def begin_run(self, command: str, kinds: Sequence[str], plan_id: str, at: datetime, undoes: str = "") -> str:
        """Open a run and return its id (a UUID)."""
        run_id = str(uuid.uuid4())
        with self.together():
            open_run(self._database, run_id, command=command, kinds=kinds, plan_id=plan_id, at=at, undoes=undoes)
        return run_id

    def finish_run(self, run_id: str, state: str, summary: Mapping[str, int], error: str, at: datetime) -> None:
        """Close a run as ``succeeded`` or ``failed``."""
        if state not in _ENDED:
            raise ValueError(f"a run does not end as {state}")
        with self.together():
            if not close_run(self._database, run_id, state=state, summary=summary, error=error, at=at):
                raise self._lacks(f"open run {run_id}")

    def runs(self, limit: int) -> list[RunRecord]:
        """Return the latest runs, newest first.

        A run that was killed is shown as it left itself: ``running``, without an end. Nothing closes it later,
        because nobody saw it end. Since the lock lets one run write at a time, a ``running`` run other than the
        reader's own was killed; what it left unfinished is in ``unfinished`` until the next run resolves it.
        """
        with self._decoding():
            return read_runs(self._database, limit)

    def run(self, run_id: str) -> RunRecord | None:
        """Return one run; None if there is none with this id."""
        with self._decoding():
            return read_run(self._database, run_id)

    def last_change(self) -> RunRecord | None:
        """Return the latest run that has done any change and is no undoing of another; None if there is none."""
        with self._decoding():
            return read_last_change(self._database)

    def undoings(self, run_id: str) -> list[RunRecord]:
        """Return the runs that undid, or began to undo, a run; oldest first."""
        with self._decoding():
            return read_undoings(self._database, run_id)

    # --- the journal ---

    def done_changes(self, run_id: str) -> list[Done]:
        """Return what a run has done, in the order in which it was begun."""
        with self._decoding():
            return read_done_rows(self._database, run_id)

    def unfinished(self) -> list[Intent]:
        """Return the journal's rows in state intended or unknown, oldest first."""
        with self._decoding():
            return read_open_rows(self._database)

    def intend(
        self, run_id: str, change: AnyChange, registration_name: str, at: datetime, *, image: AnyImage | None = None
    ) -> int:
        """Write down what is about to be done, before it is done, and what it finds; return the journal row.

        :raises LedgerError: if a field of the change or of the image is named like a secret.
        """
        with self._decoding(), self.together():
            former = read_association(self._database, change.kind.value, change.guid)
            return open_row(self._database, run_id, change, registration_name, at, former=former, image=image)

    def done(self, row: int, association: AnyAssociation | None, retired: RetiredNumber | None, at: datetime) -> None:
        """Close a journal row as done and, in the same transaction, save or (None) drop the association.

        :param association: as the finished change leaves it, with the PBX object's true id.
        :param retired: the number that the change freed, if any.
        :raises LedgerError: if the row is not open.
        """
        with self.together():
            key = self._close(row, JournalState.DONE, "", at)
            note_latter(self._database, row, association)
            self._put({association_key(association) if association else key: association})
            drop_ownerless_credentials(self._database, key)
            if retired is not None:
                self._retire(retired)

    def not_done(self, row: int, state: JournalState, detail: str, at: datetime) -> None:
        """Close a journal row as failed, or mark its outcome unknown; ``LedgerError`` if the row is not open."""
        if state not in {JournalState.FAILED, JournalState.UNKNOWN}:
            raise ValueError(f"a change that is not done is not {state.value}")
        with self.together():
            self._close(row, state, detail, at)

    def resolve(self, resolutions: Sequence[Resolution], at: datetime) -> None:
        """Apply what became of unfinished rows, all or none of it; ``LedgerError`` if one of them is not open."""
        final: dict[AssociationKey, AnyAssociation | None] = {}
        with self.together():
            for resolution in resolutions:
                key = self._close(resolution.intent.id, resolution.state, resolution.detail, at)
                if resolution.state is JournalState.DONE:
                    note_latter(self._database, resolution.intent.id, resolution.save)
                if resolution.drop:
                    final[key] = None
                if resolution.save is not None:
                    final[association_key(resolution.save)] = resolution.save
                if resolution.retired is not None:
                    self._retire(resolution.retired)
            self._put(final)
            for key, association in final.items():
                if association is None:
                    drop_ownerless_credentials(self._database, key)

    def _close(self, row: int, state: JournalState, detail: str, at: datetime) -> AssociationKey:
        """Within a transaction: say what became of an open row, and return whose association it was about."""
        key = close_row(self._database, row, state, detail, at)
        if key is None:
            raise self._lacks(f"open journal row {row}")
        return key

    def _lacks(self, name: str) -> LedgerError:
        return LedgerError(f"{self._database.place} has no {name}.")

    def _decoding(self) -> AbstractContextManager[None]:
        """Around what is read and understood: a record that cannot be is damage."""
        return decoding(self._database.place)
