# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What is planned, as data: changes, conflicts and the plan that holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Union

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    Credential,
    ObjectAssociation,
    ObjectKind,
    Parked,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import OrganizationReference

_NOTHING: Mapping[Any, Any] = {}


def _nothing() -> Mapping[Any, Any]:
    """The one empty mapping that thousands of changes share; nobody changes a mapping of a change."""
    return _NOTHING


class Action(StrEnum):
    """What a change does to a PBX object. REVOKE replaces the user password that a sign-on has set by a random one."""

    REVOKE = "revoke"
    DELETE = "delete"
    RELEASE = "release"
    PARK = "park"
    UNPARK = "unpark"
    UPDATE = "update"
    ASSOCIATE = "associate"
    CREATE = "create"


REMOVALS = frozenset({Action.DELETE, Action.RELEASE})


class Reason(StrEnum):
    """Why a change is planned; the sentences are in ``report.py``."""

    # Extensions
    NEW_USER = "new_user"
    EXTENSION_MISSING = "extension_missing"
    SAME_EMAIL = "same_email"
    BOUND_BY_NAME = "bound_by_name"
    DIRECTORY_CHANGED = "directory_changed"
    DRIFT = "drift"
    ADDRESS_EXCHANGE = "address_exchange"
    ACCOUNT_DELETED = "account_deleted"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_EXPIRED = "account_expired"
    OUT_OF_SCOPE = "out_of_scope"
    NO_LONGER_LISTED = "no_longer_listed"
    BOUND_ELSEWHERE = "bound_elsewhere"
    EXTENSION_GONE = "extension_gone"
    NO_LONGER_DUE = "no_longer_due"
    UNIT_CHANGED = "unit_changed"
    SIGN_ON_OFF = "sign_on_off"
    SIGN_ON_ENDED = "sign_on_ended"
    # Organizations and extension groups; DIRECTORY_CHANGED, DRIFT and OUT_OF_SCOPE are theirs too
    NEW_UNIT = "new_unit"
    NEW_GROUP = "new_group"
    SAME_NAME = "same_name"
    OBJECT_MISSING = "object_missing"
    OBJECT_DELETED = "object_deleted"
    OBJECT_GONE = "object_gone"
    HANDED_OVER = "handed_over"
    NAME_EXCHANGE = "name_exchange"
    COMPANY_NAME = "company_name"
    LABEL = "label"
    LABEL_ENDED = "label_ended"
    LEFTOVER = "leftover"
    # Of any kind
    ROLLED_BACK = "rolled_back"
    REMEMBERED = "remembered"
    CLEAN_UP = "clean_up"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One planned action on one PBX object.

    :param guid: objectGUID of the directory object, or what stands for one (see ``ObjectAssociation``).
    :param name: the directory object as a report names it.
    :param object_id: the PBX's id; None for an object that is still to be created.
    :param number: of an extension; "" for other objects.
    :param before: the PBX's present values of the fields that change (all managed ones for a deletion, none
        for a release, which leaves the object as it is).
    :param after: their values afterwards; empty for a removal.
    :param drift: names of the fields that were changed on the PBX since they were last written.
    :param depends_on: keys of changes without which this one is not to be tried.
    :param part: tells apart two changes of one plan that do the same action to the same object.
    """

    kind: ClassVar[ObjectKind]

    action: Action
    guid: str
    name: str
    dn: str
    object_id: int | None
    reason: Reason
    number: str = ""
    before: Mapping[str, str] = field(default_factory=_nothing)
    after: Mapping[str, str] = field(default_factory=_nothing)
    drift: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    part: str = ""

    @property
    def key(self) -> str:
        """A name for this change that is unique within its plan."""
        kind = "" if self.kind is ObjectKind.EXTENSION else f"{self.kind.value}:"
        return f"{kind}{self.action.value}:{self.guid}" + (f":{self.part}" if self.part else "")


@dataclass(frozen=True, slots=True)
class Placement:
    """The organizations that an extension is to be in.

    :param others: those it keeps, which the synchronization did not give.
    :param unit: objectGUID of the unit whose organization it is to be in; "" for none. With no organization at all
        it is put in the root, for an extension is always in one.
    :param taken: id of the organization that the synchronization gave and now takes; 0 for none.
    """

    others: tuple[OrganizationReference, ...]
    unit: str = ""
    taken: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionChange(Change):
    """One planned action on one extension.

    :param association: the association as it will be when the change is done; None when it ends. The
        extension_id of one for an extension still to be created is 0.
    :param placement: None where the organizations are left as they are.
    :param parked: the parking that the change ends; None where the extension is not parked, or stays so.
    :param remembered: the association that is saved in its place, where more than what is written is remembered.
    :param settings: of an extension to be created, see ``pbx.Extension``.
    :param credential: what a revocation ends.
    """

    kind: ClassVar[ObjectKind] = ObjectKind.EXTENSION

    association: Association | None = None
    placement: Placement | None = None
    parked: Parked | None = None
    remembered: Association | None = None
    settings: Mapping[str, Any] = field(default_factory=_nothing)
    credential: Credential | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationChange(Change):
    """One planned action on one organization; its fields are ``name`` and ``parent`` (the parent's path).

    :param association: as it will be; None when it ends, and for the root organization. The object_id of one for an
        organization still to be created is 0.
    :param parent: objectGUID of the unit below whose organization it is to be; "" where parent_id names it.
    :param parent_id: id of the organization below which it is to be; 0 while that is still to be created.
    :param title: the name that it keeps, which a person gave it; "" where it has the association's.
    :param remembered: as that of an ``ExtensionChange``.
    """

    kind: ClassVar[ObjectKind] = ObjectKind.ORGANIZATION

    association: ObjectAssociation | None = None
    parent: str = ""
    parent_id: int = 0
    title: str = ""
    remembered: ObjectAssociation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChange(Change):
    """One planned action on one extension group; its one field is ``name``.

    :param association: as it will be; None when it ends, and for a group that is nobody's, whose members are ``kept``.
    :param members: objectGUIDs of the users whose extensions are to be its members.
    :param kept: ids of extensions that stay members although no user asks for it.
    :param added: the members that come in, each as ``number name``.
    :param removed: the members that are taken out, likewise.
    :param removed_ids: their ids.
    :param label: whether its members are all associated extensions, whoever they are when it is written.
    :param left_in: ids of extensions that a person put in and that stay, though they are not remembered as written.
    :param left_out: ids of extensions that a person took out and that stay out, though they are.
    :param remembered: as that of an ``ExtensionChange``.
    :param user_types: of members that come in, by their ids, where they are not to be users.
    :param settings: of a group to be created, its permissions.
    """

    kind: ClassVar[ObjectKind] = ObjectKind.EXTENSION_GROUP

    association: ObjectAssociation | None = None
    members: tuple[str, ...] = ()
    kept: tuple[int, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    removed_ids: tuple[int, ...] = ()
    label: bool = False
    left_in: tuple[int, ...] = ()
    left_out: tuple[int, ...] = ()
    remembered: ObjectAssociation | None = None
    user_types: Mapping[int, str] = field(default_factory=_nothing)
    settings: Mapping[str, int] = field(default_factory=_nothing)

    def written_members(self, remembered: Iterable[int]) -> tuple[int, ...]:
        """Return the ids of the members that the PBX is given, of those that are remembered as written."""
        return tuple(sorted({*remembered, *self.left_in} - {*self.left_out}))


AnyChange = Union[ExtensionChange, OrganizationChange, GroupChange]  # noqa: UP007 (pylint knows no | here)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something that cannot be synchronized as asked.

    :param code: a stable word for it, see ``conflicts.ConflictCode``.
    :param name: the directory object as a report names it, or the name given in the rule.
    :param message: a sentence with the value in question and the remedy.
    """

    code: str
    guid: str
    name: str
    message: str


#: The fields of organizations and extension groups.
NAME, PARENT, MEMBERS = "name", "parent", "members"


class DriftAction(StrEnum):
    """What becomes of a value that a person set on the PBX."""

    CORRECTED = "corrected"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True)
