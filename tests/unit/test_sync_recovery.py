# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of changes whose outcome nobody wrote down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Intent, JournalState, Resolution
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
    Origin,
    Parked,
    RetiredNumber,
    Welcome,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Extension,
    ExtensionGroup,
    Organization,
    OrganizationReference,
    PbxSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    ExtensionChange,
    GroupChange,
    OrganizationChange,
    Placement,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.recovery import recover
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

from tests.unit.sync_builders import NOW, extension, pbx

FIELDS = {"first_name": "Ada", "email_addr": "ada@x.test"}
AFTERWARDS = Association("ada", 0, "1000", "CN=ada", "ada", Origin.CREATED, FIELDS, Welcome.DUE)
CREATE = ExtensionChange(
    action=Action.CREATE,
    guid="ada",
    name="ada",
    dn="CN=ada",
    number="1000",
    object_id=None,
    reason=Reason.NEW_USER,
    after=FIELDS,
    association=AFTERWARDS,
)
HELD = replace(AFTERWARDS, extension_id=7)
UPDATE = replace(CREATE, action=Action.UPDATE, object_id=7, association=HELD)
ASSOCIATE = replace(UPDATE, action=Action.ASSOCIATE)
DELETE = ExtensionChange(
    action=Action.DELETE, guid="ada", name="ada", dn="CN=ada", number="1000", object_id=7, reason=Reason.ACCOUNT_DELETED
)
RELEASE = replace(DELETE, action=Action.RELEASE, reason=Reason.OUT_OF_SCOPE)
PARK = replace(DELETE, action=Action.PARK, association=HELD)


def _settle(
    intents: Sequence[Intent], associations: Sequence[Association | ObjectAssociation], shown: PbxSnapshot
) -> list[Resolution]:
    """Recover, and see that each row of the journal has one answer, and that it is an answer to that very row."""
    resolutions = recover(intents, associations, shown, NOW)
    assert sorted(resolution.intent.id for resolution in resolutions) == [intent.id for intent in intents]
    assert all(resolution.intent in intents for resolution in resolutions)
    return resolutions


def _recover(change: ExtensionChange, *extensions: Extension, associations: tuple[Association, ...] = ()) -> Resolution:
    name = "drawn" if change.action in (Action.CREATE, Action.PARK) else ""
    (resolution,) = _settle([Intent(1, "run", change, name)], associations, pbx(*extensions))
    return resolution


def _failed(resolution: Resolution, detail: str) -> None:
    assert (resolution.state, resolution.detail) == (JournalState.FAILED, detail)
    assert (resolution.save, resolution.drop, resolution.retired) == (None, False, None)


def test_nothing_unfinished_is_nothing_to_settle() -> None:
    assert _settle([], [HELD], pbx()) == []


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(extension(9, "1000", registration_name="drawn"), id="by its name, whatever its fields"),
        pytest.param(extension(9, "1000", **FIELDS), id="by its fields where the PBX hides the name"),
        pytest.param(extension(9, "1000", title="x", **FIELDS), id="by the fields it was given, of all it has"),
    ],
)
def test_a_creation_that_was_not_answered_is_known_again(found: Extension) -> None:
    resolution = _recover(CREATE, extension(7, "1001"), found)
    assert (resolution.state, resolution.detail) == (JournalState.DONE, "the extension had been created")
    assert resolution.save == replace(AFTERWARDS, extension_id=9)
    assert (resolution.drop, resolution.retired) == (False, None)


def test_a_creation_that_did_not_happen_is_planned_again() -> None:
    _failed(_recover(CREATE, extension(9, "1001", **FIELDS)), "the extension was not created")


@pytest.mark.parametrize(
    "found",
    [
        extension(9, "1000", registration_name="other", **FIELDS),
        extension(9, "1000", first_name="Ada", email_addr="other@x.test"),
    ],
)
def test_an_extension_that_somebody_made_meanwhile_is_theirs(found: Extension) -> None:
    _failed(_recover(CREATE, found), "extension 1000 is somebody else's")


