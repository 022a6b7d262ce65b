# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What a run has done and what was undone of it already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Done
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, ObjectKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    REMOVALS,
    Action,
    GroupChange,
    OrganizationChange,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.renewed import own_id
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_merge import Step

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


#: A value of an object: the object's kind, the guid of its directory object, and the name of the field.
Value: TypeAlias = tuple[ObjectKind, str, str]


@dataclass(frozen=True, slots=True)
class Written:
    """A value that a change of the run wrote.

    :param before: what it was before the run.
    :param found: what the change found: the same, or what an earlier change of the run had left in passing.
    :param left: what the change left.
    :param last: what the run left: the same, or what a later change of the run wrote.
    """

    before: str
    found: str
    left: str
    last: str

    def step(self, now: str, same: Callable[[str, str], bool] = str.__eq__) -> Step:
        """Tell what to do with it: only a value that is still as the run left it is put back, to what was found.

        One that the run left may be there when a change before the last is undone: an earlier attempt undid all else
        of the last one. Nobody but a person has left it as it was in passing alone.
        """
        if same(self.found, self.left):
            return Step.NOTHING
        if same(now, self.left):
            return Step.PUT_BACK
        if same(now, self.before):
            return Step.NOTHING
        return Step.PUT_BACK if same(now, self.last) else Step.CHANGED_SINCE


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

    def rewritten(self) -> dict[int, dict[str, Written]]:
        """Return the values that the run wrote more than once, or wrote before it deleted their object.

        Where users, units or groups exchange addresses or names, one of them has none, or one of the synchronization's
        own making, in between.

        :returns: for each row that wrote one, or took one away, those values by the names of fields.
        """
        writing: dict[Value, list[Done]] = defaultdict(list)
        for row in self.rows:
            change = row.change
            for name in change.after:
                writing[change.kind, change.guid, name].append(row)
            if change.action is Action.DELETE:
                for name in change.before:
                    if (change.kind, change.guid, name) in writing:
                        writing[change.kind, change.guid, name].append(row)
        found: dict[int, dict[str, Written]] = defaultdict(dict)
        for (_kind, _guid, name), rows in writing.items():
            if len(rows) > 1:
                for row_id, value in _followed(name, rows):
                    found[row_id][name] = value
        return found

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


def _followed(name: str, rows: Sequence[Done]) -> Iterator[tuple[int, Written]]:
    """Follow a value through the changes that wrote it, and the deletion that took it away."""
    before = found = rows[0].change.before.get(name, "")
    last = [row.change.after[name] for row in rows if name in row.change.after][-1]
    for row in rows:
        left = row.change.after.get(name, last)
        yield row.id, Written(before, found, left, last)
        found = left


def _is_end_of_organization(row: Done) -> bool:
    return isinstance(row.change, OrganizationChange) and row.change.action in REMOVALS


def _place_forgotten(row: Done) -> int | None:
    """The organization that a row no longer remembers as given; None for any other row."""
    former, latter = row.former, row.latter
    if row.change.reason is not Reason.REMEMBERED or not isinstance(former, Association):
        return None
    is_forgotten = isinstance(latter, Association) and former.organization_id and not latter.organization_id
    return former.organization_id if is_forgotten else None
