# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of an extension as its user lives: statuses, scope, names, numbers, addresses, drift."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.directory_admin import NEVER, DirectoryAdmin
from tests.integration.modules.site_under_test import Site, actions, codes


def test_the_managed_fields_come_from_the_directory(site: Site) -> None:
    site.admin.add_user(
        "Anna",
        parent=site.base_dn,
        givenName="Änna 🚀",
        sn="O'Brien, + 山田",
        mail="Anna.Adler@lab.test",
        telephoneNumber="+49 (0)30 / 12 34–56",
        title="Leiterin <Einkauf>",
    )

    site.sync()

    extension = site.extension_of("Änna 🚀")
    assert extension["last_name"] == "O'Brien, + 山田"
    assert extension["email_addr"] == "Anna.Adler@lab.test"
    assert extension["mobile_number"] == "+49(0)30-1234-56"
    assert extension["title"] == "Leiterin <Einkauf>"


def test_a_second_run_changes_nothing_and_sends_no_write(site: Site) -> None:
    for name in ("Anna", "Bernd"):
        site.add_user(name, mail=f"{name}@Lab.Test", telephoneNumber="030 12")
    first = site.sync()
    site.pbx.calls.clear()

    second = site.sync()

    assert first["changed"]
    assert not second["changed"]
    assert second["changes"] == []
    assert site.writes() == []


def test_check_mode_writes_nothing_anywhere_and_plans_what_a_run_does(site: Site) -> None:
    anna = site.add_user("Anna", mail="anna@lab.test")
    site.add_user("Bernd")

    before_anything = site.sync(check=True)
    assert before_anything["changed"]
    assert any("pbx_ad_connection" in warning for warning in before_anything["warnings"])
    assert not site.ledger_path.parent.exists()
    assert site.writes() == []

    site.sync()
    site.admin.modify(anna, sn="Neu")
    files = {path: path.read_bytes() for path in site.ledger_path.parent.iterdir()}
    site.pbx.calls.clear()
    shown = site.sync(check=True)
    assert {path: path.read_bytes() for path in site.ledger_path.parent.iterdir()} == files
    assert site.writes() == []

    done = site.sync()
    assert shown["plan_id"] == done["plan_id"]
    assert [_without_state(change) for change in shown["changes"]] == [
        _without_state(change) for change in done["changes"]
    ]
    assert shown["diff"] == done["diff"]
    assert shown["run_id"] == ""


def test_check_mode_before_anything_was_saved_has_the_plan_of_the_first_run(site: Site) -> None:
    site.add_user("Anna", mail="anna@lab.test")

    shown = site.sync(check=True)
    done = site.sync()

    assert shown["plan_id"] == done["plan_id"]


@pytest.mark.parametrize("status", ["disabled", "expired", "deleted"])
def test_a_listed_status_deletes_the_extension(site: Site, status: str) -> None:
    _set_status(site, site.add_user("Anna"), "")
    site.sync(delete_when=[status])
    _set_status(site, DirectoryAdmin.dn("Anna", site.base_dn), status)

    result = site.sync(delete_when=[status])

    assert actions(result) == [("delete", "Anna", f"account_{status}")]
    assert site.names == {}


@pytest.mark.parametrize("status", ["disabled", "expired", "deleted"])
def test_a_status_that_is_not_listed_keeps_the_extension(site: Site, status: str) -> None:
    site.add_user("Anna")
    others = [other for other in ("disabled", "expired", "deleted") if other != status]
    site.sync(delete_when=others)
    _set_status(site, DirectoryAdmin.dn("Anna", site.base_dn), status)

    result = site.sync(delete_when=others)

    assert actions(result) == []
    assert list(site.names.values()) == ["Anna"]


def test_a_kept_disabled_user_goes_on_being_synchronized(site: Site) -> None:
    anna = site.add_user("Anna")
    site.sync()
    site.admin.set_enabled(anna, enabled=False)
    site.admin.modify(anna, sn="Neu")

    site.sync()

    assert site.extension_of("Anna")["last_name"] == "Neu"


@pytest.mark.parametrize("expires", [0, NEVER, datetime.now(UTC) + timedelta(days=2)])
def test_an_account_that_does_not_expire_yet_or_ever_is_not_expired(site: Site, expires: datetime | int) -> None:
    site.admin.set_expiry(site.add_user("Anna"), expires)

    site.sync(delete_when=["expired"])

    assert list(site.names.values()) == ["Anna"]


