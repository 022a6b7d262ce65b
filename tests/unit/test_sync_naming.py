# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that the PBX takes, and how units and groups of one name are told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.naming import (
    NAME_LIMIT,
    name_problem,
    passing_name,
    proposed_name,
    told_apart,
    with_suffix,
)

LONG = "x" * NAME_LIMIT
A = "aaaaaaaa-0000-4000-8000-000000000001"
B = "bbbbbbbb-0000-4000-8000-000000000002"
C = "cccccccc-0000-4000-8000-000000000003"
D = "dddddddd-0000-4000-8000-000000000004"


@pytest.mark.parametrize("name", ["Sales", "Ärzte & Pflege", "Sales (Berlin)", "a/b", LONG, "ü" * NAME_LIMIT, " x "])
def test_a_name_that_the_pbx_takes(name: str) -> None:
    assert name_problem(name) == ""


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "it is empty"),
        (" \u00a0 ", "it is empty"),
        (f"{LONG}x", "it has 128 characters and the PBX takes 127"),
        ("Sales\x00", "it contains control characters"),
        ("Sales\nBerlin", "it contains control characters"),
        ("Sales\x7f", "it contains control characters"),
        ("Sales\ud800", "it contains control characters"),
    ],
)
def test_a_name_that_the_pbx_would_not_take(name: str, problem: str) -> None:
    assert name_problem(name) == problem


@pytest.mark.parametrize(
    ("name", "proposal"),
    [
        ("Sales\nBerlin", "Sales Berlin"),
        ("\x00Sales\x7f\x7f West", "Sales West"),
        (f"{LONG}y", LONG),
        (f"{'x' * (NAME_LIMIT - 1)} yz", "x" * (NAME_LIMIT - 1)),
        ("", "Unnamed"),
        ("\x00 \n", "Unnamed"),
    ],
)
def test_the_proposal_for_a_refused_name_is_like_it_and_is_taken(name: str, proposal: str) -> None:
    assert proposed_name(name) == proposal
    assert name_problem(proposal) == ""


def test_a_suffix_stands_in_brackets_and_shortens_the_name_where_it_must() -> None:
    assert with_suffix("Sales", "Berlin") == "Sales (Berlin)"
    assert with_suffix(LONG, "Berlin") == f"{'x' * (NAME_LIMIT - 9)} (Berlin)"
    assert with_suffix(f"{'x' * (NAME_LIMIT - 10)} yy", "Berlin") == f"{'x' * (NAME_LIMIT - 10)} (Berlin)"


@pytest.mark.parametrize("length", range(NAME_LIMIT - 12, NAME_LIMIT + 3))
def test_a_name_with_a_suffix_of_any_length_is_taken(length: int) -> None:
    assert name_problem(with_suffix("Sales", "y" * length)) == ""


@pytest.mark.parametrize("name", ["Sales", LONG])
def test_a_passing_name_is_the_objects_own_and_nobody_elses(name: str) -> None:
    assert passing_name(name, A).endswith(" (aaaaaaaa)")
    assert passing_name(name, A) != passing_name(name, B)
    assert name_problem(passing_name(name, A)) == ""


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        pytest.param({}, {}, id="none"),
        pytest.param(
            {A: ("Berlin", "Sales"), B: ("Berlin", "Support")}, {A: "Sales", B: "Support"}, id="each its own name"
        ),
        pytest.param(
            {A: ("Berlin", "Sales"), B: ("Leipzig", "Sales")},
            {A: "Sales (Berlin)", B: "Sales (Leipzig)"},
            id="two of one name",
        ),
        pytest.param(
            {A: ("Berlin", "Sales"), B: ("Leipzig", "sales")},
            {A: "Sales (Berlin)", B: "sales (Leipzig)"},
            id="capital letters tell nothing apart",
        ),
        pytest.param(
            {A: ("Berlin", "West", "Sales"), B: ("Leipzig", "West", "Sales")},
            {A: "Sales (Berlin/West)", B: "Sales (Leipzig/West)"},
            id="two levels",
        ),
        pytest.param(
            {A: ("Berlin", "West", "Sales"), B: ("Leipzig", "WEST", "Sales"), C: ("Bonn", "Sales")},
            {A: "Sales (Berlin/West)", B: "Sales (Leipzig/WEST)", C: "Sales (Bonn)"},
            id="as many levels as there are",
        ),
        pytest.param(
            {A: ("Sales",), B: ("Leipzig", "Sales")}, {A: "Sales", B: "Sales (Leipzig)"}, id="nothing above one"
        ),
        pytest.param(
            {A: ("Berlin", "Sales"), B: ("Leipzig", "Sales"), C: ("Bonn", "Support")},
            {A: "Sales (Berlin)", B: "Sales (Leipzig)", C: "Support"},
            id="the others keep theirs",
        ),
        pytest.param(
            {A: ("Berlin", "Sales"), B: ("Berlin", "Sales")},
            {A: "Sales (aaaaaaaa)", B: "Sales (bbbbbbbb)"},
            id="the same place",
        ),
        pytest.param({A: ("Sales",), B: ("SALES",)}, {A: "Sales (aaaaaaaa)", B: "SALES (bbbbbbbb)"}, id="both on top"),
        pytest.param(
            {A: ("Berlin", "Sales"), B: ("Leipzig", "Sales"), C: ("Bonn", "Sales (Berlin)")},
            {A: "Sales (aaaaaaaa)", B: "Sales (Leipzig)", C: "Sales (Berlin) (cccccccc)"},
            id="a third is called so",
        ),
    ],
)
def test_objects_of_one_name_are_told_apart_by_what_they_are_in(
    paths: Mapping[str, Sequence[str]], names: Mapping[str, str]
) -> None:
    assert told_apart(paths) == names


