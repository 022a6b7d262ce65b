# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests that run ansible-playbook between the real domain controller and the PBX emulator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.directory_admin import DirectoryAdmin
from lab.pbx.emulator import Emulator
from lab.pbx.testing import running_emulator
from lab.samba import DomainController
from lab.tls import CertificateAuthority
from tests.playbook.playbook_site import PlaybookSite


@pytest.fixture(name="pbx")
def _pbx(lab_authority: CertificateAuthority) -> Iterator[Emulator]:
    """An empty PBX; at the end of each test no access token may be alive."""
    with running_emulator(authority=lab_authority) as emulator:
        yield emulator
        assert emulator.state.live_tokens == 0


@pytest.fixture(name="site")
def _site(
    lab_directory: DomainController, directory_admin: DirectoryAdmin, own_unit: str, pbx: Emulator, tmp_path: Path
) -> PlaybookSite:
    """A site with nobody in it; the directory's part of it is gone at the end."""
    return PlaybookSite(tmp_path, lab_directory, directory_admin, pbx, own_unit)
