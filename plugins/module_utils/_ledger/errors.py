# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What can go wrong with the ledger, told in words for the administrator, whatever keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ledger is, as errors name it.

    :param text: as an administrator would write it; never holds a secret.
    :param options: the options that say so, the one by which another ledger is chosen last.
    """

    text: str
    options: tuple[str, ...]

    @classmethod
    def of_path(cls, path: Path) -> Place:
        """Return the place of a ledger that is a file."""
        return cls(str(path), ("ledger_path",))

    @property
    def chooser(self) -> str:
        """The option by which another ledger is chosen."""
        return self.options[-1]

    def __str__(self) -> str:
        return f"The ledger {self.text} ({', '.join(self.options)})"


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

    :param holder: who, where that can be found out.
    """

    def __init__(self, place: Place, holder: LockHolder | None) -> None:
        super().__init__(
            f"{place} is in use by {holder or 'another process'}.",
            "One run at a time: start this one again when that one has ended.",
        )
        self.holder = holder


class LedgerSchemaError(LedgerError):
    """The ledger was written by a newer version of the collection."""


class LedgerDamagedError(LedgerError):
    """What is at the ledger's place is not, or no longer, a readable ledger."""


class LedgerFileError(LedgerError):
    """The ledger's file cannot be opened, read or written."""


class LedgerDatabaseError(LedgerError):
    """The ledger's database server cannot be reached, or does not let the ledger be read or written."""


class LedgerConnectionLostError(LedgerDatabaseError):
    """The connection to the ledger's database was lost, and with it the lock: nothing more can be written down."""


class LedgerDiskFullError(LedgerError):
    """There is no space left to write."""


def taken(pbx_object: str, newcomer: str, holder: str) -> LedgerError:
    """Return the error for an association that would share its PBX object with another.

    :param pbx_object: the object as an administrator would name it.
    :param newcomer: the directory object of the association that is to be saved.
    :param holder: the directory object of the other one.
    """
    return LedgerError(f"The {pbx_object} cannot be associated with {newcomer}: it is associated with {holder}.")


def refused(place: Place, detail: str) -> LedgerError:
    """Return the error for what the database's own rules do not let in."""
    return LedgerError(f"{place} refuses what is to be saved: {detail}.")


def damaged(place: Place, detail: str) -> LedgerDamagedError:
    """Return the error for what is not, or no longer, a readable ledger."""
    return LedgerDamagedError(
        f"{place} is damaged or is no ledger: {detail}.",
        f"Restore it from a backup, a file together with its -wal file, or name another {place.chooser}.",
    )


def disk_full(place: Place) -> LedgerDiskFullError:
    """Return the error for a ledger that has no space left to be written."""
    return LedgerDiskFullError(
        f"The disk (or the quota) that holds the ledger {place.text} ({', '.join(place.options)}) is full.",
        "Free some space and run again: what was written down before is kept.",
    )


@contextmanager
def decoding(place: Place) -> Iterator[None]:
    """Turn what a stored record that cannot be understood raises into a ``LedgerDamagedError``."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(place, f"a record cannot be understood ({error!r})") from error
