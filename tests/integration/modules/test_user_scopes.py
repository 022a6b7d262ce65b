# SPDX-License-Identifier: GPL-3.0-or-later
"""The five scopes, each against the real directory and the emulator."""

from __future__ import annotations

from typing import Any

import pytest

from lab.directory_admin import DirectoryAdmin
from tests.integration.modules.site_under_test import Site, actions, codes


def test_all_takes_in_the_users_below_the_base_dn_and_nothing_else(site: Site) -> None:
    site.add_user("Anna")
    below = site.add_unit("Deep, down + under")
    site.add_user("Bernd", parent=below)
    site.admin.add_user("Ines", parent=site.base_dn, object_class="inetOrgPerson", givenName="Ines")
    site.admin.add(DirectoryAdmin.dn("Kontakt", site.base_dn), "contact", {"givenName": "Kontakt"})
    site.admin.add(
        DirectoryAdmin.dn("PC", site.base_dn), "computer", {"sAMAccountName": "pc-1$", "userAccountControl": 4096}
    )

    result = site.sync()

    assert set(site.names.values()) == {"Anna", "Bernd", "Ines"}
    assert result["summary"]["created"] == 3
    assert not result["conflicts"]


def test_system_accounts_are_never_taken_in(site: Site) -> None:
    accounts = (
        "(|(sAMAccountName=Administrator)(sAMAccountName=Guest)(sAMAccountName=krbtgt)(sAMAccountName=svc-plain))"
    )

    result = site.try_sync(check=True, directory_base_dn=site.admin.base_dn, scope="filter", filter=accounts)

    assert [change["name"] for change in result["changes"]] == ["svc-plain"]


@pytest.mark.parametrize("spelling", ["path", "dn"])
def test_organizational_units_by_path_and_by_dn_with_all_that_is_below(site: Site, spelling: str) -> None:
    staff = site.add_unit("Staff")
    sales = site.add_unit("Sales / Süd, + 営業 🚀", parent=staff)
    deepest = site.add_unit('"Innen"', parent=sales)
    site.add_user("Outside")
    site.add_user("Upstairs", parent=staff)
    site.add_user("Seller", parent=sales)
    site.add_user("Deep", parent=deepest)
    name = "Staff/Sales \\/ Süd, + 営業 🚀" if spelling == "path" else sales

    site.sync(scope="organizational_units", organizational_units=[name])

    assert set(site.names.values()) == {"Seller", "Deep"}


def test_a_user_below_two_named_units_gets_one_extension(site: Site) -> None:
    staff = site.add_unit("Staff")
    sales = site.add_unit("Sales", parent=staff)
    site.add_user("Seller", parent=sales)

    site.sync(scope="organizational_units", organizational_units=["Staff", sales])

    assert list(site.names.values()) == ["Seller"]


@pytest.mark.parametrize(("scope", "option"), [("organizational_units", "organizational_units"), ("groups", "groups")])
def test_a_name_that_does_not_exist_is_an_error_before_any_user_is_read(site: Site, scope: str, option: str) -> None:
    site.add_user("Anna")

    named: dict[str, Any] = {option: ["No such name"]}

    result = site.sync_failing(scope=scope, **named)

    assert "No such name" in result["msg"]
    assert option in result["msg"]
    assert site.writes() == []


def test_groups_take_in_nested_members_across_a_cycle_and_members_by_primary_group(site: Site) -> None:
    anna, bernd, carl, dora = (site.add_user(name) for name in ("Anna", "Bernd", "Carl", "Dora"))
    site.add_user("Erna")
    outer, inner, primary = (DirectoryAdmin.dn(f"{name} {site.base_dn[3:17]}", site.base_dn) for name in "OIP")
    site.admin.add_group(_cn(outer), parent=site.base_dn, members=[anna])
    site.admin.add_group(_cn(inner), parent=site.base_dn, members=[bernd, outer])
    site.admin.add_members(outer, [inner])
    site.admin.add_group(_cn(primary), parent=site.base_dn, members=[carl])
    site.admin.add_members(inner, [primary])
    site.admin.set_primary_group(carl, primary)
    assert carl not in str(site.admin.read(primary, "member"))
    assert dora

    site.sync(scope="groups", groups=[outer])

    assert set(site.names.values()) == {"Anna", "Bernd", "Carl"}
    # A group that is somebody's primary one cannot be deleted with the test's unit.
    site.admin.set_primary_group(carl, f"CN=Domain Users,{site.admin.users_dn}")


def test_a_member_taken_out_of_a_nested_group_is_out_of_scope(site: Site) -> None:
    anna, bernd = site.add_user("Anna"), site.add_user("Bernd")
    outer = DirectoryAdmin.dn(f"Outer {site.base_dn[3:17]}", site.base_dn)
    inner = DirectoryAdmin.dn(f"Inner {site.base_dn[3:17]}", site.base_dn)
    site.admin.add_group(_cn(inner), parent=site.base_dn, members=[anna, bernd])
    site.admin.add_group(_cn(outer), parent=site.base_dn, members=[inner])
    site.sync(scope="groups", groups=[outer])
    site.admin.remove_members(inner, [bernd])

    result = site.sync(scope="groups", groups=[outer], out_of_scope="delete")

    assert actions(result) == [("delete", "Bernd", "out_of_scope")]
    assert list(site.names.values()) == ["Anna"]


