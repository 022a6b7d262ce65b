# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Reads into snapshots what every kind of synchronization needs, and proves what a removal will rest on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import IncompleteReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.memory import Memory
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Directory, Pbx, UserQuery
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.read_once import ReadOnce
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    ACCESS_DENIED,
    INTERFACE_NOT_EXISTED,
    IncompleteListError,
    PbxInterfaceError,
    PbxPermissionError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Absent, DirectoryGroup, People
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Extension,
    ExtensionGroup,
    Organization,
    PbxIdentity,
    PbxSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, AnyChange

_RUN_AGAIN = "Nothing was changed; run again."
_NAMES_SHOWN = 5


def read_people(directory: ReadOnce, base_dn: str, associations: Sequence[Association]) -> People:
    """Read the users that have an extension, those that are no longer below the base DN too.

    Where most of them are known already the others are asked for by objectGUID, else all below the base DN are read.

    :raises IncompleteReadError: if an answer was not complete.
    """
    guids = sorted({association.guid for association in associations})
    if len(directory.unseen(guids)) > len(guids) / 2:
        directory.read_users(UserQuery(bases=(base_dn,)))
    lookup = directory.look_up_users(guids)
    return People(lookup.live, lookup.deleted, frozenset(guids) - lookup.live.keys() - lookup.deleted)


def read_absent(
    directory: Directory, guids: Collection[str], ask_again: Callable[[frozenset[str]], Collection[str]] | None
) -> Absent:
    """Find out what became of associated objects that a scope did not return.

    Absence from a search proves nothing. Each is asked for by objectGUID in the whole domain, and those found alive
    are put to the scope's own question once more: if it takes one in now, the first answer was cut short.

    :param ask_again: takes objectGUIDs and returns those of them that the scope takes in; None where objects are
        named one by one.
    :raises IncompleteReadError: if an answer was not complete.
    """
    if not guids:
        return Absent()
    lookup = directory.look_up_objects(guids)
    outside = frozenset(lookup.live)
    inside = ask_again(outside) if ask_again is not None and outside else ()
    if inside:
        names = "; ".join(sorted(lookup.live[guid].dn for guid in inside)[:_NAMES_SHOWN])
        raise IncompleteReadError(
            f"The search of the scope left out {len(inside)} object(s) that the scope takes in ({names}): the "
            "directory server's answer was incomplete, or they came into scope this very moment.",
            _RUN_AGAIN,
        )
    return Absent(outside, lookup.deleted, frozenset(guids) - outside - lookup.deleted)


def groups_among(everything: Iterable[DirectoryGroup], guids: Collection[str]) -> list[DirectoryGroup]:
    """Return the groups of these objectGUIDs, which the directory has shown elsewhere, from a list of all groups.

    Without one of them, those who are in it by primary group alone would be taken for being in none.

    :raises IncompleteReadError: if the list lacks one.
    """
    found = [group for group in everything if group.guid in guids]
    if len(found) != len(guids):
        raise IncompleteReadError(
            f"The directory server's list of all groups lacks {len(guids) - len(found)} that it shows elsewhere: its "
            "answer was incomplete, or they were created this very moment.",
            _RUN_AGAIN,
        )
    return found


def read_pbx(pbx: Pbx, identity: PbxIdentity, memory: Memory, *, with_groups: bool) -> PbxSnapshot:
    """Read the PBX, and ask for each associated object that its lists do not show.

    :param with_groups: whether extension groups are needed.
    :raises IncompleteListError: if such an object exists: then the list was not complete.
    """
    capacity = pbx.capacity()
    organizations = pbx.organizations()
    extensions = tuple(pbx.extensions(_sharing(memory.associations)))
    groups = pbx.groups() if with_groups else None
    _prove_extensions(pbx, extensions, memory.associations)
    if organizations is not None:
        _prove_organizations(pbx, organizations, extensions, memory.objects)
    if groups is not None:
        _prove_groups(pbx, groups, memory.objects)
    return PbxSnapshot(
        identity,
        capacity,
        extensions,
        organizations=tuple(organizations) if organizations is not None else None,
        groups=tuple(groups) if groups is not None else None,
    )


def _sharing(associations: Iterable[Association]) -> Callable[[Extension], Extension]:
    """Let extensions that are as they were last written share with their associations what is the same of both.

    That is nearly all of them: half of what is read of the PBX is then held once.
    """
    known = {one.extension_id: one for one in associations}
    return lambda extension: _as_written(extension, known.get(extension.id))


def _as_written(extension: Extension, association: Association | None) -> Extension:
    if association is None or extension.fields != association.written or extension.number != association.number:
        return extension
    return replace(extension, fields=association.written, number=association.number)


def read_for_images(pbx: Pbx, snapshot: PbxSnapshot, changes: Iterable[AnyChange]) -> PbxSnapshot:
    """Read the extension groups too, if an extension is about to be deleted: the journal keeps which ones it was in.

    An application that has no right to read them does without.

    :param changes: those that are about to be carried out.
    """
    deletes = any(change.kind is ObjectKind.EXTENSION and change.action is Action.DELETE for change in changes)
    if snapshot.groups is not None or not deletes:
        return snapshot
    try:
        return replace(snapshot, groups=tuple(pbx.groups()))
    except (PbxInterfaceError, PbxPermissionError) as error:
        if error.errcode not in (INTERFACE_NOT_EXISTED, ACCESS_DENIED):
            raise
        return snapshot


def _prove_extensions(pbx: Pbx, extensions: Iterable[Extension], associations: Iterable[Association]) -> None:
    listed = {extension.id for extension in extensions}
    for association in associations:
        if association.extension_id not in listed and pbx.extension(association.extension_id) is not None:
            raise _incomplete("extensions", f"extension {association.number}")


def _prove_organizations(
    pbx: Pbx,
    organizations: Iterable[Organization],
    extensions: Iterable[Extension],
    objects: Iterable[ObjectAssociation],
) -> None:
    listed = {organization.id for organization in organizations}
    named = {one.object_id for one in objects if one.kind is ObjectKind.ORGANIZATION}
    named |= {reference.id for extension in extensions for reference in extension.organizations}
    for organization_id in sorted(named - listed):
        organization = pbx.organization(organization_id)
        if organization is not None:
            raise _incomplete("organizations", f"organization {organization.name}")


def _prove_groups(pbx: Pbx, groups: Iterable[ExtensionGroup], objects: Iterable[ObjectAssociation]) -> None:
    listed = {group.id for group in groups}
    for one in objects:
        if one.kind is ObjectKind.EXTENSION_GROUP and one.object_id not in listed:
            group = pbx.group(one.object_id)
            if group is not None:
                raise _incomplete("extension groups", f"extension group {group.name}")


def _incomplete(what: str, name: str) -> IncompleteListError:
    return IncompleteListError(f"The PBX's list of {what} lacks {name}, which exists.", _RUN_AGAIN)
