# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Where a ledger is kept: in a file or in a PostgreSQL database, and under which name when nobody gives one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Union
from urllib.parse import urlsplit

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.postgresql_address import PostgresqlAddress

LedgerLocation = Union[Path, PostgresqlAddress]  # noqa: UP007 (pylint knows no | here)

_DEFAULT_PORTS = {"http": 80, "https": 443}


def _state_home() -> Path:
    # XDG Base Directory Specification: a path that is not absolute is to be ignored.
    configured = Path(os.environ.get("XDG_STATE_HOME", ""))
    if configured.is_absolute():
        return configured
    try:
        return Path.home() / ".local" / "state"
    except RuntimeError:
        raise LedgerError(
            "There is no place for the ledger: the user that runs the play has no home directory.",
            "Name one with ledger_path.",
        ) from None


def default_name(pbx_url: str) -> str:
    """Return ``<host>_<port>``.

    :param pbx_url: the PBX's base URL, e.g. ``https://pbx.example.com:8088``.
    :raises LedgerError: if the URL names no host or an impossible port.
    """
    try:
        parts = urlsplit(pbx_url)
        host, port = parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        host, port = None, None
    if not host or not port:
        # The URL itself is not shown: somebody may have written a password into it.
        raise LedgerError(
            "The parameter pbx_url names no host and port, so that the ledger has no name.",
            "Write it like https://pbx.example.com:8088.",
        )
    return f"{host}_{port}"


def default_path(pbx_url: str) -> Path:
    """Return ``$XDG_STATE_HOME/pbxops.yeastar/<host>_<port>.sqlite3``.

    :raises LedgerError: if the URL names no host or an impossible port, or there is no home directory.
    """
    name = default_name(pbx_url)
    return _state_home() / "pbxops.yeastar" / f"{name}.sqlite3"
