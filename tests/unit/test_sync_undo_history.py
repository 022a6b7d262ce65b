# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a run is still to be undone, in which order, and which ids its objects have by now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.images import (
    ExtensionImage,
    GroupImage,
    GroupMembership,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Done
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import ExtensionGroup
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, GroupChange, Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_history import History, Written
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_merge import Step, merged

from tests.unit.sync_builders import fields
from tests.unit.undo_builders import conflicts, extension, rolled_back, row, team, unit, user

ANNA = user("anna", 41, "1000")
IN_SALES = unit("Sales", 7)
DELETED = row(1, Action.DELETE, ANNA, None, ExtensionImage("1000", fields(), groups=(GroupMembership(5, "Team"),)))


def _made_again(row_id: int, former: int, now: int, part: str = "1") -> Done:
    """A rollback's creation of Anna's extension, which had an id before."""
    return row(
        row_id,
        Action.CREATE,
        None,
        replace(ANNA, extension_id=now),
        object_id=None,
        part=part,
        remembered=replace(ANNA, extension_id=-former),
    )


# --- ids


def test_an_extension_that_was_made_again_and_deleted_and_made_again_has_its_latest_id() -> None:
    ended = row(11, Action.RELEASE, user("ben", 42, "1001"), None, part="2")
    redone = row(20, Action.DELETE, replace(ANNA, extension_id=60), None, part="10")
    history = History(
        (DELETED,),
        (
            # The rollback of the run, the rollback of that, and the rollback of the run once more.
            History((_made_again(10, 41, 60),), (History((redone,)),)),
            History((_made_again(30, 41, 61), ended)),
        ),
    )
    assert history.known_ids() == {(ObjectKind.EXTENSION, 41): 61}


def test_an_id_leads_on_to_the_id_that_came_after_it() -> None:
    history = History((DELETED,), (History((_made_again(10, 41, 60),)), History((_made_again(30, 60, 61),))))
    assert history.known_ids() == {(ObjectKind.EXTENSION, 60): 61, (ObjectKind.EXTENSION, 41): 61}


def test_a_group_that_was_made_anew_for_its_name_and_one_that_kept_its_id() -> None:
    anew = row(10, Action.UPDATE, team("Team", 5), team("Team", 6), part="1", object_id=5)
    kept = row(11, Action.UPDATE, team("Crew", 7), team("Crew", 7), part="2")
    new = row(12, Action.CREATE, None, team("New", 8), object_id=None, part="3")
    assert History((), (History((anew, kept, new)),)).known_ids() == {(ObjectKind.EXTENSION_GROUP, 5): 6}


# --- what is to be undone


def test_what_of_it_is_undone_and_what_is_not() -> None:
    other = row(2, Action.CREATE, None, user("ben", 42, "1001"), object_id=None)
    history = History((DELETED, other), (History((_made_again(10, 41, 60),)),))
    assert (history.standing(), history.undone()) == ([other], [DELETED])
    assert list(history.latest_first()) == [other]


def test_a_forgotten_place_waits_for_its_organization_and_others_do_not() -> None:
    sales, staff = unit("Sales", 7), unit("Staff", 8)
    in_sales, in_club = replace(ANNA, organization_id=7), user("ben", 42, "1001", organization_id=9)
    noted: dict[str, Any] = {"reason": Reason.REMEMBERED}
    rows = (
        row(1, Action.DELETE, staff, None),
        row(2, Action.RELEASE, sales, None),
        row(3, Action.UPDATE, in_sales, ANNA, **noted),
        # An organization that the run did not end; a place that is still remembered; an extension that was placed.
        row(4, Action.UPDATE, in_club, replace(in_club, organization_id=0), **noted),
        row(5, Action.UPDATE, in_sales, replace(in_sales, account_name="a"), **noted),
        row(6, Action.UPDATE, in_sales, ANNA),
        row(7, Action.UPDATE, replace(ANNA, organization_id=8), ANNA, **noted),
    )
    # Before its organization was ended a place was forgotten for another reason.
    earlier = row(0, Action.UPDATE, in_sales, ANNA, **noted)
    assert [one.id for one in History((earlier, *rows)).latest_first()] == [6, 5, 4, 2, 3, 1, 7, 0]


def test_which_memberships_were_put_back() -> None:
    by_hand: dict[str, Any] = {
        "guid": "group:6",
        "name": "By hand",
        "dn": "",
        "action": Action.UPDATE,
        "reason": Reason.ROLLED_BACK,
    }
    put_back = GroupChange(object_id=6, kept=(60, 61), part="members", **by_hand)
    other = GroupChange(object_id=7, kept=(60,), part="3", **by_hand)
    undoing = History((Done(10, "undoing", put_back), Done(11, "undoing", other), _made_again(12, 41, 60)))
    assert History((DELETED,), (undoing,)).members_put_back() == {(6, 60), (6, 61)}


# --- values that were written more than once


def _renamed(row_id: int, before: str, after: str) -> Done:
    return row(row_id, Action.UPDATE, IN_SALES, IN_SALES, before={"name": before}, after={"name": after})


