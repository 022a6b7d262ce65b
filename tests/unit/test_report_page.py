# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a result: all of it is there, each value escaped, whatever keys are missing."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.fields import ReportError
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.page import (
    FEW_CHANGES,
    SHOWN_RUNS,
    report_page,
)

from tests.unit.report_samples import (
    DRIFT,
    FAILED,
    HOSTILE,
    INFO,
    PLAN,
    RUN,
    UNREACHABLE,
    change,
    huge,
    outcome,
    past_run,
)

_VOID = {"meta", "link", "input", "br"}
# A real page is made of a result in a fraction of it; a slow machine is still far from it.


class _Page(HTMLParser):
    """What a browser would make of a page, as far as the tests ask."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, str] = {}
        self._pieces: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == [], "an element is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("style", "script"):
            self.raw[self._open[-1]] = self.raw.get(self._open[-1], "") + data
        else:
            self._pieces.append(data)

    @property
    def text(self) -> str:
        """What is there to read, in one line."""
        return " ".join("".join(self._pieces).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of this name."""
        return [attributes for name, attributes in self.elements if name == tag]


def test_a_run_tells_what_it_is_and_how_it_ended() -> None:
    text = _Page(report_page(RUN, info=INFO)).text

    assert "Run Synchronization of example.com succeeded 2 created, 1 taken over, 2 updated" in text
    for told in ("PBX P570 3631A2345678", "When 2026-11-25 02:01:15 UTC", "Duration 1 min 16 s", "Run 42"):
        assert told in text
    assert f"Plan {RUN['plan_id']} Ledger {RUN['ledger_path']}" in text
    assert "1,234" in text


def test_a_change_is_told_with_reason_fields_and_members() -> None:
    text = _Page(report_page(RUN)).text

    assert "update 1002 adler extension it changed in the directory done" in text
    assert "Field Before After last name Adler Adler-Berg title drift Clerk —" in text
    assert "Field After first name Carl last name Cohn e-mail address carl.cohn@example.com CN=User 1004," in text
    assert "Field Before first name Bernd last name Brandt CN=User 1017," in text
    assert "The extension stays as it is and is the PBX administrator's again." in text
    assert "Members in (2) 1004 cohn, 1002 adler Members out (1) 1017 brandt" in text
    assert "objectGUID 00001002-0000-4000-8000-000000000000; PBX id 1002" in text


def test_conflicts_end_with_their_remedy_and_recovered_changes_are_told() -> None:
    page = report_page(RUN)

    assert '<p class="remedy">Set associate_by_email, or change one.</p>' in page
    text = _Page(page).text
    assert "hofer email_in_use Extension 1100 has the address hofer@example.com." in text
    assert "create extension 1020 jost: done" in text


def test_what_was_left_as_set_by_hand_is_told_three_ways_and_what_was_put_back_is_not_told_again() -> None:
    page = report_page({**RUN, "drift": DRIFT})

    text = _Page(page).text
    assert 'href="#left"' in page
    assert "Left as set by hand 1" in text
    assert "extension 1002 adler mobile number +49 30 1 +49 30 2 +49 30 9" in text
    assert "1100 Hand" not in text
    assert 'id="left"' not in report_page(RUN)


def test_a_plan_is_called_a_plan() -> None:
    text = _Page(report_page(PLAN)).text

    assert "Plan Synchronization planned" in text
    assert "When" in text
    assert "extension it changed in the directory planned" in text


def test_a_failed_run_says_why_and_that_it_lists_only_what_was_not_done() -> None:
    page = _Page(report_page(FAILED))

    assert f"failed {FAILED['outcome']['headline']} {FAILED['msg']}" in page.text
    assert "Of a run that failed only what was not done is listed; the counts are of all." in page.text
    assert "The PBX refused it (10003, title)." in page.text
    assert f"Let through with allow_guarded {FAILED['guard_id']}" in page.text
    states = [one["data-state"] for one in page.all("li") if "data-state" in one]
    assert states == ["failed", "unknown", "stopped", "skipped"]


