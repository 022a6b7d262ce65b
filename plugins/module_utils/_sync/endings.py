# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Which associations of organizations and extension groups end, and what becomes of the objects."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Absent
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectAssociation
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.object_conflicts import object_not_found
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, Conflict, Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import DeletionProof, OutOfScope

_NOT_READABLE = (
    "If it was deleted, let directory_username read the Deleted Objects container, or set deletion_proof to absence; "
    "if it was hidden, give directory_username the right to read it."
)


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of an association.

    :param action: DELETE or RELEASE.
    """

    association: ObjectAssociation
    action: Action
    reason: Reason


@dataclass(slots=True)
class Endings:
    """The associations of a rule whose directory object is not taken in.

    :param kept: those that go on all the same, because nothing proves what became of their object.
    """

    endings: list[Ending] = field(default_factory=list)
    kept: list[ObjectAssociation] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


def sort_endings(
    associations: Iterable[ObjectAssociation],
    absent: Absent,
    *,
    out_of_scope: OutOfScope,
    deletion_proof: DeletionProof,
    existing: Collection[int],
) -> Endings:
    """Decide for each association whose object the scope does not return whether it ends.

    One that the directory was not asked about (an attribute's value, an object of the other kind after ``sync_to``
    was changed) is out of scope.

    :param existing: ids of the PBX's objects of that kind; what is gone already is only forgotten.
    """
    action = Action.DELETE if out_of_scope is OutOfScope.DELETE else Action.RELEASE
    result = Endings()
    for association in sorted(associations, key=lambda one: (one.name.casefold(), one.guid)):
        missing = association.guid in absent.missing
        if missing and deletion_proof is DeletionProof.TOMBSTONE:
            result.kept.append(association)
            result.conflicts.append(object_not_found(association, _NOT_READABLE))
        elif association.object_id not in existing:
            result.endings.append(Ending(association, Action.RELEASE, Reason.OBJECT_GONE))
        else:
            deleted = missing or association.guid in absent.deleted
            reason = Reason.OBJECT_DELETED if deleted else Reason.OUT_OF_SCOPE
            result.endings.append(Ending(association, action, reason))
    return result
