# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The planner of the synchronization of users: data in, plan out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync import changes, conflicts
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.addresses import Refusal
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.claims import (
    address_conflicts,
    refused_addresses,
    values_to_write,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.creations import creations
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectorySnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.groups import GroupsPart, Membership
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.label import plan_label
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.matching import Matches, match_newcomers
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    Origin,
    RetiredNumber,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.numbers import is_number, number_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.order import in_order
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxSnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.placement import Layout
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    Conflict,
    ExtensionChange,
    Plan,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan_id import plan_id, removals_id
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.removals import deleting_status
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import NumberFrom, UserRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.situation import Situation, look_at


def plan_users(
    rule: UserRule,
    directory: DirectorySnapshot,
    pbx: PbxSnapshot,
    associations: Sequence[Association],
    retired: Sequence[RetiredNumber],
    *,
    layout: Layout | None = None,
    objects: Sequence[ObjectAssociation] = (),
) -> Plan:
    """Plan one synchronization of users.

    :param associations: as the ledger has them, with what unfinished changes have become already settled.
    :param retired: numbers freed or refused earlier.
    :param layout: the organizations that extensions are to be in; None where they are left as they are.
    :param objects: associations of extension groups, of which the label group is this rule's.
    """
    situation = look_at(rule, directory, pbx, associations, layout)
    matches = _match(situation)
    refusals = refused_addresses(situation, matches)
    updates = _updates(situation, refusals)
    associates = _associates(situation, matches, refusals)
    creates, create_conflicts = creations(situation, matches, refusals, retired)
    written = [change for change in updates if change.after]
    ordered = in_order([*situation.sorted.removals, *written, *associates, *creates], situation.extensions)
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
            ),
            key=lambda conflict: (conflict.name.casefold(), conflict.guid, conflict.code, conflict.message),
        )
    )
    known = {association.guid: association for association in associations}
    return Plan(
        id=plan_id(rule, directory.domain, pbx.identity, changes_made, found),
        changes=changes_made,
        conflicts=found,
        removals_id=removals_id(directory.domain, pbx.identity, changes_made),
        refreshed=(
            *(
                change.association
                for change in updates
                if change.association is not None and not change.after and change.association != known[change.guid]
            ),
            *label.refreshed,
        ),
        unchanged=situation.existing - len(written),
        excluded=_excluded(rule, directory, known),
    )


def _excluded(rule: UserRule, directory: DirectorySnapshot, known: Mapping[str, Association]) -> int:
    return sum(
        1 for user in directory.users if user.guid not in known and deleting_status(user, rule, directory) is not None
    )


def _match(situation: Situation) -> Matches:
    kept = {held.association.extension_id for held in situation.sorted.kept}
    taken = kept | situation.deleted_ids
    return match_newcomers(
        situation.rule,
        situation.directory,
        situation.newcomers,
        situation.wanted,
        free=[extension for extension in situation.pbx.extensions if extension.id not in taken],
        taken={extension.number for extension in situation.pbx.extensions if extension.id in taken},
    )


def _updates(situation: Situation, refusals: Mapping[str, Refusal]) -> list[ExtensionChange]:
    return [
        changes.update(
            association,
            user,
            values_to_write(situation, user.guid, refusals),
            situation.extensions[association.extension_id],
            situation.placed(user.guid, situation.extensions[association.extension_id], association.organization_id),
        )
        for association, user in situation.updating
    ]


def _label(
    situation: Situation, ordered: Sequence[ExtensionChange], objects: Sequence[ObjectAssociation]
) -> GroupsPart:
    if situation.pbx.groups is None:
        return GroupsPart()
    associations = {kept.association.guid: kept.association for kept in situation.sorted.kept}
    taken_over = [change for change in ordered if change.action is Action.ASSOCIATE]
    associations |= {change.guid: change.association for change in taken_over if change.association is not None}
    membership = Membership(
        extensions=situation.extensions,
        associations=associations,
        coming={change.guid: change.number for change in ordered if change.action is Action.CREATE},
        going=frozenset(situation.deleted_ids),
    )
    return plan_label(situation.rule.label_group, objects, situation.pbx.groups, membership)


def _associates(situation: Situation, matches: Matches, refusals: Mapping[str, Refusal]) -> list[ExtensionChange]:
    users = {user.guid: user for user in situation.newcomers}
    releases = {change.object_id: change.key for change in situation.sorted.removals}
    own_releases = {change.guid: change.key for change in situation.sorted.removals}
    found = []
    for origin, matched in ((Origin.BOUND, matches.bound), (Origin.ADOPTED, matches.adopted)):
        for guid, extension in matched.items():
            depends_on = {releases.get(extension.id), own_releases.get(guid)} - {None}
            found.append(
                changes.associate(
                    users[guid],
                    values_to_write(situation, guid, refusals),
                    extension,
                    origin,
                    tuple(sorted(key for key in depends_on if key is not None)),
                    placed=situation.placed(guid, extension),
                )
            )
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
