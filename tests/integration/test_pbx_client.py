# SPDX-License-Identifier: GPL-3.0-or-later
"""The PBX client reads and writes as the Open API does, in all its variants, over TLS."""

from __future__ import annotations

import base64
import dataclasses
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Pbx
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx import errors
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.client import PbxClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    AnswerLostError,
    DuplicateField,
    IncompleteListError,
    PbxCapacityError,
    PbxRefusedError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.passwords import fits_rules
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Extension,
    OrganizationReference,
    PbxCapacity,
    PbxIdentity,
)

from lab.pbx.emulator import Emulator
from lab.pbx.testing import running_emulator
from lab.tls import CertificateAuthority
from tests.integration.pbx_helpers import ROOT, Hands, client_for, count, emulated_pbx, new_extension, vary


def _numbers(extensions: list[Extension]) -> list[str]:
    return sorted(extension.number for extension in extensions)


def _seed(emulator: Emulator, count: int) -> list[str]:
    emulator.pbx.seed_extensions(count)
    return sorted(emulator.state.extensions)


# --- the system -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_strings", [False, True])
def test_system_is_read(emulator: Emulator, as_strings: bool) -> None:
    vary(emulator, integers_as_strings=as_strings)
    _seed(emulator, 3)
    with client_for(emulator) as client:
        pbx: Pbx = client
        assert pbx.identity() == PbxIdentity("3631A2124000", "Yeastar P570", "37.20.0.50")
        assert pbx.capacity() == PbxCapacity(500, 3)


def test_extensions_need_no_organization_while_organizations_are_off(lab_authority: CertificateAuthority) -> None:
    with emulated_pbx(lab_authority, organization_management=False) as emulator, client_for(emulator) as client:
        extension_id = client.create_extension(dataclasses.replace(new_extension(), organizations=()))
        client.update_extension(extension_id, {"title": "Head"}, ())
        extension = client.extension(extension_id)
    assert extension is not None
    assert extension.fields["title"] == "Head"


def test_every_request_names_the_user_agent_and_closes(emulator: Emulator) -> None:
    with client_for(emulator) as client:
        client.extensions()
        client.create_extension(new_extension())
        calls = client.calls
    assert {call.user_agent for call in emulator.calls.all()} == {"OpenAPI"}
    assert len(emulator.calls) == calls + 1


# --- lists ------------------------------------------------------------------------------------------------------------


def test_what_is_held_in_place_of_an_extension_is_returned(emulator: Emulator) -> None:
    numbers = _seed(emulator, 3)
    with client_for(emulator) as client:
        first, *others = client.extensions()
        known = dataclasses.replace(first)
        again = client.extensions(lambda one: known if one == known else one)
    assert again[0] is known
    assert again[1:] == others
    assert _numbers(again) == numbers


@pytest.mark.parametrize("seeded", [0, 1, 20, 21, 23])
@pytest.mark.parametrize(
    ("page_size", "cap", "beyond"),
    [
        (500, 10_000, "capped"),
        (500, 7, "capped"),
        (10, 7, "capped"),
        (5, 7, "refused"),
        (500, 7, "refused"),
        (1, 1, "capped"),
    ],
)
def test_list_is_read_to_its_end_at_every_page_cap(
    emulator: Emulator, seeded: int, page_size: int, cap: int, beyond: str
) -> None:
    numbers = _seed(emulator, seeded)
    vary(emulator, page_size_cap=cap, page_size_beyond_cap=beyond)
    with client_for(emulator, page_size=page_size) as client:
        extensions = client.extensions()
    assert _numbers(extensions) == numbers
    for extension in extensions:
        held = emulator.state.extensions[extension.number]
        assert extension.id == held["id"]
        assert extension.registration_name == held["reg_name"]
        assert extension.organizations == (ROOT,)
        assert all(held[name] == value for name, value in extension.fields.items())


def test_managed_fields_and_organizations_are_read(emulator: Emulator) -> None:
    it = emulator.pbx.seed_organization("IT")
    emulator.pbx.seed_extension(
        "1201",
        first_name="Änne",
        last_name="O'Neil, 李",
        email_addr="anna@example.test",
        mobile_number="+4915100000001",
        title="Head",
        reg_name="reg",
        organization_ids=(1, it),
    )
    with client_for(emulator) as client:
        (extension,) = client.extensions()
        assert client.extension(extension.id) == extension
    assert extension.fields == {
        "first_name": "Änne",
        "last_name": "O'Neil, 李",
        "email_addr": "anna@example.test",
        "mobile_number": "+4915100000001",
        "title": "Head",
    }
    assert extension.organizations == (ROOT, OrganizationReference(it, "IT"))


