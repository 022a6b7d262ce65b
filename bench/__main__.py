# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench: `python -m bench [--only NAME,NAME] [--sizes N,N]`.

Prints a table, and writes build/bench.json and a plot of how time and memory grow. `python -m bench --write-docs` puts
the figures of build/bench.json into the documentation.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .documenting import write_documentation
from .errors import BenchError
from .figures import Results
from .machine import describe_machine
from .measuring import NAMES, Bench
from .plot import draw_growth
from .report import as_header, as_table, as_targets_table

RESULT_PATH = Path(__file__).resolve().parents[1] / "build" / "bench.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is wanted; the exit status, which is 0 too where a limit is not kept."""
    options = _parser().parse_args(arguments)
    if options.write_docs:
        return _write_docs(options.output)
    # A signal ends the with blocks too, and so the lab's processes.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    results = Results(describe_machine())
    print(as_header(results.machine), flush=True)
    with _folder(options.keep) as folder:
        Bench(options.only, options.sizes, folder, results).measure()
    if results.sizes:
        print(f"\n{as_table(results.sizes)}")
    print(f"\n{as_targets_table(results.targets, results.not_measured)}\n")
    options.output.parent.mkdir(exist_ok=True)
    options.output.write_text(json.dumps(results.as_json(), indent=2) + "\n", encoding="utf-8")
    if len(results.growth) > 1:
        draw_growth(results.growth, options.output.parent)
    print(f"{results.seconds:.0f} seconds in all; the figures are in {options.output}")
    return 1 if results.not_measured else 0


def _write_docs(path: Path) -> int:
    try:
        write_documentation(path)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


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
        "--only", type=_names, default=NAMES, metavar="NAME,NAME", help=f"what to measure, of: {', '.join(NAMES)}"
    )
    parser.add_argument(
        "--sizes", type=_sizes, metavar="N,N", help="how many users (default: what belongs to each measurement)"
    )
    parser.add_argument("--output", type=Path, default=RESULT_PATH, help="where the JSON goes (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="keep the temporary folder")
    parser.add_argument(
        "--write-docs", action="store_true", help="measure nothing: put the figures of the JSON into the documentation"
    )
    return parser


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise argparse.ArgumentTypeError(f"nothing is called {', '.join(unknown)}; there is: {', '.join(NAMES)}")
    return names


def _sizes(text: str) -> tuple[int, ...]:
    sizes = tuple(int(part) for part in text.split(","))
    if min(sizes) < 1:
        raise argparse.ArgumentTypeError("there is at least one user")
    return sizes


if __name__ == "__main__":
    sys.exit(main())
