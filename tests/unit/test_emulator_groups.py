# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's extension group endpoints."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.emulator_calls import Asker, errcode, invalid_fields, logged_in

SALES: dict[str, Any] = {
    "name": "Sales",
    "member_select": "sel_specific",
    "members": [{"value": "1", "user_type": "manager"}, {"value": "2"}],
}


def with_extensions(**variants: Any) -> Asker:
    """A PBX with the extensions 1 to 3 (numbers 1000 to 1002)."""
    asker = logged_in()
    asker.pbx.seed_extensions(3)
    asker.vary(**variants)
    return asker


def members(asker: Asker, group_id: int = 2) -> list[dict[str, Any]]:
    """A group's members as extensiongroup/get shows them."""
    shown: list[dict[str, Any]] = asker.get("extensiongroup/get", id=group_id)["data"]["members"]
    return shown


def test_the_built_in_group_has_all_extensions_and_can_be_deleted() -> None:
    asker = with_extensions()
    assert asker.get("extensiongroup/list") == {
        "errcode": 0,
        "errmsg": "SUCCESS",
        "total_number": 1,
        "data": [
            {"id": 1, "name": "Default_All_Extensions", "member_select": "sel_all_ext", "total_extensions": 3},
        ],
    }
    assert members(asker, 1) == []
    asker.vary(group_of_all_lists_members=True)
    assert [one["value"] for one in members(asker, 1)] == ["1", "2", "3"]
    assert asker.get("extensiongroup/delete", id=1) == {"errcode": 0, "errmsg": "SUCCESS"}
    assert asker.get("extensiongroup/list")["data"] == []


def test_create_and_get() -> None:
    asker = with_extensions()
    created = asker.post("extensiongroup/create", {**SALES, "user_enb_monitor": 1})
    assert created == {"errcode": 0, "errmsg": "SUCCESS", "id": 2}
    data = asker.get("extensiongroup/get", id=2)["data"]
    assert (data["id"], data["name"], data["member_select"]) == (2, "Sales", "sel_specific")
    assert (data["user_enb_monitor"], data["user_enb_chg_presence"], data["mgr_enb_chg_presence"]) == (1, 0, 1)
    assert asker.get("extensiongroup/list")["data"][1]["total_extensions"] == 2
    assert [one["name"] for one in asker.get("extensiongroup/query", ids="2,9,1")["data"]] == [
        "Sales",
        "Default_All_Extensions",
    ]


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        (
            "reference",
            {"value": "1", "type": "extension", "text": "User 1000", "text2": "1000", "user_type": "manager"},
        ),
        (
            "reference_without_user_type",
            {"value": "1", "type": "extension", "text": "User 1000", "text2": "1000"},
        ),
        ("ext_id", {"ext_id": 1, "caller_id_name": "User 1000", "user_type": "manager"}),
    ],
)
def test_shapes_of_members(variant: str, expected: dict[str, Any]) -> None:
    asker = with_extensions(member_info=variant)
    asker.pbx.seed_group("Sales", {1: "manager"})
    assert members(asker) == [expected]
    asker.vary(nested_shapes_accepted="own")
    assert errcode(asker.post("extensiongroup/update", {"id": 2, "members": members(asker)})) == 0
    assert members(asker) == [expected]
    foreign = {"value": "1"} if variant == "ext_id" else {"ext_id": 1}
    refused = asker.post("extensiongroup/update", {"id": 2, "members": [foreign]})
    assert invalid_fields(refused) == {"members": "format"}
    asker.vary(nested_shapes_accepted="any")
    assert errcode(asker.post("extensiongroup/update", {"id": 2, "members": [foreign]})) == 0


def test_update_replaces_members_and_keeps_user_types_that_are_not_sent() -> None:
    asker = with_extensions()
    asker.post("extensiongroup/create", SALES)
    update = {"id": 2, "member_select": "sel_specific", "members": [{"value": "1"}, {"value": "3"}]}
    assert asker.post("extensiongroup/update", update) == {"errcode": 0, "errmsg": "SUCCESS"}
    assert [(one["value"], one["user_type"]) for one in members(asker)] == [("1", "manager"), ("3", "user")]
    asker.post("extensiongroup/update", {"id": 2, "mgr_enb_monitor": 0})
    assert len(members(asker)) == 2
    assert asker.get("extensiongroup/get", id=2)["data"]["mgr_enb_monitor"] == 0
    asker.post("extensiongroup/update", {"id": 2, "member_select": "sel_all_ext"})
    assert asker.get("extensiongroup/list")["data"][1]["total_extensions"] == 3


