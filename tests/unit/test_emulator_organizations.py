# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's organization endpoints."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.emulator_calls import Asker, errcode, invalid_fields, logged_in

ENDPOINTS = ["list", "search", "get", "query", "delete"]


def with_tree(**variants: Any) -> Asker:
    """Departments IT (2) with Helpdesk (4) below, and Finance (3); an extension in each, and the root."""
    asker = logged_in()
    asker.vary(**variants)
    asker.pbx.seed_organization("IT")
    asker.pbx.seed_organization("Finance")
    asker.pbx.seed_organization("Helpdesk", 2)
    for number, organization_ids in (("1001", [1]), ("1002", [2]), ("1003", [3]), ("1004", [4]), ("1005", [2, 3])):
        asker.pbx.seed_extension(number, organization_ids=organization_ids)
    return asker


def departments(asker: Asker, number: str) -> tuple[int, ...]:
    """The departments of the extension with that number."""
    extension = asker.pbx.extensions.by_number(number)
    assert extension is not None
    return extension.organization_ids


def test_the_tree_with_counts_and_members() -> None:
    assert with_tree().get("organization/list", is_all=1) == {
        "errcode": 0,
        "errmsg": "SUCCESS",
        "organization_list": [
            {
                "id": 1,
                "name": "Example Ltd",
                "parent_id": 0,
                "order": 1,
                "ext_number": 1,
                "ext_list": [1],
                "children": [
                    {
                        "id": 2,
                        "name": "IT",
                        "parent_id": 1,
                        "order": 1,
                        "ext_number": 2,
                        "ext_list": [2, 5],
                        "children": [
                            {
                                "id": 4,
                                "name": "Helpdesk",
                                "parent_id": 2,
                                "order": 1,
                                "ext_number": 1,
                                "ext_list": [4],
                                "children": [],
                            }
                        ],
                    },
                    {
                        "id": 3,
                        "name": "Finance",
                        "parent_id": 1,
                        "order": 2,
                        "ext_number": 2,
                        "ext_list": [3, 5],
                        "children": [],
                    },
                ],
            }
        ],
    }


@pytest.mark.parametrize(("detail", "count", "members"), [("0", True, False), ("1", True, True), ("2", False, False)])
def test_is_all_says_how_much(detail: str, count: bool, members: bool) -> None:
    root = with_tree().get("organization/list", is_all=detail)["organization_list"][0]
    assert ("ext_number" in root, "ext_list" in root) == (count, members)


def test_parents_can_count_their_children() -> None:
    root = with_tree(parent_counts_include_children=True).get("organization/list", is_all=1)["organization_list"][0]
    assert (root["ext_number"], root["ext_list"]) == (5, [1, 2, 3, 4, 5])
    assert root["children"][0]["ext_list"] == [2, 4, 5]


def test_nested_numbers_can_be_strings() -> None:
    asker = with_tree(nested_organization_numbers_as_strings=True)
    root = asker.get("organization/list", is_all=1)["organization_list"][0]
    assert (root["parent_id"], root["order"], root["ext_number"]) == (0, 1, 1)
    child = root["children"][0]
    assert (child["id"], child["parent_id"], child["order"], child["ext_number"]) == (2, "1", "1", "2")


def test_search() -> None:
    asker = with_tree()
    assert asker.get("organization/search", is_all=1) == asker.get("organization/list", is_all=1)
    found = asker.get("organization/search", search_value="help", is_all=2)["organization_list"]
    assert [one["name"] for one in found] == ["Helpdesk"]
    both = asker.get("organization/search", search_value="i", sort_by="id", order_by="desc")["organization_list"]
    assert [one["name"] for one in both] == ["Finance", "IT"]
    assert asker.get("organization/search", search_value="zzz")["organization_list"] == []


def test_pages_are_of_top_level_departments() -> None:
    asker = with_tree()
    assert asker.get("organization/list", page=1, page_size=1)["organization_list"][0]["id"] == 1
    assert asker.get("organization/list", page=2, page_size=1)["organization_list"] == []
    assert invalid_fields(asker.get("organization/list", is_all=3)) == {"is_all": "enum"}
    assert invalid_fields(asker.get("organization/list", sort_by="name")) == {"sort_by": "enum"}


