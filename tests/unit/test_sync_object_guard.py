# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guard stops of organizations, extension groups and moves, and what of a change goes on all the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.dangers import (
    Danger,
    is_move,
    is_removal,
    members_taken_out,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import (
    Breach,
    GuardLimits,
    Limit,
    Totals,
    Verdict,
    judge,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Origin
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import OrganizationReference
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    ExtensionChange,
    GroupChange,
    OrganizationChange,
    Placement,
    Plan,
    Reason,
)

NONE, PLENTY = Limit(0, 0, 0), Limit(1000, 100, 1000)
NOTHING = GuardLimits(dict.fromkeys(Danger, NONE), PLENTY)
TOTALS = Totals(associated=1000, extensions=1000, members=1000)
BERLIN, LEIPZIG = 10, 11
BOARD = OrganizationReference(50, "Board")


def _plan(*changes: AnyChange) -> Plan:
    return Plan("f00d", changes, (), guard_id="beef")


def _organization(
    action: Action, name: str, *depends_on: str, reason: Reason = Reason.OUT_OF_SCOPE, part: str = ""
) -> OrganizationChange:
    return OrganizationChange(
        action=action, guid=name, name=name, dn="", object_id=1, reason=reason, depends_on=depends_on, part=part
    )


def _group(
    name: str,
    *,
    action: Action = Action.UPDATE,
    added: int = 0,
    removed: int = 0,
    renamed: bool = False,
    label: bool = False,
    reason: Reason = Reason.DIRECTORY_CHANGED,
) -> GroupChange:
    return GroupChange(
        action=action,
        guid=name,
        name=name,
        dn="",
        object_id=1,
        reason=reason,
        before={"name": "former"} if renamed else {},
        after={"name": name} if renamed else {},
        members=("anna",),
        kept=(90,),
        added=tuple(f"{2000 + number} new" for number in range(added)),
        removed=tuple(f"{1000 + number} old" for number in range(removed)),
        removed_ids=tuple(range(50, 50 + removed)),
        label=label,
    )


def _extension(
    name: str,
    *,
    taken: int = BERLIN,
    before: Mapping[str, str] | None = None,
    after: Mapping[str, str] | None = None,
    drift: tuple[str, ...] = (),
) -> ExtensionChange:
    return ExtensionChange(
        action=Action.UPDATE,
        guid=name,
        name=name,
        dn="",
        number="1000",
        object_id=7,
        reason=Reason.DIRECTORY_CHANGED if after else Reason.UNIT_CHANGED,
        before={**(before or {}), "organizations": "Berlin, Board"},
        after={**(after or {}), "organizations": "Board, Leipzig"},
        drift=drift,
        association=Association(name, 7, "1000", "", name, Origin.CREATED, after or {}, organization_id=LEIPZIG),
        placement=Placement((BOARD,), "ou-leipzig", taken),
    )


def _by_key(verdict: Verdict) -> dict[str, AnyChange]:
    assert len({change.key for change in verdict.changes}) == len(verdict.changes)
    return {change.key: change for change in verdict.changes}


def _except(danger: Danger) -> GuardLimits:
    """Limits that let nothing through but a danger."""
    return replace(NOTHING, limits={**NOTHING.limits, danger: PLENTY})


def test_each_danger_is_stopped_by_itself() -> None:
    removal = _organization(Action.RELEASE, "bonn")
    made = _plan(_extension("anna"), removal, _group("sales", removed=1))
    cases = {
        Danger.RELEASES: "organization:release:bonn",
        Danger.MOVES: "update:anna",
        Danger.MEMBER_REMOVALS: "extension_group:update:sales",
    }
    for danger, key in cases.items():
        verdict = judge(made, GuardLimits({**dict.fromkeys(Danger, PLENTY), danger: NONE}, PLENTY), TOTALS)
        assert (verdict.breaches, verdict.stopped) == ((Breach(danger, 1, 1000),), {key})
    assert judge(made, NOTHING, TOTALS).stopped == set(cases.values())


@pytest.mark.parametrize(
    ("removed", "members", "stops"),
    [(2, 2, False), (3, 9, True), (3, 10, False), (4, 10, True), (5, 10_000, False), (6, 10_000, True), (3, 0, True)],
)
def test_too_many_taken_out_of_one_group_are_stopped_in_that_group_alone(
    removed: int, members: int, stops: bool
) -> None:
    limits = GuardLimits(dict.fromkeys(Danger, PLENTY), Limit(2, 30, 5))
    made = _plan(_group("sales", removed=removed), _group("support", removed=2, added=1))
    totals = replace(TOTALS, groups={"sales": members, "support": 2})
    verdict = judge(made, limits, totals)
    assert verdict.changes == made.changes
    assert verdict.stopped == ({"extension_group:update:sales"} if stops else frozenset())
    breach = Breach(Danger.MEMBER_REMOVALS, removed, members, "sales")
    assert verdict.breaches == ((breach,) if stops else ())
    assert not judge(made, replace(limits, allowed="beef"), totals).stopped


