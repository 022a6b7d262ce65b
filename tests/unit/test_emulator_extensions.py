# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's extension endpoints: reading, every rule of writing, uniqueness, variants."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.unit.emulator_calls import NEW_EXTENSION, Asker, errcode, invalid_fields, logged_in

LONG_EMAIL = "a" * 243 + "@example.test"


def create(asker: Asker, **changes: Any) -> dict[str, Any]:
    """create with a valid body, but for `changes`; a change to None leaves the field out."""
    body = {name: value for name, value in {**NEW_EXTENSION, **changes}.items() if value is not None}
    return asker.post("extension/create", body)


def detail(asker: Asker, extension_id: int = 1) -> dict[str, Any]:
    """The answer's data of extension/get."""
    data: dict[str, Any] = asker.get("extension/get", id=extension_id)["data"]
    return data


# Reading


def test_a_created_extension_is_listed_and_shown_in_detail() -> None:
    asker = logged_in()
    assert create(asker) == {"errcode": 0, "errmsg": "SUCCESS", "id": 1}
    listed = asker.get("extension/list")
    assert listed["total_number"] == 1
    row = listed["data"][0]
    assert row.pop("online_status").keys() == {
        "fxs_phone",
        "sip_phone",
        "linkus_desktop",
        "linkus_mobile",
        "linkus_web",
    }
    assert row == {
        "id": 1,
        "presence_status": "available",
        "number": "1201",
        "caller_id_name": "Anna Adler",
        "role_name": "None",
        "email_addr": "anna@example.test",
        "mobile_number": "+4915100000001",
    }
    shown = detail(asker)
    for name, value in NEW_EXTENSION.items():
        if name not in ("user_password", "reg_password", "organization_list"):
            assert shown[name] == value
    assert shown["organization_list"] == [{"text": "Example Ltd", "value": "1"}]
    assert not {"user_password", "reg_password", "vm_pin"} & shown.keys()


@pytest.mark.parametrize(
    ("page", "size", "numbers"),
    [(1, 2, ["1000", "1001"]), (2, 2, ["1002", "1003"]), (3, 2, ["1004"]), (4, 2, []), (1, 9, None)],
)
def test_pages(page: int, size: int, numbers: list[str] | None) -> None:
    asker = logged_in()
    asker.pbx.seed_extensions(5)
    payload = asker.get("extension/list", page=page, page_size=size)
    assert payload["total_number"] == 5
    expected = ["1000", "1001", "1002", "1003", "1004"] if numbers is None else numbers
    assert [row["number"] for row in payload["data"]] == expected


@pytest.mark.parametrize("arguments", [{"page": "0"}, {"page_size": "0"}, {"page": "x"}, {"page_size": "-1"}])
def test_pages_that_are_no_positive_number_are_refused(arguments: dict[str, str]) -> None:
    assert invalid_fields(logged_in().get("extension/list", **arguments)).keys() == arguments.keys()


def test_the_page_size_is_capped_or_refused_and_has_a_default() -> None:
    asker = logged_in()
    asker.pbx.seed_extensions(5)
    asker.vary(page_size_default=3, page_size_cap=4)
    assert len(asker.get("extension/list")["data"]) == 3
    assert len(asker.get("extension/list", page_size=5)["data"]) == 4
    assert [row["id"] for row in asker.get("extension/list", page_size=5, page=2)["data"]] == [5]
    asker.vary(page_size_beyond_cap="refused")
    assert invalid_fields(asker.get("extension/list", page_size=5)) == {"page_size": "range"}
    assert len(asker.get("extension/list", page_size=4)["data"]) == 4


