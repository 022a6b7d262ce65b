# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulated PBX in the same process, in the place of the HTTP library's session: no socket, and no time lost.

What comes back, and what is raised, is the library's own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
import urllib3

from lab.pbx import api, errors
from lab.pbx.api import ApiAnswer, ApiRequest
from lab.pbx.faults import Fault as BentAnswer
from lab.pbx.faults import bend
from lab.pbx.pbx import Pbx
from tests.simulator.troubles import KILLED_AFTER, Fault, Side, Troubles

REFUSED_CONNECTION, CUT_BEFORE, CUT_AFTER, LATE = "refused_connection", "cut_before", "cut_after", "late"
HTTP_500_BEFORE, HTTP_500_AFTER, GARBAGE = "http_500_before", "http_500_after", "garbage"
EXPIRED_TOKEN, REFUSED, UNCLEAR_BEFORE, UNCLEAR_AFTER = "expired_token", "refused", "unclear_before", "unclear_after"
RUN_ENDING = "run_ending_errcode"
SHORT_PAGE, LARGER_TOTAL, MISSING_IDS, MISSING_MEMBERS, HIDDEN_ROW = (
    "short_page",
    "larger_total",
    "missing_ids",
    "missing_members",
    "hidden_row",
)
# What reads may silently lack.
HIDING = frozenset({SHORT_PAGE, LARGER_TOTAL, MISSING_IDS, MISSING_MEMBERS, HIDDEN_ROW})
FAULT_KINDS = (
    REFUSED_CONNECTION,
    CUT_BEFORE,
    CUT_AFTER,
    CUT_AFTER,
    LATE,
    HTTP_500_BEFORE,
    HTTP_500_AFTER,
    GARBAGE,
    EXPIRED_TOKEN,
    *[REFUSED] * 4,
    UNCLEAR_BEFORE,
    UNCLEAR_AFTER,
    RUN_ENDING,
    *[SHORT_PAGE] * 2,
    *[LARGER_TOTAL] * 2,
    MISSING_IDS,
    MISSING_MEMBERS,
    *[HIDDEN_ROW] * 2,
)
# Errcodes that refuse one call, and those after which no other makes sense.
_REFUSALS = (40001, *[40002] * 6, 40003, 60001, 60002, 60101, 70082, 70091, 70120)
_PASSWORDS = ("user_password", "reg_password")
_ECHOING = frozenset({40001, 40002})
_ENDINGS = (10001, 10002, 10005, 70004, 70087, 70123)
_UNCLEAR = (-2, 2)
_HTML = b"<html><body><h1>500 Internal Server Error</h1></body></html>"
_GARBAGE = b'{"errcode":0,"errmsg":"SUC'
_HOST = "pbx.sim.test"
URL = f"https://{_HOST}"
_TOKEN_ENDPOINTS = frozenset({"get_token", "refresh_token"})
_TOKEN_CALLS = _TOKEN_ENDPOINTS | {"del_token"}


