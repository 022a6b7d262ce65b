# SPDX-License-Identifier: GPL-3.0-or-later
"""One access token at a time, renewed in time, revoked however the run ends, and never shown."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.client import PbxClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    AnswerLostError,
    PbxAnswerError,
    PbxAuthenticationError,
    PbxBlockedError,
    PbxError,
    PbxInterfaceError,
    PbxPermissionError,
    PbxTokenLimitError,
    PbxUnreachableError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.settings import PbxSettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.signals import (
    RunInterruptedError,
    signals_held,
    signals_raise,
)

from lab.pbx.emulator import Emulator
from lab.pbx.testing import running_emulator
from lab.tls import CertificateAuthority
from tests.integration.pbx_helpers import LOST, ROOT, Hands, client_for, count, lose, new_extension

_PROJECT = Path(__file__).parents[2]
_TIMEOUT = 0.5
# Errcode OVERLOAD_TASK_RUNNING.
_BUSY = 70082


@pytest.fixture
def emulator(lab_authority: CertificateAuthority) -> Iterator[Emulator]:
    """A PBX with three extensions that gives out one access token at a time; after the test, none lives."""
    with running_emulator(authority=lab_authority, token_limit=1, extensions=3) as running:
        yield running
        assert running.state.live_tokens == 0


@pytest.fixture
def leaky_emulator(lab_authority: CertificateAuthority) -> Iterator[Emulator]:
    """A PBX for tests in which a token is left that nobody can know."""
    with running_emulator(authority=lab_authority, extensions=3) as running:
        yield running


def _vary(emulator: Emulator, **changes: Any) -> None:
    emulator.variants = emulator.variants.changed(**changes)


def _endpoints(emulator: Emulator) -> list[str]:
    return [call.endpoint for call in emulator.calls.all()]


# --- one token a run --------------------------------------------------------------------------------------------------


def test_run_gets_one_token_and_revokes_it(emulator: Emulator) -> None:
    with client_for(emulator) as client:
        client.identity()
        client.extensions()
        client.update_extension(1, {"title": "Head"}, (ROOT,))
        assert emulator.state.live_tokens == 1
    assert (count(emulator, "get_token"), count(emulator, "del_token")) == (1, 1)
    assert client.warnings == []


def test_token_is_revoked_after_an_exception(emulator: Emulator) -> None:
    def run() -> None:
        with client_for(emulator) as client:
            client.capacity()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert count(emulator, "del_token") == 1


@pytest.mark.parametrize("kind", LOST)
def test_lost_revocation_is_sent_again(emulator: Emulator, kind: str) -> None:
    lose(emulator, "del_token", kind)
    with client_for(emulator, timeout=_TIMEOUT) as client:
        client.capacity()
    assert client.warnings == []
    assert emulator.state.live_tokens == 0


@pytest.mark.parametrize("kind", ["cut_before_work", "http_500", "errcode"])
def test_token_that_cannot_be_revoked_is_told_and_hides_no_error(leaky_emulator: Emulator, kind: str) -> None:
    lose(leaky_emulator, "del_token", kind, nth=None)
    with client_for(leaky_emulator) as client:
        client.capacity()
    (warning,) = client.warnings
    assert "could not be revoked" in warning
    assert "30 minutes" in warning
    assert count(leaky_emulator, "del_token") == 3

    def run() -> None:
        with client_for(leaky_emulator) as client:
            client.capacity()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run()


# --- renewal ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{}, {"old_token_survives_refresh": True}, {"integers_as_strings": True}], ids=str)
def test_token_is_renewed_before_it_ends(emulator: Emulator, changes: dict[str, Any]) -> None:
    _vary(emulator, **changes)
    hands = Hands()
    with client_for(emulator, hands) as client:
        client.capacity()
        hands.now += 1499
        client.capacity()
        assert count(emulator, "refresh_token") == 0
        for _round in range(3):
            hands.now += 1501
            emulator.clock.advance(1501)
            client.capacity()
        assert emulator.state.live_tokens == 1
    assert (count(emulator, "refresh_token"), count(emulator, "get_token")) == (3, 1)


def test_refused_renewal_revokes_before_a_new_token_is_asked_for(emulator: Emulator) -> None:
    hands = Hands()
    emulator.fail("refresh_token", "errcode", nth=1, errcode=10004)
    with client_for(emulator, hands) as client:
        client.capacity()
        hands.now += 1501
        client.capacity()
    assert _endpoints(emulator) == [
        "get_token",
        "system/capacity",
        "refresh_token",
        "del_token",
        "get_token",
        "system/capacity",
        "del_token",
    ]


def test_busy_pbx_that_renews_no_token_gives_a_new_one_for_the_old(emulator: Emulator) -> None:
    hands = Hands()
    emulator.fail("refresh_token", "errcode", nth=1, errcode=_BUSY)
    with client_for(emulator, hands) as client:
        client.capacity()
        hands.now += 1501
        client.capacity()
    tokens = [endpoint for endpoint in _endpoints(emulator) if endpoint.endswith("_token")]
    assert tokens == ["get_token", "refresh_token", "del_token", "get_token", "del_token"]


def test_busy_pbx_that_renews_and_gives_no_token_ends_the_run(emulator: Emulator) -> None:
    hands = Hands()
    emulator.fail("refresh_token", "errcode", errcode=_BUSY)
    with client_for(emulator, hands) as client:
        client.capacity()
        emulator.fail("get_token", "errcode", errcode=_BUSY)
        hands.now += 1501
        for _call in range(3):
            with pytest.raises(PbxAnswerError, match="70082") as caught:
                client.create_extension(new_extension())
            assert caught.value.ends_run
    tokens = [endpoint for endpoint in _endpoints(emulator) if endpoint.endswith("_token")]
    assert tokens == ["get_token", "refresh_token", "del_token", "get_token"]


def test_busy_pbx_that_renews_and_revokes_no_token_ends_the_run(emulator: Emulator) -> None:
    """The old token lives on, so no new one is asked for; it is revoked in the end."""
    hands = Hands()
    emulator.fail("refresh_token", "errcode", nth=1, errcode=_BUSY)
    emulator.fail("del_token", "errcode", nth=1, errcode=_BUSY)
    with client_for(emulator, hands) as client:
        client.capacity()
        hands.now += 1501
        with pytest.raises(PbxAnswerError, match=r"revoke the access token: errcode 70082 .*busy") as caught:
            client.create_extension(new_extension())
        assert caught.value.ends_run
        assert not caught.value.outcome_unknown
    assert (count(emulator, "get_token"), count(emulator, "extension/create")) == (1, 0)
    assert client.warnings == []


@pytest.mark.parametrize("seconds", [1801, 100_000])
def test_run_goes_on_after_a_long_sleep(emulator: Emulator, seconds: int) -> None:
    hands = Hands()
    with client_for(emulator, hands) as client:
        client.capacity()
        hands.now += seconds
        emulator.clock.advance(seconds)
        assert client.capacity().extensions_used == 3


def test_renewal_that_never_reached_the_pbx_is_sent_again(emulator: Emulator) -> None:
    hands = Hands()
    lose(emulator, "refresh_token", "cut_before_work")
    with client_for(emulator, hands) as client:
        client.capacity()
        hands.now += 1501
        client.capacity()
    assert (count(emulator, "refresh_token"), count(emulator, "get_token")) == (2, 1)


@pytest.mark.parametrize("kind", ["cut_after_work", "cut_mid_answer", "garbage", "http_500 done", "errcode done"])
def test_lost_renewal_gets_no_second_token(leaky_emulator: Emulator, kind: str) -> None:
    hands = Hands()
    lose(leaky_emulator, "refresh_token", kind)
    with client_for(leaky_emulator, hands) as client:
        client.capacity()
        hands.now += 1501
        with pytest.raises(PbxUnreachableError, match="renewal") as caught:
            client.create_extension(new_extension())
    assert caught.value.ends_run
    assert not caught.value.outcome_unknown
    assert count(leaky_emulator, "get_token") == 1
    assert count(leaky_emulator, "extension/create") == 0
    assert leaky_emulator.state.live_tokens == 1


# --- several threads ------------------------------------------------------------------------------------------------


def _at_once(work: Callable[[], object], count: int) -> list[Future[object]]:
    """Do something in so many threads, which begin together."""
    barrier = threading.Barrier(count)

    def begin() -> object:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(count) as pool:
        return [pool.submit(begin) for _one in range(count)]


def test_threads_that_begin_together_log_in_once(emulator: Emulator) -> None:
    with client_for(emulator) as client:
        for future in _at_once(client.capacity, 8):
            future.result()
    assert (count(emulator, "get_token"), count(emulator, "system/capacity"), count(emulator, "del_token")) == (1, 8, 1)


@pytest.mark.parametrize("refresh_works", [True, False])
def test_threads_whose_token_ended_early_share_the_next_one(emulator: Emulator, refresh_works: bool) -> None:
    with client_for(emulator) as client:
        client.capacity()
        if not refresh_works:
            emulator.fail("refresh_token", "errcode", nth=1, errcode=10004)
        emulator.expire_tokens()
        for future in _at_once(client.capacity, 8):
            future.result()
        assert emulator.state.live_tokens == 1
    assert count(emulator, "refresh_token") == 1
    assert count(emulator, "get_token") == (1 if refresh_works else 2)


def test_threads_that_renew_a_token_in_time_renew_it_once(emulator: Emulator) -> None:
    hands = Hands()
    with client_for(emulator, hands) as client:
        client.capacity()
        hands.now += 1501
        for future in _at_once(client.capacity, 8):
            future.result()
    assert (count(emulator, "refresh_token"), count(emulator, "get_token")) == (1, 1)


def test_after_a_lost_renewal_no_thread_gets_a_token(leaky_emulator: Emulator) -> None:
    hands = Hands()
    lose(leaky_emulator, "refresh_token", "cut_after_work")
    with client_for(leaky_emulator, hands) as client:
        client.capacity()
        hands.now += 1501
        failures = [future.exception() for future in _at_once(client.capacity, 8)]
    assert [type(failure) for failure in failures] == [PbxUnreachableError] * 8
    assert count(leaky_emulator, "get_token") == 1
    assert count(leaky_emulator, "system/capacity") == 1


def test_once_the_client_is_closed_no_thread_is_given_a_token(emulator: Emulator) -> None:
    client = client_for(emulator)
    client.capacity()
    client.close()
    with pytest.raises(PbxUnreachableError, match="run has ended"):
        client.capacity()
    assert emulator.state.live_tokens == 0


# --- a token that ends early ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refresh_works", [True, False])
def test_token_that_ended_early_is_renewed_and_the_call_sent_again(emulator: Emulator, refresh_works: bool) -> None:
    with client_for(emulator) as client:
        client.capacity()
        for write in (
            lambda: client.create_extension(new_extension()),
            lambda: client.update_extension(1, {"title": "Head"}, (ROOT,)),
            lambda: client.delete_extension(2),
            lambda: client.send_welcome_emails([3]),
        ):
            if refresh_works:
                emulator.expire_tokens()
            else:
                # What a restart does: the PBX knows no token any more.
                with emulator.pbx.lock:
                    emulator.pbx.tokens._grants.clear()
            emulator.calls.clear()
            write()
            assert [call.errcode for call in emulator.calls.writes()] == [10004, 0]
    assert sorted(emulator.state.extensions) == ["1000", "1002", "1201"]


def test_token_said_to_have_ended_is_not_joined_by_a_second(emulator: Emulator) -> None:
    # The old one lives on: the single slot of this PBX would refuse another.
    emulator.fail("system/capacity", "errcode", nth=1, errcode=10004)
    with client_for(emulator) as client:
        assert client.capacity().extensions_used == 3


def test_call_is_given_up_when_the_new_token_ends_too(emulator: Emulator) -> None:
    emulator.fail("extension/create", "errcode", errcode=10004)
    with client_for(emulator) as client, pytest.raises(PbxAuthenticationError, match="10004"):
        client.create_extension(new_extension())
    assert count(emulator, "extension/create") == 2


def test_tokens_that_keep_ending_end_the_run(emulator: Emulator) -> None:
    def ask_on(client: PbxClient) -> None:
        while True:
            emulator.expire_tokens()
            client.capacity()

    with client_for(emulator) as client, pytest.raises(PbxAuthenticationError, match="5 ended early"):
        ask_on(client)
    assert count(emulator, "refresh_token") == 5


# --- log-in -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LOST)
def test_log_in_whose_answer_is_lost_is_not_sent_again(leaky_emulator: Emulator, kind: str) -> None:
    lose(leaky_emulator, "get_token", kind)
    with client_for(leaky_emulator, timeout=_TIMEOUT) as client:
        for _call in range(3):
            with pytest.raises(PbxUnreachableError, match=r"give an access token.*30 minutes") as caught:
                client.create_extension(new_extension())
            assert caught.value.ends_run
            assert not caught.value.outcome_unknown
    leaky_emulator.stop()
    assert count(leaky_emulator, "get_token") <= 1
    assert client.calls == 1


def test_wrong_secret_is_tried_once_in_a_run(emulator: Emulator) -> None:
    with client_for(emulator, client_secret="Wrong") as client:
        for _call in range(10):
            with pytest.raises(PbxAuthenticationError, match=r"errcode -1 .*pbx_client_id and pbx_client_secret"):
                client.capacity()
    assert count(emulator, "get_token") == 1
    assert emulator.state.blocked_addresses == []


def test_log_in_to_a_busy_pbx_is_tried_once_and_told(emulator: Emulator) -> None:
    emulator.fail("get_token", "errcode", errcode=_BUSY)
    with client_for(emulator) as client:
        for _call in range(3):
            with pytest.raises(PbxAnswerError, match=r"give an access token: errcode 70082 .*busy") as caught:
                client.create_extension(new_extension())
            assert caught.value.ends_run
            assert not caught.value.outcome_unknown
    assert count(emulator, "get_token") == 1


def test_no_free_token_is_told(leaky_emulator: Emulator) -> None:
    body = {"username": leaky_emulator.settings.client_id, "password": leaky_emulator.settings.client_secret}
    for _token in range(8):
        _post(leaky_emulator, "get_token", body)
    with client_for(leaky_emulator) as client, pytest.raises(PbxTokenLimitError, match="60002"):
        client.capacity()
    assert count(leaky_emulator, "get_token") == 9


def test_blocked_address_is_told(emulator: Emulator) -> None:
    for _failure in range(5):
        _post(emulator, "get_token", {"username": "x", "password": "y"})
    with client_for(emulator) as client, pytest.raises(PbxBlockedError, match="Blocked IPs"):
        client.capacity()


def test_address_off_the_allow_list_is_told(lab_authority: CertificateAuthority) -> None:
    with (
        running_emulator(authority=lab_authority, allowed_addresses=("192.0.2.0/24",)) as emulator,
        client_for(emulator) as client,
        pytest.raises(PbxBlockedError, match="allow-list"),
    ):
        client.capacity()


def test_linkus_sdk_credentials_are_told(lab_authority: CertificateAuthority) -> None:
    with running_emulator(authority=lab_authority, linkus_sdk_id="SDK", linkus_sdk_secret="SdkSecret1") as emulator:
        with (
            client_for(emulator, client_id="SDK", client_secret="SdkSecret1") as client,
            pytest.raises(PbxPermissionError, match="Linkus SDK"),
        ):
            client.extensions()
        assert emulator.state.live_tokens == 0


def test_missing_permission_is_told(lab_authority: CertificateAuthority) -> None:
    with running_emulator(
        authority=lab_authority, denied_endpoints=frozenset({"extension/create"}), extensions=1
    ) as emulator:
        with client_for(emulator) as client, pytest.raises(PbxPermissionError, match="permission") as caught:
            client.create_extension(new_extension())
        assert caught.value.ends_run
        assert emulator.state.live_tokens == 0


def test_missing_interface_is_told(emulator: Emulator) -> None:
    emulator.fail("extension/list", "errcode", errcode=10001)
    with client_for(emulator) as client, pytest.raises(PbxInterfaceError, match="pbx_url"):
        client.extensions()


def _post(emulator: Emulator, endpoint: str, body: dict[str, str]) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.post(
            f"{emulator.url}/openapi/v1.0/{endpoint}", json=body, verify=str(emulator.ca_path), timeout=10
        ).raise_for_status()


# --- signals ----------------------------------------------------------------------------------------------------------

_RUN = """
import os, sys
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.client import PbxClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.settings import PbxSettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.signals import RunInterruptedError, signals_raise

