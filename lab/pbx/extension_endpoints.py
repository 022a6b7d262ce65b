# SPDX-License-Identifier: GPL-3.0-or-later
"""extension/… (vendor's pages "Query Extension List" to "Delete an Extension")."""

from __future__ import annotations

import base64
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
    CONNECTION_RELATION_EXISTED,
    DATA_NOT_FOUND,
    DUPLICATE_KEY_VALUE,
    MAX_LIMITATION_EXCEEDED,
    ORGANIZATION_DISABLED,
    ROLE_NOT_EXISTED,
    ApiError,
    invalid,
)
from lab.pbx.extension_fields import (
    refuse_invalid_create,
    refuse_invalid_update,
    refuse_weak_user_password,
    with_clear_passwords,
)
from lab.pbx.extension_views import basic_info, detail_info
from lab.pbx.extensions import PLAIN_FIELDS, Extension
from lab.pbx.nested import reference_id
from lab.pbx.organizations import ROOT_ID
from lab.pbx.pbx import Pbx, WelcomeMail
from lab.pbx.validation import array, refuse_invalid


def list_extensions(call: ApiCall) -> Payload:
    """A page of all extensions."""
    return _page(call, list(call.pbx.extensions.all()))


def search_extensions(call: ApiCall) -> Payload:
    """A page of the extensions with `search_value` in one of the searched columns."""
    wanted = call.arguments.get("search_value", "").casefold()
    rows = list(call.pbx.extensions.all())
    if wanted:
        rows = [one for one in rows if _matches(call.pbx, one, wanted)]
    return _page(call, rows)


def get_extension(call: ApiCall) -> Payload:
    """One extension in detail."""
    extension = call.pbx.extensions.get(integer_argument(call.arguments, "id"))
    return {"data": detail_info(call.pbx, known(call, extension))}


def query_extensions(call: ApiCall) -> Payload:
    """Several extensions in detail."""
    chosen = found(call, ids_argument(call, "ids"), call.pbx.extensions.get)
    return {"data": [detail_info(call.pbx, one) for one in chosen]}


def get_password(call: ApiCall) -> Payload:
    """The registration password or voicemail PIN in Base64; the user password has no way out."""
    extension_id = integer_argument(call.arguments, "id")
    kind = call.arguments.get("type", "")
    if not kind:
        raise invalid("type", "required")
    if kind not in ("reg_password", "vm_pin"):
        raise invalid("type", "enum")
    extension = known(call, call.pbx.extensions.get(extension_id))
    return {"password": base64.b64encode(getattr(extension, kind).encode()).decode()}


def create_extension(call: ApiCall) -> Payload:
    """A new extension; it joins the groups of all extensions."""
    pbx = call.pbx
    arguments = with_clear_passwords(call.arguments, pbx.variants)
    refuse_invalid_create(
        arguments,
        pbx.variants,
        organizations_on=pbx.organization_management,
        user_range=pbx.settings.user_range,
    )
    changes = _changes(pbx, arguments)
    changes.setdefault("caller_id", arguments["number"])
    changes.setdefault("organization_ids", (ROOT_ID,))
    extension = Extension(id=pbx.extensions.next_id(), **changes)
    if not extension.first_name and not extension.last_name:
        extension = dataclasses.replace(extension, first_name=extension.number)
    refuse_weak_user_password(extension, pbx.variants)
    if len(pbx.extensions) >= pbx.settings.extensions_max:
        raise ApiError(MAX_LIMITATION_EXCEEDED)
    _refuse_duplicates(pbx, extension, "create")
    pbx.extensions.put(extension)
    return {"id": extension.id} if pbx.variants.create_returns_id else {}


def update_extension(call: ApiCall) -> Payload:
    """Changes the given fields of an extension; the others stay."""
    pbx = call.pbx
    arguments = with_clear_passwords(call.arguments, pbx.variants)
    refuse_invalid_update(
        arguments,
        pbx.variants,
        organizations_on=pbx.organization_management,
        user_range=pbx.settings.user_range,
    )
    present = known(call, pbx.extensions.get(arguments["id"]))
    if pbx.variants.number_update != "accepted":
        arguments.pop("number", None)
    changes = _changes(pbx, arguments)
    password = changes.pop("user_password", None)
    extension = dataclasses.replace(present, **changes)
    if not extension.first_name and not extension.last_name:
        raise invalid("first_name", "required")
    if password is not None:
        is_initial = present.user_password_is_initial or pbx.variants.updated_password_is_initial
        extension = extension.with_user_password(password, is_initial=is_initial)
        refuse_weak_user_password(extension, pbx.variants)
    _refuse_duplicates(pbx, extension, "update")
    pbx.extensions.put(extension)
    return {}


