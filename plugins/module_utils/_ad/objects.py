# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Objects of the directory: which attributes to ask for, and what the values that came say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad import values
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import IncompleteReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.names import names_below, own_name
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.search import Entry
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import (
    DirectoryGroup,
    DirectoryNode,
    DirectoryUnit,
    DirectoryUser,
)

GUID = "objectGUID"
ACCOUNT_NAME = "sAMAccountName"
IS_DELETED = "isDeleted"
LOCKOUT_THRESHOLD = "lockoutThreshold"
_EXPIRES = "accountExpires"

NODE_ATTRIBUTES = (GUID,)
# What searches go by. An object that hides one of these from the account is in no answer to them.
FINDING_ATTRIBUTES = ("objectClass", "objectCategory", "groupType")
GROUP_ATTRIBUTES = (GUID, "name", "objectSid", "member")
_USER_ATTRIBUTES = (GUID, ACCOUNT_NAME, "userAccountControl", _EXPIRES, "primaryGroupID")

_Value = TypeVar("_Value")


def needed(entry: Entry, attribute: str) -> bytes:
    """Return the value of an attribute that every such object has.

    :raises IncompleteReadError: if it did not come.
    """
    raw = entry.first(attribute)
    if raw is None:
        raise IncompleteReadError(
            f"{entry.dn or 'The server'} was read without its {attribute}, which every such object has.",
            "Give the account of directory_username the right to read this attribute.",
        )
    return raw


def guid_of(entry: Entry) -> str:
    """Return an object's objectGUID as text.

    :raises IncompleteReadError: if it did not come, or is none.
    """
    return _decoded(entry, GUID, values.guid_text)


def time_of(entry: Entry, attribute: str) -> datetime:
    """Return the time in an attribute that every such object has.

    :raises IncompleteReadError: if it did not come, or is none.
    """
    return _decoded(entry, attribute, values.generalized_time)


def count_of(entry: Entry, attribute: str) -> int:
    """Return the number in an attribute that every such object has.

    :raises IncompleteReadError: if it did not come, or is none.
    """
    return _decoded(entry, attribute, values.integer)


def _decoded(entry: Entry, attribute: str, decode: Callable[[bytes], _Value]) -> _Value:
    """Decode an attribute that every such object has; an account of which a part is unreadable is not known at all."""
    raw = needed(entry, attribute)
    try:
        return decode(raw)
    except ValueError:
        raise IncompleteReadError(
            f"{entry.dn or 'The server'} was read with a {attribute} that cannot be read.",
            "Nothing was changed; run again, and check the object in the directory if it stays so.",
        ) from None


def lockout_threshold(entry: Entry) -> int:
    """Return a domain's account lockout threshold; 0 where it has none, or hides it.

    :raises IncompleteReadError: if it is no number.
    """
    if entry.first(LOCKOUT_THRESHOLD) is None:
        return 0
    return _decoded(entry, LOCKOUT_THRESHOLD, values.integer)


def require_findable(entry: Entry) -> None:
    """Refuse an object that was found by its objectGUID and that searches for its kind would leave out.

    :param entry: asked for with FINDING_ATTRIBUTES; a deleted object has no category (MS-ADTS 3.1.1.5.5.1.1).
    :raises IncompleteReadError: if the account may not see what kind of object it is.
    """
    needed(entry, "objectCategory")
    if b"group" in entry.values.get("objectclass", ()):
        needed(entry, "groupType")


def is_deleted(entry: Entry) -> bool:
    """Tell whether an object that was asked for with IS_DELETED is a deleted one (MS-ADTS 3.1.1.5.5)."""
    return entry.first(IS_DELETED) is not None and _decoded(entry, IS_DELETED, values.boolean)


def user_attributes(wanted: Sequence[str]) -> tuple[str, ...]:
    """Return what to ask of a user so that ``user`` can tell the wanted attributes."""
    return tuple(dict.fromkeys((*_USER_ATTRIBUTES, *wanted)))


def user(entry: Entry, wanted: Sequence[str]) -> DirectoryUser:
    """Return a user with those of the wanted attributes that have a value.

    :raises IncompleteReadError: if what tells its identity or state did not come, or cannot be read.
    """
    found = entry.values
    return DirectoryUser(
        guid=guid_of(entry),
        dn=entry.dn,
        account_name=_decoded(entry, ACCOUNT_NAME, values.text),
        # The values of an attribute with several have no order; the least is the same in every run.
        attributes={name: values.text(min(raw)) for name in wanted if (raw := found.get(name.lower()))},
        disabled=bool(_decoded(entry, "userAccountControl", values.integer) & values.ACCOUNT_DISABLED),
        expires=_decoded(entry, _EXPIRES, values.expiry) if entry.first(_EXPIRES) is not None else None,
        primary_group_id=_decoded(entry, "primaryGroupID", values.integer),
    )


def group(entry: Entry, domain_dn: str) -> DirectoryGroup:
    """Return a group that was asked for with GROUP_ATTRIBUTES.

    :param domain_dn: where it was looked for, spelled by the same directory.
    :raises IncompleteReadError: if what tells its identity or name did not come, or cannot be read, or it is not where
        it was looked for.
    """
    _names_below(entry, domain_dn)
    return DirectoryGroup(
        guid=guid_of(entry),
        dn=entry.dn,
        name=values.text(needed(entry, "name")),
        rid=_decoded(entry, "objectSid", values.relative_id),
        members=tuple(values.text(member) for member in entry.values.get("member", ())),
    )


def node(entry: Entry) -> DirectoryNode:
    """Return an object of any class that was asked for with NODE_ATTRIBUTES.

    :raises IncompleteReadError: if what tells its identity did not come.
    """
    return DirectoryNode(guid_of(entry), entry.dn)


def unit(entry: Entry, base_dn: str) -> DirectoryUnit:
    """Return an organizational unit that was asked for with NODE_ATTRIBUTES; its parent is left open.

    :param base_dn: where its path begins, spelled by the same directory. The base itself has its own name for a path.
    :raises IncompleteReadError: if what tells its identity did not come, or it is not where it was looked for.
    """
    path = _names_below(entry, base_dn) or (own_name(entry.dn),)
    return DirectoryUnit(guid_of(entry), entry.dn, path)


def _names_below(entry: Entry, base_dn: str) -> tuple[str, ...]:
    try:
        return names_below(entry.dn, base_dn)
    except ValueError as error:
        raise IncompleteReadError(
            f"{error}, where it was looked for: it was moved meanwhile.", "Nothing was changed; run again."
        ) from None
