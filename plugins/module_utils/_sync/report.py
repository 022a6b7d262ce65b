# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""A plan and its outcome in words and in plain data."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.dangers import is_removal
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    MEMBERS,
    Action,
    AnyChange,
    Conflict,
    DriftAction,
    Drifted,
    GroupChange,
    Plan,
    Reason,
)

# A run of thousands of changes is shown by its first ones; all of them are in the result.
DIFF_BLOCKS = 50
DIFF_MEMBERS = 20

WORDS = {
    ObjectKind.EXTENSION: "extension",
    ObjectKind.ORGANIZATION: "organization",
    ObjectKind.EXTENSION_GROUP: "extension group",
}

# The key that counts an action. A dict has a method named ``update``, which Jinja would take for ``summary.update``.
COUNTED = {
    Action.REVOKE: "revoked",
    Action.DELETE: "deleted",
    Action.RELEASE: "released",
    Action.PARK: "parked",
    Action.UNPARK: "unparked",
    Action.UPDATE: "updated",
    Action.ASSOCIATE: "associated",
    Action.CREATE: "created",
}

_REASONS = {
    Reason.NEW_USER: "the user is in scope and has no extension yet",
    Reason.EXTENSION_MISSING: "drift: the extension was deleted on the PBX by hand; it is created again",
    Reason.SAME_EMAIL: "the extension has the user's e-mail address",
    Reason.BOUND_BY_NAME: "the rule binds the user to this extension",
    Reason.DIRECTORY_CHANGED: "it changed in the directory",
    Reason.DRIFT: "drift: it was changed on the PBX by hand",
    Reason.ADDRESS_EXCHANGE: "users exchange e-mail addresses; this one is given up first",
    Reason.ACCOUNT_DELETED: "the account was deleted in the directory",
    Reason.ACCOUNT_DISABLED: "the account is disabled",
    Reason.ACCOUNT_EXPIRED: "the account has expired",
    Reason.OUT_OF_SCOPE: "it exists in the directory but the scope no longer takes it in",
    Reason.NO_LONGER_LISTED: "the user is no longer named in users; the extension stays",
    Reason.BOUND_ELSEWHERE: "the rule binds the user to another extension",
    Reason.UNIT_CHANGED: "the user's unit has another organization than the extension is in",
    Reason.SIGN_ON_OFF: "sign-on with the directory's credentials is switched off",
    Reason.SIGN_ON_ENDED: "the extension is no longer that of the user who signed on, or is parked",
    Reason.NEW_UNIT: "the unit is in scope and has no counterpart on the PBX yet",
    Reason.NEW_GROUP: "the group is in scope and has no extension group yet",
    Reason.SAME_NAME: "the PBX has one of this name, which is taken over",
    Reason.OBJECT_MISSING: "drift: it was deleted on the PBX by hand; it is created again",
    Reason.OBJECT_DELETED: "it was deleted in the directory",
    Reason.OBJECT_GONE: "the association ends and the object is already gone from the PBX",
    Reason.HANDED_OVER: "another of the same name takes it over",
    Reason.NAME_EXCHANGE: "another takes this name; it bears a passing one until its turn comes",
    Reason.COMPANY_NAME: "company_name says so",
    Reason.LABEL: "label_group asks for it",
    Reason.LABEL_ENDED: "label_group no longer asks for it",
    Reason.LEFTOVER: "it was made anew under another name and this one was left",
    Reason.ROLLED_BACK: "the run that is rolled back had changed it",
    Reason.REMEMBERED: "what is remembered of it is put back; the PBX needs no write",
    Reason.CLEAN_UP: "its deletion was asked for",
    Reason.DISCONNECTED: "the integration ends",
    Reason.NO_LONGER_DUE: "the extension was parked and is no longer due for deletion",
    Reason.EXTENSION_GONE: "the association ends and its extension is already gone from the PBX",
}


class State(StrEnum):
    """What became of a planned change."""

    PLANNED = "planned"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    STOPPED = "stopped"
    DEFERRED = "deferred"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A change and what became of it.

    :param detail: why it was not done, "" if it was.
    :param object_id: the PBX's id, known of a created object once it is created.
    """

    change: AnyChange
    state: State
    detail: str = ""
    object_id: int | None = None


def explanation(reason: Reason) -> str:
    """Return the sentence for a reason."""
    return _REASONS[reason]


def summary(plan: Plan, outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Count what a plan does and what became of it; the same keys for every plan."""
    outcomes = list(outcomes)
    actions = Counter(outcome.change.action for outcome in outcomes)
    states = Counter(outcome.state for outcome in outcomes)
    return {
        **{name: actions[action] for action, name in COUNTED.items()},
        "unchanged": plan.unchanged,
        "waiting": plan.parked,
        "excluded": plan.excluded,
        "conflicts": len(plan.conflicts),
        "drift": len(plan.drift),
        "failed": states[State.FAILED] + states[State.UNKNOWN],
        "stopped": states[State.STOPPED],
        "deferred": states[State.DEFERRED],
        "skipped": states[State.SKIPPED],
    }


