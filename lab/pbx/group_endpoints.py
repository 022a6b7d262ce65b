# SPDX-License-Identifier: GPL-3.0-or-later
"""extensiongroup/… (vendor's pages "Query Extension Group List" to "Delete an Extension Group")."""

from __future__ import annotations

import dataclasses
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
    ApiError,
    invalid,
)
from lab.pbx.groups import (
    ALL_EXTENSIONS,
    DEFAULT_FLAGS,
    SPECIFIC,
    USER_TYPES,
    ExtensionGroup,
)
from lab.pbx.nested import reference_id
from lab.pbx.pbx import Pbx
from lab.pbx.validation import FLAG, Check, array, integer, one_of, refuse_invalid, text

_REFERENCE_KEYS = ("value",)
_WEB_KEYS = ("ext_id",)
_ANY_KEYS = ("value", "ext_id", "id")


def list_groups(call: ApiCall) -> Payload:
    """A page of all extension groups."""
    return _page(call, call.pbx.groups.all())


def search_groups(call: ApiCall) -> Payload:
    """A page of the groups whose name holds `search_value`."""
    wanted = call.arguments.get("search_value", "").casefold()
    return _page(call, [one for one in call.pbx.groups.all() if wanted in one.name.casefold()])


def get_group(call: ApiCall) -> Payload:
    """One group with members and permissions."""
    group = known(call, call.pbx.groups.get(integer_argument(call.arguments, "id")))
    return {"data": _detail(call.pbx, group)}


def query_groups(call: ApiCall) -> Payload:
    """Several groups with members and permissions."""
    details = [_detail(call.pbx, one) for one in found(call, ids_argument(call, "ids"), call.pbx.groups.get)]
    if not call.pbx.variants.group_query_returns_name:
        for detail in details:
            del detail["name"]
    return {"data": details}


def create_group(call: ApiCall) -> Payload:
    """A new group."""
    pbx, arguments = call.pbx, call.arguments
    required = ["name", "member_select", *_required_members(pbx, arguments)]
    refuse_invalid(arguments, {"name": _name(pbx), **_checks()}, required)
    members = _members(pbx, arguments, {})
    limit = pbx.variants.group_count_max
    if limit is not None and len(pbx.groups) >= limit:
        raise ApiError(MAX_LIMITATION_EXCEEDED)
    _refuse_duplicate(pbx, arguments["name"], None)
    group = ExtensionGroup(
        pbx.groups.next_id(),
        arguments["name"],
        arguments["member_select"],
        members if arguments["member_select"] == SPECIFIC else {},
        {**DEFAULT_FLAGS, **_flags(arguments)},
    )
    pbx.groups.put(group)
    return {"id": group.id} if pbx.variants.create_returns_id else {}


def update_group(call: ApiCall) -> Payload:
    """Changes members and permissions; `members` replaces.

    What a name does is a variant, and so is what becomes of permissions and user types that are not sent.
    """
    pbx, arguments = call.pbx, call.arguments
    resets = pbx.variants.group_update_resets_flags
    required = ["id", *_required_members(pbx, arguments)]
    refuse_invalid(arguments, {"id": integer(), **_checks()}, required)
    present = known(call, pbx.groups.get(arguments["id"]))
    member_select = arguments.get("member_select", present.member_select)
    members: Mapping[int, str] = present.members
    if "members" in arguments:
        members = _members(pbx, arguments, {} if resets else present.members)
    pbx.groups.put(
        dataclasses.replace(
            present,
            name=_new_name(pbx, arguments, present),
            member_select=member_select,
            members=members if member_select == SPECIFIC else {},
            flags={**(DEFAULT_FLAGS if resets else present.flags), **_flags(arguments)},
        )
    )
    return {}


def delete_group(call: ApiCall) -> Payload:
    """Deletes one group; its members stay."""
    group_id = integer_argument(call.arguments, "id")
    known_for_deletion(call, call.pbx.groups.get(group_id))
    call.pbx.groups.remove(group_id)
    return {}


