# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The way to the PBX: settings, one HTTP exchange, the one access token, and what is sent again."""

from __future__ import annotations

import json
import logging
import re
import ssl
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    SUCCESS,
    TOKEN_EXPIRED,
    PbxAnswerError,
    PbxAuthenticationError,
    PbxCertificateError,
    PbxError,
    PbxParameterError,
    PbxRefusedError,
    PbxUnreachableError,
    error_from_answer,
    login_error_from_answer,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.shapes import parse_optional_integer
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.signals import signals_held

try:
    import requests
    import urllib3
except ImportError:
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    REQUESTS_IMPORT_ERROR = None

API_PATH = "openapi/v1.0"
USER_AGENT = "OpenAPI"
ATTEMPTS = 4
_FIRST_PAUSE = 0.5
# Vendor's page "Authorization Rule": an access token lives 1800 s; it is renewed after 1500 s.
_TOKEN_LIFE = 1800
_RENEW_AFTER = 5 / 6
_EARLY_ENDS = 5
_REVOKE_ATTEMPTS = 3
_REVOKE_TIMEOUT = 10.0
_HTTP_REDIRECT = range(300, 400)
_HTTP_CLIENT_ERROR = range(400, 500)

# X509_V_ERR_* of OpenSSL's x509_vfy.h.
_CERTIFICATE_FAULTS = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is self-signed and not among the trusted certificates",
    19: "it was issued by an authority that is not trusted",
    20: "it was issued by an authority that is not trusted",
    21: "it was issued by an authority that is not trusted",
    62: "it was issued for another host name",
    64: "it was issued for another IP address",
}
_OTHER_HOST = (62, 64)
_OUT_OF_DATE = (9, 10)


