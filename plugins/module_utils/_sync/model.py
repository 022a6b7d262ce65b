# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The words of the collection as data: what is read, what is remembered, what is planned.

Nothing here touches the world. Every type is frozen: what was read or planned does not change afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

# --- the directory ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Domain:
    """The Active Directory domain that a directory server speaks for.

    :param guid: objectGUID of the domain's root object, lower case with hyphens.
    :param dn: its distinguished name (the rootDSE's defaultNamingContext).
    :param dns_name: its DNS name, e.g. ``example.com``.
    """

    guid: str
    dn: str
    dns_name: str


@dataclass(frozen=True, slots=True)
class DirectoryIdentity:
    """What a directory server says of itself, and of what the account may read.

    :param time: the server's own clock (rootDSE currentTime), aware, UTC.
    :param deleted_objects_readable: whether the account can read the Deleted Objects container; without that
        right a deleted user cannot be told from one that the account may no longer see.
    """

    domain: Domain
    server: str
    time: datetime
    deleted_objects_readable: bool


@dataclass(frozen=True, slots=True)
class DirectoryNode:
    """An organizational unit (or another container) by its identity and place."""

    guid: str
    dn: str


@dataclass(frozen=True, slots=True)
class DirectoryUser:
    """One user object.

    :param guid: objectGUID, lower case with hyphens: the only key that survives renames and moves.
    :param account_name: sAMAccountName.
    :param attributes: the requested attributes by their LDAP names as the field table spells them; one text value
        each, an absent attribute is absent here.
    :param disabled: ACCOUNTDISABLE of userAccountControl.
    :param expires: accountExpires as an aware UTC time; None where the account never expires.
    :param primary_group_id: primaryGroupID, the RID of a group that neither member nor memberOf shows.
    """

    guid: str
    dn: str
    account_name: str
    attributes: Mapping[str, str]
    disabled: bool = False
    expires: datetime | None = None
    primary_group_id: int = 0


@dataclass(frozen=True, slots=True)
class DirectoryGroup:
    """One group with its direct members, read to the end of the last range.

    :param rid: the last component of its objectSid, which a member's primaryGroupID repeats.
    :param members: distinguished names of the direct members, of whatever class.
    """

    guid: str
    dn: str
    name: str
    rid: int
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UserLookup:
    """What the whole domain says of some objectGUIDs.

    :param live: those that exist, by objectGUID.
    :param deleted: those whose deleted object was seen (isDeleted TRUE).

    A GUID in neither was not shown at all: deleted, or hidden from the account.
    """

    live: Mapping[str, DirectoryUser]
    deleted: frozenset[str]


@dataclass(frozen=True, slots=True)
class DirectorySnapshot:
    """The directory as one run saw it. It exists only if every read behind it was complete.

    :param users: the users that the rule's scope takes in.
    :param outside: associated users that exist and were asked for one by one and found outside the scope.
    :param deleted: objectGUIDs of associated users whose deleted object was seen.
    :param missing: objectGUIDs of associated users that the directory did not show at all.
    :param bindings: for scope ``users``, the extension number that each named user is bound to, by objectGUID.
    """

    domain: Domain
    time: datetime
    users: tuple[DirectoryUser, ...]
    outside: tuple[DirectoryUser, ...] = ()
    deleted: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    bindings: Mapping[str, str] = field(default_factory=dict)


# --- the PBX ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PbxIdentity:
    """What the PBX says of itself (Open API, system/information)."""

    serial_number: str
    model: str
    firmware: str


@dataclass(frozen=True, slots=True)
class PbxCapacity:
    """How many extensions the licence allows and how many exist (Open API, system/capacity)."""

    extensions: int
    extensions_used: int


@dataclass(frozen=True, slots=True)
class OrganizationReference:
    """An organization (department) as an extension refers to it."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension.

    :param id: the PBX's own integer key.
    :param fields: the managed fields by their Open API names, "" where empty.
    :param registration_name: reg_name, None where the PBX does not return it.
    """

    id: int
    number: str
    fields: Mapping[str, str]
    registration_name: str | None = None
    organizations: tuple[OrganizationReference, ...] = ()


@dataclass(frozen=True, slots=True)
class PbxSnapshot:
    """The PBX as one run saw it. It exists only if every list was as long as its total and every id was answered.

    :param root_organization: the root of the organization tree; None while organization management is off.
    """

    identity: PbxIdentity
    capacity: PbxCapacity
    extensions: tuple[Extension, ...]
    root_organization: OrganizationReference | None = None


@dataclass(frozen=True, slots=True)
class NewExtension:
    """All that creating an extension needs; passwords are drawn by the client and never seen here.

    :param registration_name: a name drawn for this one creation: by it, an extension whose creation was never
        answered is known again.
    """

    number: str
    fields: Mapping[str, str]
    registration_name: str
    organizations: tuple[OrganizationReference, ...] = ()


# --- what is remembered -------------------------------------------------------------------------------------------


class Origin(StrEnum):
    """How an association came about."""

    CREATED = "created"
    ADOPTED = "adopted"
    BOUND = "bound"


class Welcome(StrEnum):
    """Whether the welcome e-mail of a created extension is still to be sent.

    SENT is written before the PBX is asked: a mail may be lost in a crash, it is never sent twice.
    """

    NONE = "none"
    DUE = "due"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class Association:
    """This objectGUID is this extension, and these are the values last written.

    :param account_name: sAMAccountName when last seen, to name the user in reports.
    :param written: managed fields by their Open API names as last written; the middle of the three-way compare.
    """

    guid: str
    extension_id: int
    number: str
    dn: str
    account_name: str
    origin: Origin
    written: Mapping[str, str]
    welcome: Welcome = Welcome.NONE