@pytest.mark.parametrize(
    ("column", "ascending"),
    [
        ("id", ["1200", "1300", "1100"]),
        ("number", ["1100", "1200", "1300"]),
        ("caller_id_name", ["1300", "1100", "1200"]),
        ("email_addr", ["1200", "1100", "1300"]),
        ("mobile_number", ["1100", "1300", "1200"]),
        ("presence_status", ["1300", "1200", "1100"]),
    ],
)
def test_sorting(column: str, ascending: list[str]) -> None:
    asker = logged_in()
    seeds = [
        ("1200", "Cora", "a@example.test", "3", "away"),
        ("1300", "Anna", "c@example.test", "2", "available"),
        ("1100", "Bert", "b@example.test", "1", "lunch"),
    ]
    for number, name, address, mobile, presence in seeds:
        asker.pbx.seed_extension(
            number, first_name=name, email_addr=address, mobile_number=mobile, presence_status=presence
        )
    for order, expected in (("asc", ascending), ("desc", ascending[::-1])):
        payload = asker.get("extension/list", sort_by=column, order_by=order)
        assert [row["number"] for row in payload["data"]] == expected


@pytest.mark.parametrize("arguments", [{"sort_by": "title"}, {"order_by": "up"}])
def test_unknown_orders_are_refused(arguments: dict[str, str]) -> None:
    assert invalid_fields(logged_in().get("extension/list", **arguments)).keys() == arguments.keys()


def test_search() -> None:
    asker = logged_in()
    asker.pbx.seed_extension("1201", first_name="Anna", last_name="Adler", email_addr="x@example.test")
    asker.pbx.seed_extension("1302", first_name="Bert", last_name="Berg")
    wanted = {"120": ["1201"], "aDLer": ["1201"], "er": ["1201", "1302"], "nobody": [], "x@example": []}
    for value, numbers in wanted.items():
        payload = asker.get("extension/search", search_value=value)
        assert [row["number"] for row in payload["data"]] == numbers
        assert payload["total_number"] == len(numbers)
    assert asker.get("extension/search") == asker.get("extension/list")
    asker.vary(search_columns=["email_addr"])
    assert asker.get("extension/search", search_value="X@EXAMPLE")["total_number"] == 1
    assert asker.get("extension/search", search_value="Anna")["total_number"] == 0


def test_query_answers_the_known_ids_or_refuses() -> None:
    asker = logged_in()
    asker.pbx.seed_extensions(4)
    assert [one["id"] for one in asker.get("extension/query", ids="3,1,77,3")["data"]] == [3, 1]
    asker.vary(query_unknown_ids="refused")
    assert errcode(asker.get("extension/query", ids="3,77")) == 60001
    assert errcode(asker.get("extension/query", ids="3")) == 0


@pytest.mark.parametrize(("ids", "rule"), [("", "required"), ("1,x", "type"), ("1,,2", "type"), ("1 2", "type")])
def test_query_ids_are_numbers(ids: str, rule: str) -> None:
    assert invalid_fields(logged_in().get("extension/query", ids=ids)) == {"ids": rule}


def test_too_many_ids_are_refused_or_truncated() -> None:
    asker = logged_in()
    asker.pbx.seed_extensions(4)
    asker.vary(query_ids_max=3)
    assert len(asker.get("extension/query", ids="1,2,3")["data"]) == 3
    assert invalid_fields(asker.get("extension/query", ids="1,2,3,4")) == {"ids": "length"}
    asker.vary(query_ids_beyond_max="truncated")
    assert [one["id"] for one in asker.get("extension/query", ids="4,3,2,1")["data"]] == [4, 3, 2]


def test_get_needs_a_known_id() -> None:
    asker = logged_in()
    assert invalid_fields(asker.get("extension/get")) == {"id": "required"}
    assert invalid_fields(asker.get("extension/get", id="x")) == {"id": "type"}
    assert errcode(asker.get("extension/get", id=5)) == 60001
    asker.vary(unknown_id_errcode=40002)
    assert errcode(asker.get("extension/get", id=5)) == 40002
    assert errcode(asker.post("extension/update", {"id": 5})) == 40002


