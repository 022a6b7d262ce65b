# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole run of organizational units: extensions that move, values in place of units, groups of the smallest units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import (
    Absent,
    DirectoryUnit,
    DirectoryUser,
    People,
    UnitSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.layouts import standing_layout
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
    Origin,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Extension,
    ExtensionGroup,
    Organization,
    OrganizationReference,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    ExtensionChange,
    GroupChange,
    OrganizationChange,
    Plan,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    DeletionProof,
    OutOfScope,
    RuleKind,
    SyncTo,
    UnitRule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.unit_plan import plan_units
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.units import Forest, Unit

from tests.unit.sync_builders import DOMAIN, codes, extension, guid, pbx, synced, user

ROOT = Organization(1, "Example Ltd", 0)
STAFF, SALES, OTHER = Organization(5, "Staff", 1), Organization(6, "Sales", 5), Organization(9, "By hand", 1)
DELETE = UnitRule(out_of_scope=OutOfScope.DELETE)
VALUES = UnitRule(hierarchy_from="department", hierarchy_separator="/", out_of_scope=OutOfScope.DELETE)
TO_GROUPS = UnitRule(sync_to=SyncTo.EXTENSION_GROUP)


def unit(key: str, path: str, parent: str = "") -> DirectoryUnit:
    return DirectoryUnit(key, f"OU={key}", tuple(path.split("/")), parent)


def organization(key: str, on_pbx: Organization, **changed: object) -> ObjectAssociation:
    """The association of a unit, or a value, and an organization as last written but for what is given."""
    association = ObjectAssociation(
        key,
        ObjectKind.ORGANIZATION,
        RuleKind.ORGANIZATIONAL_UNITS,
        on_pbx.id,
        f"OU={key}",
        on_pbx.name,
        Origin.CREATED,
        on_pbx.parent_id,
    )
    return replace(association, **changed)  # type: ignore[arg-type]


def group(key: str, on_pbx: ExtensionGroup) -> ObjectAssociation:
    """The association of a unit and an extension group as last written."""
    return ObjectAssociation(
        key,
        ObjectKind.EXTENSION_GROUP,
        RuleKind.ORGANIZATIONAL_UNITS,
        on_pbx.id,
        f"OU={key}",
        on_pbx.name,
        Origin.CREATED,
        members=on_pbx.members,
    )


def person(name: str, id_: int, *places: int, given: int = 0) -> tuple[Extension, Association]:
    """A user's extension in these organizations, of which the synchronization gave one."""
    held, known = synced(user(name), id_, f"100{id_}")
    references = tuple(OrganizationReference(place, f"O{place}") for place in places)
    return replace(held, organizations=references), replace(known, organization_id=given)


def plan(
    rule: UnitRule,
    units: Sequence[DirectoryUnit],
    *people: tuple[Extension, Association],
    homes: Mapping[str, str] | None = None,
    organizations: Sequence[Organization] = (),
    groups: Sequence[ExtensionGroup] | None = (),
    objects: Sequence[ObjectAssociation] = (),
    absent: Absent | None = None,
    hidden: Mapping[str, str] | None = None,
    missing: Sequence[str] = (),
    users: Sequence[DirectoryUser] = (),
    strangers: Sequence[Extension] = (),
    leaves_places: bool = False,
    also: Sequence[Association] = (),
) -> Plan:
    """Plan; each user is in the unit that is told by their name."""
    shown = {one.guid: one for one in users} or {
        association.guid: user(association.account_name) for _held, association in people
    }
    directory = UnitSnapshot(
        DOMAIN,
        tuple(units),
        People(
            {key: one for key, one in shown.items() if key not in {guid(name) for name in missing}},
            missing=frozenset(guid(name) for name in missing),
        ),
        homes={guid(name): key for name, key in (homes or {}).items()},
        absent=absent or Absent(),
        hidden=hidden or {},
    )
    snapshot = replace(
        pbx(*strangers, *(held for held, _association in people)),
        organizations=(ROOT, *organizations),
        groups=None if groups is None else tuple(groups),
    )
    associations = [*also, *(known for _held, known in people)]
    return plan_units(rule, directory, snapshot, associations, objects, anchor=1, leaves_places=leaves_places)


