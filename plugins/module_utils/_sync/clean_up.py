# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The plan of a clean-up: what a kind of synchronization has made is deleted because somebody asked for it.

It is that of a synchronization whose scope takes in nothing, so that all is minded that deleting must mind: who is in
an organization, which extension leaves it first, what is gone already.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import (
    DirectorySnapshot,
    DirectoryUser,
    Domain,
    GroupSnapshot,
    People,
    UnitSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.group_plan import plan_directory_groups
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    Credential,
    ObjectAssociation,
    ObjectKind,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxSnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    REMOVALS,
    Action,
    AnyChange,
    ExtensionChange,
    GroupChange,
    OrganizationChange,
    Plan,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan_id import sealed
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.revocations import after_revocations, revocations
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    AnyRule,
    GroupRule,
    OutOfScope,
    RuleKind,
    UnitRule,
    UserRule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on import SignOn
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.unit_plan import plan_units
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.users import plan_users


@dataclass(frozen=True, slots=True)
class Remains:
    """What there is to clean up.

    :param time: the time, aware, UTC.
    :param credentials: what sign-ons have left behind, all of which ends.
    """

    domain: Domain
    pbx: PbxSnapshot
    associations: Sequence[Association]
    objects: Sequence[ObjectAssociation]
    time: datetime
    credentials: tuple[Credential, ...] = ()


def in_clean_up_order(delete: Collection[RuleKind]) -> tuple[RuleKind, ...]:
    """Return all kinds in the order in which they are cleaned up; what is made of extensions goes before them.

    Extensions that are deleted need not leave their organizations first. Those that stay do, and for that they must
    still be known to be the synchronization's.

    :param delete: the kinds whose objects are deleted.
    """
    extensions_go = RuleKind.USERS in delete
    places = (RuleKind.USERS, RuleKind.ORGANIZATIONAL_UNITS)
    return (RuleKind.GROUPS, *(places if extensions_go else reversed(places)))


def plan_clean_up(kind: RuleKind, remains: Remains) -> Plan:
    """Plan to delete all that a kind of synchronization is associated with."""
    match kind:
        case RuleKind.USERS:
            return _users(remains)
        case RuleKind.ORGANIZATIONAL_UNITS:
            return _units(remains)
        case RuleKind.GROUPS:
            return _groups(remains)


def plan_release(kind: RuleKind, remains: Remains) -> Plan:
    """Plan to end all associations of a kind, and to leave the objects as they are.

    The label group is deleted: nothing will be associated that it could label.
    """
    label = _users(remains).changes if kind is RuleKind.USERS else ()
    ended = {(change.kind, change.guid) for change in label if isinstance(change, GroupChange)}
    changes: list[AnyChange] = [change for change in label if isinstance(change, GroupChange)]
    if kind is RuleKind.USERS:
        there = {extension.id for extension in remains.pbx.extensions}
        releases = [_extension_release(one, is_there=one.extension_id in there) for one in remains.associations]
        revoked = _revocations(remains)
        changes.extend([*revoked, *after_revocations(releases, revoked)])
    own = [one for one in remains.objects if one.rule is kind and (one.kind, one.guid) not in ended]
    changes.extend(_object_release(one) for one in own)
    return sealed(_rule(kind), remains.domain, remains.pbx.identity, Plan("", tuple(changes), ()))


def plan_sign_on_end(remains: Remains) -> Plan:
    """Plan to replace all passwords that sign-ons have set, and to leave everything else as it is."""
    plan = Plan("", tuple(_revocations(remains)), ())
    return sealed(_rule(RuleKind.USERS), remains.domain, remains.pbx.identity, plan)


def _revocations(remains: Remains) -> list[ExtensionChange]:
    nothing_read = DirectorySnapshot(remains.domain, remains.time, users=())
    there = {extension.id for extension in remains.pbx.extensions}
    return revocations(_ended_sign_on(remains), nothing_read, remains.associations, (), there)


def _ended_sign_on(remains: Remains) -> SignOn:
    return SignOn(settings=None, credentials=remains.credentials)


def has_remains(kind: RuleKind, associations: Sequence[Association], objects: Sequence[ObjectAssociation]) -> bool:
    """Tell whether a kind of synchronization is associated with anything."""
    return bool(kind is RuleKind.USERS and associations) or any(one.rule is kind for one in objects)


def _rule(kind: RuleKind) -> AnyRule:
    match kind:
        case RuleKind.USERS:
            return UserRule(delete_when=frozenset(), out_of_scope=OutOfScope.DELETE)
        case RuleKind.ORGANIZATIONAL_UNITS:
            return UnitRule(out_of_scope=OutOfScope.DELETE)
        case RuleKind.GROUPS:
            return GroupRule(out_of_scope=OutOfScope.DELETE)


def _users(remains: Remains) -> Plan:
    rule = UserRule(delete_when=frozenset(), out_of_scope=OutOfScope.DELETE)
    directory = DirectorySnapshot(
        remains.domain, remains.time, users=(), outside=tuple(_people(remains).users.values())
    )
    groups = [one for one in remains.objects if one.kind is ObjectKind.EXTENSION_GROUP]
    ended = _ended_sign_on(remains)
    plan = plan_users(rule, directory, remains.pbx, remains.associations, (), objects=groups, sign_on=ended)
    return _asked_for(rule, remains, plan)


def _units(remains: Remains) -> Plan:
    rule = UnitRule(out_of_scope=OutOfScope.DELETE)
    directory = UnitSnapshot(remains.domain, (), _people(remains))
    root = remains.pbx.root_organization
    plan = plan_units(
        rule,
        directory,
        remains.pbx,
        remains.associations,
        remains.objects,
        anchor=root.id if root is not None else 0,
    )
    return _asked_for(rule, remains, plan)


def _groups(remains: Remains) -> Plan:
    rule = GroupRule(out_of_scope=OutOfScope.DELETE)
    directory = GroupSnapshot(remains.domain, (), _people(remains))
    plan = plan_directory_groups(rule, directory, remains.pbx, remains.associations, remains.objects)
    return _asked_for(rule, remains, plan)


def _people(remains: Remains) -> People:
    return People(
        {one.guid: DirectoryUser(one.guid, one.dn, one.account_name, attributes={}) for one in remains.associations}
    )


def _asked_for(rule: AnyRule, remains: Remains, plan: Plan) -> Plan:
    changes = tuple(
        replace(change, reason=Reason.CLEAN_UP)
        if change.action in REMOVALS and change.reason is Reason.OUT_OF_SCOPE
        else change
        for change in plan.changes
    )
    return sealed(rule, remains.domain, remains.pbx.identity, replace(plan, changes=changes))


def _extension_release(association: Association, *, is_there: bool) -> ExtensionChange:
    """A parked extension that stays is made usable again."""
    return ExtensionChange(
        action=Action.RELEASE,
        guid=association.guid,
        name=association.account_name,
        dn=association.dn,
        number=association.number,
        object_id=association.extension_id,
        reason=Reason.DISCONNECTED,
        parked=association.parked if is_there else None,
    )


def _object_release(association: ObjectAssociation) -> OrganizationChange | GroupChange:
    change = OrganizationChange if association.kind is ObjectKind.ORGANIZATION else GroupChange
    return change(
        action=Action.RELEASE,
        guid=association.guid,
        name=association.name,
        dn=association.dn,
        object_id=association.object_id,
        reason=Reason.DISCONNECTED,
    )
