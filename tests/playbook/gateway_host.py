# SPDX-License-Identifier: GPL-3.0-or-later
"""A host on which the role pbx_ad_sso_gateway installs a gateway, all its folders below the test's own."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Integration
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Domain
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxIdentity
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.playbook import systemctl_stand_in
from tests.playbook.playbook_site import REPOSITORY, environment_of, write_yaml

ROLE = REPOSITORY / "roles" / "pbx_ad_sso_gateway"
NAME = "sign-on-test"
UNIT = f"pbx-ad-{NAME}.service"
PUBLIC_HOST = "signon.example.com"
# All that TOML, YAML, a shell or systemd could read otherwise than as itself.
CLIENT_SECRET = "Cl'ient\"Secret$HOME%d`id`#{x}\\0123456789"
HELP = 'Call "100"\nor\twrite \\o/'
ORGANIZATION = "Ex \"ä\" 😀 \\ 'Ltd' ${x} %n <b>"

INTEGRATION = Integration(
    Domain("5b1e6d0c-2f0a-4c86-9b8e-0c2a0e0f3d11", "DC=example,DC=com", "example.com"),
    PbxIdentity("3631A2124000", "Yeastar P560", "37.20.0.50"),
    {
        "directory_host": "dc1.example.com",
        "directory_base_dn": "DC=example,DC=com",
        "pbx_url": "https://pbx.example.com:8088",
    },
    "connected",
)


@dataclass(frozen=True)
class Certificate:
    """A certificate that is its own authority, and its key, as PEM."""

    certificate: str
    key: str = field(repr=False)


def make_certificate(host: str = PUBLIC_HOST, *, days: float = 90) -> Certificate:
    """Make a certificate for a host that ends in so many days."""
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    # Two authorities of the same name would be taken for one.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{host} {serial:x}"[:64])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Certificate(certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode())


def free_port() -> int:
    """Return a TCP port that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@dataclass(frozen=True)
