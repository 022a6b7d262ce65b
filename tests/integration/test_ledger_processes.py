# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger among processes: killed ones, several at once, one without rights, one on a full disk."""

from __future__ import annotations

import itertools
import os
import pwd
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LedgerLockedError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.store import StoredLedger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import SavedRule

from tests.integration.ledger_stores import PostgresqlStore, SqliteStore, Store, define

NOW = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)

# What every child begins with: changes of a user and of an organization, as a run would write them down.
PRELUDE = """
import os, signal, sqlite3, sys, time
from dataclasses import replace
from datetime import UTC, datetime
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LedgerError
from pathlib import Path

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import opening
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.postgresql_address import postgresql_address
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import SavedRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association, ObjectAssociation, ObjectKind, Origin, RetiredNumber,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action, ExtensionChange, OrganizationChange, Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

path, now = sys.argv[1], datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
anna = Association("guid-of-anna", 41, "1000", "CN=Anna", "anna", Origin.CREATED, {"email": "anna@example.com"})
creation = ExtensionChange(action=Action.CREATE, guid=anna.guid, name="anna", dn=anna.dn, number="1000",
                           object_id=None, reason=Reason.NEW_USER, after=anna.written,
                           association=replace(anna, extension_id=0))
deletion = ExtensionChange(action=Action.DELETE, guid=anna.guid, name="anna", dn=anna.dn, number="1000",
                           object_id=41, reason=Reason.ACCOUNT_DELETED, before=anna.written)
sales = ObjectAssociation("guid-of-sales", ObjectKind.ORGANIZATION, RuleKind.ORGANIZATIONAL_UNITS, 7, "OU=Sales",
                          "Sales", Origin.CREATED, parent_id=1)
unit = OrganizationChange(action=Action.RELEASE, guid=sales.guid, name="Sales", dn=sales.dn, object_id=7,
                          reason=Reason.OUT_OF_SCOPE)

def open_ledger(path, **options):
    name = os.environ.get("LEDGER_NAME")
    return opening.open_ledger(postgresql_address(path, name) if name else Path(path), **options)

def say(text):
    os.write(1, text.encode() + b"\\n")
"""

# Dies by its own SIGKILL just before the statement whose number is its second argument; 0 lets it live and count.
TRACED = """
fatal, seen = int(sys.argv[2]), 0

def count(statement):
    global seen
    seen += 1
    if seen == fatal:
        os.kill(os.getpid(), signal.SIGKILL)

if "LEDGER_NAME" in os.environ:
    import psycopg

    class Traced(psycopg.Connection):
        def execute(self, query, *arguments, **options):
            count(query)
            return super().execute(query, *arguments, **options)

    psycopg.connect = Traced.connect
else:
    connect = sqlite3.connect

    def traced(*arguments, **options):
        connection = connect(*arguments, **options)
        connection.set_trace_callback(count)
        return connection

    sqlite3.connect = traced
"""

KILLED = (
    TRACED
    + """
with open_ledger(path, read_write=True, command="killed") as ledger:
    say("opened")
    run_id = ledger.begin_run("pbx_ad_sync", ["users"], "plan", now)
    say("begun")
    row = ledger.intend(run_id, creation, "name-1", now)
    say("creation intended")
    ledger.done(row, anna, None, now)
    say("creation done")
    row = ledger.intend(run_id, deletion, "", now)
    say("deletion intended")
    ledger.done(row, None, RetiredNumber("1000", anna.guid, now), now)
    say("deletion done")
    ledger.save_associations([sales])
    say("organization saved")
    row = ledger.intend(run_id, unit, "", now)
    say("organization intended")
    ledger.done(row, None, None, now)
    say("organization done")
    ledger.finish_run(run_id, "succeeded", {"created": 1}, "", now)
    say("finished")
    if fatal == 0:
        say(str(seen))
    os.kill(os.getpid(), signal.SIGKILL)
"""
)

MIGRATING = (
    TRACED
    + """
with open_ledger(path, read_write=True, command="migrating"):
    pass
say(str(seen))
"""
)

HOLDING = """
with open_ledger(path, read_write=True, command="pbx_ad_user_sync") as ledger:
    ledger.save_associations([anna])
    say("holding")
    sys.stdin.read()
"""

