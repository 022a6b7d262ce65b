# SPDX-License-Identifier: GPL-3.0-or-later
"""Without one of its libraries a module says which one to install, as every Ansible module does."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.playbook.playbook_site import REPOSITORY, SITE, PlaybookSite, Played, write_yaml

# What a module needs besides the connection.
_REQUIRED: dict[str, dict[str, Any]] = {
    "pbx_ad_schedule": {"timezone": "Europe/Berlin"},
    "pbx_ad_sso": {"login_addresses": ["https://pbx.lab.test:8088/login"]},
}
_HINT = "Please read the module documentation and install it in the appropriate location."

_BLOCK = """
import sys


class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "{library}":
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Blocked())
"""


@pytest.mark.parametrize("library", ["ldap3", "requests"])
def test_a_missing_library_is_named(site: PlaybookSite, library: str) -> None:
    environment = _environment_without(library, site)

    played = site.play(SITE, "-i", site.inventory(site.variables), environment=environment, fails=True)

    _assert_named(library, played)
    assert not site.ledger_path.exists()


@pytest.mark.parametrize("library", ["ldap3", "requests"])
def test_every_module_names_a_missing_library(site: PlaybookSite, library: str) -> None:
    runtime = yaml.safe_load((REPOSITORY / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    is_told = f"told is failed and 'Python library ({library})' in told.msg and '{_HINT}' in told.msg"
    tasks = [
        {
            "name": f"Without {library}",
            f"pbxops.yeastar.{module}": _REQUIRED.get(module, {}),
            "register": "told",
            "failed_when": f"not ({is_told})",
        }
        for module in runtime["action_groups"]["ad"]
    ]
    play = {"name": "Miss a library", "hosts": "localhost", "gather_facts": False, "tasks": tasks}
    path = write_yaml(site.folder / "play.yml", [play])

    played = site.play(path, environment={**site.environment, **_environment_without(library, site)})

    assert played.recap["localhost"]["ok"] == len(tasks) >= 10
    assert not site.ledger_path.exists()


@pytest.mark.parametrize("is_needed", [True, False], ids=["ledger in PostgreSQL", "ledger in a file"])
def test_the_library_of_a_database_is_missed_only_where_it_is_needed(site: PlaybookSite, is_needed: bool) -> None:
    ledger = {"pbx_ad_ledger_url": "postgresql://pbx@db.lab.test/ledgers", "pbx_ad_ledger_path": ""}
    variables = {**site.variables, **(ledger if is_needed else {})}

    played = site.play(
        SITE,
        *("-i", site.inventory(variables)),
        environment=_environment_without("psycopg", site),
        fails=is_needed,
    )

    if is_needed:
        _assert_named("psycopg", played)
    assert site.ledger_path.exists() is not is_needed


def _environment_without(library: str, site: PlaybookSite) -> dict[str, str]:
    """sitecustomize (the module site of Python's library) hides the library from every interpreter of the play."""
    folder = site.folder / "without"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_BLOCK.format(library=library), encoding="utf-8")
    return {"PYTHONPATH": str(folder)}


def _assert_named(library: str, played: Played) -> None:
    assert f"Failed to import the required Python library ({library})" in played.everything
    assert _HINT in played.everything
    assert "Traceback" not in played.everything
    assert played.recap["headquarters"]["failed"] == 1
