# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator over real TLS: transport manners, faults, the log, the process and its control port."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from lab.pbx.control import ControlClient, ControlError
from lab.pbx.emulator import Emulator
from lab.pbx.faults import FaultKind
from lab.pbx.testing import running_emulator
from lab.tls import CertificateAuthority

SECONDS = 60
REPOSITORY = Path(__file__).parents[2]
NEW_EXTENSION: dict[str, Any] = {
    "type": "SIP",
    "first_name": "Zoë",
    "user_password": "Hk7rTq29Lm",
    "organization_list": [{"value": "1"}],
    "number": "1201",
    "reg_name": "zoe1201x",
    "reg_password": "R9xkLm2PqZ",
    "concurrent_registrations": 1,
    "presence_status": "available",
}


class Client:
    """What a client of the Open API does, with requests and a verified certificate."""

    def __init__(self, url: str, ca_path: Path) -> None:
        self._url = url
        self._base = url + "/openapi/v1.0/"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(ca_path)
        self.token = ""

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    def log_in(self, client_id: str, client_secret: str) -> dict[str, Any]:
        """get_token; keeps the token."""
        payload = self.post("get_token", {"username": client_id, "password": client_secret}).json()
        self.token = payload.get("access_token", "")
        return dict(payload)

    def get(self, endpoint: str, **query: Any) -> requests.Response:
        """A GET call."""
        return self._session.get(self._base + endpoint, params=self._with_token(query), timeout=SECONDS)

    def post(self, endpoint: str, body: Any) -> requests.Response:
        """A POST call."""
        return self._session.post(self._base + endpoint, params=self._with_token({}), json=body, timeout=SECONDS)

    def page(
        self, path: str, *, form: dict[str, str] | None = None, params: dict[str, str] | None = None
    ) -> requests.Response:
        """One of the pages beside the API, with a form sent where one is given."""
        method = "GET" if form is None else "POST"
        return self._session.request(method, self._url + path, data=form, params=params, timeout=SECONDS)

    def _with_token(self, query: dict[str, Any]) -> dict[str, Any]:
        return {**query, "access_token": self.token} if self.token else query