class Drifted:
    """A field that a person set on the PBX since it was last written, and what a plan does about it.

    :param number: of an extension; "" for other objects.
    :param name: the directory object as a report names it.
    :param field: a managed field, or one of ``organizations``, ``name``, ``parent`` and ``members``; each member that
        was put in or taken out is one of its own.
    :param written: as it was last written; "" for a member that was put in.
    :param wanted: as the directory wants it; likewise.
    :param actual: as it is; "" for a member that was taken out.
    :param action: whether the plan puts it back or leaves it.
    :param both_changed: whether it is left although the directory changed it too, to something else.
    """

    kind: ObjectKind
    guid: str
    number: str
    name: str
    field: str
    written: str
    wanted: str
    actual: str
    action: DriftAction
    both_changed: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The ordered changes of a run.

    :param id: a hash over the rule and all that would be done; the same plan has the same id in check mode and
        in a run.
    :param guard_id: a name of what the guard counts alone, in a part for each danger; a part stays the same when
        everything else of the plan is done.
    :param refreshed: associations to be saved anew although the PBX needs no write (a moved or renamed user, a
        value that somebody already set to what is wanted).
    :param unchanged: number of associated objects that are as they should be.
    :param excluded: number of users taken in by the scope whose account status keeps them without extension.
    :param parked: number of extensions that were parked before and wait for their deletion.
    :param drift: what a person set on the PBX, put back or left. What is left is no part of ``id``.
    """

    id: str
    changes: tuple[AnyChange, ...]
    conflicts: tuple[Conflict, ...]
    guard_id: str = ""
    refreshed: tuple[Association | ObjectAssociation, ...] = ()
    unchanged: int = 0
    excluded: int = 0
    parked: int = 0
    drift: tuple[Drifted, ...] = ()