def test_the_registration_password_can_be_read_and_the_user_password_cannot() -> None:
    asker = logged_in()
    create(asker, vm_pin="4711")
    read = asker.get("extension/getpassword", id=1, type="reg_password")
    assert base64.b64decode(read["password"]) == b"R9xkLm2PqZ"
    assert base64.b64decode(asker.get("extension/getpassword", id=1, type="vm_pin")["password"]) == b"4711"
    for kind in ("user_password", "earlier_user_passwords"):
        assert invalid_fields(asker.get("extension/getpassword", id=1, type=kind)) == {"type": "enum"}
    assert invalid_fields(asker.get("extension/getpassword", id=1)) == {"type": "required"}
    assert errcode(asker.get("extension/getpassword", id=9, type="vm_pin")) == 60001


def test_lists_and_details_can_have_more_and_less() -> None:
    asker = logged_in()
    create(asker)
    asker.vary(list_adds=["title", "nothing"], list_leaves_out=["email_addr"], detail_leaves_out=["reg_name"])
    row = asker.get("extension/list")["data"][0]
    assert row["title"] == "Controller"
    assert not {"email_addr", "nothing"} & row.keys()
    assert "reg_name" not in detail(asker)
    asker.vary(detail_returns_user_password=True, detail_lists_groups=True)
    assert detail(asker)["user_password"] == NEW_EXTENSION["user_password"]
    assert detail(asker)["group_list"] == [{"text": "Default_All_Extensions", "value": "1"}]


def test_departments_can_be_shown_as_organizations_are() -> None:
    asker = logged_in()
    create(asker)
    asker.vary(organization_info="id")
    assert detail(asker)["organization_list"] == [{"id": 1, "name": "Example Ltd", "parent_id": 0, "order": 1}]


# Creating


@pytest.mark.parametrize(
    "field",
    [
        "type",
        "user_password",
        "number",
        "reg_name",
        "reg_password",
        "concurrent_registrations",
        "presence_status",
        "organization_list",
    ],
)
@pytest.mark.parametrize("how", ["absent", "null"])
def test_required_fields(field: str, how: str) -> None:
    asker = logged_in()
    body = {**NEW_EXTENSION, field: None}
    if how == "absent":
        del body[field]
    assert invalid_fields(asker.post("extension/create", body)) == {field: "required"}
    assert len(asker.pbx.extensions) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"first_name": None},
        {"last_name": None},
        {"first_name": "x" * 63, "last_name": 'Zoë 李 😀 O\'Neil, "Jr" & <Co>'},
        {"email_addr": None},
        {"email_addr": ""},
        {"email_addr": "_o'neil-x.y@mail.example.test"},
        {"email_addr": LONG_EMAIL[1:]},
        {"mobile_number": "(030)12-34.5+*#Ab"},
        {"mobile_number": "1" * 31},
        {"user_password": "aB3" + "x" * 60},
        {"role_id": 6},
        {"role_id": None},
        {"title": "x" * 500},
        {"email_language": "de"},
        {"user_lang": "en", "vm_lang": "en"},
        {"number": "1"},
        {"number": "12345678"},
        {"number": "9999"},
        {"caller_id": None},
        {"reg_name": "x" * 63},
        {"reg_password": "x" * 8},
        {"reg_password": "x" * 63},
        {"concurrent_registrations": 5},
        {"presence_status": "do_not_disturb"},
        {"presence_list": [{"status": "away"}]},
        {"presence_mobile_prefix": "9", "agent_id": "7"},
        {"enb_vm": 0, "enb_vm_pin": 0, "vm_pin": "1234"},
        {"group_list": [1], "unheard_of": {}},
    ],
    ids=str,
)
def test_accepted_values(changes: dict[str, Any]) -> None:
    asker = logged_in()
    assert errcode(create(asker, **changes)) == 0
    for name, value in changes.items():
        if name not in ("user_password", "reg_password", "vm_pin", "group_list", "unheard_of") and value is not None:
            assert detail(asker)[name] == value


