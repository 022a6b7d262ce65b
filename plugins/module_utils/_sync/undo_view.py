# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The PBX and the associations as they become while a rollback is planned, change by change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.conflicts import ConflictCode
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import EMAIL
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Done
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Extension,
    ExtensionGroup,
    Organization,
    OrganizationReference,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    Change,
    Conflict,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.renewed import own_id
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.standing import Standing
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_history import Value, Written

WORDS = {
    ObjectKind.EXTENSION: "extension",
    ObjectKind.ORGANIZATION: "organization",
    ObjectKind.EXTENSION_GROUP: "extension group",
}


@dataclass(frozen=True, slots=True)
class NotRestored:
    """What a rollback does not bring back of an object.

    :param number: of an extension; "" for other objects.
    :param name: as a report names it.
    :param what: what stays lost, a few words each.
    """

    kind: ObjectKind
    guid: str
    number: str
    name: str
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Returning:
    """An extension that is made again, and a group that it was a member of.

    :param former_id: the id that it had.
    :param extension_id: the one that stands for it in the plan.
    """

    former_id: int
    extension_id: int
    group_id: int
    group_name: str
    user_type: str
    remembered: bool
    change: Change


@dataclass(slots=True)
class View:
    """What is there once the changes so far are done.

    What is made again has the negative of its former id until it exists.

    :param ids: the ids that objects have now, by kind and by the ids that the journal knows.
    :param rewritten: the values that the run wrote more than once; see ``History``.
    :param left_alone: values that are left as they are; why is told already.
    :param made: keys of the changes that make objects again, by kind and negative id.
    :param freed: keys of the changes that end associations, by kind and id of the object.
    :param left: keys of the changes that take something out of an organization, by its id.
    :param numbers_freed: keys of the changes that free a number, by it.
    """

    standing: Standing
    ids: dict[tuple[ObjectKind, int], int]
    rewritten: Mapping[int, Mapping[str, Written]] = field(default_factory=dict)
    left_alone: set[Value] = field(default_factory=set)
    changes: list[AnyChange] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    not_restored: list[NotRestored] = field(default_factory=list)
    returning: list[Returning] = field(default_factory=list)
    unchanged: int = 0
    made: dict[tuple[ObjectKind, int], str] = field(default_factory=dict)
    freed: dict[tuple[ObjectKind, int], str] = field(default_factory=dict)
    left: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    numbers_freed: dict[str, str] = field(default_factory=dict)
    emails_freed: dict[str, str] = field(default_factory=dict)
    extensions: dict[int, Extension] = field(init=False)
    organizations: dict[int, Organization] = field(init=False)
    groups: dict[int, ExtensionGroup] = field(init=False)
    users: dict[str, Association] = field(init=False)
    objects: dict[tuple[ObjectKind, str], ObjectAssociation] = field(init=False)
    _owners: dict[tuple[ObjectKind, int], str] = field(init=False)
    _numbers: dict[str, int] = field(init=False)
    _emails: dict[str, int] = field(init=False)
    _last: dict[tuple[ObjectKind, str], str] = field(default_factory=dict)
    _told: set[tuple[ObjectKind, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        pbx = self.standing.pbx
        self.organizations = {one.id: one for one in pbx.organizations or ()}
        self.groups = {one.id: one for one in pbx.groups or ()}
        self.extensions, self._numbers, self._emails = {}, {}, {}
        for extension in pbx.extensions:
            self.put_extension(extension)
        self._told.update((kind, guid) for kind, guid, _name in self.left_alone)
        self.users, self.objects, self._owners = {}, {}, {}
        for user in self.standing.associations:
            self.hold(user)
        for one in self.standing.objects:
            self.hold(one)

    @property
    def root(self) -> OrganizationReference | None:
        """The root organization; None while organization management is off."""
        return self.standing.pbx.root_organization

    def id(self, kind: ObjectKind, known: int) -> int:
        """Return the id that an object has now, of one that the journal knows."""
        return self.ids.get((kind, known), known)

    def extension_ids(self, known: Iterable[int]) -> set[int]:
        """Return the ids that extensions have now."""
        return {self.id(ObjectKind.EXTENSION, one) for one in known}

    # --- values

    def written(self, row: Done, name: str, found: str) -> Written:
        """Return a value that a change may have written.

        :param found: what the change found, unless the run had written it before.
        """
        left = row.change.after.get(name, found)
        return self.rewritten.get(row.id, {}).get(name, Written(before=found, found=found, left=left, last=left))

    def leave_alone(self, change: Change, names: Iterable[str]) -> None:
        """Leave values as they are, whatever earlier changes of the run did to them: why is told already."""
        self.left_alone.update((change.kind, change.guid, name) for name in names)

    def is_left_alone(self, change: Change, name: str) -> bool:
        """Tell whether a value of a change's object is left as it is."""
        return (change.kind, change.guid, name) in self.left_alone

    # --- associations

    def held(self, change: Change) -> Association | ObjectAssociation | None:
        """Return the association of a change's directory object as it is."""
        if change.kind is ObjectKind.EXTENSION:
            return self.users.get(change.guid)
        return self.objects.get((change.kind, change.guid))

    def owner(self, kind: ObjectKind, object_id: int) -> str | None:
        """Return the guid of the association of an object."""
        return self._owners.get((kind, object_id))

    def hold(self, association: Association | ObjectAssociation) -> None:
        """Save an association."""
        kind = association.kind if isinstance(association, ObjectAssociation) else ObjectKind.EXTENSION
        self._forget(kind, association.guid)
        self._owners[kind, own_id(association)] = association.guid
        if isinstance(association, Association):
            self.users[association.guid] = association
        else:
            self.objects[kind, association.guid] = association

    def end(self, kind: ObjectKind, guid: str, key: str) -> None:
        """End an association by a change."""
        ended = self._forget(kind, guid)
        if ended is not None:
            self.freed[kind, own_id(ended)] = key

    def _forget(self, kind: ObjectKind, guid: str) -> Association | ObjectAssociation | None:
        ended = self.users.pop(guid, None) if kind is ObjectKind.EXTENSION else self.objects.pop((kind, guid), None)
        if ended is not None and self._owners.get((kind, own_id(ended))) == guid:
            del self._owners[kind, own_id(ended)]
        return ended

    # --- extensions

    def put_extension(self, extension: Extension) -> None:
        """Add an extension, or change one."""
        present = self.extensions.get(extension.id)
        if present is not None:
            self._forget_address(present)
        self.extensions[extension.id] = extension
        self._numbers[extension.number] = extension.id
        address = _address(extension)
        if address:
            self._emails[address] = extension.id

    def drop_extension(self, extension_id: int) -> None:
        """Delete an extension, and take it out of its groups."""
        self._forget_address(self.extensions.pop(extension_id))
        for group in list(self.groups.values()):
            if extension_id in group.members:
                members = tuple(one for one in group.members if one != extension_id)
                self.groups[group.id] = replace(group, members=members)

    def _forget_address(self, extension: Extension) -> None:
        address = _address(extension)
        if self._emails.get(address) == extension.id:
            del self._emails[address]

    def by_number(self, number: str) -> Extension | None:
        """Return the extension of a number."""
        return self.extensions.get(self._numbers.get(number, 0))

    def by_email(self, address: str) -> Extension | None:
        """Return the extension that has an e-mail address."""
        return self.extensions.get(self._emails.get(address.casefold(), 0))

    def shown(self, ids: Iterable[int]) -> tuple[str, ...]:
        """Return extensions as a report shows them, by number."""
        known = sorted((self.extensions[id_] for id_ in ids), key=lambda one: (len(one.number), one.number))
        return tuple(" ".join(text for text in (one.number, _name(one)) if text) for one in known)

    def places(self, extension: Extension) -> set[int]:
        """Return the organizations of an extension; the root alone is as good as none."""
        found = {one.id for one in extension.organizations}
        return found if self.root is None or found != {self.root.id} else set()

    def references(self, ids: Iterable[int]) -> tuple[OrganizationReference, ...]:
        """Return organizations as an extension refers to them."""
        return tuple(OrganizationReference(id_, self.organizations[id_].name) for id_ in sorted(ids))

    def path(self, organization_id: int) -> str:
        """Return an organization's path as a report shows it, from the root."""
        names: list[str] = []
        while organization_id in self.organizations and len(names) <= len(self.organizations):
            names.append(self.organizations[organization_id].name)
            organization_id = self.organizations[organization_id].parent_id
        return "/".join(reversed(names))

    def paths(self, ids: Iterable[int]) -> str:
        """Return the paths of organizations in one text; the root's for none."""
        found = sorted(self.path(id_) for id_ in ids)
        return ", ".join(found) if found else self.root.name if self.root is not None else ""

    # --- the plan

    def emit(self, change: AnyChange, needs: Sequence[str] = ()) -> None:
        """Add a change to the plan; it waits for the one before it of the same object."""
        kind_and_guid = change.kind, change.guid
        before = self._last.get(kind_and_guid)
        waits = dict.fromkeys([*change.depends_on, *needs, *([before] if before else [])])
        change = replace(change, depends_on=tuple(waits))
        self.changes.append(change)
        self._last[kind_and_guid] = change.key

    def hand_over(self, kind: ObjectKind, object_id: int) -> list[str]:
        """Let the association of an object that ends in this plan end with the change that takes the object over.

        Nobody is to find the object without either: then it would be nobody's, and so would be who is in it.
        """
        key = self.freed.get((kind, object_id))
        if key is None:
            return []
        place = next(place for place, change in enumerate(self.changes) if change.key == key)
        if self.changes[place].action is Action.RELEASE:
            self.changes[place] = replace(self.changes[place], reason=Reason.HANDED_OVER)
        return [key]

    def making(self, kind: ObjectKind, ids: Iterable[int]) -> list[str]:
        """Return the keys of the changes that make these objects again."""
        return [self.made[kind, id_] for id_ in sorted(ids) if (kind, id_) in self.made]

    def conflict(self, change: Change, code: ConflictCode, message: str) -> None:
        """Tell what stands in the way of undoing a change, each thing once."""
        self._told.add((change.kind, change.guid))
        found = Conflict(code.value, change.guid, change.name, message)
        if found not in self.conflicts:
            self.conflicts.append(found)

    def changed_since(self, change: Change, what: str, values: tuple[str, str, str]) -> None:
        """Tell that somebody has changed what the run had changed.

        :param values: before the run, as the run left it, and now.
        """
        before, left, now = (f'"{value}"' if value else "empty" for value in values)
        self.conflict(
            change,
            ConflictCode.CHANGED_SINCE,
            f"{what} of {_title(change)} was {before} before the run, which left it {left}; now it is {now}. It was "
            "changed since, and is left as it is. Set it by hand if it is to be as before.",
        )

    def gone_since(self, change: Change) -> None:
        """Tell that somebody has deleted what the run had changed."""
        self.conflict(
            change,
            ConflictCode.CHANGED_SINCE,
            f"The {_title(change)} was deleted after the run, so that what the run changed of it cannot be put back. "
            "The next synchronization makes it anew, if the directory still asks for it.",
        )

    def has_told(self, change: Change) -> bool:
        """Whether it was told that something of a change's object stays lost, or stands in the way of undoing one."""
        return (change.kind, change.guid) in self._told

    def lose(self, change: Change, *what: str) -> None:
        """Tell what stays lost."""
        self._told.add((change.kind, change.guid))
        self.not_restored.append(NotRestored(change.kind, change.guid, change.number, change.name, what))


def about(row: Done, change: Change, piece: str = "") -> dict[str, Any]:
    """Return what a change that undoes another has in common with it.

    Its part says which row of the journal it undoes to the end.

    :param piece: names a change that undoes the row in part alone.
    """
    return {
        "guid": change.guid,
        "name": change.name,
        "dn": change.dn,
        "number": change.number,
        "reason": Reason.ROLLED_BACK,
        "part": f"{row.id}.{piece}" if piece else str(row.id),
    }


def _title(change: Change) -> str:
    return f"{WORDS[change.kind]} {change.number or change.name}"


def _address(extension: Extension) -> str:
    return extension.fields.get(EMAIL, "").casefold()


def _name(extension: Extension) -> str:
    names = (extension.fields.get("first_name", ""), extension.fields.get("last_name", ""))
    return " ".join(name for name in names if name)
