# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What became of the changes that a killed or cut-off run had begun: the PBX is asked, nothing is sent twice."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.changes import access_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import differing
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Intent, JournalState, Resolution
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
    RetiredNumber,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Extension,
    ExtensionGroup,
    Organization,
    PbxSnapshot,
    has_access,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.placement import ORGANIZATIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    ExtensionChange,
    GroupChange,
    OrganizationChange,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.renewed import as_remembered


@dataclass(slots=True)
class _Shown:
    """What the PBX shows, and whose it is by what is remembered, which grows with each finding."""

    extensions: dict[int, Extension]
    organizations: dict[int, Organization]
    groups: dict[int, ExtensionGroup]
    owners: dict[tuple[ObjectKind, int], str]
    root: int
    numbers: dict[str, Extension] = field(default_factory=dict)

    def is_free(self, kind: ObjectKind, object_id: int, guid: str) -> bool:
        """Whether an object is nobody's, or this one's."""
        return self.owners.get((kind, object_id), guid) == guid


def recover(
    intents: Sequence[Intent],
    associations: Sequence[Association | ObjectAssociation],
    pbx: PbxSnapshot,
    now: datetime,
) -> list[Resolution]:
    """Tell for each unfinished change whether the PBX shows it done.

    What is found done is remembered as the change would have been; what is not is forgotten, for the planner plans
    it anew from what both sides show.

    :param intents: unfinished rows of the journal, oldest first.
    :param pbx: with the organizations and groups, if an intent is about one.
    """
    shown = _Shown(
        extensions={extension.id: extension for extension in pbx.extensions},
        organizations={organization.id: organization for organization in pbx.organizations or ()},
        groups={group.id: group for group in pbx.groups or ()},
        owners={_object_of(association): association.guid for association in associations},
        root=pbx.root_organization.id if pbx.root_organization is not None else 0,
        numbers={extension.number: extension for extension in pbx.extensions},
    )
    handed_over = [intent for intent in intents if intent.change.reason is Reason.HANDED_OVER]
    for intent in handed_over:
        shown.owners.pop((intent.change.kind, intent.change.object_id or 0), None)
    resolutions = []
    taken: set[tuple[str, str]] = set()
    for intent in intents:
        if intent in handed_over:
            continue
        resolution = _remembering(_resolve(intent, shown, now))
        if resolution.save is not None:
            shown.owners[_object_of(resolution.save)] = resolution.save.guid
            taken.update((intent.run_id, key) for key in intent.change.depends_on)
        resolutions.append(resolution)
    return [*(_handing_over(intent, taken) for intent in handed_over), *resolutions]


def _remembering(resolution: Resolution) -> Resolution:
    """A change may remember more than what it has written."""
    change = resolution.intent.change
    if resolution.state is not JournalState.DONE or change.remembered is None:
        return resolution
    return replace(resolution, save=as_remembered(change, resolution.save), drop=False)


def _handing_over(intent: Intent, taken: Collection[tuple[str, str]]) -> Resolution:
    """An association has ended if the one that takes its object over stands."""
    if (intent.run_id, intent.change.key) in taken:
        return Resolution(intent, JournalState.DONE, "the association had ended", drop=True)
    return _failed(intent, "the association had not ended")


def _object_of(association: Association | ObjectAssociation) -> tuple[ObjectKind, int]:
    if isinstance(association, Association):
        return ObjectKind.EXTENSION, association.extension_id
    return association.kind, association.object_id


def _resolve(intent: Intent, shown: _Shown, now: datetime) -> Resolution:
    change = intent.change
    if change.action is Action.RELEASE:
        return _failed(intent, "the association had not ended")
    if isinstance(change, OrganizationChange):
        return _organization(intent, change, shown)
    if isinstance(change, GroupChange):
        return _group(intent, change, shown)
    return _extension(intent, change, shown, now)


def _failed(intent: Intent, detail: str) -> Resolution:
    return Resolution(intent, JournalState.FAILED, detail)


# --- extensions


def _extension(intent: Intent, change: ExtensionChange, shown: _Shown, now: datetime) -> Resolution:
    if change.action is Action.CREATE:
        return _creation(intent, change, shown)
    if change.action is Action.DELETE:
        return _deletion(intent, change, shown, now)
    if change.action is Action.PARK:
        return _parking(intent, change, shown)
    if change.action is Action.REVOKE:
        # No PBX shows a password, so that it is replaced once more.
        return _failed(intent, "it cannot be told whether the password had been replaced")
    return _writing(intent, change, shown)


def _creation(intent: Intent, change: ExtensionChange, shown: _Shown) -> Resolution:
    extension = shown.numbers.get(change.number)
    if extension is None:
        return _failed(intent, "the extension was not created")
    if not shown.is_free(ObjectKind.EXTENSION, extension.id, change.guid) or not _is_ours(intent, extension):
        return _failed(intent, f"extension {extension.number} is somebody else's")
    if change.association is None:
        return _failed(intent, "the journal row names no association")
    save = replace(change.association, extension_id=extension.id)
    return Resolution(intent, JournalState.DONE, "the extension had been created", save=save)


def _is_ours(intent: Intent, extension: Extension) -> bool:
    """Know an extension again by the name drawn for its creation, or by its fields where the PBX hides that name."""
    if extension.registration_name:
        return extension.registration_name == intent.registration_name
    return not differing(intent.change.after, extension.fields)


