# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics of results: what Prometheus' own parser reads of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.fields import ReportError
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.metrics import PREFIX, metrics_text
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.report_samples import DRIFT, FAILED, INFO, PLAN, RUN, SUMMARY, change, outcome, past_run

_DOCS = (Path(__file__).parents[2] / "docs" / "reports.md").read_text(encoding="utf-8")
_ENDED_AT = datetime(2026, 11, 25, 2, 1, 15, 500000, tzinfo=UTC).timestamp()
_KINDS = ("organizational_units", "users", "groups")
USERS: dict[str, Any] = {key: value for key, value in RUN.items() if key != "summaries"} | {"kinds": ["users"]}


def _read(text: str, pbx: str = "hq") -> dict[str, dict[tuple[str, ...], float]]:
    """For each gauge its values by their labels but pbx, which all of them have."""
    families = list(text_string_to_metric_families(text))
    assert all(family.type == "gauge" and family.documentation for family in families)
    assert len({family.name for family in families}) == len(families)
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for sample in (sample for family in families for sample in family.samples):
        labels = dict(sample.labels)
        assert labels.pop("pbx") == pbx
        values = found.setdefault(sample.name.removeprefix(PREFIX), {})
        assert tuple(labels.values()) not in values
        values[tuple(labels.values())] = sample.value
    return found


def test_a_run_tells_success_end_and_duration_of_each_kind() -> None:
    read = _read(metrics_text(RUN, pbx="hq"))

    for kind in _KINDS:
        assert read["last_run_success"][(kind,)] == 1
        assert read["last_run_end_timestamp_seconds"][(kind,)] == _ENDED_AT
        assert read["last_run_duration_seconds"][(kind,)] == 75.5


def test_a_run_counts_changes_and_problems_by_kind() -> None:
    read = _read(metrics_text(RUN, pbx="hq"))

    assert len(read["last_run_changes"]) == 3 * 8
    assert read["last_run_changes"]["users", "create"] == 1
    assert read["last_run_changes"]["groups", "update"] == 1
    assert read["last_run_conflicts"] == {("organizational_units",): 0, ("users",): 2, ("groups",): 0}
    assert read["last_run_drift"] == {("extension",): 1, ("organization",): 0, ("extension_group",): 0}
    read = _read(metrics_text({**RUN, "drift": DRIFT}, pbx="hq"))
    assert read["last_run_drift"] == {("extension",): 2, ("organization",): 0, ("extension_group",): 1}


def test_a_run_of_one_kind_counts_for_it_alone() -> None:
    read = _read(metrics_text(USERS, pbx="hq"))

    assert read["last_run_success"] == {("users",): 1}
    assert read["last_run_changes"]["users", "create"] == SUMMARY["created"]


def test_a_failed_run_is_told_as_failed() -> None:
    read = _read(metrics_text({**FAILED, "kinds": ["users"], "summaries": {}}, pbx="hq"))

    assert read["last_run_success"] == {("users",): 0}
    assert (read["last_run_failed"], read["last_run_stopped"], read["last_run_skipped"]) == (
        {("users",): 2},
        {("users",): 1},
        {("users",): 1},
    )
    assert "last_run_drift" not in read, "a failed run lists only what it did not do"


def test_a_result_that_is_only_a_failure_tells_it_of_all_kinds() -> None:
    read = _read(metrics_text({"failed": True, "msg": "unreachable"}, pbx="hq"))

    assert read == {"last_run_success": {("all",): 0}}, "it has no time and counted nothing"


_STOPPED_PLAN = {**FAILED, "outcome": outcome("failed", check_mode=True)}


@pytest.mark.parametrize(
    "result", [PLAN, _STOPPED_PLAN, {"status": "disabled", "kinds": ["users"], "outcome": outcome("skipped")}]
)
def test_a_plan_and_a_skipped_run_are_no_runs(result: dict[str, Any]) -> None:
    assert metrics_text(result, pbx="hq") == ""


def test_the_status_tells_integration_rules_capacity_and_drift() -> None:
    read = _read(metrics_text(INFO), pbx="3631A2345678")

    assert read["integration_status"] == {("connected",): 1, ("disabled",): 0, ("not_connected",): 0}
    assert read["rule_enabled"] == {("users",): 1, ("groups",): 0}
    assert read["objects_used"] == {("extension",): 488, ("organization",): 40, ("extension_group",): 21}
    assert read["objects_limit"] == {("extension",): 500, ("organization",): 500, ("extension_group",): 63}
    assert read["associated_objects"] == {("extension",): 480, ("organization",): 1}
    assert read["drift"] == {("extension",): 1, ("organization",): 0, ("extension_group",): 0}


