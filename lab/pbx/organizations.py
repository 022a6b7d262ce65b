# SPDX-License-Identifier: GPL-3.0-or-later
"""The organization tree: departments below the company, which is the root."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

ROOT_ID = 1


@dataclass(frozen=True)
class Organization:
    """One department; `order` is its place among its siblings, from 1."""

    id: int
    name: str
    parent_id: int
    order: int


class OrganizationTree:
    """The departments of a PBX. The root has id 1 and cannot be changed here but for its name."""

    def __init__(self, company_name: str) -> None:
        self._by_id = {ROOT_ID: Organization(ROOT_ID, company_name, 0, 1)}
        self._children: dict[int, list[int]] = {ROOT_ID: []}
        self._next_id = ROOT_ID + 1

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def root(self) -> Organization:
        """The company."""
        return self._by_id[ROOT_ID]

    def get(self, organization_id: int) -> Organization | None:
        """The department with that id."""
        return self._by_id.get(organization_id)

    def all(self) -> list[Organization]:
        """Every department and the root, in the order of ids."""
        return sorted(self._by_id.values(), key=lambda one: one.id)

    def children(self, organization_id: int) -> list[Organization]:
        """The departments right below, in their order."""
        return [self._by_id[child] for child in self._children[organization_id]]

    def subtree(self, organization_id: int) -> list[int]:
        """The ids of a department and all below it."""
        found = [organization_id]
        for one in found:
            found.extend(self._children[one])
        return found

    def layer(self, organization_id: int) -> int:
        """How deep a department is: the root 0, departments right below it 1."""
        depth = 0
        current = self._by_id[organization_id]
        while current.id != ROOT_ID:
            current = self._by_id[current.parent_id]
            depth += 1
        return depth

    def height(self, organization_id: int) -> int:
        """How many layers a department's subtree has below it."""
        base = self.layer(organization_id)
        return max(self.layer(one) for one in self.subtree(organization_id)) - base

    def sibling_named(self, name: str, parent_id: int, *, other_than: int | None = None) -> Organization | None:
        """A department right below `parent_id` with that name."""
        for child in self.children(parent_id):
            if child.name == name and child.id != other_than:
                return child
        return None

    def add(self, name: str, parent_id: int) -> Organization:
        """A new department, the last of its siblings."""
        organization = Organization(self._next_id, name, parent_id, self._last_order(parent_id) + 1)
        self._next_id += 1
        self._by_id[organization.id] = organization
        self._children[organization.id] = []
        self._children[parent_id].append(organization.id)
        return organization

    def rename(self, organization_id: int, name: str) -> None:
        """Give a department, or the root, another name."""
        self._by_id[organization_id] = dataclasses.replace(self._by_id[organization_id], name=name)

    def move(self, organization_id: int, parent_id: int) -> None:
        """Put a department under another one, as the last of its siblings there."""
        present = self._by_id[organization_id]
        if present.parent_id == parent_id:
            return
        order = self._last_order(parent_id) + 1
        self._children[present.parent_id].remove(organization_id)
        self._children[parent_id].append(organization_id)
        self._by_id[organization_id] = dataclasses.replace(present, parent_id=parent_id, order=order)

    def remove(self, organization_id: int) -> list[int]:
        """Delete a department with all below it; their ids."""
        gone = self.subtree(organization_id)
        self._children[self._by_id[organization_id].parent_id].remove(organization_id)
        for one in gone:
            del self._by_id[one]
            del self._children[one]
        return gone

    def _last_order(self, parent_id: int) -> int:
        return max((child.order for child in self.children(parent_id)), default=0)
