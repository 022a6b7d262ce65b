# SPDX-License-Identifier: GPL-3.0-or-later
"""Single changes, in all that they say: what a report shows, what is written and what is remembered."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync import changes
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Origin, Parked, Welcome
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Access, Extension, OrganizationReference
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.placement import Placed
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    ExtensionChange,
    Placement,
    Reason,
)

from tests.unit.sync_builders import DAY, NOW, dn, guid, user

ADA = user("ada")
VALUES = {"first_name": "Ada", "title": "Boss"}
EXTENSION = Extension(7, "1000", {"first_name": "Ada", "title": "Clerk"}, "reg1000", (), "available")
HELD = Association(guid("ada"), 7, "1000", "CN=former", "former", Origin.ADOPTED, {"title": "Clerk"}, Welcome.SENT, 5)
PARKED = Parked(NOW - DAY, "reg1000", "available")
MOVE = Placement((OrganizationReference(6, "Board"),), "ou-leipzig", 5)
MOVED = Placed(MOVE, 8, "Berlin, Board", "Board, Leipzig", depends_on=("organization:create:ou-leipzig",))
STAYS = Placed(None, 5)


def _change(action: Action, reason: Reason) -> ExtensionChange:
    """A change of the extension of one whose account was named otherwise when it was last seen."""
    return ExtensionChange(
        action=action, guid=guid("ada"), name="former", dn="CN=former", number="1000", object_id=7, reason=reason
    )


def _of_user(action: Action, reason: Reason) -> ExtensionChange:
    return replace(_change(action, reason), name="ada", dn=dn("ada"))


def test_an_update_tells_what_differs_and_remembers_all_that_is_wanted() -> None:
    renewed = replace(HELD, dn=dn("ada"), account_name="ada", written=VALUES)
    expected = replace(
        _of_user(Action.UPDATE, Reason.DIRECTORY_CHANGED),
        before={"title": "Clerk"},
        after={"title": "Boss"},
        association=renewed,
    )
    assert changes.update(HELD, ADA, VALUES, EXTENSION) == expected
    assert changes.update(HELD, ADA, VALUES, EXTENSION, STAYS) == expected
    assert changes.update(HELD, ADA, VALUES, EXTENSION, MOVED) == replace(
        expected,
        before={"title": "Clerk", "organizations": "Berlin, Board"},
        after={"title": "Boss", "organizations": "Board, Leipzig"},
        depends_on=MOVED.depends_on,
        association=replace(renewed, organization_id=8),
        placement=MOVE,
    )


@pytest.mark.parametrize(
    ("drift", "reason", "fields"), [(False, Reason.UNIT_CHANGED, ()), (True, Reason.DRIFT, ("organizations",))]
)
def test_a_move_changes_the_organizations_alone(drift: bool, reason: Reason, fields: tuple[str, ...]) -> None:
    expected = replace(
        _change(Action.UPDATE, reason),
        before={"organizations": "Berlin, Board"},
        after={"organizations": "Board, Leipzig"},
        drift=fields,
        depends_on=MOVED.depends_on,
        association=replace(HELD, organization_id=8),
        placement=MOVE,
    )
    assert changes.move(HELD, EXTENSION, replace(MOVED, drift=drift)) == expected


def test_what_is_in_no_organization_has_none_before() -> None:
    assert changes.move(HELD, EXTENSION, replace(MOVED, before="")).before == {}


@pytest.mark.parametrize("name", ["reg1000", None])
def test_a_parking_remembers_how_the_extension_was_used(name: str | None) -> None:
    expected = replace(
        _change(Action.PARK, Reason.ACCOUNT_DELETED),
        association=replace(HELD, parked=Parked(NOW, name or "", "available")),
    )
    assert changes.park(HELD, replace(EXTENSION, registration_name=name), Reason.ACCOUNT_DELETED, NOW) == expected


def test_an_unparking_gives_back_what_was_remembered() -> None:
    expected = replace(_change(Action.UNPARK, Reason.NO_LONGER_DUE), association=HELD, parked=PARKED)
    assert changes.unpark(replace(HELD, parked=PARKED), EXTENSION) == expected


def test_an_unparking_brings_the_fields_up_to_date_with_it() -> None:
    parked = replace(HELD, parked=PARKED)
    update = changes.update(parked, ADA, VALUES, EXTENSION)
    assert update.association is not None
    assert changes.unpark(parked, EXTENSION, update) == replace(
        update,
        action=Action.UNPARK,
        reason=Reason.NO_LONGER_DUE,
        association=replace(update.association, parked=None),
        parked=PARKED,
    )
    alone = changes.unpark(parked, EXTENSION, replace(update, association=None))
    assert alone.association == HELD


def test_a_parked_extension_is_off_work_and_its_password_unlike_what_is_known_of_it() -> None:
    parking = _change(Action.PARK, Reason.ACCOUNT_DELETED)
    named = replace(EXTENSION, fields={"first_name": "Ada", "last_name": "King"})
    assert changes.access_of(parking, "drawn", named) == Access("drawn", "off_work", ("1000", "Ada", "King"))
    nameless = Access("drawn", "off_work", ("1000", "", ""))
    assert changes.access_of(parking, "drawn", replace(EXTENSION, fields={})) == nameless
    assert changes.access_of(parking, "drawn", None) == nameless


def test_an_unparked_extension_is_used_as_before_and_any_other_change_leaves_that() -> None:
    unparking = replace(_change(Action.UNPARK, Reason.NO_LONGER_DUE), parked=PARKED)
    assert changes.access_of(unparking, "", EXTENSION) == Access("reg1000", "available", ())
    assert changes.access_of(replace(unparking, parked=None), "", EXTENSION) is None


def test_what_is_handed_over_is_named_as_the_former_user_has_it() -> None:
    assert changes.hand_over(HELD, EXTENSION) == _change(Action.RELEASE, Reason.HANDED_OVER)


@pytest.mark.parametrize(
    ("origin", "reason"), [(Origin.BOUND, Reason.BOUND_BY_NAME), (Origin.ADOPTED, Reason.SAME_EMAIL)]
)
def test_an_extension_that_is_taken_over_is_overwritten_where_it_differs(origin: Origin, reason: Reason) -> None:
    taken = Association(guid("ada"), 7, "1000", dn("ada"), "ada", origin, VALUES)
    expected = replace(
        _of_user(Action.ASSOCIATE, reason),
        before={"title": "Clerk"},
        after={"title": "Boss"},
        depends_on=("release:ben",),
        association=taken,
    )
    assert changes.associate(ADA, VALUES, EXTENSION, origin, ("release:ben",)) == expected
    placed = changes.associate(ADA, VALUES, EXTENSION, origin, ("release:ben",), placed=MOVED, parked=PARKED)
    assert placed == replace(
        expected,
        before={"title": "Clerk", "organizations": "Berlin, Board"},
        after={"title": "Boss", "organizations": "Board, Leipzig"},
        association=replace(taken, organization_id=8),
        placement=MOVE,
        parked=PARKED,
    )


def test_a_field_that_the_pbx_does_not_show_was_empty_before() -> None:
    bare = replace(EXTENSION, fields={})
    for change in (
        changes.update(HELD, ADA, VALUES, bare),
        changes.associate(ADA, VALUES, bare, Origin.ADOPTED, ()),
    ):
        assert (change.before, change.after) == ({"first_name": "", "title": ""}, VALUES)


@pytest.mark.parametrize(
    ("shown", "wanted", "drift", "reason"),
    [
        ("Chief", "Clerk", ("title",), Reason.DRIFT),
        ("Chief", "Boss", ("title",), Reason.DIRECTORY_CHANGED),
        ("Clerk", "Boss", (), Reason.DIRECTORY_CHANGED),
        (None, "Clerk", ("title",), Reason.DRIFT),
    ],
)
def test_an_update_is_drift_alone_where_only_a_person_changed_something(
    shown: str | None, wanted: str, drift: tuple[str, ...], reason: Reason
) -> None:
    found = replace(EXTENSION, fields={"title": shown} if shown is not None else {})
    change = changes.update(HELD, ADA, {"title": wanted}, found)
    assert (change.drift, change.reason) == (drift, reason)


def test_a_field_that_was_empty_and_is_not_shown_is_not_drift() -> None:
    known = replace(HELD, written={"title": ""})
    assert changes.update(known, ADA, {"title": "Boss"}, replace(EXTENSION, fields={})).drift == ()


def test_a_creation_sends_what_is_not_empty_and_remembers_that_the_rest_is() -> None:
    values = {**VALUES, "mobile_number": ""}
    created = Association(guid("ada"), 0, "1000", dn("ada"), "ada", Origin.CREATED, values, Welcome.DUE)
    expected = replace(
        _of_user(Action.CREATE, Reason.NEW_USER), object_id=None, after=VALUES, depends_on=("a",), association=created
    )
    assert changes.create(ADA, values, "1000", welcome=Welcome.DUE, depends_on=("a",)) == expected
    assert changes.create(ADA, values, "1000", welcome=Welcome.DUE, depends_on=("a",), placed=MOVED) == replace(
        expected,
        after={**VALUES, "organizations": "Board, Leipzig"},
        association=replace(created, organization_id=8),
        placement=MOVE,
    )


def test_an_extension_that_is_created_again_is_still_what_it_was() -> None:
    change = changes.create(ADA, VALUES, "1000", welcome=Welcome.NONE, former=HELD)
    assert change.association is not None
    assert (change.reason, change.association.origin) == (Reason.EXTENSION_MISSING, Origin.ADOPTED)
