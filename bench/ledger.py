# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a ledger's associations are read and written, 100,000 of them in SQLite.

`python -m bench.ledger` prints the figures by themselves.
"""

from __future__ import annotations

import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association

from .planning import Kind, Site

SIZE = 100_000
ROUNDS = 3


@dataclass(frozen=True)
class LedgerFigures:
    """What a ledger takes; seconds are the medians of the rounds.

    :param writing_seconds: of the processor, to save all associations anew, in one transaction.
    :param reading_seconds: likewise, to read them all, as a run does at its beginning.
    :param opening_seconds: to open and close the ledger for a run, with its check for damage.
    :param copying_seconds: to open and close it in check mode, which works on a copy.
    """

    associations: int
    writing_seconds: float
    reading_seconds: float
    opening_seconds: float
    copying_seconds: float
    file_bytes: int


def measure_ledger(size: int = SIZE) -> LedgerFigures:
    """Write and read the associations of so many users."""
    associations = _associations(size)
    # As in a module's own process.
    gc.set_threshold(100_000)
    with tempfile.TemporaryDirectory(prefix="pbx-bench-") as folder:
        path = Path(folder) / "ledger.sqlite3"

        def write() -> None:
            with open_ledger(path, read_write=True, command="bench") as ledger:
                begun = time.process_time()
                ledger.save_associations(associations)
                writing.append(time.process_time() - begun)

        def read() -> None:
            with open_ledger(path, read_write=True, command="bench") as ledger:
                gc.collect()
                begun = time.process_time()
                found = ledger.associations()
                reading.append(time.process_time() - begun)
            if found != associations:
                raise RuntimeError("the ledger gave back something else")

        def open_it(read_write: bool) -> None:
            with open_ledger(path, read_write=read_write, command="bench"):
                pass

        writing: list[float] = []
        reading: list[float] = []
        for _round in range(ROUNDS):
            write()
            read()
        return LedgerFigures(
            associations=size,
            writing_seconds=statistics.median(writing),
            reading_seconds=statistics.median(reading),
            opening_seconds=_median(lambda: open_it(True)),
            copying_seconds=_median(lambda: open_it(False)),
            file_bytes=path.stat().st_size,
        )


def _associations(size: int) -> list[Association]:
    site = Site.new(size)
    standing = site.after(site.plan(Kind.USERS)).standing
    return sorted(standing.associations, key=lambda one: one.guid)


def _median(work: Callable[[], None]) -> float:
    seconds = []
    for _round in range(ROUNDS):
        begun = time.monotonic()
        work()
        seconds.append(time.monotonic() - begun)
    return statistics.median(seconds)


def main() -> int:
    """Print the figures."""
    one = measure_ledger()
    print(
        f"{one.associations:,} associations, {one.file_bytes / 1e6:.0f} MB: written in {one.writing_seconds:.2f} s, "
        f"read in {one.reading_seconds:.2f} s; opened in {one.opening_seconds:.2f} s, copied in "
        f"{one.copying_seconds:.2f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
