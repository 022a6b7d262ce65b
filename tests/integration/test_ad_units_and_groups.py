# SPDX-License-Identifier: GPL-3.0-or-later
"""Organizational units and groups of a real domain controller, and what became of any object."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.connection import DirectorySettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import FilterError, IncompleteReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.reader import DirectoryReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import GroupQuery, UnitQuery
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryNode, DirectoryUnit
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import GroupType

from lab import dirt
from lab.directory_admin import DirectoryAdmin
from lab.ldap_proxy.faults import Fault, referral, result
from lab.ldap_proxy.process import LdapProxy
from lab.population import ORGANIZATIONAL_UNIT, Population
from lab.samba import DomainController
from tests.integration.ad_helpers import open_reader, settings_for

BASE = "DC=lab,DC=test"
ALL_UNITS = UnitQuery(bases=(BASE,))
ALL_GROUPS = GroupQuery(base=BASE)
DIRTY_NAMES = (
    'R&D, "Süd" + Ost',
    "Büro / Lager \\ Hof",
    "#1 = <neu>; (*)",
    " two  blanks ",
    "営業部 🚀",
    "محمد",
    "Rene\u0301",
    "line\nbreak",
    "Straße",
    "Strasse",
)
SECURITY_GROUPS = ("global security", "domain local security", "universal security")
DISTRIBUTION_GROUPS = ("global distribution", "universal distribution")
NOBODY = "00000000-1111-2222-3333-{:012}"


@pytest.fixture
def settings(ldap_proxy: LdapProxy, lab_directory: DomainController) -> DirectorySettings:
    return settings_for(ldap_proxy, lab_directory)


@pytest.fixture
def reader(settings: DirectorySettings) -> Iterator[DirectoryReader]:
    with open_reader(settings) as opened:
        yield opened


@pytest.fixture
def own_unit(directory_admin: DirectoryAdmin) -> Iterator[str]:
    """As everywhere, but with a name in which a character is escaped."""
    with directory_admin.unit_of_its_own("Units, and Groups") as dn:
        yield dn


def _by_guid(units: list[DirectoryUnit]) -> dict[str, DirectoryUnit]:
    assert len({unit.guid for unit in units}) == len(units)
    return {unit.guid: unit for unit in units}


# Units


def test_all_units_are_read_with_their_paths(
    reader: DirectoryReader, directory_admin: DirectoryAdmin, lab_population: Population
) -> None:
    units = _by_guid(reader.read_units(ALL_UNITS))

    def special(name: str) -> list[tuple[str, ...]]:
        return [units[directory_admin.guid_of(dn)].path for dn in lab_population.specials[name]]

    names = [name for _parent, name in dirt.ORGANIZATIONAL_UNITS]
    assert special("ou_chain") == [tuple(names[:depth]) for depth in range(1, 7)]
    assert special("ou_six_deep") == [tuple(names[:6])]
    assert special("ou_same_name") == [("Berlin", "Support"), ("東京支社", "Support")]
    assert special("ou_longest_name") == [(names[14],)]
    known = [entry.dn for entry in lab_population.of_class(ORGANIZATIONAL_UNIT)]
    assert set(units) == {directory_admin.guid_of(dn) for dn in (*known, f"OU=Service Accounts,{BASE}")}
    for unit in units.values():
        assert (unit.dn, unit.parent, unit.name) == (directory_admin.dn_of(unit.guid), "", unit.path[-1])


@pytest.mark.parametrize("page_size", [1000, 7, 1])
def test_all_units_are_read_whatever_the_size_of_pages(
    ldap_proxy: LdapProxy, reader: DirectoryReader, lab_population: Population, page_size: int
) -> None:
    ldap_proxy.control.set_limits(max_page_size=page_size)
    assert len(reader.read_units(ALL_UNITS)) == len(lab_population.of_class(ORGANIZATIONAL_UNIT)) + 1


def test_what_the_directory_made_for_itself_is_read_only_where_bases_are_named(reader: DirectoryReader) -> None:
    ordinary = _by_guid(reader.read_units(ALL_UNITS))
    named = _by_guid(reader.read_units(replace(ALL_UNITS, named=True)))
    assert [named[guid].path for guid in named.keys() - ordinary.keys()] == [("Domain Controllers",)]
    (controllers,) = reader.read_units(UnitQuery(bases=(f"OU=Domain Controllers,{BASE}",), named=True))
    assert controllers.path == ("Domain Controllers",)


def test_names_come_as_the_directory_spells_them(
    settings: DirectorySettings, directory_admin: DirectoryAdmin, own_unit: str
) -> None:
    expected: dict[str, tuple[str, ...]] = {}
    for name in DIRTY_NAMES:
        expected[directory_admin.add_ou(name, parent=own_unit)] = (name,)
        below = directory_admin.add_ou("Below", parent=DirectoryAdmin.dn(name, own_unit, kind="OU"))
        expected[below] = (name, "Below")
    # The base is written otherwise than the directory spells it.
    base = own_unit.upper().replace("\\,", "\\2C")
    with open_reader(replace(settings, base_dn=base)) as reader:
        units = reader.read_units(UnitQuery(bases=(base,)))
    assert {unit.guid: unit.path for unit in units} == expected


def test_named_bases_belong_to_the_answer_and_others_do_not(
    reader: DirectoryReader, settings: DirectorySettings, directory_admin: DirectoryAdmin, own_unit: str
) -> None:
    own = directory_admin.guid_of(own_unit)
    upper = directory_admin.add_ou("Upper", parent=own_unit)
    lower = directory_admin.add_ou("Lower", parent=directory_admin.dn_of(upper))
    bases = (own_unit.lower(), directory_admin.dn_of(upper))
    paths = {
        own: ("Units, and Groups",),
        upper: ("Units, and Groups", "Upper"),
        lower: ("Units, and Groups", "Upper", "Lower"),
    }
    named = reader.read_units(UnitQuery(bases, named=True))
    assert {guid: unit.path for guid, unit in _by_guid(named).items()} == paths
    assert set(_by_guid(reader.read_units(UnitQuery(bases)))) == {lower}
    assert set(_by_guid(reader.read_units(UnitQuery(bases[:1])))) == {upper, lower}
    with open_reader(replace(settings, base_dn=own_unit)) as below:
        (unit,) = below.read_units(UnitQuery((own_unit,), named=True, only=frozenset({own})))
    assert unit.path == ("Units, and Groups",)


def test_units_by_a_filter(reader: DirectoryReader) -> None:
    units = reader.read_units(replace(ALL_UNITS, filter="( | (ou = support) (ou=Vert*) )"))
    assert sorted(unit.path for unit in units) == [
        ("Berlin", "Support"),
        ("Berlin", "Vertrieb"),
        ("東京支社", "Support"),
    ]


@pytest.mark.parametrize("filter_text", ["(objectClass=*)", "(|(objectCategory=person)(objectClass=*))"])
def test_a_filter_takes_in_nothing_but_units_and_groups(reader: DirectoryReader, filter_text: str) -> None:
    assert reader.read_units(replace(ALL_UNITS, filter=filter_text)) == reader.read_units(ALL_UNITS)
    assert reader.find_groups(replace(ALL_GROUPS, filter=filter_text)) == reader.find_groups(ALL_GROUPS)


@pytest.mark.parametrize("filter_text", ["(ou=x", "(ou=x)(objectClass=*)", "ou=x", "(ou=x))(|(objectClass=*)", "(&)"])
def test_what_is_no_filter_is_refused_before_anything_is_read(
    ldap_proxy: LdapProxy, reader: DirectoryReader, filter_text: str
) -> None:
    with pytest.raises(FilterError, match=r"^filter is not"):
        reader.read_units(replace(ALL_UNITS, filter=filter_text))
    with pytest.raises(FilterError, match=r"^filter is not"):
        reader.find_groups(replace(ALL_GROUPS, filter=filter_text))
    assert ldap_proxy.control.searches() == []


def test_units_limited_to_some(reader: DirectoryReader, own_unit: str, directory_admin: DirectoryAdmin) -> None:
    inside = directory_admin.add_ou("Inside", parent=own_unit)
    directory_admin.add_ou("Beside", parent=own_unit)
    outside = reader.find_organizational_unit("Leer").guid
    # Far more than one filter holds.
    others = {NOBODY.format(number) for number in range(250)}
    query = UnitQuery((own_unit,), only=frozenset({inside, outside, *others}))
    assert [unit.guid for unit in reader.read_units(query)] == [inside]
    assert reader.read_units(replace(query, only=frozenset())) == []


def test_a_base_that_is_gone_is_an_error(reader: DirectoryReader) -> None:
    gone = f"OU=Gone,{BASE}"
    for call in (
        lambda: reader.read_units(UnitQuery((gone,))),
        lambda: reader.read_units(UnitQuery((gone,), named=True)),
        lambda: reader.find_groups(GroupQuery(gone)),
    ):
        with pytest.raises(IncompleteReadError, match=gone):
            call()


# Groups


@pytest.mark.parametrize(
    ("types", "kinds"),
    [
        (frozenset(), (*SECURITY_GROUPS, *DISTRIBUTION_GROUPS)),
        (frozenset(GroupType), (*SECURITY_GROUPS, *DISTRIBUTION_GROUPS)),
        (frozenset({GroupType.SECURITY}), SECURITY_GROUPS),
        (frozenset({GroupType.DISTRIBUTION}), DISTRIBUTION_GROUPS),
    ],
    ids=["no type", "both", "security", "distribution"],
)
def test_groups_by_type(
    reader: DirectoryReader,
    directory_admin: DirectoryAdmin,
    own_unit: str,
    types: frozenset[GroupType],
    kinds: tuple[str, ...],
) -> None:
    guids = {
        kind: directory_admin.add_group(f"{kind}, of all", parent=own_unit, kind=kind)
        for kind in (*SECURITY_GROUPS, *DISTRIBUTION_GROUPS)
    }
    assert reader.find_groups(GroupQuery(own_unit, types)) == {guids[kind] for kind in kinds}


def test_groups_by_a_filter_and_limited_to_some(
    reader: DirectoryReader, directory_admin: DirectoryAdmin, own_unit: str
) -> None:
    sales, support, other = (
        directory_admin.add_group(name, parent=own_unit) for name in ("Sales (EU)", "Support", "Other")
    )
    query = GroupQuery(own_unit, filter="(| (cn=sales \\28eu\\29) (cn=Supp*) )")
    assert reader.find_groups(query) == {sales, support}
    domain_users = reader.find_group("Domain Users").guid
    others = {NOBODY.format(number) for number in range(250)}
    some = frozenset({support, other, domain_users, *others})
    assert reader.find_groups(replace(query, only=some)) == {support}
    assert reader.find_groups(GroupQuery(own_unit, only=some)) == {support, other}
    assert reader.find_groups(replace(query, only=frozenset())) == frozenset()


def test_groups_that_the_directory_made_for_itself_are_never_found(
    ldap_proxy: LdapProxy, reader: DirectoryReader, lab_population: Population
) -> None:
    everything = {group.guid: group.name for group in reader.read_groups()}
    ldap_proxy.control.clear()
    found = reader.find_groups(ALL_GROUPS)
    assert len(found) == len(lab_population.of_class("group"))
    left_out = {name for guid, name in everything.items() if guid not in found}
    assert left_out >= {"Domain Users", "Domain Admins", "Administrators", "Users", "Guests", "Protected Users"}
    # Here every built-in group is a critical object too, so that the answer does not show this term.
    (asked, *_counted) = ldap_proxy.control.searches()
    assert "(!(groupType:1.2.840.113556.1.4.803:=1))" in asked["filter"]
    assert asked["entries"] == len(found)


def test_a_group_is_called_by_its_name_in_the_directory(
    reader: DirectoryReader, lab_population: Population, directory_admin: DirectoryAdmin
) -> None:
    dirty = lab_population.special("group_dirty_name")
    names = {group.guid: group.name for group in reader.read_groups()}
    assert names[directory_admin.guid_of(dirty)] == 'Vertrieb, "EMEA" + 東京 🚀 \\ #1 (*)'


@pytest.mark.parametrize("attribute", ["name", "objectGUID", "objectSid"])
def test_a_group_that_cannot_be_told_fails_the_read(
    reader: DirectoryReader,
    directory_admin: DirectoryAdmin,
    lab_directory: DomainController,
    own_unit: str,
    attribute: str,
) -> None:
    group = directory_admin.dn_of(directory_admin.add_group("Hidden", parent=own_unit))
    directory_admin.deny_reading(group, attribute, lab_directory.sync_account.distinguished_name)
    with pytest.raises(IncompleteReadError, match=f"^CN=Hidden,.* without its {attribute},"):
        reader.read_groups()


def test_a_unit_that_cannot_be_told_fails_the_read(
    reader: DirectoryReader, directory_admin: DirectoryAdmin, lab_directory: DomainController, own_unit: str
) -> None:
    hidden = directory_admin.dn_of(directory_admin.add_ou("Hidden", parent=own_unit))
    directory_admin.deny_reading(hidden, "objectGUID", lab_directory.sync_account.distinguished_name)
    with pytest.raises(IncompleteReadError, match=r"^OU=Hidden,.* without its objectGUID,"):
        reader.read_units(ALL_UNITS)


# What became of objects


def test_lookups_of_objects_of_any_class(
    reader: DirectoryReader,
    settings: DirectorySettings,
    directory_admin: DirectoryAdmin,
    lab_directory: DomainController,
    own_unit: str,
) -> None:
    live = [
        directory_admin.add_ou("Live, Unit", parent=own_unit),
        directory_admin.add_group("Live Group", parent=own_unit),
        directory_admin.add_user("Live User", parent=own_unit),
        directory_admin.guid_of(f"CN=Users,{BASE}"),
    ]
    gone = [
        directory_admin.add_ou("Gone Unit", parent=own_unit),
        directory_admin.add_group("Gone Group", parent=own_unit),
    ]
    for guid in gone:
        directory_admin.delete(directory_admin.dn_of(guid))
    asked = [*live, *gone, *(NOBODY.format(number) for number in range(150))]
    nodes = {guid: DirectoryNode(guid, directory_admin.dn_of(guid)) for guid in live}

    lookup = reader.look_up_objects(asked)
    assert (lookup.live, lookup.deleted) == (nodes, frozenset(gone))
    assert reader.look_up_objects([]).live == {}

    account = lab_directory.plain_account
    plain = replace(settings, username=account.user_principal_name, password=account.password)
    with open_reader(plain) as blind:
        lookup = blind.look_up_objects(asked)
    assert (lookup.live, lookup.deleted) == (nodes, frozenset())


def test_a_lookup_finds_what_was_moved_out_of_the_base(
    settings: DirectorySettings, directory_admin: DirectoryAdmin, own_unit: str
) -> None:
    upper = directory_admin.add_ou("Upper", parent=own_unit)
    unit = directory_admin.add_ou("Moved", parent=directory_admin.dn_of(upper))
    moved = directory_admin.move(directory_admin.dn_of(unit), own_unit)
    with open_reader(replace(settings, base_dn=directory_admin.dn_of(upper))) as reader:
        assert reader.look_up_objects([unit]).live == {unit: DirectoryNode(unit, moved)}


# Faults: an error, never a short list


FAULTS = [
    result(3, page=2),
    result(4, page=2, cookie="none"),
    result(11, page=2, entries=2),
    result(50, page=1, entries=0),
    result(51, page=1, entries=0),
    Fault("lose_control", page=1),
    Fault("lose_cookie", page=1),
    Fault("lose_cookie", page=2),
    Fault("repeat_cookie", page=2),
    Fault("result", code=0, page=2, entries=3, cookie="none"),
    referral("ldap://127.0.0.1:1/DC=lab,DC=test", page=2),
    Fault("reference", page=2, uris=("ldap://127.0.0.1:1/DC=lab,DC=test",)),
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_broken_answer_is_an_incomplete_read(ldap_proxy: LdapProxy, reader: DirectoryReader, fault: Fault) -> None:
    guids = [unit.guid for unit in reader.read_units(ALL_UNITS)]
    ldap_proxy.control.set_limits(max_page_size=5)
    calls: list[tuple[str, Callable[[], object]]] = [
        ("(objectCategory=organizationalUnit)", lambda: reader.read_units(ALL_UNITS)),
        ("(objectCategory=organizationalUnit)", lambda: reader.read_units(replace(ALL_UNITS, only=frozenset(guids)))),
        ("(objectCategory=group)", lambda: reader.find_groups(ALL_GROUPS)),
        ("(objectGUID=", lambda: reader.look_up_objects(guids)),
    ]
    for question, call in calls:
        ldap_proxy.control.set_faults([replace(fault, filter=question)])
        with pytest.raises(IncompleteReadError):
            call()


@pytest.mark.parametrize("code", [0, 32, 51])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_base_that_is_not_answered_is_an_incomplete_read(
    ldap_proxy: LdapProxy, reader: DirectoryReader, code: int, nth: int
) -> None:
    ldap_proxy.control.set_faults([result(code, nth=nth, entries=0)])
    with pytest.raises(IncompleteReadError):
        reader.read_units(ALL_UNITS)


def test_a_limit_to_some_is_not_cut_short_by_a_later_question(ldap_proxy: LdapProxy, reader: DirectoryReader) -> None:
    only = frozenset(NOBODY.format(number) for number in range(250))
    for call in (
        lambda: reader.read_units(replace(ALL_UNITS, only=only, named=True)),
        lambda: reader.find_groups(replace(ALL_GROUPS, only=only)),
        lambda: reader.look_up_objects(only),
    ):
        call()
        ldap_proxy.control.clear()
        # Once more, for the first time may ask for the domain too.
        call()
        last = ldap_proxy.control.searches()[-1]["search"]
        ldap_proxy.control.clear()
        ldap_proxy.control.set_faults([result(51, nth=last, entries=0)])
        with pytest.raises(IncompleteReadError):
            call()
