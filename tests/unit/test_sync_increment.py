# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what is remembered of a directory and what changed since is enough, in every case that speaks against it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.increment import (
    OLDEST,
    ChangedKind,
    ChangedObject,
    DirectoryMark,
    ServerStand,
    concerning,
    why_doubtful,
    why_gone,
    why_not_remembered,
    why_unusable,
)

NOW = datetime(2026, 11, 26, 0, 30, tzinfo=UTC)
STAND = ServerStand(invocation_id="aa", usn=500, rights="anna and her groups")
MARK = DirectoryMark(domain="domain", stand=STAND, shape="mail, title", at=NOW - timedelta(days=1))
TODAY = replace(MARK, at=NOW, stand=replace(STAND, usn=510))


def test_what_the_same_server_remembers_of_the_same_question_is_used() -> None:
    assert why_unusable(MARK, TODAY, 7) == ""
    assert why_unusable(MARK, replace(TODAY, stand=STAND), 2) == ""


@pytest.mark.parametrize(
    ("mark", "now", "every", "words"),
    [
        (MARK, TODAY, 1, "full_read_every is 1"),
        (None, TODAY, 7, "Nothing is remembered"),
        (MARK, replace(TODAY, stand=replace(STAND, invocation_id="")), 7, "cannot read the invocationId"),
        (MARK, replace(TODAY, stand=replace(STAND, rights="")), 7, "does not tell which groups"),
        (MARK, replace(TODAY, domain="other"), 7, "another domain"),
        (MARK, replace(TODAY, stand=replace(STAND, invocation_id="bb")), 7, "Another domain controller"),
        (MARK, replace(TODAY, stand=replace(STAND, usn=499)), 7, "gone back"),
        (MARK, replace(TODAY, at=MARK.at - timedelta(seconds=1)), 7, "gone back"),
        (MARK, replace(TODAY, stand=replace(STAND, rights="anna")), 7, "The account"),
        (MARK, replace(TODAY, shape="mail"), 7, "Other attributes"),
        (replace(MARK, runs=6), TODAY, 7, "6 run(s)"),
        (MARK, replace(TODAY, at=MARK.at + OLDEST + timedelta(seconds=1)), 7, "so long ago"),
    ],
)
def test_what_speaks_against_a_memory_is_told(
    mark: DirectoryMark | None, now: DirectoryMark, every: int, words: str
) -> None:
    assert words in why_unusable(mark, now, every)


def test_of_so_many_runs_one_is_whole() -> None:
    assert [bool(why_unusable(replace(MARK, runs=runs), TODAY, 4)) for runs in range(5)] == [
        False,
        False,
        False,
        True,
        True,
    ]


def _changed(kind: ChangedKind, count: int = 1) -> list[ChangedObject]:
    return [ChangedObject(f"{kind}{number}", f"CN={kind}{number}", kind) for number in range(count)]


def test_few_changes_of_users_and_groups_are_enough() -> None:
    changes = [*_changed(ChangedKind.USER, 3), *_changed(ChangedKind.GROUP), *_changed(ChangedKind.LEAF, 900)]
    assert why_doubtful(changes, remembered=9) == ""
    assert len(concerning(changes)) == 4


@pytest.mark.parametrize(
    ("changes", "remembered", "words"),
    [
        (_changed(ChangedKind.PLACE), 1000, "has changed: CN=place0."),
        (_changed(ChangedKind.PLACE, 5), 1000, "CN=place0; CN=place1; CN=place2 and 2 more"),
        (_changed(ChangedKind.USER, 21), 30, "21 users and groups have changed, of 30"),
        (_changed(ChangedKind.GROUP, 334), 1000, "334 users and groups"),
    ],
)
def test_what_makes_changes_doubtful_is_told(changes: list[ChangedObject], remembered: int, words: str) -> None:
    assert words in why_doubtful(changes, remembered)


def test_many_changes_of_more_are_enough() -> None:
    assert why_doubtful(_changed(ChangedKind.USER, 333), remembered=1000) == ""


def test_what_is_gone_without_a_trace_is_a_doubt() -> None:
    assert why_gone({"anna", "bert"}, {"anna", "bert", "carla"}) == ""
    assert "1 object(s) are no longer shown" in why_gone({"anna", "bert"}, {"anna", "carla"})


def test_what_cannot_be_found_by_its_count_is_not_remembered() -> None:
    assert why_not_remembered({"anna"}, {"anna", "bert"}) == ""
    assert "the right to read uSNChanged" in why_not_remembered({"anna", "bert"}, {"bert"})
