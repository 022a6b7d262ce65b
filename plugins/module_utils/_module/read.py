# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Reads both sides into snapshots, and proves what a removal will rest on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import DirectoryNameError, IncompleteReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Directory, Pbx, UserQuery
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import IncompleteListError
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.model import (
    Association,
    DirectoryIdentity,
    DirectorySnapshot,
    DirectoryUser,
    PbxIdentity,
    PbxSnapshot,
    Scope,
    UserRule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.scope import members_among, with_nested


@dataclass(frozen=True, slots=True)
class InScope:
    """The users that a rule takes in.

    :param question: the query whose answer, limited to some users, tells whether the scope takes them in; None
        where the users are named one by one.
    :param remembered: objectGUIDs of named users that no longer answer to their name and are known from an
        association.
    """

    users: Sequence[DirectoryUser]
    question: UserQuery | None
    bindings: dict[str, str] = field(default_factory=dict)
    remembered: frozenset[str] = frozenset()


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


def read_scope(directory: Directory, base_dn: str, rule: UserRule, associations: Sequence[Association]) -> InScope:
    """Read the users that a rule takes in.

    :param associations: by which a named user that was renamed or deleted since is known.
    :raises DirectoryNameError: if the rule names what does not exist, before any user is read.
    :raises IncompleteReadError: if an answer was not complete.
    """
    match rule.scope:
        case Scope.USERS:
            return _read_named(directory, rule, associations)
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
    wanted = {directory.find_group(name).guid for name in names}
    groups = with_nested(directory.read_groups(), wanted)
    everyone = directory.read_users(UserQuery(bases=(base_dn,)))
    question = UserQuery(bases=(base_dn,), member_of=tuple(groups))
    return InScope(members_among(everyone, groups), question)


def _read_named(directory: Directory, rule: UserRule, associations: Sequence[Association]) -> InScope:
    users: list[DirectoryUser] = []
    bindings: dict[str, str] = {}
    remembered: set[str] = set()
    for named in rule.users:
        try:
            user = directory.find_user(named.user)
        except DirectoryNameError:
            guid = _remembered_name(named.user, associations)
            if guid is None:
                raise
            remembered.add(guid)
        else:
            guid = user.guid
            users.append(user)
        if guid in bindings:
            raise DirectoryNameError(
                f"users names {named.user} twice, by this and by another name.", "Leave one of the two out."
            )
        bindings[guid] = named.extension
    return InScope(users, None, bindings, frozenset(remembered))


def _remembered_name(name: str, associations: Iterable[Association]) -> str | None:
    """Find a user that was renamed or deleted since, by the name last seen."""
    for association in associations:
        if name.casefold() in (association.account_name.casefold(), association.dn.casefold(), association.guid):
            return association.guid
    return None


def _prove_outside(directory: Directory, question: UserQuery | None, users: Collection[DirectoryUser]) -> None:
    if question is None or not users:
        return
    inside = directory.read_users(replace(question, only=frozenset(user.guid for user in users)))
    if inside:
        names = ", ".join(sorted(user.account_name for user in inside)[:5])
        raise IncompleteReadError(
            f"The search of the scope left out {len(inside)} user(s) that the scope takes in ({names}): the directory "
            "server's answer was incomplete, or they came into scope this very moment.",
            "Nothing was changed; run again.",
        )


def read_pbx(pbx: Pbx, identity: PbxIdentity, associations: Sequence[Association]) -> PbxSnapshot:
    """Read the PBX, and ask for each associated extension that its list does not show.

    :raises IncompleteListError: if such an extension exists: then the list was not complete.
    """
    capacity = pbx.capacity()
    root_organization = pbx.root_organization()
    extensions = pbx.extensions()
    listed = {extension.id for extension in extensions}
    for association in associations:
        if association.extension_id not in listed and pbx.extension(association.extension_id) is not None:
            raise IncompleteListError(
                f"The PBX's list of extensions lacks extension {association.number}, which exists.",
                "Nothing was changed; run again.",
            )
    return PbxSnapshot(identity, capacity, tuple(extensions), root_organization)