REFUSED = [
    ("type", "FXS", "enum"),
    ("first_name", "x" * 64, "length"),
    ("first_name", 5, "type"),
    ("first_name", "\ud800", "format"),
    ("last_name", "x" * 64, "length"),
    ("email_addr", LONG_EMAIL, "length"),
    ("email_addr", "anna", "format"),
    ("email_addr", "anna@example", "format"),
    ("email_addr", "anna@example.t", "format"),
    ("email_addr", "anna+x@example.test", "format"),
    ("email_addr", "-anna@example.test", "format"),
    ("email_addr", "änna@example.test", "format"),
    ("email_addr", "anna@example.test\n", "format"),
    ("mobile_number", "1" * 32, "length"),
    ("mobile_number", "+49 151 000", "format"),
    ("mobile_number", "030/1234", "format"),
    ("user_password", "Hk7rTq29L", "length"),
    ("user_password", "aB3" + "x" * 61, "length"),
    ("user_password", "hk7rtq29lm", "format"),
    ("user_password", "HK7RTQ29LM", "format"),
    ("user_password", "HkxrTqxxLm", "format"),
    ("user_password", 1234567890, "type"),
    ("role_id", "0", "type"),
    ("role_id", True, "type"),
    ("role_id", -1, "range"),
    ("organization_list", "1", "type"),
    ("organization_list", [1], "format"),
    ("organization_list", [{"text": "IT"}], "format"),
    ("organization_list", [{"value": "x"}], "format"),
    ("organization_list", [{"value": True}], "format"),
    ("organization_list", [], "required"),
    ("title", 7, "type"),
    ("email_language", "xx", "enum"),
    ("user_lang", 1, "type"),
    ("vm_lang", 1, "type"),
    ("number", "123456789", "length"),
    ("number", "12a4", "format"),
    ("number", "+1234", "format"),
    ("number", "١٢٣", "format"),
    ("number", 1201, "type"),
    ("caller_id", "1" * 32, "length"),
    ("caller_id", "12 01", "format"),
    ("reg_name", "x" * 64, "length"),
    ("reg_password", "x" * 7, "length"),
    ("reg_password", "x" * 64, "length"),
    ("concurrent_registrations", 0, "range"),
    ("concurrent_registrations", 6, "range"),
    ("concurrent_registrations", "1", "type"),
    ("presence_status", "sleeping", "enum"),
    ("presence_list", {}, "type"),
    ("presence_mobile_prefix", " ", "format"),
    ("agent_id", 4, "type"),
    ("enb_vm", 2, "range"),
    ("enb_vm", True, "type"),
    ("enb_vm_pin", "1", "type"),
    ("vm_pin", "12ab", "format"),
]


@pytest.mark.parametrize(("field", "value", "rule"), REFUSED, ids=str)
def test_refused_values_on_create(field: str, value: Any, rule: str) -> None:
    asker = logged_in()
    assert invalid_fields(create(asker, **{field: value})) == {field: rule}
    assert len(asker.pbx.extensions) == 0


@pytest.mark.parametrize(("field", "value", "rule"), [row for row in REFUSED if row[0] not in ("type", "number")])
def test_refused_values_on_update(field: str, value: Any, rule: str) -> None:
    asker = logged_in()
    create(asker)
    before = asker.pbx.extensions.get(1)
    assert invalid_fields(asker.post("extension/update", {"id": 1, field: value})) == {field: rule}
    assert asker.pbx.extensions.get(1) == before


def test_all_wrong_fields_are_named_at_once() -> None:
    payload = create(logged_in(), number="x", title=7, reg_name=None)
    assert invalid_fields(payload) == {"reg_name": "required", "number": "format", "title": "type"}


def test_the_caller_id_defaults_to_the_number() -> None:
    asker = logged_in()
    create(asker, caller_id=None)
    assert detail(asker)["caller_id"] == "1201"


