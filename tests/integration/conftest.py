# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests against real servers: an LDAP proxy that plays Windows' limits and faults, a PBX, ledgers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import count as counting
from pathlib import Path

import pytest

from lab import postgresql, samba
from lab.crowd import make_crowd
from lab.directory_admin import DirectoryAdmin
from lab.ldap_proxy.process import LdapProxy, running_proxy
from lab.pbx.emulator import Emulator
from lab.pbx.testing import running_emulator
from lab.postgresql import PostgresqlServer, Role
from lab.samba import LDAPS_PORT, DomainController
from lab.tls import CertificateAuthority
from tests.integration.gateway_site import Site, running_site
from tests.integration.ledger_stores import DATABASE, PostgresqlStore, SqliteStore, Store
from tests.integration.pbx_helpers import count


@pytest.fixture(scope="session")
def ldap_proxy(lab_directory: DomainController, lab_authority: CertificateAuthority) -> Iterator[LdapProxy]:
    """A proxy in front of `lab_directory`; each test begins with Windows' limits, no faults and an empty log."""
    with _proxy_of(lab_directory, lab_authority) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def crowded_directory(
    tmp_path_factory: pytest.TempPathFactory, lab_authority: CertificateAuthority
) -> Iterator[DomainController]:
    """A running domain controller with 5,001 users and the groups of `lab.crowd`."""
    with samba.running(tmp_path_factory.mktemp("crowd"), lab_authority, population=make_crowd()) as controller:
        yield controller


@pytest.fixture(scope="session")
def crowded_proxy(crowded_directory: DomainController, lab_authority: CertificateAuthority) -> Iterator[LdapProxy]:
    """A proxy in front of `crowded_directory`, cleared before each test as `ldap_proxy` is."""
    with _proxy_of(crowded_directory, lab_authority) as proxy:
        yield proxy


@pytest.fixture
def emulator(lab_authority: CertificateAuthority) -> Iterator[Emulator]:
    """A PBX that gives out one access token at a time; after the test none lives, and at most one was given."""
    with running_emulator(authority=lab_authority, token_limit=1) as running:
        yield running
        assert running.state.live_tokens == 0
        assert count(running, "get_token") <= 1


@pytest.fixture(scope="module")
def gateway_site(
    tmp_path_factory: pytest.TempPathFactory,
    lab_authority: CertificateAuthority,
    lab_directory: DomainController,
    directory_admin: DirectoryAdmin,
) -> Iterator[Site]:
    """A directory, a PBX and the ledger that joins them; all sign-ons of its tests come from one address."""
    with running_site(tmp_path_factory.mktemp("site"), lab_authority, lab_directory, directory_admin) as site:
        site.save(attempts_per_address=10_000)
        yield site


@pytest.fixture(scope="session")
def postgresql_server(lab_authority: CertificateAuthority) -> Iterator[PostgresqlServer]:
    """A running PostgreSQL server; a test that stops it starts it again."""
    with postgresql.running(lab_authority) as server:
        yield server


@pytest.fixture(scope="session")
def ledgers_role(postgresql_server: PostgresqlServer) -> Role:
    """The role that owns the database in which the tests' ledgers are."""
    return postgresql_server.create_database(DATABASE)


@pytest.fixture(scope="session")
def postgresql_store(postgresql_server: PostgresqlServer, ledgers_role: Role) -> Callable[[], PostgresqlStore]:
    """A function that returns a new place for a ledger in PostgreSQL; nothing is there yet."""
    numbers = counting(1)
    return lambda: PostgresqlStore(postgresql_server, ledgers_role, f"pbx-{next(numbers)}.example.com_8088")


@pytest.fixture(params=["sqlite", "postgresql"])
def another(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """A function that returns a new place for a ledger, all of one kind; nothing is there yet."""
    if request.param == "postgresql":
        made: Callable[[], Store] = request.getfixturevalue("postgresql_store")
        return made
    numbers = counting(1)
    return lambda: SqliteStore(tmp_path / f"ledger-{next(numbers)}" / "ledger.sqlite3")


@pytest.fixture
def store(another: Callable[[], Store]) -> Store:
    """A place for a ledger, of either kind; nothing is there yet."""
    return another()


@pytest.fixture(autouse=True)
def _proxies_cleared(request: pytest.FixtureRequest) -> None:
    for name in ("ldap_proxy", "crowded_proxy"):
        if name in request.fixturenames:
            request.getfixturevalue(name).control.clear()


def _proxy_of(controller: DomainController, authority: CertificateAuthority) -> AbstractContextManager[LdapProxy]:
    return running_proxy(
        authority,
        listen_address=controller.address,
        upstream=f"{controller.address}:{LDAPS_PORT}",
        hosts=(controller.address, controller.host_name),
    )
