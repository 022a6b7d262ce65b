# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger remembers, and that it remembers all or nothing, wherever it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import (
    ForeignLedgerError,
    LedgerDamagedError,
    LedgerError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.store import StoredLedger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import (
    Integration,
    Ledger,
    RunRecord,
    SavedDirectory,
    SavedRule,
    SavedSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Domain
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import FIELD_NAMES
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Intent, JournalState, Resolution
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
    Origin,
    RetiredNumber,
    Welcome,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import OrganizationReference, PbxIdentity
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    ExtensionChange,
    GroupChange,
    OrganizationChange,
    Placement,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

from tests.integration.ledger_stores import Store

NOW = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)

ANNA = Association(
    guid="11111111-0000-4000-8000-000000000000",
    extension_id=41,
    number="1000",
    dn="CN=Müller\\, Anna,OU=Staff,DC=example,DC=com",
    account_name="anna",
    origin=Origin.CREATED,
    written={"last_name": "Müller", "first_name": "Anna", "email": "anna@example.com"},
    welcome=Welcome.DUE,
    organization_id=7,
)
BERT = replace(
    ANNA,
    guid="22222222-0000-4000-8000-000000000000",
    extension_id=42,
    number="1001",
    account_name="bert",
    origin=Origin.ADOPTED,
    welcome=Welcome.NONE,
    organization_id=0,
)
SALES = ObjectAssociation(
    guid="33333333-0000-4000-8000-000000000000",
    kind=ObjectKind.ORGANIZATION,
    rule=RuleKind.ORGANIZATIONAL_UNITS,
    object_id=7,
    dn="OU=Verkäufe\\, alle,DC=example,DC=com",
    name="Verkäufe, alle",
    origin=Origin.CREATED,
    parent_id=1,
)
SUPPORT = replace(
    SALES,
    guid="44444444-0000-4000-8000-000000000000",
    object_id=8,
    dn="OU=Support,DC=example,DC=com",
    name="Support",
    origin=Origin.ADOPTED,
    parent_id=7,
)
# The ids of each kind are its own: this group is no organization, whatever its numbers.
TEAM = ObjectAssociation(
    guid=SALES.guid,
    kind=ObjectKind.EXTENSION_GROUP,
    rule=RuleKind.GROUPS,
    object_id=SALES.object_id,
    dn="CN=Team,DC=example,DC=com",
    name="Team",
    origin=Origin.CREATED,
    members=(41, 42),
    leftover_id=3,
)
LABEL = ObjectAssociation(
    guid="label",
    kind=ObjectKind.EXTENSION_GROUP,
    rule=RuleKind.USERS,
    object_id=9,
    dn="",
    name="Active Directory",
    origin=Origin.CREATED,
)
CREATION = ExtensionChange(
    action=Action.CREATE,
    guid=ANNA.guid,
    name="anna",
    dn=ANNA.dn,
    number="1000",
    object_id=None,
    reason=Reason.NEW_USER,
    after=ANNA.written,
    depends_on=("delete:x",),
    association=replace(ANNA, extension_id=0),
    placement=Placement((OrganizationReference(2, "Night shift"),), unit=SALES.guid, taken=5),
)
DELETION = ExtensionChange(
    action=Action.DELETE,
    guid=BERT.guid,
    name="bert",
    dn=BERT.dn,
    number="1001",
    object_id=42,
    reason=Reason.ACCOUNT_DELETED,
    before=BERT.written,
    drift=("email",),
)
UNIT_CREATION = OrganizationChange(
    action=Action.CREATE,
    guid=SALES.guid,
    name="Sales",
    dn=SALES.dn,
    object_id=None,
    reason=Reason.NEW_UNIT,
    after={"name": SALES.name, "parent": "Company"},
    association=replace(SALES, object_id=0),
    parent_id=1,
)
TEAM_DELETION = GroupChange(
    action=Action.DELETE,
    guid=TEAM.guid,
    name="Team",
    dn=TEAM.dn,
    object_id=TEAM.object_id,
    reason=Reason.OBJECT_DELETED,
    before={"name": "Team"},
    kept=(43,),
    removed=("1000 Anna", "1001 Bert"),
)
INTEGRATION = Integration(
    domain=Domain("aaaaaaaa-0000-4000-8000-000000000000", "DC=example,DC=com", "example.com"),
    pbx=PbxIdentity("369422A0000001", "P560", "37.20.0.16"),
    settings={"directory_host": "dc1.example.com", "directory_port": 636, "bases": ["DC=example,DC=com"]},
    status="connected",
)


@pytest.fixture
def ledger(store: Store) -> Iterator[StoredLedger]:
    # The generator is always finished.
    # pylint: disable-next=contextmanager-generator-missing-cleanup
    with store.open() as opened:
        yield opened


