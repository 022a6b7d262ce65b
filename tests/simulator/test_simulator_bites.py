# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator finds what is broken on purpose: it would be worth nothing if it saw nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad import search
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.store import StoredLedger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module import run
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.session import Session
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import Verdict

from tests.simulator.soak import live

_MOST_LIVES = 400


def _patched(target: object, name: str, value: object) -> Callable[[], AbstractContextManager[Any]]:
    return lambda: mock.patch.object(target, name, value)


def _forget_open_rows(_ledger: StoredLedger) -> list[Any]:
    return []


# What is broken, and the invariants of which one is to be found broken by it.
_BREAKAGES = {
    "an error code of the directory is taken for the end": (
        _patched(search, "_check_result", lambda *_arguments: None),
        {
            "a_read_that_hides_something_takes_nothing_away",
            "the_run_does_what_check_mode_showed",
            "what_is_taken_away_the_directory_has_let_go",
        },
    ),
    "unfinished changes are forgotten": (
        _patched(StoredLedger, "unfinished", _forget_open_rows),
        {"_require_no_orphan", "what_was_made_is_known", "_compare"},
    ),
    "the guard is off": (
        _patched(run, "judge", lambda plan, _limits, _totals: Verdict(plan.changes)),
        {"the_guard_stops_what_is_too_much"},
    ),
    "tokens are not revoked": (
        _patched(Session, "close", lambda _session: ""),
        {"no_token_is_left"},
    ),
}


@pytest.mark.parametrize("name", _BREAKAGES)
def test_what_is_broken_on_purpose_is_found(name: str) -> None:
    broken, invariants = _BREAKAGES[name]
    with broken():
        found = next(_broken_invariants(), "nothing")
    assert found in invariants


def _broken_invariants() -> Iterator[str]:
    """The names of the invariants that lives find broken."""
    for seed in range(_MOST_LIVES):
        for failure in live(seed).failures.values():
            yield failure.partition(":")[0]