def test_a_user_whose_status_is_listed_gets_no_extension(site: Site) -> None:
    site.admin.set_enabled(site.add_user("Anna"), enabled=False)

    result = site.sync(delete_when=["disabled"])

    assert site.names == {}
    assert result["summary"]["excluded"] == 1


def test_a_deleted_user_is_not_proved_deleted_by_absence(site: Site) -> None:
    site.add_user("Anna")
    plain: dict[str, Any] = {
        "directory_username": site.directory.plain_account.user_principal_name,
        "directory_password": site.directory.plain_account.password,
    }
    connected = site.connect(**plain)
    assert not connected["deleted_objects_readable"]
    assert any("Deleted Objects" in warning for warning in connected["warnings"])
    site.sync(**plain)
    site.admin.delete(DirectoryAdmin.dn("Anna", site.base_dn))

    kept = site.sync(**plain)
    assert codes(kept) == [("Anna", "user_not_found")]
    assert list(site.names.values()) == ["Anna"]

    gone = site.sync(**plain, deletion_proof="absence")
    assert actions(gone) == [("delete", "Anna", "account_deleted")]


def test_a_restored_user_gets_the_number_back(site: Site) -> None:
    for name in ("Anna", "Bernd"):
        site.add_user(name)
    site.sync()
    dn = DirectoryAdmin.dn("Anna", site.base_dn)
    guid = site.admin.guid_of(dn)
    site.admin.delete(dn)
    site.sync()
    site.add_user("Carl")
    site.sync()
    assert site.names == {"1001": "Bernd", "1002": "Carl"}

    site.admin.restore(guid, dn)
    site.admin.set_enabled(dn, enabled=True)
    site.admin.modify(dn, givenName="Anna")
    site.sync()

    assert site.names == {"1000": "Anna", "1001": "Bernd", "1002": "Carl"}


@pytest.mark.parametrize(("fate", "left"), [("release", ["Anna"]), ("delete", [])])
def test_out_of_scope_is_released_or_deleted(site: Site, fate: str, left: list[str]) -> None:
    inside, outside = site.add_unit("Inside"), site.add_unit("Outside")
    anna = site.add_user("Anna", parent=inside)
    rule: dict[str, Any] = {"scope": "organizational_units", "organizational_units": ["Inside"], "out_of_scope": fate}
    site.sync(**rule)
    site.admin.move(anna, outside)

    result = site.sync(**rule)

    assert actions(result) == [(fate, "Anna", "out_of_scope")]
    assert list(site.names.values()) == left
    assert not site.sync(**rule)["changed"]


def test_a_released_extension_is_never_touched_again(site: Site) -> None:
    inside, outside = site.add_unit("Inside"), site.add_unit("Outside")
    anna = site.add_user("Anna", parent=inside)
    rule: dict[str, Any] = {"scope": "organizational_units", "organizational_units": ["Inside"]}
    site.sync(**rule)
    moved = site.admin.move(anna, outside)
    site.sync(**rule)
    site.pbx.calls.clear()
    site.admin.modify(moved, sn="Neu")
    site.admin.delete(moved)

    assert not site.sync(**rule)["changed"]
    assert site.writes() == []


def test_a_rename_and_a_move_keep_the_extension_and_its_number(site: Site) -> None:
    for name in ("Bernd", "Carl", "Dora"):
        site.add_user(name)
    site.sync()
    before = site.extension_of("Carl")
    renamed = site.admin.rename(DirectoryAdmin.dn("Carl", site.base_dn), "Aaron")
    moved = site.admin.move(renamed, site.add_unit("Elsewhere"))
    site.admin.modify(moved, sAMAccountName="aaron-1", givenName="Aaron")

    result = site.sync()

    after = site.extension_of("Aaron")
    assert (after["id"], after["number"]) == (before["id"], before["number"])
    assert [change["action"] for change in result["changes"]] == ["update"]


def test_numbers_are_the_first_free_ones_in_a_stable_order(site: Site) -> None:
    for number in ("1001", "1003"):
        site.pbx.pbx.seed_extension(number, first_name="hand")
    for name in ("Carl", "Anna", "Bernd"):
        site.add_user(name)

    site.sync(number_start=1000)

    assert site.names == {"1000": "Anna", "1001": "hand", "1002": "Bernd", "1003": "hand", "1004": "Carl"}