def test_update_may_reset_what_is_not_sent() -> None:
    asker = with_extensions(group_update_resets_flags=True)
    asker.pbx.seed_group("Sales", {1: "manager", 2: "custom"}, {"mgr_enb_monitor": 0, "user_enb_monitor": 1})
    body = {"id": 2, "members": [{"value": "1"}, {"value": "2", "user_type": "custom"}], "user_enb_monitor": 1}
    assert errcode(asker.post("extensiongroup/update", body)) == 0
    assert [(one["value"], one["user_type"]) for one in members(asker)] == [("1", "user"), ("2", "custom")]
    data = asker.get("extensiongroup/get", id=2)["data"]
    assert (data["mgr_enb_monitor"], data["user_enb_monitor"]) == (1, 1)
    # Members that are not sent at all are no members without a type.
    asker.post("extensiongroup/update", {"id": 2})
    assert members(asker)[1]["user_type"] == "custom"
    assert asker.get("extensiongroup/get", id=2)["data"]["user_enb_monitor"] == 0


@pytest.mark.parametrize(
    ("changes", "failures"),
    [
        ({"name": None}, {"name": "required"}),
        ({"name": ""}, {"name": "required"}),
        ({"name": "x" * 128}, {"name": "length"}),
        ({"member_select": None}, {"member_select": "required"}),
        ({"member_select": "sel_some"}, {"member_select": "enum"}),
        ({"members": None}, {"members": "required"}),
        ({"members": {}}, {"members": "type"}),
        ({"members": ["1"]}, {"members": "format"}),
        ({"members": [{"text2": "1000"}]}, {"members": "format"}),
        ({"members": [{"value": "1", "user_type": "boss"}]}, {"members": "enum"}),
        ({"mgr_enb_monitor": 2}, {"mgr_enb_monitor": "range"}),
    ],
    ids=str,
)
def test_refused_groups(changes: dict[str, Any], failures: dict[str, str]) -> None:
    asker = with_extensions()
    body = {name: value for name, value in {**SALES, **changes}.items() if value is not None}
    assert invalid_fields(asker.post("extensiongroup/create", body)) == failures
    assert len(asker.pbx.groups) == 1
    if "name" in failures or changes.get("member_select", 1) is None:
        return
    asker.post("extensiongroup/create", SALES)
    assert invalid_fields(asker.post("extensiongroup/update", {**body, "id": 2})) == failures


def test_unknown_ids() -> None:
    asker = with_extensions()
    unknown_member = {**SALES, "members": [{"value": "99"}]}
    assert errcode(asker.post("extensiongroup/create", unknown_member)) == 60001
    assert errcode(asker.post("extensiongroup/update", {"id": 9})) == 60001
    assert invalid_fields(asker.post("extensiongroup/update", {})) == {"id": "required"}
    assert errcode(asker.get("extensiongroup/get", id=9)) == 60001
    assert errcode(asker.get("extensiongroup/delete", id=9)) == 60001
    asker.vary(unknown_id_on_delete_errcode=40002)
    assert errcode(asker.get("extensiongroup/delete", id=9)) == 40002


def test_names_are_unique() -> None:
    asker = with_extensions()
    asker.post("extensiongroup/create", SALES)
    assert asker.post("extensiongroup/create", SALES) == {
        "errcode": 40003,
        "errmsg": "DUPLICATE KEY VALUE",
        "duplicate_field_list": [
            {
                "field": "name",
                "value": "Sales",
                "external_source": "extension_group",
                "external_source_name": "Sales",
            }
        ],
    }


