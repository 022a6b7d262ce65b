# SPDX-License-Identifier: GPL-3.0-or-later
"""The role pbx_ad_schedule with systemd: what it writes, what systemd makes of it, and that the service does its work.

The role is played into folders of the test. No systemd is started: systemd-analyze judges the units, and the service's
own command is run in the environment that its unit describes.
"""

from __future__ import annotations

import base64
import json
import os
import pwd
import re
import shlex
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.opening import open_ledger as open_ledger_anywhere
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.postgresql_address import postgresql_address
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Integration
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Domain
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxIdentity

from lab import postgresql
from lab.tls import CertificateAuthority
from tests.playbook.playbook_site import (
    COLLECTIONS,
    REPOSITORY,
    SECRETS,
    SITE,
    PlaybookSite,
    environment_of,
    write_yaml,
)

ROLE = REPOSITORY / "roles" / "pbx_ad_schedule"
# All that systemd, a shell or YAML could read otherwise than as itself.
PASSWORD = "Pa ss\"w'o\\rd$HOME%n`id`#;!{x}é\\"
CLIENT_SECRET = 'ClientSecret%d$$\\"0123456789'
HARMLESS_EXPOSURE = 20  # in tenths: systemd calls up to 2.0 "OK", and an unhardened service is at 96
BEFORE = {
    "directory_host": "dc1.example.com",
    "directory_base_dn": "OU=100% Staff,DC=example,DC=com",
    "directory_username": "svc-yeastar@example.com",
    "pbx_url": "https://pbx.example.com:8088",
    "pbx_client_id": "CLIENTID",
    "pbx_timeout": 20,
}

INTEGRATION = Integration(
    Domain("5b1e6d0c-2f0a-4c86-9b8e-0c2a0e0f3d11", "DC=example,DC=com", "example.com"),
    PbxIdentity("3631A2124000", "Yeastar P560", "37.20.0.50"),
    {"directory_base_dn": "DC=example,DC=com"},
    "connected",
)


@dataclass(frozen=True)
class Host:
    """A host whose folders are below the test's own."""

    folder: Path

    @property
    def state(self) -> Path:
        """Where the ledger is."""
        return self.folder / "state"

    @property
    def service(self) -> Path:
        """The unit of the service."""
        return self.folder / "units" / "test-pbx-sync.service"

    @property
    def timer(self) -> Path:
        """The unit of the timer."""
        return self.folder / "units" / "test-pbx-sync.timer"

    @property
    def secrets(self) -> Path:
        """The file with the secrets."""
        return self.folder / "config" / "test-pbx-sync.secrets"

    @property
    def variables(self) -> dict[str, Any]:
        """What an administrator sets, with the folders of this host."""
        return {
            "pbx_ad_schedule_timezone": "Europe/Berlin",
            "pbx_ad_schedule_options": BEFORE,
            "pbx_ad_schedule_directory_password": PASSWORD,
            "pbx_ad_schedule_pbx_client_secret": CLIENT_SECRET,
            "pbx_ad_schedule_name": "test-pbx-sync",
            "pbx_ad_schedule_user": pwd.getpwuid(os.getuid()).pw_name,
            "pbx_ad_schedule_state_directory": str(self.state),
            "pbx_ad_schedule_config_directory": str(self.folder / "config"),
            "pbx_ad_schedule_unit_directory": str(self.folder / "units"),
            "pbx_ad_schedule_ansible_playbook": str(Path(sys.executable).with_name("ansible-playbook")),
            "pbx_ad_schedule_collections_path": str(COLLECTIONS),
        }

    def play(self, *arguments: str, fails: bool = False, **changed: Any) -> str:
        """Play the role, its variables read from a file; return all that was printed."""
        given = {**self.variables, **{f"pbx_ad_schedule_{name}": value for name, value in changed.items()}}
        variables = write_yaml(self.folder / "variables.yml", given)
        play = {"hosts": "localhost", "gather_facts": False, "roles": ["pbxops.yeastar.pbx_ad_schedule"]}
        finished = subprocess.run(
            ["ansible-playbook", write_yaml(self.folder / "role.yml", [play]), "-e", f"@{variables}", *arguments],
            cwd=self.folder,
            env=environment_of(self.folder),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        variables.unlink()
        printed = finished.stdout + finished.stderr
        assert (finished.returncode != 0) == fails, printed
        return printed

    def files(self) -> dict[str, bytes]:
        """All files that the role has made, by their paths."""
        places = (self.state, self.service.parent, self.secrets.parent)
        found = (path for place in places for path in place.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in found}


@pytest.fixture(name="host")
def _host(tmp_path: Path) -> Host:
    """A host whose ledger knows its integration."""
    host = Host(tmp_path)
    host.service.parent.mkdir()
    with open_ledger(host.state / "ledger" / "ledger.sqlite3", read_write=True, command="test") as ledger:
        ledger.save_integration(INTEGRATION, datetime.now(UTC))
    return host


def _changed(printed: str) -> int:
    (number,) = re.findall(r"^localhost .*changed=(\d+)", printed, re.MULTILINE)
    return int(number)


def _settings(unit: Path, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)


def _words(line: str) -> list[str]:
    """What systemd makes of a line, as far as the role uses its quoting: C-like escapes and doubled signs."""
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(line)]


