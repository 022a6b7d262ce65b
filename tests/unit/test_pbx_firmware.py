# SPDX-License-Identifier: GPL-3.0-or-later
"""Firmware without an Open API is refused with the minimum of its edition."""

from __future__ import annotations

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import FirmwareError
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.firmware import check_firmware
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxIdentity


@pytest.mark.parametrize(
    "firmware",
    ["37.7.0.16", "37.7.0.17", "37.20.0.50", "37.7.1.0", "83.7.0.0", "83.7", "84.7.0.17", "84.20.0.21", "V37.20.0.50"],
)
def test_firmware_with_the_api_passes(firmware: str) -> None:
    check_firmware(PbxIdentity("SN", "Yeastar P560", firmware))


@pytest.mark.parametrize("firmware", ["", "unknown", "38.1.0.0", "85.1.0.0", "1.2"])
def test_firmware_of_no_known_edition_passes(firmware: str) -> None:
    check_firmware(PbxIdentity("SN", "Yeastar P560", firmware))


@pytest.mark.parametrize(
    ("firmware", "minimum"),
    [
        ("37.7.0.15", "37.7.0.16"),
        ("37.6.99.99", "37.7.0.16"),
        ("37.7", "37.7.0.16"),
        ("83.6.0.90", "83.7.0.0"),
        ("84.7.0.16", "84.7.0.17"),
    ],
)
def test_older_firmware_is_refused_with_the_minimum(firmware: str, minimum: str) -> None:
    with pytest.raises(FirmwareError) as caught:
        check_firmware(PbxIdentity("SN", "Yeastar P560", firmware))
    assert firmware in caught.value.message
    assert minimum in caught.value.remedy
    assert caught.value.ends_run


def test_p520_has_no_api_whatever_its_firmware() -> None:
    with pytest.raises(FirmwareError, match="P520"):
        check_firmware(PbxIdentity("SN", "Yeastar P520", "37.20.0.50"))
