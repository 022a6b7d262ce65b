# SPDX-License-Identifier: GPL-3.0-or-later
"""How many calls are under way at once, by how long they take and what becomes of them."""

from __future__ import annotations

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.pace import Pace


def _worked_off(pace: Pace, at_once: int, calls: int, *, seconds: float = 0.01) -> Pace:
    """The pace after calls to a PBX that works off so many at once, and lets the others wait."""
    for _call in range(calls):
        pace = pace.answered(seconds * max(1.0, pace.bound / at_once))
    return pace


def test_the_first_call_goes_alone() -> None:
    assert Pace(8).bound == 1


@pytest.mark.parametrize("most", [1, 2, 8, 32])
def test_a_pbx_that_lets_nothing_wait_gets_as_many_as_there_may_be(most: int) -> None:
    assert _worked_off(Pace(most), 100, 1000).bound == most


@pytest.mark.parametrize("at_once", [1, 2, 4, 8])
def test_a_pbx_that_works_off_a_few_at_once_gets_those_and_few_more(at_once: int) -> None:
    pace = _worked_off(Pace(32), at_once, 60)
    assert at_once <= pace.bound <= at_once + 4


def test_each_round_lets_one_more_through() -> None:
    pace = Pace(8)
    bounds = []
    for _call in range(1 + 2 + 3):
        pace = pace.answered(0.01)
        bounds.append(pace.bound)
    assert bounds == [2, 2, 3, 3, 3, 4]


def test_a_call_without_an_answer_halves_them() -> None:
    pace = _worked_off(Pace(8), 100, 100)
    halved = pace.failed()
    assert (pace.bound, halved.bound, halved.failed().bound) == (8, 4, 2)
    assert Pace(8).failed().bound == 1


def test_those_that_come_to_wait_are_fewer_one_by_one() -> None:
    pace = _worked_off(Pace(8), 100, 100)
    for _call in range(8):
        pace = pace.answered(0.1)
    assert pace.bound == 7


def test_another_kind_of_call_is_measured_by_itself() -> None:
    pace = _worked_off(Pace(8), 100, 100)
    assert _worked_off(pace.anew(), 100, 100, seconds=1.0).bound == 8
    assert _worked_off(pace, 100, 8, seconds=1.0).bound == 7


def test_a_pbx_that_has_grown_slower_is_measured_by_what_it_is_now() -> None:
    pace = _worked_off(Pace(8), 100, 100)
    assert _worked_off(pace, 100, 1000, seconds=0.03).bound == 8


def test_no_time_at_all_is_no_waiting() -> None:
    assert _worked_off(Pace(3), 100, 20, seconds=0.0).bound == 3