def _environment(host: Host) -> dict[str, str]:
    """The environment that the unit gives its command; a shell reads EnvironmentFile's quoting as systemd does."""
    words = [word for line in _settings(host.service, "Environment") for word in shlex.split(line)]
    given = dict(word.replace("%%", "%").split("=", 1) for word in words)
    for file in _settings(host.service, "EnvironmentFile"):
        shown = subprocess.run(
            ["bash", "-c", 'set -a; . "$1"; env -0', "bash", file],
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        read = dict(line.split("=", 1) for line in shown.split("\0") if line)
        given |= {name: value for name, value in read.items() if name.startswith("PBX_AD_")}
    return given


def _analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_it_writes_once_it_writes_no_more_and_takes_away(host: Host) -> None:
    ledger = host.files().keys()

    shown = host.play("--check", "--diff")
    assert _changed(shown) == 4
    assert "+OnCalendar=*-*-* 00:30:00 Europe/Berlin" in shown
    assert host.files().keys() == ledger

    done = host.play()
    assert _changed(done) == 4
    assert "systemd does not run here, so that nothing was started." in done
    made = host.files()
    assert made.keys() - ledger == {
        "units/test-pbx-sync.service",
        "units/test-pbx-sync.timer",
        "config/test-pbx-sync.secrets",
    }

    assert _changed(host.play()) == 0
    assert _changed(host.play("--check")) == 0
    assert host.files() == made

    shown = host.play("--check", "--diff", state="absent")
    assert _changed(shown) == 2
    assert host.files() == made

    # The third is the empty folder.
    assert _changed(host.play(state="absent")) == 3
    assert host.files().keys() == ledger
    assert not host.secrets.parent.exists()
    assert _changed(host.play(state="absent")) == 0


def test_a_new_time_changes_the_ledger_and_the_timer_alone(host: Host) -> None:
    host.play()
    made = host.files()

    printed = host.play(frequency="weekly", time="23:59", days=["saturday", "monday"], randomized_delay=600)

    assert _changed(printed) == 2
    assert _settings(host.timer, "OnCalendar") == ["Mon,Sat *-*-* 23:59:00 Europe/Berlin"]
    assert _settings(host.timer, "RandomizedDelaySec") == ["600"]
    different = {path for path, content in host.files().items() if made.get(path) != content}
    assert {path for path in different if not path.startswith("state/")} == {"units/test-pbx-sync.timer"}


def test_systemd_takes_the_units_and_finds_the_service_hardened(host: Host) -> None:
    host.play(on_failure="mail@%n.service", randomized_delay=60)
    bare = host.service.with_name("bare.service")
    bare.write_text("[Service]\nType=oneshot\nExecStart=/bin/true\n", encoding="utf-8")

    verified = _analyze("verify", host.service, host.timer)
    threshold = f"--threshold={HARMLESS_EXPOSURE}"
    exposures = [_analyze("security", "--offline=true", threshold, unit) for unit in (host.service, bare)]

    assert (verified.returncode, verified.stderr) == (0, "")
    assert [exposure.returncode == 0 for exposure in exposures] == [True, False]
    assert "OK" in exposures[0].stdout.splitlines()[-1]


def test_the_service_gets_every_character_as_it_was_given(host: Host) -> None:
    argument = json.dumps({"note": '100% "of" it\'s $HOME\n `id`'})
    host.play(extra_arguments=["-e", argument], ledger_password="led$ger")

    (command,) = _settings(host.service, "ExecStart")
    environment = _environment(host)

    assert _words(command)[1:] == ["pbxops.yeastar.sync_now", "-e", argument]
    assert environment["PBX_AD_DIRECTORY_PASSWORD"] == PASSWORD
    assert environment["PBX_AD_PBX_CLIENT_SECRET"] == CLIENT_SECRET
    assert environment["PBX_AD_LEDGER_PASSWORD"] == "led$ger"
    assert environment["PBX_AD_DIRECTORY_BASE_DN"] == BEFORE["directory_base_dn"]
    assert environment["PBX_AD_PBX_TIMEOUT"] == "20"
    assert environment["PBX_AD_LEDGER_PATH"] == str(host.state / "ledger" / "ledger.sqlite3")


def test_secrets_are_in_one_file_for_root_alone_and_nowhere_else(host: Host) -> None:
    printed = [host.play("-vvvv", "--diff", "--check"), host.play("-vvvv", "--diff")]
    printed.append(host.play("-vvvv", "--diff", directory_password=f"{PASSWORD}2"))
    printed.append(host.play("-vvvv", "--diff", time="25:00", fails=True))
    printed.append(host.play("-vvvv", "--diff", state="absent", pbx_client_secret=CLIENT_SECRET))
    host.play()

    assert stat.S_IMODE(host.secrets.stat().st_mode) == 0o600
    for secret in (PASSWORD, CLIENT_SECRET):
        for spelling in (secret, json.dumps(secret)[1:-1], base64.b64encode(secret.encode()).decode()):
            assert not [text for text in printed if spelling in text]
            files = (path for path in host.folder.rglob("*") if path.is_file())
            kept = [path for path in files if spelling.encode() in path.read_bytes()]
            assert kept in ([], [host.secrets])


def test_a_vault_file_takes_the_place_of_the_secrets(host: Host) -> None:
    host.play()
    assert host.secrets.exists()

    host.play(vault_file="/etc/pbxops/vault.yml", vault_password_file="/etc/pbxops/vault-password")

    assert not host.secrets.exists()
    assert _settings(host.service, "EnvironmentFile") == []
    assert _settings(host.service, "LoadCredential") == [
        "vault.yml:/etc/pbxops/vault.yml",
        "vault-password:/etc/pbxops/vault-password",
    ]
    (command,) = _settings(host.service, "ExecStart")
    assert _words(command)[2:] == ["--extra-vars", "@%d/vault.yml", "--vault-password-file", "%d/vault-password"]
    assert _analyze("verify", host.service).returncode == 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"timezone": ""}, "pbx_ad_schedule_timezone is empty"),
        ({"time": "24:30"}, "time 24:30 is no time of day"),
        ({"target": "cron"}, "pbx_ad_schedule_target"),
        ({"options": {**BEFORE, "pbx_client_secret": "x"}}, "pbx_ad_schedule_options holds pbx_client_secret"),
        ({"directory_password": ""}, "The service has no secrets"),
        ({"vault_file": "/etc/vault.yml"}, "pbx_ad_schedule_vault_password_file together"),
        ({"name": "../x"}, "is no name of a unit"),
        ({"name": "x y"}, "is no name of a unit"),
    ],
)
def test_what_cannot_be_scheduled_is_refused_before_anything_is_written(
    host: Host, changed: Mapping[str, Any], message: str
) -> None:
    before = host.files()

    printed = host.play(fails=True, **changed)

    assert message in " ".join(printed.split())
    assert host.files() == before


