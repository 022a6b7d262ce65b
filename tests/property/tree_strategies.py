# SPDX-License-Identifier: GPL-3.0-or-later
"""What administrators of both sides do between runs: in random sequences, with names that collide in every way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.limits import EXTENSION_GROUPS
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension, Organization
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    DeletionProof,
    GroupRule,
    OutOfScope,
    SyncTo,
    UnitRule,
    UserRule,
)
from hypothesis import strategies as st

from tests.property.tree_world import (
    LIMITS,
    MANAGER,
    ROOT,
    USER,
    MemberGroup,
    OrgUnit,
    PbxGroup,
    Person,
    Site,
)
from tests.unit.sync_builders import fields

Item = TypeVar("Item")

NAMES = ("Sales", "Ops", "IT", "Labs")
SPELLINGS = (*NAMES, *NAMES, "sales", "SALES", "Ops (Sales)")
BAD_NAMES = ("x" * 128, "a\tb")
DEPARTMENTS = ("", "Sales", "sales", "Sales/North", "SALES/ South", "Ops", "Ops/North", "North", "/", "y" * 130)
MOST_UNITS, MOST_PEOPLE, MOST_GROUPS = 9, 8, 5
# In a tight PBX: layers and places that are left for the synchronization.
LAYERS_LEFT, PLACES_LEFT, GROUPS_LEFT = 3, 6, 4


@dataclass(frozen=True, slots=True)
class Step:
    """Something that somebody does; which objects and which name it is about is drawn as numbers."""

    what: str
    one: int
    two: int
    three: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """A site, and what is done before each of its runs.

    :param is_tight: whether the PBX has few layers and places left.
    """

    users: UserRule
    units: UnitRule
    groups: GroupRule
    renames: str
    orphans: str
    is_tight: bool
    rounds: tuple[tuple[Step, ...], ...]

    def begin(self) -> Site:
        site = Site(users=self.users, units=self.units, groups=self.groups)
        site.pbx.renames, site.pbx.orphans = self.renames, self.orphans
        if self.is_tight:
            # A group that cannot be renamed has to be made a second time, for which there may be no room.
            site.pbx.renames = "accepted"
            _fill(site)
        _populate(site)
        return site


def do(site: Site, steps: Iterable[Step]) -> None:
    """Do what is to be done, as far as it is possible."""
    for step in steps:
        ACTIONS[step.what](site, step)


def _fill(site: Site) -> None:
    pbx = site.pbx
    above = ROOT
    for layer in range(LIMITS.layers - LAYERS_LEFT):
        pbx.next_id += 1
        pbx.organizations[pbx.next_id] = Organization(pbx.next_id, f"Layer {layer}", above)
        above = pbx.next_id
    site.anchor = above
    while len(pbx.organizations) - 1 < LIMITS.organizations - PLACES_LEFT:
        pbx.next_id += 1
        pbx.organizations[pbx.next_id] = Organization(pbx.next_id, f"Filler {pbx.next_id}", ROOT)
    while len(pbx.groups) < EXTENSION_GROUPS - GROUPS_LEFT:
        pbx.next_id += 1
        pbx.groups[pbx.next_id] = PbxGroup(f"Filler {pbx.next_id}")


def _populate(site: Site) -> None:
    directory = site.directory
    berlin, leipzig = directory.guid(), directory.guid()
    directory.units[berlin], directory.units[leipzig] = OrgUnit("Berlin"), OrgUnit("Leipzig")
    for name, parent in (("Sales", berlin), ("Ops", berlin), ("Sales", leipzig)):
        directory.units[directory.guid()] = OrgUnit(name, parent)
    for number, unit in enumerate([*directory.units, ""]):
        department = DEPARTMENTS[number % len(DEPARTMENTS)]
        directory.people[directory.guid()] = Person(f"p{number}", unit, department)
    people = list(directory.people)
    directory.groups[directory.guid()] = MemberGroup("Sales", 1101, berlin, frozenset(people[:3]))
    directory.groups[directory.guid()] = MemberGroup("Team", 1102, leipzig, frozenset([people[4], *directory.groups]))


def _pick(items: Iterable[Item], number: int) -> Item | None:
    found = list(items)
    return found[number % len(found)] if found else None


# --- units of the directory


def _unit(site: Site, number: int) -> str:
    return _pick(site.directory.units, number) or ""


def _adopt(site: Site, changed: Mapping[str, OrgUnit]) -> bool:
    """Put units where their new names and parents say, unless the directory would not have it."""
    directory = site.directory
    units = {**directory.units, **changed}
    places = {(unit.parent, unit.name.casefold()) for unit in units.values()}
    is_sound = len(places) == len(units) and all(_is_rooted(guid, units) for guid in changed)
    if is_sound:
        directory.units = units
    return is_sound


def _is_rooted(guid: str, units: Mapping[str, OrgUnit]) -> bool:
    passed: set[str] = set()
    while guid and guid not in passed:
        passed.add(guid)
        guid = units[guid].parent
    return not guid


def _add_unit(site: Site, step: Step) -> None:
    parent = _pick(["", *site.directory.units], step.one) or ""
    name = SPELLINGS[step.two % len(SPELLINGS)]
    if len(site.directory.units) < MOST_UNITS:
        _adopt(site, {site.directory.guid(): OrgUnit(name, parent, taken_in=step.three % 4 > 0)})


def _rename_unit(site: Site, step: Step) -> None:
    if guid := _unit(site, step.one):
        names = BAD_NAMES if step.three % 8 == 0 else (*SPELLINGS, "Berlin")
        _adopt(site, {guid: replace(site.directory.units[guid], name=names[step.two % len(names)])})


def _move_unit(site: Site, step: Step) -> None:
    if guid := _unit(site, step.one):
        parent = _pick(["", *site.directory.units], step.two) or ""
        _adopt(site, {guid: replace(site.directory.units[guid], parent=parent)})


def _exchange_unit_names(site: Site, step: Step) -> None:
    """Two exchange their names, or three hand them round, or all that are side by side."""
    units = site.directory.units
    guids = [guid for guid in dict.fromkeys(_unit(site, one) for one in (step.one, step.two, step.three)) if guid]
    if step.three % 2 and guids:
        guids = [guid for guid, unit in units.items() if unit.parent == units[guids[0]].parent]
    names = [units[guid].name for guid in guids]
    handed_on = zip(guids, [*names[1:], *names[:1]], strict=True)
    _adopt(site, {guid: replace(units[guid], name=name) for guid, name in handed_on})


def _exchange_places(site: Site, step: Step) -> None:
    units = site.directory.units
    one, other = _unit(site, step.one), _unit(site, step.two)
    if one and other:
        changed = {one: units[other].parent, other: units[one].parent}
        _adopt(site, {guid: replace(units[guid], parent=parent) for guid, parent in changed.items()})


def _turn_over(site: Site, step: Step) -> None:
    """A unit comes to be below the one that was below it, and both may exchange their names."""
    units = site.directory.units
    below = _pick((guid for guid, unit in units.items() if unit.parent), step.one)
    if below is not None:
        above = units[below].parent
        names = [units[below].name, units[above].name]
        if step.two % 2:
            names.reverse()
        lower, upper = replace(units[above], parent=below, name=names[1]), units[above].parent
        _adopt(site, {above: lower, below: replace(units[below], parent=upper, name=names[0])})


def _remove_unit(site: Site, guid: str, heir: str, *, is_seen: bool) -> None:
    """Delete one unit; who and what is in it goes to another one."""
    directory = site.directory
    del directory.units[guid]
    if is_seen:
        directory.deleted.add(guid)
    for user, person in directory.people.items():
        if person.unit == guid:
            directory.people[user] = replace(person, unit=heir)
    for group, one in directory.groups.items():
        if one.unit == guid:
            directory.groups[group] = replace(one, unit=heir)


def _delete_subtree(site: Site, step: Step) -> None:
    if guid := _unit(site, step.one):
        for one in reversed(site.directory.subtree(guid)):
            if step.two % 2:
                for user in [user for user, person in site.directory.people.items() if person.unit == one]:
                    _remove_person(site, user, is_seen=True)
            _remove_unit(site, one, "", is_seen=step.three % 5 > 0)


def _make_unit_again(site: Site, step: Step) -> None:
    if guid := _unit(site, step.one):
        directory = site.directory
        former, again = directory.units[guid], directory.guid()
        directory.units[again] = replace(former, hidden=False)
        if step.two % 2:
            _remove_unit(site, guid, again, is_seen=step.three % 5 > 0)
        else:
            _remove_unit(site, guid, "", is_seen=step.three % 5 > 0)
        for one, unit in directory.units.items():
            if unit.parent == guid:
                directory.units[one] = replace(unit, parent=again)


def _merge_units(site: Site, step: Step) -> None:
    directory = site.directory
    guid = _unit(site, step.one)
    heir = _pick((one for one in directory.units if one not in directory.subtree(guid)), step.two) if guid else None
    if heir is None:
        return
    for one, unit in list(directory.units.items()):
        if unit.parent == guid:
            name = unit.name if directory.is_free(unit.name, heir) else f"{unit.name} {directory.number()}"
            directory.units[one] = replace(unit, parent=heir, name=name)
    _remove_unit(site, guid, heir, is_seen=step.three % 5 > 0)


def _split_unit(site: Site, step: Step) -> None:
    directory = site.directory
    guid = _unit(site, step.one)
    if guid and len(directory.units) < MOST_UNITS:
        name = SPELLINGS[step.two % len(SPELLINGS)]
        new = directory.guid()
        movers = [user for user, person in directory.people.items() if person.unit == guid]
        if _adopt(site, {new: OrgUnit(name, directory.units[guid].parent if step.three % 2 else guid)}):
            for user in movers[::2]:
                directory.people[user] = replace(directory.people[user], unit=new)


def _scope_unit(site: Site, step: Step) -> None:
    if guid := _unit(site, step.one):
        unit = site.directory.units[guid]
        site.directory.units[guid] = replace(unit, taken_in=not unit.taken_in)


def _hide_unit(site: Site, step: Step) -> None:
    if guid := _unit(site, step.one):
        unit = site.directory.units[guid]
        site.directory.units[guid] = replace(unit, hidden=not unit.hidden)


# --- people


def _person(site: Site, number: int) -> str:
    return _pick(site.directory.people, number) or ""


def _change_person(site: Site, number: int, **values: object) -> None:
    if guid := _person(site, number):
        site.directory.people[guid] = replace(site.directory.people[guid], **values)  # type: ignore[arg-type]


def _exchange_person_names(site: Site, step: Step) -> None:
    """Two or three people come to bear, and have the address of, the name of another of them."""
    people = site.directory.people
    numbers = (step.one, step.two, step.three) if people else ()
    guids = list(dict.fromkeys(_person(site, number) for number in numbers))
    for guid, name in zip(guids, [people[guid].name for guid in [*guids[1:], *guids[:1]]], strict=True):
        people[guid] = replace(people[guid], name=name)


def _add_person(site: Site, step: Step) -> None:
    directory = site.directory
    if len(directory.people) < MOST_PEOPLE:
        guid, unit = directory.guid(), _pick(["", *directory.units], step.one) or ""
        department = DEPARTMENTS[step.two % len(DEPARTMENTS)]
        directory.people[guid] = Person(f"p{directory.number()}", unit, department, 1101 + step.three % 4)


def _remove_person(site: Site, guid: str, *, is_seen: bool) -> None:
    del site.directory.people[guid]
    if is_seen:
        site.directory.deleted.add(guid)


def _delete_person(site: Site, step: Step) -> None:
    if guid := _person(site, step.one):
        _remove_person(site, guid, is_seen=step.two % 4 > 0)


def _move_person(site: Site, step: Step) -> None:
    _change_person(site, step.one, unit=_pick(["", *site.directory.units], step.two) or "")


def _promote_person(site: Site, step: Step) -> None:
    _change_person(site, step.one, title=f"Grade {step.three}")
    _move_person(site, step)


def _scope_person(site: Site, step: Step) -> None:
    if guid := _person(site, step.one):
        _change_person(site, step.one, taken_in=not site.directory.people[guid].taken_in)


def _hide_person(site: Site, step: Step) -> None:
    if guid := _person(site, step.one):
        _change_person(site, step.one, hidden=not site.directory.people[guid].hidden)


def _set_department(site: Site, step: Step) -> None:
    _change_person(site, step.one, department=DEPARTMENTS[step.two % len(DEPARTMENTS)])


def _set_primary_group(site: Site, step: Step) -> None:
    _change_person(site, step.one, primary=1101 + step.two % 4)


# --- groups of the directory


def _group(site: Site, number: int) -> str:
    return _pick(site.directory.groups, number) or ""


def _change_group(site: Site, number: int, **values: object) -> None:
    if guid := _group(site, number):
        site.directory.groups[guid] = replace(site.directory.groups[guid], **values)  # type: ignore[arg-type]


def _add_group(site: Site, step: Step) -> None:
    directory = site.directory
    if len(directory.groups) < MOST_GROUPS:
        name, unit = SPELLINGS[step.one % len(SPELLINGS)], _pick(["", *directory.units], step.two) or ""
        directory.groups[directory.guid()] = MemberGroup(name, 1101 + step.three % 4, unit)


def _rename_group(site: Site, step: Step) -> None:
    names = BAD_NAMES if step.three % 8 == 0 else SPELLINGS
    _change_group(site, step.one, name=names[step.two % len(names)])


def _exchange_group_names(site: Site, step: Step) -> None:
    groups = site.directory.groups
    guids = list(groups) if step.three % 2 else list(dict.fromkeys([_group(site, step.one), _group(site, step.two)]))
    names = [groups[guid].name for guid in guids if guid]
    for guid, name in zip([guid for guid in guids if guid], [*names[1:], *names[:1]], strict=True):
        groups[guid] = replace(groups[guid], name=name)


def _delete_group(site: Site, step: Step) -> None:
    if guid := _group(site, step.one):
        del site.directory.groups[guid]
        if step.two % 4:
            site.directory.deleted.add(guid)


def _make_group_again(site: Site, step: Step) -> None:
    if guid := _group(site, step.one):
        former = site.directory.groups[guid]
        _delete_group(site, step)
        site.directory.groups[site.directory.guid()] = replace(former, hidden=False)


def _move_group(site: Site, step: Step) -> None:
    _change_group(site, step.one, unit=_pick(["", *site.directory.units], step.two) or "")


def _change_members(site: Site, step: Step) -> None:
    if guid := _group(site, step.one):
        member = _pick([*site.directory.people, *site.directory.groups], step.two) or ""
        _change_group(site, step.one, members=site.directory.groups[guid].members ^ {member})


def _scope_group(site: Site, step: Step) -> None:
    if guid := _group(site, step.one):
        _change_group(site, step.one, taken_in=not site.directory.groups[guid].taken_in)


def _hide_group(site: Site, step: Step) -> None:
    if guid := _group(site, step.one):
        _change_group(site, step.one, hidden=not site.directory.groups[guid].hidden)


# --- by hand on the PBX


def _organization(site: Site, number: int) -> int | None:
    """One that is no filler of a tight PBX, the associated ones more often than others."""
    own = [one.object_id for one in site.ledger.own(ObjectKind.ORGANIZATION).values()]
    ids = [*own, *own, *(id_ for id_ in site.pbx.organizations if id_ != ROOT)]
    return _pick([id_ for id_ in ids if id_ in site.pbx.organizations and not _is_filler(site, id_)], number)


def _is_filler(site: Site, organization_id: int) -> bool:
    return site.pbx.organizations[organization_id].name.startswith(("Filler", "Layer"))


def _put_organization(site: Site, organization: Organization) -> None:
    """As the PBX would have it put."""
    pbx = site.pbx
    own = pbx.subtree(organization.id) if organization.id in pbx.organizations else [organization.id]
    if organization.parent_id in own:
        return
    taken = {pbx.organizations[one].name for one in pbx.children(organization.parent_id) if one != organization.id}
    layers = [pbx.layer(one) for one in own if one in pbx.organizations]
    height = max(layers) - min(layers) if layers else 0
    if organization.name not in taken and pbx.layer(organization.parent_id) + 1 + height <= LIMITS.layers:
        pbx.organizations[organization.id] = organization


def _hand_made_organization(site: Site, step: Step) -> None:
    pbx = site.pbx
    parent = _pick([site.anchor, site.anchor, *pbx.organizations], step.one) or ROOT
    if len(pbx.organizations) - 1 < LIMITS.organizations and parent in pbx.organizations:
        pbx.next_id += 1
        _put_organization(site, Organization(pbx.next_id, SPELLINGS[step.two % len(SPELLINGS)], parent))


def _renamed_by_hand(site: Site, step: Step) -> None:
    if (id_ := _organization(site, step.one)) is not None:
        name = SPELLINGS[step.two % len(SPELLINGS)]
        _put_organization(site, replace(site.pbx.organizations[id_], name=name))


def _moved_by_hand(site: Site, step: Step) -> None:
    if (id_ := _organization(site, step.one)) is not None:
        parent = _pick([site.anchor, *site.pbx.organizations], step.two)
        if parent in site.pbx.organizations:
            _put_organization(site, replace(site.pbx.organizations[id_], parent_id=parent))


def _deleted_by_hand(site: Site, step: Step) -> None:
    if (id_ := _organization(site, step.one)) is not None and id_ != site.anchor:
        for one in reversed(site.pbx.subtree(id_)):
            parent = site.pbx.organizations[one].parent_id
            fallback = {"root": ROOT, "parent": parent}.get(site.pbx.orphans)
            for extension in site.pbx.extensions:
                if one in site.pbx.organizations_of(extension) and fallback:
                    site.given_by_hand.setdefault(extension, set()).add(fallback)
            site.pbx.remove_organization(one)
            site.tidy()


def _hand_made_extension(site: Site, step: Step) -> None:
    pbx = site.pbx
    pbx.next_id += 1
    number = str(5000 + pbx.next_id)
    pbx.extensions[pbx.next_id] = Extension(pbx.next_id, number, fields(first_name="Hand"))
    pbx.put_extension(pbx.next_id, {_pick([ROOT, *pbx.organizations], step.one) or ROOT})


def _extension(site: Site, number: int) -> int | None:
    return _pick(site.pbx.extensions, number)


def _given_by_hand(site: Site, step: Step) -> None:
    id_ = _extension(site, step.one)
    place = _pick(site.pbx.organizations, step.two)
    if id_ is not None and place is not None and place not in site.pbx.organizations_of(id_):
        places = site.pbx.organizations_of(id_)
        site.given_by_hand.setdefault(id_, set()).update({place, ROOT} if places == {ROOT} else {place})
        site.pbx.put_extension(id_, places | {place})
        site.tidy()


def _taken_by_hand(site: Site, step: Step) -> None:
    if (id_ := _extension(site, step.one)) is not None:
        place = _pick(sorted(site.pbx.organizations_of(id_)), step.two)
        if place is not None:
            site.pbx.put_extension(id_, site.pbx.organizations_of(id_) - {place} or {ROOT})
            site.tidy()


def _extension_deleted_by_hand(site: Site, step: Step) -> None:
    if (id_ := _extension(site, step.one)) is not None:
        site.pbx.remove_extension(id_)
        site.given_by_hand.pop(id_, None)


def _pbx_group(site: Site, number: int) -> int | None:
    own = [one.object_id for one in site.ledger.object_associations() if one.kind is ObjectKind.EXTENSION_GROUP]
    ids = [*own, *own, *site.pbx.groups]
    return _pick([id_ for id_ in ids if id_ in site.pbx.groups and not site.pbx.groups[id_].includes_all], number)


def _hand_made_group(site: Site, step: Step) -> None:
    pbx = site.pbx
    name = SPELLINGS[step.one % len(SPELLINGS)]
    if len(pbx.groups) < EXTENSION_GROUPS and all(group.name != name for group in pbx.groups.values()):
        pbx.next_id += 1
        members = dict.fromkeys(list(pbx.extensions)[: step.two % 3], MANAGER)
        pbx.groups[pbx.next_id] = PbxGroup(name, members, step.three, includes_all=step.three % 7 == 0)


def _group_renamed_by_hand(site: Site, step: Step) -> None:
    id_ = _pbx_group(site, step.one)
    name = SPELLINGS[step.two % len(SPELLINGS)]
    if id_ is not None and all(group.name != name for group in site.pbx.groups.values()):
        site.pbx.groups[id_] = replace(site.pbx.groups[id_], name=name)


def _group_deleted_by_hand(site: Site, step: Step) -> None:
    if (id_ := _pbx_group(site, step.one)) is not None:
        del site.pbx.groups[id_]


def _member_changed_by_hand(site: Site, step: Step) -> None:
    """A member comes in or gets another role; one that is a manager goes."""
    id_, member = _pbx_group(site, step.one), _extension(site, step.two)
    if id_ is not None and member is not None:
        group = site.pbx.groups[id_]
        members = dict(group.members)
        if members.pop(member, "") != MANAGER:
            members[member] = MANAGER if step.three % 2 else USER
        site.pbx.groups[id_] = replace(group, members=members, flags=step.three)


# --- rules


def _turn_rule(site: Site, step: Step) -> None:
    units = site.units
    choices = (
        replace(units, out_of_scope=_other(units.out_of_scope)),
        replace(units, associate_by_name=not units.associate_by_name),
        replace(units, sync_to=_other(units.sync_to)),
        replace(units, sync_to=_other(units.sync_to)),
        replace(units, hierarchy_from="" if units.hierarchy_from else "department", hierarchy_separator="/"),
        replace(units, hierarchy_separator="" if units.hierarchy_separator else "/"),
        replace(units, deletion_proof=_other(units.deletion_proof)),
        replace(units, company_name=f"Company {step.two % 3}"),
    )
    site.units = choices[step.one % len(choices)]


def _turn_other_rules(site: Site, step: Step) -> None:
    groups, users = site.groups, site.users
    if step.one % 2:
        choices = (
            replace(groups, out_of_scope=_other(groups.out_of_scope)),
            replace(groups, associate_by_name=not groups.associate_by_name),
            replace(groups, deletion_proof=_other(groups.deletion_proof)),
        )
        site.groups = choices[step.two % len(choices)]
    else:
        labels = ("", "Sales", "Synchronized")
        turns = (
            replace(users, out_of_scope=_other(users.out_of_scope)),
            replace(users, associate_by_email=not users.associate_by_email),
            replace(users, label_group=labels[step.three % len(labels)]),
        )
        site.users = turns[step.two % len(turns)]


def _set_anchor(site: Site, step: Step) -> None:
    site.anchor = _pick([ROOT, *site.pbx.organizations], step.one) or ROOT


def _other(value: Item) -> Item:
    """The other member of an enumeration of two."""
    return next(one for one in type(value) if one != value)  # type: ignore[attr-defined]


ACTIONS: dict[str, Callable[[Site, Step], None]] = {
    action.__name__.strip("_"): action
    for action in (
        _add_unit,
        _rename_unit,
        _move_unit,
        _exchange_unit_names,
        _exchange_places,
        _turn_over,
        _delete_subtree,
        _make_unit_again,
        _merge_units,
        _split_unit,
        _scope_unit,
        _hide_unit,
        _exchange_person_names,
        _add_person,
        _delete_person,
        _move_person,
        _promote_person,
        _scope_person,
        _hide_person,
        _set_department,
        _set_primary_group,
        _add_group,
        _rename_group,
        _exchange_group_names,
        _delete_group,
        _make_group_again,
        _move_group,
        _change_members,
        _scope_group,
        _hide_group,
        _hand_made_organization,
        _renamed_by_hand,
        _moved_by_hand,
        _deleted_by_hand,
        _hand_made_extension,
        _given_by_hand,
        _taken_by_hand,
        _extension_deleted_by_hand,
        _hand_made_group,
        _group_renamed_by_hand,
        _group_deleted_by_hand,
        _member_changed_by_hand,
        _turn_rule,
        _turn_other_rules,
        _set_anchor,
    )
}

_numbers = st.integers(0, 63)
_steps = st.builds(Step, st.sampled_from(sorted(ACTIONS)), _numbers, _numbers, _numbers)
_rounds = st.lists(st.lists(_steps, min_size=1, max_size=6).map(tuple), min_size=1, max_size=4).map(tuple)

scenarios: st.SearchStrategy[Scenario] = st.builds(
    Scenario,
    users=st.builds(
        UserRule,
        out_of_scope=st.sampled_from(OutOfScope),
        associate_by_email=st.booleans(),
        label_group=st.sampled_from(["", "", "Synchronized", "Sales"]),
    ),
    units=st.builds(
        UnitRule,
        sync_to=st.sampled_from([SyncTo.ORGANIZATION, SyncTo.ORGANIZATION, SyncTo.EXTENSION_GROUP]),
        hierarchy_from=st.sampled_from(["", "", "", "department"]),
        hierarchy_separator=st.sampled_from(["", "/"]),
        out_of_scope=st.sampled_from(OutOfScope),
        deletion_proof=st.sampled_from([DeletionProof.TOMBSTONE, DeletionProof.TOMBSTONE, DeletionProof.ABSENCE]),
        associate_by_name=st.booleans(),
    ),
    groups=st.builds(
        GroupRule,
        out_of_scope=st.sampled_from(OutOfScope),
        deletion_proof=st.sampled_from([DeletionProof.TOMBSTONE, DeletionProof.TOMBSTONE, DeletionProof.ABSENCE]),
        associate_by_name=st.booleans(),
    ),
    renames=st.sampled_from(["accepted", "ignored", "refused"]),
    orphans=st.sampled_from(["root", "parent", "nowhere"]),
    is_tight=st.sampled_from([False, False, True]),
    rounds=_rounds,
)
