# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Single changes, made from what is wanted, what is there and what was last written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import PRINCIPAL_NAME, DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import differing, same
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Origin, Parked, Welcome
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Access, Extension
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.placement import ORGANIZATIONS, Placed
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, ExtensionChange, Reason

# What colleagues see of a parked extension, of the six presence statuses (vendor's page "Query Extension List").
PARKED_PRESENCE = "off_work"


def renewed(
    association: Association, user: DirectoryUser, values: Mapping[str, str], placed: Placed | None
) -> Association:
    """Return the association as it is once the extension has these values and is where it is to be.

    It is the same object where nothing of it changes, as nearly always.
    """
    organization_id = placed.organization_id if placed is not None else association.organization_id
    renamed = (user.dn, user.account_name, user.attributes.get(PRINCIPAL_NAME, association.user_principal_name))
    present = (association.dn, association.account_name, association.user_principal_name)
    is_as_written = values.items() <= association.written.items()
    if is_as_written and renamed == present and organization_id == association.organization_id:
        return association
    dn, account_name, user_principal_name = renamed
    return replace(
        association,
        dn=dn,
        account_name=account_name,
        user_principal_name=user_principal_name,
        written=association.written if is_as_written else {**association.written, **values},
        organization_id=organization_id,
    )


def needs_write(values: Mapping[str, str], extension: Extension, placed: Placed | None) -> bool:
    """Tell whether an associated extension, which can be used, is otherwise than it is to be."""
    return bool(differing(values, extension.fields)) or (placed is not None and placed.placement is not None)


def update(
    association: Association,
    user: DirectoryUser,
    values: Mapping[str, str],
    extension: Extension,
    placed: Placed | None = None,
) -> ExtensionChange:
    """Bring an associated extension to the wanted values; the change is empty where it has them already.

    A field that is not as it was last written was changed on the PBX by hand: that is drift, and it is put back.

    :param placed: where the extension is to be; None where its organizations are not looked at.
    """
    names = differing(values, extension.fields)
    drift = tuple(
        name
        for name in names
        if name in association.written and not same(name, association.written[name], extension.fields.get(name, ""))
    )
    moved = differing({name: values[name] for name in names}, association.written)
    placement = _placement_fields(placed)
    drift += (ORGANIZATIONS,) if placed is not None and placed.placement is not None and placed.drift else ()
    only_drift = drift == (*names, *placement.after) and not moved
    return ExtensionChange(
        action=Action.UPDATE,
        guid=user.guid,
        name=user.account_name,
        dn=user.dn,
        number=extension.number,
        object_id=extension.id,
        reason=Reason.DRIFT if only_drift else Reason.DIRECTORY_CHANGED if names else Reason.UNIT_CHANGED,
        before={**{name: extension.fields.get(name, "") for name in names}, **placement.before},
        after={**{name: values[name] for name in names}, **placement.after},
        drift=drift,
        depends_on=placed.depends_on if placed is not None and placed.placement is not None else (),
        association=renewed(association, user, values, placed),
        placement=placed.placement if placed is not None else None,
    )


def move(association: Association, extension: Extension, placed: Placed) -> ExtensionChange:
    """Put an associated extension into other organizations, and change nothing else of it."""
    fields = _placement_fields(placed)
    return ExtensionChange(
        action=Action.UPDATE,
        guid=association.guid,
        name=association.account_name,
        dn=association.dn,
        number=extension.number,
        object_id=extension.id,
        reason=Reason.DRIFT if placed.drift else Reason.UNIT_CHANGED,
        before=fields.before,
        after=fields.after,
        drift=(ORGANIZATIONS,) if placed.drift else (),
        depends_on=placed.depends_on,
        association=replace(association, organization_id=placed.organization_id),
        placement=placed.placement,
    )


def park(association: Association, extension: Extension, reason: Reason, now: datetime) -> ExtensionChange:
    """Make an extension that is due for deletion unusable, and lose nothing of it.

    :param reason: why it is due.
    """
    parked = Parked(now, extension.registration_name or "", extension.presence)
    return ExtensionChange(
        action=Action.PARK,
        guid=association.guid,
        name=association.account_name,
        dn=association.dn,
        number=extension.number,
        object_id=extension.id,
        reason=reason,
        association=replace(association, parked=parked),
    )


def unpark(association: Association, extension: Extension, change: ExtensionChange | None = None) -> ExtensionChange:
    """Make a parked extension usable again.

    :param association: as it is, parked.
    :param change: what the extension is brought to at the same time; None for nothing.
    """
    if change is not None:
        going_on = change.association or association
        return replace(
            change,
            action=Action.UNPARK,
            reason=Reason.NO_LONGER_DUE,
            association=replace(going_on, parked=None),
            parked=association.parked,
        )
    return ExtensionChange(
        action=Action.UNPARK,
        guid=association.guid,
        name=association.account_name,
        dn=association.dn,
        number=extension.number,
        object_id=extension.id,
        reason=Reason.NO_LONGER_DUE,
        association=replace(association, parked=None),
        parked=association.parked,
    )


