# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The label group: one extension group whose members are the associated extensions, for the administrators' eyes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.endings import Ending, Endings
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.groups import GroupsPart, plan_groups
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.members import Membership, WantedGroup
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectAssociation, Origin
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import ExtensionGroup
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

#: What stands for an objectGUID in the association of the label group.
LABEL = "label"


def plan_label(
    title: str, objects: Sequence[ObjectAssociation], groups: Sequence[ExtensionGroup], membership: Membership
) -> GroupsPart:
    """Plan the label group.

    :param title: its name; "" for none: then one that was made is deleted.
    :param objects: the associations of all extension groups.
    :param membership: of the users as they are associated after the run; all of them are members.
    """
    wanted = [_wanted(title, membership.associations, membership.coming)] if title else []
    return plan_groups(
        wanted,
        RuleKind.USERS,
        objects,
        _endings(title, objects, {group.id for group in groups}),
        groups=groups,
        membership=membership,
        associate_by_name=False,
    )


def _wanted(title: str, associated: Mapping[str, object], coming: Mapping[str, str]) -> WantedGroup:
    return WantedGroup(
        guid=LABEL,
        dn="",
        shown=title,
        title=title,
        members=frozenset({*associated, *coming}),
        new=Reason.LABEL,
        label=True,
    )


def _endings(title: str, objects: Sequence[ObjectAssociation], existing: set[int]) -> Endings:
    found = Endings()
    for association in objects:
        if association.rule is RuleKind.USERS and not title:
            gone = association.object_id not in existing
            action = Action.RELEASE if gone or association.origin is not Origin.CREATED else Action.DELETE
            found.endings.append(Ending(association, action, Reason.OBJECT_GONE if gone else Reason.LABEL_ENDED))
    return found