def test_a_name_is_needed_or_defaults_to_the_number() -> None:
    asker = logged_in()
    nameless = {"first_name": "", "last_name": None}
    assert invalid_fields(create(asker, **nameless)) == {"first_name": "required"}
    asker.vary(name_missing="number")
    assert errcode(create(asker, **nameless)) == 0
    assert detail(asker)["first_name"] == "1201"
    assert invalid_fields(asker.post("extension/update", {"id": 1, "first_name": ""})) == {"first_name": "required"}


@pytest.mark.parametrize(
    ("variants", "changes", "rule"),
    [
        ({"concurrent_registrations_max": 3}, {"concurrent_registrations": 4}, "range"),
        ({"number_digits_max": 7}, {"number": "12345678"}, "length"),
        ({"title_length_max": 64}, {"title": "x" * 65}, "length"),
        ({"name_forbidden_characters": "&<"}, {"first_name": "A & B"}, "format"),
        ({"user_password_length_min": 12}, {"user_password": "Hk7rTq29Lmx"}, "length"),
        ({"reg_password_length_min": 12}, {"reg_password": "x" * 11}, "length"),
        ({"user_range_enforced": True}, {"number": "6000"}, "range"),
        ({"user_range_enforced": True}, {"number": "999"}, "range"),
        ({"cloud_password_rules": True}, {"user_password": "Hk1234Tq29"}, "format"),
        ({"cloud_password_rules": True}, {"user_password": "Hk9876Tq29"}, "format"),
        ({"cloud_password_rules": True}, {"user_password": "Hk7777Tq29"}, "format"),
        ({"cloud_password_rules": True}, {"user_password": "Hk1201TqLm"}, "format"),
        ({"cloud_password_rules": True}, {"user_password": "Hk7rANNA29"}, "format"),
        ({"cloud_password_rules": True}, {"user_password": "Hk7radler2"}, "format"),
        ({"passwords_in_base64": True}, {"reg_password": "!" * 12}, "format"),
        ({"nested_shapes_accepted": "own"}, {"organization_list": [{"id": 1}]}, "format"),
        (
            {"nested_shapes_accepted": "own", "organization_info": "id"},
            {"organization_list": [{"value": "1"}]},
            "format",
        ),
        ({"organization_info_needs_name": True}, {"organization_list": [{"value": "1"}]}, "required"),
    ],
    ids=str,
)
def test_variants_that_refuse(variants: dict[str, Any], changes: dict[str, Any], rule: str) -> None:
    default = logged_in()
    if "passwords_in_base64" not in variants and variants.get("organization_info") != "id":
        assert errcode(create(default, **changes)) == 0
    asker = logged_in()
    asker.vary(**variants)
    if "passwords_in_base64" in variants:
        changes = {**changes, "user_password": base64.b64encode(b"Hk7rTq29Lm").decode()}
    assert invalid_fields(create(asker, **changes)) == {next(iter(changes)): rule}


def test_numbers_within_the_user_range_are_accepted_where_it_is_enforced() -> None:
    asker = logged_in(user_range=(2000, 2999))
    asker.vary(user_range_enforced=True)
    assert errcode(create(asker, number="2000")) == 0
    assert invalid_fields(create(asker, number="1999")) == {"number": "range"}


def test_passwords_can_travel_in_base64() -> None:
    asker = logged_in()
    asker.vary(passwords_in_base64=True)
    encoded = {
        field: base64.b64encode(NEW_EXTENSION[field].encode()).decode() for field in ("user_password", "reg_password")
    }
    assert errcode(create(asker, **encoded)) == 0
    extension = asker.pbx.extensions.get(1)
    assert extension is not None
    assert extension.user_password == NEW_EXTENSION["user_password"]
    assert invalid_fields(create(asker)) == {"user_password": "format"}


