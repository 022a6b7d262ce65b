# SPDX-License-Identifier: GPL-3.0-or-later
"""Where drift is only reported: nothing that a person set by hand is undone, and the directory's changes arrive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import (
    EMAIL,
    same,
    wanted_fields,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.label import LABEL
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectAssociation, ObjectKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import DriftAction
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import State
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import DriftPolicy, RuleKind
from hypothesis import given
from hypothesis import strategies as st

from tests.property import test_tree_properties as trees
from tests.property.sync_strategies import anything
from tests.property.sync_world import Setting, World
from tests.property.tree_strategies import Scenario, do, scenarios
from tests.property.tree_world import ROOT, Fate, Run, Site

REPORT, CORRECT = DriftPolicy.REPORT, DriftPolicy.CORRECT


# --- users


@trees.steady
@given(anything())
def test_no_field_set_by_hand_is_overwritten_and_every_other_one_is_as_the_directory_has_it(setting: Setting) -> None:
    rule = replace(setting.rule, drift=REPORT, drift_fields={})
    setting = replace(setting, rule=rule)
    world = World.of(setting)
    made = world.run(setting)
    told = {(one.guid, one.field) for one in made.drift if one.action is DriftAction.REPORTED}
    refused = {conflict.guid for conflict in made.conflicts}
    users = {person.guid: person for person in (*setting.directory.users, *setting.directory.outside)}
    before = {extension.id: extension for extension in setting.pbx.extensions}
    for held in setting.associations:
        now = world.associations.get(held.guid)
        if now is None or held.extension_id not in before or now.extension_id != held.extension_id:
            continue
        was, present = before[held.extension_id].fields, world.extensions[held.extension_id].fields
        # Of one that waits parked for its deletion the directory wants nothing.
        wanted = wanted_fields(users[held.guid]).values if held.guid in users and now.parked is None else {}
        for name, value in held.written.items():
            is_by_hand = not same(name, value, was[name])
            if is_by_hand:
                assert present[name] == was[name], f"{held.guid} lost {name}"
            is_left = is_by_hand and name in wanted and not same(name, wanted[name], was[name])
            assert ((held.guid, name) in told) is is_left
            if is_left:
                assert now.written[name] == value
            elif name in wanted and held.guid not in refused:
                assert same(name, present[name], wanted[name])


@trees.steady
@given(anything())
def test_what_was_left_is_put_back_once_that_is_asked_for(setting: Setting) -> None:
    # Who has to wait for an address that is left gets another number than they would have got at once.
    left = replace(setting, rule=replace(setting.rule, drift=REPORT, drift_fields={EMAIL: CORRECT}))
    corrected = replace(setting, rule=replace(setting.rule, drift=CORRECT, drift_fields={}))
    at_once, later = World.of(setting), World.of(setting)
    at_once.run(corrected)
    later.run(left)
    later.run(corrected)
    assert later.outcome() == at_once.outcome()


# --- organizations, extension groups, and who is in them


def _reporting(scenario: Scenario) -> Scenario:
    return replace(
        scenario,
        users=replace(scenario.users, drift=REPORT),
        units=replace(scenario.units, drift=REPORT),
        groups=replace(scenario.groups, drift=REPORT),
    )


def _correcting(site: Site) -> None:
    site.users = replace(site.users, drift=CORRECT)
    site.units = replace(site.units, drift=CORRECT)
    site.groups = replace(site.groups, drift=CORRECT)


@trees.steady
@given(scenarios)
def test_nothing_set_by_hand_is_undone_and_the_next_run_has_nothing_to_do(scenario: Scenario) -> None:
    site = _reporting(scenario).begin()
    for steps in scenario.rounds:
        do(site, steps)
        runs = []
        for kind in site.order:
            before = site.copy()
            runs.append(site.run(kind))
            assert site.pbx.refusals == []
            assert {outcome.state for outcome in runs[-1].outcomes} <= {State.DONE}
            _look_at_places(before, site)
            _look_at_organizations(before, site, runs[-1])
            _look_at_groups(before, site, kind)
        site.tidy()
        trees._look_at_the_next(site, runs)


@trees.steady
@given(scenarios, st.integers(0, 500), st.booleans(), st.booleans())
def test_a_run_cut_off_anywhere_undoes_nothing_either(
    scenario: Scenario, first: int, is_done: bool, is_lost: bool
) -> None:
    start = trees._before_the_last_run(_reporting(scenario))
    start.saved_unit_rule = start.units
    counted = Fate()
    start.copy().run_all_cut_off(counted)
    site = start.copy()
    site.run_all_cut_off(Fate(first % (counted.steps + 1), is_done, is_lost))
    for kind in site.order:
        before = site.copy()
        site.run(kind)
        _look_at_places(before, site)
        _look_at_groups(before, site, None)
    _look_at_groups(start, site, None)
    trees._come_to_rest(site)


@trees.steady
@given(scenarios)
def test_what_was_left_of_any_object_is_put_back_once_that_is_asked_for(scenario: Scenario) -> None:
    start = trees._before_the_last_run(scenario)
    start.saved_unit_rule = start.units
    at_once, later = start.copy(), start.copy()
    is_settled = trees._come_to_rest(at_once)
    later.users, later.units, later.groups = (
        replace(later.users, drift=REPORT),
        replace(later.units, drift=REPORT),
        replace(later.groups, drift=REPORT),
    )
    is_settled = trees._come_to_rest(later) and is_settled
    _correcting(later)
    is_settled = trees._come_to_rest(later) and is_settled
    if is_settled:
        trees._look_at_the_same_end(later, at_once, start)


def _look_at_places(before: Site, after: Site) -> None:
    """An extension that was taken out of what it was given stays where it was put."""
    own = before.ledger.own(ObjectKind.ORGANIZATION).values()
    kept = {one.object_id for one in after.ledger.own(ObjectKind.ORGANIZATION).values() if one.parent_id}
    given_by_rule = {one.object_id for one in own} & kept & after.pbx.organizations.keys()
    now = {one.guid: one for one in after.ledger.associations()}
    for held in before.ledger.associations():
        id_ = held.extension_id
        if held.guid not in now or now[held.guid].extension_id != id_ or id_ not in before.pbx.extensions:
            continue
        places = before.pbx.organizations_of(id_)
        if held.organization_id in given_by_rule - places:
            left = places & after.pbx.organizations.keys()
            assert after.pbx.organizations_of(id_) in (left, left or {ROOT}), f"{held.account_name} was put elsewhere"


def _look_at_organizations(before: Site, after: Site, run: Run) -> None:
    """An organization that was renamed or moved by hand stays so; any other is as the directory has it."""
    present = after.ledger.own(ObjectKind.ORGANIZATION)
    bearing = trees._bearing(after)
    told = {conflict.guid for conflict in run.plan.conflicts}
    gone = {one.object_id for one in before.ledger.own(ObjectKind.ORGANIZATION).values()} - {
        one.object_id for one in present.values() if one.parent_id
    }
    for guid, held in before.ledger.own(ObjectKind.ORGANIZATION).items():
        if guid not in present or held.object_id not in before.pbx.organizations or not present[guid].parent_id:
            continue
        was, now = before.pbx.organizations[held.object_id], after.pbx.organizations[held.object_id]
        is_renamed = was.name != held.name
        is_moved = held.parent_id in before.pbx.organizations and held.parent_id not in (0, was.parent_id)
        if is_renamed:
            assert now.name == was.name
        if is_moved and held.parent_id not in gone:
            assert now.parent_id == was.parent_id
        is_wanted = run.kind is RuleKind.ORGANIZATIONAL_UNITS and guid in trees._units_wanted(after)
        if is_wanted and guid not in told and not after.units.hierarchy_from:
            assert is_renamed or now.name == after.directory.units[guid].name
            assert is_moved or now.parent_id == trees._parent(after, guid, now.id, bearing)


def _look_at_groups(before: Site, after: Site, kind: RuleKind | None) -> None:
    """Who was put in or taken out by hand stays so; what the directory changed since the last write is done.

    :param kind: of the run, to look at what it had to do; None to look at what was set by hand alone.
    """
    held_before = _held_groups(before)
    for key, held in _held_groups(after).items():
        former = held_before.get(key)
        if former is None or former.object_id not in before.pbx.groups or former.guid == LABEL:
            continue
        was, now = before.pbx.groups[former.object_id], after.pbx.groups[held.object_id]
        written, present = set(former.members), set(was.members)
        staying = after.pbx.extensions.keys()
        assert (present - written) & staying <= now.members.keys()
        assert not (written - present) & now.members.keys()
        assert not set(held.members) & (present - written) - _wanted_members(after, held)
        if was.name != former.name:
            assert now.name == was.name
        if kind is RuleKind.GROUPS and former.rule is kind and former.guid in after.directory.groups_taken_in():
            wanted = _wanted_members(after, held) | (written & _hidden(after))
            assert set(now.members) == ((present | (wanted - written)) - (written - wanted)) & staying


def _held_groups(site: Site) -> Mapping[tuple[RuleKind, str], ObjectAssociation]:
    groups = (one for one in site.ledger.object_associations() if one.kind is ObjectKind.EXTENSION_GROUP)
    return {(one.rule, one.guid): one for one in groups}


def _wanted_members(site: Site, held: ObjectAssociation) -> set[int]:
    """Ids of the extensions that the directory wants in a group; any might be, in one that is made of a unit."""
    extensions = {one.guid: one.extension_id for one in site.ledger.associations()}
    known = trees._known_people(site)
    if held.rule is not RuleKind.GROUPS or held.guid not in site.directory.groups:
        return set(extensions.values())
    return {extensions[guid] for guid in trees._members(site, held.guid) & known} & site.pbx.extensions.keys()


def _hidden(site: Site) -> set[int]:
    known = trees._known_people(site) | site.directory.deleted
    return {one.extension_id for one in site.ledger.associations() if one.guid not in known}
