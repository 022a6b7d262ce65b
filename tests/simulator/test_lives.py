# SPDX-License-Identifier: GPL-3.0-or-later
"""Some thousand lives, in chunks that two workers share; a failure says how to live it again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulator.soak import live, live_all, replay_command

_ROOT = Path(__file__).parents[2]
_CHUNK = 25
_CHUNKS = 95
_TRACED = (3, 8, 21)


def _live_chunk(number: int) -> None:
    lived = live_all(range(number * _CHUNK, (number + 1) * _CHUNK))
    told = "\n\n".join(f"{failure}\n    {replay_command(seed)}" for seed, failure in lived.failures.items())
    assert not lived.failures, told
    # A life in which nothing happens would prove nothing.
    assert lived.tally.counts["writes"] > _CHUNK
    assert lived.tally.counts["rests"] > _CHUNK


class TestLives:
    """The first half."""

    @pytest.mark.parametrize("number", range(0, _CHUNKS, 2))
    def test_whatever_befalls_a_site_what_must_hold_does(self, number: int) -> None:
        _live_chunk(number)


class TestOtherLives:
    """The other half: a worker takes a class as a whole."""

    @pytest.mark.parametrize("number", range(1, _CHUNKS, 2))
    def test_whatever_befalls_a_site_what_must_hold_does(self, number: int) -> None:
        _live_chunk(number)


def test_a_life_is_the_same_whenever_it_is_lived() -> None:
    traces = [_traced(hash_seed) for hash_seed in ("1", "2")]
    assert traces[0] == traces[1]
    assert len(traces[0]) > 100


def _traced(hash_seed: str) -> list[str]:
    """What is told of some lives by a process of its own, whose sets have their own order."""
    code = f"from tests.simulator.soak import live\nfor seed in {_TRACED!r}: live(seed, print)"
    paths = [str(_ROOT), str(_ROOT / ".venv" / "collections")]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=_ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(paths)},
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout.splitlines()


def test_one_command_lives_a_life_again_and_tells_all_of_it() -> None:
    command = replay_command(3).split()
    assert command[0] == "python"
    done = subprocess.run(
        [sys.executable, *command[1:]], cwd=_ROOT, check=True, capture_output=True, text=True, timeout=120
    )
    told: list[str] = []
    live(3, told.append)
    assert [line for line in told if line.startswith("---")] == [
        line for line in done.stdout.splitlines() if line.startswith("---")
    ]
