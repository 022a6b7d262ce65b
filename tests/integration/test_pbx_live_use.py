# SPDX-License-Identifier: GPL-3.0-or-later
"""The PBX client asks which extensions are in a call or agents of a queue, over TLS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.client import PbxClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    IncompleteListError,
    PbxAnswerError,
    PbxError,
    PbxPermissionError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.live_use import LiveUseReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import LiveUse

from lab.pbx.emulator import Emulator
from lab.tls import CertificateAuthority
from tests.integration.pbx_helpers import client_for, count, emulated_pbx, vary

NOBODY = LiveUse()


@pytest.fixture(autouse=True)
def extensions(emulator: Emulator) -> None:
    """Extensions 1000 to 1007."""
    emulator.pbx.seed_extensions(8)


@pytest.fixture(name="client")
def _client(emulator: Emulator) -> Iterator[PbxClient]:
    with client_for(emulator) as client:
        yield client


# --- calls ----------------------------------------------------------------------------------------------------------


def test_call_of_every_type_is_seen_until_it_ends(emulator: Emulator, client: PbxClient) -> None:
    calls = [
        emulator.pbx.start_call("1000"),
        emulator.pbx.start_call("1001", "outbound"),
        emulator.pbx.start_call("1002", "internal", "1003"),
    ]
    assert client.live_use() == LiveUse(in_call=frozenset({"1000", "1001", "1002", "1003"}))
    for call_id in calls:
        emulator.pbx.end_call(call_id)
    assert client.live_use() == NOBODY


@pytest.mark.parametrize("status", ["ALERT", "RING", "ANSWERED", "ANSWER", "HOLD"])
def test_extension_is_in_a_call_from_the_first_ring_on(emulator: Emulator, client: PbxClient, status: str) -> None:
    emulator.pbx.start_call("1000", status=status)
    assert client.live_use().in_call == {"1000"}


def test_extension_that_has_hung_up_is_in_no_call(emulator: Emulator, client: PbxClient) -> None:
    emulator.pbx.start_call("1000", status="BYE")
    assert client.live_use() == NOBODY


@pytest.mark.parametrize("no_calls", ["empty", "refused"])
def test_silence_is_no_error_in_any_variant(emulator: Emulator, client: PbxClient, no_calls: str) -> None:
    vary(emulator, no_calls=no_calls)
    assert client.live_use() == NOBODY


# --- agents ---------------------------------------------------------------------------------------------------------


def test_static_and_dynamic_agents_of_all_queues_are_seen(emulator: Emulator, client: PbxClient) -> None:
    emulator.pbx.add_queue("6400", ["1000", "1001"], name="Sales")
    emulator.pbx.add_queue("6401", ["1001"], dynamic_agents=["1004"])
    emulator.pbx.add_queue("6402", [])
    assert client.live_use() == LiveUse(agents=frozenset({"1000", "1001", "1004"}))


def test_queues_are_read_page_by_page_with_integers_as_strings(emulator: Emulator, client: PbxClient) -> None:
    vary(emulator, integers_as_strings=True, page_size_cap=2)
    for place in range(5):
        emulator.pbx.add_queue(f"640{place}", [f"100{place}"])
    assert client.live_use().agents == {"1000", "1001", "1002", "1003", "1004"}
    assert count(emulator, "queue/list") == 3


def test_deleted_extension_is_no_agent_any_more(emulator: Emulator, client: PbxClient) -> None:
    emulator.pbx.add_queue("6400", ["1000", "1001"])
    emulator.pbx.delete_by_hand("1000")
    assert client.live_use().agents == {"1001"}


def test_list_of_queues_that_is_short_is_read_again_and_never_taken_for_whole(
    emulator: Emulator, client: PbxClient
) -> None:
    emulator.pbx.add_queue("6400", ["1000"])
    emulator.fail("queue/list", "larger_total", nth=1, rows=1)
    assert client.live_use().agents == {"1000"}
    emulator.fail("queue/list", "larger_total", nth=None, rows=1)
    with pytest.raises(IncompleteListError, match="queue/list"):
        client.live_use()


# --- what a PBX does not answer -------------------------------------------------------------------------------------


@pytest.mark.parametrize("errcode", [10001, 10005, 40002])
def test_calls_that_the_pbx_does_not_tell_are_unknown(emulator: Emulator, client: PbxClient, errcode: int) -> None:
    emulator.pbx.start_call("1000")
    emulator.pbx.add_queue("6400", ["1001"])
    emulator.fail("call/query", "errcode", errcode=errcode)
    assert client.live_use() == LiveUse(agents=frozenset({"1001"}), unknown=("call/query",))


@pytest.mark.parametrize("errcode", [10001, 10005, 40002])
def test_queues_that_the_pbx_does_not_tell_are_unknown(emulator: Emulator, client: PbxClient, errcode: int) -> None:
    emulator.pbx.start_call("1000")
    emulator.pbx.add_queue("6400", ["1001"])
    emulator.fail("queue/list", "errcode", errcode=errcode)
    assert client.live_use() == LiveUse(in_call=frozenset({"1000"}), unknown=("queue/list",))
    assert len(client.extensions()) == 8
    # A refusal of queues has not made the pages of other lists smaller.
    assert count(emulator, "extension/list") == 1


def test_one_type_of_calls_that_the_pbx_does_not_tell_leaves_the_others(emulator: Emulator, client: PbxClient) -> None:
    emulator.pbx.start_call("1000")
    emulator.pbx.start_call("1002", "internal", "1003")
    emulator.fail("call/query", "errcode", nth=3, errcode=40002)
    assert client.live_use() == LiveUse(in_call=frozenset({"1000"}), unknown=("call/query",))


def test_application_without_permission_learns_nothing_and_goes_on(emulator_without_permission: Emulator) -> None:
    with client_for(emulator_without_permission) as client:
        assert client.live_use() == LiveUse(unknown=("call/query", "queue/list"))
        assert client.identity().serial_number


@pytest.fixture(name="emulator_without_permission")
def _emulator_without_permission(lab_authority: CertificateAuthority) -> Iterator[Emulator]:
    with emulated_pbx(lab_authority, denied_endpoints=frozenset({"call/query", "queue/list"})) as running:
        yield running


def test_any_other_refusal_is_an_error(emulator: Emulator, client: PbxClient) -> None:
    emulator.fail("call/query", "errcode", errcode=70004)
    with pytest.raises(PbxError) as caught:
        client.live_use()
    assert not isinstance(caught.value, PbxPermissionError)


# --- answers that are none ------------------------------------------------------------------------------------------


class _Answers:
    """A session and a listing that answer what they are given."""

    def __init__(self, calls: dict[str, Any], queues: list[dict[str, Any]] | None = None) -> None:
        self._calls = calls
        self._queues = queues or []

    def read(self, _call: object) -> dict[str, Any]:
        return self._calls

    def rows(self, *_arguments: object) -> list[dict[str, Any]]:
        return self._queues


def _read(calls: dict[str, Any], queues: list[dict[str, Any]] | None = None) -> LiveUse:
    answers: Any = _Answers(calls, queues)
    return LiveUseReader(answers, answers).read()


def test_null_is_an_empty_list() -> None:
    calls = {"data": [{"members": None}]}
    assert _read(calls, [{"static_agent_list": None, "dynamic_agent_list": None}]) == NOBODY
    assert _read({"data": None}) == NOBODY


def test_numbers_may_come_as_integers() -> None:
    calls = {"data": [{"members": [{"extension": {"number": 1000}}, {"inbound": {"from": "123"}}]}]}
    queue = {"static_agent_list": [{"text2": 1001}], "dynamic_agent_list": []}
    assert _read(calls, [queue]) == LiveUse(in_call=frozenset({"1000"}), agents=frozenset({"1001"}))


@pytest.mark.parametrize(
    "calls",
    [
        {},
        {"data": "none"},
        {"data": [1]},
        {"data": [{}]},
        {"data": [{"members": "1000"}]},
        {"data": [{"members": ["1000"]}]},
        {"data": [{"members": [{"extension": "1000"}]}]},
        {"data": [{"members": [{"extension": {"number": " "}}]}]},
    ],
)
def test_call_that_cannot_be_read_is_an_error_that_names_the_call(calls: dict[str, Any]) -> None:
    with pytest.raises(PbxAnswerError, match="call/query"):
        _read(calls)


@pytest.mark.parametrize(
    "queue",
    [
        {"static_agent_list": []},
        {"static_agent_list": [], "dynamic_agent_list": "1000"},
        {"static_agent_list": [{"value": "1"}], "dynamic_agent_list": []},
    ],
)
def test_queue_that_cannot_be_read_is_an_error_that_names_the_call(queue: dict[str, Any]) -> None:
    with pytest.raises(PbxAnswerError, match="queue/list"):
        _read({"data": []}, [queue])
