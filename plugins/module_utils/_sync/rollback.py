# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The planner of a rollback: what a run has done is undone, the latest change first.

Each change is undone by its opposite, in the reverse order. So every state in between is one that the PBX was in
before: names and addresses that were exchanged go back the way they came. Only what is still as the run left it is put
back; what was changed since, by hand or by a later run, is left and told.

An address or a name comes back on the way by which it was exchanged, or not at all: who cannot have the former one
again keeps the one that the run left it with. Whether somebody else gives one up shows only once all is planned, so it
is planned once more with those held fast who would get stuck half way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Domain
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Done
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Conflict,
    ExtensionChange,
    OrganizationChange,
    Plan,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan_id import sealed
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.renewed import own_id
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.standing import Standing
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_extensions import ExtensionUndoing
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_groups import GroupUndoing
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_history import History, RollbackRule, Value
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_organizations import OrganizationUndoing
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_view import NotRestored, View


@dataclass(frozen=True, slots=True)
class Rollback:
    """What a rollback does, and what it cannot bring back."""

    plan: Plan
    not_restored: tuple[NotRestored, ...]


def plan_rollback(rule: RollbackRule, history: History, standing: Standing, domain: Domain) -> Rollback:
    """Plan to undo a run.

    :param history: all that the run has done and that was undone of it; each change with what it found and left.
    :param standing: the PBX with its extension groups, and the associations, as they are.
    """
    rewritten = history.rewritten()
    held_fast: frozenset[Value] = frozenset()
    told: list[Conflict] = []
    while True:
        view = View(standing, history.known_ids(), rewritten, set(held_fast), conflicts=list(told))
        _undo(rule, history, view)
        # This ends, for each time more is held fast, and no more than the run wrote.
        stuck = _left_in_passing(history, view) - held_fast
        if not stuck:
            break
        held_fast |= stuck
        guids = {guid for _kind, guid, _name in stuck}
        told = [conflict for conflict in view.conflicts if conflict in told or conflict.guid in guids]
    plan = Plan("", tuple(view.changes), tuple(view.conflicts), unchanged=view.unchanged)
    return Rollback(sealed(rule, domain, standing.pbx.identity, plan), _joined(view.not_restored))


def _undo(rule: RollbackRule, history: History, view: View) -> None:
    """Undo all that is not undone yet, in a view."""
    extensions = ExtensionUndoing(view, rule.send_welcome_email)
    organizations, groups = OrganizationUndoing(view), GroupUndoing(view)
    groups.clean_up({row.change.guid for row in history.rows})
    for row in history.latest_first():
        if not _is_as_it_was_left(view, row):
            continue
        if isinstance(row.change, ExtensionChange):
            extensions.undo(row, row.change)
        elif isinstance(row.change, OrganizationChange):
            organizations.undo(row, row.change)
        else:
            groups.undo(row, row.change)
    organizations.finish()
    for row in history.undone():
        if isinstance(row.change, ExtensionChange):
            extensions.note_memberships(row, row.change)
    groups.put_members_back(history.members_put_back())


def _left_in_passing(history: History, view: View) -> set[Value]:
    """Return the addresses and names that would stay as they were in the midst of an exchange alone."""
    written = {
        (change.kind, change.guid, name): value for change in view.changes for name, value in change.after.items()
    }
    return {
        (row.change.kind, row.change.guid, name)
        for row in history.rows
        for name, value in view.rewritten.get(row.id, {}).items()
        if written.get((row.change.kind, row.change.guid, name)) == value.found != value.before
    }


def _is_as_it_was_left(view: View, row: Done) -> bool:
    """Tell whether the association is about the same object as the run left it, and tell it if not.

    What is missing because a later change could not be undone was told with that.
    """
    kind, latter, held = row.change.kind, row.latter, view.held(row.change)
    left = view.id(kind, own_id(latter)) if latter is not None else 0
    now = own_id(held) if held is not None else 0
    if left == now:
        return True
    if held is None and view.has_told(row.change):
        return False
    before = view.id(kind, own_id(row.former)) if row.former is not None else 0
    view.changed_since(
        row.change, "The association", (_shown(view, kind, before), _shown(view, kind, left), _shown(view, kind, now))
    )
    return False


def _shown(view: View, kind: ObjectKind, object_id: int) -> str:
    """An object as a conflict names it; "" for none."""
    if not object_id:
        return ""
    if kind is ObjectKind.EXTENSION:
        extension = view.extensions.get(object_id)
        return extension.number if extension is not None else "an extension that is gone"
    objects = view.organizations if kind is ObjectKind.ORGANIZATION else view.groups
    found = objects.get(object_id)
    return found.name if found is not None else "one that is gone"


def _joined(found: list[NotRestored]) -> tuple[NotRestored, ...]:
    """All that stays lost, an entry for each object."""
    joined: dict[tuple[ObjectKind, str], NotRestored] = {}
    for one in found:
        key = one.kind, one.guid
        present = joined.get(key)
        joined[key] = replace(present, what=tuple(dict.fromkeys((*present.what, *one.what)))) if present else one
    return tuple(joined.values())
