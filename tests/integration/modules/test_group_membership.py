# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is in an extension group: members of every kind, what administrators set, and every way a PBX may answer."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from lab.directory_admin import DirectoryAdmin
from tests.integration.modules.site_under_test import Site, actions

VARIANTS: list[dict[str, Any]] = [
    {},
    {"member_info": "reference", "nested_shapes_accepted": "own"},
    {"member_info": "reference_without_user_type", "nested_shapes_accepted": "own"},
    {"member_info": "ext_id"},
    {"member_info": "ext_id", "nested_shapes_accepted": "own", "integers_as_strings": True},
    {"member_info": "ext_id", "nested_shapes_accepted": "own", "group_of_all_lists_members": True},
    {"group_of_all_lists_members": True, "group_update_resets_flags": True},
    {"group_query_returns_name": False, "integers_as_strings": True},
    {"group_query_returns_name": False, "create_returns_id": False, "group_rename": "accepted"},
    {"create_returns_id": False, "group_rename": "refused"},
    {"create_returns_id": False, "member_info": "ext_id", "group_rename": "ignored", "query_unknown_ids": "refused"},
    {"query_ids_max": 1},
    {"query_ids_max": 2, "query_ids_beyond_max": "truncated", "page_size_cap": 1},
    {"page_size_cap": 2, "unknown_id_errcode": 40002, "unknown_id_on_delete_errcode": 40002},
    {"detail_lists_groups": True, "error_http_status": 400, "group_count_max": None},
]


def three(site: Site) -> tuple[str, str, str]:
    """Three users, by DN."""
    anna, bernd, carl = (site.add_user(name) for name in ("Anna", "Bernd", "Carl"))
    return anna, bernd, carl


# --- members


def test_members_are_direct_ones_nested_ones_and_those_by_primary_group(site: Site) -> None:
    anna, bernd, carl = three(site)
    inner = site.add_group("Inner", bernd)
    site.add_group("Outer", anna, inner)
    primary = site.add_group("Primary", carl)
    site.add_group("Around", primary)
    site.admin.set_primary_group(carl, primary)
    site.add_group("Nobody")
    assert site.admin.read(primary, "member")["member"] == []
    site.sync()

    result = site.groups()

    assert site.members == {
        "Outer": {"Anna", "Bernd"},
        "Inner": {"Bernd"},
        "Primary": {"Carl"},
        "Around": {"Carl"},
        "Nobody": set(),
    }
    assert {change["name"]: change["members_added"] for change in result["changes"]} == {
        "Around": ["1002 Carl"],
        "Inner": ["1001 Bernd"],
        "Nobody": [],
        "Outer": ["1000 Anna", "1001 Bernd"],
        "Primary": ["1002 Carl"],
    }
    assert not site.groups()["changed"]
    # A group that is somebody's primary one cannot be deleted with the test's unit.
    site.admin.set_primary_group(carl, f"CN=Domain Users,{site.admin.users_dn}")


def test_a_cycle_of_three_groups_gives_each_the_members_of_all(site: Site) -> None:
    anna, bernd, carl = three(site)
    one, two, three_ = (site.add_group(f"Ring {n}", dn) for n, dn in enumerate((anna, bernd, carl), 1))
    for group, inside in ((one, two), (two, three_), (three_, one)):
        site.admin.add_members(group, [inside])
    # A group that has the ring in it twice over.
    site.add_group("Around", one, three_)
    site.sync()

    site.groups()

    assert site.members == {name: {"Anna", "Bernd", "Carl"} for name in ("Ring 1", "Ring 2", "Ring 3", "Around")}
    site.admin.remove_members(two, [bernd])
    site.groups()
    assert site.members == {name: {"Anna", "Carl"} for name in ("Ring 1", "Ring 2", "Ring 3", "Around")}


