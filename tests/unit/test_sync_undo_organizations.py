# SPDX-License-Identifier: GPL-3.0-or-later
"""How each change of an organization is undone, and what stands in the way of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.images import OrganizationImage
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Done
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectAssociation, Origin
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Organization
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    OrganizationChange,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rollback import Rollback

from tests.unit.undo_builders import ROOT, brief, conflicts, extension, lost, rolled_back, row, unit, user

SALES, STAFF = Organization(7, "Sales", 1), Organization(8, "Staff", 1)
IN_SALES = unit("Sales", 7)


def _first(made: Rollback) -> OrganizationChange:
    change = made.plan.changes[0]
    assert isinstance(change, OrganizationChange)
    return change


def _updated(
    before: Organization, after: Organization, *, path: str = "", former: ObjectAssociation = IN_SALES, id_: int = 3
) -> Done:
    """The update that renamed an organization, or put it below another one, of this path."""
    written = {"name": after.name} if after.name != before.name else {}
    written |= {"parent": path} if path else {}
    latter = replace(former, name=after.name, parent_id=after.parent_id)
    image = OrganizationImage(before.name, before.parent_id)
    return row(id_, Action.UPDATE, former, latter, image, after=written, parent_id=after.parent_id)


def _undone(updated: Done, *now: Organization) -> Rollback:
    held = updated.latter
    assert held is not None
    return rolled_back(updated, organizations=(ROOT, *now), held=[held])


def test_while_organization_management_is_off_nothing_is_put_back() -> None:
    made = rolled_back(row(1, Action.DELETE, IN_SALES, None, OrganizationImage("Sales", 1)), organizations=None)
    assert (made.plan.changes, conflicts(made)) == ((), [])
    assert lost(made) == [("Sales", "what became of the organization, for organization management is off")]


# --- the company's name


@pytest.mark.parametrize(
    ("now", "expected", "unchanged", "code"),
    [
        ("Company", ["organization:update:company:1 | rolled_back | name: Company>Old name"], 0, []),
        ("Old name", [], 1, []),
        ("By hand", [], 0, ["changed_since"]),
    ],
)
def test_the_companys_name_is_put_back_if_nobody_has_changed_it(
    now: str, expected: list[str], unchanged: int, code: list[str]
) -> None:
    change = OrganizationChange(
        action=Action.UPDATE,
        guid="company",
        name="Company",
        dn="",
        object_id=1,
        reason=Reason.COMPANY_NAME,
        before={"name": "Old name"},
        after={"name": "Company"},
    )
    made = rolled_back(Done(1, "run", change), organizations=(Organization(1, now, 0),))
    assert (brief(made), made.plan.unchanged) == (expected, unchanged)
    assert [one for _name, one, _message in conflicts(made)] == code
    for _name, _code, message in conflicts(made):
        assert message.startswith(
            'The name of organization Company was "Old name" before the run, which left it "Company"; now it is '
            '"By hand".'
        )
    for undoing in made.plan.changes:
        assert (undoing.object_id, undoing.before) == (1, {"name": "Company"})


def test_what_is_undone_after_the_companys_name_is_told_under_it() -> None:
    naming = row(4, Action.UPDATE, IN_SALES, IN_SALES, guid="company", association=None, after={"name": "Company"})
    renamed = replace(naming, change=replace(naming.change, object_id=1, before={"name": "Old name"}))
    made = rolled_back(_deleted("Sales", 7), replace(renamed, former=None, latter=None))
    assert [change.after for change in made.plan.changes] == [
        {"name": "Old name"},
        {"name": "Sales", "parent": "Old name"},
    ]


def test_all_that_is_as_it_was_is_counted() -> None:
    rows, held = [], []
    for id_ in (7, 8):
        known = unit(f"U{id_}", id_)
        image = OrganizationImage(known.name, 1)
        rows.append(row(id_, Action.UPDATE, known, known, image, after={"name": "Other"}))
        rows.append(row(id_ + 10, Action.UPDATE, known, known, reason=Reason.REMEMBERED))
        held.append(known)
    present = [Organization(id_, f"U{id_}", 1) for id_ in (7, 8)]
    made = rolled_back(*rows, organizations=(ROOT, *present), held=held)
    assert (made.plan.changes, made.plan.unchanged) == ((), 4)


# --- what the run had created


def test_a_created_organization_is_deleted_after_those_below_it() -> None:
    upper, lower = unit("Upper", 7), unit("Lower", 8, below=7)
    rows = [row(1, Action.CREATE, None, upper, object_id=None), row(2, Action.CREATE, None, lower, object_id=None)]
    organizations = (ROOT, Organization(7, "Upper", 1), Organization(8, "Lower", 7))
    made = rolled_back(*rows, organizations=organizations, held=[upper, lower])
    assert brief(made) == [
        "organization:delete:Lower-guid:2 | rolled_back",
        "organization:delete:Upper-guid:1 | rolled_back | after organization:delete:Lower-guid:2",
    ]
    change = _first(made)
    assert (change.object_id, change.before, change.remembered) == (
        8,
        {"name": "Lower", "parent": "Company/Upper"},
        None,
    )
    assert (change.name, change.dn, change.association) == ("Lower", "OU=Lower", None)


def test_one_that_was_created_in_place_of_one_that_was_gone_is_remembered_as_that_one() -> None:
    former = replace(IN_SALES, object_id=5)
    made = rolled_back(row(1, Action.CREATE, former, IN_SALES), organizations=(ROOT, SALES), held=[IN_SALES])
    assert _first(made).action is Action.DELETE
    assert _first(made).remembered == former


def test_of_a_created_organization_that_is_gone_the_association_ends() -> None:
    made = rolled_back(row(1, Action.CREATE, None, IN_SALES), held=[IN_SALES])
    assert brief(made) == ["organization:release:Sales-guid:1 | rolled_back"]
    assert _first(made).object_id == 7


def test_a_created_organization_that_holds_what_came_since_is_kept() -> None:
    below = (Organization(9, "Zoo", 7), Organization(10, "Club", 7))
    present = [extension(50, "1005", SALES), extension(51, "1004", ROOT, SALES), extension(52, "1003")]
    made = rolled_back(
        row(1, Action.CREATE, None, IN_SALES),
        organizations=(ROOT, SALES, *below),
        extensions=present,
        held=[IN_SALES],
    )
    assert made.plan.changes == ()
    assert conflicts(made) == [
        (
            "Sales",
            "object_in_use",
            "The organization Sales, which the run created, holds what came since: Club, Zoo, extension 1004, "
            "extension 1005. It is kept; move them elsewhere on the PBX, and roll back once more.",
        )
    ]


def test_what_leaves_a_created_organization_later_is_waited_for() -> None:
    anna = user("anna", 41, "1000", organization_id=7)
    rows = (
        row(1, Action.RELEASE, unit("Staff", 8), None),
        row(2, Action.CREATE, None, anna, object_id=None),
        row(3, Action.CREATE, None, IN_SALES, object_id=None),
    )
    present = [extension(41, "1000", SALES)]
    made = rolled_back(*rows, organizations=(ROOT, SALES, STAFF), extensions=present, held=[anna, IN_SALES])
    assert conflicts(made) == []
    assert brief(made) == [
        "delete:anna-guid:2 | rolled_back",
        "organization:associate:Staff-guid:1 | remembered",
        "organization:delete:Sales-guid:3 | rolled_back | after delete:anna-guid:2",
    ]


def test_one_that_was_released_before_another_was_created_is_the_units_again() -> None:
    new = replace(IN_SALES, object_id=8, name="Staff")
    rows = (row(1, Action.RELEASE, IN_SALES, None), row(2, Action.CREATE, None, new, object_id=None))
    made = rolled_back(*rows, organizations=(ROOT, SALES, STAFF), held=[new])
    assert [(change.action, change.object_id) for change in made.plan.changes] == [
        (Action.DELETE, 8),
        (Action.ASSOCIATE, 7),
    ]
    gone = rolled_back(*rows, organizations=(ROOT, SALES), held=[new])
    assert [(change.action, change.object_id) for change in gone.plan.changes] == [
        (Action.RELEASE, 8),
        (Action.ASSOCIATE, 7),
    ]


# --- what the run had deleted


def _deleted(name: str, id_: int, *, below: int = 1, row_id: int = 3) -> Done:
    return row(row_id, Action.DELETE, unit(name, id_, below=below), None, OrganizationImage(name, below))


def test_deleted_organizations_are_made_again_one_below_the_other() -> None:
    made = rolled_back(_deleted("Lower", 8, below=7, row_id=3), _deleted("Upper", 7, row_id=4))
    assert brief(made) == [
        "organization:create:Upper-guid:4 | rolled_back | name: >Upper | parent: >Company",
        "organization:create:Lower-guid:3 | rolled_back | name: >Lower | parent: >Company/Upper "
        "| after organization:create:Upper-guid:4",
    ]
    lower = made.plan.changes[1]
    assert isinstance(lower, OrganizationChange)
    assert (lower.object_id, lower.parent_id, lower.parent) == (None, -7, "")
    assert lower.remembered == unit("Lower", -8, below=-7)
    assert lower.association == unit("Lower", 0, below=0)


def test_one_that_bore_another_name_than_was_written_is_made_under_the_name_that_it_bore() -> None:
    deleted = row(3, Action.DELETE, IN_SALES, None, OrganizationImage("By hand", 1))
    change = _first(rolled_back(deleted))
    assert (change.after, change.remembered) == (
        {"name": "By hand", "parent": "Company"},
        replace(IN_SALES, object_id=-7),
    )
    assert change.association is not None
    assert change.association.name == "By hand"


def test_a_deletion_of_which_no_image_is_there_is_lost() -> None:
    made = rolled_back(row(3, Action.DELETE, IN_SALES, None))
    assert (made.plan.changes, lost(made)) == (
        (),
        [("Sales", "the organization: what it was is not written down")],
    )


@pytest.mark.parametrize(
    ("present", "below", "code", "message"),
    [
        (
            [],
            9,
            "changed_since",
            "The organization Sales cannot be put back: the one below which it was is gone. Put it right by hand.",
        ),
        (
            [Organization(9, "Sales", 1)],
            1,
            "name_taken",
            "The organization cannot be called Sales again: there is another one of this name at its place. Rename one "
            "of the two, and roll back once more.",
        ),
        (
            [Organization(100 + number, f"By hand {number}", 1) for number in range(50)],
            1,
            "no_room",
            "The PBX takes 50 organizations and has no room for Sales, which the run deleted. Delete another one.",
        ),
    ],
)
def test_an_organization_that_cannot_be_made_again_is_told(
    present: Sequence[Organization], below: int, code: str, message: str
) -> None:
    made = rolled_back(_deleted("Sales", 7, below=below), organizations=(ROOT, *present))
    assert (made.plan.changes, conflicts(made)) == ((), [("Sales", code, message)])


def test_an_organization_of_the_name_elsewhere_and_the_last_place_are_in_nobodys_way() -> None:
    present = [Organization(100 + number, f"By hand {number}", 1) for number in range(48)]
    elsewhere = Organization(200, "Sales", 100)
    made = rolled_back(_deleted("Sales", 7), organizations=(ROOT, *present, elsewhere))
    assert (len(made.plan.changes), conflicts(made)) == (1, [])


# --- what the run had written


def test_a_name_and_a_place_are_put_back() -> None:
    after = Organization(7, "Selling", 8)
    made = _undone(_updated(SALES, after, path="Company/Staff"), after, STAFF)
    assert brief(made) == [
        "organization:update:Sales-guid:3 | rolled_back | name: Selling>Sales | parent: Company/Staff>Company"
    ]
    change = _first(made)
    assert (change.object_id, change.parent_id, change.remembered) == (7, 1, IN_SALES)
    assert change.association == replace(IN_SALES, parent_id=0)


def test_a_name_alone_is_put_back_where_the_organization_is() -> None:
    below = Organization(7, "Selling", 8)
    former = replace(IN_SALES, parent_id=8)
    made = _undone(_updated(Organization(7, "Sales", 8), below, former=former), below, STAFF)
    assert brief(made) == ["organization:update:Sales-guid:3 | rolled_back | name: Selling>Sales"]
    assert _first(made).parent_id == 8


@pytest.mark.parametrize(
    ("now", "expected", "message", "remembered"),
    [
        (
            Organization(7, "By hand", 8),
            "parent: Company/Staff>Company",
            'The name of organization Sales was "Sales" before the run, which left it "Selling"; now it is "By hand".',
            ("Selling", 1),
        ),
        (
            Organization(7, "Selling", 9),
            "name: Selling>Sales",
            'The parent of organization Sales was "Company" before the run, which left it "Company/Staff"; now it is '
            '"Company/Club".',
            ("Sales", 8),
        ),
    ],
)
def test_what_was_changed_since_stays_and_all_else_is_put_back(
    now: Organization, expected: str, message: str, remembered: tuple[str, int]
) -> None:
    updated = _updated(SALES, Organization(7, "Selling", 8), path="Company/Staff")
    made = _undone(updated, now, STAFF, Organization(9, "Club", 1))
    assert brief(made) == [f"organization:update:Sales-guid:3 | rolled_back | {expected}"]
    ((_name, code, told),) = conflicts(made)
    assert (code, told.startswith(message)) == ("changed_since", True)
    known = _first(made).remembered
    assert known is not None
    assert (known.name, known.parent_id) == remembered


def test_what_somebody_has_put_back_already_is_only_remembered() -> None:
    updated = _updated(SALES, Organization(7, "Selling", 1))
    made = _undone(updated, SALES)
    assert brief(made) == ["organization:update:Sales-guid:3 | remembered"]
    assert (_first(made).remembered, made.plan.unchanged) == (IN_SALES, 0)
    again = rolled_back(updated, organizations=(ROOT, SALES), held=[IN_SALES])
    assert (again.plan.changes, again.plan.unchanged) == ((), 1)


def test_an_organization_that_is_gone_is_told() -> None:
    made = _undone(_updated(SALES, Organization(7, "Selling", 1)))
    assert made.plan.changes == ()
    assert conflicts(made) == [
        (
            "Sales",
            "changed_since",
            "The organization Sales was deleted after the run, so that what the run changed of it cannot be put back. "
            "The next synchronization makes it anew, if the directory still asks for it.",
        )
    ]


def test_a_name_that_is_anothers_by_now_is_not_put_back_and_nothing_of_it_is_remembered() -> None:
    after = Organization(7, "Selling", 1)
    made = _undone(_updated(SALES, after), after, Organization(9, "Sales", 1))
    assert made.plan.changes == ()
    assert [code for _name, code, _message in conflicts(made)] == ["name_taken"]
    assert made.plan.unchanged == 1


def test_an_organization_does_not_go_back_below_one_that_is_below_it_by_now() -> None:
    before, after = Organization(7, "Sales", 8), Organization(7, "Sales", 1)
    updated = _updated(before, after, path="Company", former=replace(IN_SALES, parent_id=8))
    made = _undone(updated, after, Organization(9, "Between", 7), Organization(8, "Staff", 9))
    assert made.plan.changes == ()
    assert conflicts(made) == [
        (
            "Sales",
            "changed_since",
            "The organization Sales cannot be put back: the one below which it was is below it now. Put it right by "
            "hand.",
        )
    ]


def test_a_place_below_one_that_the_run_deleted_is_put_back_after_that_is_made_again() -> None:
    before, after = Organization(7, "Sales", 8), Organization(7, "Sales", 1)
    former = replace(IN_SALES, parent_id=8)
    moved = _updated(before, after, path="Company", former=former)
    latter = moved.latter
    assert latter is not None
    made = rolled_back(moved, _deleted("Staff", 8, row_id=4), organizations=(ROOT, after), held=[latter])
    assert brief(made)[1] == (
        "organization:update:Sales-guid:3 | rolled_back | parent: Company>Company/Staff "
        "| after organization:create:Staff-guid:4"
    )
    change = made.plan.changes[1]
    assert isinstance(change, OrganizationChange)
    assert (change.parent_id, change.remembered) == (-8, replace(IN_SALES, parent_id=-8))


def test_an_organization_that_the_run_created_is_deleted_after_what_was_moved_below_it() -> None:
    staff = unit("Staff", 8)
    after = Organization(7, "Sales", 8)
    moved = _updated(SALES, after, path="Company/Staff")
    latter = moved.latter
    assert latter is not None
    created = row(1, Action.CREATE, None, staff, object_id=None)
    made = rolled_back(created, moved, organizations=(ROOT, after, STAFF), held=[latter, staff])
    assert brief(made) == [
        "organization:update:Sales-guid:3 | rolled_back | parent: Company/Staff>Company",
        "organization:delete:Staff-guid:1 | rolled_back | after organization:update:Sales-guid:3",
    ]


# --- names that were exchanged

PASSING = "Sales (passing)"


def _renamed(id_: int, of: ObjectAssociation, before: Organization, after: Organization, path: str = "") -> Done:
    done = _updated(before, after, path=path, former=replace(of, name=before.name, parent_id=before.parent_id), id_=id_)
    return replace(done, change=replace(done.change, before={"name": before.name}, name=of.name))


def _exchanged(last: Done) -> list[Done]:
    """Staff has got the name of Sales, which bore another one in passing."""
    return [
        _renamed(1, IN_SALES, SALES, replace(SALES, name=PASSING)),
        _renamed(2, unit("Staff", 8), STAFF, replace(STAFF, name="Sales")),
        last,
    ]


def _after_the_exchange(sales: str, *held: ObjectAssociation) -> Rollback:
    """Undo the exchange of Sales and Staff; Sales has this name by now."""
    rows = _exchanged(_renamed(3, IN_SALES, replace(SALES, name=PASSING), replace(SALES, name="Staff")))
    now = (ROOT, replace(SALES, name=sales), replace(STAFF, name="Sales"))
    return rolled_back(*rows, organizations=now, held=[replace(IN_SALES, name="Staff"), *held])


STAFF_AS_SALES = replace(unit("Staff", 8), name="Sales")


def test_names_that_were_exchanged_go_back_the_way_they_came() -> None:
    made = _after_the_exchange("Staff", STAFF_AS_SALES)
    assert conflicts(made) == []
    assert [change.after for change in made.plan.changes] == [{"name": PASSING}, {"name": "Staff"}, {"name": "Sales"}]


def test_who_cannot_have_the_former_name_again_keeps_the_one_of_the_exchange() -> None:
    made = _after_the_exchange("Staff")
    assert made.plan.changes == ()
    assert [(name, code) for name, code, _message in conflicts(made)] == [
        ("Sales", "name_taken"),
        ("Staff", "changed_since"),
    ]
    assert "cannot be called Sales again" in conflicts(made)[0][2]


def test_a_name_that_was_exchanged_and_changed_since_is_told_once_and_truly() -> None:
    made = _after_the_exchange("By hand", STAFF_AS_SALES)
    assert [change.after for change in made.plan.changes] == [{"name": "Staff"}]
    ((name, code, message),) = conflicts(made)
    assert (name, code) == ("Sales", "changed_since")
    assert message.startswith(
        'The name of organization Sales was "Sales" before the run, which left it "Staff"; now it is "By hand".'
    )


def test_one_that_has_the_same_name_elsewhere_goes_back_by_the_passing_one() -> None:
    moved = Organization(7, "Sales", 8)
    rows = _exchanged(_renamed(3, IN_SALES, replace(SALES, name=PASSING), moved, "Company/Sales"))
    now = (ROOT, moved, replace(STAFF, name="Sales"))
    held = [replace(IN_SALES, parent_id=8), STAFF_AS_SALES]
    made = rolled_back(*rows, organizations=now, held=held)
    assert conflicts(made) == []
    assert [change.after for change in made.plan.changes] == [
        {"name": PASSING, "parent": "Company"},
        {"name": "Staff"},
        {"name": "Sales"},
    ]


def test_one_that_was_deleted_under_a_passing_name_is_not_made_again_if_the_former_one_is_taken() -> None:
    deleted = row(
        3,
        Action.DELETE,
        replace(IN_SALES, name=PASSING),
        None,
        OrganizationImage(PASSING, 1),
        name="Sales",
        before={"name": PASSING, "parent": "Company"},
    )
    now = (ROOT, replace(STAFF, name="Sales"))
    made = rolled_back(*_exchanged(deleted), organizations=now)
    assert made.plan.changes == ()
    assert [(name, code) for name, code, _message in conflicts(made)] == [
        ("Sales", "name_taken"),
        ("Staff", "changed_since"),
    ]
    made = rolled_back(*_exchanged(deleted), organizations=now, held=[STAFF_AS_SALES])
    assert conflicts(made) == []
    assert [change.after.get("name") for change in made.plan.changes] == [PASSING, "Staff", "Sales"]


# --- what the run had taken over


def test_an_organization_that_was_taken_over_gets_its_name_back_and_is_released() -> None:
    latter = unit("Sales", 7, origin=Origin.ADOPTED)
    image = OrganizationImage("sales", 1)
    taken = row(3, Action.ASSOCIATE, None, latter, image, after={"name": "Sales"}, parent_id=1)
    made = rolled_back(taken, organizations=(ROOT, SALES), held=[latter])
    assert brief(made) == [
        "organization:update:Sales-guid:3.fields | rolled_back | name: Sales>sales",
        "organization:release:Sales-guid:3 | rolled_back | after organization:update:Sales-guid:3.fields",
    ]
    assert _first(made).remembered == latter
    untouched = rolled_back(taken, organizations=(ROOT, Organization(7, "sales", 1)), held=[latter])
    assert brief(untouched) == ["organization:release:Sales-guid:3 | rolled_back"]
    assert (untouched.plan.unchanged, _first(untouched).object_id) == (0, 7)


def test_one_that_was_taken_over_is_only_released_where_no_image_tells_what_it_was() -> None:
    latter = unit("Sales", 7, origin=Origin.ADOPTED)
    made = rolled_back(row(3, Action.ASSOCIATE, None, latter), organizations=(ROOT, SALES), held=[latter])
    assert brief(made) == ["organization:release:Sales-guid:3 | rolled_back"]


# --- what the run had released


def test_a_released_organization_is_the_units_again() -> None:
    moved = Organization(7, "By hand", 8)
    made = rolled_back(row(3, Action.RELEASE, IN_SALES, None), organizations=(ROOT, moved, STAFF))
    assert brief(made) == ["organization:associate:Sales-guid:3 | remembered"]
    change = _first(made)
    assert (change.object_id, change.parent_id, change.remembered) == (7, 8, IN_SALES)
    assert change.association == replace(IN_SALES, name="By hand", parent_id=0)


def test_a_released_organization_waits_for_the_one_that_it_was_put_below() -> None:
    rows = (row(3, Action.RELEASE, unit("Sales", 7, below=8), None), _deleted("Staff", 8, row_id=4))
    made = rolled_back(*rows, organizations=(ROOT, SALES))
    again = made.plan.changes[1]
    assert isinstance(again, OrganizationChange)
    assert again.depends_on == ("organization:create:Staff-guid:4",)
    assert again.remembered == unit("Sales", 7, below=-8)


def test_a_released_organization_that_is_gone_is_lost() -> None:
    made = rolled_back(row(3, Action.RELEASE, IN_SALES, None))
    assert (made.plan.changes, lost(made)) == (
        (),
        [("Sales", "its association: the organization is gone from the PBX")],
    )


def test_a_released_organization_that_is_another_units_since_is_left() -> None:
    made = rolled_back(row(3, Action.RELEASE, IN_SALES, None), organizations=(ROOT, SALES), held=[unit("Selling", 7)])
    assert (made.plan.changes, conflicts(made)) == (
        (),
        [("Sales", "changed_since", "The organization Sales, which the run released, is another unit's since.")],
    )


# --- what the run had only remembered


def test_what_was_remembered_anew_is_remembered_as_before() -> None:
    latter = replace(IN_SALES, parent_id=0)
    noted = row(3, Action.UPDATE, IN_SALES, latter, reason=Reason.REMEMBERED)
    made = rolled_back(noted, organizations=(ROOT, SALES), held=[latter])
    assert brief(made) == ["organization:update:Sales-guid:3 | remembered"]
    assert (_first(made).object_id, _first(made).remembered, _first(made).association) == (7, IN_SALES, latter)
    again = rolled_back(noted, organizations=(ROOT, SALES), held=[IN_SALES])
    assert (again.plan.changes, again.plan.unchanged) == ((), 1)


def test_what_is_remembered_of_one_that_is_made_again_waits_for_it() -> None:
    below, nowhere = unit("Sales", 7, below=8), replace(IN_SALES, parent_id=0)
    rows = (row(3, Action.UPDATE, below, nowhere, reason=Reason.REMEMBERED), _deleted("Staff", 8, row_id=4))
    made = rolled_back(*rows, organizations=(ROOT, SALES), held=[nowhere])
    assert brief(made)[1] == "organization:update:Sales-guid:3 | remembered | after organization:create:Staff-guid:4"


# --- whose association is another one since


def test_what_is_about_another_organization_since_is_left_and_both_are_named() -> None:
    updated = _updated(SALES, Organization(7, "Selling", 1))
    elsewhere = replace(IN_SALES, object_id=8)
    made = rolled_back(updated, organizations=(ROOT, Organization(7, "Selling", 1), STAFF), held=[elsewhere])
    assert made.plan.changes == ()
    assert conflicts(made)[0][2].startswith(
        'The association of organization Sales was "Selling" before the run, which left it "Selling"; now it '
        'is "Staff".'
    )