def test_it_is_a_ledger_and_says_where(ledger: StoredLedger, store: Store) -> None:
    same: Ledger = ledger
    assert same.location == store.text


def test_an_empty_ledger_knows_nothing(ledger: StoredLedger) -> None:
    assert ledger.integration() is None
    assert ledger.rule("users") is None
    assert ledger.associations() == []
    assert ledger.object_associations() == []
    assert ledger.retired_numbers() == []
    assert ledger.unfinished() == []
    assert ledger.runs(10) == []


def test_everything_is_there_after_reopening(store: Store) -> None:
    intended: list[tuple[AnyChange, str]] = [(CREATION, "name-1"), (UNIT_CREATION, ""), (TEAM_DELETION, "")]
    with store.open() as ledger:
        ledger.save_integration(INTEGRATION, NOW)
        ledger.save_rule("users", SavedRule({"scope": "groups", "groups": ["Sales"]}), NOW)
        ledger.save_rule("groups", SavedRule({"scope": "all"}), NOW)
        ledger.save_associations([SUPPORT, BERT, SALES, ANNA, LABEL, TEAM])
        ledger.retire_number(RetiredNumber("1007", "", NOW))
        run_id = ledger.begin_run("pbx_ad_sync", ["users"], "plan-1", NOW)
        rows = [ledger.intend(run_id, change, name, NOW) for change, name in intended]
    with store.open() as ledger:
        assert ledger.integration() == INTEGRATION
        assert ledger.rule("users") == SavedRule({"scope": "groups", "groups": ["Sales"]})
        assert ledger.rule("groups") == SavedRule({"scope": "all"})
        assert ledger.associations() == [ANNA, BERT]
        assert ledger.object_associations() == [TEAM, LABEL, SALES, SUPPORT]  # by kind, then by guid
        assert ledger.retired_numbers() == [RetiredNumber("1007", "", NOW)]
        assert ledger.unfinished() == [
            Intent(row, run_id, change, name) for row, (change, name) in zip(rows, intended, strict=True)
        ]
        assert ledger.runs(1) == [RunRecord(run_id, "pbx_ad_sync", ("users",), "plan-1", "running", NOW, None, {}, "")]


# --- the integration and its rules ---


def test_the_same_integration_may_be_saved_again_with_other_settings(ledger: StoredLedger) -> None:
    ledger.save_integration(INTEGRATION, NOW)
    changed = replace(
        INTEGRATION,
        pbx=replace(INTEGRATION.pbx, firmware="37.21.0.1"),
        settings={"directory_host": "dc2.example.com"},
        status="disabled",
    )
    ledger.save_integration(changed, LATER)
    assert ledger.integration() == changed


@pytest.mark.parametrize(
    "other",
    [
        replace(INTEGRATION, pbx=replace(INTEGRATION.pbx, serial_number="369422A0000002")),
        replace(INTEGRATION, domain=replace(INTEGRATION.domain, guid="bbbbbbbb-0000-4000-8000-000000000000")),
    ],
    ids=["another PBX", "another domain"],
)
def test_another_integration_is_refused_and_both_are_named(
    ledger: StoredLedger, store: Store, other: Integration
) -> None:
    ledger.save_integration(INTEGRATION, NOW)
    with pytest.raises(ForeignLedgerError) as caught:
        ledger.save_integration(other, LATER)
    for text in (
        INTEGRATION.pbx.serial_number,
        INTEGRATION.domain.guid,
        other.pbx.serial_number,
        other.domain.guid,
        store.text,
        store.chooser,
        "Disconnect",
    ):
        assert text in str(caught.value)
    assert ledger.integration() == INTEGRATION


@pytest.mark.parametrize(
    "settings",
    [
        {"directory_password": "x"},
        {"pbx": {"client_secret": "x"}},
        {"sides": [{"Access_Token": None}]},
        {"sides": ({"BindPassword": "x"},)},
    ],
)
def test_settings_named_like_secrets_are_refused(ledger: StoredLedger, settings: dict[str, object]) -> None:
    with pytest.raises(LedgerError, match="secret"):
        ledger.save_integration(replace(INTEGRATION, settings=settings), NOW)
    with pytest.raises(LedgerError, match="secret"):
        ledger.save_rule("users", SavedRule(settings), NOW)
    assert ledger.integration() is None
    assert ledger.rule("users") is None


