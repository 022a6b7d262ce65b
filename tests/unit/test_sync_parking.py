# SPDX-License-Identifier: GPL-3.0-or-later
"""Removal in two steps: parked first, then deleted, and back again when the user is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.changes import access_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.conflicts import ConflictCode
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.dangers import Danger
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import GuardLimits, Limit, Totals, judge
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Intent, JournalState
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Parked, Welcome
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Access, Extension, with_access
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, ExtensionChange, Plan, Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.recovery import recover
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    AccountStatus,
    NamedUser,
    OutOfScope,
    Scope,
    UserRule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.users import plan_users

from tests.unit.sync_builders import DAY, NOW, directory, pbx, synced, user

ADA = user("ada", "ada@x.test", last="Lee", mobile="+491")
RULE = UserRule(park_days=7, delete_when=frozenset(AccountStatus))
FORMER = Parked(NOW - 3 * DAY, "phone-of-ada", "available")


def usable(**changed: str) -> tuple[Extension, Association]:
    """Ada's extension as it is while it can be used."""
    extension, held = synced(ADA, 11, "1000", **changed)
    return replace(extension, registration_name="phone-of-ada", presence="available"), held


def parked(days: int = 3, **changed: str) -> tuple[Extension, Association]:
    """Ada's extension, parked for so many days."""
    extension, held = usable(**changed)
    shut = with_access(extension, Access("drawn", "off_work"))
    return shut, replace(held, parked=replace(FORMER, since=NOW - days * DAY))


def plan(rule: UserRule, held: tuple[Extension, Association], *people: Any, **seen: Any) -> Plan:
    """A plan of one extension and its association."""
    extension, association = held
    return plan_users(rule, directory(*people, **seen), pbx(extension), [association], [])


def only(made: Plan) -> ExtensionChange:
    """The one change of a plan."""
    (change,) = made.changes
    assert isinstance(change, ExtensionChange)
    return change


def test_an_extension_due_for_deletion_is_parked_first() -> None:
    change = only(plan(RULE, usable(), deleted=["ada"]))
    assert (change.action, change.reason, change.object_id) == (Action.PARK, Reason.ACCOUNT_DELETED, 11)
    assert change.association is not None
    assert change.association.parked == Parked(NOW, "phone-of-ada", "available")


def test_without_days_it_is_deleted_at_once() -> None:
    change = only(plan(replace(RULE, park_days=0), usable(), deleted=["ada"]))
    assert change.action is Action.DELETE


@pytest.mark.parametrize(("days", "action"), [(0, None), (6, None), (7, Action.DELETE), (70, Action.DELETE)])
def test_a_parked_one_is_deleted_when_its_days_are_over(days: int, action: Action | None) -> None:
    made = plan(RULE, parked(days), deleted=["ada"])
    assert [change.action for change in made.changes] == ([action] if action else [])
    assert made.parked == (0 if action else 1)
    assert made.unchanged == 0


def test_fewer_days_hold_for_what_is_parked_already() -> None:
    assert only(plan(replace(RULE, park_days=0), parked(1), deleted=["ada"])).action is Action.DELETE
    assert only(plan(replace(RULE, park_days=1), parked(1), deleted=["ada"])).action is Action.DELETE


def test_a_user_who_is_back_has_the_extension_as_it_was_and_up_to_date() -> None:
    change = only(plan(RULE, parked(title="Old"), ADA))
    assert (change.action, change.reason) == (Action.UNPARK, Reason.NO_LONGER_DUE)
    assert change.after == {"title": ""}
    assert change.association is not None
    assert change.association.parked is None
    assert access_of(change, "", None) == Access("phone-of-ada", "available")


def test_a_user_who_is_back_is_welcomed_again_where_the_rule_says_so() -> None:
    welcoming = replace(RULE, send_welcome_email=True)
    for rule, welcome in ((RULE, Welcome.NONE), (welcoming, Welcome.DUE)):
        association = only(plan(rule, parked(), ADA)).association
        assert association is not None
        assert association.welcome is welcome


def test_an_account_that_is_merely_not_shown_leaves_the_extension_parked() -> None:
    made = plan(RULE, parked(70), missing=["ada"])
    assert (made.changes, made.parked) == ((), 1)
    assert [conflict.code for conflict in made.conflicts] == [ConflictCode.USER_NOT_FOUND]


def test_a_rule_that_no_longer_deletes_makes_it_usable_again() -> None:
    change = only(plan(replace(RULE, delete_when=frozenset()), parked(), deleted=["ada"]))
    assert (change.action, change.after) == (Action.UNPARK, {})


def test_a_release_makes_it_usable_again() -> None:
    change = only(plan(replace(RULE, out_of_scope=OutOfScope.RELEASE), parked(), outside=[ADA]))
    assert change.action is Action.RELEASE
    assert change.association is None
    assert access_of(change, "", None) == Access("phone-of-ada", "available")


def test_one_that_is_gone_from_the_pbx_is_neither_parked_nor_used_again() -> None:
    _extension, held = parked()
    made = plan_users(RULE, directory(deleted=["ada"]), pbx(), [held], [])
    change = only(made)
    assert (change.action, change.reason, change.parked) == (Action.RELEASE, Reason.EXTENSION_GONE, None)