@pytest.mark.parametrize(
    ("kind", "options"), [("larger_total", {}), ("short_page", {}), ("missing_ids", {"ids": (3,)})]
)
def test_list_shorter_than_its_total_is_read_again_and_then_refused(
    emulator: Emulator, kind: Any, options: dict[str, Any]
) -> None:
    numbers = _seed(emulator, 10)
    emulator.fail("extension/list", kind, nth=2, **options)
    with client_for(emulator, page_size=5) as client:
        assert _numbers(client.extensions()) == numbers
        emulator.faults.clear()
        emulator.calls.clear()
        emulator.fail("extension/list", kind, **options)
        with pytest.raises(IncompleteListError, match="extension/list") as caught:
            client.extensions()
    assert caught.value.ends_run
    assert len([call for call in emulator.calls.all("extension/list") if call.arguments["page"] == "1"]) == 2
    assert count(emulator, "extension/query") == 0
    emulator.calls.clear()


def test_list_that_changes_between_pages_is_read_again(emulator: Emulator) -> None:
    _seed(emulator, 10)
    hands = Hands()
    hands.before_call(2, lambda: emulator.pbx.seed_extension("5000", first_name="New"))
    with client_for(emulator, hands, page_size=5) as client:
        extensions = client.extensions()
    assert "5000" in _numbers(extensions)
    assert len(extensions) == 11


def test_list_that_keeps_changing_is_refused(emulator: Emulator) -> None:
    _seed(emulator, 10)
    hands = Hands()
    hands.before_call(2, lambda: emulator.pbx.seed_extension("5000", first_name="New"))
    hands.before_call(4, lambda: emulator.pbx.seed_extension("5001", first_name="New"))
    with client_for(emulator, hands, page_size=5) as client, pytest.raises(IncompleteListError, match="changed"):
        client.extensions()


def test_row_lost_behind_an_unchanged_total_is_noticed(emulator: Emulator) -> None:
    # One goes on a page already read and one comes at the end: the total stays, and a row slips through.
    _seed(emulator, 10)

    def exchange() -> None:
        emulator.pbx.delete_by_hand("1000")
        emulator.pbx.seed_extension("5000", first_name="New")

    hands = Hands()
    hands.before_call(2, exchange)
    with client_for(emulator, hands, page_size=5) as client:
        extensions = client.extensions()
    assert _numbers(extensions) == sorted(emulator.state.extensions)


def test_row_that_comes_twice_is_noticed(emulator: Emulator) -> None:
    # A page that loses a row while the server counts pages by what it gave: the next one repeats a row.
    _seed(emulator, 10)
    emulator.fail("extension/list", "missing_ids", ids=(2,))
    with client_for(emulator, page_size=9) as client, pytest.raises(IncompleteListError, match="different"):
        client.extensions()


# --- details ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"query_ids_max": 100},
        {"query_ids_max": 30},
        {"query_ids_max": 1},
        {"query_ids_max": 30, "query_ids_beyond_max": "truncated"},
        {"query_ids_max": 1, "query_ids_beyond_max": "truncated"},
        {"query_unknown_ids": "refused"},
        {"integers_as_strings": True},
        {"organization_info": "id"},
        {"detail_leaves_out": ("number", "email_addr", "mobile_number")},
        {"detail_leaves_out": ("id",)},
        {"list_leaves_out": ("number", "email_addr", "online_status", "presence_status")},
        {"list_adds": ("first_name", "last_name", "title")},
        {"detail_lists_groups": True, "detail_returns_user_password": True},
    ],
    ids=str,
)
def test_every_id_is_answered_in_every_variant(emulator: Emulator, changes: dict[str, Any]) -> None:
    numbers = _seed(emulator, 230)
    vary(emulator, **changes)
    with client_for(emulator) as client:
        extensions = client.extensions()
        one = client.extension(extensions[7].id)
    assert one == extensions[7]
    assert _numbers(extensions) == numbers
    held = emulator.state.extensions
    assert all(extension.fields["email_addr"] == held[extension.number]["email_addr"] for extension in extensions)
    assert all(extension.fields["last_name"] == held[extension.number]["last_name"] for extension in extensions)
    assert max(len(call.raw_query) for call in emulator.calls.all()) < 2000


