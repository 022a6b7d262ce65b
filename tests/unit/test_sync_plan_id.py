# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of a plan and of what the guard counts in it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from hashlib import sha256

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Domain
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Origin, Welcome
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxIdentity
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    Conflict,
    ExtensionChange,
    GroupChange,
    Placement,
    Plan,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan_id import (
    guard_id,
    joined_id,
    plan_id,
    plan_lines,
    sealed,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import AccountStatus, UserRule

from tests.unit.sync_builders import DOMAIN, PBX, rule

RULE = rule(delete_when=[AccountStatus.DELETED, AccountStatus.EXPIRED, AccountStatus.DISABLED])
ASSOCIATION = Association("g", 7, "1000", "CN=ada", "ada", Origin.CREATED, {"title": "Lead"}, Welcome.DUE)
UPDATE = ExtensionChange(
    action=Action.UPDATE,
    guid="g",
    name="ada",
    dn="CN=ada",
    number="1000",
    object_id=7,
    reason=Reason.DIRECTORY_CHANGED,
    before={"title": ""},
    after={"title": "Lead"},
    association=ASSOCIATION,
)
DELETE = ExtensionChange(
    action=Action.DELETE, guid="h", name="ben", dn="CN=ben", number="1001", object_id=8, reason=Reason.ACCOUNT_DELETED
)
GONE = ExtensionChange(
    action=Action.RELEASE, guid="i", name="cid", dn="CN=cid", number="1002", object_id=9, reason=Reason.EXTENSION_GONE
)
CONFLICT = Conflict("number_missing", "j", "dot", "ipPhone is empty.")
NAME = plan_id(RULE, DOMAIN, PBX, [DELETE, UPDATE], [CONFLICT])


def test_a_name_is_16_hexadecimal_digits_and_the_same_in_every_process() -> None:
    assert re.fullmatch("[0-9a-f]{16}", NAME)
    again = rule(delete_when=[AccountStatus.DISABLED, AccountStatus.DELETED, AccountStatus.EXPIRED])
    assert plan_id(again, replace(DOMAIN), replace(PBX), (replace(DELETE), replace(UPDATE)), (CONFLICT,)) == NAME
    assert plan_id(UserRule(), DOMAIN, PBX, [], []) == "c1185a2a7615e40c"


@pytest.mark.parametrize("count", [1, 2, 499, 500, 501, 1_250])
def test_a_name_is_that_of_the_text_of_all_of_it(count: int) -> None:
    changes = [replace(UPDATE, guid=f"g{place}") for place in range(count)]
    conflicts = [replace(CONFLICT, guid=f"j{place}") for place in range(count)]
    whole = {
        "changes": [asdict(change) for change in changes],
        "conflicts": [asdict(conflict) for conflict in conflicts],
        "domain": DOMAIN.guid,
        "pbx": PBX.serial_number,
        "rule": {**asdict(RULE), "delete_when": sorted(RULE.delete_when)},
    }

    text = json.dumps(whole, sort_keys=True)

    assert plan_id(RULE, DOMAIN, PBX, changes, conflicts) == sha256(text.encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("rule_", "domain", "pbx", "changes", "conflicts"),
    [
        (replace(RULE, associate_by_email=True), DOMAIN, PBX, [DELETE, UPDATE], [CONFLICT]),
        (RULE, replace(DOMAIN, guid="other"), PBX, [DELETE, UPDATE], [CONFLICT]),
        (RULE, DOMAIN, replace(PBX, serial_number="other"), [DELETE, UPDATE], [CONFLICT]),
        (RULE, DOMAIN, PBX, [UPDATE, DELETE], [CONFLICT]),
        (RULE, DOMAIN, PBX, [UPDATE], [CONFLICT]),
        (RULE, DOMAIN, PBX, [DELETE, replace(UPDATE, after={"title": "lead"})], [CONFLICT]),
        (RULE, DOMAIN, PBX, [DELETE, replace(UPDATE, before={"title": "Boss"})], [CONFLICT]),
        (RULE, DOMAIN, PBX, [DELETE, replace(UPDATE, reason=Reason.DRIFT)], [CONFLICT]),
        (
            RULE,
            DOMAIN,
            PBX,
            [DELETE, replace(UPDATE, association=replace(ASSOCIATION, welcome=Welcome.NONE))],
            [CONFLICT],
        ),
        (RULE, DOMAIN, PBX, [DELETE, UPDATE], []),
    ],
)
def test_whatever_differs_has_another_name(
    rule_: UserRule, domain: Domain, pbx: PbxIdentity, changes: list[ExtensionChange], conflicts: list[Conflict]
) -> None:
    assert plan_id(rule_, domain, pbx, changes, conflicts) != NAME


def test_the_pbx_is_known_by_its_serial_number_alone() -> None:
    updated = replace(PBX, firmware="37.21.0.1")
    assert plan_id(RULE, DOMAIN, updated, [DELETE, UPDATE], [CONFLICT]) == NAME


def test_what_cannot_be_written_into_a_name_is_an_error() -> None:
    broken = replace(UPDATE, after={"title": object()})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="cannot write object"):
        plan_id(RULE, DOMAIN, PBX, [broken], [])


