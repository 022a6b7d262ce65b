# SPDX-License-Identifier: GPL-3.0-or-later
"""The first part of the tutorial is typed as it stands, on a lab of its own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.playbook.documented_blocks import REPOSITORY, Block, Kind, blocks
from tests.playbook.playbook_site import environment_of

_PAGE = "docs/tutorial.md"
_ROLE = REPOSITORY / "roles" / "pbx_ad_schedule"
_EXAMPLES = REPOSITORY / "playbooks" / "examples"
_RECAP = re.compile(r"^localhost\s+: ok=\d+\s+changed=(\d+).* failed=(\d+)", re.MULTILINE)
# What the tests' own environment has done already.
_SET_UP = ("make setup", "source ", "export ANSIBLE_COLLECTIONS_PATH")
_TIMEOUT = 280


def test_the_nights_have_the_ledger_the_user_and_the_vault_of_the_days() -> None:
    """The second part needs a machine of its own; what its steps must have in common is compared."""
    blocks_of_site = [block for block in blocks() if block.page == _PAGE and block not in _blocks_of_the_lab()]
    typed = "\n".join(block.text for block in blocks_of_site if block.kind is Kind.SHELL)
    (nights,) = (yaml.safe_load(block.text)[0] for block in blocks_of_site if block.kind is Kind.PLAYS)
    (ledger,) = (name for block in blocks_of_site if block.kind is Kind.VARIABLES
                 if (name := yaml.safe_load(block.text).get("pbx_ad_ledger_path")))  # fmt: skip
    defaults = yaml.safe_load((_ROLE / "defaults" / "main" / "systemd.yml").read_text(encoding="utf-8"))
    user, given = defaults["pbx_ad_schedule_user"], nights["roles"][0]["vars"]
    (vault_file,) = nights["vars_files"]
    vault = yaml.safe_load((_EXAMPLES / f"{vault_file}.example").read_text(encoding="utf-8"))

    assert given["pbx_ad_schedule_options"]["ledger_path"] == ledger
    assert f"install -d -o {user} -m 0700 {Path(ledger).parent}\n" in typed
    assert len(re.findall(rf"sudo -u {user} -H {given['pbx_ad_schedule_ansible_playbook']} ", typed)) == 3
    assert set(re.findall(r"\bvault_\w+", str(given))) == set(vault)


def _blocks_of_the_lab() -> list[Block]:
    page = (REPOSITORY / _PAGE).read_text(encoding="utf-8")
    end = page[: page.index("\n## On your site\n")].count("\n")
    return [block for block in blocks() if block.page == _PAGE and block.line <= end]


def _typed(block: Block) -> list[str]:
    lines = [line.removeprefix("$ ") for line in block.text.splitlines() if line.startswith("$ ")]
    return [line for line in lines if not line.startswith(_SET_UP)]


@pytest.fixture(name="desk")
def _desk(tmp_path: Path) -> Iterator[Path]:
    """A folder to type in, from which no lab is left behind."""
    (tmp_path / "build").mkdir()
    yield tmp_path
    subprocess.run(["python", "-m", "lab", "wipe", "--folder", ".lab"], cwd=tmp_path, env=_environment(tmp_path),
                   capture_output=True, check=False)  # fmt: skip


def _environment(folder: Path) -> dict[str, str]:
    kept = environment_of(folder)
    return {**kept, "PATH": os.pathsep.join([kept["PATH"], "/usr/sbin", "/sbin"]), "PYTHONPATH": str(REPOSITORY)}


@pytest.mark.timeout(_TIMEOUT + 20)
def test_what_the_tutorial_has_one_type_on_the_lab_does_what_it_says(desk: Path) -> None:
    (printed,) = (block for block in _blocks_of_the_lab() if block.kind is Kind.PLAYS)
    (desk / "build" / "tutorial.yml").write_text(printed.text, encoding="utf-8")
    shell = [line for block in _blocks_of_the_lab() if block.kind is Kind.SHELL for line in _typed(block)]
    # What each command printed is told apart by a line of its own.
    script = "\n".join(f"printf '\\n=== %s\\n' {shlex.quote(line)}\n{line}" for line in shell)

    finished = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=desk,
        env=_environment(desk),
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr
    said = dict(_said(finished.stdout))
    changed = {line: [int(count) for count, _failed in _RECAP.findall(text)] for line, text in said.items()}
    # Planned, done, nothing left to do; the last two are the same line, so that the second is what is kept.
    assert changed["ansible-playbook build/tutorial.yml --check --diff"] == [2]
    assert "the user is in scope and has no extension yet" in said["ansible-playbook build/tutorial.yml --check --diff"]
    assert changed["ansible-playbook build/tutorial.yml"] == [0]
    assert "summary_explanation" in said['ansible localhost -m pbxops.yeastar.pbx_ad_user_info -a "search=an"']
    assert changed["ansible-playbook pbxops.yeastar.rollback"] > [0]
    assert changed["ansible-playbook pbxops.yeastar.resume -e pbx_ad_kinds=users"] > [0]
    assert not (desk / ".lab").exists()


def _said(output: str) -> Iterator[tuple[str, str]]:
    for part in output.split("\n=== ")[1:]:
        line, _newline, text = part.partition("\n")
        yield line, text
