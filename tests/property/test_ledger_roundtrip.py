# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the ledger takes, it gives back exactly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.records import (
    association_from_object,
    association_to_object,
    change_from_json,
    change_to_json,
    time_from_text,
    time_to_text,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite import (
    SqliteLedger,
    open_ledger,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.model import (
    Action,
    Association,
    Change,
    Intent,
    Origin,
    Reason,
    RetiredNumber,
    Welcome,
)
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
ABSENT = Path("/nonexistent/ledger.sqlite3")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
# What a PBX returns may hold half a character (a JSON escape without its second half).
values = st.dictionaries(
    st.sampled_from(["first_name", "last_name", "email", "mobile_number", "job_title"]), st.text(max_size=20)
)
guids = st.uuids().map(str)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=zones)


def association_strategy(lowest_id: int) -> st.SearchStrategy[Association]:
    return st.builds(
        Association,
        guid=guids,
        extension_id=st.integers(lowest_id, 2**63 - 1),
        number=texts,
        dn=texts,
        account_name=texts,
        origin=st.sampled_from(Origin),
        written=values,
        welcome=st.sampled_from(Welcome),
    )


associations = association_strategy(lowest_id=1)
changes = st.builds(
    Change,
    action=st.sampled_from(Action),
    guid=guids,
    user=texts,
    dn=texts,
    number=texts,
    extension_id=st.none() | st.integers(1, 2**63 - 1),
    reason=st.sampled_from(Reason),
    before=values,
    after=values,
    drift=st.lists(texts, max_size=3).map(tuple),
    depends_on=st.lists(texts, max_size=3).map(tuple),
    association=st.none() | association_strategy(lowest_id=0),
)


@contextmanager
def empty_ledger() -> Iterator[SqliteLedger]:
    # The generator is always finished.
    # pylint: disable-next=contextmanager-generator-missing-cleanup
    with open_ledger(ABSENT, read_write=False, command="test") as ledger:
        yield ledger


@given(associations)
def test_an_association_survives_as_an_object(association: Association) -> None:
    assert association_from_object(association_to_object(association)) == association


@given(changes)
def test_a_change_survives_as_text(change: Change) -> None:
    text = change_to_json(change)
    again = change_from_json(text)
    assert again == change
    assert again.key == change.key
    assert text.isascii()


@given(times)
def test_a_time_survives_as_text(time: datetime) -> None:
    assert time_from_text(time_to_text(time)) == time


@given(times, times)
def test_times_sort_as_texts(one: datetime, other: datetime) -> None:
    assert (time_to_text(one) < time_to_text(other)) == (one < other)


@given(st.lists(associations, max_size=8, unique_by=lambda association: association.extension_id))
def test_the_ledger_gives_back_associations(saved: list[Association]) -> None:
    expected = {association.guid: association for association in saved}
    with empty_ledger() as ledger:
        ledger.save_associations(saved)
        assert ledger.associations() == [expected[guid] for guid in sorted(expected)]


@given(
    st.lists(associations, max_size=4, unique_by=lambda association: association.extension_id),
    st.lists(associations, max_size=4, unique_by=lambda association: association.guid),
    st.data(),
)
def test_no_two_associations_share_an_extension_and_a_refusal_changes_nothing(
    first: list[Association], second: list[Association], data: st.DataObject
) -> None:
    """Draw the second set's guids and ids from few values, so that they collide with the first and each other."""
    pool = st.sampled_from([1, 2, 3])
    names = st.sampled_from(["a", "b", "c", "d"])
    first = [_with(association, data.draw(names), index + 1) for index, association in enumerate(first[:3])]
    second = [_with(association, data.draw(names), data.draw(pool)) for association in second]
    with empty_ledger() as ledger:
        ledger.save_associations(first)
        before = {association.guid: association for association in first}
        after = before | {association.guid: association for association in second}
        ids = [association.extension_id for association in after.values()]
        if len(set(ids)) == len(ids):
            ledger.save_associations(second)
            assert ledger.associations() == [after[guid] for guid in sorted(after)]
        else:
            with pytest.raises(LedgerError, match="is associated with"):
                ledger.save_associations(second)
            assert ledger.associations() == [before[guid] for guid in sorted(before)]


def _with(association: Association, guid: str, extension_id: int) -> Association:
    return Association(
        guid,
        extension_id,
        association.number,
        association.dn,
        association.account_name,
        association.origin,
        association.written,
        association.welcome,
    )


@given(st.lists(st.tuples(changes, texts), max_size=5))
def test_the_ledger_gives_back_intents_in_order(intended: list[tuple[Change, str]]) -> None:
    with empty_ledger() as ledger:
        run_id = ledger.begin_run("users", "plan", NOW)
        expected = [Intent(ledger.intend(run_id, change, name, NOW), run_id, change, name) for change, name in intended]
        assert ledger.unfinished() == expected


@given(st.builds(RetiredNumber, number=texts, guid=guids | st.just(""), since=times))
def test_the_ledger_gives_back_retired_numbers(number: RetiredNumber) -> None:
    with empty_ledger() as ledger:
        ledger.retire_number(number)
        assert ledger.retired_numbers() == [number]
