# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The shapes of the Open API's objects: read with tolerance, written back as they came."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from sys import intern
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import IncompleteListError, PbxAnswerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension, OrganizationReference

#: The fields of an extension that a directory manages, by the names of vendor's page "Add an Extension".
MANAGED_FIELDS = ("first_name", "last_name", "email_addr", "mobile_number", "title")

#: Its other settings that the same page describes, plain values alone: an extension that is made again gets them back.
#: What is secret (passwords, vm_pin) and what is made anew with each extension (reg_name) is not among them.
SETTINGS = (
    "role_id",
    "email_language",
    "user_lang",
    "vm_lang",
    "caller_id",
    "concurrent_registrations",
    "presence_status",
    "presence_mobile_prefix",
    "agent_id",
    "enb_vm",
    "enb_vm_pin",
)

_KNOWN = frozenset({"id", "number", "reg_name", "organization_list", "presence_status", *MANAGED_FIELDS, *SETTINGS})

# References are {value, text} in most of the Open API and {id, name} in the organizations' own objects; the page
# that describes those inside an extension could not be read, so both are taken.
_ID_KEYS = ("value", "id")
_NAME_KEYS = ("text", "name")
# What a ledger can hold too (64 bits).
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_LARGEST = 10**18 - 1


def parse_integer(value: object, what: str) -> int:
    """Read an integer that may come as a string of digits; ``what`` names it in the error.

    :raises PbxAnswerError: if it is neither.
    """
    number = parse_optional_integer(value)
    if number is None:
        raise PbxAnswerError(f"The PBX's answer has no usable {what}.")
    return number


def parse_optional_integer(value: object) -> int | None:
    """Read an integer of at most 18 digits that may come as a string of them; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) <= _LARGEST else None
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    return None


def parse_text(value: object, what: str = "text") -> str:
    """Read a text; "" for an absent or empty one, digits for an integer; ``what`` names it in the error.

    :raises PbxAnswerError: for anything else, of which it would be a guess what it means.
    """
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise PbxAnswerError(f"The PBX's answer has a {what} that is no text.")
    return str(value)


def parse_rows(answer: Mapping[str, Any], key: str, endpoint: str) -> list[Mapping[str, Any]]:
    """Read the array of objects under ``key``; a single object counts as an array of one.

    :raises PbxAnswerError: if there is none.
    """
    value = answer.get(key)
    if isinstance(value, Mapping):
        return [value]
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise PbxAnswerError(f"The PBX's answer to {endpoint} has no list of objects under {key!r}.")
    return list(value)


def parse_object(answer: Mapping[str, Any], key: str, endpoint: str) -> Mapping[str, Any]:
    """Read the object under ``key``; an array of one object counts as that object.

    :raises PbxAnswerError: if there is none, or several.
    """
    rows = parse_rows(answer, key, endpoint)
    if len(rows) != 1:
        raise PbxAnswerError(f"The PBX's answer to {endpoint} has {len(rows)} objects under {key!r} instead of one.")
    return rows[0]


def parse_total(answer: Mapping[str, Any], endpoint: str) -> int:
    """Read total_number, the length of a list over all its pages.

    :raises IncompleteListError: if it is missing: then no list can be proved complete.
    """
    total = parse_optional_integer(answer.get("total_number"))
    if total is None or total < 0:
        raise IncompleteListError(f"The PBX's answer to {endpoint} has no usable total_number.")
    return total


def known(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a row of extension/list what can be part of an extension."""
    return {name: value for name, value in row.items() if name in _KNOWN}


def parse_extension(detail: Mapping[str, Any], row: Mapping[str, Any] | None = None) -> Extension:
    """Read an extension.

    :param detail: an object of extension/get or extension/query.
    :param row: its row of extension/list, for what the detail leaves out.
    :raises PbxAnswerError: if there is no id or number.
    """
    told = {**(row or {}), **detail}
    number = parse_text(told.get("number"), "number of an extension")
    if not number:
        raise PbxAnswerError("The PBX's answer has an extension without number.")
    registration_name = parse_text(told.get("reg_name"))
    return Extension(
        id=parse_integer(told.get("id"), "id of an extension"),
        number=number,
        fields={name: parse_text(told.get(name), f"{name} of extension {number}") for name in MANAGED_FIELDS},
        registration_name=registration_name or None,
        organizations=parse_organizations(told.get("organization_list")),
        presence=_held_once(parse_text(told.get("presence_status"))),
        settings={
            name: number if told[name] == number else _held_once(told[name])
            for name in SETTINGS
            if _is_filled(told.get(name))
        },
    )


