# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of any class with every field drawn by its type, those of records within them too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from tests.property.ledger_strategies import any_texts, times

_SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: any_texts,
    int: st.integers(),
    bool: st.booleans(),
    NoneType: st.none(),
    datetime: times,
    # Settings, of which a ledger takes what JSON has.
    Any: st.none() | st.booleans() | st.integers() | any_texts | st.lists(any_texts, max_size=2),
}


@cache
def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type, as dataclasses name the types of their fields."""
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    if isinstance(hint, type):
        return _of_class(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return st.one_of([values_of(one) for one in arguments])
    if origin is Mapping:
        return st.dictionaries(any_texts, values_of(arguments[1]), max_size=3)
    assert origin in (tuple, frozenset)
    return st.lists(values_of(arguments[0]), max_size=3).map(origin)


def _of_class(made: type[Any]) -> st.SearchStrategy[Any]:
    if issubclass(made, Enum):
        return st.sampled_from(made)
    assert is_dataclass(made)
    return st.builds(made, **{name: values_of(hint) for name, hint in get_type_hints(made).items()})
