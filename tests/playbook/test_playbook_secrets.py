# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret leaves a play: not at -vvvv with --diff, not in a file, not in a list of processes, not in a ledger.

All is tried with the secrets in the environment and with the secrets in variables, and all of it is searched for every
password and token that there was, in every spelling. The secrets that are given hold what is easily spelled otherwise.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lab.directory_admin import DirectoryAdmin
from lab.ldap_proxy.faults import Fault, bind_failure, referral, result
from lab.ldap_proxy.process import LdapProxy, running_proxy
from lab.pbx.emulator import Emulator
from lab.pbx.testing import running_emulator
from lab.postgresql import PostgresqlServer
from lab.postgresql import running as running_postgresql
from lab.samba import LDAPS_PORT, Account, DomainController
from lab.tls import CertificateAuthority
from tests.playbook.killed_site import Hold, kill_at
from tests.playbook.playbook_site import REPOSITORY, SECRETS, SITE, PlaybookSite, Played, write_yaml
from tests.playbook.secret_search import (
    Finding,
    Processes,
    SecretSearch,
    rows_of_sqlite,
    secrets_of,
    spellings,
    text_of,
    watched_processes,
)

# Some tests play a dozen playbooks.
pytestmark = pytest.mark.timeout(900)

_PLAYBOOK = "pbxops.yeastar.{}".format
SYNC_NOW = _PLAYBOOK("sync_now")
_KINDS = ["organizational_units", "users", "groups"]
_GATHER = ["status", "rules", "schedule", "runs", "capacity", "organizations", "associations", "drift", "conflicts"]
# The options that modules are tried with; those that are not here need none.
_OPTIONS: dict[str, dict[str, Any]] = {
    "pbx_ad_user_sync": {"number_start": 3000, "send_welcome_email": True},
    "pbx_ad_group_sync": {"scope": "filter", "filter": "(cn=Team*)"},
    "pbx_ad_schedule": {"timezone": "Europe/Berlin"},
    "pbx_ad_sso": {"login_addresses": ["https://pbx.example.com:8088/login"]},
    "pbx_ad_info": {"gather": _GATHER},
    "pbx_ad_rollback": {"pause": False},
    "pbx_ad_pbx_check": {"writes": True},
}
# Everything that Ansible itself writes of a play.
_WRITTEN = {
    "ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit,ansible.builtin.tree",
    "ANSIBLE_RETRY_FILES_ENABLED": "True",
}
_DENIED_BY_LDAP = (8, 51, 80)
# What Python imports first, in a module's process too, and what lets that one fail where an event of Python's own
# auditing is told.
_CRASHING = """
import os, sys

def crash(event, _arguments):
    if event == os.environ["CRASH_AT"] and "pbx_ad_" in sys.argv[0]:
        raise ArithmeticError("provoked")

if "CRASH_AT" in os.environ:
    sys.addaudithook(crash)
"""


def _odd_secret() -> str:
    """A secret with all that JSON, URLs, shells, pages and YAML spell otherwise, of which each is the only one."""
    return f"Zä\"b\\c' d&e%f/g+h=i?j#k<l>{secrets.token_hex(8)}"


