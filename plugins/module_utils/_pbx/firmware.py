# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Which firmware has an Open API."""

from __future__ import annotations

import re

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import FirmwareError
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxIdentity

# The first number of a firmware version tells the edition (vendor's page "About this Guide").
_CLOUD = 84
_EDITIONS = {
    37: ("Appliance", (37, 7, 0, 16)),
    83: ("Software", (83, 7, 0, 0)),
    _CLOUD: ("Cloud", (84, 7, 0, 17)),
}
_VERSION = re.compile(r"\d+(?:\.\d+)+")
_MODELS_WITHOUT_API = ("P520",)


def check_firmware(identity: PbxIdentity) -> None:
    """Raise FirmwareError for a model or firmware that is documented to have no Open API.

    A version that is no version, or whose first number is that of no known edition, is accepted: nothing is known
    against it, it has just answered an Open API call, and a call that it lacks is refused by name (errcode 10001).

    Source: vendor's pages "About this Guide" and "Set up Organizations".
    """
    for model in _MODELS_WITHOUT_API:
        if model in identity.model.upper():
            raise FirmwareError(
                f"{identity.model} has no Open API.", "The Appliance Edition's models P550, P560 and P570 have it."
            )
    version = _version(identity)
    edition = _EDITIONS.get(version[0])
    if edition is None or version >= edition[1]:
        return
    name, minimum = edition
    raise FirmwareError(
        f"The PBX runs firmware {identity.firmware}, in which the Open API that this collection needs is missing.",
        f"Update it to {'.'.join(str(part) for part in minimum)} or newer ({name} Edition).",
    )


def is_cloud(identity: PbxIdentity) -> bool:
    """Whether this is a PBX of the Cloud Edition, whose rules for passwords are stricter."""
    return _version(identity)[0] == _CLOUD


def _version(identity: PbxIdentity) -> tuple[int, ...]:
    found = _VERSION.search(identity.firmware)
    version = tuple(int(part) for part in found.group().split(".")) if found else ()
    return version + (0,) * (4 - len(version))
