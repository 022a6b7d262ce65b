# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger's file: how it is made, what is no ledger, one run at a time, and check mode that leaves no trace."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import lock
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import (
    LedgerDamagedError,
    LedgerDiskFullError,
    LedgerError,
    LedgerFileError,
    LedgerLockedError,
    LedgerSchemaError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.file_lock import lock_path
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Origin

NOW = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)


def association(number: int) -> Association:
    return Association(
        guid=f"{number:08d}-0000-4000-8000-000000000000",
        extension_id=number,
        number=str(number),
        dn=f"CN=user {number},OU=Staff,DC=example,DC=com",
        account_name=f"user{number}",
        origin=Origin.CREATED,
        written={"email": f"user{number}@example.com"},
    )


def make_ledger(path: Path, size: int = 3) -> list[Association]:
    """Make a ledger with so many associations, closed as it should be."""
    associations = [association(number) for number in range(1000, 1000 + size)]
    with open_ledger(path, read_write=True, command="test") as ledger:
        ledger.save_associations(associations)
    return associations


def traces(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """Return all that a writer would change: names, contents, times and modes, the folder's own included."""
    found = {".": (b"", folder.stat().st_mtime_ns, folder.stat().st_mode)}
    for file in sorted(folder.iterdir()):
        status = file.stat()
        found[file.name] = (file.read_bytes(), status.st_mtime_ns, status.st_mode)
    return found


# --- making and opening ---


def test_a_new_ledger_and_its_folders_are_for_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "pbxops.yeastar" / "ledger.sqlite3"
    old = os.umask(0)
    try:
        with open_ledger(path, read_write=True, command="test") as ledger:
            ledger.retired_numbers()
            files = {file.name: oct(file.stat().st_mode & 0o777) for file in path.parent.iterdir()}
    finally:
        os.umask(old)
    assert files == {
        "ledger.sqlite3": "0o600",
        "ledger.sqlite3-wal": "0o600",
        "ledger.sqlite3-shm": "0o600",
        "ledger.sqlite3.lock": "0o600",
    }
    for folder in (path.parent, path.parent.parent):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_it_is_durable_and_keeps_its_references(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "ledger", read_write=True, command="test") as ledger:
        database = ledger._database
        assert database.rows("PRAGMA journal_mode") == [("wal",)]
        assert database.rows("PRAGMA synchronous") == [(2,)]  # FULL
        assert database.rows("PRAGMA foreign_keys") == [(1,)]


def test_the_home_directory_may_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with open_ledger("~/ledger.sqlite3", read_write=True, command="test") as ledger:
        assert ledger.location == str(tmp_path / "ledger.sqlite3")
    assert (tmp_path / "ledger.sqlite3").exists()


def test_an_error_within_the_block_closes_and_unlocks(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    with pytest.raises(RuntimeError, match="the run failed"), open_ledger(path, read_write=True, command="test"):
        raise RuntimeError("the run failed")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["ledger", "ledger.lock"]
    make_ledger(path)


@pytest.mark.parametrize("read_write", [True, False])
class TestNoLedger:
    """What is found at the path and is no ledger of ours is told from damage and left as it is."""

    def refuse(self, path: Path, read_write: bool, error: type[LedgerError], text: str) -> None:
        before = path.read_bytes() if path.is_file() else None
        with (
            pytest.raises(error, match=text) as caught,
            open_ledger(path, read_write=read_write, command="test"),
        ):
            pass
        assert "ledger_path" in caught.value.message
        assert str(path) in caught.value.message
        assert caught.value.remedy
        if before is not None:
            assert path.read_bytes() == before

    def test_a_folder(self, tmp_path: Path, read_write: bool) -> None:
        folder = tmp_path / "folder"
        folder.mkdir()
        self.refuse(folder, read_write, LedgerFileError, "is a folder")
        assert list(tmp_path.iterdir()) == [folder]

    def test_a_device(self, tmp_path: Path, read_write: bool) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        self.refuse(pipe, read_write, LedgerFileError, "not a regular file")

    def test_symbolic_links_in_a_circle(self, tmp_path: Path, read_write: bool) -> None:
        circle = tmp_path / "circle"
        circle.symlink_to(circle)
        self.refuse(circle, read_write, LedgerFileError, "cannot be used")
        self.refuse(circle / "ledger", read_write, LedgerFileError, "cannot be used")

    def test_a_text(self, tmp_path: Path, read_write: bool) -> None:
        text = tmp_path / "ledger"
        text.write_text("users:\n  - anna\n" * 1000)
        self.refuse(text, read_write, LedgerDamagedError, "damaged or is no ledger: file is not a database")

    def test_a_database_of_another_program(self, tmp_path: Path, read_write: bool) -> None:
        other = tmp_path / "other.sqlite3"
        with closing(sqlite3.connect(other)) as connection:
            connection.execute("CREATE TABLE calls (id INTEGER)")
        self.refuse(other, read_write, LedgerDamagedError, "another program")

    def test_a_damaged_page(self, tmp_path: Path, read_write: bool) -> None:
        path = tmp_path / "ledger"
        make_ledger(path, size=500)
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 4096 // 2 * 4096)
            file.write(b"\xa5" * 4096)
        self.refuse(path, read_write, LedgerDamagedError, "damaged")

    def test_a_file_cut_short(self, tmp_path: Path, read_write: bool) -> None:
        path = tmp_path / "ledger"
        make_ledger(path, size=500)
        os.truncate(path, path.stat().st_size // 2)
        self.refuse(path, read_write, LedgerDamagedError, "damaged")

    def test_a_newer_schema(self, tmp_path: Path, read_write: bool) -> None:
        path = tmp_path / "ledger"
        make_ledger(path)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 999")
        self.refuse(path, read_write, LedgerSchemaError, r"schema 999.*Upgrade the collection")


def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with (
        pytest.raises(LedgerFileError, match="Not a directory"),
        open_ledger(tmp_path / "state" / "ledger", read_write=True, command="test"),
    ):
        pass


def test_a_full_database_keeps_what_was_saved(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "ledger", read_write=True, command="test") as ledger:
        ledger.save_associations([association(1)])
        ledger._database.rows("PRAGMA max_page_count = 20")
        with pytest.raises(LedgerDiskFullError, match=r"ledger_path.*full.*Free some space"):
            ledger.save_associations([association(number) for number in range(1000, 3000)])
        assert ledger.associations() == [association(1)]


# --- one run at a time ---


@pytest.mark.parametrize("read_write", [True, False])
def test_a_second_run_fails_and_names_the_first(tmp_path: Path, read_write: bool) -> None:
    path = tmp_path / "ledger"
    with open_ledger(path, read_write=True, command="pbx_ad_user_sync"):
        with (
            pytest.raises(LedgerLockedError, match=f"pbx_ad_user_sync, process {os.getpid()} on") as caught,
            open_ledger(path, read_write=read_write, command="another"),
        ):
            pass
        assert caught.value.holder is not None
        assert caught.value.holder.pid == os.getpid()
        assert str(path) in caught.value.message
    make_ledger(path)


def test_another_name_of_the_ledger_meets_the_same_lock(tmp_path: Path) -> None:
    path, link = tmp_path / "ledger", tmp_path / "elsewhere"
    link.symlink_to(path)
    with (
        open_ledger(path, read_write=True, command="test"),
        pytest.raises(LedgerLockedError),
        open_ledger(link, read_write=True, command="test"),
    ):
        pass


def test_a_holder_that_has_not_named_itself_yet_is_another_process(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    with open_ledger(path, read_write=True, command="test"):
        lock_path(path).write_text('{"pid":')
        with (
            pytest.raises(LedgerLockedError, match="in use by another process") as caught,
            open_ledger(path, read_write=True, command="test"),
        ):
            pass
        assert caught.value.holder is None


def test_a_run_waits_for_a_copy_to_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger"
    make_ledger(path)
    with lock_path(path).open() as copying:
        fcntl.flock(copying, fcntl.LOCK_SH)
        monkeypatch.setattr(lock.time, "sleep", lambda _: fcntl.flock(copying, fcntl.LOCK_UN))
        make_ledger(path)


def test_a_run_does_not_wait_for_a_copy_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger"
    make_ledger(path)
    monkeypatch.setattr(lock, "COPY_PATIENCE_SECONDS", 0.0)
    with lock_path(path).open() as copying:
        fcntl.flock(copying, fcntl.LOCK_SH)
        with pytest.raises(LedgerLockedError), open_ledger(path, read_write=True, command="test"):
            pass


# --- check mode ---


def test_check_mode_works_on_a_copy(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    saved = make_ledger(path)
    before = traces(tmp_path)
    with open_ledger(path, read_write=False, command="test") as ledger:
        assert ledger.location == str(path)
        assert ledger.associations() == saved
        ledger.save_associations([association(1)])
        ledger.begin_run("pbx_ad_sync", ["users"], "plan", NOW)
        assert ledger.associations() == [association(1), *saved]
        assert traces(tmp_path) == before
    assert traces(tmp_path) == before


def test_check_mode_leaves_no_copy_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    make_ledger(tmp_path / "ledger")
    with open_ledger(tmp_path / "ledger", read_write=False, command="test"):
        assert list(temporary.iterdir()) == []
    (tmp_path / "ledger").write_text("no database" * 1000)
    with pytest.raises(LedgerDamagedError), open_ledger(tmp_path / "ledger", read_write=False, command="test"):
        pass
    assert list(temporary.iterdir()) == []


def test_check_mode_makes_nothing_where_there_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state" / "ledger"
    before = traces(tmp_path)
    with open_ledger(path, read_write=False, command="test") as ledger:
        assert ledger.associations() == []
        ledger.save_associations([association(1)])
    assert traces(tmp_path) == before


def test_check_mode_sees_what_is_still_in_the_write_ahead_log(tmp_path: Path) -> None:
    path, left = tmp_path / "ledger", tmp_path / "left"
    left.mkdir()
    with open_ledger(path, read_write=True, command="test") as ledger:
        ledger.save_associations([association(1)])
        for name in ("ledger", "ledger-wal"):  # as a killed run leaves them, and with no lock's file beside
            shutil.copy(tmp_path / name, left / name)
    assert (left / "ledger-wal").stat().st_size > 0
    before = traces(left)
    with open_ledger(left / "ledger", read_write=False, command="test") as copy:
        assert copy.associations() == [association(1)]
    assert traces(left) == before


def test_check_mode_copies_again_if_the_first_run_starts_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, path = tmp_path / "original", tmp_path / "ledger"
    make_ledger(original)
    shutil.copy(original, path)  # a restored ledger: no lock's file
    copyfile = shutil.copyfile

    def copy_then_run(source: Path, target: Path) -> None:
        copyfile(source, target)
        monkeypatch.setattr(shutil, "copyfile", copyfile)
        with open_ledger(path, read_write=True, command="test") as ledger:
            ledger.save_associations([association(1)])

    monkeypatch.setattr(shutil, "copyfile", copy_then_run)
    with open_ledger(path, read_write=False, command="test") as copy:
        assert association(1) in copy.associations()
