# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan in words: one block an object, short for thousands of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    Conflict,
    DriftAction,
    Drifted,
    ExtensionChange,
    GroupChange,
    Plan,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import (
    DIFF_BLOCKS,
    Outcome,
    State,
    change_data,
    conflict_data,
    diff_text,
    done_counts,
    drift_data,
    drift_text,
    explanation,
    headline,
    settled_drift,
    summary,
)

UPDATE = ExtensionChange(
    action=Action.UPDATE,
    guid="g1",
    name="anna",
    dn="CN=Anna,DC=lab,DC=test",
    number="1000",
    object_id=54,
    reason=Reason.DIRECTORY_CHANGED,
    before={"last_name": "Adler", "title": "Boss"},
    after={"last_name": "Adler-Berg", "title": ""},
    drift=("title",),
)


def created(number: int) -> ExtensionChange:
    return ExtensionChange(
        action=Action.CREATE,
        guid=f"g{number}",
        name=f"u{number}",
        dn=f"CN=u{number},DC=lab,DC=test",
        number=str(number),
        object_id=None,
        reason=Reason.NEW_USER,
        after={"first_name": "U"},
    )


def test_a_block_has_action_number_user_reason_and_each_field() -> None:
    assert diff_text([Outcome(UPDATE, State.PLANNED)]) == (
        "update 1000 anna\n"
        "    it changed in the directory\n"
        '    last_name: "Adler" -> "Adler-Berg"\n'
        '    title: "Boss" -> - (drift)\n'
    )


def test_a_change_that_was_not_done_says_so() -> None:
    text = diff_text([Outcome(UPDATE, State.FAILED, "The PBX refused.")])

    assert text.startswith("update 1000 anna [failed]\n")
    assert "    The PBX refused.\n" in text


def test_thousands_of_changes_stay_short_and_are_counted() -> None:
    outcomes = [Outcome(created(number), State.DONE) for number in range(1000, 6000)]
    outcomes.append(Outcome(UPDATE, State.DONE))

    text = diff_text(outcomes)

    assert text.count("create ") == DIFF_BLOCKS
    assert text.endswith(
        f"… and {5000 - DIFF_BLOCKS} create, 1 update more; all of them are in the result's changes.\n"
    )


def test_every_reason_has_a_sentence() -> None:
    assert all(explanation(reason) for reason in Reason)


def test_the_summary_has_the_same_keys_for_every_plan() -> None:
    plan = Plan(id="p", changes=(UPDATE,), conflicts=(), unchanged=3, excluded=1)

    counts = summary(plan, [Outcome(UPDATE, State.UNKNOWN), Outcome(created(1), State.STOPPED)])

    assert counts == {
        "deleted": 0,
        "released": 0,
        "updated": 1,
        "associated": 0,
        "created": 1,
        "parked": 0,
        "unparked": 0,
        "revoked": 0,
        "unchanged": 3,
        "waiting": 0,
        "excluded": 1,
        "conflicts": 0,
        "drift": 0,
        "failed": 1,
        "stopped": 1,
        "deferred": 0,
        "skipped": 0,
    }
    assert summary(Plan(id="p", changes=(), conflicts=()), []).keys() == counts.keys()
    assert not [name for name in counts if hasattr(dict, name)], "Jinja would take them for methods"


def test_a_created_extension_is_told_with_its_new_id() -> None:
    assert change_data(Outcome(created(1000), State.DONE, object_id=77))["object_id"] == 77
    assert change_data(Outcome(UPDATE, State.DONE))["object_id"] == 54
    assert change_data(Outcome(created(1000), State.PLANNED))["object_id"] is None


def test_a_release_says_that_the_extension_stays_and_shows_no_fields() -> None:
    release = replace(UPDATE, action=Action.RELEASE, reason=Reason.OUT_OF_SCOPE, before={}, after={}, drift=())

    assert diff_text([Outcome(release, State.PLANNED)]) == (
        "release 1000 anna\n"
        "    it exists in the directory but the scope no longer takes it in\n"
        "    the extension stays as it is and is the PBX administrator's again\n"
    )


def test_a_release_of_an_extension_that_is_gone_does_not_say_that_it_stays() -> None:
    release = replace(UPDATE, action=Action.RELEASE, reason=Reason.EXTENSION_GONE, before={}, after={}, drift=())

    assert "stays" not in diff_text([Outcome(release, State.PLANNED)])


def test_a_conflict_is_told_as_plain_data() -> None:
    conflict = Conflict("no_room", "g1", "Sales", "The PBX has no room for this one.")
    assert conflict_data(conflict) == {
        "code": "no_room",
        "name": "Sales",
        "guid": "g1",
        "message": "The PBX has no room for this one.",
    }


# --- drift

TITLE = Drifted(ObjectKind.EXTENSION, "g1", "1000", "anna", "title", "Clerk", "Clerk", "Boss", DriftAction.REPORTED)
PUT_IN = replace(
    TITLE,
    kind=ObjectKind.EXTENSION_GROUP,
    number="",
    name="Sales",
    field="members",
    written="",
    wanted="",
    actual="9000 Hand",
)
TAKEN_OUT = replace(PUT_IN, written="1000 Anna", wanted="1000 Anna", actual="")


def corrected(drifted: Drifted) -> Drifted:
    return replace(drifted, action=DriftAction.CORRECTED)


