# SPDX-License-Identifier: GPL-3.0-or-later
"""What the PBX client sends again, and what it asks about first, when answers get lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.client import PbxClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    AnswerLostError,
    PbxAnswerError,
    PbxError,
    PbxRefusedError,
    PbxUnreachableError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import OrganizationReference

from lab.pbx.emulator import Emulator
from lab.tls import CertificateAuthority
from tests.integration.pbx_helpers import (
    LOST,
    ROOT,
    Hands,
    client_for,
    count,
    done,
    emulated_pbx,
    lose,
    new_extension,
    vary,
)

_TIMEOUT = 0.5


@pytest.fixture
def emulator(lab_authority: CertificateAuthority) -> Iterator[Emulator]:
    """A PBX with three extensions, one of them in the group Sales, and the organization IT."""
    with emulated_pbx(lab_authority, extensions=3) as running:
        running.pbx.seed_organization("IT")
        running.pbx.seed_group("Sales", {1: "manager"})
        yield running


# --- reads ------------------------------------------------------------------------------------------------------------


def _read_all(client: PbxClient) -> list[Any]:
    return [
        client.identity(),
        client.capacity(),
        client.organizations(),
        client.organization(2),
        client.can_set_company_name(),
        client.groups(),
        client.group(2),
        client.extensions(),
        client.extension(2),
    ]


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize(
    "endpoint",
    [
        "system/information",
        "system/capacity",
        "organization/list",
        "organization/get",
        "preference/get",
        "extensiongroup/list",
        "extensiongroup/query",
        "extensiongroup/get",
        "extension/list",
        "extension/query",
        "extension/get",
    ],
)
def test_lost_read_is_sent_again(emulator: Emulator, endpoint: str, kind: str) -> None:
    hands = Hands()
    lose(emulator, endpoint, kind, nth=2)
    with client_for(emulator, hands, timeout=_TIMEOUT) as client:
        expected = _read_all(client)
        emulator.calls.clear()
        hands.pauses.clear()
        assert _read_all(client) == expected
    assert hands.pauses == [0.5]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("cut_before_work", PbxUnreachableError),
        ("cut_mid_answer", PbxUnreachableError),
        ("latency", PbxUnreachableError),
        ("garbage", PbxAnswerError),
        ("http_500", PbxAnswerError),
        ("errcode", PbxAnswerError),
    ],
)
def test_read_that_is_lost_again_and_again_ends_the_run(emulator: Emulator, kind: str, error: type[PbxError]) -> None:
    hands = Hands()
    lose(emulator, "system/capacity", kind, nth=None)
    with (
        client_for(emulator, hands, timeout=_TIMEOUT) as client,
        pytest.raises(error, match="tell its capacity") as got,
    ):
        client.capacity()
    assert got.value.ends_run
    assert hands.pauses == [0.5, 1.0, 2.0]


def test_refused_read_is_not_sent_again(emulator: Emulator) -> None:
    emulator.fail("system/capacity", "errcode", errcode=70084)
    with client_for(emulator) as client, pytest.raises(PbxRefusedError, match="70084"):
        client.capacity()
    assert count(emulator, "system/capacity") == 1


# --- nothing was sent -------------------------------------------------------------------------------------------------


def test_refused_connection_is_tried_again_for_every_call(emulator: Emulator) -> None:
    hands = Hands()
    hands.in_pause(emulator.start)
    emulator.stop()
    with client_for(emulator, hands) as client:
        assert client.capacity().extensions_used == 3
        for write in (
            lambda: client.create_extension(new_extension()),
            lambda: client.update_extension(1, {"title": "Head"}, (ROOT,)),
            lambda: client.delete_extension(2),
            lambda: client.send_welcome_emails([3]),
        ):
            emulator.stop()
            emulator.calls.clear()
            write()
            # Sent once, and nothing had to be asked.
            assert len(emulator.calls) == 1
    assert hands.pauses == [0.5] * 5


def test_refused_connections_end_the_run(emulator: Emulator) -> None:
    hands = Hands()
    with client_for(emulator, hands) as client:
        client.capacity()
        emulator.stop()
        with pytest.raises(PbxUnreachableError, match=r"cannot be reached: Connection refused.*pbx_url") as caught:
            client.create_extension(new_extension())
        assert caught.value.nothing_sent
        assert caught.value.ends_run
        assert hands.pauses == [0.5, 1.0, 2.0]
        emulator.start()
    assert "1201" not in emulator.state.extensions


# --- create -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"detail_leaves_out": ("reg_name",)},
        {"create_returns_id": False},
        {"list_leaves_out": ("number",)},
    ],
    ids=str,
)
def test_lost_creation_is_done_exactly_once(emulator: Emulator, kind: str, changes: dict[str, Any]) -> None:
    vary(emulator, **changes)
    lose(emulator, "extension/create", kind)
    with client_for(emulator, timeout=_TIMEOUT) as client:
        extension_id = client.create_extension(new_extension())
        assert emulator.state.extensions["1201"]["id"] == extension_id
    assert len(emulator.state.extensions) == 4
    assert done(emulator, "extension/create") == 1


def test_done_creation_is_asked_about_and_not_sent_again(emulator: Emulator) -> None:
    lose(emulator, "extension/create", "cut_after_work")
    with client_for(emulator) as client:
        client.create_extension(new_extension())
    assert [call.endpoint for call in emulator.calls.all()] == [
        "get_token",
        "extension/create",
        "extension/search",
        "extension/get",
        "del_token",
    ]


def test_number_is_searched_exactly(emulator: Emulator) -> None:
    # Names and longer numbers match the search too.
    emulator.pbx.seed_extension("12010", first_name="Long")
    emulator.pbx.seed_extension("1300", first_name="Extension 1201")
    lose(emulator, "extension/create", "cut_before_work")
    with client_for(emulator, page_size=1) as client:
        extension_id = client.create_extension(new_extension())
    assert emulator.state.extensions["1201"]["id"] == extension_id


def test_search_that_does_not_know_numbers_makes_no_duplicate(emulator: Emulator) -> None:
    vary(emulator, search_columns=("email_addr",))
    lose(emulator, "extension/create", "cut_after_work")
    with client_for(emulator) as client:
        extension_id = client.create_extension(new_extension())
    assert [call.errcode for call in emulator.calls.all("extension/create")] == [0, 40003]
    assert emulator.state.extensions["1201"]["id"] == extension_id


@pytest.mark.parametrize("shown", [True, False])
def test_number_taken_by_somebody_else_meanwhile_is_refused(emulator: Emulator, shown: bool) -> None:
    if not shown:
        vary(emulator, detail_leaves_out=("reg_name",))
    lose(emulator, "extension/create", "cut_before_work")
    emulator.pbx.seed_extension("1201", first_name="Anna", last_name="Adler", email_addr="other@example.test")
    with client_for(emulator) as client, pytest.raises(PbxRefusedError, match="1201 exists") as caught:
        client.create_extension(new_extension())
    assert not caught.value.ends_run
    assert count(emulator, "extension/create") == 1


def test_same_fields_with_another_registration_name_are_somebody_else(emulator: Emulator) -> None:
    lose(emulator, "extension/create", "cut_before_work")
    new = new_extension()
    emulator.pbx.seed_extension("1201", **new.fields, reg_name="other")
    with client_for(emulator) as client, pytest.raises(PbxRefusedError, match="1201 exists"):
        client.create_extension(new)


def test_extension_without_any_field_is_never_taken_for_ours(emulator: Emulator) -> None:
    vary(emulator, detail_leaves_out=("reg_name",), name_missing="number")
    lose(emulator, "extension/create", "cut_after_work")
    nameless = new_extension(first_name="", last_name="", email_addr="")
    with client_for(emulator) as client, pytest.raises(PbxRefusedError, match="1201 exists"):
        client.create_extension(nameless)


def test_refusal_after_a_lost_answer_is_told(emulator: Emulator) -> None:
    lose(emulator, "extension/create", "cut_before_work")
    emulator.fail("extension/create", "errcode", nth=2, errcode=60002)
    with client_for(emulator) as client, pytest.raises(PbxRefusedError, match="60002"):
        client.create_extension(new_extension())
    assert count(emulator, "extension/create") == 2


def test_creation_that_is_lost_again_and_again_stays_unknown(emulator: Emulator) -> None:
    hands = Hands()
    lose(emulator, "extension/create", "cut_before_work", nth=None)
    with client_for(emulator, hands) as client, pytest.raises(AnswerLostError, match="create extension 1201") as caught:
        client.create_extension(new_extension())
    assert not caught.value.ends_run
    assert count(emulator, "extension/create") == 4
    assert hands.pauses == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("endpoint", ["extension/search", "extension/get"])
@pytest.mark.parametrize("kind", ["cut_before_work", "http_500", "errcode", "larger_total"])
def test_creation_that_cannot_be_asked_about_stays_unknown(emulator: Emulator, endpoint: str, kind: Any) -> None:
    lose(emulator, "extension/create", "cut_after_work")
    if (endpoint, kind) == ("extension/get", "larger_total"):
        kind = "garbage"
    emulator.fail(endpoint, kind, errcode=70084)
    with client_for(emulator) as client:
        with pytest.raises(AnswerLostError, match="create extension 1201"):
            client.create_extension(new_extension())
        emulator.faults.clear()
        # The run goes on with the others.
        client.update_extension(1, {"title": "Head"}, (ROOT,))
    assert count(emulator, "extension/create") == 1


def test_pbx_that_goes_away_after_a_write_leaves_it_unknown(emulator: Emulator) -> None:
    hands = Hands()
    lose(emulator, "extension/create", "cut_after_work")
    with client_for(emulator, hands) as client:
        client.capacity()
        hands.before_call(3, emulator.stop)
        with pytest.raises(AnswerLostError):
            client.create_extension(new_extension())
        with pytest.raises(PbxUnreachableError):
            client.capacity()
        emulator.start()


def test_created_extension_that_is_not_shown_is_unknown(emulator: Emulator) -> None:
    vary(emulator, create_returns_id=False)
    emulator.fail("extension/search", "errcode", errcode=70084)
    with client_for(emulator) as client, pytest.raises(AnswerLostError, match="does not show it"):
        client.create_extension(new_extension())
    assert count(emulator, "extension/create") == 1


# --- update -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LOST)
def test_lost_update_is_looked_at_and_completed(emulator: Emulator, kind: str) -> None:
    lose(emulator, "extension/update", kind)
    with client_for(emulator, timeout=_TIMEOUT) as client:
        client.update_extension(1, {"title": "Head", "email_addr": ""}, (ROOT,))
    held = emulator.state.extensions["1000"]
    assert (held["title"], held["email_addr"]) == ("Head", "")
    assert count(emulator, "extension/get") == 1
    # The emulator notes a late call when its time has come; the client has sent it again by then.
    again = kind in ("cut_before_work", "http_500", "errcode")
    assert count(emulator, "extension/update") == (2 if again else 1)


@pytest.mark.parametrize("kind", LOST)
def test_lost_update_of_organizations_alone_is_looked_at(emulator: Emulator, kind: str) -> None:
    lose(emulator, "extension/update", kind)
    with client_for(emulator, timeout=_TIMEOUT) as client:
        client.update_extension(1, {}, (OrganizationReference(2, "IT"),))
    assert emulator.state.extensions["1000"]["organization_ids"] == (2,)
    again = kind in ("cut_before_work", "http_500", "errcode")
    assert done(emulator, "extension/update") == 1
    assert count(emulator, "extension/update") == (2 if again else 1)


def test_done_update_that_names_no_organizations_is_not_sent_again(emulator: Emulator) -> None:
    lose(emulator, "extension/update", "cut_after_work")
    with client_for(emulator) as client:
        client.update_extension(1, {"title": "Head"}, ())
    assert count(emulator, "extension/update") == 1


def test_update_lost_again_and_again_stays_unknown(emulator: Emulator) -> None:
    lose(emulator, "extension/update", "cut_before_work", nth=None)
    with client_for(emulator) as client, pytest.raises(AnswerLostError, match="change the extension with id 1"):
        client.update_extension(1, {"title": "Head"}, (ROOT,))
    assert count(emulator, "extension/update") == 4


def test_lost_update_of_what_went_meanwhile_is_refused(emulator: Emulator) -> None:
    lose(emulator, "extension/update", "cut_before_work")
    hands = Hands()
    hands.before_call(2, lambda: emulator.pbx.delete_by_hand("1000"))
    with client_for(emulator, hands) as client, pytest.raises(PbxRefusedError, match="60001"):
        client.update_extension(1, {"title": "Head"}, (ROOT,))


# --- delete -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("errcode", [60001, 40002])
def test_lost_deletion_is_looked_at_and_completed(emulator: Emulator, kind: str, errcode: int) -> None:
    vary(emulator, unknown_id_errcode=errcode, unknown_id_on_delete_errcode=errcode)
    lose(emulator, "extension/delete", kind)
    with client_for(emulator, timeout=_TIMEOUT) as client:
        client.delete_extension(1)
    assert sorted(emulator.state.extensions) == ["1001", "1002"]
    assert done(emulator, "extension/delete") == 1


def test_deletion_lost_again_and_again_stays_unknown(emulator: Emulator) -> None:
    lose(emulator, "extension/delete", "cut_before_work", nth=None)
    with client_for(emulator) as client, pytest.raises(AnswerLostError, match="delete the extension with id 1"):
        client.delete_extension(1)
    assert count(emulator, "extension/delete") == 4
    assert len(emulator.state.extensions) == 3
