# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the directory is read: the collection's reader beside OpenLDAP's ldapsearch, by turns."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.connection import DirectorySettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.reader import open_directory
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import UserQuery
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import USER_ATTRIBUTES

from lab.ldap_proxy.control import ProxyControl
from lab.samba import LDAPS_PORT
from lab.services import PROXY_CONTROL_PORT, PROXY_LDAPS_PORT

from .errors import BenchError
from .site import Site

ROUNDS = 5
PAGE_SIZE = 1000


@dataclass(frozen=True)
class _Question:
    """What the reader asks the directory, as the lab's LDAP proxy saw it."""

    filter: str
    attributes: tuple[str, ...]


@dataclass(frozen=True)
class Reading:
    """Both readers' medians over the rounds; every one connects, binds, reads all users and leaves.

    :param ratio: the median of the rounds' own ratios, reader's seconds by ldapsearch's.
    """

    entries: int
    reader_seconds: float
    ldapsearch_seconds: float
    ratio: float
    rounds: int

    @property
    def reader_rate(self) -> float:
        """Entries per second."""
        return self.entries / self.reader_seconds

    @property
    def ldapsearch_rate(self) -> float:
        """Entries per second."""
        return self.entries / self.ldapsearch_seconds


def measure_reading(site: Site) -> Reading:
    """Read all users `ROUNDS` times with either, after a first time that does not count.

    :raises BenchError: if they do not read the same number of entries.
    """
    password_path = _password_file(site)
    question = _asked(site)
    pairs = []
    for _round in range(ROUNDS + 1):
        reader, entries = _timed(lambda: _read(site, LDAPS_PORT))
        ldapsearch, found = _timed(lambda: _ldapsearch(site, question, password_path))
        if entries != found:
            raise BenchError(f"the reader read {entries} entries, ldapsearch {found}")
        pairs.append((reader, ldapsearch))
    counted = pairs[1:]
    return Reading(
        entries=entries,
        reader_seconds=statistics.median(reader for reader, _other in counted),
        ldapsearch_seconds=statistics.median(other for _reader, other in counted),
        ratio=statistics.median(reader / other for reader, other in counted),
        rounds=ROUNDS,
    )


def _timed(work: Callable[[], int]) -> tuple[float, int]:
    begun = time.monotonic()
    result = work()
    return time.monotonic() - begun, result


def _asked(site: Site) -> _Question:
    """Let the reader read through the proxy once, and look what it asks there."""
    with ProxyControl(site.directory.address, PROXY_CONTROL_PORT) as proxy:
        proxy.clear()
        _read(site, PROXY_LDAPS_PORT)
        first = next(row for row in proxy.searches() if "objectCategory=person" in row["filter"])
    return _Question(first["filter"], tuple(first["attributes"]))


def _read(site: Site, port: int) -> int:
    account = site.directory.sync_account
    settings = DirectorySettings(
        host=site.directory.address,
        protocol="ldaps",
        port=port,
        base_dn=site.directory.base_dn,
        username=account.user_principal_name,
        password=account.password,
        validate_certs=True,
        ca_path=str(site.directory.ca_path),
        timeout=120,
    )
    with open_directory(settings, attributes=USER_ATTRIBUTES) as directory:
        return len(directory.read_users(UserQuery(bases=(site.directory.base_dn,))))


def _ldapsearch(site: Site, question: _Question, password_path: Path) -> int:
    output_path = site.folder / "ldapsearch.ldif"
    with output_path.open("wb") as output:
        finished = subprocess.run(  # noqa: S603
            [
                *("ldapsearch", "-x", "-LLL", "-o", "ldif-wrap=no"),
                *("-E", f"pr={PAGE_SIZE}/noprompt", "-E", "!domainScope"),
                *("-H", site.directory.ldaps_url, "-b", site.directory.base_dn),
                *("-D", site.directory.sync_account.user_principal_name, "-y", str(password_path)),
                *(question.filter, *question.attributes),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "LDAPTLS_CACERT": str(site.directory.ca_path), "LDAPTLS_REQCERT": "demand"},
            check=False,
        )
    if finished.returncode != 0:
        raise BenchError(f"ldapsearch ended with {finished.returncode}: {finished.stderr.strip()}")
    with output_path.open("rb") as lines:
        return sum(1 for line in lines if line.startswith(b"dn:"))


def _password_file(site: Site) -> Path:
    """A file of the owner's alone: a password on a command line is everybody's to see."""
    path = site.folder / "ldapsearch.password"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(site.directory.sync_account.password)
    return path
