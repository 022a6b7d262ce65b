# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench's table says plainly what is kept and what is not, and the page has what the JSON has."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from bench import documenting, measuring
from bench.bare_calls import _batches
from bench.beside_bare import FIRST, BesideBare, default_concurrency
from bench.errors import BenchError
from bench.figures import Results
from bench.growth import Growth
from bench.limits import of_growth, of_runs
from bench.people import Person
from bench.plain import _ALL_COLLECTIONS
from bench.plot import draw_growth
from bench.report import HEADINGS, as_targets_table, target_cells
from bench.runs import Calls, Run, Runs
from bench.targets import NotMeasured, Target

_KEPT = Target("first", "first synchronization", 1_000, 11.0, "s", 1.2, 10.0, "bare calls", 1.1)
_MISSED = Target("planner", "planning", 100_000, 3.5, "s", 3.0)
_TOLD = Target("plain", "a playbook's first run", 100, 9.0, "s", None, 90.0, "a loop", 0.1)


def _run(*, changes: int = 0, calls: int = 8, for_changes: int = 0, peak_bytes: int = 50_000_000) -> Run:
    return Run(
        seconds=1.5,
        processor_seconds=1.0,
        peak_bytes=peak_bytes,
        calls=Calls(reads=calls - for_changes, writes=for_changes, tokens=0, for_changes=for_changes),
        changes=changes,
        conflicts=0,
    )


def _growth(size: int, peak_bytes: int = 50_000_000) -> Growth:
    return Growth(size, _run(changes=size), _run(peak_bytes=peak_bytes))


def test_each_figure_stands_beside_its_limit_and_a_missed_one_is_told_in_capitals() -> None:
    table = as_targets_table([_KEPT, _MISSED, _TOLD], [NotMeasured("directory", "there is none")])

    assert target_cells(_KEPT) == (
        *("first synchronization", "1,000", "11 s", "10 s bare calls", "1.10"),
        *("1.20", "yes"),
    )
    assert target_cells(_MISSED) == ("planning", "100,000", "3.50 s", "", "", "3 s", "NO")
    assert target_cells(_TOLD)[-2:] == ("", "")
    assert table.splitlines()[-1] == "1 of 2 limits are kept"
    assert "directory was not measured: there is none" in table


@pytest.mark.parametrize(("ratio", "is_met"), [(1.2, True), (1.21, False)])
def test_the_limit_of_a_pair_is_for_their_ratio(ratio: float, is_met: bool) -> None:
    target = Target("first", "first synchronization", 1, 100.0, "s", 1.2, 1.0, "bare calls", ratio)

    assert target.is_met is is_met


def test_the_calls_of_a_run_without_a_change_are_judged_by_the_pages_that_its_extensions_fill() -> None:
    changed, unchanged = _run(changes=1_001, calls=1_010, for_changes=1_002), _run()
    runs = Runs(changed, _run(changes=10, for_changes=10), unchanged, *[_run(changes=1, for_changes=1), unchanged] * 3)

    no_change, of_changes, _memory = of_runs(1_100, runs)

    # Three pages of 500, eleven queries of 100, ten others.
    assert (no_change.measured, no_change.limit) == (8, 3 + 11 + 10)
    assert (of_changes.beside, of_changes.limit) == (1_013, 1.05)
    assert of_changes.measured == 1_014


@pytest.mark.parametrize(("size", "limit"), [(100, 150), (10_000, 150), (10_001, 400), (100_000, 400), (100_001, None)])
def test_memory_is_judged_by_the_limit_of_the_next_size(size: int, limit: float | None) -> None:
    assert [target.limit for target in of_growth(_growth(size))] == [limit, limit]


def test_memory_is_in_megabytes_of_a_million_bytes() -> None:
    _first, no_change = of_growth(_growth(10_000, peak_bytes=150_000_001))

    assert not no_change.is_met
    assert math.isclose(no_change.measured, 150.000001)


def test_bare_reading_and_bare_calls_stand_together_beside_a_run() -> None:
    measured = BesideBare(FIRST, 100, 0.05, 3, 104, 8, 12.0, 1.0, 9.0, 1.2)

    assert (measured.target.measured, measured.target.beside) == (12.0, 10.0)
    assert measured.target.figure == "first synchronization, 50 ms a call"
    assert measured.target.is_met


