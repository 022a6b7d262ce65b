# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory reader against a real domain controller, through the proxy that plays Windows' limits and faults.

Whatever goes wrong on the way ends in an error, never in a list that is too short.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.connection import DirectorySettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import (
    CertificateError,
    DirectoryBindError,
    DirectoryError,
    DirectoryNameError,
    DirectoryUnreachableError,
    FilterError,
    IncompleteReadError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.reader import DirectoryReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import GroupQuery, UnitQuery, UserQuery
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryGroup
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import USER_ATTRIBUTES
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.scope import members_among, with_nested

from lab.crowd import CROWD_DN, CROWD_GROUPS, CROWD_SIZE, CROWD_USERS
from lab.directory_admin import DirectoryAdmin
from lab.ldap_proxy.faults import Fault, bind_failure, referral, result
from lab.ldap_proxy.process import LdapProxy, running_proxy
from lab.population import Population
from lab.samba import LDAP_PORT, LDAPS_PORT, DomainController
from lab.tls import CertificateAuthority
from tests.integration.ad_helpers import open_reader, settings_for

SERVICE_ACCOUNTS = 2
PAGE = 20
EVERYBODY = "objectCategory=person"


@pytest.fixture
def settings(ldap_proxy: LdapProxy, lab_directory: DomainController) -> DirectorySettings:
    return settings_for(ldap_proxy, lab_directory)


@pytest.fixture
def reader(settings: DirectorySettings) -> Iterator[DirectoryReader]:
    with open_reader(settings) as opened:
        yield opened


@pytest.fixture
def small_pages(ldap_proxy: LdapProxy) -> LdapProxy:
    """The proxy with pages of 20 entries, so that the population needs a dozen."""
    ldap_proxy.control.set_limits(max_page_size=PAGE)
    return ldap_proxy


@pytest.fixture
def crowd(crowded_proxy: LdapProxy, crowded_directory: DomainController) -> Iterator[DirectoryReader]:
    with open_reader(settings_for(crowded_proxy, crowded_directory)) as opened:
        yield opened


@pytest.fixture
def everybody(lab_directory: DomainController) -> UserQuery:
    return UserQuery(bases=(lab_directory.base_dn,))


# Complete reads


@pytest.mark.parametrize("page_size", [1000, 100, 37, 1])
def test_every_person_is_read_whatever_the_size_of_pages(
    ldap_proxy: LdapProxy, reader: DirectoryReader, lab_population: Population, everybody: UserQuery, page_size: int
) -> None:
    ldap_proxy.control.set_limits(max_page_size=page_size)
    users = reader.read_users(everybody)
    assert len(users) == len({user.guid for user in users}) == len(lab_population.people) + SERVICE_ACCOUNTS
    names = {user.account_name for user in users}
    assert {entry.attributes["sAMAccountName"] for entry in lab_population.people} <= names
    assert names.isdisjoint({"Administrator", "Guest", "krbtgt"})


@pytest.mark.parametrize(("page_size", "searches"), [(1000, 2), (100, 1)])
def test_a_last_page_as_long_as_the_first_is_counted_again(
    ldap_proxy: LdapProxy, reader: DirectoryReader, everybody: UserQuery, page_size: int, searches: int
) -> None:
    ldap_proxy.control.set_limits(max_page_size=page_size)
    assert len(reader.read_users(everybody)) == 222
    asked = {row["search"]: row["attributes"] for row in ldap_proxy.control.searches()}
    assert len(asked) == searches
    assert list(asked.values())[1:] == [["1.1"]] * (searches - 1)


def test_only_needed_attributes_are_asked_for(
    ldap_proxy: LdapProxy, reader: DirectoryReader, everybody: UserQuery
) -> None:
    reader.read_users(everybody)
    asked = set(ldap_proxy.control.searches()[0]["attributes"])
    own = {"objectGUID", "sAMAccountName", "userAccountControl", "accountExpires", "primaryGroupID"}
    assert asked == own | set(USER_ATTRIBUTES)


def test_accounts_are_read_with_their_state(
    reader: DirectoryReader, lab_population: Population, everybody: UserQuery
) -> None:
    users = {user.account_name: user for user in reader.read_users(everybody)}

    def special(name: str) -> Any:
        return users[lab_population.entry(lab_population.special(name)).attributes["sAMAccountName"]]

    assert special("disabled").disabled
    assert not special("expired").disabled
    assert special("expired").expires == datetime(2020, 1, 1, tzinfo=UTC)
    assert [special(name).expires for name in ("expires_zero", "expires_never")] == [None, None]
    assert special("expires_in_future").expires > datetime(2099, 1, 1, tzinfo=UTC)
    assert "mail" not in special("mail_missing").attributes
    assert special("disabled").primary_group_id == 513
    entry = lab_population.entry(lab_population.special("name_comma"))
    assert users[entry.attributes["sAMAccountName"]].attributes["sn"] == entry.attributes["sn"]


def test_a_user_below_two_bases_is_read_once(reader: DirectoryReader, lab_directory: DomainController) -> None:
    base = lab_directory.base_dn
    both = reader.read_users(UserQuery(bases=(base, f"CN=Users,{base}")))
    assert len(both) == len(reader.read_users(UserQuery(bases=(base,))))


def test_limited_to_some_users(reader: DirectoryReader, everybody: UserQuery) -> None:
    users = reader.read_users(everybody)
    some = frozenset(user.guid for user in users[:150])
    assert {user.guid for user in reader.read_users(replace(everybody, only=some))} == some
    assert reader.read_users(replace(everybody, only=frozenset())) == []


def test_membership_read_from_either_end_is_the_same(reader: DirectoryReader, everybody: UserQuery) -> None:
    groups = reader.read_groups()
    users = reader.read_users(everybody)
    for group in groups:
        nested = with_nested(groups, {group.guid})
        by_list = {user.guid for user in members_among(users, nested)}
        by_link = {user.guid for user in reader.read_users(replace(everybody, member_of=tuple(nested)))}
        assert by_list == by_link, group.name
    assert any(group.members for group in groups)


def test_more_than_one_page_of_users_at_windows_own_limits(crowd: DirectoryReader, crowded_proxy: LdapProxy) -> None:
    assert len(crowd.read_users(UserQuery(bases=(CROWD_DN,)))) == CROWD_USERS
    assert [row["entries"] for row in crowded_proxy.control.searches()] == [1000, CROWD_USERS - 1000]


def test_groups_around_and_above_the_range_limit_at_windows_own_limits(crowd: DirectoryReader) -> None:
    members = {group.dn: group.members for group in crowd.read_groups()}
    for size, dn in CROWD_GROUPS.items():
        assert len(members[dn]) == len(set(members[dn])) == size


@pytest.mark.parametrize("limit", [100, 1_500, 5_000, 5_001])
def test_ranges_of_any_size(crowded_proxy: LdapProxy, crowd: DirectoryReader, limit: int) -> None:
    crowded_proxy.control.set_limits(max_value_range=limit)
    sizes = {group.dn: len(group.members) for group in crowd.read_groups()}
    assert sizes[CROWD_GROUPS[CROWD_SIZE]] == CROWD_SIZE
    assert sizes[CROWD_GROUPS[1_501]] == 1_501


# Faults: an error, never a short list


PAGE_FAULTS = [
    *(result(code, page=2, entries=entries) for code in (1, 3, 4, 11, 51, 52, 53, 80) for entries in (0, 5)),
    *(result(code, page=1, entries=0) for code in (3, 4, 32, 50)),
    result(3, page=2, cookie="keep"),
    result(4, page=2, cookie="none"),
    result(51, page=None),
    Fault("lose_control", page=1),
    Fault("lose_control", page=2),
    # A short page, which counting again would take for the last one.
    Fault("result", code=0, page=2, entries=5, cookie="none"),
    Fault("lose_cookie", page=1),
    Fault("lose_cookie", page=2),
    Fault("lose_cookie", page=1, nth=1),
    Fault("lose_cookie", page=3, nth=1),
    Fault("repeat_cookie", page=2),
    Fault("empty_page"),
    referral("ldap://127.0.0.1:1/DC=lab,DC=test"),
    referral("ldap://127.0.0.1:1/DC=lab,DC=test", page=3),
    Fault("reference", page=2, uris=("ldap://127.0.0.1:1/DC=lab,DC=test",)),
]


@pytest.mark.parametrize("fault", PAGE_FAULTS, ids=str)
def test_a_broken_page_is_an_incomplete_read(
    small_pages: LdapProxy, reader: DirectoryReader, everybody: UserQuery, fault: Fault
) -> None:
    small_pages.control.set_faults([fault])
    with pytest.raises(IncompleteReadError) as caught:
        reader.read_users(everybody)
    assert "DC=lab,DC=test" in caught.value.message
    assert caught.value.remedy


def test_the_error_names_base_page_and_result(
    small_pages: LdapProxy, reader: DirectoryReader, everybody: UserQuery
) -> None:
    small_pages.control.set_faults([result(11, page=3, message="too much")])
    expected = r"^Reading DC=lab,DC=test \(page 3\) ended with result 11 \(adminLimitExceeded\): too much\. "
    with pytest.raises(IncompleteReadError, match=expected):
        reader.read_users(everybody)


@pytest.mark.parametrize("when", ["before", "middle", "after"])
def test_a_cut_connection_is_an_error(
    small_pages: LdapProxy, reader: DirectoryReader, everybody: UserQuery, when: str
) -> None:
    small_pages.control.set_faults([Fault("cut", page=2, when=when)])
    with pytest.raises(DirectoryUnreachableError, match="was lost while DC=lab,DC=test was read"):
        reader.read_users(everybody)


def test_an_empty_page_with_a_cookie_is_followed(
    small_pages: LdapProxy, reader: DirectoryReader, everybody: UserQuery
) -> None:
    small_pages.control.set_faults([Fault("empty_page", page=1), Fault("empty_page", page=4)])
    assert len(reader.read_users(everybody)) == 222


def test_a_slow_answer_ends_at_the_time_out(ldap_proxy: LdapProxy, settings: DirectorySettings) -> None:
    with open_reader(replace(settings, timeout=1)) as reader:
        ldap_proxy.control.set_faults([Fault("delay", seconds=60)])
        with pytest.raises(DirectoryUnreachableError, match="directory_timeout"):
            reader.read_groups()


RANGE_FAULTS = [
    *(Fault("range", mode=mode) for mode in ("stops", "repeats", "gap", "moved", "endless")),
    Fault("result", base="CN=Exactly 5001,", code=1),
    Fault("result", base="CN=Exactly 5001,", code=51, entries=0),
    Fault("result", base="CN=Exactly 5001,", code=10, entries=0, uris=("ldap://127.0.0.1:1/",)),
    Fault("result", base="CN=Exactly 5001,", code=0, entries=0),
]


@pytest.mark.parametrize("fault", RANGE_FAULTS, ids=str)
def test_a_range_that_is_not_finished_is_an_incomplete_read(
    crowded_proxy: LdapProxy, crowd: DirectoryReader, fault: Fault
) -> None:
    crowded_proxy.control.set_faults([fault])
    with pytest.raises(IncompleteReadError):
        crowd.read_groups()


def test_a_gap_before_the_last_range_is_an_incomplete_read(crowded_proxy: LdapProxy, crowd: DirectoryReader) -> None:
    crowded_proxy.control.set_limits(max_value_range=3_000)
    crowded_proxy.control.set_faults([Fault("range", mode="gap")])
    with pytest.raises(IncompleteReadError, match=r"member;range=3000-\* .*expected values from 2999 on"):
        crowd.read_groups()


def test_members_that_move_up_between_two_ranges_are_an_incomplete_read(
    crowded_proxy: LdapProxy, crowd: DirectoryReader
) -> None:
    crowded_proxy.control.set_faults([Fault("range", mode="moved")])
    with pytest.raises(IncompleteReadError, match=r"member;range=1499-\S+ .*values changed while they were read"):
        crowd.read_groups()


def test_a_referral_is_not_followed_with_the_password(
    ldap_proxy: LdapProxy, reader: DirectoryReader, everybody: UserQuery
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        uri = f"ldap://127.0.0.1:{listener.getsockname()[1]}/DC=lab,DC=test"
        for fault in (referral(uri, page=None), Fault("reference", uris=(uri,))):
            ldap_proxy.control.set_faults([fault])
            with pytest.raises(IncompleteReadError, match=uri):
                reader.read_users(everybody)
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize("code", [3, 51, 10])
def test_every_method_fails_rather_than_answers_less(
    ldap_proxy: LdapProxy, reader: DirectoryReader, lab_population: Population, code: int
) -> None:
    guid = reader.find_user(lab_population.entry(lab_population.special("expired")).attributes["sAMAccountName"]).guid
    uris = ("ldap://127.0.0.1:1/",) if code == 10 else ()
    ldap_proxy.control.set_faults([Fault("result", code=code, entries=0, uris=uris)])
    calls: list[Callable[[], object]] = [
        reader.identify,
        reader.read_groups,
        lambda: reader.find_group("Domain Users"),
        lambda: reader.find_organizational_unit("Leer"),
        lambda: reader.find_user("svc-plain"),
        lambda: reader.read_units(UnitQuery(("DC=lab,DC=test",))),
        lambda: reader.read_units(UnitQuery(("DC=lab,DC=test",), named=True)),
        lambda: reader.find_groups(GroupQuery("DC=lab,DC=test")),
        lambda: reader.look_up_users([guid]),
        lambda: reader.look_up_objects([guid]),
    ]
    for call in calls:
        with pytest.raises(IncompleteReadError):
            call()


def test_a_lookup_that_lost_its_answers_is_no_proof_of_absence(
    ldap_proxy: LdapProxy, reader: DirectoryReader, everybody: UserQuery
) -> None:
    guids = [user.guid for user in reader.read_users(everybody)][:50]
    ldap_proxy.control.set_limits(max_page_size=PAGE)
    ldap_proxy.control.set_faults([Fault("lose_cookie")])
    with pytest.raises(IncompleteReadError):
        reader.look_up_users(guids)


# Log-in and TLS


@pytest.mark.parametrize("protocol", ["ldaps", "start_tls"])
def test_both_ways_of_tls(
    ldap_proxy: LdapProxy, settings: DirectorySettings, lab_directory: DomainController, protocol: str
) -> None:
    port = ldap_proxy.ldaps_port if protocol == "ldaps" else ldap_proxy.ldap_port
    with open_reader(replace(settings, protocol=protocol, port=port)) as reader:
        assert reader.identify().domain.dn == lab_directory.base_dn
    assert [row["tls"] for row in ldap_proxy.control.log() if row["operation"] == "bind"] == [True]


@pytest.mark.parametrize("protocol", ["ldaps", "start_tls"])
def test_directly_to_the_domain_controller(
    lab_directory: DomainController, ldap_proxy: LdapProxy, protocol: str
) -> None:
    port = LDAPS_PORT if protocol == "ldaps" else LDAP_PORT
    with open_reader(settings_for(ldap_proxy, lab_directory, protocol=protocol, port=port)) as reader:
        assert len(reader.read_users(UserQuery(bases=(lab_directory.base_dn,)))) == 222


@pytest.mark.parametrize("protocol", ["ldaps", "start_tls"])
def test_a_certificate_that_is_not_trusted(
    ldap_proxy: LdapProxy, settings: DirectorySettings, tmp_path: Path, protocol: str
) -> None:
    other = CertificateAuthority(tmp_path).ca_path
    port = ldap_proxy.ldaps_port if protocol == "ldaps" else ldap_proxy.ldap_port
    broken = replace(settings, protocol=protocol, port=port, ca_path=str(other))
    with pytest.raises(CertificateError, match=r"is not trusted.*directory_ca_path"), open_reader(broken):
        pass
    assert ldap_proxy.control.log() == []
    with open_reader(replace(broken, validate_certs=False)):
        pass


@pytest.mark.parametrize("protocol", ["ldaps", "start_tls"])
def test_a_certificate_of_another_host(
    lab_directory: DomainController, lab_authority: CertificateAuthority, protocol: str
) -> None:
    with running_proxy(
        lab_authority,
        listen_address=lab_directory.address,
        upstream=f"{lab_directory.address}:{LDAPS_PORT}",
        hosts=("other.lab.test",),
    ) as proxy:
        port = proxy.ldaps_port if protocol == "ldaps" else proxy.ldap_port
        settings = settings_for(proxy, lab_directory, protocol=protocol, port=port)
        with pytest.raises(CertificateError, match="does not name it"), open_reader(settings):
            pass
        assert proxy.control.log() == []


def test_ca_path_without_certificates(settings: DirectorySettings, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("", encoding="utf-8")
    with pytest.raises(CertificateError, match="directory_ca_path"), open_reader(replace(settings, ca_path=str(empty))):
        pass


def test_start_tls_refused(ldap_proxy: LdapProxy, settings: DirectorySettings) -> None:
    ldap_proxy.control.set_faults([Fault("result", on="start_tls", code=52)])
    clear = replace(settings, protocol="start_tls", port=ldap_proxy.ldap_port)
    with pytest.raises(CertificateError, match="refused StartTLS with result 52"), open_reader(clear):
        pass
    assert ldap_proxy.control.log() == []


def test_tls_where_the_server_speaks_none(ldap_proxy: LdapProxy, settings: DirectorySettings) -> None:
    with (
        pytest.raises(DirectoryError, match=r"directory_protocol|directory_port"),
        open_reader(replace(settings, port=ldap_proxy.ldap_port, timeout=2)),
    ):
        pass


def test_plain_ldap_refused_and_allowed(
    ldap_proxy: LdapProxy, settings: DirectorySettings, lab_directory: DomainController
) -> None:
    plain = replace(settings, protocol="ldap", port=ldap_proxy.ldap_port)
    with pytest.raises(DirectoryBindError, match="ldaps or start_tls") as caught, open_reader(plain):
        pass
    assert caught.value.code == "8"
    with pytest.raises(DirectoryBindError, match="ldaps or start_tls"), open_reader(replace(plain, port=LDAP_PORT)):
        pass
    ldap_proxy.control.set_limits(require_tls=False)
    with open_reader(plain) as reader:
        assert reader.identify().domain.dn == lab_directory.base_dn


@pytest.mark.parametrize("username", ["svc-yeastar@lab.test", "nobody@lab.test", "CN=nobody,DC=lab,DC=test"])
def test_a_wrong_name_or_password_is_told_without_the_password(settings: DirectorySettings, username: str) -> None:
    wrong = replace(settings, username=username, password="quite-wrong-42")
    with (
        pytest.raises(DirectoryBindError, match="directory_username or directory_password") as caught,
        open_reader(wrong),
    ):
        pass
    assert "quite-wrong-42" not in str(caught.value)


def test_an_empty_password_is_never_sent(ldap_proxy: LdapProxy, settings: DirectorySettings) -> None:
    without: list[dict[str, Any]] = [{"password": ""}, {"username": " "}]
    for changes in without:
        with pytest.raises(DirectoryBindError, match="is empty"), open_reader(replace(settings, **changes)):
            pass
    assert ldap_proxy.control.log() == []


@pytest.mark.parametrize("code", ["530", "531", "532", "533", "701", "773", "775", "80090346"])
def test_refused_log_ins_are_explained(ldap_proxy: LdapProxy, settings: DirectorySettings, code: str) -> None:
    ldap_proxy.control.set_faults([bind_failure(code)])
    with pytest.raises(DirectoryBindError) as caught, open_reader(settings):
        pass
    assert caught.value.code == code


def test_a_password_is_sent_as_it_is_typed(
    settings: DirectorySettings, directory_admin: DirectoryAdmin, lab_directory: DomainController
) -> None:
    # Normalized, the ordinal, the ligature and the no-break space would become other characters.
    password = "Pässwörd-ª\ufb01\u00a07"
    directory_admin.add_user("Typed Password", sam_account_name="typed", password=password)
    dn = f"CN=Typed Password,CN=Users,{lab_directory.base_dn}"
    try:
        with open_reader(replace(settings, username=dn, password=password)) as reader:
            assert reader.identify().domain.dn == lab_directory.base_dn
    finally:
        directory_admin.delete(dn)


TLS_ALERTS = (b"\x15\x03\x03\x00\x02\x02\x46", b"\x15\x03\x01\x00\x02\x02\x32")


@pytest.mark.parametrize("protocol", ["ldap", "start_tls"])
@pytest.mark.parametrize("answer", [*TLS_ALERTS, b"SSH-2.0-OpenSSH_9.2p1\r\n"])
def test_what_does_not_speak_ldap(settings: DirectorySettings, protocol: str, answer: bytes) -> None:
    def serve() -> None:
        accepted, _address = listener.accept()
        with accepted:
            accepted.recv(4096)
            accepted.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=serve)
        thread.start()
        port = listener.getsockname()[1]
        with pytest.raises(DirectoryError, match=r"directory_host 127\.0\.0\.1") as caught:
            open_reader(replace(settings, host="127.0.0.1", port=port, protocol=protocol, timeout=3)).__enter__()
        thread.join()
    assert "directory_port" in caught.value.remedy


def test_hosts_that_cannot_be_reached(settings: DirectorySettings) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    hosts: list[tuple[dict[str, Any], str]] = [
        ({"host": "nowhere.invalid"}, "has no address"),
        ({"host": "127.0.0.1", "port": port}, "No answer"),
        ({"host": "ldap://dc1.lab.test"}, "not a host name"),
        ({"host": "dc1.lab.test:389"}, "not a host name"),
    ]
    for changes, words in hosts:
        with pytest.raises(DirectoryUnreachableError, match=words), open_reader(replace(settings, **changes)):
            pass


@pytest.mark.parametrize("protocol", ["ldaps", "start_tls", "ldap"])
def test_a_host_that_never_speaks(settings: DirectorySettings, protocol: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = silent.getsockname()[1]
        mute = replace(settings, host="127.0.0.1", port=port, protocol=protocol, timeout=1)
        with pytest.raises(DirectoryUnreachableError, match="No answer"), open_reader(mute):
            pass


def test_the_global_catalog_is_refused(settings: DirectorySettings) -> None:
    with pytest.raises(DirectoryError, match="global catalog"), open_reader(replace(settings, port=3269)):
        pass


# Identity and names


def test_the_directory_says_who_it_is(
    reader: DirectoryReader, lab_directory: DomainController, directory_admin: DirectoryAdmin
) -> None:
    identity = reader.identify()
    assert identity.domain.guid == directory_admin.guid_of(lab_directory.base_dn)
    assert (identity.domain.dns_name, identity.server) == (lab_directory.realm, lab_directory.host_name)
    assert abs(identity.time - datetime.now(UTC)) < timedelta(minutes=5)
    assert identity.deleted_objects_readable


def test_an_account_that_may_not_read_deleted_objects(
    settings: DirectorySettings, lab_directory: DomainController
) -> None:
    account = lab_directory.plain_account
    with open_reader(replace(settings, username=account.user_principal_name, password=account.password)) as reader:
        assert not reader.identify().deleted_objects_readable


@pytest.mark.parametrize("base_dn", ["OU=Nowhere,DC=lab,DC=test", "DC=other,DC=test", "lab.test", "DC=test"])
def test_a_base_dn_that_is_not_there(settings: DirectorySettings, base_dn: str) -> None:
    with (
        open_reader(replace(settings, base_dn=base_dn)) as reader,
        pytest.raises(DirectoryNameError, match=r"^directory_base_dn"),
    ):
        reader.identify()


def test_organizational_units_by_dn_and_by_path(
    reader: DirectoryReader, lab_population: Population, directory_admin: DirectoryAdmin
) -> None:
    chain = lab_population.specials["ou_chain"]
    parts: list[str] = []
    for dn in chain:
        name = directory_admin.read(dn, "name")["name"][0].decode()
        parts.append(name.replace("\\", "\\\\").replace("/", "\\/"))
        guid = directory_admin.guid_of(dn)
        assert reader.find_organizational_unit("/".join(parts)).guid == guid
        assert reader.find_organizational_unit("/".join(parts).lower()).guid == guid
        assert reader.find_organizational_unit(dn).guid == guid
        assert reader.find_organizational_unit(dn.lower()).guid == guid
    assert reader.find_organizational_unit("Users").dn.startswith("CN=Users,")


@pytest.mark.parametrize(
    "name",
    ["Nowhere", "Leer/Nowhere", "", "Leer//x", "OU=Nowhere,DC=lab,DC=test", "OU=Leer,DC=other,DC=test", "*", "L*"],
)
def test_an_organizational_unit_that_is_not_there(reader: DirectoryReader, name: str) -> None:
    with pytest.raises(DirectoryNameError, match=r"^organizational_units"):
        reader.find_organizational_unit(name)


def test_users_by_every_name(reader: DirectoryReader, lab_population: Population) -> None:
    for special in ("name_comma", "name_filter_characters", "name_backslash", "name_leading_hash", "name_slash"):
        entry = lab_population.entry(lab_population.special(special))
        account = entry.attributes["sAMAccountName"]
        user = reader.find_user(entry.dn)
        assert user.account_name == account
        for name in (account, account.upper(), entry.attributes["userPrincipalName"], user.guid, f"{{{user.guid}}}"):
            assert reader.find_user(name) == user


@pytest.mark.parametrize(
    "name", ["nobody", "*", "svc*", "a)(objectClass=*", "CN=Nobody,DC=lab,DC=test", "krbtgt", "PC00001$"]
)
def test_a_user_that_is_not_there(reader: DirectoryReader, name: str) -> None:
    with pytest.raises(DirectoryNameError, match=r"^users"):
        reader.find_user(name)


def test_groups_by_every_name(reader: DirectoryReader) -> None:
    groups = {group.name: group for group in reader.read_groups()}
    domain_users = groups["Domain Users"]
    assert domain_users.rid == 513
    for name in ("Domain Users", "domain users", domain_users.guid, domain_users.dn):
        assert reader.find_group(name).guid == domain_users.guid
    for name in ("No Group", "Domain*", "svc-plain", "CN=Guest,CN=Users,DC=lab,DC=test"):
        with pytest.raises(DirectoryNameError, match=r"^groups"):
            reader.find_group(name)


def test_a_name_that_several_groups_have(
    reader: DirectoryReader, directory_admin: DirectoryAdmin, lab_directory: DomainController
) -> None:
    unit = f"OU=Twin Groups,{lab_directory.base_dn}"
    directory_admin.add_ou("Twin Groups")
    try:
        directory_admin.add_group("Twins", parent=unit)
        directory_admin.add_group("Twins", parent=f"CN=Users,{lab_directory.base_dn}")
        with pytest.raises(DirectoryNameError, match=r"name of 2 objects: .*Twins.*; .*Twins"):
            reader.find_group("Twins")
    finally:
        directory_admin.delete(f"CN=Twins,CN=Users,{lab_directory.base_dn}")
        directory_admin.delete(unit, with_children=True)


# Filters


def test_a_filter_as_the_vendors_guide_prints_it(
    reader: DirectoryReader, directory_admin: DirectoryAdmin, lab_directory: DomainController, everybody: UserQuery
) -> None:
    unit = f"OU=Filtered,{lab_directory.base_dn}"
    directory_admin.add_ou("Filtered")
    try:
        for name in ("sales one", "Sales Two", "support"):
            directory_admin.add_user(name, parent=unit)
        text = "(& (objectCategory=person) (objectClass=user) (cn=sales*))"
        reader.check_filter(text)
        users = reader.read_users(replace(everybody, filter=text))
        assert {user.attributes["cn"] for user in users} == {"sales one", "Sales Two"}
        named = reader.read_users(replace(everybody, filter="(|(cn=SUPPORT)(cn=\\73ales one))"))
        assert {user.attributes["cn"] for user in named} == {"support", "sales one"}
    finally:
        directory_admin.delete(unit, with_children=True)


def test_a_filter_cannot_take_in_what_is_no_user(reader: DirectoryReader, everybody: UserQuery) -> None:
    assert len(reader.read_users(replace(everybody, filter="(objectClass=*)"))) == 222


def test_umlauts_and_escapes_in_a_filter(
    reader: DirectoryReader, lab_population: Population, everybody: UserQuery
) -> None:
    users = reader.read_users(replace(everybody, filter="(cn=Thomas Müller)"))
    assert {user.dn for user in users} == set(lab_population.specials["name_same"])
    (star,) = reader.read_users(replace(everybody, filter="(cn=Star\\2a \\28Paren\\29)"))
    assert star.dn == lab_population.special("name_filter_characters")


@pytest.mark.parametrize("text", ["(cn=x", "(cn=x)(sn=y)", "cn=x", "(&)"])
def test_a_malformed_filter_is_told_before_anything_is_read(
    ldap_proxy: LdapProxy, reader: DirectoryReader, everybody: UserQuery, text: str
) -> None:
    with pytest.raises(FilterError, match=r"^filter is not"):
        reader.check_filter(text)
    with pytest.raises(FilterError, match=r"^filter is not"):
        reader.read_users(replace(everybody, filter=text))
    assert ldap_proxy.control.searches() == []


# What became of users


def test_lookups_tell_live_deleted_and_unknown(
    reader: DirectoryReader,
    settings: DirectorySettings,
    directory_admin: DirectoryAdmin,
    lab_directory: DomainController,
) -> None:
    live = directory_admin.add_user("Lookup Live")
    gone = directory_admin.add_user("Lookup Gone")
    users_dn = f"CN=Users,{lab_directory.base_dn}"
    directory_admin.delete(f"CN=Lookup Gone,{users_dn}")
    unknown = "00000000-1111-2222-3333-444444444444"
    try:
        lookup = reader.look_up_users([live, gone, unknown])
        assert (set(lookup.live), lookup.deleted) == ({live}, frozenset({gone}))
        assert reader.look_up_users([]).live == {}
        account = lab_directory.plain_account
        plain = replace(settings, username=account.user_principal_name, password=account.password)
        with open_reader(plain) as blind:
            lookup = blind.look_up_users([live, gone, unknown])
            assert (set(lookup.live), lookup.deleted) == ({live}, frozenset())
    finally:
        directory_admin.delete(f"CN=Lookup Live,{users_dn}")


def test_a_long_list_of_groups_fits_into_filters(reader: DirectoryReader, everybody: UserQuery) -> None:
    groups = [DirectoryGroup("", f"CN=g{number},DC=lab,DC=test", "", 100_000 + number) for number in range(120)]
    domain_users = next(group for group in reader.read_groups() if group.name == "Domain Users")
    users = reader.read_users(replace(everybody, member_of=(*groups, domain_users)))
    assert len(users) > 200
