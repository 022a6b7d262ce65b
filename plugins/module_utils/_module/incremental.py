# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""How a run reads the directory, whole or only what changed, and what is remembered of it for the next one."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import DirectoryError, IncompleteReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.own_values import foreign_values
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.changed_directory import (
    ChangedDirectory,
    DoubtError,
    catch_up,
    guids_of,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.plain import from_plain, to_plain
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import (
    CountingDirectory,
    Directory,
    Ledger,
    SavedDirectory,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.read_once import ReadOnce
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.recording import DirectoryRecord
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import (
    DirectoryIdentity,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.increment import (
    COUNT,
    DirectoryMark,
    DirectoryRead,
    ReadHow,
    why_not_remembered,
    why_unusable,
)

# Whoever changes what is remembered, or what it means, counts this up.
_FORMAT = 1
# The gain of a higher one is small, and every run of changes waits for it.
_COMPRESSION = 1

_ALWAYS_WHOLE = "full_read_every is 1, by which every run reads the directory whole."


@dataclass(frozen=True, slots=True)
class DirectoryReading:
    """How a run reads the directory.

    :param directory: answers as the directory itself would.
    :param told: how, and why so.
    :param mark: of what the run is going to remember; None for nothing.
    :param countable: objectGUIDs of the groups and units that can be found by the count of changes; None if nothing
        speaks against it for what is remembered already.
    """

    directory: Directory
    told: DirectoryRead
    mark: DirectoryMark | None = None
    countable: frozenset[str] | None = None

    def remember(self, ledger: Ledger, seen: ReadOnce) -> str:
        """Remember in the ledger what was read, so that a later run needs to read only what changed.

        :param seen: the directory as the run has asked it.
        :returns: why it is not remembered, a sentence for a warning; "" if it is, or is not asked for.
        """
        if self.mark is None:
            return ""
        mark = _packed_mark(self.mark)
        if isinstance(self.directory, ChangedDirectory) and self.directory.is_all_as_remembered(seen):
            ledger.mark_directory(mark)
            return ""
        record = seen.record()
        shown = guids_of(record)
        countable = shown if self.countable is None else self.countable | _counted(record)
        why_not = why_not_remembered(shown, countable)
        ledger.save_directory(None if why_not else SavedDirectory(mark, _packed(record)))
        return why_not


def attributes_to_remember(full_read_every: int) -> tuple[str, ...]:
    """Return which attributes of users are to be read so that what is read can be remembered."""
    return (COUNT,) if full_read_every > 1 else ()


@contextmanager
def read_by_changes(
    directory: Directory,
    identity: DirectoryIdentity,
    ledger: Ledger,
    attributes: Collection[str],
    *,
    full_read_every: int,
    check_mode: bool,
) -> Iterator[DirectoryReading]:
    """Decide how a run reads the directory, for the length of a ``with`` block in which it does.

    If the answers do not agree with each other while only changes are read, what was remembered is forgotten, so that
    the next run reads the directory whole.

    :param identity: what the directory has just said of itself.
    :param attributes: which are read of users, by their LDAP names; those of ``attributes_to_remember`` among them.
    :param full_read_every: of so many runs, one reads the directory whole.
    :raises DirectoryError: if the directory cannot be read.
    """
    if full_read_every <= 1 or not isinstance(directory, CountingDirectory):
        yield DirectoryReading(directory, DirectoryRead(ReadHow.WHOLE, _ALWAYS_WHOLE))
        return
    decided = _decide(directory, identity, ledger, attributes, full_read_every)
    if decided.told.how is ReadHow.WHOLE:
        yield replace(decided, mark=None) if check_mode else _with_countable(decided, directory)
        return
    try:
        yield decided
    except DirectoryError:
        ledger.save_directory(None)
        raise


def _with_countable(decided: DirectoryReading, directory: CountingDirectory) -> DirectoryReading:
    return replace(decided, countable=directory.find_countable(users=False)) if decided.mark is not None else decided


def _decide(
    directory: CountingDirectory,
    identity: DirectoryIdentity,
    ledger: Ledger,
    attributes: Collection[str],
    full_read_every: int,
) -> DirectoryReading:
    foreign = foreign_values(attributes)
    if foreign:
        why = f"{', '.join(sorted(foreign))} may change without being counted as a change of the user."
        return DirectoryReading(directory, DirectoryRead(ReadHow.WHOLE, why))
    try:
        now = _mark_now(directory, identity, ledger, attributes)
    except IncompleteReadError as error:
        return DirectoryReading(directory, DirectoryRead(ReadHow.WHOLE, str(error)))
    mark, record = _remembered(ledger.directory())
    why = why_unusable(mark, now, full_read_every)
    whole = DirectoryReading(directory, DirectoryRead(ReadHow.WHOLE, why), mark=_kept_mark(now))
    if why or mark is None or record is None:
        return whole
    try:
        changed = catch_up(directory, identity, mark, record)
    except DoubtError as doubt:
        return replace(whole, told=DirectoryRead(ReadHow.WHOLE, str(doubt)))
    except IncompleteReadError as error:
        return replace(whole, told=DirectoryRead(ReadHow.WHOLE, f"What changed cannot be read. {error}"))
    since = f"{mark.at.isoformat(timespec='seconds')}"
    told = DirectoryRead(ReadHow.CHANGES, f"All that changed since {since} is known.", len(changed.changes))
    return DirectoryReading(changed, told, mark=replace(now, runs=mark.runs + 1))


def _mark_now(
    directory: CountingDirectory, identity: DirectoryIdentity, ledger: Ledger, attributes: Collection[str]
) -> DirectoryMark:
    integration = ledger.integration()
    base_dn = integration.settings.get("directory_base_dn", "") if integration is not None else ""
    shape = json.dumps([_FORMAT, base_dn, sorted(attributes), identity.deleted_objects_readable])
    return DirectoryMark(
        domain=identity.domain.guid,
        stand=directory.server_stand(),
        shape=sha256(shape.encode()).hexdigest(),
        at=identity.time,
    )


def _kept_mark(now: DirectoryMark) -> DirectoryMark | None:
    """The mark of a directory that is read whole; None if it could never be used."""
    return now if now.stand.invocation_id and now.stand.rights else None


def _counted(record: DirectoryRecord) -> frozenset[str]:
    """Return the objectGUIDs of the users who were shown with their counts of changes."""
    return frozenset(user.guid for user in record.users if COUNT in user.attributes)


# --- as a ledger keeps it


def _packed_mark(mark: DirectoryMark) -> str:
    return json.dumps(to_plain(mark), separators=(",", ":"))


def _packed(record: DirectoryRecord) -> bytes:
    content = json.dumps({"format": _FORMAT, **to_plain(record)}, separators=(",", ":"))
    return zlib.compress(content.encode(), _COMPRESSION)


def _remembered(saved: SavedDirectory | None) -> tuple[DirectoryMark | None, DirectoryRecord | None]:
    """Return what is remembered; nothing where it is damaged, or another version has written it."""
    if saved is None:
        return None, None
    try:
        mark = from_plain(DirectoryMark, json.loads(saved.mark))
        content = json.loads(zlib.decompress(saved.content))
        if content["format"] != _FORMAT:
            return None, None
        return mark, from_plain(DirectoryRecord, content)
    except (zlib.error, ValueError, TypeError, KeyError):
        return None, None
