# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords fit the strictest documented rules."""

from __future__ import annotations

import random
import re
import string

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import PbxParameterError
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.passwords import (
    PasswordRule,
    broken_rules,
    fits_rules,
    make_password,
)
from hypothesis import given
from hypothesis import strategies as st

# The rules again, in other words than the code's.
_RUNS = re.compile(
    "|".join(
        [f"{digit * 4}" for digit in string.digits]
        + [string.digits[start : start + 4] for start in range(7)]
        + [string.digits[::-1][start : start + 4] for start in range(7)]
    )
)
_NAMES = st.text(max_size=20) | st.text(alphabet="aAeE1ß", min_size=1, max_size=2)


@given(
    source=st.randoms(use_true_random=True),
    number=st.text(alphabet=string.digits, max_size=8),
    first=_NAMES,
    last=_NAMES,
    length=st.integers(10, 63),
)
def test_every_password_fits(source: random.Random, number: str, first: str, last: str, length: int) -> None:
    password = make_password(source, number, first, last, length=length)
    assert re.fullmatch(r"[A-Za-z0-9]+", password)
    assert len(password) == length
    assert re.search(r"[0-9]", password)
    assert re.search(r"[a-z]", password)
    assert re.search(r"[A-Z]", password)
    assert not _RUNS.search(password)
    for part in (number, first, last):
        assert not part or part.lower() not in password.lower()


@given(middle=st.sampled_from(["1234", "9876", "0000", "7777", "0123", "6789", "3210"]))
def test_four_digits_in_a_row_do_not_fit(middle: str) -> None:
    assert fits_rules("aBcDe135fGh")
    assert not fits_rules(f"aBcDe{middle}fGh")
    assert fits_rules(f"aBcDe{middle[:3]}x{middle[3]}fGh")


@pytest.mark.parametrize(
    "password", ["aB3", "aB3" * 22, "abcdefghij1", "ABCDEFGHIJ1", "abcdefghiJK", "xAnNa12abcd", "abC1201defg"]
)
def test_passwords_that_break_a_rule_do_not_fit(password: str) -> None:
    assert not fits_rules(password, "1201", "Anna", "")


def test_two_passwords_differ() -> None:
    source = random.SystemRandom()
    assert make_password(source) != make_password(source)


def test_default_length_is_never_base64_by_accident() -> None:
    length = len(make_password(random.SystemRandom()))
    assert length % 4
    assert length % 3 == 0


@pytest.mark.parametrize("length", [0, 9, 64])
def test_other_lengths_are_refused(length: int) -> None:
    with pytest.raises(PbxParameterError, match=f"{length} characters"):
        make_password(random.SystemRandom(), length=length)


def test_impossible_wishes_end() -> None:
    with pytest.raises(PbxParameterError, match="No password"):
        make_password(random.SystemRandom(), *string.digits)


@pytest.mark.parametrize(
    ("password", "broken"),
    [
        ("Correct-Horse-77", []),
        ("Correct Horse 77", []),
        ("aB3", ["too_short"]),
        ("aB3" * 22, ["too_long"]),
        ("", ["too_short", "no_digit", "no_upper_case", "no_lower_case"]),
        ("ABCDEFGHIJKL", ["no_digit", "no_lower_case"]),
        ("abcdefghij99", ["no_upper_case"]),
        ("Grüße-an-Alle-1", ["not_ascii"]),
        ("Correct\tHorse-77", ["not_ascii"]),
        ("Correct-Horse-1234", ["digit_run"]),
        ("Correct-Horse-5555", ["digit_run"]),
        ("Correct-1201-Horse", ["number_inside"]),
        ("Correct-ANNA-Horse7", ["name_inside"]),
        ("Correct-Horse-٣٤٥٦", ["no_digit", "not_ascii"]),
    ],
)
def test_each_rule_that_is_broken_is_named(password: str, broken: list[str]) -> None:
    assert [rule.value for rule in broken_rules(password, "1201", ["Anna", ""])] == broken


@given(password=st.text(max_size=70), number=st.text(alphabet=string.digits, max_size=4), name=_NAMES)
def test_what_breaks_no_rule_fits(password: str, number: str, name: str) -> None:
    assert fits_rules(password, number, name) == (
        not set(broken_rules(password, number, [name])) - {PasswordRule.NUMBER_INSIDE}
        and (not number or number not in password)
    )
