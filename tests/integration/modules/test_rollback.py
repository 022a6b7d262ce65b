# SPDX-License-Identifier: GPL-3.0-or-later
"""pbx_ad_rollback on a real directory and an emulated PBX: what each kind of run changed is put back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.modules.site_under_test import Site, actions

UNITS: dict[str, Any] = {"scope": "organizational_units", "organizational_units": ["Staff"]}
USERS: dict[str, Any] = {"number_start": 2000}
GROUPS: dict[str, Any] = {"scope": "filter", "filter": "(cn=Team*)"}
AWAY: dict[str, Any] = {"directory_host": "127.0.0.1", "directory_port": 1}
_KEPT = ("role_id", "caller_id", "concurrent_registrations", "user_lang", "presence_status", "enb_vm")


@pytest.fixture(name="filled")
def _filled(site: Site) -> Site:
    """A site in step: Anna in Sales, Bernd in Support, both in Team; one object of each kind made by hand."""
    staff = site.add_unit("Staff")
    anna = site.add_user("Anna", mail="anna@lab.test", title="Clerk", parent=site.add_unit("Sales", staff))
    bernd = site.add_user("Bernd", mail="bernd@lab.test", parent=site.add_unit("Support", staff))
    site.add_group("Team", anna, bernd)
    site.pbx.pbx.seed_extension("9000", first_name="hand")
    site.pbx.pbx.seed_organization("Hand")
    site.pbx.pbx.seed_group("hand")
    site.connect()
    site.update(users={**USERS, "label_group": "From AD"}, organizational_units=UNITS, groups=GROUPS)
    site.pbx.calls.clear()
    return site


def _roll_back(site: Site, *, check: bool = False, fails: bool = False, **options: Any) -> dict[str, Any]:
    """Roll back without any directory."""
    result = site.run("pbx_ad_rollback", {**site.connection_options, **AWAY, **options}, check)
    assert bool(result.get("failed")) is fails, result.get("msg", result)
    return result


def _objects(site: Site) -> dict[str, Any]:
    """All there is on the PBX, by what an administrator sees; no ids, no passwords, no registration names."""
    extensions = site.pbx.state.extensions
    fields = (*_KEPT, "first_name", "last_name", "email_addr", "mobile_number", "title")
    groups = {name: (site.roles(name), site.pbx.state.groups[name]["flags"]) for name in site.members}
    return {
        "extensions": {number: {name: one[name] for name in fields} for number, one in extensions.items()},
        "organizations": site.organizations,
        "groups": groups,
    }


def _refused(site: Site, **options: Any) -> str:
    return str(_roll_back(site, fails=True, **options)["msg"])


def test_nothing_is_rolled_back_where_no_run_has_changed_anything(site: Site) -> None:
    site.connect()
    site.pbx.calls.clear()
    result = _roll_back(site)
    assert (result["changed"], result["rolled_back_run_id"], result["outcome"]["state"]) == (False, "", "skipped")
    assert site.pbx.calls.all() == []


def test_a_run_that_is_not_known_is_refused_before_the_pbx_is_asked(filled: Site) -> None:
    assert "run_id is nonsense, and the ledger" in _refused(filled, run_id="nonsense")
    assert filled.pbx.calls.all() == []


def test_an_integration_is_needed(site: Site) -> None:
    assert "holds no integration" in _refused(site)


def test_fields_and_a_created_extension_are_put_back(filled: Site) -> None:
    before = _objects(filled)
    filled.admin.modify(f"CN=Anna,OU=Sales,OU=Staff,{filled.base_dn}", title="Manager", mail="new@lab.test")
    filled.add_user("Carl", parent=f"OU=Sales,OU=Staff,{filled.base_dn}")
    run = filled.update(kinds=["users"])
    after = _objects(filled)
    assert after != before

    shown = _roll_back(filled, check=True)
    assert _objects(filled) == after
    assert (shown["rolled_back_run_id"], shown["paused"], shown["changed"]) == (run["run_id"], ["users"], True)
    assert filled.update(check=True)["paused"] == []

    done = _roll_back(filled, expect_plan_id=shown["plan_id"], expect_changes=shown["plan_changes"])

    assert ("delete", "Carl", "rolled_back") in actions(done)
    assert (done["plan_id"], done["conflicts"], done["not_restored"]) == (shown["plan_id"], [], [])
    assert _objects(filled) == before
    assert filled.update(check=True)["paused"] == ["users"]
    filled.pbx.calls.clear()
    again = _roll_back(filled)
    assert (again["changed"], again["run_id"], filled.writes()) == (False, "", [])
    resumed = filled.sync(settings="saved")
    assert {name for _action, name, _reason in actions(resumed)} >= {"Anna", "Carl"}


def test_a_deleted_extension_comes_back_with_all_that_the_pbx_can_be_given(filled: Site) -> None:
    filled.set_group("hand", {"Anna": "manager", "hand": "user"}, mgr_enb_monitor=1)
    filled.pbx.pbx.change_by_hand("2000", caller_id="77", concurrent_registrations=2, presence_status="away", enb_vm=0)
    before, former = _objects(filled), filled.extension_of("Anna")
    filled.admin.delete(f"CN=Anna,OU=Sales,OU=Staff,{filled.base_dn}")
    filled.update()
    assert "2000" not in filled.names

    done = _roll_back(filled, pause=False)

    assert _objects(filled) == before
    assert [(one["number"], len(one["what"])) for one in done["not_restored"]] == [("2000", 4)]
    anna = filled.extension_of("Anna")
    assert anna["id"] != former["id"]
    assert anna["reg_name"] != former["reg_name"]
    assert filled.pbx.calls.all("extension/send_welcome_email") == []
    assert not _roll_back(filled)["changed"]
    # The user is gone from the directory, which the next run finds again.
    assert ("delete", "Anna", "account_deleted") in actions(filled.update())


def test_a_welcome_e_mail_is_sent_if_it_is_asked_for(filled: Site) -> None:
    filled.admin.delete(f"CN=Anna,OU=Sales,OU=Staff,{filled.base_dn}")
    filled.update()

    _roll_back(filled, send_welcome_email=True)

    (call,) = filled.pbx.calls.all("extension/send_welcome_email")
    assert call.done


def test_settings_that_the_pbx_refuses_are_left_out_and_told(filled: Site) -> None:
    filled.pbx.pbx.change_by_hand("2000", caller_id="77")
    filled.admin.delete(f"CN=Anna,OU=Sales,OU=Staff,{filled.base_dn}")
    filled.update()
    filled.pbx.fail("extension/create", "errcode", nth=1, errcode=60101)

    done = _roll_back(filled)

    assert any("without its former role_id" in warning for warning in done["warnings"])
    assert filled.extension_of("Anna")["caller_id"] == "77"


def test_organizations_are_put_back(filled: Site) -> None:
    before = _objects(filled)
    staff = f"OU=Staff,{filled.base_dn}"
    filled.admin.rename(f"OU=Support,{staff}", "Help")
    filled.admin.move(f"CN=Anna,OU=Sales,{staff}", f"OU=Help,{staff}")
    filled.admin.delete(f"OU=Sales,{staff}")
    filled.add_unit("Labs", staff)
    filled.units(**UNITS, out_of_scope="delete", company_name="Renamed Ltd")
    assert set(filled.organizations) == {"", "Hand", "Staff", "Staff/Help", "Staff/Labs"}

    done = _roll_back(filled)

    assert _objects(filled) == before
    assert done["conflicts"] == []
    assert not _roll_back(filled)["changed"]


def test_groups_are_put_back(filled: Site) -> None:
    filled.set_group("Team", {"Anna": "manager", "Bernd": "user"}, user_enb_monitor=1)
    before = _objects(filled)
    filled.admin.delete(f"CN=Team,{filled.base_dn}")
    filled.add_group("Team New", f"CN=Bernd,OU=Support,OU=Staff,{filled.base_dn}")
    filled.groups(**GROUPS, out_of_scope="delete")
    assert set(filled.members) == {"Team New", "From AD", "hand"}

    _roll_back(filled)

    assert _objects(filled) == before


def test_all_kinds_of_one_run_are_put_back_together(filled: Site) -> None:
    before = _objects(filled)
    staff = f"OU=Staff,{filled.base_dn}"
    filled.admin.delete(f"CN=Anna,OU=Sales,{staff}")
    filled.admin.delete(f"OU=Sales,{staff}")
    carl = filled.add_user("Carl", parent=filled.add_unit("Labs", staff))
    filled.add_group("Team Two", carl)
    filled.update(organizational_units={**UNITS, "out_of_scope": "delete"})
    assert "Staff/Labs" in filled.organizations

    done = _roll_back(filled)

    assert _objects(filled) == before
    assert sorted(done["paused"]) == ["groups", "organizational_units", "users"]
    redone = _roll_back(filled, run_id=done["run_id"])
    assert "Carl" in filled.names.values()
    assert "Anna" not in filled.names.values()
    assert redone["rolled_back_run_id"] == done["run_id"]


def test_what_was_changed_by_hand_since_is_left_and_told(filled: Site) -> None:
    filled.admin.modify(f"CN=Anna,OU=Sales,OU=Staff,{filled.base_dn}", title="Manager", mail="new@lab.test")
    filled.update()
    filled.pbx.pbx.change_by_hand("2000", title="Director")

    done = _roll_back(filled)

    anna = filled.extension_of("Anna")
    assert (anna["title"], anna["email_addr"]) == ("Director", "anna@lab.test")
    (conflict,) = done["conflicts"]
    assert conflict["code"] == "changed_since"
    assert 'title of extension 2000 was "Clerk" before the run, which left it "Manager"' in conflict["message"]
    assert not _roll_back(filled)["changed"]


def test_a_number_that_is_in_use_again_is_told(filled: Site) -> None:
    filled.admin.delete(f"CN=Anna,OU=Sales,OU=Staff,{filled.base_dn}")
    filled.update()
    filled.pbx.pbx.seed_extension("2000", first_name="other")

    done = _roll_back(filled)

    assert [one["code"] for one in done["conflicts"]] == ["number_in_use"]
    assert filled.names["2000"] == "other"


def test_a_rollback_that_failed_in_part_is_completed_by_the_next(filled: Site) -> None:
    before = _objects(filled)
    for name in ("Anna", "Bernd"):
        unit = "Sales" if name == "Anna" else "Support"
        filled.admin.delete(f"CN={name},OU={unit},OU=Staff,{filled.base_dn}")
    filled.update()
    filled.pbx.fail("extension/create", "errcode", nth=2, errcode=70084)

    failed = _roll_back(filled, fails=True)
    assert "1 change(s) failed" in failed["msg"]

    assert _roll_back(filled)["changed"]
    assert _objects(filled) == before
    assert not _roll_back(filled)["changed"]


def test_a_release_is_put_back(filled: Site) -> None:
    filled.sync(settings="given", number_start=2000, label_group="From AD", scope="filter", filter="(cn=Bernd)")

    done = _roll_back(filled)

    assert ("associate", "Anna", "remembered") in actions(done)
    resumed = filled.sync(number_start=2000, label_group="From AD")
    assert resumed["summary"]["created"] == 0
    assert filled.members["From AD"] == {"Anna", "Bernd"}


def test_a_plan_that_moved_is_refused(filled: Site) -> None:
    refused = _refused(filled, expect_plan_id="0" * 16)
    assert "Nothing was changed." in refused
    assert filled.writes() == []


def test_what_the_journal_keeps_holds_no_secret(filled: Site) -> None:
    filled.admin.delete(f"CN=Anna,OU=Sales,OU=Staff,{filled.base_dn}")
    former = filled.pbx.pbx.extensions.by_number("2000")
    filled.update()
    _roll_back(filled)
    again = filled.pbx.pbx.extensions.by_number("2000")
    assert former is not None
    assert again is not None
    kept = filled.ledger_path.read_bytes()
    for secret in (former.user_password, former.reg_password, again.user_password, again.reg_password):
        assert secret
        assert secret.encode() not in kept
        assert json.dumps(secret).encode() not in kept


def test_a_parking_is_put_back(filled: Site) -> None:
    before, former = _objects(filled), filled.extension_of("Anna")["reg_name"]
    filled.admin.delete(f"CN=Anna,OU=Sales,OU=Staff,{filled.base_dn}")
    parking = {**USERS, "label_group": "From AD", "park_days": 7}
    parked = filled.sync(**parking)
    assert ("park", "Anna", "account_deleted") in actions(parked)
    assert filled.extension_of("Anna")["reg_name"] != former

    done = _roll_back(filled)

    assert [action for action, _name, _reason in actions(done)] == ["unpark"]
    assert _objects(filled) == before
    assert filled.extension_of("Anna")["reg_name"] == former
    assert "password of the Linkus clients" in done["not_restored"][0]["what"][0]
    again = _roll_back(filled, run_id=done["run_id"])
    assert [action for action, _name, _reason in actions(again)] == ["park"]
    assert filled.extension_of("Anna")["reg_name"] != former


def test_a_created_extension_in_a_call_is_left_until_it_is_over(filled: Site) -> None:
    filled.add_user("Carla", mail="carla@lab.test", parent=f"OU=Staff,{filled.base_dn}")
    filled.update()
    call = filled.pbx.pbx.start_call("2002")

    shown = _roll_back(filled, check=True)
    assert "deferred" in {change["state"] for change in shown["changes"]}
    left = _roll_back(filled, fails=True)
    assert "In use and therefore left: 2002" in left["msg"]
    assert "2002" in filled.pbx.state.extensions

    filled.pbx.pbx.end_call(call)
    _roll_back(filled)
    assert "2002" not in filled.pbx.state.extensions
    assert _roll_back(filled)["changed"] is False


def test_a_created_extension_in_a_queue_is_deleted_if_that_is_asked_for(filled: Site) -> None:
    filled.add_user("Carla", mail="carla@lab.test", parent=f"OU=Staff,{filled.base_dn}")
    filled.update()
    filled.pbx.pbx.add_queue("6400", agents=["2002"])
    _roll_back(filled, delete_in_use=True)
    assert "2002" not in filled.pbx.state.extensions
