# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's paths, methods, bodies, system calls and preferences."""

from __future__ import annotations

import time

import pytest

from lab.pbx.api import ROUTES
from lab.pbx.settings import MODELS, Settings
from tests.unit.emulator_calls import Asker, errcode, invalid_fields, logged_in


@pytest.mark.parametrize("endpoint", sorted(ROUTES))
def test_the_wrong_method_and_a_path_too_long_do_not_exist(endpoint: str) -> None:
    asker = logged_in()
    wrong = asker.get(endpoint) if ROUTES[endpoint].method == "POST" else asker.post(endpoint, {})
    assert wrong == {"errcode": 10001, "errmsg": "INTERFACE NOT EXISTED"}
    assert errcode(asker.get(endpoint + "/more")) == 10001


@pytest.mark.parametrize("endpoint", sorted(name for name, route in ROUTES.items() if route.needs_token))
def test_no_endpoint_works_without_a_token(endpoint: str) -> None:
    asker = logged_in()
    ask = asker.get if ROUTES[endpoint].method == "GET" else lambda one, **more: asker.post(one, {}, **more)
    assert errcode(ask(endpoint, token="")) == 10004


@pytest.mark.parametrize("path", ["extension_group/list", "cdr/list", "", "EXTENSION/LIST"])
def test_unknown_paths_do_not_exist(path: str) -> None:
    assert errcode(logged_in().get(path)) == 10001


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff", b"null"])
def test_a_body_that_is_no_json_object_is_a_syntax_error(body: bytes) -> None:
    payload = logged_in().post_bytes("extension/update", body)
    assert payload == {"errcode": 40001, "errmsg": "PARAMETER SYNTAX ERROR"}


def test_a_body_that_is_not_called_json_is_a_syntax_error() -> None:
    asker = logged_in()
    assert errcode(asker.post_bytes("extension/update", b'{"id": 9}', "text/plain")) == 40001
    assert errcode(asker.post_bytes("extension/update", b'{"id": 9}', "application/json; charset=utf-8")) == 60001


def test_the_token_comes_before_the_body() -> None:
    asker = Asker()
    assert errcode(asker.post_bytes("extension/update", b"{")) == 10004


@pytest.mark.parametrize("model", sorted(MODELS))
def test_information_and_capacity_follow_the_model(model: str) -> None:
    asker = logged_in(model=model)
    asker.pbx.seed_extensions(3)
    asker.clock.advance(60)
    data = asker.get("system/information")["data"]
    assert data["model_name"] == MODELS[model].model_name
    assert data["sn"] == asker.pbx.settings.serial_number
    assert data["firmware_version"].startswith("83." if model == "Software" else "37.")
    assert data["up_time"] == 60
    assert abs(data["timestamp"] - time.time() - 60) < 30
    assert asker.get("system/capacity")["data"] == {
        "extension_capacity": MODELS[model].extensions,
        "extension_used": 3,
        "cc_capacity": MODELS[model].concurrent_calls,
        "cc_used": 0,
    }


@pytest.mark.parametrize(
    ("model", "capacity", "departments", "layers"),
    [
        ("P550", None, 50, 15),
        ("P560", None, 200, 15),
        ("P570", None, 500, 15),
        ("Software", 500, 100, 15),
        ("Software", 501, 1000, 20),
    ],
)
def test_departments_follow_the_model_and_the_licence(
    model: str, capacity: int | None, departments: int, layers: int
) -> None:
    settings = Settings(model=model, extension_capacity=capacity)
    assert (settings.departments_max, settings.layers_max) == (departments, layers)


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ValueError, match="P520"):
        Settings(model="P520")


def test_firmware_can_be_another() -> None:
    assert logged_in(firmware_version="37.6.0.1").get("system/information")["data"]["firmware_version"] == "37.6.0.1"


def test_menus() -> None:
    asker = logged_in()
    asker.pbx.seed_extension("1201", first_name="Anna", last_name="Adler")
    asker.pbx.seed_organization("IT")
    assert asker.get("system/get_menuoptions", menu="role")["data"][:2] == [
        {"text": "None", "value": "0"},
        {"text": "Administrator", "value": "1"},
    ]
    assert asker.get("system/get_menuoptions", menu="extension")["data"] == [{"text": "1201-Anna Adler", "value": "1"}]
    assert asker.get("system/get_menuoptions", menu="ext_group")["data"] == [
        {"text": "Default_All_Extensions", "value": "1"}
    ]
    assert asker.get("system/get_menuoptions", menu="org_list")["data"] == [
        {"text": "Example Ltd", "value": "1", "item": [{"text": "IT", "value": "2", "item": []}]}
    ]
    assert asker.get("system/get_menuoptions", menu="trunk")["data"] == []
    assert invalid_fields(asker.get("system/get_menuoptions")) == {"menu": "required"}
    assert invalid_fields(asker.get("system/get_menuoptions", menu="pizza")) == {"menu": "enum"}
    assert invalid_fields(asker.get("system/get_menuoptions", menu="queue_agent")) == {"id": "required"}
    assert errcode(asker.get("system/get_menuoptions", menu="queue_agent", id=1)) == 60001


