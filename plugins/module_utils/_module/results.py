# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What a module returns, and the results of those that carry rules out."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.report import Report, guard_id
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.result import Result
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.update import Updated
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import DriftAction
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import (
    Outcome,
    State,
    change_data,
    conflict_data,
    diff_text,
    done_counts,
    drift_data,
    drift_text,
    headline,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind


def rule_result(updated: Updated, kind: RuleKind) -> Result:
    """Return the result of a module that saves the rule of a kind and carries it out."""
    report = updated.report
    values = {
        **report_values(report),
        "drift": [drift_data(drifted) for drifted in report.drift],
        "status": updated.status,
        "enabled": updated.rules[kind].enabled,
        "guard_id": guard_id(report.stages) if report.stages else "",
    }
    return Result(values, (*report.warnings, *told_warnings(report)), report.failure)


def update_result(updated: Updated) -> Result:
    """Return the result of the module that carries out all rules."""
    report = updated.report
    values = {
        **report_values(report),
        "drift": [drift_data(drifted) for drifted in report.drift],
        "status": updated.status,
        "kinds": [stage.kind.value for stage in report.stages],
        "paused": sorted(kind.value for kind, rule in updated.rules.items() if not rule.enabled),
        "summaries": {stage.kind.value: stage.summary for stage in report.stages},
        "guard_id": guard_id(report.stages) if report.stages else "",
    }
    read = report.directory_read
    if read is not None:
        values["directory_read"] = {"how": read.how.value, "why": read.why, "changed": read.changed}
    return Result(values, (*report.warnings, *told_warnings(report)), report.failure)


def report_values(report: Report) -> dict[str, Any]:
    """Return what every result of a run has."""
    return {
        "changed": report.changed,
        "summary": report.summary,
        "changes": [change_data(outcome) for outcome in _told(report)],
        "conflicts": [conflict_data(conflict) for conflict in report.conflicts],
        "recovered": [
            {
                "kind": resolution.intent.change.kind.value,
                "action": resolution.intent.change.action.value,
                "name": resolution.intent.change.name,
                "number": resolution.intent.change.number,
                "state": resolution.state.value,
                "detail": resolution.detail,
            }
            for resolution in report.recovered
        ],
        "run_id": report.run_id,
        "plan_id": report.plan_id if report.stages else "",
        "plan_changes": report.lines,
        "outcome": _outcome(report),
        "ledger_path": report.ledger,
        "diff": {"prepared": diff_text(report.outcomes) + drift_text(report.drift)},
    }


def _outcome(report: Report) -> dict[str, Any]:
    """The end of it in a form to mail or to post."""
    counts = {**report.summary, **done_counts(report.outcomes)}
    return {
        "state": _state(report),
        "headline": report.skipped or headline(counts, is_plan=report.began.check_mode),
        "check_mode": report.began.check_mode,
        "started_at": report.began.at.isoformat(timespec="seconds"),
        "ended_at": report.ended_at.isoformat(timespec="seconds"),
        "duration": round((report.ended_at - report.began.at).total_seconds(), 3),
    }


def _state(report: Report) -> str:
    if report.failure:
        return "failed"
    if report.skipped:
        return "skipped"
    return "planned" if report.began.check_mode else "succeeded"


def _told(report: Report) -> list[Outcome]:
    """All changes; of a failed run those not done, for a failed task is printed whole."""
    return [outcome for outcome in report.outcomes if not report.failure or outcome.state is not State.DONE]


def told_warnings(report: Report) -> tuple[str, ...]:
    """What cannot be done as asked and what is left as a person set it, each in a sentence."""
    return (*conflict_warnings(report), *_drift_warnings(report))


def _drift_warnings(report: Report) -> tuple[str, ...]:
    found = [one for one in report.drift if one.action is DriftAction.REPORTED]
    if not found:
        return ()
    counts = Counter(one.field for one in found)
    fields = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    first = " ".join(text for text in (found[0].number, found[0].name) if text)
    return (
        f"{len(found)} value(s) were changed on the PBX by hand and are left: {fields}. The first is {found[0].field} "
        f"of {first}. All are in the result's drift.",
    )


def conflict_warnings(report: Report) -> tuple[str, ...]:
    """Tell how many conflicts there are, and the first of them; nothing where there is none."""
    found = report.conflicts
    if not found:
        return ()
    counts = Counter(conflict.code for conflict in found)
    kinds = ", ".join(f"{count} {code}" for code, count in sorted(counts.items()))
    return (
        f"{len(found)} conflict(s): {kinds}. The first is {found[0].name}: {found[0].message} "
        "All are in the result's conflicts.",
    )
