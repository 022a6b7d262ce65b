# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The option of the guard, and its limits made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import OptionError, shown
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.dangers import Danger
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import (
    DEFAULT_LIMIT_PER_GROUP,
    DEFAULT_LIMITS,
    GuardLimits,
    Limit,
)

GUARD = "guard"
PER_GROUP = "member_removals_per_group"

_WHOLE = 100
_VALUE_SHOWN = 40


def limit_options(*dangers: Danger) -> dict[str, dict[str, Any]]:
    """Return the argument specification of the guard's limits for what a run can do."""
    limits = {name: _limit_option(default) for name, default in _defaults(*dangers).items()}
    return {GUARD: {"type": "dict", "apply_defaults": True, "options": limits}}


def guard_options(*dangers: Danger) -> dict[str, dict[str, Any]]:
    """Return the argument specification of the guard for what a module can do."""
    return {**limit_options(*dangers), "allow_guarded": {"type": "str", "default": ""}}


def require_dictionaries(given: Any) -> None:
    """Refuse numbers and lists where dictionaries belong, on which Ansible's own validation of suboptions breaks.

    :param given: the option as it was given.
    :raises OptionError: with the name of the option.
    """
    inner = given if isinstance(given, Mapping) else {}
    for name, value in {GUARD: given, **{f"{GUARD}.{danger}": value for danger, value in inner.items()}}.items():
        if isinstance(value, int | float | list):
            raise OptionError(
                f"{name} is {str(value)[:_VALUE_SHOWN]}, which is no dictionary.",
                "Give floor, percent and count by name.",
            )


def guard_settings(given: Mapping[str, Any] | None, *dangers: Danger) -> dict[str, dict[str, Any]]:
    """Return limits as they are saved: plain data, complete, for what a run can do.

    :param given: the option as it is given or was saved; what is not in it is the default.
    :raises OptionError: for a limit that is none, with its name.
    """
    return {name: _plain(limit) for name, limit in _limits(given or {}, _defaults(*dangers)).items()}


def guard_limits(settings: Mapping[str, Any], allowed: str) -> GuardLimits:
    """Return the guard's limits; for what a rule's settings do not name they are the defaults.

    :param settings: of a rule.
    :param allowed: the ``guard_id`` that the guard is to let through.
    :raises OptionError: for a limit that is none, with its name.
    """
    limits = _limits(settings.get(GUARD) or {}, _defaults(*Danger))
    return GuardLimits({danger: limits[danger.value] for danger in Danger}, limits[PER_GROUP], allowed)


def _defaults(*dangers: Danger) -> dict[str, Limit]:
    limits = {danger.value: DEFAULT_LIMITS[danger] for danger in dangers}
    return {**limits, PER_GROUP: DEFAULT_LIMIT_PER_GROUP} if Danger.MEMBER_REMOVALS in dangers else limits


def _limit_option(default: Limit) -> dict[str, Any]:
    return {
        "type": "dict",
        "apply_defaults": True,
        "options": {
            "floor": {"type": "int", "default": default.floor},
            "percent": {"type": "float", "default": default.percent},
            "count": {"type": "int", "default": default.count},
        },
    }


def _limits(given: Mapping[str, Any], defaults: Mapping[str, Limit]) -> dict[str, Limit]:
    return {name: _limit(f"{GUARD}.{name}", given.get(name) or {}, default) for name, default in defaults.items()}


def _plain(limit: Limit) -> dict[str, Any]:
    return {"floor": limit.floor, "percent": limit.percent, "count": limit.count}


def _limit(name: str, given: Mapping[str, Any], default: Limit) -> Limit:
    values = {**_plain(default), **{part: value for part, value in given.items() if value is not None}}
    limit = Limit(floor=int(values["floor"]), percent=float(values["percent"]), count=int(values["count"]))
    for part, number in (("floor", limit.floor), ("count", limit.count)):
        if number < 0:
            raise OptionError(f"{name}.{part} {shown(number)} is less than 0.", "Give 0 or more.")
    if not 0 <= limit.percent <= _WHOLE:
        raise OptionError(f"{name}.percent {limit.percent} is no share.", "Give a number from 0 to 100.")
    if limit.count < limit.floor:
        raise OptionError(
            f"{name}.count {limit.count} is less than {name}.floor {limit.floor}, up to which nothing is stopped.",
            f"Give a lower {name}.floor or a higher {name}.count.",
        )
    return limit
