# SPDX-License-Identifier: GPL-3.0-or-later
"""Units become organizations: what is created, renamed, moved, handed over, kept and deleted, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import (
    Absent,
    DirectoryUnit,
    People,
    UnitSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    ObjectAssociation,
    ObjectKind,
    Origin,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Extension,
    Organization,
    OrganizationReference,
    PbxCapacity,
    PbxIdentity,
    PbxSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    OrganizationChange,
    Plan,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import OutOfScope, RuleKind, UnitRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.unit_plan import plan_units

from tests.unit.sync_builders import DOMAIN, codes, fields

ROOT = Organization(1, "Example Ltd", 0)
DELETE = UnitRule(out_of_scope=OutOfScope.DELETE)


def units(paths: Mapping[str, str], parents: Mapping[str, str] | None = None) -> tuple[DirectoryUnit, ...]:
    """Units by their objectGUIDs, each with its path; a parent is the unit of the path above unless it is given."""
    by_path = {path: guid for guid, path in paths.items()}
    above = {guid: by_path.get(path.rpartition("/")[0], "") for guid, path in paths.items()} | dict(parents or {})
    return tuple(DirectoryUnit(guid, f"OU={guid}", tuple(path.split("/")), above[guid]) for guid, path in paths.items())


def held(guid: str, organization: Organization, **changed: str | int) -> ObjectAssociation:
    """The association of a unit with an organization, last written as it is but for what is given."""
    association = ObjectAssociation(
        guid=guid,
        kind=ObjectKind.ORGANIZATION,
        rule=RuleKind.ORGANIZATIONAL_UNITS,
        object_id=organization.id,
        dn=f"OU={guid}",
        name=organization.name,
        origin=Origin.CREATED,
        parent_id=organization.parent_id,
    )
    return replace(association, **changed)  # type: ignore[arg-type]


def plan(
    taken_in: Sequence[DirectoryUnit],
    *organizations: Organization,
    objects: Sequence[ObjectAssociation] = (),
    absent: Absent | None = None,
    extensions: Sequence[Extension] = (),
    rule: UnitRule | None = None,
    model: str = "P570",
    anchor: int = ROOT.id,
    hidden: Mapping[str, str] | None = None,
) -> Plan:
    """Plan with these organizations below the root; nobody has an extension of the synchronization's."""
    return plan_units(
        rule or UnitRule(),
        UnitSnapshot(DOMAIN, tuple(taken_in), People({}), absent=absent or Absent(), hidden=hidden or {}),
        PbxSnapshot(
            PbxIdentity("3631A1234567", model, "37.20.0.19"),
            PbxCapacity(100, len(extensions)),
            tuple(extensions),
            organizations=(ROOT, *organizations),
        ),
        [],
        objects,
        anchor=anchor,
    )


def brief(made: Plan) -> list[str]:
    """The changes in their order, each as "action name reason" and, where the PBX is written, the fields afterwards."""
    return [
        " ".join(
            [change.action, change.name, change.reason, *(f"{key}={value}" for key, value in change.after.items())]
        )
        for change in made.changes
    ]


def test_parents_are_created_before_their_children_which_wait_for_them() -> None:
    made = plan(units({"b": "Staff/Sales", "a": "Staff"}))
    assert brief(made) == [
        "create Staff new_unit name=Staff parent=Example Ltd",
        "create Staff/Sales new_unit name=Sales parent=Example Ltd/Staff",
    ]
    assert made.changes[1].depends_on == ("organization:create:a",)


def test_a_renamed_and_moved_unit_keeps_its_organization() -> None:
    staff, sales = Organization(5, "Staff", 1), Organization(6, "Sales", 5)
    made = plan(units({"a": "Staff", "b": "Vertrieb"}), staff, sales, objects=[held("a", staff), held("b", sales)])
    assert brief(made) == ["update Vertrieb directory_changed name=Vertrieb parent=Example Ltd"]
    assert (made.changes[0].object_id, made.unchanged) == (6, 1)


