# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured: a fresh domain controller with a population, a PBX of its size, and the modules' options."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import samba
from lab.pbx.control import ControlClient
from lab.samba import LDAPS_PORT, DomainController
from lab.services import Lab, Options

from .errors import BenchError

SEED = 1
# Room for those who join the company, and for the bare calls.
SPARE_EXTENSIONS = 1000
FIRST_NUMBER = 10_000


@dataclass(frozen=True)
class Site:
    """A directory of `size` people and an empty PBX, both over TLS.

    `pbx` steers the emulator and reads its log of calls; `pbx_url` is the Open API.
    """

    size: int
    folder: Path
    directory: DomainController
    pbx: ControlClient
    pbx_url: str
    client_id: str
    client_secret: str

    @property
    def connection_options(self) -> dict[str, Any]:
        """What both modules need to reach both sides."""
        account = self.directory.sync_account
        return {
            "directory_host": self.directory.address,
            "directory_port": LDAPS_PORT,
            "directory_base_dn": self.directory.base_dn,
            "directory_username": account.user_principal_name,
            "directory_password": account.password,
            "directory_ca_path": str(self.directory.ca_path),
            "directory_timeout": 120,
            "pbx_url": self.pbx_url,
            "pbx_client_id": self.client_id,
            "pbx_client_secret": self.client_secret,
            "pbx_ca_path": str(self.directory.ca_path),
            "ledger_path": str(self.folder / "ledger.sqlite3"),
        }

    @property
    def user_options(self) -> dict[str, Any]:
        """The rule: everybody, numbers of five digits and more."""
        return {**self.connection_options, "scope": "all", "number_start": FIRST_NUMBER, "delete_when": ["deleted"]}

    @property
    def unit_options(self) -> dict[str, Any]:
        """The rule: the whole tree of units as organizations."""
        return {**self.connection_options, "scope": "all", "guard": {"moves": {"floor": 100_000, "count": 100_000}}}

    @property
    def group_options(self) -> dict[str, Any]:
        """The rule: every group."""
        return {**self.connection_options, "scope": "all"}


@contextmanager
def fresh_site(folder: Path, size: int) -> Iterator[Site]:
    """Start a lab in the folder and populate it; everything is stopped at the end, the files stay.

    :raises lab.processes.LabError: if it cannot be started.
    """
    lab = Lab(folder / "lab")
    try:
        capacity = size + SPARE_EXTENSIONS
        lab.start(Options(pbx_model="Software", pbx_capacity=capacity, size=size, seed=SEED))
        directory = samba.find(lab.folder / "directory")
        if directory is None:
            raise BenchError(f"{lab.folder} holds no domain controller")
        described = lab.description()["pbx"]
        with ControlClient(described["control_url"]) as pbx:
            yield Site(
                size=size,
                folder=folder,
                directory=directory,
                pbx=pbx,
                pbx_url=described["url"],
                client_id=described["client_id"],
                client_secret=described["client_secret"],
            )
    finally:
        lab.stop()
