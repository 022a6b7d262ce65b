# SPDX-License-Identifier: GPL-3.0-or-later
"""How an extension looks in answers (vendor's Ext_Basicinfo and Ext_DetailInfo)."""

from __future__ import annotations

from typing import Any

from lab.pbx.extensions import Extension
from lab.pbx.groups import ALL_EXTENSIONS
from lab.pbx.pbx import Pbx


def basic_info(pbx: Pbx, extension: Extension) -> dict[str, Any]:
    """A row of extension/list and extension/search: no first and last name, no departments."""
    row: dict[str, Any] = {
        "id": extension.id,
        "online_status": _online_status(),
        "presence_status": extension.presence_status,
        "number": extension.number,
        "caller_id_name": pbx.display_name(extension),
        "role_name": pbx.settings.roles.get(extension.role_id, ""),
        "email_addr": extension.email_addr,
        "mobile_number": extension.mobile_number,
    }
    variants = pbx.variants
    if variants.list_adds:
        detail = detail_info(pbx, extension)
        row.update({name: detail[name] for name in variants.list_adds if name in detail})
    for name in variants.list_leaves_out:
        row.pop(name, None)
    return row


def detail_info(pbx: Pbx, extension: Extension) -> dict[str, Any]:
    """What extension/get and extension/query return. Passwords are not part of it."""
    info: dict[str, Any] = {
        "id": extension.id,
        "type": extension.type,
        "fxs_port": extension.fxs_port,
        "first_name": extension.first_name,
        "last_name": extension.last_name,
        "email_addr": extension.email_addr,
        "mobile_number": extension.mobile_number,
        "organization_list": organization_list(pbx, extension),
        "role_id": extension.role_id,
        "title": extension.title,
        "email_language": extension.email_language,
        "user_lang": extension.user_lang,
        "vm_lang": extension.vm_lang,
        "number": extension.number,
        "caller_id": extension.caller_id,
        "reg_name": extension.reg_name,
        "concurrent_registrations": extension.concurrent_registrations,
        "presence_status": extension.presence_status,
        "presence_list": list(extension.presence_list),
        "presence_mobile_prefix": extension.presence_mobile_prefix,
        "agent_id": extension.agent_id,
        "enb_vm": extension.enb_vm,
        "enb_vm_pin": extension.enb_vm_pin,
    }
    if pbx.variants.detail_returns_user_password:
        info["user_password"] = extension.user_password
    if pbx.variants.detail_lists_groups:
        info["group_list"] = _group_list(pbx, extension)
    for name in pbx.variants.detail_leaves_out:
        info.pop(name, None)
    return info


def organization_list(pbx: Pbx, extension: Extension) -> list[dict[str, Any]]:
    """The extension's departments in the shape that the variant says; none while switched off."""
    if not pbx.organization_management:
        return []
    shown: list[dict[str, Any]] = []
    for organization_id in extension.organization_ids:
        organization = pbx.organizations.get(organization_id)
        if organization is None:
            continue
        if pbx.variants.organization_info == "value":
            shown.append({"text": organization.name, "value": str(organization.id)})
        else:
            shown.append(
                {
                    "id": organization.id,
                    "name": organization.name,
                    "parent_id": organization.parent_id,
                    "order": organization.order,
                }
            )
    return shown


def _group_list(pbx: Pbx, extension: Extension) -> list[dict[str, Any]]:
    return [
        {"text": group.name, "value": str(group.id)}
        for group in pbx.groups.all()
        if group.member_select == ALL_EXTENSIONS or extension.id in group.members
    ]


def _online_status() -> dict[str, Any]:
    return {
        "fxs_phone": {"status": 0, "ext_dev_type": "fxs"},
        # A SIP phone's state is in its list, one entry a registration: nothing is registered here.
        "sip_phone": {"ext_dev_type": "sip", "status_list": []},
        "linkus_desktop": {"status": 0, "ext_dev_type": "linkusdesktop"},
        "linkus_mobile": {"status": 0, "ext_dev_type": "linkusmobile"},
        "linkus_web": {"status": 0, "ext_dev_type": "linkusweb"},
    }
