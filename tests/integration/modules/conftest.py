# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for tests of the modules between the real domain controller and the PBX emulator, over TLS on both sides."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.directory_admin import DirectoryAdmin
from lab.pbx.emulator import Emulator
from lab.pbx.testing import running_emulator
from lab.samba import DomainController
from lab.tls import CertificateAuthority
from tests.integration.modules.site_under_test import Site, make_runner


@pytest.fixture(name="pbx")
def _pbx(lab_authority: CertificateAuthority) -> Iterator[Emulator]:
    """An empty PBX; at the end of each test no access token may be alive."""
    with running_emulator(authority=lab_authority) as emulator:
        yield emulator
        assert emulator.state.live_tokens == 0


@pytest.fixture(name="site")
def _site(
    lab_directory: DomainController,
    directory_admin: DirectoryAdmin,
    pbx: Emulator,
    own_unit: str,
    request: pytest.FixtureRequest,
) -> Site:
    """A directory (its base DN is the test's own unit), an empty PBX and no ledger yet."""
    ledger = request.getfixturevalue("tmp_path") / "state" / "ledger.sqlite3"
    run = make_runner(request.getfixturevalue("capfd"))
    return Site(lab_directory, directory_admin, pbx, own_unit, ledger, run)
