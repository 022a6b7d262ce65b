# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The PBX and what is remembered of it, at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, ObjectAssociation
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxSnapshot


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run stands before it, between two stages, or at its end.

    Objects that are still to be created have negative ids, the same ones whenever the same is rehearsed.
    """

    pbx: PbxSnapshot
    associations: Sequence[Association]
    objects: Sequence[ObjectAssociation]
