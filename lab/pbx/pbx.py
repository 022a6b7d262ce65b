# SPDX-License-Identifier: GPL-3.0-or-later
"""One PBX: its settings, its objects and what an administrator may do to it by hand."""

from __future__ import annotations

import copy
import dataclasses
import ipaddress
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.pbx.clock import AdjustableClock
from lab.pbx.errors import IP_FORBIDDEN, ORGANIZATION_DISABLED, ApiError
from lab.pbx.extensions import Extension, ExtensionStore
from lab.pbx.groups import DEFAULT_FLAGS, SPECIFIC, ExtensionGroup, GroupStore
from lab.pbx.linkus import Linkus
from lab.pbx.organizations import ROOT_ID, OrganizationTree
from lab.pbx.settings import Settings
from lab.pbx.telephony import CallType, Telephony
from lab.pbx.tokens import LockOut, TokenStore
from lab.pbx.unique import Owner
from lab.pbx.variants import Variants


@dataclass(frozen=True)
class WelcomeMail:
    """A welcome e-mail that was sent."""

    extension_id: int
    number: str
    email_addr: str


class Pbx:
    """All that one PBX knows. `lock` is held while a call is answered or a test changes things."""

    def __init__(self, settings: Settings, variants: Variants, clock: AdjustableClock) -> None:
        self.lock = threading.RLock()
        self.settings = settings
        self.variants = variants
        self.clock = clock
        self.started = clock.now()
        self.tokens = TokenStore(
            clock,
            settings.token_limit,
            settings.access_token_seconds,
            settings.refresh_token_seconds,
        )
        self.lock_out = LockOut(clock)
        self.extensions = ExtensionStore()
        self.groups = GroupStore()
        self.telephony = Telephony()
        self.linkus = Linkus(clock)
        self.organizations = OrganizationTree(settings.company_name)
        self.organization_management = settings.organization_management
        self.name_display_format = settings.name_display_format
        self.welcome_mails: list[WelcomeMail] = []
        # Extensions that another object (a ring group, say) refers to: deleting them gives 70091.
        self.referenced_extension_ids: set[int] = set()
        for name, address in settings.administrators.items():
            self.extensions.emails.claim(address, Owner("administrator", name))

    def twin(self) -> Pbx:
        """Another PBX that holds the same objects, and has given out no token and no signature."""
        twin = Pbx(self.settings, self.variants, self.clock)
        held = ("extensions", "groups", "organizations", "welcome_mails", "referenced_extension_ids")
        with self.lock:
            for name in (*held, "organization_management", "name_display_format"):
                setattr(twin, name, copy.deepcopy(getattr(self, name)))
        return twin

    def refuse_address(self, address: str) -> None:
        """Raise ApiError 70087 for an address off the allow-list, 70004 for a blocked one."""
        allowed = self.settings.allowed_addresses
        if allowed is not None and not any(
            ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False) for network in allowed
        ):
            raise ApiError(IP_FORBIDDEN)
        self.lock_out.refuse_blocked(address, self.variants.blocked_seconds)

    def require_organizations(self) -> None:
        """Raise ApiError 70120 while Organization Management is off."""
        if not self.organization_management:
            raise ApiError(ORGANIZATION_DISABLED)

    def display_name(self, extension: Extension) -> str:
        """First and last name in the PBX's name format."""
        names = [extension.first_name, extension.last_name]
        if self.name_display_format != "first_last":
            names.reverse()
        separator = "" if self.name_display_format == "lastfirst" else " "
        return separator.join(name for name in names if name)

    def remove_extension(self, extension: Extension) -> None:
        """Delete an extension, and take it out of all groups and queues."""
        self.extensions.remove(extension)
        self.groups.drop_extension(extension.id)
        self.telephony.drop_extension(extension.id)
        self.referenced_extension_ids.discard(extension.id)

    # What tests and an administrator at the web portal do, past the Open API's rules.

    def seed_extension(self, number: str, **fields: Any) -> int:
        """Add an extension with any fields (of Extension), unchecked but for uniqueness; its id.

        What is not given gets a default: `reg_name` the number, organization the root.
        Raises ValueError for a unique value that is taken.
        """
        fields.setdefault("first_name", number)
        fields.setdefault("reg_name", number)
        fields.setdefault("caller_id", number)
        fields.setdefault("user_password", f"Seeded{number}pass")
        fields.setdefault("reg_password", f"Seeded{number}reg")
        fields["organization_ids"] = tuple(fields.get("organization_ids", (ROOT_ID,)))
        fields["presence_list"] = tuple(fields.get("presence_list", ()))
        with self.lock:
            extension = Extension(id=self.extensions.next_id(), number=number, **fields)
            self.extensions.put(extension)
            return extension.id

    def seed_extensions(self, count: int, first_number: int = 1000) -> None:
        """Add `count` extensions with consecutive numbers, names and e-mail addresses."""
        for number in range(first_number, first_number + count):
            self.seed_extension(
                str(number),
                first_name="User",
                last_name=str(number),
                email_addr=f"user{number}@example.test",
            )

    def seed_number(self, number: str, kind: str, name: str = "") -> None:
        """Let another object (kind: ivr, queue, ring_group …) have a number."""
        with self.lock:
            self.extensions.numbers.claim(number, Owner(kind, name or number))

    def seed_organization(self, name: str, parent_id: int = ROOT_ID) -> int:
        """Add a department; its id."""
        with self.lock:
            return self.organizations.add(name, parent_id).id

    def seed_group(
        self, name: str, members: Mapping[int, str] | None = None, flags: Mapping[str, int] | None = None
    ) -> int:
        """Add a group of specific members (extension id: user type); its id.

        `flags` are the permissions that differ from a new group's.
        """
        with self.lock:
            held = {**DEFAULT_FLAGS, **(flags or {})}
            group = ExtensionGroup(self.groups.next_id(), name, SPECIFIC, dict(members or {}), held)
            self.groups.put(group)
            return group.id

    def change_by_hand(self, number: str, **fields: Any) -> None:
        """Change fields of the extension with that number, as an administrator does.

        Raises KeyError for an unknown number, ValueError for a unique value that is taken.
        """
        with self.lock:
            if "organization_ids" in fields:
                fields["organization_ids"] = tuple(fields["organization_ids"])
            self.extensions.put(dataclasses.replace(self._numbered(number), **fields))

    def delete_by_hand(self, number: str) -> None:
        """Delete the extension with that number. Raises KeyError for an unknown number."""
        with self.lock:
            self.remove_extension(self._numbered(number))

    def mark_referenced(self, number: str) -> None:
        """Let another object refer to the extension, so that deleting it gives 70091."""
        with self.lock:
            self.referenced_extension_ids.add(self._numbered(number).id)

    def start_call(self, number: str, call_type: CallType = "inbound", other: str = "", status: str = "ANSWER") -> str:
        """Let an extension be in a call, in an internal one with `other`; the call's id.

        Raises KeyError for an unknown number, ValueError for an unknown type or status.
        """
        with self.lock:
            parties = {self._numbered(one).number: status for one in (number, other) if one}
            return self.telephony.begin(call_type, parties)

    def end_call(self, call_id: str) -> None:
        """End a call. Raises KeyError for an unknown id."""
        with self.lock:
            self.telephony.end(call_id)

    def add_queue(self, number: str, agents: Sequence[str], dynamic_agents: Sequence[str] = (), name: str = "") -> int:
        """Add a queue with the extensions of these numbers as static and dynamic agents; its id.

        Raises KeyError for an unknown number of an agent, ValueError for a number of the queue that is taken.
        """
        with self.lock:
            members = [[self._numbered(one).id for one in numbers] for numbers in (agents, dynamic_agents)]
            self.seed_number(number, "queue", name)
            return self.telephony.add_queue(number, name or number, *members)

    def _numbered(self, number: str) -> Extension:
        extension = self.extensions.by_number(number)
        if extension is None:
            raise KeyError(number)
        return extension
