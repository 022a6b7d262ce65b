# SPDX-License-Identifier: GPL-3.0-or-later
"""How many organizations and extension groups a PBX of each model takes."""

from __future__ import annotations

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.limits import (
    EXTENSION_GROUPS,
    OrganizationLimits,
    organization_limits,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxCapacity, PbxIdentity


@pytest.mark.parametrize(
    ("model", "licensed", "organizations", "layers"),
    [
        ("P550", 50, 50, 15),
        ("P560", 200, 200, 15),
        ("P570", 500, 500, 15),
        ("P570", 1000, 500, 15),
        ("Yeastar P560 Enterprise", 100, 200, 15),
        ("p550", 50, 50, 15),
        ("Software Edition", 20, 100, 15),
        ("Software Edition", 500, 100, 15),
        ("Software Edition", 501, 1000, 20),
        ("Cloud Edition", 10_000, 1000, 20),
        ("", 100, 100, 15),
    ],
)
def test_the_limits_go_by_the_model_or_else_by_the_licence(
    model: str, licensed: int, organizations: int, layers: int
) -> None:
    limits = organization_limits(PbxIdentity("363", model, "37.20.0.19"), PbxCapacity(licensed, 0))
    assert limits == OrganizationLimits(organizations, layers)


def test_the_extensions_in_use_do_not_matter() -> None:
    identity = PbxIdentity("363", "Software Edition", "37.20.0.19")
    assert organization_limits(identity, PbxCapacity(500, 500)) == organization_limits(identity, PbxCapacity(500, 0))


def test_extension_groups_have_one_limit_for_all() -> None:
    assert EXTENSION_GROUPS == 63