def test_values_named_like_secrets_are_refused_everywhere_else(ledger: StoredLedger) -> None:
    run_id = ledger.begin_run("pbx_ad_sync", ["users"], "plan", NOW)
    leak = {"user_password": "x"}
    leaking: list[AnyChange] = [
        replace(CREATION, after=leak),
        replace(DELETION, before=leak),
        replace(CREATION, association=replace(ANNA, written=leak)),
        replace(UNIT_CREATION, after=leak),
        replace(TEAM_DELETION, before=leak),
    ]
    for change in leaking:
        with pytest.raises(LedgerError, match="user_password"):
            ledger.intend(run_id, change, "", NOW)
    with pytest.raises(LedgerError, match="user_password"):
        ledger.save_associations([replace(ANNA, written=leak)])
    assert ledger.unfinished() == []
    assert ledger.associations() == []


def test_organizations_and_groups_may_be_called_like_secrets(ledger: StoredLedger) -> None:
    unit = replace(SALES, dn="OU=Password Reset,DC=example,DC=com", name="Password Reset")
    change = replace(UNIT_CREATION, name=unit.name, after={"name": unit.name}, association=unit)
    row = ledger.intend(ledger.begin_run("pbx_ad_sync", ["organizational_units"], "plan", NOW), change, "", NOW)
    assert ledger.unfinished()[0].change == change
    ledger.done(row, unit, None, LATER)
    assert ledger.object_associations() == [unit]


# --- associations and numbers ---


def test_associations_are_replaced_by_their_guid(ledger: StoredLedger) -> None:
    ledger.save_associations([ANNA, BERT])
    moved = replace(ANNA, dn="CN=Anna,OU=Sales,DC=example,DC=com", welcome=Welcome.SENT)
    ledger.save_associations([moved])
    assert ledger.associations() == [moved, BERT]


@pytest.mark.parametrize("count", [1_999, 2_000, 2_001])
def test_however_many_associations_are_read_in_the_order_of_their_guids(ledger: StoredLedger, count: int) -> None:
    saved = [replace(ANNA, guid=f"guid {place:06}", extension_id=place + 1) for place in range(count)]
    ledger.save_associations(saved[::-1])

    assert ledger.associations() == saved


def test_what_was_read_before_is_not_told_once_it_has_changed(ledger: StoredLedger) -> None:
    ledger.save_associations([ANNA, SALES])
    assert (ledger.associations(), ledger.object_associations()) == ([ANNA], [SALES])
    moved, renamed = replace(ANNA, dn="CN=Anna,OU=New"), replace(SALES, name="Sales")

    ledger.save_associations([moved, renamed])
    assert (ledger.associations(), ledger.object_associations()) == ([moved], [renamed])

    with suppress(ZeroDivisionError), ledger.together():
        ledger.save_associations([ANNA])
        assert ledger.associations() == [ANNA]
        raise ZeroDivisionError
    assert ledger.associations() == [moved]

    ledger.associations().clear()
    assert ledger.associations() == [moved]

    ledger.forget_integration()
    assert (ledger.associations(), ledger.object_associations()) == ([], [])


def test_written_fields_come_back_in_the_order_in_which_an_extension_has_them(ledger: StoredLedger) -> None:
    written = {**dict.fromkeys(FIELD_NAMES, "x"), "another": "y"}
    ledger.save_associations([replace(ANNA, written=dict(sorted(written.items())))])

    assert list(ledger.associations()[0].written) == list(written)


def test_two_associations_never_share_an_extension(ledger: StoredLedger) -> None:
    ledger.save_associations([ANNA])
    carl = replace(BERT, guid="33333333-0000-4000-8000-000000000000", extension_id=43)
    with pytest.raises(LedgerError, match="bert: it is associated with anna"):
        ledger.save_associations([carl, replace(BERT, extension_id=ANNA.extension_id)])
    assert ledger.associations() == [ANNA]


def test_the_database_itself_refuses_a_shared_extension(ledger: StoredLedger, store: Store) -> None:
    ledger.save_associations([ANNA, BERT])
    with pytest.raises(LedgerError, match=r"(?i)unique.*extension_id"):
        store.execute("UPDATE associations SET extension_id = 41")


def test_two_associations_may_exchange_their_extensions(ledger: StoredLedger) -> None:
    ledger.save_associations([ANNA, BERT])
    exchanged = [replace(ANNA, extension_id=42, number="1001"), replace(BERT, extension_id=41, number="1000")]
    ledger.save_associations(exchanged)
    assert ledger.associations() == exchanged


def test_an_association_without_an_extension_is_refused(ledger: StoredLedger) -> None:
    with pytest.raises(LedgerError, match="refuses"):
        ledger.save_associations([replace(ANNA, extension_id=0)])


