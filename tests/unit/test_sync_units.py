# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree that organizations or groups are made of, from organizational units or from an attribute's values."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryUnit, DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectAssociation, ObjectKind, Origin
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.units import (
    Forest,
    Unit,
    forest_of_units,
    forest_of_values,
    in_order,
    leaves,
    nearest_above,
)

from tests.unit.sync_builders import guid, user

TREE = (
    Unit("g1", "", ("Berlin",)),
    Unit("g2", "", ("Berlin", "sales"), "g1"),
    Unit("g3", "", ("Berlin", "Support"), "g1"),
    Unit("g4", "", ("Berlin", "sales", "West"), "g2"),
    Unit("g5", "", ("Aachen",)),
)


def _people(*values: str) -> list[DirectoryUser]:
    return [user(f"u{number}", department=value) for number, value in enumerate(values)]


def _values(*values: str, separator: str = "/", written: Sequence[tuple[str, str]] = ()) -> Forest:
    associations = [
        ObjectAssociation(
            key, ObjectKind.ORGANIZATION, RuleKind.ORGANIZATIONAL_UNITS, number, "", name, Origin.CREATED, 1
        )
        for number, (key, name) in enumerate(written, 10)
    ]
    return forest_of_values(_people(*values), "department", separator, associations)


def _shown(forest: Forest) -> list[str]:
    return [unit.shown for unit in forest.units]


def test_organizational_units_keep_identity_place_and_users() -> None:
    units = [
        DirectoryUnit("g2", "OU=Sales,OU=Berlin,DC=x", ("Berlin", "Sales"), "g1"),
        DirectoryUnit("g1", "OU=Berlin,DC=x", ("Berlin",)),
    ]
    assert [unit.name for unit in units] == ["Sales", "Berlin"]
    assert forest_of_units(units, {"anna": "g2"}, {"g9": "g1"}) == Forest(
        (
            Unit("g1", "OU=Berlin,DC=x", ("Berlin",)),
            Unit("g2", "OU=Sales,OU=Berlin,DC=x", ("Berlin", "Sales"), "g1"),
        ),
        {"anna": "g2"},
        {"g9": "g1"},
    )


def test_a_unit_below_one_that_is_not_shown_is_known_by_what_is_above_that() -> None:
    units = [DirectoryUnit("g1", "", ("Berlin",)), DirectoryUnit("g2", "", ("Berlin", "x", "Sales"), "g9")]
    forest = forest_of_units(units, {}, {"g9": "g1"})
    assert forest.parents == {"g9": "g1", "g1": "", "g2": "g9"}
    assert nearest_above("g9", forest.parents, {"g1", "g2"}) == "g1"


def test_a_cleared_forest_has_no_units_and_all_places() -> None:
    forest = Forest(TREE[:2], {"anna": "g2"}, {"g9": "g1"})
    assert forest.cleared() == Forest((), {"anna": "g2"}, {"g9": "g1", "g1": "", "g2": "g1"})
    assert forest.cleared().parents == forest.parents


def test_a_value_is_split_into_levels_and_each_is_a_unit() -> None:
    forest = _values("Sales/EMEA", "Sales", "Support/EMEA")
    assert forest.units == (
        Unit("department:sales", "", ("Sales",)),
        Unit("department:sales/emea", "", ("Sales", "EMEA"), "department:sales"),
        Unit("department:support", "", ("Support",)),
        Unit("department:support/emea", "", ("Support", "EMEA"), "department:support"),
    )
    assert forest.homes == {
        guid("u0"): "department:sales/emea",
        guid("u1"): "department:sales",
        guid("u2"): "department:support/emea",
    }


def test_without_a_separator_a_value_is_one_name() -> None:
    forest = _values("Sales/EMEA", "Sales", separator="")
    assert [unit.path for unit in forest.units] == [("Sales",), ("Sales/EMEA",)]
    assert [unit.parent for unit in forest.units] == ["", ""]