@pytest.mark.parametrize("held", [usable(), parked()], ids=["parked now", "parked before"])
def test_another_account_with_the_address_takes_it_over(held: tuple[Extension, Association]) -> None:
    again = user("ada.lee", "Ada@x.test")
    made = plan(replace(RULE, associate_by_email=True), held, again, deleted=["ada"])
    release, takes = made.changes
    assert isinstance(takes, ExtensionChange)
    assert (release.action, release.reason, release.guid) == (Action.RELEASE, Reason.HANDED_OVER, ADA.guid)
    assert (takes.action, takes.object_id, takes.depends_on) == (Action.ASSOCIATE, 11, (release.key,))
    assert takes.parked == held[1].parked
    assert takes.association is not None
    assert takes.association.parked is None


@pytest.mark.parametrize(("sends", "welcome"), [(True, Welcome.DUE), (False, Welcome.NONE)])
def test_who_takes_a_parked_extension_over_needs_the_welcome_email(sends: bool, welcome: Welcome) -> None:
    """Parking has replaced the password of the Linkus clients."""
    rule = replace(RULE, associate_by_email=True, send_welcome_email=sends)
    _release, takes = plan(rule, parked(), user("ada.lee", "ada@x.test"), deleted=["ada"]).changes
    assert isinstance(takes, ExtensionChange)
    assert takes.association is not None
    assert takes.association.welcome is welcome


def test_who_takes_over_what_was_usable_needs_no_welcome_email() -> None:
    rule = replace(RULE, associate_by_email=True, send_welcome_email=True)
    extension, _held = usable(title="Boss")
    takes = only(plan_users(rule, directory(ADA), pbx(extension), [], []))
    assert takes.association is not None
    assert takes.action is Action.ASSOCIATE
    assert takes.association.welcome is Welcome.NONE


def test_another_account_with_the_address_is_a_conflict_unless_it_may_take_over() -> None:
    made = plan(RULE, parked(), user("ada.lee", "ada@x.test"), deleted=["ada"])
    assert [conflict.code for conflict in made.conflicts] == [ConflictCode.EMAIL_IN_USE]
    assert made.changes == ()


def test_a_user_named_one_by_one_does_not_get_a_parked_extension() -> None:
    rule = replace(RULE, scope=Scope.USERS, users=(NamedUser("bob", "1000"),))
    made = plan(rule, parked(), user("bob"), deleted=["ada"], bindings={"bob": "1000"})
    assert [conflict.code for conflict in made.conflicts] == [ConflictCode.EXTENSION_TAKEN]


def test_users_who_come_back_and_exchange_addresses_stay_parked_until_their_turn() -> None:
    ben = user("ben", "ben@x.test")
    first, held = parked()
    second, second_held = synced(ben, 12, "1001")
    swapped = [replace(ADA, attributes={**ADA.attributes, "mail": "ben@x.test"}), user("ben", "ada@x.test")]
    made = plan_users(RULE, directory(*swapped), pbx(first, second), [held, second_held], [])
    vacating = next(change for change in made.changes if change.reason is Reason.ADDRESS_EXCHANGE)
    assert isinstance(vacating, ExtensionChange)
    back = next(change for change in made.changes if change.action is Action.UNPARK)
    assert made.changes.index(vacating) < made.changes.index(back)
    assert (vacating.action, vacating.parked) == (Action.UPDATE, None)
    if vacating.guid == ADA.guid:
        assert vacating.association is not None
        assert vacating.association.parked == held.parked


def test_the_guard_counts_a_parking() -> None:
    made = plan(RULE, usable(), deleted=["ada"])
    verdict = judge(made, GuardLimits({Danger.DELETIONS: Limit(0, 0, 0)}), Totals(1))
    assert verdict.stopped == {made.changes[0].key}


def test_the_moment_of_a_parking_is_no_part_of_the_plan_s_name() -> None:
    extension, held = usable()
    ids = set()
    for later in (0, 1):
        seen = replace(directory(deleted=["ada"]), time=NOW + later * DAY)
        ids.add(plan_users(RULE, seen, pbx(extension), [held], []).id)
    assert len(ids) == 1


def test_a_new_password_avoids_what_the_pbx_refuses_in_one() -> None:
    extension, _held = usable()
    change = only(plan(RULE, usable(), deleted=["ada"]))
    assert access_of(change, "drawn", extension) == Access("drawn", "off_work", ("1000", "ada", "Lee"))


@pytest.mark.parametrize(("shown", "state"), [("drawn", JournalState.DONE), ("phone-of-ada", JournalState.FAILED)])
def test_a_parking_whose_answer_was_lost_is_known_by_the_name_drawn(shown: str, state: JournalState) -> None:
    change = only(plan(RULE, usable(), deleted=["ada"]))
    extension, held = usable()
    (found,) = recover(
        [Intent(1, "run", change, "drawn")], [held], pbx(replace(extension, registration_name=shown)), NOW
    )
    assert found.state is state
    assert found.save == (change.association if state is JournalState.DONE else None)


@pytest.mark.parametrize(("shown", "state"), [("phone-of-ada", JournalState.DONE), ("drawn", JournalState.FAILED)])
def test_so_is_its_end(shown: str, state: JournalState) -> None:
    change = only(plan(RULE, parked(), ADA))
    extension, held = parked()
    extension = replace(extension, registration_name=shown, presence="available")
    (found,) = recover([Intent(1, "run", change)], [held], pbx(extension), NOW)
    assert found.state is state
