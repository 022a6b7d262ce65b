# SPDX-License-Identifier: GPL-3.0-or-later
"""What the PBX emulator and HTTPS take by themselves: the first run's creations as bare calls, one after the other."""

from __future__ import annotations

import json
import time
from typing import Any

import requests

from .errors import BenchError
from .site import Site

COUNT = 200
_FIRST_NUMBER = 90_000_000
_HEADERS = {"User-Agent": "OpenAPI", "Connection": "close"}


def seconds_per_bare_creation(site: Site) -> float:
    """Create `COUNT` extensions with the body that the module sends, and nothing else between two calls.

    :raises BenchError: if the PBX refuses one.
    """
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(site.directory.ca_path)
        session.headers.update(_HEADERS)
        credentials = {"username": site.client_id, "password": site.client_secret}
        token = _post(session, site, "get_token", {}, credentials)["access_token"]
        begun = time.monotonic()
        for number in range(_FIRST_NUMBER, _FIRST_NUMBER + COUNT):
            _post(session, site, "extension/create", {"access_token": token}, _creation(number))
        seconds = time.monotonic() - begun
        session.get(f"{site.pbx_url}/openapi/v1.0/del_token", params={"access_token": token}, timeout=60)
    return seconds / COUNT


def _post(
    session: requests.Session, site: Site, endpoint: str, query: dict[str, str], body: dict[str, Any]
) -> dict[str, Any]:
    response = session.post(
        f"{site.pbx_url}/openapi/v1.0/{endpoint}",
        params=query,
        data=json.dumps(body),
        headers={"Content-Type": "application/json"},
        timeout=60,
    )
    answer: dict[str, Any] = response.json()
    if answer["errcode"] != 0:
        raise BenchError(f"the bare call of {endpoint} was refused: {answer}")
    return answer


def _creation(number: int) -> dict[str, Any]:
    return {
        "type": "SIP",
        "number": str(number),
        "first_name": "Bare",
        "last_name": f"Call {number}",
        "email_addr": f"bare.{number}@lab.test",
        "mobile_number": "+49301234567",
        "title": "Caller",
        "user_password": "Wq7!pZ2xKt9s",
        "reg_name": f"bare{number}",
        "reg_password": "Rf4?mB8vLc1d",
        "concurrent_registrations": 1,
        "presence_status": "available",
        "organization_list": [{"value": "1", "text": "Example Ltd"}],
    }