@contextmanager
def client_of(emulator: Emulator) -> Iterator[Client]:
    """A client with a token; the call of get_token is taken out of the log."""
    assert emulator.ca_path is not None
    client = Client(emulator.url, emulator.ca_path)
    client.log_in(emulator.settings.client_id, emulator.settings.client_secret)
    emulator.calls.clear()
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A P570 with three extensions."""
    with running_emulator(extensions=3) as running:
        yield running


@pytest.fixture
def client(emulator: Emulator) -> Iterator[Client]:
    """A client of it that has a token."""
    with client_of(emulator) as one:
        yield one


def test_linkus_takes_the_user_password_that_the_api_has_set(emulator: Emulator, client: Client) -> None:
    client.post("extension/create", NEW_EXTENSION)
    form = {"username": "1201", "password": NEW_EXTENSION["user_password"]}
    emulator.fail("*", "cut_before_work", times=None)
    emulator.calls.clear()
    assert 'name="password"' in client.page("/login").text
    page = client.page("/login", form=form)
    assert page.status_code == 200
    assert 'data-number="1201" data-name="Zoë"' in page.text
    assert client.page("/login", form={**form, "password": "wrong"}).status_code == 401
    assert [one.outcome for one in emulator.log_ins] == ["accepted", "refused"]
    assert len(emulator.calls) == 0


def test_many_log_ins_at_once_are_all_answered(emulator: Emulator, client: Client) -> None:
    emulator.pbx.seed_extensions(100, first_number=2000)

    def log_in(number: int) -> str:
        form = {"username": str(number), "password": f"Seeded{number}pass"}
        return client.page("/login", form=form).text

    numbers = range(2000, 2100)
    with ThreadPoolExecutor(20) as pool:
        pages = list(pool.map(log_in, numbers))
    assert all(f'data-number="{number}"' in page for number, page in zip(numbers, pages, strict=True))
    assert len(emulator.log_ins) == 100


def test_answers_are_json_with_status_200_and_close_the_connection(emulator: Emulator, client: Client) -> None:
    for response in (client.get("extension/list"), client.get("no/such"), client.post("extension/create", {})):
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Connection"] == "close"
    assert [call.errcode for call in emulator.calls.all()] == [0, 10001, 40002]


def test_a_malformed_body_is_refused_and_logged_without_arguments(emulator: Emulator) -> None:
    with client_of(emulator) as client:
        assert client.post("extension/update", ["no", "object"]).json()["errcode"] == 40001
    call = emulator.calls.all()[0]
    assert (call.errcode, call.arguments, call.raw_body) == (40001, {}, b'["no", "object"]')


def test_an_errcode_can_have_another_http_status(emulator: Emulator, client: Client) -> None:
    emulator.variants = emulator.variants.changed(error_http_status=400)
    assert client.get("no/such").status_code == 400
    assert client.get("extension/list").status_code == 200


def test_the_certificate_is_checked(emulator: Emulator, tmp_path: Path) -> None:
    stranger = Client(emulator.url, CertificateAuthority(tmp_path).ca_path)
    with pytest.raises(requests.exceptions.SSLError):
        stranger.get("system/information")
    stranger.close()
    assert len(emulator.calls) == 0


def test_a_host_name_can_be_in_the_url_and_the_certificate() -> None:
    with running_emulator(host="localhost") as running, client_of(running) as client:
        assert running.url.startswith("https://localhost:")
        assert client.get("extension/list").json()["errcode"] == 0


def raw_get(emulator: Emulator, headers: dict[str, str]) -> dict[str, Any]:
    """A GET with exactly these headers."""
    context = ssl.create_default_context(cafile=emulator.ca_path)
    connection = http.client.HTTPSConnection("127.0.0.1", emulator.port, context=context, timeout=SECONDS)
    try:
        connection.request("GET", "/openapi/v1.0/extension/list", headers=headers)
        payload: dict[str, Any] = json.loads(connection.getresponse().read())
        return payload
    finally:
        connection.close()


def test_without_a_user_agent_the_connection_ends(emulator: Emulator) -> None:
    with pytest.raises((ConnectionError, http.client.HTTPException, ssl.SSLError)):
        raw_get(emulator, {})
    with pytest.raises((ConnectionError, http.client.HTTPException, ssl.SSLError)):
        raw_get(emulator, {"User-Agent": ""})
    assert [call.outcome for call in emulator.calls.all()] == ["cut_before_work"] * 2
    assert raw_get(emulator, {"User-Agent": "OpenAPI"})["errcode"] == 10004


def test_without_a_user_agent_access_may_be_denied(emulator: Emulator) -> None:
    emulator.variants = emulator.variants.changed(missing_user_agent="denied")
    assert raw_get(emulator, {}) == {"errcode": 10005, "errmsg": "ACCESS DENIED"}


def test_text_is_utf_8_both_ways(emulator: Emulator, client: Client) -> None:
    created = client.post("extension/create", {**NEW_EXTENSION, "last_name": "李 😀"}).json()
    response = client.get("extension/get", id=created["id"])
    assert "Zoë" in response.content.decode("utf-8")
    assert response.json()["data"]["last_name"] == "李 😀"


# Faults


@pytest.mark.parametrize(
    ("kind", "fields", "done"),
    [
        ("cut_before_work", {}, False),
        ("cut_after_work", {}, True),
        ("cut_mid_answer", {}, True),
        ("http_500", {}, False),
        ("http_500", {"work_done": True}, True),
        ("errcode", {"errcode": -2}, False),
        ("errcode", {"errcode": 70082, "work_done": True}, True),
        ("garbage", {}, True),
        ("expired_token", {}, False),
        ("latency", {"seconds": 0.2}, True),
    ],
)
def test_faults_of_a_write(
    emulator: Emulator, client: Client, kind: FaultKind, fields: dict[str, Any], done: bool
) -> None:
    emulator.fail("extension/create", kind, nth=1, **fields)
    seen: Any
    try:
        response = client.post("extension/create", NEW_EXTENSION)
        seen = response.status_code if response.status_code != 200 else response.json()["errcode"]
    except requests.exceptions.JSONDecodeError:
        seen = "no JSON"
    except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError):
        seen = "cut"
    expected: dict[str, Any] = {
        "http_500": 500,
        "errcode": fields.get("errcode"),
        "garbage": "no JSON",
        "expired_token": 10004,
        "latency": 0,
    }
    assert seen == expected.get(kind, "cut")
    assert ("1201" in emulator.state.extensions) == done
    call = emulator.calls.all("extension/create")[0]
    assert (call.done, call.write) == (done, True)


def test_a_cut_in_the_middle_of_an_answer_shows_half_of_it(emulator: Emulator, client: Client) -> None:
    emulator.fail("extension/list", "cut_mid_answer", nth=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        client.get("extension/list")
    assert client.get("extension/list").json()["total_number"] == 3
    assert [call.outcome for call in emulator.calls.all()] == ["cut_mid_answer", "answered"]


def test_the_nth_call_fails_and_the_next_does_not(emulator: Emulator, client: Client) -> None:
    emulator.fail("extension/list", "errcode", nth=2, errcode=70123)
    answers = [client.get("extension/list").json() for _unused in range(3)]
    assert [one["errcode"] for one in answers] == [0, 70123, 0]
    assert answers[1]["errmsg"] == "API UNAVAILABLE"


def test_an_expired_token_is_dead_and_its_refresh_token_is_not(emulator: Emulator) -> None:
    with client_of(emulator) as client:
        tokens = client.log_in(emulator.settings.client_id, emulator.settings.client_secret)
        emulator.fail("extension/list", "expired_token", nth=1)
        assert client.get("extension/list").json()["errcode"] == 10004
        assert client.get("extension/list").json()["errcode"] == 10004
        assert emulator.state.live_tokens == 1
        renewed = client.post("refresh_token", {"refresh_token": tokens["refresh_token"]}).json()
        client.token = renewed["access_token"]
        assert client.get("extension/list").json()["errcode"] == 0
        emulator.expire_tokens()
        assert client.get("extension/list").json()["errcode"] == 10004


@pytest.mark.parametrize(
    ("kind", "fields", "ids", "total"),
    [
        ("short_page", {"rows": 2}, [1], 3),
        ("larger_total", {"rows": 1}, [1, 2, 3], 4),
        ("missing_ids", {"ids": (2,)}, [1, 3], 3),
    ],
)
@pytest.mark.parametrize("as_strings", [False, True])
def test_faults_of_a_list(
    *,
    emulator: Emulator,
    client: Client,
    kind: FaultKind,
    fields: dict[str, Any],
    ids: list[int],
    total: int,
    as_strings: bool,
) -> None:
    emulator.variants = emulator.variants.changed(integers_as_strings=as_strings)
    emulator.fail("extension/list", kind, **fields)
    payload = client.get("extension/list").json()
    assert [int(row["id"]) for row in payload["data"]] == ids
    assert int(payload["total_number"]) == total
    emulator.fail("extension/query", kind, **fields)
    assert [int(row["id"]) for row in client.get("extension/query", ids="1,2,3").json()["data"]] == ids


@pytest.mark.parametrize("work_done", [False, True])
def test_the_test_acts_before_or_after_the_work(emulator: Emulator, client: Client, work_done: bool) -> None:
    seen: list[bool] = []

    def look() -> None:
        seen.append("1201" in emulator.state.extensions)

    emulator.fail("extension/create", "act", action=look, work_done=work_done)

    client.post("extension/create", NEW_EXTENSION)

    assert seen == [work_done]
    assert "1201" in emulator.state.extensions
    assert [fault["kind"] for fault in emulator.faults.all()] == ["act"]


def test_a_twin_holds_the_same_and_goes_its_own_way(emulator: Emulator, client: Client) -> None:
    client.post("extension/create", NEW_EXTENSION)
    emulator.pbx.seed_group("Sales", {1: "user"})
    start, state = emulator.pbx.twin(), emulator.state

    client.get("extension/delete", id=1)
    emulator.put(start.twin())

    assert replace(emulator.state, live_tokens=1) == state
    assert emulator.pbx.extensions.numbers.owner("1201") is not None
    assert len(emulator.calls) == 0


def test_latency_ends_when_the_emulator_stops(emulator: Emulator, client: Client) -> None:
    emulator.fail("extension/list", "latency", seconds=3600)
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = pool.submit(client.get, "extension/list")
        while not emulator.faults.all()[0]["counted"]:
            assert not waiting.done()
            time.sleep(0.01)
        emulator.stop()
        assert waiting.result(timeout=SECONDS).json()["errcode"] == 0


def test_a_stopped_emulator_refuses_and_comes_back_on_its_port(emulator: Emulator, client: Client) -> None:
    url = emulator.url
    emulator.stop()
    with pytest.raises(requests.exceptions.ConnectionError):
        client.get("extension/list")
    emulator.start()
    assert emulator.url == url
    assert client.get("extension/list").json()["total_number"] == 3


def test_a_taken_port_is_an_os_error(emulator: Emulator, tmp_path: Path) -> None:
    issued = CertificateAuthority(tmp_path).issue("second", hosts=["127.0.0.1"])
    second = Emulator(issued.cert_path, issued.key_path, port=emulator.port)
    with pytest.raises(OSError, match="in use"):
        second.start()


def test_a_client_that_says_nothing_does_not_hold_others_up(emulator: Emulator, client: Client) -> None:
    with socket.create_connection(("127.0.0.1", emulator.port)):
        assert client.get("extension/list").json()["errcode"] == 0


def test_many_at_once_get_extensions_of_their_own(emulator: Emulator, client: Client) -> None:
    def create(number: int) -> dict[str, Any]:
        body = {**NEW_EXTENSION, "number": str(number), "reg_name": str(number)}
        payload: dict[str, Any] = client.post("extension/create", body).json()
        return payload

    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = list(pool.map(create, [*range(2000, 2020), *range(2000, 2020)]))
    assert sorted(one["errcode"] for one in answers) == [0] * 20 + [40003] * 20
    assert sorted(one["id"] for one in answers if one["errcode"] == 0) == list(range(4, 24))


# The log and the state


def test_the_log_of_calls(emulator: Emulator, client: Client) -> None:
    client.get("extension/list", page=2, page_size=50)
    client.post("extension/create", NEW_EXTENSION)
    client.get("extension/delete", id=99)
    listed, created, deleted = emulator.calls.all()
    assert (listed.method, listed.endpoint, listed.errcode, listed.write) == ("GET", "extension/list", 0, False)
    assert listed.path == "/openapi/v1.0/extension/list"
    assert listed.arguments == {"page": "2", "page_size": "50"}
    assert listed.user_agent.startswith("python-requests/")
    assert created.arguments["number"] == "1201"
    assert created.arguments["user_password"] == "********"
    assert json.loads(created.raw_body) == NEW_EXTENSION
    assert (deleted.errcode, deleted.write, deleted.done) == (60001, True, False)
    assert emulator.calls.writes() == [created, deleted]
    secrets = [client.token, NEW_EXTENSION["user_password"], NEW_EXTENSION["reg_password"]]
    assert not any(secret in repr(emulator.calls.all()) for secret in secrets)
    assert client.token in listed.raw_query


def test_the_state_is_a_copy_without_passwords(emulator: Emulator, client: Client) -> None:
    before = emulator.state
    client.post("extension/create", {**NEW_EXTENSION, "email_addr": "zoe@example.test"})
    client.post("extension/send_welcome_email", {"id_list": [4]})
    client.post("organization/create", {"name": "IT", "parent_id": 1})
    client.post("extensiongroup/create", {"name": "Sales", "member_select": "sel_specific", "members": [{"value": 4}]})
    after = emulator.state
    assert before.extensions.keys() == {"1000", "1001", "1002"}
    assert after.extensions["1201"]["first_name"] == "Zoë"
    assert after.organizations[2]["name"] == "IT"
    assert after.groups["Sales"]["members"] == {4: "user"}
    assert [mail["number"] for mail in after.welcome_mails] == ["1201"]
    assert after.live_tokens == 1
    shown = json.dumps(after.as_json())
    assert NEW_EXTENSION["user_password"] not in shown
    assert NEW_EXTENSION["reg_password"] not in shown


def test_reset_leaves_an_empty_pbx(emulator: Emulator, client: Client) -> None:
    emulator.fail("*", "http_500")
    emulator.reset()
    assert client.get("extension/list").json()["errcode"] == 10004
    client.log_in(emulator.settings.client_id, emulator.settings.client_secret)
    assert client.get("extension/list").json()["total_number"] == 0


def test_a_block_is_lifted_from_outside(emulator: Emulator, client: Client) -> None:
    for _unused in range(5):
        client.log_in("wrong", "wrong")
    assert emulator.state.blocked_addresses == ["127.0.0.1"]
    assert client.log_in(emulator.settings.client_id, emulator.settings.client_secret)["errcode"] == 70004
    emulator.unblock()
    assert client.log_in(emulator.settings.client_id, emulator.settings.client_secret)["errcode"] == 0


def test_ten_thousand_extensions_page_by_page() -> None:
    settings: dict[str, Any] = {"model": "Software", "extension_capacity": 10_000}
    with running_emulator(extensions=10_000, **settings) as running, client_of(running) as client:
        seen: set[int] = set()
        for page in range(1, 21):
            payload = client.get("extension/list", page=page, page_size=500).json()
            assert payload["total_number"] == 10_000
            seen.update(row["id"] for row in payload["data"])
        assert len(seen) == 10_000
        full = client.post("extension/create", {**NEW_EXTENSION, "number": "99999"}).json()
        assert full["errcode"] == 60002


# The process


@contextmanager
def emulator_process(folder: Path, *options: str) -> Iterator[tuple[Client, ControlClient, subprocess.Popen[str]]]:
    """`python -m lab.pbx` on free ports; a client (no token yet), its control port and the process."""
    authority = CertificateAuthority(folder)
    issued = authority.issue("pbx", hosts=["127.0.0.1"])
    files = ["--cert", str(issued.cert_path), "--key", str(issued.key_path)]
    command = [sys.executable, "-m", "lab.pbx", "--port", "0", *files]
    with subprocess.Popen(
        [*command, *options],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "PBX_EMULATOR_CLIENT_SECRET": "process-secret",
            "PBX_EMULATOR_LINKUS_SDK_SECRET": "process-access-key",
        },
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            ready = json.loads(process.stdout.readline())
            client = Client(ready["url"], authority.ca_path)
            with ControlClient(ready["control_url"]) as control:
                yield client, control, process
            client.close()
        finally:
            process.terminate()
            process.wait(SECONDS)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, ControlClient]]:
    """A client with a token and the control port of a P560 process; tests of it seed numbers of their own."""
    options = ["--model", "P560", "--client-id", "process-id", "--extensions", "2", "--variant", "page_size_cap=1"]
    with emulator_process(tmp_path_factory.mktemp("process"), *options) as (client, control, _process):
        assert client.log_in("process-id", "process-secret")["errcode"] == 0
        yield client, control


def test_the_process_takes_its_options(process: tuple[Client, ControlClient]) -> None:
    client, control = process
    assert client.get("system/information").json()["data"]["model_name"] == "Yeastar P560"
    assert len(client.get("extension/list").json()["data"]) == 1
    assert control.change_variants(page_size_cap=50)["page_size_cap"] == 50
    assert len(client.get("extension/list").json()["data"]) == 2
    assert control.change_variants(page_size_cap=1)["page_size_cap"] == 1
    with pytest.raises(ControlError, match="no_such_switch"):
        control.change_variants(no_such_switch=True)


def test_faults_through_the_control_port(process: tuple[Client, ControlClient]) -> None:
    client, control = process
    control.fail("extension/list", "errcode", 1, errcode=70082)
    assert client.get("extension/list").json()["errcode"] == 70082
    control.fail("extension/query", "missing_ids", ids=[1])
    assert [row["id"] for row in client.get("extension/query", ids="1,2").json()["data"]] == [2]
    control.clear_faults()
    assert len(client.get("extension/query", ids="1,2").json()["data"]) == 2
    with pytest.raises(ControlError, match="explosion"):
        control.fail("*", "explosion")


def test_hands_through_the_control_port(process: tuple[Client, ControlClient]) -> None:
    client, control = process
    seeded = control.seed_extension("1500", email_addr="seed@example.test")
    control.seed_extensions(2, first_number=1600)
    control.seed_number("6200", "ivr", "Welcome")
    department = control.seed_organization("IT")
    control.seed_group("Sales", {seeded: "manager"}, {"mgr_enb_monitor": 0})
    control.change_by_hand("1500", title="Boss", organization_ids=[department])
    control.delete_by_hand("1600")
    control.mark_referenced("1500")
    with pytest.raises(ControlError, match="1234"):
        control.delete_by_hand("1234")
    state = control.state()
    assert state["extensions"].keys() == {"1000", "1001", "1500", "1601"}
    assert state["extensions"]["1500"]["title"] == "Boss"
    assert state["groups"]["Sales"]["members"] == {str(seeded): "manager"}
    assert state["groups"]["Sales"]["flags"]["mgr_enb_monitor"] == 0
    assert client.get("extension/delete", id=seeded).json()["errcode"] == 70091
    ivr = client.post("extension/create", {**NEW_EXTENSION, "number": "6200"}).json()
    assert ivr["duplicate_field_list"][0]["external_source_name"] == "Welcome"


def test_calls_and_queues_through_the_control_port(process: tuple[Client, ControlClient]) -> None:
    client, control = process
    control.seed_extension("1700")
    call_id = control.start_call("1700", "outbound", status="RING")
    control.add_queue("6400", ["1700"], name="Sales")
    assert [call["call_id"] for call in client.get("call/query", type="outbound").json()["data"]] == [call_id]
    assert client.get("queue/list").json()["queue_list"][0]["name"] == "Sales"
    control.end_call(call_id)
    assert client.get("call/query", type="outbound").json()["data"] == []


def test_linkus_through_the_control_port(tmp_path: Path) -> None:
    with emulator_process(tmp_path, "--linkus-sdk-id", "process-access-id") as (client, control, _process):
        assert client.log_in("process-access-id", "process-access-key")["errcode"] == 0
        control.seed_extension("1201", user_password="Hk7rTq29Lm")
        body = {"username": "1201", "sign_type": "sdk", "expire_time": 0}
        signature = client.post("sign/create", body).json()["data"]["sign"]
        assert client.page("/linkus/sdk", params={"username": "1201", "signature": signature}).status_code == 200
        assert client.page("/login", form={"username": "1201", "password": "wrong"}).status_code == 401
        shown = [(one["means"], one["number"], one["outcome"]) for one in control.log_ins()]
        assert shown == [("signature", "1201", "accepted"), ("password", "", "refused")]
        control.reset()
        assert control.log_ins() == []


def test_the_linkus_sdk_is_off_unless_a_process_is_told(process: tuple[Client, ControlClient]) -> None:
    client, _control = process
    assert client.log_in("", "process-access-key")["errcode"] == 40002
    assert client.log_in("process-access-id", "process-access-key")["errcode"] == -1
    assert client.log_in("process-id", "process-secret")["errcode"] == 0


def test_the_log_through_the_control_port(process: tuple[Client, ControlClient]) -> None:
    client, control = process
    control.clear_calls()
    client.post("extension/create", {**NEW_EXTENSION, "number": "x"})
    client.get("extension/delete", id=99)
    assert [call["errcode"] for call in control.calls("extension/delete")] == [60001]
    shown, raw = control.calls()[0], control.calls(raw=True)[0]
    assert "raw_body" not in shown
    assert NEW_EXTENSION["user_password"] not in str(shown)
    assert NEW_EXTENSION["user_password"] in raw["raw_body"]
    control.clear_calls()
    assert control.calls() == []


def test_the_clock_tokens_and_blocks_through_the_control_port(process: tuple[Client, ControlClient]) -> None:
    client, control = process
    control.advance_clock(1801)
    assert client.get("system/capacity").json()["errcode"] == 10004
    client.log_in("process-id", "process-secret")
    control.expire_tokens()
    assert client.get("system/capacity").json()["errcode"] == 10004
    for _unused in range(5):
        client.log_in("process-id", "wrong")
    assert control.state()["blocked_addresses"] == ["127.0.0.1"]
    control.unblock("127.0.0.1")
    assert client.log_in("process-id", "process-secret")["errcode"] == 0


def test_a_process_ends_at_sigterm_and_can_be_reset_before(tmp_path: Path) -> None:
    options = ["--no-organization-management", "--allow-address", "192.0.2.1", "--extensions", "2"]
    with emulator_process(tmp_path, *options) as (client, control, process):
        assert client.log_in("x", "y")["errcode"] == 70087
        assert control.state()["organization_management"] is False
        control.reset()
        assert control.state()["extensions"] == {}
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0


@pytest.mark.parametrize(
    ("option", "named"), [("--variant=member_info=1", "member_info"), ("--variant=page_size_cap", "--variant")]
)
def test_the_process_says_what_is_wrong_with_its_options(option: str, named: str) -> None:
    command = [sys.executable, "-m", "lab.pbx", "--cert", "x", "--key", "x", option]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 2
    assert named in done.stderr