def test_a_number_that_another_object_of_the_pbx_has_is_left_to_it_from_the_next_run_on(site: Site) -> None:
    site.pbx.pbx.seed_number("1000", "queue", "Hotline")
    site.add_user("Anna")
    site.add_user("Bernd")

    failed = site.sync_failing()
    assert "1000" in failed["msg"]
    assert site.names == {"1001": "Bernd"}

    site.sync()
    assert site.names == {"1001": "Bernd", "1002": "Anna"}


def test_the_number_range_can_be_exhausted(site: Site) -> None:
    for name in ("Anna", "Bernd", "Carl"):
        site.add_user(name)

    result = site.sync(number_start=1000, number_end=1001)

    assert codes(result) == [("Carl", "number_range_exhausted")]
    assert set(site.names.values()) == {"Anna", "Bernd"}


def test_numbers_from_an_attribute_are_validated_and_never_cut(site: Site) -> None:
    site.pbx.pbx.seed_extension("3000", first_name="hand")
    for name, number in (
        ("Valid", "2001"),
        ("Spaced", " 2002 "),
        ("Missing", None),
        ("Long", "123456789"),
        ("Text", "+49 30 1234"),
        ("FullWidth", "２００３"),
        ("One", "2004"),
        ("Two", "2004"),
        ("Taken", "3000"),
    ):
        site.add_user(name, ipPhone=number)

    result = site.sync(number_from="attribute", number_attribute="ipPhone")

    assert site.names == {"2001": "Valid", "2002": "Spaced", "3000": "hand"}
    assert sorted(codes(result)) == [
        ("FullWidth", "number_invalid"),
        ("Long", "number_invalid"),
        ("Missing", "number_missing"),
        ("One", "number_shared"),
        ("Taken", "number_in_use"),
        ("Text", "number_invalid"),
        ("Two", "number_shared"),
    ]


def test_a_number_once_given_stays_when_the_attribute_changes(site: Site) -> None:
    anna = site.add_user("Anna", ipPhone="2001")
    site.sync(number_from="attribute")
    site.admin.modify(anna, ipPhone="2009")

    result = site.sync(number_from="attribute")

    assert site.names == {"2001": "Anna"}
    assert codes(result) == [("Anna", "number_differs")]


def test_an_extension_with_the_same_address_is_taken_over_or_left(site: Site) -> None:
    site.pbx.pbx.seed_extension("4711", first_name="hand", email_addr="anna@lab.test", title="by hand")
    site.add_user("Anna", mail="ANNA@lab.test", title="Chefin")

    left = site.sync()
    assert codes(left) == [("Anna", "email_in_use")]
    assert site.names == {"4711": "hand"}

    taken = site.sync(associate_by_email=True)
    assert actions(taken) == [("associate", "Anna", "same_email")]
    assert site.names == {"4711": "Anna"}
    assert site.extension_of("Anna")["title"] == "Chefin"
    assert not site.sync(associate_by_email=True)["changed"]


def test_two_users_with_one_address_are_a_conflict_and_the_holder_keeps_it(site: Site) -> None:
    site.add_user("Anna", mail="info@lab.test")
    site.sync()
    site.add_user("Bernd", mail="Info@lab.test")

    result = site.sync()

    assert codes(result) == [("Bernd", "email_shared")]
    assert list(site.names.values()) == ["Anna"]


def test_users_can_exchange_their_addresses(site: Site) -> None:
    anna, bernd = site.add_user("Anna", mail="a@lab.test"), site.add_user("Bernd", mail="b@lab.test")
    site.sync()
    site.admin.modify(anna, mail="b@lab.test")
    site.admin.modify(bernd, mail="a@lab.test")

    site.sync()

    assert site.extension_of("Anna")["email_addr"] == "b@lab.test"
    assert site.extension_of("Bernd")["email_addr"] == "a@lab.test"
    assert not site.sync()["changed"]


def test_a_successor_gets_the_address_of_a_deleted_user_in_the_same_run(site: Site) -> None:
    anna = site.add_user("Anna", mail="office@lab.test")
    site.sync()
    site.admin.delete(anna)
    site.add_user("Bernd", mail="office@lab.test")

    site.sync()

    assert site.names == {"1001": "Bernd"}


