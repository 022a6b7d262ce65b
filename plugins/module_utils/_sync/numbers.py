# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Which number a new extension gets. A number once given stays; this is only asked for extensions to be created."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync import conflicts
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import RetiredNumber
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Conflict
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import NumberFrom, UserRule

# Open API, extension/create: digits only, 7 on older firmware, 8 on newer.
_NUMBER = re.compile(r"[0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class Numbering:
    """The numbers given, by objectGUID, and the users that could not be given one."""

    numbers: dict[str, str]
    conflicts: tuple[Conflict, ...]


@dataclass(frozen=True, slots=True)
class TakenNumbers:
    """Numbers that are not free.

    :param in_use: numbers of extensions that stay, and those promised to extensions to be created again.
    :param being_freed: numbers of extensions that this run deletes or finds gone.
    :param retired: numbers freed or refused earlier.
    """

    in_use: Collection[str]
    being_freed: Collection[str]
    retired: Sequence[RetiredNumber]


def number_of(user: DirectoryUser, attribute: str) -> str:
    """Return the text of the attribute that holds numbers, trimmed; "" where there is none."""
    return user.attributes.get(attribute, "").strip()


def is_number(text: str) -> bool:
    """Tell whether a text is an extension number as the PBX takes it."""
    return _NUMBER.fullmatch(text) is not None


def give_numbers(rule: UserRule, newcomers: Sequence[DirectoryUser], taken: TakenNumbers, now: datetime) -> Numbering:
    """Give each newcomer a number.

    :param newcomers: users whose extension is to be created, in a stable order that no rename of others changes.
    """
    if rule.number_from is NumberFrom.ATTRIBUTE:
        return _from_attribute(rule.number_attribute, newcomers, taken)
    return _from_start(rule, newcomers, taken, now)


def _from_start(rule: UserRule, newcomers: Sequence[DirectoryUser], taken: TakenNumbers, now: datetime) -> Numbering:
    rested = now - timedelta(days=rule.number_rest_days)
    resting = {retired.number: retired.guid for retired in taken.retired if retired.since > rested}
    former = {guid: number for number, guid in resting.items() if guid}
    unavailable = {*taken.in_use, *taken.being_freed}
    numbers: dict[str, str] = {}
    for user in newcomers:
        if user.guid in former and former[user.guid] not in unavailable:
            numbers[user.guid] = former[user.guid]
    unavailable.update(resting)
    free = (str(number) for number in count(rule.number_start) if str(number) not in unavailable)
    found: list[Conflict] = []
    for user in newcomers:
        if user.guid in numbers:
            continue
        number = next(free)
        if int(number) > rule.number_end:
            found.append(conflicts.number_range_exhausted(user, rule.number_start, rule.number_end))
            continue
        numbers[user.guid] = number
    return Numbering(numbers, tuple(found))


def _from_attribute(attribute: str, newcomers: Sequence[DirectoryUser], taken: TakenNumbers) -> Numbering:
    claimants: dict[str, list[DirectoryUser]] = defaultdict(list)
    found: list[Conflict] = []
    for user in newcomers:
        text = number_of(user, attribute)
        if not text:
            found.append(conflicts.number_missing(user, attribute))
        elif not is_number(text):
            found.append(conflicts.number_invalid(user, text, attribute))
        else:
            claimants[text].append(user)
    numbers: dict[str, str] = {}
    for number, users in claimants.items():
        if number in taken.in_use:
            found.extend(conflicts.number_in_use(user, number) for user in users)
        elif len(users) > 1:
            found.extend(_shared(attribute, number, users))
        else:
            numbers[users[0].guid] = number
    return Numbering(numbers, tuple(found))


def _shared(attribute: str, number: str, users: Sequence[DirectoryUser]) -> list[Conflict]:
    return [
        conflicts.number_shared(
            user, number, attribute, tuple(other.account_name for other in users if other.guid != user.guid)
        )
        for user in users
    ]