def test_an_extension_that_another_user_has_is_theirs() -> None:
    found = extension(9, "1000", registration_name="drawn", **FIELDS)
    owner = replace(HELD, guid="ben", extension_id=9)
    _failed(_recover(CREATE, found, associations=(owner,)), "extension 1000 is somebody else's")


def test_an_extension_that_the_user_has_already_stays_theirs() -> None:
    found = extension(9, "1000", registration_name="drawn")
    owner = replace(HELD, extension_id=9)
    assert _recover(CREATE, found, associations=(owner,)).save == owner


def test_of_two_creations_of_one_number_one_is_done() -> None:
    other = replace(CREATE, guid="ben", association=replace(AFTERWARDS, guid="ben"))
    found = extension(9, "1000", **FIELDS)
    first, second = _settle([Intent(1, "run", CREATE), Intent(2, "run", other)], [], pbx(found))
    assert first.save == replace(AFTERWARDS, extension_id=9)
    _failed(second, "extension 1000 is somebody else's")


def test_a_creation_without_association_is_refused() -> None:
    found = extension(9, "1000", registration_name="drawn")
    _failed(_recover(replace(CREATE, association=None), found), "the journal row names no association")


def test_a_deletion_that_happened_frees_the_number() -> None:
    resolution = _recover(DELETE, extension(9, "1000"), associations=(HELD,))
    assert (resolution.state, resolution.detail) == (JournalState.DONE, "the extension had been deleted")
    assert (resolution.save, resolution.drop) == (None, True)
    assert resolution.retired == RetiredNumber("1000", "ada", NOW)


def test_a_deletion_that_did_not_happen_is_planned_again() -> None:
    _failed(_recover(DELETE, extension(7, "1000"), associations=(HELD,)), "the extension was not deleted")


def test_a_release_is_planned_again() -> None:
    _failed(_recover(RELEASE, extension(7, "1000"), associations=(HELD,)), "the association had not ended")


@pytest.mark.parametrize("change", [UPDATE, ASSOCIATE])
def test_fields_that_were_written_are_remembered(change: ExtensionChange) -> None:
    resolution = _recover(change, extension(7, "1000", **FIELDS))
    assert (resolution.state, resolution.detail) == (JournalState.DONE, "the fields had been written")
    assert (resolution.save, resolution.drop, resolution.retired) == (HELD, False, None)


@pytest.mark.parametrize("change", [UPDATE, ASSOCIATE])
@pytest.mark.parametrize("found", [extension(7, "1000", first_name="Ada"), extension(9, "1000", **FIELDS)])
def test_fields_that_were_not_written_are_planned_again(change: ExtensionChange, found: Extension) -> None:
    _failed(_recover(change, found), "the fields had not been written")


def test_a_change_that_names_no_extension_wrote_nothing() -> None:
    for id_ in (1, 7):
        found = extension(id_, "1000", registration_name="drawn", **FIELDS)
        _failed(_recover(replace(UPDATE, object_id=None), found), "the fields had not been written")
        _failed(_recover(replace(PARK, object_id=None), found), "the extension was not parked")


# --- parking


def test_a_parking_is_known_again_by_the_name_drawn_for_it() -> None:
    resolution = _recover(PARK, extension(7, "1000", registration_name="drawn"))
    assert (resolution.state, resolution.detail) == (JournalState.DONE, "the extension had been parked")
    assert (resolution.save, resolution.drop, resolution.retired) == (HELD, False, None)


@pytest.mark.parametrize("found", [extension(7, "1000", registration_name="ada"), extension(9, "1000")])
def test_a_parking_that_did_not_happen_is_planned_again(found: Extension) -> None:
    _failed(_recover(PARK, found, associations=(HELD,)), "the extension was not parked")


def test_fields_without_the_access_that_was_to_come_back_are_written_again() -> None:
    unparking = replace(UPDATE, action=Action.UNPARK, parked=Parked(NOW, "ada", "available"))
    locked_out = extension(7, "1000", registration_name="drawn", **FIELDS)
    _failed(_recover(unparking, locked_out), "the extension was not made usable again")