def _deletion(intent: Intent, change: ExtensionChange, shown: _Shown, now: datetime) -> Resolution:
    if change.object_id in shown.extensions:
        return _failed(intent, "the extension was not deleted")
    retired = RetiredNumber(change.number, change.guid, now)
    return Resolution(intent, JournalState.DONE, "the extension had been deleted", drop=True, retired=retired)


def _parking(intent: Intent, change: ExtensionChange, shown: _Shown) -> Resolution:
    """A parking is known again by the name drawn for it; where the PBX hides that, it is done once more."""
    extension = shown.extensions.get(change.object_id or 0)
    if extension is None or extension.registration_name != intent.registration_name:
        return _failed(intent, "the extension was not parked")
    return Resolution(intent, JournalState.DONE, "the extension had been parked", save=change.association)


def _writing(intent: Intent, change: ExtensionChange, shown: _Shown) -> Resolution:
    extension = shown.extensions.get(change.object_id or 0)
    if extension is None or differing(change.after, extension.fields) or not _is_placed(change, extension, shown):
        return _failed(intent, "the fields had not been written")
    access = access_of(change, "", extension)
    if access is not None and not has_access(extension, access):
        return _failed(intent, "the extension was not made usable again")
    return Resolution(intent, JournalState.DONE, "the fields had been written", save=change.association)


def _is_placed(change: ExtensionChange, extension: Extension, shown: _Shown) -> bool:
    """Whether an extension is where a change puts it; with no organization of its own it is in the root alone."""
    if change.placement is None or change.association is None or ORGANIZATIONS not in change.after:
        return True
    own = {change.association.organization_id} - {0} if change.placement.unit else set()
    wanted = {one.id for one in change.placement.others} | own
    return {one.id for one in extension.organizations} == (wanted or {shown.root})


# --- organizations


def _organization(intent: Intent, change: OrganizationChange, shown: _Shown) -> Resolution:
    if not shown.root:
        return _failed(intent, "the PBX shows no organizations while organization management is off")
    if change.action is Action.DELETE:
        return _organization_deletion(intent, change, shown)
    if change.action is Action.CREATE:
        return _organization_creation(intent, change, shown)
    return _organization_writing(intent, change, shown)


def _organization_deletion(intent: Intent, change: OrganizationChange, shown: _Shown) -> Resolution:
    if change.object_id in shown.organizations:
        return _failed(intent, "the organization was not deleted")
    return Resolution(intent, JournalState.DONE, "the organization had been deleted", drop=True)


def _organization_writing(intent: Intent, change: OrganizationChange, shown: _Shown) -> Resolution:
    organization = shown.organizations.get(change.object_id or 0)
    wanted = change.association
    if organization is None:
        return _failed(intent, "the organization is gone")
    if wanted is None:
        done = organization.name == change.after.get("name")
    else:
        done = (organization.name, organization.parent_id) == (change.title or wanted.name, change.parent_id)
    if not done or not shown.is_free(ObjectKind.ORGANIZATION, organization.id, change.guid):
        return _failed(intent, "the organization had not been changed")
    return Resolution(intent, JournalState.DONE, "the organization had been changed", save=wanted)


def _organization_creation(intent: Intent, change: OrganizationChange, shown: _Shown) -> Resolution:
    """The name was free when the change was planned, so what bears it at that place now was made by the change."""
    wanted = change.association
    if wanted is None:
        return _failed(intent, "the journal row names no association")
    for organization in shown.organizations.values():
        is_it = (organization.name, organization.parent_id) == (wanted.name, change.parent_id)
        if is_it and shown.is_free(ObjectKind.ORGANIZATION, organization.id, change.guid):
            save = replace(wanted, object_id=organization.id)
            return Resolution(intent, JournalState.DONE, "the organization had been created", save=save)
    return _failed(intent, "the organization was not created")


# --- extension groups


def _group(intent: Intent, change: GroupChange, shown: _Shown) -> Resolution:
    if change.action is Action.DELETE:
        return _group_deletion(intent, change, shown)
    wanted = change.association
    if wanted is None:
        return _failed(intent, "the journal row names no association")
    group = shown.groups.get(change.object_id or 0)
    is_free = group is not None and shown.is_free(ObjectKind.EXTENSION_GROUP, group.id, change.guid)
    members = change.written_members(wanted.members)
    if group is not None and is_free and _is_as_wanted(group, change.after.get("name", group.name), members):
        return Resolution(intent, JournalState.DONE, "the extension group had been changed", save=wanted)
    made = _made(wanted, members, shown)
    if made is None:
        return _failed(intent, "the extension group had not been written")
    leftover = group.id if group is not None else 0
    save = replace(wanted, object_id=made.id, leftover_id=leftover)
    return Resolution(intent, JournalState.DONE, "the extension group had been created", save=save)


def _group_deletion(intent: Intent, change: GroupChange, shown: _Shown) -> Resolution:
    if change.object_id in shown.groups:
        return _failed(intent, "the extension group was not deleted")
    detail = "the extension group had been deleted"
    if change.association is not None:
        return Resolution(intent, JournalState.DONE, detail, save=change.association)
    return Resolution(intent, JournalState.DONE, detail, drop=True)


def _is_as_wanted(group: ExtensionGroup, name: str, members: Sequence[int]) -> bool:
    return not group.includes_all and (group.name, group.members) == (name, members)


def _made(wanted: ObjectAssociation, members: Sequence[int], shown: _Shown) -> ExtensionGroup | None:
    """A group of the wanted name and members that is nobody's: the name was free when the change was planned."""
    for group in shown.groups.values():
        if _is_as_wanted(group, wanted.name, members) and shown.is_free(ObjectKind.EXTENSION_GROUP, group.id, ""):
            return group
    return None
