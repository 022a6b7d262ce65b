# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy's protocol: what a client asks goes upstream, and comes back as Windows would have sent it.

Built on ldaptor's proxy base, which forwards neither request nor response controls; paging needs both, so the
forwarding is done here and the base keeps the connections, the decoding and StartTLS.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ldaptor.protocols import pureber, pureldap
from ldaptor.protocols.ldap.ldapclient import LDAPClient
from ldaptor.protocols.ldap.proxybase import ProxyBase
from twisted.internet import defer, task
from twisted.internet import reactor as _reactor
from twisted.internet.interfaces import ISSLTransport
from twisted.python.failure import Failure

from lab.ldap_proxy.faults import Fault
from lab.ldap_proxy.filter_text import filter_text
from lab.ldap_proxy.limits import RangeBeyondEndError, limit_values, split_ranges
from lab.ldap_proxy.state import ProxyState

# Twisted puts the reactor's methods in place at run time.
reactor: Any = _reactor

PAGED_RESULTS = b"1.2.840.113556.1.4.319"
RANGE_RETRIEVAL_NO_ERROR = b"1.2.840.113556.1.4.1948"

SUCCESS = 0
OPERATIONS_ERROR = 1
SIZE_LIMIT_EXCEEDED = 4
STRONGER_AUTH_REQUIRED = 8

# Windows' own words for a simple bind without TLS (KB935834).
BIND_WITHOUT_TLS = (
    "00002028: LdapErr: DSID-0C0903D5, comment: The server requires binds to turn on integrity checking if SSL\\TLS "
    "are not already active on the connection, data 0, v4563"
)

Control = tuple[bytes, int | None, bytes | None]


@dataclass(frozen=True)
class Answer:
    """One message of an answer: the operation and its controls."""

    operation: Any
    controls: list[Control] | None = None


@dataclass(frozen=True)
class Paging:
    """A paged-results control's value (RFC 2696)."""

    size: int
    cookie: bytes


@dataclass(frozen=True)
class Page:
    """A place in a paged search: what the proxy's own cookies stand for."""

    search: int
    page: int
    upstream_cookie: bytes = b""


class ReferralDone:
    """A search's end with referrals, which ldaptor cannot write (RFC 4511 4.1.10)."""

    def __init__(self, code: int, message: str, uris: Sequence[str]) -> None:
        self.resultCode = code
        self._message = message
        self._uris = uris

    def toWire(self) -> bytes:  # noqa: N802 (ldaptor's name)
        """The message as it is sent."""
        referrals = pureber.BERSequence(
            [pureber.BEROctetString(uri) for uri in self._uris], tag=pureldap.LDAPReferral.tag
        )
        parts = [
            pureber.BEREnumerated(self.resultCode),
            pureber.BEROctetString(b""),
            pureber.BEROctetString(self._message),
            referrals,
        ]
        wire: bytes = pureber.BERSequence(parts, tag=pureldap.LDAPSearchResultDone.tag).toWire()
        return wire


