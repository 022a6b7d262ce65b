# SPDX-License-Identifier: GPL-3.0-or-later
"""Extensions in use: what waits for a later run, and what does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.live_use import may_disturb, put_off
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import LiveUse
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, AnyChange
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import AccountStatus, UserRule

from tests.unit.sync_builders import directory, pbx, plan, synced, user

RULE = UserRule(delete_when=frozenset(AccountStatus))
ADA, BEN = user("ada", "ada@x.test"), user("ben", "ben@x.test")


def changes_of_both(rule: UserRule = RULE) -> Sequence[AnyChange]:
    """The changes of a run for which both users were deleted, and one with Ada's address is new."""
    (one, held), (two, other) = synced(ADA, 11, "1000"), synced(BEN, 12, "1001")
    seen = directory(user("new", "ada@x.test"), deleted=["ada", "ben"])
    return plan(seen, pbx(one, two), [held, other], rule_=rule).changes


def test_nothing_waits_while_nobody_is_in_a_call() -> None:
    assert put_off(changes_of_both(), LiveUse()) == {}


def test_a_deletion_waits_for_the_end_of_a_call_and_what_needs_it_too() -> None:
    changes = changes_of_both()
    found = put_off(changes, LiveUse(in_call=frozenset({"1000"})))
    assert found == {
        "delete:guid-ada": "the extension is in a call",
        "create:guid-new": "it needs what is put off",
    }


def test_a_deletion_waits_for_an_agent_to_leave_the_queue() -> None:
    found = put_off(changes_of_both(), LiveUse(agents=frozenset({"1001"})))
    assert found == {"delete:guid-ben": "the extension is an agent of a queue"}


def test_a_parking_waits_for_the_end_of_a_call_but_not_for_an_agent() -> None:
    changes = changes_of_both(replace(RULE, park_days=7))
    assert {change.action for change in changes} == {Action.PARK}
    assert put_off(changes, LiveUse(agents=frozenset({"1000", "1001"}))) == {}
    found = put_off(changes, LiveUse(in_call=frozenset({"1001"})))
    assert found == {"park:guid-ben": "the extension is in a call"}


def test_what_takes_no_extension_away_waits_for_nobody() -> None:
    in_use = LiveUse(in_call=frozenset({"1000", "1001"}), agents=frozenset({"1000", "1001"}))
    (one, held), (two, other) = synced(ADA, 11, "1000", title="x"), synced(BEN, 12, "1001")
    made = plan(directory(ADA, outside=[BEN]), pbx(one, two), [held, other])
    assert {change.action for change in made.changes} == {Action.UPDATE, Action.RELEASE}
    assert not any(may_disturb(change) for change in made.changes)
    assert put_off(made.changes, in_use) == {}