def access_of(change: ExtensionChange, registration_name: str, extension: Extension | None) -> Access | None:
    """Return what a change makes of how its extension can be used; None where it leaves that.

    A parked extension has a registration name that no phone knows, and a password of the Linkus clients that nobody
    knows. Its password for phones stays, so that with the former name they register again.

    :param registration_name: the name drawn for a parking.
    :param extension: as it was read; None if it was not.
    """
    if change.action in (Action.PARK, Action.REVOKE):
        fields = extension.fields if extension is not None else {}
        unlike = (change.number, fields.get("first_name", ""), fields.get("last_name", ""))
        is_parking = change.action is Action.PARK
        return Access(registration_name, PARKED_PRESENCE if is_parking else "", unlike)
    if change.parked is not None:
        return Access(change.parked.registration_name, change.parked.presence)
    return None


def hand_over(association: Association, extension: Extension) -> ExtensionChange:
    """End the association of a parked extension that another account of the same person takes over."""
    return ExtensionChange(
        action=Action.RELEASE,
        guid=association.guid,
        name=association.account_name,
        dn=association.dn,
        number=extension.number,
        object_id=extension.id,
        reason=Reason.HANDED_OVER,
    )


@dataclass(frozen=True, slots=True)
class _PlacementFields:
    """What a change says of its extension's organizations, before and after; nothing where they stay."""

    before: Mapping[str, str]
    after: Mapping[str, str]


def _placement_fields(placed: Placed | None) -> _PlacementFields:
    if placed is None or placed.placement is None:
        return _PlacementFields({}, {})
    before = {ORGANIZATIONS: placed.before} if placed.before else {}
    return _PlacementFields(before, {ORGANIZATIONS: placed.after})


def associate(
    user: DirectoryUser,
    values: Mapping[str, str],
    extension: Extension,
    origin: Origin,
    depends_on: tuple[str, ...],
    *,
    placed: Placed | None = None,
    parked: Parked | None = None,
) -> ExtensionChange:
    """Make an existing extension the user's and overwrite its managed fields.

    :param parked: the parking of an extension that was another account's and is usable again with this.
    """
    names = differing(values, extension.fields)
    placement = _placement_fields(placed)
    return ExtensionChange(
        action=Action.ASSOCIATE,
        guid=user.guid,
        name=user.account_name,
        dn=user.dn,
        number=extension.number,
        object_id=extension.id,
        reason=Reason.BOUND_BY_NAME if origin is Origin.BOUND else Reason.SAME_EMAIL,
        before={**{name: extension.fields.get(name, "") for name in names}, **placement.before},
        after={**{name: values[name] for name in names}, **placement.after},
        depends_on=depends_on,
        association=Association(
            guid=user.guid,
            extension_id=extension.id,
            number=extension.number,
            dn=user.dn,
            account_name=user.account_name,
            user_principal_name=user.attributes.get(PRINCIPAL_NAME, ""),
            origin=origin,
            written=values,
            organization_id=placed.organization_id if placed is not None else 0,
        ),
        placement=placed.placement if placed is not None else None,
        parked=parked,
    )


def _filled(values: Mapping[str, str]) -> Mapping[str, str]:
    """The values that are not empty; the same object where all are filled."""
    return values if all(values.values()) else {name: value for name, value in values.items() if value}


def create(
    user: DirectoryUser,
    values: Mapping[str, str],
    number: str,
    *,
    welcome: Welcome,
    former: Association | None = None,
    depends_on: tuple[str, ...] = (),
    placed: Placed | None = None,
) -> ExtensionChange:
    """Create the user's extension.

    :param former: the association of an extension that was deleted on the PBX by hand; it is created again.
    """
    placement = _placement_fields(placed)
    return ExtensionChange(
        action=Action.CREATE,
        guid=user.guid,
        name=user.account_name,
        dn=user.dn,
        number=number,
        object_id=None,
        reason=Reason.EXTENSION_MISSING if former else Reason.NEW_USER,
        after={**_filled(values), **placement.after} if placement.after else _filled(values),
        depends_on=depends_on,
        association=Association(
            guid=user.guid,
            extension_id=0,
            number=number,
            dn=user.dn,
            account_name=user.account_name,
            user_principal_name=user.attributes.get(PRINCIPAL_NAME, ""),
            origin=former.origin if former else Origin.CREATED,
            written=values,
            welcome=welcome,
            organization_id=placed.organization_id if placed is not None else 0,
        ),
        placement=placed.placement if placed is not None else None,
    )
