# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTPS side: requests in, faults played, calls logged, answers or cut connections out."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from werkzeug.serving import BaseWSGIServer, ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Request, Response

from lab.pbx import api, errors
from lab.pbx.api import ApiAnswer, ApiRequest
from lab.pbx.calls import CallLog, Outcome, masked
from lab.pbx.errors import ApiError
from lab.pbx.faults import Fault, FaultKind, FaultPlan, bend
from lab.pbx.pbx import Pbx

_HTML_500 = "<html><body><h1>500 Internal Server Error</h1></body></html>"
_GARBAGE = '{"errcode":0,"errmsg":"SUC'
_CONNECTION_SECONDS = 60

# What PEP 3333 calls an application.
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True)
class _Played:
    """What comes of a request: an answer and how it gets out."""

    answer: ApiAnswer | None
    done: bool
    outcome: Outcome
    response: Response | None


class OpenApiApplication:
    """The WSGI application of one PBX."""

    def __init__(self, pbx: Callable[[], Pbx], faults: FaultPlan, calls: CallLog) -> None:
        """`pbx` gives the PBX of the moment: a reset puts another in place."""
        self._pbx = pbx
        self._faults = faults
        self._calls = calls
        self._stopping = threading.Event()
        #: The endpoints whose work was done, in order, whether or not it was answered.
        self.worked: list[str] = []
        self._counting = threading.Lock()
        #: How many calls have come in and are not in the log yet.
        self.under_way = 0

    def set_stopping(self, stopping: bool) -> None:
        """While stopping, latencies end at once."""
        if stopping:
            self._stopping.set()
        else:
            self._stopping.clear()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request (PEP 3333); a cut connection shows as ConnectionAbortedError."""
        self._count(1)
        try:
            return self._answer(environ, start_response)
        finally:
            self._count(-1)

    def _count(self, step: int) -> None:
        with self._counting:
            self.under_way += step

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        asked = ApiRequest(
            method=request.method,
            path=request.path,
            query=request.args.to_dict(),
            body=request.get_data(),
            content_type=request.headers.get("Content-Type", ""),
            address=request.remote_addr or "",
        )
        pbx = self._pbx()
        played = self._play(pbx, asked, request.headers.get("User-Agent", ""))
        self._calls.append(
            time=pbx.clock.now(),
            method=asked.method,
            path=asked.path,
            endpoint=asked.endpoint,
            arguments=_loggable(asked),
            errcode=played.answer.errcode if played.answer else None,
            write=bool(asked.route and asked.route.writes),
            done=played.done,
            outcome=played.outcome,
            address=asked.address,
            user_agent=request.headers.get("User-Agent", ""),
            raw_headers=dict(request.headers.items()),
            raw_query=request.query_string.decode(errors="replace"),
            raw_body=asked.body,
        )
        if played.response is None or played.outcome == "cut_mid_answer":
            _cut(environ["werkzeug.socket"], _half(played.response))
        return played.response(environ, start_response)

    def _play(self, pbx: Pbx, asked: ApiRequest, user_agent: str) -> _Played:
        faults = self._faults.take(asked.endpoint)
        self._linger([fault for fault in faults if not fault.work_done])
        if not user_agent:
            return _without_user_agent(pbx)
        at_once = [fault for fault in faults if not fault.work_done]
        fault = _first(at_once, "cut_before_work", "http_500", "expired_token", "errcode")
        if fault:
            return _instead_of_work(pbx, asked, fault)
        answer = api.answer(pbx, asked)
        self.worked.append(asked.endpoint)
        self._linger([fault for fault in faults if fault.work_done])
        return _after_work(pbx, answer, faults)

    def _linger(self, faults: list[Fault]) -> None:
        """Let pass what the faults put in here: time, and what others do meanwhile."""
        self._stopping.wait(sum(fault.seconds for fault in faults if fault.kind == "latency"))
        for fault in faults:
            if fault.action is not None:
                fault.action()


def _without_user_agent(pbx: Pbx) -> _Played:
    if pbx.variants.missing_user_agent == "cut":
        return _Played(None, False, "cut_before_work", None)
    return _answered(pbx, api.refusal(errors.ACCESS_DENIED))


def _instead_of_work(pbx: Pbx, asked: ApiRequest, fault: Fault) -> _Played:
    if fault.kind == "cut_before_work":
        return _Played(None, False, "cut_before_work", None)
    if fault.kind == "http_500":
        return _Played(None, False, "http_error", _http_500())
    if fault.kind == "errcode":
        return _answered(pbx, api.refusal(fault.errcode))
    with pbx.lock:
        pbx.tokens.expire(asked.query.get("access_token", ""))
    return _answered(pbx, api.refusal(errors.TOKEN_EXPIRED))


def _after_work(pbx: Pbx, answer: ApiAnswer, faults: list[Fault]) -> _Played:
    done = answer.errcode == errors.SUCCESS
    if _first(faults, "cut_after_work"):
        return _Played(answer, done, "cut_after_work", None)
    if _first(faults, "http_500"):
        return _Played(answer, done, "http_error", _http_500())
    errcode = _first(faults, "errcode")
    if errcode:
        answer = api.refusal(errcode.errcode)
    response = _json_response(pbx, ApiAnswer(answer.errcode, bend(answer.payload, faults)))
    if _first(faults, "garbage"):
        response = Response(_GARBAGE, content_type="application/json")
    outcome: Outcome = "cut_mid_answer" if _first(faults, "cut_mid_answer") else "answered"
    return _Played(answer, done, outcome, response)


def _answered(pbx: Pbx, answer: ApiAnswer) -> _Played:
    return _Played(answer, False, "answered", _json_response(pbx, answer))


def _json_response(pbx: Pbx, answer: ApiAnswer) -> Response:
    status = 200 if answer.errcode == errors.SUCCESS else pbx.variants.error_http_status
    return Response(
        json.dumps(answer.payload, ensure_ascii=False, separators=(",", ":")),
        status=status,
        content_type="application/json",
    )


def _http_500() -> Response:
    return Response(_HTML_500, status=500, content_type="text/html")


def _first(faults: list[Fault], *kinds: FaultKind) -> Fault | None:
    return next((fault for fault in faults if fault.kind in kinds), None)


def _loggable(asked: ApiRequest) -> dict[str, Any]:
    try:
        return masked(asked.arguments())
    except ApiError:
        return {}


def _half(response: Response | None) -> bytes:
    """The head of a response and the first half of its body, as bytes on the wire."""
    if response is None:
        return b""
    body = response.get_data()
    head = (
        f"HTTP/1.1 {response.status}\r\nContent-Type: {response.content_type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body[: len(body) // 2]


def _cut(connection: socket.socket, last_words: bytes) -> NoReturn:
    """End the connection, at most after `last_words`; werkzeug takes the error for a client gone."""
    # A client that was killed is gone already.
    with suppress(OSError):
        if last_words:
            connection.sendall(last_words)
        connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError("cut on demand")


class QuietHandler(WSGIRequestHandler):
    """Quiet, and done with a connection once it was cut."""

    timeout = _CONNECTION_SECONDS
    # Head and body are two writes: Nagle's algorithm would hold the second back.
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 (werkzeug's name)
        """Nothing is printed: tests read the log of calls."""

    def connection_dropped(
        self,
        error: BaseException,  # noqa: ARG002 (werkzeug's signature)
        environ: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> None:
        """No second request is read from a connection that was cut."""
        self.close_connection = True


def make_server(application: Application, address: str, port: int, context: ssl.SSLContext) -> BaseWSGIServer:
    """A threaded HTTPS server, bound and not yet serving; port 0 takes a free one.

    Raises OSError for an address or a port that cannot be had (werkzeug's own binding would exit).
    """
    with socket.create_server((address, port)) as listening:
        server = ThreadedWSGIServer(
            address, port, application, handler=QuietHandler, ssl_context=context, fd=listening.fileno()
        )
    # The handshake belongs to the connection's own thread, not to the one that accepts.
    vars(server.socket)["do_handshake_on_connect"] = False
    return server
