# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of extension groups with all that they carry to the PBX, to the ledger and to a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Absent
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.limits import EXTENSION_GROUPS
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.members import Membership
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectAssociation, Origin
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import ExtensionGroup
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, GroupChange, Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import DriftPolicy, GroupRule, RuleKind

from tests.unit.sync_builders import codes, dn, extension, guid
from tests.unit.test_sync_groups import DELETE, brief, held, plan

SALES = ExtensionGroup(20, "sales", (1, 2))
LEFT = GroupRule(drift=DriftPolicy.REPORT)


def _change(name: str, action: Action, reason: Reason, **values: object) -> GroupChange:
    known = {"action": action, "guid": guid(name), "name": name, "dn": dn(name), "reason": reason, **values}
    return GroupChange(**known)  # type: ignore[arg-type]


# --- what a change carries


def test_what_is_created() -> None:
    (change,) = plan({"sales": "ab"}).changes
    assert change == _change(
        "sales",
        Action.CREATE,
        Reason.NEW_GROUP,
        object_id=None,
        after={"name": "sales"},
        association=held("sales", replace(SALES, id=0)),
        members=(guid("a"), guid("b")),
        added=("1001 a", "1002 b"),
    )


def test_one_that_is_made_again_is_remembered_as_it_came_about() -> None:
    (change,) = plan({"sales": "ab"}, objects=[held("sales", SALES, origin=Origin.ADOPTED)]).changes
    assert isinstance(change, GroupChange)
    assert change.association == held("sales", replace(SALES, id=0), origin=Origin.ADOPTED)


def test_what_is_renamed_and_gets_other_members() -> None:
    (change,) = plan({"sales": "bc"}, SALES, objects=[held("sales", SALES)], names={"sales": "Selling"}).changes
    assert change == replace(
        _change(
            "sales",
            Action.UPDATE,
            Reason.DIRECTORY_CHANGED,
            object_id=20,
            before={"name": "sales"},
            after={"name": "Selling"},
            association=held("sales", replace(SALES, name="Selling", members=(2, 3)), dn=dn("Selling")),
            members=(guid("b"), guid("c")),
            added=("1003 c",),
            removed=("1001 a",),
            removed_ids=(1,),
        ),
        name="Selling",
        dn=dn("Selling"),
    )


def test_members_alone() -> None:
    (change,) = plan({"sales": "abc"}, SALES, objects=[held("sales", SALES)]).changes
    assert (change.before, change.after, change.reason) == ({}, {}, Reason.DIRECTORY_CHANGED)


def test_a_member_of_whom_nothing_is_known_is_kept_by_its_id() -> None:
    (change,) = plan({"sales": "ac"}, SALES, objects=[held("sales", SALES)], missing="b").changes
    assert isinstance(change, GroupChange)
    assert (change.kept, change.added, change.removed) == ((2,), ("1003 c",), ())
    assert change.association == held("sales", SALES, members=(1, 2, 3))


@pytest.mark.parametrize("name", ["sales", "Sales"])
def test_what_an_administrator_made_is_taken_over(name: str) -> None:
    by_hand = ExtensionGroup(20, name, (2, 9))
    (change,) = plan({"sales": "ab"}, by_hand, rule=GroupRule(associate_by_name=True)).changes
    differs = name != "sales"
    assert change == _change(
        "sales",
        Action.ASSOCIATE,
        Reason.SAME_NAME,
        object_id=20,
        before={"name": name} if differs else {},
        after={"name": "sales"} if differs else {},
        association=held("sales", SALES, origin=Origin.ADOPTED),
        members=(guid("a"), guid("b")),
        added=("1001 a",),
        removed=("9000",),
        removed_ids=(9,),
    )


def test_what_is_handed_over() -> None:
    gone = Absent(deleted=frozenset({guid("old")}))
    release, taking = plan({"sales": "ab"}, SALES, objects=[held("old", SALES)], absent=gone, rule=DELETE).changes
    assert release == replace(_change("old", Action.RELEASE, Reason.HANDED_OVER, object_id=20), name="sales")
    assert taking.depends_on == (release.key,)


def test_what_is_deleted_is_told_by_the_name_that_it_bears() -> None:
    gone = Absent(deleted=frozenset({guid("sales")}))
    hand = replace(SALES, name="Hand")
    (deletion,) = plan({}, hand, objects=[held("sales", SALES)], absent=gone, rule=DELETE).changes
    assert deletion == _change("sales", Action.DELETE, Reason.OBJECT_DELETED, object_id=20, before={"name": "Hand"})
    (release,) = plan({}, hand, objects=[held("sales", SALES)], absent=gone).changes
    assert release == _change("sales", Action.RELEASE, Reason.OBJECT_DELETED, object_id=20)


