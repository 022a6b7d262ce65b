# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The associations in a ledger's SQLite file, of either kind.

All of it works on a connection that the caller opened, in a transaction that the caller begins and ends.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

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


def _records(cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
    """Return rows by the names of their columns."""
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def read_associations(connection: sqlite3.Connection) -> list[Association]:
    """Return all associations of extensions, in the order of their objectGUIDs."""
    cursor = connection.execute(
        "SELECT guid, extension_id, number, dn, account_name, origin, written, welcome, organization_id"
        " FROM associations ORDER BY guid"
    )
    return [
        association_from_object({**record, "written": mapping_from_json(record["written"])})
        for record in _records(cursor)
    ]


def read_object_associations(connection: sqlite3.Connection) -> list[ObjectAssociation]:
    """Return all associations of organizations and extension groups, in the order of kinds and objectGUIDs."""
    cursor = connection.execute(
        "SELECT kind, guid, rule, object_id, dn, name, origin, parent_id, members, leftover_id"
        " FROM object_associations ORDER BY kind, guid"
    )
    return [
        object_association_from_object({**record, "members": list_from_json(record["members"])})
        for record in _records(cursor)
    ]


def put(connection: sqlite3.Connection, associations: Mapping[AssociationKey, AnyAssociation | None]) -> None:
    """Make these the associations of their keys, None for no association.

    All are taken out before any is put in, so that two may exchange their PBX objects.

    :raises LedgerError: if two associations would share a PBX object.
    """
    for kind, guid in associations:
        if kind == ObjectKind.EXTENSION.value:
            connection.execute("DELETE FROM associations WHERE guid = ?", (guid,))
        else:
            connection.execute("DELETE FROM object_associations WHERE kind = ? AND guid = ?", (kind, guid))
    for association in associations.values():
        if isinstance(association, Association):
            _insert_association(connection, association)
        elif association is not None:
            _insert_object_association(connection, association)


def _insert_association(connection: sqlite3.Connection, association: Association) -> None:
    record = association_to_object(association)
    record["written"] = to_json(record["written"])
    holder = connection.execute(
        "SELECT account_name FROM associations WHERE extension_id = :extension_id", record
    ).fetchone()
    if holder is not None:
        extension = f"extension {association.number} (id {association.extension_id})"
        raise taken(extension, association.account_name, holder[0])
    connection.execute(
        "INSERT INTO associations"
        " (guid, extension_id, number, dn, account_name, origin, written, welcome, organization_id)"
        " VALUES"
        " (:guid, :extension_id, :number, :dn, :account_name, :origin, :written, :welcome, :organization_id)",
        record,
    )


def _insert_object_association(connection: sqlite3.Connection, association: ObjectAssociation) -> None:
    record = object_association_to_object(association)
    record["members"] = to_json(record["members"])
    holder = connection.execute(
        "SELECT dn, guid FROM object_associations WHERE kind = :kind AND object_id = :object_id", record
    ).fetchone()
    if holder is not None:
        kind = association.kind.value.replace("_", " ")
        pbx_object = f"{kind} {association.name} (id {association.object_id})"
        raise taken(pbx_object, association.dn or association.guid, holder[0] or holder[1])
    connection.execute(
        "INSERT INTO object_associations"
        " (kind, guid, rule, object_id, dn, name, origin, parent_id, members, leftover_id)"
        " VALUES (:kind, :guid, :rule, :object_id, :dn, :name, :origin, :parent_id, :members, :leftover_id)",
        record,
    )
