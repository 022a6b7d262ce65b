# SPDX-License-Identifier: GPL-3.0-or-later
"""When the guard stops removals, and what else it stops with them."""

from __future__ import annotations

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import (
    Breach,
    Danger,
    GuardLimits,
    Totals,
    judge,
    with_dependents,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, ExtensionChange, Plan, Reason

DEFAULT = GuardLimits()


def _change(action: Action, name: str, *depends_on: str, reason: Reason = Reason.OUT_OF_SCOPE) -> ExtensionChange:
    return ExtensionChange(
        action=action, guid=name, name=name, dn="", number="1000", object_id=1, reason=reason, depends_on=depends_on
    )


def _plan(*changes: ExtensionChange) -> Plan:
    return Plan("f00d", changes, (), guard_id="beef")


def _removals(
    count: int, action: Action = Action.DELETE, reason: Reason = Reason.OUT_OF_SCOPE
) -> tuple[ExtensionChange, ...]:
    return tuple(_change(action, f"u{number}", reason=reason) for number in range(count))


def test_the_limits_unless_others_are_given() -> None:
    assert {danger: DEFAULT.of(danger) for danger in Danger} == {
        Danger.REMOVALS: (10, 5.0),
        Danger.MOVES: (50, 10.0),
        Danger.MEMBER_REMOVALS: (50, 10.0),
    }
    assert DEFAULT.allowed == ""


@pytest.mark.parametrize("action", [Action.DELETE, Action.RELEASE])
@pytest.mark.parametrize(
    ("removals", "associated", "stops"),
    [
        (0, 0, False),
        (10, 10, False),
        (11, 11, True),
        (11, 219, True),
        (11, 220, False),
        (12, 220, True),
        (500, 10_000, False),
        (501, 10_000, True),
    ],
)
def test_both_limits_must_be_exceeded(action: Action, removals: int, associated: int, stops: bool) -> None:
    verdict = judge(_plan(*_removals(removals, action)), DEFAULT, Totals(associated))
    assert len(verdict.changes) == removals
    assert len(verdict.stopped) == (removals if stops else 0)


def test_a_limit_of_none_stops_the_first() -> None:
    assert judge(_plan(*_removals(1)), GuardLimits(0, 0), Totals(1000)).stopped == {"delete:u0"}
    assert judge(_plan(), GuardLimits(0, 0), Totals(1000)).stopped == frozenset()


def test_an_extension_that_is_gone_already_does_not_count_and_is_not_stopped() -> None:
    gone = _removals(50, Action.RELEASE, Reason.EXTENSION_GONE)
    assert judge(_plan(*gone), DEFAULT, Totals(50)).stopped == frozenset()
    verdict = judge(_plan(*gone, _change(Action.DELETE, "ada")), GuardLimits(0, 0), Totals(51))
    assert verdict.breaches == (Breach(Danger.REMOVALS, 1, 51),)
    assert verdict.stopped == {"delete:ada"}


def test_only_the_removals_and_what_needs_them_stop() -> None:
    made = _plan(
        _change(Action.DELETE, "ada"),
        _change(Action.UPDATE, "ben", "delete:ada"),
        _change(Action.UPDATE, "cid"),
        _change(Action.CREATE, "dot", "update:ben"),
        _change(Action.CREATE, "eve", "update:cid"),
    )
    assert judge(made, GuardLimits(0, 0), Totals(5)).stopped == {"delete:ada", "update:ben", "create:dot"}


def test_the_removals_that_were_allowed_are_done() -> None:
    assert judge(_plan(*_removals(20)), GuardLimits(allowed="beef"), Totals(20)).stopped == frozenset()
    assert len(judge(_plan(*_removals(20)), GuardLimits(allowed="cafe"), Totals(20)).stopped) == 20
    assert len(judge(_plan(*_removals(20)), GuardLimits(allowed="f00d"), Totals(20)).stopped) == 20


def test_dependents_of_dependents_stop_too() -> None:
    changes = (_change(Action.UPDATE, "ada"), _change(Action.UPDATE, "ben", "update:ada"))
    assert with_dependents((*changes, _change(Action.CREATE, "cid", "update:ben")), {"update:ada"}) == {
        "update:ada",
        "update:ben",
        "create:cid",
    }
    assert with_dependents(changes, set()) == frozenset()
