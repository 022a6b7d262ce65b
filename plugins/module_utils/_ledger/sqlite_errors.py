# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What the operating system and SQLite say of a ledger's file, in words for the administrator."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import (
    LedgerError,
    LedgerFileError,
    Place,
    damaged,
    disk_full,
    refused,
)


@contextmanager
def translated(place: Place) -> Iterator[None]:
    """Turn what the operating system and SQLite raise about this ledger into a ``LedgerError``."""
    try:
        yield
    except OSError as error:
        raise _from_os_error(place, error) from error
    except sqlite3.ProgrammingError:
        raise  # a mistake of ours, not of the file
    except sqlite3.Error as error:
        raise _from_sqlite_error(place, error) from error


def _from_os_error(place: Place, error: OSError) -> LedgerError:
    detail = error.strerror or str(error)
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full(place)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return _not_permitted(place, detail)
    return _not_usable(place, detail)


def _from_sqlite_error(place: Place, error: sqlite3.Error) -> LedgerError:
    # The low byte is the primary result code (https://www.sqlite.org/rescode.html).
    extended = getattr(error, "sqlite_errorcode", 0)
    code = extended & 0xFF
    # The index beside the write-ahead log could not grow: that is an input/output error to SQLite.
    if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
        return disk_full(place)
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return damaged(place, str(error))
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return _not_permitted(place, str(error))
    if code == sqlite3.SQLITE_CONSTRAINT:
        return refused(place, str(error))
    return _not_usable(place, str(error))


def _not_permitted(place: Place, detail: str) -> LedgerFileError:
    return LedgerFileError(
        f"{place} cannot be opened or written: {detail}.",
        "Give the user that runs the play read and write access to the file and its folder, "
        f"or name another {place.chooser}.",
    )


def _not_usable(place: Place, detail: str) -> LedgerFileError:
    return LedgerFileError(
        f"{place} cannot be used: {detail}.",
        f"Check the path, the disk and the other programs that have the file open, or name another {place.chooser}.",
    )
