# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollback, value by value: the three-way compare, before-images, new ids, what was undone already."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.images import (
    ExtensionImage,
    GroupImage,
    GroupMembership,
    Images,
    OrganizationImage,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Done, differs_in_substance
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
    Origin,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Extension,
    ExtensionGroup,
    Organization,
    OrganizationReference,
    PbxCapacity,
    PbxSnapshot,
)
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
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rollback import Rollback, plan_rollback
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.standing import Standing
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_history import History, RollbackRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_merge import Step, merged, step

from tests.unit.sync_builders import DOMAIN, PBX, fields

ROOT = Organization(1, "Company", 0)
SALES = OrganizationReference(7, "Sales")
ANNA = Association("anna-guid", 41, "1000", "CN=Anna", "anna", Origin.CREATED, {"title": "Clerk"}, organization_id=7)
TEAM = ObjectAssociation(
    "team-guid", ObjectKind.EXTENSION_GROUP, RuleKind.GROUPS, 5, "CN=Team", "Team", Origin.CREATED, members=(41, 42)
)


def _extension(title: str = "Clerk", id_: int = 41, number: str = "1000") -> Extension:
    return Extension(id_, number, fields(first_name="Anna", title=title), "reg", (SALES,), settings={"role_id": 2})


def _snapshot(*extensions: Extension, groups: tuple[ExtensionGroup, ...] = ()) -> PbxSnapshot:
    organizations = (ROOT, Organization(7, "Sales", 1))
    return PbxSnapshot(PBX, PbxCapacity(3, len(extensions)), extensions, organizations, groups)


def _change(action: Action, **values: object) -> ExtensionChange:
    known = {"guid": "anna-guid", "name": "anna", "dn": "CN=Anna", "number": "1000", "object_id": 41}
    return ExtensionChange(action=action, reason=Reason.DIRECTORY_CHANGED, **{**known, **values})  # type: ignore[arg-type]


def _undo(row: Done, *extensions: Extension, held: Association | None = None) -> Rollback:
    standing = Standing(_snapshot(*extensions), [held] if held is not None else [], [])
    return plan_rollback(RollbackRule("run"), History((row,)), standing, DOMAIN)


UPDATED = Done(
    3,
    "run",
    _change(Action.UPDATE, before={"title": "Clerk"}, after={"title": "Boss"}, association=ANNA),
    former=ANNA,
    latter=replace(ANNA, written={"title": "Boss"}),
    image=ExtensionImage("1000", fields(title="Clerk"), (SALES,)),
)
DELETED = Done(
    4,
    "run",
    _change(Action.DELETE, before=fields(title="Clerk")),
    former=ANNA,
    latter=None,
    image=ExtensionImage("1000", fields(first_name="Anna"), (SALES,), "reg", {"role_id": 2}, None),
)


@pytest.mark.parametrize(
    ("before", "left", "now", "wanted"),
    [
        ("a", "b", "b", Step.PUT_BACK),
        ("a", "b", "a", Step.NOTHING),
        ("a", "a", "c", Step.NOTHING),
        ("a", "b", "c", Step.CHANGED_SINCE),
    ],
)
def test_only_what_is_still_as_the_run_left_it_is_put_back(before: str, left: str, now: str, wanted: Step) -> None:
    assert step(before, left, now) is wanted


def test_an_association_is_put_back_but_for_what_was_written_since() -> None:
    latter = replace(ANNA, written={"title": "Boss", "first_name": "A"}, organization_id=8)
    present = replace(latter, written={"title": "Boss", "first_name": "B"}, account_name="renamed")
    assert merged(ANNA, latter, present) == replace(
        ANNA, written={"title": "Clerk", "first_name": "B"}, account_name="renamed"
    )
    assert merged(ANNA, latter, present, {"title", "organization_id"}).written["title"] == "Boss"
    members = merged(TEAM, replace(TEAM, members=(41, 43)), replace(TEAM, members=(43, 44))).members
    assert members == (42, 44)


def test_a_field_is_put_back() -> None:
    (change,) = _undo(UPDATED, _extension("Boss"), held=replace(ANNA, written={"title": "Boss"})).plan.changes
    assert isinstance(change, ExtensionChange)
    assert (change.key, dict(change.after), change.reason) == (
        "update:anna-guid:3",
        {"title": "Clerk"},
        Reason.ROLLED_BACK,
    )
    assert change.remembered == ANNA


