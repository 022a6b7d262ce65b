# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The result of a run, or of a plan, as the page and the metrics need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.fields import Fields, ReportError
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.words import headline

# The actions of changes, each with the key of a summary that counts it.
ACTIONS = {
    "create": "created",
    "associate": "associated",
    "update": "updated",
    "unpark": "unparked",
    "park": "parked",
    "release": "released",
    "delete": "deleted",
    "revoke": "revoked",
}
_OTHER_COUNTS = ("unchanged", "waiting", "excluded", "conflicts", "failed", "stopped", "deferred", "skipped")
COUNTS = (*ACTIONS.values(), *_OTHER_COUNTS)


@dataclass(frozen=True, slots=True)
class Sides:
    """Which PBX and which domain a result is of; "" for what it does not tell."""

    pbx: str
    model: str
    firmware: str
    domain: str


NO_SIDES = Sides("", "", "", "")


@dataclass(frozen=True, slots=True)
class Step:
    """A field of a changed object.

    :param before: None where the change tells none, as of a new object.
    :param after: None likewise, as of a deleted one.
    """

    name: str
    before: str | None
    after: str | None
    drift: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to one object of the PBX, why, and what became of it."""

    kind: str
    action: str
    state: str
    detail: str
    name: str
    number: str
    explanation: str
    dn: str
    guid: str
    object_id: str
    steps: tuple[Step, ...]
    drift: tuple[str, ...]
    members_added: tuple[str, ...]
    members_removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """What cannot be synchronized as asked."""

    code: str
    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Drifted:
    """A value that was set on the PBX by hand, and whether it was left."""

    kind: str
    number: str
    name: str
    guid: str
    field: str
    written: str
    wanted: str
    actual: str
    is_left: bool


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of a change that an earlier run had begun."""

    kind: str
    action: str
    name: str
    number: str
    state: str
    detail: str


@dataclass(frozen=True, slots=True)
class Run:
    """A run or a plan and what became of it.

    :param state: succeeded, failed, planned or skipped.
    :param message: why it failed; "" if it did not.
    :param duration: in seconds; None if it is not told.
    :param paused: the kinds that were left out.
    :param summary: for each of ``COUNTS`` its number; empty if the run ended before it counted.
    :param summaries: the same for each kind, empty if only one kind was synchronized.
    """

    state: str
    headline: str
    message: str
    check_mode: bool
    started_at: str
    ended_at: str
    duration: float | None
    kinds: tuple[str, ...]
    paused: tuple[str, ...]
    summary: Mapping[str, int]
    summaries: Mapping[str, Mapping[str, int]]
    changes: tuple[Change, ...]
    conflicts: tuple[Conflict, ...]
    drift: tuple[Drifted, ...]
    recovered: tuple[Recovered, ...]
    run_id: str
    plan_id: str
    guard_id: str
    ledger_path: str
    sides: Sides

    @property
    def left(self) -> tuple[Drifted, ...]:
        """What was set on the PBX by hand and is left; what is put back is among the changes."""
        return tuple(one for one in self.drift if one.is_left)

    @property
    def lists_all(self) -> bool:
        """Whether every change is in ``changes``: a run that failed lists only those that it did not do."""
        return self.state != "failed" or self.check_mode


def read_run(result: Fields) -> Run:
    """Return what a module that synchronizes has returned, failed or not.

    :raises ReportError: if it is the result of a loop, or its values have other shapes.
    """
    if result.has("results"):
        raise ReportError(
            f"{result.where} is the result of a task with a loop.", "Give one item of its list results at a time."
        )
    outcome = result.inner("outcome")
    check_mode = outcome.flag("check_mode") or _has_planned_only(result)
    summary = read_summary(result.inner("summary"))
    return Run(
        state=outcome.text("state") or _state(result, check_mode=check_mode),
        headline=outcome.text("headline") or headline(summary),
        message=result.text("msg") if result.flag("failed") else "",
        check_mode=check_mode,
        started_at=outcome.text("started_at"),
        ended_at=outcome.text("ended_at"),
        duration=outcome.number("duration"),
        kinds=result.texts("kinds"),
        paused=result.texts("paused"),
        summary=summary,
        summaries={kind: read_summary(inner) for kind, inner in _by_key(result.inner("summaries")).items()},
        changes=tuple(_read_change(change) for change in result.each("changes")),
        conflicts=read_conflicts(result),
        drift=tuple(_read_drifted(drifted) for drifted in result.each("drift")),
        recovered=tuple(_read_recovered(change) for change in result.each("recovered")),
        run_id=result.text("run_id"),
        plan_id=result.text("plan_id"),
        guard_id=result.text("guard_id"),
        ledger_path=result.text("ledger_path"),
        sides=read_sides(result),
    )


def read_summary(counts: Fields) -> dict[str, int]:
    """Return the counts of a run, 0 for those that are missing; none of a run that ended before it counted."""
    return {name: counts.count(name) for name in COUNTS} if counts.data else {}


def read_conflicts(result: Fields) -> tuple[Conflict, ...]:
    """Return the conflicts of a result."""
    return tuple(
        Conflict(conflict.text("code"), conflict.text("name"), conflict.text("message"))
        for conflict in result.each("conflicts")
    )


def read_sides(result: Fields) -> Sides:
    """Return the PBX and the domain that a result names."""
    pbx, domain = result.inner("pbx"), result.inner("domain")
    return Sides(
        pbx=pbx.text("serial_number"),
        model=pbx.text("model"),
        firmware=pbx.text("firmware"),
        domain=domain.text("dns_name") or domain.text("dn"),
    )


def _by_key(fields: Fields) -> dict[str, Fields]:
    return {name: fields.inner(name) for name in fields.data}


def _has_planned_only(result: Fields) -> bool:
    """A plan is made without a run: it has an id and the run has none."""
    return bool(result.text("plan_id")) and not result.text("run_id")


def _state(result: Fields, *, check_mode: bool) -> str:
    if result.flag("failed") or result.flag("unreachable"):
        return "failed"
    if result.flag("skipped") or result.text("status") == "disabled":
        return "skipped"
    return "planned" if check_mode else "succeeded"


def _read_change(change: Fields) -> Change:
    before, after = change.inner("before").all_texts(), change.inner("after").all_texts()
    drift = change.texts("drift")
    return Change(
        kind=change.text("kind"),
        action=change.text("action"),
        state=change.text("state"),
        detail=change.text("detail"),
        name=change.text("name"),
        number=change.text("number"),
        explanation=change.text("explanation"),
        dn=change.text("dn"),
        guid=change.text("guid"),
        object_id=change.text("object_id"),
        steps=tuple(
            Step(name, before.get(name), after.get(name), name in drift)
            for name in dict.fromkeys((*before, *after))
            if before.get(name) or after.get(name)
        ),
        drift=drift,
        members_added=change.texts("members_added"),
        members_removed=change.texts("members_removed"),
    )


def _read_drifted(drifted: Fields) -> Drifted:
    return Drifted(
        kind=drifted.text("kind"),
        number=drifted.text("number"),
        name=drifted.text("name"),
        guid=drifted.text("guid"),
        field=drifted.text("field"),
        written=drifted.text("written"),
        wanted=drifted.text("wanted"),
        actual=drifted.text("actual"),
        is_left=drifted.text("action") == "reported",
    )


def _read_recovered(change: Fields) -> Recovered:
    return Recovered(
        kind=change.text("kind"),
        action=change.text("action"),
        name=change.text("name"),
        number=change.text("number"),
        state=change.text("state"),
        detail=change.text("detail"),
    )
