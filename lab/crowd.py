# SPDX-License-Identifier: GPL-3.0-or-later
"""A population on both sides of Windows' limits: more users than one page holds, groups around MaxValRange.

Most members are contacts, which load in a fraction of a user's time.
"""

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
CROWD_USERS = 1_100
CROWD_SIZE = max(GROUP_SIZES)
# The DN of the group of each size.
CROWD_GROUPS = {size: f"CN=Exactly {size},{CROWD_DN}" for size in GROUP_SIZES}


def make_crowd() -> Population:
    """Make the members, first the users and then the contacts, and the groups of the first so many of them."""
    members = [_member(number) for number in range(CROWD_SIZE)]
    groups = [
        Entry(dn, GROUP, {"sAMAccountName": f"exactly-{size}", "groupType": str(GLOBAL_SECURITY)})
        for size, dn in CROWD_GROUPS.items()
    ]
    return Population(
        size=CROWD_USERS,
        seed=0,
        base_dn=_BASE_DN,
        entries=(Entry(CROWD_DN, ORGANIZATIONAL_UNIT, {}), *members, *groups),
        memberships={dn: tuple(member.dn for member in members[:size]) for size, dn in CROWD_GROUPS.items()},
        primary_groups={},
        specials={},
    )


def _member(number: int) -> Entry:
    dn = f"CN=Member {number:04d},{CROWD_DN}"
    if number >= CROWD_USERS:
        return Entry(dn, "container", {})
    return Entry(dn, USER, {"sAMAccountName": f"member{number:04d}", "userAccountControl": str(DISABLED)})
