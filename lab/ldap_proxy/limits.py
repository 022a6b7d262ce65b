# SPDX-License-Identifier: GPL-3.0-or-later
"""What Windows holds back and Samba does not: page sizes and ranges of values.

Pure functions over plain values; the sources are Microsoft's LDAP policies (KB315071) and MS-ADTS 3.1.1.3.1.3.3
(range retrieval) and 3.1.1.3.4.1.22 (what a range beyond the end answers).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Attribute = tuple[bytes, list[bytes]]


@dataclass(frozen=True)
class Limits:
    """The limits in force.

    `max_page_size`: most entries in one answer. `max_value_range`: most values of one attribute in one answer.
    `require_tls`: a simple bind without TLS is refused, as a new Windows Server 2025 domain does.
    """

    max_page_size: int = 1000
    max_value_range: int = 1500
    require_tls: bool = True


@dataclass(frozen=True)
class Range:
    """The values asked for: from index `low` to index `high`, both included; None means to the end."""

    low: int
    high: int | None


class RangeBeyondEndError(Exception):
    """A range starts behind the last value: Windows answers operationsError."""


_RANGE_OPTION = re.compile(rb";range=(\d+)-(\d+|\*)$", re.IGNORECASE)


def split_ranges(asked: Iterable[bytes]) -> tuple[list[bytes], dict[bytes, Range]]:
    """Part the asked attributes into names without their range and ranges by lower-case name."""
    names: list[bytes] = []
    ranges: dict[bytes, Range] = {}
    for attribute in asked:
        found = _RANGE_OPTION.search(attribute)
        name = attribute[: found.start()] if found else attribute
        names.append(name)
        if found:
            high = None if found[2] == b"*" else int(found[2])
            ranges[name.lower()] = Range(int(found[1]), high)
    return names, ranges


def limit_values(
    attributes: Sequence[Attribute],
    ranges: dict[bytes, Range],
    limit: int,
    *,
    broken: str = "",
    error_beyond_end: bool = True,
) -> list[Attribute]:
    """Give each attribute the values that its range and the limit let through.

    `broken` spoils the answers to ranges that do not start at 0: "stops" leaves the attribute out, "repeats" gives the
    first range again, "gap" leaves out one value, "moved" has lost one of those before, "endless" never gives a range
    that ends with `*`.
    Raises RangeBeyondEndError unless `error_beyond_end` is false.
    """
    limited: list[Attribute] = []
    for name, values in attributes:
        asked = ranges.get(name.lower())
        if asked is not None and asked.low > 0 and broken:
            limited += _broken_range(name, values, asked.low, limit, broken)
        elif asked is not None and 0 < asked.low >= len(values):
            if error_beyond_end:
                raise RangeBeyondEndError
        elif asked is not None:
            limited += _explicit_range(name, values, asked, limit)
        elif len(values) > limit:
            limited.append((name, []))
            limited.append((name + b";range=0-%d" % (limit - 1), values[:limit]))
        else:
            limited.append((name, values))
    return limited


def _explicit_range(name: bytes, values: list[bytes], asked: Range, limit: int) -> list[Attribute]:
    low = asked.low
    wanted = len(values) if asked.high is None else asked.high + 1
    end = min(len(values), wanted, low + limit)
    upper = b"*" if end == len(values) else b"%d" % (end - 1)
    return [(name + b";range=%d-%s" % (low, upper), values[low:end])]


def _broken_range(name: bytes, values: list[bytes], low: int, limit: int, broken: str) -> list[Attribute]:
    if broken == "stops":
        return []
    if broken == "repeats":
        return [(name + b";range=0-%d" % (limit - 1), values[:limit])]
    if broken == "moved":
        return _explicit_range(name, values[1:], Range(low, None), limit)
    if broken == "gap":
        end = min(len(values), low + 1 + limit)
        upper = b"*" if end == len(values) else b"%d" % (end - 1)
        return [(name + b";range=%d-%s" % (low + 1, upper), values[low + 1 : end])]
    if broken == "endless":
        part = values[low : low + limit]
        last = low + max(len(part), 1) - 1
        return [(name + b";range=%d-%d" % (low, last), part or [values[-1]])]
    raise ValueError(f"unknown way to break a range: {broken}")
