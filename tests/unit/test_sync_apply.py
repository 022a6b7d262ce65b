# SPDX-License-Identifier: GPL-3.0-or-later
"""Organizations and extension groups carried out: what is handed over, given back, made anew, and what fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import cast

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.apply import Applied, Hands, Stage, apply
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Ledger, Pbx
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.progress import Progress
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    AnswerLostError,
    PbxError,
    PbxRefusedError,
    PbxUnreachableError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import JournalState
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
    Origin,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Organization, OrganizationReference
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    ExtensionChange,
    GroupChange,
    OrganizationChange,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import State
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

from tests.property.tree_world import MANAGER, Fate, MemoryLedger, MemoryPbx, PbxGroup
from tests.unit.sync_builders import NOW, extension, guid, synced, user


@dataclass(slots=True)
class _FailingAt(Fate):
    """Lets one call of the PBX, by its number from 1, fail with an error."""

    error: PbxError | None = None
    call: int = 0
    calls: int = 0

    @contextmanager
    def step(self, *, is_call: bool) -> Iterator[None]:
        self.calls += is_call
        if is_call and self.error is not None and self.calls == self.call:
            raise self.error
        yield


@dataclass(slots=True)
class _Site:
    pbx: MemoryPbx = field(default_factory=MemoryPbx)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    told: list[Progress] = field(default_factory=list)

    def remember(self, *associations: Association | ObjectAssociation) -> None:
        self.ledger.save_associations(associations)

    def apply(self, *changes: AnyChange) -> Applied:
        return self.apply_stages(Stage(changes))

    def apply_stages(self, *stages: Stage) -> Applied:
        hands = Hands(
            cast(Pbx, self.pbx), cast(Ledger, self.ledger), "run", lambda: NOW, lambda: "drawn", self.told.append
        )
        return apply(stages, self.pbx.snapshot(with_groups=True), hands)

    def fail(self, call: int, error: PbxError) -> None:
        self.pbx.fate = _FailingAt(error=error, call=call)

    def states(self) -> list[JournalState]:
        return [state for _row, (_intent, state) in sorted(self.ledger.rows.items())]

    def objects(self) -> dict[str, ObjectAssociation]:
        return {one.guid: one for one in self.ledger.object_associations()}


STAFF = Organization(5, "Staff", 1)
FORMER = ObjectAssociation(
    "former", ObjectKind.ORGANIZATION, RuleKind.ORGANIZATIONAL_UNITS, 5, "", "Staff", Origin.CREATED, 1
)
HEIR = replace(FORMER, guid="heir", name="STAFF", origin=Origin.ADOPTED)
RELEASE = OrganizationChange(
    action=Action.RELEASE, guid="former", name="Staff", dn="", object_id=5, reason=Reason.HANDED_OVER
)
TAKE_OVER = OrganizationChange(
    action=Action.ASSOCIATE,
    guid="heir",
    name="STAFF",
    dn="",
    object_id=5,
    reason=Reason.SAME_NAME,
    before={"name": "Staff"},
    after={"name": "STAFF"},
    depends_on=(RELEASE.key,),
    association=HEIR,
    parent_id=1,
)


@pytest.fixture
def handing_over() -> _Site:
    """A site on which an organization goes from one unit to another."""
    site = _Site()
    site.pbx.organizations[5] = STAFF
    site.remember(FORMER)
    return site


def test_what_is_handed_over_ends_and_begins_in_one_step(handing_over: _Site) -> None:
    applied = handing_over.apply(RELEASE, TAKE_OVER)
    assert [(one.change.key, one.state) for one in applied.outcomes[0]] == [
        (RELEASE.key, State.DONE),
        (TAKE_OVER.key, State.DONE),
    ]
    assert handing_over.objects() == {"heir": HEIR}
    assert handing_over.states() == [JournalState.DONE, JournalState.DONE]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (PbxRefusedError("no"), JournalState.FAILED),
        (AnswerLostError("lost"), JournalState.UNKNOWN),
        (PbxUnreachableError("gone"), JournalState.UNKNOWN),
    ],
)
def test_what_could_not_be_taken_over_stays_the_former_ones(
    handing_over: _Site, error: PbxError, state: JournalState
) -> None:
    handing_over.fail(1, error)
    applied = handing_over.apply(RELEASE, TAKE_OVER)
    assert [one.state.value for one in applied.outcomes[0]] == [state.value, state.value]
    assert handing_over.objects() == {"former": FORMER}
    assert handing_over.states() == [state, state]
    assert applied.ended_by is (error if error.ends_run else None)


def test_after_an_error_that_no_call_survives_both_are_skipped(handing_over: _Site) -> None:
    handing_over.fail(1, PbxUnreachableError("gone"))
    company = OrganizationChange(
        action=Action.UPDATE,
        guid="company_name",
        name="New Ltd",
        dn="",
        object_id=1,
        reason=Reason.COMPANY_NAME,
        after={"name": "New Ltd"},
    )
    applied = handing_over.apply(company, RELEASE, TAKE_OVER)
    assert [one.state for one in applied.outcomes[0]] == [State.UNKNOWN, State.SKIPPED, State.SKIPPED]
    assert handing_over.objects() == {"former": FORMER}


@pytest.mark.parametrize("action", [Action.RELEASE, Action.DELETE])
def test_what_is_the_administrators_again_or_gone_was_given_to_nobody(handing_over: _Site, action: Action) -> None:
    (_one, ada), (_other, ben) = synced(user("ada"), 2, "1000"), synced(user("ben"), 3, "1001")
    handing_over.remember(replace(ada, organization_id=5), replace(ben, organization_id=6))
    handing_over.apply(replace(RELEASE, action=action, reason=Reason.OUT_OF_SCOPE))
    assert [one.organization_id for one in handing_over.ledger.associations()] == [0, 6]


# --- extension groups


GROUP = ObjectAssociation(
    "group", ObjectKind.EXTENSION_GROUP, RuleKind.GROUPS, 20, "", "Sales", Origin.CREATED, members=(2,)
)
RENAME = GroupChange(
    action=Action.UPDATE,
    guid="group",
    name="Vertrieb",
    dn="",
    object_id=20,
    reason=Reason.DIRECTORY_CHANGED,
    before={"name": "Sales"},
    after={"name": "Vertrieb"},
    association=replace(GROUP, name="Vertrieb"),
    members=(guid("ada"),),
)
VACATE = replace(
    RENAME,
    reason=Reason.NAME_EXCHANGE,
    part="vacate",
    after={"name": "Sales (1)"},
    association=replace(GROUP, name="Sales (1)"),
)


@pytest.fixture
def renaming() -> _Site:
    """A site whose PBX takes no notice of a group's new name."""
    site = _Site(MemoryPbx(renames="ignored", next_id=100))
    site.pbx.extensions[2], known = synced(user("ada"), 2, "1000")
    site.pbx.extensions[9] = extension(9, "9000")
    site.pbx.groups[20] = PbxGroup("Sales", {2: MANAGER}, flags=7)
    site.remember(known, GROUP)
    return site