url, client_id, client_secret, ca_path = os.environ["CONNECTION"].split()
try:
    with signals_raise(), PbxClient(PbxSettings(url, client_id, client_secret, ca_path=ca_path)) as client:
        client.capacity()
        print("running", flush=True)
        while True:
            client.capacity()
except RunInterruptedError as error:
    print(error)
    sys.exit(3)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("slow", ["*", "get_token", "del_token", "none"])
def test_token_is_revoked_after_a_signal(emulator: Emulator, number: signal.Signals, slow: str) -> None:
    if slow != "none":
        # A signal then comes in the middle of such a call. After the first answer all calls are slow for "*".
        emulator.fail(slow, "latency", nth=3 if slow == "*" else 1, times=None, seconds=0.3)
    settings = emulator.settings
    connection = f"{emulator.url} {settings.client_id} {settings.client_secret} {emulator.ca_path}"
    run = subprocess.Popen(
        [sys.executable, "-c", _RUN],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(_PROJECT / ".venv" / "collections"), "CONNECTION": connection},
    )
    assert run.stdout is not None
    with run:
        assert run.stdout.readline() == "running\n"
        run.send_signal(number)
        if slow == "del_token":
            # A second one while the first is still at work.
            run.send_signal(number)
        assert number.name in run.stdout.read()
    assert run.returncode == 3
    assert emulator.state.live_tokens == 0
    assert count(emulator, "get_token") == 1


