# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a browser sends: read with limits, and looked at before anything is done with it."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

_FORM_TYPE = "application/x-www-form-urlencoded"
_LONGEST_BODY = 16 * 1024
_BODY_SECONDS = 10
_FIELDS = ("username", "password", "address", "csrf")
_LONGEST_NAME = 256
# More than any password of Active Directory, which has 256 characters at most.
_LONGEST_PASSWORD = 256
# Unicode's categories of control characters and half characters, and of what is not seen or breaks lines.
_CONTROL_CATEGORIES = frozenset({"Cc", "Cs"})
_UNSEEN_CATEGORIES = _CONTROL_CATEGORIES | {"Cf", "Zl", "Zp"}
_NAME = re.compile(r"[^@\s]+@[^@\s]+")
_INDEX = re.compile(r"[0-9]{1,2}")


class BadFormError(Exception):
    """What was sent is no form of this service.

    :param status: the HTTP status that says so.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class SignOnForm:
    """The form as it was sent; what is not in it is empty.

    :param address: index of a login address.
    """

    username: str
    password: str = field(repr=False)
    address: int
    csrf: str = field(repr=False)


async def read_form(request: Request) -> SignOnForm:
    """Read the form of a request.

    :raises BadFormError: unless it is one, of reasonable size and in time.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM_TYPE:
        raise BadFormError(415)
    values = _parse(await _read_body(request))
    return SignOnForm(
        username=values.get("username", "").strip(" "),
        password=values.get("password", ""),
        address=int(values.get("address", "0")),
        csrf=values.get("csrf", ""),
    )


def fault_of(form: SignOnForm) -> str | None:
    """Return what is wrong with name or password, as a code of ``pages.problem_codes``; None for nothing."""
    if not form.username or not form.password:
        return "empty"
    if not has_name(form):
        return "malformed_name"
    if len(form.password) > _LONGEST_PASSWORD or _has(form.password, _CONTROL_CATEGORIES):
        return "malformed_password"
    return None


def has_name(form: SignOnForm) -> bool:
    """Whether what was typed as the name has the form of one. What has not may be a password in the wrong field."""
    name = form.username
    return len(name) <= _LONGEST_NAME and not _has(name, _UNSEEN_CATEGORIES) and _NAME.fullmatch(name) is not None


def _has(text: str, categories: frozenset[str]) -> bool:
    return any(unicodedata.category(character) in categories for character in text)


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > _LONGEST_BODY:
                    raise BadFormError(413)
    except TimeoutError:
        raise BadFormError(408) from None
    except ClientDisconnect:
        raise BadFormError(400) from None
    return bytes(body)


def _parse(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=len(_FIELDS),
        )
    except ValueError:
        raise BadFormError(400) from None
    values = dict(pairs)
    is_known = len(values) == len(pairs) and values.keys() <= set(_FIELDS)
    if not is_known or not _INDEX.fullmatch(values.get("address", "0")):
        raise BadFormError(400)
    return values