def test_object_associations_are_replaced_by_their_kind_and_guid(ledger: StoredLedger) -> None:
    ledger.save_associations([SALES, TEAM])
    renamed = replace(TEAM, name="A-Team", members=(41,), leftover_id=0)
    ledger.save_associations([renamed])
    assert ledger.object_associations() == [renamed, SALES]


def test_two_associations_never_share_an_organization_and_both_are_named(ledger: StoredLedger) -> None:
    ledger.save_associations([SALES])
    with pytest.raises(LedgerError) as caught:
        ledger.save_associations([ANNA, LABEL, replace(SUPPORT, object_id=SALES.object_id)])
    assert caught.value.message == (
        f"The organization Support (id 7) cannot be associated with {SUPPORT.dn}: it is associated with {SALES.dn}."
    )
    assert ledger.object_associations() == [SALES]
    assert ledger.associations() == []


def test_two_associations_never_share_a_group_and_one_without_a_dn_is_named_by_what_stands_for_it(
    ledger: StoredLedger,
) -> None:
    ledger.save_associations([LABEL])
    for newcomer in (replace(TEAM, object_id=9), replace(LABEL, guid="attribute:Sales")):
        with pytest.raises(LedgerError, match=r"The extension group .* \(id 9\).*: it is associated with label"):
            ledger.save_associations([newcomer])
    assert ledger.object_associations() == [LABEL]


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("UPDATE object_associations SET object_id = 7", "(?i)unique.*object_id"),
        ("UPDATE object_associations SET guid = ''", "(?i)unique.*(guid|pkey)"),
        ("UPDATE object_associations SET object_id = 0", "(?i)check"),
        ("UPDATE object_associations SET kind = 'extension'", "(?i)check"),
    ],
)
def test_the_database_itself_refuses_a_shared_or_impossible_object(
    ledger: StoredLedger, store: Store, statement: str, refusal: str
) -> None:
    ledger.save_associations([SALES, SUPPORT])
    with pytest.raises(LedgerError, match=refusal):
        store.execute(statement)


def test_object_associations_may_exchange_their_objects(ledger: StoredLedger) -> None:
    ledger.save_associations([SALES, SUPPORT, TEAM, LABEL])
    exchanged = [
        replace(TEAM, object_id=LABEL.object_id),
        replace(LABEL, object_id=TEAM.object_id),
        replace(SALES, object_id=SUPPORT.object_id),
        replace(SUPPORT, object_id=SALES.object_id),
    ]
    ledger.save_associations(exchanged)
    assert ledger.object_associations() == exchanged


def test_an_association_without_an_object_is_refused(ledger: StoredLedger) -> None:
    with pytest.raises(LedgerError, match="refuses"):
        ledger.save_associations([ANNA, replace(TEAM, object_id=0)])
    assert ledger.associations() == []


def test_an_extension_in_the_guise_of_another_object_is_refused(ledger: StoredLedger) -> None:
    ledger.save_associations([ANNA])
    with pytest.raises(LedgerError, match="refuses"):
        ledger.save_associations([replace(TEAM, guid=ANNA.guid, kind=ObjectKind.EXTENSION)])
    assert ledger.associations() == [ANNA]


def test_written_values_are_kept_in_order_of_their_names(ledger: StoredLedger, store: Store) -> None:
    ledger.save_associations([ANNA])
    assert store.rows("SELECT written FROM associations") == [
        ('{"email": "anna@example.com", "first_name": "Anna", "last_name": "M\\u00fcller"}',)
    ]


def test_the_newest_retirement_of_a_number_stays(ledger: StoredLedger) -> None:
    newest = RetiredNumber("1000", "somebody", LATER)
    ledger.retire_number(RetiredNumber("1000", "", NOW))
    ledger.retire_number(newest)
    ledger.retire_number(RetiredNumber("1000", "earlier", NOW))
    assert ledger.retired_numbers() == [newest]


def test_times_are_kept_in_utc(ledger: StoredLedger, store: Store) -> None:
    local = NOW.astimezone(timezone(timedelta(hours=5, minutes=45)))
    ledger.retire_number(RetiredNumber("1000", "", local))
    assert store.rows("SELECT since FROM retired_numbers") == [("2026-03-01T00:30:00.000000+00:00",)]
    assert ledger.retired_numbers()[0].since.tzinfo is UTC


def test_a_time_without_zone_is_a_mistake(ledger: StoredLedger) -> None:
    with pytest.raises(ValueError, match="time zone"):
        ledger.retire_number(RetiredNumber("1000", "", NOW.replace(tzinfo=None)))
    assert ledger.retired_numbers() == []


# --- runs ---


