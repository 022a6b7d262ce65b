# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The names of a plan and of what the guard counts in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.dangers import (
    Danger,
    find_dangers,
    members_taken_out,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Domain
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import EMAIL
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import (
    GROUP_SEPARATOR,
    NOTHING,
    SEPARATOR,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxIdentity
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import AnyChange, Change, Conflict, Plan
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import title
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import AnyRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_history import RollbackRule

_DIGITS = 16
_LINE_DIGITS = 8
_AT_ONCE = 500
_GROUP_DIGITS = 8


def plan_id(
    rule: AnyRule | RollbackRule,
    domain: Domain,
    pbx: PbxIdentity,
    changes: Sequence[Change],
    conflicts: Sequence[Conflict],
) -> str:
    """Return 16 hexadecimal digits that name all that a plan would do.

    The same rule over the same two states has the same id, in check mode and in a run; any other change, or the
    same changes on another PBX, has another.
    """
    digest = hashlib.sha256()
    for piece in _pieces(rule, domain, pbx, changes, conflicts):
        digest.update(piece.encode())
    return digest.hexdigest()[:_DIGITS]


def _pieces(
    rule: AnyRule | RollbackRule,
    domain: Domain,
    pbx: PbxIdentity,
    changes: Sequence[Change],
    conflicts: Sequence[Conflict],
) -> Iterator[str]:
    """The text of an object with all of it, in pieces, for the whole of it may be large."""
    yield '{"changes": ['
    yield from _listed(changes)
    yield '], "conflicts": ['
    yield from _listed(conflicts)
    rest = _text({"domain": domain.guid, "pbx": pbx.serial_number, "rule": rule})
    yield f"], {rest[1:]}"


def _listed(values: Sequence[Any]) -> Iterator[str]:
    for begin in range(0, len(values), _AT_ONCE):
        yield f"{', ' if begin else ''}{_text(values[begin : begin + _AT_ONCE])[1:-1]}"


def joined_id(plans: Sequence[Plan]) -> str:
    """Return the name of all that several plans would do one after the other; the plan's own where there is one."""
    if len(plans) == 1:
        return plans[0].id
    return _digest({"plans": [plan.id for plan in plans]})


def plan_lines(plans: Iterable[Plan]) -> list[str]:
    """Return all that plans would do and cannot do, a line each: 8 hexadecimal digits that name it, and a title.

    Plans that differ in a change or a conflict differ in its line.
    """
    return [
        line
        for plan in plans
        for line in (
            *(f"{_digest(change)[:_LINE_DIGITS]} {title(change)}" for change in plan.changes),
            *(f"{_digest(one)[:_LINE_DIGITS]} conflict {one.code} {one.name}" for one in plan.conflicts),
        )
    ]


def sealed(rule: AnyRule | RollbackRule, domain: Domain, pbx: PbxIdentity, plan: Plan) -> Plan:
    """Return a plan with its conflicts in order and with its two names."""
    found = tuple(sorted(plan.conflicts, key=lambda one: (one.name.casefold(), one.guid, one.code, one.message)))
    return replace(
        plan,
        conflicts=found,
        id=plan_id(rule, domain, pbx, plan.changes, found),
        guard_id=guard_id(domain, pbx, plan.changes),
    )


def guard_id(domain: Domain, pbx: PbxIdentity, changes: Iterable[AnyChange]) -> str:
    """Return a name of what the guard counts among the changes, and of nothing else of the plan.

    It has a part for each danger, 16 hexadecimal digits or 0 for nothing; nothing at the end is left out. That of
    members taken out has 8 for each group instead, for one may be stopped while others are written. The order of the
    changes does not matter, so that a part holds while the rest of the plan is carried out.
    """
    found = find_dangers(changes)
    counted: Mapping[Danger, Sequence[Any]] = {
        Danger.DELETIONS: sorted((one.key, one.number, one.reason.value) for one in found.deletions),
        Danger.RELEASES: sorted((one.key, one.number, one.reason.value) for one in found.releases),
        Danger.RENUMBERINGS: sorted(
            (one.beginning.guid, one.ending.number, one.beginning.number) for one in found.renumberings
        ),
        Danger.EMAIL_CHANGES: sorted((one.guid, one.before[EMAIL], one.after[EMAIL]) for one in found.email_changes),
        Danger.MOVES: sorted((one.guid, one.number) for one in found.moves),
    }
    whose = {"domain": domain.guid, "pbx": pbx.serial_number}
    groups = [_digest({**whose, one.guid: members_taken_out(one)})[:_GROUP_DIGITS] for one in found.member_removals]
    names = {danger: _digest({**whose, danger.value: dangers}) for danger, dangers in counted.items() if dangers}
    names[Danger.MEMBER_REMOVALS] = GROUP_SEPARATOR.join(sorted(groups))
    parts = [names.get(danger) or NOTHING for danger in Danger]
    while len(parts) > 1 and parts[-1] == NOTHING:
        parts.pop()
    return SEPARATOR.join(parts)


def _digest(content: Any) -> str:
    return hashlib.sha256(_text(content).encode()).hexdigest()[:_DIGITS]


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        names, values_of = _fields(type(value))
        return dict(zip(names, values_of(value), strict=True))
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, datetime):
        # When a plan is made is no part of what it does.
        return ""
    raise TypeError(f"cannot write {type(value).__name__} into a plan's name")


@lru_cache(maxsize=64)
def _fields(made: type[Any]) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """The names of a dataclass's fields, in the order in which they are written, and what reads all of them."""
    names = tuple(sorted(one.name for one in fields(made)))
    values_of = attrgetter(*names)
    return names, values_of if len(names) > 1 else lambda value: (values_of(value),)


_text = json.JSONEncoder(sort_keys=True, default=_plain).encode