def test_a_stopped_plan_lists_all_of_its_changes() -> None:
    text = _Page(report_page({**FAILED, "run_id": "", "outcome": outcome("failed", check_mode=True)})).text

    assert text.startswith("Plan: Synchronization Plan Synchronization failed")
    assert "only what was not done" not in text


def test_a_result_that_is_only_a_failure_is_a_page() -> None:
    text = _Page(report_page(UNREACHABLE)).text

    assert "failed dc1.example.com cannot be reached. Check directory_host." in text
    assert "It ended before there was a plan; nothing was changed." in text
    assert "unchanged" not in text, "it counted nothing"


@pytest.mark.parametrize(
    ("result", "state", "sentence"),
    [
        ({"changed": False, "summary": {"unchanged": 5}, "run_id": "1", "plan_id": "p"}, "succeeded", "was changed"),
        ({"changed": False, "run_id": "", "plan_id": "p"}, "planned", "Nothing is to change."),
        ({"changed": False, "status": "disabled"}, "skipped", "Nothing was changed."),
        ({"changed": False, "skipped": True, "skip_reason": "Conditional result was False"}, "skipped", "was changed"),
        ({"changed": True}, "succeeded", "Nothing was changed."),
        ({}, "succeeded", "Nothing was changed."),
    ],
)
def test_the_state_of_a_result_without_an_outcome_is_found(
    result: Mapping[str, Any], state: str, sentence: str
) -> None:
    text = _Page(report_page(result)).text

    assert f"Synchronization {state}" in text
    assert sentence in text


def test_a_result_without_a_headline_gets_one_of_its_counts() -> None:
    result = {"summary": {"created": 2, "deleted": 1, "excluded": 9, "conflicts": 3}, "run_id": "1", "plan_id": "p"}

    assert "succeeded 2 created, 1 deleted, 3 conflicts. " in _Page(report_page(result)).text


def test_a_result_of_connecting_is_a_run_though_it_tells_the_capacity() -> None:
    result = {**RUN, "pbx": INFO["pbx"], "domain": INFO["domain"], "capacity": {"extensions": 500}}

    assert "Run Synchronization of example.com succeeded" in _Page(report_page(result)).text


def test_kinds_that_were_left_out_are_told() -> None:
    assert "Paused groups" in _Page(report_page({**RUN, "paused": ["groups"]})).text


def test_counts_by_kind_are_a_table_of_kinds() -> None:
    text = _Page(report_page(RUN)).text

    assert "Count organizational units users groups created 1 1 0" in text


# --- the status ---


def test_the_status_of_an_integration_is_a_page_of_its_own() -> None:
    text = _Page(report_page(INFO, at="2026-11-25T06:00:00Z")).text

    for told in (
        "Status Integration of example.com connected PBX P570 3631A2345678",
        "As of 2026-11-25 06:00:00 UTC",
        "Users enabled, synchronized, saved 2026-11-01 10:00:00 UTC Options scope organizational_units",
        "Groups paused, synchronized,",
        "frequency weekly time 02:00 days monday, thursday",
        "OnCalendar Mon,Thu 02:00 Europe/Zurich cron 0 2 * * 1,4",
        "Extensions 488 of 500 used, 12 left",
        "Extension groups 21 of 63 used, 42 left",
        "extension 480 organization 1",
        "extension 1002 adler title Clerk Boss",
        "hofer email_in_use",
        "failed dc1.example.com cannot be reached.",
        "2026-11-23 02:00:00 UTC organizational units, users, groups succeeded 9 2 0 14.0 s",
    ):
        assert told in text, told
    assert "Changes" not in text


def test_organizations_are_a_tree() -> None:
    page = report_page(INFO)

    tree = page[page.index('<ul class="tree">') : page.index('<section aria-labelledby="runs">')]
    assert _depths(tree) == {"Example Ltd": 1, "Staff": 2, "Sales": 3, "Support": 3, "Guests": 2}
    assert "Sales 300 synchronized" in _Page(tree.partition("</section>")[0]).text