def moves(made: Plan) -> list[str]:
    """The extensions that move, each as "number reason: from -> to"."""
    return [
        f"{one.number} {one.reason}: {one.before.get('organizations', '')} -> {one.after['organizations']}"
        for one in made.changes
        if isinstance(one, ExtensionChange)
    ]


def members(made: Plan) -> dict[str, list[str]]:
    """The numbers that each group gets, by what is done to which."""
    return {
        f"{one.action} {one.after.get('name', one.name)}": [member.split()[0] for member in one.added]
        for one in made.changes
        if isinstance(one, GroupChange)
    }


# --- extensions


def test_an_extension_moves_into_the_organization_that_is_created_for_it_and_waits_for_that() -> None:
    made = plan(UnitRule(), [unit("a", "Staff")], person("ada", 2, 1), homes={"ada": "a"})
    assert moves(made) == ["1002 unit_changed: Example Ltd -> Example Ltd/Staff"]
    assert made.changes[-1].depends_on == ("organization:create:a",)


def test_an_extension_leaves_what_was_given_and_keeps_what_an_administrator_gave() -> None:
    made = plan(
        UnitRule(),
        [unit("a", "Staff"), unit("b", "Staff/Sales", "a")],
        person("ada", 2, 5, 9, given=5),
        homes={"ada": "b"},
        organizations=[STAFF, SALES, OTHER],
        objects=[organization("a", STAFF), organization("b", SALES)],
    )
    assert moves(made) == [
        "1002 unit_changed: Example Ltd/By hand, Example Ltd/Staff -> Example Ltd/By hand, Example Ltd/Staff/Sales"
    ]


def test_an_extension_taken_out_by_hand_is_put_back_and_that_is_drift() -> None:
    made = plan(
        UnitRule(),
        [unit("a", "Staff")],
        person("ada", 2, 9, given=5),
        homes={"ada": "a"},
        organizations=[STAFF, OTHER],
        objects=[organization("a", STAFF)],
    )
    assert moves(made) == ["1002 drift: Example Ltd/By hand -> Example Ltd/By hand, Example Ltd/Staff"]
    assert made.changes[0].drift == ("organizations",)


def test_an_extension_taken_out_by_hand_stays_out_where_the_rule_of_users_says_so() -> None:
    made = plan(
        UnitRule(),
        [unit("a", "Staff")],
        person("ada", 2, 9, given=5),
        homes={"ada": "a"},
        organizations=[STAFF, OTHER],
        objects=[organization("a", STAFF)],
        leaves_places=True,
    )
    assert moves(made) == []
    assert [(one.number, one.written, one.actual, one.action) for one in made.drift] == [
        ("1002", "Example Ltd/Staff", "Example Ltd/By hand", "reported")
    ]


def test_an_extension_that_is_gone_keeps_no_other_from_moving() -> None:
    gone = synced(user("abe"), 1, "1001")[1]
    made = plan(UnitRule(), [unit("a", "Staff")], person("ada", 2, 1), homes={"ada": "a"}, also=[gone])
    assert moves(made) == ["1002 unit_changed: Example Ltd -> Example Ltd/Staff"]


def test_an_organization_is_deleted_when_those_in_it_have_left_even_one_of_whom_nothing_is_known() -> None:
    made = plan(
        DELETE,
        [],
        person("ada", 2, 5, given=5),
        person("ben", 3, 5, 9, given=5),
        organizations=[STAFF, OTHER],
        objects=[organization("a", STAFF)],
        absent=Absent(deleted=frozenset({"a"})),
        missing=["ben"],
    )
    assert moves(made) == [
        "1002 unit_changed: Example Ltd/Staff -> Example Ltd",
        "1003 unit_changed: Example Ltd/By hand, Example Ltd/Staff -> Example Ltd/By hand",
    ]
    assert made.changes[-1].key == "organization:delete:a"
    assert made.changes[-1].depends_on == (f"update:{guid('ada')}", f"update:{guid('ben')}")


