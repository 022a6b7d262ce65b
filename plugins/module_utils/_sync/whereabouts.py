# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""In which organizations and extension groups each extension is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, ObjectKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.standing import Standing
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.tree import Tree


class Whereabouts:
    """Tells of users' extensions at one moment, looked up once for all of them."""

    def __init__(self, standing: Standing) -> None:
        self._extensions = {one.id: one for one in standing.pbx.extensions}
        self._associations = {one.guid: one for one in standing.associations}
        tree = Tree.of(standing.pbx.organizations or ())
        self._paths = {node: tree.path(node) for node in tree.names}
        groups = {one.id: one for one in standing.pbx.groups or ()}
        held = [one for one in standing.objects if one.kind is ObjectKind.EXTENSION_GROUP and one.object_id in groups]
        self.groups: Mapping[str, tuple[str, RuleKind]] = {
            one.guid: (groups[one.object_id].name, one.rule) for one in held
        }
        self._groups_of: dict[int, set[str]] = defaultdict(set)
        self._groups_of_all = {one.guid for one in held if groups[one.object_id].includes_all}
        for one in held:
            for member in groups[one.object_id].members:
                self._groups_of[member].add(one.guid)

    def association(self, guid: str) -> Association | None:
        """Return a user's association."""
        return self._associations.get(guid)

    def extension(self, guid: str) -> Extension | None:
        """Return a user's extension; None without one, and where it is gone from the PBX."""
        held = self._associations.get(guid)
        return self._extensions.get(held.extension_id) if held is not None else None

    def organizations(self, guid: str) -> str:
        """Return the paths of the organizations that a user's extension is in; "" for none."""
        extension = self.extension(guid)
        places = extension.organizations if extension is not None else ()
        return ", ".join(sorted(self._paths.get(one.id, one.name) for one in places))

    def memberships(self, guid: str) -> frozenset[str]:
        """Return the associated groups (by the keys of ``groups``) that a user's extension is in."""
        extension = self.extension(guid)
        if extension is None:
            return frozenset()
        return frozenset(self._groups_of.get(extension.id, set()) | self._groups_of_all)
