# SPDX-License-Identifier: GPL-3.0-or-later
"""From the body of a request to an object's values, as Django REST framework and AWX's serializers do it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.awx.errors import ApiError, invalid
from lab.awx.resources import Field, FieldKind, Resource
from lab.awx.store import Record, Store


def cleaned(store: Store, resource: Resource, body: Mapping[str, Any], record: Record | None) -> Record:
    """The values that a request sets, each checked by itself.

    What an object does not have, or does not take, is ignored without a word, as the framework does.

    :param record: the object as it is, or None if it is to be made.
    :raises ApiError: 400 with all fields that are wrong.
    """
    values: Record = {}
    problems: dict[str, list[str]] = {}
    for one in resource.fields:
        if one.read_only or (record is not None and one.create_only):
            continue
        try:
            if one.name in body:
                values[one.name] = _value(store, one, body[one.name])
            elif record is None and one.required:
                raise invalid(one.name, "This field is required.")
        except ApiError as error:
            problems |= error.payload
    if problems:
        raise ApiError(400, problems)
    return values


def check_unique(store: Store, resource: Resource, merged: Record, identifier: int | None) -> None:
    """Refuse an object that has the same identity as another.

    :raises ApiError: 400 if there is one.
    """
    if not resource.unique:
        return
    identity = [merged[name] for name in resource.unique]
    for other in store.all(resource.path):
        if other["id"] != identifier and [other[name] for name in resource.unique] == identity:
            names = ", ".join(resource.unique)
            raise invalid("__all__", f"{resource.type} with this ({names}) combination already exists.")


def _value(store: Store, field: Field, value: Any) -> Any:
    if field.kind is FieldKind.REFERENCE:
        return _reference(store, field, value)
    if field.kind is FieldKind.BOOLEAN:
        return _boolean(field, value)
    if field.kind is FieldKind.INTEGER:
        return _integer(field, value)
    if field.kind is FieldKind.TEXT:
        return _text(field, value)
    return value


def _reference(store: Store, field: Field, value: Any) -> int | None:
    if value in (None, "") and not field.required:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(field.name, f"Incorrect type. Expected pk value, received {type(value).__name__}.")
    if store.find(field.target, value) is None:
        raise invalid(field.name, f'Invalid pk "{value}" - object does not exist.')
    return value


def _boolean(field: Field, value: Any) -> bool:
    if value in (None, ""):
        return False
    if not isinstance(value, bool):
        raise invalid(field.name, "Must be a valid boolean.")
    return value


def _integer(field: Field, value: Any) -> int | None:
    if value is None and field.default is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(field.name, "A valid integer is required.")
    if value < 0:
        raise invalid(field.name, "Ensure this value is greater than or equal to 0.")
    return value


def _text(field: Field, value: Any) -> str:
    text = "" if value is None else value
    if isinstance(text, bool) or not isinstance(text, str | int):
        raise invalid(field.name, "Not a valid string.")
    text = str(text).strip()
    if field.required and not text:
        raise invalid(field.name, "This field may not be blank.")
    if field.choices and text not in field.choices:
        raise invalid(field.name, f'"{text}" is not a valid choice.')
    return text
