# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of what a PBX holds, for tests to look at. No passwords in them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from lab.pbx.pbx import Pbx

_SECRET_FIELDS = frozenset({"user_password", "earlier_user_passwords", "reg_password", "vm_pin"})


@dataclass(frozen=True)
class State:
    """A copy, unaffected by later calls.

    `extensions` are by number, `groups` by name (members: extension id to user type),
    `organizations` by id, root included. All are plain JSON-like values.
    """

    extensions: dict[str, dict[str, Any]]
    groups: dict[str, dict[str, Any]]
    organizations: dict[int, dict[str, Any]]
    company_name: str
    organization_management: bool
    live_tokens: int
    blocked_addresses: list[str]
    welcome_mails: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """The state as the control port shows it (JSON makes the organizations' ids strings)."""
        return dataclasses.asdict(self)


def state_of(pbx: Pbx) -> State:
    """A snapshot of the PBX."""
    with pbx.lock:
        return State(
            extensions={
                extension.number: {name: value for name, value in vars(extension).items() if name not in _SECRET_FIELDS}
                for extension in pbx.extensions.all()
            },
            groups={
                group.name: {
                    "id": group.id,
                    "name": group.name,
                    "member_select": group.member_select,
                    "members": dict(group.members),
                    "flags": dict(group.flags),
                }
                for group in pbx.groups.all()
            },
            organizations={one.id: dict(vars(one)) for one in pbx.organizations.all()},
            company_name=pbx.organizations.root.name,
            organization_management=pbx.organization_management,
            live_tokens=pbx.tokens.live_count(),
            blocked_addresses=pbx.lock_out.blocked(),
            welcome_mails=[dict(vars(mail)) for mail in pbx.welcome_mails],
        )
