# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What is read of a PBX, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


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
class Organization:
    """One organization (department) of the tree.

    :param parent_id: 0 for the root, whose name is the company's.
    """

    id: int
    name: str
    parent_id: int


@dataclass(frozen=True, slots=True)
class ExtensionGroup:
    """One extension group.

    :param members: ids of its extensions, ascending; empty for a group of all.
    :param includes_all: whether every extension is in it (member_select ``sel_all_ext``).
    :param user_types: of its members (manager, user, custom), by their ids, where the PBX shows them.
    :param settings: its permissions, by their Open API names.
    """

    id: int
    name: str
    members: tuple[int, ...] = ()
    includes_all: bool = False
    user_types: Mapping[int, str] = field(default_factory=dict)
    settings: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupPattern:
    """What a new extension group gets besides its name and its members; see ``ExtensionGroup``."""

    user_types: Mapping[int, str] = field(default_factory=dict)
    settings: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Access:
    """How phones, clients and callers get at an extension.

    :param registration_name: what phones register with (reg_name); "" to leave it as it is.
    :param presence: the presence status; "" to leave it as it is.
    :param password_unlike: what a new random password of the Linkus clients, which nobody knows, must not hold: the
        extension's number and names (vendor's page "Add an Extension"); empty to leave the password as it is.
    """

    registration_name: str = ""
    presence: str = ""
    password_unlike: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension.

    :param id: the PBX's own integer key.
    :param fields: the managed fields by their Open API names, "" where empty.
    :param registration_name: reg_name, None where the PBX does not return it.
    :param presence: presence_status, "" where the PBX does not return it.
    :param settings: other settings that the PBX returned and takes for a new extension, by their Open API names.
    """

    id: int
    number: str
    fields: Mapping[str, str]
    registration_name: str | None = None
    organizations: tuple[OrganizationReference, ...] = ()
    presence: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


def with_access(extension: Extension, access: Access) -> Extension:
    """Return an extension as it is once its access is set."""
    return replace(
        extension,
        registration_name=access.registration_name or extension.registration_name,
        presence=access.presence or extension.presence,
    )


def has_access(extension: Extension, access: Access) -> bool:
    """Tell whether an extension shows an access; what the PBX does not show is taken for not so."""
    return with_access(extension, access) == extension


@dataclass(frozen=True, slots=True)
class PbxSnapshot:
    """The PBX as one run saw it. It exists only if every list was as long as its total and every id was answered.

    :param organizations: the organization tree, the root first; None while organization management is off.
    :param groups: the extension groups; None where nothing asked for them.
    """

    identity: PbxIdentity
    capacity: PbxCapacity
    extensions: tuple[Extension, ...]
    organizations: tuple[Organization, ...] | None = None
    groups: tuple[ExtensionGroup, ...] | None = None

    @property
    def root_organization(self) -> OrganizationReference | None:
        """The root of the organization tree; None while organization management is off."""
        if not self.organizations:
            return None
        return OrganizationReference(self.organizations[0].id, self.organizations[0].name)


@dataclass(frozen=True, slots=True)
class LiveUse:
    """Which extensions are in use as the PBX is asked.

    :param in_call: numbers of the extensions in a call that rings, is held or is talked in.
    :param agents: numbers of the extensions that are agents of a queue, logged in or not.
    :param unknown: the Open API's calls that this PBX does not answer: what they would tell is missing above.
    """

    in_call: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewExtension:
    """All that creating an extension needs; passwords are drawn by the client and never seen here.

    :param registration_name: a name drawn for this one creation: by it, an extension whose creation was never
        answered is known again.
    :param settings: see ``Extension``; what the PBX refuses of them is left out.
    """

    number: str
    fields: Mapping[str, str]
    registration_name: str
    organizations: tuple[OrganizationReference, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
