# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person set on the PBX and a rule leaves: each case of written, wanted and actual, for each kind of field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.writes import Writes
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync import changes
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Absent, DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Intent
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, ObjectAssociation
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Extension,
    ExtensionGroup,
    Organization,
    PbxSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.placement import Layout, Placed, place
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Drifted,
    ExtensionChange,
    GroupChange,
    OrganizationChange,
    Placement,
    Plan,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.recovery import recover
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    DriftPolicy,
    GroupRule,
    OutOfScope,
    UnitRule,
    UserRule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.situation import look_at

from tests.unit import sync_builders, test_sync_groups, test_sync_organizations
from tests.unit.sync_builders import (
    association,
    codes,
    directory,
    extension,
    extension_of,
    pbx,
    synced,
    user,
)
from tests.unit.test_sync_placement import BERLIN, BOARD, LAYOUT, LEIPZIG, ROOT

REPORT = DriftPolicy.REPORT
USERS = UserRule(drift=REPORT)
UNITS = UnitRule(drift=REPORT)
GROUPS = GroupRule(drift=REPORT)


def told(made: Plan) -> list[tuple[str, str, str, str, str]]:
    """The drift of a plan, each as its field, the three values and what is done about it."""
    return [(one.field, one.written, one.wanted, one.actual, one.action.value) for one in made.drift]


# --- managed fields


def _plan_of_anna(written: str | None, wanted: str, actual: str, rule: UserRule = USERS) -> Plan:
    """Plan for a user whose title was last written, is wanted and is; None for one that never was written."""
    anna = user("anna", title=wanted)
    held = association(anna, extension_of(anna, 1, "1000"))
    values = {name: value for name, value in held.written.items() if name != "title"}
    held = replace(held, written=values if written is None else {**values, "title": written})
    return sync_builders.plan(directory(anna), pbx(extension_of(anna, 1, "1000", title=actual)), [held], rule_=rule)


@pytest.mark.parametrize(
    ("written", "wanted", "actual", "after", "reported", "is_conflict", "remembered"),
    [
        ("Clerk", "Clerk", "Clerk", None, False, False, None),
        ("Clerk", "Boss", "Clerk", "Boss", False, False, "Boss"),
        (None, "Clerk", "Boss", "Clerk", False, False, "Clerk"),
        ("Clerk", "Clerk", "Boss", None, True, False, None),
        ("Clerk", "Clerk", "", None, True, False, None),
        ("Clerk", "Lead", "Boss", None, True, True, None),
        ("Clerk", "", "Boss", None, True, True, None),
        ("Clerk", "Boss", "Boss", None, False, False, "Boss"),
        ("", "", "Boss", None, True, False, None),
    ],
)
def test_a_managed_field_in_each_case(  # noqa: PLR0917 (a row of a table)
    written: str | None,
    wanted: str,
    actual: str,
    after: str | None,
    reported: bool,
    is_conflict: bool,
    remembered: str | None,
) -> None:
    made = _plan_of_anna(written, wanted, actual)

    assert [change.after for change in made.changes] == ([] if after is None else [{"title": after}])
    assert told(made) == ([("title", written, wanted, actual, "reported")] if reported else [])
    assert codes(made) == ([("anna", "drift_both_changed")] if is_conflict else [])
    saved = [*made.refreshed, *(change.association for change in made.changes if isinstance(change, ExtensionChange))]
    titles = [one.written["title"] for one in saved if isinstance(one, Association)]
    assert titles == ([] if remembered is None else [remembered])


def test_by_default_it_is_put_back_and_told() -> None:
    made = _plan_of_anna("Clerk", "Clerk", "Boss", UserRule())

    assert [(change.reason, change.after) for change in made.changes] == [(Reason.DRIFT, {"title": "Clerk"})]
    assert told(made) == [("title", "Clerk", "Clerk", "Boss", "corrected")]


