# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What a run remembers of earlier ones, read from the ledger at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import Totals
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
    RetiredNumber,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    AnyRule,
    DeletionProof,
    OutOfScope,
    RuleKind,
    SyncTo,
    UnitRule,
    UserRule,
)


@dataclass(frozen=True, slots=True)
class Memory:
    """All that the ledger knows of users and objects.

    :param unit_rule: the saved rule of organizational units; None if there is none.
    :param names: what the names in the run's own rule were found to be when it was last carried out: objectGUIDs by
        the names as they are given.
    """

    associations: list[Association]
    objects: list[ObjectAssociation]
    retired: list[RetiredNumber]
    unit_rule: UnitRule | None
    names: Mapping[str, str]

    @classmethod
    def of(cls, ledger: Ledger, rule: RuleKind) -> Memory:
        """Read it for a run of a rule."""
        return cls(
            associations=ledger.associations(),
            objects=ledger.object_associations(),
            retired=ledger.retired_numbers(),
            unit_rule=saved_unit_rule(ledger),
            names=ledger.names(rule),
        )

    def known(self, guids: Collection[str]) -> dict[str, str]:
        """Return those of the names whose objectGUIDs are among these."""
        return {name: guid for name, guid in self.names.items() if guid in guids}

    def own(self, rule: RuleKind, kind: ObjectKind) -> list[ObjectAssociation]:
        """Return a rule's associations of a kind of object."""
        return [one for one in self.objects if one.rule is rule and one.kind is kind]

    def totals(self, rule: RuleKind) -> Totals:
        """Return what the guard's shares are of in a run of a rule."""
        own = [one for one in self.objects if one.rule is rule]
        return Totals(
            associated=len(self.associations) if rule is RuleKind.USERS else len(own),
            extensions=len(self.associations),
            members=sum(len(one.members) for one in own),
        )


def kind_of(rule: AnyRule) -> RuleKind:
    """Return what a rule synchronizes."""
    if isinstance(rule, UserRule):
        return RuleKind.USERS
    return RuleKind.ORGANIZATIONAL_UNITS if isinstance(rule, UnitRule) else RuleKind.GROUPS


def rule_settings(rule: AnyRule) -> dict[str, Any]:
    """Return a rule as the ledger keeps it: plain data in one spelling."""
    settings = asdict(rule)
    for name, value in settings.items():
        if isinstance(value, frozenset):
            settings[name] = sorted(value)
        elif isinstance(value, tuple):
            settings[name] = list(value)
    return settings


def saved_unit_rule(ledger: Ledger) -> UnitRule | None:
    """Return the saved rule of organizational units; None if there is none."""
    saved = ledger.rule(RuleKind.ORGANIZATIONAL_UNITS)
    if saved is None:
        return None
    settings = saved.settings
    return UnitRule(
        parent_organization=settings["parent_organization"],
        company_name=settings["company_name"],
        hierarchy_from=settings["hierarchy_from"],
        hierarchy_separator=settings["hierarchy_separator"],
        sync_to=SyncTo(settings["sync_to"]),
        out_of_scope=OutOfScope(settings["out_of_scope"]),
        deletion_proof=DeletionProof(settings["deletion_proof"]),
    )
