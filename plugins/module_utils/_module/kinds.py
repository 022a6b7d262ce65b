# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The kinds of synchronization: the options of each, the rule that they make, and how a rule is saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.group_options import (
    GROUP_RULE_OPTIONS,
    group_rule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.group_task import GroupTask
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.guard_options import (
    GUARD,
    guard_settings,
    limit_options,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.task import Task
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.unit_options import UNIT_RULE_OPTIONS, unit_rule
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.unit_task import UnitTask
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.user_options import USER_RULE_OPTIONS, user_rule
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.user_task import UserTask
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.dangers import Danger
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import AnyRule, RuleKind, SyncTo, UnitRule


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of synchronization.

    :param module: the module that saves its rule.
    :param rule_options: the argument specification of the rule.
    :param dangers: what a run of it can do that the guard counts.
    :param rule: makes the rule of options; raises ``OptionError``.
    :param task: makes the task of a base DN and a rule.
    :param clean_up: the option that asks for what it has made to be deleted.
    """

    module: str
    rule_options: Mapping[str, dict[str, Any]]
    dangers: tuple[Danger, ...]
    rule: Callable[[Mapping[str, Any]], AnyRule]
    task: Callable[[str, Any], Task]
    clean_up: str

    @property
    def saved_options(self) -> dict[str, dict[str, Any]]:
        """The argument specification of all that is saved: the rule and the guard's limits."""
        return {**self.rule_options, **limit_options(*self.dangers)}

    @property
    def defaults(self) -> dict[str, Any]:
        """The settings where no option is given."""
        return self.settings({name: spec.get("default") for name, spec in self.saved_options.items()})

    def settings(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return options as they are saved: plain data in one spelling.

        :raises OptionError: where they contradict each other or cannot be used.
        """
        return {**_plain(self.rule(options)), GUARD: guard_settings(options[GUARD], *self.dangers)}

    def completed(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return saved settings with the defaults of what was not known yet when they were saved.

        What is no longer known is left out.

        :raises OptionError: if the guard's limits are none.
        """
        defaults = self.defaults
        known = {name: value for name, value in settings.items() if name in defaults}
        return {**defaults, **known, GUARD: guard_settings(settings.get(GUARD), *self.dangers)}


KINDS: Mapping[RuleKind, Kind] = {
    RuleKind.ORGANIZATIONAL_UNITS: Kind(
        module="pbx_ad_ou_sync",
        rule_options=UNIT_RULE_OPTIONS,
        dangers=(Danger.DELETIONS, Danger.RELEASES, Danger.MEMBER_REMOVALS, Danger.MOVES),
        rule=unit_rule,
        task=UnitTask,
        clean_up="delete_organizations",
    ),
    RuleKind.USERS: Kind(
        module="pbx_ad_user_sync",
        rule_options=USER_RULE_OPTIONS,
        dangers=(Danger.DELETIONS, Danger.RELEASES, Danger.RENUMBERINGS, Danger.EMAIL_CHANGES, Danger.MOVES),
        rule=user_rule,
        task=UserTask,
        clean_up="delete_extensions",
    ),
    RuleKind.GROUPS: Kind(
        module="pbx_ad_group_sync",
        rule_options=GROUP_RULE_OPTIONS,
        dangers=(Danger.DELETIONS, Danger.RELEASES, Danger.MEMBER_REMOVALS),
        rule=group_rule,
        task=GroupTask,
        clean_up="delete_groups",
    ),
}

CLEAN_UP_OPTIONS: dict[str, dict[str, Any]] = {
    kind.clean_up: {"type": "bool", "default": False} for kind in KINDS.values()
}


def in_run_order(rules: Mapping[RuleKind, AnyRule]) -> list[RuleKind]:
    """Return kinds in the order in which they need each other.

    Organizations stand before the extensions that go into them; what is made of extensions stands behind them.
    """
    unit_rule_given = rules.get(RuleKind.ORGANIZATIONAL_UNITS)
    units_last = isinstance(unit_rule_given, UnitRule) and (
        unit_rule_given.sync_to is SyncTo.EXTENSION_GROUP or bool(unit_rule_given.hierarchy_from)
    )
    first = [RuleKind.USERS, RuleKind.ORGANIZATIONAL_UNITS]
    order = (*(first if units_last else reversed(first)), RuleKind.GROUPS)
    return [kind for kind in order if kind in rules]


def differing(given: Mapping[str, Any], saved: Mapping[str, Any]) -> list[str]:
    """Return the names of the settings that differ."""
    return sorted(name for name in {*given, *saved} if given.get(name) != saved.get(name))


def _plain(rule: AnyRule) -> dict[str, Any]:
    settings = asdict(rule)
    for name, value in settings.items():
        if isinstance(value, frozenset):
            settings[name] = sorted(value)
        elif isinstance(value, tuple):
            settings[name] = list(value)
    return settings