@dataclass(frozen=True)
class PbxSettings:
    """How to reach one PBX.

    :param url: the web portal's address, e.g. ``https://pbx.example.com:8088``; no path, no query.
    :param client_id: Client ID of Integrations > API.
    :param client_secret: its Client Secret.
    :param validate_certs: whether the TLS certificate is verified.
    :param ca_path: a PEM file with the certificates to trust instead of the system's.
    :param timeout: seconds to wait for a connection, and for each part of an answer.
    :raises PbxParameterError: for a url or timeout that cannot be used.
    """

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    validate_certs: bool = True
    ca_path: str | None = None
    timeout: float = 30.0

    def __post_init__(self) -> None:
        _split_url(self.url)
        if not self.timeout > 0:
            raise PbxParameterError("The time-out for the PBX must be more than 0 seconds.")

    @property
    def base_url(self) -> str:
        """The address without a trailing slash."""
        parts = _split_url(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def is_plain(self) -> bool:
        """Whether the secret and all data cross the network in clear."""
        return _split_url(self.url).scheme == "http"


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


@dataclass(frozen=True, slots=True)
class _Token:
    """The live access token; ``renew_at`` is a time of the monotonic clock."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    renew_at: float


class Transport:
    """Sends one call, once, and returns the JSON object that answered it.

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
        self._session.mount("https://", _make_adapter(_make_tls_context(settings)))
        self.calls = 0

    def exchange(self, call: Call, token: str | None, timeout: float | None = None) -> dict[str, Any]:
        """Send a call and return the answer, whatever its errcode (which is an integer in it then).

        :raises PbxUnreachableError: no connection or no whole answer.
        :raises PbxCertificateError: the PBX's certificate did not pass.
        :raises PbxAnswerError: something else than the Open API's JSON answered.
        """
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
            with warnings.catch_warnings():
                if not self._settings.validate_certs:
                    # Unverified by the administrator's own choice; one warning for each call would say nothing new.
                    warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
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


class Session:
    """Calls with one access token, got at the first call, renewed in time and revoked at the end.

    :param monotonic: a clock in seconds that never goes back.
    :param sleep: waits that many seconds.
    """

    def __init__(
        self, settings: PbxSettings, *, monotonic: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._settings = settings
        self._transport = Transport(settings)
        self._monotonic = monotonic
        self._sleep = sleep
        self._token: _Token | None = None
        self._login_failure: PbxError | None = None
        self._early_ends = 0

    @property
    def calls(self) -> int:
        """How many HTTP requests were sent, or tried."""
        return self._transport.calls

    def read(self, call: Call) -> dict[str, Any]:
        """Send a call that changes nothing; again, a few times, where the answer was lost or an HTTP error."""
        return self._repeat(call, lambda error: error.nothing_sent or error.outcome_unknown)

    def write(self, call: Call) -> dict[str, Any]:
        """Send a call that changes something; again only while it surely never reached the PBX.

        An error whose ``outcome_unknown`` is true leaves open whether the PBX did it.
        """
        return self._repeat(call, lambda error: error.nothing_sent)

    def pause(self, attempt: int) -> None:
        """Wait before the attempt of this number (0 is the first, which waits for nothing)."""
        if attempt:
            self._sleep(_FIRST_PAUSE * 2 ** (attempt - 1))

    def close(self) -> str:
        """Revoke the token, and return "" or a sentence that says why it could not be."""
        with signals_held():
            token, self._token = self._token, None
            failure = None if token is None else self._revoke(token)
            self._transport.close()
        if failure is None:
            return ""
        return f"The access token could not be revoked; it ends by itself within 30 minutes. {failure}"

    def _repeat(self, call: Call, may_repeat: Callable[[PbxError], bool]) -> dict[str, Any]:
        failure: PbxError | None = None
        for attempt in range(ATTEMPTS):
            self.pause(attempt)
            token = self._live_token()
            try:
                return self._exchange(call, token)
            except PbxError as error:
                failure = error
            if not may_repeat(failure):
                break
        raise failure or PbxUnreachableError(f"The PBX could not be asked to {call.purpose}.")

    def _exchange(self, call: Call, token: _Token) -> dict[str, Any]:
        answer = self._transport.exchange(call, token.access)
        if answer["errcode"] == TOKEN_EXPIRED:
            # The token ended early (the PBX restarted, say), so the call was not executed.
            token = self._renew_early(token, answer)
            answer = self._transport.exchange(call, token.access)
        if answer["errcode"] == SUCCESS:
            return answer
        secrets = (*call.secrets, token.access, token.refresh, self._settings.client_secret)
        raise error_from_answer(answer, answer["errcode"], call.purpose, secrets)

    # --- the token ------------------------------------------------------------------------------------------------

    def _live_token(self) -> _Token:
        if self._token is None:
            return self._log_in()
        if self._monotonic() >= self._token.renew_at:
            return self._renew(self._token)
        return self._token

    def _renew_early(self, token: _Token, answer: Mapping[str, Any]) -> _Token:
        self._early_ends += 1
        if self._early_ends > _EARLY_ENDS:
            raise error_from_answer(answer, TOKEN_EXPIRED, f"keep an access token ({_EARLY_ENDS} ended early)")
        return self._renew(token)

    def _log_in(self) -> _Token:
        """Get the token. It is asked for again only while nothing was sent: a get_token whose answer was lost may
        have taken one of the eight slots, and one that was refused counts towards the block of this address."""
        if self._login_failure is not None:
            raise self._login_failure
        failure: PbxError | None = None
        for attempt in range(ATTEMPTS):
            self.pause(attempt)
            try:
                with signals_held():
                    self._token = self._get_token()
                return self._token
            except PbxError as error:
                failure = error
            if not failure.nothing_sent:
                break
        self._login_failure = _final(failure, "give an access token")
        raise self._login_failure

    def _get_token(self) -> _Token:
        secret = self._settings.client_secret
        call = Call(
            "get_token",
            "give an access token",
            body={"username": self._settings.client_id, "password": secret},
            secrets=(secret,),
        )
        asked_at = self._monotonic()
        answer = self._transport.exchange(call, None)
        if answer["errcode"] != SUCCESS:
            raise login_error_from_answer(answer, answer["errcode"], call.secrets)
        return _parse_token(answer, asked_at)

    def _renew(self, token: _Token) -> _Token:
        """Replace the token. A new one is asked for only when the old one is surely dead, so that two never live."""
        refreshed = self._refresh(token)
        if refreshed is not None:
            return refreshed
        failure = self._revoke(token)
        if failure is not None:
            raise _final(failure, "renew the access token")
        self._token = None
        return self._log_in()

    def _refresh(self, token: _Token) -> _Token | None:
        """Renew by the refresh token; None if the PBX refuses that.

        :raises PbxUnreachableError: if no answer tells what became of it.
        """
        if not token.refresh:
            return None
        failure: PbxError | None = None
        lost = False
        for attempt in range(ATTEMPTS):
            self.pause(attempt)
            try:
                with signals_held():
                    self._token = self._exchange_refresh_token(token)
                return self._token
            except PbxError as error:
                failure = error
            if isinstance(failure, PbxRefusedError | PbxAuthenticationError) and not lost:
                return None
            lost = lost or failure.outcome_unknown
            if not (failure.outcome_unknown or failure.nothing_sent):
                break
        if lost:
            # That answer held a token that nobody knows: a new one beside it would make two.
            raise PbxUnreachableError(
                "The PBX's answer to the renewal of the access token was lost.",
                "A token that nobody knows may now live for up to 30 minutes; run again.",
            )
        raise _final(failure, "renew the access token")

    def _exchange_refresh_token(self, token: _Token) -> _Token:
        call = Call("refresh_token", "renew the access token", body={"refresh_token": token.refresh})
        asked_at = self._monotonic()
        answer = self._transport.exchange(call, None)
        if answer["errcode"] != SUCCESS:
            raise error_from_answer(answer, answer["errcode"], call.purpose, (token.access, token.refresh))
        return _parse_token(answer, asked_at)

    def _revoke(self, token: _Token) -> PbxError | None:
        """End a token; None once the PBX has said that it is dead, else what went wrong."""
        call = Call("del_token", "revoke the access token")
        failure: PbxError | None = None
        for attempt in range(_REVOKE_ATTEMPTS):
            self.pause(attempt)
            try:
                answer = self._transport.exchange(call, token.access, min(_REVOKE_TIMEOUT, self._settings.timeout))
            except PbxError as error:
                failure = error
                continue
            if answer["errcode"] in (SUCCESS, TOKEN_EXPIRED):
                return None
            failure = error_from_answer(answer, answer["errcode"], call.purpose, (token.access, token.refresh))
            if not failure.outcome_unknown:
                break
        return failure


@contextmanager
def masked_logs() -> Iterator[None]:
    """Within this block the HTTP library's log lines show no access token."""
    logger = logging.getLogger("urllib3.connectionpool")
    logger.addFilter(_mask_record)
    try:
        yield
    finally:
        logger.removeFilter(_mask_record)


_TOKEN_IN_TEXT = re.compile(r"(access_token=)[^&\s'\"]+")


def _mask_record(record: logging.LogRecord) -> bool:
    record.msg, record.args = _TOKEN_IN_TEXT.sub(r"\1***", record.getMessage()), ()
    return True


def _parse_token(answer: Mapping[str, Any], asked_at: float) -> _Token:
    access, refresh = answer.get("access_token"), answer.get("refresh_token")
    if not isinstance(access, str) or not access:
        raise PbxAnswerError("The PBX gave no access token although it reported success.")
    life = parse_optional_integer(answer.get("access_token_expire_time")) or _TOKEN_LIFE
    return _Token(access, refresh if isinstance(refresh, str) else "", asked_at + life * _RENEW_AFTER)


def _final(failure: PbxError | None, purpose: str) -> PbxError:
    """The error of a log-in or a renewal as the run is to see it: nothing that a call could be repeated for."""
    if isinstance(failure, (PbxUnreachableError, PbxAnswerError)) and (failure.outcome_unknown or failure.nothing_sent):
        orphan = (
            "If it is up, a token that nobody knows may live for up to 30 minutes." if failure.outcome_unknown else ""
        )
        return PbxUnreachableError(
            f"The PBX could not be asked to {purpose}: {failure.message}", f"{failure.remedy} {orphan}".strip()
        )
    return failure or PbxUnreachableError(f"The PBX could not be asked to {purpose}.")


# --- one HTTP exchange ------------------------------------------------------------------------------------------------


def _split_url(url: str) -> SplitResult:
    """Split pbx_url.

    :raises PbxParameterError: unless it is scheme, host and perhaps port.
    """
    parts, fault = None, ""
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").encode("idna")
        if parts.scheme not in ("http", "https"):
            fault = "it must begin with https:// (or http://)"
        elif not host or parts.port == 0:
            fault = "it names no host, or port 0"
        elif parts.username is not None or parts.password is not None:
            fault = "it must hold no user name or password"
        elif parts.path not in ("", "/") or parts.query or parts.fragment:
            fault = "it must have no path or query, only host and port"
    except ValueError:
        fault = "its host or port is malformed"
    if fault or parts is None:
        raise PbxParameterError(f"pbx_url cannot be used: {fault}.", "Example: https://pbx.example.com:8088")
    return parts


def _make_tls_context(settings: PbxSettings) -> ssl.SSLContext:
    """Make the trust store once: with Connection: close, the library would read it again for every call.

    :raises PbxCertificateError: if ca_path cannot be read.
    """
    if not settings.validate_certs:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if settings.ca_path is None:
        return ssl.create_default_context()
    fault = ""
    try:
        context = ssl.create_default_context(cafile=str(Path(settings.ca_path).expanduser()))
    except ssl.SSLError:
        fault = "it holds no PEM certificate"
    except OSError as error:
        fault = error.strerror or "it cannot be read"
    if fault:
        raise PbxCertificateError(
            f"pbx_ca_path {settings.ca_path} cannot be used: {fault}.", "Name a readable file of PEM certificates."
        )
    # The PBX's own, self-signed certificate may be the trusted one, as it is on most PBXs.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _make_adapter(context: ssl.SSLContext) -> requests.adapters.HTTPAdapter:
    """Make an adapter that verifies by this context alone, the system's certificates rather than the library's own."""

    class ContextAdapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *args: Any, **options: Any) -> None:
            super().init_poolmanager(*args, ssl_context=context, **options)

        def cert_verify(self, conn: Any, *_unused: Any, **_unused_too: Any) -> None:
            """Add nothing to what the context says."""
            conn.cert_reqs = "CERT_NONE" if context.verify_mode == ssl.CERT_NONE else "CERT_REQUIRED"

    return ContextAdapter(max_retries=0)


def _error_from_library(error: BaseException, call: Call, settings: PbxSettings) -> PbxError:
    """Say in our own words what the HTTP library raised; none of its own text is used."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _certificate_error(cause, settings)
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


def _certificate_error(error: ssl.SSLCertVerificationError, settings: PbxSettings) -> PbxCertificateError:
    fault = _CERTIFICATE_FAULTS.get(error.verify_code, error.verify_message)
    if error.verify_code in _OTHER_HOST:
        remedy = "Name the PBX in pbx_url as its certificate does."
    elif error.verify_code in _OUT_OF_DATE:
        remedy = "Renew the PBX's certificate, and check the clocks."
    else:
        remedy = "Give the certificate to trust as pbx_ca_path (a PEM file)."
    return PbxCertificateError(
        f"The TLS certificate of {settings.base_url} did not pass: {fault}.",
        f"{remedy} pbx_validate_certs: false does without the check, and with it without the proof of whom the "
        "secret is sent to.",
    )


def _parse_answer(response: requests.Response, call: Call) -> dict[str, Any]:
    status = response.status_code
    answer = _parse_json(response.content)
    errcode = parse_optional_integer(answer.get("errcode")) if isinstance(answer, dict) else None
    if isinstance(answer, dict) and errcode is not None:
        return {**answer, "errcode": errcode}
    if status in _HTTP_REDIRECT:
        target = urlsplit(response.headers.get("Location", ""))
        raise PbxAnswerError(
            f"The PBX redirects to {target.scheme}://{target.netloc} (HTTP {status}).", "Use that address as pbx_url."
        )
    raise PbxAnswerError(
        f"The PBX did not answer as the Open API does when asked to {call.purpose}: HTTP {status}, "
        f"{len(response.content)} bytes without an errcode.",
        "Check that pbx_url is the address of the PBX's web portal.",
        outcome_unknown=status not in _HTTP_CLIENT_ERROR,
    )


def _parse_json(content: bytes) -> object:
    try:
        return json.loads(content)
    except ValueError:
        return None
