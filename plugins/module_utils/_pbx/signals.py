# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Signals that end a run, turned into an exception, so that every ``with`` block above unwinds."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class RunInterruptedError(YeastarError):
    """A signal asked the run to end. Not a ``PbxError``: nothing that goes on after one object may take it.

    :param number: the signal's number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(
            f"The run was interrupted by {signal.Signals(number).name}.",
            "Run again; what was begun is then looked at and completed.",
        )
        self.number = number


@contextmanager
def signals_raise() -> Iterator[None]:
    """Within this block, SIGTERM, SIGINT and SIGHUP raise RunInterruptedError; the handlers are put back after it.

    The first of them does; those that follow while the block unwinds are let pass. A signal that the process ignores
    (``nohup``) stays ignored. Outside of the main thread, where Python handles no signals, this does nothing.
    """
    with _handled_by(_interrupt):
        yield


@contextmanager
def signals_held() -> Iterator[None]:
    """Within this block the ending signals wait, and take effect at its end.

    For the few steps that must not be cut in two: an access token that was given but not noted could not be
    revoked. A signal mask would not do: another thread could take the signal, and Python would then run the handler
    in the main thread all the same.
    """
    arrived: list[int] = []
    try:
        with _handled_by(lambda number, _frame: arrived.append(number)):
            yield
    finally:
        for number in dict.fromkeys(arrived):
            signal.raise_signal(number)


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Within this block the ending signals that are not ignored go to this handler."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # None is a handler that Python did not install and could not put back.
    previous = {
        number: present
        for number in ENDING_SIGNALS
        if (present := signal.getsignal(number)) not in (signal.SIG_IGN, None)
    }
    try:
        for number in previous:
            signal.signal(number, handler)
        yield
    finally:
        for number, present in previous.items():
            signal.signal(number, present)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    """End the run. One signal is enough: a second one while the blocks unwind would cut short what they put right."""
    for other in ENDING_SIGNALS:
        if signal.getsignal(other) is _interrupt:
            signal.signal(other, _let_pass)
    raise RunInterruptedError(number)


def _let_pass(_number: int, _frame: FrameType | None) -> None:
    """Do nothing. Not SIG_IGN: Python complains of a signal that was pending when that was set."""
