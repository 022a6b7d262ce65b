# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Runs and the journal of their changes in a ledger's SQLite file.

All of it works on a connection that the caller opened, in a transaction that the caller begins and ends.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LedgerError
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
    connection: sqlite3.Connection, run_id: str, *, command: str, kinds: Sequence[str], plan_id: str, at: datetime
) -> None:
    """Write down that a run has begun."""
    connection.execute(
        "INSERT INTO runs (id, command, kind, plan_id, state, started_at, summary, error)"
        " VALUES (?, ?, ?, ?, 'running', ?, '{}', '')",
        (run_id, command, " ".join(kinds), plan_id, time_to_text(at)),
    )


def close_run(
    connection: sqlite3.Connection, run_id: str, *, state: str, summary: Mapping[str, int], error: str, at: datetime
) -> bool:
    """Write down how a run ended; tell whether there is such a run and it was open."""
    cursor = connection.execute(
        "UPDATE runs SET state = ?, summary = ?, error = ?, ended_at = ? WHERE id = ? AND state = 'running'",
        (state, to_json(dict(summary)), storable(error), time_to_text(at), run_id),
    )
    return cursor.rowcount == 1


def read_runs(connection: sqlite3.Connection, limit: int) -> list[RunRecord]:
    """Return the latest runs, newest first."""
    rows = connection.execute(
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


def open_row(
    connection: sqlite3.Connection, run_id: str, change: AnyChange, registration_name: str, at: datetime
) -> int:
    """Write down what is about to be done and return the journal row.

    :raises LedgerError: if a field of the change is named like a secret.
    """
    cursor = connection.execute(
        "INSERT INTO journal (run_id, kind, guid, change, registration_name, state, detail, intended_at)"
        " VALUES (?, ?, ?, ?, ?, 'intended', '', ?)",
        (run_id, change.kind.value, change.guid, change_to_json(change), registration_name, time_to_text(at)),
    )
    if cursor.lastrowid is None:
        raise LedgerError("The ledger did not number a journal row.")
    return cursor.lastrowid


def close_row(
    connection: sqlite3.Connection, row: int, state: JournalState, detail: str, at: datetime
) -> AssociationKey | None:
    """Write down what became of a row; return whose association it was about, None if the row is not open."""
    cursor = connection.execute(
        "UPDATE journal SET state = ?, detail = ?, outcome_at = ? WHERE id = ? AND state IN ('intended', 'unknown')",
        (state.value, storable(detail), time_to_text(at), row),
    )
    if cursor.rowcount != 1:
        return None
    kind, guid = connection.execute("SELECT kind, guid FROM journal WHERE id = ?", (row,)).fetchone()
    return kind, guid


def read_open_rows(connection: sqlite3.Connection) -> list[Intent]:
    """Return the rows in state intended or unknown, oldest first."""
    rows = connection.execute(
        "SELECT id, run_id, change, registration_name FROM journal WHERE state IN ('intended', 'unknown') ORDER BY id"
    )
    return [
        Intent(row, run_id, change_from_json(change), registration_name)
        for row, run_id, change, registration_name in rows
    ]
