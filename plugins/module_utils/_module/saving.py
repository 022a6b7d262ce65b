# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What is saved of a rule: what is given, what was saved before, and what pausing and disabling allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.guard_options import GUARD, require_dictionaries
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.kinds import KINDS, differing
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import OptionError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Ledger, SavedRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.world import DISABLED
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.placement import ORGANIZATIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind, UnitRule, leaves_drift


class SettingsError(YeastarError):
    """Settings cannot be saved as things stand."""


class Synchronize(StrEnum):
    """When saving a rule is followed by a run."""

    ALWAYS = "always"
    ON_FIRST_SAVE = "on_first_save"


@dataclass(frozen=True, slots=True)
class GivenRule:
    """A rule as a play gives it.

    :param settings: as ``Kind.settings`` returns them.
    :param enabled: False pauses it.
    :param as_saved: whether the settings are those that are saved, and none are given.
    """

    kind: RuleKind
    settings: Mapping[str, Any]
    enabled: bool = True
    as_saved: bool = False

    @property
    def is_default(self) -> bool:
        """Whether no option was given, or none but defaults."""
        return dict(self.settings) == KINDS[self.kind].defaults


def saved_rule(ledger: Ledger, kind: RuleKind) -> SavedRule | None:
    """Return a saved rule with the defaults of what was not known yet when it was saved."""
    saved = ledger.rule(kind)
    return replace(saved, settings=KINDS[kind].completed(saved.settings)) if saved is not None else None


def rule_to_save(given: GivenRule, saved: SavedRule | None, status: str) -> SavedRule:
    """Return the rule as it is to be saved.

    A rule that is paused, or whose integration is disabled, keeps its settings: the same may be given again, or none.

    :param saved: the saved rule, completed; None if there is none.
    :param status: of the integration.
    :raises SettingsError: if other settings are given for one that keeps them.
    """
    if given.as_saved:
        given = _as_saved(given, saved)
    if status == DISABLED:
        return _kept(given, saved)
    if saved is None:
        return SavedRule(given.settings, given.enabled)
    if given.enabled:
        return SavedRule(given.settings, enabled=True, synchronized=saved.synchronized)
    _refuse_other_settings(given, saved, "a paused rule", "Give the same settings or none, or resume it first.")
    return replace(saved, enabled=False)


def _as_saved(given: GivenRule, saved: SavedRule | None) -> GivenRule:
    if saved is None:
        raise SettingsError(
            f"settings is saved, and no rule of {given.kind.value} is saved in the ledger.",
            "Give the rule once, with settings given.",
        )
    if not given.is_default:
        names = ", ".join(differing(given.settings, KINDS[given.kind].defaults))
        raise SettingsError(f"settings is saved, and {names} would change it.", f"Leave {names} out.")
    return replace(given, settings=saved.settings)


def _kept(given: GivenRule, saved: SavedRule | None) -> SavedRule:
    remedy = "Enable it first, by pbxops.yeastar.pbx_ad_connection with state connected."
    if saved is None:
        raise SettingsError(f"The integration is disabled, and no rule of {given.kind.value} was saved before.", remedy)
    _refuse_other_settings(given, saved, "a disabled integration", remedy)
    if given.enabled != saved.enabled and not given.is_default:
        raise SettingsError(f"enabled is {given.enabled}, and a disabled integration keeps its settings.", remedy)
    return saved


def _refuse_other_settings(given: GivenRule, saved: SavedRule, who: str, remedy: str) -> None:
    names = [] if given.is_default else differing(given.settings, saved.settings)
    if names:
        raise SettingsError(f"{who[0].upper()}{who[1:]} keeps its settings, and {', '.join(names)} differ(s).", remedy)


def placing_rule(rule: SavedRule | None) -> UnitRule | None:
    """Return the rule of organizational units that extensions are placed by; None while there is none or it is paused.

    :param rule: the saved one, or the one that is about to be.
    """
    if rule is None or not rule.enabled:
        return None
    kind = KINDS[RuleKind.ORGANIZATIONAL_UNITS]
    made = kind.rule(kind.completed(rule.settings))
    return made if isinstance(made, UnitRule) else None


def leaves_places(rule: SavedRule | None) -> bool:
    """Tell whether an extension that a person took out of the organization that it was given stays out.

    :param rule: that of users, paused or not; None if there is none.
    """
    if rule is None:
        return False
    kind = KINDS[RuleKind.USERS]
    return leaves_drift(kind.rule(kind.completed(rule.settings)), ORGANIZATIONS)


def given_rule(kind: RuleKind, options: Mapping[str, Any]) -> GivenRule:
    """Return the rule that a play gives as an option of its own: the options of the kind's module in one.

    :raises OptionError: for what that module would refuse.
    """
    specification = {
        **KINDS[kind].saved_options,
        "settings": {"type": "str", "choices": ["given", "saved"], "default": "given"},
        "enabled": {"type": "bool", "default": True},
    }
    with _named(kind):
        require_dictionaries(options.get(GUARD))
    validated = ArgumentSpecValidator(specification).validate(dict(options))
    remedy = f"The options are those of pbxops.yeastar.{KINDS[kind].module}."
    if validated.unsupported_parameters:
        unknown = ", ".join(sorted(validated.unsupported_parameters))
        raise OptionError(f"{kind.value} has no option {unknown}: it takes {', '.join(sorted(specification))}.", remedy)
    if validated.error_messages:
        raise OptionError(f"{kind.value}: {'; '.join(validated.error_messages)}.", remedy)
    values = validated.validated_parameters
    with _named(kind):
        return GivenRule(kind, KINDS[kind].settings(values), values["enabled"], values["settings"] == "saved")


@contextmanager
def _named(kind: RuleKind) -> Iterator[None]:
    """Let an error in one of the rules that are given together say in which."""
    try:
        yield
    except OptionError as error:
        raise OptionError(f"{kind.value}: {error.message}", error.remedy) from None