def test_the_conflict_names_the_three_values_and_the_remedy() -> None:
    (conflict,) = _plan_of_anna("Clerk", "Lead", "Boss").conflicts

    for words in ("'Clerk'", "'Lead'", "'Boss'", "left", "drift_fields.title", "correct"):
        assert words in conflict.message


@pytest.mark.parametrize(("drift", "title", "last_name"), [(REPORT, [], ["Lee"]), (DriftPolicy.CORRECT, ["Clerk"], [])])
def test_a_field_can_have_a_policy_of_its_own(drift: DriftPolicy, title: list[str], last_name: list[str]) -> None:
    other = DriftPolicy.CORRECT if drift is REPORT else REPORT
    held, known = synced(user("anna", title="Clerk", last="Lee"), 1, "1000", title="Boss", last_name="Hand")
    rule = UserRule(drift=drift, drift_fields={"last_name": other})
    made = sync_builders.plan(directory(user("anna", title="Clerk", last="Lee")), pbx(held), [known], rule_=rule)

    assert [change.after["title"] for change in made.changes if "title" in change.after] == title
    assert [change.after["last_name"] for change in made.changes if "last_name" in change.after] == last_name
    assert {one.field: one.action.value for one in made.drift} == {
        "title": "reported" if drift is REPORT else "corrected",
        "last_name": "corrected" if drift is REPORT else "reported",
    }


def test_what_the_directory_changed_of_other_fields_is_written_and_the_rest_is_remembered_as_it_was() -> None:
    held, known = synced(user("anna", title="Clerk"), 1, "1000", title="Boss")
    made = sync_builders.plan(directory(user("anna", title="Clerk", last="Lee")), pbx(held), [known], rule_=USERS)

    (change,) = made.changes
    assert isinstance(change, ExtensionChange)
    assert (change.after, change.drift, change.reason) == ({"last_name": "Lee"}, (), Reason.DIRECTORY_CHANGED)
    assert change.association is not None
    assert (change.association.written["title"], change.association.written["last_name"]) == ("Clerk", "Lee")


def test_what_is_left_does_not_change_the_name_of_a_plan() -> None:
    anna = user("anna", title="Clerk", last="Lee")
    known = association(anna, extension_of(anna, 1, "1000"), last_name="")
    plans = [
        sync_builders.plan(
            directory(anna), pbx(extension_of(anna, 1, "1000", last_name="", **drifted)), [known], [], USERS
        )
        for drifted in ({}, {"title": "Boss"}, {"title": "Chief"})
    ]

    assert len({made.id for made in plans}) == 1
    assert len({made.drift for made in plans}) == 3


def test_an_object_deleted_by_hand_is_created_again() -> None:
    _held, known = synced(user("anna"), 1, "1000")
    made = sync_builders.plan(directory(user("anna")), pbx(), [known], rule_=USERS)

    assert [change.reason for change in made.changes] == [Reason.EXTENSION_MISSING]


def test_an_extension_never_loses_both_its_names() -> None:
    anna = user("anna", first="Anna", last="")
    held = extension(1, "1000", first_name="", last_name="Lee")
    known = association(anna, held, first_name="Anna", last_name="Lee")
    made = sync_builders.plan(directory(anna), pbx(held), [known], rule_=USERS)

    assert made.changes == ()
    assert codes(made) == [("anna", "field_invalid")]
    assert told(made) == [("first_name", "Anna", "Anna", "", "reported")]


# --- e-mail addresses


def _plan_of_addresses(*people: DirectoryUser, held: Sequence[tuple[Extension, Association]]) -> Plan:
    extensions, known = [one for one, _known in held], [one for _held, one in held]
    return sync_builders.plan(directory(*people), pbx(*extensions), known, rule_=USERS)


