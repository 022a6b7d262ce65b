# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The guard: many removals at once are more often a mistake than a wish."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.model import REMOVALS, Change, Plan, Reason


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """How many removals a run may do unasked.

    Both limits must be exceeded for the removals to stop: a count alone never speaks up on a small site, a share
    alone always does.

    :param removals: a number of extensions.
    :param percent: a share of the associated extensions, in percent.
    :param allowed: the ``removals_id`` of the one set of removals that is allowed whatever its size; "" for none.
    """

    removals: int = 10
    percent: float = 5.0
    allowed: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the guard stops.

    :param stopped: keys of the changes not to be done: the removals, and what depends on one of them.
    :param removals: how many removals the plan has.
    """

    stopped: frozenset[str] = frozenset()
    removals: int = 0


def is_removal(change: Change) -> bool:
    """Tell whether a change takes an extension away from a user; one that is already gone is no longer taken."""
    return change.action in REMOVALS and change.reason is not Reason.EXTENSION_GONE


def judge(plan: Plan, limits: GuardLimits, associated: int) -> Verdict:
    """Stop the removals of a plan, and only those, if there are too many.

    :param associated: number of associated extensions before the run.
    """
    removals = [change for change in plan.changes if is_removal(change)]
    within = len(removals) <= limits.removals or len(removals) * 100 <= limits.percent * associated
    if within or plan.removals_id == limits.allowed:
        return Verdict(removals=len(removals))
    return Verdict(with_dependents(plan.changes, {change.key for change in removals}), len(removals))


def with_dependents(changes: tuple[Change, ...], keys: set[str]) -> frozenset[str]:
    """Return the keys and those of every change that depends on one of them, directly or not.

    :param changes: in the order of a plan, where what is depended on comes first.
    """
    stopped = set(keys)
    for change in changes:
        if stopped.intersection(change.depends_on):
            stopped.add(change.key)
    return frozenset(stopped)
