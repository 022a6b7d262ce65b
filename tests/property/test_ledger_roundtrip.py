# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the ledger takes, it gives back exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeVar

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.records import (
    association_from_object,
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
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Intent
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
    Origin,
    RetiredNumber,
    Welcome,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import OrganizationReference
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    ExtensionChange,
    GroupChange,
    OrganizationChange,
    Placement,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
ABSENT = Path("/nonexistent/ledger.sqlite3")
T = TypeVar("T")

HIGHEST = 2**63 - 1  # what SQLite holds

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
# What a PBX returns may hold half a character (a JSON escape without its second half).
any_texts = st.text(max_size=20)
values = st.dictionaries(st.sampled_from(["first_name", "last_name", "email", "mobile_number", "job_title"]), any_texts)
guids = st.uuids().map(str)
ids = st.integers(0, HIGHEST)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=zones)


def tuples(elements: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(elements, max_size=3).map(tuple)


def every_field(made: type[T], **strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[T]:
    """Build records with no field left at its default, so that none is forgotten when one is added."""
    assert strategies.keys() == {field.name for field in fields(made)}  # type: ignore[arg-type]
    return st.builds(made, **strategies)


def association_strategy(lowest_id: int) -> st.SearchStrategy[Association]:
    return every_field(
        Association,
        guid=guids,
        extension_id=st.integers(lowest_id, HIGHEST),
        number=texts,
        dn=texts,
        account_name=texts,
        origin=st.sampled_from(Origin),
        written=values,
        welcome=st.sampled_from(Welcome),
        organization_id=ids,
    )


def object_association_strategy(lowest_id: int) -> st.SearchStrategy[ObjectAssociation]:
    return every_field(
        ObjectAssociation,
        guid=guids | st.just("label") | texts.map("attribute:{}".format),
        kind=st.sampled_from([ObjectKind.ORGANIZATION, ObjectKind.EXTENSION_GROUP]),
        rule=st.sampled_from(RuleKind),
        object_id=st.integers(lowest_id, HIGHEST),
        dn=texts,
        name=texts,
        origin=st.sampled_from(Origin),
        parent_id=ids,
        members=tuples(ids),
        leftover_id=ids,
    )


associations = association_strategy(lowest_id=1)
object_associations = object_association_strategy(lowest_id=1)
planned = {
    "action": st.sampled_from(Action),
    "guid": guids,
    "name": any_texts,
    "dn": texts,
    "object_id": st.none() | st.integers(1, HIGHEST),
    "reason": st.sampled_from(Reason),
    "number": any_texts,
    "before": values,
    "after": values,
    "drift": tuples(texts),
    "depends_on": tuples(texts),
    "part": texts,
}
placements = every_field(
    Placement,
    others=tuples(every_field(OrganizationReference, id=ids, name=any_texts)),
    unit=guids | st.just(""),
    taken=ids,
)
extension_changes = every_field(
    ExtensionChange,
    **planned,
    association=st.none() | association_strategy(lowest_id=0),
    placement=st.none() | placements,
)
organization_changes = every_field(
    OrganizationChange,
    **planned,
    association=st.none() | object_association_strategy(lowest_id=0),
    parent=guids | st.just(""),
    parent_id=ids,
)
group_changes = every_field(
    GroupChange,
    **planned,
    association=st.none() | object_association_strategy(lowest_id=0),
    members=tuples(guids),
    kept=tuples(ids),
    added=tuples(any_texts),
    removed=tuples(any_texts),
    removed_ids=tuples(ids),
    label=st.booleans(),
)
changes = st.one_of(extension_changes, organization_changes, group_changes)


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


@given(st.builds(RetiredNumber, number=texts, guid=guids | st.just(""), since=times))
def test_the_ledger_gives_back_retired_numbers(number: RetiredNumber) -> None:
    with empty_ledger() as ledger:
        ledger.retire_number(number)
        assert ledger.retired_numbers() == [number]
