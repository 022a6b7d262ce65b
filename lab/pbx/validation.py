# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of single values: each says which rule a value breaks, or None."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lab.pbx.errors import PARAMETER_ERROR, ApiError

Check = Callable[[Any], str | None]


def text(
    longest: int | None = None,
    *,
    shortest: int = 0,
    pattern: str | None = None,
    forbidden: str = "",
) -> Check:
    """A string. `pattern` must match a non-empty one whole; `forbidden` are single characters."""
    compiled = re.compile(pattern) if pattern else None

    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return "type"
        if len(value) < shortest or (longest is not None and len(value) > longest):
            return "length"
        if value and compiled and not compiled.fullmatch(value):
            return "format"
        if any(character in forbidden or _is_surrogate(character) for character in value):
            return "format"
        return None

    return check


def integer(lowest: int | None = None, highest: int | None = None) -> Check:
    """A JSON integer, `lowest` to `highest`; neither a boolean nor a string of digits."""

    def check(value: Any) -> str | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return "type"
        if (lowest is not None and value < lowest) or (highest is not None and value > highest):
            return "range"
        return None

    return check


def one_of(values: Iterable[Any]) -> Check:
    """One of `values`."""
    allowed = tuple(values)

    def check(value: Any) -> str | None:
        return None if value in allowed else "enum"

    return check


def array(value: Any) -> str | None:
    """A JSON array."""
    return None if isinstance(value, list) else "type"


def _is_surrogate(character: str) -> bool:
    """Half of a character, as a JSON escape can smuggle in: it has no UTF-8 form."""
    return "\ud800" <= character <= "\udfff"


FLAG: Check = integer(0, 1)


def is_missing(value: Any) -> bool:
    """Whether a required parameter counts as not given: absent, null, empty text or array."""
    return value is None or value in ("", [])


def refuse_invalid(arguments: Mapping[str, Any], checks: Mapping[str, Check], required: Iterable[str]) -> None:
    """Check every given parameter that has a check, and that none of `required` is missing.

    Unknown parameters are ignored. Raises ApiError 40002 that lists every failing field.
    """
    missing = [name for name in required if is_missing(arguments.get(name))]
    failures = dict.fromkeys(missing, "required")
    for name, check in checks.items():
        if name in failures or name not in arguments:
            continue
        broken = check(arguments[name])
        if broken:
            failures[name] = broken
    refuse_failures(failures)


def refuse_failures(failures: Mapping[str, str]) -> None:
    """Raise ApiError 40002 when `failures` (field: broken rule) holds any."""
    if not failures:
        return
    raise ApiError(
        PARAMETER_ERROR,
        invalid_param_list=[{"field": field, "validation_type": rule} for field, rule in failures.items()],
    )
