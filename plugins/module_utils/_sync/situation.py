# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What a plan of users is made from: both sides and the ledger, looked at together once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectorySnapshot, DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import (
    FIELD_NAMES,
    WantedFields,
    wanted_fields,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Origin
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension, PbxSnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.placement import (
    ORGANIZATIONS,
    Layout,
    Placed,
    place,
    place_new,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, Drifted
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.removals import (
    Kept,
    Sorted,
    deleting_status,
    sort_associations,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import Scope, UserRule, leaves_drift
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.three_way import merge_fields


@dataclass(frozen=True, slots=True)
class Situation:
    """What the parts of the planner look at together.

    :param associations: all of them, with the numbers that the PBX shows.
    :param updating: kept associations whose user and extension both exist.
    :param restoring: kept associations whose extension is gone, and their users.
    :param wanted: managed fields by objectGUID, of newcomers and kept users; without those that are left as they are.
    :param layout: where extensions are to be; None where their organizations are left as they are.
    :param drifted: managed fields that a person set on the PBX.
    :param left: names of those that are left as they are, by objectGUID.
    """

    rule: UserRule
    directory: DirectorySnapshot
    pbx: PbxSnapshot
    associations: Sequence[Association]
    extensions: Mapping[int, Extension]
    sorted: Sorted
    updating: tuple[tuple[Association, DirectoryUser], ...]
    restoring: tuple[tuple[Association, DirectoryUser], ...]
    newcomers: tuple[DirectoryUser, ...]
    wanted: Mapping[str, WantedFields]
    layout: Layout | None = None
    drifted: tuple[Drifted, ...] = ()
    left: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def existing(self) -> int:
        """How many kept associations have their extension."""
        return sum(1 for kept in self.sorted.kept if kept.association.extension_id in self.extensions)

    @property
    def deleted_ids(self) -> set[int]:
        """Ids of the extensions to be deleted."""
        return {
            change.object_id
            for change in self.sorted.removals
            if change.action is Action.DELETE and change.object_id is not None
        }

    @property
    def waiting(self) -> dict[int, Association]:
        """The associations of extensions that are parked, or are to be, by the extensions' ids."""
        parked = [
            *self.sorted.parked,
            *(one.association for one in self.sorted.parkings if one.association is not None),
        ]
        return {association.extension_id: association for association in parked}

    def placed(self, guid: str, extension: Extension, given: int = 0) -> Placed | None:
        """Where a user's extension is to be; None where organizations are left as they are."""
        if self.layout is None:
            return None
        return place(self.layout, guid, extension, given, leaves_drift=leaves_drift(self.rule, ORGANIZATIONS))

    def placed_new(self, guid: str) -> Placed | None:
        """Where a user's extension that is to be created is to be, likewise."""
        return place_new(self.layout, guid) if self.layout is not None else None

    @property
    def known_users(self) -> list[DirectoryUser]:
        """The users that have or are to have an extension."""
        kept = [user for _association, user in (*self.updating, *self.restoring)]
        return [*kept, *self.newcomers]


def look_at(
    rule: UserRule,
    directory: DirectorySnapshot,
    pbx: PbxSnapshot,
    associations: Sequence[Association],
    layout: Layout | None = None,
) -> Situation:
    """Sort associations and users into what becomes of them."""
    extensions = {extension.id: extension for extension in pbx.extensions}
    shown = sorted(
        (_as_shown(association, extensions) for association in associations),
        key=lambda association: (len(association.number), association.number, association.guid),
    )
    ended = sort_associations(rule, directory, shown, extensions)
    with_user = [(_as_named(rule, kept.association), kept.user) for kept in ended.kept if kept.user is not None]
    newcomers = _newcomers(rule, directory, ended.kept)
    restoring = tuple((held, user) for held, user in with_user if held.extension_id not in extensions)
    updating = tuple((held, user) for held, user in with_user if held.extension_id in extensions)
    reported = frozenset(name for name in FIELD_NAMES if leaves_drift(rule, name))
    wanted: dict[str, WantedFields] = {}
    drifted: list[Drifted] = []
    left: dict[str, frozenset[str]] = {}
    for held, user in updating:
        merged = merge_fields(user, wanted_fields(user), held, extensions[held.extension_id], reported)
        wanted[user.guid] = merged.wanted
        drifted.extend(merged.drifted)
        if merged.left:
            left[user.guid] = merged.left
    wanted.update((user.guid, wanted_fields(user)) for user in (*(one for _held, one in restoring), *newcomers))
    return Situation(
        rule=rule,
        directory=directory,
        pbx=pbx,
        associations=shown,
        extensions=extensions,
        sorted=ended,
        updating=updating,
        restoring=restoring,
        newcomers=newcomers,
        wanted=wanted,
        layout=layout,
        drifted=tuple(drifted),
        left=left,
    )


def _as_shown(association: Association, extensions: Mapping[int, Extension]) -> Association:
    """The PBX's administrator may have changed an extension's number, so what the PBX shows is what counts."""
    extension = extensions.get(association.extension_id)
    if extension is None or extension.number == association.number:
        return association
    return replace(association, number=extension.number)


def _as_named(rule: UserRule, association: Association) -> Association:
    """Whom the rule names is bound by name, however their association came about: leaving them out later keeps
    the extension."""
    if rule.scope is not Scope.USERS or association.origin is Origin.BOUND:
        return association
    return replace(association, origin=Origin.BOUND)


def _newcomers(rule: UserRule, directory: DirectorySnapshot, kept: Iterable[Kept]) -> tuple[DirectoryUser, ...]:
    """Users without an extension, in an order that does not depend on how the directory returned them."""
    associated = {held.association.guid for held in kept}
    users = [
        user
        for user in directory.users
        if user.guid not in associated and deleting_status(user, rule, directory) is None
    ]
    return tuple(sorted(users, key=lambda user: (user.account_name.casefold(), user.guid)))
