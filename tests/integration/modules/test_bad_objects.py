# SPDX-License-Identifier: GPL-3.0-or-later
"""Directory objects with values that nobody should give them: written exactly, or a conflict that says why not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.modules.site_under_test import Site

# What is written is the value without the blanks around it, and nothing else is taken from it.
NAMES = (
    *("\u202eevil", "p\u0430ypal", "paypal", "zero\u200dwidth", "e\u0301", "é", "👩\u200d💻 Zoë", "\u200b"),
    *('"quoted"', "a,b", "a+b", "#1", "<b>", "a\\b", "a=b", "*)(cn=*", "{{ 7 }}", "x" * 63),
)
ADDRESSES = (
    *("ümlaut@example.com", "two@@example.com", "a b@example.com", ".dot@example.com", '"q"@example.com', "x@y"),
    *("x" * 244 + "@example.com", "a@example.com,b@example.com", "\u202ea@example.com"),
    "a\u200d@example.com",
)
TELEPHONES = ("ask at the desk, please", "§", "\u202e123", "x" * 40, "½")


def _users(site: Site) -> dict[str, dict[str, Any]]:
    return {extension["number"]: extension for extension in site.pbx.state.extensions.values()}


@pytest.mark.parametrize("attribute", ["givenName", "sn", "title"])
def test_names_of_all_kinds_are_written_exactly(site: Site, attribute: str) -> None:
    field = {"givenName": "first_name", "sn": "last_name", "title": "title"}[attribute]
    for number, name in enumerate(NAMES):
        site.add_user(f"user{number:02}", **{"givenName": f"user{number:02}", attribute: name})

    result = site.sync()

    assert result["conflicts"] == []
    assert sorted(one[field] for one in _users(site).values()) == sorted(NAMES)
    site.pbx.calls.clear()
    assert not site.sync()["changed"]
    assert site.writes() == []


@pytest.mark.parametrize("attribute", ["mail", "telephoneNumber"])
def test_what_the_pbx_would_refuse_is_a_conflict_with_a_remedy(site: Site, attribute: str) -> None:
    values = ADDRESSES if attribute == "mail" else TELEPHONES
    for number, value in enumerate(values):
        site.add_user(f"user{number:02}", **{attribute: value})

    result = site.sync()

    assert len(result["conflicts"]) == len(values)
    for conflict in result["conflicts"]:
        assert attribute in conflict["message"]
        assert conflict["name"].startswith("user")
    assert len(_users(site)) == len(values)
    assert all(not one["email_addr"] and not one["mobile_number"] for one in _users(site).values())
    site.pbx.calls.clear()
    assert not site.sync()["changed"]
    assert site.writes() == []


def test_units_and_groups_of_all_names_get_their_own(site: Site) -> None:
    """Names that only look alike are different ones; those that are the same in another spelling are told apart."""
    names = [name for name in NAMES if name != "\u200b"]
    for number, name in enumerate(names):
        parent = site.add_unit(f"place{number:02}")
        site.admin.add_ou(name, parent=parent)

    result = site.units()

    made = {one["name"] for one in site.pbx.state.organizations.values()}
    refused = {conflict["name"] for conflict in result["conflicts"]}
    assert set(names) <= made | refused
    site.pbx.calls.clear()
    assert not site.units()["changed"]
    assert site.writes() == []
