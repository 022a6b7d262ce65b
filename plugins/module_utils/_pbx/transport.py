# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""One HTTP request: a call of the Open API sent once, its answer parsed, and what went wrong in our own words.

Nothing here is sent again, and the library's own exceptions, whose texts hold the URL with the token, end here.
"""

from __future__ import annotations

import json
import logging
import re
import ssl
import threading
import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    PbxAnswerError,
    PbxError,
    PbxParameterError,
    PbxUnreachableError,
    clean_text,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.settings import PbxSettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.shapes import parse_optional_integer
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.tls import certificate_error, make_tls_context

try:
    import requests
    import urllib3
except ImportError:
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    REQUESTS_IMPORT_ERROR = None

API_PATH = "openapi/v1.0"
USER_AGENT = "OpenAPI"
_HTTP_REDIRECT = range(300, 400)
_HTTP_CLIENT_ERROR = range(400, 500)
_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")
_TOKEN_IN_TEXT = re.compile(r"(access_token=)[^&\s'\"]+")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the Open API.

    :param purpose: what it is for, as in "The PBX refused to ...".
    :param body: the JSON body of a POST; None for a GET.
    :param secrets: texts in the body that must not come back in a message.
    """

    endpoint: str
    purpose: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


class Transport:
    """Sends one call, once, and returns the JSON object that answered it. Several threads may use it at once.

    :raises PbxParameterError: if the library requests is missing.
    :raises PbxCertificateError: if the certificates of ca_path cannot be read.
    """

    def __init__(self, settings: PbxSettings) -> None:
        if REQUESTS_IMPORT_ERROR is not None:
            raise PbxParameterError("The Python library requests is missing.", "Install requests 2.28 or newer.")
        self._settings = settings
        self._session = requests.Session()
        # What the parameters say is all that counts: no proxy, .netrc or CA bundle of the environment.
        self._session.trust_env = False
        self._session.headers.clear()
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json", "Connection": "close"})
        self._session.mount("https://", _make_adapter(make_tls_context(settings), settings.concurrency))
        self._counting = threading.Lock()
        self.calls = 0

    def exchange(self, call: Call, token: str | None, timeout: float | None = None) -> dict[str, Any]:
        """Send a call and return the answer, whatever its errcode (which is an integer in it then).

        :raises PbxUnreachableError: no connection or no whole answer.
        :raises PbxCertificateError: the PBX's certificate did not pass.
        :raises PbxAnswerError: something else than the Open API's JSON answered.
        """
        with self._counting:
            self.calls += 1
        query = dict(call.query) if token is None else {"access_token": token, **call.query}
        url = f"{self._settings.base_url}/{API_PATH}/{call.endpoint}"
        if query:
            url = f"{url}?{urlencode(query, safe=',')}"
        response, failure = self._send(call, url, timeout or self._settings.timeout)
        if response is None:
            # Raised here, outside of any except block: the library's own exceptions hold the URL with the token.
            raise failure or PbxUnreachableError(f"The PBX did not answer when asked to {call.purpose}.")
        return _parse_answer(response, call)

    def close(self) -> None:
        """Let go of what the HTTP library holds."""
        self._session.close()

    def _send(self, call: Call, url: str, timeout: float) -> tuple[requests.Response, None] | tuple[None, PbxError]:
        data = None if call.body is None else json.dumps(call.body).encode("ascii")
        headers = {} if data is None else {"Content-Type": "application/json"}
        try:
            response = self._session.request(
                "GET" if data is None else "POST",
                url,
                data=data,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
                verify=self._settings.validate_certs,
            )
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
            return None, _error_from_library(error, call, self._settings)
        return response, None


@contextmanager
def hushed_library() -> Iterator[None]:
    """Within this block the HTTP library's log lines show no access token, and it warns of no unverified certificate.

    That it is unverified is the administrator's own choice; one warning for each call would say nothing new.
    """
    logger = logging.getLogger("urllib3.connectionpool")
    logger.addFilter(_mask_record)
    try:
        # Once for all threads: what is warned of is the whole process's, not a thread's.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
            yield
    finally:
        logger.removeFilter(_mask_record)


