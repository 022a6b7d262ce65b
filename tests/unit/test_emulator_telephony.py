# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's calls and queues."""

from __future__ import annotations

import pytest

from lab.pbx.variants import Variants
from tests.unit.emulator_calls import errcode, invalid_fields, logged_in


def test_calls_are_found_by_type_extension_and_id() -> None:
    asker = logged_in()
    asker.pbx.seed_extensions(3)
    inbound = asker.pbx.start_call("1000", status="RING")
    internal = asker.pbx.start_call("1001", "internal", "1002")
    found = asker.get("call/query", type="inbound")["data"]
    assert [call["call_id"] for call in found] == [inbound]
    extension, trunk = found[0]["members"]
    assert extension["extension"]["number"] == "1000"
    assert extension["extension"]["member_status"] == "RING"
    assert trunk["inbound"]["trunk_name"]
    for arguments in ({"type": "internal"}, {"extension": "1002"}, {"call_id": internal}):
        assert [call["call_id"] for call in asker.get("call/query", **arguments)["data"]] == [internal]
    assert asker.get("call/query", type="outbound")["data"] == []
    assert invalid_fields(asker.get("call/query")) == {"type": "required"}
    assert invalid_fields(asker.get("call/query", type="loud")) == {"type": "enum"}


def test_no_calls_may_be_data_not_found() -> None:
    asker = logged_in(Variants(no_calls="refused"))
    assert errcode(asker.get("call/query", type="inbound")) == 60001


def test_calls_and_queues_are_of_extensions_that_exist() -> None:
    pbx = logged_in().pbx
    pbx.seed_extensions(1)
    with pytest.raises(KeyError):
        pbx.start_call("1001")
    with pytest.raises(KeyError):
        pbx.add_queue("6400", ["1001"])
    with pytest.raises(KeyError):
        pbx.end_call("1.1")
    with pytest.raises(ValueError, match="SLEEP"):
        pbx.start_call("1000", status="SLEEP")
    with pytest.raises(ValueError, match="1000 belongs"):
        pbx.add_queue("1000", [])


def test_queues_are_listed_with_their_agents() -> None:
    asker = logged_in()
    asker.pbx.seed_extensions(2)
    asker.pbx.add_queue("6401", ["1000"], dynamic_agents=["1001"], name="Sales")
    asker.pbx.add_queue("6400", [])
    answer = asker.get("queue/list", sort_by="number", page=1, page_size=2)
    assert answer["total_number"] == 2
    assert [queue["number"] for queue in answer["queue_list"]] == ["6400", "6401"]
    sales = answer["queue_list"][1]
    assert sales["static_agent_list"] == [{"text": "User 1000", "text2": "1000", "value": "1", "type": "extension"}]
    assert sales["dynamic_agent_list"] == [{"text": "User 1001", "text2": "1001", "value": "2", "type": "extension"}]
