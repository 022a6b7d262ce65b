# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that read what changed plan as runs that read the directory whole, whatever is done to the directory."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.life import LifeRequest, Wanted
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.saving import GivenRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.update import Update

from lab.pbx.pbx import Pbx
from lab.pbx.settings import Settings
from lab.pbx.variants import Variants
from tests.simulator import pbx_in_process
from tests.simulator.administrators import DirectoryAdministrator
from tests.simulator.clock import DAY, SimulatedClock
from tests.simulator.directory import SimulatedDirectory
from tests.simulator.rules import draw_rules, given
from tests.simulator.site import BASE_DN, Command, Site

_NIGHTS = 5
_SEEDS = 40
_SETTINGS = {"directory_host": "dc.sim.test", "directory_base_dn": BASE_DN, "pbx_url": pbx_in_process.URL}


class Nights:
    """A site on which the directory is worked on, and a run follows, night after night."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.random = Random(seed)
        self.clock = SimulatedClock()
        self.directory = SimulatedDirectory(self.random, tombstones_readable=self.random.random() < 0.7)
        pbx = Pbx(Settings(model="P570"), Variants(), self.clock)
        self.site = Site(self.directory, pbx, self.clock, folder / f"{seed}.sqlite3")
        self.hands = DirectoryAdministrator(
            self.directory, self.clock, self.random, leaves_traces=self.directory.tombstones_readable
        )
        self.rules: list[GivenRule] = []
        self.told: Counter[str] = Counter()

    def live(self) -> None:
        """Let the nights pass; each plan by changes is compared with one by a whole read."""
        for _time in range(14):
            self.hands.hire()
        for _time in range(3):
            self.hands.add_unit()
            self.hands.add_group()
        rules = draw_rules(self.random, self.directory, ())
        self.rules = given({kind: {**options, "guard": None} for kind, options in rules.items()})
        self.site.change_life(LifeRequest("pbx_ad_connection", Wanted.CONNECTED, _SETTINGS, (), check_mode=False))
        self.site.update(self._request(3))
        for _night in range(_NIGHTS):
            self._work()
            self._compare()
            self.site.update(self._request(3))
            self.clock.advance(self.random.choice((0.1, 0.1, 0.1, 1, 3)) * DAY)

    def _work(self) -> None:
        for _time in range(self.random.choice((0, 1, 1, 2, 3, 6))):
            self.hands.act()
        if self.directory.tombstones_readable:
            # Of what the account may no longer see a run of changes knows nothing, see docs/incremental.md.
            self.hands.reveal_all()
        chance = self.random.random()
        if chance < 0.08:
            self.directory.let_another_answer()
        elif chance < 0.12:
            self.directory.account_groups = self.random.randbytes(4)

    def _compare(self) -> None:
        by_changes = self.site.update(self._request(3, check_mode=True))
        whole = self.site.update(self._request(1, check_mode=True))
        how = by_changes.values.get("directory_read", {}).get("how", "")
        self.told[how] += 1
        if how == "changes":
            assert by_changes.failure == whole.failure
            assert _plan(by_changes) == _plan(whole)

    def _request(self, full_read_every: int, *, check_mode: bool = False) -> Update:
        kinds = tuple(one.kind for one in self.rules)
        return Update("pbx_ad_sync", BASE_DN, self.rules, kinds, check_mode=check_mode, full_read_every=full_read_every)


def _plan(command: Command) -> tuple[object, ...]:
    values = command.values
    return values.get("plan_id"), values.get("plan_changes"), values.get("conflicts"), values.get("changes")


def test_runs_that_read_changes_plan_as_whole_ones(tmp_path: Path) -> None:
    told: Counter[str] = Counter()
    for seed in range(_SEEDS):
        nights = Nights(seed, tmp_path)
        nights.live()
        told.update(nights.told)
    # Nights in which all is read whole anyway would prove nothing.
    assert told["changes"] > _SEEDS
    assert told["whole"] > _SEEDS / 2
