# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What a run remembers of earlier ones, read from the ledger at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import EMAIL
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import Totals
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
    RetiredNumber,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    AnyRule,
    RuleKind,
    UnitRule,
    UserRule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on import NO_SIGN_ON, SignOn


@dataclass(frozen=True, slots=True)
class Memory:
    """All that the ledger knows of users and objects.

    :param unit_rule: the rule of organizational units that extensions are placed by; None if there is none, or it is
        paused.
    :param names: what the names in each rule were found to be when it was last carried out: objectGUIDs by the names as
        they are given.
    :param leaves_places: whether the rule of users leaves an extension that a person took out of its organization.
    """

    associations: Sequence[Association]
    objects: Sequence[ObjectAssociation]
    retired: Sequence[RetiredNumber]
    unit_rule: UnitRule | None
    names: Mapping[RuleKind, Mapping[str, str]]
    leaves_places: bool = False
    sign_on: SignOn = NO_SIGN_ON

    @classmethod
    def of(cls, ledger: Ledger, unit_rule: UnitRule | None, *, leaves_places: bool = False) -> Memory:
        """Read it.

        :param unit_rule: see the class.
        :param leaves_places: likewise.
        """
        return cls(
            associations=ledger.associations(),
            objects=ledger.object_associations(),
            retired=ledger.retired_numbers(),
            unit_rule=unit_rule,
            names={rule: ledger.names(rule) for rule in RuleKind},
            leaves_places=leaves_places,
            sign_on=ledger.sign_on(),
        )

    def known(self, rule: RuleKind, guids: Collection[str]) -> dict[str, str]:
        """Return those of the names in a rule whose objectGUIDs are among these."""
        return {name: guid for name, guid in self.names[rule].items() if guid in guids}

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
            groups={one.guid: len(one.members) for one in own if one.kind is ObjectKind.EXTENSION_GROUP},
            addresses={one.guid: one.written[EMAIL] for one in self.associations if EMAIL in one.written},
        )


def kind_of(rule: AnyRule) -> RuleKind:
    """Return what a rule synchronizes."""
    if isinstance(rule, UserRule):
        return RuleKind.USERS
    return RuleKind.ORGANIZATIONAL_UNITS if isinstance(rule, UnitRule) else RuleKind.GROUPS
