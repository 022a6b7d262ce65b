# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is done to them, a ledger in a file and one in PostgreSQL remember the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.opening import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.store import StoredLedger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import (
    Integration,
    RunRecord,
    SavedDirectory,
    SavedRule,
    SavedSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Domain
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import JournalState, Resolution
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import RetiredNumber
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxIdentity
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.ledger_stores import PostgresqlStore
from tests.property.ledger_strategies import associations, changes, images, object_associations, texts, times

TABLES = (
    "journal, runs, integration, rules, names, schedule, associations, object_associations, retired_numbers, snapshot, "
    "directory"
)
# Upper and lower case, digits and umlauts: what languages sort otherwise than bytes do. Few, so that they collide.
GUIDS = st.sampled_from(["a", "B", "b", "ä", "z", "1", "-", "a-b"])
KINDS = st.sampled_from(RuleKind)
SETTINGS = st.dictionaries(texts.filter(lambda name: name.isalnum() and "t" not in name), texts | st.none(), max_size=3)


@dataclass
class Played:
    """A ledger on which operations are performed, and what they returned; runs are known by their order."""

    ledger: StoredLedger
    run_ids: list[str] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)

    def run_id(self, index: int) -> str:
        return self.run_ids[index % len(self.run_ids)] if self.run_ids else "unheard-of"


Operation = Callable[[Played], Any]


def save(kept: list[Any]) -> Operation:
    return lambda played: played.ledger.save_associations(kept)


def begin(kinds: list[RuleKind], at: datetime) -> Operation:
    return lambda played: played.run_ids.append(played.ledger.begin_run("pbx_ad_sync", kinds, "plan", at))


def finish(index: int, state: str, error: str, at: datetime) -> Operation:
    return lambda played: played.ledger.finish_run(played.run_id(index), state, {"create": index}, error, at)


def intend(index: int, change: Any, guid: str, image: Any, at: datetime) -> Operation:
    return lambda played: played.ledger.intend(
        played.run_id(index), replace(change, guid=guid), "name", at, image=image
    )


def undo(index: int, kinds: list[RuleKind], at: datetime) -> Operation:
    def perform(played: Played) -> None:
        undone = played.run_id(index)
        played.run_ids.append(played.ledger.begin_run("pbx_ad_rollback", kinds, "plan", at, undone))

    return perform


def done(row: int, association: Any, retired: RetiredNumber | None, at: datetime) -> Operation:
    return lambda played: played.ledger.done(row, association, retired, at)


def not_done(row: int, state: JournalState, detail: str, at: datetime) -> Operation:
    return lambda played: played.ledger.not_done(row, state, detail, at)


def resolve(saved: Any, drop: bool, at: datetime) -> Operation:
    def perform(played: Played) -> None:
        intents = played.ledger.unfinished()
        resolutions = [Resolution(intent, JournalState.DONE, "", drop=drop) for intent in intents[:-1]]
        resolutions += [Resolution(intent, JournalState.DONE, "", save=saved) for intent in intents[-1:]]
        played.ledger.resolve(resolutions, at)

    return perform


def connect(serial_number: str, saved: dict[str, Any], at: datetime) -> Operation:
    integration = Integration(Domain("guid", "DC=x", "x"), PbxIdentity(serial_number, "P560", "37"), saved, "connected")
    return lambda played: played.ledger.save_integration(integration, at)


