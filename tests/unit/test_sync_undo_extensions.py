# SPDX-License-Identifier: GPL-3.0-or-later
"""How each change of an extension is undone, and what stands in the way of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.images import (
    ExtensionImage,
    GroupMembership,
    OrganizationImage,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Done
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectKind,
    Origin,
    Parked,
    Welcome,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Extension,
    ExtensionGroup,
    Organization,
    OrganizationReference,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    ExtensionChange,
    GroupChange,
    Placement,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rollback import Rollback
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_history import History

from tests.unit.sync_builders import NOW, fields
from tests.unit.undo_builders import (
    ROOT,
    brief,
    conflicts,
    extension,
    lost,
    references,
    rolled_back,
    row,
    team,
    unit,
    user,
)

SALES, STAFF = Organization(7, "Sales", 1), Organization(8, "Staff", 1)
TREE = (ROOT, SALES, STAFF)
ANNA = user("anna", 41, "1000")
PARKED = Parked(NOW, "reg", "available")


def _first(made: Rollback) -> ExtensionChange:
    change = made.plan.changes[0]
    assert isinstance(change, ExtensionChange)
    return change


def _image(*places: Organization, groups: tuple[GroupMembership, ...] | None = (), **values: str) -> ExtensionImage:
    return ExtensionImage("1000", fields(**values), references(*places), "reg", {"role_id": 2}, groups)


# --- what the run had created


def test_a_created_extension_is_deleted() -> None:
    created = row(1, Action.CREATE, None, ANNA)
    made = rolled_back(created, extensions=[extension(41, "1000", first_name="Anna")], held=[ANNA])
    assert brief(made) == ["delete:anna-guid:1 | rolled_back"]
    change = _first(made)
    assert (change.object_id, change.before["first_name"], change.remembered) == (41, "Anna", None)
    assert (change.name, change.dn, change.number) == ("anna", "CN=anna", "1000")


def test_one_that_was_created_in_place_of_one_that_was_gone_is_remembered_as_that_one() -> None:
    former = replace(ANNA, extension_id=40, number="999")
    made = rolled_back(row(1, Action.CREATE, former, ANNA), extensions=[extension(41, "1000")], held=[ANNA])
    assert _first(made).action is Action.DELETE
    assert _first(made).remembered == former


def test_of_a_created_extension_that_is_gone_the_association_ends() -> None:
    made = rolled_back(row(1, Action.CREATE, None, ANNA), held=[ANNA])
    assert brief(made) == ["release:anna-guid:1 | extension_gone"]
    assert _first(made).object_id == 41


def test_a_created_extension_that_was_given_another_number_since_is_kept() -> None:
    made = rolled_back(row(1, Action.CREATE, None, ANNA), extensions=[extension(41, "2000")], held=[ANNA])
    assert made.plan.changes == ()
    assert conflicts(made) == [
        (
            "anna",
            "changed_since",
            'The number of extension 1000 was empty before the run, which left it "1000"; now it is "2000". It was '
            "changed since, and is left as it is. Set it by hand if it is to be as before.",
        )
    ]


def test_one_that_was_released_before_another_was_created_is_the_users_again() -> None:
    new = replace(ANNA, extension_id=51, number="1005")
    rows = (row(1, Action.RELEASE, ANNA, None), row(2, Action.CREATE, None, new, object_id=None))
    made = rolled_back(*rows, extensions=[extension(41, "1000"), extension(51, "1005")], held=[new])
    assert brief(made) == [
        "delete:anna-guid:2 | rolled_back",
        "associate:anna-guid:1 | remembered | after delete:anna-guid:2",
    ]
    gone = rolled_back(*rows, extensions=[extension(41, "1000")], held=[new])
    assert [(change.action, change.object_id) for change in gone.plan.changes] == [
        (Action.RELEASE, 51),
        (Action.ASSOCIATE, 41),
    ]


# --- what the run had deleted


@pytest.mark.parametrize("number", ["1000", "1001"])
def test_a_number_and_an_address_that_a_new_extension_took_are_free_once_that_is_deleted(number: str) -> None:
    deleted = row(1, Action.DELETE, ANNA, None, _image(email_addr="Sales@example.test"))
    ben = user("ben", 42, number)
    created = row(2, Action.CREATE, None, ben)
    made = rolled_back(
        deleted, created, extensions=[extension(42, number, email_addr="sales@example.test")], held=[ben]
    )
    assert (conflicts(made), [change.key for change in made.plan.changes]) == (
        [],
        ["delete:ben-guid:2", "create:anna-guid:1"],
    )
    assert set(made.plan.changes[1].depends_on) == {"delete:ben-guid:2"}


def test_a_number_that_alone_was_taken_is_waited_for() -> None:
    deleted = row(1, Action.DELETE, ANNA, None, _image())
    ben = user("ben", 42, "1000")
    made = rolled_back(deleted, row(2, Action.CREATE, None, ben), extensions=[extension(42, "1000")], held=[ben])
    assert brief(made) == [
        "delete:ben-guid:2 | rolled_back",
        "create:anna-guid:1 | rolled_back | organizations: >Company | after delete:ben-guid:2",
    ]


def test_an_address_that_is_anothers_by_now_is_not_given_to_one_that_is_made_again() -> None:
    deleted = row(1, Action.DELETE, ANNA, None, _image(first_name="Anna", email_addr="anna@example.test"))
    made = rolled_back(deleted, extensions=[extension(50, "1005", email_addr="ANNA@example.test")])
    assert brief(made) == ["create:anna-guid:1 | rolled_back | first_name: >Anna | organizations: >Company"]
    assert conflicts(made) == [
        (
            "anna",
            "email_in_use",
            "The e-mail address anna@example.test, which extension 1000 had before the run, is that of extension 1005 "
            "now, and is not put back. Change one of the two.",
        )
    ]


def test_a_number_that_is_in_use_again_is_told_with_the_remedy() -> None:
    made = rolled_back(row(1, Action.DELETE, ANNA, None, _image()), extensions=[extension(50, "1000")])
    assert made.plan.changes == ()
    assert conflicts(made) == [
        (
            "anna",
            "number_in_use",
            "The number 1000 of the extension that the run deleted is in use again. Delete the extension that has it, "
            "and roll back once more.",
        )
    ]


def test_only_as_many_are_made_again_as_the_licence_allows() -> None:
    rows = [
        row(
            id_,
            Action.DELETE,
            user(f"u{id_}", 40 + id_, str(1000 + id_)),
            None,
            replace(_image(), number=str(1000 + id_)),
        )
        for id_ in (1, 2)
    ]
    made = rolled_back(*rows, extensions=[extension(50, "1005")], room=1)
    assert [change.key for change in made.plan.changes] == ["create:u2-guid:2"]
    assert conflicts(made) == [
        (
            "u1",
            "no_capacity",
            "The PBX is licensed for 2 extensions and all of them are taken, so that extension 1001 cannot be made "
            "again. Extend the licence, or delete another one.",
        )
    ]


def test_what_a_created_extension_leaves_makes_room_for_one_that_is_made_again() -> None:
    ben = user("ben", 42, "1001")
    rows = (row(1, Action.DELETE, ANNA, None, _image()), row(2, Action.CREATE, None, ben))
    made = rolled_back(*rows, extensions=[extension(42, "1001")], held=[ben], room=0)
    assert [change.key for change in made.plan.changes] == ["delete:ben-guid:2", "create:anna-guid:1"]


def test_an_extension_comes_back_into_its_organizations_that_are_still_there() -> None:
    deleted = row(1, Action.DELETE, replace(ANNA, organization_id=7), None, _image(SALES, STAFF))
    made = rolled_back(deleted, organizations=(ROOT, STAFF))
    assert brief(made) == ["create:anna-guid:1 | rolled_back | organizations: >Company/Staff"]
    assert _first(made).placement == Placement(references(STAFF))
    assert ("anna", "its place in the organization Sales, which is gone") in lost(made)
    assert len(lost(made)) == 5


def test_an_extension_comes_back_into_an_organization_that_is_made_again_before_it() -> None:
    sales = unit("Sales", 7)
    held_there = replace(ANNA, organization_id=7)
    deleted = row(1, Action.DELETE, held_there, None, _image(SALES))
    emptied = row(2, Action.DELETE, sales, None, OrganizationImage("Sales", 1))
    made = rolled_back(deleted, emptied)
    assert [change.key for change in made.plan.changes] == ["organization:create:Sales-guid:2", "create:anna-guid:1"]
    again = made.plan.changes[1]
    assert isinstance(again, ExtensionChange)
    assert again.depends_on == ("organization:create:Sales-guid:2",)
    assert again.placement == Placement((OrganizationReference(-7, "Sales"),))
    assert again.remembered == replace(held_there, extension_id=-41, organization_id=-7)
    assert again.association == replace(again.remembered, extension_id=0, organization_id=0)


def test_an_extension_waits_for_an_organization_that_an_administrator_had_put_it_into() -> None:
    deleted = row(1, Action.DELETE, ANNA, None, _image(SALES))
    made = rolled_back(deleted, row(2, Action.DELETE, unit("Sales", 7), None, OrganizationImage("Sales", 1)))
    assert made.plan.changes[1].depends_on == ("organization:create:Sales-guid:2",)


def test_the_root_alone_is_no_place() -> None:
    assert _first(rolled_back(row(1, Action.DELETE, ANNA, None, _image(ROOT)))).placement == Placement(())


def test_while_organization_management_is_off_an_extension_is_made_again_without_a_place() -> None:
    made = rolled_back(row(1, Action.DELETE, ANNA, None, _image(SALES, first_name="Anna")), organizations=None)
    assert brief(made) == ["create:anna-guid:1 | rolled_back | first_name: >Anna"]
    assert _first(made).placement is None
    assert [(one.kind, one.guid, one.number, one.name, len(one.what)) for one in made.not_restored] == [
        (ObjectKind.EXTENSION, "anna-guid", "1000", "anna", 4)
    ]


@pytest.mark.parametrize(("send", "expected"), [(False, Welcome.SENT), (True, Welcome.DUE)])
def test_a_new_welcome_is_due_only_if_it_is_asked_for(send: bool, expected: Welcome) -> None:
    former = replace(ANNA, welcome=Welcome.SENT)
    made = rolled_back(row(1, Action.DELETE, former, None, _image()), send_welcome_email=send)
    remembered = _first(made).remembered
    assert remembered is not None
    assert remembered.welcome is expected


def test_a_deletion_of_which_no_image_is_there_is_lost() -> None:
    made = rolled_back(row(1, Action.DELETE, ANNA, None))
    assert (made.plan.changes, conflicts(made)) == ((), [])
    assert lost(made) == [("anna", "the extension: what it was is not written down")]


def test_what_is_lost_is_told_of_each_extension() -> None:
    ben = user("ben", 42, "1001")
    rows = (row(1, Action.DELETE, ANNA, None), row(2, Action.DELETE, ben, None))
    assert [(one.name, len(one.what)) for one in rolled_back(*rows).not_restored] == [("ben", 1), ("anna", 1)]


# --- the groups of an extension that is made again


def test_an_extension_is_a_member_of_its_groups_again() -> None:
    sales = team("Sales", 5, 42)
    of_groups = (GroupMembership(5, "Sales", "manager", remembered=True), GroupMembership(6, "By hand"))
    deleted = row(1, Action.DELETE, ANNA, None, _image(groups=of_groups))
    groups = (ExtensionGroup(5, "Sales", (42,), user_types={42: "user"}), ExtensionGroup(6, "By hand"))
    made = rolled_back(
        deleted,
        extensions=[extension(42, "1001", first_name="Ben")],
        groups=groups,
        held=[sales, user("ben", 42, "1001")],
    )
    _creation, to_sales, by_hand = made.plan.changes
    assert isinstance(to_sales, GroupChange)
    assert isinstance(by_hand, GroupChange)
    assert (to_sales.key, to_sales.guid, to_sales.dn) == (
        "extension_group:update:Sales-guid:members",
        "Sales-guid",
        "CN=Sales",
    )
    assert (to_sales.kept, to_sales.added, to_sales.removed) == ((-41, 42), ("1000",), ())
    assert to_sales.user_types == {-41: "manager"}
    assert to_sales.remembered == replace(sales, members=(-41, 42))
    assert to_sales.depends_on == ()
    # A group that nobody is associated with is named by its id.
    assert (by_hand.guid, by_hand.name, by_hand.dn, by_hand.object_id) == ("group:6", "By hand", "", 6)
    assert (by_hand.kept, by_hand.association, by_hand.remembered, by_hand.user_types) == ((-41,), None, None, {})


def test_a_membership_of_a_group_that_is_gone_is_lost_and_one_of_everybody_is_there_anyway() -> None:
    of_groups = (GroupMembership(5, "Sales"), GroupMembership(6, "Everybody"))
    deleted = row(1, Action.DELETE, ANNA, None, _image(groups=of_groups))
    made = rolled_back(deleted, groups=(ExtensionGroup(6, "Everybody", includes_all=True),))
    assert [change.key for change in made.plan.changes] == ["create:anna-guid:1"]
    assert lost(made)[-1] == ("anna", "its membership of the extension group Sales, which is gone")
    assert len(lost(made)) == 5


def test_memberships_of_one_that_an_earlier_attempt_made_again_are_put_back_by_the_next() -> None:
    """The earlier attempt was cut off between the extension and its groups."""
    of_groups = (GroupMembership(5, "Sales"), GroupMembership(6, "By hand"))
    deleted = row(1, Action.DELETE, ANNA, None, _image(groups=of_groups))
    again = replace(ANNA, extension_id=60)
    creation = row(9, Action.CREATE, None, again, object_id=None, part="1", remembered=replace(ANNA, extension_id=-41))
    by_hand = row(
        10, Action.UPDATE, team("By hand", 6), team("By hand", 6), part="members", kept=(60,), association=None
    )
    groups = (ExtensionGroup(5, "Sales"), ExtensionGroup(6, "By hand"))
    made = rolled_back(
        deleted,
        extensions=[extension(60, "1000", first_name="Anna")],
        groups=groups,
        held=[again],
        undone_by=[History((creation, by_hand))],
    )
    (change,) = made.plan.changes
    assert isinstance(change, GroupChange)
    # Out of the other one, into which it was put already, somebody took it since.
    assert (change.object_id, change.kept, change.added) == (5, (60,), ("1000 Anna",))


def test_a_group_knows_the_new_id_of_a_member_that_is_in_it_already() -> None:
    sales = team("Sales", 5, 41, 42)
    again = replace(ANNA, extension_id=60)
    deleted = row(1, Action.DELETE, ANNA, None, _image(groups=(GroupMembership(5, "Sales", remembered=True),)))
    creation = row(9, Action.CREATE, None, again, object_id=None, part="1", remembered=replace(ANNA, extension_id=-41))
    made = rolled_back(
        deleted,
        extensions=[extension(60, "1000"), extension(42, "1001")],
        groups=[ExtensionGroup(5, "Sales", (42, 60))],
        held=[again, sales],
        undone_by=[History((creation,))],
    )
    (change,) = made.plan.changes
    assert isinstance(change, GroupChange)
    assert (change.reason, change.kept, change.added) == (Reason.REMEMBERED, (42, 60), ())
    assert change.remembered == replace(sales, members=(42, 60))


# --- what the run had written


def _updated(before: dict[str, str], after: dict[str, str], id_: int = 3, **values: Any) -> Done:
    """The update of Anna's extension from some values to others."""
    former, latter = replace(ANNA, written=before), replace(ANNA, written=after)
    known = {"image": replace(_image(ROOT), fields=fields(**before)), "before": before, "after": after, **values}
    return row(id_, Action.UPDATE, former, latter, **known)


