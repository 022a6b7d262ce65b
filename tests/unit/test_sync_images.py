# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change found on the PBX, after what the run has done there so far."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.images import (
    ExtensionImage,
    GroupImage,
    GroupMembership,
    Images,
    OrganizationImage,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Extension,
    ExtensionGroup,
    Organization,
    PbxCapacity,
    PbxSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    ExtensionChange,
    GroupChange,
    OrganizationChange,
    Reason,
)

from tests.unit.sync_builders import fields
from tests.unit.undo_builders import P550, ROOT, extension, references, team, unit

SALES = Organization(7, "Sales", 1)
ANNA = replace(extension(41, "1000", SALES, first_name="Anna"), registration_name="reg", settings={"role_id": 2})
BEN = extension(42, "1001", ROOT, SALES)
TEAM = ExtensionGroup(5, "Team", (41, 42), user_types={41: "manager", 99: "user"}, settings={"mgr_enb_monitor": 1})
ALL = ExtensionGroup(6, "Everybody", includes_all=True)


def _images(*objects: Any, extensions: dict[int, Extension | None] | None = None) -> Images:
    pbx = PbxSnapshot(P550, PbxCapacity(10, 2), (ANNA, BEN), organizations=(ROOT, SALES), groups=(TEAM, ALL))
    return Images(pbx, {41: ANNA, 42: BEN} if extensions is None else extensions, objects)


def _change(kind: type[Any], action: Action, object_id: int | None, **values: Any) -> AnyChange:
    known = {"guid": "guid", "name": "name", "dn": "", "reason": Reason.DIRECTORY_CHANGED, **values}
    change: AnyChange = kind(action=action, object_id=object_id, **known)
    return change


OF_ANNA = _change(ExtensionChange, Action.UPDATE, 41)
OF_SALES = _change(OrganizationChange, Action.UPDATE, 7)
OF_TEAM = _change(GroupChange, Action.UPDATE, 5)


def test_of_an_extension() -> None:
    assert _images(team("Team", 5, 41)).of(OF_ANNA) == ExtensionImage(
        "1000",
        fields(first_name="Anna"),
        references(SALES),
        "reg",
        {"role_id": 2},
        (GroupMembership(5, "Team", "manager", remembered=True),),
    )
    ben = _images(team("Team", 5, 41)).of(_change(ExtensionChange, Action.UPDATE, 42))
    assert isinstance(ben, ExtensionImage)
    assert (ben.groups, ben.registration_name) == ((GroupMembership(5, "Team"),), "")


def test_of_an_organization_and_of_a_group() -> None:
    assert _images().of(OF_SALES) == OrganizationImage("Sales", 1, (41, 42))
    unread = _images(extensions={42: BEN, 41: None})
    assert unread.of(OF_SALES) == OrganizationImage("Sales", 1, (42,))
    assert _images().of(OF_TEAM) == GroupImage(
        "Team", (41, 42), user_types={41: "manager"}, settings={"mgr_enb_monitor": 1}
    )
    everybody = _images().of(_change(GroupChange, Action.UPDATE, 6))
    assert everybody == GroupImage("Everybody", includes_all=True)


@pytest.mark.parametrize("kind", [ExtensionChange, OrganizationChange, GroupChange])
@pytest.mark.parametrize("object_id", [None, 99])
def test_of_what_is_not_there_there_is_none(kind: type[Any], object_id: int | None) -> None:
    assert _images().of(_change(kind, Action.CREATE, object_id)) is None


def test_groups_that_were_not_read_have_no_image() -> None:
    pbx = PbxSnapshot(P550, PbxCapacity(10, 2), (ANNA,), organizations=None, groups=None)
    images = Images(pbx, {41: ANNA})
    images.note(_change(GroupChange, Action.CREATE, None, association=team("New", 0)), 9)
    images.note(_change(ExtensionChange, Action.DELETE, 41), 41)
    assert images.of(OF_TEAM) is None
    assert images.of(_change(GroupChange, Action.UPDATE, 9)) is None


# --- what the run has done so far


def test_a_renamed_and_moved_organization() -> None:
    images = _images()
    renaming = _change(
        OrganizationChange, Action.UPDATE, 7, association=unit("Selling", 7), parent_id=8, after={"name": "Selling"}
    )
    images.note(renaming, 7)
    assert images.of(OF_SALES) == OrganizationImage("Selling", 8, (41, 42))


def test_an_organization_that_keeps_the_name_which_a_person_gave_it() -> None:
    images = _images()
    images.note(_change(OrganizationChange, Action.UPDATE, 7, association=unit("Sales", 7), title="Hand"), 7)
    found = images.of(OF_SALES)
    assert isinstance(found, OrganizationImage)
    assert found.name == "Hand"


