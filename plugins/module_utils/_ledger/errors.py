# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What can go wrong with the ledger, told in words for the administrator."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError


@dataclass(frozen=True, slots=True)
class LockHolder:
    """The process that holds a ledger's lock, as it named itself.

    :param started: when it took the lock, ISO 8601, UTC.
    :param command: what it is doing, e.g. the module's name.
    """

    pid: int
    host: str
    user: str
    started: str
    command: str

    def __str__(self) -> str:
        return f"{self.command}, process {self.pid} on {self.host}, started by {self.user} at {self.started}"


class LedgerError(YeastarError):
    """The ledger cannot do what was asked of it."""


class ForeignLedgerError(LedgerError):
    """The ledger belongs to another PBX or another domain."""


class LedgerLockedError(LedgerError):
    """Another run is using the ledger.

    :param holder: who, where the lock's file tells.
    """

    def __init__(self, path: Path, holder: LockHolder | None) -> None:
        super().__init__(
            f"The ledger {path} (ledger_path) is in use by {holder or 'another process'}.",
            "One run at a time: start this one again when that one has ended.",
        )
        self.holder = holder


class LedgerSchemaError(LedgerError):
    """The ledger was written by a newer version of the collection."""


class LedgerFileError(LedgerError):
    """The ledger's file cannot be opened, read or written."""


class LedgerDiskFullError(LedgerFileError):
    """There is no space left to write."""


def taken(pbx_object: str, newcomer: str, holder: str) -> LedgerError:
    """Return the error for an association that would share its PBX object with another.

    :param pbx_object: the object as an administrator would name it.
    :param newcomer: the directory object of the association that is to be saved.
    :param holder: the directory object of the other one.
    """
    return LedgerError(f"The {pbx_object} cannot be associated with {newcomer}: it is associated with {holder}.")


def damaged(path: Path, detail: str) -> LedgerFileError:
    """Return the error for a file that is not, or no longer, a readable ledger."""
    return LedgerFileError(
        f"The ledger {path} (ledger_path) is damaged or is no ledger: {detail}.",
        "Restore it from a backup together with its -wal file, or name another ledger_path.",
    )


def _full(path: Path) -> LedgerDiskFullError:
    return LedgerDiskFullError(
        f"The disk (or the quota) that holds the ledger {path} (ledger_path) is full.",
        "Free some space and run again: what was written down before is kept.",
    )


def _not_permitted(path: Path, detail: str) -> LedgerFileError:
    return LedgerFileError(
        f"The ledger {path} (ledger_path) cannot be opened or written: {detail}.",
        "Give the user that runs the play read and write access to the file and its folder, "
        "or name another ledger_path.",
    )


def _not_usable(path: Path, detail: str) -> LedgerFileError:
    return LedgerFileError(
        f"The ledger {path} (ledger_path) cannot be used: {detail}.",
        "Check the path, the disk and the other programs that have the file open, or name another ledger_path.",
    )


def _from_os_error(path: Path, error: OSError) -> LedgerFileError:
    detail = error.strerror or str(error)
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return _full(path)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return _not_permitted(path, detail)
    return _not_usable(path, detail)


def _from_sqlite_error(path: Path, error: sqlite3.Error) -> LedgerError:
    # The low byte is the primary result code (https://www.sqlite.org/rescode.html).
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return _full(path)
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return damaged(path, str(error))
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return _not_permitted(path, str(error))
    if code == sqlite3.SQLITE_CONSTRAINT:
        return LedgerError(f"The ledger {path} (ledger_path) refuses what is to be saved: {error}.")
    return _not_usable(path, str(error))


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what the operating system and SQLite raise about this ledger into a ``LedgerError``."""
    try:
        yield
    except OSError as error:
        raise _from_os_error(path, error) from error
    except sqlite3.ProgrammingError:
        raise  # a mistake of ours, not of the file
    except sqlite3.Error as error:
        raise _from_sqlite_error(path, error) from error


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Turn what a stored record that cannot be understood raises into a ``LedgerFileError``."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, f"a record cannot be understood ({error!r})") from error
