# SPDX-License-Identifier: GPL-3.0-or-later
"""What all connections of one proxy share: limits, faults and the log of what was asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from lab.ldap_proxy.faults import Fault
from lab.ldap_proxy.limits import Limits


@dataclass
class ProxyState:
    """The limits in force, the faults to play and the log; changed at run time through the control channel."""

    limits: Limits = field(default_factory=Limits)
    faults: list[Fault] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    connections: int = 0

    def set_faults(self, faults: list[Fault]) -> None:
        """Play these faults and no others, and count operations from 1 again."""
        self.faults = faults
        self.counts.clear()

    def clear(self) -> None:
        """Play no fault, empty the log and count operations from 1 again."""
        self.set_faults([])
        self.log.clear()

    def next_number(self, operation: str) -> int:
        """The number of this operation since the faults were set, counted from 1."""
        self.counts[operation] += 1
        return self.counts[operation]
