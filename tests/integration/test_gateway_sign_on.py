# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-ons at a running gateway, over TLS, against a domain controller and a PBX."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.directory_admin import DirectoryAdmin
from lab.gateway import GatewayProcess
from lab.pbx.testing import running_emulator
from lab.samba import DomainController
from lab.tls import CertificateAuthority
from tests.integration.gateway_site import LOGIN_ADDRESS, PASSWORD, Browser, Site


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory,
    lab_authority: CertificateAuthority,
    lab_directory: DomainController,
    directory_admin: DirectoryAdmin,
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with running_emulator(authority=lab_authority, token_limit=1) as emulator:
        site = Site(folder, lab_authority, lab_directory, directory_admin, emulator, lab_directory.address)
        site.save()
        yield site
        assert emulator.state.live_tokens == 0


@pytest.fixture(scope="module")
def gateway(site: Site) -> Iterator[GatewayProcess]:
    with site.gateway() as gateway:
        yield gateway


def test_a_right_password_becomes_that_of_linkus(site: Site, gateway: GatewayProcess) -> None:
    person = site.person()
    with Browser(gateway) as browser:
        response = browser.sign_on(person.upn)
    assert (response.status_code, response.headers["location"]) == (303, LOGIN_ADDRESS), gateway.log
    assert site.linkus_password(person) == PASSWORD
