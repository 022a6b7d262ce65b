# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes to the lab's directory over LDAPS, as an administrator makes them."""

from __future__ import annotations

import re
import secrets
import ssl
import struct
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import ldap3
from ldap3.protocol.microsoft import security_descriptor_control
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import escape_rdn

from .processes import LabError
from .samba import LDAPS_PORT, DomainController

AttributeValue = str | bytes | int | Sequence[str | bytes] | None

SHOW_DELETED = ("1.2.840.113556.1.4.417", True, None)
TREE_DELETE = ("1.2.840.113556.1.4.805", True, None)

# userAccountControl (MS-ADTS 2.2.16)
ACCOUNT_DISABLED = 0x2
NORMAL_ACCOUNT = 0x200

# groupType (MS-ADTS 2.2.12), signed 32-bit as LDAP shows it
GROUP_TYPES = {
    "global security": 0x2 - 0x80000000,
    "domain local security": 0x4 - 0x80000000,
    "universal security": 0x8 - 0x80000000,
    "global distribution": 0x2,
    "universal distribution": 0x8,
}

NEVER = 0x7FFFFFFFFFFFFFFF


@dataclass(frozen=True)
class _FoundEntry:
    dn: str
    raw_attributes: Mapping[str, list[bytes]]


class DirectoryAdmin:
    """A connection as the domain's Administrator. DNs go in and come out as strings.

    objectGUIDs come out in the usual text form, for example
    `1f0e3c1a-8b8e-4f8e-9d9b-3a3b5a0f3d11`. Any refusal by the server raises LabError with the
    result's name and text.
    """

    def __init__(self, connection: Any, base_dn: str) -> None:
        self._connection = connection
        self.base_dn = base_dn
        self.users_dn = f"CN=Users,{base_dn}"

    def add_user(
        self,
        name: str,
        *,
        parent: str | None = None,
        sam_account_name: str | None = None,
        password: str | None = None,
        enabled: bool = True,
        object_class: str = "user",
        **attributes: AttributeValue,
    ) -> str:
        """Add a user called `name` (its CN) under `parent` (CN=Users by default).

        `sam_account_name` and `password` are made up when not given. `attributes` are LDAP
        attributes by name, such as `mail="a@lab.test"`. Gives the objectGUID.
        """
        dn = self.dn(name, parent or self.users_dn)
        control = NORMAL_ACCOUNT if enabled else NORMAL_ACCOUNT | ACCOUNT_DISABLED
        return self.add(
            dn,
            object_class,
            {
                "sAMAccountName": sam_account_name or f"u{secrets.token_hex(6)}",
                "unicodePwd": _encoded_password(password or f"{secrets.token_urlsafe(12)}-Aa1"),
                "userAccountControl": control,
                **attributes,
            },
        )

    def add_ou(self, name: str, *, parent: str | None = None, **attributes: AttributeValue) -> str:
        """Add an organizational unit under `parent` (the domain by default): its objectGUID."""
        dn = self.dn(name, parent or self.base_dn, kind="OU")
        return self.add(dn, "organizationalUnit", attributes)

    @contextmanager
    def unit_of_its_own(self, name: str = "") -> Iterator[str]:
        """An organizational unit in the domain for the length of a with block: its DN.

        It is deleted at the end, whatever is in it by then. `name` is made up when not given.
        """
        name = name or f"test-{secrets.token_hex(6)}"
        self.add_ou(name)
        dn = self.dn(name, self.base_dn, kind="OU")
        try:
            yield dn
        finally:
            # A group cannot be deleted while it is somebody's primary one, and the server takes its own order.
            for member in self._find(dn, "(&(objectClass=user)(!(primaryGroupID=513)))"):
                self.delete(member)
            self.delete(dn, with_children=True)

    def add_group(
        self,
        name: str,
        *,
        parent: str | None = None,
        kind: str = "global security",
        members: Sequence[str] = (),
        **attributes: AttributeValue,
    ) -> str:
        """Add a group of a `kind` of GROUP_TYPES with members given by DN. Gives the objectGUID."""
        return self.add(
            self.dn(name, parent or self.users_dn),
            "group",
            {
                "sAMAccountName": f"g{secrets.token_hex(6)}",
                "groupType": GROUP_TYPES[kind],
                "member": list(members) or None,
                **attributes,
            },
        )

    def add(self, dn: str, object_class: str, attributes: Mapping[str, AttributeValue] | None = None) -> str:
        """Add any entry; attributes with the value None are left out. Gives the objectGUID."""
        given = {name: value for name, value in (attributes or {}).items() if value is not None}
        self._connection.add(dn, object_class, given)
        self._check(f"add {dn}")
        return self.guid_of(dn)

    def modify(self, dn: str, **attributes: AttributeValue) -> None:
        """Replace the values of attributes; None removes the attribute."""
        changes = {
            name: [(ldap3.MODIFY_REPLACE, [] if value is None else _values(value))]
            for name, value in attributes.items()
        }
        self._connection.modify(dn, changes)
        self._check(f"modify {dn}")

    def rename(self, dn: str, new_name: str) -> str:
        """Give an entry a new name of its own kind (CN or OU), in its place. Gives the new DN."""
        own, parent = split_dn(dn)
        new_dn = self.dn(new_name, parent, kind=own.partition("=")[0])
        self._connection.modify_dn(dn, split_dn(new_dn)[0])
        self._check(f"rename {dn}")
        return new_dn

    def move(self, dn: str, new_parent: str) -> str:
        """Move an entry under another parent. Gives the new DN."""
        own, _parent = split_dn(dn)
        self._connection.modify_dn(dn, own, new_superior=new_parent)
        self._check(f"move {dn}")
        return f"{own},{new_parent}"

    def delete(self, dn: str, *, with_children: bool = False) -> None:
        """Delete an entry (a tombstone remains), with all that is under it when told so."""
        self._connection.delete(dn, controls=[TREE_DELETE] if with_children else None)
        self._check(f"delete {dn}")

    def restore(self, guid: str, dn: str) -> None:
        """Bring a deleted entry back as `dn`; it keeps its objectGUID (MS-ADTS 3.1.1.5.3.7)."""
        changes = {
            "isDeleted": [(ldap3.MODIFY_DELETE, [])],
            "distinguishedName": [(ldap3.MODIFY_REPLACE, [dn])],
        }
        self._connection.modify(self.dn_of(guid), changes, controls=[SHOW_DELETED])
        self._check(f"restore {guid}")

    def set_enabled(self, dn: str, enabled: bool) -> None:
        """Switch ACCOUNTDISABLE off or on."""
        control = int(self.read(dn, "userAccountControl")["userAccountControl"][0])
        new = control & ~ACCOUNT_DISABLED if enabled else control | ACCOUNT_DISABLED
        self.modify(dn, userAccountControl=new)

    def set_expiry(self, dn: str, expires: datetime | int) -> None:
        """Set accountExpires from an aware datetime, or raw (0 and NEVER: it does not expire)."""
        self.modify(dn, accountExpires=expires if isinstance(expires, int) else filetime(expires))

    def set_password(self, dn: str, password: str) -> None:
        """Set a user's password; the domain asks for 7 characters of three classes."""
        self.modify(dn, unicodePwd=_encoded_password(password))

    def add_members(self, group_dn: str, members: Sequence[str]) -> None:
        """Add members, given by DN, to a group."""
        self._change_members(group_dn, ldap3.MODIFY_ADD, members)

    def remove_members(self, group_dn: str, members: Sequence[str]) -> None:
        """Remove members, given by DN, from a group."""
        self._change_members(group_dn, ldap3.MODIFY_DELETE, members)

    def set_primary_group(self, user_dn: str, group_dn: str) -> None:
        """Make `group_dn`, which the user must already be a member of, the primary group.

        Neither `member` nor `memberOf` shows that membership afterwards.
        """
        token = self.read(group_dn, "primaryGroupToken")["primaryGroupToken"][0]
        self.modify(user_dn, primaryGroupID=token.decode())

    def deny_reading(self, dn: str, attribute: str, account_dn: str) -> None:
        """Deny an account to read one attribute of an entry (MS-DTYP 2.4.4.4, 2.4.5, 2.4.6)."""
        schema = self._only(
            f"CN=Schema,CN=Configuration,{self.base_dn}",
            f"(lDAPDisplayName={escape_filter_chars(attribute)})",
            ldap3.SUBTREE,
            ["schemaIDGUID"],
        )
        (attribute_id,) = schema.raw_attributes["schemaIDGUID"]
        (account,) = self.read(account_dn, "objectSid")["objectSid"]
        access_list_alone = security_descriptor_control(sdflags=4)
        self._connection.search(
            dn, "(objectClass=*)", ldap3.BASE, attributes=["nTSecurityDescriptor"], controls=access_list_alone
        )
        self._check(f"read the access list of {dn}")
        (present,) = self._connection.response[0]["raw_attributes"]["nTSecurityDescriptor"]
        changed = _with_denial(present, attribute_id, account)
        replacement = {"nTSecurityDescriptor": [(ldap3.MODIFY_REPLACE, [changed])]}
        self._connection.modify(dn, replacement, controls=access_list_alone)
        self._check(f"deny reading {attribute} of {dn}")

    def guid_of(self, dn: str) -> str:
        """The objectGUID of an entry."""
        return str(uuid.UUID(bytes_le=self.read(dn, "objectGUID")["objectGUID"][0]))

    def dn_of(self, guid: str) -> str:
        """The present DN of the entry with that objectGUID, deleted or not."""
        value = "".join(f"\\{byte:02x}" for byte in uuid.UUID(guid).bytes_le)
        return self._only(self.base_dn, f"(objectGUID={value})", ldap3.SUBTREE, []).dn

    def exists(self, dn: str) -> bool:
        """Whether there is an entry with that DN."""
        self._connection.search(dn, "(objectClass=*)", ldap3.BASE, attributes=[])
        return bool(self._connection.result["result"] == 0)

    def read(self, dn: str, *attributes: str) -> dict[str, list[bytes]]:
        """The raw values of an entry's attributes; a missing one has no key."""
        entry = self._only(dn, "(objectClass=*)", ldap3.BASE, attributes)
        return dict(entry.raw_attributes)

    def find_user(self, sam_account_name: str) -> str:
        """The DN of the account with that sAMAccountName."""
        value = escape_filter_chars(sam_account_name)
        return self._only(self.base_dn, f"(sAMAccountName={value})", ldap3.SUBTREE, []).dn

    @staticmethod
    def dn(name: str, parent: str, *, kind: str = "CN") -> str:
        """The DN of an entry called `name` under `parent`, with all that RFC 4514 escapes."""
        return f"{kind}={escape_rdn(name)},{parent}"

    def objects(self) -> set[str]:
        """The DNs of the domain's people, groups, organizational units, contacts and computers."""
        kinds = ("person", "group", "organizationalUnit")
        return self._find(self.base_dn, f"(|{''.join(f'(objectClass={kind})' for kind in kinds)})")

    def _change_members(self, group_dn: str, operation: str, members: Sequence[str]) -> None:
        self._connection.modify(group_dn, {"member": [(operation, list(members))]})
        self._check(f"change members of {group_dn}")

    def _find(self, base: str, search_filter: str) -> set[str]:
        found = self._connection.extend.standard.paged_search(
            base, search_filter, attributes=["1.1"], paged_size=1000, generator=False
        )
        self._check(f"search {base}")
        return {entry["dn"] for entry in found if entry["type"] == "searchResEntry"}

    def _only(self, base: str, search_filter: str, scope: str, attributes: Sequence[str]) -> _FoundEntry:
        self._connection.search(base, search_filter, scope, attributes=list(attributes), controls=[SHOW_DELETED])
        self._check(f"search {base}")
        entries = [e for e in self._connection.response or [] if e["type"] == "searchResEntry"]
        if len(entries) != 1:
            raise LabError(f"{len(entries)} entries for {search_filter} under {base}, not one")
        return _FoundEntry(entries[0]["dn"], entries[0]["raw_attributes"])

    def _check(self, action: str) -> None:
        result = self._connection.result
        if result["result"] != 0:
            raise LabError(f"{action}: {result['description']}: {result['message']}")


