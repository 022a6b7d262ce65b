# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Results as gauges in Prometheus' text format, for the textfile collector of its node exporter.

The format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.fields import ReportError, as_moment
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.results import read_results
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.run import ACTIONS, Run
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.status import PastRun, Status

PREFIX = "pbxops_yeastar_"
# The kind of counts that a run of several kinds does not tell apart.
ALL_KINDS = "all"
_STATUSES = ("connected", "disabled", "not_connected")
OBJECT_KINDS = ("extension", "organization", "extension_group")
_ENDED = ("succeeded", "failed")
_PROBLEMS = {
    "conflicts": "Objects that the last run of the kind could not synchronize as asked.",
    "failed": "Changes of the last run of the kind that failed, or of which it is not known.",
    "stopped": "Changes of the last run of the kind that the guard stopped.",
    "skipped": "Changes of the last run of the kind that were skipped, for what they depend on was not done.",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """A value and the labels that tell it from the others of its gauge."""

    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Gauge:
    """A metric with all of its samples."""

    name: str
    help: str
    samples: Sequence[Sample]


@dataclass(frozen=True, slots=True)
class _Ended:
    """A run that has ended, told by its own result or by the ledger.

    :param summaries: the counts by kind, those of a run that does not tell its kinds apart by ``ALL_KINDS``.
    """

    kinds: tuple[str, ...]
    succeeded: bool
    ended_at: str
    duration: float | None
    summaries: Mapping[str, Mapping[str, int]]


def metrics_text(result: Any, *, info: Any = None, pbx: str = "") -> str:
    """Return the metrics of a result.

    :param result: what a module that synchronizes returned, or what pbx_ad_info returned.
    :param info: what pbx_ad_info returned.
    :param pbx: value of the label pbx; by default the serial number that one of the results tells.
    :raises ReportError: if one of them is no such result, or none tells a serial number.
    """
    results = read_results(result, info)
    run, status = results.run, results.status
    label = pbx or results.sides.pbx
    if not label:
        raise ReportError("The result does not tell the PBX's serial number.", "Give info, or name the PBX with pbx.")
    gauges = (*_run_gauges(_ended_runs(run, status)), *_drift_gauges(run, status), *_status_gauges(status))
    return "".join(_text(gauge, label) for gauge in gauges if gauge.samples)


def _ended_runs(run: Run | None, status: Status | None) -> Iterator[_Ended]:
    """The runs that are known, newest first. A plan is none."""
    if run and _has_run(run):
        yield _ended(run, run.summaries)
    for past in status.runs if status else ():
        if past.state in _ENDED:
            yield _ended(past, {})


def _has_run(run: Run) -> bool:
    return not run.check_mode and run.state in _ENDED


def _ended(run: Run | PastRun, summaries: Mapping[str, Mapping[str, int]]) -> _Ended:
    kinds = run.kinds or tuple(summaries) or (ALL_KINDS,)
    if not summaries and run.summary:
        summaries = {kinds[0] if len(kinds) == 1 else ALL_KINDS: run.summary}
    return _Ended(kinds, run.state == "succeeded", run.ended_at, run.duration, summaries)


def _newest(runs: Iterable[_Ended]) -> tuple[dict[str, _Ended], dict[str, Mapping[str, int]]]:
    """Of runs that come newest first, the newest of each kind, and the newest counts of each kind."""
    newest: dict[str, _Ended] = {}
    counts: dict[str, Mapping[str, int]] = {}
    for run in runs:
        fresh = [kind for kind in run.kinds if kind not in newest]
        newest.update(dict.fromkeys(fresh, run))
        counts.update({kind: run.summaries[kind] for kind in fresh if kind in run.summaries})
        # What a run counts of several kinds together is out of date once one of them ran again.
        if ALL_KINDS in run.summaries and len(fresh) == len(run.kinds):
            counts[ALL_KINDS] = run.summaries[ALL_KINDS]
    return newest, counts


def _run_gauges(runs: Iterable[_Ended]) -> Iterator[Gauge]:
    newest, counts = _newest(runs)
    yield _by_kind(
        "last_run_success",
        "Whether the last run of the kind succeeded (1) or failed (0).",
        {kind: float(run.succeeded) for kind, run in newest.items()},
    )
    ends = {kind: moment.timestamp() for kind, run in newest.items() if (moment := as_moment(run.ended_at))}
    yield _by_kind("last_run_end_timestamp_seconds", "When the last run of the kind ended, in Unix time.", ends)
    durations = {kind: run.duration for kind, run in newest.items() if run.duration is not None}
    yield _by_kind("last_run_duration_seconds", "How long the last run of the kind took.", durations)
    yield Gauge(
        "last_run_changes",
        "Changes of the last run of the kind, planned ones that were not done included, by action.",
        [
            Sample(summary[counted], {"kind": kind, "action": action})
            for kind, summary in counts.items()
            for action, counted in ACTIONS.items()
        ],
    )
    for name, told in _PROBLEMS.items():
        yield _by_kind(f"last_run_{name}", told, {kind: summary[name] for kind, summary in counts.items()})


def _drift_gauges(run: Run | None, status: Status | None) -> Iterator[Gauge]:
    if run and _has_run(run) and run.lists_all:
        objects = {(change.kind, change.guid) for change in run.changes if change.drift}
        objects |= {(one.kind, one.guid) for one in run.drift}
        seen = Counter(dict.fromkeys(OBJECT_KINDS, 0))
        seen.update(kind for kind, _guid in objects)
        yield _by_kind("last_run_drift", "Objects that the last run found changed on the PBX by hand.", seen)
    if status and status.drift is not None:
        found = Counter(dict.fromkeys(OBJECT_KINDS, 0))
        found.update(drift.kind for drift in status.drift)
        yield _by_kind("drift", "Fields that are changed on the PBX by hand and not put back yet.", found)


def _status_gauges(status: Status | None) -> Iterator[Gauge]:
    if status is None:
        return
    yield Gauge(
        "integration_status",
        "The status of the integration: 1 for the one that holds, 0 for the others.",
        [Sample(float(status.status == one), {"status": one}) for one in _STATUSES],
    )
    enabled = {rule.kind: float(rule.enabled) for rule in status.rules}
    yield _by_kind("rule_enabled", "Whether the saved rule of the kind is enabled (1) or paused (0).", enabled)
    used = {one.kind: one.used for one in status.capacity}
    yield _by_kind("objects_used", "Objects that the PBX has.", used)
    limits = {one.kind: one.limit for one in status.capacity}
    yield _by_kind("objects_limit", "Objects that the PBX can have.", limits)
    yield _by_kind("associated_objects", "Objects that are associated with one of the directory.", status.associations)


def _by_kind(name: str, told: str, values: Mapping[str, float]) -> Gauge:
    return Gauge(name, told, [Sample(value, {"kind": kind}) for kind, value in values.items()])


def _text(gauge: Gauge, pbx: str) -> str:
    name = f"{PREFIX}{gauge.name}"
    lines = [f"# HELP {name} {gauge.help}", f"# TYPE {name} gauge"]
    lines += [f"{name}{{{_labels({'pbx': pbx, **sample.labels})}}} {_number(sample.value)}" for sample in gauge.samples]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return repr(int(value)) if value == int(value) else repr(float(value))
