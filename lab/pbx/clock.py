# SPDX-License-Identifier: GPL-3.0-or-later
"""The PBX's clock, which a test can put forward."""

from __future__ import annotations

import threading
import time


class AdjustableClock:
    """The machine's time plus what `advance` added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._added = 0.0

    def now(self) -> float:
        """Seconds since 1970 (UTC)."""
        with self._lock:
            return time.time() + self._added

    def advance(self, seconds: float) -> None:
        """Put the clock forward (or back, for a negative number)."""
        with self._lock:
            self._added += seconds
