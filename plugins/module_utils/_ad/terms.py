# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Filter terms (RFC 4515) for the objects that are asked for; terms written one after the other belong into (&...)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TypeVar

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad import values
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.names import is_dn
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryGroup
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import GroupType

_Item = TypeVar("_Item")

# MS-ADTS 3.1.1.3.4.4.1 and 3.1.1.3.4.4.3: all bits of a decimal number; and the chain of nested groups, which the
# server itself follows.
_ALL_BITS = "1.2.840.113556.1.4.803"
_IN_CHAIN = "1.2.840.113556.1.4.1941"

ANYTHING = "(objectClass=*)"
# What the directory made for itself, such as Administrator, Domain Users and the unit Domain Controllers.
NOT_CRITICAL = "(!(isCriticalSystemObject=TRUE))"
# objectClass=user alone also finds computers, objectCategory=person alone also finds contacts.
ACCOUNTS = (
    f"(objectCategory=person)(objectClass=user)(!(userAccountControl:{_ALL_BITS}:={values.INTERDOMAIN_TRUST_ACCOUNT}))"
)
USERS = f"{ACCOUNTS}{NOT_CRITICAL}"
GROUPS = "(objectCategory=group)"
GROUPS_MADE_BY_PEOPLE = f"{GROUPS}{NOT_CRITICAL}(!(groupType:{_ALL_BITS}:={values.CREATED_BY_SYSTEM}))"
UNITS = "(objectCategory=organizationalUnit)"
CONTAINERS = "(|(objectClass=organizationalUnit)(objectClass=container)(objectClass=builtinDomain))"

_SECURITY_GROUP = f"(groupType:{_ALL_BITS}:={values.SECURITY_ENABLED})"
_TERM_OF_TYPE = {GroupType.SECURITY: _SECURITY_GROUP, GroupType.DISTRIBUTION: f"(!{_SECURITY_GROUP})"}

# What a person may call a user. The ambiguous name resolution of the directory (MS-ADTS 3.1.1.3.1.3.2) finds beginnings
# of these and of others, and a first name with a last name.
_NAMES = ("sAMAccountName", "userPrincipalName", "displayName")
_OTHER_NAMES = ("cn", "mail")
_ANR = "anr"

# Filters of this many terms stay far below the size that a domain controller takes.
_TERMS_A_FILTER = 100


def named(name: str) -> str:
    """Return the term for objects of exactly this DN, objectGUID or name of a user; "" for no name."""
    if not name:
        return ""
    guid = values.guid_from_name(name)
    if guid:
        return values.guid_filter(guid)
    escaped = values.escape_filter_value(name)
    if is_dn(name):
        return f"(distinguishedName={escaped})"
    return f"(|{''.join(f'({attribute}={escaped})' for attribute in _NAMES)})"


def like(text: str) -> str:
    """Return the term for objects with this in one of their names; "" for no text."""
    if not text:
        return ""
    escaped = values.escape_filter_value(text)
    parts = "".join(f"({attribute}=*{escaped}*)" for attribute in (*_NAMES, *_OTHER_NAMES))
    return f"(|({_ANR}={escaped}){parts})"


def of_types(types: Collection[GroupType]) -> str:
    """Return the term for groups of these types; "" where they leave none out, or none is named."""
    return "" if len(types) != 1 else _TERM_OF_TYPE[next(iter(types))]


def nested_in(group: DirectoryGroup) -> str:
    """Return the term for all that is in a group, by groups nested in it too; membership by primary group is not."""
    return f"(memberOf:{_IN_CHAIN}:={values.escape_filter_value(group.dn)})"


def members_of(groups: Sequence[DirectoryGroup]) -> Iterator[str]:
    """Give terms that together find the nested and primary members of groups; one empty term for no groups."""
    if not groups:
        yield ""
    for some in _batches(groups, _TERMS_A_FILTER // 2):
        terms = (f"{nested_in(group)}(primaryGroupID={group.rid})" for group in some)
        yield f"(|{''.join(terms)})"


def with_guids(guids: frozenset[str] | None) -> Iterator[str]:
    """Give terms that together find objects by objectGUID: none for no objectGUID, one empty term for no limit."""
    if guids is None:
        yield ""
        return
    for some in _batches(sorted(guids), _TERMS_A_FILTER):
        yield f"(|{''.join(values.guid_filter(guid) for guid in some)})"


def with_members(dns: Sequence[str]) -> Iterator[str]:
    """Give terms that together find the groups of which one of these objects is a direct member; none for none."""
    for some in _batches(dns, _TERMS_A_FILTER):
        yield f"(|{''.join(f'(member={values.escape_filter_value(dn)})' for dn in some)})"


def _batches(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
