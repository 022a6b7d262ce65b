# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures that tests of every kind share: the lab's directory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import samba
from lab.directory_admin import DirectoryAdmin, administer
from lab.population import Population, generate
from lab.samba import DomainController
from lab.tls import CertificateAuthority


def pytest_configure(config: pytest.Config) -> None:
    """Let ldap3 2.9.1 check host names with the function that Python 3.11 has deprecated."""
    config.addinivalue_line(
        "filterwarnings",
        r"ignore:ssl\.match_hostname\(\) is deprecated:DeprecationWarning:ldap3",
    )


@pytest.fixture(scope="session")
def lab_authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """The certificate authority of everything that the lab serves in this session."""
    return CertificateAuthority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def lab_population() -> Population:
    """The population of `lab_directory`: 220 people."""
    return generate(size=220, seed=1)


@pytest.fixture(scope="session")
def lab_directory(
    tmp_path_factory: pytest.TempPathFactory,
    lab_authority: CertificateAuthority,
    lab_population: Population,
) -> Iterator[DomainController]:
    """A running domain controller with `lab_population`, one for each pytest worker.

    Tests share it: one that changes something does so in an organizational unit of its own, and
    none restarts it. `directory_admin` looks whether they left something behind.
    """
    folder = tmp_path_factory.mktemp("dc")
    with samba.running(folder, lab_authority, population=lab_population) as controller:
        yield controller


@pytest.fixture(scope="session")
def lax_lab_directory(
    tmp_path_factory: pytest.TempPathFactory, lab_authority: CertificateAuthority
) -> Iterator[DomainController]:
    """A running, unpopulated domain controller that accepts simple binds without TLS."""
    folder = tmp_path_factory.mktemp("lax")
    with samba.running(folder, lab_authority, require_strong_auth=False) as controller:
        yield controller


@pytest.fixture(scope="module")
def directory_admin(lab_directory: DomainController) -> Iterator[DirectoryAdmin]:
    """An administrator's connection to `lab_directory`, in which a module leaves what it found and nothing else."""
    with administer(lab_directory) as admin:
        found = admin.objects()
        yield admin
        assert admin.objects() == found


@pytest.fixture
def own_unit(directory_admin: DirectoryAdmin) -> Iterator[str]:
    """The DN of an organizational unit for the test alone, below which it may make what it likes."""
    with directory_admin.unit_of_its_own() as dn:
        yield dn