def test_a_bare_loop_sends_at_once_what_followed_each_other_and_no_token_of_the_run() -> None:
    endpoints = ["get_token", "a", "b", "b", "refresh_token", "b", "a", "del_token"]

    batches = list(_batches([{"endpoint": endpoint} for endpoint in endpoints]))

    assert [[call["endpoint"] for call in batch] for batch in batches] == [["a"], ["b", "b"], ["b"], ["a"]]


def test_a_bare_loop_has_as_many_calls_under_way_as_a_module_may() -> None:
    assert 1 <= default_concurrency() <= 32


def test_the_collections_of_others_are_those_of_the_setup() -> None:
    setup = (Path(__file__).parents[2] / "scripts" / "setup").read_text(encoding="utf-8")

    assert f"\nawx_package={_ALL_COLLECTIONS}\n" in setup


def test_people_differ_in_all_that_has_to_be_unique() -> None:
    people = [Person(place) for place in (0, 1, 199, 200, 997, 99_999)]

    for unique in (
        {person.guid for person in people},
        {person.dn for person in people},
        {person.number for person in people},
        {person.account_name for person in people},
        {person.fields["email_addr"] for person in people},
    ):
        assert len(unique) == len(people)
    # The PBX takes numbers of eight digits at most.
    assert all(len(person.number) == 8 for person in people)


def test_what_fails_in_no_known_way_is_told_whole_and_the_next_one_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = Results({})
    monkeypatch.setattr(measuring, "measure_planning", lambda _sizes: 1 / 0)

    measuring.Bench(("planner", "ledger"), (10,), tmp_path, results).measure()

    (missing,) = results.not_measured
    assert missing.name == "planner"
    assert "ZeroDivisionError" in missing.why.splitlines()[-1]
    assert [target.name for target in results.targets] == ["ledger"]


def test_the_page_gets_what_the_json_has_and_nothing_else_of_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, picture = tmp_path / "performance.md", tmp_path / "picture.svg"
    page.write_text(f"# Before\n{documenting.BEGIN}\nof yesterday\n{documenting.END}\nAfter\n", encoding="utf-8")
    monkeypatch.setattr(documenting, "PAGE", page)
    monkeypatch.setattr(documenting, "PICTURE", picture)
    results = Results({"processor": "a fast one"}, targets=[_KEPT, _MISSED], growth=[_growth(100), _growth(1_000)])
    results.not_measured.append(NotMeasured("directory", "there is none"))
    json_path = tmp_path / "bench.json"
    json_path.write_text(json.dumps(results.as_json()), encoding="utf-8")
    draw_growth(results.growth, tmp_path)

    documenting.write_documentation(json_path)
    written = page.read_text(encoding="utf-8")
    documenting.write_documentation(json_path)

    assert page.read_text(encoding="utf-8") == written
    assert written.startswith("# Before\n")
    assert written.endswith("\nAfter\n")
    assert "of yesterday" not in written
    assert f"| {' | '.join(HEADINGS)} |" in written
    assert f"| {' | '.join(target_cells(_MISSED))} |" in written
    assert "| 1,000 | 1.5 | 50 | 1.5 | 50 |" in written
    assert "1 of 2 limits are kept." in written
    assert "Not measured: directory (there is none)." in written
    assert picture.read_bytes() == (tmp_path / "growth.svg").read_bytes()


def test_a_part_of_the_figures_does_not_replace_those_of_the_page(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    with pytest.raises(BenchError, match="run the bench first"):
        documenting.write_documentation(path)
    path.write_text(json.dumps(Results({}, targets=[_KEPT]).as_json()), encoding="utf-8")

    with pytest.raises(BenchError, match="run the whole bench"):
        documenting.write_documentation(path)


def test_the_same_figures_give_the_same_picture(tmp_path: Path) -> None:
    growths = [_growth(1_000), _growth(100)]
    pictures = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        draw_growth(growths, tmp_path / name)
        pictures.append((tmp_path / name / "growth.svg").read_bytes())

    assert pictures[0] == pictures[1]
    assert (tmp_path / "one" / "growth.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_has_its_place_for_the_figures_once() -> None:
    text = documenting.PAGE.read_text(encoding="utf-8")

    assert text.count(documenting.BEGIN) == text.count(documenting.END) == 1
    assert text.index(documenting.BEGIN) < text.index(documenting.END)
    assert documenting.PICTURE.is_file()
