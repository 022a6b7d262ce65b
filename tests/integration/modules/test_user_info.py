# SPDX-License-Identifier: GPL-3.0-or-later
"""Searching for users and explaining them, against the real directory and the emulator."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from lab.directory_admin import DirectoryAdmin
from tests.integration.modules.reading_only import ask
from tests.integration.modules.site_under_test import Site, codes


def _explain(site: Site, **options: Any) -> dict[str, dict[str, Any]]:
    """The users found, by the first part of their account names."""
    return {user["name"].split("-")[0]: user for user in ask(site, "pbx_ad_user_info", **options)["users"]}


def _found(site: Site, **options: Any) -> list[str]:
    return list(_explain(site, **options))


def _group_name(site: Site, name: str) -> str:
    return f"{name} {site.base_dn[8:20]}"


def _field(user: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [field for field in user["fields"] if field["field"] == name]
    return found


def _account(dn: str, site: Site) -> str:
    return site.admin.read(dn, "sAMAccountName")["sAMAccountName"][0].decode()


# --- the search


def test_without_a_condition_all_below_the_base_dn_are_found(site: Site) -> None:
    site.add_user("Carl")
    site.add_user("Anna", parent=site.add_unit("Staff"))
    site.add_user("bernd")

    result = ask(site, "pbx_ad_user_info")

    assert [user["name"].split("-")[0] for user in result["users"]] == ["Anna", "bernd", "Carl"]
    assert (result["count"], result["truncated"], result["not_found"]) == (3, False, [])
    assert (result["status"], result["rule"], result["plan_id"]) == ("not_connected", "not_saved", "")


def test_more_than_the_limit_are_counted_and_not_explained(site: Site) -> None:
    for name in ("Anna", "Bernd", "Carl"):
        site.add_user(name)

    result = ask(site, "pbx_ad_user_info", limit=2)

    assert [user["name"].split("-")[0] for user in result["users"]] == ["Anna", "Bernd"]
    assert (result["count"], result["truncated"]) == (3, True)


def test_users_are_found_by_unit_then_by_name(site: Site) -> None:
    staff = site.add_unit("Staff")
    site.add_user("Anna", parent=staff)
    site.add_user("Anton", parent=site.add_unit("Sales", staff))
    site.add_user("Bernd", parent=staff)
    site.add_user("Antje")

    assert _found(site, organizational_units=["Staff"]) == ["Anna", "Anton", "Bernd"]
    assert _found(site, organizational_units=["Staff"], search="an") == ["Anna", "Anton"]
    assert _found(site, organizational_units=[staff], filter="(givenName=Ant*)") == ["Anton"]


def test_users_are_found_by_group_nested_and_primary_members_too(site: Site) -> None:
    anna, bernd, carl = (site.add_user(name) for name in ("Anna", "Bernd", "Carl"))
    site.add_user("Dora")
    inner = site.add_group(_group_name(site, "Inner"), anna)
    outer = site.add_group(_group_name(site, "Outer"), bernd, carl, inner)
    site.admin.set_primary_group(carl, outer)

    assert _found(site, groups=[_group_name(site, "Outer")]) == ["Anna", "Bernd", "Carl"]
    assert _found(site, groups=[inner]) == ["Anna"]
    assert _found(site, groups=[outer], filter="(cn=C*)") == ["Carl"]

    site.admin.set_primary_group(carl, f"CN=Domain Users,{site.admin.users_dn}")


def test_names_are_found_exactly_in_every_spelling(site: Site) -> None:
    upn = f"anna.{site.base_dn[8:20]}@lab.test"
    anna = site.add_user("Anna", displayName="Anna (Süd) *", userPrincipalName=upn)
    site.add_user("Anna2", displayName="Anna (Süd) **")
    guid = site.admin.guid_of(anna)

    for name in (anna, anna.replace(",", ", ").upper(), upn, _account(anna, site), guid, "Anna (Süd) *"):
        result = ask(site, "pbx_ad_user_info", names=[name])
        assert [user["dn"] for user in result["users"]] == [anna], name
        assert result["not_found"] == []


def test_names_that_are_nobodys_are_told_and_those_of_several_find_all(site: Site) -> None:
    for name in ("Anna", "Anton"):
        site.add_user(name, displayName=f"A. {site.base_dn[8:20]}")

    result = ask(site, "pbx_ad_user_info", names=[f"A. {site.base_dn[8:20]}", "no such name", "*"])

    assert [user["name"].split("-")[0] for user in result["users"]] == ["Anna", "Anton"]
    assert result["not_found"] == ["no such name", "*"]


@pytest.mark.parametrize("text", ["dler", "ADLER", "anna adl", "(x) * \\"])
def test_a_part_of_a_name_is_found(site: Site, text: str) -> None:
    site.add_user("Anna", sn="Adler", displayName="Frau Adler (x) * \\")
    site.add_user("Bernd", sn="Brandt")

    assert _found(site, search=text, filter=f"(sAMAccountName=*{site.base_dn[8:14]}*)") == ["Anna"]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"organizational_units": ["No such unit"]}, "No such unit"),
        ({"groups": ["No such group"]}, "No such group"),
        ({"filter": "(cn=x"}, "filter"),
        ({"names": [" "]}, "names"),
        ({"limit": 0}, "limit"),
    ],
)
def test_what_cannot_be_searched_for_is_an_error(site: Site, options: dict[str, Any], word: str) -> None:
    assert word in ask(site, "pbx_ad_user_info", fails=True, **options)["msg"]


# --- in scope or not


def test_without_a_rule_fields_are_explained_and_the_rest_is_told_to_lack_a_rule(site: Site) -> None:
    site.add_user("Anna", sn="Adler", telephoneNumber="+49 30 1234")
    site.connect()

    anna = _explain(site)["Anna"]

    assert anna["scope_explanation"] == "No rule for users is saved, so that no user is in scope."
    assert _field(anna, "mobile_number")["wanted"] == "+49301234"
    assert anna["summary_explanation"].endswith(
        "has no extension, and no run changes that: no rule for users is saved."
    )
    assert (anna["in_scope"], anna["extension"], anna["next"]) == (False, {}, [])


def test_the_scope_of_all_and_who_is_never_taken_in(site: Site) -> None:
    elsewhere = site.add_unit("Elsewhere")
    outside = site.add_user("Outside", parent=elsewhere)
    staff = site.add_unit("Staff")
    site.add_user("Anna", parent=staff)
    options: dict[str, Any] = {"directory_base_dn": staff}
    site.connect(**options)
    site.sync(**options)

    found = _explain(site, names=["Administrator", outside, "svc-plain"], **options)

    assert found["Outside"]["scope_explanation"] == f"The user is not below the base DN {staff}."
    assert found["Administrator"]["scope_explanation"] == (
        "It is an account that the directory made for itself, and such accounts are never taken in."
    )
    assert found["svc"]["in_scope"] is False
    anna = _explain(site, **options)["Anna"]
    assert (anna["in_scope"], anna["scope_explanation"]) == (
        True,
        f"The user is below {staff}, and the rule takes in all users.",
    )


def test_the_scope_of_units(site: Site) -> None:
    staff = site.add_unit("Staff")
    site.add_user("Anna", parent=site.add_unit("Sales", staff))
    site.add_user("Bernd", parent=site.add_unit("Support"))
    site.sync(scope="organizational_units", organizational_units=["Staff", "Staff/Sales"])

    found = _explain(site)

    assert found["Anna"]["scope_explanation"] == "The user is in the organizational unit Staff/Sales."
    assert found["Bernd"]["scope_explanation"] == (
        "The user is in none of the organizational units named: Staff, Staff/Sales."
    )
    assert found["Bernd"]["summary_explanation"].endswith(
        "has no extension, and the next run gives none. " + found["Bernd"]["scope_explanation"]
    )


def test_the_scope_of_groups_with_the_chain_of_nesting(site: Site) -> None:
    anna, bernd, carl = (site.add_user(name) for name in ("Anna", "Bernd", "Carl"))
    site.add_user("Dora")
    inner, middle, outer = (_group_name(site, name) for name in ("Inner", "Middle", "Outer"))
    primary = _group_name(site, "Primary")
    middle_dn = site.add_group(middle, site.add_group(inner, anna))
    primary_dn = site.add_group(primary, carl)
    outer_dn = site.add_group(outer, middle_dn, primary_dn, bernd)
    # Nested in each other, which must end somewhere.
    site.admin.add_members(middle_dn, [outer_dn])
    site.admin.set_primary_group(carl, primary_dn)
    site.sync(scope="groups", groups=[outer])

    found = _explain(site)

    assert found["Anna"]["scope_explanation"] == (
        f"The user is a member of {inner}, which is a member of {middle}, which is a member of {outer}."
    )
    assert found["Bernd"]["scope_explanation"] == f"The user is a member of {outer}."
    assert found["Carl"]["scope_explanation"] == (
        f"The user's primary group is {primary}, which is a member of {outer}."
    )
    assert found["Dora"]["scope_explanation"].startswith(f"The user is a member of none of the groups named ({outer})")
    assert [user["in_scope"] for user in found.values()] == [True, True, True, False]

    site.admin.set_primary_group(carl, f"CN=Domain Users,{site.admin.users_dn}")


def test_the_scope_of_a_filter(site: Site) -> None:
    site.add_user("Anna", title="Clerk")
    site.add_user("Bernd")
    site.sync(scope="filter", filter="(title=Clerk)")

    found = _explain(site)

    assert found["Anna"]["scope_explanation"] == "The user matches the filter (title=Clerk)."
    assert found["Bernd"]["scope_explanation"] == "The user does not match the filter (title=Clerk)."


def test_the_scope_of_named_users(site: Site) -> None:
    anna = site.add_user("Anna")
    site.add_user("Bernd")
    site.pbx.pbx.seed_extension("2002", first_name="hand")
    site.sync(scope="users", users=[{"user": anna, "extension": "2002"}])

    found = _explain(site)

    assert found["Anna"]["scope_explanation"] == f"The rule names the user as {anna}."
    assert found["Anna"]["extension"]["number_explanation"] == "bound by the rule"
    assert found["Bernd"]["scope_explanation"] == "The rule names users one by one, and this one is not among them."


def test_disabled_and_expired_accounts_are_told_by_delete_when(site: Site) -> None:
    anna, bernd = site.add_user("Anna"), site.add_user("Bernd")
    site.add_user("Carl")
    site.sync(delete_when=["deleted", "disabled"])
    site.admin.set_enabled(anna, False)
    site.admin.set_expiry(bernd, datetime(2020, 1, 1, tzinfo=UTC))

    found = _explain(site)

    told = {name: (user["disabled"], user["expired"], user["in_scope"]) for name, user in found.items()}
    assert told == {"Anna": (True, False, False), "Bernd": (False, True, True), "Carl": (False, False, True)}
    assert "the account is disabled, and by delete_when" in found["Anna"]["scope_explanation"]
    assert [(one["action"], one["reason"], one["state"]) for one in found["Anna"]["next"]] == [
        ("delete", "account_disabled", "planned")
    ]
    assert found["Bernd"]["next"] == []


# --- the extension


def test_a_newcomers_number_is_the_one_that_the_run_then_gives(site: Site) -> None:
    site.add_user("Anna")
    site.sync(number_start=2000)
    site.pbx.pbx.seed_extension("2001")
    site.add_user("Bernd", mail="bernd@lab.test")

    bernd = _explain(site)["Bernd"]

    assert bernd["extension"] == {
        "number": "2002",
        "id": None,
        "origin": "created",
        "number_explanation": "first free number from 2000",
        "parked_since": "",
    }
    assert _field(bernd, "email_addr") == {
        "field": "email_addr",
        "attribute": "mail",
        "directory": "bernd@lab.test",
        "wanted": "bernd@lab.test",
        "pbx": None,
        "written": None,
        "drift": False,
        "problem": "",
    }
    plan = site.sync(check=True, number_start=2000)
    assert {key: plan["changes"][0][key] for key in bernd["next"][0]} == bernd["next"][0]
    site.sync(number_start=2000)
    assert site.names["2002"] == "Bernd"
    assert _explain(site)["Bernd"]["extension"]["number_explanation"] == "kept since it was given"


def test_an_extension_taken_over_is_told_before_and_after(site: Site) -> None:
    site.sync(associate_by_email=True)
    site.add_user("Anna", mail="anna@lab.test")
    extension_id = site.pbx.pbx.seed_extension("2060", first_name="Old", email_addr="anna@lab.test")
    expected = {
        "number": "2060",
        "id": extension_id,
        "origin": "adopted",
        "number_explanation": "taken over by e-mail address",
        "parked_since": "",
    }

    before = _explain(site)["Anna"]
    site.sync(associate_by_email=True)
    after = _explain(site)["Anna"]

    assert before["extension"] == after["extension"] == expected
    assert "would take over extension 2060" in before["summary_explanation"]
    assert after["summary_explanation"].endswith("has extension 2060, and the next run changes nothing of it.")


def test_drift_and_what_becomes_of_it(site: Site) -> None:
    anna = site.add_user("Anna", title="Clerk", sn="Adler")
    site.sync()
    site.pbx.pbx.change_by_hand("1000", title="Boss")
    site.admin.modify(anna, sn="Berg")

    told = _explain(site)["Anna"]

    title, last_name = _field(told, "title"), _field(told, "last_name")
    assert (title["pbx"], title["written"], title["wanted"], title["drift"]) == ("Boss", "Clerk", "Clerk", True)
    assert (last_name["pbx"], last_name["wanted"], last_name["drift"]) == ("Adler", "Berg", False)
    assert told["next"][0]["before"] == {"last_name": "Adler", "title": "Boss"}
    assert "update last_name, title of extension 1000" in told["summary_explanation"]


def test_conflicts_are_those_of_the_user(site: Site) -> None:
    for name in ("Anna", "Bernd"):
        site.add_user(name, mail="shared@lab.test")
    site.add_user("Carl", telephoneNumber="12345/67890/12345/67890/12345/67890")
    site.sync()

    found = _explain(site)

    assert {name: [code for _who, code in codes(user)] for name, user in found.items()} == {
        "Anna": ["email_shared"],
        "Bernd": ["email_shared"],
        "Carl": ["field_invalid"],
    }
    assert found["Anna"]["extension"] == {}
    assert "In the way: The e-mail address shared@lab.test" in found["Anna"]["summary_explanation"]
    assert _field(found["Carl"], "mobile_number")["problem"]


def test_what_is_told_comes_from_the_plan_of_all_rules(site: Site) -> None:
    staff = site.add_unit("Staff")
    anna = site.add_user("Anna", parent=staff)
    team = _group_name(site, "Team")
    site.add_group(team, anna)
    site.units(scope="organizational_units", organizational_units=["Staff"])
    site.sync()
    site.groups(scope="groups", groups=[team])
    site.admin.move(anna, site.add_unit("Sales", staff))
    bernd = site.add_user("Bernd", parent=staff)
    site.admin.add_members(DirectoryAdmin.dn(team, site.base_dn), [bernd])

    result = ask(site, "pbx_ad_user_info")
    plan = site.run("pbx_ad_sync", site.connection_options, True)

    told = {user["name"].split("-")[0]: user for user in result["users"]}
    assert result["plan_id"] == plan["plan_id"]
    assert told["Anna"]["organization"] == {"wanted": "Example Ltd/Staff/Sales", "actual": "Example Ltd/Staff"}
    assert told["Bernd"]["organization"] == {"wanted": "Example Ltd/Staff", "actual": ""}
    assert told["Anna"]["groups"] == [{"name": team, "rule": "groups", "wanted": True, "actual": True}]
    assert told["Bernd"]["groups"] == [{"name": team, "rule": "groups", "wanted": True, "actual": False}]
    planned = [(one["name"], one["action"], one["after"]) for one in plan["changes"] if one["kind"] == "extension"]
    assert planned == [(user["name"], one["action"], one["after"]) for user in result["users"] for one in user["next"]]


# --- paused and disabled


def test_a_paused_rule_still_tells_the_scope_and_does_nothing(site: Site) -> None:
    anna = site.add_user("Anna")
    site.sync(scope="filter", filter="(cn=A*)")
    site.add_user("Bernd")
    site.add_user("Anton")
    site.sync(settings="saved", enabled=False)
    site.admin.modify(anna, sn="Adler")

    result = ask(site, "pbx_ad_user_info")

    told = {user["name"].split("-")[0]: user for user in result["users"]}
    assert (result["rule"], result["plan_id"]) == ("paused", "")
    assert told["Anna"]["in_scope"]
    assert told["Bernd"]["scope_explanation"] == "The user does not match the filter (cn=A*)."
    assert told["Anna"]["extension"]["number"] == "1000"
    assert told["Anton"]["extension"] == {}
    assert [user["next"] for user in told.values()] == [[], [], []]
    assert told["Anna"]["summary_explanation"].endswith(
        "has extension 1000, and no run changes that: the rule for users is paused."
    )


def test_a_disabled_integration_does_nothing(site: Site) -> None:
    site.add_user("Anna")
    site.sync()
    site.connect(state="disabled")

    result = ask(site, "pbx_ad_user_info")

    (anna,) = result["users"]
    assert result["status"] == "disabled"
    assert anna["in_scope"]
    assert anna["summary_explanation"].endswith("no run changes that: the integration is disabled.")


def test_check_mode_tells_the_same(site: Site) -> None:
    site.add_user("Anna")
    site.sync()

    told = [ask(site, "pbx_ad_user_info", check=check)["users"] for check in (True, False)]

    assert told[0] == told[1]


def test_another_base_dn_than_the_integrations_is_refused(site: Site) -> None:
    site.sync()
    other = site.add_unit("Other")

    assert "directory_base_dn" in ask(site, "pbx_ad_user_info", fails=True, directory_base_dn=other)["msg"]


@pytest.mark.parametrize("option", ["directory_port", "pbx_url"])
def test_a_side_that_cannot_be_reached_is_an_error(site: Site, option: str) -> None:
    value: Any = 9 if option == "directory_port" else "https://127.0.0.1:9"

    assert ask(site, "pbx_ad_user_info", fails=True, **{option: value})["msg"]
