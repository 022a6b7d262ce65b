# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""A world that is a snapshot: neither the directory nor the PBX is needed, nor what it takes to log in to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import NoReturn

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.location import LedgerLocation
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.opening import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Ledger, SavedSnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.recording import Recording, SnapshotError, unpacked
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.replay import RecordedDirectory, RecordedPbx
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.world import World
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind


@dataclass(frozen=True, slots=True)
class KeptWorld:
    """The world as the run saw it that took the snapshot, and left it.

    :param base_dn: the base DN of that run.
    :param shows_groups: whether that run has read the PBX's extension groups.
    :param warnings: what was changed in the ledger since, in sentences.
    """

    world: World
    snapshot: SavedSnapshot
    base_dn: str
    shows_groups: bool
    warnings: tuple[str, ...]


def snapshot_data(kept: KeptWorld) -> dict[str, str]:
    """Return which snapshot was asked, for a result."""
    return {
        "run_id": kept.snapshot.run_id,
        "taken_at": kept.snapshot.taken_at.isoformat(timespec="seconds"),
    }


def ledger_world(location: LedgerLocation, command: str) -> World:
    """Return a world in which there is nothing but the ledger, or a copy of it."""
    return World(
        open_ledger=partial(open_ledger, location, read_write=False, command=command),
        open_directory=lambda _attributes: _no_side(),
        open_pbx=_no_side,
        clock=partial(datetime.now, UTC),
        draw_name=_no_side,
    )


def _no_side() -> NoReturn:
    raise SnapshotError("Without the directory and the PBX only the ledger can be asked.")


@contextmanager
def open_snapshot(location: LedgerLocation, command: str) -> Iterator[KeptWorld]:
    """Open a ledger's snapshot for the length of a ``with`` block.

    The ledger of that world is a copy that is put back to what the snapshot knows of it, so that what a run has done
    since does not mix with what was before it. Nothing is written at the ledger's place.

    :raises SnapshotError: if there is none, or it cannot be read.
    :raises LedgerError: if the ledger cannot be opened; ``LedgerLockedError`` if a run is writing.
    """
    with ledger_world(location, command).open_ledger() as ledger:
        yield _kept_world(ledger)


def _kept_world(ledger: Ledger) -> KeptWorld:
    kept = _kept(ledger)
    recording = unpacked(kept.content)
    warnings = tuple(_changed_since(ledger, recording))
    _put_back(ledger, recording, kept.taken_at)
    base_dn = str(recording.integration.settings["directory_base_dn"])
    directory = RecordedDirectory(recording.directory, base_dn)

    def open_copy() -> AbstractContextManager[Ledger]:
        return nullcontext(ledger)

    world = World(
        open_ledger=open_copy,
        open_directory=lambda _attributes: nullcontext(directory),
        open_pbx=lambda: nullcontext(RecordedPbx(recording.pbx)),
        clock=lambda: kept.taken_at,
        draw_name=_no_side,
    )
    return KeptWorld(world, kept, base_dn, recording.pbx.groups is not None, warnings)


def _kept(ledger: Ledger) -> SavedSnapshot:
    if ledger.integration() is None:
        raise SnapshotError(
            f"The ledger {ledger.location} holds no integration, and with it no snapshot.",
            "Name the ledger of the runs; or run pbxops.yeastar.pbx_ad_connection with state connected, and then "
            "pbxops.yeastar.pbx_ad_sync.",
        )
    kept = ledger.snapshot()
    if kept is None:
        raise SnapshotError(
            f"The ledger {ledger.location} holds no snapshot: a run of all rules that are enabled keeps one, unless "
            "keep_snapshot is false.",
            "Run pbxops.yeastar.pbx_ad_sync once, outside of check mode.",
        )
    return kept


def _changed_since(ledger: Ledger, recording: Recording) -> Iterator[str]:
    integration = ledger.integration()
    if integration is not None and integration.status != recording.integration.status:
        yield (
            f"The integration is {integration.status} now and was {recording.integration.status} when the snapshot "
            "was taken; what is told is of then."
        )
    for kind in RuleKind:
        now, then = ledger.rule(kind), recording.rules.get(kind.value)
        # Whether it was carried out is no matter of the rule.
        if (now and (now.settings, now.enabled)) != (then and (then.settings, then.enabled)):
            yield f"The rule for {kind.value} was changed since the snapshot; what is told is by the former one."


def _put_back(ledger: Ledger, recording: Recording, at: datetime) -> None:
    ledger.forget_integration()
    ledger.save_integration(recording.integration, at)
    for kind, rule in recording.rules.items():
        ledger.save_rule(kind, rule, at)
    for kind, names in recording.names.items():
        ledger.save_names(kind, names)
    ledger.save_associations([*recording.associations, *recording.objects])
