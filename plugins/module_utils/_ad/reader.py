# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The directory as the run asks for it: the ``Directory`` of ``_module/ports.py``, over an open connection."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad import values
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.connection import DirectorySettings, connect
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import (
    DirectoryError,
    DirectoryNameError,
    IncompleteReadError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.filters import normalize_filter
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.names import (
    domain_dns_name,
    is_dn,
    is_within,
    split_path,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.search import (
    DOMAIN_SCOPE,
    SHOW_DELETED,
    SHOW_RECYCLED,
    Entry,
    Search,
    read_all,
    read_one,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import UserQuery
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.model import (
    DirectoryGroup,
    DirectoryIdentity,
    DirectoryNode,
    DirectoryUser,
    Domain,
    UserLookup,
)

if TYPE_CHECKING:
    from ldap3 import Connection

_Item = TypeVar("_Item")

_ANYTHING = "(objectClass=*)"
# objectClass=user alone also finds computers, objectCategory=person alone also finds contacts.
_ANY_PERSON = "(objectCategory=person)(objectClass=user)"
_ACCOUNT_CONTROL_BIT = "userAccountControl:1.2.840.113556.1.4.803:"
# MS-ADTS 3.1.1.3.4.4.3, LDAP_MATCHING_RULE_TRANSITIVE_EVAL: the server itself follows nested groups.
_IN_CHAIN = "1.2.840.113556.1.4.1941"
_NO_SYSTEM_ACCOUNT = f"(!(isCriticalSystemObject=TRUE))(!({_ACCOUNT_CONTROL_BIT}={values.INTERDOMAIN_TRUST_ACCOUNT}))"
_USERS = f"{_ANY_PERSON}{_NO_SYSTEM_ACCOUNT}"
_CONTAINERS = "(|(objectClass=organizationalUnit)(objectClass=container)(objectClass=builtinDomain))"

_GUID = "objectGUID"
_ACCOUNT_NAME = "sAMAccountName"
_USER_ATTRIBUTES = (_GUID, _ACCOUNT_NAME, "userAccountControl", "accountExpires", "primaryGroupID")
# Without these an account's state or identity is unknown. The directory leaves out what the reader may not see.
_NEEDED_USER_ATTRIBUTES = (_GUID, _ACCOUNT_NAME, "userAccountControl", "primaryGroupID")
_GROUP_ATTRIBUTES = (_GUID, _ACCOUNT_NAME, "objectSid", "member")

# MS-ADTS 6.1.1.4, the well-known GUID of Deleted Objects.
_DELETED_OBJECTS = "18E2EA80684F11D2B9AA00C04F79F805"

# Filters of this many terms stay far below the size that a domain controller takes.
_TERMS_A_FILTER = 100
_NAMES_SHOWN = 5


@contextmanager
def open_directory(settings: DirectorySettings, attributes: Sequence[str]) -> Iterator[DirectoryReader]:
    """Connect and log in; the connection is closed at the end of the with block.

    :param attributes: the attributes of users to read, by their LDAP names.
    :raises DirectoryError: see ``connection.connect``.
    """
    with connect(settings) as connection:
        yield DirectoryReader(connection, settings.base_dn, attributes)


class DirectoryReader:
    """Reads an Active Directory, or raises; see ``Directory`` in ``_module/ports.py`` for what each method promises.

    :param base_dn: distinguished name below which users and organizational units are looked for.
    :param attributes: the attributes of users to read, by their LDAP names.
    """

    def __init__(self, connection: Connection, base_dn: str, attributes: Sequence[str]) -> None:
        self._connection = connection
        self._base_dn = base_dn
        self._attributes = tuple(attributes)
        self._domain_dn = ""

    def identify(self) -> DirectoryIdentity:
        """Read the rootDSE and the domain root, and prove that the base DN exists, is readable and is in the domain."""
        own = self._read_root_dse()
        domain_dn = values.text(_needed(own, "defaultNamingContext"))
        self._prove_base(domain_dn)
        root = self._read_object(domain_dn, _ANYTHING, (_GUID,))
        if root is None:
            raise DirectoryError(
                f"The account of directory_username cannot read the domain {domain_dn}.",
                "Give it the right to read the directory.",
            )
        return DirectoryIdentity(
            domain=Domain(values.guid_text(_needed(root, _GUID)), domain_dn, domain_dns_name(domain_dn)),
            server=values.text(_needed(own, "dnsHostName")),
            time=values.generalized_time(_needed(own, "currentTime")),
            deleted_objects_readable=self._can_read_deleted_objects(domain_dn),
        )

    def check_filter(self, text: str) -> None:
        """Raise ``FilterError`` unless the text is an LDAP filter (RFC 4515; blanks between its parts are allowed)."""
        normalize_filter(text)

    def find_organizational_unit(self, name: str) -> DirectoryNode:
        """Find an OU or container by DN or by path below the base DN (``Staff/Sales``), else ``DirectoryNameError``."""
        if is_dn(name):
            self._require_within_base("organizational_units", name)
            entry = self._read_object(name, f"(|{_CONTAINERS}(objectClass=domain))", (_GUID,))
            if entry is None:
                raise _not_found("organizational_units", name, "no organizational unit or container has this DN")
            return _node(entry)
        return self._walk(name)

    def find_group(self, name: str) -> DirectoryNode:
        """Find a group by DN, sAMAccountName, common name or objectGUID; ``DirectoryNameError`` if none or several."""
        if is_dn(name):
            entry = self._read_object(name, "(objectClass=group)", (_GUID,))
            return _node(_only("groups", name, "group", [entry] if entry else []))
        guid = values.guid_from_name(name)
        escaped = values.escape_filter_value(name)
        term = values.guid_filter(guid) if guid else f"(|({_ACCOUNT_NAME}={escaped})(cn={escaped}))"
        found = self._read(self._domain(), f"(&(objectCategory=group){term})", (_GUID,))
        return _node(_only("groups", name, "group of the domain", found))

    def find_user(self, name: str) -> DirectoryUser:
        """Find a user by DN, UPN, sAMAccountName or objectGUID; ``DirectoryNameError`` if none or several."""
        if is_dn(name):
            self._require_within_base("users", name)
            entry = self._read_object(name, f"(&{_USERS})", self._user_attributes())
            return self._user(_only("users", name, "user", [entry] if entry else []))
        guid = values.guid_from_name(name)
        escaped = values.escape_filter_value(name)
        term = values.guid_filter(guid) if guid else f"(|({_ACCOUNT_NAME}={escaped})(userPrincipalName={escaped}))"
        found = self._read(self._base_dn, f"(&{_USERS}{term})", self._user_attributes())
        return self._user(_only("users", name, f"user below {self._base_dn}", found))

    def read_users(self, query: UserQuery) -> list[DirectoryUser]:
        """Read the users of a query, system and trust accounts left out."""
        own_filter = normalize_filter(query.filter) if query.filter else ""
        users: dict[str, DirectoryUser] = {}
        for base in query.bases:
            for members in _member_terms(query):
                for guids in _guid_terms(query.only):
                    whole = f"(&{_USERS}{own_filter}{members}{guids})"
                    for entry in self._read(base, whole, self._user_attributes()):
                        user = self._user(entry)
                        users[user.guid] = user
        return list(users.values())

    def read_groups(self) -> list[DirectoryGroup]:
        """Read every group of the domain with its direct members."""
        return [_group(entry) for entry in self._read(self._domain(), "(objectCategory=group)", _GROUP_ATTRIBUTES)]

    def look_up_users(self, guids: Collection[str]) -> UserLookup:
        """Ask the whole domain, deleted objects included, for users by objectGUID."""
        live: dict[str, DirectoryUser] = {}
        deleted: set[str] = set()
        attributes = (*self._user_attributes(), "isDeleted")
        for term in _guid_terms(frozenset(guids)):
            search = Search(self._domain(), term, attributes, controls=(DOMAIN_SCOPE, SHOW_DELETED, SHOW_RECYCLED))
            for entry in read_all(self._connection, search):
                if values.boolean(entry.first("isDeleted") or b"FALSE"):
                    deleted.add(values.guid_text(_needed(entry, _GUID)))
                else:
                    user = self._user(entry)
                    live[user.guid] = user
        return UserLookup(live, frozenset(deleted))

    # What the methods above share

    def _read(self, base: str, text: str, attributes: Sequence[str]) -> list[Entry]:
        return read_all(self._connection, Search(base, text, attributes))

    def _read_object(self, dn: str, text: str, attributes: Sequence[str]) -> Entry | None:
        return read_one(self._connection, Search(dn, text, attributes))

    def _read_root_dse(self) -> Entry:
        attributes = ("defaultNamingContext", "dnsHostName", "currentTime")
        entry = read_one(self._connection, Search("", _ANYTHING, attributes, controls=()))
        if entry is None or entry.first("defaultNamingContext") is None:
            raise DirectoryError(
                "directory_host is not an Active Directory domain controller: it names no domain.",
                "Name a domain controller.",
            )
        return entry

    def _domain(self) -> str:
        if not self._domain_dn:
            self._domain_dn = values.text(_needed(self._read_root_dse(), "defaultNamingContext"))
        return self._domain_dn

    def _prove_base(self, domain_dn: str) -> None:
        if not is_dn(self._base_dn):
            raise _not_found("directory_base_dn", self._base_dn, "it is not a distinguished name")
        if not is_within(self._base_dn, domain_dn):
            raise _not_found("directory_base_dn", self._base_dn, f"the server's domain is {domain_dn}")
        if self._read_object(self._base_dn, _ANYTHING, (_GUID,)) is None:
            raise _not_found("directory_base_dn", self._base_dn, "no object that the account may read has this DN")

    def _can_read_deleted_objects(self, domain_dn: str) -> bool:
        search = Search(
            f"<WKGUID={_DELETED_OBJECTS},{domain_dn}>", _ANYTHING, (_GUID,), controls=(DOMAIN_SCOPE, SHOW_DELETED)
        )
        container = read_one(self._connection, search)
        # Some servers show the container, but nothing of it, to those who may not read it.
        return container is not None and container.first(_GUID) is not None

    def _require_within_base(self, parameter: str, dn: str) -> None:
        if not is_within(dn, self._base_dn):
            raise _not_found(parameter, dn, f"it is not below directory_base_dn {self._base_dn}")

    def _walk(self, path: str) -> DirectoryNode:
        """Follow a path from the base DN down, one name at a time."""
        try:
            names = split_path(path)
        except ValueError as error:
            raise _not_found("organizational_units", path, str(error)) from None
        here = self._base_dn
        found: Entry | None = None
        for name in names:
            text = f"(&{_CONTAINERS}(name={values.escape_filter_value(name)}))"
            children = read_all(self._connection, Search(here, text, (_GUID,), scope="LEVEL"))
            found = _only("organizational_units", path, f"organizational unit {name} in {here}", children)
            here = found.dn
        if found is None:
            raise _not_found("organizational_units", path, "it is empty")
        return _node(found)

    def _user_attributes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*_USER_ATTRIBUTES, *self._attributes)))

    def _user(self, entry: Entry) -> DirectoryUser:
        guid, account_name, control, primary_group = (_needed(entry, name) for name in _NEEDED_USER_ATTRIBUTES)
        texts = {name: entry.values.get(name.lower()) for name in self._attributes}
        return DirectoryUser(
            guid=values.guid_text(guid),
            dn=entry.dn,
            account_name=values.text(account_name),
            # The values of an attribute with several have no order; the least is the same in every run.
            attributes={name: values.text(min(raw)) for name, raw in texts.items() if raw},
            disabled=bool(values.integer(control) & values.ACCOUNT_DISABLED),
            expires=values.expiry(entry.first("accountExpires")),
            primary_group_id=values.integer(primary_group),
        )


