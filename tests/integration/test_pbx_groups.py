# SPDX-License-Identifier: GPL-3.0-or-later
"""The PBX client reads and writes extension groups in all of the Open API's variants, over TLS."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.client import PbxClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    IncompleteListError,
    PbxCapacityError,
    PbxRefusedError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import ExtensionGroup

from lab.pbx.emulator import Emulator
from lab.pbx.groups import DEFAULT_FLAGS, SPECIFIC
from lab.pbx.groups import ExtensionGroup as ExtensionGroupHeld
from tests.integration.pbx_helpers import Hands, client_for, count, vary

ALL = ExtensionGroup(1, "Default_All_Extensions", includes_all=True)
# Permissions of which two are not a new group's.
FLAGS = {**DEFAULT_FLAGS, "mgr_enb_monitor": 0, "user_enb_call_park": 1}
SHAPES = ("reference", "reference_without_user_type", "ext_id")


def _seed(emulator: Emulator) -> int:
    """Five extensions and the group Sales, with members of every type and permissions of its own; the group's id."""
    emulator.pbx.seed_extensions(5)
    return emulator.pbx.seed_group("Sales", {3: "user", 1: "manager", 2: "custom"}, FLAGS)


def _plain(groups: Iterable[ExtensionGroup | None]) -> list[ExtensionGroup]:
    """The groups without their permissions and their members' types."""
    return [replace(group, user_types={}, settings={}) for group in groups if group is not None]


def _groups(emulator: Emulator) -> dict[str, dict[int, str]]:
    """Names of the groups on the PBX, but for the built-in one, and their members with types."""
    return {name: group["members"] for name, group in emulator.state.groups.items() if group["id"] != ALL.id}


# --- every variant --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rename", ["ignored", "refused", "accepted"])
@pytest.mark.parametrize("accepted", ["any", "own"])
@pytest.mark.parametrize("shape", SHAPES)
def test_group_lives_in_every_variant(emulator: Emulator, shape: str, accepted: str, rename: str) -> None:
    # What a PBX does not show cannot be sent along, so it must keep it by itself.
    resets = shape != "reference_without_user_type"
    for returns_id, query_returns_name, as_strings, query_ids_max in itertools.product(
        (True, False), (True, False), (True, False), (None, 1)
    ):
        emulator.reset()
        vary(
            emulator,
            member_info=shape,
            nested_shapes_accepted=accepted,
            group_rename=rename,
            group_update_resets_flags=resets,
            create_returns_id=returns_id,
            group_query_returns_name=query_returns_name,
            integers_as_strings=as_strings,
            query_ids_max=query_ids_max,
        )
        _live(emulator, is_renamed=rename == "accepted", shows_types=shape != "reference_without_user_type")


def _live(emulator: Emulator, *, is_renamed: bool, shows_types: bool) -> None:
    """Read groups, change the members and the name of one, make one like it, make a new one and delete one."""
    sales = _seed(emulator)
    with client_for(emulator) as client:
        shown = client.groups()
        assert _plain(shown) == [ALL, ExtensionGroup(sales, "Sales", (1, 2, 3))]
        assert shown[1].settings == FLAGS
        assert shown[1].user_types == ({1: "manager", 2: "custom", 3: "user"} if shows_types else {})
        client.update_group(sales, [4, 2, 1])
        assert _groups(emulator) == {"Sales": {1: "manager", 2: "custom", 4: "user"}}
        assert client.rename_group(sales, "Selling", [5, 2, 1]) is is_renamed
        if not is_renamed:
            old = sales
            sales = client.create_group("Selling", [5, 2, 1], like=old)
            client.delete_group(old)
        manager, custom = ("manager", "custom") if shows_types or is_renamed else ("user", "user")
        held = emulator.state.groups["Selling"]
        assert (held["id"], held["members"]) == (sales, {1: manager, 2: custom, 5: "user"})
        assert held["flags"] == FLAGS
        support = client.create_group("Support", [3])
        assert emulator.state.groups["Support"]["id"] == support
        assert emulator.state.groups["Support"]["flags"] == DEFAULT_FLAGS
        client.delete_group(sales)
        assert client.group(sales) is None
        assert _plain([client.group(support)]) == [ExtensionGroup(support, "Support", (3,))]
    assert _groups(emulator) == {"Support": {3: "user"}}


@pytest.mark.parametrize("accepted", ["any", "own"])
@pytest.mark.parametrize("shape", SHAPES)
def test_first_member_of_all_groups_is_written_in_a_shape_that_the_pbx_takes(
    emulator: Emulator, shape: str, accepted: str
) -> None:
    emulator.pbx.seed_extensions(3)
    vary(emulator, member_info=shape, nested_shapes_accepted=accepted)
    with client_for(emulator) as client:
        client.groups()
        sales = client.create_group("Sales", [1])
        support = client.create_group("Support", [2])
        client.update_group(support, [2, 3])
        assert _plain([client.group(sales)]) == [ExtensionGroup(sales, "Sales", (1,))]
    assert _groups(emulator) == {"Sales": {1: "user"}, "Support": {2: "user", 3: "user"}}
    refused = [call for call in emulator.calls.all("extensiongroup/create") if call.errcode]
    assert len(refused) == (1 if (shape, accepted) == ("ext_id", "own") else 0)


