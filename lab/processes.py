# SPDX-License-Identifier: GPL-3.0-or-later
"""Background processes of the lab: started here, found again and stopped by any later command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

_POLL_SECONDS = 0.05


class LabError(Exception):
    """The lab cannot do what was asked; the message says why and what helps."""


@dataclass(frozen=True)
class _ProcessIdentity:
    """A process id together with its start time, for ids are used again."""

    pid: int
    started: str


class BackgroundProcess:
    """One named process that belongs to a folder.

    `FOLDER/NAME.process.json` says which process it is, `FOLDER/NAME.log` takes its output.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.log_path = folder / f"{name}.log"
        self._record_path = folder / f"{name}.process.json"
        self._child: subprocess.Popen[bytes] | None = None

    def start(
        self,
        command: Sequence[str | Path],
        *,
        hold_standard_input: bool = False,
        folder: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Start `command` in a process group of its own, its output going to a new log.

        `folder` is its working directory, `variables` come on top of our environment.
        `hold_standard_input` gives it a pipe that ends when this process does: a server that
        leaves on the end of its input then cannot outlive us. Raises LabError if it runs already.
        """
        if self.is_running():
            raise LabError(f"{self.name} is running already")
        self._record_path.unlink(missing_ok=True)
        with self.log_path.open("wb") as log:
            self._child = subprocess.Popen(
                [os.fspath(word) for word in command],
                stdin=subprocess.PIPE if hold_standard_input else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=folder,
                env={**_environment(), **(variables or {})},
            )
        identity = _ProcessIdentity(self._child.pid, _start_time(self._child.pid) or "")
        self._record_path.write_text(json.dumps(asdict(identity)), encoding="utf-8")

    def wait_until(self, is_ready: Callable[[], bool], *, seconds: float = 30.0) -> None:
        """Return once `is_ready()` is true; stop the process and raise LabError if that fails."""
        deadline = time.monotonic() + seconds
        while self.is_running() and time.monotonic() < deadline:
            if is_ready():
                return
            time.sleep(_POLL_SECONDS)
        state = "not ready in time" if self.is_running() else "ended while starting"
        self.stop()
        raise LabError(f"{self.name}: {state}; the end of {self.log_path}:\n{self._log_tail()}")

    def is_running(self) -> bool:
        """Whether the process that was started last is still alive."""
        return self._identity() is not None

    @property
    def pid(self) -> int | None:
        """The id of the running process, or None."""
        identity = self._identity()
        return identity.pid if identity else None

    def stop(self, *, seconds: float = 10.0) -> None:
        """End the process and its whole group: SIGTERM, then SIGKILL after `seconds`.

        Nothing happens when it is not running.
        """
        identity = self._identity()
        if identity:
            _signal_group(identity.pid, signal.SIGTERM)
            if not self.wait_for_end(seconds=seconds):
                _signal_group(identity.pid, signal.SIGKILL)
                self.wait_for_end(seconds=seconds)
        self._reap()
        self._record_path.unlink(missing_ok=True)

    def wait_for_end(self, *, seconds: float) -> bool:
        """Wait up to `seconds` for the process to end by itself; whether it has."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._identity() is None:
                return True
            time.sleep(_POLL_SECONDS)
        return False

    def _identity(self) -> _ProcessIdentity | None:
        if self._child is not None:
            self._child.poll()
        if not self._record_path.exists():
            return None
        identity = _ProcessIdentity(**json.loads(self._record_path.read_text(encoding="utf-8")))
        return identity if _start_time(identity.pid) == identity.started else None

    def _reap(self) -> None:
        if self._child is None:
            return
        if self._child.stdin is not None:
            self._child.stdin.close()
        self._child.wait()
        self._child = None

    def _log_tail(self) -> str:
        if not self.log_path.exists():
            return "(empty)"
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-15:])


def _start_time(pid: int) -> str | None:
    """A live process' start time in ticks since boot (proc(5), stat); None if ended or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def _environment() -> dict[str, str]:
    """Ours without the settings that would bend another Python, such as samba-tool's."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