def test_a_released_organization_keeps_its_extensions_and_those_who_move_wait_for_the_release() -> None:
    made = plan(
        UnitRule(),
        [unit("b", "Sales")],
        person("ada", 2, 5, given=5),
        person("ben", 3, 5, given=5),
        homes={"ben": "b"},
        organizations=[STAFF],
        objects=[organization("a", STAFF)],
        absent=Absent(deleted=frozenset({"a"})),
    )
    assert moves(made) == ["1003 unit_changed: Example Ltd/Staff -> Example Ltd/Sales, Example Ltd/Staff"]
    assert "organization:release:a" in made.changes[-1].depends_on
    assert made.refreshed == ()


def test_what_the_pbx_shows_as_wanted_is_only_remembered() -> None:
    held, known = person("ada", 2, 5)
    made = plan(
        UnitRule(),
        [unit("a", "Staff")],
        (held, known),
        homes={"ada": "a"},
        organizations=[STAFF],
        objects=[organization("a", STAFF)],
    )
    assert (made.changes, made.refreshed) == ((), (replace(known, organization_id=5),))


def test_an_extension_that_is_gone_is_left_to_the_synchronization_of_users() -> None:
    _held, known = person("ada", 2)
    other = person("ben", 3, 1)
    made = plan(UnitRule(), [], (other[0], known))
    assert made.changes == ()


def test_the_extensions_that_keep_an_organization_are_named_by_number() -> None:
    strangers = [
        replace(extension(id_, number), organizations=(OrganizationReference(5, "Staff"),))
        for id_, number in ((20, "900"), (21, "1000"), (22, "90"))
    ]
    made = plan(
        DELETE,
        [],
        organizations=[STAFF],
        objects=[organization("a", STAFF)],
        absent=Absent(deleted=frozenset({"a"})),
        strangers=strangers,
    )
    assert codes(made) == [("Staff", "object_in_use")]
    assert "extension 90, extension 900, extension 1000." in made.conflicts[0].message


# --- the company's name


@pytest.mark.parametrize(("name", "after"), [("", []), ("Example Ltd", []), ("New Ltd", [{"name": "New Ltd"}])])
def test_the_company_name_is_set_where_it_differs(name: str, after: list[dict[str, str]]) -> None:
    assert [change.after for change in plan(UnitRule(company_name=name), []).changes] == after
    assert plan(replace(TO_GROUPS, company_name=name), []).changes == ()


def test_the_change_of_the_company_name() -> None:
    (change,) = plan(UnitRule(company_name="New Ltd"), []).changes
    assert change == OrganizationChange(
        action=Action.UPDATE,
        guid="company_name",
        name="New Ltd",
        dn="",
        object_id=1,
        reason=Reason.COMPANY_NAME,
        before={"name": "Example Ltd"},
        after={"name": "New Ltd"},
    )


# --- values in place of units


def _department(name: str, value: str) -> DirectoryUser:
    return user(name, department=value)


def test_values_become_organizations_and_those_that_nobody_has_end() -> None:
    made = plan(
        VALUES,
        [],
        person("ada", 2, 5, given=5),
        organizations=[STAFF],
        objects=[organization("department:staff", STAFF, dn="")],
        users=[_department("ada", "Sales/North")],
    )
    assert [change.key for change in made.changes] == [
        "organization:create:department:sales",
        "organization:create:department:sales/north",
        f"update:{guid('ada')}",
        "organization:delete:department:staff",
    ]


