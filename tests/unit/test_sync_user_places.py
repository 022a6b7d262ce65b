# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the extensions of a plan go while organizational units are synchronized too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectorySnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Parked
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension, OrganizationReference
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.placement import Layout
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    DriftAction,
    ExtensionChange,
    Placement,
    Plan,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import UserRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.users import plan_users

from tests.unit.sync_builders import DAY, NOW, directory, extension_of, pbx, rule, synced, user

ADA = user("ada", "ada@x.test")
ROOT = OrganizationReference(1, "Example")
BERLIN = OrganizationReference(10, "Berlin")
LEIPZIG = OrganizationReference(11, "Leipzig")
BONN_MADE = "organization:create:ou-bonn"


def _layout(home: str) -> Layout:
    """Where the synchronization puts extensions when Ada belongs to that unit."""
    return Layout(
        root=ROOT,
        ids={"ou-berlin": BERLIN.id, "ou-leipzig": LEIPZIG.id, "ou-bonn": 0},
        creations={"ou-bonn": BONN_MADE},
        homes={ADA.guid: home},
        paths={ROOT.id: "Example", BERLIN.id: "Berlin", LEIPZIG.id: "Leipzig"},
        titles={"ou-berlin": "Berlin", "ou-leipzig": "Leipzig", "ou-bonn": "Bonn"},
        associated=frozenset({BERLIN.id, LEIPZIG.id}),
    )


def _plan(
    seen: DirectorySnapshot,
    layout: Layout | None,
    extensions: Sequence[Extension],
    associations: Sequence[Association] = (),
    rule_: UserRule | None = None,
) -> Plan:
    return plan_users(rule_ or UserRule(), seen, pbx(*extensions), associations, [], layout=layout)


def _only(made: Plan) -> ExtensionChange:
    (change,) = made.changes
    assert isinstance(change, ExtensionChange)
    return change


def _given(change: ExtensionChange) -> int:
    """The organization that is remembered as given."""
    assert change.association is not None
    return change.association.organization_id


def _in_berlin(*, at: OrganizationReference = BERLIN) -> tuple[Extension, Association]:
    """Ada's extension, which the synchronization put in Berlin, and where it is now."""
    held, known = synced(ADA, 7, "1000")
    return replace(held, organizations=(at,)), replace(known, organization_id=BERLIN.id)


def test_an_extension_goes_with_its_user_into_another_organization() -> None:
    held, known = _in_berlin()
    change = _only(_plan(directory(ADA), _layout("ou-leipzig"), [held], [known]))
    assert (change.action, change.reason) == (Action.UPDATE, Reason.UNIT_CHANGED)
    assert (change.before, change.after) == ({"organizations": "Berlin"}, {"organizations": "Leipzig"})
    assert change.placement == Placement((), "ou-leipzig", taken=BERLIN.id)
    assert change.association == replace(known, organization_id=LEIPZIG.id)


def test_an_extension_waits_for_the_organization_that_is_to_be_made() -> None:
    held, known = _in_berlin()
    change = _only(_plan(directory(ADA), _layout("ou-bonn"), [held], [known]))
    assert change.depends_on == (BONN_MADE,)
    assert change.placement == Placement((), "ou-bonn", taken=BERLIN.id)


def test_an_extension_that_is_where_it_belongs_is_left() -> None:
    held, known = _in_berlin()
    made = _plan(directory(ADA), _layout("ou-berlin"), [held], [known])
    assert (made.changes, made.unchanged, made.drift) == ((), 1, ())


def test_organizations_are_left_as_they_are_where_nothing_synchronizes_them() -> None:
    held, known = _in_berlin(at=LEIPZIG)
    made = _plan(directory(ADA), None, [held], [known])
    assert (made.changes, made.drift) == ((), ())


def test_an_extension_that_a_person_moved_is_told_and_put_back() -> None:
    held, known = _in_berlin(at=LEIPZIG)
    made = _plan(directory(ADA), _layout("ou-berlin"), [held], [known])
    change = _only(made)
    assert (change.reason, change.drift) == (Reason.DRIFT, ("organizations",))
    (drifted,) = made.drift
    assert (drifted.guid, drifted.number, drifted.name, drifted.field) == (ADA.guid, "1000", "ada", "organizations")
    assert (drifted.written, drifted.wanted, drifted.actual) == ("Berlin", "Berlin", "Leipzig")
    assert drifted.action is DriftAction.CORRECTED


def test_an_extension_that_is_taken_over_goes_where_its_user_belongs() -> None:
    found = replace(extension_of(ADA, 7, "4711"), organizations=(BERLIN,))
    change = _only(_plan(directory(ADA), _layout("ou-leipzig"), [found], rule_=rule(associate_by_email=True)))
    assert change.action is Action.ASSOCIATE
    assert change.placement == Placement((BERLIN,), "ou-leipzig")
    assert change.after == {"organizations": "Berlin, Leipzig"}
    assert _given(change) == LEIPZIG.id


def test_an_extension_is_created_where_its_user_belongs() -> None:
    change = _only(_plan(directory(ADA), _layout("ou-leipzig"), []))
    assert change.action is Action.CREATE
    assert change.placement == Placement((), "ou-leipzig")
    assert _given(change) == LEIPZIG.id


def test_an_extension_that_is_made_usable_again_goes_where_its_user_belongs_now() -> None:
    held, known = _in_berlin()
    parked = replace(known, parked=Parked(NOW - DAY, "reg", "available"))
    made = _plan(directory(ADA), _layout("ou-leipzig"), [held], [parked], rule(park_days=7))
    change = _only(made)
    assert (change.action, change.parked) == (Action.UNPARK, parked.parked)
    assert change.placement == Placement((), "ou-leipzig", taken=BERLIN.id)
    assert change.association == replace(known, organization_id=LEIPZIG.id)


def test_an_extension_that_is_made_again_goes_where_its_user_belongs() -> None:
    _held, known = _in_berlin()
    change = _only(_plan(directory(ADA), _layout("ou-leipzig"), [], [known]))
    assert (change.action, change.reason) == (Action.CREATE, Reason.EXTENSION_MISSING)
    assert change.placement == Placement((), "ou-leipzig")
