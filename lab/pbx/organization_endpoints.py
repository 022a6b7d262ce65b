# SPDX-License-Identifier: GPL-3.0-or-later
"""organization/… (vendor's pages "Query Organization List" to "Delete an Organization")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.pbx.arguments import (
    ApiCall,
    Payload,
    found,
    ids_argument,
    integer_argument,
    known,
    known_for_deletion,
    page_of,
    sorted_rows,
)
from lab.pbx.errors import (
    DATA_NOT_FOUND,
    DUPLICATE_KEY_VALUE,
    MAX_LIMITATION_EXCEEDED,
    PARAMETER_ERROR,
    ApiError,
    invalid,
)
from lab.pbx.organizations import ROOT_ID, Organization
from lab.pbx.pbx import Pbx
from lab.pbx.validation import integer, refuse_invalid, text

_NAME_LENGTH = 127
_WITH_COUNTS = ("0", "1")
_WITH_MEMBERS = "1"


def list_organizations(call: ApiCall) -> Payload:
    """The tree from the root, with counts and members as `is_all` says."""
    call.pbx.require_organizations()
    return _trees(call, [call.pbx.organizations.root])


def search_organizations(call: ApiCall) -> Payload:
    """The topmost departments whose name holds `search_value`, each with all below it."""
    call.pbx.require_organizations()
    wanted = call.arguments.get("search_value", "").casefold()
    tree = call.pbx.organizations
    matching: list[Organization] = []
    pending = [tree.root]
    while pending:
        organization = pending.pop(0)
        if wanted in organization.name.casefold():
            matching.append(organization)
        else:
            pending.extend(tree.children(organization.id))
    return _trees(call, matching)


def get_organization(call: ApiCall) -> Payload:
    """One department."""
    call.pbx.require_organizations()
    organization = call.pbx.organizations.get(integer_argument(call.arguments, "id"))
    return {"organization_info": _info(known(call, organization))}


def query_organizations(call: ApiCall) -> Payload:
    """Several departments. The vendor's table says `ids`, its example `id`: both work."""
    call.pbx.require_organizations()
    chosen = found(call, ids_argument(call, "ids", "id"), call.pbx.organizations.get)
    return {"data": [_info(one) for one in chosen]}


def create_organization(call: ApiCall) -> Payload:
    """A new department below `parent_id`."""
    pbx = call.pbx
    pbx.require_organizations()
    refuse_invalid(call.arguments, {"name": _name(pbx), "parent_id": integer()}, ["name", "parent_id"])
    name, parent_id = call.arguments["name"], call.arguments["parent_id"]
    if pbx.organizations.get(parent_id) is None:
        raise ApiError(DATA_NOT_FOUND)
    root_too = int(pbx.variants.organization_limits_count_root)
    if len(pbx.organizations) - 1 + root_too >= pbx.settings.departments_max:
        raise ApiError(MAX_LIMITATION_EXCEEDED)
    _refuse_depth(pbx, pbx.organizations.layer(parent_id) + 1)
    _refuse_duplicate(pbx, name, parent_id, None)
    return {"id": pbx.organizations.add(name, parent_id).id}


def update_organization(call: ApiCall) -> Payload:
    """Renames a department or moves it with all below it, or both."""
    pbx = call.pbx
    pbx.require_organizations()
    refuse_invalid(call.arguments, {"id": integer(), "name": _name(pbx), "parent_id": integer()}, ["id"])
    present = known(call, pbx.organizations.get(call.arguments["id"]))
    if present.id == ROOT_ID:
        raise ApiError(PARAMETER_ERROR)
    name, parent_id = _target(call.arguments, present)
    _refuse_move(pbx, present, parent_id)
    _refuse_duplicate(pbx, name, parent_id, present.id)
    pbx.organizations.rename(present.id, name)
    pbx.organizations.move(present.id, parent_id)
    return {}