def test_units_that_exchange_their_names_pass_through_a_name_of_the_moment() -> None:
    one, two = Organization(5, "One", 1), Organization(6, "Two", 1)
    made = plan(units({"a": "Two", "b": "One"}), one, two, objects=[held("a", one), held("b", two)])
    assert [change.part for change in made.changes].count("vacate") == 1
    assert [change.key for change in made.changes if change.depends_on]
    names = {5: "One", 6: "Two"}
    for change in made.changes:
        names[change.object_id or 0] = change.after["name"]
        assert len(set(names.values())) == len(names)
    assert names == {5: "Two", 6: "One"}


def test_a_unit_that_was_deleted_and_made_again_takes_the_organization_over() -> None:
    staff = Organization(5, "Staff", 1)
    made = plan(
        units({"new": "Staff"}),
        staff,
        objects=[held("old", staff)],
        absent=Absent(deleted=frozenset({"old"})),
        rule=DELETE,
    )
    assert brief(made) == ["release Staff handed_over", "associate Staff same_name"]
    assert made.changes[1].object_id == 5


def test_of_two_units_of_one_name_at_one_place_the_one_that_has_it_keeps_it() -> None:
    sales = Organization(5, "Sales", 1)
    taken_in = units({"a": "North/Sales", "b": "South/Sales"}, {"a": "", "b": ""})
    made = plan(taken_in, sales, objects=[held("b", sales)])
    assert (made.changes, codes(made)) == ((), [("North/Sales", "name_shared")])
    assert "Sales (North)" in made.conflicts[0].message


def test_an_organization_made_by_hand_is_a_conflict_or_taken_over() -> None:
    by_hand = Organization(5, "staff", 1)
    left = plan(units({"a": "Staff"}), by_hand)
    assert (left.changes, codes(left)) == ((), [("Staff", "name_taken")])
    taken = plan(units({"a": "Staff"}), by_hand, rule=UnitRule(associate_by_name=True))
    assert brief(taken) == ["associate Staff same_name name=Staff"]


def test_children_are_deleted_before_their_parents() -> None:
    staff, sales = Organization(5, "Staff", 1), Organization(6, "Sales", 5)
    gone = Absent(deleted=frozenset({"a", "b"}))
    objects = [held("a", staff), held("b", sales)]
    made = plan((), staff, sales, objects=objects, absent=gone, rule=DELETE)
    assert brief(made) == ["delete Sales object_deleted", "delete Staff object_deleted"]
    assert made.changes[1].depends_on == ("organization:delete:b",)
    released = plan((), staff, sales, objects=objects, absent=gone)
    assert {change.action for change in released.changes} == {"release"}


def test_an_organization_that_holds_what_is_not_the_synchronizations_is_kept() -> None:
    staff, by_hand = Organization(5, "Staff", 1), Organization(6, "By hand", 5)
    stranger = Extension(1, "1000", fields(), organizations=(OrganizationReference(5, "Staff"),))
    gone = Absent(outside=frozenset({"a"}))
    made = plan((), staff, by_hand, objects=[held("a", staff)], absent=gone, extensions=[stranger], rule=DELETE)
    assert (made.changes, codes(made)) == ((), [("Staff", "object_in_use")])
    for word in ("By hand", "1000"):
        assert word in made.conflicts[0].message


def test_a_unit_of_which_nothing_is_known_keeps_its_organization() -> None:
    staff = Organization(5, "Staff", 1)
    made = plan((), staff, objects=[held("a", staff)], absent=Absent(missing=frozenset({"a"})), rule=DELETE)
    assert (made.changes, codes(made)) == ((), [("Staff", "object_not_found")])


def test_what_does_not_fit_is_named_and_an_empty_one_that_goes_makes_room() -> None:
    full = [Organization(id_, f"Hand {id_}", 1) for id_ in range(10, 59)]
    old = Organization(5, "Old", 1)
    none_left = plan(units({"a": "New"}), *full, old, objects=[held("o", old)], model="P550")
    assert [code for _name, code in codes(none_left)] == ["no_room"]
    made = plan(
        units({"a": "New"}),
        *full,
        old,
        objects=[held("o", old)],
        absent=Absent(deleted=frozenset({"o"})),
        rule=DELETE,
        model="P550",
    )
    assert brief(made) == ["delete Old object_deleted", "create New new_unit name=New parent=Example Ltd"]
    assert made.changes[1].depends_on == ("organization:delete:o",)


