# SPDX-License-Identifier: GPL-3.0-or-later
"""Which associations end: every place a user can be in, under every setting that matters."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectorySnapshot, DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Origin
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.removals import Sorted, sort_associations
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    AccountStatus,
    DeletionProof,
    OutOfScope,
    Scope,
    UserRule,
)

from tests.unit.sync_builders import NOW, association, directory, extension_of, rule, user

ADA = user("ada", "ada@x.test")
DISABLED = user("ada", "ada@x.test", disabled=True)
EXPIRED = user("ada", "ada@x.test", expires=NOW)
BOTH = user("ada", "ada@x.test", disabled=True, expires=NOW)
HELD = extension_of(ADA, 7, "1000")
NONE: Collection[AccountStatus] = ()
ALL = tuple(AccountStatus)

GOOD = directory(ADA)
OUT = directory(outside=[ADA])
DELETED = directory(deleted=["ada"])
MISSING = directory(missing=["ada"])


def _sorted(rule_: UserRule, seen: DirectorySnapshot, *, origin: Origin = Origin.CREATED, gone: bool = False) -> Sorted:
    held = association(ADA, HELD, origin=origin)
    return sort_associations(rule_, seen, [held], {} if gone else {HELD.id: HELD})


@pytest.mark.parametrize(
    ("seen", "settings", "ending"),
    [
        (GOOD, {"delete_when": ALL}, None),
        (directory(DISABLED), {"delete_when": NONE}, None),
        (directory(DISABLED), {"delete_when": ["expired", "deleted"]}, None),
        (directory(DISABLED), {"delete_when": ["disabled"]}, (Action.DELETE, Reason.ACCOUNT_DISABLED)),
        (directory(EXPIRED), {"delete_when": ["disabled", "deleted"]}, None),
        (directory(EXPIRED), {"delete_when": ["expired"]}, (Action.DELETE, Reason.ACCOUNT_EXPIRED)),
        (directory(BOTH), {"delete_when": ["disabled", "expired"]}, (Action.DELETE, Reason.ACCOUNT_DISABLED)),
        (directory(BOTH), {"delete_when": ["expired"]}, (Action.DELETE, Reason.ACCOUNT_EXPIRED)),
        (DELETED, {}, (Action.DELETE, Reason.ACCOUNT_DELETED)),
        (DELETED, {"delete_when": ["disabled", "expired"]}, None),
        (MISSING, {}, None),
        (MISSING, {"deletion_proof": DeletionProof.ABSENCE}, (Action.DELETE, Reason.ACCOUNT_DELETED)),
        (MISSING, {"deletion_proof": DeletionProof.ABSENCE, "delete_when": NONE}, None),
        (directory(), {"deletion_proof": DeletionProof.ABSENCE}, None),
        (OUT, {}, (Action.RELEASE, Reason.OUT_OF_SCOPE)),
        (OUT, {"out_of_scope": OutOfScope.DELETE}, (Action.DELETE, Reason.OUT_OF_SCOPE)),
        (directory(outside=[DISABLED]), {}, (Action.RELEASE, Reason.OUT_OF_SCOPE)),
        (directory(outside=[DISABLED]), {"delete_when": ["disabled"]}, (Action.DELETE, Reason.ACCOUNT_DISABLED)),
    ],
)
def test_where_a_user_is_found_decides(
    seen: DirectorySnapshot, settings: dict[str, Any], ending: tuple[Action, Reason] | None
) -> None:
    if "delete_when" in settings:
        settings = {**settings, "delete_when": [AccountStatus(status) for status in settings["delete_when"]]}
    result = _sorted(rule(**settings), seen)
    assert [(change.action, change.reason) for change in result.removals] == ([ending] if ending else [])
    assert [kept.association.guid for kept in result.kept] == ([] if ending else [ADA.guid])


@pytest.mark.parametrize(
    ("seen", "origin", "out_of_scope", "ending"),
    [
        (directory(ADA, bindings={"ada": "1000"}), Origin.BOUND, OutOfScope.DELETE, None),
        (directory(ADA, bindings={"ada": "1000"}), Origin.CREATED, OutOfScope.DELETE, None),
        (directory(ADA), Origin.CREATED, OutOfScope.DELETE, None),
        (
            directory(ADA, bindings={"ada": "1001"}),
            Origin.BOUND,
            OutOfScope.DELETE,
            (Action.RELEASE, Reason.BOUND_ELSEWHERE),
        ),
        (OUT, Origin.BOUND, OutOfScope.DELETE, (Action.RELEASE, Reason.NO_LONGER_LISTED)),
        (OUT, Origin.BOUND, OutOfScope.RELEASE, (Action.RELEASE, Reason.NO_LONGER_LISTED)),
        (OUT, Origin.CREATED, OutOfScope.DELETE, (Action.DELETE, Reason.OUT_OF_SCOPE)),
        (OUT, Origin.ADOPTED, OutOfScope.RELEASE, (Action.RELEASE, Reason.OUT_OF_SCOPE)),
    ],
)
def test_users_named_one_by_one(
    seen: DirectorySnapshot, origin: Origin, out_of_scope: OutOfScope, ending: tuple[Action, Reason] | None
) -> None:
    result = _sorted(rule(scope=Scope.USERS, out_of_scope=out_of_scope), seen, origin=origin)
    assert [(change.action, change.reason) for change in result.removals] == ([ending] if ending else [])


def test_a_bound_extension_is_not_special_once_the_scope_is_another() -> None:
    result = _sorted(rule(out_of_scope=OutOfScope.DELETE), OUT, origin=Origin.BOUND)
    assert [(change.action, change.reason) for change in result.removals] == [(Action.DELETE, Reason.OUT_OF_SCOPE)]


@pytest.mark.parametrize("seen", [DELETED, OUT, directory(DISABLED)])
def test_an_extension_that_is_gone_already_is_not_deleted_again(seen: DirectorySnapshot) -> None:
    settings = rule(delete_when=ALL, out_of_scope=OutOfScope.DELETE)
    (change,) = _sorted(settings, seen, gone=True).removals
    assert (change.action, change.reason, change.before) == (Action.RELEASE, Reason.EXTENSION_GONE, {})
    assert (change.number, change.object_id) == ("1000", 7)


def test_a_removal_tells_all_that_is_lost() -> None:
    (change,) = _sorted(rule(), DELETED).removals
    assert change.before == HELD.fields
    assert change.after == {}
    assert change.association is None
    assert (change.name, change.guid, change.dn) == ("ada", ADA.guid, ADA.dn)
    assert (change.number, change.object_id) == ("1000", 7)


def test_a_release_loses_nothing() -> None:
    (change,) = _sorted(rule(), OUT).removals
    assert (change.action, change.before, change.after) == (Action.RELEASE, {}, {})


@pytest.mark.parametrize(
    ("seen", "settings", "told"),
    [
        (MISSING, {}, True),
        (MISSING, {"delete_when": NONE}, False),
        (MISSING, {"deletion_proof": DeletionProof.ABSENCE}, False),
        (DELETED, {}, False),
        (directory(), {}, False),
        (GOOD, {}, False),
    ],
)
def test_a_user_that_is_not_shown_is_told(seen: DirectorySnapshot, settings: dict[str, Any], told: bool) -> None:
    result = _sorted(rule(**settings), seen)
    assert [conflict.code for conflict in result.conflicts] == (["user_not_found"] if told else [])
    if told:
        assert "extension 1000 is kept" in result.conflicts[0].message
        assert "Deleted Objects" in result.conflicts[0].message


@pytest.mark.parametrize("seen", [DELETED, MISSING])
def test_a_user_that_is_gone_and_kept_is_kept_without_user(seen: DirectorySnapshot) -> None:
    (kept,) = _sorted(rule(delete_when=NONE), seen).kept
    assert kept.user is None


def test_a_user_is_kept_as_the_directory_now_shows_them() -> None:
    renamed: DirectoryUser = user("ada", "new@x.test")
    (kept,) = _sorted(rule(), directory(renamed)).kept
    assert kept.user is renamed