def test_a_field_that_was_changed_since_is_told_with_its_three_values() -> None:
    made = _undo(UPDATED, _extension("Chief"), held=replace(ANNA, written={"title": "Boss"}))
    assert made.plan.changes == ()
    (conflict,) = made.plan.conflicts
    assert conflict.code == "changed_since"
    assert '"Clerk" before the run, which left it "Boss"; now it is "Chief"' in conflict.message


def test_an_association_that_is_about_another_extension_now_is_left() -> None:
    made = _undo(UPDATED, _extension("Boss"), _extension(id_=50, number="1001"), held=replace(ANNA, extension_id=50))
    assert made.plan.changes == ()
    assert [one.code for one in made.plan.conflicts] == ["changed_since"]


def test_a_deleted_extension_is_made_again_and_what_is_lost_is_said() -> None:
    made = _undo(DELETED)
    (change,) = made.plan.changes
    assert isinstance(change, ExtensionChange)
    assert (change.action, change.number, change.settings) == (Action.CREATE, "1000", {"role_id": 2})
    assert change.placement == Placement((SALES,))
    assert change.remembered == replace(ANNA, extension_id=-41)
    assert "which were not read" in made.not_restored[0].what[-1]


@pytest.mark.parametrize(
    ("others", "code"),
    [
        ([_extension(id_=9, number="1000")], "number_in_use"),
        ([_extension(id_=id_, number=str(id_)) for id_ in (7, 8, 9)], "no_capacity"),
    ],
)
def test_an_extension_that_cannot_be_made_again_is_told(others: list[Extension], code: str) -> None:
    made = _undo(DELETED, *others)
    assert made.plan.changes == ()
    assert [one.code for one in made.plan.conflicts] == [code]


def test_what_is_undone_already_is_not_undone_twice() -> None:
    again = Done(
        9,
        "undoing",
        _change(Action.CREATE, object_id=None, part="4", remembered=replace(ANNA, extension_id=-41)),
        latter=replace(ANNA, extension_id=60),
    )
    history = History((DELETED,), (History((again,)),))
    standing = Standing(_snapshot(_extension(id_=60)), [replace(ANNA, extension_id=60)], [])
    assert history.known_ids() == {(ObjectKind.EXTENSION, 41): 60}
    assert plan_rollback(RollbackRule("run"), history, standing, DOMAIN).plan.changes == ()


def test_an_undoing_that_is_undone_counts_for_nothing() -> None:
    undoing = Done(9, "undoing", _change(Action.UPDATE, part="3"), ANNA, ANNA)
    redoing = Done(12, "redoing", _change(Action.UPDATE, part="9"), ANNA, ANNA)
    assert History((UPDATED,), (History((undoing,)),)).standing() == []
    assert History((UPDATED,), (History((undoing,), (History((redoing,)),)),)).standing() == [UPDATED]


def test_members_that_were_put_in_or_taken_out_by_hand_since_stay_so() -> None:
    change = GroupChange(
        action=Action.UPDATE,
        guid="team-guid",
        name="Team",
        dn="",
        object_id=5,
        reason=Reason.DIRECTORY_CHANGED,
        association=replace(TEAM, members=(41, 43)),
    )
    row = Done(3, "run", change, TEAM, replace(TEAM, members=(41, 43)), GroupImage("Team", (41, 42)))
    extensions = [_extension(id_=id_, number=str(id_)) for id_ in (41, 42, 43, 44)]
    # By hand: 44 was put in, and 41 was taken out.
    groups = (ExtensionGroup(5, "Team", (43, 44)),)
    standing = Standing(_snapshot(*extensions, groups=groups), [], [replace(TEAM, members=(41, 43))])
    (undoing,) = plan_rollback(RollbackRule("run"), History((row,)), standing, DOMAIN).plan.changes
    assert isinstance(undoing, GroupChange)
    assert undoing.kept == (42, 44)
    assert undoing.remembered == TEAM


