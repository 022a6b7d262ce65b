# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The guard: many removals at once are more often a mistake than a wish."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.placement import ORGANIZATIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    REMOVALS,
    Action,
    AnyChange,
    Change,
    ExtensionChange,
    GroupChange,
    Plan,
    Reason,
)

# What these end is gone already, goes over to another object, or was made by the synchronization for itself.
_HARMLESS = frozenset(
    {Reason.EXTENSION_GONE, Reason.OBJECT_GONE, Reason.HANDED_OVER, Reason.LEFTOVER, Reason.LABEL_ENDED}
)


# A guard_id has a part for each danger, in their order.
SEPARATOR = "-"
NOTHING = "0"


class Danger(StrEnum):
    """What the guard counts, each by its own limits; the values are the names of the options."""

    REMOVALS = "removals"
    MOVES = "moves"
    MEMBER_REMOVALS = "member_removals"


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """How much of each danger a run may do unasked.

    Both limits of one must be exceeded for it to be stopped: a count alone never speaks up on a small site, a share
    alone always does.

    :param removals: deleted and released objects.
    :param percent: a share of the associated objects, in percent.
    :param allowed: the ``guard_id`` of the one set of removals, moves and members taken out that is allowed
        whatever its size, each of the three for itself; "" for none.
    :param moves: extensions taken out of an organization that the synchronization gave them.
    :param moves_percent: a share of the associated extensions.
    :param member_removals: members taken out of extension groups.
    :param member_removals_percent: a share of all members that were last written.
    """

    removals: int = 10
    percent: float = 5.0
    allowed: str = ""
    moves: int = 50
    moves_percent: float = 10.0
    member_removals: int = 50
    member_removals_percent: float = 10.0

    def of(self, danger: Danger) -> tuple[int, float]:
        """Return the count and the share of a danger."""
        return {
            Danger.REMOVALS: (self.removals, self.percent),
            Danger.MOVES: (self.moves, self.moves_percent),
            Danger.MEMBER_REMOVALS: (self.member_removals, self.member_removals_percent),
        }[danger]


@dataclass(frozen=True, slots=True)
class Totals:
    """What the shares are of, as it was before the run.

    :param associated: objects that the rule has associations of.
    :param extensions: associated extensions.
    :param members: members of the rule's extension groups as last written.
    """

    associated: int
    extensions: int = 0
    members: int = 0

    def of(self, danger: Danger) -> int:
        """Return what the share of a danger is of."""
        return {
            Danger.REMOVALS: self.associated,
            Danger.MOVES: self.extensions,
            Danger.MEMBER_REMOVALS: self.members,
        }[danger]


