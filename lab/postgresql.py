# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server in one temporary folder, on one loopback address.

    with running(authority) as server:
        owner = server.create_database("ledgers")
        print(server.url(owner, "ledgers"))

TLS with a certificate of the lab's authority, passwords by SCRAM. The server refuses to run as root, so that root
starts it as the user that its Debian package made. Nothing is flushed to the disk: a server that is killed keeps all
that it had committed, a machine that loses power does not.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from .addresses import CANDIDATES, claimed_address, is_listening
from .processes import BackgroundProcess, LabError
from .tls import CertificateAuthority

PORT = 5432
HOST_NAME = "postgresql.lab.test"
PACKAGE = "postgresql-15=15.*"  # Debian 12's; what the lab was made with

_ADMINISTRATOR = "postgres"
_SYSTEM_USER = "postgres"
_PROGRAMS = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class Role:
    """A role that may log in; the password is left out of repr."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class PostgresqlServer:
    """A server: where it is and who administers it.

    :param folder: the data folder; its Unix socket is in it too.
    """

    folder: Path
    address: str
    ca_path: Path
    administrator: Role
    programs: Path
    process: BackgroundProcess = field(repr=False, compare=False)
    host_name: str = HOST_NAME
    port: int = PORT

    def url(self, role: Role, database: str, **parameters: str | int) -> str:
        """The URL of a database without any password; libpq's parameters replace the lab's own."""
        given = {"sslrootcert": str(self.ca_path), **parameters}
        query = "&".join(f"{name}={value}" for name, value in given.items())
        return f"postgresql://{role.name}@{self.address}:{self.port}/{database}?{query}"

    @contextlib.contextmanager
    def administer(self, database: str = "postgres") -> Iterator[psycopg.Connection]:
        """An administrator's connection, each statement of which is a transaction, for a with block."""
        url, password = self.url(self.administrator, database), self.administrator.password
        with psycopg.connect(url, password=password, sslmode="verify-full", autocommit=True) as connection:
            yield connection

    def create_role(self, name: str) -> Role:
        """Make a role that may log in and no more."""
        role = Role(name, secrets.token_urlsafe(18))
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
        with self.administer() as connection:
            connection.execute(create.format(sql.Identifier(name), sql.Literal(role.password)))
        return role

    def create_database(self, name: str) -> Role:
        """Make a database and a role of the same name that owns it; return the role."""
        role = self.create_role(name)
        create = sql.SQL("CREATE DATABASE {0} OWNER {0}")
        with self.administer() as connection:
            connection.execute(create.format(sql.Identifier(name)))
        return role

    def start(self) -> None:
        """Serve. Raises LabError if that fails."""
        self.process.start(
            [*_as_unprivileged(), "--pdeathsig=QUIT", str(self.programs / "postgres"), "-D", str(self.folder)],
            folder=self.folder,
        )
        self.process.wait_until(lambda: is_listening(self.address, self.port) and self._answers())

    def stop(self) -> None:
        """Stop the server, connections are cut; the data stays, and `start` serves it again."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Let all of the server's processes quit at once, without a goodbye and without writing anything more."""
        self._end(signal.SIGQUIT)

    def _end(self, number: signal.Signals) -> None:
        if (pid := self.process.pid) is not None:
            os.kill(pid, number)
            self.process.wait_for_end(seconds=20)
        self.process.stop()

    def _answers(self) -> bool:
        try:
            with self.administer():
                return True
        except psycopg.OperationalError:
            return False


@contextlib.contextmanager
def running(authority: CertificateAuthority) -> Iterator[PostgresqlServer]:
    """Make a server and serve it for the length of a with block; it ends with this process at the latest.

    Its default collation is not that of bytes, as on most servers. Raises LabError: programs missing, start failed.
    """
    programs = _find_programs()
    # Not below a folder of the caller's: the server's user must be able to reach it.
    with tempfile.TemporaryDirectory(prefix="lab-postgresql-", ignore_cleanup_errors=True) as name:
        os.chmod(name, 0o755)  # noqa: S103 (the server's user looks for its own folder in it)
        folder = Path(name, "data")
        password = secrets.token_urlsafe(18)
        _initialize(folder, programs, password)
        # The generator is always finished.
        # pylint: disable-next=contextmanager-generator-missing-cleanup
        with claimed_address(CANDIDATES, (PORT,)) as address:
            server = PostgresqlServer(
                folder=folder,
                address=address,
                ca_path=authority.ca_path.resolve(),
                administrator=Role(_ADMINISTRATOR, password),
                programs=programs,
                process=BackgroundProcess(Path(name), "postgresql"),
            )
            _configure(server, authority)
            server.start()
        try:
            yield server
        finally:
            server.stop()


def _find_programs() -> Path:
    found = sorted(_PROGRAMS.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise LabError(
            "PostgreSQL's server is missing. Install it, on Debian 12 as root:\n"
            f"  apt-get update && apt-get install --no-install-recommends '{PACKAGE}'"
        )
    return found[-1].parent


def _as_unprivileged() -> list[str]:
    """How a command is run as somebody other than root; as it is for whoever is not."""
    if os.geteuid() != 0:
        return ["setpriv"]
    return ["setpriv", f"--reuid={_SYSTEM_USER}", f"--regid={_SYSTEM_USER}", "--init-groups"]


def _initialize(folder: Path, programs: Path, password: str) -> None:
    folder.mkdir(mode=0o700)
    _give_away(folder)
    password_file = folder.with_name("password")
    password_file.touch(mode=0o600)
    _give_away(password_file)
    password_file.write_text(password + "\n", encoding="utf-8")
    _run(
        [
            *_as_unprivileged(),
            *(str(programs / "initdb"), "--pgdata", str(folder), "--username", _ADMINISTRATOR),
            *("--pwfile", str(password_file), "--auth", "scram-sha-256", "--no-sync"),
            *("--encoding", "UTF8", "--locale", "C", "--locale-provider", "icu", "--icu-locale", "de"),
        ]
    )
    password_file.unlink()


def _configure(server: PostgresqlServer, authority: CertificateAuthority) -> None:
    issued = authority.issue("postgresql", hosts=[HOST_NAME, server.address])
    for source, name in ((issued.cert_path, "server.pem"), (issued.key_path, "server.key")):
        shutil.copy(source, server.folder / name)
        (server.folder / name).chmod(0o600)
        _give_away(server.folder / name)
    settings = {
        "listen_addresses": server.address,
        "port": str(server.port),
        "unix_socket_directories": ".",
        "ssl": "on",
        "ssl_cert_file": "server.pem",
        "ssl_key_file": "server.key",
        "fsync": "off",
        "max_connections": "20",
        "shared_buffers": "16MB",
        "log_min_duration_statement": "-1",
    }
    lines = [f"{name} = '{value}'" for name, value in settings.items()]
    configuration = server.folder / "postgresql.auto.conf"
    configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _give_away(path: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(path, _SYSTEM_USER, _SYSTEM_USER)


def _run(command: Sequence[str]) -> None:
    finished = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        end = "\n".join((finished.stdout + finished.stderr).splitlines()[-15:])
        raise LabError(f"{' '.join(command)} failed ({finished.returncode}):\n{end}")
