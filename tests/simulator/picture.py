# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture of a PBX and of the ledger at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Integration, RunRecord
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Intent
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
    RetiredNumber,
)

from lab.pbx.extensions import Extension
from lab.pbx.groups import ExtensionGroup
from lab.pbx.organizations import Organization
from tests.simulator.ledger_in_danger import looked_at
from tests.simulator.site import Site

Key = tuple[ObjectKind, int]


@dataclass(frozen=True, slots=True)
class Picture:
    """What the PBX holds and what the ledger remembers.

    :param preference: what else of the PBX is not to change by itself.
    :param last_run: the latest run that has begun; None where none has.
    """

    extensions: Mapping[int, Extension]
    groups: Mapping[int, ExtensionGroup]
    organizations: Mapping[int, Organization]
    preference: tuple[object, ...]
    mails: int
    tokens: int
    integration: Integration | None
    associations: Mapping[str, Association]
    objects: Mapping[tuple[ObjectKind, str], ObjectAssociation]
    retired: Sequence[RetiredNumber]
    unfinished: Sequence[Intent]
    last_run: RunRecord | None = None

    @property
    def pbx(self) -> tuple[object, ...]:
        """All that the PBX holds, to compare."""
        return self.extensions, self.groups, self.organizations, self.preference, self.mails

    @property
    def named(self) -> dict[Key, str]:
        """The objects that an association names, each with the objectGUID."""
        found: dict[Key, str] = {}
        for one in self.associations.values():
            found[ObjectKind.EXTENSION, one.extension_id] = one.guid
        for held in self.objects.values():
            found[held.kind, held.object_id] = held.guid
            if held.leftover_id:
                found[held.kind, held.leftover_id] = held.guid
        return found

    @property
    def ids(self) -> set[Key]:
        """All objects that there are."""
        return {
            *((ObjectKind.EXTENSION, id_) for id_ in self.extensions),
            *((ObjectKind.EXTENSION_GROUP, id_) for id_ in self.groups),
            *((ObjectKind.ORGANIZATION, id_) for id_ in self.organizations),
        }


def take(site: Site) -> Picture:
    """Take the picture of a site."""
    with looked_at(site.ledger_path) as ledger:
        return Picture(
            **_of_pbx(site),
            integration=ledger.integration(),
            associations={one.guid: one for one in ledger.associations()},
            objects={(one.kind, one.guid): one for one in ledger.object_associations()},
            retired=ledger.retired_numbers(),
            unfinished=ledger.unfinished(),
            last_run=next(iter(ledger.runs(1)), None),
        )


def take_again(site: Site, former: Picture) -> Picture:
    """Take the picture of a site on which no command was run since another was taken."""
    return replace(former, **_of_pbx(site))


def _of_pbx(site: Site) -> dict[str, Any]:
    pbx = site.pbx
    return {
        "extensions": {one.id: one for one in pbx.extensions.all()},
        "groups": {one.id: one for one in pbx.groups.all()},
        "organizations": {one.id: one for one in pbx.organizations.all()},
        "preference": (pbx.organization_management, pbx.name_display_format),
        "mails": len(pbx.welcome_mails),
        "tokens": pbx.tokens.live_count("api"),
    }


def outcome(picture: Picture, *, with_user_types: bool = True) -> dict[str, dict[str, object]]:
    """What two sites have in common that came to the same end by other ways; ids are none of it."""

    def path(id_: int) -> str:
        one = picture.organizations.get(id_)
        return f"{path(one.parent_id)}/{one.name}" if one is not None else ""

    def number(id_: int) -> str:
        one = picture.extensions.get(id_)
        return one.number if one is not None else f"gone {id_}"

    return {
        "extensions": {
            one.number: (
                one.first_name,
                one.last_name,
                one.email_addr.casefold(),
                one.mobile_number,
                one.title,
                one.presence_status,
                one.caller_id,
                one.concurrent_registrations,
                sorted(path(id_) for id_ in one.organization_ids),
            )
            for one in picture.extensions.values()
        },
        "groups": {
            one.name: (
                sorted((number(id_), role if with_user_types else "") for id_, role in one.members.items()),
                sorted(one.flags.items()),
            )
            for one in picture.groups.values()
        },
        "organizations": {path(id_): None for id_ in picture.organizations},
        "associations": {guid: (one.number, one.origin) for guid, one in picture.associations.items()},
        "objects": {f"{kind} {guid}": one.name for (kind, guid), one in picture.objects.items()},
    }
