# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds of a rollback, whatever the run did that it undoes, and whatever was done since."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.renewed import own_id
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import State
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.property.tree_strategies import Scenario, Step, do, scenarios
from tests.property.tree_world import ROOT, Fate, Site

# As in test_tree_properties.
steady = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=150,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

#: What an administrator of the PBX does.
BY_HAND = (
    "given_by_hand",
    "taken_by_hand",
    "renamed_by_hand",
    "moved_by_hand",
    "hand_made_organization",
    "hand_made_group",
    "group_renamed_by_hand",
    "member_changed_by_hand",
    "hand_made_extension",
)
#: What of this can keep somebody from having a name again.
_IN_THE_WAY = ("renamed_by_hand", "moved_by_hand", "hand_made_organization", "hand_made_group", "group_renamed_by_hand")
_EXCHANGES = ("exchange_unit_names", "exchange_person_names", "exchange_group_names")
_numbers = st.integers(0, 63)
_exchanges = st.lists(st.builds(Step, st.sampled_from(_EXCHANGES), *[_numbers] * 3), min_size=1, max_size=4)
#: A kind that is run alone; None for all of them in one run.
kinds = st.sampled_from([*RuleKind, None])
_CUTS = 4


@steady
@given(scenarios, kinds)
def test_a_run_that_is_rolled_back_leaves_everything_as_it_was(scenario: Scenario, kind: RuleKind | None) -> None:
    site = _before_the_last_run(scenario)
    start = _run(site, kind)
    made, outcomes = site.roll_back(start.run_id)
    assert made.plan.conflicts == ()
    assert site.pbx.refusals == []
    assert {outcome.state for outcome in outcomes} <= {State.DONE}
    start.look_at(site)
    again = site.plan_rollback(start.run_id)
    assert (again.plan.changes, again.plan.conflicts) == ((), ())