def test_a_group_that_is_made_anew_twice_keeps_its_roles_and_leaves_nothing(renaming: _Site) -> None:
    applied = renaming.apply(VACATE, replace(RENAME, depends_on=(VACATE.key,)))
    assert [one.state for one in applied.outcomes[0]] == [State.DONE, State.DONE]
    assert all("made anew" in one.detail for one in applied.outcomes[0])
    held = renaming.objects()["group"]
    assert renaming.pbx.groups[held.object_id] == PbxGroup("Vertrieb", {2: MANAGER}, 7)
    assert (len(renaming.pbx.groups), held.leftover_id, renaming.pbx.refusals) == (2, 0, [])


@pytest.mark.parametrize(("call", "names"), [(3, {"Sales", "Sales (1)"}), (6, {"Sales (1)", "Vertrieb"})])
def test_a_former_group_that_is_left_is_deleted_later(renaming: _Site, call: int, names: set[str]) -> None:
    """Calls 1 and 4 try to rename, 2 and 5 make the group anew, 3 and 6 delete the former one."""
    renaming.fail(call, PbxRefusedError("no"))
    first = renaming.apply(VACATE, *([] if call == 3 else [RENAME]))
    assert "the former group is left" in first.outcomes[0][-1].detail
    assert {group.name for id_, group in renaming.pbx.groups.items() if id_ != 1} == names
    assert renaming.objects()["group"].leftover_id
    if call == 3:
        # It is gone before another one takes its place as what is left.
        assert renaming.apply(RENAME).outcomes[0][0].state is State.DONE
        assert {group.name for id_, group in renaming.pbx.groups.items() if id_ != 1} == {"Vertrieb"}


