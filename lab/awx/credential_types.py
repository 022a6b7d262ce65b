# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom credential types: what AWX takes as one, and what a credential of it puts into a job's environment.

The schemas and checks are those of `CredentialTypeInputField` and `CredentialTypeInjectorField` (awx/main/fields.py),
the injection is that of `CredentialType.inject_credential` (awx/main/models/credential.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from jinja2 import StrictUndefined
from jinja2.exceptions import SecurityError, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jsonschema import Draft4Validator

from lab.awx.errors import invalid

ENCRYPTED = "$encrypted$"
_VARIABLE = "^[a-zA-Z_]+[a-zA-Z0-9_]*$"
_INPUTS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "required": {"type": "array", "items": {"type": "string"}},
        "fields": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "type": {"enum": ["string", "boolean"]},
                    "format": {"enum": ["ssh_private_key", "url"]},
                    "choices": {"type": "array", "minItems": 1, "items": {"type": "string"}, "uniqueItems": True},
                    "id": {"type": "string", "pattern": _VARIABLE},
                    "label": {"type": "string"},
                    "help_text": {"type": "string"},
                    "multiline": {"type": "boolean"},
                    "secret": {"type": "boolean"},
                    "default": {},
                },
                "additionalProperties": False,
                "required": ["id", "label"],
            },
        },
    },
}
_INJECTORS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "file": {
            "type": "object",
            "patternProperties": {r"^template(\.[a-zA-Z_]+[a-zA-Z0-9_]*)?$": {"type": "string"}},
            "additionalProperties": False,
        },
        "env": {
            "type": "object",
            "patternProperties": {_VARIABLE: {"type": "string", "pattern": "^[\x00-\x7f]*$"}},
            "additionalProperties": False,
        },
        "extra_vars": {"type": "object"},
    },
}
# awx/main/constants.py has more of them.
_RESERVED_VARIABLES = frozenset({"VIRTUAL_ENV", "PATH", "PYTHONPATH", "JOB_ID", "INVENTORY_ID", "AWX_HOST"})


def check_type(values: dict[str, Any]) -> None:
    """Refuse inputs and injectors that make no credential type; give each input that has no type one.

    :raises ApiError: by the field that is wrong.
    """
    inputs, injectors = values["inputs"], values["injectors"]
    _check_schema("inputs", inputs, _INPUTS)
    _check_schema("injectors", injectors, _INJECTORS)
    names = [one["id"] for one in inputs.get("fields", [])]
    if "tower" in names:
        raise invalid("inputs", '"tower" is a reserved field name')
    if len(set(names)) < len(names):
        raise invalid("inputs", f"field IDs must be unique ({names})")
    for one in inputs.get("fields", []):
        one.setdefault("type", "string")
    for name in injectors.get("env", {}):
        if name.startswith("ANSIBLE_") or name in _RESERVED_VARIABLES:
            raise invalid("injectors", f"Environment variable {name} is not allowed to be used in credentials.")
    _check_templates(names, injectors)


def check_inputs(credential_type: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
    """Refuse inputs that a credential of this type does not have.

    :raises ApiError: if there are some, or a value is of another type.
    """
    kinds = {one["id"]: {"type": one.get("type", "string")} for one in credential_type["inputs"].get("fields", [])}
    schema = {"type": "object", "properties": kinds, "additionalProperties": False}
    _check_schema("inputs", inputs, schema)


def secret_inputs(credential_type: Mapping[str, Any]) -> set[str]:
    """The names of the inputs whose values nobody gets to see again."""
    return {one["id"] for one in credential_type["inputs"].get("fields", []) if one.get("secret")}


def masked(credential_type: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as the API shows them."""
    secrets = secret_inputs(credential_type)
    return {name: ENCRYPTED if name in secrets and value else value for name, value in inputs.items()}


def injected(
    credential_type: Mapping[str, Any], inputs: Mapping[str, Any], folder: str
) -> tuple[dict[str, str], dict[str, str]]:
    """What a credential gives a job: environment variables, and the files of `folder` with their content."""
    namespace: dict[str, Any] = {name: value for name, value in inputs.items() if value != ""}
    environment = ImmutableSandboxedEnvironment()
    files: dict[str, str] = {}
    named: dict[str, str] = {}
    for number, (label, template) in enumerate(credential_type["injectors"].get("file", {}).items()):
        path = f"{folder}/{number}"
        files[path] = environment.from_string(template).render(**namespace)
        named[label.partition(".")[2]] = path
    namespace["tower"] = SimpleNamespace(filename=named[""] if "" in named else SimpleNamespace(**named))
    variables = {
        name: environment.from_string(template).render(**namespace)
        for name, template in credential_type["injectors"].get("env", {}).items()
    }
    return variables, files


def _check_schema(field: str, value: Any, schema: Mapping[str, Any]) -> None:
    problems = [error.message for error in Draft4Validator(schema).iter_errors(value)]
    if problems:
        raise invalid(field, *problems)


def _check_templates(names: list[str], injectors: Mapping[str, Any]) -> None:
    namespace: dict[str, Any] = dict.fromkeys(names, "EXAMPLE")
    labels = list(injectors.get("file", {}))
    if "template" in labels and len(labels) > 1:
        raise invalid("injectors", "Must use multi-file syntax when injecting multiple files")
    files = {label.partition(".")[2]: "EXAMPLE_FILENAME" for label in labels}
    namespace["tower"] = {"filename": files.get("", files)} if files else {}
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    for name, template in _templates(injectors):
        try:
            environment.from_string(template).render(namespace)
        except UndefinedError as error:
            raise invalid("injectors", f"{name} uses an undefined field ({error})") from None
        except (SecurityError, TemplateSyntaxError) as error:
            raise invalid("injectors", f"Syntax error rendering template for {name} ({error})") from None


def _templates(injectors: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for kind in ("file", "env"):
        yield from injectors.get(kind, {}).items()