@dataclass
class Watched:
    """A site whose plays are kept, all that they print and the processes that there were meanwhile.

    :param sources: where the secrets come from, the environment or the variables of a file: for one play after the
        other in turn.
    :param wrong: secrets that are given besides, which are not the right ones but may be nearly so.
    """

    site: PlaybookSite
    sources: Sequence[str]
    processes: Processes
    printed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _variables: int = 0

    @property
    def source(self) -> str:
        """Where the secrets of the next play come from."""
        return self.sources[len(self.printed) % len(self.sources)]

    @property
    def environment(self) -> dict[str, str]:
        """What every play has in its environment."""
        folder = self.site.folder
        given = {f"PBX_AD_{name.upper()}": str(self.site.options[name]) for name in SECRETS}
        return {
            **_WRITTEN,
            "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
            "ANSIBLE_CALLBACK_TREE_DIR": str(folder / "tree"),
            "JUNIT_OUTPUT_DIR": str(folder / "junit"),
            "ANSIBLE_RETRY_FILES_SAVE_PATH": str(folder / "retry"),
            **(given if self.source == "environment" else {}),
        }

    @property
    def arguments(self) -> list[str]:
        """What every play is called with."""
        arguments = ["-i", str(self.site.folder / "inventory.yml"), "-vvvv", "--diff"]
        if self.source == "variables":
            arguments += ["-e", self.given({f"pbx_ad_{name}": self.site.options[name] for name in SECRETS})]
        return arguments

    def given(self, variables: dict[str, Any]) -> str:
        """Write variables to a file, in which there may be secrets, and return how it is given to a play."""
        self._variables += 1
        return f"@{write_yaml(self._vaults / f'{self._variables}.json', variables)}"

    @property
    def _vaults(self) -> Path:
        folder = self.site.folder.parent / f"{self.site.folder.name}-vaults"
        folder.mkdir(exist_ok=True)
        return folder

    def play(self, playbook: str | Path, *arguments: str, status: int = 0, **environment: str) -> Played:
        """Run a playbook to its end; a module that crashes shows in the output, and nothing is asked of that."""
        command = ["ansible-playbook", str(playbook), *self.arguments, *arguments]
        played = self.site.run(command, {**self.environment, **environment})
        self.printed.append(played.output + played.errors)
        assert played.status == status, played.output + played.errors
        return played

    @property
    def search(self) -> SecretSearch:
        """The search for all secrets that there were up to now."""
        given = {str(self.site.options[name]) for name in SECRETS}
        return SecretSearch(given | set(self.wrong) | secrets_of(self.site.pbx))

    def findings(self, besides: Sequence[Path] = ()) -> list[Finding]:
        """What is found in all that is left of the plays.

        :param besides: files that are known to hold secrets.
        """
        search = self.search
        # Copies, for the watch goes on.
        commands, environments = self.processes.commands.copy(), self.processes.environments.copy()
        # The name of the module's own file: it was seen at work.
        assert any(b"pbx_ad_sync" in command for command in commands)
        given = {str(self.site.options[name]) for name in SECRETS} if "environment" in self.sources else set()
        hidden = SecretSearch(search.secrets - given)
        return [
            *(one for number, text in enumerate(self.printed) for one in search.in_text(f"output {number}", text)),
            *search.in_folder(self.site.folder, besides),
            # The file has them in pages, and the snapshot compressed.
            *(one for row in rows_of_sqlite(self.site.ledger_path) for one in search.in_text("ledger", row)),
            *search.in_calls(self.site.pbx.calls.all()),
            *(one for command in commands for one in search.in_bytes(f"command {command!r}", command)),
            *(one for variables in environments for one in hidden.in_bytes("an environment", variables)),
        ]


@pytest.fixture(name="pbx")
def _pbx(lab_authority: CertificateAuthority) -> Iterator[Emulator]:
    with running_emulator(authority=lab_authority, client_secret=_odd_secret()) as emulator:
        yield emulator


@pytest.fixture(name="site")
def _site(
    lab_directory: DomainController, directory_admin: DirectoryAdmin, pbx: Emulator, tmp_path: Path
) -> Iterator[PlaybookSite]:
    """A site whose account has an odd password, with a few people in it."""
    name = f"svc-{secrets.token_hex(6)}"
    folder = tmp_path / "site"
    folder.mkdir()
    with directory_admin.unit_of_its_own() as base_dn:
        account = Account(name, f"CN={name},{base_dn}", f"{name}@lab.test", _odd_secret())
        directory = dataclasses.replace(lab_directory, sync_account=account)
        site = PlaybookSite(folder, directory, directory_admin, pbx, base_dn)
        directory_admin.add_user(
            name,
            parent=base_dn,
            sam_account_name=account.sam_account_name,
            password=account.password,
            userPrincipalName=account.user_principal_name,
        )
        staff = site.add_unit("Staff")
        for person in ("Anna", "Bernd"):
            site.add_user(person, mail=f"{person.lower()}@lab.test", parent=staff)
        directory_admin.add_group("Team", parent=base_dn, members=[f"CN=Anna,{staff}"])
        yield site


# Plays take their secrets from the one and from the other in turn.
_in_turn = pytest.mark.parametrize("watched", ["variables environment"], indirect=True)
_from_variables = pytest.mark.parametrize("watched", ["variables"], indirect=True)


