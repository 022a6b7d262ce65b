# SPDX-License-Identifier: GPL-3.0-or-later
"""A life: a seed makes a site and all that happens to it, round after round, and what must hold is looked at."""

from __future__ import annotations

import pickle
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from random import Random

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import IncompleteReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LedgerLockedError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.life import LifeRequest, Wanted
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.saving import GivenRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.update import Update
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import IncompleteListError
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import State
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

from lab.pbx.organizations import ROOT_ID
from lab.pbx.pbx import Pbx
from lab.pbx.settings import Settings
from lab.pbx.variants import Variants
from tests.simulator import domain_controller, ledger_in_danger, orders, pbx_in_process
from tests.simulator.administrators import DirectoryAdministrator, PbxAdministrator
from tests.simulator.clock import DAY, SimulatedClock
from tests.simulator.directory import SimulatedDirectory
from tests.simulator.domain_controller import ServerManners
from tests.simulator.invariants import (
    ALL,
    BrokenInvariantError,
    Observed,
    Undone,
    all_that_is_wanted_is_there,
    require,
)
from tests.simulator.picture import Key, Picture, outcome, take, take_again
from tests.simulator.rules import Rules, draw_rules, given
from tests.simulator.site import BASE_DN, Command, Site, Sizes
from tests.simulator.troubles import EDITED, KILLED_AFTER, KILLED_BEFORE, Fault, Side, Troubles

_RUNS_TO_REST = 3
_MOST_RUNS = 6
_MOST_TRIES = 2
_HOUR = 3600.0
_SETTINGS = {"directory_host": "dc.sim.test", "directory_base_dn": BASE_DN, "pbx_url": pbx_in_process.URL}
# What waits for a place, a name or a number that another object has, or gives up in this very run.
_WAITING = frozenset(
    {
        "no_room",
        "too_deep",
        "no_capacity",
        "name_taken",
        "name_shared",
        "object_in_use",
        "email_in_use",
        "number_in_use",
        "email_shared",
        "number_range_exhausted",
        "extension_taken",
    }
)


@dataclass(slots=True)
class Tally:
    """What a life came to, to be added up."""

    counts: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Add another life's."""
        self.counts.update(other.counts)