@contextmanager
def administer(controller: DomainController) -> Iterator[DirectoryAdmin]:
    """A DirectoryAdmin for the length of a with block, over verified LDAPS."""
    # By name: from Python 3.12 on, ldap3 compares addresses with none of the certificate's names.
    tls = ldap3.Tls(
        validate=ssl.CERT_REQUIRED, ca_certs_file=str(controller.ca_path), valid_names=[controller.host_name]
    )
    server = ldap3.Server(controller.address, port=LDAPS_PORT, use_ssl=True, tls=tls, get_info=ldap3.NONE)
    account = controller.administrator
    with ldap3.Connection(
        server,
        account.user_principal_name,
        account.password,
        auto_referrals=False,
        check_names=False,
        receive_timeout=60,
    ) as connection:
        if not connection.bound:
            raise LabError(f"Administrator cannot log in: {connection.result['message']}")
        yield DirectoryAdmin(connection, controller.base_dn)


def filetime(moment: datetime) -> int:
    """An aware datetime as 100-nanosecond ticks since 1601-01-01 UTC (MS-DTYP 2.3.3)."""
    ticks = moment - datetime(1601, 1, 1, tzinfo=UTC)
    return (ticks.days * 86_400 + ticks.seconds) * 10_000_000 + ticks.microseconds * 10


