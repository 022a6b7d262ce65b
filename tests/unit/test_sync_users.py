# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner of the synchronization of users, case by case."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.conflicts import ConflictCode
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Origin, Welcome
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, Plan, Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    AccountStatus,
    NumberFrom,
    OutOfScope,
    Scope,
)

from tests.unit.sync_builders import (
    NOW,
    association,
    brief,
    codes,
    directory,
    extension,
    extension_of,
    fields,
    guid,
    pbx,
    plan,
    retired,
    rule,
    synced,
    user,
    users_rule,
    with_written,
)

ADA = user("ada", "ada@x.test", title="Lead")
BEN = user("ben", "ben@x.test")
CID = user("cid", "cid@x.test")
FROM_PHONE = rule(number_from=NumberFrom.ATTRIBUTE)
OTHER_SCOPES = [Scope.ALL, Scope.ORGANIZATIONAL_UNITS, Scope.GROUPS, Scope.FILTER]


def _only(made: Plan) -> Any:
    (change,) = made.changes
    return change


# --- nothing to do ------------------------------------------------------------------------------------------------


def test_nothing_on_either_side() -> None:
    made = plan(directory())
    assert (made.changes, made.conflicts, made.refreshed, made.unchanged, made.excluded) == ((), (), (), 0, 0)


@pytest.mark.parametrize("scope", OTHER_SCOPES)
def test_all_is_as_it_should_be(scope: Scope) -> None:
    held, known = synced(ADA, 1, "1000")
    made = plan(directory(ADA), pbx(held), [known], rule_=rule(scope=scope))
    assert (made.changes, made.conflicts, made.refreshed, made.unchanged) == ((), (), (), 1)


def test_extensions_of_nobody_are_left_alone() -> None:
    made = plan(directory(), pbx(extension(1, "1000", email_addr="hand@made.test")))
    assert (made.changes, made.conflicts) == ((), ())


# --- newcomers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", OTHER_SCOPES)
def test_newcomers_get_extensions_in_the_order_of_their_names(scope: Scope) -> None:
    upper = user("Bea", "bea@x.test")
    made = plan(directory(CID, upper, ADA), rule_=rule(scope=scope))
    assert brief(made.changes) == ["create ada 1000 new_user", "create Bea 1001 new_user", "create cid 1002 new_user"]


def test_a_creation_carries_all_that_is_known_and_writes_no_empty_field() -> None:
    change = _only(plan(directory(ADA)))
    assert change.after == {"first_name": "ada", "email_addr": "ada@x.test", "title": "Lead"}
    assert (change.before, change.object_id, change.depends_on, change.drift) == ({}, None, (), ())
    assert change.association.written == fields(first_name="ada", email_addr="ada@x.test", title="Lead")
    assert (change.association.extension_id, change.association.number) == (0, "1000")
    assert (change.association.origin, change.association.welcome) == (Origin.CREATED, Welcome.NONE)
    assert (change.association.dn, change.association.account_name) == (ADA.dn, "ada")


@pytest.mark.parametrize(
    ("person", "status"),
    [
        (user("ada", disabled=True), AccountStatus.DISABLED),
        (user("ada", expires=NOW), AccountStatus.EXPIRED),
    ],
)
def test_the_status_of_a_newcomer_counts_only_where_the_rule_names_it(person: Any, status: AccountStatus) -> None:
    excluded = plan(directory(person), rule_=rule(delete_when=[status]))
    assert (excluded.changes, excluded.excluded) == ((), 1)
    others = plan(directory(person), rule_=rule(delete_when=set(AccountStatus) - {status}))
    assert (brief(others.changes), others.excluded) == (["create ada 1000 new_user"], 0)


def test_one_with_an_extension_that_their_status_ends_is_removed_and_not_excluded() -> None:
    held, known = synced(ADA, 1, "1000")
    made = plan(
        directory(replace(ADA, disabled=True)), pbx(held), [known], rule_=rule(delete_when=[AccountStatus.DISABLED])
    )
    assert (brief(made.changes), made.excluded) == (["delete ada 1000 account_disabled"], 0)


def test_a_value_that_the_pbx_would_refuse_is_left_out_and_told() -> None:
    made = plan(directory(user("ada", "not an address")))
    assert _only(made).after == {"first_name": "ada"}
    assert codes(made) == [("ada", ConflictCode.FIELD_INVALID)]
    assert "'not an address' cannot become email_addr" in made.conflicts[0].message