def test_a_created_and_a_deleted_organization() -> None:
    images = _images()
    images.note(_change(OrganizationChange, Action.CREATE, None, association=unit("New", 0), parent_id=7), 9)
    assert images.of(_change(OrganizationChange, Action.UPDATE, 9)) == OrganizationImage("New", 7)
    images.note(_change(OrganizationChange, Action.DELETE, 7), 7)
    assert images.of(OF_SALES) is None


def test_the_companys_name() -> None:
    images, of_root = _images(), _change(OrganizationChange, Action.UPDATE, 1)
    images.note(_change(OrganizationChange, Action.UPDATE, 1, after={"name": "New Ltd"}), 1)
    assert images.of(of_root) == OrganizationImage("New Ltd", 0, (42,))
    images.note(_change(OrganizationChange, Action.UPDATE, 1), 1)
    assert images.of(of_root) == OrganizationImage("New Ltd", 0, (42,))


@pytest.mark.parametrize(
    "noted",
    [
        _change(OrganizationChange, Action.RELEASE, 7),
        _change(OrganizationChange, Action.UPDATE, 7, association=unit("Other", 7), reason=Reason.REMEMBERED),
    ],
)
def test_what_writes_nothing_changes_nothing(noted: AnyChange) -> None:
    images = _images()
    images.note(noted, 7)
    assert images.of(OF_SALES) == OrganizationImage("Sales", 1, (41, 42))


def test_what_was_not_done_changes_nothing() -> None:
    images = _images()
    images.note(_change(OrganizationChange, Action.CREATE, None, association=unit("New", 0)), None)
    images.note(_change(ExtensionChange, Action.UPDATE, 41), 41)
    assert images.of(OF_SALES) == OrganizationImage("Sales", 1, (41, 42))
    assert images.of(OF_TEAM) == _images().of(OF_TEAM)


def test_the_members_that_a_group_was_given() -> None:
    images = _images()
    written = _change(
        GroupChange,
        Action.UPDATE,
        5,
        association=team("Crew", 5, 41, 43),
        left_in=(44,),
        left_out=(43,),
        user_types={44: "custom", 45: "custom", 41: "user"},
    )
    images.note(written, 5)
    # The PBX keeps the type of one who is a member already.
    assert images.of(OF_TEAM) == GroupImage(
        "Crew", (41, 44), user_types={41: "manager", 44: "custom"}, settings={"mgr_enb_monitor": 1}
    )
    ben = images.of(_change(ExtensionChange, Action.UPDATE, 42))
    assert isinstance(ben, ExtensionImage)
    assert ben.groups == ()


def test_a_group_that_nobody_is_associated_with_keeps_its_name() -> None:
    images = _images()
    images.note(_change(GroupChange, Action.UPDATE, 5, kept=(42,)), 5)
    assert images.of(OF_TEAM) == GroupImage("Team", (42,), settings={"mgr_enb_monitor": 1})


def test_a_group_that_was_made_anew_under_another_id() -> None:
    images = _images()
    images.note(_change(GroupChange, Action.UPDATE, 5, association=team("Crew", 5, 41)), 9)
    assert images.of(OF_TEAM) is None
    anew = images.of(_change(GroupChange, Action.UPDATE, 9))
    assert anew == GroupImage("Crew", (41,), user_types={41: "manager"}, settings={"mgr_enb_monitor": 1})
    anna = images.of(OF_ANNA)
    assert isinstance(anna, ExtensionImage)
    assert anna.groups == (GroupMembership(9, "Crew", "manager"),)


def test_a_created_and_a_deleted_group() -> None:
    images = _images()
    creation = _change(
        GroupChange,
        Action.CREATE,
        None,
        association=team("New", 0, 42),
        user_types={42: "manager"},
        settings={"mgr_enb_monitor": 0},
    )
    images.note(creation, 9)
    found = images.of(_change(GroupChange, Action.UPDATE, 9))
    assert found == GroupImage("New", (42,), user_types={42: "manager"}, settings={"mgr_enb_monitor": 0})
    images.note(_change(GroupChange, Action.DELETE, 5), 5)
    assert images.of(OF_TEAM) is None
    anna = images.of(OF_ANNA)
    assert isinstance(anna, ExtensionImage)
    assert anna.groups == ()


def test_a_deleted_extension_leaves_its_groups() -> None:
    images = _images()
    images.note(_change(ExtensionChange, Action.DELETE, 41), 41)
    assert images.of(OF_TEAM) == GroupImage("Team", (42,), settings={"mgr_enb_monitor": 1})