def test_runs_come_newest_first(ledger: StoredLedger) -> None:
    first = ledger.begin_run("pbx_ad_sync", ["users"], "plan-1", NOW)
    ledger.finish_run(first, "failed", {"created": 2, "failed": 1}, "2 of 3", LATER)
    second = ledger.begin_run(
        "pbx_ad_sync", ["users"], "plan-2", NOW
    )  # at the same moment, as a clock set back would have it
    assert ledger.runs(10) == [
        RunRecord(second, "pbx_ad_sync", ("users",), "plan-2", "running", NOW, None, {}, ""),
        RunRecord(
            first, "pbx_ad_sync", ("users",), "plan-1", "failed", NOW, LATER, {"created": 2, "failed": 1}, "2 of 3"
        ),
    ]
    assert [run.id for run in ledger.runs(1)] == [second]
    assert ledger.runs(0) == []


def test_a_run_ends_once(ledger: StoredLedger) -> None:
    run_id = ledger.begin_run("pbx_ad_sync", ["users"], "plan", NOW)
    with pytest.raises(ValueError, match="running"):
        ledger.finish_run(run_id, "running", {}, "", LATER)
    ledger.finish_run(run_id, "succeeded", {}, "", LATER)
    with pytest.raises(LedgerError, match="no open run"):
        ledger.finish_run(run_id, "failed", {}, "", LATER)
    with pytest.raises(LedgerError, match="no open run"):
        ledger.finish_run("unheard-of", "failed", {}, "", LATER)


# --- the journal ---


def test_an_intent_belongs_to_a_run(ledger: StoredLedger) -> None:
    with pytest.raises(LedgerError, match=r"(?i)foreign key"):
        ledger.intend("unheard-of", CREATION, "name", NOW)


def test_intents_are_unfinished_oldest_first_until_closed(ledger: StoredLedger, store: Store) -> None:
    run_id = ledger.begin_run("pbx_ad_sync", ["users"], "plan", NOW)
    ledger.save_associations([BERT])
    creation = ledger.intend(run_id, CREATION, "name-1", NOW)
    deletion = ledger.intend(run_id, DELETION, "", NOW)
    assert ledger.unfinished() == [
        Intent(creation, run_id, CREATION, "name-1"),
        Intent(deletion, run_id, DELETION, ""),
    ]
    ledger.not_done(creation, JournalState.UNKNOWN, "the answer was lost", LATER)
    ledger.not_done(deletion, JournalState.FAILED, "40002: refused", LATER)
    assert ledger.unfinished() == [Intent(creation, run_id, CREATION, "name-1")]
    assert ledger.associations() == [BERT]
    assert store.rows("SELECT state, detail, intended_at, outcome_at FROM journal ORDER BY id") == [
        ("unknown", "the answer was lost", "2026-03-01T00:30:00.000000+00:00", "2026-03-01T00:35:00.000000+00:00"),
        ("failed", "40002: refused", "2026-03-01T00:30:00.000000+00:00", "2026-03-01T00:35:00.000000+00:00"),
    ]


def test_done_saves_the_association(ledger: StoredLedger) -> None:
    row = ledger.intend(ledger.begin_run("pbx_ad_sync", ["users"], "plan", NOW), CREATION, "name-1", NOW)
    ledger.done(row, ANNA, None, LATER)
    assert ledger.unfinished() == []
    assert ledger.associations() == [ANNA]


def test_done_drops_the_association_and_retires_the_number(ledger: StoredLedger) -> None:
    ledger.save_associations([ANNA, BERT])
    row = ledger.intend(ledger.begin_run("pbx_ad_sync", ["users"], "plan", NOW), DELETION, "", NOW)
    retired = RetiredNumber("1001", BERT.guid, LATER)
    ledger.done(row, None, retired, LATER)
    assert ledger.unfinished() == []
    assert ledger.associations() == [ANNA]
    assert ledger.retired_numbers() == [retired]


def test_done_saves_the_association_of_an_organization(ledger: StoredLedger) -> None:
    row = ledger.intend(ledger.begin_run("pbx_ad_sync", ["organizational_units"], "plan", NOW), UNIT_CREATION, "", NOW)
    ledger.done(row, SALES, None, LATER)
    assert ledger.unfinished() == []
    assert ledger.object_associations() == [SALES]


ONE_OF_EACH: list[AnyChange] = [
    replace(DELETION, guid=SALES.guid),
    replace(UNIT_CREATION, action=Action.RELEASE),
    TEAM_DELETION,
]


