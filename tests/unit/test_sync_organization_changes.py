# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of organizations with all that they carry to the PBX, to the ledger and to a report."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Absent
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Origin
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Extension,
    Organization,
    OrganizationReference,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, OrganizationChange, Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import DriftPolicy, OutOfScope, UnitRule

from tests.unit.sync_builders import codes, fields
from tests.unit.test_sync_organizations import DELETE, brief, held, plan, units

STAFF, SALES = Organization(5, "Staff", 1), Organization(6, "Sales", 5)
LEFT = UnitRule(drift=DriftPolicy.REPORT)


def _change(guid: str, name: str, action: Action, reason: Reason, **values: object) -> OrganizationChange:
    known = {"action": action, "guid": guid, "name": name, "dn": f"OU={guid}", "reason": reason, **values}
    return OrganizationChange(**known)  # type: ignore[arg-type]


# --- what a change carries


def test_what_is_created() -> None:
    staff, sales = plan(units({"a": "Staff", "b": "Staff/Sales"})).changes
    known = held("a", replace(STAFF, id=0))
    assert staff == _change(
        "a",
        "Staff",
        Action.CREATE,
        Reason.NEW_UNIT,
        object_id=None,
        after={"name": "Staff", "parent": "Example Ltd"},
        association=known,
        parent_id=1,
    )
    assert sales == _change(
        "b",
        "Staff/Sales",
        Action.CREATE,
        Reason.NEW_UNIT,
        object_id=None,
        after={"name": "Sales", "parent": "Example Ltd/Staff"},
        depends_on=(staff.key,),
        association=held("b", Organization(0, "Sales", 0)),
        parent="a",
    )


def test_one_that_is_made_again_is_remembered_as_it_came_about() -> None:
    (change,) = plan(units({"a": "Staff"}), objects=[held("a", STAFF, origin=Origin.ADOPTED)]).changes
    assert isinstance(change, OrganizationChange)
    assert change.association == held("a", replace(STAFF, id=0), origin=Origin.ADOPTED)


def test_what_is_renamed_and_moved() -> None:
    objects = [held("a", STAFF), held("b", SALES, dn="OU=elsewhere")]
    (change,) = plan(units({"a": "Staff", "b": "Selling"}), STAFF, SALES, objects=objects).changes
    assert change == _change(
        "b",
        "Selling",
        Action.UPDATE,
        Reason.DIRECTORY_CHANGED,
        object_id=6,
        before={"name": "Sales", "parent": "Example Ltd/Staff"},
        after={"name": "Selling", "parent": "Example Ltd"},
        association=held("b", Organization(6, "Selling", 1)),
        parent_id=1,
    )


def test_what_goes_below_one_that_is_created_waits_for_it() -> None:
    creation, change = plan(units({"a": "New", "b": "New/Staff"}), STAFF, objects=[held("b", STAFF)]).changes
    assert change == _change(
        "b",
        "New/Staff",
        Action.UPDATE,
        Reason.DIRECTORY_CHANGED,
        object_id=5,
        before={"parent": "Example Ltd"},
        after={"parent": "Example Ltd/New"},
        depends_on=(creation.key,),
        association=held("b", replace(STAFF, parent_id=0)),
        parent="a",
    )


@pytest.mark.parametrize("name", ["staff", "Staff"])
def test_what_an_administrator_made_is_taken_over(name: str) -> None:
    rule = UnitRule(associate_by_name=True)
    (change,) = plan(units({"a": "Staff"}), replace(STAFF, name=name), rule=rule).changes
    differs = name != "Staff"
    assert change == _change(
        "a",
        "Staff",
        Action.ASSOCIATE,
        Reason.SAME_NAME,
        object_id=5,
        before={"name": name} if differs else {},
        after={"name": "Staff"} if differs else {},
        association=held("a", STAFF, origin=Origin.ADOPTED),
        parent_id=1,
    )


