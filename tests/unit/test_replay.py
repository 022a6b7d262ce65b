# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recorded directory and a recorded PBX answer, and what they say they do not know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import DirectoryNameError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import (
    GroupQuery,
    UnitQuery,
    UserQuery,
    UserSearch,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.read_once import ReadOnce
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.recording import (
    DirectoryRecord,
    GroupRecord,
    GroupsAnswer,
    SnapshotError,
    UnitsAnswer,
    UsersAnswer,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.replay import RecordedDirectory, RecordedPbx
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryNode, DirectoryUnit
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import ExtensionGroup, LiveUse, Organization

from tests.unit.recording_builders import BASE_DN, directory_record
from tests.unit.sync_builders import dn, extension, guid, pbx, user

ANNA = user("anna", "anna@example.test", last="Adler", displayName="Frau A", userPrincipalName="a.adler@example.test")
BERND = user("bernd", primary_group_id=2001, last="Brandt")
CARL = user("carl", last="Cohn")
INNER = GroupRecord(guid("inner"), dn("inner"), "inner", 2000, (0, "CN=Somebody,DC=elsewhere"))
OUTER = GroupRecord(guid("outer"), dn("outer"), "outer", 2001, (dn("inner"),))
GROUPS = (INNER, OUTER)


def recorded(**changed: object) -> RecordedDirectory:
    """Anna, Bernd and Carl; Anna is in a group within the group that is Bernd's primary one."""
    record = directory_record(ANNA, BERND, CARL, groups=GROUPS)
    return RecordedDirectory(replace(record, **changed), BASE_DN)  # type: ignore[arg-type]


def found(directory: RecordedDirectory, *, bases: tuple[str, ...] = (BASE_DN,), name: str = "", text: str = "") -> str:
    """The account names that a search finds, with blanks between."""
    return " ".join(one.account_name for one in directory.search_users(UserSearch(bases, name=name, text=text)))


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("ANNA", "anna"),
        ("a.adler@EXAMPLE.test", "anna"),
        ("frau a", "anna"),
        (dn("anna").upper().replace(",", " , "), "anna"),
        ("anna@example.test", ""),
        ("CN=nobody,DC=example,DC=test", ""),
        ("00000000-0000-0000-0000-00000000d0d1", ""),
    ],
)
def test_a_name_is_found_exactly_in_every_spelling(name: str, names: str) -> None:
    assert found(recorded(), name=name) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("DLER@", "anna"),
        ("nn", "anna"),
        ("anna@", "anna"),
        ("adl", "anna"),
        ("ann adl", "anna"),
        ("adl ann", "anna"),
        ("bra", "bernd"),
        ("ohn", ""),
        ("bernd cohn", ""),
    ],
)
def test_a_part_of_a_name_is_found_and_beginnings_of_first_and_last_names(text: str, names: str) -> None:
    assert found(recorded(), text=text) == names


def test_users_are_found_below_a_base_alone() -> None:
    assert found(recorded(), bases=("OU=staff, DC=example,DC=test", "DC=other")) == "anna bernd carl"
    assert found(recorded(), bases=("OU=Sales,DC=example,DC=test",)) == ""


def test_members_of_groups_are_found_nested_and_by_primary_group() -> None:
    directory = recorded()
    inner, outer = directory.read_groups()
    assert inner.members == (ANNA.dn, "CN=Somebody,DC=elsewhere")
    assert directory.find_groups_within(outer) == {inner.guid}
    members = directory.search_users(UserSearch((BASE_DN,), member_of=(outer, inner)))
    assert members == [ANNA, BERND]
    # The proof that somebody is outside is one that the run had, whatever question it was.
    limited = UserQuery((BASE_DN,), member_of=(inner,), only=frozenset({ANNA.guid, CARL.guid}))
    assert directory.read_users(limited) == [ANNA]


def test_groups_are_found_by_the_name_that_was_asked_for_and_by_others() -> None:
    directory = recorded(named_groups={"pre-2000 name": DirectoryNode(guid("outer"), dn("outer"))})
    for name in ("pre-2000 name", "OUTER", dn("outer").lower()):
        assert directory.find_group(name) == DirectoryNode(guid("outer"), dn("outer"))
    twins = recorded(groups=(*GROUPS, replace(OUTER, guid="other")))
    for name in ("nobodies", "outer"):
        with pytest.raises(DirectoryNameError, match=r"[02] groups of the snapshot"):
            (twins if name == "outer" else directory).find_group(name)


def test_units_are_found_that_somebody_is_in_and_that_the_run_has_read() -> None:
    sales = DirectoryUnit("guid-sales", f"OU=Sales,{BASE_DN}", ("Sales",))
    query = UnitQuery((BASE_DN,))
    directory = recorded(units=(UnitsAnswer(query, (sales,)),), named_units={"s": DirectoryNode("guid-s", "OU=S")})
    assert directory.find_organizational_unit("staff").dn == f"OU=Staff,{BASE_DN}"
    assert directory.find_organizational_unit(f"ou=sales, {BASE_DN}").dn == sales.dn
    assert directory.find_organizational_unit("s") == DirectoryNode("guid-s", "OU=S")
    assert directory.read_units(query) == [sales]
    assert directory.read_units(replace(query, only=frozenset())) == []
    for name in ("Nowhere", "DC=test", "a//b"):
        with pytest.raises(DirectoryNameError, match="organizational_units"):
            directory.find_organizational_unit(name)


