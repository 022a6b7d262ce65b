# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated domain controller under the real reader: all is read, and what is cut short is noticed."""

from __future__ import annotations

from random import Random

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import IncompleteReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.reader import DirectoryReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import UnitQuery, UserQuery
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.user_task import choose_groups

from tests.simulator.clock import SimulatedClock
from tests.simulator.directory import DOMAIN_DN, Kind, SimulatedDirectory
from tests.simulator.domain_controller import LIMITED, TRUNCATED, ServerManners, SimulatedConnection
from tests.simulator.site import Sizes, sized
from tests.simulator.troubles import Fault, Side, Troubles

_SMALL = ServerManners(page_limit=3, range_limit=2, extra_empty_pages=True)
_LOOK_UP = "objectGUID="
_ALL_GROUPS = "SUBTREE (objectCategory=group) page"


def _directory(users: int) -> SimulatedDirectory:
    directory = SimulatedDirectory(Random(1))
    unit = directory.add(Kind.UNIT, "Smith, Son", directory.domain)
    for number in range(users):
        directory.add(Kind.USER, f"user{number}", unit.guid if number % 2 else directory.domain)
    return directory


def _reader(
    directory: SimulatedDirectory, *faults: Fault, manners: ServerManners = _SMALL, random: int = 1
) -> DirectoryReader:
    connection = SimulatedConnection(directory, SimulatedClock(), manners, Troubles(faults), Random(random))
    return DirectoryReader(connection, DOMAIN_DN, ("mail",))  # type: ignore[arg-type]


def _guids(directory: SimulatedDirectory, kind: Kind) -> set[str]:
    return {one.guid for one in directory.of(kind)}


def test_every_page_and_every_range_is_followed() -> None:
    directory = _directory(8)
    group = directory.add(Kind.GROUP, "Everybody", directory.domain)
    group.members = sorted(_guids(directory, Kind.USER))
    with sized(Sizes(directory_page=3)):
        reader = _reader(directory)
        assert {user.guid for user in reader.read_users(UserQuery((DOMAIN_DN,)))} == _guids(directory, Kind.USER)
        assert {unit.guid for unit in reader.read_units(UnitQuery((DOMAIN_DN,)))} == _guids(directory, Kind.UNIT)
        members = next(one.members for one in reader.read_groups() if one.guid == group.guid)
    assert sorted(members) == sorted(directory.dn(guid) for guid in group.members)


def test_what_is_hidden_is_in_no_answer_and_what_is_deleted_in_those_that_ask_for_it() -> None:
    directory = _directory(4)
    hidden, deleted, *others = directory.of(Kind.USER)
    hidden.hidden = True
    directory.delete(deleted.guid, leaves_tombstone=True)
    reader = _reader(directory)
    assert {user.guid for user in reader.read_users(UserQuery((DOMAIN_DN,)))} == {one.guid for one in others}
    lookup = reader.look_up_users([hidden.guid, deleted.guid, others[0].guid])
    assert lookup.live.keys() == {others[0].guid}
    assert lookup.deleted == {deleted.guid}


def test_members_are_found_in_nested_groups_as_the_server_follows_them() -> None:
    directory = _directory(3)
    inner = directory.add(Kind.GROUP, "Inner", directory.domain)
    outer = directory.add(Kind.GROUP, "Outer", directory.domain)
    user = directory.of(Kind.USER)[0]
    inner.members, outer.members = [user.guid, outer.guid], [inner.guid]
    directory.touch()
    reader = _reader(directory)
    chosen = choose_groups(reader, ["Outer"])
    assert {one.guid for one in chosen.to_ask} == {inner.guid, outer.guid}
    found = reader.read_users(UserQuery((DOMAIN_DN,), member_of=chosen.to_ask))
    assert [one.guid for one in found] == [user.guid]


@pytest.mark.parametrize("draw", range(20))
def test_who_is_left_out_of_an_answer_of_several_pages_is_not_taken_for_gone(draw: int) -> None:
    directory = _directory(5)
    fault = Fault(Side.DIRECTORY, 1, TRUNCATED, draw, only=_LOOK_UP)
    guids = _guids(directory, Kind.USER)
    with sized(Sizes(directory_page=4)):
        reader = _reader(directory, fault, manners=ServerManners())
        try:
            lookup = reader.look_up_users(guids)
        except IncompleteReadError:
            return
    assert lookup.live.keys() == guids


def test_a_list_of_all_groups_that_lacks_a_nested_one_is_noticed() -> None:
    """Those who are in it by primary group alone would be taken for being outside."""
    directory = _directory(2)
    inner = directory.add(Kind.GROUP, "Inner", directory.domain)
    outer = directory.add(Kind.GROUP, "Outer", directory.domain)
    outer.members = [inner.guid]
    directory.of(Kind.USER)[0].primary = inner.rid
    directory.touch()
    noticed = 0
    for draw in range(12):
        fault = Fault(Side.DIRECTORY, 1, LIMITED, draw, times=1000, only=_ALL_GROUPS)
        try:
            chosen = choose_groups(_reader(directory, fault, random=draw), ["Outer"])
        except IncompleteReadError:
            noticed += 1
        else:
            assert {one.guid for one in chosen.to_ask} == {inner.guid, outer.guid}
    assert noticed
