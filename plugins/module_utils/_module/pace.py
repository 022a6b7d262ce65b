# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""How many calls are under way at once: as many as the PBX works off without letting them wait.

The rule is that of TCP Vegas (Brakmo and Peterson, IEEE JSAC 13(8), 1995). What a call takes beyond the fastest one it
has spent waiting for others; from that follows how many of those under way wait. Few do: one more is let through. Many
do: one less. A call that failed, or of which no answer came, halves their number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

_FEW_WAITING = 1.5
_MANY_WAITING = 4.0
# A PBX grows slower with what it holds: after so many rounds the fastest call is one of long ago.
_ROUNDS_TO_FORGET = 20


@dataclass(frozen=True, slots=True)
class Pace:
    """How many calls may be under way, and what that is judged by.

    :param most: never more than these.
    :param bound: as many now; the first call goes alone, so that what is learned of it holds for all others.
    :param fastest: seconds that the fastest call took; 0 while none was answered.
    :param answers: how many were answered in this round, which has as many as may be under way.
    :param seconds: what they took in all.
    :param rounds: since the fastest was last forgotten.
    """

    most: int
    bound: int = 1
    fastest: float = 0.0
    answers: int = 0
    seconds: float = 0.0
    rounds: int = 0

    def answered(self, seconds: float) -> Pace:
        """Return the pace after a call that was answered.

        :param seconds: what it took.
        """
        fastest = min(self.fastest or seconds, seconds)
        told = replace(self, fastest=fastest, answers=self.answers + 1, seconds=self.seconds + seconds)
        return told if told.answers < told.bound else told._after_round()

    def failed(self) -> Pace:
        """Return the pace after a call that the PBX gave no usable answer to."""
        return replace(self, bound=max(1, self.bound // 2), answers=0, seconds=0.0)

    def anew(self) -> Pace:
        """Return the pace for calls of another kind, which may take longer by nature."""
        return replace(self, fastest=0.0, answers=0, seconds=0.0, rounds=0)

    def _after_round(self) -> Pace:
        mean = self.seconds / self.answers
        waiting = self.bound * (1 - self.fastest / mean) if mean > 0 else 0.0
        step = 1 if waiting < _FEW_WAITING else -1 if waiting > _MANY_WAITING else 0
        forgets = self.rounds + 1 >= _ROUNDS_TO_FORGET
        return replace(
            self,
            bound=min(self.most, max(1, self.bound + step)),
            fastest=mean if forgets else self.fastest,
            answers=0,
            seconds=0.0,
            rounds=0 if forgets else self.rounds + 1,
        )
