# SPDX-License-Identifier: GPL-3.0-or-later
"""Removal in two steps, and extensions in use, on the domain controller and the PBX emulator."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.directory_admin import DirectoryAdmin
from lab.pbx.faults import FaultKind
from lab.pbx.variants import Variants
from tests.integration.modules.site_under_test import Site, actions

PARKING: dict[str, Any] = {"park_days": 7, "delete_when": ["deleted", "disabled"]}
AT_ONCE: dict[str, Any] = {"delete_when": ["deleted", "disabled"]}


@pytest.fixture(name="anna")
def _anna(site: Site) -> str:
    """A synchronized user whose desk phone is registered."""
    dn = site.add_user("Anna", sn="Adler", mail="anna@lab.test")
    site.sync(**PARKING)
    return dn


def _extension(site: Site) -> dict[str, Any]:
    return site.extension_of("Anna")


def _secrets(site: Site) -> tuple[str, str]:
    with site.pbx.pbx.lock:
        (extension,) = [one for one in site.pbx.pbx.extensions.all() if one.first_name == "Anna"]
        return extension.user_password, extension.reg_password


def _let_days_pass(site: Site, days: int) -> None:
    """Set the ledger's clock of what is parked back."""
    with sqlite3.connect(site.ledger_path) as connection:
        (text,) = connection.execute("SELECT parked FROM associations").fetchone()
        parked = json.loads(text)
        parked["since"] = (datetime.now(UTC) - timedelta(days=days, minutes=1)).isoformat(timespec="microseconds")
        connection.execute("UPDATE associations SET parked = ?", (json.dumps(parked),))
    connection.close()


def test_a_deleted_user_s_extension_is_parked_and_keeps_all_but_its_access(site: Site, anna: str) -> None:
    before, (user_password, reg_password) = _extension(site), _secrets(site)
    site.admin.delete(anna)

    planned = site.sync(check=True, **PARKING)
    assert actions(planned) == [("park", "Anna", "account_deleted")]
    assert _extension(site) == before
    done = site.sync(**PARKING)

    assert done["plan_id"] == planned["plan_id"]
    assert done["summary"]["parked"] == 1
    after = _extension(site)
    assert {name for name in after if after[name] != before[name]} == {"reg_name", "presence_status"}
    assert after["presence_status"] == "off_work"
    assert _secrets(site)[0] != user_password
    assert _secrets(site)[1] == reg_password

    site.pbx.calls.clear()
    again = site.sync(**PARKING)
    assert (again["changed"], site.writes()) == (False, [])
    assert (again["summary"]["waiting"], again["summary"]["unchanged"]) == (1, 0)


def test_it_is_deleted_when_the_days_are_over_and_not_before(site: Site, anna: str) -> None:
    site.admin.delete(anna)
    site.sync(**PARKING)
    _let_days_pass(site, 6)
    assert actions(site.sync(**PARKING)) == []
    _let_days_pass(site, 7)
    assert actions(site.sync(**PARKING)) == [("delete", "Anna", "account_deleted")]
    assert site.names == {}
    site.add_user("Berta", mail="berta@lab.test")
    site.sync(**PARKING)
    assert site.names == {"1001": "Berta"}


def test_a_user_who_is_back_has_the_extension_unharmed(site: Site, anna: str) -> None:
    site.pbx.pbx.change_by_hand(_extension(site)["number"], presence_status="lunch")
    before, (_password, reg_password) = _extension(site), _secrets(site)
    site.admin.set_enabled(anna, enabled=False)
    site.sync(**PARKING)
    site.admin.set_enabled(anna, enabled=True)

    back = site.sync(**PARKING)

    assert actions(back) == [("unpark", "Anna", "no_longer_due")]
    assert _extension(site) == before
    assert _secrets(site)[1] == reg_password
    assert site.sync(**PARKING)["changed"] is False


def test_a_user_who_is_back_gets_the_welcome_e_mail_once_more(site: Site, anna: str) -> None:
    site.sync(**PARKING, send_welcome_email=True)
    site.admin.set_enabled(anna, enabled=False)
    site.sync(**PARKING, send_welcome_email=True)
    site.admin.set_enabled(anna, enabled=True)
    site.pbx.calls.clear()
    site.sync(**PARKING, send_welcome_email=True)
    site.sync(**PARKING, send_welcome_email=True)
    assert site.writes() == ["extension/update", "extension/send_welcome_email"]


def test_an_account_made_anew_takes_the_parked_extension_over(site: Site, anna: str) -> None:
    before = _extension(site)
    site.admin.delete(anna)
    site.sync(**PARKING, associate_by_email=True)
    site.add_user("Anna", sn="Adler", mail="anna@lab.test")

    done = site.sync(**PARKING, associate_by_email=True)

    assert [action for action, _name, _reason in actions(done)] == ["release", "associate"]
    assert _extension(site) == before
    assert site.sync(**PARKING, associate_by_email=True)["changed"] is False


