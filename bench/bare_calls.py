# SPDX-License-Identifier: GPL-3.0-or-later
"""What the calls of a run take by themselves: the same ones, sent again by a loop that does nothing else.

The emulator's log has the calls of a run as they came. They are sent again with their own headers and bodies, with the
library and to the server that the run used, calls of one endpoint side by side as the run may do them. `python -m
bench.bare_calls` is that loop, a process of its own as the module is; it reads what to send from the standard input.
"""

from __future__ import annotations

import itertools
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import requests
from requests.adapters import HTTPAdapter

from .errors import BenchError

_TOKENS = ("get_token", "refresh_token", "del_token")
_OWN_HEADERS = frozenset({"host", "content-length"})
_SECONDS = 120
_REPOSITORY = Path(__file__).resolve().parents[1]


def seconds_of_bare_calls(options: Mapping[str, Any], calls: Sequence[Mapping[str, Any]], concurrency: int) -> float:
    """Send the calls of a run again: how long a process takes for it, without reading what it has to send.

    :param options: a module's, for the PBX and its credentials.
    :param calls: of the emulator's log, raw. The PBX must be as it was before them.
    :param concurrency: how many calls are under way at once.
    :raises BenchError: if a call is answered otherwise than the run's own was.
    """
    wanted = {
        "url": options["pbx_url"],
        "ca_path": options["pbx_ca_path"],
        "client_id": options["pbx_client_id"],
        "client_secret": options["pbx_client_secret"],
        "concurrency": concurrency,
        "calls": list(calls),
    }
    begun = time.monotonic()
    finished = subprocess.run(
        [sys.executable, "-m", "bench.bare_calls"],
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        cwd=_REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(_REPOSITORY / ".venv" / "collections")},
        check=False,
    )
    seconds = time.monotonic() - begun
    if finished.returncode != 0:
        raise BenchError(f"the bare calls failed: {finished.stderr.strip()}")
    return seconds - float(json.loads(finished.stdout)["reading_seconds"])


def main() -> int:
    """Send what the standard input says, and print how long it took to read that."""
    begun = time.monotonic()
    wanted = json.load(sys.stdin)
    reading_seconds = time.monotonic() - begun
    _Loop(wanted).run(wanted["calls"], wanted["concurrency"])
    print(json.dumps({"reading_seconds": reading_seconds}))
    return 0


class _Adapter(HTTPAdapter):
    """Verifies by one context, which is made once and not for each connection."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, ssl_context=self._context, **options)

    def cert_verify(self, conn: Any, *_unused: Any, **_unused_too: Any) -> None:
        """Add nothing to what the context says."""
        conn.cert_reqs = "CERT_REQUIRED"


class _Loop:
    """The loop; a session for each thread."""

    def __init__(self, wanted: Mapping[str, Any]) -> None:
        self._wanted = wanted
        self._own = threading.local()
        self._token = ""
        self._context = ssl.create_default_context(cafile=wanted["ca_path"])

    def run(self, calls: Sequence[Mapping[str, Any]], concurrency: int) -> None:
        """Log in, send the calls, log out."""
        login = next(call for call in calls if call["endpoint"] == "get_token")
        credentials = {"username": self._wanted["client_id"], "password": self._wanted["client_secret"]}
        self._token = self._send({**login, "raw_body": json.dumps(credentials)})["access_token"]
        with ThreadPoolExecutor(concurrency) as pool:
            for batch in _batches(calls):
                for _answer in pool.map(self._send, batch):
                    pass
        for call in calls:
            if call["endpoint"] == "del_token":
                self._send(call)

    def _send(self, call: Mapping[str, Any]) -> dict[str, Any]:
        query = dict(parse_qsl(call["raw_query"], keep_blank_values=True))
        if "access_token" in query:
            query["access_token"] = self._token
        response = self._session().request(
            call["method"],
            f"{self._wanted['url']}{call['path']}?{urlencode(query, safe=',')}",
            data=call["raw_body"] or None,
            headers={name: text for name, text in call["raw_headers"].items() if name.lower() not in _OWN_HEADERS},
            timeout=_SECONDS,
        )
        answer: dict[str, Any] = response.json()
        if answer["errcode"] != call["errcode"]:
            raise BenchError(f"{call['endpoint']} was answered with {answer['errcode']}, not {call['errcode']}")
        return answer

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._own, "session", None)
        if session is None:
            session = self._own.session = requests.Session()
            session.trust_env = False
            session.headers.clear()
            session.mount("https://", _Adapter(self._context))
        return session


def _batches(calls: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """What may be under way at once: calls of one endpoint that followed each other."""
    for endpoint, batch in itertools.groupby(calls, key=lambda call: str(call["endpoint"])):
        if endpoint not in _TOKENS:
            yield list(batch)


if __name__ == "__main__":
    sys.exit(main())
