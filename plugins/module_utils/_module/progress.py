# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""How far a run has come, told while it goes on to whoever wants to show it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import Outcome, State

# Names the file to which a run appends how far it has come; the callback plugin that shows it sets it.
PROGRESS_FILE = "PBX_AD_PROGRESS_FILE"

_PAUSE = 0.5
# Nothing is made where nobody waits for it, no link is followed, and a pipe that nobody reads holds no run up.
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come.

    :param planned: how many changes are to be carried out.
    :param failed: those of which it is unknown whether they were done are counted here too.
    :param skipped: how many were not begun, since something that they need was not done.
    """

    planned: int
    done: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to be carried out."""
        return self.done + self.failed + self.skipped >= self.planned


Tell = Callable[[Progress], None]


def tell_nobody(_progress: Progress) -> None:
    """Let nobody know how far a run has come."""


class Tally:
    """Counts what became of the changes of a run, and tells it after each."""

    def __init__(self, planned: int, tell: Tell) -> None:
        self._progress = Progress(planned)
        self._tell = tell
        if planned:
            tell(self._progress)

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Count what became of changes; one that the guard has stopped or that waits was never to be carried out."""
        before = self._progress
        for outcome in outcomes:
            self._progress = _after(self._progress, outcome.state)
        if self._progress != before:
            self._tell(self._progress)


def _after(progress: Progress, state: State) -> Progress:
    if state is State.DONE:
        return replace(progress, done=progress.done + 1)
    if state in (State.FAILED, State.UNKNOWN):
        return replace(progress, failed=progress.failed + 1)
    if state is State.SKIPPED:
        return replace(progress, skipped=progress.skipped + 1)
    return progress


def teller(environment: Mapping[str, str], monotonic: Callable[[], float]) -> Tell:
    """Return what tells how far a run has come: in the file that the environment names, or else to nobody.

    :param monotonic: returns seconds from any beginning.
    """
    path = environment.get(PROGRESS_FILE, "")
    return ProgressFile(path, monotonic) if path else tell_nobody


class ProgressFile:
    """Appends a line of JSON to a file: the first and the last time, and twice a second in between.

    A line has the counts, and for how many seconds the changes have been carried out. It names nobody. A file that
    cannot be written is given up without a word: no run fails for not being looked at.
    """

    def __init__(self, path: str, monotonic: Callable[[], float]) -> None:
        self._path = path
        self._monotonic = monotonic
        self._began: float | None = None
        self._told = 0.0

    def __call__(self, progress: Progress) -> None:
        """Append how far the run has come, if it is time to."""
        now = self._monotonic()
        is_first = self._began is None
        if self._began is None:
            self._began = now
        if is_first or progress.is_over or now - self._told >= _PAUSE:
            self._told = now
            self._append({**asdict(progress), "seconds": round(now - self._began, 3)})

    def _append(self, values: Mapping[str, float]) -> None:
        if not self._path:
            return
        try:
            file = os.open(self._path, _FLAGS)
            try:
                os.write(file, f"{json.dumps(values)}\n".encode())
            finally:
                os.close(file)
        except OSError:
            self._path = ""
