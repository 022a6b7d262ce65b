# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation becomes a site without a warning, and every page and module is in it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.playbook.playbook_site import REPOSITORY, environment_of

_SCRIPT = REPOSITORY / "scripts" / "docs.py"


@pytest.fixture(name="script", scope="module")
def _script() -> ModuleType:
    specification = importlib.util.spec_from_file_location("docs_site", _SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_site_is_built_with_every_guide_module_role_and_filter(tmp_path: Path, script: ModuleType) -> None:
    site = tmp_path / "site"
    # Where antsibull-docs puts its log.
    (tmp_path / "home").mkdir()

    finished = subprocess.run(
        [sys.executable, _SCRIPT, "--no-pictures", "--folder", site],
        env=environment_of(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr
    modules = [f"{path.stem}_module" for path in (REPOSITORY / "plugins" / "modules").glob("*.py")]
    filters = [f"{path.stem}_filter" for path in (REPOSITORY / "plugins" / "filter").glob("*.py")]
    roles = [f"{path.name}_role" for path in (REPOSITORY / "roles").iterdir()]
    callbacks = [f"{path.stem}_callback" for path in (REPOSITORY / "plugins" / "callback").glob("*.py")]
    told = [f"collections/pbxops/yeastar/{name}" for name in (*modules, *filters, *callbacks, *roles)]
    assert len(told) > 10
    pages = [*script.guides(), *told, "README", "playbooks/README"]
    assert [page for page in pages if not (site / "html" / f"{page}.html").is_file()] == []
    assert os.listdir(site / "html" / "_images")
    # What the theme shows in red where a page has a list of its contents.
    written = [path.read_text(encoding="utf-8") for path in (site / "html" / "collections").rglob("*.html")]
    assert not any("ERROR: " in text for text in written)


def test_the_site_has_every_guide(script: ModuleType) -> None:
    there = {f"docs/{path.stem}" for path in (REPOSITORY / "docs").glob("*.md")} - {"docs/README"}

    assert set(script.guides()) == there


def test_the_picture_of_a_plan_ends_with_the_plan_and_loads_nothing(script: ModuleType) -> None:
    shown = "PLAY [x]\n\x1b[0;33mupdate 1002 adler\x1b[0m\n"

    picture = script.plan_picture(f"{shown}\nTASK [pbxops.yeastar.pbx_ad : Show what came of it]\nno-part-of-it\n")

    assert "adler" in picture
    assert "no-part-of-it" not in picture
    assert "@font-face" not in picture
    assert "url(http" not in picture