def test_get_and_query_have_keys_of_their_own() -> None:
    asker = with_tree()
    helpdesk = {"id": 4, "name": "Helpdesk", "parent_id": 2, "order": 1}
    assert asker.get("organization/get", id=4)["organization_info"] == helpdesk
    assert asker.get("organization/query", ids="4,99")["data"] == [helpdesk]
    assert asker.get("organization/query", id="4")["data"] == [helpdesk]
    assert invalid_fields(asker.get("organization/query")) == {"ids": "required"}
    assert errcode(asker.get("organization/get", id=99)) == 60001


def test_create() -> None:
    asker = with_tree()
    created = asker.post("organization/create", {"name": "Payroll", "parent_id": 3})
    assert created == {"errcode": 0, "errmsg": "SUCCESS", "id": 5}
    assert asker.get("organization/get", id=5)["organization_info"] == {
        "id": 5,
        "name": "Payroll",
        "parent_id": 3,
        "order": 1,
    }


@pytest.mark.parametrize(
    ("body", "failures"),
    [
        ({"parent_id": 1}, {"name": "required"}),
        ({"name": "", "parent_id": 1}, {"name": "required"}),
        ({"name": "x" * 128, "parent_id": 1}, {"name": "length"}),
        ({"name": 5, "parent_id": 1}, {"name": "type"}),
        ({"name": "New"}, {"parent_id": "required"}),
        ({"name": "New", "parent_id": "1"}, {"parent_id": "type"}),
    ],
    ids=str,
)
def test_refused_departments(body: dict[str, Any], failures: dict[str, str]) -> None:
    asker = with_tree()
    assert invalid_fields(asker.post("organization/create", body)) == failures
    assert len(asker.pbx.organizations) == 4


def test_names_may_have_forbidden_characters() -> None:
    asker = with_tree()
    assert errcode(asker.post("organization/create", {"name": "R&D / Lab", "parent_id": 1})) == 0
    asker.vary(organization_name_forbidden_characters="/&")
    assert invalid_fields(asker.post("organization/create", {"name": "A/B", "parent_id": 1})) == {"name": "format"}
    assert invalid_fields(asker.post("organization/update", {"id": 2, "name": "A&B"})) == {"name": "format"}


def test_siblings_have_names_of_their_own() -> None:
    asker = with_tree()
    duplicate = asker.post("organization/create", {"name": "IT", "parent_id": 1})
    assert errcode(duplicate) == 40003
    assert duplicate["duplicate_field_list"] == [
        {"field": "name", "value": "IT", "external_source": "organization", "external_source_name": "IT"}
    ]
    assert errcode(asker.post("organization/create", {"name": "IT", "parent_id": 2})) == 0
    assert errcode(asker.post("organization/update", {"id": 3, "name": "IT"})) == 40003
    assert errcode(asker.post("organization/update", {"id": 5, "parent_id": 1})) == 40003
    assert errcode(asker.post("organization/update", {"id": 2, "name": "IT"})) == 0
    asker.vary(organization_sibling_names_unique=False)
    assert errcode(asker.post("organization/create", {"name": "IT", "parent_id": 1})) == 0


def test_update_renames_and_moves_to_the_end_of_the_new_siblings() -> None:
    asker = with_tree()
    moved = asker.post("organization/update", {"id": 4, "name": "Service Desk", "parent_id": 1})
    assert moved == {"errcode": 0, "errmsg": "SUCCESS"}
    assert asker.get("organization/get", id=4)["organization_info"] == {
        "id": 4,
        "name": "Service Desk",
        "parent_id": 1,
        "order": 3,
    }
    asker.post("organization/update", {"id": 2, "parent_id": 1})
    assert asker.get("organization/get", id=2)["organization_info"]["order"] == 1
    assert departments(asker, "1004") == (4,)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"id": 1, "name": "New Ltd"}, 40002),
        ({"id": 99, "name": "x"}, 60001),
        ({"id": 2, "parent_id": 99}, 60001),
        ({"id": 2, "parent_id": 2}, 40002),
        ({"id": 2, "parent_id": 4}, 40002),
        ({"name": "x"}, 40002),
        ({"id": 2, "name": "x" * 128}, 40002),
    ],
    ids=str,
)
def test_refused_updates(body: dict[str, Any], code: int) -> None:
    asker = with_tree()
    before = asker.get("organization/list", is_all=1)
    assert errcode(asker.post("organization/update", body)) == code
    assert asker.get("organization/list", is_all=1) == before


