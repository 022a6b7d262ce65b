# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service's configuration: a TOML file, and secrets that come as files of their own.

What is wrong with it is said by the key's name, with what to do about it.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.location import LedgerLocation
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.postgresql_address import postgresql_address

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\]")
_LONGEST_SECRET = 4096


class SettingsError(YeastarError):
    """The configuration cannot be used."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the service listens, and as whom.

    :param host: the address to listen at.
    :param public_host: the name that users open it by.
    :param certificate: PEM file with the certificate and those that lead to its authority.
    :param key: PEM file with its private key.
    :param trusted_proxies: addresses and networks whose X-Forwarded-For is believed.
    """

    host: str
    port: int
    public_host: str
    certificate: Path
    key: Path
    trusted_proxies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PageSettings:
    """What the pages show; see ``pages.Pages``."""

    organization: str
    help: str
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DirectoryLimits:
    """How the directory is asked.

    :param ca_path: PEM file with the authorities to trust instead of the integration's.
    :param timeout: seconds to wait for a connection and for each answer.
    """

    ca_path: str | None
    timeout: int


@dataclass(frozen=True, slots=True)
class PbxLimits:
    """How the PBX is asked.

    :param ca_path: PEM file with the certificates to trust instead of the integration's.
    :param timeout: seconds to wait for a connection and for each part of an answer.
    :param wait: seconds that a user waits for the PBX at most, those before his turn too.
    :param passwords_in_base64: whether this PBX wants passwords so.
    """

    ca_path: str | None
    timeout: float
    wait: float
    passwords_in_base64: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at once, and how fast.

    :param answer_floor: seconds; a refusal comes after a whole number of them, whatever it took to find out.
    :param threads: how many log-ins are tried at the directory at once.
    :param concurrent: how many requests are worked on at once; those above are told to come back.
    """

    answer_floor: float
    threads: int
    concurrent: int


@dataclass(frozen=True, slots=True)
class Login:
    """What logs the service in to the PBX: Client ID and Secret, or AccessID and AccessKey."""

    name: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Configuration:
    """All of the configuration.

    :param pbx_login: of Integrations > API, which sets passwords; None if there is none.
    :param sdk_login: of Integrations > Linkus SDK, which gets signatures; None if there is none.
    """

    ledger: LedgerLocation
    listen: Listen
    page: PageSettings
    directory: DirectoryLimits
    pbx: PbxLimits
    limits: Limits
    pbx_login: Login | None
    sdk_login: Login | None


def read_configuration(path: Path, environment: Mapping[str, str]) -> Configuration:
    """Read the configuration.

    :param environment: where CREDENTIALS_DIRECTORY names the folder of secrets, as systemd's LoadCredential= does.
    :raises SettingsError: if it cannot be read or used.
    :raises LedgerError: for a ledger_url or ledger_name that cannot be a ledger's.
    """
    top = _Table("", _parse(path))
    secrets = _Secrets(environment.get("CREDENTIALS_DIRECTORY"))
    configuration = Configuration(
        ledger=_ledger(top, secrets),
        listen=_listen(top.table("listen"), secrets),
        page=_page(top.table("page")),
        directory=_directory(top.table("directory")),
        pbx=_pbx(top.table("pbx")),
        limits=_limits(top.table("limits")),
        pbx_login=_login(secrets, "pbx_client_id", "pbx_client_secret"),
        sdk_login=_login(secrets, "sdk_access_id", "sdk_access_key"),
    )
    top.end()
    if configuration.pbx_login is None and configuration.sdk_login is None:
        raise SettingsError(
            "There is no credential for the PBX.",
            "Give pbx_client_id and pbx_client_secret (method password), or sdk_access_id and sdk_access_key (method "
            "signature), as files in $CREDENTIALS_DIRECTORY.",
        )
    return configuration


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror}.", "Name a readable file with --config."
        ) from None
    except ValueError as error:
        raise SettingsError(f"{path} is not TOML in UTF-8: {error}.", "Correct it there.") from None


def _ledger(top: _Table, secrets: _Secrets) -> LedgerLocation:
    path, url = top.text("ledger_path", ""), top.text("ledger_url", "")
    name, password = top.text("ledger_name", ""), secrets.find("ledger_password")
    if bool(path) == bool(url):
        raise SettingsError(
            "Of ledger_path and ledger_url exactly one must be given.", "Name the ledger of the synchronization."
        )
    if path:
        return _file_path("ledger_path", path)
    return postgresql_address(url, name, password)


def _listen(table: _Table, secrets: _Secrets) -> Listen:
    certificate, key = secrets.path("tls.pem"), secrets.path("tls.key")
    named_certificate, named_key = table.text("certificate", ""), table.text("key", "")
    if certificate is None and not named_certificate:
        raise SettingsError("listen.certificate is missing.", "Name its file, or give it as credential tls.pem.")
    if key is None and not named_key:
        raise SettingsError("listen.key is missing.", "Name the private key's file, or give it as credential tls.key.")
    listen = Listen(
        host=table.text("host", "0.0.0.0"),  # noqa: S104 (it is there to be reached by all users)
        port=table.integer("port", 8443, 1, 65535),
        public_host=table.text("public_host").lower(),
        certificate=certificate or _file_path("listen.certificate", named_certificate),
        key=key or _file_path("listen.key", named_key),
        trusted_proxies=table.texts("trusted_proxies", ()),
    )
    if not _HOST.fullmatch(listen.public_host):
        raise SettingsError(
            "listen.public_host is no host name.", "Give the name that users open, such as signon.example.com."
        )
    for proxy in listen.trusted_proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError:
            raise SettingsError(
                f"listen.trusted_proxies: {proxy!r} is no address and no network.", "Write 192.0.2.1 or 192.0.2.0/24."
            ) from None
    table.end()
    return listen


def _page(table: _Table) -> PageSettings:
    page = PageSettings(
        organization=table.text("organization", ""),
        help=table.text("help", ""),
        languages=table.texts("languages", ("en",)),
    )
    table.end()
    return page


def _directory(table: _Table) -> DirectoryLimits:
    limits = DirectoryLimits(ca_path=table.text("ca_path", "") or None, timeout=table.integer("timeout", 5, 1, 60))
    table.end()
    return limits


def _pbx(table: _Table) -> PbxLimits:
    limits = PbxLimits(
        ca_path=table.text("ca_path", "") or None,
        timeout=table.number("timeout", 10, 1, 60),
        wait=table.number("wait", 15, 1, 120),
        passwords_in_base64=table.flag("passwords_in_base64", False),
    )
    table.end()
    return limits


def _limits(table: _Table) -> Limits:
    limits = Limits(
        answer_floor=table.number("answer_floor", 1, 0, 30),
        threads=table.integer("threads", 16, 1, 256),
        concurrent=table.integer("concurrent", 500, 1, 10_000),
    )
    table.end()
    return limits


def _login(secrets: _Secrets, name_file: str, secret_file: str) -> Login | None:
    name, secret = secrets.find(name_file), secrets.find(secret_file)
    if bool(name) != bool(secret):
        missing = secret_file if name else name_file
        raise SettingsError(
            f"The credential {missing} is missing.", f"Give {name_file} and {secret_file} together, or none of them."
        )
    return Login(name, secret) if name and secret else None


def _file_path(key: str, text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise SettingsError(f"{key} is not an absolute path.", "A service has no folder that others would start from.")
    return path


class _Secrets:
    """The folder of secrets, one a file."""

    def __init__(self, folder: str | None) -> None:
        self._folder = Path(folder) if folder else None

    def path(self, name: str) -> Path | None:
        """Return a secret's file; None if there is none."""
        path = self._folder / name if self._folder else None
        return path if path and path.is_file() else None

    def find(self, name: str) -> str | None:
        """Return a secret without the newline at its end; None if it is not there or empty.

        :raises SettingsError: if it cannot be read.
        """
        path = self.path(name)
        if path is None:
            return None
        try:
            text = path.read_bytes()[: _LONGEST_SECRET + 1].decode()
        except (OSError, ValueError):
            raise SettingsError(
                f"The credential {name} cannot be read.", f"See to {path}: one line of UTF-8."
            ) from None
        secret = text.removesuffix("\n").removesuffix("\r")
        if len(secret) > _LONGEST_SECRET or not secret.isprintable():
            raise SettingsError(f"The credential {name} is more than one line.", f"See to {path}.")
        return secret or None


