# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups become extension groups: what is created, renamed, filled, emptied, handed over, kept and deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import (
    Absent,
    DirectoryGroup,
    GroupSnapshot,
    People,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.group_plan import plan_directory_groups
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.limits import EXTENSION_GROUPS
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    ObjectAssociation,
    ObjectKind,
    Origin,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    ExtensionGroup,
    PbxCapacity,
    PbxIdentity,
    PbxSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, GroupChange, Plan
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import GroupRule, OutOfScope, RuleKind

from tests.unit.sync_builders import DOMAIN, codes, dn, extension, guid, synced, user

# Users a, b and c have the extensions 1, 2 and 3; the extension 9 is an administrator's.
PEOPLE = [synced(user(name), id_, f"100{id_}") for id_, name in enumerate("abc", start=1)]
BY_HAND = extension(9, "9000")
DELETE = GroupRule(out_of_scope=OutOfScope.DELETE)


def held(name: str, on_pbx: ExtensionGroup, **changed: object) -> ObjectAssociation:
    """The association of a directory group with an extension group, last written as it is but for what is given."""
    association = ObjectAssociation(
        guid=guid(name),
        kind=ObjectKind.EXTENSION_GROUP,
        rule=RuleKind.GROUPS,
        object_id=on_pbx.id,
        dn=dn(name),
        name=on_pbx.name,
        origin=Origin.CREATED,
        members=on_pbx.members,
    )
    return replace(association, **changed)  # type: ignore[arg-type]


def plan(
    taken_in: Mapping[str, str],
    *on_pbx: ExtensionGroup,
    objects: Sequence[ObjectAssociation] = (),
    absent: Absent | None = None,
    missing: str = "",
    names: Mapping[str, str] | None = None,
    rule: GroupRule | None = None,
) -> Plan:
    """Plan with these extension groups.

    :param taken_in: the names of the users in each directory group, a letter each, by the group's name.
    :param missing: the names of the users of whom nothing is known.
    :param names: what groups are called now, by the name that they had.
    """
    called = {name: (names or {}).get(name, name) for name in taken_in}
    groups = tuple(
        DirectoryGroup(guid(name), dn(called[name]), called[name].rpartition("/")[2], rid)
        for rid, name in enumerate(taken_in, start=1100)
    )
    snapshot = GroupSnapshot(
        DOMAIN,
        groups,
        People({}, missing=frozenset(guid(name) for name in missing)),
        paths={guid(name): tuple(path.split("/")) for name, path in called.items()},
        members={guid(name): frozenset(guid(one) for one in members) for name, members in taken_in.items()},
        absent=absent or Absent(),
    )
    extensions = (*(one for one, _association in PEOPLE), BY_HAND)
    pbx = PbxSnapshot(
        PbxIdentity("3631A1234567", "P570", "37.20.0.19"), PbxCapacity(100, len(extensions)), extensions, groups=on_pbx
    )
    return plan_directory_groups(rule or GroupRule(), snapshot, pbx, [known for _one, known in PEOPLE], objects)


def brief(made: Plan) -> list[str]:
    """The changes in their order, each as "action name reason" and, with signs, the name and the members it changes."""
    return [_brief(change) for change in made.changes if isinstance(change, GroupChange)]


def _brief(change: GroupChange) -> str:
    texts = [change.action, change.name, change.reason]
    texts += [f"={name}" for name in change.after.values()]
    texts += [f"+{member.split()[0]}" for member in change.added]
    texts += [f"-{member.split()[0]}" for member in change.removed]
    return " ".join(texts)


def test_a_new_group_is_created_with_its_members_once() -> None:
    made = plan({"sales": "ab"})
    assert brief(made) == ["create sales new_group =sales +1001 +1002"]
    sales = ExtensionGroup(20, "sales", (1, 2))
    again = plan({"sales": "ab"}, sales, objects=[held("sales", sales)])
    assert (again.changes, again.unchanged) == ((), 1)


def test_one_change_carries_who_comes_and_who_leaves() -> None:
    sales = ExtensionGroup(20, "sales", (1, 2))
    made = plan({"sales": "bc"}, sales, objects=[held("sales", sales)])
    assert brief(made) == ["update sales directory_changed +1003 -1001"]
    (change,) = made.changes
    assert isinstance(change, GroupChange)
    assert (change.removed_ids, change.drift) == ((1,), ())