@pytest.mark.parametrize("shape", SHAPES)
def test_members_of_the_group_of_all_show_how_members_are_written(emulator: Emulator, shape: str) -> None:
    emulator.pbx.seed_extensions(3)
    vary(emulator, member_info=shape, nested_shapes_accepted="own", group_of_all_lists_members=True)
    with client_for(emulator) as client:
        assert _plain(client.groups()) == [ALL]
        client.create_group("Sales", [1])
    assert [call.errcode for call in emulator.calls.all("extensiongroup/create")] == [0]


# --- reading --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cap", [1, 7, 10_000])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"query_ids_max": 7},
        {"query_ids_max": 7, "query_ids_beyond_max": "truncated"},
        {"query_unknown_ids": "refused"},
        {"group_query_returns_name": False, "integers_as_strings": True},
    ],
    ids=str,
)
def test_every_group_is_read_with_every_member(emulator: Emulator, cap: int, changes: dict[str, Any]) -> None:
    emulator.pbx.seed_extensions(30)
    expected = [ALL]
    for number in range(1, 24):
        members = tuple(range(number, 30, 3))
        expected.append(
            ExtensionGroup(
                emulator.pbx.seed_group(f"Group {number}", dict.fromkeys(members, "user")), f"Group {number}", members
            )
        )
    vary(emulator, page_size_cap=cap, **changes)
    with client_for(emulator) as client:
        assert _plain(client.groups()) == expected


def test_pbx_without_any_group_has_none(emulator: Emulator) -> None:
    with client_for(emulator) as client:
        client.delete_group(1)
        assert _plain(client.groups()) == []


@pytest.mark.parametrize(
    ("endpoint", "kind", "options"),
    [
        ("extensiongroup/list", "short_page", {}),
        ("extensiongroup/list", "larger_total", {}),
        ("extensiongroup/list", "missing_ids", {"ids": (2,)}),
        ("extensiongroup/query", "missing_members", {}),
        ("extensiongroup/query", "missing_members", {"rows": 9}),
    ],
    ids=str,
)
def test_groups_that_are_cut_short_are_read_again_and_then_refused(
    emulator: Emulator, endpoint: str, kind: Any, options: dict[str, Any]
) -> None:
    sales = _seed(emulator)
    emulator.fail(endpoint, kind, nth=1, **options)
    with client_for(emulator) as client:
        assert _plain(client.groups()) == [ALL, ExtensionGroup(sales, "Sales", (1, 2, 3))]
        emulator.faults.clear()
        emulator.calls.clear()
        emulator.fail(endpoint, kind, **options)
        with pytest.raises(IncompleteListError, match=r"extensiongroup/list|extension group Sales") as caught:
            client.groups()
    assert caught.value.ends_run
    assert len([call for call in emulator.calls.all(endpoint) if call.arguments.get("page", "1") == "1"]) == 2
    emulator.calls.clear()


def test_group_missing_from_a_query_is_asked_for_alone(emulator: Emulator) -> None:
    sales = _seed(emulator)
    emulator.fail("extensiongroup/query", "missing_ids", ids=(sales,))
    with client_for(emulator) as client:
        assert _plain(client.groups()) == [ALL, ExtensionGroup(sales, "Sales", (1, 2, 3))]
        emulator.fail("extensiongroup/get", "errcode", errcode=60001)
        with pytest.raises(IncompleteListError, match=r"The extension group with id 2 .*changed while it was read"):
            client.groups()


def test_member_that_goes_between_list_and_details_has_all_read_again(emulator: Emulator) -> None:
    sales = _seed(emulator)
    hands = Hands()
    hands.before_call(2, lambda: emulator.pbx.delete_by_hand("1001"))
    with client_for(emulator, hands) as client:
        assert _plain(client.groups()) == [ALL, ExtensionGroup(sales, "Sales", (1, 3))]
    assert count(emulator, "extensiongroup/list") == 2


@pytest.mark.parametrize("errcode", [60001, 40002])
def test_unknown_group_is_none_and_gone_for_a_deletion(emulator: Emulator, errcode: int) -> None:
    sales = _seed(emulator)
    vary(emulator, unknown_id_errcode=errcode, unknown_id_on_delete_errcode=errcode)
    with client_for(emulator) as client:
        assert client.group(99) is None
        assert _plain([client.group(sales)]) == [ExtensionGroup(sales, "Sales", (1, 2, 3))]
        client.delete_group(99)
    assert set(_groups(emulator)) == {"Sales"}