def test_a_value_and_the_levels_above_it_stay_while_a_user_may_have_it_of_whom_nothing_is_known() -> None:
    objects = [
        organization("department:staff", STAFF, dn=""),
        organization("department:staff/sales", SALES, dn=""),
        organization("department:other", OTHER, dn=""),
    ]
    hidden = person("ada", 2, 6, given=6)
    made = plan(VALUES, [], hidden, organizations=[STAFF, SALES, OTHER], objects=objects, missing=["ada"])
    assert [change.key for change in made.changes] == ["organization:delete:department:other"]
    assert codes(made) == [("Sales", "object_not_found"), ("Staff", "object_not_found")]
    gone = plan(VALUES, [], hidden, organizations=[STAFF, OTHER], objects=objects, missing=["ada"])
    assert {change.key for change in gone.changes} == {
        "organization:release:department:staff/sales",
        "organization:delete:department:staff",
        "organization:delete:department:other",
    }


def test_groups_of_values_know_only_how_the_smallest_were_spelled() -> None:
    rule = replace(VALUES, sync_to=SyncTo.EXTENSION_GROUP)
    present = [ExtensionGroup(20, "North (Sales)", (2,)), ExtensionGroup(21, "sales", ())]
    made = plan(
        rule,
        [],
        person("ada", 2, 1),
        person("ben", 3, 1),
        groups=present,
        objects=[group("department:sales/north", present[0]), group("department:sales", present[1])],
        users=[_department("ada", "Sales/North"), _department("ben", "SALES/South/North")],
    )
    assert members(made) == {"delete sales": [], "update North (SALES)": [], "create North (South)": ["1003"]}


def test_the_group_of_a_value_stays_while_a_member_may_have_it_of_whom_nothing_is_known() -> None:
    rule = replace(VALUES, sync_to=SyncTo.EXTENSION_GROUP)
    sales, staff = ExtensionGroup(20, "Sales", (2,)), ExtensionGroup(21, "Staff", ())
    made = plan(
        rule,
        [],
        person("ada", 2, 1),
        groups=[sales, staff],
        objects=[group("department:sales", sales), group("department:staff", staff)],
        missing=["ada"],
    )
    assert members(made) == {"delete Staff": []}
    assert codes(made) == [("Sales", "object_not_found")]


# --- units as groups


def test_the_smallest_units_become_groups_of_those_in_them_and_below_them() -> None:
    made = plan(
        TO_GROUPS,
        [unit("a", "Staff"), unit("b", "Staff/Sales", "a"), unit("c", "Other/Sales")],
        person("ada", 2, 1),
        person("ben", 3, 1),
        person("cid", 4, 1),
        homes={"ada": "b", "ben": "a", "cid": "c"},
    )
    assert members(made) == {"create Sales (Staff)": ["1002"], "create Sales (Other)": ["1004"]}


def test_the_group_of_a_unit_as_it_is_created() -> None:
    (change,) = plan(TO_GROUPS, [unit("a", "Staff")], person("ada", 2, 1), homes={"ada": "a"}).changes
    assert isinstance(change, GroupChange)
    assert (change.guid, change.name, change.dn, change.reason) == ("a", "Staff", "OU=a", Reason.NEW_UNIT)
    assert change.association == group("a", ExtensionGroup(0, "Staff", (2,)))


def test_groups_and_organizations_that_are_as_they_are_to_be_are_counted() -> None:
    staff, support = ExtensionGroup(20, "Staff"), ExtensionGroup(21, "Support")
    units = [unit("a", "Staff"), unit("b", "Support")]
    made = plan(TO_GROUPS, units, groups=[staff, support], objects=[group("a", staff), group("b", support)])
    assert (made.changes, made.unchanged) == ((), 2)


def test_a_group_made_by_hand_is_taken_over_only_if_the_rule_says_so() -> None:
    by_hand = ExtensionGroup(20, "Staff")
    units = [unit("a", "Staff")]
    assert codes(plan(TO_GROUPS, units, groups=[by_hand])) == [("Staff", "name_taken")]
    made = plan(replace(TO_GROUPS, associate_by_name=True), units, groups=[by_hand])
    assert [(change.action, change.object_id) for change in made.changes] == [(Action.ASSOCIATE, 20)]


