# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Whether what an earlier run has read of a directory, and what changed since, make what the directory is now.

A domain controller counts its changes, and each object bears the count of its latest one (MS-ADTS 3.1.1.1.9,
uSNChanged). The counts are those of one domain controller's database, which its invocationId names. Wherever that does
not prove enough, the directory is to be read whole; each reason is a sentence for the administrator.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

#: The attribute with the count of an object's latest change (MS-ADA3 2.328).
COUNT = "uSNChanged"

#: A deleted object can be seen for a while alone, two days at the least (MS-ADTS 6.1.1.2.4.1.1, tombstoneLifetime). A
#: memory that is older cannot know of all that is gone.
OLDEST = timedelta(days=1, hours=23)

# So many changes are always asked for one by one; more of them, if they are a part of what is remembered that small.
_FEW = 20
_LARGEST_PART = 1 / 3
_NAMES_SHOWN = 3


class ReadHow(StrEnum):
    """How a run has read the directory."""

    WHOLE = "whole"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class DirectoryRead:
    """How a run has read the directory, and why so.

    :param changed: how many users and groups of the whole domain had changed since what was remembered.
    """

    how: ReadHow
    why: str
    changed: int = 0


@dataclass(frozen=True, slots=True)
class ServerStand:
    """How far a domain controller has come with its changes, and whom it takes the account for.

    :param invocation_id: of its database; "" where the account cannot read it.
    :param usn: the highest count of a change that is committed (rootDSE highestCommittedUSN).
    :param rights: stands for the account and all groups that the server counts it among; "" where it does not tell.
    """

    invocation_id: str
    usn: int
    rights: str


@dataclass(frozen=True, slots=True)
class DirectoryMark:
    """Of when and of what a memory of a directory is.

    :param domain: objectGUID of the domain.
    :param stand: read before anything else was.
    :param shape: stands for all that shapes the answers, such as the attributes that were asked for.
    :param at: the server's own time.
    :param runs: how many runs have read changes alone since the directory was read whole.
    """

    domain: str
    stand: ServerStand
    shape: str
    at: datetime
    runs: int = 0


class ChangedKind(StrEnum):
    """What an object that changed is to a memory of users and groups.

    A place may have other objects below it, whose names, rights and existence hang on it without being counted. A leaf
    is none of these.
    """

    USER = "user"
    GROUP = "group"
    PLACE = "place"
    LEAF = "leaf"


@dataclass(frozen=True, slots=True)
class ChangedObject:
    """One object that was created, changed or deleted.

    :param dn: its name as it is now.
    """

    guid: str
    dn: str
    kind: ChangedKind
    deleted: bool = False


def why_unusable(mark: DirectoryMark | None, now: DirectoryMark, full_read_every: int) -> str:
    """Return why a memory cannot be used, a sentence; "" where it can be.

    :param mark: of what is remembered; None for nothing.
    :param now: of the directory as it answers.
    :param full_read_every: of so many runs, one is to read the directory whole.
    """
    reasons = (
        (full_read_every <= 1, "full_read_every is 1, by which every run reads the directory whole."),
        (not now.stand.invocation_id, "The account cannot read the invocationId of the domain controller."),
        (not now.stand.rights, "The domain controller does not tell which groups the account is in."),
        (mark is None, "Nothing is remembered that changes could be added to."),
    )
    found = next((reason for holds, reason in reasons if holds), "")
    return found if found or mark is None else _why_another(mark, now) or _why_due(mark, now, full_read_every)


def _why_another(mark: DirectoryMark, now: DirectoryMark) -> str:
    """Whether it is another directory than the one that is remembered, or another's sight of it."""
    reasons = (
        (mark.domain != now.domain, "It is another domain than the one that is remembered."),
        (
            mark.stand.invocation_id != now.stand.invocation_id,
            "Another domain controller answers than before, or it was restored from a backup.",
        ),
        (
            now.stand.usn < mark.stand.usn or now.at < mark.at,
            "The domain controller has gone back to an earlier state.",
        ),
        (mark.stand.rights != now.stand.rights, "The account, or a group that it is in, is another one than before."),
        (mark.shape != now.shape, "Other attributes are asked for than before, or it is another version."),
    )
    return next((reason for holds, reason in reasons if holds), "")


def _why_due(mark: DirectoryMark, now: DirectoryMark, full_read_every: int) -> str:
    if mark.runs + 1 >= full_read_every:
        return f"{mark.runs} run(s) have read changes alone since it was read whole."
    if now.at - mark.at > OLDEST:
        return "The latest run is so long ago that deleted objects may no longer be seen."
    return ""


def why_doubtful(changes: Sequence[ChangedObject], remembered: int) -> str:
    """Return why changes do not make what is remembered what the directory is now, a sentence; "" where they do.

    :param remembered: of how many users and groups something is remembered.
    """
    places = [change.dn for change in changes if change.kind is ChangedKind.PLACE]
    if places:
        return f"What other objects are in has changed: {_named(places)}."
    found = len(concerning(changes))
    if found > max(_FEW, remembered * _LARGEST_PART):
        return f"{found} users and groups have changed, of {remembered} that are remembered."
    return ""


def why_gone(remembered: Collection[str], present: Collection[str]) -> str:
    """Return why what the account may not see deleted makes a doubt, a sentence; "" where all is still there.

    :param remembered: objectGUIDs.
    :param present: objectGUIDs of all that the directory shows.
    """
    gone = frozenset(remembered) - frozenset(present)
    if not gone:
        return ""
    return f"{len(gone)} object(s) are no longer shown, and the account cannot read the Deleted Objects container."


def why_not_remembered(remembered: Collection[str], countable: Collection[str]) -> str:
    """Return why what was read is not to be remembered, a sentence; "" where it is.

    :param remembered: objectGUIDs of all that was read.
    :param countable: objectGUIDs of all that a question by the count of changes finds.
    """
    lost = frozenset(remembered) - frozenset(countable)
    if not lost:
        return ""
    return (
        f"The next run reads the directory whole, whatever full_read_every says: a question by uSNChanged did not find "
        f"{len(lost)} object(s) that were read. If that goes on, give the account of directory_username the right to "
        "read uSNChanged of all users, groups and organizational units."
    )


def concerning(changes: Sequence[ChangedObject]) -> list[ChangedObject]:
    """Return the changed users and groups, deleted ones too."""
    return [change for change in changes if change.kind in (ChangedKind.USER, ChangedKind.GROUP)]


def _named(dns: Sequence[str]) -> str:
    more = f" and {len(dns) - _NAMES_SHOWN} more" if len(dns) > _NAMES_SHOWN else ""
    return f"{'; '.join(sorted(dns)[:_NAMES_SHOWN])}{more}"