def test_members_are_those_that_have_an_extension_and_no_others(site: Site) -> None:
    staff, others = site.add_unit("Staff"), site.add_unit("Others")
    anna, bernd = site.add_user("Anna", parent=staff), site.add_user("Bernd", parent=staff)
    site.admin.set_enabled(bernd, enabled=False)
    carl = site.add_user("Carl", parent=others)
    contact, computer = DirectoryAdmin.dn("Contact", others), DirectoryAdmin.dn("PC", others)
    site.admin.add(contact, "contact", {"givenName": "Contact"})
    site.admin.add(computer, "computer", {"sAMAccountName": f"pc{site.base_dn[8:16]}$", "userAccountControl": 4096})
    site.add_group("Mixed", anna, bernd, carl, contact, computer)
    site.pbx.pbx.seed_extension("5000", first_name="Carl")
    rule: dict[str, Any] = {"scope": "organizational_units", "organizational_units": ["Staff"], "delete_when": []}
    site.sync(**rule)

    site.groups()

    # Bernd is disabled and has an extension; Carl is enabled and has none, whatever the PBX's own is called.
    assert site.members == {"Mixed": {"Anna", "Bernd"}}
    assert site.extension_of("Carl")["id"] not in site.pbx.state.groups["Mixed"]["members"]


def test_who_gets_an_extension_later_joins_and_who_loses_it_is_gone(site: Site) -> None:
    anna, bernd, carl = three(site)
    site.add_group("Sales", anna, bernd, carl)
    site.admin.set_enabled(bernd, enabled=False)
    site.sync(delete_when=["disabled"])
    site.groups()
    assert site.members == {"Sales": {"Anna", "Carl"}}

    site.admin.set_enabled(bernd, enabled=True)
    site.admin.set_enabled(carl, enabled=False)
    site.sync(delete_when=["disabled"])
    result = site.groups()

    assert site.members == {"Sales": {"Anna", "Bernd"}}
    assert [(change["members_added"], change["members_removed"]) for change in result["changes"]] == [
        (["1002 Bernd"], [])
    ]
    assert result["changes"][0]["drift"] == []


def test_a_group_that_becomes_empty_is_an_extension_group_without_members(site: Site) -> None:
    anna, bernd, _carl = three(site)
    sales = site.add_group("Sales", anna, bernd)
    site.sync()
    site.groups()
    before = site.group_id("Sales")
    site.admin.remove_members(sales, [anna, bernd])

    result = site.groups()

    assert site.members == {"Sales": set()}
    assert result["changes"][0]["members_removed"] == ["1000 Anna", "1001 Bernd"]
    assert not site.groups()["changed"]
    site.admin.add_members(sales, [bernd])
    site.groups()
    assert site.members == {"Sales": {"Bernd"}}
    assert site.group_id("Sales") == before


def test_a_user_that_is_renamed_or_moved_stays_a_member(site: Site) -> None:
    anna, bernd, _carl = three(site)
    site.add_group("Sales", anna, bernd)
    site.sync()
    site.groups()
    site.admin.move(site.admin.rename(anna, "Änna, + Neu"), site.add_unit("Elsewhere"))

    assert not site.groups()["changed"]
    assert site.members == {"Sales": {"Anna", "Bernd"}}


def test_an_extension_that_was_deleted_and_created_again_is_put_back(site: Site) -> None:
    anna, bernd, _carl = three(site)
    site.add_group("Sales", anna, bernd)
    site.sync()
    site.groups()
    site.pbx.pbx.delete_by_hand("1000")

    # Until the extension is there again, its user is none that could be a member.
    assert not site.groups()["changed"]
    site.sync()
    site.groups()

    assert site.members == {"Sales": {"Anna", "Bernd"}}


def test_a_group_deleted_on_the_pbx_is_made_again(site: Site) -> None:
    anna, _bernd, _carl = three(site)
    site.add_group("Sales", anna)
    site.sync()
    site.groups()
    site.pbx.pbx.groups.remove(site.group_id("Sales"))

    result = site.groups()

    assert actions(result) == [("create", "Sales", "object_missing")]
    assert site.members == {"Sales": {"Anna"}}
    assert not site.groups()["changed"]


def test_groups_need_no_organization_management(site: Site) -> None:
    site.pbx.pbx.organization_management = False
    site.add_group("Sales", site.add_user("Anna"))
    site.sync()

    site.groups()

    assert site.members == {"Sales": {"Anna"}}
    assert not site.groups()["changed"]


# --- what administrators set


