# SPDX-License-Identifier: GPL-3.0-or-later
"""The one clock of a simulated world: nothing waits, and time goes on only where somebody says so."""

from __future__ import annotations

from datetime import UTC, datetime

from lab.pbx.clock import AdjustableClock

BEGINNING = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
DAY = 86_400.0


class SimulatedClock(AdjustableClock):
    """Seconds since 1970 that both servers, the ledger and the client go by."""

    def __init__(self) -> None:
        self._now = BEGINNING.timestamp()

    def now(self) -> float:
        """Seconds since 1970 (UTC)."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time go on."""
        self._now += seconds

    def time(self) -> datetime:
        """The time, aware, UTC."""
        return datetime.fromtimestamp(self._now, UTC)
