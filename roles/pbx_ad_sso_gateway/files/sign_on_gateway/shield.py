# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands before every route: the host, a bound on requests, headers on all answers, and no exception let out."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sign_on_gateway import log
from sign_on_gateway.security import CONTENT_POLICY, FIXED_HEADERS, content_policy, is_public_host

#: What tells whether the service is well may be asked by any name, such as an address; it says nothing else.
HEALTH_PATH = "/health"


class Shield:
    """Wraps the whole application.

    :param refuse: makes the answer of an HTTP status and a code of ``pages.problem_codes`` for a request's headers.
    :param public_host: the only host that requests may be for.
    :param concurrent: how many requests are worked on at once.
    """

    def __init__(
        self, app: ASGIApp, refuse: Callable[[int, str, Headers], Response], public_host: str, concurrent: int
    ) -> None:
        self._app = app
        self._refuse = refuse
        self._public_host = public_host
        self._free = concurrent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or what else the server asks of an application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        headers = Headers(scope=scope)
        if scope["path"] != HEALTH_PATH and not is_public_host(headers, self._public_host):
            log.turned_away(scope, 421, "wrong_host")
            await self._refuse(421, "wrong_host", headers)(scope, receive, answer.send)
        elif self._free <= 0:
            log.turned_away(scope, 503, "busy")
            await self._refuse(503, "busy", headers)(scope, receive, answer.send)
        else:
            await self._serve(scope, receive, answer, headers)

    async def _serve(self, scope: Scope, receive: Receive, answer: _Answer, headers: Headers) -> None:
        self._free -= 1
        try:
            await self._app(scope, receive, answer.send)
        except Exception as error:
            log.fault("internal_error", error, path=scope["path"])
            if not answer.has_begun:
                await self._refuse(500, "internal_error", headers)(scope, receive, answer.send)
        finally:
            self._free += 1


class _Answer:
    """Sends an answer, with the headers that all answers have."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            self.has_begun = True
            headers = MutableHeaders(scope=message)
            for name, value in FIXED_HEADERS.items():
                headers[name] = value
            headers.setdefault(CONTENT_POLICY, content_policy())
        await self._send(message)