def test_each_change_of_a_value_that_was_written_twice_knows_what_was_before_and_after_the_run() -> None:
    rows = (
        _renamed(1, "Sales", "Sales (passing)"),
        row(2, Action.UPDATE, unit("Staff", 8), unit("Staff", 8), before={"name": "Staff"}, after={"name": "Sales"}),
        _renamed(3, "Sales (passing)", "Staff"),
    )
    assert History(rows).rewritten() == {
        1: {"name": Written("Sales", "Sales", "Sales (passing)", "Staff")},
        3: {"name": Written("Sales", "Sales (passing)", "Staff", "Staff")},
    }


def test_what_was_before_the_run_is_so_where_the_later_change_was_planned_from_it_too() -> None:
    first = row(1, Action.UPDATE, ANNA, ANNA, before={"email_addr": "a@x.test"}, after={"email_addr": ""})
    last = row(2, Action.UPDATE, ANNA, ANNA, before={"email_addr": "a@x.test"}, after={"email_addr": "b@x.test"})
    assert History((first, last)).rewritten()[2] == {"email_addr": Written("a@x.test", "", "b@x.test", "b@x.test")}


def test_a_deletion_takes_away_what_was_written_before_it() -> None:
    deleted = row(2, Action.DELETE, IN_SALES, None, before={"name": "Sales (passing)"})
    passing = "Sales (passing)"
    assert History((_renamed(1, "Sales", passing), deleted)).rewritten()[2] == {
        "name": Written("Sales", passing, passing, passing)
    }
    assert History((deleted, deleted)).rewritten() == {}


@pytest.mark.parametrize(
    ("now", "first", "last"),
    [
        ("Staff", Step.PUT_BACK, Step.PUT_BACK),
        ("Sales", Step.NOTHING, Step.NOTHING),
        ("By hand", Step.CHANGED_SINCE, Step.CHANGED_SINCE),
        # So it is when the first change is undone; if it is so before the last one is, a person has done it.
        ("passing", Step.PUT_BACK, Step.CHANGED_SINCE),
    ],
)
def test_only_what_the_run_left_is_put_back(now: str, first: Step, last: Step) -> None:
    assert Written("Sales", "Sales", "passing", "Staff").step(now) is first
    assert Written("Sales", "passing", "Staff", "Staff").step(now) is last


def test_one_that_got_its_former_name_again_elsewhere_gives_it_up_in_passing() -> None:
    assert Written("Sales", "passing", "Sales", "Sales").step("Sales") is Step.PUT_BACK
    assert Written("Sales", "Sales", "Sales", "Sales").step("By hand") is Step.NOTHING


# --- memberships


def test_nothing_is_written_where_an_earlier_attempt_put_the_member_back() -> None:
    again = replace(ANNA, extension_id=60)
    made = rolled_back(
        DELETED,
        extensions=[extension(60, "1000")],
        groups=[ExtensionGroup(5, "Team", (60,))],
        held=[again, team("Team", 5, 60)],
        undone_by=[History((_made_again(10, 41, 60),))],
    )
    assert (made.plan.changes, conflicts(made)) == ((), [])


def test_one_that_was_made_again_and_is_gone_again_is_put_into_no_group() -> None:
    made = rolled_back(
        DELETED,
        groups=[ExtensionGroup(5, "Team")],
        undone_by=[History((_made_again(10, 41, 60),))],
    )
    assert made.plan.changes == ()


def test_what_was_undone_of_other_changes_touches_no_group() -> None:
    updated = row(2, Action.UPDATE, ANNA, ANNA, ExtensionImage("1000", fields(), groups=(GroupMembership(5, "Team"),)))
    undoing = row(10, Action.UPDATE, ANNA, ANNA, part="2")
    made = rolled_back(
        updated,
        extensions=[extension(41, "1000")],
        groups=[ExtensionGroup(5, "Team")],
        held=[ANNA],
        undone_by=[History((undoing,))],
    )
    assert made.plan.changes == ()


def test_an_extension_that_is_deleted_leaves_its_groups_before_they_are_put_back() -> None:
    known = team("Team", 5, 42)
    rows = (
        row(
            1, Action.UPDATE, replace(known, name="Former"), known, GroupImage("Former", (42,)), after={"name": "Team"}
        ),
        row(2, Action.CREATE, None, ANNA, object_id=None),
    )
    made = rolled_back(
        *rows,
        extensions=[extension(41, "1000"), extension(42, "1001")],
        groups=[ExtensionGroup(5, "Team", (41, 42))],
        held=[ANNA, known],
    )
    change = made.plan.changes[1]
    assert isinstance(change, GroupChange)
    assert (change.after, change.kept) == ({"name": "Former"}, (42,))


# --- what is merged


def test_what_an_association_is_about_stays_and_all_else_goes_back() -> None:
    former = team("Former", 5, 41, leftover_id=3)
    latter = team("Latter", 6, 42, leftover_id=4)
    assert merged(former, latter, replace(latter, guid="guid", members=(42, 43))) == replace(
        former, guid="guid", object_id=6, members=(41, 43)
    )
    elsewhere = replace(ANNA, extension_id=50, written={"title": "Boss", "mobile_number": "1"})
    was = replace(ANNA, written={"title": "Clerk"}, organization_id=7)
    assert merged(was, elsewhere, elsewhere) == replace(was, extension_id=50)
