# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes under way side by side: which of them are, which wait, and what is left when a signal ends the run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.apply import Applied, Stage, apply
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.one_change import Hands
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Ledger, Pbx
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.side_by_side import Workers, threads
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import PbxError, PbxUnreachableError
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.signals import RunInterruptedError
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import JournalState
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
    Origin,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    ExtensionChange,
    GroupChange,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import State
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

from tests.property.tree_world import Fate, MemoryLedger, MemoryPbx
from tests.unit.sync_builders import NOW

_SECONDS = 20.0
_NAMES = [f"user{number}" for number in range(20)]


@dataclass(slots=True)
class _Watched(Fate):
    """Sees how many calls are under way at once, and may hold each up, or let it fail."""

    hold: Callable[[], None] | None = None
    error: PbxError | None = None
    most: int = 0
    calls: int = 0
    threads: set[int] = field(default_factory=set)
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def step(self, *, is_call: bool) -> Iterator[None]:
        if not is_call:
            # The ledger is the run's own thread's.
            assert threading.current_thread() is threading.main_thread()
            yield
            return
        with self._lock:
            self._now += 1
            self.calls += 1
            self.most = max(self.most, self._now)
        try:
            if self.hold is not None:
                self.hold()
            if self.error is not None:
                raise self.error
            yield
        finally:
            with self._lock:
                self._now -= 1


class _AllAtOnce:
    """A pace that lets as many through as there are workers, from the first call on."""

    def __init__(self, most: int) -> None:
        self.bound = most

    def answered(self, _seconds: float) -> _AllAtOnce:
        return self

    def failed(self) -> _AllAtOnce:
        return self

    def anew(self) -> _AllAtOnce:
        return self


@dataclass(slots=True)
class _Site:
    fate: _Watched = field(default_factory=_Watched)
    pbx: MemoryPbx = field(default_factory=MemoryPbx)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)

    def apply(self, workers: Workers, *changes: AnyChange) -> Applied:
        self.pbx.fate = self.ledger.fate = self.fate
        hands = Hands(
            cast(Pbx, self.pbx), cast(Ledger, self.ledger), "run", lambda: NOW, lambda: "drawn", workers=workers
        )
        return apply([Stage(changes)], self.pbx.snapshot(with_groups=True), hands)

    def states(self) -> set[JournalState]:
        return {state for _intent, state in self.ledger.rows.values()}


@pytest.fixture(name="site")
def _site() -> _Site:
    return _Site()


@pytest.fixture(name="at_once")
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{apply.__module__}.Pace", _AllAtOnce)


def _creation(name: str, *, number: int = 0, depends_on: tuple[str, ...] = ()) -> ExtensionChange:
    place = number or 2000 + _NAMES.index(name)
    association = Association(name, 0, str(place), f"CN={name}", name, Origin.CREATED, {})
    return ExtensionChange(
        action=Action.CREATE,
        guid=name,
        name=name,
        dn=association.dn,
        object_id=None,
        number=str(place),
        reason=Reason.NEW_USER,
        after={"first_name": name},
        association=association,
        depends_on=depends_on,
    )


def _group(*members: str) -> GroupChange:
    association = ObjectAssociation(
        "team", ObjectKind.EXTENSION_GROUP, RuleKind.GROUPS, 0, "CN=team", "Team", Origin.CREATED, 0
    )
    return GroupChange(
        action=Action.CREATE,
        guid="team",
        name="Team",
        dn="CN=team",
        object_id=None,
        reason=Reason.NEW_GROUP,
        after={"name": "Team"},
        association=association,
        members=members,
    )


@pytest.mark.usefixtures("at_once")
def test_as_many_are_under_way_as_there_are_workers(site: _Site) -> None:
    barrier = threading.Barrier(4, timeout=_SECONDS)
    site.fate.hold = lambda: (barrier.wait(), None)[1]
    with threads(4) as workers:
        applied = site.apply(workers, *[_creation(name) for name in _NAMES])
    assert [one.state for one in applied.outcomes[0]] == [State.DONE] * 20
    assert [one.change.guid for one in applied.outcomes[0]] == _NAMES
    assert site.fate.most == 4
    assert sorted(one.number for one in site.pbx.snapshot(with_groups=False).extensions) == [
        str(2000 + place) for place in range(20)
    ]
    assert {one.guid for one in site.ledger.associations()} == set(_NAMES)


