# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""How many objects a PBX takes, by its model."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxCapacity, PbxIdentity

# Vendor's Active Directory integration guide, "Limitation": the same for every model, built-in groups included.
EXTENSION_GROUPS = 63

_LAYERS = 15
_BY_MODEL = {"P550": 50, "P560": 200, "P570": 500}
# The Software and Cloud Editions go by what the licence allows (vendor's page "Set up Organizations").
_SMALL_LICENCE = 500


@dataclass(frozen=True, slots=True)
class OrganizationLimits:
    """How many organizations fit below the root, and in how many layers."""

    organizations: int
    layers: int


def organization_limits(identity: PbxIdentity, capacity: PbxCapacity) -> OrganizationLimits:
    """Return the limits of a PBX's model.

    :param capacity: its licence, by which editions without a model of their own go.
    """
    for model, organizations in _BY_MODEL.items():
        if model in identity.model.upper():
            return OrganizationLimits(organizations, _LAYERS)
    if capacity.extensions > _SMALL_LICENCE:
        return OrganizationLimits(1000, 20)
    return OrganizationLimits(100, _LAYERS)