class _Table:
    """A table of the file. What is asked of it is checked; what nobody asked for is a mistake.

    :param name: of the table, "" for the top.
    """

    def __init__(self, name: str, values: Mapping[str, Any]) -> None:
        self._prefix = f"{name}." if name else ""
        self._values = dict(values)

    def table(self, key: str) -> _Table:
        """Take a table; an empty one if there is none."""
        value = self._values.pop(key, {})
        if not isinstance(value, dict):
            raise SettingsError(f"{self._prefix}{key} is not a table.", f"Write [{self._prefix}{key}].")
        return _Table(f"{self._prefix}{key}", value)

    def text(self, key: str, default: str | None = None) -> str:
        """Take a text; without a default it must be there and not be empty."""
        value = self._values.pop(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise SettingsError(f"{self._prefix}{key} is missing, empty or no text.", 'Write it like key = "value".')
        return value

    def texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Take a list of texts."""
        value = self._values.pop(key, default)
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise SettingsError(f"{self._prefix}{key} is no list of texts.", 'Write it like key = ["one", "two"].')
        return tuple(value)

    def integer(self, key: str, default: int, least: int, most: int) -> int:
        """Take a whole number between these."""
        number = self.number(key, default, least, most)
        if number != int(number):
            raise SettingsError(f"{self._prefix}{key} is no whole number.", f"Give one from {least} to {most}.")
        return int(number)

    def number(self, key: str, default: float, least: float, most: float) -> float:
        """Take a number between these."""
        value = self._values.pop(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise SettingsError(
                f"{self._prefix}{key} is no number from {least} to {most}.", f"The default is {default}."
            )
        return value

    def flag(self, key: str, default: bool) -> bool:
        """Take true or false."""
        value = self._values.pop(key, default)
        if not isinstance(value, bool):
            raise SettingsError(f"{self._prefix}{key} is neither true nor false.", f"The default is {default}.")
        return value

    def end(self) -> None:
        """Refuse what was not asked for."""
        unknown = ", ".join(f"{self._prefix}{key}" for key in self._values)
        if unknown:
            raise SettingsError(f"The configuration has no {unknown}.", "See to the spelling, or leave it out.")
