# SPDX-License-Identifier: GPL-3.0-or-later
"""Which credentials of the sign-on end, and in what order with what becomes of their extensions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.changes import access_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.clean_up import (
    Remains,
    plan_clean_up,
    plan_release,
    plan_sign_on_end,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Credential, Parked
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Access
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import ExtensionChange, Plan
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import Outcome, State, diff_text
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    AccountStatus,
    OutOfScope,
    RuleKind,
    UserRule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on import SignOn
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.users import plan_users

from tests.unit.sync_builders import DOMAIN, NOW, directory, guid, pbx, synced, user
from tests.unit.test_sync_sign_on import ON

SIGNED_ON = datetime(2026, 1, 2, tzinfo=UTC)
ANNA = user("anna")
EXTENSION, HELD = synced(ANNA, 1, "1001")
CREDENTIAL = Credential(1, guid("anna"), SIGNED_ON)
KEEP_ALL = UserRule(delete_when=frozenset())


def planned(rule: UserRule = KEEP_ALL, sign_on: SignOn | None = None, **world: Any) -> Plan:
    seen = directory(*world.pop("users", [ANNA]), **world)
    remembered = sign_on if sign_on is not None else SignOn(ON, (CREDENTIAL,))
    return plan_users(rule, seen, pbx(EXTENSION), [HELD], [], sign_on=remembered)


def told(plan: Plan) -> list[tuple[str, str]]:
    return [(change.action.value, change.reason.value) for change in plan.changes]


def revocation(plan: Plan) -> ExtensionChange:
    change = plan.changes[0]
    assert isinstance(change, ExtensionChange)
    return change


def test_the_credential_of_a_user_who_may_sign_on_stays() -> None:
    assert planned().changes == ()


@pytest.mark.parametrize(
    "sign_on",
    [
        SignOn(None, (CREDENTIAL,)),
        SignOn(replace(ON, enabled=False), (CREDENTIAL,)),
    ],
)
def test_without_sign_on_every_credential_ends(sign_on: SignOn) -> None:
    assert told(planned(sign_on=sign_on)) == [("revoke", "sign_on_off")]


@pytest.mark.parametrize(
    ("world", "reason"),
    [
        ({"users": [replace(ANNA, disabled=True)]}, "account_disabled"),
        ({"users": [replace(ANNA, expires=NOW - timedelta(days=1))]}, "account_expired"),
        ({"users": [], "deleted": ["anna"]}, "account_deleted"),
    ],
)
def test_an_account_that_may_not_log_in_loses_its_credential_though_the_extension_stays(
    world: dict[str, Any], reason: str
) -> None:
    plan = planned(**world)

    assert told(plan) == [("revoke", reason)]
    assert revocation(plan).credential == CREDENTIAL
    assert revocation(plan).association == HELD


def test_of_a_user_whom_the_directory_does_not_show_nothing_is_proved() -> None:
    assert planned(users=[], missing=["anna"]).changes == ()


def test_a_release_waits_for_the_revocation() -> None:
    plan = planned(users=[], outside=[ANNA])

    assert told(plan) == [("revoke", "out_of_scope"), ("release", "out_of_scope")]
    assert plan.changes[1].depends_on == (plan.changes[0].key,)


def test_a_deletion_does_not_wait_and_the_credential_ends_even_if_it_is_stopped() -> None:
    plan = planned(UserRule(out_of_scope=OutOfScope.DELETE), users=[], outside=[ANNA])

    assert told(plan) == [("revoke", "out_of_scope"), ("delete", "out_of_scope")]
    assert plan.changes[1].depends_on == ()


def test_a_parking_comes_with_a_revocation() -> None:
    rule = UserRule(delete_when=frozenset({AccountStatus.DISABLED}), park_days=7)

    assert told(planned(rule, users=[replace(ANNA, disabled=True)])) == [
        ("revoke", "account_disabled"),
        ("park", "account_disabled"),
    ]


def test_the_credential_of_a_former_holder_and_of_a_parked_extension_ends() -> None:
    foreign = SignOn(ON, (replace(CREDENTIAL, guid="somebody-else"),))
    parked = replace(HELD, parked=Parked(NOW, "reg", "available"))
    waiting = plan_users(
        UserRule(delete_when=frozenset({AccountStatus.DISABLED}), park_days=7),
        directory(replace(ANNA, disabled=True)),
        pbx(EXTENSION),
        [parked],
        [],
        sign_on=SignOn(ON, (CREDENTIAL,)),
    )

    assert told(planned(sign_on=foreign)) == [("revoke", "sign_on_ended")]
    assert told(waiting) == [("revoke", "sign_on_ended")]


def test_a_credential_of_an_extension_that_is_nobodys_or_gone_changes_nothing() -> None:
    assert planned(sign_on=SignOn(None, (replace(CREDENTIAL, extension_id=9),))).changes == ()
    gone = plan_users(KEEP_ALL, directory(ANNA), pbx(), [HELD], [], sign_on=SignOn(None, (CREDENTIAL,)))
    assert "revoke" not in [action for action, _reason in told(gone)]


def test_a_revocation_sets_a_password_unlike_number_and_names_and_nothing_else() -> None:
    change = revocation(planned(sign_on=SignOn(None, (CREDENTIAL,))))
    named = replace(EXTENSION, fields={**EXTENSION.fields, "first_name": "Anna", "last_name": "Adler"})

    assert access_of(change, "", named) == Access("", "", ("1001", "Anna", "Adler"))
    assert access_of(change, "", None) == Access("", "", ("1001", "", ""))
    assert change.after == {}


def test_a_revocation_is_told_in_words() -> None:
    text = diff_text([Outcome(revocation(planned(sign_on=SignOn(None, (CREDENTIAL,)))), State.PLANNED)])

    assert text == (
        "revoke 1001 anna\n"
        "    sign-on with the directory's credentials is switched off\n"
        "    the Linkus password that a sign-on had set is replaced by a random one\n"
    )


# --- clean-ups


def remains() -> Remains:
    return Remains(DOMAIN, pbx(EXTENSION), [HELD], [], NOW, (CREDENTIAL,))


def test_disabling_ends_every_credential_and_nothing_else() -> None:
    assert told(plan_sign_on_end(remains())) == [("revoke", "sign_on_off")]


def test_disconnecting_ends_credentials_before_it_releases() -> None:
    plan = plan_release(RuleKind.USERS, remains())

    assert told(plan) == [("revoke", "sign_on_off"), ("release", "disconnected")]
    assert plan.changes[1].depends_on == (plan.changes[0].key,)


def test_deleting_all_ends_credentials_first() -> None:
    assert told(plan_clean_up(RuleKind.USERS, remains())) == [("revoke", "sign_on_off"), ("delete", "clean_up")]