@pytest.mark.parametrize(
    ("endpoint", "ask"),
    [
        ("extensiongroup/get", lambda client: client.group(2)),
        ("extensiongroup/delete", lambda client: client.delete_group(2)),
    ],
)
@pytest.mark.parametrize("errcode", [40002, 70084, 70091])
def test_group_that_exists_and_is_refused_is_an_error(
    emulator: Emulator, endpoint: str, ask: Callable[[PbxClient], object], errcode: int
) -> None:
    _seed(emulator)
    emulator.fail(endpoint, "errcode", errcode=errcode)
    with client_for(emulator) as client, pytest.raises(PbxRefusedError, match=rf"group with id 2: errcode {errcode}"):
        ask(client)
    assert set(_groups(emulator)) == {"Sales"}


# --- writing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resets", [False, True])
@pytest.mark.parametrize("as_strings", [False, True])
@pytest.mark.parametrize("shape", ["reference", "ext_id"])
def test_user_types_and_permissions_survive(emulator: Emulator, shape: str, as_strings: bool, resets: bool) -> None:
    sales = _seed(emulator)
    vary(emulator, member_info=shape, integers_as_strings=as_strings, group_update_resets_flags=resets)
    with client_for(emulator) as client:
        # Never read by this client: the group is looked at before it is written.
        client.update_group(sales, [1, 2])
        assert emulator.state.groups["Sales"]["members"] == {1: "manager", 2: "custom"}
        assert emulator.state.groups["Sales"]["flags"] == FLAGS
        client.create_group("Copy", [2, 3], like=sales)
        client.create_group("Other", [2])
    groups = emulator.state.groups
    assert (groups["Copy"]["members"], groups["Copy"]["flags"]) == ({2: "custom", 3: "user"}, FLAGS)
    assert (groups["Other"]["members"], groups["Other"]["flags"]) == ({2: "user"}, DEFAULT_FLAGS)


def test_group_is_written_as_it_was_read_last(emulator: Emulator) -> None:
    sales = _seed(emulator)
    with client_for(emulator) as client:
        client.groups()
        with emulator.pbx.lock:
            emulator.pbx.groups.put(ExtensionGroupHeld(sales, "Sales", SPECIFIC, {1: "user", 3: "manager"}))
        client.group(sales)
        client.update_group(sales, [1, 2, 3])
    assert _groups(emulator) == {"Sales": {1: "user", 2: "user", 3: "manager"}}
    assert emulator.state.groups["Sales"]["flags"] == DEFAULT_FLAGS


@pytest.mark.parametrize("accepted", [True, False])
def test_group_may_be_empty_where_the_pbx_takes_that(emulator: Emulator, accepted: bool) -> None:
    sales = _seed(emulator)
    vary(emulator, group_without_members="accepted" if accepted else "refused")
    with client_for(emulator) as client:
        writes: list[Callable[[], object]] = [
            lambda: client.update_group(sales, []),
            lambda: client.create_group("Empty", []),
        ]
        for write in writes:
            if accepted:
                write()
                continue
            with pytest.raises(PbxRefusedError, match=r"members \(required\).*takes no extension group without mem"):
                write()
    assert _groups(emulator) == (
        {"Sales": {}, "Empty": {}} if accepted else {"Sales": {3: "user", 1: "manager", 2: "custom"}}
    )


def test_name_that_another_group_has_is_refused(emulator: Emulator) -> None:
    sales = _seed(emulator)
    emulator.pbx.seed_group("Selling")
    vary(emulator, group_rename="accepted")
    with client_for(emulator) as client:
        with pytest.raises(PbxRefusedError, match=r"rename the extension group .*name Selling belongs to"):
            client.rename_group(sales, "Selling", [1])
        with pytest.raises(PbxRefusedError, match=r"create the extension group Selling: .*name Selling belongs to"):
            client.create_group("Selling", [1])


def test_name_that_an_accepting_pbx_does_not_take_is_not_the_groups_name(emulator: Emulator) -> None:
    sales = _seed(emulator)
    vary(emulator, group_rename="accepted", group_name_length_max=5)
    with client_for(emulator) as client:
        assert client.rename_group(sales, "Selling", [1]) is False
        with pytest.raises(PbxRefusedError, match=r"create the extension group Selling: .*name \(length\)") as caught:
            client.create_group("Selling", [1])
    assert caught.value.invalid_fields == ("name",)


def test_full_pbx_refuses_another_group_alone(emulator: Emulator) -> None:
    sales = _seed(emulator)
    vary(emulator, group_count_max=2)
    with client_for(emulator) as client:
        with pytest.raises(PbxCapacityError, match=r"create the extension group Support: errcode 60002.* narrow the"):
            client.create_group("Support", [1])
        client.update_group(sales, [4])
    assert _groups(emulator) == {"Sales": {4: "user"}}


def test_what_is_gone_is_not_written(emulator: Emulator) -> None:
    sales = _seed(emulator)
    with client_for(emulator) as client:
        client.groups()
        with pytest.raises(PbxRefusedError, match="60001"):
            client.update_group(sales, [99])
        emulator.pbx.groups.remove(sales)
        with pytest.raises(PbxRefusedError, match=r"change the extension group with id 2: errcode 60001"):
            client.update_group(sales, [1])
        with pytest.raises(PbxRefusedError, match="60001"):
            client.rename_group(sales, "Selling", [1])
    assert _groups(emulator) == {}