def test_objects_are_known_however_they_were_read() -> None:
    unit = DirectoryUnit("guid-unit", f"OU=Unit,{BASE_DN}", ("Unit",))
    directory = recorded(
        units=(UnitsAnswer(UnitQuery((BASE_DN,)), (unit,)),),
        objects={"guid-asked": DirectoryNode("guid-asked", "CN=Asked")},
        deleted_objects=frozenset({"guid-gone"}),
        deleted_users=frozenset({"guid-left"}),
    )
    asked = ("guid-asked", "guid-unit", ANNA.guid, INNER.guid, "guid-gone", "guid-unknown")
    lookup = directory.look_up_objects(asked)
    assert lookup.live.keys() == set(asked[:4])
    assert lookup.deleted == {"guid-gone"}
    people = directory.look_up_users([ANNA.guid, "guid-left", "guid-unknown"])
    assert (people.live, people.deleted) == ({ANNA.guid: ANNA}, {"guid-left"})


def test_an_answer_to_a_filter_is_that_of_the_run() -> None:
    query = UserQuery((BASE_DN,), filter="(cn=a*)")
    directory = recorded(answers=(UsersAnswer(query, (0,)),), named_users={"A": ANNA.guid})
    directory.check_filter("(cn=a*)")
    assert directory.read_users(query) == [ANNA]
    assert directory.read_users(replace(query, only=frozenset({BERND.guid}))) == []
    assert directory.find_user("A") == ANNA
    groups = GroupQuery(BASE_DN)
    found_groups = recorded(found_groups=(GroupsAnswer(groups, frozenset({"guid-inner", "guid-outer"})),))
    assert found_groups.find_groups(groups) == {"guid-inner", "guid-outer"}
    assert found_groups.find_groups(replace(groups, only=frozenset({"guid-inner"}))) == {"guid-inner"}


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda one: one.search_users(UserSearch((BASE_DN,), filter="(cn=x)")), r"filter is \(cn=x\)"),
        (lambda one: one.read_users(UserQuery((BASE_DN,), filter="(cn=x)")), r"filter is \(cn=x\)"),
        (lambda one: one.find_groups(GroupQuery(BASE_DN)), "which groups"),
        (lambda one: one.read_units(UnitQuery((BASE_DN,))), "which organizational units"),
        (lambda one: one.read_groups(), "has no groups"),
    ],
)
def test_what_the_run_has_not_asked_is_an_error(ask: Callable[[RecordedDirectory], object], words: str) -> None:
    with pytest.raises(SnapshotError, match=words):
        ask(recorded(groups=None))
    with pytest.raises(DirectoryNameError, match="users nobody"):
        recorded().find_user("nobody")


def test_what_was_read_once_is_recorded_whole() -> None:
    """A recording of a recording is the recording, once all has been asked for that is in it."""
    units = UnitsAnswer(UnitQuery((BASE_DN,)), (DirectoryUnit("guid-unit", f"OU=Unit,{BASE_DN}", ("Unit",)),))
    query = UserQuery((BASE_DN,))
    groups = GroupsAnswer(GroupQuery(BASE_DN), frozenset({"guid-inner"}))
    record: DirectoryRecord = replace(
        directory_record(ANNA, BERND, CARL, groups=GROUPS),
        deleted_users=frozenset({"guid-left"}),
        named_users={"A": ANNA.guid},
        named_groups={"Outer": DirectoryNode(guid("outer"), dn("outer"))},
        found_groups=(groups,),
        nested_groups={guid("outer"): frozenset({guid("inner")})},
        units=(units,),
        named_units={"Unit": DirectoryNode("guid-unit", f"OU=Unit,{BASE_DN}")},
        objects={"guid-asked": DirectoryNode("guid-asked", "CN=Asked")},
        deleted_objects=frozenset({"guid-gone"}),
    )
    once = ReadOnce(RecordedDirectory(record, BASE_DN))
    once.read_users(query)
    once.read_users(replace(query, only=frozenset({ANNA.guid})))
    once.find_user("A")
    outer = next(group for group in once.read_groups() if group.guid == guid("outer"))
    once.find_group("Outer")
    once.find_groups(groups.query)
    once.find_groups(replace(groups.query, only=frozenset()))
    once.find_groups_within(outer)
    once.read_units(units.query)
    once.find_organizational_unit("Unit")
    once.look_up_users(["guid-left", ANNA.guid])
    once.look_up_objects(["guid-asked", "guid-gone"])
    assert once.record() == record


def test_a_recorded_pbx_shows_what_the_run_left() -> None:
    root, group = Organization(1, "Example Ltd", 0), ExtensionGroup(4, "Sales", (7,))
    held = extension(7, "1000")
    recorded_pbx = RecordedPbx(replace(pbx(held), organizations=(root,), groups=(group,)))
    assert (recorded_pbx.extensions(), recorded_pbx.extension(7), recorded_pbx.extension(8)) == ([held], held, None)
    assert (recorded_pbx.organizations(), recorded_pbx.organization(1)) == ([root], root)
    assert (recorded_pbx.groups(), recorded_pbx.group(4), recorded_pbx.group(5)) == ([group], group, None)
    assert recorded_pbx.capacity().extensions_used == 1
    assert recorded_pbx.live_use() == LiveUse()
    bare = RecordedPbx(pbx(held))
    assert (bare.organizations(), bare.organization(1), bare.groups()) == (None, None, [])
