# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Calls under way side by side, each in a thread. All that decides or remembers stays in the thread of the run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

_Result = TypeVar("_Result")


class Workers(Protocol):
    """Those who make the calls.

    :ivar most: how many of them there are.
    """

    most: int

    def begin(self, work: Callable[[], _Result]) -> Future[_Result]:
        """Let one of them do something."""

    def first_over(self, begun: Collection[Future[Any]], patience: float | None = None) -> Collection[Future[Any]]:
        """Wait until any of these is over, and return those that are.

        :param patience: seconds to wait at most; None for as long as it takes.
        """


class Threads(Workers):
    """Threads of this process.

    :param pool: where they are.
    :param most: how many of them there are.
    """

    def __init__(self, pool: ThreadPoolExecutor, most: int) -> None:
        self._pool = pool
        self.most = most

    def begin(self, work: Callable[[], _Result]) -> Future[_Result]:
        """See ``Workers``."""
        return self._pool.submit(work)

    def first_over(self, begun: Collection[Future[Any]], patience: float | None = None) -> Collection[Future[Any]]:
        """See ``Workers``."""
        return wait(begun, timeout=patience, return_when=FIRST_COMPLETED).done


@contextmanager
def threads(most: int) -> Iterator[Workers]:
    """Threads for the length of a ``with`` block, which ends when none of them is at work any more.

    :param most: how many of them, at least 1.
    """
    pool = ThreadPoolExecutor(most, thread_name_prefix="pbx")
    try:
        yield Threads(pool, most)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class OneAfterTheOther(Workers):
    """No threads: what is begun is done at once."""

    most = 1

    def begin(self, work: Callable[[], _Result]) -> Future[_Result]:
        """See ``Workers``."""
        future: Future[_Result] = Future()
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(error)
        return future

    def first_over(self, begun: Collection[Future[Any]], patience: float | None = None) -> Collection[Future[Any]]:  # noqa: ARG002 (nothing is waited for)
        """See ``Workers``."""
        return list(begun)
