# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Which credentials of the sign-on end: each is replaced by a random password that nobody knows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectorySnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Credential
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, ExtensionChange, Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import AccountStatus
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.scope import account_status
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on import SignOn

_STATUS_REASONS = {
    AccountStatus.DISABLED: Reason.ACCOUNT_DISABLED,
    AccountStatus.EXPIRED: Reason.ACCOUNT_EXPIRED,
}


def revocations(
    sign_on: SignOn,
    directory: DirectorySnapshot,
    associations: Sequence[Association],
    endings: Iterable[ExtensionChange],
    existing: Collection[int],
) -> list[ExtensionChange]:
    """Return a change for each credential whose user may no longer sign on.

    Of a user whom the directory does not show nothing is proved, so that theirs stays, as the extension does.

    :param endings: the changes by which associations end or extensions are parked. A credential ends before that, so
        that it ends too where the guard stops them or the extension is in use.
    :param existing: ids of the PBX's extensions.
    """
    barred = {**_barred(directory), **{change.guid: change.reason for change in endings}}
    holders = {association.extension_id: association for association in associations}
    found = []
    for credential in sign_on.credentials:
        holder = holders.get(credential.extension_id)
        if holder is None or credential.extension_id not in existing:
            continue
        reason = _reason(sign_on, credential, holder) or barred.get(holder.guid)
        if reason is not None:
            found.append(revoke(holder, credential, reason))
    return found


def revoke(association: Association, credential: Credential, reason: Reason) -> ExtensionChange:
    """Replace a credential by a random password.

    :param association: of the extension, whoever's credential it is.
    """
    return ExtensionChange(
        action=Action.REVOKE,
        guid=association.guid,
        name=association.account_name,
        dn=association.dn,
        number=association.number,
        object_id=association.extension_id,
        reason=reason,
        association=association,
        credential=credential,
    )


def after_revocations(changes: Iterable[ExtensionChange], revoked: Iterable[ExtensionChange]) -> list[ExtensionChange]:
    """Let releases wait for the revocations of the same extensions: what is released is no longer ours to change."""
    keys = {change.object_id: change.key for change in revoked}
    return [
        replace(change, depends_on=(*change.depends_on, keys[change.object_id]))
        if change.action is Action.RELEASE and change.object_id in keys
        else change
        for change in changes
    ]


def _barred(directory: DirectorySnapshot) -> dict[str, Reason]:
    """Why users may no longer sign on, whatever becomes of their extensions, by objectGUID."""
    barred = dict.fromkeys(directory.deleted, Reason.ACCOUNT_DELETED)
    for user in (*directory.users, *directory.outside):
        statuses = account_status(user, directory.time)
        for status, reason in _STATUS_REASONS.items():
            if status in statuses:
                barred.setdefault(user.guid, reason)
    return barred


def _reason(sign_on: SignOn, credential: Credential, holder: Association) -> Reason | None:
    if not sign_on.is_on:
        return Reason.SIGN_ON_OFF
    if credential.guid != holder.guid or holder.parked is not None:
        return Reason.SIGN_ON_ENDED
    return None
