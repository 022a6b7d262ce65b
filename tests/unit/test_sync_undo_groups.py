# SPDX-License-Identifier: GPL-3.0-or-later
"""How each change of an extension group is undone, and what stands in the way of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.images import (
    ExtensionImage,
    GroupImage,
    GroupMembership,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Done
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectAssociation, Origin
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import ExtensionGroup
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, GroupChange, Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rollback import Rollback
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_history import History

from tests.unit.sync_builders import fields
from tests.unit.undo_builders import brief, conflicts, extension, lost, rolled_back, row, team, user

TEAM = team("Team", 5, 41, 42)
PRESENT = [extension(id_, str(959 + id_), first_name=name) for id_, name in ((41, "Anna"), (42, "Ben"), (43, "Cem"))]


def _first(made: Rollback) -> GroupChange:
    return _nth(made, 0)


def _nth(made: Rollback, place: int) -> GroupChange:
    change = made.plan.changes[place]
    assert isinstance(change, GroupChange)
    return change


def _updated(image: GroupImage, latter: ObjectAssociation, former: ObjectAssociation = TEAM, **values: Any) -> Done:
    """The update that made a group of what the image shows."""
    after = {"name": latter.name} if latter.name != image.name else {}
    return row(3, Action.UPDATE, former, latter, image, **{"after": after, **values})


def _undone(updated: Done, *now: ExtensionGroup) -> Rollback:
    held = updated.latter
    assert held is not None
    return rolled_back(updated, extensions=PRESENT, groups=now, held=[held])


# --- what the run had created


def test_a_created_group_is_deleted_whoever_is_in_it() -> None:
    made = rolled_back(
        row(3, Action.CREATE, None, TEAM, object_id=None), groups=[ExtensionGroup(5, "By hand", (43,))], held=[TEAM]
    )
    assert brief(made) == ["extension_group:delete:Team-guid:3 | rolled_back"]
    change = _first(made)
    assert (change.object_id, change.before, change.remembered) == (5, {"name": "By hand"}, None)


def test_one_that_was_created_in_place_of_one_that_was_gone_is_remembered_as_that_one() -> None:
    former = replace(TEAM, object_id=4)
    created = row(3, Action.CREATE, former, TEAM)
    made = rolled_back(created, groups=[ExtensionGroup(5, "Team")], held=[TEAM])
    assert (_first(made).action, _first(made).remembered) == (Action.DELETE, former)


def test_of_a_created_group_that_is_gone_the_association_ends() -> None:
    made = rolled_back(row(3, Action.CREATE, replace(TEAM, object_id=4), TEAM), held=[TEAM])
    assert brief(made) == ["extension_group:release:Team-guid:3 | rolled_back"]
    assert (_first(made).object_id, _first(made).before, _first(made).remembered) == (5, {}, None)


def test_one_that_was_released_before_another_was_created_is_the_groups_again() -> None:
    new = replace(TEAM, object_id=6)
    rows = (row(1, Action.RELEASE, TEAM, None), row(2, Action.CREATE, None, new, object_id=None))
    made = rolled_back(*rows, groups=[ExtensionGroup(5, "Team"), ExtensionGroup(6, "Team (2)")], held=[new])
    assert [(change.action, change.object_id) for change in made.plan.changes] == [
        (Action.DELETE, 6),
        (Action.ASSOCIATE, 5),
    ]


# --- what the run had deleted


IMAGE = GroupImage("Team", (41, 42, 99), user_types={42: "manager", 99: "manager"}, settings={"mgr_enb_monitor": 1})
DELETED = row(3, Action.DELETE, TEAM, None, IMAGE)


def test_a_deleted_group_is_made_again_with_those_of_its_members_that_are_there() -> None:
    made = rolled_back(DELETED, extensions=PRESENT)
    assert brief(made) == ["extension_group:create:Team-guid:3 | rolled_back | name: >Team"]
    change = _first(made)
    assert (change.object_id, change.kept, change.added) == (None, (41, 42), ("1000 Anna", "1001 Ben"))
    assert (change.user_types, change.settings) == ({42: "manager"}, {"mgr_enb_monitor": 1})
    assert change.remembered == replace(TEAM, object_id=-5)
    assert change.association == replace(TEAM, object_id=0, members=())
    assert lost(made) == [("Team", "1 member(s) whose extensions are gone")]


def test_one_that_bore_another_name_than_was_written_is_made_under_the_name_that_it_bore() -> None:
    former = replace(TEAM, leftover_id=9)
    made = rolled_back(row(3, Action.DELETE, former, None, GroupImage("By hand")), extensions=PRESENT)
    change = _first(made)
    assert change.association is not None
    assert (change.after, change.association.name, change.association.leftover_id) == (
        {"name": "By hand"},
        "By hand",
        0,
    )


def test_that_a_deleted_group_took_in_every_extension_is_lost() -> None:
    made = rolled_back(row(3, Action.DELETE, TEAM, None, GroupImage("Team", includes_all=True)), extensions=PRESENT)
    assert lost(made) == [("Team", "that it took in every extension")]


def test_a_deletion_of_which_no_image_is_there_is_lost() -> None:
    made = rolled_back(row(3, Action.DELETE, TEAM, None), extensions=PRESENT)
    assert (made.plan.changes, lost(made)) == (
        (),
        [("Team", "the extension group: what it was is not written down")],
    )


@pytest.mark.parametrize(
    ("present", "code", "message"),
    [
        (
            [ExtensionGroup(9, "Team")],
            "name_taken",
            "The extension group cannot be called Team again: there is another one of this name. Rename one of the "
            "two, and roll back once more.",
        ),
        (
            [ExtensionGroup(100 + number, f"By hand {number}") for number in range(63)],
            "no_room",
            "The PBX takes 63 extension groups and has no room for Team, which the run deleted. Delete another one.",
        ),
    ],
)
def test_a_group_that_cannot_be_made_again_is_told(present: Sequence[ExtensionGroup], code: str, message: str) -> None:
    made = rolled_back(DELETED, extensions=PRESENT, groups=present)
    assert (made.plan.changes, conflicts(made)) == ((), [("Team", code, message)])


def test_the_last_place_is_taken() -> None:
    present = [ExtensionGroup(100 + number, f"By hand {number}") for number in range(62)]
    assert conflicts(rolled_back(DELETED, extensions=PRESENT, groups=present)) == []


def test_a_group_and_its_member_are_both_made_again() -> None:
    """The group that is made again has its member from the beginning."""
    anna = user("anna", 41, "1000")
    image = ExtensionImage("1000", fields(first_name="Anna"))
    rows = (
        row(3, Action.DELETE, TEAM, None, GroupImage("Team", (41,), user_types={41: "manager"})),
        row(4, Action.DELETE, anna, None, image),
    )
    made = rolled_back(*rows)
    change = _nth(made, 1)
    assert (change.kept, change.added, change.user_types) == ((-41,), ("1000 Anna",), {-41: "manager"})
    assert change.depends_on == ("create:anna-guid:4",)
    assert change.remembered == replace(TEAM, object_id=-5, members=(-41, 42))


def test_what_was_written_before_a_deletion_is_put_back_on_the_one_that_is_made_again() -> None:
    crew = replace(TEAM, name="Crew", members=(41,))
    image = GroupImage("Crew", (41,), user_types={41: "manager"}, settings={"mgr_enb_monitor": 1})
    rows = (_updated(GroupImage("Team", (41, 42)), crew), row(4, Action.DELETE, crew, None, image))
    made = rolled_back(*rows, extensions=PRESENT)
    assert brief(made) == [
        "extension_group:create:Team-guid:4 | rolled_back | name: >Crew",
        "extension_group:update:Team-guid:3 | rolled_back | name: Crew>Team | after extension_group:create:Team-guid:4",
    ]
    change = _nth(made, 1)
    assert (change.object_id, change.kept, change.added) == (-5, (41, 42), ("1001 Ben",))
    assert change.remembered == replace(TEAM, object_id=-5)
    assert change.association == replace(TEAM, object_id=-5, members=())


def test_a_member_that_is_made_again_after_its_group_is_put_into_it() -> None:
    anna = user("anna", 41, "1000")
    groups = (GroupMembership(5, "Team", "manager", remembered=True),)
    rows = (
        row(
            3,
            Action.DELETE,
            anna,
            None,
            ExtensionImage("1000", fields(first_name="Anna", last_name="Berg"), groups=groups),
        ),
        row(4, Action.DELETE, replace(TEAM, members=(42,)), None, GroupImage("Team", (42,))),
    )
    made = rolled_back(*rows, extensions=PRESENT[1:])
    assert brief(made)[2] == (
        "extension_group:update:Team-guid:members | rolled_back | after extension_group:create:Team-guid:4"
    )
    change = _nth(made, 2)
    assert (change.object_id, change.kept, change.added) == (-5, (-41, 42), ("1000 Anna Berg",))
    assert (change.name, change.user_types) == ("Team", {-41: "manager"})
    assert change.remembered == replace(TEAM, object_id=-5, members=(-41, 42))


# --- what the run had written


def test_two_changes_of_one_group_are_undone_one_after_the_other() -> None:
    first, second = replace(TEAM, members=(41,)), replace(TEAM, members=(41, 43))
    rows = (
        _updated(GroupImage("Team", (41, 42)), first),
        row(4, Action.UPDATE, first, second, GroupImage("Team", (41,))),
    )
    made = rolled_back(*rows, extensions=PRESENT, groups=[ExtensionGroup(5, "Team", (41, 43))], held=[second])
    assert [(change.removed_ids, change.kept) for change in (_first(made), _nth(made, 1))] == [
        ((43,), (41,)),
        ((), (41, 42)),
    ]
    assert [_first(made).remembered, _nth(made, 1).remembered] == [first, TEAM]
    assert made.plan.changes[1].depends_on == (made.plan.changes[0].key,)


def test_all_that_is_as_it_was_is_counted() -> None:
    rows, held = [], []
    for id_ in (5, 6):
        known = team(f"T{id_}", id_)
        rows.append(row(id_, Action.UPDATE, known, known, GroupImage(known.name)))
        rows.append(row(id_ + 10, Action.UPDATE, known, known, reason=Reason.REMEMBERED))
        held.append(known)
    made = rolled_back(*rows, groups=[ExtensionGroup(id_, f"T{id_}") for id_ in (5, 6)], held=held)
    assert (made.plan.changes, made.plan.unchanged) == ((), 4)


def test_a_name_and_members_are_put_back() -> None:
    latter = replace(TEAM, name="Crew", members=(41, 43))
    updated = _updated(GroupImage("Team", (41, 42), user_types={42: "manager", 41: "user"}), latter)
    made = _undone(updated, ExtensionGroup(5, "Crew", (41, 43), user_types={43: "custom"}))
    assert brief(made) == ["extension_group:update:Team-guid:3 | rolled_back | name: Crew>Team"]
    change = _first(made)
    assert (change.kept, change.added, change.removed, change.removed_ids) == (
        (41, 42),
        ("1001 Ben",),
        ("1002 Cem",),
        (43,),
    )
    assert (change.user_types, change.remembered, change.object_id) == ({42: "manager"}, TEAM, 5)
    assert (change.before, change.association) == ({"name": "Crew"}, replace(TEAM, members=()))


def test_members_alone_are_put_back_and_the_name_is_not_written() -> None:
    latter = replace(TEAM, members=(41,))
    made = _undone(_updated(GroupImage("Team", (41, 42)), latter), ExtensionGroup(5, "Team", (41,)))
    assert brief(made) == ["extension_group:update:Team-guid:3 | rolled_back"]
    assert (_first(made).before, _first(made).kept, _first(made).user_types) == ({}, (41, 42), {})


def test_what_a_person_had_put_in_or_taken_out_before_the_run_is_so_again() -> None:
    """The run left one member in that it did not remember as written, and left another one out that it did."""
    latter = replace(TEAM, members=(41, 42))
    updated = _updated(GroupImage("Team", (43,)), latter, left_in=(43,), left_out=(42,))
    made = _undone(updated, ExtensionGroup(5, "Team", (41, 43)))
    assert _first(made).kept == (43,)


def test_a_name_that_was_changed_since_stays_and_members_are_put_back() -> None:
    latter = replace(TEAM, name="Crew", members=(41,))
    made = _undone(_updated(GroupImage("Team", (41, 42)), latter), ExtensionGroup(5, "By hand", (41,)))
    assert brief(made) == ["extension_group:update:Team-guid:3 | rolled_back"]
    assert _first(made).remembered == replace(TEAM, name="Crew")
    assert conflicts(made)[0][2].startswith(
        'The name of extension group Team was "Team" before the run, which left it "Crew"; now it is "By hand".'
    )


def test_a_name_that_is_anothers_by_now_is_not_put_back() -> None:
    latter = replace(TEAM, name="Crew")
    made = _undone(
        _updated(GroupImage("Team", (41, 42)), latter),
        ExtensionGroup(5, "Crew", (41, 42)),
        ExtensionGroup(9, "Team"),
    )
    assert (made.plan.changes, made.plan.unchanged) == ((), 1)
    assert [code for _name, code, _message in conflicts(made)] == ["name_taken"]


def _renamed(id_: int, of: ObjectAssociation, before: str, after: str) -> Done:
    former, latter = replace(of, name=before), replace(of, name=after)
    image = GroupImage(before, of.members)
    return row(id_, Action.UPDATE, former, latter, image, name=of.name, before={"name": before}, after={"name": after})


CREW = team("Crew", 6)
EXCHANGED = (
    _renamed(1, TEAM, "Team", "Team (passing)"),
    _renamed(2, CREW, "Crew", "Team"),
    _renamed(3, TEAM, "Team (passing)", "Crew"),
)


def test_names_that_were_exchanged_go_back_the_way_they_came() -> None:
    made = _after_the_exchange("Crew", "Team", CREW)
    assert conflicts(made) == []
    first, second, third = brief(made)
    assert first == "extension_group:update:Team-guid:3 | rolled_back | name: Crew>Team (passing)"
    assert second == "extension_group:update:Crew-guid:2 | rolled_back | name: Team>Crew"
    assert third.startswith("extension_group:update:Team-guid:1 | rolled_back | name: Team (passing)>Team | after ")


def test_who_cannot_have_the_former_name_again_keeps_the_one_of_the_exchange() -> None:
    made = _after_the_exchange("Crew", "Team")
    assert made.plan.changes == ()
    assert [(name, code) for name, code, _message in conflicts(made)] == [
        ("Crew", "changed_since"),
        ("Team", "name_taken"),
    ]
    assert "cannot be called Team again" in conflicts(made)[1][2]


def test_a_name_that_was_exchanged_and_changed_since_is_told_once_and_truly() -> None:
    made = _after_the_exchange("By hand", "Team", CREW)
    assert brief(made) == ["extension_group:update:Crew-guid:2 | rolled_back | name: Team>Crew"]
    ((name, code, message),) = conflicts(made)
    assert (name, code) == ("Team", "changed_since")
    assert message.startswith(
        'The name of extension group Team was "Team" before the run, which left it "Crew"; now it is "By hand".'
    )


def test_who_kept_the_name_of_the_exchange_gets_the_former_one_by_a_second_rollback_once_it_is_free() -> None:
    # All else of the last change was undone by the first rollback.
    undone = [History((row(10, Action.UPDATE, TEAM, TEAM, part="3"),))]
    held, group = replace(TEAM, name="Crew"), ExtensionGroup(5, "Crew", TEAM.members)
    taken = ExtensionGroup(6, "Team")
    made = rolled_back(*EXCHANGED[::2], extensions=PRESENT, groups=[group, taken], held=[held], undone_by=undone)
    assert made.plan.changes == ()
    assert [(name, code) for name, code, _message in conflicts(made)] == [("Team", "name_taken")]
    made = rolled_back(*EXCHANGED[::2], extensions=PRESENT, groups=[group], held=[held], undone_by=undone)
    assert brief(made) == ["extension_group:update:Team-guid:1 | rolled_back | name: Crew>Team"]
    assert conflicts(made) == []


def _after_the_exchange(teams: str, crews: str, *held: ObjectAssociation) -> Rollback:
    """Undo the exchange of Team and Crew, which bear these names by now."""
    now = [ExtensionGroup(5, teams, TEAM.members), ExtensionGroup(6, crews)]
    known = [replace(TEAM, name="Crew"), *(replace(one, name="Team") for one in held)]
    return rolled_back(*EXCHANGED, extensions=PRESENT, groups=now, held=known)


def test_what_somebody_has_put_back_already_is_only_remembered() -> None:
    updated = _updated(GroupImage("Team", (41, 42)), replace(TEAM, members=(41,)))
    made = _undone(updated, ExtensionGroup(5, "Team", (41, 42)))
    assert brief(made) == ["extension_group:update:Team-guid:3 | remembered"]
    assert (_first(made).remembered, made.plan.unchanged) == (TEAM, 0)
    again = rolled_back(updated, extensions=PRESENT, groups=[ExtensionGroup(5, "Team", (41, 42))], held=[TEAM])
    assert (again.plan.changes, again.plan.unchanged) == ((), 1)


def test_a_member_whose_extension_is_gone_is_not_put_back() -> None:
    updated = _updated(GroupImage("Team", (41, 99)), replace(TEAM, members=(41,)), replace(TEAM, members=(41, 99)))
    made = _undone(updated, ExtensionGroup(5, "Team", (41,)))
    assert [change.reason for change in made.plan.changes] == [Reason.REMEMBERED]
    assert _first(made).kept == (41,)


def test_a_member_whose_extension_is_made_again_is_put_back_under_its_new_id() -> None:
    anna = user("anna", 41, "1000")
    rows = (
        _updated(GroupImage("Team", (41, 42), user_types={41: "manager"}), replace(TEAM, members=(42,))),
        row(4, Action.DELETE, anna, None, ExtensionImage("1000", fields(first_name="Anna"))),
    )
    held = replace(TEAM, members=(42,))
    made = rolled_back(*rows, extensions=PRESENT[1:], groups=[ExtensionGroup(5, "Team", (42,))], held=[held])
    change = _nth(made, 1)
    assert (change.kept, change.added, change.user_types) == ((-41, 42), ("1000 Anna",), {-41: "manager"})
    assert change.remembered == replace(TEAM, members=(-41, 42))
    assert change.depends_on == ("create:anna-guid:4",)


def test_that_a_group_took_in_every_extension_is_lost_and_its_members_stay() -> None:
    updated = _updated(GroupImage("Team", includes_all=True), replace(TEAM, name="Crew"))
    made = _undone(updated, ExtensionGroup(5, "Crew", (41, 42)))
    assert brief(made) == ["extension_group:update:Team-guid:3 | rolled_back | name: Crew>Team"]
    assert _first(made).kept == (41, 42)
    assert lost(made) == [("Team", "that it took in every extension: the members that the run gave it stay")]


def test_a_group_that_was_set_to_take_in_every_extension_since_stays_so() -> None:
    updated = _updated(GroupImage("Team", (41,)), TEAM, replace(TEAM, members=(41,)))
    made = _undone(updated, ExtensionGroup(5, "Team", includes_all=True))
    assert [change.reason for change in made.plan.changes] == [Reason.REMEMBERED]
    assert conflicts(made)[0][2].startswith(
        'The member list of extension group Team was "chosen" before the run, which left it "chosen"; now it is "every '
        'extension".'
    )


def test_a_group_that_is_gone_is_told() -> None:
    made = _undone(_updated(GroupImage("Team", (41, 42)), replace(TEAM, members=(41,))))
    assert made.plan.changes == ()
    assert conflicts(made) == [
        (
            "Team",
            "changed_since",
            "The extension group Team was deleted after the run, so that what the run changed of it cannot be put "
            "back. The next synchronization makes it anew, if the directory still asks for it.",
        )
    ]


def test_a_group_that_could_not_be_renamed_and_was_made_anew_is_the_same_one() -> None:
    latter = replace(TEAM, object_id=6, name="Crew", leftover_id=5)
    updated = _updated(GroupImage("Team", (41, 42)), latter)
    made = rolled_back(
        updated,
        extensions=PRESENT,
        groups=[ExtensionGroup(5, "Team", (41, 42)), ExtensionGroup(6, "Crew", (41, 42))],
        held=[latter],
    )
    assert brief(made) == [
        "extension_group:delete:Team-guid:leftover | leftover",
        "extension_group:update:Team-guid:3 | rolled_back | name: Crew>Team "
        "| after extension_group:delete:Team-guid:leftover",
    ]
    clean, renaming = _first(made), _nth(made, 1)
    assert (clean.object_id, clean.before, clean.association) == (5, {"name": "Team"}, replace(latter, leftover_id=0))
    assert (clean.name, clean.dn) == ("Crew", "CN=Team")
    assert (renaming.object_id, renaming.remembered) == (6, replace(TEAM, object_id=6))


@pytest.mark.parametrize(
    ("leftover", "others", "expected"),
    [
        (0, (), []),
        # Another's by now.
        (5, (team("Other", 5),), []),
        # Gone already: it is asked for once more and forgotten.
        (99, (), ["extension_group:delete:Team-guid:leftover | leftover"]),
    ],
)
def test_what_was_left_of_a_renamed_group_is_deleted_if_it_is_nobodys(
    leftover: int, others: Sequence[ObjectAssociation], expected: list[str]
) -> None:
    held = replace(TEAM, object_id=6, leftover_id=leftover)
    noted = row(3, Action.UPDATE, held, held, reason=Reason.LEFTOVER)
    present = [ExtensionGroup(5, "Other"), ExtensionGroup(6, "Team", (41, 42))]
    made = rolled_back(noted, extensions=PRESENT, groups=present, held=[held, *others])
    assert brief(made) == expected
    assert all(not change.before for change in made.plan.changes)


def test_every_group_that_left_something_is_cleaned_up() -> None:
    nothing, held = team("Other", 7), replace(TEAM, object_id=6, leftover_id=5)
    rows = [row(id_, Action.UPDATE, one, one, reason=Reason.LEFTOVER) for id_, one in ((3, nothing), (4, held))]
    made = rolled_back(*rows, groups=[ExtensionGroup(5, "Old")], held=[nothing, held])
    assert [change.object_id for change in made.plan.changes] == [5]


def test_what_was_left_of_a_group_that_the_run_did_not_touch_is_none_of_its_business() -> None:
    other = team("Other", 6, leftover_id=5)
    made = rolled_back(
        DELETED, extensions=PRESENT, groups=[ExtensionGroup(5, "x"), ExtensionGroup(6, "Other")], held=[other]
    )
    assert [change.guid for change in made.plan.changes] == ["Team-guid"]


def test_a_member_that_a_rollback_put_into_a_group_of_nobodys_is_taken_out_by_the_rollback_of_that() -> None:
    change = GroupChange(
        action=Action.UPDATE,
        guid="group:6",
        name="By hand",
        dn="",
        object_id=6,
        reason=Reason.ROLLED_BACK,
        kept=(41, 42),
        part="members",
    )
    made = rolled_back(
        Done(3, "run", change, image=GroupImage("By hand", (42,))),
        extensions=PRESENT,
        groups=[ExtensionGroup(6, "By hand", (41, 42, 43))],
    )
    assert brief(made) == ["extension_group:update:group:6:3 | rolled_back"]
    undoing = _first(made)
    assert (undoing.object_id, undoing.kept, undoing.removed) == (6, (42, 43), ("1000 Anna",))
    assert (undoing.association, undoing.remembered) == (None, None)


# --- what the run had taken over


def test_a_group_that_was_taken_over_gets_its_members_back_and_is_released() -> None:
    latter = replace(TEAM, origin=Origin.ADOPTED)
    taken = row(3, Action.ASSOCIATE, None, latter, GroupImage("team", (43,)), after={"name": "Team"})
    made = rolled_back(taken, extensions=PRESENT, groups=[ExtensionGroup(5, "Team", (41, 42))], held=[latter])
    assert brief(made) == [
        "extension_group:update:Team-guid:3.fields | rolled_back | name: Team>team",
        "extension_group:release:Team-guid:3 | rolled_back | after extension_group:update:Team-guid:3.fields",
    ]
    assert (_first(made).kept, _first(made).remembered) == ((43,), latter)
    untouched = rolled_back(taken, extensions=PRESENT, groups=[ExtensionGroup(5, "team", (43,))], held=[latter])
    assert brief(untouched) == ["extension_group:release:Team-guid:3 | rolled_back"]
    assert (untouched.plan.unchanged, _first(untouched).object_id) == (0, 5)


def test_a_group_that_was_handed_on_goes_back_in_one_step() -> None:
    latter = team("Crew", 5, 41, 42, origin=Origin.ADOPTED)
    image = GroupImage("Crew", (41, 42))
    rows = (
        row(3, Action.RELEASE, TEAM, None, image, reason=Reason.HANDED_OVER),
        row(4, Action.ASSOCIATE, None, latter, image),
    )
    made = rolled_back(*rows, extensions=PRESENT, groups=[ExtensionGroup(5, "Crew", (41, 42))], held=[latter])
    assert brief(made) == [
        "extension_group:release:Crew-guid:4 | handed_over",
        "extension_group:associate:Team-guid:3 | remembered | after extension_group:release:Crew-guid:4",
    ]
    again = _nth(made, 1)
    assert (again.object_id, again.kept, again.remembered) == (5, (41, 42), TEAM)
    assert again.association == replace(TEAM, name="Crew", members=())


# --- what the run had released


def test_a_released_group_that_is_gone_is_lost() -> None:
    made = rolled_back(row(3, Action.RELEASE, TEAM, None))
    assert (made.plan.changes, lost(made)) == (
        (),
        [("Team", "its association: the extension group is gone from the PBX")],
    )


def test_a_released_group_that_is_anothers_since_is_left() -> None:
    made = rolled_back(row(3, Action.RELEASE, TEAM, None), groups=[ExtensionGroup(5, "Team")], held=[team("Crew", 5)])
    assert (made.plan.changes, conflicts(made)) == (
        (),
        [("Team", "changed_since", "The extension group Team, which the run released, is another one's since.")],
    )


# --- what the run had only remembered


def test_what_was_remembered_anew_is_remembered_as_before() -> None:
    latter = replace(TEAM, members=(41,))
    noted = row(3, Action.UPDATE, TEAM, latter, reason=Reason.REMEMBERED)
    groups = [ExtensionGroup(5, "Team", (41, 42))]
    made = rolled_back(noted, extensions=PRESENT, groups=groups, held=[latter])
    assert brief(made) == ["extension_group:update:Team-guid:3 | remembered"]
    assert (_first(made).object_id, _first(made).remembered) == (5, TEAM)
    assert _first(made).association == replace(TEAM, members=())
    again = rolled_back(noted, extensions=PRESENT, groups=groups, held=[TEAM])
    assert (again.plan.changes, again.plan.unchanged) == ((), 1)


def test_what_is_remembered_of_a_member_that_is_made_again_waits_for_it() -> None:
    latter = replace(TEAM, members=(42,))
    rows = (
        row(3, Action.UPDATE, TEAM, latter, reason=Reason.REMEMBERED),
        row(4, Action.DELETE, user("anna", 41, "1000"), None, ExtensionImage("1000", fields())),
    )
    made = rolled_back(*rows, extensions=PRESENT[1:], groups=[ExtensionGroup(5, "Team", (42,))], held=[latter])
    assert brief(made)[1] == "extension_group:update:Team-guid:3 | remembered | after create:anna-guid:4"
    assert _nth(made, 1).remembered == replace(TEAM, members=(-41, 42))


# --- whose association is another one since


def test_what_is_about_another_group_since_is_left_and_both_are_named() -> None:
    updated = _updated(GroupImage("Team", (41, 42)), replace(TEAM, members=(41,)))
    elsewhere = replace(TEAM, object_id=6)
    made = rolled_back(updated, groups=[ExtensionGroup(6, "Team")], held=[elsewhere])
    assert made.plan.changes == ()
    assert conflicts(made)[0][2].startswith(
        'The association of extension group Team was "one that is gone" before the run, which left it "one that is '
        'gone"; now it is "Team".'
    )