def _depths(tree: str) -> dict[str, int]:
    depth, found = 0, {}
    for opened, closed, name in re.findall(r"(<ul)|(</ul)|<li><bdi>([^<]*)", tree):
        depth += bool(opened) - bool(closed)
        if name:
            found[name] = depth
    return found


@pytest.mark.parametrize(
    "organizations",
    [
        [{"name": "A"}, {"name": "B"}],
        [{"id": 2, "name": "A", "parent_id": 77}, {"id": 3, "name": "B", "parent_id": ""}],
    ],
)
def test_an_organization_whose_parent_is_not_told_is_a_root(organizations: list[dict[str, Any]]) -> None:
    page = report_page({"rules": {}, "organizations": organizations})

    assert _depths(page) == {"A": 1, "B": 1}


def test_the_chart_has_a_bar_for_each_value_and_the_table_each_run() -> None:
    runs = [past_run(2, summary={"created": 10}), past_run(1, summary={"created": 1, "deleted": 3, "released": 2})]

    page = report_page({**INFO, "runs": runs})

    created, updated, removed, failed, duration = (
        re.findall(r'<rect x="(\d+)" y="\d+" width="\d+" height="(\d+)"', svg)
        for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    )
    assert created == [("0", "4"), ("14", "36")]
    assert (updated, removed, failed) == ([], [("0", "36")], [])
    assert len(duration) == 2
    assert "groups succeeded 1 0 5 13.0 s" in _Page(page).text


def test_of_many_runs_the_newest_are_shown_and_the_others_counted() -> None:
    runs = [past_run(1) for _position in range(SHOWN_RUNS + 5)]

    page = report_page({**INFO, "runs": runs})

    assert "And 5 older ones." in page
    assert page.count("13.0 s</td>") == SHOWN_RUNS


@pytest.mark.parametrize("status", ["connected", "disabled", "not_connected"])
def test_a_status_with_nothing_in_it_is_a_page(status: str) -> None:
    text = _Page(report_page({"status": status, "rules": {}, "schedule": {}, "runs": []})).text

    assert f"Status Integration {status.replace('_', ' ')}" in text


# --- what is in values does no harm ---


