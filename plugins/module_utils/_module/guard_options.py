# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The options of the guard, and its limits made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import OptionError
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import Danger, GuardLimits

_WHOLE = 100

_OPTIONS: dict[Danger, dict[str, dict[str, Any]]] = {
    Danger.REMOVALS: {
        "max_removals": {"type": "int", "default": 10},
        "max_removals_percent": {"type": "float", "default": 5.0},
    },
    Danger.MOVES: {
        "max_moves": {"type": "int", "default": 50},
        "max_moves_percent": {"type": "float", "default": 10.0},
    },
    Danger.MEMBER_REMOVALS: {
        "max_member_removals": {"type": "int", "default": 50},
        "max_member_removals_percent": {"type": "float", "default": 10.0},
    },
}


def limit_options(*dangers: Danger) -> dict[str, dict[str, Any]]:
    """Return the argument specification of the guard's limits for what a run can do."""
    return {name: spec for danger in dangers for name, spec in _OPTIONS[danger].items()}


def guard_options(*dangers: Danger) -> dict[str, dict[str, Any]]:
    """Return the argument specification of the guard for what a module can do."""
    return {**limit_options(*dangers), "allow_guarded": {"type": "str", "default": ""}}


def guard_limits(options: Mapping[str, Any], allowed: str) -> GuardLimits:
    """Return the guard's limits; a module without an option has the default.

    :param allowed: the ``guard_id`` that the guard is to let through.
    :raises OptionError: for a negative number or more than 100 percent.
    """
    default = GuardLimits()
    counts, shares = {}, {}
    for danger in Danger:
        count, share = default.of(danger)
        counts[danger] = _count(f"max_{danger}", options.get(f"max_{danger}", count))
        shares[danger] = _share(f"max_{danger}_percent", options.get(f"max_{danger}_percent", share))
    return GuardLimits(
        removals=counts[Danger.REMOVALS],
        percent=shares[Danger.REMOVALS],
        allowed=allowed,
        moves=counts[Danger.MOVES],
        moves_percent=shares[Danger.MOVES],
        member_removals=counts[Danger.MEMBER_REMOVALS],
        member_removals_percent=shares[Danger.MEMBER_REMOVALS],
    )


def _count(name: str, value: int) -> int:
    if value < 0:
        raise OptionError(f"{name} {value} is less than 0.", "Give 0 or more.")
    return value


def _share(name: str, value: float) -> float:
    if not 0 <= value <= _WHOLE:
        raise OptionError(f"{name} {value} is no share.", "Give a number from 0 to 100.")
    return value
