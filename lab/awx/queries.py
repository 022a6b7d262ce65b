# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects a request asks for (awx/api, rest_filters), and a page of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from lab.awx.errors import bad_request, not_found
from lab.awx.resources import RESOURCES, UNIFIED_PATHS, FieldKind
from lab.awx.store import Record

_RESERVED = frozenset({"page", "page_size", "order_by", "format"})
_OR = "or__"
_LARGEST_PAGE = 200


def filtered(path: str, records: Sequence[Record], query: Mapping[str, str]) -> list[Record]:
    """The objects that a query names: with all of its fields, and with one of those that begin with `or__`.

    :raises ApiError: 400 for a field that the objects do not have.
    """
    every = [_condition(path, name, text) for name, text in query.items() if not _is_special(name)]
    any_of = [_condition(path, name[len(_OR) :], text) for name, text in query.items() if name.startswith(_OR)]
    found = [one for one in records if all(is_met(one) for is_met in every)]
    return [one for one in found if any(is_met(one) for is_met in any_of)] if any_of else found


def page(path: str, found: Sequence[Any], query: Mapping[str, str], page_size: int) -> dict[str, Any]:
    """One page of a list, with the addresses of its neighbours.

    :raises ApiError: 404 for a page that is not there.
    """
    number = _positive(query.get("page", "1"))
    size = min(_positive(query.get("page_size", str(page_size))), _LARGEST_PAGE)
    start = (number - 1) * size
    if start and start >= len(found):
        raise not_found()
    return {
        "count": len(found),
        "next": _address(path, query, number + 1) if start + size < len(found) else None,
        "previous": _address(path, query, number - 1) if number > 1 else None,
        "results": list(found[start : start + size]),
    }


def _is_special(name: str) -> bool:
    return name in _RESERVED or name.startswith(_OR)


def _condition(path: str, name: str, text: str) -> Callable[[Record], bool]:
    if name == "id":
        return _equals(name, _number(name, text))
    fields = [RESOURCES[one].field_named(name) for one in (UNIFIED_PATHS if path not in RESOURCES else (path,))]
    known = [one for one in fields if one]
    if not known:
        raise bad_request(f"{path} has no field named '{name}'")
    kind = known[0].kind
    if kind in (FieldKind.REFERENCE, FieldKind.INTEGER):
        return _equals(name, _number(name, text))
    if kind is FieldKind.BOOLEAN:
        return _equals(name, text.lower() in ("true", "1"))
    return _equals(name, text)


def _equals(name: str, wanted: object) -> Callable[[Record], bool]:
    return lambda record: record.get(name) == wanted


def _number(name: str, text: str) -> int:
    if not text.isdecimal():
        raise bad_request(f"Field '{name}' expected a number but got '{text}'.")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise not_found()
    return int(text)


def _address(path: str, query: Mapping[str, str], number: int) -> str:
    return f"{path}?{urlencode({**query, 'page': str(number)})}"
