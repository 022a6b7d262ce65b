# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tour for contributors names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import PbxWrites
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.conflicts import ConflictCode

_REPOSITORY = Path(__file__).parents[2]
_TOUR = (_REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
# Besides the repository, where a path of the tour may begin.
_HOMES = (_REPOSITORY, _REPOSITORY / "plugins" / "module_utils")
_MADE = ("build/release",)
_PATHS = sorted(set(re.findall(r"`([\w.*-]+(?:/[\w.*-]+)+|\w[\w*]*\.\w+)`", _TOUR)) - set(_MADE))


@pytest.mark.parametrize("path", [path for path in _PATHS if not path.startswith(".venv/")])
def test_every_path_of_the_tour_leads_somewhere(path: str) -> None:
    # A file named alone stands beside the one that was named before it.
    patterns = (path, f"*/{path}") if "/" not in path else (path,)

    assert any(next(home.glob(pattern), None) for home in _HOMES for pattern in patterns)


def test_the_tour_names_paths_and_types() -> None:
    assert len(_PATHS) > 20
    assert all(f"`{name.__name__}`" in _TOUR for name in (ConflictCode, PbxWrites))
    targets = re.findall(r"`make ([\w-]+)", _TOUR)
    makefile = (_REPOSITORY / "Makefile").read_text(encoding="utf-8")
    assert [target for target in targets if f"\n{target}: " not in makefile] == []
