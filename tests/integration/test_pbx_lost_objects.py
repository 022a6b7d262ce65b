# SPDX-License-Identifier: GPL-3.0-or-later
"""Organizations and extension groups whose answers get lost: nothing is made twice, and nothing is taken for done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.client import PbxClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import AnswerLostError, PbxRefusedError

from lab.pbx.emulator import Emulator
from lab.tls import CertificateAuthority
from tests.integration.pbx_helpers import LOST, Hands, client_for, count, done, emulated_pbx, lose, vary

_TIMEOUT = 0.5
# A late copy of a call comes when the client has sent another one: only what the PBX holds unique stays one then.
_LOST_IN_TIME = tuple(kind for kind in LOST if kind != "latency")
_IT, _SALES = 2, 2


@pytest.fixture
def emulator(lab_authority: CertificateAuthority) -> Iterator[Emulator]:
    """A PBX with three extensions, two of them in the group Sales, and the organization IT."""
    with emulated_pbx(lab_authority, extensions=3) as running:
        running.pbx.seed_organization("IT")
        running.pbx.seed_group("Sales", {1: "manager", 2: "custom"}, {"mgr_enb_monitor": 0})
        yield running


def _organizations(emulator: Emulator) -> list[tuple[str, int]]:
    """Names and parents of the organizations below the root, in the order of ids."""
    return [(held["name"], held["parent_id"]) for one, held in emulator.state.organizations.items() if one != 1]


def _members(emulator: Emulator) -> dict[str, dict[int, str]]:
    return {name: group["members"] for name, group in emulator.state.groups.items() if group["id"] != 1}


# --- what every write has in common ---------------------------------------------------------------------------------

Write = Callable[[PbxClient], object]
_WRITES: dict[str, tuple[str, Write, str]] = {
    "create_organization": (
        "organization/create",
        lambda client: client.create_organization("Web", _IT),
        "create the organization Web below the one with id 2",
    ),
    "update_organization": (
        "organization/update",
        lambda client: client.update_organization(_IT, "Web", 1),
        "rename the organization with id 2 to Web",
    ),
    "delete_organization": (
        "organization/delete",
        lambda client: client.delete_organization(_IT),
        "delete the organization with id 2",
    ),
    "set_company_name": (
        "preference/update",
        lambda client: client.set_company_name("Contoso"),
        "set the company name to Contoso",
    ),
    "create_group": (
        "extensiongroup/create",
        lambda client: client.create_group("Support", [1, 3]),
        "create the extension group Support",
    ),
    "update_group": (
        "extensiongroup/update",
        lambda client: client.update_group(_SALES, [1, 3]),
        "change the extension group with id 2",
    ),
    "rename_group": (
        "extensiongroup/update",
        lambda client: client.rename_group(_SALES, "Selling", [1, 3]),
        "rename the extension group with id 2 to Selling",
    ),
    "delete_group": (
        "extensiongroup/delete",
        lambda client: client.delete_group(_SALES),
        "delete the extension group with id 2",
    ),
}


@pytest.mark.parametrize("name", sorted(_WRITES))
def test_write_that_is_lost_again_and_again_stays_unknown(emulator: Emulator, name: str) -> None:
    endpoint, write, purpose = _WRITES[name]
    vary(emulator, group_rename="accepted")
    hands = Hands()
    lose(emulator, endpoint, "cut_before_work", nth=None)
    before = emulator.state
    with client_for(emulator, hands) as client, pytest.raises(AnswerLostError, match=purpose) as caught:
        write(client)
    assert not caught.value.ends_run
    assert count(emulator, endpoint) == 4
    assert hands.pauses == [0.5, 1.0, 2.0]
    assert (emulator.state.groups, emulator.state.organizations) == (before.groups, before.organizations)


@pytest.mark.parametrize("name", sorted(_WRITES))
def test_write_that_was_done_is_not_sent_again(emulator: Emulator, name: str) -> None:
    endpoint, write, _purpose = _WRITES[name]
    vary(emulator, group_rename="accepted")
    lose(emulator, endpoint, "cut_after_work")
    with client_for(emulator) as client:
        write(client)
    assert [call.errcode for call in emulator.calls.all(endpoint)] == [0]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("create_organization", "organization/list"),
        ("update_organization", "organization/get"),
        ("delete_organization", "organization/get"),
        ("set_company_name", "preference/get"),
        ("create_group", "extensiongroup/list"),
        ("update_group", "extensiongroup/get"),
        ("rename_group", "extensiongroup/get"),
        ("delete_group", "extensiongroup/get"),
    ],
)
@pytest.mark.parametrize("kind", ["cut_before_work", "http_500", "errcode", "garbage"])
def test_write_that_cannot_be_asked_about_stays_unknown(emulator: Emulator, name: str, asked: str, kind: Any) -> None:
    endpoint, write, purpose = _WRITES[name]
    lose(emulator, endpoint, "cut_before_work")
    with client_for(emulator) as client:
        client.groups()
        emulator.fail(asked, kind, errcode=70084)
        with pytest.raises(AnswerLostError, match=purpose):
            write(client)
        emulator.faults.clear()
        # The run goes on with the others.
        client.update_extension(1, {"title": "Head"}, ())
    assert count(emulator, endpoint) == 1


# --- organizations --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("as_strings", [False, True])
def test_lost_creation_of_an_organization_is_done_exactly_once(emulator: Emulator, as_strings: bool, kind: str) -> None:
    vary(emulator, integers_as_strings=as_strings, nested_organization_numbers_as_strings=as_strings)
    lose(emulator, "organization/create", kind)
    with client_for(emulator, timeout=_TIMEOUT) as client:
        created = client.create_organization("Web", _IT)
    assert _organizations(emulator) == [("IT", 1), ("Web", _IT)]
    assert list(emulator.state.organizations)[-1] == created
    assert done(emulator, "organization/create") == 1


@pytest.mark.parametrize("kind", _LOST_IN_TIME)
def test_organization_of_that_name_that_was_there_before_is_not_taken_for_the_new_one(
    emulator: Emulator, kind: str
) -> None:
    vary(emulator, organization_sibling_names_unique=False)
    lose(emulator, "organization/create", kind)
    with client_for(emulator, timeout=_TIMEOUT) as client:
        client.organizations()
        created = client.create_organization("IT", 1)
        assert created != _IT
        # Nor is one that was made by this client.
        lose(emulator, "organization/create", kind)
        assert client.create_organization("IT", 1) not in (_IT, created)
    assert _organizations(emulator) == [("IT", 1)] * 3
    assert done(emulator, "organization/create") == 2


def test_organization_elsewhere_or_called_otherwise_is_not_the_new_one(emulator: Emulator) -> None:
    emulator.pbx.seed_organization("web", _IT)
    emulator.pbx.seed_organization("Web", 1)
    lose(emulator, "organization/create", "cut_before_work")
    with client_for(emulator) as client:
        created = client.create_organization("Web", _IT)
    assert emulator.state.organizations[created]["parent_id"] == _IT
    assert len(_organizations(emulator)) == 4


def test_refusal_of_a_creation_after_a_lost_answer_is_told(emulator: Emulator) -> None:
    lose(emulator, "organization/create", "cut_before_work")
    with client_for(emulator) as client:
        client.organizations()
        with pytest.raises(PbxRefusedError, match="40003"):
            client.create_organization("IT", 1)
    assert count(emulator, "organization/create") == 2


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize(("name", "parent_id"), [("Computing", 1), ("IT", 3), ("Computing", 3)])
def test_lost_change_of_an_organization_is_looked_at_and_completed(
    emulator: Emulator, name: str, parent_id: int, kind: str
) -> None:
    emulator.pbx.seed_organization("Sales")
    lose(emulator, "organization/update", kind)
    with client_for(emulator, timeout=_TIMEOUT) as client:
        client.update_organization(_IT, name, parent_id)
    assert _organizations(emulator) == [(name, parent_id), ("Sales", 1)]


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("errcode", [60001, 40002])
def test_lost_deletion_of_an_organization_is_looked_at_and_completed(
    emulator: Emulator, errcode: int, kind: str
) -> None:
    vary(emulator, unknown_id_errcode=errcode, unknown_id_on_delete_errcode=errcode)
    lose(emulator, "organization/delete", kind)
    with client_for(emulator, timeout=_TIMEOUT) as client:
        client.delete_organization(_IT)
    assert _organizations(emulator) == []
    assert done(emulator, "organization/delete") == 1


@pytest.mark.parametrize("kind", ["cut_before_work", "cut_after_work"])
def test_lost_deletion_of_what_holds_others_is_refused(emulator: Emulator, kind: str) -> None:
    emulator.pbx.seed_organization("Helpdesk", _IT)
    lose(emulator, "organization/delete", kind)
    with client_for(emulator) as client, pytest.raises(PbxRefusedError, match="40002"):
        client.delete_organization(_IT)
    assert len(_organizations(emulator)) == 2


@pytest.mark.parametrize("kind", LOST)
def test_lost_company_name_is_looked_at_and_completed(emulator: Emulator, kind: str) -> None:
    lose(emulator, "preference/update", kind)
    with client_for(emulator, timeout=_TIMEOUT) as client:
        client.set_company_name("Contoso")
    assert emulator.state.company_name == "Contoso"


# --- extension groups -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"create_returns_id": False},
        {"member_info": "ext_id", "nested_shapes_accepted": "own", "integers_as_strings": True},
    ],
    ids=str,
)
def test_lost_creation_of_a_group_is_done_exactly_once(emulator: Emulator, changes: dict[str, Any], kind: str) -> None:
    vary(emulator, **changes)
    lose(emulator, "extensiongroup/create", kind)
    with client_for(emulator, timeout=_TIMEOUT) as client:
        client.groups()
        created = client.create_group("Support", [3, 1], like=_SALES)
    assert _members(emulator) == {
        "Sales": {1: "manager", 2: "custom"},
        "Support": {1: "manager", 3: "user"},
    }
    assert emulator.state.groups["Support"]["id"] == created
    assert emulator.state.groups["Support"]["flags"]["mgr_enb_monitor"] == 0
    assert done(emulator, "extensiongroup/create") == 1


@pytest.mark.parametrize("kind", LOST)
def test_lost_creation_in_a_guessed_shape_is_done_exactly_once(emulator: Emulator, kind: str) -> None:
    emulator.pbx.groups.remove(_SALES)
    vary(emulator, member_info="ext_id", nested_shapes_accepted="own")
    lose(emulator, "extensiongroup/create", kind, nth=2)
    with client_for(emulator, timeout=_TIMEOUT) as client:
        client.create_group("Support", [1])
    assert _members(emulator) == {"Support": {1: "user"}}
    assert done(emulator, "extensiongroup/create") == 1


@pytest.mark.parametrize("members", [(1,), (1, 2, 3), ()])
def test_group_of_that_name_with_other_members_is_somebody_elses(emulator: Emulator, members: tuple[int, ...]) -> None:
    lose(emulator, "extensiongroup/create", "cut_before_work")
    emulator.pbx.seed_group("Support", dict.fromkeys(members, "user"))
    with client_for(emulator) as client, pytest.raises(PbxRefusedError, match=r"40003.*name Support belongs to"):
        client.create_group("Support", [1, 2])
    assert _members(emulator)["Support"] == dict.fromkeys(members, "user")


def test_group_that_was_read_before_is_not_taken_for_the_new_one(emulator: Emulator) -> None:
    lose(emulator, "extensiongroup/create", "cut_before_work")
    with client_for(emulator) as client:
        client.groups()
        with pytest.raises(PbxRefusedError, match="40003"):
            client.create_group("Sales", [1, 2])


@pytest.mark.parametrize("kind", LOST)
def test_lost_change_of_a_group_is_looked_at_and_completed(emulator: Emulator, kind: str) -> None:
    vary(emulator, group_update_resets_flags=True)
    lose(emulator, "extensiongroup/update", kind)
    with client_for(emulator, timeout=_TIMEOUT) as client:
        client.update_group(_SALES, [3, 1])
    assert _members(emulator) == {"Sales": {1: "manager", 3: "user"}}
    assert emulator.state.groups["Sales"]["flags"]["mgr_enb_monitor"] == 0


def test_group_of_all_is_not_one_without_members(emulator: Emulator) -> None:
    lose(emulator, "extensiongroup/update", "cut_before_work")
    with client_for(emulator) as client:
        client.update_group(1, [])
    assert emulator.state.groups["Default_All_Extensions"]["member_select"] == "sel_specific"


def test_lost_rename_of_a_group_whose_members_stay_is_not_taken_for_done(emulator: Emulator) -> None:
    vary(emulator, group_rename="accepted")
    lose(emulator, "extensiongroup/update", "cut_before_work")
    with client_for(emulator) as client:
        assert client.rename_group(_SALES, "Selling", [1, 2])
    assert _members(emulator) == {"Selling": {1: "manager", 2: "custom"}}


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("rename", ["accepted", "ignored", "refused"])
def test_lost_rename_is_told_by_what_the_group_is_called_now(emulator: Emulator, rename: str, kind: str) -> None:
    vary(emulator, group_rename=rename)
    lose(emulator, "extensiongroup/update", kind)
    with client_for(emulator, timeout=_TIMEOUT) as client:
        assert client.rename_group(_SALES, "Selling", [1]) is (rename == "accepted")
    expected = {
        "accepted": {"Selling": {1: "manager"}},
        "ignored": {"Sales": {1: "manager"}},
        "refused": {"Sales": {1: "manager", 2: "custom"}},
    }
    assert _members(emulator) == expected[rename]


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("errcode", [60001, 40002])
def test_lost_deletion_of_a_group_is_looked_at_and_completed(emulator: Emulator, errcode: int, kind: str) -> None:
    vary(emulator, unknown_id_errcode=errcode, unknown_id_on_delete_errcode=errcode)
    lose(emulator, "extensiongroup/delete", kind)
    with client_for(emulator, timeout=_TIMEOUT) as client:
        client.delete_group(_SALES)
    assert _members(emulator) == {}
    assert done(emulator, "extensiongroup/delete") == 1
