# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands before every route, and who waits for threads: bounds hold, and faults show in no answer and no log."""

from __future__ import annotations

import asyncio
import io
import logging
import threading
from collections.abc import Iterator

import httpx
import pytest
from sign_on_gateway import log
from sign_on_gateway.shield import Shield
from sign_on_gateway.threads import Threads, TooSlowError
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

HOST = "signon.example.com"


def refuse(status: int, code: str, _headers: Headers) -> Response:
    return PlainTextResponse(code, status)


def answers(app: ASGIApp, requests: int = 1, concurrent: int = 10) -> list[httpx.Response]:
    """What so many requests at once are answered."""

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(Shield(app, refuse, HOST, concurrent))
        async with httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}") as client:
            return await asyncio.gather(*(client.get("/") for _request in range(requests)))

    return asyncio.run(ask())


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged."""
    before = (logging.root.handlers, logging.root.level)
    stream = io.StringIO()
    log.set_up(stream)
    yield stream
    logging.root.handlers = before[0]
    logging.root.setLevel(before[1])


def test_a_fault_that_nobody_foresaw_is_a_page_and_one_line_without_its_text(lines: io.StringIO) -> None:
    async def faulty(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise LookupError("Correct-Horse-77")

    (response,) = answers(faulty)
    assert (response.status_code, response.text) == (500, "internal_error")
    assert response.headers["strict-transport-security"]
    (line,) = lines.getvalue().splitlines()
    assert "event=internal_error error=LookupError place=test_gateway_shield.py:" in line
    assert "Horse" not in line


def test_a_fault_amid_an_answer_ends_it(lines: io.StringIO) -> None:
    async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("half")(scope, receive, send)
        raise LookupError

    (response,) = answers(faulty)
    assert response.text == "half"
    assert "error=LookupError" in lines.getvalue()


def test_no_more_requests_are_worked_on_than_allowed() -> None:
    working, most = 0, 0

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal working, most
        working += 1
        most = max(most, working)
        await asyncio.sleep(0.05)
        working -= 1
        await PlainTextResponse("done")(scope, receive, send)

    responses = answers(slow, requests=10, concurrent=3)
    assert most == 3
    assert [response.text for response in responses].count("busy") == 7
    assert answers(slow, requests=3, concurrent=3)[0].text == "done"


def test_who_waits_too_long_is_told_whether_it_was_begun() -> None:
    threads = Threads("test", 1, 0.05)
    ended = threading.Event()

    async def wait() -> list[bool]:
        both = await asyncio.gather(*(threads.run(lambda: ended.wait(10)) for _one in range(2)), return_exceptions=True)
        return [error.begun for error in both if isinstance(error, TooSlowError)]

    try:
        assert asyncio.run(wait()) == [True, False]
    finally:
        ended.set()
        threads.close()


def test_what_a_thread_raises_is_raised() -> None:
    threads = Threads("test", 1, 10)

    def fail() -> None:
        raise LookupError("text")

    with pytest.raises(LookupError, match="text"):
        asyncio.run(threads.run(fail))
    threads.close()