@pytest.fixture(name="watched", params=["environment", "variables"])
def _watched(site: PlaybookSite, request: pytest.FixtureRequest) -> Iterator[Watched]:
    public = {name: value for name, value in site.variables.items() if name.removeprefix("pbx_ad_") not in SECRETS}
    written = {
        "pbx_ad_report_path": str(site.folder / "report.html"),
        "pbx_ad_metrics_path": str(site.folder / "metrics.prom"),
    }
    rules = {"pbx_ad_kinds": _KINDS, "pbx_ad_user_label_group": "From AD", "pbx_ad_user_send_welcome_email": True}
    site.inventory({**public, **written, **rules})
    with watched_processes() as processes:
        yield Watched(site, request.param.split(), processes)


# --- all goes well


def test_no_secret_is_seen_of_any_module(watched: Watched) -> None:
    watched.play(SITE, "--check")
    watched.play(SITE)
    every_module = _playbook_of_every_module(watched)
    watched.play(every_module, "--check")
    watched.play(every_module)

    assert watched.findings() == []
    # Besides the two that are given: two passwords of each of the extensions, and the two tokens of each module.
    assert len(watched.search.secrets) >= 2 + 2 * 2 + 2 * 10
    for left in ("report.html", "metrics.prom", "ansible.log", "tree", "junit", "state"):
        assert (watched.site.folder / left).exists(), left


@_in_turn
def test_no_secret_is_seen_of_any_playbook(watched: Watched) -> None:
    watched.play(SITE)
    watched.site.admin.modify(f"CN=Anna,OU=Staff,{watched.site.base_dn}", sn="Neuhaus")
    for name in ("plan", "sync_now", "status", "report", "pause", "resume", "disable", "enable"):
        watched.play(_PLAYBOOK(name))
    deleting = {f"pbx_ad_delete_{kind}": True for kind in ("extensions", "organizations", "groups")}
    watched.play(_PLAYBOOK("disconnect"), "-e", json.dumps(deleting))

    assert watched.findings() == []


def _playbook_of_every_module(watched: Watched) -> Path:
    modules = sorted(path.stem for path in (REPOSITORY / "plugins" / "modules").glob("*.py"))
    assert modules
    names = [name for name in watched.site.options if name not in SECRETS or watched.sources == ["variables"]]
    tasks: list[dict[str, Any]] = []
    for module in modules:
        options = _OPTIONS.get(module, {})
        tasks += [{f"pbxops.yeastar.{module}": options, "register": "done"}, {"ansible.builtin.debug": {"var": "done"}}]
    play = {
        "hosts": "yeastar_pbx",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "module_defaults": {"group/pbxops.yeastar.ad": {name: f"{{{{ pbx_ad_{name} }}}}" for name in names}},
        "tasks": tasks,
    }
    return write_yaml(watched.site.folder / "every_module.yml", [play])


# --- either side fails


@_in_turn
def test_no_secret_is_seen_when_the_pbx_cannot_be_read(watched: Watched) -> None:
    pbx = watched.site.pbx
    watched.play(SITE)
    # What the transport's own errors hold is the URL, and so the token.
    for endpoint, fault, fields in (
        ("get_token", "garbage", {}),
        ("get_token", "cut_after_work", {}),
        ("organization/list", "http_500", {"times": None}),
        ("extension/list", "garbage", {"times": None}),
        ("extensiongroup/list", "cut_before_work", {"times": None}),
        ("extension/list", "errcode", {"errcode": 10005}),
        ("system/information", "cut_mid_answer", {"times": None}),
    ):
        pbx.fail(endpoint, fault, nth=1, **fields)  # type: ignore[arg-type]
        watched.play(SYNC_NOW, status=2)
        pbx.faults.clear()

    assert watched.findings() == []


@_in_turn
def test_no_secret_is_seen_when_the_pbx_lets_nobody_in(watched: Watched) -> None:
    site, pbx = watched.site, watched.site.pbx
    pbx.fail("*", "expired_token", nth=4)
    watched.play(SITE)
    other = CertificateAuthority(site.folder / "other")
    watched.play(SYNC_NOW, "-e", json.dumps({"pbx_ad_pbx_ca_path": str(other.ca_path)}), status=2)
    watched.wrong.append(f"{site.options['pbx_client_secret']}-typo")
    watched.play(SYNC_NOW, "-e", watched.given({"pbx_ad_pbx_client_secret": watched.wrong[-1]}), status=2)

    assert watched.findings(sorted((site.folder / "other").iterdir())) == []


