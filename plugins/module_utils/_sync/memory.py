# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What is remembered from one run to the next, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind


class ObjectKind(StrEnum):
    """What a PBX object is."""

    EXTENSION = "extension"
    ORGANIZATION = "organization"
    EXTENSION_GROUP = "extension_group"


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
class Parked:
    """An extension that is due for deletion and cannot be used meanwhile.

    :param since: when it was parked, aware.
    :param registration_name: what its phones registered with before; "" where the PBX does not show it.
    :param presence: its presence status before; "" where the PBX does not show it.
    """

    since: datetime
    registration_name: str
    presence: str


@dataclass(frozen=True, slots=True)
class Association:
    """This objectGUID is this extension, and these are the values last written.

    :param account_name: sAMAccountName when last seen, to name the user in reports.
    :param written: managed fields by their Open API names as last written; the middle of the three-way compare.
    :param organization_id: the organization that the synchronization put the extension in; 0 for none.
    :param parked: None for an extension that can be used.
    :param user_principal_name: userPrincipalName when last seen, by which the user can sign on; "" for none.
    """

    guid: str
    extension_id: int
    number: str
    dn: str
    account_name: str
    origin: Origin
    written: Mapping[str, str]
    welcome: Welcome = Welcome.NONE
    organization_id: int = 0
    parked: Parked | None = None
    user_principal_name: str = ""


@dataclass(frozen=True, slots=True)
class Credential:
    """That the user password of an extension (that of the Linkus clients) is one that a sign-on has set.

    :param guid: objectGUID of the user who signed on.
    :param set_at: when, aware; tells two sign-ons apart.
    """

    extension_id: int
    guid: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class ObjectAssociation:
    """This organizational unit or group is this organization or extension group, and this is what was last written.

    :param guid: objectGUID; for an organization made of an attribute's value ``attribute:value``, for the label group
        ``label``. Unique within its kind.
    :param rule: the rule that made it.
    :param dn: distinguished name when last seen; "" where there is none.
    :param name: its name on the PBX as last written.
    :param parent_id: the organization below which it was last put; 0 for an extension group, and for an organization
        that is to be deleted as soon as it can be.
    :param members: ids of the extensions last written as a group's members, ascending.
    :param leftover_id: id of the group that this one was made in place of and that is still to be deleted; 0 for none.
    """

    guid: str
    kind: ObjectKind
    rule: RuleKind
    object_id: int
    dn: str
    name: str
    origin: Origin
    parent_id: int = 0
    members: tuple[int, ...] = ()
    leftover_id: int = 0


@dataclass(frozen=True, slots=True)
class RetiredNumber:
    """A number that is not to be given for a while.

    :param guid: whose it was; that user may have it back at once. "" for a number that the PBX refused because
        another of its objects (a queue, an IVR, …) holds it.
    """

    number: str
    guid: str
    since: datetime