# --- more is remembered than was written


REMEMBERED = replace(AFTERWARDS, account_name="before", written={"title": "Boss"}, extension_id=-1)


def test_what_was_done_is_remembered_as_the_change_says() -> None:
    """A change that undoes another puts back what was remembered before, also where it has written less."""
    written = _recover(replace(UPDATE, remembered=REMEMBERED), extension(7, "1000", **FIELDS))
    assert (written.state, written.save, written.drop) == (
        JournalState.DONE,
        replace(REMEMBERED, extension_id=7),
        False,
    )
    assert written.detail == "the fields had been written"
    made = _recover(replace(CREATE, remembered=REMEMBERED), extension(9, "1000", registration_name="drawn"))
    assert (made.state, made.save, made.drop) == (JournalState.DONE, replace(REMEMBERED, extension_id=9), False)


def test_what_had_ended_and_is_remembered_again_is_not_dropped() -> None:
    resolution = _recover(replace(DELETE, remembered=REMEMBERED), associations=(HELD,))
    assert (resolution.state, resolution.save, resolution.drop) == (JournalState.DONE, REMEMBERED, False)
    assert resolution.retired == RetiredNumber("1000", "ada", NOW)


def test_what_was_not_done_is_not_remembered() -> None:
    undone = _recover(replace(UPDATE, remembered=REMEMBERED), extension(7, "1000"))
    _failed(undone, "the fields had not been written")


# --- where an extension is


def _placed(*places: int) -> Extension:
    return replace(extension(7, "1000", **FIELDS), organizations=_references(*places))


def _references(*places: int) -> tuple[OrganizationReference, ...]:
    return tuple(OrganizationReference(place, f"O{place}") for place in places)


@pytest.mark.parametrize(
    ("others", "given", "present", "done"),
    [
        ((), 5, (5,), True),
        ((), 5, (1,), False),
        ((6,), 5, (6, 5), True),
        ((6,), 5, (6,), False),
        ((6,), 0, (6,), True),
        ((), 0, (1,), True),
        ((), 0, (5,), False),
        ((), 1, (1,), True),
        ((6,), 1, (6,), False),
    ],
)
def test_an_extension_that_was_moved_is_where_it_was_to_be(
    others: tuple[int, ...], given: int, present: tuple[int, ...], done: bool
) -> None:
    move = replace(
        UPDATE,
        after={"organizations": "somewhere"},
        association=replace(HELD, organization_id=given),
        placement=Placement(_references(*others), "unit" if given else ""),
    )
    (resolution,) = _settle([Intent(1, "run", move)], [], _shown(extensions=(_placed(*present),)))
    if done:
        assert (resolution.state, resolution.save) == (JournalState.DONE, move.association)
    else:
        _failed(resolution, "the fields had not been written")


def test_a_unit_whose_organization_was_never_made_is_no_place() -> None:
    move = replace(
        UPDATE,
        after={"organizations": "somewhere"},
        association=HELD,
        placement=Placement(_references(6), "unit"),
    )
    (resolution,) = _settle([Intent(1, "run", move)], [], _shown(extensions=(_placed(6),)))
    assert (resolution.state, resolution.save) == (JournalState.DONE, HELD)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(replace(UPDATE, placement=Placement((), "unit")), id="that is to stay where it is"),
        pytest.param(replace(UPDATE, after={"organizations": "somewhere"}), id="of which no place is known"),
    ],
)
def test_where_an_extension_is_does_not_matter_to_a_change(change: ExtensionChange) -> None:
    (resolution,) = _settle([Intent(1, "run", change)], [], _shown(extensions=(_placed(9),)))
    assert (resolution.state, resolution.save) == (JournalState.DONE, HELD)


# --- organizations


