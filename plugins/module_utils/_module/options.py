# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The options that the modules share, and what is made of them; doc_fragments/connection.py documents them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.connection import DirectorySettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.filters import normalize_filter
from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.location import (
    LedgerLocation,
    default_name,
    default_path,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.postgresql_address import postgresql_address
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.settings import DEFAULT_CONCURRENCY, PbxSettings

_ENVIRONMENT_PREFIX = "PBX_AD_"


class OptionError(YeastarError):
    """An option, or options together, cannot be what they are."""


def _option(name: str, **spec: Any) -> tuple[str, dict[str, Any]]:
    return name, {**spec, "fallback": (env_fallback, [_ENVIRONMENT_PREFIX + name.upper()])}


CONNECTION_OPTIONS: dict[str, dict[str, Any]] = dict(
    (
        _option("directory_host", type="str", required=True),
        _option("directory_protocol", type="str", choices=["ldaps", "start_tls", "ldap"], default="ldaps"),
        _option("directory_port", type="int"),
        _option("directory_base_dn", type="str", required=True),
        _option("directory_username", type="str", required=True),
        _option("directory_password", type="str", required=True, no_log=True),
        _option("directory_validate_certs", type="bool", default=True),
        _option("directory_ca_path", type="path"),
        _option("directory_timeout", type="int", default=30),
        _option("pbx_url", type="str", required=True),
        _option("pbx_client_id", type="str", required=True),
        _option("pbx_client_secret", type="str", required=True, no_log=True),
        _option("pbx_validate_certs", type="bool", default=True),
        _option("pbx_ca_path", type="path"),
        _option("pbx_timeout", type="int", default=30),
        _option("pbx_concurrency", type="int", default=DEFAULT_CONCURRENCY),
        _option("ledger_path", type="path"),
        _option("ledger_url", type="str"),
        _option("ledger_name", type="str"),
        _option("ledger_password", type="str", no_log=True),
    )
)

#: The connection options of a module that can do without the directory and the PBX, and what it needs them for.
OFFLINE_OPTIONS: dict[str, dict[str, Any]] = {
    **{name: {key: spec[key] for key in spec if key != "required"} for name, spec in CONNECTION_OPTIONS.items()},
    "offline": {"type": "bool", "default": False},
}
LIVE_OPTIONS = tuple(name for name, spec in CONNECTION_OPTIONS.items() if spec.get("required"))

_DEFAULT_PORTS = {"ldap": 389, "start_tls": 389, "ldaps": 636}
_MAXIMUM_PORT = 65535
# RFC 4512 2.5: a short name or an object identifier.
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+")
# More could be meant by no count.
MOST = 1_000_000_000
# A day; the operating system takes no more than 24 of them.
_LONGEST_TIMEOUT = 86_400
_DIGITS_SHOWN = 20


def directory_settings(options: Mapping[str, Any]) -> DirectorySettings:
    """Return the directory's connection settings.

    :raises OptionError: for an option that cannot be used, by its name.
    """
    protocol = options["directory_protocol"]
    port = options["directory_port"] if options["directory_port"] is not None else _DEFAULT_PORTS[protocol]
    if not 0 < port <= _MAXIMUM_PORT:
        raise OptionError(f"directory_port {shown(port)} is not a port.", "Give a number from 1 to 65535.")
    require_text(options, ("directory_host", "directory_base_dn", "directory_username"))
    if not options["directory_password"]:
        raise OptionError("directory_password is empty.", "Give the password of directory_username.")
    require_positive(options, ("directory_timeout",), _LONGEST_TIMEOUT)
    return DirectorySettings(
        host=options["directory_host"],
        protocol=protocol,
        port=port,
        base_dn=options["directory_base_dn"],
        username=options["directory_username"],
        password=options["directory_password"],
        validate_certs=options["directory_validate_certs"],
        ca_path=_certificates(options, "directory_ca_path"),
        timeout=options["directory_timeout"],
    )


def pbx_settings(options: Mapping[str, Any]) -> PbxSettings:
    """Return the PBX's connection settings.

    :raises OptionError: for an option that cannot be used, by its name.
    """
    require_text(options, ("pbx_url", "pbx_client_id", "pbx_client_secret"))
    require_positive(options, ("pbx_timeout",), _LONGEST_TIMEOUT)
    return PbxSettings(
        url=options["pbx_url"],
        client_id=options["pbx_client_id"],
        client_secret=options["pbx_client_secret"],
        validate_certs=options["pbx_validate_certs"],
        ca_path=_certificates(options, "pbx_ca_path"),
        timeout=options["pbx_timeout"],
        concurrency=options["pbx_concurrency"],
    )


def ledger_location(options: Mapping[str, Any]) -> LedgerLocation:
    """Return where the ledger is: as given, else in a file of its own for each PBX.

    :raises OptionError: for options that exclude each other.
    :raises LedgerError: for a URL or a name that cannot be a ledger's.
    """
    url, path = options["ledger_url"], options["ledger_path"]
    if url and path:
        raise OptionError("ledger_path and ledger_url are both given.", "Leave one of them out.")
    if url:
        name = options["ledger_name"] or default_name(options["pbx_url"])
        return postgresql_address(url, name, options["ledger_password"])
    for name in ("ledger_name", "ledger_password"):
        if options[name]:
            raise OptionError(
                f"{name} is given and ledger_url is not, without which nothing looks at it.",
                f"Give ledger_url, or leave {name} out.",
            )
    return Path(path) if path else default_path(options["pbx_url"])


def offline_ledger_location(options: Mapping[str, Any]) -> LedgerLocation:
    """Return where the ledger is for a module that does without the PBX: pbx_url only names it, if nothing else does.

    :raises OptionError: if nothing names it, or for options that exclude each other.
    :raises LedgerError: for a URL or a name that cannot be a ledger's.
    """
    if not options["pbx_url"] and not options["ledger_path"] and not (options["ledger_url"] and options["ledger_name"]):
        raise OptionError(
            "offline is true, and nothing says which ledger to look at.",
            "Give ledger_path, or ledger_url with ledger_name, or the pbx_url that the runs are given.",
        )
    return ledger_location(options)


def require_text(options: Mapping[str, Any], names: Collection[str]) -> None:
    """Raise ``OptionError`` for an option that is empty or blank."""
    for name in names:
        if not options[name].strip():
            raise OptionError(f"{name} is empty.", "Give it a value.")


def require_positive(options: Mapping[str, Any], names: Collection[str], most: int = MOST) -> None:
    """Raise ``OptionError`` for an option that is not more than 0, or more than the most that is allowed."""
    for name in names:
        if options[name] <= 0:
            raise OptionError(f"{name} {shown(options[name])} is not more than 0.", "Give a positive number.")
        if options[name] > most:
            raise OptionError(f"{name} {shown(options[name])} is more than {most}.", "Give a smaller number.")


def shown(number: float) -> str:
    """Return a number for a message, one with a great many digits shortened."""
    text = str(number)
    return text if len(text) <= _DIGITS_SHOWN else f"{text[:_DIGITS_SHOWN]}… ({len(text)} characters)"


def require_attribute(options: Mapping[str, Any], name: str) -> None:
    """Raise ``OptionError`` for an option that is not the name of a directory attribute."""
    if not _ATTRIBUTE.fullmatch(options[name]):
        raise OptionError(
            f"{name} {options[name]!r} is not the name of an attribute.", "Give an LDAP name such as department."
        )


def check_scope(scope: Enum, needs: Mapping[Any, str], options: Mapping[str, Any]) -> None:
    """Raise ``OptionError`` unless exactly what a scope needs to be told is given.

    :param needs: the option that each scope needs; an option of another scope would be ignored, so it is refused.
    :raises FilterError: for a filter that is none, before it is saved.
    """
    needed = needs.get(scope)
    if needed is not None and not options[needed]:
        raise OptionError(f"scope {scope.value} needs {needed}, which is empty.", f"Give {needed} a value.")
    for other, name in needs.items():
        if options[name] and other is not scope:
            raise OptionError(
                f"{name} is given and scope is {scope.value}, which does not look at it.",
                f"Set scope to {other.value}, or leave {name} out.",
            )
    normalize_filter(options["filter"] or "(objectClass=*)")
    for name in needs.values():
        if isinstance(options[name], list) and any(isinstance(one, str) and not one.strip() for one in options[name]):
            raise OptionError(f"{name} holds an empty name.", "Take it out.")


def _certificates(options: Mapping[str, Any], name: str) -> str | None:
    path = options[name]
    if path and not Path(path).is_file():
        raise OptionError(f"{name} {path} is not a file.", "Name a PEM file with the certificates to trust.")
    return path or None
