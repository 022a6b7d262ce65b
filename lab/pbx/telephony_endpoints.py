# SPDX-License-Identifier: GPL-3.0-or-later
"""call/query and queue/list (vendor's pages "Query Calls" and "Query Queue List")."""

from __future__ import annotations

from typing import Any

from lab.pbx.arguments import ApiCall, Payload, page_of, sorted_rows
from lab.pbx.errors import DATA_NOT_FOUND, ApiError, invalid
from lab.pbx.pbx import Pbx
from lab.pbx.telephony import CALL_TYPES, LiveCall, Queue

_QUEUE_COLUMNS = {"id": lambda one: one.id, "number": lambda one: one.number, "name": lambda one: one.name}


def query_calls(call: ApiCall) -> Payload:
    """The calls that go on: one of them by `call_id`, those of a `type`, or those of an `extension`."""
    calls = _chosen(call)
    if not calls and call.pbx.variants.no_calls == "refused":
        raise ApiError(DATA_NOT_FOUND)
    return {"data": [_call(one) for one in calls]}


def list_queues(call: ApiCall) -> Payload:
    """A page of all queues with their agents."""
    queues = sorted_rows(call.arguments, call.pbx.telephony.queues(), _QUEUE_COLUMNS)
    page = page_of(call.arguments, queues, call.pbx.variants)
    return {"total_number": len(queues), "queue_list": [_queue(call.pbx, one) for one in page]}


def _chosen(call: ApiCall) -> list[LiveCall]:
    calls = call.pbx.telephony.calls()
    given = call.arguments
    if given.get("call_id"):
        return [one for one in calls if one.call_id == given["call_id"]]
    if given.get("extension"):
        return [one for one in calls if given["extension"] in one.extensions]
    if not given.get("type"):
        raise invalid("type", "required")
    if given["type"] not in CALL_TYPES:
        raise invalid("type", "enum")
    return [one for one in calls if one.type == given["type"]]


def _call(call: LiveCall) -> dict[str, Any]:
    members: list[dict[str, Any]] = [
        {
            "extension": {
                "number": number,
                "channel_id": f"PJSIP/{number}-{call.call_id}",
                "member_status": status,
                "call_path": "",
            }
        }
        for number, status in call.extensions.items()
    ]
    if call.type != "internal":
        members.append(
            {
                call.type: {
                    "from": "5503301",
                    "to": "5503302",
                    "trunk_name": "trunk",
                    "channel_id": f"PJSIP/trunk-{call.call_id}",
                    "member_status": "ANSWER",
                    "call_path": "",
                }
            }
        )
    return {"call_id": call.call_id, "members": members}


def _queue(pbx: Pbx, queue: Queue) -> dict[str, Any]:
    return {
        "id": queue.id,
        "number": queue.number,
        "name": queue.name,
        "ring_strategy": "ring_all",
        "dynamic_agent_list": _agents(pbx, queue.dynamic_agents),
        "static_agent_list": _agents(pbx, queue.static_agents),
        "manager_list": [],
    }


def _agents(pbx: Pbx, extension_ids: tuple[int, ...]) -> list[dict[str, Any]]:
    agents = [pbx.extensions.get(one) for one in extension_ids]
    return [
        {"text": pbx.display_name(one), "text2": one.number, "value": str(one.id), "type": "extension"}
        for one in agents
        if one is not None
    ]