@pytest.mark.parametrize(
    ("mail", "send", "welcome", "told"),
    [
        ("ada@x.test", True, Welcome.DUE, []),
        ("ada@x.test", False, Welcome.NONE, []),
        ("", True, Welcome.NONE, [("ada", ConflictCode.WELCOME_WITHOUT_ADDRESS)]),
        ("", False, Welcome.NONE, []),
    ],
)
def test_a_welcome_is_due_where_it_is_asked_for_and_can_be_sent(
    mail: str, send: bool, welcome: Welcome, told: list[tuple[str, str]]
) -> None:
    made = plan(directory(user("ada", mail)), rule_=rule(send_welcome_email=send))
    assert _only(made).association.welcome is welcome
    assert codes(made) == told
    assert all("Extension 1000 has" in conflict.message for conflict in made.conflicts)


def test_no_welcome_is_due_to_an_extension_that_is_there_already() -> None:
    held, known = synced(ADA, 1, "1000")
    made = plan(directory(ADA), pbx(held), [known], rule_=rule(send_welcome_email=True))
    assert (made.changes, made.refreshed) == ((), ())
    adopted = plan(directory(ADA), pbx(held), rule_=rule(send_welcome_email=True, associate_by_email=True))
    assert _only(adopted).association.welcome is Welcome.NONE


# --- numbers ------------------------------------------------------------------------------------------------------


def test_numbers_in_use_resting_or_being_freed_are_not_given() -> None:
    leaving, known = synced(CID, 2, "1001")
    made = plan(
        directory(ADA, deleted=["cid"]),
        pbx(extension(1, "1000"), leaving),
        [known],
        [retired("1002", "eve")],
    )
    assert brief(made.changes) == ["delete cid 1001 account_deleted", "create ada 1003 new_user"]
    assert made.changes[1].depends_on == ()


def test_who_returns_gets_their_number_back() -> None:
    made = plan(directory(ADA, BEN), retired_=[retired("1000", "ben")])
    assert brief(made.changes) == ["create ada 1001 new_user", "create ben 1000 new_user"]


def test_the_number_of_an_extension_found_gone_rests_at_once() -> None:
    _held, known = synced(CID, 2, "1000")
    made = plan(directory(ADA, outside=[CID]), pbx(), [known])
    assert brief(made.changes) == ["release cid 1000 extension_gone", "create ada 1001 new_user"]


@pytest.mark.parametrize("from_", NumberFrom)
def test_the_number_of_a_user_that_is_not_shown_is_not_given_though_the_extension_is_gone(from_: NumberFrom) -> None:
    _held, known = synced(CID, 2, "1000")
    newcomer = user("ada", "ada@x.test", ipPhone="1000")
    made = plan(directory(newcomer, missing=["cid"]), pbx(), [known], rule_=rule(number_from=from_))
    assert "1000" not in [change.number for change in made.changes]
    assert ("ada", ConflictCode.NUMBER_IN_USE) in codes(made) or brief(made.changes) == ["create ada 1001 new_user"]


def test_a_number_freed_by_a_deletion_may_be_asked_for_by_attribute() -> None:
    leaving, known = synced(CID, 2, "1000")
    made = plan(directory(user("ada", ipPhone="1000"), deleted=["cid"]), pbx(leaving), [known], rule_=FROM_PHONE)
    assert brief(made.changes) == ["delete cid 1000 account_deleted", "create ada 1000 new_user"]
    assert made.changes[1].depends_on == ("delete:guid-cid",)


@pytest.mark.parametrize(
    ("phones", "code", "word"),
    [
        (["", "1001"], ConflictCode.NUMBER_MISSING, "ipPhone is empty"),
        (["ext 7", "1001"], ConflictCode.NUMBER_INVALID, "'ext 7'"),
        (["1000", "1001"], ConflictCode.NUMBER_IN_USE, "Extension 1000 exists"),
    ],
)
def test_who_has_no_usable_number_gets_no_extension_and_stops_nobody(
    phones: list[str], code: ConflictCode, word: str
) -> None:
    people = [user("ada", ipPhone=phones[0]), user("ben", ipPhone=phones[1])]
    made = plan(directory(*people), pbx(extension(1, "1000")), rule_=FROM_PHONE)
    assert brief(made.changes) == ["create ben 1001 new_user"]
    assert codes(made) == [("ada", code)]
    assert word in made.conflicts[0].message


def test_two_with_one_number_get_none() -> None:
    made = plan(directory(user("ada", ipPhone="1000"), user("ben", ipPhone="1000")), rule_=FROM_PHONE)
    assert made.changes == ()
    assert codes(made) == [("ada", ConflictCode.NUMBER_SHARED), ("ben", ConflictCode.NUMBER_SHARED)]


