# SPDX-License-Identifier: GPL-3.0-or-later
"""The PBX client reads and writes organizations and the company name in all of the Open API's variants, over TLS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.client import PbxClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    PbxCapacityError,
    PbxInterfaceError,
    PbxRefusedError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Organization

from lab.pbx.emulator import Emulator
from lab.tls import CertificateAuthority
from tests.integration.pbx_helpers import client_for, count, emulated_pbx, vary

COMPANY = Organization(1, "Example Ltd", 0)


@pytest.fixture
def emulator(lab_authority: CertificateAuthority) -> Iterator[Emulator]:
    """A PBX that gives out one access token at a time, with the organizations IT, in it Helpdesk, and Sales."""
    with emulated_pbx(lab_authority, model="P550") as running:
        it = running.pbx.seed_organization("IT")
        running.pbx.seed_organization("Sales")
        running.pbx.seed_organization("Helpdesk", it)
        yield running


IT, SALES, HELPDESK = Organization(2, "IT", 1), Organization(3, "Sales", 1), Organization(4, "Helpdesk", 2)


def _tree(emulator: Emulator) -> dict[int, tuple[str, int]]:
    """Names and parents of the organizations on the PBX."""
    return {one: (held["name"], held["parent_id"]) for one, held in emulator.state.organizations.items()}


@pytest.mark.parametrize("as_strings", [False, True])
@pytest.mark.parametrize("nested_as_strings", [False, True])
@pytest.mark.parametrize("errcode", [60001, 40002])
def test_organizations_live_in_every_variant(
    emulator: Emulator, as_strings: bool, nested_as_strings: bool, errcode: int
) -> None:
    vary(
        emulator,
        integers_as_strings=as_strings,
        nested_organization_numbers_as_strings=nested_as_strings,
        unknown_id_errcode=errcode,
        unknown_id_on_delete_errcode=errcode,
    )
    with client_for(emulator) as client:
        assert client.organizations() == [COMPANY, IT, SALES, HELPDESK]
        assert count(emulator, "organization/list") == 1
        assert [client.organization(one) for one in (1, 4, 99)] == [COMPANY, HELPDESK, None]
        web = client.create_organization("Web", HELPDESK.id)
        assert client.organization(web) == Organization(web, "Web", HELPDESK.id)
        client.update_organization(HELPDESK.id, "Service Desk", SALES.id)
        assert client.organization(HELPDESK.id) == Organization(HELPDESK.id, "Service Desk", SALES.id)
        client.update_organization(web, "Web", 1)
        client.delete_organization(HELPDESK.id)
        client.delete_organization(HELPDESK.id)
        assert client.organizations() == [COMPANY, IT, SALES, Organization(web, "Web", 1)]


def test_there_are_none_while_organization_management_is_off(lab_authority: CertificateAuthority) -> None:
    with emulated_pbx(lab_authority, organization_management=False) as emulator, client_for(emulator) as client:
        assert client.organizations() is None
        with pytest.raises(PbxRefusedError, match=r"create the organization IT.*70120.*Switch it on"):
            client.create_organization("IT", 1)


@pytest.mark.parametrize(
    ("endpoint", "ask"),
    [
        ("organization/get", lambda client: client.organization(3)),
        ("organization/delete", lambda client: client.delete_organization(3)),
    ],
)
@pytest.mark.parametrize("errcode", [40002, 70084])
def test_organization_that_exists_and_is_refused_is_an_error(
    emulator: Emulator, endpoint: str, ask: Callable[[PbxClient], object], errcode: int
) -> None:
    emulator.fail(endpoint, "errcode", errcode=errcode)
    with client_for(emulator) as client, pytest.raises(PbxRefusedError, match=f"with id 3: errcode {errcode}"):
        ask(client)
    assert SALES.id in emulator.state.organizations


@pytest.mark.parametrize("organization_id", [COMPANY.id, IT.id])
def test_root_and_what_holds_others_are_not_taken_for_gone(emulator: Emulator, organization_id: int) -> None:
    with client_for(emulator) as client, pytest.raises(PbxRefusedError, match=r"40002.*below any other one first"):
        client.delete_organization(organization_id)
    assert len(emulator.state.organizations) == 4


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda client: client.create_organization("Sales", 1), "create .*40003.*name Sales.*rename one of the two"),
        (lambda client: client.create_organization("Sales", 99), "create the organization Sales .*id 99: .*60001"),
        (lambda client: client.create_organization("x" * 128, 1), r"40002.*name \(length\).*does not take this name"),
        (lambda client: client.update_organization(4, "Sales", 1), "rename .* id 4 .*40003.*rename one of the two"),
        (lambda client: client.update_organization(99, "New", 1), "rename .* id 99 .*60001"),
        (lambda client: client.update_organization(1, "New Ltd", 0), "40002.*root organization cannot be changed"),
        (lambda client: client.update_organization(2, "IT", 4), "40002.*none can be put below itself"),
    ],
)
def test_refused_organization_is_named_with_what_to_do(
    emulator: Emulator, write: Callable[[PbxClient], object], told: str
) -> None:
    before = _tree(emulator)
    with client_for(emulator) as client, pytest.raises(PbxRefusedError, match=told) as caught:
        write(client)
    assert not caught.value.ends_run
    assert _tree(emulator) == before


def test_full_pbx_refuses_another_organization_alone(emulator: Emulator) -> None:
    for number in range(47):
        emulator.pbx.seed_organization(f"Unit {number}")
    with client_for(emulator) as client:
        with pytest.raises(PbxCapacityError, match=r"create the organization Web .*60002.*narrow the scope"):
            client.create_organization("Web", 1)
        client.update_organization(HELPDESK.id, "Service Desk", 1)
    assert _tree(emulator)[HELPDESK.id] == ("Service Desk", 1)


def test_organization_too_deep_is_refused(emulator: Emulator) -> None:
    parent = HELPDESK.id
    for layer in range(3, 16):
        parent = emulator.pbx.seed_organization(f"Layer {layer}", parent)
    with client_for(emulator) as client:
        with pytest.raises(PbxCapacityError, match="not so many layers"):
            client.create_organization("Layer 16", parent)
        with pytest.raises(PbxCapacityError, match="not so many layers"):
            client.update_organization(SALES.id, "Sales", parent)


# --- the company name -----------------------------------------------------------------------------------------------


def test_company_name_is_the_root_organizations(emulator: Emulator) -> None:
    with client_for(emulator) as client:
        assert client.can_set_company_name()
        client.set_company_name("Contoso")
        assert client.organization(1) == Organization(1, "Contoso", 0)
        with pytest.raises(PbxRefusedError, match=r"set the company name to x+: .*company_name \(length\)"):
            client.set_company_name("x" * 128)
    assert emulator.state.company_name == "Contoso"
    assert emulator.state.organization_management


def test_company_name_cannot_be_set_on_firmware_without_preferences(emulator: Emulator) -> None:
    vary(emulator, preference_api=False)
    with client_for(emulator) as client:
        assert not client.can_set_company_name()
        with pytest.raises(PbxRefusedError, match=r"errcode 10001.*by hand at PBX Settings"):
            client.set_company_name("Contoso")
        # The run goes on.
        assert client.organization(1) == COMPANY


def test_company_name_cannot_be_set_without_the_permission(lab_authority: CertificateAuthority) -> None:
    denied: Any = frozenset({"preference/get", "preference/update"})
    with emulated_pbx(lab_authority, denied_endpoints=denied) as emulator, client_for(emulator) as client:
        assert not client.can_set_company_name()
        with pytest.raises(PbxRefusedError, match="errcode 10005"):
            client.set_company_name("Contoso")


def test_api_that_is_switched_off_is_no_missing_permission(emulator: Emulator) -> None:
    emulator.fail("preference/get", "errcode", errcode=70123)
    with client_for(emulator) as client, pytest.raises(PbxInterfaceError, match="70123"):
        client.can_set_company_name()