def test_what_one_unit_took_over_from_another_goes_back_in_one_step() -> None:
    former = ObjectAssociation(
        "old", ObjectKind.ORGANIZATION, RuleKind.ORGANIZATIONAL_UNITS, 7, "", "Sales", Origin.CREATED, parent_id=1
    )
    latter = replace(former, guid="new", origin=Origin.ADOPTED)
    known = {"name": "Sales", "dn": "", "object_id": 7}
    release = OrganizationChange(action=Action.RELEASE, guid="old", reason=Reason.HANDED_OVER, **known)  # type: ignore[arg-type]
    taking = OrganizationChange(
        action=Action.ASSOCIATE,
        guid="new",
        reason=Reason.SAME_NAME,
        association=latter,
        parent_id=1,
        **known,  # type: ignore[arg-type]
    )
    image = OrganizationImage("Sales", 1)
    history = History((Done(1, "run", release, former, None, image), Done(2, "run", taking, None, latter, image)))
    standing = Standing(_snapshot(_extension()), [], [latter])
    giving, again = plan_rollback(RollbackRule("run"), history, standing, DOMAIN).plan.changes
    # Else those who are in it would be nobody's for a moment.
    assert (giving.action, giving.guid, giving.reason) == (Action.RELEASE, "new", Reason.HANDED_OVER)
    assert (again.action, again.guid, again.depends_on) == (Action.ASSOCIATE, "old", (giving.key,))


# --- before-images


def test_an_image_is_what_the_run_has_made_of_the_object_so_far() -> None:
    group = ExtensionGroup(5, "Team", (41, 42), user_types={41: "manager"}, settings={"mgr_enb_monitor": 1})
    extensions: dict[int, Extension | None] = {41: _extension(), 42: _extension(id_=42, number="1001")}
    images = Images(_snapshot(groups=(group,)), extensions, [TEAM])
    deletion = _change(Action.DELETE)
    found = images.of(deletion)
    assert isinstance(found, ExtensionImage)
    assert found.groups == (GroupMembership(5, "Team", "manager", remembered=True),)
    assert (found.settings, found.registration_name) == ({"role_id": 2}, "reg")

    images.note(deletion, 41)

    update: AnyChange = GroupChange(
        action=Action.UPDATE, guid="team-guid", name="Team", dn="", object_id=5, reason=Reason.DIRECTORY_CHANGED
    )
    assert images.of(update) == GroupImage("Team", (42,), settings={"mgr_enb_monitor": 1})
    renaming = OrganizationChange(
        action=Action.UPDATE,
        guid="sales",
        name="Sales",
        dn="",
        object_id=7,
        reason=Reason.DIRECTORY_CHANGED,
        association=ObjectAssociation(
            "sales", ObjectKind.ORGANIZATION, RuleKind.ORGANIZATIONAL_UNITS, 7, "", "Selling", Origin.CREATED
        ),
        parent_id=1,
    )
    assert images.of(renaming) == OrganizationImage("Sales", 1, (41, 42))
    images.note(renaming, 7)
    assert images.of(renaming) == OrganizationImage("Selling", 1, (41, 42))


def test_groups_that_were_not_read_are_not_taken_for_none() -> None:
    images = Images(replace(_snapshot(), groups=None), {41: _extension()})
    found = images.of(_change(Action.UPDATE))
    assert isinstance(found, ExtensionImage)
    assert found.groups is None


# --- ids


def test_ids_of_what_is_made_again_take_the_place_of_the_negative_ones() -> None:
    renewed = Renewed()
    renewed.note(_change(Action.CREATE, object_id=None, remembered=replace(ANNA, extension_id=-41)), 60)
    group = GroupChange(
        action=Action.UPDATE,
        guid="team-guid",
        name="Team",
        dn="",
        object_id=5,
        reason=Reason.ROLLED_BACK,
        kept=(-41, -99, 42),
        user_types={-41: "manager"},
        remembered=replace(TEAM, members=(-41, -99)),
    )
    resolved = renewed.resolve(group)
    assert isinstance(resolved, GroupChange)
    assert (resolved.kept, resolved.user_types) == ((42, 60), {60: "manager"})
    assert resolved.remembered == replace(TEAM, members=(60,))


def test_more_is_remembered_than_what_is_written() -> None:
    change = _change(Action.UPDATE, remembered=replace(ANNA, organization_id=9))
    assert as_remembered(change, replace(ANNA, extension_id=60)) == replace(ANNA, organization_id=9, extension_id=60)
    assert as_remembered(_change(Action.DELETE), None) is None


def test_what_the_directory_calls_an_object_is_no_substance() -> None:
    assert not differs_in_substance(ANNA, replace(ANNA, dn="CN=Other", account_name="other"))
    assert differs_in_substance(ANNA, replace(ANNA, organization_id=0))
    assert not differs_in_substance(TEAM, replace(TEAM, dn="CN=Other"))
    assert differs_in_substance(None, ANNA)