def test_a_range_that_is_used_up() -> None:
    made = plan(directory(ADA, BEN), rule_=rule(number_start=1000, number_end=1000))
    assert brief(made.changes) == ["create ada 1000 new_user"]
    assert codes(made) == [("ben", ConflictCode.NUMBER_RANGE_EXHAUSTED)]


@pytest.mark.parametrize("phone", ["2000", "", "ext 7", "1000"])
def test_a_number_once_given_stays(phone: str) -> None:
    person = user("ada", ipPhone=phone)
    held, known = synced(person, 1, "1000")
    made = plan(directory(person), pbx(held), [known], rule_=FROM_PHONE)
    assert made.changes == ()
    assert codes(made) == ([("ada", ConflictCode.NUMBER_DIFFERS)] if phone == "2000" else [])
    assert all("ipPhone says 2000 and the extension is 1000" in conflict.message for conflict in made.conflicts)


def test_a_rename_and_another_start_renumber_nobody() -> None:
    held, known = synced(ADA, 1, "1000")
    renamed = replace(ADA, dn="CN=zoe,DC=example,DC=test", account_name="zoe")
    made = plan(directory(renamed), pbx(held), [known], rule_=rule(number_start=5000))
    assert made.changes == ()
    assert made.refreshed == (replace(known, dn="CN=zoe,DC=example,DC=test", account_name="zoe"),)


def test_a_number_changed_by_hand_is_what_the_pbx_shows() -> None:
    held, known = synced(ADA, 1, "1000")
    moved = replace(held, number="2000")
    kept = plan(directory(ADA), pbx(moved), [known])
    assert kept.changes == ()
    assert kept.refreshed == (replace(known, number="2000"),)
    taken = user("ben", ipPhone="1000")
    made = plan(directory(taken, deleted=["ada"]), pbx(moved, extension(2, "1000")), [known], rule_=FROM_PHONE)
    assert brief(made.changes) == ["delete ada 2000 account_deleted"]
    assert codes(made) == [("ben", ConflictCode.NUMBER_IN_USE)]


# --- capacity -----------------------------------------------------------------------------------------------------


def test_no_more_extensions_than_the_licence_allows() -> None:
    made = plan(directory(ADA, BEN, CID), pbx(extension(1, "1"), room=2))
    assert brief(made.changes) == ["create ada 1000 new_user", "create ben 1001 new_user"]
    assert codes(made) == [("cid", ConflictCode.NO_CAPACITY)]
    assert "licensed for 3 extensions" in made.conflicts[0].message


def test_a_deletion_makes_room_for_one_creation_that_waits_for_it() -> None:
    one, known_one = synced(user("eve"), 1, "1")
    two, known_two = synced(user("fay"), 2, "2")
    made = plan(
        directory(ADA, BEN, CID, user("dot"), deleted=["eve", "fay"]),
        pbx(one, two, room=1),
        [known_one, known_two],
    )
    created = {change.name: change.depends_on for change in made.changes if change.action is Action.CREATE}
    assert created == {"ada": (), "ben": ("delete:guid-eve",), "cid": ("delete:guid-fay",)}
    assert codes(made) == [("dot", ConflictCode.NO_CAPACITY)]


def test_a_licence_that_is_exceeded_already_is_first_brought_back() -> None:
    one, known_one = synced(user("eve"), 1, "1")
    two, known_two = synced(user("fay"), 2, "2")
    made = plan(directory(ADA, BEN, deleted=["eve", "fay"]), pbx(one, two, room=-1), [known_one, known_two])
    assert brief(made.changes)[2:] == ["create ada 1000 new_user"]
    assert made.changes[2].depends_on == ("delete:guid-eve", "delete:guid-fay")
    assert codes(made) == [("ben", ConflictCode.NO_CAPACITY)]
    far_over = plan(directory(ADA, deleted=["eve"]), pbx(one, room=-5), [known_one])
    assert brief(far_over.changes) == ["delete eve 1 account_deleted"]


# --- e-mail addresses of others -----------------------------------------------------------------------------------


def test_an_extension_with_the_address_is_taken_over_where_the_rule_says_so() -> None:
    found = extension(7, "4711", first_name="Old", email_addr="ADA@x.test", title="Lead")
    change = _only(plan(directory(ADA), pbx(found), rule_=rule(associate_by_email=True)))
    assert (change.action, change.reason) == (Action.ASSOCIATE, Reason.SAME_EMAIL)
    assert (change.number, change.object_id) == ("4711", 7)
    assert (change.before, change.after) == ({"first_name": "Old"}, {"first_name": "ada"})
    assert change.association.origin is Origin.ADOPTED
    assert (change.association.extension_id, change.association.number) == (7, "4711")


