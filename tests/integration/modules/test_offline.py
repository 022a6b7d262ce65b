# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run has seen is told again without the directory and the PBX."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.recording import unpacked
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxSnapshot

from tests.integration.modules.reading_only import ask
from tests.integration.modules.site_under_test import Site
from tests.integration.pbx_helpers import client_for

_NEEDED = (
    *("directory_host", "directory_base_dn", "directory_username", "directory_password"),
    *("pbx_url", "pbx_client_id", "pbx_client_secret"),
)
_SIDES = ["capacity", "organizations", "drift", "conflicts", "plan"]
_ALL_KINDS: dict[str, Any] = {
    "users": {"scope": "all", "number_start": 2000},
    "organizational_units": {"scope": "all"},
    "groups": {"scope": "all"},
}


def _offline(site: Site, module: str = "pbx_ad_user_info", *, fails: bool = False, **options: Any) -> dict[str, Any]:
    """Ask a snapshot with nothing but the ledger's path."""
    result = site.run(module, {"ledger_path": str(site.ledger_path), "offline": True, **options}, False)
    assert bool(result.get("failed")) is fails, result.get("msg", result)
    return result


def _told(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result without what is about the call and not about the users."""
    return {key: value for key, value in result.items() if key not in ("invocation", "snapshot", "warnings", "diff")}


def _recorded_pbx(site: Site) -> PbxSnapshot:
    """The PBX as the snapshot in the ledger has it."""
    with open_ledger(site.ledger_path, read_write=False, command="test") as ledger:
        kept = ledger.snapshot()
    assert kept is not None
    return unpacked(kept.content).pbx


def _require_true(site: Site, recorded: PbxSnapshot) -> None:
    """Compare a recorded PBX with what the PBX shows, but for how extensions are registered."""
    with client_for(site.pbx) as client:
        shown = {one.id: (one.number, one.fields, set(one.organizations)) for one in client.extensions()}
        assert {one.id: (one.number, one.fields, set(one.organizations)) for one in recorded.extensions} == shown
        assert set(recorded.organizations or ()) == set(client.organizations() or ())
        assert {one.id: one for one in recorded.groups or ()} == {one.id: one for one in client.groups()}
        assert recorded.capacity == client.capacity()


def _populate(site: Site) -> None:
    """Two units, a nested group, somebody outside of them, and somebody whose account is disabled."""
    staff = site.add_unit("Staff")
    sales = site.add_unit("Sales", staff)
    anna = site.add_user("Anna", parent=sales, sn="Adler", mail=f"anna.{site.base_dn[8:20]}@lab.test")
    bernd = site.add_user("Bernd", parent=staff, telephoneNumber="+49 30 1234-56", title="Clerk")
    site.add_user("Carl", mail="no address")
    inner = site.add_group(f"Inner {site.base_dn[8:20]}", anna)
    site.add_group(f"Outer {site.base_dn[8:20]}", bernd, inner)


@pytest.mark.parametrize(
    "rules",
    [
        _ALL_KINDS,
        {**_ALL_KINDS, "organizational_units": {"scope": "all", "sync_to": "extension_group"}},
        {"users": {"scope": "organizational_units", "organizational_units": ["Staff"]}},
    ],
)
def test_a_snapshot_tells_what_both_sides_tell_after_the_run(site: Site, rules: dict[str, Any]) -> None:
    _populate(site)
    site.update(**rules)

    live = ask(site, "pbx_ad_user_info", organizational_units=["Staff"])
    offline = _offline(site, organizational_units=["Staff"])

    assert live["count"] == 2
    assert _told(offline) == _told(live)
    there, here = ask(site, "pbx_ad_info", gather=_SIDES), _offline(site, "pbx_ad_info", gather=_SIDES)
    if "groups" not in rules:
        # No rule needed the extension groups, so that the run has not read them.
        assert here["capacity"].pop("extension_groups_used") is None
        there["capacity"].pop("extension_groups_used")
    assert _told(here) == _told(there)


def test_a_snapshot_tells_what_a_later_run_has_found_and_done(site: Site) -> None:
    _populate(site)
    site.update(**_ALL_KINDS)
    before = _offline(site)
    staff = f"OU=Staff,{site.base_dn}"
    site.admin.modify(f"CN=Bernd,{staff}", sn="Brandt")
    site.admin.delete(f"CN=Carl,{site.base_dn}")
    site.admin.move(f"CN=Bernd,{staff}", f"OU=Sales,{staff}")
    site.add_user("Dora", parent=staff)
    assert _told(_offline(site)) == _told(before)

    run = site.update()

    offline = _offline(site)
    assert [user["name"].split("-")[0] for user in offline["users"]] == ["Anna", "Bernd", "Dora"]
    assert _told(offline) == _told(ask(site, "pbx_ad_user_info"))
    _require_true(site, _recorded_pbx(site))
    assert offline["snapshot"]["run_id"] == run["run_id"] != before["snapshot"]["run_id"]
    assert offline["snapshot"]["taken_at"] == _offline(site, "pbx_ad_info", gather=["runs"])["runs"][0]["started_at"]


def test_both_servers_may_be_gone(site: Site) -> None:
    _populate(site)
    site.update(**_ALL_KINDS)
    before = _offline(site)
    site.pbx.stop()
    try:
        assert _offline(site) == before
        assert site.run("pbx_ad_user_info", site.connection_options, False)["failed"]
    finally:
        site.pbx.start()


# --- the search


def test_users_are_searched_for_as_in_the_directory(site: Site) -> None:
    _populate(site)
    site.update(**_ALL_KINDS)
    own = site.base_dn[8:20]
    anna = f"CN=Anna,OU=Sales,OU=Staff,{site.base_dn}"
    for options in (
        {},
        {"organizational_units": ["Staff/Sales"]},
        {"organizational_units": [f"OU=Sales, ou=staff,{site.base_dn}"]},
        {"groups": [f"Outer {own}"]},
        {"groups": [f"CN=Inner {own},{site.base_dn}"]},
        {"groups": [f"outer {own}"], "search": "ber"},
        {"names": [f"Anna-{own}"[:20].upper(), anna.lower(), "nobody"]},
        {"names": [site.admin.guid_of(anna)]},
        {"search": f".{own}@LAB"},
        {"search": "anna adl"},
        {"search": "lark"},
        {"limit": 1},
    ):
        assert _told(_offline(site, **options)) == _told(ask(site, "pbx_ad_user_info", **options)), options


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"filter": "(cn=Anna)"}, "filter is (cn=Anna)"),
        ({"organizational_units": ["Nowhere"]}, "organizational_units Nowhere"),
        ({"groups": ["Nobodies"]}, "groups is given, and the snapshot has no groups"),
    ],
)
def test_what_a_snapshot_cannot_tell_is_an_error_that_names_the_option(
    site: Site, options: dict[str, Any], words: str
) -> None:
    _populate(site)
    site.update(users=_ALL_KINDS["users"])
    message = _offline(site, fails=True, **options)["msg"]
    assert words in message
    assert "offline false" in message


def test_a_group_that_the_snapshot_does_not_show_is_an_error(site: Site) -> None:
    _populate(site)
    site.update(**_ALL_KINDS)
    assert "groups Nobodies cannot be used" in _offline(site, fails=True, groups=["Nobodies"])["msg"]


def test_users_that_the_run_has_not_read_are_not_found(site: Site) -> None:
    _populate(site)
    site.update(users={"scope": "filter", "filter": "(givenName=A*)"})
    offline = _offline(site)
    assert [user["name"].split("-")[0] for user in offline["users"]] == ["Anna"]
    assert offline["users"][0]["scope_explanation"] == "The user matches the filter (givenName=A*)."
    assert _offline(site, names=["Bernd"])["not_found"] == ["Bernd"]


# --- when there is one, and of when it is


def test_without_an_integration_or_a_snapshot_the_error_tells_what_to_do(site: Site) -> None:
    assert "holds no integration" in _offline(site, fails=True)["msg"]
    site.connect()
    message = _offline(site, fails=True)["msg"]
    assert "holds no snapshot" in message
    assert "pbxops.yeastar.pbx_ad_sync" in message


def test_check_mode_and_a_failed_reading_keep_none(site: Site) -> None:
    _populate(site)
    site.update(check=True, **_ALL_KINDS)
    assert "holds no snapshot" in _offline(site, fails=True)["msg"]
    site.pbx.fail("extension/list", "errcode", errcode=-1)
    site.update(fails=True, **_ALL_KINDS)
    assert "holds no snapshot" in _offline(site, fails=True)["msg"]


def test_a_run_that_ends_failed_keeps_one(site: Site) -> None:
    _populate(site)
    site.pbx.fail("extension/create", "errcode", nth=2, errcode=40002)
    site.update(fails=True, **_ALL_KINDS)
    offline = _offline(site)
    assert _told(offline) == _told(ask(site, "pbx_ad_user_info"))
    assert sorted(bool(user["next"]) for user in offline["users"]) == [False, False, True]


def test_a_run_of_some_of_the_rules_leaves_the_snapshot_of_all(site: Site) -> None:
    _populate(site)
    site.update(**_ALL_KINDS)
    before = _offline(site)
    site.add_user("Dora")
    site.update(kinds=["users"])
    assert _offline(site) == before
    site.update()
    assert [user["name"].split("-")[0] for user in _offline(site)["users"]] == ["Anna", "Bernd", "Carl", "Dora"]


def test_a_run_that_keeps_none_forgets_the_one_before(site: Site) -> None:
    _populate(site)
    site.update(**_ALL_KINDS)
    site.update(check=True, keep_snapshot=False)
    _offline(site)
    site.update(keep_snapshot=False)
    assert "holds no snapshot" in _offline(site, fails=True)["msg"]


def test_disconnecting_forgets_the_snapshot(site: Site) -> None:
    _populate(site)
    site.update(**_ALL_KINDS)
    site.live("disconnected")
    assert "holds no integration" in _offline(site, fails=True)["msg"]
    site.connect()
    assert "holds no snapshot" in _offline(site, fails=True)["msg"]


def test_what_was_changed_since_is_warned_of_and_told_as_it_was(site: Site) -> None:
    _populate(site)
    site.update(**_ALL_KINDS)
    before = _offline(site)
    assert not any("since the snapshot" in warning for warning in before["warnings"])
    site.sync(scope="filter", filter="(givenName=A*)", enabled=True)
    site.live("disabled")
    after = _offline(site)
    assert _told(after) == _told(before)
    assert any("The rule for users was changed since the snapshot" in warning for warning in after["warnings"])
    assert any("The integration is disabled now" in warning for warning in after["warnings"])


def test_a_rule_that_was_paused_is_an_error(site: Site) -> None:
    _populate(site)
    site.update(**_ALL_KINDS)
    site.update(users={"settings": "saved", "enabled": False})
    assert "The rule for users was paused" in _offline(site, fails=True)["msg"]


def test_a_snapshot_that_cannot_be_read_is_an_error(site: Site) -> None:
    _populate(site)
    site.update(**_ALL_KINDS)
    with open_ledger(site.ledger_path, read_write=True, command="test") as ledger:
        kept = ledger.snapshot()
        assert kept is not None
        ledger.save_snapshot(replace(kept, content=kept.content[:-9]))
    message = _offline(site, fails=True)["msg"]
    assert "cannot be read" in message
    assert "pbxops.yeastar.pbx_ad_sync" in message


# --- the options


@pytest.mark.parametrize("module", ["pbx_ad_user_info", "pbx_ad_info"])
def test_live_needs_to_know_both_sides_and_offline_the_ledger(site: Site, module: str) -> None:
    live = site.run(module, {"ledger_path": str(site.ledger_path)}, False)
    assert live["failed"]
    assert all(name in live["msg"] for name in _NEEDED)
    nowhere = site.run(module, {"offline": True}, False)
    assert nowhere["failed"]
    assert "ledger_path" in nowhere["msg"]


def test_info_offline_tells_what_is_in_the_ledger_without_a_snapshot(site: Site) -> None:
    site.connect()
    told = _offline(site, "pbx_ad_info")
    assert told["status"] == "connected"
    assert "snapshot" not in told
    assert "holds no snapshot" in _offline(site, "pbx_ad_info", fails=True, gather=["drift"])["msg"]


def test_no_secret_is_in_a_snapshot(site: Site) -> None:
    _populate(site)
    site.update(**_ALL_KINDS)
    with open_ledger(site.ledger_path, read_write=False, command="test") as ledger:
        kept = ledger.snapshot()
    assert kept is not None
    text = zlib.decompress(kept.content)
    assert b"Anna" in text
    for name in ("directory_password", "pbx_client_secret"):
        assert site.connection_options[name].encode() not in text
