# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Passwords of extensions: those that are made for them, and the rules that any has to fit."""

from __future__ import annotations

import itertools
import random
import string
from collections.abc import Sequence
from enum import StrEnum

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import PbxParameterError

# Not a multiple of 4, so never Base64 by accident; a multiple of 3, so that Base64 of it needs no padding.
PASSWORD_LENGTH = 33
_LENGTHS = range(10, 64)
_ALPHABET = string.ascii_letters + string.digits
_RUN = 4
_DRAWS = 10_000


def make_password(source: random.Random, *parts_to_avoid: str, length: int = PASSWORD_LENGTH) -> str:
    """Draw a password that fits the strictest documented rules of any edition.

    10 to 63 letters and digits, with a digit, an upper-case and a lower-case letter, no four digits that are equal
    or count up or down, and none of ``parts_to_avoid`` in it whatever the case. Source: vendor's page "Add an
    Extension", user_password and reg_password; the Cloud Edition's rules hold everywhere.

    :param source: where the randomness comes from; ``random.SystemRandom()`` outside of tests.
    :param parts_to_avoid: the extension's number, first and last name; empty ones do not count.
    :raises PbxParameterError: if the length is outside of 10 to 63, or nothing fits.
    """
    if length not in _LENGTHS:
        raise PbxParameterError(f"A password of {length} characters is none that a PBX takes (10 to 63).")
    for _draw in range(_DRAWS):
        password = "".join(source.choice(_ALPHABET) for _position in range(length))
        if fits_rules(password, *parts_to_avoid):
            return password
    raise PbxParameterError("No password can be made that avoids the extension's number and names.")


class PasswordRule(StrEnum):
    """A rule of the PBX for passwords, by what is wrong with one that breaks it."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    NO_DIGIT = "no_digit"
    NO_UPPER_CASE = "no_upper_case"
    NO_LOWER_CASE = "no_lower_case"
    NOT_ASCII = "not_ascii"
    DIGIT_RUN = "digit_run"
    NUMBER_INSIDE = "number_inside"
    NAME_INSIDE = "name_inside"


#: Those of the Cloud Edition alone (vendor's page "Add an Extension").
CLOUD_RULES = frozenset({PasswordRule.DIGIT_RUN, PasswordRule.NUMBER_INSIDE, PasswordRule.NAME_INSIDE})


def fits_rules(password: str, *parts_to_avoid: str) -> bool:
    """Whether a password fits the rules of ``make_password``."""
    return not broken_rules(password, "", parts_to_avoid)


def broken_rules(password: str, number: str, names: Sequence[str]) -> tuple[PasswordRule, ...]:
    """Name the rules of ``make_password`` that a password breaks, in the order of ``PasswordRule``.

    What is neither a letter nor a digit may be in it, as long as it is printable ASCII: nothing else is documented to
    be taken.

    :param number: the extension's number.
    :param names: its first and last name; empty ones do not count.
    """
    shortest, longest = _LENGTHS[0], _LENGTHS[-1]
    starts = range(len(password) - _RUN + 1)
    breaks = {
        PasswordRule.TOO_SHORT: len(password) < shortest,
        PasswordRule.TOO_LONG: len(password) > longest,
        PasswordRule.NO_DIGIT: not set(password) & set(string.digits),
        PasswordRule.NO_UPPER_CASE: not set(password) & set(string.ascii_uppercase),
        PasswordRule.NO_LOWER_CASE: not set(password) & set(string.ascii_lowercase),
        PasswordRule.NOT_ASCII: not (password.isascii() and password.isprintable()),
        PasswordRule.DIGIT_RUN: any(_is_run(password[start : start + _RUN]) for start in starts),
        PasswordRule.NUMBER_INSIDE: _holds(password, number),
        PasswordRule.NAME_INSIDE: any(_holds(password, name) for name in names),
    }
    return tuple(rule for rule, is_broken in breaks.items() if is_broken)


def _holds(password: str, part: str) -> bool:
    """Whether a part, if there is one, is in a password, whatever the case."""
    return bool(part) and part.casefold() in password.casefold()


def _is_run(text: str) -> bool:
    """Whether these are digits that are all equal, or count up or down by one."""
    if not all(character in string.digits for character in text):
        return False
    steps = {int(following) - int(leading) for leading, following in itertools.pairwise(text)}
    return steps in ({0}, {1}, {-1})
