# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator inside a process: start it, set up what an administrator would, look into it."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from werkzeug.serving import BaseWSGIServer
from werkzeug.wrappers import Request, Response

from lab.awx import credential_types
from lab.awx.api import Answer, Api, Asked
from lab.awx.resources import RESOURCES
from lab.awx.settings import Settings
from lab.awx.views import ROOT, shown
from lab.pbx.server import make_server


@dataclass(frozen=True, slots=True)
class Call:
    """A request that came in and how it was answered."""

    method: str
    path: str
    body: Any
    status: int

    @property
    def is_write(self) -> bool:
        """Whether it asked for a change of an object; a token taken and given back is none."""
        return self.method not in ("GET", "HEAD", "OPTIONS") and not self.path.startswith(f"{ROOT}/tokens/")


class Emulator:
    """One AWX on one HTTPS port; a context manager that starts and stops it.

    `calls` are the requests so far; `api` holds the objects and the tokens.
    """

    def __init__(
        self,
        cert_path: Path,
        key_path: Path,
        *,
        settings: Settings | None = None,
        address: str = "127.0.0.1",
        ca_path: Path | None = None,
    ) -> None:
        """`ca_path` is kept for clients to verify against."""
        self.ca_path = ca_path
        self.settings = settings or Settings()
        self.api = Api(self.settings)
        self.calls: list[Call] = []
        self._address = address
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(cert_path, key_path)
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._server = make_server(self._application, self._address, 0, self._context)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="awx", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = self._thread = None

    @property
    def url(self) -> str:
        """What a client takes for its host: https://address:port, once started."""
        assert self._server
        return f"https://{self._address}:{self._server.port}"

    def seed(self, path: str, **fields: Any) -> int:
        """Make an object as an administrator would by hand; return its id.

        :raises ApiError: for one that AWX does not take.
        """
        with self.api.lock:
            return int(self.api.create(path, fields)["id"])

    def objects(self, path: str) -> dict[str, dict[str, Any]]:
        """The objects at a path as the API shows them, by name (nodes by identifier)."""
        with self.api.lock:
            views = [shown(self.api.store, RESOURCES[path], record) for record in self.api.store.all(path)]
        return {str(view.get("name") or view.get("identifier")): view for view in views}

    def attached(self, path: str, name: str, to: int) -> list[int]:
        """The ids in a list of an object."""
        with self.api.lock:
            return list(self.api.store.attached(RESOURCES[path], to, name))

    def job_environment(self, template: int, folder: str = "/runner/env") -> tuple[dict[str, str], dict[str, str]]:
        """What the credentials of a job template give its jobs: environment variables, and files with their content."""
        variables: dict[str, str] = {}
        files: dict[str, str] = {}
        store = self.api.store
        with self.api.lock:
            for identifier in self.attached("job_templates", "credentials", template):
                credential = store.get("credentials", identifier)
                kind = store.get("credential_types", credential["credential_type"])
                more, contents = credential_types.injected(kind, credential["inputs"], f"{folder}/{identifier}")
                variables |= more
                files |= contents
        return variables, files

    def writes(self) -> list[Call]:
        """The requests for a change since this was last asked; the log begins anew."""
        with self.api.lock:
            seen, self.calls = self.calls, []
        return [call for call in seen if call.is_write]

    def _application(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        body = _parsed(request.get_data())
        asked = Asked(
            request.method, request.path, request.args.to_dict(), body, request.headers.get("Authorization", "")
        )
        answer = self.api.answer(asked)
        with self.api.lock:
            self.calls.append(Call(asked.method, asked.path, body, answer.status))
        return self._response(answer)(environ, start_response)

    def _response(self, answer: Answer) -> Response:
        content = b"" if answer.payload is None else json.dumps(answer.payload).encode()
        headers: Mapping[str, str] = {
            "X-API-Product-Name": self.settings.product,
            "X-API-Product-Version": self.settings.version,
        }
        return Response(content, status=answer.status, content_type="application/json", headers=headers)


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return None
