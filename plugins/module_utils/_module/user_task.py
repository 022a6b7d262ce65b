# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The synchronization of users: what it reads of the directory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import DirectoryNameError, IncompleteReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.names import Places, is_within
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.memory import Memory
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Directory, UserQuery
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.read import groups_among
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.task import Sides
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import (
    PRINCIPAL_NAME,
    DirectoryGroup,
    DirectoryIdentity,
    DirectorySnapshot,
    DirectoryUser,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import USER_ATTRIBUTES
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.layouts import standing_layout
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxSnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.placement import Layout
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Plan
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    NumberFrom,
    RuleKind,
    Scope,
    SyncTo,
    UnitRule,
    UserRule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.scope import members_among, with_nested
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.units import Forest, Unit, forest_of_values, in_order
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.users import plan_users


@dataclass(frozen=True, slots=True)
class UserTask:
    """The synchronization of users under a rule.

    :param base_dn: distinguished name below which the rule takes users in.
    """

    base_dn: str
    rule: UserRule

    def attributes(self, memory: Memory) -> Collection[str]:
        """Return the attributes of the managed fields, the number, the organization, and the name to sign on by."""
        number = (self.rule.number_attribute,) if self.rule.number_from is NumberFrom.ATTRIBUTE else ()
        hierarchy = (memory.unit_rule.hierarchy_from,) if memory.unit_rule and memory.unit_rule.hierarchy_from else ()
        name = (PRINCIPAL_NAME,) if memory.sign_on.settings is not None else ()
        return tuple(dict.fromkeys((*USER_ATTRIBUTES, *number, *hierarchy, *name)))

    def needs_groups(self, memory: Memory) -> bool:
        """Tell whether there is or was a label group."""
        return bool(self.rule.label_group or memory.own(RuleKind.USERS, ObjectKind.EXTENSION_GROUP))

    def start(self, sides: Sides) -> StartedUsers:
        """Read the users that the rule takes in."""
        associated = {association.guid for association in sides.memory.associations}
        scope = read_scope(sides.directory, self.base_dn, self.rule, sides.memory.known(RuleKind.USERS, associated))
        return StartedUsers(self.rule, sides.directory, sides.identity, scope)


@dataclass(frozen=True, slots=True)
class StartedUsers:
    """The synchronization of users whose scope has been read."""

    rule: UserRule
    directory: Directory
    identity: DirectoryIdentity
    scope: InScope

    @property
    def names(self) -> Mapping[str, str]:
        """The objectGUIDs of users that are named one by one."""
        return self.scope.names

    def plan(self, memory: Memory, pbx: PbxSnapshot) -> Plan:
        """Read what became of associated users that the scope did not take in, and plan."""
        seen = read_directory(self.directory, self.identity, self.scope, memory.associations)
        return plan_users(
            self.rule,
            seen,
            pbx,
            memory.associations,
            memory.retired,
            layout=self._layout(seen, memory, pbx),
            objects=[one for one in memory.objects if one.kind is ObjectKind.EXTENSION_GROUP],
            sign_on=memory.sign_on,
        )

    def _layout(self, seen: DirectorySnapshot, memory: Memory, pbx: PbxSnapshot) -> Layout | None:
        """Where extensions are to be in the organizations as they are; None while no rule asks for organizations."""
        rule = memory.unit_rule
        if rule is None or rule.sync_to is not SyncTo.ORGANIZATION or not pbx.organizations:
            return None
        held = memory.own(RuleKind.ORGANIZATIONAL_UNITS, ObjectKind.ORGANIZATION)
        return standing_layout(self._forest(rule, held, [*seen.users, *seen.outside]), held, pbx.organizations)

    def _forest(self, rule: UnitRule, held: Sequence[ObjectAssociation], users: Sequence[DirectoryUser]) -> Forest:
        if rule.hierarchy_from:
            return forest_of_values(users, rule.hierarchy_from, rule.hierarchy_separator, held)
        # What is left of an attribute's values has no place in the directory.
        known = {one.guid: one for one in held if one.dn}
        lookup = self.directory.look_up_objects(known)
        # Of one that the directory does not show, nothing proves that it is no longer where it was.
        dns = {guid: one.dn for guid, one in known.items() if guid not in lookup.deleted}
        dns.update({guid: node.dn for guid, node in lookup.live.items()})
        places = Places(dns)
        units = [Unit(guid, dn, (known[guid].name,), places.nearest_above(dn)) for guid, dn in dns.items()]
        return Forest(in_order(units), homes_of(users, places))


def homes_of(users: Iterable[DirectoryUser], places: Places) -> Mapping[str, str]:
    """Return the nearest unit above each user, by the user's objectGUID."""
    homes = {user.guid: places.nearest_above(user.dn) for user in users}
    return {guid: unit for guid, unit in homes.items() if unit}


@dataclass(frozen=True, slots=True)
class InScope:
    """The users that a rule takes in.

    :param question: the query whose answer, limited to some users, tells whether the scope takes them in; None
        where the users are named one by one.
    :param remembered: objectGUIDs of named users that no longer answer to their name and did before.
    :param names: objectGUIDs of named users by the names as they are given.
    :param groups: objectGUIDs of named groups.
    """

    users: Sequence[DirectoryUser]
    question: UserQuery | None
    bindings: dict[str, str] = field(default_factory=dict)
    remembered: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)
    groups: frozenset[str] = frozenset()


