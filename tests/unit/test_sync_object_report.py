# SPDX-License-Identifier: GPL-3.0-or-later
"""Organizations, extension groups and moves in words and in plain data."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    ExtensionChange,
    GroupChange,
    OrganizationChange,
    Placement,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import (
    DIFF_MEMBERS,
    Outcome,
    State,
    change_data,
    diff_text,
    title,
)

ORGANIZATION = OrganizationChange(
    action=Action.UPDATE,
    guid="g1",
    name="Berlin/Sales",
    dn="OU=Sales,OU=Berlin,DC=lab,DC=test",
    object_id=10,
    reason=Reason.DIRECTORY_CHANGED,
    before={"name": "Sale", "parent": "Example"},
    after={"name": "Sales", "parent": "Example/Berlin"},
    drift=("parent",),
)
GROUP = GroupChange(
    action=Action.UPDATE,
    guid="g2",
    name="Sales",
    dn="CN=Sales,DC=lab,DC=test",
    object_id=3,
    reason=Reason.DIRECTORY_CHANGED,
    added=("1000 anna", "1001 ben"),
    removed=("1002 cid",),
    removed_ids=(52,),
)
MOVE = ExtensionChange(
    action=Action.UPDATE,
    guid="g3",
    name="anna",
    dn="CN=Anna,DC=lab,DC=test",
    number="1000",
    object_id=54,
    reason=Reason.UNIT_CHANGED,
    before={"organizations": "Example"},
    after={"organizations": "Example/Berlin"},
    placement=Placement((), "g1"),
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (ORGANIZATION, "update organization Berlin/Sales"),
        (replace(ORGANIZATION, action=Action.DELETE), "delete organization Berlin/Sales"),
        (GROUP, "update extension group Sales"),
        (replace(GROUP, action=Action.ASSOCIATE), "associate extension group Sales"),
        (MOVE, "update 1000 anna"),
    ],
)
def test_the_title_says_what_is_done_to_what(change: AnyChange, words: str) -> None:
    assert title(change) == words


def test_the_block_of_an_organization_has_name_and_parent() -> None:
    assert diff_text([Outcome(ORGANIZATION, State.PLANNED)]) == (
        "update organization Berlin/Sales\n"
        "    it changed in the directory\n"
        '    name: "Sale" -> "Sales"\n'
        '    parent: "Example" -> "Example/Berlin" (drift)\n'
    )


def test_the_block_of_a_new_organization_has_no_before() -> None:
    new = replace(ORGANIZATION, action=Action.CREATE, reason=Reason.NEW_UNIT, before={}, drift=(), object_id=None)
    assert diff_text([Outcome(new, State.DONE)]) == (
        "create organization Berlin/Sales\n"
        "    the unit is in scope and has no counterpart on the PBX yet\n"
        '    name: "Sales"\n'
        '    parent: "Example/Berlin"\n'
    )


def test_the_block_of_a_group_has_a_line_for_each_member_that_comes_or_goes() -> None:
    assert diff_text([Outcome(GROUP, State.PLANNED)]) == (
        "update extension group Sales\n"
        "    it changed in the directory\n"
        "    + 1000 anna\n"
        "    + 1001 ben\n"
        "    - 1002 cid\n"
    )


def test_the_members_stand_behind_the_name() -> None:
    renamed = replace(GROUP, before={"name": "Sale"}, after={"name": "Sales"}, added=())
    assert diff_text([Outcome(renamed, State.DONE)]).splitlines()[2:] == [
        '    name: "Sale" -> "Sales"',
        "    - 1002 cid",
    ]


@pytest.mark.parametrize("more", [0, 1, 500])
def test_many_members_are_counted(more: int) -> None:
    members = tuple(f"{number} u" for number in range(1000, 1000 + DIFF_MEMBERS + more))
    lines = diff_text([Outcome(replace(GROUP, added=members, removed=members), State.PLANNED)]).splitlines()[2:]
    for sign in "+-":
        told = [line for line in lines if line.startswith(f"    {sign} ")]
        assert told[:DIFF_MEMBERS] == [f"    {sign} {member}" for member in members[:DIFF_MEMBERS]]
        assert told[DIFF_MEMBERS:] == ([f"    {sign} {more} more"] if more else [])


def test_the_block_of_a_move_has_the_organizations() -> None:
    assert diff_text([Outcome(MOVE, State.STOPPED, "guard.moves is exceeded.")]) == (
        "update 1000 anna [stopped]\n"
        "    the user's unit has another organization than the extension is in\n"
        "    guard.moves is exceeded.\n"
        '    organizations: "Example" -> "Example/Berlin"\n'
    )


@pytest.mark.parametrize(("change", "word"), [(ORGANIZATION, "organization"), (GROUP, "extension group")])
def test_a_release_says_what_stays(change: OrganizationChange | GroupChange, word: str) -> None:
    release = replace(change, action=Action.RELEASE, reason=Reason.OUT_OF_SCOPE)
    stays = f"    the {word} stays as it is and is the PBX administrator's again\n"
    assert stays in diff_text([Outcome(release, State.PLANNED)])


@pytest.mark.parametrize("reason", [Reason.OBJECT_GONE, Reason.HANDED_OVER])
def test_a_release_of_what_is_gone_or_handed_over_does_not_say_that_it_stays(reason: Reason) -> None:
    release = replace(ORGANIZATION, action=Action.RELEASE, reason=reason)
    assert "stays" not in diff_text([Outcome(release, State.PLANNED)])


def test_the_data_has_the_same_keys_for_all_kinds() -> None:
    data = [change_data(Outcome(change, State.PLANNED)) for change in (ORGANIZATION, GROUP, MOVE)]
    assert [list(one) for one in data] == [list(data[0])] * 3
    assert [one["kind"] for one in data] == ["organization", "extension_group", "extension"]
    assert [one["number"] for one in data] == ["", "", "1000"]
    assert [one["members_added"] for one in data] == [(), ("1000 anna", "1001 ben"), ()]
    assert [one["members_removed"] for one in data] == [(), ("1002 cid",), ()]


def test_the_data_of_a_group_has_all_members_and_those_of_a_made_one_its_new_id() -> None:
    members = tuple(f"{number} u" for number in range(1000, 1000 + 3 * DIFF_MEMBERS))
    made = replace(GROUP, action=Action.CREATE, object_id=None, added=members)
    data = change_data(Outcome(made, State.DONE, object_id=9))
    assert data["members_added"] == members
    assert data["object_id"] == 9
