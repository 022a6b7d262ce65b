# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger as the sign-on gateway uses it, beside runs, in a file and in PostgreSQL."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import (
    LedgerError,
    LedgerLockedError,
    LedgerSchemaError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.file_lock import visitor_lock
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.schema import MIGRATIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sign_on import SignOnLedger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Integration
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Domain
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Credential, Origin
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxIdentity
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on_settings import SignOnSettings

from tests.integration.ledger_stores import Store

NOW = datetime(2026, 1, 5, tzinfo=UTC)
INTEGRATION = Integration(
    Domain("d", "DC=example,DC=com", "example.com"), PbxIdentity("S1", "P560", "37.20.0.19"), {}, "connected"
)
SETTINGS = SignOnSettings(enabled=True, login_addresses=("https://pbx.example.com/login",))


def held(guid: str, extension_id: int, account: str, principal: str) -> Association:
    return Association(
        guid,
        extension_id,
        f"100{extension_id}",
        f"CN={guid}",
        account,
        Origin.CREATED,
        {},
        user_principal_name=principal,
    )


ANNA = held("anna", 1, "anna", "Anna.Adler@example.org")
BERND = held("bernd", 2, "Bernd", "")
# A name that Active Directory gives to the first who has it as a principal name.
CLARA = held("clara", 3, "bernd2", "bernd@example.com")


@pytest.fixture(name="filled")
def _filled(store: Store) -> Store:
    with store.open(read_write=True) as ledger:
        ledger.save_integration(INTEGRATION, NOW)
        ledger.save_sign_on(SETTINGS, NOW)
        ledger.save_associations([ANNA, BERND])
    return store


def test_it_reads_what_the_administrator_has_decided(filled: Store) -> None:
    state = SignOnLedger(filled.location).state()

    assert (state.integration, state.settings) == (INTEGRATION, SETTINGS)


@pytest.mark.parametrize(
    ("name", "guid"),
    [
        ("anna.adler@EXAMPLE.org", "anna"),
        ("ANNA@example.com", "anna"),
        ("bernd@Example.com", "bernd"),
        ("bernd@example.org", None),
        ("@example.com", None),
        ("", None),
        ("anna", None),
        ("nobody@example.com", None),
        ("anna' OR '1'='1@example.com", None),
        ("%@example.com", None),
    ],
)
def test_a_user_is_found_by_either_name(filled: Store, name: str, guid: str | None) -> None:
    assert SignOnLedger(filled.location).find(name) == guid


def test_a_principal_name_goes_before_an_account_name_and_two_alike_are_nobody(filled: Store) -> None:
    with filled.open(read_write=True) as ledger:
        ledger.save_associations([CLARA])
    assert SignOnLedger(filled.location).find("bernd@example.com") == "clara"

    with filled.open(read_write=True) as ledger:
        ledger.save_associations([replace(ANNA, user_principal_name="BERND@example.com")])
    assert SignOnLedger(filled.location).find("bernd@example.com") is None


def test_an_association_is_read_by_objectguid(filled: Store) -> None:
    ledger = SignOnLedger(filled.location)

    assert ledger.association("anna") == ANNA
    assert ledger.association("nobody") is None


def test_a_credential_is_kept_until_that_very_one_is_forgotten(filled: Store) -> None:
    visitor = SignOnLedger(filled.location)
    first, second = Credential(1, "anna", NOW), Credential(1, "anna", NOW + timedelta(microseconds=1))
    visitor.note_credential(first)
    visitor.note_credential(second)

    visitor.forget_credential(first)
    with filled.open(read_write=False) as ledger:
        assert ledger.sign_on().credentials == (second,)
    visitor.forget_credential(second)
    with filled.open(read_write=False) as ledger:
        assert ledger.sign_on().credentials == ()


def test_it_works_while_a_run_holds_the_lock(filled: Store) -> None:
    visitor = SignOnLedger(filled.location)
    with filled.open(read_write=True) as ledger:
        visitor.note_credential(Credential(1, "anna", NOW))
        assert visitor.find("anna@example.com") == "anna"
        assert [one.guid for one in ledger.sign_on().credentials] == ["anna"]
        ledger.save_associations([replace(ANNA, number="1009")])
        found = visitor.association("anna")

    assert found is not None
    assert found.number == "1009"


def test_many_threads_use_it_beside_a_run(filled: Store) -> None:
    visitor = SignOnLedger(filled.location)
    over = Event()

    def sign_on(number: int) -> None:
        credential = Credential(number % 7, "anna", NOW + timedelta(seconds=number))
        visitor.note_credential(credential)
        visitor.state()
        visitor.forget_credential(credential)

    def run() -> int:
        rounds = 0
        while not over.is_set():
            with filled.open(read_write=True) as ledger:
                ledger.save_associations([replace(ANNA, number=str(1000 + rounds))])
            with filled.open(read_write=False) as ledger:
                assert len(ledger.associations()) == 2
            rounds += 1
        return rounds

    with ThreadPoolExecutor(9) as pool:
        runs = pool.submit(run)
        try:
            list(pool.map(sign_on, range(60)))
        finally:
            over.set()
        assert runs.result() > 0
    with filled.open(read_write=False) as ledger:
        assert ledger.sign_on().credentials == ()


def test_credentials_go_with_the_association_and_with_the_integration(filled: Store) -> None:
    visitor = SignOnLedger(filled.location)
    visitor.note_credential(Credential(1, "anna", NOW))
    with filled.open(read_write=True) as ledger:
        ledger.forget_integration()
        assert ledger.sign_on().settings is None
        assert ledger.sign_on().credentials == ()


def test_a_ledger_that_is_not_there_is_not_made(store: Store) -> None:
    before = store.traces()

    with pytest.raises(LedgerError, match="pbx_ad_connection"):
        SignOnLedger(store.location).state()

    assert store.traces() == before


def test_an_older_ledger_is_left_to_the_modules(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    with open_ledger(path, read_write=True, command="test") as ledger:
        ledger.save_integration(INTEGRATION, NOW)
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS) - 1}")

    with pytest.raises(LedgerSchemaError, match="pbx_ad_sso"):
        SignOnLedger(path).state()


def test_a_copy_waits_for_a_visitor(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    with open_ledger(path, read_write=True, command="test") as ledger:
        ledger.save_integration(INTEGRATION, NOW)

    def copy() -> Integration | None:
        with open_ledger(path, read_write=False, command="test") as copied:
            return copied.integration()

    with ThreadPoolExecutor(1) as pool:
        with visitor_lock(path, 1):
            copying = pool.submit(copy)
            with pytest.raises(TimeoutError):
                copying.result(timeout=0.2)
        assert copying.result(timeout=20) == INTEGRATION


def test_a_visitor_gives_up_at_last(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    with visitor_lock(path, 1), pytest.raises(LedgerLockedError, match="in use"), visitor_lock(path, 0.05):
        pass
