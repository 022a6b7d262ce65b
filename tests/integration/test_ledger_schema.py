# SPDX-License-Identifier: GPL-3.0-or-later
"""An older ledger is brought to the newest schema, whole or not at all, and only where writing is asked for."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import schema
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.store import StoredLedger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import RunRecord
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Intent
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    Origin,
    RetiredNumber,
    Welcome,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, ExtensionChange, Reason

from tests.integration.ledger_stores import Store, define

NOW = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
NEXT = "ALTER TABLE rules ADD COLUMN remark INTEGER NOT NULL DEFAULT 1;"


@pytest.fixture
def old(store: Store) -> Store:
    with store.open():
        pass
    assert store.version() == len(schema.MIGRATIONS)
    return store


def test_an_older_ledger_is_migrated(old: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = old.version()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, NEXT))
    for _unused in range(2):
        with old.open():
            assert "remark" in old.columns("rules")
    assert old.version() == before + 1


def test_check_mode_migrates_its_copy_alone(old: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = old.traces()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, NEXT))
    with old.open(read_write=False) as ledger:
        assert "remark" in [name for (name,) in ledger._database.rows("SELECT name FROM pragma_table_info('rules')")]
    assert old.traces() == before


def test_a_migration_that_fails_leaves_the_older_schema(old: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    released = schema.MIGRATIONS
    monkeypatch.setattr(schema, "MIGRATIONS", (*released, NEXT + "DROP TABLE nowhere;"))
    with pytest.raises(LedgerError, match="nowhere"), old.open():
        pass
    assert old.version() == len(released)
    monkeypatch.setattr(schema, "MIGRATIONS", released)
    with old.open():
        assert "remark" not in old.columns("rules")


# --- a ledger of version 1: extensions alone ---

ANNA_V1 = {
    "guid": "guid-of-anna",
    "extension_id": 41,
    "number": "1000",
    "dn": "CN=Müller\\, Anna,DC=example,DC=com",
    "account_name": "anna",
    "origin": "created",
    "written": {"email_addr": "anna@example.com"},
    "welcome": "due",
}
CHANGES_V1 = [
    {
        "action": "update",
        "guid": "guid-of-anna",
        "user": "anna",
        "dn": "CN=Müller\\, Anna,DC=example,DC=com",
        "number": "1000",
        "extension_id": 41,
        "reason": "address_exchange",
        "before": {"email_addr": "anna@example.com"},
        "after": {"email_addr": ""},
        "drift": ["email_addr"],
        "depends_on": ["update:guid-of-bert"],
        "association": ANNA_V1,
    },
    {
        "action": "delete",
        "guid": "guid-of-bert",
        "user": "bert",
        "dn": "CN=Bert,DC=example,DC=com",
        "number": "1001",
        "extension_id": 42,
        "reason": "account_deleted",
        "before": {"email_addr": "bert@example.com"},
        "after": {},
        "drift": [],
        "depends_on": [],
        "association": None,
    },
]
ANNA = Association(
    guid="guid-of-anna",
    extension_id=41,
    number="1000",
    dn="CN=Müller\\, Anna,DC=example,DC=com",
    account_name="anna",
    origin=Origin.CREATED,
    written={"email_addr": "anna@example.com"},
    welcome=Welcome.DUE,
)
BERT = Association(
    guid="guid-of-bert",
    extension_id=42,
    number="1001",
    dn="CN=Bert,DC=example,DC=com",
    account_name="bert",
    origin=Origin.ADOPTED,
    written={},
)
VACATED = ExtensionChange(
    action=Action.UPDATE,
    guid=ANNA.guid,
    name="anna",
    dn=ANNA.dn,
    number="1000",
    object_id=41,
    reason=Reason.ADDRESS_EXCHANGE,
    before={"email_addr": "anna@example.com"},
    after={"email_addr": ""},
    drift=("email_addr",),
    depends_on=("update:guid-of-bert",),
    part="vacate",
    association=ANNA,
)
DELETED = ExtensionChange(
    action=Action.DELETE,
    guid=BERT.guid,
    name="bert",
    dn=BERT.dn,
    number="1001",
    object_id=42,
    reason=Reason.ACCOUNT_DELETED,
    before={"email_addr": "bert@example.com"},
)


@pytest.fixture
def first_version(store: Store) -> Store:
    """Return a ledger as the first version of the schema kept it: two associations, two open rows and a closed one."""
    at = "2026-03-01T00:30:00.000000+00:00"
    anna = [json.dumps(value) if isinstance(value, dict) else value for value in ANNA_V1.values()]
    bert = [BERT.guid, 42, "1001", BERT.dn, "bert", "adopted", "{}", "none"]
    vacated, deleted = (json.dumps(change) for change in CHANGES_V1)
    define(store, 1)
    for association in (anna, bert):
        store.execute("INSERT INTO associations VALUES (?, ?, ?, ?, ?, ?, ?, ?)", association)
    store.execute("INSERT INTO retired_numbers VALUES ('1007', '', ?)", (at,))
    store.execute("INSERT INTO runs VALUES (1, 'run-1', 'users', 'plan-1', 'running', ?, NULL, '{}', '')", (at,))
    for row in (
        (1, BERT.guid, deleted, "failed", at),
        (2, ANNA.guid, vacated, "intended", at),
        (3, BERT.guid, deleted, "unknown", at),
    ):
        store.execute("INSERT INTO journal VALUES (?, 'run-1', ?, ?, '', ?, '', ?, NULL)", row)
    return store


def assert_nothing_is_lost(ledger: StoredLedger) -> None:
    assert ledger.associations() == [ANNA, BERT]
    assert ledger.object_associations() == []
    assert ledger.retired_numbers() == [RetiredNumber("1007", "", NOW)]
    assert ledger.runs(10) == [RunRecord("run-1", "", ("users",), "plan-1", "running", NOW, None, {}, "")]
    assert ledger.unfinished() == [Intent(2, "run-1", VACATED), Intent(3, "run-1", DELETED)]


def test_nothing_of_version_1_is_lost(first_version: Store) -> None:
    for _unused in range(2):
        with first_version.open() as ledger:
            assert_nothing_is_lost(ledger)
    assert first_version.version() == len(schema.MIGRATIONS)


def test_check_mode_reads_version_1_and_leaves_it_so(first_version: Store) -> None:
    before = first_version.traces()
    with first_version.open(read_write=False) as ledger:
        assert_nothing_is_lost(ledger)
    assert first_version.traces() == before


def test_a_change_of_version_1_has_the_key_that_others_depend_on(first_version: Store) -> None:
    with first_version.open() as ledger:
        keys = [intent.change.key for intent in ledger.unfinished()]
    assert keys == ["update:guid-of-anna:vacate", "delete:guid-of-bert"]


def test_a_row_of_version_1_is_closed_as_any_other(first_version: Store) -> None:
    with first_version.open() as ledger:
        ledger.done(3, None, None, NOW)
        assert ledger.associations() == [ANNA]
        assert ledger.unfinished() == [Intent(2, "run-1", VACATED)]
