# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A few threads for what cannot be awaited, and nobody who waits for one of them too long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Result = TypeVar("_Result")


class TooSlowError(Exception):
    """Something was not done in time.

    :param begun: whether it had been begun; it then goes on, and nobody sees its end.
    """

    def __init__(self, begun: bool) -> None:
        super().__init__()
        self.begun = begun


class Threads:
    """A bounded number of threads.

    :param name: shown in a process list.
    :param seconds: how long to wait for the end of what is asked for, its turn included.
    """

    def __init__(self, name: str, count: int, seconds: float) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._seconds = seconds

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Call a function in one of the threads.

        :raises TooSlowError: if it does not end in time.
        """
        future = self._pool.submit(work)
        try:
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(future)), self._seconds)
        except TimeoutError:
            raise TooSlowError(begun=not future.cancel()) from None

    def close(self) -> None:
        """Begin nothing more, and wait for nothing."""
        self._pool.shutdown(wait=False, cancel_futures=True)
