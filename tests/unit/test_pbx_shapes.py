# SPDX-License-Identifier: GPL-3.0-or-later
"""The Open API's objects are read with tolerance and written back as they came."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx import shapes
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import IncompleteListError, PbxAnswerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.shapes import OrganizationShape
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import OrganizationReference

IT = OrganizationReference(33, "IT")


@pytest.mark.parametrize(("value", "number"), [(7, 7), ("7", 7), (" 12 ", 12), ("-1", -1), (0, 0)])
def test_integer_or_string_of_digits_is_read(value: object, number: int) -> None:
    assert shapes.parse_integer(value, "id") == number


@pytest.mark.parametrize("value", [None, "", "x", True, 1.5, "1.5", [], "٣", "--1"])
def test_anything_else_is_no_integer(value: object) -> None:
    assert shapes.parse_optional_integer(value) is None
    with pytest.raises(PbxAnswerError, match="usable capacity"):
        shapes.parse_integer(value, "capacity")


@pytest.mark.parametrize(
    "element",
    [
        {"value": "33", "text": "IT"},
        {"id": 33, "name": "IT", "parent_id": 1, "order": 1},
        {"value": 33, "name": "IT"},
        {"id": "33", "text": "IT"},
    ],
)
def test_organization_is_read_in_every_shape_and_written_as_it_came(element: dict[str, Any]) -> None:
    assert shapes.parse_organizations([element]) == (IT,)
    shape = OrganizationShape()
    shape.learn([element])
    assert shape.write([IT]) == [element]


def test_plain_ids_are_organizations_without_a_name() -> None:
    assert shapes.parse_organizations([33, "34"]) == (OrganizationReference(33, ""), OrganizationReference(34, ""))
    shape = OrganizationShape()
    shape.learn([33])
    assert shape.write([IT]) == [33]


def test_organization_is_written_as_value_and_text_before_anything_was_learned() -> None:
    assert OrganizationShape().write([IT]) == [{"value": "33", "text": "IT"}]


def test_first_answer_decides_the_shape_of_an_organization_never_seen() -> None:
    shape = OrganizationShape()
    shape.learn([])
    shape.learn(None)
    shape.learn([{"id": 1, "name": "Example Ltd", "parent_id": 0, "order": 1}])
    assert shape.write([IT]) == [{"id": 33, "name": "IT"}]


@pytest.mark.parametrize("value", ["33", {"value": "33"}, [{"text": "IT"}], [None]])
def test_organization_list_that_is_none_is_an_error(value: object) -> None:
    with pytest.raises(PbxAnswerError, match="organization_list"):
        shapes.parse_organizations(value)


def test_extension_is_read_from_detail_with_the_row_for_what_it_leaves_out() -> None:
    row = {"id": 54, "number": "1201", "email_addr": "old@example.test", "caller_id_name": "Anna Adler"}
    detail = {"id": "54", "first_name": "Anna", "last_name": None, "email_addr": "a@example.test", "reg_name": ""}
    extension = shapes.parse_extension(detail, row)
    assert (extension.id, extension.number, extension.registration_name) == (54, "1201", None)
    assert extension.fields == {
        "first_name": "Anna",
        "last_name": "",
        "email_addr": "a@example.test",
        "mobile_number": "",
        "title": "",
    }


@pytest.mark.parametrize("detail", [{"id": 1}, {"number": "1201"}, {"id": "x", "number": "1201"}])
def test_extension_without_id_or_number_is_an_error(detail: dict[str, Any]) -> None:
    with pytest.raises(PbxAnswerError):
        shapes.parse_extension(detail)


@pytest.mark.parametrize("answer", [{}, {"total_number": None}, {"total_number": -1}, {"total_number": "many"}])
def test_list_without_total_is_not_proved(answer: dict[str, Any]) -> None:
    with pytest.raises(IncompleteListError, match="total_number"):
        shapes.parse_total(answer, "extension/list")


@pytest.mark.parametrize("value", [None, "x", [1], 5])
def test_rows_that_are_no_objects_are_an_error(value: object) -> None:
    with pytest.raises(PbxAnswerError, match="'data'"):
        shapes.parse_rows({"data": value}, "data", "extension/list")


def test_object_and_array_of_one_are_the_same() -> None:
    assert shapes.parse_object({"data": {"id": 1}}, "data", "x") == {"id": 1}
    assert shapes.parse_object({"data": [{"id": 1}]}, "data", "x") == {"id": 1}
    assert shapes.parse_rows({"data": {"id": 1}}, "data", "x") == [{"id": 1}]
    with pytest.raises(PbxAnswerError, match="2 objects"):
        shapes.parse_object({"data": [{}, {}]}, "data", "x")
