# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of an extension's fields (vendor's pages "Add an Extension", "Edit an Extension")."""

from __future__ import annotations

import base64
import binascii
import itertools
from collections.abc import Mapping
from typing import Any

from lab.pbx.extensions import Extension
from lab.pbx.validation import (
    FLAG,
    Check,
    array,
    integer,
    is_missing,
    one_of,
    refuse_failures,
    refuse_invalid,
    text,
)
from lab.pbx.variants import Variants

PRESENCE_STATUSES = ("available", "away", "business_trip", "do_not_disturb", "lunch", "off_work")
EMAIL_LANGUAGES = ("follow_system", "zh-cn", "en", "ru", "de", "fr", "bp", "it", "tr")
_TELEPHONE = r"[0-9A-Za-z()\-.+*#]*"
_EMAIL = r"[A-Za-z0-9_][A-Za-z0-9_.'-]*@[A-Za-z0-9_.'-]+\.[A-Za-z0-9_.'-]{2,}"
_REQUIRED_ON_CREATE = (
    "type",
    "user_password",
    "number",
    "reg_name",
    "reg_password",
    "concurrent_registrations",
    "presence_status",
)
_PASSWORDS = ("user_password", "reg_password")
# What the vendor's create page documents of free text beyond a length is nothing.
_FREE_TEXT = text(255)


def extension_checks(variants: Variants) -> dict[str, Check]:
    """The check of every documented field, by name."""
    name = text(63, forbidden=variants.name_forbidden_characters)
    return {
        "type": one_of(["SIP"]),
        "first_name": name,
        "last_name": name,
        "email_addr": text(255, pattern=_EMAIL),
        "mobile_number": text(31, pattern=_TELEPHONE),
        "user_password": _user_password(variants),
        "role_id": integer(0),
        "organization_list": array,
        "title": text(variants.title_length_max),
        "email_language": one_of(EMAIL_LANGUAGES),
        "user_lang": _FREE_TEXT,
        "vm_lang": _FREE_TEXT,
        "number": text(variants.number_digits_max, shortest=1, pattern=r"[0-9]+"),
        "caller_id": text(31, pattern=_TELEPHONE),
        "reg_name": text(63, shortest=1),
        "reg_password": text(63, shortest=variants.reg_password_length_min),
        "concurrent_registrations": integer(1, variants.concurrent_registrations_max),
        "presence_status": one_of(PRESENCE_STATUSES),
        "presence_list": array,
        "presence_mobile_prefix": text(31, pattern=_TELEPHONE),
        "agent_id": _FREE_TEXT,
        "enb_vm": FLAG,
        "enb_vm_pin": FLAG,
        "vm_pin": text(15, pattern=r"[0-9]*"),
    }


def with_clear_passwords(arguments: Mapping[str, Any], variants: Variants) -> dict[str, Any]:
    """The arguments with passwords as the rules see them.

    Where the variant says that passwords travel in Base64 they are decoded. Raises ApiError 40002
    for one that is not Base64.
    """
    clear = dict(arguments)
    if not variants.passwords_in_base64:
        return clear
    for field in _PASSWORDS:
        value = clear.get(field)
        if not isinstance(value, str) or not value:
            continue
        try:
            clear[field] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            refuse_failures({field: "format"})
    return clear


def refuse_invalid_create(
    arguments: Mapping[str, Any],
    variants: Variants,
    *,
    organizations_on: bool,
    user_range: tuple[int, int],
) -> None:
    """Raise ApiError 40002 for what create's rules refuse, all fields at once."""
    required = list(_REQUIRED_ON_CREATE)
    if organizations_on:
        required.append("organization_list")
    refuse_invalid(arguments, extension_checks(variants), required)
    _refuse_out_of_range(arguments["number"], variants, user_range)
    nameless = is_missing(arguments.get("first_name")) and is_missing(arguments.get("last_name"))
    if nameless and variants.name_missing == "refused":
        refuse_failures({"first_name": "required"})


def refuse_invalid_update(
    arguments: Mapping[str, Any],
    variants: Variants,
    *,
    organizations_on: bool,
    user_range: tuple[int, int],
) -> None:
    """Raise ApiError 40002 for what update's rules refuse; no field but the id is required."""
    checks = extension_checks(variants)
    checks.pop("type")
    if variants.number_update != "accepted":
        checks.pop("number")
    required = ["id"]
    # An extension belongs to one department at least (vendor's page "Manage Users").
    if organizations_on and (variants.update_requires_organization_list or "organization_list" in arguments):
        required.append("organization_list")
    refuse_invalid(arguments, {"id": integer(), **checks}, required)
    if "number" not in arguments:
        return
    if variants.number_update == "refused":
        refuse_failures({"number": "readonly"})
    if variants.number_update == "accepted":
        _refuse_out_of_range(arguments["number"], variants, user_range)


def refuse_unfit_user_password(extension: Extension, variants: Variants) -> None:
    """Raise ApiError 40002 for a user password that breaks any rule."""
    password = {"user_password": extension.user_password}
    refuse_invalid(password, {"user_password": _user_password(variants)}, ["user_password"])
    refuse_weak_user_password(extension, variants)


def refuse_weak_user_password(extension: Extension, variants: Variants) -> None:
    """Raise ApiError 40002 for a user password that the extension's own data or past forbids.

    Its number and names are the Cloud Edition's rule.
    """
    password = extension.user_password
    lowered = password.lower()
    names = (extension.number, extension.first_name, extension.last_name)
    if variants.cloud_password_rules and any(name and name.lower() in lowered for name in names):
        refuse_failures({"user_password": "format"})
    if variants.password_history and password in extension.earlier_user_passwords[-variants.password_history :]:
        refuse_failures({"user_password": "history"})


def _refuse_out_of_range(number: str, variants: Variants, user_range: tuple[int, int]) -> None:
    first, last = user_range
    if variants.user_range_enforced and not first <= int(number) <= last:
        refuse_failures({"number": "range"})


def _user_password(variants: Variants) -> Check:
    length = text(63, shortest=variants.user_password_length_min)

    def check(value: Any) -> str | None:
        broken = length(value)
        if broken:
            return broken
        kinds = (str.isdigit, str.isupper, str.islower)
        if not all(any(kind(character) for character in value) for kind in kinds):
            return "format"
        if variants.cloud_password_rules and _has_digit_run(value):
            return "format"
        return None

    return check


def _has_digit_run(value: str) -> bool:
    """Whether four digits in a row are equal, or each one more (or less) than the one before."""
    for start in range(len(value) - 3):
        four = value[start : start + 4]
        if not (four.isascii() and four.isdigit()):
            continue
        steps = {int(after) - int(before) for before, after in itertools.pairwise(four)}
        if steps in ({0}, {1}, {-1}):
            return True
    return False
