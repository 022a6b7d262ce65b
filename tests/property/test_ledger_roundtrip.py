# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the ledger takes, it gives back exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.records import (
    AnyAssociation,
    association_from_object,
    association_key,
    association_to_object,
    change_from_json,
    change_to_json,
    object_association_from_object,
    object_association_to_object,
    time_from_text,
    time_to_text,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.store import StoredLedger
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.images import AnyImage
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Done, Intent
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
    RetiredNumber,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    AnyChange,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.property.ledger_strategies import (
    associations,
    changes,
    guids,
    images,
    object_associations,
    texts,
    times,
)

NOW = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
ABSENT = Path("/nonexistent/ledger.sqlite3")


@contextmanager
def empty_ledger() -> Iterator[StoredLedger]:
    # The generator is always finished.
    # pylint: disable-next=contextmanager-generator-missing-cleanup
    with open_ledger(ABSENT, read_write=False, command="test") as ledger:
        yield ledger


@given(associations)
def test_an_association_survives_as_an_object(association: Association) -> None:
    assert association_from_object(association_to_object(association)) == association


@given(object_associations)
def test_an_object_association_survives_as_an_object(association: ObjectAssociation) -> None:
    assert object_association_from_object(object_association_to_object(association)) == association


@given(changes)
def test_a_change_survives_as_text(change: AnyChange) -> None:
    text = change_to_json(change)
    again = change_from_json(text)
    assert again == change
    assert type(again) is type(change)
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
    return replace(association, guid=guid, extension_id=extension_id)


ObjectKey = tuple[ObjectKind, str]


def by_key(associations: list[ObjectAssociation]) -> dict[ObjectKey, ObjectAssociation]:
    return {(association.kind, association.guid): association for association in associations}


def in_order(associations: Mapping[ObjectKey, ObjectAssociation]) -> list[ObjectAssociation]:
    return [associations[key] for key in sorted(associations)]


@given(
    st.lists(object_associations, max_size=8, unique_by=lambda association: (association.kind, association.object_id))
)
def test_the_ledger_gives_back_object_associations(saved: list[ObjectAssociation]) -> None:
    with empty_ledger() as ledger:
        ledger.save_associations(saved)
        assert ledger.object_associations() == in_order(by_key(saved))


@given(
    st.lists(object_associations, max_size=4),
    st.lists(object_associations, max_size=4),
    st.data(),
)
def test_no_two_associations_of_a_kind_share_an_object_and_a_refusal_changes_nothing(
    first: list[ObjectAssociation], second: list[ObjectAssociation], data: st.DataObject
) -> None:
    """Draw guids and ids from few values, so that they collide within a kind and across the kinds."""
    names = st.sampled_from(["a", "b", "c"])
    first = [replace(one, guid=data.draw(names), object_id=index) for index, one in enumerate(first, start=1)]
    second = [replace(one, guid=data.draw(names), object_id=data.draw(st.integers(1, 4))) for one in second]
    before = by_key(first)
    after = before | by_key(second)
    objects = [(association.kind, association.object_id) for association in after.values()]
    with empty_ledger() as ledger:
        ledger.save_associations(first)
        if len(set(objects)) == len(objects):
            ledger.save_associations(second)
            assert ledger.object_associations() == in_order(after)
        else:
            with pytest.raises(LedgerError, match="is associated with"):
                ledger.save_associations(second)
            assert ledger.object_associations() == in_order(before)


@given(st.lists(st.tuples(changes, texts), max_size=5))
def test_the_ledger_gives_back_intents_in_order(intended: list[tuple[AnyChange, str]]) -> None:
    with empty_ledger() as ledger:
        run_id = ledger.begin_run("pbx_ad_sync", ["users"], "plan", NOW)
        expected = [Intent(ledger.intend(run_id, change, name, NOW), run_id, change, name) for change, name in intended]
        assert ledger.unfinished() == expected


@given(st.lists(st.tuples(changes, st.none() | images, st.none() | associations | object_associations), max_size=5))
def test_the_ledger_gives_back_what_changes_found_and_left(
    made: list[tuple[AnyChange, AnyImage | None, AnyAssociation | None]],
) -> None:
    with empty_ledger() as ledger:
        run_id = ledger.begin_run("pbx_ad_sync", ["users"], "plan", NOW)
        expected = []
        for change, image, left in made:
            present: list[AnyAssociation] = [*ledger.associations(), *ledger.object_associations()]
            held = {association_key(one): one for one in present}
            row = ledger.intend(run_id, change, "name", NOW, image=image)
            try:
                ledger.done(row, left, None, NOW)
            except LedgerError:
                continue
            expected.append(Done(row, run_id, change, held.get((change.kind.value, change.guid)), left, image))
        assert ledger.done_changes(run_id) == expected


@given(st.builds(RetiredNumber, number=texts, guid=guids | st.just(""), since=times))
def test_the_ledger_gives_back_retired_numbers(number: RetiredNumber) -> None:
    with empty_ledger() as ledger:
        ledger.retire_number(number)
        assert ledger.retired_numbers() == [number]
