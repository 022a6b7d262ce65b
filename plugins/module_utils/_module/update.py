# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Saving rules and carrying them out: one that is given, or all that are saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.clean_up import CleanUp, clean_up
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.guard_options import guard_limits
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.kinds import KINDS, in_run_order
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Integration, Ledger, SavedRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.report import (
    Began,
    Expected,
    Report,
    allowed_part,
    idle,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.run import Part, Request, synchronize
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.saving import (
    GivenRule,
    SettingsError,
    Synchronize,
    leaves_places,
    placing_rule,
    rule_to_save,
    saved_rule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.world import (
    CONNECTED,
    DISABLED,
    NOT_CONNECTED,
    World,
    require_base_dn,
    require_integration,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

_DISABLED = "The integration is disabled: nothing was synchronized."


@dataclass(frozen=True, slots=True)
class Update:
    """What is to be saved and carried out.

    :param command: the module's name.
    :param given: rules to be saved first.
    :param kinds: what is carried out of what is saved.
    :param when: whether a rule that was carried out before is carried out again.
    :param allowed: the ``guard_id`` of what the guard is to let through.
    :param clean_up: whether what a rule that is paused has made is deleted.
    :param keep_snapshot: whether a run of all rules that are enabled keeps what it sees and leaves behind; if not, what
        an earlier one has kept is forgotten.
    :param full_read_every: of so many runs one reads the directory whole, and the others what changed since; 1 for
        always whole, whereby what is remembered of it is forgotten. None to read it whole and forget nothing.
    """

    command: str
    base_dn: str
    given: Sequence[GivenRule]
    kinds: Sequence[RuleKind]
    check_mode: bool
    when: Synchronize = Synchronize.ALWAYS
    allowed: str = ""
    expected: Expected = field(default_factory=Expected)
    clean_up: bool = False
    keep_snapshot: bool = False
    full_read_every: int | None = None


@dataclass(frozen=True, slots=True)
class Updated:
    """What became of it.

    :param status: of the integration.
    :param rules: the rules as they are saved now, by their kind.
    """

    status: str
    rules: Mapping[RuleKind, SavedRule]
    report: Report


def update(world: World, request: Update) -> Updated:
    """Save the rules that are given, and carry out those that are enabled.

    :raises YeastarError: if a rule cannot be saved as things stand, or the run cannot be carried out.
    """
    with world.open_ledger() as ledger:
        return _update(world, ledger, request)


def _update(world: World, ledger: Ledger, request: Update) -> Updated:
    integration, warnings = require_integration(ledger, check_mode=request.check_mode)
    require_base_dn(integration, request.base_dn)
    status = integration.status if integration is not None else CONNECTED
    saved = saved_rules(ledger)
    rules = {**saved, **{one.kind: rule_to_save(one, saved.get(one.kind), status) for one in request.given}}
    _require_saved(request, rules, integration)
    if not request.keep_snapshot:
        ledger.save_snapshot(None)
    if request.full_read_every == 1:
        ledger.save_directory(None)
    changed = [kind for kind, rule in rules.items() if rule != saved.get(kind)]
    due = [kind for kind in request.kinds if kind in rules and _is_due(rules[kind], request, status)]
    if due:
        _save(world, ledger, rules, [kind for kind in changed if kind not in due])
        asked = _request(request, rules, due, rules_changed=bool(changed), warnings=warnings)
        return Updated(status, rules, synchronize(world, ledger, asked))
    if request.clean_up and integration is not None:
        to_clean_up = CleanUp(
            command=request.command,
            delete=request.kinds,
            release_others=False,
            check_mode=request.check_mode,
            save=lambda: _save(world, ledger, rules, changed),
            expected=request.expected,
            delete_in_use=_deletes_in_use(rules),
        )
        report = clean_up(world, ledger, integration, to_clean_up)
        return Updated(status, rules, replace(report, changed=report.changed or bool(changed)))
    began = Began(request.command, request.check_mode, world.clock())
    _save(world, ledger, rules, changed)
    why = _why_not(status, request, rules)
    return Updated(status, rules, idle(began, ledger, changed=bool(changed), warnings=warnings, skipped=why))


@dataclass(frozen=True, slots=True)
class NextRun:
    """What the next run of all rules that are enabled has to go by.

    :param integration: None if there is none.
    :param rules: the rules as they are saved, by their kinds; paused ones too.
    :param request: without any part where nothing would be carried out.
    """

    integration: Integration | None
    rules: Mapping[RuleKind, SavedRule]
    request: Request

    @property
    def status(self) -> str:
        """Status of the integration."""
        return self.integration.status if self.integration is not None else NOT_CONNECTED


def next_run(ledger: Ledger, command: str, base_dn: str) -> NextRun:
    """Return what the next run of all rules that are enabled has to go by, as check mode carries it out.

    :raises IntegrationError: if the integration was connected with another base DN.
    """
    integration, warnings = require_integration(ledger, check_mode=True)
    require_base_dn(integration, base_dn)
    rules = saved_rules(ledger)
    asked = Update(command, base_dn, given=(), kinds=tuple(RuleKind), check_mode=True)
    status = integration.status if integration is not None else CONNECTED
    due = [kind for kind in asked.kinds if kind in rules and _is_due(rules[kind], asked, status)]
    return NextRun(integration, rules, _request(asked, rules, due, rules_changed=False, warnings=warnings))


def saved_rules(ledger: Ledger) -> dict[RuleKind, SavedRule]:
    """Return the rules that are saved, each with the defaults of what was not known yet when it was."""
    return {kind: rule for kind in RuleKind if (rule := saved_rule(ledger, kind)) is not None}


def _save(world: World, ledger: Ledger, rules: Mapping[RuleKind, SavedRule], kinds: Sequence[RuleKind]) -> None:
    for kind in kinds:
        ledger.save_rule(kind, rules[kind], world.clock())


def _require_saved(request: Update, rules: Mapping[RuleKind, SavedRule], integration: Integration | None) -> None:
    """Refuse to carry out nothing, and a kind that is named and was never saved."""
    named = request.kinds if len(request.kinds) < len(RuleKind) else []
    lacking = [kind for kind in named if kind not in rules]
    if not lacking and (rules or integration is None):
        return
    which = ", ".join(kind.value for kind in lacking) or "any kind"
    modules = ", ".join(f"pbxops.yeastar.{KINDS[kind].module}" for kind in lacking or RuleKind)
    raise SettingsError(f"No rule of {which} is saved in the ledger.", f"Save one first, by {modules}.")


def _deletes_in_use(rules: Mapping[RuleKind, SavedRule]) -> bool:
    users = rules.get(RuleKind.USERS)
    return users is not None and bool(users.settings["delete_in_use"])


def _is_due(rule: SavedRule, request: Update, status: str) -> bool:
    if status == DISABLED:
        return False
    return rule.enabled and (request.when is Synchronize.ALWAYS or not rule.synchronized)


def _why_not(status: str, request: Update, rules: Mapping[RuleKind, SavedRule]) -> str:
    if status == DISABLED:
        return _DISABLED
    paused = [kind.value for kind in request.kinds if kind in rules and not rules[kind].enabled]
    if paused:
        return f"Paused, so that nothing was synchronized: {', '.join(paused)}."
    return "The rule is saved, and the next run carries it out."


def _request(
    request: Update,
    rules: Mapping[RuleKind, SavedRule],
    due: Sequence[RuleKind],
    *,
    rules_changed: bool,
    warnings: tuple[str, ...],
) -> Request:
    made = {kind: KINDS[kind].rule(rules[kind].settings) for kind in due}
    parts = tuple(
        Part(
            task=KINDS[kind].task(request.base_dn, made[kind]),
            rule=rules[kind],
            limits=guard_limits(rules[kind].settings, allowed_part(request.allowed, kind)),
        )
        for kind in in_run_order(made)
    )
    return Request(
        command=request.command,
        parts=parts,
        unit_rule=placing_rule(rules.get(RuleKind.ORGANIZATIONAL_UNITS)),
        check_mode=request.check_mode,
        # Of a run of some rules it could not be told what the others do.
        keeps_snapshot=request.keep_snapshot and all(kind in due for kind in rules if rules[kind].enabled),
        rules_changed=rules_changed,
        expected=request.expected,
        warnings=warnings,
        leaves_places=leaves_places(rules.get(RuleKind.USERS)),
        full_read_every=request.full_read_every or 1,
    )
