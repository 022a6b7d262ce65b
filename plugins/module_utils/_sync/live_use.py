# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What is put off because an extension is in use at this very moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import LiveUse
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, AnyChange, ExtensionChange

_IN_CALL = "the extension is in a call"
_AGENT = "the extension is an agent of a queue"


def may_disturb(change: AnyChange) -> bool:
    """Tell whether a change takes an extension from whoever uses it."""
    return isinstance(change, ExtensionChange) and change.action in (Action.DELETE, Action.PARK)


def put_off(changes: Iterable[AnyChange], live: LiveUse) -> Mapping[str, str]:
    """Return which changes wait for a later run, by their keys, and why, in words.

    Nothing is taken from an extension in a call. One that is an agent is not deleted, which would take it out of its
    queues; it can be parked, which takes it out of nothing. What depends on a change that waits, waits too.

    :param changes: in the order of a plan, where what is depended on comes first.
    """
    found: dict[str, str] = {}
    for change in changes:
        why = _why(change, live)
        if not why and not found.keys().isdisjoint(change.depends_on):
            why = "it needs what is put off"
        if why:
            found[change.key] = why
    return found


def _why(change: AnyChange, live: LiveUse) -> str:
    if not may_disturb(change):
        return ""
    if change.number in live.in_call:
        return _IN_CALL
    return _AGENT if change.action is Action.DELETE and change.number in live.agents else ""
