# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the directory is read: the collection's reader beside OpenLDAP's ldapsearch, by turns."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.connection import DirectorySettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.reader import open_directory
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import UserQuery
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import USER_ATTRIBUTES

from lab.ldap_proxy.control import ProxyControl
from lab.samba import LDAPS_PORT
from lab.services import PROXY_CONTROL_PORT, PROXY_LDAPS_PORT

from .errors import BenchError
from .ldapsearch import Ldapsearch, Question
from .site import Site

ROUNDS = 5


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
    ldapsearch_of_site = ldapsearch_of(site)
    pairs = []
    for _round in range(ROUNDS + 1):
        begun = time.monotonic()
        entries = _read(site, LDAPS_PORT)
        reader = time.monotonic() - begun
        ldapsearch, found = ldapsearch_of_site.timed()
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
    return Ldapsearch(
        folder=site.folder,
        url=site.directory.ldaps_url,
        base_dn=site.directory.base_dn,
        user=site.directory.sync_account.user_principal_name,
        password=site.directory.sync_account.password,
        ca_path=site.directory.ca_path,
        question=_asked(site),
    )


def _asked(site: Site) -> Question:
    """Let the reader read through the proxy once, and look what it asks there."""
    with ProxyControl(site.directory.address, PROXY_CONTROL_PORT) as proxy:
        proxy.clear()
        _read(site, PROXY_LDAPS_PORT)
        first = next(row for row in proxy.searches() if "objectCategory=person" in row["filter"])
    return Question(first["filter"], tuple(first["attributes"]))


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
