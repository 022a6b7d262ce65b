# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What a run planned and what became of it, why it failed, and whether it is what was approved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.apply import Stage
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.dangers import (
    Danger,
    find_dangers,
    members_taken_out,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import (
    NOTHING,
    WHY_STOPPED,
    Breach,
    GuardLimits,
    Verdict,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.increment import DirectoryRead
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Resolution
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    AnyChange,
    Conflict,
    Drifted,
    Plan,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan_id import joined_id, plan_lines
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import (
    Outcome,
    State,
    settled_drift,
    summary,
    title,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

NAMED_FAILURES = 5
NAMED_REMOVALS = 10
NAMED_MOVED = 10

# Between the parts of a name of what the guard counts, where a run has several kinds.
PART_SEPARATOR = "+"
KIND_SEPARATOR = "="

_OBJECTS = {
    RuleKind.USERS: "associated extensions",
    RuleKind.ORGANIZATIONAL_UNITS: "associated organizational units",
    RuleKind.GROUPS: "associated groups",
}


class PlanMovedError(YeastarError):
    """What a run would do is not what was approved."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The plan that was approved.

    :param plan_id: "" where none was.
    :param lines: its changes and conflicts as ``plan_lines`` gives them, to tell what moved; empty if not known.
    """

    plan_id: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StageReport:
    """One kind's part of a run.

    :param names: what objects named one by one in the rule were found to be.
    """

    kind: RuleKind
    plan: Plan
    verdict: Verdict
    limits: GuardLimits
    outcomes: tuple[Outcome, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def stage(self) -> Stage:
        """What there is to apply."""
        return Stage(self.verdict.changes, self.verdict.stopped, self.plan.refreshed, self.verdict.put_off)

    @property
    def summary(self) -> dict[str, int]:
        """How many changes there are of each action, and what became of them."""
        return summary(self.plan, self.outcomes)

    @property
    def changes_anything(self) -> bool:
        """Whether anything was done, or would be."""
        return any(outcome.state in (State.DONE, State.PLANNED) for outcome in self.outcomes)


@dataclass(frozen=True, slots=True)
class Began:
    """The beginning of a run."""

    command: str
    check_mode: bool
    at: datetime

    def plan_id(self, stages: Sequence[StageReport]) -> str:
        """Return the name of all that the parts of a run would do."""
        return joined_id([stage.plan for stage in stages])


@dataclass(frozen=True, slots=True)
class Report:
    """What a run planned and what became of it.

    :param run_id: "" in check mode, which leaves no run behind, and where nothing was run.
    :param recovered: what became of changes that an earlier run had begun and not finished.
    :param failure: why the run ends failed, in sentences; "" if it does not.
    :param skipped: why nothing was run, a sentence; "" if something was.
    :param directory_read: how the directory was read; None where it was not.
    """

    began: Began
    ended_at: datetime
    stages: tuple[StageReport, ...]
    changed: bool
    run_id: str
    ledger: str
    recovered: tuple[Resolution, ...] = ()
    warnings: tuple[str, ...] = ()
    failure: str = ""
    skipped: str = ""
    directory_read: DirectoryRead | None = None

    @property
    def plan_id(self) -> str:
        """The name of all that the run would do."""
        return self.began.plan_id(self.stages)

    @property
    def summary(self) -> dict[str, int]:
        """The sums of the parts' summaries; what two parts tell alike counts once."""
        total: Counter[str] = Counter()
        for stage in self.stages:
            total.update(stage.summary)
        total["conflicts"], total["drift"] = len(self.conflicts), len(self.drift)
        return {name: total[name] for name in summary(Plan("", (), ()), ())}

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Of all parts."""
        return tuple(outcome for stage in self.stages for outcome in stage.outcomes)

    @property
    def conflicts(self) -> list[Conflict]:
        """What cannot be synchronized as asked, each once: where an extension is to be, two parts look at."""
        return list(dict.fromkeys(conflict for stage in self.stages for conflict in stage.plan.conflicts))

    @property
    def drift(self) -> list[Drifted]:
        """What a person set on the PBX, and what became of it."""
        return settled_drift((one for stage in self.stages for one in stage.plan.drift), self.outcomes)

    @property
    def lines(self) -> list[str]:
        """All that the run would do, a line each."""
        return plan_lines([stage.plan for stage in self.stages])


def idle(
    began: Began, ledger: Ledger, *, changed: bool = False, warnings: tuple[str, ...] = (), skipped: str = ""
) -> Report:
    """Return the report of what read and wrote neither side."""
    return Report(
        began=began,
        ended_at=began.at,
        stages=(),
        changed=changed,
        run_id="",
        ledger=ledger.location,
        warnings=warnings,
        skipped=skipped,
    )


def planned(verdict: Verdict) -> tuple[Outcome, ...]:
    """Return what would become of changes."""
    return tuple(_planned(change, verdict) for change in verdict.changes)


def _planned(change: AnyChange, verdict: Verdict) -> Outcome:
    if change.key in verdict.stopped:
        return Outcome(change, State.STOPPED, WHY_STOPPED)
    if change.key in verdict.put_off:
        return Outcome(change, State.DEFERRED, verdict.put_off[change.key])
    return Outcome(change, State.PLANNED)


def require_expected(expected: Expected, stages: Sequence[StageReport]) -> None:
    """Refuse a plan that is not the one that was approved.

    :raises PlanMovedError: with what moved.
    """
    plans = [stage.plan for stage in stages]
    present = joined_id(plans)
    if not expected.plan_id or expected.plan_id == present:
        return
    raise PlanMovedError(
        f"expect_plan_id is {expected.plan_id}, and what would be done now is the plan {present}. "
        f"{_moved(expected.lines, plan_lines(plans))}Nothing was changed.",
        "Look at the plan once more in check mode, and approve it anew.",
    )


def _moved(approved: Sequence[str], present: Sequence[str]) -> str:
    if not approved:
        return ""
    known, now = set(approved), set(present)
    sentences = [
        _listed("No longer planned", [line for line in approved if line not in now]),
        _listed("Newly planned", [line for line in present if line not in known]),
    ]
    return "".join(sentences) or "The rule itself moved, or the order of the changes. "


def _listed(what: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    names = "; ".join(line.partition(" ")[2] for line in lines[:NAMED_MOVED])
    more = f" and {len(lines) - NAMED_MOVED} more" if len(lines) > NAMED_MOVED else ""
    return f"{what}: {names}{more}. "


def failures(stages: Sequence[StageReport], ended_by: YeastarError | None) -> list[str]:
    """Return why a run ends failed, in sentences; none if it does not."""
    breached = [stage for stage in stages if stage.verdict.breaches]
    sentences = [sentence for stage in breached for sentence in _guard_sentences(stage)]
    if breached:
        sentences.append(f"If that is meant, run once with allow_guarded: {guard_id(stages)}.")
    if ended_by is not None:
        sentences.append(f"The run ended early. {ended_by}")
    failed = [
        outcome for stage in stages for outcome in stage.outcomes if outcome.state in (State.FAILED, State.UNKNOWN)
    ]
    if failed:
        shown = " ".join(f"{title(outcome.change)}: {outcome.detail}" for outcome in failed[:NAMED_FAILURES])
        sentences.append(f"{len(failed)} change(s) failed. {shown}")
    return sentences


def guard_id(stages: Sequence[StageReport]) -> str:
    """Return a name of what the guard counts in a run: the plan's own, or of several the parts that have any."""
    if len(stages) == 1:
        return stages[0].plan.guard_id
    counted = [stage for stage in stages if stage.plan.guard_id != NOTHING]
    return PART_SEPARATOR.join(f"{stage.kind}{KIND_SEPARATOR}{stage.plan.guard_id}" for stage in counted)


def allowed_part(allowed: str, kind: RuleKind) -> str:
    """Return the part of such a name that is a kind's; the whole of one without parts."""
    if KIND_SEPARATOR not in allowed:
        return allowed
    parts = dict(part.split(KIND_SEPARATOR, 1) for part in allowed.split(PART_SEPARATOR) if KIND_SEPARATOR in part)
    return parts.get(kind.value, "")


def _guard_sentences(stage: StageReport) -> list[str]:
    """Return what the guard stopped, by how much it is too much, and what it is by name."""
    breaches = stage.verdict.breaches
    groups = [breach for breach in breaches if breach.group]
    sentences = [_danger_sentence(stage, breach) for breach in breaches if not breach.group]
    return [*sentences, _groups_sentence(stage, groups)] if groups else sentences


def _danger_sentence(stage: StageReport, breach: Breach) -> str:
    danger, limit = breach.danger, stage.limits.of(breach.danger)
    what, of = _GUARDED[danger]
    share = f"{limit.percent:g} of {breach.total} {of or _OBJECTS[stage.kind]}"
    is_share = limit.exceeded(breach.found, breach.total) == "percent"
    beyond = f"percent {share}" if is_share else f"count {limit.count}"
    return (
        f"The guard stopped {breach.found} {what}, which is more than guard.{danger}.floor {limit.floor} and more than "
        f"guard.{danger}.{beyond}: {_named(_endangered(danger, stage.plan.changes))}."
    )


def _groups_sentence(stage: StageReport, breaches: Sequence[Breach]) -> str:
    limit = stage.limits.per_group
    names = [f"{breach.group} ({breach.found} of {breach.total})" for breach in breaches]
    return (
        f"The guard stopped members to be taken out of {len(breaches)} group(s), of each more than "
        f"guard.member_removals_per_group lets through (floor {limit.floor}, percent {limit.percent:g}, count "
        f"{limit.count}): {_named(names)}."
    )


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED_REMOVALS} more" if len(names) > NAMED_REMOVALS else ""
    return f"{', '.join(names[:NAMED_REMOVALS])}{more}"


_GUARDED = {
    Danger.DELETIONS: ("deletions", ""),
    Danger.RELEASES: ("releases", ""),
    Danger.RENUMBERINGS: ("renumberings", "associated extensions"),
    Danger.MEMBER_REMOVALS: ("members to be taken out of groups", "members"),
    Danger.EMAIL_CHANGES: ("changes of e-mail addresses", "associated extensions"),
    Danger.MOVES: ("moves of extensions out of their organization", "associated extensions"),
}


def _endangered(danger: Danger, changes: Sequence[AnyChange]) -> list[str]:
    """What the guard counted, by name."""
    found = find_dangers(changes)
    if danger is Danger.MEMBER_REMOVALS:
        return [f"{change.name} ({len(members_taken_out(change))})" for change in found.member_removals]
    if danger is Danger.RENUMBERINGS:
        return [f"{one.ending.number} to {one.beginning.number} ({one.ending.name})" for one in found.renumberings]
    counted: Mapping[Danger, Sequence[AnyChange]] = {
        Danger.DELETIONS: found.deletions,
        Danger.RELEASES: found.releases,
        Danger.EMAIL_CHANGES: found.email_changes,
        Danger.MOVES: found.moves,
    }
    return [f"{change.number} ({change.name})" if change.number else change.name for change in counted[danger]]
