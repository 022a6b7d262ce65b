# SPDX-License-Identifier: GPL-3.0-or-later
"""pbx_ad_pbx_check on every variant of the emulator: its answers are the variant's, and nothing is left behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import yaml
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx import transport
from ansible_collections.pbxops.yeastar.plugins.modules import pbx_ad_pbx_check

from lab.pbx import api
from lab.pbx.api import ApiRequest
from lab.pbx.emulator import Emulator
from lab.pbx.pbx import Pbx
from lab.pbx.state import State
from lab.pbx.testing import running_emulator
from lab.pbx.variants import Variants
from lab.tls import CertificateAuthority
from tests.integration.modules.site_under_test import Runner, make_runner

_MODULE = "pbx_ad_pbx_check"
_PEOPLE = ("Annegret", "Adlerhorst", "annegret@example.test", "+4915112345678")

# What the check must say of a variant. Those that are not here show in nothing that it may ask, or only elsewhere in
# what it tells; they are tried all the same.
_TOLD: dict[tuple[str, Any], tuple[str, str]] = {
    ("member_info", "reference"): (
        "member_shape",
        '{"value": digits, "type": text, "text": text, "text2": digits, "user_type": text}',
    ),
    ("member_info", "reference_without_user_type"): (
        "member_shape",
        '{"value": digits, "type": text, "text": text, "text2": digits}',
    ),
    ("member_info", "ext_id"): ("member_shape", '{"ext_id": integer, "caller_id_name": text, "user_type": text}'),
    ("organization_info", "value"): ("organization_list_shape", '{"text": text, "value": digits}'),
    ("organization_info", "id"): (
        "organization_list_shape",
        '{"id": integer, "name": text, "parent_id": integer, "order": integer}',
    ),
    ("nested_organization_numbers_as_strings", True): ("nested_parent_id", "texts"),
    ("integers_as_strings", True): ("numbers", "texts"),
    ("create_returns_id", False): ("create_returns_id", "no"),
    ("number_update", "ignored"): ("number_update", "ignored"),
    ("number_update", "refused"): ("number_update", "refused with errcode 40002 for number (readonly)"),
    ("number_update", "accepted"): ("number_update", "accepted"),
    ("update_requires_organization_list", True): (
        "update_without_organization_list",
        "no, errcode 40002 for organization_list (required)",
    ),
    ("passwords_in_base64", True): ("passwords", "in Base64"),
    ("detail_leaves_out", ("number", "reg_name")): ("number_returned", "no"),
    ("detail_returns_user_password", True): ("user_password_returned", "yes"),
    ("search_columns", ("number",)): ("search_columns", "number; not caller_id_name, email_addr, mobile_number"),
    ("page_size_default", 3): ("page_size_default", "3"),
    ("page_size_cap", 3): ("page_size_largest", "3"),
    ("page_size_beyond_cap", "refused"): (
        "page_size_largest",
        "2 accepted, 4 refused with errcode 40002 for page_size (range)",
    ),
    ("query_ids_max", 2): ("query_ids", "2 accepted, 4 refused with errcode 40002 for ids (length)"),
    ("query_ids_beyond_max", "truncated"): ("query_ids", "2 answered of 4"),
    ("query_unknown_ids", "refused"): ("query_unknown_id", "refuses all with errcode 60001"),
    ("group_rename", "ignored"): ("group_rename", "ignored"),
    ("group_rename", "refused"): ("group_rename", "refused with errcode 40002"),
    ("group_rename", "accepted"): ("group_rename", "accepted"),
    ("group_update_resets_flags", True): ("group_flags_not_sent", "they are reset"),
    ("group_query_returns_name", False): ("group_name_in_query", "no"),
    ("group_of_all_lists_members", True): ("group_of_all_members", "yes"),
    ("group_without_members", "accepted"): ("group_without_members", "yes"),
    ("organization_sibling_names_unique", False): ("duplicate_organization", "yes"),
    ("members_of_deleted_organization", "to_root"): ("extensions_of_deleted_organization", "in its parent"),
    ("members_of_deleted_organization", "removed"): ("extensions_of_deleted_organization", "in none"),
    ("parent_counts_include_children", True): ("parent_includes_children", "yes"),
    ("preference_api", False): ("company_name", "errcode 10001"),
    ("no_calls", "refused"): ("no_calls", "errcode 60001"),
    ("unknown_id_errcode", 40002): ("unknown_id", "errcode 40002"),
    ("unknown_id_on_delete_errcode", 40002): ("unknown_id_deleted", "errcode 40002"),
    ("old_token_survives_refresh", True): ("token_renewal", "works; the former token lives on"),
    ("old_token_survives_refresh", False): ("token_renewal", "works; the former token is dead"),
}

# What a switch needs beside it to be seen, and the values of those that are no choice.
_BESIDES: dict[str, dict[str, Any]] = {
    "page_size_beyond_cap": {"page_size_cap": 3, "page_size_default": 3},
    "query_ids_beyond_max": {"query_ids_max": 2},
    "nested_shapes_accepted": {"member_info": "ext_id", "organization_info": "id"},
}
_VALUES: dict[str, tuple[Any, ...]] = {
    "concurrent_registrations_max": (3,),
    "title_length_max": (63,),
    "name_forbidden_characters": ("!%.@:&\"'\\<>`$",),
    "number_digits_max": (4,),
    "user_password_length_min": (20,),
    "reg_password_length_min": (12,),
    "password_history": (5,),
    "list_adds": (("first_name", "last_name"),),
    "list_leaves_out": (("email_addr",),),
    "detail_leaves_out": (("number", "reg_name"),),
    "search_columns": (("number",),),
    "page_size_default": (3,),
    "page_size_cap": (3,),
    "query_ids_max": (2,),
    "group_count_max": (None, 10),
    "group_name_length_max": (63,),
    "group_name_forbidden_characters": ("&/",),
    "organization_name_forbidden_characters": ("&/",),
    "missing_token_errcode": (10005,),
    "unknown_refresh_token_errcode": (40002,),
    "unknown_id_errcode": (40002,),
    "unknown_id_on_delete_errcode": (40002,),
    "error_http_status": (400,),
    "failed_logins_allowed": (3,),
    "blocked_seconds": (60,),
    "sign_unknown_user_errcode": (40002,),
}


def _all_variants() -> Iterator[Any]:
    """Every switch in every position of it."""
    for name, hint in get_type_hints(Variants).items():
        choices = (
            get_args(hint)
            if get_origin(hint) is not tuple and all(isinstance(one, str) for one in get_args(hint))
            else ()
        )
        for value in _VALUES.get(name) or choices or (False, True):
            if value == getattr(Variants(), name) and (name, value) not in _TOLD:
                # The likeliest way of every switch is tried with each of the others.
                continue
            yield pytest.param(name, value, id=f"{name}-{value}")


@contextmanager
def _pbx(authority: CertificateAuthority, variants: Variants | None = None, **settings: Any) -> Iterator[Emulator]:
    """A PBX with four people, an organization, a group of two of them and one of all."""
    with running_emulator(authority=authority, variants=variants, extensions=3, **settings) as emulator:
        first, last, mail, mobile = _PEOPLE
        fields = {"first_name": first, "last_name": last, "email_addr": mail, "mobile_number": mobile}
        sales = emulator.pbx.seed_organization("Nordlichter")
        anne = emulator.pbx.seed_extension("4711", organization_ids=[sales], **fields)
        emulator.pbx.seed_group("Leuchtturm", members={anne: "user"})
        yield emulator
        assert emulator.state.live_tokens == 0


@pytest.fixture(name="run")
def _run(capfd: pytest.CaptureFixture[str]) -> Runner:
    return make_runner(capfd)


def _options(pbx: Emulator, **options: Any) -> dict[str, Any]:
    return {
        "pbx_url": pbx.url,
        "pbx_client_id": pbx.settings.client_id,
        "pbx_client_secret": pbx.settings.client_secret,
        "pbx_ca_path": str(pbx.ca_path),
        **options,
    }


def _answers(result: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["answer"] for one in result["answers"]}


def _steps(result: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["state"] for one in result["steps"]}


def _held(state: State) -> tuple[Any, ...]:
    return state.extensions, state.groups, state.organizations


class _InProcess:
    """Answers by the emulator's core, in the place of the HTTP library's session: a hundred checks in some seconds."""

    def __init__(self, pbx: Pbx) -> None:
        self.headers: dict[str, str] = {}
        self._pbx = pbx

    def mount(self, *_arguments: object) -> None:
        """No connection is made."""

    def close(self) -> None:
        """Nothing is held."""

    def request(
        self, method: str, url: str, *, data: bytes | None, headers: dict[str, str], **_options: object
    ) -> requests.Response:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        kind = headers.get("Content-Type", "")
        asked = ApiRequest(
            method=method, path=parts.path, query=query, body=data or b"", content_type=kind, address="192.0.2.10"
        )
        response = requests.Response()
        response.status_code = 200
        response.raw = BytesIO(json.dumps(api.answer(self._pbx, asked).payload).encode())
        return response


@pytest.mark.parametrize(("name", "value"), list(_all_variants()))
def test_the_answers_are_those_of_the_variant(
    name: str, value: Any, lab_authority: CertificateAuthority, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    variants = Variants().changed(**{**_BESIDES.get(name, {}), name: value})
    with _pbx(lab_authority, variants) as pbx:
        monkeypatch.setattr(transport.requests, "Session", lambda: _InProcess(pbx.pbx))
        before = _held(pbx.state)

        result = run(_MODULE, _options(pbx, writes=True), False)

        assert not result.get("failed"), result["msg"]
        assert _held(pbx.state) == before
        assert result["verdict"] == ("works" if name != "preference_api" or value else "works_partly")
        assert (result["changed"], result["left_behind"], result["warnings"]) == (False, [], [])
        if (name, value) in _TOLD:
            question, answer = _TOLD[name, value]
            assert _answers(result)[question] == answer
        _require_nothing_of_anybody(result, pbx)


def _require_nothing_of_anybody(result: dict[str, Any], pbx: Emulator) -> None:
    shown = {key: value for key, value in result.items() if key != "invocation"}
    text = json.dumps(shown, ensure_ascii=False)
    private = [*_PEOPLE, "4711", "Nordlichter", "Leuchtturm", "Example Ltd", str(pbx.port), "127.0.0.1"]
    private += [pbx.settings.client_id, pbx.settings.client_secret, pbx.settings.serial_number]
    private += [*pbx.pbx.tokens.given]
    assert [one for one in private if one in text] == []


# --- reading alone, and what an earlier check has left


def test_without_leave_to_write_and_in_check_mode_nothing_is_written(
    lab_authority: CertificateAuthority, run: Runner
) -> None:
    with _pbx(lab_authority) as pbx:
        for options, check_mode in (({}, False), ({"writes": True}, True)):
            result = run(_MODULE, _options(pbx, **options), check_mode)

            assert (result["verdict"], result["changed"]) == ("reads", False)
            assert "whether it can write was not tried" in result["headline"]
            assert _answers(result)["group_rename"] == "not asked"
            assert _answers(result)["member_shape"] != "not asked"
        assert pbx.calls.writes() == []


def test_what_a_killed_check_has_left_is_found_and_deleted_by_the_next_and_nothing_else_is(
    lab_authority: CertificateAuthority, run: Runner
) -> None:
    with _pbx(lab_authority) as pbx:
        before = _held(pbx.state)
        left = pbx.pbx.seed_organization("PbxopsCheckScratchRenamed")
        extension = pbx.pbx.seed_extension(
            "5999", first_name="PbxopsCheck", last_name="Scratch", organization_ids=[left]
        )
        pbx.pbx.seed_group("PbxopsCheckScratch", members={extension: "user"})

        found = run(_MODULE, _options(pbx), False)
        assert [one["kind"] for one in found["left_behind"]] == ["extension_group", "extension", "organization"]
        assert "one with writes deletes them" in found["warnings"][0]
        assert run(_MODULE, _options(pbx, writes=True), True)["changed"]

        result = run(_MODULE, _options(pbx, writes=True), False)

        assert (result["verdict"], result["changed"], result["left_behind"]) == ("works", True, [])
        assert _held(pbx.state) == before


@pytest.mark.parametrize("endpoint", ["extension/update", "extensiongroup/update", "organization/delete"])
def test_scratch_objects_are_deleted_whatever_happens(
    endpoint: str, lab_authority: CertificateAuthority, run: Runner
) -> None:
    with _pbx(lab_authority) as pbx:
        before = _held(pbx.state)
        pbx.fail(endpoint, "errcode", nth=1, errcode=10005)

        result = run(_MODULE, _options(pbx, writes=True), False)

        assert result["left_behind"] == []
        assert _held(pbx.state) == before
        assert "failed" in _steps(result).values()


def test_what_cannot_be_deleted_is_named(lab_authority: CertificateAuthority, run: Runner) -> None:
    with _pbx(lab_authority) as pbx:
        pbx.fail("extension/delete", "errcode", nth=1, errcode=70091, times=None)

        result = run(_MODULE, _options(pbx, writes=True), False)

        assert (result["verdict"], result["changed"]) == ("fails", True)
        assert [one["kind"] for one in result["left_behind"]] == ["extension"]
        assert f"extension with id {result['left_behind'][0]['id']}" in result["msg"]


# --- a PBX that this collection cannot work with, or not in all


@pytest.mark.parametrize(
    ("settings", "verdict", "told"),
    [
        ({"organization_management": False}, "works_partly", "organization management"),
        ({"denied_endpoints": frozenset({"call/query"})}, "works_partly", "tell which extensions are in use"),
        ({"denied_endpoints": frozenset({"extensiongroup/create"})}, "works_partly", "create an extension group"),
        ({"denied_endpoints": frozenset({"extension/query", "extension/get"})}, "fails", "read all extensions"),
        ({"denied_endpoints": frozenset({"extension/create"})}, "fails", "create an extension"),
        ({"firmware_version": "37.6.0.1"}, "fails", "a firmware that has the Open API"),
        ({"extension_capacity": 4}, "reads", "room for another extension"),
    ],
)
def test_what_a_pbx_lacks_is_told_by_name(
    settings: dict[str, Any], verdict: str, told: str, lab_authority: CertificateAuthority, run: Runner
) -> None:
    with _lacking(lab_authority, settings) as pbx:
        result = run(_MODULE, _options(pbx, writes=True), False)

        assert result["verdict"] == verdict
        assert told in result["headline"]
        assert bool(result.get("failed")) == (verdict == "fails")
        assert result["left_behind"] == []


@contextmanager
def _lacking(authority: CertificateAuthority, settings: dict[str, Any]) -> Iterator[Emulator]:
    """A PBX with some people, but no organization, for it may have none."""
    with running_emulator(authority=authority, extensions=4, **settings) as emulator:
        yield emulator


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        ("down", "cannot be reached"),
        ("secret", "Check pbx_client_id and pbx_client_secret"),
        ("address", "allow-list"),
        ("certificate", "TLS certificate"),
        ("tokens", "Eight access tokens"),
        ("garbage", "did not answer as the Open API does"),
    ],
)
def test_a_pbx_that_lets_nobody_in_is_told_so_and_why(
    trouble: str, told: str, lab_authority: CertificateAuthority, run: Runner, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"address": {"allowed_addresses": ("192.0.2.1",)}, "tokens": {"token_limit": 0}}
    with running_emulator(authority=lab_authority, **settings.get(trouble, {})) as pbx:
        options = _options(pbx, writes=True)
        if trouble == "down":
            pbx.stop()
        if trouble == "secret":
            options["pbx_client_secret"] = "not-the-secret"
        if trouble == "certificate":
            options["pbx_ca_path"] = str(CertificateAuthority(tmp_path).ca_path)
        if trouble == "garbage":
            pbx.fail("*", "garbage", times=None)

        result = run(_MODULE, options, False)

        assert (result["failed"], result["verdict"], result["changed"]) == (True, "fails", False)
        assert told in result["msg"]
        assert pbx.url in result["msg"] or "://" not in result["msg"]
        assert str(pbx.port) not in result["headline"]
        assert set(_steps(result).values()) == {"failed", "not_tried"}
        assert sum(call.endpoint == "get_token" for call in pbx.calls.all()) <= 1


def test_the_documentation_names_every_value_of_the_results(lab_authority: CertificateAuthority, run: Runner) -> None:
    with _pbx(lab_authority) as pbx:
        pbx.pbx.seed_group("PbxopsCheckScratch")
        result = run(_MODULE, _options(pbx), False)

    documented = yaml.safe_load(pbx_ad_pbx_check.RETURN)
    shown = set(result) - {"changed", "failed", "msg", "warnings", "invocation"}
    assert shown == set(documented)
    for name, option in documented.items():
        value = result[name][0] if isinstance(result[name], list) else result[name]
        assert set(option.get("contains", {})) == (set(value) if isinstance(value, dict) else set()), name
