# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's domain controller behaves as the directory that it stands for."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ldap3
import pytest
from ldap3.utils.conv import escape_filter_chars

from lab import samba
from lab.addresses import is_listening
from lab.directory_admin import SHOW_DELETED, DirectoryAdmin, administer
from lab.population import GROUP, ORGANIZATIONAL_UNIT, Population, generate
from lab.processes import BackgroundProcess, LabError
from lab.samba import LDAP_PORT, LDAPS_PORT, Account, DomainController
from lab.tls import CertificateAuthority

PEOPLE = "(&(objectCategory=person)(objectClass=user)(!(isCriticalSystemObject=TRUE)))"
PAGED_RESULTS = "1.2.840.113556.1.4.319"


def _connection(
    controller: DomainController,
    account: Account,
    *,
    tls: bool = True,
    ca_path: Path | None = None,
    password: str | None = None,
) -> Any:
    settings = ldap3.Tls(
        validate=ssl.CERT_REQUIRED,
        ca_certs_file=str(ca_path or controller.ca_path),
        valid_names=[controller.host_name],
    )
    server = ldap3.Server(
        controller.address,
        port=LDAPS_PORT if tls else LDAP_PORT,
        use_ssl=tls,
        tls=settings,
        get_info=ldap3.NONE,
    )
    return ldap3.Connection(
        server,
        account.user_principal_name,
        password or account.password,
        auto_referrals=False,
        check_names=False,
        receive_timeout=60,
    )


@contextmanager
def _bound(controller: DomainController, account: Account) -> Iterator[Any]:
    connection = _connection(controller, account)
    try:
        assert connection.bind(), connection.result
        yield connection
    finally:
        connection.unbind()


def _find(connection: Any, base: str, search_filter: str, *attributes: str) -> list[dict[str, Any]]:
    entries = connection.extend.standard.paged_search(
        base, search_filter, attributes=list(attributes), paged_size=500, generator=False
    )
    assert connection.result["result"] == 0, connection.result
    return [entry for entry in entries if entry["type"] == "searchResEntry"]


