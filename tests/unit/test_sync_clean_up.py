# SPDX-License-Identifier: GPL-3.0-or-later
"""What a clean-up deletes, what it gives back, and what of the PBX it leaves alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.clean_up import (
    Remains,
    has_remains,
    in_clean_up_order,
    plan_clean_up,
    plan_release,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    ObjectAssociation,
    ObjectKind,
    Origin,
    Parked,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
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
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

from tests.unit.sync_builders import DAY, DOMAIN, NOW, dn, extension, guid, pbx, synced, user

USERS, UNITS, GROUPS = RuleKind.USERS, RuleKind.ORGANIZATIONAL_UNITS, RuleKind.GROUPS
ROOT, STAFF, SALES = Organization(1, "Example", 0), Organization(5, "Staff", 1), Organization(6, "Sales", 5)
TEAM, ALL = ExtensionGroup(20, "Team", (11,)), ExtensionGroup(30, "AD", (11, 12))
STRANGERS_GROUP = ExtensionGroup(40, "Theirs", (90,))

(_ada, _of_ada), (BEN, OF_BEN) = synced(user("ada"), 11, "1000"), synced(user("ben"), 12, "1001")
ADA = replace(_ada, organizations=(OrganizationReference(6, "Sales"),))
OF_ADA = replace(_of_ada, organization_id=6)
OF_STAFF = ObjectAssociation("ou-staff", ObjectKind.ORGANIZATION, UNITS, 5, "OU=Staff", "Staff", Origin.CREATED, 1)
OF_SALES = ObjectAssociation("ou-sales", ObjectKind.ORGANIZATION, UNITS, 6, "OU=Sales", "Sales", Origin.CREATED, 5)
OF_TEAM = ObjectAssociation(
    "team", ObjectKind.EXTENSION_GROUP, GROUPS, 20, "CN=Team", "Team", Origin.CREATED, members=(11,)
)
OF_LABEL = ObjectAssociation("label", ObjectKind.EXTENSION_GROUP, USERS, 30, "", "AD", Origin.CREATED, members=(11, 12))
REMAINS = Remains(
    DOMAIN,
    replace(
        pbx(ADA, BEN, extension(90, "4711")),
        organizations=(ROOT, STAFF, SALES, Organization(9, "Theirs", 1)),
        groups=(TEAM, ALL, STRANGERS_GROUP),
    ),
    (OF_ADA, OF_BEN),
    (OF_STAFF, OF_SALES, OF_TEAM, OF_LABEL),
    NOW,
)


def _brief(made: Plan) -> list[tuple[Action, str, int | None, Reason]]:
    return [(change.action, change.guid, change.object_id, change.reason) for change in made.changes]


@pytest.mark.parametrize(
    ("delete", "order"),
    [
        ({USERS, UNITS}, (GROUPS, USERS, UNITS)),
        ({USERS}, (GROUPS, USERS, UNITS)),
        ({UNITS}, (GROUPS, UNITS, USERS)),
        (set(), (GROUPS, UNITS, USERS)),
    ],
)
def test_extensions_that_stay_leave_their_organizations_while_they_are_known(
    delete: set[RuleKind], order: Sequence[RuleKind]
) -> None:
    assert in_clean_up_order(delete) == order


def test_all_associated_extensions_are_deleted_and_the_label_group_with_them() -> None:
    made = plan_clean_up(USERS, REMAINS)
    assert _brief(made) == [
        (Action.DELETE, guid("ada"), 11, Reason.CLEAN_UP),
        (Action.DELETE, guid("ben"), 12, Reason.CLEAN_UP),
        (Action.DELETE, "label", 30, Reason.LABEL_ENDED),
    ]
    ada = made.changes[0]
    assert (ada.name, ada.dn, ada.before) == ("ada", dn("ada"), ADA.fields)
    assert made.id != plan_clean_up(USERS, replace(REMAINS, associations=(OF_ADA,))).id
    assert made.id
    assert made.guard_id


def test_all_associated_organizations_are_deleted_the_lowest_first_and_left_by_their_extensions() -> None:
    made = plan_clean_up(UNITS, REMAINS)
    assert _brief(made) == [
        (Action.UPDATE, guid("ada"), 11, Reason.UNIT_CHANGED),
        (Action.DELETE, "ou-sales", 6, Reason.CLEAN_UP),
        (Action.DELETE, "ou-staff", 5, Reason.CLEAN_UP),
    ]
    assert made.changes[0].after == {"organizations": "Example"}


def test_the_groups_of_the_directory_alone_are_deleted() -> None:
    assert _brief(plan_clean_up(GROUPS, REMAINS)) == [(Action.DELETE, "team", 20, Reason.CLEAN_UP)]


def test_what_is_gone_from_the_pbx_is_forgotten_and_not_called_cleaned_up() -> None:
    gone = replace(REMAINS, pbx=replace(pbx(), organizations=(ROOT,), groups=()))
    assert _brief(plan_clean_up(USERS, gone))[:2] == [
        (Action.RELEASE, guid("ada"), 11, Reason.EXTENSION_GONE),
        (Action.RELEASE, guid("ben"), 12, Reason.EXTENSION_GONE),
    ]
    assert {change.reason for change in plan_clean_up(UNITS, gone).changes} == {Reason.OBJECT_GONE}
    assert _brief(plan_clean_up(GROUPS, gone)) == [(Action.RELEASE, "team", 20, Reason.OBJECT_GONE)]


@pytest.mark.parametrize("kind", list(RuleKind))
def test_nothing_remains_where_nothing_is_associated(kind: RuleKind) -> None:
    nothing = replace(REMAINS, associations=(), objects=())
    assert plan_clean_up(kind, nothing).changes == ()
    assert plan_release(kind, nothing).changes == ()
    assert not has_remains(kind, (), ())


def test_a_kind_remains_by_what_it_made_itself() -> None:
    assert has_remains(USERS, (OF_ADA,), ())
    assert has_remains(USERS, (), (OF_LABEL,))
    assert has_remains(UNITS, (), (OF_STAFF,))
    assert has_remains(GROUPS, (), (OF_STAFF, OF_TEAM))
    assert not has_remains(GROUPS, (OF_ADA,), (OF_STAFF, OF_LABEL))
    assert not has_remains(UNITS, (OF_ADA,), (OF_TEAM,))


def test_a_release_gives_back_every_extension_and_deletes_the_label_group() -> None:
    parked = Parked(NOW - DAY, "reg1000", "available")
    made = plan_release(USERS, replace(REMAINS, associations=(replace(OF_ADA, parked=parked), OF_BEN)))
    label, ada, ben = made.changes
    assert isinstance(label, GroupChange)
    assert (label.action, label.object_id, label.reason) == (Action.DELETE, 30, Reason.LABEL_ENDED)
    released = ExtensionChange(
        action=Action.RELEASE,
        guid=guid("ada"),
        name="ada",
        dn=dn("ada"),
        number="1000",
        object_id=11,
        reason=Reason.DISCONNECTED,
        parked=parked,
    )
    assert ada == released
    assert ben == replace(
        released, guid=guid("ben"), name="ben", dn=dn("ben"), number="1001", object_id=12, parked=None
    )


def test_a_parked_extension_that_is_gone_is_not_made_usable_again() -> None:
    parked = replace(OF_ADA, parked=Parked(NOW - DAY, "reg1000", "available"))
    gone = replace(REMAINS, associations=(parked,), objects=(), pbx=pbx(BEN))
    (change,) = plan_release(USERS, gone).changes
    assert isinstance(change, ExtensionChange)
    assert change.parked is None


def test_a_release_of_units_or_groups_ends_their_associations_alone() -> None:
    assert plan_release(UNITS, REMAINS).changes == (
        OrganizationChange(
            action=Action.RELEASE,
            guid="ou-staff",
            name="Staff",
            dn="OU=Staff",
            object_id=5,
            reason=Reason.DISCONNECTED,
        ),
        OrganizationChange(
            action=Action.RELEASE,
            guid="ou-sales",
            name="Sales",
            dn="OU=Sales",
            object_id=6,
            reason=Reason.DISCONNECTED,
        ),
    )
    made = plan_release(GROUPS, REMAINS)
    assert made.changes == (
        GroupChange(
            action=Action.RELEASE,
            guid="team",
            name="Team",
            dn="CN=Team",
            object_id=20,
            reason=Reason.DISCONNECTED,
        ),
    )
    assert made.id not in ("", plan_release(UNITS, REMAINS).id)


def test_a_label_group_that_is_gone_is_forgotten() -> None:
    gone = replace(REMAINS, associations=(), pbx=replace(REMAINS.pbx, groups=(TEAM,)))
    (change,) = plan_release(USERS, gone).changes
    assert (change.action, change.guid) == (Action.RELEASE, "label")
