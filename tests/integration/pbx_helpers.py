# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the PBX client share: clients of an emulator, with a clock that tests move."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.client import PbxClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.settings import PbxSettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import NewExtension, OrganizationReference

from lab.pbx.emulator import Emulator
from lab.pbx.testing import running_emulator
from lab.tls import CertificateAuthority

ROOT = OrganizationReference(1, "Example Ltd")
LOST = (
    "cut_before_work",
    "cut_after_work",
    "cut_mid_answer",
    "garbage",
    "http_500",
    "http_500 done",
    "errcode",
    "errcode done",
    "latency",
)


class Hands:
    """A client's clock and pauses: time passes only in pauses, and things can be made to happen meanwhile."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []
        self._calls = 0
        self._before_call: dict[int, Callable[[], object]] = {}
        self._in_pause: Callable[[], object] | None = None

    def before_call(self, number: int, action: Callable[[], object]) -> None:
        """Do something before the client's call of that number, from 2 on; those for tokens do not count."""
        self._before_call[number] = action

    def in_pause(self, action: Callable[[], object]) -> None:
        """Do something in every pause."""
        self._in_pause = action

    def monotonic(self) -> float:
        """The time; the client looks at it once before each call."""
        self._calls += 1
        self._before_call.pop(self._calls, lambda: None)()
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.pauses.append(seconds)
        self.now += seconds
        if self._in_pause is not None:
            self._in_pause()


@contextmanager
def emulated_pbx(authority: CertificateAuthority, **options: Any) -> Iterator[Emulator]:
    """A PBX that gives out one access token at a time; in the end none lives, and at most one was given.

    `options` are those of running_emulator.
    """
    with running_emulator(authority=authority, token_limit=1, **options) as running:
        try:
            yield running
        finally:
            assert running.state.live_tokens == 0
            assert count(running, "get_token") <= 1


def vary(emulator: Emulator, **changes: Any) -> None:
    """Change how an emulator answers the open questions."""
    emulator.variants = emulator.variants.changed(**changes)


def settings_for(emulator: Emulator, **options: Any) -> PbxSettings:
    """Settings that reach an emulator."""
    return PbxSettings(
        **{
            "url": emulator.url,
            "client_id": emulator.settings.client_id,
            "client_secret": emulator.settings.client_secret,
            "ca_path": str(emulator.ca_path),
            "timeout": 10.0,
            **options,
        }
    )


def client_for(emulator: Emulator, hands: Hands | None = None, page_size: int = 500, **options: Any) -> PbxClient:
    """A client of an emulator; `options` are those of PbxSettings."""
    hands = hands or Hands()
    return PbxClient(
        settings_for(emulator, **options), monotonic=hands.monotonic, sleep=hands.sleep, page_size=page_size
    )


def new_extension(number: str = "1201", **fields: str) -> NewExtension:
    """An extension to create, in the root organization."""
    given = {"first_name": "Anna", "last_name": "Adler", "email_addr": "anna@example.test", **fields}
    return NewExtension(number, given, f"reg-{number}-x", (ROOT,))


def lose(emulator: Emulator, endpoint: str, kind: str, nth: int | None = 1) -> None:
    """Let the answer of an endpoint's nth call get lost in one of the ways of `LOST`; None: of every call."""
    name, _space, done = kind.partition(" ")
    # The client of such a test waits less than that.
    seconds = 1.5 if name == "latency" else 0.0
    emulator.fail(endpoint, name, nth=nth, work_done=bool(done), seconds=seconds)  # type: ignore[arg-type]


def count(emulator: Emulator, endpoint: str) -> int:
    """How often an endpoint was called."""
    return len(emulator.calls.all(endpoint))


def done(emulator: Emulator, endpoint: str) -> int:
    """How often an endpoint's work was done."""
    return len([call for call in emulator.calls.all(endpoint) if call.done])


class QuietHandler(BaseHTTPRequestHandler):
    """Answers GET and POST alike, by `respond`, and prints nothing."""

    def respond(self) -> None:
        """Answer a call; here with a server's error."""
        self.answer(500, b"")

    def do_POST(self) -> None:
        """Answer a call."""
        self.respond()

    def do_GET(self) -> None:
        """Answer a call."""
        self.respond()

    def body(self) -> bytes:
        """What was sent."""
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def answer(self, status: int, content: bytes, **headers: str) -> None:
        """Send an answer, and be done."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""


@contextmanager
def serving(handler: type[QuietHandler]) -> Iterator[str]:
    """A plain HTTP server that is no PBX; its URL."""
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
