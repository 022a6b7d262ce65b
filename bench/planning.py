# SPDX-License-Identifier: GPL-3.0-or-later
"""How long planning takes, and nothing else: no directory, no PBX, no ledger, from 100 users to 100,000.

`python -m bench.planning [--sizes 100,1000]` prints the figures by themselves.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.apply import Stage
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.rehearsal import rehearse
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import (
    DirectoryGroup,
    DirectorySnapshot,
    DirectoryUnit,
    DirectoryUser,
    Domain,
    GroupSnapshot,
    People,
    UnitSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.group_plan import plan_directory_groups
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, ObjectAssociation
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Extension,
    ExtensionGroup,
    Organization,
    OrganizationReference,
    PbxCapacity,
    PbxIdentity,
    PbxSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Plan
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import GroupRule, UnitRule, UserRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.standing import Standing
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.unit_plan import plan_units
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.users import plan_users

SIZES = (100, 1_000, 10_000, 100_000)
#: Every so many users, one whose last name has changed.
CHANGED = 100
#: As many as a PBX takes of each.
UNITS, GROUPS = 200, 60

ROOT = 1
FIRST_NUMBER = 10_000_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DOMAIN = Domain(str(uuid.UUID(int=1)), "DC=lab,DC=test", "lab.test")
PBX = PbxIdentity("3631A2120000", "P570", "37.20.0.118")


class Kind(StrEnum):
    """What is planned."""

    USERS = "users"
    UNITS = "units"
    GROUPS = "groups"


class Occasion(StrEnum):
    """Before which run it is planned: the first, one with nothing to do, one after a change of every 100th user."""

    FIRST = "first"
    NO_CHANGE = "no_change"
    SOME_CHANGED = "some_changed"


@dataclass(frozen=True)
class Planning:
    """How long one plan took.

    :param seconds: of the processor, which is all that planning needs.
    """

    users: int
    kind: Kind
    occasion: Occasion
    changes: int
    seconds: float


@dataclass(frozen=True)
class Site:
    """A directory, and a PBX with what is remembered of it.

    :ivar units: of each user.
    """

    users: tuple[DirectoryUser, ...]
    units: tuple[DirectoryUnit, ...]
    groups: tuple[DirectoryGroup, ...]
    standing: Standing

    @classmethod
    def new(cls, size: int, *, units: int = UNITS, groups: int = GROUPS) -> Site:
        """Return a site whose PBX has no extension yet.

        :param size: number of users, who are spread evenly over units and groups.
        :param units: how many there are at most.
        :param groups: likewise.
        """
        made = tuple(_unit(place) for place in range(min(units, max(1, size // 10))))
        users = tuple(_user(place, made[place % len(made)]) for place in range(size))
        count = min(groups, size)
        pbx = PbxSnapshot(PBX, PbxCapacity(2 * size, 0), (), organizations=(Organization(ROOT, "Lab", 0),), groups=())
        return cls(
            users, made, tuple(_group(place, users[place::count]) for place in range(count)), Standing(pbx, (), ())
        )

    def plan(self, kind: Kind) -> Plan:
        """Plan one kind."""
        pbx, associations, objects = self.standing.pbx, self.standing.associations, self.standing.objects
        people = People({user.guid: user for user in self.users})
        match kind:
            case Kind.USERS:
                rule = UserRule(number_start=FIRST_NUMBER)
                return plan_users(rule, DirectorySnapshot(DOMAIN, NOW, self.users), pbx, associations, ())
            case Kind.UNITS:
                homes = {user.guid: self.units[place % len(self.units)].guid for place, user in enumerate(self.users)}
                units = UnitSnapshot(DOMAIN, self.units, people, homes)
                return plan_units(UnitRule(), units, pbx, associations, objects, anchor=ROOT)
            case Kind.GROUPS:
                members = {
                    group.guid: frozenset(user.guid for user in self.users[place :: len(self.groups)])
                    for place, group in enumerate(self.groups)
                }
                paths = {group.guid: (group.name,) for group in self.groups}
                groups = GroupSnapshot(DOMAIN, self.groups, people, paths, members)
                return plan_directory_groups(GroupRule(), groups, pbx, associations, objects)

    def after(self, plan: Plan) -> Site:
        """Return the site once a plan is carried out: with the ids that a PBX gives, which are positive."""
        return replace(self, standing=_numbered(rehearse(Stage(plan.changes, (), plan.refreshed), self.standing)))

    def some_changed(self) -> Site:
        """Return the site after every 100th user has another last name, another unit and another group."""
        users = list(self.users)
        for place in range(0, len(users), CHANGED):
            attributes = {**users[place].attributes, "sn": f"Changed {place}"}
            other = (place + CHANGED // 2 + 1) % len(users)
            users[place] = replace(users[other], attributes=users[other].attributes)
            users[other] = replace(self.users[place], attributes=attributes)
        return replace(self, users=tuple(users))


def measure_planning(sizes: Sequence[int] = SIZES) -> list[Planning]:
    """Plan each kind before each run, at each size."""
    # As in a module's own process.
    gc.set_threshold(100_000)
    return [figure for size in sizes for figure in _measure(size)]


def _measure(size: int) -> Iterator[Planning]:
    site = Site.new(size)
    for kind in Kind:
        plan, figure = _timed(size, kind, Occasion.FIRST, site)
        yield figure
        site = site.after(plan)
    for occasion, then in ((Occasion.NO_CHANGE, site), (Occasion.SOME_CHANGED, site.some_changed())):
        for kind in Kind:
            yield _timed(size, kind, occasion, then)[1]


def _timed(size: int, kind: Kind, occasion: Occasion, site: Site) -> tuple[Plan, Planning]:
    gc.collect()
    begun = time.process_time()
    plan = site.plan(kind)
    seconds = time.process_time() - begun
    return plan, Planning(size, kind, occasion, len(plan.changes), seconds)


def _guid(kind: int, place: int) -> str:
    return str(uuid.UUID(int=kind << 64 | place))


def _unit(place: int) -> DirectoryUnit:
    name = f"Unit {place:03}"
    return DirectoryUnit(_guid(2, place), f"OU={name},{DOMAIN.dn}", (name,))


def _user(place: int, unit: DirectoryUnit) -> DirectoryUser:
    name = f"Given{place % 997} Family{place}"
    attributes = {
        "givenName": f"Given{place % 997}",
        "sn": f"Family{place}",
        "mail": f"given.family{place}@lab.test",
        "telephoneNumber": f"+49 30 {1_000_000 + place}",
        "title": f"Title {place % 50}",
        "displayName": name,
        "cn": name,
    }
    return DirectoryUser(_guid(3, place), f"CN={name},{unit.dn}", f"user{place}", attributes, primary_group_id=513)


def _group(place: int, members: Sequence[DirectoryUser]) -> DirectoryGroup:
    name = f"Group {place:03}"
    return DirectoryGroup(_guid(4, place), f"CN={name},{DOMAIN.dn}", name, 2000 + place, tuple(u.dn for u in members))


def _numbered(standing: Standing) -> Standing:
    """Give the PBX's own ids to what has provisional ones."""
    pbx = standing.pbx
    organizations, groups = pbx.organizations or (), pbx.groups or ()
    last = max((*(one.id for one in pbx.extensions), *(one.id for one in organizations), *(one.id for one in groups)))

    def own(provisional: int) -> int:
        return provisional if provisional >= 0 else max(last, ROOT) - provisional

    def at(reference: OrganizationReference) -> OrganizationReference:
        return replace(reference, id=own(reference.id))

    def extension(one: Extension) -> Extension:
        return replace(one, id=own(one.id), organizations=tuple(map(at, one.organizations)))

    def group(one: ExtensionGroup) -> ExtensionGroup:
        return replace(one, id=own(one.id), members=tuple(sorted(map(own, one.members))))

    def association(one: Association) -> Association:
        return replace(one, extension_id=own(one.extension_id), organization_id=own(one.organization_id))

    def of_object(one: ObjectAssociation) -> ObjectAssociation:
        members = tuple(sorted(map(own, one.members)))
        return replace(one, object_id=own(one.object_id), parent_id=own(one.parent_id), members=members)

    return Standing(
        replace(
            pbx,
            extensions=tuple(map(extension, pbx.extensions)),
            organizations=tuple(Organization(own(one.id), one.name, own(one.parent_id)) for one in organizations),
            groups=tuple(map(group, groups)),
        ),
        tuple(map(association, standing.associations)),
        tuple(map(of_object, standing.objects)),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.planning", description="Measure the planners.")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), metavar="N,N", help="default: %(default)s")
    sizes = [int(size) for size in parser.parse_args(arguments).sizes.split(",")]
    for one in measure_planning(sizes):
        print(f"{one.users:>8,} {one.kind:<7} {one.occasion:<13} {one.changes:>8,} changes {one.seconds:>8.3f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
