# SPDX-License-Identifier: GPL-3.0-or-later
"""The log is one line an event, whatever a user types or a library says."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
from sign_on_gateway import log


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged; the loggers are put back afterwards."""
    root, own = logging.root, logging.getLogger("sign_on_gateway")
    before = (root.handlers, root.level, own.level)
    stream = io.StringIO()
    log.set_up(stream)
    yield stream
    root.handlers, own.level = before[0], before[2]
    root.setLevel(before[1])


def test_an_event_is_one_line_of_pairs(lines: io.StringIO) -> None:
    log.tell("signed_on", user="anna@example.com", number="1000", text=None)
    (line,) = lines.getvalue().splitlines()
    time, rest = line.split(" ", 1)
    assert time.startswith("time=20")
    assert rest == "level=info event=signed_on user=anna@example.com number=1000"


@pytest.mark.parametrize(
    "name",
    [
        "a@b\nlevel=info event=signed_on user=root@x",
        "a@b\r\n",
        "a@b\x00\x1b[31m\x7f",
        "a@b\u2028\u202e\u200b\ud800",
        'a"b@c event=x',
        "a=b@c",
        "müller@example.com",
        "ｇｗ@example.com",
        "back\\slash@x",
        "",
    ],
)
def test_what_a_user_types_makes_no_line_and_no_pair_of_its_own(lines: io.StringIO, name: str) -> None:
    log.tell("refused", user=name, cause="unknown_name")
    (line,) = lines.getvalue().splitlines()
    assert line.isascii()
    assert line.isprintable()
    assert line.endswith(" cause=unknown_name")
    assert line.split(" ", 3)[3].startswith('user="')


def test_a_long_value_is_cut(lines: io.StringIO) -> None:
    log.tell("refused", user="x" * 10_000)
    assert len(lines.getvalue()) < 400


def test_a_fault_is_told_without_its_text(lines: io.StringIO) -> None:
    try:
        raise KeyError("Correct-Horse-77")
    except KeyError as error:
        log.fault("internal_error", error, path="/")
    (line,) = lines.getvalue().splitlines()
    assert "error=KeyError place=test_gateway_log.py:" in line
    assert "Horse" not in line


def test_what_a_library_warns_of_is_one_event(lines: io.StringIO) -> None:
    try:
        raise ValueError("Correct-Horse-77")
    except ValueError:
        logging.getLogger("uvicorn.error").exception("a\nb")
    (line,) = lines.getvalue().splitlines()
    assert line.endswith('level=error event=library logger=uvicorn.error text="a\\nb"')
