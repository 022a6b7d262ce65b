# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What is stopped with what: taking a plan apart, so that no more of it is stopped than must be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.dangers import (
    Danger,
    Dangers,
    is_move,
    is_removal,
    members_taken_out,
    takes_address_away,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import EMAIL
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.placement import ORGANIZATIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    ExtensionChange,
    GroupChange,
    Reason,
)


@dataclass(frozen=True, slots=True)
class Stops:
    """What is to be stopped.

    :param groups: keys of the changes of groups that are to take nobody out.
    :param addresses: the e-mail addresses as last written, by the users' objectGUIDs.
    """

    dangers: frozenset[Danger]
    groups: frozenset[str] = frozenset()
    addresses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TakenApart:
    """A plan's changes, those taken apart that go on in part, and the keys of those that do not go on."""

    changes: tuple[AnyChange, ...]
    stopped: frozenset[str]


def stop(changes: Sequence[AnyChange], found: Dangers, stops: Stops) -> TakenApart:
    """Stop dangers and what needs them.

    A change of several fields goes on with the others. One that needs an address which is not given up goes on without
    it, unless it creates an extension, which waits.

    :param found: what of the changes is dangerous.
    """
    reach = _Reach(changes, found)
    apart = _Apart(changes, reach.of(_begin(changes, found, stops)), stops)
    return _without_moot_labels(apart.changes, frozenset(apart.stopped))


class _Place(NamedTuple):
    """A change as a whole, or what it does to its extension's e-mail address."""

    key: str
    is_address: bool = False


def _begin(changes: Iterable[AnyChange], found: Dangers, stops: Stops) -> Iterator[_Place]:
    """What is stopped for itself."""
    if Danger.DELETIONS in stops.dangers:
        yield from (_Place(change.key) for change in found.deletions)
    if Danger.RELEASES in stops.dangers:
        yield from (_Place(change.key) for change in found.releases)
    if Danger.RENUMBERINGS in stops.dangers:
        yield from (_Place(one.ending.key) for one in found.renumberings)
    if Danger.EMAIL_CHANGES in stops.dangers:
        yield from (_Place(change.key, is_address=True) for change in changes if takes_address_away(change))
    if Danger.MOVES in stops.dangers:
        yield from (_Place(change.key) for change in found.moves if _only_moves(change))
    for group in found.member_removals:
        if _keeps_members(group, stops) and _only_takes_out(group):
            yield _Place(group.key)


class _Reach:
    """How far a stop reaches."""

    def __init__(self, changes: Sequence[AnyChange], found: Dangers) -> None:
        self._links: dict[_Place, list[_Place]] = defaultdict(list)
        by_key = {change.key: change for change in changes}
        for change in changes:
            self._link(_Place(change.key), _Place(change.key, is_address=True))
            if _only_writes_address(change):
                self._link(_Place(change.key, is_address=True), _Place(change.key))
            for key in change.depends_on:
                if key in by_key:
                    self._link_dependency(by_key[key], change)
        for one in found.renumberings:
            # Nobody is to be left without the one extension because the other cannot be had.
            self._link(_Place(one.ending.key), _Place(one.beginning.key))
            self._link(_Place(one.beginning.key), _Place(one.ending.key))
        self._link_names(changes)

    def of(self, begin: Iterable[_Place]) -> set[_Place]:
        """Return all that stops with what is stopped."""
        stopped: set[_Place] = set()
        waiting = list(begin)
        while waiting:
            place = waiting.pop()
            if place not in stopped:
                stopped.add(place)
                waiting.extend(self._links[place])
        return stopped

    def _link(self, source: _Place, target: _Place) -> None:
        self._links[source].append(target)

    def _link_dependency(self, source: AnyChange, change: AnyChange) -> None:
        if not _needs_address(change, source):
            self._link(_Place(source.key), _Place(change.key))
            return
        waits = change.action is Action.CREATE
        self._link(_Place(source.key, is_address=True), _Place(change.key, is_address=not waits))

    def _link_names(self, changes: Iterable[AnyChange]) -> None:
        """An object that stays keeps its name."""
        vacated = {(one.kind, one.guid): one.key for one in changes if one.reason is Reason.NAME_EXCHANGE}
        for change in changes:
            if is_removal(change) and (change.kind, change.guid) in vacated:
                self._link(_Place(change.key), _Place(vacated[change.kind, change.guid]))


def _needs_address(change: AnyChange, source: AnyChange) -> bool:
    """Whether a change depends on another one for an e-mail address, and for that alone."""
    if not isinstance(change, ExtensionChange) or not isinstance(source, ExtensionChange):
        return False
    if source.reason is Reason.ADDRESS_EXCHANGE and source.guid == change.guid:
        return True
    wanted, given_up = change.after.get(EMAIL, ""), source.before.get(EMAIL, "")
    return bool(wanted) and wanted.casefold() == given_up.casefold()


def _only_writes_address(change: AnyChange) -> bool:
    is_step = change.action is Action.UPDATE or change.reason is Reason.ADDRESS_EXCHANGE
    return is_step and set(change.after) == {EMAIL}


def _only_moves(change: ExtensionChange) -> bool:
    return change.action is Action.UPDATE and set(change.after) <= {ORGANIZATIONS}


def _only_takes_out(change: GroupChange) -> bool:
    return not change.added and not change.after and change.action is Action.UPDATE


def _keeps_members(change: GroupChange, stops: Stops) -> bool:
    is_stopped = Danger.MEMBER_REMOVALS in stops.dangers or change.key in stops.groups
    return is_stopped and bool(members_taken_out(change))


