# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What changed in a domain, by the count of changes that its domain controller keeps (uSNChanged).

Microsoft's "Polling for Changes Using USNChanged" is followed: the highest count that is committed is read before the
objects are, and belongs to the database that the invocationId names.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad import objects, terms, values
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import IncompleteReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.search import (
    DOMAIN_SCOPE,
    SHOW_DELETED,
    SHOW_RECYCLED,
    Entry,
    Search,
    read_all,
    read_one,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryGroup
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.increment import (
    COUNT,
    ChangedKind,
    ChangedObject,
    ServerStand,
)

if TYPE_CHECKING:
    from ldap3 import Connection

_USN = "highestCommittedUSN"
_SERVICE = "dsServiceName"
_ACCOUNT_GROUPS = "tokenGroups"
_INVOCATION_ID = "invocationId"
_CLASS = "objectClass"

# What changes often, is never above a user and is in no answer: it is not even asked for.
_OTHERS = "(!(objectClass=computer))(!(objectClass=dnsNode))"
_PEOPLE = "(objectCategory=person)"
# Nothing that matters is below an object of these. Any other may be above users: it is taken for a place.
_LEAVES = frozenset(
    {
        b"computer",
        b"contact",
        b"dnsnode",
        b"foreignsecurityprincipal",
        b"infrastructureupdate",
        b"linktrackomtentry",
        b"linktrackvolentry",
        b"printqueue",
        b"ridmanager",
        b"ridset",
        b"secret",
        b"serviceconnectionpoint",
        b"trusteddomain",
        b"volume",
    }
)


def server_stand(connection: Connection) -> ServerStand:
    """Read how far the domain controller has come, and whom it takes the account for.

    :raises IncompleteReadError: if it does not tell the count of its changes or who it is.
    """
    root = read_one(connection, Search("", terms.ANYTHING, (_USN, _SERVICE, _ACCOUNT_GROUPS), controls=()))
    if root is None:
        raise IncompleteReadError("The directory server does not show its own entry.", "Name a domain controller.")
    service = values.text(objects.needed(root, _SERVICE))
    entry = read_one(connection, Search(service, terms.ANYTHING, (_INVOCATION_ID,), controls=()))
    invocation_id = entry.first(_INVOCATION_ID) if entry is not None else None
    groups = sorted(root.values.get(_ACCOUNT_GROUPS.lower(), ()))
    return ServerStand(
        invocation_id=invocation_id.hex() if invocation_id else "",
        usn=objects.count_of(root, _USN),
        rights=sha256(b"".join(groups)).hexdigest() if groups else "",
    )


def changed_since(connection: Connection, domain_dn: str, usn: int) -> list[ChangedObject]:
    """Read what was created, changed or deleted in the whole domain after a count of changes.

    :raises IncompleteReadError: if the answer is not proved complete.
    """
    search = Search(
        domain_dn,
        f"(&({COUNT}>={usn + 1}){_OTHERS})",
        (objects.GUID, _CLASS, objects.IS_DELETED),
        controls=(DOMAIN_SCOPE, SHOW_DELETED, SHOW_RECYCLED),
    )
    return [_changed(entry) for entry in read_all(connection, search)]


def find_countable(connection: Connection, domain_dn: str, *, users: bool) -> frozenset[str]:
    """Find all groups and organizational units of the domain by their counts of changes: their objectGUIDs.

    :param users: whether to find the users too.
    """
    kinds = f"(|{terms.GROUPS}{terms.UNITS}{_PEOPLE if users else ''})"
    search = Search(domain_dn, f"(&{kinds}({COUNT}>=1))", (objects.GUID,))
    return frozenset(objects.guid_of(entry) for entry in read_all(connection, search))


def look_up_groups(connection: Connection, domain_dn: str, guids: Collection[str]) -> list[DirectoryGroup]:
    """Read groups by objectGUID, with their direct members; what is no group is not among them."""
    found: list[DirectoryGroup] = []
    for term in terms.with_guids(frozenset(guids)):
        search = Search(domain_dn, f"(&{terms.GROUPS}{term})", objects.GROUP_ATTRIBUTES)
        found += [objects.group(entry, domain_dn) for entry in read_all(connection, search)]
    return found


def find_groups_of(connection: Connection, domain_dn: str, dns: Sequence[str]) -> frozenset[str]:
    """Find the groups that have one of these objects as a direct member: their objectGUIDs."""
    found: set[str] = set()
    for term in terms.with_members(dns):
        search = Search(domain_dn, f"(&{terms.GROUPS}{term})", (objects.GUID,))
        found.update(objects.guid_of(entry) for entry in read_all(connection, search))
    return frozenset(found)


def _changed(entry: Entry) -> ChangedObject:
    is_deleted = objects.is_deleted(entry)
    classes = frozenset(name.lower() for name in entry.values.get(_CLASS.lower(), ()))
    return ChangedObject(objects.guid_of(entry), entry.dn, _kind(classes, is_deleted=is_deleted), is_deleted)


def _kind(classes: frozenset[bytes], *, is_deleted: bool) -> ChangedKind:
    if classes & _LEAVES or (is_deleted and not classes):
        return ChangedKind.LEAF
    if b"user" in classes:
        return ChangedKind.USER
    return ChangedKind.GROUP if b"group" in classes else ChangedKind.PLACE