def test_the_name_of_the_removals_holds_while_the_rest_is_carried_out() -> None:
    released = replace(DELETE, guid="k", action=Action.RELEASE, reason=Reason.OUT_OF_SCOPE)
    name = guard_id(DOMAIN, PBX, [DELETE, released, UPDATE, GONE])
    assert guard_id(DOMAIN, PBX, [released, DELETE]) == name
    assert guard_id(DOMAIN, PBX, [replace(DELETE, before={"title": "Boss"}), released]) == name


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [DELETE, replace(DELETE, guid="k")],
        [replace(DELETE, action=Action.RELEASE)],
        [replace(DELETE, reason=Reason.OUT_OF_SCOPE)],
        [replace(DELETE, number="1009")],
        [replace(DELETE, guid="k")],
    ],
)
def test_other_removals_have_another_name(changes: list[ExtensionChange]) -> None:
    assert guard_id(DOMAIN, PBX, changes) != guard_id(DOMAIN, PBX, [DELETE])
    assert guard_id(replace(DOMAIN, guid="other"), PBX, [DELETE]) != guard_id(DOMAIN, PBX, [DELETE])
    assert guard_id(DOMAIN, replace(PBX, serial_number="s"), [DELETE]) != guard_id(DOMAIN, PBX, [DELETE])


MOVE = replace(UPDATE, guid="m", after={"organizations": "Leipzig"}, placement=Placement((), "ou", 7))
MAIL = replace(UPDATE, guid="n", before={"email_addr": "a@x.test"}, after={"email_addr": "b@x.test"})
RENUMBERED = (
    replace(DELETE, guid="o", action=Action.RELEASE, reason=Reason.BOUND_ELSEWHERE),
    replace(UPDATE, guid="o", action=Action.ASSOCIATE, number="1009"),
)
GROUP = GroupChange(
    action=Action.UPDATE,
    guid="p",
    name="sales",
    dn="",
    object_id=1,
    reason=Reason.DIRECTORY_CHANGED,
    removed_ids=(7, 8),
)
RELEASE = replace(DELETE, guid="k", action=Action.RELEASE, reason=Reason.OUT_OF_SCOPE)
COUNTED: list[AnyChange] = [DELETE, RELEASE, *RENUMBERED, GROUP, MAIL, MOVE]


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        (replace(DELETE, number="1009"), 0),
        (replace(RELEASE, number="1009"), 1),
        (replace(RENUMBERED[1], number="1008"), 2),
        (replace(RENUMBERED[0], number="1007"), 2),
        (replace(GROUP, removed_ids=(7,)), 3),
        (replace(MAIL, after={"email_addr": "c@x.test"}), 4),
        (replace(MAIL, before={"email_addr": "c@x.test"}), 4),
        (replace(MOVE, number="1009"), 5),
    ],
)
def test_each_danger_has_a_part_of_its_own(changed: AnyChange, place: int) -> None:
    parts = guard_id(DOMAIN, PBX, COUNTED).split("-")
    assert len(parts) == 6
    assert [len(part) for part in parts] == [16, 16, 16, 8, 16, 16]
    assert all(re.fullmatch("[0-9a-f]+", part) for part in parts)
    other = [changed if one.key == changed.key else one for one in COUNTED]
    found = guard_id(DOMAIN, PBX, other).split("-")
    assert [at for at, part in enumerate(parts) if part != found[at]] == [place]