def test_else_it_is_a_conflict_and_nobody_gets_an_extension() -> None:
    made = plan(directory(ADA), pbx(extension(7, "4711", email_addr="ADA@x.test")))
    assert made.changes == ()
    assert codes(made) == [("ada", ConflictCode.EMAIL_IN_USE)]
    assert "address ada@x.test is in use by extension 4711" in made.conflicts[0].message


@pytest.mark.parametrize("associate", [True, False])
def test_two_newcomers_with_the_address_of_one_extension(associate: bool) -> None:
    people = [ADA, user("ben", "Ada@X.test")]
    found = pbx(extension(7, "4711", email_addr="ada@x.test"))
    made = plan(directory(*people), found, rule_=rule(associate_by_email=associate))
    assert made.changes == ()
    assert codes(made) == [("ada", ConflictCode.EMAIL_SHARED), ("ben", ConflictCode.EMAIL_SHARED)]
    assert "address ada@x.test is also that of ben" in made.conflicts[0].message


def test_an_extension_of_another_user_is_never_taken_over() -> None:
    held, known = synced(BEN, 1, "1000")
    made = plan(
        directory(user("ada", "ben@x.test"), missing=["ben"]),
        pbx(held),
        [known],
        rule_=rule(associate_by_email=True),
    )
    assert made.changes == ()
    assert codes(made) == [("ada", ConflictCode.EMAIL_IN_USE), ("ben", ConflictCode.USER_NOT_FOUND)]


def test_an_extension_that_is_released_can_be_taken_over_after_that() -> None:
    held, known = synced(BEN, 1, "1000")
    made = plan(
        directory(user("ada", "ben@x.test"), outside=[BEN]), pbx(held), [known], rule_=rule(associate_by_email=True)
    )
    assert brief(made.changes) == ["release ben 1000 out_of_scope", "associate ada 1000 same_email"]
    assert made.changes[1].depends_on == ("release:guid-ben",)


def test_two_newcomers_with_one_address() -> None:
    made = plan(directory(ADA, user("ben", "ada@x.test"), CID))
    assert brief(made.changes) == ["create cid 1000 new_user"]
    assert codes(made) == [("ada", ConflictCode.EMAIL_SHARED), ("ben", ConflictCode.EMAIL_SHARED)]


def test_who_has_an_address_keeps_it_and_the_others_fields_are_written_without() -> None:
    held, known = synced(ADA, 1, "1000")
    other, known_other = synced(BEN, 2, "1001")
    wants = user("ben", "ada@x.test", title="Boss")
    made = plan(directory(ADA, wants), pbx(held, other), [known, known_other])
    assert _only(made).after == {"title": "Boss"}
    assert _only(made).association.written["email_addr"] == "ben@x.test"
    assert codes(made) == [("ben", ConflictCode.EMAIL_SHARED)]
    assert "address ada@x.test is also that of ada" in made.conflicts[0].message


def test_an_address_of_an_extension_of_nobody_is_refused_to_a_user_that_has_another() -> None:
    held, known = synced(ADA, 1, "1000")
    wants = user("ada", "hand@made.test", title="Lead")
    made = plan(directory(wants), pbx(held, extension(2, "9", email_addr="hand@made.test")), [known])
    assert made.changes == ()
    assert codes(made) == [("ada", ConflictCode.EMAIL_IN_USE)]


def test_two_users_exchange_their_addresses() -> None:
    one, known_one = synced(ADA, 1, "1000")
    two, known_two = synced(BEN, 2, "1001")
    made = plan(
        directory(user("ada", "ben@x.test", title="Lead"), user("ben", "ada@x.test")),
        pbx(one, two),
        [known_one, known_two],
    )
    assert brief(made.changes) == [
        "update ada 1000 address_exchange",
        "update ben 1001 directory_changed",
        "update ada 1000 directory_changed",
    ]
    assert made.unchanged == 0


def test_three_users_hand_their_addresses_round() -> None:
    pairs = [synced(person, id_, str(999 + id_)) for id_, person in enumerate((ADA, BEN, CID), start=1)]
    made = plan(
        directory(user("ada", "ben@x.test", title="Lead"), user("ben", "cid@x.test"), user("cid", "ada@x.test")),
        pbx(*(held for held, _known in pairs)),
        [known for _held, known in pairs],
    )
    assert [(change.name, change.after["email_addr"]) for change in made.changes] == [
        ("ada", ""),
        ("cid", "ada@x.test"),
        ("ben", "cid@x.test"),
        ("ada", "ben@x.test"),
    ]


