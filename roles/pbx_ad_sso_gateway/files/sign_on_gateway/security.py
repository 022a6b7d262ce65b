# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What browsers are told and asked so that no other site can use, frame or imitate the service."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable, Sequence

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.datastructures import Headers

_YEAR = 365 * 24 * 3600
_TOKEN_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_FORM_SECONDS = 3600

#: On every answer. Were Referrer-Policy no-referrer, browsers would not even tell the service itself where its form was
#: sent from (Fetch, "append a request Origin header").
FIXED_HEADERS = {
    "Strict-Transport-Security": f"max-age={_YEAR}",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
CONTENT_POLICY = "Content-Security-Policy"


def content_policy(form_targets: Iterable[str] = ()) -> str:
    """Return the Content-Security-Policy of a page.

    :param form_targets: origins that a form may lead to besides this one; browsers look at redirects too.
    """
    targets = " ".join(["'self'", *form_targets])
    return (
        "default-src 'none'; style-src 'self'; img-src 'self'; "
        f"form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
    )


class FormTokens:
    """Tokens that show that a form was made here, for this browser, within the last hour.

    A browser keeps a random token as a cookie, and the form holds the same token signed.
    """

    def __init__(self) -> None:
        # Forms end with the process: nothing has to be kept secret on a disk.
        self._signer = URLSafeTimedSerializer(secrets.token_bytes(_TOKEN_BYTES), salt="form")

    @staticmethod
    def cookie(present: str | None) -> str:
        """Return the browser's token: the one that it has, so that forms in other windows stay good, or a new one."""
        return present if present and _TOKEN.fullmatch(present) else secrets.token_urlsafe(_TOKEN_BYTES)

    def field(self, cookie: str) -> str:
        """Return the token for a form."""
        return self._signer.dumps(cookie)

    def fits(self, cookie: str | None, field: str) -> bool:
        """Whether a form that was sent is one of this browser, and not too old."""
        try:
            signed = self._signer.loads(field.encode(errors="replace"), max_age=_FORM_SECONDS)
        except BadData:
            return False
        return bool(cookie) and isinstance(signed, str) and hmac.compare_digest(signed.encode(), str(cookie).encode())


def is_public_host(headers: Headers, public_host: str) -> bool:
    """Whether a request asks for this service by its name, with any port or none (RFC 9110 7.2)."""
    named = headers.getlist("host")
    return len(named) == 1 and _without_port(named[0].lower()) == public_host


def is_own_origin(headers: Headers) -> bool:
    """Whether a page of this service sent a request, as far as the browser tells.

    One that tells neither Origin nor Sec-Fetch-Site is old; the form's token has to do then.
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = headers.get("origin")
    return origin is None or origin == f"https://{headers['host'].lower().removesuffix(':443')}"


def allowed_origin(headers: Headers, origins: Sequence[str]) -> str | None:
    """Return the request's origin if it is one of these, to the letter."""
    origin = headers.get("origin")
    return origin if origin in origins else None


def own_cookie(headers: Headers, name: str) -> str:
    """Return the value of one of this service's cookies; "" if there is none, or more than one.

    Browsers keep other hosts from setting a cookie whose name begins with ``__Host-``, and to them a no-break space is
    part of a name (RFC 6265 5.2). So none but ASCII's blanks are taken off here, where Starlette takes off all.
    """
    pairs = (pair.strip(" \t").partition("=") for line in headers.getlist("cookie") for pair in line.split(";"))
    values = [value for key, _equals, value in pairs if key == name]
    return values[0] if len(values) == 1 else ""


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
