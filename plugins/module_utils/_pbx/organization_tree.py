# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The organization tree as the PBX nests it, made a flat list that is proved to be one tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import IncompleteListError, PbxAnswerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.listing import Row
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.shapes import (
    parse_integer,
    parse_optional_integer,
    parse_rows,
    parse_text,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Organization

_ENDPOINT = "organization/list"
_ROOT_PARENT = 0
_NAME = "name of an organization"
_REMEDY = "Run again when nobody is changing organizations."


def parse_organization(detail: Row) -> Organization:
    """Read one organization as organization/get answers it.

    :raises PbxAnswerError: if there is no id or parent_id.
    """
    return Organization(
        id=parse_integer(detail.get("id"), "id of an organization"),
        name=parse_text(detail.get("name"), _NAME),
        parent_id=parse_integer(detail.get("parent_id"), "parent_id of an organization"),
    )


def parse_tree(answer: Mapping[str, Any]) -> list[Organization]:
    """Read the tree that organization/list answers: the root first, each parent before its children.

    Below the root, vendor's page "Query Organization List" gives parent_id as a string, so a nested node belongs
    below the one it is nested in, whatever its parent_id says. The list has no total: what proves it is that every
    node hangs, by however many others, from the one root.

    :raises PbxAnswerError: if it is no tree of organizations with one root.
    :raises IncompleteListError: if an organization comes twice, or one above it is missing.
    """
    tops = parse_rows(answer, "organization_list", _ENDPOINT)
    root = _root(tops)
    pending = [(node, _ROOT_PARENT if node is root else _named_parent(node)) for node in tops]
    seen: dict[int, Organization] = {}
    children: dict[int, list[Organization]] = {}
    for node, parent_id in pending:
        organization = Organization(_id(node), parse_text(node.get("name"), _NAME), parent_id)
        if organization.id in seen:
            raise IncompleteListError(
                f"The PBX's {_ENDPOINT} gave the organization with id {organization.id} twice.", _REMEDY
            )
        seen[organization.id] = organization
        if node is not root:
            children.setdefault(parent_id, []).append(organization)
        pending.extend((child, organization.id) for child in _children(node))
    ordered = [seen[_id(root)]]
    for organization in ordered:
        ordered.extend(children.get(organization.id, []))
    if len(ordered) != len(seen):
        raise IncompleteListError(
            f"The PBX's {_ENDPOINT} gave {len(seen)} organizations, of which {len(ordered)} are below the root.",
            _REMEDY,
        )
    return ordered


def _root(tops: list[Row]) -> Row:
    """The node whose parent_id is 0, else the only one."""
    roots = [node for node in tops if parse_optional_integer(node.get("parent_id")) == _ROOT_PARENT]
    if not roots and len(tops) == 1:
        roots = tops
    if len(roots) != 1:
        raise PbxAnswerError(f"The PBX's answer to {_ENDPOINT} has {len(roots)} root organizations.")
    return roots[0]


def _id(node: Row) -> int:
    return parse_integer(node.get("id"), "id of an organization")


def _named_parent(node: Row) -> int:
    return parse_integer(node.get("parent_id"), f"parent_id of the organization with id {_id(node)}")


def _children(node: Row) -> list[Row]:
    return [] if node.get("children") is None else parse_rows(node, "children", _ENDPOINT)