class UpstreamClient(LDAPClient):
    """ldaptor's client without its re-encoding of every message received, which costs more than all the rest."""

    buffer: bytes

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 (twisted's name)
        """Decode each whole message and keep the rest."""
        self.buffer += data
        used = 0
        while used < len(self.buffer):
            length = _message_length(self.buffer, used)
            if length is None or used + length > len(self.buffer):
                break
            message, _unused = pureber.berDecodeObject(self.berdecoder, self.buffer[used : used + length])
            used += length
            self.handle(message)
        self.buffer = self.buffer[used:]


class LimitsProxy(ProxyBase):
    """One client's connection."""

    transport: Any
    client: Any
    clientConnector: Any  # noqa: N815 (ldaptor's name)

    def __init__(self, state: ProxyState, client_connector: Callable[[], defer.Deferred[Any]]) -> None:
        super().__init__()
        self.state = state
        self.clientConnector = client_connector
        state.connections += 1
        self._connection = state.connections
        self._cookies: dict[bytes, Page] = {}
        self._repeated: dict[bytes, list[Answer]] = {}

    def queue(self, id: int, op: Any) -> None:  # noqa: A002 (ldaptor's name)
        """Send one message, with its controls where it has any."""
        if self.connected:
            self.transport.write(_to_wire(id, op))

    def handleStartTLSRequest(  # noqa: N802 (ldaptor's name)
        self, request: Any, controls: Any, reply: Any
    ) -> defer.Deferred[Any]:
        """Play the faults on StartTLS, else start TLS."""
        number = self.state.next_number("start_tls")
        for fault in self.state.faults:
            if not fault.strikes("start_tls", number):
                continue
            if fault.kind == "cut":
                self.transport.abortConnection()
                return defer.succeed(None)
            return defer.succeed(pureldap.LDAPStartTLSResponse(resultCode=fault.code, errorMessage=fault.message))
        done: defer.Deferred[Any] = super().handleStartTLSRequest(request, controls, reply)
        return done

    def _forwardRequestToProxiedServer(  # noqa: N802 (ldaptor's name)
        self, request: Any, controls: Any, reply: Any
    ) -> None:
        if self.client is None:
            self.queuedRequests.append((request, controls, reply))
            return
        done = defer.Deferred.fromCoroutine(self._serve(request, controls or [], reply))
        done.addErrback(self._give_up)

    def _give_up(self, failure: Failure) -> None:
        failure.printTraceback(file=sys.stderr)
        self.transport.abortConnection()

    async def _serve(self, request: Any, controls: list[Control], reply: Any) -> None:
        if not request.needs_answer:
            self.client.send_noResponse(request, controls=controls or None)
        elif isinstance(request, pureldap.LDAPBindRequest):
            await self._serve_bind(request, controls, reply)
        elif isinstance(request, pureldap.LDAPSearchRequest):
            await self._serve_search(request, controls, reply)
        else:
            for answer in await self._ask(request, controls):
                reply(answer)

    def _ask(self, request: Any, controls: list[Control]) -> defer.Deferred[list[Answer]]:
        """Send a request upstream and gather every message of its answer."""
        answers: list[Answer] = []
        done: defer.Deferred[list[Answer]] = defer.Deferred()

        def collect(operation: Any, response_controls: list[Control] | None) -> bool:
            answers.append(Answer(operation, response_controls))
            is_last = not isinstance(operation, pureldap.LDAPSearchResultEntry | pureldap.LDAPSearchResultReference)
            if is_last:
                done.callback(answers)
            return is_last

        lost = self.client.send_multiResponse_ex(request, controls or None, collect)
        lost.addErrback(done.errback)
        return done

    # Binds

    async def _serve_bind(self, request: Any, controls: list[Control], reply: Any) -> None:
        number = self.state.next_number("bind")
        faults = [fault for fault in self.state.faults if fault.strikes("bind", number)]
        if not await self._delay_or_cut(faults):
            return
        answers = await self._bind_answers(request, controls, faults)
        self.state.log.append(
            {
                "operation": "bind",
                "connection": self._connection,
                "name": _text(request.dn),
                "tls": self._is_tls(),
                "result": answers[-1].operation.resultCode,
            }
        )
        for answer in answers:
            reply(answer)

    async def _bind_answers(self, request: Any, controls: list[Control], faults: list[Fault]) -> list[Answer]:
        for fault in faults:
            if fault.kind == "result":
                return [_bind_response(fault.code, fault.message)]
        if self.state.limits.require_tls and request.dn and not self._is_tls():
            return [_bind_response(STRONGER_AUTH_REQUIRED, BIND_WITHOUT_TLS)]
        return await self._ask(request, controls)

    def _is_tls(self) -> bool:
        return self.startTLS_initiated or ISSLTransport.providedBy(self.transport)

    # Searches

    async def _serve_search(self, request: Any, controls: list[Control], reply: Any) -> None:
        asked = _paging_of(controls)
        place = self._cookies.get(asked.cookie) if asked and asked.cookie else None
        if place is None:
            place = Page(self.state.next_number("search"), 1, asked.cookie if asked else b"")
        base, search_filter = _text(request.baseObject), filter_text(request.filter)
        faults = [
            fault
            for fault in self.state.faults
            if fault.strikes("search", place.search, place.page, base, search_filter)
        ]
        row: dict[str, Any] = {
            "operation": "search",
            "connection": self._connection,
            "search": place.search,
            "page": place.page,
            "page_size": asked.size if asked else None,
            "base": base,
            "scope": request.scope,
            "filter": search_filter,
            "attributes": [_text(name) for name in request.attributes],
            "controls": [_text(control[0]) for control in controls],
        }
        self.state.log.append(row)
        if not await self._delay_or_cut(faults):
            row["result"] = None
            return
        answers = await self._search_answers(request, controls, asked, place, faults)
        row["result"] = answers[-1].operation.resultCode
        row["entries"] = len(_entries(answers))
        self._send_or_cut(answers, faults, reply)

    async def _search_answers(
        self,
        request: Any,
        controls: list[Control],
        asked: Paging | None,
        place: Page,
        faults: list[Fault],
    ) -> list[Answer]:
        kinds = {fault.kind for fault in faults}
        if asked and "empty_page" in kinds:
            cookie = self._cookie_for(Page(place.search, place.page + 1, place.upstream_cookie))
            return [_search_done(SUCCESS, cookie)]
        if asked and asked.cookie in self._repeated:
            return self._repeated[asked.cookie]
        answers = await self._windows_answers(request, controls, asked, place, faults)
        if asked:
            answers = self._spoil_paging(answers, asked, kinds)
        return _spoil_result(answers, faults)

    async def _windows_answers(
        self,
        request: Any,
        controls: list[Control],
        asked: Paging | None,
        place: Page,
        faults: list[Fault],
    ) -> list[Answer]:
        """Ask upstream and hold back what Windows holds back."""
        limits = self.state.limits
        no_error = any(control[0] == RANGE_RETRIEVAL_NO_ERROR for control in controls)
        # Samba does not know this control and refuses it.
        controls = [control for control in controls if control[0] != RANGE_RETRIEVAL_NO_ERROR]
        request.attributes, ranges = split_ranges(request.attributes)
        if asked:
            size = min(asked.size, limits.max_page_size)
            controls = _with_paging(controls, Paging(size, place.upstream_cookie))
        answers = await self._ask(request, controls)
        broken = next((fault.mode for fault in faults if fault.kind == "range"), "")
        try:
            for answer in _entries(answers):
                answer.operation.attributes = limit_values(
                    answer.operation.attributes,
                    ranges,
                    limits.max_value_range,
                    broken=broken,
                    error_beyond_end=not no_error,
                )
        except RangeBeyondEndError:
            return [_search_done(OPERATIONS_ERROR, None)]
        if asked:
            return self._own_cookie(answers, place)
        most = min(request.sizeLimit or limits.max_page_size, limits.max_page_size)
        if len(_entries(answers)) > most:
            return [*_entries(answers)[:most], _search_done(SIZE_LIMIT_EXCEEDED, None)]
        return answers

    def _own_cookie(self, answers: list[Answer], place: Page) -> list[Answer]:
        """Put a cookie of the proxy's own in the place of the upstream's, to know the page when it comes back."""
        *entries, done = answers
        paging = _paging_of(done.controls or [])
        if paging is None or not paging.cookie:
            return answers
        cookie = self._cookie_for(Page(place.search, place.page + 1, paging.cookie))
        return [*entries, Answer(done.operation, _with_paging(done.controls or [], cookie))]

    def _cookie_for(self, page: Page) -> Paging:
        cookie = b"search %d page %d" % (page.search, page.page)
        self._cookies[cookie] = page
        return Paging(0, cookie)

    def _spoil_paging(self, answers: list[Answer], asked: Paging, kinds: set[str]) -> list[Answer]:
        *entries, done = answers
        controls = done.controls or []
        if "lose_control" in kinds:
            controls = [control for control in controls if control[0] != PAGED_RESULTS]
        if "lose_cookie" in kinds:
            controls = _with_paging(controls, Paging(0, b""))
        if "repeat_cookie" in kinds:
            # Kept, since the upstream's own cookie would move on to the next page.
            controls = _with_paging(controls, Paging(0, asked.cookie))
            self._repeated[asked.cookie] = [*entries, Answer(done.operation, controls)]
        return [*entries, Answer(done.operation, controls)]

    async def _delay_or_cut(self, faults: list[Fault]) -> bool:
        """Play what happens before the answer; false when the connection is gone."""
        for fault in faults:
            if fault.kind == "delay":
                await task.deferLater(reactor, fault.seconds)
            if fault.kind == "cut" and fault.when == "before":
                self.transport.abortConnection()
                return False
        return bool(self.connected)

    def _send_or_cut(self, answers: list[Answer], faults: list[Fault], reply: Any) -> None:
        cut = next((fault.when for fault in faults if fault.kind == "cut"), "")
        if cut == "middle":
            # Half of the page's messages, and half of the next one's bytes.
            half = len(answers) // 2
            for answer in answers[:half]:
                reply(answer)
            part = _to_wire(0, answers[half])
            self.transport.write(part[: len(part) // 2])
        else:
            for answer in answers:
                reply(answer)
        if cut:
            self.transport.loseConnection()


def _spoil_result(answers: list[Answer], faults: list[Fault]) -> list[Answer]:
    for fault in faults:
        if fault.kind == "reference":
            reference = pureldap.LDAPSearchResultReference([pureldap.LDAPString(uri) for uri in fault.uris])
            answers = [Answer(reference), *answers]
        if fault.kind == "result":
            entries = _entries(answers)[: fault.entries]
            answers = [*entries, _faulty_done(fault, answers[-1].controls or [])]
    return answers


def _faulty_done(fault: Fault, controls: list[Control]) -> Answer:
    if fault.cookie == "empty" and _paging_of(controls):
        controls = _with_paging(controls, Paging(0, b""))
    if fault.cookie == "none":
        controls = [control for control in controls if control[0] != PAGED_RESULTS]
    if fault.uris:
        return Answer(ReferralDone(fault.code, fault.message, fault.uris), controls)
    return Answer(pureldap.LDAPSearchResultDone(resultCode=fault.code, errorMessage=fault.message), controls)


def _entries(answers: list[Answer]) -> list[Answer]:
    return [answer for answer in answers if isinstance(answer.operation, pureldap.LDAPSearchResultEntry)]


def _bind_response(code: int, message: str) -> Answer:
    return Answer(pureldap.LDAPBindResponse(resultCode=code, errorMessage=message))


def _search_done(code: int, paging: Paging | None) -> Answer:
    controls = _with_paging([], paging) if paging else None
    return Answer(pureldap.LDAPSearchResultDone(resultCode=code), controls)


def _paging_of(controls: list[Control]) -> Paging | None:
    for oid, _unused, value in controls:
        if oid == PAGED_RESULTS and value is not None:
            sequence, _unused = pureber.berDecodeObject(pureber.BERDecoderContext(), value)
            return Paging(sequence[0].value, sequence[1].value)
    return None


def _with_paging(controls: list[Control], paging: Paging) -> list[Control]:
    value = pureber.BERSequence([pureber.BERInteger(paging.size), pureber.BEROctetString(paging.cookie)]).toWire()
    others = [control for control in controls if control[0] != PAGED_RESULTS]
    critical = next((control[1] for control in controls if control[0] == PAGED_RESULTS), None)
    return [*others, (PAGED_RESULTS, critical, value)]


def _to_wire(message_id: int, answer: Any) -> bytes:
    operation, controls = answer, None
    if isinstance(answer, Answer):
        operation, controls = answer.operation, answer.controls
    wire: bytes = pureldap.LDAPMessage(operation, id=message_id, controls=controls or None).toWire()
    return wire


def _message_length(data: bytes, start: int) -> int | None:
    """The whole length of the message that starts there; None while too little of it has come (X.690 8.1.3)."""
    if len(data) < start + 2:
        return None
    first = data[start + 1]
    if first < 0x80:
        return 2 + first
    octets = first & 0x7F
    if len(data) < start + 2 + octets:
        return None
    return 2 + octets + int.from_bytes(data[start + 2 : start + 2 + octets], "big")


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "backslashreplace")