def test_what_is_still_as_the_run_left_it_is_put_back_and_what_was_set_since_stays() -> None:
    before, after = {"title": "Clerk", "mobile_number": "1"}, {"title": "Boss", "mobile_number": "2"}
    present = extension(41, "1000", first_name="Anna", title="Boss", mobile_number="3")
    held = replace(ANNA, written=after)
    made = rolled_back(_updated(before, after), extensions=[present], held=[held])
    assert brief(made) == ["update:anna-guid:3 | rolled_back | title: Boss>Clerk"]
    change = _first(made)
    assert (change.placement, change.parked, change.object_id) == (None, None, 41)
    # What was set since is drift to the next run, as it was to the one that is undone.
    assert change.remembered == replace(ANNA, written={"title": "Clerk", "mobile_number": "2"})
    assert conflicts(made)[0][:2] == ("anna", "changed_since")
    assert conflicts(made)[0][2].startswith(
        'mobile_number of extension 1000 was "1" before the run, which left it "2"; now it is "3".'
    )


def test_an_address_that_is_anothers_by_now_is_not_put_back_and_all_else_is() -> None:
    before = {"title": "Clerk", "email_addr": "anna@example.test"}
    after = {"title": "Boss", "email_addr": "boss@example.test"}
    held = replace(ANNA, written=after)
    present = [extension(41, "1000", **after), extension(50, "1005", email_addr="anna@example.test")]
    made = rolled_back(_updated(before, after), extensions=present, held=[held])
    assert brief(made) == ["update:anna-guid:3 | rolled_back | title: Boss>Clerk"]
    assert _first(made).remembered == replace(ANNA, written={**after, "title": "Clerk"})
    assert [code for _name, code, _message in conflicts(made)] == ["email_in_use"]


