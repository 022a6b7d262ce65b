# SPDX-License-Identifier: GPL-3.0-or-later
"""Lives one after the other, over several processes; each that fails is told with the command that replays it."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from tests.simulator.life import Life, Tally

_CHUNK = 50
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 (folders in it are private, and nothing that was there is used)


@dataclass(slots=True)
class Lived:
    """What came of several lives.

    :param failures: what did not hold, by the seed.
    """

    tally: Tally = field(default_factory=Tally)
    failures: dict[int, str] = field(default_factory=dict)

    def add(self, other: Lived) -> None:
        """Add what came of others."""
        self.tally.add(other.tally)
        self.failures.update(other.failures)


def replay_command(seed: int) -> str:
    """The command that lives a life again and tells all that happens."""
    return f"python -m tests.simulator --seed {seed} --trace"


def live(seed: int, tell: Callable[[str], None] | None = None) -> Lived:
    """Live one life."""
    lived = Lived()
    with _folder() as folder:
        life = Life(seed, folder, tell)
        try:
            life.live()
        except AssertionError as error:
            lived.failures[seed] = f"{_name_of(error)}: {error}"
        except Exception:
            lived.failures[seed] = traceback.format_exc()
        lived.tally.add(life.tally)
    lived.tally.counts["lives"] += 1
    return lived


def live_all(seeds: Iterable[int]) -> Lived:
    """Live several lives."""
    lived = Lived()
    for seed in seeds:
        lived.add(live(seed))
    return lived


def main(arguments: Sequence[str] | None = None) -> int:
    """Live as many lives as are asked for; the exit status is 1 if any fails."""
    options = _parser().parse_args(arguments)
    if options.seed is not None:
        lived = live(options.seed, print if options.trace else None)
    else:
        lived = _soak(options.first, options.seeds, options.workers)
    for name, count in sorted(lived.tally.counts.items()):
        print(f"{count:>12,}  {name}")
    for seed, failure in sorted(lived.failures.items()):
        print(f"\nseed {seed}: {failure}\n    {replay_command(seed)}")
    return 1 if lived.failures else 0


def _soak(first: int, seeds: int, workers: int) -> Lived:
    lived, begun = Lived(), time.monotonic()
    chunks = [range(start, min(start + _CHUNK, first + seeds)) for start in range(first, first + seeds, _CHUNK)]
    told = begun
    with ProcessPoolExecutor(workers) as pool:
        for part in pool.map(live_all, chunks):
            lived.add(part)
            for seed, failure in part.failures.items():
                print(f"seed {seed}: {failure.splitlines()[-1][:300]}\n    {replay_command(seed)}", flush=True)
            now = time.monotonic()
            if now - told > 10:
                told = now
                print(_progress(lived, seeds, now - begun), flush=True)
    print(_progress(lived, seeds, time.monotonic() - begun))
    return lived


def _progress(lived: Lived, seeds: int, seconds: float) -> str:
    counts: Counter[str] = lived.tally.counts
    return (
        f"{counts['lives']:,} of {seeds:,} lives, {counts['commands']:,} commands, {counts['kills']:,} kills, "
        f"{len(lived.failures)} failures, {counts['lives'] / seconds:.1f} lives a second"
    )


def _name_of(error: BaseException) -> str:
    """The name of the invariant that is broken: the function that called ``require``."""
    frames = [frame.name for frame in traceback.extract_tb(error.__traceback__) if frame.name != "require"]
    return frames[-1] if frames else type(error).__name__


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder for ledgers: in memory, for the disk's patience is not what is tried."""
    above = _SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None
    with (
        tempfile.TemporaryDirectory(prefix="yeastar-simulator-", dir=above) as folder,
        mock.patch.object(tempfile, "tempdir", folder),
    ):
        yield Path(folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--seed", type=int, help="live this life alone")
    parser.add_argument("--trace", action="store_true", help="with --seed: tell all that happens")
    parser.add_argument("--seeds", type=int, default=1000, help="how many lives to live")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--workers", type=int, default=1, help="how many processes share them")
    return parser


if __name__ == "__main__":
    sys.exit(main())