def test_signal_during_log_in_leaves_no_token(emulator: Emulator) -> None:
    # It comes when the PBX has given the token and the client has not yet noted it.
    emulator.fail("get_token", "latency", nth=1, seconds=0.3)
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM))

    def run() -> None:
        with signals_raise(), client_for(emulator) as client:
            timer.start()
            client.capacity()

    with pytest.raises(RunInterruptedError):
        run()
    timer.join()
    assert (count(emulator, "get_token"), count(emulator, "del_token")) == (1, 1)
    assert count(emulator, "system/capacity") == 0


def test_signal_during_revocation_waits_until_the_token_is_dead(emulator: Emulator) -> None:
    # It comes between a lost answer of del_token and the next attempt.
    lose(emulator, "del_token", "cut_before_work")
    hands = Hands()
    hands.in_pause(lambda: os.kill(os.getpid(), signal.SIGTERM))

    def run() -> None:
        with signals_raise(), client_for(emulator, hands) as client:
            client.capacity()

    with pytest.raises(RunInterruptedError):
        run()
    assert count(emulator, "del_token") == 2


def test_handlers_are_put_back_and_ignored_signals_stay_ignored() -> None:
    before = signal.getsignal(signal.SIGTERM)
    hangup = signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def run() -> None:
        with signals_raise():
            os.kill(os.getpid(), signal.SIGHUP)
            signal.raise_signal(signal.SIGTERM)

    try:
        with pytest.raises(RunInterruptedError, match="SIGTERM"):
            run()
        assert signal.getsignal(signal.SIGTERM) is before
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, hangup)