def test_an_address_left_by_hand_is_occupied_for_a_newcomer() -> None:
    anna, ben = user("anna", "anna@x.test"), user("ben", "hand@x.test")
    made = _plan_of_addresses(anna, ben, held=[synced(anna, 1, "1000", email_addr="hand@x.test")])

    assert made.changes == ()
    assert codes(made) == [("ben", "email_in_use")]
    assert "extension 1000 of anna" in made.conflicts[0].message
    assert "associate_by_email" not in made.conflicts[0].message


def test_addresses_exchanged_by_hand_stay_exchanged_and_one_given_up_is_free() -> None:
    anna, ben, cid = user("anna", "a@x.test"), user("ben", "b@x.test"), user("cid", "c@x.test")
    held = [synced(anna, 1, "1000", email_addr="b@x.test"), synced(ben, 2, "1001", email_addr="a@x.test")]
    made = _plan_of_addresses(anna, ben, cid, held=held)

    assert [(change.name, change.after["email_addr"]) for change in made.changes] == [("cid", "c@x.test")]
    assert [one[0] for one in told(made)] == ["email_addr", "email_addr"]


def test_who_is_to_have_an_address_left_by_hand_elsewhere_keeps_the_present_one() -> None:
    anna, ben = user("anna", "a@x.test"), user("ben", "hand@x.test", title="Lead")
    held = [synced(anna, 1, "1000", email_addr="hand@x.test"), synced(user("ben", "b@x.test"), 2, "1001")]
    made = _plan_of_addresses(anna, ben, held=held)

    assert [(change.name, dict(change.after)) for change in made.changes] == [("ben", {"title": "Lead"})]
    assert codes(made) == [("ben", "email_in_use")]


def test_an_exchange_in_the_directory_around_what_is_left_gives_nothing_twice() -> None:
    anna, ben, cid = user("anna", "b@x.test"), user("ben", "c@x.test"), user("cid", "a@x.test")
    held = [
        synced(user("anna", "a@x.test"), 1, "1000"),
        synced(user("ben", "b@x.test"), 2, "1001", email_addr="hand@x.test"),
        synced(user("cid", "c@x.test"), 3, "1002"),
    ]
    made = _plan_of_addresses(anna, ben, cid, held=held)

    assert [(change.name, change.after["email_addr"]) for change in made.changes] == [
        ("anna", "b@x.test"),
        ("cid", "a@x.test"),
    ]
    assert codes(made) == [("ben", "drift_both_changed")]


# --- the organizations of extensions


def _placed(guid: str, given: int, *organizations: Any, layout: Layout = LAYOUT) -> Placed:
    return place(layout, guid, Extension(7, "1000", {}, organizations=organizations), given, leaves_drift=True)


def test_an_extension_taken_out_of_its_organization_stays_out() -> None:
    placed = _placed("ben", BERLIN.id, BOARD)

    assert (placed.placement, placed.organization_id, placed.drift) == (None, BERLIN.id, False)
    assert placed.by_hand is not None
    assert (placed.by_hand.written, placed.by_hand.wanted, placed.by_hand.actual) == (
        "Example/Berlin",
        "Example/Berlin",
        "Example/Board",
    )
    assert not placed.by_hand.both_changed


@pytest.mark.parametrize("home", ["lea", "bob"])
def test_an_extension_taken_out_whose_unit_is_another_now_stays_and_is_a_conflict(home: str) -> None:
    placed = _placed(home, BERLIN.id, BOARD)

    assert (placed.placement, placed.organization_id) == (None, BERLIN.id)
    assert placed.by_hand is not None
    assert placed.by_hand.both_changed


def test_an_extension_put_where_it_is_wanted_is_remembered_there() -> None:
    assert _placed("lea", BERLIN.id, LEIPZIG, BOARD) == Placed(None, LEIPZIG.id)


@pytest.mark.parametrize(("guid", "given"), [("ben", 0), ("ben", BOARD.id), ("lea", LEIPZIG.id)])
def test_what_nobody_took_out_is_placed_as_ever(guid: str, given: int) -> None:
    extension_ = Extension(7, "1000", {}, organizations=(LEIPZIG, BOARD))

    assert place(LAYOUT, guid, extension_, given, leaves_drift=True) == place(LAYOUT, guid, extension_, given)