OPENING = """
try:
    with open_ledger(path, read_write=sys.argv[2] == "write", command="opening") as ledger:
        say("opened with " + ",".join(association.account_name for association in ledger.associations()))
except LedgerError as error:
    say(type(error).__name__ + ": " + str(error))
"""

# Root may write anywhere, so it first becomes somebody who may not.
POWERLESS = (
    """
if os.getuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
"""
    + OPENING
)

# Its second argument is a file that takes a part of the disk, until somebody frees it.
FILLING = """
with open(sys.argv[2], "wb") as ballast:
    ballast.write(bytes(512 * 1024))
saved = []
try:
    with open_ledger(path, read_write=True, command="filling") as ledger:
        run_id = ledger.begin_run("pbx_ad_sync", ["users"], "plan", now)
        while True:
            guid = f"{len(saved):08d}"
            row = ledger.intend(run_id, replace(creation, guid=guid), "", now)
            ledger.done(row, replace(anna, guid=guid, extension_id=len(saved) + 1), None, now)
            saved.append(guid)
except LedgerError as error:
    say(type(error).__name__ + ": " + str(error))
os.unlink(sys.argv[2])
with open_ledger(path, read_write=True, command="after") as ledger:
    guids = [association.guid for association in ledger.associations()]
    say(f"{guids == saved} {len(saved) > 10} {len(ledger.unfinished()) <= 1}")
    ledger.finish_run(run_id, "failed", {}, "", now)
    say("writable again")
"""


# Takes the lock five times, however often it must try, and says when it has it and when no longer; time.monotonic is
# the machine's.
CONTENDING = """
say("ready")
sys.stdin.readline()
held = 0
while held < 5:
    try:
        with open_ledger(path, read_write=True, command="contending") as ledger:
            begun = time.monotonic()
            ledger.save_rule("users", SavedRule({"pid": os.getpid()}), now)
            time.sleep(0.01)
            assert ledger.rule("users").settings == {"pid": os.getpid()}
            say(f"held {begun} {time.monotonic()}")
            held += 1
    except LedgerError as error:
        say(type(error).__name__)
    time.sleep(0.01)
"""


def start(script: str, place: Path | Store, *arguments: object) -> subprocess.Popen[str]:
    first: object = place
    environment = {}
    if isinstance(place, SqliteStore):
        first = place.path
    elif isinstance(place, PostgresqlStore):
        first = place.location.url
        environment = {"LEDGER_NAME": place.name, "PGPASSWORD": place.role.password}
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + script, *map(str, (first, *arguments))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
    )


def run(script: str, place: Path | Store, *arguments: object) -> list[str]:
    with start(script, place, *arguments) as child:
        output, _unused = child.communicate(timeout=60)
    if isinstance(place, PostgresqlStore):
        place.wait_until_alone()
    return output.splitlines()


@contextmanager
def holding(store: Store) -> Iterator[subprocess.Popen[str]]:
    with start(HOLDING, store) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "holding\n"
        try:
            yield child
        finally:
            child.kill()


def traces(folder: Path) -> dict[str, tuple[bytes, int]]:
    found = {".": (b"", folder.stat().st_mtime_ns)}
    return found | {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.iterdir()}


def memory(ledger: StoredLedger) -> tuple[object, ...]:
    """Return all that a killed run may have left."""
    return (
        [association.account_name for association in ledger.associations()],
        [association.name for association in ledger.object_associations()],
        [retired.number for retired in ledger.retired_numbers()],
        [intent.change.action.value for intent in ledger.unfinished()],
        [run.state for run in ledger.runs(10)],
    )


# The memory after each word the child says; between two words only the next one may be true already.
MEMORIES = {
    "": ([], [], [], [], []),
    "opened": ([], [], [], [], []),
    "begun": ([], [], [], [], ["running"]),
    "creation intended": ([], [], [], ["create"], ["running"]),
    "creation done": (["anna"], [], [], [], ["running"]),
    "deletion intended": (["anna"], [], [], ["delete"], ["running"]),
    "deletion done": ([], [], ["1000"], [], ["running"]),
    "organization saved": ([], ["Sales"], ["1000"], [], ["running"]),
    "organization intended": ([], ["Sales"], ["1000"], ["release"], ["running"]),
    "organization done": ([], [], ["1000"], [], ["running"]),
    "finished": ([], [], ["1000"], [], ["succeeded"]),
}


