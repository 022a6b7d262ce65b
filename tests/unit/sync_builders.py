# SPDX-License-Identifier: GPL-3.0-or-later
"""Test data for the planner: each builder takes what matters to a test and fills in the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import (
    DirectoryGroup,
    DirectorySnapshot,
    DirectoryUser,
    Domain,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import FIELD_NAMES
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Origin, RetiredNumber
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Extension,
    PbxCapacity,
    PbxIdentity,
    PbxSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Change, Plan
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import NamedUser, Scope, UserRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.users import plan_users

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)
DOMAIN = Domain("00000000-0000-0000-0000-00000000d0d0", "DC=example,DC=test", "example.test")
PBX = PbxIdentity("3631A1234567", "P560", "37.20.0.19")


def guid(name: str) -> str:
    """The objectGUID of the user or group of that name."""
    return f"guid-{name}"


def dn(name: str) -> str:
    """The distinguished name of the user or group of that name."""
    return f"CN={name},OU=Staff,DC=example,DC=test"


def user(
    name: str,
    mail: str = "",
    *,
    first: str | None = None,
    last: str = "",
    mobile: str = "",
    title: str = "",
    disabled: bool = False,
    expires: datetime | None = None,
    primary_group_id: int = 513,
    **attributes: str,
) -> DirectoryUser:
    """A user; the given name is the account's name unless said otherwise."""
    given = {
        "givenName": name if first is None else first,
        "sn": last,
        "mail": mail,
        "telephoneNumber": mobile,
        "title": title,
        **attributes,
    }
    return DirectoryUser(
        guid=guid(name),
        dn=dn(name),
        account_name=name,
        attributes={attribute: value for attribute, value in given.items() if value},
        disabled=disabled,
        expires=expires,
        primary_group_id=primary_group_id,
    )


def group(name: str, rid: int, *members: str) -> DirectoryGroup:
    """A group with the users or groups of these names as direct members."""
    return DirectoryGroup(guid(name), dn(name), name, rid, tuple(dn(member) for member in members))


def fields(**values: str) -> dict[str, str]:
    """The managed fields by their Open API names, "" where nothing is given."""
    return {**dict.fromkeys(FIELD_NAMES, ""), **values}


def extension(id_: int, number: str, *, registration_name: str | None = None, **values: str) -> Extension:
    """An extension with these managed fields."""
    return Extension(id_, number, fields(**values), registration_name)


def extension_of(person: DirectoryUser, id_: int, number: str, **changed: str) -> Extension:
    """An extension as a synchronization leaves it, but for the fields given."""
    mail = person.attributes.get("mail", "")
    written = fields(
        first_name=person.attributes.get("givenName", ""),
        last_name=person.attributes.get("sn", ""),
        email_addr=mail,
        mobile_number=person.attributes.get("telephoneNumber", ""),
        title=person.attributes.get("title", ""),
    )
    return Extension(id_, number, {**written, **changed})


def association(
    person: DirectoryUser, held: Extension, *, origin: Origin = Origin.CREATED, **written: str
) -> Association:
    """The association of a user and an extension, last written as the extension is but for what is given."""
    return Association(
        guid=person.guid,
        extension_id=held.id,
        number=held.number,
        dn=person.dn,
        account_name=person.account_name,
        origin=origin,
        written={**held.fields, **written},
    )


def synced(person: DirectoryUser, id_: int, number: str, **changed: str) -> tuple[Extension, Association]:
    """An extension and its association as a run leaves them; then the fields given are changed on the PBX."""
    left = extension_of(person, id_, number)
    return extension_of(person, id_, number, **changed), association(person, left)


def directory(
    *users: DirectoryUser,
    outside: Sequence[DirectoryUser] = (),
    deleted: Iterable[str] = (),
    missing: Iterable[str] = (),
    bindings: Mapping[str, str] | None = None,
) -> DirectorySnapshot:
    """What the directory shows.

    :param deleted: names of users whose deleted object was seen.
    :param missing: names of users that were not shown at all.
    :param bindings: numbers by the users' names.
    """
    return DirectorySnapshot(
        domain=DOMAIN,
        time=NOW,
        users=users,
        outside=tuple(outside),
        deleted=frozenset(guid(name) for name in deleted),
        missing=frozenset(guid(name) for name in missing),
        bindings={guid(name): number for name, number in (bindings or {}).items()},
    )


def pbx(*extensions: Extension, room: int = 100) -> PbxSnapshot:
    """A PBX with these extensions and room for some more."""
    return PbxSnapshot(PBX, PbxCapacity(len(extensions) + room, len(extensions)), extensions)


def rule(**settings: Any) -> UserRule:
    """A rule with these settings; delete_when may be any collection."""
    if "delete_when" in settings:
        settings["delete_when"] = frozenset(settings["delete_when"])
    return UserRule(**settings)


def users_rule(bindings: Mapping[str, str], **settings: Any) -> UserRule:
    """A rule of scope users that binds users by name to numbers."""
    named = tuple(NamedUser(name, number) for name, number in bindings.items())
    return rule(scope=Scope.USERS, users=named, **settings)


def retired(number: str, name: str = "", *, days_ago: float = 1) -> RetiredNumber:
    """A number that was freed some days ago, by the user of that name or refused by the PBX."""
    return RetiredNumber(number, guid(name) if name else "", NOW - days_ago * DAY)


def plan(
    directory_: DirectorySnapshot,
    pbx_: PbxSnapshot | None = None,
    associations: Sequence[Association] = (),
    retired_: Sequence[RetiredNumber] = (),
    rule_: UserRule | None = None,
) -> Plan:
    """Plan, with an empty PBX and the default rule unless given."""
    return plan_users(rule_ or UserRule(), directory_, pbx_ or pbx(), associations, retired_)


def brief(changes: Iterable[Change]) -> list[str]:
    """The changes in their order, each as "action user number reason"."""
    return [f"{change.action} {change.name} {change.number} {change.reason}" for change in changes]


def codes(made: Plan) -> list[tuple[str, str]]:
    """The conflicts, each as its user and its code."""
    return [(conflict.name, conflict.code) for conflict in made.conflicts]


def with_written(held: Association, **written: str) -> Association:
    """The association with other values as last written."""
    return replace(held, written={**held.written, **written})