class GatewayHost:
    """A host whose folders are below the test's own.

    :param folder: all of them, and what the controller needs.
    :param wheels: a folder with the libraries, since a host need not reach a package index.
    :param identity: the gateway's certificate at first.
    """

    folder: Path
    wheels: Path
    identity: Certificate
    port: int = field(default_factory=free_port)

    @property
    def ledger(self) -> Path:
        """The ledger of the synchronization."""
        return self.folder / "state" / "ledger.sqlite3"

    @property
    def directory(self) -> Path:
        """Where the releases are."""
        return self.folder / "opt" / NAME

    @property
    def current(self) -> Path:
        """The link to the release in use."""
        return self.directory / "current"

    @property
    def config(self) -> Path:
        """The folder of the configuration."""
        return self.folder / "config"

    @property
    def credentials(self) -> Path:
        """The folder of the credentials."""
        return self.config / f"{NAME}.credentials"

    @property
    def unit(self) -> Path:
        """The unit of the service."""
        return self.folder / "units" / UNIT

    @property
    def files(self) -> Path:
        """The gateway as the controller has it, a copy for a test to change."""
        return self.folder / "controller"

    @property
    def service(self) -> systemctl_stand_in.Service:
        """The service as the stand-in of systemctl runs it."""
        return systemctl_stand_in.Service(self.unit, self.folder / "systemd")

    @property
    def variables(self) -> dict[str, Any]:
        """What an administrator sets, with the folders of this host."""
        return {
            "name": NAME,
            "public_host": PUBLIC_HOST,
            "host": "127.0.0.1",
            "port": self.port,
            "certificate": self.identity.certificate,
            "key": self.identity.key,
            "ca_path": str(self.folder / "ca.pem"),
            "organization": ORGANIZATION,
            "help": HELP,
            "trusted_proxies": ["192.0.2.1", "2001:db8::/32"],
            "answer_floor": 1.5,
            "pbx_client_id": "CLIENTID",
            "pbx_client_secret": CLIENT_SECRET,
            "ledger_path": str(self.ledger),
            "user": pwd.getpwuid(os.getuid()).pw_name,
            "directory": str(self.directory),
            "config_directory": str(self.config),
            "unit_directory": str(self.unit.parent),
            "python": sys.executable,
            "wheels": str(self.wheels),
            "health_timeout": 60,
            # Of the role's own.
            "files": str(self.files),
            "booted_path": str(self.folder / "systemd"),
        }

    def set_up(self) -> None:
        """Make what is there before the role is played: a ledger that knows its integration, and the certificates."""
        self.unit.parent.mkdir(parents=True)
        self.forget_changes()
        with open_ledger(self.ledger, read_write=True, command="test") as ledger:
            ledger.save_integration(INTEGRATION, datetime.now(UTC))

    def boot(self) -> None:
        """From now on a systemd runs here, or what stands in for it."""
        self.service.log.parent.mkdir()
        shim = self.folder / "bin" / "systemctl"
        shim.parent.mkdir()
        command = [sys.executable, systemctl_stand_in.__file__, str(self.unit.parent), str(self.folder / "systemd")]
        shim.write_text(f'#!/bin/sh\nexec {" ".join(command)} "$@"\n', encoding="utf-8")
        shim.chmod(0o755)

    def trust(self, *certificates: Certificate) -> None:
        """Take these for those that the host trusts."""
        text = "".join(one.certificate for one in certificates)
        (self.folder / "ca.pem").write_text(text, encoding="utf-8")

    def play(self, *arguments: str, fails: bool = False, **changed: Any) -> str:
        """Play the role, its variables read from a file; return all that was printed."""
        variables = write_yaml(self.folder / "variables.yml", self._prefixed(changed))
        play = {"hosts": "localhost", "gather_facts": False, "roles": ["pbxops.yeastar.pbx_ad_sso_gateway"]}
        finished = self._run(write_yaml(self.folder / "role.yml", [play]), "-e", f"@{variables}", *arguments)
        variables.unlink()
        printed = finished.stdout + finished.stderr
        assert (finished.returncode != 0) == fails, printed
        return printed

    def refusals(self, cases: Sequence[Mapping[str, Any]]) -> list[str]:
        """Play the role once for each of these changes of its variables; return with what each failed."""
        refused = self.folder / "refused"
        refused.mkdir()
        tasks = [
            {
                "block": [
                    {
                        "ansible.builtin.include_role": {"name": "pbxops.yeastar.pbx_ad_sso_gateway"},
                        "vars": self._prefixed(changed),
                    }
                ],
                "rescue": [
                    {
                        "ansible.builtin.copy": {
                            "content": "{{ ansible_failed_result | to_json }}",
                            "dest": str(refused / str(number)),
                            "mode": "0600",
                        }
                    }
                ],
            }
            for number, changed in enumerate(cases)
        ]
        play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
        finished = self._run(write_yaml(self.folder / "refusals.yml", [play]))
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return [(refused / str(number)).read_text(encoding="utf-8") for number in range(len(cases))]

    def _prefixed(self, changed: Mapping[str, Any]) -> dict[str, Any]:
        return {f"pbx_ad_sso_gateway_{name}": value for name, value in {**self.variables, **changed}.items()}

    def _run(self, playbook: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = environment_of(self.folder)
        return subprocess.run(
            ["ansible-playbook", str(playbook), *arguments],
            cwd=self.folder,
            env={**environment, "PATH": f"{self.folder / 'bin'}:{environment['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def installed(self) -> dict[str, bytes]:
        """All files that the role has made besides releases, by their paths; a link is what it points to."""
        places = (self.unit.parent, self.config)
        found = [path for place in places for path in sorted(place.rglob("*")) if path.is_file() or path.is_symlink()]
        content = {str(path.relative_to(self.folder)): _content(path) for path in found}
        if self.current.is_symlink():
            content["current"] = _content(self.current)
        return content

    def releases(self) -> set[str]:
        """The names of the releases that are there."""
        return {path.name for path in (self.directory / "releases").iterdir()}

    def forget_changes(self) -> None:
        """Have the gateway of the collection on the controller again, and trust the first certificate."""
        shutil.copytree(ROLE / "files", self.files, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        self.trust(self.identity)

    def change_release(self, text: str = "# Another release.\n", module: str = "__init__.py") -> None:
        """Have another gateway on the controller, by what is added to a module of it."""
        path = self.files / "sign_on_gateway" / module
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def _content(path: Path) -> bytes:
    return os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()


def changes(printed: str) -> int:
    """The number of changes that a play tells at its end."""
    (number,) = re.findall(r"^localhost .*changed=(\d+)", printed, re.MULTILINE)
    return int(number)
