# SPDX-License-Identifier: GPL-3.0-or-later
"""A systemctl where no systemd runs: as much of one as a module of Ansible asks for, for services of Type=exec.

It starts a unit's own command as an ordinary process, with the unit's environment and credentials, and with those of
its restrictions that a process can take upon itself: no capabilities and no way to any, the mask of new files, no core
dump, and no memory that is both written and executed.

    python systemctl_stand_in.py UNITS STATE COMMAND [UNIT]
"""

from __future__ import annotations

import ctypes
import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

# linux/prctl.h
_PR_SET_MDWE, _PR_MDWE_REFUSE_EXEC_GAIN = 65, 1
_STOP_SECONDS = 20
_WITHOUT_RIGHTS = ["setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]


def settings(unit: Path, name: str) -> list[str]:
    """The values of a setting of a unit, in their order."""
    lines = unit.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(f"{name}=") for line in lines if line.startswith(f"{name}=")]


def words(line: str) -> list[str]:
    """What systemd makes of a line, as far as the roles use its quoting: C-like escapes and doubled signs."""
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(line)]


class Service:
    """One unit, and what is known of its process."""

    def __init__(self, unit: Path, state: Path) -> None:
        self.unit = unit
        self.credentials = state / "credentials" / unit.name
        self.log = state / f"{unit.name}.log"
        self.enabled = state / f"{unit.name}.enabled"
        self._process = state / f"{unit.name}.pid"

    def process(self) -> int | None:
        """The id of its process, None if none runs."""
        if not self._process.exists():
            return None
        number = int(self._process.read_text(encoding="ascii"))
        try:
            status = Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except OSError:
            return None
        return None if status == "Z" else number

    def start(self) -> None:
        """Start it; that its command was found is all that is waited for."""
        if self.process():
            return
        self._load_credentials()
        self._restrict()
        (command,) = settings(self.unit, "ExecStart")
        environment = dict(word.split("=", 1) for line in settings(self.unit, "Environment") for word in words(line))
        with self.log.open("ab") as log:
            started = subprocess.Popen(
                [*_WITHOUT_RIGHTS, *words(command)],
                cwd="/",
                env={"PATH": "/usr/bin:/bin", "CREDENTIALS_DIRECTORY": str(self.credentials), **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._process.write_text(str(started.pid), encoding="ascii")

    def stop(self) -> None:
        """Ask it to end, and see that it does."""
        number = self.process()
        if number is None:
            return
        os.kill(number, signal.SIGTERM)
        end = time.monotonic() + _STOP_SECONDS
        while self.process():
            if time.monotonic() > end:
                os.kill(number, signal.SIGKILL)
            time.sleep(0.05)
        self._process.unlink()

    def _load_credentials(self) -> None:
        shutil.rmtree(self.credentials, ignore_errors=True)
        self.credentials.mkdir(parents=True, mode=0o700)
        for line in settings(self.unit, "LoadCredential"):
            name, source = line.replace("%%", "%").split(":", 1)
            (self.credentials / name).write_bytes(Path(source).read_bytes())
            (self.credentials / name).chmod(0o400)

    def _restrict(self) -> None:
        """Take the unit's restrictions upon this process, of which the service inherits them and which ends at once."""
        (mask,) = settings(self.unit, "UMask")
        os.umask(int(mask, 8))
        (core,) = settings(self.unit, "LimitCORE")
        resource.setrlimit(resource.RLIMIT_CORE, (int(core), int(core)))
        # Refused by kernels before 6.3, where there is no such restriction.
        if settings(self.unit, "MemoryDenyWriteExecute") == ["true"]:
            ctypes.CDLL(None).prctl(_PR_SET_MDWE, _PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0)


def _show(service: Service) -> int:
    print(f"LoadState={'loaded' if service.unit.exists() else 'not-found'}")
    print(f"ActiveState={'active' if service.process() else 'inactive'}")
    return 0


def _is_enabled(service: Service) -> int:
    print("enabled" if service.enabled.exists() else "disabled")
    return 0 if service.enabled.exists() else 1


def _done(action: Callable[[], None]) -> int:
    action()
    return 0


def _restart(service: Service) -> int:
    service.stop()
    return _done(service.start)


_COMMANDS: dict[str, Callable[[Service], int]] = {
    "show": _show,
    "is-enabled": _is_enabled,
    "enable": lambda service: _done(service.enabled.touch),
    "disable": lambda service: _done(lambda: service.enabled.unlink(missing_ok=True)),
    "start": lambda service: _done(service.start),
    "stop": lambda service: _done(service.stop),
    "restart": _restart,
}


def main(arguments: list[str]) -> int:
    """Do what systemctl would; return its exit code."""
    units, state, command, *unit = arguments
    if command == "daemon-reload":
        return 0
    return _COMMANDS[command](Service(Path(units) / unit[0], Path(state)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
