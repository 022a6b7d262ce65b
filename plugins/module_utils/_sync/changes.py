# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Single changes, made from what is wanted, what is there and what was last written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import differing, same
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.model import (
    Action,
    Association,
    Change,
    DirectoryUser,
    Extension,
    Origin,
    Reason,
    Welcome,
)


def renewed(association: Association, user: DirectoryUser, values: Mapping[str, str]) -> Association:
    """Return the association as it is once the extension has these values."""
    return replace(
        association,
        dn=user.dn,
        account_name=user.account_name,
        written={**association.written, **values},
    )


def update(association: Association, user: DirectoryUser, values: Mapping[str, str], extension: Extension) -> Change:
    """Bring an associated extension to the wanted values; the change is empty where it has them already.

    A field that is not as it was last written was changed on the PBX by hand: that is drift, and it is put back.
    """
    names = differing(values, extension.fields)
    drift = tuple(
        name
        for name in names
        if name in association.written and not same(name, association.written[name], extension.fields.get(name, ""))
    )
    moved = differing({name: values[name] for name in names}, association.written)
    return Change(
        action=Action.UPDATE,
        guid=user.guid,
        user=user.account_name,
        dn=user.dn,
        number=extension.number,
        extension_id=extension.id,
        reason=Reason.DRIFT if drift == names and not moved else Reason.DIRECTORY_CHANGED,
        before={name: extension.fields.get(name, "") for name in names},
        after={name: values[name] for name in names},
        drift=drift,
        association=renewed(association, user, values),
    )


def associate(
    user: DirectoryUser, values: Mapping[str, str], extension: Extension, origin: Origin, depends_on: tuple[str, ...]
) -> Change:
    """Make an existing extension the user's and overwrite its managed fields."""
    names = differing(values, extension.fields)
    return Change(
        action=Action.ASSOCIATE,
        guid=user.guid,
        user=user.account_name,
        dn=user.dn,
        number=extension.number,
        extension_id=extension.id,
        reason=Reason.BOUND_BY_NAME if origin is Origin.BOUND else Reason.SAME_EMAIL,
        before={name: extension.fields.get(name, "") for name in names},
        after={name: values[name] for name in names},
        depends_on=depends_on,
        association=Association(
            guid=user.guid,
            extension_id=extension.id,
            number=extension.number,
            dn=user.dn,
            account_name=user.account_name,
            origin=origin,
            written=dict(values),
        ),
    )


def create(
    user: DirectoryUser,
    values: Mapping[str, str],
    number: str,
    *,
    welcome: Welcome,
    former: Association | None = None,
    depends_on: tuple[str, ...] = (),
) -> Change:
    """Create the user's extension.

    :param former: the association of an extension that was deleted on the PBX by hand; it is created again.
    """
    return Change(
        action=Action.CREATE,
        guid=user.guid,
        user=user.account_name,
        dn=user.dn,
        number=number,
        extension_id=None,
        reason=Reason.EXTENSION_MISSING if former else Reason.NEW_USER,
        after={name: value for name, value in values.items() if value},
        depends_on=depends_on,
        association=Association(
            guid=user.guid,
            extension_id=0,
            number=number,
            dn=user.dn,
            account_name=user.account_name,
            origin=former.origin if former else Origin.CREATED,
            written=dict(values),
            welcome=welcome,
        ),
    )
