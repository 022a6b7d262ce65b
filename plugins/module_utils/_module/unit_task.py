# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The synchronization of organizational units: what it reads of the directory, and what it needs of the PBX."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.names import Places, is_within, split_path
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.memory import Memory
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import OptionError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Directory, UnitQuery
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.read import read_absent, read_people
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.task import Sides
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.user_task import homes_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import (
    Absent,
    DirectoryUnit,
    People,
    UnitSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectAssociation, ObjectKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Organization, PbxSnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Plan
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    DeletionProof,
    RuleKind,
    SyncTo,
    UnitRule,
    UnitScope,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.unit_plan import plan_units


@dataclass(frozen=True, slots=True)
class UnitTask:
    """The synchronization of organizational units under a rule.

    :param base_dn: distinguished name below which the rule takes units in.
    """

    base_dn: str
    rule: UnitRule

    def attributes(self, memory: Memory) -> Collection[str]:  # noqa: ARG002 (of the interface)
        """Return the attribute that organizations are made of, if it is one."""
        return (self.rule.hierarchy_from,) if self.rule.hierarchy_from else ()

    def needs_groups(self, memory: Memory) -> bool:
        """Tell whether units are or were extension groups."""
        return self.rule.sync_to is SyncTo.EXTENSION_GROUP or bool(
            memory.own(RuleKind.ORGANIZATIONAL_UNITS, ObjectKind.EXTENSION_GROUP)
        )

    def start(self, sides: Sides) -> StartedUnits:
        """Read the units that the rule takes in."""
        question = None if self.rule.hierarchy_from else self._question(sides.directory)
        units = sides.directory.read_units(question) if question is not None else []
        if question is not None and question.named:
            self._require_units(question.bases, {unit.dn for unit in units})
        return StartedUnits(self, sides, question, units)

    def _question(self, directory: Directory) -> UnitQuery:
        match self.rule.scope:
            case UnitScope.ALL:
                return UnitQuery((self.base_dn,))
            case UnitScope.FILTER:
                directory.check_filter(self.rule.filter)
                return UnitQuery((self.base_dn,), filter=self.rule.filter)
            case UnitScope.ORGANIZATIONAL_UNITS:
                named = [directory.find_organizational_unit(name) for name in self.rule.organizational_units]
                return UnitQuery(tuple(node.dn for node in named), named=True)

    def _require_units(self, bases: Sequence[str], units: Collection[str]) -> None:
        """Refuse a name that takes in nothing: a container is found by it too.

        :param bases: the DN of each named object.
        :param units: the DNs of all units that were read.
        """
        for name, dn in zip(self.rule.organizational_units, bases, strict=True):
            if dn not in units and not any(is_within(unit, dn) for unit in units):
                raise OptionError(
                    f"organizational_units {name} is a container, which is no organizational unit and has none below "
                    "it.",
                    "Name an organizational unit, or leave it out.",
                )


@dataclass(frozen=True, slots=True)
class StartedUnits:
    """The synchronization of organizational units whose scope has been read.

    :param question: the query that tells whether the scope takes a unit in; None where organizations are made of an
        attribute's values.
    """

    task: UnitTask
    sides: Sides
    question: UnitQuery | None
    units: Sequence[DirectoryUnit]

    @property
    def names(self) -> Mapping[str, str]:
        """Nothing: units that are named are found by their names at every run, for all below them is meant."""
        return {}

    def plan(self, memory: Memory, pbx: PbxSnapshot) -> Plan:
        """Read where the users are and what became of associated units, check the PBX, and plan."""
        rule = self.task.rule
        anchor = self._check_pbx(memory, pbx)
        people = read_people(self.sides.directory, self.task.base_dn, memory.associations)
        self._require_values(people)
        return plan_units(
            rule,
            self._snapshot(memory, people),
            pbx,
            memory.associations,
            memory.objects,
            anchor=anchor,
            leaves_places=memory.leaves_places,
        )

    def _snapshot(self, memory: Memory, people: People) -> UnitSnapshot:
        if self.question is None:
            return UnitSnapshot(self.sides.identity.domain, (), people)
        own = [one for one in memory.objects if one.rule is RuleKind.ORGANIZATIONAL_UNITS]
        taken_in = {unit.guid for unit in self.units}
        absent = read_absent(self.sides.directory, {one.guid for one in own if one.dn} - taken_in, self._ask_again)
        hidden = self._hidden(own, absent)
        places = Places({**hidden, **{unit.guid: unit.dn for unit in self.units}})
        return UnitSnapshot(
            domain=self.sides.identity.domain,
            units=tuple(replace(unit, parent=places.nearest_above(unit.dn)) for unit in self.units),
            people=people,
            homes=homes_of(people.users.values(), places),
            absent=absent,
            hidden={guid: places.nearest_above(dn) for guid, dn in hidden.items()},
        )

    def _hidden(self, own: Sequence[ObjectAssociation], absent: Absent) -> Mapping[str, str]:
        """Units of which nothing proves that they are no longer where they were."""
        if self.task.rule.deletion_proof is DeletionProof.ABSENCE:
            return {}
        return {one.guid: one.dn for one in own if one.guid in absent.missing}

    def _ask_again(self, guids: frozenset[str]) -> Collection[str]:
        if self.question is None:
            return ()
        return [unit.guid for unit in self.sides.directory.read_units(replace(self.question, only=guids))]

    def _require_values(self, people: People) -> None:
        """Refuse an attribute that no user shows: misspelt or hidden, it would put every organization out of scope."""
        attribute = self.task.rule.hierarchy_from
        if not attribute or not people.users:
            return
        if not any(user.attributes.get(attribute, "").strip() for user in people.users.values()):
            raise OptionError(
                f"hierarchy_from is {attribute}, and none of {len(people.users)} associated user(s) has a value there.",
                "Correct the attribute's name, or give directory_username the right to read it.",
            )

    # --- what the rule needs of the PBX

    def _check_pbx(self, memory: Memory, pbx: PbxSnapshot) -> int:
        """Return the id of the organization below which the tree begins; 0 where there is none."""
        rule = self.task.rule
        if rule.sync_to is not SyncTo.ORGANIZATION:
            return pbx.organizations[0].id if pbx.organizations else 0
        if not pbx.organizations:
            raise OptionError(
                "sync_to is organization and Organization Management is switched off on the PBX.",
                "Switch it on at PBX Settings > Preferences > Organization Management, or set sync_to to "
                "extension_group.",
            )
        self._check_company_name(pbx.organizations[0])
        anchor = find_organization(rule.parent_organization, pbx.organizations, rule.company_name)
        self._refuse_own(anchor, memory, pbx.organizations)
        return anchor.id

    def _check_company_name(self, root: Organization) -> None:
        name = self.task.rule.company_name
        if name and name != root.name and not self.sides.pbx.can_set_company_name():
            raise OptionError(
                f"company_name is {name!r}, the PBX's company is called {root.name!r}, and this PBX lets nobody set it "
                "by its API.",
                "Set it at PBX Settings > Preferences > Organization Management, or leave company_name out.",
            )

    def _refuse_own(self, anchor: Organization, memory: Memory, organizations: Sequence[Organization]) -> None:
        """Refuse a parent organization that the synchronization itself has made: it would be its own parent."""
        own = {one.object_id: one for one in memory.own(RuleKind.ORGANIZATIONAL_UNITS, ObjectKind.ORGANIZATION)}
        parents = {organization.id: organization.parent_id for organization in organizations}
        node = anchor.id
        while node in parents:
            if node in own:
                raise OptionError(
                    f"parent_organization {self.task.rule.parent_organization or anchor.name} is or is below the "
                    f"organization {own[node].name}, which the synchronization keeps itself.",
                    "Name an organization that stands outside of it.",
                )
            node = parents[node]


def find_organization(name: str, organizations: Sequence[Organization], company_name: str = "") -> Organization:
    r"""Find an organization by id, or by path from the root downwards (``Departments/Sites``), else ``OptionError``.

    The root's own name may stand at the beginning of a path; a slash that is part of a name is written ``\/``.

    :param name: "" for the root.
    :param organizations: the PBX's, the root first.
    :param company_name: what the root is called too, because it is to be; "" for nothing else.
    """
    root = organizations[0]
    if not name:
        return root
    by_id = {str(organization.id): organization for organization in organizations}
    if name in by_id:
        return by_id[name]
    try:
        names = split_path(name)
    except ValueError as error:
        raise _no_organization(name, str(error)) from None
    found = _walk(names, root, organizations)
    if found is None and names[0].casefold() in (root.name.casefold(), company_name.casefold()):
        found = _walk(names[1:], root, organizations)
    if found is None:
        raise _no_organization(name, "the PBX has no organization of this id or path")
    return found


def _walk(names: Sequence[str], root: Organization, organizations: Sequence[Organization]) -> Organization | None:
    here = root
    for name in names:
        below = [one for one in organizations if one.parent_id == here.id and one.name.casefold() == name.casefold()]
        if not below:
            return None
        here = next((one for one in below if one.name == name), below[0])
    return here


def _no_organization(name: str, why: str) -> OptionError:
    return OptionError(
        f"parent_organization {name} cannot be used: {why}.", "Create it on the PBX, or correct the name."
    )
