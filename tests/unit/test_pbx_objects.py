# SPDX-License-Identifier: GPL-3.0-or-later
"""Organizations and extension groups are read with tolerance, and written without losing what was read."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    AnswerLostError,
    IncompleteListError,
    PbxAnswerError,
    PbxError,
    PbxRefusedError,
    error_from_answer,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.group_reader import GroupReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.group_shapes import MemberShape, parse_group
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.group_writer import GroupWriter
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.listing import Listing
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.organization_reader import OrganizationReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.organization_tree import parse_tree
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.organization_writer import OrganizationWriter
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.preferences import Preferences
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.transport import Call
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import ExtensionGroup, Organization

COMPANY = Organization(1, "Example Ltd", 0)
IT = Organization(33, "IT", 1)
REFERENCE = {"value": "54", "type": "extension", "text": "Anna Adler", "text2": "1201", "user_type": "manager"}
WEB = {"ext_id": 54, "caller_id_name": "Anna Adler", "user_type": "custom"}


class ScriptedSession:
    """Answers each endpoint with what the script has for it, and keeps what was sent.

    A list of answers is gone through, its last one given again and again; an errcode other than 0 is a refusal.
    """

    def __init__(self, script: Mapping[str, Any]) -> None:
        self._script = {endpoint: list(one) if isinstance(one, list) else [one] for endpoint, one in script.items()}
        self.sent: list[Call] = []

    def read(self, call: Call) -> dict[str, Any]:
        """Answer a call."""
        self.sent.append(call)
        answers = self._script[call.endpoint]
        answer = {"errcode": 0, **(answers.pop(0) if len(answers) > 1 else answers[0])}
        if answer["errcode"]:
            raise error_from_answer(answer, answer["errcode"], call.purpose)
        return answer

    write = read

    def pause(self, _attempt: int) -> None:
        """Wait for nothing."""

    def bodies(self, endpoint: str) -> list[Any]:
        """What was sent to an endpoint."""
        return [call.body for call in self.sent if call.endpoint == endpoint]


def group_hands(script: Mapping[str, Any]) -> tuple[ScriptedSession, GroupReader, GroupWriter]:
    """A reader and a writer of groups, and the session that they talk to."""
    session: Any = ScriptedSession(script)
    shape = MemberShape()
    reader = GroupReader(session, Listing(session, 500), shape)
    return session, reader, GroupWriter(session, reader, shape)


def group_answers(*details: dict[str, Any], **row: Any) -> dict[str, Any]:
    """The script of a PBX with these groups; `row` is what the rows of its list have besides."""
    rows = [{"id": detail["id"], "name": detail.get("name", "Sales"), **row} for detail in details]
    return {
        "extensiongroup/list": {"total_number": len(rows), "data": rows},
        "extensiongroup/query": {"data": list(details)},
        "extensiongroup/get": {"data": details[0]},
        "extensiongroup/update": {},
        "extensiongroup/create": {"id": 9},
    }


def sales(*members: object, **fields: Any) -> dict[str, Any]:
    """A group as extensiongroup/get shows it; a field that is None is left out."""
    detail = {"id": 4, "name": "Sales", "member_select": "sel_specific", "members": list(members), **fields}
    return {name: value for name, value in detail.items() if value is not None}


# --- the organization tree ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "nodes",
    [
        [{"id": 1, "name": "Example Ltd", "parent_id": 0}],
        [{"id": "1", "name": "Example Ltd", "parent_id": "0", "children": []}],
        [{"id": 1, "name": "Example Ltd", "children": None}],
        {"id": 1, "name": "Example Ltd", "parent_id": 0},
    ],
)
def test_root_organization_is_found(nodes: Any) -> None:
    assert parse_tree({"organization_list": nodes}) == [COMPANY]


def test_tree_becomes_a_list_in_which_parents_come_first() -> None:
    web = {"id": "35", "name": "Web", "parent_id": "34", "children": []}
    helpdesk = {"id": 34, "name": "Helpdesk", "parent_id": "33", "children": [web]}
    it = {"id": 33, "name": "IT", "parent_id": "1", "children": [helpdesk]}
    sales_node = {"id": 7, "name": "Sales", "children": []}
    root = {"id": 1, "name": "Example Ltd", "parent_id": 0, "children": [it, sales_node]}
    assert parse_tree({"organization_list": [root]}) == [
        COMPANY,
        IT,
        Organization(7, "Sales", 1),
        Organization(34, "Helpdesk", 33),
        Organization(35, "Web", 34),
    ]


def test_a_nested_organization_is_below_the_one_it_is_nested_in_whatever_it_says() -> None:
    child = {"id": 33, "name": "IT", "parent_id": "0"}
    root = {"id": 1, "name": "Example Ltd", "parent_id": 0, "children": [child]}
    assert parse_tree({"organization_list": [root]}) == [COMPANY, IT]


def test_organizations_that_are_not_nested_are_below_their_parent_id() -> None:
    nodes = [
        {"id": 34, "name": "Helpdesk", "parent_id": "33"},
        {"id": 33, "name": "IT", "parent_id": "1"},
        {"id": "1", "name": "Example Ltd", "parent_id": "0"},
    ]
    assert parse_tree({"organization_list": nodes}) == [COMPANY, IT, Organization(34, "Helpdesk", 33)]


@pytest.mark.parametrize(
    "nodes",
    [
        [],
        None,
        [{"id": 1}, {"id": 2}],
        [{"id": 1, "parent_id": 0}, {"id": 2, "parent_id": 0}],
        [{"id": 1, "parent_id": 0}, {"id": 2}],
        [{"name": "Example Ltd", "parent_id": 0}],
        [{"id": 1, "parent_id": 0, "children": [{"name": "IT"}]}],
        [{"id": 1, "parent_id": 0, "children": ["IT"]}],
    ],
    ids=str,
)
def test_what_is_no_tree_is_an_error(nodes: Any) -> None:
    with pytest.raises(PbxAnswerError):
        parse_tree({"organization_list": nodes})


@pytest.mark.parametrize(
    "nodes",
    [
        [{"id": 1, "parent_id": 0, "children": [{"id": 33}, {"id": "33"}]}],
        [{"id": 1, "parent_id": 0, "children": [{"id": 1}]}],
        [{"id": 1, "parent_id": 0}, {"id": 34, "parent_id": 33}],
        [{"id": 1, "parent_id": 0}, {"id": 34, "parent_id": 33}, {"id": 33, "parent_id": 34}],
        [{"id": 0, "parent_id": 0}, {"id": 34, "parent_id": 33}],
    ],
    ids=str,
)
def test_tree_with_an_organization_twice_or_one_missing_is_not_proved(nodes: Any) -> None:
    with pytest.raises(IncompleteListError):
        parse_tree({"organization_list": nodes})


# --- groups are read ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "element",
    [REFERENCE, WEB, {"value": 54}, {"ext_id": "54"}, {"id": 54, "number": "1201"}, 54, "54"],
    ids=str,
)
def test_member_is_read_in_every_shape_and_written_back_as_it_came(element: object) -> None:
    session, reader, writer = group_hands(group_answers(sales(element)))
    user_type = element.get("user_type") if isinstance(element, dict) else None
    types = {54: user_type} if user_type else {}
    assert reader.read_all() == [ExtensionGroup(4, "Sales", (54,), user_types=types)]
    writer.update(4, [54])
    assert session.bodies("extensiongroup/update") == [
        {"id": 4, "member_select": "sel_specific", "members": [element]},
    ]


def test_members_are_in_the_order_of_ids_and_each_once() -> None:
    group, details = parse_group(sales({"value": "60"}, {"value": "7"}, {"value": "60"}), {"total_extensions": "2"})
    assert group.members == (7, 60)
    assert set(details.members) == {7, 60}


@pytest.mark.parametrize("members", [None, [], [REFERENCE], "all"])
def test_group_of_all_has_no_members_of_its_own(members: object) -> None:
    group, _details = parse_group(sales(members=members, member_select="sel_all_ext"), {"total_extensions": 17})
    assert group == ExtensionGroup(4, "Sales", includes_all=True)


@pytest.mark.parametrize(("select", "includes_all"), [("sel_all_ext", True), ("sel_specific", False), (None, False)])
def test_what_the_detail_leaves_out_comes_from_the_list(select: str | None, includes_all: bool) -> None:
    detail = sales(name=None, member_select=None)
    group, _details = parse_group(detail, {"name": "Sales", "member_select": select})
    assert group == ExtensionGroup(4, "Sales", includes_all=includes_all)


@pytest.mark.parametrize(
    "fields",
    [
        {"members": None},
        {"members": {}},
        {"members": "54"},
        {"members": [{"text": "Anna"}]},
        {"members": [None]},
        {"members": [{"value": "Anna"}]},
        {"name": None},
        {"name": ""},
        {"id": "x"},
    ],
    ids=str,
)
def test_group_without_id_name_or_members_is_an_error(fields: dict[str, Any]) -> None:
    with pytest.raises(PbxAnswerError, match="extension group"):
        parse_group(sales(**fields), {"total_extensions": 1} if "members" in fields else {})


def test_group_that_the_list_calls_empty_needs_no_members() -> None:
    group, _details = parse_group(sales(members=None), {"total_extensions": 0})
    assert group == ExtensionGroup(4, "Sales")


@pytest.mark.parametrize("total", [0, 2, "2"])
def test_group_with_another_number_of_members_than_the_list_says_is_not_proved(total: object) -> None:
    with pytest.raises(IncompleteListError, match=f"Sales has {total} members, and its details show 1"):
        parse_group(sales(REFERENCE), {"total_extensions": total})


@pytest.mark.parametrize("row", [{}, {"total_extensions": None}, {"total_extensions": 1}, {"total_extensions": "1"}])
def test_number_of_members_may_be_left_out(row: dict[str, Any]) -> None:
    assert parse_group(sales(REFERENCE), row)[0].members == (54,)


def test_group_without_members_in_its_details_is_read_again_and_then_refused() -> None:
    session, reader, _writer = group_hands(group_answers(sales(REFERENCE), total_extensions=2))
    with pytest.raises(IncompleteListError):
        reader.read_all()
    assert [call.endpoint for call in session.sent] == ["extensiongroup/list", "extensiongroup/query"] * 2


@pytest.mark.parametrize("detail", [sales(REFERENCE, name=None), sales(REFERENCE, member_select=None)])
def test_one_group_is_completed_by_its_row_of_the_list(detail: dict[str, Any]) -> None:
    session, reader, _writer = group_hands(group_answers(detail, member_select="sel_specific"))
    assert reader.read_one(4) == ExtensionGroup(4, "Sales", (54,), user_types={54: "manager"})
    assert [call.endpoint for call in session.sent] == ["extensiongroup/get", "extensiongroup/list"]


def test_row_without_id_is_an_error_that_names_what_it_is() -> None:
    _session, reader, _writer = group_hands({"extensiongroup/list": {"total_number": 1, "data": [{"name": "Sales"}]}})
    with pytest.raises(PbxAnswerError, match="no usable id of an extension group"):
        reader.read_all()


@pytest.mark.parametrize("shown", [5, "5"])
def test_another_object_than_the_one_asked_for_proves_nothing(shown: object) -> None:
    _session, groups, _writer = group_hands({"extensiongroup/get": {"data": {**sales(REFERENCE), "id": shown}}})
    with pytest.raises(IncompleteListError, match="extension group with id 4, the PBX showed 5"):
        groups.read_one(4)
    info = {"id": shown, "name": "IT", "parent_id": 1}
    _session, organizations, _other_writer = organization_hands({"organization/get": {"organization_info": info}})
    with pytest.raises(IncompleteListError, match="the organization with id 4, the PBX showed 5"):
        organizations.read_one(4)


# --- groups are written ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("element", "new"),
    [
        (REFERENCE, {"value": "55", "type": "extension", "user_type": "user"}),
        ({"value": "54", "type": "extension", "text": "Anna"}, {"value": "55", "type": "extension"}),
        ({"value": 54, "user_type": 2}, {"value": 55}),
        (WEB, {"ext_id": 55, "user_type": "user"}),
        ({"ext_id": "54"}, {"ext_id": "55"}),
        ({"id": 54, "type": "SIP"}, {"id": 55, "type": "SIP"}),
        (54, 55),
        ("54", "55"),
    ],
    ids=str,
)
def test_new_member_is_written_as_the_first_one_that_was_seen(element: object, new: object) -> None:
    shape = MemberShape()
    guessed = []
    for elements in ([], [element], [{"other": 1}]):
        shape.learn(elements)
        guessed.append(shape.is_guessed)
    assert guessed == [True, False, False]
    assert shape.write(55) == new


def test_new_member_is_a_user_as_soon_as_one_member_shows_its_type() -> None:
    shape = MemberShape()
    shape.learn([{"value": "54"}, {"value": "56", "user_type": "manager"}])
    assert shape.write(55) == {"value": "55", "user_type": "user"}


def test_member_is_guessed_while_none_was_seen() -> None:
    shape = MemberShape()
    assert shape.write(55) == {"value": "55", "type": "extension", "user_type": "user"}
    shape.guess_other()
    assert shape.write(55) == {"ext_id": 55, "user_type": "user"}
    shape.guess_other()
    assert shape.write(55) == {"value": "55", "type": "extension", "user_type": "user"}


def test_permissions_are_sent_along_as_integers_and_nothing_else_is() -> None:
    flags = {"mgr_enb_monitor": "1", "user_enb_monitor": 0, "custom_enb_new": 3}
    others = {"mgr_enb_odd": None, "user_enb_odd": "yes", "color": 7, "xmgr_enb_monitor": 1}
    session, reader, writer = group_hands(group_answers(sales(REFERENCE, **flags, **others)))
    reader.read_all()
    writer.update(4, [55, 54, 55])
    expected = {
        "id": 4,
        "member_select": "sel_specific",
        "members": [REFERENCE, {"value": "55", "type": "extension", "user_type": "user"}],
        "mgr_enb_monitor": 1,
        "user_enb_monitor": 0,
        "custom_enb_new": 3,
    }
    assert session.bodies("extensiongroup/update") == [expected]
    writer.rename(4, "Selling", [54])
    assert session.bodies("extensiongroup/update")[1] == {**expected, "name": "Selling", "members": [REFERENCE]}
    assert writer.create("Support", [54, 56], like=4) == 9
    del expected["id"]
    assert session.bodies("extensiongroup/create") == [
        {
            **expected,
            "name": "Support",
            "members": [REFERENCE, {"value": "56", "type": "extension", "user_type": "user"}],
        }
    ]


def test_group_that_was_not_read_is_read_before_it_is_written() -> None:
    session, _reader, writer = group_hands(group_answers(sales(WEB, mgr_enb_monitor=0)))
    writer.update(4, [54, 55])
    assert session.bodies("extensiongroup/update") == [
        {
            "id": 4,
            "member_select": "sel_specific",
            "members": [WEB, {"ext_id": 55, "user_type": "user"}],
            "mgr_enb_monitor": 0,
        }
    ]


def test_member_that_was_taken_out_comes_back_as_a_user() -> None:
    session, reader, writer = group_hands(group_answers(sales(REFERENCE)))
    reader.read_all()
    writer.update(4, [])
    writer.update(4, [54])
    assert [body["members"] for body in session.bodies("extensiongroup/update")] == [
        [],
        [{"value": "54", "type": "extension", "user_type": "user"}],
    ]


def refusal(*fields: str) -> dict[str, Any]:
    """A 40002 that names these fields."""
    return {"errcode": 40002, "errmsg": "PARAMETER ERROR", "invalid_param_list": [{"field": one} for one in fields]}


@pytest.mark.parametrize(
    ("answers", "members", "sent"),
    [
        ([{}], [5], ["value", "value"]),
        ([refusal("members"), {}], [5], ["value", "ext_id", "ext_id"]),
        ([refusal("members"), refusal("members"), {}], [5], ["value", "ext_id", "value"]),
        ([refusal("members"), refusal("name"), {}], [5], ["value", "ext_id", "ext_id"]),
        ([refusal("name"), {}], [5], ["value", "value"]),
        ([refusal("members"), {}], [], ["", "value"]),
    ],
    ids=str,
)
def test_guessed_shape_that_is_refused_is_tried_once_as_the_other_one(
    answers: list[Any], members: list[int], sent: list[str]
) -> None:
    session, _reader, writer = group_hands({"extensiongroup/create": [{"id": 9, **one} for one in answers]})
    for wanted in (members, [5]):
        with suppress(PbxRefusedError):
            writer.create("Sales", wanted, None)
    written = [body["members"] for body in session.bodies("extensiongroup/create")]
    assert [next(iter(elements[0])) if elements else "" for elements in written] == sent


def test_learned_shape_is_not_tried_as_another_one() -> None:
    script = {**group_answers(sales(REFERENCE)), "extensiongroup/update": refusal("members")}
    session, reader, writer = group_hands(script)
    reader.read_all()
    with pytest.raises(PbxRefusedError, match="members"):
        writer.update(4, [55])
    assert len(session.bodies("extensiongroup/update")) == 1


@pytest.mark.parametrize(
    ("answer", "members", "told"),
    [
        (refusal("members"), [], "takes no extension group without members"),
        (refusal(), [], "takes no extension group without members"),
        (refusal("members"), [5], "put one extension into any group"),
        (refusal("name"), [], "does not take this name"),
        ({"errcode": 40003}, [5], "rename one of the two"),
        ({"errcode": 60002}, [5], "no room for another extension group"),
        ({"errcode": 60001}, [5], "deleted on the PBX meanwhile"),
    ],
    ids=str,
)
def test_refused_group_is_named_with_what_to_do(answer: dict[str, Any], members: list[int], told: str) -> None:
    _session, _reader, writer = group_hands({"extensiongroup/create": answer})
    with pytest.raises(PbxRefusedError, match=rf"create the extension group Sales: .*{told}"):
        writer.create("Sales", members, None)


@pytest.mark.parametrize(
    ("answer", "name", "renamed"), [({}, "Selling", False), ({}, "Sales", True), (refusal("name"), "Sales", False)]
)
def test_rename_is_told_by_what_the_pbx_shows(answer: dict[str, Any], name: str, renamed: bool) -> None:
    _session, reader, writer = group_hands({**group_answers(sales(REFERENCE)), "extensiongroup/update": answer})
    reader.read_all()
    assert writer.rename(4, name, [54]) is renamed


@pytest.mark.parametrize("answer", [refusal("members"), refusal(), {"errcode": 40003}, {"errcode": 60001}], ids=str)
def test_other_refusals_of_a_rename_are_told(answer: dict[str, Any]) -> None:
    _session, reader, writer = group_hands({**group_answers(sales(REFERENCE)), "extensiongroup/update": answer})
    reader.read_all()
    with pytest.raises(PbxRefusedError, match="rename the extension group with id 4 to Selling"):
        writer.rename(4, "Selling", [54])


def test_created_group_that_is_not_shown_is_unknown() -> None:
    script = {**group_answers(sales(REFERENCE)), "extensiongroup/create": {}}
    _session, _reader, writer = group_hands(script)
    with pytest.raises(AnswerLostError, match="created the extension group Support, but does not show it"):
        writer.create("Support", [54], None)
    assert writer.create("Sales", [54], None) == 4
    # That one is known by now, so it is not what a second creation made.
    with pytest.raises(AnswerLostError):
        writer.create("Sales", [54], None)


def test_group_that_the_list_does_not_name_is_told_by_its_details() -> None:
    script = group_answers(sales(REFERENCE))
    script["extensiongroup/list"] = {"total_number": 1, "data": [{"id": 4}]}
    _session, _reader, writer = group_hands({**script, "extensiongroup/create": {}})
    with pytest.raises(AnswerLostError):
        writer.create("Support", [54], None)
    assert writer.create("Sales", [54], None) == 4


def test_id_of_a_deleted_group_may_be_given_again() -> None:
    script = {**group_answers(sales(REFERENCE)), "extensiongroup/create": {}, "extensiongroup/delete": {}}
    session, reader, writer = group_hands(script)
    reader.read_all()
    writer.delete(4)
    writer.update(4, [54])
    assert session.sent[-2].endpoint == "extensiongroup/get"
    writer.delete(4)
    assert writer.create("Sales", [54], None) == 4


# --- organizations and the company name -----------------------------------------------------------------------------


def organization_hands(script: Mapping[str, Any]) -> tuple[ScriptedSession, OrganizationReader, OrganizationWriter]:
    """A reader and a writer of organizations, and the session that they talk to."""
    session: Any = ScriptedSession(script)
    reader = OrganizationReader(session)
    return session, reader, OrganizationWriter(session, reader)


def tree_answer(*children: tuple[int, str]) -> dict[str, Any]:
    """The tree of a company with these organizations below it."""
    nodes = [{"id": one, "name": name, "parent_id": "1"} for one, name in children]
    return {"organization_list": [{"id": 1, "name": "Example Ltd", "parent_id": 0, "children": nodes}]}


def test_creation_without_an_id_is_looked_up_among_what_is_new() -> None:
    trees = [tree_answer((33, "IT")), tree_answer((34, "IT"), (33, "IT"), (35, "it"))]
    script = {"organization/list": trees, "organization/create": {}, "organization/delete": {}}
    session, reader, writer = organization_hands(script)
    reader.read_all()
    assert writer.create("IT", 1) == 34
    with pytest.raises(AnswerLostError, match="created the organization IT below the one with id 1, but does not show"):
        writer.create("IT", 1)
    with pytest.raises(AnswerLostError):
        writer.create("IT", 35)
    assert session.bodies("organization/create")[0] == {"name": "IT", "parent_id": 1}
    # The id of a deleted one may be given again.
    writer.delete(33)
    assert writer.create("IT", 1) == 33


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (refusal("name"), "does not take this name"),
        ({"errcode": 40003}, "rename one of the two"),
        ({"errcode": 60002}, "no room for another organization"),
        ({"errcode": 60001}, "deleted on the PBX meanwhile"),
        ({"errcode": 70120}, "Switch it on"),
    ],
    ids=str,
)
def test_refused_organization_is_named_with_what_to_do(answer: dict[str, Any], told: str) -> None:
    script = {"organization/create": answer, "organization/update": answer}
    _session, _reader, writer = organization_hands(script)
    with pytest.raises(PbxRefusedError, match=rf"create the organization IT below the one with id 7: .*{told}"):
        writer.create("IT", 7)
    with pytest.raises(PbxRefusedError, match=rf"rename the organization with id 33 to IT and .* id 7: .*{told}"):
        writer.update(33, "IT", 7)


@pytest.mark.parametrize(
    ("answer", "possible"),
    [
        ({"data": {"company_name": "Example Ltd"}}, True),
        ({"data": {"company_name": ""}}, True),
        ({"data": {"name_disp_fmt": "first_last"}}, False),
        ({"data": []}, False),
        ({}, False),
        ({"errcode": 10001}, False),
        ({"errcode": 10005}, False),
    ],
    ids=str,
)
def test_company_name_can_be_set_where_it_can_be_read(answer: dict[str, Any], possible: bool) -> None:
    session: Any = ScriptedSession({"preference/get": answer})
    assert Preferences(session).can_set_company_name() is possible


@pytest.mark.parametrize("errcode", [10002, 10004, 70087, 70123, 70084])
def test_other_refusals_do_not_say_that_the_company_name_cannot_be_set(errcode: int) -> None:
    session: Any = ScriptedSession({"preference/get": {"errcode": errcode}, "preference/update": {"errcode": errcode}})
    with pytest.raises(PbxError, match=str(errcode)) as asked:
        Preferences(session).can_set_company_name()
    with pytest.raises(type(asked.value), match=str(errcode)) as written:
        Preferences(session).set_company_name("Example Ltd")
    assert written.value.ends_run is (errcode != 70084)


@pytest.mark.parametrize("errcode", [10001, 10005])
def test_company_name_that_may_not_be_set_does_not_end_the_run(errcode: int) -> None:
    session: Any = ScriptedSession({"preference/update": {"errcode": errcode}})
    with pytest.raises(
        PbxRefusedError, match=rf"set the company name to New Ltd: errcode {errcode}.*by hand"
    ) as caught:
        Preferences(session).set_company_name("New Ltd")
    assert not caught.value.ends_run
    assert caught.value.errcode == errcode
