# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is in a group: directly, through nested groups, and by primary group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryGroup, DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.scope import Memberships

from tests.unit.sync_builders import dn, group, guid, user

ANNA, BEN, CID = user("anna"), user("ben"), user("cid")
PEOPLE = (ANNA, BEN, CID)


def _names(groups: Sequence[DirectoryGroup], one: DirectoryGroup, users: Iterable[DirectoryUser] = PEOPLE) -> set[str]:
    names = {person.guid: person.account_name for person in PEOPLE}
    return {names[member] for member in Memberships(groups, users).of(one)}


def test_direct_members() -> None:
    sales = group("sales", 1100, "anna", "cid")
    assert Memberships([sales], PEOPLE).of(sales) == {guid("anna"), guid("cid")}


def test_a_group_without_members_is_empty() -> None:
    sales = group("sales", 1100)
    assert Memberships([sales], PEOPLE).of(sales) == frozenset()


def test_members_of_nested_groups_count_and_those_of_the_groups_above_do_not() -> None:
    top, middle, low = group("top", 1, "anna", "middle"), group("middle", 2, "ben", "low"), group("low", 3, "cid")
    groups = [low, top, middle]
    assert _names(groups, top) == {"anna", "ben", "cid"}
    assert _names(groups, middle) == {"ben", "cid"}
    assert _names(groups, low) == {"cid"}


@pytest.mark.parametrize("name", ["one", "two", "three"])
def test_the_groups_of_a_ring_of_three_have_the_same_members(name: str) -> None:
    ring = [group("one", 1, "anna", "two"), group("two", 2, "ben", "three"), group("three", 3, "cid", "one")]
    (asked,) = (one for one in ring if one.name == name)
    assert _names(ring, asked) == {"anna", "ben", "cid"}


def test_a_group_in_itself_has_its_own_members() -> None:
    sales = group("sales", 1, "sales", "anna")
    assert _names([sales], sales) == {"anna"}


def test_a_user_reached_in_two_ways_is_one_member() -> None:
    low = group("low", 2, "anna")
    top = group("top", 1, "anna", "low")
    assert Memberships([top, low], PEOPLE).of(top) == {guid("anna")}


def test_the_primary_group_counts() -> None:
    sales, support = group("sales", 1100, "ben"), group("support", 1101)
    people = (replace(ANNA, primary_group_id=1100), BEN)
    assert _names([sales, support], sales, people) == {"anna", "ben"}
    assert _names([sales, support], support, people) == set()


def test_the_primary_group_counts_where_it_is_nested() -> None:
    top, low = group("top", 1100, "low"), group("low", 1101)
    assert _names([top, low], top, [replace(ANNA, primary_group_id=1101)]) == {"anna"}


def test_distinguished_names_are_the_same_in_other_capital_letters() -> None:
    low = group("low", 2, "anna")
    top = replace(group("top", 1), members=(dn("LOW").upper(), dn("BEN").lower()))
    assert _names([top, replace(low, dn=low.dn.lower(), members=(low.members[0].upper(),))], top) == {"anna", "ben"}


def test_members_that_are_no_users_to_tell_of_are_left_out() -> None:
    sales = replace(group("sales", 1, "anna", "computer", "ben"), members=(dn("anna"), dn("computer"), dn("ben"), ""))
    assert _names([sales], sales, [ANNA]) == {"anna"}


def test_asking_twice_or_for_another_group_changes_nothing() -> None:
    ring = [group("one", 1, "anna", "two"), group("two", 2, "ben", "one")]
    memberships = Memberships(ring, PEOPLE)
    first = [memberships.of(one) for one in ring]
    assert [memberships.of(one) for one in ring] == first
    assert _names(ring, replace(ring[0], guid="other", dn="CN=other", rid=9)) == {"anna", "ben"}
