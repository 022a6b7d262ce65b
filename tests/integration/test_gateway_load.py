# SPDX-License-Identifier: GPL-3.0-or-later
"""Three hundred people who sign on at once, and none of them who gets no answer; and what is left in memory."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sign_on import SignOnLedger
from sign_on_gateway.server import make_service
from sign_on_gateway.settings import read_configuration

from lab.gateway import GatewayProcess, gateway_environment, write_gateway_configuration
from lab.samba import LDAPS_PORT
from tests.integration.gateway_site import PASSWORD, Person, Site, problem_in, token_in
from tests.integration.pbx_helpers import count

CROWD = 300


@pytest.fixture(scope="module")
def site(gateway_site: Site) -> Site:
    return gateway_site


@pytest.fixture(scope="module")
def crowd(site: Site) -> list[Person]:
    return site.people(CROWD)


@pytest.fixture
def gateway(site: Site) -> Iterator[GatewayProcess]:
    with site.gateway(pbx={"wait": 120}, directory={"timeout": 30}) as gateway:
        yield gateway


async def sign_on_at_once(gateway: GatewayProcess, people: Sequence[Person]) -> list[httpx.Response]:
    """Each with a browser of his own, all at the same time."""
    context = ssl.create_default_context(cafile=str(gateway.ca_path))

    async def sign_on(person: Person) -> httpx.Response:
        async with httpx.AsyncClient(base_url=gateway.url, verify=context, timeout=200, trust_env=False) as client:
            token = token_in(await client.get("/"))
            fields = {"csrf": token, "username": person.upn, "password": PASSWORD}
            return await client.post("/", data=fields, headers={"Origin": gateway.url})

    return await asyncio.gather(*(sign_on(person) for person in people))


def test_three_hundred_at_once_are_all_signed_on(site: Site, gateway: GatewayProcess, crowd: list[Person]) -> None:
    site.emulator.calls.clear()
    responses = asyncio.run(sign_on_at_once(gateway, crowd))
    assert {response.status_code for response in responses} == {303}, gateway.log[-2000:]
    assert all(site.linkus_password(person) == PASSWORD for person in crowd)
    assert len(site.credentials()) == CROWD
    assert count(site.emulator, "get_token") == 1
    assert "level=warning" not in gateway.log


def test_three_hundred_at_once_are_all_told_that_the_directory_is_dead(
    site: Site, gateway: GatewayProcess, crowd: list[Person]
) -> None:
    with socket.socket() as taken:
        taken.bind((site.host, 0))
        site.port = taken.getsockname()[1]
        site.save()
        try:
            responses = asyncio.run(sign_on_at_once(gateway, crowd))
        finally:
            site.port = LDAPS_PORT
            site.save()
    assert {response.status_code for response in responses} == {503}
    assert {problem_in(response) for response in responses} == {"Your password cannot be checked now"}
    assert "level=warning" not in gateway.log


def test_three_hundred_at_once_are_all_told_that_the_pbx_is_silent(site: Site, crowd: list[Person]) -> None:
    limits = {"timeout": 2, "wait": 120}
    site.emulator.calls.clear()
    site.emulator.fail("get_token", "latency", seconds=4)
    try:
        with site.gateway(pbx=limits, directory={"timeout": 30}) as gateway:
            responses = asyncio.run(sign_on_at_once(gateway, crowd))
    finally:
        site.emulator.faults.clear()
        # What is given too late is known to nobody.
        time.sleep(5)
        site.emulator.expire_tokens()
    assert {response.status_code for response in responses} == {503}
    assert {problem_in(response) for response in responses} == {"The phone system does not answer"}
    # Whoever waited was told with the first one: the PBX was not asked for each.
    assert count(site.emulator, "get_token") < CROWD // 10


def test_more_than_the_service_takes_at_once_are_told_to_come_back(site: Site, crowd: list[Person]) -> None:
    with site.gateway(limits={"concurrent": 5, "answer_floor": 0}) as gateway:
        responses = asyncio.run(_open_at_once(gateway, 100))
    assert {response.status_code for response in responses} <= {200, 503}
    assert 503 in {response.status_code for response in responses}
    assert all("strict-transport-security" in response.headers for response in responses)


async def _open_at_once(gateway: GatewayProcess, times: int) -> list[httpx.Response]:
    context = ssl.create_default_context(cafile=str(gateway.ca_path))

    async def read() -> httpx.Response:
        async with httpx.AsyncClient(base_url=gateway.url, verify=context, timeout=200, trust_env=False) as client:
            return await client.get("/")

    return await asyncio.gather(*(read() for _one in range(times)))


# --- memory -------------------------------------------------------------------------------------------------------


async def _sign_on_in_process(folder: Path, site: Site, tries: Sequence[tuple[str, str]]) -> list[int]:
    """Sign on at a service in this process, and give what was answered."""
    credentials = {
        "pbx_client_id": site.emulator.settings.client_id,
        "pbx_client_secret": site.emulator.settings.client_secret,
    }
    path = write_gateway_configuration(
        folder,
        site.authority,
        {"ledger_path": str(site.ledger_path)},
        credentials,
        host="localhost",
        port=8443,
        tables={"limits": {"answer_floor": 0}},
    )
    service = make_service(read_configuration(path, gateway_environment(folder)))
    transport = httpx.ASGITransport(service)
    statuses = []
    async with httpx.AsyncClient(transport=transport, base_url="https://localhost") as client:
        for name, password in tries:
            token = token_in(await client.get("/"))
            fields = {"csrf": token, "username": name, "password": "".join(password.split("|"))}
            statuses.append((await client.post("/", data=fields)).status_code)
    lifespan = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> dict[str, str]:
        return lifespan.pop(0)

    async def send(_message: object) -> None:
        return None

    await service({"type": "lifespan", "state": {}}, receive, send)
    return statuses


def _holders(text: str) -> list[str]:
    """What in this process, besides the emulator, holds a text with this one in it."""
    gc.collect()
    found = []
    for holder in gc.get_objects():
        if str(getattr(type(holder), "__module__", "")).startswith("lab."):
            continue
        for held in gc.get_referents(holder):
            if (isinstance(held, str) and text in held) or (isinstance(held, bytes) and text.encode() in held):
                found.append(f"{type(holder)}: {type(held)}")
    return found


def test_no_password_is_kept_in_memory_once_it_was_answered(site: Site, tmp_path: Path) -> None:
    # Never as one text in this file or in the site: it is put together for the moment of its use.
    marks = ["Kept|Right|9", "Kept|Wrong|9"]
    person = site.person(password="".join(["Kept", "Right", "9"]))
    statuses = asyncio.run(_sign_on_in_process(tmp_path, site, [(person.upn, marks[0]), (person.upn, marks[1])]))
    assert statuses == [303, 403]
    for mark in marks:
        assert _holders("".join(mark.split("|"))) == []
    assert isinstance(site.sign_on_ledger(), SignOnLedger)
