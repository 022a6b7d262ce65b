# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that only one object of the PBX may have, found in constant time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Owner:
    """Who has a value: the kind of object (extension, ivr, administrator …) and its name."""

    kind: str
    name: str


class UniqueValues:
    """Which object has which value. Empty values are nobody's; letter case can be ignored."""

    def __init__(self, *, ignore_case: bool = False) -> None:
        self._ignore_case = ignore_case
        self._owners: dict[str, Owner] = {}

    def owner(self, value: str) -> Owner | None:
        """Who has `value`, or None."""
        return self._owners.get(self._key(value))

    def claim(self, value: str, owner: Owner) -> None:
        """Give `value` to `owner`. Raises ValueError when another has it."""
        if not value:
            return
        present = self.owner(value)
        if present not in (None, owner):
            raise ValueError(f"{value} belongs to {present}")
        self._owners[self._key(value)] = owner

    def release(self, value: str) -> None:
        """`value` is nobody's again."""
        self._owners.pop(self._key(value), None)

    def _key(self, value: str) -> str:
        return value.casefold() if self._ignore_case else value