# A process for each statement.
@pytest.mark.timeout(900)
def test_a_run_killed_at_any_statement_leaves_all_that_it_had_saved(another: Callable[[], Store]) -> None:
    statements = int(run(KILLED, another(), 0)[-1])
    assert statements > 30
    words = list(MEMORIES)
    for fatal in range(1, statements + 1):
        store = another()
        said = run(KILLED, store, fatal)
        last = words.index(said[-1]) if said else 0
        possible = [MEMORIES[word] for word in words[last : last + 2]]

        before = store.traces()
        with store.open(read_write=False) as copy:
            seen_in_check_mode = memory(copy)
        assert store.traces() == before, f"check mode wrote after a kill at statement {fatal}"
        assert seen_in_check_mode in possible, f"killed at statement {fatal}, after: {said}"
        with store.open() as ledger:
            assert memory(ledger) == seen_in_check_mode
            ledger.save_rule("users", SavedRule({}), NOW)


@pytest.mark.timeout(900)
def test_a_migration_killed_at_any_statement_loses_nothing(another: Callable[[], Store]) -> None:
    def killed_at(statement: int) -> tuple[Store, list[str]]:
        store = another()
        define(store, 1)
        store.execute("INSERT INTO associations VALUES ('guid', 41, '1000', 'CN=Anna', 'anna', 'bound', '{}', 'none')")
        return store, run(MIGRATING, store, statement)

    statements = int(killed_at(0)[1][-1])
    assert statements > 10
    for fatal in range(1, statements + 1):
        store, said = killed_at(fatal)
        assert said == []
        for read_write in (False, True):
            with store.open(read_write=read_write) as ledger:
                assert memory(ledger) == (["anna"], [], [], [], []), f"killed at statement {fatal}"


def test_of_several_runs_at_once_never_do_two_write(store: Store) -> None:
    """They begin where there is no ledger yet, so that they also make it at once."""
    with ExitStack() as stack:
        children = [stack.enter_context(start(CONTENDING, store)) for _unused in range(3)]
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        for child in children:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        outputs = [child.communicate(timeout=60)[0].splitlines() for child in children]
    said = [line.split() for output in outputs for line in output]
    assert {words[0] for words in said} == {"held", "LedgerLockedError"}
    held = sorted((float(words[1]), float(words[2])) for words in said if words[0] == "held")
    assert len(held) == 15
    assert all(one[1] <= next_one[0] for one, next_one in itertools.pairwise(held))
    assert all(child.returncode == 0 for child in children)


def test_a_killed_run_leaves_its_last_words_in_the_write_ahead_log(tmp_path: Path) -> None:
    run(KILLED, tmp_path / "ledger", 0)
    assert (tmp_path / "ledger-wal").stat().st_size > 0
    before = traces(tmp_path)
    with open_ledger(tmp_path / "ledger", read_write=False, command="check") as copy:
        assert memory(copy) == MEMORIES["finished"]
    assert traces(tmp_path) == before


@pytest.mark.parametrize("read_write", [True, False])
def test_a_second_run_fails_at_once_and_names_the_first(store: Store, read_write: bool) -> None:
    with holding(store) as child:
        before = store.traces()
        with (
            pytest.raises(LedgerLockedError, match="pbx_ad_user_sync") as caught,
            store.open(read_write=read_write),
        ):
            pass
        holder = caught.value.holder
        assert holder is not None
        assert (holder.pid, holder.command) == (child.pid, "pbx_ad_user_sync")
        assert (holder.host, holder.user) == (socket.gethostname(), pwd.getpwuid(os.getuid()).pw_name)
        assert abs(datetime.fromisoformat(holder.started) - datetime.now(UTC)) < timedelta(minutes=1)
        assert store.text in caught.value.message
        assert store.traces() == before