def test_what_would_be_below_the_last_layer_is_named_and_what_is_above_it_is_made() -> None:
    path = [f"L{number}" for number in range(1, 17)]
    made = plan(units({f"u{length:02}": "/".join(path[:length]) for length in range(1, 17)}))
    assert len(made.changes) == 15
    assert codes(made) == [("/".join(path), "too_deep")]


def test_what_was_changed_by_hand_is_put_back_and_told_as_drift() -> None:
    staff, elsewhere = Organization(5, "Renamed by hand", 9), Organization(9, "By hand", 1)
    known = held("a", Organization(5, "Staff", 1))
    made = plan(units({"a": "Staff"}), elsewhere, staff, objects=[known])
    assert brief(made) == ["update Staff drift name=Staff parent=Example Ltd"]
    assert made.changes[0].drift == ("name", "parent")


def test_an_organization_deleted_by_hand_is_created_again() -> None:
    made = plan(units({"a": "Staff"}), objects=[held("a", Organization(5, "Staff", 1))])
    assert brief(made) == ["create Staff object_missing name=Staff parent=Example Ltd"]


def test_a_name_that_the_pbx_would_not_take_is_a_conflict_with_a_proposal() -> None:
    made = plan(units({"a": "x" * 128, "b": "two\nlines"}))
    assert (made.changes, {code for _name, code in codes(made)}) == ((), {"name_invalid"})
    assert repr("x" * 127) in "".join(conflict.message for conflict in made.conflicts)
    assert "'two lines'" in "".join(conflict.message for conflict in made.conflicts)


# --- one change after the other


def _possible(made: Plan, *organizations: Organization) -> dict[int, tuple[str, int]]:
    """Carry out renames and moves one by one, as the PBX would; return the name and the parent of each at the end."""
    places = {one.id: (one.name, one.parent_id) for one in (ROOT, *organizations)}
    done: set[str] = set()
    for change in made.changes:
        assert isinstance(change, OrganizationChange)
        assert set(change.depends_on) <= done
        assert change.object_id is not None
        if change.action is Action.DELETE:
            assert change.object_id not in {parent for _name, parent in places.values()}
            del places[change.object_id]
        else:
            above = change.parent_id
            while above:
                assert above != change.object_id
                above = places[above][1]
            places[change.object_id] = (change.after.get("name", places[change.object_id][0]), change.parent_id)
        assert len(set(places.values())) == len(places)
        done.add(change.key)
    return places


def test_a_unit_that_goes_below_one_that_was_below_it_waits_until_that_has_left() -> None:
    upper, lower = Organization(5, "Upper", 1), Organization(6, "Lower", 5)
    objects = [held("a", upper), held("b", lower)]
    made = plan(units({"b": "Lower", "a": "Lower/Upper"}), upper, lower, objects=objects)
    assert _possible(made, upper, lower) == {1: (ROOT.name, 0), 5: ("Upper", 6), 6: ("Lower", 1)}
    assert made.changes[1].depends_on == ("organization:update:b",)


def test_one_that_cannot_leave_is_passed_over_by_the_one_that_was_to_go_below_it() -> None:
    """Otherwise both would be below each other."""
    upper, lower, by_hand = Organization(5, "Upper", 1), Organization(6, "Lower", 5), Organization(7, "Lower", 1)
    objects = [held("a", upper), held("b", lower)]
    made = plan(units({"b": "Lower", "a": "Lower/Upper"}), upper, lower, by_hand, objects=objects)
    assert (made.changes, codes(made)) == ((), [("Lower", "name_taken")])