def test_a_group_that_loses_its_last_member_stays() -> None:
    sales = ExtensionGroup(20, "sales", (1,))
    assert brief(plan({"sales": ""}, sales, objects=[held("sales", sales)])) == ["update sales directory_changed -1001"]


@pytest.mark.parametrize(
    ("present", "expected"), [((1, 2, 9), "update sales drift -9000"), ((1,), "update sales drift +1002")]
)
def test_what_was_changed_by_hand_is_put_back_and_told_as_drift(present: tuple[int, ...], expected: str) -> None:
    known = held("sales", ExtensionGroup(20, "sales", (1, 2)))
    made = plan({"sales": "ab"}, ExtensionGroup(20, "sales", present), objects=[known])
    assert brief(made) == [expected]
    assert made.changes[0].drift == ("members",)


@pytest.mark.parametrize("members", ["a", ""])
def test_a_group_of_all_becomes_a_group_of_its_members(members: str) -> None:
    known = held("sales", ExtensionGroup(20, "sales", (1,)))
    made = plan({"sales": members}, ExtensionGroup(20, "sales", (), includes_all=True), objects=[known])
    assert [(change.action, change.drift[0]) for change in made.changes] == [(Action.UPDATE, "members")]


def test_a_user_of_whom_nothing_is_known_stays_a_member_and_does_not_become_one() -> None:
    sales, support = ExtensionGroup(20, "sales", (1, 2)), ExtensionGroup(21, "support", (1,))
    made = plan(
        {"sales": "a", "support": "a"},
        sales,
        support,
        objects=[held("sales", sales), held("support", support)],
        missing="b",
    )
    assert made.changes == ()


def test_a_renamed_group_keeps_its_extension_group() -> None:
    sales = ExtensionGroup(20, "sales", (1,))
    made = plan({"sales": "a"}, sales, objects=[held("sales", sales)], names={"sales": "Vertrieb"})
    assert brief(made) == ["update Vertrieb directory_changed =Vertrieb"]
    assert made.changes[0].object_id == 20


def test_groups_that_exchange_their_names_pass_through_a_name_of_the_moment() -> None:
    one, two = ExtensionGroup(20, "one", (1,)), ExtensionGroup(21, "two", (2,))
    made = plan(
        {"one": "a", "two": "b"},
        one,
        two,
        objects=[held("one", one), held("two", two)],
        names={"one": "two", "two": "one"},
    )
    assert [change.part for change in made.changes].count("vacate") == 1
    names = {20: "one", 21: "two"}
    for change in made.changes:
        names[change.object_id or 0] = change.after["name"]
        assert len(set(names.values())) == len(names)
    assert names == {20: "two", 21: "one"}


def test_groups_of_one_name_are_told_apart_by_where_they_are() -> None:
    made = plan({"a": "a", "b": "b"}, names={"a": "Bonn/Sales", "b": "Paris/Sales"})
    assert len({change.after["name"] for change in made.changes}) == 2
    assert all("Sales" in change.after["name"] for change in made.changes)


@pytest.mark.parametrize(
    ("absent", "rule", "expected"),
    [
        (Absent(deleted=frozenset({guid("sales")})), GroupRule(), ["release sales object_deleted"]),
        (Absent(deleted=frozenset({guid("sales")})), DELETE, ["delete sales object_deleted"]),
        (Absent(outside=frozenset({guid("sales")})), DELETE, ["delete sales out_of_scope"]),
        (Absent(missing=frozenset({guid("sales")})), DELETE, []),
    ],
)
def test_what_becomes_of_a_group_that_is_no_longer_taken_in(
    absent: Absent, rule: GroupRule, expected: list[str]
) -> None:
    sales = ExtensionGroup(20, "sales", (1,))
    made = plan({}, sales, objects=[held("sales", sales)], absent=absent, rule=rule)
    assert brief(made) == expected
    assert codes(made) == ([] if expected else [("sales", "object_not_found")])


