# SPDX-License-Identifier: GPL-3.0-or-later
"""The same life of units and users on PBXs that answer in every way that the documentation leaves open."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import pytest

from lab.directory_admin import DirectoryAdmin
from tests.integration.modules.site_under_test import Site, actions

VALUES: dict[str, tuple[Any, ...]] = {
    "members_of_deleted_organization": ("to_root", "to_parent", "removed"),
    "organization_info": ("value", "id"),
    "nested_shapes_accepted": ("any", "own"),
    "organization_info_needs_name": (False, True),
    "update_requires_organization_list": (False, True),
    "nested_organization_numbers_as_strings": (False, True),
    "integers_as_strings": (False, True),
    "parent_counts_include_children": (False, True),
    "organization_with_children_deleted": ("refused", "with_children"),
    "organization_sibling_names_unique": (True, False),
    "organization_limits_count_root": (False, True),
}
# Plackett and Burman's twelve rows for the switches with two values, and the first switch's three in turn: each value
# of one switch meets each value of every other in one row at least.
_ROW = "01101110001"
_ROWS = [*(_ROW[shift:] + _ROW[:shift] for shift in range(len(_ROW))), "0" * len(_ROW)]
ROWS = [
    {
        name: values[int(choice)]
        for (name, values), choice in zip(VALUES.items(), f"{number // 4}{row[:-1]}", strict=True)
    }
    for number, row in enumerate(_ROWS)
]


def test_the_rows_bring_every_two_values_together() -> None:
    for one, other in combinations(VALUES, 2):
        assert {(row[one], row[other]) for row in ROWS} == set(product(VALUES[one], VALUES[other])), (one, other)


@pytest.mark.parametrize("row", ROWS, ids=[str(number) for number in range(len(ROWS))])
def test_a_pbx_of_any_kind_ends_in_the_same_state(site: Site, row: dict[str, Any]) -> None:
    site.pbx.variants = site.pbx.variants.changed(**row)
    site.pbx.pbx.seed_extension("5000", first_name="hand")
    by_hand = site.pbx.pbx.seed_organization("By hand")
    staff = site.add_unit("Staff")
    sales, old = site.add_unit("Sales", staff), site.add_unit("Old", staff)
    anna = site.add_user("Anna", parent=sales)
    bernd = site.add_user("Bernd", parent=staff)
    carl = site.add_user("Carl", parent=old)
    rule: dict[str, Any] = {"out_of_scope": "delete"}

    # The first runs: a tree, and extensions created straight into it.
    site.units(**rule)
    site.sync()
    assert site.organizations == {
        "": {"hand"},
        "By hand": set(),
        "Staff": {"Bernd"},
        "Staff/Sales": {"Anna"},
        "Staff/Old": {"Carl"},
    }
    before = site.organization_ids
    _expect_nothing_to_do(site, rule)

    # A user moves and changes besides; one was given an organization by hand; units are renamed, moved and deleted.
    site.pbx.pbx.change_by_hand(
        site.extension_of("Bernd")["number"], organization_ids=(site.organization_id("Staff"), by_hand)
    )
    site.admin.modify(anna, sn="Neu")
    site.admin.move(anna, staff)
    assert len(site.sync()["changes"]) == 1
    site.admin.move(bernd, site.base_dn)
    site.admin.move(carl, sales)
    site.admin.delete(old)
    site.admin.move(site.admin.rename(sales, "Vertrieb"), site.base_dn)
    site.admin.rename(DirectoryAdmin.dn("Staff", site.base_dn, kind="OU"), "Personal")
    site.add_unit("New", DirectoryAdmin.dn("Vertrieb", site.base_dn, kind="OU"))
    site.pbx.calls.clear()
    result = site.units(**rule)

    assert site.organizations == {
        "": {"hand"},
        "By hand": {"Bernd"},
        "Personal": {"Anna"},
        "Vertrieb": {"Carl"},
        "Vertrieb/New": set(),
    }
    assert {**site.organization_ids, "Vertrieb/New": 0} == {
        "": 1,
        "By hand": by_hand,
        "Personal": before["Staff"],
        "Vertrieb": before["Staff/Sales"],
        "Vertrieb/New": 0,
    }
    assert site.extension_of("Anna")["last_name"] == "Neu"
    assert len(site.writes()) == len(result["changes"]) == 6
    _expect_nothing_to_do(site, rule)

    # A whole subtree goes, with what is in it.
    site.admin.delete(DirectoryAdmin.dn("Vertrieb", site.base_dn, kind="OU"), with_children=True)
    ended = site.units(**rule)
    assert [change[0] for change in actions(ended)] == ["delete", "update", "delete"]
    assert site.organizations == {"": {"Carl", "hand"}, "By hand": {"Bernd"}, "Personal": {"Anna"}}
    assert actions(site.sync()) == [("delete", "Carl", "account_deleted")]
    _expect_nothing_to_do(site, rule)


def test_a_pbx_without_any_extension_that_takes_organizations_in_the_other_shape(site: Site) -> None:
    site.pbx.variants = site.pbx.variants.changed(organization_info="id", nested_shapes_accepted="own")
    site.add_user("Anna", parent=site.add_unit("Staff"))
    site.units()

    site.sync()

    assert site.organizations == {"": set(), "Staff": {"Anna"}}


def _expect_nothing_to_do(site: Site, rule: dict[str, Any]) -> None:
    site.pbx.calls.clear()
    assert not site.units(**rule)["changed"]
    assert not site.sync()["changed"]
    assert site.writes() == []
