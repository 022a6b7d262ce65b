# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator inside a process: start it, steer it, look into it."""

from __future__ import annotations

import ssl
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from werkzeug.serving import BaseWSGIServer

from lab.pbx.calls import CallLog
from lab.pbx.clock import AdjustableClock
from lab.pbx.faults import Fault, FaultKind, FaultPlan
from lab.pbx.linkus import LogIn
from lab.pbx.linkus_pages import LinkusPages
from lab.pbx.pbx import Pbx
from lab.pbx.server import OpenApiApplication, make_server
from lab.pbx.settings import Settings
from lab.pbx.state import State, state_of
from lab.pbx.variants import Variants


class Emulator:
    """One PBX on one HTTPS port; a context manager that starts and stops it.

    `pbx` has what an administrator can do by hand (seed_extension, delete_by_hand …), `calls` what
    was asked of it, `log_ins` who tried to get into Linkus, `faults` what is to go wrong, `clock` its
    time, `state` what it holds.
    """

    def __init__(
        self,
        cert_path: Path,
        key_path: Path,
        *,
        settings: Settings | None = None,
        variants: Variants | None = None,
        address: str = "127.0.0.1",
        port: int = 0,
        host: str = "",
        ca_path: Path | None = None,
    ) -> None:
        """`host` is the name that `url` shows, one that the certificate names; else the address.

        `ca_path` is kept for clients to verify against.
        """
        self.ca_path = ca_path
        self.settings = settings or Settings()
        self.clock = AdjustableClock()
        self.faults = FaultPlan()
        self.calls = CallLog()
        self.pbx = Pbx(self.settings, variants or Variants(), self.clock)
        self._address = address
        self._port = port
        self._host = host or address
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(cert_path, key_path)
        self._application = OpenApiApplication(lambda: self.pbx, self.faults, self.calls)
        self._site = LinkusPages(lambda: self.pbx, otherwise=self._application)
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Bind the port and serve in a thread; after a stop, the same port again.

        Raises OSError for a port that is taken.
        """
        self._application.set_stopping(False)
        self._server = make_server(self._site, self._address, self._port, self._context)
        self._port = self._server.port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="pbx-emulator", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and free the port; harmless when not started."""
        if self._server is None or self._thread is None:
            return
        self._application.set_stopping(True)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The HTTPS port, once started."""
        return self._port

    @property
    def url(self) -> str:
        """The base URL, without a path: https://host:port."""
        return f"https://{self._host}:{self._port}"

    @property
    def state(self) -> State:
        """A copy of what the PBX holds now."""
        return state_of(self.pbx)

    @property
    def variants(self) -> Variants:
        """How the PBX answers the open questions."""
        return self.pbx.variants

    @variants.setter
    def variants(self, variants: Variants) -> None:
        with self.pbx.lock:
            self.pbx.variants = variants

    @property
    def log_ins(self) -> list[LogIn]:
        """The log-ins to Linkus that were tried so far, in order."""
        with self.pbx.lock:
            return list(self.pbx.linkus.log_ins)

    def fail(self, endpoint: str, kind: FaultKind, nth: int | None = None, **fields: Any) -> None:
        """Add a fault: see Fault for the fields."""
        self.faults.add(Fault(endpoint, kind, nth, **fields))

    def unblock(self, address: str | None = None) -> None:
        """Lift the lock-out of one address, or of all."""
        with self.pbx.lock:
            self.pbx.lock_out.lift(address)

    def worked(self, endpoint: str) -> int:
        """How many calls of an endpoint have done their work since the start, answered or not."""
        return self._application.worked.count(endpoint)

    @property
    def under_way(self) -> int:
        """How many calls have come in and are not in the log yet."""
        return self._application.under_way

    def expire_tokens(self) -> None:
        """Let all access tokens expire now; refresh tokens stay good."""
        with self.pbx.lock:
            self.pbx.tokens.expire_all()

    def put(self, pbx: Pbx) -> None:
        """Another PBX in the place of this one, with its settings; no faults, no calls."""
        with self.pbx.lock:
            self.pbx = pbx
            self.settings = pbx.settings
        self.faults.clear()
        self.calls.clear()

    def reset(self) -> None:
        """A new, empty PBX with the same settings and variants; no faults, no calls."""
        self.put(Pbx(self.settings, self.pbx.variants, self.clock))
