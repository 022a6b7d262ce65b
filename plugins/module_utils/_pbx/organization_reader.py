# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Organizations as the PBX shows them."""

from __future__ import annotations

from collections.abc import Collection

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.details import DetailReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import ORGANIZATION_DISABLED, PbxRefusedError
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.organization_tree import (
    parse_organization,
    parse_tree,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.session import Session
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.transport import Call
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Organization

# is_all of vendor's page "Query Organization List": organizations alone, without their extensions.
_ORGANIZATIONS_ONLY = "2"


class OrganizationReader:
    """Reads organizations, and remembers which ones the run has been shown."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._details = DetailReader(session, "organization", "organization", key="organization_info")
        self._shown: set[int] = set()

    @property
    def shown_ids(self) -> frozenset[int]:
        """Ids of the organizations that were read for the run, or noted."""
        return frozenset(self._shown)

    def note(self, organization_id: int) -> None:
        """Take down that the run knows of an organization."""
        self._shown.add(organization_id)

    def forget(self, organization_id: int) -> None:
        """Take down that an organization is gone; the PBX may give its id to another one."""
        self._shown.discard(organization_id)

    def read_all(self) -> list[Organization] | None:
        """Read the tree, the root first and each parent before its children; None while the feature is off.

        :raises IncompleteListError: if it is not proved to be the whole of one tree.
        """
        try:
            organizations = self._read_tree()
        except PbxRefusedError as error:
            if error.errcode == ORGANIZATION_DISABLED:
                return None
            raise
        self._shown.update(organization.id for organization in organizations)
        return organizations

    def read_one(self, organization_id: int) -> Organization | None:
        """Read one organization; None if there is none with this id.

        :raises IncompleteListError: if the PBX shows another one, or the tree that was needed besides is not whole.
        """
        detail = self._details.find(organization_id, lambda: organization_id in self._ids())
        return None if detail is None else parse_organization(detail)

    def find_child(self, name: str, parent_id: int, other_than: Collection[int]) -> Organization | None:
        """Find the newest organization with exactly this name right below this parent.

        :param other_than: ids of those that do not count.
        """
        found = [
            organization
            for organization in self._read_tree()
            if (organization.name, organization.parent_id) == (name, parent_id) and organization.id not in other_than
        ]
        return max(found, key=lambda organization: organization.id, default=None)

    def _ids(self) -> set[int]:
        return {organization.id for organization in self._read_tree()}

    def _read_tree(self) -> list[Organization]:
        query = {"is_all": _ORGANIZATIONS_ONLY}
        return parse_tree(self._session.read(Call("organization/list", "list its organizations", query=query)))