def test_a_group_may_be_empty_or_not() -> None:
    asker = with_extensions()
    assert errcode(asker.post("extensiongroup/create", {**SALES, "members": []})) == 0
    asker.vary(group_without_members="refused")
    assert invalid_fields(asker.post("extensiongroup/update", {"id": 2, "members": []})) == {"members": "required"}
    another = {**SALES, "name": "Support", "members": []}
    assert invalid_fields(asker.post("extensiongroup/create", another)) == {"members": "required"}


def test_a_group_of_all_needs_no_members() -> None:
    asker = with_extensions()
    body = {"name": "Everyone", "member_select": "sel_all_ext"}
    assert errcode(asker.post("extensiongroup/create", body)) == 0
    assert asker.get("extensiongroup/list")["data"][1]["total_extensions"] == 3


@pytest.mark.parametrize(
    ("variant", "code", "name"), [("ignored", 0, "Sales"), ("refused", 40002, "Sales"), ("accepted", 0, "Selling")]
)
def test_renaming(variant: str, code: int, name: str) -> None:
    asker = with_extensions(group_rename=variant)
    asker.post("extensiongroup/create", SALES)
    assert errcode(asker.post("extensiongroup/update", {"id": 2, "name": "Selling", "mgr_enb_monitor": 0})) == code
    data = asker.get("extensiongroup/get", id=2)["data"]
    assert data["name"] == name
    assert data["mgr_enb_monitor"] == (1 if code else 0)
    assert errcode(asker.post("extensiongroup/update", {"id": 2, "name": name})) == 0


def test_an_accepted_name_is_checked() -> None:
    asker = with_extensions(group_rename="accepted")
    asker.pbx.seed_group("Sales")
    taken = asker.post("extensiongroup/update", {"id": 2, "name": "Default_All_Extensions"})
    assert errcode(taken) == 40003
    assert invalid_fields(asker.post("extensiongroup/update", {"id": 2, "name": "x" * 128})) == {"name": "length"}


def test_query_can_leave_the_name_out() -> None:
    asker = with_extensions(group_query_returns_name=False)
    assert "name" not in asker.get("extensiongroup/query", ids="1")["data"][0]
    assert "name" in asker.get("extensiongroup/get", id=1)["data"]


def test_limits_of_count_and_names_are_variants() -> None:
    asker = with_extensions(group_name_forbidden_characters="&", group_name_length_max=5)
    assert invalid_fields(asker.post("extensiongroup/create", {**SALES, "name": "A&B"})) == {"name": "format"}
    assert invalid_fields(asker.post("extensiongroup/create", {**SALES, "name": "Sales6"})) == {"name": "length"}
    asker.vary(group_count_max=2)
    assert errcode(asker.post("extensiongroup/create", SALES)) == 0
    assert errcode(asker.post("extensiongroup/create", {**SALES, "name": "Two"})) == 60002
    asker.vary(group_count_max=None)
    assert errcode(asker.post("extensiongroup/create", {**SALES, "name": "Two"})) == 0


def test_the_64th_group_is_refused() -> None:
    asker = with_extensions()
    for index in range(62):
        assert errcode(asker.post("extensiongroup/create", {**SALES, "name": f"Group {index}"})) == 0
    assert errcode(asker.post("extensiongroup/create", SALES)) == 60002


def test_search_and_sort() -> None:
    asker = with_extensions()
    for name in ("Sales", "Aftersales", "Support"):
        asker.pbx.seed_group(name)
    found = asker.get("extensiongroup/search", search_value="SALES", sort_by="name", page_size=1)
    assert found["total_number"] == 2
    assert [one["name"] for one in found["data"]] == ["Aftersales"]
    listed = asker.get("extensiongroup/list", sort_by="id", order_by="desc")
    assert [one["id"] for one in listed["data"]] == [4, 3, 2, 1]
    assert invalid_fields(asker.get("extensiongroup/list", sort_by="size")) == {"sort_by": "enum"}


def test_ids_are_not_given_again() -> None:
    asker = with_extensions()
    asker.post("extensiongroup/create", SALES)
    asker.get("extensiongroup/delete", id=2)
    asker.post("extensiongroup/update", {"id": 1, "mgr_enb_monitor": 0})
    assert asker.post("extensiongroup/create", SALES)["id"] == 3