def test_members_put_in_or_taken_out_by_hand_are_put_right_and_told_as_drift(site: Site) -> None:
    anna, bernd, carl = three(site)
    sales = site.add_group("Sales", anna, bernd)
    site.pbx.pbx.seed_extension("5000", first_name="hand")
    site.sync()
    site.groups()
    site.set_group("Sales", {"Bernd": "user", "hand": "user"})

    result = site.groups()

    (change,) = result["changes"]
    assert (change["reason"], change["drift"]) == ("drift", ["members"])
    assert (change["members_added"], change["members_removed"]) == (["1000 Anna"], ["5000 hand"])
    assert "- 5000 hand" in result["diff"]["prepared"]
    assert site.members == {"Sales": {"Anna", "Bernd"}}
    # Drift and a change of the directory at once: the reason is the directory's, the drift is told.
    site.set_group("Sales", {"Bernd": "user"})
    site.admin.add_members(sales, [carl])
    (change,) = site.groups()["changes"]
    assert (change["reason"], change["drift"]) == ("directory_changed", ["members"])
    assert site.members == {"Sales": {"Anna", "Bernd", "Carl"}}
    assert not site.groups()["changed"]


def test_what_an_administrator_has_done_already_is_remembered_without_a_write(site: Site) -> None:
    anna, bernd, _carl = three(site)
    sales = site.add_group("Sales", anna)
    site.sync()
    site.groups()
    site.admin.add_members(sales, [bernd])
    site.set_group("Sales", {"Anna": "user", "Bernd": "user"})
    site.pbx.calls.clear()

    assert not site.groups()["changed"]

    assert site.writes() == []
    site.set_group("Sales", {"Anna": "user"})
    assert [change["drift"] for change in site.groups()["changes"]] == [["members"]]


def test_a_group_that_was_made_to_include_all_extensions_gets_its_members_back(site: Site) -> None:
    anna, _bernd, _carl = three(site)
    site.add_group("Sales", anna)
    site.sync()
    site.groups()
    with site.pbx.pbx.lock:
        held = site.pbx.pbx.groups.named("Sales")
        assert held is not None
        site.pbx.pbx.groups.put(type(held)(held.id, held.name, "sel_all_ext"))

    (change,) = site.groups()["changes"]

    assert (change["reason"], change["drift"]) == ("drift", ["members"])
    assert site.members == {"Sales": {"Anna"}}


@pytest.mark.parametrize(
    ("rename", "resets"), [("ignored", False), ("ignored", True), ("refused", True), ("accepted", True)]
)
def test_roles_and_permissions_set_by_hand_survive_changes_of_members_and_of_the_name(
    site: Site, rename: str, resets: bool
) -> None:
    site.pbx.variants = site.pbx.variants.changed(group_rename=rename, group_update_resets_flags=resets)
    anna, bernd, carl = three(site)
    sales = site.add_group("Sales", anna, bernd, carl)
    site.sync()
    site.groups()
    site.set_group("Sales", {"Anna": "manager", "Bernd": "custom", "Carl": "user"}, user_enb_monitor=1)
    flags = site.pbx.state.groups["Sales"]["flags"]
    assert not site.groups()["changed"]

    dora = site.add_user("Dora")
    site.admin.remove_members(sales, [carl])
    site.admin.add_members(sales, [dora])
    site.sync()
    site.groups()

    assert site.roles("Sales") == {"Anna": "manager", "Bernd": "custom", "Dora": "user"}
    assert site.pbx.state.groups["Sales"]["flags"] == flags
    selling = site.admin.rename(sales, "Selling")
    site.admin.remove_members(selling, [bernd])
    site.groups()
    assert site.roles("Selling") == {"Anna": "manager", "Dora": "user"}
    assert site.pbx.state.groups["Selling"]["flags"] == flags
    assert set(site.members) == {"Selling"}
    assert not site.groups()["changed"]


def test_a_member_with_a_role_that_is_taken_out_and_put_back_is_a_user(site: Site) -> None:
    anna, bernd, _carl = three(site)
    sales = site.add_group("Sales", anna, bernd)
    site.sync()
    site.groups()
    site.set_group("Sales", {"Anna": "manager", "Bernd": "user"})
    site.admin.remove_members(sales, [anna])
    site.groups()
    site.admin.add_members(sales, [anna])

    site.groups()

    assert site.roles("Sales") == {"Anna": "user", "Bernd": "user"}


