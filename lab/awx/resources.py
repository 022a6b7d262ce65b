# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of objects that the emulator knows, as a table: one entry a kind, one line a field.

Names, defaults and choices are those of AWX's models (awx/main/models) and serializers (awx/api/serializers.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class FieldKind(StrEnum):
    """What a field holds."""

    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    JSON = "json"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object.

    :param choices: the values that it takes; all if there are none here.
    :param target: the path of the objects that a reference names, or `UNIFIED`.
    :param owner: whether the object goes with the one that this reference names; others lose the reference.
    :param create_only: whether it is ignored once the object is there.
    :param read_only: whether it is never taken from a request.
    """

    name: str
    kind: FieldKind
    default: Any = None
    required: bool = False
    choices: tuple[str, ...] = ()
    target: str = ""
    owner: bool = False
    create_only: bool = False
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of objects.

    :param path: where they are, below /api/v2/.
    :param type: what one is called in its field `type`.
    :param unique: the fields that no two objects have alike.
    :param lists: the objects that can be attached to one, by the name of the list: their path.
    :param unified: whether it is a template that workflows and schedules may name.
    :param delete_status: the answer to a deletion: 202 where AWX does it in the background.
    """

    path: str
    type: str
    fields: tuple[Field, ...]
    unique: tuple[str, ...] = ("name",)
    lists: Mapping[str, str] = field(default_factory=dict)
    unified: bool = False
    delete_status: int = 204

    def field_named(self, name: str) -> Field | None:
        """The field of that name."""
        return next((one for one in self.fields if one.name == name), None)


UNIFIED = "unified_job_templates"
_MANUAL = ""
_SCM_TYPES = (_MANUAL, "git", "svn", "insights", "archive")
_JOB_TYPES = ("run", "check")


def _text(name: str, default: str = "", **more: Any) -> Field:
    return Field(name, FieldKind.TEXT, default, **more)


def _integer(name: str, default: int | None = 0, **more: Any) -> Field:
    return Field(name, FieldKind.INTEGER, default, **more)


def _boolean(name: str, default: bool = False, **more: Any) -> Field:
    return Field(name, FieldKind.BOOLEAN, default, **more)


def _json(name: str, default: Any, **more: Any) -> Field:
    return Field(name, FieldKind.JSON, default, **more)


def _reference(name: str, target: str, **more: Any) -> Field:
    return Field(name, FieldKind.REFERENCE, None, target=target, **more)


_NAMED = (_text("name", required=True), _text("description"))
_ORGANIZATION = _reference("organization", "organizations")
_PROMPTS = tuple(
    _boolean(f"ask_{name}_on_launch")
    for name in (
        *(
            "credential",
            "diff_mode",
            "execution_environment",
            "forks",
            "instance_groups",
            "inventory",
            "job_slice_count",
        ),
        *("job_type", "labels", "limit", "scm_branch", "skip_tags", "tags", "timeout", "variables", "verbosity"),
    )
)
_NOTIFICATIONS = {
    f"notification_templates_{when}": "notification_templates" for when in ("started", "success", "error")
}
_APPROVALS = {"notification_templates_approvals": "notification_templates"}
_LAUNCH = (
    _json("extra_data", {}),
    _reference("inventory", "inventories"),
    _text("limit"),
    _text("scm_branch"),
    _text("job_type", choices=("", *_JOB_TYPES)),
    _boolean("diff_mode"),
    _integer("timeout", None),
)

