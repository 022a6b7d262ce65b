# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What is on the PBX and differs from what was last written there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import FIELD_NAMES, same
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension, ExtensionGroup
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.placement import ORGANIZATIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import MEMBERS, NAME, PARENT
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.standing import Standing
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.tree import Tree

NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Drift:
    """One field that is not as it was last written.

    :param number: of an extension as it was last known; "" for other objects.
    :param name: the directory object as a report names it.
    :param field: a managed field, or one of ``number``, ``organizations``, ``name``, ``parent`` and ``members``. Each
        member that was put in or taken out is one of its own.
    :param written: as it was last written, "" for a member that was put in.
    :param actual: as it is; "" for a member that was taken out, and of an object that is gone.
    """

    kind: ObjectKind
    number: str
    name: str
    field: str
    written: str
    actual: str


def find_drift(standing: Standing) -> list[Drift]:
    """Return all that differs, extensions first, in the order of the associations.

    What the next run would do about it is for the plan to say: a value that the directory asks for now is drift all the
    same.
    """
    finder = _Finder(standing)
    return [
        *(drift for one in standing.associations for drift in finder.of_extension(one)),
        *(drift for one in standing.objects for drift in finder.of_object(one)),
    ]


class _Finder:
    def __init__(self, standing: Standing) -> None:
        pbx = standing.pbx
        self._extensions = {one.id: one for one in pbx.extensions}
        self._groups = {one.id: one for one in pbx.groups or ()}
        self._groups_known = pbx.groups is not None
        self._tree = Tree.of(pbx.organizations or ())
        self._organizations_known = pbx.organizations is not None
        self._names = {one.object_id: one.name for one in standing.objects if one.kind is ObjectKind.ORGANIZATION}

    def of_extension(self, held: Association) -> Iterator[Drift]:
        extension = self._extensions.get(held.extension_id)
        if extension is None:
            yield self._extension_drift(held, NUMBER, held.number, "")
            return
        if extension.number != held.number:
            yield self._extension_drift(held, NUMBER, held.number, extension.number)
        for name in FIELD_NAMES:
            actual = extension.fields.get(name, "")
            if name in held.written and not same(name, held.written[name], actual):
                yield self._extension_drift(held, name, held.written[name], actual)
        given = held.organization_id
        if self._organizations_known and given and given not in {one.id for one in extension.organizations}:
            actual = ", ".join(sorted(self._path(one.id) or one.name for one in extension.organizations))
            yield self._extension_drift(held, ORGANIZATIONS, self._path(given), actual)

    def of_object(self, held: ObjectAssociation) -> Iterator[Drift]:
        if held.kind is ObjectKind.ORGANIZATION:
            return self._of_organization(held) if self._organizations_known else iter(())
        return self._of_group(held) if self._groups_known else iter(())

    def _of_organization(self, held: ObjectAssociation) -> Iterator[Drift]:
        actual = self._tree.names.get(held.object_id, "")
        if actual != held.name:
            yield _object_drift(held, NAME, held.name, actual)
        parent = self._tree.parents.get(held.object_id)
        # Without a parent it is to go as soon as it can, wherever it is.
        if held.parent_id and isinstance(parent, int) and parent != held.parent_id:
            yield _object_drift(held, PARENT, self._path(held.parent_id), self._path(parent))

    def _of_group(self, held: ObjectAssociation) -> Iterator[Drift]:
        group = self._groups.get(held.object_id)
        actual = group.name if group is not None else ""
        if actual != held.name:
            yield _object_drift(held, NAME, held.name, actual)
        if group is not None:
            yield from self._of_members(held, group)

    def _of_members(self, held: ObjectAssociation, group: ExtensionGroup) -> Iterator[Drift]:
        written = set(held.members)
        present = self._extensions.keys() if group.includes_all else set(group.members)
        # An extension that is gone is in no group.
        for extension in self._in_order(written & self._extensions.keys() - present):
            yield _object_drift(held, MEMBERS, _member(extension), "")
        for extension in self._in_order((present & self._extensions.keys()) - written):
            yield _object_drift(held, MEMBERS, "", _member(extension))

    def _in_order(self, ids: Iterable[int]) -> Sequence[Extension]:
        return sorted((self._extensions[id_] for id_ in ids), key=lambda one: (len(one.number), one.number))

    def _path(self, organization_id: int) -> str:
        if organization_id in self._tree.names:
            return self._tree.path(organization_id)
        return self._names.get(organization_id, "")

    @staticmethod
    def _extension_drift(held: Association, field: str, written: str, actual: str) -> Drift:
        return Drift(ObjectKind.EXTENSION, held.number, held.account_name, field, written, actual)


def _object_drift(held: ObjectAssociation, field: str, written: str, actual: str) -> Drift:
    return Drift(held.kind, "", held.name, field, written, actual)


def _member(extension: Extension) -> str:
    names = (extension.fields.get("first_name", ""), extension.fields.get("last_name", ""))
    return " ".join(text for text in (extension.number, *names) if text)