def test_registration_name_that_is_not_returned_is_none(emulator: Emulator) -> None:
    _seed(emulator, 1)
    vary(emulator, detail_leaves_out=("reg_name",))
    with client_for(emulator) as client:
        assert client.extensions()[0].registration_name is None


def test_url_stays_short_with_long_ids(emulator: Emulator) -> None:
    with emulator.pbx.lock:
        emulator.pbx.extensions._next_id = 10**17
    numbers = _seed(emulator, 250)
    with client_for(emulator) as client:
        assert _numbers(client.extensions()) == numbers
    assert max(len(call.raw_query) for call in emulator.calls.all()) < 2000


def test_id_missing_from_a_query_is_asked_for_alone(emulator: Emulator) -> None:
    numbers = _seed(emulator, 10)
    emulator.fail("extension/query", "missing_ids", ids=(3, 7))
    with client_for(emulator) as client:
        assert _numbers(client.extensions()) == numbers
    assert [call.arguments["id"] for call in emulator.calls.all("extension/get")] == ["3", "7"]


@pytest.mark.parametrize("unknown", ["left_out", "refused"])
@pytest.mark.parametrize("errcode", [60001, 40002])
def test_extension_that_goes_while_reading_has_all_read_again(emulator: Emulator, unknown: str, errcode: int) -> None:
    _seed(emulator, 10)
    vary(emulator, query_unknown_ids=unknown, unknown_id_errcode=errcode)
    hands = Hands()
    hands.before_call(2, lambda: emulator.pbx.delete_by_hand("1004"))
    with client_for(emulator, hands) as client:
        extensions = client.extensions()
    assert _numbers(extensions) == sorted(emulator.state.extensions)
    assert count(emulator, "extension/list") == 2


def test_extension_listed_but_never_shown_ends_the_run(emulator: Emulator) -> None:
    _seed(emulator, 10)
    emulator.fail("extension/query", "missing_ids", ids=(3,))
    emulator.fail("extension/get", "errcode", errcode=60001)
    with client_for(emulator) as client, pytest.raises(IncompleteListError, match=r"id 3 .*changed while"):
        client.extensions()
    assert count(emulator, "extension/list") == 2


def test_missing_id_that_cannot_be_shown_is_not_taken_for_gone(emulator: Emulator) -> None:
    _seed(emulator, 3)
    emulator.fail("extension/query", "missing_ids", ids=(3,))
    emulator.fail("extension/get", "errcode", errcode=70084)
    with client_for(emulator) as client, pytest.raises(PbxRefusedError, match="70084"):
        client.extensions()


@pytest.mark.parametrize("errcode", [60001, 40002])
def test_unknown_id_is_none(emulator: Emulator, errcode: int) -> None:
    _seed(emulator, 3)
    vary(emulator, unknown_id_errcode=errcode)
    with client_for(emulator) as client:
        assert client.extension(99) is None
        assert client.extension(2) is not None


def test_known_id_that_is_refused_is_not_none(emulator: Emulator) -> None:
    _seed(emulator, 3)
    emulator.fail("extension/get", "errcode", errcode=40002)
    with client_for(emulator) as client, pytest.raises(PbxRefusedError, match="40002"):
        client.extension(2)