ROOT = Organization(1, "Example Ltd", 0)
STAFF = Organization(5, "Staff", 1)
UNIT = ObjectAssociation(
    "unit", ObjectKind.ORGANIZATION, RuleKind.ORGANIZATIONAL_UNITS, 5, "OU=Staff", "Staff", Origin.CREATED, 1
)
FORMER = replace(UNIT, guid="former")
NEW_UNIT = OrganizationChange(
    action=Action.CREATE,
    guid="unit",
    name="Staff",
    dn="OU=Staff",
    object_id=None,
    reason=Reason.NEW_UNIT,
    after={"name": "Staff", "parent": "Example Ltd"},
    association=replace(UNIT, object_id=0),
    parent_id=1,
)
MOVED_UNIT = replace(NEW_UNIT, action=Action.UPDATE, object_id=5, reason=Reason.DIRECTORY_CHANGED, association=UNIT)
ENDED_UNIT = OrganizationChange(
    action=Action.DELETE, guid="unit", name="Staff", dn="", object_id=5, reason=Reason.OBJECT_DELETED
)
HANDED_OVER = replace(ENDED_UNIT, action=Action.RELEASE, guid="former", reason=Reason.HANDED_OVER)
TAKEN_UNIT = replace(
    MOVED_UNIT, action=Action.ASSOCIATE, reason=Reason.SAME_NAME, depends_on=(HANDED_OVER.key,), after={}
)


def _shown(
    *organizations: Organization, groups: tuple[ExtensionGroup, ...] = (), extensions: tuple[Extension, ...] = ()
) -> PbxSnapshot:
    return replace(pbx(*extensions), organizations=(ROOT, *organizations), groups=groups)


def _recover_object(
    change: OrganizationChange | GroupChange, shown: PbxSnapshot, *associations: ObjectAssociation
) -> Resolution:
    (resolution,) = _settle([Intent(1, "run", change)], associations, shown)
    return resolution


def _done(resolution: Resolution, detail: str, save: ObjectAssociation | None) -> None:
    assert (resolution.state, resolution.detail) == (JournalState.DONE, detail)
    assert (resolution.save, resolution.drop) == (save, save is None)


def test_an_organization_that_was_created_is_known_again_by_its_name_and_its_place() -> None:
    found = replace(STAFF, id=8)
    elsewhere = Organization(9, "Staff", 8)
    resolution = _recover_object(NEW_UNIT, _shown(found, elsewhere))
    _done(resolution, "the organization had been created", replace(UNIT, object_id=8))


@pytest.mark.parametrize("found", [replace(STAFF, name="staff"), replace(STAFF, parent_id=9)])
def test_an_organization_that_was_not_created_is_planned_again(found: Organization) -> None:
    _failed(_recover_object(NEW_UNIT, _shown(found)), "the organization was not created")


def test_an_organization_that_another_unit_has_was_not_created() -> None:
    _failed(_recover_object(NEW_UNIT, _shown(STAFF), FORMER), "the organization was not created")


def test_an_organization_that_the_unit_has_already_stays_its_own() -> None:
    _done(_recover_object(NEW_UNIT, _shown(STAFF), UNIT), "the organization had been created", UNIT)


def test_of_two_changes_of_one_object_both_are_done() -> None:
    """Each run may leave one behind; the second finds the object its own by what the first has settled."""
    for change, save in ((MOVED_UNIT, UNIT), (CHANGED_GROUP, GROUP)):
        intents = [Intent(1, "earlier", change), Intent(2, "run", change)]
        resolutions = _settle(intents, [], _shown(STAFF, groups=(SALES,)))
        assert [(one.state, one.save) for one in resolutions] == [(JournalState.DONE, save)] * 2


def test_a_change_that_names_no_object_did_nothing() -> None:
    """The root's id is 1, and no id is 0."""
    _failed(_recover_object(replace(MOVED_UNIT, object_id=None), _shown(STAFF)), "the organization is gone")
    unnamed = replace(CHANGED_GROUP, object_id=None)
    anew = _recover_object(unnamed, _shown(groups=(replace(SALES, id=1),)))
    _done(anew, "the extension group had been created", replace(GROUP, object_id=1))