def test_what_is_handed_over() -> None:
    gone = Absent(deleted=frozenset({"old"}))
    release, taking = plan(
        units({"new": "Staff"}), STAFF, objects=[held("old", STAFF)], absent=gone, rule=DELETE
    ).changes
    assert release == _change("old", "Staff", Action.RELEASE, Reason.HANDED_OVER, object_id=5)
    assert taking.depends_on == (release.key,)


def test_one_that_is_handed_over_under_a_name_that_is_freed_first_waits_for_both() -> None:
    """The new unit spells the name as another one did, which goes."""
    exact, other = Organization(5, "staff", 1), Organization(7, "Staff", 1)
    made = plan(
        units({"new": "STAFF", "b": "Other"}),
        exact,
        other,
        objects=[held("old", exact), held("b", other)],
        absent=Absent(deleted=frozenset({"old"})),
        rule=DELETE,
    )
    taking = next(change for change in made.changes if change.action is Action.ASSOCIATE)
    assert set(taking.depends_on) == {"organization:release:old", "organization:update:b"}


def test_what_is_below_one_that_is_taken_over_is_created_in_it() -> None:
    rule = UnitRule(associate_by_name=True)
    taking, creation = plan(units({"a": "staff", "b": "staff/Sales"}), STAFF, rule=rule).changes
    assert isinstance(creation, OrganizationChange)
    assert (taking.action, creation.parent_id, creation.parent, creation.depends_on) == (Action.ASSOCIATE, 5, "", ())
    assert creation.after == {"name": "Sales", "parent": "Example Ltd/staff"}


def test_what_is_deleted_and_what_is_released() -> None:
    objects = [held("a", STAFF), held("b", SALES)]
    gone = Absent(deleted=frozenset({"a", "b"}))
    sales, staff = plan((), STAFF, SALES, objects=objects, absent=gone, rule=DELETE).changes
    assert sales == _change(
        "b",
        "Sales",
        Action.DELETE,
        Reason.OBJECT_DELETED,
        object_id=6,
        before={"name": "Sales", "parent": "Example Ltd/Staff"},
    )
    assert staff.before == {"name": "Staff", "parent": "Example Ltd"}
    (released,) = plan((), STAFF, objects=[held("a", STAFF)], absent=Absent(deleted=frozenset({"a"}))).changes
    assert released == _change("a", "Staff", Action.RELEASE, Reason.OBJECT_DELETED, object_id=5)


def test_a_passing_name() -> None:
    one, two = Organization(5, "One", 1), Organization(6, "Two", 1)
    made = plan(units({"a": "Two", "b": "One"}), one, two, objects=[held("a", one), held("b", two)])
    (change,) = [one for one in made.changes if one.part]
    name = change.after["name"]
    assert change == _change(
        change.guid,
        {"a": "Two", "b": "One"}[change.guid],
        Action.UPDATE,
        Reason.NAME_EXCHANGE,
        object_id={"a": 5, "b": 6}[change.guid],
        before={"name": {"a": "One", "b": "Two"}[change.guid]},
        after={"name": name},
        association=held(change.guid, Organization({"a": 5, "b": 6}[change.guid], name, 1)),
        parent_id=1,
        part="vacate",
    )


def test_a_name_that_was_freed_by_a_deletion_is_given_after_it() -> None:
    old, new = Organization(5, "Old", 1), Organization(6, "New", 1)
    gone = Absent(deleted=frozenset({"a"}))
    deletion, renaming = plan(
        units({"b": "OLD"}), old, new, objects=[held("a", old), held("b", new)], absent=gone, rule=DELETE
    ).changes
    assert (deletion.action, renaming.depends_on) == (Action.DELETE, (deletion.key,))


def test_all_that_is_as_it_is_to_be_is_counted() -> None:
    taken_in = units({"a": "Staff", "b": "Staff/Sales"})
    assert plan(taken_in, STAFF, SALES, objects=[held("a", STAFF), held("b", SALES)]).unchanged == 2


# --- room


def _full(count: int) -> list[Organization]:
    return [Organization(100 + number, f"Hand {number}", 1) for number in range(count)]


