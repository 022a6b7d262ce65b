# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""A ledger's file: made private, or copied without leaving a trace."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import (
    LedgerDiskFullError,
    LedgerFileError,
    Place,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.file_lock import (
    lock_path,
    no_visitors,
    shared_lock,
    visitor_lock_path,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.lock import COPY_PATIENCE_SECONDS
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite_errors import translated

# What a killed run leaves behind is in these: a write-ahead log, or the rollback journal of a new database. The
# third companion, -shm, is an index that SQLite makes again.
_RECOVERY_SUFFIXES = ("-wal", "-journal")


def resolve(path: str | os.PathLike[str]) -> Path:
    """Return the one true path of a ledger, so that all its names share one lock.

    :raises LedgerFileError: if it cannot be one, being a folder or the like.
    """
    given = Path(path)
    with translated(Place.of_path(given)):
        try:
            resolved = given.expanduser().resolve()
        except RuntimeError as error:  # no home directory, or symbolic links in a circle
            raise OSError(0, str(error)) from error
        # From Python 3.13 on a circle is no error.
        if any(place.is_symlink() for place in (resolved, *resolved.parents)):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if resolved.exists() and not resolved.is_file():
            kind = "a folder" if resolved.is_dir() else "not a regular file"
            raise LedgerFileError(
                f"{Place.of_path(resolved)} is {kind}.",
                "Name a file with ledger_path; it is made where there is none.",
            )
    return resolved


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable; fsync(2) of a file does not."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make the folder of a ledger, and those above it, for this user alone."""
    with translated(Place.of_path(path)):
        missing = [folder for folder in path.parents if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)
            _sync_folder(folder.parent)


def make_file(path: Path) -> None:
    """Make an empty file for this user alone where there is none; SQLite gives its companions the same mode.

    A file that is there is proved writable: SQLite would open another one all the same and fail at the first change.
    """
    with translated(Place.of_path(path)):
        is_new = not path.exists()
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        if is_new:
            _sync_folder(path.parent)


def copy_to_memory(path: Path) -> sqlite3.Connection:
    """Return a copy in memory, with all that was committed; empty where there is no ledger.

    Nothing is written beside the ledger: SQLite would make a -shm file even to read, so that it is shown a copy of
    the files in a private temporary folder, which is gone when this returns.

    :raises LedgerLockedError: if a run is writing.
    """
    while True:
        with shared_lock(path) as guarded, no_visitors(path, COPY_PATIENCE_SECONDS) as alone, _copying(path):
            connection = _copy(path)
        if (guarded or not lock_path(path).exists()) and (alone or not visitor_lock_path(path).exists()):
            return connection
        connection.close()  # the first run or visitor ever came meanwhile: the copy may be torn


@contextmanager
def _copying(path: Path) -> Iterator[None]:
    try:
        with translated(Place.of_path(path)):
            yield
    except LedgerDiskFullError:
        raise LedgerFileError(
            f"There is no space in {tempfile.gettempdir()} to copy the ledger {path} (ledger_path).",
            "Free some there, or name another folder in the environment variable TMPDIR.",
        ) from None


def _copy(path: Path) -> sqlite3.Connection:
    memory = sqlite3.connect(":memory:", isolation_level=None)
    if not path.exists():
        return memory
    try:
        with tempfile.TemporaryDirectory(prefix="yeastar-ledger-") as folder:
            copy = Path(folder, "ledger")
            shutil.copyfile(path, copy)
            for suffix in _RECOVERY_SUFFIXES:
                companion = path.with_name(path.name + suffix)
                if companion.exists():
                    shutil.copyfile(companion, copy.with_name(copy.name + suffix))
            with closing(sqlite3.connect(copy)) as source:
                source.backup(memory)
    except BaseException:
        memory.close()
        raise
    return memory