def test_those_in_a_unit_that_is_not_shown_stay_in_its_group_and_are_above_where_it_has_none() -> None:
    sales = ExtensionGroup(20, "Sales", (2,))
    seen = {"homes": {"ada": "b"}, "absent": Absent(missing=frozenset({"b"})), "hidden": {"b": "a"}}
    kept = plan(
        TO_GROUPS,
        [unit("a", "Staff")],
        person("ada", 2, 1),
        groups=[sales],
        objects=[group("b", sales)],
        **seen,  # type: ignore[arg-type]
    )
    assert (kept.changes, codes(kept)) == ((), [("Sales", "object_not_found")])


def test_organizations_give_way_to_groups_and_groups_to_organizations() -> None:
    sales = ExtensionGroup(20, "Staff", (2,))
    to_groups = plan(
        replace(DELETE, sync_to=SyncTo.EXTENSION_GROUP),
        [unit("a", "Staff")],
        person("ada", 2, 5, given=5),
        homes={"ada": "a"},
        organizations=[STAFF],
        objects=[organization("a", STAFF)],
    )
    assert [change.key for change in to_groups.changes] == [
        f"update:{guid('ada')}",
        "organization:delete:a",
        "extension_group:create:a",
    ]
    back = plan(
        DELETE,
        [unit("a", "Staff")],
        person("ada", 2, 1),
        homes={"ada": "a"},
        groups=[sales],
        objects=[group("a", sales)],
    )
    assert [change.key for change in back.changes] == [
        "organization:create:a",
        f"update:{guid('ada')}",
        "extension_group:delete:a",
    ]


def test_an_organization_of_a_unit_that_is_not_shown_keeps_all_in_it_when_units_become_groups() -> None:
    made = plan(
        replace(DELETE, sync_to=SyncTo.EXTENSION_GROUP),
        [unit("b", "Staff/Sales", "a")],
        person("ada", 2, 5, given=5),
        person("ben", 3, 1),
        homes={"ada": "a", "ben": "b"},
        organizations=[STAFF],
        objects=[organization("a", STAFF)],
        absent=Absent(missing=frozenset({"a"})),
        hidden={"a": ""},
    )
    assert moves(made) == ["1003 unit_changed: Example Ltd -> Example Ltd/Staff"]
    gone = plan(
        replace(DELETE, deletion_proof=DeletionProof.ABSENCE),
        [],
        organizations=[STAFF],
        objects=[organization("a", STAFF)],
        absent=Absent(missing=frozenset({"a"})),
    )
    assert [change.key for change in gone.changes] == ["organization:delete:a"]


def test_what_was_not_read_is_not_looked_at() -> None:
    seen = UnitSnapshot(DOMAIN, (unit("a", "Staff"),), People({}))
    made = plan_units(TO_GROUPS, seen, pbx(), [], [], anchor=0)
    assert (made.changes, made.conflicts) == ((), ())


# --- where extensions are to be by the tree as it stands


def test_users_go_by_the_organizations_that_there_are_and_none_into_one_that_is_to_go() -> None:
    forest = Forest(
        (Unit("a", "", ("Staff",)), Unit("b", "", ("Staff", "Sales"), "a"), Unit("c", "", ("Gone",), "a")),
        {"ada": "b", "ben": "c", "cid": "d"},
    )
    objects = [
        organization("a", STAFF),
        organization("b", SALES, parent_id=0),
        organization("c", Organization(7, "Gone", 1)),
    ]
    layout = standing_layout(forest, objects, [ROOT, STAFF, SALES])
    assert layout.homes == {"ada": "a", "ben": "a"}
    assert (layout.ids, layout.titles) == ({"a": 5}, {"a": "Example Ltd/Staff"})
    assert (layout.associated, layout.leaving, layout.released) == ({5, 6}, frozenset(), {})
    assert layout.root == OrganizationReference(1, "Example Ltd")
