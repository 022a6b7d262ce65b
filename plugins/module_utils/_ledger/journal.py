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
    AssociationKey,
    change_from_json,
    change_to_json,
    mapping_from_json,
    storable,
    time_from_text,
    time_to_text,
    to_json,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import RunRecord
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Intent, JournalState
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import AnyChange


def open_run(
    database: Database, run_id: str, *, command: str, kinds: Sequence[str], plan_id: str, at: datetime
) -> None:
    """Write down that a run has begun."""
    database.change(
        "INSERT INTO runs (sequence, id, command, kind, plan_id, state, started_at, summary, error)"
        " VALUES (?, ?, ?, ?, ?, 'running', ?, '{}', '')",
        (_next(database, "runs", "sequence"), run_id, command, " ".join(kinds), plan_id, time_to_text(at)),
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
    rows = database.rows(
        "SELECT id, command, kind, plan_id, state, started_at, ended_at, summary, error"
        " FROM runs ORDER BY sequence DESC LIMIT ?",
        (max(limit, 0),),
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
        )
        for run_id, command, kind, plan_id, state, started_at, ended_at, summary, error in rows
    ]


def open_row(database: Database, run_id: str, change: AnyChange, registration_name: str, at: datetime) -> int:
    """Write down what is about to be done and return the journal row.

    :raises LedgerError: if a field of the change is named like a secret.
    """
    row = _next(database, "journal", "id")
    database.change(
        "INSERT INTO journal (id, run_id, kind, guid, change, registration_name, state, detail, intended_at)"
        " VALUES (?, ?, ?, ?, ?, ?, 'intended', '', ?)",
        (row, run_id, change.kind.value, change.guid, change_to_json(change), registration_name, time_to_text(at)),
    )
    return row


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