MANY: Mapping[str, Sequence[str]] = {
    A: ("Berlin", "Sales"),
    B: ("Leipzig", "SALES"),
    C: ("Sales (Berlin)",),
    D: ("Bonn", "Sales"),
}


@pytest.mark.parametrize("order", list(permutations(MANY)))
def test_the_names_do_not_depend_on_the_order(order: Sequence[str]) -> None:
    assert told_apart({guid: MANY[guid] for guid in order}) == told_apart(MANY)


@pytest.mark.parametrize(
    "paths",
    [
        pytest.param(MANY, id="a literal name in brackets"),
        pytest.param({A: ("Berlin", LONG), B: ("Leipzig", LONG)}, id="long names"),
        pytest.param({A: (f"{LONG}a", "Sales"), B: (f"{LONG}b", "Sales")}, id="long places"),
        pytest.param({A: (LONG, "Sales"), B: (LONG.upper(), "sales"), C: ("Sales",)}, id="places alike"),
        pytest.param(
            {A: ("Berlin", f"{'x' * 118}one"), B: ("Leipzig", f"{'x' * 118}one"), C: ("Berlin", f"{'x' * 118}two")},
            id="alike once they are cut",
        ),
        pytest.param({A: ("Sales",), B: ("sales",), C: ("SALES",), D: ("a", "sALES")}, id="four of one name"),
    ],
)
def test_no_two_are_alike_and_the_pbx_takes_each(paths: Mapping[str, Sequence[str]]) -> None:
    names = told_apart(paths)
    assert names.keys() == paths.keys()
    assert len({name.casefold() for name in names.values()}) == len(paths)
    assert [name_problem(name) for name in names.values()] == [""] * len(paths)


def test_values_of_an_attribute_are_told_apart_by_digits_of_their_own() -> None:
    paths: dict[str, tuple[str, ...]] = {f"department:{where}": (where, "Sales") for where in ("A", "B")}
    paths |= {f"department:sales ({where})": (f"Sales ({where})",) for where in ("A", "B")}
    names = told_apart(paths)
    assert len({name.casefold() for name in names.values()}) == len(paths)
    assert not any("departme" in name for name in names.values())


def test_names_that_meet_the_mark_of_another_are_told_apart_too() -> None:
    paths = {"aaaaaaaa-1": ("Sales",), "bbbbbbbb-1": ("Sales",), "cccccccc-1": ("Sales (aaaaaaaa)",)}
    assert len(set(told_apart(paths).values())) == len(paths)


def test_names_that_are_one_in_two_spellings_are_told_apart_and_look_alikes_are_left() -> None:
    paths = {
        "1": ("Berlin", "Caf\u00e9"),
        "2": ("Leipzig", "Cafe\u0301"),
        "3": ("Berlin", "paypal"),
        "4": ("Leipzig", "p\u0430ypal"),
    }

    assert told_apart(paths) == {
        "1": "Caf\u00e9 (Berlin)",
        "2": "Cafe\u0301 (Leipzig)",
        "3": "paypal",
        "4": "p\u0430ypal",
    }
