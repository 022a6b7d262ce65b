# SPDX-License-Identifier: GPL-3.0-or-later
"""A figure beside its limit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """One row of the table.

    A figure either stands beside another one, measured by turns with it in the same run, and the limit is that of their
    ratio; or it stands alone, and the limit is its own.

    :param name: of the measurement, as in ``--only``.
    :param figure: what was measured, in words.
    :param users: how many there were; None where there are none.
    :param measured: the figure.
    :param unit: of the figure and of what is beside it.
    :param beside: the other figure; None for a figure that stands alone.
    :param beside_what: what the other one is, in words.
    :param ratio: of the two, the median of the rounds' own ratios; None for a figure that stands alone.
    :param limit: None for what is told and not judged.
    """

    name: str
    figure: str
    users: int | None
    measured: float
    unit: str
    limit: float | None
    beside: float | None = None
    beside_what: str = ""
    ratio: float | None = None

    @property
    def judged(self) -> float:
        """What the limit is for."""
        return self.measured if self.ratio is None else self.ratio

    @property
    def is_met(self) -> bool:
        """Whether the limit is kept; what has none keeps it."""
        return self.limit is None or self.judged <= self.limit


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """A row that is missing, and why."""

    name: str
    why: str
