# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The directory as the run asks for it: the ``Directory`` of ``_module/ports.py``, over an open connection."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad import changes, objects, terms, values
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
    read_objects,
    read_one,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import (
    GroupQuery,
    UnitQuery,
    UserQuery,
    UserSearch,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import (
    DirectoryGroup,
    DirectoryIdentity,
    DirectoryNode,
    DirectoryUnit,
    DirectoryUser,
    Domain,
    ObjectLookup,
    UserLookup,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.increment import ChangedObject, ServerStand

if TYPE_CHECKING:
    from ldap3 import Connection

# MS-ADTS 6.1.1.4, the well-known GUID of Deleted Objects.
_DELETED_OBJECTS = "18E2EA80684F11D2B9AA00C04F79F805"

_DOMAIN = "defaultNamingContext"

_NAMES_SHOWN = 5

_Object = TypeVar("_Object")


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
        own = self._read_root_dse("dnsHostName", "currentTime")
        domain_dn = self._domain_dn = values.text(objects.needed(own, _DOMAIN))
        self._prove_base(domain_dn)
        root = self._read_object(domain_dn, terms.ANYTHING, objects.NODE_ATTRIBUTES)
        if root is None:
            raise DirectoryError(
                f"The account of directory_username cannot read the domain {domain_dn}.",
                "Give it the right to read the directory.",
            )
        return DirectoryIdentity(
            domain=Domain(objects.guid_of(root), domain_dn, domain_dns_name(domain_dn)),
            server=values.text(objects.needed(own, "dnsHostName")),
            time=objects.time_of(own, "currentTime"),
            deleted_objects_readable=self._can_read_deleted_objects(domain_dn),
        )

    def check_filter(self, text: str) -> None:
        """Raise ``FilterError`` unless the text is an LDAP filter (RFC 4515; blanks between its parts are allowed)."""
        normalize_filter(text)

    def find_organizational_unit(self, name: str) -> DirectoryNode:
        """Find an OU or container by DN or by path below the base DN (``Staff/Sales``), else ``DirectoryNameError``."""
        if is_dn(name):
            self._require_within_base("organizational_units", name)
            entry = self._read_object(name, f"(|{terms.CONTAINERS}(objectClass=domain))", objects.NODE_ATTRIBUTES)
            if entry is None:
                raise _not_found("organizational_units", name, "no organizational unit or container has this DN")
            return objects.node(entry)
        return self._walk(name)

    def find_group(self, name: str) -> DirectoryNode:
        """Find a group by DN, sAMAccountName, common name or objectGUID; ``DirectoryNameError`` if none or several."""
        if is_dn(name):
            entry = self._read_object(name, "(objectClass=group)", objects.NODE_ATTRIBUTES)
            return objects.node(_only("groups", name, "group", [entry] if entry else []))
        guid = values.guid_from_name(name)
        escaped = values.escape_filter_value(name)
        term = values.guid_filter(guid) if guid else f"(|({objects.ACCOUNT_NAME}={escaped})(cn={escaped}))"
        found = self._read_entries(self._domain(), f"(&{terms.GROUPS}{term})", objects.NODE_ATTRIBUTES)
        return objects.node(_only("groups", name, "group of the domain", found))

    def find_user(self, name: str) -> DirectoryUser:
        """Find a user by DN, UPN, sAMAccountName or objectGUID; ``DirectoryNameError`` if none or several."""
        if is_dn(name):
            self._require_within_base("users", name)
            entry = self._read_object(name, f"(&{terms.USERS})", self._user_attributes())
            return self._user(_only("users", name, "user", [entry] if entry else []))
        guid = values.guid_from_name(name)
        escaped = values.escape_filter_value(name)
        term = (
            values.guid_filter(guid) if guid else f"(|({objects.ACCOUNT_NAME}={escaped})(userPrincipalName={escaped}))"
        )
        found = self._read_entries(self._base_dn, f"(&{terms.USERS}{term})", self._user_attributes())
        return self._user(_only("users", name, f"user below {self._base_dn}", found))

    def read_users(
        self, query: UserQuery, held: Callable[[DirectoryUser], DirectoryUser] | None = None
    ) -> list[DirectoryUser]:
        """Read the users of a query, system and trust accounts left out.

        :param held: takes each as it was read, and returns an equal one that is held in its place.
        """
        make = (lambda entry: held(self._user(entry))) if held else self._user
        own_filter = _own_filter(query.filter)
        users: dict[str, DirectoryUser] = {}
        for base in query.bases:
            for members in terms.members_of(query.member_of):
                conditions = f"{terms.USERS}{own_filter}{members}"
                for user in self._read_limited(base, conditions, query.only, self._user_attributes(), make):
                    users[user.guid] = user
        return list(users.values())

    def search_users(self, search: UserSearch) -> list[DirectoryUser]:
        """Search for users, each once; what the directory made for itself, such as Administrator, is found too."""
        named = f"{terms.named(search.name)}{terms.like(search.text)}"
        conditions = f"{terms.ACCOUNTS}{_own_filter(search.filter)}{named}"
        users: dict[str, DirectoryUser] = {}
        for base in search.bases:
            for members in terms.members_of(search.member_of):
                for user in self._read(base, f"(&{conditions}{members})", self._user_attributes(), self._user):
                    users[user.guid] = user
        return list(users.values())

    def read_groups(self) -> list[DirectoryGroup]:
        """Read every group of the domain with its direct members."""
        domain_dn = self._domain()
        return self._read(
            domain_dn, terms.GROUPS, objects.GROUP_ATTRIBUTES, lambda entry: objects.group(entry, domain_dn)
        )

    def find_groups(self, query: GroupQuery) -> frozenset[str]:
        """Find the groups of a query: their objectGUIDs."""
        conditions = f"{terms.GROUPS_MADE_BY_PEOPLE}{terms.of_types(query.types)}{_own_filter(query.filter)}"
        return frozenset(
            self._read_limited(query.base, conditions, query.only, objects.NODE_ATTRIBUTES, objects.guid_of)
        )

    def find_groups_within(self, group: DirectoryGroup) -> frozenset[str]:
        """Find the groups nested in a group, as the server itself follows them: their objectGUIDs."""
        text = f"(&{terms.GROUPS}{terms.nested_in(group)})"
        return frozenset(self._read(self._domain(), text, objects.NODE_ATTRIBUTES, objects.guid_of))

    def read_units(self, query: UnitQuery) -> list[DirectoryUnit]:
        """Read the organizational units of a query, each once; their paths begin below the base DN."""
        conditions = f"{terms.UNITS}{'' if query.named else terms.NOT_CRITICAL}{_own_filter(query.filter)}"
        # A name that a person wrote may differ from the directory's own in more than case: objects are told apart by
        # objectGUID, and paths begin at the base DN as the directory spells it.
        base_dn = self._existing(self._base_dn).dn
        left_out = set() if query.named else {self._existing(base).guid for base in query.bases}
        units: dict[str, DirectoryUnit] = {}
        for base in query.bases:
            for unit in self._read_limited(
                base, conditions, query.only, objects.NODE_ATTRIBUTES, lambda entry: objects.unit(entry, base_dn)
            ):
                if unit.guid not in left_out:
                    units[unit.guid] = unit
        return list(units.values())

    def lockout_threshold(self) -> int:
        """Ask after how many wrong passwords the domain locks an account; 0 for never (MS-ADA1, lockoutThreshold).

        Policies for single groups (msDS-PasswordSettings) may say less; the account can seldom read them.
        """
        root = self._read_object(self._domain(), terms.ANYTHING, (objects.LOCKOUT_THRESHOLD,))
        return objects.lockout_threshold(root) if root is not None else 0

    def look_up_users(self, guids: Collection[str]) -> UserLookup:
        """Ask the whole domain, deleted objects included, for users by objectGUID."""
        entries, deleted = self._look_up(guids, self._user_attributes())
        users = [self._user(entry) for entry in entries]
        return UserLookup({user.guid: user for user in users}, deleted)

    def look_up_objects(self, guids: Collection[str]) -> ObjectLookup:
        """Ask the whole domain, deleted objects included, for objects of any class by objectGUID."""
        entries, deleted = self._look_up(guids, objects.NODE_ATTRIBUTES)
        nodes = [objects.node(entry) for entry in entries]
        return ObjectLookup({node.guid: node for node in nodes}, deleted)

    def server_stand(self) -> ServerStand:
        """Ask how far the domain controller has come with its changes, and whom it takes the account for."""
        return changes.server_stand(self._connection)

    def changed_since(self, usn: int) -> list[ChangedObject]:
        """Read what was created, changed or deleted in the whole domain after a count of changes."""
        return changes.changed_since(self._connection, self._domain(), usn)

    def find_countable(self, *, users: bool) -> frozenset[str]:
        """Find all groups and units, and users too, of the domain by their counts of changes: their objectGUIDs."""
        return changes.find_countable(self._connection, self._domain(), users=users)

    def look_up_groups(self, guids: Collection[str]) -> list[DirectoryGroup]:
        """Read groups of the domain by objectGUID, with their direct members."""
        return changes.look_up_groups(self._connection, self._domain(), guids)

    def find_groups_of(self, dns: Sequence[str]) -> frozenset[str]:
        """Find the groups of the domain with one of these objects as a direct member: their objectGUIDs."""
        return changes.find_groups_of(self._connection, self._domain(), dns)

    # What the methods above share

    def _read(self, base: str, text: str, attributes: Sequence[str], make: Callable[[Entry], _Object]) -> list[_Object]:
        return read_objects(self._connection, Search(base, text, attributes), make)

    def _read_entries(self, base: str, text: str, attributes: Sequence[str]) -> list[Entry]:
        return read_all(self._connection, Search(base, text, attributes))

    def _read_object(self, dn: str, text: str, attributes: Sequence[str]) -> Entry | None:
        return read_one(self._connection, Search(dn, text, attributes))

    def _read_limited(
        self,
        base: str,
        conditions: str,
        only: frozenset[str] | None,
        attributes: Sequence[str],
        make: Callable[[Entry], _Object],
    ) -> Iterator[_Object]:
        """Read what meets the conditions, in as many questions as the objectGUIDs it is limited to take."""
        for guids in terms.with_guids(only):
            yield from self._read(base, f"(&{conditions}{guids})", attributes, make)

    def _existing(self, dn: str) -> DirectoryNode:
        """Read which object a DN names, and its DN as the directory spells it; it was found before."""
        entry = self._read_object(dn, terms.ANYTHING, objects.NODE_ATTRIBUTES)
        if entry is None:
            raise IncompleteReadError(
                f"{dn} was found before and is not there any more, or the account of directory_username may no longer "
                "read it.",
                "Nothing was changed; run again.",
            )
        return objects.node(entry)

    def _look_up(self, guids: Collection[str], attributes: Sequence[str]) -> tuple[list[Entry], frozenset[str]]:
        """Ask the whole domain for objects: those that exist, and the objectGUIDs of those seen deleted.

        Of whom nothing was seen it is asked once more: such an object may be taken for gone, and an answer that lost
        one of several pages' entries on its way looks as good as any.

        :raises IncompleteReadError: if the second answer shows what the first did not.
        """
        live, deleted = self._ask_for(frozenset(guids), attributes)
        unseen = frozenset(guids) - deleted - {objects.guid_of(entry) for entry in live}
        found, found_deleted = self._ask_for(unseen, objects.NODE_ATTRIBUTES)
        if found or found_deleted:
            raise IncompleteReadError(
                f"The directory server showed {len(found) + len(found_deleted)} object(s) only when it was asked for "
                "them once more: its first answer was incomplete.",
                "Nothing was changed; run again.",
            )
        return live, deleted

    def _ask_for(self, guids: frozenset[str], attributes: Sequence[str]) -> tuple[list[Entry], frozenset[str]]:
        live: list[Entry] = []
        deleted: set[str] = set()
        controls = (DOMAIN_SCOPE, SHOW_DELETED, SHOW_RECYCLED)
        for term in terms.with_guids(guids):
            asked = (*attributes, objects.IS_DELETED, *objects.FINDING_ATTRIBUTES)
            search = Search(self._domain(), term, asked, controls=controls)
            for entry in read_all(self._connection, search):
                if objects.is_deleted(entry):
                    deleted.add(objects.guid_of(entry))
                else:
                    objects.require_findable(entry)
                    live.append(entry)
        return live, frozenset(deleted)

    def _read_root_dse(self, *more: str) -> Entry:
        """Read what the server says of itself: the domain, and more where it is asked for."""
        entry = read_one(self._connection, Search("", terms.ANYTHING, (_DOMAIN, *more), controls=()))
        if entry is None or not is_dn(values.text(entry.first(_DOMAIN) or b"")):
            raise DirectoryError(
                "directory_host is not an Active Directory domain controller: it names no domain.",
                "Name a domain controller.",
            )
        return entry

    def _domain(self) -> str:
        if not self._domain_dn:
            self._domain_dn = values.text(objects.needed(self._read_root_dse(), _DOMAIN))
        return self._domain_dn

    def _prove_base(self, domain_dn: str) -> None:
        if not is_dn(self._base_dn):
            raise _not_found("directory_base_dn", self._base_dn, "it is not a distinguished name")
        if not is_within(self._base_dn, domain_dn):
            raise _not_found("directory_base_dn", self._base_dn, f"the server's domain is {domain_dn}")
        if self._read_object(self._base_dn, terms.ANYTHING, objects.NODE_ATTRIBUTES) is None:
            raise _not_found("directory_base_dn", self._base_dn, "no object that the account may read has this DN")

    def _can_read_deleted_objects(self, domain_dn: str) -> bool:
        search = Search(
            f"<WKGUID={_DELETED_OBJECTS},{domain_dn}>",
            terms.ANYTHING,
            objects.NODE_ATTRIBUTES,
            controls=(DOMAIN_SCOPE, SHOW_DELETED),
        )
        container = read_one(self._connection, search)
        # Some servers show the container, but nothing of it, to those who may not read it.
        return container is not None and container.first(objects.GUID) is not None

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
            text = f"(&{terms.CONTAINERS}(name={values.escape_filter_value(name)}))"
            children = read_all(self._connection, Search(here, text, objects.NODE_ATTRIBUTES, scope="LEVEL"))
            found = _only("organizational_units", path, f"organizational unit {name} in {here}", children)
            here = found.dn
        if found is None:
            raise _not_found("organizational_units", path, "it is empty")
        return objects.node(found)

    def _user_attributes(self) -> tuple[str, ...]:
        return objects.user_attributes(self._attributes)

    def _user(self, entry: Entry) -> DirectoryUser:
        return objects.user(entry, self._attributes)


def _own_filter(text: str) -> str:
    return normalize_filter(text) if text else ""


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
