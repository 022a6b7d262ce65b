# SPDX-License-Identifier: GPL-3.0-or-later
"""The API: which request does what, to one AWX in memory."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.awx import cleaning, queries, rules
from lab.awx.errors import ApiError, bad_request, method_not_allowed, not_found
from lab.awx.resources import RESOURCES, UNIFIED, Resource
from lab.awx.settings import Settings
from lab.awx.store import Record, Store
from lab.awx.tokens import Tokens
from lab.awx.views import ROOT, shown

_NODES = RESOURCES["workflow_job_template_nodes"]
_APPROVALS = RESOURCES["workflow_approval_templates"]
_UPDATES = RESOURCES["project_updates"]
# Made by other means than a request to their list.
_NOT_POSTED = frozenset({_UPDATES.path, _APPROVALS.path})
_STARTS_UPDATE = ("scm_type", "scm_url", "scm_branch")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: what the API sees of it."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    authorization: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON document, or none."""

    status: int
    payload: Any = None


class Api:
    """One AWX."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store()
        self.tokens = Tokens(settings)
        self.lock = threading.RLock()

    def answer(self, asked: Asked) -> Answer:
        """Do what a request asks, or say why not."""
        try:
            with self.lock:
                return self._route(asked)
        except ApiError as error:
            return Answer(error.status, error.payload)

    def create(self, path: str, body: Mapping[str, Any]) -> Record:
        """Make an object as a request would.

        :raises ApiError: for one that AWX does not take.
        """
        resource = RESOURCES[path]
        values = cleaning.cleaned(self.store, resource, body, None)
        merged = {one.name: values.get(one.name, one.default) for one in resource.fields}
        rules.check(self.store, self.settings, resource, merged, None)
        cleaning.check_unique(self.store, resource, merged, None)
        return self.store.add(resource, merged)

    def _route(self, asked: Asked) -> Answer:
        if not asked.path.startswith(f"{ROOT}/") or not asked.path.endswith("/"):
            raise not_found()
        if asked.path == f"{ROOT}/ping/":
            return Answer(200, {"ha": False, "version": self.settings.version})
        self.tokens.check(asked.authorization)
        path, *rest = asked.path[len(ROOT) + 1 : -1].split("/")
        if path == "tokens":
            return self._tokens(asked, rest)
        if path == UNIFIED and not rest:
            return self._list(asked, UNIFIED)
        if path not in RESOURCES or (rest and not rest[0].isdecimal()):
            raise not_found()
        resource = RESOURCES[path]
        if not rest:
            return self._collection(asked, resource)
        record = self.store.get(path, int(rest[0]))
        if len(rest) == 1:
            return self._object(asked, resource, record)
        return self._below(asked, resource, record, "/".join(rest[1:]))

    def _tokens(self, asked: Asked, rest: list[str]) -> Answer:
        if asked.method == "POST" and not rest:
            identifier, token = self.tokens.take()
            return Answer(201, {"id": identifier, "token": token, "scope": "write"})
        if asked.method == "DELETE" and len(rest) == 1 and rest[0].isdecimal():
            self.tokens.give_back(int(rest[0]))
            return Answer(204)
        raise method_not_allowed(asked.method)

    def _collection(self, asked: Asked, resource: Resource) -> Answer:
        if asked.method == "GET":
            return self._list(asked, resource.path)
        if asked.method != "POST" or resource.path in _NOT_POSTED:
            raise method_not_allowed(asked.method)
        record = self.create(resource.path, _object_of(asked.body))
        return Answer(201, self._shown_after_write(resource, record, started=True))

    def _list(self, asked: Asked, path: str) -> Answer:
        if asked.method != "GET":
            raise method_not_allowed(asked.method)
        found = queries.filtered(path, self.store.all(path), asked.query)
        return self._page(asked, path, found)

    def _page(self, asked: Asked, path: str, records: list[Record]) -> Answer:
        page = queries.page(asked.path, records, asked.query, self.settings.page_size)
        page["results"] = [self._shown(path, one) for one in page["results"]]
        return Answer(200, page)

    def _shown(self, path: str, record: Record) -> dict[str, Any]:
        found = self.store.find(path, record["id"])
        assert found
        return shown(self.store, found[0], record)

    def _object(self, asked: Asked, resource: Resource, record: Record) -> Answer:
        if asked.method == "GET":
            return Answer(200, shown(self.store, resource, record))
        if asked.method == "PATCH":
            return self._update(resource, record, _object_of(asked.body))
        if asked.method == "DELETE":
            rules.check_deletion(self.store, resource, record["id"])
            self.store.delete(resource, record["id"])
            return Answer(resource.delete_status)
        raise method_not_allowed(asked.method)

    def _update(self, resource: Resource, record: Record, body: Mapping[str, Any]) -> Answer:
        values = cleaning.cleaned(self.store, resource, body, record)
        merged = {**record, **values}
        rules.check(self.store, self.settings, resource, merged, record)
        cleaning.check_unique(self.store, resource, merged, record["id"])
        started = any(record.get(name) != merged.get(name) for name in _STARTS_UPDATE)
        record.update(merged)
        return Answer(200, self._shown_after_write(resource, record, started=started))

    def _shown_after_write(self, resource: Resource, record: Record, *, started: bool) -> dict[str, Any]:
        if resource.path != "projects" or not record["scm_type"] or not started:
            return shown(self.store, resource, record)
        update = self._update_project(record)
        view = shown(self.store, resource, record)
        view["summary_fields"]["current_update"] = {"id": update["id"], "status": update["status"]}
        return view

    def _update_project(self, project: Record) -> Record:
        """A project's update, which is at once done: it finds the repository or it does not."""
        found = project["scm_url"] in self.settings.repositories
        project["status"] = "successful" if found else "failed"
        project["scm_revision"] = "0123456789abcdef0123456789abcdef01234567" if found else ""
        values = {"name": project["name"], "status": project["status"], "failed": not found}
        return self.store.add(_UPDATES, values)

    def _below(self, asked: Asked, resource: Resource, record: Record, name: str) -> Answer:
        if name in resource.lists:
            return self._attachments(asked, resource, record, name)
        if resource.path == "projects" and name == "playbooks" and asked.method == "GET":
            return Answer(200, list(rules.playbooks_of(self.settings, record)))
        if resource.path == "projects" and name == "update" and asked.method == "POST":
            return Answer(202, shown(self.store, _UPDATES, self._update_project(record)))
        if resource is _NODES and name == "create_approval_template" and asked.method == "POST":
            return self._create_approval(record, _object_of(asked.body))
        raise not_found()

    def _attachments(self, asked: Asked, resource: Resource, record: Record, name: str) -> Answer:
        attached = self.store.attached(resource, record["id"], name)
        path = resource.lists[name]
        if asked.method == "GET":
            return self._page(asked, path, [self.store.get(path, one) for one in attached])
        if asked.method != "POST":
            raise method_not_allowed(asked.method)
        body = _object_of(asked.body)
        identifier = body.get("id")
        if not isinstance(identifier, int) or self.store.find(path, identifier) is None:
            raise ApiError(400, {"msg": '"id" field must be the integer id of an object.'})
        if body.get("disassociate"):
            attached[:] = [one for one in attached if one != identifier]
        elif identifier not in attached:
            rules.check_attachment(self.store, resource, name, attached, identifier)
            attached.append(identifier)
        return Answer(204)

    def _create_approval(self, node: Record, body: Mapping[str, Any]) -> Answer:
        """WorkflowJobTemplateNodeCreateApproval"""
        approval = self.create(_APPROVALS.path, body)
        node["unified_job_template"] = approval["id"]
        return Answer(201, shown(self.store, _APPROVALS, approval))


def _object_of(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise bad_request("JSON parse error - an object is expected.")
    return body