@dataclass(frozen=True, slots=True)
class RetiredNumber:
    """A number that is not to be given for a while.

    :param guid: whose it was; that user may have it back at once. "" for a number that the PBX refused because
        another of its objects (a queue, an IVR, …) holds it.
    """

    number: str
    guid: str
    since: datetime


# --- rules --------------------------------------------------------------------------------------------------------


class Scope(StrEnum):
    """Which users a rule takes in."""

    ALL = "all"
    ORGANIZATIONAL_UNITS = "organizational_units"
    GROUPS = "groups"
    FILTER = "filter"
    USERS = "users"


class NumberFrom(StrEnum):
    """Where a new extension's number comes from."""

    START = "start"
    ATTRIBUTE = "attribute"


class AccountStatus(StrEnum):
    """The account statuses at which an extension can be deleted."""

    EXPIRED = "expired"
    DISABLED = "disabled"
    DELETED = "deleted"


class OutOfScope(StrEnum):
    """What becomes of an extension whose user exists but is no longer taken in."""

    RELEASE = "release"
    DELETE = "delete"


class DeletionProof(StrEnum):
    """What proves that a user was deleted.

    TOMBSTONE: the deleted object itself was seen. ABSENCE: no object of the domain has the objectGUID, which is
    also true of an object that the account may no longer read.
    """

    TOMBSTONE = "tombstone"
    ABSENCE = "absence"


@dataclass(frozen=True, slots=True)
class NamedUser:
    """A user named one by one and the number of the extension that is to be theirs."""

    user: str
    extension: str


@dataclass(frozen=True, slots=True)
class UserRule:
    """The saved settings of the synchronization of users; the module documents each option."""

    scope: Scope = Scope.ALL
    organizational_units: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    filter: str = ""
    users: tuple[NamedUser, ...] = ()
    number_from: NumberFrom = NumberFrom.START
    number_start: int = 1000
    number_end: int = 99_999_999
    number_attribute: str = "ipPhone"
    number_rest_days: int = 30
    delete_when: frozenset[AccountStatus] = frozenset({AccountStatus.DELETED})
    deletion_proof: DeletionProof = DeletionProof.TOMBSTONE
    out_of_scope: OutOfScope = OutOfScope.RELEASE
    associate_by_email: bool = False
    send_welcome_email: bool = False


# --- what is planned ----------------------------------------------------------------------------------------------


class Action(StrEnum):
    """What a change does to a PBX object."""

    DELETE = "delete"
    RELEASE = "release"
    UPDATE = "update"
    ASSOCIATE = "associate"
    CREATE = "create"


REMOVALS = frozenset({Action.DELETE, Action.RELEASE})


class Reason(StrEnum):
    """Why a change is planned; the sentences are in ``report.py``."""

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


@dataclass(frozen=True, slots=True)
class Change:
    """One planned action on one extension.

    :param user: the user as a report names them (sAMAccountName).
    :param extension_id: None for an extension that is still to be created.
    :param before: the PBX's present values of the fields that change (all managed ones for a deletion, none
        for a release, which leaves the extension as it is).
    :param after: their values afterwards; empty for a removal.
    :param drift: names of the fields that were changed on the PBX since they were last written.
    :param depends_on: keys of changes without which this one is not to be tried.
    :param association: the association as it will be when the change is done; None when it ends. The
        extension_id of one for an extension still to be created is 0.
    """

    action: Action
    guid: str
    user: str
    dn: str
    number: str
    extension_id: int | None
    reason: Reason
    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)
    drift: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    association: Association | None = None

    @property
    def key(self) -> str:
        """A name for this change that is unique within its plan."""
        vacates = ":vacate" if self.reason is Reason.ADDRESS_EXCHANGE else ""
        return f"{self.action.value}:{self.guid}{vacates}"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something that cannot be synchronized as asked.

    :param code: a stable word for it, see ``conflicts.ConflictCode``.
    :param user: the user's sAMAccountName, or the name given in the rule.
    :param message: a sentence with the value in question and the remedy.
    """

    code: str
    guid: str
    user: str
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The ordered changes of a run.

    :param id: a hash over the rule and all that would be done; the same plan has the same id in check mode and
        in a run.
    :param removals_id: a hash over the removals alone; it stays the same when everything else of the plan is done.
    :param refreshed: associations to be saved anew although the PBX needs no write (a moved or renamed user, a
        value that somebody already set to what is wanted).
    :param unchanged: number of associated extensions that are as they should be.
    :param excluded: number of users taken in by the scope whose account status keeps them without extension.
    """

    id: str
    changes: tuple[Change, ...]
    conflicts: tuple[Conflict, ...]
    removals_id: str = ""
    refreshed: tuple[Association, ...] = ()
    unchanged: int = 0
    excluded: int = 0


# --- the journal --------------------------------------------------------------------------------------------------


class JournalState(StrEnum):
    """What is known of a change that was meant to be done."""

    INTENDED = "intended"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Intent:
    """A change of an earlier run whose outcome the journal does not know.

    :param id: the journal row.
    :param registration_name: of a creation, the name drawn for it; else "".
    """

    id: int
    run_id: str
    change: Change
    registration_name: str = ""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the PBX shows to have become of an intent.

    :param save: the association that the finished change leaves behind, if any.
    :param drop: whether the association ends.
    :param retired: the number that the finished change has freed, if any.
    """

    intent: Intent
    state: JournalState
    detail: str
    save: Association | None = None
    drop: bool = False
    retired: RetiredNumber | None = None
