# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The one call that each kind of change is, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import PbxWrites
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import PbxRefusedError
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.changes import access_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import FIELD_NAMES
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.images import AnyImage, Images
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Access,
    Extension,
    GroupPattern,
    NewExtension,
    OrganizationReference,
    PbxSnapshot,
    with_access,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    REMOVALS,
    Action,
    AnyChange,
    ExtensionChange,
    GroupChange,
    OrganizationChange,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.renewed import Renewed, as_remembered
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

_MADE_ANEW = "the PBX did not rename the extension group; it was made anew with the same members"


@dataclass(frozen=True, slots=True)
class Written:
    """What a change has left behind.

    :param object_id: of the object concerned, a created one's too.
    :param association: None where it has ended.
    :param detail: what is worth telling besides.
    """

    object_id: int | None
    association: Association | ObjectAssociation | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Write:
    """The call that a resolved change is.

    :param make: makes it. It may run in any thread: it changes nothing but the PBX.
    :param note: takes note of what it has left behind.
    """

    change: AnyChange
    make: Callable[[], Written]
    note: Callable[[Written], None]


class Writes:
    """Makes the calls, and keeps in mind what they make so that later changes can name it.

    :param snapshot: the PBX as it was before the first change.
    :param associations: those of users and of objects, as they were then.
    """

    def __init__(
        self, pbx: PbxWrites, snapshot: PbxSnapshot, associations: Iterable[Association | ObjectAssociation]
    ) -> None:
        self._pbx = pbx
        self._root = snapshot.root_organization
        self._extensions: dict[int, Extension | None] = {one.id: one for one in snapshot.extensions}
        self._users: dict[str, Association] = {}
        self._objects: dict[tuple[ObjectKind, str], ObjectAssociation] = {}
        self._renewed = Renewed()
        known = list(associations)
        self._images = Images(snapshot, self._extensions, known)
        for association in known:
            self._note(association)

    @property
    def associations(self) -> list[Association]:
        """The associations of users as the changes so far have left them, in the order of their objectGUIDs."""
        return [self._users[guid] for guid in sorted(self._users)]

    @property
    def objects(self) -> list[ObjectAssociation]:
        """The associations of organizations and extension groups likewise, in the order of kinds and objectGUIDs."""
        return [self._objects[key] for key in sorted(self._objects)]

    def remember(self, association: Association | ObjectAssociation) -> None:
        """Take note of an association as it is now."""
        self._note(association)
        if isinstance(association, Association):
            self._extensions.setdefault(association.extension_id, None)

    def forget(self, change: AnyChange) -> None:
        """Take note of an association that has ended."""
        if isinstance(change, ExtensionChange):
            ended = self._users.pop(change.guid, None)
            if ended is not None and change.action is Action.DELETE:
                self._extensions.pop(ended.extension_id, None)
        else:
            self._objects.pop((change.kind, change.guid), None)

    def settle(self, change: AnyChange, association: Association | ObjectAssociation | None) -> list[Association]:
        """Take note of what a change has left behind, and return the associations of others that it has altered.

        An organization that is the administrator's again, or gone, the synchronization has given to nobody.

        :param association: None where it has ended.
        """
        if association is not None and change.action is Action.DELETE and isinstance(change, ExtensionChange):
            # That of an extension which was gone before the run that is rolled back.
            self.forget(change)
            self._note(association)
            return []
        if association is not None:
            self.remember(association)
            return []
        self.forget(change)
        if not isinstance(change, OrganizationChange) or change.action not in REMOVALS:
            return []
        left = [
            replace(one, organization_id=0)
            for one in self._users.values()
            if one.organization_id == (change.object_id or 0)
        ]
        for one in left:
            self.remember(one)
        return left

    def _note(self, association: Association | ObjectAssociation) -> None:
        if isinstance(association, Association):
            self._users[association.guid] = association
        else:
            self._objects[association.kind, association.guid] = association

    # --- before a change is written down

    def image(self, change: AnyChange) -> AnyImage | None:
        """Return what a resolved change finds on the PBX."""
        return self._images.of(change)

    def resolved(self, change: AnyChange) -> AnyChange:
        """Return a change with the ids of what earlier changes have made."""
        change = self._renewed.resolve(change)
        if isinstance(change, ExtensionChange):
            return self._resolved_extension(change)
        if isinstance(change, OrganizationChange):
            return self._resolved_organization(change)
        return self._resolved_group(change)

    def _resolved_extension(self, change: ExtensionChange) -> ExtensionChange:
        present, association, placement = self._users.get(change.guid), change.association, change.placement
        if association is None:
            return change
        association = self.true(association)
        if present is not None and is_provisional(change.object_id):
            change = replace(change, object_id=present.extension_id)
        if placement is not None and placement.unit:
            association = replace(association, organization_id=self._organization_id(placement.unit))
        if placement is not None and present is not None and is_provisional(placement.taken):
            placement = replace(placement, taken=present.organization_id)
        return replace(change, association=association, placement=placement)

    def true(self, association: Association) -> Association:
        """Return an association with the ids that the objects have got, where it was planned before they were made."""
        present = self._users.get(association.guid)
        if present is None:
            return association
        if is_provisional(association.extension_id):
            association = replace(association, extension_id=present.extension_id)
        if is_provisional(association.organization_id):
            association = replace(association, organization_id=present.organization_id)
        return association

    def _resolved_organization(self, change: OrganizationChange) -> OrganizationChange:
        if not change.parent:
            return change
        parent_id = self._organization_id(change.parent)
        if change.association is None:
            return replace(change, parent_id=parent_id)
        return replace(change, parent_id=parent_id, association=replace(change.association, parent_id=parent_id))

    def _resolved_group(self, change: GroupChange) -> GroupChange:
        if change.association is None:
            return change
        present = self._objects.get((ObjectKind.EXTENSION_GROUP, change.guid))
        if change.reason is Reason.LEFTOVER:
            return replace(change, association=replace(present or change.association, leftover_id=0))
        association = replace(change.association, members=self._member_ids(change))
        change = replace(change, left_in=tuple(id_ for id_ in change.left_in if id_ in self._extensions))
        if present is not None:
            association = replace(association, leftover_id=present.leftover_id)
        if present is not None and change.action is Action.UPDATE:
            # A change before this one may have made the group anew.
            association = replace(association, object_id=present.object_id)
            change = replace(change, object_id=present.object_id)
        return self._with_who_stays(replace(change, association=association), association)

    def _with_who_stays(self, change: GroupChange, association: ObjectAssociation) -> GroupChange:
        """Keep the members whom the plan does not take out: they were to go with their extensions, which are there."""
        staying = self._members(change.object_id or 0)
        staying -= {*change.removed_ids, *change.written_members(association.members)}
        association = self._remembering(association, staying)
        return replace(
            change,
            association=association,
            left_in=tuple(sorted({*change.left_in, *staying}.difference(association.members))),
            left_out=tuple(sorted({*change.left_out} - staying)),
        )

    def true_group(self, association: ObjectAssociation) -> ObjectAssociation:
        """Return an association that nothing is written for with those members whose extensions are there after all.

        That of the label group is planned, and saved anew, before anything of that is known.
        """
        if association.kind is not ObjectKind.EXTENSION_GROUP or association.rule is RuleKind.USERS:
            return association
        return self._remembering(association, self._members(association.object_id))

    def _members(self, group_id: int) -> frozenset[int]:
        """The ids of a group's members by now, as far as their extensions exist."""
        return self._images.members(group_id) & self._extensions.keys()

    def _remembering(self, association: ObjectAssociation, staying: frozenset[int]) -> ObjectAssociation:
        """Go on remembering those of its members that stay and were last written."""
        held = self._objects.get((association.kind, association.guid))
        if held is None:
            return association
        return replace(association, members=tuple(sorted({*association.members, *(staying & {*held.members})})))

    def _organization_id(self, unit: str) -> int:
        association = self._objects.get((ObjectKind.ORGANIZATION, unit))
        return association.object_id if association is not None else 0

    def _member_ids(self, change: GroupChange) -> tuple[int, ...]:
        guids = self._users if change.label else [guid for guid in change.members if guid in self._users]
        ids = {self._users[guid].extension_id for guid in guids}
        return tuple(sorted({*ids, *change.kept} & self._extensions.keys()))

    # --- the call

    def write(self, change: AnyChange, registration_name: str) -> Written:
        """Make the call of a resolved change.

        :raises PbxError: if it was not done, or nobody knows whether it was.
        """
        write = self.prepared(change, registration_name)
        return self.done(write, write.make())

    def prepared(self, change: AnyChange, registration_name: str) -> Write:
        """Return the call of a resolved change.

        :param registration_name: drawn for an extension that is made or parked.
        """
        if isinstance(change, ExtensionChange):
            return self._extension_write(change, registration_name)
        return Write(change, lambda: self._write_object(change), _nothing_to_note)

    def done(self, write: Write, written: Written) -> Written:
        """Take note of a call that was made, and return what it has left behind."""
        change = write.change
        write.note(written)
        self._images.note(change, written.object_id)
        self._renewed.note(change, written.object_id)
        return replace(written, association=as_remembered(change, written.association))

    def _write_object(self, change: OrganizationChange | GroupChange) -> Written:
        if change.action is Action.RELEASE:
            return Written(change.object_id, None)
        if isinstance(change, OrganizationChange):
            return self._write_organization(change)
        return self._write_group(change)

    def _extension_write(self, change: ExtensionChange, registration_name: str) -> Write:
        fields = {name: value for name, value in change.after.items() if name in FIELD_NAMES}
        organizations = self._organizations(change)
        if change.action is Action.CREATE:
            return self._creation(
                change, NewExtension(change.number, fields, registration_name, organizations, change.settings)
            )
        object_id, association = _id_of(change), change.association
        access = access_of(change, registration_name, self._extensions.get(object_id))
        if change.action is Action.REVOKE:
            # Nothing of the association changes, and the run may have saved it anew since it was planned.
            association = self._users.get(change.guid, association)
        is_update = change.action is not Action.DELETE and bool(change.after or access is not None)

        def make() -> Written:
            if change.action is Action.DELETE:
                self._pbx.delete_extension(object_id)
            elif is_update:
                self._pbx.update_extension(object_id, fields, organizations, access)
            return Written(object_id, association)

        def note(_written: Written) -> None:
            if is_update:
                self._note_fields(object_id, fields, organizations, access)

        return Write(change, make, note)

    def _creation(self, change: ExtensionChange, new: NewExtension) -> Write:
        def make() -> Written:
            object_id = self._pbx.create_extension(new)
            return Written(object_id, _with_id(change.association, object_id))

        def note(written: Written) -> None:
            object_id = written.object_id or 0
            self._extensions[object_id] = Extension(
                id=object_id,
                number=new.number,
                fields=new.fields,
                registration_name=new.registration_name or None,
                organizations=tuple(new.organizations),
                settings=new.settings,
            )

        return Write(change, make, note)

    def _note_fields(
        self,
        object_id: int,
        fields: Mapping[str, str],
        organizations: tuple[OrganizationReference, ...],
        access: Access | None,
    ) -> None:
        extension = self._extensions.get(object_id)
        if extension is None:
            return
        written = replace(extension, fields={**extension.fields, **fields}, organizations=organizations)
        self._extensions[object_id] = with_access(written, access) if access is not None else written

    def _organizations(self, change: ExtensionChange) -> tuple[OrganizationReference, ...]:
        """While organization management is on, the Open API wants organizations with every create and update."""
        if self._root is None:
            return ()
        if change.placement is None:
            extension = self._extensions.get(change.object_id or 0)
            return (extension.organizations if extension is not None else ()) or (self._root,)
        home = self._objects.get((ObjectKind.ORGANIZATION, change.placement.unit))
        own = (OrganizationReference(home.object_id, home.name),) if home is not None else ()
        return (*change.placement.others, *own) or (self._root,)

    def _write_organization(self, change: OrganizationChange) -> Written:
        association = change.association
        if association is None:
            return self._write_without_association(change)
        if change.action is Action.CREATE:
            object_id = self._pbx.create_organization(association.name, change.parent_id)
            return Written(object_id, replace(association, object_id=object_id))
        object_id = _id_of(change)
        if change.after:
            self._pbx.update_organization(object_id, change.title or association.name, change.parent_id)
        return Written(object_id, association)

    def _write_without_association(self, change: OrganizationChange) -> Written:
        if change.action is Action.DELETE:
            self._pbx.delete_organization(_id_of(change))
        else:
            self._pbx.set_company_name(change.after["name"])
        return Written(change.object_id, None)

    def _write_group(self, change: GroupChange) -> Written:
        if change.action is Action.DELETE:
            self._pbx.delete_group(_id_of(change))
            return Written(change.object_id, change.association)
        association = change.association
        if change.reason is Reason.REMEMBERED:
            return Written(change.object_id, association)
        if association is None:
            return self._write_nobodys_group(change)
        members = change.written_members(association.members)
        if change.action is Action.CREATE:
            object_id = self._create_group(change, association, members)
            return Written(object_id, replace(association, object_id=object_id))
        object_id = _id_of(change)
        if change.user_types:
            # Members that are in a group keep their user types, when it is renamed or made anew too.
            self._pbx.update_group(object_id, members, change.user_types)
        elif not change.after:
            self._pbx.update_group(object_id, members)
        if change.after and not self._pbx.rename_group(object_id, association.name, members):
            return self._made_anew(object_id, association, members)
        return Written(object_id, association)

    def _create_group(self, change: GroupChange, association: ObjectAssociation, members: Sequence[int]) -> int:
        if not change.settings and not change.user_types:
            return self._pbx.create_group(association.name, members)
        return self._pbx.create_group(association.name, members, GroupPattern(change.user_types, change.settings))

    def _write_nobodys_group(self, change: GroupChange) -> Written:
        if change.action is not Action.UPDATE:
            raise ValueError(f"{change.key} names no association")
        self._pbx.update_group(_id_of(change), change.kept, change.user_types)
        return Written(change.object_id, None)

    def _made_anew(self, former_id: int, association: ObjectAssociation, members: Sequence[int]) -> Written:
        """Make a group that cannot be renamed under its new name; the old one is left for the moment.

        Where that is refused the members at least are written.
        """
        if association.leftover_id:
            self._pbx.delete_group(association.leftover_id)
        try:
            object_id = self._pbx.create_group(association.name, members, like=former_id)
        except PbxRefusedError:
            self._pbx.update_group(former_id, members)
            raise
        return Written(object_id, replace(association, object_id=object_id, leftover_id=former_id), _MADE_ANEW)


def _nothing_to_note(_written: Written) -> None:
    """Organizations and groups are noted with the images."""


def is_provisional(object_id: int | None) -> bool:
    """Tell whether an id stands for an object that is still to be created: the PBX's own are positive."""
    return object_id is not None and object_id < 0


def _id_of(change: AnyChange) -> int:
    if change.object_id is None:
        raise ValueError(f"{change.key} names no object")
    return change.object_id


def _with_id(association: Association | None, extension_id: int) -> Association | None:
    return replace(association, extension_id=extension_id) if association is not None else None
