# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What of a plan is dangerous in numbers: more often a mistake than a wish where there is much of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import EMAIL
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    REMOVALS,
    Action,
    AnyChange,
    Change,
    ExtensionChange,
    GroupChange,
    Reason,
)

# What these end is gone already, goes over to another object, or was made by the synchronization for itself.
_HARMLESS = frozenset(
    {Reason.EXTENSION_GONE, Reason.OBJECT_GONE, Reason.HANDED_OVER, Reason.LEFTOVER, Reason.LABEL_ENDED}
)


class Danger(StrEnum):
    """What the guard counts, each by its own limits; the values are the names of its suboptions.

    A guard_id has a part for each, in this order.
    """

    DELETIONS = "deletions"
    RELEASES = "releases"
    RENUMBERINGS = "renumberings"
    MEMBER_REMOVALS = "member_removals"
    EMAIL_CHANGES = "email_changes"
    MOVES = "moves"


@dataclass(frozen=True, slots=True)
class Renumbering:
    """A user's number becomes another: the association with one extension ends, and one with another begins."""

    ending: ExtensionChange
    beginning: ExtensionChange


@dataclass(frozen=True, slots=True)
class Dangers:
    """What of a plan the guard counts, in the plan's order.

    :param releases: without those of renumberings.
    :param member_removals: changes of groups that take members out.
    :param email_changes: one for each extension, whatever steps it takes.
    """

    deletions: Sequence[AnyChange]
    releases: Sequence[AnyChange]
    renumberings: Sequence[Renumbering]
    member_removals: Sequence[GroupChange]
    email_changes: Sequence[ExtensionChange]
    moves: Sequence[ExtensionChange]

    def count(self, danger: Danger) -> int:
        """Return how much there is of a danger."""
        return {
            Danger.DELETIONS: len(self.deletions),
            Danger.RELEASES: len(self.releases),
            Danger.RENUMBERINGS: len(self.renumberings),
            Danger.MEMBER_REMOVALS: sum(len(members_taken_out(change)) for change in self.member_removals),
            Danger.EMAIL_CHANGES: len(self.email_changes),
            Danger.MOVES: len(self.moves),
        }[danger]


def find_dangers(changes: Iterable[AnyChange]) -> Dangers:
    """Return what of a plan's changes the guard counts."""
    found = list(changes)
    renumberings = _renumberings(found)
    renumbered = {one.ending.key for one in renumberings}
    return Dangers(
        deletions=[change for change in found if is_deletion(change)],
        releases=[change for change in found if is_release(change) and change.key not in renumbered],
        renumberings=renumberings,
        member_removals=[change for change in found if isinstance(change, GroupChange) and members_taken_out(change)],
        email_changes=[
            change
            for change in found
            if isinstance(change, ExtensionChange)
            and takes_address_away(change)
            and change.reason is not Reason.ADDRESS_EXCHANGE
        ],
        moves=[change for change in found if isinstance(change, ExtensionChange) and is_move(change)],
    )


def _renumberings(changes: Iterable[AnyChange]) -> list[Renumbering]:
    extensions = [change for change in changes if isinstance(change, ExtensionChange)]
    endings = {change.guid: change for change in extensions if change.action in REMOVALS}
    return [
        Renumbering(endings[change.guid], change)
        for change in extensions
        if change.action in (Action.ASSOCIATE, Action.CREATE)
        and change.reason is not Reason.ADDRESS_EXCHANGE
        and change.guid in endings
        and change.number != endings[change.guid].number
    ]


def is_removal(change: Change) -> bool:
    """Tell whether a change takes an object away; one that is already gone is no longer taken."""
    return (change.action in REMOVALS or change.action is Action.PARK) and change.reason not in _HARMLESS


def is_deletion(change: Change) -> bool:
    """Tell whether a change deletes an object of the PBX, or makes it unusable until it is deleted."""
    return is_removal(change) and change.action is not Action.RELEASE


def is_release(change: Change) -> bool:
    """Tell whether a change gives an object that exists back to the PBX's administrator."""
    return is_removal(change) and change.action is Action.RELEASE


def is_move(change: Change) -> bool:
    """Tell whether a change takes an extension out of an organization that the synchronization gave it."""
    return isinstance(change, ExtensionChange) and change.placement is not None and change.placement.taken != 0


def members_taken_out(change: Change) -> tuple[int, ...]:
    """Return the ids of the extensions that a change takes out of a group; the label group takes nothing away."""
    return change.removed_ids if isinstance(change, GroupChange) and not change.label else ()


def takes_address_away(change: Change) -> bool:
    """Tell whether a change replaces or empties the e-mail address of an extension that stays."""
    is_writing = change.action in (Action.UPDATE, Action.UNPARK, Action.ASSOCIATE)
    return is_writing and EMAIL in change.after and bool(change.before.get(EMAIL))