def test_either_shape_of_a_department_is_accepted() -> None:
    asker = logged_in()
    department = asker.pbx.seed_organization("IT")
    elements: list[dict[str, Any]] = [{"value": str(department)}, {"id": 1}, {"id": department, "name": "IT"}]
    assert errcode(create(asker, organization_list=elements)) == 0
    assert [one["value"] for one in detail(asker)["organization_list"]] == ["2", "1"]


def test_unknown_departments_and_roles() -> None:
    asker = logged_in()
    assert errcode(create(asker, organization_list=[{"value": "9"}])) == 60001
    assert create(asker, role_id=7) == {"errcode": 60101, "errmsg": "ROLE NOT EXISTED"}
    assert len(asker.pbx.extensions) == 0


def test_departments_while_organization_management_is_off() -> None:
    asker = logged_in(organization_management=False)
    assert create(asker) == {"errcode": 70120, "errmsg": "ORGANIZATION DISABLED"}
    assert errcode(create(asker, organization_list=None)) == 0
    assert detail(asker)["organization_list"] == []
    assert errcode(asker.post("extension/update", {"id": 1, "organization_list": [{"value": "1"}]})) == 70120
    asker.post("preference/update", {"enb_organization_status": 1})
    assert detail(asker)["organization_list"] == [{"text": "Example Ltd", "value": "1"}]


def test_a_full_pbx_takes_no_more() -> None:
    asker = logged_in(extension_capacity=1)
    assert errcode(create(asker)) == 0
    another = {"number": "1202", "reg_name": "x", "email_addr": ""}
    assert create(asker, **another) == {"errcode": 60002, "errmsg": "MAX LIMITATION EXCEEDED"}
    asker.get("extension/delete", id=1)
    assert errcode(create(asker, **another)) == 0


def test_success_can_come_without_an_id() -> None:
    asker = logged_in()
    asker.vary(create_returns_id=False)
    assert create(asker) == {"errcode": 0, "errmsg": "SUCCESS"}
    body = {"name": "Sales", "member_select": "sel_all_ext"}
    assert asker.post("extensiongroup/create", body) == {"errcode": 0, "errmsg": "SUCCESS"}


# Uniqueness


def other(**changes: Any) -> dict[str, Any]:
    """Changes that make NEW_EXTENSION another one, but for `changes`."""
    return {"number": "1202", "email_addr": "bert@example.test", "reg_name": "bert", **changes}


@pytest.mark.parametrize(
    ("field", "value", "source", "name"),
    [
        ("number", "1201", "extension", "1201"),
        ("number", "6200", "ivr", "6200"),
        ("number", "6400", "queue", "Support"),
        ("email_addr", "ANNA@Example.test", "extension", "1201"),
        ("email_addr", "Admin@example.test", "administrator", "chief"),
        ("reg_name", "anna1201x", "extension", "1201"),
    ],
)
def test_duplicates_name_their_owner(field: str, value: str, source: str, name: str) -> None:
    asker = logged_in(administrators={"chief": "admin@example.test"})
    asker.pbx.seed_number("6200", "ivr")
    asker.pbx.seed_number("6400", "queue", "Support")
    create(asker)
    expected = {
        "errcode": 40003,
        "errmsg": "DUPLICATE KEY VALUE",
        "submsg": "Extension create fail for duplicate fields",
        "duplicate_field_list": [
            {"field": field, "value": value, "external_source": source, "external_source_name": name}
        ],
    }
    assert create(asker, **other(**{field: value})) == expected
    assert len(asker.pbx.extensions) == 1
    if field != "number":
        assert errcode(create(asker, **other())) == 0
        updated = asker.post("extension/update", {"id": 2, field: value})
        assert updated == {**expected, "submsg": "Extension update fail for duplicate fields"}


def test_all_duplicates_are_named_at_once() -> None:
    asker = logged_in()
    create(asker)
    fields = [one["field"] for one in create(asker)["duplicate_field_list"]]
    assert fields == ["number", "email_addr", "reg_name"]