@dataclass(frozen=True, slots=True)
class Sent:
    """One call that reached the PBX.

    :param done: whether its work was done.
    :param object_id: of what it created.
    """

    endpoint: str
    write: bool
    done: bool
    errcode: int | None
    arguments: Mapping[str, Any]
    object_id: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list, as it was let out.

    :param of: which list: the endpoint, and what was searched for.
    :param place: how many calls had reached the PBX with it.
    """

    of: str
    number: int
    ids: tuple[int, ...]
    total: int
    place: int


@dataclass(slots=True)
class Wire:
    """What went over the wire in one command.

    :param pages: the pages of lists that were answered with success.
    :param secrets: tokens and passwords that must be seen nowhere else.
    :param most_tokens: the most access tokens of the client that lived at once.
    """

    sent: list[Sent] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    most_tokens: int = 0

    @property
    def writes(self) -> list[Sent]:
        """The calls of endpoints that change the PBX."""
        return [one for one in self.sent if one.write]


class InProcessSession:
    """Answers requests by the emulator's core, as ``requests.Session``.

    :param pause: lets other calls that are under way go on, before one reaches the PBX and before its answer is back.
    """

    def __init__(self, pbx: Pbx, troubles: Troubles, wire: Wire, pause: Callable[[], None]) -> None:
        self._pbx = pbx
        self._troubles = troubles
        self._wire = wire
        self._pause = pause

    def request(
        self, method: str, url: str, *, data: bytes | None, headers: Mapping[str, str], **_options: Any
    ) -> requests.Response:
        """Answer one request.

        :raises requests.ConnectionError: if the connection is refused or cut.
        :raises requests.Timeout: if the answer is late.
        """
        asked = _asked(method, url, data or b"", headers)
        if asked.endpoint in _TOKEN_CALLS:
            # Whoever needs the token waits for it: nobody else has a turn until it is there.
            return self._answer(asked)
        self._pause()
        try:
            return self._answer(asked)
        finally:
            self._pause()

    def _answer(self, asked: ApiRequest) -> requests.Response:
        given = _arguments(asked)
        self._wire.secrets.update(str(given[name]) for name in _PASSWORDS if name in given)
        fault = self._troubles.step(Side.PBX, f"{asked.endpoint} {_loggable(asked)}")
        if fault is not None:
            instead = self._instead_of_work(asked, fault)
            if instead is not None:
                return instead
        answer = api.answer(self._pbx, asked)
        self._note(asked, answer, done=answer.errcode == errors.SUCCESS)
        content = self._content(answer, fault)
        self._note_page(asked, content)
        return _response(200, content)

    def close(self) -> None:
        """Nothing is held."""

    def _instead_of_work(self, asked: ApiRequest, fault: Fault) -> requests.Response | None:
        random = fault.random()
        if fault.kind == REFUSED_CONNECTION:
            raise requests.ConnectionError(urllib3.exceptions.NewConnectionError(None, "refused"))  # type: ignore[arg-type]
        if fault.kind == CUT_BEFORE:
            self._note(asked, None, done=False)
            raise requests.ConnectionError(ConnectionResetError("cut"))
        if fault.kind == HTTP_500_BEFORE:
            self._note(asked, None, done=False)
            return _response(500, _HTML)
        refusal = self._refusal(asked, fault.kind, random)
        if refusal is None:
            return None
        answer = _refused(asked, refusal, random)
        self._note(asked, answer, done=False)
        return _response(200, json.dumps(answer.payload).encode())

    def _refusal(self, asked: ApiRequest, kind: str, random: Random) -> int | None:
        if kind == EXPIRED_TOKEN and asked.route is not None and asked.route.needs_token:
            self._pbx.tokens.expire(asked.query.get("access_token", ""))
            return errors.TOKEN_EXPIRED
        if kind == REFUSED and asked.route is not None and asked.route.writes:
            return random.choice(_REFUSALS)
        if kind == RUN_ENDING:
            return random.choice(_ENDINGS)
        return random.choice(_UNCLEAR) if kind == UNCLEAR_BEFORE else None

    def _content(self, answer: ApiAnswer, fault: Fault | None) -> bytes:
        """The body of an answer, as a fault after the work lets it out."""
        if fault is None:
            return json.dumps(answer.payload).encode()
        if fault.kind == KILLED_AFTER:
            self._troubles.die()
        if fault.kind == CUT_AFTER:
            raise requests.ConnectionError(ConnectionResetError("cut"))
        if fault.kind == LATE:
            raise requests.ReadTimeout(urllib3.exceptions.ReadTimeoutError(None, "", "late"))  # type: ignore[arg-type]
        if fault.kind == GARBAGE:
            return _GARBAGE
        if fault.kind == HTTP_500_AFTER:
            return _HTML
        if fault.kind == UNCLEAR_AFTER:
            return json.dumps(api.refusal(fault.random().choice(_UNCLEAR)).payload).encode()
        return json.dumps(_bent(answer.payload, fault)).encode()

    def _note_page(self, asked: ApiRequest, content: bytes) -> None:
        if "page" not in asked.query or not content.endswith(b"}"):
            return
        payload = json.loads(content)
        if "total_number" in payload and "data" in payload:
            self._wire.pages.append(
                Page(
                    of=f"{asked.endpoint} {asked.query.get('search_value', '')}",
                    number=int(asked.query["page"]),
                    ids=tuple(int(row["id"]) for row in payload["data"]),
                    total=int(payload["total_number"]),
                    place=len(self._wire.sent),
                )
            )

    def _note(self, asked: ApiRequest, answer: ApiAnswer | None, *, done: bool) -> None:
        payload = answer.payload if answer is not None else {}
        arguments = _arguments(asked)
        self._wire.sent.append(
            Sent(
                endpoint=asked.endpoint,
                write=bool(asked.route and asked.route.writes),
                done=done,
                errcode=answer.errcode if answer is not None else None,
                arguments=arguments,
                object_id=payload.get("id"),
            )
        )
        if asked.endpoint in _TOKEN_ENDPOINTS:
            self._wire.secrets.update(
                str(payload[name]) for name in ("access_token", "refresh_token") if name in payload
            )
        self._wire.most_tokens = max(self._wire.most_tokens, self._pbx.tokens.live_count("api"))


def _asked(method: str, url: str, body: bytes, headers: Mapping[str, str]) -> ApiRequest:
    parts = urlsplit(url)
    return ApiRequest(
        method=method,
        path=parts.path,
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        body=body,
        content_type=headers.get("Content-Type", ""),
        address="192.0.2.10",
    )


def _arguments(asked: ApiRequest) -> dict[str, Any]:
    return {name: value for name, value in asked.arguments().items() if name != "access_token"}


def _loggable(asked: ApiRequest) -> str:
    hidden = ("password", "refresh_token", "username")
    return str({name: value for name, value in _arguments(asked).items() if not name.endswith(hidden)})


def _response(status: int, content: bytes) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = content
    return response


def _refused(asked: ApiRequest, errcode: int, random: Random) -> ApiAnswer:
    """A refusal, which may repeat any value of the call that it does not like: a password as well."""
    values = {name: value for name, value in _arguments(asked).items() if isinstance(value, str) and value}
    if errcode not in _ECHOING or not values or random.random() < 0.15:
        return api.refusal(errcode)
    names = random.sample(sorted(values), random.randint(1, min(3, len(values))))
    echoed = {name: values[name] for name in (*names, random.choice(_PASSWORDS)) if name in values}
    listed = [
        {"field": name, "value": value, "validation_type": f"{value} is no {name}"} for name, value in echoed.items()
    ]
    return ApiAnswer(errcode, errors.body(errcode, {"invalid_param_list": listed}))


def _bent(payload: dict[str, Any], fault: Fault) -> dict[str, Any]:
    random, rows = fault.random(), payload.get("data")
    if fault.kind in (SHORT_PAGE, LARGER_TOTAL, MISSING_MEMBERS):
        kind = fault.kind
        return bend(payload, [BentAnswer("*", kind, rows=random.randint(1, 3))])  # type: ignore[arg-type]
    if fault.kind not in (MISSING_IDS, HIDDEN_ROW) or not isinstance(rows, list) or not rows:
        return payload
    missing = int(random.choice(rows)["id"])
    bent = bend(payload, [BentAnswer("*", "missing_ids", ids=(missing,))])
    if fault.kind == HIDDEN_ROW and "total_number" in bent:
        bent["total_number"] = int(bent["total_number"]) - 1
    return bent
