# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Reports as the values that modules return."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.life import LifeReport, integration_data
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.report import Report, guard_id
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.rollback import RolledBack
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.schedule import ScheduleReport
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.sign_on import SignOnReport, barred
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.update import Updated
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.world import NOT_CONNECTED
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
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.schedule import (
    Schedule,
    schedule_data,
    schedule_forms,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on import Candidate, barrier_text
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on_settings import (
    SignOnSettings,
    settings_data,
)


@dataclass(frozen=True, slots=True)
class Result:
    """What a module returns.

    :param values: the documented return values.
    :param failure: why the module fails although it has a result; "" if it does not.
    """

    values: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    failure: str = ""


def rule_result(updated: Updated, kind: RuleKind) -> Result:
    """Return the result of a module that saves the rule of a kind and carries it out."""
    report = updated.report
    values = {
        **_values(report),
        "drift": [drift_data(drifted) for drifted in report.drift],
        "status": updated.status,
        "enabled": updated.rules[kind].enabled,
        "guard_id": guard_id(report.stages) if report.stages else "",
    }
    return Result(values, (*report.warnings, *_told_warnings(report)), report.failure)


def update_result(updated: Updated) -> Result:
    """Return the result of the module that carries out all rules."""
    report = updated.report
    values = {
        **_values(report),
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
    return Result(values, (*report.warnings, *_told_warnings(report)), report.failure)


def life_result(life: LifeReport) -> Result:
    """Return the result of the module that connects, disables and disconnects."""
    before, after = integration_data(life.before), integration_data(life.after)
    values: dict[str, Any] = {
        **_values(life.report),
        "changed": life.changed,
        "status": NOT_CONNECTED,
        **after,
        "diff": [{"before": before, "after": after}, {"prepared": diff_text(life.report.outcomes)}],
    }
    if not life.report.stages and not life.report.skipped:
        values["outcome"] = {**values["outcome"], "headline": _life_headline(life)}
    if life.capacity is not None:
        values["capacity"] = {
            "extensions": life.capacity.extensions,
            "extensions_used": life.capacity.extensions_used,
        }
    if life.directory is not None:
        values["deleted_objects_readable"] = life.directory.deleted_objects_readable
    return Result(values, (*life.warnings, *_told_warnings(life.report)), life.report.failure)


def rollback_result(rolled_back: RolledBack) -> Result:
    """Return the result of the module that undoes a run."""
    report = rolled_back.report
    values = {
        **_values(report),
        "not_restored": [
            {"kind": one.kind.value, "number": one.number, "name": one.name, "guid": one.guid, "what": list(one.what)}
            for one in rolled_back.not_restored
        ],
        "rolled_back_run_id": rolled_back.undone.id if rolled_back.undone is not None else "",
        "paused": [kind.value for kind in rolled_back.paused],
    }
    return Result(values, (*report.warnings, *_conflict_warnings(report)), report.failure)


def sign_on_result(sign_on: SignOnReport) -> Result:
    """Return what pbx_ad_sso returns."""
    before, after = _shown_settings(sign_on.before), _shown_settings(sign_on.after)
    cannot = barred(sign_on.users)
    values: dict[str, Any] = {
        **_values(sign_on.report),
        "changed": sign_on.changed,
        "settings": after,
        "users": {"can_sign_on": len(sign_on.users) - len(cannot), "cannot": len(cannot)},
        "cannot_sign_on": [_barred_data(one) for one in cannot],
        "signed_on": sign_on.signed_on,
        "diff": [{"before": before, "after": after}, {"prepared": diff_text(sign_on.report.outcomes)}],
    }
    if not sign_on.report.stages and not sign_on.report.skipped:
        is_on = sign_on.after is not None and sign_on.after.enabled
        told = f"Sign-on is switched {'on' if is_on else 'off'}; {values['users']['can_sign_on']} user(s) can sign on."
        values["outcome"] = {**values["outcome"], "headline": told}
    return Result(values, sign_on.report.warnings, sign_on.report.failure)


def _shown_settings(settings: SignOnSettings | None) -> dict[str, Any]:
    return settings_data(settings) if settings is not None else {}


def _barred_data(candidate: Candidate) -> dict[str, str]:
    held, barrier = candidate.association, candidate.barrier
    return {
        "name": held.account_name,
        "guid": held.guid,
        "number": held.number,
        "reason": barrier.value if barrier is not None else "",
        "explanation": barrier_text(barrier) if barrier is not None else "",
    }


def schedule_result(report: ScheduleReport) -> Result:
    """Return what pbx_ad_schedule returns."""
    return Result(
        values={
            "changed": report.changed,
            **_schedule_values(report.after),
            "ledger_path": report.ledger,
            "diff": {"before": _shown_schedule(report.before), "after": _shown_schedule(report.after)},
        },
        warnings=report.warnings,
    )


def _schedule_values(schedule: Schedule | None) -> dict[str, Any]:
    if schedule is None:
        return {"schedule": None}
    return {"schedule": schedule_data(schedule), **schedule_forms(schedule)}


def _shown_schedule(schedule: Schedule | None) -> dict[str, Any]:
    return schedule_data(schedule) if schedule else {}


def _life_headline(life: LifeReport) -> str:
    """What became of an integration of which nothing was deleted or released."""
    verb = "would be" if life.report.began.check_mode and life.changed else "is"
    return f"There {verb} no integration." if life.after is None else f"The integration {verb} {life.after.status}."


def _values(report: Report) -> dict[str, Any]:
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


def _told_warnings(report: Report) -> tuple[str, ...]:
    """What cannot be done as asked and what is left as a person set it, each in a sentence."""
    return (*_conflict_warnings(report), *_drift_warnings(report))


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


def _conflict_warnings(report: Report) -> tuple[str, ...]:
    found = report.conflicts
    if not found:
        return ()
    counts = Counter(conflict.code for conflict in found)
    kinds = ", ".join(f"{count} {code}" for code, count in sorted(counts.items()))
    return (
        f"{len(found)} conflict(s): {kinds}. The first is {found[0].name}: {found[0].message} "
        "All are in the result's conflicts.",
    )
