# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX asks of an object besides the type of each field, kind by kind, and what it refuses to do with it.

Each rule names the serializer or view of AWX (awx/api) that it is taken from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from lab.awx import credential_types, recurrence
from lab.awx.errors import ApiError, bad_request, forbidden, invalid
from lab.awx.resources import Resource
from lab.awx.settings import Settings
from lab.awx.store import Record, Store

Rule = Callable[[Store, Settings, Record, Record | None], None]


def check(store: Store, settings: Settings, resource: Resource, merged: Record, before: Record | None) -> None:
    """Refuse an object that AWX refuses.

    :param merged: the object as it would be; a rule may complete it.
    :param before: the object as it is, or None if it is to be made.
    :raises ApiError: 400 for a value, 403 for a change that is not allowed.
    """
    rule = _RULES.get(resource.path)
    if rule:
        rule(store, settings, merged, before)


def check_deletion(store: Store, resource: Resource, identifier: int) -> None:
    """Refuse a deletion that AWX refuses (CredentialTypeDetail.destroy).

    :raises ApiError: 403.
    """
    if resource.path == "credential_types" and _credentials_of(store, identifier):
        raise forbidden("Credential types that are in use cannot be deleted")


def check_attachment(store: Store, resource: Resource, name: str, attached: list[int], added: int) -> None:
    """Refuse a second credential of a type on one template (JobTemplateCredentialsList.is_valid_relation).

    :raises ApiError: 400.
    """
    if name != "credentials" or resource.path != "job_templates":
        return
    added_type = store.get("credentials", added)["credential_type"]
    if added_type in [store.get("credentials", one)["credential_type"] for one in attached]:
        label = store.get("credential_types", added_type)["name"]
        raise ApiError(400, {"error": f"Cannot assign multiple {label} credentials."})


def playbooks_of(settings: Settings, project: Mapping[str, Any]) -> tuple[str, ...]:
    """The playbooks that a project has."""
    if project["scm_type"]:
        return settings.repositories.get(project["scm_url"], ())
    return settings.folders.get(project["local_path"], ())


def _credential_type(store: Store, _settings: Settings, merged: Record, before: Record | None) -> None:
    """CredentialTypeSerializer.validate"""
    if merged["kind"] not in ("cloud", "net"):
        raise invalid("kind", f"Must be 'cloud' or 'net', not {merged['kind']}")
    credential_types.check_type(merged)
    if before and before["inputs"] != merged["inputs"] and _credentials_of(store, before["id"]):
        raise forbidden("Modifications to inputs are not allowed for credential types that are in use")


def _credential(store: Store, _settings: Settings, merged: Record, before: Record | None) -> None:
    """CredentialSerializerCreate.validate; a secret that comes back as it was shown stays what it is."""
    if before is None and merged["organization"] is None:
        raise bad_request("Missing 'user', 'team', or 'organization'.")
    credential_type = store.get("credential_types", merged["credential_type"])
    for name in credential_types.secret_inputs(credential_type):
        if merged["inputs"].get(name) != credential_types.ENCRYPTED:
            continue
        if before is None:
            raise invalid("inputs", f"$encrypted$ is a reserved keyword, and cannot be used for {name}.")
        merged["inputs"][name] = before["inputs"].get(name, "")
    credential_types.check_inputs(credential_type, merged["inputs"])


def _project(store: Store, settings: Settings, merged: Record, before: Record | None) -> None:
    """ProjectSerializer.validate, ProjectOptions.clean_scm_url and get_local_path_choices"""
    if merged["scm_type"]:
        if not merged["scm_url"]:
            raise invalid("scm_url", "SCM URL is required.")
        return
    for name in ("scm_update_on_launch", "scm_clean"):
        if merged[name]:
            raise invalid(name, "Update options must be set to false for manual projects.")
    used = [one["local_path"] for one in store.all("projects") if before is None or one["id"] != before["id"]]
    if merged["local_path"] not in settings.folders or merged["local_path"] in used:
        raise invalid("local_path", "Invalid path choice.")


def _job_template(store: Store, settings: Settings, merged: Record, _before: Record | None) -> None:
    """JobTemplateSerializer.validate and JobOptionsSerializer.validate"""
    _check_variables("extra_vars", merged)
    if merged["project"] is None:
        raise invalid("project", "Job Templates must have a project assigned.")
    if merged["inventory"] is None and not merged["ask_inventory_on_launch"]:
        raise invalid("inventory", "You must either set a default value or ask to prompt on launch.")
    project = store.get("projects", merged["project"])
    if not merged["playbook"]:
        raise invalid("playbook", "Must select playbook for project.")
    if not project["allow_override"] and merged["playbook"] not in playbooks_of(settings, project):
        raise invalid("playbook", "Playbook not found for project.")
    if merged["scm_branch"] and not project["allow_override"]:
        raise invalid("scm_branch", "Project does not allow overriding branch.")
    # The serializer's organization is read-only: a template belongs where its project does.
    merged["organization"] = project["organization"]


def _with_variables(name: str) -> Rule:
    return lambda _store, _settings, merged, _before: _check_variables(name, merged)


def _schedule(_store: Store, _settings: Settings, merged: Record, _before: Record | None) -> None:
    """SchedulePreviewSerializer.validate_rrule"""
    problems = recurrence.problems(merged["rrule"])
    if problems:
        raise invalid("rrule", *problems)


def _check_variables(name: str, merged: Record) -> None:
    """vars_validate_or_raise: a dictionary, as JSON or YAML"""
    text = merged[name]
    try:
        parsed = json.loads(text) if text.startswith("{") else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError):
        raise invalid(name, "Cannot parse as JSON or YAML.") from None
    if parsed is not None and not isinstance(parsed, dict):
        raise invalid(name, f"Input type `{type(parsed).__name__}` is not a dictionary")


def _credentials_of(store: Store, credential_type: int) -> bool:
    return any(one["credential_type"] == credential_type for one in store.all("credentials"))


_RULES: Mapping[str, Rule] = {
    "credential_types": _credential_type,
    "credentials": _credential,
    "projects": _project,
    "inventories": _with_variables("variables"),
    "hosts": _with_variables("variables"),
    "job_templates": _job_template,
    "workflow_job_templates": _with_variables("extra_vars"),
    "schedules": _schedule,
}
