# SPDX-License-Identifier: GPL-3.0-or-later
"""When the guard stops what is dangerous in numbers, and what else of extensions it stops with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.dangers import Danger, find_dangers
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import (
    DEFAULT_LIMIT_PER_GROUP,
    DEFAULT_LIMITS,
    Breach,
    GuardLimits,
    Limit,
    Totals,
    Verdict,
    judge,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Origin, Parked
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    ExtensionChange,
    GroupChange,
    Placement,
    Plan,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan_id import guard_id

from tests.unit.sync_builders import DOMAIN, NOW, PBX

DEFAULT = GuardLimits()
STRICT = Limit(0, 0, 0)
LOOSE = Limit(1000, 100, 1000)
TOTALS = Totals(associated=1000, extensions=1000, members=1000)


def only(*dangers: Danger, allowed: str = "") -> GuardLimits:
    """Limits that stop the first of these dangers and nothing else."""
    return GuardLimits({danger: STRICT if danger in dangers else LOOSE for danger in Danger}, LOOSE, allowed)


def _change(
    action: Action,
    name: str,
    *depends_on: str,
    reason: Reason = Reason.OUT_OF_SCOPE,
    number: str = "1000",
    before: Mapping[str, str] | None = None,
    after: Mapping[str, str] | None = None,
    part: str = "",
) -> ExtensionChange:
    return ExtensionChange(
        action=action,
        guid=name,
        name=name,
        dn="",
        number=number,
        object_id=int(number),
        reason=reason,
        before=before or {},
        after=after or {},
        depends_on=depends_on,
        part=part,
    )


def _plan(*changes: AnyChange) -> Plan:
    return Plan("f00d", changes, (), guard_id="beef")


def _many(count: int, action: Action, reason: Reason = Reason.OUT_OF_SCOPE) -> list[ExtensionChange]:
    return [_change(action, f"u{number}", reason=reason) for number in range(count)]


def _address(name: str, before: str, after: str, *depends_on: str, title: str = "") -> ExtensionChange:
    """An update of an address, and of a title if one is given."""
    return replace(
        _change(
            Action.UPDATE,
            name,
            *depends_on,
            reason=Reason.DIRECTORY_CHANGED,
            before={"email_addr": before, **({"title": "-"} if title else {})},
            after={"email_addr": after, **({"title": title} if title else {})},
        ),
        association=Association(
            name, 1000, "1000", "", name, Origin.CREATED, {"email_addr": after, "title": title or "-"}
        ),
    )


def _renumbered(name: str, *depends_on: str, former: str = "1000", number: str = "1001") -> list[ExtensionChange]:
    release = _change(Action.RELEASE, name, reason=Reason.BOUND_ELSEWHERE, number=former)
    associate = _change(Action.ASSOCIATE, name, release.key, *depends_on, reason=Reason.BOUND_BY_NAME, number=number)
    return [release, associate]


def _dangers(danger: Danger, count: int) -> list[AnyChange]:
    """So many of a danger, and nothing else."""
    names = [f"u{number}" for number in range(count)]
    if danger is Danger.DELETIONS:
        return list(_many(count, Action.DELETE))
    if danger is Danger.RELEASES:
        return list(_many(count, Action.RELEASE))
    if danger is Danger.RENUMBERINGS:
        return [change for name in names for change in _renumbered(name)]
    if danger is Danger.EMAIL_CHANGES:
        return [_address(name, f"{name}@old.test", f"{name}@new.test") for name in names]
    if danger is Danger.MOVES:
        moved = {"organizations": "Leipzig"}
        return [replace(_change(Action.UPDATE, name, after=moved), placement=Placement((), "", 7)) for name in names]
    halves = (count // 2, count - count // 2)
    return [
        GroupChange(
            action=Action.UPDATE,
            guid=f"g{place}",
            name=f"g{place}",
            dn="",
            object_id=place,
            reason=Reason.DIRECTORY_CHANGED,
            removed_ids=tuple(range(half)),
        )
        for place, half in enumerate(halves)
        if half
    ]


def test_the_limits_unless_others_are_given() -> None:
    assert {danger: DEFAULT.of(danger) for danger in Danger} == DEFAULT_LIMITS
    assert DEFAULT_LIMITS[Danger.DELETIONS] == Limit(floor=5, percent=5.0, count=100)
    assert DEFAULT.per_group == DEFAULT_LIMIT_PER_GROUP
    assert DEFAULT.allowed == ""


@pytest.mark.parametrize(
    ("found", "total", "which"),
    [(5, 1, ""), (6, 60, ""), (7, 60, "percent"), (50, 500, ""), (51, 500, "count"), (51, 510, "count")],
)
def test_a_limit_tells_which_of_its_two_sizes_is_exceeded(found: int, total: int, which: str) -> None:
    assert Limit(floor=5, percent=10, count=50).exceeded(found, total) == which


LIMITS = GuardLimits({danger: Limit(3, 10, 8) for danger in Danger}, LOOSE)


@pytest.mark.parametrize("danger", Danger)
@pytest.mark.parametrize(
    ("found", "total", "stops"),
    [
        (0, 0, False),
        (2, 2, False),
        (3, 3, False),
        (4, 0, True),
        (4, 39, True),
        (4, 40, False),
        (4, 41, False),
        (5, 49, True),
        (7, 10_000, False),
        (8, 10_000, False),
        (8, 79, True),
        (9, 10_000, True),
        (9, 9, True),
    ],
)
def test_it_stops_above_the_floor_what_exceeds_the_count_or_the_share(
    danger: Danger, found: int, total: int, stops: bool
) -> None:
    made = _plan(*_dangers(danger, found))
    verdict = judge(made, LIMITS, Totals(total, total, total))
    assert verdict.changes == made.changes
    assert verdict.stopped == ({change.key for change in made.changes} if stops else frozenset())
    assert verdict.breaches == ((Breach(danger, found, total),) if stops else ())


@pytest.mark.parametrize("danger", Danger)
def test_each_share_is_of_its_own_population(danger: Danger) -> None:
    of = {
        Danger.DELETIONS: Totals(associated=100),
        Danger.RELEASES: Totals(associated=100),
        Danger.RENUMBERINGS: Totals(0, extensions=100),
        Danger.MEMBER_REMOVALS: Totals(0, members=100),
        Danger.EMAIL_CHANGES: Totals(0, extensions=100),
        Danger.MOVES: Totals(0, extensions=100),
    }
    limits = GuardLimits({each: Limit(0, 10, 1000) for each in Danger}, LOOSE)
    assert not judge(_plan(*_dangers(danger, 10)), limits, of[danger]).stopped
    assert judge(_plan(*_dangers(danger, 11)), limits, of[danger]).stopped


@pytest.mark.parametrize("danger", Danger)
def test_each_danger_is_counted_and_stopped_by_itself(danger: Danger) -> None:
    # Each danger has its own users.
    everything = {
        each: [replace(change, guid=f"{each}-{change.guid}", depends_on=()) for change in _dangers(each, 2)]
        for each in Danger
    }
    made = _plan(*(change for changes in everything.values() for change in changes))
    verdict = judge(made, only(danger), TOTALS)
    assert verdict.breaches == (Breach(danger, 2, 1000),)
    assert verdict.stopped == {change.key for change in everything[danger]}
    assert verdict.changes == made.changes


@pytest.mark.parametrize("danger", Danger)
def test_what_was_allowed_by_its_part_is_done_and_nothing_else(danger: Danger) -> None:
    everything = {
        each: [replace(change, guid=f"{each}-{change.guid}", depends_on=()) for change in _dangers(each, 2)]
        for each in Danger
    }
    changes = [change for changes in everything.values() for change in changes]
    name = guard_id(DOMAIN, PBX, changes)
    parts = name.split("-")
    assert len(set(parts)) == len(Danger)
    alone = "-".join(part if each is danger else "0" for each, part in zip(Danger, parts, strict=True))
    made = replace(_plan(*changes), guard_id=name)
    verdict = judge(made, only(*Danger, allowed=alone), TOTALS)
    assert {breach.danger for breach in verdict.breaches} == set(Danger) - {danger}
    assert verdict.stopped == {
        change.key for each, found in everything.items() if each is not danger for change in found
    }
    assert judge(made, only(*Danger, allowed=name), TOTALS) == Verdict(made.changes)
    assert len(judge(made, only(*Danger, allowed="f00d"), TOTALS).stopped) == len(changes)


def test_a_limit_of_none_stops_the_first() -> None:
    assert judge(_plan(*_many(1, Action.DELETE)), only(Danger.DELETIONS), TOTALS).stopped == {"delete:u0"}
    assert judge(_plan(), only(Danger.DELETIONS), TOTALS).stopped == frozenset()


def test_an_extension_that_is_gone_already_does_not_count_and_is_not_stopped() -> None:
    gone = _many(50, Action.RELEASE, Reason.EXTENSION_GONE)
    assert judge(_plan(*gone), only(*Danger), Totals(50)).stopped == frozenset()
    verdict = judge(_plan(*gone, _change(Action.DELETE, "ada")), only(*Danger), Totals(51))
    assert verdict.breaches == (Breach(Danger.DELETIONS, 1, 51),)
    assert verdict.stopped == {"delete:ada"}


def test_only_what_is_counted_and_what_needs_it_stop() -> None:
    made = _plan(
        _change(Action.DELETE, "ada"),
        _change(Action.UPDATE, "ben", "delete:ada"),
        _change(Action.UPDATE, "cid"),
        _change(Action.CREATE, "dot", "update:ben"),
        _change(Action.CREATE, "eve", "update:cid"),
    )
    assert judge(made, only(Danger.DELETIONS), Totals(5)).stopped == {"delete:ada", "update:ben", "create:dot"}


# --- renumberings


def test_the_end_of_one_association_and_the_beginning_of_another_are_one_renumbering() -> None:
    made = _plan(*_renumbered("ada"), _change(Action.CREATE, "ben", "associate:ada"), _change(Action.CREATE, "cid"))
    assert not find_dangers(made.changes).releases
    verdict = judge(made, only(Danger.RENUMBERINGS, Danger.RELEASES), TOTALS)
    assert verdict.breaches == (Breach(Danger.RENUMBERINGS, 1, 1000),)
    assert verdict.stopped == {"release:ada", "associate:ada", "create:ben"}


def test_a_user_who_gets_a_new_extension_with_another_number_is_renumbered() -> None:
    gone = _change(Action.RELEASE, "ada", reason=Reason.EXTENSION_GONE)
    deleted = _change(Action.DELETE, "ben", number="2000")
    made = _plan(
        gone,
        deleted,
        _change(Action.CREATE, "ada", number="1001"),
        _change(Action.CREATE, "ben", number="2001"),
    )
    assert len(find_dangers(made.changes).renumberings) == 2
    assert judge(made, only(Danger.RENUMBERINGS), TOTALS).stopped == {change.key for change in made.changes}


def test_a_renumbering_in_two_steps_is_one() -> None:
    release, associate = _renumbered("ada")
    vacate = replace(associate, reason=Reason.ADDRESS_EXCHANGE, part="vacate")
    made = _plan(release, vacate, replace(associate, depends_on=(release.key, vacate.key)))
    verdict = judge(made, only(Danger.RENUMBERINGS), TOTALS)
    assert verdict.breaches == (Breach(Danger.RENUMBERINGS, 1, 1000),)
    assert verdict.stopped == {change.key for change in made.changes}


def test_who_gets_the_same_number_again_or_no_other_is_not_renumbered() -> None:
    made = _plan(
        _change(Action.RELEASE, "ada", reason=Reason.BOUND_ELSEWHERE),
        _change(Action.RELEASE, "ben", number="2000"),
        _change(Action.CREATE, "ben", number="2000"),
    )
    assert not find_dangers(made.changes).renumberings
    assert judge(made, only(Danger.RENUMBERINGS), TOTALS) == Verdict(made.changes)
    assert judge(made, only(Danger.RELEASES), TOTALS).stopped == {"release:ada", "release:ben"}


def test_nobody_loses_their_extension_because_the_other_one_is_not_given_up() -> None:
    leaving = _change(Action.RELEASE, "ada", reason=Reason.NO_LONGER_LISTED)
    ben = _renumbered("ben", leaving.key, former="1001", number="1000")
    cid = _renumbered("cid", ben[0].key, former="1002", number="1001")
    dot = _renumbered("dot", former="1003", number="1004")
    made = _plan(leaving, *(one for pair in (ben, cid, dot) for one in pair))
    verdict = judge(made, only(Danger.RELEASES), TOTALS)
    assert verdict.stopped == {leaving.key, *(change.key for change in (*ben, *cid))}


# --- e-mail addresses


@pytest.mark.parametrize(
    ("action", "before", "after", "counts"),
    [
        (Action.UPDATE, "a@x.test", "b@x.test", True),
        (Action.UPDATE, "a@x.test", "", True),
        (Action.UPDATE, "", "b@x.test", False),
        (Action.ASSOCIATE, "a@x.test", "b@x.test", True),
        (Action.ASSOCIATE, "", "b@x.test", False),
        (Action.CREATE, "", "b@x.test", False),
    ],
)
def test_an_address_that_is_replaced_or_emptied_counts(action: Action, before: str, after: str, counts: bool) -> None:
    change = _change(action, "ada", before={"email_addr": before}, after={"email_addr": after})
    assert find_dangers([change]).count(Danger.EMAIL_CHANGES) == counts
    titled = _change(action, "ada", before={"title": "a"}, after={"title": "b"})
    assert find_dangers([titled, _change(Action.DELETE, "ben", before={"email_addr": before})]).email_changes == []


def test_the_other_fields_of_an_extension_go_on_and_its_address_stays() -> None:
    made = _plan(replace(_address("ada", "a@x.test", "b@x.test", title="Boss"), drift=("email_addr", "title")))
    totals = replace(TOTALS, addresses={"ada": "was@x.test"})
    going_on, stopped = judge(made, only(Danger.EMAIL_CHANGES), totals).changes
    assert (going_on.key, going_on.before, going_on.after) == ("update:ada", {"title": "-"}, {"title": "Boss"})
    assert isinstance(going_on, ExtensionChange)
    assert going_on.drift == ("title",)
    assert going_on.association is not None
    assert going_on.association.written == {"email_addr": "was@x.test", "title": "Boss"}
    assert (stopped.key, stopped.before, stopped.after, stopped.drift) == (
        "update:ada:address",
        {"email_addr": "a@x.test"},
        {"email_addr": "b@x.test"},
        ("email_addr",),
    )


def test_an_extension_is_taken_over_and_keeps_its_address_as_one_that_was_never_written() -> None:
    change = replace(_address("ada", "a@x.test", "b@x.test"), action=Action.ASSOCIATE)
    verdict = judge(_plan(change), only(Danger.EMAIL_CHANGES), TOTALS)
    going_on = verdict.changes[0]
    assert isinstance(going_on, ExtensionChange)
    assert going_on.association is not None
    assert (going_on.after, going_on.association.written) == ({}, {"title": "-"})
    assert verdict.stopped == {"associate:ada:address"}


def test_who_needs_an_address_that_is_not_given_up_waits_and_other_fields_do_not() -> None:
    made = _plan(
        _address("ada", "a@x.test", "new@x.test", title="Boss"),
        _address("ben", "b@x.test", "new2@x.test"),
        _address("cid", "", "A@x.test", "update:ada", title="Clerk"),
        _address("dot", "", "b@x.test", "update:ben"),
        _change(Action.CREATE, "eve", "update:cid", "update:ada", after={"email_addr": "a@x.test"}),
        _change(Action.CREATE, "fay", "update:ada", after={"email_addr": "fay@x.test"}),
    )
    verdict = judge(made, only(Danger.EMAIL_CHANGES), TOTALS)
    found = {change.key: change for change in verdict.changes}
    assert list(found) == [
        "update:ada",
        "update:ada:address",
        "update:ben",
        "update:cid",
        "update:cid:address",
        "update:dot",
        "create:eve",
        "create:fay",
    ]
    assert verdict.stopped == {
        "update:ada:address",
        "update:ben",
        "update:cid:address",
        "update:dot",
        "create:eve",
    }
    assert found["update:cid"].depends_on == ()
    assert found["update:cid:address"].depends_on == ("update:cid", "update:ada:address")
    assert found["update:dot"].depends_on == ("update:ben",)
    assert found["create:eve"].depends_on == ("update:cid", "update:ada:address")
    assert verdict.breaches == (Breach(Danger.EMAIL_CHANGES, 2, 1000),)


def _ring(*, title: str = "") -> list[ExtensionChange]:
    """Ada and Ben exchange their addresses; Ada gives hers up first."""
    vacated = _change(
        Action.UPDATE,
        "ada",
        reason=Reason.ADDRESS_EXCHANGE,
        before={"email_addr": "a@x.test"},
        after={"email_addr": ""},
        part="vacate",
    )
    ben = _address("ben", "b@x.test", "a@x.test", vacated.key, title=title)
    return [vacated, ben, _address("ada", "a@x.test", "b@x.test", ben.key, vacated.key, title=title)]


def test_an_exchange_is_two_changes_and_stops_as_a_whole() -> None:
    made = _plan(*_ring())
    verdict = judge(made, only(Danger.EMAIL_CHANGES), TOTALS)
    assert verdict.breaches == (Breach(Danger.EMAIL_CHANGES, 2, 1000),)
    assert (verdict.changes, verdict.stopped) == (made.changes, {change.key for change in made.changes})


def test_of_an_exchange_that_is_stopped_the_other_fields_go_on() -> None:
    verdict = judge(_plan(*_ring(title="Boss")), only(Danger.EMAIL_CHANGES), TOTALS)
    going_on = {change.key: change for change in verdict.changes if change.key not in verdict.stopped}
    assert {key: (dict(one.after), one.depends_on) for key, one in going_on.items()} == {
        "update:ben": ({"title": "Boss"}, ()),
        "update:ada": ({"title": "Boss"}, ()),
    }
    assert verdict.stopped == {"update:ada:vacate", "update:ben:address", "update:ada:address"}


def test_an_exchange_that_waits_for_what_is_stopped_leaves_everybody_their_address() -> None:
    leaving = _change(Action.RELEASE, "cid", reason=Reason.NO_LONGER_LISTED)
    vacated, ben, ada = _ring(title="Boss")
    taking_over = [
        replace(vacated, action=Action.ASSOCIATE, depends_on=(leaving.key,)),
        replace(ben, depends_on=("associate:ada:vacate",)),
        replace(ada, action=Action.ASSOCIATE, depends_on=(leaving.key, "update:ben", "associate:ada:vacate")),
    ]
    verdict = judge(_plan(leaving, *taking_over), only(Danger.RELEASES), TOTALS)
    assert verdict.stopped == {leaving.key, "associate:ada:vacate", "update:ben:address", "associate:ada"}
    alone = judge(_plan(leaving, *taking_over), only(Danger.EMAIL_CHANGES), TOTALS)
    assert alone.stopped == {"associate:ada:vacate", "update:ben:address", "associate:ada:address"}


def test_an_address_that_a_stopped_deletion_keeps_is_waited_for_and_other_fields_are_not() -> None:
    deleted = _change(Action.DELETE, "ada", before={"email_addr": "a@x.test"})
    ben = _address("ben", "b@x.test", "a@x.test", deleted.key, title="Boss")
    cid = _address("cid", "c@x.test", "b@x.test", ben.key, title="Clerk")
    verdict = judge(_plan(deleted, ben, cid), only(Danger.DELETIONS), TOTALS)
    assert verdict.stopped == {deleted.key, "update:ben:address", "update:cid:address"}
    part = next(change for change in verdict.changes if change.key == "update:cid:address")
    assert part.depends_on == ("update:cid", "update:ben:address")


def test_an_address_and_a_move_of_one_extension_are_stopped_each_for_itself() -> None:
    def moved(title: str) -> ExtensionChange:
        change = _address("ada", "a@x.test", "b@x.test", title=title)
        return replace(
            change,
            before={**change.before, "organizations": "Berlin"},
            after={**change.after, "organizations": "Leipzig"},
            placement=Placement((), "ou-leipzig", 7),
        )

    both = only(Danger.EMAIL_CHANGES, Danger.MOVES)
    verdict = judge(_plan(moved("Boss")), both, TOTALS)
    assert [set(change.after) for change in verdict.changes] == [{"title"}, {"email_addr"}, {"organizations"}]
    assert verdict.stopped == {"update:ada:address", "update:ada:move"}
    verdict = judge(_plan(moved("")), both, TOTALS)
    assert [set(change.after) for change in verdict.changes] == [{"organizations"}, {"email_addr"}]
    assert verdict.stopped == {"update:ada:address", "update:ada"}
    going_on, stopped = judge(_plan(moved("")), only(Danger.EMAIL_CHANGES), TOTALS).changes
    assert isinstance(going_on, ExtensionChange)
    assert isinstance(stopped, ExtensionChange)
    assert (going_on.placement, stopped.placement) == (Placement((), "ou-leipzig", 7), None)


# --- parking


def test_parking_counts_as_a_deletion() -> None:
    made = _plan(_change(Action.PARK, "ada"), _change(Action.DELETE, "ben"), _change(Action.UNPARK, "cid"))
    assert judge(made, only(Danger.RELEASES), TOTALS) == Verdict(made.changes)
    verdict = judge(made, only(Danger.DELETIONS), TOTALS)
    assert verdict.breaches == (Breach(Danger.DELETIONS, 2, 1000),)
    assert verdict.stopped == {"park:ada", "delete:ben"}


@pytest.mark.parametrize("danger", [Danger.EMAIL_CHANGES, Danger.MOVES])
def test_who_is_back_gets_the_extension_back_though_its_address_or_its_place_stays(danger: Danger) -> None:
    parked = Parked(NOW, "drawn", "available")
    back = replace(_address("ada", "a@x.test", "b@x.test"), action=Action.UNPARK, parked=parked)
    if danger is Danger.MOVES:
        back = replace(back, after={"organizations": "Leipzig"}, before={}, placement=Placement((), "", 7))
    going_on, stopped = judge(_plan(back), only(danger), TOTALS).changes
    assert isinstance(going_on, ExtensionChange)
    assert isinstance(stopped, ExtensionChange)
    assert (going_on.key, going_on.after, going_on.parked) == ("unpark:ada", {}, parked)
    assert (stopped.parked, set(stopped.after)) == (None, set(back.after))


# --- the label group


def _label(added: Sequence[str] = (), removed_ids: tuple[int, ...] = ()) -> GroupChange:
    return GroupChange(
        action=Action.UPDATE,
        guid="label",
        name="label",
        dn="",
        object_id=9,
        reason=Reason.LABEL,
        added=tuple(added),
        removed=tuple(str(id_) for id_ in removed_ids),
        removed_ids=removed_ids,
        label=True,
    )


@pytest.mark.parametrize(
    ("label", "goes_on"),
    [
        (_label(["1001"], (1000,)), False),
        (_label(["1001 Ada"]), False),
        (_label((), (1000,)), False),
        (_label(["1001", "1002"], (1000,)), True),
        (_label(["1001"], (1000, 1003)), True),
        (_label(), True),
    ],
)
def test_the_label_group_is_left_alone_where_it_would_only_follow_what_is_stopped(
    label: GroupChange, goes_on: bool
) -> None:
    made = _plan(*_renumbered("ada"), label)
    assert (label in judge(made, only(Danger.RENUMBERINGS), TOTALS).changes) == goes_on


def test_the_label_group_follows_what_goes_on_beside_what_is_stopped() -> None:
    creation = _change(Action.CREATE, "ben", reason=Reason.NEW_USER, number="1005")
    label = _label(["1005 Ben"])
    verdict = judge(_plan(_change(Action.RELEASE, "ada"), creation, label), only(Danger.RELEASES), TOTALS)
    assert verdict.stopped == {"release:ada"}
    assert verdict.changes[1:] == (creation, label)


@pytest.mark.parametrize(
    "group",
    [
        pytest.param(replace(_label((), (1000,)), after={"name": "new"}), id="a label group that gets a name"),
        pytest.param(replace(_label(["1001 Ada"]), label=False), id="a group of the directory"),
    ],
)
def test_a_group_that_does_more_than_follow_is_not_left_out(group: GroupChange) -> None:
    made = _plan(*_renumbered("ada"), group)
    assert group in judge(made, only(Danger.RENUMBERINGS), TOTALS).changes


def test_only_changes_that_take_members_out_count_as_such() -> None:
    leaving = replace(_label((), (1000,)), label=False)
    assert find_dangers([replace(_label(["1001 Ada"]), label=False), leaving]).member_removals == [leaving]
