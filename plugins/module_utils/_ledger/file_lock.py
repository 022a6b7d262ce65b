# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The lock of a ledger that is a file: an advisory lock on a file beside it.

flock(2) belongs to the process that holds it, so that the lock of a dead process is free. The file stays where it
is, since removing a locked file would let two processes lock two files of one name.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LedgerLockedError, LockHolder, Place
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.lock import (
    Lock,
    take_exclusive,
    take_shared,
    this_process,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite_errors import translated

_HOLDER_MAX_BYTES = 4096
_POLL_SECONDS = 0.005


class FileLock(Lock):
    """The lock on an open file, in which its holder writes who it is."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def try_exclusive(self) -> bool:
        """Take the lock alone, unless somebody has it; tell whether that was done."""
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Share the lock, unless somebody has it alone; tell whether that was done."""
        return self._try(fcntl.LOCK_SH)

    def release_shared(self) -> None:
        """Share it no longer."""
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def holder(self) -> LockHolder | None:
        """Return who the file names; None if the holder has not yet written its name."""
        try:
            return LockHolder(**json.loads(os.pread(self._descriptor, _HOLDER_MAX_BYTES, 0)))
        except (TypeError, ValueError):
            return None

    def _try(self, operation: int) -> bool:
        try:
            fcntl.flock(self._descriptor, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def lock_path(path: Path) -> Path:
    """Return the lock's file of a ledger."""
    return path.with_name(path.name + ".lock")


@contextmanager
def exclusive_lock(path: Path, command: str) -> Iterator[None]:
    """Hold the lock for a run that writes; the lock's file then names this process.

    :param path: the ledger's.
    :param command: what this process is doing, for whoever finds the lock taken.
    :raises LedgerLockedError: at once, if another run holds it.
    """
    place = Place.of_path(path)
    with translated(place):
        descriptor = os.open(lock_path(path), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with translated(place):
            take_exclusive(FileLock(descriptor), place)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(asdict(this_process(command))).encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


@contextmanager
def shared_lock(path: Path) -> Iterator[bool]:
    """Keep writing runs away while a ledger is copied, without writing anything.

    Yields whether there is a lock's file at all; where there is none, nobody is kept away.

    :raises LedgerLockedError: at once, if a writing run holds the lock.
    """
    place = Place.of_path(path)
    with _present(lock_path(path), place) as lock:
        if lock is not None:
            with translated(place):
                take_shared(lock, place)
        yield lock is not None


@contextmanager
def _present(path: Path, place: Place) -> Iterator[FileLock | None]:
    """A lock whose file is there, to be read alone; None where there is none."""
    with translated(place):
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            descriptor = None
    if descriptor is None:
        yield None
        return
    try:
        yield FileLock(descriptor)
    finally:
        os.close(descriptor)


def visitor_lock_path(path: Path) -> Path:
    """Return the file of the lock that is held by who reads or writes a ledger for a moment, beside any run."""
    return path.with_name(path.name + ".visitor.lock")


@contextmanager
def visitor_lock(path: Path, patience: float) -> Iterator[None]:
    """Hold the lock of who reads or writes a ledger for a moment: SQLite may tidy its files up when it is closed, which
    must not happen amid a copy.

    :param path: the ledger's.
    :param patience: seconds to wait for it.
    :raises LedgerLockedError: if it is not free until then.
    """
    place = Place.of_path(path)
    with translated(place):
        descriptor = os.open(visitor_lock_path(path), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _wait(FileLock(descriptor).try_exclusive, place, patience)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def no_visitors(path: Path, patience: float) -> Iterator[bool]:
    """Keep those away who would take ``visitor_lock``, without writing anything.

    Yields whether there is a lock's file at all; where there is none, nobody is kept away.

    :raises LedgerLockedError: if the lock is not free in that many seconds.
    """
    place = Place.of_path(path)
    with _present(visitor_lock_path(path), place) as lock:
        if lock is not None:
            _wait(lock.try_shared, place, patience)
        yield lock is not None


def _wait(take: Callable[[], bool], place: Place, patience: float) -> None:
    deadline = time.monotonic() + patience
    while not take():
        if time.monotonic() > deadline:
            raise LedgerLockedError(place, None)
        time.sleep(_POLL_SECONDS)