@pytest.mark.parametrize(
    ("allowed", "stops"),
    [
        ("0-0-0-aa_bb", False),
        ("0-0-0-aa_bb_cc", False),
        ("0-0-0-aa", True),
        ("0-0-0-cc", True),
        ("0-0-0", True),
        ("aa_bb", True),
    ],
)
def test_members_are_let_through_if_all_groups_were_allowed(allowed: str, stops: bool) -> None:
    made = replace(_plan(_group("sales", removed=1), _group("support", removed=1)), guard_id="0-0-0-aa_bb")
    for limits in (NOTHING, replace(NOTHING, limits=dict.fromkeys(Danger, PLENTY), per_group=NONE)):
        assert bool(judge(made, replace(limits, allowed=allowed), TOTALS).stopped) == stops


def test_a_group_that_is_taken_over_has_no_members_that_were_written() -> None:
    limits = GuardLimits(dict.fromkeys(Danger, PLENTY), Limit(2, 100, 5))
    taken_over = _group("sales", action=Action.ASSOCIATE, removed=3)
    verdict = judge(_plan(taken_over), limits, TOTALS)
    assert verdict.stopped == {"extension_group:associate:sales:take_out"}
    assert verdict.breaches == (Breach(Danger.MEMBER_REMOVALS, 3, 0, "sales"),)


def test_a_group_and_all_groups_together_are_judged_each_for_themselves() -> None:
    made = _plan(_group("sales", removed=3), _group("support", removed=1))
    totals = replace(TOTALS, members=9, groups={"sales": 5, "support": 4})
    limits = GuardLimits({**dict.fromkeys(Danger, PLENTY), Danger.MEMBER_REMOVALS: NONE}, Limit(2, 30, 5))
    verdict = judge(made, limits, totals)
    assert verdict.breaches == (
        Breach(Danger.MEMBER_REMOVALS, 4, 9),
        Breach(Danger.MEMBER_REMOVALS, 3, 5, "sales"),
    )
    assert verdict.stopped == {"extension_group:update:sales", "extension_group:update:support"}


def test_a_plan_within_the_limits_is_left_as_it_is() -> None:
    made = _plan(_extension("anna", after={"title": "Boss"}), _group("sales", added=1, removed=1))
    assert judge(made, GuardLimits(), TOTALS) == Verdict(made.changes)


def test_what_was_allowed_by_its_id_is_done_and_not_split() -> None:
    made = _plan(
        _organization(Action.DELETE, "bonn"),
        _extension("anna", after={"title": "Boss"}),
        _group("sales", added=1, removed=1),
    )
    assert judge(made, replace(NOTHING, allowed="beef"), TOTALS) == Verdict(made.changes)
    assert len(judge(made, replace(NOTHING, allowed="f00d"), TOTALS).stopped) == 3


def test_a_group_gets_its_new_members_and_keeps_those_that_were_to_leave() -> None:
    change = _group("sales", added=2, removed=2)
    verdict = judge(_plan(change), NOTHING, TOTALS)
    going_on, stopped = verdict.changes
    assert going_on == replace(change, removed=(), removed_ids=(), kept=(50, 51, 90))
    assert stopped == replace(change, added=(), depends_on=(change.key,), part="take_out")
    assert verdict.stopped == {"extension_group:update:sales:take_out"}
    assert verdict.breaches == (Breach(Danger.MEMBER_REMOVALS, 2, 1000),)


def test_a_group_is_renamed_and_keeps_those_that_were_to_leave() -> None:
    going_on, stopped = judge(_plan(_group("sales", removed=1, renamed=True)), NOTHING, TOTALS).changes
    assert isinstance(going_on, GroupChange)
    assert (going_on.after, going_on.kept, going_on.removed) == ({"name": "sales"}, (50, 90), ())
    assert isinstance(stopped, GroupChange)
    assert (stopped.before, stopped.after, stopped.removed) == ({}, {}, ("1000 old",))


@pytest.mark.parametrize("action", [Action.ASSOCIATE, Action.CREATE])
def test_a_group_is_made_or_taken_over_and_keeps_those_that_were_to_leave(action: Action) -> None:
    verdict = judge(_plan(_group("sales", action=action, removed=1)), NOTHING, TOTALS)
    assert verdict.stopped == {f"extension_group:{action.value}:sales:take_out"}
    assert list(_by_key(verdict)) == [
        f"extension_group:{action.value}:sales",
        f"extension_group:{action.value}:sales:take_out",
    ]


def test_a_group_change_that_does_nothing_else_is_stopped_as_a_whole() -> None:
    change = _group("sales", removed=1)
    verdict = judge(_plan(change), NOTHING, TOTALS)
    assert (verdict.changes, verdict.stopped) == ((change,), {"extension_group:update:sales"})


def test_members_of_the_label_group_do_not_count_and_are_taken_out() -> None:
    label = _group("label", added=1, removed=60, label=True)
    assert members_taken_out(label) == ()
    assert judge(_plan(label), NOTHING, TOTALS) == Verdict((label,))
    verdict = judge(_plan(label, _group("sales", removed=1)), NOTHING, TOTALS)
    assert verdict.breaches == (Breach(Danger.MEMBER_REMOVALS, 1, 1000),)
    assert verdict.stopped == {"extension_group:update:sales"}
    assert label in verdict.changes