def test_a_chain_of_addresses_ends_in_a_creation() -> None:
    pairs = [synced(person, id_, str(999 + id_)) for id_, person in enumerate((ADA, BEN), start=1)]
    made = plan(
        directory(user("ada", "ben@x.test", title="Lead"), user("ben", "new@x.test"), user("cid", "ada@x.test")),
        pbx(*(held for held, _known in pairs)),
        [known for _held, known in pairs],
    )
    assert brief(made.changes) == [
        "update ben 1001 directory_changed",
        "update ada 1000 directory_changed",
        "create cid 1002 new_user",
    ]
    assert [change.depends_on for change in made.changes] == [(), ("update:guid-ben",), ("update:guid-ada",)]


@pytest.mark.parametrize("associate", [True, False])
def test_an_address_freed_by_a_deletion_is_free_in_the_same_run(associate: bool) -> None:
    held, known = synced(BEN, 1, "1000")
    made = plan(
        directory(user("ada", "ben@x.test"), deleted=["ben"]),
        pbx(held),
        [known],
        rule_=rule(associate_by_email=associate),
    )
    assert brief(made.changes) == ["delete ben 1000 account_deleted", "create ada 1001 new_user"]
    assert made.changes[1].depends_on == ("delete:guid-ben",)


# --- kept extensions ----------------------------------------------------------------------------------------------


def test_what_changes_in_the_directory_is_written() -> None:
    held, known = synced(user("ada", "ada@x.test", last="Lee"), 1, "1000")
    change = _only(plan(directory(ADA), pbx(held), [known]))
    assert (change.action, change.reason, change.drift) == (Action.UPDATE, Reason.DIRECTORY_CHANGED, ())
    assert change.before == {"last_name": "Lee", "title": ""}
    assert change.after == {"last_name": "", "title": "Lead"}
    assert change.association == with_written(known, last_name="", title="Lead")


def test_what_was_changed_by_hand_is_put_back_as_drift() -> None:
    held, known = synced(ADA, 1, "1000", title="Boss")
    change = _only(plan(directory(ADA), pbx(held), [known]))
    assert (change.reason, change.drift) == (Reason.DRIFT, ("title",))
    assert (change.before, change.after) == ({"title": "Boss"}, {"title": "Lead"})
    assert change.association == known


def test_drift_along_with_a_change_in_the_directory_is_told_field_by_field() -> None:
    held, known = synced(ADA, 1, "1000", title="Boss")
    change = _only(plan(directory(user("ada", "new@x.test", title="Lead")), pbx(held), [known]))
    assert (change.reason, change.drift) == (Reason.DIRECTORY_CHANGED, ("title",))
    assert change.after == {"email_addr": "new@x.test", "title": "Lead"}


def test_a_field_never_written_before_cannot_drift() -> None:
    held, known = synced(ADA, 1, "1000", title="Boss")
    known = replace(known, written={name: value for name, value in known.written.items() if name != "title"})
    change = _only(plan(directory(ADA), pbx(held), [known]))
    assert (change.reason, change.drift) == (Reason.DIRECTORY_CHANGED, ())


def test_what_somebody_wrote_already_as_wanted_is_only_remembered() -> None:
    held, known = synced(ADA, 1, "1000", title="Boss")
    made = plan(directory(user("ada", "ada@x.test", title="Boss")), pbx(held), [known])
    assert made.changes == ()
    assert made.refreshed == (with_written(known, title="Boss"),)
    assert made.unchanged == 1


def test_another_spelling_of_an_address_is_no_change() -> None:
    held, known = synced(ADA, 1, "1000", email_addr="ADA@X.test")
    made = plan(directory(ADA), pbx(held), [known])
    assert (made.changes, made.refreshed) == ((), ())


def test_a_value_that_the_pbx_would_refuse_leaves_the_field_as_it_is() -> None:
    held, known = synced(ADA, 1, "1000")
    made = plan(directory(user("ada", "no address", title="Lead")), pbx(held), [known])
    assert (made.changes, made.refreshed) == ((), ())
    assert codes(made) == [("ada", ConflictCode.FIELD_INVALID)]


@pytest.mark.parametrize("person", [user("ada", disabled=True), user("ada", expires=NOW)])
def test_a_status_that_does_not_delete_goes_on_being_synchronized(person: Any) -> None:
    held, known = synced(user("ada", title="Old"), 1, "1000")
    assert brief(plan(directory(person), pbx(held), [known]).changes) == ["update ada 1000 directory_changed"]


# --- an extension deleted by hand ---------------------------------------------------------------------------------


