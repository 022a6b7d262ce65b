# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service put together and served over TLS."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import h11
import uvicorn
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sign_on import SignOnLedger
from starlette.applications import Starlette
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from sign_on_gateway import log
from sign_on_gateway.app import Gateway, make_app
from sign_on_gateway.certificate import read_certificate, tls_context
from sign_on_gateway.directory import Directory
from sign_on_gateway.ledger import Ledger
from sign_on_gateway.pages import Pages
from sign_on_gateway.pbx import Pbx, PbxWorker
from sign_on_gateway.security import CONTENT_POLICY, FIXED_HEADERS, content_policy
from sign_on_gateway.settings import Configuration
from sign_on_gateway.sign_on import SignOns
from sign_on_gateway.threads import Threads

_LEDGER_THREADS = 4
_LEDGER_SECONDS = 20
# Of a request's first line and headers: to come whole, and how much of them.
_HEAD_SECONDS = 10
_LONGEST_HEAD = 16 * 1024
_KEEP_ALIVE_SECONDS = 5
_SHUTDOWN_SECONDS = 10
_BACKLOG = 1024


def serve(configuration: Configuration) -> None:
    """Serve until the process is told to end.

    :raises SettingsError: if the certificate or its key cannot be used.
    """
    uvicorn.Server(server_config(configuration, make_service(configuration))).run()


def make_service(configuration: Configuration) -> ASGIApp:
    """Put the parts of the service together.

    :raises SettingsError: if the certificate cannot be read.
    :raises PageError: if the pages cannot be made.
    """
    # A log-in may take a connection and an answer; whoever waits for a thread waits no longer than that.
    directory_threads = Threads("directory", configuration.limits.threads, 2 * configuration.directory.timeout)
    ledger_threads = Threads("ledger", _LEDGER_THREADS, _LEDGER_SECONDS)
    worker = PbxWorker(configuration.pbx)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        log.tell("started", host=configuration.listen.public_host, port=configuration.listen.port)
        yield
        directory_threads.close()
        await asyncio.to_thread(worker.close)
        ledger_threads.close()
        log.tell("ended")

    sign_ons = SignOns(
        Ledger(SignOnLedger(configuration.ledger), ledger_threads),
        Directory(configuration.directory, directory_threads),
        Pbx(configuration, worker),
        clock=_now,
        monotonic=time.monotonic,
    )
    gateway = Gateway(
        sign_ons,
        Pages(configuration.page.languages, configuration.page.organization, configuration.page.help),
        read_certificate(configuration.listen),
        clock=_now,
        monotonic=time.monotonic,
        answer_floor=configuration.limits.answer_floor,
    )
    return make_app(
        gateway,
        public_host=configuration.listen.public_host,
        concurrent=configuration.limits.concurrent,
        lifespan=lifespan,
    )


def server_config(configuration: Configuration, service: ASGIApp) -> uvicorn.Config:
    """Return how the web server serves the service.

    :raises SettingsError: if the certificate or its key cannot be used.
    """
    listen = configuration.listen
    context = tls_context(listen)
    return uvicorn.Config(
        service,
        host=listen.host,
        port=listen.port,
        http=_Protocol,
        ws="none",
        lifespan="on",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(listen.trusted_proxies),
        forwarded_allow_ips=list(listen.trusted_proxies),
        ssl_context_factory=lambda _config, _default: context,
        h11_max_incomplete_event_size=_LONGEST_HEAD,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        backlog=_BACKLOG,
    )


class _Protocol(H11Protocol):
    """HTTP/1.1 for which a request's head has to come in time, and whose own refusals have our headers too."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection; one that asks for nothing is not kept."""
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(_HEAD_SECONDS, self.timeout_keep_alive_handler)

    def _unset_keepalive_if_required(self) -> None:
        """Let a timer go on until the whole head is there, rather than until its first byte.

        Once the answer is out, it goes on whatever still comes of the request's body: nothing would start it again.
        """
        if self.conn.their_state is not h11.IDLE and self.conn.our_state is not h11.DONE:
            super()._unset_keepalive_if_required()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (uvicorn gives it)
        """Refuse what is no HTTP."""
        log.tell("turned_away", status=400, problem="no_http", address=self.client[0] if self.client else "")
        self.transport.write(_BAD_REQUEST)
        self.transport.close()


def _bad_request() -> bytes:
    headers = {
        **FIXED_HEADERS,
        CONTENT_POLICY: content_policy(),
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": "0",
        "Connection": "close",
    }
    lines = [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(["HTTP/1.1 400 Bad Request", *lines, "", ""]).encode("ascii")


_BAD_REQUEST = _bad_request()


def _now() -> datetime:
    return datetime.now(UTC)
