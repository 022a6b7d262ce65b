# SPDX-License-Identifier: GPL-3.0-or-later
"""How one PBX is set up: its model, credentials and what an administrator chose on its pages."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Model:
    """What a model can hold. `departments` and `layers` are those of Organization Management."""

    model_name: str
    firmware_version: str
    extensions: int
    concurrent_calls: int
    departments: int
    layers: int


_APPLIANCE = "37.20.0.50"
MODELS = {
    "P550": Model("Yeastar P550", _APPLIANCE, 50, 25, 50, 15),
    "P560": Model("Yeastar P560", _APPLIANCE, 200, 60, 200, 15),
    "P570": Model("Yeastar P570", _APPLIANCE, 500, 120, 500, 15),
    # The Software Edition's licence decides; departments and layers grow above 500 extensions.
    "Software": Model("Yeastar P-Series Software Edition", "83.20.0.50", 500, 120, 100, 15),
}

DEFAULT_ROLES = {
    0: "None",
    1: "Administrator",
    2: "Supervisor",
    3: "Operator",
    4: "Employee",
    5: "Human Resource",
    6: "Accounting",
}


@dataclass(frozen=True)
class Settings:
    """`extension_capacity` and `firmware_version` default to the model's.

    `administrators` maps a portal administrator's name to the e-mail address that no extension may
    then have. `allowed_addresses` is the API's allow-list (addresses or networks; None lets all
    in). `denied_endpoints` is what the application has no permission for (10005).
    `linkus_sdk_id` and its secret are the second pair of credentials (AccessID and AccessKey), good
    for sign/create alone; empty = Linkus SDK is switched off.
    """

    model: str = "P570"
    client_id: str = "LABCLIENTID000000000000000000001"
    client_secret: str = field(default="LABCLIENTSECRET00000000000000001", repr=False)
    serial_number: str = "3631A2124000"
    device_name: str = "Lab PBX"
    firmware_version: str = ""
    extension_capacity: int | None = None
    company_name: str = "Example Ltd"
    organization_management: bool = True
    name_display_format: str = "first_last"
    user_range: tuple[int, int] = (1000, 5999)
    roles: dict[int, str] = field(default_factory=lambda: dict(DEFAULT_ROLES))
    administrators: dict[str, str] = field(default_factory=lambda: {"admin": "pbx.admin@example.test"})
    allowed_addresses: tuple[str, ...] | None = None
    denied_endpoints: frozenset[str] = frozenset()
    linkus_sdk_id: str = ""
    linkus_sdk_secret: str = field(default="", repr=False)
    token_limit: int = 8
    access_token_seconds: int = 1800
    refresh_token_seconds: int = 86_400

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise ValueError(f"model: {self.model} is none of {', '.join(MODELS)}")
        if not all(part.isascii() and part.isdigit() for part in self.firmware.split(".")):
            raise ValueError(f"firmware_version: {self.firmware_version} is not numbers with dots between")
        if bool(self.linkus_sdk_id) != bool(self.linkus_sdk_secret):
            raise ValueError("linkus_sdk_id and linkus_sdk_secret: one is no use without the other")

    @property
    def extensions_max(self) -> int:
        """How many extensions the PBX holds."""
        if self.extension_capacity is not None:
            return self.extension_capacity
        return MODELS[self.model].extensions

    @property
    def departments_max(self) -> int:
        """How many departments fit under the root organization."""
        return 1000 if self._large_software else MODELS[self.model].departments

    @property
    def layers_max(self) -> int:
        """How deep departments may nest."""
        return 20 if self._large_software else MODELS[self.model].layers

    @property
    def firmware(self) -> str:
        """The firmware version that system/information shows."""
        return self.firmware_version or MODELS[self.model].firmware_version

    def has_firmware(self, release: tuple[int, ...]) -> bool:
        """Whether the firmware is of that release or newer.

        A release is what follows the edition's own first number (37, 83 or 84): the editions count alike.
        """
        return tuple(int(part) for part in self.firmware.split(".")[1:]) >= release

    @property
    def _large_software(self) -> bool:
        return self.model == "Software" and self.extensions_max > 500