@pytest.mark.parametrize("change", ONE_OF_EACH, ids=lambda change: change.kind.value)
def test_done_drops_the_association_of_its_kind_and_guid_alone(ledger: StoredLedger, change: AnyChange) -> None:
    extensions = {"dropped": replace(ANNA, guid=SALES.guid), "other": BERT}
    groups, organizations = {"dropped": TEAM, "other": LABEL}, {"dropped": SALES, "other": SUPPORT}
    ledger.save_associations([*extensions.values(), *groups.values(), *organizations.values()])
    row = ledger.intend(ledger.begin_run("pbx_ad_sync", ["users"], "plan", NOW), change, "", NOW)
    ledger.done(row, None, None, LATER)
    match change:
        case ExtensionChange():
            del extensions["dropped"]
        case OrganizationChange():
            del organizations["dropped"]
        case GroupChange():
            del groups["dropped"]
    assert ledger.associations() == sorted(extensions.values(), key=lambda association: association.guid)
    assert ledger.object_associations() == [*groups.values(), *organizations.values()]


def test_done_with_a_taken_organization_leaves_the_row_open(ledger: StoredLedger) -> None:
    ledger.save_associations([SUPPORT])
    row = ledger.intend(ledger.begin_run("pbx_ad_sync", ["organizational_units"], "plan", NOW), UNIT_CREATION, "", NOW)
    with pytest.raises(LedgerError, match="it is associated with OU=Support"):
        ledger.done(row, replace(SALES, object_id=SUPPORT.object_id), None, LATER)
    assert len(ledger.unfinished()) == 1
    assert ledger.object_associations() == [SUPPORT]


def test_done_is_all_or_nothing(ledger: StoredLedger, store: Store) -> None:
    row = ledger.intend(ledger.begin_run("pbx_ad_sync", ["users"], "plan", NOW), CREATION, "name-1", NOW)
    with pytest.raises(ValueError, match="time zone"):
        ledger.done(row, ANNA, RetiredNumber("1000", "", NOW.replace(tzinfo=None)), LATER)
    assert len(ledger.unfinished()) == 1
    assert ledger.associations() == []
    assert store.rows("SELECT state, outcome_at FROM journal") == [("intended", None)]
    assert store.rows("SELECT * FROM associations") == []


def test_done_with_a_taken_extension_leaves_the_row_open(ledger: StoredLedger) -> None:
    ledger.save_associations([BERT])
    row = ledger.intend(ledger.begin_run("pbx_ad_sync", ["users"], "plan", NOW), CREATION, "name-1", NOW)
    with pytest.raises(LedgerError, match="it is associated with bert"):
        ledger.done(row, replace(ANNA, extension_id=BERT.extension_id), None, LATER)
    assert len(ledger.unfinished()) == 1
    assert ledger.associations() == [BERT]


def test_a_row_is_closed_once(ledger: StoredLedger) -> None:
    row = ledger.intend(ledger.begin_run("pbx_ad_sync", ["users"], "plan", NOW), CREATION, "name-1", NOW)
    ledger.done(row, ANNA, None, LATER)
    with pytest.raises(LedgerError, match="no open journal row"):
        ledger.done(row, None, None, LATER)
    with pytest.raises(LedgerError, match="no open journal row"):
        ledger.not_done(row, JournalState.FAILED, "", LATER)
    assert ledger.associations() == [ANNA]


@pytest.mark.parametrize("state", [JournalState.DONE, JournalState.INTENDED])
def test_what_is_not_done_is_failed_or_unknown(ledger: StoredLedger, state: JournalState) -> None:
    row = ledger.intend(ledger.begin_run("pbx_ad_sync", ["users"], "plan", NOW), CREATION, "name-1", NOW)
    with pytest.raises(ValueError, match=state.value):
        ledger.not_done(row, state, "", LATER)


def test_half_a_character_in_an_error_is_no_obstacle(ledger: StoredLedger, store: Store) -> None:
    run_id = ledger.begin_run("pbx_ad_sync", ["users"], "plan", NOW)
    row = ledger.intend(run_id, CREATION, "name-1", NOW)
    ledger.not_done(row, JournalState.FAILED, "refused: \ud83d", LATER)
    ledger.finish_run(run_id, "failed", {}, "refused: \ud83d", LATER)
    assert store.rows("SELECT detail FROM journal") == [("refused: \\ud83d",)]
    assert ledger.runs(1)[0].error == "refused: \\ud83d"


def test_resolve_saves_drops_and_retires(ledger: StoredLedger) -> None:
    ledger.save_associations([BERT])
    run_id = ledger.begin_run("pbx_ad_sync", ["users"], "plan", NOW)
    ledger.intend(run_id, DELETION, "", NOW)
    ledger.intend(run_id, CREATION, "name-1", NOW)
    deletion, creation = ledger.unfinished()
    retired = RetiredNumber("1001", BERT.guid, LATER)
    ledger.resolve(
        [
            Resolution(deletion, JournalState.DONE, "deleted", drop=True, retired=retired),
            Resolution(creation, JournalState.DONE, "created", save=ANNA),
        ],
        LATER,
    )
    assert ledger.unfinished() == []
    assert ledger.associations() == [ANNA]
    assert ledger.retired_numbers() == [retired]


