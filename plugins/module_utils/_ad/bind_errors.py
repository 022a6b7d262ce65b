# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What a refused log-in means: Active Directory's sub-codes in sentences that name the option and the remedy."""

from __future__ import annotations

import re

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import DirectoryBindError

STRONGER_AUTH_REQUIRED = 8
INVALID_DN_SYNTAX = 34
INVALID_CREDENTIALS = 49

_SUB_CODE = re.compile(r"\bdata ([0-9a-f]+)\b", re.IGNORECASE)

# 525 (no such user) and 52e (wrong password) are told as one: which of them it was helps a guesser alone.
_WRONG_NAME_OR_PASSWORD = (
    "The directory refused directory_username or directory_password.",
    "Check both; the name is a distinguished name or a user principal name such as sync@example.com.",
)

_SUB_CODES = {
    "525": _WRONG_NAME_OR_PASSWORD,
    "52e": _WRONG_NAME_OR_PASSWORD,
    "530": (
        "The account of directory_username may not log in at this time of day.",
        "Widen the account's logon hours in Active Directory, or run at another time.",
    ),
    "531": (
        "The account of directory_username may not log in from this computer.",
        "Add this computer to the account's Log On To list in Active Directory, or clear that list.",
    ),
    "532": (
        "The password of directory_username has expired.",
        "Set a new one in Active Directory and give it as directory_password.",
    ),
    "533": (
        "The account of directory_username is disabled.",
        "Enable it in Active Directory, or name another account in directory_username.",
    ),
    "701": (
        "The account of directory_username has expired.",
        "Move its expiry date in Active Directory, or name another account in directory_username.",
    ),
    "773": (
        "The password of directory_username must be changed before the first log-in.",
        "Set a new one in Active Directory without that demand and give it as directory_password.",
    ),
    "775": (
        "The account of directory_username is locked out after too many wrong passwords.",
        "Unlock it in Active Directory and correct directory_password before the next run.",
    ),
    "80090346": (
        "The directory demands channel binding, which this log-in does not carry.",
        'Set "LDAP server channel binding token requirements" on the domain controllers to "When supported".',
    ),
}


def bind_error(result_code: int, description: str, diagnostic: str) -> DirectoryBindError:
    """Explain a bind's result.

    :param result_code: the LDAP result code, not success.
    :param description: its name, such as ``invalidCredentials``.
    :param diagnostic: the server's own text, where Active Directory puts its sub-code (``data 52e``).
    """
    if result_code == STRONGER_AUTH_REQUIRED:
        return DirectoryBindError(
            "The directory refuses a log-in without TLS, which directory_protocol ldap is.",
            "Set directory_protocol to ldaps or start_tls.",
            str(result_code),
        )
    if result_code == INVALID_DN_SYNTAX:
        return DirectoryBindError(
            "The directory cannot read directory_username.",
            "Give a distinguished name or a user principal name such as sync@example.com.",
            str(result_code),
        )
    found = _SUB_CODE.search(diagnostic)
    code = found[1].lower() if found else ""
    if result_code == INVALID_CREDENTIALS:
        message, remedy = _SUB_CODES.get(code, _WRONG_NAME_OR_PASSWORD)
        return DirectoryBindError(message, remedy, code or str(result_code))
    return DirectoryBindError(
        f"The directory refused the log-in of directory_username with result {result_code} ({description}): "
        f"{diagnostic.strip() or 'no text'}.",
        "Look for this time in the domain controller's Directory Service event log.",
        str(result_code),
    )
