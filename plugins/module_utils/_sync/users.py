# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The planner of the synchronization of users: data in, plan out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync import changes, conflicts
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.addresses import Refusal
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.claims import (
    address_conflicts,
    refused_addresses,
    values_to_write,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.creations import creations
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectorySnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import EMAIL
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.groups import GroupsPart
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.label import plan_label
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.matching import Matches, match_newcomers
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.members import Membership
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    Origin,
    RetiredNumber,
    Welcome,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.numbers import is_number, number_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.order import in_order
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxSnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.placement import Layout
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    Conflict,
    Drifted,
    ExtensionChange,
    Plan,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan_id import guard_id, plan_id
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.removals import deleting_status
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.revocations import after_revocations, revocations
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import NumberFrom, Scope, UserRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on import NO_SIGN_ON, SignOn
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.situation import Situation, look_at
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.three_way import (
    both_changed_conflicts,
    drifted_place,
)


def plan_users(
    rule: UserRule,
    directory: DirectorySnapshot,
    pbx: PbxSnapshot,
    associations: Sequence[Association],
    retired: Sequence[RetiredNumber],
    *,
    layout: Layout | None = None,
    objects: Sequence[ObjectAssociation] = (),
    sign_on: SignOn = NO_SIGN_ON,
) -> Plan:
    """Plan one synchronization of users.

    :param associations: as the ledger has them, with what unfinished changes have become already settled.
    :param retired: numbers freed or refused earlier.
    :param layout: the organizations that extensions are to be in; None where they are left as they are.
    :param objects: associations of extension groups, of which the label group is this rule's.
    :param sign_on: what is remembered of the sign-on with the directory's credentials.
    """
    situation, matches = _look_and_match(rule, directory, pbx, associations, layout)
    refusals = refused_addresses(situation, matches)
    updates = _updates(situation, refusals)
    handed_over = _handed_over(situation, matches)
    associates = _associates(situation, matches, refusals, handed_over)
    drifted = (*situation.drifted, *updates.drifted)
    creates, create_conflicts = creations(situation, matches, refusals, retired)
    taken_over = {change.object_id for change in handed_over}
    parkings = [change for change in situation.sorted.parkings if change.object_id not in taken_over]
    written = [*updates.written, *_unparked_without_user(situation)]
    revoked = revocations(
        sign_on, directory, situation.associations, [*situation.sorted.removals, *parkings], situation.extensions
    )
    removals = after_revocations(situation.sorted.removals, revoked)
    ordered = in_order(
        [*revoked, *removals, *handed_over, *parkings, *written, *associates, *creates], situation.extensions
    )
    label = _label(situation, ordered, objects)
    changes_made: tuple[AnyChange, ...] = (*ordered, *label.changes)
    found = tuple(
        sorted(
            (
                *situation.sorted.conflicts,
                *matches.conflicts,
                *_field_conflicts(situation),
                *address_conflicts(situation, refusals),
                *_number_conflicts(situation),
                *create_conflicts,
                *label.conflicts,
                *both_changed_conflicts(drifted),
            ),
            key=lambda conflict: (conflict.name.casefold(), conflict.guid, conflict.code, conflict.message),
        )
    )
    return Plan(
        id=plan_id(rule, directory.domain, pbx.identity, changes_made, found),
        changes=changes_made,
        conflicts=found,
        guard_id=guard_id(directory.domain, pbx.identity, changes_made),
        refreshed=(*_differing(updates.going_on, associations), *label.refreshed),
        unchanged=situation.existing - len(written),
        excluded=_excluded(rule, directory, associations),
        parked=sum(1 for association in situation.sorted.parked if association.extension_id not in taken_over),
        drift=(*drifted, *label.drift),
    )


def _differing(going_on: Iterable[Association], associations: Iterable[Association]) -> list[Association]:
    """The associations that are not as they are remembered."""
    known = {association.guid: association for association in associations}
    return [association for association in going_on if association != known[association.guid]]


def _excluded(rule: UserRule, directory: DirectorySnapshot, associations: Iterable[Association]) -> int:
    barred = {user.guid for user in directory.users if deleting_status(user, rule, directory) is not None}
    return len(barred.difference(association.guid for association in associations))


def _look_and_match(
    rule: UserRule,
    directory: DirectorySnapshot,
    pbx: PbxSnapshot,
    associations: Sequence[Association],
    layout: Layout | None,
) -> tuple[Situation, Matches]:
    """Look at both sides, and decide what newcomers get.

    Who cannot have the extension that the rule names for them now keeps the one that they have. It is another's no
    more then, who may have been to get it, so all is looked at once more. This ends, for each time one user more is
    bound to what they have.
    """
    told: list[Conflict] = []
    while True:
        situation = look_at(rule, directory, pbx, associations, layout)
        matches = _match(situation)
        in_vain = _bound_in_vain(situation, matches)
        if not in_vain:
            matches.conflicts.extend(told)
            return situation, matches
        told.extend(conflict for conflict in matches.conflicts if conflict.guid in in_vain)
        directory = replace(directory, bindings={**directory.bindings, **in_vain})


def _bound_in_vain(situation: Situation, matches: Matches) -> dict[str, str]:
    """The numbers, by objectGUID, of those who are to leave their extension for one that they cannot have."""
    return {
        change.guid: change.number
        for change in situation.sorted.removals
        if change.reason is Reason.BOUND_ELSEWHERE and change.guid not in matches.bound
    }


def _match(situation: Situation) -> Matches:
    """What waits parked for its deletion may be taken over by e-mail address, by another account of the same person."""
    kept = {held.association.extension_id for held in situation.sorted.kept}
    taken = kept | situation.deleted_ids
    if situation.rule.scope is Scope.USERS:
        taken |= situation.waiting.keys()
    return match_newcomers(
        situation.rule,
        situation.directory,
        situation.newcomers,
        situation.wanted,
        free=[extension for extension in situation.pbx.extensions if extension.id not in taken],
        taken={extension.number for extension in situation.pbx.extensions if extension.id in taken},
    )


@dataclass(slots=True)
class _Updates:
    """What becomes of the extensions of those who go on to have one.

    :param written: the changes.
    :param going_on: associations of extensions that are as they are to be.
    :param drifted: organizations that a person took extensions out of.
    """

    written: list[ExtensionChange] = field(default_factory=list)
    going_on: list[Association] = field(default_factory=list)
    drifted: list[Drifted] = field(default_factory=list)


def _updates(situation: Situation, refusals: Mapping[str, Refusal]) -> _Updates:
    found = _Updates()
    for association, user in situation.updating:
        extension = situation.extensions[association.extension_id]
        values = values_to_write(situation, user.guid, refusals)
        placed = situation.placed(user.guid, extension, association.organization_id)
        drifted = drifted_place(association, extension, placed)
        if drifted is not None:
            found.drifted.append(drifted)
        if association.parked is not None:
            welcomed = replace(association, welcome=_welcome_back(situation, values, association.welcome))
            updated = changes.update(welcomed, user, values, extension, placed)
            found.written.append(changes.unpark(association, extension, updated))
        elif changes.needs_write(values, extension, placed):
            found.written.append(changes.update(association, user, values, extension, placed))
        else:
            found.going_on.append(changes.renewed(association, user, values, placed))
    return found


def _welcome_back(situation: Situation, values: Mapping[str, str], present: Welcome) -> Welcome:
    """Parking has replaced the password of the Linkus clients, so that the user needs the e-mail once more."""
    return Welcome.DUE if situation.rule.send_welcome_email and values.get(EMAIL) else present


def _unparked_without_user(situation: Situation) -> list[ExtensionChange]:
    return [
        changes.unpark(kept.association, situation.extensions[kept.association.extension_id])
        for kept in situation.sorted.kept
        if kept.user is None and kept.association.parked and kept.association.extension_id in situation.extensions
    ]


def _handed_over(situation: Situation, matches: Matches) -> list[ExtensionChange]:
    """The ends of the associations of parked extensions that newcomers take over."""
    waiting = situation.waiting
    return [
        changes.hand_over(waiting[extension.id], extension)
        for extension in matches.adopted.values()
        if extension.id in waiting
    ]


def _label(
    situation: Situation, ordered: Sequence[ExtensionChange], objects: Sequence[ObjectAssociation]
) -> GroupsPart:
    if situation.pbx.groups is None:
        return GroupsPart()
    associations = {kept.association.guid: kept.association for kept in situation.sorted.kept}
    associations |= {association.guid: association for association in situation.waiting.values()}
    for change in ordered:
        if change.reason is Reason.HANDED_OVER:
            del associations[change.guid]
    taken_over = [change for change in ordered if change.action is Action.ASSOCIATE]
    associations |= {change.guid: change.association for change in taken_over if change.association is not None}
    membership = Membership(
        extensions=situation.extensions,
        associations=associations,
        coming={change.guid: change.number for change in ordered if change.action is Action.CREATE},
        going=frozenset(situation.deleted_ids),
    )
    return plan_label(situation.rule.label_group, objects, situation.pbx.groups, membership)


def _associates(
    situation: Situation,
    matches: Matches,
    refusals: Mapping[str, Refusal],
    handed_over: Sequence[ExtensionChange],
) -> list[ExtensionChange]:
    users = {user.guid: user for user in situation.newcomers}
    releases = {change.object_id: change.key for change in (*situation.sorted.removals, *handed_over)}
    parked = {association.extension_id: association.parked for association in situation.sorted.parked}
    own_releases = {change.guid: change.key for change in situation.sorted.removals}
    found = []
    for origin, matched in ((Origin.BOUND, matches.bound), (Origin.ADOPTED, matches.adopted)):
        for guid, extension in matched.items():
            depends_on = {releases.get(extension.id), own_releases.get(guid)} - {None}
            values = values_to_write(situation, guid, refusals)
            change = changes.associate(
                users[guid],
                values,
                extension,
                origin,
                tuple(sorted(key for key in depends_on if key is not None)),
                placed=situation.placed(guid, extension),
                parked=parked.get(extension.id),
            )
            if change.parked is not None and change.association is not None:
                welcome = _welcome_back(situation, values, change.association.welcome)
                change = replace(change, association=replace(change.association, welcome=welcome))
            found.append(change)
    return found


def _field_conflicts(situation: Situation) -> list[Conflict]:
    return [
        conflicts.field_invalid(user, problem)
        for user in situation.known_users
        for problem in situation.wanted[user.guid].problems
    ]


def _number_conflicts(situation: Situation) -> list[Conflict]:
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
