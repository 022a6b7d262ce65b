# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The associations in a ledger's database, of either kind.

All of it works on a database that the caller opened, in a transaction that the caller begins and ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import Database
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import taken
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.records import (
    AnyAssociation,
    AssociationKey,
    association_from_object,
    association_to_object,
    list_from_json,
    mapping_from_json,
    object_association_from_object,
    object_association_to_object,
    to_json,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
)

_COLUMNS = (
    *("guid", "extension_id", "number", "dn", "account_name", "origin", "written", "welcome"),
    *("organization_id", "parked", "user_principal_name"),
)
_OBJECT_COLUMNS = (
    *("kind", "guid", "rule", "object_id", "dn", "name", "origin", "parent_id", "members"),
    "leftover_id",
)


def read_associations(database: Database) -> list[Association]:
    """Return all associations of extensions, in the order of their objectGUIDs."""
    return [_association(record) for record in _records(database, "associations", _COLUMNS, order="guid")]


def read_object_associations(database: Database) -> list[ObjectAssociation]:
    """Return all associations of organizations and extension groups, in the order of kinds and objectGUIDs."""
    return [
        _object_association(record)
        for record in _records(database, "object_associations", _OBJECT_COLUMNS, order="kind, guid")
    ]


def read_association(database: Database, kind: str, guid: str) -> AnyAssociation | None:
    """Return one association; None if there is none."""
    if kind == ObjectKind.EXTENSION.value:
        records = _records(database, "associations", _COLUMNS, where="guid = ?", values=(guid,))
        return next((_association(record) for record in records), None)
    records = _records(
        database, "object_associations", _OBJECT_COLUMNS, where="kind = ? AND guid = ?", values=(kind, guid)
    )
    return next((_object_association(record) for record in records), None)


def _association(record: Mapping[str, Any]) -> Association:
    return association_from_object(
        {
            **record,
            "written": mapping_from_json(record["written"]),
            "parked": mapping_from_json(record["parked"]) if record["parked"] else None,
        }
    )


def _object_association(record: Mapping[str, Any]) -> ObjectAssociation:
    return object_association_from_object({**record, "members": list_from_json(record["members"])})


def _records(
    database: Database,
    table: str,
    columns: Sequence[str],
    *,
    order: str = "guid",
    where: str = "",
    values: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Return rows by the names of their columns."""
    condition = f" WHERE {where}" if where else ""
    rows = database.rows(
        f"SELECT {', '.join(columns)} FROM {table}{condition} ORDER BY {order}",  # noqa: S608 (all of them ours)
        values,
    )
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _insert(database: Database, table: str, columns: Sequence[str], record: Mapping[str, Any]) -> None:
    marks = ", ".join("?" for _unused in columns)
    database.change(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608 (all of them ours)
        [record[column] for column in columns],
    )


def put(database: Database, associations: Mapping[AssociationKey, AnyAssociation | None]) -> None:
    """Make these the associations of their keys, None for no association.

    All are taken out before any is put in, so that two may exchange their PBX objects.

    :raises LedgerError: if two associations would share a PBX object.
    """
    for kind, guid in associations:
        if kind == ObjectKind.EXTENSION.value:
            database.change("DELETE FROM associations WHERE guid = ?", (guid,))
        else:
            database.change("DELETE FROM object_associations WHERE kind = ? AND guid = ?", (kind, guid))
    for association in associations.values():
        if isinstance(association, Association):
            _insert_association(database, association)
        elif association is not None:
            _insert_object_association(database, association)


def _insert_association(database: Database, association: Association) -> None:
    record = association_to_object(association)
    record["written"] = to_json(record["written"])
    record["parked"] = to_json(record["parked"]) if record["parked"] else ""
    holders = database.rows("SELECT account_name FROM associations WHERE extension_id = ?", (association.extension_id,))
    if holders:
        extension = f"extension {association.number} (id {association.extension_id})"
        raise taken(extension, association.account_name, holders[0][0])
    _insert(database, "associations", _COLUMNS, record)


def _insert_object_association(database: Database, association: ObjectAssociation) -> None:
    record = object_association_to_object(association)
    record["members"] = to_json(record["members"])
    holders = database.rows(
        "SELECT dn, guid FROM object_associations WHERE kind = ? AND object_id = ?",
        (association.kind.value, association.object_id),
    )
    if holders:
        kind = association.kind.value.replace("_", " ")
        pbx_object = f"{kind} {association.name} (id {association.object_id})"
        raise taken(pbx_object, association.dn or association.guid, holders[0][0] or holders[0][1])
    _insert(database, "object_associations", _OBJECT_COLUMNS, record)
