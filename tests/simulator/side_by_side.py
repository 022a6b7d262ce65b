# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers whose turns are drawn: of all threads one runs at a time, and chance says which goes on at each call.

So calls that are under way side by side meet in every order, and a seed always gives the same one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from random import Random
from typing import Any, TypeVar

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.side_by_side import Workers

from tests.simulator.troubles import KilledError, Troubles

_Result = TypeVar("_Result")


class _Worker:
    """One thread, which runs only while it has the turn.

    :param work: what it does, once it has the turn for the first time.
    """

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._turn = threading.Semaphore(0)
        self._back = threading.Semaphore(0)
        self._is_abandoned = False
        self.is_over = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def go_on(self) -> None:
        """Give it the turn, and wait until it gives it back."""
        self._turn.release()
        self._back.acquire()

    def abandon(self) -> None:
        """Let it do nothing any more: its process is gone."""
        self._is_abandoned = True
        self.go_on()

    def rest(self) -> None:
        """In its own thread: give the turn back, and wait for the next one.

        :raises KilledError: if there is none.
        """
        self._back.release()
        self._turn.acquire()
        if self._is_abandoned:
            raise KilledError

    def _run(self) -> None:
        self._turn.acquire()
        if not self._is_abandoned:
            self._work()
        self.is_over = True
        self._back.release()


class DrawnTurns(Workers):
    """Workers whose turns are drawn.

    :param most: how many of them there are.
    :param random: where the turns come from.
    :param troubles: tell whether the process has been killed.
    """

    def __init__(self, most: int, random: Random, troubles: Troubles) -> None:
        self.most = most
        self._random = random
        self._troubles = troubles
        self._at_work: list[_Worker] = []

    def begin(self, work: Callable[[], _Result]) -> Future[_Result]:
        """See ``Workers``."""
        future: Future[_Result] = Future()

        def do() -> None:
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)

        self._at_work.append(_Worker(do))
        return future

    def first_over(
        self,
        begun: Collection[Future[Any]],
        patience: float | None = None,
    ) -> Collection[Future[Any]]:
        """See ``Workers``; now and then it waits for more than one."""
        wanted = self._random.randint(1, len(begun))
        while sum(future.done() for future in begun) < wanted:
            self._take_a_turn()
        return [future for future in begun if future.done()]

    def pause(self) -> None:
        """Let others have their turns; in the thread of the run, which has none, this does nothing."""
        if self._troubles.is_dead:
            return
        for worker in self._at_work:
            if worker.thread is threading.current_thread():
                worker.rest()

    def close(self) -> None:
        """Wait for those that are still at work; those of a process that is killed do nothing any more."""
        while self._at_work and not self._troubles.is_dead:
            self._take_a_turn()
        while self._at_work:
            worker = self._at_work.pop()
            worker.abandon()
            worker.thread.join()

    def _take_a_turn(self) -> None:
        worker = self._random.choice(self._at_work)
        worker.go_on()
        if worker.is_over:
            self._at_work.remove(worker)


@contextmanager
def drawn_turns(workers: DrawnTurns) -> Iterator[Workers]:
    """Give workers, and end them with the ``with`` block."""
    try:
        yield workers
    finally:
        workers.close()