def _page(call: ApiCall, groups: list[ExtensionGroup]) -> Payload:
    keys = {"id": lambda one: one.id, "name": lambda one: one.name}
    page = page_of(call.arguments, sorted_rows(call.arguments, groups, keys), call.pbx.variants)
    rows = [
        {
            "id": group.id,
            "name": group.name,
            "member_select": group.member_select,
            "total_extensions": (
                len(call.pbx.extensions) if group.member_select == ALL_EXTENSIONS else len(group.members)
            ),
        }
        for group in page
    ]
    return {"total_number": len(groups), "data": rows}


def _detail(pbx: Pbx, group: ExtensionGroup) -> dict[str, Any]:
    members = group.members
    if group.member_select == ALL_EXTENSIONS and pbx.variants.group_of_all_lists_members:
        members = {extension.id: "user" for extension in pbx.extensions.all()}
    return {
        "id": group.id,
        "name": group.name,
        "member_select": group.member_select,
        "members": [_member_info(pbx, one, user_type) for one, user_type in members.items()],
        **group.flags,
    }


def _member_info(pbx: Pbx, extension_id: int, user_type: str) -> dict[str, Any]:
    extension = pbx.extensions.get(extension_id)
    if extension is None:
        raise LookupError(f"a group has the unknown extension {extension_id}")
    name = pbx.display_name(extension)
    if pbx.variants.member_info == "ext_id":
        return {"ext_id": extension_id, "caller_id_name": name, "user_type": user_type}
    member = {
        "value": str(extension_id),
        "type": "extension",
        "text": name,
        "text2": extension.number,
    }
    if pbx.variants.member_info == "reference":
        member["user_type"] = user_type
    return member


def _members(pbx: Pbx, arguments: Mapping[str, Any], present: Mapping[int, str]) -> dict[int, str]:
    """The members that the arguments name; a user type that is not sent stays, or is "user"."""
    keys: tuple[str, ...] = _ANY_KEYS
    if pbx.variants.nested_shapes_accepted == "own":
        keys = _WEB_KEYS if pbx.variants.member_info == "ext_id" else _REFERENCE_KEYS
    members = {}
    for element in arguments.get("members", []):
        extension_id = reference_id(element, keys)
        if extension_id is None:
            raise invalid("members", "format")
        user_type = element.get("user_type", present.get(extension_id, "user"))
        if user_type not in USER_TYPES:
            raise invalid("members", "enum")
        if pbx.extensions.get(extension_id) is None:
            raise ApiError(DATA_NOT_FOUND)
        members[extension_id] = user_type
    return members


def _checks() -> dict[str, Check]:
    return {
        "member_select": one_of([ALL_EXTENSIONS, SPECIFIC]),
        "members": array,
        **dict.fromkeys(DEFAULT_FLAGS, FLAG),
    }


def _required_members(pbx: Pbx, arguments: Mapping[str, Any]) -> list[str]:
    """Whether `members` is required: with sel_specific; not empty either where a variant says so."""
    if "members" not in arguments:
        return ["members"] if arguments.get("member_select") == SPECIFIC else []
    return ["members"] if pbx.variants.group_without_members == "refused" else []


def _name(pbx: Pbx) -> Check:
    return text(
        pbx.variants.group_name_length_max,
        shortest=1,
        forbidden=pbx.variants.group_name_forbidden_characters,
    )


def _flags(arguments: Mapping[str, Any]) -> dict[str, int]:
    return {name: value for name, value in arguments.items() if name in DEFAULT_FLAGS}


def _new_name(pbx: Pbx, arguments: Mapping[str, Any], present: ExtensionGroup) -> str:
    name = arguments.get("name", present.name)
    if name == present.name or pbx.variants.group_rename == "ignored":
        return present.name
    if pbx.variants.group_rename == "refused":
        raise invalid("name", "readonly")
    refuse_invalid(arguments, {"name": _name(pbx)}, ["name"])
    _refuse_duplicate(pbx, name, present.id)
    return str(name)


def _refuse_duplicate(pbx: Pbx, name: str, own_id: int | None) -> None:
    other = pbx.groups.named(name)
    if other is None or other.id == own_id:
        return
    raise ApiError(
        DUPLICATE_KEY_VALUE,
        duplicate_field_list=[
            {
                "field": "name",
                "value": name,
                "external_source": "extension_group",
                "external_source_name": other.name,
            }
        ],
    )