def test_a_move_in_the_directory_of_who_is_where_they_were_put_is_done() -> None:
    placed = _placed("lea", BERLIN.id, BERLIN, BOARD)

    assert placed.placement is not None
    assert placed.placement == Placement((BOARD,), "ou-leipzig", taken=BERLIN.id)


def test_who_has_no_unit_any_more_and_was_taken_out_already_is_where_they_are_to_be() -> None:
    assert _placed("nobody", BERLIN.id, ROOT) == Placed(None, 0)


def test_out_of_an_organization_that_goes_nobody_was_taken() -> None:
    layout = replace(LAYOUT, ending=frozenset({BERLIN.id}))
    placed = _placed("lea", BERLIN.id, BOARD, layout=layout)

    assert placed.placement is not None
    assert placed.placement.unit == "ou-leipzig"


def test_what_is_left_leaves_an_organization_that_is_to_be_deleted() -> None:
    placed = _placed("ben", BERLIN.id, BOARD, LEIPZIG, layout=replace(LAYOUT, leaving=frozenset({LEIPZIG.id})))

    assert placed.placement is not None
    assert (placed.placement.others, placed.placement.unit) == ((BOARD,), "")
    assert placed.organization_id == BERLIN.id


def test_the_rule_says_it_of_organizations_as_of_any_field() -> None:
    anna = user("anna")
    known = replace(association(anna, extension_of(anna, 1, "1000")), organization_id=BERLIN.id)
    held = replace(extension_of(anna, 1, "1000"), organizations=(ROOT,))
    layout = replace(LAYOUT, homes={anna.guid: "ou-berlin"})
    for rule, placement in (
        (UserRule(drift_fields={"organizations": REPORT}), None),
        (UserRule(drift=REPORT, drift_fields={"organizations": DriftPolicy.CORRECT}), "ou-berlin"),
    ):
        placed = look_at(rule, directory(anna), pbx(held), [known], layout).placed(anna.guid, held, BERLIN.id)
        assert placed is not None
        assert (placed.placement.unit if placed.placement else None) == placement


# --- organizations

_STAFF, _SALES, _BOARD = Organization(5, "Staff", 1), Organization(6, "Sales", 5), Organization(9, "Board", 1)


def _plan_of_units(
    sales: Organization, path: str = "Staff/Sales", rule: UnitRule = UNITS, **written: str | int
) -> Plan:
    """Plan for a unit whose organization is as given, and whose association is as it was written unless said."""
    units = {"a": "Staff", "b": path, **({"c": path.rpartition("/")[0]} if path.count("/") > 1 else {})}
    taken_in = test_sync_organizations.units(units)
    return test_sync_organizations.plan(taken_in, _STAFF, sales, _BOARD, objects=_held_units(**written), rule=rule)


def _held_units(**written: str | int) -> list[ObjectAssociation]:
    return [test_sync_organizations.held("a", _STAFF), test_sync_organizations.held("b", _SALES, **written)]


def _saved(made: Plan) -> list[tuple[str, int]]:
    """The names and parents that are remembered anew."""
    changed = [change.association for change in made.changes if isinstance(change, OrganizationChange)]
    saved = [one for one in (*made.refreshed, *changed) if isinstance(one, ObjectAssociation)]
    return [(one.name, one.parent_id) for one in saved]