def test_an_address_goes_back_once_the_one_that_was_given_it_has_given_it_up() -> None:
    ben = user("ben", 42, "1001", written={"email_addr": "Sales@example.test"})
    to_ben = row(
        4,
        Action.UPDATE,
        replace(ben, written={"email_addr": "ben@example.test"}),
        ben,
        ExtensionImage("1001", fields(email_addr="ben@example.test")),
        before={"email_addr": "ben@example.test"},
        after={"email_addr": "Sales@example.test"},
    )
    before, after = {"email_addr": "sales@example.test"}, {"email_addr": ""}
    made = rolled_back(
        _updated(before, after),
        to_ben,
        extensions=[extension(41, "1000"), extension(42, "1001", email_addr="Sales@example.test")],
        held=[replace(ANNA, written=after), ben],
    )
    assert conflicts(made) == []
    assert brief(made) == [
        "update:ben-guid:4 | rolled_back | email_addr: Sales@example.test>ben@example.test",
        "update:anna-guid:3 | rolled_back | email_addr: >sales@example.test | after update:ben-guid:4",
    ]


def test_two_changes_of_one_extension_are_undone_one_after_the_other() -> None:
    first = _updated({"title": "Clerk"}, {"title": "Boss"}, 1)
    second = _updated({"title": "Boss"}, {"title": "Chief"}, 2)
    made = rolled_back(
        first,
        second,
        extensions=[extension(41, "1000", title="Chief")],
        held=[replace(ANNA, written={"title": "Chief"})],
    )
    assert brief(made) == [
        "update:anna-guid:2 | rolled_back | title: Chief>Boss",
        "update:anna-guid:1 | rolled_back | title: Boss>Clerk | after update:anna-guid:2",
    ]


