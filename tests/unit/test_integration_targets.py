# SPDX-License-Identifier: GPL-3.0-or-later
"""The targets of ansible-test integration: one for each module."""

from __future__ import annotations

from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[2]
_TARGETS = _REPOSITORY / "tests" / "integration" / "targets"
_MODULES = sorted(path.stem for path in _REPOSITORY.glob("plugins/modules/*.py"))


@pytest.mark.parametrize("module", _MODULES)
def test_every_module_has_a_target_that_runs_it(module: str) -> None:
    # Ansible would play the role of the collection instead of a target of the same name.
    is_a_role_too = (_REPOSITORY / "roles" / module).exists()
    target = _TARGETS / (f"{module}_module" if is_a_role_too else module)

    tasks = (target / "tasks" / "main.yml").read_text(encoding="utf-8")

    assert f"pbxops.yeastar.{module}:\n" in tasks


def test_ansible_test_gives_the_modules_the_libraries_that_the_collection_needs() -> None:
    # ansible-test hands pip what is in this file, alone, so that it cannot refer to another.
    given = (_REPOSITORY / "tests" / "integration" / "requirements.txt").read_text(encoding="utf-8")

    assert given == (_REPOSITORY / "requirements.txt").read_text(encoding="utf-8")