def test_an_extension_deleted_by_hand_is_created_again_with_its_number() -> None:
    _held, known = synced(ADA, 1, "4711")
    known = replace(known, origin=Origin.ADOPTED)
    made = plan(directory(ADA, BEN), pbx(), [known], rule_=rule(send_welcome_email=True))
    assert brief(made.changes) == ["create ada 4711 extension_missing", "create ben 1000 new_user"]
    restored = made.changes[0].association
    assert isinstance(restored, Association)
    assert (restored.origin, restored.welcome, restored.number) == (Origin.ADOPTED, Welcome.DUE, "4711")
    assert made.unchanged == 0


def test_its_number_is_promised_to_it() -> None:
    _held, known = synced(BEN, 1, "1000")
    made = plan(directory(ADA, BEN), pbx(), [known])
    assert brief(made.changes) == ["create ben 1000 extension_missing", "create ada 1001 new_user"]


def test_its_number_may_have_been_taken_meanwhile() -> None:
    _held, known = synced(ADA, 1, "1000")
    made = plan(directory(ADA), pbx(extension(2, "1000")), [known])
    assert made.changes == ()
    assert codes(made) == [("ada", ConflictCode.NUMBER_IN_USE)]
    assert "extension 1000 was deleted" in made.conflicts[0].message


def test_its_address_may_have_been_taken_meanwhile() -> None:
    _held, known = synced(ADA, 1, "1000")
    made = plan(directory(ADA), pbx(extension(2, "9", email_addr="ada@x.test")), [known])
    assert made.changes == ()
    assert codes(made) == [("ada", ConflictCode.EMAIL_IN_USE)]


def test_it_comes_before_newcomers_where_the_licence_is_short() -> None:
    _held, known = synced(BEN, 1, "1000")
    made = plan(directory(ADA, BEN), pbx(room=1), [known])
    assert brief(made.changes) == ["create ben 1000 extension_missing"]
    assert codes(made) == [("ada", ConflictCode.NO_CAPACITY)]


# --- ends ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "settings", "changes"),
    [
        (directory(deleted=["ada"]), {}, ["delete ada 1000 account_deleted"]),
        (directory(deleted=["ada"]), {"delete_when": []}, []),
        (
            directory(replace(ADA, expires=NOW)),
            {"delete_when": [AccountStatus.EXPIRED]},
            ["delete ada 1000 account_expired"],
        ),
        (directory(outside=[ADA]), {}, ["release ada 1000 out_of_scope"]),
        (directory(outside=[ADA]), {"out_of_scope": OutOfScope.DELETE}, ["delete ada 1000 out_of_scope"]),
    ],
)
@pytest.mark.parametrize("scope", OTHER_SCOPES)
def test_how_an_association_ends(seen: Any, settings: dict[str, Any], changes: list[str], scope: Scope) -> None:
    held, known = synced(ADA, 1, "1000")
    made = plan(seen, pbx(held), [known], rule_=rule(scope=scope, **settings))
    assert brief(made.changes) == changes
    assert made.unchanged == (0 if changes else 1)


def test_a_kept_extension_of_a_deleted_user_is_not_written() -> None:
    held, known = synced(ADA, 1, "1000", title="Boss")
    made = plan(directory(deleted=["ada"]), pbx(held), [known], rule_=rule(delete_when=[]))
    assert (made.changes, made.refreshed, made.unchanged) == ((), (), 1)


# --- users named one by one ---------------------------------------------------------------------------------------


def test_a_named_user_is_bound_to_the_extension_of_that_number() -> None:
    found = extension(7, "4711", first_name="ada", email_addr="old@x.test")
    made = plan(directory(ADA, bindings={"ada": "4711"}), pbx(found), rule_=users_rule({"ada": "4711"}))
    change = _only(made)
    assert brief(made.changes) == ["associate ada 4711 bound_by_name"]
    assert change.before == {"email_addr": "old@x.test", "title": ""}
    assert change.after == {"email_addr": "ada@x.test", "title": "Lead"}
    assert (change.association.origin, change.association.extension_id) == (Origin.BOUND, 7)


def test_a_number_without_extension_binds_nobody_and_creates_nothing() -> None:
    made = plan(directory(ADA, bindings={"ada": "4711"}), rule_=users_rule({"ada": "4711"}))
    assert made.changes == ()
    assert codes(made) == [("ada", ConflictCode.EXTENSION_NOT_FOUND)]
    assert "no extension 4711" in made.conflicts[0].message


def test_of_two_named_for_one_extension_one_is_bound() -> None:
    bindings = {"ada": "4711", "ben": "4711"}
    made = plan(directory(BEN, ADA, bindings=bindings), pbx(extension(7, "4711")), rule_=users_rule(bindings))
    assert brief(made.changes) == ["associate ada 4711 bound_by_name"]
    assert codes(made) == [("ben", ConflictCode.EXTENSION_TAKEN)]
    assert "Extension 4711 is" in made.conflicts[0].message