@pytest.mark.parametrize(
    ("sales", "path", "change", "drift", "is_conflict", "saved"),
    [
        (_SALES, "Staff/Sales", {}, [], False, []),
        (_SALES, "Staff/Selling", {"name": "Selling"}, [], False, [("Selling", 5)]),
        (replace(_SALES, name="Hand"), "Staff/Sales", {}, [("name", "Sales", "Sales", "Hand")], False, []),
        (replace(_SALES, name="Hand"), "Staff/Selling", {}, [("name", "Sales", "Selling", "Hand")], True, []),
        (replace(_SALES, name="Selling"), "Staff/Selling", {}, [], False, [("Selling", 5)]),
        (
            replace(_SALES, parent_id=9),
            "Staff/Sales",
            {},
            [("parent", "Example Ltd/Staff", "Example Ltd/Staff", "Example Ltd/Board")],
            False,
            [],
        ),
        (
            replace(_SALES, parent_id=9),
            "Sales",
            {},
            [("parent", "Example Ltd/Staff", "Example Ltd", "Example Ltd/Board")],
            True,
            [],
        ),
        (replace(_SALES, parent_id=1), "Sales", {}, [], False, [("Sales", 1)]),
        (
            replace(_SALES, name="Hand"),
            "Sales",
            {"parent": "Example Ltd"},
            [("name", "Sales", "Sales", "Hand")],
            False,
            [("Sales", 1)],
        ),
        (
            replace(_SALES, parent_id=9),
            "Staff/Selling",
            {"name": "Selling"},
            [("parent", "Example Ltd/Staff", "Example Ltd/Staff", "Example Ltd/Board")],
            False,
            [("Selling", 5)],
        ),
    ],
)
def test_an_organization_in_each_case(  # noqa: PLR0917 (a row of a table)
    sales: Organization,
    path: str,
    change: Mapping[str, str],
    drift: list[tuple[str, str, str, str]],
    is_conflict: bool,
    saved: list[tuple[str, int]],
) -> None:
    made = _plan_of_units(sales, path)

    assert [one.after for one in made.changes] == ([change] if change else [])
    assert told(made) == [(*one, "reported") for one in drift]
    assert [code for _name, code in codes(made)] == ["drift_both_changed"] * is_conflict
    assert _saved(made) == saved


