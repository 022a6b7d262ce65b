# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a user: the extension, the fields, the places, what would be done, and all of it in a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.dangers import Danger
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.explain import (
    Explainer,
    ExtensionExplanation,
    Facts,
    GroupExplanation,
    explanation_data,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.explain_fields import (
    FieldExplanation,
    explain_fields,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import GuardLimits, Limit
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    ObjectAssociation,
    ObjectKind,
    Origin,
    Parked,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Extension,
    ExtensionGroup,
    Organization,
    OrganizationReference,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    Conflict,
    DriftAction,
    Drifted,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import (
    State,
    conflict_data,
    drift_data,
    explanation,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    AccountStatus,
    NumberFrom,
    RuleKind,
    Scope,
    UserRule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.standing import Standing

from tests.unit.explain_builders import explain, facts_of_a_run, facts_without_a_run, scope_facts
from tests.unit.sync_builders import (
    NOW,
    association,
    extension,
    extension_of,
    group,
    guid,
    pbx,
    retired,
    rule,
    synced,
    user,
    users_rule,
)

ANNA = user("anna", "anna@example.test", last="Adler")


# --- the number


def test_an_extension_is_kept_as_it_was_given() -> None:
    held, known = synced(ANNA, 7, "2000")

    told = explain(ANNA, facts_of_a_run([ANNA], pbx(held), [known]))

    assert told.extension == ExtensionExplanation("2000", 7, Origin.CREATED, "kept since it was given")
    assert told.summary == "anna has extension 2000, and the next run changes nothing of it."


@pytest.mark.parametrize(
    ("origin", "why"), [(Origin.ADOPTED, "taken over by e-mail address"), (Origin.BOUND, "bound by the rule")]
)
def test_an_extension_that_was_there_before_is_told_so(origin: Origin, why: str) -> None:
    held = extension_of(ANNA, 7, "2000")

    told = explain(ANNA, facts_of_a_run([ANNA], pbx(held), [association(ANNA, held, origin=origin)]))

    assert told.extension is not None
    assert told.extension.number_explanation == why


def test_a_newcomer_is_told_the_first_free_number() -> None:
    told = explain(ANNA, facts_of_a_run([ANNA], pbx(extension(1, "2000")), rule=rule(number_start=2000)))

    assert told.extension == ExtensionExplanation("2001", None, Origin.CREATED, "first free number from 2000")
    assert told.summary == (
        "anna has no extension; the next run would create extension 2001 (first free number from 2000)."
    )


def test_a_newcomer_who_had_a_number_before_gets_it_back() -> None:
    told = explain(ANNA, facts_of_a_run([ANNA], retired=[retired("1234", "anna")]))

    assert told.extension is not None
    assert (told.extension.number, told.extension.number_explanation) == (
        "1234",
        "the user had it before, and it rests for them",
    )


def test_a_number_that_rests_for_somebody_else_is_no_reason() -> None:
    told = explain(ANNA, facts_of_a_run([ANNA], retired=[retired("1000", "bernd")]))

    assert told.extension is not None
    assert (told.extension.number, told.extension.number_explanation) == ("1001", "first free number from 1000")


@pytest.mark.parametrize("former", ["anna", "bernd"])
def test_a_number_that_has_rested_is_free_like_any_other(former: str) -> None:
    told = explain(ANNA, facts_of_a_run([ANNA], retired=[retired("1000", former, days_ago=31)]))

    assert told.extension is not None
    assert (told.extension.number, told.extension.number_explanation) == ("1000", "first free number from 1000")


def test_a_number_from_an_attribute_is_told_by_its_name() -> None:
    dora = user("dora", ipPhone="2050")

    told = explain(dora, facts_of_a_run([dora], rule=rule(number_from=NumberFrom.ATTRIBUTE)))

    assert told.extension == ExtensionExplanation("2050", None, Origin.CREATED, "ipPhone says 2050")


def test_a_newcomer_who_takes_an_extension_over_is_told_which() -> None:
    held = extension(7, "2060", email_addr="anna@example.test")

    told = explain(ANNA, facts_of_a_run([ANNA], pbx(held), rule=rule(associate_by_email=True)))

    assert told.extension == ExtensionExplanation("2060", 7, Origin.ADOPTED, "taken over by e-mail address")
    assert told.summary == (
        "anna has no extension; the next run would take over extension 2060 (the extension has the user's e-mail "
        "address)."
    )


def test_a_newcomer_who_is_bound_is_told_to_which() -> None:
    facts = facts_of_a_run(
        [ANNA], pbx(extension(7, "2060")), rule=users_rule({"anna": "2060"}), bindings={"anna": "2060"}
    )

    assert explain(ANNA, facts).extension == ExtensionExplanation("2060", 7, Origin.BOUND, "bound by the rule")


def test_an_extension_that_was_deleted_by_hand_is_created_again() -> None:
    _held, known = synced(ANNA, 7, "2000")

    told = explain(ANNA, facts_of_a_run([ANNA], pbx(), [known]))

    assert told.extension == ExtensionExplanation(
        "2000",
        None,
        Origin.CREATED,
        "kept since it was given; the extension was deleted on the PBX by hand and is created again",
    )
    assert told.summary == (
        "anna has extension 2000; the next run would create extension 2000 (drift: the extension was deleted on the "
        "PBX by hand; it is created again)."
    )


def test_an_extension_that_was_deleted_by_hand_while_nothing_runs_is_told() -> None:
    _held, known = synced(ANNA, 7, "2000")
    facts = facts_without_a_run("the integration is disabled", scope_facts(ANNA), Standing(pbx(), [known], ()))

    assert explain(ANNA, facts).extension == ExtensionExplanation(
        "2000", None, Origin.CREATED, "the extension was deleted on the PBX by hand"
    )


# --- what would be done


def test_an_update_names_its_fields_and_its_reason() -> None:
    held, known = synced(ANNA, 7, "2000", title="Boss")

    told = explain(ANNA, facts_of_a_run([ANNA], pbx(held), [known]))

    assert [one.change.before for one in told.upcoming] == [{"title": "Boss"}]
    assert told.summary == (
        "anna has extension 2000; the next run would update title of extension 2000 (drift: it was changed on the PBX "
        "by hand)."
    )


def test_a_deletion_that_the_guard_stops_is_told_so() -> None:
    people = [user("anna"), user("bernd")]
    held = [synced(one, number, f"200{number}") for number, one in enumerate(people, start=1)]
    away = [replace(one, disabled=True) for one in people]
    facts = facts_of_a_run(
        away,
        pbx(*(one for one, _known in held)),
        [known for _one, known in held],
        rule=rule(delete_when={AccountStatus.DISABLED}),
        limits=GuardLimits({Danger.DELETIONS: Limit(1, 1, 1)}),
    )

    told = explain(away[0], facts)

    assert told.summary == (
        "anna has extension 2001; the next run would delete extension 2001 (the account is disabled, which the guard "
        "stops)."
    )
    assert not told.scope.in_scope
    assert explanation_data(told, NOW)["next"][0]["state"] == "stopped"


def test_an_update_of_several_fields_that_is_put_off_is_told_so() -> None:
    held, known = synced(ANNA, 7, "2000", title="Boss", mobile_number="1")
    facts = facts_of_a_run([ANNA], pbx(held), [known])
    put_off = [replace(one, state=State.DEFERRED, detail="it is in a call") for one in facts.outcomes]

    assert explain(ANNA, replace(facts, outcomes=put_off)).summary == (
        "anna has extension 2000; the next run would update mobile_number, title of extension 2000 (drift: it was "
        "changed on the PBX by hand, which is put off while it is in a call)."
    )


def test_several_steps_are_told_in_one_sentence() -> None:
    held, known = synced(ANNA, 7, "2000", title="Boss")
    facts = facts_of_a_run([ANNA], pbx(held), [known])
    (update,) = facts.outcomes
    release = replace(
        update, change=replace(update.change, action=Action.RELEASE, reason=Reason.OUT_OF_SCOPE, after={})
    )
    empty = replace(update, change=replace(update.change, after={}))

    assert explain(ANNA, replace(facts, outcomes=[empty, release])).summary == (
        "anna has extension 2000; the next run would update nothing of extension 2000 (drift: it was changed on the "
        "PBX by hand), and release extension 2000 (it exists in the directory but the scope no longer takes it in)."
    )


def test_a_parked_extension_is_told_with_the_day_since_when() -> None:
    held, known = synced(ANNA, 7, "2000")
    facts = facts_of_a_run([ANNA], pbx(held), [known])
    parked = replace(known, parked=Parked(NOW, "reg", "available"))

    told = explain(ANNA, replace(facts, now=replace(facts.now, associations=[parked]), outcomes=()))

    assert told.extension == ExtensionExplanation("2000", 7, Origin.CREATED, "kept since it was given", NOW)
    assert told.summary == (
        f"anna has extension 2000, parked since {NOW:%Y-%m-%d}, and the next run changes nothing of it."
    )


def test_drift_of_the_user_alone_is_told() -> None:
    held, known = synced(ANNA, 7, "2000")
    hers = Drifted(
        ObjectKind.EXTENSION, ANNA.guid, "2000", "anna", "title", "Clerk", "Clerk", "Boss", DriftAction.REPORTED
    )
    others = [replace(hers, guid="bernd"), replace(hers, kind=ObjectKind.ORGANIZATION)]

    told = explain(ANNA, replace(facts_of_a_run([ANNA], pbx(held), [known]), drift=[*others, hers]))

    assert told.drift == (hers,)


def test_a_number_has_rested_on_the_day_on_which_it_has() -> None:
    days = rule().number_rest_days

    told = explain(ANNA, facts_of_a_run([ANNA], retired=[retired("1000", "anna", days_ago=days)]))

    assert told.extension is not None
    assert told.extension.number_explanation == "first free number from 1000"


def test_where_no_rule_is_saved_users_are_explained_all_the_same() -> None:
    held, known = synced(ANNA, 7, "2000")
    facts = facts_without_a_run("no rule for users is saved", None, Standing(pbx(held), [known], ()))

    assert (
        explain(ANNA, facts).summary == "anna has extension 2000, and no run changes that: no rule for users is saved."
    )


def test_who_is_out_of_scope_and_has_an_extension_is_told_what_becomes_of_it() -> None:
    held, known = synced(ANNA, 7, "2000")
    facts = facts_of_a_run([], pbx(held), [known], outside=[ANNA])

    told = explain(ANNA, facts)

    assert told.summary == (
        "anna has extension 2000; the next run would release extension 2000 (it exists in the directory but the scope "
        "no longer takes it in)."
    )


def test_who_is_out_of_scope_and_has_no_extension_is_told_why() -> None:
    facts = replace(facts_of_a_run([]), scope=scope_facts(rule=UserRule(scope=Scope.FILTER, filter="(cn=b*)")))

    assert explain(ANNA, facts).summary == (
        "anna has no extension, and the next run gives none. The user does not match the filter (cn=b*)."
    )


def test_a_conflict_is_told_with_its_remedy() -> None:
    held = extension(7, "2060", email_addr="anna@example.test")

    told = explain(ANNA, facts_of_a_run([ANNA], pbx(held)))

    assert [one.code for one in told.conflicts] == ["email_in_use"]
    assert told.extension is None
    assert (
        told.summary == f"anna has no extension, and the next run gives none. In the way: {told.conflicts[0].message}"
    )


def test_conflicts_of_others_are_not_told() -> None:
    twin = user("bernd", "anna@example.test")

    facts = facts_of_a_run([user("carl"), ANNA, twin])

    assert explain(user("carl"), facts).conflicts == ()


@pytest.mark.parametrize(
    "idle", ["the integration is disabled", "the rule for users is paused", "no rule for users is saved"]
)
def test_what_no_run_changes_is_told_with_the_reason(idle: str) -> None:
    held, known = synced(ANNA, 7, "2000")
    facts = facts_without_a_run(idle, scope_facts(ANNA), Standing(pbx(held), [known], ()))

    assert explain(ANNA, facts).summary == f"anna has extension 2000, and no run changes that: {idle}."
    assert explain(user("bernd"), facts).summary == f"bernd has no extension, and no run changes that: {idle}."


# --- the fields


def _field(name: str, fields: tuple[FieldExplanation, ...]) -> FieldExplanation:
    return next(field for field in fields if field.field == name)


def test_a_field_is_told_from_the_directory_to_the_pbx() -> None:
    anna = user("anna", mobile="tel:+49 30/12")
    held, known = synced(anna, 7, "2000", mobile_number="110")
    known = replace(known, written={**known.written, "mobile_number": "112"})

    told = explain(anna, facts_of_a_run([anna], pbx(held), [known]))

    assert _field("mobile_number", told.fields) == FieldExplanation(
        field="mobile_number",
        attribute="telephoneNumber",
        directory="tel:+49 30/12",
        wanted="+4930-12",
        pbx="110",
        written="112",
        drift=True,
        problem="",
    )


def test_a_field_of_nobody_has_no_value_on_the_pbx() -> None:
    told = _field("title", explain_fields(ANNA, None, None))

    assert (told.pbx, told.written, told.drift) == (None, None, False)


@pytest.mark.parametrize(
    ("attributes", "source", "raw", "wanted"),
    [
        ({"displayName": " Anna A. ", "cn": "A"}, "displayName", " Anna A. ", "Anna A."),
        ({"displayName": "x" * 64, "cn": "A"}, "cn", "A", "A"),
        ({}, "sAMAccountName", "anna", "anna"),
    ],
)
def test_a_user_without_a_name_is_told_where_the_first_name_comes_from(
    attributes: dict[str, Any], source: str, raw: str, wanted: str
) -> None:
    told = _field("first_name", explain_fields(user("anna", first="", **attributes), None, None))

    assert (told.attribute, told.directory, told.wanted) == (source, raw, wanted)


def test_a_user_with_a_last_name_alone_has_no_first_name() -> None:
    told = _field("first_name", explain_fields(user("anna", first="", last="Adler", cn="A"), None, None))

    assert (told.attribute, told.directory, told.wanted) == ("givenName", "", "")


def test_a_value_that_the_pbx_does_not_take_is_told_and_not_wanted() -> None:
    told = _field("email_addr", explain_fields(user("anna", "no address"), None, None))

    assert (told.directory, told.wanted) == ("no address", None)
    assert "name@example.com" in told.problem


def test_an_address_that_is_taken_is_not_wanted() -> None:
    held = extension(7, "2060", email_addr="anna@example.test")

    told = explain(ANNA, facts_of_a_run([ANNA], pbx(held)))

    assert _field("email_addr", told.fields).problem == told.conflicts[0].message
    assert _field("email_addr", told.fields).wanted is None


def test_capital_letters_of_an_address_are_no_drift() -> None:
    held, known = synced(ANNA, 7, "2000", email_addr="ANNA@example.test")

    assert not _field("email_addr", explain_fields(ANNA, held, known)).drift


# --- places


_ROOT, _STAFF = Organization(1, "Example Ltd", 0), Organization(2, "Staff", 1)


def _group(id_: int, name: str, *, key: str | None = None, everybody: bool = False) -> ObjectAssociation:
    return ObjectAssociation(
        key or guid(name), ObjectKind.EXTENSION_GROUP, RuleKind.GROUPS, id_, "", name, Origin.CREATED
    )


def test_organizations_and_groups_are_told_before_and_after() -> None:
    held, known = synced(ANNA, 7, "2000")
    before = replace(held, organizations=(OrganizationReference(1, "Example Ltd"),))
    after = replace(held, organizations=(OrganizationReference(2, "Staff"),))
    objects = [_group(1, "Stays"), _group(2, "Comes"), _group(3, "Goes"), _group(4, "Others"), _group(5, "All")]
    groups = [ExtensionGroup(one.object_id, one.name) for one in objects]
    everybody = replace(groups[4], includes_all=True)

    def standing(one: Extension, *members: int) -> Standing:
        shown = [replace(group_, members=(7,)) if group_.id in members else group_ for group_ in groups[:4]]
        return Standing(replace(pbx(one), organizations=(_ROOT, _STAFF), groups=(*shown, everybody)), [known], objects)

    facts = Facts(NOW, "", scope_facts(ANNA), now=standing(before, 1, 3), end=standing(after, 1, 2))

    told = explain(ANNA, facts)

    assert (told.organization_actual, told.organization_wanted) == ("Example Ltd", "Example Ltd/Staff")
    assert told.groups == (
        GroupExplanation("All", RuleKind.GROUPS, wanted=True, actual=True),
        GroupExplanation("Comes", RuleKind.GROUPS, wanted=True, actual=False),
        GroupExplanation("Goes", RuleKind.GROUPS, wanted=False, actual=True),
        GroupExplanation("Stays", RuleKind.GROUPS, wanted=True, actual=True),
    )


def test_a_group_that_no_rule_made_is_not_told() -> None:
    held, known = synced(ANNA, 7, "2000")
    snapshot = replace(pbx(held), groups=(ExtensionGroup(1, "By hand", (7,)),))

    told = explain(ANNA, facts_without_a_run("x", scope_facts(ANNA), Standing(snapshot, [known], ())))

    assert told.groups == ()


def test_without_an_extension_there_are_no_places() -> None:
    told = explain(ANNA, facts_of_a_run([]))

    assert (told.organization_actual, told.organization_wanted, told.groups) == ("", "", ())


# --- plain data


def test_the_data_tells_the_account_and_all_that_was_explained() -> None:
    anna = user("anna", disabled=True, expires=NOW, userPrincipalName="anna@x", displayName="Anna A.")
    explained = explain(anna, facts_of_a_run([anna]))

    data = explanation_data(explained, NOW)

    fields = data.pop("fields")
    assert data == {
        "guid": anna.guid,
        "dn": anna.dn,
        "name": "anna",
        "user_principal_name": "anna@x",
        "display_name": "Anna A.",
        "disabled": True,
        "expired": True,
        "in_scope": True,
        "scope_explanation": explained.scope.explanation,
        "extension": {
            "number": "1000",
            "id": None,
            "origin": "created",
            "number_explanation": "first free number from 1000",
            "parked_since": "",
        },
        "organization": {"wanted": "", "actual": ""},
        "groups": [],
        "next": [
            {
                "kind": "extension",
                "action": "create",
                "state": "planned",
                "number": "1000",
                "reason": "new_user",
                "explanation": explanation(Reason.NEW_USER),
                "before": {},
                "after": {"first_name": "anna"},
            }
        ],
        "drift": [],
        "conflicts": [],
        "summary_explanation": explained.summary,
    }
    assert fields[0] == {
        "field": "first_name",
        "attribute": "givenName",
        "directory": "anna",
        "wanted": "anna",
        "pbx": None,
        "written": None,
        "drift": False,
        "problem": "",
    }
    assert [field["field"] for field in fields] == [field.field for field in explained.fields]


def test_the_data_of_who_has_nothing_has_nothing() -> None:
    data = explanation_data(explain(user("anna"), facts_of_a_run([])), NOW)

    assert (data["extension"], data["user_principal_name"], data["display_name"]) == ({}, "", "")


def test_the_data_tells_places_drift_and_since_when_an_extension_is_parked() -> None:
    explained = explain(ANNA, facts_of_a_run([ANNA]))
    drifted = Drifted(
        ObjectKind.EXTENSION, ANNA.guid, "2000", "anna", "title", "Clerk", "Clerk", "Boss", DriftAction.REPORTED
    )
    conflict = Conflict("email_in_use", ANNA.guid, "anna", "It is taken.")

    data = explanation_data(
        replace(
            explained,
            extension=ExtensionExplanation("2000", 7, Origin.ADOPTED, "why", NOW),
            organization_wanted="Company/Sales",
            organization_actual="Company",
            groups=(GroupExplanation("Team", RuleKind.GROUPS, wanted=True, actual=False),),
            drift=(drifted,),
            conflicts=(conflict,),
        ),
        NOW,
    )

    assert data["extension"] == {
        "number": "2000",
        "id": 7,
        "origin": "adopted",
        "number_explanation": "why",
        "parked_since": NOW.isoformat(timespec="seconds"),
    }
    assert data["organization"] == {"wanted": "Company/Sales", "actual": "Company"}
    assert data["groups"] == [{"name": "Team", "rule": "groups", "wanted": True, "actual": False}]
    assert data["drift"] == [drift_data(drifted)]
    assert data["conflicts"] == [conflict_data(conflict)]


# --- size


def test_ten_thousand_users_are_explained_each() -> None:
    people = [user(f"user{number:05}", f"user{number:05}@example.test") for number in range(10_000)]
    synced_before = [synced(one, number, str(10_000 + number)) for number, one in enumerate(people[:8_000], start=1)]
    extensions = [held for held, _known in synced_before]
    known = [one for _held, one in synced_before]
    teams = [
        group(f"team{number}", 2000 + number, *(f"user{i:05}" for i in range(number, 10_000, 50)))
        for number in range(50)
    ]
    outer = group("Outer", 1100, *(team.name for team in teams))
    objects = [_group(number, team.name) for number, team in enumerate(teams, start=1)]
    members = [tuple(range(number, 8_000, 50)) for number in range(1, 51)]
    groups = tuple(ExtensionGroup(one.object_id, one.name, members[place]) for place, one in enumerate(objects))
    facts = facts_of_a_run(people, replace(pbx(*extensions, room=5_000), groups=None), known)
    asked = rule(scope=Scope.GROUPS, groups=("Outer",))
    now = replace(facts.now, pbx=replace(facts.now.pbx, groups=groups), objects=objects)
    scope = scope_facts(*people, rule=asked, groups=[outer, *teams], chosen=frozenset({outer.guid}))
    facts = replace(facts, scope=scope, now=now, end=now)

    explainer = Explainer(facts)
    told = [explanation_data(explainer.explain(one), NOW) for one in people]

    assert len(told) == 10_000
    assert sum(1 for one in told if one["next"]) == 2_000
    assert told[7]["scope_explanation"] == "The user is a member of team7, which is a member of Outer."
