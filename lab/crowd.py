# SPDX-License-Identifier: GPL-3.0-or-later
"""A population on both sides of Windows' limits: more users than one page holds, groups around MaxValRange."""

from __future__ import annotations

from .population import (
    DISABLED,
    GLOBAL_SECURITY,
    GROUP,
    GROUP_SIZES,
    ORGANIZATIONAL_UNIT,
    USER,
    Entry,
    Population,
)

_BASE_DN = "DC=lab,DC=test"
CROWD_DN = f"OU=Crowd,{_BASE_DN}"
# Users of this unit alone are a page and a bit; the other members of the largest groups are in a unit beside it.
CROWD_USERS = 1_100
CROWD_SIZE = max(GROUP_SIZES)
_OTHERS_DN = f"OU=Others,{_BASE_DN}"
# The DN of the group of each size.
CROWD_GROUPS = {size: f"CN=Exactly {size},{CROWD_DN}" for size in GROUP_SIZES}


def member_dn(number: int) -> str:
    """The DN of a member by its number from 0 on; a group has the first ones."""
    return f"CN=Member {number:04d},{CROWD_DN if number < CROWD_USERS else _OTHERS_DN}"


def make_crowd() -> Population:
    """Make the members, all of them users, and the groups of the first so many of them."""
    members = [_member(number) for number in range(CROWD_SIZE)]
    groups = [
        Entry(dn, GROUP, {"sAMAccountName": f"exactly-{size}", "groupType": str(GLOBAL_SECURITY)})
        for size, dn in CROWD_GROUPS.items()
    ]
    units = [Entry(dn, ORGANIZATIONAL_UNIT, {}) for dn in (CROWD_DN, _OTHERS_DN)]
    return Population(
        size=CROWD_SIZE,
        seed=0,
        base_dn=_BASE_DN,
        entries=(*units, *members, *groups),
        memberships={dn: tuple(member.dn for member in members[:size]) for size, dn in CROWD_GROUPS.items()},
        primary_groups={},
        specials={},
    )


def _member(number: int) -> Entry:
    account = f"member{number:04d}"
    attributes = {"sAMAccountName": account, "userAccountControl": str(DISABLED), "mail": f"{account}@lab.test"}
    return Entry(member_dn(number), USER, attributes)