class _Calls:
    """A PBX that notes what it is asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **_named: self.calls.append((name, *arguments))


@pytest.mark.parametrize(
    ("sales", "path", "call"),
    [
        (replace(_SALES, name="Hand"), "Sales", ("update_organization", 6, "Hand", 1)),
        (replace(_SALES, parent_id=9), "Staff/Selling", ("update_organization", 6, "Selling", 9)),
    ],
)
def test_what_is_left_of_an_organization_is_written_as_it_is(
    sales: Organization, path: str, call: tuple[Any, ...]
) -> None:
    made, pbx_ = _plan_of_units(sales, path), _Calls()
    snapshot = PbxSnapshot(sync_builders.PBX, pbx().capacity, (), organizations=(test_sync_organizations.ROOT, sales))
    writes = Writes(pbx_, snapshot, [])
    written = writes.write(writes.resolved(made.changes[0]), "")

    assert pbx_.calls == [call]
    assert written.association == made.changes[0].association


def test_an_organization_whose_former_parent_is_gone_is_put_where_it_belongs() -> None:
    """Its parent was deleted by hand, and is made again: nobody moved what was below it."""
    held = [test_sync_organizations.held("a", _STAFF), test_sync_organizations.held("b", _SALES)]
    taken_in = test_sync_organizations.units({"a": "Staff", "b": "Staff/Sales"})
    made = test_sync_organizations.plan(taken_in, replace(_SALES, parent_id=1), objects=held, rule=UNITS)

    assert test_sync_organizations.brief(made) == [
        "create Staff object_missing name=Staff parent=Example Ltd",
        "update Staff/Sales directory_changed parent=Example Ltd/Staff",
    ]


def test_a_name_that_is_left_is_not_taken_by_another_unit() -> None:
    hand = replace(_SALES, name="Support")
    held = [test_sync_organizations.held("b", _SALES, parent_id=1)]
    taken_in = test_sync_organizations.units({"b": "Sales", "c": "Support"})
    made = test_sync_organizations.plan(taken_in, replace(hand, parent_id=1), objects=held, rule=UNITS)

    assert made.changes == ()
    assert codes(made) == [("Support", "name_taken")]


def test_units_that_exchange_names_leave_alone_one_that_was_renamed_by_hand() -> None:
    one, two = Organization(5, "One", 1), Organization(6, "Two", 1)
    held = [test_sync_organizations.held("a", one, name="Former"), test_sync_organizations.held("b", two)]
    taken_in = test_sync_organizations.units({"a": "Two", "b": "One"})
    made = test_sync_organizations.plan(taken_in, one, two, objects=held, rule=UNITS)

    assert made.changes == ()
    assert codes(made) == [("One", "name_taken"), ("Two", "drift_both_changed")]


def test_an_organization_set_by_hand_bears_no_passing_name() -> None:
    """It is in the place of the unit above its own, which is placed before it."""
    staff, sales = _STAFF, Organization(6, "Office", 1)
    held = [test_sync_organizations.held("a", staff), test_sync_organizations.held("b", _SALES)]
    taken_in = test_sync_organizations.units({"a": "Office", "b": "Office/Sales"})
    made = test_sync_organizations.plan(taken_in, staff, sales, objects=held, rule=UNITS)

    assert made.changes == ()
    assert codes(made) == [("Office", "name_taken")]


def test_an_organization_that_holds_one_put_there_by_hand_is_kept_as_it_is() -> None:
    former, support = Organization(7, "Former", 1), Organization(8, "Support", 1)
    held = [
        test_sync_organizations.held("b", replace(_SALES, parent_id=1)),
        test_sync_organizations.held("c", support),
        test_sync_organizations.held("d", former),
    ]
    taken_in = test_sync_organizations.units({"b": "Sales", "c": "Former"})
    made = test_sync_organizations.plan(
        taken_in,
        former,
        support,
        replace(_SALES, parent_id=7),
        objects=held,
        absent=Absent(deleted=frozenset({"d"})),
        rule=replace(UNITS, out_of_scope=OutOfScope.DELETE),
    )

    assert made.changes == ()
    assert codes(made) == [("Former", "name_taken"), ("Former", "object_in_use")]


def test_a_name_the_pbx_would_not_take_does_not_make_one_set_by_hand_the_written_one() -> None:
    made = _plan_of_units(replace(_SALES, name="Hand"), "Staff/" + "x" * 200)

    assert (made.changes, _saved(made)) == ((), [])


# --- extension groups


def _plan_of_sales(
    members: str,
    present: Sequence[int],
    written: Sequence[int],
    *,
    rule: GroupRule = GROUPS,
    missing: str = "",
    includes_all: bool = False,
) -> Plan:
    """Plan for a group with these users; 1, 2 and 3 are those of a, b and c, and 9 is an administrator's."""
    group = ExtensionGroup(20, "sales", tuple(present), includes_all)
    known = test_sync_groups.held("sales", group, members=tuple(written))
    return test_sync_groups.plan({"sales": members}, group, objects=[known], rule=rule, missing=missing)


@pytest.mark.parametrize(
    ("members", "present", "written", "change", "drift", "remembered"),
    [
        ("ab", [1, 2], [1, 2], "", [], None),
        ("abc", [1, 2], [1, 2], "+1003", [], (1, 2, 3)),
        ("a", [1, 2], [1, 2], "-1002", [], (1,)),
        ("ab", [1, 2, 9], [1, 2], "", [("", "", "9000")], None),
        ("ab", [1], [1, 2], "", [("1002 b", "1002 b", "")], None),
        ("abc", [1, 2, 3], [1, 2], "", [], (1, 2, 3)),
        ("a", [1], [1, 2], "", [], (1,)),
        ("bc", [1, 9], [1, 2], "+1003 -1001", [("", "", "9000"), ("1002 b", "1002 b", "")], (2, 3)),
        ("ac", [1, 2, 9], [1, 2], "+1003 -1002", [("", "", "9000")], (1, 3)),
        ("", [9], [1, 2], "", [("", "", "9000")], ()),
    ],
)
def test_the_members_of_a_group_in_each_case(  # noqa: PLR0917 (a row of a table)
    members: str,
    present: list[int],
    written: list[int],
    change: str,
    drift: list[tuple[str, str, str]],
    remembered: tuple[int, ...] | None,
) -> None:
    made = _plan_of_sales(members, present, written)

    expected = [f"update sales directory_changed {change}"] if change else []
    assert test_sync_groups.brief(made) == expected
    assert told(made) == [("members", *one, "reported") for one in drift]
    assert codes(made) == []
    saved = [*made.refreshed, *(one.association for one in made.changes if isinstance(one, GroupChange))]
    assert [one.members for one in saved if isinstance(one, ObjectAssociation)] == (
        [] if remembered is None else [remembered]
    )