_ALL = (
    Resource(
        "organizations",
        "organization",
        (*_NAMED, _integer("max_hosts"), _reference("default_environment", "execution_environments")),
        lists={**_NOTIFICATIONS, **_APPROVALS, "instance_groups": "instance_groups"},
    ),
    Resource("instance_groups", "instance_group", (_text("name", required=True), _boolean("is_container_group"))),
    Resource(
        "execution_environments",
        "execution_environment",
        (
            *_NAMED,
            _ORGANIZATION,
            _text("image", required=True),
            _text("pull", choices=("", "always", "missing", "never")),
            _reference("credential", "credentials"),
        ),
    ),
    Resource(
        "credential_types",
        "credential_type",
        (
            *_NAMED,
            _text("kind", required=True),
            _boolean("managed", read_only=True),
            _json("inputs", {}),
            _json("injectors", {}),
        ),
        unique=("name", "kind"),
    ),
    Resource(
        "credentials",
        "credential",
        (
            *_NAMED,
            _ORGANIZATION,
            _reference("credential_type", "credential_types", required=True),
            _json("inputs", {}),
        ),
        unique=("organization", "name", "credential_type"),
    ),
    Resource(
        "notification_templates",
        "notification_template",
        (
            *_NAMED,
            _reference("organization", "organizations", required=True, owner=True),
            _text("notification_type", required=True),
            _json("notification_configuration", {}),
        ),
        unique=("organization", "name"),
    ),
    Resource(
        "projects",
        "project",
        (
            *_NAMED,
            _ORGANIZATION,
            _text("local_path"),
            _text("scm_type", choices=_SCM_TYPES),
            _text("scm_url"),
            _text("scm_branch"),
            _text("scm_revision", read_only=True),
            _text("status", read_only=True),
            _boolean("scm_clean"),
            _boolean("scm_update_on_launch"),
            _integer("scm_update_cache_timeout"),
            _boolean("allow_override"),
            _integer("timeout"),
            _reference("credential", "credentials"),
            _reference("default_environment", "execution_environments"),
        ),
        unique=("organization", "name"),
        lists=_NOTIFICATIONS,
        unified=True,
    ),
    Resource("project_updates", "project_update", (_text("name"), _text("status"), _boolean("failed")), unique=()),
    Resource(
        "inventories",
        "inventory",
        (
            *_NAMED,
            _reference("organization", "organizations", required=True, owner=True),
            _text("kind", choices=("", "smart", "constructed")),
            Field("host_filter", FieldKind.JSON),
            _text("variables"),
            _boolean("prevent_instance_group_fallback"),
        ),
        unique=("organization", "name"),
        lists={"instance_groups": "instance_groups"},
        delete_status=202,
    ),
    Resource(
        "hosts",
        "host",
        (
            *_NAMED,
            _reference("inventory", "inventories", required=True, owner=True, create_only=True),
            _boolean("enabled", True),
            _text("variables"),
        ),
        unique=("inventory", "name"),
    ),
    Resource(
        "job_templates",
        "job_template",
        (
            *_NAMED,
            _ORGANIZATION,
            _text("job_type", "run", choices=_JOB_TYPES),
            _reference("inventory", "inventories"),
            _reference("project", "projects"),
            _text("playbook"),
            _text("scm_branch"),
            _integer("forks"),
            _text("limit"),
            _integer("verbosity"),
            _text("extra_vars"),
            _integer("timeout"),
            _boolean("use_fact_cache"),
            _reference("execution_environment", "execution_environments"),
            _boolean("survey_enabled"),
            _boolean("become_enabled"),
            _boolean("diff_mode"),
            _boolean("allow_simultaneous"),
            _integer("job_slice_count", 1),
            *_PROMPTS,
        ),
        unique=("organization", "name"),
        lists={**_NOTIFICATIONS, "credentials": "credentials", "instance_groups": "instance_groups"},
        unified=True,
    ),
    Resource(
        "workflow_job_templates",
        "workflow_job_template",
        (
            *_NAMED,
            _ORGANIZATION,
            _reference("inventory", "inventories"),
            _text("limit"),
            _text("scm_branch"),
            _text("extra_vars"),
            _boolean("survey_enabled"),
            _boolean("allow_simultaneous"),
            *_PROMPTS,
        ),
        unique=("organization", "name"),
        lists={**_NOTIFICATIONS, **_APPROVALS},
        unified=True,
    ),
    Resource(
        "workflow_job_template_nodes",
        "workflow_job_template_node",
        (
            _text("identifier", required=True),
            _reference("workflow_job_template", "workflow_job_templates", required=True, owner=True, create_only=True),
            _reference("unified_job_template", UNIFIED),
            _boolean("all_parents_must_converge"),
            *_LAUNCH,
        ),
        unique=("workflow_job_template", "identifier"),
        lists={
            **dict.fromkeys(("success_nodes", "failure_nodes", "always_nodes"), "workflow_job_template_nodes"),
            "credentials": "credentials",
        },
    ),
    Resource("workflow_approval_templates", "workflow_approval_template", (*_NAMED, _integer("timeout")), unique=()),
    Resource(
        "schedules",
        "schedule",
        (
            *_NAMED,
            _text("rrule", required=True),
            _boolean("enabled", True),
            _reference("unified_job_template", UNIFIED, required=True, owner=True),
            *_LAUNCH,
        ),
        unique=("unified_job_template", "name"),
        lists={"credentials": "credentials"},
    ),
)

RESOURCES: Mapping[str, Resource] = {resource.path: resource for resource in _ALL}
UNIFIED_PATHS = tuple(resource.path for resource in _ALL if resource.unified)
# What a node may hold besides: the approval, which no list shows.
NODE_PATHS = (*UNIFIED_PATHS, "workflow_approval_templates")
