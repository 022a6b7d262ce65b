# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What the journal tells of changes that were meant to be done, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    RetiredNumber,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import AnyChange


class JournalState(StrEnum):
    """What is known of a change that was meant to be done."""

    INTENDED = "intended"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Intent:
    """A change of an earlier run whose outcome the journal does not know.

    :param id: the journal row.
    :param registration_name: of a creation or a parking, the name drawn for it; else "".
    """

    id: int
    run_id: str
    change: AnyChange
    registration_name: str = ""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the PBX shows to have become of an intent.

    :param save: the association that the finished change leaves behind, if any.
    :param drop: whether the association ends.
    :param retired: the number that the finished change has freed, if any.
    """

    intent: Intent
    state: JournalState
    detail: str
    save: Association | ObjectAssociation | None = None
    drop: bool = False
    retired: RetiredNumber | None = None
