# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""LDAP filters that people write (RFC 4515), checked before anything is asked.

Blanks between the parts are allowed, as the vendor's guide prints them: ``(& (objectClass=user) (cn=sales*))``.
"""

from __future__ import annotations

import re

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import FilterError

_NAME = r"[A-Za-z][A-Za-z0-9;-]*|\d+(?:\.\d+)+(?:;[A-Za-z0-9-]+)*"
_ITEM = re.compile(
    rf"""\s*
    (?: (?P<name>{_NAME}) \s* (?P<operator>=|~=|>=|<=)
      | (?P<matched>{_NAME})? \s* (?P<dn>:dn)? \s* (?::\s*(?P<rule>{_NAME}))? \s* :=
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_BLANKS = re.compile(r"\s*")
_VALUE = re.compile(r"(?:[^()\\\0]|\\[0-9A-Fa-f]{2})*")
_DEEPEST = 100
_REMEDY = "Correct the filter; a ( ) * or \\ that is part of a value is written \\28 \\29 \\2a \\5c."


def normalize_filter(text: str) -> str:
    """Return one whole filter without the blanks between its parts.

    :raises FilterError: if the text is not exactly one filter; the message names the parameter ``filter``.
    """
    parser = _Parser(text)
    parser.skip_blanks()
    normal = parser.read_filter(1)
    parser.skip_blanks()
    if parser.position != len(text):
        raise parser.error("there is something after the end of the filter; join several with (&...) or (|...)")
    return normal


class _Parser:
    """Reads a filter from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def error(self, why: str) -> FilterError:
        return FilterError(f"filter is not an LDAP filter: {why} (at character {self.position + 1}).", _REMEDY)

    def skip_blanks(self) -> None:
        found = _BLANKS.match(self.text, self.position)
        self.position = found.end() if found else self.position

    def read_filter(self, depth: int) -> str:
        if depth > _DEEPEST:
            raise self.error(f"it is nested deeper than {_DEEPEST} levels")
        self._expect("(")
        self.skip_blanks()
        kind = self._peek()
        if kind and kind in "&|!":
            self.position += 1
            inner = f"{kind}{self._read_list(depth, single=kind == '!')}"
        else:
            inner = self._read_item()
        self._expect(")")
        return f"({inner})"

    def _read_list(self, depth: int, *, single: bool) -> str:
        parts: list[str] = []
        self.skip_blanks()
        while self._peek() == "(" and not (single and parts):
            parts.append(self.read_filter(depth + 1))
            self.skip_blanks()
        if not parts:
            raise self.error("& | and ! need filters in parentheses after them")
        return "".join(parts)

    def _read_item(self) -> str:
        found = _ITEM.match(self.text, self.position)
        if not found or not (found["name"] or found["matched"] or found["rule"]):
            raise self.error("expected an attribute's name and =")
        self.position = found.end()
        value = _VALUE.match(self.text, self.position)
        self.position = value.end() if value else self.position
        content = value[0].strip() if value else ""
        if found["name"]:
            if not content:
                raise self.error("a value is missing; * stands for any")
            return f"{found['name']}{found['operator']}{content}"
        rule = f":{found['rule']}" if found["rule"] else ""
        return f"{found['matched'] or ''}{(found['dn'] or '').lower()}{rule}:={content}"

    def _peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def _expect(self, character: str) -> None:
        if self._peek() != character:
            raise self.error(f"expected {character}")
        self.position += 1
