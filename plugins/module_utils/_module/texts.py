# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Texts that no option can mean anything by, refused before anybody is asked."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import OptionError

# Longer than any name, path or address can be; a filter may name thousands of objects.
_LONGEST = 4096
_LONGEST_FILTER = 1_000_000
_FILTER = "filter"
# What the module itself has told, names of objects included; it is compared and nothing else.
_ECHOED = "expect_changes"
_BLANKS_OF_FILTER = "\t\n\r"


def require_texts(options: Mapping[str, Any], secret: Collection[str]) -> None:
    """Refuse texts with characters that are none in a name, and those that are too long to be one.

    :param options: the values, however nested, by name.
    :param secret: names of the options whose values may hold any character but NUL.
    :raises OptionError: with the name of the option, and never its value.
    """
    for name, text in _texts(options, ""):
        problem = _problem(name, text, is_secret=name in secret)
        if problem:
            raise OptionError(f"{name} {problem}.", "Correct it; where it comes from a file, look at its end.")


def _texts(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """All texts in a value, each with the name of its option; the keys of dictionaries too."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if name:
                yield name, str(key)
            yield from _texts(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner, name)


def _problem(name: str, text: str, *, is_secret: bool) -> str:
    own_name = name.rpartition(".")[2]
    longest = _LONGEST_FILTER if own_name == _FILTER else _LONGEST
    if len(text) > longest:
        return f"has {len(text)} characters, and {longest} are the most"
    if any(unicodedata.category(character) == "Cs" for character in text):
        return "holds half of a character (a surrogate), which is no text"
    if own_name == _ECHOED:
        return ""
    allowed = _BLANKS_OF_FILTER if own_name == _FILTER else ""
    controls = "\0" if is_secret else "".join(one for one in text if unicodedata.category(one) == "Cc")
    found = next((one for one in controls if one in text and one not in allowed), None)
    return "" if found is None else f"holds the control character U+{ord(found):04X}"