def _with_denial(descriptor: bytes, attribute_id: bytes, account: bytes) -> bytes:
    """A security descriptor, of which only the access list is kept, with a denial to read an attribute in front."""
    revision, control, start = struct.unpack_from("<BxH12xI", descriptor)
    size, count = struct.unpack_from("<HH", descriptor, start + 2)
    read_property, object_type_present = 0x10, 1
    denial = struct.pack("<II", read_property, object_type_present) + attribute_id + account
    entry = struct.pack("<BxH", 6, 4 + len(denial)) + denial
    entries = entry + descriptor[start + 8 : start + size]
    access_list = struct.pack("<BxHHxx", 4, 8 + len(entries), count + 1) + entries
    return struct.pack("<BxH12xI", revision, control, 20) + access_list


def _encoded_password(password: str) -> bytes:
    return f'"{password}"'.encode("utf-16-le")


def _values(value: str | bytes | int | Sequence[str | bytes]) -> list[str | bytes]:
    if isinstance(value, int):
        return [str(value)]
    if isinstance(value, (str, bytes)):
        return [value]
    return list(value)


def split_dn(dn: str) -> tuple[str, str]:
    """The first component of a DN and the rest, both as they are spelled.

    ldap3's own parse_dn refuses a `#` inside a value, which RFC 4514 lets stand there unescaped.
    """
    own = re.match(r"(?:\\.|[^,\\])+", dn)
    if not own or not dn[own.end() + 1 :]:
        raise LabError(f"{dn}: has no parent")
    return own[0], dn[own.end() + 1 :]