@_in_turn
def test_no_secret_is_seen_when_the_pbx_does_not_write(watched: Watched) -> None:
    site, pbx = watched.site, watched.site.pbx
    watched.play(SITE)
    # A refusal that repeats the passwords, in plain and in Base64; and creations whose outcome nobody knows.
    site.add_user("Carl", mail="carl@lab.test")
    pbx.variants = pbx.variants.changed(invalid_value_echoed=True, user_password_length_min=60)
    watched.play(SYNC_NOW, status=2)
    pbx.variants = pbx.variants.changed(user_password_length_min=10)
    pbx.fail("extension/create", "http_500", nth=1, times=None)
    watched.play(SYNC_NOW, status=2)
    pbx.faults.clear()
    pbx.fail("extension/create", "cut_after_work", nth=1)
    pbx.fail("extension/search", "cut_before_work", times=None)
    watched.play(SYNC_NOW, status=2)
    pbx.faults.clear()
    pbx.fail("refresh_token", "garbage", nth=1, times=None)
    pbx.fail("*", "expired_token", nth=4)
    watched.play(SYNC_NOW, status=2)
    pbx.faults.clear()
    pbx.fail("del_token", "cut_before_work", nth=1, times=None)
    watched.play(SYNC_NOW)

    assert watched.findings() == []


@_in_turn
def test_no_secret_is_seen_when_the_directory_fails(watched: Watched, proxy: LdapProxy) -> None:
    site = watched.site
    watched.play(SITE)
    through = ["-e", json.dumps({"pbx_ad_directory_host": proxy.address, "pbx_ad_directory_port": proxy.ldaps_port})]
    secret = str(site.options["directory_password"])
    faults = [
        bind_failure("52e"),
        bind_failure("775"),
        Fault("result", on="bind", code=53, message="unwilling to take this"),
        Fault("cut", on="bind"),
        Fault("cut", nth=3, when="middle"),
        Fault("lose_control"),
        referral("ldap://elsewhere.lab.test/DC=lab,DC=test"),
        *(result(code, message="refused") for code in _DENIED_BY_LDAP),
    ]
    for fault in faults:
        proxy.control.set_faults([fault])
        watched.play(SYNC_NOW, *through, status=2)
        assert SecretSearch([secret]).in_text("log", json.dumps(proxy.control.log())) == []
    proxy.control.clear()
    watched.play(SYNC_NOW, *through, "-e", json.dumps({"pbx_ad_directory_ca_path": "/etc/hostname"}), status=2)
    watched.play(SYNC_NOW, "-e", json.dumps({"pbx_ad_directory_host": "localhost"}), status=2)
    watched.wrong.append(f"{secret}-typo")
    watched.play(SYNC_NOW, "-e", watched.given({"pbx_ad_directory_password": watched.wrong[-1]}), status=2)

    assert watched.findings() == []


@pytest.fixture(name="proxy")
def _proxy(lab_directory: DomainController, lab_authority: CertificateAuthority) -> Iterator[LdapProxy]:
    address = lab_directory.address
    with running_proxy(
        lab_authority,
        listen_address=address,
        upstream=f"{address}:{LDAPS_PORT}",
        hosts=(address, lab_directory.host_name),
    ) as proxy:
        yield proxy


# --- a module ends otherwise than it should


@_in_turn
def test_no_secret_is_seen_of_a_module_that_crashes(watched: Watched) -> None:
    watched.play(SITE)
    crashing = watched.site.folder / "crashing"
    crashing.mkdir()
    (crashing / "sitecustomize.py").write_text(_CRASHING, encoding="utf-8")
    shown = {"ANSIBLE_DISPLAY_TRACEBACK": "always", "PYTHONPATH": str(crashing)}

    for event in ("http.client.send", "sqlite3.connect"):
        crashed = watched.play(SYNC_NOW, status=2, CRASH_AT=event, **shown)
        assert "ArithmeticError: provoked" in crashed.everything

    assert watched.findings() == []


_SMALL_DISK = 'mount -t tmpfs -o size="$0" tmpfs "$1"'