def test_an_extension_gets_its_fields_and_stays_where_it_is() -> None:
    change = _extension("anna", before={"title": "-"}, after={"title": "Boss"}, drift=("title", "organizations"))
    verdict = judge(_plan(change), NOTHING, TOTALS)
    going_on, stopped = verdict.changes
    assert isinstance(going_on, ExtensionChange)
    assert (going_on.before, going_on.after, going_on.drift) == ({"title": "-"}, {"title": "Boss"}, ("title",))
    assert going_on.placement is None
    assert going_on.association is not None
    assert going_on.association.organization_id == BERLIN
    assert (stopped.before, stopped.after) == (
        {"organizations": "Berlin, Board"},
        {"organizations": "Board, Leipzig"},
    )
    assert (going_on.key, stopped.key, verdict.stopped) == ("update:anna", "update:anna:move", {"update:anna:move"})


def test_a_move_and_nothing_else_is_stopped_as_a_whole() -> None:
    change = _extension("anna")
    verdict = judge(_plan(change), NOTHING, TOTALS)
    assert (verdict.changes, verdict.stopped) == ((change,), {"update:anna"})


def test_an_extension_that_loses_nothing_given_is_not_moved() -> None:
    stays, first = replace(_extension("anna"), placement=None), _extension("ben", taken=0)
    assert not is_move(stays)
    assert not is_move(first)
    assert judge(_plan(stays, first, _extension("cid")), NOTHING, TOTALS).stopped == {"update:cid"}


@pytest.mark.parametrize("action", [Action.DELETE, Action.RELEASE])
@pytest.mark.parametrize(
    "reason", [Reason.EXTENSION_GONE, Reason.OBJECT_GONE, Reason.HANDED_OVER, Reason.LEFTOVER, Reason.LABEL_ENDED]
)
def test_what_takes_nothing_away_does_not_count_and_goes_on(action: Action, reason: Reason) -> None:
    harmless = (_organization(action, "bonn", reason=reason), _group("sales", action=action, reason=reason))
    assert not any(is_removal(change) for change in harmless)
    assert judge(_plan(*harmless), NOTHING, TOTALS) == Verdict(harmless)
    verdict = judge(_plan(*harmless, _organization(Action.DELETE, "ulm")), NOTHING, TOTALS)
    assert verdict.breaches == (Breach(Danger.DELETIONS, 1, 1000),)
    assert verdict.stopped == {"organization:delete:ulm"}


@pytest.mark.parametrize("action", [Action.DELETE, Action.RELEASE])
@pytest.mark.parametrize("reason", [Reason.OBJECT_DELETED, Reason.OUT_OF_SCOPE])
def test_deleted_and_released_objects_of_every_kind_count(action: Action, reason: Reason) -> None:
    made = _plan(_organization(action, "bonn", reason=reason), _group("sales", action=action, reason=reason))
    assert judge(made, NOTHING, TOTALS).breaches == (
        Breach(Danger.DELETIONS if action is Action.DELETE else Danger.RELEASES, 2, 1000),
    )


def test_an_organization_whose_deletion_is_stopped_keeps_its_name_and_nobody_gets_it() -> None:
    made = _plan(
        _organization(Action.UPDATE, "bonn", reason=Reason.NAME_EXCHANGE, part="vacate"),
        _organization(Action.CREATE, "new", "organization:update:bonn:vacate", reason=Reason.NEW_UNIT),
        _organization(Action.CREATE, "below", "organization:create:new", reason=Reason.NEW_UNIT),
        _organization(Action.CREATE, "apart", reason=Reason.NEW_UNIT),
        _organization(Action.DELETE, "bonn"),
    )
    assert judge(made, NOTHING, TOTALS).stopped == {
        "organization:update:bonn:vacate",
        "organization:create:new",
        "organization:create:below",
        "organization:delete:bonn",
    }


def test_a_name_that_is_given_up_for_another_reason_goes_on() -> None:
    made = _plan(
        _organization(Action.UPDATE, "ulm", reason=Reason.NAME_EXCHANGE, part="vacate"),
        _organization(Action.UPDATE, "ulm", reason=Reason.DIRECTORY_CHANGED),
        _organization(Action.DELETE, "bonn"),
        _group("ulm", action=Action.DELETE, reason=Reason.OUT_OF_SCOPE),
    )
    assert judge(made, NOTHING, TOTALS).stopped == {"organization:delete:bonn", "extension_group:delete:ulm"}


def test_an_organization_is_not_deleted_while_a_stopped_move_leaves_an_extension_in_it() -> None:
    made = _plan(
        _extension("anna"),
        _organization(Action.DELETE, "berlin", "update:anna"),
        _organization(Action.DELETE, "above", "organization:delete:berlin"),
        _organization(Action.DELETE, "apart"),
    )
    assert judge(made, _except(Danger.DELETIONS), TOTALS).stopped == {
        "update:anna",
        "organization:delete:berlin",
        "organization:delete:above",
    }
