# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups around and far above Windows' MaxValRange of 1,500 values come out exact on the PBX."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.crowd import CROWD_GROUPS, CROWD_SIZE, member_dn
from lab.directory_admin import DirectoryAdmin, administer
from lab.ldap_proxy.faults import Fault
from lab.ldap_proxy.process import LdapProxy
from lab.pbx.emulator import Emulator
from lab.pbx.testing import running_emulator
from lab.samba import BASE_DN, DomainController
from lab.tls import CertificateAuthority
from tests.integration.modules.site_under_test import Site, make_runner


@pytest.fixture(scope="module", name="large_pbx")
def _large_pbx(lab_authority: CertificateAuthority) -> Iterator[Emulator]:
    """A PBX with an extension for every member of the crowd, known by e-mail address."""
    with running_emulator(authority=lab_authority, model="Software", extension_capacity=CROWD_SIZE) as emulator:
        for number in range(CROWD_SIZE):
            emulator.pbx.seed_extension(
                str(1000 + number), first_name=f"Member {number:04d}", email_addr=f"member{number:04d}@lab.test"
            )
        yield emulator


@pytest.fixture(scope="module", name="ledger_path")
def _ledger_path() -> Iterator[Path]:
    """Where no disk is waited for: the users' associations alone are ten thousand transactions."""
    memory = Path("/dev/shm")  # noqa: S108 (a folder of its own is made there)
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder) / "state" / "ledger.sqlite3"


@pytest.fixture(scope="module", name="crowd_admin")
def _crowd_admin(crowded_directory: DomainController) -> Iterator[DirectoryAdmin]:
    with administer(crowded_directory) as admin:
        yield admin


@pytest.fixture(name="crowd")
def _crowd(
    crowded_directory: DomainController,
    crowd_admin: DirectoryAdmin,
    large_pbx: Emulator,
    ledger_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> Site:
    """The whole domain of the crowd, every user with an extension; no calls logged."""
    site = Site(crowded_directory, crowd_admin, large_pbx, BASE_DN, ledger_path, make_runner(capfd))
    if not ledger_path.exists():
        everybody = site.sync(scope="groups", groups=[CROWD_GROUPS[CROWD_SIZE]], associate_by_email=True)
        assert everybody["summary"]["associated"] == CROWD_SIZE
    site.pbx.calls.clear()
    return site


@pytest.fixture(name="through")
def _through(crowded_proxy: LdapProxy) -> dict[str, Any]:
    """Options by which a run reads the directory through the proxy, with Windows' own limits."""
    return {"directory_host": crowded_proxy.address, "directory_port": crowded_proxy.ldaps_port}


def expected(*, without_the_last: bool = False) -> dict[str, set[str]]:
    """The members of each group, or all but the last of each."""
    return {
        f"Exactly {size}": {f"Member {number:04d}" for number in range(size - without_the_last)}
        for size in CROWD_GROUPS
    }


def test_groups_around_and_above_the_range_limit_come_out_exact_and_one_leaves_each(
    crowd: Site, crowded_proxy: LdapProxy, through: dict[str, Any]
) -> None:
    crowd.groups(**through)

    assert crowd.members == expected()
    asked = [row["attributes"] for row in crowded_proxy.control.searches()]
    assert {f"member;range={low}-*" for low in (1499, 2998, 4497)} <= {one for names in asked for one in names}
    crowd.pbx.calls.clear()
    assert not crowd.groups(**through)["changed"]
    assert crowd.writes() == []

    leaving = {dn: [member_dn(size - 1)] for size, dn in CROWD_GROUPS.items()}
    for dn, members in leaving.items():
        crowd.admin.remove_members(dn, members)
    try:
        crowd.pbx.calls.clear()
        result = crowd.groups(**through)
    finally:
        for dn, members in leaving.items():
            crowd.admin.add_members(dn, members)

    assert {change["name"]: change["members_removed"] for change in result["changes"]} == {
        f"Exactly {size}": [f"{1000 + size - 1} Member {size - 1:04d}"] for size in CROWD_GROUPS
    }
    assert crowd.members == expected(without_the_last=True)
    counted = Counter(call.endpoint for call in crowd.pbx.calls.all() if call.endpoint.startswith("extensiongroup/"))
    assert counted == {"extensiongroup/list": 1, "extensiongroup/query": 1, "extensiongroup/update": len(CROWD_GROUPS)}
    crowd.groups(**through)
    assert crowd.members == expected()


def test_a_range_that_is_not_followed_or_cut_takes_nobody_out(
    crowd: Site, crowded_proxy: LdapProxy, through: dict[str, Any]
) -> None:
    crowd.groups(**through)
    assert crowd.members == expected()
    crowd.pbx.calls.clear()
    for mode in ("stops", "repeats", "gap", "moved", "endless"):
        crowded_proxy.control.set_faults([Fault("range", mode=mode, page=None)])

        outcome = crowd.groups(fails=True, **through)

        assert "CN=Exactly" in outcome["msg"], mode
        assert "member;range=" in outcome["msg"], mode
    assert crowd.members == expected()
    assert crowd.writes() == []