def delete_extension(call: ApiCall) -> Payload:
    """Deletes one extension, unless another object refers to it."""
    extension_id = integer_argument(call.arguments, "id")
    extension = known_for_deletion(call, call.pbx.extensions.get(extension_id))
    if extension_id in call.pbx.referenced_extension_ids:
        raise ApiError(CONNECTION_RELATION_EXISTED)
    call.pbx.remove_extension(extension)
    return {}


def send_welcome_email(call: ApiCall) -> Payload:
    """Sends the welcome e-mail to every extension named, or to none."""
    refuse_invalid(call.arguments, {"id_list": array}, ["id_list"])
    extensions = []
    for extension_id in call.arguments["id_list"]:
        if not isinstance(extension_id, int) or isinstance(extension_id, bool):
            raise invalid("id_list", "type")
        extensions.append(known(call, call.pbx.extensions.get(extension_id)))
    if not all(one.email_addr for one in extensions):
        raise invalid("email_addr", "required")
    call.pbx.welcome_mails.extend(WelcomeMail(one.id, one.number, one.email_addr) for one in extensions)
    return {}


def _page(call: ApiCall, rows: list[Extension]) -> Payload:
    keys = {
        "id": lambda one: one.id,
        "number": lambda one: one.number,
        "caller_id_name": call.pbx.display_name,
        "email_addr": lambda one: one.email_addr,
        "mobile_number": lambda one: one.mobile_number,
        "presence_status": lambda one: one.presence_status,
    }
    ordered = sorted_rows(call.arguments, rows, keys)
    page = page_of(call.arguments, ordered, call.pbx.variants)
    return {"total_number": len(rows), "data": [basic_info(call.pbx, one) for one in page]}


def _matches(pbx: Pbx, extension: Extension, wanted: str) -> bool:
    for column in pbx.variants.search_columns:
        named = column == "caller_id_name"
        value = pbx.display_name(extension) if named else str(getattr(extension, column, ""))
        if wanted in value.casefold():
            return True
    return False


def _changes(pbx: Pbx, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of Extension that the (valid) arguments set.

    Raises ApiError 70120, 60001 or 40002 for the departments, 60101 for the role.
    """
    changes = {name: value for name, value in arguments.items() if name in PLAIN_FIELDS}
    if "presence_list" in arguments:
        changes["presence_list"] = tuple(arguments["presence_list"])
    if arguments.get("organization_list"):
        changes["organization_ids"] = _organization_ids(pbx, arguments["organization_list"])
    if changes.get("role_id", 0) not in pbx.settings.roles:
        raise ApiError(ROLE_NOT_EXISTED)
    return changes


def _organization_ids(pbx: Pbx, elements: list[Any]) -> tuple[int, ...]:
    if not pbx.organization_management:
        raise ApiError(ORGANIZATION_DISABLED)
    own_key = pbx.variants.organization_info
    keys = ("value", "id") if pbx.variants.nested_shapes_accepted == "any" else (own_key,)
    ids = []
    for element in elements:
        organization_id = reference_id(element, keys)
        if organization_id is None:
            raise invalid("organization_list", "format")
        if pbx.variants.organization_info_needs_name and not (element.get("text") or element.get("name")):
            raise invalid("organization_list", "required")
        if pbx.organizations.get(organization_id) is None:
            raise ApiError(DATA_NOT_FOUND)
        ids.append(organization_id)
    return tuple(dict.fromkeys(ids))


def _refuse_duplicates(pbx: Pbx, extension: Extension, action: str) -> None:
    taken = pbx.extensions.taken(extension)
    if not taken:
        return
    raise ApiError(
        DUPLICATE_KEY_VALUE,
        submsg=f"Extension {action} fail for duplicate fields",
        duplicate_field_list=[
            {
                "field": field,
                "value": value,
                "external_source": owner.kind,
                "external_source_name": owner.name,
            }
            for field, value, owner in taken
        ],
    )
