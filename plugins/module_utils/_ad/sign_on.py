# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""A sign-on: who a name and a password are, proved by the domain controller itself.

No filter is ever made of what a user typed: the name goes into the log-in alone, and the account is then looked up by
the security identifier that the server says the connection has.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad import objects, values
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.connection import (
    LDAP,
    DirectorySettings,
    log_in,
    log_in_as_nobody,
    reach,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import (
    DirectoryBindError,
    DirectoryError,
    DirectoryUnreachableError,
    IncompleteReadError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.names import is_within
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.search import (
    DOMAIN_SCOPE,
    Entry,
    Search,
    read_one,
)

if TYPE_CHECKING:
    from ldap3 import Connection

#: Sub-codes of a refused log-in that Active Directory gives for the right password alone: logon hours, workstation,
#: password expired, account disabled, account expired, password must be changed.
PROVING_CODES = frozenset({"530", "531", "532", "533", "701", "773"})

_OWN_SIDS = "tokenGroups"
_ACCOUNT_CONTROL = "userAccountControl"
_ACCOUNT_EXPIRES = "accountExpires"
_ACCOUNT_ATTRIBUTES = ("objectGUID", _ACCOUNT_CONTROL, _ACCOUNT_EXPIRES)


class LogInUnansweredError(DirectoryUnreachableError):
    """The server got the name and password, or may have, and did not answer: it may have counted a wrong one."""


class NotAUserError(DirectoryError):
    """The log-in succeeded, and the account is no user that could be synchronized."""


@dataclass(frozen=True, slots=True)
class ProvedAccount:
    """The account that a name and a password belong to.

    :param guid: its objectGUID.
    :param disabled: ACCOUNTDISABLE of userAccountControl.
    :param expires: when it expires, aware, UTC; None for never.
    """

    guid: str
    disabled: bool
    expires: datetime | None


def prove(settings: DirectorySettings) -> ProvedAccount:
    """Log in with the name and password of the settings, and tell whose they are.

    :raises DirectoryBindError: if the log-in is refused, or would be one without a password.
    :raises LogInUnansweredError: if it is not answered.
    :raises DirectoryUnreachableError: if the server cannot be reached.
    :raises NotAUserError: if it is no user below the base DN.
    :raises DirectoryError: for anything else that leaves the account unproved.
    """
    _require_tls(settings)
    with reach(settings) as connection:
        try:
            log_in(connection, settings)
        except DirectoryUnreachableError as error:
            raise LogInUnansweredError(error.message, error.remedy) from None
        return _own_account(connection, settings.base_dn)


def knock(settings: DirectorySettings) -> None:
    """Go the way of ``prove`` as nobody, so that a server which fails on it fails for a name that is nobody's too.

    :param settings: without a name and a password.
    :raises DirectoryError: as ``prove`` does.
    """
    _require_tls(settings)
    with reach(settings) as connection:
        # A server may refuse to talk to nobody; it has answered then.
        with suppress(DirectoryBindError):
            log_in_as_nobody(connection, settings)
        _read_root(connection, "defaultNamingContext")


def _require_tls(settings: DirectorySettings) -> None:
    if settings.protocol == LDAP or not settings.validate_certs:
        raise DirectoryError(
            "The password of a user would cross the network unprotected: directory_protocol is ldap, or "
            "directory_validate_certs is false.",
            "Connect with directory_protocol ldaps or start_tls and a certificate that can be verified.",
        )


def _own_account(connection: Connection, base_dn: str) -> ProvedAccount:
    """Read the account of a connection that is logged in."""
    entry = _own_entry(connection)
    if entry is None or not is_within(entry.dn, base_dn):
        raise NotAUserError(
            "The account that logged in is no user below directory_base_dn.", "Only users below it can sign on."
        )
    raw_expiry = entry.first(_ACCOUNT_EXPIRES)
    try:
        control = values.integer(objects.needed(entry, _ACCOUNT_CONTROL))
        expires = values.expiry(raw_expiry)
    except ValueError:
        raise IncompleteReadError("The state of the account that logged in cannot be read.") from None
    return ProvedAccount(objects.guid_of(entry), bool(control & values.ACCOUNT_DISABLED), expires)


def _own_entry(connection: Connection) -> Entry | None:
    """Find the user among the SIDs of whoever has logged in: the own one, and those of its groups.

    The rootDSE has them (MS-ADTS 3.1.1.3.2). The own one comes first, though no document says so.
    """
    for sid in _read_root(connection, _OWN_SIDS):
        search = Search(f"<SID={sid.hex()}>", "(objectClass=user)", _ACCOUNT_ATTRIBUTES, "BASE", (DOMAIN_SCOPE,))
        entry = read_one(connection, search)
        if entry is not None:
            return entry
    return None


def _read_root(connection: Connection, attribute: str) -> list[bytes]:
    entry = read_one(connection, Search("", "(objectClass=*)", (attribute,), "BASE", ()))
    found = entry.values.get(attribute.lower()) if entry else None
    if not found:
        raise IncompleteReadError(f"The domain controller's own entry has no {attribute}.")
    return list(found)