# --- writes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"create_returns_id": False},
        {"create_returns_id": False, "search_columns": ("caller_id_name",)},
        {"integers_as_strings": True},
        {"cloud_password_rules": True},
        {"user_password_length_min": 16, "reg_password_length_min": 16, "password_history": 20},
        {"passwords_in_base64": True},
        {"organization_info_needs_name": True},
        {"organization_info": "id", "nested_shapes_accepted": "own", "organization_info_needs_name": True},
        {"nested_shapes_accepted": "own"},
        {"number_digits_max": 7, "concurrent_registrations_max": 3, "user_range_enforced": True},
        {"detail_leaves_out": ("reg_name", "number")},
        {"error_http_status": 400},
    ],
    ids=str,
)
def test_extension_is_created_updated_and_deleted_in_every_variant(emulator: Emulator, changes: dict[str, Any]) -> None:
    it = OrganizationReference(emulator.pbx.seed_organization("IT"), "IT")
    emulator.pbx.seed_extension("1000", first_name="Somebody", last_name="Else")
    vary(emulator, update_requires_organization_list=True, **changes)
    with client_for(emulator) as client:
        client.extensions()
        extension_id = client.create_extension(new_extension(mobile_number="+49 151".replace(" ", ""), title=""))
        held = emulator.state.extensions["1201"]
        assert held["id"] == extension_id
        assert (held["reg_name"], held["organization_ids"]) == ("reg-1201-x", (1,))
        assert (held["first_name"], held["mobile_number"], held["title"]) == ("Anna", "+49151", "")
        client.update_extension(extension_id, {"title": "Head", "mobile_number": ""}, (ROOT, it))
        held = emulator.state.extensions["1201"]
        assert (held["title"], held["mobile_number"], held["first_name"]) == ("Head", "", "Anna")
        assert held["organization_ids"] == (1, it.id)
        read = client.extension(extension_id)
        assert read is not None
        assert (read.number, read.organizations) == ("1201", (ROOT, it))
        client.delete_extension(extension_id)
        assert client.extension(extension_id) is None
    assert sorted(emulator.state.extensions) == ["1000"]


def test_created_passwords_fit_the_rules_and_differ(emulator: Emulator) -> None:
    with client_for(emulator) as client:
        client.create_extension(new_extension())
    held = emulator.pbx.extensions.by_number("1201")
    assert held is not None
    assert fits_rules(held.user_password, "1201", "Anna", "Adler")
    assert fits_rules(held.reg_password, "1201", "Anna", "Adler")
    assert held.user_password != held.reg_password


def test_password_coding_is_learned_once(emulator: Emulator) -> None:
    vary(emulator, passwords_in_base64=True)
    with client_for(emulator) as client:
        client.create_extension(new_extension())
        client.create_extension(new_extension("1202", email_addr=""))
    assert [call.errcode for call in emulator.calls.all("extension/create")] == [40002, 0, 0]
    held = emulator.pbx.extensions.by_number("1202")
    assert held is not None
    assert base64.b64encode(held.user_password.encode()) in emulator.calls.all("extension/create")[-1].raw_body


@pytest.mark.parametrize("echoed", [False, True])
def test_password_that_no_coding_makes_right_is_refused_without_showing_it(emulator: Emulator, echoed: bool) -> None:
    vary(emulator, user_password_length_min=60, invalid_value_echoed=echoed)
    with client_for(emulator) as client, pytest.raises(PbxRefusedError, match="user_password") as caught:
        client.create_extension(new_extension())
    sent = [call.raw_body.decode() for call in emulator.calls.all("extension/create")]
    assert len(sent) == 2
    for body in sent:
        assert body.split('"user_password": "')[1].split('"')[0] not in f"{caught.value} {vars(caught.value)}"


def test_taken_values_are_refused_with_who_has_them(emulator: Emulator) -> None:
    emulator.pbx.seed_extension("1011", first_name="Somebody", email_addr="anna@example.test")
    emulator.pbx.seed_number("6200", "ivr", "Welcome")
    with client_for(emulator) as client:
        with pytest.raises(PbxRefusedError) as caught:
            client.create_extension(new_extension("6200"))
        duplicates = {one.field: one for one in caught.value.duplicate_fields}
        assert duplicates["email_addr"] == DuplicateField("email_addr", "anna@example.test", "extension", "1011")
        assert duplicates["number"].owner_kind == "ivr"
        other = client.create_extension(new_extension("1012", email_addr="other@example.test"))
        with pytest.raises(PbxRefusedError, match=r"40003.*email_addr anna@example.test belongs to extension 1011"):
            client.update_extension(other, {"email_addr": "anna@example.test"}, (ROOT,))
    assert sorted(emulator.state.extensions) == ["1011", "1012"]


