# SPDX-License-Identifier: GPL-3.0-or-later
"""check_pbx as its administrator runs it: the report is written, whatever came of it, and names nobody."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml

from lab.pbx.emulator import Emulator
from tests.playbook.playbook_site import environment_of, write_yaml

_CHECK = "pbxops.yeastar.check_pbx"
_PRIVATE = ("Annegret", "annegret@example.test", "4711", "Nordlichter", "127.0.0.1")


def _check(folder: Path, pbx: Emulator, *arguments: str) -> tuple[int, str, dict[str, Any]]:
    """Play it; the status, what was printed and the report, whose text is looked through."""
    variables = {
        "pbx_ad_pbx_url": pbx.url,
        "pbx_ad_pbx_client_id": pbx.settings.client_id,
        "pbx_ad_pbx_client_secret": pbx.settings.client_secret,
        "pbx_ad_pbx_ca_path": str(pbx.ca_path),
        # Those of the directory may be set for all playbooks; nobody is asked there.
        "pbx_ad_directory_host": "dc1.example.test",
    }
    inventory = write_yaml(folder / "inventory.yml", {"yeastar_pbx": {"hosts": {"office": variables}}})
    finished = subprocess.run(
        ["ansible-playbook", "-i", str(inventory), _CHECK, *arguments],
        cwd=folder,
        env={**environment_of(folder), "PWD": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    text = (folder / "pbx-check-office.yml").read_text(encoding="utf-8")
    private = (*_PRIVATE, str(pbx.port), pbx.settings.client_id, pbx.settings.client_secret, pbx.settings.serial_number)
    assert [one for one in private if one in text] == []
    report: dict[str, Any] = yaml.safe_load(text)
    assert f"# {report['headline']}" in text
    return finished.returncode, finished.stdout + finished.stderr, report


def test_the_report_of_a_pbx_that_works_and_of_one_that_is_down(pbx: Emulator, tmp_path: Path) -> None:
    place = pbx.pbx.seed_organization("Nordlichter")
    pbx.pbx.seed_extension("4711", first_name="Annegret", email_addr="annegret@example.test", organization_ids=[place])

    status, printed, report = _check(tmp_path, pbx, "-e", "pbx_ad_check_writes=true")
    assert status == 0, printed
    assert report["verdict"] == "works"
    assert "changed=0" in printed
    assert [one["errcode"] for one in report["exchanges"] if one["endpoint"] == "sign/create"] == [10005]
    assert list(pbx.state.extensions) == ["4711"]

    pbx.stop()
    status, printed, report = _check(tmp_path, pbx, "--check")
    assert status == 2
    assert report["verdict"] == "fails"
    assert f"The PBX at {pbx.url} cannot be reached" in " ".join(printed.split())
