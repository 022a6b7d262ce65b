# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Objects of the directory: which attributes to ask for, and what the values that came say."""

from __future__ import annotations

from collections.abc import Sequence

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

NODE_ATTRIBUTES = (GUID,)
# What searches go by. An object that hides one of these from the account is in no answer to them.
FINDING_ATTRIBUTES = ("objectClass", "objectCategory", "groupType")
GROUP_ATTRIBUTES = (GUID, "name", "objectSid", "member")
_USER_ATTRIBUTES = (GUID, ACCOUNT_NAME, "userAccountControl", "accountExpires", "primaryGroupID")
# Without these an account's state or identity is unknown. The directory leaves out what the reader may not see.
_NEEDED_USER_ATTRIBUTES = (GUID, ACCOUNT_NAME, "userAccountControl", "primaryGroupID")


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

    :raises IncompleteReadError: if it did not come.
    """
    return values.guid_text(needed(entry, GUID))


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
    return values.boolean(entry.first(IS_DELETED) or b"FALSE")


def user_attributes(wanted: Sequence[str]) -> tuple[str, ...]:
    """Return what to ask of a user so that ``user`` can tell the wanted attributes."""
    return tuple(dict.fromkeys((*_USER_ATTRIBUTES, *wanted)))


def user(entry: Entry, wanted: Sequence[str]) -> DirectoryUser:
    """Return a user with those of the wanted attributes that have a value.

    :raises IncompleteReadError: if what tells its identity or state did not come.
    """
    _guid, account_name, control, primary_group = (needed(entry, name) for name in _NEEDED_USER_ATTRIBUTES)
    texts = {name: entry.values.get(name.lower()) for name in wanted}
    return DirectoryUser(
        guid=guid_of(entry),
        dn=entry.dn,
        account_name=values.text(account_name),
        # The values of an attribute with several have no order; the least is the same in every run.
        attributes={name: values.text(min(raw)) for name, raw in texts.items() if raw},
        disabled=bool(values.integer(control) & values.ACCOUNT_DISABLED),
        expires=values.expiry(entry.first("accountExpires")),
        primary_group_id=values.integer(primary_group),
    )


def group(entry: Entry) -> DirectoryGroup:
    """Return a group that was asked for with GROUP_ATTRIBUTES.

    :raises IncompleteReadError: if what tells its identity or name did not come.
    """
    return DirectoryGroup(
        guid=guid_of(entry),
        dn=entry.dn,
        name=values.text(needed(entry, "name")),
        rid=values.relative_id(needed(entry, "objectSid")),
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
    try:
        path = names_below(entry.dn, base_dn) or (own_name(entry.dn),)
    except ValueError as error:
        raise IncompleteReadError(
            f"{error}, where it was looked for: it was moved meanwhile.", "Nothing was changed; run again."
        ) from None
    return DirectoryUnit(guid_of(entry), entry.dn, path)
