# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The three-way compare of a rollback: as it was before the run, as the run left it, as it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, replace
from enum import Enum, auto
from typing import Any, TypeVar

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, ObjectAssociation

AssociationType = TypeVar("AssociationType", Association, ObjectAssociation)

# What an association is about stays; where it is about another object, it is another association.
_OWN = frozenset({"guid", "kind", "rule", "extension_id", "object_id"})


class Step(Enum):
    """What a rollback does with a value."""

    PUT_BACK = auto()
    NOTHING = auto()
    CHANGED_SINCE = auto()


def step(before: Any, left: Any, now: Any, same: Callable[[Any, Any], bool] = lambda one, other: one == other) -> Step:
    """Tell what to do with a value: only one that is still as the run left it is put back."""
    if same(before, left) or same(now, before):
        return Step.NOTHING
    return Step.PUT_BACK if same(now, left) else Step.CHANGED_SINCE


def merged(
    former: AssociationType, latter: AssociationType, present: AssociationType, kept: Collection[str] = ()
) -> AssociationType:
    """Return an association as it was before the run, but for what has been written since.

    :param kept: names of attributes, and of managed fields, that stay as they are because they were changed since.
    """
    values: dict[str, Any] = {}
    for one in fields(former):
        before, left, now = (getattr(which, one.name) for which in (former, latter, present))
        if one.name in _OWN or one.name in kept:
            continue
        if one.name == "written":
            values["written"] = _merged_values(before, left, now, kept)
        elif one.name == "members":
            values["members"] = tuple(sorted((set(now) - (set(left) - set(before))) | (set(before) - set(left))))
        elif now == left:
            values[one.name] = before
    return replace(present, **values)


def _merged_values(
    before: Mapping[str, str], left: Mapping[str, str], now: Mapping[str, str], kept: Collection[str]
) -> dict[str, str]:
    result = {}
    for name in dict.fromkeys((*now, *before)):
        source = before if name not in kept and now.get(name) == left.get(name) else now
        if name in source:
            result[name] = source[name]
    return result
