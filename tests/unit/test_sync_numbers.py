# SPDX-License-Identifier: GPL-3.0-or-later
"""Which number a newcomer gets."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import RetiredNumber
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.numbers import (
    Numbering,
    TakenNumbers,
    give_numbers,
    is_number,
    number_of,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import NumberFrom

from tests.unit.sync_builders import NOW, guid, retired, rule, user

START = rule(number_start=1000, number_end=1003, number_rest_days=30)
ATTRIBUTE = rule(number_from=NumberFrom.ATTRIBUTE)
ADA, BEN, CID = user("ada"), user("ben"), user("cid")


def _from_start(
    *people: DirectoryUser,
    in_use: Collection[str] = (),
    being_freed: Collection[str] = (),
    resting: Sequence[RetiredNumber] = (),
    days: int = 30,
) -> Numbering:
    with_days = rule(number_start=1000, number_end=1003, number_rest_days=days)
    return give_numbers(with_days, people, TakenNumbers(in_use, being_freed, resting), NOW)


def _names(numbering: Numbering) -> dict[str, str]:
    return {key.removeprefix("guid-"): number for key, number in numbering.numbers.items()}


def _codes(numbering: Numbering) -> list[tuple[str, str]]:
    return [(conflict.name, conflict.code) for conflict in numbering.conflicts]


def test_the_first_free_numbers_from_the_start_in_the_given_order() -> None:
    assert _names(_from_start(BEN, ADA)) == {"ben": "1000", "ada": "1001"}


def test_taken_freed_and_resting_numbers_are_passed_over() -> None:
    numbering = _from_start(ADA, in_use={"1000"}, being_freed={"1001"}, resting=[retired("1002", "ben")])
    assert _names(numbering) == {"ada": "1003"}


def test_a_number_that_the_pbx_refused_rests_too_and_is_nobodys() -> None:
    assert _names(_from_start(ADA, resting=[retired("1000")])) == {"ada": "1001"}


@pytest.mark.parametrize(
    ("days_ago", "number"),
    [(29.99, "1001"), (30, "1000"), (31, "1000")],
)
def test_a_number_rests_for_as_many_days_as_the_rule_says(days_ago: float, number: str) -> None:
    assert _names(_from_start(ADA, resting=[retired("1000", "ben", days_ago=days_ago)])) == {"ada": number}


def test_no_rest_is_no_rest() -> None:
    assert _names(_from_start(ADA, resting=[retired("1000", "ben", days_ago=0)], days=0)) == {"ada": "1000"}


def test_who_returns_has_their_number_back_and_nobody_else_gets_it() -> None:
    numbering = _from_start(ADA, BEN, resting=[retired("1000", "ben")])
    assert _names(numbering) == {"ada": "1001", "ben": "1000"}


def test_who_comes_after_one_that_returns_has_a_number_too() -> None:
    assert _names(_from_start(ADA, BEN, resting=[retired("1000", "ada")])) == {"ada": "1000", "ben": "1001"}


def test_who_returns_has_their_number_back_even_from_outside_of_the_range() -> None:
    assert _names(_from_start(BEN, resting=[retired("77", "ben")])) == {"ben": "77"}


@pytest.mark.parametrize("taken", [{"in_use": {"1002"}}, {"being_freed": {"1002"}}])
def test_who_returns_gets_another_number_when_theirs_is_taken(taken: dict[str, set[str]]) -> None:
    numbering = _from_start(
        BEN,
        resting=[retired("1002", "ben")],
        in_use=taken.get("in_use", ()),
        being_freed=taken.get("being_freed", ()),
    )
    assert _names(numbering) == {"ben": "1000"}


def test_a_range_may_be_used_to_its_end_and_no_further() -> None:
    numbering = _from_start(ADA, BEN, CID, in_use={"1000", "1001"})
    assert _names(numbering) == {"ada": "1002", "ben": "1003"}
    assert _codes(numbering) == [("cid", "number_range_exhausted")]
    assert "1000 to 1003" in numbering.conflicts[0].message


def test_each_that_no_number_is_left_for_is_told_and_who_returns_is_not_among_them() -> None:
    numbering = _from_start(ADA, BEN, CID, in_use={"1000", "1001", "1002", "1003"}, resting=[retired("77", "cid")])
    assert _names(numbering) == {"cid": "77"}
    assert _codes(numbering) == [("ada", "number_range_exhausted"), ("ben", "number_range_exhausted")]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "number_missing"),
        ("  ", "number_missing"),
        ("12a", "number_invalid"),
        ("+4930123", "number_invalid"),
        ("123456789", "number_invalid"),
        ("12 34", "number_invalid"),
        ("\u0661\u0662", "number_invalid"),
        ("12\n", ""),
        (" 1201 ", ""),
        ("0", ""),
        ("12345678", ""),
    ],
)
def test_an_attribute_is_taken_as_it_is_or_not_at_all(text: str, code: str) -> None:
    numbering = give_numbers(ATTRIBUTE, [user("ada", ipPhone=text)], TakenNumbers((), (), ()), NOW)
    assert _codes(numbering) == ([("ada", code)] if code else [])
    assert _names(numbering) == ({} if code else {"ada": text.strip()})
    assert all(conflict.message.startswith("ipPhone ") for conflict in numbering.conflicts)


def test_the_rule_says_which_attribute() -> None:
    other = rule(number_from=NumberFrom.ATTRIBUTE, number_attribute="pager")
    numbering = give_numbers(other, [user("ada", ipPhone="1", pager="2")], TakenNumbers((), (), ()), NOW)
    assert _names(numbering) == {"ada": "2"}


def test_two_who_claim_one_number_both_go_without() -> None:
    people = [user("ada", ipPhone="1201"), user("ben", ipPhone=" 1201"), user("cid", ipPhone="1202")]
    numbering = give_numbers(ATTRIBUTE, people, TakenNumbers((), (), ()), NOW)
    assert _names(numbering) == {"cid": "1202"}
    assert _codes(numbering) == [("ada", "number_shared"), ("ben", "number_shared")]
    assert "ipPhone 1201 is also that of ben." in numbering.conflicts[0].message
    assert "ipPhone 1201 is also that of ada." in numbering.conflicts[1].message


def test_a_number_in_use_is_refused_to_all_who_claim_it() -> None:
    people = [user("ada", ipPhone="1201"), user("ben", ipPhone="1201")]
    numbering = give_numbers(ATTRIBUTE, people, TakenNumbers({"1201"}, (), ()), NOW)
    assert _names(numbering) == {}
    assert _codes(numbering) == [("ada", "number_in_use"), ("ben", "number_in_use")]


def test_an_attribute_may_name_a_number_that_is_being_freed_or_resting() -> None:
    people = [user("ada", ipPhone="1201"), user("ben", ipPhone="1202")]
    numbering = give_numbers(ATTRIBUTE, people, TakenNumbers((), {"1201"}, [retired("1202", "cid")]), NOW)
    assert _names(numbering) == {"ada": "1201", "ben": "1202"}


def test_leading_zeros_are_part_of_a_number() -> None:
    people = [user("ada", ipPhone="0100"), user("ben", ipPhone="100")]
    numbering = give_numbers(ATTRIBUTE, people, TakenNumbers({"100"}, (), ()), NOW)
    assert _names(numbering) == {"ada": "0100"}


def test_what_is_a_number() -> None:
    assert is_number("1201")
    assert not is_number("1201\n")
    assert not is_number("")
    assert number_of(user("ada", ipPhone=" 7 "), "ipPhone") == "7"
    assert number_of(user("ada"), "ipPhone") == ""
    assert guid("ada") not in give_numbers(START, [], TakenNumbers((), (), ()), NOW).numbers