def test_a_group_that_was_deleted_and_made_again_takes_the_extension_group_over() -> None:
    sales = ExtensionGroup(20, "sales", (1,))
    gone = Absent(deleted=frozenset({guid("old")}))
    made = plan({"new": "ab"}, sales, objects=[held("old", sales)], absent=gone, names={"new": "sales"}, rule=DELETE)
    assert brief(made) == ["release sales handed_over", "associate sales same_name +1002"]
    assert made.changes[1].object_id == 20


def test_a_group_made_by_hand_is_a_conflict_or_taken_over() -> None:
    by_hand = ExtensionGroup(20, "Sales", (9,))
    left = plan({"sales": "a"}, by_hand)
    assert (left.changes, codes(left)) == ((), [("sales", "name_taken")])
    taken = plan({"sales": "a"}, by_hand, rule=GroupRule(associate_by_name=True))
    assert brief(taken) == ["associate sales same_name =sales +1001 -9000"]


def test_a_group_of_all_made_by_hand_is_never_taken_over() -> None:
    everyone = ExtensionGroup(20, "everyone", (), includes_all=True)
    made = plan({"everyone": "a"}, everyone, rule=GroupRule(associate_by_name=True))
    assert (made.changes, codes(made)) == ((), [("everyone", "name_taken")])


def test_groups_of_other_rules_are_left_alone() -> None:
    label, leftover = ExtensionGroup(20, "AD users", (1, 2, 3)), ExtensionGroup(21, "Linkus", (1,))
    known = held("label", label, rule=RuleKind.USERS, leftover_id=21)
    made = plan({"sales": "a", "linkus": "b"}, label, leftover, objects=[known], rule=DELETE)
    assert brief(made) == ["create sales new_group =sales +1001"]
    assert codes(made) == [("linkus", "name_taken")]


def test_an_extension_group_deleted_by_hand_is_created_again() -> None:
    made = plan({"sales": "a"}, objects=[held("sales", ExtensionGroup(20, "sales", (1,)))])
    assert brief(made) == ["create sales object_missing =sales +1001"]


def test_the_group_of_the_old_name_is_deleted_and_what_does_not_fit_is_named() -> None:
    sales, old = ExtensionGroup(20, "Vertrieb", (1,)), ExtensionGroup(21, "sales", (1,))
    full = [ExtensionGroup(id_, f"hand {id_}", (9,)) for id_ in range(30, 30 + EXTENSION_GROUPS - 2)]
    known = held("sales", sales, leftover_id=21)
    made = plan(
        {"sales": "a", "new": "b", "none": "c"}, sales, old, *full, objects=[known], names={"sales": "Vertrieb"}
    )
    assert brief(made) == ["delete Vertrieb leftover", "create new new_group =new +1002"]
    assert made.changes[1].depends_on == (made.changes[0].key,)
    assert codes(made) == [("none", "no_room")]


def test_a_name_that_the_pbx_would_not_take_is_a_conflict_and_its_members_are_kept_up_to_date() -> None:
    sales = ExtensionGroup(20, "sales", (1,))
    made = plan({"sales": "ab"}, sales, objects=[held("sales", sales)], names={"sales": "x" * 256})
    assert [code for _name, code in codes(made)] == ["name_invalid"]
    assert [change.after for change in made.changes] == [{}]
    assert [change.object_id for change in made.changes] == [20]


@pytest.mark.parametrize("taken_in", [{}, {"sales": "a"}])
def test_a_group_does_not_end_before_the_group_of_its_old_name_is_gone(taken_in: dict[str, str]) -> None:
    sales, old = ExtensionGroup(20, "sales", (1,)), ExtensionGroup(21, "Verkauf", (1,))
    gone = Absent(deleted=frozenset({guid("old")}))
    made = plan(taken_in, sales, old, objects=[held("old", sales, leftover_id=21)], absent=gone)
    cleaned, released = made.changes[:2]
    assert (cleaned.part, released.action) == ("leftover", Action.RELEASE)
    assert released.depends_on == (cleaned.key,)


def test_a_leftover_that_is_gone_or_somebodys_by_now_is_only_forgotten() -> None:
    sales, other = ExtensionGroup(20, "sales", (1,)), ExtensionGroup(21, "other", (2,))
    known = held("sales", sales, leftover_id=21)
    forgotten = (held("sales", sales),)
    made = plan({"sales": "a"}, sales, objects=[known])
    assert (made.changes, made.refreshed) == ((), forgotten)
    made = plan({"sales": "a", "other": "b"}, sales, other, objects=[known, held("other", other)])
    assert (made.changes, made.refreshed) == ((), forgotten)


