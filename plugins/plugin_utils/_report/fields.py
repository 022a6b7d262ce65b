# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What a result holds, read key by key: a missing key is an empty value, one of another shape is an error."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError

# What neither HTML nor UTF-8 can hold: control characters but tab and line feed, and halves of surrogate pairs.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class ReportError(YeastarError):
    """What was given to a filter is no result of a module of this collection."""


def as_text(value: Any) -> str:
    """Return any value of a result as text for a person; "" for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{as_text(key)}: {as_text(inner)}" for key, inner in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(as_text(inner) for inner in value)
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", str(value))


def as_moment(text: str) -> datetime | None:
    """Return the moment that an ISO 8601 text names, in UTC; None if it names none. Without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _shape(value: Any) -> str:
    """What a value is in words: Ansible's own types say nothing to a person."""
    if isinstance(value, str):
        return "a text"
    if isinstance(value, Mapping):
        return "a dictionary"
    return "a list" if isinstance(value, Sequence) else "a single value"


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping of a result.

    :param where: what errors call it, such as ``changes[3]``.
    """

    data: Mapping[str, Any]
    where: str

    @classmethod
    def of(cls, value: Any, where: str) -> Fields:
        """Return the value as a mapping; None is an empty one.

        :raises ReportError: if it is something else.
        """
        if value is None:
            return cls({}, where)
        if not isinstance(value, Mapping):
            raise ReportError(
                f"{where} is {_shape(value)} and not a dictionary.",
                "Give the registered result of a module of pbxops.yeastar as it is.",
            )
        return cls(value, where)

    def has(self, *names: str) -> bool:
        """Return whether one of these keys is there."""
        return any(name in self.data for name in names)

    def text(self, name: str) -> str:
        """Return a value as text."""
        return as_text(self.data.get(name))

    def flag(self, name: str) -> bool:
        """Return a value as a truth."""
        return bool(self.data.get(name))

    def count(self, name: str) -> int:
        """Return a whole number; 0 if it is missing."""
        return int(self.number(name) or 0)

    def number(self, name: str) -> float | None:
        """Return a number; None if it is missing.

        :raises ReportError: if it is no number.
        """
        value = self.data.get(name)
        if value is None or value == "":
            return None
        try:
            return float(value)
        except (TypeError, ValueError):
            raise ReportError(f"{self._path(name)} is {as_text(value)!r} and not a number.") from None

    def inner(self, name: str) -> Fields:
        """Return a mapping; an empty one if it is missing."""
        return Fields.of(self.data.get(name), self._path(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(as_text(value) for value in self._list(name))

    def each(self, name: str) -> tuple[Fields, ...]:
        """Return a list of mappings."""
        path = self._path(name)
        return tuple(Fields.of(value, f"{path}[{position}]") for position, value in enumerate(self._list(name)))

    def all_texts(self) -> dict[str, str]:
        """Return all values as texts by their keys."""
        return {as_text(name): as_text(value) for name, value in self.data.items()}

    def _list(self, name: str) -> Sequence[Any]:
        value = self.data.get(name)
        if value is None:
            return ()
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise ReportError(
                f"{self._path(name)} is {_shape(value)} and not a list.",
                "Give the registered result of a module of pbxops.yeastar as it is.",
            )
        return value

    def _path(self, name: str) -> str:
        return f"{self.where}.{name}"