def test_drift_is_put_back_and_told(site: Site) -> None:
    anna = site.add_user("Anna", sn="Adler", title="Clerk")
    site.sync()
    site.pbx.pbx.change_by_hand("1000", title="Boss", last_name="Hand")
    site.admin.modify(anna, sn="Neu")

    result = site.sync()

    (change,) = result["changes"]
    assert change["drift"] == ["last_name", "title"]
    assert change["after"] == {"last_name": "Neu", "title": "Clerk"}
    assert "(drift)" in result["diff"]["prepared"]
    assert site.extension_of("Anna")["title"] == "Clerk"


def test_what_was_already_set_by_hand_is_remembered_without_a_write(site: Site) -> None:
    anna = site.add_user("Anna", sn="Adler")
    site.sync()
    site.admin.modify(anna, sn="Neu")
    site.pbx.pbx.change_by_hand("1000", last_name="Neu")
    site.pbx.calls.clear()

    assert not site.sync()["changed"]

    assert site.writes() == []
    site.pbx.pbx.change_by_hand("1000", last_name="Hand")
    assert actions(site.sync()) == [("update", "Anna", "drift")]


def test_other_fields_of_an_extension_are_never_touched(site: Site) -> None:
    anna = site.add_user("Anna")
    site.sync()
    site.pbx.pbx.change_by_hand("1000", caller_id="4711", presence_status="away")
    site.admin.modify(anna, sn="Neu")

    site.sync()

    assert site.extension_of("Anna")["caller_id"] == "4711"
    assert site.extension_of("Anna")["presence_status"] == "away"


def test_an_extension_deleted_on_the_pbx_is_created_again_with_its_number(site: Site) -> None:
    for name in ("Anna", "Bernd"):
        site.add_user(name)
    site.sync()
    site.pbx.pbx.delete_by_hand("1000")

    result = site.sync()

    assert actions(result) == [("create", "Anna", "extension_missing")]
    assert site.names == {"1000": "Anna", "1001": "Bernd"}
    assert not site.sync()["changed"]


def test_the_welcome_mail_is_sent_once_for_each_extension_created(site: Site) -> None:
    site.pbx.pbx.seed_extension("4711", email_addr="carl@lab.test")
    site.add_user("Anna", mail="anna@lab.test")
    site.add_user("Bernd")
    site.add_user("Carl", mail="carl@lab.test")

    result = site.sync(send_welcome_email=True, associate_by_email=True)
    site.sync(send_welcome_email=True, associate_by_email=True)

    assert len(site.pbx.state.welcome_mails) == 1
    assert codes(result) == [("Bernd", "welcome_without_address")]


def test_no_welcome_mail_is_sent_unasked(site: Site) -> None:
    site.add_user("Anna", mail="anna@lab.test")

    site.sync()

    assert site.pbx.state.welcome_mails == []


def test_what_the_pbx_cannot_take_is_a_conflict_and_the_rest_is_done(site: Site) -> None:
    site.add_user("Anna", sn="x" * 64, mail="anna+pbx@lab.test", telephoneNumber="030 12 34 56 ext: 7", title="Clerk")

    result = site.sync()

    assert codes(result) == [("Anna", "field_invalid")] * 3
    extension = site.extension_of("Anna")
    assert (extension["last_name"], extension["email_addr"], extension["mobile_number"]) == ("", "", "")
    assert extension["title"] == "Clerk"


def test_a_user_without_names_is_called_by_display_name_or_common_name(site: Site) -> None:
    site.admin.add_user("Empfang", parent=site.base_dn)
    site.admin.add_user("x1", parent=site.base_dn, displayName="Meeting room")

    site.sync()

    assert set(site.names.values()) == {"Empfang", "Meeting room"}


def _set_status(site: Site, dn: str, status: str) -> None:
    if status == "disabled":
        site.admin.set_enabled(dn, enabled=False)
    elif status == "expired":
        site.admin.set_expiry(dn, datetime.now(UTC) - timedelta(days=1))
    elif status == "deleted":
        site.admin.delete(dn)


def _without_state(change: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in change.items() if name not in ("state", "extension_id")}
