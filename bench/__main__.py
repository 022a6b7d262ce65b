# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench: `python -m bench [--sizes 200,1000]`. Prints a table and writes build/bench.json."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab.population import SMALLEST_SIZE
from lab.processes import LabError

from .bare_calls import seconds_per_bare_creation
from .errors import BenchError
from .explaining import measure_explaining
from .machine import describe_machine
from .reading import measure_reading
from .report import Figures, as_header, as_json, as_table
from .runs import measure_runs
from .sign_on import measure_sign_ons
from .site import fresh_site

SIZES = (200, 1_000, 10_000)
RESULT_PATH = Path(__file__).resolve().parents[1] / "build" / "bench.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the sizes one after the other; the exit status."""
    options = _parser().parse_args(arguments)
    # A signal ends the with blocks too, and so the lab's processes.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    machine = describe_machine()
    print(as_header(machine), flush=True)
    begun = time.monotonic()
    try:
        with _folder(options.keep) as folder:
            figures = [_measure(folder / str(size), size) for size in options.sizes]
    except (BenchError, LabError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(f"\n{as_table(figures)}\n")
    options.output.parent.mkdir(exist_ok=True)
    options.output.write_text(json.dumps(as_json(machine, figures), indent=2) + "\n", encoding="utf-8")
    print(f"{time.monotonic() - begun:.0f} seconds in all; the figures are in {options.output}")
    return 0


def _measure(folder: Path, size: int) -> Figures:
    folder.mkdir()
    _tell(f"{size:,} users: starting the lab")
    with fresh_site(folder, size) as site:
        _tell(f"{size:,} users: reading the directory")
        reading = measure_reading(site)
        _tell(f"{size:,} users: synchronizing")
        runs = measure_runs(site)
        _tell(f"{size:,} users: explaining them")
        explaining = measure_explaining(site)
        _tell(f"{size:,} users: signing on")
        sign_on = measure_sign_ons(site)
        return Figures(size, reading, runs, explaining, sign_on, seconds_per_bare_creation(site))


def _tell(what: str) -> None:
    print(f"bench: {what} ...", file=sys.stderr, flush=True)


@contextmanager
def _folder(keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="pbx-bench-"))
    try:
        yield folder
    finally:
        if keep:
            print(f"bench: the labs and ledgers are in {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the collection against the lab.")
    parser.add_argument(
        "--sizes", type=_sizes, default=SIZES, metavar="N,N", help="how many users (default: 200,1000,10000)"
    )
    parser.add_argument("--output", type=Path, default=RESULT_PATH, help="where the JSON goes (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="keep the temporary folder")
    return parser


def _sizes(text: str) -> tuple[int, ...]:
    sizes = tuple(int(part) for part in text.split(","))
    if min(sizes) < SMALLEST_SIZE:
        raise argparse.ArgumentTypeError(f"{SMALLEST_SIZE} users are the least that the lab's population has")
    return sizes


if __name__ == "__main__":
    sys.exit(main())
