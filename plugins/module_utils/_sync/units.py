# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The units of a tree: organizational units, or the values of an attribute in their place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryUnit, DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectAssociation


@dataclass(frozen=True, slots=True)
class Unit:
    """One node of the tree that organizations or extension groups are made of.

    :param guid: objectGUID, or ``attribute:value``.
    :param path: names from the top of the tree, its own last.
    :param parent: guid of the unit above it; "" at the top.
    """

    guid: str
    dn: str
    path: tuple[str, ...]
    parent: str = ""

    @property
    def name(self) -> str:
        """Its own name."""
        return self.path[-1]

    @property
    def shown(self) -> str:
        """Its path as a report shows it."""
        return "/".join(self.path)


@dataclass(frozen=True, slots=True)
class Forest:
    """The units and who is in which.

    :param units: parents before children, in an order that does not depend on how the directory returned them.
    :param homes: guid of the nearest unit of each user, by the user's objectGUID.
    :param above: guid of the nearest unit above each that is not among the units but that they or the homes may name.
    """

    units: tuple[Unit, ...]
    homes: Mapping[str, str]
    above: Mapping[str, str] = field(default_factory=dict)

    @property
    def parents(self) -> dict[str, str]:
        """The nearest unit above each, by its guid; "" for none."""
        return {**self.above, **{unit.guid: unit.parent for unit in self.units}}

    def cleared(self) -> Forest:
        """Return the forest without its units: the places remain."""
        return Forest((), self.homes, self.parents)


def forest_of_units(units: Iterable[DirectoryUnit], homes: Mapping[str, str], hidden: Mapping[str, str]) -> Forest:
    """Make the tree of organizational units.

    :param hidden: the nearest unit above each that is not shown.
    """
    return Forest(in_order([Unit(unit.guid, unit.dn, unit.path, unit.parent) for unit in units]), homes, hidden)


def forest_of_values(
    users: Iterable[DirectoryUser], attribute: str, separator: str, associations: Iterable[ObjectAssociation]
) -> Forest:
    """Make a tree of the values that an attribute has among the users.

    Spellings that differ in capital letters alone are one unit. It keeps the spelling last written while a user has
    it, else it gets the first in the order of characters.

    :param separator: what separates the levels of a value; "" where a value is one name.
    """
    written = {association.guid: association.name for association in associations}
    spellings: dict[str, set[str]] = defaultdict(set)
    parents: dict[str, str] = {}
    homes: dict[str, str] = {}
    for user in users:
        parent = ""
        for names in _levels(user.attributes.get(attribute, ""), separator):
            guid = f"{attribute}:{separator.join(names).casefold()}"
            spellings[guid].add(names[-1])
            parents[guid] = parent
            parent = guid
        if parent:
            homes[user.guid] = parent
    spelled = {guid: _spelling(found, written.get(guid)) for guid, found in spellings.items()}
    units = []
    for guid, parent in parents.items():
        path: tuple[str, ...] = (spelled[guid],)
        above = parent
        while above:
            path = (spelled[above], *path)
            above = parents[above]
        units.append(Unit(guid, "", path, parent))
    return Forest(in_order(units), homes)


def _levels(value: str, separator: str) -> list[tuple[str, ...]]:
    """The unit of a value and all above it, from the top."""
    parts = value.split(separator) if separator else [value]
    names = tuple(name for part in parts if (name := " ".join(part.split())))
    return [names[:length] for length in range(1, len(names) + 1)]


def _spelling(found: Collection[str], written: str | None) -> str:
    return written if written is not None and written in found else min(found)


def in_order(units: Collection[Unit]) -> tuple[Unit, ...]:
    """Return units with parents before children, else by name; one whose parent is not among them is at the top."""
    known = {unit.guid for unit in units}
    children: dict[str, list[Unit]] = defaultdict(list)
    for unit in sorted(units, key=lambda one: (one.name.casefold(), one.guid), reverse=True):
        children[unit.parent if unit.parent in known else ""].append(unit)
    ordered: list[Unit] = []
    waiting = list(children[""])
    while waiting:
        unit = waiting.pop()
        ordered.append(unit)
        waiting.extend(children[unit.guid])
    return tuple(ordered)


def nearest_above(guid: str, parents: Mapping[str, str], among: Collection[str]) -> str:
    """Return the unit itself, or the nearest above it, that is among some; "" if none is."""
    while guid and guid not in among:
        guid = parents.get(guid, "")
    return guid


def leaves(forest: Forest) -> tuple[Unit, ...]:
    """Return the units that have none below them, at whatever distance, not even one that is not shown."""
    paths = {unit.guid: tuple(name.casefold() for name in unit.path) for unit in forest.units}
    above = {path[:length] for path in paths.values() for length in range(1, len(path))}
    parents = set(forest.above.values())
    return tuple(unit for unit in forest.units if paths[unit.guid] not in above and unit.guid not in parents)