def test_a_leftover_that_is_deleted_leaves_the_association_as_it_is_by_then(renaming: _Site) -> None:
    renaming.pbx.groups[19] = PbxGroup("Old")
    renaming.remember(replace(GROUP, leftover_id=19, dn="CN=new"))
    leftover = GroupChange(
        action=Action.DELETE,
        guid="group",
        name="Sales",
        dn="",
        object_id=19,
        reason=Reason.LEFTOVER,
        part="leftover",
        association=GROUP,
    )
    renaming.apply(leftover)
    assert renaming.objects() == {"group": replace(GROUP, dn="CN=new")}
    assert 19 not in renaming.pbx.groups


def test_a_group_that_cannot_be_made_anew_gets_its_members_all_the_same(renaming: _Site) -> None:
    renaming.fail(2, PbxRefusedError("no room"))
    renaming.pbx.groups[20] = PbxGroup("Sales", {9: MANAGER})
    applied = renaming.apply(replace(RENAME, removed_ids=(9,)))
    assert [one.state for one in applied.outcomes[0]] == [State.FAILED]
    assert renaming.pbx.groups[20].members.keys() == {2}
    assert renaming.objects() == {"group": GROUP}


def test_an_extension_that_is_gone_is_not_written_as_a_member(renaming: _Site) -> None:
    _gone, ben = synced(user("ben"), 3, "1001")
    renaming.remember(ben)
    change = replace(RENAME, after={}, before={}, members=(guid("ada"), guid("ben")), association=GROUP)
    renaming.apply(change)
    assert (renaming.pbx.groups[20].members.keys(), renaming.pbx.refusals) == ({2}, [])
    assert renaming.objects()["group"].members == (2,)


def test_what_the_former_ones_release_waits_for_its_taking_over_waits_for_too(handing_over: _Site) -> None:
    rename = replace(TAKE_OVER, action=Action.UPDATE, guid="former", part="fields", depends_on=(), association=FORMER)
    handing_over.fail(1, PbxRefusedError("no"))
    applied = handing_over.apply(rename, replace(RELEASE, depends_on=(rename.key,)), TAKE_OVER)
    assert [one.state for one in applied.outcomes[0]] == [State.FAILED, State.SKIPPED, State.SKIPPED]
    assert handing_over.objects() == {"former": FORMER}


@pytest.mark.parametrize("is_handed_over", [True, False])
def test_a_group_that_is_taken_over_and_cannot_be_spelled_otherwise_is_made_anew_as_it_was(
    renaming: _Site, is_handed_over: bool
) -> None:
    """Whether it was another directory object's or an administrator's."""
    release = GroupChange(
        action=Action.RELEASE, guid="group", name="Sales", dn="", object_id=20, reason=Reason.HANDED_OVER
    )
    if not is_handed_over:
        del renaming.ledger.held[ObjectKind.EXTENSION_GROUP, "group"]
    take_over = replace(
        RENAME,
        action=Action.ASSOCIATE,
        guid="heir",
        reason=Reason.SAME_NAME,
        after={"name": "SALES"},
        depends_on=(release.key,) if is_handed_over else (),
        association=replace(GROUP, guid="heir", name="SALES", origin=Origin.ADOPTED),
    )

    applied = renaming.apply(*([release] if is_handed_over else []), take_over)

    assert {one.state for one in applied.outcomes[0]} == {State.DONE}
    held = renaming.objects()["heir"]
    assert (renaming.objects().keys(), held.leftover_id) == ({"heir"}, 0)
    assert renaming.pbx.groups.keys() == {1, held.object_id}
    assert renaming.pbx.groups[held.object_id] == PbxGroup("SALES", {2: MANAGER}, 7)