ADA, BEN = {"email_addr": "ada@example.test"}, {"email_addr": "ben@example.test"}
NO_ADDRESS = {"email_addr": ""}


def _exchanged() -> list[Done]:
    """Anna and Ben have exchanged their addresses, and both changes of Anna's extension begin with what it was."""
    ben = user("ben", 42, "1001")
    return [
        _updated(ADA, NO_ADDRESS, 1, reason=Reason.ADDRESS_EXCHANGE),
        row(2, Action.UPDATE, replace(ben, written=BEN), replace(ben, written=ADA), before=BEN, after=ADA),
        replace(_updated(ADA, BEN, 3), former=replace(ANNA, written=NO_ADDRESS)),
    ]


def _after_the_exchange(annas: str, bens: str = "ada@example.test", *others: Extension) -> Rollback:
    """Undo the exchange of Anna and Ben, who have these addresses by now."""
    extensions = [extension(41, "1000", email_addr=annas), extension(42, "1001", email_addr=bens), *others]
    held = [replace(ANNA, written=BEN), user("ben", 42, "1001", written=ADA)]
    return rolled_back(*_exchanged(), extensions=extensions, held=held)


def test_addresses_that_were_exchanged_go_back_the_way_they_came() -> None:
    made = _after_the_exchange("ben@example.test")
    assert conflicts(made) == []
    assert brief(made) == [
        "update:anna-guid:3 | rolled_back | email_addr: ben@example.test>",
        "update:ben-guid:2 | rolled_back | email_addr: ada@example.test>ben@example.test | after update:anna-guid:3",
        "update:anna-guid:1 | rolled_back | email_addr: >ada@example.test | after update:ben-guid:2 update:anna-guid:3",
    ]
    assert _written(made) == {"anna-guid": ADA, "ben-guid": BEN}


def test_an_address_that_was_exchanged_and_changed_since_is_told_once_and_truly() -> None:
    made = _after_the_exchange("new@example.test")
    assert conflicts(made) == [
        (
            "anna",
            "changed_since",
            'email_addr of extension 1000 was "ada@example.test" before the run, which left it "ben@example.test"; now '
            'it is "new@example.test". It was changed since, and is left as it is. Set it by hand if it is to be as '
            "before.",
        )
    ]
    assert [change.key for change in made.plan.changes if change.after] == ["update:ben-guid:2"]


def test_who_cannot_have_the_former_address_again_keeps_the_one_of_the_exchange() -> None:
    since = extension(50, "1005", email_addr="Ada@example.test")
    made = _after_the_exchange("ben@example.test", "new@example.test", since)
    (anna, code, message), (ben, other_code, _message) = conflicts(made)
    assert (anna, code, ben, other_code) == ("anna", "email_in_use", "ben", "changed_since")
    assert "ada@example.test, which extension 1000 had before the run, is that of extension 1005" in message
    assert [change for change in made.plan.changes if change.after] == []
    assert _written(made).get("anna-guid", BEN) == BEN


def test_an_address_that_was_emptied_by_hand_after_an_exchange_is_left_empty_and_told() -> None:
    made = _after_the_exchange("")
    assert conflicts(made) == [
        (
            "anna",
            "changed_since",
            'email_addr of extension 1000 was "ada@example.test" before the run, which left it "ben@example.test"; now '
            "it is empty. It was changed since, and is left as it is. Set it by hand if it is to be as before.",
        )
    ]
    assert [change.key for change in made.plan.changes if change.after] == ["update:ben-guid:2"]


def test_of_an_address_that_somebody_has_put_back_after_an_exchange_nothing_is_told() -> None:
    made = _after_the_exchange("ada@example.test", "new@example.test")
    assert [(name, code) for name, code, _message in conflicts(made)] == [("ben", "changed_since")]
    assert [change for change in made.plan.changes if change.after] == []


def test_who_exchanged_addresses_with_one_who_is_released_since_keeps_the_new_one() -> None:
    extensions = [extension(41, "1000", **BEN), extension(42, "1001", **ADA)]
    made = rolled_back(*_exchanged(), extensions=extensions, held=[replace(ANNA, written=BEN)])
    assert made.plan.changes == ()
    assert [(name, code) for name, code, _message in conflicts(made)] == [
        ("anna", "email_in_use"),
        ("ben", "changed_since"),
    ]


