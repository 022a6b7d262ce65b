# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The planner of the synchronization of users: data in, plan out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync import changes, conflicts
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.addresses import (
    Claim,
    Refusal,
    refuse_shared_addresses,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import EMAIL, WantedFields, wanted_fields
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.matching import Matches, match_newcomers
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.model import (
    Action,
    Association,
    Change,
    Conflict,
    DirectorySnapshot,
    DirectoryUser,
    Extension,
    NumberFrom,
    Origin,
    PbxSnapshot,
    Plan,
    Reason,
    RetiredNumber,
    Scope,
    UserRule,
    Welcome,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.numbers import (
    TakenNumbers,
    give_numbers,
    is_number,
    number_of,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.order import in_order
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan_id import plan_id, removals_id
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.removals import (
    Kept,
    Sorted,
    deleting_status,
    sort_associations,
)


@dataclass(frozen=True, slots=True)
class _Situation:
    """What the parts of the planner look at together.

    :param updating: kept associations whose user and extension both exist.
    :param restoring: kept associations whose extension is gone, and their users.
    :param wanted: managed fields by objectGUID, of newcomers and kept users.
    """

    rule: UserRule
    directory: DirectorySnapshot
    pbx: PbxSnapshot
    extensions: Mapping[int, Extension]
    sorted: Sorted
    updating: tuple[tuple[Association, DirectoryUser], ...]
    restoring: tuple[tuple[Association, DirectoryUser], ...]
    newcomers: tuple[DirectoryUser, ...]
    wanted: Mapping[str, WantedFields]


def plan_users(
    rule: UserRule,
    directory: DirectorySnapshot,
    pbx: PbxSnapshot,
    associations: Sequence[Association],
    retired: Sequence[RetiredNumber],
) -> Plan:
    """Plan one synchronization of users.

    :param associations: as the ledger has them, with what unfinished changes have become already settled.
    :param retired: numbers freed or refused earlier.
    """
    situation = _situation(rule, directory, pbx, associations)
    matches = _match(situation)
    refusals = _refusals(situation, matches)
    updates = _updates(situation, refusals)
    associates = _associates(situation, matches, refusals)
    creates, create_conflicts = _creates(situation, matches, refusals, retired)
    written = [change for change in updates if change.after]
    ordered = in_order([*situation.sorted.removals, *written, *associates, *creates], situation.extensions)
    found = tuple(
        sorted(
            (
                *situation.sorted.conflicts,
                *matches.conflicts,
                *_field_conflicts(situation),
                *_address_conflicts(situation, refusals),
                *_number_conflicts(situation),
                *create_conflicts,
            ),
            key=lambda conflict: (conflict.user.casefold(), conflict.guid, conflict.code, conflict.message),
        )
    )
    known = {association.guid: association for association in associations}
    return Plan(
        id=plan_id(rule, directory.domain, pbx.identity, ordered, found),
        changes=ordered,
        conflicts=found,
        removals_id=removals_id(directory.domain, pbx.identity, ordered),
        refreshed=tuple(
            change.association
            for change in updates
            if change.association is not None and not change.after and change.association != known[change.guid]
        ),
        unchanged=_existing(situation) - len(written),
        excluded=_excluded(rule, directory, known),
    )


def _situation(
    rule: UserRule, directory: DirectorySnapshot, pbx: PbxSnapshot, associations: Sequence[Association]
) -> _Situation:
    extensions = {extension.id: extension for extension in pbx.extensions}
    shown = sorted(
        (_as_shown(association, extensions) for association in associations),
        key=lambda association: (len(association.number), association.number, association.guid),
    )
    ended = sort_associations(rule, directory, shown, extensions)
    with_user = [(_as_named(rule, kept.association), kept.user) for kept in ended.kept if kept.user is not None]
    newcomers = _newcomers(rule, directory, ended.kept)
    users = [*(user for _association, user in with_user), *newcomers]
    return _Situation(
        rule=rule,
        directory=directory,
        pbx=pbx,
        extensions=extensions,
        sorted=ended,
        updating=tuple((held, user) for held, user in with_user if held.extension_id in extensions),
        restoring=tuple((held, user) for held, user in with_user if held.extension_id not in extensions),
        newcomers=newcomers,
        wanted={user.guid: wanted_fields(user) for user in users},
    )


def _existing(situation: _Situation) -> int:
    return sum(1 for kept in situation.sorted.kept if kept.association.extension_id in situation.extensions)


def _as_shown(association: Association, extensions: Mapping[int, Extension]) -> Association:
    """The PBX's administrator may have changed an extension's number, so what the PBX shows is what counts."""
    extension = extensions.get(association.extension_id)
    return association if extension is None else replace(association, number=extension.number)


def _as_named(rule: UserRule, association: Association) -> Association:
    """Whom the rule names is bound by name, however their association came about: leaving them out later keeps
    the extension."""
    return replace(association, origin=Origin.BOUND) if rule.scope is Scope.USERS else association


def _newcomers(rule: UserRule, directory: DirectorySnapshot, kept: Iterable[Kept]) -> tuple[DirectoryUser, ...]:
    """Users without an extension, in an order that does not depend on how the directory returned them."""
    associated = {held.association.guid for held in kept}
    users = [
        user
        for user in directory.users
        if user.guid not in associated and deleting_status(user, rule, directory) is None
    ]
    return tuple(sorted(users, key=lambda user: (user.account_name.casefold(), user.guid)))


def _excluded(rule: UserRule, directory: DirectorySnapshot, known: Mapping[str, Association]) -> int:
    return sum(
        1 for user in directory.users if user.guid not in known and deleting_status(user, rule, directory) is not None
    )


def _match(situation: _Situation) -> Matches:
    deleted = _deleted_ids(situation)
    kept = {held.association.extension_id for held in situation.sorted.kept}
    free = [extension for extension in situation.pbx.extensions if extension.id not in deleted | kept]
    return match_newcomers(
        situation.rule,
        situation.directory,
        situation.newcomers,
        situation.wanted,
        free=free,
        taken={situation.extensions[id_].number for id_ in deleted | kept if id_ in situation.extensions},
    )


def _deleted_ids(situation: _Situation) -> set[int]:
    return {
        change.extension_id
        for change in situation.sorted.removals
        if change.action is Action.DELETE and change.extension_id is not None
    }


def _refusals(situation: _Situation, matches: Matches) -> dict[str, Refusal]:
    """Find the addresses that the PBX, which takes each once, could not take."""
    claims: dict[str, Claim] = {}
    held_by_claimants: set[int] = set()

    def claim(guid: str, extension: Extension | None) -> None:
        held = extension.fields[EMAIL] if extension is not None else ""
        claims[guid] = Claim(situation.wanted[guid].values.get(EMAIL, held), held)
        if extension is not None:
            held_by_claimants.add(extension.id)

    for association, user in situation.updating:
        claim(user.guid, situation.extensions[association.extension_id])
    for guid, extension in {**matches.bound, **matches.adopted}.items():
        claim(guid, extension)
    for _association, user in situation.restoring:
        claim(user.guid, None)
    for user in matches.to_create:
        claim(user.guid, None)
    deleted = _deleted_ids(situation)
    fixed = {
        extension.fields[EMAIL].casefold(): extension.id
        for extension in situation.pbx.extensions
        if extension.fields[EMAIL] and extension.id not in held_by_claimants | deleted
    }
    return refuse_shared_addresses(claims, fixed)


def _values(situation: _Situation, guid: str, refusals: Mapping[str, Refusal]) -> Mapping[str, str]:
    values = situation.wanted[guid].values
    if guid not in refusals:
        return values
    return {name: value for name, value in values.items() if name != EMAIL}


def _updates(situation: _Situation, refusals: Mapping[str, Refusal]) -> list[Change]:
    return [
        changes.update(
            association,
            user,
            _values(situation, user.guid, refusals),
            situation.extensions[association.extension_id],
        )
        for association, user in situation.updating
    ]


def _associates(situation: _Situation, matches: Matches, refusals: Mapping[str, Refusal]) -> list[Change]:
    users = {user.guid: user for user in situation.newcomers}
    releases = {change.extension_id: change.key for change in situation.sorted.removals}
    own_releases = {change.guid: change.key for change in situation.sorted.removals}
    found = []
    for origin, matched in ((Origin.BOUND, matches.bound), (Origin.ADOPTED, matches.adopted)):
        for guid, extension in matched.items():
            depends_on = {releases.get(extension.id), own_releases.get(guid)} - {None}
            found.append(
                changes.associate(
                    users[guid],
                    _values(situation, guid, refusals),
                    extension,
                    origin,
                    tuple(sorted(key for key in depends_on if key is not None)),
                )
            )
    return found


def _creates(
    situation: _Situation, matches: Matches, refusals: Mapping[str, Refusal], retired: Sequence[RetiredNumber]
) -> tuple[list[Change], list[Conflict]]:
    removals = situation.sorted.removals
    deletes = [change for change in removals if change.action is Action.DELETE]
    freed = {change.number: change.key for change in deletes}
    gone = {change.number for change in removals if change.reason is Reason.EXTENSION_GONE}
    in_use = {extension.number for extension in situation.pbx.extensions} - set(freed)
    found: list[Conflict] = []
    planned: list[tuple[DirectoryUser, str, Association | None]] = []
    for association, user in situation.restoring:
        if association.number in in_use:
            found.append(conflicts.number_made_anew(user, association.number))
        elif user.guid not in refusals:
            planned.append((user, association.number, association))
    newcomers = [user for user in matches.to_create if user.guid not in refusals]
    promised = {held.association.number for held in situation.sorted.kept}
    taken = TakenNumbers(in_use | promised, gone | set(freed), retired)
    numbering = give_numbers(situation.rule, newcomers, taken, situation.directory.time)
    found.extend(numbering.conflicts)
    planned.extend((user, numbering.numbers[user.guid], None) for user in newcomers if user.guid in numbering.numbers)

    capacity = situation.pbx.capacity
    room = capacity.extensions - capacity.extensions_used
    places = max(0, room + len(deletes))
    found.extend(conflicts.no_capacity(user, capacity.extensions) for user, *_unused in planned[places:])
    over_licence = {change.key for change in deletes[: max(0, -room)]}
    created = []
    for place, (user, number, former) in enumerate(planned[:places]):
        depends_on = {*over_licence, *([freed[number]] if number in freed else [])}
        if place >= room:
            depends_on.add(deletes[place - room].key)
        values = _values(situation, user.guid, refusals)
        if situation.rule.send_welcome_email and not values.get(EMAIL):
            found.append(conflicts.welcome_without_address(user, number))
        created.append(
            changes.create(
                user,
                values,
                number,
                welcome=Welcome.DUE if situation.rule.send_welcome_email and values.get(EMAIL) else Welcome.NONE,
                former=former,
                depends_on=tuple(sorted(depends_on)),
            )
        )
    return created, found


def _known_users(situation: _Situation) -> list[DirectoryUser]:
    kept = [user for _association, user in (*situation.updating, *situation.restoring)]
    return [*kept, *situation.newcomers]


def _field_conflicts(situation: _Situation) -> list[Conflict]:
    return [
        conflicts.field_invalid(user, problem)
        for user in _known_users(situation)
        for problem in situation.wanted[user.guid].problems
    ]


def _address_conflicts(situation: _Situation, refusals: Mapping[str, Refusal]) -> list[Conflict]:
    users = _known_users(situation)
    names = {user.guid: user.account_name for user in users}
    return [
        conflicts.email_refused(
            user, situation.wanted[user.guid].values[EMAIL], refusals[user.guid], names, situation.extensions
        )
        for user in users
        if user.guid in refusals
    ]


def _number_conflicts(situation: _Situation) -> list[Conflict]:
    """A number once given stays; where the attribute now says another, that is told."""
    rule = situation.rule
    if rule.number_from is not NumberFrom.ATTRIBUTE:
        return []
    found = []
    for association, user in situation.updating:
        wanted = number_of(user, rule.number_attribute)
        if is_number(wanted) and wanted != association.number:
            found.append(conflicts.number_differs(user, association.number, wanted, rule.number_attribute))
    return found
