# SPDX-License-Identifier: GPL-3.0-or-later
"""People by their places: the same person in the directory, on the PBX and in the ledger."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

DOMAIN_DN = "DC=bench,DC=test"
FIRST_NUMBER = 10_000_000
UNITS = 200


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the directory; `place` counts from 0 on."""

    place: int

    @property
    def guid(self) -> uuid.UUID:
        """The objectGUID."""
        return uuid.UUID(int=(2 << 96) + self.place)

    @property
    def account_name(self) -> str:
        """The sAMAccountName."""
        return f"user{self.place}"

    @property
    def common_name(self) -> str:
        """The name by which the directory knows the person in the unit."""
        return f"Given{self.place % 997} Family{self.place}"

    @property
    def dn(self) -> str:
        """The distinguished name."""
        return f"CN={self.common_name},OU=Unit {self.place % UNITS:03},{DOMAIN_DN}"

    @property
    def number(self) -> str:
        """The extension's number: people get them in the order of their places."""
        return str(FIRST_NUMBER + self.place)

    @property
    def fields(self) -> dict[str, str]:
        """The managed fields, by their names of the Open API."""
        return {
            "first_name": f"Given{self.place % 997}",
            "last_name": f"Family{self.place}",
            "email_addr": f"given.family{self.place}@bench.test",
            "mobile_number": f"+4930{1_000_000 + self.place}",
            "title": f"Title {self.place % 50}",
        }

    @property
    def attributes(self) -> dict[str, str]:
        """What the directory has besides the objectGUID."""
        fields = self.fields
        return {
            "cn": self.common_name,
            "displayName": self.common_name,
            "name": self.common_name,
            "distinguishedName": self.dn,
            "sAMAccountName": self.account_name,
            "userPrincipalName": f"{self.account_name}@bench.test",
            "userAccountControl": "512",
            "accountExpires": "0",
            "primaryGroupID": "513",
            "givenName": fields["first_name"],
            "sn": fields["last_name"],
            "mail": fields["email_addr"],
            "telephoneNumber": fields["mobile_number"],
            "title": fields["title"],
            "uSNChanged": str(20_000 + self.place),
        }
