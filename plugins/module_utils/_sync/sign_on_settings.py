# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The settings of the sign-on with the credentials of the directory."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError

_ADDRESS_LENGTH = 500
_ADDRESSES = 20
# RFC 3986 3.2.2: a registered name in ASCII, or an address in brackets.
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_PATH = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*")
_REMEDY = "Give an address such as https://pbx.example.com:8088/login."
_DEFAULT_PORTS = {"http": 80, "https": 443}


class SignOnError(YeastarError):
    """Settings of the sign-on that cannot be used."""


class SignOnMethod(StrEnum):
    """What a user who has signed on is given.

    PASSWORD: the extension's user password becomes the one that was just proved, which every Linkus client takes.
    SIGNATURE: a login signature for an application of the company's own that is made with the Linkus SDK.
    """

    PASSWORD = "password"  # noqa: S105 (a word, not a password)
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOnSettings:
    """The settings of the sign-on, as they are saved.

    :param enabled: whether users can sign on.
    :param login_addresses: URLs that users may be sent to once they have signed on.
    :param allow_http: whether such an address may be one without TLS.
    :param confirmation: with PASSWORD, whether a page tells the names to log in with before the user goes on.
    :param signature_seconds: with SIGNATURE, how long a signature can be used.
    :param session_minutes: with SIGNATURE, for how long after a sign-on signatures are given.
    :param failures_per_user: wrong passwords within ``failure_minutes`` after which a user has to wait; below the
        account lockout threshold of the domain.
    :param attempts_per_address: sign-ons that are tried from one network address within ``attempt_minutes``.
    """

    enabled: bool
    login_addresses: tuple[str, ...]
    method: SignOnMethod = SignOnMethod.PASSWORD
    allow_http: bool = False
    confirmation: bool = False
    signature_seconds: int = 60
    session_minutes: int = 15
    failures_per_user: int = 3
    failure_minutes: int = 30
    attempts_per_address: int = 20
    attempt_minutes: int = 5

    @property
    def signature_origins(self) -> tuple[str, ...]:
        """The origins (RFC 6454) whose pages may ask for a signature: those of the addresses that users are sent to."""
        return tuple(dict.fromkeys(origin_of(address) for address in self.login_addresses))


_LIMITS = {
    "signature_seconds": (10, 3600),
    "session_minutes": (1, 720),
    "failures_per_user": (1, 100),
    "failure_minutes": (1, 1440),
    "attempts_per_address": (1, 10_000),
    "attempt_minutes": (1, 1440),
}


def make_settings(options: Mapping[str, Any]) -> SignOnSettings:
    """Return the settings that options describe.

    :param options: by the names of ``SignOnSettings``; others are not looked at.
    :raises SignOnError: for what cannot be used, by the option's name.
    """
    for name, (least, most) in _LIMITS.items():
        if not least <= options[name] <= most:
            raise SignOnError(f"{name} is not between {least} and {most}.", "Give a number between them.")
    method, allow_http = SignOnMethod(options["method"]), bool(options["allow_http"])
    if allow_http and method is SignOnMethod.SIGNATURE:
        raise SignOnError(
            "allow_http is true and method is signature: a page without TLS could not keep a signature to itself.",
            "Set allow_http to false, and give https addresses.",
        )
    addresses = tuple(_address(one, allow_http=allow_http) for one in options["login_addresses"])
    if not addresses:
        raise SignOnError(
            "login_addresses is empty.",
            "Give the address of the Linkus web client, e.g. https://pbx.example.com:8088/login.",
        )
    if len(addresses) > _ADDRESSES:
        raise SignOnError(f"login_addresses holds more than {_ADDRESSES} addresses.", "Give fewer.")
    if len(set(addresses)) < len(addresses):
        raise SignOnError("login_addresses holds an address twice.", "Leave it out once.")
    return SignOnSettings(
        enabled=bool(options["enabled"]),
        login_addresses=addresses,
        method=method,
        allow_http=allow_http,
        confirmation=bool(options["confirmation"]),
        **{name: int(options[name]) for name in _LIMITS},
    )


def _address(text: str, *, allow_http: bool) -> str:
    """Return an address that a browser can be sent to without surprise: what it shows is where it leads."""
    unusable = SignOnError("login_addresses holds what is no address that a user can be sent to.", _REMEDY)
    # Looked at before anything is taken apart: the parser takes line feeds and tabs out by itself.
    if not (text.isascii() and text.isprintable()) or len(text) > _ADDRESS_LENGTH:
        raise unusable
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise unusable from None
    named = parts.netloc if port is None else parts.netloc.rpartition(":")[0]
    is_sound = _HOST.fullmatch(named) and _PATH.fullmatch(parts.path + parts.query) and not parts.fragment
    if not host or port == 0 or not is_sound:
        # Not shown: somebody may have written a password into it.
        raise unusable
    if parts.scheme != "https" and not (allow_http and parts.scheme == "http"):
        raise SignOnError(
            f"login_addresses: {text} does not begin with https://.",
            f"{_REMEDY} Only allow_http lets it be http, which anybody on the way can read and change.",
        )
    return text


def origin_of(address: str) -> str:
    """Return the origin of an address as a browser writes it (RFC 6454 6.2)."""
    parts = urlsplit(address)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    is_default = parts.port in (None, _DEFAULT_PORTS.get(parts.scheme))
    return f"{parts.scheme}://{host}" + ("" if is_default else f":{parts.port}")


def settings_data(settings: SignOnSettings) -> dict[str, Any]:
    """Return settings as data of JSON's own types."""
    return {**asdict(settings), "method": settings.method.value, "login_addresses": list(settings.login_addresses)}


def settings_of(data: Mapping[str, Any]) -> SignOnSettings:
    """Return the settings that such data holds; what is not in it has its default."""
    known = {one.name for one in fields(SignOnSettings)}
    values = {name: value for name, value in data.items() if name in known}
    return SignOnSettings(
        **{
            **values,
            "method": SignOnMethod(values["method"]),
            "login_addresses": tuple(values["login_addresses"]),
        }
    )
