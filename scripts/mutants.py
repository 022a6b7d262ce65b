# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes `_sync` in thousands of small ways, and tells which of the changes no unit test notices.

    python scripts/mutants.py                       change all of _sync (make mutants)
    python scripts/mutants.py recovery 'undo_*'     change these modules only (make mutants MODULES="recovery undo_*")

Ends with each mutant that survived, as a difference, and with a table of the modules. Whether a survivor is a gap in
the tests, or a change that makes no difference, is for a person to tell: survivors alone do not fail the command.
CHILDREN in the environment says how many processes test mutants at once. Needs .venv (make setup).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "mutants"

_PLUGINS = Path("ansible_collections/pbxops/yeastar/plugins")
_SYNC = _PLUGINS / "module_utils" / "_sync"
_KILLED_BY_TEST, _SURVIVED, _NO_TEST, _TIMED_OUT = {1, 3}, {0}, {5, 33}, {36, 24, -24, 152, 255}

# mutmut names a module by its path below the folder it runs in, so that path has to be the one that tests import it by.
_SETTINGS = f"""\
[tool.pytest.ini_options]
pythonpath = ["."]
addopts = "-p no:cacheprovider"

[tool.mutmut]
source_paths = ["{_SYNC}/"]
only_mutate = [%s]
pytest_add_cli_args_test_selection = ["tests/unit"]
also_copy = ["ansible_collections", "tests", "lab"]
"""


def make_tree(modules: list[str]) -> None:
    """Makes below WORK a copy of the plugins and of the unit tests of `_sync`, with what those import.

    Args:
        modules: those that are to be changed; the others are left as they are, which saves minutes.

    Raises:
        OSError: the copy could not be written.
    """
    shutil.rmtree(WORK, ignore_errors=True)
    shutil.copytree(ROOT / "plugins", WORK / _PLUGINS, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "lab", WORK / "lab", ignore=shutil.ignore_patterns("__pycache__"))
    for source in (*ROOT.glob("tests/unit/*.py"), *ROOT.glob("tests/property/*.py")):
        if source.name.startswith("test_") and not source.match("tests/unit/test_sync_*.py"):
            continue
        target = WORK / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    changed = ", ".join(f'"{_SYNC / module}.py"' for module in modules)
    (WORK / "pyproject.toml").write_text(_SETTINGS % changed, encoding="utf-8")


def chosen_modules(patterns: list[str]) -> list[str]:
    """The names of the modules of `_sync` that patterns of a shell's kind choose, all of them when there is none.

    Raises:
        SystemExit: a pattern chooses no module.
    """
    names = sorted(path.stem for path in (ROOT / "plugins/module_utils/_sync").glob("*.py") if path.stem != "__init__")
    for pattern in patterns:
        if not any(fnmatch(name, pattern) for name in names):
            sys.exit(f"mutants: no module of _sync is named {pattern}; there are {', '.join(names)}.")
    return [name for name in names if not patterns or any(fnmatch(name, pattern) for pattern in patterns)]


def test_mutants() -> None:
    """Lets mutmut change the modules, and run the tests on each change.

    Raises:
        subprocess.CalledProcessError: mutmut ended with an error, or the tests fail without any change.
    """
    _mutmut("run", "--max-children", os.environ.get("CHILDREN") or str(os.cpu_count() or 1))


def _mutmut(*arguments: str, stdout: int | None = None) -> str:
    command = [sys.executable, "-m", "mutmut", *arguments]
    return subprocess.run(command, cwd=WORK, check=True, stdout=stdout, text=True).stdout  # noqa: S603 (it is our own)


def results_of(module: str) -> dict[str, int | None]:
    """What the tests ended with on each mutant of a module, by its name; None where they did not run."""
    notes = WORK / "mutants" / _SYNC / f"{module}.py.meta"
    if not notes.exists():
        return {}
    results: dict[str, int | None] = json.loads(notes.read_text(encoding="utf-8"))["exit_code_by_key"]
    return results


def survivors_of(module: str) -> Iterator[str]:
    """The difference that each surviving mutant of a module makes, under its name."""
    for name, code in results_of(module).items():
        if code in _SURVIVED | _NO_TEST:
            yield _mutmut("show", name, stdout=subprocess.PIPE)


def table(modules: list[str]) -> Iterator[str]:
    """Lines with the number of mutants, killed ones, survivors and the score of each module and of all."""
    yield f"{'module':<20} {'mutants':>8} {'killed':>8} {'survived':>8} {'untested':>8} {'timeout':>8} {'score':>7}"
    rows = {module: list(results_of(module).values()) for module in modules}
    for name, codes in {**rows, "all": [code for row in rows.values() for code in row]}.items():
        if not codes:
            continue
        counts = [sum(code in kind for code in codes) for kind in (_KILLED_BY_TEST, _SURVIVED, _NO_TEST, _TIMED_OUT)]
        score = 100 * (counts[0] + counts[3]) / len(codes)
        yield f"{name:<20} {len(codes):>8} " + " ".join(f"{count:>8}" for count in counts) + f" {score:>6.1f}%"


def main(patterns: list[str]) -> None:
    """Makes the tree, changes the chosen modules, and prints the survivors and the table."""
    modules = chosen_modules(patterns)
    make_tree(modules)
    test_mutants()
    for module in modules:
        for difference in survivors_of(module):
            print(difference)
    print("\n".join(table(modules)))


if __name__ == "__main__":
    main(sys.argv[1:])
