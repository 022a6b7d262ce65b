# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The managed fields: one row says where a field comes from, how it is written and when two values are the same.

The table is what reading, planning, diff and documentation follow. The source of each row is the vendor's Active
Directory integration guide ("Synchronize specific AD users", the list of locked fields); the limits are those of the
Open API's extension/create.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import PRINCIPAL_NAME, DirectoryUser

EMAIL = "email_addr"
NAME_LIMIT = 63
EMAIL_LIMIT = 255
MOBILE_LIMIT = 31

_EMAIL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.'-]*@[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+")
_NOT_MOBILE = re.compile(r"[^0-9A-Za-z().+*#-]")
# Unicode's category Cc.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DASHES = re.compile(r"[\u2010-\u2015\u2212]")


def _text(value: str) -> str:
    return value.strip()


def _mobile(value: str) -> str:
    """Write a telephone number in the characters that the PBX takes, without losing a digit."""
    text = (value if value.isascii() else unicodedata.normalize("NFKC", value)).strip()
    text = text.removeprefix("tel:").removeprefix("TEL:")
    text = _DASHES.sub("-", text).replace("/", "-")
    return "".join(text.split())


def _text_problem(value: str) -> str:
    if _CONTROL.search(value):
        return "it contains control characters"
    return ""


def _name_problem(value: str) -> str:
    if len(value) > NAME_LIMIT:
        return f"it has {len(value)} characters and the PBX takes {NAME_LIMIT}"
    return _text_problem(value)


def _email_problem(value: str) -> str:
    if len(value) > EMAIL_LIMIT:
        return f"it has {len(value)} characters and the PBX takes {EMAIL_LIMIT}"
    if value and not _EMAIL.fullmatch(value):
        return "the PBX takes letters, digits and @ _ - . ' in the form name@example.com"
    return ""


def _mobile_problem(value: str) -> str:
    if len(value) > MOBILE_LIMIT:
        return f"it has {len(value)} characters and the PBX takes {MOBILE_LIMIT}"
    if _NOT_MOBILE.search(value):
        return "the PBX takes digits, letters and ( ) . - + * #"
    return ""


def _same_text(one: str, other: str) -> bool:
    return one == other


def _same_email(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


@dataclass(frozen=True, slots=True)
class ManagedField:
    """One field that the directory owns on an associated extension.

    :param attribute: LDAP name of the directory attribute.
    :param name: name of the field in the Open API.
    :param normalize: from the directory's spelling to the one the PBX gets.
    :param problem: why the PBX would not take a normalized value, "" if it would.
    :param same: whether two values mean the same, so that no write is due.
    """

    attribute: str
    name: str
    normalize: Callable[[str], str]
    problem: Callable[[str], str]
    same: Callable[[str, str], bool]


MANAGED_FIELDS = (
    ManagedField("givenName", "first_name", _text, _name_problem, _same_text),
    ManagedField("sn", "last_name", _text, _name_problem, _same_text),
    ManagedField("mail", EMAIL, _text, _email_problem, _same_email),
    ManagedField("telephoneNumber", "mobile_number", _mobile, _mobile_problem, _same_text),
    ManagedField("title", "title", _text, _text_problem, _same_text),
)

FIELD_NAMES = tuple(field.name for field in MANAGED_FIELDS)

# The PBX wants a first or a last name (extension/create). A user without either is named by the first of these.
NAME_FALLBACKS = ("displayName", "cn")

USER_ATTRIBUTES = tuple(field.attribute for field in MANAGED_FIELDS) + NAME_FALLBACKS

DISPLAY_NAME, CRITICAL = "displayName", "isCriticalSystemObject"

#: What is to be read of a user who is to be explained, besides what the rule needs.
EXPLAINED_ATTRIBUTES = (*USER_ATTRIBUTES, PRINCIPAL_NAME, DISPLAY_NAME, CRITICAL)

_BY_NAME = {field.name: field for field in MANAGED_FIELDS}


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """A directory value that the PBX would not take; it is left as it is on the PBX, never cut to fit."""

    attribute: str
    name: str
    value: str
    why: str


@dataclass(frozen=True, slots=True)
class WantedFields:
    """What the directory wants an extension's managed fields to be.

    :param values: by Open API name; "" clears the field; a field with a problem is absent.
    """

    values: Mapping[str, str]
    problems: tuple[FieldProblem, ...]


def wanted_fields(user: DirectoryUser) -> WantedFields:
    """Return the managed fields as the directory wants them, and the values that the PBX would refuse."""
    values: dict[str, str] = {}
    problems: list[FieldProblem] = []
    for field in MANAGED_FIELDS:
        raw = user.attributes.get(field.attribute, "")
        value = field.normalize(raw)
        why = field.problem(value)
        if why:
            problems.append(FieldProblem(field.attribute, field.name, raw, why))
        else:
            values[field.name] = value
    if not values.get("first_name") and not values.get("last_name"):
        values["first_name"] = fallback_name(user).value
    return WantedFields(values, tuple(problems))


@dataclass(frozen=True, slots=True)
class FallbackName:
    """What a user without a first and a last name is called, and the attribute that says so."""

    attribute: str
    value: str


def fallback_name(user: DirectoryUser) -> FallbackName:
    """Return what a user without a first and a last name is called."""
    for attribute in NAME_FALLBACKS:
        name = _text(user.attributes.get(attribute, ""))
        if name and not _name_problem(name):
            return FallbackName(attribute, name)
    return FallbackName("sAMAccountName", user.account_name)


def same(name: str, one: str, other: str) -> bool:
    """Tell whether two values of a managed field mean the same."""
    return one == other or _BY_NAME[name].same(one, other)


def differing(wanted: Mapping[str, str], actual: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the wanted fields that the actual ones do not match, in the order of the table."""
    if wanted == actual:
        return ()
    return tuple(name for name in FIELD_NAMES if name in wanted and not same(name, wanted[name], actual.get(name, "")))
