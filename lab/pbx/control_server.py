# SPDX-License-Identifier: GPL-3.0-or-later
"""The control port: plain HTTP and JSON, on loopback, for tests that run beside the emulator.

GET paths show, POST paths change; a mistake answers 400 with {"error": …}.
"""

from __future__ import annotations

import dataclasses
import json
import socket
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.serving import BaseWSGIServer, ThreadedWSGIServer
from werkzeug.wrappers import Request, Response

from lab.pbx.emulator import Emulator
from lab.pbx.faults import Fault
from lab.pbx.server import QuietHandler

Action = Callable[[Emulator, dict[str, Any]], Any]


def _calls(emulator: Emulator, arguments: dict[str, Any]) -> Any:
    raw = arguments.get("raw") == "1"
    return [call.as_json(raw=raw) for call in emulator.calls.all(arguments.get("endpoint"))]


def _add_fault(emulator: Emulator, arguments: dict[str, Any]) -> Any:
    emulator.faults.add(Fault.from_json(arguments))
    return emulator.faults.all()


def _variants(emulator: Emulator, arguments: dict[str, Any]) -> Any:
    if arguments:
        emulator.variants = emulator.variants.changed(**arguments)
    return dataclasses.asdict(emulator.variants)


def _clock(emulator: Emulator, arguments: dict[str, Any]) -> Any:
    emulator.clock.advance(float(arguments.get("advance", 0)))
    return {"now": emulator.clock.now()}


_SHOWS: dict[str, Action] = {
    "/calls": _calls,
    "/log-ins": lambda emulator, _arguments: [one.as_json() for one in emulator.log_ins],
    "/state": lambda emulator, _arguments: emulator.state.as_json(),
    "/faults": lambda emulator, _arguments: emulator.faults.all(),
    "/variants": lambda emulator, _arguments: _variants(emulator, {}),
    "/clock": lambda emulator, _arguments: _clock(emulator, {}),
}
_CHANGES: dict[str, Action] = {
    "/calls/clear": lambda emulator, _arguments: emulator.calls.clear(),
    "/faults": _add_fault,
    "/faults/clear": lambda emulator, _arguments: emulator.faults.clear(),
    "/variants": _variants,
    "/clock": _clock,
    "/seed-extension": lambda emulator, arguments: emulator.pbx.seed_extension(**arguments),
    "/seed-each-extension": lambda emulator, arguments: [
        emulator.pbx.seed_extension(**extension) for extension in arguments["extensions"]
    ],
    "/seed-extensions": lambda emulator, arguments: emulator.pbx.seed_extensions(**arguments),
    "/seed-number": lambda emulator, arguments: emulator.pbx.seed_number(**arguments),
    "/seed-organization": lambda emulator, arguments: emulator.pbx.seed_organization(**arguments),
    "/seed-group": lambda emulator, arguments: emulator.pbx.seed_group(
        arguments["name"],
        {int(one): kind for one, kind in arguments.get("members", {}).items()},
        arguments.get("flags"),
    ),
    "/change-by-hand": lambda emulator, arguments: emulator.pbx.change_by_hand(**arguments),
    "/delete-by-hand": lambda emulator, arguments: emulator.pbx.delete_by_hand(**arguments),
    "/mark-referenced": lambda emulator, arguments: emulator.pbx.mark_referenced(**arguments),
    "/start-call": lambda emulator, arguments: emulator.pbx.start_call(**arguments),
    "/end-call": lambda emulator, arguments: emulator.pbx.end_call(**arguments),
    "/add-queue": lambda emulator, arguments: emulator.pbx.add_queue(**arguments),
    "/unblock": lambda emulator, arguments: emulator.unblock(arguments.get("address")),
    "/expire-tokens": lambda emulator, _arguments: emulator.expire_tokens(),
    "/reset": lambda emulator, _arguments: emulator.reset(),
}


class ControlApplication:
    """The WSGI application behind the control port."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        actions = _SHOWS if request.method == "GET" else _CHANGES
        action = actions.get(request.path)
        if action is None:
            return _json({"error": f"{request.method} {request.path}: there is no such thing"}, 404)
        try:
            if request.method == "GET":
                arguments = dict(request.args.to_dict())
            else:
                arguments = json.loads(request.get_data() or b"{}")
            return _json({"result": action(self._emulator, arguments)}, 200)
        except (KeyError, TypeError, ValueError) as error:
            return _json({"error": f"{type(error).__name__}: {error}"}, 400)


def make_control_server(emulator: Emulator, port: int, address: str = "127.0.0.1") -> BaseWSGIServer:
    """A control server, bound and not yet serving; port 0 takes a free one.

    Raises OSError for a port that cannot be had.
    """
    application = ControlApplication(emulator)
    with socket.create_server((address, port)) as listening:
        return ThreadedWSGIServer(address, port, application, handler=QuietHandler, fd=listening.fileno())


def _json(content: dict[str, Any], status: int) -> Response:
    return Response(json.dumps(content), status=status, content_type="application/json")
