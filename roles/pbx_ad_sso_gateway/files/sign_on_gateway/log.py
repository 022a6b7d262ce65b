# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service tells its administrator: one line an event, of key=value pairs, on standard error.

No password, token, signature or cookie ever comes here, and what a user typed cannot make a line of its own.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from traceback import extract_tb
from typing import TextIO

from starlette.types import Scope

_LONGEST_VALUE = 256
_LOGGER = logging.getLogger("sign_on_gateway")


def set_up(stream: TextIO = sys.stderr) -> None:
    """Send the events of this service, and what the web server warns of, to a stream."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Formatter())
    logging.root.handlers = [handler]
    logging.root.setLevel(logging.WARNING)
    _LOGGER.setLevel(logging.INFO)


def tell(event: str, **values: object) -> None:
    """Log an event that is in order; values that are None are left out."""
    _LOGGER.info("%s", _line(event, values))


def warn(event: str, **values: object) -> None:
    """Log an event that the administrator should look at."""
    _LOGGER.warning("%s", _line(event, values))


def fault(event: str, error: BaseException, **values: object) -> None:
    """Log an exception that nobody foresaw: its type and where it came from. Its text may hold secrets."""
    frames = extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown"
    warn(event, error=type(error).__name__, place=place, **values)


def turned_away(scope: Scope, status: int, problem: str, *, cause: str | None = None, text: str | None = None) -> None:
    """Log a request that is refused before anybody's name and password are tried.

    :param problem: what the browser is told: a code of ``pages.problem_codes``.
    :param cause: what it was, and ``text`` more of it in words; None where the problem says it.
    """
    client = scope.get("client")
    tell(
        "turned_away",
        status=status,
        problem=problem,
        method=scope["method"],
        path=scope["path"],
        address=client[0] if client else "",
        cause=cause,
        text=text,
    )


def _line(event: str, values: dict[str, object]) -> str:
    pairs = (f"{name}={_shown(value)}" for name, value in values.items() if value is not None)
    return " ".join([f"event={event}", *pairs])


def _shown(value: object) -> str:
    """A value on one line: as it is if it is one plain word, else as a string of JSON, which has ASCII alone."""
    text = str(value)
    if len(text) > _LONGEST_VALUE:
        text = f"{text[:_LONGEST_VALUE]}..."
    is_plain = text.isascii() and text.isprintable() and not set(text) & set(' "=\\')
    return text if text and is_plain else json.dumps(text).replace("\x7f", "\\u007f")


class _Formatter(logging.Formatter):
    """Time, level and the line; what a library logs becomes one event of its own, without its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        text = record.getMessage()
        if record.name != _LOGGER.name:
            text = _line("library", {"logger": record.name, "text": text})
        return f"time={time} level={record.levelname.lower()} {text}"