def test_names_handed_on_in_a_row_longer_than_it_is_followed_are_all_given() -> None:
    present = [Organization(id_, f"N{id_}", 1) for id_ in range(10, 75)]
    called = {f"u{one.id}": f"N{one.id + 1}" for one in present}
    made = plan(units(called), *present, objects=[held(f"u{one.id}", one) for one in present])
    after = _possible(made, *present)
    assert all(after[one.id][0] == f"N{one.id + 1}" for one in present)
    assert [change.part for change in made.changes].count("vacate") == 1


def test_a_name_that_waits_for_a_deletion_comes_after_it() -> None:
    old, new = Organization(5, "Old", 1), Organization(6, "New", 1)
    child = Organization(7, "Child", 5)
    objects = [held("a", old), held("b", new), held("c", child)]
    gone = Absent(deleted=frozenset({"a"}))
    made = plan(units({"b": "Old", "c": "Old/Child"}), old, new, child, objects=objects, absent=gone, rule=DELETE)
    assert brief(made)[0].startswith("update Old name_exchange name=Old (")
    assert _possible(made, old, new, child) == {1: (ROOT.name, 0), 6: ("Old", 1), 7: ("Child", 6)}
    assert isinstance(made.changes[0], OrganizationChange)
    assert made.changes[0].association == held("a", old, name=made.changes[0].after["name"], parent_id=0)


def test_the_name_of_an_organization_that_cannot_be_deleted_stays_its_own() -> None:
    old, new, by_hand = Organization(5, "Old", 1), Organization(6, "New", 1), Organization(7, "By hand", 5)
    gone = Absent(deleted=frozenset({"a"}))
    made = plan(
        units({"b": "Old"}), old, new, by_hand, objects=[held("a", old), held("b", new)], absent=gone, rule=DELETE
    )
    assert (made.changes, codes(made)) == ((), [("Old", "object_in_use"), ("Old", "name_taken")])


def test_a_unit_whose_name_is_held_by_one_that_is_stuck_is_stuck_too() -> None:
    one, two, by_hand = Organization(5, "One", 1), Organization(6, "Two", 1), Organization(7, "Three", 1)
    made = plan(units({"a": "Two", "b": "Three"}), one, two, by_hand, objects=[held("a", one), held("b", two)])
    assert (made.changes, codes(made)) == ((), [("Three", "name_taken"), ("Two", "name_taken")])


def test_an_empty_organization_whose_name_a_new_unit_has_is_taken_over_and_not_deleted_first() -> None:
    staff, other = Organization(5, "Staff", 1), Organization(6, "Other", 1)
    made = plan(
        units({"new": "STAFF"}),
        staff,
        other,
        objects=[held("old", staff), held("gone", other)],
        absent=Absent(deleted=frozenset({"old", "gone"})),
        rule=DELETE,
    )
    assert brief(made) == [
        "delete Other object_deleted",
        "release Staff handed_over",
        "associate STAFF same_name name=STAFF",
    ]


def test_of_two_organizations_that_differ_in_capital_letters_the_one_that_is_spelled_so_is_meant() -> None:
    exact, other = Organization(5, "Sales", 1), Organization(6, "sales", 1)
    for present in ((exact, other), (other, exact)):
        taken = plan(units({"a": "Sales"}), *present, rule=UnitRule(associate_by_name=True))
        assert [change.object_id for change in taken.changes] == [5]
        assert plan(units({"a": "Sales"}), *present, objects=[held("a", exact)]).conflicts == ()


# --- layers


def _chain(length: int) -> list[Organization]:
    """Organizations made by hand, each below the one before it."""
    return [Organization(100 + layer, f"{layer}", 99 + layer if layer else 1) for layer in range(length)]


def test_a_tree_that_would_be_too_deep_stays_where_it_is() -> None:
    first, second = Organization(5, "First", 1), Organization(6, "Second", 5)
    deep = _chain(14)
    objects = [held("a", first), held("b", second)]
    made = plan(units({"a": "First", "b": "First/Second"}), first, second, *deep, objects=objects, anchor=deep[-1].id)
    assert (made.changes, codes(made)) == ((), [("First", "too_deep")])
    assert "It stays where it is" in made.conflicts[0].message
    assert plan(units({"a": "First", "b": "First/Second"}), *deep, anchor=deep[-2].id).conflicts == ()


