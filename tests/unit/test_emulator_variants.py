# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's switches, faults and log, by themselves."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

import lab.pbx
from lab.pbx.calls import CallLog, masked
from lab.pbx.faults import Fault, FaultPlan, bend
from lab.pbx.variants import Variants

README = Path(lab.pbx.__file__).with_name("README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Variants)])
def test_every_switch_is_in_the_table(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"no_such_switch": 1}, "no_such_switch"),
        ({"member_info": "other"}, "member_info"),
        ({"page_size_cap": "50"}, "page_size_cap"),
        ({"page_size_cap": True}, "page_size_cap"),
        ({"integers_as_strings": 1}, "integers_as_strings"),
        ({"page_size_cap": None}, "page_size_cap"),
        ({"list_adds": "title"}, "list_adds"),
        ({"list_adds": [1]}, "list_adds"),
    ],
    ids=str,
)
def test_wrong_switches_are_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Variants().changed(**changes)


def test_right_switches_are_taken_as_json_has_them() -> None:
    variants = Variants().changed(list_adds=["title"], query_ids_max=50, blocked_seconds=None, member_info="ext_id")
    assert variants.list_adds == ("title",)
    assert variants.query_ids_max == 50
    assert variants.member_info == "ext_id"
    assert Variants().member_info == "reference"


def hits(fault: Fault, calls: int = 5) -> list[int]:
    """Which calls of the fault's endpoint are hit."""
    plan = FaultPlan()
    plan.add(fault)
    return [number for number in range(1, calls + 1) if plan.take("extension/list")]


@pytest.mark.parametrize(
    ("nth", "times", "expected"),
    [(None, 1, [1, 2, 3, 4, 5]), (1, 1, [1]), (3, 1, [3]), (2, 2, [2, 3]), (4, None, [4, 5]), (9, 1, [])],
)
def test_which_calls_a_fault_hits(nth: int | None, times: int | None, expected: list[int]) -> None:
    assert hits(Fault("extension/list", "http_500", nth, times=times)) == expected


def test_faults_count_their_own_endpoint_from_when_they_were_set() -> None:
    plan = FaultPlan()
    plan.add(Fault("*", "latency", 3))
    plan.add(Fault("extension/create", "http_500", 2))
    assert [bool(plan.take(name)) for name in ("extension/create", "extension/list")] == [False, False]
    plan.add(Fault("extension/create", "garbage", 1))
    assert [fault.kind for fault in plan.take("extension/create")] == ["latency", "http_500", "garbage"]
    plan.clear()
    assert plan.take("extension/create") == []
    assert plan.all() == []


def test_an_unknown_kind_of_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="explosion"):
        Fault.from_json({"endpoint": "*", "kind": "explosion"})
    with pytest.raises(TypeError, match="when"):
        Fault.from_json({"endpoint": "*", "kind": "latency", "when": 1})
    for kind, action in (("act", None), ("act", "os.abort"), ("latency", print)):
        with pytest.raises(ValueError, match="action"):
            Fault.from_json({"endpoint": "*", "kind": kind, "action": action})


@pytest.mark.parametrize(
    ("fault", "ids", "total"),
    [
        (Fault("*", "short_page"), [1, 2], 3),
        (Fault("*", "short_page", rows=9), [], 3),
        (Fault("*", "larger_total", rows=2), [1, 2, 3], 5),
        (Fault("*", "missing_ids", ids=(1, 3)), [2], 3),
        (Fault("*", "latency"), [1, 2, 3], 3),
    ],
    ids=str,
)
def test_bent_answers(fault: Fault, ids: list[int], total: int) -> None:
    payload = {"total_number": 3, "data": [{"id": 1}, {"id": 2}, {"id": 3}]}
    bent = bend(payload, [fault])
    assert ([row["id"] for row in bent["data"]], bent["total_number"]) == (ids, total)
    assert len(payload["data"]) == 3  # type: ignore[arg-type]
    assert bend({"data": {"id": 1}}, [fault]) == {"data": {"id": 1}}


@pytest.mark.parametrize(("rows", "left"), [(1, [[1, 2], []]), (2, [[1], []]), (9, [[], []])])
def test_members_can_be_missing(rows: int, left: list[list[int]]) -> None:
    fault = Fault("*", "missing_members", rows=rows)
    groups: list[dict[str, Any]] = [{"id": 4, "members": [1, 2, 3]}, {"id": 5, "members": []}, {"id": 6}]
    bent = bend({"data": groups}, [fault])
    assert bent["data"] == [{"id": 4, "members": left[0]}, {"id": 5, "members": left[1]}, {"id": 6}]
    assert bend({"data": groups[0]}, [fault]) == {"data": {"id": 4, "members": left[0]}}
    assert groups[0]["members"] == [1, 2, 3]
    assert bend({"errcode": 60001}, [fault]) == {"errcode": 60001}


def test_secrets_are_masked_and_the_token_is_left_out() -> None:
    secrets = dict.fromkeys(["password", "user_password", "reg_password", "vm_pin", "refresh_token"], "S3cret")
    shown = masked({**secrets, "access_token": "S3cret", "id": 5})
    assert "S3cret" not in str(shown)
    assert shown == {**dict.fromkeys(secrets, "********"), "id": 5}


def test_the_log_by_endpoint_and_by_writing() -> None:
    log = CallLog()
    common: dict[str, Any] = {
        "time": 0.0,
        "method": "GET",
        "path": "",
        "arguments": {},
        "errcode": 0,
        "done": True,
        "outcome": "answered",
        "address": "",
        "user_agent": "",
        "raw_headers": {"Referer": "S3cret"},
        "raw_query": "access_token=S3cret",
        "raw_body": b"S3cret",
    }
    log.append(endpoint="extension/list", write=False, **common)
    log.append(endpoint="extension/delete", write=True, **common)
    assert [call.index for call in log.writes()] == [1]
    assert [call.index for call in log.all("extension/list")] == [0]
    assert "S3cret" not in repr(log.all())
    assert "S3cret" not in str(log.all()[0].as_json())
    assert log.all()[0].as_json(raw=True)["raw_body"] == "S3cret"
    log.clear()
    assert len(log) == 0
    log.append(endpoint="extension/list", write=False, **common)
    assert log.all()[0].index == 2
