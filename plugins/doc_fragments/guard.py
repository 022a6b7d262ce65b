# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The option of the guard, for what each kind of synchronization can do that the guard counts."""

from __future__ import annotations

_BEGIN = """
options:
  guard:
    description:
      - How much of what is dangerous in numbers a run may do unasked. What there is too much of is stopped, with what needs it, and only that.
        A stopped run ends failed and names what it stopped, in check mode too; O(allow_guarded) lets exactly that through.
      - More than C(floor) is stopped if it is also more than C(count), or more than C(percent) of all there was before the run.
      - A danger that is left out has its defaults, and so has a limit.
    type: dict
    suboptions:
"""

_END = """
  allow_guarded:
    description:
      - The RV(guard_id) of what the guard is to let through. It is worth nothing for anything else.
      - It has a part for each danger, so that what was stopped is let through although something else was done or has come up in the meantime.
    type: str
    default: ""
"""

_DANGER = """
      {name}:
        description: {description}
        type: dict
        suboptions:
          floor:
            description: So many are never stopped, whatever their share.
            type: int
            default: {floor}
          percent:
            description: Above the floor, more than this share is stopped.
            type: float
            default: {percent}
          count:
            description: Above the floor, more than so many are stopped, however large the site. It cannot be less than the floor.
            type: int
            default: {count}
"""


def _danger(name: str, description: str, floor: int, percent: float, count: int) -> str:
    text = _DANGER.format(name=name, description=description, floor=floor, percent=percent, count=count)
    return text.removeprefix("\n")


def _fragment(*dangers: str) -> str:
    return _BEGIN + "".join(dangers) + _END.removeprefix("\n")


_DELETIONS = _danger(
    "deletions",
    "Objects of the PBX that are deleted, or parked until they are. The share is of the objects that the rule is associated with.",
    5,
    5.0,
    100,
)
_RELEASES = _danger(
    "releases",
    "Objects that become the PBX administrator's again. The share is of the objects that the rule is associated with.",
    10,
    5.0,
    200,
)
_RENUMBERINGS = _danger(
    "renumberings",
    "Users who get another extension instead of theirs, and with it another number. The share is of the associated extensions.",
    5,
    5.0,
    50,
)
_EMAIL_CHANGES = _danger(
    "email_changes",
    "E-mail addresses of associated or taken over extensions that are replaced or emptied. Filling an empty one does not count. "
    "The share is of the associated extensions.",
    10,
    5.0,
    200,
)
_MOVES = _danger(
    "moves",
    "Extensions that are taken out of the organization that the synchronization gave them. Putting one into its first organization does not count. "
    "The share is of the associated extensions.",
    20,
    10.0,
    500,
)
_MEMBER_REMOVALS = _danger(
    "member_removals",
    "Members that are taken out of extension groups, all groups together. The share is of all members as last written.",
    20,
    10.0,
    500,
)
_MEMBER_REMOVALS_PER_GROUP = _danger(
    "member_removals_per_group",
    "Members that are taken out of one extension group, each group for itself. The share is of its members as last written. "
    "What is stopped is the taking out of that group.",
    10,
    50.0,
    100,
)
_MEMBERS = _MEMBER_REMOVALS + _MEMBER_REMOVALS_PER_GROUP


class ModuleDocFragment:
    USERS = _fragment(_DELETIONS, _RELEASES, _RENUMBERINGS, _EMAIL_CHANGES, _MOVES)

    UNITS = _fragment(_DELETIONS, _RELEASES, _MEMBERS, _MOVES)

    GROUPS = _fragment(_DELETIONS, _RELEASES, _MEMBERS)
