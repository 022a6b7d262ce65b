# SPDX-License-Identifier: GPL-3.0-or-later
"""The sign-on's settings and the end of its credentials, against the real directory and the emulator.

What the sign-on gateway does is done here in two lines: it writes down a credential and sets the password.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sign_on import SignOnLedger
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Credential

from lab.pbx.faults import Fault
from tests.integration.modules.site_under_test import Site, actions

ADDRESS = "https://pbx.lab.test:8088/login"
PASSWORD = "Proved-by-AD-2026"
SIGNED_ON = datetime(2026, 1, 2, tzinfo=UTC)


def sign_on(site: Site, *, check: bool = False, fails: bool = False, **options: Any) -> dict[str, Any]:
    """Run pbx_ad_sso on a connected site."""
    given = {} if options.get("enabled") is False else {"login_addresses": [ADDRESS]}
    result = site.run("pbx_ad_sso", {**site.connection_options, **given, **options}, check)
    assert bool(result.get("failed")) is fails, result
    return result


def signs_on(site: Site, name: str, at: datetime = SIGNED_ON) -> Credential:
    """What the gateway does for a user by first name."""
    ledger = SignOnLedger(site.ledger_path)
    extension = site.extension_of(name)
    guid = next(guid for guid in _guids(site) if _id_of(ledger, guid) == extension["id"])
    credential = Credential(extension["id"], guid, at)
    ledger.note_credential(credential)
    kept = site.pbx.pbx.extensions.get(extension["id"])
    assert kept is not None
    site.pbx.pbx.extensions.put(kept.with_user_password(PASSWORD, is_initial=False))
    return credential


def _guids(site: Site) -> list[str]:
    told = site.run("pbx_ad_info", {**site.connection_options, "gather": ["associations"]}, False)
    return [one["guid"] for one in told["associations"] if one["kind"] == "extension"]


def _id_of(ledger: SignOnLedger, guid: str) -> int:
    association = ledger.association(guid)
    assert association is not None
    return association.extension_id


def logs_in(site: Site, name: str) -> bool:
    """Whether that password opens Linkus for a user."""
    answer = requests.post(
        f"{site.pbx.url}/login",
        data={"username": site.extension_of(name)["number"], "password": PASSWORD},
        headers={"Accept": "application/json", "User-Agent": "test"},
        verify=str(site.pbx.ca_path),
        timeout=20,
    )
    return answer.status_code == 200


@pytest.fixture(name="staffed")
def _staffed(site: Site) -> Site:
    """Anna and Bernd have extensions, and can sign on."""
    for name in ("Anna", "Bernd"):
        site.add_user(name)
    site.sync()
    sign_on(site)
    return site


def test_it_tells_who_can_and_why_the_others_cannot(site: Site) -> None:
    site.add_user("Anna")
    site.admin.set_enabled(site.add_user("Bernd"), False)
    site.sync()

    first = sign_on(site)

    assert (first["changed"], first["users"], first["signed_on"]) == (True, {"can_sign_on": 1, "cannot": 1}, 0)
    assert [(one["number"], one["reason"]) for one in first["cannot_sign_on"]] == [("1001", "disabled")]
    assert first["settings"]["login_addresses"] == [ADDRESS]
    assert not sign_on(site)["changed"]
    assert site.writes() == ["extension/create", "extension/create"]


def test_the_status_tells_of_it(staffed: Site) -> None:
    signs_on(staffed, "Anna")

    told = staffed.run("pbx_ad_info", {**staffed.connection_options, "gather": ["sign_on"]}, False)["sign_on"]

    assert told["signed_on"] == 1
    assert told["settings"]["login_addresses"] == [ADDRESS]


def test_check_mode_saves_nothing(site: Site) -> None:
    site.add_user("Anna")
    site.sync()

    assert sign_on(site, check=True)["changed"]

    assert SignOnLedger(site.ledger_path).state().settings is None
    assert sign_on(site)["changed"]


def test_users_are_known_by_their_names_at_once(staffed: Site) -> None:
    ledger = SignOnLedger(staffed.ledger_path)
    dn = f"CN=Anna,{staffed.base_dn}"
    account = staffed.admin.read(dn, "sAMAccountName")["sAMAccountName"][0].decode()

    assert ledger.find(f"{account.upper()}@LAB.test") == staffed.admin.guid_of(dn)
    assert ledger.find(f"{account}@other.test") is None
    assert ledger.find("@lab.test") is None
    staffed.admin.modify(dn, userPrincipalName="Anna.Adler@example.org")
    assert ledger.find("anna.adler@example.ORG") is None
    staffed.sync()
    assert ledger.find("anna.adler@example.ORG") == staffed.admin.guid_of(dn)


def test_a_user_who_may_sign_on_keeps_the_password(staffed: Site) -> None:
    signs_on(staffed, "Anna")

    assert not staffed.sync()["changed"]

    assert logs_in(staffed, "Anna")
    assert sign_on(staffed)["signed_on"] == 1


@pytest.mark.parametrize("what", ["disabled", "expired", "out_of_scope", "deleted"])
def test_the_next_run_replaces_the_password_of_who_may_no_longer_sign_on(staffed: Site, what: str) -> None:
    signs_on(staffed, "Anna")
    signs_on(staffed, "Bernd")
    dn = f"CN=Anna,{staffed.base_dn}"
    match what:
        case "disabled":
            staffed.admin.set_enabled(dn, False)
        case "expired":
            staffed.admin.set_expiry(dn, datetime.now(UTC) - timedelta(days=1))
        case "deleted":
            staffed.admin.delete(dn)
    scope = {"filter": "(!(cn=Anna))", "scope": "filter"} if what == "out_of_scope" else {}
    options: dict[str, Any] = {**scope, "delete_when": [], "guard": {"releases": {"floor": 5}}}

    planned = staffed.sync(check=True, **options)
    assert logs_in(staffed, "Anna")
    done = staffed.sync(**options)

    reason = what if what == "out_of_scope" else f"account_{what}"
    assert ("revoke", "Anna", reason) in actions(done)
    assert planned["plan_id"] == done["plan_id"]
    assert done["summary"]["revoked"] == 1
    assert (logs_in(staffed, "Anna"), logs_in(staffed, "Bernd")) == (False, True)
    assert not staffed.sync(**options)["changed"]


def test_a_deletion_that_the_guard_stops_leaves_no_password_behind(staffed: Site) -> None:
    signs_on(staffed, "Anna")
    staffed.admin.delete(f"CN=Anna,{staffed.base_dn}")
    strict = {"deletions": {"floor": 0, "percent": 0, "count": 0}}

    stopped = staffed.sync_failing(guard=strict)

    assert stopped["summary"]["stopped"] == 1
    assert not logs_in(staffed, "Anna")


def test_switching_off_replaces_every_password_at_once(staffed: Site) -> None:
    signs_on(staffed, "Anna")
    signs_on(staffed, "Bernd")

    planned = sign_on(staffed, enabled=False, check=True)
    assert planned["summary"]["revoked"] == 2
    assert logs_in(staffed, "Anna")
    off = sign_on(staffed, enabled=False)

    assert off["plan_id"] == planned["plan_id"]
    assert (off["changed"], off["signed_on"], off["settings"]["enabled"]) == (True, 0, False)
    assert off["settings"]["login_addresses"] == [ADDRESS]
    assert {one["reason"] for one in off["cannot_sign_on"]} == {"switched_off"}
    assert not logs_in(staffed, "Anna")
    assert not logs_in(staffed, "Bernd")
    assert not sign_on(staffed, enabled=False)["changed"]


def test_another_method_replaces_them_too(staffed: Site) -> None:
    signs_on(staffed, "Anna")

    assert sign_on(staffed, method="signature")["summary"]["revoked"] == 1

    assert not logs_in(staffed, "Anna")


@pytest.mark.parametrize("state", ["disabled", "disconnected"])
def test_sign_on_ends_with_the_integration(staffed: Site, state: str) -> None:
    signs_on(staffed, "Anna")

    ended = staffed.live(state)

    assert ended["summary"]["revoked"] == 1
    assert not logs_in(staffed, "Anna")
    assert staffed.extension_of("Anna")["number"] == "1000"


def test_a_disabled_integration_keeps_the_settings(staffed: Site) -> None:
    staffed.live("disabled")

    same = sign_on(staffed)
    other = sign_on(staffed, fails=True, failures_per_user=2)

    assert (same["changed"], same["outcome"]["state"]) == (False, "skipped")
    assert {one["reason"] for one in same["cannot_sign_on"]} == {"integration_disabled"}
    assert "failures_per_user" in other["msg"]


def test_pausing_users_leaves_sign_on_as_it_was(staffed: Site) -> None:
    signs_on(staffed, "Anna")

    staffed.sync(enabled=False)

    assert logs_in(staffed, "Anna")
    assert sign_on(staffed)["users"]["can_sign_on"] == 2


def test_a_sign_on_during_a_run_is_not_forgotten_with_the_one_before(staffed: Site) -> None:
    first = signs_on(staffed, "Anna")
    again = signs_on(staffed, "Anna", SIGNED_ON + timedelta(seconds=1))
    ledger = SignOnLedger(staffed.ledger_path)

    ledger.forget_credential(first)
    assert sign_on(staffed)["signed_on"] == 1
    ledger.forget_credential(again)
    assert sign_on(staffed)["signed_on"] == 0


def test_a_lost_answer_leaves_no_password_behind(staffed: Site) -> None:
    signs_on(staffed, "Anna")
    staffed.pbx.faults.add(Fault("extension/update", "cut_before_work", nth=1))

    off = sign_on(staffed, enabled=False)

    assert off["summary"]["revoked"] == 1
    assert not logs_in(staffed, "Anna")


def test_nobody_signs_on_any_more_though_the_pbx_is_out_of_reach(staffed: Site) -> None:
    signs_on(staffed, "Anna")
    for _attempt in range(2):
        failed = staffed.live("disabled", fails=True, pbx_url="https://127.0.0.1:9")
        assert "pbx_url" in failed["msg"]

        state = SignOnLedger(staffed.ledger_path).state()
        assert state.integration is not None
        assert state.integration.status == "disabled"

    assert staffed.live("disabled")["summary"]["revoked"] == 1
    assert not logs_in(staffed, "Anna")


def test_what_a_disabled_integration_has_left_ends_with_pbx_ad_sso_too(staffed: Site) -> None:
    signs_on(staffed, "Anna")
    staffed.live("disabled", fails=True, pbx_url="https://127.0.0.1:9")

    assert sign_on(staffed)["summary"]["revoked"] == 1

    assert not logs_in(staffed, "Anna")
    assert sign_on(staffed)["outcome"]["state"] == "skipped"


def test_the_domains_lockout_threshold_is_minded(staffed: Site) -> None:
    domain = staffed.base_dn.partition(",")[2]
    staffed.admin.modify(domain, lockoutThreshold=3)
    try:
        refused = sign_on(staffed, fails=True, failures_per_user=3)
        sign_on(staffed, failures_per_user=2)
    finally:
        staffed.admin.modify(domain, lockoutThreshold=0)

    assert "failures_per_user is 3" in refused["msg"]
    assert "less than 3" in refused["msg"]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"directory_validate_certs": False}, "directory_validate_certs"),
        ({"pbx_validate_certs": False}, "pbx_validate_certs"),
    ],
)
def test_passwords_of_people_never_cross_a_connection_that_is_not_verified(
    site: Site, options: dict[str, Any], name: str
) -> None:
    site.connect(**options)

    refused = sign_on(site, fails=True)

    assert name in refused["msg"]


def test_it_needs_an_integration(site: Site) -> None:
    refused = sign_on(site, fails=True)

    assert "pbx_ad_connection" in refused["msg"]
    assert sign_on(site, check=True)["users"] == {"can_sign_on": 0, "cannot": 0}