@pytest.mark.parametrize("separator", [" > ", "::", "x"])
def test_a_separator_may_be_any_text(separator: str) -> None:
    forest = _values(separator.join(("Berlin", "Sales", "West")), separator=separator)
    assert _shown(forest) == ["Berlin", "Berlin/Sales", "Berlin/Sales/West"]
    assert [unit.parent for unit in forest.units] == ["", *(unit.guid for unit in forest.units[:2])]


@pytest.mark.parametrize("value", [" Sales / EMEA ", "/Sales/EMEA/", "Sales//EMEA", "Sales/ /\tEMEA"])
def test_blanks_and_empty_levels_are_left_out(value: str) -> None:
    assert _values(value).units == _values("Sales/EMEA").units


@pytest.mark.parametrize("separator", ["", "/"])
def test_blanks_within_a_name_are_one_blank(separator: str) -> None:
    assert _shown(_values("  Inside \t Sales ", separator=separator)) == ["Inside Sales"]


@pytest.mark.parametrize("value", ["", " ", "/", " / / "])
def test_a_user_without_a_value_belongs_to_no_unit(value: str) -> None:
    assert _values(value) == Forest((), {})


def test_spellings_in_other_capital_letters_are_one_unit_with_the_first_spelling() -> None:
    forest = _values("sales/West", "SALES/west", "Sales")
    assert _shown(forest) == ["SALES", "SALES/West"]
    assert forest.homes == {
        guid("u0"): "department:sales/west",
        guid("u1"): "department:sales/west",
        guid("u2"): "department:sales",
    }


def test_the_spelling_last_written_is_kept_while_a_user_has_it() -> None:
    written = [("department:sales", "sales"), ("department:sales/west", "West")]
    assert _shown(_values("sales/west", "SALES/WEST", written=written)) == ["sales", "sales/WEST"]
    assert _shown(_values("SALES/West", "SALES/WEST", written=written)) == ["SALES", "SALES/West"]


def test_the_order_of_the_users_does_not_matter() -> None:
    values = ("Sales/EMEA", "sales/emea", "SALES", "Support", "Aachen/Sales")
    assert len({_values(*order).units for order in permutations(values)}) == 1


@pytest.mark.parametrize("order", list(permutations(TREE)))
def test_parents_come_before_children_and_siblings_by_name(order: Sequence[Unit]) -> None:
    assert [unit.guid for unit in in_order(order)] == ["g5", "g1", "g2", "g4", "g3"]


def test_units_of_one_name_are_in_the_order_of_their_guids() -> None:
    twins = [Unit("g2", "", ("a", "Sales")), Unit("g1", "", ("b", "sales"))]
    assert [unit.guid for unit in in_order(twins)] == ["g1", "g2"]


def test_a_unit_whose_parent_is_not_among_them_is_at_the_top_and_none_is_lost() -> None:
    assert [unit.guid for unit in in_order(TREE[1:])] == ["g5", "g2", "g4", "g3"]
    assert in_order(()) == ()


def test_the_nearest_unit_above() -> None:
    parents = Forest(TREE, {}).parents
    assert nearest_above("g4", parents, {"g4", "g1"}) == "g4"
    assert nearest_above("g4", parents, {"g1"}) == "g1"
    assert nearest_above("g4", parents, {"g5"}) == ""
    assert nearest_above("", parents, {"g5"}) == ""
    assert nearest_above("unheard of", parents, {"g5"}) == ""


def test_the_leaves_are_the_units_without_any_below_them() -> None:
    assert [unit.guid for unit in leaves(Forest(in_order(TREE), {}))] == ["g5", "g4", "g3"]


def test_a_unit_is_no_leaf_where_one_in_scope_is_further_below() -> None:
    far = Unit("g6", "", ("aachen", "not in scope", "West"), "")
    assert [unit.guid for unit in leaves(Forest((TREE[4], far), {}))] == ["g6"]


def test_an_empty_forest_has_no_leaves() -> None:
    assert leaves(Forest((), {})) == ()
