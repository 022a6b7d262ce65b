# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What the journal tells of changes that were meant to be done, as data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.images import AnyImage
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
    RetiredNumber,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    ExtensionChange,
    GroupChange,
    OrganizationChange,
    Reason,
)


class JournalState(StrEnum):
    """What is known of a change that was meant to be done."""

    INTENDED = "intended"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Intent:
    """A change of an earlier run whose outcome the journal does not know.

    :param id: the journal row.
    :param registration_name: of a creation or a parking, the name drawn for it; else "".
    """

    id: int
    run_id: str
    change: AnyChange
    registration_name: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """A change that was done, with all that is needed to undo it.

    :param id: the journal row.
    :param former: the association as it was before, None if there was none.
    :param latter: as it was afterwards, with the true id of what was created; None if it had ended.
    :param image: what the change found on the PBX; None for an object that was not there.
    :param is_complete: whether these three were written down, which versions before schema 4 did not.
    """

    id: int
    run_id: str
    change: AnyChange
    former: Association | ObjectAssociation | None = None
    latter: Association | ObjectAssociation | None = None
    image: AnyImage | None = None
    is_complete: bool = True


#: What a journal row says of an association that was saved anew without any write.
REMEMBERED = "remembered without a write"


def remembering(association: Association | ObjectAssociation) -> AnyChange:
    """Return what stands in the journal for an association that is saved anew without any write."""
    if isinstance(association, Association):
        return ExtensionChange(
            action=Action.UPDATE,
            guid=association.guid,
            name=association.account_name,
            dn=association.dn,
            number=association.number,
            object_id=association.extension_id,
            reason=Reason.REMEMBERED,
            association=association,
        )
    kind = OrganizationChange if association.kind is ObjectKind.ORGANIZATION else GroupChange
    return kind(
        action=Action.UPDATE,
        guid=association.guid,
        name=association.name,
        dn=association.dn,
        object_id=association.object_id,
        reason=Reason.REMEMBERED,
        association=association,
    )


def differs_in_substance(
    former: Association | ObjectAssociation | None, latter: Association | ObjectAssociation
) -> bool:
    """Tell whether two associations differ in more than what the directory calls their object."""
    if isinstance(former, Association) and isinstance(latter, Association):
        return (
            replace(
                former,
                dn=latter.dn,
                account_name=latter.account_name,
                user_principal_name=latter.user_principal_name,
            )
            != latter
        )
    if isinstance(former, ObjectAssociation) and isinstance(latter, ObjectAssociation):
        return replace(former, dn=latter.dn) != latter
    return True


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the PBX shows to have become of an intent.

    :param save: the association that the finished change leaves behind, if any.
    :param drop: whether the association ends.
    :param retired: the number that the finished change has freed, if any.
    """

    intent: Intent
    state: JournalState
    detail: str
    save: Association | ObjectAssociation | None = None
    drop: bool = False
    retired: RetiredNumber | None = None
