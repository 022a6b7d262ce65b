# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Who is in an extension group and who is to be, and what a person changed of that."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, ObjectAssociation
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension, ExtensionGroup
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import MEMBERS, Drifted, Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.three_way import drifted_object

_ALL_EXTENSIONS = "all extensions"


class MemberFields(TypedDict):
    """What a change of an extension group says of its members; see ``plan.GroupChange``."""

    members: tuple[str, ...]
    kept: tuple[int, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    removed_ids: tuple[int, ...]
    label: bool
    left_in: tuple[int, ...]
    left_out: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WantedGroup:
    """An extension group as the directory wants it.

    :param shown: the directory object as a report names it.
    :param title: its name on the PBX.
    :param members: objectGUIDs of the users that are to be its members.
    """

    guid: str
    dn: str
    shown: str
    title: str
    members: frozenset[str]
    new: Reason = Reason.NEW_GROUP
    label: bool = False


@dataclass(frozen=True, slots=True)
class Membership:
    """Who can be a member.

    :param extensions: the PBX's, by id.
    :param associations: of users, by objectGUID.
    :param unknown: objectGUIDs of users of whom nothing is known: they stay members where they are.
    :param coming: the numbers of extensions that this run creates, by the user's objectGUID.
    :param going: ids of extensions that this run deletes, which leaves no group behind them.
    """

    extensions: Mapping[int, Extension]
    associations: Mapping[str, Association]
    unknown: frozenset[str] = frozenset()
    coming: Mapping[str, str] = field(default_factory=dict)
    going: frozenset[int] = frozenset()

    def ids(self, guids: Iterable[str]) -> frozenset[int]:
        """Return the ids of those users' extensions that exist and stay."""
        found = {self.associations[guid].extension_id for guid in guids if guid in self.associations}
        return frozenset((found & self.extensions.keys()) - self.going)

    def shown(self, ids: Iterable[int]) -> tuple[str, ...]:
        """Return extensions as a report shows them, by number."""
        known = sorted((self._texts(id_) for id_ in ids), key=lambda one: (len(one[0]), one))
        return tuple(" ".join(part for part in texts if part) for texts in known)

    def _texts(self, id_: int) -> tuple[str, str]:
        extension = self.extensions.get(id_)
        if extension is None:
            return f"id {id_}", ""
        names = (extension.fields.get("first_name", ""), extension.fields.get("last_name", ""))
        return extension.number, " ".join(name for name in names if name)


@dataclass(frozen=True, slots=True)
class Members:
    """Who is in a group and who is to be.

    :param ids: of the extensions that exist and are to be in it.
    :param remembered: of those that are remembered as written.
    :param present: of those that are.
    :param coming: numbers of those that are still to be created.
    :param includes_all: whether every extension is a member, whoever is listed.
    :param is_left: whether what a person changed is left.
    :param waits: whether what the directory changed waits for a group that was set to include every extension.
    """

    ids: frozenset[int]
    remembered: frozenset[int]
    present: frozenset[int]
    kept: frozenset[int]
    coming: tuple[str, ...]
    includes_all: bool
    is_left: bool
    waits: bool
    membership: Membership

    @property
    def differ(self) -> bool:
        """Whether the group is to be written."""
        return self.ids != self.present or bool(self.coming) or (self.includes_all and not self.is_left)

    def is_drift(self, held: ObjectAssociation) -> bool:
        """Whether an administrator put a member in or took one out since the group was last written."""
        return (self.includes_all and not self.is_left) or bool(self._by_hand(held))

    def is_only_drift(self, held: ObjectAssociation) -> bool:
        """Whether all that differs was done by an administrator."""
        return not self.coming and self._by_hand(held) == self.ids ^ self.present

    def fields(self, one: WantedGroup) -> MemberFields:
        """Return what a change says of its members."""
        removed = self.present - self.ids
        return MemberFields(
            members=tuple(sorted(one.members)),
            kept=sorted_ids(self.kept),
            added=(*self.membership.shown(self.ids - self.present), *self.coming),
            removed=self.membership.shown(removed),
            removed_ids=sorted_ids(removed),
            label=one.label,
            left_in=sorted_ids(self.ids - self.remembered),
            left_out=sorted_ids(self.remembered - self.ids),
        )

    def by_hand(self, one: WantedGroup, held: ObjectAssociation) -> list[Drifted]:
        """What a person changed of the members and the directory did not change alike."""
        if self.includes_all:
            return [self._including_all(one, held)]
        wrong = self.remembered ^ self.ids if self.is_left else self._by_hand(held)
        put_in, taken_out = self.membership.shown(wrong & self.present), self.membership.shown(wrong - self.present)
        texts = [*(("", "", member) for member in put_in), *((member, member, "") for member in taken_out)]
        return [drifted_object(held, one.shown, MEMBERS, text, is_left=self.is_left) for text in texts]

    def _including_all(self, one: WantedGroup, held: ObjectAssociation) -> Drifted:
        """That a person set a group to include every extension."""
        texts = _counted(held.members), _counted(self.membership.ids(one.members)), _ALL_EXTENSIONS
        return drifted_object(held, one.shown, MEMBERS, texts, is_left=self.is_left, both_changed=self.waits)

    def _by_hand(self, held: ObjectAssociation) -> frozenset[int]:
        written = frozenset(held.members)
        return ((self.present - self.ids) - written) | ((self.ids - self.present) & written)


def members_of(
    one: WantedGroup,
    group: ExtensionGroup | None,
    held: ObjectAssociation | None,
    membership: Membership,
    *,
    leaves_members: bool,
) -> Members:
    """Tell who is in a group and who is to be.

    Where a person's changes are left, what the directory has changed since is done, and nothing else.

    :param group: as it is; None for one that is still to be created.
    :param held: its association; None where a person's changes do not count.
    :param leaves_members: whether a person's changes are left.
    """
    present = frozenset(group.members if group else ()) - membership.going
    unknown = frozenset(membership.associations[guid].extension_id for guid in membership.unknown)
    is_left = leaves_members and held is not None
    written = frozenset(held.members if held else ())
    kept = frozenset() if one.label else unknown & membership.extensions.keys() & (written if is_left else present)
    remembered = membership.ids(one.members) | kept
    includes_all = group is not None and group.includes_all
    target = (present | (remembered - written)) - (written - remembered) if is_left else remembered
    waits = False
    if is_left and includes_all:
        # Nothing can be written without putting back that every extension is a member.
        target, remembered, waits = present, written, remembered != written & membership.extensions.keys()
    return Members(
        ids=target,
        remembered=remembered,
        present=present,
        kept=kept,
        coming=tuple(sorted(number for guid, number in membership.coming.items() if guid in one.members)),
        includes_all=includes_all,
        is_left=is_left,
        waits=waits,
        membership=membership,
    )


def _counted(ids: Collection[int]) -> str:
    return f"{len(ids)} extension" if len(ids) == 1 else f"{len(ids)} extensions"


def sorted_ids(ids: Collection[int]) -> tuple[int, ...]:
    """Return ids as they are written and remembered: ascending."""
    return tuple(sorted(ids))
