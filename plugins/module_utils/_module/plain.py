# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Dataclasses as data of JSON's own types, and back, by their type hints.

A record is the list of its fields' values, and the names of the fields are written once for all records of a class.
So thousands of records take little time and room, and what was written before a class got another field, with a
default, can still be read.
"""

from __future__ import annotations

import dataclasses
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from enum import Enum
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

_Record = TypeVar("_Record")
_Turn = Callable[[Any], Any]

# How many elements of a tuple are text at once.
_AT_ONCE = 500

_compact = json.JSONEncoder(separators=(",", ":")).encode

# What JSON has itself, and what is of these alone.
_PLAIN = (str, int, bool, float, NoneType, Any)


def to_plain(record: Any) -> dict[str, Any]:
    """Return a dataclass and all that it holds as JSON's own types.

    :raises TypeError: for a field whose type is none that can be written: plain values, times, enumerations, other
        dataclasses, tuples, frozen sets and mappings by texts of these, and mappings of plain values by integers.
    """
    writer = _Writer()
    values = writer.turn_of(type(record))(record)
    return {"columns": writer.columns, "record": values}


def in_pieces(record: Any, head: Mapping[str, Any]) -> Iterator[str]:
    """Return as JSON text the object that ``to_plain`` makes of a record, never much of it at once.

    :param head: what the object has besides.
    :raises TypeError: as ``to_plain`` does.
    """
    writer = _Writer()
    yield f'{_compact(head)[:-1]},"record":'
    yield from _pieces(writer, type(record), record)
    yield f',"columns":{_compact(writer.columns)}}}'


def _pieces(writer: _Writer, hint: Any, value: Any) -> Iterator[str]:
    """Records come in pieces, and so do the many elements of a tuple; anything else is one piece."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        writer.turn_of(hint)
        names, hints = _own(hint)
        for place, name in enumerate(names):
            yield "," if place else "["
            yield from _pieces(writer, hints[name], getattr(value, name))
        yield "]"
    elif get_origin(hint) is tuple:
        turn = writer.turn_of(get_args(hint)[0])
        yield "["
        for begin in range(0, len(value), _AT_ONCE):
            some = _compact([turn(one) for one in value[begin : begin + _AT_ONCE]])
            yield f"{',' if begin else ''}{some[1:-1]}"
        yield "]"
    else:
        yield _compact(writer.turn_of(hint)(value))


def from_plain(made: type[_Record], plain: Mapping[str, Any]) -> _Record:
    """Return the dataclass that was written so.

    :raises TypeError, ValueError, KeyError: if it is none of this class.
    """
    record = _Reader(plain["columns"]).turn_of(made)(plain["record"])
    if not isinstance(record, made):
        raise TypeError(f"no {made.__name__}")
    return record


class _Turner(ABC):
    """Finds for each type the function that turns its values, once; None where they stay as they are."""

    def __init__(self) -> None:
        self._turns: dict[Any, _Turn | None] = {}

    def turn_of(self, hint: Any) -> _Turn:
        """Return the function for a type's values."""
        return self._turn(hint) or (lambda value: value)

    def _turn(self, hint: Any) -> _Turn | None:
        if hint not in self._turns:
            self._turns[hint] = self._found(hint)
        return self._turns[hint]

    def _found(self, hint: Any) -> _Turn | None:
        if hint in _PLAIN:
            return None
        if isinstance(hint, type):
            return self._of_class(hint)
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in (Union, UnionType):
            return self._union(arguments)
        if origin in (tuple, frozenset):
            return self._many(origin, self._turn(arguments[0]))
        if origin is Mapping and arguments[0] is str:
            return self._mapping(self._turn(arguments[1]))
        if origin is Mapping and arguments[0] is int and arguments[1] in _PLAIN:
            return self._numbered()
        raise _unwritable(hint)

    def _of_class(self, made: type[Any]) -> _Turn | None:
        if dataclasses.is_dataclass(made):
            return self._record(made)
        if issubclass(made, Enum):
            return self._enum(made)
        if made is datetime:
            return self._time()
        raise _unwritable(made)

    def _union(self, arguments: tuple[Any, ...]) -> _Turn | None:
        """Either plain values alone, or one other type that may be absent."""
        others = [one for one in arguments if one not in _PLAIN]
        if not others:
            return None
        if len(others) > 1 or set(arguments) - {NoneType, *others}:
            raise TypeError(f"one of {arguments} cannot be told from the others in plain data")
        turn = self._turn(others[0])
        return None if turn is None else lambda value: None if value is None else turn(value)

    @staticmethod
    def _mapping(turn: _Turn | None) -> _Turn:
        return dict if turn is None else lambda values: {key: turn(value) for key, value in values.items()}

    @abstractmethod
    def _record(self, made: type[Any]) -> _Turn:
        """Return what turns the dataclasses of a class."""

    @abstractmethod
    def _enum(self, made: type[Enum]) -> _Turn | None:
        """Return what turns the members of an enumeration."""

    @abstractmethod
    def _time(self) -> _Turn:
        """Return what turns times."""

    @abstractmethod
    def _many(self, made: type[Any], turn: _Turn | None) -> _Turn:
        """Return what turns tuples or frozen sets, whose elements are turned by another."""

    @abstractmethod
    def _numbered(self) -> _Turn:
        """Return what turns mappings of plain values by integers, which cannot be the keys of a JSON object."""


