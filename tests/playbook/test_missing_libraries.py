# SPDX-License-Identifier: GPL-3.0-or-later
"""Without one of its libraries a module says which one to install, as every Ansible module does."""

from __future__ import annotations

import pytest

from tests.playbook.playbook_site import SITE, PlaybookSite

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
    """sitecustomize (the module site of Python's library) hides the library from every interpreter of the play."""
    folder = site.folder / "without"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_BLOCK.format(library=library), encoding="utf-8")

    played = site.play(SITE, "-i", site.inventory(site.variables), environment={"PYTHONPATH": str(folder)}, fails=True)

    assert f"Failed to import the required Python library ({library})" in played.everything
    assert "Traceback" not in played.everything
    assert played.recap["headquarters"]["failed"] == 1
    assert not site.ledger_path.exists()