def test_resolve_saves_and_drops_objects_of_all_kinds(ledger: StoredLedger) -> None:
    ledger.save_associations([TEAM, replace(ANNA, guid=TEAM.guid)])
    run_id = ledger.begin_run("pbx_ad_sync", ["groups"], "plan", NOW)
    for change in (TEAM_DELETION, UNIT_CREATION, DELETION):
        ledger.intend(run_id, change, "", NOW)
    team, unit, extension = ledger.unfinished()
    ledger.resolve(
        [
            Resolution(team, JournalState.DONE, "deleted", drop=True),
            Resolution(unit, JournalState.DONE, "created", save=SALES),
            Resolution(extension, JournalState.DONE, "written", save=BERT),
        ],
        LATER,
    )
    assert ledger.unfinished() == []
    assert ledger.object_associations() == [SALES]
    assert ledger.associations() == [BERT, replace(ANNA, guid=TEAM.guid)]


def test_resolve_hands_an_object_from_one_association_to_another(ledger: StoredLedger) -> None:
    ledger.save_associations([SALES])
    run_id = ledger.begin_run("pbx_ad_sync", ["organizational_units"], "plan", NOW)
    heir = replace(SUPPORT, object_id=SALES.object_id)
    ledger.intend(run_id, replace(UNIT_CREATION, action=Action.ASSOCIATE, guid=heir.guid), "", NOW)
    ledger.intend(run_id, replace(UNIT_CREATION, action=Action.RELEASE), "", NOW)
    association, release = ledger.unfinished()
    ledger.resolve(
        [
            Resolution(association, JournalState.DONE, "", save=heir),
            Resolution(release, JournalState.DONE, "", drop=True),
        ],
        LATER,
    )
    assert ledger.object_associations() == [heir]


def test_resolve_keeps_what_it_is_not_told_to_change(ledger: StoredLedger, store: Store) -> None:
    ledger.save_associations([BERT])
    ledger.intend(ledger.begin_run("pbx_ad_sync", ["users"], "plan", NOW), DELETION, "", NOW)
    (deletion,) = ledger.unfinished()
    ledger.resolve([Resolution(deletion, JournalState.FAILED, "it was not deleted")], LATER)
    assert ledger.unfinished() == []
    assert ledger.associations() == [BERT]
    assert ledger.retired_numbers() == []
    assert store.rows("SELECT state, detail FROM journal") == [("failed", "it was not deleted")]


def test_resolve_follows_the_order_for_one_user(ledger: StoredLedger) -> None:
    ledger.save_associations([ANNA])
    run_id = ledger.begin_run("pbx_ad_sync", ["users"], "plan", NOW)
    ledger.intend(run_id, replace(DELETION, guid=ANNA.guid), "", NOW)
    ledger.intend(run_id, CREATION, "name-1", NOW)
    deletion, creation = ledger.unfinished()
    again = replace(ANNA, extension_id=77)
    ledger.resolve(
        [
            Resolution(deletion, JournalState.DONE, "", drop=True),
            Resolution(creation, JournalState.DONE, "", save=again),
        ],
        LATER,
    )
    assert ledger.associations() == [again]


def test_resolve_is_all_or_nothing(ledger: StoredLedger) -> None:
    ledger.save_associations([BERT])
    run_id = ledger.begin_run("pbx_ad_sync", ["users"], "plan", NOW)
    ledger.intend(run_id, DELETION, "", NOW)
    (deletion,) = ledger.unfinished()
    unheard_of = replace(deletion, id=999)
    with pytest.raises(LedgerError, match="no open journal row 999"):
        ledger.resolve(
            [
                Resolution(deletion, JournalState.DONE, "", drop=True, retired=RetiredNumber("1001", "", LATER)),
                Resolution(unheard_of, JournalState.DONE, ""),
            ],
            LATER,
        )
    assert ledger.unfinished() == [deletion]
    assert ledger.associations() == [BERT]
    assert ledger.retired_numbers() == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE associations SET written = '[1]'",
        "UPDATE associations SET origin = 'found'",
        "UPDATE object_associations SET members = '{}'",
        "UPDATE object_associations SET kind = 'queue'",
        "UPDATE object_associations SET rule = 'queues'",
        "UPDATE journal SET change = '{}'",
        """UPDATE journal SET change = replace(change, '"kind": "extension"', '"kind": "queue"')""",
        """UPDATE journal SET change = replace(change, '"name"', '"user"')""",
        "UPDATE journal SET change = 'x'",
    ],
)
def test_a_record_that_cannot_be_understood_is_damage(ledger: StoredLedger, store: Store, statement: str) -> None:
    ledger.save_associations([BERT, TEAM])
    ledger.intend(ledger.begin_run("pbx_ad_sync", ["users"], "plan", NOW), DELETION, "", NOW)
    store.execute(statement)
    with pytest.raises(LedgerDamagedError, match=r"damaged.*record"):
        (ledger.associations(), ledger.object_associations(), ledger.unfinished())


