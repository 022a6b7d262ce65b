# SPDX-License-Identifier: GPL-3.0-or-later
"""What is remembered and what changed answer as the directory itself does, whatever is done to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from unittest import mock

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad import changes as directory_changes
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.reader import DirectoryReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import sqlite
from ansible_collections.pbxops.yeastar.plugins.module_utils._module import changed_directory, incremental
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.incremental import (
    DirectoryReading,
    read_by_changes,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import (
    Directory,
    GroupQuery,
    Ledger,
    UnitQuery,
    UserQuery,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.read_once import ReadOnce
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.increment import ChangedKind, ReadHow

from tests.simulator.administrators import DirectoryAdministrator
from tests.simulator.clock import DAY, SimulatedClock
from tests.simulator.directory import Kind, SimulatedDirectory
from tests.simulator.domain_controller import ServerManners, SimulatedConnection
from tests.simulator.troubles import Troubles

_SEEDS = 150
_NIGHTS = 8
_EVERY = 4
_ATTRIBUTES = ("mail", "title", "department", "uSNChanged")
_FILTERS = ("", "(title=Head)", "(!(department=Sales))", "(&(mail=*)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))")


class Nights:
    """A directory that is worked on, and read, night after night; a part of its users is not among the answers."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.random = Random(seed)
        self.clock = SimulatedClock()
        self.directory = SimulatedDirectory(self.random, tombstones_readable=self.random.random() < 0.7)
        self.hands = DirectoryAdministrator(
            self.directory, self.clock, self.random, leaves_traces=self.directory.tombstones_readable
        )
        self.told: Counter[str] = Counter()
        self.ledger_path = folder / f"{seed}.sqlite3"
        self.staff = self.directory.add(Kind.UNIT, "Everybody", self.directory.domain)

    def live(self) -> None:
        """Let the nights pass; each answer by changes is compared with the directory's own."""
        for _time in range(12):
            self.hands.hire()
        for _time in range(3):
            self.hands.add_unit()
            self.hands.add_group()
        unit = self.random.choice(self.directory.of(Kind.UNIT))
        own_filter = self.random.choice(_FILTERS)
        for _night in range(_NIGHTS):
            is_there = self.directory.alive(unit.guid) and not unit.hidden
            base = self.directory.dn(unit.guid if is_there else self.directory.domain)
            with sqlite.open_ledger(self.ledger_path, read_write=True, command="test") as ledger:
                self._read(ledger, base, own_filter)
            self._work()
            self.clock.advance(self.random.choice((0.1, 0.1, 0.1, 0.1, 3)) * DAY)

    def _read(self, ledger: Ledger, base: str, own_filter: str) -> None:
        directory = self._open()
        identity = directory.identify()
        with read_by_changes(
            directory, identity, ledger, _ATTRIBUTES, full_read_every=_EVERY, check_mode=False
        ) as begun:
            once = ReadOnce(begun.directory)
            answers = self._answers(once, base, own_filter)
        self.told[begun.told.how] += 1
        if begun.told.how is ReadHow.CHANGES:
            assert answers == self._answers(directory, base, own_filter)
        self._remember(begun, ledger, once)

    def _remember(self, begun: DirectoryReading, ledger: Ledger, once: ReadOnce) -> None:
        assert not begun.remember(ledger, once)

    def _open(self) -> DirectoryReader:
        connection = SimulatedConnection(self.directory, self.clock, ServerManners(), Troubles(), self.random)
        return DirectoryReader(connection, self.directory.dn(self.directory.domain), _ATTRIBUTES)  # type: ignore[arg-type]

    def _work(self) -> None:
        for _time in range(self.random.choice((0, 1, 1, 2, 3, 6))):
            self.hands.act()
        if self.random.random() < 0.2:
            self._put_another_in_place()
        if self.directory.tombstones_readable:
            # Of what the account may no longer see a run of changes knows nothing, see docs/incremental.md.
            self.hands.reveal_all()
        chance = self.random.random()
        if chance < 0.05:
            self.directory.let_another_answer()
        elif chance < 0.08:
            self.directory.account_groups = self.random.randbytes(4)

    def _put_another_in_place(self) -> None:
        """Delete a user or a group, and add another one by the same name, which is in no group."""
        found = self.directory.of(Kind.USER, Kind.GROUP)
        if found:
            gone = self.random.choice(found)
            self.directory.delete(gone.guid, leaves_tombstone=True)
            self.directory.add(gone.kind, gone.name, gone.parent)

    def _answers(self, directory: Directory, base: str, own_filter: str) -> tuple[object, ...]:
        """All that a run may be answered from what is remembered, in an order of its own."""
        domain = directory.identify().domain.dn
        users = directory.read_users(UserQuery((domain, base) if own_filter else (base,), filter=own_filter))
        units = directory.read_units(UnitQuery((domain,)))
        # The name of what is deleted and was in no answer may stay in a group: nobody has it.
        names = {one.dn for one in self.directory.shown()}
        groups = [
            (group.guid, group.dn, group.name, group.rid, sorted(names & {*group.members}))
            for group in directory.read_groups()
        ]
        return (
            sorted(users, key=lambda user: user.guid),
            sorted(groups),
            sorted(directory.find_groups(GroupQuery(domain))),
            sorted((unit.guid, unit.dn, unit.path) for unit in units),
        )


def _differences(folder: Path, seeds: range) -> Iterator[str]:
    for seed in seeds:
        try:
            Nights(seed, folder).live()
        except AssertionError as error:
            yield f"seed {seed}: {error}"


def test_what_is_remembered_answers_as_the_directory(tmp_path: Path) -> None:
    told: Counter[str] = Counter()
    for seed in range(_SEEDS):
        nights = Nights(seed, tmp_path)
        nights.live()
        told.update(nights.told)
    # Nights in which all is read whole anyway would prove nothing.
    assert told[ReadHow.CHANGES] > _SEEDS
    assert told[ReadHow.WHOLE] > _SEEDS


def _usable_if_there(mark: object, _now: object, _full_read_every: int) -> str:
    """Believe in whatever is remembered."""
    return "" if mark is not None else "Nothing is remembered."


_BREAKAGES = {
    "it is not looked at what other objects are in": (
        changed_directory,
        "why_doubtful",
        lambda _changes, _remembered: "",
    ),
    "it is not looked at who remembers what of whom": (incremental, "why_unusable", _usable_if_there),
    "what is no longer shown is taken for being there": (
        changed_directory,
        "why_gone",
        lambda _remembered, _present: "",
    ),
    "members keep the names that they had": (changed_directory, "_name_now", lambda one, _changes: one.dn),
    "the groups of who was not known are not read": (directory_changes, "find_groups_of", lambda *_some: frozenset()),
    "a name that another had is not looked at": (
        changed_directory,
        "_with_name_of",
        lambda _known, _changes: frozenset(),
    ),
    "deletions are not read": (
        changed_directory,
        "concerning",
        lambda found: [one for one in found if not one.deleted and one.kind is not ChangedKind.PLACE],
    ),
    "changes of groups are not read": (
        changed_directory,
        "concerning",
        lambda found: [one for one in found if one.kind is ChangedKind.USER],
    ),
}


@pytest.mark.parametrize("name", _BREAKAGES)
def test_what_is_broken_on_purpose_is_found(name: str, tmp_path: Path) -> None:
    target, attribute, value = _BREAKAGES[name]
    with mock.patch.object(target, attribute, value):
        assert next(_differences(tmp_path, range(_SEEDS)), "")