@pytest.mark.parametrize("read_write", [True, False])
def test_the_lock_of_a_dead_process_is_free(store: Store, read_write: bool) -> None:
    with holding(store) as child:
        os.kill(child.pid, signal.SIGKILL)
        child.wait(timeout=60)
        if isinstance(store, PostgresqlStore):
            store.wait_until_alone()
        with store.open(read_write=read_write) as ledger:
            assert [association.account_name for association in ledger.associations()] == ["anna"]


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """Return a folder that others may enter and not write, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)


def test_a_folder_that_cannot_be_written_is_told(public_folder: Path) -> None:
    (said,) = run(POWERLESS, public_folder / "ledger", "write")
    assert said.startswith("LedgerFileError: ")
    assert str(public_folder / "ledger") in said
    assert "ledger_path" in said
    assert "Give the user that runs the play" in said
    assert list(public_folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(public_folder: Path) -> None:
    (said,) = run(POWERLESS, public_folder / "state" / "ledger", "write")
    assert said.startswith("LedgerFileError: ")
    assert "Give the user that runs the play" in said


def test_a_file_that_cannot_be_written_is_told_before_any_work(public_folder: Path) -> None:
    public_folder.chmod(0o777)
    path = public_folder / "ledger"
    with open_ledger(path, read_write=True, command="test"):
        pass
    path.chmod(0o444)
    (public_folder / "ledger.lock").chmod(0o666)
    (said,) = run(POWERLESS, path, "write")
    assert said.startswith("LedgerFileError: ")
    assert "Give the user that runs the play" in said


def test_a_ledger_that_cannot_be_read_is_told_in_check_mode(public_folder: Path) -> None:
    public_folder.chmod(0o755)
    path = public_folder / "ledger"
    with open_ledger(path, read_write=True, command="test"):
        pass
    for file in public_folder.iterdir():
        file.chmod(0o000)
    (said,) = run(POWERLESS, path, "check")
    assert said.startswith("LedgerFileError: ")
    assert "Permission denied" in said


def test_check_mode_needs_no_right_to_write(public_folder: Path) -> None:
    public_folder.chmod(0o755)
    path = public_folder / "ledger"
    with open_ledger(path, read_write=True, command="test"):
        pass
    for file in public_folder.iterdir():
        file.chmod(0o444)
    public_folder.chmod(0o555)
    assert run(POWERLESS, path, "check") == ["opened with "]


SMALL_DISK = 'mount -t tmpfs -o size="$0" tmpfs "$1"'


def _small_disks_can_be_made() -> bool:
    attempt = ["unshare", "--mount", "sh", "-c", SMALL_DISK, "64k", tempfile.gettempdir()]
    return subprocess.run(attempt, check=False, capture_output=True).returncode == 0


needs_small_disk = pytest.mark.skipif(
    not _small_disks_can_be_made(), reason="a small disk is a mount, which needs root"
)


def run_beside_small_disk(size: str, disk: Path, script: str, *arguments: object, **environment: str) -> list[str]:
    """Run a script in a mount namespace of its own, with a disk of that size mounted at a folder."""
    disk.mkdir()
    child = [sys.executable, "-c", PRELUDE + script, *map(str, arguments)]
    finished = subprocess.run(
        ["unshare", "--mount", "sh", "-c", SMALL_DISK + ' && shift && exec "$@"', size, disk, *child],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
    )
    return finished.stdout.splitlines()


@needs_small_disk
def test_a_full_disk_loses_nothing_and_the_next_run_goes_on(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    error, *rest = run_beside_small_disk("2m", disk, FILLING, disk / "ledger", disk / "ballast")
    assert error.startswith("LedgerDiskFullError: ")
    assert str(disk / "ledger") in error
    assert "Free some space" in error
    assert rest == ["True True True", "writable again"]


@needs_small_disk
def test_a_full_temporary_folder_is_not_taken_for_the_ledgers_disk(tmp_path: Path) -> None:
    path, disk = tmp_path / "ledger", tmp_path / "disk"
    with open_ledger(path, read_write=True, command="test") as ledger:
        ledger.save_rule("users", SavedRule({"filter": "x" * 200_000}), NOW)
    (said,) = run_beside_small_disk("64k", disk, OPENING, path, "check", TMPDIR=str(disk))
    assert said.startswith(f"LedgerFileError: There is no space in {disk} to copy the ledger {path}")
    assert "TMPDIR" in said