def test_signals_wait_while_they_are_held() -> None:
    steps = []

    def run() -> None:
        with signals_raise():
            with signals_held():
                os.kill(os.getpid(), signal.SIGTERM)
                steps.append("held")
            steps.append("never")

    with pytest.raises(RunInterruptedError):
        run()
    assert steps == ["held"]


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_second_signal_does_not_cut_the_unwinding_short(second: signal.Signals) -> None:
    before = signal.getsignal(second)
    steps = []

    def run() -> None:
        with signals_raise():
            try:
                signal.raise_signal(signal.SIGTERM)
            finally:
                signal.raise_signal(second)
                steps.append("put right")
                with signals_held():
                    signal.raise_signal(second)
                    steps.append("revoked")

    with pytest.raises(RunInterruptedError, match="SIGTERM"):
        run()
    assert steps == ["put right", "revoked"]
    assert signal.getsignal(second) is before


def test_two_signals_that_are_pending_at_once_end_the_run_once() -> None:
    steps = []
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])

    def run() -> None:
        with signals_raise():
            try:
                signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGHUP])
                os.kill(os.getpid(), signal.SIGTERM)
                os.kill(os.getpid(), signal.SIGHUP)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM, signal.SIGHUP])
            finally:
                steps.append("put right")

    try:
        with pytest.raises(RunInterruptedError):
            run()
    finally:
        # Where another thread takes a signal, the run ends while they are blocked; processes would be started so.
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    assert steps == ["put right"]


