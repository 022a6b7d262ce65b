# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading in pages: how much of it is held, and when something is given away."""

from __future__ import annotations

import tracemalloc

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import IncompleteReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.search import Entry, Search, read_objects

from tests.property.ldap_server import Element, Server

BASE = "DC=lab,DC=test"
SEARCH = Search(BASE, "(objectClass=*)", ("description",))
PAGE = 50


def sent(messages: list[Element], _number: int) -> bytes:
    return b"".join(message.encode() for message in messages)


def objects(count: int) -> dict[bytes, dict[str, list[bytes]]]:
    return {f"CN={number},{BASE}".encode(): {"description": [b"%04d" % number * 500]} for number in range(count)}


def peak(pages: int) -> int:
    """The bytes that reading so many pages takes at most, what is made of them not counted."""
    server = Server(objects(pages * PAGE + 1), sent, page_limit=PAGE)
    connection = server.connection()
    tracemalloc.start()
    try:
        assert len(read_objects(connection, SEARCH, lambda _entry: None)) == pages * PAGE + 1
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_memory_that_reading_takes_does_not_grow_with_the_directory() -> None:
    few, many = peak(4), peak(40)
    more_values = 36 * PAGE * 2000
    assert few > PAGE * 2000
    # What tells whether an entry comes twice is a few bytes for each.
    assert many - few < more_values / 5


def test_what_was_made_is_given_away_once_the_answer_is_proved() -> None:
    made: list[str] = []

    def cut(messages: list[Element], number: int) -> bytes:
        return sent(messages[1:] if number == 2 else messages, number)

    def make(entry: Entry) -> str:
        made.append(entry.dn)
        return entry.dn

    with pytest.raises(IncompleteReadError, match="gave 249 objects, and 250 when it was counted again"):
        read_objects(Server(objects(250), cut, page_limit=PAGE).connection(), SEARCH, make)
    assert len(made) == 249


def test_entries_are_dealt_with_as_they_come() -> None:
    server = Server(objects(PAGE + 1), sent, page_limit=PAGE, part=4000)
    left: list[int] = []
    read_objects(server.connection(), SEARCH, lambda _entry: left.append(len(server.pending)))
    assert len(left) == PAGE + 1
    assert left[0] > left[PAGE // 2] > left[PAGE - 1] == 0


@pytest.mark.parametrize("own_decoder", [True, False])
@pytest.mark.parametrize("error", [IncompleteReadError("no number"), ValueError("a fault of ours")], ids=type)
def test_an_entry_that_cannot_be_dealt_with_is_told_once_the_answer_is_read(
    error: Exception, own_decoder: bool
) -> None:
    connection = Server(objects(120), sent, page_limit=PAGE, part=4000).connection(own_decoder=own_decoder)

    def fail(_entry: Entry) -> None:
        raise error

    with pytest.raises(type(error), match=str(error)):
        read_objects(connection, SEARCH, fail)
    # The connection is where it was before the question.
    assert len(read_objects(connection, SEARCH, lambda entry: entry)) == 120


@pytest.mark.parametrize(
    ("count", "questions"),
    [
        pytest.param(0, 1, id="nothing, counted at once"),
        pytest.param(7, 1, id="less than a page, counted at once"),
        pytest.param(50, 1, id="a full page, counted at once"),
        pytest.param(100, 4, id="full pages alone, too many for a count at once: in three pages then"),
        pytest.param(120, 0, id="a last page that shows that it is the last"),
    ],
)
def test_what_is_counted_again(count: int, questions: int) -> None:
    server = Server(objects(count), sent, page_limit=PAGE)
    assert len(read_objects(server.connection(), SEARCH, lambda entry: entry)) == count
    assert server.asked.count(["1.1"]) == questions