def test_menus_of_queues() -> None:
    asker = logged_in()
    asker.pbx.seed_extension("1201", first_name="Anna", last_name="Adler")
    queue_id = asker.pbx.add_queue("6400", ["1201"], name="Sales")
    assert asker.get("system/get_menuoptions", menu="queue")["data"] == [{"text": "Sales", "value": "1"}]
    assert asker.get("system/get_menuoptions", menu="queue_agent", id=queue_id)["data"] == [
        {"text": "1201-Anna Adler", "value": "1"}
    ]


def test_the_company_name_is_the_root_organizations() -> None:
    asker = logged_in(company_name="Old Ltd")
    assert asker.get("preference/get")["data"] == {
        "company_name": "Old Ltd",
        "enb_organization_status": 1,
        "name_disp_fmt": "first_last",
    }
    assert errcode(asker.post("preference/update", {"company_name": "New Ltd"})) == 0
    assert asker.get("organization/list")["organization_list"][0]["name"] == "New Ltd"


def test_older_firmware_has_no_preferences() -> None:
    asker = logged_in(company_name="Old Ltd")
    asker.vary(preference_api=False)
    assert errcode(asker.get("preference/get")) == 10001
    assert errcode(asker.post("preference/update", {"company_name": "New Ltd"})) == 10001
    assert asker.pbx.organizations.root.name == "Old Ltd"


def test_organization_management_can_be_switched() -> None:
    asker = logged_in()
    asker.post("preference/update", {"enb_organization_status": 0})
    assert asker.get("preference/get")["data"]["enb_organization_status"] == 0
    assert errcode(asker.get("organization/list")) == 70120
    asker.post("preference/update", {"enb_organization_status": 1})
    assert errcode(asker.get("organization/list")) == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"company_name": ""}, "company_name"),
        ({"company_name": "x" * 128}, "company_name"),
        ({"enb_organization_status": 2}, "enb_organization_status"),
        ({"enb_organization_status": True}, "enb_organization_status"),
        ({"name_disp_fmt": "upside_down"}, "name_disp_fmt"),
    ],
)
def test_wrong_preferences_are_refused(body: dict[str, object], field: str) -> None:
    assert list(invalid_fields(logged_in().post("preference/update", body))) == [field]


@pytest.mark.parametrize(
    ("display_format", "shown"),
    [("first_last", "Anna Adler"), ("last_first", "Adler Anna"), ("lastfirst", "AdlerAnna")],
)
def test_names_are_shown_in_the_chosen_format(display_format: str, shown: str) -> None:
    asker = logged_in()
    asker.pbx.seed_extension("1201", first_name="Anna", last_name="Adler")
    asker.post("preference/update", {"name_disp_fmt": display_format})
    assert asker.get("extension/list")["data"][0]["caller_id_name"] == shown


def test_integers_can_all_be_strings() -> None:
    asker = logged_in()
    asker.pbx.seed_extension("1201")
    asker.vary(integers_as_strings=True)
    listed = asker.get("extension/list")
    assert listed["errcode"] == 0
    assert listed["total_number"] == "1"
    assert listed["data"][0]["id"] == "1"
    assert listed["data"][0]["online_status"]["fxs_phone"]["status"] == "0"
    assert asker.get("organization/list")["organization_list"][0]["id"] == "1"
    assert asker.get("system/capacity")["data"]["extension_used"] == "1"


def test_a_refused_value_can_be_echoed() -> None:
    asker = logged_in()
    asker.vary(invalid_value_echoed=True)
    payload = asker.post("extension/update", {"id": 1, "user_password": "short"})
    assert payload["invalid_param_list"] == [
        {"field": "user_password", "validation_type": "length", "value": "short"},
    ]
    missing = asker.post("extension/update", {})["invalid_param_list"]
    assert missing == [{"field": "id", "validation_type": "required"}]
