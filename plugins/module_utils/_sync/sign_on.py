# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Sign-on with the credentials of the directory: who can, and the credentials that it leaves behind.

A credential is the user password of an extension (that of the Linkus clients) as a sign-on has left it: the user's
password in the directory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import UserLookup
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Credential
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import AccountStatus
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.scope import account_status
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on_settings import SignOnMethod, SignOnSettings


@dataclass(frozen=True, slots=True)
class SignOn:
    """What is remembered of the sign-on.

    :param settings: None where none were ever saved.
    :param credentials: those that are still in force, in the order of the extensions' ids.
    """

    settings: SignOnSettings | None = None
    credentials: tuple[Credential, ...] = ()

    @property
    def is_on(self) -> bool:
        """Whether users can sign on and be given a credential."""
        settings = self.settings
        return settings is not None and settings.enabled and settings.method is SignOnMethod.PASSWORD


NO_SIGN_ON = SignOn()


class Barrier(StrEnum):
    """Why a synchronized user cannot sign on."""

    SWITCHED_OFF = "switched_off"
    INTEGRATION_DISABLED = "integration_disabled"
    DELETED = "deleted"
    NOT_FOUND = "not_found"
    DISABLED = "disabled"
    EXPIRED = "expired"
    PARKED = "parked"
    NO_NAME = "no_name"


_BARRIERS = {
    Barrier.SWITCHED_OFF: "sign-on is switched off",
    Barrier.INTEGRATION_DISABLED: "the integration is disabled",
    Barrier.DELETED: "the account was deleted in the directory",
    Barrier.NOT_FOUND: "the directory does not show the account",
    Barrier.DISABLED: "the account is disabled",
    Barrier.EXPIRED: "the account has expired",
    Barrier.PARKED: "the extension is parked until it is deleted",
    Barrier.NO_NAME: "the account has no name that a user could type",
}


def barrier_text(barrier: Barrier) -> str:
    """Return the sentence for a barrier."""
    return _BARRIERS[barrier]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A synchronized user and whether they can sign on.

    :param names: what they can type, the user principal name first.
    :param barrier: None for one who can.
    """

    association: Association
    names: tuple[str, ...]
    barrier: Barrier | None


def candidates(
    settings: SignOnSettings | None,
    associations: Sequence[Association],
    lookup: UserLookup,
    *,
    domain: str,
    time: datetime,
    is_connected: bool,
) -> list[Candidate]:
    """Tell for each synchronized user whether they can sign on.

    :param lookup: what the directory says of them.
    :param domain: the domain's DNS name.
    :param time: the directory's clock, by which accounts expire.
    :param is_connected: whether the integration is connected, and not disabled.
    """
    found = []
    for association in associations:
        names = sign_on_names(association, domain)
        barrier = _general_barrier(settings, is_connected=is_connected) or _own_barrier(association, lookup, time)
        found.append(Candidate(association, names, barrier or (None if names else Barrier.NO_NAME)))
    return found


def sign_on_names(association: Association, domain: str) -> tuple[str, ...]:
    """Return the names that a user can type: the user principal name, and sAMAccountName@domain (MS-ADTS 5.1.1.1.1).

    :param domain: the domain's DNS name.
    """
    account = f"{association.account_name}@{domain}" if association.account_name else ""
    names = (association.user_principal_name, account)
    by_key = {name.casefold(): name for name in reversed(names) if name}
    return tuple(reversed(by_key.values()))


def _general_barrier(settings: SignOnSettings | None, *, is_connected: bool) -> Barrier | None:
    if not is_connected:
        return Barrier.INTEGRATION_DISABLED
    return None if settings is not None and settings.enabled else Barrier.SWITCHED_OFF


def _own_barrier(association: Association, lookup: UserLookup, time: datetime) -> Barrier | None:
    user = lookup.live.get(association.guid)
    if user is None:
        return Barrier.DELETED if association.guid in lookup.deleted else Barrier.NOT_FOUND
    statuses = account_status(user, time)
    if AccountStatus.DISABLED in statuses:
        return Barrier.DISABLED
    if AccountStatus.EXPIRED in statuses:
        return Barrier.EXPIRED
    return Barrier.PARKED if association.parked is not None else None
