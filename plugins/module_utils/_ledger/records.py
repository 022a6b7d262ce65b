# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The ledger's records as text, the same for every store.

Texts are JSON with sorted keys, in ASCII so that any value that either side returns can be kept; times are ISO 8601
in UTC with microseconds, so that they sort as texts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.model import (
    Action,
    Association,
    Change,
    Origin,
    Reason,
    Welcome,
)

_SECRET_WORDS = ("passphrase", "passwd", "password", "secret", "token")


def to_json(value: object) -> str:
    """Return a value of JSON's own types as text."""
    return json.dumps(value, sort_keys=True, allow_nan=False)


def mapping_from_json(text: str) -> dict[str, Any]:
    """Return the object that a text holds; ``ValueError`` if it holds anything else."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def time_to_text(time: datetime) -> str:
    """Return an aware time as text; ``ValueError`` for one without a time zone."""
    if time.tzinfo is None:
        raise ValueError("a time without a time zone")
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def time_from_text(text: str) -> datetime:
    """Return the aware time that a text holds."""
    return datetime.fromisoformat(text).astimezone(UTC)


def storable(text: str) -> str:
    """Return a text that a database can hold; half characters, which a PBX's error text may have, are escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def association_to_object(association: Association) -> dict[str, Any]:
    """Return an association as an object of JSON's own types."""
    return {
        "guid": association.guid,
        "extension_id": association.extension_id,
        "number": association.number,
        "dn": association.dn,
        "account_name": association.account_name,
        "origin": association.origin.value,
        "written": dict(association.written),
        "welcome": association.welcome.value,
    }


def association_from_object(value: Mapping[str, Any]) -> Association:
    """Return the association that such an object holds."""
    return Association(
        guid=value["guid"],
        extension_id=value["extension_id"],
        number=value["number"],
        dn=value["dn"],
        account_name=value["account_name"],
        origin=Origin(value["origin"]),
        written=dict(value["written"]),
        welcome=Welcome(value["welcome"]),
    )


def change_to_json(change: Change) -> str:
    """Return all of a change as text."""
    association = change.association
    return to_json(
        {
            "action": change.action.value,
            "guid": change.guid,
            "user": change.user,
            "dn": change.dn,
            "number": change.number,
            "extension_id": change.extension_id,
            "reason": change.reason.value,
            "before": dict(change.before),
            "after": dict(change.after),
            "drift": list(change.drift),
            "depends_on": list(change.depends_on),
            "association": association_to_object(association) if association else None,
        }
    )


def change_from_json(text: str) -> Change:
    """Return the change that such a text holds."""
    value = mapping_from_json(text)
    association = value["association"]
    return Change(
        action=Action(value["action"]),
        guid=value["guid"],
        user=value["user"],
        dn=value["dn"],
        number=value["number"],
        extension_id=value["extension_id"],
        reason=Reason(value["reason"]),
        before=dict(value["before"]),
        after=dict(value["after"]),
        drift=tuple(value["drift"]),
        depends_on=tuple(value["depends_on"]),
        association=association_from_object(association) if association else None,
    )


def refuse_secrets(settings: object) -> None:
    """Raise ``LedgerError`` if any key, at any depth, is named like a secret.

    Nobody hands the ledger a secret on purpose; this keeps a mistake elsewhere from writing one to the disk.
    """
    if isinstance(settings, Mapping):
        for key, value in settings.items():
            if any(word in str(key).lower() for word in _SECRET_WORDS):
                raise LedgerError(
                    f"The setting {key} is named like a secret, and secrets are never saved in the ledger."
                )
            refuse_secrets(value)
    elif isinstance(settings, (list, tuple, set, frozenset)):
        for value in settings:
            refuse_secrets(value)
