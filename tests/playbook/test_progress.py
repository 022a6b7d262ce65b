# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback plugin shows how far a run has come: lines in a log, a bar on a terminal, nothing where it is off."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from collections.abc import Mapping
from contextlib import suppress

import pytest

from tests.playbook.playbook_site import SITE, PlaybookSite, environment_of

_ENABLED = {"ANSIBLE_CALLBACKS_ENABLED": "pbxops.yeastar.progress"}
_TERMINAL = {"TERM": "xterm-256color"}
_ERASE = "\r\x1b[K"
_LINE = re.compile(
    r"headquarters: (\d+) of 40 changes \(\d+ %\)"
    r"(?:, 1 failed)?(?: in \d:\d\d|, \d+\.\d a second, about \d:\d\d left)?"
)


def _add_people(site: PlaybookSite, count: int) -> None:
    for number in range(count):
        site.add_user(f"Person {number:02}")


def _on_a_terminal(site: PlaybookSite, *arguments: str, environment: Mapping[str, str]) -> str:
    """Run ansible-playbook on a terminal; return all that was written there."""
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        ["ansible-playbook", SITE, *arguments],
        cwd=site.folder,
        env={**environment_of(site.folder), **environment},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    written = b""
    # A terminal that nobody writes to any more is an error to who reads it.
    with suppress(OSError):
        while got := os.read(ours, 65536):
            written += got
    os.close(ours)
    assert running.wait() == 0, written.decode()
    return written.decode().replace("\r\n", "\n")


def _left_on_screen(written: str) -> str:
    """What is to be seen at the end, where lines are erased and written anew."""
    return "\n".join(line.rpartition(_ERASE)[2] for line in written.split("\n"))


def _left_behind(site: PlaybookSite) -> list[str]:
    return [str(path) for path in site.folder.rglob("progress*")]


def test_without_a_terminal_lines_tell_how_far_it_has_come(site: PlaybookSite) -> None:
    _add_people(site, 40)
    inventory = str(site.inventory(site.variables))
    site.pbx.fail("extension/create", "latency", seconds=0.1, nth=1, times=None)
    site.pbx.fail("extension/create", "errcode", nth=20, errcode=40002)

    played = site.run(["ansible-playbook", SITE, "-i", inventory], _ENABLED)

    lines = [line for line in played.errors.splitlines() if " changes (" in line]
    counts = [int(found[1]) for line in lines if (found := _LINE.fullmatch(line))]
    assert len(counts) == len(lines)
    assert counts[-1] == 40
    # By parts of ten in a hundred, the first and the last; how many of them are seen in time is the machine's matter.
    assert 3 <= len(counts) <= 12
    assert counts == sorted(counts)
    assert "100 %), 1 failed in" in lines[-1]
    assert " changes (" not in played.output
    assert len(site.names) == 39
    assert _left_behind(site) == []

    again = site.run(["ansible-playbook", SITE, "-i", inventory], {**_ENABLED, "PBX_AD_PROGRESS_PERCENT": "0"})
    assert again.errors.splitlines()[-1].startswith("headquarters: 1 of 1 changes (100 %) in ")
    nothing_to_do = site.run(["ansible-playbook", SITE, "-i", inventory], _ENABLED)
    assert (nothing_to_do.status, nothing_to_do.errors) == (0, "")


def test_on_a_terminal_a_bar_is_rewritten_and_is_gone_at_the_end(site: PlaybookSite) -> None:
    _add_people(site, 40)
    inventory = str(site.inventory(site.variables))
    site.pbx.fail("extension/create", "latency", seconds=0.1, nth=1, times=None)

    written = _on_a_terminal(site, "-i", inventory, environment={**_ENABLED, **_TERMINAL})

    bars = re.findall(r"headquarters  \[(#*)(-*)\]  (\d+) of 40  (\d+) %", written)
    assert len({done for _full, _empty, done, _percent in bars}) >= 2
    assert all(len(full) == len(full + empty) * int(done) // 40 for full, empty, done, _percent in bars)
    screen = _left_on_screen(written)
    assert " of 40 " not in screen
    assert "\nchanged: [headquarters]\n" in screen
    assert "\nPLAY RECAP" in screen
    assert len(site.names) == 40
    assert _left_behind(site) == []


@pytest.mark.parametrize(
    "environment",
    [
        {**_ENABLED, **_TERMINAL, "PBX_AD_PROGRESS": "nothing"},
        {**_ENABLED, "TERM": "dumb", "PBX_AD_PROGRESS": "bar"},
    ],
    ids=["nothing", "no bar possible"],
)
def test_where_it_is_off_there_is_not_a_byte_more(site: PlaybookSite, environment: Mapping[str, str]) -> None:
    _add_people(site, 3)
    inventory = str(site.inventory(site.variables))
    site.pbx.fail("extension/create", "latency", seconds=0.3, nth=1, times=None)

    written = _on_a_terminal(site, "-i", inventory, environment=environment)

    assert len(site.names) == 3
    assert "\x1b[K" not in written
    assert " of 3 " not in written
    assert "reads and plans" not in written
    assert _left_behind(site) == []
