# SPDX-License-Identifier: GPL-3.0-or-later
"""The extensions of a PBX and the values that are unique among them."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from lab.pbx.unique import Owner, UniqueValues


@dataclass(frozen=True)
class Extension:
    """One extension. Fields are named as in the Open API; `organization_ids` are departments.

    `user_password_is_initial` until its user has chosen another at a Linkus client.
    """

    id: int
    number: str
    type: str = "SIP"
    fxs_port: str = ""
    first_name: str = ""
    last_name: str = ""
    email_addr: str = ""
    mobile_number: str = ""
    user_password: str = field(default="", repr=False)
    earlier_user_passwords: tuple[str, ...] = field(default=(), repr=False)
    user_password_is_initial: bool = True
    role_id: int = 0
    organization_ids: tuple[int, ...] = ()
    title: str = ""
    email_language: str = "follow_system"
    user_lang: str = "follow_system"
    vm_lang: str = "follow_system"
    caller_id: str = ""
    reg_name: str = ""
    reg_password: str = field(default="", repr=False)
    concurrent_registrations: int = 1
    presence_status: str = "available"
    presence_list: tuple[Any, ...] = ()
    presence_mobile_prefix: str = ""
    agent_id: str = ""
    enb_vm: int = 1
    enb_vm_pin: int = 1
    vm_pin: str = field(default="", repr=False)

    @property
    def owner(self) -> Owner:
        """How errors name this extension."""
        return Owner("extension", self.number)

    def with_user_password(self, password: str, *, is_initial: bool) -> Extension:
        """This extension with another user password; the one so far is remembered as used."""
        return dataclasses.replace(
            self,
            user_password=password,
            user_password_is_initial=is_initial,
            earlier_user_passwords=(*self.earlier_user_passwords, self.user_password),
        )


# What create and update copy from their arguments as it is.
PLAIN_FIELDS = frozenset(
    {
        "first_name",
        "last_name",
        "email_addr",
        "mobile_number",
        "user_password",
        "role_id",
        "title",
        "email_language",
        "user_lang",
        "vm_lang",
        "number",
        "caller_id",
        "reg_name",
        "reg_password",
        "concurrent_registrations",
        "presence_status",
        "presence_mobile_prefix",
        "agent_id",
        "enb_vm",
        "enb_vm_pin",
        "vm_pin",
    }
)


class ExtensionStore:
    """Extensions by id and number.

    `numbers` holds every number of the PBX and `emails` every address of users and administrators,
    so that other kinds of objects can claim theirs. Ids grow and are never given again.
    """

    def __init__(self) -> None:
        self.numbers = UniqueValues()
        self.emails = UniqueValues(ignore_case=True)
        self.reg_names = UniqueValues()
        self._by_id: dict[int, Extension] = {}
        self._ids_by_number: dict[str, int] = {}
        self._next_id = 1

    def __len__(self) -> int:
        return len(self._by_id)

    def all(self) -> Collection[Extension]:
        """Every extension, in the order of ids."""
        return self._by_id.values()

    def get(self, extension_id: int) -> Extension | None:
        """The extension with that id."""
        return self._by_id.get(extension_id)

    def by_number(self, number: str) -> Extension | None:
        """The extension with that number."""
        extension_id = self._ids_by_number.get(number)
        return None if extension_id is None else self._by_id[extension_id]

    def by_email(self, address: str) -> Extension | None:
        """The extension with that e-mail address, whatever its letter case."""
        owner = self.emails.owner(address)
        return self.by_number(owner.name) if owner and owner.kind == "extension" else None

    def by_login_name(self, name: str) -> Extension | None:
        """The extension whose user logs in as `name`: its number or its e-mail address."""
        return self.by_number(name) or self.by_email(name)

    def next_id(self) -> int:
        """The id that the next extension gets."""
        return self._next_id

    def taken(self, candidate: Extension) -> list[tuple[str, str, Owner]]:
        """Which of the candidate's values another object has: field, value and that object."""
        present = self.get(candidate.id)
        own = present.owner if present else None
        found = []
        for field_name, index in self._unique_fields().items():
            value = getattr(candidate, field_name)
            owner = index.owner(value) if value else None
            if owner is not None and owner != own:
                found.append((field_name, value, owner))
        return found

    def put(self, extension: Extension) -> None:
        """Add an extension, or replace the one with its id.

        Raises ValueError when another object has one of its unique values.
        """
        conflicts = self.taken(extension)
        if conflicts:
            raise ValueError(f"extension {extension.number}: taken already: {conflicts}")
        present = self.get(extension.id)
        if present:
            self._release(present)
        for field_name, index in self._unique_fields().items():
            index.claim(getattr(extension, field_name), extension.owner)
        self._ids_by_number[extension.number] = extension.id
        self._by_id[extension.id] = extension
        self._next_id = max(self._next_id, extension.id + 1)

    def remove(self, extension: Extension) -> None:
        """Delete an extension; its number, address and registration name are free again."""
        self._release(extension)
        del self._by_id[extension.id]

    def move_organizations(self, gone: Collection[int], fallback: int | None) -> None:
        """Take all extensions out of the departments `gone`, into `fallback` where given.

        An extension that is in another department too just leaves the gone ones.
        """
        for extension in list(self._by_id.values()):
            kept = tuple(one for one in extension.organization_ids if one not in gone)
            if len(kept) == len(extension.organization_ids):
                continue
            if not kept and fallback is not None:
                kept = (fallback,)
            self._by_id[extension.id] = dataclasses.replace(extension, organization_ids=kept)

    def _release(self, extension: Extension) -> None:
        for field_name, index in self._unique_fields().items():
            value = getattr(extension, field_name)
            if value:
                index.release(value)
        del self._ids_by_number[extension.number]

    def _unique_fields(self) -> dict[str, UniqueValues]:
        return {
            "number": self.numbers,
            "email_addr": self.emails,
            "reg_name": self.reg_names,
        }
