# SPDX-License-Identifier: GPL-3.0-or-later
"""An object as the API shows it."""

from __future__ import annotations

import copy
from typing import Any

from lab.awx import credential_types, recurrence
from lab.awx.resources import UNIFIED, FieldKind, Resource
from lab.awx.store import Record, Store

ROOT = "/api/v2"
_NODE_LISTS = ("success_nodes", "failure_nodes", "always_nodes")


def address(path: str, identifier: int) -> str:
    """Where an object is."""
    return f"{ROOT}/{path}/{identifier}/"


def shown(store: Store, resource: Resource, record: Record) -> dict[str, Any]:
    """An object with its type, its address and those of what belongs to it; no secret."""
    view = copy.deepcopy(record)
    url = address(resource.path, record["id"])
    related = {name: f"{url}{name}/" for name in resource.lists}
    related |= _references(store, resource, record)
    view |= {"type": resource.type, "url": url, "related": related, "summary_fields": {}}
    if resource.path == "credentials":
        credential_type = store.get("credential_types", record["credential_type"])
        view["inputs"] = credential_types.masked(credential_type, record["inputs"])
    if resource.path == "projects":
        related |= {"playbooks": f"{url}playbooks/", "update": f"{url}update/"}
    if resource.path == "workflow_job_template_nodes":
        related["create_approval_template"] = f"{url}create_approval_template/"
        view |= {name: list(store.attached(resource, record["id"], name)) for name in _NODE_LISTS}
    if resource.path == "schedules":
        view["timezone"] = recurrence.time_zone(record["rrule"])
    return view


def _references(store: Store, resource: Resource, record: Record) -> dict[str, str]:
    related: dict[str, str] = {}
    for field in resource.fields:
        if field.kind is not FieldKind.REFERENCE or record[field.name] is None:
            continue
        path = field.target
        if path == UNIFIED:
            found = store.find(path, record[field.name])
            path = found[0].path if found else path
        related[field.name] = address(path, record[field.name])
    return related