def test_what_a_renaming_left_is_deleted() -> None:
    known = held("sales", SALES, leftover_id=21)
    deletion, renaming = plan(
        {"sales": "ab"}, SALES, ExtensionGroup(21, "Old"), objects=[known], names={"sales": "old"}
    ).changes
    assert deletion == _change(
        "sales",
        Action.DELETE,
        Reason.LEFTOVER,
        object_id=21,
        before={"name": "Old"},
        association=held("sales", SALES),
        part="leftover",
    )
    assert renaming.depends_on == (deletion.key,)


def test_a_passing_name() -> None:
    one, two = ExtensionGroup(20, "one", (1,)), ExtensionGroup(21, "two", (2, 9))
    made = plan(
        {"one": "a", "two": "b"},
        one,
        two,
        objects=[held("one", one), held("two", two, members=(2, 3))],
        names={"one": "two", "two": "one"},
    )
    (change,) = [one for one in made.changes if one.part]
    assert isinstance(change, GroupChange)
    assert change.guid == guid("two")
    name = change.after["name"]
    # The members are written with the name: those that are, and not those that are to be.
    assert change == GroupChange(
        action=Action.UPDATE,
        guid=guid("two"),
        name="one",
        dn=dn("one"),
        object_id=21,
        reason=Reason.NAME_EXCHANGE,
        before={"name": "two"},
        after={"name": name},
        association=held("two", replace(two, name=name), members=(2, 3)),
        kept=(2, 3),
        left_in=(9,),
        left_out=(3,),
        part="vacate",
    )
    assert {one.key: one.depends_on for one in made.changes}[f"extension_group:update:{guid('one')}"] == (change.key,)


def test_all_that_is_as_it_is_to_be_is_counted() -> None:
    other = ExtensionGroup(21, "support", (3,))
    objects = [held("sales", SALES), held("support", other)]
    assert plan({"sales": "ab", "support": "c"}, SALES, other, objects=objects).unchanged == 2


# --- whose change it was


@pytest.mark.parametrize(
    ("present", "members", "called", "reason", "drift"),
    [
        (replace(SALES, name="Hand"), "ab", "sales", Reason.DRIFT, ("name",)),
        (replace(SALES, name="Hand"), "ab", "Selling", Reason.DIRECTORY_CHANGED, ("name",)),
        (replace(SALES, name="Hand"), "abc", "sales", Reason.DIRECTORY_CHANGED, ("name",)),
        (replace(SALES, name="Hand", members=(1,)), "ab", "sales", Reason.DRIFT, ("name", "members")),
        (replace(SALES, members=(1,)), "ab", "sales", Reason.DRIFT, ("members",)),
        (replace(SALES, members=(1,)), "abc", "sales", Reason.DIRECTORY_CHANGED, ("members",)),
        (replace(SALES, members=(1,)), "ab", "Selling", Reason.DIRECTORY_CHANGED, ("members",)),
        (SALES, "ab", "Selling", Reason.DIRECTORY_CHANGED, ()),
        (SALES, "a", "sales", Reason.DIRECTORY_CHANGED, ()),
    ],
)
def test_it_is_drift_where_a_person_alone_changed_something(
    present: ExtensionGroup, members: str, called: str, reason: Reason, drift: tuple[str, ...]
) -> None:
    (change,) = plan({"sales": members}, present, objects=[held("sales", SALES)], names={"sales": called}).changes
    assert (change.reason, change.drift) == (reason, drift)


@pytest.mark.parametrize(("members", "text"), [("", "0 extensions"), ("a", "1 extension"), ("ab", "2 extensions")])
def test_how_many_members_a_group_of_everybody_is_to_have(members: str, text: str) -> None:
    everybody = replace(SALES, members=(), includes_all=True)
    ids = tuple("abc".index(one) + 1 for one in members)
    for rule in (GroupRule(), LEFT):
        made = plan({"sales": members}, everybody, objects=[held("sales", SALES, members=ids)], rule=rule)
        (told,) = made.drift
        assert (told.field, told.name, told.written, told.wanted, told.actual) == (
            "members",
            "sales",
            text,
            text,
            "all extensions",
        )
        assert (told.both_changed, made.conflicts) == (False, ())


def test_a_member_that_a_person_took_out_is_told_of_its_group() -> None:
    (told,) = plan({"sales": "ab"}, replace(SALES, members=(1,)), objects=[held("sales", SALES)]).drift
    assert (told.guid, told.name, told.written, told.wanted, told.actual) == (
        guid("sales"),
        "sales",
        "1002 b",
        "1002 b",
        "",
    )


# --- members as they are shown


def test_members_are_shown_by_number_the_shortest_first_and_with_their_names() -> None:
    extensions = [
        extension(1, "1000", first_name="Anna", last_name="Berg"),
        extension(2, "999", last_name="Carl"),
        extension(3, "0100"),
        extension(4, "1000", first_name="Aaron"),
    ]
    membership = Membership({one.id: one for one in extensions}, {})
    assert membership.shown([1, 2, 3, 4, 77]) == ("999 Carl", "0100", "1000 Aaron", "1000 Anna Berg", "id 77")