def test_an_organization_that_was_changed_is_remembered_where_it_was_put() -> None:
    """One that is to be deleted is remembered as nowhere, and is put somewhere all the same."""
    leaving = replace(MOVED_UNIT, association=replace(UNIT, parent_id=0))
    for change in (MOVED_UNIT, leaving):
        assert change.association is not None
        _done(_recover_object(change, _shown(STAFF), UNIT), "the organization had been changed", change.association)


@pytest.mark.parametrize("found", [replace(STAFF, name="Old"), replace(STAFF, parent_id=9)])
def test_an_organization_that_was_not_changed_is_planned_again(found: Organization) -> None:
    _failed(_recover_object(MOVED_UNIT, _shown(found), UNIT), "the organization had not been changed")


def test_an_organization_that_is_gone_was_not_changed() -> None:
    _failed(_recover_object(MOVED_UNIT, _shown(), UNIT), "the organization is gone")


def test_an_organization_that_was_deleted_is_forgotten() -> None:
    _done(_recover_object(ENDED_UNIT, _shown(), UNIT), "the organization had been deleted", None)
    _failed(_recover_object(ENDED_UNIT, _shown(STAFF), UNIT), "the organization was not deleted")


@pytest.mark.parametrize("change", [NEW_UNIT, MOVED_UNIT, ENDED_UNIT])
def test_while_organization_management_is_off_nothing_is_known_of_organizations(change: OrganizationChange) -> None:
    resolution = _recover_object(change, pbx(), UNIT)
    _failed(resolution, "the PBX shows no organizations while organization management is off")


@pytest.mark.parametrize(("name", "state"), [("New Ltd", JournalState.DONE), ("Old Ltd", JournalState.FAILED)])
def test_the_company_name_has_no_association(name: str, state: JournalState) -> None:
    change = replace(ENDED_UNIT, action=Action.UPDATE, object_id=1, after={"name": "New Ltd"})
    resolution = _recover_object(change, replace(_shown(), organizations=(replace(ROOT, name=name),)))
    assert (resolution.state, resolution.save, resolution.drop) == (state, None, False)


def test_what_was_handed_over_ended_with_what_took_it() -> None:
    both = [Intent(1, "run", HANDED_OVER), Intent(2, "run", TAKEN_UNIT)]
    ended, taken = _settle(both, [FORMER], _shown(STAFF))
    _done(ended, "the association had ended", None)
    _done(taken, "the organization had been changed", UNIT)


def test_what_was_handed_over_may_be_forgotten_already() -> None:
    both = [Intent(1, "run", HANDED_OVER), Intent(2, "run", TAKEN_UNIT)]
    ended, taken = _settle(both, [UNIT], _shown(STAFF))
    _done(ended, "the association had ended", None)
    _done(taken, "the organization had been changed", UNIT)
    (alone,) = _settle([Intent(1, "run", HANDED_OVER)], [], _shown(STAFF))
    _failed(alone, "the association had not ended")


def test_what_was_not_taken_is_still_the_former_ones() -> None:
    renamed = replace(TAKEN_UNIT, after={"name": "STAFF"}, association=replace(UNIT, name="STAFF"))
    for intents in (
        [Intent(1, "run", HANDED_OVER)],
        [Intent(1, "run", HANDED_OVER), Intent(2, "run", renamed)],
        [Intent(1, "earlier", HANDED_OVER), Intent(2, "run", renamed)],
    ):
        for resolution in _settle(intents, [FORMER], _shown(STAFF)):
            assert (resolution.state, resolution.save, resolution.drop) == (JournalState.FAILED, None, False)


def test_what_another_unit_has_was_not_taken() -> None:
    alone = replace(TAKEN_UNIT, depends_on=())
    _failed(_recover_object(alone, _shown(STAFF), FORMER), "the organization had not been changed")


