# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Opening a ledger, whatever keeps it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import sqlite
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.location import LedgerLocation
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.store import StoredLedger


def open_ledger(location: LedgerLocation, *, read_write: bool, command: str) -> AbstractContextManager[StoredLedger]:
    """Open the ledger of a location for the length of a ``with`` block.

    :param read_write: whether to work on the ledger itself, under its lock; otherwise on a copy in memory, and nothing
        at all is written at the ledger's place.
    :param command: what the process is doing, e.g. the module's name, to be told to whoever finds the lock taken.
    :raises LedgerError: if it cannot be opened; ``LedgerLockedError`` if another run is writing.
    """
    if isinstance(location, Path):
        return sqlite.open_ledger(location, read_write=read_write, command=command)
    # Here and not above: psycopg is needed, and loaded, for such a ledger alone.
    from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import postgresql  # noqa: PLC0415

    return postgresql.open_ledger(location, read_write=read_write, command=command)
