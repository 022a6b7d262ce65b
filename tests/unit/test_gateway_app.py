# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes, asked over HTTP without a socket: when a refusal is answered."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar
from urllib.parse import urlencode

import httpx
from sign_on_gateway.app import Gateway, make_app
from sign_on_gateway.certificate import ServerCertificate
from sign_on_gateway.pages import Pages

from tests.unit.gateway_parts import NOW, PASSWORD, Parts

HOST = "signon.example.com"
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


async def filled_in(client: httpx.AsyncClient, name: str, password: str = PASSWORD) -> bytes:
    """The body of a form that was opened and filled in."""
    page = await client.get("/")
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found
    return urlencode({"csrf": found[1], "username": name, "password": password}).encode()


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