# --- room


def _full(count: int) -> list[ExtensionGroup]:
    return [ExtensionGroup(100 + number, f"Hand {number}") for number in range(count)]


@pytest.mark.parametrize(("left", "fit"), [(4, 3), (3, 3), (2, 2), (1, 1), (0, 0), (-1, 0)])
def test_as_many_are_created_as_there_is_room_for(left: int, fit: int) -> None:
    made = plan({"x": "a", "y": "b", "z": "c"}, *_full(EXTENSION_GROUPS - left))
    assert [change.name for change in made.changes] == ["x", "y", "z"][:fit]
    assert codes(made) == [(name, "no_room") for name in ["x", "y", "z"][fit:]]
    for conflict in made.conflicts:
        assert conflict.guid == guid(conflict.name)
        assert conflict.message == (
            "The PBX takes 63 extension groups and has no room for this one. Delete some on the PBX, or narrow the "
            "scope."
        )


def test_what_is_deleted_makes_room_for_one_each() -> None:
    old = [ExtensionGroup(20, "old1"), ExtensionGroup(21, "old2")]
    made = plan(
        {"w": "", "x": "", "y": "", "z": ""},
        *_full(EXTENSION_GROUPS - 3),
        *old,
        objects=[held(one.name, one) for one in old],
        absent=Absent(deleted=frozenset({guid("old1"), guid("old2")})),
        rule=DELETE,
    )
    assert [(change.name, change.depends_on) for change in made.changes if change.action is Action.CREATE] == [
        ("w", ()),
        ("x", (f"extension_group:delete:{guid('old1')}",)),
        ("y", (f"extension_group:delete:{guid('old2')}",)),
    ]
    assert codes(made) == [("z", "no_room")]


# --- what stands in the way, in words


@pytest.mark.parametrize(
    ("present", "objects", "remedy"),
    [
        (ExtensionGroup(20, "sales"), [], "Set associate_by_name to take it over, or rename one of the two"),
        (ExtensionGroup(20, "sales", includes_all=True), [], "Rename one of the two"),
        (ExtensionGroup(20, "sales"), [held("sales", ExtensionGroup(30, "own"))], "Rename one of the two"),
        # What another rule made, or what a renaming left, is nobody's to take over.
        (
            ExtensionGroup(20, "sales"),
            [replace(held("other", ExtensionGroup(20, "sales")), rule=RuleKind.ORGANIZATIONAL_UNITS)],
            "Rename one of the two",
        ),
        (
            ExtensionGroup(20, "sales"),
            [replace(held("other", ExtensionGroup(30, "own"), leftover_id=20), rule=RuleKind.ORGANIZATIONAL_UNITS)],
            "Rename one of the two",
        ),
    ],
)
def test_what_can_be_done_about_a_name_that_is_taken(
    present: ExtensionGroup, objects: Sequence[ObjectAssociation], remedy: str
) -> None:
    made = plan({"sales": ""}, present, ExtensionGroup(30, "own"), objects=objects)
    assert [one.message for one in made.conflicts] == [
        f"The PBX has an extension group sales already, which is not this one's. {remedy}, for example to 'sales (AD)'."
    ]


@pytest.mark.parametrize(
    "known",
    [
        replace(held("other", ExtensionGroup(20, "sales")), rule=RuleKind.ORGANIZATIONAL_UNITS),
        replace(held("other", ExtensionGroup(30, "own"), leftover_id=20), rule=RuleKind.ORGANIZATIONAL_UNITS),
    ],
)
def test_what_is_somebodys_is_never_taken_over(known: ObjectAssociation) -> None:
    made = plan(
        {"sales": ""},
        ExtensionGroup(20, "sales"),
        ExtensionGroup(30, "own"),
        objects=[known],
        rule=GroupRule(associate_by_name=True),
    )
    assert (brief(made), codes(made)) == ([], [("sales", "name_taken")])


def test_a_group_that_another_rule_lets_go_is_not_taken_over_by_a_name() -> None:
    """An association ends by the rule that made it."""
    other = replace(held("old", SALES), rule=RuleKind.ORGANIZATIONAL_UNITS)
    gone = Absent(deleted=frozenset({guid("old")}))
    made = plan({"sales": "ab"}, SALES, objects=[other], absent=gone, rule=DELETE)
    assert (brief(made), codes(made)) == ([], [("sales", "name_taken")])


def test_a_name_that_the_pbx_would_not_take_is_told_with_the_reason() -> None:
    (conflict,) = plan({"sales": ""}, names={"sales": "x" * 128}).conflicts
    assert conflict.message.startswith(f"The name {'x' * 128!r} cannot be that of an extension group: ")
    assert "None" not in conflict.message
