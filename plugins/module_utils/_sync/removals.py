# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Which associations end, why, and what becomes of their extensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync import conflicts
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.changes import park
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectorySnapshot, DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Origin
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, Conflict, ExtensionChange, Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    AccountStatus,
    DeletionProof,
    OutOfScope,
    Scope,
    UserRule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.scope import account_status

_STATUS_REASONS = {
    AccountStatus.DISABLED: Reason.ACCOUNT_DISABLED,
    AccountStatus.EXPIRED: Reason.ACCOUNT_EXPIRED,
}

_NOT_READABLE = (
    "If the account was deleted, let directory_username read the Deleted Objects container, or set deletion_proof "
    "to absence; if it was hidden, give directory_username the right to read it."
)


@dataclass(frozen=True, slots=True)
class Kept:
    """An association that goes on.

    :param user: None where the directory no longer has or shows the user and the extension is kept all the same.
    """

    association: Association
    user: DirectoryUser | None


@dataclass(slots=True)
class Sorted:
    """The associations, sorted into those that end and those that go on.

    :param parkings: the first step of removals in two steps.
    :param parked: associations whose extension was parked before and waits for its deletion.
    """

    removals: list[ExtensionChange] = field(default_factory=list)
    parkings: list[ExtensionChange] = field(default_factory=list)
    parked: list[Association] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


def deleting_status(user: DirectoryUser, rule: UserRule, directory: DirectorySnapshot) -> Reason | None:
    """Return why the account's status forbids an extension under the rule, None if it does not."""
    statuses = account_status(user, directory.time) & rule.delete_when
    for status, reason in _STATUS_REASONS.items():
        if status in statuses:
            return reason
    return None


def sort_associations(
    rule: UserRule,
    directory: DirectorySnapshot,
    associations: Sequence[Association],
    extensions: Mapping[int, Extension],
) -> Sorted:
    """Decide for each association whether it ends.

    :param extensions: the PBX's extensions by id.
    """
    inside = {user.guid: user for user in directory.users}
    outside = {user.guid: user for user in directory.outside}
    result = Sorted()
    for association in associations:
        user = inside.get(association.guid) or outside.get(association.guid)
        if user is None:
            ending = _without_user(rule, directory, association)
            if association.guid in directory.missing and _deletes_deleted(rule) and ending is None:
                result.conflicts.append(conflicts.user_not_found(association, _NOT_READABLE))
        else:
            ending = _with_user(rule, directory, association, user, is_inside=association.guid in inside)
        extension = extensions.get(association.extension_id)
        if ending is None and extension is not None and association.parked and association.guid in directory.missing:
            # Nothing proves that the user is back.
            result.parked.append(association)
        elif ending is None:
            result.kept.append(Kept(association, user))
        elif ending[0] is not Action.DELETE or extension is None or is_park_over(rule, association, directory.time):
            result.removals.append(_removal(association, ending, extension))
        elif association.parked is None:
            result.parkings.append(park(association, extension, ending[1], directory.time))
        else:
            result.parked.append(association)
    return result


def is_park_over(rule: UserRule, association: Association, now: datetime) -> bool:
    """Tell whether an extension that is due for deletion has been parked for as long as the rule asks for."""
    if not rule.park_days:
        return True
    return association.parked is not None and now - association.parked.since >= timedelta(days=rule.park_days)


def _deletes_deleted(rule: UserRule) -> bool:
    return AccountStatus.DELETED in rule.delete_when


def _without_user(
    rule: UserRule, directory: DirectorySnapshot, association: Association
) -> tuple[Action, Reason] | None:
    if not _deletes_deleted(rule):
        return None
    absent = association.guid in directory.missing and rule.deletion_proof is DeletionProof.ABSENCE
    if association.guid in directory.deleted or absent:
        return Action.DELETE, Reason.ACCOUNT_DELETED
    return None


def _with_user(
    rule: UserRule, directory: DirectorySnapshot, association: Association, user: DirectoryUser, *, is_inside: bool
) -> tuple[Action, Reason] | None:
    status = deleting_status(user, rule, directory)
    if status is not None:
        return Action.DELETE, status
    if not is_inside:
        return _out_of_scope(rule, association)
    if rule.scope is Scope.USERS and directory.bindings.get(user.guid, association.number) != association.number:
        return Action.RELEASE, Reason.BOUND_ELSEWHERE
    return None


def _out_of_scope(rule: UserRule, association: Association) -> tuple[Action, Reason]:
    """Leaving a name out of a list of users ends its association and keeps the extension, whatever the rule says
    of other scopes (the vendor's Disassociate)."""
    if rule.scope is Scope.USERS and association.origin is Origin.BOUND:
        return Action.RELEASE, Reason.NO_LONGER_LISTED
    if rule.out_of_scope is OutOfScope.DELETE:
        return Action.DELETE, Reason.OUT_OF_SCOPE
    return Action.RELEASE, Reason.OUT_OF_SCOPE


def _removal(association: Association, ending: tuple[Action, Reason], extension: Extension | None) -> ExtensionChange:
    action, reason = ending
    if extension is None:
        action, reason = Action.RELEASE, Reason.EXTENSION_GONE
    return ExtensionChange(
        action=action,
        guid=association.guid,
        name=association.account_name,
        dn=association.dn,
        number=association.number,
        object_id=association.extension_id,
        reason=reason,
        before=extension.fields if action is Action.DELETE and extension is not None else {},
        parked=association.parked if action is Action.RELEASE and extension is not None else None,
    )
