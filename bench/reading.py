# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the directory is read: the collection's reader beside OpenLDAP's ldapsearch, by turns."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad import objects, terms
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.connection import DirectorySettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.reader import open_directory
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import UserQuery
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import USER_ATTRIBUTES

from lab.ldap_proxy.control import ProxyControl
from lab.samba import LDAPS_PORT
from lab.services import PROXY_CONTROL_PORT, PROXY_LDAPS_PORT
from lab.slapd import LDAPS_PORT as SLAPD_PORT
from lab.slapd import running
from lab.tls import CertificateAuthority

from .errors import BenchError
from .ldapsearch import Ldapsearch, Question
from .site import Site

ROUNDS = 5
# One more than twenty full pages: where the last page is as full as the others, which is seldom, all is counted again.
SLAPD_SIZE = 20_001
_SECONDS = 120


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
    return _by_turns(_settings(site, LDAPS_PORT), ldapsearch_of(site))


def measure_slapd_reading(folder: Path, size: int = SLAPD_SIZE) -> Reading:
    """The same with OpenLDAP's own server, which a reader waits for less than for a domain controller.

    :param folder: for the server; it must not be there yet.
    :raises BenchError: if they do not read the same number of entries.
    :raises lab.processes.LabError: if there is no server to be started.
    """
    folder.mkdir()
    with running(folder / "slapd", CertificateAuthority(folder / "tls"), size=size) as server:
        settings = DirectorySettings(
            host=server.address,
            protocol="ldaps",
            port=SLAPD_PORT,
            base_dn=server.base_dn,
            username=server.username,
            password=server.password,
            ca_path=str(server.ca_path),
            timeout=_SECONDS,
        )
        question = Question(f"(&{terms.USERS})", objects.user_attributes(USER_ATTRIBUTES))
        return _by_turns(settings, _ldapsearch(folder, server.ldaps_url, settings, question))


def _by_turns(settings: DirectorySettings, ldapsearch_of_it: Ldapsearch) -> Reading:
    pairs = []
    for _round in range(ROUNDS + 1):
        begun = time.monotonic()
        entries = _read(settings)
        reader = time.monotonic() - begun
        ldapsearch, found = ldapsearch_of_it.timed()
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


def ldapsearch_of(site: Site) -> Ldapsearch:
    """ldapsearch with what the reader asks for when it reads all users."""
    settings = _settings(site, LDAPS_PORT)
    return _ldapsearch(site.folder, site.directory.ldaps_url, settings, _asked(site))


def _ldapsearch(folder: Path, url: str, settings: DirectorySettings, question: Question) -> Ldapsearch:
    return Ldapsearch(
        folder=folder,
        url=url,
        base_dn=settings.base_dn,
        user=settings.username,
        password=settings.password,
        ca_path=Path(settings.ca_path or ""),
        question=question,
    )


def _asked(site: Site) -> Question:
    """Let the reader read through the proxy once, and look what it asks there."""
    with ProxyControl(site.directory.address, PROXY_CONTROL_PORT) as proxy:
        proxy.clear()
        _read(_settings(site, PROXY_LDAPS_PORT))
        first = next(row for row in proxy.searches() if "objectCategory=person" in row["filter"])
    return Question(first["filter"], tuple(first["attributes"]))


def _settings(site: Site, port: int) -> DirectorySettings:
    account = site.directory.sync_account
    return DirectorySettings(
        host=site.directory.address,
        protocol="ldaps",
        port=port,
        base_dn=site.directory.base_dn,
        username=account.user_principal_name,
        password=account.password,
        ca_path=str(site.directory.ca_path),
        timeout=_SECONDS,
    )


def _read(settings: DirectorySettings) -> int:
    with open_directory(settings, attributes=USER_ATTRIBUTES) as directory:
        return len(directory.read_users(UserQuery(bases=(settings.base_dn,))))