def _member_terms(query: UserQuery) -> Iterator[str]:
    """Give filter terms for nested and primary membership of the query's groups; an empty one for no condition."""
    if not query.member_of:
        yield ""
    for groups in _batches(query.member_of, _TERMS_A_FILTER // 2):
        terms = (
            f"(memberOf:{_IN_CHAIN}:={values.escape_filter_value(group.dn)})(primaryGroupID={group.rid})"
            for group in groups
        )
        yield f"(|{''.join(terms)})"


def _guid_terms(guids: frozenset[str] | None) -> Iterator[str]:
    """Give filter terms for the objectGUIDs, none for none of them; an empty one for no condition."""
    if guids is None:
        yield ""
        return
    for some in _batches(sorted(guids), _TERMS_A_FILTER):
        yield f"(|{''.join(values.guid_filter(guid) for guid in some)})"


def _batches(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _group(entry: Entry) -> DirectoryGroup:
    return DirectoryGroup(
        guid=values.guid_text(_needed(entry, _GUID)),
        dn=entry.dn,
        name=values.text(_needed(entry, _ACCOUNT_NAME)),
        rid=values.relative_id(_needed(entry, "objectSid")),
        members=tuple(values.text(member) for member in entry.values.get("member", ())),
    )


def _node(entry: Entry) -> DirectoryNode:
    return DirectoryNode(values.guid_text(_needed(entry, _GUID)), entry.dn)


def _needed(entry: Entry, attribute: str) -> bytes:
    raw = entry.first(attribute)
    if raw is None:
        raise IncompleteReadError(
            f"{entry.dn or 'The server'} was read without its {attribute}, which every such object has.",
            "Give the account of directory_username the right to read this attribute.",
        )
    return raw


def _only(parameter: str, name: str, what: str, found: Sequence[Entry]) -> Entry:
    if not found:
        raise _not_found(parameter, name, f"there is no {what} of this name that the account may read")
    if len(found) > 1:
        shown = "; ".join(entry.dn for entry in found[:_NAMES_SHOWN])
        raise DirectoryNameError(
            f"{parameter} names {name}, which is the name of {len(found)} objects: {shown}.",
            "Give the distinguished name of the one that is meant.",
        )
    return found[0]


def _not_found(parameter: str, name: str, why: str) -> DirectoryNameError:
    return DirectoryNameError(f"{parameter} {name} cannot be used: {why}.", "Correct the name.")