def test_who_cannot_have_the_address_of_one_who_keeps_the_new_one_keeps_theirs_too() -> None:
    cem_had = {"email_addr": "cem@example.test"}
    ben, cem = user("ben", 42, "1001"), user("cem", 43, "1002")
    rows = [
        _updated(ADA, NO_ADDRESS, 1, reason=Reason.ADDRESS_EXCHANGE),
        row(2, Action.UPDATE, replace(cem, written=cem_had), replace(cem, written=ADA), before=cem_had, after=ADA),
        row(3, Action.UPDATE, replace(ben, written=BEN), replace(ben, written=cem_had), before=BEN, after=cem_had),
        replace(_updated(ADA, BEN, 4), former=replace(ANNA, written=NO_ADDRESS)),
    ]
    extensions = [extension(41, "1000", **BEN), extension(42, "1001", **cem_had), extension(43, "1002", **ADA)]
    # Cem is released since.
    held = [replace(ANNA, written=BEN), replace(ben, written=cem_had)]
    made = rolled_back(*rows, extensions=extensions, held=held)
    assert made.plan.changes == ()
    assert [(name, code) for name, code, _message in conflicts(made)] == [
        ("anna", "email_in_use"),
        ("ben", "email_in_use"),
        ("cem", "changed_since"),
    ]


def test_who_keeps_the_new_address_gets_all_else_back() -> None:
    first, ben, last = _exchanged()
    boss = {**BEN, "title": "Boss"}
    last = replace(last, change=replace(last.change, before={**ADA, "title": "Clerk"}, after=boss))
    extensions = [extension(41, "1000", **boss), extension(42, "1001", **ADA)]
    made = rolled_back(first, ben, last, extensions=extensions, held=[replace(ANNA, written=BEN)])
    assert brief(made) == ["update:anna-guid:3 | rolled_back | title: Boss>Clerk"]
    assert _first(made).remembered == replace(ANNA, written=BEN)


def test_the_rollback_of_a_rolled_back_exchange_leaves_nobody_without_an_address() -> None:
    """Its rows find what is there, and none says that it is about an exchange."""
    ben = user("ben", 42, "1001")
    rows = [
        _updated(BEN, NO_ADDRESS, 1, reason=Reason.ROLLED_BACK),
        row(2, Action.UPDATE, replace(ben, written=ADA), replace(ben, written=BEN), before=ADA, after=BEN),
        _updated(NO_ADDRESS, ADA, 3, reason=Reason.ROLLED_BACK),
    ]
    extensions = [extension(41, "1000", **ADA), extension(42, "1001", **BEN)]
    made = rolled_back(*rows, extensions=extensions, held=[replace(ANNA, written=ADA)])
    assert made.plan.changes == ()
    assert [(name, code) for name, code, _message in conflicts(made)] == [
        ("anna", "email_in_use"),
        ("ben", "changed_since"),
    ]
    emptied = rolled_back(*rows, extensions=[extension(41, "1000")], held=[replace(ANNA, written=ADA)])
    assert emptied.plan.changes == ()
    assert conflicts(emptied)[0][2].startswith(
        'email_addr of extension 1000 was "ben@example.test" before the run, which left it "ada@example.test"; now it '
        "is empty."
    )


def _written(made: Rollback) -> dict[str, Any]:
    """What is remembered as last written once all is done, by the users' objectGUIDs."""
    return {one.guid: one.remembered.written for one in made.plan.changes if isinstance(one.remembered, Association)}


def test_what_somebody_has_put_back_already_is_only_remembered() -> None:
    updated = _updated({"title": "Clerk"}, {"title": "Boss"})
    held = replace(ANNA, written={"title": "Boss"})
    made = rolled_back(updated, extensions=[extension(41, "1000", title="Clerk")], held=[held])
    assert brief(made) == ["update:anna-guid:3 | remembered"]
    assert (_first(made).remembered, made.plan.unchanged) == (replace(ANNA, written={"title": "Clerk"}), 0)
    known = replace(ANNA, written={"title": "Clerk"})
    again = rolled_back(updated, extensions=[extension(41, "1000", title="Clerk")], held=[known])
    assert (again.plan.changes, again.plan.unchanged) == ((), 1)


def test_all_that_is_as_it_was_is_counted() -> None:
    rows, held, present = [], [], []
    for id_ in (41, 42):
        known = user(f"u{id_}", id_, str(id_))
        image = ExtensionImage(str(id_), fields())
        rows.append(row(id_, Action.UPDATE, known, known, image, before={"title": ""}, after={"title": "Boss"}))
        rows.append(row(id_ + 10, Action.UPDATE, known, known, reason=Reason.REMEMBERED))
        held.append(known)
        present.append(extension(id_, str(id_)))
    made = rolled_back(*rows, extensions=present, held=held)
    assert (made.plan.changes, made.plan.unchanged) == ((), 4)


def test_an_address_in_other_capital_letters_is_the_one_that_the_run_gave() -> None:
    before, after = {"email_addr": "anna@example.test"}, {"email_addr": "Boss@example.test"}
    present = extension(41, "1000", email_addr="boss@example.test")
    made = rolled_back(_updated(before, after), extensions=[present], held=[replace(ANNA, written=after)])
    assert brief(made) == ["update:anna-guid:3 | rolled_back | email_addr: boss@example.test>anna@example.test"]
    assert made.plan.conflicts == ()


def test_a_parked_extension_gets_its_values_back_and_stays_parked() -> None:
    former, latter = (replace(ANNA, parked=PARKED, written={"title": title}) for title in ("Clerk", "Boss"))
    updated = row(
        3,
        Action.UPDATE,
        former,
        latter,
        _image(ROOT, title="Clerk"),
        before={"title": "Clerk"},
        after={"title": "Boss"},
    )
    made = rolled_back(updated, extensions=[extension(41, "1000", title="Boss")], held=[latter])
    assert brief(made) == ["update:anna-guid:3 | rolled_back | title: Boss>Clerk"]
    assert (_first(made).parked, _first(made).remembered) == (None, former)


def test_what_is_left_of_one_user_does_not_keep_another_from_being_undone() -> None:
    elsewhere = user("ben", 50, "1005")
    updated = row(9, Action.UPDATE, user("ben", 42, "1001"), user("ben", 42, "1001"))
    first = _updated({"title": "Clerk"}, {"title": "Boss"})
    present = [extension(41, "1000", title="Boss"), extension(50, "1005")]
    made = rolled_back(first, updated, extensions=present, held=[replace(ANNA, written={"title": "Boss"}), elsewhere])
    assert [change.key for change in made.plan.changes] == ["update:anna-guid:3"]
    assert [(one.name, one.guid) for one in made.plan.conflicts] == [("ben", "ben-guid")]