def test_other_threads_leave_signals_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def run() -> None:
        with signals_raise():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [before]


def test_interruption_is_not_taken_for_an_error_of_one_object() -> None:
    assert not issubclass(RunInterruptedError, PbxError)


# --- secrets ----------------------------------------------------------------------------------------------------------


def _fail_in_every_way(emulator: Emulator, hands: Hands) -> Iterator[str]:
    """What a person may get to see of each kind of failure."""
    kinds = ("cut_before_work", "http_500", "errcode")
    with client_for(emulator, hands, timeout=_TIMEOUT) as client:
        client.capacity()
        yield f"{client!r} {vars(client)} {client._session!r} {vars(client._session)}"
        for kind in kinds:
            for endpoint, act in (
                ("extension/list", client.extensions),
                ("extension/create", lambda: client.create_extension(new_extension())),
                ("extension/delete", lambda: client.delete_extension(1)),
            ):
                lose(emulator, endpoint, kind, nth=None)
                yield _shown(act)
                emulator.faults.clear()
        for kind in ("cut_mid_answer", "garbage", "latency"):
            lose(emulator, "system/capacity", kind, nth=None)
            yield _shown(client.capacity)
            emulator.faults.clear()
        emulator.stop()
        yield _shown(client.capacity)
        emulator.start()
        lose(emulator, "del_token", "cut_before_work", nth=None)
    yield " ".join(client.warnings)


