# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Who may have which e-mail address, for the PBX takes each address once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """A user's wish for an address.

    :param wanted: the address as the directory spells it; "" for none.
    :param held: the address that the user's extension has now; "" for none.
    """

    wanted: str
    held: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a claim was not granted.

    :param rivals: objectGUIDs of the other users that want or keep the address.
    :param extension_id: the extension of no user of this run that has the address, if that is the reason.
    """

    rivals: tuple[str, ...] = ()
    extension_id: int | None = None


def refuse_shared_addresses(claims: Mapping[str, Claim], fixed: Mapping[str, int]) -> dict[str, Refusal]:
    """Return the claims (by objectGUID) that cannot be granted, with the reason.

    An address that an extension outside of this run has is refused to everybody. One that several users want goes
    to the one whose extension has it already, else to none of them: which of two people gets a mailbox's phone is
    not a thing to guess. A user whose claim is refused keeps the address held, which may in turn refuse another's;
    so the search goes on until nothing more is refused.

    :param claims: by objectGUID.
    :param fixed: ids of the extensions outside of this run by their address, case folded.
    """
    refused: dict[str, Refusal] = {}
    while True:
        found = _refuse_once(claims, fixed, refused)
        if not found:
            return refused
        refused.update(found)


def _refuse_once(
    claims: Mapping[str, Claim], fixed: Mapping[str, int], refused: Mapping[str, Refusal]
) -> dict[str, Refusal]:
    kept: dict[str, str] = {}
    # Nearly every address is wanted by one user alone.
    first: dict[str, str] = {}
    others: dict[str, list[str]] = defaultdict(list)
    for guid, claim in claims.items():
        if guid in refused:
            kept[claim.held.casefold()] = guid
        elif first.setdefault(claim.wanted.casefold(), guid) != guid:
            others[claim.wanted.casefold()].append(guid)
    found: dict[str, Refusal] = {}
    for address, claimant in first.items():
        if not address:
            continue
        guids = [claimant, *others.get(address, ())]
        if address in fixed:
            found.update({guid: Refusal(extension_id=fixed[address]) for guid in guids})
        elif address in kept:
            found.update({guid: Refusal(rivals=(kept[address],)) for guid in guids})
        elif len(guids) > 1:
            losers = [guid for guid in guids if claims[guid].held.casefold() != address]
            rivals = tuple(sorted(guids))
            found.update({guid: Refusal(rivals=tuple(r for r in rivals if r != guid)) for guid in losers})
    return found
