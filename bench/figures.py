# SPDX-License-Identifier: GPL-3.0-or-later
"""All that one run of the bench has measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .beside_bare import BesideBare
from .explaining import Explaining
from .growth import Growth
from .incremental import Incremental
from .ledger import LedgerFigures
from .plain import Plain
from .planning import Planning
from .reading import Reading
from .runs import Runs
from .sign_on import SignOnFigures
from .starting import Starting
from .targets import NotMeasured, Target


@dataclass
class SizeFigures:
    """What was measured against a domain controller with so many people; None for what was not asked for."""

    size: int
    reading: Reading | None = None
    runs: Runs | None = None
    incremental: Incremental | None = None
    explaining: Explaining | None = None
    sign_on: SignOnFigures | None = None


@dataclass
class Results:
    """Everything, as it comes.

    :ivar machine: what the figures belong to, by labels.
    :ivar targets: the table: each figure beside its limit.
    :ivar not_measured: what failed.
    :ivar seconds: that the bench took.
    """

    machine: Mapping[str, str]
    targets: list[Target] = field(default_factory=list)
    not_measured: list[NotMeasured] = field(default_factory=list)
    sizes: list[SizeFigures] = field(default_factory=list)
    slapd: list[Reading] = field(default_factory=list)
    beside_bare: list[BesideBare] = field(default_factory=list)
    plain: list[Plain] = field(default_factory=list)
    growth: list[Growth] = field(default_factory=list)
    planning: list[Planning] = field(default_factory=list)
    ledger: list[LedgerFigures] = field(default_factory=list)
    starting: list[Starting] = field(default_factory=list)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """All figures by their names."""
        return asdict(self)
