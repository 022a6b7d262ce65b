# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The saved settings of each kind of synchronization, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Union


class RuleKind(StrEnum):
    """What a rule synchronizes; one rule of each kind can be saved."""

    USERS = "users"
    ORGANIZATIONAL_UNITS = "organizational_units"
    GROUPS = "groups"


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
    """What becomes of a PBX object whose directory object the rule no longer takes in."""

    RELEASE = "release"
    DELETE = "delete"


class DeletionProof(StrEnum):
    """What proves that a directory object was deleted.

    TOMBSTONE: the deleted object itself was seen. ABSENCE: no object of the domain has the objectGUID, which is
    also true of an object that the account may no longer read.
    """

    TOMBSTONE = "tombstone"
    ABSENCE = "absence"


class DriftPolicy(StrEnum):
    """What becomes of a value that a person set on the PBX since it was last written.

    CORRECT: the directory's value is put back. REPORT: it stays, and is told.
    """

    CORRECT = "correct"
    REPORT = "report"


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
    park_days: int = 0
    delete_in_use: bool = False
    delete_when: frozenset[AccountStatus] = frozenset({AccountStatus.DELETED})
    deletion_proof: DeletionProof = DeletionProof.TOMBSTONE
    out_of_scope: OutOfScope = OutOfScope.RELEASE
    associate_by_email: bool = False
    send_welcome_email: bool = False
    label_group: str = ""
    drift: DriftPolicy = DriftPolicy.CORRECT
    drift_fields: Mapping[str, DriftPolicy] = field(default_factory=dict)


class UnitScope(StrEnum):
    """Which organizational units a rule takes in."""

    ALL = "all"
    ORGANIZATIONAL_UNITS = "organizational_units"
    FILTER = "filter"


class SyncTo(StrEnum):
    """What organizational units become."""

    ORGANIZATION = "organization"
    EXTENSION_GROUP = "extension_group"


@dataclass(frozen=True, slots=True)
class UnitRule:
    """The saved settings of the synchronization of organizational units; the module documents each option."""

    scope: UnitScope = UnitScope.ALL
    organizational_units: tuple[str, ...] = ()
    filter: str = ""
    sync_to: SyncTo = SyncTo.ORGANIZATION
    parent_organization: str = ""
    company_name: str = ""
    hierarchy_from: str = ""
    hierarchy_separator: str = ""
    out_of_scope: OutOfScope = OutOfScope.RELEASE
    deletion_proof: DeletionProof = DeletionProof.TOMBSTONE
    associate_by_name: bool = False
    drift: DriftPolicy = DriftPolicy.CORRECT
    drift_fields: Mapping[str, DriftPolicy] = field(default_factory=dict)


class GroupScope(StrEnum):
    """Which groups a rule takes in."""

    ALL = "all"
    TYPES = "types"
    FILTER = "filter"
    GROUPS = "groups"


class GroupType(StrEnum):
    """What a directory group is for."""

    SECURITY = "security"
    DISTRIBUTION = "distribution"


@dataclass(frozen=True, slots=True)
class GroupRule:
    """The saved settings of the synchronization of groups; the module documents each option."""

    scope: GroupScope = GroupScope.ALL
    types: frozenset[GroupType] = frozenset()
    filter: str = ""
    groups: tuple[str, ...] = ()
    out_of_scope: OutOfScope = OutOfScope.RELEASE
    deletion_proof: DeletionProof = DeletionProof.TOMBSTONE
    associate_by_name: bool = False
    drift: DriftPolicy = DriftPolicy.CORRECT
    drift_fields: Mapping[str, DriftPolicy] = field(default_factory=dict)


AnyRule = Union[UserRule, UnitRule, GroupRule]  # noqa: UP007 (pylint knows no | here)


def leaves_drift(rule: AnyRule, name: str) -> bool:
    """Tell whether a rule leaves what a person set in a field of the PBX, rather than to put it back.

    :param name: one of the fields that ``drift_fields`` can name.
    """
    return rule.drift_fields.get(name, rule.drift) is DriftPolicy.REPORT
