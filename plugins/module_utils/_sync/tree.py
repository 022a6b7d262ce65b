# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The organization tree of the PBX as it becomes, change by change, while a plan is made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Union

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Organization

#: An organization of the PBX by its id, or one still to be created by the guid of its unit.
Node = Union[int, str]  # noqa: UP007 (pylint knows no | here)


@dataclass(slots=True)
class Tree:
    """Organizations by where they are and what they are called.

    :param names: by node.
    :param parents: the node above each; the root's is 0.
    """

    names: dict[Node, str] = field(default_factory=dict)
    parents: dict[Node, Node] = field(default_factory=dict)
    _children: dict[Node, list[Node]] = field(default_factory=lambda: defaultdict(list))
    _holders: dict[tuple[Node, str], list[Node]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, organizations: Iterable[Organization]) -> Tree:
        """Return the tree as the PBX shows it."""
        tree = cls()
        for organization in organizations:
            tree.put(organization.id, organization.name, organization.parent_id)
        return tree

    def put(self, node: Node, name: str, parent: Node) -> None:
        """Add a node, or rename and move one."""
        if node in self.parents:
            self._take_out(node)
        self.names[node] = name
        self.parents[node] = parent
        self._children[parent].append(node)
        self._holders[parent, name.casefold()].append(node)

    def remove(self, node: Node) -> None:
        """Take out a node that has no children."""
        self._take_out(node)
        del self.names[node], self.parents[node]

    def children(self, node: Node) -> Sequence[Node]:
        """Return the nodes right below one."""
        return self._children[node]

    def holder(self, name: str, parent: Node, *, other_than: Node | None = None) -> Node | None:
        """Return a node of that name below a parent, one that spells it so before others; None if there is none."""
        return next(iter(self.holders(name, parent, other_than=other_than)), None)

    def holders(self, name: str, parent: Node, *, other_than: Node | None = None) -> list[Node]:
        """Return the nodes of that name below a parent, capital letters or not; those that spell it so come first."""
        found = [node for node in self._holders[parent, name.casefold()] if node != other_than]
        return sorted(found, key=lambda node: (self.names[node] != name, str(node)))

    def path(self, node: Node) -> str:
        """Return a node's path as a report shows it, from the root."""
        return "/".join(reversed([self.names[one] for one in (node, *self.above(node))]))

    def above(self, node: Node) -> list[Node]:
        """Return the nodes above one, the nearest first."""
        found: list[Node] = []
        parent = self.parents[node]
        while parent in self.parents:
            found.append(parent)
            parent = self.parents[parent]
        return found

    def below(self, node: Node) -> list[Node]:
        """Return all nodes below one, each after the one it hangs from."""
        found = [node]
        for one in found:
            found.extend(self._children[one])
        return found[1:]

    def layer(self, node: Node) -> int:
        """Return how deep a node is: the root 0, those right below it 1."""
        return len(self.above(node))

    def height(self, node: Node) -> int:
        """Return how many layers a node has below it."""
        return max((self.layer(one) for one in self.below(node)), default=self.layer(node)) - self.layer(node)

    def _take_out(self, node: Node) -> None:
        parent = self.parents[node]
        self._children[parent].remove(node)
        self._holders[parent, self.names[node].casefold()].remove(node)