def test_what_was_written_before_a_deletion_is_put_back_on_the_one_that_an_earlier_attempt_made_again() -> None:
    again = replace(ANNA, extension_id=60)
    creation = row(9, Action.CREATE, None, again, object_id=None, part="4", remembered=replace(ANNA, extension_id=-41))
    made = rolled_back(
        _updated({"title": "Clerk"}, {"title": "Boss"}),
        row(4, Action.DELETE, ANNA, None, _image()),
        extensions=[extension(60, "1000", title="Boss")],
        held=[again],
        undone_by=[History((creation,))],
    )
    assert [(change.key, change.object_id) for change in made.plan.changes] == [("update:anna-guid:3", 60)]


def test_an_extension_that_is_gone_is_told() -> None:
    made = rolled_back(_updated({"title": "Clerk"}, {"title": "Boss"}), held=[replace(ANNA, written={"title": "Boss"})])
    assert made.plan.changes == ()
    assert conflicts(made) == [
        (
            "anna",
            "changed_since",
            "The extension 1000 was deleted after the run, so that what the run changed of it cannot be put back. The "
            "next synchronization makes it anew, if the directory still asks for it.",
        )
    ]


# --- places


def _moved(image: ExtensionImage, given: int, *others: Organization, taken: int = 0) -> Done:
    """An update that put Anna's extension into an organization, beside others that it kept."""
    return row(
        3,
        Action.UPDATE,
        replace(ANNA, organization_id=taken),
        replace(ANNA, organization_id=given),
        image,
        placement=Placement(references(*others)),
    )


def _put_back(moved: Done, *now: Organization, organizations: tuple[Organization, ...] | None = TREE) -> Rollback:
    held = moved.latter
    assert held is not None
    return rolled_back(moved, extensions=[extension(41, "1000", *now)], organizations=organizations, held=[held])


def test_an_extension_goes_back_into_the_organization_that_it_was_in() -> None:
    made = _put_back(_moved(_image(SALES), 8, taken=7), STAFF)
    assert brief(made) == ["update:anna-guid:3 | rolled_back | organizations: Company/Staff>Company/Sales"]
    assert _first(made).placement == Placement(references(SALES))
    assert _first(made).remembered == replace(ANNA, organization_id=7)
    assert _first(made).association == ANNA


def test_one_that_was_in_the_root_alone_goes_back_there() -> None:
    made = _put_back(_moved(_image(ROOT), 8), STAFF)
    assert brief(made) == ["update:anna-guid:3 | rolled_back | organizations: Company/Staff>Company"]
    assert _first(made).placement == Placement(())


@pytest.mark.parametrize(
    ("image", "now", "expected"),
    [
        # Put into another one beside since, which stays.
        (_image(SALES), (STAFF, Organization(9, "Club", 1)), (SALES, Organization(9, "Club", 1))),
        # The root beside another one is a place of its own.
        (_image(ROOT, SALES), (STAFF,), (ROOT, SALES)),
        (_image(SALES), (ROOT, STAFF), (ROOT, SALES)),
    ],
)
def test_places_that_the_run_did_not_give_stay(
    image: ExtensionImage, now: tuple[Organization, ...], expected: tuple[Organization, ...]
) -> None:
    made = _put_back(_moved(image, 8, taken=7), *now, organizations=(*TREE, Organization(9, "Club", 1)))
    assert conflicts(made) == []
    placement = _first(made).placement
    assert placement is not None
    assert {one.id for one in placement.others} == {one.id for one in expected}


@pytest.mark.parametrize("now", [(Organization(9, "Club", 1),), (SALES, STAFF)])
def test_one_that_was_put_elsewhere_since_stays_there_and_is_told(now: tuple[Organization, ...]) -> None:
    made = _put_back(_moved(_image(SALES), 8, taken=7), *now, organizations=(*TREE, Organization(9, "Club", 1)))
    assert made.plan.changes == ()
    paths = ", ".join(f"Company/{one.name}" for one in now)
    assert conflicts(made)[0][2].startswith(
        'organizations of extension 1000 was "Company/Sales" before the run, which left it "Company/Staff"; now it is '
        f'"{paths}".'
    )


def test_one_that_is_back_already_is_only_remembered_there() -> None:
    made = _put_back(_moved(_image(SALES), 8, taken=7), SALES)
    assert brief(made) == ["update:anna-guid:3 | remembered"]
    assert _first(made).placement is None
    assert _first(made).remembered == replace(ANNA, organization_id=7)


def test_a_place_that_the_run_left_as_it_was_is_none_of_its_business() -> None:
    made = _put_back(_moved(_image(STAFF), 8, taken=8), SALES)
    assert (made.plan.changes, conflicts(made), made.plan.unchanged) == ((), [], 1)


def test_one_that_was_put_there_and_back_ends_where_it_was() -> None:
    """The organization in between was deleted when it had left, and is made again for the moment."""
    there, back = _moved(_image(SALES), 8, taken=7), _moved(_image(STAFF), 7, taken=8)
    rows = (there, replace(back, id=4), row(5, Action.DELETE, unit("Staff", 8), None, OrganizationImage("Staff", 1)))
    made = rolled_back(
        *rows,
        extensions=[extension(41, "1000", SALES)],
        organizations=(ROOT, SALES),
        held=[replace(ANNA, organization_id=7)],
    )
    assert conflicts(made) == []
    assert brief(made)[1:] == [
        "update:anna-guid:4 | rolled_back | organizations: Company/Sales>Company/Staff "
        "| after organization:create:Staff-guid:5",
        "update:anna-guid:3 | rolled_back | organizations: Company/Staff>Company/Sales | after update:anna-guid:4",
    ]


def test_others_that_the_run_kept_are_kept() -> None:
    made = _put_back(_moved(_image(SALES), 8, SALES), SALES, STAFF)
    assert _first(made).placement == Placement(references(SALES))


