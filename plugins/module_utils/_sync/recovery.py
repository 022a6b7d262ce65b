# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What became of the changes that a killed or cut-off run had begun: the PBX is asked, nothing is sent twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import differing
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.model import (
    Action,
    Association,
    Extension,
    Intent,
    JournalState,
    PbxSnapshot,
    Resolution,
    RetiredNumber,
)


def recover(
    intents: Sequence[Intent], associations: Sequence[Association], pbx: PbxSnapshot, now: datetime
) -> list[Resolution]:
    """Tell for each unfinished change whether the PBX shows it done.

    What is found done is remembered as the change would have been; what is not is forgotten, for the planner plans
    it anew from what both sides show.

    :param intents: unfinished rows of the journal, oldest first.
    """
    by_id = {extension.id: extension for extension in pbx.extensions}
    by_number = {extension.number: extension for extension in pbx.extensions}
    owners = {association.extension_id: association.guid for association in associations}
    resolutions = []
    for intent in intents:
        if intent.change.action is Action.CREATE:
            resolution = _creation(intent, by_number, owners)
        elif intent.change.action is Action.DELETE:
            resolution = _deletion(intent, by_id, now)
        elif intent.change.action is Action.RELEASE:
            resolution = Resolution(intent, JournalState.FAILED, "the association had not ended")
        else:
            resolution = _writing(intent, by_id)
        if resolution.save is not None:
            owners[resolution.save.extension_id] = resolution.save.guid
        resolutions.append(resolution)
    return resolutions


def _creation(intent: Intent, by_number: Mapping[str, Extension], owners: Mapping[int, str]) -> Resolution:
    extension = by_number.get(intent.change.number)
    if extension is None:
        return Resolution(intent, JournalState.FAILED, "the extension was not created")
    if owners.get(extension.id, intent.change.guid) != intent.change.guid or not _is_ours(intent, extension):
        return Resolution(intent, JournalState.FAILED, f"extension {extension.number} is somebody else's")
    association = intent.change.association
    if association is None:
        return Resolution(intent, JournalState.FAILED, "the journal row names no association")
    save = replace(association, extension_id=extension.id)
    return Resolution(intent, JournalState.DONE, "the extension had been created", save=save)


def _is_ours(intent: Intent, extension: Extension) -> bool:
    """Know an extension again by the name drawn for its creation, or by its fields where the PBX hides that name."""
    if extension.registration_name:
        return extension.registration_name == intent.registration_name
    return not differing(intent.change.after, extension.fields)


def _deletion(intent: Intent, by_id: Mapping[int, Extension], now: datetime) -> Resolution:
    change = intent.change
    if change.extension_id in by_id:
        return Resolution(intent, JournalState.FAILED, "the extension was not deleted")
    retired = RetiredNumber(change.number, change.guid, now)
    return Resolution(intent, JournalState.DONE, "the extension had been deleted", drop=True, retired=retired)


def _writing(intent: Intent, by_id: Mapping[int, Extension]) -> Resolution:
    change = intent.change
    extension = by_id.get(change.extension_id or 0)
    if extension is None or differing(change.after, extension.fields):
        return Resolution(intent, JournalState.FAILED, "the fields had not been written")
    return Resolution(intent, JournalState.DONE, "the fields had been written", save=change.association)