def test_what_the_pbx_is_given_is_not_what_is_remembered() -> None:
    made, pbx_ = _plan_of_sales("bc", [1, 9], [1, 2]), _Calls()
    group = ExtensionGroup(20, "sales", (1, 9))
    known = test_sync_groups.held("sales", group, members=(1, 2))
    (change,) = _resolved(made, group, objects=[known])
    written = Writes(pbx_, pbx(), []).write(change, "")

    assert pbx_.calls == [("update_group", 20, (3, 9))]
    assert written.association == replace(known, members=(2, 3))


def test_members_of_whom_nothing_is_known_stay_as_they_are_and_as_they_were_written() -> None:
    """So that what a person did to them is still known when the directory shows them again."""
    made = _plan_of_sales("a", [1, 3], [1, 2], missing="bc")

    assert (made.changes, made.refreshed) == ((), ())
    assert told(made) == [("members", "", "", "1003 c", "reported"), ("members", "1002 b", "1002 b", "", "reported")]


@pytest.mark.parametrize(("members", "is_conflict"), [("ab", False), ("abc", True), ("a", True)])
def test_a_group_that_was_set_to_include_everybody_is_left(members: str, is_conflict: bool) -> None:
    made = _plan_of_sales(members, [], [1, 2], includes_all=True)

    assert (made.changes, made.refreshed) == ((), ())
    assert [one.actual for one in made.drift] == ["all extensions"]
    assert [code for _name, code in codes(made)] == ["drift_both_changed"] * is_conflict


@pytest.mark.parametrize(
    ("present", "wanted", "drift", "is_conflict", "saved"),
    [
        ("hand", "sales", [("name", "sales", "sales", "hand", "reported")], False, []),
        ("hand", "selling", [("name", "sales", "selling", "hand", "reported")], True, ["sales"]),
        ("selling", "selling", [], False, ["selling"]),
    ],
)
def test_the_name_of_a_group_in_each_case(
    present: str, wanted: str, drift: list[tuple[str, ...]], is_conflict: bool, saved: list[str]
) -> None:
    group = ExtensionGroup(20, present, (1,))
    known = replace(test_sync_groups.held("sales", group), name="sales")
    made = test_sync_groups.plan({"sales": "a"}, group, objects=[known], rule=GROUPS, names={"sales": wanted})

    assert made.changes == ()
    assert told(made) == drift
    assert [code for _name, code in codes(made)] == ["drift_both_changed"] * is_conflict
    assert [one.name for one in made.refreshed if isinstance(one, ObjectAssociation)] == saved


def _resolved(made: Plan, *groups: ExtensionGroup, objects: Sequence[ObjectAssociation]) -> list[GroupChange]:
    """The changes of groups as they are written down, each after the ones before it."""
    people = [known for _one, known in test_sync_groups.PEOPLE]
    extensions = (*(one for one, _known in test_sync_groups.PEOPLE), test_sync_groups.BY_HAND)
    writes = Writes(_Calls(), replace(pbx(*extensions), groups=groups), [*people, *objects])
    resolved = [writes.resolved(change) for change in made.changes]
    return [change for change in resolved if isinstance(change, GroupChange)]


