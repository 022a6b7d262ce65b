# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""One run at a time: how a ledger's lock is taken, whatever keeps the ledger.

Runs that write hold the lock alone; runs in check mode share it for the moment in which they copy the ledger.
"""

from __future__ import annotations

import os
import pwd
import socket
import time
from datetime import UTC, datetime
from typing import Protocol

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import (
    LedgerLockedError,
    LockHolder,
    Place,
)

COPY_PATIENCE_SECONDS = 10.0
_COPY_POLL_SECONDS = 0.02


class Lock(Protocol):
    """A ledger's lock, as a process sees it. It is free when the process that holds it has ended."""

    def try_exclusive(self) -> bool:
        """Take the lock alone, unless somebody has it; tell whether that was done."""

    def try_shared(self) -> bool:
        """Share the lock, unless somebody has it alone; tell whether that was done."""

    def release_shared(self) -> None:
        """Share it no longer."""

    def holder(self) -> LockHolder | None:
        """Return who has it alone; None if that cannot be told."""


def take_exclusive(lock: Lock, place: Place) -> None:
    """Take the lock for a run that writes; copies that are being made are waited for.

    :raises LedgerLockedError: at once, if another run that writes has it.
    """
    deadline = time.monotonic() + COPY_PATIENCE_SECONDS
    while not lock.try_exclusive():
        # A shared lock is granted beside copying runs, and refused beside a writing one.
        only_copied = lock.try_shared()
        if only_copied:
            lock.release_shared()
        if not only_copied or time.monotonic() > deadline:
            raise LedgerLockedError(place, None if only_copied else lock.holder())
        time.sleep(_COPY_POLL_SECONDS)


def take_shared(lock: Lock, place: Place) -> None:
    """Take the lock for a run that copies.

    :raises LedgerLockedError: at once, if a run that writes has it.
    """
    if not lock.try_shared():
        raise LedgerLockedError(place, lock.holder())


def this_process(command: str) -> LockHolder:
    """Return how this process names itself when it holds a lock, from now on.

    :param command: what it is doing, for whoever finds the lock taken.
    """
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run as a user that it has no name for
        user = f"user-{os.getuid()}"
    started = datetime.now(UTC).isoformat(timespec="seconds")
    return LockHolder(os.getpid(), socket.gethostname(), user, started, command)