class Life:
    """The life of a seed.

    :param folder: where its ledgers are; nothing else uses it meanwhile.
    :param tell: takes each line of what happens.
    :ivar picture: as it was after the latest command.
    :ivar rested: the latest run, if it found nothing to do.
    :ivar runs: those that may be undone, the latest last.
    """

    def __init__(self, seed: int, folder: Path, tell: Callable[[str], None] | None = None) -> None:
        self.random = Random(seed)
        self._folder = folder
        self._tell = tell or _silent
        self.tally = Tally()
        self.site = self._draw_site()
        self.rules: Rules = {}
        self._given: list[GivenRule] = []
        self._freed: dict[str, tuple[str, datetime]] = {}
        self._ever_named: set[Key] = set()
        self._by_hand: set[Key] = set()
        self._secrets: set[str] = set()
        self._copies = self._tries = 0
        self._at_start: set[Key] = set()
        self._last_rest = False
        self._keeps_snapshot = self.random.random() < 0.3
        # Drawn apart, so that a life is otherwise the same whichever way the directory is read.
        self._full_read_every = Random(f"reading {seed}").choice((1, 3, 6))
        self._must_read_whole = False
        self.rested: Observed | None = None
        self.runs: list[Undone] = []

    # --- the beginning

    def _draw_site(self) -> Site:
        random = self.random
        clock = SimulatedClock()
        directory = SimulatedDirectory(random, tombstones_readable=random.random() < 0.85)
        variants = _draw_variants(random)
        settings = Settings(
            model=random.choice(("P550", "P570")), extension_capacity=random.choice((None, None, None, 6, 9))
        )
        pbx = Pbx(settings, variants, clock)
        small = random.random() < 0.8
        return Site(
            directory,
            pbx,
            clock,
            self._folder / "ledger.sqlite3",
            ServerManners(
                page_limit=random.choice((1000, 2, 3, 5)) if small else 1000,
                range_limit=random.choice((1500, 4, 2, 3)),
                extra_empty_pages=random.random() < 0.2,
            ),
            Sizes(
                directory_page=random.choice((2, 3, 4, 7)) if small else 1000,
                filter_terms=random.choice((2, 4, 100)),
                pbx_page=random.choice((1, 2, 3, 500)),
                query_ids=random.choice((1, 2, 100)),
            ),
            concurrency=random.choice((1, 2, 3, 8)),
        )

    def live(self) -> None:
        """Live it.

        :raises BrokenInvariantError: if something does not hold that must.
        """
        self._populate()
        self._connect()
        rounds = self.random.choice((1, 1, 2, 2, 3))
        for number in range(rounds):
            self.say(f"--- round {number + 1}")
            if number == 0 or self.random.random() < 0.15:
                self._draw_rules()
            else:
                self._let_time_pass()
            self._work_by_hand(self.random.randint(1, 6))
            self._tries = 0
            self._round()
            self._give_orders()
        self._end()
        self._look_at_the_ledger()

    def _populate(self) -> None:
        self._directory_administrator = self._administer(self.site.directory)
        self.pbx_administrator = PbxAdministrator(self.site.pbx, self.random)
        hands = self._directory_administrator
        for _time in range(self.random.randint(0, 5)):
            self.say(f"directory: {hands.add_unit()}")
        for _time in range(self.random.randint(2, 10)):
            self.say(f"directory: {hands.hire()}")
        for _time in range(self.random.randint(0, 4)):
            self.say(f"directory: {hands.add_group()}")
        self._work_by_hand(self.random.randint(0, 8))

    def _administer(self, directory: SimulatedDirectory) -> DirectoryAdministrator:
        """Somebody who works on a directory; only where each deletion can be proved are changes alone read."""
        leaves_traces = self._full_read_every > 1 and directory.tombstones_readable
        return DirectoryAdministrator(directory, self.site.clock, self.random, leaves_traces=leaves_traces)

    def _connect(self) -> None:
        request = LifeRequest("pbx_ad_connection", Wanted.CONNECTED, _SETTINGS, (), check_mode=False)
        command = self.site.change_life(request)
        require(command.error is None and not command.crash, f"connecting failed: {command.failure}{command.crash}")
        self._secrets |= command.wire.secrets
        self.picture = take(self.site)
        self._at_start = self.picture.ids

    def _draw_rules(self) -> None:
        parents = tuple(
            str(one.id)
            for one in self.site.pbx.organizations.all()
            if one.parent_id == ROOT_ID and not self._is_named(one.id)
        )
        self.rules = draw_rules(self.random, self.site.directory, parents)
        self._given = given(self.rules)
        for kind, options in self.rules.items():
            self.say(f"rule of {kind}: {options}")

    def _is_named(self, organization_id: int) -> bool:
        return (ObjectKind.ORGANIZATION, organization_id) in self._ever_named

    def _let_time_pass(self) -> None:
        days = self.random.choice((0.01, 1, 1, 2, 31))
        self.site.clock.advance(days * DAY)
        self.say(f"{days} days pass")

    def _work_by_hand(self, actions: int) -> None:
        for _time in range(actions):
            if self.random.random() < 0.6:
                self.say(f"directory: {self._directory_administrator.act()}")
            else:
                self.say(f"PBX: {self.pbx_administrator.act()}")

    # --- a round

    def _round(self) -> None:
        shown = self._show()
        if shown.error is not None:
            self._refused(shown)
            return
        kind = self.random.choice(("calm", "faults", "faults", "killed", "killed", "edited"))
        self.tally.counts[f"rounds: {kind}"] += 1
        if kind == "calm":
            self.run(self.request(), shown=shown)
            self.come_to_rest(ran=1)
            return
        if kind == "edited":
            self._run_while_hands_are_at_work(shown)
            self.come_to_rest()
            return
        twin = self._twin() if kind == "killed" or self.random.random() < 0.5 else None
        troubles = self.draw_troubles(shown, is_killed=kind == "killed")
        seen = self.run(self.request(), troubles=troubles, shown=shown)
        if self.random.random() < 0.7:
            self.site.clock.advance(_HOUR)
        self.come_to_rest()
        if twin is not None:
            self._compare(twin, seen)

    def _give_orders(self) -> None:
        """Once the night is over, an administrator looks at what was stopped, asks why, or undoes it."""
        if self.rested is not None and self.random.random() < 0.5:
            orders.let_through(self, self.rested)
        if self.rested is not None and self._keeps_snapshot:
            orders.ask_offline(self)
        if self.runs and self.random.random() < 0.3:
            orders.undo(self)

    def _show(self) -> Command:
        ledger = self.site.ledger_path.read_bytes()
        seen = self.run(self.request(check_mode=True))
        require(self.site.ledger_path.read_bytes() == ledger, "check mode wrote to the ledger")
        require([one.name for one in self._folder.iterdir() if "-" in one.name] == [], "check mode left files")
        self._require_plan_of_whole_read(seen.command)
        return seen.command

    @property
    def may_remember_hidden(self) -> bool:
        """Whether a run that reads only what changed may take something for shown that is hidden by now.

        Where the account cannot see deleted objects, it is proved that all is still there.
        """
        directory = self.site.directory
        is_hidden = any(thing.hidden for thing in directory.things.values())
        return is_hidden and self._full_read_every > 1 and directory.tombstones_readable

    def _require_plan_of_whole_read(self, shown: Command) -> None:
        """A run that reads only what changed plans as one that reads the directory whole."""
        if _how_read(shown) != "changes":
            return
        self.tally.counts["plans by changes"] += 1
        if self.may_remember_hidden:
            return
        whole = self.site.update(replace(self.request(check_mode=True), full_read_every=1))
        for name in ("plan_id", "plan_changes", "conflicts"):
            require(
                shown.values.get(name) == whole.values.get(name),
                f"by changes the {name} is {shown.values.get(name)}, by a whole read {whole.values.get(name)}",
            )
        self.tally.counts["plans by both ways of reading"] += 1

    def _refused(self, shown: Command) -> None:
        """A rule that cannot be carried out as things stand: the run says the same, and does nothing."""
        self.tally.counts["rounds: refused"] += 1
        self._require_due_refusal(shown)
        seen = self.run(self.request())
        require(seen.command.error is not None, f"check mode failed ({shown.failure}), and the run did not")
        require(seen.after.pbx == seen.before.pbx, f"a run that failed changed the PBX: {seen.command.failure}")
        self._directory_administrator.reveal_all()
        self._draw_rules()
        self._tries += 1
        if self._tries < _MOST_TRIES:
            self._round()

    def _require_due_refusal(self, command: Command) -> None:
        """Undisturbed, an answer is incomplete only where the account may not see something."""
        is_hidden = any(thing.hidden for thing in self.site.directory.things.values())
        is_incomplete = isinstance(command.error, IncompleteReadError | IncompleteListError)
        require(is_hidden or not is_incomplete, f"a whole answer was taken for an incomplete one: {command.failure}")

    def request(self, *, check_mode: bool = False, allowed: str = "") -> Update:
        """What a play asks for each night.

        :param allowed: the name of what the guard is to let through.
        """
        return Update(
            "pbx_ad_sync",
            BASE_DN,
            self._given,
            tuple(self.rules),
            check_mode=check_mode,
            allowed=allowed,
            keep_snapshot=self._keeps_snapshot,
            full_read_every=1 if self._must_read_whole else self._full_read_every,
        )

    def draw_troubles(self, shown: Command, *, is_killed: bool) -> Troubles:
        """Draw what befalls a command.

        :param shown: the same in check mode.
        """
        random = self.random
        if is_killed:
            side = self._draw_side(shown, (Side.PBX, Side.PBX, Side.LEDGER, Side.LEDGER, Side.DIRECTORY))
            faults = [self._draw_fault(shown, side, (KILLED_BEFORE, KILLED_AFTER), times=1)]
        else:
            faults = [self._draw_any_fault(shown) for _time in range(random.choice((1, 1, 2, 3, 5)))]
        for fault in faults:
            self.say(f"fault: {fault}")
        return Troubles(faults)

    def _draw_any_fault(self, shown: Command) -> Fault:
        side = self._draw_side(shown, (*[Side.DIRECTORY] * 2, *[Side.PBX] * 3, Side.LEDGER))
        kinds = {
            Side.DIRECTORY: domain_controller.FAULT_KINDS,
            Side.PBX: pbx_in_process.FAULT_KINDS,
            Side.LEDGER: ledger_in_danger.FAULT_KINDS,
        }[side]
        return self._draw_fault(shown, side, kinds, times=self.random.choice((1, 1, 1, 2, 5, 1000, 1000)))

    def _draw_side(self, shown: Command, sides: Sequence[Side]) -> Side:
        is_asked = bool(shown.troubles.steps[Side.DIRECTORY])
        return self.random.choice([side for side in sides if is_asked or side is not Side.DIRECTORY])

    def _draw_fault(self, shown: Command, side: Side, kinds: Sequence[str], *, times: int) -> Fault:
        """Draw one, at any step or at one of some kind of step, which is not as rare as it is among all."""
        random = self.random
        kind, draw = random.choice(kinds), random.getrandbits(32)
        if kind == domain_controller.LIMITED:
            return Fault(side, random.randint(1, 8), kind, draw, 1000)
        if side is Side.PBX and kind in pbx_in_process.HIDING:
            return Fault(side, random.randint(1, 3), kind, draw, times, random.choice(_READS))
        if kind == pbx_in_process.REFUSED and _calls_of(shown):
            return Fault(side, random.randint(1, 3), kind, draw, times, random.choice(_calls_of(shown)))
        if random.random() < 0.6:
            return Fault(side, random.randint(1, 3), kind, draw, times, random.choice(_steps_of(shown, side)))
        steps, changes = shown.troubles.steps[side], len(shown.report.outcomes) if shown.report is not None else 0
        more = {Side.DIRECTORY: 0, Side.PBX: changes, Side.LEDGER: 8 * changes + 20}[side]
        return Fault(side, random.randint(1, steps + more), kind, draw, times)

    def _run_while_hands_are_at_work(self, shown: Command) -> None:
        random = self.random
        truths = [_copy_of(self.site.directory)]
        before = take_again(self.site, self.picture)
        hands = self.pbx_administrator
        hands.touched, hands.spared = set(), {*before.named}

        def edit(fault: Fault) -> None:
            if fault.side is Side.DIRECTORY:
                self.say(f"meanwhile, directory: {self._directory_administrator.act()}")
                truths.append(_copy_of(self.site.directory))
                return
            if fault.draw % 4 == 0:
                self._try_a_second_run()
            known = before.ids if random.random() < 0.8 else set()
            hands.spared = take_again(self.site, before).ids - known
            self.say(f"meanwhile, PBX: {hands.act()}")

        steps = shown.troubles.steps
        changes = len(shown.report.outcomes) if shown.report is not None else 0
        faults = [
            Fault(Side.PBX, random.randint(1, steps[Side.PBX] + changes), EDITED, random.getrandbits(32))
            for _time in range(random.randint(1, 4))
        ]
        if random.random() < 0.4:
            faults.append(
                Fault(Side.DIRECTORY, random.randint(1, steps[Side.DIRECTORY]), EDITED, random.getrandbits(32))
            )
        self.run(self.request(), troubles=Troubles(faults, edit), truths=truths, touched=hands.touched)
        hands.spared = ()

    def _try_a_second_run(self) -> None:
        """While a run writes, another one is refused."""
        second = self.site.update(self.request(check_mode=self.random.random() < 0.5))
        require(isinstance(second.error, LedgerLockedError), f"a second run went on beside the first: {second.failure}")
        self.tally.counts["second runs refused"] += 1

    # --- rest

    def come_to_rest(self, ran: int = 0) -> None:
        """Run undisturbed until nothing is left to do: at the third run at the latest."""
        waited = self._last_rest = False
        self.rested = None
        for number in range(ran, _MOST_RUNS):
            seen = self.run(self.request())
            command = seen.command
            if command.error is not None:
                self.say(f"the run is refused: {command.failure}")
                self.tally.counts["rests refused"] += 1
                self._require_due_refusal(command)
                self._directory_administrator.reveal_all()
                self._draw_rules()
                return
            if self._is_at_rest(seen):
                require(not command.changed, "a run that had nothing to do says that it changed something")
                self._look_at_rest(seen)
                self._last_rest, self.rested = not waited, seen
                return
            waited = waited or self._waits(command)
            require(
                number < _RUNS_TO_REST - 1 or waited,
                f"after {number + 1} undisturbed runs there is still something to do: {command.values['plan_changes']}",
            )
        require(waited, "it does not come to rest")
        self.tally.counts["rests given up"] += 1

    def _is_at_rest(self, seen: Observed) -> bool:
        report = seen.command.report
        assert report is not None
        waiting = all(one.state in (State.STOPPED, State.DEFERRED) for one in report.outcomes)
        refreshed = any(stage.plan.refreshed for stage in report.stages)
        idle = not seen.command.wire.writes and not seen.command.changed and not refreshed and not report.recovered
        return idle and waiting

    def _waits(self, command: Command) -> bool:
        """Whether something failed, was stopped or could not be done as asked, so that it comes with a later run."""
        codes = {conflict["code"] for conflict in command.values.get("conflicts", ())}
        deferred = command.values.get("summary", {}).get("deferred")
        return bool(command.failure) or bool(deferred) or not codes.isdisjoint(_WAITING)

    def _look_at_rest(self, seen: Observed) -> None:
        require(seen.after.pbx == seen.before.pbx, "a run that had nothing to do changed the PBX")
        require(
            seen.before.associations == seen.after.associations, "a run that had nothing to do changed associations"
        )
        require(seen.before.objects == seen.after.objects, "a run that had nothing to do changed associations")
        require(not seen.after.unfinished, "the journal has open rows at rest")
        self._require_no_orphan(seen.after)
        all_that_is_wanted_is_there(seen)
        self.tally.counts["rests"] += 1

    def _require_no_orphan(self, picture: Picture) -> None:
        """At rest, all that runs have ever made is some association's, or was."""
        for kind, id_ in sorted(picture.ids - self._at_start - self._by_hand - self._ever_named):
            raise BrokenInvariantError(f"the {kind} with id {id_} was made by a run and belongs to nobody")

    # --- the same end

    def _twin(self) -> Life:
        """A copy of the life that goes on undisturbed, to rest."""
        twin = object.__new__(Life)
        twin.__dict__.update(self.__dict__)
        self._copies += 1
        twin.site = self.site.copy(self._folder / f"twin{self._copies}.sqlite3")
        twin.random = pickle.loads(pickle.dumps(self.random))  # noqa: S301 (our own)
        twin._freed, twin._ever_named, twin._by_hand = dict(self._freed), set(self._ever_named), set(self._by_hand)
        twin._directory_administrator = twin._administer(twin.site.directory)
        twin.pbx_administrator = PbxAdministrator(twin.site.pbx, twin.random)
        twin._tell = _silent
        twin.tally, twin.runs = Tally(), []
        twin.come_to_rest()
        return twin

    def _compare(self, twin: Life, seen: Observed) -> None:
        """A run that was disturbed, and run again, ends where it would have ended."""
        hiding = {*domain_controller.HIDING, *pbx_in_process.HIDING}
        if not twin._last_rest or not self._last_rest or seen.is_hit_by(hiding):
            return
        if seen.rules.get(RuleKind.USERS, {}).get("number_rest_days") == 0:
            # A number that does not rest is free from the next run on, and a run that was cut off is two of them.
            return
        found, wanted = outcome(self.picture), outcome(twin.picture)
        for what, things in wanted.items():
            differing = {
                key: (found[what].get(key), things.get(key))
                for key in sorted({*found[what], *things})
                if found[what].get(key) != things.get(key)
            }
            require(not differing, f"it does not end where an undisturbed run ends; {what}: {differing}")
        self.tally.counts["same ends"] += 1

    # --- the end

    def _end(self) -> None:
        ends = {
            "nothing": lambda: None,
            "foreign": self._try_foreign_ends,
            "pause": self._pause,
            "disable": lambda: self._end_by(Wanted.DISABLED),
            "disconnect": lambda: self._end_by(Wanted.DISCONNECTED),
        }
        chosen = self.random.choice(("nothing", "nothing", "foreign", "pause", "disable", "disconnect"))
        self.say(f"--- end: {chosen}")
        self.tally.counts[f"ends: {chosen}"] += 1
        ends[chosen]()

    def _try_foreign_ends(self) -> None:
        """A ledger of another PBX, or of another domain, is refused."""
        self._copies += 1
        site = self.site.copy(self._folder / f"foreign{self._copies}.sqlite3")
        if self.random.random() < 0.5:
            site.pbx.settings = replace(site.pbx.settings, serial_number="3631A9999999")
        else:
            domain = site.directory.things.pop(site.directory.domain)
            site.directory.domain = domain.guid = "00000000-0000-4000-8000-000000000001"
            site.directory.things[domain.guid] = domain
            for thing in site.directory.things.values():
                thing.parent = (
                    domain.guid if thing.parent and thing.parent not in site.directory.things else thing.parent
                )
            site.directory.touch()
        before = take(site)
        command = site.update(self.request())
        after = take(site)
        require(command.error is not None, f"a foreign end was taken for the own one: {command.values}{command.crash}")
        require((before.pbx, before.associations, before.objects) == (after.pbx, after.associations, after.objects), "")

    def _pause(self) -> None:
        kind = self.random.choice(list(self.rules))
        paused = given({kind: {**self.rules[kind], "enabled": False}})
        request = Update("pbx_ad_sync", BASE_DN, paused, (kind,), check_mode=False, clean_up=True)
        self._clean_up(lambda troubles: self.site.update(request, troubles), (kind,), (kind,))

    def _end_by(self, wanted: Wanted) -> None:
        kinds = [kind for kind in RuleKind if self.random.random() < 0.6]
        request = LifeRequest("pbx_ad_connection", wanted, _SETTINGS, kinds, check_mode=False)
        ended = tuple(RuleKind) if wanted is Wanted.DISCONNECTED else tuple(kinds)
        self._clean_up(lambda troubles: self.site.change_life(request, troubles), ended, kinds)
        after = take(self.site)
        if wanted is Wanted.DISCONNECTED and after.integration is None:
            require(not after.associations and not after.objects, "associations outlive the integration")

    def _clean_up(
        self, run: Callable[[Troubles], Command], ended: Sequence[RuleKind], deleted: Sequence[RuleKind]
    ) -> None:
        """Delete and release, perhaps disturbed, and again until nothing is left of what was to go."""
        if self.random.random() < 0.5:
            side = self.random.choice((Side.PBX, Side.LEDGER))
            kind = self.random.choice((KILLED_BEFORE, KILLED_AFTER, *pbx_in_process.FAULT_KINDS))
            if side is Side.LEDGER:
                kind = self.random.choice((KILLED_BEFORE, KILLED_AFTER))
            fault = Fault(side, self.random.randint(1, 40), kind, self.random.getrandbits(32))
            self.say(f"fault: {fault}")
            self.observe(run, Troubles([fault]), ended=ended)
            self.site.clock.advance(_HOUR)
        seen = self.observe(run, Troubles(), ended=ended)
        if seen.command.failure or seen.command.values.get("conflicts"):
            return
        held = {(one.kind, one.guid) for one in seen.after.objects.values() if one.rule in deleted}
        require(not held, f"after the clean-up {held} are still associated")
        require(RuleKind.USERS not in deleted or not seen.after.associations, "users are still associated")

    def _look_at_the_ledger(self) -> None:
        """No secret of the whole life is in the ledger's file."""
        content = self.site.ledger_path.read_bytes()
        with ledger_in_danger.looked_at(self.site.ledger_path) as ledger:
            snapshot = ledger.snapshot()
        if snapshot is not None:
            content += zlib.decompress(snapshot.content)
        for secret in self._secrets:
            require(secret.encode() not in content, "a secret is in the ledger")

    # --- a command

    def run(
        self,
        request: Update,
        *,
        troubles: Troubles | None = None,
        shown: Command | None = None,
        truths: Sequence[SimulatedDirectory] = (),
        touched: set[Key] | None = None,
    ) -> Observed:
        """Save the rules and carry them out; see ``observe``."""
        seen = self.observe(
            lambda own: self.site.update(request, own),
            troubles or Troubles(),
            shown=shown if touched is None else None,
            truths=truths,
            touched=touched,
            allowed=request.allowed,
        )
        if seen.run_id and touched is None:
            self.runs.append(Undone(seen.run_id, seen.before, seen.after, seen.command.written))
        return seen

    def observe(
        self,
        run: Callable[[Troubles], Command],
        troubles: Troubles,
        *,
        shown: Command | None = None,
        truths: Sequence[SimulatedDirectory] = (),
        touched: set[Key] | None = None,
        ended: Sequence[RuleKind] = (),
        allowed: str = "",
        undone: Undone | None = None,
    ) -> Observed:
        """Give a command and look at all that must hold of it; the parameters are those of ``Observed``.

        :raises BrokenInvariantError: if something does not hold.
        """
        before, at = take_again(self.site, self.picture), self.site.clock.time()
        command = run(troubles)
        self._tell_of(command)
        after = self.picture = take(self.site)
        seen = Observed(
            command=command,
            before=before,
            after=after,
            rules=self.rules,
            truths=truths or (self.site.directory,),
            at=at,
            shown=shown,
            touched=touched or (),
            freed=dict(self._freed),
            ended=ended,
            allowed=allowed,
            undone=undone,
        )
        for invariant in ALL:
            invariant(seen)
        self._note(seen)
        return seen

    def _note(self, seen: Observed) -> None:
        self._secrets |= seen.command.wire.secrets
        if not seen.command.check_mode:
            # What a server hides without a sign at one run may be hidden until the directory is read whole again.
            self._must_read_whole = seen.is_hit_by(domain_controller.HIDING)
        self._ever_named |= {*seen.before.named, *seen.after.named}
        self._by_hand |= {*self.pbx_administrator.touched, *seen.given_back}
        for guid, one in seen.before.associations.items():
            if guid not in seen.after.associations and one.extension_id not in seen.after.extensions:
                self._freed[one.number] = (guid, seen.at)
        for one in seen.after.associations.values():
            if one.extension_id in seen.after.extensions:
                self._freed.pop(one.number, None)
        counts = self.tally.counts
        counts["commands"] += 1
        counts["calls"] += len(seen.command.wire.sent)
        counts["writes"] += sum(1 for one in seen.command.wire.writes if one.done)
        counts["searches"] += seen.command.troubles.steps[Side.DIRECTORY]
        counts["kills"] += seen.command.is_killed
        for fault in seen.command.troubles.hit:
            counts[f"fault: {fault.side} {fault.kind}"] += 1

    def _tell_of(self, command: Command) -> None:
        if self._tell is _silent:
            return
        self.say(f"{command.name}{' in check mode' if command.check_mode else ''}:")
        for line in command.troubles.log:
            self.say(f"    {line}")
        for line in command.values.get("plan_changes", ()):
            self.say(f"  plan: {line}")
        if command.report is not None:
            for outcome_ in command.report.outcomes:
                self.say(f"  {outcome_.state}: {outcome_.change.key} {outcome_.change.name} {outcome_.detail}")
        self.say(f"  came to: {'killed' if command.is_killed else command.failure or 'success'}{command.crash}")

    def say(self, line: str) -> None:
        """Tell what happens."""
        self._tell(line)


