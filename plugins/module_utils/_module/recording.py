# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The recording of a run: all that it read and left behind, as one piece of data that a ledger can keep."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.plain import from_plain, in_pieces
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import (
    GroupQuery,
    Integration,
    SavedRule,
    UnitQuery,
    UserQuery,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import (
    DirectoryIdentity,
    DirectoryNode,
    DirectoryUnit,
    DirectoryUser,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, ObjectAssociation
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxSnapshot

# Whoever changes what a recording means, and not only adds to it, counts this up.
_FORMAT = 1


class SnapshotError(YeastarError):
    """The snapshot that was asked is not there, cannot be read, or does not know the answer."""


@dataclass(frozen=True, slots=True)
class UsersAnswer:
    """What a query for users was answered.

    :param users: their places in ``DirectoryRecord.users``.
    """

    query: UserQuery
    users: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GroupsAnswer:
    """What a query for groups was answered: their objectGUIDs."""

    query: GroupQuery
    guids: frozenset[str]


@dataclass(frozen=True, slots=True)
class UnitsAnswer:
    """What a query for organizational units was answered."""

    query: UnitQuery
    units: tuple[DirectoryUnit, ...]


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """One group with its direct members.

    :param members: as in ``DirectoryGroup``; those that are users by their places in ``DirectoryRecord.users``, which
        takes a fraction of the room of their names.
    """

    guid: str
    dn: str
    name: str
    rid: int
    members: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class DirectoryRecord:
    """What a directory has answered.

    :param users: every user that any answer has shown.
    :param deleted_users: objectGUIDs of users whose deleted object was seen.
    :param named_users: objectGUIDs of users by the names that they were looked for by.
    :param groups: all groups of the domain; None where nothing asked for them.
    :param nested_groups: objectGUIDs of the groups within a group, by its own.
    :param objects: what was found of objects of any class that were asked for by objectGUID.
    :param deleted_objects: objectGUIDs of those of them whose deleted object was seen.
    """

    identity: DirectoryIdentity
    users: tuple[DirectoryUser, ...]
    deleted_users: frozenset[str]
    named_users: Mapping[str, str]
    answers: tuple[UsersAnswer, ...]
    groups: tuple[GroupRecord, ...] | None
    named_groups: Mapping[str, DirectoryNode]
    found_groups: tuple[GroupsAnswer, ...]
    nested_groups: Mapping[str, frozenset[str]]
    units: tuple[UnitsAnswer, ...]
    named_units: Mapping[str, DirectoryNode]
    objects: Mapping[str, DirectoryNode]
    deleted_objects: frozenset[str]


@dataclass(frozen=True, slots=True)
class Recording:
    """Both sides as a run has seen them, the PBX as the run has left it, and all that the next run goes by.

    :param rules: as they are saved, by their kinds.
    :param names: what the names in each rule were found to be, as in ``Memory``.
    """

    directory: DirectoryRecord
    pbx: PbxSnapshot
    integration: Integration
    rules: Mapping[str, SavedRule]
    names: Mapping[str, Mapping[str, str]]
    associations: tuple[Association, ...]
    objects: tuple[ObjectAssociation, ...]


def packed(recording: Recording) -> bytes:
    """Return a recording as compressed JSON."""
    compressor = zlib.compressobj()
    pieces = [compressor.compress(text.encode()) for text in in_pieces(recording, {"format": _FORMAT})]
    return b"".join([*pieces, compressor.flush()])


def unpacked(content: bytes) -> Recording:
    """Return the recording that ``packed`` has made such a piece of.

    :raises SnapshotError: if it is damaged, or another version of the collection made it.
    """
    try:
        plain = json.loads(zlib.decompress(content))
        if plain["format"] != _FORMAT:
            raise ValueError(f"format {plain['format']}")
        return from_plain(Recording, plain)
    except (zlib.error, ValueError, TypeError, KeyError) as error:
        raise SnapshotError(
            f"The snapshot in the ledger cannot be read ({error}): it is damaged, or another version of the "
            "collection made it.",
            "Run pbxops.yeastar.pbx_ad_sync, which makes a new one.",
        ) from None