@pytest.mark.parametrize(
    ("state", "action"),
    [
        (State.PLANNED, DriftAction.CORRECTED),
        (State.DONE, DriftAction.CORRECTED),
        (State.FAILED, DriftAction.REPORTED),
        (State.UNKNOWN, DriftAction.REPORTED),
        (State.STOPPED, DriftAction.REPORTED),
        (State.SKIPPED, DriftAction.REPORTED),
    ],
)
def test_drift_is_corrected_by_the_change_that_does_it_alone(state: State, action: DriftAction) -> None:
    assert settled_drift([corrected(TITLE)], [Outcome(UPDATE, state)]) == [replace(TITLE, action=action)]
    assert settled_drift([corrected(replace(TITLE, field="last_name"))], [Outcome(UPDATE, state)]) == [
        replace(TITLE, field="last_name")
    ]
    assert settled_drift([corrected(TITLE)], []) == [TITLE]


def test_a_member_is_corrected_if_its_own_part_of_a_change_is_done() -> None:
    """The guard may let newcomers in and stop who is to be taken out."""
    change = GroupChange(
        action=Action.UPDATE,
        guid="g1",
        name="Sales",
        dn="",
        object_id=7,
        reason=Reason.DRIFT,
        drift=("members",),
        added=("1000 Anna",),
    )
    stopped = replace(change, added=(), removed=("9000 Hand",), part="take_out")

    assert settled_drift(
        [corrected(PUT_IN), corrected(TAKEN_OUT)], [Outcome(change, State.DONE), Outcome(stopped, State.STOPPED)]
    ) == [PUT_IN, corrected(TAKEN_OUT)]


def test_what_two_parts_of_a_run_tell_of_one_field_is_told_once() -> None:
    place = replace(TITLE, field="organizations", written="Example/Sales")

    assert settled_drift([place, replace(place, written="Example/Selling"), PUT_IN, TAKEN_OUT], []) == [
        replace(place, written="Example/Selling"),
        PUT_IN,
        TAKEN_OUT,
    ]


def test_what_is_left_is_shown_by_object_and_what_is_put_back_is_not() -> None:
    text = drift_text([TITLE, replace(TITLE, field="last_name", actual=""), corrected(PUT_IN), TAKEN_OUT, PUT_IN])

    assert text == (
        "leave 1000 anna\n"
        "    it was changed on the PBX by hand\n"
        '    title: "Boss" (drift; written "Clerk", wanted "Clerk")\n'
        '    last_name: - (drift; written "Clerk", wanted "Clerk")\n'
        "leave extension group Sales\n"
        "    it was changed on the PBX by hand\n"
        "    - 1000 Anna (drift)\n"
        "    + 9000 Hand (drift)\n"
    )
    many = [replace(TITLE, guid=str(number)) for number in range(DIFF_BLOCKS + 2)]
    assert drift_text(many).endswith("… and 2 more with drift; all of it is in the result's drift.\n")


def test_drift_is_told_as_plain_data() -> None:
    assert drift_data(TITLE) == {
        "kind": "extension",
        "number": "1000",
        "name": "anna",
        "guid": "g1",
        "field": "title",
        "written": "Clerk",
        "wanted": "Clerk",
        "actual": "Boss",
        "action": "reported",
    }


# --- in one line


NO_COUNTS = summary(Plan("f00d", (), ()), [])


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ({"created": 2, "deleted": 1, "conflicts": 3}, "2 created, 1 deleted, 3 conflicts."),
        ({"conflicts": 1}, "1 conflict."),
        ({"associated": 1, "updated": 2, "unparked": 3}, "1 associated, 2 updated, 3 unparked."),
        ({"parked": 1, "released": 2, "unchanged": 9}, "1 parked, 2 released."),
        (
            {"failed": 1, "stopped": 2, "deferred": 3, "skipped": 4},
            "1 failed, 2 stopped by the guard, 3 deferred, 4 skipped.",
        ),
    ],
)
def test_the_headline_says_what_is_not_nothing(counts: dict[str, int], text: str) -> None:
    assert headline({**NO_COUNTS, **counts}, is_plan=False) == text
    assert headline({**NO_COUNTS, **counts}, is_plan=True) == f"To be done: {text}"


def test_the_headline_of_nothing() -> None:
    assert headline({**NO_COUNTS, "unchanged": 5}, is_plan=True) == "Nothing to do."
    assert headline({**NO_COUNTS, "unchanged": 5}, is_plan=False) == "Nothing was to be done."


def test_what_was_not_done_is_not_counted_as_done() -> None:
    outcomes = [Outcome(created(number), state) for number, state in enumerate(State)]
    outcomes.append(Outcome(UPDATE, State.DONE))
    counts = done_counts(outcomes)
    assert {name: count for name, count in counts.items() if count} == {"created": 2, "updated": 1}
    assert len(counts) == len(Action)


def test_a_plan_is_counted_with_all_that_it_leaves_alone() -> None:
    outcomes = [Outcome(created(number), state) for number, state in enumerate(State)]
    conflict = Conflict("no_capacity", "g", "ada", "m")
    counted = summary(Plan("f00d", (), (conflict,), unchanged=4, parked=5, excluded=6), outcomes)
    assert counted == {
        **NO_COUNTS,
        "created": len(State),
        "unchanged": 4,
        "waiting": 5,
        "excluded": 6,
        "conflicts": 1,
        "failed": 2,
        "stopped": 1,
        "deferred": 1,
        "skipped": 1,
    }