@steady
@given(scenarios, kinds, st.integers(0, 500), st.booleans(), st.booleans())
def test_a_rollback_cut_off_anywhere_is_completed_by_the_next(
    scenario: Scenario, kind: RuleKind | None, first: int, is_done: bool, is_lost: bool
) -> None:
    done = _before_the_last_run(scenario)
    start, counted = _run(done, kind), Fate()
    done.copy().roll_back_cut_off(start.run_id, counted)
    for place in range(_CUTS):
        site = done.copy()
        at = (first + place * counted.steps // _CUTS) % (counted.steps + 1)
        site.roll_back_cut_off(start.run_id, Fate(at, is_done, is_lost))
        if is_lost:
            # The rollback went on without knowing whether that was done.
            site.pbx.refusals.clear()
        for _time in range(2):
            made, _outcomes = site.roll_back(start.run_id)
            assert made.plan.conflicts == ()
        assert site.pbx.refusals == []
        assert made.plan.changes == ()
        start.look_at(site)


@steady
@given(scenarios, kinds)
def test_a_rollback_can_be_rolled_back_and_done_once_more(scenario: Scenario, kind: RuleKind | None) -> None:
    site = _before_the_last_run(scenario)
    before = _run(site, kind)
    after = Start(site.copy(), before.run_id)
    site.roll_back(before.run_id)
    rollback = site.ledger.last_run
    site.roll_back(rollback)
    after.look_at(site)
    site.roll_back(before.run_id)
    before.look_at(site)
    assert site.pbx.refusals == []


@steady
@given(scenarios, kinds, st.lists(st.tuples(st.sampled_from(BY_HAND), *[st.integers(0, 63)] * 3), min_size=1))
def test_what_was_changed_by_hand_since_is_never_overwritten(
    scenario: Scenario, kind: RuleKind | None, steps: list[tuple[str, int, int, int]]
) -> None:
    # Where groups cannot be renamed they are made anew, and have other ids.
    site = _before_the_last_run(replace(scenario, renames="accepted"))
    run_id = _run(site, kind).run_id
    left = _values(site)
    do(site, [Step(*step) for step in steps])
    by_hand = _values(site)
    changed = {key: value for key, value in by_hand.items() if left.get(key) != value}
    created = {
        (row.change.kind, own_id(row.latter))
        for row in site.ledger.done_changes(run_id)
        if row.change.action is Action.CREATE and row.latter is not None
    }
    site.roll_back(run_id)
    now = _values(site)
    # What the run had created goes, and with it what became of it.
    gone = {(ObjectKind.EXTENSION_GROUP, name) for name in _memberships_of(created)}
    lost = {
        (kind, id_, name)
        for (kind, id_, name), value in changed.items()
        if now.get((kind, id_, name)) != value and (kind, id_) not in created and (kind, name) not in gone
    }
    assert lost == set()
    assert site.pbx.refusals == []
    again = site.plan_rollback(run_id)
    assert again.plan.changes == ()


@steady
@given(scenarios, _exchanges, st.sampled_from(["released", "released", "emptied", *_IN_THE_WAY]), _numbers, _numbers)
def test_nothing_is_left_as_it_was_in_the_midst_of_an_exchange_alone(
    scenario: Scenario, exchanges: list[Step], what: str, one: int, two: int
) -> None:
    # Where groups cannot be renamed they are made anew, and have other ids.
    site = _before_the_last_run(replace(scenario, renames="accepted"))
    site.run_all()
    before = _values(site)
    do(site, exchanges)
    run_id = _run(site, None).run_id
    left = _values(site)
    match what:
        case "released":
            for key in _renamed(site, run_id, one):
                site.ledger.held.pop(key, None)
        case "emptied":
            for key in _renamed(site, run_id, one):
                _empty_address(site, key)
        case _:
            do(site, [Step(what, one, two, 0)])
    since = _values(site)
    site.roll_back(run_id)
    names = {(kind, value) for values in (before, since) for (kind, _id, _name), value in values.items()}
    for (kind, id_, name), value in _values(site).items():
        place = kind, id_, name
        if name not in {"name", "email_addr"}:
            continue
        if place in left and left[place] != since[place]:
            assert value == since[place]
        elif place in since:
            assert value in {before.get(place), since[place]}
        elif kind is not ObjectKind.EXTENSION:
            # What is made again has no address, if that is another's by now, but a name that there was.
            assert (kind, value) in names


def _renamed(site: Site, run_id: str, which: int) -> list[tuple[ObjectKind, str]]:
    """Some of those that a run gave another name or address."""
    renamed = [
        (row.change.kind, row.change.guid)
        for row in site.ledger.done_changes(run_id)
        if row.change.action is Action.UPDATE and {"name", "email_addr"} & row.change.after.keys()
    ]
    return [key for place, key in enumerate(dict.fromkeys(renamed)) if which >> place & 1]


def _empty_address(site: Site, key: tuple[ObjectKind, str]) -> None:
    held = site.ledger.held.get(key)
    if isinstance(held, Association):
        one = site.pbx.extensions[held.extension_id]
        site.pbx.extensions[one.id] = replace(one, fields={**one.fields, "email_addr": ""})


def _memberships_of(objects: Collection[tuple[ObjectKind, int]]) -> set[str]:
    return {f"member {id_}" for kind, id_ in objects if kind is ObjectKind.EXTENSION}


def _values(site: Site) -> dict[tuple[ObjectKind, int, str], Any]:
    """Each value that an administrator can change, by the object's kind and id and a name; members one by one."""
    pbx, found = site.pbx, dict[tuple[ObjectKind, int, str], Any]()
    for extension in pbx.extensions.values():
        for name, value in extension.fields.items():
            found[ObjectKind.EXTENSION, extension.id, name] = value
        for place in pbx.organizations_of(extension.id) - {ROOT}:
            found[ObjectKind.EXTENSION, extension.id, f"in {place}"] = True
    for organization in pbx.organizations.values():
        found[ObjectKind.ORGANIZATION, organization.id, "name"] = organization.name
        found[ObjectKind.ORGANIZATION, organization.id, "parent"] = organization.parent_id
    for id_, group in pbx.groups.items():
        found[ObjectKind.EXTENSION_GROUP, id_, "name"] = group.name
        for member in group.members:
            found[ObjectKind.EXTENSION_GROUP, id_, f"member {member}"] = True
    return found


def _before_the_last_run(scenario: Scenario) -> Site:
    site = scenario.begin()
    *earlier, last = scenario.rounds
    for steps in earlier:
        do(site, steps)
        site.run_all()
    do(site, last)
    return site


@dataclass(frozen=True)
class Start:
    """A site before a run."""

    site: Site
    run_id: str

    def look_at(self, site: Site) -> None:
        """Look whether another one is the same, but for ids."""
        assert _shown(site) == _shown(self.site)
        assert _remembered(site) == _remembered(self.site)


def _run(site: Site, kind: RuleKind | None) -> Start:
    """Run, and return how the site was before."""
    start = site.copy()
    if kind is None:
        site.run_together()
    else:
        site.run(kind)
    return Start(start, site.ledger.last_run)


def _shown(site: Site) -> Mapping[str, Any]:
    """All there is on the PBX, without ids."""
    pbx = site.pbx
    numbers = {one.id: one.number for one in pbx.extensions.values()}
    return {
        "extensions": {
            one.number: (
                dict(one.fields),
                # An extension in no organization at all is put in the root.
                sorted(_path(site, place.id) for place in one.organizations) or [_path(site, ROOT)],
                dict(one.settings),
            )
            for one in pbx.extensions.values()
        },
        "organizations": sorted(_path(site, one) for one in pbx.organizations),
        "groups": {
            one.name: ({numbers[id_]: role for id_, role in one.members.items()}, one.flags, one.includes_all)
            for one in pbx.groups.values()
        },
    }


def _path(site: Site, organization_id: int) -> str:
    names = []
    while organization_id in site.pbx.organizations:
        names.append(site.pbx.organizations[organization_id].name)
        organization_id = site.pbx.organizations[organization_id].parent_id
    return "/".join(reversed(names)) or "gone"


def _remembered(site: Site) -> Mapping[tuple[ObjectKind, str], Any]:
    """All associations of objects that are there, with what they are about instead of ids."""
    pbx = site.pbx
    there: Mapping[ObjectKind, Collection[int]] = {
        ObjectKind.EXTENSION: pbx.extensions,
        ObjectKind.ORGANIZATION: pbx.organizations,
        ObjectKind.EXTENSION_GROUP: pbx.groups,
    }
    return {
        key: _of_user(site, one) if isinstance(one, Association) else _of_object(site, one)
        for key, one in site.ledger.held.items()
        if own_id(one) in there[key[0]]
    }


def _number(site: Site, extension_id: int) -> str:
    extension = site.pbx.extensions.get(extension_id)
    return extension.number if extension is not None else "gone"


def _of_user(site: Site, one: Association) -> Any:
    return (
        replace(one, extension_id=0, organization_id=0, dn="", account_name=""),
        _number(site, one.extension_id),
        _path(site, one.organization_id) if one.organization_id else "",
    )


def _of_object(site: Site, one: ObjectAssociation) -> Any:
    if one.kind is ObjectKind.ORGANIZATION:
        what = _path(site, one.object_id)
    else:
        group = site.pbx.groups.get(one.object_id)
        what = group.name if group is not None else "gone"
    return (
        replace(one, object_id=0, parent_id=0, members=(), dn=""),
        what,
        _path(site, one.parent_id) if one.parent_id else "",
        sorted(site.pbx.extensions[id_].number for id_ in one.members if id_ in site.pbx.extensions),
    )