def _unwritable(hint: Any) -> TypeError:
    return TypeError(f"{hint} cannot be written as plain data")


def _own(made: type[Any]) -> tuple[list[str], dict[str, Any]]:
    return [field.name for field in dataclasses.fields(made)], get_type_hints(made)


class _Writer(_Turner):
    """Turns values into plain data.

    :ivar columns: the names of the fields of each class met.
    """

    def __init__(self) -> None:
        super().__init__()
        self.columns: dict[str, list[str]] = {}

    def _record(self, made: type[Any]) -> _Turn:
        names, hints = _own(made)
        self.columns[made.__name__] = names
        turns = [(place, turn) for place, name in enumerate(names) if (turn := self._turn(hints[name])) is not None]
        values_of = attrgetter(*names)
        is_single = len(names) == 1

        def write(record: Any) -> list[Any]:
            values = [values_of(record)] if is_single else list(values_of(record))
            for place, turn in turns:
                values[place] = turn(values[place])
            return values

        return write

    def _enum(self, made: type[Enum]) -> _Turn | None:  # noqa: ARG002 (of the interface)
        return attrgetter("value")

    def _time(self) -> _Turn:
        return datetime.isoformat

    def _many(self, made: type[Any], turn: _Turn | None) -> _Turn:
        in_order: Callable[[Iterable[Any]], list[Any]] = sorted if made is frozenset else list
        return in_order if turn is None else lambda values: in_order(turn(value) for value in values)

    def _numbered(self) -> _Turn:
        return lambda values: [list(pair) for pair in values.items()]


class _Reader(_Turner):
    """Turns plain data into values.

    :param columns: the names of the fields of each class, as they were written.
    """

    def __init__(self, columns: Mapping[str, list[str]]) -> None:
        super().__init__()
        self._columns = columns

    def _record(self, made: type[Any]) -> _Turn:
        names, hints = _own(made)
        written = self._columns.get(made.__name__, names)
        known = [(place, name) for place, name in enumerate(written) if name in hints]
        turns = [(place, turn) for place, name in known if (turn := self._turn(hints[name])) is not None]

        def read(plain: Any) -> Any:
            values = list(plain)
            if len(values) != len(written):
                raise ValueError(f"a {made.__name__} of {len(values)} values")
            for place, turn in turns:
                values[place] = turn(values[place])
            if written == names:
                return made(*values)
            return made(**{name: values[place] for place, name in known})

        return read

    def _enum(self, made: type[Enum]) -> _Turn | None:
        return made

    def _time(self) -> _Turn:
        return datetime.fromisoformat

    def _many(self, made: type[Any], turn: _Turn | None) -> _Turn:
        return made if turn is None else lambda values: made(turn(value) for value in values)

    def _numbered(self) -> _Turn:
        return dict