def _is_filled(value: object) -> bool:
    """Whether a setting has a value that can be kept: what is neither a text nor an integer in reason is left out."""
    return bool(value) if isinstance(value, str) else parse_optional_integer(value) is not None


def _held_once(value: Any) -> Any:
    """Return a setting, which thousands of extensions have alike, so that they share it."""
    return intern(value) if isinstance(value, str) else value


def parse_organizations(value: object) -> tuple[OrganizationReference, ...]:
    """Read an extension's organization_list; absent or null is none."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise PbxAnswerError("The PBX's answer has an organization_list that is no list.")
    return _organizations(tuple(_parse_reference(element) for element in value))


@lru_cache(maxsize=1024)
def _organizations(references: tuple[OrganizationReference, ...]) -> tuple[OrganizationReference, ...]:
    """Return the same organizations, the same object for all extensions that are in them."""
    return references


@dataclass(frozen=True, slots=True)
class ElementShape:
    """How one element of an organization_list is written.

    :param name_key: None where the name is left out.
    :param is_plain: whether it is the id and nothing else.
    """

    id_key: str
    id_is_text: bool
    name_key: str | None = None
    is_plain: bool = False


#: What is tried while none was seen, in this order: ``{"value": "33", "text": "IT"}`` and ``{"id": 33, "name": "IT"}``.
_GUESSES = tuple(
    ElementShape(id_key, id_is_text=place == 0, name_key=name_key)
    for place, (id_key, name_key) in enumerate(zip(_ID_KEYS, _NAME_KEYS, strict=True))
)


class OrganizationShape:
    """How this PBX writes the elements of an extension's organization_list.

    It is learned from the first answer that holds one; until then it is guessed. An organization that was seen is
    written as it was seen, unknown keys included. Several threads may use it: what it has learned is one value.
    """

    def __init__(self) -> None:
        self._shape = _GUESSES[0]
        self._seen: dict[int, Mapping[str, Any]] = {}
        self._learned = False

    def learn(self, value: object) -> None:
        """Look at an organization_list that the PBX returned, already read without error."""
        if not isinstance(value, list):
            return
        for element in value:
            if not self._learned:
                self._learn_element(element)
            if isinstance(element, Mapping):
                self._seen[_parse_reference(element).id] = element

    @property
    def is_guessed(self) -> bool:
        """Whether no organization was seen in any extension yet."""
        return not self._learned

    @property
    def guesses(self) -> tuple[ElementShape, ...]:
        """The guesses, beginning with the one that has not been refused."""
        return (self._shape, *(guess for guess in _GUESSES if guess != self._shape))

    def accept(self, guess: ElementShape) -> None:
        """Take note that the PBX has taken a guess."""
        if not self._learned:
            self._shape = guess

    def write(self, organizations: Sequence[OrganizationReference], guess: ElementShape | None = None) -> list[Any]:
        """Return the organization_list to send.

        :param guess: one of ``guesses``; None for what is known, or the first of them.
        """
        return [self._write_element(organization, guess or self._shape) for organization in organizations]

    def _learn_element(self, element: object) -> None:
        if isinstance(element, Mapping):
            id_key = next(key for key in _ID_KEYS if key in element)
            name_key = next((key for key in _NAME_KEYS if key in element), None)
            self._shape = ElementShape(id_key, isinstance(element[id_key], str), name_key)
        else:
            self._shape = ElementShape(_ID_KEYS[0], isinstance(element, str), is_plain=True)
        self._learned = True

    def _write_element(self, organization: OrganizationReference, shape: ElementShape) -> Any:
        reference = str(organization.id) if shape.id_is_text else organization.id
        if shape.is_plain:
            return reference
        element = {**self._seen.get(organization.id, {}), shape.id_key: reference}
        if shape.name_key is not None:
            element[shape.name_key] = organization.name
        return element


def _parse_reference(element: object) -> OrganizationReference:
    if not isinstance(element, Mapping):
        return OrganizationReference(parse_integer(element, "id in an organization_list"), "")
    identifier = next((element[key] for key in _ID_KEYS if key in element), None)
    name = next((element[key] for key in _NAME_KEYS if key in element), "")
    return OrganizationReference(parse_integer(identifier, "id in an organization_list"), parse_text(name))