def read_directory(
    directory: Directory, identity: DirectoryIdentity, scope: InScope, associations: Sequence[Association]
) -> DirectorySnapshot:
    """Read what became of the associated users that the scope did not take in, and join it with those it did.

    Absence from a search proves nothing. Each associated user that the scope's search did not return is asked for
    by objectGUID in the whole domain, and those found alive are put to the scope's own question once more: if it
    takes one in now, the first answer was cut short.

    :raises IncompleteReadError: if an answer was not complete.
    """
    inside = {user.guid: user for user in scope.users}
    absent = [association.guid for association in associations if association.guid not in inside]
    lookup = directory.look_up_users(absent)
    inside.update({guid: lookup.live[guid] for guid in scope.remembered if guid in lookup.live})
    outside = [lookup.live[guid] for guid in absent if guid in lookup.live and guid not in inside]
    _prove_outside(directory, scope.question, outside)
    return DirectorySnapshot(
        domain=identity.domain,
        time=identity.time,
        users=tuple(inside.values()),
        outside=tuple(outside),
        deleted=frozenset(guid for guid in absent if guid in lookup.deleted),
        missing=frozenset(guid for guid in absent if guid not in lookup.live and guid not in lookup.deleted),
        bindings=scope.bindings,
    )


def read_scope(directory: Directory, base_dn: str, rule: UserRule, known: Mapping[str, str]) -> InScope:
    """Read the users that a rule takes in.

    :param known: objectGUIDs of associated users by the names by which the rule found them before, so that one that
        was renamed or deleted since is known.
    :raises DirectoryNameError: if the rule names what does not exist, before any user is read.
    :raises IncompleteReadError: if an answer was not complete.
    """
    match rule.scope:
        case Scope.USERS:
            return _read_named(directory, rule, known)
        case Scope.GROUPS:
            return _read_groups(directory, base_dn, rule.groups)
        case Scope.ORGANIZATIONAL_UNITS:
            units = [directory.find_organizational_unit(name) for name in rule.organizational_units]
            question = UserQuery(bases=tuple(unit.dn for unit in units))
        case Scope.FILTER:
            directory.check_filter(rule.filter)
            question = UserQuery(bases=(base_dn,), filter=rule.filter)
        case Scope.ALL:
            question = UserQuery(bases=(base_dn,))
    return InScope(directory.read_users(question), question)


def _read_groups(directory: Directory, base_dn: str, names: Iterable[str]) -> InScope:
    """Take the members from the groups' own lists. Who is outside is proved from the other end of the link, by
    memberOf as the server itself follows it, so that a group missing from these lists is noticed too."""
    chosen = choose_groups(directory, names)
    everyone = directory.read_users(UserQuery(bases=(base_dn,)))
    groups = with_nested(directory.read_groups(), chosen.guids)
    question = UserQuery(bases=(base_dn,), member_of=chosen.to_ask)
    return InScope(members_among(everyone, groups), question, groups=chosen.guids)


@dataclass(frozen=True, slots=True)
class ChosenGroups:
    """Groups that are named.

    :param guids: their objectGUIDs.
    :param to_ask: they and those nested in them as the server follows them; the members of all of these, by memberOf
        and by primary group, are theirs.
    """

    guids: frozenset[str]
    to_ask: tuple[DirectoryGroup, ...]


def choose_groups(directory: Directory, names: Iterable[str]) -> ChosenGroups:
    """Find groups by their names.

    :raises DirectoryNameError: if there is none of a name, or several.
    :raises IncompleteReadError: if the list of all groups lacks one of them.
    """
    wanted = frozenset(directory.find_group(name).guid for name in names)
    known = directory.read_groups()
    chosen = groups_among(known, wanted)
    nested = {guid for group in chosen for guid in directory.find_groups_within(group)}
    return ChosenGroups(wanted, tuple(groups_among(known, wanted | nested)))


def _read_named(directory: Directory, rule: UserRule, known: Mapping[str, str]) -> InScope:
    names: dict[str, str] = {}
    users: list[DirectoryUser] = []
    bindings: dict[str, str] = {}
    remembered: set[str] = set()
    for named in rule.users:
        try:
            user = directory.find_user(named.user)
        except DirectoryNameError:
            if named.user not in known:
                raise
            guid = known[named.user]
            remembered.add(guid)
        else:
            guid = user.guid
            users.append(user)
        if guid in bindings:
            raise DirectoryNameError(
                f"users names {named.user} twice, by this and by another name.", "Leave one of the two out."
            )
        bindings[guid] = named.extension
        names[named.user] = guid
    return InScope(users, None, bindings, frozenset(remembered), names)


def _prove_outside(directory: Directory, question: UserQuery | None, users: Collection[DirectoryUser]) -> None:
    if question is None or not users:
        return
    inside = directory.read_users(replace(question, only=frozenset(user.guid for user in users))) or [
        user for user in users if _is_taken_in(question, user)
    ]
    if inside:
        names = ", ".join(sorted(user.account_name for user in inside)[:5])
        raise IncompleteReadError(
            f"The search of the scope left out {len(inside)} user(s) that the scope takes in ({names}): the directory "
            "server's answer was incomplete, or they came into scope this very moment.",
            "Nothing was changed; run again.",
        )


def _is_taken_in(question: UserQuery, user: DirectoryUser) -> bool:
    """Tell whether a user's mere place proves that a scope takes them in, whatever the directory answers to it."""
    limited = question.filter or question.member_of
    return not limited and any(is_within(user.dn, base) for base in question.bases)
