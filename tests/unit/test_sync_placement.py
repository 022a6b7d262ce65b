# SPDX-License-Identifier: GPL-3.0-or-later
"""Which organizations an extension is put into, which it keeps and which it loses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension, OrganizationReference
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.placement import Layout, Placed, place, place_new
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Placement

ROOT = OrganizationReference(1, "Example")
BERLIN = OrganizationReference(10, "Berlin")
LEIPZIG = OrganizationReference(11, "Leipzig")
BOARD = OrganizationReference(50, "Board")
HALL = OrganizationReference(51, "Hall")

LAYOUT = Layout(
    root=ROOT,
    ids={"ou-berlin": BERLIN.id, "ou-leipzig": LEIPZIG.id, "ou-bonn": 0},
    creations={"ou-bonn": "organization:create:ou-bonn"},
    homes={"ben": "ou-berlin", "lea": "ou-leipzig", "bob": "ou-bonn"},
    unknown=frozenset({"ufo"}),
    paths={ROOT.id: "Example", BERLIN.id: "Example/Berlin", LEIPZIG.id: "Example/Leipzig", BOARD.id: "Example/Board"},
    titles={"ou-berlin": "Example/Berlin", "ou-leipzig": "Example/Leipzig", "ou-bonn": "Example/Bonn"},
    associated=frozenset({BERLIN.id, LEIPZIG.id}),
)
LEAVING = replace(LAYOUT, leaving=frozenset({BERLIN.id}))
RELEASED = replace(LAYOUT, released={BERLIN.id: "organization:release:ou-berlin"})
NO_HOMES: Mapping[str, str] = {}


def _in(*organizations: OrganizationReference) -> Extension:
    return Extension(7, "1000", {}, organizations=organizations)


@pytest.mark.parametrize("others", [(), (BOARD,), (ROOT,), (ROOT, BOARD, HALL)])
@pytest.mark.parametrize("given", [0, BERLIN.id])
def test_an_extension_in_its_home_stays_whatever_else_it_is_in(
    others: tuple[OrganizationReference, ...], given: int
) -> None:
    assert place(LAYOUT, "ben", _in(*others, BERLIN), given) == Placed(None, BERLIN.id)


def test_the_root_alone_is_left_for_the_first_organization() -> None:
    assert place(LAYOUT, "ben", _in(ROOT), 0) == Placed(
        Placement((), "ou-berlin"), BERLIN.id, before="Example", after="Example/Berlin"
    )


def test_an_extension_in_no_organization_at_all_is_put_into_its_home() -> None:
    assert place(LAYOUT, "ben", _in(), 0) == Placed(Placement((), "ou-berlin"), BERLIN.id, after="Example/Berlin")


def test_the_root_is_kept_beside_an_organization_that_an_administrator_gave() -> None:
    assert place(LAYOUT, "ben", _in(ROOT, BOARD), 0).placement == Placement((ROOT, BOARD), "ou-berlin")


def test_the_given_organization_is_lost_and_those_given_by_hand_are_kept() -> None:
    assert place(LAYOUT, "lea", _in(HALL, BERLIN, BOARD), BERLIN.id) == Placed(
        Placement((HALL, BOARD), "ou-leipzig", taken=BERLIN.id),
        LEIPZIG.id,
        before="Example/Berlin, Example/Board, Hall",
        after="Example/Board, Example/Leipzig, Hall",
    )


def test_a_synchronized_organization_that_an_administrator_gave_is_kept() -> None:
    assert place(LAYOUT, "lea", _in(BERLIN), 0).placement == Placement((BERLIN,), "ou-leipzig")
    assert place(LAYOUT, "lea", _in(BERLIN, LEIPZIG), LEIPZIG.id).placement is None


def test_what_was_given_and_is_no_longer_associated_is_kept() -> None:
    placed = place(LAYOUT, "ben", _in(BOARD), BOARD.id)
    assert (placed.placement, placed.organization_id) == (Placement((BOARD,), "ou-berlin"), BERLIN.id)


def test_the_given_organization_is_lost_where_its_user_is_already_in_the_new_home() -> None:
    placed = place(LAYOUT, "lea", _in(BERLIN, LEIPZIG), BERLIN.id)
    assert placed.placement == Placement((), "ou-leipzig", taken=BERLIN.id)
    assert (placed.before, placed.after) == ("Example/Berlin, Example/Leipzig", "Example/Leipzig")


def test_without_a_unit_it_goes_back_to_the_root() -> None:
    assert place(LAYOUT, "nan", _in(BERLIN), BERLIN.id) == Placed(
        Placement((), taken=BERLIN.id), 0, before="Example/Berlin", after="Example"
    )


def test_without_a_unit_it_stays_in_what_an_administrator_gave() -> None:
    assert place(LAYOUT, "nan", _in(BERLIN, BOARD), BERLIN.id) == Placed(
        Placement((BOARD,), taken=BERLIN.id), 0, before="Example/Berlin, Example/Board", after="Example/Board"
    )


@pytest.mark.parametrize("organizations", [(), (ROOT,), (BOARD,), (ROOT, BOARD), (BERLIN,)])
@pytest.mark.parametrize("given", [0, LEIPZIG.id])
def test_without_a_unit_and_in_nothing_given_it_stays(
    organizations: tuple[OrganizationReference, ...], given: int
) -> None:
    assert place(LAYOUT, "nan", _in(*organizations), given) == Placed(None, 0)


@pytest.mark.parametrize(
    ("organizations", "others", "after"),
    [
        ((ROOT,), (), "Example/Berlin"),
        ((BOARD,), (BOARD,), "Example/Berlin, Example/Board"),
        ((LEIPZIG,), (LEIPZIG,), "Example/Berlin, Example/Leipzig"),
    ],
)
def test_taken_out_of_its_home_by_hand_is_drift_and_put_right(
    organizations: tuple[OrganizationReference, ...], others: tuple[OrganizationReference, ...], after: str
) -> None:
    placed = place(LAYOUT, "ben", _in(*organizations), BERLIN.id)
    assert (placed.placement, placed.after, placed.drift) == (Placement(others, "ou-berlin"), after, True)


def test_a_user_who_moved_after_an_administrator_took_the_extension_out_is_no_drift_and_loses_nothing() -> None:
    placed = place(LAYOUT, "lea", _in(BOARD), BERLIN.id)
    assert (placed.placement, placed.drift) == (Placement((BOARD,), "ou-leipzig"), False)


@pytest.mark.parametrize(("given", "taken"), [(BERLIN.id, BERLIN.id), (0, 0)])
def test_nobody_is_left_in_an_organization_that_is_to_be_deleted(given: int, taken: int) -> None:
    assert place(LEAVING, "nan", _in(BERLIN, BOARD), given) == Placed(
        Placement((BOARD,), taken=taken), 0, before="Example/Berlin, Example/Board", after="Example/Board"
    )
    assert place(LEAVING, "lea", _in(BERLIN), given) == Placed(
        Placement((), "ou-leipzig", taken=taken), LEIPZIG.id, before="Example/Berlin", after="Example/Leipzig"
    )


def test_a_released_organization_keeps_the_extension_until_the_release_is_done() -> None:
    assert place(RELEASED, "nan", _in(BERLIN), BERLIN.id) == Placed(None, BERLIN.id)


def test_a_released_organization_is_kept_beside_the_new_home_once_it_is_released() -> None:
    assert place(RELEASED, "lea", _in(BERLIN), BERLIN.id) == Placed(
        Placement((BERLIN,), "ou-leipzig"),
        LEIPZIG.id,
        before="Example/Berlin",
        after="Example/Berlin, Example/Leipzig",
        depends_on=("organization:release:ou-berlin",),
    )


@pytest.mark.parametrize("organizations", [(), (ROOT,), (BERLIN,), (BOARD, LEIPZIG)])
@pytest.mark.parametrize(("given", "organization_id"), [(0, 0), (BERLIN.id, BERLIN.id), (BOARD.id, 0)])
def test_the_extension_of_a_user_of_whom_nothing_is_known_stays(
    organizations: tuple[OrganizationReference, ...], given: int, organization_id: int
) -> None:
    assert place(LAYOUT, "ufo", _in(*organizations), given) == Placed(None, organization_id)


def test_even_an_unknown_user_is_not_left_in_an_organization_that_is_to_be_deleted() -> None:
    assert place(LEAVING, "ufo", _in(BERLIN, BOARD), BERLIN.id) == Placed(
        Placement((BOARD,), taken=BERLIN.id), 0, before="Example/Berlin, Example/Board", after="Example/Board"
    )
    assert place(LEAVING, "ufo", _in(BERLIN), BERLIN.id).after == "Example"
    assert place(LEAVING, "ufo", _in(BERLIN, LEIPZIG), LEIPZIG.id) == Placed(
        Placement((LEIPZIG,)), LEIPZIG.id, before="Example/Berlin, Example/Leipzig", after="Example/Leipzig"
    )


def test_a_home_that_is_still_to_be_created_is_waited_for() -> None:
    assert place(LAYOUT, "bob", _in(BERLIN), BERLIN.id) == Placed(
        Placement((), "ou-bonn", taken=BERLIN.id),
        0,
        before="Example/Berlin",
        after="Example/Bonn",
        depends_on=("organization:create:ou-bonn",),
    )


def test_creation_and_release_are_both_waited_for() -> None:
    placed = place(RELEASED, "bob", _in(BERLIN), BERLIN.id)
    assert placed.placement == Placement((BERLIN,), "ou-bonn")
    assert placed.depends_on == ("organization:create:ou-bonn", "organization:release:ou-berlin")


@pytest.mark.parametrize("guid", ["ben", "lea", "nan"])
@pytest.mark.parametrize("given", [0, BERLIN.id, LEIPZIG.id])
@pytest.mark.parametrize("organizations", [(), (ROOT,), (BERLIN,), (ROOT, BOARD), (BERLIN, LEIPZIG, BOARD)])
def test_a_second_run_finds_everything_in_its_place(
    guid: str, given: int, organizations: tuple[OrganizationReference, ...]
) -> None:
    first = place(LAYOUT, guid, _in(*organizations), given)
    if first.placement is None:
        return
    homes = [one for one in (BERLIN, LEIPZIG) if one.id == LAYOUT.ids.get(first.placement.unit)]
    moved = _in(*((*first.placement.others, *homes) or (ROOT,)))
    assert place(LAYOUT, guid, moved, first.organization_id) == Placed(None, first.organization_id)


def test_a_new_extension_is_created_straight_into_its_home() -> None:
    assert place_new(LAYOUT, "ben") == Placed(Placement((), "ou-berlin"), BERLIN.id, after="Example/Berlin")


def test_a_new_extension_waits_for_its_home_to_be_created() -> None:
    assert place_new(LAYOUT, "bob") == Placed(
        Placement((), "ou-bonn"), 0, after="Example/Bonn", depends_on=("organization:create:ou-bonn",)
    )


@pytest.mark.parametrize("layout", [LAYOUT, replace(LAYOUT, homes=NO_HOMES)])
def test_a_new_extension_of_a_user_without_a_unit_goes_where_the_pbx_puts_it(layout: Layout) -> None:
    assert place_new(layout, "nan") == Placed(None, 0)
