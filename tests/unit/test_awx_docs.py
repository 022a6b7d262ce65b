# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written about AWX is what the role has, and the sample project has what its templates run."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

_ROOT = Path(__file__).parents[2]
_ROLE = _ROOT / "roles" / "pbx_ad_schedule"
_VARIABLE = re.compile(r"\bpbx_ad_schedule_awx_\w+\b")
_WITHOUT_DEFAULT = re.compile(r"(pbx_ad_schedule_awx_\w+) \| default\(omit\)")


def _tasks() -> str:
    paths = [_ROLE / "tasks" / "awx.yml", *sorted((_ROLE / "tasks" / "awx").iterdir())]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def _defaults() -> dict[str, object]:
    loaded: dict[str, object] = yaml.safe_load((_ROLE / "defaults" / "main" / "awx.yml").read_text(encoding="utf-8"))
    return loaded


def test_every_variable_in_the_documentation_exists() -> None:
    written = set(_VARIABLE.findall((_ROOT / "docs" / "awx.md").read_text(encoding="utf-8")))

    assert written
    assert written <= set(_defaults()) | set(_WITHOUT_DEFAULT.findall(_tasks()))


def test_every_default_is_used() -> None:
    variables = (_ROLE / "vars" / "main" / "awx.yml").read_text(encoding="utf-8")

    assert set(_defaults()) <= set(_VARIABLE.findall(_tasks() + variables))


def test_the_sample_project_has_the_playbooks_that_the_templates_run() -> None:
    project = _ROLE / "files" / "project"
    playbooks = [_defaults()[f"pbx_ad_schedule_awx_{name}_playbook"] for name in ("plan", "run")]

    for playbook in playbooks:
        (play,) = yaml.safe_load((project / str(playbook)).read_text(encoding="utf-8"))
        assert play["ansible.builtin.import_playbook"].startswith("pbxops.yeastar.")
    requirements = yaml.safe_load((project / "collections" / "requirements.yml").read_text(encoding="utf-8"))
    galaxy = yaml.safe_load((_ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    assert [one["name"] for one in requirements["collections"]] == [f"{galaxy['repository']}.git"]
