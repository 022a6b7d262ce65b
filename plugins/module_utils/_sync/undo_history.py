# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What a run has done and what was undone of it already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import EMAIL
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Done
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, ObjectKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    REMOVALS,
    Action,
    ExtensionChange,
    GroupChange,
    OrganizationChange,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.renewed import own_id

#: The part of the changes that make re-created extensions members again; that of the others names the row they undo.
MEMBERS = "members"


@dataclass(frozen=True, slots=True)
class RollbackRule:
    """What a rollback is asked for.

    :param run_id: the run that is undone.
    :param send_welcome_email: whether the users of extensions that are made again get a new welcome e-mail.
    """

    run_id: str
    send_welcome_email: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """The changes that a run has done.

    :param rows: in the order in which they were done.
    :param undone_by: the runs that undid it, or began to, oldest first; each of them may have been undone in turn.
    """

    rows: tuple[Done, ...]
    undone_by: tuple[History, ...] = ()

    def standing(self) -> list[Done]:
        """Return the changes that are not undone, in the order in which they were done."""
        undone = {row.change.part for run in self.undone_by for row in run.standing()}
        return [row for row in self.rows if str(row.id) not in undone]

    def undone(self) -> list[Done]:
        """Return the changes that are undone."""
        standing = {row.id for row in self.standing()}
        return [row for row in self.rows if row.id not in standing]

    def latest_first(self) -> Iterator[Done]:
        """Return the changes that are not undone in the order in which they are to be undone.

        That an extension's place in an organization was given is remembered again once there is that organization.
        """
        rows = self.standing()
        gone = {row.change.object_id for row in rows if _is_end_of_organization(row)}
        waiting: dict[int | None, list[Done]] = defaultdict(list)
        for row in reversed(rows):
            place = _place_forgotten(row)
            if place in gone:
                waiting[place].append(row)
                continue
            yield row
            if _is_end_of_organization(row):
                gone.discard(row.change.object_id)
                yield from waiting.pop(row.change.object_id, [])

    def in_passing(self) -> dict[int, Mapping[str, str]]:
        """Return what the run itself had written to extensions that it wrote once more.

        Both changes of such an extension are planned from what it was before the run: where users exchange addresses,
        one of them has none in between.

        :returns: for each row that wrote what the run had written already: what it found, by the names of fields.
        """
        written: dict[int, dict[str, str]] = defaultdict(dict)
        found: dict[int, Mapping[str, str]] = {}
        for row in self.rows:
            change = row.change
            if not isinstance(change, ExtensionChange) or change.object_id is None:
                continue
            known = written[change.object_id]
            again = {name: known[name] for name in change.after if name in known}
            if again:
                found[row.id] = again
            known.update(change.after)
        return found

    def addresses_given(self) -> dict[str, set[int]]:
        """Return the ids of the extensions that the run gave an e-mail address, by the address in lower case."""
        given: dict[str, set[int]] = defaultdict(set)
        for row in self.standing():
            if isinstance(row.change, ExtensionChange) and row.latter is not None and row.change.after.get(EMAIL):
                given[row.change.after[EMAIL].casefold()].add(own_id(row.latter))
        return given

    def known_ids(self) -> dict[tuple[ObjectKind, int], int]:
        """Return the ids that objects have now which were made again while the run was undone, by their former ids."""
        known: dict[tuple[ObjectKind, int], int] = {}
        for row in self._since():
            kind, latter = row.change.kind, row.latter
            if latter is None:
                continue
            remembered = row.change.remembered
            former = row.change.object_id
            if row.change.action is Action.CREATE and remembered is not None:
                former = -own_id(remembered)
            if former is not None and former != own_id(latter):
                known.setdefault((kind, former), known.get((kind, own_id(latter)), own_id(latter)))
        return known

    def members_put_back(self) -> set[tuple[int, int]]:
        """Return the memberships that were put back already: ids of extension groups and extensions."""
        return {
            (row.change.object_id or 0, member)
            for run in self.undone_by
            for row in run.standing()
            if isinstance(row.change, GroupChange) and row.change.part == MEMBERS
            for member in row.change.kept
        }

    def _since(self) -> Iterator[Done]:
        """All that was done to undo it, and to undo that in turn; the latest first."""
        for run in reversed(self.undone_by):
            yield from run._since()
            yield from reversed(run.rows)


def _is_end_of_organization(row: Done) -> bool:
    return isinstance(row.change, OrganizationChange) and row.change.action in REMOVALS


def _place_forgotten(row: Done) -> int | None:
    """The organization that a row no longer remembers as given; None for any other row."""
    former, latter = row.former, row.latter
    if row.change.reason is not Reason.REMEMBERED or not isinstance(former, Association):
        return None
    is_forgotten = isinstance(latter, Association) and former.organization_id and not latter.organization_id
    return former.organization_id if is_forgotten else None