@pytest.mark.parametrize(("there", "fit"), [(46, 3), (47, 3), (48, 2), (49, 1), (50, 0), (51, 0)])
def test_as_many_are_created_as_there_is_room_for(there: int, fit: int) -> None:
    made = plan(units({"a": "A", "b": "B", "c": "C"}), *_full(there), model="P550")
    assert [change.name for change in made.changes] == ["A", "B", "C"][:fit]
    assert codes(made) == [(name, "no_room") for name in ["A", "B", "C"][fit:]]
    for conflict in made.conflicts:
        assert conflict.message == (
            "The PBX takes 50 organizations and has no room for this one. Delete some on the PBX, or narrow the scope."
        )


def test_what_is_deleted_first_makes_room_for_one_each() -> None:
    old = [Organization(5, "Old 1", 1), Organization(6, "Old 2", 1)]
    made = plan(
        units({"a": "A", "b": "B", "c": "C", "d": "D"}),
        *_full(47),
        *old,
        objects=[held(f"o{one.id}", one) for one in old],
        absent=Absent(deleted=frozenset({"o5", "o6"})),
        rule=DELETE,
        model="P550",
    )
    assert [(change.name, change.depends_on) for change in made.changes if change.action is Action.CREATE] == [
        ("A", ()),
        ("B", ("organization:delete:o5",)),
        ("C", ("organization:delete:o6",)),
    ]
    assert codes(made) == [("D", "no_room")]


# --- what stands in the way, in words


@pytest.mark.parametrize(
    ("rule", "objects", "remedy"),
    [
        (UnitRule(), [], "Set associate_by_name to take it over, or rename one of the two"),
        # One that has an organization of its own takes no other one over.
        (UnitRule(), [held("a", Organization(9, "Former", 1))], "Rename one of the two"),
    ],
)
def test_what_can_be_done_about_a_name_that_is_taken(rule: UnitRule, objects: list[object], remedy: str) -> None:
    own = Organization(9, "Former", 1)
    made = plan(units({"a": "Staff"}), STAFF, own, objects=objects, rule=rule)  # type: ignore[arg-type]
    assert [one.message for one in made.conflicts] == [
        f"The PBX has an organization Staff already, which is not this one's. {remedy}, for example to 'Staff (AD)'."
    ]


def test_an_organization_in_use_is_named_as_it_is_called() -> None:
    by_hand = Organization(9, "By hand", 5)
    strangers = [
        Extension(number, str(number), fields(), organizations=(OrganizationReference(5, "Staff"),))
        for number in (1001, 1000)
    ]
    made = plan(
        (),
        replace(STAFF, name="Renamed"),
        by_hand,
        objects=[held("a", STAFF)],
        absent=Absent(deleted=frozenset({"a"})),
        extensions=strangers,
        rule=DELETE,
    )
    assert [one.message for one in made.conflicts] == [
        "The organization Renamed is to be deleted and holds what the synchronization did not put there: By hand, "
        "extension 1000, extension 1001. It is kept; move them elsewhere on the PBX, or set out_of_scope to release."
    ]


def test_units_of_one_name_are_told_apart_by_what_they_are_in() -> None:
    made = plan(units({"a": "Sales", "b": "South/Sales"}, {"b": ""}))
    assert [(one.name, one.message) for one in made.conflicts] == [
        (
            "South/Sales",
            "Another unit in scope is called Sales too, and both belong below the same organization. Rename this one "
            "in the directory, for example to 'Sales (South)', or take the units between them into the scope.",
        )
    ]
    top = plan(units({"a": "North/Sales", "b": "Sales"}, {"a": ""}))
    assert "'Sales (second)'" in top.conflicts[0].message


def test_a_name_that_the_pbx_would_not_take_is_told_with_the_reason() -> None:
    (conflict,) = plan(units({"a": "two\nlines"})).conflicts
    assert conflict.message.startswith("The name 'two\\nlines' cannot be that of an organization: it ")
    assert "None" not in conflict.message