_QUESTIONS = (
    "objectGUID=",
    "1.2.840.113556.1.4.1941",
    "objectCategory=group",
    "=person",
    "=organizationalUnit",
    "BASE",
)
_READS = ("extension/list", "extension/query", "extensiongroup/list", "extensiongroup/query", "organization/list")
_TOKENS = ("get_token", "del_token", "system/information")
_STATEMENTS = ("COMMIT", "BEGIN", "INSERT INTO journal", "UPDATE journal", "associations", "runs", "rules")
_FAMILIES = {
    ObjectKind.EXTENSION: "extension",
    ObjectKind.EXTENSION_GROUP: "extensiongroup",
    ObjectKind.ORGANIZATION: "organization",
}
_CALLS = {
    Action.PARK: "update",
    Action.UNPARK: "update",
    Action.CREATE: "create",
    Action.UPDATE: "update",
    Action.ASSOCIATE: "update",
    Action.DELETE: "delete",
}


def _how_read(command: Command) -> str:
    return str(command.values.get("directory_read", {}).get("how", ""))


def _steps_of(shown: Command, side: Side) -> list[str]:
    """The kinds of steps that a run will take on a side, by what they hold."""
    if side is Side.LEDGER:
        return list(_STATEMENTS)
    if side is Side.DIRECTORY:
        return [one for one in _QUESTIONS if any(one in line for line in shown.troubles.log)] or [""]
    calls = _calls_of(shown)
    return [*_READS, *_TOKENS, *calls * 3, *(f"{call.partition('/')[0]}/get" for call in calls)]


