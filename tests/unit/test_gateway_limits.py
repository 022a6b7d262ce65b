# SPDX-License-Identifier: GPL-3.0-or-later
"""Attempts count from before they are made, and sessions are found by their secret alone, for their time."""

from __future__ import annotations

import pickle
import threading

import pytest
from sign_on_gateway.limits import Attempts, address_key
from sign_on_gateway.sessions import Sessions


class Clock:
    """A time that tests move."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_attempts_slide_out_of_their_time_one_by_one() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for clock.now in (100, 110, 120):
        assert attempts.make("anna", 3, 60)
    for clock.now in (130, 159.9):
        assert attempts.make("anna", 3, 60) is None
    clock.now = 160
    assert attempts.make("anna", 3, 60)
    clock.now = 169.9
    assert attempts.make("anna", 3, 60) is None
    assert attempts.make("bert", 3, 60)


def test_what_is_given_back_counts_no_longer_and_only_once() -> None:
    attempts = Attempts(Clock())
    first = attempts.make("anna", 2, 60)
    assert first
    assert attempts.make("anna", 2, 60)
    first.give_back()
    first.give_back()
    assert attempts.make("anna", 2, 60)
    assert attempts.make("anna", 2, 60) is None


def test_threads_at_once_make_no_more_attempts_than_allowed() -> None:
    attempts = Attempts(Clock())
    made: list[object] = []
    start = threading.Barrier(32)

    def guess() -> None:
        start.wait()
        for _try in range(100):
            made.append(attempts.make("anna", 5, 60))

    threads = [threading.Thread(target=guess) for _thread in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 3200
    assert len([one for one in made if one]) == 5


def test_keys_are_bounded_and_those_that_count_are_kept() -> None:
    clock = Clock()
    attempts = Attempts(clock, most_keys=3)
    for key in ("a", "b", "c"):
        assert attempts.make(key, 1, 60)
    assert attempts.make("d", 1, 60) is None
    assert attempts.make("a", 1, 60) is None
    assert attempts.make("a", 2, 60)
    clock.now += 61
    assert attempts.make("d", 1, 60)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_addresses_count_as_those_who_have_them_do(address: str, key: str) -> None:
    assert address_key(address) == key


def test_a_session_is_found_by_its_secret_until_it_ends() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    secret, other = sessions.begin("guid-1", 60), sessions.begin("guid-1", 60)
    assert secret != other
    assert len(secret) >= 43
    clock.now += 59.9
    found = sessions.find(secret)
    assert found
    assert found.guid == "guid-1"
    clock.now += 0.1
    assert sessions.find(secret) is None
    clock.now -= 10
    assert sessions.find(secret) is None


def test_a_session_that_was_ended_is_gone_and_others_are_not() -> None:
    sessions = Sessions(Clock())
    secret, other = sessions.begin("guid-1", 60), sessions.begin("guid-1", 60)
    sessions.end(secret)
    sessions.end("nonsense")
    assert sessions.find(secret) is None
    assert sessions.find(other)


@pytest.mark.parametrize("secret", ["", "x", "\udcff", "0" * 10_000])
def test_nonsense_finds_no_session(secret: str) -> None:
    sessions = Sessions(Clock())
    sessions.begin("guid-1", 60)
    assert sessions.find(secret) is None


def test_secrets_of_sessions_are_not_kept() -> None:
    sessions = Sessions(Clock())
    secret = sessions.begin("guid-1", 60)
    assert secret.encode() not in pickle.dumps(sessions._sessions)


def test_sessions_are_bounded_and_the_oldest_goes_first() -> None:
    sessions = Sessions(Clock(), most=2)
    first, second, third = (sessions.begin(guid, 60) for guid in ("1", "2", "3"))
    assert sessions.find(first) is None
    assert sessions.find(second)
    assert sessions.find(third)