class _Apart:
    """Takes changes apart, each into what goes on, which comes first, and what does not."""

    def __init__(self, changes: Iterable[AnyChange], stopped: set[_Place], stops: Stops) -> None:
        self.changes: list[AnyChange] = []
        self.stopped: set[str] = set()
        self._places = stopped
        self._stops = stops
        self._by_key = {change.key: change for change in changes}
        # The changes that do not give an address up, by those that were to give it up with others.
        self._address_parts: dict[str, str] = {}
        for change in self._by_key.values():
            self._take(change)

    def _take(self, change: AnyChange) -> None:
        rest: AnyChange = change
        if _Place(change.key) in self._places:
            self._stop(replace(change, depends_on=self._awaited(change)))
            return
        parts: list[AnyChange] = []
        if isinstance(rest, ExtensionChange) and _Place(change.key, is_address=True) in self._places:
            parts.append(self._address_part(rest))
            rest = self._without_address(rest)
        if isinstance(rest, ExtensionChange) and Danger.MOVES in self._stops.dangers and is_move(rest):
            if _only_moves(rest):
                self._stop(rest, *parts)
                return
            parts.append(_move_part(rest))
            rest = _without_move(rest)
        if isinstance(rest, GroupChange) and _keeps_members(rest, self._stops):
            parts.append(_take_out_part(rest))
            rest = _without_removals(rest)
        self.changes.append(rest)
        self._stop(*parts)

    def _stop(self, *changes: AnyChange) -> None:
        self.changes.extend(changes)
        self.stopped.update(change.key for change in changes)

    def _awaited(self, change: AnyChange) -> tuple[str, ...]:
        """What a change waits for: the parts that are stopped, where it waits for what goes on without them."""
        return tuple(self._address_source(change, key) for key in change.depends_on)

    def _address_source(self, change: AnyChange, key: str) -> str:
        return self._address_parts.get(key, key) if self._is_address_source(change, key) else key

    def _address_part(self, change: ExtensionChange) -> ExtensionChange:
        part = replace(
            change,
            depends_on=(change.key, *(self._address_source(change, key) for key in self._address_sources(change))),
            before={name: value for name, value in change.before.items() if name == EMAIL},
            after={name: value for name, value in change.after.items() if name == EMAIL},
            drift=tuple(name for name in change.drift if name == EMAIL),
            placement=None,
            parked=None,
            part="address",
        )
        self._address_parts[change.key] = part.key
        return part

    def _without_address(self, change: ExtensionChange) -> ExtensionChange:
        return replace(
            change,
            before={name: value for name, value in change.before.items() if name != EMAIL},
            after={name: value for name, value in change.after.items() if name != EMAIL},
            drift=tuple(name for name in change.drift if name != EMAIL),
            depends_on=tuple(key for key in change.depends_on if key not in self._address_sources(change)),
            association=self._as_written(change.association),
        )

    def _address_sources(self, change: AnyChange) -> list[str]:
        return [key for key in change.depends_on if self._is_address_source(change, key)]

    def _is_address_source(self, change: AnyChange, key: str) -> bool:
        return key in self._by_key and _needs_address(change, self._by_key[key])

    def _as_written(self, association: Association | None) -> Association | None:
        """The address is last written as it was before; of an extension just taken over it never was."""
        if association is None:
            return None
        written = {name: value for name, value in association.written.items() if name != EMAIL}
        if association.guid in self._stops.addresses:
            written[EMAIL] = self._stops.addresses[association.guid]
        return replace(association, written=written)


def _move_part(change: ExtensionChange) -> ExtensionChange:
    return replace(
        change,
        before={ORGANIZATIONS: change.before.get(ORGANIZATIONS, "")},
        after={ORGANIZATIONS: change.after.get(ORGANIZATIONS, "")},
        parked=None,
        part="move",
    )


def _without_move(change: ExtensionChange) -> ExtensionChange:
    given = change.placement.taken if change.placement is not None else 0
    return replace(
        change,
        before={name: value for name, value in change.before.items() if name != ORGANIZATIONS},
        after={name: value for name, value in change.after.items() if name != ORGANIZATIONS},
        drift=tuple(name for name in change.drift if name != ORGANIZATIONS),
        association=replace(change.association, organization_id=given) if change.association is not None else None,
        placement=None,
    )


def _take_out_part(change: GroupChange) -> GroupChange:
    return replace(change, added=(), before={}, after={}, depends_on=(change.key,), part="take_out")


def _without_removals(change: GroupChange) -> GroupChange:
    return replace(change, removed=(), removed_ids=(), kept=tuple(sorted({*change.kept, *change.removed_ids})))


def _without_moot_labels(changes: Iterable[AnyChange], stopped: frozenset[str]) -> TakenApart:
    """Leave out changes that would take into the label group or out of it nobody but those whose change is stopped."""
    held = [change for change in changes if change.key in stopped and isinstance(change, ExtensionChange)]
    staying = {change.object_id for change in held if is_removal(change)}
    lacking = {change.number for change in held if change.action in (Action.CREATE, Action.ASSOCIATE)}
    kept = tuple(change for change in changes if not _is_moot(change, staying, lacking))
    return TakenApart(kept, stopped)


def _is_moot(change: AnyChange, staying: set[int | None], lacking: set[str]) -> bool:
    if not isinstance(change, GroupChange) or not change.label or change.after:
        return False
    if not change.removed_ids and not change.added:
        return False
    coming = {one.partition(" ")[0] for one in change.added}
    return staying.issuperset(change.removed_ids) and coming <= lacking