def _calls_of(shown: Command) -> list[str]:
    """The writes that a run will send."""
    planned = [outcome_.change for outcome_ in shown.report.outcomes] if shown.report is not None else []
    return sorted({f"{_FAMILIES[one.kind]}/{_CALLS[one.action]}" for one in planned if one.action in _CALLS})


def _silent(_line: str) -> None:
    """Tell nobody."""


def _copy_of(directory: SimulatedDirectory) -> SimulatedDirectory:
    directory.touch()
    copied: SimulatedDirectory = pickle.loads(pickle.dumps(directory))  # noqa: S301 (our own)
    return copied


def _draw_variants(random: Random) -> Variants:
    """A PBX that answers the open questions of its API in one of the ways that it may."""
    choices: dict[str, tuple[object, ...]] = {
        "member_info": ("reference", "reference_without_user_type", "ext_id"),
        "organization_info": ("value", "id"),
        "nested_shapes_accepted": ("any", "own"),
        "nested_organization_numbers_as_strings": (False, True),
        "integers_as_strings": (False, True),
        "create_returns_id": (True, False),
        "update_requires_organization_list": (False, True),
        "page_size_cap": (10_000, 1, 2, 3),
        "page_size_beyond_cap": ("capped", "refused"),
        "query_ids_max": (None, 1, 2),
        "query_ids_beyond_max": ("refused", "truncated"),
        "query_unknown_ids": ("left_out", "refused"),
        "group_rename": ("ignored", "refused", "accepted"),
        "group_update_resets_flags": (False, True),
        "group_of_all_lists_members": (False, True),
        "group_without_members": ("accepted", "refused"),
        "organization_sibling_names_unique": (True, False),
        "organization_with_children_deleted": ("refused", "with_children"),
        "members_of_deleted_organization": ("to_root", "to_parent"),
        "preference_api": (True, True, True, False),
        "unknown_id_errcode": (60001, 40002),
        "unknown_id_on_delete_errcode": (60001, 40002),
        "error_http_status": (200, 400),
        "invalid_value_echoed": (False, True),
        "old_token_survives_refresh": (False, True),
    }
    changes = {name: random.choice(values) for name, values in choices.items() if random.random() < 0.3}
    return Variants().changed(**changes)
