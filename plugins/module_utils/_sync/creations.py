# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Which extensions are created: for newcomers, and again for those whose extension was deleted by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync import changes, conflicts
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.addresses import Refusal
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.claims import values_to_write
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import EMAIL
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.matching import Matches
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, RetiredNumber, Welcome
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.numbers import TakenNumbers, give_numbers
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, Conflict, ExtensionChange, Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.situation import Situation


@dataclass(frozen=True, slots=True)
class _Wish:
    """An extension to be created.

    :param former: the association whose extension is created again, None for a newcomer.
    """

    user: DirectoryUser
    number: str
    former: Association | None = None


def creations(
    situation: Situation, matches: Matches, refusals: Mapping[str, Refusal], retired: Sequence[RetiredNumber]
) -> tuple[list[ExtensionChange], list[Conflict]]:
    """Return the creations that fit, and why others are not made."""
    again, again_conflicts = _again(situation, refusals)
    first, first_conflicts = _numbered(situation, matches, refusals, retired)
    fitting, waits, licence_conflicts = _within_licence(situation, [*again, *first])
    rule = situation.rule
    created: list[ExtensionChange] = []
    mail_conflicts: list[Conflict] = []
    for wish in fitting:
        values = values_to_write(situation, wish.user.guid, refusals)
        if rule.send_welcome_email and not values.get(EMAIL):
            mail_conflicts.append(conflicts.welcome_without_address(wish.user, wish.number))
        created.append(
            changes.create(
                wish.user,
                values,
                wish.number,
                welcome=Welcome.DUE if rule.send_welcome_email and values.get(EMAIL) else Welcome.NONE,
                former=wish.former,
                depends_on=tuple(sorted(waits[wish.user.guid])),
                placed=situation.placed_new(wish.user.guid),
            )
        )
    return created, [*again_conflicts, *first_conflicts, *licence_conflicts, *mail_conflicts]


def _deletes(situation: Situation) -> list[ExtensionChange]:
    return [change for change in situation.sorted.removals if change.action is Action.DELETE]


def _staying_numbers(situation: Situation) -> set[str]:
    """Numbers of the extensions that this run does not delete."""
    deleted = {change.number for change in _deletes(situation)}
    return {extension.number for extension in situation.pbx.extensions} - deleted


def _again(situation: Situation, refusals: Mapping[str, Refusal]) -> tuple[list[_Wish], list[Conflict]]:
    wishes: list[_Wish] = []
    found: list[Conflict] = []
    in_use = _staying_numbers(situation) if situation.restoring else set()
    for association, user in situation.restoring:
        if association.number in in_use:
            found.append(conflicts.number_made_anew(user, association.number))
        elif user.guid not in refusals:
            wishes.append(_Wish(user, association.number, association))
    return wishes, found


def _numbered(
    situation: Situation, matches: Matches, refusals: Mapping[str, Refusal], retired: Sequence[RetiredNumber]
) -> tuple[list[_Wish], tuple[Conflict, ...]]:
    newcomers = [user for user in matches.to_create if user.guid not in refusals]
    if not newcomers:
        return [], ()
    promised = {held.association.number for held in situation.sorted.kept}
    freed = {change.number for change in _deletes(situation)}
    gone = {change.number for change in situation.sorted.removals if change.reason is Reason.EXTENSION_GONE}
    taken = TakenNumbers(_staying_numbers(situation) | promised, gone | freed, retired)
    numbering = give_numbers(situation.rule, newcomers, taken, situation.directory.time)
    wishes = [_Wish(user, numbering.numbers[user.guid]) for user in newcomers if user.guid in numbering.numbers]
    return wishes, numbering.conflicts


def _within_licence(
    situation: Situation, wishes: Sequence[_Wish]
) -> tuple[Sequence[_Wish], dict[str, set[str]], list[Conflict]]:
    """Return the wishes that fit the licence, what each waits for by objectGUID, and the conflicts of the others.

    One that fits only because an extension is deleted waits for that deletion, and one whose number is freed by a
    deletion waits for that.
    """
    deletes = _deletes(situation)
    freed = {change.number: change.key for change in deletes}
    capacity = situation.pbx.capacity
    room = capacity.extensions - capacity.extensions_used
    places = max(0, room + len(deletes))
    over_licence = {change.key for change in deletes[: max(0, -room)]}
    waits: dict[str, set[str]] = {}
    for place, wish in enumerate(wishes[:places]):
        waits[wish.user.guid] = set(over_licence)
        if wish.number in freed:
            waits[wish.user.guid].add(freed[wish.number])
        if place >= room:
            waits[wish.user.guid].add(deletes[place - room].key)
    found = [conflicts.no_capacity(wish.user, capacity.extensions) for wish in wishes[places:]]
    return wishes[:places], waits, found
