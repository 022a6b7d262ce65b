# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on the PBX and differs from what was last written there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.drift import Drift, find_drift
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
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.standing import Standing

from tests.unit.sync_builders import extension, pbx, synced, user

ANNA, BERND = user("anna", "anna@example.test", last="Adler"), user("bernd")
_ROOT, _STAFF, _SALES = Organization(1, "Ltd", 0), Organization(2, "Staff", 1), Organization(3, "Sales", 2)


def _drift(
    extensions: list[Extension],
    associations: list[Association],
    *,
    organizations: tuple[Organization, ...] | None = (_ROOT, _STAFF, _SALES),
    groups: tuple[ExtensionGroup, ...] | None = (),
    objects: tuple[ObjectAssociation, ...] = (),
) -> list[Drift]:
    shown = replace(pbx(*extensions), organizations=organizations, groups=groups)
    return find_drift(Standing(shown, associations, objects))


def _of_anna(field: str, written: str, actual: str) -> Drift:
    return Drift(ObjectKind.EXTENSION, "2000", "anna", field, written, actual)


def test_what_is_as_it_was_written_is_no_drift() -> None:
    held, known = synced(ANNA, 7, "2000")

    assert _drift([held], [known]) == []


def test_each_field_that_was_changed_is_told() -> None:
    held, known = synced(ANNA, 7, "2000", title="Boss", last_name="")

    assert _drift([held], [known]) == [_of_anna("last_name", "Adler", ""), _of_anna("title", "", "Boss")]


def test_capital_letters_of_an_address_are_no_drift() -> None:
    held, known = synced(ANNA, 7, "2000", email_addr="ANNA@Example.test")

    assert _drift([held], [known]) == []


def test_a_field_that_was_never_written_is_no_drift() -> None:
    held, known = synced(ANNA, 7, "2000", title="Boss")
    known = replace(known, written={name: value for name, value in known.written.items() if name != "title"})

    assert _drift([held], [known]) == []


def test_an_extension_that_is_gone_or_has_another_number_is_told() -> None:
    held, known = synced(ANNA, 7, "2000")

    assert _drift([], [known]) == [_of_anna("number", "2000", "")]
    assert _drift([replace(held, number="2001")], [known]) == [_of_anna("number", "2000", "2001")]


def test_an_extension_that_nobody_is_associated_with_is_not_looked_at() -> None:
    assert _drift([extension(9, "2900", title="Boss")], []) == []


def test_an_extension_taken_out_of_its_organization_is_told() -> None:
    held, known = synced(ANNA, 7, "2000")
    known = replace(known, organization_id=3)
    inside = replace(held, organizations=(OrganizationReference(3, "Sales"), OrganizationReference(1, "Ltd")))
    outside = replace(held, organizations=(OrganizationReference(2, "Staff"),))

    assert _drift([inside], [known]) == []
    assert _drift([outside], [known]) == [_of_anna("organizations", "Ltd/Staff/Sales", "Ltd/Staff")]
    assert _drift([outside], [known], organizations=None) == []


def _organization(id_: int, name: str, parent: int) -> ObjectAssociation:
    return ObjectAssociation(
        name, ObjectKind.ORGANIZATION, RuleKind.ORGANIZATIONAL_UNITS, id_, "", name, Origin.CREATED, parent
    )


@pytest.mark.parametrize(
    ("held", "field", "written", "actual"),
    [
        (_organization(3, "Selling", 2), "name", "Selling", "Sales"),
        (_organization(3, "Sales", 1), "parent", "Ltd", "Ltd/Staff"),
        (_organization(9, "Gone", 1), "name", "Gone", ""),
    ],
)
def test_an_organization_that_was_changed_is_told(
    held: ObjectAssociation, field: str, written: str, actual: str
) -> None:
    assert _drift([], [], objects=(held,)) == [Drift(ObjectKind.ORGANIZATION, "", held.name, field, written, actual)]


def test_an_organization_as_it_was_put_is_no_drift_nor_one_that_is_to_go() -> None:
    assert _drift([], [], objects=(_organization(3, "Sales", 2), _organization(2, "Staff", 0))) == []


def test_nothing_is_concluded_of_organizations_and_groups_that_were_not_read() -> None:
    objects = (_organization(9, "Gone", 1), _group(9, "Gone"))

    assert _drift([], [], objects=objects, organizations=None, groups=None) == []


def _group(id_: int, name: str, *members: int) -> ObjectAssociation:
    return ObjectAssociation(
        name, ObjectKind.EXTENSION_GROUP, RuleKind.GROUPS, id_, "", name, Origin.CREATED, members=members
    )


def _of_team(field: str, written: str, actual: str) -> Drift:
    return Drift(ObjectKind.EXTENSION_GROUP, "", "Team", field, written, actual)


def test_a_group_that_is_gone_or_was_renamed_is_told() -> None:
    assert _drift([], [], objects=(_group(1, "Team"),)) == [_of_team("name", "Team", "")]
    renamed = ExtensionGroup(1, "Crew")
    assert _drift([], [], groups=(renamed,), objects=(_group(1, "Team"),)) == [_of_team("name", "Team", "Crew")]


def test_members_put_in_and_taken_out_are_told_one_by_one() -> None:
    (anna, of_anna), (bernd, of_bernd) = synced(ANNA, 7, "2000"), synced(BERND, 8, "10000")
    by_hand = extension(9, "2900")
    group = ExtensionGroup(1, "Team", (8, 9))

    found = _drift([anna, bernd, by_hand], [of_anna, of_bernd], groups=(group,), objects=(_group(1, "Team", 7, 99),))

    # 99 is gone, and no longer in any group.
    assert found == [
        _of_team("members", "2000 anna Adler", ""),
        _of_team("members", "", "2900"),
        _of_team("members", "", "10000 bernd"),
    ]


def test_a_group_of_all_has_all_as_members() -> None:
    anna, of_anna = synced(ANNA, 7, "2000")
    group = ExtensionGroup(1, "Team", includes_all=True)

    assert _drift([anna], [of_anna], groups=(group,), objects=(_group(1, "Team"),)) == [
        _of_team("members", "", "2000 anna Adler")
    ]
