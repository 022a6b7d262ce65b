# SPDX-License-Identifier: GPL-3.0-or-later
"""The role pbx_ad_sso_gateway: what it writes, what systemd makes of it, and that what it installs does its work.

The role is played into folders of the test. No systemd is started: systemd-analyze judges the unit, and where the
service is to run, a stand-in of systemctl runs the unit's own command.
"""

from __future__ import annotations

import os
import pwd
import re
import ssl
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.playbook.gateway_host import (
    CLIENT_SECRET,
    HELP,
    ORGANIZATION,
    ROLE,
    UNIT,
    Certificate,
    GatewayHost,
    changes,
    make_certificate,
)
from tests.playbook.playbook_site import REPOSITORY, environment_of, write_yaml
from tests.playbook.secret_search import SecretSearch, watched_processes
from tests.playbook.systemctl_stand_in import settings, words

HARMLESS_EXPOSURE = 20  # in tenths: systemd calls up to 2.0 "OK", and an unhardened service is at 96

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(name="wheels", scope="module")
def _wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The libraries of the gateway, which a host without a package index is given."""
    folder = tmp_path_factory.mktemp("wheels")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--quiet"]
    wanted = ["--require-hashes", "--only-binary", ":all:", "--requirement", str(ROLE / "files" / "requirements.txt")]
    subprocess.run([*pip, *wanted, "--dest", str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture(name="identity", scope="module")
def _identity() -> Certificate:
    return make_certificate()


@pytest.fixture(name="host")
def _host(tmp_path: Path, wheels: Path, identity: Certificate) -> GatewayHost:
    """A host without a systemd, with a ledger."""
    host = GatewayHost(tmp_path, wheels, identity)
    host.set_up()
    return host


@pytest.fixture(name="booted", scope="module")
def _booted(tmp_path_factory: pytest.TempPathFactory, wheels: Path, identity: Certificate) -> Iterator[GatewayHost]:
    """A host with a systemd, on which the gateway runs."""
    host = GatewayHost(tmp_path_factory.mktemp("host"), wheels, identity)
    host.set_up()
    host.boot()
    host.play()
    yield host
    host.service.stop()


@pytest.fixture(name="installed", scope="module")
def _installed(booted: GatewayHost) -> dict[str, bytes]:
    """What is installed on that host at first."""
    return booted.installed()


@pytest.fixture(name="running")
def _running(booted: GatewayHost, installed: dict[str, bytes]) -> GatewayHost:
    """That host, as it was at first, whatever a test has done to it."""
    booted.forget_changes()
    if booted.installed() != installed or not booted.service.process():
        booted.play()
    return booted


def _analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _served(host: GatewayHost) -> str:
    """The certificate that the gateway answers with."""
    return ssl.get_server_certificate(("127.0.0.1", host.port))


def _health(host: GatewayHost, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = [sys.executable, str(ROLE / "files" / "health.py"), str(host.config / "sign-on-test.toml")]
    return subprocess.run(
        [*script, "--ca", str(host.folder / "ca.pem"), "--wait", "0", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


# --- what is written ---


def test_what_it_installs_once_it_installs_no_more_and_takes_away(host: GatewayHost) -> None:
    shown = host.play("--check", "--diff")
    promised = changes(shown)
    assert '+organization = "Ex \\"ä\\" 😀' in shown
    assert host.installed() == {}
    assert not host.directory.exists()

    done = host.play()
    assert changes(done) == promised
    assert "systemd does not run here, so that nothing was started." in done
    made = host.installed()
    assert made.keys() == {
        f"units/{UNIT}",
        "config/sign-on-test.toml",
        "config/sign-on-test.credentials/pbx_client_id",
        "config/sign-on-test.credentials/pbx_client_secret",
        "config/sign-on-test.credentials/tls.pem",
        "config/sign-on-test.credentials/tls.key",
        "current",
    }

    assert changes(host.play()) == 0
    assert host.installed() == made

    # An application that somebody else has put beside it.
    (host.directory.parent / "bin").mkdir()
    promised = changes(host.play("--check", state="absent"))
    assert host.installed() == made
    assert changes(host.play(state="absent")) == promised + 1  # the folder of the configuration, which is empty then
    assert host.installed() == {}
    assert not host.config.exists()
    assert [path.name for path in host.directory.parent.iterdir()] == ["bin"]
    assert host.ledger.exists()
    assert changes(host.play(state="absent")) == 0


def test_the_files_are_for_those_who_need_them(running: GatewayHost) -> None:
    config = running.config / "sign-on-test.toml"
    for path, mode in (
        (config, 0o640),
        (running.credentials, 0o700),
        *((path, 0o600) for path in running.credentials.iterdir()),
        (running.unit, 0o644),
        (running.directory, 0o755),
    ):
        assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_uid) == (mode, 0), path
    release = [path for path in running.current.resolve().rglob("*") if not path.is_symlink()]
    assert not [path for path in release if path.stat().st_uid or path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)]
    assert not list(running.directory.glob("former*"))


def test_every_character_arrives_as_it_was_given(running: GatewayHost) -> None:
    config = tomllib.loads((running.config / "sign-on-test.toml").read_text(encoding="utf-8"))

    assert config["page"]["organization"] == ORGANIZATION
    assert config["page"]["help"] == HELP
    assert config["listen"]["trusted_proxies"] == ["192.0.2.1", "2001:db8::/32"]
    assert config["limits"]["answer_floor"] == 1.5
    assert (running.credentials / "pbx_client_secret").read_text(encoding="utf-8") == CLIENT_SECRET


def test_systemd_takes_the_unit_and_finds_the_service_hardened(running: GatewayHost, tmp_path: Path) -> None:
    bare = tmp_path / "bare.service"
    bare.write_text("[Service]\nType=oneshot\nExecStart=/bin/true\n", encoding="utf-8")
    low = tmp_path / running.unit.name
    text = running.unit.read_text(encoding="utf-8")
    rights = "CapabilityBoundingSet=CAP_NET_BIND_SERVICE\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n"
    low.write_text(
        text.replace("PrivateUsers=true\nCapabilityBoundingSet=\nAmbientCapabilities=\n", rights), encoding="utf-8"
    )

    verified = _analyze("verify", running.unit)
    threshold = f"--threshold={HARMLESS_EXPOSURE}"
    exposures = [_analyze("security", "--offline=true", threshold, unit) for unit in (running.unit, low, bare)]

    assert (verified.returncode, verified.stderr) == (0, "")
    assert rights in low.read_text(encoding="utf-8")
    assert [exposure.returncode == 0 for exposure in exposures] == [True, True, False]
    assert "OK" in exposures[0].stdout.splitlines()[-1]


def test_a_low_port_and_a_ledger_in_a_database_change_what_the_service_may_do(running: GatewayHost) -> None:
    url, password = "postgresql://gateway@db.example.com/ledgers", "led$ger'\"%n0123456789"
    shown = running.play("--check", "--diff", port=443, ledger_url=url, ledger_name="berlin", ledger_password=password)

    assert "+CapabilityBoundingSet=CAP_NET_BIND_SERVICE" in shown
    assert "+AmbientCapabilities=CAP_NET_BIND_SERVICE" in shown
    # In a user namespace of its own that right would be worth nothing.
    assert "-PrivateUsers=true" in shown
    assert f'+ledger_url = "{url}"\n+ledger_name = "berlin"' in shown
    assert f"+LoadCredential=ledger_password:{running.credentials}/ledger_password" in shown
    assert f'-ReadWritePaths="{running.ledger.parent}"' in shown
    assert "+ReadWritePaths" not in shown
    assert not SecretSearch([password]).in_text("output", shown)


# --- the service at work ---


def test_the_installed_service_runs_as_its_unit_says_and_is_well(running: GatewayHost) -> None:
    assert running.service.process()
    assert running.service.enabled.exists()
    assert _health(running).stdout == "ok\n"
    (command,) = settings(running.unit, "ExecStart")
    process = Path(f"/proc/{running.service.process()}")
    assert (process / "cmdline").read_bytes().decode().split("\0")[:-1] == words(command)
    status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines())
    assert status["CapBnd"] == "0000000000000000"
    assert status["NoNewPrivs"] == "1"
    assert re.search(r"^Max core file size +0 +0 ", (process / "limits").read_text(), re.MULTILINE)


def test_a_second_play_leaves_it_alone_and_one_that_was_stopped_is_started(running: GatewayHost) -> None:
    process = running.service.process()

    assert changes(running.play()) == 0
    assert running.service.process() == process

    running.service.stop()
    assert changes(running.play("--check")) == 1
    assert running.service.process() is None
    assert changes(running.play()) == 1
    assert running.service.process()


def test_an_upgrade_switches_and_keeps_one_release_beside_the_new_one(running: GatewayHost) -> None:
    processes = [running.service.process()]
    used = [running.current.resolve().name]

    for number in range(2):
        running.change_release(f"# {number}\n")
        promised = changes(running.play("--check")) if number else None
        assert changes(running.play()) == promised or not number
        processes.append(running.service.process())
        used.append(running.current.resolve().name)

    assert len(set(processes)) == len(set(used)) == 3
    assert running.releases() == set(used[1:])
    assert _health(running).returncode == 0


def test_a_new_gateway_that_is_not_well_gives_way_to_the_one_before(running: GatewayHost) -> None:
    before = running.installed()

    # It is only when it runs that it fails, not when it is checked.
    running.change_release("import sys\nif '--check' not in sys.argv:\n    sys.exit('no such luck')\n")
    printed = running.play(fails=True, health_timeout=3, organization="Another")

    assert "The gateway is not well: no answer from 127.0.0.1" in _one_line(printed)
    assert f"journalctl --unit {UNIT}" in _one_line(printed)
    assert running.installed() == before
    assert not list(running.directory.glob("former*"))
    # It has longer to be well now than in that play.
    assert _health(running, "--wait", "60").returncode == 0


def test_what_does_not_pass_the_check_never_reaches_the_service(running: GatewayHost) -> None:
    before, process = running.installed(), running.service.process()

    printed = running.play(fails=True, trusted_proxies=["nobody"])

    assert "listen.trusted_proxies" in printed
    assert "What was installed before is back." in _one_line(printed)
    assert running.installed() == before
    assert running.service.process() == process


def test_a_play_that_was_killed_before_it_knew_is_undone_or_done_by_the_next(running: GatewayHost) -> None:
    before, process = running.installed(), running.service.process()
    running.change_release("# Never started.\n")
    parts = [running.unit, running.config / "sign-on-test.toml", running.credentials, running.current]
    subprocess.run(["tar", "-cPf", str(running.directory / "former.tar"), *map(str, parts)], check=True)
    (running.config / "sign-on-test.toml").write_text("half", encoding="utf-8")

    running.play(fails=True, trusted_proxies=["nobody"])
    assert running.installed() == before
    assert running.service.process() != process

    running.play()
    assert running.installed()["current"] != before["current"]
    assert not list(running.directory.glob("former*"))


def test_the_first_gateway_that_is_not_well_is_stopped(tmp_path: Path, wheels: Path, identity: Certificate) -> None:
    host = GatewayHost(tmp_path, wheels, identity)
    host.set_up()
    host.boot()
    host.trust(make_certificate())

    printed = host.play(fails=True, health_timeout=2)

    assert "certificate verify failed" in printed
    assert "It was stopped, and its files are left to look at." in _one_line(printed)
    assert host.service.process() is None
    assert not host.service.enabled.exists()

    host.trust(identity)
    host.play()
    assert host.service.process()
    host.play(state="absent")
    assert host.service.process() is None
    assert host.installed() == {}


# --- certificates ---


def test_a_new_certificate_is_served_at_once_and_told_when_it_ends_soon(running: GatewayHost) -> None:
    renewed = make_certificate(days=20)
    running.trust(running.identity, renewed)

    printed = running.play(certificate=renewed.certificate, key=renewed.key)

    assert "in 19 days" in printed
    assert _served(running).strip() == renewed.certificate.strip()


def test_a_certificate_that_something_else_renews_in_its_place(running: GatewayHost) -> None:
    paths: dict[str, Any] = {"certificate": "", "key": ""}
    folder = running.folder / "acme"
    folder.mkdir(mode=0o700)
    for one in (make_certificate(), make_certificate()):
        (folder / "cert.pem").write_text(one.certificate, encoding="utf-8")
        (folder / "key.pem").write_text(one.key, encoding="utf-8")
        paths |= {"certificate_path": str(folder / "cert.pem"), "key_path": str(folder / "key.pem")}
        running.trust(one)

        assert changes(running.play(**paths)) > 0
        assert _served(running).strip() == one.certificate.strip()
        assert (running.credentials / "tls.key").readlink() == folder / "key.pem"


@pytest.mark.parametrize(
    ("certificate", "message"),
    [
        pytest.param(make_certificate("other.example.com"), "does not name listen.public_host", id="of another host"),
        pytest.param(
            Certificate(make_certificate().certificate, make_certificate().key), "cannot be used", id="of another key"
        ),
    ],
)
def test_a_certificate_that_browsers_would_refuse_is_refused_first(
    running: GatewayHost, certificate: Certificate, message: str
) -> None:
    before, process = running.installed(), running.service.process()

    printed = running.play(fails=True, certificate=certificate.certificate, key=certificate.key)

    assert message in _one_line(printed)
    assert (running.installed(), running.service.process()) == (before, process)


# --- secrets ---


def test_secrets_are_in_files_for_root_alone_and_nowhere_else(running: GatewayHost) -> None:
    given: dict[str, Any] = {
        "pbx_client_secret": CLIENT_SECRET,
        "sdk_access_id": "ACCESSID",
        "sdk_access_key": "Acc'ess\"Key$%n\\0123456789",
        "key": running.identity.key,
    }
    lines = [line for line in running.identity.key.splitlines() if not line.startswith("-")]
    search = SecretSearch([given["pbx_client_secret"], given["sdk_access_key"], *lines])
    with watched_processes() as seen:
        printed = [running.play("-vvvv", "--diff", "--check", **given), running.play("-vvvv", "--diff", **given)]
        printed.append(running.play("-vvvv", "--diff", fails=True, **{**given, "port": "no port"}))
        printed.append(running.play("-vvvv", "--diff", fails=True, **given | {"trusted_proxies": ["nobody"]}))
        seen.look()

    assert not [finding for text in printed for finding in search.in_text("output", text)]
    assert not [finding for text in seen.commands for finding in search.in_bytes("command line", text)]
    assert not [finding for text in seen.environments for finding in search.in_bytes("environment", text)]
    wanted = [*running.credentials.iterdir(), *running.service.credentials.iterdir()]
    assert not search.in_folder(running.folder, besides=wanted)
    assert {path.name for path in wanted} >= {"sdk_access_key", "pbx_client_secret", "tls.key"}

    running.play(help="no SDK any more")
    assert not (running.credentials / "sdk_access_key").exists()


# --- what cannot be ---

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": "sync"}, "is no name of a gateway"),
    ({"name": "sign-on/../x"}, "is no name of a gateway"),
    ({"public_host": ""}, "Give the name that users have in their browsers"),
    ({"public_host": "https://signon.example.com"}, "is no host name"),
    ({"port": 70000}, "is no TCP port"),
    ({"certificate": ""}, "Give one of pbx_ad_sso_gateway_certificate"),
    ({"key_path": "/etc/tls.key"}, "one of pbx_ad_sso_gateway_key and"),
    ({"pbx_client_secret": ""}, "pbx_ad_sso_gateway_pbx_client_secret together"),
    ({"sdk_access_key": "x"}, "pbx_ad_sso_gateway_sdk_access_key together"),
    ({"pbx_client_id": "", "pbx_client_secret": ""}, "The gateway cannot sign on to the PBX."),
    ({"ledger_url": "postgresql://x@db/y"}, "pbx_ad_sso_gateway_ledger_name together"),
    ({"ca_path": "/nowhere/ca.pem"}, "pbx_ad_sso_gateway_ca_path /nowhere/ca.pem is not there"),
    ({"python": "/bin/false"}, "cannot make a virtual environment with Python 3.11 or newer"),
    ({"python": "/nowhere/python"}, "cannot make a virtual environment with Python 3.11 or newer"),
    ({"user": "nobody"}, "and nobody else can use it"),
    ({"ledger_path": "/nowhere/ledger.sqlite3"}, "There is no ledger at /nowhere/ledger.sqlite3."),
    ({"ledger_path": f"{Path.home()}/ledger.sqlite3"}, "is in the home of"),
    ({"state": "started"}, "value of pbx_ad_sso_gateway_state must be one of"),
]


@pytest.fixture(name="refusing", scope="module")
def _refusing(tmp_path_factory: pytest.TempPathFactory, identity: Certificate) -> tuple[GatewayHost, list[str]]:
    """A host on which each of these was tried, in one play, and what was said each time."""
    folder = tmp_path_factory.mktemp("refusing")
    host = GatewayHost(folder, folder, identity)
    host.set_up()
    return host, host.refusals([changed for changed, _message in REFUSED])


@pytest.mark.parametrize(("number", "message"), list(enumerate(message for _changed, message in REFUSED)))
def test_what_cannot_be_installed_is_refused_before_anything_is_written(
    refusing: tuple[GatewayHost, list[str]], number: int, message: str
) -> None:
    host, said = refusing

    assert message in _one_line(said[number])
    assert host.installed() == {}
    assert not host.directory.exists()


def test_a_ledger_that_is_not_there_yet_is_told_in_check_mode(host: GatewayHost) -> None:
    host.ledger.unlink()

    assert "There is no ledger at" in host.play("--check")


# --- the user ---

USER = "test-sign-on"
# What is written below /etc stays in this process and in those that it starts.
OWN_ETC = 'mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1,workdir=$2" /etc && shift 2 && exec "$@"'


def test_the_user_is_made_where_there_is_none_and_goes_when_nobody_needs_it(tmp_path: Path) -> None:
    """Played in a mount namespace of its own, so that this machine gets no user."""
    for name in ("etc", "work", "units"):
        (tmp_path / name).mkdir()
    have, lose = (_tasks_of_the_role(name) for name in ("user", "user_absent"))
    other = {"path": str(tmp_path / "units" / "other.service"), "line": f"User={USER}", "mode": "0644"}
    needed = {"ansible.builtin.lineinfile": {**other, "create": True}}
    not_needed = {"ansible.builtin.lineinfile": {**other, "state": "absent"}}
    somebodys = {"ansible.builtin.user": {"name": USER, "system": True, "create_home": False}}
    look = {"ansible.builtin.shell": f"getent passwd {USER} || echo none", "register": "seen"}
    note = {"path": str(tmp_path / "seen"), "create": True, "mode": "0644"}
    steps = [lose, have, have, needed, lose, not_needed, lose, somebodys, have, lose]
    tasks = [
        task
        for number, step in enumerate(steps)
        for task in (step, look, {"ansible.builtin.lineinfile": {**note, "line": f"{number} {{{{ seen.stdout }}}}"}})
    ]
    variables = {"pbx_ad_sso_gateway_user": USER, "pbx_ad_sso_gateway_unit_directory": str(tmp_path / "units")}
    play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": tasks}
    ansible = ["ansible-playbook", str(write_yaml(tmp_path / "user.yml", [play]))]

    finished = subprocess.run(
        ["unshare", "--mount", "sh", "-c", OWN_ETC, "sh", tmp_path / "etc", tmp_path / "work", *ansible],
        cwd=tmp_path,
        env={**environment_of(tmp_path), "PATH": f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr
    seen = [line.split(" ", 1)[1] for line in (tmp_path / "seen").read_text(encoding="utf-8").splitlines()]
    made = seen[1].split(":")
    assert int(made[2]) < 1000
    assert made[4:] == ["Sign-on gateway of pbxops.yeastar", "/nonexistent", "/usr/sbin/nologin"]
    there = [line != "none" for line in seen]
    assert there == [False, True, True, True, True, True, False, True, True, True]
    assert USER not in {user.pw_name for user in pwd.getpwall()}


def _tasks_of_the_role(name: str) -> dict[str, Any]:
    return {"ansible.builtin.include_role": {"name": "pbxops.yeastar.pbx_ad_sso_gateway", "tasks_from": name}}


# --- the release ---


def test_a_release_has_all_that_it_imports(running: GatewayHost) -> None:
    everything = (
        "import importlib, pathlib, sys\n"
        "lib = pathlib.Path(sys.argv[1])\n"
        "for path in sorted(lib.rglob('*.py')):\n"
        "    name = '.'.join(path.relative_to(lib).with_suffix('').parts).removesuffix('.__init__')\n"
        "    if not name.endswith('__main__'):\n"
        "        importlib.import_module(name)\n"
        "print(*sorted(name for name in sys.modules if name == 'ansible' or '_module.' in name))\n"
    )
    imported = subprocess.run(
        [running.current / "venv" / "bin" / "python", "-P", "-W", "ignore", "-c", everything, running.current / "lib"],
        env={"PYTHONPATH": str(running.current / "lib")},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )

    assert imported.returncode == 0, imported.stderr
    assert imported.stdout.split() == ["ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports"]


def _pack(files: Path, *archive: Path) -> str:
    packed = subprocess.run(
        [sys.executable, ROLE / "files" / "pack.py", files, REPOSITORY, *archive],
        capture_output=True,
        text=True,
        check=True,
    )
    return packed.stdout.strip()


def test_a_release_is_known_by_its_contents_alone(host: GatewayHost, tmp_path: Path) -> None:
    plain = _pack(host.files)
    (host.files / "sign_on_gateway" / "__pycache__").mkdir(exist_ok=True)
    (host.files / "sign_on_gateway" / "__pycache__" / "app.cpython-311.pyc").write_bytes(b"compiled")
    assert _pack(host.files, tmp_path / "release.tar.gz") == plain

    listed = subprocess.run(["tar", "-tvzf", tmp_path / "release.tar.gz"], capture_output=True, text=True, check=True)
    assert ".pyc" not in listed.stdout
    assert {line.split()[0] for line in listed.stdout.splitlines()} == {"-rw-r--r--"}

    host.change_release(" ")
    assert _pack(host.files) != plain


# --- the documentation ---


def test_every_variable_is_described_and_has_the_default_that_is_told() -> None:
    specified = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options = specified["argument_specs"]["main"]["options"]
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text(encoding="utf-8"))
    readme = (ROLE / "README.md").read_text(encoding="utf-8")

    assert {name: option["default"] for name, option in options.items() if "default" in option} == defaults
    assert {name for name in options if f"`{name}`" not in readme} == set()
