# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call carries, and the arguments that many endpoints share: ids, pages, sorting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lab.pbx.errors import DATA_NOT_FOUND, ApiError, invalid
from lab.pbx.pbx import Pbx
from lab.pbx.variants import Variants


@dataclass(frozen=True)
class ApiCall:
    """One call as an endpoint sees it.

    `arguments` are the query string's (strings) for GET, the JSON body's for POST.
    """

    pbx: Pbx
    arguments: Mapping[str, Any]
    address: str
    access_token: str = field(repr=False)


T = TypeVar("T")
Payload = dict[str, Any]
Endpoint = Callable[[ApiCall], Payload]


def integer_argument(arguments: Mapping[str, Any], name: str) -> int:
    """A required integer of a query string. Raises ApiError 40002."""
    value = str(arguments.get(name, ""))
    if not value:
        raise invalid(name, "required")
    if not (value.isascii() and value.isdigit()):
        raise invalid(name, "type")
    return int(value)


def ids_argument(call: ApiCall, *names: str) -> list[int]:
    """The comma-separated ids of a query call, from the first of `names` that is given.

    Raises ApiError 40002 for none, for one that is no number, and for too many of them where the
    variant says so; where it says "truncated" the surplus is dropped without a word.
    """
    given = next((name for name in names if call.arguments.get(name)), None)
    if given is None:
        raise invalid(names[0], "required")
    parts = str(call.arguments[given]).split(",")
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise invalid(given, "type")
    ids = list(dict.fromkeys(int(part) for part in parts))
    longest = call.pbx.variants.query_ids_max
    if longest is None or len(ids) <= longest:
        return ids
    if call.pbx.variants.query_ids_beyond_max == "refused":
        raise invalid(given, "length")
    return ids[:longest]


def found(call: ApiCall, ids: Sequence[int], get: Callable[[int], T | None]) -> list[T]:
    """The objects with those ids; unknown ones are left out, or refused (60001) as a variant."""
    objects = [get(one) for one in ids]
    if None in objects and call.pbx.variants.query_unknown_ids == "refused":
        raise ApiError(DATA_NOT_FOUND)
    return [one for one in objects if one is not None]


def known(call: ApiCall, wanted: T | None) -> T:
    """`wanted`, or ApiError for an unknown id."""
    if wanted is None:
        raise ApiError(call.pbx.variants.unknown_id_errcode)
    return wanted


def known_for_deletion(call: ApiCall, wanted: T | None) -> T:
    """`wanted`, or ApiError for an unknown id of a delete call."""
    if wanted is None:
        raise ApiError(call.pbx.variants.unknown_id_on_delete_errcode)
    return wanted


def sorted_rows(arguments: Mapping[str, Any], rows: Sequence[T], keys: Mapping[str, Callable[[T], Any]]) -> Sequence[T]:
    """`rows` (in the order of ids) sorted as `sort_by` and `order_by` say.

    Raises ApiError 40002 for a column that is not among `keys`, or an unknown order.
    """
    column = arguments.get("sort_by") or "id"
    order = arguments.get("order_by") or "asc"
    if column not in keys:
        raise invalid("sort_by", "enum")
    if order not in ("asc", "desc"):
        raise invalid("order_by", "enum")
    descending = order == "desc"
    if column == "id":
        return rows[::-1] if descending else rows
    return sorted(rows, key=keys[column], reverse=descending)


def page_of(arguments: Mapping[str, Any], rows: Sequence[T], variants: Variants) -> Sequence[T]:
    """The page that `page` (from 1) and `page_size` ask for; empty beyond the end.

    Raises ApiError 40002 for what is no positive number, and for a page_size over the cap where
    the variant refuses rather than caps it.
    """
    page = _positive(arguments, "page", 1)
    size = _positive(arguments, "page_size", variants.page_size_default)
    if size > variants.page_size_cap and variants.page_size_beyond_cap == "refused":
        raise invalid("page_size", "range")
    size = min(size, variants.page_size_cap)
    return rows[(page - 1) * size : page * size]


def _positive(arguments: Mapping[str, Any], name: str, default: int) -> int:
    if not arguments.get(name):
        return default
    value = integer_argument(arguments, name)
    if value < 1:
        raise invalid(name, "range")
    return value
