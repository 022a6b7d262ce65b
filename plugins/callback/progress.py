# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback plugin pbxops.yeastar.progress."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: aggregate
short_description: Show how far a synchronization has come
version_added: 0.1.0
author:
  - The pbxops.yeastar maintainers (@pbxops)
description:
  - While a module of this collection carries changes out, shows how many of them are behind it, how many failed, how many
    are done in a second and how long the rest will take.
  - On a terminal that is one line, which is rewritten and is gone when the task is over. In AWX, in CI and in files it is
    a line from time to time.
  - All of it goes to the standard error, so that the standard output of a playbook is the same with it and without.
  - In check mode, and where nothing is to be changed, there is nothing to show.
requirements:
  - To be named in C(callbacks_enabled) of the section C(defaults) of C(ansible.cfg), or in the environment variable
    C(ANSIBLE_CALLBACKS_ENABLED).
  - Modules that run on the controller (C(connection=local)) and as the user who runs the playbook (no C(become)). Of others
    nothing is shown.
options:
  show:
    description:
      - V(auto) is a bar on a terminal, and lines elsewhere. A terminal of AWX or ansible-runner, of CI (the environment
        variable C(CI) is set), or one that cannot rewrite a line (C(TERM) is V(dumb) or not set) is none.
      - V(bar) is a bar on such a terminal, and nothing elsewhere.
      - V(lines) is lines everywhere.
      - V(nothing) is not a byte, for a run that is to be quiet where C(ansible.cfg) enables this plugin.
    type: str
    choices: [auto, bar, lines, nothing]
    default: auto
    env:
      - name: PBX_AD_PROGRESS
    ini:
      - section: callback_pbxops_yeastar_progress
        key: show
  every_seconds:
    description: A line is written after so many seconds, whether anything has moved or not.
    type: int
    default: 30
    env:
      - name: PBX_AD_PROGRESS_SECONDS
    ini:
      - section: callback_pbxops_yeastar_progress
        key: every_seconds
  every_percent:
    description: A line is also written each time that so many percent more of the changes are done; V(0) for no such lines.
    type: int
    default: 10
    env:
      - name: PBX_AD_PROGRESS_PERCENT
    ini:
      - section: callback_pbxops_yeastar_progress
        key: every_percent