def _small_disks_can_be_made() -> bool:
    attempt = ["unshare", "--mount", "sh", "-c", _SMALL_DISK, "64k", tempfile.gettempdir()]
    return subprocess.run(attempt, check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(not _small_disks_can_be_made(), reason="a small disk is a mount, which needs root")
@_from_variables
def test_no_secret_is_seen_of_a_ledger_on_a_full_disk(watched: Watched) -> None:
    watched.play(SITE)
    disk = watched.site.folder / "disk"
    disk.mkdir()
    command = ["ansible-playbook", SITE, *watched.arguments, "-e", json.dumps({"pbx_ad_ledger_path": f"{disk}/ledger"})]
    small = ["unshare", "--mount", "sh", "-c", f'{_SMALL_DISK} && shift && exec "$@"', "64k", str(disk)]

    full = watched.site.run([*small, *command], watched.environment)

    assert "is full" in full.everything
    watched.printed.append(full.output + full.errors)
    assert watched.findings() == []


def test_of_a_killed_run_only_the_module_that_ansible_wrote_has_secrets_and_it_is_its_owners(watched: Watched) -> None:
    watched.play(SITE)
    watched.site.add_user("Carl", mail="carl@lab.test")
    command = ["ansible-playbook", SYNC_NOW, *watched.arguments]
    hold = Hold(1, "after", "extension/create")

    printed = kill_at(watched.site, command, {hold: watched.site.pbx}, watched.environment)

    watched.printed.append(printed)
    assert watched.site.pbx.calls.all()[-1].endpoint == "extension/create"
    _require_in_ansibles_own_module_alone(watched)


def test_of_remote_files_that_are_kept_only_the_module_that_ansible_wrote_has_secrets_and_it_is_its_owners(
    watched: Watched,
) -> None:
    watched.play(SITE, ANSIBLE_KEEP_REMOTE_FILES="1")

    assert _modules_written(watched)
    _require_in_ansibles_own_module_alone(watched)


def test_with_pipelining_nothing_is_written_that_could_be_kept(watched: Watched) -> None:
    watched.play(SITE)
    watched.site.add_user("Carl", mail="carl@lab.test")
    hold = Hold(1, "after", "extension/create")
    command = ["ansible-playbook", SYNC_NOW, *watched.arguments]

    kill_at(watched.site, command, {hold: watched.site.pbx}, {**watched.environment, "ANSIBLE_PIPELINING": "1"})

    assert _modules_written(watched) == []
    assert watched.findings() == []


def _require_in_ansibles_own_module_alone(watched: Watched) -> None:
    """Ansible writes the arguments of a task into the module that it copies; those of the environment are not there."""
    found = {Path(finding.place) for finding in watched.findings()}
    written = set(_modules_written(watched)) if watched.sources == ["variables"] else set()
    assert found == written
    for path in written:
        assert path.parent.stat().st_mode & 0o077 == 0, path
        assert {finding.secret for finding in watched.findings() if finding.place == str(path)} <= {
            watched.site.options[name] for name in SECRETS
        }


def _modules_written(watched: Watched) -> list[Path]:
    return sorted((watched.site.folder / "remote").rglob("AnsiballZ_pbx_ad_*.py"))


# --- a ledger in a database


@pytest.fixture(name="postgresql", scope="module")
def _postgresql(lab_authority: CertificateAuthority) -> Iterator[PostgresqlServer]:
    with running_postgresql(lab_authority) as server:
        yield server


@_from_variables
def test_no_secret_is_in_a_ledger_in_postgresql_nor_its_password_anywhere(
    watched: Watched, postgresql: PostgresqlServer
) -> None:
    role = postgresql.create_database("ledgers")
    watched.wrong.append(role.password)
    ledger = {"pbx_ad_ledger_url": postgresql.url(role, "ledgers"), "pbx_ad_ledger_password": role.password}
    arguments = ["-e", watched.given({**ledger, "pbx_ad_ledger_path": None})]
    watched.play(SITE, *arguments)
    watched.site.add_user("Carl", mail="carl@lab.test")
    watched.site.pbx.fail("extension/create", "cut_after_work", nth=1)
    watched.site.pbx.fail("extension/search", "cut_before_work", times=None)
    watched.play(SYNC_NOW, *arguments, status=2)
    watched.site.pbx.faults.clear()
    watched.wrong.append(f"{role.password}-typo")
    wrong = watched.given({"pbx_ad_ledger_password": watched.wrong[-1]})
    watched.play(SYNC_NOW, *arguments, "-e", wrong, status=2)

    assert _rows(postgresql, "ledgers")
    assert watched.search.in_text("rows", "\n".join(_rows(postgresql, "ledgers"))) == []
    with postgresql.administer("ledgers") as connection:
        connection.execute("CHECKPOINT")
    assert watched.search.in_folder(postgresql.folder) == []
    assert watched.findings() == []


def _rows(server: PostgresqlServer, database: str) -> list[str]:
    """Every row of every table in a database, as text."""
    tables = (
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    with server.administer(database) as connection:
        names = [name for (name,) in connection.execute(tables)]
        return [text_of(row) for name in names for row in connection.execute(f"SELECT * FROM {name}")]  # noqa: S608


# --- the search itself


@_from_variables
def test_the_search_finds_what_is_planted(watched: Watched, postgresql: PostgresqlServer) -> None:
    site = watched.site
    watched.play(SITE)
    assert watched.findings() == []
    secret, token = site.options["directory_password"], max(site.pbx.pbx.tokens.given)
    shown = site.folder / "shown.json"
    write_yaml(shown, [{"hosts": "localhost", "gather_facts": False, "tasks": [_showing(secret)]}])

    watched.play(shown)
    shown.unlink()
    with closing(sqlite3.connect(site.ledger_path, isolation_level=None)) as ledger:
        ledger.execute("UPDATE runs SET error = ?", (f"x{token}x",))
        assert ledger.execute("UPDATE snapshot SET content = ?", (zlib.compress(secret.encode()),)).rowcount == 1
    # Twice as long as the time between two looks of the watch, and then some.
    program = "import time; time.sleep(0.5)"
    subprocess.run([sys.executable, "-c", program, f"--password={secret}"], check=True)
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "PLANTED": token})
    call = site.pbx.calls.all()[-1]
    spoken = [
        dataclasses.replace(call, raw_headers={"Referer": f"https://pbx/?access_token={token}"}),
        dataclasses.replace(call, raw_body=json.dumps({"first_name": token}).encode()),
        dataclasses.replace(call, raw_query=f"access_token=x&search_value={token}"),
        dataclasses.replace(call, path=f"/{token}"),
    ]

    found = watched.findings()

    places = {finding.place.partition(" ")[0] for finding in found}
    assert {"output", str(site.ledger_path), str(site.folder / "ansible.log"), "command", "an"} <= places
    assert {finding.secret for finding in found if finding.place == "ledger"} == {secret, token}
    assert [finding.secret for one in spoken for finding in watched.search.in_calls([one])] == [token] * 4
    role = postgresql.create_database(f"planted_{secrets.token_hex(4)}")
    with postgresql.administer(role.name) as connection:
        connection.execute("CREATE TABLE planted (value TEXT)")
        connection.execute("INSERT INTO planted VALUES (%s)", (token,))
        connection.execute("CHECKPOINT")
    assert watched.search.in_text("rows", "\n".join(_rows(postgresql, role.name)))
    assert watched.search.in_folder(postgresql.folder)


def _showing(secret: str) -> dict[str, Any]:
    return {"ansible.builtin.debug": {"msg": secret}}


@pytest.mark.parametrize("spelling", range(len(spellings(_odd_secret()))))
def test_every_spelling_is_found(spelling: int, tmp_path: Path) -> None:
    secret = _odd_secret()
    written = sorted(spellings(secret))[spelling]
    (tmp_path / "file").write_bytes(b"\0before" + written + b"after\0")

    found = SecretSearch([secret]).in_folder(tmp_path)

    assert (str(tmp_path / "file"), secret, written) in {(one.place, one.secret, one.spelling) for one in found}


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
@pytest.mark.parametrize("after", ["", "x", "xy", "xyz"])
def test_base64_of_something_longer_is_seen_through(before: str, after: str) -> None:
    secret = _odd_secret()
    encoded = base64.b64encode(f"{before}{secret}{after}".encode())

    assert SecretSearch([secret]).in_bytes("text", encoded)