# --- stages


def _update(name: str, id_: int, number: str, **values: str) -> ExtensionChange:
    """A change of an extension's fields, planned for after an earlier stage has moved it into organization 5."""
    _one, association = synced(user(name), id_, number)
    return ExtensionChange(
        action=Action.UPDATE,
        guid=association.guid,
        name=name,
        dn=association.dn,
        number=number,
        object_id=id_,
        reason=Reason.DIRECTORY_CHANGED,
        before=dict.fromkeys(values, ""),
        after=values,
        association=replace(association, organization_id=5, written={**association.written, **values}),
    )


@pytest.fixture
def two_people() -> _Site:
    """A site with two associated extensions and an organization."""
    site = _Site()
    site.pbx.organizations[5] = STAFF
    for name, id_, number in (("ada", 2, "1000"), ("ben", 3, "1001")):
        one, association = synced(user(name), id_, number)
        site.pbx.extensions[id_] = replace(one, organizations=(OrganizationReference(1, "Company"),))
        site.remember(association)
    return site


def test_what_failed_in_one_stage_is_left_alone_by_the_next(two_people: _Site) -> None:
    first = [_update("ada", 2, "1000", title="Clerk"), _update("ben", 3, "1001", title="Clerk")]
    second = [_update("ada", 2, "1000", mobile_number="1"), _update("ben", 3, "1001", mobile_number="2")]
    two_people.fail(1, PbxRefusedError("no"))

    applied = two_people.apply_stages(Stage(first), Stage(second))

    assert [[one.state for one in outcomes] for outcomes in applied.outcomes] == [
        [State.FAILED, State.DONE],
        [State.SKIPPED, State.DONE],
    ]
    assert applied.outcomes[1][0].detail == "an earlier change of it was not done"
    # What was planned from the failed change is not remembered either.
    assert [one.organization_id for one in two_people.ledger.associations()] == [0, 5]
    assert two_people.pbx.extensions[3].fields["mobile_number"] == "2"


def test_what_is_only_remembered_anew_is_not_where_an_earlier_stage_failed(two_people: _Site) -> None:
    moved = [replace(one, dn="CN=moved", organization_id=5) for one in two_people.ledger.associations()]
    two_people.fail(1, PbxRefusedError("no"))

    two_people.apply_stages(Stage([_update("ada", 2, "1000", title="Clerk")]), Stage((), refreshed=moved))

    assert [one.dn == "CN=moved" for one in two_people.ledger.associations()] == [False, True]


def test_an_error_that_no_call_survives_ends_the_stages_that_follow_too(two_people: _Site) -> None:
    two_people.fail(1, PbxUnreachableError("gone"))
    moved = [replace(one, dn="CN=moved") for one in two_people.ledger.associations()]

    applied = two_people.apply_stages(
        Stage([_update("ada", 2, "1000", title="Clerk")]),
        Stage([_update("ben", 3, "1001", title="Clerk")], refreshed=moved),
    )

    assert [outcomes[0].state for outcomes in applied.outcomes] == [State.UNKNOWN, State.SKIPPED]
    assert all(one.dn != "CN=moved" for one in two_people.ledger.associations())


# --- a member whose extension was to be deleted, and was not


BEN, DAN = 3, 4
TEAM = replace(GROUP, guid="team", name="Team", members=(2, BEN, DAN))
DELETE_BEN = ExtensionChange(
    action=Action.DELETE,
    guid=guid("ben"),
    name="ben",
    dn="",
    number="1001",
    object_id=BEN,
    reason=Reason.ACCOUNT_DISABLED,
)
# Planned from what the deletion leaves behind: it is no longer known that ben is a member.
WITHOUT_BEN = GroupChange(
    action=Action.UPDATE,
    guid="team",
    name="Team",
    dn="",
    object_id=20,
    reason=Reason.DIRECTORY_CHANGED,
    association=replace(TEAM, members=(2,)),
    members=(guid("ada"),),
    removed_ids=(DAN,),
)


