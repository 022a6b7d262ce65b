# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the modules that only tell, with a proof that they leave everything as it is."""

from __future__ import annotations

from typing import Any

from tests.integration.modules.site_under_test import Site


def ask(site: Site, module: str, *, check: bool = False, fails: bool = False, **options: Any) -> dict[str, Any]:
    """Run a module and prove that the PBX saw no write and that the ledger's files are what they were."""
    writes, files = site.writes(), _ledger_files(site)
    result = site.run(module, {**site.connection_options, **options}, check)
    assert site.writes() == writes
    assert _ledger_files(site) == files
    assert bool(result.get("failed")) is fails, result.get("msg", result)
    assert fails or result["changed"] is False
    return result


def _ledger_files(site: Site) -> dict[str, bytes]:
    """The bytes of all files at the ledger's place, by their names; none where there is no ledger."""
    folder = site.ledger_path.parent
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}
