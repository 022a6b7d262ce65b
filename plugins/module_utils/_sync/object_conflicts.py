# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What stands in the way of an organization or an extension group, in sentences with the remedy.

The codes are in ``conflicts.ConflictCode``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.conflicts import ConflictCode
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectAssociation, ObjectKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.naming import proposed_name, with_suffix
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Conflict

_WORDS = {ObjectKind.ORGANIZATION: "organization", ObjectKind.EXTENSION_GROUP: "extension group"}
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Subject:
    """The directory object that a conflict is about.

    :param name: as a report names it.
    :param kind: what it is or would be on the PBX.
    """

    guid: str
    name: str
    kind: ObjectKind

    @property
    def word(self) -> str:
        """What the PBX calls such an object."""
        return _WORDS[self.kind]


def _about(subject: Subject, code: ConflictCode, message: str) -> Conflict:
    return Conflict(code.value, subject.guid, subject.name, message)


def name_invalid(subject: Subject, name: str, why: str) -> Conflict:
    """The PBX would not take the name."""
    return _about(
        subject,
        ConflictCode.NAME_INVALID,
        f"The name {name!r} cannot be that of an {subject.word}: {why}. Rename it in the directory, for example to "
        f"{proposed_name(name)!r}.",
    )


def name_shared(subject: Subject, name: str, place: str) -> Conflict:
    """Another unit of the scope has this name at the same place of the tree."""
    return _about(
        subject,
        ConflictCode.NAME_SHARED,
        f"Another unit in scope is called {name} too, and both belong below the same organization. Rename this one in "
        f"the directory, for example to {with_suffix(name, place or 'second')!r}, or take the units between them into "
        "the scope.",
    )


def name_taken(subject: Subject, name: str, *, adoptable: bool) -> Conflict:
    """An object of the PBX that no association names has the name."""
    remedy = "Set associate_by_name to take it over, or rename one of the two" if adoptable else "Rename one of the two"
    return _about(
        subject,
        ConflictCode.NAME_TAKEN,
        f"The PBX has an {subject.word} {name} already, which is not this one's. {remedy}, for example to "
        f"{with_suffix(name, 'AD')!r}.",
    )


def no_room(subject: Subject, limit: int) -> Conflict:
    """The PBX takes no more objects of this kind."""
    return _about(
        subject,
        ConflictCode.NO_ROOM,
        f"The PBX takes {limit} {subject.word}s and has no room for this one. Delete some on the PBX, or narrow the "
        "scope.",
    )


def too_deep(subject: Subject, layers: int, *, exists: bool) -> Conflict:
    """The organization, or what is below one that exists, would be below the last layer that the PBX takes."""
    what, meanwhile = "this one would be below the last", "Its users go to the organization above it"
    if exists:
        what, meanwhile = "this one, or what is below it, would be below the last", "It stays where it is"
    return _about(
        subject,
        ConflictCode.TOO_DEEP,
        f"The PBX takes {layers} layers of organizations and {what}. {meanwhile}. Narrow the scope, or choose a "
        "parent_organization further up.",
    )


def object_in_use(subject: Subject, name: str, holding: Sequence[str]) -> Conflict:
    """An organization to be deleted holds what is not the synchronization's."""
    shown = ", ".join(holding[:_SHOWN]) + (f" and {len(holding) - _SHOWN} more" if len(holding) > _SHOWN else "")
    return _about(
        subject,
        ConflictCode.OBJECT_IN_USE,
        f"The {subject.word} {name} is to be deleted and holds what the synchronization did not put there: {shown}. "
        "It is kept; move them elsewhere on the PBX, or set out_of_scope to release.",
    )


def object_not_found(association: ObjectAssociation, readable: str) -> Conflict:
    """The directory does not show the object, alive or deleted, so nothing proves what became of it."""
    return Conflict(
        ConflictCode.OBJECT_NOT_FOUND.value,
        association.guid,
        association.name,
        f"The directory shows neither what the {_WORDS[association.kind]} {association.name} was made of nor a deleted "
        f"object of it; it is kept. {readable}",
    )
