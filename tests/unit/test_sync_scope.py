# SPDX-License-Identifier: GPL-3.0-or-later
"""Membership of groups, nested and primary, and the status of accounts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import AccountStatus
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.scope import (
    Memberships,
    account_status,
    members_among,
    with_nested,
)

from tests.unit.sync_builders import NOW, group, guid, user

SALES = group("sales", 1101, "ada", "field")
FIELD = group("field", 1102, "ben", "remote")
REMOTE = group("remote", 1103, "cid", "sales")
OTHER = group("other", 1104, "dot")
GROUPS = [OTHER, REMOTE, FIELD, SALES]


def test_nested_groups_are_followed_and_a_cycle_ends() -> None:
    assert with_nested(GROUPS, {guid("sales")}) == [REMOTE, FIELD, SALES]


def test_a_group_without_groups_is_itself() -> None:
    assert with_nested(GROUPS, {guid("other")}) == [OTHER]


def test_no_group_wanted_is_no_group() -> None:
    assert with_nested(GROUPS, set()) == []


def test_two_wanted_groups_that_share_a_nested_one_hold_it_once() -> None:
    both = group("both", 1105, "remote")
    assert with_nested([both, *GROUPS], {guid("both"), guid("field")}) == [both, REMOTE, FIELD, SALES]


def test_members_are_known_by_name_whatever_its_case() -> None:
    upper = replace(SALES, members=tuple(member.upper() for member in SALES.members))
    assert members_among([user("ada"), user("dot")], [upper]) == [user("ada")]
    assert with_nested([upper, FIELD, REMOTE], {guid("sales")}) == [upper, FIELD, REMOTE]


def test_a_primary_group_counts_though_no_member_attribute_shows_it() -> None:
    primary = user("eve", primary_group_id=1102)
    assert members_among([user("ada"), primary], [FIELD]) == [primary]


@pytest.mark.parametrize("order", [("left", "right"), ("right", "left")])
def test_who_is_in_a_group_is_found_by_every_way_and_once(order: tuple[str, str]) -> None:
    """Two of the nested groups hold the same one, which is met twice; nobody behind it may be lost."""
    top = group("top", 1, "last", *order)
    groups = [
        top,
        group("left", 2, "shared", "ada"),
        group("right", 3, "shared", "ben"),
        group("shared", 4, "cid", "top"),
        group("last", 5, "dot"),
    ]
    people = [user(name) for name in ("ada", "ben", "cid", "dot", "eve")]
    people.append(user("fay", primary_group_id=4))
    found = Memberships(groups, people).of(top)
    assert found == {guid(name) for name in ("ada", "ben", "cid", "dot", "fay")}


def test_nobody_is_a_member_of_no_group() -> None:
    assert members_among([user("ada")], []) == []


@pytest.mark.parametrize(
    ("disabled", "expires", "statuses"),
    [
        (False, None, set()),
        (True, None, {AccountStatus.DISABLED}),
        (False, NOW, {AccountStatus.EXPIRED}),
        (False, NOW - timedelta(seconds=1), {AccountStatus.EXPIRED}),
        (False, NOW + timedelta(seconds=1), set()),
        (True, NOW, {AccountStatus.DISABLED, AccountStatus.EXPIRED}),
    ],
)
def test_disabled_and_expired_are_told_apart(
    disabled: bool, expires: datetime | None, statuses: set[AccountStatus]
) -> None:
    assert account_status(user("ada", disabled=disabled, expires=expires), NOW) == statuses
