# SPDX-License-Identifier: GPL-3.0-or-later
"""A site as its administrator runs it: a directory, a PBX, and ansible-playbook in a folder of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.directory_admin import AttributeValue, DirectoryAdmin
from lab.pbx.emulator import Emulator
from lab.samba import DomainController
from tests.integration.modules.site_under_test import connection_options

REPOSITORY = Path(__file__).resolve().parents[2]
COLLECTIONS = REPOSITORY / ".venv" / "collections"
SITE = "pbxops.yeastar.site"
SECRETS = ("directory_password", "pbx_client_secret")
NOT_CONNECTED_YET = r"no integration in the ledger yet"

_RECAP = re.compile(r"^(\S+)\s+:\s+(ok=\d+.*)$", re.MULTILINE)
_BLOCK = re.compile(r"^\[(WARNING|DEPRECATION WARNING|ERROR)\]: (.*(?:\n(?!\[|\n).+)*)", re.MULTILINE)


@dataclass(frozen=True)
class Played:
    """What a playbook printed and how it ended.

    :param recap: for each host the numbers of the PLAY RECAP by name.
    :param warnings: each in one line.
    """

    status: int
    output: str
    errors: str

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """For each host the numbers of the PLAY RECAP by their names."""
        counted = self.output.partition("PLAY RECAP")[2]
        return {
            host: {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", numbers)}
            for host, numbers in _RECAP.findall(counted)
        }

    @property
    def warnings(self) -> list[str]:
        """The warnings, deprecations too, each in one line."""
        return [" ".join(text.split()) for kind, text in _BLOCK.findall(self.errors) if kind != "ERROR"]

    @property
    def everything(self) -> str:
        """Both streams in one line, for what Ansible has broken across several."""
        return " ".join(f"{self.output} {self.errors}".split())


def environment_of(folder: Path) -> dict[str, str]:
    """An environment in which Ansible keeps to the folder, and to nothing that this machine's user has set."""
    (folder / "ansible.cfg").touch()
    (folder / "tmp").mkdir(exist_ok=True)
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
        "LC_ALL": "C.UTF-8",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_REMOTE_TMP": str(folder / "remote"),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_NOCOLOR": "1",
        # Ansible's own remarks about a play that needs no inventory.
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
    }


def write_yaml(path: Path, content: object) -> Path:
    """Write a file that YAML reads; JSON is a part of it."""
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2), encoding="utf-8")
    return path


@dataclass(frozen=True)
class PlaybookSite:
    """A directory whose base DN is the test's own unit, an empty PBX, and a folder that takes all that is written."""

    folder: Path
    directory: DomainController
    admin: DirectoryAdmin
    pbx: Emulator
    base_dn: str

    @property
    def ledger_path(self) -> Path:
        """Where the ledger will be."""
        return self.folder / "state" / "ledger.sqlite3"

    @property
    def options(self) -> dict[str, Any]:
        """The connection options, secrets too."""
        return connection_options(self.directory, self.pbx, self.base_dn, self.ledger_path)

    @property
    def variables(self) -> dict[str, Any]:
        """The connection options as variables of site.yml."""
        return {f"pbx_ad_{name}": value for name, value in self.options.items()}

    @property
    def environment(self) -> dict[str, str]:
        """The connection options as environment variables."""
        return {f"PBX_AD_{name.upper()}": str(value) for name, value in self.options.items()}

    def inventory(self, variables: Mapping[str, Any], **hosts: Mapping[str, Any]) -> Path:
        """Write an inventory of PBXs, one called headquarters if none is named."""
        group = {"hosts": hosts or {"headquarters": {}}, "vars": variables}
        return write_yaml(self.folder / "inventory.yml", {"yeastar_pbx": group})

    def play(
        self,
        playbook: str | Path,
        *arguments: str | Path,
        environment: Mapping[str, str] | None = None,
        warnings: Collection[str] = (),
        fails: bool = False,
    ) -> Played:
        """Run ansible-playbook to its end.

        :param warnings: regular expressions; each must be found in a warning, and each warning must be expected.
        :param fails: whether the playbook is expected to fail.
        """
        played = self.run(["ansible-playbook", str(playbook), *map(str, arguments)], environment or {})
        assert (played.status != 0) == fails, played.output + played.errors
        unexpected = [warning for warning in played.warnings if not any(re.search(one, warning) for one in warnings)]
        missing = [one for one in warnings if not any(re.search(one, warning) for warning in played.warnings)]
        assert not unexpected, unexpected
        assert not missing, f"{missing} not in {played.warnings}"
        return played

    def load_inventory(self, path: Path) -> dict[str, Any]:
        """What ansible-inventory --list makes of an inventory, which must be taken without a warning."""
        played = self.run(["ansible-inventory", "-i", str(path), "--list"], {})
        assert (played.status, played.errors) == (0, "")
        loaded: dict[str, Any] = json.loads(played.output)
        return loaded

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> Played:
        """Run a command of Ansible's to its end, whatever that is."""
        finished = subprocess.run(
            command,
            cwd=self.folder,
            env={**environment_of(self.folder), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Played(finished.returncode, finished.stdout, finished.stderr)

    def add_user(self, name: str, *, parent: str | None = None, **attributes: AttributeValue) -> str:
        """Add a user whose CN and given name are this name; return the DN."""
        where = parent or self.base_dn
        given = {"sam_account_name": f"{name}-{self.base_dn[8:20]}"[:20], "givenName": name, **attributes}
        self.admin.add_user(name, parent=where, **given)  # type: ignore[arg-type]
        return DirectoryAdmin.dn(name, where)

    def add_unit(self, name: str, parent: str | None = None) -> str:
        """Add an organizational unit; return the DN."""
        where = parent or self.base_dn
        self.admin.add_ou(name, parent=where)
        return DirectoryAdmin.dn(name, where, kind="OU")

    @property
    def names(self) -> dict[str, str]:
        """First name by number of every extension on the PBX."""
        return {number: extension["first_name"] for number, extension in self.pbx.state.extensions.items()}

    def writes(self) -> list[str]:
        """The endpoints of the writes that the PBX has seen since the last time this was asked."""
        seen = [call.endpoint for call in self.pbx.calls.all() if call.write]
        self.pbx.calls.clear()
        return seen