@pytest.mark.parametrize(
    ("changes", "form"),
    [
        ([UPDATE], "0"),
        ([DELETE, UPDATE], "X"),
        ([MOVE], "0-0-0-0-0-X"),
        ([RELEASE, GROUP], "0-X-0-Y"),
        ([GROUP, replace(GROUP, guid="q")], "0-0-0-Y_Y"),
        (RENUMBERED, "0-0-X"),
        ([MAIL], "0-0-0-0-X"),
    ],
)
def test_what_there_is_none_of_is_nothing_and_left_out_at_the_end(changes: list[AnyChange], form: str) -> None:
    assert re.sub("[0-9a-f]{8}", "Y", re.sub("[0-9a-f]{16}", "X", guard_id(DOMAIN, PBX, changes))) == form


def test_a_group_has_its_name_whatever_becomes_of_others() -> None:
    other = replace(GROUP, guid="q", removed_ids=(9,))
    both = guard_id(DOMAIN, PBX, [GROUP, other]).removeprefix("0-0-0-").split("_")
    alone = [guard_id(DOMAIN, PBX, [one]).removeprefix("0-0-0-") for one in (other, GROUP)]
    assert sorted(alone) == both == sorted(both)
    assert guard_id(DOMAIN, PBX, [other, GROUP]) == guard_id(DOMAIN, PBX, [GROUP, other])


def test_a_sealed_plan_has_its_conflicts_in_order_and_both_names() -> None:
    other = replace(CONFLICT, name="Ada")
    made = sealed(RULE, DOMAIN, PBX, Plan("", (DELETE, UPDATE), (CONFLICT, other)))
    assert made.conflicts == (other, CONFLICT)
    assert made.id == plan_id(RULE, DOMAIN, PBX, [DELETE, UPDATE], [other, CONFLICT])
    assert made.guard_id == guard_id(DOMAIN, PBX, [DELETE, UPDATE])


# --- several plans


def test_the_name_of_several_plans_is_of_all_of_them_in_their_order() -> None:
    one, two = Plan("f00d", (UPDATE,), ()), Plan("beef", (DELETE,), ())
    assert joined_id([one]) == "f00d"
    names = {joined_id(plans) for plans in ([one, two], [two, one], [one, one], [])}
    assert len(names) == 4
    assert all(re.fullmatch("[0-9a-f]{16}", name) for name in names)
    assert joined_id([replace(one, changes=()), two]) == joined_id([one, two])


def test_each_change_and_each_conflict_of_plans_has_a_line_that_names_it() -> None:
    lines = plan_lines([Plan("f00d", (UPDATE, DELETE), (CONFLICT,)), Plan("beef", (GONE,), ())])
    assert [line[8:] for line in lines] == [
        " update 1000 ada",
        " delete 1001 ben",
        " conflict number_missing dot",
        " release 1002 cid",
    ]
    assert all(re.fullmatch("[0-9a-f]{8}", line[:8]) for line in lines)
    other = plan_lines(
        [
            Plan("f00d", (replace(UPDATE, before={"title": "x"}), DELETE), (replace(CONFLICT, message="x"),)),
            Plan("beef", (GONE,), ()),
        ]
    )
    assert [line == changed for line, changed in zip(lines, other, strict=True)] == [False, True, False, True]
