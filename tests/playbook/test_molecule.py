# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenarios of Molecule, each as a test.

Molecule is run as a person runs it: pytest-ansible's fixtures for it are deprecated in favour of that.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.services import Lab
from tests.playbook.playbook_site import REPOSITORY, environment_of

_SCENARIOS = sorted(path.parent.name for path in REPOSITORY.glob("extensions/molecule/*/molecule.yml"))
_RECAP = re.compile(r"^(\w+)\s*: actions=(\d+)\s+successful=(\d+)\s.*\smissing=(\d+)\s+failed=(\d+)$", re.MULTILINE)
# Samba's programs are an administrator's.
_PATH = os.pathsep.join([str(Path(sys.executable).parent), "/usr/sbin", "/usr/bin", "/sbin", "/bin"])


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for all that is written; the lab in it ends with the test, however that ends."""
    yield tmp_path
    for description in tmp_path.glob("ansible/tmp/molecule.*/lab/lab.json"):
        Lab(description.parent).wipe()


def test_there_are_scenarios_of_a_synchronization_and_of_its_life() -> None:
    assert _SCENARIOS == ["default", "lifecycle"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("scenario", _SCENARIOS)
def test_a_scenario_passes_in_all_its_steps(scenario: str, folder: Path) -> None:
    finished = subprocess.run(
        ["molecule", "test", "--scenario-name", scenario],
        cwd=REPOSITORY,
        env={**environment_of(folder), "PATH": _PATH, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    said = finished.stdout + finished.stderr
    assert finished.returncode == 0, said
    ((name, actions, successful, missing, failed),) = _RECAP.findall(said)
    # Molecule passes over a step whose playbook it does not find.
    assert (name, successful, missing, failed) == (scenario, actions, "0", "0"), said
