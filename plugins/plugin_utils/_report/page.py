# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""One page of HTML that holds all it shows: of a plan, of a run, of an integration's status, or of the last two."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report import chart, words
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.results import Results, read_results
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.run import Run, Sides
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.script import SCRIPT
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.status import Status
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.style import STYLE
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.template import TEMPLATES
from jinja2 import DictLoader, Environment, StrictUndefined

# Of so many changes each is open from the start.
FEW_CHANGES = 25
# The chart and the table show so many of the newest runs.
SHOWN_RUNS = 30


def report_page(result: Any, *, info: Any = None, title: str = "", at: str = "") -> str:
    """Return the page of a result.

    :param result: what a module that synchronizes returned, or what pbx_ad_info returned.
    :param info: what pbx_ad_info returned, to be shown below the run.
    :param title: the page's heading; by default it is made of what the page shows.
    :param at: the time of a status, ISO 8601; a run tells its own.
    :raises ReportError: if one of them is no such result.
    """
    results = read_results(result, info)
    run, status = results.run, results.status
    runs = status.runs[:SHOWN_RUNS] if status else ()
    conflicts = run.conflicts if run else status.conflicts if status else ()
    return (
        _environment()
        .get_template("page")
        .render(
            policy=content_security_policy(),
            style=STYLE,
            script=SCRIPT,
            what=_what(run),
            title=title or _title(run, results.sides),
            head=_head(results, at),
            sections=_sections(run, status, conflicts=bool(conflicts)),
            run=run,
            status=status,
            filters=_filters(run) if run else {},
            few=run is not None and len(run.changes) <= FEW_CHANGES,
            conflicts=conflicts,
            schedule=[(words.words(name), text) for name, text in status.schedule.items()] if status else (),
            runs=runs,
            chart=chart.draw(runs),
        )
        .lstrip()
    )


def content_security_policy() -> str:
    """Return the policy by which the page loads nothing and runs nothing but its own script."""
    return (
        f"default-src 'none'; style-src '{_hash(STYLE)}'; script-src '{_hash(SCRIPT)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=DictLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        duration=words.duration,
        moment=words.moment,
        sentences=words.sentences,
        thousands=lambda number: f"{number:,}",
        words=words.words,
    )
    return environment


def _what(run: Run | None) -> str:
    if run is None:
        return "Status"
    return "Plan" if run.check_mode else "Run"


def _title(run: Run | None, sides: Sides) -> str:
    what = "Synchronization" if run else "Integration"
    return f"{what} of {sides.domain}" if sides.domain else what


def _head(results: Results, at: str) -> list[tuple[str, str]]:
    """What the page is of, each with its name; what is not known is left out."""
    run, status, sides = results.run, results.status, results.sides
    rows = [
        ("PBX", " ".join(part for part in (sides.model, sides.pbx) if part)),
        ("Firmware", sides.firmware),
        ("Domain", sides.domain),
    ]
    if run is None:
        rows.append(("As of", words.moment(at)))
    else:
        rows += [
            ("Integration", words.words(status.status) if status else ""),
            ("Of", ", ".join(words.words(kind) for kind in run.kinds)),
            ("Paused", ", ".join(words.words(kind) for kind in run.paused)),
            ("When", words.moment(run.ended_at or run.started_at or at)),
            ("Duration", words.duration(run.duration)),
            ("Run", run.run_id),
            ("Plan", run.plan_id),
            ("Let through with allow_guarded", run.guard_id if run.summary.get("stopped") else ""),
            ("Ledger", run.ledger_path),
        ]
    return [(name, value) for name, value in rows if value]


def _sections(run: Run | None, status: Status | None, *, conflicts: bool) -> list[tuple[str, str]]:
    """The anchors of the page's sections with their names, in the page's order."""
    of_status = ("rules", "schedule", "capacity", "associations", "drift", "organizations", "runs")
    there = {
        "kinds": bool(run and run.summaries),
        "changes": run is not None,
        "conflicts": conflicts,
        "left": bool(run and run.left),
        "recovered": bool(run and run.recovered),
        **{name: bool(status and getattr(status, name)) for name in of_status},
    }
    names = {"kinds": "By kind", "left": "Left as set by hand", "associations": "Associated objects"}
    return [(name, names.get(name, name.capitalize())) for name, is_there in there.items() if is_there]


def _filters(run: Run) -> Mapping[str, list[str]]:
    """What the changes can be filtered by, and the values that occur."""
    return {
        "kind": sorted({change.kind for change in run.changes}),
        "action": sorted({change.action for change in run.changes}),
        "state": sorted({change.state for change in run.changes}),
    }