def _served_certificate(controller: DomainController, host: str, ca_path: Path) -> dict[str, Any]:
    context = ssl.create_default_context(cafile=str(ca_path))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection((controller.address, LDAPS_PORT), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        return secured.getpeercert() or {}


class TestTransport:
    def test_ldaps_is_verified_by_host_name_and_by_address(self, lab_directory: DomainController) -> None:
        for host in (lab_directory.host_name, lab_directory.address):
            assert _served_certificate(lab_directory, host, lab_directory.ca_path)

    def test_a_host_that_the_certificate_does_not_name_is_refused(self, lab_directory: DomainController) -> None:
        with pytest.raises(ssl.SSLCertVerificationError, match="match"):
            _served_certificate(lab_directory, "dc2.lab.test", lab_directory.ca_path)

    def test_another_authority_is_refused(self, lab_directory: DomainController, tmp_path: Path) -> None:
        other = CertificateAuthority(tmp_path)
        with pytest.raises(ssl.SSLCertVerificationError, match="issuer"):
            _served_certificate(lab_directory, lab_directory.host_name, other.ca_path)

    def test_each_account_binds_over_ldaps(self, lab_directory: DomainController) -> None:
        for account in (
            lab_directory.administrator,
            lab_directory.sync_account,
            lab_directory.plain_account,
        ):
            with _bound(lab_directory, account):
                pass

    def test_bind_after_start_tls(self, lab_directory: DomainController) -> None:
        connection = _connection(lab_directory, lab_directory.sync_account, tls=False)
        assert connection.start_tls()
        assert connection.bind()
        connection.unbind()

    def test_simple_bind_without_tls_is_refused_with_stronger_auth_required(
        self, lab_directory: DomainController
    ) -> None:
        connection = _connection(lab_directory, lab_directory.sync_account, tls=False)
        assert not connection.bind()
        assert connection.result["result"] == 8
        connection.unbind()

    def test_simple_bind_without_tls_can_be_allowed(self, lax_lab_directory: DomainController) -> None:
        connection = _connection(lax_lab_directory, lax_lab_directory.sync_account, tls=False)
        assert connection.bind()
        connection.unbind()

    def test_wrong_password_is_result_49_with_sub_code_52e(self, lab_directory: DomainController) -> None:
        connection = _connection(lab_directory, lab_directory.sync_account, password="wrong")
        assert not connection.bind()
        assert connection.result["result"] == 49
        assert "data 52e" in connection.result["message"]
        connection.unbind()


@pytest.fixture(scope="module")
def people(lab_directory: DomainController) -> dict[str, dict[str, Any]]:
    with _bound(lab_directory, lab_directory.sync_account) as connection:
        entries = _find(connection, lab_directory.base_dn, PEOPLE, "*")
    return {entry["dn"].casefold(): entry["raw_attributes"] for entry in entries}


class TestPopulation:
    def test_every_person_is_there_with_the_values_generated(
        self, people: dict[str, dict[str, Any]], lab_population: Population
    ) -> None:
        names = {attribute for person in lab_population.people for attribute in person.attributes}
        by_account = {raw["sAMAccountName"][0].decode(): raw for raw in people.values()}
        for person in lab_population.people:
            raw = by_account[person.attributes["sAMAccountName"]]
            read = {name: raw[name][0].decode() for name in names if raw.get(name)}
            # What was left out of the LDIF has a default of the directory's.
            if "accountExpires" not in person.attributes:
                assert int(read.pop("accountExpires")) in (0, 0x7FFFFFFFFFFFFFFF)
            assert read == person.attributes

    @pytest.mark.parametrize(
        ("search_filter", "object_classes"),
        [
            ("(objectClass=computer)", ("computer", "msDS-ManagedServiceAccount", "msDS-GroupManagedServiceAccount")),
            ("(objectClass=contact)", ("contact",)),
            ("(objectClass=inetOrgPerson)", ("inetOrgPerson",)),
        ],
    )
    def test_other_classes_are_counted(
        self,
        lab_directory: DomainController,
        lab_population: Population,
        search_filter: str,
        object_classes: tuple[str, ...],
    ) -> None:
        own = "(!(primaryGroupID=516))"  # domain controllers
        with _bound(lab_directory, lab_directory.sync_account) as connection:
            found = _find(connection, lab_directory.base_dn, f"(&{search_filter}{own})")
        assert len(found) == len(lab_population.of_class(*object_classes))

    def test_every_unit_and_group_is_read_by_its_dn(
        self, directory_admin: DirectoryAdmin, lab_population: Population
    ) -> None:
        for entry in lab_population.of_class(ORGANIZATIONAL_UNIT, GROUP):
            assert directory_admin.guid_of(entry.dn)

    def test_groups_have_the_members_generated(
        self, lab_population: Population, directory_admin: DirectoryAdmin
    ) -> None:
        primary_only = lab_population.special("group_primary_only")
        for group, members in lab_population.memberships.items():
            read = directory_admin.read(group, "member").get("member", [])
            assert len(read) == (0 if group == primary_only else len(members)), group

    def test_a_cycle_of_groups_is_walked_to_its_end(
        self, lab_directory: DomainController, lab_population: Population
    ) -> None:
        group = lab_population.special("nested_cycle_group")
        with _bound(lab_directory, lab_directory.sync_account) as connection:
            in_chain = f"(memberOf:1.2.840.113556.1.4.1941:={escape_filter_chars(group)})"
            found = _find(connection, lab_directory.base_dn, f"(&{PEOPLE}{in_chain})")
        assert len(found) == len(lab_population.specials["nested_cycle_member"])

    def test_primary_group_members_are_found_by_primary_group_id_alone(
        self, lab_directory: DomainController, lab_population: Population, directory_admin: DirectoryAdmin
    ) -> None:
        group = lab_population.special("group_primary_only")
        token = directory_admin.read(group, "primaryGroupToken")["primaryGroupToken"][0].decode()
        with _bound(lab_directory, lab_directory.sync_account) as connection:
            by_primary = _find(connection, lab_directory.base_dn, f"(primaryGroupID={token})")
            by_member = _find(connection, lab_directory.base_dn, f"(&{PEOPLE}(memberOf={escape_filter_chars(group)}))")
        assert len(by_primary) == len(lab_population.specials["group_primary_only_member"])
        assert by_member == []


class TestRights:
    @pytest.mark.parametrize(("account", "expected"), [("sync_account", 1), ("plain_account", 0)])
    def test_tombstones_are_read_by_the_sync_account_alone(
        self,
        lab_directory: DomainController,
        directory_admin: DirectoryAdmin,
        account: str,
        expected: int,
    ) -> None:
        guid = directory_admin.add_user(f"Gone for {account}", telephoneNumber="1")
        directory_admin.delete(directory_admin.dn_of(guid))
        with _bound(lab_directory, getattr(lab_directory, account)) as connection:
            connection.search(
                lab_directory.base_dn,
                f"(objectGUID={_guid_filter(guid)})",
                attributes=["isDeleted", "objectGUID", "lastKnownParent"],
                controls=[SHOW_DELETED],
            )
            found = [entry for entry in connection.response if entry["type"] == "searchResEntry"]
        assert len(found) == expected
        assert all(entry["raw_attributes"]["isDeleted"] == [b"TRUE"] for entry in found)

    def test_without_the_control_nobody_sees_a_tombstone(
        self, lab_directory: DomainController, directory_admin: DirectoryAdmin
    ) -> None:
        guid = directory_admin.add_user("Gone unseen")
        directory_admin.delete(directory_admin.dn_of(guid))
        with _bound(lab_directory, lab_directory.sync_account) as connection:
            assert _find(connection, lab_directory.base_dn, f"(objectGUID={_guid_filter(guid)})") == []

    def test_the_sync_account_cannot_write(
        self, lab_directory: DomainController, directory_admin: DirectoryAdmin, own_unit: str
    ) -> None:
        dn = directory_admin.dn_of(directory_admin.add_user("Read Only", parent=own_unit))
        with _bound(lab_directory, lab_directory.sync_account) as connection:
            connection.modify(dn, {"telephoneNumber": [(ldap3.MODIFY_REPLACE, ["1"])]})
            assert connection.result["description"] == "insufficientAccessRights"
            connection.add("CN=Intruder," + directory_admin.users_dn, "user", {"sAMAccountName": "intruder"})
            assert connection.result["description"] == "insufficientAccessRights"


class TestAdministration:
    def test_the_guid_outlives_rename_move_delete_and_restore(self, directory_admin: DirectoryAdmin) -> None:
        unit = 'Umzug, "Büro" + 東京 🚀 \\ #1'
        directory_admin.add_ou(unit)
        unit_dn = directory_admin.dn(unit, directory_admin.base_dn, kind="OU")
        guid = directory_admin.add_user('Vorher, "A" + B', givenName="Vorher")
        dn = directory_admin.rename(directory_admin.dn_of(guid), "#Nachher, = 'C' 🚀")
        assert directory_admin.guid_of(dn) == guid
        dn = directory_admin.rename(directory_admin.move(dn, unit_dn), "Zuletzt #2")
        assert directory_admin.guid_of(dn) == guid
        directory_admin.delete(dn)
        assert "DEL:" in directory_admin.dn_of(guid)
        directory_admin.restore(guid, dn)
        assert directory_admin.guid_of(dn) == guid
        directory_admin.delete(unit_dn, with_children=True)
        assert "DEL:" in directory_admin.dn_of(guid)

    def test_account_state_and_values_change(self, directory_admin: DirectoryAdmin, own_unit: str) -> None:
        guid = directory_admin.add_user("Zustand", parent=own_unit, mail="a@lab.test", enabled=True)
        dn = directory_admin.dn_of(guid)
        directory_admin.set_enabled(dn, False)
        directory_admin.set_expiry(dn, 0)
        directory_admin.modify(dn, mail=None, ipPhone="2001")
        read = directory_admin.read(dn, "userAccountControl", "accountExpires", "mail", "ipPhone")
        assert read == {"userAccountControl": [b"514"], "accountExpires": [b"0"], "mail": [], "ipPhone": [b"2001"]}
        directory_admin.set_enabled(dn, True)
        assert directory_admin.read(dn, "userAccountControl")["userAccountControl"] == [b"512"]

    def test_membership_direct_and_primary(self, directory_admin: DirectoryAdmin, own_unit: str) -> None:
        dn = directory_admin.dn_of(directory_admin.add_user("Mitglied", parent=own_unit))
        group = directory_admin.dn_of(directory_admin.add_group("Gruppe, eigene", parent=own_unit))
        directory_admin.add_members(group, [dn])
        assert len(directory_admin.read(group, "member")["member"]) == 1
        directory_admin.set_primary_group(dn, group)
        assert directory_admin.read(group, "member")["member"] == []

    def test_a_refusal_is_an_error(self, directory_admin: DirectoryAdmin) -> None:
        with pytest.raises(LabError, match="noSuchObject"):
            directory_admin.modify(f"CN=Nobody,{directory_admin.users_dn}", mail="a@lab.test")


class TestLifeCycle:
    def test_two_labs_run_side_by_side(
        self, lab_directory: DomainController, lax_lab_directory: DomainController
    ) -> None:
        assert lab_directory.address != lax_lab_directory.address
        for controller in (lab_directory, lax_lab_directory):
            with _bound(controller, controller.sync_account):
                pass
        stranger = _connection(lax_lab_directory, lab_directory.sync_account)
        assert not stranger.bind()
        stranger.unbind()

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Iterator[Path]:
        """For a domain controller that is stopped however the test ends."""
        yield tmp_path / "dc"
        samba.wipe(tmp_path / "dc")

    def test_stop_start_populate_and_wipe(self, folder: Path) -> None:
        authority = CertificateAuthority(folder.parent / "tls")
        first = samba.start(folder, authority)
        with pytest.raises(LabError, match="running already"):
            samba.start(folder, authority)
        with pytest.raises(LabError, match="stop the domain controller"):
            samba.populate(first, generate(200, seed=2))
        found = samba.find(folder)
        assert found == first
        assert found.is_running()
        process_id = first.process.pid
        found.stop()
        assert not first.is_running()
        assert not _is_alive(process_id)
        assert not is_listening(first.address, LDAPS_PORT)

        population = generate(200, seed=2)
        samba.populate(found, population)
        second = samba.start(folder, authority)
        assert second.sync_account == first.sync_account
        with _bound(second, second.sync_account) as connection:
            people = _find(connection, second.base_dn, PEOPLE)
        service_accounts = 2
        assert len(people) == len(population.people) + service_accounts

        samba.wipe(folder)
        assert not second.is_running()
        assert not folder.exists()

    def test_the_server_goes_with_the_process_that_held_it(self, folder: Path) -> None:
        script = textwrap.dedent(
            """
            import os, sys
            from pathlib import Path
            from lab import samba
            from lab.tls import CertificateAuthority
            folder = Path(sys.argv[1])
            samba.start(folder, CertificateAuthority(folder.parent / "tls"), stop_with_parent=True)
            os._exit(0)
            """
        )
        subprocess.run([sys.executable, "-c", script, str(folder)], check=True, timeout=120)
        controller = samba.find(folder)
        assert controller is not None
        controller.process.wait_for_end(seconds=10.0)
        assert not controller.is_running()

    def test_an_address_in_use_is_refused(self, lab_directory: DomainController, tmp_path: Path) -> None:
        with pytest.raises(LabError, match="no free address"):
            samba.start(tmp_path / "dc", CertificateAuthority(tmp_path / "tls"), address=lab_directory.address)

    def test_a_folder_may_be_deeper_than_a_socket_path_is_long(self, tmp_path: Path) -> None:
        folder = tmp_path / ("x" * 100) / "dc"
        with samba.running(folder, CertificateAuthority(tmp_path / "tls")) as controller:
            samba.wipe(folder)
            assert not controller.is_running()

    def test_passwords_are_the_owners_alone(self, lab_directory: DomainController) -> None:
        assert (lab_directory.folder / "accounts.json").stat().st_mode & 0o777 == 0o600
        assert lab_directory.sync_account.password not in repr(lab_directory)

    def test_a_server_that_cannot_start_says_why(self, tmp_path: Path) -> None:
        process = BackgroundProcess(tmp_path, "broken")
        process.start(["sh", "-c", "echo no such luck; exit 1"])
        with pytest.raises(LabError, match="no such luck"):
            process.wait_until(lambda: False)


class TestCommandLine:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Iterator[Path]:
        yield tmp_path / "lab"
        _run_lab("wipe", tmp_path / "lab")

    def test_start_status_stop_start_wipe(self, folder: Path) -> None:
        assert "populated" not in _run_lab("start", folder, "--size", "200").stderr
        first = json.loads((folder / "lab.json").read_text(encoding="utf-8"))
        assert (folder / "lab.json").stat().st_mode & 0o777 == 0o600
        assert _run_lab("status", folder).stdout.count("running") == 3
        pids = [_process_id(path) for path in folder.rglob("*.process.json")]
        assert len(pids) == 3
        for url in (first["directory"]["ldaps_url"], first["ldap_proxy"]["ldaps_url"], first["pbx"]["url"]):
            _assert_verified_tls(url, first["ca_path"])
        again = _run_lab("populate", folder)
        assert again.returncode == 1
        assert "populated already (size 200, seed 1)" in again.stderr

        assert _run_lab("stop", folder).returncode == 0
        assert not any(_is_alive(pid) for pid in pids)
        assert _run_lab("status", folder).returncode == 1

        assert _run_lab("start", folder).returncode == 0
        second = json.loads((folder / "lab.json").read_text(encoding="utf-8"))
        for part in ("directory", "population"):
            assert second[part] == first[part]
        for credential in ("client_id", "client_secret"):
            assert second["pbx"][credential] == first["pbx"][credential]
        assert _run_lab("wipe", folder).returncode == 0
        assert not folder.exists()

    def test_populate_while_it_runs_brings_it_back(self, folder: Path) -> None:
        _run_lab("start", folder)
        assert _run_lab("populate", folder, "--size", "200", "--seed", "5").returncode == 0
        assert _run_lab("status", folder).returncode == 0
        controller = samba.find(folder / "directory")
        assert controller is not None
        with administer(controller) as admin:
            for person in generate(200, seed=5).people[:5]:
                assert admin.guid_of(person.dn)

    def test_a_folder_without_a_lab_is_not_wiped(self, tmp_path: Path) -> None:
        (tmp_path / "precious").touch()
        refused = _run_lab("wipe", tmp_path)
        assert refused.returncode == 1
        assert "holds no lab" in refused.stderr
        assert (tmp_path / "precious").exists()


def _run_lab(command: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lab", command, "--folder", str(folder), *options],
        cwd=Path(samba.__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


def _process_id(path: Path) -> int:
    return int(json.loads(path.read_text(encoding="utf-8"))["pid"])


def _assert_verified_tls(url: str, ca_path: str) -> None:
    host, _colon, port = url.rpartition("/")[2].partition(":")
    context = ssl.create_default_context(cafile=ca_path)
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        assert secured.getpeercert()


def _guid_filter(guid: str) -> str:
    return "".join(f"\\{byte:02x}" for byte in uuid.UUID(guid).bytes_le)


def _is_alive(process_id: int | None) -> bool:
    assert process_id is not None
    try:
        state = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # ended; its parent, which may be process 1, has yet to look