def test_what_leaves_a_tree_goes_before_the_tree_moves_down() -> None:
    first, second, third = Organization(5, "First", 1), Organization(6, "Second", 5), Organization(7, "Third", 6)
    deep = _chain(14)
    objects = [held("a", first), held("b", second), held("c", third)]
    taken_in = units({"a": "First", "b": "Second", "c": "Third"})
    made = plan(taken_in, first, second, third, *deep, objects=objects, anchor=deep[-1].id)
    assert codes(made) == []
    after = _possible(made, first, second, third, *deep)
    assert {after[id_][1] for id_ in (5, 6, 7)} == {deep[-1].id}
    assert [change.object_id for change in made.changes] == [7, 6, 5]
    assert set(made.changes[2].depends_on) == {"organization:update:b", "organization:update:c"}


def test_a_unit_below_one_that_comes_up_waits_for_it() -> None:
    deep = _chain(15)
    moved = held("a", deep[-1])
    made = plan(units({"a": deep[-1].name, "b": f"{deep[-1].name}/New"}), *deep, objects=[moved])
    assert [change.key for change in made.changes] == ["organization:update:a", "organization:create:b"]
    assert made.changes[1].depends_on == ("organization:update:a",)


# --- what is remembered without a call


def test_a_unit_that_was_only_moved_in_the_directory_is_remembered_where_it_is() -> None:
    staff = Organization(5, "Staff", 1)
    made = plan(units({"a": "Staff"}), staff, objects=[held("a", staff, dn="OU=elsewhere")])
    assert (made.changes, made.refreshed, made.unchanged) == ((), (held("a", staff),), 1)


def test_what_cannot_be_deleted_is_remembered_once_as_what_nobody_is_put_into() -> None:
    staff, by_hand = Organization(5, "Staff", 1), Organization(6, "By hand", 5)
    gone = Absent(deleted=frozenset({"a"}))
    first = plan((), staff, by_hand, objects=[held("a", staff)], absent=gone, rule=DELETE)
    assert (first.changes, first.refreshed) == ((), (held("a", staff, parent_id=0),))
    assert plan((), staff, by_hand, objects=first.refreshed, absent=gone, rule=DELETE).refreshed == ()  # type: ignore[arg-type]
    back = plan(units({"a": "Staff"}), staff, by_hand, objects=first.refreshed)  # type: ignore[arg-type]
    assert (back.changes, back.refreshed) == ((), (held("a", staff),))


# --- units that are not shown


def test_an_organization_that_was_to_be_deleted_is_kept_where_its_unit_is_no_longer_shown() -> None:
    staff = Organization(5, "Staff", 1)
    ending = held("a", staff, parent_id=0)
    made = plan((), staff, objects=[ending], absent=Absent(missing=frozenset({"a"})), rule=DELETE)
    assert (made.changes, made.refreshed) == ((), (held("a", staff),))


def test_what_is_neither_shown_nor_on_the_pbx_is_named_and_left() -> None:
    unseen = held("a", Organization(5, "Staff", 1))
    made = plan((), objects=[unseen], absent=Absent(missing=frozenset({"a"})), rule=DELETE)
    assert (made.changes, made.refreshed, codes(made)) == ((), (), [("Staff", "object_not_found")])


def test_a_unit_below_one_that_is_not_shown_stays_below_its_organization() -> None:
    staff, sales = Organization(5, "Staff", 1), Organization(6, "Sales", 5)
    made = plan(
        units({"b": "Staff/Sales"}, {"b": "a"}),
        staff,
        sales,
        objects=[held("a", staff), held("b", sales)],
        absent=Absent(missing=frozenset({"a"})),
        hidden={"a": ""},
        rule=DELETE,
    )
    assert (made.changes, codes(made)) == ((), [("Staff", "object_not_found")])
