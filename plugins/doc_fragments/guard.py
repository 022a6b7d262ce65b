# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The option of the guard, for what each kind of synchronization can do that the guard counts."""

from __future__ import annotations


# A fragment replaces an option as a whole, so that each has its own text for what it shares with the others.
class ModuleDocFragment:
    USERS = r"""
options:
  guard:
    description:
      - How much of what is dangerous in numbers a run may do unasked. What there is too much of is stopped, with what needs it, and only that.
        A stopped run ends failed and names what it stopped, in check mode too; O(allow_guarded) lets exactly that through.
      - More than C(floor) is stopped if it is also more than C(count), or more than C(percent) of all there was before the run.
      - A danger that is left out has its defaults, and so has a limit.
    type: dict
    suboptions:
      deletions:
        description: Objects of the PBX that are deleted, or parked until they are. The share is of the objects that the rule is associated with.
        type: dict
        suboptions:
          floor:
            description: So many are never stopped, whatever their share.
            type: int
            default: 5
          percent:
            description: Above the floor, more than this share is stopped.
            type: float
            default: 5.0
          count:
            description: Above the floor, more than so many are stopped, however large the site. It cannot be less than the floor.
            type: int
            default: 100
      releases:
        description: Objects that become the PBX administrator's again. The share is of the objects that the rule is associated with.
        type: dict
        suboptions:
          floor:
            description: So many are never stopped, whatever their share.
            type: int
            default: 10
          percent:
            description: Above the floor, more than this share is stopped.
            type: float
            default: 5.0
          count:
            description: Above the floor, more than so many are stopped, however large the site. It cannot be less than the floor.
            type: int
            default: 200
      renumberings:
        description: Users who get another extension instead of theirs, and with it another number. The share is of the associated extensions.
        type: dict
        suboptions:
          floor:
            description: So many are never stopped, whatever their share.
            type: int
            default: 5
          percent:
            description: Above the floor, more than this share is stopped.
            type: float
            default: 5.0
          count:
            description: Above the floor, more than so many are stopped, however large the site. It cannot be less than the floor.
            type: int
            default: 50
      email_changes:
        description:
          - E-mail addresses of associated or taken over extensions that are replaced or emptied.
          - Filling an empty one does not count.
          - The share is of the associated extensions.
        type: dict
        suboptions:
          floor:
            description: So many are never stopped, whatever their share.
            type: int
            default: 10
          percent:
            description: Above the floor, more than this share is stopped.
            type: float
            default: 5.0
          count:
            description: Above the floor, more than so many are stopped, however large the site. It cannot be less than the floor.
            type: int
            default: 200
      moves:
        description:
          - Extensions that are taken out of the organization that the synchronization gave them.
          - Putting one into its first organization does not count.
          - The share is of the associated extensions.
        type: dict
        suboptions:
          floor:
            description: So many are never stopped, whatever their share.
            type: int
            default: 20
          percent:
            description: Above the floor, more than this share is stopped.
            type: float
            default: 10.0
          count:
            description: Above the floor, more than so many are stopped, however large the site. It cannot be less than the floor.
            type: int
            default: 500
  allow_guarded:
    description:
      - The RV(guard_id) of what the guard is to let through. It is worth nothing for anything else.
      - It has a part for each danger, so that what was stopped is let through although something else was done or has come up in the meantime.
    type: str
    default: ""
"""

    UNITS = r"""
options:
  guard:
    description:
      - How much of what is dangerous in numbers a run may do unasked. What there is too much of is stopped, with what needs it, and only that.
        A stopped run ends failed and names what it stopped, in check mode too; O(allow_guarded) lets exactly that through.
      - More than C(floor) is stopped if it is also more than C(count), or more than C(percent) of all there was before the run.
      - A danger that is left out has its defaults, and so has a limit.
    type: dict
    suboptions:
      deletions:
        description: Objects of the PBX that are deleted, or parked until they are. The share is of the objects that the rule is associated with.
        type: dict
        suboptions:
          floor:
            description: So many are never stopped, whatever their share.
            type: int
            default: 5
          percent:
            description: Above the floor, more than this share is stopped.
            type: float
            default: 5.0
          count:
            description: Above the floor, more than so many are stopped, however large the site. It cannot be less than the floor.
            type: int
            default: 100
      releases:
        description: Objects that become the PBX administrator's again. The share is of the objects that the rule is associated with.
        type: dict
        suboptions:
          floor:
            description: So many are never stopped, whatever their share.
            type: int
            default: 10
          percent:
            description: Above the floor, more than this share is stopped.
            type: float
            default: 5.0
          count:
            description: Above the floor, more than so many are stopped, however large the site. It cannot be less than the floor.
            type: int
            default: 200
      member_removals:
        description: Members that are taken out of extension groups, all groups together. The share is of all members as last written.
        type: dict
        suboptions:
          floor:
            description: So many are never stopped, whatever their share.
            type: int
            default: 20
          percent:
            description: Above the floor, more than this share is stopped.
            type: float
            default: 10.0
          count:
            description: Above the floor, more than so many are stopped, however large the site. It cannot be less than the floor.
            type: int
            default: 500
      member_removals_per_group:
        description:
          - Members that are taken out of one extension group, each group for itself.
          - The share is of its members as last written.
          - What is stopped is the taking out of that group.
        type: dict
        suboptions:
          floor:
            description: So many are never stopped, whatever their share.
            type: int
            default: 10
          percent:
            description: Above the floor, more than this share is stopped.
            type: float
            default: 50.0
          count:
            description: Above the floor, more than so many are stopped, however large the site. It cannot be less than the floor.
            type: int
            default: 100
      moves:
        description:
          - Extensions that are taken out of the organization that the synchronization gave them.
          - Putting one into its first organization does not count.
          - The share is of the associated extensions.
        type: dict
        suboptions:
          floor:
            description: So many are never stopped, whatever their share.
            type: int
            default: 20
          percent:
            description: Above the floor, more than this share is stopped.
            type: float
            default: 10.0
          count:
            description: Above the floor, more than so many are stopped, however large the site. It cannot be less than the floor.
            type: int
            default: 500
  allow_guarded:
    description:
      - The RV(guard_id) of what the guard is to let through. It is worth nothing for anything else.
      - It has a part for each danger, so that what was stopped is let through although something else was done or has come up in the meantime.
    type: str
    default: ""
"""

    GROUPS = r"""
options:
  guard:
    description:
      - How much of what is dangerous in numbers a run may do unasked. What there is too much of is stopped, with what needs it, and only that.
        A stopped run ends failed and names what it stopped, in check mode too; O(allow_guarded) lets exactly that through.
      - More than C(floor) is stopped if it is also more than C(count), or more than C(percent) of all there was before the run.
      - A danger that is left out has its defaults, and so has a limit.
    type: dict
    suboptions:
      deletions:
        description: Objects of the PBX that are deleted, or parked until they are. The share is of the objects that the rule is associated with.
        type: dict
        suboptions:
          floor:
            description: So many are never stopped, whatever their share.
            type: int
            default: 5
          percent:
            description: Above the floor, more than this share is stopped.
            type: float
            default: 5.0
          count:
            description: Above the floor, more than so many are stopped, however large the site. It cannot be less than the floor.
            type: int
            default: 100
      releases:
        description: Objects that become the PBX administrator's again. The share is of the objects that the rule is associated with.
        type: dict
        suboptions:
          floor:
            description: So many are never stopped, whatever their share.
            type: int
            default: 10
          percent:
            description: Above the floor, more than this share is stopped.
            type: float
            default: 5.0
          count:
            description: Above the floor, more than so many are stopped, however large the site. It cannot be less than the floor.
            type: int
            default: 200
      member_removals:
        description: Members that are taken out of extension groups, all groups together. The share is of all members as last written.
        type: dict
        suboptions:
          floor:
            description: So many are never stopped, whatever their share.
            type: int
            default: 20
          percent:
            description: Above the floor, more than this share is stopped.
            type: float
            default: 10.0
          count:
            description: Above the floor, more than so many are stopped, however large the site. It cannot be less than the floor.
            type: int
            default: 500
      member_removals_per_group:
        description:
          - Members that are taken out of one extension group, each group for itself.
          - The share is of its members as last written.
          - What is stopped is the taking out of that group.
        type: dict
        suboptions:
          floor:
            description: So many are never stopped, whatever their share.
            type: int
            default: 10
          percent:
            description: Above the floor, more than this share is stopped.
            type: float
            default: 50.0
          count:
            description: Above the floor, more than so many are stopped, however large the site. It cannot be less than the floor.
            type: int
            default: 100
  allow_guarded:
    description:
      - The RV(guard_id) of what the guard is to let through. It is worth nothing for anything else.
      - It has a part for each danger, so that what was stopped is let through although something else was done or has come up in the meantime.
    type: str
    default: ""
"""
