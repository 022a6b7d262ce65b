# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory, a PBX and a ledger in memory, and a site of them whose runs are the real planners' and the real apply's.

The PBX refuses what a PBX refuses, and remembers that it did.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random
from typing import NoReturn, TypeVar, cast

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.apply import Hands, Stage, apply
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Ledger, Pbx, RunRecord
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.rehearsal import Standing, rehearse
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.rollback import read_history
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import AnswerLostError, PbxRefusedError
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import (
    Absent,
    DirectoryGroup,
    DirectorySnapshot,
    DirectoryUnit,
    DirectoryUser,
    GroupSnapshot,
    People,
    UnitSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import EMAIL
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.group_plan import plan_directory_groups
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import GuardLimits, Totals, Verdict, judge
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.images import AnyImage
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import (
    Done,
    Intent,
    JournalState,
    Resolution,
    differs_in_substance,
    remembering,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.layouts import standing_layout
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.limits import EXTENSION_GROUPS, organization_limits
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
    RetiredNumber,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Access,
    Extension,
    ExtensionGroup,
    GroupPattern,
    NewExtension,
    Organization,
    OrganizationReference,
    PbxCapacity,
    PbxIdentity,
    PbxSnapshot,
    with_access,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.placement import ORGANIZATIONS, Layout
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    ExtensionChange,
    Plan,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.recovery import recover
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import Outcome
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rollback import Rollback, plan_rollback
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    DeletionProof,
    GroupRule,
    RuleKind,
    SyncTo,
    UnitRule,
    UserRule,
    leaves_drift,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.scope import Memberships
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_history import RollbackRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.unit_plan import plan_units
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.units import (
    Forest,
    Unit,
    forest_of_values,
    in_order,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.users import plan_users

from tests.unit.sync_builders import DOMAIN, NOW, fields

Item = TypeVar("Item")

ROOT = 1
BUILT_IN = 1
MANAGER, USER = "manager", "user"
FLAGS = "mgr_enb_monitor"
CAPACITY = PbxCapacity(100, 0)
IDENTITY = PbxIdentity("3631A1234567", "P550", "37.20.0.19")
LIMITS = organization_limits(IDENTITY, CAPACITY)


# --- when a run is cut off


class KilledError(BaseException):
    """The process was killed."""


@dataclass(slots=True)
class Fate:
    """What befalls a run at one of its steps; each call of the PBX and each write of the ledger is a step.

    :param at: the step, from 1; 0 for none.
    :param is_done: whether the step is done all the same.
    :param is_lost: whether only the answer of the call is lost, and not the whole process.
    """

    at: int = 0
    is_done: bool = False
    is_lost: bool = False
    steps: int = 0

    @contextmanager
    def step(self, *, is_call: bool) -> Iterator[None]:
        self.steps += 1
        is_now = self.steps == self.at and (is_call or not self.is_lost)
        if is_now and not self.is_done:
            self._end()
        yield
        if is_now:
            self._end()

    def _end(self) -> NoReturn:
        if self.is_lost:
            raise AnswerLostError("The answer was lost.")
        raise KilledError


# --- the directory


@dataclass(frozen=True, slots=True)
class OrgUnit:
    """An organizational unit; its parent is "" at the top."""

    name: str
    parent: str = ""
    taken_in: bool = True
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """A user, in a unit or ("") in none."""

    name: str
    unit: str = ""
    department: str = ""
    primary: int = 513
    title: str = ""
    taken_in: bool = True
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class MemberGroup:
    """A group whose members are users and groups by their objectGUIDs."""

    name: str
    rid: int
    unit: str = ""
    members: frozenset[str] = frozenset()
    taken_in: bool = True
    hidden: bool = False


@dataclass(slots=True)
class Directory:
    """Everything by objectGUID; of what was deleted, those whose deleted object can be seen."""

    units: dict[str, OrgUnit] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, MemberGroup] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    next_id: int = 1

    def copy(self) -> Directory:
        return Directory(dict(self.units), dict(self.people), dict(self.groups), set(self.deleted), self.next_id)

    def number(self) -> int:
        self.next_id += 1
        return self.next_id

    def guid(self) -> str:
        return f"{self.number():08x}-5e4f-4a0c-9b1d-0000000000aa"

    # --- the tree

    def path(self, unit: str) -> tuple[str, ...]:
        names: list[str] = []
        while unit:
            names.append(self.units[unit].name)
            unit = self.units[unit].parent
        return tuple(reversed(names))

    def dn(self, unit: str) -> str:
        return "".join(f"OU={name}," for name in reversed(self.path(unit))) + DOMAIN.dn

    def subtree(self, unit: str) -> list[str]:
        found = [unit]
        for one in found:
            found.extend(guid for guid, child in self.units.items() if child.parent == one)
        return found

    def nearest(self, unit: str, among: Collection[str]) -> str:
        """The unit itself or the nearest above it that is among these; "" for none."""
        while unit and unit not in among:
            unit = self.units[unit].parent
        return unit

    def is_free(self, name: str, parent: str) -> bool:
        return not any(one.parent == parent and one.name.casefold() == name.casefold() for one in self.units.values())

    # --- what a run reads

    def user(self, guid: str) -> DirectoryUser:
        person = self.people[guid]
        return DirectoryUser(
            guid=guid,
            dn=f"CN={person.name},{self.dn(person.unit)}",
            account_name=person.name,
            attributes={
                "givenName": person.name,
                "mail": f"{person.name}@x.test",
                "title": person.title,
                "department": person.department,
            },
            primary_group_id=person.primary,
        )

    def seen_people(self, associations: Iterable[Association]) -> People:
        known = {one.guid for one in associations}
        shown = {guid for guid in known & self.people.keys() if not self.people[guid].hidden}
        deleted = frozenset(known & self.deleted)
        return People({guid: self.user(guid) for guid in sorted(shown)}, deleted, frozenset(known - shown - deleted))

    def absent(self, guids: Collection[str]) -> Absent:
        everything: dict[str, OrgUnit | MemberGroup] = {**self.units, **self.groups}
        outside = frozenset(guid for guid in guids if guid in everything and not everything[guid].hidden)
        deleted = frozenset(guids) & self.deleted
        return Absent(outside, deleted, frozenset(guids) - outside - deleted)

    def units_taken_in(self) -> set[str]:
        return {guid for guid, unit in self.units.items() if unit.taken_in and not unit.hidden}

    def groups_taken_in(self) -> set[str]:
        return {guid for guid, group in self.groups.items() if group.taken_in and not group.hidden}

    def read_units(
        self, rule: UnitRule, associations: Sequence[Association], own: Sequence[ObjectAssociation]
    ) -> UnitSnapshot:
        people = self.seen_people(associations)
        if rule.hierarchy_from:
            return UnitSnapshot(DOMAIN, (), people)
        taken_in = self.units_taken_in()
        absent = self.absent({one.guid for one in own if one.dn} - taken_in)
        marks = set(taken_in)
        if rule.deletion_proof is DeletionProof.TOMBSTONE:
            marks |= absent.missing & self.units.keys()
        units = (
            DirectoryUnit(guid, self.dn(guid), self.path(guid), self.nearest(self.units[guid].parent, marks))
            for guid in sorted(taken_in)
        )
        homes = {guid: self.nearest(self.people[guid].unit, marks) for guid in people.users}
        hidden = {guid: self.nearest(self.units[guid].parent, marks) for guid in marks - taken_in}
        homes = {guid: unit for guid, unit in homes.items() if unit}
        return UnitSnapshot(DOMAIN, tuple(units), people, homes, absent, hidden)

    def read_groups(self, associations: Sequence[Association], own: Sequence[ObjectAssociation]) -> GroupSnapshot:
        people = self.seen_people(associations)
        taken_in = self.groups_taken_in()
        everything = {guid: self._group(guid) for guid in sorted(self.groups)}
        memberships = Memberships(list(everything.values()), people.users.values())
        groups = [everything[guid] for guid in sorted(taken_in)]
        return GroupSnapshot(
            domain=DOMAIN,
            groups=tuple(groups),
            people=people,
            paths={group.guid: (*self.path(self.groups[group.guid].unit), group.name) for group in groups},
            members={group.guid: memberships.of(group) for group in groups},
            absent=self.absent({one.guid for one in own} - taken_in),
        )

    def _group(self, guid: str) -> DirectoryGroup:
        group = self.groups[guid]
        members = [
            self.user(member).dn if member in self.people else self._group_dn(member)
            for member in sorted(group.members)
            if member in self.people or member in self.groups
        ]
        return DirectoryGroup(guid, self._group_dn(guid), group.name, group.rid, tuple(members))

    def _group_dn(self, guid: str) -> str:
        # Two groups of one name in one place have different common names and the same name to the reader of this test.
        return f"CN={self.groups[guid].name}-{guid[:8]},{self.dn(self.groups[guid].unit)}"

    def read_users(self, associations: Sequence[Association]) -> DirectorySnapshot:
        people = self.seen_people(associations)
        inside = {guid for guid, person in self.people.items() if person.taken_in and not person.hidden}
        outside = people.users.keys() - inside
        return DirectorySnapshot(
            domain=DOMAIN,
            time=NOW,
            users=tuple(self.user(guid) for guid in sorted(inside)),
            outside=tuple(people.users[guid] for guid in sorted(outside)),
            deleted=people.deleted,
            missing=people.missing,
        )

    def standing_forest(self, rule: UnitRule, held: Sequence[ObjectAssociation], users: Sequence[str]) -> Forest:
        """What the synchronization of users knows of the tree: where the units of the organizations are now."""
        if rule.hierarchy_from:
            return forest_of_values(
                [self.user(guid) for guid in users], rule.hierarchy_from, rule.hierarchy_separator, held
            )
        there = {one.guid: one.name for one in held if one.guid not in self.deleted}
        units = [
            Unit(guid, guid, (name,), self.nearest(self.units[guid].parent, there) if guid in self.units else "")
            for guid, name in there.items()
        ]
        homes = {guid: self.nearest(self.people[guid].unit, there) for guid in users}
        return Forest(in_order(units), {guid: unit for guid, unit in homes.items() if unit})


# --- the PBX


@dataclass(frozen=True, slots=True)
class PbxGroup:
    """An extension group: its members with their roles, and its permissions."""

    name: str
    members: Mapping[int, str] = field(default_factory=dict)
    flags: int = 0
    includes_all: bool = False


@dataclass(slots=True)
class MemoryPbx:
    """A PBX.

    :param renames: what becomes of a group's new name: ``accepted``, ``ignored`` or ``refused``.
    :param orphans: where the members of a deleted organization go: ``root``, ``parent`` or ``nowhere``.
    :param refusals: the calls that it refused.
    """

    renames: str = "accepted"
    orphans: str = "root"
    fate: Fate = field(default_factory=Fate)
    organizations: dict[int, Organization] = field(default_factory=lambda: {ROOT: Organization(ROOT, "Company", 0)})
    groups: dict[int, PbxGroup] = field(default_factory=lambda: {BUILT_IN: PbxGroup("Everybody", includes_all=True)})
    extensions: dict[int, Extension] = field(default_factory=dict)
    next_id: int = 1
    calls: int = 0
    refusals: list[str] = field(default_factory=list)

    def copy(self) -> MemoryPbx:
        return replace(
            self,
            fate=Fate(),
            organizations=dict(self.organizations),
            groups=dict(self.groups),
            extensions=dict(self.extensions),
            refusals=list(self.refusals),
        )

    def snapshot(self, *, with_groups: bool, mix: Random | None = None) -> PbxSnapshot:
        root, *others = self.organizations.values()
        groups = (
            ExtensionGroup(
                id=id_,
                name=group.name,
                members=tuple(sorted(group.members)),
                includes_all=group.includes_all,
                user_types=group.members,
                settings={FLAGS: group.flags},
            )
            for id_, group in self.groups.items()
        )
        return PbxSnapshot(
            identity=IDENTITY,
            capacity=replace(CAPACITY, extensions_used=len(self.extensions)),
            extensions=mixed(self.extensions.values(), mix),
            organizations=(root, *mixed(others, mix)),
            groups=mixed(groups, mix) if with_groups else None,
        )

    def organizations_of(self, extension_id: int) -> set[int]:
        return {one.id for one in self.extensions[extension_id].organizations}

    def children(self, organization_id: int) -> list[int]:
        return [one.id for one in self.organizations.values() if one.parent_id == organization_id]

    def subtree(self, organization_id: int) -> list[int]:
        found = [organization_id]
        for one in found:
            found.extend(self.children(one))
        return found

    def layer(self, organization_id: int) -> int:
        layer = 0
        while organization_id != ROOT:
            organization_id = self.organizations[organization_id].parent_id
            layer += 1
        return layer

    # --- organizations

    def set_company_name(self, name: str) -> None:
        with self._call():
            self.organizations[ROOT] = replace(self.organizations[ROOT], name=name)

    def create_organization(self, name: str, parent_id: int) -> int:
        with self._call():
            if len(self.organizations) > LIMITS.organizations:
                self._refuse(f"no room for the organization {name}")
            self._check_place(name, parent_id, None)
            id_ = self._new_id()
            self.organizations[id_] = Organization(id_, name, parent_id)
            return id_

    def update_organization(self, organization_id: int, name: str, parent_id: int) -> None:
        with self._call():
            if organization_id not in self.organizations or organization_id == ROOT:
                self._refuse(f"no organization {organization_id} to change")
            if parent_id in self.subtree(organization_id):
                self._refuse(f"the organization {name} would be below itself")
            self._check_place(name, parent_id, organization_id)
            self.organizations[organization_id] = Organization(organization_id, name, parent_id)

    def _check_place(self, name: str, parent_id: int, own_id: int | None) -> None:
        if not name or len(name) > 127:
            self._refuse(f"the name {name!r}")
        if parent_id not in self.organizations:
            self._refuse(f"no parent {parent_id} for the organization {name}")
        if any(self.organizations[one].name == name and one != own_id for one in self.children(parent_id)):
            self._refuse(f"a second organization {name} below {parent_id}")
        below = [self.layer(one) for one in self.subtree(own_id)] if own_id else [0]
        height = max(below) - (self.layer(own_id) if own_id else 0)
        if self.layer(parent_id) + 1 + height > LIMITS.layers:
            self._refuse(f"the organization {name} is too deep")

    def delete_organization(self, organization_id: int) -> None:
        with self._call():
            if organization_id not in self.organizations:
                return
            if organization_id == ROOT or self.children(organization_id):
                self._refuse(f"the organization {organization_id} is the root or has others below it")
            self.remove_organization(organization_id)

    def remove_organization(self, organization_id: int) -> None:
        parent = self.organizations.pop(organization_id).parent_id
        fallback = {"root": ROOT, "parent": parent}.get(self.orphans)
        for id_ in self.extensions:
            places = self.organizations_of(id_)
            if organization_id in places:
                self.put_extension(id_, places - {organization_id} | ({fallback} if fallback else set()))

    def put_extension(self, extension_id: int, places: Collection[int]) -> None:
        references = (OrganizationReference(id_, self.organizations[id_].name) for id_ in sorted(places))
        self.extensions[extension_id] = replace(self.extensions[extension_id], organizations=tuple(references))

    # --- extension groups

    def create_group(self, name: str, members: Sequence[int], like: int | GroupPattern | None = None) -> int:
        with self._call():
            if len(self.groups) >= EXTENSION_GROUPS:
                self._refuse(f"no room for the group {name}")
            self._check_group(name, members, None)
            pattern = self._pattern(like)
            roles = {id_: pattern.members.get(id_, USER) for id_ in members}
            id_ = self._new_id()
            self.groups[id_] = PbxGroup(name, roles, pattern.flags)
            return id_

    def _pattern(self, like: int | GroupPattern | None) -> PbxGroup:
        if isinstance(like, GroupPattern):
            return PbxGroup("", like.user_types, like.settings.get(FLAGS, 0))
        return self.groups[like] if like is not None else PbxGroup("")

    def update_group(self, group_id: int, members: Sequence[int], user_types: Mapping[int, str] | None = None) -> None:
        with self._call():
            self._write_members(group_id, members, user_types or {})

    def rename_group(self, group_id: int, name: str, members: Sequence[int]) -> bool:
        with self._call():
            if self.renames == "refused":
                return False
            self._check_group(name, members, group_id)
            self._write_members(group_id, members, {})
            if self.renames == "accepted":
                self.groups[group_id] = replace(self.groups[group_id], name=name)
            return self.groups[group_id].name == name

    def delete_group(self, group_id: int) -> None:
        with self._call():
            self.groups.pop(group_id, None)

    def _write_members(self, group_id: int, members: Sequence[int], user_types: Mapping[int, str]) -> None:
        if group_id not in self.groups:
            self._refuse(f"no group {group_id} to change")
        present = self.groups[group_id]
        self._check_group(present.name, members, group_id)
        roles = {id_: present.members.get(id_, user_types.get(id_, USER)) for id_ in members}
        self.groups[group_id] = replace(present, members=roles, includes_all=False)

    def _check_group(self, name: str, members: Sequence[int], own_id: int | None) -> None:
        if any(group.name == name and id_ != own_id for id_, group in self.groups.items()):
            self._refuse(f"a second group {name}")
        if not set(members) <= self.extensions.keys():
            self._refuse(f"members {sorted(set(members) - self.extensions.keys())} of the group {name}")

    # --- extensions

    def create_extension(self, new: NewExtension) -> int:
        with self._call():
            if any(one.number == new.number for one in self.extensions.values()):
                self._refuse(f"a second extension {new.number}")
            self._check_organizations(new.number, new.organizations)
            id_ = self._new_id()
            self.extensions[id_] = Extension(
                id_, new.number, fields(**new.fields), new.registration_name, settings=new.settings
            )
            self.put_extension(id_, {one.id for one in new.organizations})
            return id_

    def update_extension(
        self,
        extension_id: int,
        values: Mapping[str, str],
        organizations: Sequence[OrganizationReference],
        access: Access | None = None,
    ) -> None:
        with self._call():
            if extension_id not in self.extensions:
                self._refuse(f"no extension {extension_id} to change")
            present = self.extensions[extension_id]
            self._check_organizations(present.number, organizations)
            if access is not None:
                present = with_access(present, access)
            self.extensions[extension_id] = replace(present, fields={**present.fields, **values})
            self.put_extension(extension_id, {one.id for one in organizations})

    def delete_extension(self, extension_id: int) -> None:
        with self._call():
            self.remove_extension(extension_id)

    def remove_extension(self, extension_id: int) -> None:
        self.extensions.pop(extension_id, None)
        for id_, group in self.groups.items():
            members = {one: role for one, role in group.members.items() if one != extension_id}
            self.groups[id_] = replace(group, members=members)

    def _check_organizations(self, number: str, organizations: Sequence[OrganizationReference]) -> None:
        if not organizations:
            self._refuse(f"the extension {number} in no organization")
        if not {one.id for one in organizations} <= self.organizations.keys():
            self._refuse(f"the extension {number} in an organization that is not there")

    # --- what the methods above share

    @contextmanager
    def _call(self) -> Iterator[None]:
        with self.fate.step(is_call=True):
            self.calls += 1
            yield

    def _new_id(self) -> int:
        self.next_id += 1
        return self.next_id

    def _refuse(self, what: str) -> NoReturn:
        self.refusals.append(what)
        raise PbxRefusedError(f"The PBX refused {what}.")


# --- the ledger


@dataclass(slots=True)
class MemoryLedger:
    """What is remembered, with the one rule that no two associations of a kind share an object."""

    fate: Fate = field(default_factory=Fate)
    held: dict[tuple[ObjectKind, str], Association | ObjectAssociation] = field(default_factory=dict)
    retired: dict[str, RetiredNumber] = field(default_factory=dict)
    rows: dict[int, tuple[Intent, JournalState]] = field(default_factory=dict)
    found: dict[int, Done] = field(default_factory=dict)
    undone: dict[str, str] = field(default_factory=dict)

    def copy(self) -> MemoryLedger:
        return MemoryLedger(
            Fate(), dict(self.held), dict(self.retired), dict(self.rows), dict(self.found), dict(self.undone)
        )

    @contextmanager
    def together(self) -> Iterator[None]:
        before = self.copy()
        try:
            yield
        except BaseException:
            self.held, self.retired, self.rows, self.found = before.held, before.retired, before.rows, before.found
            raise

    def begin(self, undone: str = "") -> str:
        """Begin a run and return its id."""
        run_id = f"run-{len(self.undone) + 1}"
        self.undone[run_id] = undone
        return run_id

    @property
    def last_run(self) -> str:
        return f"run-{len(self.undone)}"

    def undoings(self, run_id: str) -> list[RunRecord]:
        return [
            RunRecord(one, "pbx_ad_rollback", (), "", "succeeded", NOW, NOW, {}, "", undone)
            for one, undone in self.undone.items()
            if undone == run_id
        ]

    def associations(self) -> list[Association]:
        return [one for _key, one in sorted(self.held.items()) if isinstance(one, Association)]

    def object_associations(self) -> list[ObjectAssociation]:
        return [one for _key, one in sorted(self.held.items()) if isinstance(one, ObjectAssociation)]

    def own(self, kind: ObjectKind, rule: RuleKind = RuleKind.ORGANIZATIONAL_UNITS) -> dict[str, ObjectAssociation]:
        return {one.guid: one for one in self.object_associations() if one.kind is kind and one.rule is rule}

    def retired_numbers(self) -> list[RetiredNumber]:
        return list(self.retired.values())

    def unfinished(self) -> list[Intent]:
        return [
            intent
            for _row, (intent, state) in sorted(self.rows.items())
            if state in (JournalState.INTENDED, JournalState.UNKNOWN)
        ]

    def save_associations(self, associations: Sequence[Association | ObjectAssociation]) -> None:
        with self.fate.step(is_call=False):
            self._put({_key(one): one for one in associations})

    def remember(self, run_id: str, associations: Sequence[Association | ObjectAssociation], at: datetime) -> None:
        with self.fate.step(is_call=False):
            for one in associations:
                former = self.held.get(_key(one))
                if differs_in_substance(former, one):
                    row, change = len(self.rows) + 1, remembering(one)
                    self.rows[row] = Intent(row, run_id, change), JournalState.DONE
                    self.found[row] = Done(row, run_id, change, former, one)
            self._put({_key(one): one for one in associations})

    def retire_number(self, number: RetiredNumber) -> None:
        with self.fate.step(is_call=False):
            self.retired[number.number] = number

    def done_changes(self, run_id: str) -> list[Done]:
        return [
            self.found[row]
            for row, (intent, state) in sorted(self.rows.items())
            if intent.run_id == run_id and state is JournalState.DONE
        ]

    def intend(
        self, run_id: str, change: AnyChange, registration_name: str, at: datetime, *, image: AnyImage | None = None
    ) -> int:
        with self.fate.step(is_call=False):
            row = len(self.rows) + 1
            former = self.held.get((change.kind, change.guid))
            self.found[row] = Done(row, run_id, change, former, image=image)
            self.rows[row] = (Intent(row, run_id, change, registration_name), JournalState.INTENDED)
        return row

    def done(
        self,
        row: int,
        association: Association | ObjectAssociation | None,
        retired: RetiredNumber | None,
        at: datetime,
    ) -> None:
        with self.fate.step(is_call=False):
            change = self._close(row, JournalState.DONE)
            self.found[row] = replace(self.found[row], latter=association)
            self._put({_key(association) if association else (change.kind, change.guid): association})
            if retired is not None:
                self.retired[retired.number] = retired

    def not_done(self, row: int, state: JournalState, detail: str, at: datetime) -> None:
        with self.fate.step(is_call=False):
            self._close(row, state)

    def resolve(self, resolutions: Sequence[Resolution], at: datetime) -> None:
        with self.fate.step(is_call=False):
            final: dict[tuple[ObjectKind, str], Association | ObjectAssociation | None] = {}
            for resolution in resolutions:
                change = self._close(resolution.intent.id, resolution.state)
                self.found[resolution.intent.id] = replace(self.found[resolution.intent.id], latter=resolution.save)
                if resolution.drop:
                    final[change.kind, change.guid] = None
                if resolution.save is not None:
                    final[_key(resolution.save)] = resolution.save
                if resolution.retired is not None:
                    self.retired[resolution.retired.number] = resolution.retired
            self._put(final)

    def _close(self, row: int, state: JournalState) -> AnyChange:
        intent, present = self.rows[row]
        assert present in (JournalState.INTENDED, JournalState.UNKNOWN), f"row {row} is closed"
        self.rows[row] = (intent, state)
        return intent.change

    def _put(self, associations: Mapping[tuple[ObjectKind, str], Association | ObjectAssociation | None]) -> None:
        for key, association in associations.items():
            self.held.pop(key, None)
            if association is not None:
                self.held[key] = association
        objects = [(kind, _object_id(one)) for (kind, _guid), one in self.held.items()]
        assert len(set(objects)) == len(objects), f"two associations of one object: {sorted(objects)}"
        assert all(id_ > 0 for _kind, id_ in objects), "an association of no object"


def _key(association: Association | ObjectAssociation) -> tuple[ObjectKind, str]:
    kind = ObjectKind.EXTENSION if isinstance(association, Association) else association.kind
    return kind, association.guid


def _object_id(association: Association | ObjectAssociation) -> int:
    return association.extension_id if isinstance(association, Association) else association.object_id


# --- all of it


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one rule."""

    kind: RuleKind
    plan: Plan
    verdict: Verdict
    outcomes: tuple[Outcome, ...]
    calls: int


@dataclass(slots=True)
class Site:
    """One directory, one PBX, and the rules of all three kinds.

    :param anchor: id of the parent organization that the rule of units names.
    :param saved_unit_rule: as the last run of units saved it, which is what a run of users goes by.
    :param imagined: where a run stands that has planned earlier kinds and not carried them out.
    :param given_by_hand: ids of the organizations that an administrator gave an extension, by its id.
    """

    directory: Directory = field(default_factory=Directory)
    pbx: MemoryPbx = field(default_factory=MemoryPbx)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    users: UserRule = field(default_factory=UserRule)
    units: UnitRule = field(default_factory=UnitRule)
    groups: GroupRule = field(default_factory=GroupRule)
    anchor: int = ROOT
    saved_unit_rule: UnitRule | None = None
    imagined: Standing | None = None
    given_by_hand: dict[int, set[int]] = field(default_factory=dict)

    def copy(self) -> Site:
        by_hand = {id_: set(places) for id_, places in self.given_by_hand.items()}
        return replace(
            self,
            directory=self.directory.copy(),
            pbx=self.pbx.copy(),
            ledger=self.ledger.copy(),
            given_by_hand=by_hand,
        )

    def tidy(self) -> None:
        """What an extension is in no longer, nobody gave it; and the root alone is as good as nothing."""
        for id_ in self.given_by_hand:
            places = self.pbx.organizations_of(id_) if id_ in self.pbx.extensions else set()
            self.given_by_hand[id_] &= places if places != {ROOT} else set()

    @property
    def order(self) -> tuple[RuleKind, RuleKind, RuleKind]:
        """The order in which the documentation wants the rules to be run."""
        first, second = RuleKind.ORGANIZATIONAL_UNITS, RuleKind.USERS
        if self.units.sync_to is SyncTo.EXTENSION_GROUP or self.units.hierarchy_from:
            first, second = second, first
        return first, second, RuleKind.GROUPS

    def run_all(self) -> list[Run]:
        """Run all rules, one after the other."""
        return [self.run(kind) for kind in self.order]

    def run_together(self) -> list[Run]:
        """Run all rules in one, as ``synchronize`` does for several kinds: planned first, and then written."""
        self._recover()
        self.saved_unit_rule = self.units
        snapshot = self.pbx.snapshot(with_groups=True)
        planned = self.plan_together(snapshot)
        hands = Hands(cast(Pbx, self.pbx), cast(Ledger, self.ledger), self.ledger.begin(), lambda: NOW, self._name)
        stages = [Stage(made.changes, (), made.refreshed) for made in planned]
        before = self.pbx.calls
        applied = apply(stages, snapshot, hands)
        return [
            Run(kind, made, Verdict(made.changes), outcomes, self.pbx.calls - before)
            for kind, made, outcomes in zip(self.order, planned, applied.outcomes, strict=True)
        ]

    def plan_together(self, snapshot: PbxSnapshot) -> list[Plan]:
        """Plan all rules, each from what those before it leave behind."""
        standing = Standing(snapshot, self.ledger.associations(), self.ledger.object_associations())
        planned: list[Plan] = []
        for kind in self.order:
            planned.append(replace(self, imagined=standing).plan(kind))
            standing = rehearse(Stage(planned[-1].changes, (), planned[-1].refreshed), standing)
        return planned

    def run_all_cut_off(self, fate: Fate, *, together: bool = False) -> bool:
        """Run all rules until something befalls the run; tell whether anything did."""
        self.pbx.fate = self.ledger.fate = fate
        try:
            if together:
                self.run_together()
            else:
                self.run_all()
        except KilledError:
            pass
        finally:
            self.pbx.fate = self.ledger.fate = Fate()
        return 0 < fate.at <= fate.steps

    def run(self, kind: RuleKind, limits: GuardLimits | None = None) -> Run:
        """Run one rule as ``synchronize`` does; there is no guard unless limits are given."""
        self._recover()
        made = self.plan(kind)
        own = [one for one in self.ledger.object_associations() if one.rule is kind]
        totals = Totals(
            associated=len(self.ledger.held),
            extensions=len(self.ledger.associations()),
            members=sum(len(one.members) for one in own),
            groups={one.guid: len(one.members) for one in own},
            addresses={one.guid: one.written[EMAIL] for one in self.ledger.associations() if EMAIL in one.written},
        )
        verdict = judge(made, limits or GuardLimits(allowed=made.guard_id), totals)
        before = self.pbx.calls
        if kind is RuleKind.ORGANIZATIONAL_UNITS:
            self.saved_unit_rule = self.units
        hands = Hands(cast(Pbx, self.pbx), cast(Ledger, self.ledger), self.ledger.begin(), lambda: NOW, self._name)
        stage = Stage(verdict.changes, verdict.stopped, made.refreshed)
        deletes = any(isinstance(one, ExtensionChange) and one.action is Action.DELETE for one in stage.going_on)
        snapshot = self.pbx.snapshot(with_groups=True) if deletes else self._snapshot(kind)
        applied = apply([stage], snapshot, hands)
        return Run(kind, made, verdict, applied.outcomes[0], self.pbx.calls - before)

    def plan_rollback(self, run_id: str) -> Rollback:
        """Plan to undo a run."""
        self._recover()
        standing = Standing(
            self.pbx.snapshot(with_groups=True), self.ledger.associations(), self.ledger.object_associations()
        )
        history = read_history(cast(Ledger, self.ledger), run_id)
        return plan_rollback(RollbackRule(run_id), history, standing, DOMAIN)

    def roll_back(self, run_id: str) -> tuple[Rollback, tuple[Outcome, ...]]:
        """Undo a run."""
        made = self.plan_rollback(run_id)
        hands = Hands(
            cast(Pbx, self.pbx), cast(Ledger, self.ledger), self.ledger.begin(run_id), lambda: NOW, self._name
        )
        applied = apply([Stage(made.plan.changes)], self.pbx.snapshot(with_groups=True), hands)
        return made, applied.outcomes[0]

    def roll_back_cut_off(self, run_id: str, fate: Fate) -> None:
        """Undo a run until something befalls it."""
        self.pbx.fate = self.ledger.fate = fate
        try:
            self.roll_back(run_id)
        except KilledError:
            pass
        finally:
            self.pbx.fate = self.ledger.fate = Fate()

    def plan(self, kind: RuleKind, mix: Random | None = None) -> Plan:
        """Plan a run of one rule.

        :param mix: puts what either side answers into another order.
        """
        standing = self.imagined or Standing(
            self._snapshot(kind, mix), self.ledger.associations(), self.ledger.object_associations()
        )
        snapshot, associations, objects = standing.pbx, standing.associations, standing.objects
        own = [one for one in objects if one.rule is kind]
        if kind is RuleKind.USERS:
            seen = self.directory.read_users(associations)
            seen = replace(seen, users=mixed(seen.users, mix), outside=mixed(seen.outside, mix))
            groups = [one for one in objects if one.kind is ObjectKind.EXTENSION_GROUP]
            retired, layout = self.ledger.retired_numbers(), self._layout(seen, snapshot, objects)
            return plan_users(self.users, seen, snapshot, associations, retired, layout=layout, objects=groups)
        if kind is RuleKind.ORGANIZATIONAL_UNITS:
            units = self.directory.read_units(self.units, associations, own)
            units = replace(units, units=mixed(units.units, mix))
            return plan_units(
                self.units,
                units,
                snapshot,
                associations,
                objects,
                anchor=self._anchor(),
                leaves_places=leaves_drift(self.users, ORGANIZATIONS),
            )
        members = self.directory.read_groups(associations, own)
        members = replace(members, groups=mixed(members.groups, mix))
        return plan_directory_groups(self.groups, members, snapshot, associations, objects)

    def _recover(self) -> None:
        unfinished = self.ledger.unfinished()
        remembered: list[Association | ObjectAssociation] = [
            *self.ledger.associations(),
            *self.ledger.object_associations(),
        ]
        self.ledger.resolve(recover(unfinished, remembered, self.pbx.snapshot(with_groups=True), NOW), NOW)

    def _snapshot(self, kind: RuleKind, mix: Random | None = None) -> PbxSnapshot:
        label = self.users.label_group if kind is RuleKind.USERS else ""
        own = self.ledger.own(ObjectKind.EXTENSION_GROUP, kind)
        to_groups = kind is RuleKind.ORGANIZATIONAL_UNITS and self.units.sync_to is SyncTo.EXTENSION_GROUP
        return self.pbx.snapshot(with_groups=bool(kind is RuleKind.GROUPS or to_groups or label or own), mix=mix)

    def _layout(
        self, seen: DirectorySnapshot, snapshot: PbxSnapshot, objects: Sequence[ObjectAssociation]
    ) -> Layout | None:
        rule = self.saved_unit_rule
        if rule is None or rule.sync_to is not SyncTo.ORGANIZATION:
            return None
        rules = (ObjectKind.ORGANIZATION, RuleKind.ORGANIZATIONAL_UNITS)
        held = [one for one in objects if (one.kind, one.rule) == rules]
        users = sorted(user.guid for user in (*seen.users, *seen.outside))
        return standing_layout(self.directory.standing_forest(rule, held, users), held, snapshot.organizations or ())

    def _anchor(self) -> int:
        """The parent organization; the administrator corrects a rule that names one which cannot be used."""
        own = {one.object_id for one in self.ledger.own(ObjectKind.ORGANIZATION).values()}
        above = self.anchor
        while above in self.pbx.organizations and above not in own:
            above = self.pbx.organizations[above].parent_id
        if above:
            self.anchor = ROOT
        return self.anchor

    def _name(self) -> str:
        return f"drawn-{self.pbx.next_id}-{len(self.ledger.rows)}"


def mixed(items: Iterable[Item], mix: Random | None) -> tuple[Item, ...]:
    """The items, in another order if there is something that mixes them."""
    found = list(items)
    if mix is not None:
        mix.shuffle(found)
    return tuple(found)
