# SPDX-License-Identifier: GPL-3.0-or-later
"""The LDAP proxy plays Windows' limits in front of the real domain controller, and every fault that it is told to."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ldap3
import pytest
from ldap3.core.exceptions import LDAPException, LDAPSocketReceiveError

from lab.crowd import CROWD_DN, CROWD_GROUPS, CROWD_SIZE, CROWD_USERS
from lab.ldap_proxy.faults import Fault, bind_failure, referral, result
from lab.ldap_proxy.process import LdapProxy, running_proxy
from lab.samba import LDAPS_PORT, DomainController
from lab.tls import CertificateAuthority

PAGED_RESULTS = "1.2.840.113556.1.4.319"
RANGE_NO_ERROR = ("1.2.840.113556.1.4.1948", True, None)
PEOPLE = "(&(objectCategory=person)(objectClass=user))"


def _connection(proxy: LdapProxy, controller: DomainController, *, ldaps: bool = True) -> ldap3.Connection:
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(proxy.ca_path), valid_names=[controller.host_name])
    port = proxy.ldaps_port if ldaps else proxy.ldap_port
    server = ldap3.Server(proxy.address, port=port, use_ssl=ldaps, tls=tls, get_info=ldap3.NONE)
    account = controller.sync_account
    return ldap3.Connection(
        server,
        account.user_principal_name,
        account.password,
        auto_referrals=False,
        auto_range=False,
        check_names=False,
        return_empty_attributes=False,
        receive_timeout=20,
    )


@contextmanager
def _bound(proxy: LdapProxy, controller: DomainController) -> Iterator[ldap3.Connection]:
    connection = _connection(proxy, controller)
    connection.bind()
    assert connection.result["result"] == 0
    try:
        yield connection
    finally:
        connection.unbind()


def _search(
    connection: ldap3.Connection, base: str, search_filter: str = "(objectClass=*)", **options: Any
) -> list[dict[str, Any]]:
    connection.search(base, search_filter, **options)
    return [entry for entry in connection.response or [] if entry["type"] == "searchResEntry"]


def _cookie(connection: ldap3.Connection) -> bytes | None:
    """The cookie of the last page; None where it came without a paging control."""
    control = connection.result.get("controls", {}).get(PAGED_RESULTS)
    return control["value"]["cookie"] if control else None


@pytest.fixture
def connection(ldap_proxy: LdapProxy, lab_directory: DomainController) -> Iterator[ldap3.Connection]:
    with _bound(ldap_proxy, lab_directory) as bound:
        yield bound


@pytest.fixture
def crowd(crowded_proxy: LdapProxy, crowded_directory: DomainController) -> Iterator[ldap3.Connection]:
    with _bound(crowded_proxy, crowded_directory) as bound:
        yield bound


def _page(connection: ldap3.Connection, base: str, size: int, cookie: bytes | None = None) -> int:
    return len(_search(connection, base, PEOPLE, attributes=["cn"], paged_size=size, paged_cookie=cookie))


# Windows' limits


def test_an_unpaged_search_stops_at_the_page_size_with_partial_results(crowd: ldap3.Connection) -> None:
    entries = _search(crowd, CROWD_DN, PEOPLE, attributes=["cn"])
    assert (len(entries), crowd.result["result"]) == (1000, 4)


def test_a_page_holds_a_thousand_entries_at_most(crowd: ldap3.Connection, crowded_proxy: LdapProxy) -> None:
    sizes = []
    cookie: bytes | None = None
    while cookie != b"":
        sizes.append(_page(crowd, CROWD_DN, 3000, cookie))
        cookie = _cookie(crowd)
    assert sizes == [1000, CROWD_USERS - 1000]
    pages = crowded_proxy.control.searches()
    assert [(row["search"], row["page"], row["page_size"]) for row in pages] == [(1, n, 3000) for n in (1, 2)]
    assert {row["base"] for row in pages} == {CROWD_DN}
    assert {row["filter"] for row in pages} == {PEOPLE}
    assert pages[0]["attributes"] == ["cn"]


@pytest.mark.parametrize("size", [1_499, 1_500])
def test_values_within_the_limit_come_whole(crowd: ldap3.Connection, size: int) -> None:
    (entry,) = _search(crowd, CROWD_GROUPS[size], attributes=["member"])
    assert list(entry["raw_attributes"]) == ["member"]
    assert len(entry["raw_attributes"]["member"]) == size


def test_values_over_the_limit_come_as_ranges(crowd: ldap3.Connection) -> None:
    dn = CROWD_GROUPS[CROWD_SIZE]
    (entry,) = _search(crowd, dn, attributes=["member"])
    assert list(entry["raw_attributes"]) == ["member", "member;range=0-1499"]
    assert not entry["raw_attributes"]["member"]
    members = list(entry["raw_attributes"]["member;range=0-1499"])
    for asked, answered in (
        ("1500-*", "1500-2999"),
        ("3000-3999", "3000-3999"),
        ("4000-*", "4000-*"),
    ):
        (entry,) = _search(crowd, dn, attributes=[f"member;range={asked}"])
        assert list(entry["raw_attributes"]) == [f"member;range={answered}"]
        members += entry["raw_attributes"][f"member;range={answered}"]
    assert len(members) == len(set(members)) == CROWD_SIZE


def test_a_range_behind_the_end_is_an_operations_error(crowd: ldap3.Connection) -> None:
    _search(crowd, CROWD_GROUPS[1_501], attributes=["member;range=1501-*"])
    assert crowd.result["result"] == 1
    _search(crowd, CROWD_GROUPS[1_501], attributes=["member;range=1501-*"], controls=[RANGE_NO_ERROR])
    assert crowd.result["result"] == 0


def test_other_attributes_are_ranged_too(ldap_proxy: LdapProxy, connection: ldap3.Connection) -> None:
    ldap_proxy.control.set_limits(max_value_range=3)
    (entry,) = _search(connection, "CN=Administrator,CN=Users,DC=lab,DC=test", attributes=["objectClass"])
    assert len(entry["raw_attributes"]["objectClass;range=0-2"]) == 3


def test_a_simple_bind_without_tls_is_refused(ldap_proxy: LdapProxy, lab_directory: DomainController) -> None:
    plain = _connection(ldap_proxy, lab_directory, ldaps=False)
    assert not plain.bind()
    assert plain.result["result"] == 8
    assert "00002028" in plain.result["message"]
    plain.unbind()
    ldap_proxy.control.set_limits(require_tls=False)
    plain = _connection(ldap_proxy, lab_directory, ldaps=False)
    assert plain.bind()
    plain.unbind()


def test_start_tls_secures_the_plain_port(ldap_proxy: LdapProxy, lab_directory: DomainController) -> None:
    connection = _connection(ldap_proxy, lab_directory, ldaps=False)
    connection.open()
    assert connection.start_tls()
    assert connection.bind()
    connection.unbind()
    assert [row["tls"] for row in ldap_proxy.control.log()] == [True]


def test_the_certificate_holds_the_named_hosts_only(
    lab_directory: DomainController, lab_authority: CertificateAuthority
) -> None:
    with running_proxy(
        lab_authority,
        listen_address=lab_directory.address,
        upstream=f"{lab_directory.address}:{LDAPS_PORT}",
        hosts=("other.lab.test",),
    ) as proxy:
        context = ssl.create_default_context(cafile=str(proxy.ca_path))
        for host in ("other.lab.test", lab_directory.address):
            with socket.create_connection((proxy.address, proxy.ldaps_port), timeout=10) as plain:
                if host == "other.lab.test":
                    context.wrap_socket(plain, server_hostname=host).close()
                else:
                    with pytest.raises(ssl.SSLCertVerificationError):
                        context.wrap_socket(plain, server_hostname=host)


# Faults


@pytest.mark.parametrize("entries", [0, 2])
def test_any_result_on_any_page(
    ldap_proxy: LdapProxy, lab_directory: DomainController, connection: ldap3.Connection, entries: int
) -> None:
    ldap_proxy.control.set_faults([result(51, page=2, entries=entries, message="busy")])
    assert _page(connection, lab_directory.base_dn, 10) == 10
    assert connection.result["result"] == 0
    assert _page(connection, lab_directory.base_dn, 10, _cookie(connection)) == entries
    assert (connection.result["result"], connection.result["message"]) == (51, "busy")
    assert _cookie(connection) == b""


def test_a_fault_strikes_the_nth_search_alone(
    ldap_proxy: LdapProxy, lab_directory: DomainController, connection: ldap3.Connection
) -> None:
    ldap_proxy.control.set_faults([result(3, nth=2)])
    codes = []
    for _unused in range(3):
        _page(connection, lab_directory.base_dn, 10)
        codes.append(connection.result["result"])
    assert codes == [0, 3, 0]


def test_a_fault_strikes_by_base_and_filter(
    ldap_proxy: LdapProxy, lab_directory: DomainController, connection: ldap3.Connection
) -> None:
    ldap_proxy.control.set_faults([Fault("result", code=3, base="cn=users,", filter="OBJECTCATEGORY=PERSON")])
    codes = []
    for base, search_filter in (
        (lab_directory.base_dn, PEOPLE),
        (f"CN=Users,{lab_directory.base_dn}", "(objectClass=user)"),
        (f"CN=Users,{lab_directory.base_dn}", PEOPLE),
    ):
        _search(connection, base, search_filter, attributes=["cn"], paged_size=1)
        codes.append(connection.result["result"])
    assert codes == [0, 0, 3]


def test_an_empty_page_goes_on(
    ldap_proxy: LdapProxy, lab_directory: DomainController, connection: ldap3.Connection
) -> None:
    ldap_proxy.control.set_faults([Fault("empty_page", page=2)])
    first = _page(connection, lab_directory.base_dn, 10)
    second = _page(connection, lab_directory.base_dn, 10, _cookie(connection))
    third = _page(connection, lab_directory.base_dn, 10, _cookie(connection))
    assert (first, second, third) == (10, 0, 10)


@pytest.mark.parametrize(("kind", "cookie"), [("lose_control", None), ("lose_cookie", b"")])
def test_a_cookie_gets_lost(
    ldap_proxy: LdapProxy,
    lab_directory: DomainController,
    connection: ldap3.Connection,
    kind: str,
    cookie: bytes | None,
) -> None:
    ldap_proxy.control.set_faults([Fault(kind, page=1)])
    assert _page(connection, lab_directory.base_dn, 10) == 10
    assert connection.result["result"] == 0
    assert _cookie(connection) == cookie


def test_a_cookie_is_repeated(
    ldap_proxy: LdapProxy, lab_directory: DomainController, connection: ldap3.Connection
) -> None:
    ldap_proxy.control.set_faults([Fault("repeat_cookie", page=2)])
    _page(connection, lab_directory.base_dn, 10)
    cookie = _cookie(connection)
    pages = []
    for _unused in range(2):
        _page(connection, lab_directory.base_dn, 10, cookie)
        assert _cookie(connection) == cookie
        pages.append([entry["dn"] for entry in connection.response or [] if entry["type"] == "searchResEntry"])
    assert len(pages[0]) == 10
    assert pages[0] == pages[1]


def test_a_referral_and_continuation_references(
    ldap_proxy: LdapProxy, lab_directory: DomainController, connection: ldap3.Connection
) -> None:
    uri = "ldap://127.0.0.1:1/DC=elsewhere"
    ldap_proxy.control.set_faults([referral(uri, nth=1), Fault("reference", nth=2, uris=(uri,))])
    assert _page(connection, lab_directory.base_dn, 10) == 0
    assert (connection.result["result"], connection.result["referrals"]) == (10, [uri])
    assert _page(connection, lab_directory.base_dn, 10) == 10
    references = [entry["uri"] for entry in connection.response or [] if entry["type"] == "searchResRef"]
    assert [uri] in references


@pytest.mark.parametrize("when", ["before", "middle"])
def test_the_connection_is_cut(
    ldap_proxy: LdapProxy, lab_directory: DomainController, connection: ldap3.Connection, when: str
) -> None:
    ldap_proxy.control.set_faults([Fault("cut", page=2, when=when)])
    assert _page(connection, lab_directory.base_dn, 10) == 10
    with pytest.raises(LDAPException):
        _page(connection, lab_directory.base_dn, 10, _cookie(connection))


def test_the_connection_is_cut_after_a_page(
    ldap_proxy: LdapProxy, lab_directory: DomainController, connection: ldap3.Connection
) -> None:
    ldap_proxy.control.set_faults([Fault("cut", page=1, when="after")])
    assert _page(connection, lab_directory.base_dn, 10) == 10
    with pytest.raises(LDAPException):
        _page(connection, lab_directory.base_dn, 10, _cookie(connection))


def test_an_answer_is_slow(ldap_proxy: LdapProxy, lab_directory: DomainController) -> None:
    connection = _connection(ldap_proxy, lab_directory)
    connection.receive_timeout = 1
    assert connection.bind()
    ldap_proxy.control.set_faults([Fault("delay", seconds=30)])
    with pytest.raises(LDAPSocketReceiveError):
        _page(connection, lab_directory.base_dn, 10)
    connection.unbind()


@pytest.mark.parametrize(
    ("mode", "answered"),
    [
        ("stops", []),
        ("repeats", ["member;range=0-1499"]),
        ("gap", ["member;range=1501-3000"]),
        ("moved", ["member;range=1500-2999"]),
        ("endless", ["member;range=1500-2999"]),
    ],
)
def test_a_range_never_ends(crowded_proxy: LdapProxy, crowd: ldap3.Connection, mode: str, answered: list[str]) -> None:
    crowded_proxy.control.set_faults([Fault("range", mode=mode)])
    (entry,) = _search(crowd, CROWD_GROUPS[CROWD_SIZE], attributes=["member;range=1500-*"])
    assert list(entry["raw_attributes"]) == answered


def test_the_end_of_an_endless_range_goes_on(crowded_proxy: LdapProxy, crowd: ldap3.Connection) -> None:
    crowded_proxy.control.set_faults([Fault("range", mode="endless")])
    for asked, answered in (("4500-*", "4500-5000"), ("5001-*", "5001-5001")):
        (entry,) = _search(crowd, CROWD_GROUPS[CROWD_SIZE], attributes=[f"member;range={asked}"])
        assert list(entry["raw_attributes"]) == [f"member;range={answered}"]


def test_a_bind_fails_with_a_sub_code(ldap_proxy: LdapProxy, lab_directory: DomainController) -> None:
    ldap_proxy.control.set_faults([bind_failure("532", nth=1)])
    connection = _connection(ldap_proxy, lab_directory)
    assert not connection.bind()
    assert connection.result["result"] == 49
    assert "AcceptSecurityContext error, data 532, v4563" in connection.result["message"]
    assert connection.bind()
    connection.unbind()
    assert [row["result"] for row in ldap_proxy.control.log()] == [49, 0]


def test_start_tls_fails(ldap_proxy: LdapProxy, lab_directory: DomainController) -> None:
    ldap_proxy.control.set_faults([Fault("result", on="start_tls", code=52, message="no certificate")])
    connection = _connection(ldap_proxy, lab_directory, ldaps=False)
    connection.open()
    with pytest.raises(LDAPException, match="unavailable"):
        connection.start_tls()
    connection.unbind()


def test_clear_ends_faults_limits_and_log(
    ldap_proxy: LdapProxy, lab_directory: DomainController, connection: ldap3.Connection
) -> None:
    control = ldap_proxy.control
    control.set_faults([result(3, page=None)])
    control.set_limits(max_page_size=5)
    _page(connection, lab_directory.base_dn, 10)
    control.clear()
    assert control.log() == []
    assert _page(connection, lab_directory.base_dn, 10) == 10
    assert connection.result["result"] == 0


def test_what_the_proxy_does_not_know_is_refused(ldap_proxy: LdapProxy) -> None:
    with pytest.raises(ValueError, match="max_pages"):
        ldap_proxy.control.set_limits(max_pages=5)
    with pytest.raises(ValueError, match="kind"):
        Fault("explode")
