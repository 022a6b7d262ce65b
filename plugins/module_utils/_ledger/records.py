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
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Union

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.images import (
    AnyImage,
    ExtensionImage,
    GroupImage,
    GroupMembership,
    OrganizationImage,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    Credential,
    ObjectAssociation,
    ObjectKind,
    Origin,
    Parked,
    Welcome,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import OrganizationReference
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    ExtensionChange,
    GroupChange,
    OrganizationChange,
    Placement,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

AnyAssociation = Union[Association, ObjectAssociation]  # noqa: UP007 (pylint knows no | here)

# What an association is saved by: the value of its kind of object, and its objectGUID.
AssociationKey = tuple[str, str]

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


def mappings_from_json(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return the objects that texts hold, one each; ``ValueError`` if one holds anything else.

    They are read at once, which is faster, and lets them share the names in them.
    """
    values = json.loads(f"[{','.join(texts)}]")
    if len(values) != len(texts) or not all(isinstance(value, dict) for value in values):
        raise ValueError("not a JSON object each")
    return list(values)


def list_from_json(text: str) -> list[Any]:
    """Return the array that a text holds; ``ValueError`` if it holds anything else."""
    value = json.loads(text)
    if not isinstance(value, list):
        raise ValueError("not a JSON array")
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
    """Return a text that any database can hold.

    Half characters, which a PBX's error text may have, and NUL, which PostgreSQL does not take, are escaped.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def association_key(association: AnyAssociation) -> AssociationKey:
    """Return what an association is saved by."""
    kind = association.kind if isinstance(association, ObjectAssociation) else ObjectKind.EXTENSION
    return kind.value, association.guid


def association_to_object(association: Association) -> dict[str, Any]:
    """Return an extension's association as an object of JSON's own types.

    :raises LedgerError: if a field is named like a secret.
    """
    refuse_secrets(association.written)
    return {
        "guid": association.guid,
        "extension_id": association.extension_id,
        "number": association.number,
        "dn": association.dn,
        "account_name": association.account_name,
        "origin": association.origin.value,
        "written": dict(association.written),
        "welcome": association.welcome.value,
        "organization_id": association.organization_id,
        "parked": _parked_to_object(association.parked) if association.parked else None,
        "user_principal_name": association.user_principal_name,
    }


def _parked_to_object(parked: Parked) -> dict[str, Any]:
    return {
        "since": time_to_text(parked.since),
        "registration_name": parked.registration_name,
        "presence": parked.presence,
    }


def parked_from_object(value: Mapping[str, Any]) -> Parked:
    """Return the parking that such an object holds."""
    return Parked(time_from_text(value["since"]), value["registration_name"], value["presence"])


def association_from_object(value: Mapping[str, Any]) -> Association:
    """Return the association that such an object holds."""
    parked = value.get("parked")
    return Association(
        guid=value["guid"],
        extension_id=value["extension_id"],
        number=value["number"],
        dn=value["dn"],
        account_name=value["account_name"],
        origin=Origin(value["origin"]),
        written=dict(value["written"]),
        welcome=Welcome(value["welcome"]),
        organization_id=value["organization_id"],
        parked=parked_from_object(parked) if parked else None,
        user_principal_name=value.get("user_principal_name", ""),
    )


def _credential_to_object(credential: Credential) -> dict[str, Any]:
    return {
        "extension_id": credential.extension_id,
        "guid": credential.guid,
        "set_at": time_to_text(credential.set_at),
    }


def _credential_from_object(value: Mapping[str, Any]) -> Credential:
    return Credential(value["extension_id"], value["guid"], time_from_text(value["set_at"]))


def object_association_to_object(association: ObjectAssociation) -> dict[str, Any]:
    """Return an organization's or extension group's association as an object of JSON's own types."""
    return {
        "guid": association.guid,
        "kind": association.kind.value,
        "rule": association.rule.value,
        "object_id": association.object_id,
        "dn": association.dn,
        "name": association.name,
        "origin": association.origin.value,
        "parent_id": association.parent_id,
        "members": list(association.members),
        "leftover_id": association.leftover_id,
    }


def object_association_from_object(value: Mapping[str, Any]) -> ObjectAssociation:
    """Return the association that such an object holds."""
    return ObjectAssociation(
        guid=value["guid"],
        kind=ObjectKind(value["kind"]),
        rule=RuleKind(value["rule"]),
        object_id=value["object_id"],
        dn=value["dn"],
        name=value["name"],
        origin=Origin(value["origin"]),
        parent_id=value["parent_id"],
        members=tuple(value["members"]),
        leftover_id=value["leftover_id"],
    )


def former_to_json(association: AnyAssociation | None) -> str:
    """Return an association of either kind, or that there is none, as text.

    :raises LedgerError: if a field is named like a secret.
    """
    if isinstance(association, ObjectAssociation):
        return to_json(object_association_to_object(association))
    return to_json(association_to_object(association) if association is not None else None)


def former_from_json(text: str) -> AnyAssociation | None:
    """Return the association that such a text holds; None for none, and for an empty text."""
    value = json.loads(text) if text else None
    if value is None:
        return None
    return object_association_from_object(value) if "kind" in value else association_from_object(value)


def image_to_json(image: AnyImage | None) -> str:
    """Return a before-image as text.

    :raises LedgerError: if a field is named like a secret.
    """
    match image:
        case None:
            return "null"
        case ExtensionImage():
            refuse_secrets([image.fields, image.settings])
            return to_json({**asdict(image), "kind": ObjectKind.EXTENSION.value})
        case OrganizationImage():
            return to_json({**asdict(image), "kind": ObjectKind.ORGANIZATION.value})
        case GroupImage():
            types = sorted(image.user_types.items())
            return to_json({**asdict(image), "user_types": types, "kind": ObjectKind.EXTENSION_GROUP.value})


def image_from_json(text: str) -> AnyImage | None:
    """Return the before-image that such a text holds; None for none, and for an empty text."""
    value = json.loads(text) if text else None
    if value is None:
        return None
    match ObjectKind(value.pop("kind")):
        case ObjectKind.EXTENSION:
            groups = value["groups"]
            return ExtensionImage(
                **{
                    **value,
                    "organizations": tuple(OrganizationReference(**one) for one in value["organizations"]),
                    "groups": tuple(GroupMembership(**one) for one in groups) if groups is not None else None,
                }
            )
        case ObjectKind.ORGANIZATION:
            return OrganizationImage(**{**value, "members": tuple(value["members"])})
        case ObjectKind.EXTENSION_GROUP:
            return GroupImage(
                **{**value, "members": tuple(value["members"]), "user_types": _types_from_list(value["user_types"])}
            )


def _types_from_list(pairs: list[Any]) -> dict[int, str]:
    """User types by the ids of extensions, which cannot be the keys of a JSON object."""
    return {int(id_): str(kind) for id_, kind in pairs}


def change_to_json(change: AnyChange) -> str:
    """Return all of a change as text.

    :raises LedgerError: if a field is named like a secret.
    """
    refuse_secrets([change.before, change.after, getattr(change, "settings", {})])
    return to_json(
        {
            "kind": change.kind.value,
            "action": change.action.value,
            "guid": change.guid,
            "name": change.name,
            "dn": change.dn,
            "object_id": change.object_id,
            "reason": change.reason.value,
            "number": change.number,
            "before": dict(change.before),
            "after": dict(change.after),
            "drift": list(change.drift),
            "depends_on": list(change.depends_on),
            "part": change.part,
            **_own_fields_to_object(change),
        }
    )


def _own_fields_to_object(change: AnyChange) -> dict[str, Any]:
    """Return the fields that not every kind of change has, or has alike."""
    match change:
        case ExtensionChange():
            refuse_secrets(change.settings)
            return {
                "association": association_to_object(change.association) if change.association else None,
                "placement": _placement_to_object(change.placement) if change.placement else None,
                "parked": _parked_to_object(change.parked) if change.parked else None,
                "remembered": association_to_object(change.remembered) if change.remembered else None,
                "settings": dict(change.settings),
                "credential": _credential_to_object(change.credential) if change.credential else None,
            }
        case OrganizationChange():
            return {
                "association": object_association_to_object(change.association) if change.association else None,
                "parent": change.parent,
                "parent_id": change.parent_id,
                "title": change.title,
                "remembered": object_association_to_object(change.remembered) if change.remembered else None,
            }
        case GroupChange():
            return {
                "association": object_association_to_object(change.association) if change.association else None,
                "members": list(change.members),
                "kept": list(change.kept),
                "added": list(change.added),
                "removed": list(change.removed),
                "removed_ids": list(change.removed_ids),
                "label": change.label,
                "left_in": list(change.left_in),
                "left_out": list(change.left_out),
                "remembered": object_association_to_object(change.remembered) if change.remembered else None,
                "user_types": sorted(change.user_types.items()),
                "settings": dict(change.settings),
            }


def change_from_json(text: str) -> AnyChange:
    """Return the change that such a text holds, or one that was written under version 1 of the schema."""
    value = mapping_from_json(text)
    if "kind" not in value:
        value = _from_version_1(value)
    common: dict[str, Any] = {
        "action": Action(value["action"]),
        "guid": value["guid"],
        "name": value["name"],
        "dn": value["dn"],
        "object_id": value["object_id"],
        "reason": Reason(value["reason"]),
        "number": value["number"],
        "before": dict(value["before"]),
        "after": dict(value["after"]),
        "drift": tuple(value["drift"]),
        "depends_on": tuple(value["depends_on"]),
        "part": value["part"],
    }
    association = value["association"]
    # What changes had not from the beginning is absent in older ones.
    remembered = value.get("remembered")
    match ObjectKind(value["kind"]):
        case ObjectKind.EXTENSION:
            placement, parked, credential = value["placement"], value.get("parked"), value.get("credential")
            return ExtensionChange(
                **common,
                association=association_from_object(association) if association else None,
                placement=_placement_from_object(placement) if placement else None,
                parked=parked_from_object(parked) if parked else None,
                remembered=association_from_object(remembered) if remembered else None,
                settings=value.get("settings", {}),
                credential=_credential_from_object(credential) if credential else None,
            )
        case ObjectKind.ORGANIZATION:
            return OrganizationChange(
                **common,
                association=object_association_from_object(association) if association else None,
                parent=value["parent"],
                parent_id=value["parent_id"],
                title=value.get("title", ""),
                remembered=object_association_from_object(remembered) if remembered else None,
            )
        case ObjectKind.EXTENSION_GROUP:
            return GroupChange(
                **common,
                association=object_association_from_object(association) if association else None,
                members=tuple(value["members"]),
                kept=tuple(value["kept"]),
                added=tuple(value["added"]),
                removed=tuple(value["removed"]),
                removed_ids=tuple(value["removed_ids"]),
                label=value["label"],
                left_in=tuple(value.get("left_in", ())),
                left_out=tuple(value.get("left_out", ())),
                remembered=object_association_from_object(remembered) if remembered else None,
                user_types=_types_from_list(value.get("user_types", [])),
                settings=value.get("settings", {}),
            )


def _from_version_1(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a change of version 1, which knew extensions alone and no organizations, as one of today.

    It had no parts: the one that made way in an exchange of addresses was told by its reason.
    """
    association = value["association"]
    return {
        **value,
        "kind": ObjectKind.EXTENSION.value,
        "name": value["user"],
        "object_id": value["extension_id"],
        "part": "vacate" if value["reason"] == Reason.ADDRESS_EXCHANGE.value else "",
        "association": {**association, "organization_id": 0} if association else None,
        "placement": None,
    }


def _placement_to_object(placement: Placement) -> dict[str, Any]:
    return {
        "others": [{"id": other.id, "name": other.name} for other in placement.others],
        "unit": placement.unit,
        "taken": placement.taken,
    }


def _placement_from_object(value: Mapping[str, Any]) -> Placement:
    return Placement(
        others=tuple(OrganizationReference(id=other["id"], name=other["name"]) for other in value["others"]),
        unit=value["unit"],
        taken=value["taken"],
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