@pytest.mark.parametrize("deleted", [True, False])
def test_an_extension_of_another_user_or_one_to_be_deleted_is_taken(deleted: bool) -> None:
    held, known = synced(BEN, 1, "1000")
    seen = directory(
        ADA, bindings={"ada": "1000"}, deleted=["ben"] if deleted else [], missing=[] if deleted else ["ben"]
    )
    made = plan(seen, pbx(held), [known], rule_=users_rule({"ada": "1000"}))
    assert brief(made.changes) == (["delete ben 1000 account_deleted"] if deleted else [])
    assert ("ada", ConflictCode.EXTENSION_TAKEN) in codes(made)


def test_another_number_for_a_named_user_ends_one_association_and_begins_another() -> None:
    held, known = synced(ADA, 1, "1000")
    bindings = {"ada": "1001"}
    made = plan(directory(ADA, bindings=bindings), pbx(held, extension(2, "1001")), [known], rule_=users_rule(bindings))
    assert brief(made.changes) == ["release ada 1000 bound_elsewhere", "associate ada 1001 bound_by_name"]
    assert made.changes[1].depends_on == ("release:guid-ada",)
    assert made.changes[1].after == {"first_name": "ada", "title": "Lead"}
    assert codes(made) == [("ada", ConflictCode.EMAIL_IN_USE)]


def test_two_named_users_change_places() -> None:
    one, known_one = synced(ADA, 1, "1000")
    two, known_two = synced(BEN, 2, "1001")
    bindings = {"ada": "1001", "ben": "1000"}
    made = plan(
        directory(ADA, BEN, bindings=bindings), pbx(one, two), [known_one, known_two], rule_=users_rule(bindings)
    )
    assert brief(made.changes) == [
        "release ada 1000 bound_elsewhere",
        "release ben 1001 bound_elsewhere",
        "associate ada 1001 address_exchange",
        "associate ben 1000 bound_by_name",
        "associate ada 1001 bound_by_name",
    ]
    assert made.changes[2].depends_on == ("release:guid-ada", "release:guid-ben")


@pytest.mark.parametrize(
    ("number", "code"),
    [("10000", ConflictCode.EXTENSION_NOT_FOUND), ("1001", ConflictCode.EXTENSION_TAKEN)],
    ids=["no such extension", "another user's, who keeps it"],
)
def test_who_cannot_have_the_extension_that_is_named_keeps_and_is_synchronized_with_their_own(
    number: str, code: ConflictCode
) -> None:
    one, known_one = synced(ADA, 1, "1000")
    two, known_two = synced(BEN, 2, "1001")
    bindings = {"ada": number, "ben": "1001"}
    promoted = user("ada", "ada@x.test", title="Boss")
    made = plan(
        directory(promoted, BEN, bindings=bindings), pbx(one, two), [known_one, known_two], rule_=users_rule(bindings)
    )
    assert brief(made.changes) == ["update ada 1000 directory_changed"]
    assert codes(made) == [("ada", code)]


def test_who_waited_for_the_extension_of_one_who_keeps_it_keeps_their_own_too() -> None:
    held = [synced(who, place, f"100{place}") for place, who in enumerate((ADA, BEN, CID), start=1)]
    bindings = {"ada": "1002", "ben": "1003", "cid": "1004", "dee": "1001"}
    made = plan(
        directory(ADA, BEN, CID, user("dee"), bindings=bindings),
        pbx(*(extension_ for extension_, _known in held)),
        [known for _extension, known in held],
        rule_=users_rule(bindings),
    )
    assert made.changes == ()
    assert codes(made) == [
        ("ada", ConflictCode.EXTENSION_TAKEN),
        ("ben", ConflictCode.EXTENSION_TAKEN),
        ("cid", ConflictCode.EXTENSION_NOT_FOUND),
        ("dee", ConflictCode.EXTENSION_TAKEN),
    ]


def test_who_keeps_their_extension_keeps_nobody_else_from_an_exchange() -> None:
    held = [synced(who, place, f"100{place}") for place, who in enumerate((ADA, BEN, CID), start=1)]
    bindings = {"ada": "1002", "ben": "1001", "cid": "1004"}
    made = plan(
        directory(ADA, BEN, CID, bindings=bindings),
        pbx(*(extension_ for extension_, _known in held)),
        [known for _extension, known in held],
        rule_=users_rule(bindings),
    )
    assert [change.guid for change in made.changes if change.action is Action.RELEASE] == [ADA.guid, BEN.guid]
    assert [line for line in brief(made.changes) if "bound_by_name" in line] == [
        "associate ben 1001 bound_by_name",
        "associate ada 1002 bound_by_name",
    ]
    assert codes(made) == [("cid", ConflictCode.EXTENSION_NOT_FOUND)]