@pytest.mark.parametrize(("variant", "home"), [("to_root", (1,)), ("to_parent", (2,)), ("removed", ())])
def test_members_of_a_deleted_department(variant: str, home: tuple[int, ...]) -> None:
    asker = with_tree(members_of_deleted_organization=variant)
    assert asker.get("organization/delete", id=4) == {"errcode": 0, "errmsg": "SUCCESS"}
    assert departments(asker, "1004") == home
    asker.get("organization/delete", id=3)
    assert departments(asker, "1005") == (2,)


def test_a_department_with_departments_below() -> None:
    asker = with_tree()
    assert errcode(asker.get("organization/delete", id=2)) == 40002
    assert len(asker.pbx.organizations) == 4
    asker.vary(organization_with_children_deleted="with_children")
    assert errcode(asker.get("organization/delete", id=2)) == 0
    assert [one.id for one in asker.pbx.organizations.all()] == [1, 3]
    assert (departments(asker, "1004"), departments(asker, "1005")) == ((1,), (3,))


def test_the_root_and_unknown_departments_are_not_deleted() -> None:
    asker = with_tree()
    assert errcode(asker.get("organization/delete", id=1)) == 40002
    assert errcode(asker.get("organization/delete", id=99)) == 60001
    asker.vary(unknown_id_on_delete_errcode=40002)
    assert errcode(asker.get("organization/delete", id=99)) == 40002


def test_ids_are_not_given_again() -> None:
    asker = with_tree()
    asker.get("organization/delete", id=4)
    assert asker.post("organization/create", {"name": "Helpdesk", "parent_id": 2})["id"] == 5


@pytest.mark.parametrize(
    ("model", "capacity", "layers"), [("P550", None, 15), ("Software", 500, 15), ("Software", 600, 20)]
)
@pytest.mark.parametrize("root_counts", [False, True])
def test_layers_are_limited(model: str, capacity: int | None, layers: int, root_counts: bool) -> None:
    asker = logged_in(model=model, extension_capacity=capacity)
    asker.vary(organization_limits_count_root=root_counts)
    deepest = layers - root_counts
    parent = 1
    for layer in range(deepest):
        parent = asker.post("organization/create", {"name": f"Layer {layer}", "parent_id": parent})["id"]
    assert asker.post("organization/create", {"name": "Too deep", "parent_id": parent}) == {
        "errcode": 60002,
        "errmsg": "MAX LIMITATION EXCEEDED",
    }
    beside = asker.post("organization/create", {"name": "Beside", "parent_id": 1})["id"]
    assert errcode(asker.post("organization/update", {"id": beside, "parent_id": parent})) == 60002
    # The chain's top has all the other layers below it: under a sibling it is one layer too many.
    assert errcode(asker.post("organization/update", {"id": 2, "parent_id": beside})) == 60002


@pytest.mark.parametrize("root_counts", [False, True])
def test_departments_are_limited(root_counts: bool) -> None:
    asker = logged_in(model="P550")
    asker.vary(organization_limits_count_root=root_counts)
    for index in range(50 - root_counts):
        assert errcode(asker.post("organization/create", {"name": f"D{index}", "parent_id": 1})) == 0
    assert errcode(asker.post("organization/create", {"name": "More", "parent_id": 1})) == 60002


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_nothing_works_while_organization_management_is_off(endpoint: str) -> None:
    asker = logged_in(organization_management=False)
    assert asker.get(f"organization/{endpoint}", id=1, ids=1) == {"errcode": 70120, "errmsg": "ORGANIZATION DISABLED"}


@pytest.mark.parametrize("endpoint", ["create", "update"])
def test_nothing_is_written_while_organization_management_is_off(endpoint: str) -> None:
    asker = logged_in(organization_management=False)
    assert errcode(asker.post(f"organization/{endpoint}", {"id": 2, "name": "x", "parent_id": 1})) == 70120
    assert errcode(asker.get("system/get_menuoptions", menu="org_list")) == 70120