def test_a_pbx_that_hides_registration_names_parks_too(site: Site) -> None:
    site.pbx.variants = Variants(detail_leaves_out=("reg_name",))
    anna = site.add_user("Anna", mail="anna@lab.test")
    site.sync(**PARKING)
    with site.pbx.pbx.lock:
        (before,) = site.pbx.pbx.extensions.all()
    site.admin.set_enabled(anna, enabled=False)
    assert site.sync(**PARKING)["summary"]["parked"] == 1
    with site.pbx.pbx.lock:
        (parked,) = site.pbx.pbx.extensions.all()
    assert parked.reg_name != before.reg_name
    assert site.sync(**PARKING)["changed"] is False
    site.admin.set_enabled(anna, enabled=True)
    assert site.sync(**PARKING)["summary"]["unparked"] == 1
    assert site.sync(**PARKING)["changed"] is False


@pytest.mark.parametrize("kind", ["cut_before_work", "cut_after_work"])
def test_an_answer_that_is_lost_parks_once(site: Site, anna: str, kind: FaultKind) -> None:
    site.admin.delete(anna)
    site.pbx.fail("extension/update", kind)
    site.try_sync(**PARKING)
    site.pbx.faults.clear()
    site.sync(**PARKING)
    assert site.sync(**PARKING)["summary"]["waiting"] == 1
    with sqlite3.connect(f"file:{site.ledger_path}?mode=ro", uri=True) as connection:
        (parked,) = connection.execute("SELECT parked FROM associations").fetchone()
    connection.close()
    assert json.loads(parked)["registration_name"] != _extension(site)["reg_name"]


def test_disconnecting_gives_a_parked_extension_back_as_it_was(site: Site, anna: str) -> None:
    before = _extension(site)
    site.admin.delete(anna)
    site.sync(**PARKING)
    assert _extension(site) != before
    done = site.live("disconnected")
    assert [change["action"] for change in done["changes"]] == ["release"]
    assert _extension(site) == before


# --- in use


def test_an_extension_in_a_call_is_deleted_after_it(site: Site, anna: str) -> None:
    site.sync(**AT_ONCE)
    site.admin.delete(anna)
    call = site.pbx.pbx.start_call("1000")

    planned = site.sync(check=True, **AT_ONCE)
    assert [(one["state"], one["detail"]) for one in planned["changes"]] == [("deferred", "the extension is in a call")]
    done = site.sync(**AT_ONCE)
    assert (done["changed"], done["summary"]["deferred"]) == (False, 1)
    assert done["outcome"]["headline"] == "1 deferred."
    assert site.names == {"1000": "Anna"}

    site.pbx.pbx.end_call(call)
    assert actions(site.sync(**AT_ONCE)) == [("delete", "Anna", "account_deleted")]
    assert site.names == {}


def test_an_agent_is_parked_and_not_deleted_unless_that_is_asked_for(site: Site, anna: str) -> None:
    site.pbx.pbx.add_queue("6400", agents=["1000"])
    site.admin.delete(anna)
    assert site.sync(**PARKING)["summary"]["parked"] == 1
    _let_days_pass(site, 8)
    assert site.sync(**PARKING)["summary"]["deferred"] == 1
    assert site.sync(**PARKING, delete_in_use=True)["summary"]["deferred"] == 0
    assert site.names == {}


def test_the_pbx_is_asked_who_is_in_use_only_where_it_matters(site: Site, anna: str) -> None:
    site.pbx.calls.clear()
    site.sync(**AT_ONCE)
    assert not [call for call in site.pbx.calls.all() if call.endpoint in ("call/query", "queue/list")]


def test_a_pbx_that_does_not_tell_is_warned_of(site: Site, anna: str) -> None:
    site.pbx.pbx.settings = replace(site.pbx.pbx.settings, denied_endpoints=frozenset({"call/query"}))
    site.admin.delete(anna)
    done = site.sync(**AT_ONCE)
    assert site.names == {}
    assert any("does not answer call/query" in warning for warning in done["warnings"])


def test_a_clean_up_leaves_what_is_in_use_says_so_and_can_be_told_otherwise(site: Site, anna: str) -> None:
    site.pbx.pbx.start_call("1000")
    left = site.live("disconnected", fails=True, delete_extensions=True)
    assert "In use and therefore left: 1000." in left["msg"]
    assert site.names == {"1000": "Anna"}
    site.live("disconnected", delete_extensions=True, delete_in_use=True)
    assert site.names == {}
    assert DirectoryAdmin.dn("Anna", site.base_dn) == anna
