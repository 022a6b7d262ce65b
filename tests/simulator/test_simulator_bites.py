# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator finds what is broken on purpose: it would be worth nothing if it saw nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from unittest import mock

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad import search
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.store import StoredLedger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module import apply, group_task, run, user_task
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.replay import RecordedDirectory
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.writes import Writes
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx import errors
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.listing import Listing, Row
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.session import Session
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.shapes import parse_rows, parse_total
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync import guard
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import Verdict
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_history import Written
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_merge import Step

from tests.simulator.domain_controller import PAGED
from tests.simulator.soak import live

_MOST_LIVES = 400

Patch = tuple[object, str, Callable[..., object]]


def _nothing(*_arguments: object, **_options: object) -> None:
    """Prove nothing."""


def _cookie_if_any(connection: Any, *_arguments: object) -> bytes:
    """Take a missing paging control for the end of the answer."""
    control = connection.result["controls"].get(PAGED)
    return control["value"]["cookie"] if control is not None else b""


_organizations = Writes._organizations
_clean_text = errors.clean_text


def _the_last_alone(writes: Writes, change: Any) -> Any:
    """Forget all organizations of an extension but the one that the synchronization gives it."""
    return _organizations(writes, change)[-1:]


def _with_secrets(value: object, _secrets: object = ()) -> str:
    """Repeat what the PBX says, passwords too."""
    return _clean_text(value)


def _as_long_as_it_is(
    listing: Listing, endpoint: str, _noun: str, purpose: str, extra: Any = None, key: str = "data"
) -> Iterator[list[Row]]:
    """Read a list until a page is empty, and believe that this is all."""
    answer = listing._first_page(endpoint, purpose, extra or {})
    rows, total, page = parse_rows(answer, key, endpoint), parse_total(answer, endpoint), 1
    size = count = len(rows)
    while rows:
        yield rows
        if count >= total:
            return
        page += 1
        rows = parse_rows(listing._page(endpoint, purpose, extra or {}, page, size), key, endpoint)
        count += len(rows)


def _put_back_whatever_it_is(value: Written, _now: str, *_same: object) -> Step:
    """Put a value back that was changed since."""
    return Step.NOTHING if value.found == value.left else Step.PUT_BACK


@dataclass(frozen=True, slots=True)
class Breakage:
    """Something that is broken.

    :param patches: what is put in the place of what.
    :param invariants: one of which is to be found broken by it.
    """

    patches: tuple[Patch, ...]
    invariants: frozenset[str]


_TAKEN_AWAY = frozenset(
    {
        "what_is_taken_away_the_directory_has_let_go",
        "who_is_taken_out_of_a_group_is_not_in_it",
        "a_read_that_hides_something_takes_nothing_away",
        "the_run_does_what_check_mode_showed",
    }
)
_BREAKAGES = {
    "the reader trusts whatever comes, and asks nothing twice": Breakage(
        (
            (search, "_check_result", _nothing),
            (search, "_count_again", _nothing),
            (search, "_next_cookie", _cookie_if_any),
            (user_task, "_prove_outside", _nothing),
            (group_task.StartedGroups, "_prove_outside", _nothing),
        ),
        _TAKEN_AWAY,
    ),
    "unfinished changes are forgotten": Breakage(
        ((StoredLedger, "unfinished", lambda _ledger: []),),
        frozenset({"_require_no_orphan", "what_was_made_is_known", "_compare", "come_to_rest"}),
    ),
    "the guard is off": Breakage(
        ((run, "judge", lambda plan, _limits, _totals: Verdict(plan.changes)),),
        frozenset({"the_guard_stops_what_is_too_much"}),
    ),
    "any name lets everything through": Breakage(
        ((guard, "_is_allowed", lambda _danger, _guard_id, allowed: bool(allowed)),),
        frozenset({"what_is_let_through_is_what_was_told", "the_guard_stops_what_is_too_much", "let_through"}),
    ),
    "a rollback overwrites what was changed since": Breakage(
        ((Written, "step", _put_back_whatever_it_is),),
        frozenset({"what_was_changed_since_the_run_stays"}),
    ),
    "a snapshot is asked about nobody who is named": Breakage(
        ((RecordedDirectory, "search_users", lambda _directory, _search: []),),
        frozenset({"ask_offline"}),
    ),
    "organizations given by hand are forgotten": Breakage(
        ((Writes, "_organizations", _the_last_alone),),
        frozenset({"where_somebody_put_an_extension_it_stays", "all_is_as_before_the_run"}),
    ),
    "a message repeats a password": Breakage(
        ((errors, "clean_text", _with_secrets), (errors, "_is_secret", lambda _field: False)),
        frozenset({"no_secret_is_told"}),
    ),
    "the total of a list is not looked at": Breakage(
        ((Listing, "pages", _as_long_as_it_is),),
        frozenset({"what_a_run_goes_by_is_proved_complete"}),
    ),
    "changes that are under way side by side do not wait for each other": Breakage(
        ((apply._StageWork, "_may_go_on", lambda _stage, _begun: True),),
        frozenset({"one_failure_stops_nothing_else"}),
    ),
    "tokens are not revoked": Breakage(
        ((Session, "close", lambda _session: ""),),
        frozenset({"no_token_is_left"}),
    ),
}


@pytest.mark.parametrize("name", _BREAKAGES)
def test_what_is_broken_on_purpose_is_found(name: str) -> None:
    breakage = _BREAKAGES[name]
    with ExitStack() as stack:
        for target, attribute, value in breakage.patches:
            stack.enter_context(mock.patch.object(target, attribute, value))
        found = next(_broken_invariants(), "nothing")
    assert found in breakage.invariants


def _broken_invariants() -> Iterator[str]:
    """The names of the invariants that lives find broken."""
    for seed in range(_MOST_LIVES):
        for failure in live(seed).failures.values():
            yield failure.partition(":")[0]
