# SPDX-License-Identifier: GPL-3.0-or-later
"""Organizational units of a real directory become organizations or extension groups of the PBX."""

from __future__ import annotations

from lab.directory_admin import DirectoryAdmin
from tests.integration.modules.site_under_test import Site


def test_groups_nested_and_primary(site: Site) -> None:
    anna, bernd, carl = (site.add_user(name) for name in ("Anna", "Bernd", "Carl"))
    inner = site.add_group("Inner", bernd)
    site.add_group("Outer", anna, inner)
    primary = site.add_group("Primary", carl)
    site.admin.set_primary_group(carl, primary)
    site.add_group("Nobody")
    site.sync()

    result = site.groups()

    assert site.members == {"Outer": {"Anna", "Bernd"}, "Inner": {"Bernd"}, "Primary": {"Carl"}, "Nobody": set()}
    assert result["summary"]["create"] == 4
    site.pbx.calls.clear()
    assert not site.groups()["changed"]
    assert site.writes() == []
    assert DirectoryAdmin.dn("Inner", site.base_dn) == inner
