# SPDX-License-Identifier: GPL-3.0-or-later
"""system/… and preference/…."""

from __future__ import annotations

import time
from typing import Any

from lab.pbx.arguments import ApiCall, Payload, integer_argument, known
from lab.pbx.errors import INTERFACE_NOT_EXISTED, ApiError, invalid
from lab.pbx.extensions import Extension
from lab.pbx.organizations import ROOT_ID, Organization
from lab.pbx.pbx import Pbx
from lab.pbx.settings import MODELS
from lab.pbx.validation import FLAG, one_of, refuse_invalid, text

_OTHER_MENUS = frozenset(
    {
        "call_flow",
        "certificates",
        "conference",
        "custom_prompt",
        "disposition_code",
        "fxs",
        "group_vm",
        "ivr",
        "message_channel",
        "message_queue",
        "paging_custom_prompt",
        "phonebook",
        "pinset",
        "ring_group",
        "system_prompt",
        "trunk",
        "trunk_did_id",
    }
)


def information(call: ApiCall) -> Payload:
    """Who the PBX is and what time it has."""
    pbx = call.pbx
    now = pbx.clock.now()
    return {
        "data": {
            "device_name": pbx.settings.device_name,
            "model_name": MODELS[pbx.settings.model].model_name,
            "sn": pbx.settings.serial_number,
            "hardware_version": "V1.00 0000-0000",
            "firmware_version": pbx.settings.firmware,
            "system_time": time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(now)),
            "up_time": int(now - pbx.started),
            "system_date_format": "YYYY/MM/DD",
            "system_time_format": "hh:mm:ss",
            "timestamp": int(now),
        }
    }


def capacity(call: ApiCall) -> Payload:
    """How many extensions and concurrent calls the PBX takes, and has."""
    settings = call.pbx.settings
    return {
        "data": {
            "extension_capacity": settings.extensions_max,
            "extension_used": len(call.pbx.extensions),
            "cc_capacity": MODELS[settings.model].concurrent_calls,
            "cc_used": 0,
        }
    }


def get_menuoptions(call: ApiCall) -> Payload:
    """The choices of one menu; those of objects that this emulator has not are empty."""
    menu = call.arguments.get("menu", "")
    if not menu:
        raise invalid("menu", "required")
    if menu == "queue_agent":
        return {"data": _agent_options(call)}
    return {"data": _menu(call.pbx, menu)}


def get_preference(call: ApiCall) -> Payload:
    """Company name, name format and whether Organization Management is on."""
    pbx = call.pbx
    _require_preferences(pbx)
    return {
        "data": {
            "company_name": pbx.organizations.root.name,
            "enb_organization_status": int(pbx.organization_management),
            "name_disp_fmt": pbx.name_display_format,
        }
    }


def update_preference(call: ApiCall) -> Payload:
    """Changes those; the company name is the root organization's."""
    _require_preferences(call.pbx)
    checks = {
        "company_name": text(127, shortest=1),
        "enb_organization_status": FLAG,
        "name_disp_fmt": one_of(["first_last", "last_first", "lastfirst"]),
    }
    refuse_invalid(call.arguments, checks, [])
    pbx = call.pbx
    if "company_name" in call.arguments:
        pbx.organizations.rename(ROOT_ID, call.arguments["company_name"])
    if "enb_organization_status" in call.arguments:
        pbx.organization_management = bool(call.arguments["enb_organization_status"])
    if "name_disp_fmt" in call.arguments:
        pbx.name_display_format = call.arguments["name_disp_fmt"]
    return {}


def _require_preferences(pbx: Pbx) -> None:
    if not pbx.variants.preference_api:
        raise ApiError(INTERFACE_NOT_EXISTED)


def _menu(pbx: Pbx, menu: str) -> list[dict[str, Any]]:
    if menu == "role":
        return [{"text": name, "value": str(one)} for one, name in pbx.settings.roles.items()]
    if menu == "extension":
        return [_extension_option(pbx, one) for one in pbx.extensions.all()]
    if menu == "queue":
        return [{"text": one.name, "value": str(one.id)} for one in pbx.telephony.queues()]
    if menu == "ext_group":
        return [{"text": one.name, "value": str(one.id)} for one in pbx.groups.all()]
    if menu == "org_list":
        pbx.require_organizations()
        return [_organization_option(pbx, pbx.organizations.root)]
    if menu in _OTHER_MENUS:
        return []
    raise invalid("menu", "enum")


def _agent_options(call: ApiCall) -> list[dict[str, Any]]:
    queue = known(call, call.pbx.telephony.queue(integer_argument(call.arguments, "id")))
    agents = [call.pbx.extensions.get(one) for one in (*queue.static_agents, *queue.dynamic_agents)]
    return [_extension_option(call.pbx, one) for one in agents if one is not None]


def _extension_option(pbx: Pbx, extension: Extension) -> dict[str, Any]:
    return {"text": f"{extension.number}-{pbx.display_name(extension)}", "value": str(extension.id)}


def _organization_option(pbx: Pbx, organization: Organization) -> dict[str, Any]:
    return {
        "text": organization.name,
        "value": str(organization.id),
        "item": [_organization_option(pbx, child) for child in pbx.organizations.children(organization.id)],
    }
