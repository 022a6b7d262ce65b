# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds of every plan, whatever the directory, the PBX and the ledger look like."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import TypeVar

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.dangers import (
    Danger,
    find_dangers,
    is_deletion,
    is_release,
    is_removal,
    takes_address_away,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import EMAIL
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import GuardLimits, Limit, Verdict, judge
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    REMOVALS,
    Action,
    Change,
    ExtensionChange,
    Plan,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan_id import plan_id
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.removals import deleting_status
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import DeletionProof, NumberFrom, Scope
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from tests.property.sync_strategies import anything, settings_of_a_run
from tests.property.sync_world import Setting, World
from tests.unit.sync_builders import DAY, NOW

Item = TypeVar("Item")

# Examples are not shrunk: it takes minutes for settings of this size, and a plan says well enough what it does.
_WRITES = {Action.UPDATE, Action.PARK, Action.UNPARK}

steady = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=150,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@steady
@given(anything())
def test_a_plan_never_breaks_uniqueness_or_touches_what_is_not_its_own(setting: Setting) -> None:
    World.of(setting).run(setting)


@steady
@given(anything())
def test_a_change_comes_after_all_it_depends_on(setting: Setting) -> None:
    made = World.of(setting).plan(setting)
    keys = [change.key for change in made.changes]
    assert len(set(keys)) == len(keys)
    for place, change in enumerate(made.changes):
        assert set(change.depends_on) <= set(keys[:place])
        assert len(set(change.depends_on)) == len(change.depends_on)


@steady
@given(anything())
def test_a_second_run_has_nothing_to_do(setting: Setting) -> None:
    world = World.of(setting)
    world.run(setting)
    again = world.plan(setting)
    assert again.changes == ()
    assert again.refreshed == ()


@steady
@given(anything())
def test_what_was_read_is_where_each_change_starts_from(setting: Setting) -> None:
    by_id = {extension.id: extension for extension in setting.pbx.extensions}
    for change in World.of(setting).plan(setting).changes:
        held = by_id.get(change.object_id or 0)
        if held is None:
            assert change.before == {}
            continue
        assert change.number == held.number
        assert change.before == {name: held.fields[name] for name in change.before}
        if change.action not in REMOVALS:
            assert change.before.keys() == change.after.keys()


@steady
@given(settings_of_a_run())
def test_no_number_is_given_twice_and_a_resting_one_to_nobody_else(setting: Setting) -> None:
    made = World.of(setting).plan(setting)
    created = [change for change in made.changes if change.action is Action.CREATE]
    numbers = [change.number for change in created]
    assert len(set(numbers)) == len(numbers)
    of_others = {held.number: held.guid for held in setting.associations}
    ended = {change.guid for change in made.changes if change.action in REMOVALS}
    rested = NOW - setting.rule.number_rest_days * DAY
    resting = {one.number: one.guid for one in setting.retired if one.since > rested}
    for change in created:
        owner = of_others.get(change.number, change.guid)
        assert owner == change.guid or (setting.rule.number_from is NumberFrom.ATTRIBUTE and owner in ended)
        if setting.rule.number_from is NumberFrom.START and change.reason is Reason.NEW_USER:
            assert resting.get(change.number, change.guid) == change.guid
            assert change.number in resting or int(change.number) <= setting.rule.number_end


@steady
@given(anything())
def test_an_association_that_goes_on_keeps_its_number_and_its_extension(setting: Setting) -> None:
    made = World.of(setting).plan(setting)
    ended = {change.guid for change in made.changes if change.action in REMOVALS}
    held = {one.guid: one for one in setting.associations if one.guid not in ended}
    numbers = {extension.id: extension.number for extension in setting.pbx.extensions}
    for change in made.changes:
        if change.guid in held:
            assert change.number in (held[change.guid].number, numbers.get(change.object_id or 0))
            assert isinstance(change, ExtensionChange)
            assert change.association is not None
            assert change.association.number == change.number
            assert change.action in (_WRITES if held[change.guid].extension_id in numbers else {Action.CREATE})
    for association in made.refreshed:
        assert isinstance(association, Association)
        assert association.number == numbers[association.extension_id]
        assert association.extension_id == held[association.guid].extension_id


@steady
@given(settings_of_a_run())
def test_with_two_steps_nothing_is_deleted_before_it_was_parked_for_as_long_as_was_asked(setting: Setting) -> None:
    days = setting.rule.park_days
    assume(days)
    parked = {one.guid: one.parked.since for one in setting.associations if one.parked}
    for change in World.of(setting).plan(setting).changes:
        if change.action is Action.DELETE:
            assert NOW - parked[change.guid] >= days * DAY
        if change.action is Action.PARK:
            assert change.guid not in parked


@steady
@given(settings_of_a_run(), st.booleans())
def test_an_extension_can_be_used_as_before_once_its_association_is_no_longer_parked(
    setting: Setting, shows_names: bool
) -> None:
    world = World.of(setting, shows_names=shows_names)
    was = {one.extension_id: one.parked for one in setting.associations if one.parked}
    world.run(setting)
    still = {one.extension_id for one in world.associations.values() if one.parked}
    for extension in world.extensions.values():
        parked = was.get(extension.id)
        if parked is not None and extension.id not in still:
            assert extension.presence == parked.presence
            assert extension.registration_name == (parked.registration_name if shows_names else None)


@steady
@given(anything(), st.randoms(use_true_random=False))
def test_the_order_in_which_either_side_answers_changes_nothing(setting: Setting, random: Random) -> None:
    shuffled = _shuffled(setting, random)
    made, other = World.of(setting).plan(setting), World.of(shuffled).plan(shuffled)
    assert made == other


def _shuffled(setting: Setting, random: Random) -> Setting:
    def mixed(items: tuple[Item, ...]) -> tuple[Item, ...]:
        return tuple(random.sample(items, len(items)))

    directory = replace(
        setting.directory, users=mixed(setting.directory.users), outside=mixed(setting.directory.outside)
    )
    return replace(setting, directory=directory, pbx=replace(setting.pbx, extensions=mixed(setting.pbx.extensions)))


@steady
@given(settings_of_a_run())
def test_who_is_in_scope_and_in_good_standing_keeps_their_extension(setting: Setting) -> None:
    directory = setting.directory
    good = {person.guid for person in directory.users if deleting_status(person, setting.rule, directory) is None}
    made = World.of(setting).plan(setting)
    given_another = {change.guid for change in made.changes if change.action is Action.ASSOCIATE}
    for change in made.changes:
        if change.action in REMOVALS and change.guid in good:
            assert setting.rule.scope is Scope.USERS
            assert change.action is Action.RELEASE
            assert change.reason in (Reason.BOUND_ELSEWHERE, Reason.EXTENSION_GONE)
            assert directory.bindings[change.guid] != change.number
            assert change.reason is Reason.EXTENSION_GONE or change.guid in given_another


@steady
@given(settings_of_a_run())
def test_absence_alone_removes_nobody_unless_it_is_asked_for(setting: Setting) -> None:
    setting = replace(setting, rule=replace(setting.rule, deletion_proof=DeletionProof.TOMBSTONE))
    made = World.of(setting).plan(setting)
    assert not [change for change in made.changes if change.guid in setting.directory.missing]


@steady
@given(anything(), anything())
def test_equal_plans_have_equal_ids_and_others_have_others(one: Setting, other: Setting) -> None:
    first, again, second = (World.of(setting).plan(setting) for setting in (one, one, other))
    assert first.id == again.id
    same = (one.rule, first.changes, first.conflicts) == (other.rule, second.changes, second.conflicts)
    assert (first.id == second.id) is same
    if first.changes:
        fewer = plan_id(one.rule, one.directory.domain, one.pbx.identity, first.changes[1:], first.conflicts)
        assert fewer != first.id


_OF_USERS = (Danger.DELETIONS, Danger.RELEASES, Danger.RENUMBERINGS, Danger.EMAIL_CHANGES)


@steady
@given(anything(), st.frozensets(st.sampled_from(_OF_USERS), min_size=1))
def test_what_the_guard_stops_harms_nothing_and_can_be_allowed_later(
    setting: Setting, stops: frozenset[Danger]
) -> None:
    undisturbed = World.of(setting)
    made = undisturbed.run(setting)
    world = World.of(setting)
    verdict = judge(made, _limits(stops), world.totals())
    assert {breach.danger for breach in verdict.breaches} == {
        danger for danger in stops if find_dangers(made.changes).count(danger)
    }
    _nothing_is_lost_or_added(made, verdict)
    _only_what_must_stops(made, verdict, stops)
    assume(verdict.stopped)
    world.apply(verdict.changes, verdict.stopped, made.refreshed)
    _what_is_stopped_did_not_happen(setting, made, world, stops)
    _nobody_lost_their_address(setting, world)
    later = world.plan(setting)
    _a_danger_is_allowed_by_its_part_alone(made, later, world, stops)
    allowed = judge(later, _limits(stops, made.guard_id), world.totals())
    assert allowed == Verdict(later.changes)
    world.apply(later.changes, refreshed=later.refreshed)
    assert world.outcome() == undisturbed.outcome()


def _limits(stops: frozenset[Danger], allowed: str = "") -> GuardLimits:
    """Limits that let nothing through of these dangers, and everything of the others."""
    limits = {danger: Limit(0, 0, 0) if danger in stops else Limit(1000, 100, 1000) for danger in Danger}
    return GuardLimits(limits, allowed=allowed)


def _nothing_is_lost_or_added(made: Plan, verdict: Verdict) -> None:
    """What was taken apart is together what was planned."""
    keys = [change.key for change in verdict.changes]
    assert len(set(keys)) == len(keys)
    assert verdict.stopped <= set(keys)
    for place, change in enumerate(verdict.changes):
        assert set(change.depends_on) <= set(keys[:place])
    for change in made.changes:
        parts = [part for part in verdict.changes if part.key in (change.key, f"{change.key}:address")]
        assert {name: value for part in parts for name, value in part.after.items()} == change.after
        assert {name: value for part in parts for name, value in part.before.items()} == change.before
        assert {name for part in parts for name in part.drift} == set(change.drift)
        assert sum(len(part.after) for part in parts) == len(change.after)


def _only_what_must_stops(made: Plan, verdict: Verdict, stops: frozenset[Danger]) -> None:
    """What is dangerous stops, and what needs that; all else goes on."""
    pairs = find_dangers(made.changes).renumberings
    partners = {one.ending.key: one.beginning.key for one in pairs}
    partners |= {beginning: ending for ending, beginning in partners.items()}

    def is_dangerous(change: Change) -> bool:
        return (
            (Danger.DELETIONS in stops and is_deletion(change))
            or (Danger.RELEASES in stops and is_release(change) and change.key not in partners)
            or (Danger.RENUMBERINGS in stops and change.key in partners)
            or (Danger.EMAIL_CHANGES in stops and takes_address_away(change))
        )

    for change in verdict.changes:
        waits = bool(verdict.stopped.intersection(change.depends_on))
        if change.key in verdict.stopped:
            assert is_dangerous(change) or waits or partners.get(change.key) in verdict.stopped
        else:
            assert not is_dangerous(change)
            assert not waits


def _what_is_stopped_did_not_happen(setting: Setting, made: Plan, world: World, stops: frozenset[Danger]) -> None:
    numbers = {extension.id: extension.number for extension in setting.pbx.extensions}
    ended = [one for one in setting.associations if one.guid not in world.associations]
    removals = {change.guid: change for change in made.changes if is_removal(change)}
    if Danger.DELETIONS in stops:
        assert numbers.keys() <= world.extensions.keys()
        parked = {one.guid for one in setting.associations if one.parked}
        assert {one.guid for one in world.associations.values() if one.parked} <= parked
    if Danger.RELEASES in stops:
        assert not [one for one in ended if one.guid in removals and is_release(removals[one.guid])]
    if Danger.RENUMBERINGS in stops:
        for one in setting.associations:
            present = world.associations.get(one.guid)
            assert present is None or present.number in (one.number, numbers.get(one.extension_id))
    if Danger.EMAIL_CHANGES in stops:
        for extension in setting.pbx.extensions:
            if extension.fields[EMAIL] and extension.id in world.extensions:
                assert world.extensions[extension.id].fields[EMAIL] == extension.fields[EMAIL]


def _a_danger_is_allowed_by_its_part_alone(made: Plan, later: Plan, world: World, stops: frozenset[Danger]) -> None:
    """The part of one danger of the former plan's name lets that one through, and no other."""
    parts = made.guard_id.split("-")
    for place, danger in enumerate(Danger):
        if place < len(parts) and parts[place] != "0":
            alone = "-".join([*("0" for _part in parts[:place]), parts[place]])
            verdict = judge(later, _limits(stops, alone), world.totals())
            if danger in stops:
                assert {breach.danger for breach in verdict.breaches} == {
                    other for other in stops if other is not danger and find_dangers(later.changes).count(other)
                }
            else:
                assert verdict == judge(later, _limits(stops), world.totals())


def _nobody_lost_their_address(setting: Setting, world: World) -> None:
    """A run that was stopped half-way leaves nobody without the address they had and still should have."""
    wanting = {person.guid for person in setting.directory.users if person.attributes.get("mail")}
    before = {extension.id: extension.fields[EMAIL] for extension in setting.pbx.extensions}
    for association in world.associations.values():
        extension = world.extensions.get(association.extension_id)
        if association.guid in wanting and extension is not None and before.get(extension.id):
            assert extension.fields[EMAIL], f"{association.guid} lost the address"


@steady
@given(anything(), st.integers(0, 20))
def test_one_change_that_fails_stops_what_needs_it_and_the_next_run_makes_up_for_it(
    setting: Setting, place: int
) -> None:
    undisturbed = World.of(setting)
    made = undisturbed.run(setting)
    assume(made.changes)
    failing = made.changes[place % len(made.changes)]
    world = World.of(setting)
    world.apply(made.changes, _with_dependents(made.changes, {failing.key}), made.refreshed)
    world.run(setting)
    assert world.outcome() == undisturbed.outcome()


def _with_dependents(changes: Iterable[Change], keys: set[str]) -> set[str]:
    """The keys and those of every change that depends on one of them, directly or not."""
    stopped = set(keys)
    for change in changes:
        if stopped.intersection(change.depends_on):
            stopped.add(change.key)
    return stopped


@steady
@given(anything(), st.integers(1, 12), st.dictionaries(st.integers(0, 11), st.booleans(), max_size=3), st.booleans())
def test_a_run_cut_off_anywhere_is_completed_by_the_next(
    setting: Setting, end: int, unanswered: dict[int, bool], shows_names: bool
) -> None:
    undisturbed = World.of(setting, shows_names=shows_names)
    made = undisturbed.run(setting)
    assume(made.changes)
    world = World.of(setting, shows_names=shows_names)
    world.run_cut_off(setting, end, {end - 1: True, **unanswered})
    again = world.run(setting)
    assert world.outcome() == undisturbed.outcome()
    drift = {(change.guid, name) for change in made.changes for name in change.drift}
    assert {(change.guid, name) for change in again.changes for name in change.drift} <= drift
    assert world.plan(setting).changes == ()
