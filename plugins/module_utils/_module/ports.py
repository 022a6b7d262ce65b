# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What a run asks of the world: the directory, the PBX and the ledger, each behind an interface.

The rooms ``_ad``, ``_pbx`` and ``_ledger`` implement these; the run knows nothing else of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import (
    DirectoryGroup,
    DirectoryIdentity,
    DirectoryNode,
    DirectoryUnit,
    DirectoryUser,
    Domain,
    ObjectLookup,
    UserLookup,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.images import AnyImage
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.increment import ChangedObject, ServerStand
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import (
    Done,
    Intent,
    JournalState,
    Resolution,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    Credential,
    ObjectAssociation,
    RetiredNumber,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Access,
    Extension,
    ExtensionGroup,
    GroupPattern,
    LiveUse,
    NewExtension,
    Organization,
    OrganizationReference,
    PbxCapacity,
    PbxIdentity,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import AnyChange
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import GroupType
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on import SignOn
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on_settings import SignOnSettings


@dataclass(frozen=True, slots=True)
class UserQuery:
    """Which users to read.

    :param bases: distinguished names below which to search, each with all that is below it; a user below two of
        them is returned once.
    :param filter: an LDAP filter that users must match besides being users; "" for all.
    :param member_of: groups of which a user must be a member (any one of them), directly, by groups nested in it as
        the server follows them, or by primary group; empty for all.
    :param only: objectGUIDs to which the answer is limited; None for no limit.
    """

    bases: tuple[str, ...]
    filter: str = ""
    member_of: tuple[DirectoryGroup, ...] = ()
    only: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class UserSearch:
    """Which users to search for; all conditions together.

    :param bases: distinguished names below which to search, each with all that is below it.
    :param filter: an LDAP filter that users must match besides being users; "" for all.
    :param member_of: as in ``UserQuery``.
    :param name: DN, UPN, sAMAccountName, objectGUID or display name, exactly; "" for any.
    :param text: a part of a name; "" for any.
    """

    bases: tuple[str, ...]
    filter: str = ""
    member_of: tuple[DirectoryGroup, ...] = ()
    name: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class UnitQuery:
    """Which organizational units to read.

    :param bases: distinguished names below which to search, each with all that is below it.
    :param named: whether the bases were chosen by name: then they themselves belong to the answer, and units that the
        directory made for itself (isCriticalSystemObject, e.g. Domain Controllers) do too.
    :param filter: an LDAP filter that units must match besides being units; "" for all.
    :param only: objectGUIDs to which the answer is limited; None for no limit.
    """

    bases: tuple[str, ...]
    named: bool = False
    filter: str = ""
    only: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class GroupQuery:
    """Which groups to find; those that the directory made for itself (built in, or isCriticalSystemObject) never are.

    :param base: distinguished name below which to search.
    :param types: the types to find; empty for both.
    :param filter: an LDAP filter that groups must match besides being groups; "" for all.
    :param only: objectGUIDs to which the answer is limited; None for no limit.
    """

    base: str
    types: frozenset[GroupType] = frozenset()
    filter: str = ""
    only: frozenset[str] | None = None


class Directory(Protocol):
    """An Active Directory, bound and ready to be read.

    Every method raises a ``DirectoryError`` unless the answer is proved complete: success on every page, the paging
    control in every answer, every range followed to its end, no referral.
    """

    def identify(self) -> DirectoryIdentity:
        """Read the rootDSE and the domain root, and prove that the base DN exists, is readable and is in the domain."""

    def check_filter(self, text: str) -> None:
        """Raise ``FilterError`` unless the text is an LDAP filter (RFC 4515; blanks between its parts are allowed)."""

    def find_organizational_unit(self, name: str) -> DirectoryNode:
        """Find an OU or container by DN or by path below the base DN (``Staff/Sales``), else ``DirectoryNameError``."""

    def find_group(self, name: str) -> DirectoryNode:
        """Find a group by DN, sAMAccountName, common name or objectGUID; ``DirectoryNameError`` if none or several."""

    def find_user(self, name: str) -> DirectoryUser:
        """Find a user by DN, UPN, sAMAccountName or objectGUID; ``DirectoryNameError`` if none or several."""

    def read_users(
        self, query: UserQuery, held: Callable[[DirectoryUser], DirectoryUser] | None = None
    ) -> list[DirectoryUser]:
        """Read the users of a query, system and trust accounts left out.

        :param held: takes each as it was read, and returns an equal one that is held in its place.
        """

    def search_users(self, search: UserSearch) -> list[DirectoryUser]:
        """Search for users, each once; what the directory made for itself, such as Administrator, is found too."""

    def read_groups(self) -> list[DirectoryGroup]:
        """Read every group of the domain with its direct members."""

    def find_groups(self, query: GroupQuery) -> frozenset[str]:
        """Find the groups of a query: their objectGUIDs."""

    def find_groups_within(self, group: DirectoryGroup) -> frozenset[str]:
        """Find the groups nested in a group, as the server itself follows them: their objectGUIDs."""

    def read_units(self, query: UnitQuery) -> list[DirectoryUnit]:
        """Read the organizational units of a query, each once; their paths begin below the base DN."""

    def lockout_threshold(self) -> int:
        """Ask after how many wrong passwords the domain locks an account; 0 for never."""

    def look_up_users(self, guids: Collection[str]) -> UserLookup:
        """Ask the whole domain, deleted objects included, for users by objectGUID."""

    def look_up_objects(self, guids: Collection[str]) -> ObjectLookup:
        """Ask the whole domain, deleted objects included, for objects of any class by objectGUID."""


@runtime_checkable
class CountingDirectory(Directory, Protocol):
    """A directory that counts its changes, and so can be asked what has changed."""

    def server_stand(self) -> ServerStand:
        """Ask how far the domain controller has come with its changes, and whom it takes the account for."""

    def changed_since(self, usn: int) -> list[ChangedObject]:
        """Read what was created, changed or deleted in the whole domain after a count of changes."""

    def find_countable(self, *, users: bool) -> frozenset[str]:
        """Find all groups and units of the domain by their counts of changes: their objectGUIDs.

        :param users: whether to find the users too.
        """

    def look_up_groups(self, guids: Collection[str]) -> list[DirectoryGroup]:
        """Read groups of the domain by objectGUID, with their direct members."""

    def find_groups_of(self, dns: Sequence[str]) -> frozenset[str]:
        """Find the groups of the domain with one of these objects as a direct member: their objectGUIDs."""


class PbxWrites(Protocol):
    """The writes that a plan is made of.

    Every method raises a ``PbxError``: ``PbxRefusedError`` where the PBX refused this one call, any other where no
    further call makes sense in this run.
    """

    def set_company_name(self, name: str) -> None:
        """Set the company name, which is the root organization's name."""

    def create_organization(self, name: str, parent_id: int) -> int:
        """Create an organization and return its id.

        An answer that was lost is looked for by name below the parent before anything is sent again.
        """

    def update_organization(self, organization_id: int, name: str, parent_id: int) -> None:
        """Rename an organization and put it below a parent, in one call."""

    def delete_organization(self, organization_id: int) -> None:
        """Delete an organization; one that is already gone is a success."""

    def create_group(self, name: str, members: Sequence[int], like: int | GroupPattern | None = None) -> int:
        """Create an extension group of these extensions and return its id.

        An answer that was lost is looked for by name and members before anything is sent again.

        :param like: the permissions and the members' user types that the new one gets; or the id of a group, read
            before, whose own it gets.
        """

    def update_group(self, group_id: int, members: Sequence[int], user_types: Mapping[int, str] | None = None) -> None:
        """Give an extension group, read before, these members and no others.

        Members that stay keep their user type, and the group its permissions.

        :param user_types: of members that come in, by their ids, where they are not to be users.
        """

    def rename_group(self, group_id: int, name: str, members: Sequence[int]) -> bool:
        """Try to rename an extension group, read before, and give it these members; tell whether it has the name now.

        The Open API documents no rename: a PBX may refuse the name or take no notice of it.
        """

    def delete_group(self, group_id: int) -> None:
        """Delete an extension group; one that is already gone is a success."""

    def create_extension(self, new: NewExtension) -> int:
        """Create an extension and return its id.

        An answer that was lost is looked for by number and registration name before anything is sent again.
        """

    def update_extension(
        self,
        extension_id: int,
        fields: Mapping[str, str],
        organizations: Sequence[OrganizationReference],
        access: Access | None = None,
    ) -> None:
        """Set these managed fields and no others, and put the extension into exactly these organizations.

        :param access: what becomes of how phones, clients and callers get at it; None to leave that.
        """

    def delete_extension(self, extension_id: int) -> None:
        """Delete an extension; one that is already gone is a success."""


class PbxCommands(PbxWrites, Protocol):
    """All that a run tells a PBX to do."""

    def send_welcome_emails(self, extension_ids: Sequence[int]) -> None:
        """Ask for the Linkus welcome e-mail of these extensions, once; a lost answer is not asked again."""


class Pbx(PbxCommands, Protocol):
    """A PBX with one live access token.

    Every method raises a ``PbxError``, as its writes do. Lists are proved as long as their total, and every id asked
    for is answered, else ``IncompleteListError``.
    """

    def identity(self) -> PbxIdentity:
        """Ask system/information."""

    def capacity(self) -> PbxCapacity:
        """Ask system/capacity."""

    def live_use(self) -> LiveUse:
        """Ask which extensions are in a call and which are agents of a queue, now.

        A call that this PBX does not have, or that the API application may not make, is named in the answer.
        """

    def organizations(self) -> list[Organization] | None:
        """Read the organization tree, the root first and each parent before its children.

        None while organization management is off.
        """

    def organization(self, organization_id: int) -> Organization | None:
        """Read one organization; None if the PBX says that there is none with this id."""

    def groups(self) -> list[ExtensionGroup]:
        """Read all extension groups with their members: extensiongroup/list, extensiongroup/query in batches."""

    def group(self, group_id: int) -> ExtensionGroup | None:
        """Read one extension group; None if the PBX says that there is none with this id."""

    def can_set_company_name(self) -> bool:
        """Tell whether this PBX lets the company name be set (preference/get and update, newer firmware)."""

    def extensions(self, held: Callable[[Extension], Extension] | None = None) -> list[Extension]:
        """Read all extensions with their managed fields: extension/list page by page, extension/query in batches.

        :param held: takes each as it was read, and returns an equal one that is held in its place.
        """

    def extension(self, extension_id: int) -> Extension | None:
        """Read one extension; None if the PBX says that there is none with this id."""


@dataclass(frozen=True, slots=True)
class Integration:
    """One directory joined to one PBX.

    :param settings: the connection options as saved; never a password or a client secret.
    :param status: ``connected`` or ``disabled``.
    """

    domain: Domain
    pbx: PbxIdentity
    settings: Mapping[str, Any]
    status: str


@dataclass(frozen=True, slots=True)
class SavedRule:
    """The rule of one kind of synchronization, as saved.

    :param settings: the module's options by their names, the guard's limits too.
    :param enabled: whether runs carry it out; a rule that is not is paused.
    :param synchronized: whether a run has ever carried it out to its end.
    """

    settings: Mapping[str, Any]
    enabled: bool = True
    synchronized: bool = False


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One execution, as the ledger tells it.

    :param command: what was run, by the module's name.
    :param kinds: what it synchronized or cleaned up (``RuleKind``), in the order in which it did.
    :param state: ``running``, ``succeeded`` or ``failed``; a run that was killed stays ``running``.
    :param undoes: id of the run that it undid, or began to undo; "" for none.
    """

    id: str
    command: str
    kinds: tuple[str, ...]
    plan_id: str
    state: str
    started_at: datetime
    ended_at: datetime | None
    summary: Mapping[str, int]
    error: str
    undoes: str = ""


@dataclass(frozen=True, slots=True)
class SavedSnapshot:
    """What a run has seen of both sides, kept to be looked at without them.

    :param taken_at: when that run began.
    :param content: the recording, compressed.
    """

    run_id: str
    taken_at: datetime
    content: bytes


@dataclass(frozen=True, slots=True)
class SavedDirectory:
    """What a run has read of the directory, kept so that a later one needs to read only what changed.

    :param mark: of when and of what it is, as text.
    :param content: the answers, compressed.
    """

    mark: str
    content: bytes


class Ledger(Protocol):
    """The durable memory of one integration.

    Every method that writes is durable when it returns. Times are aware, UTC, and given by the caller.
    """

    @property
    def location(self) -> str:
        """Where the ledger is, as an administrator would name it."""

    def together(self) -> AbstractContextManager[None]:
        """All or nothing of what is written within, durable when it ends instead of with each of its parts."""

    def integration(self) -> Integration | None:
        """Return the saved integration; None before the first connection."""

    def save_integration(self, integration: Integration, at: datetime) -> None:
        """Save it; ``ForeignLedgerError`` if the ledger belongs to another domain or PBX."""

    def forget_integration(self) -> None:
        """Forget the integration and all that is saved or remembered of it.

        These are rules, names, schedule, sign-on, associations, the snapshot and the directory. Numbers that rest, runs
        and their journal are kept.
        """

    def rule(self, kind: str) -> SavedRule | None:
        """Return the saved rule of a kind (a ``RuleKind``), None if never saved."""

    def save_rule(self, kind: str, rule: SavedRule, at: datetime) -> None:
        """Save a rule."""

    def schedule(self) -> Mapping[str, Any] | None:
        """Return the saved settings of the schedule, None if there are none."""

    def save_schedule(self, settings: Mapping[str, Any] | None, at: datetime) -> None:
        """Save the settings of the schedule, or (None) forget them."""

    def sign_on(self) -> SignOn:
        """Return what is remembered of the sign-on."""

    def save_sign_on(self, settings: SignOnSettings, at: datetime) -> None:
        """Save the settings of the sign-on."""

    def forget_credential(self, credential: Credential) -> None:
        """Forget that a sign-on has set an extension's password, unless another sign-on has set it since."""

    def names(self, kind: str) -> Mapping[str, str]:
        """Return what the names in a rule were found to be: objectGUIDs by the names as they are given."""

    def save_names(self, kind: str, names: Mapping[str, str]) -> None:
        """Remember what the names in a rule were found to be, and forget those that are no longer in it."""

    def associations(self) -> list[Association]:
        """Return all associations, in the order of their objectGUIDs."""

    def object_associations(self) -> list[ObjectAssociation]:
        """Return all associations of organizations and extension groups, in the order of kinds and objectGUIDs."""

    def save_associations(self, associations: Sequence[Association | ObjectAssociation]) -> None:
        """Insert or replace associations by kind and objectGUID, all or none of them.

        :raises LedgerError: if two associations would share a PBX object.
        """

    def remember(self, run_id: str, associations: Sequence[Association | ObjectAssociation], at: datetime) -> None:
        """Save associations amid a run which the PBX needed no write for, all or none of them.

        One that differs in more than what the directory calls its object has a journal row too, which is done.
        """

    def retired_numbers(self) -> list[RetiredNumber]:
        """Return the numbers that were freed by a deletion or refused by the PBX, newest entry for each number."""

    def retire_number(self, number: RetiredNumber) -> None:
        """Remember such a number."""

    def snapshot(self) -> SavedSnapshot | None:
        """Return the snapshot that is kept, None if there is none."""

    def save_snapshot(self, snapshot: SavedSnapshot | None) -> None:
        """Keep a snapshot instead of the one before it, or (None) none."""

    def directory(self) -> SavedDirectory | None:
        """Return what is remembered of the directory, None for nothing."""

    def save_directory(self, saved: SavedDirectory | None) -> None:
        """Remember this of the directory instead of what was remembered before, or (None) nothing."""

    def mark_directory(self, mark: str) -> None:
        """Give what is remembered of the directory a later mark: it is as it was."""

    def unfinished(self) -> list[Intent]:
        """Return the journal's rows in state intended or unknown, oldest first."""

    def begin_run(self, command: str, kinds: Sequence[str], plan_id: str, at: datetime, undoes: str = "") -> str:
        """Open a run and return its id (a UUID).

        :param command: what is run, by the module's name.
        :param kinds: what it synchronizes or cleans up (``RuleKind``).
        :param undoes: id of the run that it undoes; "" for none.
        """

    def finish_run(self, run_id: str, state: str, summary: Mapping[str, int], error: str, at: datetime) -> None:
        """Close a run."""

    def runs(self, limit: int) -> list[RunRecord]:
        """Return the latest runs, newest first."""

    def run(self, run_id: str) -> RunRecord | None:
        """Return one run; None if there is none with this id."""

    def last_change(self) -> RunRecord | None:
        """Return the latest run that has done any change and is no undoing of another; None if there is none."""

    def undoings(self, run_id: str) -> list[RunRecord]:
        """Return the runs that undid, or began to undo, a run; oldest first."""

    def done_changes(self, run_id: str) -> list[Done]:
        """Return what a run has done, in the order in which it was begun."""

    def intend(
        self, run_id: str, change: AnyChange, registration_name: str, at: datetime, *, image: AnyImage | None = None
    ) -> int:
        """Write down what is about to be done, before it is done; return the journal row.

        What the change finds is written down with it: the association as it is, and the image.
        """

    def done(
        self,
        row: int,
        association: Association | ObjectAssociation | None,
        retired: RetiredNumber | None,
        at: datetime,
    ) -> None:
        """Close a journal row as done and, in the same transaction, save or (None) drop the association."""

    def not_done(self, row: int, state: JournalState, detail: str, at: datetime) -> None:
        """Close a journal row as failed, or mark its outcome unknown."""

    def resolve(self, resolutions: Sequence[Resolution], at: datetime) -> None:
        """Apply what became of unfinished rows, all or none of it."""
