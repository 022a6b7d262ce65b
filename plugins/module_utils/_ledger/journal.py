# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Runs and the journal of their changes in a ledger's database.

All of it works on a database that the caller opened, in a transaction that the caller begins and ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import Database
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.records import (
    AnyAssociation,
    AssociationKey,
    change_from_json,
    change_to_json,
    former_from_json,
    former_to_json,
    image_from_json,
    image_to_json,
    mapping_from_json,
    storable,
    time_from_text,
    time_to_text,
    to_json,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import RunRecord
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.images import AnyImage
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import (
    REMEMBERED,
    Done,
    Intent,
    JournalState,
    remembering,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import AnyChange


def open_run(
    database: Database, run_id: str, *, command: str, kinds: Sequence[str], plan_id: str, at: datetime, undoes: str
) -> None:
    """Write down that a run has begun.

    :param undoes: id of the run that it undoes; "" for none.
    """
    database.change(
        "INSERT INTO runs (sequence, id, command, kind, plan_id, state, started_at, summary, error, undoes)"
        " VALUES (?, ?, ?, ?, ?, 'running', ?, '{}', '', ?)",
        (_next(database, "runs", "sequence"), run_id, command, " ".join(kinds), plan_id, time_to_text(at), undoes),
    )


def close_run(
    database: Database, run_id: str, *, state: str, summary: Mapping[str, int], error: str, at: datetime
) -> bool:
    """Write down how a run ended; tell whether there is such a run and it was open."""
    changed = database.change(
        "UPDATE runs SET state = ?, summary = ?, error = ?, ended_at = ? WHERE id = ? AND state = 'running'",
        (state, to_json(dict(summary)), storable(error), time_to_text(at), run_id),
    )
    return changed == 1


def read_runs(database: Database, limit: int) -> list[RunRecord]:
    """Return the latest runs, newest first."""
    return _runs(database, "ORDER BY sequence DESC LIMIT ?", max(limit, 0))


def read_run(database: Database, run_id: str) -> RunRecord | None:
    """Return one run; None if there is none with this id."""
    return next(iter(_runs(database, "WHERE id = ?", run_id)), None)


def read_last_change(database: Database) -> RunRecord | None:
    """Return the latest run that has done any change and is no undoing of another; None if there is none."""
    done = "SELECT 1 FROM journal WHERE run_id = runs.id AND state = 'done' AND detail <> ?"
    clause = f"WHERE undoes = '' AND EXISTS ({done}) ORDER BY sequence DESC LIMIT 1"
    return next(iter(_runs(database, clause, REMEMBERED)), None)


def read_undoings(database: Database, run_id: str) -> list[RunRecord]:
    """Return the runs that undid, or began to undo, a run; oldest first."""
    return _runs(database, "WHERE undoes = ? ORDER BY sequence", run_id)


def _runs(database: Database, clause: str, value: str | int) -> list[RunRecord]:
    """Return the runs that a clause of ours, with one value in it, tells."""
    rows = database.rows(
        "SELECT id, command, kind, plan_id, state, started_at, ended_at, summary, error, undoes"  # noqa: S608
        f" FROM runs {clause}",
        (value,),
    )
    return [
        RunRecord(
            id=run_id,
            command=command,
            kinds=tuple(kind.split()),
            plan_id=plan_id,
            state=state,
            started_at=time_from_text(started_at),
            ended_at=time_from_text(ended_at) if ended_at else None,
            summary=mapping_from_json(summary),
            error=error,
            undoes=undoes,
        )
        for run_id, command, kind, plan_id, state, started_at, ended_at, summary, error, undoes in rows
    ]


def open_row(
    database: Database,
    run_id: str,
    change: AnyChange,
    registration_name: str,
    at: datetime,
    *,
    former: AnyAssociation | None,
    image: AnyImage | None,
) -> int:
    """Write down what is about to be done and return the journal row.

    :param former: the association as it is.
    :raises LedgerError: if a field of the change is named like a secret.
    """
    row = _next(database, "journal", "id")
    database.change(
        "INSERT INTO journal"
        " (id, run_id, kind, guid, change, registration_name, state, detail, intended_at, former, image)"
        " VALUES (?, ?, ?, ?, ?, ?, 'intended', '', ?, ?, ?)",
        (
            *(row, run_id, change.kind.value, change.guid, change_to_json(change), registration_name),
            *(time_to_text(at), former_to_json(former), image_to_json(image)),
        ),
    )
    return row


def note_latter(database: Database, row: int, association: AnyAssociation | None) -> None:
    """Write down what a change that is done has made of the association."""
    database.change("UPDATE journal SET latter = ? WHERE id = ?", (former_to_json(association), row))


def note_remembered(
    database: Database, run_id: str, former: AnyAssociation | None, association: AnyAssociation, at: datetime
) -> None:
    """Write down that an association is saved anew, which the PBX needs no write for."""
    row = open_row(database, run_id, remembering(association), "", at, former=former, image=None)
    close_row(database, row, JournalState.DONE, REMEMBERED, at)
    note_latter(database, row, association)


def read_done_rows(database: Database, run_id: str) -> list[Done]:
    """Return what a run has done, in the order in which it was begun."""
    rows = database.rows(
        "SELECT id, run_id, change, former, latter, image FROM journal WHERE run_id = ? AND state = ? ORDER BY id",
        (run_id, JournalState.DONE.value),
    )
    return [
        Done(
            id=row,
            run_id=run_id,
            change=change_from_json(change),
            former=former_from_json(former),
            latter=former_from_json(latter),
            image=image_from_json(image),
            is_complete=bool(former and latter and image),
        )
        for row, run_id, change, former, latter, image in rows
    ]


def close_row(database: Database, row: int, state: JournalState, detail: str, at: datetime) -> AssociationKey | None:
    """Write down what became of a row; return whose association it was about, None if the row is not open."""
    changed = database.change(
        "UPDATE journal SET state = ?, detail = ?, outcome_at = ? WHERE id = ? AND state IN ('intended', 'unknown')",
        (state.value, storable(detail), time_to_text(at), row),
    )
    if changed != 1:
        return None
    ((kind, guid),) = database.rows("SELECT kind, guid FROM journal WHERE id = ?", (row,))
    return kind, guid


def read_open_rows(database: Database) -> list[Intent]:
    """Return the rows in state intended or unknown, oldest first."""
    rows = database.rows(
        "SELECT id, run_id, change, registration_name FROM journal WHERE state IN ('intended', 'unknown') ORDER BY id"
    )
    return [
        Intent(row, run_id, change_from_json(change), registration_name)
        for row, run_id, change, registration_name in rows
    ]


def _next(database: Database, table: str, column: str) -> int:
    """Return the number of the next row. The lock lets one run write at a time, and no row is ever deleted."""
    ((highest,),) = database.rows(f"SELECT coalesce(max({column}), 0) FROM {table}")  # noqa: S608 (both of them ours)
    return int(highest) + 1
