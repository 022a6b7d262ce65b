# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Where a ledger in PostgreSQL is: the URL of a database, and a schema of the ledger's own in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, unquote_plus

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LedgerError, Place

_EXAMPLE = "postgresql://user@host:5432/database"
# user@host:port,host:port/database?parameters: all that libpq takes, but for a password.
_HOST = r"(?:\[[0-9A-Fa-f:.]+(?:%25[\w.-]+)?\]|[^\s\[\]:@,/?#]*)(?::[0-9]+)?"
_URL = re.compile(rf"postgres(?:ql)?://(?:[^\s:@/?#]*@)?{_HOST}(?:,{_HOST})*(?:/[^\s:@/?#]*)?(?:\?[^\s#]*)?")

_SECRET_PARAMETERS = frozenset({"password", "sslpassword"})
_LONGEST_NAME = 63  # bytes; PostgreSQL would cut off what is longer, and two ledgers could become one

# Of libpq, for what the URL does not say. A dead network is noticed within a minute, by either side of it.
_DEFAULTS = {
    "connect_timeout": "10",
    "keepalives": "1",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
_LOOPBACK = re.compile(r"localhost|127(?:\.[0-9]+){3}|::1")


@dataclass(frozen=True, slots=True)
class PostgresqlAddress:
    """Where a ledger in PostgreSQL is, and what opens it; ``postgresql_address`` makes a valid one.

    :param url: of the database, without a password.
    :param name: of the schema, which is the ledger's alone.
    :param password: None to leave it to libpq's own ways (PGPASSWORD, a password file, a service).
    """

    url: str
    name: str
    password: str | None = field(default=None, repr=False)

    @property
    def place(self) -> Place:
        """Where the ledger is, as errors name it: without parameters, unless they say where the server is."""
        database, _mark, _parameters = self.url.partition("?")
        shown = self.url if ":///" in database or "@/" in database else database
        return Place(f"{shown} schema {self.name}", ("ledger_url", "ledger_name"))


def postgresql_address(url: str, name: str, password: str | None = None) -> PostgresqlAddress:
    """Return the address of a ledger in PostgreSQL.

    :raises LedgerError: for a URL that cannot be read or holds a password, and for an impossible name.
    """
    _check_url(url)
    _check_name(name)
    return PostgresqlAddress(url, name, password or None)


def passwords_in(url: str) -> set[str]:
    """Return the passwords in a URL, each as it is written there and as it is read, so that they can be hidden."""
    written = {value for name, value in _parameters(url) if unquote(name) in _SECRET_PARAMETERS}
    _user, colon, password = _authority(url).rpartition("@")[0].partition(":")
    found = {*written, password} if colon else written
    return {text for value in found for text in (value, unquote(value), unquote_plus(value)) if text}


def _check_url(url: str) -> None:
    """Raise ``LedgerError``, which never shows the URL: somebody may have written a password into it."""
    has_parameter = any(unquote(name) in _SECRET_PARAMETERS for name, _value in _parameters(url))
    if has_parameter or ":" in _authority(url).rpartition("@")[0]:
        raise LedgerError(
            "The parameter ledger_url holds a password, which would be shown wherever the ledger is named.",
            f"Write it like {_EXAMPLE} and give the password with ledger_password, PGPASSWORD or a password file.",
        )
    if not _URL.fullmatch(url):
        raise LedgerError(
            "The parameter ledger_url is not the URL of a PostgreSQL database.", f"Write it like {_EXAMPLE}."
        )


def _authority(url: str) -> str:
    """Return what is before the database; a password may hold anything, so that the last @ ends it."""
    rest = url.partition("://")[2]
    return rest if "@" in rest and ":" in rest.rpartition("@")[0] else re.split(r"[/?#]", rest)[0]


def _parameters(url: str) -> list[tuple[str, str]]:
    pairs = (pair.partition("=") for pair in url.partition("?")[2].split("&"))
    return [(name, value) for name, _equals, value in pairs]


def _check_name(name: str) -> None:
    if not name.strip() or "\0" in name:
        raise LedgerError("The parameter ledger_name is empty or holds a NUL.", "Give the ledger another name.")
    if len(name.encode("utf-8", "surrogateescape")) > _LONGEST_NAME:
        raise LedgerError(
            f"The ledger's name {name} is longer than {_LONGEST_NAME} bytes, which PostgreSQL would cut off.",
            "Name it shorter with ledger_name.",
        )
    if name.startswith("pg_") or name == "information_schema":
        raise LedgerError(f"The name {name} (ledger_name) is PostgreSQL's own.", "Give the ledger another name.")


def connection_parameters(given: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return libpq's parameters: those of a URL, and what makes a connection safe where it does not say otherwise.

    Unless the URL or PGSSLMODE says how far the server is to be trusted, its certificate and its name are verified;
    only a server on this machine, by Unix socket or loopback address, is let be without.

    :param given: the parameters in the URL by their names.
    """
    parameters = {**_DEFAULTS, **given}
    if "sslmode" not in given and "PGSSLMODE" not in environment and not _is_local(given, environment):
        parameters["sslmode"] = "verify-full"
    return parameters


def _is_local(given: Mapping[str, str], environment: Mapping[str, str]) -> bool:
    """Whether every server that libpq may take is on this machine; one that a service names may be anywhere."""
    if "service" in given or "PGSERVICE" in environment:
        return False
    addresses = given.get("hostaddr") or environment.get("PGHOSTADDR")
    hosts = addresses or given.get("host") or environment.get("PGHOST") or ""
    return all(not host or host[0] in "/@" or _LOOPBACK.fullmatch(host) for host in hosts.split(","))
