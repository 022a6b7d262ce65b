# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Which organizations an extension is in: that of its user's unit, and those that an administrator gave it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension, OrganizationReference
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Placement

#: The name under which reports show the organizations of an extension.
ORGANIZATIONS = "organizations"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the synchronization puts extensions.

    :param ids: id of each unit's organization, by the unit's guid; 0 for one that is still to be created.
    :param creations: keys of the changes that create organizations, by the unit's guid.
    :param homes: guid of the unit (one of ``ids``) that each user belongs to, by the user's objectGUID.
    :param unknown: objectGUIDs of users of whom nothing is known: their extensions stay where they are.
    :param paths: of each organization as a report shows it, by its id.
    :param titles: likewise of the units' organizations, by the unit's guid.
    :param associated: ids of the organizations that the synchronization keeps; what it gave is one of them.
    :param leaving: ids of the organizations that are to be deleted, which no extension may be left in.
    :param released: keys of the releases of those that become the administrator's, by their ids; so do the places in
        them.
    :param ending: ids of the organizations that are to be deleted, empty ones too.
    """

    root: OrganizationReference
    ids: Mapping[str, int] = field(default_factory=dict)
    creations: Mapping[str, str] = field(default_factory=dict)
    homes: Mapping[str, str] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    paths: Mapping[int, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    associated: frozenset[int] = frozenset()
    leaving: frozenset[int] = frozenset()
    released: Mapping[int, str] = field(default_factory=dict)
    ending: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class ByHand:
    """That a person took an extension out of what the synchronization gave it; by paths, as a report shows them.

    :param both_changed: whether it is left so although the user's unit has another organization now.
    """

    written: str
    wanted: str
    actual: str
    both_changed: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """Where an extension is to be.

    :param placement: None if it is there already.
    :param organization_id: what the synchronization gave it then; 0 for none, and for one still to be created. What
        is released counts as given until that is done.
    :param drift: whether an administrator took it out of what the synchronization gave it.
    :param depends_on: keys of the changes that create what it is to be put into, and release what it may stay in.
    :param by_hand: what an administrator did, whether it is put back or left; None for nothing.
    """

    placement: Placement | None
    organization_id: int
    before: str = ""
    after: str = ""
    drift: bool = False
    depends_on: tuple[str, ...] = ()
    by_hand: ByHand | None = None


def place(layout: Layout, guid: str, extension: Extension, given: int, *, leaves_drift: bool = False) -> Placed:
    """Decide in which organizations an extension is to be.

    It is in that of its user's unit, keeps those that an administrator gave it, and loses only the one that the
    synchronization gave. The root alone counts as no organization, for every extension is in one.

    :param guid: the user's objectGUID.
    :param given: id of the organization that the synchronization gave it; 0 for none.
    :param leaves_drift: whether an extension that an administrator took out of that one stays where he put it.
    """
    if guid in layout.unknown:
        return _stay(layout, extension, given)
    unit = layout.homes.get(guid, "")
    home = layout.ids[unit] if unit else 0
    own = given if given in layout.associated and given not in layout.released else 0
    taken_out = _is_taken_out(layout, extension, own)
    if leaves_drift and unit and taken_out and home not in _ids(extension.organizations):
        by_hand = _by_hand(layout, extension, own, unit)
        return replace(_stay(layout, extension, given), by_hand=replace(by_hand, both_changed=home != own))
    lost = {*layout.leaving, own} - {0, home}
    others = tuple(one for one in extension.organizations if one.id not in {*lost, home})
    if unit and _is_in_root_alone(layout, extension):
        others = ()
    if (home or not unit) and _is_there(layout, extension, others, home):
        return Placed(None, home or (given if given in layout.released else 0))
    return Placed(
        placement=Placement(others, unit, taken=own if own in lost and own in _ids(extension.organizations) else 0),
        organization_id=home,
        before=_shown(layout, extension.organizations),
        after=_shown(layout, others if others or unit else (layout.root,), layout.titles.get(unit, "")),
        drift=bool(home) and own == home,
        depends_on=(*_creation(layout, unit), *_release(layout, given)),
        by_hand=_by_hand(layout, extension, own, unit) if own == home and taken_out else None,
    )


def _is_taken_out(layout: Layout, extension: Extension, own: int) -> bool:
    """Whether an administrator took an extension out of what it was given; of what is to be deleted nobody can be."""
    return bool(own) and own not in layout.ending and own not in _ids(extension.organizations)


def _by_hand(layout: Layout, extension: Extension, own: int, unit: str) -> ByHand:
    return ByHand(layout.paths.get(own, ""), layout.titles[unit], _shown(layout, extension.organizations))


def _stay(layout: Layout, extension: Extension, given: int) -> Placed:
    """Leave an extension where it is, but for organizations that are to be deleted."""
    own = given if given in layout.associated and given not in layout.leaving else 0
    others = tuple(one for one in extension.organizations if one.id not in layout.leaving)
    if len(others) == len(extension.organizations):
        return Placed(None, own)
    before, after = _shown(layout, extension.organizations), _shown(layout, others or (layout.root,))
    return Placed(Placement(others, taken=given if given in layout.leaving else 0), own, before, after)


def place_new(layout: Layout, guid: str) -> Placed:
    """Decide in which organization a new extension is to be: its user's unit's, or none, which puts it in the root."""
    unit = layout.homes.get(guid, "")
    if not unit:
        return Placed(None, 0)
    return Placed(
        placement=Placement((), unit),
        organization_id=layout.ids[unit],
        after=layout.titles[unit],
        depends_on=_creation(layout, unit),
    )


def _is_there(layout: Layout, extension: Extension, others: Sequence[OrganizationReference], home: int) -> bool:
    if not extension.organizations and not home:
        return True
    wanted = _ids(others) | ({home} if home else set())
    return _ids(extension.organizations) == (wanted or {layout.root.id})


def _is_in_root_alone(layout: Layout, extension: Extension) -> bool:
    return _ids(extension.organizations) == {layout.root.id}


def _creation(layout: Layout, unit: str) -> tuple[str, ...]:
    return (layout.creations[unit],) if unit in layout.creations else ()


def _release(layout: Layout, given: int) -> tuple[str, ...]:
    return (layout.released[given],) if given in layout.released else ()


def _ids(organizations: Iterable[OrganizationReference]) -> set[int]:
    return {one.id for one in organizations}


def _shown(layout: Layout, organizations: Iterable[OrganizationReference], title: str = "") -> str:
    paths = [layout.paths.get(one.id, one.name) for one in organizations]
    return ", ".join(sorted([*paths, title] if title else paths))