def delete_organization(call: ApiCall) -> Payload:
    """Deletes a department; where its members go is a variant."""
    pbx = call.pbx
    pbx.require_organizations()
    organization = known_for_deletion(call, pbx.organizations.get(integer_argument(call.arguments, "id")))
    if organization.id == ROOT_ID:
        raise ApiError(PARAMETER_ERROR)
    children = pbx.organizations.children(organization.id)
    if children and pbx.variants.organization_with_children_deleted == "refused":
        raise ApiError(PARAMETER_ERROR)
    gone = pbx.organizations.remove(organization.id)
    fallbacks = {"to_root": ROOT_ID, "to_parent": organization.parent_id, "removed": None}
    fallback = fallbacks[pbx.variants.members_of_deleted_organization]
    pbx.extensions.move_organizations(frozenset(gone), fallback)
    return {}


def _trees(call: ApiCall, tops: list[Organization]) -> Payload:
    detail = call.arguments.get("is_all") or "0"
    if detail not in ("0", "1", "2"):
        raise invalid("is_all", "enum")
    rows = sorted_rows(call.arguments, tops, {"id": lambda one: one.id})
    members = _members(call.pbx)
    return {
        "organization_list": [
            _node(call.pbx, one, detail, members, nested=False)
            for one in page_of(call.arguments, rows, call.pbx.variants)
        ]
    }


def _members(pbx: Pbx) -> dict[int, list[int]]:
    members: dict[int, list[int]] = {}
    for extension in pbx.extensions.all():
        for organization_id in extension.organization_ids:
            members.setdefault(organization_id, []).append(extension.id)
    return members


def _node(
    pbx: Pbx,
    organization: Organization,
    detail: str,
    members: Mapping[int, list[int]],
    *,
    nested: bool,
) -> dict[str, Any]:
    as_text = nested and pbx.variants.nested_organization_numbers_as_strings
    tree = pbx.organizations
    counted = [organization.id]
    if pbx.variants.parent_counts_include_children:
        counted = tree.subtree(organization.id)
    inside = sorted({member for one in counted for member in members.get(one, [])})
    node: dict[str, Any] = {
        "id": organization.id,
        "name": organization.name,
        "parent_id": str(organization.parent_id) if as_text else organization.parent_id,
        "order": str(organization.order) if as_text else organization.order,
    }
    if detail in _WITH_COUNTS:
        node["ext_number"] = str(len(inside)) if as_text else len(inside)
    if detail == _WITH_MEMBERS:
        node["ext_list"] = inside
    node["children"] = [_node(pbx, child, detail, members, nested=True) for child in tree.children(organization.id)]
    return node


def _info(organization: Organization) -> dict[str, Any]:
    return {
        "id": organization.id,
        "name": organization.name,
        "parent_id": organization.parent_id,
        "order": organization.order,
    }


def _name(pbx: Pbx) -> Any:
    return text(_NAME_LENGTH, shortest=1, forbidden=pbx.variants.organization_name_forbidden_characters)


def _target(arguments: Mapping[str, Any], present: Organization) -> tuple[str, int]:
    return arguments.get("name", present.name), arguments.get("parent_id", present.parent_id)


def _refuse_move(pbx: Pbx, present: Organization, parent_id: int) -> None:
    if pbx.organizations.get(parent_id) is None:
        raise ApiError(DATA_NOT_FOUND)
    if parent_id in pbx.organizations.subtree(present.id):
        raise invalid("parent_id", "range")
    below = pbx.organizations.height(present.id)
    _refuse_depth(pbx, pbx.organizations.layer(parent_id) + 1 + below)


def _refuse_depth(pbx: Pbx, layer: int) -> None:
    root_too = int(pbx.variants.organization_limits_count_root)
    if layer + root_too > pbx.settings.layers_max:
        raise ApiError(MAX_LIMITATION_EXCEEDED)


def _refuse_duplicate(pbx: Pbx, name: str, parent_id: int, own_id: int | None) -> None:
    if not pbx.variants.organization_sibling_names_unique:
        return
    sibling = pbx.organizations.sibling_named(name, parent_id, other_than=own_id)
    if sibling is None:
        return
    raise ApiError(
        DUPLICATE_KEY_VALUE,
        duplicate_field_list=[
            {
                "field": "name",
                "value": name,
                "external_source": "organization",
                "external_source_name": sibling.name,
            }
        ],
    )