def _poisoned(value: Any) -> Any:
    """The same with every text a hostile one, but for the words that the page knows."""
    if isinstance(value, Mapping):
        return {key: _poisoned(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_poisoned(inner) for inner in value]
    return HOSTILE if isinstance(value, str) else value


@pytest.mark.parametrize(
    ("result", "info"),
    [(_poisoned(RUN), _poisoned(INFO)), (_poisoned(FAILED), None), (_poisoned(INFO), None)],
    ids=["run", "failed", "status"],
)
def test_no_value_becomes_markup(result: Any, info: Any) -> None:
    page = _Page(report_page(result, info=info, title=HOSTILE, at=HOSTILE))

    assert len(page.all("script")) == 1
    assert page.all("img") == []
    assert "alert(" not in page.raw["script"]
    assert not [name for _tag, attributes in page.elements for name in attributes if name.startswith("on")]
    assert page.text.count("{{ 1 + 1 }}") > 10


def test_keys_become_no_markup_either() -> None:
    keys = {HOSTILE: "x"}
    result = {"changes": [change(before=keys, after=keys)], "summary": {"created": 1}, "summaries": {HOSTILE: {}}}

    page = _Page(report_page(result, info={"rules": {"users": {"settings": keys}}, "schedule": keys}))

    assert page.all("img") == []
    assert page.text.count("alert(2)") == 4


def test_characters_that_no_page_can_hold_are_replaced() -> None:
    page = report_page({"changes": [change(name="a\x00b\x1b[31m\ud800c\x85")]})

    assert "<bdi>a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}[31m" in page
    page.encode()


def test_names_in_other_directions_stay_in_their_place() -> None:
    assert "<bdi>\u202eadler</bdi>" in report_page({"changes": [change(name="\u202eadler")]})


def test_the_policy_lets_the_pages_own_style_and_script_in_and_nothing_else() -> None:
    page = _Page(report_page(RUN, info=INFO))

    (policy,) = [one["content"] for one in page.all("meta") if one.get("http-equiv")]
    hashes = {
        f"'sha256-{base64.b64encode(hashlib.sha256(page.raw[name].encode()).digest()).decode()}'" for name in page.raw
    }
    assert page.raw.keys() == {"style", "script"}
    assert policy is not None
    assert set(re.findall(r"'sha256-[^']*'", policy)) == hashes
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert not [attributes for _tag, attributes in page.elements if "style" in attributes]


def test_the_page_refers_to_nothing_outside_of_it() -> None:
    page = _Page(report_page(RUN, info=INFO))

    references = [
        value for _tag, one in page.elements for name, value in one.items() if name in ("href", "src", "action")
    ]
    assert references
    assert all(reference and reference.startswith(("#", "data:,")) for reference in references)
    assert "url(" not in page.raw["style"]


# --- what holds the page together ---


@pytest.mark.parametrize(
    ("result", "info"), [(RUN, INFO), (PLAN, None), (FAILED, None), (INFO, None), (UNREACHABLE, None)]
)
def test_headings_are_in_order_anchors_lead_somewhere_and_every_header_cell_has_a_scope(result: Any, info: Any) -> None:
    page = _Page(report_page(result, info=info))

    levels = [int(tag[1]) for tag, _attributes in page.elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    ids = [one["id"] for _tag, one in page.elements if "id" in one]
    assert len(ids) == len(set(ids))
    assert {str(one["href"])[1:] for one in page.all("a")} <= set(ids)
    assert all("scope" in one for one in page.all("th"))


def test_a_few_changes_are_open_from_the_start_and_of_many_only_failed_ones() -> None:
    many = [change(number) for number in range(FEW_CHANGES)]

    few_page = _Page(report_page({"changes": many}))
    many_page = _Page(report_page({"changes": [*many, change(1, state="failed")]}))

    assert [("open" in one) for one in few_page.all("details")] == [True] * FEW_CHANGES
    assert [("open" in one) for one in many_page.all("details")] == [False] * FEW_CHANGES + [True]


def test_filters_offer_what_occurs() -> None:
    page = report_page(RUN)

    assert list(_options(page)) == [
        ("kind", ["", "extension", "extension_group", "organization"]),
        ("action", ["", "associate", "create", "delete", "release", "update"]),
        ("state", ["", "done"]),
    ]


def _options(page: str) -> Iterator[tuple[str, list[str]]]:
    for name, options in re.findall(r'<select name="(\w+)".*?>(.*?)</select>', page, re.DOTALL):
        yield name, re.findall(r'<option value="(\w*)">', options)


def test_ten_thousand_changes_make_a_page_with_all_of_them() -> None:
    page = report_page(huge())

    assert page.count('<li data-kind="extension"') == 10_000


# --- what is no result ---


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ("text", "The result is a text and not a dictionary. Give the registered result"),
        (5, "The result is a single value and not a dictionary."),
        ([RUN], "The result is a list and not a dictionary."),
        ({"results": [RUN]}, "a task with a loop. Give one item of its list results at a time."),
        ({"changes": {"a": 1}}, "The result.changes is a dictionary and not a list."),
        ({"changes": "abc"}, "The result.changes is a text and not a list."),
        ({"changes": [change(), "x"]}, r"The result.changes[1] is a text and not a dictionary."),
        ({"summary": {"created": "many"}}, "The result.summary.created is 'many' and not a number."),
        ({"rules": {}, "capacity": {"extensions": [1]}}, "The result.capacity.extensions is '1' and not a number."),
    ],
)
def test_what_is_no_result_is_a_clear_error(result: Any, told: str) -> None:
    with pytest.raises(ReportError, match=re.escape(told)):
        report_page(result)


def test_an_error_in_info_names_info() -> None:
    with pytest.raises(ReportError, match="info is a list and not a dictionary"):
        report_page(RUN, info=[1])