def test_a_place_in_an_organization_that_is_gone_is_lost() -> None:
    made = _put_back(_moved(_image(SALES), 8, taken=7), STAFF, organizations=(ROOT, STAFF))
    assert brief(made) == ["update:anna-guid:3 | rolled_back | organizations: Company/Staff>Company"]
    assert lost(made) == [("anna", "its place in the organization Sales, which is gone")]


def test_while_organization_management_is_off_no_place_is_put_back() -> None:
    made = _put_back(_moved(_image(SALES), 8, taken=7), organizations=None)
    assert (brief(made), conflicts(made)) == (["update:anna-guid:3 | remembered"], [])


def test_an_organization_that_the_run_created_is_deleted_once_all_have_left() -> None:
    staff, ben = unit("Staff", 8), user("ben", 42, "1001", organization_id=8)
    rows = (
        row(1, Action.CREATE, None, staff, object_id=None),
        row(2, Action.CREATE, None, ben, object_id=None),
        _moved(_image(SALES), 8, taken=7),
    )
    made = rolled_back(
        *rows,
        extensions=[extension(41, "1000", STAFF), extension(42, "1001", STAFF)],
        organizations=TREE,
        held=[staff, ben, replace(ANNA, organization_id=8)],
    )
    assert conflicts(made) == []
    assert [change.key for change in made.plan.changes] == [
        "update:anna-guid:3",
        "delete:ben-guid:2",
        "organization:delete:Staff-guid:1",
    ]
    assert made.plan.changes[-1].depends_on == ("update:anna-guid:3", "delete:ben-guid:2")


def test_an_extension_goes_back_into_an_organization_once_that_is_made_again() -> None:
    sales = unit("Sales", 7)
    rows = (_moved(_image(SALES), 8, taken=7), row(4, Action.DELETE, sales, None, OrganizationImage("Sales", 1)))
    made = rolled_back(
        *rows,
        extensions=[extension(41, "1000", STAFF)],
        organizations=(ROOT, STAFF),
        held=[replace(ANNA, organization_id=8)],
    )
    assert brief(made)[1] == (
        "update:anna-guid:3 | rolled_back | organizations: Company/Staff>Company/Sales "
        "| after organization:create:Sales-guid:4"
    )
    change = made.plan.changes[1]
    assert isinstance(change, ExtensionChange)
    assert change.placement == Placement((OrganizationReference(-7, "Sales"),))
    assert change.remembered == replace(ANNA, organization_id=-7)


# --- what the run had taken over


def test_an_extension_that_was_taken_over_gets_its_values_back_and_is_released() -> None:
    latter = replace(ANNA, origin=Origin.ADOPTED, written={"title": "Boss"})
    taken = row(
        3,
        Action.ASSOCIATE,
        None,
        latter,
        _image(ROOT, title="Clerk"),
        before={"title": "Clerk"},
        after={"title": "Boss"},
    )
    made = rolled_back(taken, extensions=[extension(41, "1000", title="Boss")], held=[latter])
    assert brief(made) == [
        "update:anna-guid:3.fields | rolled_back | title: Boss>Clerk",
        "release:anna-guid:3 | rolled_back | after update:anna-guid:3.fields",
    ]
    assert (_first(made).remembered, made.plan.changes[1].object_id) == (latter, 41)
    untouched = rolled_back(taken, extensions=[extension(41, "1000", title="Clerk")], held=[latter])
    assert brief(untouched) == ["release:anna-guid:3 | rolled_back"]
    assert untouched.plan.unchanged == 0


def test_extensions_that_were_taken_over_and_exchanged_their_addresses_get_them_back_and_are_released() -> None:
    ben = user("ben", 42, "1001", origin=Origin.ADOPTED, written=ADA)
    vacated, anna = (replace(ANNA, origin=Origin.ADOPTED, written=written) for written in (NO_ADDRESS, BEN))
    rows = (
        row(1, Action.ASSOCIATE, None, vacated, before=ADA, after=NO_ADDRESS, reason=Reason.ADDRESS_EXCHANGE),
        row(2, Action.ASSOCIATE, None, ben, before=BEN, after=ADA),
        row(3, Action.ASSOCIATE, vacated, anna, before=ADA, after=BEN),
    )
    extensions = [extension(41, "1000", **BEN), extension(42, "1001", **ADA)]
    made = rolled_back(*rows, extensions=extensions, held=[anna, ben])
    assert conflicts(made) == []
    assert [line.partition(" | after ")[0] for line in brief(made)] == [
        "update:anna-guid:3 | rolled_back | email_addr: ben@example.test>",
        "update:ben-guid:2.fields | rolled_back | email_addr: ada@example.test>ben@example.test",
        "release:ben-guid:2 | rolled_back",
        "update:anna-guid:1.fields | rolled_back | email_addr: >ada@example.test",
        "release:anna-guid:1 | rolled_back",
    ]


def test_an_extension_that_was_handed_on_goes_back_once_it_is_let_go() -> None:
    latter = user("ben", 41, "1000", origin=Origin.ADOPTED)
    rows = (row(1, Action.RELEASE, ANNA, None), row(2, Action.ASSOCIATE, None, latter, _image(ROOT)))
    made = rolled_back(*rows, extensions=[extension(41, "1000")], held=[latter])
    assert conflicts(made) == []
    assert brief(made) == [
        "release:ben-guid:2 | rolled_back",
        "associate:anna-guid:1 | remembered | after release:ben-guid:2",
    ]
    again = made.plan.changes[1]
    assert isinstance(again, ExtensionChange)
    assert (again.object_id, again.association, again.remembered) == (41, ANNA, ANNA)


# --- what the run had parked, or made usable again


def test_a_parked_extension_is_made_usable_and_its_password_is_lost() -> None:
    latter = replace(ANNA, parked=PARKED)
    parked = row(3, Action.PARK, ANNA, latter, _image(ROOT))
    made = rolled_back(parked, extensions=[extension(41, "1000")], held=[latter])
    assert brief(made) == ["unpark:anna-guid:3 | rolled_back"]
    assert (_first(made).parked, _first(made).remembered) == (PARKED, ANNA)
    assert lost(made) == [("anna", "the password of the Linkus clients, which parking replaced by a random one")]


