# SPDX-License-Identifier: GPL-3.0-or-later
"""Once an object is made again, every id in the changes that come after it is the new one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
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
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.renewed import Renewed, as_remembered

from tests.unit.undo_builders import team, unit, user

ANNA, SALES, TEAM = user("anna", -41, "1000"), unit("Sales", -7), team("Team", -5, -41)
KNOWN: dict[str, Any] = {"guid": "guid", "name": "name", "dn": "", "reason": Reason.ROLLED_BACK}


def _renewed(*ids: tuple[AnyChange, int]) -> Renewed:
    renewed = Renewed()
    for change, id_ in ids:
        renewed.note(change, id_)
    return renewed


def _making(kind: type[Any], remembered: object) -> AnyChange:
    change: AnyChange = kind(action=Action.CREATE, object_id=None, remembered=remembered, **KNOWN)
    return change


ALL = _renewed(
    (_making(ExtensionChange, ANNA), 60), (_making(OrganizationChange, SALES), 70), (_making(GroupChange, TEAM), 50)
)


def test_a_change_of_an_extension() -> None:
    change = ExtensionChange(
        action=Action.UPDATE,
        object_id=-41,
        association=replace(ANNA, organization_id=0),
        placement=Placement((OrganizationReference(-7, "Sales"), OrganizationReference(1, "Company")), taken=3),
        remembered=replace(ANNA, organization_id=-7),
        **KNOWN,
    )
    assert ALL.resolve(change) == replace(
        change,
        object_id=60,
        association=replace(ANNA, extension_id=60),
        placement=Placement((OrganizationReference(70, "Sales"), OrganizationReference(1, "Company")), taken=3),
        # What is remembered gets its own id when it is saved.
        remembered=replace(ANNA, organization_id=70),
    )


def test_a_change_of_an_organization() -> None:
    change = OrganizationChange(
        action=Action.UPDATE,
        object_id=-7,
        association=SALES,
        parent_id=-7,
        remembered=unit("Sales", -7, below=-7),
        **KNOWN,
    )
    assert ALL.resolve(change) == replace(
        change,
        object_id=70,
        association=replace(SALES, object_id=70),
        parent_id=70,
        remembered=unit("Sales", -7, below=70),
    )


def test_a_change_of_a_group() -> None:
    change = GroupChange(
        action=Action.UPDATE,
        object_id=-5,
        association=replace(TEAM, members=()),
        kept=(-41, 42, -99),
        removed_ids=(42, -41),
        user_types={-41: "manager", 42: "user"},
        remembered=replace(TEAM, members=(-99, -41, 42)),
        **KNOWN,
    )
    assert ALL.resolve(change) == replace(
        change,
        object_id=50,
        association=replace(TEAM, object_id=50, members=()),
        # A member that could not be made is left out.
        kept=(42, 60),
        removed_ids=(42, 60),
        user_types={60: "manager", 42: "user"},
        remembered=replace(TEAM, members=(42, 60)),
    )


@pytest.mark.parametrize("kind", [ExtensionChange, OrganizationChange, GroupChange])
def test_what_a_change_does_not_have_stays_so(kind: type[Any]) -> None:
    change = kind(action=Action.RELEASE, object_id=None, **KNOWN)
    assert ALL.resolve(change) == change


def test_ids_of_one_kind_are_none_of_another() -> None:
    extension_alone = _renewed((_making(ExtensionChange, user("x", -7, "1")), 60))
    change = OrganizationChange(action=Action.DELETE, object_id=-7, **KNOWN)
    assert extension_alone.resolve(change) == change


def test_members_that_could_not_be_made_are_left_out_though_nothing_was_made() -> None:
    unmade = GroupChange(action=Action.UPDATE, object_id=5, kept=(-41, 42), **KNOWN)
    assert Renewed().resolve(unmade) == replace(unmade, kept=(42,))
    remembering = replace(unmade, kept=(42,), remembered=team("Team", 5, -41, 42))
    assert Renewed().resolve(remembering) == replace(remembering, remembered=team("Team", 5, 42))
    other = OrganizationChange(action=Action.UPDATE, object_id=-7, **KNOWN)
    assert Renewed().resolve(other) is other


def test_a_group_that_was_made_in_place_of_one_that_could_not_be_renamed_stands_for_it() -> None:
    renaming = GroupChange(action=Action.UPDATE, object_id=5, **KNOWN)
    renewed = _renewed((renaming, 6))
    assert renewed.resolve(renaming) == replace(renaming, object_id=6)


def test_what_has_no_former_id_or_keeps_it_is_not_noted() -> None:
    renewed = Renewed()
    renewed.note(GroupChange(action=Action.CREATE, object_id=None, **KNOWN), 6)
    renewed.note(GroupChange(action=Action.UPDATE, object_id=5, **KNOWN), 5)
    renewed.note(GroupChange(action=Action.UPDATE, object_id=5, **KNOWN), None)
    change = GroupChange(action=Action.UPDATE, object_id=5, **KNOWN)
    assert renewed.resolve(change) is change


def test_an_object_is_remembered_with_its_true_id_and_what_its_renaming_left() -> None:
    saved = team("Crew", 50, 41, leftover_id=5)
    change = GroupChange(action=Action.UPDATE, object_id=5, remembered=team("Team", -5, 41, 42), **KNOWN)
    assert as_remembered(change, saved) == team("Team", 50, 41, 42, leftover_id=5)


def test_one_that_ends_leaves_behind_what_is_remembered() -> None:
    former = unit("Sales", 7)
    assert (
        as_remembered(OrganizationChange(action=Action.DELETE, object_id=8, remembered=former, **KNOWN), None) == former
    )
    saved = unit("Sales", 8)
    assert as_remembered(OrganizationChange(action=Action.UPDATE, object_id=8, **KNOWN), saved) == saved