def done_counts(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Count by action what was done, or would be; what was not is counted by ``summary`` too."""
    actions = Counter(one.change.action for one in outcomes if one.state in (State.PLANNED, State.DONE))
    return {name: actions[action] for action, name in COUNTED.items()}


# What a headline tells, in its order.
_TOLD = {
    "created": "created",
    "associated": "associated",
    "updated": "updated",
    "unparked": "unparked",
    "parked": "parked",
    "released": "released",
    "deleted": "deleted",
    "revoked": "sign-on credentials revoked",
    "failed": "failed",
    "stopped": "stopped by the guard",
    "deferred": "deferred",
    "skipped": "skipped",
}


def headline(counts: Mapping[str, int], *, is_plan: bool) -> str:
    """Return a summary in one line: what is not nothing, e.g. ``2 created, 1 deleted, 3 conflicts.``.

    :param counts: as ``summary`` returns them.
    :param is_plan: whether it is about what would be done.
    """
    parts = [f"{counts[name]} {words}" for name, words in _TOLD.items() if counts[name]]
    if counts["conflicts"]:
        parts.append(f"{counts['conflicts']} conflict{'s' if counts['conflicts'] > 1 else ''}")
    if not parts:
        return "Nothing to do." if is_plan else "Nothing was to be done."
    return f"{'To be done: ' if is_plan else ''}{', '.join(parts)}."


def change_data(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as data for a result, with the change's own mappings and tuples: Ansible copies them all."""
    change = outcome.change
    return {
        "kind": change.kind.value,
        "action": change.action.value,
        "state": outcome.state.value,
        "detail": outcome.detail,
        "name": change.name,
        "guid": change.guid,
        "dn": change.dn,
        "number": change.number,
        "object_id": _known_id(outcome),
        "reason": change.reason.value,
        "explanation": explanation(change.reason),
        "before": change.before,
        "after": change.after,
        "drift": change.drift,
        "members_added": change.added if isinstance(change, GroupChange) else (),
        "members_removed": change.removed if isinstance(change, GroupChange) else (),
    }


def _known_id(outcome: Outcome) -> int | None:
    """The PBX's id of the object; an object that is planned with before it exists has a negative one, which is none."""
    known = outcome.object_id if outcome.object_id is not None else outcome.change.object_id
    return known if known is not None and known > 0 else None


def conflict_data(conflict: Conflict) -> dict[str, str]:
    """Return a conflict as plain data for a result."""
    return {"code": conflict.code, "name": conflict.name, "guid": conflict.guid, "message": conflict.message}


def settled_drift(drift: Iterable[Drifted], outcomes: Sequence[Outcome]) -> list[Drifted]:
    """Return drift, each once, with what became of it: what was not put back is only reported.

    :param drift: of all parts of a run; an extension's organizations are looked at by two of them.
    """
    once = {(one.kind, one.guid, one.field, *_member(one)): one for one in drift}
    drifted = {(one.kind, one.guid) for one in once.values()}
    changes: dict[tuple[ObjectKind, str], list[AnyChange]] = defaultdict(list)
    for outcome in outcomes if drifted else ():
        whose = (outcome.change.kind, outcome.change.guid)
        if whose in drifted and outcome.state in (State.PLANNED, State.DONE):
            changes[whose].append(outcome.change)
    put_back = {whose: _put_back(done) for whose, done in changes.items()}
    return [_settled(one, put_back.get((one.kind, one.guid), [])) for one in once.values()]


def _put_back(changes: Iterable[AnyChange]) -> list[tuple[Collection[str], Collection[str] | None]]:
    """What changes put back, each: the fields, and of a group the members that come in or go; None for no group."""
    return [
        (change.drift, frozenset((*change.added, *change.removed)) if isinstance(change, GroupChange) else None)
        for change in changes
    ]


def _settled(drifted: Drifted, put_back: Iterable[tuple[Collection[str], Collection[str] | None]]) -> Drifted:
    for names, members in put_back:
        if drifted.field not in names:
            continue
        if members is None or drifted.field != MEMBERS or all(one in members for one in _member(drifted)):
            return drifted
    return replace(drifted, action=DriftAction.REPORTED)


def _member(drifted: Drifted) -> tuple[str, ...]:
    """The member that was put in or taken out; nothing of a group that was set to include every extension."""
    is_single = drifted.field == MEMBERS and not (drifted.written and drifted.actual)
    return (drifted.written or drifted.actual,) if is_single else ()


def drift_data(drifted: Drifted) -> dict[str, str]:
    """Return drift as plain data for a result."""
    return {
        "kind": drifted.kind.value,
        "number": drifted.number,
        "name": drifted.name,
        "guid": drifted.guid,
        "field": drifted.field,
        "written": drifted.written,
        "wanted": drifted.wanted,
        "actual": drifted.actual,
        "action": drifted.action.value,
    }


def drift_text(drift: Iterable[Drifted], limit: int = DIFF_BLOCKS) -> str:
    """Return the drift that is left for a person: one block an object with each field three ways.

    :param limit: number of blocks; the objects beyond it are counted.
    """
    by_object: dict[tuple[ObjectKind, str], list[Drifted]] = defaultdict(list)
    for one in drift:
        if one.action is DriftAction.REPORTED:
            by_object[one.kind, one.guid].append(one)
    found = list(by_object.values())
    blocks = [_drift_block(one) for one in found[:limit]]
    if len(found) > limit:
        blocks.append(f"… and {len(found) - limit} more with drift; all of it is in the result's drift.\n")
    return "".join(blocks)


def _drift_block(drift: Sequence[Drifted]) -> str:
    first = drift[0]
    kind = "" if first.kind is ObjectKind.EXTENSION else f"{WORDS[first.kind]} "
    number = f"{first.number} " if first.number else ""
    lines = [f"leave {kind}{number}{first.name}", "    it was changed on the PBX by hand", *map(_drift_line, drift)]
    return "\n".join(lines) + "\n"


def _drift_line(drifted: Drifted) -> str:
    member = _member(drifted)
    if member:
        return f"    {'- ' if drifted.written else '+ '}{member[0]} (drift)"
    return (
        f"    {drifted.field}: {_shown(drifted.actual)} (drift; written {_shown(drifted.written)}, "
        f"wanted {_shown(drifted.wanted)})"
    )


def diff_text(outcomes: Sequence[Outcome], limit: int = DIFF_BLOCKS) -> str:
    """Return the changes for a person: one block an object with its reason and each field before and after.

    :param limit: number of blocks; the changes beyond it are counted by action.
    """
    blocks = [_block(outcome) for outcome in outcomes[:limit]]
    rest = Counter(outcome.change.action.value for outcome in outcomes[limit:])
    if rest:
        counts = ", ".join(f"{number} {action}" for action, number in sorted(rest.items()))
        blocks.append(f"… and {counts} more; all of them are in the result's changes.\n")
    return "".join(blocks)


def title(change: AnyChange) -> str:
    """Return what a change does to what, in a few words."""
    kind = "" if change.kind is ObjectKind.EXTENSION else f"{WORDS[change.kind]} "
    number = f"{change.number} " if change.number else ""
    return f"{change.action.value} {kind}{number}{change.name}"


def _block(outcome: Outcome) -> str:
    change = outcome.change
    state = "" if outcome.state in (State.PLANNED, State.DONE) else f" [{outcome.state.value}]"
    lines = [f"{title(change)}{state}", f"    {explanation(change.reason)}"]
    if change.action is Action.RELEASE and is_removal(change):
        lines.append(f"    the {WORDS[change.kind]} stays as it is and is the PBX administrator's again")
    if change.action is Action.REVOKE:
        lines.append("    the Linkus password that a sign-on had set is replaced by a random one")
    if outcome.detail:
        lines.append(f"    {outcome.detail}")
    lines.extend(_field_lines(change.before, change.after, change.drift))
    if isinstance(change, GroupChange):
        lines.extend(_member_lines(change))
    return "\n".join(lines) + "\n"


def _member_lines(change: GroupChange) -> list[str]:
    lines = []
    for sign, members in (("+", change.added), ("-", change.removed)):
        lines += [f"    {sign} {member}" for member in members[:DIFF_MEMBERS]]
        if len(members) > DIFF_MEMBERS:
            lines.append(f"    {sign} {len(members) - DIFF_MEMBERS} more")
    return lines


def _field_lines(before: Mapping[str, str], after: Mapping[str, str], drift: Sequence[str]) -> list[str]:
    names = dict.fromkeys((*before, *after))
    return [
        f"    {name}: {_step(before.get(name), after.get(name))}" + (" (drift)" if name in drift else "")
        for name in names
        if before.get(name) or after.get(name)
    ]


def _step(before: str | None, after: str | None) -> str:
    """A new extension's value has no before, an empty one does."""
    return _shown(after) if before is None else f"{_shown(before)} -> {_shown(after)}"


def _shown(value: str | None) -> str:
    return "-" if not value else f'"{value}"'
