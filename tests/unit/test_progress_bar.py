# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a run has come: what a module tells, and the line that is made of it."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.progress import (
    PROGRESS_FILE,
    Progress,
    ProgressFile,
    tell_nobody,
    teller,
)
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.progress import (
    Pace,
    Seen,
    bar_line,
    duration,
    is_rewritable,
    last_seen,
    plain_line,
    together,
)

_HALF = Seen(planned=2000, done=990, failed=7, skipped=3, seconds=50.0)
_BEGINNING = Seen(planned=40, done=0, failed=0, skipped=0, seconds=0.0)
_END = Seen(planned=40, done=39, failed=1, skipped=0, seconds=75.4)


class _Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _told(path: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# --- what a module tells


def test_the_first_and_the_last_are_told_and_two_a_second_in_between(tmp_path: Path) -> None:
    path, clock = tmp_path / "progress", _Clock()
    path.touch()
    tell = ProgressFile(str(path), clock)

    for done in range(101):
        tell(Progress(100, done))
        clock.now += 1 / 32

    told = _told(path)
    assert [line["done"] for line in told] == [0, 16, 32, 48, 64, 80, 96, 100]
    assert [line["seconds"] for line in told] == [0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.125]
    assert set(told[0]) == {"planned", "done", "failed", "skipped", "seconds"}


def test_a_run_in_which_nothing_is_done_is_over_too(tmp_path: Path) -> None:
    path = tmp_path / "progress"
    path.touch()
    tell = ProgressFile(str(path), _Clock())

    tell(Progress(3))
    tell(Progress(3, 0, 1, 1))
    tell(Progress(3, 0, 1, 2))

    assert [line["skipped"] for line in _told(path)] == [0, 2]


def _nowhere(folder: Path) -> Path:
    return folder / "nowhere"


def _folder(folder: Path) -> Path:
    return folder


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def _link(folder: Path) -> Path:
    (folder / "target").touch()
    (folder / "link").symlink_to(folder / "target")
    return folder / "link"


@pytest.mark.parametrize("make", [_nowhere, _folder, _pipe, _link])
def test_a_file_that_cannot_be_written_fails_nothing_and_nothing_is_made(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    path = make(tmp_path)
    there = {one: one.stat(follow_symlinks=False).st_size for one in tmp_path.iterdir()}
    tell = ProgressFile(str(path), _Clock())

    tell(Progress(1))
    tell(Progress(1, 1))

    assert {one: one.stat(follow_symlinks=False).st_size for one in tmp_path.iterdir()} == there


def test_without_a_file_nobody_is_told() -> None:
    assert teller({}, _Clock()) is tell_nobody
    assert teller({PROGRESS_FILE: ""}, _Clock()) is tell_nobody
    assert isinstance(teller({PROGRESS_FILE: "there"}, _Clock()), ProgressFile)


# --- what is read of it


def test_the_last_whole_line_counts() -> None:
    first = '{"planned": 9, "done": 1, "failed": 0, "skipped": 0, "seconds": 0.5}\n'
    second = '{"planned": 9, "done": 2, "failed": 0, "skipped": 0, "seconds": 1.0}\n'

    assert last_seen(first + second) == Seen(9, 2, 0, 0, 1.0)
    assert last_seen(first + second[:-1]) == Seen(9, 1, 0, 0, 0.5)
    assert last_seen(first[7:] + second) == Seen(9, 2, 0, 0, 1.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}\n",
        "[1, 2]\n",
        "7\n",
        "no JSON\n",
        '{"planned": 0, "done": 0, "failed": 0, "skipped": 0, "seconds": 0}\n',
        '{"planned": "x", "done": 0, "failed": 0, "skipped": 0, "seconds": 0}\n',
    ],
)
def test_what_cannot_be_read_is_nothing(text: str) -> None:
    assert last_seen(text) is None


def test_runs_side_by_side_are_counted_together() -> None:
    assert together([_HALF, _END]) == Seen(2040, 1029, 8, 3, 75.4)
    assert together([]) is None


# --- the line


def test_a_plain_line_tells_counts_rate_and_what_is_left() -> None:
    assert plain_line("hq", _BEGINNING) == "hq: 0 of 40 changes (0 %)"
    assert plain_line("hq", _HALF) == (
        "hq: 1,000 of 2,000 changes (50 %), 7 failed, 3 skipped, 20.0 a second, about 0:50 left"
    )
    assert plain_line("hq", _END) == "hq: 40 of 40 changes (100 %), 1 failed in 1:15"


def test_a_bar_fills() -> None:
    counts = "1,000 of 2,000  50 %  7 failed  3 skipped  20.0/s  0:50 left"
    assert bar_line("hq", _HALF, 200) == f"hq  [{'#' * 15}{'-' * 15}]  {counts}"
    assert bar_line("hq", _BEGINNING, 200) == f"hq  [{'-' * 30}]  0 of 40  0 %"
    assert bar_line("hq", _END, 200).startswith(f"hq  [{'#' * 30}]  40 of 40  100 %  1 failed")


@pytest.mark.parametrize("width", range(1, 120))
def test_a_bar_fits_whatever_the_width(width: int) -> None:
    line = bar_line("headquarters", _HALF, width)

    assert len(line) <= width
    assert ("[" in line) == (width >= 88)


def test_a_whole_is_told_only_at_the_end() -> None:
    assert Seen(1000, 999, 0, 0, 1.0).percent == 99
    assert Seen(1000, 1001, 0, 0, 1.0).percent == 100


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (59.6, "1:00"), (61, "1:01"), (3600, "1:00:00"), (36061, "10:01:01")]
)
def test_a_duration_is_told_as_by_a_clock(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_page_shows_the_lines_as_they_are() -> None:
    page = (Path(__file__).parents[2] / "docs" / "life.md").read_text(encoding="utf-8")
    seen = Seen(planned=2000, done=478, failed=2, skipped=0, seconds=30.0)

    assert f"    {bar_line('headquarters', seen, 100)}\n    {plain_line('headquarters', seen)}\n" in page


# --- when


@pytest.mark.parametrize(
    ("pace", "done", "waited", "due"),
    [
        (Pace(30, 10), 9, 29.9, False),
        (Pace(30, 10), 10, 1, True),
        (Pace(30, 10), 5, 30, True),
        (Pace(30, 0), 99, 29.9, False),
        (Pace(30, 25), 24, 1, False),
        (Pace(30, 25), 25, 1, True),
    ],
)
def test_a_line_is_due_by_time_and_by_part(pace: Pace, done: int, waited: float, due: bool) -> None:
    before = Seen(100, 5, 0, 0, 1.0)

    assert pace.is_due(Seen(100, done, 0, 0, 2.0), before, waited) is due
    assert pace.is_due(before, None, 0.0)


# --- where


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "rewritable"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "dumb"}, False),
        ({}, False),
        ({"TERM": "xterm", "CI": "true"}, False),
        # What ansible-runner sets, and with it AWX, whose jobs write to a terminal too.
        ({"TERM": "xterm", "AWX_ISOLATED_DATA_DIR": "/runner/artifacts/7"}, False),
    ],
)
def test_a_bar_is_for_a_terminal_at_which_somebody_sits(environment: dict[str, str], rewritable: bool) -> None:
    assert is_rewritable(_Terminal(), environment) is rewritable
    assert not is_rewritable(io.StringIO(), environment)