def test_drift_that_nobody_asked_for_is_not_told_as_none() -> None:
    without = {name: value for name, value in INFO.items() if name != "drift"}

    assert "drift" not in _read(metrics_text(without), pbx="3631A2345678")
    assert _read(metrics_text({**INFO, "drift": []}), pbx="3631A2345678")["drift"]["extension",] == 0


def test_the_status_knows_the_last_run_that_ended() -> None:
    runs = [past_run(9, state="running"), past_run(8, state="failed"), past_run(7)]

    read = _read(metrics_text({**INFO, "runs": runs}), pbx="3631A2345678")

    assert read["last_run_success"] == {(kind,): 0 for kind in _KINDS}
    assert read["last_run_end_timestamp_seconds"]["users",] == datetime(2026, 11, 8, 2, 0, 12, tzinfo=UTC).timestamp()
    assert read["last_run_changes"]["all", "create"] == 9


def test_a_run_comes_before_those_that_the_status_knows() -> None:
    runs = [past_run(8, kinds=["groups"], state="failed"), past_run(7, kinds=["users"], state="failed"), past_run(6)]

    read = _read(metrics_text(USERS, info={**INFO, "runs": runs}), pbx="3631A2345678")

    assert read["last_run_success"] == {("users",): 1, ("groups",): 0, ("organizational_units",): 1}
    assert read["last_run_changes"]["users", "create"] == SUMMARY["created"]
    assert read["last_run_changes"]["groups", "create"] == 9
    assert ("all", "create") not in read["last_run_changes"], "the run of all kinds is out of date for users"


def test_no_counts_of_an_older_run_stand_beside_those_of_all_kinds() -> None:
    read = _read(metrics_text({**INFO, "runs": [past_run(8), past_run(7, kinds=["users"])]}), pbx="3631A2345678")

    assert {kind for kind, _action in read["last_run_changes"]} == {"all"}


def test_the_result_is_preferred_to_what_the_ledger_knows_of_the_same_run() -> None:
    read = _read(metrics_text(RUN, info={**INFO, "runs": [past_run(24)]}), pbx="3631A2345678")

    assert {kind for kind, _action in read["last_run_changes"]} == set(_KINDS)


@pytest.mark.parametrize("value", ['he said "no"', "back\\slash", "two\nlines", "\\n", 'C:\\"x"\n'])
def test_label_values_come_back_as_they_were(value: str) -> None:
    (family,) = [
        family for family in text_string_to_metric_families(metrics_text(USERS, pbx=value)) if "success" in family.name
    ]

    assert family.samples[0].labels == {"pbx": value, "kind": "users"}


def test_each_line_is_a_comment_or_a_sample_and_the_last_one_ends() -> None:
    text = metrics_text(RUN, info=INFO)

    pattern = rf"(# (HELP|TYPE) {PREFIX}\w+ .+)|({PREFIX}\w+{{pbx=\"[^\"]+\"(,\w+=\"[^\"]+\")*}} -?\d+(\.\d+)?)"
    assert all(re.fullmatch(pattern, line) for line in text.splitlines())
    assert text.endswith("\n")


def test_the_label_pbx_is_the_given_one_or_the_serial_number() -> None:
    assert 'pbx="given"' in metrics_text(INFO, pbx="given")
    assert 'pbx="S1"' in metrics_text({**USERS, "pbx": {"serial_number": "S1"}}, info=INFO)
    assert 'pbx="3631A2345678"' in metrics_text(USERS, info=INFO)
    with pytest.raises(ReportError, match=r"serial number\. Give info, or name the PBX with pbx\."):
        metrics_text(USERS)


def test_drift_that_was_put_back_is_counted_by_object() -> None:
    changes = [change(1, drift=["title", "last_name"]), change(2, drift=["title"]), change(3)]

    assert _read(metrics_text({**USERS, "changes": changes}, pbx="hq"))["last_run_drift"]["extension",] == 2


def test_each_gauge_is_documented_with_its_labels() -> None:
    documented = re.findall(r"^\| `(\w+)` \| (`.*?`) \|", _DOCS.partition("## Metrics")[2], re.MULTILINE)
    made = {
        family.name.removeprefix(PREFIX): [label for label in family.samples[0].labels if label != "pbx"]
        for family in text_string_to_metric_families(metrics_text(RUN, info=INFO))
    }

    assert {name: re.findall(r"\w+", labels) for name, labels in documented} == made


@pytest.mark.parametrize("result", ["text", [RUN], {"results": [RUN]}, {"runs": [{"duration": "long"}]}])
def test_what_is_no_result_is_an_error(result: Any) -> None:
    with pytest.raises(ReportError):
        metrics_text(result, pbx="hq")
