# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects themselves, and what one deletion does to the others."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from lab.awx.errors import not_found
from lab.awx.resources import NODE_PATHS, RESOURCES, UNIFIED, Field, FieldKind, Resource

Record = dict[str, Any]


class Store:
    """All objects, each with an id that no other has, of whatever kind."""

    def __init__(self) -> None:
        self._records: dict[str, dict[int, Record]] = {path: {} for path in RESOURCES}
        self._attached: dict[tuple[str, int, str], list[int]] = {}
        self._next_id = 1

    def add(self, resource: Resource, values: Mapping[str, Any]) -> Record:
        """Add an object with these values and the defaults of the others; return it."""
        record = {one.name: copy.deepcopy(values.get(one.name, one.default)) for one in resource.fields}
        record["id"] = self._next_id
        self._next_id += 1
        self._records[resource.path][record["id"]] = record
        return record

    def all(self, path: str) -> list[Record]:
        """The objects at a path, oldest first; `UNIFIED` has those of all its kinds."""
        if path == UNIFIED:
            return sorted((one for kind in _unified() for one in self.all(kind)), key=lambda one: int(one["id"]))
        return list(self._records[path].values())

    def get(self, path: str, identifier: int) -> Record:
        """An object by its path and its id.

        :raises ApiError: 404 if there is none.
        """
        found = self.find(path, identifier)
        if found is None:
            raise not_found()
        return found[1]

    def find(self, path: str, identifier: int) -> tuple[Resource, Record] | None:
        """An object and its kind; for `UNIFIED` of any kind that a node may hold."""
        for kind in NODE_PATHS if path == UNIFIED else (path,):
            if identifier in self._records[kind]:
                return RESOURCES[kind], self._records[kind][identifier]
        return None

    def attached(self, resource: Resource, identifier: int, name: str) -> list[int]:
        """The ids in one of an object's lists, in the order in which they were attached; a list to change."""
        return self._attached.setdefault((resource.path, identifier, name), [])

    def delete(self, resource: Resource, identifier: int) -> None:
        """Remove an object, what it owns, and every reference to it."""
        record = self._records[resource.path].pop(identifier)
        for key, members in self._attached.items():
            if RESOURCES[key[0]].lists[key[2]] == resource.path and identifier in members:
                members.remove(identifier)
        for owner, field, other in list(self._naming(resource, identifier)):
            if not field.owner:
                other[field.name] = None
            elif other["id"] in self._records[owner.path]:
                self.delete(owner, other["id"])
        self._delete_approval(resource, record)

    def _delete_approval(self, resource: Resource, record: Record) -> None:
        if resource.path != "workflow_job_template_nodes":
            return
        held = record["unified_job_template"]
        if held in self._records["workflow_approval_templates"]:
            self.delete(RESOURCES["workflow_approval_templates"], held)

    def _naming(self, resource: Resource, identifier: int) -> Iterator[tuple[Resource, Field, Record]]:
        """All objects that name this one, with the field in which they do."""
        paths = (resource.path, UNIFIED) if resource.path in NODE_PATHS else (resource.path,)
        for other in RESOURCES.values():
            for field in other.fields:
                if field.kind is not FieldKind.REFERENCE or field.target not in paths:
                    continue
                for record in list(self._records[other.path].values()):
                    if record[field.name] == identifier:
                        yield other, field, record


def _unified() -> tuple[str, ...]:
    return tuple(path for path, resource in RESOURCES.items() if resource.unified)
