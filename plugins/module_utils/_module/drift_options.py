# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The options that say what becomes of values that a person set on the PBX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import OptionError
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import DriftPolicy

DRIFT_OPTIONS: dict[str, dict[str, Any]] = {
    "drift": {"type": "str", "choices": [policy.value for policy in DriftPolicy], "default": "correct"},
    "drift_fields": {"type": "dict", "default": {}},
}

_POLICIES = " or ".join(policy.value for policy in DriftPolicy)


def drift_fields(options: Mapping[str, Any], fields: Sequence[str]) -> dict[str, DriftPolicy]:
    """Return the policies of single fields.

    :param fields: the names that a rule has a policy for.
    :raises OptionError: for another name, and for what is no policy.
    """
    given = options["drift_fields"]
    for name in given:
        if name not in fields:
            raise OptionError(
                f"drift_fields names {name!r}, which is no field of this synchronization.",
                f"It takes {', '.join(fields)}.",
            )
    return {name: _policy(name, given[name]) for name in fields if name in given}


def _policy(name: str, value: object) -> DriftPolicy:
    try:
        return DriftPolicy(str(value))
    except ValueError:
        raise OptionError(f"drift_fields.{name} is {value!r}.", f"Give {_POLICIES}.") from None