# --- every way a PBX may answer


@pytest.mark.parametrize("variants", VARIANTS, ids=str)
def test_groups_end_the_same_way_however_the_pbx_answers(site: Site, variants: dict[str, Any]) -> None:
    site.pbx.variants = site.pbx.variants.changed(**variants)
    anna, bernd, carl = three(site)
    inner = site.add_group("Inner", bernd)
    sales = site.add_group("Sales", anna, inner)
    nobody = site.add_group("Nobody")
    site.sync()
    site.groups()
    assert site.members == {"Inner": {"Bernd"}, "Sales": {"Anna", "Bernd"}, "Nobody": set()}
    site.admin.rename(inner, "Inside")
    site.admin.remove_members(sales, [anna])
    site.admin.add_members(sales, [carl])
    site.admin.add_members(nobody, [anna])
    site.groups()
    assert site.members == {"Inside": {"Bernd"}, "Sales": {"Bernd", "Carl"}, "Nobody": {"Anna"}}
    nothing_to_do(site)

    site.admin.remove_members(nobody, [anna])
    site.admin.delete(sales)
    site.groups(out_of_scope="delete")
    assert site.members == {"Inside": {"Bernd"}, "Nobody": set()}
    nothing_to_do(site, out_of_scope="delete")


def nothing_to_do(site: Site, **rule: Any) -> None:
    """Run once more: nothing is changed and nothing is written."""
    site.pbx.calls.clear()
    result = site.groups(**rule)
    assert (result["changed"], result["changes"], result["conflicts"]) == (False, [], [])
    assert site.writes() == []


def test_a_pbx_that_takes_no_group_without_members_is_told_of_with_what_to_do(site: Site) -> None:
    site.pbx.variants = site.pbx.variants.changed(group_without_members="refused")
    anna, bernd, _carl = three(site)
    sales = site.add_group("Sales", anna)
    site.add_group("Nobody")
    site.add_group("Support", bernd)
    site.sync()

    result = site.groups(fails=True)

    assert "Nobody" in result["msg"]
    assert "takes no extension group without members" in result["msg"]
    assert site.members == {"Sales": {"Anna"}, "Support": {"Bernd"}}
    site.admin.remove_members(sales, [anna])
    assert "takes no extension group without members" in site.groups(fails=True)["msg"]
    assert site.members == {"Sales": {"Anna"}, "Support": {"Bernd"}}


# --- calls


def test_a_run_with_nothing_to_do_reads_in_pages_and_batches_and_writes_nothing(site: Site) -> None:
    anna, bernd, _carl = three(site)
    for number in range(30):
        site.add_group(f"Group {number:02}", anna, bernd)
    site.sync()
    site.groups()
    site.pbx.calls.clear()

    assert not site.groups()["changed"]

    asked = Counter(call.endpoint for call in site.pbx.calls.all())
    assert asked == {
        "get_token": 1,
        "system/information": 1,
        "system/capacity": 1,
        "organization/list": 1,
        "extension/list": 1,
        "extension/query": 1,
        "extensiongroup/list": 1,
        "extensiongroup/query": 1,
        "del_token": 1,
    }


def test_a_changed_group_is_one_call_whatever_the_number_of_its_members(site: Site) -> None:
    people = [site.add_user(f"User{number:02}") for number in range(12)]
    sales, support = site.add_group("Sales", *people[:6]), site.add_group("Support", *people[6:])
    site.add_group("Same", *people)
    site.sync()
    site.pbx.calls.clear()
    site.groups()
    assert site.writes() == ["extensiongroup/create"] * 3
    for group, leaving, coming in ((sales, people[:6], people[6:]), (support, people[6:], people[:6])):
        site.admin.remove_members(group, leaving)
        site.admin.add_members(group, coming)
    site.pbx.calls.clear()

    site.groups()

    assert site.writes() == ["extensiongroup/update"] * 2
    assert site.members["Sales"] == {f"User{number:02}" for number in range(6, 12)}
