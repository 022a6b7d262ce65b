# SPDX-License-Identifier: GPL-3.0-or-later
"""The three-way compare of objects and places, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import WantedFields
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
    Origin,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.placement import ByHand, Placed
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import DriftAction, Drifted
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    DriftPolicy,
    RuleKind,
    UnitRule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.three_way import (
    LeftDrift,
    Merged,
    both_changed_conflicts,
    drifted_object,
    drifted_place,
    merge_fields,
)

from tests.unit.sync_builders import association, extension, user

SALES = ObjectAssociation(
    "unit", ObjectKind.ORGANIZATION, RuleKind.ORGANIZATIONAL_UNITS, 5, "OU=Sales", "Sales", Origin.CREATED, 1
)
HELD = Association("ada", 7, "1000", "CN=ada", "ada", Origin.CREATED, {})
RENAMED = Drifted(
    kind=ObjectKind.ORGANIZATION,
    guid="unit",
    number="",
    name="OU=Sales",
    field="name",
    written="Sales",
    wanted="Verkauf",
    actual="Vertrieb",
    action=DriftAction.CORRECTED,
)
MOVED = replace(RENAMED, kind=ObjectKind.EXTENSION, guid="ada", number="1000", name="ada", field="organizations")


@pytest.mark.parametrize("name", ["name", "parent", "members"])
def test_a_rule_says_of_each_field_whether_it_is_left(name: str) -> None:
    none = {"name": False, "parent": False, "members": False}
    reporting = UnitRule(drift_fields={name: DriftPolicy.REPORT})
    assert LeftDrift.of(reporting) == LeftDrift(**{**none, name: True})
    correcting = UnitRule(drift=DriftPolicy.REPORT, drift_fields={name: DriftPolicy.CORRECT})
    assert LeftDrift.of(correcting) == LeftDrift(**{**dict.fromkeys(none, True), name: False})


@pytest.mark.parametrize("both_changed", [True, False])
def test_what_a_person_did_to_an_object_is_told_with_all_three_values(both_changed: bool) -> None:
    texts = ("Sales", "Verkauf", "Vertrieb")
    corrected = drifted_object(SALES, "OU=Sales", "name", texts, is_left=False, both_changed=both_changed)
    assert corrected == RENAMED
    left = drifted_object(SALES, "OU=Sales", "name", texts, is_left=True, both_changed=both_changed)
    assert left == replace(RENAMED, action=DriftAction.REPORTED, both_changed=both_changed)


@pytest.mark.parametrize(("drift", "action"), [(True, DriftAction.CORRECTED), (False, DriftAction.REPORTED)])
def test_what_a_person_did_to_a_place_is_told_with_all_three_values(drift: bool, action: DriftAction) -> None:
    placed = Placed(None, 5, drift=drift, by_hand=ByHand("Sales", "Verkauf", "Vertrieb", both_changed=True))
    extension = Extension(7, "1000", {})
    assert drifted_place(HELD, extension, placed) == replace(MOVED, action=action, both_changed=True)
    assert drifted_place(HELD, extension, replace(placed, by_hand=None)) is None
    assert drifted_place(HELD, extension, None) is None


def test_what_both_sides_changed_is_a_conflict_and_names_both() -> None:
    (conflict,) = both_changed_conflicts([RENAMED, replace(MOVED, both_changed=True)])
    assert (conflict.code, conflict.guid, conflict.name) == ("drift_both_changed", "ada", "ada")
    for words in (
        "organizations was set to 'Vertrieb' on the PBX by hand",
        "from 'Sales' to 'Verkauf'",
        "drift_fields.organizations to correct",
    ):
        assert words in conflict.message


# --- the managed fields of a user


ADA = user("ada")
NAMES = association(ADA, extension(7, "1000"), first_name="Ada", last_name="King", title="Clerk")


def _merge(wanted: Mapping[str, str], shown: Mapping[str, str], *reported: str) -> Merged:
    return merge_fields(ADA, WantedFields(dict(wanted), ()), NAMES, Extension(7, "1000", shown), reported)


def test_a_field_that_a_person_set_is_told_with_all_three_values() -> None:
    told = Drifted(
        kind=ObjectKind.EXTENSION,
        guid=ADA.guid,
        number="1000",
        name="ada",
        field="title",
        written="Clerk",
        wanted="Boss",
        actual="Chief",
        action=DriftAction.CORRECTED,
    )
    wanted = {"first_name": "Ada", "title": "Boss"}
    shown = {"first_name": "Ada", "title": "Chief"}
    assert _merge(wanted, shown) == Merged(WantedFields(wanted, ()), (told,), frozenset())
    left = replace(told, action=DriftAction.REPORTED, both_changed=True)
    assert _merge(wanted, shown, "title") == Merged(
        WantedFields({"first_name": "Ada"}, ()), (left,), frozenset({"title"})
    )


def test_a_field_that_the_pbx_does_not_show_was_emptied() -> None:
    (drifted,) = _merge({"title": "Clerk"}, {}).drifted
    assert drifted.actual == ""
    assert _merge({"title": ""}, {}).drifted == ()


EMPTIED_LAST = {"first_name": "Ada", "last_name": ""}


@pytest.mark.parametrize(
    ("wanted", "shown", "reported"),
    [
        pytest.param({"first_name": "", "last_name": "King"}, EMPTIED_LAST, (), id="the other one is put back"),
        pytest.param({"first_name": "Eva", "last_name": "King"}, EMPTIED_LAST, ("last_name",), id="it keeps a first"),
        pytest.param({"last_name": "King"}, EMPTIED_LAST, ("last_name",), id="the first one is not looked at"),
        pytest.param(
            {"first_name": "Ada", "last_name": ""},
            {"first_name": "", "last_name": "King"},
            ("first_name",),
            id="the last one goes",
        ),
    ],
)
def test_an_extension_keeps_a_name(
    wanted: Mapping[str, str], shown: Mapping[str, str], reported: tuple[str, ...]
) -> None:
    merged = _merge(wanted, shown, *reported)
    after = {**shown, **merged.wanted.values}
    assert after["first_name"] or after["last_name"]


@pytest.mark.parametrize(
    ("kept", "emptied", "attribute"), [("first_name", "last_name", "givenName"), ("last_name", "first_name", "sn")]
)
def test_the_last_name_left_is_not_emptied_and_that_is_told(kept: str, emptied: str, attribute: str) -> None:
    merged = _merge({kept: "", emptied: "Former", "title": "Boss"}, {kept: "Name", emptied: ""}, emptied)
    assert merged.left == {emptied}
    assert merged.wanted.values == {"title": "Boss"}
    (problem,) = merged.wanted.problems
    assert (problem.attribute, problem.name, problem.value) == (attribute, kept, "")
    assert "without any name" in problem.why


@pytest.mark.parametrize(
    ("wanted", "shown", "reported", "written"),
    [
        pytest.param(
            {"first_name": "", "last_name": "King"},
            {"first_name": "Ada", "last_name": "Kong"},
            ("last_name",),
            {"first_name": ""},
            id="the last name that a person set is one",
        ),
        pytest.param(
            {"first_name": "Ada", "last_name": ""},
            {"first_name": "Eva", "last_name": "King"},
            ("first_name",),
            {"last_name": ""},
            id="the first name that a person set is one",
        ),
        pytest.param(
            {"first_name": "", "last_name": "", "title": "Boss"},
            {"first_name": "Ada", "last_name": "", "title": "Chief"},
            ("title",),
            {"first_name": "", "last_name": ""},
            id="no person has a part in it",
        ),
    ],
)
def test_a_name_is_emptied_where_no_change_by_hand_stands_against_it(
    wanted: Mapping[str, str], shown: Mapping[str, str], reported: tuple[str, ...], written: Mapping[str, str]
) -> None:
    merged = _merge(wanted, shown, *reported)
    assert (merged.wanted.values, merged.wanted.problems) == (written, ())


def test_an_extension_that_has_no_name_anyway_is_left_so() -> None:
    nameless = {"first_name": "", "last_name": ""}
    merged = _merge({"first_name": "", "last_name": "King"}, nameless, "last_name")
    assert (merged.wanted.values, merged.wanted.problems) == ({"first_name": ""}, ())