kept = st.one_of(
    st.builds(lambda one, guid, id_: replace(one, guid=guid, extension_id=id_), associations, GUIDS, st.integers(0, 5)),
    st.builds(
        lambda one, guid, id_: replace(one, guid=guid, object_id=id_), object_associations, GUIDS, st.integers(0, 5)
    ),
)
retired = st.builds(RetiredNumber, number=GUIDS, guid=texts, since=times)
rows = st.integers(1, 4)
directories = st.builds(SavedDirectory, mark=GUIDS, content=st.binary(max_size=9))
snapshots = st.builds(SavedSnapshot, run_id=GUIDS, taken_at=times, content=st.binary(max_size=9))
operations = st.one_of(
    st.builds(save, st.lists(kept, max_size=4)),
    st.builds(begin, st.lists(KINDS, max_size=2), times),
    st.builds(finish, rows, st.sampled_from(["succeeded", "failed"]), st.text(max_size=9), times),
    st.builds(intend, rows, changes, GUIDS, st.none() | images, times),
    st.builds(undo, rows, st.lists(KINDS, max_size=2), times),
    st.builds(done, rows, st.none() | kept, st.none() | retired, times),
    st.builds(not_done, rows, st.sampled_from([JournalState.FAILED, JournalState.UNKNOWN]), st.text(max_size=9), times),
    st.builds(resolve, kept, st.booleans(), times),
    st.builds(connect, st.sampled_from(["1", "2"]), SETTINGS, times),
    st.builds(
        lambda kind, saved, enabled, at: lambda played: played.ledger.save_rule(kind, SavedRule(saved, enabled), at),
        KINDS,
        SETTINGS,
        st.booleans(),
        times,
    ),
    st.builds(
        lambda kind, names: lambda played: played.ledger.save_names(kind, names),
        KINDS,
        st.dictionaries(st.text(max_size=9), texts, max_size=3),
    ),
    st.builds(lambda saved, at: lambda played: played.ledger.save_schedule(saved, at), st.none() | SETTINGS, times),
    st.builds(lambda kept: lambda played: played.ledger.save_snapshot(kept), st.none() | snapshots),
    st.builds(lambda kept: lambda played: played.ledger.save_directory(kept), st.none() | directories),
    st.builds(lambda mark: lambda played: played.ledger.mark_directory(mark), GUIDS),
    st.builds(lambda number: lambda played: played.ledger.retire_number(number), retired),
    st.just(lambda played: played.ledger.forget_integration()),
)


def perform(played: Played, operation: Operation) -> None:
    """Keep what it returned, or of what type its error was; the databases word their own refusals each in its way."""
    try:
        played.answers.append(operation(played))
    except LedgerError as error:
        played.answers.append(type(error))


def remembered(played: Played) -> list[Any]:
    ledger = played.ledger
    known = {run_id: index for index, run_id in enumerate(played.run_ids)}
    return [
        ledger.integration(),
        [ledger.rule(kind) for kind in RuleKind],
        [ledger.names(kind) for kind in RuleKind],
        ledger.schedule(),
        ledger.snapshot(),
        ledger.directory(),
        ledger.associations(),
        ledger.object_associations(),
        ledger.retired_numbers(),
        [replace(intent, run_id=str(known[intent.run_id])) for intent in ledger.unfinished()],
        [_known(run, known) for run in ledger.runs(50)],
        _known(ledger.last_change(), known),
        [[_known(run, known) for run in ledger.undoings(run_id)] for run_id in played.run_ids],
        [[replace(one, run_id="") for one in ledger.done_changes(run_id)] for run_id in played.run_ids],
    ]


def _known(run: RunRecord | None, known: Mapping[str, int]) -> RunRecord | None:
    """A run by the order of its id, which is drawn anew in each ledger."""
    if run is None:
        return None
    return replace(run, id=str(known[run.id]), undoes=str(known.get(run.undoes, run.undoes)))


@pytest.fixture(scope="module")
def store(postgresql_store: Callable[[], PostgresqlStore]) -> PostgresqlStore:
    return postgresql_store()


@pytest.fixture(scope="module")
def opened(store: PostgresqlStore) -> Iterator[StoredLedger]:
    # The generator is always finished.
    # pylint: disable-next=contextmanager-generator-missing-cleanup
    with store.open() as ledger:
        yield ledger


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(operations, max_size=12))
def test_both_remember_the_same(opened: StoredLedger, performed: list[Operation]) -> None:
    database = opened._database
    database.change(f"TRUNCATE {TABLES}")
    with open_ledger(Path("/nonexistent/ledger"), read_write=False, command="test") as in_memory:
        # A ledger keeps what it has read: one that is emptied behind its back is opened anew.
        one, other = Played(in_memory), Played(StoredLedger(database))
        for operation in performed:
            for played in (one, other):
                perform(played, operation)
        assert one.answers == other.answers
        assert remembered(one) == remembered(other)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(operations, min_size=4, max_size=12))
def test_check_mode_copies_all_that_is_remembered(
    postgresql_store: Callable[[], PostgresqlStore], performed: list[Operation]
) -> None:
    store = postgresql_store()
    with store.open() as ledger:
        original = Played(ledger)
        for operation in performed:
            perform(original, operation)
        expected = remembered(original)
    with store.open(read_write=False) as copy:
        copied = Played(copy, original.run_ids)
        assert remembered(copied) == expected
        # And it goes on as the ledger itself would: rows are numbered on.
        perform(copied, begin([RuleKind.USERS], datetime(2026, 3, 1, tzinfo=UTC)))
        assert copied.answers == [None]
