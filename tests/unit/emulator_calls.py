# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of the emulator's API without its transport, for the emulator's own tests."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from lab.pbx.api import BASE_PATH, ApiRequest, answer
from lab.pbx.clock import AdjustableClock
from lab.pbx.pbx import Pbx
from lab.pbx.settings import Settings
from lab.pbx.variants import Variants

ADDRESS = "127.0.0.1"
NEW_EXTENSION: dict[str, Any] = {
    "type": "SIP",
    "first_name": "Anna",
    "last_name": "Adler",
    "email_addr": "anna@example.test",
    "mobile_number": "+4915100000001",
    "user_password": "Hk7rTq29Lm",
    "role_id": 0,
    "organization_list": [{"value": "1"}],
    "title": "Controller",
    "number": "1201",
    "caller_id": "1201",
    "reg_name": "anna1201x",
    "reg_password": "R9xkLm2PqZ",
    "concurrent_registrations": 1,
    "presence_status": "available",
}


class Asker:
    """One PBX and a client of it that has a token."""

    def __init__(self, variants: Variants | None = None, **settings: Any) -> None:
        self.clock = AdjustableClock()
        self.pbx = Pbx(Settings(**settings), variants or Variants(), self.clock)
        self.token = ""

    def vary(self, **changes: Any) -> None:
        """Change the PBX's variants."""
        self.pbx.variants = self.pbx.variants.changed(**changes)

    def log_in(self, *, address: str = ADDRESS, **credentials: str) -> dict[str, Any]:
        """get_token, with the right credentials where none are given; keeps the token."""
        right = {"username": self.pbx.settings.client_id, "password": self.pbx.settings.client_secret}
        payload = self.post("get_token", {**right, **credentials}, token="", address=address)
        self.token = payload.get("access_token", self.token)
        return payload

    def get(self, endpoint: str, *, token: str | None = None, address: str = ADDRESS, **query: Any) -> dict[str, Any]:
        """The answer to a GET call."""
        texts = {name: str(value) for name, value in query.items()}
        return self._ask(ApiRequest("GET", BASE_PATH + endpoint, texts, b"", "", address), token)

    def post(self, endpoint: str, body: Any, *, token: str | None = None, address: str = ADDRESS) -> dict[str, Any]:
        """The answer to a POST call."""
        content = json.dumps(body).encode()
        return self._ask(ApiRequest("POST", BASE_PATH + endpoint, {}, content, "application/json", address), token)

    def post_bytes(self, endpoint: str, body: bytes, content_type: str = "application/json") -> dict[str, Any]:
        """The answer to a POST call with any body."""
        query = {"access_token": self.token}
        request = ApiRequest("POST", BASE_PATH + endpoint, query, body, content_type, ADDRESS)
        return answer(self.pbx, request).payload

    def _ask(self, request: ApiRequest, token: str | None) -> dict[str, Any]:
        token = self.token if token is None else token
        if token:
            request = dataclasses.replace(request, query={**request.query, "access_token": token})
        # What goes over the wire is JSON: no tuple or integer key may be left in it.
        payload: dict[str, Any] = json.loads(json.dumps(answer(self.pbx, request).payload))
        return payload


def logged_in(variants: Variants | None = None, **settings: Any) -> Asker:
    """A new PBX and a client with a token."""
    asker = Asker(variants, **settings)
    asker.log_in()
    return asker


def errcode(payload: dict[str, Any]) -> int:
    """The errcode; the errmsg must be there too."""
    assert isinstance(payload["errmsg"], str)
    code: int = payload["errcode"]
    return code


def invalid_fields(payload: dict[str, Any]) -> dict[str, str]:
    """The fields of a 40002 and the rules they break."""
    assert errcode(payload) == 40002, payload
    return {one["field"]: one["validation_type"] for one in payload["invalid_param_list"]}
