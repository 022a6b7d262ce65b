# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ledger is given to keep, drawn at random."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.images import (
    ExtensionImage,
    GroupImage,
    GroupMembership,
    OrganizationImage,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    Credential,
    ObjectAssociation,
    ObjectKind,
    Origin,
    Parked,
    Welcome,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import OrganizationReference
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    ExtensionChange,
    GroupChange,
    OrganizationChange,
    Placement,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind
from hypothesis import strategies as st

T = TypeVar("T")

HIGHEST = 2**63 - 1  # what either database holds

# Neither side has names with a NUL in them, and PostgreSQL takes none.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
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


parkings = every_field(Parked, since=times, registration_name=texts, presence=texts)


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
        parked=st.none() | parkings,
        user_principal_name=texts,
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
settings_found = st.dictionaries(st.sampled_from(["role_id", "caller_id", "enb_vm_pin"]), any_texts | st.integers())
user_types = st.dictionaries(ids, any_texts, max_size=3)
flags = st.dictionaries(st.sampled_from(["mgr_enb_monitor", "user_enb_call_park"]), st.integers(0, 1))
extension_changes = every_field(
    ExtensionChange,
    **planned,
    association=st.none() | association_strategy(lowest_id=0),
    placement=st.none() | placements,
    parked=st.none() | parkings,
    remembered=st.none() | association_strategy(lowest_id=0),
    settings=settings_found,
    credential=st.none() | every_field(Credential, extension_id=ids, guid=guids, set_at=times),
)
organization_changes = every_field(
    OrganizationChange,
    **planned,
    association=st.none() | object_association_strategy(lowest_id=0),
    parent=guids | st.just(""),
    parent_id=ids,
    title=texts,
    remembered=st.none() | object_association_strategy(lowest_id=0),
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
    left_in=tuples(ids),
    left_out=tuples(ids),
    remembered=st.none() | object_association_strategy(lowest_id=0),
    user_types=user_types,
    settings=flags,
)
changes = st.one_of(extension_changes, organization_changes, group_changes)
images = st.one_of(
    every_field(
        ExtensionImage,
        number=texts,
        fields=values,
        organizations=tuples(every_field(OrganizationReference, id=ids, name=any_texts)),
        registration_name=any_texts,
        settings=settings_found,
        groups=st.none()
        | tuples(
            every_field(GroupMembership, group_id=ids, name=any_texts, user_type=texts, remembered=st.booleans()),
        ),
    ),
    every_field(OrganizationImage, name=any_texts, parent_id=ids, members=tuples(ids)),
    every_field(
        GroupImage,
        name=any_texts,
        members=tuples(ids),
        includes_all=st.booleans(),
        user_types=user_types,
        settings=flags,
    ),
)