def test_a_filter_may_be_spelled_as_the_vendors_guide_prints_it(site: Site) -> None:
    site.add_user("sales-anna", title="Clerk")
    site.add_user("sales-bernd")
    site.add_user("Carl")

    site.sync(scope="filter", filter="(& (objectCategory=person) (objectClass=user) (cn=sales*))")

    assert set(site.names.values()) == {"sales-anna", "sales-bernd"}


def test_a_malformed_filter_is_an_error_that_names_the_parameter(site: Site) -> None:
    result = site.sync_failing(scope="filter", filter="(cn=*")

    assert "filter" in result["msg"]


def test_users_are_bound_one_by_one_and_leaving_one_out_keeps_the_extension(site: Site) -> None:
    for name in ("Anna", "Bernd", "Carl"):
        site.add_user(name, mail=f"{name.lower()}@lab.test", userPrincipalName=f"{name}{site.base_dn[3:17]}@lab.test")
    for number in ("2001", "2002", "2003"):
        site.pbx.pbx.seed_extension(number, first_name=f"hand {number}")
    anna = {"user": f"Anna{site.base_dn[3:17]}@lab.test", "extension": "2001"}
    bernd = {"user": DirectoryAdmin.dn("Bernd", site.base_dn), "extension": "2003"}

    first = site.sync(scope="users", users=[anna, bernd])
    assert actions(first) == [("associate", "Anna", "bound_by_name"), ("associate", "Bernd", "bound_by_name")]
    assert site.names == {"2001": "Anna", "2002": "hand 2002", "2003": "Bernd"}

    second = site.sync(scope="users", users=[anna], out_of_scope="delete")
    assert actions(second) == [("release", "Bernd", "no_longer_listed")]
    assert site.names["2003"] == "Bernd"

    third = site.sync(scope="users", users=[anna], out_of_scope="delete")
    assert not third["changed"]


def test_a_user_can_be_bound_to_another_extension(site: Site) -> None:
    site.add_user("Anna")
    site.pbx.pbx.seed_extension("2001", first_name="one")
    site.pbx.pbx.seed_extension("2002", first_name="two")
    name = site.admin.dn("Anna", site.base_dn)
    site.sync(scope="users", users=[{"user": name, "extension": "2001"}])

    result = site.sync(scope="users", users=[{"user": name, "extension": "2002"}])

    assert actions(result) == [("release", "Anna", "bound_elsewhere"), ("associate", "Anna", "bound_by_name")]
    assert site.names == {"2001": "Anna", "2002": "Anna"}


def test_a_user_bound_to_an_extension_that_does_not_exist_is_a_conflict(site: Site) -> None:
    site.add_user("Anna")

    result = site.sync(scope="users", users=[{"user": site.admin.dn("Anna", site.base_dn), "extension": "2001"}])

    assert codes(result) == [("Anna", "extension_not_found")]
    assert site.names == {}


def test_a_named_user_that_does_not_exist_is_an_error(site: Site) -> None:
    result = site.sync_failing(scope="users", users=[{"user": "nobody-here", "extension": "2001"}])

    assert "nobody-here" in result["msg"]


def test_a_named_user_that_was_renamed_since_stays_bound(site: Site) -> None:
    site.add_user("Anna")
    site.pbx.pbx.seed_extension("2001")
    name = site.admin.dn("Anna", site.base_dn)
    site.sync(scope="users", users=[{"user": name, "extension": "2001"}])
    site.admin.rename(name, "Anna Neu")

    result = site.sync(scope="users", users=[{"user": name, "extension": "2001"}])

    assert actions(result) == []
    assert site.names == {"2001": "Anna"}


def test_an_option_of_another_scope_is_refused_not_ignored(site: Site) -> None:
    result = site.sync_failing(scope="all", groups=["PBX Users"])

    assert "groups" in result["msg"]
    assert "scope" in result["msg"]


def _cn(dn: str) -> str:
    return dn.split(",", 1)[0].removeprefix("CN=")


def test_a_member_by_primary_group_of_a_nested_group_is_not_released_when_the_list_of_members_is_hidden(
    site: Site,
) -> None:
    anna = site.add_user("Anna")
    inner, outer = DirectoryAdmin.dn("Inner", site.base_dn), DirectoryAdmin.dn("Outer", site.base_dn)
    site.admin.add_group("Inner", parent=site.base_dn, members=[anna])
    site.admin.set_primary_group(anna, inner)
    site.admin.add_group("Outer", parent=site.base_dn, members=[inner])
    rule: dict[str, Any] = {"scope": "groups", "groups": [outer]}
    site.sync(**rule)
    site.admin.deny_reading(outer, "member", site.directory.sync_account.distinguished_name)

    outcome = site.try_sync(**rule)

    # A group that is somebody's primary one cannot be deleted with the test's unit.
    site.admin.set_primary_group(anna, f"CN=Domain Users,{site.admin.users_dn}")
    assert outcome["failed"]
    assert "left out 1 user(s)" in outcome["msg"]
    assert list(site.names.values()) == ["Anna"]


def test_a_named_user_that_was_renamed_is_still_known_in_every_run(site: Site) -> None:
    site.pbx.pbx.seed_extension("2002", first_name="hand")
    dn = site.add_user("Anna", userPrincipalName="anna@lab.test")
    rule: dict[str, Any] = {"scope": "users", "users": [{"user": "anna@lab.test", "extension": "2002"}]}
    site.sync(**rule)
    site.admin.modify(dn, userPrincipalName="altmann@lab.test")

    for _run in range(2):
        assert not site.sync(**rule)["changed"]
    assert site.names == {"2002": "Anna"}