@pytest.mark.parametrize("status", [200, 400, 500])
def test_refused_field_is_named_whatever_the_http_status(emulator: Emulator, status: int) -> None:
    vary(emulator, title_length_max=5, error_http_status=status, invalid_value_echoed=True)
    with client_for(emulator) as client:
        with pytest.raises(PbxRefusedError, match="title = 'Managing director'") as caught:
            client.create_extension(new_extension(title="Managing director"))
        assert caught.value.invalid_fields == ("title",)
        assert not caught.value.ends_run
    assert count(emulator, "extension/create") == 1


def test_full_pbx_refuses_creations_alone(lab_authority: CertificateAuthority) -> None:
    with running_emulator(authority=lab_authority, extension_capacity=1, extensions=1) as emulator:
        with client_for(emulator) as client:
            with pytest.raises(PbxCapacityError, match="60002"):
                client.create_extension(new_extension())
            client.update_extension(1, {"title": "Head"}, (ROOT,))
        assert emulator.state.live_tokens == 0


def test_update_of_an_unknown_extension_is_refused(emulator: Emulator) -> None:
    with client_for(emulator) as client, pytest.raises(PbxRefusedError) as caught:
        client.update_extension(99, {"title": "Head"}, (ROOT,))
    assert caught.value.errcode == errors.DATA_NOT_FOUND


@pytest.mark.parametrize("errcode", [60001, 40002])
def test_deleting_what_is_gone_is_a_success(emulator: Emulator, errcode: int) -> None:
    _seed(emulator, 1)
    vary(emulator, unknown_id_on_delete_errcode=errcode, unknown_id_errcode=errcode)
    with client_for(emulator) as client:
        client.delete_extension(99)
    assert len(emulator.state.extensions) == 1


@pytest.mark.parametrize("errcode", [40002, 60001, 70091, 70084])
def test_refused_deletion_of_what_exists_is_an_error(emulator: Emulator, errcode: int) -> None:
    _seed(emulator, 1)
    emulator.fail("extension/delete", "errcode", errcode=errcode)
    with client_for(emulator) as client, pytest.raises(PbxRefusedError, match=str(errcode)):
        client.delete_extension(1)


def test_referenced_extension_is_not_deleted(emulator: Emulator) -> None:
    _seed(emulator, 1)
    emulator.pbx.mark_referenced("1000")
    with client_for(emulator) as client, pytest.raises(PbxRefusedError, match="refers to it"):
        client.delete_extension(1)


def test_welcome_emails_are_asked_for_once(emulator: Emulator) -> None:
    _seed(emulator, 3)
    with client_for(emulator) as client:
        client.send_welcome_emails([])
        assert len(emulator.calls) == 0
        client.send_welcome_emails([1, 3])
    assert [mail["extension_id"] for mail in emulator.state.welcome_mails] == [1, 3]


@pytest.mark.parametrize("kind", ["cut_before_work", "cut_after_work", "cut_mid_answer", "garbage", "http_500"])
def test_welcome_emails_are_never_asked_for_again(emulator: Emulator, kind: Any) -> None:
    _seed(emulator, 3)
    emulator.fail("extension/send_welcome_email", kind, nth=1)
    with client_for(emulator) as client, pytest.raises(AnswerLostError, match="welcome") as caught:
        client.send_welcome_emails([1, 3])
    assert not caught.value.ends_run
    assert count(emulator, "extension/send_welcome_email") == 1


def test_refused_welcome_emails_are_told(emulator: Emulator) -> None:
    emulator.pbx.seed_extension("1201", first_name="Anna")
    with client_for(emulator) as client, pytest.raises(PbxRefusedError, match="email_addr"):
        client.send_welcome_emails([1])


def test_client_is_the_interface_of_the_run() -> None:
    methods = {name for name in vars(Pbx) if not name.startswith("_")}
    assert methods <= set(dir(PbxClient))


@pytest.mark.parametrize("as_strings", [True, False])
def test_settings_that_are_shown_as_texts_of_digits_are_kept(emulator: Emulator, as_strings: bool) -> None:
    emulator.variants = emulator.variants.changed(integers_as_strings=as_strings)
    settings = {"concurrent_registrations": "3" if as_strings else 3, "caller_id": "1299"}
    with client_for(emulator) as client:
        client.create_extension(dataclasses.replace(new_extension("1299"), settings=settings))
    assert client.warnings == []
    made = emulator.state.extensions["1299"]
    assert (made["concurrent_registrations"], made["caller_id"]) == (3, "1299")