def test_an_object_change_without_association_is_refused() -> None:
    _failed(_recover_object(replace(NEW_UNIT, association=None), _shown(STAFF)), "the journal row names no association")
    _failed(
        _recover_object(replace(NEW_GROUP, association=None), _shown(groups=(SALES,))),
        "the journal row names no association",
    )


# --- extension groups


SALES = ExtensionGroup(20, "Sales", (1, 2))
GROUP = ObjectAssociation(
    "group",
    ObjectKind.EXTENSION_GROUP,
    RuleKind.GROUPS,
    20,
    "CN=Sales",
    "Sales",
    Origin.CREATED,
    members=(1, 2),
)
NEW_GROUP = GroupChange(
    action=Action.CREATE,
    guid="group",
    name="Sales",
    dn="CN=Sales",
    object_id=None,
    reason=Reason.NEW_GROUP,
    after={"name": "Sales"},
    association=replace(GROUP, object_id=0),
)
CHANGED_GROUP = replace(
    NEW_GROUP, action=Action.UPDATE, object_id=20, reason=Reason.DIRECTORY_CHANGED, association=GROUP
)
ENDED_GROUP = GroupChange(
    action=Action.DELETE, guid="group", name="Sales", dn="", object_id=20, reason=Reason.OBJECT_DELETED
)
NOT_WRITTEN = "the extension group had not been written"


def test_a_group_that_was_created_is_known_again_by_its_name_and_its_members() -> None:
    resolution = _recover_object(NEW_GROUP, _shown(groups=(replace(SALES, id=30),)))
    _done(resolution, "the extension group had been created", replace(GROUP, object_id=30))


@pytest.mark.parametrize(
    "found", [replace(SALES, name="sales"), replace(SALES, members=(1,)), replace(SALES, includes_all=True)]
)
def test_another_group_was_not_created_by_the_change(found: ExtensionGroup) -> None:
    _failed(_recover_object(NEW_GROUP, _shown(groups=(found,))), NOT_WRITTEN)


def test_a_group_that_somebody_has_was_not_created_by_the_change() -> None:
    _failed(_recover_object(NEW_GROUP, _shown(groups=(SALES,)), replace(GROUP, guid="other")), NOT_WRITTEN)


def test_a_group_that_was_changed_is_remembered() -> None:
    _done(_recover_object(CHANGED_GROUP, _shown(groups=(SALES,)), GROUP), "the extension group had been changed", GROUP)
    _failed(_recover_object(CHANGED_GROUP, _shown(groups=(replace(SALES, members=()),)), GROUP), NOT_WRITTEN)


def test_a_group_that_was_made_anew_leaves_the_former_one_to_be_deleted() -> None:
    former, anew = replace(SALES, name="Old"), replace(SALES, id=30)
    resolution = _recover_object(CHANGED_GROUP, _shown(groups=(former, anew)), replace(GROUP, name="Old"))
    _done(resolution, "the extension group had been created", replace(GROUP, object_id=30, leftover_id=20))


def test_a_group_that_another_one_has_by_now_was_not_taken_over() -> None:
    taken = replace(CHANGED_GROUP, action=Action.ASSOCIATE, reason=Reason.SAME_NAME)
    _failed(_recover_object(taken, _shown(groups=(SALES,)), replace(GROUP, guid="other")), NOT_WRITTEN)


def test_a_group_that_was_deleted_is_forgotten() -> None:
    _done(_recover_object(ENDED_GROUP, _shown(), GROUP), "the extension group had been deleted", None)
    _failed(_recover_object(ENDED_GROUP, _shown(groups=(SALES,)), GROUP), "the extension group was not deleted")


def test_what_was_left_of_a_group_and_is_deleted_leaves_the_group_as_it_is() -> None:
    leftover = replace(ENDED_GROUP, object_id=19, reason=Reason.LEFTOVER, part="leftover", association=GROUP)
    resolution = _recover_object(leftover, _shown(groups=(SALES,)), replace(GROUP, leftover_id=19))
    _done(resolution, "the extension group had been deleted", GROUP)
