# SPDX-License-Identifier: GPL-3.0-or-later
"""Access tokens: issued, refreshed, revoked, counted; and addresses locked out.

Vendor's pages "Authorization Rule", "Refresh Access Token": a token lives 1800 s, its refresh
token 86400 s, and at most 8 access tokens of an application are valid at a time.
"""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from typing import Literal

from lab.pbx.clock import AdjustableClock
from lab.pbx.errors import ACCOUNT_IP_BLOCKED, MAX_LIMITATION_EXCEEDED, ApiError

_ALPHABET = string.ascii_letters + string.digits
Application = Literal["api", "linkus_sdk"]


@dataclass
class Grant:
    """A pair of tokens; refreshing puts new ones in place."""

    application: Application
    access_token: str = field(repr=False)
    access_expires: float
    refresh_token: str = field(repr=False)
    refresh_expires: float


class TokenStore:
    """The grants of one PBX. Not thread-safe: the PBX's lock is held by who calls."""

    def __init__(self, clock: AdjustableClock, limit: int, access_seconds: int, refresh_seconds: int) -> None:
        self._clock = clock
        self._limit = limit
        self.access_seconds = access_seconds
        self.refresh_seconds = refresh_seconds
        self._grants: list[Grant] = []
        #: Every access and refresh token ever given out.
        self.given: set[str] = set()
        # Access tokens that a refresh replaced but that this PBX lets live on, and their grants.
        self._survivors: dict[str, tuple[Grant, float]] = {}

    def issue(self, application: Application) -> Grant:
        """A new grant. Raises ApiError 60002 when every slot holds a valid access token."""
        self._drop_dead()
        self._require_slot(application)
        grant = Grant(application, "", 0.0, "", 0.0)
        self._renew(grant)
        self._grants.append(grant)
        return grant

    def refresh(self, refresh_token: str, *, unknown_errcode: int, keep_old_access: bool) -> Grant:
        """New tokens in the place of the old ones.

        Raises ApiError `unknown_errcode` for an unknown or expired refresh token, 60002 when the
        access token had expired meanwhile and its slot is taken.
        """
        self._drop_dead()
        grant = next((one for one in self._grants if one.refresh_token == refresh_token), None)
        if grant is None:
            raise ApiError(unknown_errcode)
        if not self._is_live(grant):
            self._require_slot(grant.application)
        elif keep_old_access:
            self._survivors[grant.access_token] = (grant, grant.access_expires)
        self._renew(grant)
        return grant

    def find(self, access_token: str) -> Grant | None:
        """The grant of a valid access token."""
        for grant in self._grants:
            if grant.access_token == access_token and self._is_live(grant):
                return grant
        survivor = self._survivors.get(access_token)
        if survivor and self._clock.now() < survivor[1]:
            return survivor[0]
        return None

    def revoke(self, access_token: str) -> bool:
        """End a valid access token and its refresh token. False: there is none such."""
        grant = self.find(access_token)
        if grant is None:
            return False
        self._survivors.pop(access_token, None)
        if grant in self._grants:
            self._grants.remove(grant)
        return True

    def expire(self, access_token: str) -> None:
        """Let an access token expire now; its refresh token stays good."""
        self._survivors.pop(access_token, None)
        for grant in self._grants:
            if grant.access_token == access_token:
                grant.access_expires = self._clock.now()

    def expire_all(self) -> None:
        """Let all access tokens expire now; refresh tokens stay good."""
        self._survivors.clear()
        for grant in self._grants:
            grant.access_expires = self._clock.now()

    def live_count(self, application: Application | None = None) -> int:
        """How many access tokens are valid now, of one application or of all."""
        return sum(self._is_live(grant) and application in (None, grant.application) for grant in self._grants)

    def _renew(self, grant: Grant) -> None:
        now = self._clock.now()
        grant.access_token = _new_token()
        grant.access_expires = now + self.access_seconds
        grant.refresh_token = _new_token()
        grant.refresh_expires = now + self.refresh_seconds
        self.given |= {grant.access_token, grant.refresh_token}

    def _require_slot(self, application: Application) -> None:
        if self.live_count(application) >= self._limit:
            raise ApiError(MAX_LIMITATION_EXCEEDED)

    def _is_live(self, grant: Grant) -> bool:
        return self._clock.now() < grant.access_expires

    def _drop_dead(self) -> None:
        now = self._clock.now()
        self._grants = [grant for grant in self._grants if now < max(grant.refresh_expires, grant.access_expires)]


class LockOut:
    """Source addresses that failed to log in too often in a row."""

    def __init__(self, clock: AdjustableClock) -> None:
        self._clock = clock
        self._failures: dict[str, int] = {}
        self._blocked_since: dict[str, float] = {}

    def record_failure(self, address: str, allowed: int) -> None:
        """Count a failed log-in; at `allowed` of them in a row the address is blocked."""
        self._failures[address] = self._failures.get(address, 0) + 1
        if self._failures[address] >= allowed:
            self._blocked_since[address] = self._clock.now()

    def record_success(self, address: str) -> None:
        """Forget the failures of an address."""
        self._failures.pop(address, None)

    def refuse_blocked(self, address: str, blocked_seconds: int | None) -> None:
        """Raise ApiError 70004 for a blocked address.

        `blocked_seconds` is how long a block lasts; None: until an administrator lifts it.
        """
        since = self._blocked_since.get(address)
        if since is None:
            return
        if blocked_seconds is not None and self._clock.now() >= since + blocked_seconds:
            self.lift(address)
            return
        raise ApiError(ACCOUNT_IP_BLOCKED)

    def lift(self, address: str | None = None) -> None:
        """Unblock one address, or all."""
        for record in (self._failures, self._blocked_since):
            if address is None:
                record.clear()
            else:
                record.pop(address, None)

    def blocked(self) -> list[str]:
        """The blocked addresses."""
        return sorted(self._blocked_since)


def _new_token() -> str:
    return "".join(secrets.choice(_ALPHABET) for _unused in range(32))
