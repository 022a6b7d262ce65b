# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger, asked beside the event loop."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sign_on import SignOnState
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Credential

from sign_on_gateway.threads import Threads


class StoredSignOns(Protocol):
    """What ``_ledger.sign_on.SignOnLedger`` offers."""

    def state(self) -> SignOnState:
        """Return the integration and the settings."""

    def find(self, name: str) -> str | None:
        """Return the objectGUID of the synchronized user who signs on by a name."""

    def association(self, guid: str) -> Association | None:
        """Return the association of a user."""

    def note_credential(self, credential: Credential) -> Credential | None:
        """Write down that an extension's password is about to be set; return what was written down of it before."""

    def forget_credential(self, credential: Credential) -> None:
        """Forget it, unless another sign-on has set the password since."""


class Ledger:
    """The same, to be awaited.

    Every method raises a ``LedgerError`` if the ledger cannot be read or written, and ``TooSlowError`` if that takes
    too long.
    """

    def __init__(self, stored: StoredSignOns, threads: Threads) -> None:
        self._stored = stored
        self._threads = threads

    async def state(self) -> SignOnState:
        """Return the integration and the settings."""
        return await self._threads.run(self._stored.state)

    async def find(self, name: str) -> str | None:
        """Return the objectGUID of the synchronized user who signs on by a name; None for nobody's."""
        return await self._threads.run(partial(self._stored.find, name))

    async def association(self, guid: str) -> Association | None:
        """Return the association of a user; None if the user has none."""
        return await self._threads.run(partial(self._stored.association, guid))

    async def note_credential(self, credential: Credential) -> Credential | None:
        """Write down that an extension's password is about to be set; return what was written down of it before."""
        return await self._threads.run(partial(self._stored.note_credential, credential))

    async def forget_credential(self, credential: Credential) -> None:
        """Forget it, unless another sign-on has set the password since."""
        await self._threads.run(partial(self._stored.forget_credential, credential))
