# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sign-on takes at the gateway: one browser after the other, and all at the same moment."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import ssl
import statistics
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from html import unescape

import httpx

from lab.directory_admin import administer
from lab.gateway import GatewayProcess, running_gateway
from lab.tls import CertificateAuthority

from .errors import BenchError
from .runs import run_module
from .site import Site

MOST_USERS = 300
_PASSWORD = "Correct-Horse-77"  # noqa: S105
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_SIGNED_ON, _REFUSED = 303, 403
_SECONDS = 600


@dataclass(frozen=True)
class Answers:
    """So many sign-ons that succeeded.

    :param rate: of them in a second, from the first form that was opened to the last answer.
    :param median: seconds from a form that is sent to its answer.
    :param late: the same, of the 95th percentile.
    """

    count: int
    rate: float
    median: float
    late: float


@dataclass(frozen=True)
class SignOnFigures:
    """Sign-ons of the same people, each with a browser of their own: one after the other, and all at once."""

    alone: Answers
    at_once: Answers


def measure_sign_ons(site: Site) -> SignOnFigures:
    """Switch the sign-on on, start a gateway, and sign on who can, twice.

    :raises BenchError: if somebody gets another answer than success, or than the refusal of a barred account.
    """
    options = {
        "enabled": True,
        "login_addresses": ["https://pbx.example.test:8088/login"],
        "attempts_per_address": 10_000,
    }
    run_module(site, "pbx_ad_sso", {**site.connection_options, **options})
    names = _prepare_users(site)
    folder = site.folder / "gateway"
    authority = CertificateAuthority(folder / "tls")
    credentials = {"pbx_client_id": site.client_id, "pbx_client_secret": site.client_secret}
    # Whoever waits for a turn is to be measured, not told to come back.
    tables = {"limits": {"answer_floor": 0}, "pbx": {"wait": 120}, "directory": {"timeout": 60}}
    ledger = {"ledger_path": site.connection_options["ledger_path"]}
    with running_gateway(folder, authority, ledger, credentials, tables=tables) as gateway:
        begun = time.monotonic()
        alone = {name: asyncio.run(_sign_on_all(gateway, [name]))[0] for name in names}
        seconds = time.monotonic() - begun
        able = [name for name, taken in alone.items() if taken is not None]
        first = _answers([taken for taken in alone.values() if taken is not None], seconds)
        begun = time.monotonic()
        at_once = [taken for taken in asyncio.run(_sign_on_all(gateway, able)) if taken is not None]
        return SignOnFigures(first, _answers(at_once, time.monotonic() - begun))


def _prepare_users(site: Site) -> list[str]:
    """Give some of those who have extensions a known password; their names."""
    with closing(sqlite3.connect(site.connection_options["ledger_path"])) as ledger:
        rows = ledger.execute(
            "SELECT guid, account_name FROM associations ORDER BY guid LIMIT ?", (MOST_USERS,)
        ).fetchall()
    with administer(site.directory) as admin:
        for guid, _account_name in rows:
            admin.set_password(admin.dn_of(guid), _PASSWORD)
    return [f"{account_name}@{site.directory.realm}" for _guid, account_name in rows]


async def _sign_on_all(gateway: GatewayProcess, names: Sequence[str]) -> list[float | None]:
    context = ssl.create_default_context(cafile=str(gateway.ca_path))
    return await asyncio.gather(*(_sign_on(gateway, context, name) for name in names))


async def _sign_on(gateway: GatewayProcess, context: ssl.SSLContext, name: str) -> float | None:
    """Sign on, and give the seconds that the answer took; None for somebody who may not."""
    async with httpx.AsyncClient(base_url=gateway.url, verify=context, timeout=_SECONDS, trust_env=False) as client:
        found = _CSRF.search((await client.get("/")).text)
        if not found:
            raise BenchError(f"the gateway shows no form: see {gateway.log_path}")
        fields = {"csrf": unescape(found[1]), "username": name, "password": _PASSWORD}
        begun = time.monotonic()
        headers = {"Origin": gateway.url}
        try:
            answer = await client.post("/", data=fields, headers=headers)
        except httpx.RemoteProtocolError:
            # The gateway has closed the connection while it was idle; a browser opens another one, too.
            answer = await client.post("/", data=fields, headers=headers)
    if answer.status_code not in (_SIGNED_ON, _REFUSED):
        raise BenchError(f"the gateway answered {name} with status {answer.status_code}: see {gateway.log_path}")
    return time.monotonic() - begun if answer.status_code == _SIGNED_ON else None


def _answers(taken: Sequence[float], seconds: float) -> Answers:
    late = statistics.quantiles(taken, n=20)[-1]
    return Answers(len(taken), len(taken) / seconds, statistics.median(taken), late)
