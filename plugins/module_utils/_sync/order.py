# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The order of a plan: what frees something comes before what takes it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from heapq import heapify, heappop, heappush

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import EMAIL, FIELD_NAMES
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, ExtensionChange, Reason

_RANK = {action: rank for rank, action in enumerate(Action)}


def in_order(changes: Sequence[ExtensionChange], extensions: Mapping[int, Extension]) -> tuple[ExtensionChange, ...]:
    """Return the changes with the dependencies that e-mail addresses impose, each after all it depends on.

    Among changes that do not depend on each other, removals come first and creations last; within one action the
    given order is kept.

    :param extensions: the PBX's extensions by id, as they are before the plan.
    """
    followed = _addresses_followed(changes, extensions)
    if not any(change.depends_on for change in followed):
        return tuple(sorted(followed, key=lambda change: _RANK[change.action]))
    return _sorted(_exchanges_broken(followed))


def _addresses_followed(
    changes: Sequence[ExtensionChange], extensions: Mapping[int, Extension]
) -> list[ExtensionChange]:
    """Let each change that takes an address wait for the one that frees it."""
    freeing: dict[str, ExtensionChange] = {}
    for change in changes:
        extension = extensions.get(change.object_id or 0)
        held = extension.fields[EMAIL] if extension is not None else ""
        if held and (change.action is Action.DELETE or EMAIL in change.after):
            freeing[held.casefold()] = change
    followed = []
    for change in changes:
        source = freeing.get(change.after.get(EMAIL, "").casefold())
        if source is not None and source.key not in (change.key, *change.depends_on):
            change = replace(change, depends_on=(*change.depends_on, source.key))  # noqa: PLW2901
        followed.append(change)
    return followed


def _exchanges_broken(changes: Sequence[ExtensionChange]) -> list[ExtensionChange]:
    """Where users exchange addresses in a ring, let one of the ring give its address up first."""
    by_key = {change.key: change for change in changes}
    seen: set[str] = set()
    for start in list(by_key):
        path: list[str] = []
        key: str | None = start
        while key is not None and key not in seen:
            seen.add(key)
            path.append(key)
            key = _waits_for_address(by_key[key], by_key)
        if key is not None and key in path:
            _break(path[path.index(key) :], by_key)
    return list(by_key.values())


def _waits_for_address(change: ExtensionChange, by_key: Mapping[str, ExtensionChange]) -> str | None:
    """Return the key of the writing change that this one waits for; removals cannot be part of a ring."""
    for key in change.depends_on:
        if key in by_key and EMAIL in by_key[key].after:
            return key
    return None


def _break(ring: Sequence[str], by_key: dict[str, ExtensionChange]) -> None:
    """Put a change that gives an address up before the one of the ring that takes it.

    It waits for all that the ring waits for, so that nobody is left without an address by a ring that is stopped;
    and what it leaves behind as last written is no more than what is then there.
    """
    first = min(ring)
    giver = by_key[first]
    association = giver.association
    if association is None:
        return
    outside = {key for waiting in ring for key in by_key[waiting].depends_on if key not in ring}
    vacated = replace(
        giver,
        action=Action.UPDATE if giver.action is Action.UNPARK else giver.action,
        reason=Reason.ADDRESS_EXCHANGE,
        part="vacate",
        before={EMAIL: giver.before[EMAIL]},
        after={EMAIL: ""},
        drift=(),
        depends_on=tuple(sorted(outside)),
        placement=None,
        association=_as_vacated(giver, association),
        parked=None,
    )
    by_key[vacated.key] = vacated
    taker = next(key for key in ring if first in by_key[key].depends_on)
    waits = tuple(vacated.key if key == first else key for key in by_key[taker].depends_on)
    by_key[taker] = replace(by_key[taker], depends_on=waits)
    by_key[first] = replace(by_key[first], depends_on=(*by_key[first].depends_on, vacated.key))


def _sorted(changes: Sequence[ExtensionChange]) -> tuple[ExtensionChange, ...]:
    by_key = {change.key: change for change in changes}
    places = {change.key: (_RANK[change.action], place) for place, change in enumerate(changes)}
    waiting = {key: {other for other in change.depends_on if other in by_key} for key, change in by_key.items()}
    dependents: dict[str, list[str]] = defaultdict(list)
    for key, others in waiting.items():
        for other in others:
            dependents[other].append(key)
    ready = [(places[key], key) for key, others in waiting.items() if not others]
    heapify(ready)
    ordered: list[ExtensionChange] = []
    while ready:
        _place, key = heappop(ready)
        ordered.append(by_key[key])
        for dependent in dependents.pop(key, ()):
            waiting[dependent].discard(key)
            if not waiting[dependent]:
                heappush(ready, (places[dependent], dependent))
    if len(ordered) != len(changes):
        raise RuntimeError("changes depend on each other in a ring")
    return tuple(ordered)


def _as_vacated(giver: ExtensionChange, association: Association) -> Association:
    """The association when nothing of a change is done yet, but that its address is given up."""
    former = {name: value for name, value in giver.before.items() if name in FIELD_NAMES}
    given = giver.placement.taken if giver.placement is not None else association.organization_id
    return replace(
        association,
        written={**association.written, **former, EMAIL: ""},
        organization_id=given,
        parked=giver.parked,
    )
