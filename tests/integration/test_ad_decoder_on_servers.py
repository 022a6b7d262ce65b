# SPDX-License-Identifier: GPL-3.0-or-later
"""The own decoder of search entries beside the library's, on all that a real directory holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad import connection as ad_connection
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.connection import DirectorySettings, connect
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.search import Entry, Search, read_all
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import UserQuery

from lab.ldap_proxy.process import LdapProxy
from lab.samba import LDAP_PORT, LDAPS_PORT, DomainController
from lab.slapd import LDAP_PORT as SLAPD_LDAP_PORT
from lab.slapd import LDAPS_PORT as SLAPD_LDAPS_PORT
from lab.slapd import Slapd, running
from lab.tls import CertificateAuthority
from tests.integration.ad_helpers import open_reader, settings_for

PEOPLE = 1234


@contextmanager
def decoded_by_the_library() -> Iterator[None]:
    """Connections that are made within this block know nothing of the own decoder."""
    with mock.patch.object(ad_connection, "decode_as_they_come"):
        yield


def by_name(entries: list[Entry]) -> dict[str, dict[str, list[bytes]]]:
    return {entry.dn: dict(entry.values) for entry in entries}


def both(settings: DirectorySettings, search: Search) -> tuple[list[Entry], list[Entry]]:
    """What the own decoder makes of an answer, every entry of it, and the library's."""
    with connect(settings) as connection:
        own = read_all(connection, search)
        connection.search(search.base, search.filter, attributes=list(search.attributes), paged_size=500)
        assert connection.response
        assert all("attributes" not in item for item in connection.response if item["type"] == "searchResEntry")
    with decoded_by_the_library(), connect(settings) as connection:
        library = read_all(connection, search)
        assert all("attributes" in item for item in connection.response or ())
    return own, library


@pytest.mark.parametrize("protocol", ["ldaps", "start_tls"])
def test_every_object_of_the_directory_with_all_that_it_has(
    lab_directory: DomainController, ldap_proxy: LdapProxy, protocol: str
) -> None:
    port = LDAPS_PORT if protocol == "ldaps" else LDAP_PORT
    settings = settings_for(ldap_proxy, lab_directory, protocol=protocol, port=port)
    search = Search(lab_directory.base_dn, "(objectClass=*)", ("*", "+"))
    own, library = both(settings, search)
    assert len(own) > 400
    assert by_name(own) == by_name(library)
    assert len({name for entry in own for name in entry.values}) > 100


def test_groups_with_ranges(crowded_directory: DomainController, crowded_proxy: LdapProxy) -> None:
    settings = settings_for(crowded_proxy, crowded_directory)
    search = Search(crowded_directory.base_dn, "(objectCategory=group)", ("objectGUID", "member"))
    own, library = both(settings, search)
    assert by_name(own) == by_name(library)
    assert max(len(entry.values.get("member", ())) for entry in own) > 5000


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    folder = tmp_path_factory.mktemp("slapd")
    with running(folder / "server", CertificateAuthority(folder / "tls"), size=PEOPLE) as server:
        yield server


@pytest.mark.parametrize(
    ("protocol", "port"), [("ldaps", SLAPD_LDAPS_PORT), ("start_tls", SLAPD_LDAP_PORT), ("ldap", SLAPD_LDAP_PORT)]
)
def test_another_server_than_a_domain_controller(slapd: Slapd, protocol: str, port: int) -> None:
    settings = DirectorySettings(
        host=slapd.address,
        protocol=protocol,
        port=port,
        base_dn=slapd.base_dn,
        username=slapd.username,
        password=slapd.password,
        ca_path=str(slapd.ca_path),
    )
    own, library = both(settings, Search(slapd.base_dn, "(objectClass=*)", ("*",)))
    assert by_name(own) == by_name(library)
    with open_reader(settings) as reader:
        users = {user.account_name: user for user in reader.read_users(UserQuery(bases=(slapd.base_dn,)))}
    assert len(users) == PEOPLE
    assert users["person10"].attributes["givenName"] == "Zoë"
    assert users["person7"].guid == "00000000-0000-0000-0000-000000000008"
