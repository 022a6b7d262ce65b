# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The associations in a ledger's database, of either kind.

All of it works on a database that the caller opened, in a transaction that the caller begins and ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.database import Database
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import taken
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.records import (
    AnyAssociation,
    AssociationKey,
    association_to_object,
    list_from_json,
    mapping_from_json,
    mappings_from_json,
    object_association_from_object,
    object_association_to_object,
    parked_from_object,
    to_json,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import FIELD_NAMES
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
    Origin,
    Welcome,
)

_COLUMNS = (
    *("guid", "extension_id", "number", "dn", "account_name", "origin", "written", "welcome"),
    *("organization_id", "parked", "user_principal_name"),
)
# How many are read together: rows take more room than what is made of them.
_AT_ONCE = 2000
# Looked up, which is faster than to make an enumeration's member of its value.
_ORIGINS = {one.value: one for one in Origin}
_WELCOMES = {one.value: one for one in Welcome}
_WRITTEN = _COLUMNS.index("written")
_OBJECT_COLUMNS = (
    *("kind", "guid", "rule", "object_id", "dn", "name", "origin", "parent_id", "members"),
    "leftover_id",
)


def read_associations(database: Database) -> list[Association]:
    """Return all associations of extensions, in the order of their objectGUIDs."""
    rows = _rows(database, "associations", _COLUMNS, limit=_AT_ONCE)
    found = _associations(rows)
    while len(rows) == _AT_ONCE:
        after = (found[-1].guid,)
        rows = _rows(database, "associations", _COLUMNS, where="guid > ?", values=after, limit=_AT_ONCE)
        found.extend(_associations(rows))
    return found


def read_object_associations(database: Database) -> list[ObjectAssociation]:
    """Return all associations of organizations and extension groups, in the order of kinds and objectGUIDs."""
    return _object_associations(_rows(database, "object_associations", _OBJECT_COLUMNS, order="kind, guid"))


def read_association(database: Database, kind: str, guid: str) -> AnyAssociation | None:
    """Return one association; None if there is none."""
    if kind == ObjectKind.EXTENSION.value:
        rows = _rows(database, "associations", _COLUMNS, where="guid = ?", values=(guid,))
        return next(iter(_associations(rows)), None)
    rows = _rows(database, "object_associations", _OBJECT_COLUMNS, where="kind = ? AND guid = ?", values=(kind, guid))
    return next(iter(_object_associations(rows)), None)


def _associations(rows: Sequence[tuple[Any, ...]]) -> list[Association]:
    """Make associations of rows with ``_COLUMNS``."""
    written = mappings_from_json([row[_WRITTEN] for row in rows])
    return [_association(row, fields) for row, fields in zip(rows, written, strict=True)]


def _association(row: tuple[Any, ...], fields: Mapping[str, str]) -> Association:
    """Make an association of its row and what was last written."""
    guid, extension_id, number, dn, account_name, origin, _fields, welcome, organization_id, parked, name = row
    return Association(
        guid=guid,
        extension_id=extension_id,
        number=number,
        dn=dn,
        account_name=account_name,
        origin=_ORIGINS[origin],
        # In the order in which an extension has them.
        written={**{name: fields[name] for name in FIELD_NAMES if name in fields}, **fields},
        welcome=_WELCOMES[welcome],
        organization_id=organization_id,
        parked=parked_from_object(mapping_from_json(parked)) if parked else None,
        user_principal_name=name,
    )


def _object_associations(rows: Iterable[tuple[Any, ...]]) -> list[ObjectAssociation]:
    """Make associations of rows with ``_OBJECT_COLUMNS``."""
    records = (dict(zip(_OBJECT_COLUMNS, row, strict=True)) for row in rows)
    return [
        object_association_from_object({**record, "members": list_from_json(record["members"])}) for record in records
    ]


def _rows(
    database: Database,
    table: str,
    columns: Sequence[str],
    *,
    order: str = "guid",
    where: str = "",
    values: Sequence[str] = (),
    limit: int = 0,
) -> list[tuple[Any, ...]]:
    """Return rows with these columns; the first so many of them, if there is a limit."""
    condition = f" WHERE {where}" if where else ""
    first = f" LIMIT {limit}" if limit else ""
    return database.rows(
        f"SELECT {', '.join(columns)} FROM {table}{condition} ORDER BY {order}{first}",  # noqa: S608 (all of them ours)
        values,
    )


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
