# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with a ledger in PostgreSQL, told in words; never with the password."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import psycopg
import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import lock, schema
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import (
    LedgerConnectionLostError,
    LedgerDamagedError,
    LedgerDatabaseError,
    LedgerDiskFullError,
    LedgerError,
    LedgerLockedError,
    LedgerSchemaError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.opening import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.postgresql import PostgresqlDatabase
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.postgresql_address import postgresql_address
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.store import StoredLedger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import SavedRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import RetiredNumber

from lab.postgresql import PostgresqlServer, Role
from lab.tls import CertificateAuthority
from tests.integration.ledger_stores import DATABASE, PostgresqlStore

NOW = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
DOCUMENTATION = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text(encoding="utf-8")
SECRET = "wrong-and-never-shown"
RULE = SavedRule({"scope": "all"})


@pytest.fixture
def store(postgresql_store: Callable[[], PostgresqlStore]) -> PostgresqlStore:
    return postgresql_store()


@pytest.fixture
def server(postgresql_server: PostgresqlServer) -> PostgresqlServer:
    return postgresql_server


@pytest.fixture
def saved(store: PostgresqlStore) -> PostgresqlStore:
    """A ledger that holds one rule."""
    with store.open() as ledger:
        ledger.save_rule("users", RULE, NOW)
    return store


def refuse(
    url: str, error: type[LedgerError], text: str, *, password: str = SECRET, read_write: bool = True
) -> LedgerError:
    """Fail to open a ledger, and return why."""
    address = postgresql_address(url, "ledger", password)
    with pytest.raises(error, match=text) as caught, open_ledger(address, read_write=read_write, command="test"):
        pass
    assert caught.value.remedy
    assert "ledger_url" in str(caught.value)
    if password:
        assert password not in f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"
    return caught.value


def administer(server: PostgresqlServer, *statements: str, database: str = "postgres") -> None:
    with server.administer(database) as connection:
        for statement in statements:
            connection.execute(statement.encode())


# --- to connect ---


@pytest.mark.parametrize("read_write", [True, False])
class TestNoConnection:
    def test_a_wrong_password(self, server: PostgresqlServer, ledgers_role: Role, read_write: bool) -> None:
        error = refuse(
            server.url(ledgers_role, DATABASE), LedgerDatabaseError, "password authentication", read_write=read_write
        )
        assert "ledger_password" in error.remedy

    def test_no_password(
        self, server: PostgresqlServer, ledgers_role: Role, read_write: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGPASSFILE", "/nonexistent")
        url = server.url(ledgers_role, DATABASE)
        error = refuse(url, LedgerDatabaseError, "no password supplied", password="", read_write=read_write)
        assert "ledger_password" in error.remedy

    def test_an_unknown_role(self, server: PostgresqlServer, read_write: bool) -> None:
        url = server.url(Role("nobody", ""), DATABASE)
        refuse(url, LedgerDatabaseError, "password authentication failed", read_write=read_write)

    def test_a_missing_database(self, server: PostgresqlServer, ledgers_role: Role, read_write: bool) -> None:
        error = refuse(
            server.url(ledgers_role, "nowhere"),
            LedgerDatabaseError,
            'database "nowhere" does not exist',
            password=ledgers_role.password,
            read_write=read_write,
        )
        assert error.remedy == "Make the database and the role, or correct ledger_url."

    def test_nobody_listens(self, server: PostgresqlServer, read_write: bool) -> None:
        error = refuse("postgresql://pbx@127.0.9.9/ledgers", LedgerDatabaseError, "refused", read_write=read_write)
        assert "that the server runs" in error.remedy

    def test_an_unknown_host(self, server: PostgresqlServer, read_write: bool) -> None:
        url = "postgresql://pbx@nowhere.invalid/ledgers"
        refuse(url, LedgerDatabaseError, r"nowhere\.invalid", read_write=read_write)

    def test_an_authority_that_did_not_sign_the_certificate(
        self, server: PostgresqlServer, ledgers_role: Role, read_write: bool, tmp_path: Path
    ) -> None:
        other = CertificateAuthority(tmp_path)
        url = server.url(ledgers_role, DATABASE, sslmode="verify-full", sslrootcert=str(other.ca_path))
        error = refuse(url, LedgerDatabaseError, "certificate", password=ledgers_role.password, read_write=read_write)
        assert "sslrootcert" in error.remedy

    def test_no_authority(self, server: PostgresqlServer, ledgers_role: Role, read_write: bool) -> None:
        url = server.url(ledgers_role, DATABASE, sslmode="verify-full", sslrootcert="/nonexistent")
        error = refuse(
            url, LedgerDatabaseError, "root certificate", password=ledgers_role.password, read_write=read_write
        )
        assert "sslrootcert" in error.remedy

    def test_a_certificate_of_another_host(
        self, server: PostgresqlServer, ledgers_role: Role, read_write: bool
    ) -> None:
        url = server.url(ledgers_role, DATABASE, sslmode="verify-full", hostaddr=server.address).replace(
            f"@{server.address}", "@elsewhere.lab.test"
        )
        error = refuse(
            url, LedgerDatabaseError, "does not match", password=ledgers_role.password, read_write=read_write
        )
        assert "certificate" in error.remedy

    def test_an_unknown_parameter(self, server: PostgresqlServer, read_write: bool) -> None:
        url = "postgresql://pbx@127.0.9.9/ledgers?sslmod=require"
        refuse(url, LedgerDatabaseError, "sslmod", read_write=read_write)


def test_a_server_that_never_answers_is_given_up(server: PostgresqlServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://pbx@127.0.0.1:{silent.getsockname()[1]}/ledgers?connect_timeout=2"
        refuse(url, LedgerDatabaseError, "timeout")


def test_too_many_connections(server: PostgresqlServer) -> None:
    role = server.create_database("crowded")
    administer(server, "ALTER ROLE crowded CONNECTION LIMIT 0")
    error = refuse(server.url(role, "crowded"), LedgerDatabaseError, "too many", password=role.password)
    assert "CONNECTION LIMIT" in error.remedy


def test_a_role_that_may_not_log_in(server: PostgresqlServer) -> None:
    role = server.create_database("asleep")
    administer(server, "ALTER ROLE asleep NOLOGIN")
    error = refuse(server.url(role, "asleep"), LedgerDatabaseError, "log in", password=role.password)
    assert "ALTER ROLE … LOGIN" in error.remedy


def test_the_password_may_come_from_where_libpq_looks(
    saved: PostgresqlStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address = postgresql_address(saved.location.url, saved.name)
    monkeypatch.setenv("PGPASSWORD", saved.role.password)
    with open_ledger(address, read_write=True, command="test") as ledger:
        assert ledger.rule("users") == RULE
    monkeypatch.delenv("PGPASSWORD")
    password_file = tmp_path / "pgpass"
    password_file.write_text(f"*:*:{DATABASE}:{saved.role.name}:{saved.role.password}\n")
    password_file.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(password_file))
    with open_ledger(address, read_write=True, command="test") as ledger:
        assert ledger.rule("users") == RULE


def test_a_unix_socket_works_as_well(saved: PostgresqlStore) -> None:
    url = f"postgresql://{saved.role.name}@/{DATABASE}?host={saved.server.folder}"
    address = postgresql_address(url, saved.name, saved.role.password)
    with open_ledger(address, read_write=True, command="test") as ledger:
        assert ledger.rule("users") == RULE
        assert ledger.location == f"{url} schema {saved.name}"


def test_the_server_never_sees_the_password_among_what_it_shows(saved: PostgresqlStore) -> None:
    with saved.open(), saved.server.administer() as connection:
        shown = connection.execute("SELECT pg_stat_activity::text FROM pg_stat_activity").fetchall()
    assert saved.role.name in str(shown)
    assert saved.role.password not in str(shown)


# --- rights, and databases that are not fit ---


def test_without_the_right_to_make_a_schema_it_says_how_to_grant_it(server: PostgresqlServer) -> None:
    role = server.create_database("closed")
    administer(server, "ALTER DATABASE closed OWNER TO postgres")
    error = refuse(server.url(role, "closed"), LedgerDatabaseError, "permission denied", password=role.password)
    assert "GRANT CREATE ON DATABASE" in error.remedy
    # In check mode nothing is to be made.
    address = postgresql_address(server.url(role, "closed"), "ledger", role.password)
    with open_ledger(address, read_write=False, command="test") as copy:
        assert copy.associations() == []
    administer(server, "CREATE SCHEMA ledger AUTHORIZATION closed", database="closed")
    with open_ledger(address, read_write=True, command="test") as ledger:
        ledger.save_rule("users", RULE, NOW)


def test_check_mode_needs_no_right_to_write(saved: PostgresqlStore) -> None:
    reader = saved.server.create_role("reader")
    name = f'"{saved.name}"'
    administer(
        saved.server,
        "ALTER ROLE reader SET default_transaction_read_only = on",
        f"GRANT USAGE ON SCHEMA {name} TO reader",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO reader",
        database=DATABASE,
    )
    address = postgresql_address(saved.server.url(reader, DATABASE), saved.name, reader.password)
    before = saved.traces()
    with open_ledger(address, read_write=False, command="test") as copy:
        assert copy.rule("users") == RULE
        copy.save_rule("users", SavedRule({}), NOW)
    with pytest.raises(LedgerDatabaseError) as caught, open_ledger(address, read_write=True, command="test") as ledger:
        ledger.save_rule("users", SavedRule({}), NOW)
    assert "standby" in caught.value.remedy
    assert saved.traces() == before


def test_check_mode_makes_nothing_where_there_is_nothing(store: PostgresqlStore) -> None:
    before = store.traces()
    with store.open(read_write=False) as copy:
        assert copy.location == store.text
        copy.save_rule("users", RULE, NOW)
        assert copy.rule("users") == RULE
    assert store.traces() == before


def test_a_database_that_cannot_hold_every_name_is_refused(server: PostgresqlServer) -> None:
    role = server.create_role("narrow")
    administer(
        server,
        "CREATE DATABASE narrow OWNER narrow ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0",
    )
    refuse(server.url(role, "narrow"), LedgerDatabaseError, "encoding is LATIN1", password=role.password)


@pytest.mark.parametrize("read_write", [True, False])
@pytest.mark.parametrize(
    "table", ["calls (id bigint)", "ledger_schema AS SELECT 'another'::text AS application, 1 AS version"]
)
def test_the_schema_of_another_program_is_left_alone(store: PostgresqlStore, table: str, read_write: bool) -> None:
    administer(
        store.server,
        f'CREATE SCHEMA "{store.name}" AUTHORIZATION {store.role.name}',
        f'CREATE TABLE "{store.name}".{table}',
        f'GRANT ALL ON ALL TABLES IN SCHEMA "{store.name}" TO {store.role.name}',
        database=DATABASE,
    )
    before = store.traces()
    with pytest.raises(LedgerDamagedError, match="another program"), store.open(read_write=read_write):
        pass
    assert store.traces() == before


@pytest.mark.parametrize("read_write", [True, False])
def test_a_newer_schema_is_refused(saved: PostgresqlStore, read_write: bool) -> None:
    saved.execute("UPDATE ledger_schema SET version = 999")
    before = saved.traces()
    with (
        pytest.raises(LedgerSchemaError, match=r"schema 999; this one knows .*Upgrade the collection") as caught,
        saved.open(read_write=read_write),
    ):
        pass
    assert saved.text in caught.value.message
    assert saved.traces() == before


def test_one_database_holds_the_ledgers_of_many(postgresql_store: Callable[[], PostgresqlStore]) -> None:
    one, other = postgresql_store(), postgresql_store()
    with one.open() as first, other.open() as second:
        first.save_rule("users", RULE, NOW)
        assert second.rule("users") is None
    assert [column for column in one.columns("rules") if column == "kind"] == ["kind"]


def test_every_table_of_the_schema_is_made_with_numbers_and_texts_like_sqlites(saved: PostgresqlStore) -> None:
    types = saved.rows(
        "SELECT DISTINCT data_type, collation_name FROM information_schema.columns"
        " WHERE table_schema = current_schema() ORDER BY 1"
    )
    assert types == [("bigint", None), ("bytea", None), ("text", "C")]
    assert saved.version() == len(schema.MIGRATIONS)


# --- what the documentation tells administrators to do ---


def test_the_documented_rights_are_enough(server: PostgresqlServer) -> None:
    first, *others = re.findall(r"```sql\n(.*?)```", DOCUMENTATION, re.DOTALL)
    statements = first.replace("ledgers", "documented").replace("…", SECRET).split(";")
    administer(server, *filter(str.strip, statements))
    url = server.url(Role("yeastar", ""), "documented")
    with open_ledger(postgresql_address(url, "ledger", SECRET), read_write=True, command="test") as ledger:
        ledger.save_rule("users", RULE, NOW)

    administer(server, "CREATE DATABASE existing")
    url = server.url(Role("yeastar", ""), "existing")
    administer(server, others[0])
    with open_ledger(postgresql_address(url, "ledger", SECRET), read_write=True, command="test"):
        pass
    administer(server, "REVOKE CREATE ON DATABASE existing FROM yeastar")
    administer(server, others[1], database="existing")
    address = postgresql_address(url, "pbx.example.com_8088", SECRET)
    with open_ledger(address, read_write=True, command="test"):
        pass


def test_a_ledger_is_saved_and_restored_by_the_documented_commands(
    postgresql_server: PostgresqlServer, ledgers_role: Role, tmp_path: Path
) -> None:
    store = PostgresqlStore(postgresql_server, ledgers_role, "pbx.example.com_8088")
    with store.open() as ledger:
        ledger.save_rule("users", RULE, NOW)
        ledger.begin_run("pbx_ad_sync", ["users"], "plan", NOW)
        expected = ledger.runs(10)
    documented = re.findall(r"^    ((?:pg_dump|psql|pg_restore) .*)", DOCUMENTATION, re.MULTILINE)
    dump, _dump_of_all, drop, restore = (
        command.replace("postgresql://yeastar@db.example.com/ledgers", f"'{store.location.url}'")
        for command in documented
    )
    assert "DROP SCHEMA" in drop
    for command in (dump, drop, restore):
        subprocess.run(
            ["bash", "-c", command],
            check=True,
            cwd=tmp_path,
            env={"PATH": f"{store.server.programs}:/usr/bin:/bin", "PGPASSWORD": ledgers_role.password},
        )
    with store.open() as ledger:
        assert (ledger.rule("users"), ledger.runs(10)) == (RULE, expected)
        ledger.begin_run("pbx_ad_sync", ["users"], "plan", NOW)


# --- statements that fail ---


@pytest.mark.parametrize(
    ("state", "error", "remedy"),
    [
        ("53100", LedgerDiskFullError, "Free some space"),
        ("25006", LedgerDatabaseError, "primary server"),
        ("40001", LedgerDatabaseError, "no other program"),
        ("42501", LedgerDatabaseError, "GRANT CREATE ON DATABASE"),
        ("55P03", LedgerDatabaseError, "Another session holds a lock"),
        ("57014", LedgerDatabaseError, "statement_timeout"),
        ("XX000", LedgerDatabaseError, "server's log"),
        ("22000", LedgerError, ""),
        ("23514", LedgerError, ""),
    ],
)
def test_what_the_server_says_is_told_with_what_helps(
    saved: PostgresqlStore, state: str, error: type[LedgerError], remedy: str
) -> None:
    with saved.open() as ledger:
        saved.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION 'no more' USING ERRCODE = '{state}'; END $$"
        )
        saved.execute("CREATE TRIGGER fail BEFORE INSERT ON rules EXECUTE FUNCTION fail()")
        with pytest.raises(error, match=r"full|no more") as caught:
            ledger.save_rule("users", SavedRule({}), NOW)
        assert remedy in caught.value.remedy
        assert saved.text in caught.value.message
        assert ledger.rule("users") == RULE
        ledger.retire_number(RetiredNumber("1000", "", NOW))
        assert len(ledger.retired_numbers()) == 1


def test_a_text_that_no_database_of_this_kind_holds_is_refused(saved: PostgresqlStore) -> None:
    with saved.open() as ledger:
        with pytest.raises(LedgerError, match="refuses what is to be saved"):
            ledger.retire_number(RetiredNumber("10\x0000", "", NOW))
        ledger.save_names("users", {"an\x00na": "guid"})
        assert ledger.names("users") == {"an\\x00na": "guid"}
        assert ledger.retired_numbers() == []


# --- the session, which is the lock ---


def backend(ledger: StoredLedger) -> int:
    return int(ledger._database.rows("SELECT pg_backend_pid()")[0][0])


def test_a_lost_connection_ends_all_writing_and_frees_the_lock(saved: PostgresqlStore) -> None:
    with saved.open() as ledger:
        with pytest.raises(LedgerLockedError), saved.open():
            pass
        administer(saved.server, f"SELECT pg_terminate_backend({backend(ledger)}, 5000)")
        with saved.open() as next_run:
            for _unused in range(2):
                with pytest.raises(LedgerConnectionLostError, match="terminating connection") as caught:
                    ledger.save_rule("users", SavedRule({}), NOW)
                assert "Run again" in caught.value.remedy
                assert saved.text in caught.value.message
            with pytest.raises(LedgerConnectionLostError):
                ledger.rule("users")
            assert next_run.rule("users") == RULE


def test_the_next_run_may_begin_before_the_server_notices_that_the_last_one_is_gone(
    saved: PostgresqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    unnoticed: list[psycopg.Connection] = []

    def stay_open(connection: psycopg.Connection) -> None:
        unnoticed.append(connection)

    with monkeypatch.context() as patched:
        patched.setattr(psycopg.Connection, "close", stay_open)
        with saved.open():
            pass
    with saved.open() as ledger:
        assert ledger.rule("users") == RULE
    assert len(unnoticed) == 1
    unnoticed[0].close()


def test_a_connection_lost_within_a_transaction_leaves_nothing_of_it(saved: PostgresqlStore) -> None:
    def lose_within(ledger: StoredLedger) -> None:
        pid = backend(ledger)
        with ledger._database.transaction():
            ledger._database.change("DELETE FROM rules")
            administer(saved.server, f"SELECT pg_terminate_backend({pid}, 5000)")
            ledger._database.change("DELETE FROM names")

    with saved.open() as ledger, pytest.raises(LedgerConnectionLostError):
        lose_within(ledger)
    with saved.open() as next_run:
        assert next_run.rule("users") == RULE


def test_a_server_that_crashes_keeps_what_was_saved(saved: PostgresqlStore) -> None:
    with saved.open() as ledger:
        ledger.retire_number(RetiredNumber("1000", "", NOW))
        saved.server.crash()
        try:
            with pytest.raises(LedgerConnectionLostError):
                ledger.retire_number(RetiredNumber("1001", "", NOW))
            with pytest.raises(LedgerDatabaseError, match="refused"), saved.open():
                pass
        finally:
            saved.server.start()
        with pytest.raises(LedgerConnectionLostError):
            ledger.retire_number(RetiredNumber("1001", "", NOW))
    with saved.open() as next_run:
        assert [retired.number for retired in next_run.retired_numbers()] == ["1000"]


def test_a_run_interrupted_amid_a_statement_gives_up_its_session(saved: PostgresqlStore) -> None:
    class InterruptedByAlarmError(Exception):
        pass

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise InterruptedByAlarmError

    def sleep_within(ledger: StoredLedger) -> None:
        with ledger._database.transaction():
            ledger._database.change("DELETE FROM rules")
            ledger._database.rows("SELECT pg_sleep(20)")

    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        with saved.open() as ledger:
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            with pytest.raises(InterruptedByAlarmError):
                sleep_within(ledger)
            with pytest.raises(LedgerConnectionLostError):
                ledger.rule("users")
    finally:
        signal.signal(signal.SIGALRM, previous)
    saved.wait_until_alone()
    with saved.open() as next_run:
        assert next_run.rule("users") == RULE


def test_a_pooler_that_changes_the_session_is_noticed(saved: PostgresqlStore) -> None:
    with saved.open() as ledger:
        database = ledger._database
        assert isinstance(database, PostgresqlDatabase)
        database._process = (0,)  # as if the lock had been taken through another of the server's processes
        with pytest.raises(LedgerDatabaseError, match="pooler"):
            ledger.save_rule("users", SavedRule({}), NOW)
        assert ledger.rule("users") == RULE


def test_the_sessions_settings_do_not_depend_on_the_roles(server: PostgresqlServer) -> None:
    role = server.create_database("hasty")
    administer(
        server, "ALTER ROLE hasty SET synchronous_commit = off", "ALTER ROLE hasty SET idle_session_timeout = 200"
    )
    address = postgresql_address(server.url(role, "hasty"), "ledger", role.password)
    with open_ledger(address, read_write=True, command="test") as ledger:
        time.sleep(0.5)
        assert ledger._database.rows("SHOW synchronous_commit") == [("on",)]
        assert ledger._database.rows("SHOW tcp_keepalives_idle") == [("30",)]
        assert ledger._database.rows("SHOW tcp_user_timeout") == [("60000",)]
    administer(server, "ALTER ROLE hasty SET synchronous_commit = remote_apply")
    with open_ledger(address, read_write=True, command="test") as ledger:
        assert ledger._database.rows("SHOW synchronous_commit") == [("remote_apply",)]


def test_a_run_does_not_wait_for_ever_for_somebodys_lock_on_a_table(saved: PostgresqlStore) -> None:
    with saved.open() as ledger, saved.server.administer(DATABASE) as connection, connection.transaction():
        connection.execute(f'LOCK TABLE "{saved.name}".rules'.encode())
        ledger._database.rows("SELECT set_config('lock_timeout', '100', false)")
        with pytest.raises(LedgerDatabaseError, match="lock timeout") as caught:
            ledger.save_rule("users", SavedRule({}), NOW)
    assert "Another session holds a lock" in caught.value.remedy


@contextmanager
def copying(store: PostgresqlStore) -> Iterator[psycopg.Connection]:
    """Share the lock as a run in check mode does while it copies."""
    with store.beside() as database:
        schema_oid = database.find_schema()
        assert schema_oid is not None
        assert database.lock(schema_oid).try_shared()
        yield database._connection


def test_a_run_waits_for_a_copy_to_be_made(saved: PostgresqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with copying(saved) as connection:
        monkeypatch.setattr(lock.time, "sleep", lambda _: connection.execute("SELECT pg_advisory_unlock_all()"))
        with saved.open(read_write=False), saved.open() as ledger:
            assert ledger.rule("users") == RULE


def test_a_run_does_not_wait_for_a_copy_for_ever(saved: PostgresqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "COPY_PATIENCE_SECONDS", 0.0)
    with copying(saved), pytest.raises(LedgerLockedError, match="by another process"), saved.open():
        pass