@pytest.fixture
def team() -> _Site:
    """A site with a group of ada and ben, who is about to be deleted, and of dan, who has left it."""
    site = _Site()
    for name, id_, number in (("ada", 2, "1000"), ("ben", BEN, "1001"), ("dan", DAN, "1003")):
        site.pbx.extensions[id_], association = synced(user(name), id_, number)
        site.remember(association)
    site.pbx.groups[20] = PbxGroup("Team", {2: MANAGER, BEN: MANAGER, DAN: MANAGER})
    site.remember(TEAM)
    return site


@pytest.mark.parametrize("error", [None, PbxRefusedError("it is in use"), AnswerLostError("lost")])
def test_who_is_not_deleted_stays_a_member(team: _Site, error: PbxError | None) -> None:
    if error is not None:
        team.fail(1, error)
    team.apply_stages(Stage([DELETE_BEN]), Stage([WITHOUT_BEN]))
    members = {2: MANAGER} if error is None else {2: MANAGER, BEN: MANAGER}
    assert team.pbx.groups[20].members == members
    assert team.objects()["team"].members == tuple(members)
    assert team.pbx.refusals == []


def test_who_is_not_deleted_stays_a_member_of_a_group_that_gets_another_name(team: _Site) -> None:
    """The step before takes out all that are no members any more in the plan's eyes."""
    team.fail(1, PbxRefusedError("it is in use"))
    vacate = replace(
        WITHOUT_BEN,
        part="vacate",
        after={"name": "Team (1)"},
        association=replace(TEAM, name="Team (1)"),
        members=(),
        kept=TEAM.members,
        left_out=(BEN,),
        removed_ids=(),
    )
    rename = replace(WITHOUT_BEN, after={"name": "Crew"}, association=replace(TEAM, name="Crew", members=(2,)))
    team.apply_stages(Stage([DELETE_BEN]), Stage([vacate, rename]))
    assert team.pbx.groups[20] == PbxGroup("Crew", {2: MANAGER, BEN: MANAGER})
    assert team.objects()["team"].members == (2, BEN)


def test_who_was_put_in_and_is_not_deleted_stays_in_and_is_not_remembered_as_written(team: _Site) -> None:
    team.remember(replace(TEAM, members=(2, DAN)))
    team.fail(1, PbxRefusedError("it is in use"))
    team.apply_stages(Stage([DELETE_BEN]), Stage([WITHOUT_BEN]))
    assert team.pbx.groups[20].members.keys() == {2, BEN}
    assert team.objects()["team"].members == (2,)


@pytest.mark.parametrize("is_deleted", [True, False])
def test_who_is_not_deleted_is_remembered_as_a_member(team: _Site, is_deleted: bool) -> None:
    if not is_deleted:
        team.fail(1, PbxRefusedError("it is in use"))
    team.apply_stages(Stage([DELETE_BEN]), Stage((), refreshed=[replace(TEAM, members=(2, DAN))]))
    assert team.objects()["team"].members == ((2, DAN) if is_deleted else (2, BEN, DAN))


# --- progress


def test_what_is_taken_over_counts_with_its_release(handing_over: _Site) -> None:
    handing_over.apply(RELEASE, TAKE_OVER)
    assert handing_over.told == [Progress(2), Progress(2, done=2)]


def test_what_follows_an_error_that_no_call_survives_counts_as_skipped(handing_over: _Site) -> None:
    handing_over.fail(1, PbxUnreachableError("gone"))
    rename = replace(TAKE_OVER, action=Action.UPDATE, guid="other", depends_on=())
    handing_over.apply(rename, RELEASE, TAKE_OVER)
    assert handing_over.told == [Progress(3), Progress(3, failed=1), Progress(3, failed=1, skipped=2)]


def test_what_the_guard_stops_and_what_waits_is_not_counted(handing_over: _Site) -> None:
    other = replace(RELEASE, guid="other", reason=Reason.OUT_OF_SCOPE)
    handing_over.apply_stages(
        Stage([RELEASE, TAKE_OVER, other], {TAKE_OVER.key, RELEASE.key}, (), {other.key: "in use"})
    )
    assert handing_over.told == []
