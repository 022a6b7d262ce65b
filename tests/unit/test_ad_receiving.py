# SPDX-License-Identifier: GPL-3.0-or-later
"""Where entries are taken out of what the library receives: what it gets all the same, and what it is asked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import (
    DirectoryError,
    DirectoryUnreachableError,
    IncompleteReadError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.reader import DirectoryReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.receiving import decode_as_they_come
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.search import Search, read_all
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import GroupQuery, UnitQuery, UserQuery

from tests.property.ldap_server import Element, Server, entry, integer, octets

BASE = "DC=lab,DC=test"
OBJECTS = {
    f"CN=Person {number},{BASE}".encode(): {"cn": [b"Person %d" % number], "member": [b"CN=%d" % n for n in range(9)]}
    for number in range(7)
}
SEARCH = Search(BASE, "(objectClass=*)", ("cn", "member"))


def sent(messages: list[Element], _number: int) -> bytes:
    return b"".join(message.encode() for message in messages)


def server(alter: Callable[[list[Element], int], bytes] = sent, **more: Any) -> Server:
    return Server(OBJECTS, alter, page_limit=5, **more)


def read(alter: Callable[[list[Element], int], bytes] = sent, **more: Any) -> dict[str, dict[str, list[bytes]]]:
    return {found.dn: found.values for found in read_all(server(alter, **more).connection(), SEARCH)}


WHOLE = {dn.decode(): values for dn, values in OBJECTS.items()}


def test_entries_are_decoded_here_and_the_rest_by_the_library() -> None:
    connection = server().connection()
    assert connection.search(BASE, SEARCH.filter, attributes=["cn"], paged_size=5)
    assert [item["raw_attributes"]["cn"] for item in connection.response] == [[b"Person %d" % n] for n in range(5)]
    # The library decodes values once more, as text.
    assert all("attributes" not in item for item in connection.response)
    assert connection.result["type"] == "searchResDone"


def test_an_entry_of_another_form_is_decoded_by_the_library() -> None:
    def alter(messages: list[Element], _number: int) -> bytes:
        (messages[1].inner or []).append(Element(0xA0, inner=[]))
        return sent(messages, 0)

    connection = server(alter).connection()
    assert connection.search(BASE, SEARCH.filter, attributes=["cn"], paged_size=5)
    assert {item["dn"] for item in connection.response} == set(list(WHOLE)[:5])
    # From there on to the end of what came at once, so that what comes after an end is not taken for a part of it.
    assert ["attributes" in item for item in connection.response] == [False, True, True, True, True]
    assert read(alter) == WHOLE


def test_a_library_that_works_otherwise_decodes_all_itself() -> None:
    connection: Any = SimpleNamespace(strategy=SimpleNamespace(), post_send_search=print)
    decode_as_they_come(connection)
    assert vars(connection) == {"strategy": SimpleNamespace(), "post_send_search": print}

    connection = server().connection()
    connection.post_send_search = connection.strategy.post_send_search
    connection.search(BASE, SEARCH.filter, attributes=["cn"], paged_size=5)
    assert all("attributes" in item for item in connection.response)


class WaitingServer(Server):
    """As a server does that has answered and keeps the connection."""

    def recv(self, size: int) -> bytes:
        part = super().recv(size)
        assert part, "an answer that came whole is waited for"
        return part


@pytest.mark.parametrize("part", [1, 2, 3, 7, 100, 333, 5000])
def test_answers_in_parts_of_any_size(part: int) -> None:
    place = WaitingServer(OBJECTS, sent, page_limit=5, part=part)
    assert {found.dn: found.values for found in read_all(place.connection(), SEARCH)} == WHOLE


def test_messages_larger_than_what_is_received_at_once() -> None:
    large = [b"CN=%06d" % number for number in range(20_000)]
    held = {f"CN=Large,{BASE}".encode(): {"member": large}, **OBJECTS}
    found = read_all(WaitingServer(held, sent, page_limit=5, range_limit=100_000).connection(), SEARCH)
    assert found[0].values["member"] == large


@pytest.mark.parametrize("kept", [0, 1, 2, 10, -1])
def test_a_connection_that_ends_within_an_answer(kept: int) -> None:
    def alter(messages: list[Element], number: int) -> bytes:
        return sent(messages, number)[:kept] if number else sent(messages, number)

    with pytest.raises(DirectoryUnreachableError, match=f"lost while {BASE} was read"):
        read(alter)


@pytest.mark.parametrize("error", [TimeoutError("timed out"), ConnectionResetError("reset"), AttributeError("recv")])
def test_a_connection_that_fails_is_closed(error: Exception) -> None:
    place = server()
    connection = place.connection()

    def fail(_size: int) -> bytes:
        raise error

    connection.socket = SimpleNamespace(recv=fail, sendall=place.sendall, shutdown=print, close=print)
    with pytest.raises(DirectoryUnreachableError, match=f"error receiving data: {error}"):
        read_all(connection, SEARCH)
    assert connection.closed


def test_an_answer_to_another_question_is_refused() -> None:
    def alter(messages: list[Element], _number: int) -> bytes:
        return sent([entry(99, b"CN=x," + BASE.encode(), {}), *messages], 0)

    with pytest.raises(DirectoryUnreachableError, match="invalid messageId"):
        read(alter)


def test_an_entry_after_the_end_is_no_part_of_an_answer() -> None:
    def alter(messages: list[Element], _number: int) -> bytes:
        return sent([*messages, messages[0]], 0)

    with pytest.raises(IncompleteReadError, match="not LDAP"):
        read(alter)


def test_a_notice_of_disconnection() -> None:
    def alter(messages: list[Element], _number: int) -> bytes:
        notice = Element(
            0x78, inner=[integer(52, 0x0A), octets(b""), octets(b""), Element(0x8A, b"1.3.6.1.4.1.1466.20036")]
        )
        return sent([*messages[:2], Element(0x30, inner=[integer(0), notice])], 0)

    with pytest.raises(DirectoryUnreachableError, match="terminated by server"):
        read(alter)


def test_what_is_no_ldap_at_all() -> None:
    with pytest.raises(DirectoryError):
        read(lambda _messages, _number: b"HTTP/1.1 400 Bad Request\r\n\r\n")


# What is asked for


ROOT_DSE = {"defaultNamingContext"}
NODE = {"objectGUID"}
USER = {"objectGUID", "sAMAccountName", "userAccountControl", "accountExpires", "primaryGroupID", "mail", "title"}
LOOK_UP = {"isDeleted", "objectClass", "objectCategory", "groupType"}
GUID = "00000001-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda reader: reader.identify(), [ROOT_DSE | {"dnsHostName", "currentTime"}]),
        (lambda reader: reader.read_users(UserQuery((BASE,))), [USER]),
        (lambda reader: reader.find_user("someone"), [USER]),
        (lambda reader: reader.find_user(f"CN=Someone,{BASE}"), [USER]),
        (lambda reader: reader.look_up_users([GUID]), [ROOT_DSE, USER | LOOK_UP, NODE | LOOK_UP]),
        (lambda reader: reader.look_up_objects([GUID]), [ROOT_DSE, NODE | LOOK_UP, NODE | LOOK_UP]),
        (lambda reader: reader.read_groups(), [ROOT_DSE, {"objectGUID", "name", "objectSid", "member"}]),
        (lambda reader: reader.find_groups(GroupQuery(base=BASE, types=frozenset())), [NODE]),
        (lambda reader: reader.find_group("some group"), [ROOT_DSE, NODE]),
        (lambda reader: reader.find_organizational_unit(f"OU=Some,{BASE}"), [NODE]),
        (lambda reader: reader.find_organizational_unit("Some"), [NODE]),
        (lambda reader: reader.read_units(UnitQuery(bases=(BASE,), named=True)), [NODE]),
        (lambda reader: reader.lockout_threshold(), [ROOT_DSE, {"lockoutThreshold"}]),
    ],
)
def test_no_attribute_is_asked_for_that_is_not_used(
    ask: Callable[[DirectoryReader], Any], expected: list[set[str]]
) -> None:
    """A directory that has nothing but the domain; what is asked after the last is of no interest here."""
    place = Server({b"": {"defaultNamingContext": [BASE.encode()]}}, sent)
    with suppress(DirectoryError):
        ask(DirectoryReader(place.connection(), BASE, ("mail", "title")))
    assert [set(asked) for asked in place.asked if asked != ["1.1"]][: len(expected)] == expected