def test_groups_that_exchange_names_pass_through_one_without_forgetting_what_was_set_by_hand() -> None:
    one, two = ExtensionGroup(20, "one", (1, 9)), ExtensionGroup(21, "two", (2, 9))
    objects = [
        test_sync_groups.held("one", one, members=(1, 3)),
        test_sync_groups.held("two", two, members=(2, 3)),
    ]
    made = test_sync_groups.plan(
        {"one": "ac", "two": "bc"}, one, two, objects=objects, rule=GROUPS, names={"one": "two", "two": "one"}
    )

    assert [change.part for change in made.changes].count("vacate") == 1
    for change in _resolved(made, one, two, objects=objects):
        assert change.association is not None
        remembered, given = ((1, 3), (1, 9)) if change.object_id == 20 else ((2, 3), (2, 9))
        assert change.association.members == remembered
        assert change.written_members(change.association.members) == given
    assert [drifted.actual or drifted.written for drifted in made.drift] == ["9000", "1003 c"] * 2


def _lost_answer(change: Any, pbx_: PbxSnapshot, *held: Any) -> str:
    """What is found of a change whose answer was lost."""
    (resolution,) = recover([Intent(1, "run", change)], held, pbx_, sync_builders.NOW)
    return resolution.state.value


@pytest.mark.parametrize(("members", "state"), [((3, 9), "done"), ((2, 3), "failed"), ((1, 9), "failed")])
def test_after_a_lost_answer_a_group_is_known_by_what_it_was_given(members: tuple[int, ...], state: str) -> None:
    made = _plan_of_sales("bc", [1, 9], [1, 2])
    group = ExtensionGroup(20, "sales", (1, 9))
    known = test_sync_groups.held("sales", group, members=(1, 2))
    (change,) = _resolved(made, group, objects=[known])

    assert _lost_answer(change, replace(pbx(), groups=(replace(group, members=members),)), known) == state


@pytest.mark.parametrize(("name", "state"), [("Hand", "done"), ("Sales", "failed")])
def test_after_a_lost_answer_an_organization_is_known_by_the_name_that_it_kept(name: str, state: str) -> None:
    (change,) = _plan_of_units(replace(_SALES, name="Hand"), "Sales").changes
    organizations = (test_sync_organizations.ROOT, Organization(6, name, 1))

    assert _lost_answer(change, replace(pbx(), organizations=organizations), *_held_units()) == state


def test_after_a_lost_answer_an_extension_is_known_where_it_was_left() -> None:
    placed = _placed("ben", BERLIN.id, BOARD, LEIPZIG, layout=replace(LAYOUT, leaving=frozenset({LEIPZIG.id})))
    anna = user("anna")
    held = replace(association(anna, extension_of(anna, 7, "1000")), organization_id=BERLIN.id)
    change = changes.move(held, extension_of(anna, 7, "1000"), placed)
    for organizations, state in (((BOARD,), "done"), ((BOARD, LEIPZIG), "failed")):
        extension_ = replace(extension_of(anna, 7, "1000"), organizations=organizations)
        assert _lost_answer(change, replace(pbx(extension_), organizations=()), held) == state


def _by_field(made: Plan) -> dict[str, Drifted]:
    return {one.field: one for one in made.drift}


def test_a_correction_of_any_object_is_told_too() -> None:
    renamed = _plan_of_units(replace(_SALES, name="Hand", parent_id=9), rule=UnitRule())
    regrouped = _plan_of_sales("ab", [1, 9], [1, 2], rule=GroupRule())

    assert {name: one.action.value for name, one in _by_field(renamed).items()} == {
        "name": "corrected",
        "parent": "corrected",
    }
    assert told(regrouped) == [
        ("members", "", "", "9000", "corrected"),
        ("members", "1002 b", "1002 b", "", "corrected"),
    ]
