# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""One run at a time: an advisory lock on a file beside the ledger.

flock(2) belongs to the process that holds it, so that the lock of a dead process is free. The file stays where it
is, since removing a locked file would let two processes lock two files of one name.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import (
    LedgerLockedError,
    LockHolder,
    translated,
)

# A run in check mode shares the lock while it copies the ledger: that is waited for, another run is not.
COPY_PATIENCE_SECONDS = 10.0
_COPY_POLL_SECONDS = 0.02
_HOLDER_MAX_BYTES = 4096


def lock_path(path: Path) -> Path:
    """Return the lock's file of a ledger."""
    return path.with_name(path.name + ".lock")


def _this_process(command: str) -> LockHolder:
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run as a user that it has no name for
        user = f"user {os.getuid()}"
    started = datetime.now(UTC).isoformat(timespec="seconds")
    return LockHolder(os.getpid(), socket.gethostname(), user, started, command)


def _read_holder(descriptor: int) -> LockHolder | None:
    """Return who the file names; None if the holder has not yet written its name."""
    try:
        return LockHolder(**json.loads(os.pread(descriptor, _HOLDER_MAX_BYTES, 0)))
    except (TypeError, ValueError):
        return None


def _lock(descriptor: int, operation: int) -> bool:
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _acquire(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + COPY_PATIENCE_SECONDS
    while not _lock(descriptor, fcntl.LOCK_EX):
        # A shared lock is granted beside copying runs, and refused beside a writing one.
        only_copied = _lock(descriptor, fcntl.LOCK_SH)
        if not only_copied or time.monotonic() > deadline:
            raise LedgerLockedError(path, None if only_copied else _read_holder(descriptor))
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        time.sleep(_COPY_POLL_SECONDS)


@contextmanager
def exclusive_lock(path: Path, command: str) -> Iterator[None]:
    """Hold the lock for a run that writes; the lock's file then names this process.

    :param path: the ledger's.
    :param command: what this process is doing, for whoever finds the lock taken.
    :raises LedgerLockedError: at once, if another run holds it.
    """
    with translated(path):
        descriptor = os.open(lock_path(path), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with translated(path):
            _acquire(descriptor, path)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(asdict(_this_process(command))).encode(), 0)
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
    with translated(path):
        try:
            descriptor = os.open(lock_path(path), os.O_RDONLY)
        except FileNotFoundError:
            descriptor = None
    if descriptor is None:
        yield False
        return
    try:
        with translated(path):
            if not _lock(descriptor, fcntl.LOCK_SH):
                raise LedgerLockedError(path, _read_holder(descriptor))
        yield True
    finally:
        os.close(descriptor)