def test_the_names_in_a_rule_are_remembered_as_what_they_were_found_to_be(store: Store) -> None:
    with store.open() as ledger:
        assert ledger.names("groups") == {}
        ledger.save_names("groups", {"Sales": "guid-1", "Größe": "guid-2"})
        ledger.save_names("users", {"Sales": "guid-3"})
    with store.open() as ledger:
        assert ledger.names("groups") == {"Sales": "guid-1", "Größe": "guid-2"}
        ledger.save_names("groups", {"Sales": "guid-4"})
        assert ledger.names("groups") == {"Sales": "guid-4"}
        assert ledger.names("users") == {"Sales": "guid-3"}


# --- rules that are paused, the schedule, and the end of an integration ---


def test_a_rule_is_paused_and_knows_whether_it_was_ever_carried_out(ledger: StoredLedger) -> None:
    ledger.save_rule("users", SavedRule({"scope": "all"}), NOW)
    assert ledger.rule("users") == SavedRule({"scope": "all"}, enabled=True, synchronized=False)
    ledger.save_rule("users", SavedRule({"scope": "all"}, enabled=False, synchronized=True), LATER)
    assert ledger.rule("users") == SavedRule({"scope": "all"}, enabled=False, synchronized=True)


def test_the_schedule_is_saved_changed_and_forgotten(ledger: StoredLedger) -> None:
    assert ledger.schedule() is None
    ledger.save_schedule({"time": "00:30"}, NOW)
    ledger.save_schedule({"time": "23:59", "days": ["monday"]}, LATER)
    assert ledger.schedule() == {"time": "23:59", "days": ["monday"]}
    ledger.save_schedule(None, LATER)
    assert ledger.schedule() is None


def test_one_snapshot_is_kept_and_forgotten(ledger: StoredLedger) -> None:
    assert ledger.snapshot() is None
    ledger.save_snapshot(SavedSnapshot("run-1", NOW, b"one"))
    everything = bytes(range(256)) * 9000
    ledger.save_snapshot(SavedSnapshot("run-2", LATER, everything))
    assert ledger.snapshot() == SavedSnapshot("run-2", LATER, everything)
    ledger.save_snapshot(None)
    assert ledger.snapshot() is None


def test_what_is_remembered_of_the_directory_is_kept_marked_and_forgotten(ledger: StoredLedger) -> None:
    assert ledger.directory() is None
    ledger.save_directory(SavedDirectory("mark", b"one"))
    everything = bytes(range(256)) * 9000
    ledger.save_directory(SavedDirectory("another", everything))
    ledger.mark_directory("later")
    assert ledger.directory() == SavedDirectory("later", everything)
    ledger.save_directory(None)
    ledger.mark_directory("of nothing")
    assert ledger.directory() is None


def test_forgetting_the_integration_keeps_resting_numbers_and_what_was_done(ledger: StoredLedger) -> None:
    ledger.save_integration(INTEGRATION, NOW)
    ledger.save_rule("users", SavedRule({"scope": "all"}), NOW)
    ledger.save_names("users", {"anna": ANNA.guid})
    ledger.save_schedule({"time": "00:30"}, NOW)
    ledger.save_associations([ANNA])
    ledger.save_snapshot(SavedSnapshot("run-1", NOW, b"one"))
    ledger.save_directory(SavedDirectory("mark", b"one"))
    ledger.retire_number(RetiredNumber("1009", "", NOW))
    run_id = ledger.begin_run("pbx_ad_sync", ["users", "groups"], "plan", NOW)

    ledger.forget_integration()

    assert (ledger.integration(), ledger.rule("users"), ledger.schedule()) == (None, None, None)
    assert (ledger.snapshot(), ledger.directory()) == (None, None)
    assert (ledger.names("users"), ledger.associations(), ledger.object_associations()) == ({}, [], [])
    assert ledger.retired_numbers() == [RetiredNumber("1009", "", NOW)]
    assert [(run.id, run.command, run.kinds) for run in ledger.runs(9)] == [
        (run_id, "pbx_ad_sync", ("users", "groups"))
    ]