@pytest.mark.parametrize(
    ("changed", "messages"),
    [
        (
            {"ansible_playbook": "/opt/none/bin/ansible-playbook"},
            ("cannot run /opt/none/bin/ansible-playbook", "No such file", "Name in pbx_ad_schedule_ansible_playbook"),
        ),
        (
            {"collections_path": ""},
            ("pbxops.yeastar.sync_now could not be found", "ansible-galaxy collection install -p /usr/share/ansible"),
        ),
        ({"playbook": "pbxops.yeastar.none"}, ("pbxops.yeastar.none could not be found", "pbx_ad_schedule_playbook")),
        ({"extra_arguments": ["-e", "@/none.yml"]}, ("/none.yml", "pbx_ad_schedule_extra_arguments")),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_would_fail_every_night_is_refused(host: Host, changed: dict[str, Any], messages: tuple[str, ...]) -> None:
    """The collection is found by the play, of which the service inherits nothing."""
    before = host.files()

    for arguments in (["--check"], []):
        printed = " ".join(host.play(*arguments, fails=True, **changed).split())

        assert [message for message in messages if message not in printed] == []
        assert host.files() == before


def test_a_ledger_without_an_integration_is_told_in_check_mode_and_refused_otherwise(host: Host) -> None:
    (host.state / "ledger" / "ledger.sqlite3").unlink()

    assert "no integration in the ledger yet" in " ".join(host.play("--check").split())
    assert "holds no integration" in " ".join(host.play(fails=True).split())


def test_every_variable_is_described_and_has_the_default_that_is_told() -> None:
    specified = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options = specified["argument_specs"]["main"]["options"]
    defaults: dict[str, Any] = {}
    for file in (ROLE / "defaults" / "main").glob("*.yml"):
        defaults |= yaml.safe_load(file.read_text(encoding="utf-8"))
    readme = (ROLE / "README.md").read_text(encoding="utf-8")

    assert {name: option["default"] for name, option in options.items() if "default" in option} == defaults
    assert {name for name in options if f"`{name}`" not in readme} == set()


# --- the service at work ---


def test_the_service_synchronizes(site: PlaybookSite) -> None:
    """Its command, its environment and nothing else, and without a right that its unit takes from it."""
    site.add_user("Anna")
    host = Host(site.folder / "host")
    host.service.parent.mkdir(parents=True)
    inventory = site.inventory({"pbx_ad_user_number_start": 3000})
    options = {name: value for name, value in site.options.items() if name not in SECRETS}
    options["ledger_path"] = str(host.state / "ledger" / "ledger.sqlite3")
    given = {
        "options": options,
        "directory_password": site.options["directory_password"],
        "pbx_client_secret": site.options["pbx_client_secret"],
        "playbook": SITE,
        "extra_arguments": ["--inventory", str(inventory)],
    }
    connection = {"pbxops.yeastar.pbx_ad_connection": {**site.options, "ledger_path": options["ledger_path"]}}
    connect = [{"hosts": "localhost", "gather_facts": False, "tasks": [connection]}]
    site.play(write_yaml(site.folder / "connect.yml", connect))
    host.play(**given)

    for changed in (1, 0):
        (command,) = _settings(host.service, "ExecStart")
        finished = subprocess.run(
            [*_without_rights(), *_words(command)],
            cwd=_settings(host.service, "WorkingDirectory")[0],
            env={"PATH": "/usr/bin:/bin", **_environment(host)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        assert f"changed={changed} " in finished.stdout.partition("PLAY RECAP")[2]
        assert site.names == {"3000": "Anna"}


def _without_rights() -> list[str]:
    """No capabilities and no way to gain any, as the unit has it."""
    return ["setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]


def test_a_ledger_in_a_database_keeps_the_schedule_and_its_password_is_among_the_secrets(
    host: Host, lab_authority: CertificateAuthority
) -> None:
    with postgresql.running(lab_authority) as server:
        role = server.create_database("ledgers")
        url = server.url(role, "ledgers")
        location = postgresql_address(url, "test", role.password)
        with open_ledger_anywhere(location, read_write=True, command="test") as ledger:
            ledger.save_integration(INTEGRATION, datetime.now(UTC))
        options = {**BEFORE, "ledger_url": url, "ledger_name": "test"}

        printed = host.play("-vvvv", "--diff", options=options, ledger_password=role.password)

        with open_ledger_anywhere(location, read_write=False, command="test") as ledger:
            assert (ledger.schedule() or {})["time"] == "00:30"
    assert role.password not in printed
    assert _environment(host)["PBX_AD_LEDGER_URL"] == url
    assert _environment(host)["PBX_AD_LEDGER_PASSWORD"] == role.password
    assert "PBX_AD_LEDGER_PATH" not in _environment(host)
    assert role.password not in host.service.read_text(encoding="utf-8")
