# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes, asked over HTTP without a socket: when a refusal is answered, whose a cookie is, and what is logged."""

from __future__ import annotations

import asyncio
import io
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar
from urllib.parse import urlencode

import httpx
import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on_settings import SignOnMethod
from sign_on_gateway import log
from sign_on_gateway.app import Gateway, make_app
from sign_on_gateway.certificate import ServerCertificate
from sign_on_gateway.pages import Pages

from tests.unit.gateway_parts import NOW, PASSWORD, SETTINGS, Parts

HOST = "signon.example.com"
ORIGIN = "https://phone.example.com"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FLOOR = 0.2

_Result = TypeVar("_Result")


@dataclass
class Visitor:
    """Somebody who asks a gateway of their own; `floor` is its answer floor."""

    parts: Parts = field(default_factory=Parts)
    floor: float = 0.0

    def visit(self, ask: Callable[[httpx.AsyncClient], Awaitable[_Result]]) -> _Result:
        """What the requests that a function makes come to."""
        gateway = Gateway(
            self.parts.sign_ons,
            Pages(("en",), "", ""),
            ServerCertificate((HOST,), NOW, NOW + timedelta(days=1)),
            clock=lambda: NOW,
            monotonic=time.monotonic,
            answer_floor=self.floor,
        )
        transport = httpx.ASGITransport(make_app(gateway, public_host=HOST, concurrent=5))

        async def ask_it() -> _Result:
            async with httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}") as client:
                return await ask(client)

        return asyncio.run(ask_it())


async def filled_in(client: httpx.AsyncClient, name: str, password: str = PASSWORD, csrf: str | None = None) -> bytes:
    """The body of a form that was opened and filled in."""
    page = await client.get("/")
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found
    return urlencode({"csrf": found[1] if csrf is None else csrf, "username": name, "password": password}).encode()


def test_whoever_sends_the_form_late_does_not_choose_where_in_a_floor_the_answer_ends() -> None:
    async def ask(client: httpx.AsyncClient) -> float:
        body = await filled_in(client, "nobody@example.com")
        sent = 0.0

        async def late() -> AsyncIterator[bytes]:
            nonlocal sent
            await asyncio.sleep(FLOOR * 0.9)
            sent = time.monotonic()
            yield body

        response = await client.post("/", content=late(), headers=FORM)
        assert response.status_code == 403
        return time.monotonic() - sent

    assert Visitor(floor=FLOOR).visit(ask) >= FLOOR


# --- cookies ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("blank", [b"\xa0", b"\x85"])
def test_a_session_that_a_neighbouring_host_planted_is_none(blank: bytes) -> None:
    visitor = Visitor()
    visitor.parts.ledger.settings = replace(SETTINGS, method=SignOnMethod.SIGNATURE, login_addresses=(f"{ORIGIN}/",))

    async def ask(client: httpx.AsyncClient) -> list[int]:
        await client.post("/", content=await filled_in(client, "anna@example.com"), headers=FORM)
        own = f"__Host-session={client.cookies['__Host-session']}".encode()
        client.cookies.clear()
        requests = [{b"Origin": ORIGIN.encode(), b"Cookie": cookie} for cookie in (own, blank + own)]
        return [(await client.post("/signature", headers=headers)).status_code for headers in requests]

    assert visitor.visit(ask) == [200, 401]


# --- the log ------------------------------------------------------------------------------------------------------


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged."""
    own = logging.getLogger("sign_on_gateway")
    before = (logging.root.handlers, logging.root.level, own.level)
    stream = io.StringIO()
    log.set_up(stream)
    yield stream
    logging.root.handlers, own.level = before[0], before[2]
    logging.root.setLevel(before[1])


@pytest.mark.parametrize(
    ("csrf", "password", "problem"),
    [(None, "anna@example.com", "malformed_name"), (None, "", "empty"), ("too old", PASSWORD, "form_expired")],
)
def test_a_password_that_was_typed_as_the_name_is_not_logged(
    lines: io.StringIO, csrf: str | None, password: str, problem: str
) -> None:
    async def ask(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post("/", content=await filled_in(client, PASSWORD, password, csrf), headers=FORM)

    Visitor().visit(ask)
    (line,) = lines.getvalue().splitlines()
    assert f"event=refused address=127.0.0.1 problem={problem} " in line
    assert PASSWORD not in line


@pytest.mark.parametrize(
    ("csrf", "password", "problem"),
    [(None, "", "empty"), ("too old", PASSWORD, "form_expired"), (None, "a\nb", "malformed_password")],
)
def test_what_has_the_form_of_a_name_is_logged(
    lines: io.StringIO, csrf: str | None, password: str, problem: str
) -> None:
    async def ask(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post("/", content=await filled_in(client, "anna@example.com", password, csrf), headers=FORM)

    Visitor().visit(ask)
    assert f"event=refused user=anna@example.com address=127.0.0.1 problem={problem} " in lines.getvalue()
