# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Which of the users' addresses the PBX will take, and what is written of those whose it will not."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync import conflicts
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.addresses import (
    Claim,
    Refusal,
    refuse_shared_addresses,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import EMAIL
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.matching import Matches
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Conflict
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.situation import Situation


def refused_addresses(situation: Situation, matches: Matches) -> dict[str, Refusal]:
    """Return, by objectGUID, the users whose address the PBX, which takes each once, could not take."""
    claims: dict[str, Claim] = {}
    held_by_claimants: set[int] = set()

    def claim(guid: str, extension: Extension | None) -> None:
        held = extension.fields[EMAIL] if extension is not None else ""
        claims[guid] = Claim(situation.wanted[guid].values.get(EMAIL, held), held)
        if extension is not None:
            held_by_claimants.add(extension.id)

    for association, user in situation.updating:
        # An address that is left as a person set it is nobody's wish, and occupied all the same.
        if EMAIL not in situation.left.get(user.guid, ()):
            claim(user.guid, situation.extensions[association.extension_id])
    for guid, extension in {**matches.bound, **matches.adopted}.items():
        claim(guid, extension)
    for _association, user in situation.restoring:
        claim(user.guid, None)
    for user in matches.to_create:
        claim(user.guid, None)
    not_fixed = held_by_claimants | situation.deleted_ids
    fixed = {
        extension.fields[EMAIL].casefold(): extension.id
        for extension in situation.pbx.extensions
        if extension.fields[EMAIL] and extension.id not in not_fixed
    }
    return refuse_shared_addresses(claims, fixed)


def values_to_write(situation: Situation, guid: str, refusals: Mapping[str, Refusal]) -> Mapping[str, str]:
    """Return a user's wanted fields; without the address if it was refused, so that it is left as it is."""
    values = situation.wanted[guid].values
    if guid not in refusals:
        return values
    return {name: value for name, value in values.items() if name != EMAIL}


def address_conflicts(situation: Situation, refusals: Mapping[str, Refusal]) -> list[Conflict]:
    """Tell the refused addresses."""
    users = situation.known_users
    names = {user.guid: user.account_name for user in users}
    owners = {
        association.extension_id: user.account_name
        for association, user in situation.updating
        if EMAIL in situation.left.get(user.guid, ())
    }
    return [
        conflicts.email_refused(
            user,
            situation.wanted[user.guid].values[EMAIL],
            refusals[user.guid],
            names,
            situation.extensions,
            owners=owners,
        )
        for user in users
        if user.guid in refusals
    ]