def test_an_extension_that_was_made_usable_is_parked_again() -> None:
    former = replace(ANNA, parked=PARKED)
    made = rolled_back(
        row(3, Action.UNPARK, former, ANNA, _image(ROOT)), extensions=[extension(41, "1000")], held=[ANNA]
    )
    assert brief(made) == ["park:anna-guid:3 | rolled_back"]
    assert (_first(made).parked, _first(made).remembered, lost(made)) == (None, former, [])


# --- what the run had released


def test_a_released_extension_is_the_users_again() -> None:
    former = replace(ANNA, organization_id=7)
    made = rolled_back(row(3, Action.RELEASE, former, None), extensions=[extension(41, "1000")])
    assert brief(made) == ["associate:anna-guid:3 | remembered"]
    assert (_first(made).object_id, _first(made).association, _first(made).remembered) == (41, ANNA, former)


def test_a_released_extension_waits_for_its_organization() -> None:
    rows = (
        row(3, Action.RELEASE, replace(ANNA, organization_id=7), None),
        row(4, Action.DELETE, unit("Sales", 7), None, OrganizationImage("Sales", 1)),
    )
    made = rolled_back(*rows, extensions=[extension(41, "1000")])
    assert made.plan.changes[1].depends_on == ("organization:create:Sales-guid:4",)


def test_one_that_was_parked_when_it_was_released_is_parked_again() -> None:
    former = replace(ANNA, parked=PARKED)
    made = rolled_back(row(3, Action.RELEASE, former, None), extensions=[extension(41, "1000")])
    assert brief(made) == [
        "associate:anna-guid:3.usable | remembered",
        "park:anna-guid:3 | rolled_back | after associate:anna-guid:3.usable",
    ]
    usable, parking = made.plan.changes
    assert isinstance(usable, ExtensionChange)
    assert isinstance(parking, ExtensionChange)
    assert (usable.remembered, parking.remembered, parking.object_id) == (ANNA, former, 41)
    assert (usable.association, parking.association) == (ANNA, former)


def test_a_released_extension_that_is_gone_is_lost() -> None:
    made = rolled_back(row(3, Action.RELEASE, ANNA, None))
    assert (made.plan.changes, lost(made)) == (
        (),
        [("anna", "its association: the extension is gone from the PBX")],
    )


def test_of_a_released_extension_that_is_gone_nothing_is_told_of_what_was_remembered_before() -> None:
    placed = replace(ANNA, organization_id=7)
    rows = (
        row(1, Action.UPDATE, placed, ANNA, reason=Reason.REMEMBERED),
        row(2, Action.RELEASE, ANNA, None, reason=Reason.EXTENSION_GONE),
    )
    made = rolled_back(*rows)
    assert (brief(made), conflicts(made)) == ([], [])
    assert lost(made) == [("anna", "its association: the extension is gone from the PBX")]


def test_a_released_extension_that_has_another_number_since_is_left() -> None:
    made = rolled_back(row(3, Action.RELEASE, ANNA, None), extensions=[extension(41, "2000")])
    assert made.plan.changes == ()
    assert conflicts(made)[0][2].startswith(
        'The number of extension 1000 was "1000" before the run, which left it "1000"; now it is "2000".'
    )


def test_a_released_extension_that_is_another_users_since_is_left() -> None:
    made = rolled_back(
        row(3, Action.RELEASE, ANNA, None), extensions=[extension(41, "1000")], held=[user("ben", 41, "1000")]
    )
    assert made.plan.changes == ()
    assert conflicts(made) == [
        (
            "anna",
            "extension_taken",
            "Extension 1000, which the run released, is associated with another user since.",
        )
    ]


# --- what the run had only remembered


def test_what_was_remembered_anew_is_remembered_as_before() -> None:
    former, latter = replace(ANNA, written={"title": "Clerk"}), replace(ANNA, written={"title": "Boss"})
    noted = row(3, Action.UPDATE, former, latter, reason=Reason.REMEMBERED)
    made = rolled_back(noted, extensions=[extension(41, "1000", title="Boss")], held=[latter])
    assert brief(made) == ["update:anna-guid:3 | remembered"]
    assert (_first(made).object_id, _first(made).remembered, _first(made).after) == (41, former, {})
    again = rolled_back(noted, extensions=[extension(41, "1000")], held=[former])
    assert (again.plan.changes, again.plan.unchanged) == ((), 1)


def test_a_forgotten_place_is_remembered_once_its_organization_is_there_again() -> None:
    former = replace(ANNA, organization_id=7)
    rows = (
        row(3, Action.DELETE, unit("Sales", 7), None, OrganizationImage("Sales", 1)),
        row(4, Action.UPDATE, former, ANNA, reason=Reason.REMEMBERED),
    )
    made = rolled_back(*rows, extensions=[extension(41, "1000")], held=[ANNA])
    assert brief(made) == [
        "organization:create:Sales-guid:3 | rolled_back | name: >Sales | parent: >Company",
        "update:anna-guid:4 | remembered | after organization:create:Sales-guid:3",
    ]
    change = made.plan.changes[1]
    assert isinstance(change, ExtensionChange)
    assert (change.association, change.remembered) == (ANNA, replace(ANNA, organization_id=-7))


# --- whose association is another one since


def test_what_is_about_another_extension_since_is_left_and_both_are_named() -> None:
    updated = _updated({"title": "Clerk"}, {"title": "Boss"})
    elsewhere = replace(ANNA, extension_id=50, number="1005")
    made = rolled_back(updated, extensions=[extension(50, "1005")], held=[elsewhere])
    assert conflicts(made)[0][2].startswith(
        'The association of extension 1000 was "an extension that is gone" before the run, which left it "an extension '
        'that is gone"; now it is "1005".'
    )
    deleted = row(3, Action.DELETE, ANNA, None, _image())
    made = rolled_back(deleted, extensions=[extension(50, "1005")], held=[elsewhere])
    assert made.plan.changes == ()
    assert 'which left it empty; now it is "1005"' in conflicts(made)[0][2]
