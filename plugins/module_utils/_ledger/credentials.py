# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The sign-on in a ledger's database: its settings, who is meant by a name, and the credentials it has left behind.

All of it works on a database that the caller opened; what writes, in a transaction that the caller begins and ends. Of
a credential it is written down that there is one, never what it is.
"""

from __future__ import annotations

from datetime import datetime

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import Database
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.records import (
    AssociationKey,
    mapping_from_json,
    refuse_secrets,
    time_from_text,
    time_to_text,
    to_json,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Credential, ObjectKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on import SignOn
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on_settings import (
    SignOnSettings,
    settings_data,
    settings_of,
)


def read_settings(database: Database) -> SignOnSettings | None:
    """Return the settings of the sign-on; None if none were ever saved."""
    rows = database.rows("SELECT settings FROM sign_on")
    return settings_of(mapping_from_json(rows[0][0])) if rows else None


def write_settings(database: Database, settings: SignOnSettings, at: datetime) -> None:
    """Save the settings of the sign-on.

    :raises LedgerError: if one is named like a secret.
    """
    data = settings_data(settings)
    refuse_secrets(data)
    database.change("DELETE FROM sign_on")
    database.change("INSERT INTO sign_on (id, settings, saved_at) VALUES (1, ?, ?)", (to_json(data), time_to_text(at)))


def read_sign_on(database: Database) -> SignOn:
    """Return all that is remembered of the sign-on."""
    rows = database.rows("SELECT extension_id, guid, set_at FROM credentials ORDER BY extension_id")
    credentials = (Credential(extension_id, guid, time_from_text(set_at)) for extension_id, guid, set_at in rows)
    return SignOn(read_settings(database), tuple(credentials))


def find_credential(database: Database, extension_id: int) -> Credential | None:
    """Return what is written down of an extension's password; None if nothing is."""
    rows = database.rows("SELECT guid, set_at FROM credentials WHERE extension_id = ?", (extension_id,))
    return Credential(extension_id, rows[0][0], time_from_text(rows[0][1])) if rows else None


def put_credential(database: Database, credential: Credential) -> None:
    """Write down that the password of an extension is about to be one that a sign-on sets."""
    database.change(
        "INSERT INTO credentials (extension_id, guid, set_at) VALUES (?, ?, ?)"
        " ON CONFLICT (extension_id) DO UPDATE SET guid = excluded.guid, set_at = excluded.set_at",
        (credential.extension_id, credential.guid, time_to_text(credential.set_at)),
    )


def drop_credential(database: Database, credential: Credential) -> None:
    """Forget a credential, unless another sign-on has set the password since."""
    database.change(
        "DELETE FROM credentials WHERE extension_id = ? AND guid = ? AND set_at = ?",
        (credential.extension_id, credential.guid, time_to_text(credential.set_at)),
    )


def drop_ownerless_credentials(database: Database, key: AssociationKey) -> None:
    """Forget what a user has left behind whose association has ended; nothing of one that stands."""
    kind, guid = key
    if kind == ObjectKind.EXTENSION.value:
        database.change(
            "DELETE FROM credentials WHERE guid = ? AND guid NOT IN (SELECT guid FROM associations)", (guid,)
        )


def find_user(database: Database, name: str) -> str | None:
    """Return the objectGUID of the associated user who signs on by a name; None for nobody's.

    As in Active Directory (MS-ADTS 5.1.1.1.1) a user principal name goes before sAMAccountName@domain, and letters are
    compared whatever their case; those of an account name outside of ASCII are to be typed as they are.

    :param name: ``user@domain``.
    """
    named = database.rows("SELECT guid FROM associations WHERE lower(user_principal_name) = lower(?)", (name,))
    if not named:
        account, _at, domain = name.rpartition("@")
        named = database.rows(
            "SELECT guid FROM associations WHERE lower(account_name) = lower(?)"
            " AND (SELECT lower(domain_dns_name) FROM integration) = lower(?)",
            (account, domain),
        )
    return named[0][0] if name and len(named) == 1 else None