@dataclass(frozen=True, slots=True)
class Breach:
    """A danger of which a plan has too much."""

    danger: Danger
    found: int
    total: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the guard stops.

    :param changes: the plan's; one that is stopped in part alone is two here, and the first of them may go on.
    :param stopped: keys of the changes not to be done, and of what depends on one of them.
    :param put_off: keys of the changes that wait for a later run although the guard lets them through, and why.
    """

    changes: tuple[AnyChange, ...]
    stopped: frozenset[str] = frozenset()
    breaches: tuple[Breach, ...] = ()
    put_off: Mapping[str, str] = field(default_factory=dict)


def is_removal(change: Change) -> bool:
    """Tell whether a change takes an object away; one that is already gone is no longer taken."""
    return (change.action in REMOVALS or change.action is Action.PARK) and change.reason not in _HARMLESS


def is_move(change: Change) -> bool:
    """Tell whether a change takes an extension out of an organization that the synchronization gave it."""
    return isinstance(change, ExtensionChange) and change.placement is not None and change.placement.taken != 0


def members_taken_out(change: Change) -> tuple[int, ...]:
    """Return the ids of the extensions that a change takes out of a group; the label group takes nothing away."""
    return change.removed_ids if isinstance(change, GroupChange) and not change.label else ()


def judge(plan: Plan, limits: GuardLimits, totals: Totals) -> Verdict:
    """Stop what a plan has too much of, and only that."""
    found = {
        Danger.REMOVALS: sum(1 for change in plan.changes if is_removal(change)),
        Danger.MOVES: sum(1 for change in plan.changes if is_move(change)),
        Danger.MEMBER_REMOVALS: sum(len(members_taken_out(change)) for change in plan.changes),
    }
    breaches = tuple(
        Breach(danger, number, totals.of(danger))
        for danger, number in found.items()
        if _is_too_many(number, *limits.of(danger), totals.of(danger))
    )
    breaches = tuple(one for one in breaches if not _is_allowed(one.danger, plan.guard_id, limits.allowed))
    if not breaches:
        return Verdict(plan.changes)
    stops = {breach.danger for breach in breaches}
    changes: list[AnyChange] = []
    stopped: set[str] = set()
    for change in plan.changes:
        parts = _parts(change, stops)
        changes.extend(parts.going_on)
        changes.extend(parts.stopped)
        stopped.update(part.key for part in parts.stopped)
    stopped = set(with_dependents(changes, stopped))
    removed = {(change.kind, change.guid) for change in changes if change.key in stopped and is_removal(change)}
    stopped.update(
        change.key
        for change in changes
        if change.reason is Reason.NAME_EXCHANGE and (change.kind, change.guid) in removed
    )
    kept = {change.object_id for change in changes if change.key in stopped and is_removal(change)}
    going_on = tuple(change for change in changes if not _only_takes_labels(change, kept))
    return Verdict(going_on, with_dependents(going_on, stopped), breaches)


def _is_allowed(danger: Danger, guard_id: str, allowed: str) -> bool:
    """Whether a name that was allowed is that of the plan, or has the same part for a danger."""
    if allowed == guard_id:
        return True
    place = list(Danger).index(danger)
    found, given = guard_id.split(SEPARATOR), allowed.split(SEPARATOR)
    return place < min(len(found), len(given)) and found[place] == given[place] != NOTHING


def _only_takes_labels(change: AnyChange, extension_ids: set[int | None]) -> bool:
    """Whether a change would do nothing but take extensions out of the label group that now keep their association."""
    return (
        isinstance(change, GroupChange)
        and change.label
        and bool(change.removed_ids)
        and not change.added
        and not change.after
        and extension_ids.issuperset(change.removed_ids)
    )


def _is_too_many(number: int, count: int, percent: float, total: int) -> bool:
    return number > count and number * 100 > percent * total


@dataclass(frozen=True, slots=True)
class _Parts:
    going_on: Sequence[AnyChange] = ()
    stopped: Sequence[AnyChange] = ()


def _parts(change: AnyChange, stops: set[Danger]) -> _Parts:
    """Take apart what of a change may be done and what is stopped."""
    if Danger.REMOVALS in stops and is_removal(change):
        return _Parts(stopped=[change])
    if Danger.MOVES in stops and isinstance(change, ExtensionChange) and is_move(change):
        return _without_move(change)
    if Danger.MEMBER_REMOVALS in stops and isinstance(change, GroupChange) and members_taken_out(change):
        return _without_removals(change)
    return _Parts(going_on=[change])


def _without_move(change: ExtensionChange) -> _Parts:
    fields = {name: value for name, value in change.after.items() if name != ORGANIZATIONS}
    if not fields or change.placement is None or change.association is None:
        return _Parts(stopped=[change])
    given = replace(change.association, organization_id=change.placement.taken)
    going_on = replace(
        change,
        before={name: value for name, value in change.before.items() if name != ORGANIZATIONS},
        after=fields,
        drift=tuple(name for name in change.drift if name != ORGANIZATIONS),
        association=given,
        placement=None,
    )
    stopped = replace(
        change,
        before={ORGANIZATIONS: change.before.get(ORGANIZATIONS, "")},
        after={ORGANIZATIONS: change.after.get(ORGANIZATIONS, "")},
        part="move",
    )
    return _Parts([going_on], [stopped])


def _without_removals(change: GroupChange) -> _Parts:
    if not change.added and not change.after and change.action is Action.UPDATE:
        return _Parts(stopped=[change])
    going_on = replace(change, removed=(), removed_ids=(), kept=tuple(sorted({*change.kept, *change.removed_ids})))
    return _Parts([going_on], [replace(change, added=(), before={}, after={}, part="take_out")])


def with_dependents(changes: Iterable[Change], keys: set[str]) -> frozenset[str]:
    """Return the keys and those of every change that depends on one of them, directly or not.

    :param changes: in the order of a plan, where what is depended on comes first.
    """
    stopped = set(keys)
    for change in changes:
        if stopped.intersection(change.depends_on):
            stopped.add(change.key)
    return frozenset(stopped)