@pytest.mark.parametrize("out_of_scope", OutOfScope)
def test_leaving_one_out_keeps_the_extension(out_of_scope: OutOfScope) -> None:
    held = extension_of(ADA, 1, "1000")
    known = association(ADA, held, origin=Origin.BOUND)
    made = plan(directory(outside=[ADA]), pbx(held), [known], rule_=users_rule({}, out_of_scope=out_of_scope))
    assert brief(made.changes) == ["release ada 1000 no_longer_listed"]


def test_one_named_after_an_earlier_rule_made_the_extension_is_bound_by_name_from_then_on() -> None:
    held, known = synced(ADA, 1, "1000")
    named = plan(directory(ADA, bindings={"ada": "1000"}), pbx(held), [known], rule_=users_rule({"ada": "1000"}))
    assert (named.changes, named.refreshed) == ((), (replace(known, origin=Origin.BOUND),))
    left_out = users_rule({}, out_of_scope=OutOfScope.DELETE)
    refreshed = [one for one in named.refreshed if isinstance(one, Association)]
    made = plan(directory(outside=[ADA]), pbx(held), refreshed, rule_=left_out)
    assert brief(made.changes) == ["release ada 1000 no_longer_listed"]


@pytest.mark.parametrize(
    ("out_of_scope", "change"),
    [(OutOfScope.RELEASE, "release ada 1000 out_of_scope"), (OutOfScope.DELETE, "delete ada 1000 out_of_scope")],
)
def test_who_was_never_named_goes_as_the_rule_says_when_the_scope_becomes_users(
    out_of_scope: OutOfScope, change: str
) -> None:
    held, known = synced(ADA, 1, "1000")
    made = plan(directory(outside=[ADA]), pbx(held), [known], rule_=users_rule({}, out_of_scope=out_of_scope))
    assert brief(made.changes) == [change]


def test_a_bound_extension_that_is_deleted_by_hand_is_created_again() -> None:
    held = extension_of(ADA, 1, "1000")
    known = association(ADA, held, origin=Origin.BOUND)
    made = plan(directory(ADA, bindings={"ada": "1000"}), pbx(), [known], rule_=users_rule({"ada": "1000"}))
    assert brief(made.changes) == ["create ada 1000 extension_missing"]
    assert _only(made).association.origin is Origin.BOUND


def test_a_bound_user_stays_when_the_scope_becomes_another() -> None:
    held = extension_of(ADA, 1, "1000")
    made = plan(directory(ADA), pbx(held), [association(ADA, held, origin=Origin.BOUND)])
    assert (made.changes, made.refreshed) == ((), ())


# --- the plan as a whole ------------------------------------------------------------------------------------------


def test_conflicts_come_in_the_order_of_the_users() -> None:
    people = [user("cid", "no"), user("Ben", "no"), user("ada", "no", mobile="a:b")]
    assert codes(plan(directory(*people))) == [
        ("ada", ConflictCode.FIELD_INVALID),
        ("ada", ConflictCode.FIELD_INVALID),
        ("Ben", ConflictCode.FIELD_INVALID),
        ("cid", ConflictCode.FIELD_INVALID),
    ]


def test_a_plan_is_named_after_what_it_does_and_its_removals_after_what_they_remove() -> None:
    held, known = synced(BEN, 1, "1000")
    leaving = plan(directory(ADA, deleted=["ben"]), pbx(held), [known])
    same = plan(directory(ADA, deleted=["ben"]), pbx(held), [known])
    without = plan(directory(deleted=["ben"]), pbx(held), [known])
    assert leaving == same
    assert leaving.id != without.id
    assert leaving.guard_id == without.guard_id
    assert leaving.guard_id != plan(directory(ADA, BEN), pbx(held), [known]).guard_id


def test_every_user_is_counted_once() -> None:
    same, known_same = synced(ADA, 1, "1000")
    changed, known_changed = synced(BEN, 2, "1001", title="Boss")
    _gone, known_gone = synced(CID, 3, "1002")
    off = user("dot", disabled=True)
    made = plan(
        directory(ADA, BEN, CID, off),
        pbx(same, changed),
        [known_same, known_changed, known_gone],
        rule_=rule(delete_when=[AccountStatus.DISABLED]),
    )
    assert brief(made.changes) == ["update ben 1001 drift", "create cid 1002 extension_missing"]
    assert (made.unchanged, made.excluded) == (1, 1)
    assert guid("dot") not in {change.guid for change in made.changes}
