# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module costs before its first byte on the wire, as Ansible runs it: packed, in a process of its own.

`python -m bench.starting` prints the figures by themselves.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import BenchError

#: Modules, and what they need besides so that they connect although nothing is saved yet.
MODULES: Mapping[str, Mapping[str, Any]] = {
    "pbx_ad_connection": {},
    "pbx_ad_user_sync": {},
    "pbx_ad_sync": {"users": {"scope": "all"}},
}
ROUNDS = 5

_REPOSITORY = Path(__file__).resolve().parents[1]
_LIBRARIES = "import ldap3, requests"

# Ends the process where it connects for the first time, and tells what it took until then.
_HOOK = """
import os, sys, time
def hook(event, arguments):
    if event == "socket.connect":
        ours = sum(name.startswith("ansible_collections.pbxops") for name in sys.modules)
        print("STARTED", time.monotonic() - float(os.environ["BEGUN"]), time.process_time(), ours, flush=True)
        os._exit(0)
sys.addaudithook(hook)
"""

# Packs a module as Ansible does to send it, and leaves it at a path.
_PACK = """
import json, sys
from ansible.executor.module_common import modify_module
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, module_loader
from ansible.template import Templar
name, arguments, path = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
init_plugin_loader()
found = module_loader.find_plugin_with_context(name).plugin_resolved_path
options = {"module_args": arguments, "task_vars": {"ansible_python_interpreter": sys.executable}}
built = modify_module(
    module_name=name, module_path=found, templar=Templar(DataLoader()), module_compression="ZIP_DEFLATED", **options
)
open(path, "wb").write(built.b_module_data)
"""


@dataclass(frozen=True)
class Starting:
    """What one module takes until its first connection; medians of the rounds.

    :param seconds: from the start of its process.
    :param processor_seconds: likewise.
    :param payload_bytes: what Ansible sends to run it, the parameters included.
    :param files: how many of the collection's files it imports until then.
    :param libraries_seconds: for a process that imports ldap3 and requests and does nothing, from its start.
    :param ratio: the median of the rounds' own ratios.
    """

    module: str
    seconds: float
    processor_seconds: float
    payload_bytes: int
    files: int
    libraries_seconds: float
    ratio: float


def measure_starting(modules: Sequence[str] = tuple(MODULES)) -> list[Starting]:
    """Start each module, up to its first connection, and a process with the libraries alone, by turns.

    :raises BenchError: if one ends without any.
    """
    with tempfile.TemporaryDirectory(prefix="pbx-bench-") as folder:
        return [_measure(Path(folder), module) for module in modules]


def _measure(folder: Path, module: str) -> Starting:
    path = folder / module
    _pack(module, {**_arguments(folder), **MODULES[module]}, path)
    found = [(_start(path), _libraries_seconds(folder)) for _round in range(ROUNDS)]
    starts = [start for start, _libraries in found]
    return Starting(
        module=module,
        seconds=statistics.median(start[0] for start in starts),
        processor_seconds=statistics.median(start[1] for start in starts),
        payload_bytes=path.stat().st_size,
        files=int(starts[0][2]),
        libraries_seconds=statistics.median(libraries for _start, libraries in found),
        ratio=statistics.median(start[0] / libraries for start, libraries in found),
    )


def _arguments(folder: Path) -> dict[str, Any]:
    return {
        # Nothing is sent: the process ends before it would be.
        "directory_host": "127.0.0.1",
        "directory_base_dn": "DC=lab,DC=test",
        "directory_username": "sync@lab.test",
        "directory_password": "unused",
        "pbx_url": "https://127.0.0.1:1",
        "pbx_client_id": "unused",
        "pbx_client_secret": "unused",
        "ledger_path": str(folder / "ledger.sqlite3"),
        "_ansible_check_mode": True,
        "_ansible_remote_tmp": str(folder),
    }


def _environment() -> Mapping[str, str]:
    collections = str(_REPOSITORY / ".venv" / "collections")
    return {**os.environ, "ANSIBLE_COLLECTIONS_PATH": collections, "LC_ALL": "C.UTF-8"}


def _pack(module: str, arguments: Mapping[str, Any], path: Path) -> None:
    command = [sys.executable, "-c", _PACK, f"pbxops.yeastar.{module}", json.dumps(arguments), str(path)]
    finished = subprocess.run(command, capture_output=True, text=True, env=_environment(), check=False)  # noqa: S603
    if finished.returncode != 0:
        raise BenchError(f"{module} could not be packed: {finished.stderr.strip()}")


def _start(path: Path) -> tuple[float, float, float]:
    program = f"{_HOOK}\nimport runpy\nrunpy.run_path({str(path)!r}, run_name='__main__')"
    finished = _timed(program, path.parent)
    told = [line.split()[1:] for line in finished.stdout.splitlines() if line.startswith("STARTED")]
    if not told:
        raise BenchError(f"{path.name} did not connect: {finished.stdout.strip()} {finished.stderr.strip()}")
    seconds, processor_seconds, files = map(float, told[0])
    return seconds, processor_seconds, files


def _libraries_seconds(folder: Path) -> float:
    program = f"import os, time\n{_LIBRARIES}\nprint(time.monotonic() - float(os.environ['BEGUN']))"
    return float(_timed(program, folder).stdout)


def _timed(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program that knows when its process was started: the monotonic clock is the machine's."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # What a process that ends so early has unpacked is left there.
    environment["TMPDIR"] = str(folder)
    environment["BEGUN"] = str(time.monotonic())
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603


def main() -> int:
    """Print the figures."""
    for one in measure_starting():
        print(
            f"{one.module:<18} {one.seconds:.2f} s, {one.processor_seconds:.2f} s of the processor until it connects; "
            f"{one.files} files, payload {one.payload_bytes // 1024} KiB; "
            f"the libraries alone {one.libraries_seconds:.2f} s"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
