# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The name of a plan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.model import (
    Change,
    Conflict,
    Domain,
    PbxIdentity,
    UserRule,
)


def plan_id(
    rule: UserRule, domain: Domain, pbx: PbxIdentity, changes: Sequence[Change], conflicts: Sequence[Conflict]
) -> str:
    """Return 16 hexadecimal digits that name all that a plan would do.

    The same rule over the same two states has the same id, in check mode and in a run; any other change, or the
    same changes on another PBX, has another.
    """
    content = {
        "rule": asdict(rule),
        "domain": domain.guid,
        "pbx": pbx.serial_number,
        "changes": [asdict(change) for change in changes],
        "conflicts": [asdict(conflict) for conflict in conflicts],
    }
    text = json.dumps(content, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"cannot write {type(value).__name__} into a plan's name")