def test_two_extensions_may_be_without_address() -> None:
    asker = logged_in()
    assert errcode(create(asker, email_addr="")) == 0
    assert errcode(create(asker, **other(email_addr=None))) == 0


def test_values_are_free_again_after_a_deletion_or_a_change_and_ids_are_not() -> None:
    asker = logged_in()
    create(asker)
    asker.get("extension/delete", id=1)
    assert create(asker)["id"] == 2
    asker.post("extension/update", {"id": 2, "email_addr": "new@example.test", "reg_name": "new"})
    assert create(asker, number="1202")["id"] == 3
    asker.get("extension/delete", id=3)
    assert create(asker, number="1202")["id"] == 4


def test_the_highest_id_is_not_given_again_after_another_extension_changed() -> None:
    asker = logged_in()
    asker.pbx.seed_extensions(2)
    asker.get("extension/delete", id=2)
    asker.post("extension/update", {"id": 1, "title": "x"})
    assert create(asker)["id"] == 3
    asker.pbx.delete_by_hand("1201")
    asker.pbx.change_by_hand("1000", title="y")
    assert asker.pbx.seed_extension("1300") == 4


# Updating


def test_update_merges_and_departments_replace() -> None:
    asker = logged_in()
    create(asker)
    department = asker.pbx.seed_organization("IT")
    before = detail(asker)
    update = {"id": 1, "presence_status": "off_work", "title": "", "unheard_of": 1}
    assert asker.post("extension/update", update) == {"errcode": 0, "errmsg": "SUCCESS"}
    assert detail(asker) == {**before, "presence_status": "off_work", "title": ""}
    asker.post("extension/update", {"id": 1, "organization_list": [{"value": str(department)}]})
    assert detail(asker)["organization_list"] == [{"text": "IT", "value": "2"}]
    assert detail(asker)["presence_status"] == "off_work"


def test_an_extension_may_keep_its_own_address_in_other_letter_case() -> None:
    asker = logged_in()
    create(asker)
    assert errcode(asker.post("extension/update", {"id": 1, "email_addr": "Anna@Example.test"})) == 0
    assert detail(asker)["email_addr"] == "Anna@Example.test"
    assert errcode(create(asker, **other(email_addr="anna@example.test"))) == 40003


@pytest.mark.parametrize("extension_id", ["1", True, None, 1.0])
def test_the_id_of_an_update_is_an_integer(extension_id: Any) -> None:
    asker = logged_in()
    create(asker)
    assert invalid_fields(asker.post("extension/update", {"id": extension_id})).keys() == {"id"}


def test_update_can_require_the_departments() -> None:
    asker = logged_in()
    create(asker)
    asker.vary(update_requires_organization_list=True)
    assert invalid_fields(asker.post("extension/update", {"id": 1, "title": "x"})) == {"organization_list": "required"}


@pytest.mark.parametrize(
    ("variant", "code", "number"), [("ignored", 0, "1201"), ("refused", 40002, "1201"), ("accepted", 0, "1202")]
)
def test_the_number_in_an_update(variant: str, code: int, number: str) -> None:
    asker = logged_in()
    create(asker)
    asker.vary(number_update=variant)
    assert errcode(asker.post("extension/update", {"id": 1, "number": "1202"})) == code
    assert detail(asker)["number"] == number
    assert asker.pbx.extensions.by_number(number) is not None


def test_an_accepted_number_is_checked_and_frees_the_old_one() -> None:
    asker = logged_in()
    asker.vary(number_update="accepted", user_range_enforced=True)
    create(asker)
    create(asker, **other())
    assert errcode(asker.post("extension/update", {"id": 1, "number": "1202"})) == 40003
    assert invalid_fields(asker.post("extension/update", {"id": 1, "number": "x"})) == {"number": "format"}
    assert invalid_fields(asker.post("extension/update", {"id": 1, "number": "7000"})) == {"number": "range"}
    assert errcode(asker.post("extension/update", {"id": 1, "number": "1300"})) == 0
    assert asker.pbx.extensions.by_number("1201") is None
    assert errcode(create(asker, email_addr="", reg_name="free")) == 0


