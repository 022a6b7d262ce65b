# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The guard: much of what takes something away at once is more often a mistake than a wish."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.dangers import (
    Danger,
    Dangers,
    find_dangers,
    members_taken_out,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import AnyChange, Plan
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.stopping import Stops, stop

# Between the parts of a guard_id, between the groups of a part, and the part of a danger of which there is nothing.
SEPARATOR = "-"
GROUP_SEPARATOR = "_"
NOTHING = "0"

#: What is told of a change that is stopped.
WHY_STOPPED = "the guard stopped it, or what it needs"


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of something a run may do unasked.

    :param floor: so many are never stopped, whatever their share: a share alone always speaks up on a small site.
    :param percent: above the floor, more than this share of the population is stopped.
    :param count: above the floor, more than so many are stopped, however large the site.
    """

    floor: int
    percent: float
    count: int

    def exceeded(self, found: int, total: int) -> str:
        """Return which of ``count`` and ``percent`` stops so many; "" if neither does.

        :param total: the population that the share is of.
        """
        if found <= self.floor:
            return ""
        if found > self.count:
            return "count"
        return "percent" if found * 100 > self.percent * total else ""


# Why these: docs/guard.md.
DEFAULT_LIMITS: Mapping[Danger, Limit] = {
    Danger.DELETIONS: Limit(5, 5.0, 100),
    Danger.RELEASES: Limit(10, 5.0, 200),
    Danger.RENUMBERINGS: Limit(5, 5.0, 50),
    Danger.MEMBER_REMOVALS: Limit(20, 10.0, 500),
    Danger.EMAIL_CHANGES: Limit(10, 5.0, 200),
    Danger.MOVES: Limit(20, 10.0, 500),
}
DEFAULT_LIMIT_PER_GROUP = Limit(10, 50.0, 100)


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """How much of each danger a run may do unasked.

    :param limits: one that is left out is the default.
    :param per_group: of members taken out of one group.
    :param allowed: the ``guard_id`` of the one set of dangers that is allowed whatever its size, each for itself; ""
        for none.
    """

    limits: Mapping[Danger, Limit] = field(default_factory=lambda: DEFAULT_LIMITS)
    per_group: Limit = DEFAULT_LIMIT_PER_GROUP
    allowed: str = ""

    def of(self, danger: Danger) -> Limit:
        """Return the limits of a danger."""
        return self.limits.get(danger, DEFAULT_LIMITS[danger])


@dataclass(frozen=True, slots=True)
class Totals:
    """What the shares are of, and what else is as it was before the run.

    :param associated: objects that the rule has associations of.
    :param extensions: associated extensions.
    :param members: members of the rule's extension groups as last written.
    :param groups: likewise of each group, by the objectGUID of its directory object.
    :param addresses: the e-mail addresses as last written, by the users' objectGUIDs.
    """

    associated: int
    extensions: int = 0
    members: int = 0
    groups: Mapping[str, int] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)

    def of(self, danger: Danger) -> int:
        """Return what the share of a danger is of."""
        return {
            Danger.DELETIONS: self.associated,
            Danger.RELEASES: self.associated,
            Danger.RENUMBERINGS: self.extensions,
            Danger.MEMBER_REMOVALS: self.members,
            Danger.EMAIL_CHANGES: self.extensions,
            Danger.MOVES: self.extensions,
        }[danger]


@dataclass(frozen=True, slots=True)
class Breach:
    """A danger of which a plan has too much.

    :param group: name of the one group that it is about; "" for all there is.
    """

    danger: Danger
    found: int
    total: int
    group: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the guard stops.

    :param changes: the plan's; of one that is stopped in part there are several here, and the first of them may go on.
    :param stopped: keys of the changes not to be done, and of what depends on one of them.
    :param put_off: keys of the changes that wait for a later run although the guard lets them through, and why.
    """

    changes: tuple[AnyChange, ...]
    stopped: frozenset[str] = frozenset()
    breaches: tuple[Breach, ...] = ()
    put_off: Mapping[str, str] = field(default_factory=dict)


def judge(plan: Plan, limits: GuardLimits, totals: Totals) -> Verdict:
    """Stop what a plan has too much of, and only that."""
    found = find_dangers(plan.changes)
    breached = [
        Breach(danger, number, totals.of(danger))
        for danger in Danger
        if limits.of(danger).exceeded(number := found.count(danger), totals.of(danger))
        and not _is_allowed(danger, plan.guard_id, limits.allowed)
    ]
    are_members_allowed = _is_allowed(Danger.MEMBER_REMOVALS, plan.guard_id, limits.allowed)
    groups = {} if are_members_allowed else _groups(found, limits, totals)
    if not breached and not groups:
        return Verdict(plan.changes)
    stops = Stops(frozenset(breach.danger for breach in breached), frozenset(groups), totals.addresses)
    outcome = stop(plan.changes, found, stops)
    return Verdict(outcome.changes, outcome.stopped, (*breached, *groups.values()))


def _groups(found: Dangers, limits: GuardLimits, totals: Totals) -> dict[str, Breach]:
    """The groups out of which too many members are taken, by the keys of their changes."""

    def breaches() -> Iterator[tuple[str, Breach]]:
        for change in found.member_removals:
            number, total = len(members_taken_out(change)), totals.groups.get(change.guid, 0)
            if limits.per_group.exceeded(number, total):
                yield change.key, Breach(Danger.MEMBER_REMOVALS, number, total, change.name)

    return dict(breaches())


def _is_allowed(danger: Danger, guard_id: str, allowed: str) -> bool:
    """Whether a name that was allowed is that of the plan, or has the same part for a danger, or more groups in it."""
    if allowed == guard_id:
        return True
    place = list(Danger).index(danger)
    found, given = guard_id.split(SEPARATOR), allowed.split(SEPARATOR)
    if place >= min(len(found), len(given)):
        return False
    return set(found[place].split(GROUP_SEPARATOR)) <= set(given[place].split(GROUP_SEPARATOR))
