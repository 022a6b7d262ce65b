# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PBX, asked by one thread that holds one access token while there is something to do, and none afterwards."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Integration
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    UNCLEAR,
    PbxAuthenticationError,
    PbxError,
    PbxParameterError,
    PbxUnreachableError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.settings import PbxSettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.sign_on import SignOnClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association

from sign_on_gateway import log
from sign_on_gateway.settings import Configuration, Login, PbxLimits
from sign_on_gateway.threads import TooSlowError

IDLE_SECONDS = 5.0
# How long nobody asks a PBX again that did not answer, that answered in an unforeseen way, and that refused the log-in:
# five refused ones make it block this machine's address, the synchronization's too.
_UNREACHABLE_PAUSE = 5.0
_FAILURE_PAUSE = 60.0
_REFUSED_PAUSE = 3600.0
_CLOSING_SECONDS = 40.0

_Result = TypeVar("_Result")


class PbxDownError(PbxError):
    """The PBX is not asked now, because it failed a moment ago. Nothing was sent to it."""

    nothing_sent = True


class Pbx:
    """What a sign-on asks of the PBX of the integration.

    Every method raises a ``PbxError`` as ``SignOnClient`` does, and ``TooSlowError`` if it takes too long.
    """

    def __init__(self, configuration: Configuration, worker: PbxWorker) -> None:
        self._limits = configuration.pbx
        self._password_login = configuration.pbx_login
        self._signature_login = configuration.sdk_login
        self._worker = worker

    async def set_password(self, integration: Integration, extension_id: int, password: str) -> None:
        """Give an extension's user this password."""
        settings = self._settings(integration, self._password_login, "pbx_client_id")
        await self._worker.run(settings, partial(_set_password, extension_id, password))

    async def draw_password(self, integration: Integration, association: Association) -> None:
        """Give an extension's user a random password that nobody knows."""
        settings = self._settings(integration, self._password_login, "pbx_client_id")
        await self._worker.run(settings, partial(_draw_password, association))

    async def signature(self, integration: Integration, username: str, seconds: int) -> str:
        """Get a signature of the Linkus SDK."""
        settings = self._settings(integration, self._signature_login, "sdk_access_id")
        return await self._worker.run(settings, partial(_signature, username, seconds))

    def _settings(self, integration: Integration, login: Login | None, credential: str) -> PbxSettings:
        if login is None:
            raise PbxParameterError(
                f"The credential {credential} is missing.",
                "The method of pbx_ad_sso needs it: give it to the gateway, which then starts anew.",
            )
        saved = integration.settings
        return PbxSettings(
            url=saved["pbx_url"],
            client_id=login.name,
            client_secret=login.secret,
            validate_certs=saved.get("pbx_validate_certs", True),
            ca_path=self._limits.ca_path or saved.get("pbx_ca_path"),
            timeout=self._limits.timeout,
        )


def _concerns_all(error: PbxError) -> bool:
    """Whether nothing else need be asked of the PBX for a while.

    An errcode that leaves open whether this one thing was done says nothing of others. A log-in that is answered so has
    no errcode any more, as nothing can be done without one.
    """
    return error.ends_run and error.errcode not in UNCLEAR


def _set_password(extension_id: int, password: str, client: SignOnClient) -> None:
    client.set_password(extension_id, password)


def _draw_password(association: Association, client: SignOnClient) -> None:
    names = (association.written.get("first_name", ""), association.written.get("last_name", ""))
    client.draw_password(association.extension_id, (association.number, *names))


def _signature(username: str, seconds: int, client: SignOnClient) -> str:
    return client.signature(username, seconds)


@dataclass(frozen=True, slots=True)
class _Job:
    """Something to ask a PBX.

    :param outcome: who waits for it.
    """

    settings: PbxSettings
    work: Callable[[SignOnClient], Any] = field(repr=False)
    outcome: Future[Any]


class PbxWorker:
    """One thread that asks the PBX, one thing after the other; a failure of the PBX is told to all who wait.

    :param idle_seconds: how long after the last job the token is revoked.
    """

    def __init__(self, limits: PbxLimits, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._limits = limits
        self._idle_seconds = idle_seconds
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._client: SignOnClient | None = None
        self._client_settings: PbxSettings | None = None
        # Why the PBX is not asked, and until when by the monotonic clock.
        self._down: tuple[str, float] = ("", 0.0)
        self._thread = threading.Thread(target=self._work, name="pbx", daemon=True)
        self._thread.start()

    async def run(self, settings: PbxSettings, work: Callable[[SignOnClient], _Result]) -> _Result:
        """Call a function with a client of the PBX.

        :raises PbxDownError: if the PBX failed a moment ago, or while this waited for its turn.
        :raises TooSlowError: if it does not end in time.
        :raises PbxError: what the function raises.
        """
        self._require_up()
        job = _Job(settings, work, Future())
        self._jobs.put(job)
        try:
            result: _Result = await asyncio.wait_for(
                asyncio.shield(asyncio.wrap_future(job.outcome)), self._limits.wait
            )
        except TimeoutError:
            raise TooSlowError(begun=not job.outcome.cancel()) from None
        return result

    def close(self) -> None:
        """End the thread once what it has begun is done; the token is revoked then."""
        self._down = ("The service ends.", float("inf"))
        self._jobs.put(None)
        self._thread.join(_CLOSING_SECONDS)

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=self._idle_seconds if self._client else None)
            except queue.Empty:
                self._log_out()
                continue
            if job is None:
                self._log_out()
                return
            if job.outcome.set_running_or_notify_cancel():
                self._do(job)
            # It holds a password, and the next one may be long in coming.
            del job

    def _do(self, job: _Job) -> None:
        try:
            self._require_up()
            result = job.work(self._client_for(job.settings))
        except PbxDownError as error:
            job.outcome.set_exception(error)
        except PbxError as error:
            concerns_all = _concerns_all(error)
            if concerns_all:
                self._go_down(error)
            job.outcome.set_exception(error)
            if concerns_all:
                self._log_out()
        except Exception as error:
            job.outcome.set_exception(error)
        else:
            job.outcome.set_result(result)

    def _require_up(self) -> None:
        reason, until = self._down
        if time.monotonic() < until:
            raise PbxDownError(reason)

    def _go_down(self, error: PbxError) -> None:
        """Let nobody ask the PBX for a while: those who wait are told so when their turn comes, which is at once."""
        pause = _FAILURE_PAUSE
        if isinstance(error, PbxUnreachableError):
            pause = _UNREACHABLE_PAUSE
        elif isinstance(error, PbxAuthenticationError):
            pause = _REFUSED_PAUSE
        self._down = (error.message, time.monotonic() + pause)
        log.warn("pbx_failed", error=error, not_asked_for_seconds=int(pause))

    def _client_for(self, settings: PbxSettings) -> SignOnClient:
        if self._client is not None and self._client_settings == settings:
            return self._client
        self._log_out()
        self._client = SignOnClient(settings, passwords_in_base64=self._limits.passwords_in_base64)
        self._client_settings = settings
        return self._client

    def _log_out(self) -> None:
        client, self._client = self._client, None
        warning = client.close() if client else ""
        if warning:
            log.warn("token_not_revoked", text=warning)