def test_a_group_that_ends_waits_for_what_was_left_of_it() -> None:
    sales, old = ExtensionGroup(20, "sales", (1,)), ExtensionGroup(21, "old", (1,))
    gone = Absent(deleted=frozenset({guid("sales")}))
    made = plan({}, sales, old, objects=[held("sales", sales, leftover_id=21)], absent=gone)
    assert brief(made) == ["delete sales leftover", "release sales object_deleted"]
    assert made.changes[1].depends_on == (made.changes[0].key,)


def test_of_two_groups_that_end_under_one_name_a_new_one_takes_the_one_that_is_spelled_so() -> None:
    exact, other = ExtensionGroup(20, "sales", (1,)), ExtensionGroup(21, "SALES", (2,))
    for present in ((exact, other), (other, exact)):
        made = plan(
            {"new": "a"},
            *present,
            objects=[held("one", exact), held("two", other)],
            absent=Absent(deleted=frozenset({guid("one"), guid("two")})),
            names={"new": "sales"},
            rule=DELETE,
        )
        assert brief(made) == ["release sales handed_over", "associate sales same_name", "delete SALES object_deleted"]


def test_a_name_is_given_when_what_had_it_is_gone_and_not_before() -> None:
    sales, support = ExtensionGroup(20, "sales", (1,)), ExtensionGroup(21, "support", (2,))
    made = plan(
        {"support": "b"},
        sales,
        support,
        objects=[held("sales", sales), held("support", support)],
        absent=Absent(deleted=frozenset({guid("sales")})),
        names={"support": "sales"},
        rule=DELETE,
    )
    assert brief(made) == ["delete sales object_deleted", "update sales directory_changed =sales"]
    assert made.changes[1].depends_on == (made.changes[0].key,)


def test_names_handed_on_in_a_row_come_one_after_the_other() -> None:
    present = [ExtensionGroup(20 + place, f"n{place}", (1,)) for place in range(5)]
    names = {one.name: f"n{place + 1}" for place, one in enumerate(present)}
    made = plan(dict.fromkeys(names, "a"), *present, objects=[held(one.name, one) for one in present], names=names)
    assert [change.object_id for change in made.changes] == [24, 23, 22, 21, 20]
    assert [change.depends_on for change in made.changes] == [(), *((one.key,) for one in made.changes[:-1])]


def test_a_group_beside_one_that_differs_in_capital_letters_keeps_its_name() -> None:
    sales, other = ExtensionGroup(20, "sales", (1,)), ExtensionGroup(21, "SALES", (9,))
    for present in ((sales, other), (other, sales)):
        made = plan({"sales": "a"}, *present, objects=[held("sales", sales)])
        assert (made.changes, made.conflicts) == ((), ())


def test_a_member_that_the_list_of_extensions_does_not_have_is_told_by_its_id() -> None:
    sales = ExtensionGroup(20, "sales", (1, 77))
    made = plan({"sales": "a"}, sales, objects=[held("sales", sales)])
    assert brief(made) == ["update sales directory_changed -id"]
    assert isinstance(made.changes[0], GroupChange)
    assert made.changes[0].removed == ("id 77",)


def test_a_held_name_is_kept_where_the_new_one_is_an_administrators_and_a_new_group_without_a_name_is_not_made() -> (
    None
):
    sales, by_hand = ExtensionGroup(20, "sales", (1,)), ExtensionGroup(21, "Vertrieb", (9,))
    made = plan(
        {"sales": "ab", "bad": "c"},
        sales,
        by_hand,
        objects=[held("sales", sales)],
        names={"sales": "Vertrieb", "bad": "two\nlines"},
        rule=GroupRule(associate_by_name=True),
    )
    assert brief(made) == ["update Vertrieb directory_changed +1002"]
    assert codes(made) == [("two\nlines", "name_invalid"), ("Vertrieb", "name_taken")]
    assert "associate_by_name" not in made.conflicts[1].message