def test_earlier_passwords_may_be_refused() -> None:
    asker = logged_in()
    asker.vary(password_history=2)
    create(asker)
    first, second, third = NEW_EXTENSION["user_password"], "Second7890", "Third67890"
    assert invalid_fields(asker.post("extension/update", {"id": 1, "user_password": first})) == {
        "user_password": "history"
    }
    for password in (second, third):
        assert errcode(asker.post("extension/update", {"id": 1, "user_password": password})) == 0
    assert errcode(asker.post("extension/update", {"id": 1, "user_password": second})) == 40002
    assert errcode(asker.post("extension/update", {"id": 1, "user_password": first})) == 0


# Deleting, welcome e-mails


def test_delete_takes_the_extension_out_of_everything() -> None:
    asker = logged_in()
    create(asker)
    group = asker.pbx.seed_group("Sales", {1: "user"})
    assert asker.get("extension/delete", id=1) == {"errcode": 0, "errmsg": "SUCCESS"}
    assert asker.get("extension/list")["data"] == []
    assert asker.get("extensiongroup/get", id=group)["data"]["members"] == []
    assert asker.get("organization/list", is_all=1)["organization_list"][0]["ext_list"] == []


def test_delete_of_an_unknown_id() -> None:
    asker = logged_in()
    assert errcode(asker.get("extension/delete", id=1)) == 60001
    asker.vary(unknown_id_on_delete_errcode=40002)
    assert errcode(asker.get("extension/delete", id=1)) == 40002
    assert invalid_fields(asker.get("extension/delete")) == {"id": "required"}
    assert invalid_fields(asker.get("extension/delete", id="1,2")) == {"id": "type"}


def test_an_extension_that_another_object_refers_to_stays() -> None:
    asker = logged_in()
    create(asker)
    asker.pbx.mark_referenced("1201")
    assert errcode(asker.get("extension/delete", id=1)) == 70091
    assert len(asker.pbx.extensions) == 1


def test_welcome_mails_go_to_all_or_none() -> None:
    asker = logged_in()
    asker.pbx.seed_extensions(2)
    asker.pbx.seed_extension("1500")
    send = "extension/send_welcome_email"
    assert errcode(asker.post(send, {"id_list": [1, 99]})) == 60001
    assert errcode(asker.post(send, {"id_list": [1, 3]})) == 40002
    assert invalid_fields(asker.post(send, {"id_list": ["1"]})) == {"id_list": "type"}
    assert invalid_fields(asker.post(send, {"id_list": []})) == {"id_list": "required"}
    assert asker.pbx.welcome_mails == []
    assert asker.post(send, {"id_list": [1, 2]}) == {"errcode": 0, "errmsg": "SUCCESS"}
    assert [mail.email_addr for mail in asker.pbx.welcome_mails] == ["user1000@example.test", "user1001@example.test"]


# By hand


def test_hands_change_what_the_api_would_refuse_but_not_uniqueness() -> None:
    asker = logged_in()
    asker.pbx.seed_extensions(2)
    asker.pbx.change_by_hand("1000", mobile_number="+49 30 / 1", organization_ids=[1])
    assert detail(asker)["mobile_number"] == "+49 30 / 1"
    with pytest.raises(ValueError, match="taken"):
        asker.pbx.change_by_hand("1000", email_addr="USER1001@example.test")
    with pytest.raises(ValueError, match="taken"):
        asker.pbx.seed_extension("1000")
    with pytest.raises(ValueError, match="1000"):
        asker.pbx.seed_number("1000", "queue")
    with pytest.raises(KeyError):
        asker.pbx.delete_by_hand("4000")
    asker.pbx.delete_by_hand("1000")
    assert asker.get("extension/list")["total_number"] == 1