def _shown(act: Callable[[], object]) -> str:
    try:
        act()
    except PbxError as error:
        return f"{error} {error!r} {vars(error)} {traceback.format_exc()} {_with_contexts(error)}"
    raise AssertionError("nothing failed")


def _with_contexts(error: BaseException) -> str:
    """Also what a reader of exceptions finds that shows suppressed ones too."""
    found, current = [], error.__context__
    while current is not None:
        found.append(f"{current!r} {vars(current)}")
        current = current.__context__
    return " ".join(found)


def test_no_secret_is_in_any_error_or_log(leaky_emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        shown = list(_fail_in_every_way(leaky_emulator, Hands()))
    text = " ".join([*shown, caplog.text, *(str(vars(record)) for record in caplog.records)])
    assert len(shown) == 15
    assert "access_token=***" in text
    secrets = {leaky_emulator.settings.client_secret}
    for call in leaky_emulator.calls.all():
        secrets.update(part.partition("=")[2] for part in call.raw_query.split("&") if part.startswith("access_token"))
        body = call.raw_body.decode()
        for field in ("user_password", "reg_password"):
            if f'"{field}": "' in body:
                secrets.add(body.split(f'"{field}": "')[1].split('"')[0])
    assert len(secrets) > 4
    assert [secret for secret in secrets if secret in text] == []


def test_settings_and_refusals_show_no_secret(emulator: Emulator) -> None:
    settings = PbxSettings(emulator.url, "CLIENT", emulator.settings.client_secret, ca_path=str(emulator.ca_path))
    with PbxClient(settings) as client, pytest.raises(PbxAuthenticationError) as raised:
        client.capacity()
    error = raised.value
    text = f"{error} {error!r} {vars(error)} {''.join(traceback.format_exception(error))}"
    assert "errcode -1" in text
    assert emulator.settings.client_secret not in f"{text} {settings!r} {vars(client)}"


def test_log_filter_ends_with_the_client(emulator: Emulator) -> None:
    logger = logging.getLogger("urllib3.connectionpool")
    before = list(logger.filters)
    with client_for(emulator):
        assert logger.filters != before
    assert logger.filters == before


def test_lost_answer_is_no_reason_to_end_the_run() -> None:
    assert not AnswerLostError("x").ends_run