"""

import atexit
import os
import shutil
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO, cast

from ansible import constants
from ansible.plugins.callback import CallbackBase
from ansible.utils.display import Display
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.progress import PROGRESS_FILE
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.progress import (
    Pace,
    Seen,
    bar_line,
    duration,
    is_rewritable,
    last_seen,
    plain_line,
    together,
)

_MODULES = "pbxops.yeastar.pbx_ad_"
_LOOK_EVERY = 0.25
# A task that is over at once is not shown at all.
_SHOWN_AFTER = 1.0
_TAIL = 1024
_ERASE_LINE = "\r\x1b[K"


@dataclass(slots=True)
class _Watched:
    """A task on a host, and what it was last seen to tell."""

    host: str
    path: Path
    began: float
    seen: Seen | None = None

    def look(self) -> None:
        """Read what the module has told last."""
        with suppress(OSError), self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - _TAIL))
            self.seen = last_seen(file.read().decode(errors="replace")) or self.seen


class _View(Protocol):
    """What shows how far tasks have come."""

    def show(self, watched: list[_Watched], now: float) -> None:
        """Show how far these tasks have come."""

    def end(self, watched: _Watched) -> None:
        """Show what is to be seen of a task last."""

    def close(self) -> None:
        """Leave nothing behind."""


class _Lines:
    """Lines that stay."""

    def __init__(self, display: Display, pace: Pace) -> None:
        self._display = display
        self._pace = pace
        self._told: dict[Path, tuple[Seen, float]] = {}

    def show(self, watched: list[_Watched], now: float) -> None:
        """Write a line of each task for which it is time."""
        for one in watched:
            if one.seen is None:
                continue
            told, at = self._told.get(one.path, (None, now))
            if self._pace.is_due(one.seen, told, now - at):
                self._told[one.path] = one.seen, now
                self._display.display(plain_line(one.host, one.seen), stderr=True)

    def end(self, watched: _Watched) -> None:
        """Write a line of where a task has ended, unless the last one has told that."""
        told, _at = self._told.pop(watched.path, (None, 0.0))
        if watched.seen is not None and watched.seen != told:
            self._display.display(plain_line(watched.host, watched.seen), stderr=True)

    def close(self) -> None:
        """Leave the lines as they are."""


class _Bar:
    """The last line of a terminal, which is rewritten, and makes way for whatever else is written to it."""

    def __init__(self, display: Display) -> None:
        # What Ansible writes it writes under this lock, and it starts no process while another thread holds it.
        self._lock = getattr(display, "_lock", None) or threading.RLock()
        self._streams = sys.stdout, sys.stderr
        self._is_shown = False
        sys.stdout, sys.stderr = (cast("TextIO", _MakesWay(stream, self)) for stream in self._streams)

    def show(self, watched: list[_Watched], now: float) -> None:
        """Write the line anew."""
        text = self._text(watched, now)
        with self._lock:
            if text:
                self._write(f"{_ERASE_LINE}{text}")
                self._is_shown = True
            else:
                self.make_way()

    def _text(self, watched: list[_Watched], now: float) -> str:
        shown = [one for one in watched if now - one.began >= _SHOWN_AFTER or one.seen is not None]
        if not shown:
            return ""
        name = shown[0].host if len(shown) == 1 else f"{len(shown)} hosts"
        seen = together(one.seen for one in shown if one.seen is not None)
        # A terminal that is full to its last column begins a new line.
        width = self._width() - 1
        if seen is None:
            return f"{name}  reads and plans, {duration(now - min(one.began for one in shown))}"[:width]
        return bar_line(name, seen, width)

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self._streams[1].fileno()).columns or _fallback_width()
        except OSError:
            return _fallback_width()

    def end(self, watched: _Watched) -> None:
        """Take the line away; the next look writes that of the tasks that are left."""
        self.make_way()

    def make_way(self) -> None:
        """Take the line away."""
        with self._lock:
            if self._is_shown:
                self._is_shown = False
                self._write(_ERASE_LINE)

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            self._streams[1].write(text)
            self._streams[1].flush()

    def close(self) -> None:
        """Take the line away and give the streams back."""
        self.make_way()
        sys.stdout, sys.stderr = self._streams


class _MakesWay:
    """A stream before whose every text the bar is taken away."""

    def __init__(self, stream: TextIO, line: _Bar) -> None:
        self._stream = stream
        self._line = line

    def write(self, text: str) -> int:
        """Write to the stream."""
        self._line.make_way()
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _fallback_width() -> int:
    return shutil.get_terminal_size().columns


class CallbackModule(CallbackBase):
    """Gives each task of this collection a file to tell in how far it has come, and shows what it reads there."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "pbxops.yeastar.progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, display: Any = None, options: Any = None) -> None:
        super().__init__(display=display, options=options)
        self._view: _View | None = None
        self._folder: Path | None = None
        self._watched: dict[tuple[str, str], _Watched] = {}
        # Ends the watching that goes on.
        self._is_over: threading.Event | None = None
        self._lock = threading.Lock()
        self._given = 0

    def set_options(self, *arguments: Any, **values: Any) -> None:
        """Take the options; where there is nothing to be shown, Ansible asks no more of this plugin."""
        super().set_options(*arguments, **values)
        show = self.get_option("show")
        self._has_bar = show in ("auto", "bar") and is_rewritable(sys.stderr, os.environ)
        self.disabled = show == "nothing" or (show == "bar" and not self._has_bar)
        self._pace = Pace(self.get_option("every_seconds"), self.get_option("every_percent"))

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """Give a task its file, by an environment variable; Ansible starts the task's process after this."""
        os.environ.pop(PROGRESS_FILE, None)
        if not str(task.resolved_action or task.action).startswith(_MODULES):
            return
        watched = _Watched(host.get_name(), self._new_file(), time.monotonic())
        with self._lock:
            self._watched[watched.host, task._uuid] = watched
        os.environ[PROGRESS_FILE] = str(watched.path)
        self._watch()

    def _new_file(self) -> Path:
        if self._folder is None:
            # Ansible's own folder for what is left of no run, readable by its user alone; it is deleted at every end.
            inside = constants.DEFAULT_LOCAL_TMP  # type: ignore[attr-defined]
            self._folder = Path(tempfile.mkdtemp(prefix="progress-", dir=inside))
        self._given += 1
        path = self._folder / str(self._given)
        path.touch(mode=0o600, exist_ok=False)
        return path

    def _watch(self) -> None:
        if self._is_over is not None:
            return
        self._is_over = threading.Event()
        self._view = _Bar(self._display) if self._has_bar else _Lines(self._display, self._pace)
        threading.Thread(target=self._keep_looking, args=(self._is_over,), name="progress", daemon=True).start()
        atexit.register(self._close)

    def _keep_looking(self, is_over: threading.Event) -> None:
        while not is_over.wait(_LOOK_EVERY):
            with self._lock:
                watched = list(self._watched.values())
                for one in watched:
                    one.look()
                if self._view is not None:
                    self._view.show(watched, time.monotonic())

    def v2_runner_on_ok(self, result: Any) -> None:
        """Show the end of a task."""
        self._end(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Show the end of a task."""
        self._end(result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Watch a task no more that was not run."""
        self._end(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Watch a task no more whose host could not be reached."""
        self._end(result)

    def _end(self, result: Any) -> None:
        with self._lock:
            watched = self._watched.pop((result._host.get_name(), result._task._uuid), None)
            if watched is None:
                return
            watched.look()
            watched.path.unlink(missing_ok=True)
            if self._view is not None:
                self._view.end(watched)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Leave nothing behind; there may be another playbook."""
        self._close()

    def _close(self) -> None:
        os.environ.pop(PROGRESS_FILE, None)
        with self._lock:
            if self._is_over is not None:
                self._is_over.set()
            if self._view is not None:
                self._view.close()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
            self._is_over = self._view = self._folder = None
            self._watched.clear()
