# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds of organizations, extension groups and who is in them, whatever both sides' administrators do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.conflicts import ConflictCode
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.dangers import Danger
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import EMAIL
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import (
    GuardLimits,
    Limit,
    Totals,
    judge,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.label import LABEL
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.naming import told_apart
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, Plan, Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import State
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import DeletionProof, RuleKind, SyncTo
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.property.tree_strategies import Scenario, do, scenarios
from tests.property.tree_world import ROOT, Fate, PbxGroup, Run, Site

# Examples are not shrunk: it takes minutes for scenarios of this size, and they say well enough what they do.
steady = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=150,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

# Where a place or a layer is lacking, what one run frees is the next one's; so is the name of a group of another rule.
_LACKING = {ConflictCode.NO_ROOM.value, ConflictCode.TOO_DEEP.value}

_HARMLESS = (Reason.EXTENSION_GONE, Reason.OBJECT_GONE, Reason.HANDED_OVER, Reason.LABEL_ENDED)
_CUTS = 5
_RUNS_TO_REST = 6


@steady
@given(scenarios, st.integers(0, 1000))
def test_every_run_does_what_was_promised_and_the_next_has_nothing_to_do(scenario: Scenario, seed: int) -> None:
    site = scenario.begin()
    for steps in scenario.rounds:
        do(site, steps)
        start = site.copy()
        runs = [_run_and_look(site, kind, seed) for kind in site.order]
        _look_at_the_end(start, site, runs)
        _look_at_the_next(site, runs)


@steady
@given(scenarios, st.integers(0, 500), st.booleans(), st.booleans())
def test_a_run_cut_off_anywhere_is_completed_by_the_next(
    scenario: Scenario, first: int, is_done: bool, is_lost: bool
) -> None:
    start = _before_the_last_run(scenario)
    # A new rule of units is what users go by from the first run of units on, whenever that comes.
    is_settled = start.saved_unit_rule in (None, start.units)
    _look_at_runs_cut_off(start, Fate(first, is_done, is_lost), together=False, is_settled=is_settled)


@steady
@given(scenarios)
def test_one_run_of_all_kinds_does_what_one_run_after_the_other_does(scenario: Scenario) -> None:
    start = _before_the_last_run(scenario)
    start.saved_unit_rule = start.units
    together, apart = start.copy(), start.copy()
    shown = [made.id for made in start.plan_together(start.pbx.snapshot(with_groups=True))]
    runs = together.run_together()
    apart.run_all()
    assert [run.plan.id for run in runs] == shown
    assert together.pbx.refusals == []
    assert {outcome.state for run in runs for outcome in run.outcomes} <= {State.DONE}
    _look_at_the_same_end(together, apart, start)


@steady
@given(scenarios, st.integers(0, 500), st.booleans(), st.booleans())
def test_one_run_of_all_kinds_cut_off_anywhere_is_completed_by_the_next(
    scenario: Scenario, first: int, is_done: bool, is_lost: bool
) -> None:
    start = _before_the_last_run(scenario)
    start.saved_unit_rule = start.units
    _look_at_runs_cut_off(start, Fate(first, is_done, is_lost), together=True, is_settled=True)


_ONE_GROUP = "member_removals_per_group"
_STOPS = (*Danger, _ONE_GROUP)


@steady
@given(scenarios, st.one_of(st.just(frozenset(_STOPS)), st.frozensets(st.sampled_from(_STOPS), min_size=1)))
def test_the_guard_stops_what_takes_something_away_and_nothing_else_until_it_is_allowed(
    scenario: Scenario, stops: frozenset[str]
) -> None:
    site = _before_the_last_run(scenario)
    start = site.copy()
    guarded = [_look_at_a_guarded_run(site, kind, stops) for kind in site.order]
    calm = site.copy()
    again = [calm.run(kind, _limits(stops)) for kind in calm.order]
    assert not any(run.calls for run in again) or any(_may_wait(site, run) for run in (*guarded, *again))
    for kind in site.order:
        allowed = site.plan(kind).guard_id
        run = _run_and_look(site, kind, limits=replace(_limits(stops), allowed=allowed))
        assert run.verdict.stopped == frozenset()
    for _time in range(_RUNS_TO_REST):
        runs = [_run_and_look(site, kind) for kind in site.order]
    assert not any(run.calls for run in runs)
    _look_at_the_end(start, site, runs)


def _look_at_runs_cut_off(start: Site, fate: Fate, *, together: bool, is_settled: bool) -> None:
    """Whatever befalls a run, and wherever, the next ones end where they would have ended without it.

    :param fate: the first of the steps at which it happens; others follow at even distances.
    :param is_settled: whether the end can be told beforehand as far as the rules are concerned.
    """
    undisturbed, counted = start.copy(), Fate()
    start.copy().run_all_cut_off(counted, together=together)
    is_settled = _come_to_rest(undisturbed) and is_settled
    # What an administrator gave becomes the synchronization's gift if it is the user's while a nearer one is lacking.
    given = {place for places in start.given_by_hand.values() for place in places}
    is_settled = is_settled and given.isdisjoint(_objects(start, ObjectKind.ORGANIZATION))
    # Which values are the smallest depends on which users have come already.
    is_settled = is_settled and (_is_tree(start) or not start.units.hierarchy_from)
    for place in range(_CUTS):
        site = start.copy()
        at = (fate.at + place * counted.steps // _CUTS) % (counted.steps + 1)
        site.run_all_cut_off(Fate(at, fate.is_done, fate.is_lost), together=together)
        if fate.is_lost:
            # The run went on without knowing whether an extension, or the former one of a group made anew, is gone.
            site.pbx.refusals.clear()
        _come_to_rest(site)
        assert site.pbx.refusals == []
        if is_settled:
            _look_at_the_same_end(site, undisturbed, start)


def _before_the_last_run(scenario: Scenario) -> Site:
    site = scenario.begin()
    *former, last = scenario.rounds
    for steps in former:
        do(site, steps)
        for _time in range(_RUNS_TO_REST):
            for kind in site.order:
                before = site.copy()
                site.run(kind)
                _note_what_is_given(before, site, kind)
        site.tidy()
    do(site, last)
    return site


def _come_to_rest(site: Site) -> bool:
    """Run until there is nothing left to do; tell whether nothing had to wait for a place or a name of another's."""
    waited = False
    for _time in range(_RUNS_TO_REST):
        runs = site.run_all()
        waited = waited or any(_may_wait(site, run) for run in runs)
        if not any(run.plan.changes or run.plan.refreshed for run in runs):
            return not waited
    raise AssertionError("it does not come to rest")


def _look_at_the_same_end(site: Site, other: Site, start: Site) -> None:
    found, wanted = _outcome(site, start), _outcome(other, start)
    for what, things in found.items():
        differing = {
            key: (things.get(key), wanted[what].get(key))
            for key in things.keys() | wanted[what].keys()
            if things.get(key) != wanted[what].get(key)
        }
        assert not differing, f"{what}: {differing}"


def _outcome(site: Site, start: Site) -> dict[str, dict[Any, object]]:
    """What two sites have in common that are the same but for the ids of what was made since the start."""
    pbx = site.pbx

    def spelled(name: str) -> str:
        # Which of several spellings of a value is kept depends on who had it when it was first seen.
        return name.casefold() if site.units.hierarchy_from else name

    def path(id_: int) -> str:
        one = pbx.organizations.get(id_)
        return f"{path(one.parent_id)}/{spelled(one.name)}" if one else ""

    def number(id_: int) -> str:
        return pbx.extensions[id_].number if id_ in pbx.extensions else ""

    keeps_ids = pbx.renames == "accepted"
    return {
        "organizations": {path(id_): id_ if id_ in start.pbx.organizations else 0 for id_ in pbx.organizations},
        "extensions": {
            one.number: (one.fields, sorted(path(place) for place in pbx.organizations_of(id_)))
            for id_, one in pbx.extensions.items()
        },
        "groups": {
            spelled(group.name): (
                id_ if keeps_ids and id_ in start.pbx.groups else 0,
                {number(one): role for one, role in group.members.items()},
                group.flags,
            )
            for id_, group in pbx.groups.items()
        },
        "users": {
            one.guid: (
                number(one.extension_id),
                path(one.organization_id),
                replace(one, extension_id=0, organization_id=0),
            )
            for one in site.ledger.associations()
        },
        "objects": {
            (one.kind, one.guid): (
                path(one.object_id)
                if one.kind is ObjectKind.ORGANIZATION
                else spelled(pbx.groups.get(one.object_id, PbxGroup("")).name),
                path(one.parent_id),
                sorted(number(member) for member in one.members),
                replace(one, object_id=0, parent_id=0, members=(), name=spelled(one.name)),
            )
            for one in site.ledger.object_associations()
        },
    }


def _look_at_a_guarded_run(site: Site, kind: RuleKind, stops: frozenset[str]) -> Run:
    before, limits = site.copy(), _limits(stops)
    run = site.run(kind, limits)
    _note_what_is_given(before, site, kind)
    assert site.pbx.refusals == []
    assert {outcome.state for outcome in run.outcomes} <= {State.DONE, State.STOPPED}
    keys = [change.key for change in run.verdict.changes]
    assert len(set(keys)) == len(keys)
    _look_at_ends_that_are_stopped(before, site, run, stops)
    _look_at_extensions_that_stay(before, site, stops)
    if stops & {Danger.MEMBER_REMOVALS, _ONE_GROUP}:
        _look_at_members_that_stay(before, site, run)
    again = site.plan(kind)
    assert not judge(again, replace(limits, allowed=run.plan.guard_id), Totals(0)).stopped
    return run


def _look_at_ends_that_are_stopped(before: Site, site: Site, run: Run, stops: frozenset[str]) -> None:
    ended = before.ledger.held.keys() - site.ledger.held.keys()
    actions = {
        (change.kind, change.guid): change.action for change in run.plan.changes if change.reason not in _HARMLESS
    }
    if Danger.DELETIONS in stops:
        assert not [key for key in ended if actions.get(key) is Action.DELETE]
        assert before.pbx.organizations.keys() <= site.pbx.organizations.keys()
        assert before.pbx.extensions.keys() <= site.pbx.extensions.keys()
    if Danger.RELEASES in stops:
        assert not [key for key in ended if actions.get(key) is Action.RELEASE]


def _look_at_extensions_that_stay(before: Site, site: Site, stops: frozenset[str]) -> None:
    for one in before.ledger.associations():
        if one.extension_id not in site.pbx.extensions or one.extension_id not in before.pbx.extensions:
            continue
        if Danger.MOVES in stops:
            given = {one.organization_id} & before.pbx.organizations_of(one.extension_id)
            assert given <= site.pbx.organizations_of(one.extension_id)
        address = before.pbx.extensions[one.extension_id].fields[EMAIL]
        if Danger.EMAIL_CHANGES in stops and address:
            assert site.pbx.extensions[one.extension_id].fields[EMAIL] == address


def _limits(stops: frozenset[str]) -> GuardLimits:
    """Limits that let nothing through of these dangers."""
    none, plenty = Limit(0, 0, 0), Limit(1000, 100, 1000)
    limits = {danger: none if danger in stops else plenty for danger in Danger}
    return GuardLimits(limits, none if _ONE_GROUP in stops else plenty)


def _look_at_members_that_stay(before: Site, after: Site, run: Run) -> None:
    outcomes = [outcome for outcome in run.outcomes if outcome.state is State.DONE]
    made_anew = {one.change.object_id: one.object_id for one in outcomes if one.object_id != one.change.object_id}
    for one in before.ledger.object_associations():
        if one.kind is ObjectKind.EXTENSION_GROUP and one.object_id in before.pbx.groups and one.guid != LABEL:
            present = one.object_id
            while present not in after.pbx.groups and present in made_anew:
                present = made_anew[present] or 0
            if present in after.pbx.groups:
                members = before.pbx.groups[one.object_id].members.keys() & after.pbx.extensions.keys()
                assert members <= after.pbx.groups[present].members.keys()


def _run_and_look(site: Site, kind: RuleKind, seed: int = 0, limits: GuardLimits | None = None) -> Run:
    before = site.copy()
    mixed = site.plan(kind, Random(seed))  # noqa: S311 (nothing is kept secret by it)
    run = site.run(kind, limits)
    assert mixed == run.plan, "the plan depends on the order of what was read"
    _look_at_the_plan(run.plan)
    assert site.pbx.refusals == [], f"{[(one.key, one.before, one.after) for one in run.plan.changes]}"
    assert {outcome.state for outcome in run.outcomes} <= {State.DONE}
    _look_at_what_is_nobodys(before, site, run)
    _look_at_what_stays(before, site, run)
    _note_what_is_given(before, site, kind)
    return run


def _look_at_the_plan(plan: Plan) -> None:
    keys = [change.key for change in plan.changes]
    assert len(set(keys)) == len(keys)
    for place, change in enumerate(plan.changes):
        assert set(change.depends_on) <= set(keys[:place]), change.key
        assert len(set(change.depends_on)) == len(change.depends_on)


# --- what no association names


def _objects(site: Site, kind: ObjectKind) -> set[int]:
    if kind is ObjectKind.EXTENSION:
        return {one.extension_id for one in site.ledger.associations()}
    own = [one for one in site.ledger.object_associations() if one.kind is kind]
    return {one.object_id for one in own} | {one.leftover_id for one in own}


def _look_at_what_is_nobodys(before: Site, after: Site, run: Run) -> None:
    def nobodys(kind: ObjectKind, everything: Iterable[int]) -> list[int]:
        taken = {change.object_id for change in run.plan.changes if change.action is Action.ASSOCIATE}
        owned = _objects(before, kind) | _objects(after, kind) | taken
        return [id_ for id_ in everything if id_ not in owned]

    for id_ in nobodys(ObjectKind.ORGANIZATION, before.pbx.organizations):
        if id_ != ROOT or not before.units.company_name:
            assert after.pbx.organizations[id_] == before.pbx.organizations[id_]
    for id_ in nobodys(ObjectKind.EXTENSION_GROUP, before.pbx.groups):
        present = before.pbx.groups[id_]
        left = {one: role for one, role in present.members.items() if one in after.pbx.extensions}
        assert after.pbx.groups[id_] == replace(present, members=left)
    for id_ in nobodys(ObjectKind.EXTENSION, before.pbx.extensions):
        was, present_extension = before.pbx.extensions[id_], after.pbx.extensions[id_]
        assert (present_extension.number, present_extension.fields) == (was.number, was.fields)
        assert after.pbx.organizations_of(id_) == before.pbx.organizations_of(id_)


# --- what stays what it is


def _look_at_what_stays(before: Site, after: Site, run: Run) -> None:
    told = {outcome.change.guid for outcome in run.outcomes if "made anew" in outcome.detail}
    was = {(one.kind, one.guid): one for one in before.ledger.object_associations()}
    for one in after.ledger.object_associations():
        held = was.get((one.kind, one.guid))
        if held is None:
            continue
        if one.kind is ObjectKind.ORGANIZATION and held.object_id in before.pbx.organizations:
            assert one.object_id == held.object_id
        if one.kind is ObjectKind.EXTENSION_GROUP and held.object_id in before.pbx.groups:
            assert one.object_id == held.object_id or one.guid in told
            _look_at_roles(before.pbx.groups[held.object_id], after.pbx.groups[one.object_id])
    in_scope = {
        (ObjectKind.ORGANIZATION, RuleKind.ORGANIZATIONAL_UNITS): _units_wanted(after),
        (ObjectKind.EXTENSION_GROUP, RuleKind.ORGANIZATIONAL_UNITS): _leaves_wanted(after),
        (ObjectKind.EXTENSION_GROUP, RuleKind.GROUPS): after.directory.groups_taken_in(),
    }
    for (kind, rule), guids in in_scope.items():
        assert before.ledger.own(kind, rule).keys() & guids <= after.ledger.own(kind, rule).keys()


def _look_at_roles(before: PbxGroup, after: PbxGroup) -> None:
    assert after.flags == before.flags
    stayed = before.members.keys() & after.members.keys()
    assert {one: after.members[one] for one in stayed} == {one: before.members[one] for one in stayed}


def _note_what_is_given(before: Site, after: Site, kind: RuleKind) -> None:
    """Take note of what an administrator has given, and no longer has.

    An organization that was released is where its extensions were put by hand, as it were; one that is a unit's, and so
    the user's by right, the synchronization has given from then on.
    """
    own, was = _objects(after, ObjectKind.ORGANIZATION), _objects(before, ObjectKind.ORGANIZATION)
    released = (was - own) & after.pbx.organizations.keys()
    held = {one.guid: one.extension_id for one in before.ledger.associations()}
    in_force = replace(after, units=after.saved_unit_rule or after.units) if kind is RuleKind.USERS else after
    for one in after.ledger.associations():
        id_ = one.extension_id
        if id_ not in after.pbx.extensions:
            continue
        given = after.given_by_hand.setdefault(id_, set())
        if held.get(one.guid) != id_ and id_ in before.pbx.extensions:
            places = before.pbx.organizations_of(id_)
            given |= places if places != {ROOT} else set()
        if id_ in before.pbx.extensions:
            kept = before.pbx.organizations_of(id_) & released
            assert kept <= after.pbx.organizations_of(id_), "a released organization lost an extension"
            given |= kept
        after.given_by_hand[id_] = given & after.pbx.organizations.keys() - {_home(in_force, one.guid)}


# --- what is wanted


def _is_tree(site: Site) -> bool:
    return site.units.sync_to is SyncTo.ORGANIZATION


def _levels(site: Site, department: str) -> list[str]:
    """The units of a value, from the top."""
    separator = site.units.hierarchy_separator
    parts = department.split(separator) if separator else [department]
    names = [" ".join(part.split()) for part in parts]
    names = [name.casefold() for name in names if name]
    return [f"department:{separator.join(names[: place + 1])}" for place in range(len(names))]


def _known_people(site: Site) -> set[str]:
    associated = {one.guid for one in site.ledger.associations()}
    return {guid for guid in associated & site.directory.people.keys() if not site.directory.people[guid].hidden}


def _units_in_scope(site: Site) -> set[str]:
    if site.units.hierarchy_from:
        people = site.directory.people
        return {unit for guid in _known_people(site) for unit in _levels(site, people[guid].department)}
    return site.directory.units_taken_in()


def _units_wanted(site: Site) -> set[str]:
    return _units_in_scope(site) if _is_tree(site) else set()


def _leaves_wanted(site: Site) -> set[str]:
    if _is_tree(site):
        return set()
    units = _units_in_scope(site)
    # What is above a unit that is not shown is none of the smallest either.
    own = [one for one in site.ledger.object_associations() if one.rule is RuleKind.ORGANIZATIONAL_UNITS]
    hidden = site.directory.read_units(site.units, site.ledger.associations(), own).hidden
    return units - {above for unit in units for above in _above(site, unit)} - set(hidden.values())


def _above(site: Site, unit: str) -> list[str]:
    """What is above a unit, the nearest first."""
    found: list[str] = []
    if site.units.hierarchy_from:
        separator = site.units.hierarchy_separator
        names = unit.partition(":")[2].split(separator) if separator else [unit]
        return [f"department:{separator.join(names[:length])}" for length in range(len(names) - 1, 0, -1)]
    while above := site.directory.units[unit].parent:
        found.append(above)
        unit = above
    return found


def _lowest(site: Site, guid: str) -> list[str]:
    """The units that a user is in, the nearest first."""
    person = site.directory.people.get(guid)
    if person is None:
        return []
    if site.units.hierarchy_from:
        return list(reversed(_levels(site, person.department)))
    return [person.unit, *_above(site, person.unit)] if person.unit else []


def _bearing(site: Site) -> dict[str, int]:
    """The organizations that the synchronization keeps, by the units that they are of."""
    in_scope = _units_wanted(site)
    held = site.ledger.own(ObjectKind.ORGANIZATION)
    return {
        guid: one.object_id
        for guid, one in held.items()
        if one.object_id in site.pbx.organizations and (guid in in_scope or _is_kept(site, guid, one.object_id))
    }


def _is_kept(site: Site, guid: str, organization_id: int) -> bool:
    """Whether nothing proves that a unit is gone."""
    if site.units.deletion_proof is DeletionProof.ABSENCE:
        return False
    if site.units.hierarchy_from:
        associations = site.ledger.associations()
        missing = {one.guid for one in associations} - _known_people(site) - site.directory.deleted
        given = {one.organization_id for one in associations if one.guid in missing}
        return not given.isdisjoint(site.pbx.subtree(organization_id))
    return guid in site.directory.units and site.directory.units[guid].hidden


def _home(site: Site, guid: str) -> int:
    """The organization of the nearest synchronized unit above a user; 0 for none."""
    bearing = _bearing(site)
    return next((bearing[unit] for unit in _lowest(site, guid) if unit in bearing), 0)


# --- what must be true after the last of the three runs


def _look_at_the_end(start: Site, site: Site, runs: Sequence[Run]) -> None:
    by_kind = {run.kind: run.plan for run in runs}
    named = {kind: {one.guid for one in plan.conflicts} for kind, plan in by_kind.items()}
    _look_at_the_tree(site, named[RuleKind.ORGANIZATIONAL_UNITS])
    _look_at_places(start, site)
    _look_at_groups(start, site, named)
    site.tidy()


def _look_at_the_tree(site: Site, named: set[str]) -> None:
    own, bearing = site.ledger.own(ObjectKind.ORGANIZATION), _bearing(site)
    for guid in _units_wanted(site) - named:
        organization = site.pbx.organizations[own[guid].object_id]
        assert organization.parent_id == _parent(site, guid, organization.id, bearing)
        if not site.units.hierarchy_from:
            assert organization.name == site.directory.units[guid].name
        else:
            assert organization.name.casefold() == guid.partition(":")[2].split("/")[-1] or not (
                site.units.hierarchy_separator
            )


def _parent(site: Site, guid: str, own: int, bearing: Mapping[str, int]) -> int:
    """The organization of the nearest unit above that has one and does not hang, stuck, below this one's."""
    inside = site.pbx.subtree(own)
    for unit in _above(site, guid):
        if unit in bearing and bearing[unit] not in inside:
            return bearing[unit]
    return site.anchor


def _look_at_places(start: Site, site: Site) -> None:
    for one in site.ledger.associations():
        if one.extension_id not in site.pbx.extensions:
            continue
        places = site.pbx.organizations_of(one.extension_id)
        person = site.directory.people.get(one.guid)
        if person is None or person.hidden:
            kept = start.pbx.organizations_of(one.extension_id) & site.pbx.organizations.keys()
            assert places in (kept, kept or {ROOT})
            continue
        given, home = site.given_by_hand[one.extension_id], _home(site, one.guid)
        wanted = given | ({home} if home else set())
        # One that a deletion by hand left in no organization is as good as in the root.
        assert (places or {ROOT}) == (wanted or {ROOT}), f"{person.name} is in {places} and not in {wanted}"


def _look_at_groups(start: Site, site: Site, named: Mapping[RuleKind, set[str]]) -> None:
    associated = {one.guid: one.extension_id for one in site.ledger.associations()}
    extensions = {guid: id_ for guid, id_ in associated.items() if id_ in site.pbx.extensions}
    directory = site.directory
    hidden = {
        id_ for guid, id_ in extensions.items() if guid not in _known_people(site) and guid not in directory.deleted
    }
    if site.users.label_group:
        label = site.ledger.own(ObjectKind.EXTENSION_GROUP, RuleKind.USERS).get(LABEL)
        if label is None or label.object_id not in site.pbx.groups:
            assert LABEL in named[RuleKind.USERS]
        else:
            assert set(site.pbx.groups[label.object_id].members) == set(extensions.values())
    groups = directory.groups_taken_in()
    titles = told_apart(
        {guid: (*directory.path(directory.groups[guid].unit), directory.groups[guid].name) for guid in groups}
    )
    members = {guid: {one for one in _members(site, guid) if one in _known_people(site)} for guid in groups}
    _look_at_each_group(site, RuleKind.GROUPS, named, _Wanted(titles, members, extensions, hidden))
    leaves = _leaves_wanted(site)
    inside: dict[str, set[str]] = {guid: set() for guid in leaves}
    kept = {
        one.guid
        for one in site.ledger.object_associations()
        if one.rule is RuleKind.ORGANIZATIONAL_UNITS
        and one.kind is ObjectKind.EXTENSION_GROUP
        and _is_kept(site, one.guid, one.object_id)
    }
    for guid in _known_people(site):
        unit = next((one for one in _lowest(site, guid) if one in _units_in_scope(site) | kept), "")
        if unit in inside:
            inside[unit].add(guid)
    if not site.units.hierarchy_from:
        titles = told_apart({guid: directory.path(guid) for guid in leaves})
        _look_at_each_group(site, RuleKind.ORGANIZATIONAL_UNITS, named, _Wanted(titles, inside, extensions, hidden))


@dataclass(frozen=True)
class _Wanted:
    """What the groups of a rule are to be.

    :param titles: their names, by objectGUID.
    :param members: objectGUIDs of the users in each.
    :param extensions: ids of the users' extensions.
    :param hidden: ids of those of users of whom nothing is known.
    """

    titles: Mapping[str, str]
    members: Mapping[str, set[str]]
    extensions: Mapping[str, int]
    hidden: set[int]


def _look_at_each_group(site: Site, rule: RuleKind, named: Mapping[RuleKind, set[str]], to_be: _Wanted) -> None:
    own = site.ledger.own(ObjectKind.EXTENSION_GROUP, rule)
    for guid, wanted in to_be.members.items():
        if guid not in own or own[guid].object_id not in site.pbx.groups:
            assert guid in named[rule]
            continue
        group = site.pbx.groups[own[guid].object_id]
        assert not group.includes_all
        ids = {to_be.extensions[one] for one in wanted if one in to_be.extensions}
        assert ids <= set(group.members) <= ids | to_be.hidden
        if guid not in named[rule]:
            assert group.name == to_be.titles[guid].strip()


def _members(site: Site, group: str) -> set[str]:
    """Who is in a group of the directory, by others in it and by primary group too."""
    groups, found, passed = site.directory.groups, set(), {group}
    waiting = [group]
    while waiting:
        one = groups[waiting.pop()]
        found |= {guid for guid, person in site.directory.people.items() if person.primary == one.rid}
        found |= one.members & site.directory.people.keys()
        inner = one.members & groups.keys() - passed
        passed |= inner
        waiting.extend(inner)
    return found


# --- the next run


def _look_at_the_next(site: Site, runs: Sequence[Run]) -> None:
    """The next runs have nothing to do, unless one had to wait for what another one frees."""
    again = site.copy()
    waits = any(_may_wait(site, run) for run in runs)
    for _time in range(3 if waits else 0):
        again.run_all()
    for run in again.run_all():
        assert run.plan.changes == (), f"{[(one.key, one.before, one.after) for one in run.plan.changes]}"
        assert run.plan.refreshed == (), f"{run.plan.refreshed}"
        assert run.calls == 0
    assert again.pbx.refusals == []


def _may_wait(site: Site, run: Run) -> bool:
    codes = {conflict.code for conflict in run.plan.conflicts}
    is_of_groups = run.kind is not RuleKind.ORGANIZATIONAL_UNITS or not _is_tree(site)
    return bool(codes & _LACKING) or (is_of_groups and ConflictCode.NAME_TAKEN.value in codes)
