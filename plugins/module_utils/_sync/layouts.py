# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Where extensions are to be: by a tree that is being planned, or by the one that stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectAssociation
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.organizations import OrganizationsPart
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Organization, OrganizationReference
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.placement import Layout
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.tree import Node, Tree
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.units import Forest, nearest_above


def planned_layout(
    forest: Forest,
    part: OrganizationsPart,
    associations: Iterable[ObjectAssociation],
    organizations: Sequence[Organization],
    unknown: Iterable[str],
) -> Layout:
    """Return where extensions are to be once the organizations are as planned.

    :param associations: of organizations, as they are.
    :param organizations: the PBX's as they are, the root first.
    :param unknown: objectGUIDs of users whose extensions stay where they are.
    """
    return _layout(
        forest,
        part.nodes,
        part.tree,
        associations,
        organizations,
        creations=part.creations,
        unknown=unknown,
        leaving=[change.object_id for change in part.deletions if change.object_id is not None],
        released=part.released,
    )


def standing_layout(
    forest: Forest, associations: Iterable[ObjectAssociation], organizations: Sequence[Organization]
) -> Layout:
    """Return where extensions are to be in the organizations as they are; none comes into one that is to go."""
    tree = Tree.of(organizations)
    held = list(associations)
    nodes: dict[str, Node] = {one.guid: one.object_id for one in held if one.object_id in tree.names and one.parent_id}
    return _layout(forest, nodes, tree, held, organizations)


def _layout(
    forest: Forest,
    nodes: Mapping[str, Node],
    tree: Tree,
    associations: Iterable[ObjectAssociation],
    organizations: Sequence[Organization],
    *,
    creations: Mapping[str, str] | None = None,
    unknown: Iterable[str] = (),
    leaving: Iterable[int] = (),
    released: Mapping[int, str] | None = None,
) -> Layout:
    present = Tree.of(organizations)
    return Layout(
        root=OrganizationReference(organizations[0].id, organizations[0].name),
        ids={guid: node if isinstance(node, int) else 0 for guid, node in nodes.items()},
        creations=dict(creations or {}),
        homes=_homes(forest, nodes),
        unknown=frozenset(unknown),
        paths={one.id: present.path(one.id) for one in organizations},
        titles={guid: tree.path(node) for guid, node in nodes.items()},
        associated=frozenset(one.object_id for one in associations if one.object_id in present.names),
        ending=frozenset(one.id for one in organizations if one.id not in tree.names),
        leaving=frozenset(leaving),
        released=dict(released or {}),
    )


def _homes(forest: Forest, nodes: Mapping[str, Node]) -> dict[str, str]:
    """The nearest unit of each user that has an organization."""
    parents = forest.parents
    nearest = {unit: nearest_above(unit, parents, nodes) for unit in set(forest.homes.values())}
    return {user: nearest[unit] for user, unit in forest.homes.items() if nearest[unit]}
