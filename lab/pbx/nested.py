# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that refer to others inside an argument."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def reference_id(element: Any, keys: Sequence[str]) -> int | None:
    """The id (an integer, or a string of digits) under the first of `keys` that is there."""
    if not isinstance(element, dict):
        return None
    for key in keys:
        value = element.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.isascii() and value.isdigit():
            return int(value)
    return None
