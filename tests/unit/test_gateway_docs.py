# SPDX-License-Identifier: GPL-3.0-or-later
"""The page on the gateway's security names tests that are there, and versions that agree."""

from __future__ import annotations

import re
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_PAGE = (_ROOT / "docs" / "sign-on-security.md").read_text(encoding="utf-8")
# Number, requirement, whether it is met, how or why not, and what tries it.
_ROW = re.compile(r"^\| \d+\.\d+[^|]* \| [^|]+ \| (?P<met>[^|]+) \|(?P<how>[^|]*)\|(?P<test>[^|]*)\|$", re.MULTILINE)


def test_each_requirement_is_met_with_a_test_or_has_a_reason() -> None:
    rows = list(_ROW.finditer(_PAGE.partition("## OWASP ASVS")[2]))
    assert len(rows) > 50
    for row in rows:
        answers = set(row["met"].split(", "))
        assert answers <= {"yes", "no", "–"}, row[0]
        assert "yes" in answers or row["how"].strip(), row[0]
        assert row["test"].strip() or row["how"].strip(), row[0]


def test_every_test_that_is_named_is_there() -> None:
    named = set(re.findall(r"tests/[\w/]+\.py", _PAGE))
    assert len(named) >= 8
    assert {name for name in named if not (_ROOT / name).is_file()} == set()


def test_the_service_is_tested_with_the_versions_that_it_is_installed_with() -> None:
    pin = re.compile(r"^([\w.-]+)(?:\[[\w,]+\])?==([\w.]+)", re.MULTILINE)
    files = "roles/pbx_ad_sso_gateway/files/requirements.txt", "requirements/dev.txt"
    installed, tested = (dict(pin.findall((_ROOT / file).read_text(encoding="utf-8"))) for file in files)
    assert len(installed) > 15
    assert installed.items() <= tested.items()


def test_the_service_imports_no_part_of_ansible_and_nothing_of_a_run() -> None:
    folder = _ROOT / "roles" / "pbx_ad_sso_gateway" / "files" / "sign_on_gateway"
    imported = {
        name
        for file in folder.glob("*.py")
        for name in re.findall(r"^(?:from|import) (ansible[\w.]*)", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    rooms = {name.removeprefix("ansible_collections.pbxops.yeastar.plugins.module_utils.") for name in imported}
    allowed = ("_ad.", "_pbx.", "_ledger.", "_sync.", "_errors", "_module.ports")
    assert {room for room in rooms if not room.startswith(allowed)} == set()
