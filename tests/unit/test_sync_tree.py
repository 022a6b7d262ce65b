# SPDX-License-Identifier: GPL-3.0-or-later
"""The organization tree while a plan is made: what is where, what it is called and how deep it is."""

from __future__ import annotations

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Organization
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.tree import Node, Tree

ORGANIZATIONS = (
    Organization(1, "Example Ltd", 0),
    Organization(5, "Berlin", 1),
    Organization(6, "Sales", 5),
    Organization(7, "Leipzig", 1),
    Organization(8, "Sales", 7),
    Organization(9, "West", 8),
)


def _tree() -> Tree:
    return Tree.of(ORGANIZATIONS)


@pytest.mark.parametrize(
    ("node", "path"), [(1, "Example Ltd"), (5, "Example Ltd/Berlin"), (9, "Example Ltd/Leipzig/Sales/West")]
)
def test_a_path_begins_with_the_root(node: int, path: str) -> None:
    assert _tree().path(node) == path


@pytest.mark.parametrize(("node", "above", "below"), [(1, [], [5, 7, 6, 8, 9]), (8, [7, 1], [9]), (6, [5, 1], [])])
def test_what_is_above_and_what_is_below(node: int, above: list[Node], below: list[Node]) -> None:
    tree = _tree()
    assert tree.above(node) == above
    assert tree.below(node) == below
    assert tree.layer(node) == len(above)


@pytest.mark.parametrize(("node", "height"), [(1, 3), (7, 2), (8, 1), (9, 0)])
def test_the_height_is_that_of_the_longest_row_below(node: int, height: int) -> None:
    assert _tree().height(node) == height


def test_what_is_moved_takes_all_below_it_along() -> None:
    tree = _tree()
    tree.put(8, "Sales", 5)
    assert tree.path(9) == "Example Ltd/Berlin/Sales/West"
    assert (list(tree.children(5)), list(tree.children(7))) == ([6, 8], [])
    assert (tree.holders("Sales", 5), tree.holder("Sales", 7)) == ([6, 8], None)


def test_what_is_renamed_is_found_by_its_new_name_alone() -> None:
    tree = _tree()
    tree.put(6, "Vertrieb", 5)
    assert (tree.holder("Vertrieb", 5), tree.holder("Sales", 5)) == (6, None)


def test_what_is_removed_is_nowhere() -> None:
    tree = _tree()
    tree.remove(9)
    assert (9 in tree.names, 9 in tree.parents, tree.children(8), tree.holder("West", 8)) == (False, False, [], None)


def test_what_is_still_to_be_created_has_its_place() -> None:
    tree = _tree()
    tree.put("guid-new", "New", 9)
    tree.put("guid-below", "Below", "guid-new")
    assert tree.path("guid-below") == "Example Ltd/Leipzig/Sales/West/New/Below"
    assert (tree.layer("guid-below"), tree.height(7), tree.above("guid-new")) == (5, 4, [9, 8, 7, 1])


def test_capital_letters_make_no_difference_but_the_same_spelling_comes_first() -> None:
    tree = _tree()
    tree.put(3, "SALES", 5)
    tree.put("guid-new", "sales", 5)
    assert tree.holder("Sales", 5) == 6
    assert tree.holders("SALES", 5) == [3, 6, "guid-new"]
    assert tree.holders("SALES", 5, other_than=3) == [6, "guid-new"]
    assert tree.holder("Sales", 7, other_than=8) is None