def test_the_first_one_goes_alone_and_then_more_and_more(site: _Site) -> None:
    first = threading.Event()

    def hold() -> None:
        """Whoever is second is there while the third one is: the second round has two."""
        if first.is_set():
            pair.wait()
        first.set()

    pair = threading.Barrier(2, timeout=_SECONDS)
    site.fate.hold = hold
    with threads(8) as workers:
        applied = site.apply(workers, *[_creation(name) for name in _NAMES[:3]])
    assert [one.state for one in applied.outcomes[0]] == [State.DONE] * 3
    assert site.fate.most == 2


@pytest.mark.usefixtures("at_once")
def test_one_that_needs_another_waits_for_it(site: _Site) -> None:
    changes: list[ExtensionChange] = []
    for name in _NAMES[:6]:
        changes.append(_creation(name, depends_on=(changes[-1].key,) if changes else ()))
    with threads(8) as workers:
        applied = site.apply(workers, *changes)
    assert [one.state for one in applied.outcomes[0]] == [State.DONE] * 6
    assert site.fate.most == 1


@pytest.mark.usefixtures("at_once")
def test_a_group_waits_for_all_before_it_and_all_after_it_wait_for_the_group(site: _Site) -> None:
    with threads(8) as workers:
        applied = site.apply(
            workers, *[_creation(name) for name in _NAMES[:8]], _group(*_NAMES[:8]), _creation(_NAMES[8])
        )
    assert [one.state for one in applied.outcomes[0]] == [State.DONE] * 10
    (group,) = [one for one in site.pbx.snapshot(with_groups=True).groups or () if one.name == "Team"]
    assert len(group.members) == 8


@pytest.mark.usefixtures("at_once")
def test_those_by_another_action_wait(site: _Site) -> None:
    with threads(8) as workers:
        made = site.apply(workers, *[_creation(name) for name in _NAMES[:4]])
        deletions = [
            replace(
                one.change,
                action=Action.DELETE,
                object_id=one.object_id,
                after={},
                association=None,
                reason=Reason.ACCOUNT_DELETED,
            )
            for one in made.outcomes[0]
            if isinstance(one.change, ExtensionChange)
        ]
        # The numbers are given again at once: no creation may be under way while a deletion is.
        site.apply(
            workers, *deletions, *[_creation(name, number=2000 + place) for place, name in enumerate(_NAMES[10:14])]
        )
    assert {one.guid for one in site.ledger.associations()} == set(_NAMES[10:14])


@pytest.mark.usefixtures("at_once")
def test_an_error_that_no_call_survives_lets_those_under_way_end_and_begins_no_other(site: _Site) -> None:
    site.fate.error = PbxUnreachableError("gone")
    with threads(3) as workers:
        applied = site.apply(workers, *[_creation(name) for name in _NAMES])
    states = [one.state for one in applied.outcomes[0]]
    assert states.count(State.UNKNOWN) == site.fate.calls <= 3
    assert states.count(State.SKIPPED) == 20 - site.fate.calls
    assert applied.ended_by is not None


class _Interrupted(Workers):
    """Workers of a run that a signal ends when it waits for them for the first time."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._is_interrupted = False
        self.most = workers.most

    def begin(self, work: Callable[[], Any]) -> Future[Any]:
        return self._workers.begin(work)

    def first_over(self, begun: Collection[Future[Any]], patience: float | None = None) -> Collection[Future[Any]]:
        if not self._is_interrupted:
            self._is_interrupted = True
            raise RunInterruptedError(15)
        return self._workers.first_over(begun, patience)


@pytest.mark.usefixtures("at_once")
def test_what_is_under_way_when_a_signal_comes_is_written_down(site: _Site) -> None:
    changes = [_creation(name) for name in _NAMES]
    with threads(3) as workers, pytest.raises(RunInterruptedError):
        site.apply(_Interrupted(workers), *changes)
    assert site.states() == {JournalState.DONE}
    assert site.fate.calls == len(site.ledger.associations()) == 3