def test_a_tree_that_is_too_deep_is_told_with_the_number_of_layers() -> None:
    path = "/".join(f"L{number}" for number in range(1, 17))
    made = plan(units({"a": path, **{f"u{n}": "/".join(path.split("/")[:n]) for n in range(1, 16)}}))
    assert [one.message for one in made.conflicts] == [
        "The PBX takes 15 layers of organizations and this one would be below the last. Its users go to the "
        "organization above it. Narrow the scope, or choose a parent_organization further up."
    ]


# --- the order of units, and what a person put elsewhere


def test_a_unit_is_placed_after_the_one_above_it_whatever_their_order() -> None:
    made = plan(units({"c": "A/B/C", "b": "A/B", "a": "A"}))
    assert [change.guid for change in made.changes] == ["a", "b", "c"]
    moved = plan(units({"b": "Sales", "a": "Sales/Staff"}), STAFF, SALES, objects=[held("a", STAFF), held("b", SALES)])
    assert [change.guid for change in moved.changes] == ["b", "a"]


def test_the_name_of_one_that_holds_an_extension_of_nobodys_is_not_taken_from_it() -> None:
    old, new = Organization(5, "Old", 1), Organization(6, "New", 1)
    stranger = Extension(1, "1000", fields(), organizations=(OrganizationReference(5, "Old"),))
    made = plan(
        units({"b": "Old"}),
        old,
        new,
        objects=[held("a", old), held("b", new)],
        absent=Absent(deleted=frozenset({"a"})),
        extensions=[stranger],
        rule=DELETE,
    )
    assert made.changes == ()
    assert codes(made) == [("Old", "object_in_use"), ("Old", "name_taken")]


@pytest.mark.parametrize(
    ("out_of_scope", "expected"),
    [
        # It was put elsewhere, out of one that is deleted now: nothing is left that it could be put back into.
        (OutOfScope.DELETE, ["update Sales directory_changed parent=Example Ltd", "delete Staff object_deleted"]),
        (OutOfScope.RELEASE, ["release Staff object_deleted"]),
    ],
)
def test_one_that_a_person_took_out_of_one_that_goes_is_put_where_it_belongs(
    out_of_scope: OutOfScope, expected: list[str]
) -> None:
    board = Organization(9, "Board", 1)
    staff_is_occupied = Extension(1, "1000", fields(), organizations=(OrganizationReference(9, "Board"),))
    made = plan(
        units({"b": "Sales"}),
        STAFF,
        board,
        replace(SALES, parent_id=9),
        objects=[held("a", STAFF), held("b", SALES)],
        absent=Absent(deleted=frozenset({"a"})),
        extensions=[staff_is_occupied],
        rule=replace(LEFT, out_of_scope=out_of_scope),
    )
    assert sorted(brief(made)) == sorted(expected)


def test_one_that_a_person_renamed_bears_no_passing_name_where_it_is_to_change_places() -> None:
    board, present, other = Organization(9, "Board", 1), Organization(5, "Hand", 1), Organization(6, "Hand", 9)
    objects = [held("p", board), held("a", present, name="Former"), held("b", other)]
    taken_in = units({"p": "Board", "a": "Board/Former", "b": "Hand"})
    made = plan(taken_in, board, present, other, objects=objects, rule=LEFT)
    assert (brief(made), codes(made)) == ([], [("Board/Former", "name_taken"), ("Hand", "name_taken")])


def test_one_that_a_person_moved_bears_no_passing_name_where_it_is_to_change_names() -> None:
    alpha, beta = Organization(8, "Alpha", 1), Organization(9, "Beta", 1)
    present, other = Organization(5, "One", 9), Organization(6, "Two", 9)
    objects = [held("p", alpha), held("q", beta), held("a", present, parent_id=8), held("b", other)]
    taken_in = units({"p": "Alpha", "q": "Beta", "a": "Alpha/Two", "b": "Beta/One"})
    made = plan(taken_in, alpha, beta, present, other, objects=objects, rule=LEFT)
    assert (brief(made), codes(made)) == ([], [("Alpha/Two", "name_taken"), ("Beta/One", "name_taken")])