def _mask_record(record: logging.LogRecord) -> bool:
    record.msg, record.args = _TOKEN_IN_TEXT.sub(r"\1***", record.getMessage()), ()
    return True


def _make_adapter(context: ssl.SSLContext, connections: int) -> requests.adapters.HTTPAdapter:
    """Make an adapter that verifies by this context alone, the system's certificates rather than the library's own.

    :param connections: how many there are at once.
    """

    class ContextAdapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *args: Any, **options: Any) -> None:
            super().init_poolmanager(*args, ssl_context=context, **options)

        def cert_verify(self, conn: Any, *_unused: Any, **_unused_too: Any) -> None:
            """Add nothing to what the context says."""
            conn.cert_reqs = "CERT_NONE" if context.verify_mode == ssl.CERT_NONE else "CERT_REQUIRED"

    return ContextAdapter(pool_maxsize=connections, max_retries=0)


def _error_from_library(error: BaseException, call: Call, settings: PbxSettings) -> PbxError:
    """Say in our own words what the HTTP library raised; none of its own text is used."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return certificate_error(cause, settings.base_url)
    exceptions = urllib3.exceptions
    nothing_sent = any(
        isinstance(cause, (exceptions.NewConnectionError, exceptions.ConnectTimeoutError)) for cause in causes
    )
    reason = _reason(causes, settings.timeout)
    where = settings.base_url
    if nothing_sent:
        return PbxUnreachableError(
            f"The PBX at {where} cannot be reached: {reason}.",
            "Check pbx_url, and that the PBX and the way to it are up.",
            nothing_sent=True,
        )
    return PbxUnreachableError(
        f"The PBX at {where} gave no whole answer when asked to {call.purpose}: {reason}.",
        "Check that pbx_url names the web portal's port, and that the PBX is not overloaded.",
        outcome_unknown=True,
    )


def _reason(causes: list[BaseException], timeout: float) -> str:
    if any(isinstance(cause, (TimeoutError, urllib3.exceptions.TimeoutError)) for cause in causes) and not any(
        isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in causes
    ):
        return f"nothing came within {timeout:g} s"
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed ({cause.reason or 'the connection was closed'})"
        if isinstance(cause, OSError) and not isinstance(cause, requests.RequestException) and cause.strerror:
            return cause.strerror
    return "the connection was closed"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and all that it wraps, in whichever of the library's ways."""
    pending, seen = [error], set()
    while pending:
        current = pending.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        wrapped = [*current.args, getattr(current, "reason", None), current.__cause__, current.__context__]
        pending.extend(item for item in wrapped if isinstance(item, BaseException))


def _parse_answer(response: requests.Response, call: Call) -> dict[str, Any]:
    status = response.status_code
    answer = _parse_json(response.content)
    errcode = parse_optional_integer(answer.get("errcode")) if isinstance(answer, dict) else None
    if isinstance(answer, dict) and errcode is not None:
        return {**answer, "errcode": errcode}
    if status in _HTTP_REDIRECT:
        raise PbxAnswerError(
            f"The PBX redirects to {_redirection(response)} (HTTP {status}).", "Use that address as pbx_url."
        )
    raise PbxAnswerError(
        f"The PBX did not answer as the Open API does when asked to {call.purpose}: HTTP {status}, "
        f"{len(response.content)} bytes without an errcode.",
        "Check that pbx_url is the address of the PBX's web portal.",
        outcome_unknown=status not in _HTTP_CLIENT_ERROR,
    )


def _redirection(response: requests.Response) -> str:
    """Where an answer redirects to: scheme, host and port, for the rest may hold the token."""
    try:
        target = urlsplit(response.headers.get("Location", ""))
        return clean_text(f"{target.scheme}://{target.hostname}{f':{target.port}' if target.port else ''}")
    except ValueError:
        return "what is no address"


def _parse_json(content: bytes) -> object:
    """Read JSON; None for anything else, or what is nested beyond all reason."""
    try:
        parsed = json.loads(content)
        if _HALF_CHARACTER.search(content):
            # JSON can spell half of a character, which is no text: neither a ledger nor an answer could hold it.
            parsed = json.loads(json.dumps(parsed, ensure_ascii=False).encode(errors="replace"))
        return parsed
    except (ValueError, RecursionError):
        return None
